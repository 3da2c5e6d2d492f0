//! The zones as running things: keystore, database, audit log and endpoint of each, wired to the areas that work there.
//! [`demo`](crate::commands::demo) starts all of them in one process; `hap serve`, `keys`, `data` and `room` start one.

pub mod anchor;
pub mod centre;
pub mod data;
mod feasibility;
mod gate;
pub mod keys;
pub mod room;
mod routes;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::keys::{KeyService, SoftKeystore};
use anyhow::Context as _;
use audit::{Log, LogOptions, Zone};
use kernel::{Clock, Random};
use protocol::directory::{Directory, Entry, KeyRole};
use protocol::peer::{Endpoint, Identity, Peer, Switchboard, Transport};
use protocol::{Channel, Party, Service};
use serde::{Deserialize, Serialize};
use store::Store;
use tokio::sync::watch;

use crate::places::Places;
use crate::system::{OsRandom, SystemClock};
use crate::transport::{self, Address, Addresses, Https};

/// The analysis room of the embedded set-up.
pub const ROOM: &str = "tsd";

/// The parties of the embedded set-up.
pub fn parties() -> [Party; 4] {
    [Party::Keys, Party::Data, Party::Room(ROOM.to_owned()), Party::Centre]
}

/// What is published about an installation: keys, addresses, certificates, and whether it is a demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    /// Whether all persons are synthetic and personas may log in without proof.
    pub demo: bool,
    /// The keys of all parties.
    pub keys: Vec<Entry>,
    /// Addresses and certificates.
    pub addresses: Addresses,
}

impl Published {
    fn file(places: &Places) -> PathBuf {
        places.public().join("installation.json")
    }

    /// Reads what is published.
    ///
    /// # Errors
    /// When the installation has not been prepared.
    pub fn read(places: &Places) -> anyhow::Result<Self> {
        let path = Self::file(places);
        let text = std::fs::read(&path).with_context(|| {
            format!("{} is not an installation yet: run `hap init --data …` first", places.root().display())
        })?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }
}

/// Prepares the folders, keystores and certificates of all zones and publishes what others may know. Doing it again
/// changes nothing.
///
/// # Errors
/// When a folder cannot be written or a keystore does not open.
pub fn prepare(places: &Places, demo: bool, first_port: u16) -> anyhow::Result<Published> {
    if Published::file(places).exists() {
        return Published::read(places);
    }
    std::fs::create_dir_all(places.public()).with_context(|| format!("making {}", places.public().display()))?;
    let mut published = Published { demo, keys: Vec::new(), addresses: Addresses::new() };
    for (number, party) in parties().into_iter().enumerate() {
        let dir = places.zone(&party);
        std::fs::create_dir_all(&dir)?;
        let keystore = keystore(&dir)?;
        published.keys.extend(entries(&keystore, &party)?);
        let listen = SocketAddr::from(([127, 0, 0, 1], first_port + number as u16));
        let certificate = transport::certificate(&dir, &party)?;
        published.addresses.insert(party, Address { listen, certificate });
    }
    let file = Published::file(places);
    let temporary = file.with_extension("part");
    std::fs::write(&temporary, serde_json::to_vec_pretty(&published)?)?;
    std::fs::rename(&temporary, &file)?;
    Ok(published)
}

/// The name of a zone's audit log in its checkpoints.
pub fn log_origin(party: &Party) -> String {
    format!("audit.hap.internal/{}", party.to_string().replace(':', "-"))
}

fn keystore(dir: &Path) -> anyhow::Result<SoftKeystore> {
    SoftKeystore::open_or_init(&dir.join("keystore"), Arc::new(SystemClock), Arc::new(OsRandom))
        .with_context(|| format!("opening the keystore of {}", dir.display()))
}

/// What a zone's keystore publishes: one signing key for everything it says, and another for its audit log.
fn entries(keystore: &SoftKeystore, party: &Party) -> anyhow::Result<Vec<Entry>> {
    let roles: &[KeyRole] = match party {
        Party::Centre => &[KeyRole::Channel, KeyRole::PermitAuthority],
        Party::Data | Party::Source(_) => &[KeyRole::Channel, KeyRole::Source, KeyRole::Gate],
        Party::Room(_) => &[KeyRole::Channel, KeyRole::Intake],
        Party::Keys => &[],
    };
    let (signing, sealing) = (keystore.signer("zone")?.public_key(), keystore.x25519("seal")?.public());
    let mut entries: Vec<Entry> =
        roles.iter().map(|role| Entry::new(party.clone(), *role, signing, Some(sealing))).collect();
    if *party == Party::Keys {
        entries.extend(KeyService::entries(keystore)?);
    }
    entries.push(Entry::new(party.clone(), KeyRole::Audit, keystore.signer("audit")?.public_key(), None));
    Ok(entries)
}

/// One zone, opened: what its services are given.
pub struct Opened {
    /// Who it is.
    pub party: Party,
    /// Its folder.
    pub dir: PathBuf,
    /// Its keystore.
    pub keystore: Arc<SoftKeystore>,
    /// Database, audit log, clock, randomness, signer and sealer.
    pub zone: Zone,
    /// The keys of all parties.
    pub directory: Arc<Directory>,
    /// The way to the other zones.
    pub channel: Arc<dyn Channel>,
    me: Identity,
}

