//! Writing datasets in the public format: `NAME/NAME.json` and `NAME/NAME.csv`, and one `product.json` per store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::lists::{DatasetRow, StoreRow, Texts, lists};
use crate::{Summary, SynthError};

/// Rows of one dataset as CSV bytes.
#[derive(Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    count: u64,
}

impl Rows {
    /// A row of a dataset without dates.
    pub(crate) fn fixed(&mut self, id: &str, value: impl std::fmt::Display) {
        self.row(id, value, None, None);
    }

    /// A row with start and stop (days since 1970-01-01; no stop: ongoing).
    pub(crate) fn spell(&mut self, id: &str, value: impl std::fmt::Display, start: i32, stop: Option<i32>) {
        self.row(id, value, Some(start), stop);
    }

    fn row(&mut self, id: &str, value: impl std::fmt::Display, start: Option<i32>, stop: Option<i32>) {
        self.bytes.extend_from_slice(id.as_bytes());
        self.bytes.push(b';');
        // Writing to a vector cannot fail.
        let _ = write!(self.bytes, "{value};");
        for date in [start, stop] {
            if let Some(days) = date {
                self.bytes.extend_from_slice(&date_text(days));
            }
            self.bytes.push(b';');
        }
        self.bytes.push(b'\n');
        self.count += 1;
    }
}

/// A date as written in datasets.
pub(crate) struct Day(pub i32);

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&date_text(self.0)).unwrap_or_default())
    }
}

/// `YYYY-MM-DD`.
pub(crate) fn date_text(days: i32) -> [u8; 10] {
    let (y, m, d) = kernel::Date::from_days(days).ymd();
    let mut text = *b"0000-00-00";
    let mut put = |at: usize, width: usize, value: i32| {
        let mut left = value;
        for i in (at..at + width).rev() {
            text[i] = b'0' + (left % 10) as u8;
            left /= 10;
        }
    };
    put(0, 4, i32::from(y));
    put(5, 2, i32::from(m));
    put(8, 2, i32::from(d));
    text
}

/// Writes all stores below one folder.
pub(crate) struct Output {
    out: PathBuf,
    written: std::sync::Mutex<BTreeMap<String, Vec<(String, u64)>>>,
}

impl Output {
    pub(crate) fn new(out: &Path) -> Self {
        Self { out: out.to_owned(), written: std::sync::Mutex::default() }
    }

    /// Writes one dataset; `parts` are its rows in order.
    pub(crate) fn dataset(&self, store: &str, name: &str, parts: &[Rows]) -> Result<(), SynthError> {
        let row = lists()?
            .datasets
            .iter()
            .find(|d| d.store == store && d.name == name)
            .ok_or_else(|| SynthError::Tables(format!("no dataset {store}/{name}")))?;
        let count = parts.iter().map(|p| p.count).sum();
        if count == 0 {
            return Ok(()); // a very small population may have no such case; an empty dataset is not valid
        }
        let folder = self.out.join(store).join(name);
        fs::create_dir_all(&folder)?;
        let mut file = File::create(folder.join(format!("{name}.csv")))?;
        for part in parts {
            file.write_all(&part.bytes)?;
        }
        fs::write(folder.join(format!("{name}.json")), pretty(&metadata(row)?)?)?;
        let mut written = self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        written.entry(store.to_owned()).or_default().push((name.to_owned(), count));
        Ok(())
    }

    /// Writes the `product.json` of every store and sums up.
    pub(crate) fn finish(self, persons: u32, seed: u64) -> Result<Summary, SynthError> {
        let written = self.written.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut summary = Summary { persons, stores: Vec::new(), datasets: 0, rows: 0 };
        for store in &lists()?.stores {
            let Some(datasets) = written.get(&store.store) else { continue };
            let product = product(store, datasets, persons, seed)?;
            fs::write(self.out.join(&store.store).join("product.json"), pretty(&product)?)?;
            summary.stores.push(store.store.clone());
            summary.datasets += datasets.len();
            summary.rows += datasets.iter().map(|d| d.1).sum::<u64>();
        }
        Ok(summary)
    }
}

