//! Columns with few possible values as look-ups (ENG-030): codes, and whole numbers and dates within a narrow range. What
//! depends on such a column alone is computed once per value and then gathered row by row, at the width of the result;
//! conditions become words of 64 rows.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use rayon::prelude::*;

use crate::control::{CHUNK, Control, by_chunk, stopped};
use crate::data::Data;
use crate::error::RunError;
use crate::source::Values;
use crate::vector::{Kind, Vector};

/// Most whole numbers from the least to the greatest that a table is made for, where there are as many rows.
const WIDEST: usize = 1 << 16;
/// A table of this size is made for any number of rows.
const SMALL: usize = 1 << 10;
/// Rows per word.
pub(crate) const WORD: usize = 64;
/// Where at most one row in so many has a value only those are looked at.
const SPARSE: usize = 8;

/// The bits of a validity for the rows of `range`, 64 a word; bits beyond the range are 0.
pub(crate) fn valid_words(validity: &NullBuffer, range: Range<usize>) -> Vec<u64> {
    let bits = validity.inner().slice(range.start, range.len());
    bits.bit_chunks().iter_padded().take(range.len().div_ceil(WORD)).collect()
}

/// The rows whose bits are set, ascending; bit 0 of the first word is row `first`.
pub(crate) fn rows_in(words: &[u64], first: usize) -> impl Iterator<Item = usize> + '_ {
    (first..).step_by(WORD).zip(words).flat_map(|(first, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                first + bit
            })
        })
    })
}

/// Whether so few of `rows` rows are valid that those are looked at one by one.
fn sparse(valid: &[u64], rows: usize) -> bool {
    valid.iter().map(|word| word.count_ones() as usize).sum::<usize>() * SPARSE <= rows
}

/// The lowest bits of bytes, 64 a word.
pub(crate) fn pack(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks(WORD).map(|block| {
        let (eights, rest) = block.as_chunks::<8>();
        let word = eights.iter().enumerate().fold(0, |word, (k, eight)| {
            // Multiplying gathers the lowest bits of eight bytes in the top byte.
            let low = u64::from_le_bytes(*eight) & 0x0101_0101_0101_0101;
            word | (low.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * k)
        });
        let first = eights.len() * 8;
        rest.iter().enumerate().fold(word, |word, (i, bit)| word | u64::from(bit & 1) << (first + i))
    })
}

/// The values that a column may have as places of a table: place `i` is code `i`, or the whole number `low + i`. A table
/// has one entry more, for missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    low: i64,
    len: usize,
}

impl Span {
    /// Finds the span of a column; none when it has too many possible values, or values that are no numbers or codes.
    pub(crate) fn of(data: &Data) -> Option<Self> {
        let most = data.len().clamp(SMALL, WIDEST);
        let validity = data.validity.as_ref();
        let (low, high) = match &data.values {
            Values::Code8(_) | Values::Code16(_) | Values::Code32(_) | Values::Text { .. } => {
                return Some(Self { low: 0, len: data.dictionary.as_ref()?.len() });
            }
            Values::Int8(v) => extent(v, validity, most)?,
            Values::Int16(v) => extent(v, validity, most)?,
            Values::Int32(v) | Values::Date(v) => extent(v, validity, most)?,
            Values::Int64(v) => extent(v, validity, most)?,
            Values::Float(_) | Values::Unit(_) => return None,
        };
        Self::between(low, high, data.len())
    }

    /// From the least to the greatest of the values of so many rows; none when they lie too far apart.
    pub(crate) fn between(low: i64, high: i64, rows: usize) -> Option<Self> {
        let len = usize::try_from(high.checked_sub(low)?).ok()?.checked_add(1)?;
        (len <= rows.clamp(SMALL, WIDEST)).then_some(Self { low, len })
    }

    /// Whether computing something for every place costs less than for every row.
    pub(crate) fn pays(self, data: &Data) -> bool {
        self.len <= data.len().max(SMALL)
    }

    /// Number of places; the entry for missing comes after them.
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// The values of all places as a column, followed by one missing row.
    pub(crate) fn values(self, data: &Data) -> Data {
        if let Some(dictionary) = &data.dictionary {
            return Data::of_dictionary(dictionary);
        }
        let whole: Vec<i64> = (0..=self.len as i64).map(|i| self.low + i.min(self.len as i64 - 1)).collect();
        let valid: Vec<bool> = (0..=self.len).map(|i| i < self.len).collect();
        Data::new(Values::Int64(whole.into()), Some(NullBuffer::from(valid)), None)
    }

