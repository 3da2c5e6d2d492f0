//! A reference case as it stands in its file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A file of cases.
#[derive(Deserialize)]
struct Cases {
    format: String,
    cases: Vec<Case>,
}

/// A case.
#[derive(Deserialize)]
pub struct Case {
    pub id: String,
    pub scope: String,
    pub data: String,
    pub weights: Option<String>,
    #[serde(default)]
    pub filter: Vec<Filter>,
    #[serde(default)]
    pub derive: Vec<Derive>,
    /// The command with its variables and options, see `README.md` of the cases.
    pub analysis: Map<String, Value>,
    #[serde(default)]
    pub expected: BTreeMap<String, f64>,
    /// The problem that is told in place of numbers, with the name that it is about in brackets.
    pub error: Option<String>,
    #[serde(default)]
    pub rtol: f64,
    #[serde(default)]
    pub atol: f64,
    pub tolerances: Option<BTreeMap<String, Tolerance>>,
}

/// A condition on rows.
#[derive(Deserialize)]
pub struct Filter {
    pub var: String,
    pub op: String,
    pub value: Value,
}

/// A new column.
#[derive(Deserialize)]
pub struct Derive {
    pub name: String,
    #[serde(rename = "fn")]
    pub function: String,
    pub args: Vec<Value>,
}

/// Another tolerance for some names.
#[derive(Deserialize)]
pub struct Tolerance {
    rtol: Option<f64>,
    atol: Option<f64>,
}

/// The cases of a file.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let cases: Cases = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match cases.format.as_str() {
        "hap-stat-cases/1" => Ok(cases.cases),
        other => Err(format!("unknown format {other}")),
    }
}

impl Case {
    /// The command.
    pub fn command(&self) -> &str {
        self.text("command").unwrap_or_default()
    }

    /// A field of the analysis that is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.analysis.get(field)?.as_str()
    }

    /// A field of the analysis that is a list; empty when it is not there.
    pub fn list(&self, field: &str) -> &[Value] {
        self.analysis.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A field of the analysis that is a list of texts.
    pub fn texts(&self, field: &str) -> Vec<&str> {
        self.list(field).iter().filter_map(Value::as_str).collect()
    }

    /// A part of the panel: `unit` or `time`.
    pub fn panel(&self, part: &str) -> Option<&str> {
        self.analysis.get("panel")?.get(part)?.as_str()
    }

    /// An option.
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.analysis.get("options")?.get(name)
    }

    /// Whether a switch is on.
    pub fn switch(&self, name: &str) -> bool {
        self.option(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An option that is a word.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.option(name)?.as_str()
    }

    /// An option that is a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.option(name)?.as_f64()
    }

    /// Relative and absolute tolerance of a name. The longest pattern counts.
    pub fn tolerance(&self, name: &str) -> (f64, f64) {
        let fits = |pattern: &str| match (pattern.strip_suffix("[*]"), pattern.strip_suffix('*')) {
            (Some(prefix), _) => name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('[')),
            (None, Some(prefix)) => name.starts_with(prefix),
            (None, None) => name == pattern,
        };
        let other = self.tolerances.iter().flatten().filter(|(pattern, _)| fits(pattern));
        let other = other.max_by_key(|(pattern, _)| (pattern.as_str() == name, pattern.len())).map(|(_, t)| t);
        let rtol = other.and_then(|t| t.rtol).unwrap_or(self.rtol);
        (rtol, other.and_then(|t| t.atol).unwrap_or(self.atol))
    }
}
