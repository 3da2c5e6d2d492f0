//! The service of extraction: takes orders in, works through them, reports every step to the centre.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use audit::{Actor, Entry, Object, Purpose, Zone};
use bytes::Bytes;
use engine::source::VariableSource;
use kernel::Timestamp;
use protocol::calls::{self, Call, DeliveryEvent, Extract, ExtractAnswer};
use protocol::channel::codes;
use protocol::documents::{ExtractionOrder, LinkagePlan, Receipt, ReceiptKind};
use protocol::ids::DeliveryId;
use protocol::permits::Permits;
use protocol::{Channel, Digest, Directory, Envelope, Party, Refusal, Service};
use serde_json::Value;
use store::{Store, Tx, jobs};
use tokio::sync::{Notify, watch};

use super::sql::{self, New, Phase, Stored};
use super::{ACCEPT, FAIL, REFUSE};
use crate::DeliveryError;
use crate::compile::order_fits_permit;
use crate::transfer::RoomAdapters;

/// Jobs that carry an order out, and jobs that tell the centre.
const WORK: &str = "delivery.extract";
const TELL: &str = "delivery.tell";
/// How long a worker may hold a job.
const LEASE_SECONDS: i64 = 1800;
/// Longest wait between two attempts (DEL-073).
const LONGEST_WAIT_SECONDS: i64 = 900;

/// Where an extraction keeps its packages.
#[derive(Clone, Debug)]
pub struct ExtractionOptions {
    /// Folder for sealed packages until the room has opened them.
    pub outbox: PathBuf,
}

/// Extraction and sending, in the data zone. Cheap to clone.
#[derive(Clone)]
pub struct Extraction {
    pub(super) zone: Zone,
    pub(super) channel: Arc<dyn Channel>,
    pub(super) directory: Arc<Directory>,
    pub(super) permits: Arc<Permits>,
    pub(super) source: Arc<dyn VariableSource>,
    pub(super) adapters: Arc<dyn RoomAdapters>,
    pub(super) options: ExtractionOptions,
    wake: Arc<Notify>,
    told: Arc<AtomicU64>,
}

/// A step done: what changes, what is told, what is logged.
pub(super) struct Step<'a> {
    pub stored: Stored,
    pub entry: Entry,
    pub state: &'a str,
    pub receipt: Option<Envelope>,
    pub detail: Option<Value>,
}

/// An order with what it stands on, read from what was verified when it was taken in.
pub(super) struct Work {
    pub stored: Stored,
    pub order: ExtractionOrder,
    pub order_envelope: Envelope,
    pub plan: LinkagePlan,
}

