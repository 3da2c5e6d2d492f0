//! The gate itself: one door, [`Gate::release`]. It opens a raw result, lets the rules of its kind decide, writes what
//! was decided to the ledger, and only then hands out the released value (SDC-002, SDC-055).

use std::collections::HashMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use engine::raw::{Keyed, PersonSet, RawMagnitude};
use engine::{Problem, Raw};
use kernel::Timestamp;
use roaring::RoaringBitmap;

use crate::apart::apart;
use crate::keys::{Fingerprint, GateKeys, Sketch};
use crate::ledger::{Ledger, LedgerEntry, LedgerError, Recipe, Stored, ValueKey};
use crate::meter::{Meter, Sets};
use crate::policy::{Policy, SnapRules};
use crate::reason::{Reason, Withheld};
use crate::released::{Released, Statistic, Value};
use crate::sets::{ByFingerprint, Candidate, KnownSet, SLOTS, SetIndex};

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
    /// What the release is metered as: the same for the same statement on the same data, whatever the script about it.
    pub metered_as: u64,
    /// Which statistics of numeric variables were asked for; nothing else is released.
    pub statistics: &'a [Statistic],
    /// The keys of the installation.
    pub keys: &'a GateKeys,
    /// What counts the sets that are asked about, and stops them (SDC-170).
    pub meter: &'a dyn Meter,
}

/// Why nothing was released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The rules say no.
    #[error("withheld: {}", .0.code.code())]
    Withheld(Withheld),
    /// The ledger could not be read or written; nothing leaves without it.
    #[error("the gate ledger is not available")]
    LedgerUnavailable,
    /// The estimator has no answer for the sample.
    #[error("{}", .0.code)]
    Problem(Problem),
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
        let mut desk = Desk::new(policy, &*ledger, ctx);
        // Verdicts on the way to a refusal are kept too, so that asking again gives the same answer.
        let decided = content.decide(&mut desk);
        let Desk { entries, sets, shown, .. } = desk;
        let refused = match &decided {
            Err(Stopped::Withheld(withheld)) => Some(withheld.code),
            _ => None,
        };
        // Each place of a result has a name of its own; an odd factor makes no two of them the same.
        let name = |place: u64| ctx.metered_as.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let numbers: Vec<u64> = (0..shown).map(name).collect();
        ctx.meter.charge(&sets.asked(&numbers, refused))?;
        ledger.append(&entries)?;
        Ok(Released::new(policy.stamp(), decided?))
    }
}

/// One release at work: policy, keys, what the ledger knows, and what is to be written to it.
pub struct Desk<'a> {
    policy: &'a Policy,
    ledger: &'a dyn Ledger,
    ctx: &'a Ctx<'a>,
    /// Texts that stand in every key and recipe of the release.
    texts: Texts,
    known: HashMap<ValueKey, Stored, ByFingerprint>,
    /// Sets that become known with this release.
    fresh: SetIndex,
    fresh_members: HashMap<Fingerprint, engine::Members, ByFingerprint>,
    /// What the search found for the sets of this release, each searched for once.
    searched: HashMap<Fingerprint, Option<Arc<KnownSet>>, ByFingerprint>,
    /// Statistics over roots, by root and column.
    again: HashMap<(Fingerprint, [u8; 32]), Option<Rc<RawMagnitude>>>,
    entries: Vec<LedgerEntry>,
    sets: Sets,
    /// How many numbers the result shows.
    shown: u64,
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

/// Texts that are the same for many values of a release, held once.
struct Texts {
    policy: Arc<str>,
    script: Arc<str>,
    /// Kinds and variables, latest last.
    others: Vec<Arc<str>>,
}

impl Texts {
    fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.others.iter().rev().find(|known| &***known == text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.others.push(Arc::clone(&new));
        new
    }
}

/// Where a value is to be filed that is not known yet.
struct Place {
    set: Arc<KnownSet>,
    root: Arc<KnownSet>,
    members: engine::Members,
    key: ValueKey,
    persons: bool,
    /// Nothing is filed with the root.
    alone: bool,
}

/// A released count: never below zero, and whether the set is truly empty (which the perturbation leaves as it is).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Count {
    /// n̂.
    pub shown: u64,
    /// No person at all.
    pub empty: bool,
}

