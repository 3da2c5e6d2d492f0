//! The gate itself: one door, [`Gate::release`]. It opens a raw result, lets the rules of its kind decide, writes what
//! was decided to the ledger, and only then hands out the released value (SDC-002, SDC-055).

use std::collections::HashMap;

use engine::Raw;
use engine::raw::{Keyed, PersonSet};
use kernel::Timestamp;

use crate::keys::{Fingerprint, GateKeys, Sketch};
use crate::ledger::{Ledger, LedgerEntry, LedgerError, Recipe, Recompute, Stored, ValueKey};
use crate::policy::Policy;
use crate::reason::{Reason, Withheld};
use crate::released::{Released, Statistic, Value};

/// The circumstances of one release.
pub struct Ctx<'a> {
    /// The account that asks; for the behaviour audit, never for the decision.
    pub account: &'a str,
    /// The project that the account asks for.
    pub project: &'a str,
    /// When.
    pub at: Timestamp,
    /// Digest of the script, so that sets can be made again.
    pub script: &'a str,
    /// Number of the statement in the script.
    pub statement: u32,
    /// Which statistics of numeric variables were asked for; nothing else is released.
    pub statistics: &'a [Statistic],
    /// The keys of the installation.
    pub keys: &'a GateKeys,
    /// The same statistic over another set (SDC-050), where the caller can compute it.
    pub recompute: Option<&'a dyn Recompute>,
}

/// Why nothing was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The rules say no.
    #[error("withheld: {}", .0.code.code())]
    Withheld(Withheld),
    /// The ledger could not be read or written; nothing leaves without it.
    #[error("the gate ledger is not available")]
    LedgerUnavailable,
}

impl From<Withheld> for Stopped {
    fn from(withheld: Withheld) -> Self {
        Stopped::Withheld(withheld)
    }
}
impl From<LedgerError> for Stopped {
    fn from(_: LedgerError) -> Self {
        Stopped::LedgerUnavailable
    }
}
impl From<Reason> for Stopped {
    fn from(reason: Reason) -> Self {
        Stopped::Withheld(Withheld::because(reason))
    }
}

/// A raw result that the gate has rules for. Implemented here for the kinds of `engine::raw` and nowhere else.
pub trait Releasable: private::Rules {}
impl<T: private::Rules> Releasable for T {}

pub(crate) mod private {
    use super::{Desk, Stopped};

    /// The rules of one kind of raw result.
    pub trait Rules {
        /// What leaves.
        type Out;
        /// Decides; every number it takes from `self` goes through the desk.
        fn decide(self, desk: &mut Desk<'_>) -> Result<Self::Out, Stopped>;
    }
}

/// The only maker of [`Released`] values.
pub struct Gate;

impl Gate {
    /// Releases a raw result, or says why not.
    ///
    /// The same set of persons gives the same numbers for everyone and for ever: they follow from the keys, and the
    /// ledger keeps the first value given. All new values are in the ledger before this returns.
    ///
    /// # Errors
    /// [`Stopped::Withheld`] when the rules withhold the whole result; [`Stopped::LedgerUnavailable`] when the ledger
    /// fails, then nothing was released.
    pub fn release<T: Releasable>(
        policy: &Policy,
        ledger: &mut dyn Ledger,
        ctx: &Ctx<'_>,
        raw: Raw<T>,
    ) -> Result<Released<T::Out>, Stopped> {
        #[expect(clippy::disallowed_methods, reason = "this is the gate")]
        let content = raw.into_gate();
        let mut desk = Desk { policy, ledger: &*ledger, ctx, known: HashMap::new(), entries: Vec::new() };
        // Verdicts on the way to a refusal are kept too, so that asking again gives the same answer.
        let decided = content.decide(&mut desk);
        let entries = desk.entries;
        ledger.append(&entries)?;
        Ok(Released::new(policy.stamp(), decided?))
    }
}

/// One release at work: policy, keys, what the ledger knows, and what is to be written to it.
pub struct Desk<'a> {
    policy: &'a Policy,
    ledger: &'a dyn Ledger,
    ctx: &'a Ctx<'a>,
    known: HashMap<ValueKey, Stored>,
    entries: Vec<LedgerEntry>,
}

