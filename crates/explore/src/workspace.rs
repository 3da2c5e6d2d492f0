//! The centre's side of exploration: saved scripts with versions, runs and what they released, and the checks of the
//! editor. A run is a signed order to the data zone; what comes back is stored as it was sealed and verified each time it
//! is opened.

use std::sync::{Arc, RwLock};

use audit::{Action as Audited, Actor as AuditActor, Detail, Entry, Kind, Object, Purpose, Zone};
use disclosure::{Document, SealedDocument};
use identity::{Action, Actor, authorise};
use kernel::{LangMap, Language, Problem, Timestamp};
use protocol::calls::{self, Diagnostic as Wire, Metadata, MetadataAnswer, Run};
use protocol::documents::RunOrder;
use protocol::ids::RunId;
use protocol::{CallError, Channel, Directory, Envelope, KeyRole, Party};
use store::{Store, StoreError, Tx};

use crate::diagnostics::to_wire;
use crate::metadata::MetadataCatalogue;
use crate::model::{
    RunHead, RunRequest, RunState, RunView, Save, Script, ScriptHead, ScriptId, check_save, text_fault,
};
use crate::sql::{self, RunRow};

/// Runs shown in a list.
const MOST_RUNS: i64 = 100;
/// How long an order counts, in seconds: it may wait for a place.
const ORDER_SECONDS: i64 = 3600;
/// How long metadata are believed before the data zone is asked whether they have changed, in seconds.
const METADATA_SECONDS: i64 = 30;

const RUN: Action = Action("explore.run");
const READ: Action = Action("explore.read");

const SUBMITTED: Audited = Audited::new(Kind::Run, "explore.submit", &[("script", Detail::Digest)]);
const ANSWERED: Audited = Audited::new(
    Kind::Run,
    "explore.answer",
    &[("script", Detail::Digest), ("stores", Detail::Codes), ("state", Detail::Code)],
);
const SAVED: Audited = Audited::new(Kind::Run, "explore.save", &[("script", Detail::Digest)]);

/// The workspaces of all accounts.
pub struct Workspace {
    zone: Zone,
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    metadata: RwLock<Known>,
}

/// What the data zone said last.
#[derive(Clone, Default)]
struct Known {
    etag: Option<String>,
    asked: Option<Timestamp>,
    catalogue: Arc<MetadataCatalogue>,
}

