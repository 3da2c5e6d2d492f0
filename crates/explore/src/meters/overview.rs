//! What the disclosure steward and the user herself are told of the meters.

use std::collections::BTreeSet;

use kernel::Timestamp;

use super::model::{Alert, AlertKind, Levels, Line, Tally};
use super::{MeterLogError, Meters, day, reset_after, tenths};

/// Which alerts are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlertFilter {
    /// Only those that nobody has looked at.
    pub open: bool,
    /// Only this kind.
    pub kind: Option<AlertKind>,
}

/// What one project has asked of one version, for the disclosure steward.
#[derive(Clone, PartialEq, Debug)]
pub struct MeterView {
    /// The project.
    pub project: String,
    /// The version of the store.
    pub version: String,
    /// Has the budget of students.
    pub student: bool,
    /// New sets today, and the limit.
    pub sets_day: (u64, u64),
    /// New sets of the version, and the limit.
    pub sets: (u64, u64),
    /// Splits today, and the limit.
    pub splits_day: (u64, u64),
    /// Splits of the version, and the limit.
    pub splits: (u64, u64),
    /// Fragmenting splits of the version, and the limit with what was allowed beyond it.
    pub fragmenting: (u64, u64),
    /// The sum of 1 / (2V).
    pub rho: f64,
    /// Sets that were answered by a near one.
    pub near_sets: u64,
    /// Pairs of populations within twice the largest radius of each other.
    pub near_populations: u64,
    /// Results that the rules withheld.
    pub refused: u64,
    /// Releases that were stopped.
    pub stops: u64,
    /// Accounts with their new sets and splits.
    pub accounts: Vec<(String, u64, u64)>,
    /// When something was last asked.
    pub last: Option<Timestamp>,
    /// The fullest limit, in tenths.
    pub tenths: u8,
}

/// How much of its budget a project has used, as its members are told: tenths of the fullest limit, and no more, so that
/// it says nothing of what the ledger knew (SDC-172).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnUse {
    /// Versions with the tenths that are used of the fullest limit.
    pub versions: Vec<(String, u8)>,
    /// When the day's budgets are whole again.
    pub resets: Timestamp,
}

/// More fragmenting splits for a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// Its number, from 1.
    pub id: u64,
    /// The project.
    pub project: String,
    /// The version of the store.
    pub version: String,
    /// How many more.
    pub more: u64,
    /// Who proposed it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Who allowed it, and when.
    pub allowed: Option<(String, Timestamp)>,
}

/// Why a steward's act was not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotDone {
    /// There is no such alert or proposal.
    #[error("there is no such thing")]
    NotFound,
    /// It has been done already.
    #[error("it has been done already")]
    AlreadyDone,
    /// Another person than the one who proposed it must allow it (SDC-010).
    #[error("a second person must allow it")]
    SecondPerson,
    /// The log does not answer.
    #[error("the log of the meters is not available")]
    Unavailable,
}

impl From<MeterLogError> for NotDone {
    fn from(_: MeterLogError) -> Self {
        NotDone::Unavailable
    }
}

fn fullest(levels: &Levels) -> u8 {
    levels.all().iter().map(|(used, limit)| tenths(*used, *limit)).max().unwrap_or(0)
}

impl Meters {
    /// The alerts, newest first, from `skip` on, at most `most`; and how many there are in all.
    pub fn alerts(&self, filter: AlertFilter, skip: usize, most: usize) -> (Vec<Alert>, usize) {
        self.with(|inner| {
            let wanted =
                |a: &&Alert| (!filter.open || a.acknowledged.is_none()) && filter.kind.is_none_or(|k| k == a.kind);
            let all: Vec<&Alert> = inner.state.alerts.iter().rev().filter(wanted).collect();
            (all.iter().skip(skip).take(most).map(|a| (*a).clone()).collect(), all.len())
        })
    }

