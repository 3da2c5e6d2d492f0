//! The keys of the gate and what they make of a set of persons: record keys, fingerprint, sketch and cell key
//! (SDC-030..033). Nothing here is ever shown, logged or serialised; the keys are wiped from memory when dropped.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// `K_dataset` and `K_noise` of one installation (SDC-030). No `Debug`, no `Clone`, no `Serialize`: hold it behind an
/// `Arc` where several need it.
pub struct GateKeys {
    dataset: Zeroizing<[u8; 32]>,
    noise: Zeroizing<[u8; 32]>,
}

/// What the key of the data set makes of one person: 16 bytes that are summed to a fingerprint, and 64 bits that are
/// counted to a sketch (SDC-031).
#[derive(Clone, Copy)]
pub struct RecordKey {
    /// `u_p`, little-endian.
    pub key: u128,
    /// `s_p`, little-endian.
    pub bits: u64,
}

/// The fingerprint of a set of persons: the sum of their record keys modulo 2^128 (SDC-032). The same set has the same
/// fingerprint wherever and however it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint(pub u128);

/// The sketch of a set of persons: for each of 64 bits the number of persons with the bit minus the number without.
/// Near-identical sets have near-identical sketches.
#[derive(Clone, PartialEq, Eq)]
pub struct Sketch(pub [i32; 64]);

impl GateKeys {
    /// The keys from their bytes, as the key service's grant with `use: gate` carries them.
    pub fn new(dataset: [u8; 32], noise: [u8; 32]) -> Self {
        Self { dataset: Zeroizing::new(dataset), noise: Zeroizing::new(noise) }
    }

    /// Keys of an installation or of a store folder marked synthetic (SDC-030), drawn from `random`.
    pub fn draw(random: &dyn kernel::Random) -> Self {
        let (mut dataset, mut noise) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        random.fill(&mut *dataset);
        random.fill(&mut *noise);
        Self { dataset, noise }
    }

    /// Both keys, one after the other, for a grant or a software keystore that seals them at once.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 64]> {
        let mut bytes = Zeroizing::new([0; 64]);
        bytes[..32].copy_from_slice(&*self.dataset);
        bytes[32..].copy_from_slice(&*self.noise);
        bytes
    }

    /// The key that record keys are made with; handed to the part of the engine or source that fills the two columns
    /// of SDC-031 for every person.
    pub fn dataset_key(&self) -> &[u8; 32] {
        &self.dataset
    }

    /// Record key and sketch bits of a person, written as the canonical id of form `O` (see [`person_id`]).
    pub fn record(&self, person: &[u8]) -> RecordKey {
        RecordKey {
            key: u128::from_le_bytes(head(&mac(&self.dataset, &[b"rk1", person]))),
            bits: u64::from_le_bytes(head(&mac(&self.dataset, &[b"sk1", person]))),
        }
    }

    /// The cell key of a set for a kind of statistic and a column (SDC-033): a number in 0..1 that is the same for the
    /// same set, kind and column, and unpredictable without the keys.
    pub fn cell_key(&self, set: Fingerprint, kind: &str, variable: &str) -> f64 {
        let digest = mac(&self.noise, &[b"ck1", &set.0.to_le_bytes(), kind.as_bytes(), &[0], variable.as_bytes()]);
        u64::from_le_bytes(head(&digest)) as f64 / 2f64.powi(64)
    }

    /// The secret radius of a pair of sets, between the least and the most, and the share of SDC-052.
    pub fn radius(&self, one: Fingerprint, other: Fingerprint, least: u64, most: u64) -> (u64, f64) {
        let (low, high) = (one.min(other), one.max(other));
        let digest = mac(&self.noise, &[b"sn1", &low.0.to_le_bytes(), &high.0.to_le_bytes()]);
        let first = u64::from_le_bytes(head(&digest));
        let second = u64::from_le_bytes(head(&digest[8..]));
        (least + first % (most - least + 1), 0.4 + 0.2 * (second as f64 / 2f64.powi(64)))
    }
}

