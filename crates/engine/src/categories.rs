//! The persons of every category of an imported column over its whole unit space, kept beside the column for all runs
//! (ENG-022). A table with such a column as a dimension adds up fewer persons: of each category those in its most common cell,
//! or outside of the table, are all that the others are not. The first table that will help later ones finds them in the
//! pass that it makes anyway.
//!
//! Which persons a pass adds up follows from a sample of the rows and decides how long it takes, never what it finds.

use std::sync::Arc;

use crate::axis::{Axis, Places};
use crate::control::Control;
use crate::error::RunError;
use crate::grid::{BLOCK, PartCounts, RowCells};
use crate::people::{COMMON, InnerSets, People, SIDE_BY_SIDE, WORTH_A_SAMPLE, difference};
use crate::raw::PersonSet;
use crate::set::{CellSets, SetBuilder};
use crate::tally::Counter;

/// The sets of all categories of a column, and how many rows of each category every part of the rows has.
pub(crate) struct Categories {
    sets: Vec<PersonSet>,
    counts: Vec<Vec<usize>>,
}

/// A table with its rows divided further: those in no cell by their category in one of its dimensions. A class is a cell, or
/// behind the cells a category outside of the table, or last of all neither.
pub(crate) struct Split {
    /// The category of every row, the number of categories where it has none.
    places: Places,
    categories: usize,
    /// The category of each cell.
    of_cell: Vec<usize>,
    known: Option<Arc<Categories>>,
}

/// What a pass adds up, and how the rest is told.
struct Plan {
    /// By class, whether it is not added up.
    left_out: Vec<bool>,
    /// The one of all classes that is told by everyone; else each is told by its category.
    by_everyone: Option<usize>,
}

impl Categories {
    /// How many categories.
    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }
}

impl Split {
    /// By dimension `by` of a table with these axes, whose cells are repeated until there are as many as `of_row` has. None
    /// where categories are no places of a table of values.
    pub(crate) fn of(axes: &[Axis], by: usize, of_row: &RowCells) -> Option<Self> {
        let (places, categories, of_slot) = axes[by].by_value()?;
        if of_row.cells() + categories + 1 > 2 * SIDE_BY_SIDE {
            return None;
        }
        let stride: usize = axes[by + 1..].iter().map(Axis::len).product();
        let number = axes[by].len();
        let of_cell = (0..of_row.cells()).map(|cell| of_slot[cell / stride % number]).collect();
        Some(Self { places, categories, of_cell, known: None })
    }

    /// The same where the sets of the categories are known.
    pub(crate) fn knowing(self, known: Option<Arc<Categories>>) -> Self {
        Self { known: known.filter(|known| known.len() == self.categories), ..self }
    }

    fn cells(&self) -> usize {
        self.of_cell.len()
    }

    /// The class of rows without a category that are in no cell.
    fn nowhere(&self) -> usize {
        self.cells() + self.categories
    }

    /// The category of a class; the number of categories where it has none.
    fn category(&self, class: usize) -> usize {
        self.of_cell.get(class).copied().unwrap_or_else(|| class - self.cells())
    }

    /// The classes of the rows from `first` on, whose cells are known.
    fn classes<'b>(&self, first: usize, cells: &'b [u32], room: &'b mut [u32; BLOCK]) -> &'b [u32] {
        let outside = self.cells() as u32;
        if !cells.contains(&outside) {
            return cells;
        }
        let room = &mut room[..cells.len()];
        self.places.read(first..first + cells.len(), room);
        for (class, cell) in room.iter_mut().zip(cells) {
            *class = if *cell == outside { outside + *class } else { *cell };
        }
        room
    }

    /// What to add up, by the classes of a sample of the rows; none where a pass over the cells alone does as well.
    fn plan(&self, sample: &[u32]) -> Option<Plan> {
        let all: u32 = sample.iter().sum();
        let common = |most: u32| if most > all / COMMON { most } else { 0 };
        let (inside, outside) = sample.split_at(self.cells());
        let plain = all - common(inside.iter().copied().chain([outside.iter().sum()]).max().unwrap_or(0));
        // The largest class of each category.
        let mut largest = vec![(0, self.nowhere()); self.categories];
        for (class, number) in sample.iter().enumerate().take(self.nowhere()) {
            if let Some(largest) = largest.get_mut(self.category(class)) {
                *largest = (*largest).max((*number, class));
            }
        }
        let by_category = all - sample[self.nowhere()] - largest.iter().map(|(number, _)| number).sum::<u32>();
        if by_category > plain / 4 * 3 {
            return None;
        }
        let mut left_out = vec![false; sample.len()];
        if self.known.is_some() {
            left_out[self.nowhere()] = true;
            largest.iter().for_each(|(_, class)| left_out[*class] = true);
            return Some(Plan { left_out, by_everyone: None });
        }
        // Once more than a plain pass, for the sake of all later ones.
        let (most, class) = sample.iter().zip(0..).max()?;
        if all - common(*most) > plain / 2 * 3 {
            return None;
        }
        left_out[class] = common(*most) > 0;
        Some(Plan { by_everyone: Some(class).filter(|class| left_out[*class]), left_out })
    }

