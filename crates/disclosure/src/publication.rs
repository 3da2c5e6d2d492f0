//! Publication mode (SDC-134): a table of counts as it can stand in a report for good. Counts add up or are rounded to
//! multiples of a base, and so many further cells are hidden that nobody can work out those that had to be.
//!
//! **Audited**: for each count that had to be hidden there are two tables, both of whole numbers from zero and both with
//! everything that is published, in which it differs by `width` or more (method: hypercubes, as in Repsilber's GHMITER).
//! A difference is a *move*: at the corners of a box over some of the dimensions counts go up and down in turn, so sums
//! over these dimensions stay what they are; sums over the others move as well and are hidden too.
//!
//! Guarantee: a function of released numbers alone, so it tells nothing that they do not. What had to be hidden and what
//! was hidden besides look the same.

use serde::{Deserialize, Serialize};

use crate::reason::Reason;
use crate::released::{Table, Value};

/// Moves that are looked at for a whole table; large tables get the best among those that come first.
const LOOKED_AT: usize = 4_000_000;
/// Moves that are looked at for each count, however many there are.
const LOOKED_AT_LEAST: usize = 500;
/// More than any count.
const ANY: i64 = 1 << 52;

/// How a table is made fit for a report.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Counts are rounded to the nearest multiple of it; without it they are adjusted to add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u32>,
    /// Counts below it are hidden, and an interval for a hidden count is at least as wide as those of one alone.
    pub min_cell: u32,
    /// An interval for a hidden count is at least this share of it wide, in per cent.
    pub p_percent: f64,
}

impl Publication {
    /// How far apart two tables must be at a count of this size.
    fn width(&self, count: i64) -> i64 {
        let share = (self.p_percent / 100.0 * count as f64).ceil() as i64;
        share.max(i64::from(self.min_cell) - 1).max(1)
    }

    /// What is published of a count, with the least and the largest count of which the same is.
    fn rounded(&self, count: i64) -> (i64, i64, i64) {
        let base = i64::from(self.base.unwrap_or(1).max(1));
        let shown = (count + base / 2) / base * base;
        (shown, (shown - base / 2).max(0), shown - base / 2 + base - 1)
    }
}

impl Table {
    /// The same table as it can be published. Hidden counts have the reason [`Reason::Secondary`].
    #[must_use]
    pub fn published(&self, rule: &Publication) -> Table {
        let mut sheet = Sheet::of(self, rule);
        let secret: Vec<usize> = (0..sheet.hidden.len()).filter(|at| sheet.hidden[*at]).collect();
        let most = (LOOKED_AT / secret.len().max(1)).max(LOOKED_AT_LEAST);
        for at in secret {
            if !sheet.protect(at, most) {
                // Nothing but the number of all: then any cell may hold any part of it.
                sheet.hidden.fill(true);
                sheet.hidden.last_mut().into_iter().for_each(|whole| *whole = false);
                break;
            }
        }
        let mut out = self.clone();
        for (at, cell) in out.cells.iter_mut().enumerate() {
            if sheet.hidden[at] {
                let hidden = Value::Hidden(Reason::Secondary);
                cell.count = hidden;
                cell.values.iter_mut().for_each(|value| *value = hidden);
            } else if let Value::Value(_) = cell.count {
                cell.count = Value::Value(rule.rounded(sheet.counts[at]).0 as f64);
            }
        }
        out
    }
}

/// Counts of cells and margins, which add up, and which of them are hidden.
struct Sheet<'a> {
    rule: &'a Publication,
    /// Categories by dimension.
    shape: Vec<usize>,
    /// How far one step of a dimension leads.
    strides: Vec<usize>,
    counts: Vec<i64>,
    hidden: Vec<bool>,
    /// True zeros: they are shown and nothing moves them.
    zero: Vec<bool>,
}

/// Two ways to change counts by one that leave what is published: up where the sign is true, down where it is false.
struct Move {
    changes: Vec<(usize, bool)>,
}

impl<'a> Sheet<'a> {
    fn of(table: &Table, rule: &'a Publication) -> Self {
        let shape: Vec<usize> = table.dimensions.iter().map(|d| d.categories.len()).collect();
        let mut strides = vec![1; shape.len()];
        for d in (1..shape.len()).rev() {
            strides[d - 1] = strides[d] * (shape[d] + 1);
        }
        let counts: Vec<i64> = table.sums().iter().map(|sum| *sum as i64).collect();
        let zero: Vec<bool> = table.cells.iter().map(|cell| cell.count == Value::Value(0.0)).collect();
        let small = |at: usize| counts[at] < i64::from(rule.min_cell) && !zero[at];
        let hidden = table.cells.iter().enumerate().map(|(at, cell)| cell.count.hidden().is_some() || small(at));
        let hidden = hidden.collect();
        Self { rule, shape, strides, counts, hidden, zero }
    }

