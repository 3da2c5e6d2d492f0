//! Meters as a project meets them: limits, days, pools, patterns, and what is on disk.

use std::sync::{Arc, Mutex};

use disclosure::{AskedSet, Fingerprint, Rules, Sketch};

use super::*;

/// Lines that outlive their log, as a disk does.
#[derive(Clone, Default)]
struct Disk {
    lines: Arc<Mutex<Vec<Vec<u8>>>>,
    full: bool,
}

impl MeterLog for Disk {
    fn replay(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<(), MeterLogError>) -> Result<(), MeterLogError> {
        self.lines.lock().unwrap().iter().try_for_each(|line| each(line))
    }
    fn append(&mut self, line: &[u8]) -> Result<(), MeterLogError> {
        if self.full {
            return Err(MeterLogError);
        }
        self.lines.lock().unwrap().push(line.to_vec());
        Ok(())
    }
}

const HOUR: i64 = 3_600_000_000;

fn policy(budget: BudgetRules) -> Policy {
    Policy::new(Rules { budget, ..Rules::standard() }).unwrap()
}

fn few() -> Policy {
    let all = BudgetRules::STANDARD;
    policy(BudgetRules { sets_per_day: 10, sets_per_version: 25, splits_per_day: 4, fragmenting_per_version: 2, ..all })
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(1_795_252_500_000_000 + hours * HOUR)
}

fn set(number: u64) -> AskedSet {
    AskedSet { set: Fingerprint(u128::from(number)), persons: 2000 + number, population: None, near: false }
}

fn usage(splits: &[(&str, bool, bool)]) -> Use {
    let split = |(id, fragmenting, binary): &(&str, bool, bool)| Split {
        id: (*id).to_owned(),
        fragmenting: *fragmenting,
        binary: *binary,
    };
    Use { stores: ["no.test:1.0.0.0".to_owned()].into(), splits: splits.iter().map(split).collect(), ..Use::default() }
}

fn who<'a>(project: &'a str, account: &'a str) -> Who<'a> {
    Who { project, account, student: false }
}

fn ask(meters: &Meters, who: Who<'_>, hours: i64, sets: &[AskedSet], usage: &Use) -> Result<(), Stopped> {
    let numbers: Vec<u64> = sets.iter().map(|set| set.set.0 as u64).collect();
    meters.charge(who, usage, at(hours), &Asked { sets, numbers: &numbers, refused: None })
}

fn sets(numbers: std::ops::Range<u64>) -> Vec<AskedSet> {
    numbers.map(set).collect()
}

fn budget() -> Result<(), Stopped> {
    Err(Stopped::Withheld(Withheld::because(Reason::Budget)))
}

/// SDC-010, SDC-171: a project, a version or a variable with a stricter policy has a stricter budget; others keep theirs, and
/// the steward and the project are told of the limit that counts.
#[test]
fn sdc_171_a_stricter_policy_has_a_stricter_budget() {
    use disclosure::{Approval, Attachment, Change, Office, PolicyBook, Subject};
    let fewer = |sets_per_day, name: &str| Rules {
        name: name.to_owned(),
        budget: BudgetRules { sets_per_day, ..BudgetRules::STANDARD },
        ..Rules::standard()
    };
    let steward = [Approval { account: "a".into(), office: Office::DisclosureSteward }];
    let attached = [
        (Subject::Project { id: "p".into() }, fewer(8, "p")),
        (Subject::Variable { store: "no.test".into(), name: "DIAGNOSE".into() }, fewer(4, "v")),
    ];
    let book = attached.into_iter().fold(PolicyBook::new(Policy::standard()), |book, (subject, rules)| {
        book.changed(&Change::Attach(Attachment { subject, rules }), &steward).unwrap()
    });
    let meters = Meters::in_memory(&Policy::standard());
    meters.follow(&Arc::new(Policies::new(book)));
    let plain = usage(&[]);
    let variable = Use { variables: ["no.test:DIAGNOSE".to_owned()].into(), ..usage(&[]) };
    assert_eq!(ask(&meters, who("p", "a"), 0, &sets(0..3), &plain), Ok(()));
    assert_eq!(ask(&meters, who("p", "a"), 0, &sets(0..5), &variable), budget(), "five of four for the variable");
    assert_eq!(ask(&meters, who("p", "a"), 0, &sets(0..8), &plain), Ok(()));
    assert_eq!(ask(&meters, who("p", "a"), 0, &sets(8..9), &plain), budget(), "nine of eight for the project");
    assert_eq!(ask(&meters, who("q", "b"), 0, &sets(0..90), &plain), Ok(()), "another project");
    let (views, _) = meters.views(at(0), 0, 10);
    let of = |project: &str| views.iter().find(|v| v.project == project).map(|v| v.sets_day);
    assert_eq!((of("p"), of("q")), (Some((8, 8)), Some((90, BudgetRules::STANDARD.sets_per_day))));
    assert_eq!(meters.own("p", false, at(0)).versions, [("no.test:1.0.0.0".to_owned(), 10)]);
}

