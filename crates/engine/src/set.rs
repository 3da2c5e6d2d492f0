//! Keyed identity of sets of persons: count, fingerprint and sketch, added up while the data is scanned (SDC-032).
//! Both are additive, so parts of a scan merge in any order to the same bits.

use crate::keys::RecordKeys;
use crate::raw::{Keyed, PersonSet};

/// Bits of a sketch counted in slices: `LANES` binary digits for each of the 64 counters.
const LANES: usize = 8;

/// Adds persons up to a [`PersonSet`]. The caller sees to it that a person is added once.
///
/// The 64 counters of the sketch are kept bit-sliced: digit `k` of all counters is one word, and adding a person's
/// bits is a carry-save addition over a few words instead of 64 additions. Slices are flushed before they overflow.
#[derive(Clone)]
pub(crate) struct SetBuilder {
    keyed: Keyed,
    persons: u64,
    fingerprint: u128,
    slices: [u64; LANES],
    pending: u32,
    ones: Option<Box<[u32; 64]>>,
}

impl SetBuilder {
    pub(crate) fn new(keyed: Keyed) -> Self {
        Self { keyed, persons: 0, fingerprint: 0, slices: [0; LANES], pending: 0, ones: None }
    }

    #[inline]
    pub(crate) fn add(&mut self, keys: &RecordKeys, person: u32) {
        self.persons += 1;
        self.fingerprint = self.fingerprint.wrapping_add(keys.record()[person as usize]);
        let mut carry = keys.bits()[person as usize];
        for slice in &mut self.slices {
            let both = *slice & carry;
            *slice ^= carry;
            carry = both;
            if carry == 0 {
                break;
            }
        }
        self.pending += 1;
        if self.pending == (1 << LANES) - 1 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let ones = self.ones.get_or_insert_with(|| Box::new([0; 64]));
        for (k, slice) in self.slices.iter_mut().enumerate() {
            let mut word = std::mem::take(slice);
            while word != 0 {
                ones[word.trailing_zeros() as usize] += 1 << k;
                word &= word - 1;
            }
        }
        self.pending = 0;
    }

    pub(crate) fn merge(&mut self, other: SetBuilder) {
        if other.persons == 0 {
            return;
        }
        let mut other = other;
        other.flush();
        self.persons += other.persons;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        if let Some(theirs) = other.ones {
            let ones = self.ones.get_or_insert_with(|| Box::new([0; 64]));
            ones.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a += b);
        }
    }

    pub(crate) fn finish(mut self) -> PersonSet {
        self.flush();
        let mut sketch = [0i32; 64];
        if let Some(ones) = &self.ones {
            for (s, one) in sketch.iter_mut().zip(ones.iter()) {
                // ones - (persons - ones); the person space has at most 2^31 units.
                *s = (2 * i64::from(*one) - self.persons as i64) as i32;
            }
        }
        PersonSet { keyed: self.keyed, persons: self.persons, fingerprint: self.fingerprint, sketch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// SDC-032: the sliced counters equal 64 plain additions, and parts merge to the whole.
        #[test]
        fn sdc_032_sliced_counters_equal_plain_ones(persons in 0u32..1500, cut in 0u32..1500) {
            let keys = RecordKeys::derive(&[3; 32], persons);
            let (mut a, mut b) = (SetBuilder::new(Keyed::Persons), SetBuilder::new(Keyed::Persons));
            let mut plain = [0i32; 64];
            for p in 0..persons {
                if p < cut { a.add(&keys, p) } else { b.add(&keys, p) }
                for (bit, s) in plain.iter_mut().enumerate() {
                    *s += if keys.bits()[p as usize] >> bit & 1 == 1 { 1 } else { -1 };
                }
            }
            a.merge(b);
            let set = a.finish();
            prop_assert_eq!(set.sketch, plain);
            prop_assert_eq!(set.persons, u64::from(persons));
            prop_assert_eq!(set.fingerprint, keys.record().iter().fold(0u128, |s, u| s.wrapping_add(*u)));
        }
    }
}
