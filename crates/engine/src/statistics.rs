//! Moments, percentiles and limits of one group of values (statistics.md section 2). Sums run pairwise over fixed blocks
//! in the order of the ordinals, so results do not depend on the number of threads (STAT-001, ENG-034).

use std::ops::Range;

use rayon::prelude::*;
use statistics::descriptive::{gini_of, interpolated};
pub(crate) use statistics::descriptive::{percentile, sums};

use crate::params::Parameters;
use crate::raw::{FEW_OTHERS, MARGIN, Moments, PersonSet, RawMagnitude, RawPercentile};
use crate::select::{COUNTED, Extremes, Histogram, Intervals, Pieces, at_places};
use crate::tally::Tally;

/// How many of the largest distances from the mean go along; the strictest policy averages three.
const FARTHEST: usize = 3;
/// A register variable with fewer values tells like a category what one person has.
const MANY_VALUES: usize = 32;
/// Persons beyond the limits at either end, at least, and beyond the wide ones where they are not the same.
const INNER: f64 = 10.0;
const OUTER: f64 = 20.0;
/// Values that are counted by one thread at a time.
const PIECE: usize = 1 << 14;
/// Every how manieth value of a piece, and how many pieces at most, a sample has.
const SAMPLED: usize = 64;

/// Values are clamped to these limits; to none where they are not in order.
#[derive(Clone, Copy)]
struct Clamp {
    low: f64,
    high: f64,
}

impl Clamp {
    fn of(limits: Option<(f64, f64)>) -> Self {
        let (low, high) = limits.filter(|(low, high)| low <= high).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        Self { low, high }
    }

    #[inline(always)]
    fn of_value(self, x: f64) -> f64 {
        let x = if x < self.low { self.low } else { x };
        if x > self.high { self.high } else { x }
    }
}

/// Sum, mean and spread of values, as they are or clamped. What is known of two groups gives that of both together.
#[derive(Clone, Copy)]
struct Spread {
    rows: f64,
    sum: f64,
    mean: f64,
    /// Squares of the distances from the mean.
    squares: f64,
}

impl Spread {
    /// Of numbers with how often they occur, after `of` is made of each.
    fn tallied(each: &[(f64, f64)], of: impl Fn(f64) -> f64 + Sync) -> Self {
        let pivot = each.first().map_or(0.0, |(x, _)| of(*x));
        let [rows, about, sum] = sums(each, &|(x, n)| [n, n * (of(x) - pivot), n * of(x)]);
        let mean = pivot + about / rows;
        let [squares, rest] = sums(each, &|(x, n)| {
            let distance = of(x) - mean;
            [n * distance * distance, n * distance]
        });
        Self { rows, sum, mean, squares: squares - rest * rest / rows }
    }

    /// Of groups that have values, together (STAT-002, Chan's merge): what each has about its own mean, and the means about
    /// that of all.
    fn merged(groups: &[Self]) -> Self {
        let [first, _, ..] = groups else {
            return groups.first().copied().unwrap_or(Self { rows: 0.0, sum: 0.0, mean: 0.0, squares: 0.0 });
        };
        let over = |f: &dyn Fn(&Self) -> f64| sums(&groups.iter().map(f).collect::<Vec<_>>(), &|x| [x])[0];
        let rows = over(&|g| g.rows);
        let about = first.mean + over(&|g| g.rows * (g.mean - first.mean)) / rows;
        let mean = if about.is_finite() { about } else { over(&|g| g.mean * (g.rows / rows)) };
        let rest = over(&|g| g.rows * (g.mean - mean));
        let squares = over(&|g| g.squares + g.rows * (g.mean - mean) * (g.mean - mean)) - rest * rest / rows;
        Self { rows, sum: over(&|g| g.sum), mean, squares }
    }
}

