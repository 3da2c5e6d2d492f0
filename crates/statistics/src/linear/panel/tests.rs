//! Panels: relations that hold whatever the data, fixed effects as dummies, effects by unit, and problems.

use super::did::{Differences, EFFECT};
use super::hausman::{Hausman, Scale};
use super::*;
use crate::fit::TestKind;
use crate::linear::regress::tests::uniform;
use crate::rows::Table;
use crate::{Notice, Problem};

const ALL: [Model; 6] =
    [Model::Fixed, Model::Random, Model::Between, Model::Pooled, Model::FirstDifferences, Model::FixedTwoWay];

/// An unbalanced panel: y, x, z (which does not change in a unit), unit, time.
fn world(seed: u64) -> Table {
    let mut next = uniform(seed);
    let mut columns = vec![Vec::new(); 5];
    for unit in 0..40 {
        let (level, z) = (3.0 * next(), (4.0 * next()).floor());
        for time in 0..8 {
            if next() < 0.3 && time > 1 {
                continue;
            }
            let x = level + 5.0 * next();
            let row = [
                1.0 + 0.5 * x - 0.3 * z + level + f64::from(time) * 0.1 + next(),
                x,
                z,
                f64::from(unit),
                f64::from(time),
            ];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
    }
    let mut table = Table::default();
    for (name, column) in ["y", "x", "z", "unit", "time"].into_iter().zip(columns) {
        table.number(name, column);
    }
    table
}

fn panel(model: Model) -> Panel {
    let terms = vec![Term::number(1), Term::number(2)];
    Panel { y: 0, terms, constant: true, unit: 3, time: Some(4), model, robust: false, cluster: None }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-9), "{a} {b}");
}

/// STAT-401: rows in another order, x rescaled, y shifted.
#[test]
fn stat_401_metamorphic_panel() {
    for seed in 1..=20 {
        let base = world(seed);
        let n = base.len();
        let step = (7..).find(|step| (2..=*step).all(|d| !n.is_multiple_of(d) || !step.is_multiple_of(d))).unwrap();
        let mut permuted = base.clone();
        for variable in &mut permuted.variables {
            variable.values = (0..n).map(|i| variable.values[(i * step + 3) % n]).collect();
        }
        let factor = 10_f64.powi(seed as i32 % 9 - 4);
        let mut scaled = base.clone();
        scaled.variables[1].values.iter_mut().for_each(|x| *x *= factor);
        let mut shifted = base.clone();
        shifted.variables[0].values.iter_mut().for_each(|y| *y += 500.0);
        for model in ALL {
            for robust in [false, true] {
                let fit = |table: &Table| Panel { robust, ..panel(model) }.fit(table, None).unwrap().fit;
                let x = |fit: &Fit| fit.estimate("x").map(|e| (e.b, e.se)).unwrap();
                let (b, se) = x(&fit(&base));
                for (table, factor) in [(&permuted, 1.0), (&scaled, factor), (&shifted, 1.0)] {
                    let other = x(&fit(table));
                    close(other.0 * factor, b, 1e-10);
                    close(other.1 * factor, se, 1e-10);
                }
                if model != Model::FirstDifferences {
                    let constant = |table: &Table| fit(table).estimate("_cons").unwrap().b;
                    close(constant(&shifted) - 500.0, constant(&base), 1e-8);
                }
            }
        }
    }
}

/// STAT-131: what does not change in a unit follows from the units.
#[test]
fn stat_131_constant_columns_are_omitted() {
    let fixed = panel(Model::Fixed).fit(&world(3), None).unwrap().fit;
    assert_eq!((fixed.omitted.as_slice(), fixed.estimates.len()), (["z".to_owned()].as_slice(), 2));
    assert_eq!(fixed.notices, [Notice::with("W_COLLINEAR", "z")]);
    let random = panel(Model::Random).fit(&world(3), None).unwrap().fit;
    assert!(random.omitted.is_empty());
}

