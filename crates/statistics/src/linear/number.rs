//! The numbers of a decomposition: binary64, and pairs of them that carry about 32 digits (T. J. Dekker, "A floating-point
//! technique for extending the available precision", 1971), for columns that nearly follow from each other.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A real number to calculate with.
pub trait Number:
    Copy
    + Send
    + Sync
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// From binary64, exactly.
    fn of(x: f64) -> Self;
    /// To binary64, rounded.
    fn value(self) -> f64;
    /// Square root.
    fn root(self) -> Self;
    /// Σ aᵢbᵢ.
    fn dot(a: &[Self], b: &[Self]) -> Self;
    /// a ← a + f·b.
    fn add_multiple(a: &mut [Self], f: Self, b: &[Self]);
}

/// Parallel sums of a dot product, so that it runs in vector registers without another order of the additions on another machine.
const LANES: usize = 8;

impl Number for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn value(self) -> f64 {
        self
    }
    fn root(self) -> Self {
        self.sqrt()
    }
    fn dot(a: &[Self], b: &[Self]) -> Self {
        let (a_lanes, a_rest) = a.as_chunks::<LANES>();
        let (b_lanes, b_rest) = b.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for (a, b) in a_lanes.iter().zip(b_lanes) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest
    }
    fn add_multiple(a: &mut [Self], f: Self, b: &[Self]) {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += f * b);
    }
}

/// The unevaluated sum of a number and what it lacks.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Double {
    high: f64,
    low: f64,
}

/// a + b and its rounding error.
#[inline]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// a·b and its rounding error, by splitting into halves of 26 bits.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let split = |x: f64| {
        let scaled = 134_217_729.0 * x;
        let high = scaled - (scaled - x);
        (high, x - high)
    };
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    (product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)
}

/// Of a sum whose second part is small: both parts made to fit again.
fn renormalised(high: f64, low: f64) -> Double {
    let sum = high + low;
    Double { high: sum, low: low - (sum - high) }
}

impl Add for Double {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, error) = two_sum(self.high, other.high);
        let (low, further) = two_sum(self.low, other.low);
        let first = renormalised(high, error + low);
        renormalised(first.high, first.low + further)
    }
}

impl Neg for Double {
    type Output = Self;
    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Sub for Double {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Double {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let (high, error) = two_product(self.high, other.high);
        renormalised(high, error + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Double {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::of(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::of(second);
        renormalised(first, second) + Self::of(rest.high / other.high)
    }
}

impl Number for Double {
    fn of(x: f64) -> Self {
        Self { high: x, low: 0.0 }
    }
    fn value(self) -> f64 {
        self.high + self.low
    }
    fn root(self) -> Self {
        if self.high <= 0.0 {
            return Self::of(0.0);
        }
        // One step of Newton from the root of the first part doubles its digits.
        let root = Self::of(self.high.sqrt());
        (root + self / root) * Self::of(0.5)
    }
    fn dot(a: &[Self], b: &[Self]) -> Self {
        a.iter().zip(b).fold(Self::of(0.0), |sum, (a, b)| sum + *a * *b)
    }
    fn add_multiple(a: &mut [Self], f: Self, b: &[Self]) {
        a.iter_mut().zip(b).for_each(|(a, b)| *a = *a + f * *b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-008: pairs carry some 32 digits through the four operations and the root.
    #[test]
    fn stat_008_double_double_arithmetic() {
        let third = Double::of(1.0) / Double::of(3.0);
        assert!((third * Double::of(3.0) - Double::of(1.0)).value().abs() < 1e-31);
        let two = Double::of(2.0).root();
        assert!((two * two - Double::of(2.0)).value().abs() < 1e-31);
        let tiny = Double::of(1.0) + Double::of(1e-25);
        assert_eq!((tiny - Double::of(1.0)).value(), 1e-25);
        assert_eq!(Double::of(0.0).root().value(), 0.0);
        let dot = Double::dot(&[Double::of(1e20), tiny], &[Double::of(1.0), Double::of(-1.0)]) - Double::of(1e20);
        assert!((dot.value() + 1.0).abs() < 1e-11);
    }

    #[test]
    fn stat_001_dot_products_of_any_length() {
        for n in [0_u32, 1, 7, 8, 9, 31] {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            assert_eq!(f64::dot(&a, &a), (0..n).map(|i| f64::from(i * i)).sum::<f64>());
        }
    }
}