impl Extraction {
    /// The service. `permits` asks the centre; `source` holds the data; `adapters` lead to the rooms.
    pub fn new(
        zone: Zone,
        channel: Arc<dyn Channel>,
        directory: Arc<Directory>,
        permits: Arc<Permits>,
        source: Arc<dyn VariableSource>,
        adapters: Arc<dyn RoomAdapters>,
        options: ExtractionOptions,
    ) -> Self {
        let (wake, told) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(0)));
        Self { zone, channel, directory, permits, source, adapters, options, wake, told }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), DeliveryError> {
        store.migrate("jobs", jobs::MIGRATIONS).await?;
        Ok(store.migrate("extraction", sql::MIGRATIONS).await?)
    }

    /// Takes jobs back that a killed process held. Called at the start, before [`Extraction::run`].
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recover(&self) -> Result<(), DeliveryError> {
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            jobs::release(tx, WORK).await?;
            jobs::release(tx, TELL).await?;
            Ok(())
        };
        self.zone.store.tx("extraction recover", work).await
    }

    /// Works until `stop` becomes true or its sender is gone.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.work().await {
                tracing::error!(%error, "extraction");
                // A job whose end could not be written is held by nobody: it waits for its turn, not for its lease.
                if let Err(error) = self.recover().await {
                    tracing::error!(%error, "extraction");
                }
            }
            if *stop.borrow() {
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Does everything that is due; gives the number of jobs done or tried.
    ///
    /// # Errors
    /// Those of the database: the failures of single jobs are recorded with the jobs.
    pub async fn work(&self) -> Result<usize, DeliveryError> {
        let mut count = 0;
        loop {
            let told = self.tell_one().await?;
            let worked = self.work_one().await?;
            if !told && !worked {
                return Ok(count);
            }
            count += usize::from(told) + usize::from(worked);
        }
    }

    /// Takes an order in (DEL-010, DEL-011). The same order again gives the same delivery.
    ///
    /// # Errors
    /// A refusal with the reason; nothing is kept then.
    pub async fn accept(&self, from: &Party, call: &Extract) -> Result<ExtractAnswer, DeliveryError> {
        if *from != Party::Centre {
            return Err(Refusal::new(codes::WRONG_PARTY).into());
        }
        let order: ExtractionOrder = call.order.open(&self.directory)?;
        let plan: LinkagePlan = call.plan.open(&self.directory)?;
        match self.check(&order, &plan).await {
            Ok(()) => {}
            Err(error) => {
                let entry = Entry::new(&REFUSE, self.actor(), Object::new("order", order.order_id))
                    .permit(&order.permit_id, &order.series)
                    .purpose(Purpose::Delivery)
                    .detail("source", order.source.clone())
                    .refused(error.code());
                self.zone.log.record_alone(entry).await?;
                return Err(error);
            }
        }
        let now = self.zone.now();
        let mut stored = Stored {
            order_id: order.order_id,
            delivery_id: self.zone.id(),
            phase: Phase::Accepted,
            stopped: None,
            order: text(&call.order),
            plan: text(&call.plan),
            staged: None,
            manifest: None,
            last_receipt: None,
        };
        let receipt = self.receipt(&order, &mut stored, ReceiptKind::Accepted, None)?;
        let told = event(&order, stored.delivery_id, "accepted", now).with(Some(receipt), None);
        let answer = self
            .zone
            .store
            .tx("extraction accept", async |tx: &mut Tx| -> Result<Stored, DeliveryError> {
                if let Some(known) = sql::find(tx, order.order_id).await? {
                    return if known.order == stored.order {
                        Ok(known)
                    } else {
                        Err(Refusal::new(codes::REPLAY).into())
                    };
                }
                let new = New {
                    stored: &stored,
                    series: &order.series,
                    source: &order.source,
                    sequence: order.sequence,
                    now,
                };
                sql::insert(tx, &new).await?;
                let entry = Entry::new(&ACCEPT, self.actor(), Object::new("delivery", stored.delivery_id))
                    .permit(&order.permit_id, &order.series)
                    .purpose(Purpose::Delivery)
                    .detail("order", order.order_id.to_string())
                    .detail("source", order.source.clone())
                    .detail("room", order.room.id.to_string());
                self.zone.log.record(tx, entry).await?;
                jobs::push(tx, &format!("{WORK}:{}", order.order_id), WORK, &order.order_id.to_string(), now).await?;
                self.queue(tx, &told).await?;
                Ok(stored.clone())
            })
            .await?;
        self.wake.notify_one();
        let state = if answer.stopped.is_some() { "failed" } else { answer.phase.text() };
        Ok(ExtractAnswer { order_id: answer.order_id, delivery_id: answer.delivery_id, state: state.to_owned() })
    }

    async fn check(&self, order: &ExtractionOrder, plan: &LinkagePlan) -> Result<(), DeliveryError> {
        let now = self.zone.now();
        if now < order.not_before.plus_seconds(-120) || order.not_after < now {
            return Err(Refusal::new(codes::EXPIRED).into());
        }
        let room_key = self.directory.sealing_key(&order.room.id, protocol::KeyRole::Intake);
        let fits_plan = plan.series == order.series
            && plan.plan_no == order.plan_no
            && plan.room == order.room.id
            && plan.room_key == order.room.intake_key
            && room_key == Some(order.room.intake_key.0)
            && plan.protocol == "P1"
            && order.pseudonym.protocol == "P1"
            && order.pseudonym.id_form == "O";
        if !fits_plan || order.format != "parquet" {
            return Err(DeliveryError::Stopped("bad_order"));
        }
        if self.adapters.adapter(&order.room.id, &order.room.adapter).is_none() {
            return Err(DeliveryError::Stopped("unknown_room"));
        }
        self.live(order).await.map(|_| ())
    }

    /// The permit as it stands now, when it still allows the order (DEL-011).
    pub(super) async fn live(
        &self,
        order: &ExtractionOrder,
    ) -> Result<protocol::permits::CurrentPermit, DeliveryError> {
        // An order belongs to one version of the permit: when there is a newer one, there is a newer order.
        let current = self.permits.live_version(&order.permit_id).await?;
        if order_fits_permit(order, &current.permit) {
            Ok(current)
        } else {
            Err(Refusal::new(codes::PERMIT_NOT_LIVE).into())
        }
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::service("data")
    }

    /// A signed receipt of the source, chained to the one before (DEL-100).
    pub(super) fn receipt(
        &self,
        order: &ExtractionOrder,
        stored: &mut Stored,
        kind: ReceiptKind,
        detail: Option<Value>,
    ) -> Result<Envelope, DeliveryError> {
        let receipt = Receipt {
            message_id: self.zone.id(),
            kind,
            delivery_id: stored.delivery_id,
            series: order.series.clone(),
            permit_id: order.permit_id.clone(),
            source: order.source.clone(),
            by: Party::Data,
            at: self.zone.now(),
            code: None,
            release_id: None,
            seq: None,
            person_root: None,
            record: None,
            persons: None,
            detail,
            previous_receipt: stored.last_receipt.as_deref().and_then(|d| d.parse().ok()),
        };
        let envelope = Envelope::of(&receipt, &*self.zone.signer)?;
        stored.last_receipt = Some(Digest::sha256(&envelope.payload.0).to_string());
        Ok(envelope)
    }

    /// Commits a step: row, audit entry and report in one transaction (DEL-001).
    pub(super) async fn commit(&self, order: &ExtractionOrder, step: Step<'_>) -> Result<Stored, DeliveryError> {
        let now = self.zone.now();
        let told = event(order, step.stored.delivery_id, step.state, now).with(step.receipt, step.detail);
        let entry = step.entry.permit(&order.permit_id, &order.series).purpose(Purpose::Delivery);
        self.zone
            .store
            .tx("extraction step", async |tx: &mut Tx| -> Result<(), DeliveryError> {
                sql::update(tx, &step.stored, now).await?;
                self.zone.log.record(tx, entry.clone()).await?;
                self.queue(tx, &told).await
            })
            .await?;
        Ok(step.stored)
    }

    /// Queues a report to the centre.
    pub(super) async fn queue(&self, tx: &mut Tx, told: &DeliveryEvent) -> Result<(), DeliveryError> {
        let payload = serde_json::to_string(told).map_err(|_| DeliveryError::Internal("event"))?;
        // Reports of one instant are told in the order in which they were made: jobs that are due together go by id.
        let count = self.told.fetch_add(1, Ordering::Relaxed);
        let id = format!("{TELL}:{}:{:020}:{count:010}", told.order_id, told.at.micros());
        Ok(jobs::push(tx, &id, TELL, &payload, told.at).await?)
    }

    async fn tell_one(&self) -> Result<bool, DeliveryError> {
        let Some(job) = self.take(TELL).await? else { return Ok(false) };
        let sent = match serde_json::from_str::<DeliveryEvent>(&job.payload) {
            Ok(told) => calls::ask(&*self.channel, &Party::Centre, &told).await.map(|_| ()),
            Err(_) => Ok(()),
        };
        match sent {
            // A report that the centre refuses will be refused again: it is logged and not repeated.
            Err(protocol::CallError::Refused(refusal)) if refusal.code != codes::UNAVAILABLE => {
                tracing::warn!(code = %refusal.code, "the centre refused a report");
                self.done(&job.id).await?;
            }
            Ok(()) => self.done(&job.id).await?,
            Err(error) => {
                self.again(&job, &error.to_string()).await?;
            }
        }
        Ok(true)
    }

    async fn work_one(&self) -> Result<bool, DeliveryError> {
        let Some(job) = self.take(WORK).await? else { return Ok(false) };
        let Ok(order_id) = job.payload.parse() else {
            self.done(&job.id).await?;
            return Ok(true);
        };
        let stored = self.zone.store.read("extraction", async |tx: &mut Tx| sql::find(tx, order_id).await).await;
        let Some(stored) = stored.map_err(DeliveryError::Store)? else {
            self.done(&job.id).await?;
            return Ok(true);
        };
        let work = self.open(stored)?;
        let order = work.order.clone();
        match self.advance(work).await {
            Ok(()) => self.done(&job.id).await?,
            Err((stored, error)) if error.may_pass() => {
                tracing::warn!(%error, order = %order.order_id, "extraction waits");
                let due = self.again(&job, error.code()).await?;
                // The first time, and then ever more rarely, the centre is told why it waits.
                if job.attempts.count_ones() == 1 {
                    self.failed(&order, &stored, &error, Some(due)).await?;
                }
            }
            Err((mut stored, error)) => {
                tracing::error!(%error, order = %order.order_id, "extraction stopped");
                stored.stopped = Some(error.code().to_owned());
                self.failed(&order, &stored, &error, None).await?;
                self.done(&job.id).await?;
            }
        }
        Ok(true)
    }

    fn open(&self, stored: Stored) -> Result<Work, DeliveryError> {
        let parse = |t: &str| Envelope::parse(t.as_bytes());
        let order_envelope = parse(&stored.order)?;
        let order = order_envelope.read_unverified()?;
        let plan = parse(&stored.plan)?.read_unverified()?;
        Ok(Work { stored, order, order_envelope, plan })
    }

    async fn failed(
        &self,
        order: &ExtractionOrder,
        stored: &Stored,
        error: &DeliveryError,
        retry_at: Option<Timestamp>,
    ) -> Result<(), DeliveryError> {
        let now = self.zone.now();
        let mut told = event(order, stored.delivery_id, "failed", now);
        told.code = Some(error.code().to_owned());
        let step = stored.phase.next_state();
        told.detail = Some(serde_json::json!({"step": step, "retry_at": retry_at}));
        let entry = Entry::new(&FAIL, self.actor(), Object::new("delivery", stored.delivery_id))
            .permit(&order.permit_id, &order.series)
            .purpose(Purpose::Delivery)
            .detail("step", step)
            .failed(error.code());
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            if stored.stopped.is_some() {
                sql::update(tx, stored, now).await?;
            }
            self.zone.log.record(tx, entry.clone()).await?;
            self.queue(tx, &told).await
        };
        self.zone.store.tx("extraction failed", work).await
    }

    async fn take(&self, kind: &'static str) -> Result<Option<jobs::Job>, DeliveryError> {
        let now = self.zone.now();
        let take = async |tx: &mut Tx| jobs::take(tx, kind, now, now.plus_seconds(LEASE_SECONDS)).await;
        Ok(self.zone.store.tx("extraction take", take).await?)
    }

    async fn done(&self, id: &str) -> Result<(), DeliveryError> {
        Ok(self.zone.store.tx("extraction done", async |tx: &mut Tx| jobs::done(tx, id).await).await?)
    }

    /// Tries again later: 1 s, 2 s, 4 s … 15 min, with up to a quarter of jitter (DEL-073).
    async fn again(&self, job: &jobs::Job, error: &str) -> Result<Timestamp, DeliveryError> {
        let mut jitter = [0u8; 1];
        self.zone.random.fill(&mut jitter);
        let wait = (1i64 << (job.attempts - 1).clamp(0, 20)).min(LONGEST_WAIT_SECONDS);
        let due = self.zone.now().plus_seconds(wait + wait * i64::from(jitter[0]) / 1024);
        self.zone.store.tx("extraction retry", async |tx: &mut Tx| jobs::retry(tx, &job.id, due, error).await).await?;
        Ok(due)
    }

    /// Takes up an extraction that was stopped, after a person has mended the reason.
    ///
    /// # Errors
    /// [`DeliveryError::NotFound`] when there is none that stands.
    pub async fn resume(&self, order_id: protocol::ids::OrderId) -> Result<(), DeliveryError> {
        let now = self.zone.now();
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            let mut stored = sql::find(tx, order_id).await?.ok_or(DeliveryError::NotFound)?;
            if stored.stopped.take().is_none() {
                return Err(DeliveryError::NotFound);
            }
            sql::update(tx, &stored, now).await?;
            Ok(jobs::push(tx, &format!("{WORK}:{order_id}"), WORK, &order_id.to_string(), now).await?)
        };
        self.zone.store.tx("extraction resume", work).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// The newest extractions with phase and reason, for the source's list and `hap data`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self) -> Result<Vec<(DeliveryId, &'static str, Option<String>, Timestamp)>, DeliveryError> {
        let rows = self.zone.store.read("extractions", async |tx: &mut Tx| sql::list(tx, 200).await).await;
        let rows = rows.map_err(DeliveryError::Store)?;
        Ok(rows.into_iter().map(|(s, at)| (s.delivery_id, s.phase.text(), s.stopped, at)).collect())
    }
}

#[async_trait]
impl Service for Extraction {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        match kind {
            Extract::KIND => calls::write(&self.accept(from, &calls::read(&body)?).await?),
            _ => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}

pub(super) fn text(envelope: &Envelope) -> String {
    String::from_utf8_lossy(&envelope.to_bytes()).into_owned()
}

pub(super) fn event(order: &ExtractionOrder, delivery: DeliveryId, state: &str, at: Timestamp) -> DeliveryEvent {
    DeliveryEvent {
        order_id: order.order_id,
        delivery_id: Some(delivery),
        series: order.series.clone(),
        source: order.source.clone(),
        state: state.to_owned(),
        code: None,
        at,
        receipt: None,
        detail: None,
    }
}

/// Receipt and facts of a report.
pub(super) trait With {
    fn with(self, receipt: Option<Envelope>, detail: Option<Value>) -> Self;
}
impl With for DeliveryEvent {
    fn with(mut self, receipt: Option<Envelope>, detail: Option<Value>) -> Self {
        self.receipt = receipt;
        self.detail = detail;
        self
    }
}
