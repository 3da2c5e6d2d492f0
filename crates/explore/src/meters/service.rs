//! Answers the calls about meters in the data zone. Every look at other people's use and every act is in the zone's log.

use std::sync::Arc;

use async_trait::async_trait;
use audit::{Action, Actor, Detail, Entry, Kind, Object, Purpose, Zone};
use bytes::Bytes;
use kernel::Problem;
use protocol::calls::{
    self, Acknowledged, AlertItem, Call as _, Done, Level, MeterItem, MetersAct, MetersList, MetersListAnswer,
    MetersOwn, MetersOwnAnswer, OwnLevel, ProposalItem, StewardAct,
};
use protocol::channel::codes;
use protocol::{Party, Refusal, Service};

use super::{AlertFilter, AlertKind, MeterView, Meters, NotDone};

const LOOKED: Action = Action::new(Kind::Run, "explore.meters", &[]);
const ACKNOWLEDGED: Action = Action::new(Kind::Run, "explore.acknowledge", &[("alert", Detail::Int)]);
const PROPOSED: Action = Action::new(Kind::Run, "explore.propose", &[("project", Detail::Code), ("more", Detail::Int)]);
const ALLOWED: Action = Action::new(Kind::Run, "explore.allow", &[("proposal", Detail::Int)]);

/// Longest page.
const MOST: u32 = 100;

/// The part of the data zone that answers for meters. Cheap to clone.
#[derive(Clone)]
pub struct MeterService {
    meters: Arc<Meters>,
    zone: Zone,
}

