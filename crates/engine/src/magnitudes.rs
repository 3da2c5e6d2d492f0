//! The statistics of a numeric column in every cell and margin of a table: values are brought together by cell once, in
//! the order of the rows, and margins are made of their cells (STAT-040..044).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::control::{CHUNK, Control, by_chunk, stopped};
use crate::data::Data;
use crate::dataset::{Column, column_key};
use crate::error::RunError;
use crate::grid::{BLOCK, PartCounts, RowCells};
use crate::lookup::{WORD, pack, valid_words};
use crate::mask::Mask;
use crate::members::{Again, Members};
use crate::people::{CellSet, People, Shape};
use crate::raw::{MeasureKind, PersonSet, RawMagnitude, RawMeasure};
use crate::select::Pieces;
use crate::source::Values;
use crate::statistics::{Finding, Group, Limits, Wanted, magnitude, three_digits};
use crate::table::Scan;
use crate::tally::{Counter, Tally, narrow};

/// A numeric column whose statistics are asked for.
#[derive(Clone)]
pub(crate) struct Measure {
    name: String,
    column: Column,
    /// The rows that have a number which statistics count.
    counted: Arc<Mask>,
}

/// The rows that have a number in a measure: their sets in all cells and margins, and how many of them each part has in
/// the inner cells.
pub(crate) struct With {
    pub(crate) sets: Vec<CellSet>,
    pub(crate) counts: Vec<PartCounts>,
    /// Their numbers in the inner cells, where they are tallied.
    pub(crate) tallies: Option<Vec<Tally>>,
}

