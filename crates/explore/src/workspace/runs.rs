//! Runs: stored, sent to the data zone, followed, ended; and who may look at them afterwards.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use audit::{Action as Audited, Actor as AuditActor, Detail, Entry, Kind, Object, Purpose};
use disclosure::SealedDocument;
use identity::{Actor, Role, authorise};
use kernel::Problem;
use protocol::calls::{self, Run, RunAnswer, RunCancel, RunNews, RunProgress, RunStage};
use protocol::channel::codes;
use protocol::documents::RunOrder;
use protocol::ids::RunId;
use protocol::{CallError, Envelope, Party};
use store::Tx;
use tokio::sync::watch;

use super::loads::Loaded;
use super::{READ, RUN, Workspace, told, wire_json};
use crate::diagnostics::to_wire;
use crate::model::{Progress, RunHead, RunRequest, RunState, RunView, Share, digest_of, text_fault};
use crate::node::CANCELLED;
use crate::sql::{self, RunRow};

/// Runs shown in a list.
const MOST_RUNS: i64 = 100;
/// How long an order counts, in seconds: it may wait for a place.
const ORDER_SECONDS: i64 = 3600;
/// How long news are waited for before the question is asked again.
const NEWS_MS: u32 = 5_000;
/// How often, and how many times, a data zone that does not answer is asked again about a run.
const AGAIN: (Duration, u32) = (Duration::from_millis(500), 40);

const SUBMITTED: Audited = Audited::new(Kind::Run, "explore.submit", &[("script", Detail::Digest)]);
const ANSWERED: Audited = Audited::new(
    Kind::Run,
    "explore.answer",
    &[("script", Detail::Digest), ("stores", Detail::Codes), ("state", Detail::Code)],
);
const SHARED: Audited = Audited::new(Kind::Run, "explore.share", &[("with", Detail::Code)]);

impl Workspace {
    /// Runs a text and waits until the run has ended.
    ///
    /// # Errors
    /// Those of [`Workspace::start`].
    pub async fn run(&self, actor: &Actor, request: &RunRequest) -> Result<RunView, Problem> {
        let id = self.start(actor, request).await?;
        let mut progress = self.follow(actor, id).await?;
        // Without a sender the run has ended.
        let _ = progress.wait_for(|p| !p.state.is_open()).await;
        self.run_view(actor, id).await
    }

    /// Sends a text to the data zone and follows it there (LANG-331). The run is stored before it is sent, so a run that
    /// was acknowledged is never lost.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for a text that is too long, [`Problem::Forbidden`], [`Problem::Busy`] when too many runs wait,
    /// or those of the database. A data zone that does not answer is no error here: the run is there, with the state
    /// failed.
    pub async fn start(&self, actor: &Actor, request: &RunRequest) -> Result<RunId, Problem> {
        authorise(&self.zone, actor, RUN, &identity::Object::any("run")).await?;
        if let Some(fault) = text_fault(&request.text) {
            return Err(Problem::Invalid { fields: vec![fault] });
        }
        let Loaded { loads, diagnostics: checked } = self.checked(Some(actor), &request.text, &request.params).await?;
        let row = self.submit(actor, request, &loads).await?;
        let id = row.id;
        // What the metadata here already show to be wrong is told without asking the data zone.
        if checked.iter().any(script::Diagnostic::is_error) {
            let diagnostics: Vec<_> = checked.iter().map(to_wire).collect();
            let row = RunRow { state: RunState::Stopped, diagnostics: wire_json(&diagnostics)?, ..row };
            self.end(row, actor.audit(), &[]).await?;
            return Ok(id);
        }
        match self.send(actor, &row, request, loads).await {
            Ok(()) => {
                let (tell, progress) = watch::channel(Progress::of(RunState::Queued));
                self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(id, progress);
                let (workspace, actor) = (self.clone(), actor.audit());
                tokio::spawn(async move {
                    let state = workspace.see_through(row, actor, &tell).await;
                    workspace.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    tell.send_modify(|p| p.state = state);
                });
                Ok(id)
            }
            Err(error) => {
                tracing::warn!(%error, run = %id, "run");
                let busy = error.refusal_code() == Some(codes::RATE_LIMITED);
                let told = if busy { told::busy() } else { told::told(error) };
                let row = RunRow { state: RunState::Failed, diagnostics: wire_json(&[told])?, ..row };
                self.end(row, actor.audit(), &[]).await?;
                if busy { Err(Problem::busy("runs that wait")) } else { Ok(id) }
            }
        }
    }

