//! A store of rows that stand by ordinal already: written to the same files as ingested ones, read without a database. For
//! registers that a program makes, and for measuring what reads them. Nothing is validated and no id is looked up, so the
//! data of a register never come in this way; the store is marked synthetic.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kernel::Timestamp;
use protocol::calls::IdCheck;
use serde::{Deserialize, Serialize};

use crate::columns::{Columns, State};
use crate::error::DatastoreError;
use crate::folder;
use crate::header::{DatasetRecord, FORMAT};
use crate::metadata::Metadata;
use crate::prepared::{Prepared, Typed};
use crate::sql::{Content, Everything, StoreRow, VersionRow};
use crate::units::PERSON_IDS;

/// What is kept beside the files of a store.
const STORE: &str = "store.json";

/// Values of rows.
#[derive(Clone, PartialEq, Debug)]
pub enum RowValues {
    /// Places in the code list of the metadata, sentinels after the codes.
    Code(Vec<u32>),
    /// Whole numbers.
    Int(Vec<i64>),
    /// Days since 1970-01-01.
    Date(Vec<i32>),
}

/// Rows by ordinal; within a unit by first day.
#[derive(Clone, PartialEq, Debug)]
pub struct Rows {
    /// Ordinal of the unit.
    pub ordinals: Vec<u32>,
    /// First day; empty for FIXED.
    pub starts: Vec<i32>,
    /// Last day, `i32::MAX` while ongoing; empty for FIXED.
    pub stops: Vec<i32>,
    /// Values.
    pub values: RowValues,
}

/// A store that is being put together in a folder of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Assembly {
    #[serde(skip)]
    root: PathBuf,
    store: String,
    persons: u32,
    datasets: Vec<DatasetRecord>,
}

impl Assembly {
    /// A store of this name with so many persons.
    pub fn new(root: &Path, store: &str, persons: u32) -> Self {
        Self { root: root.to_owned(), store: store.to_owned(), persons, datasets: Vec::new() }
    }

    /// Writes a dataset.
    ///
    /// # Errors
    /// [`DatastoreError::Io`].
    pub fn write(&mut self, name: &str, metadata: Metadata, rows: Rows) -> Result<(), DatastoreError> {
        let n = rows.ordinals.len();
        let or = |days: Vec<i32>, none: i32| if days.is_empty() { vec![none; n] } else { days };
        let codes = crate::check::CodeIndex::of(&metadata.domain).map_or(0, |index| index.codes.len());
        let prepared = Prepared {
            ordinals: rows.ordinals,
            starts: or(rows.starts, i32::MIN),
            stops: or(rows.stops, i32::MAX),
            values: match rows.values {
                RowValues::Code(places) => Typed::Code(places, codes),
                RowValues::Int(numbers) => Typed::Int(numbers),
                RowValues::Date(days) => Typed::Date(days),
            },
            dropped: 0,
            merged: 0,
        };
        let header = folder::write(&self.root, &self.root.join("work").join(name), &metadata, &prepared)?;
        self.datasets.push(DatasetRecord {
            name: name.to_owned(),
            digest: hex::encode(header.digest()),
            data_version: 1,
            input_metadata: String::new(),
            input_data: String::new(),
            metadata,
            header,
        });
        Ok(())
    }

    /// Keeps what there is, so that the store can be opened.
    ///
    /// # Errors
    /// [`DatastoreError::Io`].
    pub fn finish(&self) -> Result<(), DatastoreError> {
        let path = self.root.join(STORE);
        let text = serde_json::to_vec(self).map_err(|_| DatastoreError::Damaged(STORE.to_owned()))?;
        fs::write(&path, text).map_err(DatastoreError::io(&path))
    }

    /// Opens a store that was finished.
    ///
    /// # Errors
    /// [`DatastoreError::Io`] when there is none; [`DatastoreError::Damaged`], also when it was put together in an older form:
    /// what a program makes it can make again.
    pub fn open(root: &Path) -> Result<Columns, DatastoreError> {
        let path = root.join(STORE);
        let text = fs::read(&path).map_err(DatastoreError::io(&path))?;
        let damaged = |_| DatastoreError::Damaged(STORE.to_owned());
        let assembly: Self = serde_json::from_slice(&text).map_err(damaged)?;
        if assembly.datasets.iter().any(|d| d.header.format != FORMAT) {
            return Err(DatastoreError::Damaged(STORE.to_owned()));
        }
        let content = |d: &DatasetRecord| (d.name.clone(), Content { digest: d.digest.clone(), operation: None });
        let content: BTreeMap<_, _> = assembly.datasets.iter().map(content).collect();
        let digest = blake3::hash(content.values().map(|c| c.digest.as_str()).collect::<String>().as_bytes());
        let everything = Everything {
            stores: vec![StoreRow { name: assembly.store.clone(), check: IdCheck::National, synthetic: true }],
            versions: vec![VersionRow {
                store: assembly.store.clone(),
                seq: 1,
                version: "1.0.0.0".to_owned(),
                digest: digest.to_hex().to_string(),
                released_at: Timestamp::from_micros(0),
                product: None,
                content,
            }],
            spaces: [(PERSON_IDS.to_owned(), assembly.persons)].into(),
            datasets: assembly
                .datasets
                .into_iter()
                .map(|d| ((assembly.store.clone(), d.name.clone(), d.digest.clone()), d))
                .collect(),
        };
        Ok(Columns::new(State::of(everything, root)?))
    }
}
