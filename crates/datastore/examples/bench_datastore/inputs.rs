//! What is measured: datasets as a holder hands them in, and spells as stores keep them. Made once per size, the same
//! every time, and about nobody.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use datastore::{Assembly, Code, Domain, Metadata, RowValues, Rows, ValueType};
use engine::source::Temporality;
use kernel::{Date, LangMap};

use super::{Failure, python};

/// Datasets without faults, each of the number of rows that was asked for.
pub(crate) const VALID: &[&str] = &["EVENT", "STATUS", "ACCUMULATED", "FIXED"];
/// Datasets with a few faults among a tenth of the rows.
pub(crate) const FAULTY: &[&str] =
    &["FAULT_OVERLAP", "FAULT_CODE", "FAULT_ORDER", "FAULT_TWICE", "FAULT_EMPTY", "FAULT_UNIT_TWICE"];
/// Reads of kept spells, and what they are.
pub(crate) const READS: &[(&str, &str)] = &[
    ("SPELLS_CODE:at", "codes at a date"),
    ("SPELLS_NUMBER:at", "whole numbers at a date"),
    ("SPELLS_CODE:population", "codes at a date, of half of the units"),
    ("SPELLS_CODE:interval", "codes in a year, with their days"),
];
/// Public tools that read them.
pub(crate) const READERS: &[&str] = &["pyarrow", "polars", "duckdb"];
/// The date, 2010-01-01, and the year, as days since 1970-01-01.
pub(crate) const DAY: i32 = 14_610;
pub(crate) const FROM: i32 = 14_610;
pub(crate) const TO: i32 = 14_974;

/// Every this many rows of a faulty dataset has the fault.
const FAULT_EVERY: usize = 3_001;
const CODES: usize = 9;
/// Spells of a unit in the kept store.
const SPELLS: usize = 10;

/// A generator of numbers that needs no seed from outside (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: i32) -> i32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % u64::from(n.unsigned_abs().max(1))) as i32
    }
}

/// A pseudonym of 48 bits, as the public store has: one for each ordinal.
pub(crate) fn pseudonym(ordinal: u32) -> i64 {
    (u64::from(ordinal).wrapping_mul(0x5_DEEC_E66D) & ((1 << 48) - 1)) as i64
}

/// Writes the datasets of [`VALID`] and [`FAULTY`].
pub(crate) fn handed_in(folder: &Path, rows: usize) -> Result<(), Failure> {
    if folder.join("complete").exists() {
        return Ok(());
    }
    for name in VALID {
        dataset(folder, name, name, rows)?;
    }
    for name in FAULTY {
        let like = match *name {
            "FAULT_ORDER" => "ACCUMULATED",
            "FAULT_TWICE" => "STATUS",
            "FAULT_UNIT_TWICE" => "FIXED",
            _ => "EVENT",
        };
        dataset(folder, name, like, rows / 10)?;
    }
    Ok(fs::write(folder.join("complete"), "")?)
}

