//! Who is in a set, and the same statistic over another set: what the gate needs to answer for an earlier set
//! (SDC-050). Nothing is computed before the gate asks; a scan only leaves behind how
//! the cell of a row is found.
//!
//! What it is not: a decision about which sets are near.

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use crate::control::{CHUNK, Unattended};
use crate::dataset::{Column, Rows};
use crate::gathered;
use crate::grid::{BLOCK, RowCells};
use crate::keys::RecordKeys;
use crate::magnitudes::numbers;
use crate::mask::Mask;
use crate::params::Parameters;
use crate::people::Shape;
use crate::raw::{Keyed, RawMagnitude};
use crate::set::SetBuilder;
use crate::source::PersonPointer;
use crate::statistics::{Group, Limits, Wanted, magnitude};
use crate::tally::{Tally, narrow};

/// Members up to which a set is small: they are listed without those of larger sets beside it, and then kept.
pub const SMALL_SET: u64 = (1 << 11) + (1 << 6);

/// Sets whose members can be told.
pub trait Membership: Send + Sync {
    /// The members of the set with this number. Asking for a small set again costs nothing.
    fn of(&self, place: usize) -> Arc<RoaringBitmap>;

    /// Bytes that are held for it.
    fn bytes(&self) -> usize;
}

/// The members of one set, told when somebody asks.
#[derive(Clone, Default)]
pub struct Members {
    source: Option<Arc<dyn Membership>>,
    place: usize,
}

impl Members {
    /// The set with this number of a source.
    pub fn new(source: Arc<dyn Membership>, place: usize) -> Self {
        Self { source: Some(source), place }
    }

    /// These ordinals.
    pub fn of(ordinals: RoaringBitmap) -> Self {
        Self::new(Arc::new(Listed(Arc::new(ordinals))), 0)
    }

    /// The ordinals; none where nobody has kept them.
    pub fn ordinals(&self) -> Option<Arc<RoaringBitmap>> {
        self.source.as_ref().map(|s| s.of(self.place))
    }

    /// Where they come from, for the one who decides how long they are kept.
    pub fn source(&self) -> Option<&Arc<dyn Membership>> {
        self.source.as_ref()
    }

    /// The number of the set at its source.
    pub fn place(&self) -> usize {
        self.place
    }
}

struct Listed(Arc<RoaringBitmap>);

impl Membership for Listed {
    fn of(&self, _: usize) -> Arc<RoaringBitmap> {
        Arc::clone(&self.0)
    }
    fn bytes(&self) -> usize {
        self.0.serialized_size()
    }
}

/// How a row leads to a member: row, unit, person.
#[derive(Clone)]
pub(crate) struct Road {
    pub(crate) rows: Rows,
    pub(crate) pointer: Option<PersonPointer>,
    pub(crate) members: usize,
}

impl Road {
    /// The member that row `i` stands for.
    #[inline]
    pub(crate) fn member(&self, row: usize) -> Option<u32> {
        let unit = self.rows.unit(row);
        match &self.pointer {
            None => Some(unit),
            Some(p) => p.persons.get(unit as usize).copied().filter(|m| (*m as usize) < self.members),
        }
    }
}

/// The members behind the rows of a mask.
pub(crate) struct OfMask {
    mask: Mask,
    road: Road,
    small: OnceLock<Arc<RoaringBitmap>>,
}

impl OfMask {
    pub(crate) fn new(mask: Mask, road: Road) -> Self {
        Self { mask, road, small: OnceLock::new() }
    }
}

impl Membership for OfMask {
    fn of(&self, _: usize) -> Arc<RoaringBitmap> {
        if let Some(small) = self.small.get() {
            return Arc::clone(small);
        }
        let rows = self.mask.iter(0..self.mask.len());
        let all: RoaringBitmap = rows.filter_map(|row| self.road.member(row)).collect();
        let all = Arc::new(all);
        if all.len() <= SMALL_SET { Arc::clone(self.small.get_or_init(|| all)) } else { all }
    }
    fn bytes(&self) -> usize {
        self.mask.bytes()
    }
}

