//! The functions of section 9.2: binomial, normal, t, F, chi-squared and beta, central and non-central. Parameters come
//! first, the point or probability last (LANG-232). Central values agree with the reference to 1e-10, non-central ones
//! and inverses to 1e-8, in both tails.

use std::f64::consts::PI;

use super::Scalar;
use crate::functions::Function;

mod noncentral;
mod special;

use noncentral::{shares, t_tails};
use special::{Tails, beta_power, beta_tails, deviance, gamma_tails, normal_tails, poisson, solve, stirling_error};

/// Logarithms of positive numbers that floating point can hold.
const SMALLEST: f64 = -740.0;
const LARGEST: f64 = 700.0;

/// A function of the group; none outside its domain. No argument is missing.
pub(super) fn probability(function: Function, arguments: &[Scalar]) -> Option<Scalar> {
    let x: Vec<f64> = arguments.iter().map(Scalar::number).collect::<Option<_>>()?;
    let value = match (function, x.as_slice()) {
        (Function::Normal, [z]) => Some(normal_tails(*z).0),
        (Function::NormalDen, [x]) => normal_density(*x, 0.0, 1.0),
        (Function::NormalDen, [x, mean]) => normal_density(*x, *mean, 1.0),
        (Function::NormalDen, [x, mean, sd]) => normal_density(*x, *mean, *sd),
        (Function::NtDen, [v, x]) => t_density(*v, 0.0, *x),
        (_, [v, x]) => of_two(function, *v, *x),
        (_, [a, b, x]) => of_three(function, *a, *b, *x),
        (_, [v1, v2, lambda, x]) => of_four(function, *v1, *v2, *lambda, *x),
        _ => None,
    };
    value.map(Scalar::decimal)
}

fn of_two(function: Function, v: f64, x: f64) -> Option<f64> {
    positive(v)?;
    match function {
        Function::Chi2 => chi2_tails(v, 0.0, x).map(|t| t.0),
        Function::Chi2Tail => chi2_tails(v, 0.0, x).map(|t| t.1),
        Function::Chi2Den => chi2_density(v, 0.0, x),
        Function::InvChi2 => inverse_positive(below(x)?, |x| gamma_tails(v / 2.0, x / 2.0)),
        Function::InvChi2Tail => inverse_positive(above(x)?, |x| gamma_tails(v / 2.0, x / 2.0)),
        Function::T => Some(central_t(v, x)?.0),
        Function::TTail => Some(central_t(v, x)?.1),
        Function::TDen => t_density(v, 0.0, x),
        Function::InvT => inverse_real(inside(x, 1.0 - x)?, |t| central_t(v, t)),
        Function::InvTTail => inverse_real(inside(1.0 - x, x)?, |t| central_t(v, t)),
        _ => None,
    }
}

fn of_three(function: Function, a: f64, b: f64, x: f64) -> Option<f64> {
    match function {
        Function::Binomial | Function::BinomialP | Function::BinomialTail => {
            binomial(function, a.floor(), b.floor(), x)
        }
        Function::F => f_tails(a, b, 0.0, x).map(|t| t.0),
        Function::FTail => f_tails(a, b, 0.0, x).map(|t| t.1),
        Function::FDen => f_density(a, b, 0.0, x),
        Function::InvF => positives(a, b).and_then(|()| inverse_positive(below(x)?, |f| f_tails(a, b, 0.0, f))),
        Function::InvFTail => positives(a, b).and_then(|()| inverse_positive(above(x)?, |f| f_tails(a, b, 0.0, f))),
        Function::NChi2 => chi2_tails(a, b, x).map(|t| t.0),
        Function::NChi2Tail => chi2_tails(a, b, x).map(|t| t.1),
        Function::NChi2Den => chi2_density(a, b, x),
        Function::BetaDen => beta_density(a, b, x),
        Function::IBeta => ibeta(a, b, x).map(|t| t.0),
        Function::IBetaTail => ibeta(a, b, x).map(|t| t.1),
        Function::InvIBeta => inverse_beta(a, b, (x, 1.0 - x)),
        Function::InvIBetaTail => inverse_beta(a, b, (1.0 - x, x)),
        Function::Nt => noncentral_t(a, b, x).map(|t| t.0),
        Function::NtTail => noncentral_t(a, b, x).map(|t| t.1),
        Function::NtDen => t_density(a, b, x),
        Function::InvNtTail => positive(a).and_then(|()| {
            let target = inside(1.0 - x, x)?;
            inverse_real(target, |t| noncentral_t(a, b, t))
        }),
        _ => None,
    }
}

fn of_four(function: Function, v1: f64, v2: f64, lambda: f64, x: f64) -> Option<f64> {
    match function {
        Function::NF => f_tails(v1, v2, lambda, x).map(|t| t.0),
        Function::NFTail => f_tails(v1, v2, lambda, x).map(|t| t.1),
        Function::NFDen => f_density(v1, v2, lambda, x),
        Function::InvNFTail if lambda >= 0.0 => {
            positives(v1, v2)?;
            inverse_positive(above(x)?, |f| f_tails(v1, v2, lambda, f))
        }
        _ => None,
    }
}

fn positive(v: f64) -> Option<()> {
    (v > 0.0).then_some(())
}

fn positives(a: f64, b: f64) -> Option<()> {
    (a > 0.0 && b > 0.0).then_some(())
}