impl MeterService {
    /// The calls it answers.
    pub const KINDS: [&'static str; 3] = [MetersList::KIND, MetersAct::KIND, MetersOwn::KIND];

    /// Answers for these meters.
    pub fn new(meters: Arc<Meters>, zone: Zone) -> Self {
        Self { meters, zone }
    }

    async fn record(&self, entry: Entry) -> Result<(), Refusal> {
        self.zone.log.record_alone(entry).await.map(drop).map_err(|e| Problem::from(e).into())
    }

    async fn list(&self, call: &MetersList) -> Result<MetersListAnswer, Refusal> {
        let actor = Actor::person(call.account.clone());
        self.record(Entry::new(&LOOKED, actor, Object::new("meters", "all")).purpose(Purpose::Security)).await?;
        let kind = match &call.kind {
            None => None,
            Some(code) => Some(AlertKind::parse(code).ok_or_else(|| Refusal::new(codes::BAD_SCHEMA))?),
        };
        let (filter, most) = (AlertFilter { open: call.open, kind }, call.most.min(MOST) as usize);
        let (alerts_from, meters_from, now) = (call.alerts_from as usize, call.meters_from as usize, self.zone.now());
        let read = move |meters: &Meters| {
            let alerts = meters.alerts(filter, alerts_from, most);
            (alerts, meters.views(now, meters_from, most), meters.proposals())
        };
        let ((alerts, alerts_total), (meters, meters_total), proposals) = self.waiting(read).await?;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(MetersListAnswer {
            alerts: alerts
                .into_iter()
                .map(|a| AlertItem {
                    id: a.id,
                    kind: a.kind.code().to_owned(),
                    project: a.project,
                    account: a.account,
                    version: a.version,
                    at: a.at,
                    acknowledged: a.acknowledged.map(|(by, at, reason)| Acknowledged { by, at, reason }),
                })
                .collect(),
            alerts_total: number(alerts_total),
            meters: meters.into_iter().map(item).collect(),
            meters_total: number(meters_total),
            proposals: proposals
                .into_iter()
                .take(most)
                .map(|p| ProposalItem {
                    id: p.id,
                    project: p.project,
                    version: p.version,
                    more: p.more,
                    by: p.by,
                    reason: p.reason,
                    at: p.at,
                    allowed_by: p.allowed.map(|(by, _)| by),
                })
                .collect(),
        })
    }

    /// The act is recorded first: no entry, no action. One that then fails has an entry of the attempt.
    async fn act(&self, call: MetersAct) -> Result<Done, Refusal> {
        let actor = Actor::person(call.account.clone());
        let entry = match &call.act {
            StewardAct::Acknowledge { alert, .. } => {
                Entry::new(&ACKNOWLEDGED, actor, Object::new("alert", alert)).detail("alert", *alert)
            }
            StewardAct::Propose { project, more, .. } => Entry::new(&PROPOSED, actor, Object::new("budget", "more"))
                .detail("project", project.clone())
                .detail("more", *more),
            StewardAct::Allow { proposal } => {
                Entry::new(&ALLOWED, actor, Object::new("budget", "more")).detail("proposal", *proposal)
            }
        };
        self.record(entry.purpose(Purpose::Security)).await?;
        let now = self.zone.now();
        let act = move |meters: &Meters| match &call.act {
            StewardAct::Acknowledge { alert, reason } => {
                meters.acknowledge(*alert, &call.account, reason, now).map(drop)
            }
            StewardAct::Propose { project, version, more, reason } => {
                meters.propose((project, version), *more, &call.account, reason, now).map(drop)
            }
            StewardAct::Allow { proposal } => meters.allow(*proposal, &call.account, now).map(drop),
        };
        self.waiting(act).await?.map(|()| Done {}).map_err(|error| {
            Refusal::from(match error {
                NotDone::NotFound => Problem::not_found("alert"),
                NotDone::AlreadyDone => Problem::conflict("already_done", "load the page again"),
                NotDone::SecondPerson => Problem::conflict("second_person", "another person must allow it"),
                NotDone::Unavailable => Problem::unavailable("the meters"),
            })
        })
    }

    async fn own(&self, call: MetersOwn) -> Result<MetersOwnAnswer, Refusal> {
        let now = self.zone.now();
        let own = self.waiting(move |meters| meters.own(&call.project, call.student, now)).await?;
        let versions = own.versions.into_iter().map(|(version, tenths)| OwnLevel { version, tenths });
        Ok(MetersOwnAnswer { versions: versions.collect(), resets: own.resets })
    }

    /// Asks the meters on a thread that may wait. A release that is being counted holds them until its line is on disk, and
    /// that is written by the threads that drive other tasks: none of those may wait for the meters.
    async fn waiting<T: Send + 'static>(&self, f: impl FnOnce(&Meters) -> T + Send + 'static) -> Result<T, Refusal> {
        let meters = Arc::clone(&self.meters);
        let done = tokio::task::spawn_blocking(move || f(&meters)).await;
        done.map_err(|_| Refusal::from(Problem::unavailable("the meters")))
    }
}

fn item(view: MeterView) -> MeterItem {
    let level = |(used, limit): (u64, u64)| Level { used, limit };
    MeterItem {
        project: view.project,
        version: view.version,
        sets_day: level(view.sets_day),
        sets: level(view.sets),
        splits_day: level(view.splits_day),
        splits: level(view.splits),
        fragmenting: level(view.fragmenting),
        rho: view.rho,
        near_sets: view.near_sets,
        near_populations: view.near_populations,
        refused: view.refused,
        stops: view.stops,
        accounts: view.accounts.into_iter().map(|(account, ..)| account).collect(),
        last: view.last,
        tenths: view.tenths,
    }
}

#[async_trait]
impl Service for MeterService {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if !Self::KINDS.contains(&kind) {
            return Err(Refusal::new(codes::UNKNOWN_KIND));
        }
        if *from != Party::Centre {
            return Err(Refusal::new(codes::WRONG_PARTY));
        }
        match kind {
            MetersList::KIND => calls::write(&self.list(&calls::read(&body)?).await?),
            MetersAct::KIND => calls::write(&self.act(calls::read(&body)?).await?),
            _ => calls::write(&self.own(calls::read(&body)?).await?),
        }
    }
}
