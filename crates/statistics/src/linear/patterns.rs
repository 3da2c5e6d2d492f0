//! Compression of rows to the patterns of their covariates (STAT-020): a register's covariates are mostly categories, so millions
//! of rows hold a few thousand patterns, and a model is fitted to those. A pattern carries its number of rows and the sums of y and
//! y² about a pivot. Where patterns are not much fewer than rows, every row is a pattern of its own.
//!
//! Whole numbers within a small range become places in a table ([`Grid`]); anything else is looked up by its bits. Rows are read in
//! chunks, in a few parts whose number depends on the problem alone, so that sums have the same bits whatever the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::sum;
use super::grid::{Grid, MISSING, PLACES, Span, Unfit, chunks};
use super::lookup::Table;
use super::tally::{Cell, Exact, Seen, Tally};
use crate::order::{ascending, key};
use crate::problem::Problem;
use crate::rows::{CHUNK, Frame, Rows};

/// Most parts that rows are read in.
const PARTS: usize = 16;
/// A row without a pattern: something is missing in it.
pub const NONE: u32 = u32::MAX;

/// What to compress.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Variables that make a pattern, each once.
    pub covariates: &'a [usize],
    /// The dependent variable; it may be one of the covariates as well, where its values matter beyond their sums.
    pub y: Option<usize>,
    /// The variable by which errors are clustered: patterns of different clusters are different.
    pub cluster: Option<usize>,
    /// Whether the pattern of each source row is wanted.
    pub places: bool,
}

/// The clusters of patterns.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// By pattern, from 0.
    pub of: Vec<u32>,
    /// Number of clusters.
    pub count: usize,
}

/// Patterns, ascending by the values of the covariates, or rows in their order.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// The covariates, in the order of the request; `origin` is the number of the source row where every row is a pattern of its
    /// own, else the number of the pattern.
    pub frame: Frame,
    /// Number of rows of each pattern.
    pub weight: Vec<f64>,
    /// Σ(y − pivot) of each; zeros without y.
    pub sum: Vec<f64>,
    /// Σ(y − pivot)² of each.
    pub squares: Vec<f64>,
    /// The first y.
    pub pivot: f64,
    /// Least and largest y of the rows used.
    pub range: (f64, f64),
    /// Whether every y is a whole number.
    pub whole: bool,
    /// Clusters, where asked for.
    pub clusters: Option<Clusters>,
    /// Number of rows used.
    pub n: f64,
    /// Whether every row is a pattern of its own.
    pub by_row: bool,
    /// The pattern of each source row, or [`NONE`]; where asked for.
    pub places: Option<Vec<u32>>,
}

impl Patterns {
    /// Reads the rows in which nothing is missing (STAT-003).
    ///
    /// # Errors
    /// `E_STOPPED` when the work is to be stopped.
    pub fn of(rows: &dyn Rows, request: Request<'_>) -> Result<Self, Problem> {
        let reader = Reader::of(rows, request);
        // A value beyond what the first look saw is not rare: then the whole range is found out.
        for every in [false, true] {
            let Some(spans) = reader.spans(every) else { break };
            let grid = match Grid::of(rows, &reader.keys, &spans) {
                Ok(grid) => grid,
                Err(Unfit::Outside) => continue,
                Err(Unfit::Many) => break,
            };
            if let Some(parts) = reader.parts(&|range| reader.by_grid(&grid, range), parts(&grid, rows.len()))? {
                return reader.joined_grid(&grid, parts).map_or_else(|| reader.rows(), Ok);
            }
        }
        match reader.hashed()? {
            Some(patterns) => Ok(patterns),
            None => reader.rows(),
        }
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.frame.is_empty()
    }

    /// The mean of y in each pattern, less the pivot.
    pub fn means(&self) -> Vec<f64> {
        self.sum.iter().zip(&self.weight).map(|(s, w)| s / w).collect()
    }

