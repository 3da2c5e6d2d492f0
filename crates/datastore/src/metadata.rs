//! Metadata of a dataset (`NAME.json`, section 2 of the specification): its shape is checked here, with every fault
//! named by its path, and read into types.

use engine::source::Temporality;
use kernel::{Date, LangMap, Language};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::report::{Finding, Rule, nearest};
use crate::units::{PUBLIC, UnitTypes};

/// Type of the values in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ValueType {
    /// Text.
    String,
    /// Whole number.
    Long,
    /// Decimal number.
    Double,
    /// ISO date.
    Date,
}

impl ValueType {
    /// The name in the format.
    pub const fn name(self) -> &'static str {
        match self {
            ValueType::String => "STRING",
            ValueType::Long => "LONG",
            ValueType::Double => "DOUBLE",
            ValueType::Date => "DATE",
        }
    }
}

/// One code of the list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Code {
    /// The code as text.
    pub code: String,
    /// Its title.
    pub title: LangMap,
    /// First day; absent for sentinel values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day, when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// What became of a code (DATA-066): one row of the change table beside a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CodeChange {
    /// First day of the new code.
    pub date: Date,
    /// The code that ended.
    pub from: String,
    /// The code that stands for it, or for a part of it.
    pub to: String,
    /// The part of what had the old code, when it was divided; the parts of a code sum to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// What the values mean.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Codes of a list.
    Codes {
        /// The list.
        list: Vec<Code>,
        /// Sentinel and missing values.
        sentinels: Vec<Code>,
        /// What became of codes, by date.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<CodeChange>,
    },
    /// Anything of the type.
    Described {
        /// What it is.
        description: LangMap,
        /// What it is measured in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<LangMap>,
    },
    /// Ids of units of this type.
    Units {
        /// The unit type.
        unit_type: String,
    },
}

/// The metadata of a dataset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// Relation to time.
    pub temporality: Temporality,
    /// Sensitivity as written, e.g. `PERSON_GENERAL`.
    pub sensitivity: String,
    /// The population.
    pub population: LangMap,
    /// The area covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spatial: Option<LangMap>,
    /// Subject fields.
    pub subjects: Vec<LangMap>,
    /// What is new in this revision.
    pub revision: LangMap,
    /// Unit type of the identifier.
    pub unit_type: String,
    /// Name of the measure.
    pub title: LangMap,
    /// Description of the measure.
    pub description: LangMap,
    /// Type of the values; LONG for ids of units, as in the public store.
    pub value_type: ValueType,
    /// What the values mean.
    pub domain: Domain,
    /// The measuring days of a STATUS dataset that carries values: a row then tells the first and the last of the days on
    /// which its value holds. Empty where a row is one measurement, as in the public format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_dates: Vec<Date>,
}

impl Metadata {
    /// Whether rows are spells of measuring days.
    pub fn carries(&self) -> bool {
        self.temporality == Temporality::Status && !self.status_dates.is_empty()
    }
}

const TEMPORALITIES: [&str; 4] = ["FIXED", "STATUS", "ACCUMULATED", "EVENT"];
const SENSITIVITIES: [&str; 4] = ["PERSON_GENERAL", "PERSON_SPECIAL", "PUBLIC", "NONPUBLIC"];
const VALUE_TYPES: [&str; 4] = ["STRING", "LONG", "DATE", "DOUBLE"];
const LANGUAGES: [&str; 4] = ["no", "nb", "nn", "en"];

