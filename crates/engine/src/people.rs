//! The persons behind the rows of a dataset, and the keyed identity of any set of rows or of the cells of a table
//! (ENG-038): rows of the person space are persons, rows of their own lead to their unit, other units reach persons through
//! a pointer, and a person counts once per set however many rows lead to her.

use std::sync::Arc;

use rayon::prelude::*;

use crate::dataset::{Dataset, Rows};
use crate::error::RunError;
use crate::mask::Mask;
use crate::raw::{Keyed, PersonSet};
use crate::set::SetBuilder;
use crate::source::{PersonPointer, RecordKeys, VariableSource, space_of};

/// Rows per part of a scan for sets; parts merge exactly, so their number does not show.
const PART: usize = 1 << 18;
/// No cell.
pub(crate) const NONE: u32 = u32::MAX;

/// How the rows of a dataset become members of sets.
pub(crate) struct People {
    keyed: Keyed,
    keys: Arc<RecordKeys>,
    /// The unit of each row.
    rows: Rows,
    pointer: Option<PersonPointer>,
}

/// The set and the number of rows of one cell.
pub(crate) struct CellSet {
    pub(crate) rows: u64,
    pub(crate) set: PersonSet,
}

impl People {
    /// Those behind the rows of a dataset that has units.
    pub(crate) fn of(source: &dyn VariableSource, dataset: &Dataset) -> Result<Self, RunError> {
        let mut people = match (&dataset.groups, &dataset.unit_type) {
            (Some(groups), _) => {
                Self { keyed: Keyed::Units, keys: Arc::clone(&groups.records), rows: Rows::Units, pointer: None }
            }
            (None, Some(unit_type)) => Self::of_space(source, space_of(unit_type))?,
            (None, None) => return Err(RunError::unknown_dataset(&dataset.name)),
        };
        people.rows = dataset.rows.clone();
        Ok(people)
    }

    /// Those behind the units of a space.
    pub(crate) fn of_space(source: &dyn VariableSource, space: &str) -> Result<Self, RunError> {
        let pointer = if space == source.person_space() { None } else { source.person_pointer(space)? };
        let (keyed, of) = if space == source.person_space() || pointer.is_some() {
            (Keyed::Persons, source.person_space())
        } else {
            (Keyed::Units, space)
        };
        let keys = source.record_keys(of)?;
        if keys.len() < source.space_size(of) as usize {
            return Err(RunError::Unavailable("the keys of the disclosure gate".to_owned()));
        }
        Ok(Self { keyed, keys, rows: Rows::Units, pointer })
    }

    /// The member that row `i` stands for: row, unit, person.
    #[inline]
    fn member(&self, row: usize) -> Option<u32> {
        let unit = self.rows.unit(row);
        match &self.pointer {
            None => Some(unit),
            Some(p) => p.persons.get(unit as usize).copied().filter(|m| (*m as usize) < self.keys.len()),
        }
    }

    /// Whether every row is a member of its own, with the number of the row.
    fn direct(&self) -> bool {
        self.pointer.is_none() && matches!(self.rows, Rows::Units)
    }

    /// The members that `units` (of a space, not rows) lead to.
    pub(crate) fn set_of_units(&self, units: impl Iterator<Item = u32>) -> PersonSet {
        let mut seen = Mask::empty(self.keys.len());
        for unit in units {
            let member = match &self.pointer {
                None => Some(unit),
                Some(p) => p.persons.get(unit as usize).copied(),
            };
            if let Some(m) = member.filter(|m| (*m as usize) < self.keys.len()) {
                seen.set(m as usize);
            }
        }
        self.set_of_members(&seen)
    }

    /// The persons behind the rows of a mask.
    pub(crate) fn set(&self, mask: &Mask) -> PersonSet {
        if self.direct() {
            return self.set_of_members(mask);
        }
        let mut seen = Mask::empty(self.keys.len());
        mask.iter(0..mask.len()).filter_map(|row| self.member(row)).for_each(|m| seen.set(m as usize));
        self.set_of_members(&seen)
    }

    fn set_of_members(&self, mask: &Mask) -> PersonSet {
        let parts: Vec<SetBuilder> = (0..mask.len().div_ceil(PART))
            .into_par_iter()
            .map(|part| {
                let mut set = SetBuilder::new(self.keyed);
                mask.iter(part * PART..((part + 1) * PART).min(mask.len())).for_each(|m| set.add(&self.keys, m as u32));
                set
            })
            .collect();
        let mut whole = SetBuilder::new(self.keyed);
        parts.into_iter().for_each(|part| whole.merge(part));
        whole.finish()
    }

