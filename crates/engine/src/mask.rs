//! Which ordinals of a unit space a dataset holds: one bit each (ENG-020).

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use rayon::prelude::*;

use crate::control::CHUNK;
use crate::lookup::{pack, rows_in, valid_words};

/// A set of ordinals below `len`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mask {
    words: Vec<u64>,
    len: usize,
}

impl Mask {
    pub(crate) fn empty(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// The rows that hold a value; rows beyond `rows` do not.
    pub(crate) fn of_valid(validity: Option<&NullBuffer>, rows: usize, len: usize) -> Self {
        let mut mask = Self::empty(len);
        let rows = rows.min(len);
        match validity {
            None => {
                for (w, word) in mask.words.iter_mut().enumerate() {
                    let left = rows.saturating_sub(w * 64);
                    *word = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
                }
            }
            Some(valid) => {
                let rows = rows.min(valid.len());
                mask.words.iter_mut().zip(valid_words(valid, 0..rows)).for_each(|(slot, word)| *slot = word);
            }
        }
        mask
    }

    /// The rows whose number is not zero; rows beyond the numbers are out.
    pub(crate) fn of_nonzero<T: Copy + Default + PartialEq + Sync>(numbers: &[T], len: usize) -> Self {
        let mut mask = Self::empty(len);
        let numbers = &numbers[..numbers.len().min(len)];
        mask.words.par_iter_mut().zip(numbers.par_chunks(64)).with_min_len(CHUNK / 64).for_each(|(word, block)| {
            let mut bytes = [0u8; 64];
            bytes.iter_mut().zip(block).for_each(|(byte, n)| *byte = u8::from(*n != T::default()));
            *word = pack(&bytes).next().unwrap_or(0);
        });
        mask
    }

    /// Whether every row is in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.count() == self.len as u64
    }

    /// Joins the words of a scan by chunk; every part but the last has a multiple of 64 rows.
    pub(crate) fn of_words(parts: Vec<Vec<u64>>, len: usize) -> Self {
        let mut words = parts.concat();
        words.resize(len.div_ceil(64), 0);
        Self { words, len }
    }

    /// The words of the rows of `range`, which starts at a multiple of 64.
    pub(crate) fn words(&self, range: std::ops::Range<usize>) -> &[u64] {
        &self.words[range.start / 64..range.end.div_ceil(64)]
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn set(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
    }

    pub(crate) fn unset(&mut self, i: usize) {
        self.words[i / 64] &= !(1 << (i % 64));
    }

    #[inline]
    pub(crate) fn get(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 == 1
    }

    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// How many ordinals are in one of two sets alone.
    pub(crate) fn distance(&self, other: &Mask) -> u64 {
        self.words.iter().zip(&other.words).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
    }

    pub(crate) fn and(&self, other: &Mask) -> Mask {
        self.zip(other, |a, b| a & b)
    }

    pub(crate) fn and_not(&self, other: &Mask) -> Mask {
        self.zip(other, |a, b| a & !b)
    }

    pub(crate) fn or(&self, other: &Mask) -> Mask {
        self.zip(other, |a, b| a | b)
    }

    fn zip(&self, other: &Mask, f: impl Fn(u64, u64) -> u64) -> Mask {
        debug_assert_eq!(self.len, other.len);
        Mask { words: self.words.iter().zip(&other.words).map(|(a, b)| f(*a, *b)).collect(), len: self.len }
    }

    /// The ordinals in `range` (which starts at a multiple of 64) that are in the set, ascending.
    pub(crate) fn iter(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = usize> + '_ {
        rows_in(self.words(range.clone()), range.start)
    }

    /// The first `rows` ordinals that are in the set and valid, as a validity.
    pub(crate) fn validity(&self, validity: Option<&NullBuffer>, rows: usize) -> NullBuffer {
        let mut words = self.words[..rows.div_ceil(64)].to_vec();
        if let Some(valid) = validity {
            words.iter_mut().zip(valid_words(valid, 0..rows)).for_each(|(word, valid)| *word &= valid);
        }
        NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words), 0, rows))
    }

    /// Identity of the set.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        self.words.iter().for_each(|w| {
            hasher.update(&w.to_le_bytes());
        });
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_value_and_beyond_the_column_are_out() {
        let valid = NullBuffer::from(vec![true, false, true]);
        let mask = Mask::of_valid(Some(&valid), 3, 70);
        assert_eq!(mask.iter(0..70).collect::<Vec<_>>(), [0, 2]);
        let all = Mask::of_valid(None, 66, 70);
        assert_eq!(all.count(), 66);
        assert!(all.get(65) && !all.get(66));
        assert_eq!(all.and_not(&mask).count(), 64);
        assert_eq!(Mask::of_valid(None, 0, 70).count(), 0);
    }
}
