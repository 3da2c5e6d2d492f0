//! A dataset of a run: a mask over its unit space and named columns in that space (ENG-020). Columns know where they come
//! from, their key (ENG-039), and what counts as missing in them.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Date, LangMap, Language};
use script::program::{Labels, Literal, Name};
use script::{DataType, UnitType, VariableInfo};

use crate::data::{Data, Dictionary};
use crate::mask::Mask;
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
    /// Its values belong to this run and count against its memory.
    pub(crate) made: bool,
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

/// A dataset.
#[derive(Clone)]
pub(crate) struct Dataset {
    pub(crate) name: Name,
    /// Set by the first import (LANG-072).
    pub(crate) unit_type: Option<Arc<UnitType>>,
    pub(crate) mask: Arc<Mask>,
    pub(crate) columns: Vec<(Name, Column)>,
}

impl Dataset {
    pub(crate) fn empty(name: &Name) -> Self {
        Self { name: Arc::clone(name), unit_type: None, mask: Arc::new(Mask::empty(0)), columns: Vec::new() }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(n, _)| **n == *name).map(|(_, c)| c)
    }

    pub(crate) fn put(&mut self, name: &Name, column: Column) {
        match self.columns.iter_mut().find(|(n, _)| n == name) {
            Some((_, slot)) => *slot = column,
            None => self.columns.push((Arc::clone(name), column)),
        }
    }
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
