//! `hap audit`: verifying the logs of an installation or of a copied folder.

use std::path::PathBuf;
use std::process::ExitCode;

use audit::{Options, VerifierKey, verify};
use protocol::directory::KeyRole;

use super::say;
use crate::DataDir;
use crate::places::Places;
use crate::zones::{self, Published};

/// Arguments of `hap audit`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Recompute every tree from its entries and check signatures, sequence and time.
    Verify {
        #[command(flatten)]
        data: DataDir,
        /// A copied log folder, instead of the logs of an installation.
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Only this zone, e.g. `centre`.
        #[arg(long)]
        zone: Option<String>,
        /// Check the bodies against their commitments too.
        #[arg(long)]
        bodies: bool,
        /// An older checkpoint that this log must continue.
        #[arg(long, value_name = "FILE")]
        old: Option<PathBuf>,
        /// One JSON document per log.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command. Exit codes as `audit.md` section 5; the worst of all logs counts.
///
/// # Errors
/// When a log cannot be read at all.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Verb::Verify { data, folder, zone, bodies, old, json } = args.verb;
    let folders = match folder {
        // A folder alone: the keys are those that it names itself.
        Some(folder) => vec![("log".to_owned(), folder, Vec::new())],
        None => {
            let places = Places::new(data.data);
            let published = Published::read(&places)?;
            let log = |party: protocol::Party| {
                let audit = published.keys.iter().filter(|k| k.party == party && k.role == KeyRole::Audit);
                let keys = audit.map(|k| VerifierKey::log(zones::log_origin(&party), k.signing.0)).collect();
                (party.to_string(), places.zone(&party).join("audit"), keys)
            };
            let wanted = |party: &protocol::Party| zone.as_ref().is_none_or(|z| *z == party.to_string());
            zones::parties().into_iter().filter(wanted).map(log).collect::<Vec<_>>()
        }
    };
    anyhow::ensure!(!folders.is_empty(), "no such zone: write centre, keys, data or room:{}", zones::ROOM);
    let old = old.map(std::fs::read_to_string).transpose()?;
    let mut worst = 0;
    for (name, folder, keys) in folders {
        let report = verify(&folder, &Options { keys, bodies, old: old.clone(), ..Options::default() })?;
        worst = worst.max(u8::try_from(report.exit_code()).unwrap_or(1));
        if json {
            say(serde_json::to_string(&report)?);
        } else {
            let verdict = match &report.damage {
                Some(damage) => {
                    let place = damage.index.map(|i| format!(" at entry {i}")).unwrap_or_default();
                    format!("DAMAGED{place}: {:?}", damage.reason)
                }
                None => "intact".to_owned(),
            };
            say(format!("{name}: {verdict}, {} entries, root {}", report.size, report.root));
            if report.missing_bodies > 0 {
                say(format!("{name}: {} bodies are missing without an entry that says why", report.missing_bodies));
            }
        }
    }
    Ok(ExitCode::from(worst))
}
