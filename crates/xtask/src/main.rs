//! Checks that need the whole workspace, run as `cargo xtask NAME`. Nothing depends on this crate.

mod attack;
mod bench;
mod cases;
mod deps;
mod docs;
mod files;
mod fuzz;
mod licences;
mod rules;
mod table;
mod texts;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks that need the whole workspace.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Who may import whom, who may name what, and how files look.
    CheckDeps,
    /// Licences of everything that is used, and that each direct dependency is explained.
    CheckLicences,
    /// Fluent texts: every language has every key, no key is unused or missing.
    CheckTexts,
    /// The page about the commands says what the help texts say.
    CheckDocs,
    /// All checks.
    Check,
    /// Write the page about the commands, `docs/commands.md`.
    Docs,
    /// Try random inputs for as long as told: `engine` (against the reference interpreter) or `script`.
    Fuzz {
        /// Which one.
        name: String,
        /// How long.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Where to begin; the day's when none is given.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Attack the disclosure gate; fails when a limit of the suite is broken.
    Attack {
        /// Ten registers with 200 targets each, which takes hours, instead of two with 60.
        #[arg(long)]
        full: bool,
        /// Handed to the suite: `--seeds N`, `--targets N`, or the attacks to run, such as `A1` or `utility`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compute the reference cases of a folder with the estimators.
    Cases {
        /// Holds `cases.json` and the data.
        folder: std::path::PathBuf,
    },
    /// Run a benchmark, or all of them.
    Bench {
        /// Which one.
        name: Option<String>,
        /// Handed to the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, requires = "name")]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let (name, found) = match Cli::parse().task {
        Task::CheckDeps => ("check-deps", deps()),
        Task::CheckLicences => ("check-licences", licences::check()),
        Task::CheckTexts => ("check-texts", texts::check()),
        Task::CheckDocs => ("check-docs", docs::check()),
        Task::Check => ("check", all()),
        Task::Docs => ("docs", docs::write()),
        Task::Fuzz { name, seconds, seed } => ("fuzz", fuzz::run(&name, seconds, seed)),
        Task::Attack { full, arguments } => ("attack", attack::run(full, &arguments)),
        Task::Cases { folder } => ("cases", cases::run(&folder)),
        Task::Bench { name, arguments } => ("bench", bench::run(name.as_deref(), &arguments)),
    };
    report(name, found)
}

fn deps() -> anyhow::Result<Vec<String>> {
    let mut found = deps::check()?;
    found.extend(rules::check()?);
    Ok(found)
}

fn all() -> anyhow::Result<Vec<String>> {
    let mut found = deps()?;
    found.extend(licences::check()?);
    found.extend(texts::check()?);
    found.extend(docs::check()?);
    Ok(found)
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn report(name: &str, found: anyhow::Result<Vec<String>>) -> ExitCode {
    match found {
        Ok(faults) if faults.is_empty() => {
            println!("{name}: nothing to object");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            for fault in &faults {
                println!("{fault}");
            }
            println!("{name}: {} to mend", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{name} could not be run: {error:#}");
            ExitCode::from(2)
        }
    }
}