impl Workspace {
    /// The workspaces of the centre `zone`, which asks the data zone over `channel` and trusts the gates of `directory`.
    pub fn new(zone: Zone, channel: Arc<dyn Channel>, directory: Arc<Directory>) -> Self {
        Self { zone, channel, directory, metadata: RwLock::default() }
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
            run.diagnostics = wire_json(&[interrupted()])?;
            self.end(run, AuditActor::service("centre"), &[]).await?;
        }
        Ok(count)
    }

    // Scripts.

    /// Saves a new script, or the next version of one.
    ///
    /// # Errors
    /// [`Problem::Invalid`]; [`Problem::NotFound`] for a script of somebody else; [`Problem::Conflict`] when it was saved
    /// by another window meanwhile.
    pub async fn save(&self, actor: &Actor, save: &Save) -> Result<Script, Problem> {
        authorise(&self.zone, actor, RUN, &identity::Object::any("script")).await?;
        check_save(save)?;
        let (id, version) = match (save.id, save.expected) {
            (Some(id), Some(expected)) => (id, expected + 1),
            _ => (self.zone.id(), 1),
        };
        let script = Script {
            id,
            version,
            name: save.name.trim().to_owned(),
            text: save.text.clone(),
            note: save.note.trim().to_owned(),
            at: self.zone.now(),
        };
        let entry = Entry::new(&SAVED, actor.audit(), Object::new("script", id))
            .purpose(Purpose::Analysis)
            .detail("script", kernel::sha256_hex(script.text.as_bytes()));
        let (zone, new) = (&self.zone, save.id.is_none());
        zone.store
            .tx("explore.save", async |tx: &mut Tx| -> Result<(), Problem> {
                if new {
                    sql::insert_script(tx, actor.account, &script).await?;
                } else if !sql::next_version(tx, actor.account, &script, script.version - 1).await? {
                    return match sql::script(tx, actor.account, id, None).await? {
                        None => Err(Problem::not_found("script")),
                        Some(_) => Err(Problem::conflict("version_conflict", "open the newest version")),
                    };
                }
                Ok(zone.log.record(tx, entry.clone()).await?)
            })
            .await?;
        Ok(script)
    }

    /// The actor's scripts, last saved first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn scripts(&self, actor: &Actor) -> Result<Vec<ScriptHead>, Problem> {
        let owner = actor.account;
        Ok(self.zone.store.read("explore.scripts", async |tx: &mut Tx| sql::scripts(tx, owner).await).await?)
    }

    /// The versions of a script, newest first.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when it is not the actor's.
    pub async fn versions(&self, actor: &Actor, id: ScriptId) -> Result<Vec<ScriptHead>, Problem> {
        let owner = actor.account;
        let found =
            self.zone.store.read("explore.versions", async |tx: &mut Tx| sql::versions(tx, owner, id).await).await?;
        if found.is_empty() { Err(Problem::not_found("script")) } else { Ok(found) }
    }

    /// A version of a script, the newest when none is named.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is not the actor's.
    pub async fn script(&self, actor: &Actor, id: ScriptId, version: Option<i64>) -> Result<Script, Problem> {
        let owner = actor.account;
        let read = async |tx: &mut Tx| sql::script(tx, owner, id, version).await;
        self.zone.store.read("explore.script", read).await?.ok_or_else(|| Problem::not_found("script"))
    }

    // Runs.

    /// Runs a text and waits for the answer of the data zone. The run is stored before it is sent, so a run that was
    /// acknowledged is never lost.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for a text that is too long, [`Problem::Forbidden`], or those of the database. A data zone
    /// that does not answer is no error here: the run is there, with the state failed.
    pub async fn run(&self, actor: &Actor, request: &RunRequest) -> Result<RunView, Problem> {
        let row = self.submit(actor, request).await?;
        self.carry_out(actor, row).await
    }

    async fn submit(&self, actor: &Actor, request: &RunRequest) -> Result<RunRow, Problem> {
        authorise(&self.zone, actor, RUN, &identity::Object::any("run")).await?;
        if let Some(fault) = text_fault(&request.text) {
            return Err(Problem::Invalid { fields: vec![fault] });
        }
        if let Some(script) = request.script {
            self.script(actor, script, None).await?;
        }
        let row = RunRow {
            id: self.zone.id(),
            owner: actor.account,
            script: request.script,
            text: request.text.clone(),
            digest: kernel::sha256_hex(request.text.as_bytes()),
            language: request.language.code().to_owned(),
            state: RunState::Running,
            started: self.zone.now(),
            ended: None,
            stores: "[]".to_owned(),
            diagnostics: "[]".to_owned(),
            released: None,
        };
        let entry = Entry::new(&SUBMITTED, actor.audit(), Object::new("run", row.id))
            .purpose(Purpose::Analysis)
            .detail("script", row.digest.clone());
        let zone = &self.zone;
        zone.store
            .tx("explore.submit", async |tx: &mut Tx| -> Result<(), Problem> {
                sql::insert_run(tx, &row).await?;
                Ok(zone.log.record(tx, entry.clone()).await?)
            })
            .await?;
        Ok(row)
    }

    async fn carry_out(&self, actor: &Actor, mut row: RunRow) -> Result<RunView, Problem> {
        // What the metadata here already show to be wrong is told without asking the data zone.
        let checked = self.check(&row.text).await;
        let mut stores = Vec::new();
        if checked.iter().any(script::Diagnostic::is_error) {
            row.state = RunState::Stopped;
            row.diagnostics = wire_json(&checked.iter().map(to_wire).collect::<Vec<_>>())?;
        } else {
            match self.order(actor, &row).await {
                Ok((answer, released)) => {
                    let failed = answer.diagnostics.iter().any(|d| d.severity == "error");
                    row.state = if failed { RunState::Stopped } else { RunState::Finished };
                    row.diagnostics = wire_json(&answer.diagnostics)?;
                    row.released = released;
                    stores = answer.stores;
                }
                Err(diagnostic) => {
                    row.state = RunState::Failed;
                    row.diagnostics = wire_json(&[*diagnostic])?;
                }
            }
        }
        row.stores = serde_json::to_string(&stores).unwrap_or_else(|_| "[]".to_owned());
        let row = self.end(row, actor.audit(), &stores).await?;
        self.view(row)
    }

    /// Sends the signed order and verifies what comes back, before any of it is stored.
    async fn order(&self, actor: &Actor, row: &RunRow) -> Result<(calls::RunAnswer, Option<Vec<u8>>), Box<Wire>> {
        let order = RunOrder {
            run_id: row.id,
            account: actor.account.to_string(),
            organisation: actor.organisation().map(str::to_owned),
            workspace: actor.account.to_string(),
            script: row.text.clone(),
            language: row.language.parse().unwrap_or_default(),
            stores: Vec::new(),
            at: row.started,
            not_after: row.started.plus_seconds(ORDER_SECONDS),
        };
        let order = Envelope::of(&order, &*self.zone.signer).map_err(|e| {
            tracing::error!(error = %e, "run order");
            Box::new(unavailable())
        })?;
        let answer = calls::ask(&*self.channel, &Party::Data, &Run { order }).await.map_err(|e| {
            tracing::warn!(error = %e, run = %row.id, "run");
            Box::new(told(e))
        })?;
        let mut released = None;
        if let Some(envelope) = answer.released.first() {
            let sealed = SealedDocument::from_envelope(envelope.clone());
            let document = self.open(&sealed).map_err(|e| {
                tracing::error!(error = %e, run = %row.id, "released document");
                Box::new(unavailable())
            })?;
            if document.head.run != row.id.to_string() || document.head.script != row.digest {
                tracing::error!(run = %row.id, "a released document of another run");
                return Err(Box::new(unavailable()));
            }
            released = Some(sealed.to_bytes());
        }
        Ok((answer, released))
    }

    fn open(&self, sealed: &SealedDocument) -> Result<Document, disclosure::DocumentError> {
        sealed.open(&self.directory.signing(&[KeyRole::Gate]))
    }

    async fn end(&self, mut row: RunRow, actor: AuditActor, stores: &[String]) -> Result<RunRow, Problem> {
        row.ended = Some(self.zone.now());
        let entry = Entry::new(&ANSWERED, actor, Object::new("run", row.id))
            .purpose(Purpose::Analysis)
            .detail("script", row.digest.clone())
            .detail("stores", stores.to_vec())
            .detail("state", row.state.text());
        let entry = match row.state {
            RunState::Failed => entry.failed("unavailable"),
            RunState::Stopped => entry.failed("stopped"),
            RunState::Running | RunState::Finished => entry,
        };
        let zone = &self.zone;
        zone.store
            .tx("explore.answer", async |tx: &mut Tx| -> Result<(), Problem> {
                if sql::end_run(tx, &row).await? {
                    zone.log.record(tx, entry.clone()).await?;
                }
                Ok(())
            })
            .await?;
        Ok(row)
    }

    /// A run of the actor's, with what was released.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is somebody else's.
    pub async fn run_view(&self, actor: &Actor, id: RunId) -> Result<RunView, Problem> {
        let owner = actor.account;
        let read = async |tx: &mut Tx| sql::run(tx, owner, id).await;
        match self.zone.store.read("explore.run", read).await? {
            Some(row) => self.view(row),
            None => {
                // Recorded as a refused attempt; the answer is the same for a run that never was.
                authorise(&self.zone, actor, READ, &identity::Object::new("run", id)).await?;
                Err(Problem::not_found("run"))
            }
        }
    }

    /// The actor's runs, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn runs(&self, actor: &Actor) -> Result<Vec<RunHead>, Problem> {
        let owner = actor.account;
        Ok(self.zone.store.read("explore.runs", async |tx: &mut Tx| sql::runs(tx, owner, MOST_RUNS).await).await?)
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
            released,
            id: row.id,
            owner: row.owner,
            script: row.script,
            text: row.text,
            digest: row.digest,
            state: row.state,
            started: row.started,
            ended: row.ended,
        })
    }

    // The editor.

    /// Everything that metadata show to be wrong with a text; nothing is run.
    pub async fn check(&self, text: &str) -> Vec<script::Diagnostic> {
        let catalogue = self.catalogue().await;
        script::compile(text, &*catalogue, &script::Settings::default()).diagnostics
    }

    /// What may stand at a place of a text: commands, options, variables, codes.
    pub async fn complete(&self, text: &str, line: u32, column: u32) -> Vec<script::Completion> {
        script::complete(text, line, column, &*self.catalogue().await)
    }

    /// What the word at a place means.
    pub async fn hover(&self, text: &str, line: u32, column: u32) -> Option<script::Hover> {
        script::hover(text, line, column, &*self.catalogue().await)
    }

    /// The classes of the words of a text, for colouring; needs no metadata.
    pub fn highlight(&self, text: &str) -> Vec<(script::Span, script::TokenClass)> {
        script::highlight(text)
    }

    /// The metadata that checks use: those of the data zone, asked for again after half a minute.
    pub async fn catalogue(&self) -> Arc<MetadataCatalogue> {
        let now = self.zone.now();
        let known = self.known();
        if known.asked.is_some_and(|asked| now < asked.plus_seconds(METADATA_SECONDS)) {
            return known.catalogue;
        }
        let question = Metadata { store: None, etag: known.etag.clone() };
        let answer: Result<MetadataAnswer, CallError> = calls::ask(&*self.channel, &Party::Data, &question).await;
        let next = match answer {
            Ok(answer) if Some(&answer.etag) == known.etag.as_ref() => Known { asked: Some(now), ..known },
            Ok(answer) => Known {
                catalogue: Arc::new(MetadataCatalogue::new(&answer)),
                etag: Some(answer.etag),
                asked: Some(now),
            },
            // The last known metadata go on to serve; the next check asks again.
            Err(error) => {
                tracing::warn!(%error, "metadata");
                return known.catalogue;
            }
        };
        let catalogue = Arc::clone(&next.catalogue);
        *self.metadata.write().unwrap_or_else(std::sync::PoisonError::into_inner) = next;
        catalogue
    }

    fn known(&self) -> Known {
        self.metadata.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

fn wire_json(diagnostics: &[Wire]) -> Result<String, Problem> {
    serde_json::to_string(diagnostics).map_err(|_| Problem::unavailable("the answer"))
}

/// A message about the whole script.
fn about_all(code: &str, [nb, nn, en]: [&str; 3]) -> Wire {
    Wire {
        code: code.to_owned(),
        severity: "error".to_owned(),
        line: 0,
        column: 0,
        length: 0,
        message: LangMap::of(nb, nn, en),
    }
}

fn unavailable() -> Wire {
    about_all(
        "unavailable",
        [
            "Analysetjenesten svarer ikke nå. Prøv igjen om litt.",
            "Analysetenesta svarar ikkje no. Prøv igjen om litt.",
            "The analysis service does not answer now. Try again in a while.",
        ],
    )
}

fn interrupted() -> Wire {
    about_all(
        "interrupted",
        [
            "Kjøringen ble avbrutt fordi tjenesten stoppet. Kjør skriptet på nytt.",
            "Køyringa vart avbroten fordi tenesta stoppa. Køyr skriptet på nytt.",
            "The run was interrupted because the service stopped. Run the script again.",
        ],
    )
}

/// What the data zone refused, in its own words where it said what is wrong with the order.
fn told(error: CallError) -> Wire {
    match Problem::from(error) {
        Problem::Invalid { fields } => {
            let text = fields.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(" ");
            about_all("E601", [&text, &text, &text])
        }
        Problem::Unavailable { what } => {
            let mut wire = unavailable();
            if let Some(text) = wire.message.0.get_mut(&Language::En) {
                text.push_str(&format!(" ({what})"));
            }
            wire
        }
        _ => unavailable(),
    }
}