    /// The whole number of a place, for a column without dictionary.
    pub(crate) fn number(self, place: usize) -> i64 {
        self.low + place as i64
    }

    /// Reads the entries of `table` for the rows of `range` as if all were valid.
    fn entries<T: Copy>(self, data: &Data, table: &[T], range: &Range<usize>, out: &mut [T]) {
        let missing = table[self.len];
        let have = range.start.min(data.len())..range.end.min(data.len());
        let rows = have.len();
        let (here, beyond) = out.split_at_mut(rows);
        beyond.fill(missing);
        macro_rules! read {
            ($v:expr, $place:expr) => {
                for (slot, x) in here.iter_mut().zip(&$v[have]) {
                    *slot = table.get($place(*x)).copied().unwrap_or(missing);
                }
            };
        }
        // A byte has an entry of its own whatever it is.
        macro_rules! read_bytes {
            ($v:expr, $place:expr) => {{
                let table: [T; 256] = std::array::from_fn(|place| table.get(place).copied().unwrap_or(missing));
                for (slot, x) in here.iter_mut().zip(&$v[have]) {
                    *slot = table[usize::from($place(*x))];
                }
            }};
        }
        // Within the span a difference fits; elsewhere, at rows without value, any entry will do.
        let low = self.low as i32;
        match &data.values {
            Values::Code8(v) => read_bytes!(v, |x: u8| x),
            Values::Code16(v) => read!(v, usize::from),
            Values::Code32(v) => read!(v, |x: u32| x as usize),
            Values::Int8(v) => read_bytes!(v, |x: i8| x.wrapping_sub(low as i8) as u8),
            Values::Int16(v) => read!(v, |x: i16| i32::from(x).wrapping_sub(low) as u32 as usize),
            Values::Int32(v) | Values::Date(v) => read!(v, |x: i32| x.wrapping_sub(low) as u32 as usize),
            Values::Int64(v) => read!(v, |x: i64| x.wrapping_sub(self.low) as usize),
            Values::Text { .. } | Values::Float(_) | Values::Unit(_) => here.fill(missing),
        }
    }

    /// Hands the entry of `table` for each of these rows of the column to `take`, as if all were valid.
    fn each<T: Copy>(
        self,
        data: &Data,
        table: &[T],
        rows: impl Iterator<Item = usize>,
        mut take: impl FnMut(usize, T),
    ) {
        let missing = table[self.len];
        macro_rules! read {
            ($v:expr, $place:expr) => {
                rows.for_each(|row| {
                    let entry = $v.get(row).and_then(|x| table.get($place(*x))).copied();
                    take(row, entry.unwrap_or(missing));
                })
            };
        }
        let low = self.low as i32;
        match &data.values {
            Values::Code8(v) => read!(v, usize::from),
            Values::Code16(v) => read!(v, usize::from),
            Values::Code32(v) => read!(v, |x: u32| x as usize),
            Values::Int8(v) => read!(v, |x: i8| usize::from(x.wrapping_sub(low as i8) as u8)),
            Values::Int16(v) => read!(v, |x: i16| i32::from(x).wrapping_sub(low) as u32 as usize),
            Values::Int32(v) | Values::Date(v) => read!(v, |x: i32| x.wrapping_sub(low) as u32 as usize),
            Values::Int64(v) => read!(v, |x: i64| x.wrapping_sub(self.low) as usize),
            Values::Text { .. } | Values::Float(_) | Values::Unit(_) => rows.for_each(|row| take(row, missing)),
        }
    }

    /// The entries of `table` for some of the rows from `first` on, by their number among them.
    pub(crate) fn pick<T: Copy>(self, data: &Data, table: &[T], first: usize, chosen: &[u16], out: &mut [T]) {
        let missing = table[self.len];
        let mut out = out.iter_mut();
        self.each(data, table, chosen.iter().map(|row| first + usize::from(*row)), |row, entry| {
            if let Some(slot) = out.next() {
                *slot = if data.is_valid(row) { entry } else { missing };
            }
        });
    }

