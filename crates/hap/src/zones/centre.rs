//! The centre: everything that has pages, and the ways from area to area that only the whole program knows.

use std::sync::Arc;
use std::time::Duration;

use access::clocks::EndEvent;
use access::files::{ClamSocket, ScannerAddress};
use access::{Access, PermitFollower, Room, Settings};
use anyhow::Context as _;
use async_trait::async_trait;
use audit::Zone;
use bytes::Bytes;
use catalogue::Catalogue;
use citizen::{Citizen, Project, Projects};
use delivery::{CatalogueResolver, Deliveries};
use explore::Workspace;
use identity::{AccountId, Identity};
use kernel::{LangMap, Language, Problem, Timestamp};
use protocol::calls::{self, Call, DeliveryEvent, Metadata, PermitCurrent, PermitCurrentAnswer, ask};
use protocol::documents::PermitStatus;
use protocol::{Channel, Party, Refusal, Service};
use web::Services;

use super::feasibility::Counts;
use super::routes::Routes;
use super::{Net, ROOM, stopped};
use crate::outside::{Https, Outside, keep_telling};
use crate::places::Places;
use crate::seal::BodySeal;

/// How often the centre looks whether something waits to be done, when nothing tells it.
const TICK: Duration = Duration::from_millis(500);

/// Opens the centre and its services, lets it answer other zones, and keeps its queues moving.
///
/// # Errors
/// When a part of it cannot be opened.
pub async fn start(net: &Net, places: &Places, secure_cookies: bool, outside: &Outside) -> anyhow::Result<Services> {
    let (mailer, caller) = (outside.mailer()?, Https::new(false)?);
    let opened = net.open(places, Party::Centre).await?;
    let (zone, channel, directory) = (opened.zone.clone(), opened.channel.clone(), opened.directory.clone());
    migrate(&zone).await.context("tables of the centre")?;
    let identity = Arc::new(Identity::new(zone.clone(), net.published.demo));
    let catalogue = Arc::new(Catalogue::open(zone.clone()).await?);
    let explore = Arc::new(Workspace::new(zone.clone(), channel.clone(), directory.clone()));
    explore.recover().await?;
    let counts = Counts { explore: explore.clone(), catalogue: catalogue.clone() };
    let settings = settings(net, outside);
    let seal = BodySeal::open(&opened.dir, &settings.body, &zone.clock).context("the seal of letters")?;
    let access = Access::new(zone.clone(), catalogue.clone(), settings)
        .with_feasibility(Arc::new(counts))
        .with_seal(Arc::new(seal));
    let access = match scanner()? {
        Some(scanner) => access.with_scanner(Arc::new(scanner)),
        None => access,
    };
    access.recover().await.context("taking up the jobs of cases again")?;
    let access = Arc::new(match outside.register(net.published.demo)? {
        Some(register) => access.with_organisations(Arc::new(register)),
        None => access,
    });
    let resolver = Arc::new(CatalogueResolver::new(catalogue.clone(), channel.clone()));
    let deliveries = Arc::new(Deliveries::new(zone.clone(), channel.clone(), directory.clone(), resolver));
    deliveries.recover().await.context("taking up deliveries again")?;
    let projects = Arc::new(RegisterProjects(access.clone()));
    let citizen = Citizen::new(zone.clone(), channel.clone(), directory, identity.clone(), catalogue.clone(), projects);
    let mut form_key = [0u8; 32];
    zone.random.fill(&mut form_key);
    let services = Services {
        identity,
        catalogue,
        explore,
        access,
        deliveries,
        citizen: Arc::new(citizen),
        log: zone.log.clone(),
        clock: zone.clock.clone(),
        random: zone.random.clone(),
        demo: net.published.demo,
        secure_cookies,
        form_key: Arc::new(form_key),
    };
    let answers =
        Routes::default().with(&[PermitCurrent::KIND], Arc::new(PermitAnswers(services.access.clone()))).with(
            &[DeliveryEvent::KIND],
            Arc::new(Delivered { deliveries: deliveries_of(&services), access: services.access.clone() }),
        );
    net.answer(&opened, Arc::new(answers)).await?;
    keep_going(net, &services, channel);
    keep_telling(services.access.clone(), mailer, caller, net.stop.clone());
    Ok(services)
}

async fn migrate(zone: &Zone) -> anyhow::Result<()> {
    Identity::migrate(&zone.store).await?;
    Catalogue::migrate(&zone.store).await?;
    Workspace::migrate(&zone.store).await?;
    Access::migrate(&zone.store).await?;
    Deliveries::migrate(&zone.store).await?;
    Citizen::migrate(&zone.store).await?;
    Ok(())
}

/// The malware scanner that `HAP_SCANNER` names: `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`.
fn scanner() -> anyhow::Result<Option<ClamSocket>> {
    /// A file of the largest size is looked at within this time, or it is not taken.
    const LIMIT: Duration = Duration::from_secs(60);
    let Ok(named) = std::env::var("HAP_SCANNER") else { return Ok(None) };
    let address = ScannerAddress::parse(&named)
        .with_context(|| format!("HAP_SCANNER is {named:?}: write unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310"))?;
    Ok(Some(ClamSocket::new(address, LIMIT)))
}

