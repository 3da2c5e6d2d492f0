//! Measures the estimators against public tools (ENG-001 T5 to T7, STAT-403): the same numbers, the same machine, the same run.
//! Run by `cargo xtask bench statistics [--persons N] [--rows N] [--blas THREADS]`; prints Markdown.
//!
//! The data come from `tests/peers/statistics/data.py`, which takes the people from the registers of the engine's benchmark; the
//! peers are those of `tests/peers/statistics/fit.py`, each in a process of its own (`tests/peers/statistics/requirements.txt`,
//! to be installed into `.venv`). Both sides read the same doubles into memory before anything is timed, and every coefficient
//! and standard error is compared before a time is told.

mod models;
mod report;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

/// One task of one tool.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    tool: String,
    task: String,
    seconds: f64,
    /// Of all threads together.
    processor: f64,
    /// Coefficients, standard errors, and what else all tools must agree on.
    check: Vec<f64>,
}

type Failure = Box<dyn std::error::Error>;

/// The peers, fastest first.
const PEERS: [&str; 5] = ["polars", "duckdb", "statsmodels", "lifelines", "linearmodels"];

struct Options {
    persons: u32,
    rows: u32,
    repetitions: u32,
    /// With how many threads the peers multiply matrices; else as many as they like. On a busy machine one is the fastest.
    blas: Option<u32>,
    /// Measures `hap` alone, as when looking for what takes time.
    alone: bool,
    /// Measures this task alone.
    only: Option<String>,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { persons: 100_000, rows: 100_000, repetitions: 3, blas: None, alone: false, only: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--persons" => options.persons = value()?.parse()?,
            "--rows" => options.rows = value()?.parse()?,
            "--repetitions" => options.repetitions = value()?.parse()?,
            "--blas" => options.blas = Some(value()?.parse()?),
            "--alone" => options.alone = true,
            "--only" => options.only = Some(value()?),
            _ => return Err(format!("unknown: {argument}").into()),
        }
    }
    Ok(options)
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python(script: &str) -> Command {
    let root = root();
    let mut command = Command::new(root.join(".venv/bin/python"));
    command.arg(root.join("tests/peers").join(script));
    command
}

fn done(command: &mut Command) -> Result<(), Failure> {
    if command.status()?.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed: are the peers in .venv? (pip install -r tests/peers/statistics/requirements.txt)")
        .into())
}

/// Makes what is not there.
fn generate(options: &Options) -> Result<PathBuf, Failure> {
    let bench = root().join("target/bench");
    let registers = bench.join(options.persons.to_string());
    let folder = bench.join(format!("statistics-{}-{}", options.persons, options.rows));
    // The last files that are written.
    if !registers.join("dispensing.parquet").exists() {
        done(python("engine/registers.py").arg(&registers).arg(options.persons.to_string()))?;
    }
    if !folder.join("panel/x4.f64").exists() {
        done(python("statistics/data.py").arg(&registers).arg(&folder).arg(options.rows.to_string()))?;
    }
    Ok(folder)
}

fn peer(tool: &str, folder: &Path, options: &Options) -> Result<Vec<Line>, Failure> {
    let mut command = python("statistics/fit.py");
    if let Some(threads) = options.blas {
        command.env("OPENBLAS_NUM_THREADS", threads.to_string());
    }
    let output =
        command.arg(tool).arg(folder).arg(options.repetitions.to_string()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{tool} failed").into());
    }
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Processes that wanted a processor in the last minute, where the system tells.
fn load() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split(' ').next().unwrap_or_default().to_owned()
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let folder = generate(&options)?;
    let before = load();
    let own = models::measure(&folder, options.repetitions, options.only.as_deref())?;
    let after = load();
    let mut peers = Vec::new();
    for tool in if options.alone || options.only.is_some() { &[] } else { &PEERS[..] } {
        peers.extend(peer(tool, &folder, &options)?);
    }
    report::compare(&own, &peers)?;
    report::print(&own, &peers, options.blas, [&before, &after, &load()]);
    Ok(())
}
