//! Tests of normality (STAT-060): skewness (D'Agostino 1970), kurtosis (Anscombe and Glynn 1983), both together (D'Agostino and
//! Pearson 1973), Jarque and Bera (1987), and Shapiro and Wilk's W with Royston's approximation (1995, algorithm AS R94).

use super::moments::{Moments, sums};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// The most rows that Royston's approximation holds for.
pub const MOST: usize = 5000;

/// A statistic with its p-value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tested {
    /// The statistic.
    pub statistic: f64,
    /// Its p-value.
    pub p: f64,
}

/// The tests of a variable; none where there are too few rows, or all values are the same.
#[derive(Clone, PartialEq, Debug)]
pub struct Normality {
    /// Rows.
    pub n: u64,
    /// m₃/m₂^{3/2}.
    pub skewness: Option<f64>,
    /// m₄/m₂².
    pub kurtosis: Option<f64>,
    /// z of the skewness; from 8 rows.
    pub skewness_test: Option<Tested>,
    /// z of the kurtosis; from 20 rows.
    pub kurtosis_test: Option<Tested>,
    /// χ² of both.
    pub both: Option<Tested>,
    /// Jarque and Bera's χ².
    pub jarque_bera: Option<Tested>,
    /// Shapiro and Wilk's W.
    pub shapiro_wilk: Option<Tested>,
    /// Whether W is that of some of the rows.
    pub subsample: bool,
    /// `W_CONSTANT`.
    pub notice: Option<Notice>,
}

/// The tests of each variable over its own rows. Of more than [`MOST`] rows W takes those with the smallest `keys`, which are asked
/// by row; without keys there is no W then.
///
/// # Errors
/// `E_STOPPED`.
pub fn normaltest(
    rows: &dyn Rows,
    variables: &[usize],
    keys: Option<&dyn Fn(u32) -> u64>,
) -> Result<Vec<Normality>, Problem> {
    let mut all = Vec::new();
    for variable in variables {
        if rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        let mut frame = Frame::of(rows, &[*variable]);
        let values = std::mem::take(&mut frame.columns[0]);
        let sample = match keys {
            _ if values.len() <= MOST => Some(values.clone()),
            None => None,
            Some(keys) => {
                let mut keyed: Vec<(u64, u32, f64)> =
                    frame.origin.iter().zip(&values).map(|(row, x)| (keys(*row), *row, *x)).collect();
                let order = |a: &(u64, u32, f64), b: &(u64, u32, f64)| (a.0, a.1).cmp(&(b.0, b.1));
                keyed.select_nth_unstable_by(MOST, order);
                Some(keyed[..MOST].iter().map(|(.., x)| *x).collect())
            }
        };
        let mut tests = tests(&values, sample);
        if tests.n > 1 && tests.skewness.is_none() {
            tests.notice = Some(Notice::with("W_CONSTANT", rows.name(*variable)));
        }
        all.push(tests);
    }
    Ok(all)
}

fn tests(values: &[f64], sample: Option<Vec<f64>>) -> Normality {
    let n = values.len() as f64;
    let subsample = sample.as_ref().is_some_and(|s| s.len() < values.len());
    let mut tests = Normality {
        n: values.len() as u64,
        skewness: None,
        kurtosis: None,
        skewness_test: None,
        kurtosis_test: None,
        both: None,
        jarque_bera: None,
        shapiro_wilk: None,
        subsample,
        notice: None,
    };
    let mean = Moments::of(values).mean;
    if values.iter().all(|x| *x == values[0]) {
        return tests;
    }
    let powers = sums(values, &|x: f64| {
        let d = x - mean;
        [d, d * d, d * d * d, d * d * d * d]
    });
    // Far from zero the mean itself is rounded: the powers are taken about what is left of it.
    let [left, p2, p3, p4] = powers.map(|s| s / n);
    let m2 = p2 - left * left;
    let m3 = p3 - 3.0 * left * p2 + 2.0 * left.powi(3);
    let m4 = p4 - 4.0 * left * p3 + 6.0 * left * left * p2 - 3.0 * left.powi(4);
    let (b1, b2) = (m3 / m2.powf(1.5), m4 / (m2 * m2));
    (tests.skewness, tests.kurtosis) = (Some(b1), Some(b2));
    let z = |z: f64| Tested { statistic: z, p: distributions::normal_two_sided(z) };
    let chi2 = |x: f64| Tested { statistic: x, p: distributions::chi2_upper(x, 2.0) };
    tests.skewness_test = (n >= 8.0).then(|| z(skewness(b1, n)));
    tests.kurtosis_test = (n >= 20.0).then(|| z(kurtosis(b2, n)));
    let both = tests.skewness_test.zip(tests.kurtosis_test);
    tests.both = both.map(|(a, b)| chi2(a.statistic.powi(2) + b.statistic.powi(2)));
    tests.jarque_bera = Some(chi2(n / 6.0 * (b1 * b1 + (b2 - 3.0).powi(2) / 4.0)));
    tests.shapiro_wilk = sample.and_then(shapiro_wilk);
    tests
}

