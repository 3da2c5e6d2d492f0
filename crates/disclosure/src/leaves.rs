//! Whom a fit leaves out (SDC-160): the persons of a set whose record keys, mixed with the set's fingerprint and enciphered
//! with a key of the installation, are smallest. The same set always leaves out the same persons; a set with one person
//! less leaves out others, so that the difference of two fits is not that person.
//!
//! A fit leaves out a share of the sample: so many that what one person decides is lost among what they would have. With few
//! of them it would be told by whoever knows everybody else: a fit is many exact numbers. For the same reason they are others
//! for other columns, unless these differ by a factor and a constant alone; else a fit on a known column told who they are.
//!
//! Guarantee: who is left out is unpredictable without the noise key, and follows from the set, or the set and the columns,
//! alone.

use aes::Aes256;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use engine::raw::Leaves;

use crate::keys::{Fingerprint, GateKeys};
use crate::policy::ModelRules;

/// The rule for one set.
pub(crate) struct LeaveOut {
    cipher: Aes256,
    set: u128,
    count: usize,
    share: Option<(f64, f64)>,
    categories: Vec<(usize, f64)>,
}

/// Of those who have a value that few have, so many are left out, as far as they are no more than [`MOST`] of them.
const OF_FEW: f64 = 4.0;
/// The largest share that is left out.
const MOST: f64 = 0.4;

impl LeaveOut {
    /// The rule for a set, with so many persons left out.
    pub(crate) fn new(keys: &GateKeys, set: Fingerprint, count: u32) -> Self {
        let cipher = Aes256::new(keys.leave_out_key().as_slice().into());
        Self { cipher, set: set.0, count: count as usize, share: None, categories: Vec::new() }
    }

    /// The rule of a fit for a set and columns.
    pub(crate) fn part(keys: &GateKeys, set: Fingerprint, core: &[u8; 32], rules: &ModelRules) -> Self {
        let mut head = [0; 16];
        head.copy_from_slice(&core[..16]);
        let set = Fingerprint(set.0 ^ u128::from_le_bytes(head));
        Self { share: Some((f64::from(rules.fit_drop), rules.fit_drop_share)), ..Self::new(keys, set, 0) }
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
        if self.count == 0 {
            return Vec::new();
        }
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

    fn share(&self, persons: usize, alike: usize) -> Option<f64> {
        let (number, share) = self.share?;
        Some((number / persons.max(1) as f64).min(share).max(OF_FEW / alike.max(1) as f64).min(MOST))
    }

    fn in_share(&self, record: u128, share: f64) -> bool {
        // The leading bits of the place as a number between 0 and 1.
        ((self.place(record) >> 64) as u64 as f64) < share * 2f64.powi(64)
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

    /// SDC-160: a fit leaves out a share, a larger one of a small sample and of those who have what few have; others for other
    /// columns.
    #[test]
    fn sdc_160_a_fit_is_made_of_a_secret_part() {
        let keys = GateKeys::new([1; 32], [2; 32]);
        let rules = crate::policy::Rules::standard().model;
        let of = |core: u8| LeaveOut::part(&keys, Fingerprint(77), &[core; 32], &rules);
        let shares = |persons, alike| of(1).share(persons, alike).unwrap();
        assert_eq!((shares(1000, 1000), shares(10_000, 10_000), shares(4_000_000, 100)), (0.2, 0.06, 0.04));
        assert_eq!((shares(100_000, 10), shares(100_000, 5)), (0.4, 0.4));
        let records: Vec<u128> = (0..5000).map(|p| keys.record(&person_id(p)).key).collect();
        let out = |leaves: &LeaveOut| records.iter().filter(|r| leaves.in_share(**r, 0.2)).copied().collect::<Vec<_>>();
        let (one, other) = (out(&of(1)), out(&of(2)));
        assert!((900..1100).contains(&one.len()), "{}", one.len());
        let common = one.iter().filter(|r| other.contains(r)).count();
        assert!((140..260).contains(&common), "{common}");
        assert!(of(1).out(&mut records.iter().map(|r| (0, *r))).is_empty());
        // A larger share has those of a smaller one.
        assert!(one.iter().all(|r| of(1).in_share(*r, 0.3)));
        assert_eq!(LeaveOut::new(&keys, Fingerprint(77), 10).share(1000, 1000), None);
    }
}
