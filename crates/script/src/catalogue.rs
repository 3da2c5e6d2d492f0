//! What the checker asks about stores and variables: metadata only, never a value (LANG-083, LANG-244).
//! What it is not: a catalogue of its own. `explore` answers from the catalogue, tests from a list of variables.

use std::sync::Arc;

use kernel::{Date, LangMap};
use serde::{Deserialize, Serialize};

use crate::program::DataType;

/// Name, id type and identifier name of the built-in unit types (`datastore.md` section 7).
const UNIT_TYPES: &[(&str, Option<&str>, &str)] = &[
    ("PERSON", Some("FNR"), "PERSONID_1"),
    ("FAMILIE", Some("FNR"), "FAMILIE_ID"),
    ("HUSHOLDNING", Some("FNR"), "HUSHOLDNING_ID"),
    ("SOESKEN", Some("FNR"), "SOESKEN_ID"),
    ("FORETAK", Some("ORGNR"), "FORETAK_ID"),
    ("VIRKSOMHET", Some("ORGNR"), "VIRKSOMHET_ID"),
    ("BEDRIFT", Some("ORGNR"), "BEDRIFT_ID"),
    ("JOBB", Some("JOBBID_1"), "JOBBID_1"),
    ("KJORETOY", Some("KJORETOY_ID"), "KJORETOY_ID"),
    ("KURS", Some("KURSID"), "KURSID_1"),
    ("MALEPUNKT", Some("MALEPUNKT_ID"), "MALEPUNKT_ID"),
    ("BRUKSENHET", Some("BRUKSENHETSNUMMER"), "BRUKSENHETID_1"),
    ("SOSTIL", Some("SOSTIL_ID"), "SOSTIL_ID"),
    ("TRAFIKKULYKKE", Some("TRAFIKKULYKKE_ID"), "TRAFIKKULYKKE_ID"),
    ("TRAFIKKULYKKE_PERSON", Some("TRAFIKKULYKKE_PERSON_ID"), "PERSON_TRAFIKKULYKKE_ID"),
    ("FENGSLINGER_TILGANG", Some("FENGSLINGER_TILGANG_ID"), "FENGSLINGER_TILGANG_ID"),
    ("HKDIR_STUDIESOKNAD", Some("HKDIR_STUDIESOKNAD_ID"), "HKDIR_STUDIESOKNADID"),
    ("HKDIR_HYU_OPPMELDING", Some("HKDIR_HYU_OPPMELDING_ID"), "HKDIR_HYU_OPPMELDING_ID"),
    ("NPR_EPISODE", Some("NPR_EPISODE_ID"), "NPR_EPISODEID"),
    ("NPR_SYKEHUSOPPHOLD", Some("NPR_SYKEHUSOPPHOLD_ID"), "NPR_SYKEHUSOPPHOLDID"),
    ("NPR_PROSEDYRE", Some("NPR_PROSEDYRE_ID"), "NPR_PROSEDYREID"),
    ("KRG_KREFTTILFELLE", Some("KRG_TILFELLEID"), "KRG_TILFELLEID"),
    ("BK_HELSESTASJONSKONSULTASJON", None, "BK_HELSESTASJONSKONSULTASJONS_ID"),
    ("KOMMUNE", None, "KOMMUNEID"),
];

/// A kind of unit (`datastore.md` section 7): PERSON, JOBB, NPR_EPISODE …
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct UnitType {
    /// Name: `PERSON`.
    pub name: String,
    /// Id type; unit types of one id type share one space of units (LANG-089): PERSON and FAMILIE are both `FNR`.
    pub id_type: Option<String>,
    /// Name of the key column in scripts: `PERSONID_1`.
    pub identifier: String,
}

impl UnitType {
    /// The built-in unit type of this name (DATA-080); none when an installation must say what it is.
    pub fn built_in(name: &str) -> Option<UnitType> {
        let (name, id_type, identifier) = UNIT_TYPES.iter().find(|(known, ..)| *known == name)?;
        Some(UnitType {
            name: (*name).to_owned(),
            id_type: id_type.map(str::to_owned),
            identifier: (*identifier).to_owned(),
        })
    }

    /// Whether this is the name of the key column of a built-in unit type.
    pub fn is_identifier(name: &str) -> bool {
        UNIT_TYPES.iter().any(|(.., identifier)| *identifier == name)
    }

    /// Whether units of both types live in one space: the same type, or the same id type (LANG-089).
    pub fn shares_space_with(&self, other: &UnitType) -> bool {
        self.name == other.name || (self.id_type.is_some() && self.id_type == other.id_type)
    }
}

/// How values of a variable relate to time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Temporality {
    /// One value for ever.
    Fixed,
    /// Measured on single days.
    Status,
    /// Gathered over periods.
    Accumulated,
    /// Spells with start and stop.
    Event,
}

/// One code of a code list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodeEntry {
    /// The code as text, also for numeric variables.
    pub code: String,
    /// Its label.
    pub label: LangMap,
    /// Whether the data product marks it as missing (LANG-036, LANG-081).
    #[serde(default)]
    pub missing: bool,
}

