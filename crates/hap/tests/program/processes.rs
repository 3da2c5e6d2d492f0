//! The roles as processes of their own, speaking over HTTPS with client certificates: the same chain as in the demo.

use std::time::Duration;

use super::common::{HAP, Visitor, address, must, start, tour};

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
fn the_whole_chain_holds_between_separate_processes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    must(data, &["init", "--demo", "--first-port", &free_ports().to_string()]);
    let (_keys, line) = start(data, &["keys"]);
    assert!(line.contains("answers at 127.0.0.1:"), "{line}");
    let files = data.join("files");
    let made = std::process::Command::new(HAP).args(["synth", "--persons", "1500", "--out"]).arg(&files).output();
    assert!(made.unwrap().status.success());
    // The key role is another process: ids become ordinals over HTTPS.
    let stores: Vec<_> = std::fs::read_dir(&files).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    let stores = stores.iter().map(|p| p.to_str().unwrap());
    must(data, &["ingest"].into_iter().chain(stores).collect::<Vec<_>>());
    let (_data, line) = start(data, &["data"]);
    assert!(line.contains("data answers"), "{line}");
    let (_room, line) = start(data, &["room"]);
    assert!(line.contains("room:tsd answers"), "{line}");
    let (_centre, line) = start(data, &["serve", "--listen", "127.0.0.1:0"]);
    let url = address(&line);
    let anyone = Visitor::nobody(&url);
    let mut patience = 600;
    while anyone.get("/api/v1/catalogue/variables/npr.somatikk.hovedtilstand").1["dataset"].is_null() {
        patience -= 1;
        assert!(patience > 0, "the centre did not hear from the data zone");
        std::thread::sleep(Duration::from_millis(50));
    }
    tour(&url);
    // Every zone wrote a log of its own, and all of them verify.
    let verified = must(data, &["audit", "verify", "--bodies"]);
    let proof = data.join("proof.json");
    std::fs::write(&proof, must(data, &["audit", "prove", "--zone", "centre", "--index", "7"])).unwrap();
    assert!(must(data, &["audit", "check-proof", proof.to_str().unwrap()]).contains("entry 7 is in the log"));
    assert_eq!(must(data, &["audit", "status"]).lines().filter(|l| l.contains(" entries, root ")).count(), 4);
    assert_eq!(verified.lines().filter(|l| l.contains("intact")).count(), 4, "{verified}");
}
