//! The gate shown at work on made-up persons: what one count is told, for a page that explains why numbers are perturbed.
//! Keys, ledger and persons are the example's own and the same everywhere; nothing here touches those of an installation.

use std::collections::BTreeSet;

use engine::raw::{Keyed, PersonSet, RawEdit};
use engine::{Members, Raw};
use kernel::Timestamp;
use roaring::RoaringBitmap;

use crate::gate::{Ctx, Gate};
use crate::keys::{Fingerprint, GateKeys, Sketch, person_id};
use crate::ledger::MemoryLedger;
use crate::meter::Unmetered;
use crate::policy::Policy;
use crate::released::Value;

/// Made-up persons and a gate of their own. What is asked of it first decides what near sets are told later, as with the
/// real one.
pub struct Example {
    policy: Policy,
    keys: GateKeys,
    ledger: MemoryLedger,
}

impl Default for Example {
    fn default() -> Self {
        Self { policy: Policy::standard(), keys: GateKeys::new([0xe1; 32], [0xe2; 32]), ledger: MemoryLedger::new() }
    }
}

impl Example {
    /// Most persons that it is asked for.
    pub const MOST: u32 = 2000;

    /// What is told of the number of these persons. Persons are numbers below twice [`Example::MOST`]; others are left
    /// out. None when the gate gives nothing, which it does not for a count.
    pub fn count(&mut self, persons: impl IntoIterator<Item = u32>) -> Option<Value> {
        let raw = RawEdit {
            dataset: "example".to_owned(),
            columns: Vec::new(),
            conditional: false,
            touched: self.set(persons),
            untouched: PersonSet::empty(Keyed::Persons),
        };
        let ctx = Ctx {
            account: "example",
            project: "example",
            at: Timestamp::from_micros(0),
            script: "example",
            statement: 0,
            metered_as: 0,
            statistics: &[],
            keys: &self.keys,
            meter: &Unmetered,
        };
        let released = Gate::release(&self.policy, &mut self.ledger, &ctx, Raw::new(raw)).ok()?;
        Some(released.value().touched)
    }

    /// The typical error of its counts.
    pub fn typical_error(&self) -> f64 {
        self.policy.typical_error()
    }

    fn set(&self, persons: impl IntoIterator<Item = u32>) -> PersonSet {
        let persons: BTreeSet<u32> = persons.into_iter().filter(|p| *p < 2 * Self::MOST).collect();
        let (mut print, mut sketch) = (Fingerprint::default(), Sketch::default());
        for person in &persons {
            let record = self.keys.record(&person_id(u64::from(*person)));
            print = print.with(record);
            sketch.add(record);
        }
        let members = Members::of(persons.iter().copied().collect::<RoaringBitmap>());
        let persons = persons.len() as u64;
        PersonSet { keyed: Keyed::Persons, persons, fingerprint: print.0, sketch: sketch.0, members }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    /// What the page says is so: the same persons give the same number, one person less gives the same answer, other
    /// persons are told apart, and a handful is hidden.
    #[test]
    fn the_example_shows_what_the_page_says() {
        let mut differs = 0;
        for n in [60, 200, 1200] {
            let mut example = Example::default();
            let first = example.count(0..n).unwrap();
            assert_eq!(example.count(0..n).unwrap(), first);
            assert_eq!(example.count(0..n - 1).unwrap(), first);
            assert_eq!(Example::default().count(0..n).unwrap(), first, "for everyone, at any time");
            let shown = first.number().unwrap();
            assert!((shown - f64::from(n)).abs() <= 5.0);
            differs += u32::from(example.count(Example::MOST..Example::MOST + n).unwrap() != first);
        }
        assert!(differs >= 1);
        assert_eq!(Example::default().count(0..3), Some(Value::Hidden(Reason::Small)));
        assert_eq!(Example::default().count(0..0), Example::default().count(0..3), "nobody looks like a few");
    }
}
