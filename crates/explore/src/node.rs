//! Answers `run` calls in the data zone: opens the signed run order, writes the audit entries, hands the script to the
//! [`Runner`] on a thread that may wait, and answers with the sealed document.

use std::sync::Arc;

use async_trait::async_trait;
use audit::{Action, Actor, Detail, Entry, Kind, Object, Purpose, Zone};
use bytes::Bytes;
use kernel::Problem;
use protocol::calls::{self, Call as _, Run, RunAnswer};
use protocol::channel::codes;
use protocol::documents::RunOrder;
use protocol::{Directory, Party, Refusal, Service};
use tokio::sync::Semaphore;

use crate::diagnostics::to_wire;
use crate::runner::{Job, Ran, Runner, RunnerError, Switch};

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

/// The part of the data zone that answers `run`.
pub struct RunService {
    runner: Arc<Runner>,
    zone: Zone,
    directory: Arc<Directory>,
    places: Semaphore,
}

impl RunService {
    /// Runs at most `at_once` scripts at the same time; others wait.
    pub fn new(runner: Arc<Runner>, zone: Zone, directory: Arc<Directory>, at_once: usize) -> Self {
        Self { runner, zone, directory, places: Semaphore::new(at_once.max(1)) }
    }

    /// Carries out one signed order.
    ///
    /// # Errors
    /// A [`Refusal`] when the order is not to be trusted or out of date, or when something the run needs does not answer.
    pub async fn run(&self, call: &Run) -> Result<RunAnswer, Refusal> {
        let order: RunOrder = call.order.open(&self.directory)?;
        let signed_by_centre = call
            .order
            .signatures
            .iter()
            .all(|s| self.directory.allows(&s.keyid, &Party::Centre, protocol::KeyRole::PermitAuthority));
        if !signed_by_centre {
            return Err(Refusal::new(codes::UNKNOWN_KEY));
        }
        let now = self.zone.now();
        if order.not_after < now || order.at > now.plus_seconds(protocol::peer::SKEW_SECONDS) {
            return Err(Refusal::new(codes::EXPIRED));
        }
        if let Some(fault) = crate::model::text_fault(&order.script) {
            return Err(Problem::Invalid { fields: vec![fault] }.into());
        }
        let digest = kernel::sha256_hex(order.script.as_bytes());
        self.record(self.entry(&STARTED, &order).detail("script", digest.clone())).await?;
        let outcome = self.carry_out(&order).await;
        let entry = self.entry(&ENDED, &order).detail("script", digest);
        match outcome {
            Ok(ran) => {
                let stores: Vec<String> = ran.stores.iter().map(|s| format!("{}:{}", s.store, s.version)).collect();
                let errors: Vec<String> =
                    ran.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect();
                let entry = entry
                    .detail("stores", stores.clone())
                    .detail("results", ran.released.results.len())
                    .detail("slot_ms", ran.duration_ms)
                    .detail("errors", errors.clone());
                let entry = match errors.first() {
                    Some(code) if ran.refused => entry.refused(code.clone()),
                    Some(code) => entry.failed(code.clone()),
                    None => entry,
                };
                self.record(entry).await?;
                Ok(RunAnswer {
                    run_id: order.run_id,
                    released: vec![ran.document.into_envelope()],
                    diagnostics: ran.diagnostics.iter().map(to_wire).collect(),
                    stores,
                    duration_ms: ran.duration_ms,
                })
            }
            Err(error) => {
                tracing::warn!(run = %order.run_id, %error, "run");
                self.record(entry.failed(codes::UNAVAILABLE)).await?;
                Err(match error {
                    RunnerError::Unavailable(what) => Problem::unavailable(what).into(),
                    RunnerError::Cancelled => Problem::conflict("cancelled", "run it again").into(),
                })
            }
        }
    }

    async fn carry_out(&self, order: &RunOrder) -> Result<Ran, RunnerError> {
        let busy = || RunnerError::Unavailable("the engine".to_owned());
        let _place = self.places.acquire().await.map_err(|_| busy())?;
        let (runner, order) = (Arc::clone(&self.runner), order.clone());
        // A panic of the engine ends this run alone; its text is not shown (SDC-006).
        tokio::task::spawn_blocking(move || {
            let job = Job {
                run: &order.run_id.to_string(),
                account: &order.account,
                project: &order.workspace,
                script: &order.script,
                language: order.language,
            };
            runner.run(&job, &Switch::default())
        })
        .await
        .map_err(|_| busy())?
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

#[async_trait]
impl Service for RunService {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if kind != Run::KIND {
            return Err(Refusal::new(codes::UNKNOWN_KIND));
        }
        if *from != Party::Centre {
            return Err(Refusal::new(codes::WRONG_PARTY));
        }
        calls::write(&self.run(&calls::read(&body)?).await?)
    }
}
