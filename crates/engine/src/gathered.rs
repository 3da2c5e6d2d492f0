//! The rows of many cells as bitmaps. Rows are sorted by cell one container of the bitmaps at a time, and the bitmap of a cell
//! is written from its stretches in the standard form of such bitmaps, so that no row is looked up in the bitmap of its cell.

use std::ops::Range;

use rayon::prelude::*;
use roaring::RoaringBitmap;

use crate::control::Unattended;
use crate::grid::RowCells;

/// Rows of a container.
const CONTAINER: usize = 1 << 16;
/// Most members of a container that are listed; with more it has a bit for every row.
const LISTED: usize = 1 << 12;
/// Begins a bitmap without containers of runs.
const COOKIE: u32 = 12_346;

/// The rows of a container, those of one cell after those of another; within a cell they ascend.
struct Sorted {
    starts: Vec<u32>,
    rows: Vec<u16>,
}

impl Sorted {
    /// `slot_of` has a number for every cell, and one for the rows that are in none; the last of them are not kept apart.
    fn of(of_row: &RowCells, range: Range<usize>, slot_of: &[u32], slots: usize) -> Self {
        let mut sorted = Self { starts: vec![0; slots + 2], rows: vec![0; range.len()] };
        // Nobody stops it.
        let _ = of_row.blocks(range, CONTAINER, &Unattended, |_, cells| {
            for cell in cells {
                sorted.starts[slot_of[*cell as usize] as usize + 1] += 1;
            }
            for slot in 1..sorted.starts.len() {
                sorted.starts[slot] += sorted.starts[slot - 1];
            }
            let mut next = sorted.starts.clone();
            for (row, cell) in cells.iter().enumerate() {
                let next = &mut next[slot_of[*cell as usize] as usize];
                sorted.rows[*next as usize] = row as u16;
                *next += 1;
            }
        });
        sorted
    }

    fn of_slot(&self, slot: usize) -> &[u16] {
        &self.rows[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }
}

/// The rows of each cell that is `wanted`; nothing for the others.
pub(crate) fn bitmaps(of_row: &RowCells, wanted: &[bool]) -> Vec<RoaringBitmap> {
    let slots = wanted.iter().filter(|wanted| **wanted).count();
    let mut numbers = 0..slots as u32;
    let slot_of: Vec<u32> = wanted
        .iter()
        .chain([&false])
        .map(|wanted| if *wanted { numbers.next() } else { None }.unwrap_or(slots as u32))
        .collect();
    let containers: Vec<Sorted> = (0..of_row.height().div_ceil(CONTAINER))
        .into_par_iter()
        .map(|container| {
            let range = container * CONTAINER..((container + 1) * CONTAINER).min(of_row.height());
            Sorted::of(of_row, range, &slot_of, slots)
        })
        .collect();
    let of_slot = |slot: &u32| {
        let stretches: Vec<(usize, &[u16])> =
            containers.iter().map(|c| c.of_slot(*slot as usize)).enumerate().collect();
        if *slot as usize == slots { RoaringBitmap::new() } else { bitmap(&stretches) }
    };
    slot_of[..wanted.len()].par_iter().map(of_slot).collect()
}

/// The bitmap of the rows of these containers.
fn bitmap(stretches: &[(usize, &[u16])]) -> RoaringBitmap {
    let stretches = || stretches.iter().filter(|(_, rows)| !rows.is_empty());
    let bytes_of = |rows: &[u16]| if rows.len() <= LISTED { rows.len() * 2 } else { CONTAINER / 8 };
    let number = stretches().count();
    let head = 8 + number * 8;
    let mut bytes = Vec::with_capacity(head + stretches().map(|(_, rows)| bytes_of(rows)).sum::<usize>());
    bytes.extend(COOKIE.to_le_bytes());
    bytes.extend((number as u32).to_le_bytes());
    for (container, rows) in stretches() {
        bytes.extend((*container as u16).to_le_bytes());
        bytes.extend((rows.len() as u16).wrapping_sub(1).to_le_bytes());
    }
    let mut at = head;
    for (_, rows) in stretches() {
        bytes.extend((at as u32).to_le_bytes());
        at += bytes_of(rows);
    }
    for (_, rows) in stretches() {
        if rows.len() <= LISTED {
            bytes.extend(rows.iter().flat_map(|row| row.to_le_bytes()));
        } else {
            let mut bits = [0u8; CONTAINER / 8];
            rows.iter().for_each(|row| bits[usize::from(*row) / 8] |= 1 << (row % 8));
            bytes.extend(bits);
        }
    }
    let listed = || {
        let each = |(container, rows): &(usize, &[u16])| {
            let first = (container * CONTAINER) as u32;
            rows.iter().map(move |row| first + u32::from(*row)).collect::<Vec<u32>>()
        };
        stretches().flat_map(each).collect()
    };
    RoaringBitmap::deserialize_unchecked_from(bytes.as_slice()).unwrap_or_else(|_| listed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::tests::listed;
    use crate::people::NONE;

    /// SDC-052: cells of few and of many rows, over several containers, and rows that are in no cell.
    #[test]
    fn sdc_052_every_row_is_in_the_bitmap_of_its_cell() {
        let height = 2 * CONTAINER + 4321;
        let cell = |row: usize| match row {
            row if row % 7 == 3 => NONE,
            row if row % 1000 == 17 => 1,
            row if (CONTAINER..CONTAINER + 9).contains(&row) => 2,
            row if row % 3 == 0 => 3,
            _ => 0,
        };
        let of_row: Vec<u32> = (0..height).map(cell).collect();
        let cells = listed(&of_row, 5);
        let found = bitmaps(&cells, &[true, true, true, false, true]);
        for (cell, found) in found.iter().enumerate() {
            let rows = (0..height as u32).filter(|row| of_row[*row as usize] == cell as u32 && cell != 3);
            assert_eq!(*found, rows.collect::<RoaringBitmap>(), "cell {cell}");
        }
        assert!(found[0].len() > 2 * LISTED as u64 && found[2].len() < 9, "both forms of containers occur");
    }
}
