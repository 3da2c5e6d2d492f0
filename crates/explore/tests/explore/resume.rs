//! Edited scripts go on from what earlier runs of the workspace did (LANG-300, LANG-301, ENG-036), and nobody can tell the
//! difference from a fresh run (LANG-374).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{self, SCRIPT, runner, runner_keeping};
use disclosure::{
    Candidate, Fingerprint, KnownSet, Ledger, LedgerEntry, LedgerError, MemoryLedger, Sketch, Stored, ValueKey,
};
use explore::{Job, Ran, Runner, SnapshotBudget, Switch};
use kernel::{FixedClock, Language};
use roaring::RoaringBitmap;
use testkit::TestZone;

fn job(script: &str) -> Job<'_> {
    Job::new("01JCZK0000000000000000RVN1", "a", script, Language::Nb)
}

fn run(runner: &Runner, script: &str) -> Ran {
    runner.run(&job(script), &Switch::default()).unwrap()
}

fn fresh(zone: &TestZone) -> Arc<Runner> {
    runner(zone, Box::new(MemoryLedger::new()))
}

/// Everything that a user sees of a run.
fn shown(ran: &Ran) -> String {
    serde_json::to_string(&(&ran.released, &ran.diagnostics, &ran.stores)).unwrap()
}

fn codes(ran: &Ran) -> Vec<String> {
    ran.diagnostics.iter().map(|d| format!("{}@{}", d.code, d.span.line)).collect()
}

/// LANG-300: the same script is not carried out again; with another last line only that line is.
#[tokio::test]
async fn lang_300_only_the_changed_tail_runs() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let first = run(&runner, SCRIPT);
    assert_eq!(first.carried_out, 10);
    let again = run(&runner, SCRIPT);
    assert_eq!((again.carried_out, shown(&again)), (0, shown(&first)));

    let edited = SCRIPT.replace("barchart (mean) inntekt, over(kjønn)", "tabulate høy");
    let resumed = run(&runner, &edited);
    assert_eq!(resumed.carried_out, 1);
    assert_eq!(shown(&resumed), shown(&run(&fresh(&zone), &edited)));
}

/// LANG-300: layout, comments and the names of bindings do not count; their values do.
#[tokio::test]
async fn lang_300_layout_does_not_count() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let text = "require no.test:1 as db\ncreate-dataset d\nimport db/INNTEKT 2020-06-01 as i\nlet limit = 200000\nkeep if i > $limit\nsummarize i\n";
    run(&runner, text);
    let other = text.replace("keep if i > $limit", "\n// rich\nkeep   if i>$limit  // done").replace("limit", "grense");
    let ran = run(&runner, &other);
    assert_eq!((ran.carried_out, codes(&ran)), (0, Vec::new()));
    assert_eq!(ran.released.results.last().unwrap().line, 8, "results stand at their new lines");
    let ran = run(&runner, &text.replace("200000", "300000"));
    assert_eq!(ran.carried_out, 2, "the filter and what reads it");
    assert_eq!(shown(&ran), shown(&run(&fresh(&zone), &text.replace("200000", "300000"))));
}

/// LANG-300: after an error everything before it stands; fixing the line continues from there.
#[tokio::test]
async fn lang_300_fixing_a_line_continues_there() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let head = "require no.test:1 as db\ncreate-dataset d\nimport db/INNTEKT 2020-06-01 as i\n";
    let ran = run(&runner, &format!("{head}keep if i < 50000\nsummarize i\n"));
    assert_eq!((codes(&ran), ran.released.results.len(), ran.carried_out), (vec!["E404@4".to_owned()], 2, 3));
    let ran = run(&runner, &format!("{head}keep if i < 500000\nsummarize i\n"));
    assert_eq!((codes(&ran), ran.released.results.len(), ran.carried_out), (Vec::new(), 4, 2));
}

/// LANG-301: a statement depends on what it reads, not on the text above it.
#[tokio::test]
async fn lang_301_other_datasets_do_not_invalidate() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let text = "require no.test:1 as db\ncreate-dataset a\nimport db/INNTEKT 2020-06-01 as i\nkeep if i > 100000\n\
                create-dataset b\nimport db/KJOENN as k\ntabulate k\nuse a\nsummarize i\n";
    assert_eq!(codes(&run(&runner, text)), Vec::<String>::new());
    let edited = text.replace("100000", "200000");
    let ran = run(&runner, &edited);
    assert_eq!(ran.carried_out, 2, "the filter of a and the summary of a; nothing of b");
    assert_eq!(shown(&ran), shown(&run(&fresh(&zone), &edited)));
    let swapped = "require no.test:1 as db\ncreate-dataset b\nimport db/KJOENN as k\ntabulate k\n\
                   create-dataset a\nimport db/INNTEKT 2020-06-01 as i\nkeep if i > 100000\nsummarize i\n";
    assert_eq!(run(&runner, swapped).carried_out, 0);
}

