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
use crate::unneeded::Unneeded;

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
    /// The dimension: its number, its categories in the table, and how many cells lie from one of them to the next.
    by: usize,
    number: usize,
    stride: usize,
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
        Some(Self { places, categories, of_cell, by, number, stride, known: None })
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

    /// Makes classes of the cells of some of the rows from `first` on.
    fn classes_of(&self, first: usize, rows: &[u16], cells: &mut [u32], room: &mut [u32; BLOCK]) {
        let outside = self.cells() as u32;
        if cells.contains(&outside) {
            let room = &mut room[..rows.len()];
            self.places.pick(first, rows, room);
            let each = cells.iter_mut().zip(&*room).filter(|(cell, _)| **cell == outside);
            each.for_each(|(cell, category)| *cell += category);
        }
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

    /// The rows that a plan leaves out, where they are told without their classes and the others are few in a sample of the
    /// classes.
    fn unneeded(&self, plan: &Plan, of_row: &RowCells, sample: &[u32]) -> Option<Unneeded> {
        let left_out = |class: usize| plan.left_out[class];
        // Of the cells that are left out the most common, and those that differ from it in the category alone.
        let cell = (0..self.cells()).filter(|cell| left_out(*cell)).max_by_key(|cell| sample[*cell]);
        let alike = cell.map(|cell| {
            let mut of_category: Vec<usize> = (self.cells()..=self.nowhere()).collect();
            // Of cells that are a dimension apart only the place in that dimension differs.
            let length = self.number * self.stride;
            let first = cell / length * length + cell % self.stride;
            (0..self.number)
                .map(|slot| first + slot * self.stride)
                .for_each(|cell| of_category[self.of_cell[cell]] = cell);
            (cell, of_category)
        });
        let outside: Vec<usize> = (self.cells()..=self.nowhere()).collect();
        let classes = || alike.iter().flat_map(|(_, classes)| classes).chain(&outside);
        let mut unneeded: Vec<usize> = classes().copied().filter(|class| left_out(*class)).collect();
        unneeded.sort_unstable();
        unneeded.dedup();
        let number = unneeded.iter().map(|class| sample[*class]).sum();
        let holding = |classes: &[usize]| self.places.holding(|category| left_out(classes[category as usize]));
        let inside = match &alike {
            Some((cell, classes)) => Some((*cell, self.by, holding(classes)?)),
            None => None,
        };
        let outside = if outside.iter().any(|class| left_out(*class)) { Some(holding(&outside)?) } else { None };
        Unneeded::by(of_row, inside, outside)?.pays(number, sample.iter().sum())
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
        let unneeded = split.unneeded(&plan, of_row, &sample).filter(|_| counter.is_none());
        let parts = of_row.parts(|part| {
            let mut tallied = counter.map(Counter::begin);
            let mut sets = CellSets::new(self.keyed(), classes);
            let (mut chosen, mut room) = ([0u16; BLOCK], [0u32; BLOCK]);
            if let Some(unneeded) = &unneeded {
                unneeded.others(of_row, part.clone(), control, |first, rows, cells| {
                    split.classes_of(first, rows, cells, &mut room);
                    sets.add_each(keys, first, rows, cells, |class| !plan.left_out[class]);
                })?;
                return Ok((part, sets.into_sets(), tallied));
            }
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
    use crate::dataset::Dataset;
    use crate::grid::tests::crossed;
    use crate::keys::{RecordKeys, STRETCH};
    use crate::magnitudes::Measure;
    use crate::mask::Mask;
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
        let second: Vec<u32> = (0..rows).map(|row| u32::from(row % 20 == 1)).collect();
        let mut known: Option<Arc<Categories>> = None;
        for inside in [&(|_, _| true) as &dyn Fn(usize, u32) -> bool, &|row, _| row % 9 != 0, &|row, category| {
            category == 1 || row % 11 == 3
        }] {
            let mut mask = Mask::empty(rows);
            let counts = |row: &usize| of_category[*row] != NONE && inside(*row, of_category[*row]);
            (0..rows).filter(counts).for_each(|row| mask.set(row));
            let of_row = crossed(&[(&of_category, 3), (&second, 2)], mask);
            let split = |known| {
                let places = Places::listed(&of_category, 3);
                let of_cell = vec![0, 0, 1, 1, 2, 2];
                Split { places, categories: 3, of_cell, by: 0, number: 3, stride: 2, known: None }.knowing(known)
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

    /// ENG-031: where few rows are needed these are found without the cells of the others, and the cells are the same; whichever
    /// dimension has the categories, and where rows without a number in a measure have cells of their own.
    #[test]
    fn eng_031_rows_that_are_not_needed_are_not_looked_at() {
        let rows = STRETCH + 3000;
        let keys = Arc::new(RecordKeys::derive(&[9; 32], rows as u32));
        let people = People::of_keys(Arc::clone(&keys));
        let list = |of: &dyn Fn(usize) -> u32| (0..rows).map(of).collect::<Vec<u32>>();
        let category = list(&|row| if row % 50 == 7 { NONE } else { (row * 31 % 100 / 40) as u32 });
        let other = list(&|row| if row % 19 == 3 { (row % 4) as u32 } else { 1 });
        let masked = |inside: &dyn Fn(usize) -> bool| {
            let mut mask = Mask::empty(rows);
            (0..rows).filter(|row| inside(*row)).for_each(|row| mask.set(row));
            mask
        };
        let person = Arc::new(script::UnitType::built_in("PERSON").unwrap());
        let unit = Dataset::empty(&"people".into()).unit_key_head(&person);
        let measure = |inside: &dyn Fn(usize) -> bool| Measure::in_rows(masked(inside), unit.clone());
        let (most, few) = (|row: usize| row % 40 != 5, |row: usize| row % 40 == 5);
        for (inside, has) in [
            (&most as &dyn Fn(usize) -> bool, None),
            (&few, None),
            (&most, Some(&most as &dyn Fn(usize) -> bool)),
            (&most, Some(&few)),
        ] {
            for by in [0, 1] {
                let (first, second) = ((&category[..], 3), (&other[..], 4));
                let axes = if by == 0 { [first, second] } else { [second, first] };
                let plain = crossed(&axes, masked(inside));
                let of_row = has.map_or_else(|| plain.clone(), |has| plain.apart(&measure(has)));
                let (number, stride) = (3, [4, 1][by]);
                let of_cell: Vec<usize> = (0..of_row.cells()).map(|cell| cell / stride % number).collect();
                let mut wanted = vec![SetBuilder::new(Keyed::Persons); of_row.cells()];
                for row in (0..rows).filter(|row| inside(*row) && category[*row] != NONE) {
                    let pair = [category[row] as usize, other[row] as usize];
                    let cell = if by == 0 { pair[0] * 4 + pair[1] } else { pair[1] * 3 + pair[0] };
                    let behind = if has.is_some_and(|has| !has(row)) { 12 } else { 0 };
                    wanted[cell + behind].add(&keys, row as u32);
                }
                let wanted: Vec<PersonSet> = wanted.into_iter().map(SetBuilder::finish).collect();
                let told =
                    |sets: &[PersonSet]| sets.iter().map(|s| (s.persons, s.fingerprint, s.sketch)).collect::<Vec<_>>();
                assert_eq!(told(&people.inner_sets(&of_row, None, &Unattended).unwrap().sets), told(&wanted));

                let places = Places::listed(&category, 3);
                let split = Split { places, categories: 3, of_cell, by, number, stride, known: None };
                let everyone = crossed(&[(&category, 3)], masked(&|_| true));
                let everyone = people.inner_sets(&everyone, None, &Unattended).unwrap();
                let counts = everyone.counts.into_iter().map(|part| part.in_cell).collect();
                let split = split.knowing(Some(Arc::new(Categories { sets: everyone.sets, counts })));
                let mut sample = vec![0; split.nowhere() + 1];
                let mut room = [0; BLOCK];
                let count = |first: usize, cells: &[u32]| {
                    split.classes(first, cells, &mut room).iter().for_each(|class| sample[*class as usize] += 1);
                };
                people.sample(&of_row, &Unattended, count).unwrap();
                let Some(plan) = split.plan(&sample) else {
                    assert!(!inside(0), "of few persons a pass over the cells alone does as well");
                    continue;
                };
                assert!(split.unneeded(&plan, &of_row, &sample).is_some());
                let (inner, _) = people.sets_by_category(&of_row, &split, None, &Unattended).unwrap().unwrap();
                assert_eq!(told(&inner.sets), told(&wanted));
                for (cell, set) in wanted.iter().enumerate() {
                    assert_eq!(inner.counts.iter().map(|part| part.in_cell[cell]).sum::<usize>() as u64, set.persons);
                }
            }
        }
    }
}