/// How zones reach each other, and how they are told to stop.
#[derive(Clone)]
pub struct Net {
    /// What is published.
    pub published: Arc<Published>,
    /// In one process: the switchboard that connects the zones. Between processes: none.
    pub switchboard: Option<Arc<Switchboard>>,
    /// Turns true when everything is to end.
    pub stop: watch::Receiver<bool>,
}

impl Net {
    /// Opens a zone: keystore, database, audit log (with its sequencer running), channel.
    ///
    /// # Errors
    /// When a part cannot be opened; the message names it.
    pub async fn open(&self, places: &Places, party: Party) -> anyhow::Result<Opened> {
        let dir = places.zone(&party);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let keystore = Arc::new(keystore(&dir)?);
        let store = open_store(&dir, &party).await?;
        let options = LogOptions {
            folder: dir.join("audit"),
            origin: log_origin(&party),
            role: format!("{}-1", party.to_string().replace(':', "-")),
        };
        let log = Log::open(options, store.clone(), clock.clone(), random.clone(), keystore.signer("audit")?)
            .await
            .with_context(|| format!("opening the audit log of {party}"))?;
        tokio::spawn({
            let (log, stop) = (log.clone(), self.stop.clone());
            async move { log.run(stop).await }
        });
        let speaks_with = if party == Party::Keys { "channel" } else { "zone" };
        let signer = keystore.signer(speaks_with)?;
        let zone = Zone {
            store,
            log,
            clock: clock.clone(),
            random: random.clone(),
            signer: signer.clone(),
            sealer: keystore.sealer("columns")?,
        };
        let directory = Arc::new(Directory::new(self.published.keys.iter().cloned()));
        let me = Identity { party: party.clone(), signer, directory: directory.clone(), clock, random };
        let transport: Arc<dyn Transport> = match &self.switchboard {
            Some(switchboard) => switchboard.clone(),
            None => Arc::new(Https::new(&dir, self.published.addresses.clone())?),
        };
        let channel = Arc::new(Peer::new(me.clone(), transport));
        Ok(Opened { party, dir, keystore, zone, directory, channel, me })
    }

    /// Lets a zone answer: on the switchboard, or at its published address. From then on it cosigns the logs of the other
    /// zones, and has its own cosigned.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn answer(&self, opened: &Opened, service: Arc<dyn Service>) -> anyhow::Result<()> {
        let (log, published) = (opened.zone.log.clone(), self.published.clone());
        let service = Arc::new(anchor::Witness { log: log.clone(), published: published.clone(), services: service });
        let endpoint = Arc::new(Endpoint::new(opened.me.clone(), service));
        let (party, channel, clock) = (opened.party.clone(), opened.channel.clone(), opened.zone.clock.clone());
        tokio::spawn(anchor::run(party, log, published, channel, clock, self.stop.clone()));
        if let Some(switchboard) = &self.switchboard {
            switchboard.connect(endpoint);
            return Ok(());
        }
        let address = self.published.addresses.get(&opened.party).context("no address is published for this zone")?;
        let addresses = self.published.addresses.clone();
        let serving =
            transport::listen(endpoint, address.listen, &opened.dir, addresses, stopped(self.stop.clone())).await?;
        tokio::spawn(serving);
        Ok(())
    }
}

/// A net for a command that needs the key role. Where the role runs as a process of its own it is asked there; else it is
/// opened in this process for as long as the command runs.
///
/// # Errors
/// When the key zone cannot be opened.
pub async fn with_keys(net: Net, places: &Places) -> anyhow::Result<(Net, Option<Arc<KeyService>>)> {
    let address = net.published.addresses.get(&Party::Keys).map(|a| a.listen);
    let running = match address {
        Some(address) => tokio::net::TcpStream::connect(address).await.is_ok(),
        None => false,
    };
    if running {
        return Ok((net, None));
    }
    let net = Net { switchboard: Some(Arc::new(Switchboard::default())), ..net };
    let service = keys::start(&net, places).await?;
    Ok((net, Some(service)))
}

/// Waits until everything is to end.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The zone's database: PostgreSQL where `HAP_DATABASE` names one (each zone in a schema of its own), else SQLite in the
/// zone's folder.
async fn open_store(dir: &Path, party: &Party) -> anyhow::Result<Store> {
    let name = party.to_string().replace([':', '-'], "_");
    match std::env::var("HAP_DATABASE") {
        Ok(url) => Store::open_postgres(&url, &name).await.context("opening the database named by HAP_DATABASE"),
        Err(_) => Store::open_sqlite(&dir.join("hap.db")).await.context("opening the embedded database"),
    }
}

/// Asks until an answer comes: for what a zone needs from another one before it can start.
///
/// # Errors
/// The last failure, after a minute.
pub async fn until<T, E: std::fmt::Display>(what: &str, ask: impl AsyncFn() -> Result<T, E>) -> anyhow::Result<T> {
    let mut wait = Duration::from_millis(50);
    let mut last = String::new();
    for _ in 0..40 {
        match ask().await {
            Ok(value) => return Ok(value),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(2));
    }
    anyhow::bail!("{what}: {last}")
}
