//! Attacks through models and curves: terms that one person alone decides (A5), and survival curves of a population with and
//! without the target (A8).

use super::Failure;
use super::answer::Answer;
use super::counts::{ACCOUNTS, filters};
use super::register::{Dice, PRELUDE, Register};
use super::score::Guesses;

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