/// The members of the cells and margins of a table.
pub(crate) struct OfCells {
    of_row: RowCells,
    shape: Shape,
    /// How many members each cell and margin has.
    members: Vec<u64>,
    road: Road,
    small: OnceLock<Vec<Option<Arc<RoaringBitmap>>>>,
    all: OnceLock<Vec<Arc<RoaringBitmap>>>,
}

impl OfCells {
    /// Of the cells and margins of a table of this shape, which have so many members each.
    pub(crate) fn new(of_row: RowCells, shape: &Shape, members: Vec<u64>, road: Road) -> Self {
        let shape = Shape(shape.0.clone());
        Self { of_row, shape, members, road, small: OnceLock::new(), all: OnceLock::new() }
    }

    fn is_small(&self, place: usize) -> bool {
        self.members.get(place).is_some_and(|members| *members <= SMALL_SET)
    }

    /// The members of small cells and margins, found once, without those of large ones. The cells of a small margin
    /// are small themselves.
    fn small(&self) -> &[Option<Arc<RoaringBitmap>>] {
        self.small.get_or_init(|| {
            let mut all = vec![None; self.shape.outer()];
            for place in (0..all.len()).filter(|place| self.is_small(*place)) {
                all[place] = Some(RoaringBitmap::new());
            }
            let inner = self.inner(|cell| self.is_small(self.shape.place(cell, 0)));
            for (cell, set) in inner.into_iter().enumerate() {
                let margins = (1..self.shape.variants()).map(|v| self.shape.place(cell, v));
                margins.for_each(|place| all[place].iter_mut().for_each(|margin| *margin |= &set));
                if let Some(own) = &mut all[self.shape.place(cell, 0)] {
                    *own = set;
                }
            }
            all.into_iter().map(|set| set.map(Arc::new)).collect()
        })
    }

    /// The members of every cell and margin, found once.
    fn all(&self) -> &[Arc<RoaringBitmap>] {
        self.all.get_or_init(|| {
            let mut all = vec![RoaringBitmap::new(); self.shape.outer()];
            for (cell, set) in self.inner(|_| true).into_iter().enumerate() {
                let margins = (1..self.shape.variants()).map(|v| self.shape.place(cell, v));
                margins.for_each(|place| all[place] |= &set);
                all[self.shape.place(cell, 0)] = set;
            }
            all.into_iter().map(Arc::new).collect()
        })
    }

    /// The members of the inner cells that are wanted. Parts of the rows are gone through side by side.
    fn inner(&self, wanted: impl Fn(usize) -> bool) -> Vec<RoaringBitmap> {
        let cells = self.shape.inner();
        let wanted: Vec<bool> = (0..=cells).map(|cell| cell < cells && wanted(cell)).collect();
        if !wanted.contains(&true) {
            return vec![RoaringBitmap::new(); cells];
        }
        let direct = self.road.pointer.is_none() && matches!(self.road.rows, Rows::Units);
        if direct && !wanted[..cells].contains(&false) {
            return gathered::bitmaps(&self.of_row, &wanted[..cells]);
        }
        let parts = self.of_row.parts(|part| {
            let mut sets = vec![Vec::new(); cells];
            let mut found = [0; BLOCK];
            self.of_row.blocks(part, BLOCK, &Unattended, |first, of_row| {
                // Without a branch for each row: few are wanted, and nobody knows which.
                let mut count = 0;
                for (i, cell) in of_row.iter().enumerate() {
                    found[count] = i as u32;
                    count += usize::from(wanted[*cell as usize]);
                }
                for i in &found[..count] {
                    let Some(member) = self.road.member(first + *i as usize) else { continue };
                    sets[of_row[*i as usize] as usize].push(member);
                }
            })?;
            Ok(sets.into_iter().map(set_of).collect::<Vec<_>>())
        });
        // Nobody stops it, so it gives all parts.
        let mut whole = vec![RoaringBitmap::new(); cells];
        for part in parts.unwrap_or_default() {
            whole.iter_mut().zip(part).for_each(|(whole, part)| *whole |= part);
        }
        whole
    }
}

