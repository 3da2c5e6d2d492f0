//! What a model says of each row (STAT-170), and what the gate is told of single rows (SDC-150).

use nalgebra::{DMatrix, DVector};
use statistics::likelihood::{
    BinaryOptions, CountOptions, Model, MultinomialOptions, Wanted, logit, mlogit, poisson, ratios,
};
use statistics::mixed::{MixedModel, regress_mml};

use super::{BINARY, CLASS, COUNT, SCHOOL, SEX, commands, mixed, terms, world};

/// STAT-170: probabilities and residuals row by row; a value stands where all regressors do, a residual only where the outcome does too.
#[test]
fn stat_170_predictions() {
    let mut world = world(11, 800);
    world.binary[3] = f64::NAN;
    world.age[4] = f64::NAN;
    // A category that the model does not know: its only row has no outcome.
    world.race[5] = 9.0;
    world.binary[5] = f64::NAN;
    let table = world.table();
    let fitted = logit(&table, &Model::new(BINARY, terms()), &BinaryOptions::default()).unwrap();
    let of = |wanted| fitted.predict(&table, wanted).unwrap().remove(0).values;
    let (p, index, rest) = (of(Wanted::Probabilities), of(Wanted::Predicted), of(Wanted::Residuals));
    let b = |label: &str| fitted.fit.estimate(label).unwrap().b;
    for i in 0..800 {
        if i == 4 || i == 5 {
            assert!(p[i].is_nan() && index[i].is_nan() && rest[i].is_nan());
            continue;
        }
        let race = if world.race[i] == 1.0 { 0.0 } else { b(&format!("race={}", world.race[i])) };
        let wanted = b("_cons") + b("age") * world.age[i] + race + b("sex") * world.sex[i];
        assert!((index[i] - wanted).abs() < 1e-12);
        assert!((p[i] - 1.0 / (1.0 + (-wanted).exp())).abs() < 1e-12);
        assert!(if i == 3 { rest[i].is_nan() } else { (world.binary[i] - p[i] - rest[i]).abs() < 1e-15 });
    }
    // The score of the constant: residuals add up to nothing.
    assert!(rest.iter().filter(|r| !r.is_nan()).sum::<f64>().abs() < 1e-9);
}

/// STAT-170: probabilities of all outcomes add up to 1, and their means are the shares of the outcomes; the base has index 0.
#[test]
fn stat_170_predictions_of_outcomes_and_counts() {
    let world = world(12, 800);
    let table = world.table();
    let fitted = mlogit(&table, &Model::new(CLASS, terms()), &MultinomialOptions::default()).unwrap();
    let all = fitted.predict(&table, Wanted::Probabilities).unwrap();
    let outcomes: Vec<_> = all.iter().map(|p| p.outcome.clone().unwrap()).collect();
    assert_eq!(outcomes, ["0", "1", "2"]);
    for (number, predicted) in all.iter().enumerate() {
        let share = world.class.iter().filter(|c| **c == number as f64).count() as f64;
        assert!((predicted.values.iter().sum::<f64>() - share).abs() < 1e-7);
    }
    assert!((0..800).all(|i| (all.iter().map(|p| p.values[i]).sum::<f64>() - 1.0).abs() < 1e-12));
    assert!(fitted.predict(&table, Wanted::Predicted).unwrap()[0].values.iter().all(|x| *x == 0.0));
    let mut table = table;
    let exposure = table.number("years", (0..800).map(|i| 1.0 + f64::from(i % 3)).collect());
    let options = CountOptions { exposure: Some(exposure) };
    let fitted = poisson(&table, &Model::new(COUNT, terms()), &options).unwrap();
    let means = fitted.predict(&table, Wanted::Predicted).unwrap().remove(0).values;
    assert!((means.iter().sum::<f64>() - world.count.iter().sum::<f64>()).abs() < 1e-6);
}

/// STAT-170: a mixed model predicts with the effects of groups, which it draws towards 0; a group that it does not know has none.
#[test]
fn stat_170_predictions_of_a_mixed_model() {
    let mut world = world(13, 900);
    world.score[7] = f64::NAN;
    world.school[7] = 99.0;
    let table = world.table();
    let plain = MixedModel { terms: vec![statistics::design::Term::number(SEX)], ..mixed(&[]) };
    let found = regress_mml(&table, &plain).unwrap();
    let predicted = found.predict(&table, Wanted::Predicted).unwrap();
    let rest = found.predict(&table, Wanted::Residuals).unwrap();
    let fixed = |i: usize| found.fit.estimate("_cons").unwrap().b + found.fit.estimate("sex").unwrap().b * world.sex[i];
    assert!((predicted[7] - fixed(7)).abs() < 1e-10 && rest[7].is_nan());
    // u = γn/(1+γn) times the mean of y − x'b in the group.
    let ratio = found.variances[0].1 / found.variances[1].1;
    for school in 0..9 {
        let rows: Vec<usize> = (0..900).filter(|i| *i != 7 && world.school[*i] == f64::from(school)).collect();
        let n = rows.len() as f64;
        let mean = rows.iter().map(|i| world.score[*i] - fixed(*i)).sum::<f64>() / n;
        let effect = ratio * n / (1.0 + ratio * n) * mean;
        for i in rows {
            assert!((predicted[i] - fixed(i) - effect).abs() < 1e-9);
            assert!((world.score[i] - predicted[i] - rest[i]).abs() < 1e-12);
        }
    }
}

