//! What the gate ledger knows, in memory and compact: the sets with their sketches, the values by set and name, and where
//! each set comes from. It is filled from batches at the start and from releases afterwards.
//!
//! What it is not: durable. It is always what the batches say, and can be thrown away.

use std::collections::HashMap;
use std::sync::Arc;

use disclosure::{
    ByFingerprint, Candidate, Fingerprint, KnownSet, LedgerEntry, LedgerError, Recipe, SetIndex, Sketch, Stored,
    ValueKey,
};

use super::{lines, wire};

/// All that is known.
#[derive(Default)]
pub(crate) struct Book {
    sets: SetIndex,
    values: HashMap<(Fingerprint, u32), Stored, ByFingerprint>,
    names: Names,
    origins: Vec<Origin>,
    /// Names of the batch that is being read, by their number in it.
    batch: Vec<u32>,
}

/// Where a set comes from, without its texts.
#[derive(Clone, Copy)]
struct Origin {
    script: u32,
    statement: u32,
    cell: u32,
}

/// Texts, columns and their combinations as small numbers.
#[derive(Default)]
struct Names {
    texts: HashMap<Arc<str>, u32>,
    by_number: Vec<Arc<str>>,
    columns: HashMap<[u8; 32], u32>,
    names: HashMap<[u32; 4], u32>,
}

impl Names {
    fn text(&mut self, text: &str) -> u32 {
        if let Some(at) = self.texts.get(text) {
            return *at;
        }
        let (at, text): (u32, Arc<str>) = (self.by_number.len() as u32, text.into());
        self.by_number.push(Arc::clone(&text));
        self.texts.insert(text, at);
        at
    }

    fn number(&mut self, kind: &str, variable: &str, column: &[u8; 32], policy: &str) -> u32 {
        let columns = self.columns.len() as u32;
        let column = *self.columns.entry(*column).or_insert(columns);
        let name = [self.text(kind), self.text(variable), column, self.text(policy)];
        let names = self.names.len() as u32;
        *self.names.entry(name).or_insert(names)
    }

    fn find(&self, key: &ValueKey) -> Option<u32> {
        let text = |text: &str| self.texts.get(text).copied();
        let name = [text(&key.kind)?, text(&key.variable)?, *self.columns.get(&key.column)?, text(&key.policy)?];
        self.names.get(&name).copied()
    }
}

impl Book {
    /// How many values are known.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// How many sets are known that others are compared with.
    pub(crate) fn sets(&self) -> usize {
        self.sets.len()
    }

    pub(crate) fn candidates(&self, persons: u64, sketch: &Sketch, reach: u64) -> Vec<Candidate> {
        self.sets.candidates(persons, sketch, reach)
    }

    pub(crate) fn root(&self, set: Fingerprint) -> Option<Arc<KnownSet>> {
        self.sets.root(set)
    }

    pub(crate) fn read(&self, key: &ValueKey) -> Option<Stored> {
        let name = self.names.find(key)?;
        self.values.get(&(key.set, name)).copied()
    }

    /// Where a set comes from.
    pub(crate) fn recipe(&self, set: Fingerprint) -> Option<Recipe> {
        let Origin { script, statement, cell } = *self.origins.get(self.sets.number(set)? as usize)?;
        Some(Recipe { script: Arc::clone(&self.names.by_number[script as usize]), statement, cell })
    }

    /// Takes in what a release added, in order. Of a release many values have one name.
    pub(crate) fn add<'e>(&mut self, entries: impl IntoIterator<Item = &'e LedgerEntry>) {
        let mut last: Option<(&ValueKey, u32)> = None;
        for entry in entries {
            let key = &entry.key;
            let set = KnownSet { fingerprint: key.set, persons: entry.persons, sketch: entry.sketch.clone() };
            wire::Sink::set(self, &set, entry.root, &entry.recipe);
            let name = match last.filter(|(last, _)| wire::same_name(last, key)) {
                Some((_, name)) => name,
                None => self.names.number(&key.kind, &key.variable, &key.column, &key.policy),
            };
            last = Some((key, name));
            self.values.entry((key.set, name)).or_insert(entry.value);
        }
    }

    /// Those of these entries that are not known.
    pub(crate) fn unknown<'e>(&self, entries: &'e [LedgerEntry]) -> Vec<&'e LedgerEntry> {
        let (mut last, mut new) = (None::<(&ValueKey, Option<u32>)>, Vec::with_capacity(entries.len()));
        for entry in entries {
            let key = &entry.key;
            let name = match last.filter(|(last, _)| wire::same_name(last, key)) {
                Some((_, name)) => name,
                None => self.names.find(key),
            };
            last = Some((key, name));
            if name.is_none_or(|name| !self.values.contains_key(&(key.set, name))) {
                new.push(entry);
            }
        }
        new
    }

    /// Whether a set is known that others are compared with.
    pub(crate) fn knows(&self, set: Fingerprint) -> bool {
        self.sets.number(set).is_some()
    }

    /// Takes in a batch as it was written, in the form of today or that of an earlier program.
    ///
    /// # Errors
    /// [`LedgerError`] when it is neither.
    pub(crate) fn read_batch(&mut self, batch: &[u8]) -> Result<(), LedgerError> {
        if batch.first() == Some(&b'{') {
            self.add(&lines::from_lines(batch)?);
            return Ok(());
        }
        wire::decode(batch, self)
    }
}

impl wire::Sink for Book {
    fn set(&mut self, set: &KnownSet, root: Option<Fingerprint>, recipe: &Recipe) {
        let Some(root) = root else { return };
        let before = self.sets.len();
        self.sets.insert_under(set, root);
        if self.sets.len() > before {
            let script = self.names.text(&recipe.script);
            self.origins.push(Origin { script, statement: recipe.statement, cell: recipe.cell });
        }
    }

