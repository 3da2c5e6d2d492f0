//! `hap ingest`: validate and load packages or dataset folders (DATA-086).

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use datastore::package::PackageKey;
use datastore::{DatastoreError, IngestOptions};

use super::{role, say};
use crate::DataDir;
use crate::places::Places;
use crate::progress::Progress;
use crate::zones;

/// Store for what names none itself and whose ids are not national numbers.
const OTHERWISE: &str = "demo.golden";

/// Arguments of `hap ingest`.
#[derive(clap::Args)]
pub struct Args {
    /// Packages, dataset folders or store folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    data: DataDir,
    /// Store to load into.
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// Private key that opens packages.
    #[arg(long, value_name = "KEY.pem")]
    key: Option<PathBuf>,
    /// Check everything and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command. Exit codes: 0 done, 1 invalid input, 2 usage, 4 a service is not reachable.
///
/// # Errors
/// When the installation has not been prepared, or a part cannot be opened.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let places = Places::new(args.data.data);
    let net = role::net(&places)?;
    let options = IngestOptions {
        store: args.store,
        default_store: Some(OTHERWISE.to_owned()),
        key: args.key.map(|path| PackageKey::read(&path)).transpose()?.map(Arc::new),
        dry_run: args.dry_run,
        allow_opaque: net.published.demo,
        ..IngestOptions::default()
    };
    // The key role answers over HTTPS when it runs as a process of its own; else it is opened here for this job.
    let (net, _keys) = zones::with_keys(net, &places).await?;
    let data = zones::data::open(&net, &places).await?;
    let bar = Progress::new("ingest");
    let outcome = data
        .ingest(&args.paths, &options, &|step| {
            bar.set(step.done as f64 / step.all.max(1) as f64, &format!("{} {}", step.step, step.store));
        })
        .await;
    match outcome {
        Ok(outcome) => {
            bar.done("done");
            for store in outcome.stores {
                let version = store.version.unwrap_or_else(|| "no version".to_owned());
                let what = if store.released { "released" } else { "nothing new" };
                let digest = data.datastore.newest(&store.store).map(|(_, digest)| digest).unwrap_or_default();
                say(format!(
                    "{} {version}: {what}, {} datasets changed, {} rows, digest {}",
                    store.store,
                    store.changes.len(),
                    store.rows,
                    hex::encode(digest)
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            bar.done("failed");
            if let DatastoreError::Invalid(reports) = &error {
                reports.iter().filter(|r| !r.is_valid()).for_each(super::tell);
            }
            say(format!("not loaded: {error}"));
            Ok(ExitCode::from(error.exit_code()))
        }
    }
}
