//! Order statistics without sorting everything (ENG-032): the values at some places of the ascending order, exact. Small
//! groups are partitioned in place; in others values are counted by intervals first, so that only those near the wanted
//! places are looked at again.

use std::borrow::Cow;
use std::cmp::Ordering;

use rayon::prelude::*;

/// Groups of at least this many values are counted first.
pub(crate) const COUNTED: usize = 1 << 10;
/// Intervals that values are counted by.
const INTERVALS: usize = 1 << 10;
/// Pieces that are counted together. Counts are added up, so that does not show.
const TOGETHER: usize = 16;

/// Values in pieces, each made when it is asked for.
pub(crate) trait Pieces: Sync {
    /// How many pieces.
    fn number(&self) -> usize;

    /// One of them.
    fn piece(&self, i: usize) -> Cow<'_, [f64]>;
}

impl Pieces for [&[f64]] {
    fn number(&self) -> usize {
        self.len()
    }
    fn piece(&self, i: usize) -> Cow<'_, [f64]> {
        Cow::Borrowed(self[i])
    }
}

/// Intervals of equal width. Which values they are laid round decides how fast a place is found, never what is found.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Intervals {
    low: f64,
    each: f64,
}

impl Intervals {
    /// Between two values.
    pub(crate) fn between(low: f64, high: f64) -> Self {
        let each = (INTERVALS - 2) as f64 / (high - low);
        // Everything in one interval where no width can be told.
        if each.is_finite() && each > 0.0 { Self { low, each } } else { Self { low: 0.0, each: 0.0 } }
    }

    /// The intervals of some values: greater for greater values, the first and the last for what lies outside. Without branches
    /// and conversions, so that it is compiled to vector instructions.
    #[inline(always)]
    fn of<const N: usize>(self, values: &[f64; N]) -> [usize; N] {
        // A whole number added to this stands in the lowest bits.
        const WHOLE: f64 = (1u64 << 52) as f64;
        const LAST: f64 = (INTERVALS - 1) as f64;
        values.map(|x| {
            let at = (x - self.low) * self.each + 1.0;
            let at = if at > 0.0 { at } else { 0.0 };
            let at = if at < LAST { at } else { LAST };
            (at + WHOLE).to_bits() as usize % INTERVALS
        })
    }

    /// Adds values to the counts of their intervals.
    fn count(self, values: &[f64], counts: &mut [usize; INTERVALS]) {
        let (eights, rest) = values.as_chunks::<8>();
        eights.iter().flat_map(|eight| self.of(eight)).for_each(|at| counts[at] += 1);
        rest.iter().for_each(|x| counts[self.of(&[*x])[0]] += 1);
    }

    /// The values that are in a wanted interval, behind those already `found`.
    fn find(self, values: &[f64], wanted: &[bool; INTERVALS], found: &mut Vec<f64>) {
        let one = |x: &&f64| wanted[self.of(&[**x])[0]];
        let (eights, rest) = values.as_chunks::<8>();
        for eight in eights {
            if self.of(eight).iter().fold(false, |any, at| any | wanted[*at]) {
                found.extend(eight.iter().filter(one));
            }
        }
        found.extend(rest.iter().filter(one));
    }
}

/// How many values are in each interval.
#[derive(Clone)]
pub(crate) struct Histogram {
    intervals: Intervals,
    counts: Box<[usize; INTERVALS]>,
}

impl Histogram {
    pub(crate) fn of(pieces: &(impl Pieces + ?Sized), intervals: Intervals) -> Self {
        let groups = (0..pieces.number()).into_par_iter().step_by(TOGETHER);
        let counted = groups.map(|first| {
            let mut counts = Box::new([0; INTERVALS]);
            for i in first..(first + TOGETHER).min(pieces.number()) {
                intervals.count(&pieces.piece(i), &mut counts);
            }
            counts
        });
        let add = |mut a: Box<[usize; INTERVALS]>, b: Box<[usize; INTERVALS]>| {
            a.iter_mut().zip(b.iter()).for_each(|(a, b)| *a += b);
            a
        };
        Self { intervals, counts: counted.reduce_with(add).unwrap_or_else(|| Box::new([0; INTERVALS])) }
    }

    /// Without any value.
    pub(crate) fn empty(intervals: Intervals) -> Self {
        Self { intervals, counts: Box::new([0; INTERVALS]) }
    }

    /// What its values are counted by.
    pub(crate) fn intervals(&self) -> Intervals {
        self.intervals
    }

