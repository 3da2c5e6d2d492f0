//! Measures reading, checking and serving of datasets against public tools (DATA-096): the same files, the same machine, the
//! same run. Run by `cargo xtask bench datastore [--rows N] [--spells N]`; prints Markdown.
//!
//! Validation and packages: Statistics Norway's `microdata-tools`, at the version of `tests/peers/requirements.txt`. Reading
//! at a date: the public service that does it is not on PyPI, so what it is built on stands in for it (pyarrow with the
//! filters of that service, over the Parquet that it keeps), and Polars and DuckDB beside it. Before anything is printed
//! the results are compared: the same lines about faulty datasets, the same rows out of the stores, the same bytes out of
//! packages. Every tool has a process of its own.

mod child;
mod inputs;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// One task of one tool, as its process tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    tool: String,
    task: String,
    /// The best of the repetitions.
    seconds: f64,
    /// Seconds of processor time, of all threads; the least of the repetitions. Says more than the clock on a machine that
    /// does other things too.
    processor: f64,
    /// The most memory that the process held in that task.
    peak_mb: f64,
    /// What all tools must agree on.
    check: Vec<String>,
}

type Failure = Box<dyn std::error::Error>;

struct Options {
    rows: usize,
    spells: usize,
    repetitions: u32,
    child: Option<String>,
    tasks: Vec<String>,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { rows: 1_000_000, spells: 10_000_000, repetitions: 3, child: None, tasks: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--rows" => options.rows = value()?.parse()?,
            "--spells" => options.spells = value()?.parse()?,
            "--repetitions" => options.repetitions = value()?.parse()?,
            "--child" => options.child = Some(value()?),
            task if options.child.is_some() => options.tasks.push(task.to_owned()),
            _ => return Err(format!("unknown: {argument}").into()),
        }
    }
    Ok(options)
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Key files of the public tool's own material.
fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

fn python(script: &str) -> Command {
    let root = root();
    let mut command = Command::new(root.join(".venv/bin/python"));
    command.arg(root.join("tests/peers").join(script));
    command
}

/// Drops the files below a folder from the operating system's memory.
fn evict(folder: &Path) -> Result<(), Failure> {
    match python("engine/evict.py").arg(folder).status()?.success() {
        true => Ok(()),
        false => Err("the files could not be dropped from memory".into()),
    }
}

/// Runs a process and reads the JSON lines that it prints.
fn lines(command: &mut Command) -> Result<Vec<Line>, Failure> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: are the public tools there? (make python-peers)").into());
    }
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What is done with datasets that are handed in.
fn handed_in(valid: &[&str], faulty: &[&str]) -> Vec<String> {
    let validate = valid.iter().chain(faulty).map(|name| format!("validate:{name}"));
    validate.chain(["package:EVENT".to_owned(), "unpack:EVENT".to_owned()]).collect()
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let bench = root().join("target/bench/datastore");
    let folders = Folders {
        handed_in: bench.join(format!("rows-{}", options.rows)),
        kept: bench.join(format!("spells-{}", options.spells)),
    };
    if let Some(work) = &options.child {
        return child::run(work, &folders, options.repetitions, &options.tasks);
    }
    inputs::handed_in(&folders.handed_in, options.rows)?;
    inputs::kept(&folders.kept, options.spells)?;

    let repetitions = options.repetitions.to_string();
    let itself = std::env::current_exe()?;
    let own = |work: &str, repetitions: &str, tasks: &[String]| {
        let mut command = Command::new(&itself);
        let sizes = [options.rows.to_string(), options.spells.to_string()];
        command.args(["--rows", &sizes[0], "--spells", &sizes[1], "--repetitions", repetitions]);
        lines(command.args(["--child", work]).args(tasks))
    };

    let tasks = handed_in(inputs::VALID, inputs::FAULTY);
    let work = folders.handed_in.join("work");
    fs::create_dir_all(&work)?;
    let mut public = python("datastore/public_tool.py");
    public.args([&folders.handed_in, &keys(), &work]).arg(&repetitions).args(&tasks);
    let mut all = lines(&mut public)?;
    all.extend(own("handed-in", &repetitions, &tasks)?);
    report::same(&all)?;
    report::same_bytes(&folders.handed_in)?;

    let tasks: Vec<String> = inputs::READS.iter().map(|(task, _)| (*task).to_owned()).collect();
    let reader = |tool: &str, repetitions: &str, tasks: &[String]| {
        let mut command = python("datastore/read.py");
        command.arg(tool).arg(&folders.kept).args([inputs::DAY, inputs::FROM, inputs::TO].map(|d| d.to_string()));
        lines(command.arg(repetitions).args(tasks))
    };
    let mut read = Vec::new();
    for tool in inputs::READERS {
        read.extend(reader(tool, &repetitions, &tasks)?);
    }
    read.extend(own("kept", &repetitions, &tasks)?);
    report::same(&read)?;

    // The first read of a process, with files out of memory.
    let first = &tasks[..1];
    let mut cold = Vec::new();
    for tool in inputs::READERS {
        evict(&folders.kept)?;
        cold.extend(reader(tool, "1", first)?);
    }
    evict(&folders.kept)?;
    cold.extend(own("kept", "1", first)?);
    report::same(&cold)?;
    report::print(&options, &all, &read, &cold);
    Ok(())
}

struct Folders {
    /// Datasets in the format of holders.
    handed_in: PathBuf,
    /// Spells as the public store keeps them, and as ours does.
    kept: PathBuf,
}
