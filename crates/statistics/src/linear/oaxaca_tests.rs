//! The decomposition: parts that add up, errors by definition, relations that hold whatever the data, and problems.

use super::*;
use crate::linear::regress::Regress;
use crate::linear::regress::tests::uniform;
use crate::rows::Table;

fn world(seed: u64) -> Table {
    let mut next = uniform(seed);
    let n = 420;
    let group: Vec<f64> = (0..n).map(|_| 1.0 + (1.8 * next()).floor()).collect();
    let x: Vec<f64> = group.iter().map(|g| (g + 5.0 * next()).floor()).collect();
    let kind: Vec<f64> = (0..n).map(|_| (3.0 * next()).floor()).collect();
    let y = (0..n).map(|i| x[i] * group[i] + kind[i] - 4.0 * group[i] + 3.0 * next()).collect();
    let mut table = Table::default();
    table.number("y", y);
    table.number("x", x);
    table.factor("kind", &kind);
    table.number("group", group);
    table
}

fn model(robust: bool) -> Oaxaca {
    let terms = vec![Term::number(1), Term::factor(2, None)];
    Oaxaca { y: 0, terms, constant: true, by: 3, first: None, pool: true, robust }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-9), "{a} {b}");
}

/// STAT-150: the parts add up to the difference, group A has the larger mean, details add up to their part.
#[test]
fn stat_150_parts_add_up() {
    for seed in 1..=20 {
        let found = model(seed % 2 == 0).fit(&world(seed), None).unwrap();
        assert!(found.gap.0 >= 0.0 && found.means[0] >= found.means[1]);
        for parts in [&found.threefold, &found.pooled] {
            close(parts.iter().map(|p| p.value).sum(), found.gap.0, 1e-9);
            for part in parts.iter() {
                close(part.detail.iter().map(|d| d.1).sum(), part.value, 1e-8);
                assert!(part.se > 0.0 && part.detail.len() == 4);
            }
        }
        assert_eq!(found.threefold[0].detail[3].0, "_cons");
    }
}

/// STAT-150: the endowments are differences of means times the estimates of group B, their errors by the delta method.
#[test]
fn stat_150_endowments_by_definition() {
    let table = world(4);
    let found = Oaxaca { first: Some(2.0), terms: vec![Term::number(1)], ..model(true) }.fit(&table, None).unwrap();
    assert_eq!(found.groups, [2.0, 1.0]);
    let rows = |g: f64| -> Vec<usize> { (0..table.len()).filter(|i| table.variables[3].values[*i] == g).collect() };
    let moments = |g: f64| {
        let x: Vec<f64> = rows(g).iter().map(|i| table.variables[1].values[*i]).collect();
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let mut part = table.clone();
    for variable in &mut part.variables {
        variable.values = rows(1.0).iter().map(|i| variable.values[*i]).collect();
    }
    let b = Regress { errors: Errors::Robust, ..Regress::of(0, vec![Term::number(1)]) }.fit(&part, None).unwrap().fit;
    let (b, v) = (b.estimates[0].b, b.estimates[0].se.powi(2));
    let ((a_mean, a_spread), (b_mean, b_spread)) = (moments(2.0), moments(1.0));
    let d = a_mean - b_mean;
    close(found.threefold[0].value, d * b, 1e-10);
    let spread = a_spread + b_spread;
    close(found.threefold[0].se, (d * d * v + b * b * spread + spread * v).sqrt(), 1e-9);
}

/// STAT-401: rows in another order, x rescaled, other names of the groups.
#[test]
fn stat_401_metamorphic_oaxaca() {
    for seed in 1..=20 {
        let base = world(seed);
        let n = base.len();
        let mut permuted = base.clone();
        for variable in &mut permuted.variables {
            variable.values = (0..n).map(|i| variable.values[(i * 11 + 3) % n]).collect();
        }
        let mut scaled = base.clone();
        scaled.variables[1].values.iter_mut().for_each(|x| *x *= 1e4);
        let mut named = base.clone();
        named.variables[3].values.iter_mut().for_each(|g| *g = 30.0 - *g);
        let wanted = model(true).fit(&base, None).unwrap();
        for table in [permuted, scaled, named] {
            let found = model(true).fit(&table, None).unwrap();
            let parts = |d: &Decomposition| [d.threefold.clone(), d.pooled.clone()].concat();
            for (a, b) in parts(&found).iter().zip(&parts(&wanted)) {
                close(a.value, b.value, 1e-8);
                close(a.se, b.se, 1e-9);
            }
        }
    }
}

/// STAT-402: problems of the decomposition.
#[test]
fn stat_402_problems_of_oaxaca() {
    let mut table = world(1);
    let n = table.len();
    let three = table.number("three", (0..n).map(|i| (i % 3) as f64).collect());
    let rare = table.number("rare", (0..n).map(|i| f64::from(u8::from(i < 2))).collect());
    let code = |model: Oaxaca| model.fit(&table, None).err().map(|p| p.code);
    assert_eq!(code(Oaxaca { by: three, ..model(false) }), Some("E_NEEDS_TWO_GROUPS"));
    assert_eq!(code(Oaxaca { terms: vec![Term::number(3)], ..model(false) }), Some("E_COLLINEAR_ALL"));
    assert_eq!(code(Oaxaca { by: rare, ..model(false) }), Some("E_NO_RESIDUAL_DF"));
    // A column that does not vary in one group goes in both.
    let only = table.variables[3].values.iter().zip(&table.variables[1].values).map(|(g, x)| (g - 1.0) * x).collect();
    let only = table.number("only", only);
    let mut terms = model(false).terms;
    terms.push(Term::number(only));
    let found = Oaxaca { terms, ..model(false) }.fit(&table, None).unwrap();
    assert_eq!((found.omitted, found.notices), (vec!["only".to_owned()], vec![Notice::with("W_COLLINEAR", "only")]));
}

/// LANG-203: without a constant both groups' models go through the origin, and nothing stands for a constant.
#[test]
fn lang_203_without_a_constant() {
    let table = world(3);
    let found = Oaxaca { constant: false, ..model(false) }.fit(&table, None).unwrap();
    assert!(found.threefold.iter().all(|part| part.detail.iter().all(|(label, ..)| label != "_cons")));
    assert!(found.threefold.iter().chain(&found.pooled).all(|part| part.value.is_finite() && part.se > 0.0));
    let whole: f64 = found.threefold.iter().map(|part| part.value).sum();
    let predicted: f64 = found.pooled.iter().map(|part| part.value).sum();
    // Both ways part the same difference of predicted means.
    assert!((whole - predicted).abs() < 1e-9 * whole.abs(), "{whole} {predicted}");
}