/// The values of a group.
#[derive(Clone, Copy)]
enum Content<'v> {
    /// In the order of the ordinals.
    Listed(&'v [f64]),
    /// As how many there are of each whole number.
    Tallied(&'v Tally),
}

/// A group of values, and what is known of them before they are ordered.
pub(crate) struct Group<'v> {
    content: Content<'v>,
    /// As they are, clamped, and clamped to the wide limits.
    spreads: [Spread; 3],
    absolute: f64,
    extremes: Extremes,
    /// Its values by intervals, where margins have a use for them.
    histogram: Option<Histogram>,
}

impl<'v> Group<'v> {
    /// Moments about pivots in two passes (STAT-002).
    pub(crate) fn of(values: &'v [f64], limits: Limits) -> Self {
        let (clamp, wide) = (Clamp::of(limits.clamp), Clamp::of(limits.wide));
        let n = values.len() as f64;
        let pivot = values.first().copied().unwrap_or(0.0);
        let pivots = [pivot, clamp.of_value(pivot), wide.of_value(pivot)];
        let [plain, clamped, about_wide, sum, sum_clamped, sum_wide, absolute] = sums(values, &|x| {
            let (c, w) = (clamp.of_value(x), wide.of_value(x));
            [x - pivots[0], c - pivots[1], w - pivots[2], x, c, w, w.abs()]
        });
        // Where the distances from the pivot overflow the shares of the mean do not.
        let mean = |about: f64, share: &(dyn Fn(f64) -> f64 + Sync)| {
            if about.is_finite() || values.is_empty() { about } else { sums(values, &|x| [share(x)])[0] }
        };
        let means = [
            mean(pivots[0] + plain / n, &|x| x / n),
            mean(pivots[1] + clamped / n, &|x| clamp.of_value(x) / n),
            mean(pivots[2] + about_wide / n, &|x| wide.of_value(x) / n),
        ];
        let [squares, rest, squares_clamped, rest_clamped, squares_wide, rest_wide] = sums(values, &|x| {
            let (plain, clamped, wide) = (x - means[0], clamp.of_value(x) - means[1], wide.of_value(x) - means[2]);
            [plain * plain, plain, clamped * clamped, clamped, wide * wide, wide]
        });
        let spread = |i: usize, sum: f64, squares: f64, rest: f64| Spread {
            rows: n,
            sum,
            mean: means[i],
            squares: squares - rest * rest / n,
        };
        let spreads = [
            spread(0, sum, squares, rest),
            spread(1, sum_clamped, squares_clamped, rest_clamped),
            spread(2, sum_wide, squares_wide, rest_wide),
        ];
        Self { content: Content::Listed(values), spreads, absolute, extremes: Extremes::of(values), histogram: None }
    }

    /// The same of values that are tallied.
    pub(crate) fn tallied(tally: &'v Tally, limits: Limits) -> Self {
        let (each, clamp, wide) = (tally.each(), Clamp::of(limits.clamp), Clamp::of(limits.wide));
        let spreads = [
            Spread::tallied(&each, |x| x),
            Spread::tallied(&each, |x| clamp.of_value(x)),
            Spread::tallied(&each, |x| wide.of_value(x)),
        ];
        let [absolute] = sums(&each, &|(x, n)| [n * wide.of_value(x).abs()]);
        Self { content: Content::Tallied(tally), spreads, absolute, extremes: tally.extremes(), histogram: None }
    }

    /// The same with its values counted by intervals between the limits, once for itself and all margins that it is in.
    pub(crate) fn counted(self, limits: Option<(f64, f64)>) -> Self {
        let listed = match self.content {
            Content::Listed(values) if values.len() >= COUNTED => Some(values),
            _ => None,
        };
        let histogram = listed.zip(limits).map(|(values, (low, high))| {
            let pieces: Vec<&[f64]> = values.chunks(PIECE).collect();
            Histogram::of(&pieces[..], Intervals::between(low, high))
        });
        Self { histogram, ..self }
    }

    fn is_empty(&self) -> bool {
        self.spreads[0].rows == 0.0
    }
}

/// The values of some groups together.
enum Together<'v> {
    Listed { pieces: Vec<&'v [f64]>, sorted: Option<Vec<f64>>, histogram: Option<Histogram> },
    Tallied(Tally),
}

