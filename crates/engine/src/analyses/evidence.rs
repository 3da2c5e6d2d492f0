//! What the gate must know of the persons behind a model (SDC-150, SDC-162): who stands on either side of every column of zeros
//! and ones, who is off the most frequent value of the others, and who is the reference group.

use statistics::design::{Column, Design, Part, Term, variables};
use statistics::{Frame, Problem};

use super::sample::View;
use crate::control::by_chunk;
use crate::mask::Mask;
use crate::raw::{Failed, PersonSet};

/// Rows per word of a mask.
const WORD: usize = 64;

/// The persons behind the columns of a design.
pub(crate) struct Evidence {
    pub(crate) design: Design,
    /// By column of the design: the persons whose value is 0, and those whose value is 1.
    pub(crate) sides: Vec<Option<[PersonSet; 2]>>,
    /// By column: the persons whose value is not the most frequent one, where more than half have that.
    pub(crate) off_mode: Vec<Option<PersonSet>>,
    /// The persons for whom all columns of zeros and ones are 0; none where there is no such column.
    pub(crate) base: Option<PersonSet>,
}

/// What is known of a column of numbers in a stretch: the rows where it is 1, whether it is ever anything but 0 and 1, and
/// the candidate for a value that more than half have, with its lead (Boyer and Moore).
struct Seen {
    ones: Vec<u64>,
    binary: bool,
    candidate: f64,
    lead: i64,
}

impl Evidence {
    /// Of the terms of a model over the rows of a view.
    pub(crate) fn of(view: &View<'_>, terms: &[Term], constant: bool) -> Result<Self, Failed> {
        let design = design(view, terms, constant)?;
        let all = variables(terms);
        let rows = view.rows.len();
        let parts = by_chunk(view.control, rows, |range| {
            let mut values = vec![vec![0.0; range.len()]; all.len()];
            values.iter_mut().zip(&all).for_each(|(out, v)| view.sample.values(*v, range.clone(), out));
            let here: Vec<usize> = view.rows.iter(range.clone()).map(|row| row - range.start).collect();
            design.columns.iter().map(|column| Seen::of(column, &values, &here, range.len())).collect::<Vec<Seen>>()
        })?;
        let (mut sides, mut off_mode) = (Vec::new(), Vec::new());
        let mut some_one = Mask::empty(rows);
        let mut dummies = false;
        for (number, column) in design.columns.iter().enumerate() {
            if column.parts.is_empty() {
                sides.push(None);
                off_mode.push(None);
                continue;
            }
            let seen = || parts.iter().map(|part| &part[number]);
            if seen().all(|seen| seen.binary) {
                let ones = Mask::of_words(seen().map(|seen| seen.ones.clone()).collect(), rows);
                some_one = some_one.or(&ones);
                dummies = true;
                let people = view.sample.people();
                sides.push(Some([people.set(&view.rows.and_not(&ones)), people.set(&ones)]));
                off_mode.push(None);
                continue;
            }
            sides.push(None);
            let candidate = leader(seen());
            let off = view.persons(&all, |values| value(column, values) != candidate)?;
            let most = view.sample.people().set(view.rows).persons;
            off_mode.push((2 * off.persons < most).then_some(off));
        }
        let base = dummies.then(|| view.sample.people().set(&view.rows.and_not(&some_one)));
        Ok(Self { design, sides, off_mode, base })
    }
}

/// The value of a column, given those of the variables.
fn value(column: &Column, values: &[f64]) -> f64 {
    let part = |(place, part): &(usize, Part)| match part {
        Part::Value => values[*place],
        Part::Is(code) => f64::from(u8::from(values[*place] == *code)),
    };
    column.parts.iter().map(part).product()
}

impl Seen {
    fn of(column: &Column, values: &[Vec<f64>], here: &[usize], rows: usize) -> Self {
        let mut seen = Self { ones: vec![0; rows.div_ceil(WORD)], binary: true, candidate: f64::NAN, lead: 0 };
        let mut at = vec![0.0; values.len()];
        for row in here {
            at.iter_mut().zip(values).for_each(|(x, column)| *x = column[*row]);
            let x = value(column, &at);
            seen.ones[row / WORD] |= u64::from(x == 1.0) << (row % WORD);
            seen.binary &= x == 0.0 || x == 1.0;
            seen.vote(x, 1);
        }
        seen
    }

    fn vote(&mut self, x: f64, votes: i64) {
        if x == self.candidate {
            self.lead += votes;
        } else if self.lead >= votes {
            self.lead -= votes;
        } else {
            self.lead = votes - self.lead;
            self.candidate = x;
        }
    }
}

/// The value that more than half have, if any has.
fn leader<'s>(parts: impl Iterator<Item = &'s Seen>) -> f64 {
    let mut whole = Seen { ones: Vec::new(), binary: true, candidate: f64::NAN, lead: 0 };
    parts.for_each(|part| whole.vote(part.candidate, part.lead));
    whole.candidate
}

/// The columns of a model. The estimator makes the same ones: the categories that occur decide.
pub(crate) fn design(view: &View<'_>, terms: &[Term], constant: bool) -> Result<Design, Failed> {
    let all = variables(terms);
    let rows = view.rows.len();
    let most = all.iter().map(|v| view.sample.categories(*v).len()).collect::<Vec<usize>>();
    let parts = by_chunk(view.control, rows, |range| {
        let mut values = vec![0.0; range.len()];
        let seen = |(variable, most): (&usize, &usize)| {
            let mut seen = vec![false; *most];
            if *most > 0 {
                view.sample.values(*variable, range.clone(), &mut values);
                for row in view.rows.iter(range.clone()) {
                    if let Some(seen) = seen.get_mut(values[row - range.start] as usize) {
                        *seen = true;
                    }
                }
            }
            seen
        };
        all.iter().zip(&most).map(seen).collect::<Vec<Vec<bool>>>()
    })?;
    let occurring = |place: usize| {
        let some = |category: &usize| parts.iter().any(|part| part[place][*category]);
        (0..most[place]).filter(some).map(|category| category as f64).collect()
    };
    let frame = Frame { columns: (0..all.len()).map(occurring).collect(), origin: Vec::new() };
    let places = |variable: usize| all.iter().position(|v| *v == variable).unwrap_or_default();
    Design::of(view, &frame, &places, terms, constant).map_err(|problem: Problem| problem.into())
}
