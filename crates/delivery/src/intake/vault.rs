//! The vault of a room: which project pseudonym has which dense id (DEL-130). It is kept sealed, leaves memory only
//! through [`Vault::to_bytes`] for sealing, and is unreadable for researchers.

use kernel::Random;

use crate::persons::shuffle;

/// Bytes of an entry: pseudonym, id, first sequence.
const ENTRY: usize = 24;

/// Pseudonyms with their dense ids, sorted by pseudonym.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Vault {
    entries: Vec<([u8; 16], u32, u32)>,
}

impl Vault {
    /// Reads what [`Vault::to_bytes`] wrote; none when it is damaged.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<ENTRY>();
        if !rest.is_empty() {
            return None;
        }
        let word = |c: &[u8; ENTRY], at: usize| c.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let read = |c: &[u8; ENTRY]| Some((c.get(..16)?.try_into().ok()?, word(c, 16)?, word(c, 20)?));
        let entries: Vec<_> = chunks.iter().map(read).collect::<Option<_>>()?;
        entries.is_sorted_by(|a: &([u8; 16], u32, u32), b| a.0 < b.0).then_some(Self { entries })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() * ENTRY);
        for (pseudonym, id, sequence) in &self.entries {
            out.extend_from_slice(pseudonym);
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(&sequence.to_le_bytes());
        }
        out
    }

    /// The dense id of each pseudonym. New ones get the next free ids, shuffled among themselves; known ones keep
    /// theirs (DEL-102). None when a pseudonym occurs twice: two rows of the person table would be one person.
    pub fn assign(&mut self, pseudonyms: &[[u8; 16]], sequence: u32, random: &dyn Random) -> Option<Vec<u32>> {
        let mut sorted = pseudonyms.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|w| w[0] == w[1]) {
            return None;
        }
        let next = self.entries.len() as u32 + 1;
        let new: Vec<[u8; 16]> = sorted.into_iter().filter(|p| self.id(p).is_none()).collect();
        let mut ids: Vec<u32> = (next..next + new.len() as u32).collect();
        shuffle(&mut ids, random);
        self.entries.extend(new.into_iter().zip(ids).map(|(p, id)| (p, id, sequence)));
        self.entries.sort_unstable_by_key(|e| e.0);
        pseudonyms.iter().map(|p| self.id(p)).collect()
    }

    fn id(&self, pseudonym: &[u8; 16]) -> Option<u32> {
        self.entries.binary_search_by_key(pseudonym, |e| e.0).ok().map(|i| self.entries[i].1)
    }

    /// Persons known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU8, Ordering};

    struct Counted(AtomicU8);
    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.0.fetch_add(37, Ordering::SeqCst));
        }
    }

    proptest! {
        #[test]
        fn del_130_ids_are_dense_distinct_and_stable(first in proptest::collection::btree_set(any::<[u8; 16]>(), 1..60),
                                                     more in proptest::collection::btree_set(any::<[u8; 16]>(), 0..60)) {
            let random = Counted(AtomicU8::new(3));
            let mut vault = Vault::default();
            let first: Vec<_> = first.into_iter().collect();
            let ids = vault.assign(&first, 1, &random).unwrap();
            prop_assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), (1..=first.len() as u32).collect::<BTreeSet<_>>());
            let mut vault = Vault::parse(&vault.to_bytes()).unwrap();
            let all: Vec<_> = first.iter().copied().chain(more.into_iter().filter(|p| !first.contains(p))).collect();
            let again = vault.assign(&all, 2, &random).unwrap();
            prop_assert_eq!(&again[..first.len()], &ids[..], "known persons keep their ids");
            let dense: BTreeSet<u32> = again.into_iter().collect();
            prop_assert_eq!(dense, (1..=all.len() as u32).collect::<BTreeSet<_>>());
            prop_assert_eq!(vault.len(), all.len());
        }
    }

    #[test]
    fn a_person_twice_or_a_damaged_vault_is_refused() {
        let random = Counted(AtomicU8::new(3));
        assert!(Vault::default().assign(&[[1; 16], [1; 16]], 1, &random).is_none());
        assert!(Vault::parse(&[0; 25]).is_none());
        assert!(Vault::parse(&[0; 48]).is_none());
    }
}
