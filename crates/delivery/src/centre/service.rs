//! The service of the centre: orders, reports, views.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use audit::{Actor as By, Entry, Object, Purpose, Zone};
use bytes::Bytes;
use identity::{AccountId, Action, Actor, Role, can};
use kernel::Timestamp;
use protocol::calls::{self, Call, DeliveryEvent, Done, Extract, ask};
use protocol::channel::codes;
use protocol::documents::{LinkagePlan, Permit, Receipt, ReceiptKind};
use protocol::ids::OrderId;
use protocol::{CallError, Channel, Digest, Directory, Envelope, Party, Refusal, Service};
use store::{Store, Tx, jobs};
use tokio::sync::{Notify, watch};

use super::sql::{self, Event, Stored};
use super::views::{self, DeliveryView, PermitDeliveries};
use super::{OBSTACLE, ORDER, REPORT, VIEW};
use crate::compile::{NotDeliverable, OrderFrame, Resolver, compile};
use crate::model::Report;
use crate::{DeliveryError, State};

/// Jobs that send an order.
const SEND: &str = "delivery.order";
/// How long a worker may hold a job.
const LEASE_SECONDS: i64 = 300;
/// Longest wait between two attempts.
const LONGEST_WAIT_SECONDS: i64 = 900;
/// The decision on seeing deliveries; besides, a register's people see those of their source, the people of a room
/// those to it, and the parties of a permit their own.
const READ: Action = Action("delivery.read");

/// Orders and deliveries, in the centre. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    zone: Zone,
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    resolver: Arc<dyn Resolver>,
    wake: Arc<Notify>,
}

/// What came of a permit: orders, and what could not be ordered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ordered {
    /// Orders made now or before, one per source.
    pub orders: Vec<OrderId>,
    /// What needs a task of the case.
    pub not_deliverable: Vec<NotDeliverable>,
}

/// What a source is asked for.
struct Asked<'a> {
    source: &'a str,
    parties: &'a [AccountId],
    /// When new data were ordered under an unchanged permit.
    since: Option<Timestamp>,
}

/// Whether an order that was made is the one that is wanted now: made since new data were ordered; else made for this
/// version of the permit, or for one that asked the source for the same (ACC-163) and was not in vain.
fn answers(made: &Stored, permit: &Permit, source: &str, since: Option<Timestamp>) -> bool {
    if let Some(since) = since {
        return made.ordered_at >= since;
    }
    let before = || serde_json::from_str::<Envelope>(&made.permit).ok()?.read_unverified::<Permit>().ok();
    made.permit_id == permit.permit_id
        || (!made.state.is_in_vain() && before().is_some_and(|before| permit.asks_the_same(&before, source)))
}

impl Deliveries {
    /// The service. `resolver` looks things up in the catalogue.
    pub fn new(zone: Zone, channel: Arc<dyn Channel>, directory: Arc<Directory>, resolver: Arc<dyn Resolver>) -> Self {
        Self { zone, channel, directory, resolver, wake: Arc::new(Notify::new()) }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), DeliveryError> {
        store.migrate("jobs", jobs::MIGRATIONS).await?;
        Ok(store.migrate("deliveries", sql::MIGRATIONS).await?)
    }

    /// Orders what a permit grants: one signed order per source (DEL-010). `parties` are the accounts that may follow
    /// the deliveries. The same permit again gives the same orders.
    ///
    /// # Errors
    /// When the permit is not a signed one, or when catalogue or key role do not answer: then nothing is ordered.
    pub async fn order(&self, permit: &Envelope, parties: &[AccountId]) -> Result<Ordered, DeliveryError> {
        self.order_since(permit, parties, None).await
    }

    /// As [`Deliveries::order`], for new data that were ordered at `since` under the unchanged permit (ACC-065): each
    /// source is asked again, once.
    ///
    /// # Errors
    /// As [`Deliveries::order`].
    pub async fn order_again(
        &self,
        permit: &Envelope,
        parties: &[AccountId],
        since: Timestamp,
    ) -> Result<Ordered, DeliveryError> {
        self.order_since(permit, parties, Some(since)).await
    }

