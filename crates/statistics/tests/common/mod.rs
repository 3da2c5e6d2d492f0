//! What tests of several families use.

use statistics::{Category, Rows, Table};

/// Numbers between 0 and 1 that follow from a seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// Rows that are not wanted any more.
pub struct Stopped(pub Table);

impl Rows for Stopped {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn name(&self, variable: usize) -> &str {
        self.0.name(variable)
    }
    fn read(&self, variable: usize, range: std::ops::Range<usize>, out: &mut [f64]) {
        self.0.read(variable, range, out);
    }
    fn categories(&self, variable: usize) -> Option<std::sync::Arc<[Category]>> {
        self.0.categories(variable)
    }
    fn stopped(&self) -> bool {
        true
    }
}