impl Scan<'_> {
    pub(crate) fn measure(&self, name: &str) -> Result<Measure, RunError> {
        let column = self.column(name)?;
        if !column.data_type.is_numeric() {
            return Err(RunError::type_mismatch(name));
        }
        self.with_values(name, column)
    }

    /// A column of any type, of which only is asked who has a value.
    pub(crate) fn with_values(&self, name: &str, column: &Column) -> Result<Measure, RunError> {
        let (rows, data) = (self.mask.len(), &column.data);
        let counted = if column.flagged.is_empty() && data.dictionary.is_none() {
            Mask::of_valid(data.validity.as_ref(), data.len(), rows)
        } else {
            let words = by_chunk(self.control, rows, |range| {
                let counted: Vec<u8> = column.counted(range).into_iter().map(u8::from).collect();
                pack(&counted).collect()
            })?;
            Mask::of_words(words, rows)
        };
        Ok(Measure { name: name.to_owned(), column: column.clone(), counted: Arc::new(counted) })
    }

    /// The statistics of a measure in every cell and margin. `with` are the rows that have a number, where they are known
    /// already.
    pub(crate) fn magnitudes(
        &self,
        measure: &Measure,
        of_row: &RowCells,
        shape: &Shape,
        with: Option<With>,
        wanted: &Wanted,
    ) -> Result<(RawMeasure, Vec<RawMagnitude>), RunError> {
        let limits = self.limits(&measure.column)?;
        let rows = of_row;
        let of_row = rows.with(measure);
        let (sets, counts, tallies) = match with {
            Some(With { sets, counts, tallies }) => (sets, Some(counts), tallies),
            None => (self.people.cells(&of_row, shape, self.control)?, None, None),
        };
        let values = match tallies {
            Some(tallies) => CellValues::Tallied(tallies),
            None => self.values(rows, measure, counts)?,
        };
        let mut inner: Vec<Vec<usize>> = vec![Vec::new(); shape.outer()];
        for (cell, variant) in (0..shape.inner()).flat_map(|cell| (0..shape.variants()).map(move |v| (cell, v))) {
            inner[shape.place(cell, variant)].push(cell);
        }
        let rows_keys = self.rows_keys(&measure.column, &of_row, shape)?;
        let members = self.people.membership(of_row, shape, &sets);
        let again = self.again(&measure.column, limits, wanted);
        let groups = (0..shape.inner()).into_par_iter().map(|cell| {
            stopped(self.control)?;
            Ok(match &values {
                CellValues::Listed(values) => {
                    let group = Group::of(values.of_cell(cell), limits);
                    if wanted.percentiles.is_empty() { group } else { group.counted(limits.clamp) }
                }
                CellValues::Tallied(tallies) => Group::tallied(&tallies[cell], limits),
            })
        });
        let groups = groups.collect::<Result<Vec<Group<'_>>, RunError>>()?;
        let found = sets.into_par_iter().zip(inner).enumerate().map(|(place, (cell, inner))| {
            stopped(self.control)?;
            let set = PersonSet { members: Members::new(Arc::clone(&members), place), ..cell.set };
            let inner: Vec<&Group<'_>> = inner.iter().map(|cell| &groups[*cell]).collect();
            let magnitude = magnitude(&inner, set, limits, wanted, self.parameters);
            let rows_key = rows_keys.get(place).copied();
            Ok(RawMagnitude { again: again.clone(), rows_key, ..magnitude })
        });
        Ok((self.head(measure, limits), found.collect::<Result<_, RunError>>()?))
    }

    /// The keys of a column over the rows of each cell and margin; none where a row is a person.
    fn rows_keys(&self, column: &Column, of_row: &RowCells, shape: &Shape) -> Result<Vec<[u8; 32]>, RunError> {
        if self.people.direct() {
            return Ok(Vec::new());
        }
        let mut sums = vec![0u128; shape.outer()];
        for (row, cell) in of_row.rows(self.control)? {
            let mark = mark_of(row);
            for variant in 0..shape.variants() {
                let sum = &mut sums[shape.place(cell as usize, variant)];
                *sum = sum.wrapping_add(mark);
            }
        }
        Ok(sums.iter().map(|sum| column_key("these rows", &[&column.key, &sum.to_le_bytes()])).collect())
    }

    /// The numbers of a measure by the cell of each row that has one: tallied where they are few, else listed.
    fn values(
        &self,
        of_row: &RowCells,
        measure: &Measure,
        counts: Option<Vec<PartCounts>>,
    ) -> Result<CellValues, RunError> {
        let data = &measure.column.data;
        let tallied = narrow(&measure.column).and_then(|span| Tally::of_cells(of_row, data, span, self.control));
        match tallied {
            Some(tallies) => tallies.map(CellValues::Tallied),
            None => ByCell::of(&of_row.with(measure), measure, counts, self.control).map(CellValues::Listed),
        }
    }

    /// The statistics of a column over any persons, where it has values outside the population and a row is a person.
    fn again(&self, column: &Column, limits: Limits, wanted: &Wanted) -> Option<Arc<Again>> {
        let keys = self.people.keys_by_row().filter(|_| column.row_wise)?;
        let (column, wanted, parameters) = (column.clone(), wanted.clone(), self.parameters.clone());
        Some(Arc::new(Again { column, keys, limits, wanted, parameters }))
    }

    /// P1 and P99 over the whole dataset version (SDC-101); over the population for a column that has no values
    /// elsewhere.
    fn limits(&self, column: &Column) -> Result<Limits, RunError> {
        let compute = |within: Option<&Mask>| {
            let rows = self.mask.len();
            let derived = column.core.is_derived().then(|| secret_share(column, self.people));
            let finding = Finding { winsor: self.parameters.winsor, derived };
            let limits = match narrow(column) {
                Some(span) => {
                    Limits::tallied(&Tally::of_column(&column.data, span, rows, within, self.control)?, finding)
                }
                None => Limits::of(&Chunks { column, rows, within }, finding),
            };
            stopped(self.control).map(|()| limits)
        };
        if column.row_wise {
            self.cache.limits(column.key, || compute(None))
        } else {
            compute(Some(&*self.dataset.mask))
        }
    }

    /// The ends of an axis of a column: its P1 and P99 with three digits, as they are shown, and more where those are one value.
    pub(crate) fn limits_of(&self, column: &Column) -> Result<(f64, f64), RunError> {
        let (low, high) = self.limits(column)?.clamp.unwrap_or((0.0, 1.0));
        let (low, high) = (three_digits(low), three_digits(high));
        Ok(if low < high { (low, high) } else { (low - 0.5, low + 0.5) })
    }

    fn head(&self, measure: &Measure, limits: Limits) -> RawMeasure {
        let Measure { name, column, .. } = measure;
        let title = column.title.as_ref().map(|t| t.text(self.options.language).to_owned());
        RawMeasure {
            name: name.clone(),
            label: title.filter(|t| !t.is_empty()),
            kind: match column.data_type {
                script::DataType::Date => MeasureKind::Date,
                script::DataType::Integer if !matches!(column.data.values, Values::Float(_)) => MeasureKind::Integer,
                _ => MeasureKind::Decimal,
            },
            origin: column.origin.to_vec(),
            column_key: column.key,
            row_wise: column.row_wise,
            limits: limits.clamp,
            wide: limits.wide,
            light_tails: limits.light_tails,
            derived: limits.derived.then_some(*column.core.key()),
        }
    }
}

