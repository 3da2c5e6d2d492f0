//! A dataset of a run: rows, a mask over them, and named columns as long as the rows (ENG-020, ENG-021). Columns know where
//! they come from, their key (ENG-039), and what counts as missing in them.
//!
//! Rows are the units of a space themselves (row `i` is the unit with ordinal `i`), or rows of their own that know their
//! unit: spells of an event dataset, unit and occasion of a panel (one occasion after the other, ordinals ascending within
//! it). A dataset that was collapsed by values has [`Groups`] as its units.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Date, LangMap, Language};
use script::program::{Labels, Literal, Name};
use script::{DataType, UnitType, VariableInfo};

use arrow::buffer::ScalarBuffer;

use crate::data::{Data, Dictionary};
use crate::keys::RecordKeys;
use crate::mask::Mask;
use crate::raw::PersonSet;
use crate::source::{Values, space_of};
use crate::vector::Value;

/// A named column.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) data: Arc<Data>,
    pub(crate) data_type: DataType,
    pub(crate) labels: Option<Arc<Labels>>,
    /// Values that count as missing in statistics (LANG-036).
    pub(crate) flagged: Arc<Vec<Literal>>,
    pub(crate) title: Option<LangMap>,
    /// Datasets it is computed from, sorted (SDC-033).
    pub(crate) origin: Arc<Vec<String>>,
    /// Column key (ENG-039).
    pub(crate) key: [u8; 32],
    /// Has values outside the population (ENG-039).
    pub(crate) row_wise: bool,
    /// The register variable and the day, for an imported column that was not changed.
    pub(crate) import: Option<(Arc<VariableInfo>, Option<Date>)>,
    /// What it is but for a factor and a constant.
    pub(crate) core: Core,
    /// Its values belong to this run and count against its memory.
    pub(crate) made: bool,
}

/// What a column is but for a factor and a constant: `2 * x + 1` is the core of `x`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Core {
    /// A register variable, with this column key.
    Registered([u8; 32]),
    /// What a script makes, with this column key: nothing bounds what one person's value may tell (SDC-102).
    Derived([u8; 32]),
}

impl Core {
    pub(crate) fn key(&self) -> &[u8; 32] {
        match self {
            Core::Registered(key) | Core::Derived(key) => key,
        }
    }

    pub(crate) fn is_derived(self) -> bool {
        matches!(self, Core::Derived(_))
    }
}

impl Column {
    pub(crate) fn is_flagged(&self, value: &Value) -> bool {
        self.flagged.iter().any(|f| value.is(f))
    }

    /// Which rows hold a value that statistics count: present and not flagged missing (STAT-003, LANG-036).
    pub(crate) fn counted(&self, rows: std::ops::Range<usize>) -> Vec<bool> {
        let Data { dictionary, .. } = &*self.data;
        if self.flagged.is_empty() {
            return rows.map(|i| self.data.is_valid(i)).collect();
        }
        match dictionary.as_deref() {
            Some(dictionary) => {
                let good: Vec<bool> =
                    crate::expression::entries(dictionary).iter().map(|v| !self.is_flagged(v)).collect();
                let code = |i| self.data.code(i).and_then(|c| good.get(c as usize)).copied().unwrap_or(false);
                rows.map(|i| self.data.is_valid(i) && code(i)).collect()
            }
            None => {
                let v = self.data.read(rows);
                (0..v.len()).map(|i| v.valid[i] && !self.is_flagged(&v.get(i))).collect()
            }
        }
    }

    /// The labels by code, in `language`. A code outside the list of its day has the title of the nearest earlier
    /// period (DATA-071).
    pub(crate) fn label_texts(&self, language: Language) -> HashMap<String, String> {
        let mut texts = HashMap::new();
        if let Some((info, day)) = &self.import {
            let periods = info.code_list.iter().flat_map(|l| &l.periods);
            // Later periods first where they have begun, so that the nearest earlier one is met first.
            let (begun, ahead): (Vec<_>, Vec<_>) =
                periods.partition(|p| p.from.is_none_or(|f| day.is_none_or(|d| f <= d)));
            for entry in begun.into_iter().rev().chain(ahead).flat_map(|p| &p.codes) {
                texts.entry(entry.code.clone()).or_insert_with(|| entry.label.text(language).to_owned());
            }
        }
        for label in self.labels.iter().flat_map(|l| &l.entries) {
            texts.insert(label.code.to_string(), label.text.text(language).to_owned());
        }
        texts
    }
}

