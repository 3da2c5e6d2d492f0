//! The rows of a Cox regression in the order of time, cut where events happen. Who is at risk at an event is then a suffix of
//! the rows, less those that came in later, so all risk sets are sums from behind.

use std::ops::Range;

use rayon::prelude::*;

use crate::descriptive::sum;
use crate::design::{Column, Design, Part};
use crate::rows::Frame;

/// Rows of a piece of work, about.
const PIECE: usize = 4096;

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
    /// Covariates, about their means and in units of their standard deviations: piece by piece, column by column.
    pub(super) values: Vec<f64>,
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
        // Times are not negative, so that their bits are in their order.
        let mut keys: Vec<(u64, u32, u32)> = (0..n as u32)
            .into_par_iter()
            .map(|i| {
                let time = (times.times[i as usize] + 0.0).to_bits();
                (time, u32::from(times.events[i as usize] == 0.0), i)
            })
            .collect();
        match times.strata {
            None => keys.par_sort_unstable(),
            Some(_) => keys.par_sort_unstable_by(|a, b| stratum(a.2).total_cmp(&stratum(b.2)).then(a.cmp(b))),
        }
        let mut risk = Self {
            order: Vec::with_capacity(n),
            moments: Vec::new(),
            pieces: Vec::new(),
            late: Vec::new(),
            missed: None,
            width: 0,
            values: Vec::new(),
        };
        for rows in keys.chunk_by(|a, b| stratum(a.2) == stratum(b.2)) {
            risk.stratum(rows, times.entries);
        }
        risk
    }

    /// Adds a stratum.
    fn stratum(&mut self, rows: &[(u64, u32, u32)], entries: Option<&[f64]>) {
        let first = self.moments.len();
        for (key, no_event, row) in rows {
            let new = *no_event == 0
                && (self.moments.len() == first || self.moments.last().is_some_and(|m| m.time.to_bits() != *key));
            let place = self.order.len();
            if new {
                let time = f64::from_bits(*key);
                self.moments.push(Moment { time, rows: place..place, events: 0, late: 0..0 });
            }
            if self.moments.len() == first {
                // Last seen before the first event.
                continue;
            }
            if let Some(moment) = self.moments.last_mut() {
                moment.events += usize::from(*no_event == 0);
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
            self.pieces.push(Piece { moments: start..end, rows, last: end == self.moments.len() });
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

    /// Takes in the covariates of a design after its constant, about their means and in units of their standard deviations, which it
    /// gives; 1 for a column that does not vary.
    pub(super) fn fill(&mut self, frame: &Frame, design: &Design) -> Vec<f64> {
        let columns = &design.columns[usize::from(design.constant)..];
        self.width = columns.len();
        let mut values = vec![0.0; self.order.len() * columns.len()];
        let order = &self.order;
        let mut parts = cut(&mut values, self.pieces.iter().map(|p| p.rows.len() * columns.len()));
        self.pieces.par_iter().zip(&mut parts).for_each(|(piece, part)| {
            for (column, out) in columns.iter().zip(part.chunks_mut(piece.rows.len())) {
                gather(frame, column, &order[piece.rows.clone()], out);
            }
        });
        // Sums by column over all pieces, in their order.
        let sums = |parts: &[&mut [f64]], f: &(dyn Fn(usize, f64) -> f64 + Sync)| -> Vec<f64> {
            let of = |(piece, part): (&Piece, &&mut [f64])| -> Vec<f64> {
                let each = part.chunks(piece.rows.len()).enumerate();
                each.map(|(j, column)| sum(column, |x| f(j, x))).collect()
            };
            let all: Vec<Vec<f64>> = self.pieces.par_iter().zip(parts).map(of).collect();
            (0..columns.len()).map(|j| all.iter().map(|part| part[j]).sum::<f64>() / order.len() as f64).collect()
        };
        let first: Vec<f64> = (0..columns.len()).map(|j| parts[0][j * self.pieces[0].rows.len()]).collect();
        let about = sums(&parts, &|j, x| x - first[j]);
        let means: Vec<f64> = first.iter().zip(&about).map(|(first, about)| first + about).collect();
        let squares = sums(&parts, &|j, x| (x - means[j]) * (x - means[j]));
        let scales: Vec<f64> = squares.iter().map(|s| if *s > 0.0 { s.sqrt() } else { 1.0 }).collect();
        self.pieces.par_iter().zip(&mut parts).for_each(|(piece, part)| {
            for ((column, mean), scale) in part.chunks_mut(piece.rows.len()).zip(&means).zip(&scales) {
                column.iter_mut().for_each(|x| *x = (*x - mean) / scale);
            }
        });
        self.values = values;
        scales
    }

    /// Numbers by place, piece by piece.
    pub(super) fn cut<'a>(&self, values: &'a mut [f64]) -> Vec<&'a mut [f64]> {
        cut(values, self.pieces.iter().map(|p| p.rows.len()))
    }

    /// The values of a column over the rows of a piece.
    pub(super) fn column(&self, piece: &Piece, j: usize) -> &[f64] {
        let start = piece.rows.start * self.width + j * piece.rows.len();
        &self.values[start..start + piece.rows.len()]
    }

    /// The value of a column at a place.
    pub(super) fn value(&self, place: usize, j: usize) -> f64 {
        let piece = &self.pieces[self.pieces.partition_point(|p| p.rows.end <= place)];
        self.values[piece.rows.start * self.width + j * piece.rows.len() + place - piece.rows.start]
    }
}

/// Slices of these lengths, one after the other.
fn cut(values: &mut [f64], lengths: impl Iterator<Item = usize>) -> Vec<&mut [f64]> {
    let mut rest = values;
    let mut parts = Vec::new();
    for length in lengths {
        let (part, more) = rest.split_at_mut(length);
        parts.push(part);
        rest = more;
    }
    parts
}

/// The values of a column of a design at some rows of the frame.
fn gather(frame: &Frame, column: &Column, rows: &[u32], out: &mut [f64]) {
    out.fill(1.0);
    for (place, part) in &column.parts {
        let values = &frame.columns[*place];
        let pairs = out.iter_mut().zip(rows);
        match part {
            Part::Value => pairs.for_each(|(out, i)| *out *= values[*i as usize]),
            Part::Is(code) => pairs.for_each(|(out, i)| *out *= f64::from(u8::from(values[*i as usize] == *code))),
        }
    }
}
