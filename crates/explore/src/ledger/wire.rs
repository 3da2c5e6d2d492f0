//! A batch of the gate ledger as bytes: what one release added. Texts and columns stand once per batch, counters are as
//! narrow as they can be. A batch is sealed as a whole; a segment is many batches one after the other, sealed together.
//!
//! What it is not: a format for others. Nobody but the ledger reads it, and a change of it is a new version byte.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use disclosure::{
    ByFingerprint, Fingerprint, KnownSet, LedgerEntry, LedgerError, Reason, Recipe, Sketch, Stored, ValueKey,
};

/// First byte of a batch. JSON lines of earlier programs begin with a brace.
const VERSION: u8 = 2;

/// Where what was read goes.
pub(crate) trait Sink {
    /// A set, and what it is answered with: none for a set that no other is compared with.
    fn set(&mut self, set: &KnownSet, root: Option<Fingerprint>, recipe: &Recipe);

    /// A value. `name` is the same number for all values of a batch with the same kind, variable, column and policy; what
    /// stands for it was given to [`Sink::name`] before.
    fn value(&mut self, set: Fingerprint, name: usize, value: Stored);

    /// The next name of a batch, from 0.
    fn name(&mut self, kind: &str, variable: &str, column: &[u8; 32], policy: &str);

    /// A batch begins: its names start anew.
    fn batch(&mut self);
}

/// Writes a batch.
pub(crate) fn encode(entries: &[&LedgerEntry]) -> Vec<u8> {
    let mut texts: Table<Arc<str>> = Table::default();
    let mut columns: Table<[u8; 32]> = Table::default();
    let mut names: Table<[usize; 4]> = Table::default();
    let mut sets: Table<Fingerprint, ByFingerprint> = Table::default();
    let (mut set_bytes, mut value_bytes) = (Vec::new(), Vec::new());
    let mut last: Option<(&ValueKey, usize)> = None;
    for entry in entries {
        let key = &entry.key;
        let known = sets.rows.len();
        let set = sets.number(&key.set);
        if set == known {
            let script = texts.number(&entry.recipe.script);
            write_set(&mut set_bytes, entry, script);
        }
        // A release files many values under one name.
        let name = match last.filter(|(last, _)| same_name(last, key)) {
            Some((_, name)) => name,
            None => names.number(&[
                texts.number(&key.kind),
                texts.number(&key.variable),
                columns.number(&key.column),
                texts.number(&key.policy),
            ]),
        };
        last = Some((key, name));
        varint(&mut value_bytes, set as u64);
        varint(&mut value_bytes, name as u64);
        value_bytes.extend(entry.at.micros().to_le_bytes());
        match entry.value {
            Stored::Number(x) => {
                value_bytes.push(0);
                value_bytes.extend(x.to_le_bytes());
            }
            Stored::Hidden(reason) => {
                let code = Reason::ALL.iter().position(|r| *r == reason).unwrap_or_default();
                value_bytes.extend([1, code as u8]);
            }
        }
    }
    let mut out = vec![VERSION];
    varint(&mut out, texts.rows.len() as u64);
    for text in &texts.rows {
        varint(&mut out, text.len() as u64);
        out.extend(text.as_bytes());
    }
    varint(&mut out, columns.rows.len() as u64);
    columns.rows.iter().for_each(|column| out.extend(column));
    varint(&mut out, names.rows.len() as u64);
    names.rows.iter().flatten().for_each(|at| varint(&mut out, *at as u64));
    varint(&mut out, sets.rows.len() as u64);
    out.extend(set_bytes);
    varint(&mut out, entries.len() as u64);
    out.extend(value_bytes);
    out
}

/// Whether two keys differ in their sets alone.
pub(crate) fn same_name(one: &ValueKey, other: &ValueKey) -> bool {
    let same = |a: &Arc<str>, b: &Arc<str>| Arc::ptr_eq(a, b) || a == b;
    same(&one.kind, &other.kind)
        && same(&one.variable, &other.variable)
        && one.column == other.column
        && same(&one.policy, &other.policy)
}

fn write_set(out: &mut Vec<u8>, entry: &LedgerEntry, script: usize) {
    out.extend(entry.key.set.0.to_le_bytes());
    varint(out, entry.persons);
    match entry.root {
        None => out.push(0),
        Some(root) if root == entry.key.set => out.push(1),
        Some(root) => {
            out.push(2);
            out.extend(root.0.to_le_bytes());
        }
    }
    let sketch = &entry.sketch.0;
    let widest = sketch.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    if widest < 128 {
        out.push(1);
        out.extend(sketch.iter().map(|s| *s as i8 as u8));
    } else if widest < 1 << 15 {
        out.push(2);
        sketch.iter().for_each(|s| out.extend((*s as i16).to_le_bytes()));
    } else {
        out.push(4);
        sketch.iter().for_each(|s| out.extend(s.to_le_bytes()));
    }
    varint(out, script as u64);
    varint(out, u64::from(entry.recipe.statement));
    varint(out, u64::from(entry.recipe.cell));
}

