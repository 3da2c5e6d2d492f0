//! Tails of the distributions that released statistics are compared with. They are functions of released numbers only.

/// The upper tail of χ² with `df` degrees of freedom.
pub(crate) fn chi_square(x: f64, df: f64) -> f64 {
    crate::chi_square::upper_tail(x, df)
}

/// Both tails of the normal distribution.
pub(crate) fn normal(z: f64) -> f64 {
    chi_square(z * z, 1.0)
}

/// Both tails of Student's distribution.
pub(crate) fn student(t: f64, df: f64) -> f64 {
    beta(df / (df + t * t), df / 2.0, 0.5)
}

/// The upper tail of F.
pub(crate) fn f(x: f64, above: f64, below: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { beta(below / (below + above * x), below / 2.0, above / 2.0) }
}

/// The value that both tails of a distribution leave `level` per cent between; `tails` falls from 1 to 0.
pub(crate) fn critical(level: f64, tails: impl Fn(f64) -> f64) -> f64 {
    let outside = 1.0 - level / 100.0;
    let (mut low, mut high) = (0.0, 1.0);
    while tails(high) > outside && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if tails(middle) > outside {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function, by its continued fraction.
fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(1.0 - x, b, a);
    }
    let ln = crate::chi_square::ln_gamma;
    let front = (ln(a + b) - ln(a) - ln(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let guard = |y: f64| if y.abs() < 1e-300 { 1e-300 } else { y };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for m in (1..10_000).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-005: against `pt`, `pf`, `pnorm` and `qt` of R.
    #[test]
    fn stat_005_tails_and_critical_values() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(student(2.0, 10.0), 0.073_388_034_770_740_37);
        close(student(1.0, 1.0), 0.5);
        close(normal(1.959_963_984_540_054), 0.05);
        close(f(4.0, 2.0, 20.0), 0.034_571_613_033_607_79);
        close(critical(95.0, |t| student(t, 10.0)), 2.228_138_851_986_274);
        close(critical(95.0, normal), 1.959_963_984_540_054);
    }
}
