//! The generated registers as a store of `hap`: the rows of the Parquet files by ordinal, through the writer of ingested
//! data. A person's ordinal is her place in the order of ids.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{Date32Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datastore::{Assembly, Code, Domain, Metadata, RowValues, Rows, ValueType};
use kernel::LangMap;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use script::Temporality;

use super::Failure;

/// Name of the store.
pub(crate) const STORE: &str = "no.hap.bench";

/// How the values of a register become those of a variable.
enum Kind {
    /// Codes as texts of so many digits.
    Digits(usize),
    /// Codes as they are.
    Codes,
    /// Whole numbers with a code list.
    Levels,
    Number,
    Date,
}

const REGISTERS: [(&str, Temporality, Kind); 10] = [
    ("sex", Temporality::Fixed, Kind::Digits(1)),
    ("birth", Temporality::Fixed, Kind::Number),
    ("country", Temporality::Fixed, Kind::Number),
    ("death", Temporality::Fixed, Kind::Date),
    ("municipality", Temporality::Event, Kind::Digits(4)),
    ("marital", Temporality::Event, Kind::Digits(1)),
    ("education", Temporality::Event, Kind::Levels),
    ("income", Temporality::Accumulated, Kind::Number),
    ("diagnosis", Temporality::Event, Kind::Codes),
    ("dispensing", Temporality::Event, Kind::Codes),
];

/// Writes the store below `to`.
pub(crate) fn convert(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut units = Vec::new();
    for batch in batches(from, "sex")? {
        units.extend_from_slice(batch?.column(0).as_primitive::<Int64Type>().values());
    }
    let mut assembly = Assembly::new(to, STORE, units.len() as u32);
    for (name, temporality, kind) in REGISTERS {
        eprintln!("writing {name}");
        let (rows, codes) = rows(from, name, &units, &kind)?;
        assembly.write(&name.to_uppercase(), metadata(name, temporality, &kind, codes)?, rows)?;
    }
    assembly.finish()?;
    Ok(())
}

type Batches = parquet::arrow::arrow_reader::ParquetRecordBatchReader;

fn batches(folder: &Path, name: &str) -> Result<Batches, Failure> {
    let file = File::open(folder.join(format!("{name}.parquet")))?;
    Ok(ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(1 << 16).build()?)
}

fn numbers(array: &ArrayRef) -> Vec<i64> {
    if let Some(v) = array.as_primitive_opt::<Int8Type>() {
        v.values().iter().map(|x| i64::from(*x)).collect()
    } else if let Some(v) = array.as_primitive_opt::<Int16Type>() {
        v.values().iter().map(|x| i64::from(*x)).collect()
    } else if let Some(v) = array.as_primitive_opt::<Int32Type>() {
        v.values().iter().map(|x| i64::from(*x)).collect()
    } else {
        array.as_primitive::<Int64Type>().values().to_vec()
    }
}

/// Days; a missing one has not come yet.
fn days(batch: &RecordBatch, name: &str) -> Vec<i32> {
    let Some(array) = batch.column_by_name(name) else { return Vec::new() };
    array.as_primitive::<Date32Type>().iter().map(|day| day.unwrap_or(i32::MAX)).collect()
}

/// The rows of a register, and its codes in order.
fn rows(folder: &Path, name: &str, units: &[i64], kind: &Kind) -> Result<(Rows, Vec<String>), Failure> {
    let mut rows =
        Rows { ordinals: Vec::new(), starts: Vec::new(), stops: Vec::new(), values: RowValues::Int(Vec::new()) };
    let mut ordinal = 0;
    let mut whole: Vec<i64> = Vec::new();
    // Codes are numbered as they are met, and put in order at the end.
    let mut known: HashMap<String, u32> = HashMap::new();
    for batch in batches(folder, name)? {
        let batch = batch?;
        for unit in batch.column(0).as_primitive::<Int64Type>().values() {
            while units[ordinal] < *unit {
                ordinal += 1;
            }
            rows.ordinals.push(ordinal as u32);
        }
        rows.starts.extend(days(&batch, "start"));
        rows.stops.extend(days(&batch, "stop"));
        let values = batch.column(1);
        match kind {
            Kind::Codes => {
                let new = |known: &HashMap<String, u32>| known.len() as u32;
                for text in values.as_string::<i32>().iter().flatten() {
                    let number = known.get(text).copied().unwrap_or_else(|| {
                        let number = new(&known);
                        known.insert(text.to_owned(), number);
                        number
                    });
                    whole.push(i64::from(number));
                }
            }
            Kind::Date => whole.extend(days(&batch, "value").into_iter().map(i64::from)),
            _ => whole.extend(numbers(values)),
        }
    }
    let mut codes: Vec<String> = Vec::new();
    rows.values = match kind {
        Kind::Number => RowValues::Int(whole),
        Kind::Date => RowValues::Date(whole.into_iter().map(|d| d as i32).collect()),
        Kind::Codes => {
            let mut listed: Vec<(String, u32)> = known.into_iter().collect();
            listed.sort_unstable();
            let mut place = vec![0u32; listed.len()];
            listed.iter().enumerate().for_each(|(i, (_, number))| place[*number as usize] = i as u32);
            codes.extend(listed.into_iter().map(|(code, _)| code));
            RowValues::Code(whole.into_iter().map(|n| place[n as usize]).collect())
        }
        Kind::Digits(_) | Kind::Levels => {
            let width = if let Kind::Digits(width) = kind { *width } else { 1 };
            let mut listed = whole.clone();
            listed.sort_unstable();
            listed.dedup();
            codes.extend(listed.iter().map(|n| format!("{n:0width$}")));
            RowValues::Code(whole.iter().map(|n| listed.partition_point(|x| x < n) as u32).collect())
        }
    };
    Ok((rows, codes))
}

fn metadata(name: &str, temporality: Temporality, kind: &Kind, codes: Vec<String>) -> Result<Metadata, Failure> {
    let text = |t: &str| LangMap::of(t, t, t);
    let from = Some("1900-01-01".parse().map_err(|_| "a date")?);
    let code = |code: String| Code { title: text(&code), code, from, until: None };
    let domain = if codes.is_empty() {
        Domain::Described { description: text(name), unit: None }
    } else {
        Domain::Codes { list: codes.into_iter().map(code).collect(), sentinels: Vec::new(), changes: Vec::new() }
    };
    Ok(Metadata {
        temporality,
        sensitivity: "PERSON_GENERAL".to_owned(),
        population: text("synthetic persons"),
        spatial: None,
        subjects: Vec::new(),
        revision: text("first"),
        unit_type: "PERSON".to_owned(),
        title: text(name),
        description: text(name),
        value_type: match kind {
            Kind::Digits(_) | Kind::Codes => ValueType::String,
            Kind::Levels | Kind::Number => ValueType::Long,
            Kind::Date => ValueType::Date,
        },
        domain,
        status_dates: Vec::new(),
    })
}