impl<'v> Together<'v> {
    fn of(groups: &[&Group<'v>], sorted: bool) -> Self {
        let mut tallies = groups.iter().filter_map(|group| match group.content {
            Content::Tallied(tally) => Some(tally),
            Content::Listed(_) => None,
        });
        if let Some(first) = tallies.next() {
            let mut all = first.clone();
            tallies.for_each(|tally| all.merge(tally));
            return Self::Tallied(all);
        }
        let listed = groups.iter().filter_map(|group| match group.content {
            Content::Listed(values) => Some(values),
            Content::Tallied(_) => None,
        });
        let pieces: Vec<&[f64]> = listed.flat_map(|values| values.chunks(PIECE)).collect();
        let sorted = sorted.then(|| {
            let mut sorted = pieces.concat();
            sorted.par_sort_unstable_by(f64::total_cmp);
            sorted
        });
        Self::Listed { pieces, sorted, histogram: counted_together(groups) }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Listed { pieces, .. } => pieces.iter().map(|piece| piece.len()).sum(),
            Self::Tallied(tally) => tally.total(),
        }
    }

    /// The values at `places` of the ascending order; most lie between `ends`.
    fn at_places(&self, places: &[usize], ends: (f64, f64)) -> Vec<f64> {
        match self {
            Self::Tallied(tally) => tally.at_places(places),
            Self::Listed { sorted: Some(sorted), .. } => places.iter().map(|p| sorted[*p]).collect(),
            Self::Listed { pieces, histogram: Some(histogram), .. } => histogram.at_places(&pieces[..], places),
            Self::Listed { pieces, .. } => at_places(pieces, places, Intervals::between(ends.0, ends.1)),
        }
    }

    /// The value that nearly all have, and how many have another ([`FEW_OTHERS`]).
    fn nearly(&self) -> Option<(f64, u64)> {
        let few = |(value, others): (f64, u64)| (others < FEW_OTHERS).then_some((value, others));
        match self {
            Self::Listed { pieces, .. } => {
                // Among the first of them at most so few have another value, so the rest, and the middle one, have this.
                let mut first: Vec<f64> =
                    pieces.iter().copied().flatten().take(3 * FEW_OTHERS as usize).copied().collect();
                first.sort_unstable_by(f64::total_cmp);
                let value = *first.get(first.len() / 2)?;
                let others = |values: &[f64]| values.iter().filter(|x| **x != value).count() as u64;
                few((value, others(&first)))?;
                few((value, pieces.iter().map(|piece| others(piece)).sum()))
            }
            Self::Tallied(tally) => {
                let each = tally.each();
                let (value, most) = each.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
                few((value, (self.rows() as f64 - most) as u64))
            }
        }
    }

    /// The Gini coefficient of the values with this sum, after `of` is made of each; only where they are sorted.
    fn gini(&self, of: &(dyn Fn(f64) -> f64 + Sync), sum: f64) -> Option<f64> {
        let n = self.rows() as f64;
        match self {
            Self::Listed { sorted, .. } => gini_of(sorted.as_ref()?.iter().map(|x| (of(*x), 1.0)), n, sum),
            Self::Tallied(tally) => gini_of(tally.each().into_iter().map(|(x, number)| (of(x), number)), n, sum),
        }
    }
}