    /// Σ(y − mean of its pattern)² of each.
    pub fn within(&self) -> Vec<f64> {
        let each = |((q, s), w): ((&f64, &f64), &f64)| (q - s * s / w).max(0.0);
        self.squares.iter().zip(&self.sum).zip(&self.weight).map(each).collect()
    }

    /// Σ(y − ȳ)², or Σy² when it is not `centred`.
    pub fn total_squares(&self, centred: bool) -> f64 {
        let means = self.means();
        let middle = if centred { sum(self.sum.iter().copied()) / self.n } else { -self.pivot };
        let between = means.iter().zip(&self.weight).map(|(m, w)| w * (m - middle).powi(2));
        sum(between.chain(self.within()))
    }
}

/// Cells of a part of the rows: of every place of the table, or of those keys that occur.
struct Part {
    cells: Vec<Cell>,
    keys: Vec<u64>,
    seen: Seen,
    /// The cell of each row of the part.
    places: Vec<u32>,
}

/// In how many parts rows are read: tables are to stay small beside the rows.
fn parts(grid: &Grid, rows: usize) -> usize {
    (rows / grid.places.max(1) / 2).clamp(1, PARTS)
}

struct Reader<'a> {
    rows: &'a dyn Rows,
    y: Option<usize>,
    /// Covariates, then the cluster.
    keys: Vec<usize>,
    clustered: bool,
    places: bool,
    pivot: f64,
    /// Whether sums of y seem to be exact.
    exact: bool,
}

impl<'a> Reader<'a> {
    fn of(rows: &'a dyn Rows, request: Request<'_>) -> Self {
        let keys = request.covariates.iter().copied().chain(request.cluster).collect();
        let mut reader = Self {
            rows,
            y: request.y,
            keys,
            clustered: request.cluster.is_some(),
            places: request.places,
            pivot: 0.0,
            exact: true,
        };
        reader.pivot = reader.first();
        if let Some(y) = reader.y {
            reader.exact = reader.seen(y, &reader.probe()).exact(reader.pivot, rows.len().div_ceil(PARTS));
        }
        reader
    }

    fn first(&self) -> f64 {
        let Some(y) = self.y else { return 0.0 };
        let mut values = vec![0.0; CHUNK.min(self.rows.len())];
        for range in chunks(0..self.rows.len()) {
            let values = &mut values[..range.len()];
            self.rows.read(y, range, values);
            if let Some(first) = values.iter().find(|x| !x.is_nan()) {
                return *first;
            }
        }
        0.0
    }

    /// Chunks that tell what the rows are like: first, middle, last.
    fn probe(&self) -> Vec<Range<usize>> {
        let all = chunks(0..self.rows.len());
        let mut some = vec![0, all.len() / 2, all.len().saturating_sub(1)];
        some.dedup();
        some.into_iter().filter_map(|i| all.get(i).cloned()).collect()
    }

    /// What a variable looks like in some chunks.
    fn seen(&self, variable: usize, chunks: &[Range<usize>]) -> Seen {
        let mut seen = Seen::NOTHING;
        let mut values = vec![0.0; CHUNK.min(self.rows.len())];
        for range in chunks {
            let values = &mut values[..range.len()];
            self.rows.read(variable, range.clone(), values);
            seen.take_all(values);
        }
        seen
    }

    /// The ranges of the variables, where all seem to be whole numbers within small ones; by a few chunks or by every one. Reading
    /// tells whether they are.
    fn spans(&self, every: bool) -> Option<Vec<Span>> {
        let ranges = if every { chunks(0..self.rows.len()) } else { self.probe() };
        let seen: Vec<Seen> = self.keys.par_iter().map(|key| self.seen(*key, &ranges)).collect();
        let span = |(key, seen): (&usize, Seen)| {
            // Categories are known; other numbers may go a little beyond what was seen.
            let (low, high) = match self.rows.categories(*key) {
                Some(categories) => (0.0, categories.len().max(1) as f64 - 1.0),
                None if seen.low > seen.high => (0.0, 0.0),
                None => {
                    let margin =
                        if seen.high - seen.low > 8.0 && !every { ((seen.high - seen.low) / 8.0).ceil() } else { 0.0 };
                    (seen.low - margin, seen.high + margin)
                }
            };
            let small = seen.whole && high - low < PLACES as f64 && low.abs() <= 1e15;
            small.then(|| Span { low, size: (high - low) as usize + 1 })
        };
        self.keys.iter().zip(seen).map(span).collect()
    }