/// What the value of a group is computed from.
pub(crate) struct Basis<'g> {
    /// The group of the root; the group itself where it is its own root, or where the root's values are out of reach.
    pub group: &'g RawMagnitude,
    /// The cell key of the statistic.
    pub u: f64,
    /// The group stands for itself although its column has no values outside it: the noise is that of SDC-050.
    pub alone: bool,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(policy: &'a Policy, ledger: &'a dyn Ledger, ctx: &'a Ctx<'a>) -> Self {
        Self {
            policy,
            ledger,
            ctx,
            texts: Texts { policy: policy.hash().into(), script: ctx.script.into(), others: Vec::new() },
            known: HashMap::default(),
            fresh: SetIndex::default(),
            fresh_members: HashMap::default(),
            searched: HashMap::default(),
            again: HashMap::new(),
            entries: Vec::new(),
            sets: Sets::default(),
            shown: 0,
        }
    }

    pub(crate) fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// The result shows so many numbers, beside those that were told before: what it costs (SDC-170). As many as anybody sees
    /// who reads it, or, where it is withheld, would see; never as many as there are sets behind it.
    pub(crate) fn shows(&mut self, numbers: usize) {
        self.shown += numbers as u64;
    }

    pub(crate) fn statistics(&self) -> &'a [Statistic] {
        self.ctx.statistics
    }

    /// The released count of a set (SDC-040..043, SDC-050): that of its root.
    pub(crate) fn count(&mut self, set: &PersonSet, cell: usize) -> Result<Count, Stopped> {
        self.counted("count", set, set.persons, cell, |root| root.persons)
    }

    /// The released count of a set that is the population of a dataset.
    pub(crate) fn population(&mut self, set: &PersonSet, cell: usize) -> Result<Count, Stopped> {
        if set.persons > 0 {
            self.sets.ask(set).population = Some(Sketch(set.sketch));
        }
        self.count(set, cell)
    }

    /// The released number of units of a type, of a set that has persons behind it. The same persons may be those of
    /// other units too, so each type has a kind of its own. What is not known of a root is taken from the first set near
    /// it that is asked for.
    pub(crate) fn units(
        &mut self,
        unit_type: &str,
        set: &PersonSet,
        units: u64,
        cell: usize,
    ) -> Result<Count, Stopped> {
        self.counted(&format!("units/{unit_type}"), set, units, cell, |_| units)
    }

    fn counted(
        &mut self,
        kind: &str,
        set: &PersonSet,
        n: u64,
        cell: usize,
        of_root: impl Fn(&KnownSet) -> u64,
    ) -> Result<Count, Stopped> {
        if set.keyed == Keyed::Persons {
            self.search(&KnownSet::of(set))?;
        }
        if n == 0 {
            return Ok(Count { shown: 0, empty: true });
        }
        let filed = Filed { kind, variable: "", column: [0; 32], cell };
        let policy = self.policy;
        let stored = self.value(set, filed, |u, root| {
            let n = of_root(root);
            Stored::Number(n as f64 + policy.counts().change(n, u) as f64)
        })?;
        Ok(match stored {
            Stored::Number(x) => Count { shown: x.max(0.0) as u64, empty: false },
            Stored::Hidden(_) => Count { shown: 0, empty: false },
        })
    }

    /// The value of a statistic of a set: what the ledger knows of it or of its root, else what `compute` makes of the
    /// root and its cell key.
    pub(crate) fn value(
        &mut self,
        set: &PersonSet,
        filed: Filed<'_>,
        compute: impl FnOnce(f64, &KnownSet) -> Stored,
    ) -> Result<Stored, Stopped> {
        let place = match self.look_up(set, &filed)? {
            Ok(value) => return Ok(value),
            Err(place) => place,
        };
        let value =
            compute(self.ctx.keys.cell_key(place.root.fingerprint, &place.key.kind, filed.variable), &place.root);
        self.keep(place, value, filed.cell);
        Ok(value)
    }

    /// The value of a statistic of a group: what the ledger knows of it or of its root, else what `compute` makes of the
    /// values of the root's persons (SDC-050). Where those are out of reach it is computed on the group itself, with
    /// more noise, and stays with the group.
    pub(crate) fn measured(
        &mut self,
        group: &RawMagnitude,
        filed: Filed<'_>,
        row_wise: bool,
        compute: impl FnOnce(&Basis<'_>) -> Stored,
    ) -> Result<Stored, Stopped> {
        let mut place = match self.look_up(&group.set, &filed)? {
            Ok(value) => return Ok(value),
            Err(place) => place,
        };
        let keys = self.ctx.keys;
        let own = place.root.fingerprint == place.set.fingerprint;
        let again = if own { None } else { self.again(group, place.root.fingerprint, filed.column)? };
        let value = match again.as_deref() {
            Some(root) => {
                let u = keys.cell_key(place.root.fingerprint, &place.key.kind, filed.variable);
                compute(&Basis { group: root, u, alone: false })
            }
            None if own && row_wise => {
                let u = keys.cell_key(place.set.fingerprint, &place.key.kind, filed.variable);
                compute(&Basis { group, u, alone: false })
            }
            None => {
                let column: String = filed.column.iter().map(|b| format!("{b:02x}")).collect();
                let u = keys.cell_key(place.set.fingerprint, &place.key.kind, &column);
                place.alone = true;
                compute(&Basis { group, u, alone: true })
            }
        };
        self.keep(place, value, filed.cell);
        Ok(value)
    }

    /// The value of a set that is known, or where a new one is to be filed.
    fn look_up(&mut self, set: &PersonSet, filed: &Filed<'_>) -> Result<Result<Stored, Place>, Stopped> {
        self.sets.ask(set);
        // Ordinals of different unit spaces are written alike, so sets of units get kinds of their own, and are compared
        // with no others.
        let (kind, persons) = match set.keyed {
            Keyed::Persons => (self.texts.of(filed.kind), true),
            Keyed::Units => (self.texts.of(&format!("space/{}", filed.kind)), false),
        };
        let fingerprint = Fingerprint(set.fingerprint);
        let key = ValueKey {
            set: fingerprint,
            kind,
            variable: self.texts.of(filed.variable),
            column: filed.column,
            policy: Arc::clone(&self.texts.policy),
        };
        let known = Arc::new(KnownSet::of(set));
        let root = if persons { self.root(&known, &set.members)? } else { Arc::clone(&known) };
        if let Some(value) = self.read(&key)? {
            return Ok(Ok(value));
        }
        self.sets.ask(set).near |= root.fingerprint != known.fingerprint;
        let at_root = ValueKey { set: root.fingerprint, ..key.clone() };
        let value = self.read(&at_root)?;
        let place = Place { set: known, root, members: set.members.clone(), key, persons, alone: value.is_some() };
        Ok(match value {
            Some(value) => {
                self.keep(place, value, filed.cell);
                Ok(value)
            }
            None => Err(place),
        })
    }

    fn read(&mut self, key: &ValueKey) -> Result<Option<Stored>, Stopped> {
        if let Some(value) = self.known.get(key) {
            return Ok(Some(*value));
        }
        let value = self.ledger.read(key)?;
        if let Some(value) = value {
            self.known.insert(key.clone(), value);
        }
        Ok(value)
    }

    /// Files a value with the root, and with the set itself: the next time it is found at once, and the set is known.
    fn keep(&mut self, place: Place, value: Stored, cell: usize) {
        let own = place.root.fingerprint == place.set.fingerprint;
        let entry = |set: &KnownSet, members: engine::Members, key: ValueKey| LedgerEntry {
            key,
            value,
            persons: set.persons,
            sketch: set.sketch.clone(),
            root: place.persons.then_some(place.root.fingerprint),
            members,
            recipe: Recipe {
                script: Arc::clone(&self.texts.script),
                statement: self.ctx.statement,
                cell: u32::try_from(cell).unwrap_or(u32::MAX),
            },
            at: self.ctx.at,
        };
        if !own && !place.alone {
            let key = ValueKey { set: place.root.fingerprint, ..place.key.clone() };
            self.known.insert(key.clone(), value);
            self.entries.push(entry(&place.root, engine::Members::default(), key));
        }
        self.known.insert(place.key.clone(), value);
        self.entries.push(entry(&place.set, place.members.clone(), place.key));
    }

    /// The root of a set: of a known one what was found when it became known; of a new one the nearest known set within
    /// the secret radius, or itself (SDC-051..053).
    fn root(&mut self, set: &Arc<KnownSet>, members: &engine::Members) -> Result<Arc<KnownSet>, Stopped> {
        let found = match self.searched.get(&set.fingerprint) {
            Some(found) => found.clone(),
            None => self.search(set)?,
        };
        if let Some(root) = self.fresh.root(set.fingerprint) {
            return Ok(root);
        }
        if let Some(root) = self.ledger.root(set.fingerprint)? {
            return Ok(root);
        }
        let root = found.unwrap_or_else(|| Arc::clone(set));
        self.fresh.insert(set, &root);
        self.fresh_members.insert(set.fingerprint, members.clone());
        Ok(root)
    }

    /// Searches for sets near a set, once for every cell that is counted: whether the set is known, equal to that of
    /// another cell, or empty must not be told from the time (SDC-054).
    fn search(&mut self, set: &KnownSet) -> Result<Option<Arc<KnownSet>>, Stopped> {
        let found = self.near(set)?;
        self.searched.insert(set.fingerprint, found.clone());
        Ok(found)
    }

    /// The set whose values a set is answered with, where a known one is near. Constant work (SDC-054): so many sets are
    /// compared as there are slots, whether there are candidates or not; an empty slot compares the set with itself. Who
    /// is in a set is not asked: the sketches tell small distances as well, at the same cost for every set, and also when
    /// its members are long forgotten (see [`apart`]).
    fn near(&self, set: &KnownSet) -> Result<Option<Arc<KnownSet>>, Stopped> {
        // Nearer than the radius, which is at most that.
        let reach = self.policy.rules().snap.most - 1;
        let mut candidates = self.ledger.candidates(set.persons, &set.sketch, reach)?;
        candidates.extend(self.fresh.candidates(set.persons, &set.sketch, reach));
        candidates.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        candidates.truncate(SLOTS);
        let own = (set.persons, &set.sketch);
        for _ in candidates.len()..SLOTS {
            black_box(apart(black_box(own), own));
        }
        // The nearest one decides, near or not: a second chance with the next one would make the edge of the radius steep.
        let measured = candidates.into_iter().map(|c| (apart(own, (c.set.persons, &c.set.sketch)), c));
        let nearest = measured.min_by_key(|(apart, _)| *apart);
        Ok(nearest
            .filter(|(apart, candidate)| self.is_near(set, candidate, *apart))
            .map(|(_, candidate)| candidate.root))
    }

    /// The members of a known set, where they are at hand.
    fn members_of(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, Stopped> {
        Ok(match self.fresh_members.get(&set) {
            Some(members) => members.ordinals(),
            None => self.ledger.members(set)?,
        })
    }

    /// SDC-052: nearer than the secret radius of the pair and than a share of the larger set; and, for a set found by way
    /// of another, within reach of the root.
    fn is_near(&self, set: &KnownSet, candidate: &Candidate, apart: u64) -> bool {
        let other = &candidate.set;
        let (keys, SnapRules { least, most }) = (self.ctx.keys, self.policy.rules().snap);
        let (radius, share) = keys.radius(set.fingerprint, other.fingerprint, least, most);
        let within_reach = || {
            let root = &candidate.root;
            root.fingerprint == other.fingerprint
                || set.sketch.distance(&root.sketch) < keys.reach(root.fingerprint, most) as f64
        };
        apart < radius && apart as f64 <= share * set.persons.max(other.persons) as f64 && within_reach()
    }

    /// Whom a result on a whole sample is computed on: its root and the root's members, where those are at hand and the
    /// columns have values there; else the sample itself, and none.
    pub(crate) fn basis(
        &mut self,
        sample: &PersonSet,
        row_wise: bool,
    ) -> Result<(Fingerprint, Option<Arc<RoaringBitmap>>), Stopped> {
        let fingerprint = Fingerprint(sample.fingerprint);
        if sample.keyed == Keyed::Units || sample.persons == 0 || !row_wise {
            return Ok((fingerprint, None));
        }
        let known = Arc::new(KnownSet::of(sample));
        let root = self.root(&known, &sample.members)?.fingerprint;
        if root == fingerprint {
            return Ok((root, None));
        }
        let members = self.members_of(root)?;
        Ok(if members.is_some() { (root, members) } else { (fingerprint, None) })
    }

    pub(crate) fn keys(&self) -> &'a GateKeys {
        self.ctx.keys
    }

    /// The statistics of a column over a root, where its members are at hand and the column has values there.
    fn again(
        &mut self,
        group: &RawMagnitude,
        root: Fingerprint,
        column: [u8; 32],
    ) -> Result<Option<Rc<RawMagnitude>>, Stopped> {
        if let Some(known) = self.again.get(&(root, column)) {
            return Ok(known.clone());
        }
        let found = match &group.again {
            None => None,
            Some(again) => self.members_of(root)?.map(|members| Rc::new(again.over(&members))),
        };
        self.again.insert((root, column), found.clone());
        Ok(found)
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
