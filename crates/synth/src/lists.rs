//! The fixed tables of synthetic Norway: registers, datasets, code lists, municipalities. They are data
//! (`crates/synth/data`), compiled in; names and titles of public variables stand as in `variables.csv`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::SynthError;

/// A text in bokmål, nynorsk and English.
#[derive(Clone)]
pub(crate) struct Texts {
    pub nb: String,
    pub nn: String,
    pub en: String,
}

impl Texts {
    /// The form of dataset metadata: a list of language and value.
    pub(crate) fn multilingual(&self) -> Value {
        let pairs = [("no", &self.nb), ("nn", &self.nn), ("en", &self.en)];
        pairs
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(code, text)| json!({"languageCode": code, "value": text}))
            .collect()
    }

    /// The form of `product.json`.
    pub(crate) fn map(&self) -> Value {
        let pairs = [("nb", &self.nb), ("nn", &self.nn), ("en", &self.en)];
        pairs.into_iter().filter(|(_, t)| !t.is_empty()).map(|(k, t)| (k.to_owned(), Value::from(t.as_str()))).collect()
    }
}

/// One holder's store.
pub(crate) struct StoreRow {
    pub store: String,
    pub source: String,
    pub collection: String,
    pub unit_type: String,
    pub person_pointer: String,
    pub date_variable: String,
    pub title: Texts,
}

/// One dataset.
pub(crate) struct DatasetRow {
    pub store: String,
    pub name: String,
    pub unit_type: String,
    pub temporality: String,
    pub data_type: String,
    pub points_to: String,
    pub code_list: String,
    pub sensitivity: String,
    pub subject: String,
    pub title: Texts,
}

/// A municipality: its code from 2024, the one from 2020 to 2023, and its size.
pub(crate) struct Municipality {
    pub code: String,
    pub code_2020: String,
    pub persons: f64,
}

/// All tables.
pub(crate) struct Lists {
    pub stores: Vec<StoreRow>,
    pub datasets: Vec<DatasetRow>,
    pub municipalities: Vec<Municipality>,
    codes: BTreeMap<String, Vec<(String, Texts)>>,
}

static LISTS: LazyLock<Result<Lists, String>> = LazyLock::new(|| read().map_err(|e| e.to_string()));

/// The tables, read once.
pub(crate) fn lists() -> Result<&'static Lists, SynthError> {
    LISTS.as_ref().map_err(|e| SynthError::Tables(e.clone()))
}

/// The records of a table of this crate.
pub(crate) fn rows(text: &str) -> Result<Vec<Vec<String>>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
    reader.records().map(|r| r.map(|r| r.iter().map(str::to_owned).collect())).collect()
}

fn read() -> Result<Lists, csv::Error> {
    let texts = |r: &[String], at: usize| Texts { nb: r[at].clone(), nn: r[at + 1].clone(), en: r[at + 2].clone() };
    let stores = rows(include_str!("../data/stores.csv"))?
        .iter()
        .map(|r| StoreRow {
            store: r[0].clone(),
            source: r[1].clone(),
            collection: r[2].clone(),
            unit_type: r[3].clone(),
            person_pointer: r[4].clone(),
            date_variable: r[5].clone(),
            title: texts(r, 6),
        })
        .collect();
    let datasets = rows(include_str!("../data/datasets.csv"))?
        .iter()
        .map(|r| DatasetRow {
            store: r[0].clone(),
            name: r[1].clone(),
            unit_type: r[2].clone(),
            temporality: r[3].clone(),
            data_type: r[4].clone(),
            points_to: r[5].clone(),
            code_list: r[6].clone(),
            sensitivity: r[7].clone(),
            subject: r[8].clone(),
            title: texts(r, 9),
        })
        .collect();
    let municipalities = rows(include_str!("../data/municipalities.csv"))?
        .iter()
        .map(|r| Municipality { code: r[0].clone(), code_2020: r[1].clone(), persons: r[3].parse().unwrap_or(1000.0) })
        .collect();
    let mut codes: BTreeMap<String, Vec<(String, Texts)>> = BTreeMap::new();
    for r in rows(include_str!("../data/codes.csv"))? {
        codes.entry(r[0].clone()).or_default().push((r[1].clone(), texts(&r, 2)));
    }
    Ok(Lists { stores, datasets, municipalities, codes })
}

impl Lists {
    /// The code list of a dataset in the public format.
    pub(crate) fn code_list(&self, name: &str) -> Value {
        if name == "kommune" {
            return crate::places::places().map(crate::places::Places::code_list).unwrap_or_default();
        }
        let codes = self.codes.get(name).map(Vec::as_slice).unwrap_or_default();
        codes
            .iter()
            .map(
                |(code, texts)| json!({"code": code, "categoryTitle": texts.multilingual(), "validFrom": "1900-01-01"}),
            )
            .collect()
    }

    /// Running sums of the municipalities' sizes, for weighted draws.
    pub(crate) fn municipality_sums(&self) -> Vec<f64> {
        let mut sum = 0.0;
        self.municipalities
            .iter()
            .map(|m| {
                sum += m.persons;
                sum
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_with_public_names_have_the_public_types_and_titles() {
        let lists = lists().unwrap();
        let public = include_str!("../data/variables.csv");
        let mut reader = csv::Reader::from_reader(public.as_bytes());
        let mut count = 0;
        for row in reader.records().map(Result::unwrap) {
            let same = |d: &&DatasetRow| d.store == row[0] && d.name == row[1];
            let ours = lists.datasets.iter().find(same).unwrap();
            assert_eq!([&ours.title.nb, &ours.unit_type, &ours.temporality], [&row[2], &row[3], &row[4]]);
            assert_eq!([&ours.data_type, &ours.points_to], [&row[5], &row[8]]);
            count += 1;
        }
        assert!(count >= 25, "{count} variables with public names");
        assert!(lists.stores.len() >= 8);
    }

    #[test]
    fn every_table_fits_the_others() {
        let lists = lists().unwrap();
        for d in &lists.datasets {
            assert!(lists.stores.iter().any(|s| s.store == d.store), "{}", d.name);
            let list = lists.code_list(&d.code_list);
            assert_eq!(list.as_array().is_some_and(|c| !c.is_empty()), !d.code_list.is_empty(), "{}", d.name);
        }
        for s in &lists.stores {
            for name in [&s.person_pointer, &s.date_variable].into_iter().filter(|n| !n.is_empty()) {
                assert!(lists.datasets.iter().any(|d| d.store == s.store && d.name == *name), "{name}");
            }
        }
    }
}
