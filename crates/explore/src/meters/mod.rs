//! How much each project asks of each version of a store, durably, and where it stops (SDC-170..172).
//!
//! A release is counted before anything of it is written to the gate ledger or handed out, in one line that is on disk
//! when [`Meters::charge`] returns. A process that is killed has therefore counted everything that it gave; and what was
//! counted and not given costs nothing when it is asked for again, for a number counts once. What is counted are the numbers
//! that results show, by statement and place (`disclosure::Asked`), so that nothing of the sets behind them, and nothing that
//! the ledger knows, can be read from what is left. Where the code says sets, these numbers are meant; only patterns are
//! watched by sets.
//!
//! Accounts of one project are counted together. What it is not: part of the decision what may be shown; and the zCDP
//! measure it keeps is a meter, not a promise.

mod log;
mod look;
mod model;
mod overview;
mod patterns;
mod service;
mod splits;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use disclosure::{Asked, BudgetRules, Meter, Policy, Reason, Stopped, Withheld};
use kernel::{Date, Timestamp};

pub use log::{DurableMeterLog, MemoryMeterLog, MeterLog, MeterLogError};
pub use model::{Alert, AlertKind};
pub use overview::{AlertFilter, MeterView, NotDone, OwnUse, Proposal};
pub use service::MeterService;
pub use splits::{Split, Use, uses};

use crate::policies::Policies;
use model::{Charge, Line, State, round_up};

/// The meters of an installation, or of a folder of synthetic stores.
pub struct Meters {
    rules: Settings,
    /// Stricter budgets than that of the policy for everything, once they are known.
    policies: OnceLock<Arc<Policies>>,
    inner: Mutex<Inner>,
}

/// What the policy says to the meters.
#[derive(Clone, Copy)]
struct Settings {
    budget: BudgetRules,
    /// 1 / (2V) of a new set (SDC-170).
    rho: f64,
    /// Snapping radius.
    reach: u64,
}

/// The budget in a version of a store.
type BudgetOf<'a> = dyn Fn(&str) -> BudgetRules + 'a;

struct Inner {
    log: Box<dyn MeterLog>,
    state: State,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The project: accounts with a shared workspace; an account without one is its own.
    pub project: &'a str,
    /// The account.
    pub account: &'a str,
    /// Has the budget of students.
    pub student: bool,
}

impl Meters {
    /// Meters of this policy that go on from what the log holds.
    ///
    /// # Errors
    /// [`MeterLogError`] when the log cannot be read or a line of it is damaged.
    pub fn open(policy: &Policy, mut log: Box<dyn MeterLog>) -> Result<Self, MeterLogError> {
        let rules = policy.rules();
        let rules = Settings { budget: rules.budget, rho: 1.0 / (2.0 * rules.p_table.v), reach: 2 * rules.snap.most };
        let mut state = State::default();
        log.replay(&mut |line| {
            let line: Line = serde_json::from_slice(line).map_err(|_| MeterLogError)?;
            state.apply(&line, &rules);
            Ok(())
        })?;
        Ok(Self { rules, policies: OnceLock::new(), inner: Mutex::new(Inner { log, state }) })
    }

    /// Meters that forget everything when they are dropped: for tests.
    pub fn in_memory(policy: &Policy) -> Self {
        let state = State::default();
        let rules = policy.rules();
        let rules = Settings { budget: rules.budget, rho: 1.0 / (2.0 * rules.p_table.v), reach: 2 * rules.snap.most };
        let inner = Mutex::new(Inner { log: Box::new(MemoryMeterLog), state });
        Self { rules, policies: OnceLock::new(), inner }
    }

    /// From now on the budgets of these policies count, as they are at the first call (SDC-010).
    pub(crate) fn follow(&self, policies: &Arc<Policies>) {
        // Policies change when the zone starts anew, and the meters with them.
        let _ = self.policies.set(Arc::clone(policies));
    }

    /// The budget of a project in a version, where a statement asks about these variables too.
    fn budget(&self, project: (&str, bool), version: &str, variables: &BTreeSet<String>) -> BudgetRules {
        self.policies.get().map_or(self.rules.budget, |policies| policies.budget(project, version, variables))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a release, or stops it.
    fn charge(&self, who: Who<'_>, usage: &Use, at: Timestamp, asked: &Asked<'_>) -> Result<(), Stopped> {
        self.with(|inner| {
            let charge = Charge::of(who, usage, at, asked);
            let budget = |version: &str| self.budget((who.project, who.student), version, &usage.variables);
            let (charge, over) = inner.state.weigh(charge, &budget);
            if charge.says_nothing() {
                return Ok(());
            }
            inner.charge(charge, &self.rules, &budget).map_err(|_| Stopped::LedgerUnavailable)?;
            if over { Err(Stopped::Withheld(Withheld::because(Reason::Budget))) } else { Ok(()) }
        })
    }
}

impl Inner {
    fn charge(&mut self, charge: Charge, rules: &Settings, budget: &BudgetOf<'_>) -> Result<(), MeterLogError> {
        let line = Line::Charge(charge);
        self.write(&line, rules)?;
        let due = match &line {
            Line::Charge(charge) => self.state.due(charge, budget),
            _ => Vec::new(),
        };
        due.iter().try_for_each(|line| self.write(line, rules))
    }

    /// On disk first, then counted.
    fn write(&mut self, line: &Line, rules: &Settings) -> Result<(), MeterLogError> {
        let bytes = serde_json::to_vec(line).map_err(|_| MeterLogError)?;
        self.log.append(&bytes)?;
        self.state.apply(line, rules);
        Ok(())
    }
}

/// The meter of one statement.
pub struct StatementMeter<'a> {
    /// The meters.
    pub meters: &'a Meters,
    /// Who asks.
    pub who: Who<'a>,
    /// What the statement asks for, beyond its sets.
    pub usage: &'a Use,
    /// When.
    pub at: Timestamp,
}

impl Meter for StatementMeter<'_> {
    fn charge(&self, asked: &Asked<'_>) -> Result<(), Stopped> {
        self.meters.charge(self.who, self.usage, self.at, asked)
    }
}

/// When the day's budgets are whole again: the next midnight in Norway. The same time is told whatever limit was reached.
pub fn reset_after(at: Timestamp) -> Timestamp {
    let tomorrow = at.date_in_oslo().plus_days(1);
    let utc = Timestamp::from_micros(i64::from(tomorrow.days()) * 86_400_000_000);
    // Midnight is before any change of the clock, so the offset there is that of an hour before.
    let offset = utc.plus_seconds(-utc.oslo_offset_seconds()).oslo_offset_seconds();
    utc.plus_seconds(-offset)
}

/// The day that a moment counts to.
fn day(at: Timestamp) -> Date {
    at.date_in_oslo()
}

/// Share of a limit in steps of ten per cent, rounded up: what is told of it.
fn tenths(used: u64, limit: u64) -> u8 {
    round_up(used, limit)
}

#[cfg(test)]
mod splits_tests;
#[cfg(test)]
mod tests;
