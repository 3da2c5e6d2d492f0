//! The rows of a Cox regression in the order of time, cut where events happen. Who is at risk at an event is then a suffix of
//! the rows, less those that came in later, so all risk sets are sums from behind.

use std::ops::Range;

use rayon::prelude::*;

use crate::descriptive::Moments;
use crate::design::Design;
use crate::order::{ascending, key};
use crate::rows::{CHUNK, Frame};

/// Rows of a piece of work, about: its covariates are to stay near the processor.
const PIECE: usize = 2048;
/// Moments with fewer rows are added up row by row whenever they are needed.
const FEW: usize = 8;
/// Rows that means and standard deviations of covariates are estimated from: they need not be exact.
const SAMPLE: usize = 1 << 14;

/// A time with events within a stratum, and all rows last seen from it until the next such time.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Moment {
    /// The time.
    pub(super) time: f64,
    /// Rows by place; those with the event are the first.
    pub(super) rows: Range<usize>,
    /// How many have the event.
    pub(super) events: usize,
    /// Rows that came in at this time or later, until the next such time: a part of [`Risk::late`].
    pub(super) late: Range<usize>,
    /// Where its sums are kept, where it has enough rows for that.
    pub(super) slot: Option<u32>,
}

impl Moment {
    /// The rows with the event.
    pub(super) fn event_rows(&self) -> Range<usize> {
        self.rows.start..self.rows.start + self.events
    }
}

/// Moments that are worked on together, of one stratum.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Piece {
    pub(super) moments: Range<usize>,
    pub(super) rows: Range<usize>,
    /// Whether it is the last of its stratum, where sums from behind begin.
    pub(super) last: bool,
    /// The slots of its moments.
    pub(super) slots: Range<usize>,
}

/// The rows that are at risk at some event, in the order of stratum, time and events before others.
pub(super) struct Risk {
    /// The row of the frame at each place.
    pub(super) order: Vec<u32>,
    pub(super) moments: Vec<Moment>,
    pub(super) pieces: Vec<Piece>,
    /// Places of rows that came in after the first event of their stratum, by the moment that they were too late for.
    pub(super) late: Vec<u32>,
    /// By place, the number of the last moment that was missed; none where rows do not come in.
    pub(super) missed: Option<Vec<u32>>,
    /// Number of columns.
    pub(super) width: usize,
    /// Covariates by place, moved and in units of [`Units`].
    columns: Vec<Vec<f64>>,
}

/// What covariates are moved by and measured in: about their means and, by a factor of less than two, standard deviations.
pub(super) struct Units {
    means: Vec<f64>,
    pub(super) scales: Vec<f64>,
}

impl Units {
    /// For the columns of a design after its constant. A column that does not vary in the sample is in units of 1.
    pub(super) fn of(frame: &Frame, design: &Design) -> Self {
        let sample = frame.every(frame.len().div_ceil(SAMPLE).max(1));
        let mut values = vec![0.0; sample.len()];
        let (mut means, mut scales) = (Vec::new(), Vec::new());
        for column in &design.columns[usize::from(design.constant)..] {
            column.fill(&sample, 0..sample.len(), &mut values);
            let moments = Moments::of(&values);
            let variance = moments.squares / moments.n;
            means.push(moments.mean);
            // A power of two, so that no digit is lost.
            scales.push(if variance > 0.0 { variance.sqrt().log2().round().exp2() } else { 1.0 });
        }
        Self { means, scales }
    }
}

/// No moment was missed.
pub(super) const NONE: u32 = u32::MAX;

/// What the risk sets are made of, by row of the frame.
pub(super) struct Times<'a> {
    pub(super) events: &'a [f64],
    pub(super) times: &'a [f64],
    pub(super) entries: Option<&'a [f64]>,
    pub(super) strata: Option<&'a [f64]>,
}

impl Risk {
    /// Puts rows in order.
    pub(super) fn of(times: &Times<'_>) -> Self {
        let n = times.times.len();
        let stratum = |i: u32| times.strata.map_or(0.0, |s| s[i as usize]);
        // Times are not negative, so that the highest bit is free; events stand before others at the same time.
        let bits = |i: u32| (key(times.times[i as usize]) << 1) | u64::from(times.events[i as usize] == 0.0);
        let mut keys = ascending((0..n as u32).map(bits));
        if times.strata.is_some() {
            keys.par_sort_by(|a, b| stratum(a.1).total_cmp(&stratum(b.1)));
        }
        let mut risk = Self {
            order: Vec::with_capacity(n),
            moments: Vec::new(),
            pieces: Vec::new(),
            late: Vec::new(),
            missed: None,
            width: 0,
            columns: Vec::new(),
        };
        for rows in keys.chunk_by(|a, b| stratum(a.1) == stratum(b.1)) {
            risk.stratum(rows, times.entries);
        }
        risk
    }

