//! The data zone: datastore, engine and gate, extraction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use datastore::{ChannelIndex, Datastore, DatastoreService, IngestOptions, OpenToken, Outcome, Step};
use delivery::{ChannelAdapter, Extraction, ExtractionOptions, RoomAdapter};
use engine::ImportCache;
use explore::meters::{DurableMeterLog, MeterService, Meters};
use explore::{DurableLedger, MembersOnDisk, PolicyFile, RunService, Runner, RunnerParts, SnapshotBudget, begin_epoch};
use keys::SealingKey;
use protocol::calls::{Call, Extract, Run, RunCancel, RunNews};
use protocol::channel::codes;
use protocol::documents::InsightToken;
use protocol::permits::Permits;
use protocol::{Base64, Directory, Envelope, Party, Refusal};

use super::gate::{GateRing, WithKeys};
use super::routes::Routes;
use super::{Net, Opened};
use crate::places::Places;

/// Memory for imported columns that runs share.
const CACHE_BYTES: usize = 1 << 30;
/// Memory for what workspaces keep between runs.
const SNAPSHOT_BYTES: usize = 2 << 30;

/// The data zone, opened but not yet answering.
pub struct DataZone {
    pub(super) opened: Opened,
    /// Its stores.
    pub datastore: Datastore,
}

/// Opens the data zone's database and stores.
///
/// # Errors
/// When a part of it cannot be opened.
pub async fn open(net: &Net, places: &Places) -> anyhow::Result<DataZone> {
    let opened = net.open(places, Party::Data).await?;
    let datastore =
        Datastore::open(opened.zone.clone(), &opened.dir.join("datastore")).await.context("opening the stores")?;
    datastore.clean().context("removing work files of an earlier run")?;
    Ok(DataZone { opened, datastore })
}

impl DataZone {
    /// What signs for the zone.
    pub fn signer(&self) -> Arc<dyn kernel::Signer> {
        self.opened.zone.signer.clone()
    }

    /// Loads packages, dataset folders or store folders through the key role.
    ///
    /// # Errors
    /// Those of the input, with every fault; those of the key role.
    pub async fn ingest(
        &self,
        paths: &[PathBuf],
        options: &IngestOptions,
        progress: &(dyn Fn(&Step) + Send + Sync),
    ) -> Result<Outcome, datastore::DatastoreError> {
        let index = ChannelIndex(self.opened.channel.clone());
        let actor = audit::Actor::service("ingest");
        datastore::ingest(&self.datastore, &index, &actor, paths, options, progress).await
    }
}