    /// Rows and persons of every cell and margin of a table. `cell_of_row` is the inner cell of each row, [`NONE`] for
    /// rows that are not in the table.
    pub(crate) fn cells(&self, cell_of_row: &[u32], shape: &Shape) -> Vec<CellSet> {
        let mut out: Vec<CellSet> =
            (0..shape.outer()).map(|_| CellSet { rows: 0, set: PersonSet::empty(self.keyed) }).collect();
        let mut rows = vec![0u64; shape.inner()];
        cell_of_row.iter().filter(|c| **c != NONE).for_each(|c| rows[*c as usize] += 1);
        for variant in 0..shape.variants() {
            rows.iter().enumerate().for_each(|(cell, n)| out[shape.place(cell, variant)].rows += n);
        }
        if self.direct() {
            // Every row is another person, so margins are sums of cells.
            for (cell, set) in self.inner_sets(cell_of_row, shape.inner()).into_iter().enumerate() {
                let set = set.finish();
                (0..shape.variants()).for_each(|v| add(&mut out[shape.place(cell, v)].set, &set));
            }
        } else {
            let pairs: Vec<(u32, u32)> = cell_of_row
                .iter()
                .enumerate()
                .filter(|(_, cell)| **cell != NONE)
                .filter_map(|(row, cell)| Some((*cell, self.member(row)?)))
                .collect();
            for variant in 0..shape.variants() {
                let mut placed: Vec<(u32, u32)> =
                    pairs.iter().map(|(cell, m)| (shape.place(*cell as usize, variant) as u32, *m)).collect();
                placed.par_sort_unstable();
                placed.dedup();
                for run in placed.chunk_by(|a, b| a.0 == b.0) {
                    let mut set = SetBuilder::new(self.keyed);
                    run.iter().for_each(|(_, m)| set.add(&self.keys, *m));
                    out[run[0].0 as usize].set = set.finish();
                }
            }
        }
        out
    }

    fn inner_sets(&self, cell_of_row: &[u32], cells: usize) -> Vec<SetBuilder> {
        let empty = || vec![SetBuilder::new(self.keyed); cells];
        cell_of_row
            .par_chunks(PART)
            .enumerate()
            .fold(empty, |mut sets, (part, chunk)| {
                for (i, cell) in chunk.iter().enumerate().filter(|(_, cell)| **cell != NONE) {
                    sets[*cell as usize].add(&self.keys, (part * PART + i) as u32);
                }
                sets
            })
            .reduce(empty, |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
                a
            })
    }
}

fn add(to: &mut PersonSet, other: &PersonSet) {
    to.persons += other.persons;
    to.fingerprint = to.fingerprint.wrapping_add(other.fingerprint);
    to.sketch.iter_mut().zip(&other.sketch).for_each(|(a, b)| *a += b);
}

/// Number of categories per dimension. Inner cells are the mixed-radix product; with one more position per dimension
/// for the total come the margins. A variant is a choice of dimensions that are summed over, one bit each.
pub(crate) struct Shape(pub(crate) Vec<usize>);

impl Shape {
    pub(crate) fn inner(&self) -> usize {
        self.0.iter().product()
    }

    pub(crate) fn outer(&self) -> usize {
        self.0.iter().map(|n| n + 1).product()
    }

    pub(crate) fn variants(&self) -> usize {
        1 << self.0.len()
    }

    /// The index among all cells and margins of an inner cell under a variant.
    pub(crate) fn place(&self, mut cell: usize, variant: usize) -> usize {
        let (mut at, mut weight) = (0, 1);
        for (d, n) in self.0.iter().enumerate().rev() {
            let position = if variant >> d & 1 == 1 { *n } else { cell % n };
            at += position * weight;
            weight *= n + 1;
            cell /= n;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_placed_with_their_margins() {
        let shape = Shape(vec![2, 3]);
        assert_eq!((shape.inner(), shape.outer(), shape.variants()), (6, 12, 4));
        // Cell (1, 2): itself, row total, column total, grand total.
        let placed: Vec<usize> = (0..4).map(|variant| shape.place(3 + 2, variant)).collect();
        assert_eq!(placed, [4 + 2, 8 + 2, 4 + 3, 8 + 3]);
        assert_eq!(Shape(vec![]).place(0, 0), 0);
    }

    /// ENG-038: units that lead to the same person are one person in a set, and in a margin too.
    #[test]
    fn eng_038_a_person_counts_once_per_set() {
        let keys = Arc::new(RecordKeys::derive(&[9; 32], 4));
        let pointer = PersonPointer { persons: vec![0, 0, 1, PersonPointer::NOBODY, 0].into() };
        let people =
            People { keyed: Keyed::Persons, keys: Arc::clone(&keys), rows: Rows::Units, pointer: Some(pointer) };
        let cells = people.cells(&[0, 1, 1, 0, 0], &Shape(vec![2]));
        assert_eq!(cells.iter().map(|c| (c.rows, c.set.persons)).collect::<Vec<_>>(), [(3, 1), (2, 2), (5, 2)]);
        assert_eq!(cells[2].set.fingerprint, keys.record()[0].wrapping_add(keys.record()[1]));
        let mut mask = Mask::empty(5);
        [0, 1, 4].into_iter().for_each(|i| mask.set(i));
        assert_eq!(people.set(&mask).persons, 1);
    }
}