/// What a row of a dataset is (language.md section 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DatasetKind {
    /// No import yet; `clone-units` may have fixed the population.
    Empty,
    /// One row per unit.
    CrossSection,
    /// One row per spell.
    Event,
    /// One row per unit and occasion.
    Panel,
}

/// The row space of a dataset.
#[derive(Clone)]
pub(crate) enum Rows {
    /// Row `i` is the unit with ordinal `i` (the group with number `i`).
    Units,
    /// Rows of their own: the ordinal of the unit (the number of the group) of each row.
    Own(ScalarBuffer<u32>),
}

impl Rows {
    /// The unit of a row.
    #[inline]
    pub(crate) fn unit(&self, row: usize) -> u32 {
        match self {
            Rows::Units => row as u32,
            Rows::Own(units) => units[row],
        }
    }
}

/// The units of a dataset that was collapsed by values (LANG-088, LANG-310): one per combination of key values that
/// occurred, numbered in the order of the values.
///
/// Such a unit has no space of its own in the installation and no pointer to a person, so its record key is made from its
/// key values (ENG-038: a unit without pointer has the keys of its own space), under a secret that comes from the record
/// keys of the persons. Cells of a table over groups therefore count groups, and noise and floors are sized by their
/// number; keyed by the persons behind them a table of 356 municipalities would show a nation. The *population* is judged
/// by the persons behind the groups (SDC-140), which are kept here.
pub(crate) struct Groups {
    /// Key columns with the values they had, one row per group; they stay when the dataset's own columns are dropped.
    pub(crate) keys: Vec<(Name, Column)>,
    /// Record keys of the groups.
    pub(crate) records: Arc<RecordKeys>,
    /// Name of the unit space that [`Groups::members`] are ordinals of.
    pub(crate) space: String,
    /// Where the members of each group start; one longer than there are groups.
    pub(crate) starts: Vec<u32>,
    /// Units behind each group, each once per group.
    pub(crate) members: Vec<u32>,
}

impl Groups {
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The units behind a group.
    pub(crate) fn of(&self, group: usize) -> &[u32] {
        &self.members[self.starts[group] as usize..self.starts[group + 1] as usize]
    }

    /// The names of the keys, as the unit type of a collapsed dataset is told.
    pub(crate) fn unit_type(&self) -> String {
        self.keys.iter().map(|(n, _)| &**n).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn bytes(&self) -> usize {
        let keys: usize = self.keys.iter().map(|(_, c)| c.data.bytes()).sum();
        keys + self.records.len() * 24 + (self.starts.len() + self.members.len()) * 4
    }
}

/// A dataset.
#[derive(Clone)]
pub(crate) struct Dataset {
    pub(crate) name: Name,
    pub(crate) kind: DatasetKind,
    /// Set by the first import (LANG-072); none for [`Groups`] too.
    pub(crate) unit_type: Option<Arc<UnitType>>,
    /// The units of a dataset collapsed by values.
    pub(crate) groups: Option<Arc<Groups>>,
    pub(crate) rows: Rows,
    /// How rows of their own came to be: part of the key of columns that depend on them.
    pub(crate) rows_key: [u8; 32],
    /// The rows it holds.
    pub(crate) mask: Arc<Mask>,
    /// The persons (or units) behind `mask`, once they are known.
    pub(crate) set: Option<Arc<PersonSet>>,
    pub(crate) columns: Vec<(Name, Column)>,
}

impl Dataset {
    pub(crate) fn empty(name: &Name) -> Self {
        Self {
            name: Arc::clone(name),
            kind: DatasetKind::Empty,
            unit_type: None,
            groups: None,
            rows: Rows::Units,
            rows_key: [0; 32],
            mask: Arc::new(Mask::empty(0)),
            set: None,
            columns: Vec::new(),
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(n, _)| **n == *name).map(|(_, c)| c)
    }

    pub(crate) fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.columns.iter_mut().find(|(n, _)| **n == *name).map(|(_, c)| c)
    }

