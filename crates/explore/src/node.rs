//! Answers the calls about runs in the data zone: takes signed run orders on, lets them wait for a place, hands the scripts
//! to the [`Runner`] on a thread that may wait, tells how far they have come, and gives the sealed document at the end.
//!
//! What is told of a run at work is the statement and a coarse share of the unit space; its outcome comes at the end of a
//! time slot (SDC-180, SDC-182).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use audit::{Action, Actor, Detail, Entry, Kind, Object, Purpose, Zone};
use bytes::Bytes;
use kernel::{Problem, Timestamp};
use protocol::calls::{
    self, Call as _, Run, RunAnswer, RunCancel, RunCancelAnswer, RunNews, RunNewsAnswer, RunProgress, RunStage,
    RunTaken,
};
use protocol::channel::codes;
use protocol::documents::RunOrder;
use protocol::ids::RunId;
use protocol::{Directory, Party, Refusal, Service};
use tokio::sync::watch;

use crate::diagnostics::to_wire;
use crate::model::{digest_of, text_fault};
use crate::queue::{Queue, Ticket};
use crate::runner::{Job, Place, Ran, Runner, RunnerError, Watch, slot_ms};

/// A run was taken on.
const STARTED: Action =
    Action::new(Kind::Run, "explore.start", &[("script", Detail::Digest), ("policy", Detail::Digest)]);
/// A run has ended; also when the gate refused a statement.
const ENDED: Action = Action::new(
    Kind::Run,
    "explore.end",
    &[
        ("script", Detail::Digest),
        ("policy", Detail::Digest),
        ("stores", Detail::Codes),
        ("results", Detail::Int),
        ("errors", Detail::Codes),
        ("slot_ms", Detail::Int),
    ],
);

/// The program failed; the id of the run finds the place in the log of the zone (SDC-006).
const INTERNAL: &str = "E_INTERNAL";

/// How often news are told.
const PIECE: Duration = Duration::from_millis(200);
/// Longest time that news are waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long an outcome is kept for the centre to fetch, in seconds.
const KEPT_SECONDS: i64 = 3600;

/// The part of the data zone that answers for runs. Cheap to clone.
#[derive(Clone)]
pub struct RunService(Arc<Shared>);

struct Shared {
    runner: Arc<Runner>,
    zone: Zone,
    directory: Arc<Directory>,
    queue: Queue,
    runs: Mutex<HashMap<RunId, Live>>,
}

/// A run that waits, works, or has ended and is kept for the centre.
struct Live {
    news: watch::Receiver<News>,
    cancel: Arc<Cancel>,
    at: Timestamp,
}

/// How far a run has come, and its outcome.
#[derive(Clone)]
struct News {
    progress: RunProgress,
    outcome: Option<Result<Arc<RunAnswer>, Refusal>>,
}

/// Ends a run: seen by the engine between two chunks, and by a run that waits for its place.
#[derive(Default)]
struct Cancel {
    told: AtomicBool,
    wake: tokio::sync::Notify,
}

impl Cancel {
    fn tell(&self) {
        self.told.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }
}

/// Passes on what the engine tells.
struct Follow {
    news: Arc<watch::Sender<News>>,
    cancel: Arc<Cancel>,
}

impl Watch for Follow {
    fn cancelled(&self) -> bool {
        self.cancel.told.load(Ordering::Relaxed)
    }

    fn progress(&self, place: Place, share: f32) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let progress = RunProgress {
            stage: RunStage::Running,
            statement: number(place.statement),
            of: number(place.of),
            line: place.line,
            // Steps of five per cent: how long a part of the data took is nobody's business (SDC-180).
            share: (share.clamp(0.0, 1.0) * 20.0) as u8 * 5,
        };
        self.news.send_if_modified(|news| {
            let behind = (progress.statement, progress.share) > (news.progress.statement, news.progress.share);
            if behind {
                news.progress = progress;
            }
            behind
        });
    }
}