/// A workspace builds on its own runs alone.
#[tokio::test]
async fn workspaces_do_not_share_what_was_done() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let first = run(&runner, SCRIPT);
    let other = runner.run(&Job { account: "b", project: "b", ..job(SCRIPT) }, &Switch::default()).unwrap();
    assert_eq!(other.carried_out, first.carried_out);
}

/// LANG-226: `configure nocache` computes everything below it anew, with the same numbers.
#[tokio::test]
async fn lang_226_nocache_computes_anew() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let text = SCRIPT.replace("tabulate", "configure nocache\ntabulate");
    let first = run(&runner, &text);
    assert_eq!(codes(&first), Vec::<String>::new());
    let again = run(&runner, &text);
    assert_eq!((again.carried_out, shown(&again)), (4, shown(&first)), "the switch itself and three results");
}

/// LANG-302: after an error what does not read the dataset goes on, and the rest says which line it waits for.
#[tokio::test]
async fn lang_302_what_does_not_depend_goes_on() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let text = "require no.test:1 as db\ncreate-dataset a\nimport db/INNTEKT 2020-06-01 as i\nkeep if i < 50000\nsummarize i\n\
                create-dataset b\nimport db/KJOENN as k\ntabulate k\n";
    let stopped = run(&runner, text);
    assert_eq!(codes(&stopped), ["E404@4"]);
    let job = Job { keep_going: true, ..job(text) };
    let ran = runner.run(&job, &Switch::default()).unwrap();
    assert_eq!(codes(&ran), ["E404@4", "E603@5"]);
    assert_eq!(ran.released.results.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 3, 6, 7, 8]);
    let told = ran.diagnostics[1].message.text(Language::En).to_owned();
    assert!(told.contains("line 4"), "{told}");
}

/// Results of earlier lines are left out, and their tables are not even computed.
#[tokio::test]
async fn a_run_may_begin_further_down() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let job = Job { from_line: Some(10), ..job(SCRIPT) };
    let ran = runner.run(&job, &Switch::default()).unwrap();
    assert_eq!(ran.released.results.iter().map(|e| e.line).collect::<Vec<_>>(), [10, 11]);
    assert_eq!(ran.carried_out, 9, "all but the table of line 9");
}

/// LANG-136: `W609` when as many units are asked for as the receipt says there are; also when the statement is taken from an
/// earlier run.
#[tokio::test]
async fn lang_136_w609_reaches_the_user() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let text = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as k\nsample 9000 7\n";
    for _ in 0..2 {
        let ran = run(&runner, text);
        assert_eq!(codes(&ran), ["W609@4"]);
        assert_eq!(ran.released.results.last().unwrap().warnings, ["W609"]);
    }
    assert!(run(&runner, &text.replace("9000", "2000")).diagnostics.is_empty());
}

/// LANG-078: `W608` is about the size of the unit space, never of a population, and stands beside the receipt.
#[tokio::test]
async fn lang_078_w608_reaches_the_user() {
    let zone = testkit::zone("data").await;
    let text = "require no.test:1 as db\ncreate-dataset p\nimport-panel db/INNTEKT 2020-06-01 2020-07-01\n";
    for (size, expected) in [(1_000_001, vec!["W608@3"]), (common::PERSONS, vec![])] {
        let source = common::of_a_space(true, size);
        let runner = common::runner_over(&zone, source, Box::new(MemoryLedger::new()), SnapshotBudget::default());
        let ran = run(&runner, text);
        assert_eq!(codes(&ran), expected);
    }
}

/// LANG-332: parameters from outside are part of what was asked.
#[tokio::test]
async fn lang_332_parameters_count() {
    let zone = testkit::zone("data").await;
    let runner = fresh(&zone);
    let text = "param limit = 100000\nrequire no.test:1 as db\ncreate-dataset d\nimport db/INNTEKT 2020-06-01 as i\nkeep if i > $limit\n";
    let with = |value: &str| {
        let params = [("limit".to_owned(), value.to_owned())].into();
        runner.run(&Job { params, ..job(text) }, &Switch::default()).unwrap()
    };
    let first = run(&runner, text);
    assert_eq!(codes(&first), Vec::<String>::new());
    assert_eq!(with("100000").carried_out, 0);
    let other = with("400000");
    assert_eq!(other.carried_out, 1);
    assert_ne!(shown(&other), shown(&first));
}

/// A ledger that counts what it is asked.
struct Counting {
    inner: MemoryLedger,
    asked: Arc<AtomicUsize>,
}

impl Ledger for Counting {
    fn candidates(&self, n: u64, s: &Sketch, r: u64) -> Result<Vec<Candidate>, LedgerError> {
        self.inner.candidates(n, s, r)
    }
    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        self.inner.root(set)
    }
    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        self.inner.members(set)
    }
    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.read(key)
    }
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.append(entries)
    }
}

