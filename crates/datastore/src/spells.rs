//! Work on rows that hold for a time: the column at a day, and the rows that meet an interval. One pass without branches
//! over the days makes a word of hits per 64 rows, and only the hits are touched (ENG-002). Parts of a pass are ranges of
//! ordinals or rows, so the result does not depend on the number of threads (ENG-034).

use std::ops::Range;

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use engine::source::{Column, Selection, Spells, Values};
use rayon::prelude::*;

use crate::columns::each_values;

/// Ordinals of a part of a column; a multiple of 64.
const PART: usize = 1 << 16;
/// Parts that are made at the same time, before what was read for them is given back.
const AT_ONCE: usize = 8;
/// Rows of a part of a pass over rows; a multiple of 64.
const ROWS: usize = 1 << 18;
/// Rows per word of hits.
const WORD: usize = 64;

/// The first and last days of rows.
#[derive(Clone, Copy)]
pub(crate) struct Days<'a> {
    pub starts: &'a [i32],
    pub stops: &'a [i32],
}

impl<'a> Days<'a> {
    pub(crate) fn of(spells: &'a Spells) -> Self {
        Self { starts: &spells.starts, stops: &spells.stops }
    }

    /// Calls `hit` for every row of `rows` that begins by `to` and does not end before `from`, in order.
    pub(crate) fn meeting(self, rows: Range<usize>, from: i32, to: i32, hit: impl FnMut(usize)) {
        self.words(rows, |start, stop| u8::from(start <= to) & u8::from(from <= stop), hit);
    }

    /// Calls `hit` for every row of `rows` whose days are in a selection, in order; codes are not looked at.
    pub(crate) fn selected(self, rows: Range<usize>, selection: &Selection, hit: impl FnMut(usize)) {
        let (starts, stops) = (selection.starts(), selection.stops());
        if selection.is_empty() {
            return;
        }
        if starts.first == i32::MIN && stops.last == i32::MAX {
            self.meeting(rows, stops.first, starts.last, hit);
        } else if stops.first <= starts.first && stops.last == i32::MAX {
            // What begins within the days ends no earlier.
            let among = starts.last.wrapping_sub(starts.first) as u32;
            self.words(rows, |start, _| u8::from(start.wrapping_sub(starts.first) as u32 <= among), hit);
        } else {
            let both = |start, stop| u8::from(starts.contains(start)) & u8::from(stops.contains(stop));
            self.words(rows, both, hit);
        }
    }

