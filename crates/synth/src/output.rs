//! Writing datasets in the public format: `NAME/NAME.json` and `NAME/NAME.csv`, and one `product.json` per store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use kernel::Date;
use serde_json::{Value, json};

use crate::catalogue::list::{Spec, specs};
use crate::lists::{DatasetRow, StoreRow, Texts, lists};
use crate::places::places;
use crate::{Summary, SynthError, catalogue};

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

    /// Number of rows.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Begins a row; its value follows.
    pub(crate) fn open(&mut self, id: &[u8]) {
        self.text(id);
        self.bytes.push(b';');
    }

    /// Text of a value.
    pub(crate) fn text(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
    }

    /// A whole number.
    pub(crate) fn int(&mut self, value: i64) {
        if value < 0 {
            self.bytes.push(b'-');
        }
        let mut digits = [0u8; 20];
        let (mut left, mut at) = (value.unsigned_abs(), digits.len());
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.bytes.extend_from_slice(&digits[at..]);
    }

    /// A decimal number given in hundredths.
    pub(crate) fn hundredths(&mut self, value: i64) {
        if value < 0 {
            self.bytes.push(b'-');
        }
        let left = value.unsigned_abs();
        self.int((left / 100) as i64);
        self.bytes.push(b'.');
        self.padded((left % 100) as u32, 2);
    }

    /// Digits with leading zeros.
    pub(crate) fn padded(&mut self, value: u32, width: usize) {
        let (at, mut left) = (self.bytes.len(), value);
        self.bytes.resize(at + width, b'0');
        for place in self.bytes[at..].iter_mut().rev() {
            *place = b'0' + (left % 10) as u8;
            left /= 10;
        }
    }

    /// Ends a row.
    pub(crate) fn close(&mut self, start: &[u8], stop: &[u8]) {
        for date in [start, stop] {
            self.bytes.push(b';');
            self.bytes.extend_from_slice(date);
        }
        self.bytes.extend_from_slice(b";\n");
        self.count += 1;
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

/// The id of a unit of a register: a letter and ten digits.
pub(crate) fn numbered(letter: u8, number: u32) -> [u8; 11] {
    let mut id = *b"?0000000000";
    id[0] = letter;
    let mut left = number;
    for place in id[1..].iter_mut().rev() {
        *place = b'0' + (left % 10) as u8;
        left /= 10;
    }
    id
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
    /// With every variable of the public list.
    catalogue: bool,
    /// Datasets of `no.ssb.fdb` that the registers of the demo do not write, because the public list's are richer.
    left_out: Vec<&'static str>,
    written: std::sync::Mutex<BTreeMap<String, Vec<(String, u64)>>>,
}

impl Output {
    pub(crate) fn new(out: &Path, catalogue: bool) -> Result<Self, SynthError> {
        let left_out = if catalogue { catalogue::replaced()? } else { Vec::new() };
        Ok(Self { out: out.to_owned(), catalogue, left_out, written: std::sync::Mutex::default() })
    }

    /// Writes one dataset; `parts` are its rows in order.
    pub(crate) fn dataset(&self, store: &str, name: &str, parts: &[Rows]) -> Result<(), SynthError> {
        if self.left_out.contains(&name) {
            return Ok(());
        }
        let row = lists()?
            .datasets
            .iter()
            .find(|d| d.store == store && d.name == name)
            .ok_or_else(|| SynthError::Tables(format!("no dataset {store}/{name}")))?;
        self.put(store, name, parts, || metadata(row))
    }

    /// Writes a variable of the public list; `dates` are the measuring days of a STATUS variable.
    pub(crate) fn variable(&self, spec: &Spec, parts: &[Rows], dates: &[Date]) -> Result<(), SynthError> {
        self.put(spec.store, &spec.name, parts, || listed(spec, dates))
    }

    fn put(
        &self,
        store: &str,
        name: &str,
        parts: &[Rows],
        metadata: impl Fn() -> Result<Value, SynthError>,
    ) -> Result<(), SynthError> {
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
        fs::write(folder.join(format!("{name}.json")), pretty(&metadata()?)?)?;
        let mut written = self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        written.entry(store.to_owned()).or_default().push((name.to_owned(), count));
        Ok(())
    }

    /// Writes the `product.json` of every store and sums up.
    pub(crate) fn finish(self, persons: u32, seed: u64) -> Result<Summary, SynthError> {
        let stands_in = self.catalogue;
        let written = self.written.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut summary = Summary { persons, stores: Vec::new(), datasets: 0, rows: 0 };
        for store in &lists()?.stores {
            let Some(datasets) = written.get(&store.store) else { continue };
            let product = product(store, datasets, persons, seed, stands_in)?;
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

fn product(
    store: &StoreRow,
    written: &[(String, u64)],
    persons: u32,
    seed: u64,
    stands_in: bool,
) -> Result<Value, SynthError> {
    // The order of the tables, not the order in which threads finished.
    let own = lists()?.datasets.iter().map(|d| (d.store.as_str(), d.name.as_str()));
    let main = |s: &&Spec| s.own().is_none() && s.unit == store.unit_type;
    let public = specs()?.iter().filter(main).map(|s| (s.store, s.name.as_str()));
    let names: Vec<&str> = own
        .chain(public)
        .filter(|(s, name)| *s == store.store && written.iter().any(|w| w.0 == *name))
        .map(|(_, name)| name)
        .collect();
    let mut collection = json!({
        "id": store.collection, "title": store.title.map(), "unit_type": store.unit_type, "datasets": names,
    });
    for (key, value) in [("person_pointer", &store.person_pointer), ("date_variable", &store.date_variable)] {
        if !value.is_empty() {
            collection[key] = value.as_str().into();
        }
    }
    let mut collections = vec![collection];
    for unit_type in OWN_COLLECTIONS.iter().filter(|_| stands_in && store.store == "no.ssb.fdb") {
        collections.push(of_units(store, unit_type, written)?);
    }
    let mut product = json!({
        "store": store.store,
        "synthetic": true,
        "id_check": "national",
        "version_note": format!("Synthetic Norway, {persons} persons, seed {seed}"),
        "source": store.source,
        "collections": collections,
    });
    if stands_in && let Some((_, major)) = STANDS_IN.iter().find(|(name, _)| *name == store.store) {
        product["stands_in_for"] = (*major).into();
    }
    Ok(product)
}

/// Unit types of the public list that are a collection of their own, with the variable that leads to the person.
const OWN_COLLECTIONS: [(&str, &str); 7] = [
    ("JOBB", "ARBEIDSFORHOLD_PERSON"),
    ("KURS", "NUDB_KURS_FNR"),
    ("KJORETOY", "KJORETOY_KJORETOYID_FNR"),
    ("MALEPUNKT", "ELHUB_PERS_MALEPUNKTID_FNR"),
    ("TRAFIKKULYKKE", ""),
    ("TRAFIKKULYKKE_PERSON", "TRAFULYK_PERS_FNR"),
    ("KOMMUNE", ""),
];

fn of_units(
    store: &StoreRow,
    (unit_type, pointer): &(&str, &str),
    written: &[(String, u64)],
) -> Result<Value, SynthError> {
    let there = |name: &str| written.iter().any(|w| w.0 == name);
    let of_type = specs()?.iter().filter(|s| s.store == store.store && s.unit == *unit_type);
    let names: Vec<&str> = of_type.map(|s| s.name.as_str()).filter(|n| there(n)).collect();
    let mut collection = json!({
        "id": format!("{}.{}", store.source, unit_type.to_lowercase()),
        "title": store.title.map(),
        "unit_type": unit_type,
        "datasets": names,
    });
    if there(pointer) {
        collection["person_pointer"] = (*pointer).into();
    }
    Ok(collection)
}

/// The newest version of each public store that the public list is about.
const STANDS_IN: [(&str, u32); 2] = [("no.ssb.fdb", 54), ("no.fhi.npr", 10)];

/// Metadata of a variable of the public list.
fn listed(spec: &Spec, dates: &[Date]) -> Result<Value, SynthError> {
    let texts = spec.texts();
    let added = |text: &str, words: &str| if text.is_empty() { String::new() } else { format!("{text} ({words})") };
    let per_month = spec.unit == "JOBB" && spec.temporality == 'A';
    let words = if per_month { "syntetiske data; beløp per måned" } else { "syntetiske data" };
    let description = Texts {
        nb: added(&texts.nb, words),
        nn: added(&texts.nn, "syntetiske data"),
        en: added(&texts.en, "synthetic data"),
    };
    let mut measure = json!({"name": texts.multilingual(), "description": description.multilingual()});
    if spec.points_to.is_empty() {
        measure["dataType"] = spec.data_type.into();
        measure["valueDomain"] = match spec.code_list()? {
            Some(list) => json!({"codeList": list}),
            None => json!({"description": texts.multilingual()}),
        };
    } else {
        measure["unitType"] = spec.points_to.as_str().into();
    }
    let special = ["KRIMINALITET", "BARNEVERN", "SOSH", "UFOERP", "ARBAVKLAR", "AGGRSHOPPID", "INNTID", "UTTID"];
    let sensitivity = match spec.unit.as_str() {
        "KOMMUNE" => "PUBLIC",
        _ if special.iter().any(|s| spec.name.starts_with(s)) => "PERSON_SPECIAL",
        _ => "PERSON_GENERAL",
    };
    let temporality = match spec.temporality {
        'F' => "FIXED",
        'S' => "STATUS",
        'A' => "ACCUMULATED",
        _ => "EVENT",
    };
    let subject = spec.own().map_or("befolkning", |d| d.subject.as_str());
    let mut document = document(temporality, sensitivity, subject, &spec.unit, measure);
    if temporality == "STATUS" {
        document["temporalStatusDates"] = dates.iter().map(Date::to_string).collect();
    }
    if spec.of_places() {
        document["codeListChanges"] = places()?.change_table();
    }
    Ok(document)
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
    let mut document = document(&row.temporality, &row.sensitivity, &row.subject, &row.unit_type, measure);
    if row.code_list == "kommune" {
        document["codeListChanges"] = places()?.change_table();
    }
    Ok(document)
}

/// The dataset's metadata around its measure.
fn document(temporality: &str, sensitivity: &str, subject: &str, unit_type: &str, measure: Value) -> Value {
    let text =
        |nb: &str, nn: &str, en: &str| Texts { nb: nb.to_owned(), nn: nn.to_owned(), en: en.to_owned() }.multilingual();
    let (subject_nb, subject_nn, subject_en) = match subject {
        "utdanning" => ("Utdanning", "Utdanning", "Education"),
        "inntekt" => ("Inntekt", "Inntekt", "Income"),
        "arbeid" => ("Arbeid", "Arbeid", "Work"),
        "trygd" => ("Trygd og velferd", "Trygd og velferd", "Social security"),
        "helse" => ("Helse", "Helse", "Health"),
        _ => ("Befolkning", "Folketal", "Population"),
    };
    json!({
        "temporalityType": temporality,
        "sensitivityLevel": sensitivity,
        "populationDescription": text("Syntetiske personer i Norge", "Syntetiske personar i Noreg", "Synthetic persons in Norway"),
        "spatialCoverageDescription": text("Norge", "Noreg", "Norway"),
        "subjectFields": [text(subject_nb, subject_nn, subject_en)],
        "dataRevision": {"description": text("Første utgave.", "Første utgåve.", "First edition.")},
        "identifierVariables": [{"unitType": unit_type}],
        "measureVariables": [measure],
    })
}