/// SDC-171: the sizes of the standard policy, and the quarter that students have.
#[test]
fn sdc_171_standard_budgets() {
    let meters = Meters::in_memory(&Policy::standard());
    ask(&meters, Who { student: true, ..who("p", "a") }, 0, &sets(0..1), &usage(&[])).unwrap();
    ask(&meters, who("q", "b"), 0, &sets(0..1), &usage(&[])).unwrap();
    let (views, _) = meters.views(at(0), 0, 10);
    let limits = |project: &str| {
        let view = views.iter().find(|v| v.project == project).unwrap();
        [view.sets_day.1, view.sets.1, view.splits_day.1, view.splits.1, view.fragmenting.1]
    };
    assert_eq!(limits("q"), [20_000, 400_000, 200, 2000, 8]);
    assert_eq!(limits("p"), [5000, 100_000, 50, 500, 2]);
    assert!((views[0].rho - 1.0 / 6.0).abs() < 1e-12, "1 / (2V) for a new set (SDC-170)");
}

/// SDC-170: a set counts once, in whatever statement it is asked for again.
#[test]
fn sdc_170_repeats_cost_nothing() {
    let meters = Meters::in_memory(&few());
    for _ in 0..100 {
        ask(&meters, who("p", "a"), 0, &sets(0..10), &usage(&[("s", true, true)])).unwrap();
    }
    let (views, _) = meters.views(at(0), 0, 10);
    assert_eq!((views[0].sets_day, views[0].splits_day, views[0].fragmenting), ((10, 10), (1, 4), (1, 2)));
}

/// SDC-172: what goes over a limit is stopped as a whole, what is within goes on, and the day after there is room again;
/// the limit of the version stays.
#[test]
fn sdc_172_stopped_at_the_limit_until_it_resets() {
    let meters = Meters::in_memory(&few());
    let asked = |hours, numbers| ask(&meters, who("p", "a"), hours, &sets(numbers), &usage(&[]));
    asked(0, 0..8).unwrap();
    assert_eq!(asked(0, 8..11), budget());
    asked(0, 8..10).unwrap();
    assert_eq!(asked(0, 10..11), budget());
    asked(0, 0..10).unwrap();
    asked(24, 10..20).unwrap();
    asked(48, 20..25).unwrap();
    assert_eq!(asked(49, 25..26), budget(), "the limit of the version");
    assert_eq!(asked(72, 25..26), budget());
    assert_eq!(meters.views(at(72), 0, 1).0[0].stops, 4);
}

/// SDC-171: accounts of one project have one budget; other projects have their own.
#[test]
fn sdc_171_accounts_of_a_project_are_pooled() {
    let meters = Meters::in_memory(&few());
    ask(&meters, who("p", "a"), 0, &sets(0..6), &usage(&[])).unwrap();
    ask(&meters, who("p", "b"), 0, &sets(4..10), &usage(&[])).unwrap();
    assert_eq!(ask(&meters, who("p", "c"), 0, &sets(10..11), &usage(&[])), budget());
    ask(&meters, who("q", "c"), 0, &sets(10..11), &usage(&[])).unwrap();
    let (views, _) = meters.views(at(0), 0, 10);
    let pooled = views.iter().find(|v| v.project == "p").unwrap();
    assert_eq!(pooled.accounts, [("a".to_owned(), 6, 0), ("b".to_owned(), 4, 0), ("c".to_owned(), 0, 0)]);
}