/// Reads and checks the JSON of a dataset. `compat` knows the public unit types alone.
///
/// # Errors
/// Every fault of the shape; or, when the shape is right, every fault of the code list.
pub fn read_metadata(json: &[u8], types: &UnitTypes, compat: bool) -> Result<Metadata, Vec<Finding>> {
    let value: Value = match serde_json::from_slice(json) {
        Ok(value) => value,
        Err(e) => {
            let message = format!("the metadata is not JSON: line {}, column {}", e.line(), e.column());
            return Err(vec![Finding::new(Rule::Field, message, format!("Invalid JSON: {e}"))]);
        }
    };
    let mut reader = Reader { faults: Vec::new(), types, compat };
    let metadata = reader.root(&value);
    match metadata {
        Some(metadata) if reader.faults.is_empty() => {
            let faults = check_codes(&metadata, &value);
            if faults.is_empty() { Ok(metadata) } else { Err(faults) }
        }
        _ if reader.faults.is_empty() => {
            Err(vec![Finding::new(Rule::Field, "the metadata is not an object", "Input should be a valid dictionary")])
        }
        _ => Err(reader.faults),
    }
}

struct Reader<'a> {
    faults: Vec<Finding>,
    types: &'a UnitTypes,
    compat: bool,
}

/// Place of a field: the names on the way, without positions in lists, as the public tool writes it.
type Path<'p> = &'p [&'p str];

fn join(path: Path<'_>, key: &str) -> String {
    path.iter().copied().chain(std::iter::once(key)).filter(|k| !k.is_empty()).collect::<Vec<_>>().join("->")
}

impl Reader<'_> {
    fn fault(&mut self, rule: Rule, at: &str, ours: &str, theirs: &str) {
        self.faults.push(Finding::new(rule, format!("{at}: {ours}"), format!("{at}: {theirs}")));
    }

    fn field<'v>(&mut self, object: &'v Map<String, Value>, path: Path<'_>, key: &str) -> Option<&'v Value> {
        let found = object.get(key);
        if found.is_none() {
            self.fault(Rule::Field, &join(path, key), "missing", "Field required");
        }
        found
    }

    fn object<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.fault(Rule::Field, at, "an object is expected", "Input should be a valid dictionary");
        }
        object
    }

    fn list<'v>(&mut self, value: &'v Value, at: &str, least: usize) -> Option<&'v [Value]> {
        let Some(list) = value.as_array() else {
            self.fault(Rule::Field, at, "a list is expected", "Input should be a valid list");
            return None;
        };
        if list.len() < least {
            let theirs = format!("List should have at least {least} item after validation, not {}", list.len());
            self.fault(Rule::Field, at, "the list is empty", &theirs);
            return None;
        }
        Some(list)
    }

    fn known(&mut self, object: &Map<String, Value>, at: &str, keys: &[&str]) {
        for key in object.keys().filter(|k| !keys.contains(&k.as_str())) {
            let place = join(&[at], key);
            self.fault(Rule::Field, &place, "not a field of the format", "Extra inputs are not permitted");
        }
    }

    fn one_of<'v>(&mut self, value: &'v Value, at: &str, allowed: &[&str]) -> Option<&'v str> {
        let text = value.as_str();
        if let Some(text) = text.filter(|t| allowed.contains(t)) {
            return Some(text);
        }
        let shown = text.map_or_else(|| value.to_string(), str::to_owned);
        let near = nearest(&shown, allowed).map(|n| format!("; did you mean \"{n}\"?")).unwrap_or_default();
        let ours = format!("\"{shown}\" is not one of {}{near}", allowed.join(", "));
        let quoted: Vec<String> = allowed.iter().map(|a| format!("'{a}'")).collect();
        let theirs = match quoted.split_last() {
            Some((last, [])) => format!("Input should be {last}"),
            Some((last, rest)) => format!("Input should be {} or {last}", rest.join(", ")),
            None => String::new(),
        };
        self.fault(Rule::Enum, at, &ours, &theirs);
        None
    }

    fn unit_type<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v str> {
        let names = if self.compat { PUBLIC.to_vec() } else { self.types.names() };
        self.one_of(value, at, &names)
    }

    fn text<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v str> {
        match value.as_str() {
            Some("") => {
                self.fault(Rule::Field, at, "empty text", "String should have at least 1 character");
                None
            }
            Some(text) => Some(text),
            None => {
                self.fault(Rule::Field, at, "text is expected", "Input should be a valid string");
                None
            }
        }
    }

    /// A text in several languages; `no` and `nb` are both bokmål, `no` counts.
    fn multilingual(&mut self, value: &Value, at: &str) -> Option<LangMap> {
        let list = self.list(value, at, 1)?;
        let mut map = LangMap::default();
        for item in list {
            let object = self.object(item, at)?;
            let code = self
                .field(object, &[at], "languageCode")
                .and_then(|v| self.one_of(v, &join(&[at], "languageCode"), &LANGUAGES));
            let text = self.field(object, &[at], "value").and_then(|v| self.text(v, &join(&[at], "value")));
            self.known(object, at, &["languageCode", "value"]);
            let (code, text) = (code?, text?);
            match code {
                "no" => drop(map.0.insert(Language::Nb, text.to_owned())),
                "nb" => drop(map.0.entry(Language::Nb).or_insert_with(|| text.to_owned())),
                "nn" => drop(map.0.insert(Language::Nn, text.to_owned())),
                _ => drop(map.0.insert(Language::En, text.to_owned())),
            }
        }
        Some(map)
    }

    fn required_texts(&mut self, object: &Map<String, Value>, path: Path<'_>, key: &str) -> Option<LangMap> {
        let value = self.field(object, path, key)?;
        self.multilingual(value, &join(path, key))
    }

    fn root(&mut self, value: &Value) -> Option<Metadata> {
        let root = value.as_object()?;
        let temporality =
            self.field(root, &[], "temporalityType").and_then(|v| self.one_of(v, "temporalityType", &TEMPORALITIES));
        let sensitivity =
            self.field(root, &[], "sensitivityLevel").and_then(|v| self.one_of(v, "sensitivityLevel", &SENSITIVITIES));
        let population = self.required_texts(root, &[], "populationDescription");
        let spatial = match root.get("spatialCoverageDescription") {
            None | Some(Value::Null) => None,
            Some(v) => self.multilingual(v, "spatialCoverageDescription"),
        };
        let subjects = self.field(root, &[], "subjectFields").and_then(|v| {
            let list = self.list(v, "subjectFields", 1)?;
            list.iter().map(|s| self.multilingual(s, "subjectFields")).collect::<Option<Vec<_>>>()
        });
        let revision = self.field(root, &[], "dataRevision").and_then(|v| self.revision(v));
        let unit_type = self.field(root, &[], "identifierVariables").and_then(|v| self.identifier(v));
        let measure = self.field(root, &[], "measureVariables").and_then(|v| self.measure(v));
        let temporality = match temporality? {
            "FIXED" => Temporality::Fixed,
            "STATUS" => Temporality::Status,
            "ACCUMULATED" => Temporality::Accumulated,
            _ => Temporality::Event,
        };
        let (title, description, value_type, mut domain) = measure?;
        let status_dates = self.status_dates(root, temporality);
        if let Domain::Codes { changes, .. } = &mut domain {
            *changes = self.code_changes(root);
        }
        Some(Metadata {
            temporality,
            sensitivity: sensitivity?.to_owned(),
            population: population?,
            spatial,
            subjects: subjects?,
            revision: revision?,
            unit_type: unit_type?.to_owned(),
            title,
            description,
            value_type,
            domain,
            status_dates,
        })
    }

    /// `temporalStatusDates`, which the public format does not have: the days that values are carried over, ascending.
    fn status_dates(&mut self, root: &Map<String, Value>, temporality: Temporality) -> Vec<Date> {
        const AT: &str = "temporalStatusDates";
        let Some(value) = root.get(AT).filter(|v| !v.is_null() && !self.compat) else { return Vec::new() };
        let Some(list) = self.list(value, AT, 1) else { return Vec::new() };
        let dates: Option<Vec<Date>> = list.iter().map(|v| v.as_str()?.parse().ok()).collect();
        match dates {
            Some(dates) if temporality == Temporality::Status && dates.is_sorted_by(|a, b| a < b) => dates,
            _ => {
                self.fault(Rule::Field, AT, "dates in order are expected, in a STATUS dataset", "Value error");
                Vec::new()
            }
        }
    }

    /// `codeListChanges`, which the public format does not have (DATA-066).
    fn code_changes(&mut self, root: &Map<String, Value>) -> Vec<CodeChange> {
        const AT: &str = "codeListChanges";
        let Some(value) = root.get(AT).filter(|v| !v.is_null() && !self.compat) else { return Vec::new() };
        let Some(list) = self.list(value, AT, 0) else { return Vec::new() };
        let change = |v: &Value| {
            let text = |key: &str| v.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
            let share = match v.get("share") {
                None | Some(Value::Null) => None,
                Some(share) => Some(share.as_f64().filter(|s| *s > 0.0 && *s <= 1.0)?),
            };
            Some(CodeChange {
                date: text("date")?.parse().ok()?,
                from: text("fromCode")?.to_owned(),
                to: text("toCode")?.to_owned(),
                share,
            })
        };
        let read: Option<Vec<CodeChange>> = list.iter().map(change).collect();
        let Some(mut changes) = read else {
            self.fault(Rule::Field, AT, "each change has date, fromCode, toCode and maybe a share", "Value error");
            return Vec::new();
        };
        changes.sort_by(|a, b| (a.date, &a.from, &a.to).cmp(&(b.date, &b.from, &b.to)));
        for group in changes.chunk_by(|a, b| (a.date, &a.from) == (b.date, &b.from)) {
            let shares: Vec<f64> = group.iter().filter_map(|c| c.share).collect();
            let whole = shares.len() == group.len() && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-6;
            if !shares.is_empty() && !whole {
                let ours = format!("the shares of code {} on {} do not sum to 1", group[0].from, group[0].date);
                self.fault(Rule::Field, AT, &ours, "Value error");
                return Vec::new();
            }
        }
        changes
    }

    fn revision(&mut self, value: &Value) -> Option<LangMap> {
        const AT: &str = "dataRevision";
        let object = self.object(value, AT)?;
        let description = self.required_texts(object, &[AT], "description");
        if let Some(end) = object.get("temporalEnd").filter(|v| !v.is_null()) {
            let at = join(&[AT], "temporalEnd");
            let end = self.object(end, &at)?;
            self.required_texts(end, &[&at], "description");
            if let Some(successors) = end.get("successors").filter(|v| !v.is_null()) {
                let at = join(&[&at], "successors");
                for name in self.list(successors, &at, 1)? {
                    self.text(name, &at);
                }
            }
            self.known(end, &at, &["description", "successors"]);
        }
        self.known(object, AT, &["description", "temporalEnd"]);
        description
    }

    fn exactly_one<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v Map<String, Value>> {
        let list = self.list(value, at, 1)?;
        if list.len() > 1 {
            let theirs = format!("List should have at most 1 item after validation, not {}", list.len());
            self.fault(Rule::Field, at, "exactly one is expected", &theirs);
            return None;
        }
        self.object(&list[0], at)
    }

    fn identifier<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        const AT: &str = "identifierVariables";
        let object = self.exactly_one(value, AT)?;
        let unit = self.field(object, &[AT], "unitType").and_then(|v| self.unit_type(v, &join(&[AT], "unitType")));
        self.known(object, AT, &["unitType"]);
        unit
    }

    fn measure(&mut self, value: &Value) -> Option<(LangMap, LangMap, ValueType, Domain)> {
        const AT: &str = "measureVariables";
        let object = self.exactly_one(value, AT)?;
        let given = |key: &str| object.get(key).filter(|v| !v.is_null());
        if given("unitType").is_some() {
            for key in ["dataType", "valueDomain"] {
                if given(key).is_some() {
                    let ours = format!("unitType stands alone, remove {key}");
                    let theirs =
                        format!("Value error, Can not set a {key} in a measure variable together with a unitType");
                    let finding =
                        Finding::new(Rule::UnitMeasure, format!("measure: {ours}"), format!("{AT}: {theirs}"));
                    self.faults.push(finding);
                    return None;
                }
            }
        }
        let title = self.required_texts(object, &[AT], "name");
        let description = self.required_texts(object, &[AT], "description");
        if let Some(unit) = given("unitType") {
            let unit_type = self.unit_type(unit, &join(&[AT], "unitType"))?.to_owned();
            return Some((title?, description?, ValueType::Long, Domain::Units { unit_type }));
        }
        let value_type =
            self.field(object, &[AT], "dataType").and_then(|v| self.one_of(v, &join(&[AT], "dataType"), &VALUE_TYPES));
        let domain = self.field(object, &[AT], "valueDomain").and_then(|v| self.domain(v, &join(&[AT], "valueDomain")));
        let value_type = match value_type? {
            "STRING" => ValueType::String,
            "LONG" => ValueType::Long,
            "DOUBLE" => ValueType::Double,
            _ => ValueType::Date,
        };
        Some((title?, description?, value_type, domain?))
    }

    fn domain(&mut self, value: &Value, at: &str) -> Option<Domain> {
        let object = self.object(value, at)?;
        let given = |key: &str| object.get(key).filter(|v| !v.is_null());
        let wrong = |reader: &mut Self, theirs: &str| {
            let ours = "a value domain has either a code list or a description";
            reader.fault(Rule::Domain, at, ours, &format!("Value error, {theirs}"));
            None
        };
        match (given("codeList"), given("description")) {
            (Some(_), Some(_)) => wrong(self, "Can not add a description in a valuedomain with a codeList"),
            (None, None) => wrong(self, "A valuedomain must contain either a codeList or a description"),
            (None, Some(_)) if given("sentinelAndMissingValues").is_some() => {
                wrong(self, "Can not add sentinelAndMissingValues in a valuedomain without a codeList")
            }
            (None, Some(description)) => {
                let description = self.multilingual(description, &join(&[at], "description"));
                let unit = match given("measurementUnitDescription") {
                    Some(v) => self.multilingual(v, &join(&[at], "measurementUnitDescription")),
                    None => None,
                };
                self.known(
                    object,
                    at,
                    &["description", "measurementType", "measurementUnitDescription", "uriDefinition"],
                );
                Some(Domain::Described { description: description?, unit })
            }
            (Some(list), None) => {
                let place = join(&[at], "codeList");
                let list = self.list(list, &place, 1)?;
                let list: Option<Vec<Code>> = list.iter().map(|c| self.code(c, &place, true)).collect();
                let sentinels = match given("sentinelAndMissingValues") {
                    None => Some(Vec::new()),
                    Some(v) => {
                        let place = join(&[at], "sentinelAndMissingValues");
                        let values = self.list(v, &place, 0)?;
                        values.iter().map(|c| self.code(c, &place, false)).collect()
                    }
                };
                self.known(object, at, &["codeList", "sentinelAndMissingValues", "uriDefinition"]);
                Some(Domain::Codes { list: list?, sentinels: sentinels?, changes: Vec::new() })
            }
        }
    }

    fn code(&mut self, value: &Value, at: &str, dated: bool) -> Option<Code> {
        let object = self.object(value, at)?;
        let code = self.field(object, &[at], "code").and_then(|v| match v {
            Value::Number(n) if n.is_i64() => Some(n.to_string()),
            other => self.text(other, &join(&[at], "code")).map(str::to_owned),
        });
        let title = self.required_texts(object, &[at], "categoryTitle");
        let from = if dated {
            self.field(object, &[at], "validFrom").and_then(|v| self.date(v, &join(&[at], "validFrom")))
        } else {
            None
        };
        let until = match object.get("validUntil").filter(|v| dated && !v.is_null()) {
            Some(v) => self.date(v, &join(&[at], "validUntil")),
            None => None,
        };
        let keys: &[&str] =
            if dated { &["code", "categoryTitle", "validFrom", "validUntil"] } else { &["code", "categoryTitle"] };
        self.known(object, at, keys);
        if dated && from.is_none() {
            return None;
        }
        Some(Code { code: code?, title: title?, from, until })
    }

    fn date(&mut self, value: &Value, at: &str) -> Option<Date> {
        let date = value.as_str().and_then(|t| t.parse().ok());
        if date.is_none() {
            let theirs = "Input should be a valid date in the format YYYY-MM-DD";
            self.fault(Rule::Field, at, "a date YYYY-MM-DD is expected", theirs);
        }
        date
    }
}

