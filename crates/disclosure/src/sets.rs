//! Sets of persons that are known, found by being near (SDC-051): an index by size, then by sketch. Used by the ledger for
//! what was released before, and by the gate for what is on its way out in the same release.
//!
//! A set that was near an earlier one has that one as its root: it is answered with the root's values. It can be found
//! itself, so that whoever goes on from it in small steps meets it first, and still gets the root's values; how far such
//! a chain may lead is the gate's rule.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::keys::{Fingerprint, Sketch};

/// Candidates that are looked at more closely (SDC-054).
pub(crate) const SLOTS: usize = 4;

/// A set as the gate knows it. It holds a true count: it never leaves the gate and its ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownSet {
    /// Who it is.
    pub fingerprint: Fingerprint,
    /// How many persons.
    pub persons: u64,
    /// Its sketch.
    pub sketch: Sketch,
}

/// A set that may be near another.
#[derive(Clone)]
pub struct Candidate {
    /// The known set.
    pub set: Arc<KnownSet>,
    /// The set whose values it is answered with; itself, where it was near none.
    pub root: Arc<KnownSet>,
    /// Its distance by the sketches.
    pub distance: f64,
}

/// An index of known sets, in the order in which they became known.
#[derive(Default)]
pub(crate) struct SetIndex {
    sets: Vec<(Arc<KnownSet>, Arc<KnownSet>)>,
    by_fingerprint: HashMap<Fingerprint, u32>,
    by_size: BTreeMap<u64, Vec<u32>>,
}

impl SetIndex {
    /// The set whose values a known set is answered with.
    pub(crate) fn root(&self, set: Fingerprint) -> Option<&Arc<KnownSet>> {
        self.by_fingerprint.get(&set).map(|at| &self.sets[*at as usize].1)
    }

    /// Makes a set known; a set that is known stays as it is.
    pub(crate) fn insert(&mut self, set: Arc<KnownSet>, root: Arc<KnownSet>) {
        let at = self.sets.len() as u32;
        if set.persons == 0 || self.by_fingerprint.contains_key(&set.fingerprint) {
            return;
        }
        self.by_fingerprint.insert(set.fingerprint, at);
        self.by_size.entry(set.persons).or_default().push(at);
        self.sets.push((set, root));
    }

    /// Known sets within radius `2r`, nearest first, then earliest, at most [`SLOTS`].
    pub(crate) fn candidates(&self, persons: u64, sketch: &Sketch, r: u64) -> Vec<Candidate> {
        let sizes = persons.saturating_sub(2 * r).max(1)..=persons + 2 * r;
        let limit = 4.0 * r as f64;
        let mut near: Vec<(f64, u32)> = self
            .by_size
            .range(sizes)
            .flat_map(|(_, sets)| sets)
            .filter_map(|at| Some((sketch.distance_within(&self.sets[*at as usize].0.sketch, limit)?, *at)))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(SLOTS);
        let candidate = |(distance, at): (f64, u32)| {
            let (set, root) = &self.sets[at as usize];
            Candidate { set: Arc::clone(set), root: Arc::clone(root), distance }
        };
        near.into_iter().map(candidate).collect()
    }
}