/// With a group per cell of two levels that have no effect of the other, nesting gives the sum of both predictions.
#[test]
fn stat_155_two_levels() {
    let world = world(14, 900);
    let mut table = world.table();
    let class: Vec<f64> =
        (0..900).map(|i| f64::from(u8::from(i % 5 == 0)) + 2.0 * f64::from(u8::from(i % 7 == 0))).collect();
    let inner = table.factor("form", &class);
    let model = MixedModel { inner: Some(inner), group: SCHOOL, ..mixed(&terms()) };
    let found = regress_mml(&table, &model).unwrap();
    assert_eq!(found.groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["school", "form"]);
    let one = regress_mml(&table, &mixed(&terms())).unwrap();
    // The larger model is at least as likely.
    assert!(found.fit.scalar("ll").unwrap() >= one.fit.scalar("ll").unwrap() - 1e-9);
    let rest = found.predict(&table, Wanted::Residuals).unwrap();
    assert!(rest.iter().all(|r| r.is_finite()));
}

/// `or`: ratios and their limits are exponentials.
#[test]
fn stat_210_odds_ratios() {
    let fit = logit(&world(15, 500).table(), &Model::new(BINARY, terms()), &BinaryOptions::default()).unwrap().fit;
    for (ratio, estimate) in ratios(&fit, 95.0).iter().zip(&fit.estimates) {
        assert_eq!(ratio.label, estimate.label);
        assert!((ratio.ratio.ln() - estimate.b).abs() < 1e-12);
        assert!((ratio.se / ratio.ratio - estimate.se).abs() < 1e-12);
        let half = 0.5 * (ratio.upper / ratio.lower).ln();
        assert!((half / estimate.se - 1.959_963_984_540_054).abs() < 1e-9);
    }
}

/// STAT-009: control terms are in the model, not in the result.
#[test]
fn stat_009_control() {
    let table = world(16, 500).table();
    let mut controlled = terms();
    controlled[1].control = true;
    for ((command, a), (_, b)) in commands(&terms()).into_iter().zip(commands(&controlled)) {
        let (whole, part) = (a(&table).unwrap(), b(&table).unwrap());
        assert!(part.estimates.iter().all(|e| !e.label.contains("race")), "{command}");
        assert_eq!(part.covariance.nrows(), part.estimates.len());
        for estimate in &part.estimates {
            assert_eq!(Some(estimate), whole.estimate(&estimate.label), "{command}");
        }
        assert!(part.margins.iter().all(|m| !m.label.contains("race")), "{command}");
    }
}

/// SDC-150: leverage and concentration with the weights of the last step, by their definition over all rows.
#[test]
fn sdc_150_influence_of_logit() {
    let world = world(17, 300);
    let table = world.table();
    let fitted = logit(&table, &Model::new(BINARY, terms()), &BinaryOptions::default()).unwrap();
    let p = fitted.predict(&table, Wanted::Probabilities).unwrap().remove(0).values;
    // √w·x, in the order of the design.
    let x = DMatrix::from_fn(300, 5, |i, j| {
        let race = |code: f64| f64::from(u8::from(world.race[i] == code));
        [1.0, world.age[i], race(2.0), race(3.0), world.sex[i]][j] * (p[i] * (1.0 - p[i])).sqrt()
    });
    let inverse = (x.transpose() * &x).try_inverse().unwrap();
    let leverage = (0..300).map(|i| (x.row(i) * &inverse * x.row(i).transpose())[(0, 0)]).fold(0.0, f64::max);
    assert!((leverage - fitted.fit.influence.leverage).abs() < 1e-8);
    for j in 0..5 {
        let others = x.clone().remove_column(j);
        let own = x.column(j).into_owned();
        let b = others.clone().svd(true, true).solve(&own, 1e-14).unwrap();
        let rest: DVector<f64> = own - others * b;
        let share = rest.map(|r| r * r).max() / rest.norm_squared();
        assert!((share - fitted.fit.influence.concentration[j]).abs() < 1e-8, "{j}");
    }
}

/// SDC-150: a person of several rows counts with their sum.
#[test]
fn sdc_150_influence_of_persons() {
    let table = world(18, 400).table();
    let single = logit(&table, &Model::new(BINARY, terms()), &BinaryOptions::default()).unwrap();
    let persons: Vec<u32> = (0..400).map(|i| i / 8).collect();
    let model = Model { persons: Some(persons.into()), ..Model::new(BINARY, terms()) };
    let several = logit(&table, &model, &BinaryOptions::default()).unwrap();
    let (one, eight) = (single.fit.influence.leverage, several.fit.influence.leverage);
    assert!(eight > 1.5 * one && eight <= 8.0 * one);
}
