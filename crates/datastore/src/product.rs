//! `product.json` beside the datasets of a store: which source they belong to, how they are collected into tables, how
//! ids are checked, whether the people exist.

use kernel::LangMap;
use protocol::calls::IdCheck;
use serde::{Deserialize, Serialize};

use crate::units::AddedUnitType;

/// What a holder says about a store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Name of the store, e.g. `no.fhi.npr`.
    pub store: String,
    /// What is new in this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_note: Option<String>,
    /// The source, e.g. `npr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether the people are synthetic.
    #[serde(default)]
    pub synthetic: bool,
    /// For a synthetic store alone: it stands in for a published store whose newest major version is this. Its first release
    /// gets that number, and what asks for an older one is answered with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in_for: Option<u32>,
    /// How ids are checked; `national` unless said otherwise (DATA-087).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_check: Option<IdCheck>,
    /// Collections.
    #[serde(default)]
    pub collections: Vec<Collection>,
    /// Unit types that the holder adds (DATA-080).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unit_types: Vec<AddedUnitType>,
}

/// Datasets on units of one type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// E.g. `npr.somatikk`.
    pub id: String,
    /// Title.
    pub title: LangMap,
    /// Unit type of its datasets.
    pub unit_type: String,
    /// Names of its datasets.
    pub datasets: Vec<String>,
    /// Dataset that leads from the unit to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_pointer: Option<String>,
    /// Dataset whose date says when a unit's row belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_variable: Option<String>,
}

impl Product {
    /// The newest major version of the store that this synthetic one stands in for.
    pub(crate) fn stands_in(&self) -> Option<u32> {
        self.stands_in_for.filter(|_| self.synthetic)
    }
}

/// Whether a text names a store: parts of lower-case letters, digits and `_`, joined by dots.
pub(crate) fn is_store_name(name: &str) -> bool {
    let part = |p: &str| {
        p.starts_with(|c: char| c.is_ascii_lowercase())
            && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    name.len() <= 64 && name.contains('.') && name.split('.').all(part)
}

/// Whether a text names a dataset (DATA-001).
pub(crate) fn is_dataset_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 200 && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(good)
}
