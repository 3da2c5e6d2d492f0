//! An analysis room's intake.

use anyhow::Context as _;
use delivery::{Intake, IntakeOptions, IntakeSecret};
use protocol::Party;
use protocol::permits::Permits;
use std::sync::Arc;

use super::{Net, Opened};
use crate::places::Places;

/// Opens the intake of a room without letting it answer: for commands of the room.
///
/// # Errors
/// When a part of it cannot be opened.
pub async fn open(net: &Net, places: &Places, room: &str) -> anyhow::Result<(Opened, Intake)> {
    let opened = net.open(places, Party::Room(room.to_owned())).await?;
    Intake::migrate(&opened.zone.store).await.context("tables of the room")?;
    let permits = Permits::new(opened.channel.clone(), opened.directory.clone(), opened.zone.clock.clone());
    let secret = IntakeSecret::new(*opened.keystore.x25519("seal")?.secret());
    let options = IntakeOptions {
        room: opened.party.clone(),
        inbox: opened.dir.join("inbox"),
        out: opened.dir.join("open"),
        csv: true,
    };
    std::fs::create_dir_all(&options.inbox)?;
    std::fs::create_dir_all(&options.out)?;
    let intake = Intake::new(
        opened.zone.clone(),
        opened.channel.clone(),
        opened.directory.clone(),
        Arc::new(permits),
        secret,
        options,
    );
    Ok((opened, intake))
}

/// Starts a room: it takes packages in and opens them as they come.
///
/// # Errors
/// When a part of it cannot be opened.
pub async fn start(net: &Net, places: &Places, room: &str) -> anyhow::Result<Intake> {
    let (opened, intake) = open(net, places, room).await?;
    intake.recover().await.context("taking up the room's work again")?;
    net.answer(&opened, Arc::new(intake.clone())).await?;
    tokio::spawn({
        let (intake, stop) = (intake.clone(), net.stop.clone());
        async move { intake.run(stop).await }
    });
    Ok(intake)
}
