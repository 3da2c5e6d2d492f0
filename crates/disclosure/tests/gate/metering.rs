//! What a meter is told, and that nothing leaves that it stops (SDC-170, SDC-172).

use std::cell::RefCell;

use crate::common::{dimension, people, release_metered, table};
use disclosure::{Asked, AskedSet, MemoryLedger, Meter, Policy, Reason, Stopped, Unmetered, Withheld};
use engine::raw::{DatasetKind, RawPopulation};

/// Remembers what it was told, and stops when it is to.
#[derive(Default)]
struct Told {
    sets: RefCell<Vec<AskedSet>>,
    refused: RefCell<Vec<Reason>>,
    stops: bool,
}

impl Meter for Told {
    fn charge(&self, asked: &Asked<'_>) -> Result<(), Stopped> {
        self.sets.borrow_mut().extend_from_slice(asked.sets);
        self.refused.borrow_mut().extend(asked.refused);
        if self.stops { Err(Stopped::Withheld(Withheld::because(Reason::Budget))) } else { Ok(()) }
    }
}

fn population(persons: std::ops::Range<u64>) -> RawPopulation {
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

/// SDC-172: a stopped release writes nothing to the ledger, and what the meter lets pass afterwards is as if it had never
/// been asked for.
#[test]
fn sdc_172_a_stopped_release_leaves_no_trace() {
    let (policy, mut ledger) = (Policy::standard(), MemoryLedger::new());
    let stop = Told { stops: true, ..Told::default() };
    let stopped = release_metered(&policy, &mut ledger, &stop, &[], population(0..1500));
    assert_eq!(stopped.err(), Some(Stopped::Withheld(Withheld::because(Reason::Budget))));
    assert_eq!(stop.sets.borrow().len(), 1);
    assert!(ledger.is_empty());
    assert!(release_metered(&policy, &mut ledger, &Unmetered, &[], population(0..1500)).is_ok());
}

/// SDC-170, SDC-172: the meter is told every set that was asked about, hidden cells and margins too, before any of them is
/// answered by another: whether the ledger knew it changes nothing but the mark of a near set.
#[test]
fn sdc_170_the_meter_is_told_sets_as_they_were_asked() {
    let (policy, mut ledger) = (Policy::standard(), MemoryLedger::new());
    let ask = |ledger: &mut MemoryLedger, inner: &[u64]| {
        let told = Told::default();
        let released = release_metered(&policy, ledger, &told, &[], table(vec![dimension("d", inner.len())], inner));
        assert!(released.is_ok());
        told.sets.into_inner()
    };
    let first = ask(&mut ledger, &[400, 300, 3]);
    assert_eq!(first.len(), 4, "three cells, one of them hidden, and the total");
    let again = ask(&mut ledger, &[400, 300, 3]);
    let prints = |sets: &[AskedSet]| sets.iter().map(|s| s.set).collect::<Vec<_>>();
    assert!(prints(&again) == prints(&first));

    let told = Told::default();
    let metered =
        |ledger: &mut MemoryLedger, persons| release_metered(&policy, ledger, &told, &[], population(persons));
    metered(&mut ledger, 10_000..11_500).unwrap();
    metered(&mut ledger, 10_000..11_499).unwrap();
    assert_eq!(metered(&mut ledger, 0..500).err(), Some(Stopped::Withheld(Withheld::because(Reason::Floor))));
    let sets = told.sets.into_inner();
    assert_eq!(
        sets.iter().map(|s| (s.persons, s.near)).collect::<Vec<_>>(),
        [(1500, false), (1499, true), (500, false)]
    );
    assert!(sets.iter().all(|s| s.population.is_some()));
    assert_eq!(told.refused.into_inner(), [Reason::Floor]);
}
