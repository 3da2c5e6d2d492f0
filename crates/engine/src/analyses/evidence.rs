//! What the gate must know of the persons behind a model (SDC-150, SDC-162): who stands on either side of every column of zeros
//! and ones, who is off the most frequent value of the others, and who is the reference group.
//!
//! Columns of zeros and ones follow from few values, so that the persons are added up once, by the cells of a table of these values
//! ([`Cells`]), and each side of a column is a sum of cells; where rows are not persons, or the table would be large, side by side.

use std::ops::Range;

use statistics::design::{Column, Design, Part, Term, variables};
use statistics::{Frame, Problem};

use super::sample::View;
use crate::control::by_chunk;
use crate::lookup::pack;
use crate::mask::Mask;
use crate::people::SIDE_BY_SIDE;
use crate::raw::{Failed, PersonSet};

/// The columns of a model over the rows of a view. The estimator makes the same ones: the categories that occur decide.
pub(crate) struct Survey {
    pub(crate) design: Design,
    /// The variables of the terms, each once.
    variables: Vec<usize>,
    /// By variable, its values where they are few: the categories that occur, or 0 and 1.
    levels: Vec<Option<Vec<f64>>>,
}

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

impl Survey {
    /// Of the terms of a model.
    pub(crate) fn of(view: &View<'_>, terms: &[Term], constant: bool) -> Result<Self, Failed> {
        let variables = variables(terms);
        let most: Vec<usize> = variables.iter().map(|v| view.sample.categories(*v).len()).collect();
        // Of a factor whether each category occurs, of a number whether it is 0 or 1 throughout.
        let parts = by_chunk(view.control, view.rows.len(), |range| {
            let mut values = vec![0.0; range.len()];
            let seen = |(variable, most): (&usize, &usize)| {
                view.sample.values(*variable, range.clone(), &mut values);
                let mut here = view.rows.iter(range.clone()).map(|row| values[row - range.start]);
                if *most == 0 {
                    return vec![here.all(|x| x == 0.0 || x == 1.0)];
                }
                let mut seen = vec![false; *most];
                here.for_each(|x| {
                    if let Some(seen) = seen.get_mut(x as usize) {
                        *seen = true;
                    }
                });
                seen
            };
            variables.iter().zip(&most).map(seen).collect::<Vec<Vec<bool>>>()
        })?;
        let levels: Vec<Option<Vec<f64>>> = (0..variables.len())
            .map(|place| match most[place] {
                0 => parts.iter().all(|part| part[place][0]).then(|| vec![0.0, 1.0]),
                most => {
                    let occurs = |category: &usize| parts.iter().any(|part| part[place][*category]);
                    Some((0..most).filter(occurs).map(|category| category as f64).collect())
                }
            })
            .collect();
        let occurring = |place: usize| levels[place].clone().unwrap_or_default();
        let frame = Frame { columns: (0..variables.len()).map(occurring).collect(), origin: Vec::new() };
        let places = |variable: usize| variables.iter().position(|v| *v == variable).unwrap_or_default();
        let design =
            Design::of(view, &frame, &places, terms, constant).map_err(|problem: Problem| Failed::from(problem))?;
        Ok(Self { design, variables, levels })
    }

    /// Whether a column holds zeros and ones.
    fn binary(&self, column: &Column) -> bool {
        !column.parts.is_empty() && column.parts.iter().all(|(place, _)| self.levels[*place].is_some())
    }
}

