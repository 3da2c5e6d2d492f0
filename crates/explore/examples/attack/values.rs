//! Attacks on numbers that are computed from values: a person's income from two means (A6) and from percentiles (A7).

use std::collections::HashSet;

use super::Failure;
use super::answer::Answer;
use super::counts::{ACCOUNTS, filters};
use super::register::{Dice, PRELUDE, Register};

/// What is asked of two populations, one of which lacks the target.
#[derive(Clone, Copy, PartialEq)]
pub enum Asked {
    Means,
    Sums,
}

/// A6: the target's income from the means or the sums with and without her, averaged over so many populations; in how many
/// cases it comes within a tenth. The attacker knows how many persons each population has.
pub fn two_populations(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
    populations: &[usize],
    asked: Asked,
) -> Result<Vec<Vec<bool>>, Failure> {
    let mut dice = Dice::new(seed ^ 0xa6);
    let filters = filters(register, &mut dice, 60);
    let most = populations.iter().copied().max().unwrap_or(0);
    let statistic = if asked == Asked::Means { "mean" } else { "sum" };
    let mut out = vec![Vec::new(); populations.len()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let chosen: Vec<_> = filters.iter().filter(|f| f.holds(person)).take(most).collect();
        let mut script = PRELUDE.to_owned();
        for filter in &chosen {
            let (text, number) = (filter.text(), person.number);
            script += &format!("tabulate sex if {text}, summarize(income) {statistic}\n");
            script += &format!("tabulate sex if {text} & nr != {number}, summarize(income) {statistic}\n");
        }
        let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
        let solved: Vec<f64> = chosen
            .iter()
            .zip(answers.told.chunks_exact(2))
            .map(|(filter, pair)| {
                if asked == Asked::Sums {
                    return answer.sum(&pair[0]) - answer.sum(&pair[1]);
                }
                let n = register.persons.iter().filter(|p| filter.holds(p)).count() as f64;
                let [with, without] = [0, 1].map(|k: usize| pair[k].values.last().copied().flatten().unwrap_or(0.0));
                n * with - (n - 1.0) * without
            })
            .collect();
        for (slot, populations) in out.iter_mut().zip(populations) {
            slot.push(close(&solved[..(*populations).min(solved.len())], person.income as f64));
        }
    }
    Ok(out)
}

/// A6: the same through copies of the income in one population: shifted, multiplied, and ones for the number of persons.
pub fn copies(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
    number: usize,
) -> Result<Vec<bool>, Failure> {
    let mut dice = Dice::new(seed ^ 0x6a);
    let filters = filters(register, &mut dice, 30);
    let mut out = Vec::new();
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let filter = filters.iter().find(|f| f.holds(person)).ok_or("no filter holds")?;
        let n = register.persons.iter().filter(|p| filter.holds(p)).count() as f64;
        let mut script = PRELUDE.to_owned();
        let mut undo: Vec<(f64, f64)> = Vec::new();
        for k in 0..number as u64 {
            let (shift, factor) = (1 + dice.below(9000), 1 + dice.below(9));
            undo.push((shift as f64, factor as f64));
            let without = format!("{} & nr != {}", filter.text(), person.number);
            script += &format!("generate y{k} = income * {factor} + {shift}\n");
            // The copy is asked for in one of the two sets only, so that nothing is known of it in the other.
            let (first, second) = (filter.text(), without);
            script += &format!("tabulate sex if {first}, summarize(income) mean\n");
            script += &format!("tabulate sex if {second}, summarize(y{k}) mean\n");
        }
        let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
        let means: Vec<f64> = answers.told.iter().map(|t| t.values.last().copied().flatten().unwrap_or(0.0)).collect();
        let solved: Vec<f64> = undo
            .iter()
            .zip(means.chunks_exact(2))
            .map(|((shift, factor), pair)| n * pair[0] - (n - 1.0) * (pair[1] - shift) / factor)
            .collect();
        out.push(close(&solved, person.income as f64));
    }
    Ok(out)
}

fn close(solved: &[f64], truth: f64) -> bool {
    let mean = solved.iter().sum::<f64>() / solved.len().max(1) as f64;
    (mean - truth).abs() <= 0.1 * truth
}

/// A7: all percentiles of so many populations: how many there are, and how many equal somebody's value.
pub fn order_statistics(
    answer: &dyn Answer,
    register: &Register,
    seed: u64,
    populations: usize,
) -> Result<(usize, usize), Failure> {
    let mut dice = Dice::new(seed ^ 0xa7);
    let (mut equal, mut all) = (0, 0);
    for filter in filters(register, &mut dice, populations) {
        let script = format!("{PRELUDE}summarize income if {}\n", filter.text());
        let answers = answer.ask("first", &script)?;
        let told = answers.told.first().ok_or_else(|| format!("no summary: {:?}", answers.codes))?;
        let here: HashSet<i64> = register.persons.iter().filter(|p| filter.holds(p)).map(|p| p.income).collect();
        // Mean and standard deviation stand before them.
        for value in told.values.iter().skip(2).flatten() {
            all += 1;
            equal += usize::from(here.contains(&(*value as i64)) && value.fract() == 0.0);
        }
    }
    Ok((equal, all))
}
