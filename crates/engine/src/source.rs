//! Where variables come from: the trait [`VariableSource`], which `datastore` implements over mapped files, and the
//! columns that it hands out (ENG-010, ENG-011, ENG-050). The trait is the engine's; it does no I/O of its own.
//!
//! A column is indexed by the ordinal of its unit space; a column may be shorter than the space (units registered
//! after it was written have no value). All data is shared, never copied: buffers may lie in mapped files.

use std::sync::Arc;

use arrow::buffer::{NullBuffer, ScalarBuffer};
use kernel::Date;

pub use crate::keys::RecordKeys;
pub use crate::selection::{CodeSet, Days, Selection};
pub use script::{
    CodeEntry, CodeList, CodePeriod, DataType, Recoding, Temporality, UnitType, VariableInfo, status_dates,
};

/// Why a source gave nothing. Carries names and times, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No such store, or no such version of it (E205).
    #[error("store {store} has no version {version}")]
    UnknownVersion {
        /// Name of the store.
        store: String,
        /// The version asked for.
        version: String,
    },
    /// No such dataset in this version of the store (E205).
    #[error("{store} {version} has no variable {name}")]
    UnknownVariable {
        /// Name of the store.
        store: String,
        /// Resolved version.
        version: String,
        /// Name of the dataset.
        name: String,
    },
    /// The time does not fit the temporality or the coverage (E307).
    #[error("{name} has no values at this time")]
    Time {
        /// Name of the dataset.
        name: String,
    },
    /// The keys of the gate are not here, so no set can be identified (SDC-030).
    #[error("the keys of the disclosure gate are not available")]
    NoKeys,
    /// A file is missing, damaged, or cannot be read now.
    #[error("{what} cannot be read")]
    Unavailable {
        /// File or service.
        what: String,
    },
}

/// A resolved version of a store: `no.ssb.fdb` `38.0.0.0`, or a draft `0.0.0.<seconds>` (DATA-060).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StoreVersion {
    /// Name of the store.
    pub store: String,
    /// Version with four parts (DATA-060).
    pub version: String,
}

/// The codes that coded columns of a dataset version index into: every code of every period of its list, in list
/// order, each once, sentinels last; then codes met in the data that no period has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Codes {
    /// The codes as text; digits when the variable is of type integer.
    pub codes: Vec<String>,
    /// For each code, whether it is a sentinel: it arrives flagged missing (LANG-036, LANG-081).
    pub sentinel: Vec<bool>,
}

/// A variable of a store version: its metadata, and what the engine needs beside.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Metadata as the script checker sees it; labels of codes by period stand here.
    pub info: Arc<VariableInfo>,
    /// The codes behind [`Values::Code8`] and its wider sisters; none for columns without code list.
    pub codes: Option<Arc<Codes>>,
    /// Digest of the data file, part of the column key (ENG-039).
    pub digest: [u8; 32],
}

impl Variable {
    /// Name of the unit space: the id type (ENG-024), or the unit type itself where it has none.
    pub fn space(&self) -> &str {
        space_of(&self.info.unit_type)
    }
}

/// Name of the space that units of this type live in: `FNR` for PERSON, FAMILIE, HUSHOLDNING and SOESKEN (ENG-024).
pub fn space_of(unit_type: &UnitType) -> &str {
    unit_type.id_type.as_deref().unwrap_or(&unit_type.name)
}

