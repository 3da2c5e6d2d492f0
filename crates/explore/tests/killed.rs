//! A number that has left is never followed by another one for the same persons, whenever the process is killed (SDC-055,
//! issue Gate). A real process is killed with a real signal: between computing and writing, while a batch is written,
//! between writing and handing out, and after. Those that come after it have other noise keys, so that a number that is
//! the same can only come from the ledger.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test; the child speaks on standard output")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use disclosure::{
    Candidate, Ctx, Fingerprint, Gate, GateKeys, KnownSet, Ledger, LedgerEntry, LedgerError, Policy, Sketch, Stored,
    Unmetered, Value, ValueKey, person_id,
};
use engine::raw::{Keyed, PersonSet, RawCategory, RawCell, RawDimension, RawTable};
use engine::{Members, Raw};
use explore::{DurableLedger, MembersOnDisk};
use kernel::{CryptoError, Sealer, Timestamp};
use roaring::RoaringBitmap;

/// Where the child works; its presence makes a test the child.
const FOLDER: &str = "HAP_TEST_KILLED_FOLDER";
const NOISE: &str = "HAP_TEST_KILLED_NOISE";
const TABLES: &str = "HAP_TEST_KILLED_TABLES";

/// Tells where the child is, and waits for the word to go on.
fn at(point: &str) {
    println!("\n@ {point}");
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).unwrap();
}

/// Tells when a batch of the ledger is about to be sealed.
struct Telling(testkit::FixedSealer);

impl Sealer for Telling {
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if place.starts_with("gate_ledger/") {
            at("sealing");
        }
        self.0.seal(place, plain)
    }
    fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.open(place, sealed)
    }
}

/// Tells when a release has been computed, and when it is durable.
struct Told(DurableLedger);

impl Ledger for Told {
    fn candidates(&self, n: u64, s: &Sketch, r: u64) -> Result<Vec<Candidate>, LedgerError> {
        self.0.candidates(n, s, r)
    }
    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        self.0.root(set)
    }
    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        self.0.members(set)
    }
    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        self.0.read(key)
    }
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        at("computed");
        self.0.append(entries)?;
        at("written");
        Ok(())
    }
}

fn set(keys: &GateKeys, persons: impl Iterator<Item = u32>) -> PersonSet {
    let (mut print, mut sketch, mut members) = (Fingerprint::default(), Sketch::default(), RoaringBitmap::new());
    for p in persons {
        let record = keys.record(&person_id(p.into()));
        print = print.with(record);
        sketch.add(record);
        members.insert(p);
    }
    PersonSet {
        keyed: Keyed::Persons,
        persons: members.len(),
        fingerprint: print.0,
        sketch: sketch.0,
        members: Members::of(members),
    }
}

/// A table of ten groups of a hundred persons and their total. Tables of the same ten are near each other: in table `10·t + k`
/// the first group lacks `k` persons.
fn table(keys: &GateKeys, number: u32) -> RawTable {
    let (of, lacks) = (number / 10, number % 10);
    let first = |g: u32| of * 10_000 + g * 500;
    let group = |g: u32| (first(g) + if g == 0 { lacks } else { 0 })..first(g) + 100;
    let mut cells: Vec<PersonSet> = (0..10).map(|g| set(keys, group(g))).collect();
    cells.push(set(keys, (0..10).flat_map(group)));
    let category = |g: u32| RawCategory { code: g.to_string(), label: Some(g.to_string()), missing: false };
    RawTable {
        dimensions: vec![RawDimension { name: "x".into(), label: None, categories: (0..10).map(category).collect() }],
        measures: Vec::new(),
        cells: cells.into_iter().map(|set| RawCell { rows: set.persons, set, magnitudes: Vec::new() }).collect(),
        dropped_missing: 0,
    }
}