impl Evidence {
    /// Of the columns of a model over the rows of the same view.
    pub(crate) fn of(view: &View<'_>, survey: Survey) -> Result<Self, Failed> {
        let people = view.sample.people();
        let seen = seen(view, &survey)?;
        let columns = &survey.design.columns;
        let ones = |seen: &Seen| match seen {
            Seen::Ones(ones) => Some(ones.clone()),
            _ => None,
        };
        let some_one = seen.iter().filter_map(ones).reduce(|all, ones| all.or(&ones));
        // Columns whose values are zeros and ones, of variables that have others too, do not follow from the cells.
        let of_cells = |(column, seen): (&Column, &Seen)| !matches!(seen, Seen::Ones(_)) || survey.binary(column);
        let table = Cells::of(&survey).filter(|_| people.direct());
        let cells = table.as_ref().map(|table| table.sets(view, &survey)).transpose()?;
        let whole = people.set(view.rows);
        // The persons of some rows; where they are those of the cells for which `holds`, by these.
        let persons = |rows: &Mask, by_cells: bool, holds: &dyn Fn(&[f64]) -> bool| match (&table, &cells) {
            (Some(table), Some(cells)) if by_cells => {
                PersonSet { members: people.members_behind(rows), ..table.sum(cells, holds) }
            }
            _ => people.set(rows),
        };
        let (mut sides, mut off_mode) = (Vec::new(), Vec::new());
        for (column, seen) in columns.iter().zip(&seen) {
            let (mut two, mut off) = (None, None);
            match seen {
                Seen::Constant => {}
                Seen::Ones(ones) => {
                    two = Some([0.0, 1.0].map(|side| {
                        let rows = if side == 1.0 { view.rows.and(ones) } else { view.rows.and_not(ones) };
                        persons(&rows, survey.binary(column), &|values| value(column, values) == side)
                    }));
                }
                Seen::Off(rows) => {
                    let most = if people.direct() { rows.count() } else { people.members(rows).count() };
                    off = (2 * most < whole.persons).then(|| people.set(rows));
                }
            }
            sides.push(two);
            off_mode.push(off);
        }
        let base = some_one.map(|some_one| {
            let zero = |values: &[f64]| columns.iter().filter(|c| survey.binary(c)).all(|c| value(c, values) == 0.0);
            persons(&view.rows.and_not(&some_one), columns.iter().zip(&seen).all(of_cells), &zero)
        });
        Ok(Self { design: survey.design, sides, off_mode, base })
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

/// What is seen of a column.
enum Seen {
    /// It is the constant.
    Constant,
    /// The rows where it is 1, of a column of zeros and ones.
    Ones(Mask),
    /// The rows that do not have the value that more than half have, or, where no value has so many, more than half of the rows.
    Off(Mask),
}

/// What is found of a column in a stretch of rows.
struct Found {
    ones: Vec<u64>,
    binary: bool,
    leader: Leader,
}

fn seen(view: &View<'_>, survey: &Survey) -> Result<Vec<Seen>, Failed> {
    let columns = &survey.design.columns;
    let rows = view.rows.len();
    let read = |range: Range<usize>| {
        let mut frame = Frame { columns: vec![vec![0.0; range.len()]; survey.variables.len()], origin: Vec::new() };
        frame.columns.iter_mut().zip(&survey.variables).for_each(|(out, v)| view.sample.values(*v, range.clone(), out));
        frame
    };
    // The rows where columns are 1, whether they hold zeros and ones, and the leaders of those that are not known to.
    let first = by_chunk(view.control, rows, |range| {
        let frame = read(range.clone());
        let (mut values, mut bytes) = (vec![0.0; range.len()], vec![0; range.len()]);
        let of = |column: &Column| {
            let mut found = Found { ones: Vec::new(), binary: true, leader: Leader::default() };
            if column.parts.is_empty() {
                return found;
            }
            column.fill(&frame, 0..range.len(), &mut values);
            bytes.iter_mut().zip(&values).for_each(|(byte, x)| *byte = u8::from(*x == 1.0));
            found.ones.extend(pack(&bytes));
            if !survey.binary(column) {
                for row in view.rows.iter(range.clone()) {
                    let x = values[row - range.start];
                    found.binary &= x == 0.0 || x == 1.0;
                    found.leader.vote(x, 1);
                }
            }
            found
        };
        columns.iter().map(of).collect::<Vec<_>>()
    })?;
    let mut first: Vec<std::vec::IntoIter<Found>> = first.into_iter().map(Vec::into_iter).collect();
    let mut out = Vec::new();
    for column in columns {
        let parts: Vec<Found> = first.iter_mut().filter_map(Iterator::next).collect();
        out.push(if column.parts.is_empty() {
            Seen::Constant
        } else if parts.iter().all(|part| part.binary) {
            Seen::Ones(Mask::of_words(parts.into_iter().map(|part| part.ones).collect(), rows))
        } else {
            let mut whole = Leader::default();
            parts.iter().for_each(|part| whole.vote(part.leader.candidate, part.leader.lead));
            let words = by_chunk(view.control, rows, |range| {
                let frame = read(range.clone());
                let mut values = vec![0.0; range.len()];
                column.fill(&frame, 0..range.len(), &mut values);
                let bytes: Vec<u8> = values.iter().map(|x| u8::from(*x != whole.candidate)).collect();
                pack(&bytes).zip(view.rows.words(range)).map(|(off, here)| off & here).collect()
            })?;
            Seen::Off(Mask::of_words(words, rows))
        });
    }
    Ok(out)
}

/// The candidate for a value that more than half have, with its lead (Boyer and Moore).
pub(super) struct Leader {
    pub(super) candidate: f64,
    pub(super) lead: i64,
}

impl Default for Leader {
    fn default() -> Self {
        Self { candidate: f64::NAN, lead: 0 }
    }
}

impl Leader {
    pub(super) fn vote(&mut self, x: f64, votes: i64) {
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

/// The combinations of the values of all variables that columns of zeros and ones are made of: the mixed-radix product.
struct Cells {
    /// Places of the variables, and what a step in the levels of each adds to the number of a cell.
    axes: Vec<(usize, usize)>,
    /// Every combination, a value per variable of the survey.
    values: Vec<Vec<f64>>,
}

impl Cells {
    /// Where they are few enough to be added up side by side.
    fn of(survey: &Survey) -> Option<Self> {
        let binary = survey.design.columns.iter().filter(|column| survey.binary(column));
        let mut places: Vec<usize> = binary.flat_map(|column| &column.parts).map(|(place, _)| *place).collect();
        places.sort_unstable();
        places.dedup();
        let mut axes = Vec::new();
        let mut values = vec![vec![0.0; survey.variables.len()]];
        for place in places {
            let levels = survey.levels[place].as_deref()?;
            axes.push((place, values.len()));
            if values.len() * levels.len() > SIDE_BY_SIDE {
                return None;
            }
            let with = |level: &f64| {
                let level = *level;
                values.iter().map(move |values| {
                    let mut values = values.clone();
                    values[place] = level;
                    values
                })
            };
            values = levels.iter().flat_map(with).collect();
        }
        Some(Self { axes, values })
    }

    /// The persons of every cell.
    fn sets(&self, view: &View<'_>, survey: &Survey) -> Result<Vec<PersonSet>, Failed> {
        let outside = self.values.len();
        // By axis and value, what the value adds to the number of a cell.
        let added: Vec<Vec<u32>> = self
            .axes
            .iter()
            .map(|(place, step)| {
                let levels = survey.levels[*place].as_deref().unwrap_or_default();
                let mut added = vec![outside as u32; levels.last().map_or(0, |last| *last as usize + 1)];
                levels.iter().enumerate().for_each(|(i, level)| added[*level as usize] = (i * step) as u32);
                added
            })
            .collect();
        let read = |range: Range<usize>, out: &mut [u32]| {
            out.fill(outside as u32);
            view.rows.iter(range.clone()).for_each(|row| out[row - range.start] = 0);
            let mut values = vec![0.0; range.len()];
            for ((place, _), added) in self.axes.iter().zip(&added) {
                view.sample.values(survey.variables[*place], range.clone(), &mut values);
                for (cell, value) in out.iter_mut().zip(&values).filter(|(cell, _)| **cell < outside as u32) {
                    *cell += added.get(*value as usize).copied().unwrap_or_default();
                }
            }
        };
        Ok(view.sample.people().sets_by(view.rows.len(), outside, view.control, read)?)
    }

    /// The persons of the cells for whose values `holds`.
    fn sum(&self, cells: &[PersonSet], holds: &dyn Fn(&[f64]) -> bool) -> PersonSet {
        let mut sum: Option<PersonSet> = None;
        for (cell, _) in cells.iter().zip(&self.values).filter(|(_, values)| holds(values)) {
            match &mut sum {
                None => sum = Some(cell.copy()),
                Some(sum) => sum.add(cell),
            }
        }
        sum.unwrap_or_else(|| PersonSet::empty(cells.first().map_or(crate::raw::Keyed::Persons, |cell| cell.keyed)))
    }
}