/// What a statistic is filed under, apart from its set.
#[derive(Clone, Copy)]
pub(crate) struct Filed<'a> {
    /// `count`, `mean` …
    pub kind: &'a str,
    /// Origin of the column, empty for counts.
    pub variable: &'a str,
    /// Column key, zero for counts.
    pub column: [u8; 32],
    /// Cell of the result, for the recipe.
    pub cell: usize,
}

/// A released count: never below zero, and whether the set is truly empty (which the perturbation leaves as it is).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Count {
    /// n̂.
    pub shown: u64,
    /// No person at all.
    pub empty: bool,
}

impl<'a> Desk<'a> {
    pub(crate) fn policy(&self) -> &'a Policy {
        self.policy
    }

    pub(crate) fn statistics(&self) -> &'a [Statistic] {
        self.ctx.statistics
    }

    /// The released count of a set (SDC-040..043, SDC-050).
    pub(crate) fn count(&mut self, set: &PersonSet, cell: usize) -> Result<Count, Stopped> {
        self.counted("count", set, set.persons, cell)
    }

    /// The released number of units of a type, of a set that has persons behind it. The same persons may be those of
    /// other units too, so each type has a kind of its own.
    pub(crate) fn units(
        &mut self,
        unit_type: &str,
        set: &PersonSet,
        units: u64,
        cell: usize,
    ) -> Result<Count, Stopped> {
        self.counted(&format!("units/{unit_type}"), set, units, cell)
    }

    fn counted(&mut self, kind: &str, set: &PersonSet, n: u64, cell: usize) -> Result<Count, Stopped> {
        if n == 0 {
            return Ok(Count { shown: 0, empty: true });
        }
        let filed = Filed { kind, variable: "", column: [0; 32], cell };
        let policy = self.policy;
        let stored = self.value(set, filed, |u| Stored::Number(n as f64 + policy.counts().change(n, u) as f64))?;
        Ok(match stored {
            Stored::Number(x) => Count { shown: x.max(0.0) as u64, empty: false },
            Stored::Hidden(_) => Count { shown: 0, empty: false },
        })
    }

    /// The value of a statistic of a set: what the ledger knows, else what `compute` makes of the cell key.
    pub(crate) fn value(
        &mut self,
        set: &PersonSet,
        filed: Filed<'_>,
        compute: impl FnOnce(f64) -> Stored,
    ) -> Result<Stored, Stopped> {
        // Ordinals of different unit spaces are written alike, so sets of units get kinds of their own.
        let kind = match set.keyed {
            Keyed::Persons => filed.kind.to_owned(),
            Keyed::Units => format!("space/{}", filed.kind),
        };
        let fingerprint = Fingerprint(set.fingerprint);
        let key = ValueKey {
            set: fingerprint,
            kind,
            variable: filed.variable.to_owned(),
            column: filed.column,
            policy: self.policy.hash().to_owned(),
        };
        if let Some(value) = self.known.get(&key) {
            return Ok(*value);
        }
        if let Some(value) = self.ledger.read(&key)? {
            self.known.insert(key, value);
            return Ok(value);
        }
        let value = compute(self.ctx.keys.cell_key(fingerprint, &key.kind, filed.variable));
        self.known.insert(key.clone(), value);
        self.entries.push(LedgerEntry {
            key,
            value,
            persons: set.persons,
            sketch: Sketch(set.sketch),
            recipe: Recipe {
                script: self.ctx.script.to_owned(),
                statement: self.ctx.statement,
                cell: u32::try_from(filed.cell).unwrap_or(u32::MAX),
            },
            at: self.ctx.at,
        });
        Ok(value)
    }

    /// A count as it is shown: hidden below `min_cell`; a true zero is shown unless the policy hides it (SDC-043).
    pub(crate) fn show(&self, count: Count) -> Value {
        let rules = self.policy.rules();
        match count {
            Count { empty: true, .. } if !rules.hide_zero => Value::Value(0.0),
            Count { shown, .. } if shown < rules.min_cell => Value::Hidden(Reason::Small),
            Count { shown, .. } => Value::Value(shown as f64),
        }
    }
}
