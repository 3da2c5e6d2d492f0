//! Instruments: relations that hold whatever the data, least squares as a special case, kinds of tests, and problems.

use super::*;
use crate::fit::TestKind;
use crate::linear::regress::Regress;
use crate::linear::regress::tests::uniform;
use crate::rows::Table;

/// y, exogenous x, endogenous e, three instruments, cluster.
fn world(seed: u64, n: usize, strength: f64) -> Table {
    let mut next = uniform(seed);
    let mut columns = vec![Vec::new(); 7];
    for _ in 0..n {
        let common = 2.0 * next() - 1.0;
        let z: [f64; 3] = std::array::from_fn(|_| (4.0 * next()).floor());
        let x = (5.0 * next()).floor();
        let e = (strength * (z[0] + 0.5 * z[1] - 0.2 * z[2]) + 3.0 * common + 0.3 * x).round();
        let y = 1.0 + 0.7 * e - 0.4 * x + 2.0 * common + next();
        let row = [y, x, e, z[0], z[1], z[2], (9.0 * next()).floor()];
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    let mut table = Table::default();
    for (name, column) in ["y", "x", "e", "z1", "z2", "z3", "g"].into_iter().zip(columns) {
        table.number(name, column);
    }
    table
}

fn model(estimator: Estimator) -> Instruments {
    let terms = |all: &[usize]| all.iter().map(|v| Term::number(*v)).collect::<Vec<_>>();
    Instruments {
        estimator,
        first_stage: true,
        endog: true,
        overid: true,
        ..Instruments::of(0, terms(&[1]), terms(&[2]), terms(&[3, 4, 5]))
    }
}

const ALL: [Estimator; 3] = [Estimator::Tsls, Estimator::Liml, Estimator::Gmm];

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-9), "{a} {b}");
}

fn same(a: &Fit, b: &Fit, tolerance: f64) {
    for (a, b) in a.estimates.iter().zip(&b.estimates) {
        close(a.b, b.b, tolerance);
        close(a.se, b.se, tolerance);
    }
    assert_eq!(a.tests.len(), b.tests.len());
    a.tests.iter().zip(&b.tests).for_each(|(a, b)| close(a.statistic, b.statistic, tolerance * 10.0));
}

/// STAT-020, STAT-401: patterns and rows agree; rows in another order, x and the instruments rescaled, y shifted.
#[test]
fn stat_401_metamorphic_instruments() {
    for seed in 1..=20 {
        let n = 601;
        let base = world(seed, n, 1.0);
        // Every row a pattern of its own: one more variable, with a coefficient on nothing.
        let mut rows = base.clone();
        let zero = rows.number("zero", vec![0.0; n]);
        let row = rows.number("row", (0..n).map(|i| i as f64 + 0.5).collect());
        let nothing = Term {
            pieces: [zero, row]
                .map(|variable| crate::design::Piece { variable, form: crate::design::Form::Continuous })
                .to_vec(),
            control: true,
        };
        let mut permuted = base.clone();
        for variable in &mut permuted.variables {
            variable.values = (0..n).map(|i| variable.values[(i * 17 + 5) % n]).collect();
        }
        let mut scaled = base.clone();
        for (variable, factor) in [(1, 1e3), (3, 1e-4), (5, 1e5)] {
            scaled.variables[variable].values.iter_mut().for_each(|x| *x *= factor);
        }
        let mut shifted = base.clone();
        shifted.variables[0].values.iter_mut().for_each(|y| *y += 100.0);
        for estimator in ALL {
            for errors in [Errors::Default, Errors::Robust, Errors::Cluster(6)] {
                let model = Instruments { errors, ..model(estimator) };
                let fit = model.fit(&base, None).unwrap().fit;
                same(&model.fit(&permuted, None).unwrap().fit, &fit, 1e-10);
                let mut by_row = model.clone();
                by_row.exogenous.push(nothing.clone());
                let by_row = by_row.fit(&rows, None).unwrap();
                assert!(by_row.sample.patterns.by_row);
                assert_eq!(by_row.fit.omitted, ["zero#row"]);
                same(&by_row.fit, &fit, 1e-9);
                let other = model.fit(&scaled, None).unwrap().fit;
                close(other.estimate("x").unwrap().b * 1e3, fit.estimate("x").unwrap().b, 1e-9);
                close(other.estimate("e").unwrap().se, fit.estimate("e").unwrap().se, 1e-9);
                let other = model.fit(&shifted, None).unwrap().fit;
                close(other.estimate("_cons").unwrap().b - 100.0, fit.estimate("_cons").unwrap().b, 1e-8);
                close(other.estimate("e").unwrap().b, fit.estimate("e").unwrap().b, 1e-9);
            }
        }
    }
}

