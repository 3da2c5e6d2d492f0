//! Runs through engine and gate: what is released, what is refused, and what stays the same for ever.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use crate::common::{SCRIPT, runner};
use disclosure::{Document, MemoryLedger, Output, Value, View};
use explore::{DurableLedger, Job, Ran, Runner, RunnerError, Switch};
use kernel::Language;
use testkit::TestZone;

fn job(script: &str) -> Job<'_> {
    Job::new("01JCZK0000000000000000RVN1", "a", script, Language::Nb)
}

fn run(runner: &Runner, script: &str) -> Ran {
    runner.run(&job(script), &Switch::default()).unwrap()
}

fn open(zone: &TestZone, ran: &Ran) -> Document {
    let signer = testkit::FixedSigner::named("data");
    assert_eq!(kernel::Signer::key_id(&signer), zone.signer.key_id());
    let opened = ran.document.open(&signer).unwrap();
    assert_eq!(opened, ran.released);
    opened
}

fn codes(ran: &Ran) -> Vec<String> {
    ran.diagnostics.iter().map(|d| format!("{}@{}", d.code, d.span.line)).collect()
}

#[tokio::test]
async fn a_script_gives_released_results_in_its_order() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let ran = run(&runner, SCRIPT);
    assert_eq!(codes(&ran), Vec::<String>::new());
    let document = open(&zone, &ran);
    let lines: Vec<u32> = document.results.iter().map(|e| e.line).collect();
    assert_eq!(lines, [3, 4, 7, 8, 9, 10, 11]);
    assert_eq!(document.head.stores[0].version, "1.0.0.0");

    let Output::Population(population) = document.results[1].output().unwrap() else { panic!("a population") };
    let persons = population.persons.number().unwrap();
    assert!((persons - 6000.0).abs() <= 5.0, "{persons}");

    // Every count is within the largest change of the policy, and margins carry noise of their own.
    let Output::Table(table) = document.results[4].output().unwrap() else { panic!("a table") };
    let labels: Vec<_> =
        table.dimensions.iter().flat_map(|d| &d.categories).map(|c| c.label.clone().unwrap()).collect();
    assert_eq!(labels, ["Mann", "Kvinne", "Under", "Over"]);
    let under = (0..6000i64).filter(|p| 1000 + p * 173 <= 500_000 && p % 2 == 0).count() as f64;
    let shown = table.cells[0].count.number().unwrap();
    assert!((shown - under).abs() <= 5.0, "{shown} and {under}");
    assert!(matches!(&document.results[4].view, View::Table { contents, .. } if contents.len() == 2));

    let Output::Summary(summary) = document.results[5].output().unwrap() else { panic!("a summary") };
    let mean = summary.rows[0].values[0].number().unwrap();
    assert!((mean - 519_900.0).abs() < 6000.0, "{mean}");
    assert!(matches!(document.results[6].view, View::Bars(_)));
}

/// SDC-140, SDC-141, LANG-242: a refusal names reason and remedy, stops the run, and leaves what came before.
#[tokio::test]
async fn refusals_stop_the_run_where_they_stand() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let head = "require no.test:1 as db\ncreate-dataset d\nimport db/STED as sted\nimport db/INNTEKT 2020-06-01 as i\n";
    let ran = run(&runner, &format!("{head}keep if i < 100000\ntabulate sted\n"));
    assert_eq!(codes(&ran), ["E404@5"]);
    assert!(ran.refused());
    assert_eq!(open(&zone, &ran).results.len(), 2, "the dataset and its first import stand");
    let text = format!("{:?}", ran.diagnostics);
    assert!(!text.contains("573"), "the number of persons is not told: {text}");

    let ran = run(&runner, &format!("{head}generate rik = 1 if i > 1038500\ntabulate sted\n"));
    assert_eq!(codes(&ran), ["E405@5"]);

    // Twelve persons: shown within the noise or hidden, never exact and hidden at once.
    let ran = run(&runner, &format!("{head}tabulate sted\n"));
    let document = open(&zone, &ran);
    let Output::Table(table) = document.results[2].output().unwrap() else { panic!("a table") };
    let small = table.cells.iter().zip(table.dimensions[0].categories.iter()).find(|(_, c)| c.code == "9");
    match small.map(|(cell, _)| cell.count) {
        Some(Value::Value(n)) => assert!((10.0..=17.0).contains(&n), "{n}"),
        Some(Value::Hidden(_)) | None => {}
        Some(Value::Undefined) => panic!("a count is always defined"),
    }
}

/// LANG-093: errors that metadata show come all at once, before any data is touched.
#[tokio::test]
async fn errors_come_before_data() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let ran = run(
        &runner,
        "require no.test:1 as db\ncreate-dataset d\nimport db/KJOEN as k\nimport db/INNTEKT 2031-06-01 as i\n",
    );
    assert_eq!(codes(&ran), ["E205@3", "E307@4"]);
    assert_eq!(ran.diagnostics[0].replacement.as_deref(), Some("KJOENN"));
    assert_eq!(open(&zone, &ran).results.len(), 0);
    let ran = run(&runner, "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as k\ntabulate k, chi2\n");
    assert_eq!(codes(&ran), ["E109@4"]);
}

/// A2, SDC-055: the same set gives the same number, through another filter, after a restart, for another account.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_set_gives_the_same_number_for_ever() {
    let zone = testkit::zone("data").await;
    let head = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as k\nimport db/INNTEKT 2020-06-01 as i\n";
    let scripts = [
        format!("{head}keep if k == '1'\nsummarize i\ntabulate k\n"),
        format!("{head}drop if k != '1'\ngenerate z = 1\nsummarize i\ntabulate k\n"),
    ];
    let mut seen = Vec::new();
    for _ in 0..2 {
        let ledger = DurableLedger::open(zone.store.clone(), zone.sealer.clone(), None).await.unwrap();
        let size = ledger.len();
        let runner = runner(&zone, Box::new(ledger));
        for script in &scripts {
            let (runner, script) = (Arc::clone(&runner), script.clone());
            let ran = tokio::task::spawn_blocking(move || run(&runner, &script)).await.unwrap();
            let results = open(&zone, &ran).results;
            let values: Vec<Output> = results.iter().filter_map(|e| e.output().cloned()).collect();
            seen.push(serde_json::to_string(&values[2..]).unwrap());
        }
        if seen.len() == 4 {
            assert!(size > 0, "the ledger was read back");
        }
    }
    assert!(seen.iter().all(|s| *s == seen[0]), "{seen:#?}");
}

/// ENG-035: a cancelled run gives nothing.
#[tokio::test]
async fn a_cancelled_run_releases_nothing() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let switch = Switch::default();
    switch.cancel();
    assert_eq!(runner.run(&job(SCRIPT), &switch).err(), Some(RunnerError::Cancelled));
}
