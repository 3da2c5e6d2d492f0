//! Keyed identity of sets of persons: count, fingerprint and sketch, added up while the data is scanned (SDC-032).
//! Both are additive, so parts of a scan merge in any order to the same bits.

use crate::keys::RecordKeys;
use crate::members::Members;
use crate::raw::{Keyed, PersonSet};

/// Binary digits of each of the 64 counters that are kept in slices.
const LANES: usize = 16;
/// Persons that the slices have room for.
const ROOM: u32 = (1 << LANES) - 1;
/// Persons added at a time.
const EIGHT: usize = 8;

/// Adds persons up to a [`PersonSet`]. The caller sees to it that a person is added once.
///
/// The 64 counters of the sketch are kept bit-sliced: digit `k` of all counters is one word. Eight persons are added with
/// seven carry-save adders instead of 512 additions, without a branch; slices are flushed before they overflow.
#[derive(Clone)]
pub(crate) struct SetBuilder {
    keyed: Keyed,
    persons: u64,
    fingerprint: u128,
    slices: [u64; LANES],
    pending: u32,
    ones: Option<Box<[u32; 64]>>,
}

/// Sum and carry of three words, bit by bit.
#[inline]
fn full_adder(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}

impl SetBuilder {
    pub(crate) fn new(keyed: Keyed) -> Self {
        Self { keyed, persons: 0, fingerprint: 0, slices: [0; LANES], pending: 0, ones: None }
    }

    #[inline]
    pub(crate) fn add(&mut self, keys: &RecordKeys, person: u32) {
        self.make_room(1);
        self.persons += 1;
        self.fingerprint = self.fingerprint.wrapping_add(keys.record()[person as usize]);
        self.carry(0, keys.bits()[person as usize]);
    }

    /// Adds each of these persons.
    pub(crate) fn add_each(&mut self, keys: &RecordKeys, persons: &[u32]) {
        let (eights, rest) = persons.as_chunks::<EIGHT>();
        for eight in eights {
            self.make_room(EIGHT as u32);
            let mut words = [0; EIGHT];
            for (word, person) in words.iter_mut().zip(eight) {
                self.fingerprint = self.fingerprint.wrapping_add(keys.record()[*person as usize]);
                *word = keys.bits()[*person as usize];
            }
            self.add_eight(words);
        }
        self.persons += (eights.len() * EIGHT) as u64;
        rest.iter().for_each(|person| self.add(keys, *person));
    }

    /// Adds the persons whose bits are set; bit 0 of the first word is person `first`, a multiple of eight. Persons that
    /// are not in the set are read too and add nothing, which costs less than telling them apart.
    pub(crate) fn add_words(&mut self, keys: &RecordKeys, first: usize, words: &[u64]) {
        let end = (first + words.len() * 64).min(keys.len());
        let (records, bits) = (&keys.record()[first..end], &keys.bits()[first..end]);
        let (records, last_records) = records.as_chunks::<EIGHT>();
        let (bits, last_bits) = bits.as_chunks::<EIGHT>();
        let byte = |i: usize| words[i / 8] >> (i % 8 * 8) & 0xff;
        for (i, (records, bits)) in records.iter().zip(bits).enumerate() {
            let byte = byte(i);
            if byte == 0 {
                continue;
            }
            self.make_room(EIGHT as u32);
            let mut chosen = [0; EIGHT];
            for k in 0..EIGHT {
                let all = 0u64.wrapping_sub(byte >> k & 1);
                chosen[k] = bits[k] & all;
                self.fingerprint =
                    self.fingerprint.wrapping_add(records[k] & (u128::from(all) << 64 | u128::from(all)));
            }
            self.persons += u64::from(byte.count_ones());
            self.add_eight(chosen);
        }
        let left = last_bits.len().min(last_records.len());
        for k in (0..left).filter(|k| byte(records.len()) >> k & 1 == 1) {
            self.add(keys, (first + records.len() * EIGHT + k) as u32);
        }
    }

    #[inline]
    fn add_eight(&mut self, w: [u64; EIGHT]) {
        let [one, two, four, ..] = &mut self.slices;
        let (sum, a) = full_adder(*one, w[0], w[1]);
        let (sum, b) = full_adder(sum, w[2], w[3]);
        let (sum, c) = full_adder(sum, w[4], w[5]);
        let (sum, d) = full_adder(sum, w[6], w[7]);
        *one = sum;
        let (sum, a) = full_adder(*two, a, b);
        let (sum, b) = full_adder(sum, c, d);
        *two = sum;
        let (sum, carry) = full_adder(*four, a, b);
        *four = sum;
        self.carry(3, carry);
    }

    /// Adds a word to digit `from` and carries on.
    #[inline]
    fn carry(&mut self, from: usize, mut carry: u64) {
        for slice in &mut self.slices[from..] {
            let both = *slice & carry;
            *slice ^= carry;
            carry = both;
            if carry == 0 {
                break;
            }
        }
    }

    /// Slices count words, also those without a bit.
    #[inline]
    fn make_room(&mut self, persons: u32) {
        if self.pending + persons > ROOM {
            self.flush();
        }
        self.pending += persons;
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
        PersonSet {
            keyed: self.keyed,
            persons: self.persons,
            fingerprint: self.fingerprint,
            sketch,
            members: Members::default(),
        }
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
            // In eights, as a list and as words, the same persons give the same set.
            let mut listed = SetBuilder::new(Keyed::Persons);
            listed.add_each(&keys, &(0..persons).collect::<Vec<_>>());
            let mut masked = SetBuilder::new(Keyed::Persons);
            let words: Vec<u64> = (0..persons.div_ceil(64)).map(|w| if w % 3 == 0 { u64::MAX } else { 0x0f0f_00ff_1234_8001 }).collect();
            masked.add_words(&keys, 0, &words);
            let mut plainly = SetBuilder::new(Keyed::Persons);
            (0..persons).filter(|p| words[*p as usize / 64] >> (p % 64) & 1 == 1).for_each(|p| plainly.add(&keys, p));
            let (masked, plainly, listed) = (masked.finish(), plainly.finish(), listed.finish());
            prop_assert_eq!((masked.persons, masked.fingerprint, masked.sketch), (plainly.persons, plainly.fingerprint, plainly.sketch));
            prop_assert_eq!((listed.persons, listed.sketch), (u64::from(persons), plain));
            let set = a.finish();
            prop_assert_eq!(set.fingerprint, listed.fingerprint);
            prop_assert_eq!(set.sketch, plain);
            prop_assert_eq!(set.persons, u64::from(persons));
            prop_assert_eq!(set.fingerprint, keys.record().iter().fold(0u128, |s, u| s.wrapping_add(*u)));
        }
    }
}
