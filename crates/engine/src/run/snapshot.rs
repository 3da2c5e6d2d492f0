//! The state of a run between two statements, cheap to take and to put back (ENG-036, LANG-300, LANG-301).
//!
//! Datasets are shared, never copied: a snapshot is a map of names to reference counts, and a statement that changes a
//! dataset makes a new one that shares every column it left alone. Two forms, for two uses:
//!
//! - [`Snapshot`] is everything: [`Run::snapshot`] and [`Run::restore`] go back to a point of the script (LANG-300).
//! - [`DatasetState`] is one dataset: a statement reads and writes only some datasets, so a memo keeps what it wrote, under a
//!   key made of the states it read ([`Run::dataset_state`], [`Run::put_dataset`], [`Run::activate`]; LANG-301).
//!
//! A snapshot holds raw data and says nothing about it; it never leaves the process.

use std::collections::BTreeMap;

use script::program::Name;

use super::Run;
use crate::dataset::distinct_bytes;
use crate::unread::Held;

/// A dataset as it stood. Cloning it costs nothing.
#[derive(Clone)]
pub struct DatasetState(Held);

impl DatasetState {
    /// Address and bytes of the buffers that it keeps in memory: columns that the run made, masks, rows. Imported columns
    /// belong to the cache and are not among them. States share buffers, so a store of many states counts each address
    /// once.
    pub fn buffers(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.0.buffers()
    }

    /// Bytes that it keeps in memory.
    pub fn bytes(&self) -> usize {
        distinct_bytes(self.buffers())
    }

    /// Whether both are the same state of the same dataset, not merely equal.
    pub fn is(&self, other: &DatasetState) -> bool {
        self.0.is(&other.0)
    }
}

/// All datasets as they stood, and which one was active.
#[derive(Clone)]
pub struct Snapshot {
    datasets: BTreeMap<Name, Held>,
    active: Option<Name>,
    no_cache: bool,
}

impl Snapshot {
    /// As [`DatasetState::buffers`], of all datasets.
    pub fn buffers(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.datasets.values().flat_map(Held::buffers)
    }

    /// Bytes that it keeps in memory.
    pub fn bytes(&self) -> usize {
        distinct_bytes(self.buffers())
    }
}

impl Run {
    /// The state between two statements. What is proposed and not accepted is no part of it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { datasets: self.datasets.clone(), active: self.active.clone(), no_cache: self.no_cache }
    }

    /// Goes back (or on) to a state of a run over the same versions of the same source.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.datasets = snapshot.datasets.clone();
        self.active = snapshot.active.clone();
        self.no_cache = snapshot.no_cache;
        self.pending = None;
    }

    /// One dataset as it stands; none when there is none of this name.
    pub fn dataset_state(&self, name: &str) -> Option<DatasetState> {
        self.datasets.get(name).cloned().map(DatasetState)
    }

    /// Puts a dataset under `name` as it stood, or takes the one of that name away.
    pub fn put_dataset(&mut self, name: &Name, state: Option<DatasetState>) {
        self.pending = None;
        match state {
            None => {
                self.datasets.remove(name);
                self.active.take_if(|a| a == name);
            }
            Some(DatasetState(dataset)) => self.insert(dataset.renamed(name)),
        }
    }

    /// The active dataset.
    pub fn active_dataset(&self) -> Option<&Name> {
        self.active.as_ref()
    }

    /// Sets how many order statistics round a percentile the next statements give (SDC-121): as the policy says that
    /// counts for them.
    pub fn average_percentiles_over(&mut self, window: usize) {
        self.parameters.window = window;
    }

    /// Makes a dataset active, or none.
    pub fn activate(&mut self, name: Option<&Name>) {
        self.active = name.cloned();
    }
}
