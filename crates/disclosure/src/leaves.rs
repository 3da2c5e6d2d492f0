//! Whom a fit leaves out (SDC-160): the persons of a set whose record keys, mixed with the set's fingerprint and enciphered
//! with a key of the installation, are smallest. The same set always leaves out the same persons; a set with one person
//! less leaves out others, so that the difference of two fits is not that person.
//!
//! Guarantee: who is left out is unpredictable without the noise key, and follows from the set alone.

use aes::Aes256;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use engine::raw::Leaves;

use crate::keys::{Fingerprint, GateKeys};

/// The rule for one set.
pub(crate) struct LeaveOut {
    cipher: Aes256,
    set: u128,
    count: usize,
    categories: Vec<(usize, f64)>,
}

impl LeaveOut {
    /// The rule for a set, with so many persons left out.
    pub(crate) fn new(keys: &GateKeys, set: Fingerprint, count: u32) -> Self {
        let cipher = Aes256::new(keys.leave_out_key().as_slice().into());
        Self { cipher, set: set.0, count: count as usize, categories: Vec::new() }
    }

    /// The same, without the rows of these categories.
    pub(crate) fn and_categories(self, categories: Vec<(usize, f64)>) -> Self {
        Self { categories, ..self }
    }

    /// The set.
    pub(crate) fn set(&self) -> u128 {
        self.set
    }

    /// The place of a person in the order.
    fn place(&self, record: u128) -> u128 {
        let mut block = (record ^ self.set).to_le_bytes().into();
        self.cipher.encrypt_block(&mut block);
        u128::from_le_bytes(block.into())
    }
}

impl Leaves for LeaveOut {
    fn out(&self, persons: &mut dyn Iterator<Item = (u32, u128)>) -> Vec<u32> {
        // Ascending, as many as are left out; most persons are compared with the last one only.
        let mut first: Vec<(u128, u32)> = Vec::with_capacity(self.count + 1);
        for (person, record) in persons {
            let place = (self.place(record), person);
            if first.len() == self.count && first.last().is_none_or(|last| place >= *last) {
                continue;
            }
            let at = first.partition_point(|other| *other < place);
            first.insert(at, place);
            first.truncate(self.count);
        }
        first.into_iter().map(|(_, person)| person).collect()
    }

    fn categories(&self) -> &[(usize, f64)] {
        &self.categories
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::person_id;

    /// SDC-160: so many, the same whatever the order, others for another set and for other keys.
    #[test]
    fn sdc_160_who_is_left_out_follows_from_the_set() {
        let keys = GateKeys::new([1; 32], [2; 32]);
        let persons: Vec<(u32, u128)> = (0..500).map(|p| (p, keys.record(&person_id(p.into())).key)).collect();
        let out = |keys: &GateKeys, set: u128, from: &mut dyn Iterator<Item = (u32, u128)>| {
            LeaveOut::new(keys, Fingerprint(set), 10).out(from)
        };
        let first = out(&keys, 77, &mut persons.iter().copied());
        assert_eq!(first.len(), 10);
        assert_eq!(first, out(&keys, 77, &mut persons.iter().rev().copied()));
        let common = |other: Vec<u32>| other.iter().filter(|p| first.contains(p)).count();
        assert!(common(out(&keys, 78, &mut persons.iter().copied())) < 5);
        let other = GateKeys::new([1; 32], [3; 32]);
        assert!(common(out(&other, 77, &mut persons.iter().copied())) < 5);
        assert_eq!(out(&keys, 1, &mut persons[..4].iter().copied()).len(), 4);
        assert!(out(&keys, 77, &mut std::iter::empty()).is_empty());
    }
}
