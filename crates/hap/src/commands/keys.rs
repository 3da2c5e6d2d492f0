//! `hap keys`: the key role.

use std::process::ExitCode;

use super::{role, say};
use crate::DataDir;
use crate::places::Places;
use crate::zones;

/// Arguments of `hap keys`.
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
    /// Change the keys of the disclosure gate, which begins a new gate ledger: only while the key role and the data role are
    /// stopped, and on a decision of two persons (SDC-030).
    RotateGate {
        /// Account of the key officer.
        #[arg(long, value_name = "ACCOUNT")]
        officer: String,
        /// Account of the disclosure steward who decided it with her.
        #[arg(long, value_name = "ACCOUNT")]
        steward: String,
        /// Why; it is kept in the log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the installation has not been prepared, or a part cannot be opened.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let places = Places::new(args.data.data);
    let net = role::net(&places)?;
    if let Some(Verb::RotateGate { officer, steward, reason }) = args.verb {
        let epoch = zones::keys::open(&net, &places).await?.rotate_gate(&officer, &steward, &reason).await?;
        say(format!("The keys of the gate are those of epoch {epoch}. Start the key role, then the data role."));
        return Ok(ExitCode::SUCCESS);
    }
    zones::keys::start(&net, &places).await?;
    Ok(role::until_stopped("keys", &net).await)
}