    /// One bit per row of a word says whether `holds`. That loop has no branch, so that it is compiled to vector
    /// instructions.
    fn words(self, rows: Range<usize>, holds: impl Fn(i32, i32) -> u8, mut hit: impl FnMut(usize)) {
        let starts = self.starts[rows.clone()].chunks(WORD);
        let stops = self.stops[rows.clone()].chunks(WORD);
        for (block, (starts, stops)) in starts.zip(stops).enumerate() {
            let mut hits = [0u8; WORD];
            for (hit, (start, stop)) in hits.iter_mut().zip(starts.iter().zip(stops)) {
                *hit = holds(*start, *stop);
            }
            let mut word = packed(&hits);
            let base = rows.start + block * WORD;
            while word != 0 {
                hit(base + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}

/// The lowest bits of at most 64 bytes.
fn packed(bytes: &[u8]) -> u64 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let word = eights.iter().enumerate().fold(0, |word, (k, eight)| {
        // Multiplying gathers the lowest bits of eight bytes in the top byte.
        word | (u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * k)
    });
    let first = eights.len() * 8;
    rest.iter().enumerate().fold(word, |word, (i, bit)| word | u64::from(*bit) << (first + i))
}

/// The rows that meet `[from, to]`, in their order.
pub(crate) fn overlapping(spells: &Spells, from: i32, to: i32) -> Spells {
    let days = Days::of(spells);
    taken(spells, |rows, met| days.meeting(rows, from, to, |row| met.push(row as u32)))
}

/// The rows that `choose` puts into its list, which it does for one range of rows after the other.
pub(crate) fn taken(spells: &Spells, choose: impl Fn(Range<usize>, &mut Vec<u32>) + Sync) -> Spells {
    let rows = spells.ordinals.len();
    let parts: Vec<Vec<u32>> = (0..rows.div_ceil(ROWS))
        .into_par_iter()
        .map(|part| {
            let mut met = Vec::new();
            choose(part * ROWS..((part + 1) * ROWS).min(rows), &mut met);
            met
        })
        .collect();
    Spells {
        ordinals: pick(&spells.ordinals, &parts).into(),
        starts: pick(&spells.starts, &parts).into(),
        stops: pick(&spells.stops, &parts).into(),
        values: each_values!(&spells.values, v => pick(v, &parts).into()),
    }
}

/// The values of these rows, which come in parts.
fn pick<T: Copy + Default + Send + Sync>(values: &[T], parts: &[Vec<u32>]) -> Vec<T> {
    let mut out = vec![T::default(); parts.iter().map(Vec::len).sum()];
    let mut left = out.as_mut_slice();
    let mut slots = Vec::with_capacity(parts.len());
    for part in parts {
        let (slot, rest) = left.split_at_mut(part.len());
        slots.push((slot, part));
        left = rest;
    }
    slots.into_par_iter().for_each(|(slot, part)| {
        slot.iter_mut().zip(part).for_each(|(to, row)| *to = values[*row as usize]);
    });
    out
}

/// Values put at the places of their ordinals, which ascend; of several rows of one ordinal the last counts. `days` picks
/// the rows that hold on a day; without it all do. `release` is called now and then, when what was read so far is not
/// needed any more. None when an ordinal lies outside `length`.
pub(crate) fn by_ordinal(
    values: &Values,
    ordinals: &[u32],
    days: Option<(Days<'_>, i32)>,
    length: usize,
    release: &dyn Fn(),
) -> Option<Column> {
    if ordinals.last().is_some_and(|o| *o as usize >= length) {
        return None;
    }
    let mut bits = vec![0u64; length.div_ceil(WORD)];
    let values = each_values!(values, v => {
        let mut out = vec![Default::default(); length];
        let slabs = out.chunks_mut(PART * AT_ONCE).zip(bits.chunks_mut(PART * AT_ONCE / WORD)).enumerate();
        for (slab, (out, bits)) in slabs {
            place(v, ordinals, days, slab * PART * AT_ONCE, out, bits).then_some(())?;
            release();
        }
        out.into()
    });
    let valid = BooleanBuffer::new(Buffer::from_vec(bits), 0, length);
    let validity = Some(NullBuffer::new(valid)).filter(|v| v.null_count() > 0);
    Some(Column { values, validity })
}

/// The stretch of a column that begins at ordinal `begin`; whether the ordinals there ascend.
fn place<T: Copy + Send + Sync>(
    values: &[T],
    ordinals: &[u32],
    days: Option<(Days<'_>, i32)>,
    begin: usize,
    out: &mut [T],
    bits: &mut [u64],
) -> bool {
    out.par_chunks_mut(PART)
        .zip(bits.par_chunks_mut(PART / WORD))
        .enumerate()
        .map(|(part, (out, bits))| {
            let base = begin + part * PART;
            let first = ordinals.partition_point(|o| (*o as usize) < base);
            let end = ordinals.partition_point(|o| (*o as usize) < base + out.len());
            let mut inside = true;
            // A byte for each while they are found: to set a bit in a word has to wait for the bit before it.
            let mut seen = vec![0u8; out.len()];
            let mut put = |row: usize| {
                let at = (ordinals[row] as usize).wrapping_sub(base);
                match (out.get_mut(at), seen.get_mut(at)) {
                    (Some(slot), Some(seen)) => {
                        *slot = values[row];
                        *seen = 1;
                    }
                    _ => inside = false,
                }
            };
            match days {
                Some((days, day)) => days.meeting(first..end, day, day, put),
                None => (first..end).for_each(&mut put),
            }
            bits.iter_mut().zip(seen.chunks(WORD)).for_each(|(word, seen)| *word = packed(seen));
            inside
        })
        .reduce(|| true, |a, b| a & b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// ENG-002, ENG-041: the words of hits agree with a plain comparison, also at the edges of blocks and days.
        #[test]
        fn eng_002_words_of_hits_equal_comparisons(
            days in prop::collection::vec((-3i32..4, 0i32..4, any::<bool>()), 0..300),
            from in -3i32..4,
            length in 0i32..3,
            first in 0usize..70,
        ) {
            let starts: Vec<i32> = days.iter().map(|d| if d.0 == -3 { i32::MIN } else { d.0 }).collect();
            let stops: Vec<i32> = days.iter().map(|d| if d.2 { i32::MAX } else { d.0 + d.1 }).collect();
            let to = from + length;
            let first = first.min(days.len());
            let mut found = Vec::new();
            Days { starts: &starts, stops: &stops }.meeting(first..days.len(), from, to, |row| found.push(row));
            let plain: Vec<usize> = (first..days.len()).filter(|r| starts[*r] <= to && stops[*r] >= from).collect();
            prop_assert_eq!(found, plain);
        }
    }

    /// ENG-034, ENG-041: a spell that begins or ends on the day counts, an open one too; the same on one thread and two.
    #[test]
    fn eng_034_the_column_at_a_day_does_not_depend_on_threads() {
        let n = PART * AT_ONCE + 1000;
        let ordinals: Vec<u32> = (0..n as u32).flat_map(|o| [o, o]).collect();
        let starts: Vec<i32> = (0..n as i32).flat_map(|o| [0, 10 + o % 3]).collect();
        let stops: Vec<i32> = (0..n as i32).flat_map(|o| [9 + o % 2, i32::MAX]).collect();
        let values = Values::Code8((0..2 * n).map(|r| (r % 251) as u8).collect());
        let column = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let days = Days { starts: &starts, stops: &stops };
            pool.install(|| by_ordinal(&values, &ordinals, Some((days, 10)), n + 5, &|| ()).unwrap())
        };
        let (one, two) = (column(1), column(2));
        let (Values::Code8(a), Values::Code8(b)) = (&one.values, &two.values) else { panic!("another width") };
        assert_eq!(a, b);
        assert_eq!(one.validity, two.validity);
        for o in 0..n {
            // The second spell has begun for every third unit; the first holds to the day for every second.
            let expected = if o % 3 == 0 {
                Some(2 * o + 1)
            } else if o % 2 == 1 {
                Some(2 * o)
            } else {
                None
            };
            assert_eq!(one.is_valid(o).then(|| usize::from(a[o])), expected.map(|r| r % 251), "unit {o}");
        }
        assert!(!one.is_valid(n));
        assert!(by_ordinal(&values, &ordinals, None, n - 1, &|| ()).is_none(), "an ordinal outside the column");
    }
}
