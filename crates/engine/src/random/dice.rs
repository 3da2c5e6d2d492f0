//! A generator of pseudo-random numbers that is the same everywhere.

/// The state of the generator. Not for anything secret.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A generator that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next 64 bits (SplitMix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` less one; 0 when `n` is 0.
    pub fn roll(&mut self, n: usize) -> usize {
        // The bias of a remainder is of no matter at these sizes.
        if n == 0 { 0 } else { (self.bits() % n as u64) as usize }
    }

    /// Whether a chance of one in `n` comes in.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    /// One of these; none when there are none.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.roll(of.len()))
    }

    /// One of these texts; empty when there are none.
    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.roll(of.len())).copied().unwrap_or_default()
    }
}
