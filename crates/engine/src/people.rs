//! The persons behind the rows of a dataset, and the keyed identity of any set of rows or of the cells of a table
//! (ENG-038): rows of the person space are persons, rows of their own lead to their unit, other units reach persons through
//! a pointer, and a person counts once per set however many rows lead to her.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::control::{CHUNK, Control, stopped};
use crate::dataset::{Dataset, Rows};
use crate::error::RunError;
use crate::grid::{BLOCK, PartCounts, RowCells};
use crate::keys::STRETCH;
use crate::lookup::WORD;
use crate::mask::Mask;
use crate::members::{Members, Membership, OfCells, OfMask, Road};
use crate::raw::{Keyed, PersonSet};
use crate::set::{CellSets, SetBuilder};
use crate::several;
use crate::source::{PersonPointer, RecordKeys, VariableSource, space_of};
use crate::tally::{Counter, Tally};
use crate::unneeded::Unneeded;

/// Rows per part of a scan for sets; parts merge exactly, so their number does not show.
const PART: usize = 1 << 18;
/// Parts of a pass that has something for every cell in each.
const PARTS: usize = 8;
/// Stretches of a sample of rows, and rows of each.
const SAMPLED: usize = 16;
const SAMPLE: usize = 1 << 10;
/// Rows below which none is taken.
pub(crate) const WORTH_A_SAMPLE: usize = 1 << 17;
/// A cell that more than one in so many rows is in is not added up.
pub(crate) const COMMON: u32 = 4;
/// Cells up to which all of them are added up side by side.
pub(crate) const SIDE_BY_SIDE: usize = 1 << 11;
/// No cell.
pub(crate) const NONE: u32 = u32::MAX;

/// How the rows of a dataset become members of sets.
#[derive(Clone)]
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

/// The inner cells of a table.
pub(crate) struct InnerSets {
    /// The set of each.
    pub(crate) sets: Vec<PersonSet>,
    /// How many rows each part has in them.
    pub(crate) counts: Vec<PartCounts>,
    /// The numbers in them, where they were counted.
    pub(crate) tallies: Option<Vec<Tally>>,
}

/// Rows whose persons are known. Sets that differ from theirs in few rows are told by those few, so that not all keys are
/// read.
#[derive(Clone, Copy)]
pub(crate) struct Known<'k> {
    pub(crate) rows: &'k Mask,
    pub(crate) set: &'k PersonSet,
}

/// What differs least from the rows of a mask, and in how many rows.
#[derive(Clone, Copy)]
struct Nearest<'k> {
    distance: u64,
    known: Option<&'k Known<'k>>,
}

/// The cell that most rows of a sample are in.
#[derive(Clone, Copy)]
struct Common {
    /// The number of cells where they are in none.
    cell: usize,
    /// How many of the sample.
    rows: u32,
    sample: u32,
}

impl Common {
    /// Its rows, where they are told without the cells of all.
    fn unneeded(self, of_row: &RowCells) -> Option<Unneeded> {
        let unneeded =
            if self.cell == of_row.cells() { Unneeded::nowhere() } else { Unneeded::cell(of_row, self.cell)? };
        unneeded.pays(self.rows, self.sample)
    }
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

