//! The lines of the meters and what they add up to: pure, so that replaying the log gives the same state again. A line
//! holds what it adds and the alerts it raised; nothing is judged anew when it is replayed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use disclosure::{Asked, BudgetRules, Reason, Sketch};
use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use super::patterns::{Populations, Totals};
use super::{BudgetOf, Settings, Split, Use, Who, day};

/// A line of the log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// A release was counted or stopped.
    Charge(Charge),
    /// The disclosure steward is told.
    Raised { kind: AlertKind, project: String, account: String, version: String, at: Timestamp },
    /// The disclosure steward has looked at an alert.
    Acknowledged { alert: u64, by: String, reason: String, at: Timestamp },
    /// More fragmenting splits were proposed for a project.
    Proposed { project: String, version: String, more: u64, by: String, reason: String, at: Timestamp },
    /// A second person has allowed them.
    Allowed { proposal: u64, by: String, at: Timestamp },
}

/// What one release adds.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Charge {
    pub(super) at: Timestamp,
    pub(super) project: String,
    pub(super) account: String,
    pub(super) student: bool,
    pub(super) versions: BTreeSet<String>,
    /// Sets, 16 hex digits each.
    pub(super) sets: String,
    pub(super) splits: Vec<SplitLine>,
    /// Sets that were answered by a near one.
    pub(super) near: u64,
    pub(super) populations: Vec<PopulationLine>,
    /// The largest set of the release: what it was a part of.
    pub(super) total: Option<(String, u64)>,
    pub(super) refused: Option<Reason>,
    pub(super) stopped: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SplitLine {
    pub(super) id: String,
    pub(super) fragmenting: bool,
    pub(super) binary: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PopulationLine {
    pub(super) set: String,
    pub(super) persons: u64,
    pub(super) sketch: Vec<i32>,
}

/// Why the steward is told (SDC-172).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Half of a limit is used.
    Half,
    /// A limit is reached: releases are stopped.
    Stopped,
    /// Populations that differ by a few persons, one after the other.
    Chain,
    /// Many sets near earlier ones within an hour.
    NearSets,
    /// The same total split in two in many ways.
    Partition,
    /// Many subsets of a total that look drawn by lot.
    Random,
}

impl AlertKind {
    /// All kinds.
    pub const ALL: [AlertKind; 6] = [
        AlertKind::Half,
        AlertKind::Stopped,
        AlertKind::Chain,
        AlertKind::NearSets,
        AlertKind::Partition,
        AlertKind::Random,
    ];

    /// As it stands in addresses and messages.
    pub const fn code(self) -> &'static str {
        match self {
            AlertKind::Half => "half",
            AlertKind::Stopped => "stopped",
            AlertKind::Chain => "chain",
            AlertKind::NearSets => "near_sets",
            AlertKind::Partition => "partition",
            AlertKind::Random => "random",
        }
    }

    /// The kind of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// An alert as it was raised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    /// Its number, from 1, in the order raised.
    pub id: u64,
    /// Why.
    pub kind: AlertKind,
    /// The project.
    pub project: String,
    /// The account whose release raised it.
    pub account: String,
    /// The version of the store.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// Who has looked at it, when, and what she wrote.
    pub acknowledged: Option<(String, Timestamp, String)>,
}

/// More fragmenting splits for a project, proposed and perhaps allowed.
#[derive(Clone)]
pub(super) struct Proposed {
    pub(super) project: String,
    pub(super) version: String,
    pub(super) more: u64,
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) at: Timestamp,
    pub(super) allowed: Option<(String, Timestamp)>,
}

/// Everything that was counted.
#[derive(Default)]
pub(super) struct State {
    pub(super) tallies: BTreeMap<(String, String), Tally>,
    pub(super) alerts: Vec<Alert>,
    pub(super) proposals: Vec<Proposed>,
}

/// What one project has asked of one version.
#[derive(Default)]
pub(super) struct Tally {
    sets: HashSet<u64>,
    splits: HashMap<String, bool>,
    day: Option<Date>,
    day_sets: u64,
    day_splits: u64,
    fragmenting: u64,
    /// Fragmenting splits that were allowed beyond the limit.
    pub(super) more: u64,
    pub(super) student: bool,
    pub(super) rho: f64,
    pub(super) near: u64,
    near_at: Vec<Timestamp>,
    pub(super) refused: u64,
    pub(super) stops: u64,
    pub(super) last: Option<Timestamp>,
    pub(super) populations: Populations,
    totals: Totals,
    /// New sets and splits by account.
    pub(super) accounts: BTreeMap<String, (u64, u64)>,
    raised: HashSet<(AlertKind, Date)>,
}

/// A use and its limit.
pub(super) type UsedOf = (u64, u64);

/// How much of each limit is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Levels {
    pub(super) sets_day: UsedOf,
    pub(super) sets: UsedOf,
    pub(super) splits_day: UsedOf,
    pub(super) splits: UsedOf,
    pub(super) fragmenting: UsedOf,
}