impl GateKeys {
    /// How far a chain of near sets may lead from the set whose values it is answered with: once to twice the largest
    /// radius, secret.
    pub fn reach(&self, root: Fingerprint, most: u64) -> u64 {
        let digest = mac(&self.noise, &[b"sn2", &root.0.to_le_bytes()]);
        most + u64::from_le_bytes(head(&digest)) % (most + 1)
    }
}

impl GateKeys {
    /// The key that decides whom fits leave out (SDC-160).
    pub(crate) fn leave_out_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mac(&self.noise, &[b"dr1"]))
    }
}

impl Fingerprint {
    /// The fingerprint with one person more.
    pub fn with(self, record: RecordKey) -> Self {
        Self(self.0.wrapping_add(record.key))
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Sketch {
    /// Counts one person in.
    pub fn add(&mut self, record: RecordKey) {
        for (b, counter) in self.0.iter_mut().enumerate() {
            *counter += if record.bits >> b & 1 == 1 { 1 } else { -1 };
        }
    }

    /// Mean squared difference of the counters: about the size of the symmetric difference of the two sets (SDC-051).
    pub fn distance(&self, other: &Self) -> f64 {
        let sum: f64 = self.0.iter().zip(&other.0).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        sum / 64.0
    }
}

/// The canonical id of form `O` of the person with this ordinal: `O:` and ten digits.
pub fn person_id(ordinal: u64) -> [u8; 12] {
    let mut text = *b"O:0000000000";
    let mut rest = ordinal;
    for digit in text[2..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of 32 bytes");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn head<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PTable, PTableParams};

    fn set(keys: &GateKeys, people: std::ops::RangeInclusive<u32>) -> (Fingerprint, Sketch) {
        let (mut print, mut sketch) = (Fingerprint::default(), Sketch::default());
        for i in people {
            let record = keys.record(format!("P{i}").as_bytes());
            print = print.with(record);
            sketch.add(record);
        }
        (print, sketch)
    }

    /// SDC-031..033 and SDC-052: the test vector of the specification.
    #[test]
    fn the_test_vector_matches() {
        let keys = GateKeys::new([0x11; 32], [0x22; 32]);
        assert_eq!(format!("{:032x}", keys.record(b"P1").key), "c8ba945d443543836ede12e5c10878f2");
        let (all, sketch) = set(&keys, 1..=12);
        assert_eq!(format!("{:032x}", all.0), "0600f8c562cdd880640bc2ff7aee14c3");
        assert_eq!(sketch.0[..8], [8, 2, 4, -2, 0, -2, -6, 4]);
        let u = keys.cell_key(all, "count", "");
        assert!((u - 0.350_934_296_381).abs() < 1e-12);
        let table = PTable::new(PTableParams::new(5, 3.0, 2)).unwrap();
        assert_eq!(12 + table.change(12, u), 11);
        let (less, _) = set(&keys, 1..=11);
        assert_eq!(format!("{:032x}", less.0), "120c094aa466edc6c6e2735337b07612");
        assert_eq!(keys.radius(all, less, 10, 20).0, 17);
        assert_eq!(keys.radius(less, all, 2, 10), keys.radius(all, less, 2, 10));
    }

    /// SDC-032: a set has one fingerprint, whatever the order in which its persons are met.
    #[test]
    fn the_order_of_persons_does_not_matter() {
        let keys = GateKeys::new([1; 32], [2; 32]);
        let records: Vec<_> = (0..50).map(|i| keys.record(&person_id(i))).collect();
        let forward = records.iter().fold(Fingerprint::default(), |f, r| f.with(*r));
        let backward = records.iter().rev().fold(Fingerprint::default(), |f, r| f.with(*r));
        assert!(forward == backward);
        let other = GateKeys::new([1; 32], [3; 32]);
        assert!(keys.cell_key(forward, "count", "") != other.cell_key(forward, "count", ""));
        assert!(keys.cell_key(forward, "count", "") != keys.cell_key(forward, "mean", "INCOME"));
        assert_eq!(&person_id(42), b"O:0000000042");
    }
}