fn dataset(folder: &Path, name: &str, temporality: &str, rows: usize) -> Result<(), Failure> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    let metadata = metadata_json(temporality, matches!(temporality, "EVENT" | "FIXED"));
    fs::write(folder.join(format!("{name}.json")), metadata)?;
    let mut out = BufWriter::new(File::create(folder.join(format!("{name}.csv")))?);
    let mut numbers = Numbers(7);
    let mut line = String::new();
    let mut days: Vec<String> = Vec::new();
    let mut day = |n: i32| -> String {
        // Days from 1970 on; the texts are made once.
        while days.len() <= n as usize {
            days.push(Date::from_days(days.len() as i32).to_string());
        }
        days[n as usize].clone()
    };
    let mut begin = 0;
    for row in 0..rows {
        line.clear();
        let faulty = row % FAULT_EVERY == FAULT_EVERY - 1;
        match temporality {
            // Ten spells per unit, by unit.
            "EVENT" => {
                begin = if row % 10 == 0 { numbers.below(3_000) } else { begin };
                let stop = begin + 30 + numbers.below(1_000);
                let from = if faulty && name == "FAULT_OVERLAP" && row % 10 > 0 { begin - 1 } else { begin };
                let code = match name {
                    "FAULT_CODE" if faulty => "99".to_owned(),
                    "FAULT_EMPTY" if faulty => String::new(),
                    _ => (1 + numbers.below(CODES as i32)).to_string(),
                };
                let ongoing = row % 10 == 9;
                let until = if ongoing { String::new() } else { day(stop) };
                write!(line, "{:014};{code};{};{until};", 1 + row / 10, day(from))?;
                begin = stop + 1;
            }
            // Ten measuring dates, by date.
            "STATUS" => {
                let units = rows.div_ceil(10);
                let unit = if faulty && name == "FAULT_TWICE" { row % units - 1 } else { row % units };
                let on = day((10_957 + 365 * (row / units)) as i32);
                write!(line, "{:014};{};{on};{on};", 1 + unit, 100_000 + numbers.below(900_000))?;
            }
            // Ten years, by unit.
            "ACCUMULATED" => {
                let year = 2010 + row % 10;
                let last = if faulty && name == "FAULT_ORDER" { "01-01" } else { "12-31" };
                let amount = numbers.below(1_000_000);
                write!(line, "{:014};{amount};{year}-01-01;{year}-{last};", 1 + row / 10)?;
            }
            _ => {
                let unit = if faulty && name == "FAULT_UNIT_TWICE" { row - 1 } else { row };
                write!(line, "{:014};{};;;", 1 + unit, 1 + numbers.below(CODES as i32))?;
            }
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(out.flush()?)
}

fn metadata_json(temporality: &str, coded: bool) -> String {
    let text = |t: &str| format!(r#"[{{"languageCode": "no", "value": "{t}"}}]"#);
    let domain = if coded {
        let code = |c: usize| {
            format!(
                r#"{{"code": "{c}", "categoryTitle": {}, "validFrom": "1900-01-01"}}"#,
                text(&format!("Kategori {c}"))
            )
        };
        let codes: Vec<String> = (1..=CODES).map(code).collect();
        format!(r#""dataType": "STRING", "valueDomain": {{"codeList": [{}]}}"#, codes.join(", "))
    } else {
        format!(r#""dataType": "LONG", "valueDomain": {{"description": {}}}"#, text("Beløp"))
    };
    format!(
        r#"{{"temporalityType": "{temporality}", "sensitivityLevel": "PERSON_GENERAL",
"populationDescription": {all}, "spatialCoverageDescription": {norway}, "subjectFields": [{subject}],
"dataRevision": {{"description": {first}}}, "identifierVariables": [{{"unitType": "PERSON"}}],
"measureVariables": [{{"name": {name}, "description": {name}, {domain}}}]}}"#,
        all = text("Syntetiske personer"),
        norway = text("Norge"),
        subject = text("Måling"),
        first = text("Første utgave"),
        name = text("Måling"),
    )
}

/// Writes the spells of [`READS`] twice: as the public store keeps them, and as ours does.
pub(crate) fn kept(folder: &Path, spells: usize) -> Result<(), Failure> {
    if folder.join("complete").exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let units = (spells / SPELLS) as u32;
    let half: Vec<i64> = population(units).map(pseudonym).collect();
    fs::write(folder.join("population.unit"), half.iter().flat_map(|u| u.to_ne_bytes()).collect::<Vec<_>>())?;
    let mut store = Assembly::new(&folder.join("hap"), "no.bench", units);
    for (name, seed) in [("SPELLS_CODE", 11), ("SPELLS_NUMBER", 12)] {
        let coded = name == "SPELLS_CODE";
        let rows = spells_of(units, seed, coded);
        let values: Vec<i64> = match &rows.values {
            // Codes are written as texts "1" to "9".
            RowValues::Code(places) => places.iter().map(|p| i64::from(*p) + 1).collect(),
            RowValues::Int(numbers) => numbers.clone(),
            RowValues::Date(_) => Vec::new(),
        };
        let columns: [(&str, Vec<u8>); 4] = [
            ("unit", rows.ordinals.iter().flat_map(|o| pseudonym(*o).to_ne_bytes()).collect()),
            ("value", values.iter().flat_map(|v| v.to_ne_bytes()).collect()),
            ("start", rows.starts.iter().flat_map(|d| d.to_ne_bytes()).collect()),
            ("stop", rows.stops.iter().flat_map(|d| d.to_ne_bytes()).collect()),
        ];
        for (part, bytes) in &columns {
            fs::write(folder.join(format!("{name}.{part}")), bytes)?;
        }
        if !python("datastore/files.py").arg(folder).arg(name).status()?.success() {
            return Err("the Parquet files were not made: are the public tools there? (make python-peers)".into());
        }
        for (part, _) in &columns {
            fs::remove_file(folder.join(format!("{name}.{part}")))?;
        }
        store.write(name, metadata(name, coded)?, rows)?;
    }
    store.finish()?;
    Ok(fs::write(folder.join("complete"), "")?)
}

/// The units that a read is limited to: every second.
pub(crate) fn population(units: u32) -> impl Iterator<Item = u32> {
    (0..units).step_by(2)
}

fn spells_of(units: u32, seed: u64, coded: bool) -> Rows {
    let mut numbers = Numbers(seed);
    let n = units as usize * SPELLS;
    let (mut starts, mut stops) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let (mut codes, mut amounts) = (Vec::new(), Vec::new());
    for _ in 0..units {
        // From somewhere in the years 1970 to 2000 on.
        let mut begin = numbers.below(10_957);
        for spell in 0..SPELLS {
            let last = spell == SPELLS - 1;
            let stop = begin + 200 + numbers.below(1_500);
            starts.push(begin);
            stops.push(if last && numbers.below(2) == 0 { i32::MAX } else { stop });
            match coded {
                true => codes.push(numbers.below(CODES as i32) as u32),
                false => amounts.push(i64::from(numbers.below(1_000_000))),
            }
            begin = stop + 1;
        }
    }
    Rows {
        ordinals: (0..units).flat_map(|u| std::iter::repeat_n(u, SPELLS)).collect(),
        starts,
        stops,
        values: if coded { RowValues::Code(codes) } else { RowValues::Int(amounts) },
    }
}

fn metadata(name: &str, coded: bool) -> Result<Metadata, Failure> {
    let text = |t: &str| LangMap::of(t, t, t);
    let from: Date = "1900-01-01".parse().map_err(|_| "a date")?;
    let code = |c: usize| Code { title: text("category"), code: c.to_string(), from: Some(from), until: None };
    let described = Domain::Described { description: text(name), unit: None };
    let listed = Domain::Codes { list: (1..=CODES).map(code).collect(), sentinels: Vec::new(), changes: Vec::new() };
    Ok(Metadata {
        temporality: Temporality::Event,
        sensitivity: "PERSON_GENERAL".to_owned(),
        population: text("synthetic persons"),
        spatial: None,
        subjects: Vec::new(),
        revision: text("first"),
        unit_type: "PERSON".to_owned(),
        title: text(name),
        description: text(name),
        value_type: if coded { ValueType::String } else { ValueType::Long },
        domain: if coded { listed } else { described },
        status_dates: Vec::new(),
    })
}