    fn value(&mut self, set: Fingerprint, name: usize, value: Stored) {
        if let Some(name) = self.batch.get(name) {
            self.values.entry((set, *name)).or_insert(value);
        }
    }

    fn name(&mut self, kind: &str, variable: &str, column: &[u8; 32], policy: &str) {
        let name = self.names.number(kind, variable, column, policy);
        self.batch.push(name);
    }

    fn batch(&mut self) {
        self.batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use disclosure::{GateKeys, Ledger as _, MemoryLedger, Reason, person_id};
    use engine::Members;
    use kernel::Timestamp;
    use roaring::RoaringBitmap;

    use super::*;

    /// Entries of a few dozen sets: of all sizes, near each other and not, with values of several kinds and policies.
    pub(crate) fn entries() -> Vec<LedgerEntry> {
        let keys = GateKeys::new([1; 32], [2; 32]);
        let records: Vec<_> = (0..40_000u64).map(|p| keys.record(&person_id(p))).collect();
        let mut all = Vec::new();
        for (i, (from, count)) in
            [(0, 12), (3, 12), (100, 90), (101, 90), (500, 4000), (502, 4000), (0, 40_000), (9, 39_000)]
                .into_iter()
                .enumerate()
        {
            let (mut set, mut sketch) = (Fingerprint::default(), Sketch::default());
            for record in &records[from..(from + count).min(records.len())] {
                set = set.with(*record);
                sketch.add(*record);
            }
            for (kind, policy) in [("count", "sha256:a"), ("mean", "sha256:a"), ("count", "sha256:b")] {
                let variable = if kind == "mean" { "INNTEKT" } else { "" };
                all.push(LedgerEntry {
                    key: ValueKey {
                        set,
                        kind: kind.into(),
                        variable: variable.into(),
                        column: [variable.len() as u8; 32],
                        policy: policy.into(),
                    },
                    value: if i % 3 == 0 { Stored::Hidden(Reason::Dominance) } else { Stored::Number(1.5 * i as f64) },
                    persons: count as u64,
                    sketch: sketch.clone(),
                    root: (i != 4).then_some(set),
                    members: Members::of(RoaringBitmap::new()),
                    recipe: Recipe {
                        script: format!("sha256:{}", i / 2).into(),
                        statement: i as u32,
                        cell: 300 * i as u32,
                    },
                    at: Timestamp::from_micros(1_795_252_500_000_000 + i as i64),
                });
            }
        }
        let root = all[0].key.set;
        all.iter_mut().filter(|e| e.persons == 90).for_each(|e| e.root = Some(root));
        all
    }

    fn encoded(entries: &[LedgerEntry]) -> Vec<u8> {
        wire::encode(&entries.iter().collect::<Vec<_>>())
    }

    /// SDC-055: a batch says all that its entries said, and the book that is read from batches knows what the plain ledger
    /// in memory knows.
    #[test]
    fn sdc_055_batches_say_all_that_entries_said() {
        let entries = entries();
        let (mut plain, mut added, mut read) = (MemoryLedger::new(), Book::default(), Book::default());
        plain.append(&entries).unwrap();
        added.add(&entries);
        entries.chunks(5).for_each(|some| read.read_batch(&encoded(some)).unwrap());
        assert_eq!((added.len(), added.sets()), (plain.len(), 7));
        assert_eq!((read.len(), read.sets()), (plain.len(), 7));
        for entry in &entries {
            let set = entry.key.set;
            for book in [&added, &read] {
                assert_eq!(book.read(&entry.key), plain.read(&entry.key).unwrap());
                assert!(book.root(set) == plain.root(set).unwrap());
                assert_eq!(book.recipe(set), entry.root.map(|_| entry.recipe.clone()));
                let near =
                    |all: Vec<Candidate>| all.into_iter().map(|c| (c.set, c.root, c.distance)).collect::<Vec<_>>();
                let expected = plain.candidates(entry.persons, &entry.sketch, 10).unwrap();
                assert!(near(book.candidates(entry.persons, &entry.sketch, 10)) == near(expected));
            }
        }
        let unknown = ValueKey { policy: "sha256:c".into(), ..entries[0].key.clone() };
        assert_eq!(read.read(&unknown), None);
    }

    /// SDC-055: the first value stays, also when batches are read in which another one stands.
    #[test]
    fn sdc_055_the_first_value_stays() {
        let first = entries().swap_remove(4);
        let later = LedgerEntry { value: Stored::Number(77.0), ..first.clone() };
        let mut book = Book::default();
        book.read_batch(&encoded(&[first.clone(), later.clone()])).unwrap();
        book.read_batch(&encoded(&[later])).unwrap();
        assert_eq!(book.read(&first.key), Some(first.value));
    }

    /// A batch that was cut off or changed is an error, never a guess and never a crash.
    #[test]
    fn damaged_batches_are_errors() {
        let bytes = encoded(&entries());
        for length in 0..bytes.len() {
            assert!(Book::default().read_batch(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Book::default().read_batch(&[&bytes[..], &[0]].concat()).is_err());
        for at in 0..bytes.len().min(4000) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            let _ = Book::default().read_batch(&changed);
        }
        let mut segment = Vec::new();
        wire::push(&mut segment, &bytes);
        wire::push(&mut segment, b"{");
        assert_eq!(wire::batches(&segment).unwrap(), [&bytes[..], b"{"]);
        assert!(wire::batches(&segment[..segment.len() - 1]).is_err());
    }
}