impl Measure {
    /// One that these rows have a number in.
    #[cfg(test)]
    pub(crate) fn in_rows(rows: Mask, column: Column) -> Self {
        Self { name: String::new(), column, counted: Arc::new(rows) }
    }

    /// Bytes of the column, and of what is known of it.
    pub(crate) fn bytes(&self) -> usize {
        self.column.data.bytes() + self.counted.bytes()
    }

    /// What tallies it in so many cells; none where its numbers are listed.
    pub(crate) fn counter(&self, cells: usize) -> Option<Counter<'_>> {
        Counter::of(&self.column.data, narrow(&self.column)?, cells)
    }

    /// Whether a row has a number that statistics count.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.counted.get(row)
    }

    /// Which rows have a number that statistics count, 64 a word.
    pub(crate) fn words(&self, range: Range<usize>) -> &[u64] {
        self.counted.words(range)
    }
}

/// A number between 0 and 1 that follows from the core of a column, and that nobody knows without the record keys.
fn secret_share(column: &Column, people: &People) -> f64 {
    let secret = people.record_keys().record().first().copied().unwrap_or_default().to_le_bytes();
    let digest = column_key("limits", &[column.core.key(), &secret]);
    f64::from(u16::from_le_bytes([digest[0], digest[1]])) / 65_536.0
}

/// Beyond these values nothing of a derived column tells in a fit how far out it lies: so far from the limits that the column
/// has over these rows as they are apart. None for a register variable, whose values nobody invents.
pub(crate) fn fence(column: &Column, people: &People, rows: &Mask, winsor: (f64, f64)) -> Option<(f64, f64)> {
    let derived = column.core.is_derived().then(|| secret_share(column, people))?;
    let pieces = Chunks { column, rows: rows.len(), within: Some(rows) };
    let limits = Limits::of(&pieces, Finding { winsor, derived: Some(derived) });
    // Where nearly all have one value the others are all the tail there is.
    let (low, high) = limits.clamp.filter(|(low, high)| low < high).or(limits.wide)?;
    let width = high - low;
    let whole = !matches!(column.data.values, Values::Float(_));
    Some(if whole { ((low - width).floor(), (high + width).ceil()) } else { (low - width, high + width) })
}

/// A number for a row, such that the sum of those of some rows tells which they are.
fn mark_of(row: u32) -> u128 {
    let half = |salt: u64| {
        // The finaliser of splitmix64: every bit of the number of the row decides about every bit.
        let x = (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(x ^ (x >> 31))
    };
    half(0) << 64 | half(0x5851_f42d_4c95_7f2d)
}

/// The numbers of a measure in every cell.
enum CellValues {
    Listed(ByCell),
    Tallied(Vec<Tally>),
}

/// Numbers brought together by cell, in the order of the rows within a cell.
struct ByCell {
    values: Vec<f64>,
    starts: Vec<usize>,
}

impl ByCell {
    /// The numbers of a measure in the cells of rows that have one. `counts` are those of the same rows, where they are known.
    fn of(
        of_row: &RowCells,
        measure: &Measure,
        counts: Option<Vec<PartCounts>>,
        control: &dyn Control,
    ) -> Result<Self, RunError> {
        let counts = counts.map_or_else(|| of_row.counts(control), Ok)?;
        let cells = of_row.cells();
        let mut starts = vec![0; cells + 1];
        for cell in 0..cells {
            starts[cell + 1] = starts[cell] + counts.iter().map(|p| p.in_cell[cell]).sum::<usize>();
        }
        let mut values = vec![0.0; starts[cells]];
        // The room of each part in each cell.
        let mut rooms: Vec<Vec<std::slice::IterMut<'_, f64>>> =
            counts.iter().map(|_| Vec::with_capacity(cells)).collect();
        let mut left = values.as_mut_slice();
        for cell in 0..cells {
            for (rooms, counts) in rooms.iter_mut().zip(&counts) {
                let (room, rest) = left.split_at_mut(counts.in_cell[cell]);
                rooms.push(room.iter_mut());
                left = rest;
            }
        }
        let parts: Vec<_> = rooms.into_iter().zip(counts).collect();
        parts.into_par_iter().try_for_each(|(mut rooms, PartCounts { part, .. })| {
            let mut found: Vec<(u32, f64)> = vec![(0, 0.0); BLOCK];
            of_row.blocks(part, BLOCK, control, |first, of_row| {
                // First those that count, without a branch; then each to its cell.
                let (column, range) = (&measure.column, first..first + of_row.len());
                // Rows without a number are in no cell, whatever stands there.
                let numbers =
                    if is_plain(column, &range) { widened(&column.data, range) } else { numbers(column, range) };
                let mut n = 0;
                for (cell, x) in of_row.iter().zip(numbers) {
                    found[n] = (*cell, x);
                    n += usize::from((*cell as usize) < cells);
                }
                for (cell, x) in &found[..n] {
                    if let Some(slot) = rooms[*cell as usize].next() {
                        *slot = *x;
                    }
                }
            })
        })?;
        Ok(Self { values, starts })
    }

    fn of_cell(&self, cell: usize) -> &[f64] {
        &self.values[self.starts[cell]..self.starts[cell + 1]]
    }
}

/// The numbers of a column chunk by chunk, of all rows or of those of a mask.
struct Chunks<'a> {
    column: &'a Column,
    rows: usize,
    within: Option<&'a Mask>,
}

