//! `hap`: one program, many roles. This crate holds what only the whole program knows: commands, configuration, the
//! keystore of each role, and the channels between roles. No rule of any area stands here.

mod commands;
mod outside;
mod places;
mod progress;
mod seal;
#[cfg(test)]
mod site_tests;
mod system;
mod tour;
mod transport;
mod zones;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Finds health data, explores them anonymously, decides about access, delivers them, and shows citizens every use.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything on one machine with synthetic people, at http://127.0.0.1:8080.
    Demo(commands::demo::Args),
    /// Walk the whole chain against a running demo, as every persona in turn, and print what was proved.
    Tour(tour::Args),
    /// Prepare the folders, keys and published key list of all roles of an installation.
    Init(commands::init::Args),
    /// The centre: catalogue, cases, permits, pages and API.
    Serve(commands::role::Args),
    /// The key role: identity index, linking keys, release ledger, choices.
    Keys(commands::keys::Args),
    /// The data role: datastore, engine, disclosure gate, extraction.
    Data(commands::data::Args),
    /// The room role: opens deliveries in an analysis room.
    Room(commands::room::Args),
    /// Validate and load packages or dataset folders.
    Ingest(commands::ingest::Args),
    /// Make synthetic registers in the public dataset format.
    Synth(commands::synth::Args),
    /// Run or check an analysis script.
    Explore(commands::explore::Args),
    /// Check files that are to leave an analysis room.
    Egress(commands::egress::Args),
    /// Show and change the disclosure policies.
    Policy(commands::policy::Args),
    /// Verify and search the audit logs.
    Audit(commands::audit::Args),
}

/// Where an installation lives on this machine.
#[derive(clap::Args, Clone, Debug)]
struct DataDir {
    /// Folder of the installation.
    #[arg(long, value_name = "DIR", default_value = "data", env = "HAP_DATA", global = true)]
    data: PathBuf,
}

/// Address that a role listens at.
#[derive(clap::Args, Clone, Debug)]
struct Listen {
    /// Address and port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HAP_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    hide_panic_content();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into(), 20),
    };
    let done = runtime.block_on(run(Cli::parse().command));
    // Work on blocking threads (a long scan, say) must not hold the end back.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) => fail(&error, 1),
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => commands::demo::run(args).await,
        Command::Tour(args) => tour::run(args).await,
        Command::Init(args) => commands::init::run(args).await,
        Command::Serve(args) => commands::role::serve(args).await,
        Command::Keys(args) => commands::keys::run(args).await,
        Command::Data(args) => commands::data::run(args).await,
        Command::Room(args) => commands::room::run(args).await,
        Command::Ingest(args) => commands::ingest::run(args).await,
        Command::Synth(args) => commands::synth::run(args),
        Command::Explore(args) => commands::explore::run(args).await,
        Command::Egress(args) => commands::egress::run(&args),
        Command::Policy(args) => commands::policy::run(args),
        Command::Audit(args) => commands::audit::run(args).await,
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    tracing::debug!(?error, "failed");
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("hap: {}\n", chain.join(": ")).as_bytes());
    ExitCode::from(code)
}

/// A panic says where it happened and nothing of what it was working on (SDC-006): values must not reach a log.
fn hide_panic_content() {
    std::panic::set_hook(Box::new(|info| {
        let place =
            info.location().map_or_else(|| "unknown place".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        tracing::error!(place, "E_INTERNAL");
    }));
}