/// z of √b₁: its logarithm is normal after a shift (Johnson's SU).
fn skewness(b1: f64, n: f64) -> f64 {
    let y = b1 * ((n + 1.0) * (n + 3.0) / (6.0 * (n - 2.0))).sqrt();
    let beta2 =
        3.0 * (n * n + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0) / ((n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0));
    let w2 = (2.0 * (beta2 - 1.0)).sqrt() - 1.0;
    let (delta, alpha) = (1.0 / (0.5 * w2.ln()).sqrt(), (2.0 / (w2 - 1.0)).sqrt());
    delta * (y / alpha).asinh()
}

/// z of b₂: the cube root of a shifted inverse χ² is normal (Wilson and Hilferty).
fn kurtosis(b2: f64, n: f64) -> f64 {
    let mean = 3.0 * (n - 1.0) / (n + 1.0);
    let variance = 24.0 * n * (n - 2.0) * (n - 3.0) / ((n + 1.0).powi(2) * (n + 3.0) * (n + 5.0));
    let x = (b2 - mean) / variance.sqrt();
    let skew = 6.0 * (n * n - 5.0 * n + 2.0) / ((n + 7.0) * (n + 9.0))
        * (6.0 * (n + 3.0) * (n + 5.0) / (n * (n - 2.0) * (n - 3.0))).sqrt();
    let a = 6.0 + 8.0 / skew * (2.0 / skew + (1.0 + 4.0 / (skew * skew)).sqrt());
    let root = ((1.0 - 2.0 / a) / (1.0 + x * (2.0 / (a - 4.0)).sqrt())).cbrt();
    (1.0 - 2.0 / (9.0 * a) - root) / (2.0 / (9.0 * a)).sqrt()
}

/// c₀ + c₁x + c₂x² …
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// The point of the standard normal distribution below which a share `p` lies.
fn normal_quantile(p: f64) -> f64 {
    let tails = distributions::inside(p, 1.0 - p);
    tails.and_then(|t| distributions::inverse_real(t, |z| Some(distributions::normal_tails(z)))).unwrap_or(f64::NAN)
}

/// W and its upper tail. The weights are those of expected normal order statistics, the two outer ones by polynomials in 1/√n; the
/// logarithm of 1 − W is normal with mean and standard deviation by polynomials in n or ln n.
fn shapiro_wilk(mut values: Vec<f64>) -> Option<Tested> {
    let n = values.len();
    if !(3..=MOST).contains(&n) {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let size = n as f64;
    let weights = weights(n);
    let moments = Moments::of(&values);
    if moments.squares <= 0.0 {
        return None;
    }
    // About the mean, so that nothing is lost of large values.
    let about = |i: usize| values[i] - moments.mean;
    let linear: f64 = weights.iter().enumerate().map(|(i, a)| a * (about(n - 1 - i) - about(i))).sum();
    let w = (linear * linear / moments.squares).min(1.0);
    if n == 3 {
        let p = 6.0 / std::f64::consts::PI * (w.sqrt().asin() - 0.75_f64.sqrt().asin());
        return Some(Tested { statistic: w, p: p.max(0.0) });
    }
    let mut y = (1.0 - w).ln();
    let (mean, sd) = if n <= 11 {
        let limit = -2.273 + 0.459 * size;
        if y >= limit {
            return Some(Tested { statistic: w, p: 0.0 });
        }
        y = -(limit - y).ln();
        (
            polynomial(&[0.544, -0.399_78, 0.025_054, -6.714e-4], size),
            polynomial(&[1.3822, -0.778_57, 0.062_767, -0.002_032_2], size).exp(),
        )
    } else {
        (
            polynomial(&[-1.5861, -0.310_82, -0.083_751, 0.003_891_5], size.ln()),
            polynomial(&[-0.4803, -0.082_676, 0.003_030_2], size.ln()).exp(),
        )
    };
    Some(Tested { statistic: w, p: distributions::normal_tails((y - mean) / sd).1 })
}

/// The weights of the upper half of the ordered values, from the largest; those of the lower half are their negatives.
fn weights(n: usize) -> Vec<f64> {
    if n == 3 {
        return vec![0.5_f64.sqrt()];
    }
    let size = n as f64;
    let half = n / 2;
    let scores: Vec<f64> = (0..half).map(|i| -normal_quantile((i as f64 + 0.625) / (size + 0.25))).collect();
    let squares = 2.0 * scores.iter().map(|m| m * m).sum::<f64>();
    let x = 1.0 / size.sqrt();
    let outer =
        polynomial(&[0.0, 0.221_157, -0.147_981, -2.071_19, 4.434_685, -2.706_056], x) + scores[0] / squares.sqrt();
    let mut fixed = vec![outer];
    if n > 5 {
        let second = polynomial(&[0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633], x)
            + scores[1] / squares.sqrt();
        fixed.push(second);
    }
    // The others keep their proportions; all squares add up to one.
    let left = squares - 2.0 * scores.iter().take(fixed.len()).map(|m| m * m).sum::<f64>();
    let factor = (left / (1.0 - 2.0 * fixed.iter().map(|a| a * a).sum::<f64>())).sqrt();
    let rest = scores.iter().skip(fixed.len()).map(|m| m / factor);
    fixed.iter().copied().chain(rest).collect()
}