/// The values of groups by intervals; none where no group has been counted.
fn counted_together(groups: &[&Group<'_>]) -> Option<Histogram> {
    let first = groups.iter().find_map(|group| group.histogram.as_ref())?;
    let mut all = Histogram::empty(first.intervals());
    for group in groups {
        match (&group.histogram, group.content) {
            (Some(histogram), _) => all.merge(histogram).then_some(())?,
            (None, Content::Listed(values)) => all.add(values),
            (None, Content::Tallied(_)) => return None,
        }
    }
    Some(all)
}

/// Beyond the largest number there is no statistic (LANG-032): never infinity, and never a spread of zero out of it.
fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// What goes to the gate of values whose spread is known, after `of` is made of each. `together` has them where the Gini
/// coefficient is wanted.
fn moments(
    spread: &Spread,
    extremes: &Extremes,
    of: &(dyn Fn(f64) -> f64 + Sync),
    together: Option<&Together<'_>>,
) -> Moments {
    let n = spread.rows;
    if n == 0.0 {
        return Moments { sum: 0.0, mean: None, sd: None, gini: None, farthest: Vec::new() };
    }
    let sd = || Some((finite(spread.squares).filter(|_| n > 1.0)?.max(0.0) / (n - 1.0)).sqrt());
    let gini = || finite(together?.gini(of, spread.sum)?);
    // Clamping keeps the order, so the extremes of the clamped values are the clamped extremes.
    let mut farthest: Vec<f64> = extremes.all(n as usize).map(|x| (of(x) - spread.mean).abs()).collect();
    farthest.sort_by(|a, b| b.total_cmp(a));
    farthest.truncate(FARTHEST);
    Moments { sum: spread.sum, mean: finite(spread.mean), sd: sd(), gini: gini(), farthest }
}

/// The places of the `width` order statistics round the type 7 position, clipped to the sample (SDC-121); at the ends of the
/// order those next to the end.
fn window(number: usize, share: f64, width: usize) -> Range<usize> {
    if share == 0.0 {
        return 0..width.min(number);
    }
    if share == 1.0 {
        return number.saturating_sub(width)..number;
    }
    let low = ((number - 1) as f64 * share).floor() as usize;
    let before = width.saturating_sub(1) / 2;
    low.saturating_sub(before)..(low + width - before).min(number)
}

/// The order statistics that percentiles and their windows need: by place.
struct Order {
    places: Vec<usize>,
    values: Vec<f64>,
}

impl Order {
    fn of(mut places: Vec<usize>, values: impl FnOnce(&[usize]) -> Vec<f64>) -> Self {
        places.sort_unstable();
        places.dedup();
        let values = values(&places);
        Self { places, values }
    }

    fn at(&self, place: usize) -> Option<f64> {
        self.places.binary_search(&place).ok().map(|i| self.values[i])
    }
}

/// The two places that a percentile of type 7 lies between, and how far from the first: h = (n-1)p.
fn between(number: usize, share: f64) -> Option<(usize, usize, f64)> {
    let last = number.checked_sub(1)?;
    let h = last as f64 * share;
    let low = (h.floor() as usize).min(last);
    Some((low, (low + 1).min(last), h - h.floor()))
}

/// Which statistics of a magnitude are worth computing.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    /// Percentiles, 0 to 100.
    pub(crate) percentiles: Vec<f64>,
    pub(crate) gini: bool,
}