/// Lets the data zone answer: metadata and insight, runs, extraction orders.
///
/// # Errors
/// When a part of it cannot be opened, or the key role does not give the gate its keys.
pub async fn start(net: &Net, data: DataZone) -> anyhow::Result<()> {
    let DataZone { opened, datastore } = data;
    let source = Arc::new(datastore.columns());
    let ring = Arc::new(GateRing::new(&opened, datastore.clone())?);
    let (keys, epoch) = ring.first().await?;
    let keys = Arc::new(keys);
    // New keys have a new ledger, sealed under a key of its own (SDC-030).
    if begin_epoch(&opened.zone.store, epoch, opened.zone.now()).await? {
        tracing::warn!(epoch, "the keys of the gate were rotated: a new gate ledger begins");
    }
    let (ledger_key, folder) = match epoch {
        1 => ("gate-ledger".to_owned(), "gate-members".to_owned()),
        later => (format!("gate-ledger-{later}"), format!("gate-members-{later}")),
    };
    remove_other_members(&opened.dir, &folder).context("removing the members of an earlier gate ledger")?;
    let members = MembersOnDisk::at(&opened.dir.join(folder));
    let sealer = opened.keystore.sealer(&ledger_key)?;
    let ledger = DurableLedger::open(opened.zone.store.clone(), sealer, Some(members)).await?;
    let policies = PolicyFile::of_zone(&opened.dir).read().context("policies.jsonl")?;
    let policy = policies.base().clone();
    let sealer = opened.keystore.sealer("gate-meters")?;
    let log = DurableMeterLog::open(opened.zone.store.clone(), sealer).await?;
    let meters = Arc::new(Meters::open(&policy, Box::new(log))?);
    let runner = Runner::new(RunnerParts {
        source: source.clone(),
        cache: Arc::new(ImportCache::new(CACHE_BYTES)),
        policy,
        keys,
        ledger: Box::new(ledger),
        meters: Arc::clone(&meters),
        signer: opened.zone.signer.clone(),
        clock: opened.zone.clock.clone(),
        snapshots: SnapshotBudget { total: SNAPSHOT_BYTES, ..SnapshotBudget::default() },
    })
    .with_policies(policies);
    // As many scripts at a time as there are processors; the others wait (language.md section 11).
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let runs = RunService::new(Arc::new(runner), opened.zone.clone(), opened.directory.clone(), at_once);
    let extraction = extraction(&opened, source).await?;
    let tokens = Arc::new(Tokens {
        key: opened.keystore.x25519("seal")?,
        directory: opened.directory.clone(),
        zone: opened.zone.clone(),
    });
    let metered = MeterService::new(Arc::clone(&meters), opened.zone.clone());
    let answers = Routes::default()
        .with(&MeterService::KINDS, Arc::new(metered))
        .with(&DatastoreService::KINDS, Arc::new(DatastoreService::new(datastore, tokens)))
        .with(&[Run::KIND], Arc::new(WithKeys { ring, service: Arc::new(runs.clone()) }))
        .with(&[RunNews::KIND, RunCancel::KIND], Arc::new(runs))
        .with(&[Extract::KIND], Arc::new(extraction.clone()));
    net.answer(&opened, Arc::new(answers)).await?;
    let stop = net.stop.clone();
    tokio::spawn(async move { extraction.run(stop).await });
    Ok(())
}

async fn extraction(opened: &Opened, source: Arc<datastore::Columns>) -> anyhow::Result<Extraction> {
    Extraction::migrate(&opened.zone.store).await.context("tables of the extraction")?;
    let outbox = opened.dir.join("outbox");
    std::fs::create_dir_all(&outbox)?;
    let permits = Permits::new(opened.channel.clone(), opened.directory.clone(), opened.zone.clock.clone());
    let rooms = opened.directory.entries().into_iter().map(|e| e.party).filter(|p| matches!(p, Party::Room(_)));
    let adapters: HashMap<Party, Arc<dyn RoomAdapter>> = rooms
        .map(|room| {
            let adapter: Arc<dyn RoomAdapter> = Arc::new(ChannelAdapter::new(opened.channel.clone(), room.clone()));
            (room, adapter)
        })
        .collect();
    let extraction = Extraction::new(
        opened.zone.clone(),
        opened.channel.clone(),
        opened.directory.clone(),
        Arc::new(permits),
        source,
        Arc::new(adapters),
        ExtractionOptions { outbox },
    );
    extraction.recover().await.context("taking up extractions again")?;
    Ok(extraction)
}

/// Members of the sets of an earlier ledger answer nothing any more.
fn remove_other_members(dir: &Path, folder: &str) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("gate-members") && name != folder) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Opens the tokens with which a citizen asks what is held about her.
struct Tokens {
    key: SealingKey,
    directory: Arc<Directory>,
    zone: audit::Zone,
}

impl OpenToken for Tokens {
    fn open(&self, token: &Base64) -> Result<InsightToken, Refusal> {
        let plain = self.key.open(&token.0).map_err(|_| Refusal::new(codes::BAD_ENCODING))?;
        let token: InsightToken = Envelope::parse(&plain)?.open(&self.directory)?;
        let now = self.zone.now();
        if now < token.not_before.plus_seconds(-120) || now > token.not_after.plus_seconds(120) {
            return Err(Refusal::new(codes::EXPIRED));
        }
        Ok(token)
    }
}

/// The inputs of one folder of store folders.
pub fn stores_in(files: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut stores: Vec<PathBuf> = std::fs::read_dir(files)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("product.json").exists())
        .collect();
    stores.sort();
    Ok(stores)
}
