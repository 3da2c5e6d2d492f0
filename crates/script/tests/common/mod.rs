//! A catalogue over a list of real register variables, for tests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::{Date, LangMap};
use script::{
    Catalogue, CodeEntry, CodeList, CodePeriod, DataType, Recoding, RequestedVersion, StoreAnswer, Temporality,
    UnitType, VariableInfo, status_dates,
};

/// Folder of the tests.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Version 38 of `no.ssb.fdb` and 1 of `no.fhi.npr`, with the variables of `tests/variables.csv`.
pub struct Registers(BTreeMap<(String, String), Arc<VariableInfo>>);

impl Registers {
    pub fn read() -> Registers {
        let mut variables = BTreeMap::new();
        let mut reader = csv::Reader::from_path(folder().join("variables.csv")).unwrap();
        for row in reader.deserialize::<BTreeMap<String, String>>() {
            let info = variable(&row.unwrap());
            variables.insert((info.store.clone(), info.name.clone()), Arc::new(info));
        }
        Registers(variables)
    }
}

fn variable(row: &BTreeMap<String, String>) -> VariableInfo {
    let text = |column: &str| row[column].as_str();
    let unit = |name: &str| Arc::new(UnitType::built_in(name).unwrap());
    let temporality = match text("temporality") {
        "FIXED" => Temporality::Fixed,
        "STATUS" => Temporality::Status,
        "ACCUMULATED" => Temporality::Accumulated,
        _ => Temporality::Event,
    };
    let data_type = match (text("points_to"), text("data_type")) {
        ("", "LONG") => DataType::Integer,
        ("", "DOUBLE") => DataType::Decimal,
        ("", "DATE") => DataType::Date,
        ("", _) => DataType::Text,
        (pointer, _) => DataType::Key(unit(pointer)),
    };
    let codes: Vec<CodeEntry> = text("codes")
        .split(" | ")
        .filter_map(|code| code.split_once('='))
        .map(|(code, label)| CodeEntry { code: code.into(), label: LangMap::of(label, label, label), missing: false })
        .collect();
    let end = |column: &str, day: &str| -> Option<Date> {
        let value = text(column);
        if value.len() == 4 { format!("{value}-{day}").parse().ok() } else { value.parse().ok() }
    };
    VariableInfo {
        store: text("store").into(),
        version: if text("store") == "no.ssb.fdb" { "38.0.0.0".into() } else { "1.0.0.0".into() },
        name: text("name").into(),
        title: LangMap::of(text("title"), text("title"), text("title")),
        description: LangMap::default(),
        unit_type: unit(text("unit_type")),
        temporality,
        data_type,
        covered_from: end("valid_from", "01-01"),
        covered_until: end("valid_until", "12-31"),
        status_dates: match temporality {
            Temporality::Status => status_dates(text("name"), text("valid_from"), text("valid_until")),
            _ => Vec::new(),
        },
        code_list: match text("name") {
            "BEFOLKNING_KOMMNR_FORMELL" => Some(municipalities()),
            _ => (!codes.is_empty()).then(|| CodeList {
                periods: vec![CodePeriod { from: None, until: None, codes }],
                changes: Vec::new(),
            }),
        },
    }
}

/// Some municipalities before and after the reforms of 2018, 2020 and 2024, as they are in the public classification.
fn municipalities() -> CodeList {
    let day = |text: &str| text.parse::<Date>().ok();
    let period = |from: &str, until: &str, codes: &[(&str, &str)]| CodePeriod {
        from: day(from),
        until: day(until),
        codes: codes
            .iter()
            .map(|(code, label)| CodeEntry {
                code: (*code).into(),
                label: LangMap::of(label, label, label),
                missing: false,
            })
            .collect(),
    };
    let oslo = ("0301", "Oslo");
    let periods = vec![
        period(
            "",
            "2017-12-31",
            &[oslo, ("1601", "Trondheim"), ("1612", "Hemne"), ("1850", "Tysfjord"), ("0602", "Drammen")],
        ),
        period(
            "2018-01-01",
            "2019-12-31",
            &[oslo, ("5001", "Trondheim"), ("5011", "Hemne"), ("1850", "Tysfjord"), ("0602", "Drammen")],
        ),
        period(
            "2020-01-01",
            "2023-12-31",
            &[
                oslo,
                ("5001", "Trondheim"),
                ("5055", "Heim"),
                ("1806", "Narvik"),
                ("1875", "Hamarøy"),
                ("3005", "Drammen"),
            ],
        ),
        period(
            "2024-01-01",
            "",
            &[
                oslo,
                ("5001", "Trondheim"),
                ("5055", "Heim"),
                ("1806", "Narvik"),
                ("1875", "Hamarøy"),
                ("3301", "Drammen"),
            ],
        ),
    ];
    let changes = [
        ("2018-01-01", "1601", "5001"),
        ("2018-01-01", "1612", "5011"),
        ("2020-01-01", "5011", "5055"),
        ("2020-01-01", "1850", "1806"),
        ("2020-01-01", "1850", "1875"),
        ("2020-01-01", "0602", "3005"),
        ("2024-01-01", "3005", "3301"),
    ];
    let changes = changes.map(|(date, from, to)| Recoding {
        date: day(date).unwrap(),
        from: from.into(),
        to: to.into(),
        share: None,
    });
    CodeList { periods, changes: changes.to_vec() }
}

impl Catalogue for Registers {
    fn store(&self, store: &str, version: &RequestedVersion) -> StoreAnswer {
        let known = match store {
            "no.ssb.fdb" => "38.0.0.0",
            "no.fhi.npr" => "1.0.0.0",
            _ => return StoreAnswer::UnknownStore(self.store_names()),
        };
        if version.to_string() == known {
            StoreAnswer::Known(known.to_owned())
        } else {
            StoreAnswer::UnknownVersion(vec![known.to_owned()])
        }
    }
    fn variable(&self, store: &str, _: &str, name: &str) -> Option<Arc<VariableInfo>> {
        self.0.get(&(store.to_owned(), name.to_owned())).cloned()
    }
    fn variable_names(&self, store: &str, _: &str) -> Vec<String> {
        self.0.keys().filter(|(s, _)| s == store).map(|(_, name)| name.clone()).collect()
    }
    fn store_names(&self) -> Vec<String> {
        vec!["no.fhi.npr".to_owned(), "no.ssb.fdb".to_owned()]
    }
}