    /// Hides what must be hidden so that the count at `at` can be `width` more or less; false when nothing helps.
    fn protect(&mut self, at: usize, most: usize) -> bool {
        let wanted = self.rule.width(self.counts[at]);
        let mut best: Option<(i64, Move)> = None;
        for candidate in self.moves(at).take(most) {
            if self.width(&candidate, false) >= wanted {
                return true;
            }
            let cost = self.cost(&candidate);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) && self.width(&candidate, true) >= wanted {
                best = Some((cost, candidate));
            }
        }
        let found = best.is_some();
        for (at, _) in best.into_iter().flat_map(|(_, candidate)| candidate.changes) {
            self.hidden[at] = true;
        }
        found
    }

    /// The persons in counts that a move would hide besides.
    fn cost(&self, candidate: &Move) -> i64 {
        candidate.changes.iter().filter(|(at, _)| !self.hidden[*at]).map(|(at, _)| self.counts[*at] + 1).sum()
    }

    /// How many steps a move can be taken one way and the other together; `hide` when all that it changes were hidden.
    fn width(&self, candidate: &Move, hide: bool) -> i64 {
        let (mut there, mut back) = (ANY, ANY);
        for (at, up) in &candidate.changes {
            let count = self.counts[*at];
            let (more, less) = if self.zero[*at] {
                (0, 0)
            } else if hide || self.hidden[*at] {
                (ANY, count)
            } else {
                let (_, low, high) = self.rule.rounded(count);
                (high - count, count - low)
            };
            let (with, against) = if *up { (more, less) } else { (less, more) };
            there = there.min(with);
            back = back.min(against);
        }
        there + back
    }

    /// The moves that change the count at `at`: those over many dimensions first, since they change the fewest sums.
    fn moves(&self, at: usize) -> impl Iterator<Item = Move> {
        let place = self.place(at);
        let own: Vec<usize> = (0..place.len()).filter(|d| place[*d] < self.shape[*d]).collect();
        let mut boxes: Vec<Vec<usize>> = (0..1usize << own.len())
            .map(|set| own.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, d)| *d).collect())
            .collect();
        boxes.sort_by_key(|dimensions: &Vec<usize>| std::cmp::Reverse(dimensions.len()));
        boxes.into_iter().flat_map(move |dimensions| {
            let place = place.clone();
            self.opposites(&place, &dimensions).map(move |opposite| self.a_move(&place, &opposite, &dimensions))
        })
    }

    /// The corners that can stand opposite to a place in a box over `dimensions`; where the place is a total, the
    /// categories that can stand for it.
    fn opposites(&self, place: &[usize], dimensions: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
        let choices: Vec<Vec<usize>> = (0..place.len())
            .map(|d| match (dimensions.contains(&d), place[d] == self.shape[d]) {
                (true, _) => (0..self.shape[d]).filter(|c| *c != place[d]).collect(),
                (false, true) => (0..self.shape[d]).collect(),
                (false, false) => vec![place[d]],
            })
            .collect();
        let all: usize = choices.iter().map(Vec::len).product();
        (0..all).map(move |mut number| {
            let pick = |options: &Vec<usize>| {
                let option = options[number % options.len()];
                number /= options.len();
                option
            };
            choices.iter().map(pick).collect()
        })
    }

    /// Everything that changes when the corners of a box go up and down in turn.
    fn a_move(&self, place: &[usize], opposite: &[usize], dimensions: &[usize]) -> Move {
        let mut changes = vec![(0, true)];
        for d in 0..place.len() {
            // Corners of the box, else the category and the total that it is part of.
            let ways = if dimensions.contains(&d) {
                [(place[d], true), (opposite[d], false)]
            } else {
                [(opposite[d], true), (self.shape[d], true)]
            };
            let step = |(at, sign): (usize, bool)| {
                ways.map(|(category, same)| (at + category * self.strides[d], if same { sign } else { !sign }))
            };
            changes = changes.into_iter().flat_map(step).collect();
        }
        Move { changes }
    }

    fn place(&self, at: usize) -> Vec<usize> {
        self.strides.iter().zip(&self.shape).map(|(stride, size)| at / stride % (size + 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::released::{Category, Cell, Dimension};

    const RULE: Publication = Publication { base: None, min_cell: 10, p_percent: 10.0 };

    /// A table whose inner counts are these; those below ten are hidden, as the gate does it.
    fn table(shape: &[usize], inner: &[f64]) -> Table {
        let dimension = |(d, size): (usize, &usize)| Dimension {
            name: format!("d{d}"),
            label: None,
            categories: (0..*size).map(|c| Category { code: c.to_string(), label: None, missing: false }).collect(),
        };
        let mut sums = inner.to_vec();
        for d in 0..shape.len() {
            let width: usize = shape[d + 1..].iter().product();
            let lines: Vec<Vec<f64>> = sums.chunks(shape[d] * width).map(<[f64]>::to_vec).collect();
            let total =
                |line: &[f64]| (0..width).map(|i| line.iter().skip(i).step_by(width).sum()).collect::<Vec<f64>>();
            sums = lines.into_iter().flat_map(|line| [line.clone(), total(&line)].concat()).collect();
        }
        let count = |n: &f64| if *n < 10.0 { Value::Hidden(Reason::Small) } else { Value::Value(*n) };
        Table {
            dimensions: shape.iter().enumerate().map(dimension).collect(),
            measures: Vec::new(),
            statistics: Vec::new(),
            cells: sums.iter().map(|n| Cell { count: count(n), values: Vec::new() }).collect(),
            typical_error: 1.5,
            chi_square: None,
        }
    }

    fn shown(table: &Table) -> Vec<Option<f64>> {
        table.cells.iter().map(|cell| cell.count.number()).collect()
    }

    /// The least and the largest count that a hidden cell of a table of two dimensions can have, by trying all.
    fn interval(rows: usize, columns: usize, published: &[Option<f64>], at: usize) -> (i64, i64) {
        let most = published.iter().flatten().fold(0.0f64, |a, b| a.max(*b)) as i64;
        let possible = |value: i64| {
            let mut cells: Vec<Option<i64>> = published.iter().map(|v| v.map(|v| v as i64)).collect();
            cells[at] = Some(value);
            fill(rows, columns, &mut cells)
        };
        let all: Vec<i64> = (0..=most.min(60)).filter(|value| possible(*value)).collect();
        (*all.first().unwrap(), *all.last().unwrap())
    }

    /// Whether the open cells can be filled so that everything adds up.
    fn fill(rows: usize, columns: usize, cells: &mut Vec<Option<i64>>) -> bool {
        let width = columns + 1;
        let line = |cells: &[Option<i64>], places: Vec<usize>| {
            let (total, parts) = places.split_last().unwrap();
            let known: i64 = parts.iter().filter_map(|p| cells[*p]).sum();
            let open: Vec<usize> = parts.iter().copied().filter(|p| cells[*p].is_none()).collect();
            (cells[*total].map(|t| t - known), open)
        };
        let lines: Vec<Vec<usize>> = (0..=rows)
            .map(|r| (0..width).map(|c| r * width + c).collect())
            .chain((0..=columns).map(|c| (0..=rows).map(|r| r * width + c).collect()))
            .collect();
        let mut forced = Vec::new();
        loop {
            let mut next = None;
            for places in &lines {
                let (rest, open) = line(cells, places.clone());
                let Some(rest) = rest else {
                    if open.is_empty() {
                        let (total, parts) = places.split_last().unwrap();
                        next = Some((*total, parts.iter().filter_map(|p| cells[*p]).sum()));
                    }
                    continue;
                };
                if rest < 0 || (open.is_empty() && rest != 0) {
                    forced.iter().for_each(|at: &usize| cells[*at] = None);
                    return false;
                }
                if let [one] = open[..] {
                    next = Some((one, rest));
                }
            }
            let Some((at, value)) = next else { break };
            cells[at] = Some(value);
            forced.push(at);
        }
        let free = (0..cells.len()).find(|at| cells[*at].is_none() && at / width < rows && at % width < columns);
        let Some(free) = free else { return true };
        let places = &lines[free / width];
        let (row, _) = line(cells, places.clone());
        let (column, _) = line(cells, lines[rows + 1 + free % width].clone());
        let most = row.unwrap_or(80).min(column.unwrap_or(80));
        for value in 0..=most {
            cells[free] = Some(value);
            if fill(rows, columns, cells) {
                cells[free] = None;
                forced.iter().for_each(|at| cells[*at] = None);
                return true;
            }
        }
        cells[free] = None;
        forced.iter().for_each(|at| cells[*at] = None);
        false
    }

    /// A hidden cell alone in its row and column would be a subtraction; a box of four hides it.
    #[test]
    fn sdc_134_a_box_of_four_is_hidden_with_a_small_cell() {
        let table = table(&[3, 3], &[4.0, 30.0, 500.0, 20.0, 40.0, 600.0, 300.0, 400.0, 700.0]);
        let published = shown(&table.published(&RULE));
        let hidden: Vec<usize> = (0..16).filter(|at| published[*at].is_none()).collect();
        assert_eq!(hidden, [0, 1, 4, 5], "the box with the fewest persons");
        // 0 to 24: up by the 20 of its column, down by itself.
        assert_eq!(interval(3, 3, &published, 0), (0, 24));
        assert!(table.published(&RULE).cells[5].count == Value::Hidden(Reason::Secondary));
    }

    /// A dimension: the smallest other category goes with the one that is hidden, and the total stays.
    #[test]
    fn sdc_134_a_line_hides_its_next_smallest() {
        let published = shown(&table(&[4], &[3.0, 100.0, 12.0, 400.0]).published(&RULE));
        assert_eq!(published, [None, Some(100.0), None, Some(400.0), Some(515.0)]);
    }

    /// SDC-134: random tables of two dimensions; by trying all tables every count that had to be hidden can be any of at
    /// least as many numbers as a small count can.
    #[test]
    fn sdc_134_every_interval_is_wide_in_all_tables_that_fit() {
        let mut state = 7u64;
        let mut random = |end: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % end
        };
        let mut checked = 0;
        for round in 0..60 {
            let (rows, columns) = (2 + round % 2, 2 + round % 3);
            let inner: Vec<f64> =
                (0..rows * columns).map(|_| if random(4) == 0 { random(10) } else { 10 + random(30) } as f64).collect();
            let table = table(&[rows, columns], &inner);
            let published = table.published(&RULE);
            let seen = shown(&published);
            for at in (0..seen.len()).filter(|at| table.cells[*at].count.hidden().is_some()) {
                assert_eq!(published.cells[at].count, Value::Hidden(Reason::Secondary));
                if at / (columns + 1) == rows || at % (columns + 1) == columns {
                    continue;
                }
                let (least, most) = interval(rows, columns, &seen, at);
                assert!(most - least >= 9, "{inner:?} {seen:?} {at}: {least} to {most}");
                checked += 1;
            }
        }
        assert!(checked > 60, "{checked}");
    }

    /// A margin of two of three dimensions that is hidden is protected as a cell is, and nothing is where nothing is small.
    #[test]
    fn sdc_134_margins_of_three_dimensions() {
        let mut inner = vec![40.0; 27];
        // Three of one combination: its margin over the last dimension is 6.
        inner[..3].copy_from_slice(&[2.0, 2.0, 2.0]);
        let small = table(&[3, 3, 3], &inner);
        let published = small.published(&RULE);
        let margin = small.index(&[0, 0, 3]);
        assert!(small.cells[margin].count.hidden().is_some());
        let other = |at: [usize; 3]| published.cells[small.index(&at)].count.hidden().is_some();
        assert!((1..3).any(|r| (1..3).any(|c| other([0, c, 3]) && other([r, 0, 3]) && other([r, c, 3]))));
        let whole = table(&[3, 3], &[40.0; 9]);
        assert_eq!(shown(&whole.published(&RULE)), shown(&whole));
    }

    /// Rounded to five: every count is the nearest multiple. A count that two rounded sums leave less than nine numbers is
    /// hidden together with others.
    #[test]
    fn sdc_134_base_rounding() {
        let rule = Publication { base: Some(5), ..RULE };
        let plain = table(&[2, 2], &[13.0, 22.0, 38.0, 47.0]).published(&rule);
        assert_eq!(shown(&plain), [15.0, 20.0, 35.0, 40.0, 45.0, 85.0, 50.0, 70.0, 120.0].map(Some));
        let wide = Publication { base: Some(20), ..RULE };
        let small = table(&[3], &[6.0, 210.0, 421.0]);
        assert_eq!(shown(&small.published(&wide)), [None, Some(220.0), Some(420.0), Some(640.0)]);
        assert_eq!(shown(&small.published(&rule))[..2], [None, None]);
    }

    /// Where no box helps, the number of all is left.
    #[test]
    fn sdc_134_nothing_but_the_total_where_nothing_helps() {
        let published = shown(&table(&[2], &[3.0, 4.0]).published(&RULE));
        assert_eq!(published, [None, None, None], "even the total is small");
        let zero = Value::Value(0.0);
        let mut table = table(&[3], &[3.0, 0.0, 40.0]);
        table.cells[1].count = zero;
        assert_eq!(shown(&table.published(&RULE)), [None, Some(0.0), None, Some(43.0)]);
    }
}