    /// The entries of `table` for the rows of `range`.
    pub(crate) fn gather<T: Copy>(self, data: &Data, table: &[T], range: Range<usize>, out: &mut [T]) {
        let missing = table[self.len];
        let Some(validity) = &data.validity else {
            self.entries(data, table, &range, out);
            return;
        };
        let have = range.start.min(data.len())..range.end.min(data.len());
        let (first, rows) = (have.start, have.len());
        let words = valid_words(validity, have);
        if sparse(&words, rows) {
            out.fill(missing);
            self.each(data, table, rows_in(&words, first), |row, entry| out[row - first] = entry);
            return;
        }
        self.entries(data, table, &range, out);
        for (out, word) in out[..rows].chunks_mut(WORD).zip(words) {
            let mut gone = !word & (u64::MAX >> (WORD - out.len()));
            if gone == u64::MAX {
                out.fill(missing);
                continue;
            }
            while gone != 0 {
                out[gone.trailing_zeros() as usize] = missing;
                gone &= gone - 1;
            }
        }
    }

    /// Where a condition holds, as words of the rows of `range`.
    pub(crate) fn words(self, data: &Data, condition: &Condition, range: Range<usize>) -> Vec<u64> {
        let have = range.start.min(data.len())..range.end.min(data.len());
        let rows = have.len();
        let missing = condition.entries[self.len] == 1;
        let known = data.validity.as_ref().map(|v| valid_words(v, have.clone()));
        let mut words = match &condition.stretch {
            _ if known.as_ref().is_some_and(|known| sparse(known, rows)) => {
                let mut words = vec![0; rows.div_ceil(WORD)];
                let valid = known.iter().flat_map(|known| rows_in(known, 0)).map(|row| have.start + row);
                self.each(data, &condition.entries, valid, |row, holds| {
                    let at = row - have.start;
                    words[at / WORD] |= u64::from(holds) << (at % WORD);
                });
                words
            }
            // A code that is not in the dictionary reads as missing, so it must not meet the condition.
            Some(places) if !missing || data.is_listed() => {
                let every = *places == (0..self.len) && data.is_listed();
                match (places.is_empty(), every) {
                    (true, _) => vec![0; rows.div_ceil(WORD)],
                    (_, true) => vec![u64::MAX; rows.div_ceil(WORD)],
                    _ => self.within(data, places, have.clone()),
                }
            }
            _ => {
                let mut bytes = vec![0u8; range.len()];
                self.entries(data, &condition.entries, &range, &mut bytes);
                pack(&bytes).collect()
            }
        };
        words.resize(range.len().div_ceil(WORD), 0);
        for (i, word) in words.iter_mut().enumerate() {
            // Rows beyond the column are missing.
            let column = first_bits(rows.saturating_sub(i * WORD));
            let known = known.as_ref().map_or(column, |words| words.get(i).copied().unwrap_or(0));
            let gone = first_bits(range.len() - i * WORD) & !known;
            *word = *word & known | if missing { gone } else { 0 };
        }
        words
    }

    /// The rows of `have` whose place is one of `places`, as if all were valid.
    fn within(self, data: &Data, places: &Range<usize>, have: Range<usize>) -> Vec<u64> {
        let (low, len) = (self.low.wrapping_add(places.start as i64), places.len() as u64);
        macro_rules! compare {
            ($v:expr, $signed:ty, $unsigned:ty) => {{
                let (low, whole) = (low as $signed, len > <$unsigned>::MAX as u64);
                let inside = |x: &_| u8::from((*x as $signed).wrapping_sub(low) as $unsigned < len as $unsigned || whole);
                pack_each(&$v[have], inside)
            }};
        }
        match &data.values {
            Values::Code8(v) => compare!(v, u8, u8),
            Values::Code16(v) => compare!(v, u16, u16),
            Values::Code32(v) | Values::Text { index: v, .. } => compare!(v, u32, u32),
            Values::Int8(v) => compare!(v, i8, u8),
            Values::Int16(v) => compare!(v, i16, u16),
            Values::Int32(v) | Values::Date(v) => compare!(v, i32, u32),
            Values::Int64(v) => compare!(v, i64, u64),
            Values::Float(_) | Values::Unit(_) => vec![0; have.len().div_ceil(WORD)],
        }
    }

