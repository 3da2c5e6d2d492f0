//! The variables of the public list (`data/catalogue.csv`, `data/catalogue_codes.csv`) with their rules, read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::draw::name;
use super::rule::{What, Who, what, who};
use crate::SynthError;
use crate::lists::{DatasetRow, Texts, lists, rows};
use crate::places::places;

/// One variable.
pub(crate) struct Spec {
    pub store: &'static str,
    pub name: String,
    pub title: String,
    pub unit: String,
    pub temporality: char,
    pub data_type: &'static str,
    /// Coverage as written: ISO dates, years, or nothing.
    pub from: String,
    pub until: String,
    pub points_to: String,
    pub list: String,
    pub who: Who,
    pub what: What,
    /// The codes of the list, in order.
    pub codes: Vec<String>,
    /// Key of its draws.
    pub seed: u64,
}

static SPECS: LazyLock<Result<Vec<Spec>, String>> = LazyLock::new(|| read().map_err(|e| e.to_string()));
static CODES: LazyLock<Result<Lists, String>> = LazyLock::new(|| read_codes().map_err(|e| e.to_string()));

/// Codes with their labels, by name of the list.
type Lists = BTreeMap<String, Vec<(String, String)>>;

/// The variables, in the order of the list.
pub(crate) fn specs() -> Result<&'static [Spec], SynthError> {
    SPECS.as_deref().map_err(|e| SynthError::Tables(e.clone()))
}

fn read_codes() -> Result<Lists, csv::Error> {
    let pair = |text: &str| text.split_once('=').map(|(code, label)| (code.to_owned(), label.to_owned()));
    let lists = rows(include_str!("../../data/catalogue_codes.csv"))?;
    Ok(lists.into_iter().map(|r| (r[0].clone(), r[1].split(" | ").filter_map(pair).collect())).collect())
}

fn read() -> Result<Vec<Spec>, SynthError> {
    let table = rows(include_str!("../../data/catalogue.csv")).map_err(|e| SynthError::Tables(e.to_string()))?;
    table.iter().map(|r| spec(r)).collect()
}

fn spec(r: &[String]) -> Result<Spec, SynthError> {
    let wrong = || SynthError::Tables(format!("{}: rule", r[1]));
    let data_type = match r[5].as_str() {
        "S" => "STRING",
        "L" => "LONG",
        "D" => "DOUBLE",
        _ => "DATE",
    };
    let mut spec = Spec {
        store: if r[0] == "npr" { "no.fhi.npr" } else { "no.ssb.fdb" },
        name: r[1].clone(),
        title: r[2].clone(),
        unit: r[3].clone(),
        temporality: r[4].chars().next().ok_or_else(wrong)?,
        data_type,
        from: r[6].clone(),
        until: r[7].clone(),
        points_to: r[8].clone(),
        list: r[9].clone(),
        who: who(&r[10], &r[1]).ok_or_else(wrong)?,
        what: what(&r[11]).ok_or_else(wrong)?,
        codes: Vec::new(),
        seed: name(&r[1]),
    };
    if let Some(list) = spec.code_list()?.as_ref().and_then(Value::as_array) {
        spec.codes = list.iter().filter_map(|c| c["code"].as_str()).map(str::to_owned).collect();
    }
    Ok(spec)
}

impl Spec {
    /// The dataset of the same name in the registers of the demo, which has titles in three languages.
    pub(crate) fn own(&self) -> Option<&'static DatasetRow> {
        lists().ok()?.datasets.iter().find(|d| d.store == self.store && d.name == self.name)
    }

    /// Title in the languages there are.
    pub(crate) fn texts(&self) -> Texts {
        let only = || Texts { nb: self.title.clone(), nn: String::new(), en: String::new() };
        self.own().map_or_else(only, |d| d.title.clone())
    }

    /// The code list in the public format.
    pub(crate) fn code_list(&self) -> Result<Option<Value>, SynthError> {
        let list = match self.list.as_str() {
            "" => return Ok(None),
            "kommune" | "=kommune" => places()?.code_list(),
            "land" => lists()?.code_list("land"),
            own if own.starts_with('=') => lists()?.code_list(&own[1..]),
            name => {
                let codes = CODES.as_ref().map_err(|e| SynthError::Tables(e.clone()))?;
                let codes = codes.get(name).ok_or_else(|| SynthError::Tables(format!("no code list {name}")))?;
                let entry = |(code, label): &(String, String)| {
                    json!({
                        "code": code,
                        "categoryTitle": [{"languageCode": "no", "value": label}],
                        "validFrom": "1900-01-01",
                    })
                };
                codes.iter().map(entry).collect()
            }
        };
        Ok(Some(list))
    }

    /// Whether the values are municipalities.
    pub(crate) fn of_places(&self) -> bool {
        self.list.trim_start_matches('=') == "kommune"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ENG-061: the whole public list, each with rules that can be read.
    #[test]
    fn all_732_variables_are_here() {
        let specs = specs().unwrap();
        assert_eq!(specs.len(), 732);
        assert_eq!(specs.iter().filter(|s| s.store == "no.fhi.npr").count(), 10);
        for s in specs {
            assert!(s.list.is_empty() || !s.codes.is_empty(), "{}", s.name);
            assert!(s.list.is_empty() || s.data_type == "STRING", "{}", s.name);
            if let Some(own) = s.own() {
                assert_eq!((&own.unit_type, own.data_type.as_str()), (&s.unit, s.data_type), "{}", s.name);
            }
        }
    }
}