/// All that the gate needs of the values of some groups together.
pub(crate) fn magnitude(
    groups: &[&Group<'_>],
    set: PersonSet,
    limits: Limits,
    wanted: &Wanted,
    parameters: &Parameters,
) -> RawMagnitude {
    let groups: Vec<&Group<'_>> = groups.iter().copied().filter(|group| !group.is_empty()).collect();
    let (clamp, wide) = (Clamp::of(limits.clamp), Clamp::of(limits.wide));
    let together = Together::of(&groups, wanted.gini);
    let rows = together.rows();
    let mut extremes = Extremes { least: Vec::new(), greatest: Vec::new() };
    groups.iter().for_each(|group| extremes.merge(&group.extremes));
    let spread = |i: usize| Spread::merged(&groups.iter().map(|group| group.spreads[i]).collect::<Vec<_>>());
    let [sum_abs] = sums(&groups.iter().map(|group| group.absolute).collect::<Vec<_>>(), &|x| [x]);
    let mut absolute: Vec<f64> = extremes.all(rows).map(|x| wide.of_value(x).abs()).collect();
    absolute.sort_by(|a, b| b.total_cmp(a));
    let shares = if rows == 0 { &[][..] } else { &wanted.percentiles };
    let margin = if limits.derived { MARGIN } else { 0 };
    let around = |window: &Range<usize>| window.start.saturating_sub(margin)..(window.end + margin).min(rows);
    let places = shares.iter().flat_map(|p| {
        let between = between(rows, p / 100.0);
        around(&window(rows, p / 100.0, parameters.window)).chain(between.into_iter().flat_map(|b| [b.0, b.1]))
    });
    // Most of the values lie between the limits.
    let ends = || Some((*extremes.least.first()?, *extremes.greatest.first()?));
    let (low, high) = limits.clamp.or_else(ends).unwrap_or_default();
    let order = Order::of(places.collect(), |places| together.at_places(places, (low, high)));
    let percentiles = shares.iter().filter_map(|p| {
        let (low, high, fraction) = between(rows, p / 100.0)?;
        let (low, high) = (clamp.of_value(order.at(low)?), clamp.of_value(order.at(high)?));
        let window = window(rows, p / 100.0, parameters.window);
        let places = around(&window);
        let window = window.start - places.start..window.end - places.start;
        let around = places.filter_map(|place| order.at(place)).map(|x| clamp.of_value(x)).collect();
        Some(RawPercentile { p: *p, exact: interpolated(low, high, fraction), around, window })
    });
    let ranks = wanted.gini.then_some(&together);
    RawMagnitude {
        set,
        rows: rows as u64,
        rows_key: None,
        constant: extremes.least.first() == extremes.greatest.first(),
        nearly: together.nearly(),
        largest: [absolute.first().copied().unwrap_or(0.0), absolute.get(1).copied().unwrap_or(0.0)],
        sum_abs,
        percentiles: percentiles.collect(),
        plain: moments(&spread(0), &extremes, &|x| x, ranks),
        clamped: moments(&spread(1), &extremes, &|x| clamp.of_value(x), ranks),
        wide: moments(&spread(2), &extremes, &|x| wide.of_value(x), None),
        again: None,
    }
}

/// What is fixed for a column over the whole dataset version (SDC-101).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Limits {
    pub(crate) clamp: Option<(f64, f64)>,
    /// So far out that only a few persons have values beyond them: whatever these are, nobody tells them apart.
    pub(crate) wide: Option<(f64, f64)>,
    pub(crate) light_tails: bool,
    /// No magnitude of the register: made by a script, or with few values.
    pub(crate) derived: bool,
}

/// How limits are found.
#[derive(Clone, Copy)]
pub(crate) struct Finding {
    /// Shares of the values below the lower and the upper limit.
    pub(crate) winsor: (f64, f64),
    /// For a derived column how many more values lie beyond them, as a secret share of a quarter of those (or of ten), so that no
    /// number of persons that a script gives a value to is the one that decides.
    pub(crate) derived: Option<f64>,
}

impl Limits {
    /// None at all.
    pub(crate) const NONE: Self = Self { clamp: None, wide: None, light_tails: true, derived: false };

    /// These, and none beyond them.
    #[cfg(test)]
    fn within(clamp: Option<(f64, f64)>) -> Self {
        Self { clamp, ..Self::NONE }
    }

    /// Of values that are made piece by piece, twice.
    pub(crate) fn of(pieces: &(impl Pieces + ?Sized), finding: Finding) -> Self {
        // A sample tells where most of them lie.
        let mut sample: Vec<f64> = Vec::new();
        for i in (0..pieces.number()).step_by(pieces.number().div_ceil(SAMPLED).max(1)) {
            sample.extend(pieces.piece(i).iter().step_by(SAMPLED));
        }
        sample.sort_unstable_by(f64::total_cmp);
        let around = |share| percentile(&sample, share).unwrap_or(0.0);
        let (low, high) = finding.winsor;
        let histogram = Histogram::of(pieces, Intervals::between(around(low), around(high)));
        sample.dedup();
        let few = sample.len() < MANY_VALUES.min(histogram.total().div_ceil(2 * SAMPLED));
        Self::from_order(histogram.total(), finding, few, |places| histogram.at_places(pieces, places))
    }

    /// Of values that are tallied.
    pub(crate) fn tallied(tally: &Tally, finding: Finding) -> Self {
        let few = tally.each().len() < MANY_VALUES;
        Self::from_order(tally.total(), finding, few, |places| tally.at_places(places))
    }

