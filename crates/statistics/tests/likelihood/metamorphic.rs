//! Relations that hold whatever the data (STAT-401), over 20 seeds.

use statistics::Table;
use statistics::design::Form;
use statistics::likelihood::{BinaryOptions, EffectKind, EffectPlace, Effects, Errors, Model, MultinomialOptions};
use statistics::likelihood::{logit, mlogit, poisson};

use super::{BINARY, CLASS, COUNT, SCHOOL, World, commands, product, same, terms, uniform, world};

const SEEDS: std::ops::Range<u64> = 1..21;

fn each(change: impl Fn(u64, &mut World), scale: &dyn Fn(&str) -> f64) {
    for seed in SEEDS {
        let before = world(seed, 450);
        let mut after = before.clone();
        change(seed, &mut after);
        let (before, after) = (before.table(), after.table());
        for (command, fit) in commands(&terms()) {
            let a = fit(&before).unwrap_or_else(|p| panic!("{command} {seed}: {p:?}"));
            let b = fit(&after).unwrap_or_else(|p| panic!("{command} {seed}: {p:?}"));
            same(command, &a, &b, scale);
        }
    }
}

/// STAT-401: the order of rows does not matter.
#[test]
fn stat_401_permuted_rows() {
    let permute = |seed: u64, world: &mut World| {
        let mut next = uniform(seed + 1000);
        for i in (1..world.age.len()).rev() {
            let j = (next() * (i + 1) as f64) as usize;
            world.columns().into_iter().for_each(|column| column.swap(i, j));
        }
    };
    each(permute, &|_| 1.0);
}

/// STAT-401: a regressor times 10ᵏ has its coefficient, error and marginal effect divided by it.
#[test]
fn stat_401_rescaled_regressor() {
    for factor in [1e-6, 1e5] {
        let scale = |label: &str| if label.ends_with("age") { 1.0 / factor } else { 1.0 };
        each(|_, world| world.age.iter_mut().for_each(|x| *x *= factor), &scale);
    }
}

/// STAT-401: other codes of a factor in the same order are the same model under other labels; a variable that is missing everywhere
/// and stands in no term changes nothing.
#[test]
fn stat_401_other_codes_and_an_unused_variable() {
    for seed in SEEDS {
        let world = world(seed, 450);
        let mut other = world.clone();
        other.race.iter_mut().for_each(|x| *x = 10.0 * *x + 7.0);
        let mut after = other.table();
        after.number("nothing", vec![f64::NAN; 450]);
        for (command, fit) in commands(&terms()) {
            let (mut a, b) = (fit(&world.table()).unwrap(), fit(&after).unwrap());
            let rename = |label: &mut String| *label = label.replace("race=2", "race=27").replace("race=3", "race=37");
            a.estimates.iter_mut().for_each(|e| rename(&mut e.label));
            a.margins.iter_mut().for_each(|m| rename(&mut m.label));
            same(command, &a, &b, &|_| 1.0);
        }
    }
}

/// STAT-020, STAT-401: patterns and rows agree. A control term that is zero everywhere is omitted, but its variables make every row a
/// pattern of its own.
#[test]
fn stat_020_patterns_and_rows_agree() {
    for seed in SEEDS {
        let patterns = world(seed, 1000).table();
        let mut rows = patterns.clone();
        let zero = rows.number("zero", vec![0.0; 1000]);
        let row = rows.number("row", (0..1000).map(|i| f64::from(i) + 0.5).collect());
        let mut with = terms();
        with.push(product(&[(zero, Form::Continuous), (row, Form::Continuous)]));
        for ((command, a), (_, b)) in commands(&terms()).into_iter().zip(commands(&with)) {
            let (a, b) = (a(&patterns).unwrap(), b(&rows).unwrap());
            assert_eq!(b.omitted, ["zero#row"]);
            same(command, &a, &b, &|_| 1.0);
            assert!((a.influence.leverage - b.influence.leverage).abs() < 1e-8, "{command}");
        }
        let clustered = |terms| Model { errors: Errors::Cluster(SCHOOL), ..Model::new(BINARY, terms) };
        let a = logit(&patterns, &clustered(terms()), &BinaryOptions::default()).unwrap();
        let b = logit(&rows, &clustered(with), &BinaryOptions::default()).unwrap();
        same("logit, cluster", &a.fit, &b.fit, &|_| 1.0);
    }
}

/// STAT-401: with 0 and 1 exchanged the coefficients of logit and probit change their sign, with outcomes in the opposite order those
/// of ologit.
#[test]
fn stat_401_reversed_outcomes() {
    for seed in SEEDS {
        let before = world(seed, 450);
        let mut after = before.clone();
        after.binary.iter_mut().for_each(|y| *y = 1.0 - *y);
        after.class.iter_mut().for_each(|y| *y = 2.0 - *y);
        for (command, fit) in commands(&terms()) {
            if !["logit", "probit", "ologit"].contains(&command) {
                continue;
            }
            let (a, b) = (fit(&before.table()).unwrap(), fit(&after.table()).unwrap());
            for (a, b) in a.estimates.iter().zip(&b.estimates).filter(|(a, _)| a.column.is_some()) {
                assert!((a.b + b.b).abs() < 1e-8 * (a.b.abs() + a.se), "{command}");
                assert!((a.se - b.se).abs() < 1e-8 * a.se, "{command}");
            }
        }
    }
}

