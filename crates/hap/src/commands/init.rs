//! `hap init`: folders, keystores, certificates and the published list of an installation.

use std::process::ExitCode;

use super::say;
use crate::DataDir;
use crate::places::Places;
use crate::zones;

/// Arguments of `hap init`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataDir,
    /// Mark the installation as a demo: synthetic people only, personas log in without proof.
    #[arg(long)]
    demo: bool,
    /// First of the ports at which the zones answer each other on this machine.
    #[arg(long, default_value_t = 8181)]
    first_port: u16,
}

/// Prepares the installation.
///
/// # Errors
/// When a folder cannot be written.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let places = Places::new(args.data.data);
    let published = zones::prepare(&places, args.demo, args.first_port)?;
    say(format!("installation in {}", places.root().display()));
    for party in zones::parties() {
        if let Some(address) = published.addresses.get(&party) {
            say(format!("  {party}: {}, answers at {}", places.zone(&party).display(), address.listen));
        }
    }
    Ok(ExitCode::SUCCESS)
}
