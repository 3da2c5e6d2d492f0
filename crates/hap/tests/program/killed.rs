//! A demo that is killed: what was acknowledged is there afterwards, every log is intact, and the chain goes on.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::common::{HAP, Running, Visitor, address, must, start, tour};
use serde_json::{Value, json};

const POINTS: u64 = 20;
const SEED: u64 = 0x5eed;
/// Changes that one tour makes, about.
const CHANGES: u64 = 80;

/// The same numbers for the same seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn demo(data: &Path) -> (Running, String) {
    let (demo, line) = start(data, &["demo", "--port", "0", "--persons", "1500"]);
    (demo, address(&line))
}

/// Begins a tour and kills the demo a moment after the change number `changes` was acknowledged. Gives the journal.
fn killed_tour(data: &Path, changes: u64, moment: Duration) -> Vec<Value> {
    let (running, url) = demo(data);
    let mut tour = Command::new(HAP)
        .args(["tour", "--journal", "/dev/stdout", "--url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(tour.stdout.take().unwrap()).lines();
    let mut running = Some(running);
    let mut journal = Vec::new();
    // Read to the end: what was acknowledged in the last moment counts too.
    for line in lines.map(Result::unwrap).filter(|l| l.starts_with('{')) {
        journal.push(serde_json::from_str(&line).unwrap());
        if journal.len() as u64 >= changes
            && let Some(running) = running.take()
        {
            std::thread::sleep(moment);
            drop(running);
        }
    }
    let _ = tour.wait();
    journal
}

/// The visitors of one site, each logged in once.
struct Visitors {
    url: String,
    known: BTreeMap<String, Visitor>,
}

impl Visitors {
    fn get(&mut self, persona: &str, path: &str) -> (u16, Value) {
        let url = &self.url;
        self.known.entry(persona.to_owned()).or_insert_with(|| Visitor::persona(url, persona)).get(path)
    }
}

/// Every line of the journal is still true.
fn nothing_is_lost(visitors: &mut Visitors, journal: &[Value]) {
    let mut child = false;
    for line in journal {
        let (persona, path, answer) =
            (line["persona"].as_str().unwrap(), line["path"].as_str().unwrap(), &line["answer"]);
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}")).to_owned();
        if path == "/api/v1/cases" {
            let (status, draft) = visitors.get(persona, &format!("/api/v1/cases/{}/draft", text("id")));
            assert!(status == 200 || status == 409, "the case is gone: {line} {draft}");
        } else if let Some(rest) = path.strip_prefix("/api/v1/cases/") {
            let case = rest.split('/').next().unwrap();
            let (mut status, mut view) = visitors.get(persona, &format!("/api/v1/cases/{case}"));
            if status != 200 || view["version"].is_null() {
                (status, view) = visitors.get(persona, &format!("/api/v1/cases/{case}/draft"));
            }
            assert_eq!(status, 200, "{line}");
            assert!(view["version"].as_i64() >= answer["version"].as_i64(), "{line} against {}", view["version"]);
        } else if path == "/api/v1/explore/run" {
            let (_, run) = visitors.get(persona, &format!("/api/v1/explore/runs/{}", text("id")));
            assert_eq!((&run["state"], &run["released"]), (&answer["state"], &answer["released"]), "{line}");
        } else if path == "/api/v1/me/represent" {
            child = !child;
        } else if path == "/api/v1/me/choices" && !child {
            let (status, _) = visitors.get(persona, &format!("/api/v1/me/receipts/{}", text("number")));
            assert_eq!(status, 200, "{line}");
        }
    }
}

/// Every permit that was acknowledged ends in opened deliveries, wherever the chain was cut.
fn the_chain_goes_on(visitors: &mut Visitors, journal: &[Value]) {
    let issued = journal.iter().filter(|l| l["path"].as_str().unwrap().ends_with("/commands/issue_decision"));
    for line in issued {
        let case = line["answer"]["id"].as_str().unwrap();
        let (_, view) = visitors.get("researcher", &format!("/api/v1/cases/{case}"));
        let series = view["decision"]["permit"]["series"].as_str().unwrap_or_else(|| panic!("no permit in {view}"));
        // Patience is counted in answers: while the machine's disk stands still, no time has passed for the chain either.
        let mut patience = 1200;
        loop {
            let (_, seen) = visitors.get("researcher", &format!("/api/v1/permits/{series}/deliveries"));
            let deliveries = seen["deliveries"].as_array().cloned().unwrap_or_default();
            let opened = |d: &Value| d["state"] == "opened" || d["state"]["state"] == "opened";
            if !deliveries.is_empty() && deliveries.iter().all(opened) {
                break;
            }
            patience -= 1;
            assert!(patience > 0, "after a minute not everything is delivered: {seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_demo_killed_at_twenty_points_of_the_tour_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = folder.path().join("prepared");
    must(&prepared, &["demo", "--port", "0", "--persons", "1500", "--prepare-only"]);
    let mut numbers = Numbers(SEED);
    for point in 0..POINTS {
        let data = folder.path().join(format!("point-{point}"));
        copy(&prepared, &data);
        let (changes, moment) = (1 + numbers.below(CHANGES), Duration::from_micros(numbers.below(60_000)));
        let journal = killed_tour(&data, changes, moment);
        let (running, url) = demo(&data);
        let mut visitors = Visitors { url: url.clone(), known: BTreeMap::new() };
        nothing_is_lost(&mut visitors, &journal);
        the_chain_goes_on(&mut visitors, &journal);
        if point + 1 == POINTS {
            // And a whole new chain, once the reservations that were cut short are withdrawn.
            let citizen = Visitor::persona(&url, "citizen");
            citizen.post("/api/v1/me/choices", &json!({"choice": "reservation", "scope": "npr", "value": false}));
            tour(&url);
        }
        drop(running);
        must(&data, &["audit", "verify", "--bodies"]);
        std::fs::remove_dir_all(&data).unwrap();
    }
}