/// The child: releases the tables it is asked for, one after the other, telling every step.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let noise = std::env::var(NOISE).unwrap().parse().unwrap();
    let keys = GateKeys::new([1; 32], [noise; 32]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut ledger = runtime.block_on(async {
        let store = store::Store::open_sqlite(&Path::new(&folder).join("zone.db")).await.unwrap();
        let members = MembersOnDisk::at(&Path::new(&folder).join("members"));
        let sealer = Arc::new(Telling(testkit::FixedSealer::named("data")));
        Told(DurableLedger::open(store, sealer, Some(members)).await.unwrap())
    });
    for number in std::env::var(TABLES).unwrap().split(' ') {
        let ctx = Ctx {
            account: "account",
            project: "project",
            at: Timestamp::from_micros(1_795_252_500_000_000),
            script: "sha256:00",
            statement: 1,
            metered_as: 0,
            statistics: &[],
            keys: &keys,
            meter: &Unmetered,
        };
        let raw = Raw::new(table(&keys, number.parse().unwrap()));
        let released = Gate::release(&Policy::standard(), &mut ledger, &ctx, raw).unwrap();
        let counts: Vec<Value> = released.value().cells.iter().map(|cell| cell.count).collect();
        at(&format!("released {number} {}", serde_json::to_string(&counts).unwrap()));
        ledger.0.settle();
    }
    at("done");
}

/// The child, from the outside.
struct Running {
    process: Child,
    said: BufReader<ChildStdout>,
    word: ChildStdin,
}

impl Running {
    fn start(folder: &Path, noise: u8, tables: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .env(NOISE, noise.to_string())
            .env(TABLES, tables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let word = process.stdin.take().unwrap();
        Self { process, said, word }
    }

    /// Lets the child go on until it says `last` for the time `count`, and kills it there. Gives what it released.
    fn until(mut self, last: &str, count: usize) -> Vec<(String, String)> {
        let (mut released, mut met) = (Vec::new(), 0);
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "the child ended before {last}");
            let Some(point) = line.trim().strip_prefix("@ ") else { continue };
            if let Some((number, counts)) = point.strip_prefix("released ").and_then(|r| r.split_once(' ')) {
                released.push((number.to_owned(), counts.to_owned()));
            }
            met += usize::from(point.split(' ').next() == Some(last));
            if met == count {
                self.process.kill().unwrap();
                self.process.wait().unwrap();
                return released;
            }
            self.word.write_all(b"on\n").unwrap();
        }
    }
}

fn released(of: &[(String, String)], number: &str) -> Option<String> {
    of.iter().find(|(n, _)| n == number).map(|(_, counts)| counts.clone())
}

/// SDC-055: killed at any point, no number that has left is followed by another.
#[test]
fn sdc_055_a_killed_gate_never_gives_a_second_number() {
    let mut survived = 0;
    for point in ["computed", "sealing", "written", "released"] {
        let folder = tempfile::tempdir().unwrap();
        // Killed while the third release is at this point: a table of its own, one near it, another of its own.
        let first = Running::start(folder.path(), 1, "0 3 10").until(point, 3);
        assert_eq!(first.len(), if point == "released" { 3 } else { 2 });
        assert_eq!(released(&first, "0"), released(&first, "3"), "near tables share their numbers");
        let second = Running::start(folder.path(), 2, "13 10 3 0 20").until("done", 1);
        for (number, counts) in &first {
            assert_eq!(released(&second, number).as_ref(), Some(counts), "table {number}, killed at {point}");
        }
        // What was never handed out may be anything, but only once.
        let third = Running::start(folder.path(), 3, "20 10 13 0").until("done", 1);
        for (number, counts) in &third {
            assert_eq!(released(&second, number).as_ref(), Some(counts), "table {number}, after {point}");
        }
        // Table 20 shows that another key gives other numbers, where the ledger knows nothing.
        let fresh = tempfile::tempdir().unwrap();
        let alone = Running::start(fresh.path(), 3, "20").until("done", 1);
        assert_ne!(released(&alone, "20"), released(&third, "20"));
        survived += usize::from(first.len() == 3);
    }
    assert_eq!(survived, 1);
}