    /// A column of the dataset, or the unit key under its identifier name (LANG-070), or a key that it was collapsed by.
    pub(crate) fn find(&self, name: &str) -> Option<Column> {
        let of_groups = || {
            let (_, key) = self.groups.as_ref()?.keys.iter().find(|(n, _)| **n == *name)?;
            matches!(self.rows, Rows::Units).then(|| key.clone())
        };
        let identifier = |u: &&Arc<UnitType>| u.identifier == name;
        self.column(name)
            .cloned()
            .or_else(of_groups)
            .or_else(|| self.unit_type.as_ref().filter(identifier).map(|u| self.unit_key(u)))
    }

    /// The unit key as a column.
    pub(crate) fn unit_key(&self, unit_type: &Arc<UnitType>) -> Column {
        let values = match &self.rows {
            Rows::Units => (0..self.mask.len() as u32).collect::<Vec<u32>>().into(),
            Rows::Own(units) => units.clone(),
        };
        let data = Data::new(Values::Unit(values), None, None);
        Column { data: Arc::new(data), ..self.unit_key_head(unit_type) }
    }

    /// The same without its data: where every row is known to be the unit of its number, nobody has to write that down.
    pub(crate) fn unit_key_head(&self, unit_type: &Arc<UnitType>) -> Column {
        let row_wise = matches!(self.rows, Rows::Units);
        let key = unit_key_of(unit_type, if row_wise { &[0; 32] } else { &self.rows_key });
        Column {
            data: Arc::default(),
            data_type: DataType::Key(Arc::clone(unit_type)),
            labels: None,
            flagged: Arc::default(),
            title: None,
            origin: Arc::default(),
            key,
            row_wise,
            import: None,
            core: Core::Derived(key),
            made: true,
        }
    }

    pub(crate) fn put(&mut self, name: &Name, column: Column) {
        match self.columns.iter_mut().find(|(n, _)| n == name) {
            Some((_, slot)) => *slot = column,
            None => self.columns.push((Arc::clone(name), column)),
        }
    }

    /// Other rows from now on; whose they are has to be found anew.
    pub(crate) fn set_mask(&mut self, mask: Mask) {
        self.mask = Arc::new(mask);
        self.set = None;
    }

    /// The buffers that belong to the run: an address that tells one from another, and bytes. Copies of a dataset share
    /// them.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let made = self.columns.iter().filter(|(_, c)| c.made);
        let columns = made.map(|(_, c)| (Arc::as_ptr(&c.data).addr(), c.data.bytes()));
        let groups = self.groups.iter().map(|g| (Arc::as_ptr(g).addr(), g.bytes()));
        let rows = match &self.rows {
            Rows::Units => None,
            Rows::Own(units) => Some((units.as_ptr().addr(), units.len() * 4)),
        };
        columns.chain(groups).chain(rows).chain([(Arc::as_ptr(&self.mask).addr(), self.mask.bytes())])
    }
}

/// Bytes of buffers, each counted once.
pub(crate) fn distinct_bytes(buffers: impl Iterator<Item = (usize, usize)>) -> usize {
    let mut known: Vec<(usize, usize)> = buffers.collect();
    known.sort_unstable();
    known.dedup_by_key(|(address, _)| *address);
    known.iter().map(|(_, bytes)| bytes).sum()
}

/// Hashes the parts of a column key, each with its length (ENG-039).
pub(crate) fn column_key(operator: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(operator.as_bytes()).chain(parts.iter().copied()) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// The key of a unit key as a column, over rows with a key of their own (zero for the units themselves).
pub(crate) fn unit_key_of(unit_type: &UnitType, rows: &[u8; 32]) -> [u8; 32] {
    column_key("unit key", &[space_of(unit_type).as_bytes(), rows])
}

/// Values that are flagged missing by labels or by sentinel codes.
pub(crate) fn flagged(labels: Option<&Labels>, data: &Data, sentinel: &[bool]) -> Vec<Literal> {
    let mut flagged: Vec<Literal> =
        labels.iter().flat_map(|l| &l.entries).filter(|l| l.missing).map(|l| l.code.clone()).collect();
    for (i, _) in sentinel.iter().enumerate().filter(|(_, s)| **s) {
        let literal = match data.dictionary.as_deref() {
            Some(Dictionary::Text(v)) => v.get(i).map(|t| Literal::Text(Arc::clone(t))),
            Some(Dictionary::Integer(v)) => v.get(i).map(|n| Literal::Integer(*n)),
            None => None,
        };
        if let Some(literal) = literal.filter(|l| !flagged.contains(l)) {
            flagged.push(literal);
        }
    }
    flagged
}