    /// Adds a stratum.
    fn stratum(&mut self, rows: &[(u64, u32)], entries: Option<&[f64]>) {
        let first = self.moments.len();
        for (bits, row) in rows {
            let event = bits & 1 == 0;
            let time = f64::from_bits(bits >> 1);
            let place = self.order.len();
            if event && (self.moments.len() == first || self.moments.last().is_some_and(|m| m.time != time)) {
                self.moments.push(Moment { time, rows: place..place, events: 0, late: 0..0, slot: None });
            }
            if self.moments.len() == first {
                // Last seen before the first event.
                continue;
            }
            if let Some(moment) = self.moments.last_mut() {
                moment.events += usize::from(event);
                moment.rows.end += 1;
                self.order.push(*row);
            }
        }
        if let Some(entries) = entries {
            self.come_in(first, entries);
        }
        let mut start = first;
        while start < self.moments.len() {
            let from = self.moments[start].rows.start;
            let mut end = start + 1;
            while end < self.moments.len() && self.moments[end].rows.end - from <= PIECE {
                end += 1;
            }
            let rows = from..self.moments[end - 1].rows.end;
            let before = self.slots();
            let mut slots = before..before;
            for moment in self.moments[start..end].iter_mut().filter(|m| m.rows.len() >= FEW) {
                moment.slot = Some(slots.end as u32);
                slots.end += 1;
            }
            self.pieces.push(Piece { moments: start..end, rows, last: end == self.moments.len(), slots });
            start = end;
        }
    }

    /// Notes which moments rows of the stratum that begins with moment `first` were too late for.
    fn come_in(&mut self, first: usize, entries: &[f64]) {
        let Some(start) = self.moments.get(first).map(|m| m.rows.start) else { return };
        let missed = self.missed.get_or_insert_default();
        let moments = &self.moments[first..];
        let mut late: Vec<(u32, u32)> = Vec::new();
        for place in start..self.order.len() {
            // At risk after the entry, up to and including the time.
            let entry = entries[self.order[place] as usize];
            match moments.partition_point(|m| m.time <= entry).checked_sub(1) {
                None => missed.push(NONE),
                Some(number) => {
                    missed.push((first + number) as u32);
                    late.push(((first + number) as u32, place as u32));
                }
            }
        }
        late.sort_unstable();
        let mut at = self.late.len();
        for (number, moment) in self.moments.iter_mut().enumerate().skip(first) {
            let more = late.iter().skip(at - self.late.len()).take_while(|(m, _)| *m as usize == number).count();
            moment.late = at..at + more;
            at += more;
        }
        self.late.extend(late.iter().map(|(_, place)| *place));
    }

    /// Number of moments whose sums are kept.
    pub(super) fn slots(&self) -> usize {
        self.pieces.last().map_or(0, |p| p.slots.end)
    }

    /// Takes in the covariates of a design after its constant, in these units. Rows are read in their order, so that the places of
    /// rows of the same time are filled one after the other.
    pub(super) fn fill(&mut self, frame: &Frame, design: &Design, units: &Units) {
        let columns = &design.columns[usize::from(design.constant)..];
        self.width = columns.len();
        let places = self.order.len();
        // Rows that are never at risk go to a place behind all.
        let mut place = vec![places as u32; frame.len()];
        (0..).zip(&self.order).for_each(|(number, row)| place[*row as usize] = number);
        let filled = columns.par_iter().enumerate().map(|(j, column)| {
            let (mean, inverse) = (units.means[j], 1.0 / units.scales[j]);
            let mut out = vec![0.0; places + 1];
            let mut values = vec![0.0; CHUNK.min(frame.len())];
            for (chunk, place) in place.chunks(CHUNK).enumerate() {
                let values = &mut values[..place.len()];
                column.fill(frame, chunk * CHUNK..chunk * CHUNK + place.len(), values);
                place.iter().zip(values.iter()).for_each(|(place, x)| out[*place as usize] = (x - mean) * inverse);
            }
            out.truncate(places);
            out
        });
        self.columns = filled.collect();
    }

    /// Numbers by place, piece by piece.
    pub(super) fn cut<'a>(&self, values: &'a mut [f64]) -> Vec<&'a mut [f64]> {
        cut(values, self.pieces.iter().map(|p| p.rows.len()))
    }

    /// The values of a column over the rows of a piece.
    pub(super) fn column(&self, piece: &Piece, j: usize) -> &[f64] {
        &self.columns[j][piece.rows.clone()]
    }

    /// The value of a column at a place.
    pub(super) fn value(&self, place: usize, j: usize) -> f64 {
        self.columns[j][place]
    }
}

/// Slices of these lengths, one after the other.
pub(super) fn cut(values: &mut [f64], lengths: impl Iterator<Item = usize>) -> Vec<&mut [f64]> {
    let mut rest = values;
    let mut parts = Vec::new();
    for length in lengths {
        let (part, more) = rest.split_at_mut(length);
        parts.push(part);
        rest = more;
    }
    parts
}