/// STAT-401: a shifted and scaled outcome shifts the constant of a mixed model and scales everything.
#[test]
fn stat_401_shifted_outcome_of_a_mixed_model() {
    use statistics::mixed::regress_mml;
    for seed in SEEDS {
        let before = world(seed, 450);
        let mut after = before.clone();
        after.score.iter_mut().for_each(|y| *y = 1000.0 * *y + 5e5);
        let a = regress_mml(&before.table(), &super::mixed(&terms())).unwrap();
        let b = regress_mml(&after.table(), &super::mixed(&terms())).unwrap();
        for (a, b) in a.fit.estimates.iter().zip(&b.fit.estimates) {
            let shift = if a.label == "_cons" { 5e5 } else { 0.0 };
            assert!((a.b * 1000.0 + shift - b.b).abs() < 1e-8 * (b.b.abs() + b.se), "{}", a.label);
            assert!((a.se * 1000.0 - b.se).abs() < 1e-7 * b.se);
        }
        for ((name, a), (_, b)) in a.variances.iter().zip(&b.variances) {
            assert!((a * 1e6 - b).abs() < 1e-5 * b.abs(), "{name}: {a} {b}");
        }
    }
}

/// STAT-213: at one point effects on logarithms follow from those on levels; effects of all outcomes of mlogit add up to 0 (STAT-221).
#[test]
fn stat_213_kinds_of_effects_follow_from_each_other() {
    for seed in SEEDS {
        let table = world(seed, 450).table();
        let of = |kind, place| {
            let options = MultinomialOptions { base: None, effects: Some(Effects { kind, place }) };
            mlogit(&table, &Model::new(CLASS, terms()), &options).unwrap().fit.margins
        };
        let place = EffectPlace::Mean;
        let (levels, elastic) = (of(EffectKind::DyDx, place), of(EffectKind::EyEx, place));
        let (by_share, of_share) = (of(EffectKind::DyEx, place), of(EffectKind::EyDx, place));
        // dy/ex and ey/dx over dy/dx are x and 1/P, so that ey/ex is their product.
        for i in 0..levels.len() {
            let product = by_share[i].estimate * of_share[i].estimate / levels[i].estimate;
            assert!((elastic[i].estimate - product).abs() < 1e-9 * product.abs(), "{}", elastic[i].label);
        }
        for place in [EffectPlace::Overall, EffectPlace::Median, EffectPlace::Zero] {
            let all = of(EffectKind::DyDx, place);
            let size = all.len() / 3;
            for term in 0..size {
                let sum: f64 = (0..3).map(|outcome| all[outcome * size + term].estimate).sum();
                assert!(sum.abs() < 1e-12, "{}", all[term].label);
            }
        }
    }
}

/// STAT-225: an exposure of one changes nothing; one that is e times as large everywhere takes 1 from the constant.
#[test]
fn stat_225_exposure_is_an_offset() {
    use statistics::likelihood::CountOptions;
    for seed in SEEDS {
        let mut table: Table = world(seed, 450).table();
        let one = table.number("one", vec![1.0; 450]);
        let e = table.number("e", vec![1.0_f64.exp(); 450]);
        let of = |exposure| poisson(&table, &Model::new(COUNT, terms()), &CountOptions { exposure }).unwrap().fit;
        let (without, with_one, with_e) = (of(None), of(Some(one)), of(Some(e)));
        same("poisson", &without, &with_one, &|_| 1.0);
        let constant = |fit: &statistics::fit::Fit| fit.estimate("_cons").unwrap().b;
        assert!((constant(&without) - constant(&with_e) - 1.0).abs() < 1e-9);
        assert!((without.estimate("age").unwrap().b - with_e.estimate("age").unwrap().b).abs() < 1e-10);
    }
}

/// ENG-034: the same bits whatever the number of threads.
#[test]
fn eng_034_bits_do_not_depend_on_threads() {
    let table = world(5, 20_000).table();
    let all = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| commands(&terms()).into_iter().map(|(_, fit)| fit(&table).unwrap()).collect::<Vec<_>>())
    };
    for (a, b) in all(1).iter().zip(&all(4)) {
        let bits = |fit: &statistics::fit::Fit| {
            fit.estimates.iter().flat_map(|e| [e.b.to_bits(), e.se.to_bits()]).collect::<Vec<_>>()
        };
        assert_eq!(bits(a), bits(b));
        assert_eq!(a.influence, b.influence);
    }
}
