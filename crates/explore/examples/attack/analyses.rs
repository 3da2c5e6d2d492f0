//! Attacks through models and curves: terms that one person alone decides (A5), and survival curves of a population with and
//! without the target (A8).

use super::Failure;
use super::answer::{Answer, Answers};
use super::counts::{ACCOUNTS, filters};
use super::register::{Dice, PRELUDE, Register};
use super::score::{Guesses, Score};

/// A5: fits in which a coefficient, an effect or a table says something of one person or of a few.
pub fn single_terms(register: &Register, targets: &[usize]) -> Vec<String> {
    let of = |(i, target): (usize, &usize)| {
        let nr = register.persons[*target].number;
        let command = match i % 10 {
            0 => format!("generate t = nr == {nr}\nregress income t\n"),
            1 => format!("generate t = nr == {nr}\nregress income i.region##t\n"),
            2 => format!("generate t = nr == {nr}\nregress income i.sex, control(t)\n"),
            3 => format!("generate t = nr == {nr}\ngenerate u = income * t\nregress income u\n"),
            4 => format!("generate few = nr < {}\nregress income i.few\n", 2 + nr % 8),
            5 => "regress income i.region##i.education##i.marital\n".to_owned(),
            6 => format!("generate t = nr == {nr}\nanova income t\n"),
            7 => format!("destring s, prefix(n)\ngenerate t = nr == {nr}\nlogit ns t income\n"),
            8 => format!("destring s, prefix(n)\ngenerate t = nr == {nr}\npoisson ns t income\n"),
            _ => format!(
                "destring s, prefix(n)\ngenerate t = nr == {nr}\ngenerate tid = 1 + int(income / 100000)\ncox ns tid t\n"
            ),
        };
        format!("{PRELUDE}{command}")
    };
    targets.iter().enumerate().map(of).collect()
}

/// Whether a fit names a term of those whom [`single_terms`] singles out.
pub fn names_them(answers: &Answers) -> bool {
    let theirs = |part: &str| ["t", "u", "few"].contains(&part.split('=').next().unwrap_or_default());
    let labels = answers.fits.iter().flat_map(|(_, terms)| terms).map(|(label, _)| label);
    labels.into_iter().any(|label| label.split(['#', ':']).any(theirs))
}

/// Ways to a mean that one person is not in: nobody else has her category, or she lacks the value.
pub const LEFT_OUT: [(&str, &str); 2] = [
    ("her category", "generate y = income\ngenerate t = nr == WHO\n"),
    ("her value missing", "generate y = income if nr != WHO\ngenerate t = 0\n"),
];

/// A5: the income of a target from a mean of which she is left out and the same with everybody: how many are told to a tenth.
pub fn left_out(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
    way: &str,
) -> Result<Score, Failure> {
    let mut dice = Dice::new(seed ^ 0xa5);
    let filters = filters(register, &mut dice, 20);
    let (mut found, mut tried) = (0, 0);
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let Some(filter) = filters.iter().find(|f| f.holds(person)) else { continue };
        let mean = |who: &str| {
            let (way, filter) = (way.replace("WHO", who), filter.text());
            let answers = answer.ask(ACCOUNTS[i % 4], &format!("{PRELUDE}{way}regress y i.t if {filter}\n"))?;
            let last = answers.fits.last().and_then(|(n, terms)| Some((*n, terms.last()?.1)));
            Ok::<_, Failure>(last)
        };
        tried += 1;
        let (Some((n, all)), Some((_, without))) = (mean("-1")?, mean(&person.number.to_string())?) else { continue };
        let told = n * all - (n - 1.0) * without;
        found += usize::from((told - person.income as f64).abs() < 0.1 * person.income as f64);
    }
    Ok(Score::share(found, tried))
}

/// A8: whether the target has the secret, from survival curves of a population with and without her. Rules: the curves differ at
/// all; and the one with her has more events.
pub fn curves(answer: &dyn Answer, register: &Register, targets: &[usize], seed: u64) -> Result<[Guesses; 2], Failure> {
    let mut dice = Dice::new(seed ^ 0xa8);
    let filters = filters(register, &mut dice, 20);
    let mut rules = [Guesses::default(); 2];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let Some(filter) = filters.iter().find(|f| f.holds(person)) else { continue };
        let (text, number) = (filter.text(), person.number);
        let script = format!(
            "{PRELUDE}destring s, prefix(n)\ngenerate tid = 1 + int(income / 100000)\n\
             kaplan-meier ns tid if {text}\nkaplan-meier ns tid if {text} & nr != {number}\n"
        );
        let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
        let [with, without] = answers.told.as_slice() else {
            rules.iter_mut().for_each(|rule| rule.add(person.secret, false));
            continue;
        };
        rules[0].add(person.secret, with != without);
        let events = |told: &super::answer::Told| told.counts.get(1).copied().flatten().unwrap_or(0.0);
        rules[1].add(person.secret, events(with) > events(without));
    }
    Ok(rules)
}