    /// The sets of the classes that were left out, from those of the others.
    fn tell(&self, plan: &Plan, sets: &mut [PersonSet], everyone: impl FnOnce() -> PersonSet) {
        if let Some(left_out) = plan.by_everyone {
            let everyone = everyone();
            let others = sets.iter().fold(None, sum);
            sets[left_out] = others.map_or_else(|| everyone.copy(), |others| difference(&everyone, &others));
        } else if let Some(known) = &self.known {
            let others = self.by_category(sets);
            for class in (0..self.nowhere()).filter(|class| plan.left_out[*class]) {
                let category = self.category(class);
                let all = &known.sets[category];
                sets[class] = others[category].as_ref().map_or_else(|| all.copy(), |others| difference(all, others));
            }
        }
    }

    /// The same for how many rows of a part are in each class.
    fn tell_counts(&self, plan: &Plan, part: usize, rows: usize, counts: &mut [usize]) {
        if let Some(left_out) = plan.by_everyone {
            counts[left_out] = rows - counts.iter().sum::<usize>();
        } else if let Some(known) = &self.known {
            let others = self.counts_by_category(counts);
            for class in (0..self.nowhere()).filter(|class| plan.left_out[*class]) {
                let category = self.category(class);
                counts[class] = known.counts[part][category] - others[category];
            }
        }
    }

    fn by_category(&self, sets: &[PersonSet]) -> Vec<Option<PersonSet>> {
        let mut all: Vec<Option<PersonSet>> = (0..self.categories).map(|_| None).collect();
        for (class, set) in sets.iter().enumerate().filter(|(_, set)| set.persons > 0) {
            if let Some(slot) = all.get_mut(self.category(class)) {
                *slot = sum(slot.take(), set);
            }
        }
        all
    }

    fn counts_by_category(&self, counts: &[usize]) -> Vec<usize> {
        let mut all = vec![0; self.categories];
        for (class, number) in counts.iter().enumerate() {
            all.get_mut(self.category(class)).into_iter().for_each(|all| *all += number);
        }
        all
    }
}

fn sum(all: Option<PersonSet>, more: &PersonSet) -> Option<PersonSet> {
    match all {
        None => Some(more.copy()),
        Some(mut all) => {
            all.add(more);
            Some(all)
        }
    }
}