    /// The meters, the fullest first; and how many there are in all.
    pub fn views(&self, at: Timestamp, skip: usize, most: usize) -> (Vec<MeterView>, usize) {
        self.with(|inner| {
            let view = |((project, version), tally): (&(String, String), &Tally)| {
                let budget = self.budget((project, tally.student), version, &BTreeSet::new());
                let levels = tally.levels(day(at), tally.student, &budget);
                MeterView {
                    project: project.clone(),
                    version: version.clone(),
                    student: tally.student,
                    sets_day: levels.sets_day,
                    sets: levels.sets,
                    splits_day: levels.splits_day,
                    splits: levels.splits,
                    fragmenting: levels.fragmenting,
                    rho: tally.rho,
                    near_sets: tally.near,
                    near_populations: tally.populations.near,
                    refused: tally.refused,
                    stops: tally.stops,
                    accounts: tally
                        .accounts
                        .iter()
                        .map(|(who, (sets, splits))| (who.clone(), *sets, *splits))
                        .collect(),
                    last: tally.last,
                    tenths: fullest(&levels),
                }
            };
            let mut all: Vec<MeterView> = inner.state.tallies.iter().map(view).collect();
            all.sort_by(|a, b| (b.tenths, b.last, &a.project).cmp(&(a.tenths, a.last, &b.project)));
            let count = all.len();
            (all.into_iter().skip(skip).take(most).collect(), count)
        })
    }

    /// What a project is told of its own use.
    pub fn own(&self, project: &str, student: bool, at: Timestamp) -> OwnUse {
        self.with(|inner| {
            let own = inner.state.tallies.iter().filter(|((of, _), _)| of == project);
            let told = own.map(|((_, version), tally)| {
                let budget = self.budget((project, student), version, &BTreeSet::new());
                (version.clone(), fullest(&tally.levels(day(at), student, &budget)))
            });
            OwnUse { versions: told.collect(), resets: reset_after(at) }
        })
    }

    /// The steward has looked at an alert.
    ///
    /// # Errors
    /// [`NotDone`].
    pub fn acknowledge(&self, alert: u64, by: &str, reason: &str, at: Timestamp) -> Result<Alert, NotDone> {
        self.with(|inner| {
            let known = inner.state.alerts.iter().find(|a| a.id == alert).ok_or(NotDone::NotFound)?;
            if known.acknowledged.is_some() {
                return Err(NotDone::AlreadyDone);
            }
            let line = Line::Acknowledged { alert, by: by.to_owned(), reason: reason.to_owned(), at };
            inner.write(&line, &self.rules)?;
            inner.state.alerts.iter().find(|a| a.id == alert).cloned().ok_or(NotDone::NotFound)
        })
    }

    /// Proposes more fragmenting splits for a project that has asked something of the version.
    ///
    /// # Errors
    /// [`NotDone`].
    pub fn propose(&self, of: (&str, &str), more: u64, by: &str, reason: &str, at: Timestamp) -> Result<u64, NotDone> {
        self.with(|inner| {
            let (project, version) = (of.0.to_owned(), of.1.to_owned());
            if !inner.state.tallies.contains_key(&(project.clone(), version.clone())) {
                return Err(NotDone::NotFound);
            }
            let line = Line::Proposed { project, version, more, by: by.to_owned(), reason: reason.to_owned(), at };
            inner.write(&line, &self.rules)?;
            Ok(inner.state.proposals.len() as u64)
        })
    }

    /// A second person allows what was proposed: loosening takes two (SDC-010).
    ///
    /// # Errors
    /// [`NotDone`].
    pub fn allow(&self, proposal: u64, by: &str, at: Timestamp) -> Result<Proposal, NotDone> {
        self.with(|inner| {
            let place = usize::try_from(proposal).ok().and_then(|id| id.checked_sub(1)).ok_or(NotDone::NotFound)?;
            let known = inner.state.proposals.get(place).ok_or(NotDone::NotFound)?;
            if known.allowed.is_some() {
                return Err(NotDone::AlreadyDone);
            }
            if known.by == by {
                return Err(NotDone::SecondPerson);
            }
            inner.write(&Line::Allowed { proposal, by: by.to_owned(), at }, &self.rules)?;
            proposal_at(&inner.state.proposals, place).ok_or(NotDone::NotFound)
        })
    }

    /// All proposals, newest first.
    pub fn proposals(&self) -> Vec<Proposal> {
        self.with(|inner| {
            let all = &inner.state.proposals;
            (0..all.len()).rev().filter_map(|place| proposal_at(all, place)).collect()
        })
    }
}

fn proposal_at(all: &[super::model::Proposed], place: usize) -> Option<Proposal> {
    let of = all.get(place)?;
    Some(Proposal {
        id: place as u64 + 1,
        project: of.project.clone(),
        version: of.version.clone(),
        more: of.more,
        by: of.by.clone(),
        reason: of.reason.clone(),
        at: of.at,
        allowed: of.allowed.clone(),
    })
}
