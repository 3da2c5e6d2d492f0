//! `hap data`: the data role, and checking what a register would send.

use std::path::PathBuf;
use std::process::ExitCode;

use datastore::package::PackageKey;

use super::{role, say};
use crate::DataDir;
use crate::places::Places;
use crate::zones;

/// Arguments of `hap data`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    data: DataDir,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Start the role (the default).
    Serve,
    /// Check dataset folders or packages as an ingest would, and write nothing.
    Validate {
        /// Dataset folders, store folders or packages.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Private key that opens packages.
        #[arg(long, value_name = "KEY.pem")]
        key: Option<PathBuf>,
        /// Messages in the words of the public tool.
        #[arg(long)]
        compat: bool,
        /// One JSON document per dataset.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command. `validate` ends with 0 valid, 1 invalid, 2 usage (DATA-042).
///
/// # Errors
/// When the installation has not been prepared, or a part cannot be opened.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb.unwrap_or(Verb::Serve) {
        Verb::Serve => {
            let places = Places::new(args.data.data);
            let net = role::net(&places)?;
            let data = zones::data::open(&net, &places).await?;
            zones::data::start(&net, data).await?;
            Ok(role::until_stopped("data", &net).await)
        }
        Verb::Validate { paths, key, compat, json } => {
            let key = key.map(|path| PackageKey::read(&path)).transpose()?;
            let reports = match datastore::validate(&paths, key.as_ref(), compat) {
                Ok(reports) => reports,
                Err(error) => {
                    say(format!("{error}"));
                    return Ok(ExitCode::from(error.exit_code()));
                }
            };
            for report in &reports {
                if json {
                    say(report.json().to_string());
                } else if compat {
                    report.compat().iter().for_each(say);
                } else {
                    super::tell(report);
                }
            }
            Ok(if reports.iter().all(datastore::Report::is_valid) { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}
