//! Input without an answer gives the error or the notice of the specification (STAT-402).

use statistics::design::Term;
use statistics::likelihood::{
    BinaryOptions, CountOptions, Errors, Family, GlmModel, Model, MultinomialOptions, OrderedOptions, QuantileModel,
    glm, logit, mlogit, negative_binomial, ologit, poisson, probit, quantile_regression,
};
use statistics::mixed::{MixedModel, regress_mml};
use statistics::{Problem, Table};

use super::common::Stopped;
use super::{AGE, BINARY, CLASS, COUNT, RACE, SCHOOL, SCORE, SEX, commands, mixed, terms, uniform, world};

fn code<T>(result: Result<T, Problem>) -> (&'static str, Option<String>) {
    match result {
        Ok(_) => ("an answer", None),
        Err(problem) => (problem.code, problem.about),
    }
}

fn about(code: &'static str, name: &str) -> (&'static str, Option<String>) {
    (code, Some(name.to_owned()))
}

fn of_logit(table: &Table, y: usize, terms: Vec<Term>) -> (&'static str, Option<String>) {
    code(logit(table, &Model::new(y, terms), &BinaryOptions::default()))
}

/// STAT-211, STAT-220, STAT-225: outcomes that a command cannot take.
#[test]
fn stat_402_outcomes() {
    let mut world = world(1, 300);
    let table = world.table();
    let counts = CountOptions::default();
    assert_eq!(of_logit(&table, AGE, vec![Term::number(SEX)]), about("E_NOT_BINARY", "age"));
    let model = |y| Model::new(y, vec![Term::number(AGE)]);
    assert_eq!(code(probit(&table, &model(COUNT), &BinaryOptions::default())), about("E_NOT_BINARY", "count"));
    assert_eq!(code(poisson(&table, &model(SCORE), &counts)), about("E_NOT_COUNT", "score"));
    assert_eq!(code(negative_binomial(&table, &model(SCORE), &counts)), about("E_NOT_COUNT", "score"));
    let two = code(mlogit(&table, &model(BINARY), &MultinomialOptions::default()));
    assert_eq!(two, about("E_MLOGIT_NEEDS_3", "binary"));
    world.binary.fill(1.0);
    world.count.fill(0.0);
    world.class.fill(2.0);
    let same = world.table();
    assert_eq!(of_logit(&same, BINARY, vec![Term::number(AGE)]), about("E_NO_VARIATION", "binary"));
    assert_eq!(code(poisson(&same, &model(COUNT), &counts)), about("E_NO_VARIATION", "count"));
    assert_eq!(code(ologit(&same, &model(CLASS), &OrderedOptions::default())), about("E_NO_VARIATION", "class"));
    let gamma =
        GlmModel { y: COUNT, terms: vec![Term::number(AGE)], constant: true, family: Family::Gamma, link: None };
    assert_eq!(code(glm(&same, &gamma)), about("E_NOT_POSITIVE", "count"));
}

/// STAT-225: an exposure must be greater than 0.
#[test]
fn stat_402_exposure() {
    let mut table = world(2, 300).table();
    let exposure = table.number("years", (0..300).map(|i| f64::from(i % 4)).collect());
    let options = CountOptions { exposure: Some(exposure) };
    assert_eq!(code(poisson(&table, &Model::new(COUNT, terms()), &options)), about("E_EXPOSURE", "years"));
    assert_eq!(code(negative_binomial(&table, &Model::new(COUNT, terms()), &options)), about("E_EXPOSURE", "years"));
}

/// STAT-212: a level of a 0/1 column or the base of a factor in which the outcome is decided names the term before the fit.
#[test]
fn stat_212_separation_before_the_fit() {
    for (level, named) in [(1.0, "race=2"), (2.0, "race=2"), (3.0, "race=3")] {
        for outcome in [0.0, 1.0] {
            let mut world = world(3, 400);
            let decided = world.binary.iter_mut().zip(&world.race).filter(|(_, r)| **r == level);
            decided.for_each(|(y, _)| *y = outcome);
            assert_eq!(of_logit(&world.table(), BINARY, terms()), about("E_SEPARATION", named));
        }
    }
    let mut world = world(4, 400);
    for i in 0..400 {
        if world.sex[i] == 1.0 {
            world.count[i] = 0.0;
            world.class[i] = 1.0;
        }
    }
    let table = world.table();
    let of = |y| Model::new(y, terms());
    assert_eq!(code(poisson(&table, &of(COUNT), &CountOptions::default())), about("E_SEPARATION", "sex"));
    assert_eq!(code(mlogit(&table, &of(CLASS), &MultinomialOptions::default())), about("E_SEPARATION", "sex"));
}

/// STAT-212: a number that decides the outcome is found during the fit.
#[test]
fn stat_212_separation_during_the_fit() {
    for seed in 1..6 {
        let mut next = uniform(seed);
        let mut world = world(seed, 400);
        world.age.iter_mut().for_each(|x| *x = 50.0 * next());
        world.binary = world.age.iter().map(|x| f64::from(u8::from(*x > 20.0))).collect();
        world.class = world.age.iter().map(|x| (x / 17.0).floor()).collect();
        world.count = world.age.iter().map(|x| if *x > 20.0 { 3.0 } else { 0.0 }).collect();
        let table = world.table();
        let of = |y| Model::new(y, vec![Term::number(AGE), Term::number(SEX)]);
        assert_eq!(of_logit(&table, BINARY, of(BINARY).terms), about("E_SEPARATION", "age"), "{seed}");
        let probit = code(probit(&table, &of(BINARY), &BinaryOptions::default()));
        assert_eq!(probit, about("E_SEPARATION", "age"), "{seed}");
        let mlogit = code(mlogit(&table, &of(CLASS), &MultinomialOptions::default()));
        assert_eq!(mlogit, about("E_SEPARATION", "age"), "{seed}");
        let ologit = code(ologit(&table, &of(CLASS), &OrderedOptions::default()));
        assert_eq!(ologit, about("E_SEPARATION", "age"), "{seed}");
        // One row at the border on the wrong side: quasi-complete separation ends there.
        let mut world = world.clone();
        let border = (0..400).filter(|i| world.age[*i] > 20.0).min_by(|a, b| world.age[*a].total_cmp(&world.age[*b]));
        world.binary[border.unwrap()] = 0.0;
        let lowest = (0..400).filter(|i| world.age[*i] <= 20.0).max_by(|a, b| world.age[*a].total_cmp(&world.age[*b]));
        world.binary[lowest.unwrap()] = 1.0;
        assert_eq!(of_logit(&world.table(), BINARY, vec![Term::number(AGE)]).0, "an answer", "{seed}");
    }
}

