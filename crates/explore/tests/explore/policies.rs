//! Stricter policies for a variable, a project or a role through the runner: what they concern is released under them, and
//! says so; everything else is as it was (SDC-010).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::{DATASET_KEY, source};
use disclosure::{
    Approval, Attachment, Change, GateKeys, MemoryLedger, Office, Output, Policy, PolicyBook, Rules, Subject, Table,
};
use engine::ImportCache;
use explore::meters::Meters;
use explore::{Job, Ran, Runner, RunnerParts, SnapshotBudget, Switch};
use kernel::Language;
use testkit::TestZone;

const HEAD: &str = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as kjønn\n";

fn book(subject: Subject, rules: Rules) -> PolicyBook {
    let steward = [Approval { account: "a".into(), office: Office::DisclosureSteward }];
    let change = Change::Attach(Attachment { subject, rules });
    PolicyBook::new(Policy::standard()).changed(&change, &steward).unwrap()
}

fn runner(zone: &TestZone, book: PolicyBook) -> Runner {
    let policy = Policy::standard();
    let parts = RunnerParts {
        source: Arc::new(source(true)),
        cache: Arc::new(ImportCache::new(64 << 20)),
        meters: Arc::new(Meters::in_memory(&policy)),
        policy,
        keys: Arc::new(GateKeys::new(DATASET_KEY, [9; 32])),
        ledger: Box::new(MemoryLedger::new()),
        signer: zone.signer.clone(),
        clock: zone.clock.clone(),
        snapshots: SnapshotBudget::default(),
    };
    Runner::new(parts).with_policies(book)
}

fn run(runner: &Runner, job: &Job<'_>) -> Ran {
    let ran = runner.run(job, &Switch::default()).unwrap();
    assert!(!ran.stopped(), "{:?}", ran.diagnostics);
    ran
}

/// The digests that the results of a run were released under, in their order.
fn digests(ran: &Ran) -> Vec<String> {
    ran.released.results.iter().filter_map(|entry| Some(entry.released()?.policy().sha256.clone())).collect()
}

fn table(ran: &Ran) -> &Table {
    let mut tables = ran.released.results.iter().rev().filter_map(|entry| match entry.output() {
        Some(Output::Table(table)) => Some(table),
        _ => None,
    });
    tables.next().unwrap()
}

/// SDC-010: a stricter rule for a variable counts from the statement that imports it, for its dataset and what is merged
/// from it, and for nothing else; its digest stands in the output.
#[tokio::test]
async fn sdc_010_a_stricter_rule_for_a_variable_counts_where_it_is_used() {
    let zone = testkit::zone("data").await;
    let strict = Rules { name: "place".into(), min_cell: 20, ..Rules::standard() };
    let place = Subject::Variable { store: "no.test".into(), name: "STED".into() };
    let own = runner(&zone, book(place, strict.clone()));
    let standard = Policy::standard().hash().to_owned();
    let stricter = Policy::new(Rules::standard().stricter(&strict)).unwrap().hash().to_owned();
    let script = format!("{HEAD}tabulate kjønn\nimport db/STED as sted\ntabulate sted\n");
    let ran = run(&own, &Job::new("r", "a", &script, Language::Nb));
    assert_eq!(digests(&ran), [&standard, &standard, &stricter].map(Clone::clone));
    // Twelve persons live in the small place: shown under the default policy, where noise allows, hidden under the stricter.
    let shown = |ran: &Ran| table(ran).cells.iter().filter_map(|cell| cell.count.number()).collect::<Vec<_>>();
    assert!(shown(&ran).iter().all(|n| *n >= 20.0));
    // Another dataset is not concerned; one that is merged with it is.
    let script = format!(
        "{HEAD}import db/STED as sted\nclone-dataset d other\ncreate-dataset e\nimport db/KJOENN as k\ntabulate k\n\
         use other\nmerge sted into e\nuse e\ntabulate k\n"
    );
    let ran = run(&own, &Job::new("r", "b", &script, Language::Nb));
    let tables: Vec<String> = ran
        .released
        .results
        .iter()
        .filter(|entry| matches!(entry.output(), Some(Output::Table(_))))
        .filter_map(|entry| Some(entry.released()?.policy().sha256.clone()))
        .collect();
    assert_eq!(tables, [standard, stricter]);
}

/// SDC-010: a project and a role can have stricter rules; both together give the stricter of each field.
#[tokio::test]
async fn sdc_010_projects_and_students_can_have_stricter_rules() {
    let zone = testkit::zone("data").await;
    let steward = [Approval { account: "a".into(), office: Office::DisclosureSteward }];
    let attach = |subject, rules| Change::Attach(Attachment { subject, rules });
    let students = Rules { name: "students".into(), min_edit: 50, ..Rules::standard() };
    let book = book(Subject::Project { id: "sensitive".into() }, Rules::high());
    let book = book.changed(&attach(Subject::Role { name: "student".into() }, students), &steward).unwrap();
    let own = runner(&zone, book);
    let script = format!("{HEAD}tabulate kjønn\n");
    let of = |project, student| {
        let job = Job { project, student, ..Job::new("r", "a", &script, Language::Nb) };
        let ran = run(&own, &job);
        ran.released.results.iter().filter_map(|e| Some(e.released()?.policy().name.clone())).collect::<BTreeSet<_>>()
    };
    let one = |name: &str| BTreeSet::from([name.to_owned()]);
    assert_eq!(of("open", false), one("default"));
    assert_eq!(of("open", true), one("default+students"));
    assert_eq!(of("sensitive", false), one("default+high"));
    assert_eq!(of("sensitive", true), one("default+high+students"));
}