    /// The persons with these keys, each a row.
    #[cfg(test)]
    pub(crate) fn of_keys(keys: Arc<RecordKeys>) -> Self {
        Self { keyed: Keyed::Persons, keys, rows: Rows::Units, pointer: None }
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

    /// Whether every row is a member of its own, with the number of the row. Then the set of a margin is the sum of those of
    /// its cells.
    pub(crate) fn direct(&self) -> bool {
        self.pointer.is_none() && matches!(self.rows, Rows::Units)
    }

    /// The same for rows of their own.
    pub(crate) fn of_rows(&self, rows: Rows) -> Self {
        Self { rows, ..self.clone() }
    }

    /// The members behind the rows of a mask.
    pub(crate) fn members<'m>(&self, rows: &'m Mask) -> Cow<'m, Mask> {
        if self.direct() {
            return Cow::Borrowed(rows);
        }
        let mut seen = Mask::empty(self.keys.len());
        rows.iter(0..rows.len()).filter_map(|row| self.member(row)).for_each(|m| seen.set(m as usize));
        Cow::Owned(seen)
    }

    /// The rows of a mask that lead to one of these members.
    pub(crate) fn rows_of(&self, rows: &Mask, members: &[u32]) -> Vec<usize> {
        if self.direct() {
            return members.iter().map(|m| *m as usize).filter(|row| rows.get(*row)).collect();
        }
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        let theirs = |row: &usize| self.member(*row).is_some_and(|m| sorted.binary_search(&m).is_ok());
        rows.iter(0..rows.len()).filter(theirs).collect()
    }

    /// The member of each of the first `rows` rows; [`NONE`] where there is none.
    pub(crate) fn member_of_rows(&self, rows: usize) -> Vec<u32> {
        (0..rows).map(|row| self.member(row).unwrap_or(NONE)).collect()
    }

    /// The record key of the member behind a row; 0 where there is none.
    pub(crate) fn record_key(&self, row: usize) -> u128 {
        self.member(row).map_or(0, |member| self.keys.record()[member as usize])
    }

    pub(crate) fn record_keys(&self) -> &RecordKeys {
        &self.keys
    }

    pub(crate) fn keyed(&self) -> Keyed {
        self.keyed
    }

    /// Everyone who has a key.
    pub(crate) fn everyone(&self) -> SetBuilder {
        let mut everyone = SetBuilder::new(self.keyed);
        let stretches = (0..self.keys.len().div_ceil(STRETCH)).filter_map(|stretch| self.keys.whole(stretch));
        stretches.for_each(|stretch| everyone.merge(stretch.clone()));
        everyone
    }

    /// Tells these keys from others: for what is kept beyond a run.
    pub(crate) fn mark(&self) -> [u8; 16] {
        self.keys.record().first().copied().unwrap_or_default().to_le_bytes()
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
        let set = self.set_of_members(&seen);
        let road = Road { rows: Rows::Units, pointer: None, members: self.keys.len() };
        PersonSet { members: Members::new(Arc::new(OfMask::new(seen, road)), 0), ..set }
    }

    /// The persons behind the rows of a mask.
    pub(crate) fn set(&self, mask: &Mask) -> PersonSet {
        self.set_near(mask, &[])
    }

    /// The same, from what is known of rows in the same space where that is less work.
    pub(crate) fn set_near(&self, mask: &Mask, known: &[Known<'_>]) -> PersonSet {
        let set = self.told_by(mask, self.nearest(mask, known));
        PersonSet { members: self.members_behind(mask), ..set }
    }

    /// What is known that differs least from a mask; nothing where the mask itself, or what is lacking to everyone, is less.
    fn nearest<'k>(&self, mask: &Mask, known: &'k [Known<'k>]) -> Nearest<'k> {
        let number = mask.count();
        let alone = Nearest { distance: number.min(mask.len() as u64 - number), known: None };
        let comparable = |k: &&Known<'_>| k.rows.len() == mask.len() && k.set.keyed == self.keyed;
        let known = known.iter().filter(|_| self.direct()).filter(comparable);
        let each = known.map(|k| Nearest { distance: k.rows.distance(mask), known: Some(k) });
        each.fold(alone, |a, b| if b.distance < a.distance { b } else { a })
    }

    /// The set of a mask by what it has more and less than one that is known.
    fn told_by(&self, mask: &Mask, nearest: Nearest<'_>) -> PersonSet {
        let Some(known) = nearest.known else { return self.keyed_set(mask) };
        if nearest.distance == 0 {
            return known.set.copy();
        }
        let less = self.keyed_set(&known.rows.and_not(mask));
        let mut set = difference(known.set, &less);
        set.add(&self.keyed_set(&mask.and_not(known.rows)));
        set
    }

    fn road(&self) -> Road {
        Road { rows: self.rows.clone(), pointer: self.pointer.clone(), members: self.keys.len() }
    }

    pub(crate) fn members_behind(&self, mask: &Mask) -> Members {
        Members::new(Arc::new(OfMask::new(mask.clone(), self.road())), 0)
    }

    /// Who is in the cells and margins of a table, for when the gate asks.
    pub(crate) fn membership(&self, of_row: RowCells, shape: &Shape, cells: &[CellSet]) -> Arc<dyn Membership> {
        let members = cells.iter().map(|cell| cell.set.persons).collect();
        Arc::new(OfCells::new(of_row, shape, members, self.road()))
    }

    /// The keys, when a row is a person.
    pub(crate) fn keys_by_row(&self) -> Option<Arc<RecordKeys>> {
        (self.direct() && self.keyed == Keyed::Persons).then(|| Arc::clone(&self.keys))
    }

    fn keyed_set(&self, mask: &Mask) -> PersonSet {
        self.set_of_members(&self.members(mask))
    }

    fn set_of_members(&self, mask: &Mask) -> PersonSet {
        let parts: Vec<SetBuilder> =
            (0..mask.len().div_ceil(STRETCH)).into_par_iter().map(|part| self.members_of(part, mask)).collect();
        let mut whole = SetBuilder::new(self.keyed);
        parts.into_iter().for_each(|part| whole.merge(part));
        whole.finish()
    }

    /// The members of a stretch. Where fewer are lacking than there are these are taken from the whole.
    fn members_of(&self, stretch: usize, mask: &Mask) -> SetBuilder {
        let rows = stretch * STRETCH..((stretch + 1) * STRETCH).min(mask.len());
        let words = mask.words(rows.clone());
        let here: u64 = words.iter().map(|word| u64::from(word.count_ones())).sum();
        let of = |words: &[u64]| {
            let mut set = SetBuilder::new(self.keyed);
            set.add_words(&self.keys, rows.start, words);
            set
        };
        let complete = rows.end == ((stretch + 1) * STRETCH).min(self.keys.len());
        if complete
            && here as usize * 2 > rows.len()
            && let Some(whole) = self.keys.whole(stretch)
        {
            let inside = |word: usize| u64::MAX >> (64 - (rows.len() - word * 64).min(64));
            let lacking: Vec<u64> = words.iter().enumerate().map(|(i, word)| !word & inside(i)).collect();
            return whole.without(of(&lacking));
        }
        of(words)
    }

    /// The sets of an edit: of the rows that were touched, and of the `rest` of the dataset's rows that have a value. What
    /// is known of the dataset spares reading the keys: one set is the difference of two others.
    pub(crate) fn edit(
        &self,
        dataset: &Dataset,
        touched: &Mask,
        rest: &Mask,
        known: &[Known<'_>],
    ) -> (PersonSet, PersonSet) {
        let whole = dataset.set.as_deref().filter(|_| self.direct() && dataset.groups.is_none());
        let Some(all) = whole.filter(|_| touched.or(rest) == *dataset.mask) else {
            return (self.set_near(touched, known), self.set_near(rest, known));
        };
        // That one is added up which is nearer to something known; the other is what is left.
        let (near_touched, near_rest) = (self.nearest(touched, known), self.nearest(rest, known));
        let (of_touched, of_rest) = if near_touched.distance <= near_rest.distance {
            let touched = self.told_by(touched, near_touched);
            let rest = difference(all, &touched);
            (touched, rest)
        } else {
            let rest = self.told_by(rest, near_rest);
            (difference(all, &rest), rest)
        };
        (
            PersonSet { members: self.members_behind(touched), ..of_touched },
            PersonSet { members: self.members_behind(rest), ..of_rest },
        )
    }

    /// Rows and persons of every cell and margin of a table.
    pub(crate) fn cells(
        &self,
        of_row: &RowCells,
        shape: &Shape,
        control: &dyn Control,
    ) -> Result<Vec<CellSet>, RunError> {
        if self.direct() {
            return Ok(self.with_margins(self.inner_sets(of_row, None, control)?.sets.into_iter(), shape));
        }
        let mut out = self.nobody(shape);
        let counts = of_row.count(control)?;
        for (cell, rows) in counts.iter().enumerate() {
            (0..shape.variants()).for_each(|v| out[shape.place(cell, v)].rows += rows);
        }
        let rows = of_row.rows(control)?.into_iter();
        let pairs = rows.filter_map(|(row, cell)| Some((self.member(row as usize)?, cell))).collect();
        let sets = several::sets(self.keyed, &self.keys, pairs, shape, control)?;
        out.iter_mut().zip(sets).for_each(|(out, set)| out.set = set);
        Ok(out)
    }

    fn nobody(&self, shape: &Shape) -> Vec<CellSet> {
        (0..shape.outer()).map(|_| CellSet { rows: 0, set: PersonSet::empty(self.keyed) }).collect()
    }

    /// Inner cells with their margins, where every row is a member of its own.
    pub(crate) fn with_margins(&self, inner: impl Iterator<Item = PersonSet>, shape: &Shape) -> Vec<CellSet> {
        let mut out = self.nobody(shape);
        for (cell, set) in inner.enumerate() {
            for variant in 0..shape.variants() {
                let place = &mut out[shape.place(cell, variant)];
                place.rows += set.persons;
                place.set.add(&set);
            }
        }
        out
    }

    /// The set of every inner cell, where every row is a member of its own; and how many rows each part has in them. A
    /// `counter` tallies numbers in the same pass, where the cells are few.
    ///
    /// Where many rows are in one cell these are not looked at: they are all that the others are not.
    pub(crate) fn inner_sets(
        &self,
        of_row: &RowCells,
        counter: Option<&Counter<'_>>,
        control: &dyn Control,
    ) -> Result<InnerSets, RunError> {
        let cells = of_row.cells();
        let side_by_side = cells <= SIDE_BY_SIDE;
        let common = if side_by_side { self.most_common(of_row, control)? } else { None };
        let left_out = common.map(|common| common.cell);
        let unneeded = common.filter(|_| counter.is_none()).and_then(|common| common.unneeded(of_row));
        let parts = of_row.parts(|part| {
            let mut tallied = counter.filter(|_| side_by_side).map(Counter::begin);
            let mut sets = if let Some((unneeded, left_out)) = unneeded.as_ref().zip(left_out) {
                let mut sets = CellSets::new(self.keyed, cells + 1);
                unneeded.others(of_row, part.clone(), control, |first, rows, cells| {
                    sets.add_each(&self.keys, first, rows, cells, |cell| cell != left_out);
                })?;
                sets.into_sets()
            } else if side_by_side {
                self.side_by_side(part.clone(), of_row, left_out, counter.zip(tallied.as_mut()), control)?
            } else {
                self.sorted(part.clone(), of_row, control)?
            };
            let mut in_cell: Vec<usize> = sets.iter().map(|set| set.persons() as usize).collect();
            if let Some(cell) = left_out {
                in_cell[cell] = part.len() - in_cell.iter().sum::<usize>();
            }
            in_cell.truncate(cells);
            sets.resize(cells + 1, SetBuilder::new(self.keyed));
            Ok((sets, PartCounts { part, in_cell }, tallied))
        })?;
        let mut merged = vec![SetBuilder::new(self.keyed); cells + 1];
        let (mut counts, mut tallied) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        for (sets, in_cell, numbers) in parts {
            merged.iter_mut().zip(sets).for_each(|(a, b)| a.merge(b));
            counts.push(in_cell);
            tallied.extend(numbers);
        }
        if let Some(cell) = left_out.filter(|cell| *cell < cells) {
            let mut others = SetBuilder::new(self.keyed);
            merged.iter().for_each(|set| others.merge(set.clone()));
            merged[cell] = self.everyone().without(others);
        }
        merged.truncate(cells);
        let tallies = counter.filter(|_| side_by_side).map(|counter| counter.tallies(&tallied, cells));
        Ok(InnerSets { sets: merged.into_iter().map(SetBuilder::finish).collect(), counts, tallies })
    }

    /// The cell that most rows are in, the last where they are in none; nothing when they are not so many. A sample tells it;
    /// which cell it is decides what a pass takes, never what it finds.
    fn most_common(&self, of_row: &RowCells, control: &dyn Control) -> Result<Option<Common>, RunError> {
        let (cells, rows) = (of_row.cells(), of_row.height());
        if rows < WORTH_A_SAMPLE {
            return Ok(None);
        }
        let mut counts = vec![0u32; cells + 1];
        self.sample(of_row, control, |_, found| found.iter().for_each(|cell| counts[*cell as usize] += 1))?;
        let sample: u32 = counts.iter().sum();
        // Those who are in a cell are told from everyone, who must be here.
        let told = |cell: &usize| *cell == cells || rows == self.keys.len();
        let most = (0..=cells).filter(told).max_by_key(|cell| counts[*cell]);
        let common = most.map(|cell| Common { cell, rows: counts[cell], sample });
        Ok(common.filter(|common| common.rows > sample / COMMON))
    }

    /// Hands the cells of a sample of the rows to `take`, stretch by stretch, with the number of the first row of the stretch.
    pub(crate) fn sample(
        &self,
        of_row: &RowCells,
        control: &dyn Control,
        mut take: impl FnMut(usize, &[u32]),
    ) -> Result<(), RunError> {
        let rows = of_row.height();
        for at in 0..SAMPLED {
            let first = rows / SAMPLED * at / WORD * WORD;
            of_row.blocks(first..(first + SAMPLE).min(rows), SAMPLE, control, &mut take)?;
        }
        Ok(())
    }

    /// The sets of so many cells, up to [`SIDE_BY_SIDE`], where every row is a member of its own: `read` gives the cells of a stretch
    /// of rows, the number of cells for a row that is in none.
    pub(crate) fn sets_by(
        &self,
        rows: usize,
        cells: usize,
        control: &dyn Control,
        read: impl Fn(Range<usize>, &mut [u32]) + Sync,
    ) -> Result<Vec<PersonSet>, RunError> {
        let part = rows.div_ceil(PARTS).next_multiple_of(CHUNK).max(1);
        let of = |number: usize| {
            let mut sets = CellSets::new(self.keyed, cells + 1);
            let mut of_rows = vec![0; CHUNK];
            for first in (number * part..((number + 1) * part).min(rows)).step_by(CHUNK) {
                stopped(control)?;
                let range = first..(first + CHUNK).min(rows);
                let of_rows = &mut of_rows[..range.len()];
                read(range, of_rows);
                sets.add(&self.keys, first, of_rows);
            }
            Ok(sets.into_sets())
        };
        let parts: Vec<Vec<SetBuilder>> =
            (0..rows.div_ceil(part)).into_par_iter().map(of).collect::<Result<_, RunError>>()?;
        let mut whole = vec![SetBuilder::new(self.keyed); cells];
        parts.into_iter().for_each(|part| whole.iter_mut().zip(part).for_each(|(whole, part)| whole.merge(part)));
        Ok(whole.into_iter().map(SetBuilder::finish).collect())
    }

    /// The sets of the cells of a part, and of the rows that are in none; of none that is `left_out`.
    fn side_by_side(
        &self,
        part: Range<usize>,
        of_row: &RowCells,
        left_out: Option<usize>,
        mut counting: Option<(&Counter<'_>, &mut Vec<u32>)>,
        control: &dyn Control,
    ) -> Result<Vec<SetBuilder>, RunError> {
        let mut sets = CellSets::new(self.keyed, of_row.cells() + 1);
        let mut chosen = [0u16; BLOCK];
        of_row.blocks(part, BLOCK, control, |first, cells| {
            match left_out {
                None => sets.add(&self.keys, first, cells),
                Some(left_out) => {
                    let mut number = 0;
                    for (row, cell) in (0..).zip(cells) {
                        chosen[number] = row;
                        number += usize::from(*cell as usize != left_out);
                    }
                    sets.add_some(&self.keys, first, cells, &chosen[..number]);
                }
            }
            if let Some((counter, counts)) = &mut counting {
                counter.add(counts, first, cells);
            }
        })?;
        Ok(sets.into_sets())
    }

    /// Each block of rows is sorted by cell first, so that the persons of a cell are added sixteen at a time.
    fn sorted(
        &self,
        part: Range<usize>,
        of_row: &RowCells,
        control: &dyn Control,
    ) -> Result<Vec<SetBuilder>, RunError> {
        let mut sets = vec![SetBuilder::new(self.keyed); of_row.cells()];
        let mut sorted = Sorted::new(of_row.cells());
        of_row.blocks(part, PART, control, |first, cells| {
            sorted.sort(cells, first as u32);
            sets.iter_mut().enumerate().for_each(|(cell, set)| set.add_each(&self.keys, sorted.of(cell)));
        })?;
        Ok(sets)
    }
}

/// Rows of a block sorted by cell, in the order of their numbers within a cell.
struct Sorted {
    starts: Vec<u32>,
    next: Vec<u32>,
    rows: Vec<u32>,
}

impl Sorted {
    fn new(cells: usize) -> Self {
        Self { starts: vec![0; cells + 1], next: vec![0; cells + 1], rows: Vec::new() }
    }

    /// Sorts the rows that are in a cell; the first of them has the number `first`.
    fn sort(&mut self, cell_of_row: &[u32], first: u32) {
        self.starts.fill(0);
        // Rows without a cell count in the last place, which nobody asks for.
        for cell in cell_of_row {
            self.starts[*cell as usize] += 1;
        }
        let mut at = 0;
        for start in &mut self.starts {
            at += std::mem::replace(start, at);
        }
        self.next.copy_from_slice(&self.starts);
        self.rows.resize(cell_of_row.len(), 0);
        for (row, cell) in (first..).zip(cell_of_row) {
            let slot = &mut self.next[*cell as usize];
            self.rows[*slot as usize] = row;
            *slot += 1;
        }
    }

    fn of(&self, cell: usize) -> &[u32] {
        &self.rows[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }
}

/// The persons of `all` that are not in `part`, which is a part of it.
pub(crate) fn difference(all: &PersonSet, part: &PersonSet) -> PersonSet {
    let mut sketch = all.sketch;
    sketch.iter_mut().zip(&part.sketch).for_each(|(a, b)| *a -= b);
    PersonSet {
        keyed: all.keyed,
        persons: all.persons - part.persons,
        fingerprint: all.fingerprint.wrapping_sub(part.fingerprint),
        sketch,
        members: Members::default(),
    }
}

impl PersonSet {
    /// Adds the persons of a set that has none of these; who they are together nobody knows from here.
    pub(crate) fn add(&mut self, other: &PersonSet) {
        self.persons += other.persons;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        self.sketch.iter_mut().zip(&other.sketch).for_each(|(a, b)| *a += b);
        self.members = Members::default();
    }

    /// The same set once more. Sets have no `Clone`, so that nobody outside the engine multiplies them.
    pub(crate) fn copy(&self) -> Self {
        Self { members: self.members.clone(), ..*self }
    }
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

    /// SDC-032: a set that lacks few persons of a stretch is the same as when all of its persons are added up, in the last
    /// stretch too, and where the space has grown since.
    #[test]
    fn sdc_032_sets_that_lack_few() {
        let size = STRETCH + 1000;
        let keys = Arc::new(RecordKeys::derive(&[7; 32], size as u32));
        let people = People { keyed: Keyed::Units, keys: Arc::clone(&keys), rows: Rows::Units, pointer: None };
        for (len, lacking) in
            [(size, vec![]), (size, vec![3, STRETCH - 1, STRETCH + 5, size - 1]), (size - 10, vec![64])]
        {
            let mut mask = Mask::of_valid(None, len, len);
            let mut gone = Mask::empty(len);
            lacking.iter().for_each(|i| gone.set(*i));
            mask = mask.and_not(&gone);
            let mut plain = SetBuilder::new(Keyed::Units);
            mask.iter(0..len).for_each(|i| plain.add(&keys, i as u32));
            let (set, plain) = (people.set(&mask), plain.finish());
            assert_eq!((set.keyed, set.persons, set.fingerprint), (Keyed::Units, plain.persons, plain.fingerprint));
            assert_eq!(set.sketch, plain.sketch);
        }
    }

    /// SDC-032: a set is the same when it is told by what it has more and less than one that is known.
    #[test]
    fn sdc_032_sets_near_one_that_is_known() {
        let size = 10_000;
        let keys = Arc::new(RecordKeys::derive(&[8; 32], size as u32));
        let people = People { keyed: Keyed::Persons, keys, rows: Rows::Units, pointer: None };
        let mask = |holds: &dyn Fn(usize) -> bool| {
            let mut mask = Mask::empty(size);
            (0..size).filter(|i| holds(*i)).for_each(|i| mask.set(i));
            mask
        };
        let (even, far) = (mask(&|i| i % 2 == 0), mask(&|i| i % 7 == 0));
        let sets = (people.set(&even), people.set(&far));
        let known = [Known { rows: &far, set: &sets.1 }, Known { rows: &even, set: &sets.0 }];
        for near in [
            even.clone(),
            mask(&|i| i % 2 == 0 && i % 100 != 0),
            mask(&|i| i % 2 == 0 || i % 31 == 0),
            mask(&|i| (i % 2 == 0 && i % 90 != 0) || i % 97 == 0),
            mask(&|i| i % 3 == 0),
        ] {
            let (told, plain) = (people.set_near(&near, &known), people.set(&near));
            assert_eq!((told.persons, told.fingerprint), (plain.persons, plain.fingerprint));
            assert_eq!(told.sketch, plain.sketch);
            assert_eq!(told.members.ordinals(), plain.members.ordinals());
        }
    }

    #[test]
    fn cells_are_placed_with_their_margins() {
        let shape = Shape(vec![2, 3]);
        assert_eq!((shape.inner(), shape.outer(), shape.variants()), (6, 12, 4));
        // Cell (1, 2): itself, row total, column total, grand total.
        let placed: Vec<usize> = (0..4).map(|variant| shape.place(3 + 2, variant)).collect();
        assert_eq!(placed, [4 + 2, 8 + 2, 4 + 3, 8 + 3]);
        assert_eq!(Shape(vec![]).place(0, 0), 0);
    }

    /// ENG-031, ENG-034: the cells of a table have the same persons whether they are added up side by side, sorted first, or
    /// brought together by person; on one thread and on two.
    #[test]
    fn eng_031_all_ways_to_the_sets_of_cells_agree() {
        let rows = 40_000u32;
        let of_row: Vec<u32> =
            (0..rows).map(|r| if r % 5 == 0 { NONE } else { r.wrapping_mul(2_654_435_761) >> 7 & 7 }).collect();
        let of_row = crate::grid::tests::listed(&of_row, 8);
        let keys = Arc::new(RecordKeys::derive(&[9; 32], rows));
        let people = |pointer| People { keyed: Keyed::Persons, keys: Arc::clone(&keys), rows: Rows::Units, pointer };
        let direct = people(None);
        let told = |sets: Vec<PersonSet>| sets.iter().map(|s| (s.persons, s.fingerprint, s.sketch)).collect::<Vec<_>>();
        let finished = |sets: Vec<SetBuilder>| told(sets.into_iter().map(SetBuilder::finish).collect());
        let all = || 0..rows as usize;
        let wanted = finished(direct.sorted(all(), &of_row, &crate::Unattended).unwrap());
        let mut side_by_side = direct.side_by_side(all(), &of_row, None, None, &crate::Unattended).unwrap();
        side_by_side.truncate(8);
        assert_eq!(finished(side_by_side), wanted);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let inner = pool.install(|| direct.inner_sets(&of_row, None, &crate::Unattended).unwrap());
            let counts = of_row.counts(&crate::Unattended).unwrap();
            let counted = |parts: &[PartCounts]| parts.iter().map(|p| p.in_cell[..8].to_vec()).collect::<Vec<_>>();
            let found: Vec<Vec<usize>> = inner.counts.iter().map(|part| part.in_cell.clone()).collect();
            assert_eq!((told(inner.sets), found), (wanted.clone(), counted(&counts)));
        }
        let itself = people(Some(PersonPointer { persons: (0..rows).collect() }));
        let shape = Shape(vec![2, 4]);
        let [by_person, added] = [itself, direct].map(|p| p.cells(&of_row, &shape, &crate::Unattended).unwrap());
        assert!(by_person.iter().zip(&added).all(|(a, b)| a.rows == b.rows));
        let sets = |cells: Vec<CellSet>| told(cells.into_iter().map(|c| c.set).collect());
        assert_eq!(sets(by_person), sets(added));
    }

    /// ENG-031: a cell that is not added up because many are in it has the persons that it has; so have the others where many
    /// are in none, and where the space has grown.
    #[test]
    fn eng_031_the_most_common_cell_is_told_by_the_others() {
        let size = STRETCH + 5000;
        let common =
            |of_ten: usize, cell: u32| move |row: usize| if row * 7 % 10 < of_ten { cell } else { row as u32 % 3 };
        let keys = Arc::new(RecordKeys::derive(&[9; 32], size as u32));
        let people = People { keyed: Keyed::Persons, keys: Arc::clone(&keys), rows: Rows::Units, pointer: None };
        for (rows, cells) in
            [(size, &common(6, 1) as &dyn Fn(usize) -> u32), (size, &common(8, NONE)), (size - 77, &common(9, 2))]
        {
            let of_row: Vec<u32> = (0..rows).map(cells).collect();
            let listed = crate::grid::tests::listed(&of_row, 3);
            assert_eq!(people.most_common(&listed, &crate::Unattended).unwrap().is_some(), rows == size);
            let inner = people.inner_sets(&listed, None, &crate::Unattended).unwrap();
            for (cell, found) in inner.sets.iter().enumerate() {
                let mut set = SetBuilder::new(Keyed::Persons);
                (0..rows).filter(|row| of_row[*row] == cell as u32).for_each(|row| set.add(&keys, row as u32));
                let set = set.finish();
                assert_eq!(
                    (found.persons, found.fingerprint, found.sketch),
                    (set.persons, set.fingerprint, set.sketch)
                );
                assert_eq!(inner.counts.iter().map(|part| part.in_cell[cell]).sum::<usize>() as u64, set.persons);
            }
        }
    }

    /// ENG-038: units that lead to the same person are one person in a set, and in a margin too.
    #[test]
    fn eng_038_a_person_counts_once_per_set() {
        let keys = Arc::new(RecordKeys::derive(&[9; 32], 4));
        let pointer = PersonPointer { persons: vec![0, 0, 1, PersonPointer::NOBODY, 0].into() };
        let people =
            People { keyed: Keyed::Persons, keys: Arc::clone(&keys), rows: Rows::Units, pointer: Some(pointer) };
        let of_row = crate::grid::tests::listed(&[0, 1, 1, 0, 0], 2);
        let cells = people.cells(&of_row, &Shape(vec![2]), &crate::Unattended).unwrap();
        assert_eq!(cells.iter().map(|c| (c.rows, c.set.persons)).collect::<Vec<_>>(), [(3, 1), (2, 2), (5, 2)]);
        assert_eq!(cells[2].set.fingerprint, keys.record()[0].wrapping_add(keys.record()[1]));
        let mut mask = Mask::empty(5);
        [0, 1, 4].into_iter().for_each(|i| mask.set(i));
        assert_eq!(people.set(&mask).persons, 1);
    }
}