/// The codes that hold during one period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodePeriod {
    /// First day; none when it always held.
    pub from: Option<Date>,
    /// Last day; none while it holds.
    pub until: Option<Date>,
    /// Codes in the order of the list.
    pub codes: Vec<CodeEntry>,
}

/// A code that became another one on a date (DATA-066); a code that was split has one row per heir.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recoding {
    /// First day of the code after.
    pub date: Date,
    /// Code before.
    pub from: String,
    /// Code after.
    pub to: String,
    /// Share of the code before that the code after took over; the shares of a code sum to 1, or none is recorded.
    #[serde(default)]
    pub share: Option<f64>,
}

/// A code list with its periods of validity and its change tables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CodeList {
    /// Periods in order of time.
    pub periods: Vec<CodePeriod>,
    /// What codes became; empty when there is no change table.
    #[serde(default)]
    pub changes: Vec<Recoding>,
}

impl CodeList {
    /// The period that holds on the day (LANG-039); without a day, or outside all periods, the last one.
    pub fn on(&self, day: Option<Date>) -> Option<&CodePeriod> {
        let holds = |p: &&CodePeriod, d: Date| p.from.is_none_or(|f| f <= d) && p.until.is_none_or(|u| d <= u);
        day.and_then(|d| self.periods.iter().find(|p| holds(p, d))).or_else(|| self.periods.last())
    }
}

/// Everything the checker and the engine need to know about a register variable.
#[derive(Clone, PartialEq, Debug)]
pub struct VariableInfo {
    /// Store: `no.ssb.fdb`.
    pub store: String,
    /// Full version of the store: `38.0.0.0`.
    pub version: String,
    /// Name in the store: `INNTEKT_WLONN`.
    pub name: String,
    /// Title.
    pub title: LangMap,
    /// What it describes.
    pub description: LangMap,
    /// Unit type of the rows.
    pub unit_type: Arc<UnitType>,
    /// Relation to time.
    pub temporality: Temporality,
    /// Type of the values: a key for a pointer (LANG-087), else integer, decimal, text or date.
    pub data_type: DataType,
    /// First day of the coverage; none for fixed variables or when unknown.
    pub covered_from: Option<Date>,
    /// Last day of the coverage; none when it goes on.
    pub covered_until: Option<Date>,
    /// The days with measurements of a status variable, ascending (LANG-082); empty for others.
    pub status_dates: Vec<Date>,
    /// The code list, when there is one.
    pub code_list: Option<CodeList>,
}

/// The version that a script asks for (LANG-110).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum RequestedVersion {
    /// The store as it is being prepared.
    Draft,
    /// One to four parts; missing parts are zero.
    Numbered([u32; 4]),
}

impl RequestedVersion {
    /// Reads `38`, `38.0`, `38.0.0`, `38.0.0.0` or `DRAFT`.
    pub fn read(text: &str) -> Option<Self> {
        if text == "DRAFT" {
            return Some(Self::Draft);
        }
        let mut parts = [0; 4];
        for (i, part) in text.split('.').enumerate() {
            *parts.get_mut(i)? = part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()))?;
        }
        Some(Self::Numbered(parts))
    }
}

impl std::fmt::Display for RequestedVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Draft => f.write_str("DRAFT"),
            Self::Numbered([a, b, c, d]) => write!(f, "{a}.{b}.{c}.{d}"),
        }
    }
}

/// What is known about a store in a version (LANG-083).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreAnswer {
    /// The list of its variables is at hand; the full version as text.
    Known(String),
    /// The store is known and lacks this version; the versions there are.
    UnknownVersion(Vec<String>),
    /// No such store; the stores there are.
    UnknownStore(Vec<String>),
    /// Only another version's list is at hand (its full version as text), or none: checks go on with unknown types.
    NotAtHand(Option<String>),
}

/// Metadata lookup of the checker.
pub trait Catalogue {
    /// The store in the version asked for.
    fn store(&self, store: &str, version: &RequestedVersion) -> StoreAnswer;

    /// A variable of a store; `version` is the full version that [`Catalogue::store`] answered.
    fn variable(&self, store: &str, version: &str, name: &str) -> Option<Arc<VariableInfo>>;

    /// The names of all variables of a store, for suggestions and completion.
    fn variable_names(&self, store: &str, version: &str) -> Vec<String>;

    /// The names of all stores, for completion.
    fn store_names(&self) -> Vec<String>;
}

/// A catalogue with nothing at hand: grammar, bindings and names made in the script are still checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCatalogue;

impl Catalogue for NoCatalogue {
    fn store(&self, _: &str, _: &RequestedVersion) -> StoreAnswer {
        StoreAnswer::NotAtHand(None)
    }
    fn variable(&self, _: &str, _: &str, _: &str) -> Option<Arc<VariableInfo>> {
        None
    }
    fn variable_names(&self, _: &str, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn store_names(&self) -> Vec<String> {
        Vec::new()
    }
}
