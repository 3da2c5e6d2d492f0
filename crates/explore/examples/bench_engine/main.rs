//! Measures the engine against public tools (ENG-001): the same registers, the same machine, the same run. Run by
//! `cargo xtask bench engine [--persons N]`; prints Markdown.
//!
//! The registers come from `tests/peers/engine/registers.py`, the peers are DuckDB and Polars in
//! `tests/peers/engine/tasks.py` (`make python-peers` installs them). `hap` runs whole scripts through the same runner as
//! `hap explore run`, in a process that has served before, gate and its ledger included. Before anything is timed the raw
//! results are compared with those of the peers: counts exactly, sums to 1e-9. Every tool has a process of its own.

mod child;
mod registers;
mod report;
mod tasks;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// One task of one tool, as its process tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    tool: String,
    task: String,
    #[serde(default)]
    seconds: f64,
    /// The same with imports that another run has made before; `hap` alone.
    #[serde(default)]
    cached: Option<f64>,
    /// The first time in a process.
    #[serde(default)]
    first: Option<f64>,
    #[serde(default)]
    peak_mb: f64,
    /// Numbers that all tools must agree on.
    #[serde(default)]
    check: Vec<f64>,
    /// Why there is no result.
    #[serde(default)]
    error: Option<String>,
}

type Failure = Box<dyn std::error::Error>;

struct Options {
    persons: u32,
    repetitions: u32,
    /// Compare results only, as in a test.
    check: bool,
    child: Option<String>,
    /// The one task to run in a child, where it is not all of them.
    task: Option<String>,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { persons: 100_000, repetitions: 5, check: false, child: None, task: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--persons" => options.persons = value()?.parse()?,
            "--repetitions" => options.repetitions = value()?.parse()?,
            "--child" => options.child = Some(value()?),
            "--task" => options.task = Some(value()?),
            "--check" => options.check = true,
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
    command.arg(root.join("tests/peers/engine").join(script));
    command
}

/// Runs a process and reads the JSON lines that it prints.
fn lines(command: &mut Command) -> Result<Vec<Line>, Failure> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn generate(folder: &Path, persons: u32) -> Result<(), Failure> {
    if !folder.join("dispensing.parquet").exists() {
        let status = python("registers.py").arg(folder).arg(persons.to_string()).status()?;
        if !status.success() {
            return Err("the registers could not be generated: is .venv there? (make python-peers)".into());
        }
    }
    let store = folder.join("hap");
    if datastore::Assembly::open(&store).is_err() {
        if store.exists() {
            std::fs::remove_dir_all(&store)?;
        }
        registers::convert(folder, &store)?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let folder = root().join("target/bench").join(options.persons.to_string());
    if let Some(work) = &options.child {
        return child::run(work, &folder, options.repetitions, options.task.as_deref());
    }
    generate(&folder, options.persons)?;
    let itself = std::env::current_exe()?;
    let own = |work: &str| {
        let mut command = Command::new(&itself);
        let numbers = [options.persons.to_string(), options.repetitions.to_string()];
        command.args(["--child", work, "--persons", &numbers[0], "--repetitions", &numbers[1]]);
        lines(&mut command)
    };
    let mut peers = Vec::new();
    for peer in ["duckdb-tables", "duckdb", "polars"] {
        let repetitions = if options.check { 1 } else { options.repetitions.min(3) };
        peers.extend(lines(python("tasks.py").arg(peer).arg(&folder).arg(repetitions.to_string()))?);
    }
    let checked = report::compare(&own("check")?, &peers)?;
    if options.check {
        report::print_check(options.persons, &checked);
        return Ok(());
    }
    // First, so that what is warm afterwards was read from disk, and not left in memory as it was written.
    let cold = own("cold")?;
    let measured = own("warm")?;
    let floor = own("floor")?;
    report::print(options.persons, &checked, &measured, &cold, &floor, &peers);
    Ok(())
}
