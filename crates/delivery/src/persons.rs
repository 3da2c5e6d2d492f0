//! The person table `persons.bin` (section 4): which rows are which persons, as values that only the room's intake can
//! turn into pseudonyms. Padding is mixed in, so that neither the number of persons nor their order shows.

use audit::tree;
use kernel::Random;
use protocol::form::Digest;
use protocol::ids::DeliveryId;

const MAGIC: &[u8; 8] = b"HAPPRSN1";
const HEADER: usize = 64;
/// Bytes of an element in protocol P1.
const ELEMENT: usize = 16;
/// Person tables are padded to a multiple of this (KEY-054).
const PAD_TO: usize = 1_024;

/// A person table: the element per `pidx`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PersonTable {
    pub delivery: DeliveryId,
    pub elements: Vec<[u8; ELEMENT]>,
}

/// Why bytes are no person table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a person table of this protocol")]
pub(crate) struct NotPersons;

/// The number of elements of a table for `persons` persons.
pub(crate) fn padded(persons: usize) -> usize {
    persons.max(1).next_multiple_of(PAD_TO)
}

impl PersonTable {
    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.elements.len() * ELEMENT);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[1, b'O', 0, 0]);
        out.extend_from_slice(&(ELEMENT as u32).to_le_bytes());
        out.extend_from_slice(&(self.elements.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.delivery.to_bytes());
        out.resize(HEADER, 0);
        out.extend_from_slice(self.elements.as_flattened());
        out
    }

    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotPersons> {
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(NotPersons)?;
        let (elements, tail) = rest.as_chunks::<ELEMENT>();
        let expected = [1, b'O', 0, 0];
        let size = u32::from_le_bytes(header[12..16].try_into().map_err(|_| NotPersons)?);
        let count = u64::from_le_bytes(header[16..24].try_into().map_err(|_| NotPersons)?);
        let good = &header[..8] == MAGIC
            && header[8..12] == expected
            && size as usize == ELEMENT
            && count == elements.len() as u64
            && tail.is_empty()
            && header[40..].iter().all(|b| *b == 0);
        if !good {
            return Err(NotPersons);
        }
        let delivery = DeliveryId::from_bytes(header[24..40].try_into().map_err(|_| NotPersons)?);
        Ok(Self { delivery, elements: elements.to_vec() })
    }

    /// RFC 6962 Merkle root over the elements in file order (KEY-051).
    pub fn root(&self) -> Digest {
        let leaves: Vec<tree::Hash> = self.elements.iter().map(|e| tree::leaf_hash(e)).collect();
        Digest::from_sha256(tree::root_of(&leaves))
    }
}

/// Places `n` persons in a table of `padded(n)` rows: the row of each person, uniformly at random.
pub(crate) fn places(n: usize, random: &dyn Random) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..padded(n) as u32).collect();
    shuffle(&mut rows, random);
    rows.truncate(n);
    rows
}

/// Fisher–Yates from a ChaCha20 stream whose seed is drawn here and not kept (DEL-031).
pub(crate) fn shuffle<T>(items: &mut [T], random: &dyn Random) {
    use rand_core::{RngCore as _, SeedableRng as _};
    let mut seed = [0u8; 32];
    random.fill(&mut seed);
    let mut stream = rand_chacha::ChaCha20Rng::from_seed(seed);
    for i in (1..items.len()).rev() {
        // Rejection keeps the choice uniform: the part of the range that does not divide evenly is drawn again.
        let range = i as u64 + 1;
        let limit = u64::MAX - u64::MAX % range;
        let mut draw = stream.next_u64();
        while draw >= limit {
            draw = stream.next_u64();
        }
        items.swap(i, (draw % range) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Counted(AtomicU64);
    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            for b in bytes {
                *b = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst).to_le_bytes()[7];
            }
        }
    }

    #[test]
    fn del_030_the_file_has_the_layout_of_the_specification() {
        let table = PersonTable { delivery: DeliveryId::from_bytes([7; 16]), elements: vec![[9; 16]; 1024] };
        let bytes = table.to_bytes();
        assert_eq!(bytes.len(), 64 + 1024 * 16);
        assert_eq!(&bytes[..12], b"HAPPRSN1\x01O\0\0");
        assert_eq!(bytes[12..16], 16u32.to_le_bytes());
        assert_eq!(bytes[16..24], 1024u64.to_le_bytes());
        assert_eq!(bytes[24..40], [7; 16]);
        assert!(PersonTable::parse(&bytes).is_ok_and(|t| t == table));
        for bad in [&bytes[..63], &bytes[..bytes.len() - 1]] {
            assert!(PersonTable::parse(bad).is_err());
        }
    }

    #[test]
    fn key_051_the_root_is_the_one_of_the_log_tree() {
        let table =
            PersonTable { delivery: DeliveryId::from_bytes([0; 16]), elements: vec![[1; 16], [2; 16], [3; 16]] };
        let h = tree::leaf_hash;
        let root = tree::node_hash(&tree::node_hash(&h(&[1; 16]), &h(&[2; 16])), &h(&[3; 16]));
        assert_eq!(table.root(), Digest::from_sha256(root));
    }

    #[test]
    fn key_054_padding_hides_the_number_and_places_are_distinct() {
        let random = Counted(AtomicU64::new(1));
        assert_eq!((padded(0), padded(1), padded(1024), padded(1025)), (1024, 1024, 1024, 2048));
        let rows = places(1500, &random);
        assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), 1500);
        assert!(rows.iter().all(|r| *r < 2048));
        assert!(rows.iter().any(|r| *r >= 1500), "padding is not all at the end");
    }
}
