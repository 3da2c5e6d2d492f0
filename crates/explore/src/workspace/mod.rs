//! The centre's side of exploration: saved scripts with versions, runs and what they released, and the checks of the
//! editor. A run is a signed order to the data zone, followed until it ends; what comes back is stored as it was sealed and
//! verified each time it is opened.

mod editor;
mod loads;
mod meters;
mod runs;
mod scripts;
mod told;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use audit::{Actor as AuditActor, Zone};
use disclosure::{Document, SealedDocument};
use identity::Action;
use kernel::Problem;
use protocol::calls::Diagnostic as Wire;
use protocol::ids::RunId;
use protocol::{Channel, Directory, KeyRole};
use store::{Store, StoreError, Tx};
use tokio::sync::watch;

pub use meters::MetersPage;

use crate::model::{Progress, RunState, RunView};
use crate::sql::{self, RunRow};

const RUN: Action = Action("explore.run");
const READ: Action = Action("explore.read");

/// The workspaces of all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Workspace {
    zone: Zone,
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    metadata: Arc<RwLock<editor::Known>>,
    /// Runs that are under way, and how far they have come.
    live: Arc<Mutex<HashMap<RunId, watch::Receiver<Progress>>>>,
}

impl Workspace {
    /// The workspaces of the centre `zone`, which asks the data zone over `channel` and trusts the gates of `directory`.
    pub fn new(zone: Zone, channel: Arc<dyn Channel>, directory: Arc<Directory>) -> Self {
        Self { zone, channel, directory, metadata: Arc::default(), live: Arc::default() }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate("explore", sql::MIGRATIONS).await
    }

    /// At start: runs that were going on when the process ended are marked as failed. Nothing of them was acknowledged.
    ///
    /// # Errors
    /// Those of the database and of the audit log.
    pub async fn recover(&self) -> Result<usize, Problem> {
        let left = self.zone.store.read("explore.unfinished", async |tx: &mut Tx| sql::unfinished(tx).await).await?;
        let count = left.len();
        for mut run in left {
            run.state = RunState::Failed;
            run.diagnostics = wire_json(&[told::interrupted()])?;
            self.end(run, AuditActor::service("centre"), &[]).await?;
        }
        Ok(count)
    }

    fn open(&self, sealed: &SealedDocument) -> Result<Document, disclosure::DocumentError> {
        sealed.open(&self.directory.signing(&[KeyRole::Gate]))
    }

    fn view(&self, row: RunRow) -> Result<RunView, Problem> {
        let damaged = |what: &str| {
            tracing::error!(run = %row.id, "{what}");
            Problem::unavailable("the stored run")
        };
        let released = match &row.released {
            None => None,
            Some(bytes) => {
                let sealed = SealedDocument::from_bytes(bytes).map_err(|_| damaged("not a sealed document"))?;
                Some(self.open(&sealed).map_err(|_| damaged("the sealed document does not open"))?)
            }
        };
        Ok(RunView {
            stores: serde_json::from_str(&row.stores).map_err(|_| damaged("stores"))?,
            diagnostics: serde_json::from_str(&row.diagnostics).map_err(|_| damaged("diagnostics"))?,
            state: self.progress(&row).state,
            released,
            id: row.id,
            owner: row.owner,
            script: row.script,
            version: row.version,
            loads: serde_json::from_str(&row.loads).map_err(|_| damaged("loads"))?,
            text: row.text,
            digest: row.digest,
            share: row.share,
            started: row.started,
            ended: row.ended,
            duration_ms: row.duration_ms.and_then(|ms| u64::try_from(ms).ok()),
        })
    }
}

fn wire_json(diagnostics: &[Wire]) -> Result<String, Problem> {
    serde_json::to_string(diagnostics).map_err(|_| Problem::unavailable("the answer"))
}
