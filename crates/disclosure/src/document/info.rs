//! What is said from metadata alone: help, lists of variables and codes, text blocks, how codes were translated. It needs no
//! gate, because it holds texts, dates of code lists and nothing else: no raw value can become a text (SDC-001), and there
//! is no way from a released one to here.

use kernel::{Date, LangMap};
use serde::{Deserialize, Serialize};

/// A result made from metadata, or the text of a block.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Info {
    /// Markdown in the languages of the product.
    Text(LangMap),
    /// Markdown of the script itself (LANG-005).
    Block(String),
    /// A table of texts.
    Table {
        /// Ids of the columns.
        columns: Vec<String>,
        /// Rows, as long as `columns`.
        rows: Vec<Vec<LangMap>>,
    },
    /// What a command did to a dataset that has no population yet, or to its name.
    Dataset {
        /// Its name.
        dataset: String,
        /// What happened to it.
        done: Done,
    },
}

/// What happened to a dataset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Made, without units.
    Created,
    /// Removed.
    Deleted,
    /// Made as a copy of this one.
    CopyOf(String),
    /// Made with the units of this one.
    UnitsOf(String),
    /// It was called so before.
    RenamedFrom(String),
}

/// Something a receipt adds from metadata.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case", deny_unknown_fields)]
pub enum Note {
    /// Codes of a column were translated to the list of another date (LANG-321).
    Harmonised {
        /// The column.
        column: String,
        /// The date whose list is used now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Date>,
        /// How many codes of the list have changed between the dates.
        changed: u32,
        /// Codes that were split.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        splits: Vec<SplitCode>,
    },
}

/// A code that was split, and the choice made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitCode {
    /// The old code.
    pub from: String,
    /// The codes that took it over, largest recorded share first.
    pub heirs: Vec<String>,
    /// The one that stands for it now; none: missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
}
