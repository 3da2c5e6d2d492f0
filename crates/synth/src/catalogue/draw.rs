//! Draws without a stream: a number that depends on a few keys alone (seed, variable, unit, year), so that any value can be
//! made at any time, by any thread, and many variables can mean the same people. Not for anything secret.

/// Mixes a key into a state.
pub(crate) const fn mix(state: u64, key: u64) -> u64 {
    let mut z = state.wrapping_add(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The key of a name.
pub(crate) fn name(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| mix(h, u64::from(b)))
}

/// Uniform in [0, 1).
pub(crate) fn unit(state: u64) -> f64 {
    (state >> 11) as f64 / (1u64 << 53) as f64
}

/// Whole number below `n`; 0 when n is 0.
pub(crate) fn below(state: u64, n: usize) -> usize {
    ((u128::from(state) * n as u128) >> 64) as usize
}

/// Near normal with mean 0 and deviation 1: the sum of four uniform parts.
pub(crate) fn normal(state: u64) -> f64 {
    let part = |k: u32| f64::from((state >> (16 * k)) as u16) / 65_536.0;
    (part(0) + part(1) + part(2) + part(3) - 2.0) * 1.732_050_8
}

/// Exponential with mean 1.
pub(crate) fn exponential(state: u64) -> f64 {
    -(1.0 - unit(state)).ln()
}

/// A place in a list of `n` in which the first is the most frequent.
pub(crate) fn ranked(state: u64, n: usize) -> usize {
    let u = unit(state);
    ((n as f64 + 1.0).powf(u * u.sqrt().max(u)) - 1.0).clamp(0.0, n.saturating_sub(1) as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_their_shape() {
        let many: Vec<f64> = (0..20_000).map(|k| normal(mix(7, k))).collect();
        let mean = many.iter().sum::<f64>() / 20_000.0;
        let variance = many.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        let mut seen = [0; 6];
        (0..6000).for_each(|k| seen[ranked(mix(9, k), 6)] += 1);
        assert!(seen.windows(2).all(|w| w[0] >= w[1]) && seen[5] > 0, "{seen:?}");
        assert_ne!(name("AB"), name("BA"));
    }
}
