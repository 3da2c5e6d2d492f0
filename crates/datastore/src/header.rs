//! What stands beside the columns of a dataset (ENG-010): layout, types, periods, row counts, and length and BLAKE3 of
//! every file. The header is kept in the database too, so that metadata is answered without opening a file (DATA-093).

use std::collections::BTreeMap;

use kernel::Date;
use serde::{Deserialize, Serialize};

use crate::metadata::Metadata;

/// A file of a dataset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Length.
    pub bytes: u64,
    /// BLAKE3, 64 hex digits.
    pub blake3: String,
}

/// How the values are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// Places in the code list.
    Code,
    /// Whole numbers.
    Int,
    /// Decimal numbers.
    Float,
    /// Days since 1970-01-01.
    Date,
    /// Indexes into `dictionary.arrow`.
    Text,
    /// Ordinals of units.
    Unit,
}

/// One file of values.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the file.
    pub file: String,
    /// First day of the period, or the measuring date; absent for FIXED and spells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day of the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Layout.
    pub layout: Layout,
    /// Rows that hold a value.
    pub rows: u64,
    /// Highest ordinal plus one.
    pub length: u32,
}

/// Layout of a file of values (ENG-011).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One value per ordinal, with a validity bitmap.
    Dense,
    /// Pairs of ordinal and value, by ordinal: where less than one in eight has a value.
    Sparse,
    /// Ordinal, start, stop, value, by ordinal and start.
    Spells,
}

/// The header of a dataset's files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of this form.
    pub format: u32,
    /// How values are stored.
    pub stored: Stored,
    /// Files of values.
    pub parts: Vec<Part>,
    /// Measuring dates of a STATUS dataset, sorted (DATA-012).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<Date>,
    /// Rows in all.
    pub rows: u64,
    /// Highest ordinal of a unit plus one.
    pub length: u32,
    /// Highest ordinal among the values plus one, when they are units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<u32>,
    /// Least date in the data (DATA-012).
    pub from: Option<Date>,
    /// Greatest date in the data.
    pub to: Option<Date>,
    /// Every file but this header.
    pub files: BTreeMap<String, FileEntry>,
}

/// The dictionary of texts.
pub(crate) const DICTIONARY: &str = "dictionary.arrow";
/// The long-term form.
pub(crate) const LONG_TERM: &str = "long.parquet";
/// Metadata.
pub(crate) const META: &str = "meta.json";
/// This header.
pub(crate) const HEADER: &str = "header.json";
/// Present form. Since 2 events with codes stand by code too; what was written before is read as it is.
pub(crate) const FORMAT: u32 = 2;

impl Header {
    /// The digest that names the dataset's folder: over the names, lengths and digests of its files.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"hap dataset 1");
        for (name, entry) in &self.files {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&entry.bytes.to_le_bytes());
            hasher.update(entry.blake3.as_bytes());
        }
        hasher.finalize().into()
    }
}

/// One data version of a dataset, as the database knows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRecord {
    /// Name.
    pub name: String,
    /// Digest of its files, 64 hex digits: name of its folder.
    pub digest: String,
    /// Version of the data of this dataset, counted from 1.
    pub data_version: i64,
    /// Digest of the input's metadata file.
    pub input_metadata: String,
    /// Digest of the input's data file.
    pub input_data: String,
    /// Metadata.
    pub metadata: Metadata,
    /// Header of the files.
    pub header: Header,
}
