//! Near-identical sets share one answer (SDC-050..053).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{dimension, keys, people, release, table};
use disclosure::{
    Candidate, Fingerprint, KnownSet, Ledger, LedgerEntry, LedgerError, MemoryLedger, Policy, Sketch, Stored, Value,
    ValueKey,
};
use engine::Members;
use engine::raw::{DatasetKind, PersonSet, RawEdit, RawPopulation, RawTable};

fn population(persons: impl IntoIterator<Item = u64>) -> RawPopulation {
    let set = people(persons);
    RawPopulation {
        dataset: "d".into(),
        kind: DatasetKind::CrossSection,
        unit_type: "PERSON".into(),
        units: set.persons,
        rows: set.persons,
        set,
        before: None,
    }
}

fn told(policy: &Policy, ledger: &mut MemoryLedger, persons: impl IntoIterator<Item = u64>) -> Value {
    release(policy, ledger, &[], population(persons)).unwrap().value().persons
}

/// SDC-050, SDC-052: one person more or less changes nothing, in whatever order the sets are asked for; a set that is
/// farther than the largest radius has a number of its own.
#[test]
fn sdc_050_a_near_set_has_the_number_of_the_earlier_one() {
    let policy = Policy::standard();
    for shift in (0..3).map(|i| i * 10_000) {
        let mut ledger = MemoryLedger::new();
        let first = told(&policy, &mut ledger, shift..shift + 1200);
        assert_eq!(told(&policy, &mut ledger, shift..shift + 1199), first);
        let mut ledger = MemoryLedger::new();
        let first = told(&policy, &mut ledger, shift..shift + 1199);
        assert_eq!(told(&policy, &mut ledger, shift..shift + 1200), first);
        let far = told(&policy, &mut ledger, shift..shift + 1240).number().unwrap();
        assert!((far - 1240.0).abs() <= 5.0);
    }
}

/// SDC-052: whether two sets are near follows from their difference and the secret radius of the pair, whatever their size
/// and whether or not anybody still knows their members. Here one lies in the other, so that the sizes say how far
/// they are apart at least.
#[test]
fn sdc_052_the_difference_and_the_secret_radius_decide() {
    let policy = Policy::standard();
    let keys = keys();
    let print = |set: engine::raw::PersonSet| disclosure::Fingerprint(set.fingerprint);
    for apart in [2, 3, 4, 7, 8, 9u64] {
        for shift in (0..3).map(|i| i * 10_000) {
            let mut ledger = MemoryLedger::new();
            let (one, other) = (shift..shift + 2000, shift + apart..shift + 2000);
            let first = told(&policy, &mut ledger, one.clone());
            let second = told(&policy, &mut ledger, other.clone());
            let (radius, _) = keys.radius(print(people(one)), print(people(other.clone())), 2, 7);
            if apart < radius {
                assert_eq!(second, first);
            } else {
                assert_eq!(second, told(&policy, &mut MemoryLedger::new(), other));
            }
        }
    }
}

/// SDC-052: small sets of other persons are candidates of each other, and still have numbers of their own (κ).
#[test]
fn sdc_052_disjoint_small_sets_share_nothing() {
    let policy = Policy::standard();
    let cells = |raw: RawTable, ledger: &mut MemoryLedger| {
        let released = release(&policy, ledger, &[], raw).unwrap();
        released.value().cells.iter().map(|c| c.count).collect::<Vec<_>>()
    };
    let sizes = [16, 17, 18, 19, 16, 15, 18, 20];
    let raw = || table(vec![dimension("x", 8)], &sizes);
    let all = cells(raw(), &mut MemoryLedger::new());
    for (n, shown) in sizes.iter().zip(&all) {
        assert!(shown.number().is_none_or(|x| (x - *n as f64).abs() <= 5.0));
    }
}

