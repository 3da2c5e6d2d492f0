//! What receipts say about datasets (LANG-101, LANG-241): what they are about, and released counts before and after.

use serde::{Deserialize, Serialize};

use super::Value;

/// What a row of a dataset is about (language.md 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetKind {
    /// One row per unit.
    CrossSection,
    /// One row per spell.
    Event,
    /// One row per unit and occasion.
    Panel,
}

impl From<engine::raw::DatasetKind> for DatasetKind {
    fn from(kind: engine::raw::DatasetKind) -> Self {
        match kind {
            engine::raw::DatasetKind::CrossSection => DatasetKind::CrossSection,
            engine::raw::DatasetKind::Event => DatasetKind::Event,
            engine::raw::DatasetKind::Panel => DatasetKind::Panel,
        }
    }
}

/// The size of a population after a command that shapes it. Fields that documents of the first format lack are optional.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Population {
    /// Name of the dataset.
    pub dataset: String,
    /// What a row is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_kind: Option<DatasetKind>,
    /// Its unit type.
    pub unit_type: String,
    /// Persons, or units where no person stands behind them.
    pub persons: Value,
    /// Units, where a unit is not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Value>,
    /// What `persons` was before the command; none when the dataset had no population.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
}

/// What an edit touched.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// Name of the dataset.
    pub dataset: String,
    /// Columns made or changed.
    pub columns: Vec<String>,
    /// Units with a value that was set or changed.
    pub touched: Value,
    /// Units with a value that an edit under a condition left as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untouched: Option<Value>,
}

/// Values of groups of persons, which become a column and no result.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupValues {
    /// One per group that was asked for; none where a table would hide it.
    pub values: Vec<Option<f64>>,
}

/// Whether a statement fails for a cause in the data. It is told as a diagnostic and never stands in a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The diagnostic, e.g. `E305`.
    pub cause: &'static str,
    /// Whether it fails.
    pub found: bool,
}
