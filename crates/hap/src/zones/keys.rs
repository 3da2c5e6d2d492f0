//! The key zone.

use std::sync::Arc;

use anyhow::Context as _;
use kernel::identity_number::Environment;
use keys::{KeyService, KeyServiceParts};
use protocol::Party;

use super::Net;
use crate::places::Places;

/// Starts the key zone.
///
/// # Errors
/// When a part of it cannot be opened.
pub async fn start(net: &Net, places: &Places) -> anyhow::Result<Arc<KeyService>> {
    let opened = net.open(places, Party::Keys).await?;
    KeyService::migrate(&opened.zone.store).await.context("tables of the key zone")?;
    let service = Arc::new(KeyService::new(KeyServiceParts {
        zone: opened.zone.clone(),
        keystore: opened.keystore.clone(),
        directory: opened.directory.clone(),
        channel: opened.channel.clone(),
        ledger_dir: opened.dir.join("ledger"),
        environment: if net.published.demo { Environment::Test } else { Environment::Production },
    })?);
    net.answer(&opened, service.clone()).await?;
    Ok(service)
}
