//! Imported columns shared by all runs (ENG-020, ENG-022): least recently used goes first, and nothing that a run still
//! holds is thrown away. Also what is fixed per column and dear to compute: the
//! limits of SDC-101, the persons who have a value, and those of each category.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::Date;

use crate::categories::Categories;
use crate::data::Data;
use crate::raw::PersonSet;
use crate::statistics::Limits;

/// Limits, and sets, kept before all are forgotten; they come back when they are needed.
const MOST_LIMITS: usize = 1 << 14;
/// Categories of all columns together whose sets are kept, before all are forgotten.
const MOST_CATEGORIES: usize = 1 << 16;

/// What a cached column is filed under.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ImportKey {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) digest: [u8; 32],
    pub(crate) what: Imported,
}

/// Which part of a variable a column is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Imported {
    /// The values at a day, indexed by ordinal; no day for fixed variables.
    At(Option<Date>),
    /// A part of the spells of a selection, which is named by its digest; a row per spell.
    Spells(SpellPart, [u8; 32]),
    /// How many rows of a selection each unit has.
    Counts([u8; 32]),
}

/// The parts of spells, each a column of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SpellPart {
    Value,
    Ordinal,
    Start,
    Stop,
}

struct Slot {
    data: Arc<Data>,
    bytes: usize,
    used: u64,
}

#[derive(Default)]
struct Inner {
    slots: HashMap<ImportKey, Slot>,
    limits: HashMap<[u8; 32], Limits>,
    sets: HashMap<[u8; 32], Arc<PersonSet>>,
    categories: HashMap<[u8; 32], Arc<Categories>>,
    clock: u64,
    usage: CacheUsage,
}

/// How the cache is doing, for operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheUsage {
    /// Bytes of all columns in it.
    pub bytes: usize,
    /// Columns in it.
    pub columns: usize,
    /// Imports that found their column.
    pub hits: u64,
    /// Imports that had to read it.
    pub misses: u64,
}

/// The cache of an installation; one for all runs.
pub struct ImportCache {
    budget: usize,
    inner: Mutex<Inner>,
}

impl ImportCache {
    /// A cache that keeps at most `budget` bytes of columns no run holds.
    pub fn new(budget: usize) -> Self {
        Self { budget, inner: Mutex::default() }
    }

    /// How full it is and how often it helped.
    pub fn usage(&self) -> CacheUsage {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        CacheUsage { columns: inner.slots.len(), ..inner.usage }
    }

    pub(crate) fn column<E>(&self, key: ImportKey, load: impl FnOnce() -> Result<Data, E>) -> Result<Arc<Data>, E> {
        {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let inner = &mut *inner;
            inner.clock += 1;
            if let Some(slot) = inner.slots.get_mut(&key) {
                slot.used = inner.clock;
                inner.usage.hits += 1;
                return Ok(Arc::clone(&slot.data));
            }
            inner.usage.misses += 1;
        }
        // Read without the lock: others go on meanwhile; two runs may read the same column, one copy stays.
        let data = Arc::new(load()?);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let (bytes, used) = (data.bytes(), inner.clock);
        if let Some(old) = inner.slots.insert(key, Slot { data: Arc::clone(&data), bytes, used }) {
            inner.usage.bytes -= old.bytes;
        }
        inner.usage.bytes += bytes;
        while inner.usage.bytes > self.budget {
            let idle = inner.slots.iter().filter(|(_, s)| Arc::strong_count(&s.data) == 1);
            let Some(oldest) = idle.min_by_key(|(_, s)| s.used).map(|(k, _)| k.clone()) else { break };
            if let Some(slot) = inner.slots.remove(&oldest) {
                inner.usage.bytes -= slot.bytes;
            }
        }
        Ok(data)
    }

    /// The persons who have a value of a column, which are the population when it is imported first.
    pub(crate) fn set<E>(
        &self,
        column: [u8; 32],
        compute: impl FnOnce() -> Result<PersonSet, E>,
    ) -> Result<Arc<PersonSet>, E> {
        let known = self.inner.lock().unwrap_or_else(PoisonError::into_inner).sets.get(&column).cloned();
        if let Some(set) = known {
            return Ok(set);
        }
        let set = Arc::new(compute()?);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.sets.len() >= MOST_LIMITS {
            inner.sets.clear();
        }
        inner.sets.insert(column, Arc::clone(&set));
        Ok(set)
    }

    /// The persons of each category of a column, where a table has found them.
    pub(crate) fn categories(&self, column: &[u8; 32]) -> Option<Arc<Categories>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).categories.get(column).cloned()
    }

    pub(crate) fn keep_categories(&self, column: [u8; 32], categories: Categories) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let held: usize = inner.categories.values().map(|c| c.len()).sum();
        if held + categories.len() > MOST_CATEGORIES {
            inner.categories.clear();
        }
        inner.categories.insert(column, Arc::new(categories));
    }

    pub(crate) fn limits<E>(&self, column: [u8; 32], compute: impl FnOnce() -> Result<Limits, E>) -> Result<Limits, E> {
        let known = self.inner.lock().unwrap_or_else(PoisonError::into_inner).limits.get(&column).copied();
        if let Some(limits) = known {
            return Ok(limits);
        }
        let limits = compute()?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.limits.len() >= MOST_LIMITS {
            inner.limits.clear();
        }
        inner.limits.insert(column, limits);
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Values;

    fn column(rows: usize) -> Result<Data, ()> {
        Ok(Data::new(Values::Int8(vec![0i8; rows].into()), None, None))
    }

    fn key(name: &str) -> ImportKey {
        ImportKey { store: "s".into(), name: name.into(), digest: [0; 32], what: Imported::At(None) }
    }

    /// ENG-022: a second import pays nothing; the least recently used goes; what a run holds stays.
    #[test]
    fn eng_022_budget_and_sharing() {
        let cache = ImportCache::new(250);
        let held = cache.column(key("A"), || column(100)).unwrap();
        cache.column(key("B"), || column(100)).unwrap();
        let again = cache.column(key("A"), || panic!("must not be read again")).unwrap_or_else(|(): ()| unreachable!());
        assert!(Arc::ptr_eq(&held, &again));
        cache.column(key("C"), || column(100)).unwrap();
        assert_eq!(cache.usage(), CacheUsage { bytes: 200, columns: 2, hits: 1, misses: 3 });
        cache.column(key("D"), || column(300)).unwrap();
        let usage = cache.usage();
        assert_eq!(
            (usage.bytes, usage.columns),
            (100 + 300, 2),
            "A is held, D was read last and is held by nobody yet"
        );
    }
}
