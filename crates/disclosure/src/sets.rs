//! Sets of persons that are known, found by being near (SDC-051): an index by size, then by sketch. Used by the ledger for
//! what was released before, and by the gate for what is on its way out in the same release.
//!
//! A set that was near an earlier one has that one as its root: it is answered with the root's values. It can be found
//! itself, so that whoever goes on from it in small steps meets it first, and still gets the root's values; how far such
//! a chain may lead is the gate's rule.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use engine::raw::PersonSet;

use crate::keys::{Fingerprint, Sketch};
use crate::near::{Near, Row};

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

impl KnownSet {
    /// What is kept of a set.
    pub(crate) fn of(set: &PersonSet) -> Self {
        Self { fingerprint: Fingerprint(set.fingerprint), persons: set.persons, sketch: Sketch(set.sketch) }
    }
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
pub struct SetIndex {
    sets: Vec<Entry>,
    by_fingerprint: HashMap<Fingerprint, u32, ByFingerprint>,
    near: Near,
}

struct Entry {
    fingerprint: Fingerprint,
    root: Root,
    row: Row,
}

/// Where the root of a set is.
enum Root {
    /// It is its own.
    Own,
    /// In the same index.
    Here(u32),
    /// Somewhere else: in the ledger, for a set that is on its way out.
    Beyond(Arc<KnownSet>),
}

/// Hashes what begins with a fingerprint, which is as good as random already.
#[derive(Default, Clone)]
pub struct ByFingerprint;

/// The hasher of [`ByFingerprint`].
pub struct Low(u64);

impl BuildHasher for ByFingerprint {
    type Hasher = Low;
    fn build_hasher(&self) -> Low {
        Low(0)
    }
}

impl Hasher for Low {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        for word in words.iter().map(|bytes| u64::from_le_bytes(*bytes)).chain([word(rest)]) {
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
    fn write_u32(&mut self, number: u32) {
        self.0 ^= u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

impl SetIndex {
    /// How many sets are known.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The number of a known set, from 0 in the order in which they became known.
    pub fn number(&self, set: Fingerprint) -> Option<u32> {
        self.by_fingerprint.get(&set).copied()
    }

    /// The set whose values a known set is answered with.
    pub fn root(&self, set: Fingerprint) -> Option<Arc<KnownSet>> {
        self.number(set).map(|at| self.root_of(at))
    }

    /// Makes a set known, with the set whose values it is answered with; a set that is known stays as it is.
    pub fn insert(&mut self, set: &KnownSet, root: &Arc<KnownSet>) {
        let root = match self.number(root.fingerprint) {
            _ if root.fingerprint == set.fingerprint => Root::Own,
            Some(at) => Root::Here(at),
            None => Root::Beyond(Arc::clone(root)),
        };
        self.put(set, root);
    }

    /// The same for a root that became known before; where it did not, the set is its own.
    pub fn insert_under(&mut self, set: &KnownSet, root: Fingerprint) {
        let root = self.number(root).map_or(Root::Own, Root::Here);
        self.put(set, root);
    }

    fn put(&mut self, set: &KnownSet, root: Root) {
        let at = self.sets.len() as u32;
        if set.persons == 0 || self.by_fingerprint.contains_key(&set.fingerprint) {
            return;
        }
        let row = self.near.insert(at, set.persons, &set.sketch);
        self.by_fingerprint.insert(set.fingerprint, at);
        self.sets.push(Entry { fingerprint: set.fingerprint, root, row });
    }

    /// Known sets within `reach` persons, nearest first, then earliest, at most [`SLOTS`].
    pub fn candidates(&self, persons: u64, sketch: &Sketch, reach: u64) -> Vec<Candidate> {
        let near = self.near.nearest::<SLOTS>(persons, sketch, reach);
        let candidate = |(distance, at)| Candidate { set: self.known(at), root: self.root_of(at), distance };
        near.into_iter().map(candidate).collect()
    }

    fn root_of(&self, at: u32) -> Arc<KnownSet> {
        match &self.sets[at as usize].root {
            Root::Own => self.known(at),
            Root::Here(root) => self.known(*root),
            Root::Beyond(root) => Arc::clone(root),
        }
    }

    fn known(&self, at: u32) -> Arc<KnownSet> {
        let Entry { fingerprint, row, .. } = self.sets[at as usize];
        let (persons, sketch) = self.near.get(row);
        Arc::new(KnownSet { fingerprint, persons, sketch })
    }
}
