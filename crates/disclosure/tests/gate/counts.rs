//! Counts, populations, edits and tables through the gate.

use crate::common::{dimension, people, release, table};
use disclosure::{
    Base, Fingerprint, KnownSet, LedgerEntry, LedgerError, MemoryLedger, Policy, Reason, Rules, Stopped, Stored, Value,
    ValueKey, Withheld,
};
use engine::raw::{DatasetKind, Keyed, RawEdit, RawPopulation};
use proptest::prelude::*;
use std::sync::Arc;

fn population(persons: u64, unit_type: &str) -> RawPopulation {
    let set = people(0..persons);
    RawPopulation {
        dataset: "d".into(),
        kind: DatasetKind::CrossSection,
        unit_type: unit_type.into(),
        units: persons * 2,
        rows: persons,
        set,
        before: None,
    }
}

fn edit(touched: u64, untouched: u64, conditional: bool) -> RawEdit {
    RawEdit {
        dataset: "d".into(),
        columns: vec!["x".into()],
        conditional,
        touched: people(0..touched),
        untouched: people(touched..touched + untouched),
    }
}

fn withheld(code: Reason) -> Stopped {
    Stopped::Withheld(Withheld::because(code))
}

/// SDC-140: a population below the floor is refused, above it its released size is told.
#[test]
fn sdc_140_population_floor() {
    let policy = Policy::standard();
    let mut ledger = MemoryLedger::new();
    for persons in [0, 1, 500, 990] {
        let result = release(&policy, &mut ledger, &[], population(persons, "PERSON"));
        assert_eq!(result.unwrap_err(), withheld(Reason::Floor));
    }
    let receipt = release(&policy, &mut ledger, &[], population(1200, "PERSON")).unwrap();
    let shown = receipt.value().persons.number().unwrap();
    assert!((shown - 1200.0).abs() <= 5.0 && receipt.value().units.is_none());
    let families = release(&policy, &mut ledger, &[], population(1200, "FAMILIE")).unwrap();
    assert!((families.value().units.unwrap().number().unwrap() - 2400.0).abs() <= 5.0);
    // LANG-241: what the dataset was before is told as it was released then.
    let before = Some(std::sync::Arc::new(people(0..1200)));
    let kept = RawPopulation { kind: DatasetKind::Panel, before, ..population(1100, "PERSON") };
    let kept = release(&policy, &mut ledger, &[], kept).unwrap();
    assert_eq!(kept.value().before, Some(receipt.value().persons));
    assert_eq!(kept.value().dataset_kind, Some(disclosure::DatasetKind::Panel));
    assert_eq!(receipt.value().before, None);
    let mut units = population(12, "KOMMUNE");
    units.set.keyed = Keyed::Units;
    assert!(release(&policy, &mut ledger, &[], units).is_ok());
}

/// SDC-140: around the floor the verdict is that of the released count, not of the true one.
#[test]
fn sdc_140_the_floor_compares_the_released_count() {
    let policy = Policy::standard();
    let (mut refused_above, mut released_below) = (0, 0);
    for shift in 0..60 {
        for persons in [998u64, 1002] {
            let mut raw = population(0, "PERSON");
            raw.set = people(shift * 10_000..shift * 10_000 + persons);
            match release(&policy, &mut MemoryLedger::new(), &[], raw) {
                Ok(receipt) => {
                    assert!(receipt.value().persons.number().unwrap() >= 1000.0);
                    released_below += u32::from(persons < 1000);
                }
                Err(_) => refused_above += u32::from(persons >= 1000),
            }
        }
    }
    assert!(refused_above > 0 && released_below > 0);
}

/// SDC-141: an edit with a condition must touch enough and leave enough, or leave nothing.
#[test]
fn sdc_141_edit_rule() {
    let policy = Policy::standard();
    let mut ledger = MemoryLedger::new();
    for (touched, untouched) in [(0, 5000), (1, 5000), (4, 5000), (3, 0)] {
        let result = release(&policy, &mut ledger, &[], edit(touched, untouched, true));
        assert_eq!(result.unwrap_err(), withheld(Reason::Edit), "{touched} {untouched}");
    }
    // What leaves seven is refused as often as seven are told from none; what leaves one is not told from what leaves none.
    let refused = |n: u64| {
        let left = (0..60u64).map(|i| RawEdit { untouched: people(i * 1000..i * 1000 + n), ..edit(5000, 0, true) });
        left.map(|raw| release(&policy, &mut MemoryLedger::new(), &[], raw)).filter(Result::is_err).count()
    };
    assert!(refused(7) >= 50 && refused(1) <= 8, "{} {}", refused(7), refused(1));
    for (touched, untouched) in [(100, 5000), (5000, 100), (5000, 0)] {
        assert!(release(&policy, &mut ledger, &[], edit(touched, untouched, true)).is_ok());
    }
    let whole = release(&policy, &mut ledger, &[], edit(3, 0, false)).unwrap();
    assert_eq!((whole.value().touched, whole.value().untouched), (Value::Hidden(Reason::Small), None));
    // LANG-241: under a condition both numbers are told, as released.
    let part = release(&policy, &mut ledger, &[], edit(100, 5000, true)).unwrap();
    assert!((part.value().untouched.unwrap().number().unwrap() - 5000.0).abs() <= 5.0);
}