    /// Reads all rows in parts; none when a part could not be read that way.
    fn parts(
        &self,
        read: &(dyn Fn(Range<usize>) -> Option<Part> + Sync),
        parts: usize,
    ) -> Result<Option<Vec<Part>>, Problem> {
        let size = self.rows.len().div_ceil(parts).next_multiple_of(CHUNK).max(CHUNK);
        let ranges: Vec<Range<usize>> =
            (0..self.rows.len()).step_by(size).map(|start| start..(start + size).min(self.rows.len())).collect();
        let found = ranges.into_par_iter().map(read).collect();
        if self.rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        Ok(found)
    }

    /// A part of the rows into the table; none where a value has no place in it.
    fn by_grid(&self, grid: &Grid, part: Range<usize>) -> Option<Part> {
        // What begins with small whole numbers is mostly that; what was seen in the end tells whether the sums are exact.
        if self.exact
            && let Some(found) = self.tallied::<Exact>(grid, part.clone())
            && found.seen.exact(self.pivot, part.len())
        {
            return Some(found);
        }
        self.tallied::<Cell>(grid, part)
    }

    fn tallied<T: Tally>(&self, grid: &Grid, part: Range<usize>) -> Option<Part> {
        let mut cells = vec![T::default(); grid.places];
        let mut seen = Seen::NOTHING;
        let mut found = Vec::with_capacity(if self.places { part.len() } else { 0 });
        let (mut values, mut places) = (vec![0.0; CHUNK], vec![0_u32; CHUNK]);
        for range in chunks(part) {
            if self.rows.stopped() {
                return None;
            }
            let (values, places) = (&mut values[..range.len()], &mut places[..range.len()]);
            if !grid.read(self.rows, &self.keys, range.clone(), values, places) {
                return None;
            }
            match self.y {
                Some(y) => self.rows.read(y, range, values),
                None => values.fill(self.pivot),
            }
            for (place, y) in places.iter_mut().zip(values.iter_mut()) {
                let missing = (*place >= MISSING) | y.is_nan();
                *place = if missing { NONE } else { *place };
                *y = if missing { f64::NAN } else { *y };
            }
            seen.take_all(values);
            for (place, y) in places.iter().zip(values.iter()) {
                if let Some(cell) = cells.get_mut(*place as usize) {
                    cell.take(y - self.pivot);
                }
            }
            if self.places {
                found.extend_from_slice(places);
            }
        }
        let cells = cells.into_iter().map(T::cell).collect();
        Some(Part { cells, keys: Vec::new(), seen, places: found })
    }

    /// The table's places that occur, as patterns; none when they are too many for that to help.
    fn joined_grid(&self, grid: &Grid, parts: Vec<Part>) -> Option<Patterns> {
        let mut parts = parts.into_iter();
        let mut whole = parts.next()?;
        for part in parts {
            whole.cells.par_iter_mut().zip(&part.cells).for_each(|(a, b)| a.join(b));
            whole.seen = whole.seen.join(part.seen);
            whole.places.extend(part.places);
        }
        let mut used: Vec<usize> = (0..grid.places).filter(|i| whole.cells[*i].weight > 0.0).collect();
        grid.sort(&mut used);
        let columns = grid.values(&used);
        let mut number = vec![NONE; grid.places];
        used.iter().enumerate().for_each(|(i, place)| number[*place] = i as u32);
        let cells = used.iter().map(|i| whole.cells[*i]).collect();
        self.patterns(columns, cells, whole.seen, whole.places, &number)
    }

