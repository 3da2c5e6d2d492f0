//! `hap keys`: the key role.

use std::process::ExitCode;

use super::role;
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
}

/// Runs the command.
///
/// # Errors
/// When the installation has not been prepared, or a part cannot be opened.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Verb::Serve = args.verb.unwrap_or(Verb::Serve);
    let places = Places::new(args.data.data);
    let net = role::net(&places)?;
    zones::keys::start(&net, &places).await?;
    Ok(role::until_stopped("keys", &net).await)
}
