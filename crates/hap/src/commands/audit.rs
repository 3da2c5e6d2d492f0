//! `hap audit`: verifying the logs of an installation or of a copied folder; their state; proofs of single entries.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use audit::note::SignedCheckpoint;
use audit::{Options, Proof, VerifierKey, verify};
use protocol::directory::KeyRole;

use super::say;
use crate::DataDir;
use crate::places::Places;
use crate::zones::{self, Published, anchor};

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
    /// Size and root of each zone's log, and when other zones cosigned it last.
    Status {
        #[command(flatten)]
        data: DataDir,
    },
    /// Print the proof that an entry is in a zone's log, as JSON.
    Prove {
        #[command(flatten)]
        data: DataDir,
        /// The zone, e.g. `centre`.
        #[arg(long)]
        zone: String,
        /// Number of the entry.
        #[arg(long)]
        index: u64,
    },
    /// Check a proof with the published keys alone.
    CheckProof {
        #[command(flatten)]
        data: DataDir,
        /// File with the proof.
        file: PathBuf,
    },
}

/// Runs the command. Exit codes as `audit.md` section 5; the worst of all logs counts.
///
/// # Errors
/// When a log cannot be read at all.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (data, folder, zone, bodies, old, json) = match args.verb {
        Verb::Verify { data, folder, zone, bodies, old, json } => (data, folder, zone, bodies, old, json),
        Verb::Status { data } => return status(&Places::new(data.data)),
        Verb::Prove { data, zone, index } => return prove(&Places::new(data.data), &zone, index),
        Verb::CheckProof { data, file } => return check_proof(&Places::new(data.data), &file),
    };
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

fn status(places: &Places) -> anyhow::Result<ExitCode> {
    let published = Published::read(places)?;
    for party in zones::parties() {
        let folder = places.zone(&party).join("audit");
        let Ok(note) = std::fs::read_to_string(folder.join("checkpoint")) else {
            say(format!("{party}: no checkpoint yet"));
            continue;
        };
        let signed = SignedCheckpoint::parse(&note).with_context(|| format!("the checkpoint of {party}"))?;
        let key = anchor::log_key(&published, &party).context("no key is published for this log")?;
        signed.check(&[key]).with_context(|| format!("the checkpoint of {party}"))?;
        let witnesses = anchor::witness_keys(&published, &party);
        let cosigned = match std::fs::read_to_string(folder.join("witnessed")) {
            Ok(note) => {
                SignedCheckpoint::parse(&note).and_then(|s| Ok((s.checkpoint.size, s.witnessed(&witnesses)?)))?
            }
            Err(_) => (0, None),
        };
        let checkpoint = &signed.checkpoint;
        let witnessed = match cosigned {
            (size, Some(at)) => format!("cosigned by other zones at {size} entries on {at}"),
            _ => "not cosigned by other zones yet".to_owned(),
        };
        say(format!("{party}: {} entries, root {}, {witnessed}", checkpoint.size, hex::encode(checkpoint.root)));
    }
    Ok(ExitCode::SUCCESS)
}

fn prove(places: &Places, zone: &str, index: u64) -> anyhow::Result<ExitCode> {
    let party = zones::parties().into_iter().find(|party| party.to_string() == zone);
    let party = party.with_context(|| format!("no such zone: write centre, keys, data or room:{}", zones::ROOM))?;
    let proof = audit::prove(&places.zone(&party).join("audit"), index)
        .with_context(|| format!("entry {index} of {party}: `hap audit status` tells how many entries there are"))?;
    say(serde_json::to_string_pretty(&proof)?);
    Ok(ExitCode::SUCCESS)
}

fn check_proof(places: &Places, file: &Path) -> anyhow::Result<ExitCode> {
    let published = Published::read(places)?;
    let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let proof: Proof = serde_json::from_slice(&text).with_context(|| format!("{} is no proof", file.display()))?;
    let keys: Vec<VerifierKey> =
        zones::parties().iter().filter_map(|party| anchor::log_key(&published, party)).collect();
    match proof.check(&keys) {
        Ok(envelope) => {
            say(format!(
                "entry {} is in the log {}: {} at {}",
                proof.index,
                proof.origin,
                envelope.k,
                kernel::Timestamp::from_micros(envelope.t)
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            say(format!("the proof does not hold: {error}"));
            Ok(ExitCode::from(1))
        }
    }
}
