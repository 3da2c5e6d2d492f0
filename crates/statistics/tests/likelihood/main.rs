//! Likelihood and mixed models by behaviour: relations that hold whatever the data (STAT-401), input without an answer
//! (STAT-402), predictions row by row, the influence of single persons.

#[path = "../common/mod.rs"]
mod common;
mod degenerate;
mod metamorphic;
mod rows;

use common::Numbers;
use statistics::design::{Form, Piece, Term};
use statistics::fit::Fit;
use statistics::likelihood::{
    BinaryOptions, CountOptions, Effects, Family, GlmModel, Model, MultinomialOptions, OrderedOptions, glm, logit,
    mlogit, negative_binomial, ologit, poisson, probit,
};
use statistics::mixed::{MixedModel, regress_mml};
use statistics::{Problem, Table};

/// Numbers between 0 and 1 that follow from a seed.
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut numbers = Numbers(seed);
    move || numbers.next()
}

/// Rows of a few categories with an outcome for every command. Variables are put in afresh for each change, so that all stand where
/// the numbers below say.
#[derive(Clone)]
struct World {
    age: Vec<f64>,
    race: Vec<f64>,
    sex: Vec<f64>,
    school: Vec<f64>,
    binary: Vec<f64>,
    class: Vec<f64>,
    count: Vec<f64>,
    score: Vec<f64>,
}

const AGE: usize = 0;
const RACE: usize = 1;
const SEX: usize = 2;
const SCHOOL: usize = 3;
const BINARY: usize = 4;
const CLASS: usize = 5;
const COUNT: usize = 6;
const SCORE: usize = 7;

fn world(seed: u64, n: usize) -> World {
    let mut next = uniform(seed);
    let mut each = |f: &mut dyn FnMut(usize, &mut dyn FnMut() -> f64) -> f64| -> Vec<f64> {
        (0..n).map(|i| f(i, &mut next)).collect()
    };
    let age = each(&mut |_, next| (20.0 + 10.0 * next()).floor());
    let race = each(&mut |_, next| (1.0 + 3.0 * next()).floor());
    let sex = each(&mut |_, next| (2.0 * next()).floor());
    let school = each(&mut |i, _| (i % 9) as f64);
    let index = |i: usize| 0.1 * (age[i] - 25.0) + 0.4 * f64::from(u8::from(race[i] == 2.0)) - 0.5 * sex[i];
    let logistic = |next: &mut dyn FnMut() -> f64| {
        let u = next().clamp(1e-9, 1.0 - 1e-9);
        (u / (1.0 - u)).ln()
    };
    let binary = each(&mut |i, next| f64::from(u8::from(index(i) + logistic(next) > 0.0)));
    let class = each(&mut |i, next| (index(i) + logistic(next)).clamp(-1.2, 1.2).round() + 1.0);
    let count = each(&mut |i, next| {
        let mean = (0.5 + 0.5 * index(i)).exp() * (-(1e-9 + next()).ln());
        (mean * (0.4 + 1.2 * next())).round()
    });
    let score = each(&mut |i, next| 10.0 + 2.0 * index(i) + (school[i] * 1.7).sin() + logistic(next));
    World { age, race, sex, school, binary, class, count, score }
}

impl World {
    fn table(&self) -> Table {
        let mut table = Table::default();
        table.number("age", self.age.clone());
        table.factor("race", &self.race);
        table.number("sex", self.sex.clone());
        table.factor("school", &self.school);
        table.number("binary", self.binary.clone());
        table.factor("class", &self.class);
        table.number("count", self.count.clone());
        table.number("score", self.score.clone());
        table
    }

    fn columns(&mut self) -> [&mut Vec<f64>; 8] {
        let Self { age, race, sex, school, binary, class, count, score } = self;
        [age, race, sex, school, binary, class, count, score]
    }
}

fn terms() -> Vec<Term> {
    vec![Term::number(AGE), Term::factor(RACE, None), Term::number(SEX)]
}