    /// Of `total` values whose order `at_places` tells.
    fn from_order(total: usize, finding: Finding, few: bool, at_places: impl FnOnce(&[usize]) -> Vec<f64>) -> Self {
        let Finding { winsor, derived } = finding;
        let persons_of = |share: f64| share * total as f64;
        let more = |persons: f64| persons + derived.unwrap_or(0.0) * (0.25 * persons).max(INNER);
        // Where there are few values, so many are beyond the limits that one person more does not decide about them.
        let at_least = |share: f64, least: f64| (more(persons_of(share).max(least)) / total.max(1) as f64).min(0.25);
        // A share of few values is no tail: a rare one counts, where it is not that of a few persons alone.
        let (low, high, least) = if few { (0.0, 1.0, OUTER) } else { (winsor.0, winsor.1, INNER) };
        let winsor = (at_least(low, least), 1.0 - at_least(1.0 - high, least));
        let outer = at_least(0.001, OUTER).min(winsor.0);
        // That nobody decides about the middle either.
        let middle = 0.5 + 0.01 * derived.unwrap_or(0.0);
        let shares = [winsor.0, winsor.1, outer, 1.0 - outer, middle];
        let places = shares.iter().filter_map(|s| between(total, *s)).flat_map(|b| [b.0, b.1]);
        let order = Order::of(places.collect(), at_places);
        let at = |share| {
            let (low, high, fraction) = between(total, share)?;
            let (low, high) = (order.at(low)?, order.at(high)?);
            Some(interpolated(low, high, fraction))
        };
        // What is derived from a column by a factor has its limits by that factor, to the last digit.
        let rounded = |x: f64| if derived.is_some() { x } else { three_digits(x) };
        let clamp = at(winsor.0).zip(at(winsor.1)).map(|(low, high)| (rounded(low), rounded(high)));
        let light_tails = at(1.0 - outer).zip(at(middle)).is_some_and(|(high, median)| high <= 20.0 * median.abs());
        let wide = at(outer).zip(at(1.0 - outer)).map(|(low, high)| (rounded(low), rounded(high)));
        // Rounding must not bring them inside.
        let wide = wide.zip(clamp).map(|(wide, clamp)| (wide.0.min(clamp.0), wide.1.max(clamp.1)));
        Self { clamp, wide, light_tails, derived: few || derived.is_some() }
    }
}

