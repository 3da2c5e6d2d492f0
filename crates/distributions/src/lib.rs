//! Distribution functions, densities and inverses: normal, Student's, χ², F and beta, central and non-central. Central
//! values agree with R to 1e-10, non-central ones and inverses to 1e-8, in both tails. A parameter outside its domain gives none.

use std::f64::consts::PI;

mod noncentral;
mod range;
mod special;
mod tables;

use noncentral::t_tails;

pub use noncentral::shares;
pub use range::{studentised_range_critical, studentised_range_upper};
pub use special::{Tails, beta_power, beta_tails, deviance, gamma_tails, normal_tails, poisson, solve, stirling_error};
pub use tables::{Independence, independence};

/// Logarithms of positive numbers that floating point can hold.
const SMALLEST: f64 = -740.0;
const LARGEST: f64 = 700.0;

/// ln Γ(x).
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// The upper tail of χ² with `df` degrees of freedom; not a number outside the domain.
pub fn chi2_upper(x: f64, df: f64) -> f64 {
    chi2_tails(df, 0.0, x.max(0.0)).map_or(f64::NAN, |t| t.1)
}

/// The upper tail of F; not a number outside the domain.
pub fn f_upper(x: f64, above: f64, below: f64) -> f64 {
    f_tails(above, below, 0.0, x.max(0.0)).map_or(f64::NAN, |t| t.1)
}

/// Both tails of the normal distribution together: the two-sided p-value of z.
pub fn normal_two_sided(z: f64) -> f64 {
    2.0 * normal_tails(z.abs()).1
}

/// Both tails of Student's distribution together: the two-sided p-value of t.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    central_t_checked(df, t.abs()).map_or(f64::NAN, |t| 2.0 * t.1)
}

/// The z between which and −z `level` per cent lie.
pub fn normal_critical(level: f64) -> f64 {
    let upper = (1.0 - level / 100.0) / 2.0;
    inside(1.0 - upper, upper).and_then(|t| inverse_real(t, |z| Some(normal_tails(z)))).unwrap_or(f64::NAN)
}

/// The t between which and −t `level` per cent lie.
pub fn t_critical(level: f64, df: f64) -> f64 {
    let upper = (1.0 - level / 100.0) / 2.0;
    inside(1.0 - upper, upper).and_then(|t| inverse_real(t, |t| central_t_checked(df, t))).unwrap_or(f64::NAN)
}

fn central_t_checked(df: f64, t: f64) -> Option<Tails> {
    positive(df)?;
    central_t(df, t)
}

/// Whether a parameter is positive.
pub fn positive(v: f64) -> Option<()> {
    (v > 0.0).then_some(())
}

/// Whether both parameters are positive.
pub fn positives(a: f64, b: f64) -> Option<()> {
    (a > 0.0 && b > 0.0).then_some(())
}

/// The tails of a lower probability, 0 ≤ p < 1.
pub fn below(p: f64) -> Option<Tails> {
    (0.0..1.0).contains(&p).then_some((p, 1.0 - p))
}

/// The tails of an upper probability, 0 < p ≤ 1.
pub fn above(p: f64) -> Option<Tails> {
    (p > 0.0 && p <= 1.0).then_some((1.0 - p, p))
}

/// Both tails of a probability strictly between 0 and 1.
pub fn inside(lower: f64, upper: f64) -> Option<Tails> {
    (lower > 0.0 && upper > 0.0).then_some((lower, upper))
}

/// The point of a distribution on the positive numbers; sought by its logarithm.
pub fn inverse_positive(target: Tails, tails: impl Fn(f64) -> Option<Tails>) -> Option<f64> {
    if target.0 == 0.0 {
        return Some(0.0);
    }
    solve(target, SMALLEST, LARGEST, |u| tails(u.exp())).map(f64::exp)
}

/// The point of a distribution on all numbers; sought by the inverse of its hyperbolic sine.
pub fn inverse_real(target: Tails, tails: impl Fn(f64) -> Option<Tails>) -> Option<f64> {
    solve(target, -LARGEST, LARGEST, |u| tails(u.sinh())).map(f64::sinh)
}

/// The point of the beta distribution with these tails.
pub fn inverse_beta(a: f64, b: f64, target: Tails) -> Option<f64> {
    positives(a, b)?;
    if target.0 == 0.0 || target.1 == 0.0 {
        return Some(target.0);
    }
    let (lower, upper) = inside(target.0, target.1)?;
    solve((lower, upper), SMALLEST, 0.0, |u| beta_tails(a, b, u.exp(), -u.exp_m1())).map(f64::exp)
}

/// The normal density.
pub fn normal_density(x: f64, mean: f64, sd: f64) -> Option<f64> {
    positive(sd)?;
    let z = (x - mean) / sd;
    Some((-0.5 * z * z).exp() / (sd * (2.0 * PI).sqrt()))
}

/// Both tails of χ² with `v` degrees of freedom and non-centrality `lambda`.
pub fn chi2_tails(v: f64, lambda: f64, x: f64) -> Option<Tails> {
    (v > 0.0 && lambda >= 0.0).then(|| noncentral::chi2_tails(v, lambda, x)).flatten()
}

