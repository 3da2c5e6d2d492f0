//! Budgets as users and stewards meet them (SDC-170..172): what a run is told that goes over a limit, what stays, what the
//! data zone remembers, and what the disclosure steward sees and does over signed messages.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use crate::common::{runner_metered, two_zones_metered};
use disclosure::{BudgetRules, MemoryLedger, Output, Policy, Rules};
use explore::meters::{DurableMeterLog, Meters};
use explore::{Job, MetersPage, Ran, RunRequest, RunState, Runner, SnapshotBudget, Switch};
use identity::Role;
use kernel::{Clock as _, Language, Problem};
use protocol::calls::StewardAct;
use testkit::actor;

const HEAD: &str =
    "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as k\nimport db/INNTEKT 2020-06-01 as i\n";

fn policy(budget: BudgetRules) -> Policy {
    Policy::new(Rules { budget, ..Rules::standard() }).unwrap()
}

fn run(runner: &Runner, account: &str, text: &str) -> Ran {
    runner.run(&Job::new("r", account, &format!("{HEAD}{text}"), Language::En), &Switch::default()).unwrap()
}

/// The refusal of a run, without its line: code and words.
fn stop(ran: &Ran) -> (String, String) {
    let told = ran.diagnostics.iter().find(|d| d.is_error()).unwrap();
    (told.code.to_string(), told.message.text(Language::En).to_owned())
}

/// SDC-172: whatever limit was reached, the words are the same; what was released before stays released, and asking for it
/// again costs nothing.
#[tokio::test]
async fn sdc_172_the_stop_says_the_same_whatever_caused_it() {
    let zone = testkit::zone("data").await;
    let all = BudgetRules::STANDARD;
    let budgets = [
        BudgetRules { sets_per_day: 4, ..all },
        BudgetRules { sets_per_version: 4, ..all },
        BudgetRules { splits_per_day: 0, ..all },
        BudgetRules { splits_per_version: 0, ..all },
        BudgetRules { fragmenting_per_version: 0, ..all },
    ];
    let mut told = Vec::new();
    for budget in budgets {
        let meters = Arc::new(Meters::in_memory(&policy(budget)));
        let runner = runner_metered(&zone, Box::new(MemoryLedger::new()), SnapshotBudget::default(), meters);
        let plain = run(&runner, "a", "tabulate k\n");
        assert!(!plain.stopped(), "{:?}", plain.diagnostics);
        let over = run(&runner, "a", "tabulate k\ngenerate z = i - 10 * int(i / 10)\ntabulate z k\n");
        assert!(over.refused());
        let tables = |ran: &Ran| {
            let tables = ran.released.results.iter().filter_map(|e| match e.output() {
                Some(Output::Table(table)) => Some(serde_json::to_string(table).unwrap()),
                _ => None,
            });
            tables.collect::<Vec<_>>()
        };
        assert_eq!(tables(&over), tables(&plain), "the table before the stop, and no other");
        told.push(stop(&over));
        assert!(!run(&runner, "a", "tabulate k\n").stopped());
    }
    assert_eq!(told[0].0, "E413");
    assert!(told[0].1.contains("opens again at the earliest"), "{}", told[0].1);
    assert!(told.iter().all(|t| *t == told[0]), "{told:#?}");
}

/// SDC-170: counts survive the end of the process, in the database of the zone.
#[tokio::test(flavor = "multi_thread")]
async fn sdc_170_counts_survive_the_process() {
    let zone = testkit::zone("data").await;
    let policy = Policy::standard();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let log = DurableMeterLog::open(zone.store.clone(), zone.sealer.clone()).await.unwrap();
        let meters = Arc::new(Meters::open(&policy, Box::new(log)).unwrap());
        let runner =
            runner_metered(&zone, Box::new(MemoryLedger::new()), SnapshotBudget::default(), Arc::clone(&meters));
        let text = "keep if i > 300000\ntabulate k\n";
        assert!(!tokio::task::block_in_place(|| run(&runner, "a", text)).stopped());
        seen.push(meters.views(zone.clock.now(), 0, 9));
        std::mem::forget(meters);
    }
    assert!(seen[0].0[0].sets.0 > 3 && seen[0].0[0].splits == (1, 2000), "{:?}", seen[0]);
    assert_eq!(seen[1], seen[0]);
}

