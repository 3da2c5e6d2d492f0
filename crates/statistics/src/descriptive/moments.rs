//! Sums, moments and percentiles of values in memory. Sums run pairwise over fixed blocks, so that they depend neither on the
//! number of threads nor on chunks (STAT-001); moments in two passes about a pivot (STAT-002).

/// Values added in lanes before the pairwise tree begins.
const BLOCK: usize = 128;
/// Values added side by side within a block.
const SIDES: usize = 4;
/// From this many values on, halves are added on several threads.
const LARGE: usize = 1 << 16;

/// Pairwise sums of the numbers that `f` makes of each value: error grows with the logarithm of the number of values. The
/// order of additions follows from the number of values alone.
pub fn sums<T: Copy + Sync, const N: usize>(values: &[T], f: &(impl Fn(T) -> [f64; N] + Sync)) -> [f64; N] {
    if values.len() <= BLOCK {
        return block_sums(values, f);
    }
    let (low, high) = values.split_at((values.len() / 2).next_multiple_of(BLOCK));
    let (low, high) = if values.len() < LARGE {
        (sums(low, f), sums(high, f))
    } else {
        rayon::join(|| sums(low, f), || sums(high, f))
    };
    std::array::from_fn(|n| low[n] + high[n])
}

/// Four sums side by side, then all of them.
#[inline(always)]
fn block_sums<T: Copy, const N: usize>(values: &[T], f: impl Fn(T) -> [f64; N]) -> [f64; N] {
    let (quads, rest) = values.as_chunks::<SIDES>();
    let mut sides = [[0.0; SIDES]; N];
    for quad in quads {
        let [a, b, c, d] = *quad;
        let each = [f(a), f(b), f(c), f(d)];
        for (n, side) in sides.iter_mut().enumerate() {
            for (side, x) in side.iter_mut().zip(&each) {
                *side += x[n];
            }
        }
    }
    let mut sum = [0.0; N];
    for (sum, [a, b, c, d]) in sum.iter_mut().zip(sides) {
        *sum = (a + b) + (c + d);
    }
    for x in rest {
        sum.iter_mut().zip(f(*x)).for_each(|(sum, x)| *sum += x);
    }
    sum
}

/// The sum of one number per value.
pub fn sum<T: Copy + Sync>(values: &[T], f: impl Fn(T) -> f64 + Sync) -> f64 {
    sums(values, &|x| [f(x)])[0]
}

/// Number, mean and spread of values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moments {
    /// How many.
    pub n: f64,
    /// Σx.
    pub sum: f64,
    /// Not a number where there is no value.
    pub mean: f64,
    /// Σ(x − mean)².
    pub squares: f64,
}

impl Moments {
    /// Of values, none of them missing.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let pivot = values.first().copied().unwrap_or(f64::NAN);
        let [about, sum] = sums(values, &|x| [x - pivot, x]);
        let mean = pivot + about / n;
        let [squares, rest] = sums(values, &|x: f64| [(x - mean) * (x - mean), x - mean]);
        Self { n, sum, mean, squares: squares - rest * rest / n }
    }

    /// The standard deviation with divisor n − 1; none below two values.
    pub fn sd(&self) -> Option<f64> {
        (self.n > 1.0).then(|| (self.squares.max(0.0) / (self.n - 1.0)).sqrt())
    }
}

/// The percentile of type 7 of ascending values, `share` from 0 to 1: linear between the neighbours of the place (n−1)·share.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = last as f64 * share;
    let low = (place.floor() as usize).min(last);
    let high = (low + 1).min(last);
    Some(interpolated(sorted[low], sorted[high], place - place.floor()))
}

/// Between two neighbours; also where their distance is beyond the largest number, and where they are infinite.
pub fn interpolated(low: f64, high: f64, fraction: f64) -> f64 {
    if low == high {
        return low;
    }
    let distance = high - low;
    if distance.is_finite() { low + fraction * distance } else { low * (1.0 - fraction) + high * fraction }
}

/// A definition of percentiles (Hyndman and Fan 1996).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PercentileType {
    /// The inverse of the distribution function, with averages where it jumps.
    Two,
    /// Linear at (n+1)·share.
    Six,
    /// Linear at (n−1)·share, that of the language.
    Seven,
}

/// The percentile of a type, for comparison with other programs.
pub fn percentile_of(sorted: &[f64], share: f64, kind: PercentileType) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let n = sorted.len() as f64;
    match kind {
        PercentileType::Seven => percentile(sorted, share),
        PercentileType::Six => {
            // As if it were a place of type 7.
            let place = ((n + 1.0) * share - 1.0).clamp(0.0, last as f64);
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            Some(sorted[low] + (place - place.floor()) * (sorted[high] - sorted[low]))
        }
        PercentileType::Two => {
            let place = n * share;
            let whole = (place - place.round()).abs() < 1e-9 * n;
            if !whole {
                return Some(sorted[(place.floor() as usize).min(last)]);
            }
            let place = place.round() as usize;
            Some((sorted[place.saturating_sub(1).min(last)] + sorted[place.min(last)]) / 2.0)
        }
    }
}

/// The Gini coefficient of ascending values ([`gini_of`]).
pub fn gini(sorted: &[f64]) -> Option<f64> {
    gini_of(sorted.iter().map(|x| (*x, 1.0)), sorted.len() as f64, sum(sorted, |x| x))
}

/// The Gini coefficient Σ(2i−n−1)x / (nΣx) of `n` ascending values with this sum, each given once with how often it stands; none where
/// the sum is not positive, 0 where all are the same (STAT-033).
pub fn gini_of(each: impl Iterator<Item = (f64, f64)>, n: f64, total: f64) -> Option<f64> {
    let (mut before, mut same) = (0.0, true);
    let mut first = None;
    let weigh = |(x, number): (f64, f64)| {
        let weight = number * (2.0 * before + number - n);
        before += number;
        same &= *first.get_or_insert(x) == x;
        weight * x
    };
    let weighted: Vec<f64> = each.map(weigh).collect();
    (total > 0.0).then(|| if same { 0.0 } else { sum(&weighted, |x| x) / (n * total) })
}