/// LANG-300: a result taken from an earlier run is no new query to the gate; neither is a state that is made again.
#[tokio::test]
async fn lang_300_earlier_results_are_no_new_queries() {
    let zone = testkit::zone("data").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let ledger = Counting { inner: MemoryLedger::new(), asked: asked.clone() };
    // No state is kept, only what was released.
    let runner = runner_keeping(&zone, Box::new(ledger), SnapshotBudget { workspace: 0, total: 0 });
    run(&runner, SCRIPT);
    let before = asked.load(Ordering::Relaxed);
    assert!(before > 0);
    run(&runner, SCRIPT);
    assert_eq!(asked.load(Ordering::Relaxed), before);
    // The table is new; the four statements that make its dataset are carried out again without asking.
    let ran = run(&runner, &SCRIPT.replace("tabulate kjønn høy, rowpct freq", "tabulate høy"));
    assert_eq!(ran.carried_out, 7, "six statements that make the dataset, and the table");
    assert_eq!(runner.snapshots().bytes, 0);
}

/// A ledger that takes its time: the clock goes on by hours when something is written.
struct Slow {
    inner: MemoryLedger,
    clock: Arc<FixedClock>,
}

impl Ledger for Slow {
    fn candidates(&self, n: u64, s: &Sketch, r: u64) -> Result<Vec<Candidate>, LedgerError> {
        self.inner.candidates(n, s, r)
    }
    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        self.inner.root(set)
    }
    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        self.inner.members(set)
    }
    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        self.inner.read(key)
    }
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        if !entries.is_empty() {
            self.clock.advance_micros(3 * 3600 * 1_000_000);
        }
        self.inner.append(entries)
    }
}

/// ENG-035: a run over its time ends where it stands (E602), and the next one is not affected.
#[tokio::test]
async fn eng_035_a_run_over_its_time_ends_alone() {
    let zone = testkit::zone("data").await;
    let ledger = Slow { inner: MemoryLedger::new(), clock: zone.clock.clone() };
    let runner = runner(&zone, Box::new(ledger));
    let text = "require no.test:1 as db\ncreate-dataset d\nimport db/INNTEKT 2020-06-01 as i\ngenerate z = i / 2\n";
    let ran = run(&runner, text);
    assert_eq!((codes(&ran), ran.released.results.len()), (vec!["E602@4".to_owned()], 2));
    let next = run(&runner, text);
    assert_eq!((codes(&next), next.carried_out), (Vec::new(), 1), "nothing new is written now");
}

/// A small random number generator: which edits are tried is the same in every test run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

const HEAD: &str = "require no.test:1 as db\ncreate-dataset a\nimport db/INNTEKT 2020-06-01 as i\nimport db/KJOENN as k\ngenerate z = 1\n\
                    create-dataset b\nimport db/KJOENN as k\nimport db/INNTEKT 2020-06-01 as i\ngenerate z = 2\n";

/// Statements over two datasets; some fail, some are refused.
const STATEMENTS: [&str; 16] = [
    "use a",
    "use b",
    "keep if i > 100000",
    "drop if i > 900000",
    "keep if i < 60000",
    "replace z = i / 1000",
    "replace z = z + 1 if k == '1'",
    "recode z (min/100 = 1) (100/max = 2)",
    "summarize z i",
    "tabulate k",
    "tabulate k, rowpct",
    "let x = 3",
    "replace z = z * $x",
    "barchart (mean) i, over(k)",
    "clone-dataset a c",
    "use c",
];

/// LANG-374: for random edits of random scripts, what is resumed equals a fresh run, byte for byte; with room for all
/// states, for a few, and for none.
#[tokio::test]
async fn lang_374_resumed_equals_fresh() {
    let zone = testkit::zone("data").await;
    let mut dice = Dice(0x5eed_1234_9876_0001);
    for budget in [usize::MAX, 60_000, 0] {
        let snapshots = SnapshotBudget { workspace: budget, total: budget };
        let warm = runner_keeping(&zone, Box::new(MemoryLedger::new()), snapshots);
        let mut lines: Vec<&str> = (0..6).map(|_| STATEMENTS[dice.roll(STATEMENTS.len())]).collect();
        for _ in 0..25 {
            let statement = STATEMENTS[dice.roll(STATEMENTS.len())];
            match dice.roll(4) {
                0 if lines.len() > 2 => drop(lines.remove(dice.roll(lines.len()))),
                1 => {
                    let at = dice.roll(lines.len());
                    lines[at] = statement;
                }
                2 => lines.insert(dice.roll(lines.len() + 1), statement),
                _ => lines.push(statement),
            }
            let text = format!("{HEAD}{}\n", lines.join("\n"));
            let job = Job { keep_going: dice.roll(2) == 0, ..job(&text) };
            let resumed = warm.run(&job, &Switch::default()).unwrap();
            let fresh = fresh(&zone).run(&job, &Switch::default()).unwrap();
            assert_eq!(shown(&resumed), shown(&fresh), "{text}");
            assert!(resumed.carried_out <= fresh.carried_out || budget != usize::MAX, "{text}");
            assert!(warm.snapshots().bytes <= budget, "{:?}", warm.snapshots());
        }
    }
}
