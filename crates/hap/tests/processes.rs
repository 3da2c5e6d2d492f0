//! The roles as processes of their own, speaking over HTTPS with client certificates; and a demo that is killed.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const HAP: &str = env!("CARGO_BIN_EXE_hap");

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn hap(data: &Path, words: &[&str]) -> std::process::Output {
    Command::new(HAP).args(words).arg("--data").arg(data).output().unwrap()
}

/// Starts a role and waits for its first line, which says that it answers.
fn start(data: &Path, words: &[&str]) -> (Running, String) {
    let mut child = Command::new(HAP)
        .args(words)
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line)
}

/// The body of a GET, whatever the status.
fn get(url: &str) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.unwrap().text().await.unwrap()
    })
}

fn address(line: &str) -> String {
    let from = line.find("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
    line[from..].split_whitespace().next().unwrap().to_owned()
}

fn demo(data: &Path) -> (Running, String) {
    let (demo, line) = start(data, &["demo", "--port", "0", "--persons", "1500"]);
    (demo, address(&line))
}

/// A free port and the three after it, for the zones of one installation.
fn free_ports() -> u16 {
    for first in (20_000..60_000).step_by(97) {
        if (first..first + 4).all(|p| std::net::TcpListener::bind(("127.0.0.1", p)).is_ok()) {
            return first;
        }
    }
    panic!("no four free ports in a row");
}

#[test]
fn zones_in_separate_processes_speak_the_same_messages() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let first = free_ports().to_string();
    assert!(hap(data, &["init", "--demo", "--first-port", &first]).status.success());
    let (_keys, line) = start(data, &["keys"]);
    assert!(line.contains("answers at 127.0.0.1:"), "{line}");
    let files = data.join("files");
    let made = Command::new(HAP).args(["synth", "--persons", "1500", "--out"]).arg(&files).output().unwrap();
    assert!(made.status.success());
    // The key role is another process: ids become ordinals over HTTPS.
    let loaded = hap(data, &["ingest", files.join("no.fhi.npr").to_str().unwrap()]);
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stdout));
    let (_data, line) = start(data, &["data"]);
    assert!(line.contains("data answers"), "{line}");
    let (_room, line) = start(data, &["room"]);
    assert!(line.contains("room:tsd answers"), "{line}");
    let (_centre, line) = start(data, &["serve", "--listen", "127.0.0.1:0"]);
    let url = address(&line);
    let mut found = String::new();
    for _ in 0..100 {
        found = get(&format!("{url}/api/v1/catalogue/variables/npr.somatikk.hovedtilstand"));
        if found.contains("no.fhi.npr/HOVEDTILSTAND1") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the centre did not hear from the data zone: {found}");
}

/// What was acknowledged before the process was killed is there afterwards, every log is intact, and the chain goes on.
#[test]
fn a_killed_demo_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (running, url) = demo(data);
    let tour = Command::new(HAP).args(["tour", "--url", &url]).output().unwrap();
    assert!(tour.status.success(), "{}", String::from_utf8_lossy(&tour.stderr));
    drop(running);
    for _ in 0..3 {
        let (running, url) = demo(data);
        let mut tour = Command::new(HAP)
            .args(["tour", "--url", &url])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(tour.stdout.take().unwrap()).lines();
        // Killed in the middle of the second walk, after the application was acknowledged.
        let submitted = lines.by_ref().map(Result::unwrap).find(|l| l.contains("is submitted")).unwrap();
        let number = submitted.split_whitespace().find(|w| w.starts_with("A-")).unwrap().to_owned();
        drop(running);
        let _ = tour.wait();
        let (running, url) = demo(data);
        let entry = get(&format!("{url}/api/v1/register/{number}"));
        assert!(entry.contains(&number), "{number} was acknowledged and is gone: {entry}");
        drop(running);
    }
    let verified = hap(data, &["audit", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let (_running, url) = demo(data);
    let tour = Command::new(HAP).args(["tour", "--url", &url]).output().unwrap();
    assert!(
        String::from_utf8_lossy(&tour.stdout).contains("chain complete"),
        "{}",
        String::from_utf8_lossy(&tour.stderr)
    );
}
