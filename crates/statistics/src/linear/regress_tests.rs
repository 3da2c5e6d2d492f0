//! `regress`: patterns against rows, relations that hold whatever the data, influence by definition, predictions, problems.

use super::*;
use crate::design::Piece;
use crate::rows::Table;

/// The same numbers on every machine: xorshift, between 0 and 1.
pub(crate) fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-300), "{a} {b}");
}

/// Rows of a few categories, compressed by the estimator, and the same rows with a column that makes each differ.
struct World {
    table: Table,
    y: usize,
    terms: Vec<Term>,
    cluster: usize,
}

fn world(seed: u64, n: usize) -> World {
    let mut next = uniform(seed);
    let mut table = Table::default();
    let age: Vec<f64> = (0..n).map(|_| (20.0 + 40.0 * next()).floor()).collect();
    let race: Vec<f64> = (0..n).map(|_| (1.0 + 3.0 * next()).floor()).collect();
    let sex: Vec<f64> = (0..n).map(|_| (2.0 * next()).floor()).collect();
    let y = (0..n).map(|i| 3.0 + 0.1 * age[i] - race[i] * sex[i] + 2.0 * next() * age[i].sqrt()).collect();
    let cluster = (0..n).map(|_| (12.0 * next()).floor()).collect();
    let (y, age) = (table.number("y", y), table.number("age", age));
    let (race, sex) = (table.factor("race", &race), table.factor("sex", &sex));
    let cluster = table.number("cluster", cluster);
    let product = Term {
        pieces: [race, sex]
            .map(|variable| Piece { variable, form: crate::design::Form::Factor { base: None } })
            .to_vec(),
        control: false,
    };
    let terms = vec![Term::number(age), Term::factor(race, None), Term::factor(sex, None), product];
    World { table, y, terms, cluster }
}

/// The same model with every row a pattern of its own: a variable that is different everywhere makes the keys differ. It is a control
/// term times zero, hence omitted.
fn by_row(world: &World, errors: Errors) -> Regression {
    let mut table = world.table.clone();
    let n = table.len();
    let zero = table.number("zero", vec![0.0; n]);
    let row = table.number("row", (0..n).map(|i| i as f64 + 0.5).collect());
    let mut terms = world.terms.clone();
    let pieces = [zero, row].map(|variable| Piece { variable, form: crate::design::Form::Continuous }).to_vec();
    terms.push(Term { pieces, control: true });
    let regression = Regress { errors, ..all(world.y, terms) }.fit(&table, None).unwrap();
    assert!(regression.sample.patterns.by_row);
    regression
}

fn all(y: usize, terms: Vec<Term>) -> Regress {
    Regress {
        standardize: true,
        vif: true,
        het_bp: true,
        het_iid: true,
        het_fstat: true,
        ov: true,
        margins: Some(Margins::Means),
        ..Regress::of(y, terms)
    }
}

fn same(a: &Regression, b: &Regression, tolerance: f64) {
    assert_eq!(a.fit.estimates.len(), b.fit.estimates.len());
    for (a, b) in a.fit.estimates.iter().zip(&b.fit.estimates) {
        assert_eq!(a.label, b.label);
        close(a.b, b.b, tolerance * 10.0);
        close(a.se, b.se, tolerance);
    }
    for (a, b) in a.fit.scalars.iter().zip(&b.fit.scalars) {
        close(a.1, b.1, tolerance);
    }
    assert_eq!(a.fit.tests.len(), b.fit.tests.len());
    for (a, b) in a.fit.tests.iter().zip(&b.fit.tests) {
        assert_eq!((&a.name, a.kind), (&b.name, b.kind));
        close(a.statistic, b.statistic, tolerance * 100.0);
    }
    a.betas.iter().zip(&b.betas).for_each(|(a, b)| close(*a, *b, tolerance * 10.0));
    close(a.fit.margins[0].se, b.fit.margins[0].se, tolerance);
    close(a.fit.influence.leverage, b.fit.influence.leverage, tolerance);
}

/// STAT-020: patterns and rows give the same numbers.
#[test]
fn stat_020_patterns_and_rows_agree() {
    for (seed, n) in [(1, 2000), (2, 20_000)] {
        let world = world(seed, n);
        for errors in [Errors::Default, Errors::Robust, Errors::Hc3, Errors::Cluster(world.cluster)] {
            let patterns = Regress { errors, ..all(world.y, world.terms.clone()) }.fit(&world.table, None).unwrap();
            assert!(errors.cluster().is_some() || !patterns.sample.patterns.by_row);
            same(&patterns, &by_row(&world, errors), 1e-12);
        }
    }
}

