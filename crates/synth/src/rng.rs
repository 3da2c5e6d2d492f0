//! Random draws for the synthetic population: one stream per person and purpose, so that the same seed gives the same
//! bytes whatever the number of threads. Not for anything secret.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// What a stream of draws is for. Streams of different purposes are independent.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Founders = 1,
    Health = 3,
    Social = 4,
    Homes = 5,
    Income = 6,
    Registers = 7,
    Vaccines = 8,
}

/// A stream of draws.
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    pub(crate) fn new(seed: u64, purpose: Purpose, stream: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something with this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in 0..n; 0 when n is 0.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// Uniform whole number in `low..=high`.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1).max(1) as u32) as i32
    }

    /// Normal with mean and standard deviation (polar method).
    pub(crate) fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        loop {
            let (a, b) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = a * a + b * b;
            if s > 0.0 && s < 1.0 {
                return mean + sd * a * (-2.0 * s.ln() / s).sqrt();
            }
        }
    }

    /// Exponential with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Poisson with this mean (small means).
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean.min(30.0)).exp();
        let (mut k, mut p) = (0, self.unit());
        while p > limit {
            k += 1;
            p *= self.unit();
        }
        k
    }

    /// Index into `weights`, with probability in proportion to the weight; 0 when all weights are 0.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (i, w) in weights.iter().enumerate() {
            left -= w;
            if left < 0.0 {
                return i;
            }
        }
        0
    }

    /// Index into a table of running sums.
    pub(crate) fn cumulative(&mut self, sums: &[f64]) -> usize {
        let at = self.unit() * sums.last().copied().unwrap_or(0.0);
        sums.partition_point(|s| *s <= at).min(sums.len().saturating_sub(1))
    }
}
