//! Regression discontinuity: what must not change its results (STAT-401), and every problem (STAT-402).

mod common;

use common::{Numbers, Stopped};
use statistics::Table;
use statistics::design::Term;
use statistics::rdd::{Rdd, RddFit, rdd};

/// Outcome, running variable, treatment received, covariate, cluster.
struct World {
    rows: Vec<[f64; 5]>,
}

impl World {
    fn of(seed: u64, n: usize) -> Self {
        let mut numbers = Numbers(seed.wrapping_mul(31_337).wrapping_add(5));
        let mut next = || numbers.next();
        let row = |i: usize| {
            let x = next() * 2.0 - 1.0;
            let treated = f64::from(u8::from(next() < if x >= 0.0 { 0.8 } else { 0.1 }));
            let z = next();
            let noise = next() + next() + next() - 1.5;
            [x - 0.7 * x * x + 0.5 * treated + 0.4 * z + 0.2 * noise, x, treated, z, (i % 25) as f64]
        };
        Self { rows: (0..n).map(row).collect() }
    }

    fn table(&self, change: impl Fn(usize, [f64; 5]) -> [f64; 5]) -> Table {
        let rows: Vec<[f64; 5]> = self.rows.iter().enumerate().map(|(i, r)| change(i, *r)).collect();
        let mut table = Table::default();
        for (j, name) in ["y", "x", "t", "z"].into_iter().enumerate() {
            table.number(name, rows.iter().map(|r| r[j]).collect());
        }
        table.factor("g", &rows.iter().map(|r| r[4]).collect::<Vec<_>>());
        table
    }
}

fn designs() -> [Rdd; 4] {
    let sharp = Rdd::new(0, 1);
    let fuzzy = Rdd { fuzzy: Some(2), ..Rdd::new(0, 1) };
    let covariates = Rdd { covariates: vec![Term::number(3)], ..Rdd::new(0, 1) };
    let clustered = Rdd { cluster: Some(4), fuzzy: Some(2), covariates: vec![Term::number(3)], ..Rdd::new(0, 1) };
    [sharp, fuzzy, covariates, clustered]
}

fn numbers(fit: &RddFit) -> [f64; 8] {
    let [left, right] = fit.effective.map(|n| n as f64);
    let (plain, robust) = (fit.conventional, fit.robust);
    [fit.h, fit.b, plain.estimate, plain.se, robust.estimate, robust.se, left, right]
}

#[track_caller]
fn same(a: [f64; 8], b: [f64; 8]) {
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-8 * a.abs().max(b.abs()).max(1e-3), "{a} {b}");
    }
}

/// STAT-401: order of rows, unit and place of the running variable, unit and level of the outcome, labels of clusters.
#[test]
fn stat_401_a_jump_does_not_depend_on_what_it_should_not() {
    for seed in 0..20 {
        let world = World::of(seed, 500);
        let plain = world.table(|_, r| r);
        let backwards = World { rows: world.rows.iter().rev().copied().collect() }.table(|_, r| r);
        let moved = world.table(|_, [y, x, t, z, g]| [y, x * 1000.0 + 5000.0, t, z * 10.0, 90.0 - g]);
        let scaled = world.table(|_, [y, x, t, z, g]| [y * 100.0, x, t, z, g]);
        let raised = world.table(|_, [y, x, t, z, g]| [y + 1e4, x, t, z, g]);
        let mut more = world.table(|_, r| r);
        more.number("nothing", vec![f64::NAN; 500]);
        for design in designs() {
            let found = numbers(&rdd(&plain, &design, None).unwrap());
            same(found, numbers(&rdd(&backwards, &design, None).unwrap()));
            same(found, numbers(&rdd(&more, &design, None).unwrap()));
            let far = Rdd { cutoff: 5000.0, ..design.clone() };
            let [h, b, rest @ ..] = numbers(&rdd(&moved, &far, None).unwrap());
            let [c, s, c2, s2, l, r] = rest;
            // Distances are counted again from the moved values, so their last digits differ.
            let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-5 * a.abs(), "{a} {b}");
            for (a, b) in found.into_iter().zip([h / 1000.0, b / 1000.0, c, s, c2, s2, l, r]) {
                close(a, b);
            }
            let [h, b, c, s, c2, s2, l, r] = numbers(&rdd(&scaled, &design, None).unwrap());
            same(found, [h, b, c / 100.0, s / 100.0, c2 / 100.0, s2 / 100.0, l, r]);
            // The bandwidth of a fuzzy design weighs the levels of each side, so that it depends on where zero is.
            if design.fuzzy.is_none() {
                same(found, numbers(&rdd(&raised, &design, None).unwrap()));
            }
        }
    }
}

