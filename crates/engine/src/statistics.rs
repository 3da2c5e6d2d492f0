//! Moments, percentiles and limits of one group of values (statistics.md section 2). Sums run pairwise over fixed blocks
//! in the order of the ordinals, so results do not depend on the number of threads (STAT-001, ENG-034).

use rayon::prelude::*;

use crate::params::Parameters;
use crate::raw::{Moments, PersonSet, RawMagnitude, RawPercentile};
use crate::select::{Extremes, at_places};

/// How many of the largest distances from the mean go along; the strictest policy averages three.
const FARTHEST: usize = 3;
/// Values added in lanes before the pairwise tree begins.
const BLOCK: usize = 128;
/// Values added side by side within a block.
const SIDES: usize = 4;
/// From this many values on, halves are added on several threads.
const LARGE: usize = 1 << 16;

/// Pairwise sums of the numbers that `f` makes of each value: error grows with the logarithm of the number of values. The
/// order of additions follows from the number of values alone.
pub(crate) fn sums<const N: usize>(values: &[f64], f: &(impl Fn(f64) -> [f64; N] + Sync)) -> [f64; N] {
    let add = |mut a: [f64; N], b: [f64; N]| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    if values.len() <= BLOCK {
        let (quads, rest) = values.as_chunks::<SIDES>();
        let mut sides = [[0.0; N]; SIDES];
        for quad in quads {
            for (side, x) in sides.iter_mut().zip(quad) {
                *side = add(*side, f(*x));
            }
        }
        let [a, b, c, d] = sides;
        return rest.iter().fold(add(add(a, b), add(c, d)), |sum, x| add(sum, f(*x)));
    }
    let (low, high) = values.split_at((values.len() / 2).next_multiple_of(BLOCK));
    let (low, high) = if values.len() < LARGE {
        (sums(low, f), sums(high, f))
    } else {
        rayon::join(|| sums(low, f), || sums(high, f))
    };
    add(low, high)
}

/// Moments of the valid values of a group, plain and clamped, about pivots in two passes (STAT-002). `sorted` gives the
/// Gini coefficients their order.
fn moments(
    values: &[f64],
    extremes: &Extremes,
    clamp: impl Fn(f64) -> f64 + Sync,
    sorted: Option<&[f64]>,
) -> ([Moments; 2], f64) {
    let Some(pivot) = values.first().copied() else {
        let empty = || Moments { sum: 0.0, mean: None, sd: None, gini: None, farthest: Vec::new() };
        return ([empty(), empty()], 0.0);
    };
    let n = values.len() as f64;
    let pivots = [pivot, clamp(pivot)];
    let [plain, clamped, total, total_clamped, absolute] =
        sums(values, &|x| [x - pivots[0], clamp(x) - pivots[1], x, clamp(x), x.abs()]);
    // Where the distances from the pivot overflow the shares of the mean do not.
    let mean = |about: f64, of: &(dyn Fn(f64) -> f64 + Sync)| {
        if about.is_finite() { about } else { sums(values, &|x| [of(x) / n])[0] }
    };
    let means = [mean(pivots[0] + plain / n, &|x| x), mean(pivots[1] + clamped / n, &clamp)];
    // Beyond the largest number there is no statistic (LANG-032): never infinity, and never a spread of zero out of it.
    let finite = |x: f64| x.is_finite().then_some(x);
    let [squares, rest, squares_clamped, rest_clamped] = sums(values, &|x| {
        let (plain, clamped) = (x - means[0], clamp(x) - means[1]);
        [plain * plain, plain, clamped * clamped, clamped]
    });
    let sd = |squares: f64, rest: f64| {
        let about = finite(squares - rest * rest / n).filter(|_| values.len() > 1)?;
        Some((about.max(0.0) / (n - 1.0)).sqrt())
    };
    // Clamping keeps the order, so the extremes of the clamped values are the clamped extremes.
    let farthest = |mean: f64, of: &dyn Fn(f64) -> f64| {
        let mut distances: Vec<f64> = extremes.all(values.len()).map(|x| (of(x) - mean).abs()).collect();
        distances.sort_by(|a, b| b.total_cmp(a));
        distances.truncate(FARTHEST);
        distances
    };
    let gini = |total: f64, of: &(dyn Fn(f64) -> f64 + Sync)| {
        let sorted = sorted.filter(|_| total > 0.0)?;
        let weighted: Vec<f64> =
            sorted.iter().enumerate().map(|(i, x)| (2.0 * (i as f64 + 1.0) - n - 1.0) * of(*x)).collect();
        let [weighted] = sums(&weighted, &|x| [x]);
        finite(weighted / (n * total))
    };
    let plain = Moments {
        sum: total,
        mean: finite(means[0]),
        sd: sd(squares, rest),
        gini: gini(total, &|x| x),
        farthest: farthest(means[0], &|x| x),
    };
    let clamped = Moments {
        sum: total_clamped,
        mean: finite(means[1]),
        sd: sd(squares_clamped, rest_clamped),
        gini: gini(total_clamped, &clamp),
        farthest: farthest(means[1], &clamp),
    };
    ([plain, clamped], absolute)
}

/// Percentile of type 7 of ascending values: linear between neighbours.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let (low, high, fraction) = between(sorted.len(), share)?;
    Some(sorted[low] + fraction * (sorted[high] - sorted[low]))
}