impl Pieces for Chunks<'_> {
    fn number(&self) -> usize {
        self.rows.div_ceil(CHUNK)
    }

    fn piece(&self, i: usize) -> Cow<'_, [f64]> {
        let range = i * CHUNK..((i + 1) * CHUNK).min(self.rows);
        let data = &self.column.data;
        let mut numbers;
        let mut words = if is_plain(self.column, &range) {
            numbers = widened(data, range.clone());
            known_words(data, range.clone())
        } else {
            numbers = self::numbers(self.column, range.clone());
            pack(&numbers.iter().map(|x| u8::from(!x.is_nan())).collect::<Vec<u8>>()).collect()
        };
        if let Some(mask) = self.within {
            words.iter_mut().zip(mask.words(range)).for_each(|(word, mask)| *word &= mask);
        }
        // Those that count are moved to the front, without a branch for each.
        let mut n = 0;
        for (first, word) in (0..numbers.len()).step_by(WORD).zip(words) {
            let end = (first + WORD).min(numbers.len());
            if word == u64::MAX {
                numbers.copy_within(first..end, n);
                n += end - first;
                continue;
            }
            for at in first..end {
                numbers[n] = numbers[at];
                n += (word >> (at - first) & 1) as usize;
            }
        }
        numbers.truncate(n);
        Cow::Owned(numbers)
    }
}

/// Whether the numbers of a stretch stand in the column as they are, all of them counted where they are valid.
fn is_plain(column: &Column, range: &Range<usize>) -> bool {
    column.flagged.is_empty() && column.data.dictionary.is_none() && range.end <= column.data.len()
}

/// Which rows of a stretch within the column are valid, 64 a word.
fn known_words(data: &Data, range: Range<usize>) -> Vec<u64> {
    match &data.validity {
        Some(validity) => valid_words(validity, range),
        None => {
            let bits = |first: usize| u64::MAX >> (WORD - (range.len() - first).min(WORD));
            (0..range.len()).step_by(WORD).map(bits).collect()
        }
    }
}

/// The values of a stretch within a column without dictionary as decimals, whether they are valid or not.
fn widened(data: &Data, range: Range<usize>) -> Vec<f64> {
    macro_rules! widen {
        ($v:expr, $as:expr) => {
            $v[range].iter().map($as).collect()
        };
    }
    match &data.values {
        Values::Int8(v) => widen!(v, |x| f64::from(*x)),
        Values::Int16(v) => widen!(v, |x| f64::from(*x)),
        Values::Int32(v) | Values::Date(v) => widen!(v, |x| f64::from(*x)),
        Values::Int64(v) => widen!(v, |x| *x as f64),
        Values::Float(v) => v[range].to_vec(),
        _ => vec![f64::NAN; range.len()],
    }
}

/// A stretch of a column as numbers; NaN where statistics have nothing to count.
pub(crate) fn numbers(column: &Column, range: Range<usize>) -> Vec<f64> {
    let data = &column.data;
    if is_plain(column, &range) {
        let mut out = widened(data, range.clone());
        if let Some(validity) = &data.validity {
            for (out, word) in out.chunks_mut(WORD).zip(valid_words(validity, range)) {
                for (i, x) in out.iter_mut().enumerate() {
                    *x = if word >> i & 1 == 1 { *x } else { f64::NAN };
                }
            }
        }
        return out;
    }
    let counted = column.counted(range.clone());
    let numbers = data.read(range).content.into_decimal();
    numbers.into_iter().zip(counted).map(|(x, ok)| if ok { x } else { f64::NAN }).collect()
}