/// SDC-171, SDC-010: fragmenting splits have a limit of their own, and more take two persons.
#[test]
fn sdc_171_more_fragmenting_splits_take_two_persons() {
    let meters = Meters::in_memory(&few());
    let cut = |id| ask(&meters, who("p", "a"), 0, &sets(0..1), &usage(&[(id, true, false)]));
    cut("a").unwrap();
    cut("b").unwrap();
    assert_eq!(cut("c"), budget());
    cut("a").unwrap();
    let of = ("p", "no.test:1.0.0.0");
    assert_eq!(meters.propose(("p", "no.such:1"), 1, "s", "why", at(1)), Err(NotDone::NotFound));
    let proposal = meters.propose(of, 1, "steward", "many years, one by one", at(1)).unwrap();
    assert_eq!(cut("c"), budget());
    assert_eq!(meters.allow(proposal, "steward", at(1)), Err(NotDone::SecondPerson));
    assert_eq!(meters.allow(proposal, "owner", at(1)).unwrap().more, 1);
    assert_eq!(meters.allow(proposal, "owner", at(1)), Err(NotDone::AlreadyDone));
    cut("c").unwrap();
    assert_eq!(cut("d"), budget());
}

/// SDC-170: what was let pass is on disk, whenever the process ends; where the disk fails nothing passes and nothing is
/// counted.
#[test]
fn sdc_170_no_count_is_lost() {
    let disk = Disk::default();
    let meters = Meters::open(&few(), Box::new(disk.clone())).unwrap();
    let all = usage(&[("s", true, true)]);
    ask(&meters, who("p", "a"), 0, &sets(0..7), &all).unwrap();
    // Nothing is closed or flushed here: the meters are left as a process leaves them that is killed.
    std::mem::forget(meters);
    let meters = Meters::open(&few(), Box::new(disk.clone())).unwrap();
    assert_eq!(ask(&meters, who("p", "a"), 0, &sets(7..11), &all), budget());
    ask(&meters, who("p", "a"), 0, &sets(0..10), &all).unwrap();
    let before = meters.views(at(0), 0, 9);
    let (again, alerts) = (Meters::open(&few(), Box::new(disk.clone())).unwrap(), AlertFilter::default());
    assert_eq!((again.views(at(0), 0, 9), again.alerts(alerts, 0, 9)), (before, meters.alerts(alerts, 0, 9)));

    let full = Meters::open(&few(), Box::new(Disk { full: true, ..Disk::default() })).unwrap();
    assert_eq!(ask(&full, who("p", "a"), 0, &sets(0..1), &all), Err(Stopped::LedgerUnavailable));
    assert_eq!(full.views(at(0), 0, 9).1, 0);
    disk.lines.lock().unwrap().push(b"{}".to_vec());
    assert!(Meters::open(&few(), Box::new(disk)).is_err(), "a damaged log opens nothing");
}

/// SDC-172: an alert at half of a limit and at the stop, each once a day, kept until somebody has looked at it.
#[test]
fn sdc_172_alerts_at_half_and_at_the_stop() {
    let disk = Disk::default();
    let meters = Meters::open(&few(), Box::new(disk.clone())).unwrap();
    let all = AlertFilter::default();
    ask(&meters, who("p", "a"), 0, &sets(0..4), &usage(&[])).unwrap();
    assert_eq!(meters.alerts(all, 0, 9).1, 0);
    ask(&meters, who("p", "a"), 0, &sets(4..6), &usage(&[])).unwrap();
    ask(&meters, who("p", "b"), 0, &sets(6..7), &usage(&[])).unwrap();
    assert_eq!(ask(&meters, who("p", "b"), 0, &sets(7..20), &usage(&[])), budget());
    assert_eq!(ask(&meters, who("p", "b"), 0, &sets(7..20), &usage(&[])), budget());
    let kinds =
        |meters: &Meters| meters.alerts(all, 0, 9).0.iter().map(|a| (a.kind, a.account.clone())).collect::<Vec<_>>();
    assert_eq!(kinds(&meters), [(AlertKind::Stopped, "b".to_owned()), (AlertKind::Half, "a".to_owned())]);
    assert_eq!(meters.acknowledge(9, "s", "seen", at(1)), Err(NotDone::NotFound));
    meters.acknowledge(1, "s", "an exercise", at(1)).unwrap();
    assert_eq!(meters.acknowledge(1, "s", "again", at(1)), Err(NotDone::AlreadyDone));
    let meters = Meters::open(&few(), Box::new(disk)).unwrap();
    let open = AlertFilter { open: true, kind: None };
    assert_eq!((meters.alerts(open, 0, 9).1, meters.alerts(all, 0, 1).1), (1, 2));
    assert_eq!(meters.alerts(AlertFilter { kind: Some(AlertKind::Half), ..all }, 0, 9).0[0].id, 1);
    ask(&meters, who("p", "a"), 24, &sets(20..25), &usage(&[])).unwrap();
    assert_eq!(meters.alerts(AlertFilter { kind: Some(AlertKind::Half), ..all }, 0, 9).1, 2, "a new day");
}

