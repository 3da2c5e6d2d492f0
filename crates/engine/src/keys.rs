//! Record keys and sketch bits of the units of a space (SDC-031): two columns, derived once from the gate's dataset key
//! and held in memory. Never logged, never written.

use std::sync::OnceLock;

use hmac::{Hmac, Mac as _};
use rayon::prelude::*;
use sha2::Sha256;

use crate::raw::Keyed;
use crate::set::SetBuilder;

/// Units of a stretch whose set as a whole is remembered.
pub(crate) const STRETCH: usize = 1 << 18;

/// The key columns of one unit space.
pub struct RecordKeys {
    record: Vec<u128>,
    bits: Vec<u64>,
    /// The set of all units of each stretch, once somebody has asked for one.
    whole: OnceLock<Vec<SetBuilder>>,
}

impl RecordKeys {
    /// The keys of the units 0 to `size` less one under `K_dataset` of the space. A unit is written as `O:` and its
    /// ordinal in ten digits (`keys.md` section 2, form `O`).
    pub fn derive(dataset_key: &[u8; 32], size: u32) -> Self {
        let (record, bits) = (0..size)
            .into_par_iter()
            .map(|ordinal| Self::of(dataset_key, format!("O:{ordinal:010}").as_bytes()))
            .unzip();
        Self { record, bits, whole: OnceLock::new() }
    }

    /// The keys of units written in any form; row `i` of the space is `units[i]`.
    pub fn derive_for<T: AsRef<[u8]>>(dataset_key: &[u8; 32], units: impl IntoIterator<Item = T>) -> Self {
        let (record, bits) = units.into_iter().map(|unit| Self::of(dataset_key, unit.as_ref())).unzip();
        Self { record, bits, whole: OnceLock::new() }
    }

    /// The keys of units that have no space of their own: groups, each written as a text of its key values. The secret is
    /// made from the record keys of the first persons, which never change and are known to the gate alone, so the same
    /// values have the same keys in every run of an installation.
    pub(crate) fn derive_groups(persons: &RecordKeys, groups: Vec<String>) -> Self {
        let secret: Vec<u8> = persons.record.iter().take(16).flat_map(|u| u.to_le_bytes()).collect();
        let secret = blake3::derive_key("hap 2026 record keys of groups", &secret);
        Self::derive_for(&secret, groups)
    }

    /// Number of units.
    pub fn len(&self) -> usize {
        self.record.len()
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// The set of all units of a stretch: a set that lacks few of them is told by those it lacks.
    pub(crate) fn whole(&self, stretch: usize) -> Option<&SetBuilder> {
        let all = || {
            let set = |stretch: usize| {
                let mut set = SetBuilder::new(Keyed::Persons);
                let units = (self.len() - stretch * STRETCH).min(STRETCH);
                set.add_words(self, stretch * STRETCH, &all_of(units));
                set
            };
            (0..self.len().div_ceil(STRETCH)).into_par_iter().map(set).collect()
        };
        self.whole.get_or_init(all).get(stretch)
    }

    /// `u_p` of every unit.
    pub fn record(&self) -> &[u128] {
        &self.record
    }

    /// `s_p` of every unit.
    pub fn bits(&self) -> &[u64] {
        &self.bits
    }

    fn of(dataset_key: &[u8; 32], unit: &[u8]) -> (u128, u64) {
        let mut record = [0; 16];
        record.copy_from_slice(&mac(dataset_key, b"rk1", unit)[..16]);
        let mut bits = [0; 8];
        bits.copy_from_slice(&mac(dataset_key, b"sk1", unit)[..8]);
        (u128::from_le_bytes(record), u64::from_le_bytes(bits))
    }
}

/// As many bits, 64 a word.
fn all_of(units: usize) -> Vec<u64> {
    let left = |word: usize| (units - word * 64).min(64);
    (0..units.div_ceil(64)).map(|word| u64::MAX >> (64 - left(word))).collect()
}

fn mac(key: &[u8; 32], label: &[u8], unit: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(label);
    mac.update(unit);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::Keyed;
    use crate::set::SetBuilder;

    /// SDC-033, test vector.
    #[test]
    fn sdc_031_032_the_test_vector_of_twelve_persons() {
        let names: Vec<String> = (1..=12).map(|i| format!("P{i}")).collect();
        let keys = RecordKeys::derive_for(&[0x11; 32], &names);
        assert_eq!(format!("{:032x}", keys.record()[0]), "c8ba945d443543836ede12e5c10878f2");
        let set = |persons: u32| {
            let mut set = SetBuilder::new(Keyed::Persons);
            (0..persons).for_each(|p| set.add(&keys, p));
            set.finish()
        };
        let all = set(12);
        assert_eq!(format!("{:032x}", all.fingerprint), "0600f8c562cdd880640bc2ff7aee14c3");
        assert_eq!(all.sketch[..8], [8, 2, 4, -2, 0, -2, -6, 4]);
        assert_eq!(all.persons, 12);
        assert_eq!(format!("{:032x}", set(11).fingerprint), "120c094aa466edc6c6e2735337b07612");
    }

    #[test]
    fn sdc_031_the_canonical_form_of_an_ordinal() {
        let derived = RecordKeys::derive(&[7; 32], 3);
        let named = RecordKeys::derive_for(&[7; 32], ["O:0000000000", "O:0000000001", "O:0000000002"]);
        assert_eq!(derived.record(), named.record());
        assert_eq!(derived.bits(), named.bits());
    }
}