impl People {
    /// What [`People::inner_sets`] finds, with fewer persons added up; and the sets of all categories where they were not
    /// known. None where that is not less work.
    pub(crate) fn sets_by_category(
        &self,
        of_row: &RowCells,
        split: &Split,
        counter: Option<&Counter<'_>>,
        control: &dyn Control,
    ) -> Result<Option<(InnerSets, Option<Categories>)>, RunError> {
        let keys = self.record_keys();
        if !self.direct() || of_row.height() != keys.len() || of_row.height() < WORTH_A_SAMPLE {
            return Ok(None);
        }
        let (classes, mut room) = (split.nowhere() + 1, [0; BLOCK]);
        let mut sample = vec![0u32; classes];
        self.sample(of_row, control, |first, cells| {
            split.classes(first, cells, &mut room).iter().for_each(|class| sample[*class as usize] += 1);
        })?;
        let Some(plan) = split.plan(&sample) else { return Ok(None) };
        let parts = of_row.parts(|part| {
            let mut tallied = counter.map(Counter::begin);
            let mut sets = CellSets::new(self.keyed(), classes);
            let (mut chosen, mut room) = ([0u16; BLOCK], [0u32; BLOCK]);
            of_row.blocks(part.clone(), BLOCK, control, |first, cells| {
                let classes = split.classes(first, cells, &mut room);
                let mut number = 0;
                for (row, class) in (0..).zip(classes) {
                    chosen[number] = row;
                    number += usize::from(!plan.left_out[*class as usize]);
                }
                sets.add_some(keys, first, classes, &chosen[..number]);
                if let Some((counter, counts)) = counter.zip(tallied.as_mut()) {
                    counter.add(counts, first, cells);
                }
            })?;
            Ok((part, sets.into_sets(), tallied))
        })?;
        let mut merged = vec![SetBuilder::new(self.keyed()); classes];
        let (mut counts, mut tallied) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        for (number, (part, sets, numbers)) in parts.into_iter().enumerate() {
            let mut in_cell: Vec<usize> = sets.iter().map(|set| set.persons() as usize).collect();
            split.tell_counts(&plan, number, part.len(), &mut in_cell);
            merged.iter_mut().zip(sets).for_each(|(all, set)| all.merge(set));
            counts.push(PartCounts { part, in_cell });
            tallied.extend(numbers);
        }
        let mut sets: Vec<PersonSet> = merged.into_iter().map(SetBuilder::finish).collect();
        split.tell(&plan, &mut sets, || self.everyone().finish());
        let found = split.known.is_none().then(|| Categories {
            sets: split
                .by_category(&sets)
                .into_iter()
                .map(|set| set.unwrap_or(PersonSet::empty(self.keyed())))
                .collect(),
            counts: counts.iter().map(|part| split.counts_by_category(&part.in_cell)).collect(),
        });
        sets.truncate(split.cells());
        counts.iter_mut().for_each(|part| part.in_cell.truncate(split.cells()));
        let tallies = counter.map(|counter| counter.tallies(&tallied, split.cells()));
        Ok(Some((InnerSets { sets, counts, tallies }, found)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unattended;
    use crate::keys::{RecordKeys, STRETCH};
    use crate::people::NONE;
    use crate::raw::Keyed;

    /// ENG-031, ENG-022: the pass that finds the sets of the categories and the passes that know them find the same as one over
    /// the cells alone, also where most rows of a category are outside of the table, or where some rows have no category.
    #[test]
    fn eng_031_cells_are_told_by_their_categories() {
        let rows = STRETCH + 3000;
        let keys = Arc::new(RecordKeys::derive(&[9; 32], rows as u32));
        let people = People::of_keys(Arc::clone(&keys));
        let category = |row: usize| if row % 50 == 7 { NONE } else { (row * 31 % 100 / 40) as u32 };
        let of_category: Vec<u32> = (0..rows).map(category).collect();
        let mut known: Option<Arc<Categories>> = None;
        for inside in [&(|_, _| true) as &dyn Fn(usize, u32) -> bool, &|row, _| row % 9 != 0, &|row, category| {
            category == 1 || row % 11 == 3
        }] {
            let cell = |row: usize| match of_category[row] {
                NONE => NONE,
                category if inside(row, category) => category * 2 + u32::from(row % 20 == 1),
                _ => NONE,
            };
            let of_row: Vec<u32> = (0..rows).map(cell).collect();
            let of_row = crate::grid::tests::listed(&of_row, 6);
            let split = |known| {
                let places = Places::listed(&of_category, 3);
                Split { places, categories: 3, of_cell: vec![0, 0, 1, 1, 2, 2], known: None }.knowing(known)
            };
            let plain = people.inner_sets(&of_row, None, &Unattended).unwrap();
            let told = |inner: &InnerSets| {
                let sets: Vec<_> = inner.sets.iter().map(|s| (s.persons, s.fingerprint, s.sketch)).collect();
                (sets, inner.counts.iter().map(|part| part.in_cell.clone()).collect::<Vec<_>>())
            };
            for _ in 0..2 {
                let found = people.sets_by_category(&of_row, &split(known.clone()), None, &Unattended).unwrap();
                let (inner, categories) = found.unwrap();
                assert_eq!(told(&inner), told(&plain));
                assert_eq!(categories.is_none(), known.is_some());
                known = known.or(categories.map(Arc::new));
            }
            for (category, set) in known.iter().flat_map(|known| &known.sets).enumerate() {
                let mut all = SetBuilder::new(Keyed::Persons);
                let theirs = (0..rows as u32).filter(|row| of_category[*row as usize] == category as u32);
                theirs.for_each(|row| all.add(&keys, row));
                assert_eq!((set.persons, set.fingerprint), (all.persons(), all.finish().fingerprint));
            }
        }
    }
}
