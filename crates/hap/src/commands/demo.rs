//! `hap demo`: all roles in one process on embedded storage, with synthetic people.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use identity::DemoPerson;
use kernel::Date;
use kernel::identity_number::{Environment, IdentityNumber, Rules};
use protocol::peer::Switchboard;
use tokio::net::TcpListener;

use super::{role, say};
use crate::places::Places;
use crate::progress::Progress;
use crate::zones::{self, Net, ROOM};

/// Arguments of `hap demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the demo; everything it makes is in there.
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Port of the pages on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Number of synthetic persons, when the folder is new.
    #[arg(long, default_value_t = 100_000)]
    persons: u32,
    /// Seed of the synthetic persons, when the folder is new.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Make and load everything, then end.
    #[arg(long)]
    prepare_only: bool,
}

/// Starts the demo.
///
/// # Errors
/// When a part cannot be opened or the port is taken.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    // The port first: a port that is taken should be known before a minute has gone into making people.
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .await
        .with_context(|| format!("port {} is taken: choose another with --port", args.port))?;
    let places = Places::new(&args.data);
    let published = Arc::new(zones::prepare(&places, true, 8181)?);
    anyhow::ensure!(published.demo, "{} is not a demo: choose another folder with --data", args.data.display());
    let net = Net { published, switchboard: Some(Arc::new(Switchboard::default())), stop: role::stop_signal() };
    let services =
        open(&net, &places, synth::Settings { persons: args.persons, seed: args.seed, catalogue: false }).await?;
    if args.prepare_only {
        return Ok(ExitCode::SUCCESS);
    }
    say(format!("hap is ready at http://{} ({:.1} s)", listener.local_addr()?, started.elapsed().as_secs_f64()));
    role::site(listener, services, net.stop.clone()).await?;
    Ok(ExitCode::SUCCESS)
}

/// All zones in one process, with synthetic people and personas.
///
/// # Errors
/// When a part cannot be opened, or the people cannot be made or loaded.
pub async fn open(net: &Net, places: &Places, settings: synth::Settings) -> anyhow::Result<web::Services> {
    zones::keys::start(net, places).await?;
    let data = zones::data::open(net, places).await?;
    let seed = settings.seed;
    populate(places, &data, settings).await?;
    zones::data::start(net, data).await?;
    zones::room::start(net, places, ROOM).await?;
    let services = zones::centre::start(net, places, false, &crate::outside::Outside::default()).await?;
    services.identity.seed_demo(&people(seed)?).await?;
    wait_for_catalogue(&services).await?;
    Ok(services)
}

/// Makes synthetic Norway and loads it, once. A run that was cut short goes on where it stopped: what is there already
/// is not loaded again.
async fn populate(places: &Places, data: &zones::data::DataZone, settings: synth::Settings) -> anyhow::Result<()> {
    let done = places.root().join("populated");
    if done.exists() {
        return Ok(());
    }
    let bar = Arc::new(Progress::new("synthetic Norway"));
    let files = places.root().join("synthetic");
    let made = {
        let (bar, files) = (bar.clone(), files.clone());
        tokio::task::spawn_blocking(move || {
            synth::generate(&settings, &files, &|what, share| bar.set(share * 0.35, what))
        })
        .await??
    };
    let inputs = zones::data::stores_in(&files)?;
    let whole = inputs.len().max(1) as f64;
    let options = datastore::IngestOptions::default();
    for (number, store) in inputs.iter().enumerate() {
        let show = |step: &datastore::Step| {
            let half = if step.step == "validating" { 0.0 } else { 0.5 };
            let within = half + 0.5 * step.done as f64 / step.all.max(1) as f64;
            bar.set(0.35 + 0.65 * (number as f64 + within.min(1.0)) / whole, &format!("{} {}", step.step, step.store));
        };
        data.ingest(std::slice::from_ref(store), &options, &show)
            .await
            .with_context(|| format!("loading {}", store.display()))?;
    }
    // The files were what a register would send; the datastore has them now.
    std::fs::remove_dir_all(&files).context("removing the synthetic files")?;
    std::fs::write(&done, b"")?;
    bar.done(&format!("{} persons, {} datasets, {} rows", made.persons, made.datasets, made.rows));
    Ok(())
}

/// The people behind the personas that are citizens.
pub fn people(seed: u64) -> anyhow::Result<Vec<DemoPerson>> {
    let numbers = synth::persona_numbers(seed);
    let rules = Rules::of(Environment::Test);
    let number =
        |text: &str| IdentityNumber::parse(text, &rules).map_err(|e| anyhow::anyhow!("a persona's number: {e}"));
    let born = Date::new(2015, 9, 20).context("date of birth of the child")?;
    Ok(vec![
        DemoPerson {
            persona: "citizen",
            number: number(&numbers.citizen)?,
            child: Some((number(&numbers.child)?, born)),
        },
        DemoPerson { persona: "citizen-2", number: number(&numbers.citizen_2)?, child: None },
    ])
}

/// The pages are ready when the catalogue knows what the data zone holds.
async fn wait_for_catalogue(services: &web::Services) -> anyhow::Result<()> {
    for _ in 0..200 {
        if services.catalogue.etag().is_some() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("the data zone does not say what it holds")
}