fn settings(net: &Net, outside: &Outside) -> Settings {
    let room = Room { id: format!("room:{ROOM}"), name: LangMap::of("TSD", "TSD", "TSD") };
    let usual = Settings::new("helsedataservice", vec![room]);
    let clock_end = match outside.clock_end_event.as_deref() {
        Some("decision") => Some(EndEvent::Decision),
        Some(_) => Some(EndEvent::DataAvailable),
        None => None,
    };
    let usual = Settings { site: outside.site.clone(), mail: outside.smtp.is_some(), clock_end, ..usual };
    let usual = Settings { separate_invoices: outside.separate_invoices, ..usual };
    if net.published.demo {
        // Nobody waits a working day for the public register in a demo.
        Settings { synthetic: true, publish_after: 0, publish_decision_after: 0, ..usual }
    } else {
        usual
    }
}

/// Sends what waits: orders of deliveries, news of permits; and takes in what the data zone holds.
fn keep_going(net: &Net, services: &Services, channel: Arc<dyn Channel>) {
    let (deliveries, stop) = (services.deliveries.clone(), net.stop.clone());
    tokio::spawn(async move { deliveries.run(stop).await });
    let follower = Follower { channel: channel.clone(), deliveries: services.deliveries.clone() };
    let (access, catalogue, stop) = (services.access.clone(), services.catalogue.clone(), net.stop.clone());
    tokio::spawn(async move {
        let mut ticks = 0u64;
        loop {
            if ticks.is_multiple_of(600)
                && let Err(error) = access.expire_permits().await
            {
                tracing::warn!(%error, "permits past their last day wait");
            }
            if let Err(error) = access.announce(&follower).await {
                tracing::warn!(%error, "news of permits wait");
            }
            if ticks.is_multiple_of(20) || catalogue.etag().is_none() {
                let question = Metadata { store: None, etag: catalogue.etag() };
                match ask(&*channel, &Party::Data, &question).await {
                    Ok(answer) => drop(catalogue.refresh(answer).await),
                    Err(error) => tracing::debug!(%error, "the catalogue keeps what it knows"),
                }
            }
            ticks += 1;
            tokio::select! {
                () = stopped(stop.clone()) => return,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    });
}

/// A permit that was issued goes to the key role first, then to the registers as orders.
struct Follower {
    channel: Arc<dyn Channel>,
    deliveries: Arc<Deliveries>,
}

#[async_trait]
impl PermitFollower for Follower {
    async fn permit_changed(&self, permit: &PermitCurrentAnswer, parties: &[AccountId]) -> Result<(), String> {
        ask(&*self.channel, &Party::Keys, permit).await.map_err(|e| e.to_string())?;
        let document = permit.permit.read_unverified::<protocol::documents::Permit>().map_err(|e| e.to_string())?;
        let over = matches!(document.status, PermitStatus::Revoked | PermitStatus::Expired);
        // Nothing is ordered under a permit that waits or is over.
        if permit.hold || over {
            return Ok(());
        }
        tell_missing(self.deliveries.order(&permit.permit, parties).await.map_err(|e| e.to_string())?);
        Ok(())
    }

    async fn data_ordered(
        &self,
        permit: &PermitCurrentAnswer,
        parties: &[AccountId],
        since: Timestamp,
    ) -> Result<(), String> {
        if permit.hold {
            return Ok(());
        }
        let ordered = self.deliveries.order_again(&permit.permit, parties, since).await;
        tell_missing(ordered.map_err(|e| e.to_string())?);
        Ok(())
    }
}

fn tell_missing(ordered: delivery::Ordered) {
    for missing in ordered.not_deliverable {
        tracing::warn!(source = missing.source, what = missing.what, code = missing.code, "not deliverable");
    }
}

fn deliveries_of(services: &Services) -> Deliveries {
    (*services.deliveries).clone()
}

/// News of deliveries: what a room has opened ends the statutory clock up to the data.
struct Delivered {
    deliveries: Deliveries,
    access: Arc<Access>,
}

#[async_trait]
impl Service for Delivered {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        let answer = self.deliveries.handle(from, kind, body.clone()).await?;
        let event: DeliveryEvent = calls::read(&body)?;
        if event.state == "opened"
            && let Err(error) = self.access.data_delivered(&event.series, &event.source, event.at).await
        {
            tracing::warn!(%error, "the day on which data were opened is not remembered");
        }
        Ok(answer)
    }
}

/// `permit/current` for the other zones.
struct PermitAnswers(Arc<Access>);

#[async_trait]
impl Service for PermitAnswers {
    async fn handle(&self, _from: &Party, _kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        let question: PermitCurrent = calls::read(&body)?;
        calls::write(&self.0.permit_current(&question.series).await?)
    }
}

/// What citizens are told about a project: the title of the permit, and what the public register says.
struct RegisterProjects(Arc<Access>);

#[async_trait]
impl Projects for RegisterProjects {
    async fn project(&self, series: &str) -> Result<Option<Project>, Problem> {
        let current = match self.0.permit_current(series).await {
            Ok(current) => current,
            Err(Problem::NotFound { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        let permit = current.permit.read_unverified::<protocol::documents::Permit>();
        let permit = permit.map_err(|_| Problem::unavailable("the permit"))?;
        let entry = self.0.register_entry(&permit.case).await.ok();
        let public = |field: &str| {
            let value = entry.as_ref().and_then(|e| e.application.get(field));
            value.and_then(|v| v.as_str()).unwrap_or_default().to_owned()
        };
        let nb = |text: String| LangMap([(Language::Nb, text)].into());
        Ok(Some(Project {
            title: nb(current.title),
            summary: nb(public("pub.summary")),
            controller: public("app.name"),
            status: "running".to_owned(),
            results: Vec::new(),
            sensitive_to_proxy: false,
        }))
    }
}