/// STAT-401: permuted rows, rescaled and shifted variables, other labels of a factor, one more variable that is not used.
#[test]
fn stat_401_metamorphic_regress() {
    for seed in 1..=20 {
        let world = world(seed, 400);
        let model = Regress { errors: Errors::Robust, ..all(world.y, world.terms.clone()) };
        let base = model.fit(&world.table, None).unwrap();

        let mut permuted = world.table.clone();
        for variable in &mut permuted.variables {
            variable.values = (0..400).map(|i| variable.values[(i * 171 + 5) % 400]).collect();
        }
        same(&model.fit(&permuted, None).unwrap(), &base, 1e-11);

        let factor = 10_f64.powi(seed as i32 % 13 - 6);
        let mut scaled = world.table.clone();
        scaled.variables[1].values.iter_mut().for_each(|x| *x *= factor);
        let other = model.fit(&scaled, None).unwrap();
        let age = |r: &Regression| r.fit.estimate("age").cloned().unwrap();
        close(age(&other).b * factor, age(&base).b, 1e-10);
        close(age(&other).se * factor, age(&base).se, 1e-10);
        close(other.fit.scalar("r2").unwrap(), base.fit.scalar("r2").unwrap(), 1e-10);

        let mut shifted = world.table.clone();
        shifted.variables[0].values.iter_mut().for_each(|y| *y += 1000.0);
        let other = model.fit(&shifted, None).unwrap();
        let constant = |r: &Regression| r.fit.estimate("_cons").unwrap().b;
        close(constant(&other) - 1000.0, constant(&base), 1e-9);
        close(age(&other).b, age(&base).b, 1e-10);

        let mut labelled = world.table.clone();
        let renamed = |c: &crate::rows::Category| crate::rows::Category { code: format!("r{}", c.code), number: None };
        labelled.variables[2].categories =
            world.table.variables[2].categories.as_ref().map(|c| c.iter().map(renamed).collect());
        labelled.number("unused", vec![f64::NAN; 400]);
        let other = model.fit(&labelled, None).unwrap();
        assert!(other.fit.estimate("race=r2").is_some());
        assert!(other.fit.estimates.iter().zip(&base.fit.estimates).all(|(a, b)| a.b == b.b && a.se == b.se));
    }
}

/// STAT-001: the same bits on any number of threads.
#[test]
fn stat_001_regress_has_the_same_bits_on_any_number_of_threads() {
    let world = world(5, 60_000);
    for errors in [Errors::Robust, Errors::Cluster(world.cluster)] {
        let fit = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Regress { errors, ..all(world.y, world.terms.clone()) }.fit(&world.table, None))
                .unwrap()
                .fit
        };
        assert_eq!(fit(1), fit(4));
    }
}

/// SDC-150: leverage and shares against their definitions, with persons of one and of several rows.
#[test]
fn sdc_150_influence_is_that_of_persons() {
    let world = world(9, 60);
    let regression = Regress::of(world.y, world.terms.clone()).fit(&world.table, None).unwrap();
    let x = columns::Matrix::of(&regression.sample.x());
    let rows = x.len();
    let matrix = DMatrix::from_fn(rows, x.width(), |i, j| x.columns[j][i]);
    let hat = &matrix * (matrix.transpose() * &matrix).try_inverse().unwrap() * matrix.transpose();
    for group in [1, 3] {
        let persons: Vec<u32> = (0..60).map(|i| i / group).collect();
        let with = Regress::of(world.y, world.terms.clone()).fit(&world.table, Some(&persons)).unwrap();
        let size = group as usize;
        let sums = |of: &dyn Fn(usize) -> f64| {
            (0..rows / size).map(|p| (p * size..(p + 1) * size).map(of).sum::<f64>()).fold(0.0, f64::max)
        };
        close(with.fit.influence.leverage, sums(&|i| hat[(i, i)]), 1e-9);
        for j in 0..x.width() {
            let others = matrix.clone().remove_column(j);
            let fitted = &others * (others.transpose() * &others).try_inverse().unwrap() * others.transpose();
            let left = matrix.column(j) - fitted * matrix.column(j);
            let share = sums(&|i| left[i] * left[i] / left.norm_squared());
            close(with.fit.influence.concentration[j], share, 1e-7);
        }
    }
    // Patterns give what rows give.
    let world = self::world(3, 3000);
    let persons: Vec<u32> = (0..3000).map(|i| (i * 7) % 1000).collect();
    let patterns = Regress::of(world.y, world.terms.clone()).fit(&world.table, Some(&persons)).unwrap();
    let mut table = world.table.clone();
    let row = table.number("row", (0..3000).map(f64::from).collect());
    let rows = Regress { errors: Errors::Cluster(row), ..Regress::of(world.y, world.terms.clone()) };
    let rows = rows.fit(&table, Some(&persons)).unwrap();
    assert!(rows.sample.patterns.by_row && !patterns.sample.patterns.by_row);
    close(patterns.fit.influence.leverage, rows.fit.influence.leverage, 1e-10);
    let both = patterns.fit.influence.concentration.iter().zip(&rows.fit.influence.concentration);
    both.for_each(|(a, b)| close(*a, *b, 1e-9));
}

