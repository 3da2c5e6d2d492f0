//! Incomplete gamma and beta functions with both tails, densities without loss of digits, and roots of monotone
//! functions. The densities follow C. Loader, "Fast and accurate computation of binomial probabilities" (2000); the
//! series and continued fractions are those of Abramowitz and Stegun 6.5 and 26.5.

use std::f64::consts::PI;

/// Lower and upper tail; each with its own relative accuracy.
pub type Tails = (f64, f64);

/// Most terms of a series or fraction: reached only far outside what data hold, then there is no value.
const TERMS: u32 = 100_000;

/// ln Γ(n+1) − (n+½) ln n + n − ½ ln 2π: what Stirling's formula lacks.
pub fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    let s = 1.0 / (n * n);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - s / 1188.0) * s) * s) * s) / n
}

/// x ln(x/m) + m − x without cancellation where x is near m.
pub fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for j in 1..1000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// mˣ e⁻ᵐ / Γ(x+1) for real x ≥ 0 and m ≥ 0.
pub fn poisson(x: f64, m: f64) -> f64 {
    if m == 0.0 {
        return if x == 0.0 { 1.0 } else { 0.0 };
    }
    if x == 0.0 {
        return (-m).exp();
    }
    (-stirling_error(x) - deviance(x, m)).exp() / (2.0 * PI * x).sqrt()
}

/// xᵃ yᵇ / B(a, b) with y = 1 − x, both given so that neither loses digits.
pub fn beta_power(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 || y <= 0.0 {
        return 0.0;
    }
    let n = a + b;
    let log = stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
    log.exp() * (a * b / (2.0 * PI * n)).sqrt()
}

/// P(a, x) and Q(a, x), the regularised incomplete gamma functions.
pub fn gamma_tails(a: f64, x: f64) -> Option<Tails> {
    if x <= 0.0 {
        return Some((0.0, 1.0));
    }
    let density = poisson(a, x);
    if x < a + 1.0 {
        let (mut sum, mut term) = (1.0, 1.0);
        for n in 1..TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * 1e-17 {
                let lower = (density * sum).min(1.0);
                return Some((lower, 1.0 - lower));
            }
        }
        return None;
    }
    let fraction = continued(x + 1.0 - a, |n| (-n * (n - a), x + 1.0 - a + 2.0 * n))?;
    let upper = (density * a / fraction).min(1.0);
    Some((1.0 - upper, upper))
}

/// I(x; a, b) and its complement, the regularised incomplete beta function; y = 1 − x.
pub fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> Option<Tails> {
    if x <= 0.0 {
        return Some((0.0, 1.0));
    }
    if y <= 0.0 {
        return Some((1.0, 0.0));
    }
    // The fraction converges fast on the side of the mean where the value is small.
    if x * (a + b + 2.0) > a + 1.0 {
        return beta_tails_below(b, a, y, x).map(|(lower, upper)| (upper, lower));
    }
    beta_tails_below(a, b, x, y)
}

fn beta_tails_below(a: f64, b: f64, x: f64, y: f64) -> Option<Tails> {
    let fraction = continued(1.0, |n| {
        // Coefficients of 26.5.8, odd and even ones in turn.
        let m = (n / 2.0).floor();
        let d = if n % 2.0 == 0.0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (d, 1.0)
    })?;
    let lower = (beta_power(a, b, x, y) / (a * fraction)).clamp(0.0, 1.0);
    Some((lower, 1.0 - lower))
}

/// b₀ + a₁/(b₁ + a₂/(b₂ + …)) by the modified method of Lentz; `next` gives (aₙ, bₙ).
fn continued(first: f64, next: impl Fn(f64) -> (f64, f64)) -> Option<f64> {
    const TINY: f64 = 1e-300;
    let safe = |x: f64| if x.abs() < TINY { TINY } else { x };
    let mut value = safe(first);
    let (mut c, mut d) = (value, 0.0);
    for n in 1..TERMS {
        let (a, b) = next(f64::from(n));
        d = 1.0 / safe(b + a * d);
        c = safe(b + a / c);
        let step = c * d;
        value *= step;
        if (step - 1.0).abs() < 1e-16 {
            return Some(value);
        }
    }
    None
}

/// Φ(z) and 1 − Φ(z).
pub fn normal_tails(z: f64) -> Tails {
    let half = |z: f64| 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
    (half(-z), half(z))
}

/// The u at which the lower tail is `lower`; `tails` rises from 0 to 1 between `from` and `to`. The smaller of the two
/// tails is compared, by logarithms, so that small probabilities keep their digits.
pub fn solve(target: Tails, from: f64, to: f64, tails: impl Fn(f64) -> Option<Tails>) -> Option<f64> {
    let difference = |u: f64| {
        let (lower, upper) = tails(u)?;
        Some(if target.0 <= target.1 { (lower / target.0).ln() } else { -(upper / target.1).ln() })
    };
    // Steps that double find the two ends.
    let start = 0.0f64.clamp(from, to);
    let (mut a, mut b) = (start, start);
    let mut step = 0.5;
    while difference(a)? > 0.0 && a > from {
        b = a;
        a = (a - step).max(from);
        step *= 2.0;
    }
    while difference(b)? < 0.0 && b < to {
        a = b;
        b = (b + step).min(to);
        step *= 2.0;
    }
    let (mut at_a, mut at_b) = (difference(a)?, difference(b)?);
    // Halving, with a secant step between wherever it falls well inside.
    for i in 0..400 {
        let middle = 0.5 * (a + b);
        if at_a == 0.0 || middle <= a || middle >= b {
            return Some(if at_a.abs() < at_b.abs() { a } else { b });
        }
        let secant = a - at_a * (b - a) / (at_b - at_a);
        let inside = secant.is_finite() && secant > a && secant < b;
        let u = if i % 3 != 2 && inside { secant } else { middle };
        let at = difference(u)?;
        if at < 0.0 {
            (a, at_a) = (u, at);
        } else {
            (b, at_b) = (u, at);
        }
        if at == 0.0 || (b - a) <= 1e-15 * (1.0 + u.abs()) {
            return Some(if at == 0.0 { u } else { 0.5 * (a + b) });
        }
    }
    Some(0.5 * (a + b))
}