impl Levels {
    pub(super) fn all(&self) -> [UsedOf; 5] {
        [self.sets_day, self.sets, self.splits_day, self.splits, self.fragmenting]
    }

    fn over(&self) -> bool {
        self.all().iter().any(|(used, limit)| used > limit)
    }

    fn half(&self) -> bool {
        self.all().iter().any(|(used, limit)| *used > 0 && 2 * used >= *limit)
    }
}

/// Tenths of a limit that are used, rounded up.
pub(super) fn round_up(used: u64, limit: u64) -> u8 {
    if limit == 0 { 10 } else { (10 * used).div_ceil(limit).min(10) as u8 }
}

fn short(set: u128) -> String {
    format!("{:016x}", set as u64)
}

impl Charge {
    pub(super) fn of(who: Who<'_>, usage: &Use, at: Timestamp, asked: &Asked<'_>) -> Self {
        let split = |s: &Split| SplitLine { id: s.id.clone(), fragmenting: s.fragmenting, binary: s.binary };
        let population = |s: &disclosure::AskedSet| {
            let sketch = s.population.as_ref()?.0.to_vec();
            Some(PopulationLine { set: short(s.set.0), persons: s.persons, sketch })
        };
        // A dataset without a store behind it is charged to itself.
        let own = || BTreeSet::from(["-".to_owned()]);
        Charge {
            at,
            project: who.project.to_owned(),
            account: who.account.to_owned(),
            student: who.student,
            versions: if usage.stores.is_empty() { own() } else { usage.stores.clone() },
            sets: asked.numbers.iter().map(|number| format!("{number:016x}")).collect(),
            splits: usage.splits.iter().map(split).collect(),
            near: asked.sets.iter().filter(|s| s.near).count() as u64,
            populations: asked.sets.iter().filter_map(population).collect(),
            total: asked.sets.iter().max_by_key(|s| s.persons).map(|s| (short(s.set.0), s.persons)),
            refused: asked.refused,
            stopped: false,
        }
    }

    /// Repeats cost nothing and leave no line.
    pub(super) fn says_nothing(&self) -> bool {
        self.sets.is_empty() && self.splits.is_empty() && self.refused.is_none() && !self.stopped
    }

    fn set_numbers(&self) -> impl Iterator<Item = u64> {
        self.sets.as_bytes().chunks(16).filter_map(|hex| u64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok())
    }
}

impl Tally {
    pub(super) fn levels(&self, at: Date, student: bool, budget: &BudgetRules) -> Levels {
        let part = if student { budget.student_part } else { 1 };
        let today = self.day == Some(at);
        let of_day = |n: u64| if today { n } else { 0 };
        Levels {
            sets_day: (of_day(self.day_sets), budget.sets_per_day / part),
            sets: (self.sets.len() as u64, budget.sets_per_version / part),
            splits_day: (of_day(self.day_splits), budget.splits_per_day / part),
            splits: (self.splits.len() as u64, budget.splits_per_version / part),
            fragmenting: (self.fragmenting, budget.fragmenting_per_version / part + self.more),
        }
    }

    fn new_sets(&self, charge: &Charge) -> Vec<u64> {
        let mut seen = HashSet::new();
        charge.set_numbers().filter(|set| !self.sets.contains(set) && seen.insert(*set)).collect()
    }

    fn add(&mut self, charge: &Charge, rules: &Settings) {
        let today = day(charge.at);
        if self.day != Some(today) {
            (self.day, self.day_sets, self.day_splits) = (Some(today), 0, 0);
        }
        self.last = Some(charge.at);
        self.student = charge.student;
        let account = self.accounts.entry(charge.account.clone()).or_default();
        if charge.stopped {
            self.stops += 1;
            return;
        }
        self.refused += u64::from(charge.refused.is_some());
        let mut sets = 0;
        for set in charge.set_numbers() {
            sets += u64::from(self.sets.insert(set));
        }
        let mut splits = 0;
        for split in &charge.splits {
            if self.splits.insert(split.id.clone(), split.fragmenting).is_none() {
                splits += 1;
                self.fragmenting += u64::from(split.fragmenting);
            }
        }
        account.0 += sets;
        account.1 += splits;
        self.day_sets += sets;
        self.day_splits += splits;
        self.rho += sets as f64 * rules.rho;
        self.near += charge.near;
        let hour = charge.at.plus_seconds(-3600);
        self.near_at.retain(|t| *t > hour);
        self.near_at.extend(std::iter::repeat_n(charge.at, charge.near.min(64) as usize));
        for population in &charge.populations {
            if let Ok(sketch) = population.sketch.clone().try_into() {
                self.populations.add(&population.set, population.persons, Sketch(sketch), rules.reach);
            }
        }
        if let Some((total, persons)) = &charge.total {
            self.totals.add(total, *persons, &charge.splits);
        }
    }