fn pretty(value: &Value) -> Result<Vec<u8>, SynthError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| SynthError::Tables(e.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn product(store: &StoreRow, written: &[(String, u64)], persons: u32, seed: u64) -> Result<Value, SynthError> {
    // The order of the tables, not the order in which threads finished.
    let names: Vec<&str> = lists()?
        .datasets
        .iter()
        .filter(|d| d.store == store.store && written.iter().any(|w| w.0 == d.name))
        .map(|d| d.name.as_str())
        .collect();
    let mut collection = json!({
        "id": store.collection, "title": store.title.map(), "unit_type": store.unit_type, "datasets": names,
    });
    for (key, value) in [("person_pointer", &store.person_pointer), ("date_variable", &store.date_variable)] {
        if !value.is_empty() {
            collection[key] = value.as_str().into();
        }
    }
    Ok(json!({
        "store": store.store,
        "synthetic": true,
        "id_check": "national",
        "version_note": format!("Synthetic Norway, {persons} persons, seed {seed}"),
        "source": store.source,
        "collections": [collection],
    }))
}

fn metadata(row: &DatasetRow) -> Result<Value, SynthError> {
    let text =
        |nb: &str, nn: &str, en: &str| Texts { nb: nb.to_owned(), nn: nn.to_owned(), en: en.to_owned() }.multilingual();
    let description = text(
        &format!("{} (syntetiske data)", row.title.nb),
        &format!("{} (syntetiske data)", row.title.nn),
        &format!("{} (synthetic data)", row.title.en),
    );
    let mut measure = json!({"name": row.title.multilingual(), "description": description});
    if !row.points_to.is_empty() {
        measure["unitType"] = row.points_to.as_str().into();
    } else {
        measure["dataType"] = row.data_type.as_str().into();
        measure["valueDomain"] = if row.code_list.is_empty() {
            let unit = match row.name.as_str() {
                n if n.starts_with("INNTEKT") => Some(text("kroner", "kroner", "NOK")),
                "VEKT" => Some(text("gram", "gram", "gram")),
                "SVLEN" => Some(text("uker", "veker", "weeks")),
                "ALDER" | "MORS_ALDER" => Some(text("år", "år", "years")),
                n if n.ends_with("GRAD") => Some(text("prosent", "prosent", "per cent")),
                _ => None,
            };
            let mut domain = json!({"description": row.title.multilingual()});
            if let Some(unit) = unit {
                domain["measurementUnitDescription"] = unit;
            }
            domain
        } else {
            json!({"codeList": lists()?.code_list(&row.code_list)})
        };
    }
    let (subject_nb, subject_nn, subject_en) = match row.subject.as_str() {
        "utdanning" => ("Utdanning", "Utdanning", "Education"),
        "inntekt" => ("Inntekt", "Inntekt", "Income"),
        "arbeid" => ("Arbeid", "Arbeid", "Work"),
        "trygd" => ("Trygd og velferd", "Trygd og velferd", "Social security"),
        "helse" => ("Helse", "Helse", "Health"),
        _ => ("Befolkning", "Folketal", "Population"),
    };
    Ok(json!({
        "temporalityType": row.temporality,
        "sensitivityLevel": row.sensitivity,
        "populationDescription": text("Syntetiske personer i Norge", "Syntetiske personar i Noreg", "Synthetic persons in Norway"),
        "spatialCoverageDescription": text("Norge", "Noreg", "Norway"),
        "subjectFields": [text(subject_nb, subject_nn, subject_en)],
        "dataRevision": {"description": text("Første utgave.", "Første utgåve.", "First edition.")},
        "identifierVariables": [{"unitType": row.unit_type}],
        "measureVariables": [measure],
    }))
}
