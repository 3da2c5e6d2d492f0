//! `hap synth`: synthetic registers in the public dataset format.

use std::path::PathBuf;
use std::process::ExitCode;

use super::say;
use crate::progress::Progress;

/// Arguments of `hap synth`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder to write to; one folder per store is made in it.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of persons.
    #[arg(long, default_value_t = 100_000)]
    persons: u32,
    /// The same seed gives the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Every variable of the public list of microdata.no, not only the registers of the demo.
    #[arg(long)]
    catalogue: bool,
}

/// Runs the command.
///
/// # Errors
/// When the folder cannot be written.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let bar = Progress::new("synthetic Norway");
    let settings = synth::Settings { persons: args.persons, seed: args.seed, catalogue: args.catalogue };
    let made = synth::generate(&settings, &args.out, &|what, share| bar.set(share, what))?;
    bar.done(&format!("{} persons, {} datasets, {} rows", made.persons, made.datasets, made.rows));
    say(format!("{}", args.out.display()));
    Ok(ExitCode::SUCCESS)
}