/// The places of the `width` order statistics round the type 7 position, clipped to the sample (SDC-121).
fn window(number: usize, share: f64, width: usize) -> std::ops::Range<usize> {
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
    fn of(values: &[f64], sorted: Option<&[f64]>, mut places: Vec<usize>) -> Self {
        places.sort_unstable();
        places.dedup();
        let values = match sorted {
            Some(sorted) => places.iter().map(|p| sorted[*p]).collect(),
            None => at_places(values, &places),
        };
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

/// All that the gate needs of a group. `values` are in the order of the ordinals and are left as they are.
pub(crate) fn magnitude(
    values: &[f64],
    set: PersonSet,
    limits: Option<(f64, f64)>,
    wanted: &Wanted,
    parameters: &Parameters,
) -> RawMagnitude {
    let clamp = |x: f64| match limits {
        Some((low, high)) if low <= high => x.clamp(low, high),
        _ => x,
    };
    let sorted = wanted.gini.then(|| {
        let mut sorted = values.to_vec();
        sorted.par_sort_unstable_by(f64::total_cmp);
        sorted
    });
    let extremes = Extremes::of(values);
    let ([plain, clamped], sum_abs) = moments(values, &extremes, clamp, sorted.as_deref());
    let mut absolute: Vec<f64> = extremes.all(values.len()).map(f64::abs).collect();
    absolute.sort_by(|a, b| b.total_cmp(a));
    let shares = if values.is_empty() { &[][..] } else { &wanted.percentiles };
    let places = shares.iter().flat_map(|p| {
        let between = between(values.len(), p / 100.0);
        window(values.len(), p / 100.0, parameters.window).chain(between.into_iter().flat_map(|b| [b.0, b.1]))
    });
    let order = Order::of(values, sorted.as_deref(), places.collect());
    let percentiles = shares.iter().filter_map(|p| {
        let (low, high, fraction) = between(values.len(), p / 100.0)?;
        let (low, high) = (clamp(order.at(low)?), clamp(order.at(high)?));
        let window = window(values.len(), p / 100.0, parameters.window);
        let window = window.filter_map(|place| order.at(place)).map(clamp).collect();
        Some(RawPercentile { p: *p, exact: low + fraction * (high - low), window })
    });
    RawMagnitude {
        set,
        rows: values.len() as u64,
        constant: extremes.least.first() == extremes.greatest.first(),
        largest: [absolute.first().copied().unwrap_or(0.0), absolute.get(1).copied().unwrap_or(0.0)],
        sum_abs,
        percentiles: percentiles.collect(),
        plain,
        clamped,
        again: None,
    }
}

/// What is fixed for a column over the whole dataset version (SDC-101).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Limits {
    pub(crate) clamp: Option<(f64, f64)>,
    pub(crate) light_tails: bool,
}

impl Limits {
    pub(crate) fn of(values: &[f64], winsor: (f64, f64)) -> Self {
        let shares = [winsor.0, winsor.1, 0.999, 0.5];
        let places = shares.iter().filter_map(|s| between(values.len(), *s)).flat_map(|b| [b.0, b.1]);
        let order = Order::of(values, None, places.collect());
        let at = |share| {
            let (low, high, fraction) = between(values.len(), share)?;
            let (low, high) = (order.at(low)?, order.at(high)?);
            Some(low + fraction * (high - low))
        };
        let clamp = at(winsor.0).zip(at(winsor.1)).map(|(low, high)| (three_digits(low), three_digits(high)));
        let light_tails = at(0.999).zip(at(0.5)).is_some_and(|(high, median)| high <= 20.0 * median.abs());
        Self { clamp, light_tails }
    }
}

/// Rounded to three significant digits, halves away from zero.
fn three_digits(x: f64) -> f64 {
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
        magnitude(values, PersonSet::empty(Keyed::Persons), None, &wanted, &Parameters::default()).plain
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
        assert_eq!(window(100, 0.0, 10), 0..6);
        assert_eq!(window(3, 0.5, 10), 0..3);
        let wanted = Wanted { percentiles: vec![1.0, 50.0], gini: false };
        let v: Vec<f64> = (0..100).map(f64::from).collect();
        let set = PersonSet::empty(Keyed::Persons);
        let m = magnitude(&v, set, Some((2.0, 97.0)), &wanted, &Parameters::default());
        let found: Vec<_> = m.percentiles.iter().map(|p| (p.exact, p.window.clone())).collect();
        let clamped = |range: std::ops::Range<i32>| range.map(|x| f64::from(x.max(2))).collect::<Vec<_>>();
        assert_eq!(found, [(2.0, clamped(0..6)), (49.5, clamped(45..55))]);
    }

    #[test]
    fn sdc_100_101_102_largest_values_and_limits() {
        let wanted = Wanted::default();
        let set = PersonSet::empty(Keyed::Persons);
        let m = magnitude(&[-900.0, 100.0, 500.0, 2.0], set, Some((0.0, 400.0)), &wanted, &Parameters::default());
        assert_eq!(m.largest, [900.0, 500.0]);
        assert_eq!(m.sum_abs, 1502.0);
        assert_eq!(m.clamped.sum, 502.0);
        assert_eq!(m.clamped.farthest, [274.5, 125.5, 123.5]);
        assert!(!m.constant && m.percentiles.is_empty());
        let limits = Limits::of(&(1..=1000).map(f64::from).collect::<Vec<_>>(), (0.01, 0.99));
        assert_eq!(limits, Limits { clamp: Some((11.0, 990.0)), light_tails: true });
        assert_eq!(three_digits(-123_456.0), -123_000.0);
        assert_eq!(three_digits(0.012_345), 0.0123);
    }
}
