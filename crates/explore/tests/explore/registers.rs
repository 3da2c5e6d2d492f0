//! A runner over registers of synthetic persons, loaded as a data zone loads them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use audit::Actor;
use datastore::{Columns, Datastore, IngestOptions, UnitIndex, ingest};
use disclosure::{GateKeys, MemoryLedger, Policy};
use engine::ImportCache;
use explore::{Runner, RunnerParts, SnapshotBudget};
use protocol::CallError;
use protocol::calls::{IndexRegister, Registered};
use tokio::sync::Mutex;

/// Ordinals in the order of asking.
#[derive(Default)]
struct Index(Mutex<HashMap<String, HashMap<Vec<u8>, u32>>>);

#[async_trait]
impl UnitIndex for Index {
    async fn register(&self, header: &IndexRegister, ids: &[&[u8]]) -> Result<Registered, CallError> {
        let mut spaces = self.0.lock().await;
        let known = spaces.entry(header.id_type.clone()).or_default();
        let mut number = |id: &&[u8]| {
            let next = known.len() as u32;
            *known.entry(id.to_vec()).or_insert(next)
        };
        Ok(Registered { ordinals: ids.iter().map(&mut number).collect(), errors: Vec::new() })
    }
}

/// A runner over these stores of a synthetic country, and how many datasets they have.
pub async fn runner(zone: &testkit::TestZone, settings: &synth::Settings, names: &[&str]) -> (Runner, usize) {
    let (columns, datasets) = columns(zone, settings, names).await;
    (over(zone, columns, &Policy::standard()), datasets)
}

/// The columns of these stores of a synthetic country, and how many datasets they have.
#[expect(clippy::unwrap_used, reason = "tests")]
pub async fn columns(zone: &testkit::TestZone, settings: &synth::Settings, names: &[&str]) -> (Columns, usize) {
    let files = tempfile::tempdir().unwrap();
    synth::generate(settings, files.path(), &|_, _| ()).unwrap();
    let stores = Datastore::open(zone.zone(), &zone.folder.path().join("datastore")).await.unwrap();
    let paths: Vec<_> = names.iter().map(|name| files.path().join(name)).collect();
    let options = IngestOptions::default();
    let loaded = ingest(&stores, &Index::default(), &Actor::service("data"), &paths, &options, &|_| ()).await.unwrap();
    let datasets = loaded.stores.iter().map(|s| s.changes.len()).sum();
    let columns = stores.columns();
    columns.spaces().iter().for_each(|space| columns.set_dataset_key(space, [7; 32]));
    (columns, datasets)
}

/// A runner over these columns.
pub fn over(zone: &testkit::TestZone, columns: Columns, policy: &Policy) -> Runner {
    Runner::new(RunnerParts {
        source: Arc::new(columns),
        cache: Arc::new(ImportCache::new(256 << 20)),
        policy: policy.clone(),
        keys: Arc::new(GateKeys::new([7; 32], [9; 32])),
        ledger: Box::new(MemoryLedger::new()),
        meters: Arc::new(explore::meters::Meters::in_memory(policy)),
        signer: zone.signer.clone(),
        clock: zone.clock.clone(),
        snapshots: SnapshotBudget::default(),
    })
}