    /// Counts more values.
    pub(crate) fn add(&mut self, values: &[f64]) {
        self.intervals.count(values, &mut self.counts);
    }

    /// Takes in those of another group; says whether it could, which takes the same intervals.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        let same = self.intervals == other.intervals;
        if same {
            self.counts.iter_mut().zip(other.counts.iter()).for_each(|(all, n)| *all += n);
        }
        same
    }

    /// Number of values.
    pub(crate) fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The values at `places` (ascending, below the number of values) of the ascending order, in total order. `pieces` are
    /// those that were counted.
    pub(crate) fn at_places(&self, pieces: &(impl Pieces + ?Sized), places: &[usize]) -> Vec<f64> {
        // The intervals in which wanted places lie: number, first place in it, places wanted.
        let mut near: Vec<(usize, usize, Vec<usize>)> = Vec::new();
        let (mut interval, mut before) = (0, 0);
        for &place in places {
            while before + self.counts[interval] <= place {
                before += self.counts[interval];
                interval += 1;
            }
            match near.last_mut() {
                Some((last, _, wanted)) if *last == interval => wanted.push(place),
                _ => near.push((interval, before, vec![place])),
            }
        }
        let mut wanted = [false; INTERVALS];
        near.iter().for_each(|(interval, ..)| wanted[*interval] = true);
        let groups = (0..pieces.number()).into_par_iter().step_by(TOGETHER);
        let found: Vec<Vec<f64>> = groups
            .map(|first| {
                let mut found = Vec::new();
                for i in first..(first + TOGETHER).min(pieces.number()) {
                    self.intervals.find(&pieces.piece(i), &wanted, &mut found);
                }
                found
            })
            .collect();
        let mut lists = vec![Vec::new(); near.len()];
        let mut list_of = [0; INTERVALS];
        near.iter().enumerate().for_each(|(i, (interval, ..))| list_of[*interval] = i);
        found.iter().flatten().for_each(|x| lists[list_of[self.intervals.of(&[*x])[0]]].push(*x));
        let chosen = lists.into_par_iter().zip(&near).map(|(mut list, (_, first, wanted))| {
            partition(&mut list, *first, wanted);
            wanted.iter().map(|place| list[place - first]).collect::<Vec<f64>>()
        });
        chosen.collect::<Vec<_>>().concat()
    }
}

/// The values at `places` (ascending, below the number of values) of the ascending order of the values in `pieces`, in total
/// order.
pub(crate) fn at_places(pieces: &[&[f64]], places: &[usize], intervals: Intervals) -> Vec<f64> {
    if places.is_empty() {
        return Vec::new();
    }
    if pieces.iter().map(|piece| piece.len()).sum::<usize>() >= COUNTED {
        return Histogram::of(pieces, intervals).at_places(pieces, places);
    }
    let mut copy = pieces.concat();
    partition(&mut copy, 0, places);
    places.iter().map(|p| copy[*p]).collect()
}

/// Moves the values at `places`, counted from `first`, to where ascending order has them.
fn partition(values: &mut [f64], first: usize, places: &[usize]) {
    let Some(middle) = places.get(places.len() / 2) else { return };
    let at = middle - first;
    values.select_nth_unstable_by(at, f64::total_cmp);
    let (low, high) = values.split_at_mut(at);
    let below = places.partition_point(|p| p < middle);
    let above = places.partition_point(|p| p <= middle);
    partition(low, first, &places[..below]);
    if let Some((_, high)) = high.split_first_mut() {
        partition(high, middle + 1, &places[above..]);
    }
}

/// The three least and the three greatest values, from the outside in; fewer when there are fewer.
pub(crate) struct Extremes {
    pub(crate) least: Vec<f64>,
    pub(crate) greatest: Vec<f64>,
}

impl Extremes {
    /// How many of each.
    pub(crate) const KEPT: usize = 3;

    pub(crate) fn of(values: &[f64]) -> Self {
        let mut found = Self { least: Vec::with_capacity(4), greatest: Vec::with_capacity(4) };
        let (blocks, rest) = values.as_chunks::<64>();
        for block in blocks {
            // Most blocks have none of them, which two comparisons per value tell without a branch.
            let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
            for eight in block.as_chunks::<8>().0 {
                for k in 0..8 {
                    low[k] = if eight[k] < low[k] { eight[k] } else { low[k] };
                    high[k] = if eight[k] > high[k] { eight[k] } else { high[k] };
                }
            }
            let beyond = |limit: Option<&f64>, any: &dyn Fn(f64) -> bool| limit.is_none_or(|limit| any(*limit));
            if beyond(found.least.get(Self::KEPT - 1), &|limit| low.iter().any(|x| *x < limit))
                || beyond(found.greatest.get(Self::KEPT - 1), &|limit| high.iter().any(|x| *x > limit))
            {
                block.iter().for_each(|x| found.add(*x));
            }
        }
        rest.iter().for_each(|x| found.add(*x));
        found
    }