/// SDC-050: whoever goes on from a near set in small steps gets the first answer for a while, and never leaves it far
/// behind.
#[test]
fn sdc_050_a_chain_of_near_sets_ends() {
    let policy = Policy::standard();
    let mut ledger = MemoryLedger::new();
    let mut worst = 0.0f64;
    for step in 0..50u64 {
        let n = 1300 - step;
        let shown = told(&policy, &mut ledger, 0..n).number().unwrap();
        worst = worst.max((shown - n as f64).abs());
    }
    assert!(worst >= 8.0, "near sets share an answer");
    assert!(worst <= 3.0 * 7.0 + 5.0, "{worst}");
}

/// SDC-055: the relation between sets is written with the first value and holds for other statistics and policies.
#[test]
fn sdc_056_another_policy_keeps_the_sets() {
    let (policy, mut ledger) = (Policy::standard(), MemoryLedger::new());
    told(&policy, &mut ledger, 0..1200);
    told(&policy, &mut ledger, 0..1199);
    let other = Policy::new(disclosure::Rules { version: 2, ..disclosure::Rules::standard() }).unwrap();
    let second = told(&other, &mut ledger, 0..1199);
    assert_eq!(told(&other, &mut ledger, 0..1200), second);
    let known = disclosure::Ledger::root(&ledger, disclosure::Fingerprint(people(0..1199).fingerprint)).unwrap();
    assert!(known.is_some_and(|root: Arc<disclosure::KnownSet>| root.persons == 1200));
}

/// Members that count how often they are told.
struct Counted(Arc<roaring::RoaringBitmap>, Arc<AtomicUsize>);

impl engine::Membership for Counted {
    fn of(&self, _: usize) -> Arc<roaring::RoaringBitmap> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.0)
    }
    fn bytes(&self) -> usize {
        self.0.serialized_size()
    }
}

/// A ledger that counts searches.
struct Searched(MemoryLedger, AtomicUsize);

impl Ledger for Searched {
    fn candidates(&self, persons: u64, sketch: &Sketch, reach: u64) -> Result<Vec<Candidate>, LedgerError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.candidates(persons, sketch, reach)
    }
    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        self.0.root(set)
    }
    fn members(&self, set: Fingerprint) -> Result<Option<Arc<roaring::RoaringBitmap>>, LedgerError> {
        self.0.members(set)
    }
    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        self.0.read(key)
    }
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        self.0.append(entries)
    }
}

/// SDC-054: every cell is searched for once, and nobody's members are listed for it, whether it is new, known, near a known
/// one, far from all, held by one person or by nobody.
#[test]
fn sdc_054_every_set_takes_the_same_work() {
    let policy = Policy::standard();
    let told = Arc::new(AtomicUsize::new(0));
    let set = |persons: std::ops::Range<u64>| {
        let listed = Arc::new(persons.clone().map(|p| p as u32).collect());
        let members = Members::new(Arc::new(Counted(listed, Arc::clone(&told))), 0);
        PersonSet { members, ..people(persons) }
    };
    let edit = |touched, untouched| RawEdit {
        dataset: "d".into(),
        columns: vec!["z".into()],
        conditional: true,
        touched: set(touched),
        untouched: set(untouched),
    };
    let mut ledger = Searched(MemoryLedger::new(), AtomicUsize::new(0));
    for (what, raw) in [
        ("new sets", edit(0..900, 900..950)),
        ("known sets", edit(0..900, 900..950)),
        ("near sets", edit(0..899, 899..950)),
        ("one person left", edit(0..900, 900..901)),
        ("nobody left", edit(0..900, 0..0)),
        ("twice the same set", edit(0..900, 0..900)),
        ("far from all", edit(5000..5900, 5900..5950)),
    ] {
        let before = (told.load(Ordering::Relaxed), ledger.1.load(Ordering::Relaxed));
        let _ = release(&policy, &mut ledger, &[], raw);
        let after = (told.load(Ordering::Relaxed), ledger.1.load(Ordering::Relaxed));
        assert_eq!((after.0 - before.0, after.1 - before.1), (0, 2), "{what}");
    }
}
