//! Non-central chi-squared, F and t. Chi-squared and F are mixtures of central ones over a Poisson number (Johnson, Kotz
//! and Balakrishnan, "Continuous univariate distributions" 2, chapters 29 to 31); both tails are sums of positive terms
//! by stable recurrences. The t distribution is integrated over the chi distribution of its denominator.

use crate::special::{Tails, beta_power, beta_tails, deviance, gamma_tails, normal_tails, poisson, stirling_error};

/// Most terms of a mixture.
const TERMS: f64 = 5e4;

/// Most steps of an integral to each side of its peak.
const STEPS: f64 = 10_000.0;

/// The numbers of the mixture that matter: around the mean of the Poisson number and around the largest term.
fn range(mean: f64, largest: f64) -> Option<(f64, f64)> {
    let (low, high) = (mean.min(largest), mean.max(largest));
    let from = (low - 12.0 * low.sqrt() - 60.0).floor().max(0.0);
    let to = (high + 12.0 * high.sqrt() + 60.0).ceil();
    (to - from < TERMS).then_some((from, to))
}

/// Both tails of a mixture. `tail` gives the tails of component j, `drop` what the lower tail loses from j to j + 1, and
/// `ratio` what `drop` is multiplied by from j to j + 1.
fn mixture(
    mean: f64,
    (from, to): (f64, f64),
    tail: impl Fn(f64) -> Option<Tails>,
    drop: impl Fn(f64) -> f64,
    ratio: impl Fn(f64) -> f64,
) -> Option<Tails> {
    // Upper tails grow with j: summed upwards. Lower tails grow as j falls: summed downwards.
    let (mut upper, mut sum_upper) = (tail(from)?.1, 0.0);
    let (mut weight, mut lost) = (poisson(from, mean), drop(from));
    let mut j = from;
    while j <= to {
        sum_upper += weight * upper;
        upper += lost;
        // A start that underflowed begins anew where there are digits.
        lost = if lost > 1e-290 { lost * ratio(j) } else { drop(j + 1.0) };
        weight = if weight > 1e-290 { weight * mean / (j + 1.0) } else { poisson(j + 1.0, mean) };
        j += 1.0;
    }
    let (mut lower, mut sum_lower) = (tail(to)?.0, 0.0);
    let (mut weight, mut lost) = (poisson(to, mean), drop(to - 1.0));
    let mut j = to;
    while j >= from {
        sum_lower += weight * lower;
        lower += lost;
        let next = j - 1.0;
        weight = if weight > 1e-290 { weight * j / mean } else { poisson(next.max(0.0), mean) };
        lost = match next >= from + 1.0 {
            true if lost > 1e-290 => lost / ratio(next - 1.0),
            true => drop(next - 1.0),
            false => 0.0,
        };
        j = next;
    }
    Some((sum_lower.min(1.0), sum_upper.min(1.0)))
}

/// Chi-squared with v degrees of freedom and non-centrality λ at x.
pub fn chi2_tails(v: f64, lambda: f64, x: f64) -> Option<Tails> {
    let (a, half, mean) = (v / 2.0, x / 2.0, lambda / 2.0);
    if x <= 0.0 {
        return Some((0.0, 1.0));
    }
    if lambda == 0.0 {
        return gamma_tails(a, half);
    }
    let range = range(mean, (mean * half).sqrt())?;
    mixture(mean, range, |j| gamma_tails(a + j, half), |j| poisson(a + j, half), |j| half / (a + j + 1.0))
}

/// Its density, x > 0.
pub fn chi2_density(v: f64, lambda: f64, x: f64) -> Option<f64> {
    let (a, half, mean) = (v / 2.0, x / 2.0, lambda / 2.0);
    let (from, to) = range(mean, (mean * half).sqrt())?;
    let mut sum = 0.0;
    let mut j = from;
    while j <= to {
        sum += poisson(j, mean) * poisson(a + j, half) * (a + j) / x;
        j += 1.0;
    }
    Some(sum)
}

/// The number with the largest term in a mixture of beta distributions.
fn largest(mean: f64, n: f64, x: f64) -> f64 {
    let m = mean * x;
    0.5 * (m + (m * m + 4.0 * m * n).sqrt())
}

