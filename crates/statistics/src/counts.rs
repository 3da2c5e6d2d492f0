//! Counts by rank that can be asked how many stand below a rank, both in logarithmic time (Fenwick 1994). Pairs of ranks are
//! counted with it without looking at each.

/// Counts by rank.
pub(crate) struct Counts {
    tree: Vec<i32>,
    total: i64,
}

impl Counts {
    /// None yet of so many ranks.
    pub(crate) fn new(ranks: usize) -> Self {
        Self { tree: vec![0; ranks + 1], total: 0 }
    }

    /// Counts `by` more of a rank.
    pub(crate) fn add(&mut self, rank: usize, by: i32) {
        self.total += i64::from(by);
        let mut at = rank + 1;
        while at < self.tree.len() {
            self.tree[at] += by;
            at += at & at.wrapping_neg();
        }
    }

    /// Those of a lower rank.
    pub(crate) fn below(&self, rank: usize) -> i64 {
        let (mut at, mut sum) = (rank, 0);
        while at > 0 {
            sum += i64::from(self.tree[at]);
            at &= at - 1;
        }
        sum
    }

    /// All.
    pub(crate) fn total(&self) -> i64 {
        self.total
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        if self.total != 0 {
            self.tree.fill(0);
            self.total = 0;
        }
    }
}
