//! What `hap` does in a process of its own, so that its memory can be told.

use std::fs;
use std::path::Path;
use std::time::Instant;

use arrow::buffer::{BooleanBuffer, NullBuffer};
use datastore::package::{self, PackageKey, PublicKey};
use datastore::{Assembly, Columns, PERSON_IDS, validate};
use engine::source::{Column, StoreVersion, Values, VariableSource as _};
use kernel::Date;
use testkit::Seeded;

use super::inputs::{DAY, FROM, TO, population, pseudonym};
use super::{Failure, Folders, Line, keys};

pub(crate) fn run(work: &str, folders: &Folders, repetitions: u32, tasks: &[String]) -> Result<(), Failure> {
    let mut store = None;
    for task in tasks {
        let (first, second) = task.split_once(':').ok_or("a task has two parts")?;
        let mut line = Line {
            tool: "hap".to_owned(),
            task: task.clone(),
            seconds: f64::MAX,
            processor: f64::MAX,
            peak_mb: 0.0,
            check: Vec::new(),
        };
        for _ in 0..repetitions.max(1) {
            forget_peak()?;
            let (watch, check) = match work {
                "handed-in" => handed_in(&folders.handed_in, first, second)?,
                "kept" => kept(&mut store, &folders.kept, first, second)?,
                _ => return Err(format!("no such work: {work}").into()),
            };
            line.seconds = line.seconds.min(watch.seconds);
            line.processor = line.processor.min(watch.processor);
            line.peak_mb = line.peak_mb.max(peak_mb()?);
            line.check = check;
        }
        say(&line)?;
    }
    Ok(())
}

/// Validates, packages or opens a dataset.
fn handed_in(folder: &Path, what: &str, name: &str) -> Result<(Took, Vec<String>), Failure> {
    let out = folder.join("work").join(format!("hap-{what}"));
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let path = folder.join(name);
    let start = Start::now()?;
    match what {
        "validate" => {
            let reports = validate(std::slice::from_ref(&path), None, false)?;
            let took = start.took()?;
            // The lines of the public tool are another rendering of the same findings, made when they are asked for.
            let valid = reports.iter().all(|r| r.is_valid());
            let compat: Vec<String> = validate(&[path], None, true)?.iter().flat_map(|r| r.compat()).collect();
            if valid != compat.is_empty() {
                return Err(format!("{name}: one rendering says valid, the other does not").into());
            }
            Ok((took, compat))
        }
        "package" => {
            let key = PublicKey::read(&keys().join("microdata_public_key.pem"))?;
            package::write(&path, &key, &out, &Seeded::new(7))?;
            Ok((start.took()?, Vec::new()))
        }
        _ => {
            let key = PackageKey::read(&keys().join("microdata_private_key.pem"))?;
            let packed = folder.join("work/hap-package").join(format!("{name}.tar"));
            package::unpack(&packed, Some(&key), &out)?;
            Ok((start.took()?, Vec::new()))
        }
    }
}

/// Reads a variable by the trait that the engine reads by. The store is opened at the first read, which is timed with it.
fn kept(store: &mut Option<Columns>, folder: &Path, name: &str, what: &str) -> Result<(Took, Vec<String>), Failure> {
    let at = StoreVersion { store: "no.bench".to_owned(), version: "1.0.0.0".to_owned() };
    let day = Date::from_days(DAY);
    // A population is a bitmap by ordinal; a script has it in memory when it imports.
    let chosen = match (what, &*store) {
        ("population", Some(columns)) => {
            let units = columns.space_size(PERSON_IDS);
            let mut bits = vec![false; units as usize];
            population(units).for_each(|u| bits[u as usize] = true);
            Some(NullBuffer::new(BooleanBuffer::from(bits)))
        }
        ("population", None) => return Err("a population needs an open store".into()),
        _ => None,
    };
    let start = Start::now()?;
    let columns = match store {
        Some(columns) => columns,
        None => store.insert(Assembly::open(&folder.join("hap"))?),
    };
    if what == "interval" {
        let spells = columns.spells(&at, name, Date::from_days(FROM), Date::from_days(TO))?;
        let took = start.took()?;
        let rows = spells.ordinals.iter().enumerate().map(|(row, ordinal)| (*ordinal, number(&spells.values, row)));
        return Ok((took, check(rows)));
    }
    let mut column = columns.column(&at, name, Some(day))?;
    if let Some(chosen) = chosen {
        let chosen = chosen.slice(0, column.len());
        column.validity = NullBuffer::union(column.validity.as_ref(), Some(&chosen));
    }
    let took = start.took()?;
    let Column { values, .. } = &column;
    let rows = (0..column.len()).filter(|row| column.is_valid(*row)).map(|row| (row as u32, number(values, row)));
    Ok((took, check(rows)))
}

/// What a piece of work took.
struct Took {
    seconds: f64,
    processor: f64,
}

struct Start {
    clock: Instant,
    processor: f64,
}

impl Start {
    fn now() -> Result<Self, Failure> {
        Ok(Self { processor: processor_seconds()?, clock: Instant::now() })
    }

    fn took(&self) -> Result<Took, Failure> {
        let seconds = self.clock.elapsed().as_secs_f64();
        Ok(Took { seconds, processor: processor_seconds()? - self.processor })
    }
}

/// Processor time of all threads of this process.
fn processor_seconds() -> Result<f64, Failure> {
    let mut nanoseconds = 0u64;
    for thread in fs::read_dir("/proc/self/task")? {
        let told = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += told.split_whitespace().next().ok_or("no schedstat")?.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// A value as the public store has it; codes count from 1.
fn number(values: &Values, row: usize) -> i64 {
    match values {
        Values::Code8(v) => i64::from(v[row]) + 1,
        Values::Int8(v) => i64::from(v[row]),
        Values::Int16(v) => i64::from(v[row]),
        Values::Int32(v) => i64::from(v[row]),
        Values::Int64(v) => v[row],
        _ => 0,
    }
}

/// The number of rows, and a sum over them that depends on every unit and value; as in `tests/peers/datastore/read.py`.
fn check(rows: impl Iterator<Item = (u32, i64)>) -> Vec<String> {
    let (mut count, mut sum) = (0u64, 0u64);
    for (ordinal, value) in rows {
        count += 1;
        let weight = (value as u64).wrapping_mul(2).wrapping_add(1);
        sum = sum.wrapping_add((pseudonym(ordinal) as u64).wrapping_mul(weight));
    }
    vec![count.to_string(), sum.to_string()]
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn say(line: &Line) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}

/// The most memory the process has held since [`forget_peak`].
fn peak_mb() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn forget_peak() -> Result<(), Failure> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}
