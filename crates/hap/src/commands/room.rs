//! `hap room`: an analysis room's intake.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use delivery::{exit_code, verify_package};
use protocol::directory::Directory;

use super::{role, say};
use crate::DataDir;
use crate::places::Places;
use crate::zones::{self, Published};

/// Arguments of `hap room`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    data: DataDir,
    /// Name of the room.
    #[arg(long, default_value = zones::ROOM, global = true)]
    room: String,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Receive packages and open them as they come (the default).
    Serve,
    /// Open a delivery that has arrived; again for an opened one prints the same receipt.
    Open {
        /// Id of the delivery: the name of its folder in the inbox.
        delivery: String,
        /// Check everything and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Check a package's manifest, signature and digests, without keys and without network.
    Verify {
        /// Folder of the package.
        path: PathBuf,
    },
    /// Which deliveries have arrived, been opened or been rejected.
    Status {
        /// Only this permit series.
        #[arg(long)]
        permit: Option<String>,
    },
}

/// Runs the command. Exit codes as `delivery.md` DEL-136.
///
/// # Errors
/// When the installation has not been prepared, or a part cannot be opened.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let places = Places::new(args.data.data);
    match args.verb.unwrap_or(Verb::Serve) {
        Verb::Serve => {
            let net = role::net(&places)?;
            zones::room::start(&net, &places, &args.room).await?;
            Ok(role::until_stopped(&format!("room:{}", args.room), &net).await)
        }
        Verb::Open { delivery, dry_run } => {
            let net = role::net(&places)?;
            let (_, intake) = zones::room::open(&net, &places, &args.room).await?;
            let id = delivery.parse().context("the delivery's id")?;
            if dry_run {
                return Ok(match intake.dry_run(id).await {
                    Ok(_) => {
                        say("the package can be opened");
                        ExitCode::SUCCESS
                    }
                    Err(error) => refused(error),
                });
            }
            let outcome = intake.open(id).await;
            match &outcome {
                Ok(opened) => say(serde_json::to_string_pretty(&opened.receipt)?),
                Err(error) => say(format!("not opened: {error}")),
            }
            Ok(ExitCode::from(exit_code(&outcome)))
        }
        Verb::Verify { path } => {
            let directory = Directory::new(Published::read(&places)?.keys);
            match verify_package(&path, &directory) {
                Ok(_) => {
                    say("intact: signature, files and digests agree");
                    Ok(ExitCode::SUCCESS)
                }
                Err(error) => Ok(refused(error)),
            }
        }
        Verb::Status { permit } => {
            let net = role::net(&places)?;
            let (_, intake) = zones::room::open(&net, &places, &args.room).await?;
            let all = intake.status(permit.as_deref()).await.map_err(|e| anyhow::anyhow!("{e}"))?;
            if all.is_empty() {
                say("no deliveries");
            }
            for d in all {
                let source = d.source.unwrap_or_else(|| "?".to_owned());
                let code = d.code.map(|c| format!(" ({c})")).unwrap_or_default();
                say(format!("{}  {}  {}  {}{code}", d.delivery_id, d.series, source, d.state));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn refused(error: delivery::DeliveryError) -> ExitCode {
    say(format!("not opened: {error}"));
    ExitCode::from(exit_code(&Err(error)))
}
