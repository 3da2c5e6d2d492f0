//! Moments, percentiles and limits of one group of values (statistics.md section 2). Sums run pairwise over fixed blocks
//! in the order of the ordinals, so results do not depend on the number of threads (STAT-001, ENG-034).

use rayon::prelude::*;

use crate::params::Parameters;
use crate::raw::{Moments, PersonSet, RawMagnitude, RawPercentile};

/// How many of the largest distances from the mean go along; the strictest policy averages three.
const FARTHEST: usize = 3;
/// Values added one after the other before the pairwise tree begins.
const BLOCK: usize = 128;

/// Pairwise sum of `f(x)`: error grows with the logarithm of the number of values.
pub(crate) fn sum(values: &[f64], f: &impl Fn(f64) -> f64) -> f64 {
    if values.len() <= BLOCK {
        return values.iter().map(|x| f(*x)).sum();
    }
    let half = (values.len() / 2).next_multiple_of(BLOCK);
    sum(&values[..half], f) + sum(&values[half..], f)
}

/// Moments about a pivot, in two passes (STAT-002). `sorted` gives the Gini coefficient its order.
pub(crate) fn moments(values: &[f64], sorted: Option<&[f64]>) -> Moments {
    let Some(pivot) = values.first().copied() else {
        return Moments { sum: 0.0, mean: None, sd: None, gini: None, farthest: Vec::new() };
    };
    let n = values.len() as f64;
    // Where the distances from the pivot overflow the shares of the mean do not.
    let about = pivot + sum(values, &|x| x - pivot) / n;
    let mean = if about.is_finite() { about } else { sum(values, &|x| x / n) };
    // Beyond the largest number there is no statistic (LANG-032): never infinity, and never a spread of zero out of it.
    let finite = |x: f64| x.is_finite().then_some(x);
    let sd = if values.len() > 1 {
        let (squares, rest) = (sum(values, &|x| (x - mean) * (x - mean)), sum(values, &|x| x - mean));
        finite(squares - rest * rest / n).map(|s| (s.max(0.0) / (n - 1.0)).sqrt())
    } else {
        None
    };
    let mut farthest = Vec::with_capacity(FARTHEST + 1);
    for x in values {
        let distance = (x - mean).abs();
        if farthest.len() < FARTHEST || farthest.last().is_some_and(|least| distance > *least) {
            let at = farthest.partition_point(|d| *d >= distance);
            farthest.insert(at, distance);
            farthest.truncate(FARTHEST);
        }
    }
    let total = sum(values, &|x| x);
    let gini = sorted.filter(|_| total > 0.0).and_then(|sorted| {
        let weighted: Vec<f64> =
            sorted.iter().enumerate().map(|(i, x)| (2.0 * (i as f64 + 1.0) - n - 1.0) * x).collect();
        finite(sum(&weighted, &|x| x) / (n * total))
    });
    Moments { sum: total, mean: finite(mean), sd, gini, farthest }
}

/// Percentile of type 7 of ascending values: h = (n-1)p, linear between neighbours.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let h = last as f64 * share;
    let (low, fraction) = (h.floor() as usize, h - h.floor());
    let (a, b) = (sorted[low.min(last)], sorted[(low + 1).min(last)]);
    Some(a + fraction * (b - a))
}

/// The `width` order statistics round the type 7 position, clipped to the sample (SDC-121).
fn window(sorted: &[f64], share: f64, width: usize) -> &[f64] {
    let low = ((sorted.len() - 1) as f64 * share).floor() as usize;
    let before = width.saturating_sub(1) / 2;
    &sorted[low.saturating_sub(before)..(low + width - before).min(sorted.len())]
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
    let clamped: Vec<f64> = match limits {
        Some((low, high)) if low <= high => values.iter().map(|x| x.clamp(low, high)).collect(),
        _ => values.to_vec(),
    };
    let sort = |v: &[f64]| {
        let mut v = v.to_vec();
        v.par_sort_unstable_by(f64::total_cmp);
        v
    };
    let sorted = (wanted.gini || !wanted.percentiles.is_empty()).then(|| sort(&clamped));
    let plain_sorted = wanted.gini.then(|| sort(values));
    let mut largest = [0.0f64; 2];
    for x in values {
        let x = x.abs();
        if x > largest[0] {
            largest = [x, largest[0]];
        } else if x > largest[1] {
            largest[1] = x;
        }
    }
    let percentiles = match sorted.as_deref() {
        Some(sorted) if !sorted.is_empty() => wanted
            .percentiles
            .iter()
            .filter_map(|p| {
                let exact = percentile(sorted, p / 100.0)?;
                let window = window(sorted, p / 100.0, parameters.window).to_vec();
                Some(RawPercentile { p: *p, exact, window })
            })
            .collect(),
        _ => Vec::new(),
    };
    RawMagnitude {
        set,
        rows: values.len() as u64,
        constant: values.windows(2).all(|w| w[0] == w[1]),
        largest,
        sum_abs: sum(values, &f64::abs),
        plain: moments(values, plain_sorted.as_deref()),
        clamped: moments(&clamped, if wanted.gini { sorted.as_deref() } else { None }),
        percentiles,
    }
}