impl RunService {
    /// The calls it answers.
    pub const KINDS: [&'static str; 3] = [Run::KIND, RunNews::KIND, RunCancel::KIND];

    /// Runs at most `at_once` scripts at the same time; others wait.
    pub fn new(runner: Arc<Runner>, zone: Zone, directory: Arc<Directory>, at_once: usize) -> Self {
        Self(Arc::new(Shared { runner, zone, directory, queue: Queue::new(at_once), runs: Mutex::default() }))
    }

    /// Takes a signed order on.
    ///
    /// # Errors
    /// A [`Refusal`] when the order is not to be trusted or out of date, when the workspace has too many runs waiting
    /// (`rate_limited`), or when the audit log cannot be written.
    pub async fn take(&self, call: &Run) -> Result<RunTaken, Refusal> {
        let shared = &self.0;
        let order: RunOrder = call.order.open(&shared.directory)?;
        let signed_by_centre = call
            .order
            .signatures
            .iter()
            .all(|s| shared.directory.allows(&s.keyid, &Party::Centre, protocol::KeyRole::PermitAuthority));
        if !signed_by_centre {
            return Err(Refusal::new(codes::UNKNOWN_KEY));
        }
        let now = shared.zone.now();
        if order.not_after < now || order.at > now.plus_seconds(protocol::peer::SKEW_SECONDS) {
            return Err(Refusal::new(codes::EXPIRED));
        }
        if let Some(fault) = order.loads.values().chain([&order.script]).find_map(|text| text_fault(text)) {
            return Err(Problem::Invalid { fields: vec![fault] }.into());
        }
        let (news, seen) = watch::channel(News { progress: RunProgress::QUEUED, outcome: None });
        let cancel = Arc::new(Cancel::default());
        let run_id = order.run_id;
        let ticket = {
            let mut runs = shared.runs();
            runs.retain(|_, live| live.at.plus_seconds(KEPT_SECONDS) > now || live.news.borrow().outcome.is_none());
            if runs.contains_key(&run_id) {
                return Err(Refusal::new(codes::REPLAY));
            }
            let ticket = shared.queue.enter(&order.workspace);
            let ticket = ticket.map_err(|_| Refusal::from(Problem::busy("runs of this workspace that wait")))?;
            runs.insert(run_id, Live { news: seen, cancel: Arc::clone(&cancel), at: now });
            ticket
        };
        let digest = digest_of(&order.script, &order.loads);
        let started = shared.entry(&STARTED, &order).detail("script", digest);
        if let Err(refusal) = shared.record(started).await {
            shared.runs().remove(&run_id);
            return Err(refusal);
        }
        let (shared, follow) = (Arc::clone(shared), Follow { news: Arc::new(news), cancel });
        tokio::spawn(async move { shared.carry_out(order, ticket, follow).await });
        Ok(RunTaken { run_id })
    }

    /// How far a run has come. Waits for more than the caller has seen.
    ///
    /// # Errors
    /// `not_found`; the reason why the run has no outcome.
    pub async fn news(&self, call: &RunNews) -> Result<RunNewsAnswer, Refusal> {
        let mut news = {
            let runs = self.0.runs();
            let live = runs.get(&call.run_id).ok_or_else(|| Refusal::new(codes::NOT_FOUND))?;
            live.news.clone()
        };
        let wait = Duration::from_millis(u64::from(call.wait_ms)).min(LONGEST_WAIT);
        // News come in pieces, an outcome at once. The time being up is an answer too: what there is.
        let ended = tokio::time::timeout(wait.min(PIECE), news.wait_for(|n| n.outcome.is_some())).await.is_ok();
        if !ended {
            let more = |n: &News| n.outcome.is_some() || Some(n.progress) != call.seen;
            let _ = tokio::time::timeout(wait.saturating_sub(PIECE), news.wait_for(more)).await;
        }
        let News { progress, outcome } = news.borrow().clone();
        match outcome {
            None => Ok(RunNewsAnswer { progress, outcome: None }),
            Some(Ok(answer)) => Ok(RunNewsAnswer { progress, outcome: Some((*answer).clone()) }),
            Some(Err(refusal)) => Err(refusal),
        }
    }

    /// Ends a run.
    pub fn cancel(&self, call: &RunCancel) -> RunCancelAnswer {
        let runs = self.0.runs();
        let live = runs.get(&call.run_id).filter(|live| live.news.borrow().outcome.is_none());
        if let Some(live) = live {
            live.cancel.tell();
        }
        RunCancelAnswer { cancelled: live.is_some() }
    }
}

impl Shared {
    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Live>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the queue to the outcome, which is told at the end of its time slot.
    async fn carry_out(self: Arc<Self>, order: RunOrder, ticket: Ticket, follow: Follow) {
        let news = Arc::clone(&follow.news);
        let ran = self.work(&order, ticket, follow).await;
        let outcome = self.ended(&order, ran).await;
        news.send_modify(|news| {
            news.progress.stage = RunStage::Ended;
            news.outcome = Some(outcome.map(Arc::new));
        });
    }

