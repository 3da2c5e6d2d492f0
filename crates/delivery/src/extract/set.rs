//! A set of person ordinals, and what the population rule makes of the sources' rows (`access.md` 4.2).

/// Ordinals as bits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PersonSet {
    words: Vec<u64>,
}

impl PersonSet {
    pub fn insert(&mut self, ordinal: u32) {
        let word = ordinal as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (ordinal % 64);
    }

    pub fn contains(&self, ordinal: u32) -> bool {
        self.words.get(ordinal as usize / 64).is_some_and(|w| w >> (ordinal % 64) & 1 == 1)
    }

    pub fn and(mut self, other: &Self) -> Self {
        self.words.truncate(other.words.len());
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
        self
    }

    pub fn or(mut self, other: &Self) -> Self {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
        self
    }

    pub fn without(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
        self
    }

    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// The ordinals, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(i, w)| {
            let w = *w;
            (0..64u32).filter(move |b| w >> b & 1 == 1).map(move |b| i as u32 * 64 + b)
        })
    }
}

impl FromIterator<u32> for PersonSet {
    fn from_iter<I: IntoIterator<Item = u32>>(ordinals: I) -> Self {
        let mut set = Self::default();
        ordinals.into_iter().for_each(|o| set.insert(o));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(a in proptest::collection::btree_set(0u32..500, 0..60),
                       b in proptest::collection::btree_set(0u32..900, 0..60)) {
            let set = |s: &BTreeSet<u32>| s.iter().copied().collect::<PersonSet>();
            let list = |s: PersonSet| s.iter().collect::<BTreeSet<u32>>();
            prop_assert_eq!(list(set(&a).and(&set(&b))), a.intersection(&b).copied().collect());
            prop_assert_eq!(list(set(&a).or(&set(&b))), a.union(&b).copied().collect());
            prop_assert_eq!(list(set(&a).without(&set(&b))), a.difference(&b).copied().collect());
            prop_assert_eq!(set(&a).len(), a.len());
            prop_assert!((0..900).all(|i| set(&b).contains(i) == b.contains(&i)));
        }
    }
}
