//! Randomness as a parameter.

/// A source of random bytes. The operating system's is given by `hap`; tests give a seeded one.
pub trait Random: Send + Sync {
    /// Fills `bytes` with random bytes fit for cryptographic use.
    fn fill(&self, bytes: &mut [u8]);
}