/// STAT-120: with a regressor as its own instrument the estimators are least squares.
#[test]
fn stat_120_exogenous_instruments_are_least_squares() {
    let table = world(3, 200, 1.0);
    let terms = vec![Term::number(1), Term::number(2)];
    for errors in [Errors::Default, Errors::Robust, Errors::Cluster(6)] {
        let plain = Regress { errors, ..Regress::of(0, terms.clone()) }.fit(&table, None).unwrap().fit;
        for estimator in [Estimator::Tsls, Estimator::Liml] {
            let mut copy = table.clone();
            let own = copy.number("own", copy.variables[2].values.clone());
            let model = Instruments { errors, instruments: vec![Term::number(own)], ..model(estimator) };
            let found = model.fit(&copy, None).unwrap();
            for (a, b) in found.fit.estimates.iter().zip(&plain.estimates) {
                close(a.b, b.b, 1e-10);
                close(a.se, b.se, 1e-10);
            }
            // STAT-125: as many instruments as endogenous columns, so no test.
            assert!(
                !found.fit.tests.iter().any(|t| ["sargan", "basmann", "anderson_rubin"].contains(&t.name.as_str()))
            );
        }
    }
}

/// STAT-123, STAT-124: with robust errors the first stage is tested by them, and endogeneity by the score and the regression.
#[test]
fn stat_124_kinds_of_tests() {
    let table = world(6, 400, 1.0);
    let names = |errors| {
        let found = Instruments { errors, ..model(Estimator::Tsls) }.fit(&table, None).unwrap();
        assert!(found.first_stage[0].partial_r2 > 0.0 && found.first_stage[0].label == "e");
        let names: Vec<String> = found.fit.tests.iter().map(|t| t.name.clone()).collect();
        (names, found.first_stage[0].f.clone())
    };
    let (default, f) = names(Errors::Default);
    assert_eq!(default, ["F", "durbin", "wu_hausman", "sargan", "basmann"]);
    assert_eq!(f.kind, TestKind::F(3.0, 395.0));
    let (robust, robust_f) = names(Errors::Robust);
    assert_eq!(robust, ["F", "robust_score", "robust_regression", "sargan", "basmann"]);
    assert!(robust_f.statistic != f.statistic);
    assert_eq!(names(Errors::Cluster(6)).1.kind, TestKind::F(3.0, 8.0));
}

/// STAT-170: predictions use the actual endogenous values.
#[test]
fn stat_170_predictions_of_instruments() {
    let mut table = world(7, 100, 1.0);
    table.variables[0].values[4] = f64::NAN;
    table.variables[2].values[5] = f64::NAN;
    let found = model(Estimator::Liml).fit(&table, None).unwrap();
    let b = |label: &str| found.fit.estimate(label).unwrap().b;
    let wanted = |i: usize| b("_cons") + b("x") * table.variables[1].values[i] + b("e") * table.variables[2].values[i];
    let (predicted, residuals) = (found.predicted(&table), found.residuals(&table));
    close(predicted[4], wanted(4), 1e-12);
    close(residuals[8], table.variables[0].values[8] - wanted(8), 1e-9);
    assert!(predicted[5].is_nan() && residuals[4].is_nan());
}

/// STAT-402: problems and notices of instruments.
#[test]
fn stat_402_problems_of_instruments() {
    let table = world(2, 300, 1.0);
    let code = |model: Instruments| model.fit(&table, None).err().map(|p| p.code);
    let terms = |all: &[usize]| all.iter().map(|v| Term::number(*v)).collect::<Vec<_>>();
    let with = |instruments: &[usize]| Instruments { instruments: terms(instruments), ..model(Estimator::Tsls) };
    assert_eq!(code(with(&[])), Some("E_UNDERIDENTIFIED"));
    assert_eq!(code(Instruments { endogenous: terms(&[2, 6]), ..with(&[3]) }), Some("E_UNDERIDENTIFIED"));
    // An instrument that is an exogenous term already adds nothing.
    assert_eq!(code(with(&[1])), Some("E_UNDERIDENTIFIED"));
    assert_eq!(code(Instruments { errors: Errors::Cluster(3), ..with(&[3]) }), Some("E_CLUSTER_IN_MODEL"));
    let weak = model(Estimator::Tsls).fit(&world(2, 300, 0.01), None).unwrap().fit;
    assert_eq!(weak.notices, [Notice::with("W_WEAK_INSTRUMENT", "e")]);
    assert!(model(Estimator::Tsls).fit(&table, None).unwrap().fit.notices.is_empty());
    let few = world(2, 3, 1.0);
    assert!(model(Estimator::Tsls).fit(&few, None).is_err());
    // STAT-122: the estimates of weak instruments may fit worse than the mean does.
    let negative = (1..40).any(|seed| {
        let fit = model(Estimator::Liml).fit(&world(seed, 60, 0.02), None).unwrap().fit;
        fit.scalar("rss").unwrap() > fit.scalar("tss").unwrap() && fit.scalar("r2").unwrap().is_nan()
    });
    assert!(negative);
}