/// Values of a column, typed and shared. Missing rows hold any value; see [`Column::validity`].
#[derive(Clone)]
pub enum Values {
    /// Indexes into the code list.
    Code8(ScalarBuffer<u8>),
    /// Indexes into the code list.
    Code16(ScalarBuffer<u16>),
    /// Indexes into the code list.
    Code32(ScalarBuffer<u32>),
    /// Whole numbers.
    Int8(ScalarBuffer<i8>),
    /// Whole numbers.
    Int16(ScalarBuffer<i16>),
    /// Whole numbers.
    Int32(ScalarBuffer<i32>),
    /// Whole numbers.
    Int64(ScalarBuffer<i64>),
    /// Decimal numbers.
    Float(ScalarBuffer<f64>),
    /// Days since 1970-01-01.
    Date(ScalarBuffer<i32>),
    /// Texts without code list: indexes into a dictionary.
    Text {
        /// Index per row.
        index: ScalarBuffer<u32>,
        /// Distinct texts.
        dictionary: Arc<Vec<String>>,
    },
    /// Ordinals of the unit space that the pointer leads to.
    Unit(ScalarBuffer<u32>),
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Code8(v) => v.len(),
            Values::Code16(v) => v.len(),
            Values::Code32(v) => v.len(),
            Values::Int8(v) => v.len(),
            Values::Int16(v) => v.len(),
            Values::Int32(v) => v.len(),
            Values::Int64(v) => v.len(),
            Values::Float(v) => v.len(),
            Values::Date(v) => v.len(),
            Values::Text { index, .. } => index.len(),
            Values::Unit(v) => v.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Place in the code list of a row; none where values are no codes.
    #[inline]
    pub fn place(&self, row: usize) -> Option<u32> {
        match self {
            Values::Code8(v) => Some(u32::from(v[row])),
            Values::Code16(v) => Some(u32::from(v[row])),
            Values::Code32(v) => Some(v[row]),
            _ => None,
        }
    }

    /// The values of these rows.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        macro_rules! each {
            ($($variant:ident),*) => {
                match self {
                    $(Values::$variant(v) => Values::$variant(rows.iter().map(|row| v[*row]).collect()),)*
                    Values::Text { index, dictionary } => {
                        let index = rows.iter().map(|row| index[*row]).collect();
                        Values::Text { index, dictionary: Arc::clone(dictionary) }
                    }
                }
            };
        }
        each!(Code8, Code16, Code32, Int8, Int16, Int32, Int64, Float, Date, Unit)
    }
}

/// A column over a unit space at one time: row `i` is the unit with ordinal `i`.
#[derive(Clone)]
pub struct Column {
    /// The values.
    pub values: Values,
    /// Which rows hold a value; none when all do. As long as `values`.
    pub validity: Option<NullBuffer>,
}

impl Column {
    /// Number of rows; may be less than the size of the unit space.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether row `i` holds a value.
    pub fn is_valid(&self, i: usize) -> bool {
        i < self.len() && self.validity.as_ref().is_none_or(|v| v.is_valid(i))
    }

    /// Bytes held, as counted against the import cache (ENG-022).
    pub fn bytes(&self) -> usize {
        let width = match &self.values {
            Values::Code8(_) | Values::Int8(_) => 1,
            Values::Code16(_) | Values::Int16(_) => 2,
            Values::Code32(_) | Values::Int32(_) | Values::Date(_) | Values::Text { .. } | Values::Unit(_) => 4,
            Values::Int64(_) | Values::Float(_) => 8,
        };
        let texts = match &self.values {
            Values::Text { dictionary, .. } => dictionary.iter().map(|t| t.len() + 24).sum(),
            _ => 0,
        };
        self.len() * width + self.validity.as_ref().map_or(0, |v| v.len() / 8) + texts
    }
}

/// Rows of a variable whose validity meets an interval (LANG-079): original start and stop, sorted by ordinal, start.
#[derive(Clone)]
pub struct Spells {
    /// Ordinal of the unit, per row.
    pub ordinals: ScalarBuffer<u32>,
    /// First day, days since 1970-01-01; `i32::MIN` where the temporality has none (FIXED).
    pub starts: ScalarBuffer<i32>,
    /// Last day; `i32::MAX` while it is ongoing.
    pub stops: ScalarBuffer<i32>,
    /// The value, per row; every row holds one.
    pub values: Values,
}

impl Spells {
    /// Keeps the rows that are in a selection.
    pub fn retain(&mut self, selection: &Selection) {
        let rows: Vec<usize> = (0..self.ordinals.len())
            .filter(|row| selection.contains(self.starts[*row], self.stops[*row], self.values.place(*row)))
            .collect();
        if rows.len() == self.ordinals.len() {
            return;
        }
        self.ordinals = rows.iter().map(|row| self.ordinals[*row]).collect();
        self.starts = rows.iter().map(|row| self.starts[*row]).collect();
        self.stops = rows.iter().map(|row| self.stops[*row]).collect();
        self.values = self.values.take(&rows);
    }