/// STAT-160: the jump is found, the rows of the result agree with each other, and persons of several rows count with all of them.
#[test]
fn stat_160_rows_of_the_result() {
    let table = World::of(3, 3_000).table(|_, r| r);
    let found = rdd(&table, &designs()[1], None).unwrap();
    assert!((found.robust.estimate - 0.5).abs() < 3.0 * found.robust.se && found.robust.p() < 1e-4);
    assert_eq!(found.bias_corrected.estimate, found.robust.estimate);
    assert_eq!(found.bias_corrected.se, found.conventional.se);
    assert!(found.robust.se > found.conventional.se && found.robust.lower < found.robust.upper);
    assert_eq!(found.n.iter().sum::<u64>(), 3_000);
    let persons: Vec<u32> = (0..3_000).map(|i| i / 3).collect();
    let joined = rdd(&table, &designs()[1], Some(&persons)).unwrap();
    assert!(joined.concentration > found.concentration && found.concentration > 0.0);
    // With both bandwidths the same the estimator is that of order q.
    let one = Rdd { h: Some(0.4), ..Rdd::new(0, 1) };
    let next = Rdd { h: Some(0.4), order: 2, ..Rdd::new(0, 1) };
    let (one, next) = (rdd(&table, &one, None).unwrap(), rdd(&table, &next, None).unwrap());
    assert!((one.robust.estimate - next.conventional.estimate).abs() < 1e-10);
    assert!((one.robust.se - next.conventional.se).abs() < 1e-10);
}

/// STAT-402: every problem of a discontinuity.
#[test]
fn stat_402_problems_of_a_discontinuity() {
    let world = World::of(1, 400);
    let plain = world.table(|_, r| r);
    let [sharp, fuzzy, _, clustered] = designs();
    let code = |table: &Table, design: &Rdd| rdd(table, design, None).unwrap_err().code;
    // Nobody above, few within the bandwidth, few places.
    assert_eq!(code(&plain, &Rdd { cutoff: 9.0, ..sharp.clone() }), "E_RDD_TOO_FEW");
    assert_eq!(code(&plain, &Rdd { h: Some(1e-4), ..sharp.clone() }), "E_RDD_TOO_FEW");
    let places = world.table(|_, [y, x, t, z, g]| [y, x.signum(), t, z, g]);
    assert_eq!(code(&places, &sharp), "E_RDD_TOO_FEW");
    assert_eq!(code(&places, &Rdd { h: Some(1.5), ..sharp.clone() }), "E_RDD_TOO_FEW");
    assert_eq!(code(&world.table(|_, [_, x, t, z, g]| [f64::NAN, x, t, z, g]), &sharp), "E_NO_ROWS");
    let never = world.table(|_, [y, x, _, z, g]| [y, x, 0.0, z, g]);
    let problem = rdd(&never, &fuzzy, None).unwrap_err();
    assert_eq!((problem.code, problem.about.as_deref()), ("E_RDD_NO_JUMP", Some("t")));
    let one = world.table(|_, [y, x, t, z, _]| [y, x, t, z, 1.0]);
    let problem = rdd(&one, &Rdd { h: Some(0.5), ..clustered }, None).unwrap_err();
    assert_eq!((problem.code, problem.about.as_deref()), ("E_TOO_FEW_CLUSTERS", Some("g")));
    assert_eq!(rdd(&Stopped(plain), &sharp, None).unwrap_err().code, "E_STOPPED");
    // A covariate that follows from another is left out and told.
    let mut table = world.table(|_, r| r);
    let double = table.number("double", world.rows.iter().map(|r| 1.0 - 2.0 * r[3]).collect());
    let design = Rdd { covariates: vec![Term::number(3), Term::number(double)], ..sharp.clone() };
    let alone = Rdd { covariates: vec![Term::number(3)], ..sharp };
    let found = rdd(&table, &design, None).unwrap();
    assert_eq!((found.omitted.as_slice(), found.notices[0].code), (&["double".to_owned()][..], "W_COLLINEAR"));
    same(numbers(&found), numbers(&rdd(&table, &alone, None).unwrap()));
}
