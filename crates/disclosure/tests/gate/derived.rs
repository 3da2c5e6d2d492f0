//! What follows from released tables alone: shares, the additive view, the test of independence.

use crate::common::{dimension, people, release, table};
use disclosure::{Base, MemoryLedger, Policy, Reason, Released, Rules, Table, Value};
use engine::raw::{RawChart, RawVerdict};
use proptest::prelude::*;

fn released(dimensions: &[usize], inner: &[u64]) -> Option<Released<Table>> {
    let named = dimensions.iter().enumerate().map(|(i, n)| dimension(["x", "y", "z"][i], *n)).collect();
    release(&Policy::standard(), &mut MemoryLedger::new(), &[], table(named, inner)).ok()
}

fn count(table: &Table, position: &[usize]) -> Value {
    table.cell(position).unwrap().count
}

/// SDC-132, STAT-043: the test is that of the released counts, to three digits.
#[test]
fn sdc_132_the_test_uses_released_counts() {
    let raw = released(&[2, 3], &[1000, 600, 400, 500, 700, 800]).unwrap();
    let tested = raw.clone().with_chi_square(&[1]).unwrap();
    let test = tested.value().chi_square.clone().unwrap();
    let n: Vec<Vec<f64>> =
        (0..2).map(|r| (0..3).map(|c| count(raw.value(), &[r, c]).number().unwrap()).collect()).collect();
    let total: f64 = n.iter().flatten().sum();
    let mut chi2 = 0.0;
    for row in &n {
        for (c, observed) in row.iter().enumerate() {
            let expected = row.iter().sum::<f64>() * n.iter().map(|r| r[c]).sum::<f64>() / total;
            chi2 += (observed - expected).powi(2) / expected;
        }
    }
    let shown = test.chi2.number().unwrap();
    assert!((shown / chi2 - 1.0).abs() < 0.005, "{shown} {chi2}");
    assert_eq!(shown.to_string().trim_end_matches('0').len(), 3);
    assert_eq!(test.df, Value::Value(2.0));
    assert!((test.cramers_v.number().unwrap() - (chi2 / total).sqrt()).abs() < 0.001);
    assert!(test.p.number().unwrap() < 1e-20 && !test.small_expected);
    // All but the second variable form the rows.
    let three = released(&[2, 2, 2], &[900, 800, 700, 600, 500, 400, 300, 200]).unwrap();
    assert_eq!(three.with_chi_square(&[1]).unwrap().value().chi_square.as_ref().unwrap().df, Value::Value(3.0));
}

/// SDC-132: hidden cells in one row are taken from the margins; elsewhere nothing is tested. STAT-043: two by two at least.
#[test]
fn sdc_132_hidden_cells_and_small_tables() {
    let one_row = released(&[3, 3], &[1000, 600, 400, 3, 2, 900, 500, 700, 800]).unwrap();
    assert_eq!(count(one_row.value(), &[1, 0]), Value::Hidden(Reason::Small));
    let test = one_row.with_chi_square(&[1]).unwrap().value().chi_square.clone().unwrap();
    assert_eq!(test.df, Value::Value(4.0));
    let scattered = released(&[3, 3], &[1000, 2, 400, 3, 600, 900, 500, 700, 800]).unwrap();
    let test = scattered.with_chi_square(&[1]).unwrap().value().chi_square.clone().unwrap();
    let hidden = Value::Hidden(Reason::Small);
    assert_eq!([test.chi2, test.df, test.p, test.cramers_v], [hidden; 4]);
    assert!(released(&[1, 3], &[1000, 600, 400]).unwrap().with_chi_square(&[1]).is_err());
    assert!(released(&[2, 2], &[1000, 600, 0, 0]).unwrap().with_chi_square(&[1]).is_err());
}

/// SDC-133: true zeros stay zero and hidden cells hidden; what is shown adds up where nothing is hidden.
#[test]
fn sdc_133_zeros_and_hidden_cells() {
    let table = released(&[2, 3], &[1000, 2, 0, 400, 300, 200]).unwrap().into_value();
    let adjusted = table.adjusted();
    assert_eq!(count(&adjusted, &[0, 1]), Value::Hidden(Reason::Small));
    assert_eq!(count(&adjusted, &[0, 2]), Value::Hidden(Reason::Small));
    let sum: f64 = (0..3).map(|c| count(&adjusted, &[1, c]).number().unwrap()).sum();
    assert_eq!(Value::Value(sum), count(&adjusted, &[1, 3]));
    assert_eq!(adjusted.dimensions, table.dimensions);
    let open = Policy::new(Rules { hide_zero: false, ..Rules::standard() }).unwrap();
    let raw = crate::common::table(vec![dimension("a", 2), dimension("b", 3)], &[1000, 2, 0, 400, 300, 200]);
    let shown = release(&open, &mut MemoryLedger::new(), &[], raw).unwrap().into_value().adjusted();
    assert_eq!(count(&shown, &[0, 2]), Value::Value(0.0));
}

