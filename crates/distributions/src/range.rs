//! The studentised range: of the means of groups of normal numbers, over an independent estimate of their standard deviation.
//! The double integral of H. O. Hartley (1942), by Gauss and Legendre's rule on panels, to 1e-8.

use std::f64::consts::PI;

use crate::special::normal_tails;

/// Nodes of a panel.
const NODES: usize = 16;
/// Beyond this a range of unit normals of at most 100 groups has no probability that counts.
const FAR: f64 = 14.0;

/// Nodes and weights on −1 to 1: roots of the Legendre polynomial by Newton's method.
fn rule() -> [(f64, f64); NODES] {
    let n = NODES as f64;
    std::array::from_fn(|i| {
        let mut x = (PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 0.0;
        for _ in 0..20 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=NODES {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
}

/// Nodes and weights on panels between two numbers.
fn panels(from: f64, to: f64, count: usize) -> Vec<(f64, f64)> {
    let half = (to - from) / count as f64 / 2.0;
    let rule = rule();
    let middle = |panel: usize| from + half * (2 * panel + 1) as f64;
    (0..count).flat_map(|panel| rule.map(|(x, w)| (middle(panel) + half * x, half * w))).collect()
}

/// The probability that the range of `groups` means, divided by the estimate of their standard deviation with `df` degrees of
/// freedom, is above `q`; not a number outside the domain.
pub fn studentised_range_upper(q: f64, groups: f64, df: f64) -> f64 {
    if groups < 2.0 || df <= 0.0 || q.is_nan() {
        return f64::NAN;
    }
    if q <= 0.0 {
        return 1.0;
    }
    // The places of a group, with density and lower tail.
    let inner: Vec<(f64, f64, f64)> = panels(-8.5, 8.5, 12)
        .into_iter()
        .map(|(z, w)| (z, w * groups * (-0.5 * z * z).exp() / (2.0 * PI).sqrt(), normal_tails(z).0))
        .collect();
    // P(range ≤ w) = k ∫ φ(z) (Φ(z) − Φ(z − w))^(k−1) dz, the largest being at z.
    let within = |w: f64| {
        let each = |(z, density, below): &(f64, f64, f64)| density * (below - normal_tails(z - w).0).powf(groups - 1.0);
        inner.iter().map(each).sum::<f64>()
    };
    // The estimate s: df·s² is χ². Its density by its logarithm; outside of ten standard deviations there is nothing.
    let spread = 10.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - spread).max(0.0), (1.0 + spread).min(FAR / q));
    if low >= high {
        return 0.0;
    }
    let constant = std::f64::consts::LN_2 + 0.5 * df * (0.5 * df).ln() - crate::ln_gamma(0.5 * df);
    let density = |s: f64| (constant + (df - 1.0) * s.ln() - 0.5 * df * s * s).exp();
    let outer = panels(low, high, 16).into_iter();
    let sum: f64 = outer.map(|(s, w)| w * density(s) * (1.0 - within(q * s)).max(0.0)).sum();
    sum.clamp(0.0, 1.0)
}

/// The q that `level` per cent of the distribution lie below.
pub fn studentised_range_critical(level: f64, groups: f64, df: f64) -> f64 {
    let upper = 1.0 - level / 100.0;
    let above = |q: f64| studentised_range_upper(q, groups, df) - upper;
    let (mut low, mut high) = (0.0, 4.0);
    while above(high) > 0.0 {
        (low, high) = (high, high * 2.0);
        if high > 1e6 {
            return f64::NAN;
        }
    }
    // Regula falsi with the Illinois rule.
    let (mut at_low, mut at_high) = (above(low), above(high));
    if at_low.is_nan() {
        return f64::NAN;
    }
    for _ in 0..100 {
        let q = (low * at_high - high * at_low) / (at_high - at_low);
        let at = above(q);
        if at.abs() < 1e-13 || (high - low).abs() < 1e-11 * high {
            return q;
        }
        if at * at_high < 0.0 {
            (low, at_low) = (high, at_high);
        } else {
            at_low /= 2.0;
        }
        (high, at_high) = (q, at);
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// q, groups, degrees of freedom, upper tail.
    const RANGE: [(f64, f64, f64, f64); 8] = [
        (3.5, 3.0, 20.0, 0.055_891_849_081_749_934),
        (1.0, 2.0, 1.0, 0.608_173_447_969_392_8),
        (18.0, 2.0, 1.0, 0.049_915_035_803_486_55),
        (5.0, 10.0, 5.0, 0.166_651_502_361_426_67),
        (8.0, 40.0, 100.0, 0.000_102_118_990_814_692_45),
        (4.0, 4.0, 1000.0, 0.024_600_726_006_601_237),
        (0.2, 5.0, 3.0, 0.999_852_196_102_951_4),
        (30.0, 3.0, 2.0, 0.004_043_456_977_294_246),
    ];

    /// STAT-067: against scipy's `studentized_range`.
    #[test]
    fn stat_067_studentised_range() {
        for (q, groups, df, p) in RANGE {
            assert!((studentised_range_upper(q, groups, df) - p).abs() < 1e-8, "{q} {groups} {df}");
        }
        for (groups, df, critical) in
            [(3.0, 57.0, 3.403_189_192_6), (2.0, 1.0, 17.969_287_064), (10.0, 5.0, 6.994_697_768)]
        {
            let found = studentised_range_critical(95.0, groups, df);
            assert!((found / critical - 1.0).abs() < 1e-8, "{found} {critical}");
        }
        assert_eq!(studentised_range_upper(-1.0, 3.0, 10.0), 1.0);
        assert!(studentised_range_upper(1.0, 1.0, 10.0).is_nan());
    }
}
