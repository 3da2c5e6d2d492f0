//! Headless runs (LANG-350, SDC-030): a synthetic folder carries its own gate; any other is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::common;
use std::sync::Arc;

use disclosure::Policy;
use engine::ImportCache;
use explore::headless::{HeadlessError, SyntheticGate, only_synthetic};
use explore::{Job, Runner, RunnerParts, SnapshotBudget, Switch};
use kernel::Language;
use testkit::Seeded;

/// One run over the folder, as JSON of its results.
fn run(folder: &std::path::Path, seed: u64, zone: &testkit::TestZone) -> String {
    let gate = SyntheticGate::open(folder, &Policy::standard(), &Seeded::new(seed)).unwrap();
    let source = common::source(true);
    only_synthetic(&source).unwrap();
    let runner = Runner::new(RunnerParts {
        source: Arc::new(source),
        cache: Arc::new(ImportCache::new(64 << 20)),
        policy: Policy::standard(),
        keys: gate.keys,
        ledger: gate.ledger,
        meters: gate.meters,
        signer: zone.signer.clone(),
        clock: zone.clock.clone(),
        snapshots: SnapshotBudget::default(),
    });
    let job = Job::new("headless", "local", common::SCRIPT, Language::Nb);
    let ran = runner.run(&job, &Switch::default()).unwrap();
    serde_json::to_string(&ran.released.results).unwrap()
}

/// LANG-350: the same script over the same folder gives byte-identical output; another folder has another gate.
#[tokio::test]
async fn lang_350_output_is_byte_identical() {
    let zone = testkit::zone("data").await;
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), 1, &zone);
    // The keys are read, not drawn again: another seed changes nothing.
    assert_eq!(first, run(folder.path(), 2, &zone));
    let other = tempfile::tempdir().unwrap();
    assert_ne!(first, run(other.path(), 3, &zone));
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_cut_off() {
    let zone = testkit::zone("data").await;
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), 1, &zone);
    let ledger = folder.path().join("gate/ledger.jsonl");
    let mut text = std::fs::read(&ledger).unwrap();
    text.extend_from_slice(b"{\"set\":\"00");
    std::fs::write(&ledger, &text).unwrap();
    assert_eq!(first, run(folder.path(), 1, &zone));
    std::fs::write(&ledger, b"no ledger\n").unwrap();
    let opened = SyntheticGate::open(folder.path(), &Policy::standard(), &Seeded::new(1));
    assert!(matches!(opened.err(), Some(HeadlessError::Damaged { .. })));
}

/// SDC-030: real stores need the key service.
#[test]
fn sdc_030_other_stores_are_refused() {
    let refused = only_synthetic(&common::source(false));
    assert!(matches!(refused, Err(HeadlessError::NotSynthetic { ref store }) if store == "no.test"), "{refused:?}");
}