    /// How many rows each unit has, up to the last unit that has any.
    pub fn counts(&self) -> Column {
        let mut counts = vec![0i32; self.ordinals.iter().max().map_or(0, |last| *last as usize + 1)];
        self.ordinals.iter().for_each(|unit| counts[*unit as usize] += 1);
        Column { values: Values::Int32(counts.into()), validity: None }
    }
}

/// The pointer from the units of a space to the persons behind them: ordinal of the person per unit.
#[derive(Clone)]
pub struct PersonPointer {
    /// Ordinal in the person space, per ordinal of the unit; [`PersonPointer::NOBODY`] where it is not known.
    pub persons: ScalarBuffer<u32>,
}

impl PersonPointer {
    /// No person is known for this unit.
    pub const NOBODY: u32 = u32::MAX;
}

/// Local folders, or a register node, seen as columns by ordinal.
///
/// An implementation answers from metadata held in memory wherever no column is asked for, and hands out shared buffers.
pub trait VariableSource: Send + Sync {
    /// Names of the stores.
    fn stores(&self) -> Vec<String>;

    /// Readable versions of a store, oldest first, drafts last; empty for an unknown store.
    fn versions(&self, store: &str) -> Vec<String>;

    /// Digest of the whole version: Merkle root of its files (DATA-094).
    ///
    /// # Errors
    /// [`SourceError::UnknownVersion`].
    fn version_digest(&self, at: &StoreVersion) -> Result<[u8; 32], SourceError>;

    /// Whether the store is marked synthetic (SDC-030).
    fn is_synthetic(&self, store: &str) -> bool;

    /// What is known about one variable.
    ///
    /// # Errors
    /// [`SourceError::UnknownVersion`], [`SourceError::UnknownVariable`].
    fn describe(&self, at: &StoreVersion, name: &str) -> Result<Arc<Variable>, SourceError>;

    /// Names of all variables of the version, sorted.
    ///
    /// # Errors
    /// [`SourceError::UnknownVersion`].
    fn list(&self, at: &StoreVersion) -> Result<Vec<String>, SourceError>;

    /// Units of a space: ordinals are 0 to this number less one. Spaces are named by [`space_of`].
    fn space_size(&self, space: &str) -> u32;

    /// The column at a time: a status date, any day of an accumulated period, a day for spells; no time for FIXED.
    ///
    /// # Errors
    /// [`SourceError::Time`] when there is none at that time, [`SourceError::Unavailable`] when a file is damaged.
    fn column(&self, at: &StoreVersion, name: &str, time: Option<Date>) -> Result<Column, SourceError>;

    /// All rows whose validity meets `[from, to]`; all rows of a FIXED variable.
    ///
    /// # Errors
    /// As [`VariableSource::column`].
    fn spells(&self, at: &StoreVersion, name: &str, from: Date, to: Date) -> Result<Spells, SourceError>;

    /// The rows of an EVENT variable that are in a selection. A source that keeps its rows by code too reads only the codes
    /// asked for (ENG-010).
    ///
    /// # Errors
    /// As [`VariableSource::column`].
    fn events(&self, at: &StoreVersion, name: &str, selection: &Selection) -> Result<Spells, SourceError> {
        let (from, to) = (Date::from_days(selection.stops().first), Date::from_days(selection.starts().last));
        let mut spells = self.spells(at, name, from, to)?;
        spells.retain(selection);
        Ok(spells)
    }

    /// How many rows of a selection each unit has: whole numbers by ordinal, all valid. Units beyond the column have none.
    ///
    /// # Errors
    /// As [`VariableSource::column`].
    fn event_counts(&self, at: &StoreVersion, name: &str, selection: &Selection) -> Result<Column, SourceError> {
        Ok(self.events(at, name, selection)?.counts())
    }

    /// The space of the persons, whose keys identify sets.
    fn person_space(&self) -> &str {
        "FNR"
    }

    /// The pointer from the units of `space` to persons; none when no person stands behind them.
    ///
    /// # Errors
    /// [`SourceError::Unavailable`] when a file is damaged.
    fn person_pointer(&self, space: &str) -> Result<Option<PersonPointer>, SourceError>;

    /// Record keys and sketch bits of the units of a space (SDC-031), held in memory only.
    ///
    /// # Errors
    /// [`SourceError::NoKeys`] before the gate's keys have come.
    fn record_keys(&self, space: &str) -> Result<Arc<RecordKeys>, SourceError>;
}
