//! Sums of a pattern's rows without loss, and what is seen of a variable on the way (STAT-001).

use super::number::two_sum;

/// Sums of a pattern.
pub(super) trait Tally: Copy + Default + Send + Sync {
    /// A row with this y, less the pivot.
    fn take(&mut self, y: f64);
    /// In the form that parts are joined in.
    fn cell(self) -> Cell;
}

/// Sums that are exact because all of them are whole numbers below 2⁵³.
#[derive(Clone, Copy, Default)]
pub(super) struct Exact {
    pub(super) weight: f64,
    pub(super) sum: f64,
    pub(super) squares: f64,
}

impl Tally for Exact {
    #[inline]
    fn take(&mut self, y: f64) {
        self.weight += 1.0;
        self.sum += y;
        self.squares += y * y;
    }
    fn cell(self) -> Cell {
        Cell { weight: self.weight, sum: (self.sum, 0.0), squares: (self.squares, 0.0) }
    }
}

/// Sums that keep what rounding loses.
#[derive(Clone, Copy, Default)]
pub(super) struct Cell {
    pub(super) weight: f64,
    pub(super) sum: (f64, f64),
    pub(super) squares: (f64, f64),
}

#[inline]
fn added((sum, lost): (f64, f64), x: f64) -> (f64, f64) {
    let (sum, error) = two_sum(sum, x);
    (sum, lost + error)
}

impl Tally for Cell {
    #[inline]
    fn take(&mut self, y: f64) {
        self.weight += 1.0;
        self.sum = added(self.sum, y);
        self.squares = added(self.squares, y * y);
    }
    fn cell(self) -> Cell {
        self
    }
}

impl Cell {
    /// With the rows of another part.
    pub(super) fn join(&mut self, other: &Self) {
        self.weight += other.weight;
        self.sum = added(self.sum, other.sum.0);
        self.sum.1 += other.sum.1;
        self.squares = added(self.squares, other.squares.0);
        self.squares.1 += other.squares.1;
    }
}

/// What is seen of a variable.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) whole: bool,
}

impl Seen {
    pub(super) const NOTHING: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY, whole: true };

    /// One more.
    #[inline]
    pub(super) fn take(&mut self, y: f64) {
        self.low = if y < self.low { y } else { self.low };
        self.high = if y > self.high { y } else { self.high };
        // Adding 1.5·2⁵² rounds to a whole number.
        const ROUND: f64 = 6_755_399_441_055_744.0;
        self.whole &= ((y + ROUND) - ROUND == y) | (y.abs() >= 4_503_599_627_370_496.0) | y.is_nan();
    }

    /// Those of several; missing ones do not count. In lanes, so that it runs in vector registers.
    #[inline]
    pub(super) fn take_all(&mut self, values: &[f64]) {
        let mut lanes = [Self::NOTHING; 4];
        let (groups, rest) = values.as_chunks::<4>();
        for group in groups {
            lanes.iter_mut().zip(group).for_each(|(lane, y)| lane.take(*y));
        }
        rest.iter().for_each(|y| self.take(*y));
        *self = lanes.into_iter().fold(*self, Self::join);
    }

    /// Whether sums of so many rows about a pivot are exact.
    pub(super) fn exact(self, pivot: f64, rows: usize) -> bool {
        let off = (self.low - pivot).abs().max((self.high - pivot).abs());
        self.whole && (self.low > self.high || off * off * rows as f64 <= 4_503_599_627_370_496.0)
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high), whole: self.whole && other.whole }
    }
}
