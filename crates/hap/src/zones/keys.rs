//! The key zone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kernel::identity_number::Environment;
use keys::{KeyService, KeyServiceParts};
use protocol::Party;
use tokio::sync::watch;

use super::{Net, Opened, stopped};
use crate::places::Places;

/// How often keys that are due are looked for.
const HOUR: Duration = Duration::from_secs(3600);

/// Opens the key zone without letting it answer.
///
/// # Errors
/// When a part of it cannot be opened, or the role is running.
pub async fn open(net: &Net, places: &Places) -> anyhow::Result<Arc<KeyService>> {
    let opened = net.open(places, Party::Keys).await?;
    service(net, &opened).await
}

async fn service(net: &Net, opened: &Opened) -> anyhow::Result<Arc<KeyService>> {
    KeyService::migrate(&opened.zone.store).await.context("tables of the key zone")?;
    Ok(Arc::new(KeyService::new(KeyServiceParts {
        zone: opened.zone.clone(),
        keystore: opened.keystore.clone(),
        directory: opened.directory.clone(),
        channel: opened.channel.clone(),
        ledger_dir: opened.dir.join("ledger"),
        environment: if net.published.demo { Environment::Test } else { Environment::Production },
    })?))
}

/// Starts the key zone.
///
/// # Errors
/// When a part of it cannot be opened.
pub async fn start(net: &Net, places: &Places) -> anyhow::Result<Arc<KeyService>> {
    let opened = net.open(places, Party::Keys).await?;
    let service = service(net, &opened).await?;
    net.answer(&opened, service.clone()).await?;
    tokio::spawn({
        let (service, stop) = (service.clone(), net.stop.clone());
        async move { sweep(&service, stop).await }
    });
    Ok(service)
}

/// Destroys keys that are due, at the start and then every hour.
async fn sweep(service: &KeyService, stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = service.sweep().await {
            tracing::warn!(%error, "keys that are due wait for the next sweep");
        }
        tokio::select! {
            () = stopped(stop.clone()) => return,
            () = tokio::time::sleep(HOUR) => {}
        }
    }
}