    async fn submit(
        &self,
        actor: &Actor,
        request: &RunRequest,
        loads: &BTreeMap<String, String>,
    ) -> Result<RunRow, Problem> {
        // The version is told where the text is that of the version.
        let saved = match request.script {
            Some(script) => Some(self.script(actor, script, request.version).await?),
            None => None,
        };
        let row = RunRow {
            id: self.zone.id(),
            owner: actor.account,
            organisation: actor.organisation().map(str::to_owned),
            script: request.script,
            version: saved.filter(|s| s.text == request.text).map(|s| s.version),
            text: request.text.clone(),
            loads: serde_json::to_string(loads).map_err(|_| Problem::unavailable("the order"))?,
            digest: digest_of(&request.text, loads),
            language: request.language.code().to_owned(),
            state: RunState::Queued,
            share: Share::Me,
            started: self.zone.now(),
            ended: None,
            duration_ms: None,
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

    /// Sends the signed order.
    async fn send(
        &self,
        actor: &Actor,
        row: &RunRow,
        request: &RunRequest,
        loads: BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        let order = RunOrder {
            run_id: row.id,
            account: actor.account.to_string(),
            organisation: actor.organisation().map(str::to_owned),
            workspace: actor.account.to_string(),
            student: is_student(actor),
            script: row.text.clone(),
            loads,
            language: request.language,
            stores: Vec::new(),
            params: request.params.clone(),
            keep_going: request.keep_going,
            from_line: request.from_line,
            at: row.started,
            not_after: row.started.plus_seconds(ORDER_SECONDS),
        };
        let order =
            Envelope::of(&order, &*self.zone.signer).map_err(|_| protocol::Refusal::new(codes::TOKEN_UNAVAILABLE))?;
        calls::ask(&*self.channel, &Party::Data, &Run { order }).await.map(drop)
    }

    /// Follows a run to its end and stores the outcome.
    async fn see_through(&self, mut row: RunRow, actor: AuditActor, tell: &watch::Sender<Progress>) -> RunState {
        let mut stores = Vec::new();
        let diagnostics = match self.outcome(row.id, tell).await {
            Ok(answer) => match self.released(&row, &answer) {
                Some(released) => {
                    let failed = answer.diagnostics.iter().any(|d| d.severity == "error");
                    row.state = if failed { RunState::Stopped } else { RunState::Finished };
                    row.released = released;
                    row.duration_ms = i64::try_from(answer.duration_ms).ok();
                    stores = answer.stores;
                    answer.diagnostics
                }
                None => {
                    row.state = RunState::Failed;
                    vec![told::unavailable()]
                }
            },
            Err(error) if error.refusal_code() == Some(CANCELLED) => {
                row.state = RunState::Stopped;
                vec![told::cancelled()]
            }
            Err(error) => {
                tracing::warn!(%error, run = %row.id, "run");
                row.state = RunState::Failed;
                vec![told::told(error)]
            }
        };
        row.diagnostics = wire_json(&diagnostics).unwrap_or_else(|_| "[]".to_owned());
        row.stores = serde_json::to_string(&stores).unwrap_or_else(|_| "[]".to_owned());
        let (id, state) = (row.id, row.state);
        if let Err(error) = self.end(row, actor, &stores).await {
            // It stays open in the database and is told as interrupted at the next start.
            tracing::error!(%error, run = %id, "the end of a run");
        }
        state
    }

    /// Asks for news until there is an outcome. A data zone that is away for a moment is asked again.
    async fn outcome(&self, id: RunId, tell: &watch::Sender<Progress>) -> Result<RunAnswer, CallError> {
        let began = self.zone.now();
        let mut call = RunNews { run_id: id, seen: None, wait_ms: NEWS_MS };
        let mut away = 0;
        loop {
            match calls::ask(&*self.channel, &Party::Data, &call).await {
                Ok(answer) => {
                    away = 0;
                    if let Some(outcome) = answer.outcome {
                        return Ok(outcome);
                    }
                    call.seen = Some(answer.progress);
                    let seconds = (self.zone.now().micros() - began.micros()) as f64 / 1e6;
                    // Whoever follows may have left; the run goes on.
                    let _ = tell.send(progress(&answer.progress, seconds));
                }
                Err(error @ CallError::Unreachable { .. }) if away < AGAIN.1 => {
                    away += 1;
                    tracing::info!(%error, run = %id, "asked again");
                    tokio::time::sleep(AGAIN.0).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The sealed document of an answer, verified; none when it is not to be trusted.
    fn released(&self, row: &RunRow, answer: &RunAnswer) -> Option<Option<Vec<u8>>> {
        let Some(envelope) = answer.released.first() else { return Some(None) };
        let sealed = SealedDocument::from_envelope(envelope.clone());
        match self.open(&sealed) {
            Ok(document) if document.head.run == row.id.to_string() && document.head.script == row.digest => {
                Some(Some(sealed.to_bytes()))
            }
            Ok(_) => {
                tracing::error!(run = %row.id, "a released document of another run");
                None
            }
            Err(error) => {
                tracing::error!(%error, run = %row.id, "released document");
                None
            }
        }
    }

    pub(super) async fn end(&self, mut row: RunRow, actor: AuditActor, stores: &[String]) -> Result<(), Problem> {
        row.ended = Some(self.zone.now());
        let entry = Entry::new(&ANSWERED, actor, Object::new("run", row.id))
            .purpose(Purpose::Analysis)
            .detail("script", row.digest.clone())
            .detail("stores", stores.to_vec())
            .detail("state", row.state.text());
        let entry = match row.state {
            RunState::Failed => entry.failed("unavailable"),
            RunState::Stopped => entry.failed("stopped"),
            RunState::Queued | RunState::Running | RunState::Finished => entry,
        };
        let zone = &self.zone;
        zone.store
            .tx("explore.answer", async |tx: &mut Tx| -> Result<(), Problem> {
                if sql::end_run(tx, &row).await? {
                    zone.log.record(tx, entry.clone()).await?;
                }
                Ok(())
            })
            .await
    }

    // Looking at runs.

    /// How far a run of the actor's has come, as long as it goes on.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is somebody else's.
    pub async fn follow(&self, actor: &Actor, id: RunId) -> Result<watch::Receiver<Progress>, Problem> {
        // Asked for before the row is read: a run that ends between the two is then told as ended by one of them.
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let row = self.own(actor, id).await?;
        Ok(live.unwrap_or_else(|| watch::channel(Progress::of(row.state)).1))
    }

    pub(super) fn progress(&self, row: &RunRow) -> Progress {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(&row.id).map_or_else(|| Progress::of(row.state), |p| *p.borrow())
    }

    /// Ends a run of the actor's that waits or works; it ends as stopped. False when it had ended already.
    ///
    /// # Errors
    /// [`Problem::NotFound`]; [`Problem::Unavailable`] when the data zone does not answer.
    pub async fn cancel(&self, actor: &Actor, id: RunId) -> Result<bool, Problem> {
        self.own(actor, id).await?;
        Ok(calls::ask(&*self.channel, &Party::Data, &RunCancel { run_id: id }).await?.cancelled)
    }

    /// A run of the actor's, with what was released.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is somebody else's.
    pub async fn run_view(&self, actor: &Actor, id: RunId) -> Result<RunView, Problem> {
        let row = self.own(actor, id).await?;
        self.view(row)
    }

    /// A run that the actor may look at: her own, or one that its owner shares (LANG-357). Looking at it runs nothing.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is not shared with the actor.
    pub async fn shared_view(&self, actor: &Actor, id: RunId) -> Result<RunView, Problem> {
        let read = async |tx: &mut Tx| sql::any_run(tx, id).await;
        let row = self.zone.store.read("explore.shared", read).await?;
        let may = |row: &RunRow| match row.share {
            _ if row.owner == actor.account => true,
            Share::Me => false,
            Share::Organisation => row.organisation.is_some() && row.organisation.as_deref() == actor.organisation(),
            Share::Anyone => true,
        };
        match row.filter(may) {
            Some(row) => self.view(row),
            None => self.denied(actor, id).await,
        }
    }

    /// Says who may look at a run of the actor's.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is somebody else's.
    pub async fn share(&self, actor: &Actor, id: RunId, share: Share) -> Result<(), Problem> {
        self.own(actor, id).await?;
        let entry = Entry::new(&SHARED, actor.audit(), Object::new("run", id))
            .purpose(Purpose::Analysis)
            .detail("with", share.text());
        let (zone, owner) = (&self.zone, actor.account);
        zone.store
            .tx("explore.share", async |tx: &mut Tx| -> Result<(), Problem> {
                sql::share(tx, owner, id, share).await?;
                Ok(zone.log.record(tx, entry.clone()).await?)
            })
            .await
    }

    async fn own(&self, actor: &Actor, id: RunId) -> Result<RunRow, Problem> {
        let owner = actor.account;
        let read = async |tx: &mut Tx| sql::run(tx, owner, id).await;
        match self.zone.store.read("explore.run", read).await? {
            Some(row) => Ok(row),
            None => self.denied(actor, id).await,
        }
    }

    /// Recorded as a refused attempt; the answer is the same for a run that never was.
    async fn denied<T>(&self, actor: &Actor, id: RunId) -> Result<T, Problem> {
        authorise(&self.zone, actor, READ, &identity::Object::new("run", id)).await?;
        Err(Problem::not_found("run"))
    }

    /// The actor's runs, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn runs(&self, actor: &Actor) -> Result<Vec<RunHead>, Problem> {
        let owner = actor.account;
        Ok(self.zone.store.read("explore.runs", async |tx: &mut Tx| sql::runs(tx, owner, MOST_RUNS).await).await?)
    }
}

/// Whether the account has the budget of students: it explores in no other role.
pub(super) fn is_student(actor: &Actor) -> bool {
    actor.has(Role::Student) && !actor.has(Role::Researcher)
}

/// What is told of a run that has been going on for some seconds.
fn progress(news: &RunProgress, seconds: f64) -> Progress {
    let state = if news.stage == RunStage::Queued { RunState::Queued } else { RunState::Running };
    let done = f64::from(news.statement.saturating_sub(1)) + f64::from(news.share) / 100.0;
    let share = if news.of == 0 { 0.0 } else { (done / f64::from(news.of)).min(1.0) };
    // An estimate is told when there is something to go by.
    let left_seconds = (share > 0.05 && seconds > 1.0).then(|| (seconds / share - seconds).ceil() as u32);
    Progress { state, statement: news.statement, of: news.of, line: news.line, share: news.share, left_seconds }
}
