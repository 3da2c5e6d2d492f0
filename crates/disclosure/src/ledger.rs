//! The gate ledger and the recomputation as the gate sees them (SDC-008, SDC-050..056): traits, and a ledger in memory
//! for tests and for store folders marked synthetic. The durable ledger is in `explore`.

use std::collections::HashMap;

use engine::raw::{Raw, RawMagnitude};
use roaring::RoaringBitmap;

use crate::keys::{Fingerprint, Sketch};
use crate::reason::Reason;

/// The number of a set in a ledger, in the order in which sets became known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SetId(pub u64);

/// What a value in the ledger is filed under. A change of policy starts a new generation of values (SDC-056).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueKey {
    /// The set of persons.
    pub set: Fingerprint,
    /// Kind of statistic: `count`, `units`, `mean`, `sd`, `gini`, `p50` …
    pub kind: String,
    /// Where the column comes from (SDC-033), empty for counts.
    pub variable: String,
    /// Column key (ENG-039), zero for counts.
    pub column: [u8; 32],
    /// SHA-256 of the policy.
    pub policy: String,
}

/// A value or verdict as it was first given.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Stored {
    /// The perturbed number before rounding.
    Number(f64),
    /// Hidden, and why.
    Hidden(Reason),
}

/// One line of the ledger. It holds a true count: a durable ledger seals it (SDC-055).
#[derive(Clone)]
pub struct LedgerEntry {
    /// What it is filed under.
    pub key: ValueKey,
    /// The value or verdict.
    pub value: Stored,
    /// True number of persons in the set.
    pub persons: u64,
    /// Sketch of the set.
    pub sketch: Sketch,
    /// Where the set comes from, so that its members can be found again (SDC-055).
    pub recipe: Recipe,
    /// When.
    pub at: kernel::Timestamp,
}

/// Where a set comes from: enough to compute its members again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recipe {
    /// Digest of the script.
    pub script: String,
    /// Number of the statement in it.
    pub statement: u32,
    /// Cell of the result of that statement.
    pub cell: u32,
}

/// A set that may be near another.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The known set.
    pub set: SetId,
    /// Its distance by the sketches.
    pub distance: f64,
}

/// The ledger does not answer; nothing may be released then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gate ledger is not available")]
pub struct LedgerError;

/// The memory of the gate: one per installation, for all users, stores and versions. First come fixes the value.
pub trait Ledger: Send {
    /// Known sets that may lie within radius `2r` of this one, nearest first, at most four (SDC-051, SDC-054).
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    fn candidates(
        &self,
        set: Fingerprint,
        persons: u64,
        sketch: &Sketch,
        r: u64,
    ) -> Result<Vec<Candidate>, LedgerError>;

    /// The exact size of the symmetric difference between a known set and these members, or none when the members of
    /// the known set are not at hand and must be made again from its recipe (SDC-052).
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    fn confirm(&self, set: SetId, members: &RoaringBitmap) -> Result<Option<u64>, LedgerError>;

    /// The value first given under this key, if any.
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError>;

    /// Writes all entries, or none, and returns when they are durable. An entry whose key is known is ignored: first
    /// come fixes the value. The gate releases nothing before this has succeeded.
    ///
    /// # Errors
    /// [`LedgerError`] when the entries could not be made durable.
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError>;
}

/// Computes the statistic of a cell over another set of persons (SDC-050), as a raw result. Implemented in `explore`
/// over the engine; without one the gate computes on the set itself.
pub trait Recompute: Sync {
    /// The statistics of measure `measure` over the members of the known set `set`; none when the column has no values
    /// outside its population (ENG-039).
    fn magnitude(&self, measure: usize, set: SetId) -> Option<Raw<RawMagnitude>>;
}

/// A ledger in memory: gives the stored value for an equal fingerprint. It keeps no members, so [`Ledger::confirm`]
/// knows only sets that were given with theirs by [`MemoryLedger::remember`].
#[derive(Default)]
pub struct MemoryLedger {
    values: HashMap<ValueKey, Stored>,
    sets: Vec<KnownSet>,
    by_fingerprint: HashMap<Fingerprint, SetId>,
}