/// The set of these members, which mostly come in order, and more than once where several rows lead to one.
fn set_of(mut members: Vec<u32>) -> RoaringBitmap {
    if !members.is_sorted() {
        members.sort_unstable();
    }
    members.dedup();
    // They are in order, so it gives a set.
    RoaringBitmap::from_sorted_iter(members).unwrap_or_default()
}

impl Membership for OfCells {
    fn of(&self, place: usize) -> Arc<RoaringBitmap> {
        let small = if self.is_small(place) { self.small().get(place).cloned().flatten() } else { None };
        small.or_else(|| self.all().get(place).cloned()).unwrap_or_default()
    }
    fn bytes(&self) -> usize {
        self.of_row.bytes()
    }
}

/// A statistic that can be computed again over other persons: that of a column which has values outside the population
/// (ENG-039), where a row is a person.
pub struct Again {
    pub(crate) column: Column,
    pub(crate) keys: Arc<RecordKeys>,
    pub(crate) limits: Limits,
    pub(crate) wanted: Wanted,
    pub(crate) parameters: Parameters,
}

impl Again {
    /// The statistics over those of these persons who have a value.
    pub fn over(&self, persons: &RoaringBitmap) -> RawMagnitude {
        let rows = self.keys.len().min(self.column.data.len());
        let mut set = SetBuilder::new(Keyed::Persons);
        let mut values = Vec::with_capacity(persons.len() as usize);
        for start in (0..rows).step_by(CHUNK) {
            let range = start..(start + CHUNK).min(rows);
            let mut here = persons.range(range.start as u32..range.end as u32).peekable();
            if here.peek().is_none() {
                continue;
            }
            let chunk = numbers(&self.column, range);
            for (person, x) in here.map(|p| (p, chunk[p as usize - start])).filter(|(_, x)| !x.is_nan()) {
                set.add(&self.keys, person);
                values.push(x);
            }
        }
        let limits = self.limits;
        let set = set.finish();
        // The same way as in a table, so that the same values give the same bits.
        let tally = narrow(&self.column).map(|span| {
            let mut tally = Tally::new(span);
            values.iter().for_each(|x| tally.add(*x));
            tally
        });
        let group = match &tally {
            Some(tally) => Group::tallied(tally, limits),
            None => Group::of(&values, limits),
        };
        magnitude(&[&group], set, limits, &self.wanted, &self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::tests::listed;
    use crate::people::NONE;

    /// SDC-052: the members of cells and margins, of rows that are persons and of rows that lead to them.
    #[test]
    fn sdc_052_members_of_cells_and_margins() {
        let road = Road { rows: Rows::Units, pointer: None, members: 6 };
        let cells =
            OfCells::new(listed(&[0, 1, NONE, 3, 0, 2], 4), &Shape(vec![2, 2]), vec![2, 1, 3, 1, 1, 2, 3, 2, 5], road);
        let of = |place| cells.of(place).iter().collect::<Vec<_>>();
        assert_eq!((of(0), of(2), of(6), of(8)), (vec![0, 4], vec![0, 1, 4], vec![0, 4, 5], vec![0, 1, 3, 4, 5]));
        // The same where some or all are too large to be listed on their own.
        let large = SMALL_SET + 1;
        for members in [[2, 1, 3, 1, 1, 2, large, large, large], [large; 9]] {
            let road = Road { rows: Rows::Units, pointer: None, members: 6 };
            let again = OfCells::new(listed(&[0, 1, NONE, 3, 0, 2], 4), &Shape(vec![2, 2]), members.to_vec(), road);
            (0..9).for_each(|place| assert_eq!(again.of(place), cells.of(place), "{place}"));
        }
        let road = Road { rows: Rows::Own(vec![4u32, 4, 1].into()), pointer: None, members: 6 };
        let cells = OfCells::new(listed(&[0, 1, 1], 2), &Shape(vec![2]), vec![1, 2, 2], road);
        assert_eq!(cells.of(1).iter().collect::<Vec<_>>(), [1, 4]);
        assert_eq!(Members::default().ordinals(), None);
        assert_eq!(Members::of([3, 9].into_iter().collect()).ordinals().map(|m| m.len()), Some(2));
    }
}
