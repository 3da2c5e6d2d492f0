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

    /// Those of a rank and up to before another.
    pub(crate) fn from(&self, rank: usize, end: usize) -> i64 {
        let upper = if end + 1 == self.tree.len() { self.total } else { self.below(end) };
        upper - self.below(rank)
    }

    /// All.
    pub(crate) fn total(&self) -> i64 {
        self.total
    }
}

/// Bits of a word.
const WORD: usize = u64::BITS as usize;

/// Which of many places are marked, a bit each, with the marks of whole words counted in a tree: it stays in the nearest memory where
/// one count per place would not.
pub(crate) struct Marks {
    words: Vec<u64>,
    counts: Counts,
}

impl Marks {
    /// So many places, none marked.
    pub(crate) fn new(places: usize) -> Self {
        let words = places.div_ceil(WORD);
        Self { words: vec![0; words], counts: Counts::new(words) }
    }

    /// Marks a place.
    pub(crate) fn set(&mut self, place: usize) {
        self.words[place / WORD] |= 1 << (place % WORD);
        self.counts.add(place / WORD, 1);
    }

    /// Marks before a place.
    pub(crate) fn before(&self, place: usize) -> i64 {
        let here = self.words.get(place / WORD).map_or(0, |word| word & ((1 << (place % WORD)) - 1));
        self.counts.below(place / WORD) + i64::from(here.count_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_before_any_place() {
        let mut marks = Marks::new(200);
        let mut counts = Counts::new(200);
        for place in [0, 3, 63, 64, 130, 199] {
            marks.set(place);
            counts.add(place, 1);
        }
        let places = [0, 1, 64, 65, 130, 131, 200];
        assert_eq!(places.map(|p| marks.before(p)), [0, 1, 3, 4, 4, 5, 6]);
        assert_eq!(places.map(|p| counts.below(p)), [0, 1, 3, 4, 4, 5, 6]);
        assert_eq!((counts.from(1, 65), counts.from(64, 200), counts.from(200, 200)), (3, 3, 0));
    }
}