    async fn work(&self, order: &RunOrder, ticket: Ticket, follow: Follow) -> Result<Ran, RunnerError> {
        let busy = || RunnerError::Unavailable("the engine".to_owned());
        let place = match ticket {
            Ticket::Now(place) => place,
            Ticket::Later(place) => tokio::select! {
                place = place => place.map_err(|_| busy())?,
                () = follow.cancel.wake.notified() => return Err(RunnerError::Cancelled),
            },
        };
        follow.news.send_modify(|news| news.progress.stage = RunStage::Running);
        let (runner, job, started) = (Arc::clone(&self.runner), order.clone(), self.zone.now());
        // A panic ends this run alone, at the end of a time slot as any other outcome; its text is not shown (SDC-006).
        let ran = tokio::task::spawn_blocking(move || {
            let _place = place;
            runner.run(&of_order(&job, &job.run_id.to_string()), &follow)
        });
        let ran = ran.await.unwrap_or(Err(RunnerError::Internal));
        if !matches!(ran, Err(RunnerError::Cancelled)) {
            let now = self.zone.now();
            let took = u64::try_from((now.micros() - started.micros()) / 1000).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(slot_ms(started, now).saturating_sub(took))).await;
        }
        ran
    }

    /// Writes the end into the audit log; nothing is told without it.
    async fn ended(&self, order: &RunOrder, ran: Result<Ran, RunnerError>) -> Result<RunAnswer, Refusal> {
        let digest = digest_of(&order.script, &order.loads);
        let entry = self.entry(&ENDED, order).detail("script", digest);
        let ran = match ran {
            Ok(ran) => ran,
            Err(error) => {
                tracing::warn!(run = %order.run_id, %error, "run");
                let (code, problem) = match error {
                    RunnerError::Unavailable(what) => (codes::UNAVAILABLE, Problem::unavailable(what)),
                    RunnerError::Internal => (INTERNAL, Problem::unavailable(format!("{INTERNAL} {}", order.run_id))),
                    RunnerError::Cancelled => (CANCELLED, Problem::conflict(CANCELLED, "run it again")),
                };
                self.record(entry.failed(code)).await?;
                return Err(problem.into());
            }
        };
        let stores: Vec<String> = ran.stores.iter().map(|s| format!("{}:{}", s.store, s.version)).collect();
        let errors: Vec<String> = ran.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect();
        let entry = entry
            .detail("stores", stores.clone())
            .detail("results", ran.released.results.len())
            .detail("slot_ms", ran.duration_ms)
            .detail("errors", errors.clone());
        let entry = match errors.first() {
            Some(code) if ran.refused() => entry.refused(code.clone()),
            Some(code) => entry.failed(code.clone()),
            None => entry,
        };
        self.record(entry).await?;
        Ok(RunAnswer {
            run_id: order.run_id,
            diagnostics: ran.diagnostics.iter().map(to_wire).collect(),
            duration_ms: ran.duration_ms,
            released: vec![ran.document.into_envelope()],
            stores,
        })
    }

    fn entry(&self, action: &Action, order: &RunOrder) -> Entry {
        let mut actor = Actor::person(order.account.clone());
        actor.organisation = order.organisation.clone();
        Entry::new(action, actor, Object::new("run", order.run_id))
            .purpose(Purpose::Analysis)
            .detail("policy", self.runner.policy().hash())
    }

    async fn record(&self, entry: Entry) -> Result<(), Refusal> {
        self.zone.log.record_alone(entry).await.map_err(|e| Problem::from(e).into())
    }
}

/// The code of a run that its owner ended.
pub(crate) const CANCELLED: &str = "cancelled";

fn of_order<'a>(order: &'a RunOrder, run: &'a str) -> Job<'a> {
    Job {
        project: &order.workspace,
        student: order.student,
        params: order.params.clone(),
        loads: order.loads.clone(),
        keep_going: order.keep_going,
        from_line: order.from_line,
        ..Job::new(run, &order.account, &order.script, order.language)
    }
}

#[async_trait]
impl Service for RunService {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if !Self::KINDS.contains(&kind) {
            return Err(Refusal::new(codes::UNKNOWN_KIND));
        }
        if *from != Party::Centre {
            return Err(Refusal::new(codes::WRONG_PARTY));
        }
        match kind {
            RunNews::KIND => calls::write(&self.news(&calls::read(&body)?).await?),
            RunCancel::KIND => calls::write(&self.cancel(&calls::read(&body)?)),
            _ => calls::write(&self.take(&calls::read(&body)?).await?),
        }
    }
}