/// DATA-011 and DATA-026, which need the shape to be right.
fn check_codes(metadata: &Metadata, json: &Value) -> Vec<Finding> {
    let Domain::Codes { list, .. } = &metadata.domain else { return Vec::new() };
    let raw = json.pointer("/measureVariables/0/valueDomain/codeList").and_then(Value::as_array);
    let raw = raw.map(Vec::as_slice).unwrap_or_default();
    let wanted = metadata.value_type;
    let type_of = |v: &Value| if v["code"].is_string() { "STRING" } else { "LONG" };
    let wrong: Vec<&Value> = raw.iter().filter(|c| type_of(c) != wanted.name()).collect();
    if let Some(first) = wrong.first() {
        let appears = type_of(first);
        let five: Vec<String> = wrong.iter().take(5).map(|c| python(&c["code"])).collect();
        let all: Vec<String> = wrong.iter().map(|c| python(&c["code"])).collect();
        let ours = format!(
            "code list: {} codes are {appears}, the measure is {}: {}",
            wrong.len(),
            wanted.name(),
            five.join(", ")
        );
        let theirs = format!(
            "Specified data type for measure ({}) does not match the data type within the codelist in the metadata json. \
             The codes appear to be of type {appears}. Codes with mismatching data type are: [{}]",
            wanted.name(),
            all.join(", ")
        );
        return vec![Finding::new(Rule::CodeType, ours, theirs)];
    }
    let mut twice: Vec<(usize, usize)> = Vec::new();
    for (i, a) in list.iter().enumerate() {
        let overlaps = |b: &Code| {
            let before = |x: Option<Date>, y: Option<Date>| matches!((x, y), (Some(x), Some(y)) if x < y);
            !before(a.until, b.from) && !before(b.until, a.from)
        };
        if let Some(j) = list[..i].iter().position(|b| b.code == a.code && overlaps(b)) {
            twice.push((j, i));
        }
    }
    if twice.is_empty() {
        return Vec::new();
    }
    let mut codes: Vec<String> = twice.iter().map(|(_, i)| python(&raw[*i]["code"])).collect();
    codes.dedup();
    let theirs = format!("Duplicate codes for same time period: [{}]", codes.join(", "));
    twice
        .iter()
        .enumerate()
        .map(|(n, (j, i))| {
            let (a, b) = (&list[*j], &list[*i]);
            let from = a.from.max(b.from).map_or_else(String::new, |d| d.to_string());
            let until = match (a.until, b.until) {
                (Some(x), Some(y)) => x.min(y).to_string(),
                (Some(x), None) | (None, Some(x)) => x.to_string(),
                (None, None) => String::new(),
            };
            let mut finding = Finding::new(
                Rule::CodeTwice,
                format!("code list: code {} is valid twice in {from}–{until}", a.code),
                &*theirs,
            );
            if n > 0 {
                finding.compat.clear(); // the public tool writes one line for all of them
            }
            finding
        })
        .collect()
}

/// A value as the public tool prints it.
fn python(value: &Value) -> String {
    match value {
        Value::String(s) if s.contains('\'') && !s.contains('"') => format!("\"{s}\""),
        Value::String(s) => format!("'{}'", s.replace('\\', "\\\\").replace('\'', "\\'")),
        other => other.to_string(),
    }
}