    /// By the bits of the values.
    fn hashed(&self) -> Result<Option<Patterns>, Problem> {
        // When nearly every row that is looked at differs from the others, so will the rest.
        let mut some = Table::new(self.keys.len());
        let mut looked = 0;
        for range in self.probe() {
            let values = self.read(range);
            looked += values.rows;
            for i in 0..values.rows {
                values.key(i).for_each(|key| some.push(key));
                some.place();
            }
        }
        if looked > 256 && some.len() as f64 > 0.95 * looked as f64 {
            return Ok(None);
        }
        let limit = self.rows.len() / 4;
        let Some(parts) = self.parts(&|range| self.by_hash(range, limit), PARTS)? else { return Ok(None) };
        Ok(self.joined_hash(parts))
    }

    fn by_hash(&self, part: Range<usize>, limit: usize) -> Option<Part> {
        let mut table = Table::new(self.keys.len());
        let mut out = Part { cells: Vec::new(), keys: Vec::new(), seen: Seen::NOTHING, places: Vec::new() };
        for range in chunks(part) {
            if self.rows.stopped() {
                return None;
            }
            let size = range.len();
            let values = self.read(range);
            let mut places = vec![NONE; if self.places { size } else { 0 }];
            for i in 0..values.rows {
                values.key(i).for_each(|key| table.push(key));
                let place = table.place();
                if place == out.cells.len() {
                    out.cells.push(Cell::default());
                }
                out.cells[place].take(values.y[i] - self.pivot);
                out.seen.take(values.y[i]);
                if self.places {
                    places[values.at[i] as usize] = place as u32;
                }
            }
            if table.len() > limit {
                return None;
            }
            out.places.extend(places);
        }
        out.keys = table.keys;
        Some(out)
    }