/// STAT-008, STAT-011: terms and clusters that do not go together.
#[test]
fn stat_402_terms_and_clusters() {
    let mut table = world(5, 300).table();
    let twice = table.number("twice", world(5, 300).age.iter().map(|x| 2.0 * x).collect());
    let constant = table.number("constant", vec![4.0; 300]);
    assert_eq!(of_logit(&table, BINARY, vec![Term::number(BINARY)]), ("E_COLLINEAR_ALL", None));
    assert_eq!(of_logit(&table, BINARY, vec![Term::number(constant)]), ("E_COLLINEAR_ALL", None));
    let fitted =
        logit(&table, &Model::new(BINARY, vec![Term::number(AGE), Term::number(twice)]), &BinaryOptions::default());
    let fit = fitted.unwrap().fit;
    assert_eq!(fit.omitted, ["twice"]);
    assert_eq!(fit.notices[0].code, "W_COLLINEAR");
    let clustered = |cluster| Model { errors: Errors::Cluster(cluster), ..Model::new(BINARY, terms()) };
    let of = |model: &Model| code(logit(&table, model, &BinaryOptions::default()));
    assert_eq!(of(&clustered(RACE)), about("E_CLUSTER_IN_MODEL", "race"));
    assert_eq!(of(&clustered(constant)), about("E_TOO_FEW_CLUSTERS", "constant"));
    let margins = BinaryOptions { effects: None, margins: Some(Some(AGE)) };
    let of = code(logit(&table, &Model::new(BINARY, terms()), &margins));
    assert_eq!(of, about("E_MARGINS_NEEDS_DUMMY", "age"));
}

/// Nothing to compute from: no row, all missing, as many rows as terms.
#[test]
fn stat_402_too_few_rows() {
    let mut missing = world(6, 50);
    missing.age.fill(f64::NAN);
    for table in [world(6, 0).table(), missing.table()] {
        for (command, fit) in commands(&terms()) {
            assert_eq!(code(fit(&table)).0, "E_NO_RESIDUAL_DF", "{command}");
        }
    }
    let quantile = QuantileModel { y: SCORE, terms: terms(), constant: true, tau: 0.5 };
    assert_eq!(code(quantile_regression(&world(6, 3).table(), &quantile)).0, "E_NO_RESIDUAL_DF");
}

/// STAT-230: counts that vary less than Poisson's give the Poisson model.
#[test]
fn stat_230_no_overdispersion() {
    let mut world = world(7, 400);
    world.count = world.age.iter().map(|x| (x / 5.0).floor()).collect();
    let table = world.table();
    let model = Model::new(COUNT, vec![Term::number(AGE)]);
    let negative = negative_binomial(&table, &model, &CountOptions::default()).unwrap().fit;
    let plain = poisson(&table, &model, &CountOptions::default()).unwrap().fit;
    assert_eq!(negative.notices[0].code, "W_NO_OVERDISPERSION");
    assert_eq!(negative.estimates, plain.estimates);
    assert_eq!(negative.scalar("ll"), plain.scalar("ll"));
}

/// STAT-155: groups without a variance of their own, and too few of them.
#[test]
fn stat_155_groups() {
    let mut world = world(8, 450);
    // The mean of every school is the same.
    for school in 0..9 {
        let rows: Vec<usize> = (0..450).filter(|i| world.school[*i] == f64::from(school)).collect();
        let mean = rows.iter().map(|i| world.score[*i]).sum::<f64>() / rows.len() as f64;
        rows.iter().for_each(|i| world.score[*i] -= mean);
    }
    let none = MixedModel { terms: vec![Term::number(SEX)], ..mixed(&[]) };
    let found = regress_mml(&world.table(), &none).unwrap();
    assert_eq!(found.fit.notices[0].code, "W_VARIANCE_ZERO");
    assert_eq!(found.variances[0], ("var[school]".to_owned(), 0.0));
    assert_eq!(found.groups, [("school".to_owned(), 9)]);
    world.school.fill(1.0);
    assert_eq!(code(regress_mml(&world.table(), &none)), about("E_NEEDS_TWO_GROUPS", "school"));
    world.school = (0..450).map(|i| i as f64).collect();
    assert_eq!(code(regress_mml(&world.table(), &none)).0, "E_NO_RESIDUAL_DF");
}

/// ENG-035: a fit stops when it is told to.
#[test]
fn eng_035_a_fit_stops() {
    let rows = Stopped(world(9, 500).table());
    assert_eq!(code(logit(&rows, &Model::new(BINARY, terms()), &BinaryOptions::default())).0, "E_STOPPED");
    let mixed = MixedModel { group: SCHOOL, ..mixed(&terms()) };
    assert_eq!(code(regress_mml(&rows, &mixed)).0, "E_STOPPED");
}
