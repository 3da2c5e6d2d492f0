//! Calls that the data zone answers, apart from those about runs of scripts (`runs`).

use kernel::{Date, LangMap, Timestamp};
use serde::{Deserialize, Serialize};

use super::Call;
use crate::dsse::Envelope;
use crate::form::Base64;
use crate::ids::{DeliveryId, OrderId};

/// `metadata`: what the stores of the data zone hold.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Only this store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The etag of the last answer: when nothing has changed, the answer is empty and has the same etag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// The stores.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataAnswer {
    /// Changes when anything changes.
    pub etag: String,
    /// The stores; empty when the etag of the question is this one.
    pub stores: Vec<StoreMetadata>,
}

impl Call for Metadata {
    const KIND: &'static str = "metadata";
    type Answer = MetadataAnswer;
}

/// One store.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreMetadata {
    /// E.g. `no.fhi.npr`.
    pub store: String,
    /// Newest released version, e.g. `1.0.0.0`.
    pub version: String,
    /// When that was released.
    pub released_at: Timestamp,
    /// The source it belongs to, e.g. `npr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether it is marked synthetic.
    #[serde(default)]
    pub synthetic: bool,
    /// Its collections.
    #[serde(default)]
    pub collections: Vec<CollectionMetadata>,
    /// Its datasets.
    pub datasets: Vec<DatasetMetadata>,
}

/// A collection: datasets on units of one type.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionMetadata {
    /// E.g. `npr.somatikk`.
    pub id: String,
    /// Title.
    pub title: LangMap,
    /// Unit type of its datasets.
    pub unit_type: String,
    /// Dataset that leads from the unit to the person, `store/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_pointer: Option<String>,
    /// Dataset whose date says when a unit's row belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_variable: Option<String>,
    /// Names of its datasets.
    pub datasets: Vec<String>,
}

/// One dataset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetMetadata {
    /// E.g. `HOVEDTILSTAND1`.
    pub name: String,
    /// Version of the data of this dataset, counted by the store.
    pub version: i64,
    /// `FIXED`, `STATUS`, `ACCUMULATED`, `EVENT`.
    pub temporality: String,
    /// Unit type, e.g. `PERSON`.
    pub unit_type: String,
    /// Id type, e.g. `FNR`, when the unit's id is pseudonymised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_type: Option<String>,
    /// `STRING`, `LONG`, `DOUBLE`, `DATE`.
    pub data_type: String,
    /// Unit type of the values, when they are ids of units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_to: Option<String>,
    /// Title.
    pub title: LangMap,
    /// Description.
    #[serde(default)]
    pub description: LangMap,
    /// Subject fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<LangMap>,
    /// First day covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Measuring dates of a STATUS dataset, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_dates: Vec<Date>,
    /// Codes, when there is a code list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<CodeItem>,
    /// Codes that stand for missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What became of codes when the list changed, by date (DATA-066).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<CodeChangeItem>,
    /// What the values measure, when they are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_of_measure: Option<LangMap>,
}

/// One code of a code list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeItem {
    /// The code.
    pub code: String,
    /// Its label.
    pub label: LangMap,
    /// First day it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

/// What became of a code: the code that stands for it from a day on, or for a part of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeChangeItem {
    /// First day of the new code.
    pub date: Date,
    /// The code that ended.
    pub from: String,
    /// Its heir.
    pub to: String,
    /// The heir's part, when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// `extract`: carry out an extraction order. The answer comes when the order is taken; what follows is told by
/// `delivery/event`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// The signed order.
    pub order: Envelope,
    /// The signed permit.
    pub permit: Envelope,
    /// The signed linkage plan.
    pub plan: Envelope,
}

/// The order is taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractAnswer {
    /// The order.
    pub order_id: OrderId,
    /// The delivery that it starts; the same one when the order is sent again.
    pub delivery_id: DeliveryId,
    /// Its state.
    pub state: String,
}

impl Call for Extract {
    const KIND: &'static str = "extract";
    type Answer = ExtractAnswer;
}

/// `insight`: which sources hold anything about one citizen. The data zone learns her ordinal, not who she is; the
/// centre learns the answer, not the ordinal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insight {
    /// What `insight/token` gave, as it is.
    pub token: Base64,
}

/// One row per source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightAnswer {
    /// The sources.
    pub sources: Vec<InsightSource>,
    /// When it was looked up.
    pub as_of: Timestamp,
}

/// What one source holds; never values.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightSource {
    /// The source.
    pub source: String,
    /// The store.
    pub store: String,
    /// Whether there is anything.
    pub status: InsightStatus,
    /// Earliest date about the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Latest date about the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Collections in which there is something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
}

/// Whether there is anything (CIT-010).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsightStatus {
    /// There is.
    Found,
    /// There is not.
    None,
    /// The source does not answer.
    Unavailable,
    /// The source cannot tell persons apart.
    NotIdentifiable,
    /// Only by a request on paper.
    Manual,
}

impl Call for Insight {
    const KIND: &'static str = "insight";
    type Answer = InsightAnswer;
}
