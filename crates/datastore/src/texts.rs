//! A table of distinct byte strings numbered in order of first appearance: unit ids of a file, texts of a column.
//! Open addressing over one arena, because a file has one id per row and a map of boxed strings is five times slower. A slot
//! holds the hash beside the number: what is not there, or is something else, is told without a second look into memory.
//! Strings that come in ascending order, as the ids of a sorted file do, need no look-up at all.

use std::cmp::Ordering;

/// Distinct byte strings with their numbers.
#[derive(Default)]
pub(crate) struct Texts {
    arena: Vec<u8>,
    /// End of each string in the arena.
    ends: Vec<u32>,
    /// Hash and number + 1; 0 is free. None as long as every string has come after those that are smaller: then the last one
    /// tells whether a string is new.
    slots: Vec<u64>,
}

/// More distinct strings, or bytes of them, than a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many distinct ids or texts in one file")]
pub(crate) struct Full;

impl Texts {
    /// Number of strings.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string with this number.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let n = number as usize;
        let start = if n == 0 { 0 } else { self.ends[n - 1] as usize };
        &self.arena[start..self.ends[n] as usize]
    }

    /// All strings in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len() as u32).map(|n| self.get(n))
    }

    /// The number of a string that is there.
    pub(crate) fn find(&self, text: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            let (mut low, mut high) = (0, self.len() as u32);
            while low < high {
                let middle = low + (high - low) / 2;
                match self.get(middle).cmp(text) {
                    Ordering::Equal => return Some(middle),
                    Ordering::Less => low = middle + 1,
                    Ordering::Greater => high = middle,
                }
            }
            return None;
        }
        self.place(hash(text), text).ok()
    }

    /// The number of a string, or the free slot where it belongs.
    fn place(&self, hash: u32, text: &[u8]) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                there if (there >> 32) as u32 == hash && self.get(there as u32 - 1) == text => {
                    return Ok(there as u32 - 1);
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// The number of a string, which is added when it is new.
    pub(crate) fn number(&mut self, text: &[u8]) -> Result<u32, Full> {
        if self.slots.is_empty() {
            let last = self.ends.len().checked_sub(1).map(|last| last as u32);
            match last.map_or(Ordering::Greater, |last| text.cmp(self.get(last))) {
                Ordering::Greater => return self.push(text),
                Ordering::Equal => return last.ok_or(Full),
                Ordering::Less => self.begin_slots(),
            }
        }
        if self.ends.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let hash = hash(text);
        let slot = match self.place(hash, text) {
            Ok(number) => return Ok(number),
            Err(free) => free,
        };
        let number = self.push(text)?;
        self.slots[slot] = u64::from(hash) << 32 | (u64::from(number) + 1);
        Ok(number)
    }

    /// Adds a string that is not there.
    fn push(&mut self, text: &[u8]) -> Result<u32, Full> {
        let number = u32::try_from(self.ends.len()).ok().filter(|n| *n < u32::MAX).ok_or(Full)?;
        self.arena.extend_from_slice(text);
        self.ends.push(u32::try_from(self.arena.len()).map_err(|_| Full)?);
        Ok(number)
    }

    /// Strings are looked up from now on.
    fn begin_slots(&mut self) {
        self.slots = vec![0; (self.len() * 2).next_power_of_two().max(64)];
        for number in 0..self.len() as u32 {
            let there = u64::from(hash(self.get(number))) << 32 | (u64::from(number) + 1);
            self.put(there);
        }
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![0; old.len() * 2];
        old.into_iter().filter(|there| *there != 0).for_each(|there| self.put(there));
    }

    fn put(&mut self, there: u64) {
        let mask = self.slots.len() - 1;
        let mut slot = (there >> 32) as usize & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = there;
    }
}

/// A multiplicative hash over words of eight bytes; both halves of each product count, so that ids which differ in a digit
/// are far apart. The strings are not chosen by an attacker who sees timings, and a table lives for one job.
fn hash(text: &[u8]) -> u32 {
    const K: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |h: u64, word: [u8; 8]| {
        let product = u128::from(h ^ u64::from_le_bytes(word)) * u128::from(K);
        (product as u64 ^ (product >> 64) as u64).rotate_left(23)
    };
    let (words, rest) = text.as_chunks::<8>();
    let h = words.iter().fold(text.len() as u64, |h, word| mix(h, *word));
    let mut last = [0u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    (mix(h, last) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number() {
        let mut texts = Texts::default();
        for round in 0..2 {
            for i in 0..10_000u32 {
                assert_eq!(texts.number(format!("{i:011}").as_bytes()).unwrap(), i, "round {round}");
            }
        }
        assert_eq!(texts.len(), 10_000);
        assert_eq!(texts.get(17), b"00000000017");
        assert_eq!(texts.find(b"00000009999"), Some(9_999));
        assert_eq!(texts.find(b"9999"), None);
        assert_eq!(texts.iter().nth(3), Some(b"00000000003".as_slice()));
    }

    #[test]
    fn ascending_texts_are_found_before_and_after_the_order_breaks() {
        let text = |i: u32| format!("{i:011}");
        let mut texts = Texts::default();
        assert_eq!(texts.find(b""), None);
        for i in 0..100 {
            assert_eq!(texts.number(text(i * 2).as_bytes()).unwrap(), i);
            assert_eq!(texts.number(text(i * 2).as_bytes()).unwrap(), i);
        }
        let agree = |texts: &Texts| {
            (0..100).for_each(|i| assert_eq!(texts.find(text(i * 2).as_bytes()), Some(i)));
            assert_eq!((texts.find(text(3).as_bytes()), texts.find(b""), texts.find(b"1")), (None, None, None));
        };
        agree(&texts);
        assert_eq!(texts.number(text(1).as_bytes()).unwrap(), 100);
        agree(&texts);
        assert_eq!(texts.number(text(7).as_bytes()).unwrap(), 101);
        assert_eq!(texts.number(text(198).as_bytes()).unwrap(), 99);
        assert_eq!(texts.find(text(1).as_bytes()), Some(100));
    }
}