/// STAT-130: fixed effects are least squares with a dummy per unit, and the errors agree.
#[test]
fn stat_130_fixed_effects_are_dummies() {
    let mut table = world(5);
    let unit = table.factor("dummies", &table.variables[3].values.clone());
    let fixed = panel(Model::Fixed).fit(&table, None).unwrap();
    let dummies = Regress::of(0, vec![Term::number(1), Term::factor(unit, None)]).fit(&table, None).unwrap();
    let (a, b) = (fixed.fit.estimate("x").unwrap(), dummies.fit.estimate("x").unwrap());
    close(a.b, b.b, 1e-10);
    close(a.se, b.se, 1e-10);
    close(fixed.fit.scalar("sigma_e").unwrap(), dummies.fit.scalar("sigma").unwrap(), 1e-10);
    // Predictions with the effects are those of the dummies, and leverage is that of persons.
    let (predicted, effects) = (fixed.predicted(&table), fixed.effects(&table));
    for ((p, e), wanted) in predicted.iter().zip(&effects).zip(dummies.predicted(&table)) {
        close(p + e, wanted, 1e-9);
    }
    let residuals = fixed.residuals(&table);
    close(residuals[4], table.variables[0].values[4] - predicted[4], 1e-12);
    let persons: Vec<u32> = table.variables[3].values.iter().map(|u| *u as u32).collect();
    assert_eq!(panel(Model::Fixed).fit(&table, Some(&persons)).unwrap().fit.influence, fixed.fit.influence);
    assert!(fixed.fit.influence.leverage > 0.0 && fixed.fit.influence.concentration.len() == 2);
}

/// STAT-170: the effect of a unit with random effects is drawn towards zero.
#[test]
fn stat_170_random_effects_are_shrunken() {
    let table = world(8);
    let random = panel(Model::Random).fit(&table, None).unwrap();
    let (sigma_u, sigma_e) = (random.fit.scalar("sigma_u").unwrap(), random.fit.scalar("sigma_e").unwrap());
    let (residuals, effects) = (random.residuals(&table), random.effects(&table));
    let own: Vec<usize> = (0..table.len()).filter(|i| table.variables[3].values[*i] == 7.0).collect();
    let size = own.len() as f64;
    let mean = own.iter().map(|i| residuals[*i]).sum::<f64>() / size;
    let share = size * sigma_u.powi(2) / (sigma_e.powi(2) + size * sigma_u.powi(2));
    close(effects[own[0]], mean * share, 1e-10);
    assert!(share < 1.0);
}