fn sketch(persons: std::ops::Range<u64>) -> Sketch {
    let keys = disclosure::GateKeys::new([1; 32], [2; 32]);
    let mut sketch = Sketch::default();
    persons.for_each(|p| sketch.add(keys.record(&disclosure::person_id(p))));
    sketch
}

/// SDC-172: the four patterns.
#[test]
fn sdc_172_patterns_are_told() {
    let plenty = Policy::standard();
    let raised =
        |meters: &Meters| meters.alerts(AlertFilter::default(), 0, 9).0.iter().map(|a| a.kind).collect::<Vec<_>>();

    let meters = Meters::in_memory(&plenty);
    let population = |from: u64| AskedSet {
        set: Fingerprint(u128::from(from) + 1),
        persons: 1500 - from,
        population: Some(sketch(from..1500)),
        near: false,
    };
    for from in [0, 6, 400] {
        ask(&meters, who("p", "a"), 0, &[population(from)], &usage(&[])).unwrap();
    }
    assert_eq!((raised(&meters), meters.views(at(0), 0, 1).0[0].near_populations), (vec![], 1));
    ask(&meters, who("p", "a"), 0, &[population(12)], &usage(&[])).unwrap();
    assert_eq!(raised(&meters), [AlertKind::Chain]);

    let meters = Meters::in_memory(&plenty);
    let near = |number| AskedSet { near: true, ..set(number) };
    for hours in [0, 2, 4, 6, 8, 10, 12] {
        ask(&meters, who("p", "a"), hours, &[near(hours as u64)], &usage(&[])).unwrap();
    }
    assert_eq!(raised(&meters), [], "no more than five in an hour");
    let many: Vec<AskedSet> = (20..25).map(near).collect();
    ask(&meters, who("p", "a"), 12, &many, &usage(&[])).unwrap();
    assert_eq!(raised(&meters), [AlertKind::NearSets]);

    let meters = Meters::in_memory(&plenty);
    for i in 0..16u64 {
        assert_eq!(raised(&meters), []);
        ask(&meters, who("p", "a"), 0, &[set(900), set(i)], &usage(&[(&format!("{i}"), false, true)])).unwrap();
    }
    assert_eq!(raised(&meters), [AlertKind::Partition]);

    let meters = Meters::in_memory(&policy(BudgetRules { fragmenting_per_version: 1000, ..BudgetRules::STANDARD }));
    for i in 0..10u64 {
        let total = AskedSet { persons: 40, ..set(900) };
        let part = AskedSet { persons: 20, ..set(i) };
        ask(&meters, who("p", "a"), 0, &[total, part], &usage(&[(&format!("{i}"), true, false)])).unwrap();
    }
    assert_eq!(raised(&meters), [AlertKind::Random]);
}

/// SDC-172: what the user is told of her use follows from what she asked for alone, in tenths; and the day ends at
/// midnight in Norway, also on the days when clocks change.
#[test]
fn sdc_172_own_use_is_coarse() {
    let meters = Meters::in_memory(&few());
    ask(&meters, who("p", "a"), 0, &sets(0..1), &usage(&[])).unwrap();
    let one = meters.own("p", false, at(0));
    let other = Meters::in_memory(&few());
    ask(&other, who("p", "a"), 0, &[AskedSet { near: true, ..set(5) }], &usage(&[])).unwrap();
    assert_eq!(one, other.own("p", false, at(0)), "a near set costs what any set costs");
    assert_eq!(one.versions, [("no.test:1.0.0.0".to_owned(), 1)]);
    assert!(meters.own("q", false, at(0)).versions.is_empty());
    let reset = |text: &str| reset_after(text.parse().unwrap()).to_string();
    assert_eq!(reset("2026-11-26T16:00:00Z"), "2026-11-26T23:00:00.000000Z");
    assert_eq!(reset("2026-07-01T23:30:00Z"), "2026-07-02T22:00:00.000000Z");
    assert_eq!(reset("2026-03-28T23:30:00Z"), "2026-03-29T22:00:00.000000Z");
    assert_eq!(reset("2026-10-24T22:30:00Z"), "2026-10-25T23:00:00.000000Z");
}
