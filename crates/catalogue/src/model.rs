//! What the catalogue describes: source, collection, variable, code (`catalogue.md` section 2). No I/O.

use std::collections::BTreeMap;

use kernel::{Date, LangMap};
use serde::{Deserialize, Serialize};

/// Kind of a source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Central health register.
    CentralRegistry,
    /// Medical quality register.
    MedicalQualityRegistry,
    /// Population-based survey.
    HealthSurvey,
    /// Official statistics.
    Statistics,
    /// Anything else.
    Other,
}

impl SourceKind {
    /// Name in interfaces and text keys.
    pub const fn slug(self) -> &'static str {
        match self {
            SourceKind::CentralRegistry => "central_registry",
            SourceKind::MedicalQualityRegistry => "medical_quality_registry",
            SourceKind::HealthSurvey => "health_survey",
            SourceKind::Statistics => "statistics",
            SourceKind::Other => "other",
        }
    }
}

/// A register, survey or other source of data.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Source {
    /// Slug, e.g. `npr`.
    pub id: String,
    /// Short name, e.g. `NPR`.
    pub abbrev: String,
    /// Name.
    pub name: LangMap,
    /// Kind.
    pub kind: SourceKind,
    /// Controller.
    pub holder: String,
    /// Who decides about access.
    pub decision_body: String,
    /// Law or regulation.
    pub legal_basis: String,
    /// Whether it builds on consent.
    pub consent_based: bool,
    /// EHDS category (Article 51), a code of four letters.
    pub ehds_category: String,
    /// First year with data, where known.
    pub from_year: Option<i16>,
    /// How often it is brought up to date, as the source says it.
    pub update_frequency: Option<String>,
    /// What the rows are about, as the source says it.
    pub units: Vec<String>,
    /// Its collections.
    pub collections: Vec<String>,
}

/// Tables of a source that belong together.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Collection {
    /// E.g. `npr.somatikk`.
    pub id: String,
    /// Source it belongs to.
    pub source: String,
    /// Title.
    pub title: LangMap,
    /// Unit type of its rows, where this installation holds it, e.g. `NPR_EPISODE`.
    pub unit_type: Option<String>,
    /// Dataset that leads from the unit to the person, `store/NAME`.
    pub person_pointer: Option<String>,
    /// Dataset whose date says when a row belongs, `store/NAME`.
    pub date_variable: Option<String>,
    /// Its variables.
    pub variables: Vec<String>,
}

/// Type of a variable's values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Decimal number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// Calendar date.
    Date,
    /// Date with time.
    Datetime,
    /// One code of a list.
    Code,
    /// Several codes of a list.
    CodeListMulti,
    /// Reference to a unit.
    Identifier,
}

impl DataType {
    /// Name in interfaces and text keys.
    pub const fn slug(self) -> &'static str {
        match self {
            DataType::String => "string",
            DataType::Integer => "integer",
            DataType::Decimal => "decimal",
            DataType::Boolean => "boolean",
            DataType::Date => "date",
            DataType::Datetime => "datetime",
            DataType::Code => "code",
            DataType::CodeListMulti => "code_list_multi",
            DataType::Identifier => "identifier",
        }
    }
}

/// How values belong to time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// One value for ever.
    Fixed,
    /// Value at measuring dates.
    Status,
    /// Value over a period.
    Accumulated,
    /// Value from a first to a last day.
    Event,
}

impl Temporality {
    /// Reads the name used in datasets: `FIXED`, `STATUS`, `ACCUMULATED`, `EVENT`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "FIXED" => Temporality::Fixed,
            "STATUS" => Temporality::Status,
            "ACCUMULATED" => Temporality::Accumulated,
            "EVENT" => Temporality::Event,
            _ => return None,
        })
    }

    /// Name in interfaces and text keys.
    pub const fn slug(self) -> &'static str {
        match self {
            Temporality::Fixed => "fixed",
            Temporality::Status => "status",
            Temporality::Accumulated => "accumulated",
            Temporality::Event => "event",
        }
    }
}

/// What part a variable plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Says something about the unit.
    Content,
    /// Leads to another unit; never in a cart.
    LinkageKey,
}

/// How carefully it is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// As any personal data.
    Normal,
    /// Health and social matters: the application says why it is needed.
    High,
}

/// A level of detail that can be delivered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// As registered.
    AsIs,
    /// Calendar year.
    Year,
    /// Quarter.
    Quarter,
    /// Month.
    Month,
    /// Day.
    Day,
    /// Bands of five years.
    #[serde(rename = "5_year_band")]
    FiveYearBand,
    /// Bands of ten years.
    #[serde(rename = "10_year_band")]
    TenYearBand,
}

impl Granularity {
    /// Name in forms, permits and orders.
    pub const fn slug(self) -> &'static str {
        match self {
            Granularity::AsIs => "as_is",
            Granularity::Year => "year",
            Granularity::Quarter => "quarter",
            Granularity::Month => "month",
            Granularity::Day => "day",
            Granularity::FiveYearBand => "5_year_band",
            Granularity::TenYearBand => "10_year_band",
        }
    }
}

/// One code of a code list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Code {
    /// The code.
    pub code: String,
    /// Its text.
    pub label: LangMap,
    /// First day it is valid, where known.
    pub from: Option<Date>,
    /// Last day it is valid.
    pub to: Option<Date>,
    /// Whether it stands for a missing value.
    pub missing: bool,
}

/// One described property.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Variable {
    /// E.g. `npr.somatikk.hovedtilstand`.
    pub id: String,
    /// Technical name, e.g. `hovedtilstand`.
    pub name: String,
    /// Source it belongs to.
    pub source: String,
    /// Collection it belongs to.
    pub collection: String,
    /// Label.
    pub label: LangMap,
    /// Description.
    pub description: LangMap,
    /// Type.
    pub data_type: DataType,
    /// Temporality, where this installation holds the variable.
    pub temporality: Option<Temporality>,
    /// Unit type, e.g. `PERSON`.
    pub unit_type: Option<String>,
    /// Dataset behind it, `store/NAME`; none when it is described only.
    pub dataset: Option<String>,
    /// Version of that dataset.
    pub dataset_version: Option<i64>,
    /// First day covered.
    pub from: Option<Date>,
    /// Last day covered.
    pub to: Option<Date>,
    /// Codes, when it has a list.
    pub codes: Vec<Code>,
    /// Name of the code list, or of an outside one.
    pub code_list: Option<String>,
    /// Levels of detail on offer, the coarsest first.
    pub granularities: Vec<Granularity>,
    /// Part it plays.
    pub role: Role,
    /// How carefully it is handled.
    pub sensitivity: Sensitivity,
    /// Whether the description still has to be confirmed by the source.
    pub to_be_verified: bool,
}

impl Variable {
    /// Whether it can be explored and applied for here.
    pub fn deliverable(&self) -> bool {
        self.dataset.is_some() && self.role == Role::Content
    }

    /// Store and name of the dataset behind it.
    pub fn dataset_parts(&self) -> Option<(&str, &str)> {
        self.dataset.as_deref()?.split_once('/')
    }
}

/// The whole catalogue at one moment.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Sources by id.
    pub sources: BTreeMap<String, Source>,
    /// Collections by id.
    pub collections: BTreeMap<String, Collection>,
    /// Variables by id.
    pub variables: BTreeMap<String, Variable>,
}

impl Model {
    /// The variable with this dataset (`store/NAME`) behind it.
    pub fn by_dataset(&self, dataset: &str) -> Option<&Variable> {
        self.variables.values().find(|v| v.dataset.as_deref() == Some(dataset))
    }
}