    /// What the steward is to be told now, each kind once a day.
    fn alerts(&self, charge: &Charge, budget: &BudgetRules) -> Vec<AlertKind> {
        let (today, hour) = (day(charge.at), charge.at.plus_seconds(-3600));
        let near_in_hour = self.near_at.iter().filter(|t| **t > hour).count();
        let raised = [
            (AlertKind::Stopped, charge.stopped),
            (AlertKind::Half, self.levels(today, charge.student, budget).half()),
            (AlertKind::Chain, self.populations.longest_chain() >= 3),
            (AlertKind::NearSets, near_in_hour > 5),
            (AlertKind::Partition, self.totals.most_binary() >= 16),
            (AlertKind::Random, self.totals.looks_random()),
        ];
        let new = |(kind, holds): (AlertKind, bool)| (holds && !self.raised.contains(&(kind, today))).then_some(kind);
        raised.into_iter().filter_map(new).collect()
    }
}

impl State {
    /// What of a charge is new, and whether it would go over a limit; then it adds nothing but the stop.
    pub(super) fn weigh(&self, mut charge: Charge, budget: &BudgetOf<'_>) -> (Charge, bool) {
        let today = day(charge.at);
        let empty = Tally::default();
        let (mut over, mut sets, mut splits) = (false, BTreeSet::new(), BTreeSet::new());
        for version in &charge.versions {
            let tally = self.tallies.get(&(charge.project.clone(), version.clone())).unwrap_or(&empty);
            let new = tally.new_sets(&charge);
            let fresh: Vec<&SplitLine> = charge.splits.iter().filter(|s| !tally.splits.contains_key(&s.id)).collect();
            let mut levels = tally.levels(today, charge.student, &budget(version));
            let (n, m) = (new.len() as u64, fresh.len() as u64);
            levels.sets_day.0 += n;
            levels.sets.0 += n;
            levels.splits_day.0 += m;
            levels.splits.0 += m;
            levels.fragmenting.0 += fresh.iter().filter(|s| s.fragmenting).count() as u64;
            // What costs nothing is never stopped.
            if (n > 0 || m > 0) && levels.over() {
                over = true;
            }
            sets.extend(new);
            splits.extend(fresh.iter().map(|s| s.id.clone()));
        }
        if over {
            (charge.sets, charge.splits, charge.populations) = (String::new(), Vec::new(), Vec::new());
            (charge.near, charge.total, charge.refused, charge.stopped) = (0, None, None, true);
            return (charge, true);
        }
        if sets.is_empty() {
            (charge.near, charge.populations) = (0, Vec::new());
        }
        charge.sets = sets.iter().map(|set| format!("{set:016x}")).collect();
        if sets.is_empty() && splits.is_empty() {
            charge.splits.clear();
        }
        (charge, false)
    }

    /// The alerts that are due after a charge was counted.
    pub(super) fn due(&self, charge: &Charge, budget: &BudgetOf<'_>) -> Vec<Line> {
        let mut lines = Vec::new();
        for version in &charge.versions {
            let Some(tally) = self.tallies.get(&(charge.project.clone(), version.clone())) else { continue };
            lines.extend(tally.alerts(charge, &budget(version)).into_iter().map(|kind| Line::Raised {
                kind,
                project: charge.project.clone(),
                account: charge.account.clone(),
                version: version.clone(),
                at: charge.at,
            }));
        }
        lines
    }

    pub(super) fn apply(&mut self, line: &Line, rules: &Settings) {
        match line {
            Line::Charge(charge) => self.charge(charge, rules),
            Line::Raised { kind, project, account, version, at } => {
                let key = (project.clone(), version.clone());
                self.tallies.entry(key).or_default().raised.insert((*kind, day(*at)));
                let id = self.alerts.len() as u64 + 1;
                let (project, account, version) = (project.clone(), account.clone(), version.clone());
                self.alerts.push(Alert { id, kind: *kind, project, account, version, at: *at, acknowledged: None });
            }
            Line::Acknowledged { alert, by, reason, at } => {
                if let Some(alert) = self.alerts.iter_mut().find(|a| a.id == *alert) {
                    alert.acknowledged = Some((by.clone(), *at, reason.clone()));
                }
            }
            Line::Proposed { project, version, more, by, reason, at } => self.proposals.push(Proposed {
                project: project.clone(),
                version: version.clone(),
                more: *more,
                by: by.clone(),
                reason: reason.clone(),
                at: *at,
                allowed: None,
            }),
            Line::Allowed { proposal, by, at } => {
                let place = usize::try_from(*proposal).ok().and_then(|id| id.checked_sub(1));
                let Some(proposed) = place.and_then(|i| self.proposals.get_mut(i)) else { return };
                proposed.allowed = Some((by.clone(), *at));
                let key = (proposed.project.clone(), proposed.version.clone());
                self.tallies.entry(key).or_default().more += proposed.more;
            }
        }
    }

    fn charge(&mut self, charge: &Charge, rules: &Settings) {
        for version in &charge.versions {
            let tally = self.tallies.entry((charge.project.clone(), version.clone())).or_default();
            tally.add(charge, rules);
        }
    }
}