/// SDC-043, SDC-044: small cells are hidden with their reason, true zeros where the policy says so, margins are perturbed
/// on their own.
#[test]
fn sdc_043_small_cells_are_hidden() {
    let policy = Policy::standard();
    let raw = || table(vec![dimension("row", 2), dimension("column", 3)], &[1000, 2, 0, 400, 300, 200]);
    let open = Policy::new(Rules { hide_zero: false, ..Rules::standard() }).unwrap();
    let shown = release(&open, &mut MemoryLedger::new(), &[], raw()).unwrap();
    assert_eq!(shown.value().cell(&[0, 2]).unwrap().count, Value::Value(0.0));
    let released = release(&policy, &mut MemoryLedger::new(), &[], raw()).unwrap();
    let table = released.value();
    assert_eq!(table.cell(&[0, 1]).unwrap().count, Value::Hidden(Reason::Small));
    assert_eq!(table.cell(&[0, 2]).unwrap().count, Value::Hidden(Reason::Small));
    assert_eq!(table.share(&[0, 2], Base::Row, &[1]), Value::Hidden(Reason::Small));
    for (position, n) in [([0, 0], 1000.0), ([1, 2], 200.0), ([2, 3], 1902.0), ([0, 3], 1002.0), ([2, 0], 1400.0)] {
        let shown = table.cell(&position).unwrap().count.number().unwrap();
        assert!((shown - n).abs() <= 5.0, "{position:?}: {shown}");
    }
    assert_eq!(table.share(&[0, 1], Base::Row, &[1]), Value::Hidden(Reason::Small));
    let share = table.share(&[1, 0], Base::Row, &[1]).number().unwrap();
    assert!((share - 44.4).abs() < 1.0);
    let column = table.share(&[1, 0], Base::Column, &[1]).number().unwrap();
    assert!((column - 28.6).abs() < 1.0);
    assert_eq!(released.policy().sha256, policy.hash());
    assert_eq!(table.typical_error, 1.3);
}

/// SDC-043, SDC-185: whatever is hidden reads the same, byte for byte; with `hide_zero` that includes zero.
#[test]
fn sdc_043_hidden_cells_are_byte_identical() {
    let policy = Policy::new(Rules { hide_zero: true, ..Rules::standard() }).unwrap();
    let mut texts = Vec::new();
    for small in [0, 1, 2, 3, 4] {
        let raw = table(vec![dimension("row", 2), dimension("column", 2)], &[1500, 400, 300, small]);
        let released = release(&policy, &mut MemoryLedger::new(), &[], raw).unwrap();
        let cell = released.value().cell(&[1, 1]).unwrap().clone();
        texts.push(serde_json::to_string(&cell).unwrap());
    }
    assert_eq!(texts[0], "{\"count\":{\"hidden\":\"SMALL\"}}");
    assert!(texts.iter().all(|t| t == &texts[0]));
}

/// SDC-043, SDC-181: a category that nobody has and one that a few have are told apart by nothing, nor is a table of nobody
/// from a table of a few.
#[test]
fn sdc_043_nobody_and_a_few_look_the_same() {
    let policy = Policy::standard();
    let text = |sizes: &[u64]| {
        let raw = table(vec![dimension("row", sizes.len())], sizes);
        serde_json::to_string(&release(&policy, &mut MemoryLedger::new(), &[], raw).unwrap()).unwrap()
    };
    assert_eq!(text(&[1500, 1]), text(&[1500]));
    assert_eq!(text(&[1]), text(&[]));
    assert_eq!(text(&[1, 2]), text(&[]));
}

/// SDC-131: a table of mostly small cells is withheld as a whole.
#[test]
fn sdc_131_a_sparse_table_is_stopped() {
    let policy = Policy::standard();
    let square = || vec![dimension("row", 3), dimension("column", 3)];
    let mostly_small = table(square(), &[500, 1, 1, 1, 600, 2, 1, 0, 700]);
    let result = release(&policy, &mut MemoryLedger::new(), &[], mostly_small);
    assert_eq!(result.unwrap_err(), withheld(Reason::Sparse));
    let some_small = table(square(), &[500, 1, 90, 80, 600, 2, 1, 0, 700]);
    assert!(release(&policy, &mut MemoryLedger::new(), &[], some_small).is_ok());
}