/// SDC-172: the steward sees who, what and how near, and acknowledges with a reason; more splits take the steward and a
/// second person; all of it is in the logs of both zones. Others see nothing of it, and of their own use tenths.
#[tokio::test(flavor = "multi_thread")]
async fn sdc_172_the_steward_sees_and_acts() {
    let meters = Arc::new(Meters::in_memory(&policy(BudgetRules { splits_per_day: 2, ..BudgetRules::STANDARD })));
    let zones = two_zones_metered(true, Box::new(MemoryLedger::new()), 2, meters).await;
    let (anna, steward) = (actor("anna", Role::Researcher, "uio"), actor("siv", Role::DisclosureSteward, "hds"));
    let owner = actor("ola", Role::RegistryHandler, "fhi");
    let ask = async |text: &str| {
        zones.workspace.run(&anna, &RunRequest::new(format!("{HEAD}{text}"), Language::Nb)).await.unwrap().state
    };
    assert_eq!(ask("keep if i > 300000\n").await, RunState::Finished);
    assert_eq!(ask("keep if i > 350000\n").await, RunState::Finished);
    assert_eq!(ask("keep if i > 400000\n").await, RunState::Stopped);

    let page = MetersPage { open: true, most: 20, ..MetersPage::default() };
    assert!(matches!(zones.workspace.meters(&anna, &page).await, Err(Problem::Forbidden { .. })));
    let found = zones.workspace.meters(&steward, &page).await.unwrap();
    let kinds: Vec<&str> = found.alerts.iter().map(|a| a.kind.as_str()).collect();
    assert_eq!((kinds, found.alerts_total), (vec!["stopped", "half"], 2));
    assert_eq!(found.alerts[0].account, anna.account.to_string());
    assert_eq!((found.meters.len(), found.meters[0].tenths, found.meters[0].stops), (1, 10, 1));

    let acknowledge = |reason: &str| StewardAct::Acknowledge { alert: 2, reason: reason.to_owned() };
    assert!(matches!(zones.workspace.steward(&steward, acknowledge(" ")).await, Err(Problem::Invalid { .. })));
    assert!(matches!(zones.workspace.steward(&anna, acknowledge("me")).await, Err(Problem::Forbidden { .. })));
    zones.workspace.steward(&steward, acknowledge("spoke with her")).await.unwrap();
    let again = zones.workspace.steward(&steward, acknowledge("once more")).await;
    assert!(matches!(again, Err(Problem::Conflict { .. })), "{again:?}");
    assert_eq!(zones.workspace.meters(&steward, &page).await.unwrap().alerts_total, 1);

    let more = StewardAct::Propose {
        project: found.meters[0].project.clone(),
        version: found.meters[0].version.clone(),
        more: 10,
        reason: "a grid of coordinates".to_owned(),
    };
    zones.workspace.steward(&steward, more).await.unwrap();
    let allow = || StewardAct::Allow { proposal: 1 };
    assert!(matches!(zones.workspace.steward(&steward, allow()).await, Err(Problem::Conflict { .. })));
    zones.workspace.steward(&owner, allow()).await.unwrap();
    let found = zones.workspace.meters(&owner, &page).await.unwrap();
    let more = BudgetRules::STANDARD.fragmenting_per_version + 10;
    assert_eq!((found.meters[0].fragmenting.limit, found.proposals[0].allowed_by.is_some()), (more, true));

    let data = zones.data.entries().await;
    for action in ["explore.meters", "explore.acknowledge", "explore.propose", "explore.allow"] {
        assert!(data.iter().any(|e| e["action"] == action), "{action}");
    }
    let own = zones.workspace.own_use(&anna).await.unwrap();
    assert_eq!(own.versions.iter().map(|v| v.tenths).collect::<Vec<_>>(), [10]);
    assert!(zones.workspace.own_use(&steward).await.unwrap().versions.is_empty());
}

/// SDC-172: what is left of a budget tells neither whether a set is empty nor whether two sets are the same. At the limit it
/// could else be asked of anybody, for nothing.
#[tokio::test]
async fn sdc_172_a_budget_tells_nothing_of_the_sets() {
    let zone = testkit::zone("data").await;
    let cost = |text: &str| {
        let meters = Arc::new(Meters::in_memory(&Policy::standard()));
        let runner =
            runner_metered(&zone, Box::new(MemoryLedger::new()), SnapshotBudget::default(), Arc::clone(&meters));
        let used = || meters.views(zone.clock.now(), 0, 9).0[0].sets.0;
        run(&runner, "a", "tabulate k\n");
        let before = used();
        run(&runner, "a", text);
        let after = used();
        run(&runner, "a", text);
        assert_eq!(used(), after, "the second time costs nothing: {text}");
        after - before
    };
    // Nobody earns less than 1000, one person does exactly that.
    for statement in ["tabulate k", "summarize i", "keep"] {
        let condition = |limit: &str| format!("{statement} if i {limit}\n");
        let (nobody, one) = (cost(&condition("< 1000")), cost(&condition("== 1000")));
        assert_eq!(nobody, one, "{statement}");
        assert!(nobody > 0, "{statement}");
        // Everybody, whose sets are known, and all but one.
        let (same, other) = (cost(&condition(">= 1000")), cost(&condition("> 1000")));
        assert_eq!(same, other, "{statement}");
    }
}