    /// Those of two groups together.
    pub(crate) fn merge(&mut self, other: &Self) {
        // A value may be among the least and among the greatest of a small group; it is taken once to each side.
        other.least.iter().for_each(|x| keep(&mut self.least, *x, Ordering::Less));
        other.greatest.iter().for_each(|x| keep(&mut self.greatest, *x, Ordering::Greater));
    }

    #[inline]
    fn add(&mut self, x: f64) {
        keep(&mut self.least, x, Ordering::Less);
        keep(&mut self.greatest, x, Ordering::Greater);
    }

    /// All of them.
    pub(crate) fn all(&self, number: usize) -> impl Iterator<Item = f64> + '_ {
        // With fewer than twice as many values the two lists overlap.
        let high = number.saturating_sub(self.least.len()).min(self.greatest.len());
        self.least.iter().chain(&self.greatest[..high]).copied()
    }
}

/// Puts a value in its place among the first in this order.
#[inline]
fn keep(list: &mut Vec<f64>, x: f64, order: Ordering) {
    let before = |a: f64, b: f64| a.total_cmp(&b) == order;
    if list.len() < Extremes::KEPT || list.last().is_some_and(|last| before(x, *last)) {
        let at = list.partition_point(|y| !before(x, *y));
        list.insert(at, x);
        list.truncate(Extremes::KEPT);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    proptest! {
        /// ENG-032: the same values as sorting gives, with ties, negative numbers and zeros of both signs.
        #[test]
        fn eng_032_selection_equals_sorting(
            values in prop::collection::vec(prop_oneof![-5i32..5, -1000i32..1000], 1..400),
            shares in prop::collection::btree_set(0usize..400, 0..6),
            bounds in (-300.0f64..300.0, prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -300.0f64..300.0]),
        ) {
            let values: Vec<f64> = values.iter().map(|x| f64::from(*x) / 4.0 * if x % 7 == 0 { -1.0 } else { 1.0 }).collect();
            let places: Vec<usize> = shares.into_iter().filter(|p| *p < values.len()).collect();
            let order = sorted(&values);
            let wanted: Vec<f64> = places.iter().map(|p| order[*p]).collect();
            let (low, high) = values.split_at(values.len() / 3);
            let intervals = Intervals::between(bounds.0, bounds.1);
            let all = [low, high];
            prop_assert_eq!(&at_places(&all, &places, intervals), &wanted);
            // Small groups are not counted; where they are, it is the same.
            let histogram = Histogram::of(&all[..], intervals);
            prop_assert_eq!(histogram.total(), values.len());
            prop_assert_eq!(&histogram.at_places(&all[..], &places), &wanted);
            let mut merged = Extremes::of(low);
            merged.merge(&Extremes::of(high));
            prop_assert_eq!(&merged.least, &order[..order.len().min(3)]);
            prop_assert_eq!(merged.all(order.len()).count(), order.len().min(6));
            let extremes = Extremes::of(&values);
            let n = order.len().min(3);
            prop_assert_eq!(&extremes.least, &order[..n]);
            prop_assert_eq!(extremes.greatest.clone(), order.iter().rev().take(n).copied().collect::<Vec<_>>());
            prop_assert_eq!(extremes.all(order.len()).count(), order.len().min(6));
        }
    }

    /// ENG-034: large groups are counted first; one thread and two find the same.
    #[test]
    fn eng_032_large_groups_are_counted_first() {
        let mut state = 1u64;
        let values: Vec<f64> = (0..500_017)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f64 - 8_000_000.0) / 3.0
            })
            .collect();
        let last = values.len() - 1;
        let places = [0, 1, 7, last / 4, last / 2, last / 2 + 1, last - 1, last];
        let order = sorted(&values);
        let expected: Vec<f64> = places.iter().map(|p| order[*p]).collect();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let pieces: Vec<&[f64]> = values.chunks(10_000).collect();
            let intervals = Intervals::between(-1_000_000.0, 1_000_000.0);
            assert_eq!(pool.install(|| at_places(&pieces, &places, intervals)), expected);
        }
    }
}