/// At 0 the density is infinite, hence missing, below two degrees of freedom.
pub fn chi2_density(v: f64, lambda: f64, x: f64) -> Option<f64> {
    if v <= 0.0 || lambda < 0.0 {
        return None;
    }
    if x < 0.0 {
        return Some(0.0);
    }
    if x == 0.0 {
        return at_zero(v, 0.5 * (-lambda / 2.0).exp());
    }
    match lambda == 0.0 {
        true => Some(poisson(v / 2.0, x / 2.0) * v / (2.0 * x)),
        false => noncentral::chi2_density(v, lambda, x),
    }
}

/// A density at 0 that behaves as x^(v/2 − 1).
fn at_zero(v: f64, at_two: f64) -> Option<f64> {
    match v {
        v if v < 2.0 => None,
        v if v > 2.0 => Some(0.0),
        _ => Some(at_two),
    }
}

/// Both tails of F with `v1` and `v2` degrees of freedom and non-centrality `lambda`.
pub fn f_tails(v1: f64, v2: f64, lambda: f64, f: f64) -> Option<Tails> {
    (v1 > 0.0 && v2 > 0.0 && lambda >= 0.0).then(|| noncentral::f_tails(v1, v2, lambda, f)).flatten()
}

/// The density of F.
pub fn f_density(v1: f64, v2: f64, lambda: f64, f: f64) -> Option<f64> {
    if v1 <= 0.0 || v2 <= 0.0 || lambda < 0.0 {
        return None;
    }
    if f < 0.0 {
        return Some(0.0);
    }
    if f == 0.0 {
        return at_zero(v1, (-lambda / 2.0).exp());
    }
    if lambda > 0.0 {
        return noncentral::f_density(v1, v2, lambda, f);
    }
    let (x, y) = shares(v1, v2, f);
    Some(beta_power(v1 / 2.0, v2 / 2.0, x, y) / f)
}

/// Both tails of Student's distribution. The upper tail is half the share of F(1, v) above t².
pub fn central_t(v: f64, t: f64) -> Option<Tails> {
    // v / (v + t²) and its complement, without overflow.
    let s = t / v.sqrt();
    let (x, y) = if s.abs() > 1e150 { (0.0, 1.0) } else { (1.0 / (1.0 + s * s), s * s / (1.0 + s * s)) };
    let half = 0.5 * beta_tails(v / 2.0, 0.5, x, y)?.0;
    Some(if t >= 0.0 { (1.0 - half, half) } else { (half, 1.0 - half) })
}

/// Both tails of Student's distribution with `v` degrees of freedom and non-centrality `delta`.
pub fn noncentral_t(v: f64, delta: f64, t: f64) -> Option<Tails> {
    positive(v)?;
    if delta == 0.0 { central_t(v, t) } else { t_tails(v, delta, t) }
}

/// The central density as in Loader's paper.
pub fn t_density(v: f64, delta: f64, t: f64) -> Option<f64> {
    positive(v)?;
    if delta != 0.0 {
        return noncentral::t_density(v, delta, t);
    }
    let log = stirling_error((v + 1.0) / 2.0) - stirling_error(v / 2.0) - deviance(v / 2.0, (v + 1.0) / 2.0);
    let s = t / v.sqrt();
    let spread = if s.abs() > 1e150 { 2.0 * s.abs().ln() } else { (s * s).ln_1p() };
    Some((log - 0.5 * v * spread - 0.5 * spread).exp() / (2.0 * PI).sqrt())
}

/// The regularised incomplete beta function and its complement.
pub fn ibeta(a: f64, b: f64, x: f64) -> Option<Tails> {
    positives(a, b)?;
    beta_tails(a, b, x, 1.0 - x)
}

/// The density of the beta distribution.
pub fn beta_density(a: f64, b: f64, x: f64) -> Option<f64> {
    positives(a, b)?;
    if !(0.0..=1.0).contains(&x) {
        return Some(0.0);
    }
    if x == 0.0 {
        return at_zero(2.0 * a, b);
    }
    if x == 1.0 {
        return at_zero(2.0 * b, a);
    }
    Some(beta_power(a, b, x, 1.0 - x) / (x * (1.0 - x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-005, STAT-043: tails and critical values, against `pt`, `pf`, `pnorm`, `pchisq`, `qt` and `qnorm` of R.
    #[test]
    fn stat_005_tails_and_critical_values() {
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-10, "{a} {b}");
        close(t_two_sided(2.0, 10.0), 0.073_388_034_770_740_37);
        close(t_two_sided(-1.0, 1.0), 0.5);
        close(normal_two_sided(1.959_963_984_540_054), 0.05);
        close(f_upper(4.0, 2.0, 20.0), 0.034_571_613_033_607_79);
        close(t_critical(95.0, 10.0), 2.228_138_851_986_274);
        close(normal_critical(95.0), 1.959_963_984_540_054);
        for (x, df, p) in [
            (3.841_458_820_694_124, 1.0, 0.05),
            (0.5, 3.0, 0.918_891_411_654_675_8),
            (30.0, 10.0, 0.000_856_641_210_775_3),
            (124.342_113_404_004_07, 100.0, 0.05),
            (400.0, 4.0, 2.781_632_018_740_842_3e-85),
        ] {
            close(chi2_upper(x, df), p);
        }
        assert_eq!(chi2_upper(0.0, 2.0), 1.0);
        assert!(t_two_sided(1.0, 0.0).is_nan() && f_upper(1.0, 0.0, 1.0).is_nan());
    }
}