    fn joined_hash(&self, parts: Vec<Part>) -> Option<Patterns> {
        let width = self.keys.len();
        let mut table = Table::new(width);
        let (mut cells, mut seen, mut places): (Vec<Cell>, _, Vec<u32>) = (Vec::new(), Seen::NOTHING, Vec::new());
        for part in parts {
            let mut number = Vec::with_capacity(part.cells.len());
            for (i, cell) in part.cells.iter().enumerate() {
                part.keys[i * width..(i + 1) * width].iter().for_each(|key| table.push(*key));
                let place = table.place();
                if place == cells.len() {
                    cells.push(Cell::default());
                }
                cells[place].join(cell);
                number.push(place as u32);
            }
            seen = seen.join(part.seen);
            places.extend(part.places.iter().map(|p| if *p == NONE { NONE } else { number[*p as usize] }));
        }
        let value = |i: usize, j: usize| f64::from_bits(table.keys[i * width + j]);
        let mut order: Vec<usize> = (0..cells.len()).collect();
        order.sort_by(|a, b| {
            let differ = (0..width).map(|j| value(*a, j).total_cmp(&value(*b, j)));
            differ.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let columns = (0..width).map(|j| order.iter().map(|i| value(*i, j)).collect()).collect();
        let mut number = vec![NONE; cells.len()];
        order.iter().enumerate().for_each(|(new, old)| number[*old] = new as u32);
        let cells = order.iter().map(|i| cells[*i]).collect();
        self.patterns(columns, cells, seen, places, &number)
    }

    /// Patterns from what was found; none when they are not fewer than a quarter of the rows.
    fn patterns(
        &self,
        mut columns: Vec<Vec<f64>>,
        cells: Vec<Cell>,
        seen: Seen,
        places: Vec<u32>,
        number: &[u32],
    ) -> Option<Patterns> {
        let n: f64 = cells.iter().map(|c| c.weight).sum();
        if cells.len() as f64 >= n / 4.0 {
            return None;
        }
        let clusters = self.clustered.then(|| Clusters::of(&columns.pop().unwrap_or_default()));
        let renumbered = |p: u32| if p == NONE { NONE } else { number[p as usize] };
        Some(Patterns {
            frame: Frame { columns, origin: (0..cells.len() as u32).collect() },
            weight: cells.iter().map(|c| c.weight).collect(),
            sum: cells.iter().map(|c| c.sum.0 + c.sum.1).collect(),
            squares: cells.iter().map(|c| c.squares.0 + c.squares.1).collect(),
            pivot: self.pivot,
            range: (seen.low, seen.high),
            whole: seen.whole,
            clusters,
            n,
            by_row: false,
            places: self.places.then(|| places.into_iter().map(renumbered).collect()),
        })
    }

    /// Every row a pattern of its own.
    fn rows(&self) -> Result<Patterns, Problem> {
        let variables: Vec<usize> = self.keys.iter().copied().chain(self.y).collect();
        let mut frame = Frame::of(self.rows, &variables);
        if self.rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        let mut seen = Seen::NOTHING;
        let y = self.y.and_then(|_| frame.columns.pop());
        let sum: Vec<f64> = match y {
            Some(y) => {
                y.iter().for_each(|y| seen.take(*y));
                y.into_iter().map(|y| y - self.pivot).collect()
            }
            None => vec![0.0; frame.len()],
        };
        let clusters = self.clustered.then(|| Clusters::of(&frame.columns.pop().unwrap_or_default()));
        let places = self.places.then(|| {
            let mut places = vec![NONE; self.rows.len()];
            frame.origin.iter().enumerate().for_each(|(i, row)| places[*row as usize] = i as u32);
            places
        });
        Ok(Patterns {
            weight: vec![1.0; frame.len()],
            squares: sum.iter().map(|y| y * y).collect(),
            sum,
            pivot: self.pivot,
            range: (seen.low, seen.high),
            whole: seen.whole,
            clusters,
            n: frame.len() as f64,
            by_row: true,
            places,
            frame,
        })
    }

    /// The complete rows of a chunk.
    fn read(&self, range: Range<usize>) -> Complete {
        let mut columns = vec![vec![0.0; range.len()]; self.keys.len()];
        columns.iter_mut().zip(&self.keys).for_each(|(out, key)| self.rows.read(*key, range.clone(), out));
        let mut y = vec![self.pivot; range.len()];
        if let Some(variable) = self.y {
            self.rows.read(variable, range.clone(), &mut y);
        }
        let complete = |i: &usize| !y[*i].is_nan() && columns.iter().all(|c| !c[*i].is_nan());
        let at: Vec<u32> = (0..range.len()).filter(complete).map(|i| i as u32).collect();
        let y = at.iter().map(|i| y[*i as usize]).collect();
        Complete { rows: at.len(), columns, at, y }
    }
}

/// The complete rows of a chunk: `at` are their places in it.
struct Complete {
    rows: usize,
    columns: Vec<Vec<f64>>,
    at: Vec<u32>,
    y: Vec<f64>,
}

impl Complete {
    /// The bits of the values of a row. Minus zero is zero.
    fn key(&self, row: usize) -> impl Iterator<Item = u64> {
        let at = self.at[row] as usize;
        self.columns.iter().map(move |column| (column[at] + 0.0).to_bits())
    }
}

impl Clusters {
    /// Numbers the distinct values.
    pub fn of(values: &[f64]) -> Self {
        // Minus zero is zero.
        if values.is_sorted() {
            let mut count = 0;
            let mut last = f64::NAN;
            let number = |x: &f64| {
                count += u32::from(*x != last);
                last = *x;
                count - 1
            };
            let of = values.iter().map(number).collect();
            return Self { of, count: count as usize };
        }
        let mut of = vec![0; values.len()];
        let mut count = 0;
        for run in ascending(values.iter().map(|x| key(*x))).chunk_by(|a, b| a.0 == b.0) {
            run.iter().for_each(|(_, row)| of[*row as usize] = count);
            count += 1;
        }
        Self { of, count: count as usize }
    }
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
