//! The functions of section 9.2: binomial, normal, t, F, chi-squared and beta, central and non-central. Parameters come
//! first, the point or probability last (LANG-232). Central values agree with the reference to 1e-10, non-central ones
//! and inverses to 1e-8, in both tails.

use super::Scalar;
use crate::functions::Function;

use distributions::{
    above, below, beta_density, beta_power, beta_tails, central_t, chi2_density, chi2_tails, f_density, f_tails,
    gamma_tails, ibeta, inside, inverse_beta, inverse_positive, inverse_real, noncentral_t, normal_density,
    normal_tails, positive, positives, t_density,
};

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
