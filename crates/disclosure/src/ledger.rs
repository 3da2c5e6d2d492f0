//! The gate ledger as the gate sees it (SDC-008, SDC-050..056): a trait, and a ledger in memory
//! for tests and for store folders marked synthetic. The durable ledger is in `explore`.

use std::collections::HashMap;
use std::sync::Arc;

use engine::Members;
use roaring::RoaringBitmap;

use crate::keys::{Fingerprint, Sketch};
use crate::reason::Reason;
use crate::recent::RecentMembers;
use crate::sets::{Candidate, KnownSet, SetIndex};

/// What a value in the ledger is filed under. A change of policy starts a new generation of values (SDC-056).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueKey {
    /// The set of persons.
    pub set: Fingerprint,
    /// Kind of statistic: `count`, `units`, `mean`, `sd`, `gini`, `p50` …
    pub kind: Arc<str>,
    /// Where the column comes from (SDC-033), empty for counts.
    pub variable: Arc<str>,
    /// Column key (ENG-039), zero for counts.
    pub column: [u8; 32],
    /// SHA-256 of the policy.
    pub policy: Arc<str>,
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
    /// The set whose values this one is answered with; itself, where it was near none. None for sets that no other is
    /// compared with.
    pub root: Option<Fingerprint>,
    /// Who is in the set, while that is at hand.
    pub members: Members,
    /// Where the set comes from, so that its members can be found again (SDC-055).
    pub recipe: Recipe,
    /// When.
    pub at: kernel::Timestamp,
}

/// Where a set comes from: enough to compute its members again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recipe {
    /// Digest of the script.
    pub script: Arc<str>,
    /// Number of the statement in it.
    pub statement: u32,
    /// Cell of the result of that statement.
    pub cell: u32,
}

/// The ledger does not answer; nothing may be released then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gate ledger is not available")]
pub struct LedgerError;

/// The memory of the gate: one per installation, for all users, stores and versions. First come fixes the value.
pub trait Ledger: Send {
    /// Known sets that may lie within `reach` persons of this one, nearest first, at most four (SDC-051, SDC-054).
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    fn candidates(&self, persons: u64, sketch: &Sketch, reach: u64) -> Result<Vec<Candidate>, LedgerError>;

    /// The set whose values a known set is answered with: itself, or the earlier set that it was near; none for a set
    /// that is not known.
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError>;

    /// The members of a known set; none when they are not at hand.
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError>;

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

/// Bytes of members that a ledger holds in memory unless it is told otherwise.
const MEMBERS_BUDGET: usize = 256 << 20;

/// A ledger in memory. It keeps the members of the latest sets, as many as its budget allows.
pub struct MemoryLedger {
    values: HashMap<ValueKey, Stored>,
    sets: SetIndex,
    members: RecentMembers,
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::with_members(MEMBERS_BUDGET)
    }
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty ledger that keeps at most so many bytes of members.
    pub fn with_members(budget: usize) -> Self {
        Self { values: HashMap::new(), sets: SetIndex::default(), members: RecentMembers::new(budget) }
    }

    /// How many values are stored.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl Ledger for MemoryLedger {
    fn candidates(&self, persons: u64, sketch: &Sketch, reach: u64) -> Result<Vec<Candidate>, LedgerError> {
        Ok(self.sets.candidates(persons, sketch, reach))
    }

    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        Ok(self.sets.root(set))
    }

    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        Ok(self.members.members(set))
    }

    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        Ok(self.values.get(key).copied())
    }

    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        for entry in entries {
            if let Some(root) = entry.root {
                let set = entry.key.set;
                let own = Arc::new(KnownSet { fingerprint: set, persons: entry.persons, sketch: entry.sketch.clone() });
                self.sets.insert_under(&own, root);
                drop(self.members.keep(set, &entry.members));
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
                variable: "".into(),
                column: [0; 32],
                policy: "sha256:x".into(),
            },
            value: Stored::Number(value),
            persons: people.end - people.start,
            sketch,
            root: Some(set),
            members: Members::default(),
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
        let mut ledger = MemoryLedger::with_members(4000);
        let known = LedgerEntry { members: Members::of((0..400).collect()), ..entry(&keys, 0..400, 401.0) };
        let first = known.key.set;
        ledger.append(&[known, entry(&keys, 500..900, 399.0)]).unwrap();
        let near = entry(&keys, 3..400, 0.0);
        let found = ledger.candidates(near.persons, &near.sketch, 10).unwrap();
        assert_eq!(found.iter().map(|c| (c.set.persons, c.root.persons)).collect::<Vec<_>>(), [(400, 400)]);
        let members: RoaringBitmap = (3..400).collect();
        assert_eq!(ledger.members(first).unwrap().map(|known| known.symmetric_difference_len(&members)), Some(3));
        let far = entry(&keys, 100..500, 0.0);
        assert!(ledger.candidates(far.persons, &far.sketch, 10).unwrap().is_empty());
        // A set that was near one is answered with its values; members that do not fit the budget any more go first.
        let alias = LedgerEntry { root: Some(first), members: Members::of((0..3000).map(|i| i * 2).collect()), ..near };
        ledger.append(std::slice::from_ref(&alias)).unwrap();
        assert!(ledger.root(alias.key.set).unwrap().is_some_and(|root| root.fingerprint == first));
        assert_eq!(ledger.members(first).unwrap(), None);
    }
}