    /// The column of `rows` rows that `table` makes of this one; written at the smallest width that holds the table.
    pub(crate) fn column(
        self,
        data: &Data,
        table: &Vector,
        kind: Kind,
        rows: usize,
        control: &dyn Control,
    ) -> Result<Data, RunError> {
        data.is_listed();
        let small = Data::of_chunks(vec![table.clone()], kind);
        // A row without value mostly stays so, and then any entry will do for it.
        let filled = table.valid[self.len];
        macro_rules! made {
            ($variant:ident, $table:expr) => {{
                let mut all = vec![Default::default(); rows];
                all.par_chunks_mut(CHUNK).enumerate().try_for_each(|(chunk, out)| {
                    stopped(control)?;
                    let range = chunk * CHUNK..chunk * CHUNK + out.len();
                    if filled {
                        self.gather(data, $table, range, out);
                    } else {
                        self.entries(data, $table, &range, out);
                    }
                    Ok::<_, RunError>(())
                })?;
                Values::$variant(all.into())
            }};
        }
        let values = match &small.values {
            Values::Code8(v) => made!(Code8, v),
            Values::Code16(v) => made!(Code16, v),
            Values::Code32(v) | Values::Text { index: v, .. } => made!(Code32, v),
            Values::Int8(v) => made!(Int8, v),
            Values::Int16(v) => made!(Int16, v),
            Values::Int32(v) => made!(Int32, v),
            Values::Int64(v) => made!(Int64, v),
            Values::Float(v) => made!(Float, v),
            Values::Date(v) => made!(Date, v),
            Values::Unit(v) => made!(Unit, v),
        };
        let every = table.valid[..self.len].iter().all(|valid| *valid);
        let validity = if every && !filled && data.dictionary.is_none() && data.len() >= rows {
            data.validity.as_ref().map(|validity| validity.slice(0, rows))
        } else {
            let valid = Condition::new(table.valid.iter().copied());
            let words = by_chunk(control, rows, |range| self.words(data, &valid, range))?;
            Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words.concat()), 0, rows)))
        };
        let validity = validity.filter(|v| v.null_count() > 0);
        Ok(Data::new(values, validity, small.dictionary))
    }
}

/// A condition on the places of a span, the last entry for missing.
pub(crate) struct Condition {
    /// 1 where it holds, else 0.
    entries: Vec<u8>,
    /// The places where it holds, when they lie side by side: then rows are compared instead of looked up.
    stretch: Option<Range<usize>>,
}

impl Condition {
    pub(crate) fn new(holds: impl Iterator<Item = bool>) -> Self {
        let entries: Vec<u8> = holds.map(u8::from).collect();
        let places = &entries[..entries.len() - 1];
        let start = places.iter().position(|e| *e == 1).unwrap_or(0);
        let len = places[start..].iter().take_while(|e| **e == 1).count();
        let alone = !places[start + len..].contains(&1);
        Self { stretch: alone.then_some(start..start + len), entries }
    }

    /// Whether it holds for every value, and where there is none.
    pub(crate) fn is_everywhere(&self) -> bool {
        !self.entries.contains(&0)
    }
}

/// A word with so many bits from the lowest on.
fn first_bits(n: usize) -> u64 {
    if n >= WORD { u64::MAX } else { (1 << n) - 1 }
}

/// The lowest bits of what `f` makes of each value, 64 a word. The inner loop has no branch, so that it is compiled to vector
/// instructions.
fn pack_each<T>(values: &[T], f: impl Fn(&T) -> u8) -> Vec<u64> {
    let mut bytes = [0u8; WORD];
    let words = values.chunks(WORD).map(|block| {
        bytes.iter_mut().zip(block).for_each(|(byte, x)| *byte = f(x));
        pack(&bytes[..block.len()]).next().unwrap_or(0)
    });
    words.collect()
}

/// The least and the greatest value of the valid rows; none when they lie so far apart that `most` numbers are not
/// enough, or when there is no valid row.
fn extent<T>(values: &[T], validity: Option<&NullBuffer>, most: usize) -> Option<(i64, i64)>
where
    T: Copy + Ord + Into<i64> + Sync + Send,
{
    let wide = AtomicBool::new(false);
    let parts: Vec<Option<(T, T)>> = (0..values.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            if wide.load(Ordering::Relaxed) {
                return None;
            }
            let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(values.len());
            let found = match validity {
                None => least_and_greatest(&values[range]),
                Some(validity) => {
                    let words = valid_words(validity, range.clone());
                    let blocks = values[range].chunks(WORD).zip(words).filter_map(|(block, word)| in_word(block, word));
                    blocks.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
                }
            };
            let far = |(low, high): &(T, T)| {
                let width = Into::<i64>::into(*high).checked_sub((*low).into());
                width.is_none_or(|w| w as usize >= most)
            };
            wide.fetch_or(found.as_ref().is_some_and(far), Ordering::Relaxed);
            found
        })
        .collect();
    if wide.into_inner() {
        return None;
    }
    let (low, high) = parts.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    Some((low.into(), high.into()))
}