/// Reads a batch.
///
/// # Errors
/// [`LedgerError`] for anything that [`encode`] does not write.
pub(crate) fn decode(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), LedgerError> {
    let mut from = Reader(bytes);
    if from.byte()? != VERSION {
        return Err(LedgerError);
    }
    sink.batch();
    let texts = from.many(|from| {
        let length = from.size()?;
        std::str::from_utf8(from.take(length)?).map_err(|_| LedgerError)
    })?;
    let columns = from.many(|from| from.array::<32>())?;
    let text = |at: usize| texts.get(at).copied().ok_or(LedgerError);
    for _ in 0..from.size()? {
        let (kind, variable) = (text(from.size()?)?, text(from.size()?)?);
        let column = columns.get(from.size()?).ok_or(LedgerError)?;
        sink.name(kind, variable, column, text(from.size()?)?);
    }
    let mut recipe = Recipe::default();
    let sets = from.many(|from| {
        let fingerprint = Fingerprint(u128::from_le_bytes(from.array()?));
        let persons = from.varint()?;
        let root = match from.byte()? {
            0 => None,
            1 => Some(fingerprint),
            2 => Some(Fingerprint(u128::from_le_bytes(from.array()?))),
            _ => return Err(LedgerError),
        };
        let mut sketch = Sketch::default();
        match from.byte()? {
            1 => sketch.0 = from.array::<64>()?.map(|b| i32::from(b as i8)),
            2 => {
                let (halves, _) = from.take(128)?.as_chunks::<2>();
                sketch.0.iter_mut().zip(halves).for_each(|(s, b)| *s = i32::from(i16::from_le_bytes(*b)));
            }
            4 => {
                let (words, _) = from.take(256)?.as_chunks::<4>();
                sketch.0.iter_mut().zip(words).for_each(|(s, b)| *s = i32::from_le_bytes(*b));
            }
            _ => return Err(LedgerError),
        }
        let script = text(from.size()?)?;
        if *recipe.script != *script {
            recipe.script = script.into();
        }
        recipe.statement = from.short()?;
        recipe.cell = from.short()?;
        sink.set(&KnownSet { fingerprint, persons, sketch }, root, &recipe);
        Ok(fingerprint)
    })?;
    for _ in 0..from.size()? {
        let set = sets.get(from.size()?).ok_or(LedgerError)?;
        let name = from.size()?;
        from.take(8)?;
        let value = match from.byte()? {
            0 => Stored::Number(f64::from_le_bytes(from.array()?)),
            1 => Stored::Hidden(*Reason::ALL.get(usize::from(from.byte()?)).ok_or(LedgerError)?),
            _ => return Err(LedgerError),
        };
        sink.value(*set, name, value);
    }
    if from.0.is_empty() { Ok(()) } else { Err(LedgerError) }
}

/// Puts a batch behind others in a segment.
pub(crate) fn push(segment: &mut Vec<u8>, batch: &[u8]) {
    varint(segment, batch.len() as u64);
    segment.extend(batch);
}

/// The batches of a segment.
///
/// # Errors
/// [`LedgerError`] when it is not one.
pub(crate) fn batches(segment: &[u8]) -> Result<Vec<&[u8]>, LedgerError> {
    let (mut from, mut out) = (Reader(segment), Vec::new());
    while !from.0.is_empty() {
        let length = from.size()?;
        out.push(from.take(length)?);
    }
    Ok(out)
}

/// Things and their numbers, in the order in which they were met.
struct Table<T, H = RandomState> {
    rows: Vec<T>,
    numbers: HashMap<T, usize, H>,
}

impl<T, H: Default> Default for Table<T, H> {
    fn default() -> Self {
        Self { rows: Vec::new(), numbers: HashMap::default() }
    }
}

impl<T: Clone + Eq + Hash, H: BuildHasher> Table<T, H> {
    fn number(&mut self, thing: &T) -> usize {
        if let Some(at) = self.numbers.get(thing) {
            return *at;
        }
        self.rows.push(thing.clone());
        self.numbers.insert(thing.clone(), self.rows.len() - 1);
        self.rows.len() - 1
    }
}

fn varint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], LedgerError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(LedgerError)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LedgerError> {
        self.take(N)?.try_into().map_err(|_| LedgerError)
    }

    fn byte(&mut self) -> Result<u8, LedgerError> {
        Ok(self.array::<1>()?[0])
    }

    fn varint(&mut self) -> Result<u64, LedgerError> {
        let mut x = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            x |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(x);
            }
        }
        Err(LedgerError)
    }

    /// A number of bytes or things: never more than there are bytes left to hold them.
    fn size(&mut self) -> Result<usize, LedgerError> {
        usize::try_from(self.varint()?).map_err(|_| LedgerError)
    }

    fn short(&mut self) -> Result<u32, LedgerError> {
        u32::try_from(self.varint()?).map_err(|_| LedgerError)
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, LedgerError>) -> Result<Vec<T>, LedgerError> {
        (0..self.size()?).map(|_| one(self)).collect()
    }
}