    async fn order_since(
        &self,
        permit: &Envelope,
        parties: &[AccountId],
        since: Option<Timestamp>,
    ) -> Result<Ordered, DeliveryError> {
        let document: Permit = permit.open(&self.directory)?;
        let series = document.series.clone();
        let plan = ask(&*self.channel, &Party::Keys, &calls::PlanCurrent { series }).await?.plan;
        let plan_document: LinkagePlan = plan.open(&self.directory)?;
        if plan_document.series != document.series || !crate::compile::is_room_of(&document, &plan_document.room) {
            return Err(DeliveryError::Stopped("wrong_plan"));
        }
        let mut ordered = Ordered::default();
        for source in document.granted_sources() {
            let asked = Asked { source, parties, since };
            match self.order_source(&document, permit, &plan_document, &plan, &asked).await? {
                Ok(order) => ordered.orders.push(order),
                Err(obstacles) => ordered.not_deliverable.extend(obstacles),
            }
        }
        self.wake.notify_one();
        Ok(ordered)
    }

    async fn order_source(
        &self,
        permit: &Permit,
        permit_envelope: &Envelope,
        plan: &LinkagePlan,
        plan_envelope: &Envelope,
        asked: &Asked<'_>,
    ) -> Result<Result<OrderId, Vec<NotDeliverable>>, DeliveryError> {
        let Asked { source, parties, since } = *asked;
        let next = async |tx: &mut Tx| sql::last(tx, &permit.series, source).await;
        let last = self.zone.store.read("delivery next", next).await.map_err(DeliveryError::Store)?;
        let sequence = last.as_ref().map_or(0, |last| last.sequence) + 1;
        if let Some(order) = last.filter(|last| answers(last, permit, source, since)) {
            return Ok(Ok(order.order_id));
        }
        let now = self.zone.now();
        let frame = OrderFrame { order_id: self.zone.id(), source, sequence: sequence as u32, adapter: "local", now };
        let actor = || By::service("centre");
        let compiled = compile(permit, plan, &*self.resolver, &frame).await;
        let order = match compiled.map_err(|_| DeliveryError::Unavailable("the catalogue".into()))? {
            Ok(order) => order,
            Err(obstacles) => {
                let what: Vec<String> = obstacles.iter().take(500).map(|o| format!("{}:{}", o.code, o.what)).collect();
                let entry = Entry::new(&OBSTACLE, actor(), Object::new("permit", &permit.permit_id))
                    .permit(&permit.permit_id, &permit.series)
                    .purpose(Purpose::Delivery)
                    .detail("source", source)
                    .detail("what", what)
                    .refused("not_deliverable");
                self.zone.log.record_alone(entry).await?;
                return Ok(Err(obstacles));
            }
        };
        let envelope = Envelope::of(&order, &*self.zone.signer)?;
        let stored = Stored {
            order_id: order.order_id,
            series: order.series.clone(),
            permit_id: order.permit_id.clone(),
            source: source.to_owned(),
            sequence,
            room: order.room.id.to_string(),
            delivery_id: None,
            state: State::Ordered,
            version: 1,
            ordered_at: now,
            state_at: now,
            order: text(&envelope),
            plan: text(plan_envelope),
            permit: text(permit_envelope),
            parties: parties.iter().map(ToString::to_string).collect(),
        };
        let entry = Entry::new(&ORDER, actor(), Object::new("order", order.order_id))
            .permit(&order.permit_id, &order.series)
            .purpose(Purpose::Delivery)
            .detail("source", source)
            .detail("sequence", sequence)
            .detail("order", Digest::sha256(&envelope.payload.0).to_string());
        let first = line("ordered", now, &Party::Centre);
        let work = async |tx: &mut Tx| -> Result<OrderId, DeliveryError> {
            // Two callers with the same permit: the second finds the order of the first.
            if let Some(last) = sql::last(tx, &permit.series, source).await?
                && answers(&last, permit, source, since)
            {
                return Ok(last.order_id);
            }
            sql::insert(tx, &stored).await?;
            sql::add_event(tx, stored.order_id, &first, now).await?;
            self.zone.log.record(tx, entry.clone()).await?;
            jobs::push(tx, &format!("{SEND}:{}", stored.order_id), SEND, &stored.order_id.to_string(), now).await?;
            Ok(stored.order_id)
        };
        Ok(Ok(self.zone.store.tx("delivery order", work).await?))
    }