/// LANG-182: a chart of several variables is released as one or not at all.
#[test]
fn lang_182_blocks_are_released_together() {
    let block = |name: &str, inner: &[u64]| table(vec![dimension(name, inner.len())], inner);
    let policy = Policy::standard();
    let good = RawChart { tables: vec![block("x", &[1000, 900]), block("y", &[800, 700, 600])] };
    let blocks = release(&policy, &mut MemoryLedger::new(), &[], good).unwrap();
    assert_eq!(blocks.value().tables.len(), 2);
    assert!(blocks.into_only_table().is_none());
    let square = vec![dimension("x", 3), dimension("y", 3)];
    let small = table(square, &[500, 1, 1, 1, 600, 2, 1, 0, 700]);
    let sparse = RawChart { tables: vec![block("x", &[1000, 900]), small] };
    assert!(release(&policy, &mut MemoryLedger::new(), &[], sparse).is_err());
    let one = RawChart { tables: vec![block("x", &[1000, 900])] };
    assert!(release(&policy, &mut MemoryLedger::new(), &[], one).unwrap().into_only_table().is_some());
}

/// LANG-245: a verdict about the data belongs to the set; the first one counts. SDC-181: a few with whom the cause is found are
/// told as nobody is.
#[test]
fn lang_245_the_first_verdict_on_a_set_stands() {
    let verdict = |found: bool, persons: u64| RawVerdict {
        cause: "E305",
        origin: vec!["KODE".into()],
        column_key: [3; 32],
        set: people(0..persons),
        who: people(0..if found { 40 } else { 0 }),
        rows: if found { 40 } else { 0 },
    };
    let (policy, mut ledger) = (Policy::standard(), MemoryLedger::new());
    let mut ask = |found, persons| release(&policy, &mut ledger, &[], verdict(found, persons)).unwrap().value().found;
    assert_eq!([ask(true, 2000), ask(false, 2000), ask(false, 3000), ask(true, 3000)], [true, true, false, false]);
    for few in 0..=4 {
        let verdict = RawVerdict { who: people(0..few), ..verdict(false, 4000) };
        assert!(!release(&policy, &mut MemoryLedger::new(), &[], verdict).unwrap().value().found, "{few}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// SDC-044: a share is the quotient of two released numbers, one decimal, and is hidden when one of them is; so shares of
    /// a row differ from 100 only by noise of cells and total, and rounding.
    #[test]
    fn sdc_044_shares_come_from_released_numbers(inner in prop::collection::vec(0u64..3000, 6)) {
        let Some(table) = released(&[2, 3], &inner).map(Released::into_value) else { return Ok(()) };
        let columns = [1];
        for at in 0..table.cells.len() {
            let position = table.position(at);
            for base in [Base::Row, Base::Column, Base::Table] {
                let whole: Vec<usize> = position
                    .iter()
                    .enumerate()
                    .map(|(d, p)| {
                        let total = table.dimensions[d].categories.len();
                        let over = match base { Base::Row => d == 1, Base::Column => d == 0, Base::Table => true };
                        if over { total } else { *p }
                    })
                    .collect();
                let (part, all) = (count(&table, &position), count(&table, &whole));
                match table.share(&position, base, &columns) {
                    Value::Value(share) => {
                        let exact = 100.0 * part.number().unwrap() / all.number().unwrap();
                        prop_assert!((share - exact).abs() <= 0.05 + 1e-9);
                    }
                    Value::Hidden(_) => prop_assert!(part.hidden().is_some() || all.hidden().is_some()),
                    Value::Undefined => prop_assert_eq!(all, Value::Value(0.0)),
                }
            }
        }
        for row in 0..2 {
            let shares: Vec<Value> = (0..3).map(|c| table.share(&[row, c], Base::Row, &columns)).collect();
            if shares.iter().all(|s| s.number().is_some()) {
                let sum: f64 = shares.iter().filter_map(|s| s.number()).sum();
                let total = count(&table, &[row, 3]).number().unwrap();
                prop_assert!((sum - 100.0).abs() <= 0.15 + 100.0 * 20.0 / total, "{} {}", sum, total);
            }
        }
    }

    /// SDC-133: cells of a table without hidden ones add up to every margin, near what was released; and the adjustment sees
    /// released numbers only: the same released table gives the same adjusted one.
    #[test]
    fn sdc_133_cells_add_up(inner in prop::collection::vec(prop_oneof![Just(0u64), 20u64..5000], 12)) {
        let Some(table) = released(&[2, 3, 2], &inner).map(Released::into_value) else { return Ok(()) };
        prop_assume!(table.cells.iter().all(|c| c.count.number().is_some()));
        let adjusted = table.adjusted();
        prop_assert_eq!(&adjusted, &table.adjusted());
        let n = |p: &[usize]| count(&adjusted, p).number().unwrap();
        let sizes: Vec<usize> = adjusted.dimensions.iter().map(|d| d.categories.len()).collect();
        for at in 0..adjusted.cells.len() {
            let position = adjusted.position(at);
            for d in (0..3).filter(|d| position[*d] == sizes[*d]) {
                let parts: f64 = (0..sizes[d])
                    .map(|c| {
                        let mut part = position.clone();
                        part[d] = c;
                        n(&part)
                    })
                    .sum();
                prop_assert_eq!(parts, n(&position));
            }
            let (before, after) = (count(&table, &position).number().unwrap(), n(&position));
            prop_assert!(after.fract() == 0.0 && after >= 0.0 && (before - after).abs() <= 20.0);
            prop_assert!(before != 0.0 || after == 0.0);
        }
    }
}
