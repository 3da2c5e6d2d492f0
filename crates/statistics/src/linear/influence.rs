//! How much single persons decide of a model (SDC-150): the largest leverage, and for each column the largest share of one person
//! in the squares of what is left of the column when the others are taken out of it. A person of several rows counts with their sum.

use super::columns::Columns;
use super::patterns::{NONE, Patterns};
use super::solve::Solution;
use crate::fit::Influence;

/// The evidence for a solved problem over patterns. `unit` is what a row of a pattern weighs in the last step of the fit, 1 where there is
/// none: then `solution` was solved with the number of rows times that. `persons` is the person of each source row, where one may have
/// several rows; it needs `patterns.places`, or rows that are patterns of their own. `concentration` has a number for each kept column.
pub fn influence(
    x: &dyn Columns,
    solution: &Solution,
    unit: Option<&[f64]>,
    patterns: &Patterns,
    persons: Option<&[u32]>,
) -> Influence {
    match persons {
        Some(persons) if patterns.by_row && patterns.places.is_none() => {
            let people: Vec<u32> = patterns.frame.origin.iter().map(|row| persons[*row as usize]).collect();
            of_persons(x, solution, unit, &people)
        }
        Some(persons) => of(x, solution, unit, by_person(patterns, persons)),
        None => of_rows(x, solution, unit),
    }
}

/// The same for rows in memory, `persons` being that of each.
pub fn influence_of_rows(x: &dyn Columns, solution: &Solution, persons: &[u32]) -> Influence {
    of_persons(x, solution, None, persons)
}

fn of(x: &dyn Columns, solution: &Solution, unit: Option<&[f64]>, people: Vec<(u32, u32)>) -> Influence {
    if people.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        of_people(x, solution, unit, &people)
    } else {
        of_rows(x, solution, unit)
    }
}

fn sorted(mut people: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    if !people.is_sorted_by_key(|(person, _)| *person) {
        people.sort_unstable();
    }
    people
}

/// Where every row is of one person: rows of a person that follow each other are added up where they stand, then all.
fn of_persons(x: &dyn Columns, solution: &Solution, unit: Option<&[f64]>, persons: &[u32]) -> Influence {
    if persons.is_sorted_by(|a, b| a < b) {
        return of_rows(x, solution, unit);
    }
    let size = solution.size() + 1;
    let parts = solution.shares(x, |range, leverage, shares| {
        let runs: Vec<&[u32]> = persons[range.clone()].chunk_by(|a, b| a == b).collect();
        let mut out = vec![0.0; runs.len() * size];
        let columns = std::iter::once(leverage).chain(shares.chunks(range.len()));
        for (j, column) in columns.enumerate() {
            let mut at = 0;
            for (out, run) in out.chunks_mut(size).zip(&runs) {
                let here = at..at + run.len();
                out[j] = match unit {
                    Some(unit) => column[here.clone()].iter().zip(&unit[range.clone()][here]).map(|(x, w)| x * w).sum(),
                    None => column[here].iter().sum(),
                };
                at += run.len();
            }
        }
        (runs.iter().map(|run| run[0]).collect::<Vec<u32>>(), out)
    });
    let mut runs: Vec<(u32, &[f64])> =
        parts.iter().flat_map(|(people, sums)| people.iter().copied().zip(sums.chunks(size))).collect();
    if !runs.is_sorted_by_key(|(person, _)| *person) {
        runs.sort_by_key(|(person, _)| *person);
    }
    let mut largest = vec![0.0_f64; size];
    let mut sums = vec![0.0; size];
    for runs in runs.chunk_by(|a, b| a.0 == b.0) {
        sums.fill(0.0);
        runs.iter().for_each(|(_, run)| sums.iter_mut().zip(*run).for_each(|(sum, x)| *sum += x));
        largest.iter_mut().zip(&sums).for_each(|(largest, x)| *largest = largest.max(*x));
    }
    Influence { leverage: largest[0], concentration: largest[1..].to_vec() }
}

/// Where everyone has one row.
fn of_rows(x: &dyn Columns, solution: &Solution, unit: Option<&[f64]>) -> Influence {
    let (leverage, concentration) = solution.largest(x, unit);
    Influence { leverage, concentration }
}

/// The persons of the rows with the pattern of each row; the rows of a person follow each other.
fn by_person(patterns: &Patterns, persons: &[u32]) -> Vec<(u32, u32)> {
    sorted(match &patterns.places {
        Some(places) => persons.iter().zip(places).filter(|(_, p)| **p != NONE).map(|(i, p)| (*i, *p)).collect(),
        None => Vec::new(),
    })
}

fn of_people(x: &dyn Columns, solution: &Solution, unit: Option<&[f64]>, people: &[(u32, u32)]) -> Influence {
    let size = solution.size();
    // What each row of a pattern adds: its leverage, then the shares.
    let parts = solution.shares(x, |range, leverage, shares| {
        let mut out = Vec::with_capacity(range.len() * (size + 1));
        for i in 0..range.len() {
            let weight = unit.map_or(1.0, |w| w[range.start + i]);
            out.push(leverage[i] * weight);
            out.extend((0..size).map(|j| shares[j * range.len() + i] * weight));
        }
        out
    });
    let each = parts.concat();
    let mut largest = vec![0.0_f64; size + 1];
    let mut sums = vec![0.0; size + 1];
    for rows in people.chunk_by(|a, b| a.0 == b.0) {
        sums.fill(0.0);
        for (_, pattern) in rows {
            let at = *pattern as usize * (size + 1);
            sums.iter_mut().zip(&each[at..]).for_each(|(sum, x)| *sum += x);
        }
        largest.iter_mut().zip(&sums).for_each(|(largest, x)| *largest = largest.max(*x));
    }
    Influence { leverage: largest[0], concentration: largest[1..].to_vec() }
}