/// STAT-402: problems of panels.
#[test]
fn stat_402_problems_of_panels() {
    let mut table = world(2);
    let n = table.len();
    let one = table.number("one", vec![1.0; n]);
    let own = table.number("own", (0..n).map(|i| i as f64).collect());
    let exact = table.number("exact", table.variables[1].values.iter().map(|x| 2.0 * x).collect());
    let code = |panel: Panel| panel.fit(&table, None).err().map(|p| p.code);
    assert_eq!(code(Panel { unit: one, ..panel(Model::Fixed) }), Some("E_NOT_A_PANEL"));
    assert_eq!(code(Panel { unit: own, ..panel(Model::Random) }), Some("E_NOT_A_PANEL"));
    assert_eq!(code(Panel { terms: vec![Term::number(2)], ..panel(Model::Fixed) }), Some("E_COLLINEAR_ALL"));
    assert_eq!(code(Panel { terms: vec![Term::number(0)], ..panel(Model::Fixed) }), Some("E_COLLINEAR_ALL"));
    let fit = Panel { y: exact, ..panel(Model::Fixed) }.fit(&table, None).unwrap().fit;
    assert!(fit.notices.iter().any(|n| n.code == "W_PERFECT_FIT") && fit.tests[0].statistic.is_nan());
    // y = 2x plus a level that z gives: nothing is left within, and y = 2x alone: nothing is left at all.
    let levels = table.variables[3].values.iter().map(|u| (u * 7.0) % 5.0);
    let steps = table.variables[1].values.iter().zip(levels).map(|(x, u)| (2.0 * x).round() + u).collect();
    let rounded = table.variables[1].values.iter().map(|x| (2.0 * x).round()).collect();
    let (steps, rounded) = (table.number("steps", steps), table.number("rounded", rounded));
    let random = |y| Panel { y, terms: vec![Term::number(rounded)], ..panel(Model::Random) };
    let found = random(steps).fit(&table, None).unwrap().fit;
    close(found.estimate("rounded").unwrap().b, 1.0, 1e-9);
    assert!(found.estimate("_cons").unwrap().b.is_finite());
    let mut exact = table.clone();
    let twice = exact.number("twice", exact.variables[rounded].values.iter().map(|x| 2.0 * x).collect());
    let found = random(twice).fit(&exact, None).unwrap().fit;
    close(found.estimate("rounded").unwrap().b, 2.0, 1e-9);
    assert!(found.notices.iter().any(|n| n.code == "W_PERFECT_FIT"));
    let mut small = Table::default();
    let mut add = |name: &str, values: [f64; 4]| small.number(name, values.to_vec());
    add("y", [1.0, 2.0, 4.0, 3.0]);
    add("x", [1.0, 2.0, 3.0, 5.0]);
    add("z", [0.0, 1.0, 1.0, 0.0]);
    add("unit", [1.0, 1.0, 2.0, 2.0]);
    add("time", [1.0, 2.0, 1.0, 2.0]);
    for model in ALL.into_iter().filter(|m| *m != Model::Pooled) {
        assert_eq!(panel(model).fit(&small, None).err(), Some(Problem::new("E_NO_RESIDUAL_DF")), "{model:?}");
    }
}

/// STAT-145: a statistic below zero has no p-value. In these panels random effects fit so much worse that their errors are larger; with
/// one variance for both the statistic is positive.
#[test]
fn stat_145_negative_hausman() {
    let model =
        |scale| Hausman { y: 0, terms: vec![Term::number(1)], unit: 3, constant: true, include_constant: false, scale };
    let mut found = [false; 2];
    for seed in 1..30 {
        let include_constant = seed % 2 == 0;
        let scale = if seed % 3 == 0 { Scale::More } else { Scale::Own };
        let result = Hausman { include_constant, ..model(scale) }.fit(&world(seed), None).unwrap();
        assert_eq!(result.terms.len(), 1 + usize::from(include_constant));
        let negative = result.test.statistic < 0.0;
        assert_eq!(negative, result.notices.iter().any(|n| n.code == "W_HAUSMAN_NEGATIVE"));
        assert_eq!(negative, result.test.kind == TestKind::Plain);
        assert_eq!(negative, result.test.p().is_none());
        found[usize::from(negative)] = true;
    }
    assert_eq!(found, [true, true]);
    let none = Hausman { terms: vec![Term::number(2)], ..model(Scale::Less) };
    assert_eq!(none.fit(&world(1), None).err().map(|p| p.code), Some("E_COLLINEAR_ALL"));
}

