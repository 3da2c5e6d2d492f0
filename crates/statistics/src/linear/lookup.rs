//! Numbers for keys: which pattern a row with these bits is.

/// A slot without a key.
const NONE: u32 = u32::MAX;

/// Keys of a fixed number of words, numbered in the order in which they come; open addressing.
pub(super) struct Table {
    width: usize,
    /// The keys, one after the other.
    pub(super) keys: Vec<u64>,
    slots: Vec<u32>,
    count: usize,
}

impl Table {
    /// For keys of `width` words.
    pub(super) fn new(width: usize) -> Self {
        Self { width, keys: Vec::new(), slots: vec![NONE; 1 << 10], count: 0 }
    }

    /// Number of different keys.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// A word more of the key that is asked for next.
    pub(super) fn push(&mut self, word: u64) {
        self.keys.push(word);
    }

    /// The number of the key that was pushed; that of an earlier one that is equal, or a new one.
    pub(super) fn place(&mut self) -> usize {
        let at = self.count * self.width;
        let mut slot = self.slot(at);
        while self.slots[slot] != NONE {
            let found = self.slots[slot] as usize;
            let equal = (0..self.width).all(|i| self.keys[found * self.width + i] == self.keys[at + i]);
            if equal {
                self.keys.truncate(at);
                return found;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = self.count as u32;
        self.count += 1;
        if self.count * 2 > self.slots.len() {
            self.grow();
        }
        self.count - 1
    }

    fn slot(&self, at: usize) -> usize {
        let mix = |hash: u64, word: &u64| (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hash = self.keys[at..at + self.width].iter().fold(0, mix);
        (hash >> 32) as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        self.slots = vec![NONE; self.slots.len() * 4];
        for number in 0..self.count {
            let mut slot = self.slot(number * self.width);
            while self.slots[slot] != NONE {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = number as u32;
        }
    }
}