fn product(pieces: &[(usize, Form)]) -> Term {
    let piece = |(variable, form): &(usize, Form)| Piece { variable: *variable, form: form.clone() };
    Term { pieces: pieces.iter().map(piece).collect(), control: false }
}

/// A fit of a table.
type Command = Box<dyn Fn(&Table) -> Result<Fit, Problem>>;

/// Every command of the family with these terms.
fn commands(terms: &[Term]) -> Vec<(&'static str, Command)> {
    let model = |y| Model::new(y, terms.to_vec());
    let binary = BinaryOptions { effects: Some(Effects::default()), margins: Some(None) };
    let (to_logit, to_probit, to_class, to_count) = (model(BINARY), model(BINARY), model(CLASS), model(COUNT));
    let (ordered, overdispersed) = (to_class.clone(), to_count.clone());
    let gamma = GlmModel { y: SCORE, terms: terms.to_vec(), constant: true, family: Family::Gaussian, link: None };
    let mixed = mixed(terms);
    vec![
        ("logit", Box::new(move |t| logit(t, &to_logit, &binary).map(|f| f.fit))),
        ("probit", Box::new(move |t| probit(t, &to_probit, &binary).map(|f| f.fit))),
        (
            "mlogit",
            Box::new(move |t| {
                let options = MultinomialOptions { base: None, effects: Some(Effects::default()) };
                mlogit(t, &to_class, &options).map(|f| f.fit)
            }),
        ),
        ("ologit", Box::new(move |t| ologit(t, &ordered, &OrderedOptions::default()).map(|f| f.fit))),
        ("poisson", Box::new(move |t| poisson(t, &to_count, &CountOptions::default()).map(|f| f.fit))),
        (
            "negative-binomial",
            Box::new(move |t| negative_binomial(t, &overdispersed, &CountOptions::default()).map(|f| f.fit)),
        ),
        ("glm", Box::new(move |t| glm(t, &gamma))),
        ("regress-mml", Box::new(move |t| regress_mml(t, &mixed).map(|m| m.fit))),
    ]
}

fn mixed(terms: &[Term]) -> MixedModel {
    MixedModel {
        y: SCORE,
        terms: terms.to_vec(),
        constant: true,
        group: SCHOOL,
        inner: None,
        slope: None,
        persons: None,
    }
}

fn close(what: &str, a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-6), "{what}: {a} {b}");
}

/// Estimates, errors, margins and the likelihood are the same; `scale` is what b of a label is multiplied by in `b`.
fn same(command: &str, a: &Fit, b: &Fit, scale: &dyn Fn(&str) -> f64) {
    assert_eq!(a.estimates.len(), b.estimates.len(), "{command}");
    for (a, b) in a.estimates.iter().zip(&b.estimates) {
        assert_eq!(a.label, b.label, "{command}");
        // An estimate is known to a share of its error.
        let factor = scale(&a.label);
        assert!((a.b * factor - b.b).abs() <= 1e-8 * (b.b.abs() + b.se), "{command} {}: {} {}", a.label, a.b, b.b);
        close(command, a.se * factor, b.se, 1e-8);
    }
    // A restricted likelihood depends on the units of the regressors.
    let units = a.estimates.iter().any(|e| scale(&e.label) != 1.0);
    if let (Some(a), Some(b)) = (a.scalar("ll"), b.scalar("ll"))
        && !(units && command == "regress-mml")
    {
        close(command, a, b, 1e-9);
    }
    for (a, b) in a.margins.iter().zip(&b.margins) {
        let factor = a.label.split_once('[').map_or(1.0, |(_, rest)| scale(rest.trim_end_matches(']')));
        assert!((a.estimate * factor - b.estimate).abs() <= 1e-8 * (b.estimate.abs() + b.se), "{command} {}", a.label);
        close(command, a.se * factor, b.se, 1e-8);
    }
    assert_eq!(a.margins.len(), b.margins.len(), "{command}");
}