/// STAT-140: cells that are missing, the form with a level for each time, groups that change.
#[test]
fn stat_140_forms_of_differences() {
    let mut table = world(4);
    let of = |f: &dyn Fn(f64, f64) -> bool| {
        let rows = table.variables[3].values.iter().zip(&table.variables[4].values);
        rows.map(|(unit, time)| f64::from(u8::from(f(*unit, *time)))).collect::<Vec<f64>>()
    };
    let (group, post) = (of(&|unit, _| unit < 15.0), of(&|_, time| time > 3.0));
    let product = group.iter().zip(&post).map(|(g, p)| g * p).collect();
    let changing = of(&|unit, time| unit < 15.0 || (unit == 20.0 && time == 0.0));
    let outside = post.iter().map(|p| p * 2.0).collect();
    let zero = vec![0.0; post.len()];
    let mut add = |name: &str, values: Vec<f64>| table.number(name, values);
    let (group, post, product) = (add("group", group), add("post", post), add("product", product));
    let (changing, outside, zero) = (add("changing", changing), add("outside", outside), add("zero", zero));
    let fit = |group, treated| {
        let terms = vec![Term::number(1)];
        Differences { y: 0, group, treated, terms, unit: 3, time: 4, robust: true, cluster: None }
            .fit(&table, None)
            .map(|r| r.fit)
    };
    let plain = fit(group, post).unwrap();
    let labels: Vec<&str> = plain.estimates.iter().map(|e| e.label.as_str()).collect();
    assert_eq!(labels, [EFFECT, "group", "post", "x", "_cons"]);
    assert!(plain.notices.is_empty() && plain.clusters == Some(40));
    let two_way = fit(group, product).unwrap();
    let labels: Vec<&str> = two_way.estimates.iter().map(|e| e.label.as_str()).collect();
    assert_eq!(labels, [EFFECT, "group", "x", "_cons"]);
    assert_eq!(two_way.notices, [Notice::new("W_DID_TWOWAY")]);
    assert_eq!(fit(changing, post).unwrap().notices, [Notice::with("W_GROUP_VARIES", "changing")]);
    for wrong in [fit(group, outside), fit(zero, post), fit(group, zero)] {
        assert_eq!(wrong.err(), Some(Problem::new("E_DID_NEEDS_FOUR_CELLS")));
    }
}

/// LANG-200, STAT-132: errors by a variable are those by unit where it is the unit; without a constant the slopes of fixed effects
/// are the same and no constant is told; between units and with random effects nothing stands in its place.
#[test]
fn lang_200_clusters_and_no_constant() {
    let table = world(7);
    for model in [Model::Fixed, Model::Random, Model::Pooled] {
        let by_unit = Panel { robust: true, ..panel(model) }.fit(&table, None).unwrap().fit;
        let by_variable = Panel { cluster: Some(3), ..panel(model) }.fit(&table, None).unwrap().fit;
        assert_eq!(by_unit.clusters, by_variable.clusters);
        for (a, b) in by_unit.estimates.iter().zip(&by_variable.estimates) {
            assert_eq!((a.b, a.se), (b.b, b.se), "{model:?} {}", a.label);
        }
    }
    let fit = |model, constant| Panel { constant, ..panel(model) }.fit(&table, None).unwrap();
    let (with, without) = (fit(Model::Fixed, true).fit, fit(Model::Fixed, false).fit);
    assert_eq!(with.estimates[..with.estimates.len() - 1], without.estimates[..]);
    for model in [Model::Between, Model::Random, Model::Pooled] {
        let fit = fit(model, false).fit;
        assert!(fit.estimate("_cons").is_none() && fit.estimates.iter().all(|e| e.b.is_finite() && e.se > 0.0));
    }
    // Between units: least squares through the origin on the units' means.
    let frame = Frame::of(&table, &[0, 1, 2, 3]);
    let mut sums: std::collections::BTreeMap<u64, [f64; 4]> = std::collections::BTreeMap::new();
    for i in 0..frame.len() {
        let unit = sums.entry(frame.columns[3][i] as u64).or_default();
        (0..3).for_each(|c| unit[c] += frame.columns[c][i]);
        unit[3] += 1.0;
    }
    let mut means = Table::default();
    for c in 0..3 {
        means.number(["y", "x", "z"][c], sums.values().map(|s| s[c] / s[3]).collect());
    }
    let terms = vec![Term::number(1), Term::number(2)];
    let wanted = Regress { constant: false, ..Regress::of(0, terms) }.fit(&means, None).unwrap().fit;
    let found = fit(Model::Between, false).fit;
    for (a, b) in wanted.estimates.iter().zip(&found.estimates) {
        assert!((a.b - b.b).abs() <= 1e-9 * a.b.abs() && (a.se - b.se).abs() <= 1e-9 * a.se, "{a:?} {b:?}");
    }
}