    /// Takes jobs back that a killed process held. Called at the start.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recover(&self) -> Result<(), DeliveryError> {
        Ok(self.zone.store.tx("delivery recover", async |tx: &mut Tx| jobs::release(tx, SEND).await).await?)
    }

    /// Sends orders as they come, until `stop` becomes true or its sender is gone.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.work().await {
                tracing::error!(%error, "deliveries");
                // A job whose end could not be written is held by nobody: it waits for its turn, not for its lease.
                if let Err(error) = self.recover().await {
                    tracing::error!(%error, "deliveries");
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

    /// Sends every order that is due; gives the number of orders tried.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn work(&self) -> Result<usize, DeliveryError> {
        let mut count = 0;
        loop {
            let now = self.zone.now();
            let take = async |tx: &mut Tx| jobs::take(tx, SEND, now, now.plus_seconds(LEASE_SECONDS)).await;
            let Some(job) = self.zone.store.tx("delivery take", take).await? else { return Ok(count) };
            count += 1;
            let waits = match job.payload.parse::<OrderId>() {
                Ok(order) => self.send(order).await?,
                Err(_) => None,
            };
            let finish = async |tx: &mut Tx| match &waits {
                None => jobs::done(tx, &job.id).await,
                Some(reason) => {
                    let wait = (1i64 << (job.attempts - 1).clamp(0, 20)).min(LONGEST_WAIT_SECONDS);
                    jobs::retry(tx, &job.id, now.plus_seconds(wait), reason).await
                }
            };
            self.zone.store.tx("delivery sent", finish).await?;
        }
    }

    /// Sends one order; the reason when it must wait.
    async fn send(&self, order: OrderId) -> Result<Option<String>, DeliveryError> {
        let find = async |tx: &mut Tx| sql::find(tx, order).await;
        let stored = self.zone.store.read("delivery", find).await.map_err(DeliveryError::Store)?;
        let Some(stored) = stored.filter(|s| s.state == State::Ordered) else { return Ok(None) };
        let parse = |t: &str| Envelope::parse(t.as_bytes());
        let call = Extract { order: parse(&stored.order)?, permit: parse(&stored.permit)?, plan: parse(&stored.plan)? };
        match ask(&*self.channel, &Party::Data, &call).await {
            // The data zone reports `accepted` itself, with its receipt.
            Ok(_) => Ok(None),
            Err(CallError::Refused(refusal)) if refusal.code == codes::UNAVAILABLE => {
                Ok(Some(refusal.code.into_owned()))
            }
            Err(CallError::Refused(refusal)) => {
                let report = DeliveryEvent {
                    order_id: order,
                    delivery_id: None,
                    series: stored.series.clone(),
                    source: stored.source.clone(),
                    state: "refused".into(),
                    code: Some(refusal.code.into_owned()),
                    at: self.zone.now(),
                    receipt: None,
                    detail: None,
                };
                self.keep(&Party::Data, &report).await?;
                Ok(None)
            }
            Err(error) => Ok(Some(error.to_string())),
        }
    }

    /// Takes a report in (`delivery/event`). The same report again changes nothing.
    ///
    /// # Errors
    /// `wrong_party` when the caller is neither the source's holder nor the room of the delivery, `not_found`, or a
    /// receipt that does not verify.
    pub async fn receive(&self, from: &Party, report: &DeliveryEvent) -> Result<Done, DeliveryError> {
        self.keep(from, report).await?;
        Ok(Done {})
    }

    async fn keep(&self, from: &Party, report: &DeliveryEvent) -> Result<(), DeliveryError> {
        let digest = match &report.receipt {
            None => None,
            Some(envelope) => {
                let receipt: Receipt = envelope.open(&self.directory)?;
                let names = match receipt.kind {
                    ReceiptKind::Accepted => "accepted",
                    ReceiptKind::Sealed => "sealed",
                    ReceiptKind::Delivered => "delivered",
                    ReceiptKind::Opened => "opened",
                    ReceiptKind::Rejected => "rejected",
                    ReceiptKind::Deleted => "closed",
                    ReceiptKind::Ledger | ReceiptKind::Kept => "",
                };
                let fits = receipt.series == report.series
                    && receipt.source == report.source
                    && Some(receipt.delivery_id) == report.delivery_id
                    && names == report.state;
                if !fits {
                    return Err(Refusal::new(codes::MANIFEST_MISMATCH).into());
                }
                Some(Digest::sha256(&envelope.payload.0).to_string())
            }
        };
        let now = self.zone.now();
        let number = |name: &str| report.detail.as_ref().and_then(|d| d.get(name)).and_then(serde_json::Value::as_u64);
        let word = |name: &str| report.detail.as_ref().and_then(|d| d.get(name)).and_then(serde_json::Value::as_str);
        let told = Report {
            state: &report.state,
            code: report.code.as_deref(),
            percent: number("percent").map(|p| p.min(100) as u8),
            step: word("step"),
            retry_at: word("retry_at").and_then(|t| t.parse::<Timestamp>().ok()),
        };
        let mut event = line(&report.state, report.at, from);
        event.code.clone_from(&report.code);
        event.detail = report.detail.as_ref().map(ToString::to_string);
        event.receipt = report.receipt.as_ref().map(text);
        event.receipt_digest.clone_from(&digest);
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            let stored = sql::find(tx, report.order_id).await?.ok_or(DeliveryError::NotFound)?;
            let entitled = match from {
                Party::Room(_) => {
                    stored.room == from.to_string() && matches!(told.state, "opened" | "rejected" | "closed")
                }
                other => other.speaks_for(&stored.source) && !matches!(told.state, "opened" | "rejected" | "closed"),
            };
            let same = stored.series == report.series
                && stored.source == report.source
                && (stored.delivery_id.is_none()
                    || report.delivery_id.is_none()
                    || stored.delivery_id == report.delivery_id);
            if !entitled || !same {
                return Err(Refusal::new(codes::WRONG_PARTY).into());
            }
            if !sql::add_event(tx, report.order_id, &event, now).await? {
                return Ok(());
            }
            let new = stored.state.decide(&told).map_err(|_| DeliveryError::Stopped("wrong_state"))?;
            // A report that was overtaken on the way belongs to the timeline; the state is that of the newest one.
            let new = new.filter(|_| report.at >= stored.state_at);
            let state = new.as_ref().unwrap_or(&stored.state);
            let at = if new.is_some() { report.at } else { stored.state_at };
            if !sql::set_state(tx, &stored, state, report.delivery_id, at).await? {
                return Err(store::StoreError::Busy.into());
            }
            let mut entry = Entry::new(&REPORT, By::service(from.to_string()), Object::new("order", stored.order_id))
                .permit(&stored.permit_id, &stored.series)
                .purpose(Purpose::Delivery)
                .detail("state", told.state)
                .detail("from", from.to_string());
            if let Some(step) = told.step {
                entry = entry.detail("step", step);
            }
            if let Some(digest) = &digest {
                entry = entry.detail("receipt", digest.clone());
            }
            if let Some(code) = told.code {
                entry = entry.failed(code);
            }
            Ok(self.zone.log.record(tx, entry).await?)
        };
        self.zone.store.tx("delivery report", work).await
    }

    /// The deliveries of a permit series, with timeline and receipts.
    ///
    /// # Errors
    /// [`DeliveryError::NotFound`] when there is none that the actor may see.
    pub async fn of_series(&self, actor: &Actor, series: &str) -> Result<PermitDeliveries, DeliveryError> {
        let find = async |tx: &mut Tx| -> Result<_, DeliveryError> {
            let mut all = Vec::new();
            for stored in sql::of_series(tx, series).await? {
                let events = sql::events(tx, stored.order_id).await?;
                all.push((stored, events));
            }
            Ok(all)
        };
        let all = self.zone.store.read("deliveries of series", find).await?;
        let seen: Vec<_> = all.into_iter().filter(|(s, _)| may_see(actor, s)).collect();
        let entry = self.viewed(actor, Object::new("permit_series", series));
        if seen.is_empty() {
            self.zone.log.record_alone(entry.refused("not_found")).await?;
            return Err(DeliveryError::NotFound);
        }
        self.zone.log.record_alone(entry).await?;
        let deliveries = seen.iter().map(|(s, e)| views::of(s, e)).collect();
        Ok(PermitDeliveries { series: series.to_owned(), deliveries })
    }

    /// One delivery, with timeline and receipts.
    ///
    /// # Errors
    /// [`DeliveryError::NotFound`], also when the actor may not see it.
    pub async fn get(&self, actor: &Actor, order: OrderId) -> Result<DeliveryView, DeliveryError> {
        let find = async |tx: &mut Tx| -> Result<_, DeliveryError> {
            let stored = sql::find(tx, order).await?;
            Ok(match stored {
                Some(stored) => Some((sql::events(tx, order).await?, stored)),
                None => None,
            })
        };
        let found = self.zone.store.read("delivery", find).await?;
        let entry = self.viewed(actor, Object::new("order", order));
        match found.filter(|(_, s)| may_see(actor, s)) {
            Some((events, stored)) => {
                self.zone.log.record_alone(entry).await?;
                Ok(views::of(&stored, &events))
            }
            None => {
                self.zone.log.record_alone(entry.refused("not_found")).await?;
                Err(DeliveryError::NotFound)
            }
        }
    }

    /// The newest deliveries that the actor may see, without timelines.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<DeliveryView>, DeliveryError> {
        let find = async |tx: &mut Tx| sql::newest(tx, 500).await;
        let all = self.zone.store.read("deliveries", find).await.map_err(DeliveryError::Store)?;
        let entry = self.viewed(actor, Object::new("deliveries", "all"));
        self.zone.log.record_alone(entry).await?;
        Ok(all.iter().filter(|s| may_see(actor, s)).map(|s| views::of(s, &[])).collect())
    }

    /// States of all deliveries by series, for other services of the centre (public register, deadlines).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn states(&self, series: &str) -> Result<HashMap<String, State>, DeliveryError> {
        let find = async |tx: &mut Tx| sql::of_series(tx, series).await;
        let all = self.zone.store.read("delivery states", find).await.map_err(DeliveryError::Store)?;
        Ok(all.into_iter().map(|s| (s.source, s.state)).collect())
    }

    fn viewed(&self, actor: &Actor, object: Object) -> Entry {
        Entry::new(&VIEW, actor.audit(), object).purpose(Purpose::Delivery)
    }
}

fn may_see(actor: &Actor, stored: &Stored) -> bool {
    can(actor, READ, &identity::Object::new("delivery", stored.order_id)).is_ok()
        || actor.has_for(Role::RegistryHandler, &stored.source)
        || actor.has_for(Role::RoomIntake, &stored.room)
        || stored.parties.contains(&actor.account.to_string())
}

fn line(state: &str, at: Timestamp, from: &Party) -> Event {
    Event {
        state: state.to_owned(),
        code: None,
        at,
        told_by: from.to_string(),
        detail: None,
        receipt: None,
        receipt_digest: None,
    }
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8_lossy(&envelope.to_bytes()).into_owned()
}

#[async_trait]
impl Service for Deliveries {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        match kind {
            DeliveryEvent::KIND => calls::write(&self.receive(from, &calls::read(&body)?).await?),
            _ => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}