fn least_and_greatest<T: Copy + Ord>(values: &[T]) -> Option<(T, T)> {
    let first = *values.first()?;
    Some(values.iter().fold((first, first), |(low, high), x| (low.min(*x), high.max(*x))))
}

/// The same over the values whose bit is set.
fn in_word<T: Copy + Ord>(block: &[T], mut word: u64) -> Option<(T, T)> {
    if word == u64::MAX {
        return least_and_greatest(block);
    }
    let mut found: Option<(T, T)> = None;
    while word != 0 {
        let x = *block.get(word.trailing_zeros() as usize)?;
        found = Some(found.map_or((x, x), |(low, high)| (low.min(x), high.max(x))));
        word &= word - 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Unattended;

    fn table(span: Span) -> Vec<u8> {
        (0..=span.len()).map(|i| if i == span.len() { 2 } else { (i % 4) as u8 }).collect()
    }

    proptest! {
        /// ENG-030: gathered entries and words agree with reading row by row, also for missing rows, rows beyond the
        /// column, and a stretch that does not begin at 0.
        #[test]
        fn eng_030_tables_agree_with_rows(
            rows in prop::collection::vec((-40i64..300, any::<bool>()), 1..400),
            complete in any::<bool>(),
            beyond in 0usize..100,
            first in 0usize..3,
        ) {
            let values: Vec<i32> = rows.iter().map(|r| r.0 as i32).collect();
            let valid: Vec<bool> = rows.iter().map(|r| r.1 || complete).collect();
            let validity = (!complete).then(|| NullBuffer::from(valid.clone()));
            let data = Data::new(Values::Int32(values.clone().into()), validity, None);
            let Some(span) = Span::of(&data) else {
                prop_assert!(!valid.contains(&true));
                return Ok(());
            };
            let table = table(span);
            let range = (first * 64).min(rows.len())..rows.len() + beyond;
            let expected: Vec<u8> = range.clone().map(|i| {
                let known = i < rows.len() && valid[i];
                if known { table[(i64::from(values[i]) - span.low) as usize] } else { 2 }
            }).collect();
            let mut out = vec![9u8; range.len()];
            span.gather(&data, &table, range.clone(), &mut out);
            prop_assert_eq!(&out, &expected);
            // Conditions that hold side by side, scattered, everywhere and nowhere, and for missing.
            let from = (i64::from(values[0]) - span.low).max(0) as usize;
            for holds in [0, 1, 2, 3].map(|which| move |place: usize| match which {
                0 => place >= from,
                1 => place.is_multiple_of(3),
                2 => place <= from,
                _ => place == usize::MAX,
            }) {
                for missing in [false, true] {
                    let entries = (0..span.len()).map(holds).chain([missing]);
                    let words = span.words(&data, &Condition::new(entries), range.clone());
                    for (i, row) in range.clone().enumerate() {
                        let known = row < rows.len() && valid[row];
                        let expected = if known { holds((i64::from(values[row]) - span.low) as usize) } else { missing };
                        prop_assert_eq!((words[i / 64] >> (i % 64)) & 1 == 1, expected);
                    }
                    let beyond = range.len() % 64;
                    prop_assert!(beyond == 0 || words[range.len() / 64] >> beyond == 0);
                }
            }
            let all: Vec<i64> = (0..=span.len() as i64).collect();
            let made = Vector { content: crate::vector::Content::Integer(all), valid: (0..=span.len()).map(|i| i % 3 != 0).collect() };
            let column = span.column(&data, &made, Kind::Integer, range.end, &Unattended).unwrap();
            let read = column.read(0..range.end);
            for i in 0..range.end {
                let place = if i < rows.len() && valid[i] { (i64::from(values[i]) - span.low) as usize } else { span.len() };
                prop_assert_eq!(read.get(i), made.get(place));
            }
        }
    }

    #[test]
    fn wide_columns_and_decimals_have_no_table() {
        let wide = Data::new(Values::Int64(vec![i64::MIN, i64::MAX].into()), None, None);
        assert_eq!(Span::of(&wide), None);
        let hidden = NullBuffer::from(vec![false, true]);
        let one = Data::new(wide.values.clone(), Some(hidden), None);
        assert_eq!(Span::of(&one), Some(Span { low: i64::MAX, len: 1 }));
        let decimal = Data::new(Values::Float(vec![1.0].into()), None, None);
        assert_eq!(Span::of(&decimal), None);
    }
}
