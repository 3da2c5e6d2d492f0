//! Starting one role as a process of its own: `hap serve`, and what `hap keys`, `hap data` and `hap room` share with it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::say;
use crate::places::Places;
use crate::zones::{self, Net, Published, stopped};
use crate::{DataDir, Listen};

/// Arguments of `hap serve`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    listen: Listen,
    /// Cookies travel over TLS only: set this when a proxy ends TLS in front of the centre.
    #[arg(long)]
    secure_cookies: bool,
    /// Seed of the synthetic persons behind the personas, in an installation that is marked as a demo.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    outside: crate::outside::Outside,
}

/// The net of an installation whose zones are processes of their own.
///
/// # Errors
/// When the installation has not been prepared.
pub fn net(places: &Places) -> anyhow::Result<Net> {
    let published = Arc::new(Published::read(places)?);
    Ok(Net { published, switchboard: None, stop: stop_signal() })
}

/// Turns true at the first interrupt or termination signal.
pub fn stop_signal() -> watch::Receiver<bool> {
    let (give, stop) = watch::channel(false);
    tokio::spawn(async move {
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
        let _ = give.send(true);
        // Kept until the process ends: a receiver must not take a dropped sender for another signal.
        std::future::pending::<()>().await;
    });
    stop
}

/// Starts the centre.
///
/// # Errors
/// When a part of it cannot be opened, or the address is taken.
pub async fn serve(args: Args) -> anyhow::Result<ExitCode> {
    let places = Places::new(args.data.data);
    let net = net(&places)?;
    let services = zones::centre::start(&net, &places, args.secure_cookies, &args.outside).await?;
    if net.published.demo {
        services.identity.seed_demo(&super::demo::people(args.seed)?).await?;
    }
    let listen = args.listen.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening at {listen}"))?;
    say(format!("centre at http://{}", listener.local_addr()?));
    site(listener, services, net.stop.clone()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves the pages until the end.
///
/// # Errors
/// When the listener fails.
pub async fn site(listener: TcpListener, services: web::Services, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    axum::serve(listener, web::router(services)).with_graceful_shutdown(stopped(stop)).await?;
    Ok(())
}

/// Waits for the end of a role that only answers other zones.
pub async fn until_stopped(party: &str, net: &Net) -> ExitCode {
    let address = party.parse().ok().and_then(|p| net.published.addresses.get(&p)).map(|a| a.listen);
    say(format!("{party} answers{}", address.map(|a| format!(" at {a}")).unwrap_or_default()));
    stopped(net.stop.clone()).await;
    ExitCode::SUCCESS
}