/// STAT-170: predictions, residuals and Cook's distance by source row, against R's `fitted`, `resid` and `cooks.distance` for
/// y = (1, 3, 2, 5, 4) on x = (1, 2, 3, 4, 6).
#[test]
fn stat_170_predictions_by_row() {
    let mut table = Table::default();
    let x = table.number("x", vec![1.0, 2.0, 3.0, f64::NAN, 4.0, 6.0, 10.0]);
    let y = table.number("y", vec![1.0, 3.0, 2.0, 9.0, 5.0, 4.0, f64::NAN]);
    let regression = Regress::of(y, vec![Term::number(x)]).fit(&table, None).unwrap();
    let (predicted, residuals) = (regression.predicted(&table), regression.residuals(&table));
    // Slope Sxy/Sxx = 9/14.8, means 3.2 and 3.
    let slope = 9.0 / 14.8;
    let line = |x: f64| 3.0 + slope * (x - 3.2);
    assert!(predicted[3].is_nan() && residuals[3].is_nan() && residuals[6].is_nan());
    close(predicted[6], line(10.0), 1e-12);
    close(residuals[1], 3.0 - line(2.0), 1e-12);
    let rss: f64 = residuals.iter().filter(|e| !e.is_nan()).map(|e| e * e).sum();
    let h = 0.2 + (6.0_f64 - 3.2).powi(2) / 14.8;
    let e = 4.0 - line(6.0);
    close(regression.cooksd(&table)[5], e * e * h / (2.0 * rss / 3.0 * (1.0 - h).powi(2)), 1e-10);
}

/// A category that only rows without y have is not in the model, so it has no prediction.
#[test]
fn stat_170_unknown_categories_have_no_prediction() {
    let mut table = Table::default();
    let group = table.text("group", &[Some("a"), Some("b"), Some("a"), Some("b"), Some("c")]);
    let y = table.number("y", vec![1.0, 2.0, 3.0, 5.0, f64::NAN]);
    let regression = Regress::of(y, vec![Term::factor(group, None)]).fit(&table, None).unwrap();
    let predicted = regression.predicted(&table);
    assert!(predicted[4].is_nan());
    close(predicted[1], 3.5, 1e-12);
}

/// STAT-402: problems and notices.
#[test]
fn stat_402_problems_of_regress() {
    let mut table = Table::default();
    let y = table.number("y", vec![1.0, 2.0, 4.0, 3.0]);
    let x = table.number("x", vec![1.0, 2.0, 3.0, 4.0]);
    let twice = table.number("twice", vec![2.0, 4.0, 6.0, 8.0]);
    let same = table.number("same", vec![7.0; 4]);
    let none = table.number("none", vec![f64::NAN; 4]);
    let fit = |model: Regress| model.fit(&table, None);
    let code = |model: Regress| fit(model).err().map(|p| p.code);
    let terms = |all: &[usize]| all.iter().map(|v| Term::number(*v)).collect::<Vec<_>>();
    assert_eq!(code(Regress::of(y, terms(&[x, y]))), Some("E_COLLINEAR_ALL"));
    assert_eq!(code(Regress::of(y, terms(&[same]))), Some("E_COLLINEAR_ALL"));
    assert_eq!(code(Regress::of(y, terms(&[none]))), Some("E_NO_RESIDUAL_DF"));
    let factor = |v| Regress { errors: Errors::Cluster(v), ..Regress::of(y, terms(&[x])) };
    assert_eq!(code(factor(x)), Some("E_CLUSTER_IN_MODEL"));
    assert_eq!(code(factor(same)), Some("E_TOO_FEW_CLUSTERS"));
    let margins = |v| Regress { margins: Some(Margins::Of(v)), ..Regress::of(y, terms(&[x])) };
    assert_eq!(code(margins(x)), Some("E_MARGINS_NEEDS_DUMMY"));
    assert_eq!(code(margins(same)), Some("E_MARGINS_NEEDS_DUMMY"));

    let collinear = fit(Regress::of(y, terms(&[x, twice, same]))).unwrap().fit;
    assert_eq!(collinear.omitted, ["twice", "same"]);
    assert_eq!(collinear.notices[0], Notice::with("W_COLLINEAR", "twice"));
    assert_eq!(collinear.estimates.len(), 2);
    let exact = fit(Regress::of(twice, terms(&[x]))).unwrap().fit;
    assert_eq!(exact.notices[0].code, "W_PERFECT_FIT");
    assert!(exact.tests[0].statistic.is_nan());
    let flat = fit(Regress::of(same, terms(&[x]))).unwrap().fit;
    assert_eq!(flat.notices[0], Notice::with("W_CONSTANT", "same"));
    assert_eq!(code(Regress { constant: false, ..Regress::of(y, vec![]) }), Some("E_COLLINEAR_ALL"));
}

/// STAT-009: terms that are only controlled for are in the model, not in the result.
#[test]
fn stat_009_control_terms_are_not_shown() {
    let world = world(4, 200);
    let mut terms = world.terms.clone();
    terms[0].control = true;
    let whole = Regress::of(world.y, world.terms.clone()).fit(&world.table, None).unwrap();
    let some = Regress::of(world.y, terms).fit(&world.table, None).unwrap();
    assert!(some.fit.estimate("age").is_none() && some.fit.estimates.len() + 1 == whole.fit.estimates.len());
    assert_eq!(some.fit.estimate("race=2"), whole.fit.estimate("race=2"));
    assert_eq!(some.fit.covariance.nrows(), some.fit.estimates.len());
}