/// SDC-120, SDC-220: a rare value that stands in no code list does not show itself as a category.
#[test]
fn sdc_220_a_rare_uncoded_value_is_not_a_category() {
    let policy = Policy::standard();
    let mut years = dimension("birth_year", 4);
    for (category, year) in years.categories.iter_mut().zip(["1911", "1950", "1951", "1952"]) {
        category.label = None;
        category.code = year.into();
    }
    let raw = table(vec![years, dimension("sex", 2)], &[1, 0, 500, 400, 600, 700, 300, 200]);
    let released = release(&policy, &mut MemoryLedger::new(), &[], raw).unwrap();
    let table = released.value();
    let codes: Vec<&str> = table.dimensions[0].categories.iter().map(|c| c.code.as_str()).collect();
    assert_eq!(codes, ["1950", "1951", "1952"]);
    assert_eq!(table.cells.len(), 4 * 3);
    assert!((table.cell(&[0, 0]).unwrap().count.number().unwrap() - 500.0).abs() <= 5.0);
    assert!((table.cell(&[3, 2]).unwrap().count.number().unwrap() - 2701.0).abs() <= 5.0);
    assert!(!serde_json::to_string(&released).unwrap().contains("1911"));
}

/// SDC-053, SDC-056: the ledger's value is given back, under the same policy only.
#[test]
fn sdc_055_the_first_value_stays() {
    let policy = Policy::standard();
    let mut ledger = MemoryLedger::new();
    let first = release(&policy, &mut ledger, &[], population(2000, "PERSON")).unwrap();
    let known = ledger.len();
    let again = release(&policy, &mut ledger, &[], population(2000, "PERSON")).unwrap();
    assert_eq!((first, ledger.len()), (again, known));
    let key = ValueKey {
        set: disclosure::Fingerprint(people(0..3000).fingerprint),
        kind: "count".into(),
        variable: "".into(),
        column: [0; 32],
        policy: policy.hash().into(),
    };
    let entry = LedgerEntry {
        key,
        value: Stored::Number(2993.0),
        persons: 3000,
        sketch: disclosure::Sketch::default(),
        root: None,
        members: engine::Members::default(),
        recipe: disclosure::Recipe::default(),
        at: kernel::Timestamp::from_micros(0),
    };
    disclosure::Ledger::append(&mut ledger, &[entry]).unwrap();
    let stored = release(&policy, &mut ledger, &[], population(3000, "PERSON")).unwrap();
    assert_eq!(stored.value().persons, Value::Value(2993.0));
    let other = Policy::new(Rules { version: 2, ..Rules::standard() }).unwrap();
    let fresh = release(&other, &mut ledger, &[], population(3000, "PERSON")).unwrap();
    assert_ne!(fresh.value().persons, Value::Value(2993.0));
}

struct Broken(bool);
impl disclosure::Ledger for Broken {
    fn candidates(&self, _: u64, _: &disclosure::Sketch, _: u64) -> Result<Vec<disclosure::Candidate>, LedgerError> {
        Err(LedgerError)
    }
    fn root(&self, _: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        Err(LedgerError)
    }
    fn members(&self, _: Fingerprint) -> Result<Option<Arc<roaring::RoaringBitmap>>, LedgerError> {
        Err(LedgerError)
    }
    fn read(&self, _: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        if self.0 { Err(LedgerError) } else { Ok(None) }
    }
    fn append(&mut self, _: &[LedgerEntry]) -> Result<(), LedgerError> {
        Err(LedgerError)
    }
}

/// SDC-055: nothing leaves that is not in the ledger first.
#[test]
fn sdc_055_without_a_ledger_nothing_leaves() {
    for cannot_read in [true, false] {
        let result = release(&Policy::standard(), &mut Broken(cannot_read), &[], population(2000, "PERSON"));
        assert_eq!(result.unwrap_err(), Stopped::LedgerUnavailable);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// SDC-032, SDC-055: the same set gives the same number in any table, order and account; where no set is near another
    /// it is within D of the truth.
    #[test]
    fn sdc_032_same_set_same_number(a in 40u64..3000, b in 40u64..3000) {
        let policy = Policy::standard();
        let first = release(&policy, &mut MemoryLedger::new(), &[], table(vec![dimension("x", 2)], &[a, b]));
        let wide = table(vec![dimension("y", 1), dimension("x", 2)], &[a, b]);
        let second = release(&policy, &mut MemoryLedger::new(), &[], wide);
        if let (Ok(first), Ok(second)) = (first, second) {
            for c in 0..3 {
                let one = first.value().cell(&[c]).unwrap().count;
                prop_assert_eq!(one, second.value().cell(&[1, c]).unwrap().count);
                let truth = [a, b, a + b][c] as f64;
                if let Value::Value(shown) = one {
                    prop_assert!((shown - truth).abs() <= 5.0);
                    prop_assert!(shown >= 10.0 || truth == 0.0);
                }
            }
        }
    }
}