/// F with v1, v2 degrees of freedom and non-centrality λ at f.
pub fn f_tails(v1: f64, v2: f64, lambda: f64, f: f64) -> Option<Tails> {
    if f <= 0.0 {
        return Some((0.0, 1.0));
    }
    let (a, b, mean) = (v1 / 2.0, v2 / 2.0, lambda / 2.0);
    let (x, y) = shares(v1, v2, f);
    if lambda == 0.0 {
        return beta_tails(a, b, x, y);
    }
    let range = range(mean, largest(mean, a + b, x))?;
    let drop = |j: f64| beta_power(a + j, b, x, y) / (a + j);
    mixture(mean, range, |j| beta_tails(a + j, b, x, y), drop, |j| x * (a + j + b) / (a + j + 1.0))
}

/// Its density, f > 0.
pub fn f_density(v1: f64, v2: f64, lambda: f64, f: f64) -> Option<f64> {
    let (a, b, mean) = (v1 / 2.0, v2 / 2.0, lambda / 2.0);
    let (x, y) = shares(v1, v2, f);
    let (from, to) = range(mean, largest(mean, a + b, x))?;
    let mut sum = 0.0;
    let mut j = from;
    while j <= to {
        sum += poisson(j, mean) * beta_power(a + j, b, x, y) / f;
        j += 1.0;
    }
    Some(sum)
}

/// v1 f / (v1 f + v2) and its complement.
pub fn shares(v1: f64, v2: f64, f: f64) -> (f64, f64) {
    let (p, q) = (v1 * f, v2);
    if p.is_infinite() { (1.0, 0.0) } else { (p / (p + q), q / (p + q)) }
}

/// ln Φ(z), also where Φ(z) is 0 in floating point.
fn log_normal(z: f64) -> f64 {
    if z > -36.0 {
        return normal_tails(z).0.ln();
    }
    let s = 1.0 / (z * z);
    -0.5 * z * z - (-z).ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
        + ((-1.0 + (3.0 - (15.0 - 105.0 * s) * s) * s) * s).ln_1p()
}

/// ∫ of exp(g(t eᵘ − δ, u)) times the density of u = ln √(χ²/v), by the trapezoidal rule, which converges faster than any
/// power of the step for such functions.
fn over_denominator(v: f64, g: impl Fn(f64) -> f64) -> Option<f64> {
    let a = v / 2.0;
    let log = |u: f64| {
        let m = a * (2.0 * u).exp();
        // ln of v · mᵃ e⁻ᵐ / Γ(a+1), the density of u.
        let kernel = -stirling_error(a) - deviance(a, m) - 0.5 * (2.0 * std::f64::consts::PI * a).ln();
        let value = kernel + v.ln() + g(u);
        if value.is_nan() { f64::NEG_INFINITY } else { value }
    };
    // The integrand has one peak: golden section.
    let (mut low, mut high) = (-340.0f64, 340.0f64);
    let share = 0.5 * (5.0f64.sqrt() - 1.0);
    for _ in 0..90 {
        let (p, q) = (high - share * (high - low), low + share * (high - low));
        if log(p) < log(q) {
            low = p;
        } else {
            high = q;
        }
    }
    let peak = 0.5 * (low + high);
    let top = log(peak);
    if !top.is_finite() {
        return Some(0.0);
    }
    let e = 1e-3;
    let bend = (2.0 * top - log(peak + e) - log(peak - e)) / (e * e);
    let h = if bend > 0.0 { (0.25 / bend.sqrt()).min(0.1) } else { 0.1 };
    let mut sum = 1.0;
    for sign in [-1.0, 1.0] {
        let mut i = 0.0;
        loop {
            i += 1.0;
            let term = (log(peak + sign * h * i) - top).exp();
            sum += term;
            if term < sum * 1e-18 {
                break;
            }
            if i >= STEPS {
                // So few degrees of freedom that the integrand hardly falls.
                return None;
            }
        }
    }
    Some(top.exp() * sum * h)
}

/// t with v degrees of freedom and non-centrality δ at x.
pub fn t_tails(v: f64, delta: f64, x: f64) -> Option<Tails> {
    let lower = over_denominator(v, |u| log_normal(x * u.exp() - delta))?;
    let upper = over_denominator(v, |u| log_normal(delta - x * u.exp()))?;
    Some((lower.min(1.0), upper.min(1.0)))
}

/// Its density.
pub fn t_density(v: f64, delta: f64, x: f64) -> Option<f64> {
    let norm = 0.5 * (2.0 * std::f64::consts::PI).ln();
    over_denominator(v, |u| {
        let z = x * u.exp() - delta;
        u - 0.5 * z * z - norm
    })
}