/// Rounded to three significant digits, halves away from zero.
pub(crate) fn three_digits(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let digits = 2 - x.abs().log10().floor() as i32;
    // Scale by a power of ten on the side where it is exact.
    if digits >= 0 {
        (x * 10f64.powi(digits)).round() / 10f64.powi(digits)
    } else {
        (x / 10f64.powi(-digits)).round() * 10f64.powi(-digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::Keyed;

    fn of(values: &[f64], gini: bool) -> Moments {
        let wanted = Wanted { percentiles: Vec::new(), gini };
        all(values, None, &wanted).plain
    }

    fn all(values: &[f64], limits: Option<(f64, f64)>, wanted: &Wanted) -> RawMagnitude {
        let set = PersonSet::empty(Keyed::Persons);
        let limits = Limits::within(limits);
        magnitude(&[&Group::of(values, limits)], set, limits, wanted, &Parameters::default())
    }

    /// STAT-002, ENG-034: a margin is made of its cells, and says what all values together say.
    #[test]
    fn stat_002_margins_are_made_of_their_cells() {
        let values: Vec<f64> = (0..9_000).map(|i| 1e6 + f64::from(i * 7919 % 10_007) / 8.0).collect();
        let limits = Some((1_000_010.0, 1_001_200.0));
        let wanted = Wanted { percentiles: vec![1.0, 50.0], gini: true };
        let whole = all(&values, limits, &wanted);
        let parts = values.chunks(1_100).chain([&[][..]]);
        let cells: Vec<Group<'_>> = parts.map(|v| Group::of(v, Limits::within(limits)).counted(limits)).collect();
        let set = PersonSet::empty(Keyed::Persons);
        let cells: Vec<&Group<'_>> = cells.iter().collect();
        let parts = magnitude(&cells, set, Limits::within(limits), &wanted, &Parameters::default());
        assert_eq!((parts.rows, parts.largest, parts.constant), (whole.rows, whole.largest, whole.constant));
        let ordered = |m: &RawMagnitude| m.percentiles.iter().map(|p| (p.exact, p.around.clone())).collect::<Vec<_>>();
        assert_eq!(ordered(&parts), ordered(&whole));
        for (a, b) in [(&parts.plain, &whole.plain), (&parts.clamped, &whole.clamped)] {
            let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-13;
            assert!(
                close(a.sum, b.sum) && close(a.mean.unwrap(), b.mean.unwrap()) && close(a.sd.unwrap(), b.sd.unwrap())
            );
            assert_eq!((a.gini.is_some(), a.farthest.len()), (true, 3));
        }
    }

    /// ENG-034: sums have the same bits on one thread and on two, and are those of the whole.
    #[test]
    fn eng_034_sums_do_not_depend_on_threads() {
        let values: Vec<f64> = (0..200_003).map(|i| 1.0 / f64::from(i + 1)).collect();
        let sum = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sums(&values, &|x| [x, x * x]))
        };
        assert_eq!(sum(1).map(f64::to_bits), sum(2).map(f64::to_bits));
        // The harmonic number, and pi squared over six less the tail.
        assert!((sum(1)[0] - (200_003f64.ln() + 0.577_215_664_901_532_9 + 0.5 / 200_003.0)).abs() < 1e-10);
    }

    /// STAT-002: large mean, tiny variance; the certified values of NIST's NumAcc3 (mean 1000000.2, sd 0.1).
    #[test]
    fn stat_002_a_tiny_variance_beside_a_large_mean() {
        let mut values = vec![1_000_000.2];
        (0..500).for_each(|_| values.extend([1_000_000.1, 1_000_000.3]));
        let m = of(&values, false);
        assert!((m.mean.unwrap() - 1_000_000.2).abs() < 1e-8);
        assert!((m.sd.unwrap() - 0.1).abs() / 0.1 < 1e-8);
    }

    /// ENG-041: squares beyond the largest number are no spread at all, and not a spread of zero.
    #[test]
    fn eng_041_moments_that_overflow_are_missing() {
        let m = of(&[f64::MAX, -20.0, 7.5], true);
        assert_eq!((m.sd, m.gini), (None, None));
        assert!(m.mean.is_some_and(|x| (x / (f64::MAX / 3.0) - 1.0).abs() < 1e-12));
        let m = of(&[f64::MAX, -f64::MAX], false);
        assert_eq!((m.mean, m.sd), (Some(0.0), None));
        assert_eq!(of(&[f64::MAX, f64::MAX], false).sd, Some(0.0));
    }

    #[test]
    fn stat_030_type_7_percentiles_and_gini() {
        let v = [15.0, 20.0, 35.0, 40.0, 50.0];
        assert_eq!(percentile(&v, 0.4), Some(29.0));
        assert_eq!(percentile(&v, 1.0), Some(50.0));
        assert_eq!(percentile(&[], 0.5), None);
        // Σ(2i−n−1)x / (nΣx) for 1, 2, 3, 4: 10 / 40.
        assert!((of(&[4.0, 1.0, 3.0, 2.0], true).gini.unwrap() - 0.25).abs() < 1e-15);
        assert_eq!(of(&[-1.0, 0.0], true).gini, None);
    }

    /// SDC-121: ten order statistics round the median of 100 values.
    #[test]
    fn sdc_121_the_window_round_a_percentile() {
        assert_eq!(window(100, 0.5, 10), 45..55);
        assert_eq!((window(100, 0.01, 10), window(100, 0.99, 10)), (0..6, 94..100));
        assert_eq!((window(100, 0.0, 10), window(100, 1.0, 10), window(3, 1.0, 10)), (0..10, 90..100, 0..3));
        assert_eq!(window(3, 0.5, 10), 0..3);
        let wanted = Wanted { percentiles: vec![1.0, 50.0], gini: false };
        let v: Vec<f64> = (0..100).map(f64::from).collect();
        let m = all(&v, Some((2.0, 97.0)), &wanted);
        let found: Vec<_> = m.percentiles.iter().map(|p| (p.exact, p.around.clone())).collect();
        let clamped = |range: std::ops::Range<i32>| range.map(|x| f64::from(x.max(2))).collect::<Vec<_>>();
        assert_eq!(found, [(2.0, clamped(0..6)), (49.5, clamped(45..55))]);
        // Of a derived column more of them, so that the window can be moved.
        let derived = Limits { derived: true, ..Limits::within(Some((2.0, 97.0))) };
        let set = PersonSet::empty(Keyed::Persons);
        let m = magnitude(&[&Group::of(&v, derived)], set, derived, &wanted, &Parameters::default());
        let found: Vec<_> = m.percentiles.iter().map(|p| (p.around.clone(), p.window.clone())).collect();
        assert_eq!(found, [(clamped(0..18), 0..6), (clamped(33..67), 12..22)]);
    }

    /// SDC-101, SDC-102: limits of a derived column are not rounded, lie a secret share further in, and are those of its core
    /// by its factor; few values are a category, of which a rare one counts where it is not that of a few persons.
    #[test]
    fn sdc_102_limits_of_derived_columns() {
        let many: Vec<f64> = (1..=100_000).map(f64::from).collect();
        let finding = |derived| Finding { winsor: (0.01, 0.99), derived };
        let of = |values: &[f64], derived| Limits::of(&[values][..], finding(derived));
        assert!(!of(&many, None).derived && of(&many, Some(0.0)).derived);
        let limits = of(&many, Some(0.5));
        assert_eq!(limits.clamp, Some((1_125.988_75, 98_875.011_25)));
        let twice: Vec<f64> = many.iter().map(|x| 2.0 * x).collect();
        assert_eq!(of(&twice, Some(0.5)).clamp, limits.clamp.map(|(low, high)| (2.0 * low, 2.0 * high)));
        let rare = |ones: usize| -> Vec<f64> { (0..100_000).map(|i| f64::from(u8::from(i < ones))).collect() };
        assert_eq!((of(&rare(50), None).clamp, of(&rare(50), None).derived), (Some((0.0, 1.0)), true));
        assert_eq!(of(&rare(15), None).clamp, Some((0.0, 0.0)));
    }

    #[test]
    fn sdc_100_101_102_largest_values_and_limits() {
        let wanted = Wanted::default();
        let m = all(&[-900.0, 100.0, 500.0, 2.0], Some((0.0, 400.0)), &wanted);
        assert_eq!(m.largest, [900.0, 500.0]);
        assert_eq!(m.sum_abs, 1502.0);
        assert_eq!(m.clamped.sum, 502.0);
        assert_eq!(m.clamped.farthest, [274.5, 125.5, 123.5]);
        assert!(!m.constant && m.percentiles.is_empty());
        let thousand: Vec<f64> = (1..=1000).map(f64::from).collect();
        let limits = Limits::of(&[&thousand[..]][..], Finding { winsor: (0.01, 0.99), derived: None });
        // Of a thousand twenty are the outermost, which is more than a hundredth.
        assert_eq!(limits, Limits { clamp: Some((11.0, 990.0)), wide: Some((11.0, 990.0)), ..Limits::NONE });
        let many: Vec<f64> = (1..=100_000).map(f64::from).collect();
        let limits = Limits::of(&[&many[..]][..], Finding { winsor: (0.01, 0.99), derived: None });
        assert_eq!((limits.clamp, limits.wide), (Some((1000.0, 99_000.0)), Some((101.0, 99_900.0))));
        assert_eq!(three_digits(-123_456.0), -123_000.0);
        assert_eq!(three_digits(0.012_345), 0.0123);
    }
}