/// What is fixed for a column over the whole dataset version (SDC-101).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Limits {
    pub(crate) clamp: Option<(f64, f64)>,
    pub(crate) light_tails: bool,
}

impl Limits {
    pub(crate) fn of(mut values: Vec<f64>, winsor: (f64, f64)) -> Self {
        values.par_sort_unstable_by(f64::total_cmp);
        let at = |share| percentile(&values, share);
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

    /// STAT-002: large mean, tiny variance; the certified values of NIST's NumAcc3 (mean 1000000.2, sd 0.1).
    #[test]
    fn stat_002_a_tiny_variance_beside_a_large_mean() {
        let mut values = vec![1_000_000.2];
        (0..500).for_each(|_| values.extend([1_000_000.1, 1_000_000.3]));
        let m = moments(&values, None);
        assert!((m.mean.unwrap() - 1_000_000.2).abs() < 1e-8);
        assert!((m.sd.unwrap() - 0.1).abs() / 0.1 < 1e-8);
    }

    /// ENG-041: squares beyond the largest number are no spread at all, and not a spread of zero.
    #[test]
    fn eng_041_moments_that_overflow_are_missing() {
        let m = moments(&[f64::MAX, -20.0, 7.5], Some(&[-20.0, 7.5, f64::MAX]));
        assert_eq!((m.sd, m.gini), (None, None));
        assert!(m.mean.is_some_and(|x| (x / (f64::MAX / 3.0) - 1.0).abs() < 1e-12));
        let m = moments(&[f64::MAX, -f64::MAX], None);
        assert_eq!((m.mean, m.sd), (Some(0.0), None));
        assert_eq!(moments(&[f64::MAX, f64::MAX], None).sd, Some(0.0));
    }

    #[test]
    fn stat_030_type_7_percentiles_and_gini() {
        let v = [15.0, 20.0, 35.0, 40.0, 50.0];
        assert_eq!(percentile(&v, 0.4), Some(29.0));
        assert_eq!(percentile(&v, 1.0), Some(50.0));
        assert_eq!(percentile(&[], 0.5), None);
        // Σ(2i−n−1)x / (nΣx) for 1, 2, 3, 4: 10 / 40.
        assert!((moments(&[4.0, 1.0, 3.0, 2.0], Some(&[1.0, 2.0, 3.0, 4.0])).gini.unwrap() - 0.25).abs() < 1e-15);
        assert_eq!(moments(&[-1.0, 0.0], Some(&[-1.0, 0.0])).gini, None);
    }

    /// SDC-121: ten order statistics round the median of 100 values.
    #[test]
    fn sdc_121_the_window_round_a_percentile() {
        let v: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(window(&v, 0.5, 10), (45..55).map(f64::from).collect::<Vec<_>>());
        assert_eq!(window(&v, 0.0, 10), (0..6).map(f64::from).collect::<Vec<_>>());
        assert_eq!(window(&v[..3], 0.5, 10), [0.0, 1.0, 2.0]);
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
        let limits = Limits::of((1..=1000).map(f64::from).collect(), (0.01, 0.99));
        assert_eq!(limits, Limits { clamp: Some((11.0, 990.0)), light_tails: true });
        assert_eq!(three_digits(-123_456.0), -123_000.0);
        assert_eq!(three_digits(0.012_345), 0.0123);
    }
}