struct KnownSet {
    persons: u64,
    sketch: Sketch,
    members: Option<RoaringBitmap>,
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many values are stored.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Keeps the members of a set that is known.
    pub fn remember(&mut self, set: Fingerprint, members: RoaringBitmap) {
        if let Some(id) = self.by_fingerprint.get(&set) {
            self.sets[id.0 as usize].members = Some(members);
        }
    }
}

impl Ledger for MemoryLedger {
    fn candidates(
        &self,
        set: Fingerprint,
        persons: u64,
        sketch: &Sketch,
        r: u64,
    ) -> Result<Vec<Candidate>, LedgerError> {
        if let Some(&known) = self.by_fingerprint.get(&set) {
            return Ok(vec![Candidate { set: known, distance: 0.0 }]);
        }
        let mut near: Vec<Candidate> = self
            .sets
            .iter()
            .enumerate()
            .filter(|(_, k)| k.persons > 0 && k.persons.abs_diff(persons) <= 2 * r)
            .map(|(i, k)| Candidate { set: SetId(i as u64), distance: sketch.distance(&k.sketch) })
            .filter(|c| c.distance <= 4.0 * r as f64)
            .collect();
        near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.set.cmp(&b.set)));
        near.truncate(4);
        Ok(near)
    }

    fn confirm(&self, set: SetId, members: &RoaringBitmap) -> Result<Option<u64>, LedgerError> {
        let known = self.sets.get(set.0 as usize).ok_or(LedgerError)?;
        Ok(known.members.as_ref().map(|m| m.union_len(members) - m.intersection_len(members)))
    }

    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        Ok(self.values.get(key).copied())
    }

    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        for entry in entries {
            if !self.by_fingerprint.contains_key(&entry.key.set) {
                self.by_fingerprint.insert(entry.key.set, SetId(self.sets.len() as u64));
                self.sets.push(KnownSet { persons: entry.persons, sketch: entry.sketch.clone(), members: None });
            }
            self.values.entry(entry.key.clone()).or_insert(entry.value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{GateKeys, person_id};

    fn entry(keys: &GateKeys, people: std::ops::Range<u64>, value: f64) -> LedgerEntry {
        let (mut set, mut sketch) = (Fingerprint::default(), Sketch::default());
        for p in people.clone() {
            let record = keys.record(&person_id(p));
            set = set.with(record);
            sketch.add(record);
        }
        LedgerEntry {
            key: ValueKey {
                set,
                kind: "count".into(),
                variable: String::new(),
                column: [0; 32],
                policy: "sha256:x".into(),
            },
            value: Stored::Number(value),
            persons: people.end - people.start,
            sketch,
            recipe: Recipe::default(),
            at: kernel::Timestamp::from_micros(0),
        }
    }

    /// SDC-053, SDC-055: the first value stays, and another policy is another generation (SDC-056).
    #[test]
    fn first_come_fixes_the_value() {
        let keys = GateKeys::new([1; 32], [2; 32]);
        let mut ledger = MemoryLedger::new();
        let first = entry(&keys, 0..100, 101.0);
        ledger.append(&[first.clone(), entry(&keys, 0..100, 99.0)]).unwrap();
        assert_eq!(ledger.read(&first.key).unwrap(), Some(Stored::Number(101.0)));
        let other = ValueKey { policy: "sha256:y".into(), ..first.key.clone() };
        assert_eq!(ledger.read(&other).unwrap(), None);
        assert_eq!(ledger.len(), 1);
    }

    /// SDC-051, SDC-052: near sets are found by sketch and measured by their members; far ones are not found.
    #[test]
    fn near_sets_are_candidates() {
        let keys = GateKeys::new([1; 32], [2; 32]);
        let mut ledger = MemoryLedger::new();
        let known = entry(&keys, 0..400, 401.0);
        ledger.append(&[known.clone(), entry(&keys, 500..900, 399.0)]).unwrap();
        ledger.remember(known.key.set, (0..400).collect());
        let near = entry(&keys, 3..400, 0.0);
        let found = ledger.candidates(near.key.set, near.persons, &near.sketch, 10).unwrap();
        assert_eq!(found.first().map(|c| c.set), Some(SetId(0)));
        let members: RoaringBitmap = (3..400).collect();
        assert_eq!(ledger.confirm(SetId(0), &members).unwrap(), Some(3));
        let far = entry(&keys, 100..500, 0.0);
        assert!(ledger.candidates(far.key.set, far.persons, &far.sketch, 10).unwrap().is_empty());
    }
}