/// The tails of a lower probability, 0 ≤ p < 1.
fn below(p: f64) -> Option<Tails> {
    (0.0..1.0).contains(&p).then_some((p, 1.0 - p))
}

/// The tails of an upper probability, 0 < p ≤ 1.
fn above(p: f64) -> Option<Tails> {
    (p > 0.0 && p <= 1.0).then_some((1.0 - p, p))
}

fn inside(lower: f64, upper: f64) -> Option<Tails> {
    (lower > 0.0 && upper > 0.0).then_some((lower, upper))
}

/// The point of a distribution on the positive numbers; sought by its logarithm.
fn inverse_positive(target: Tails, tails: impl Fn(f64) -> Option<Tails>) -> Option<f64> {
    if target.0 == 0.0 {
        return Some(0.0);
    }
    solve(target, SMALLEST, LARGEST, |u| tails(u.exp())).map(f64::exp)
}

/// The point of a distribution on all numbers; sought by the inverse of its hyperbolic sine.
fn inverse_real(target: Tails, tails: impl Fn(f64) -> Option<Tails>) -> Option<f64> {
    solve(target, -LARGEST, LARGEST, |u| tails(u.sinh())).map(f64::sinh)
}

fn inverse_beta(a: f64, b: f64, target: Tails) -> Option<f64> {
    positives(a, b)?;
    if target.0 == 0.0 || target.1 == 0.0 {
        return Some(target.0);
    }
    let (lower, upper) = inside(target.0, target.1)?;
    solve((lower, upper), SMALLEST, 0.0, |u| beta_tails(a, b, u.exp(), -u.exp_m1())).map(f64::exp)
}

fn normal_density(x: f64, mean: f64, sd: f64) -> Option<f64> {
    positive(sd)?;
    let z = (x - mean) / sd;
    Some((-0.5 * z * z).exp() / (sd * (2.0 * PI).sqrt()))
}

fn chi2_tails(v: f64, lambda: f64, x: f64) -> Option<Tails> {
    (v > 0.0 && lambda >= 0.0).then(|| noncentral::chi2_tails(v, lambda, x)).flatten()
}

/// At 0 the density is infinite, hence missing, below two degrees of freedom.
fn chi2_density(v: f64, lambda: f64, x: f64) -> Option<f64> {
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

fn f_tails(v1: f64, v2: f64, lambda: f64, f: f64) -> Option<Tails> {
    (v1 > 0.0 && v2 > 0.0 && lambda >= 0.0).then(|| noncentral::f_tails(v1, v2, lambda, f)).flatten()
}

fn f_density(v1: f64, v2: f64, lambda: f64, f: f64) -> Option<f64> {
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

/// The upper tail is half the share of F(1, v) above t².
fn central_t(v: f64, t: f64) -> Option<Tails> {
    // v / (v + t²) and its complement, without overflow.
    let s = t / v.sqrt();
    let (x, y) = if s.abs() > 1e150 { (0.0, 1.0) } else { (1.0 / (1.0 + s * s), s * s / (1.0 + s * s)) };
    let half = 0.5 * beta_tails(v / 2.0, 0.5, x, y)?.0;
    Some(if t >= 0.0 { (1.0 - half, half) } else { (half, 1.0 - half) })
}

fn noncentral_t(v: f64, delta: f64, t: f64) -> Option<Tails> {
    positive(v)?;
    if delta == 0.0 { central_t(v, t) } else { t_tails(v, delta, t) }
}

/// The central density as in Loader's paper.
fn t_density(v: f64, delta: f64, t: f64) -> Option<f64> {
    positive(v)?;
    if delta != 0.0 {
        return noncentral::t_density(v, delta, t);
    }
    let log = stirling_error((v + 1.0) / 2.0) - stirling_error(v / 2.0) - deviance(v / 2.0, (v + 1.0) / 2.0);
    let s = t / v.sqrt();
    let spread = if s.abs() > 1e150 { 2.0 * s.abs().ln() } else { (s * s).ln_1p() };
    Some((log - 0.5 * v * spread - 0.5 * spread).exp() / (2.0 * PI).sqrt())
}

fn ibeta(a: f64, b: f64, x: f64) -> Option<Tails> {
    positives(a, b)?;
    beta_tails(a, b, x, 1.0 - x)
}

fn beta_density(a: f64, b: f64, x: f64) -> Option<f64> {
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

/// n and k are whole; P(X ≤ k), P(X = k) and P(X ≥ k).
fn binomial(function: Function, n: f64, k: f64, p: f64) -> Option<f64> {
    if n < 1.0 || k < 0.0 || k > n || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let q = 1.0 - p;
    match function {
        Function::Binomial if k == n => Some(1.0),
        Function::Binomial => beta_tails(n - k, k + 1.0, q, p).map(|t| t.0),
        Function::BinomialTail if k == 0.0 => Some(1.0),
        Function::BinomialTail => beta_tails(k, n - k + 1.0, p, q).map(|t| t.0),
        _ if k == 0.0 => Some((n * (-p).ln_1p()).exp()),
        _ if k == n => Some((n * p.ln()).exp()),
        // P(X = k) is the density of the beta distribution up to a factor.
        _ => Some(beta_power(k, n - k, p, q) * n / (k * (n - k))),
    }
}

#[cfg(test)]
mod tests;
