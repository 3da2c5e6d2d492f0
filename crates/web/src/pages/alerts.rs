//! The disclosure steward's page: who asks for much, how near the limits, which patterns were seen, and what was done about
//! them (SDC-172). The second person who allows more together with her sees the same page.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use explore::MetersPage;
use explore::meters::AlertKind;
use identity::Role;
use kernel::{Problem, Timestamp};
use protocol::calls::{AlertItem, Level, MeterItem, MetersListAnswer, ProposalItem, StewardAct};
use serde::Deserialize;

use super::draw;
use crate::frame::{Frame, Pager};
use crate::input::Query;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// Who looks and allows; proposing and acknowledging is the steward's.
pub(crate) const TOGETHER: Who = Who::Roles(&[Role::DisclosureSteward, Role::RegistryHandler]);
pub(crate) const STEWARD: Who = Who::Roles(&[Role::DisclosureSteward]);

/// Alerts and meters on a page.
const SIZE: u32 = 20;

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/alerts", TOGETHER, alerts)
        .post("/alerts/acknowledge", STEWARD, acknowledge)
        .post("/alerts/propose", STEWARD, propose)
        .post("/alerts/allow", TOGETHER, allow)
}

/// Which part of the alerts and meters an address asks for.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    show: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: u32,
    #[serde(default)]
    meters: u32,
}

impl Wanted {
    fn all(&self) -> bool {
        self.show == "all"
    }

    /// The part, and of what kind.
    pub(crate) fn page(&self, visitor: &Visitor) -> Result<MetersPage, WebError> {
        let kind =
            match self.kind.as_str() {
                "" => None,
                code => Some(AlertKind::parse(code).ok_or_else(|| {
                    visitor.fail()(Problem::invalid("kind", "unknown", "choose a kind from the list"))
                })?),
            };
        Ok(MetersPage { open: !self.all(), kind, alerts_from: self.from, meters_from: self.meters, most: SIZE })
    }
}

#[derive(Template)]
#[template(path = "oversight/alerts.html")]
struct AlertsPage {
    f: Frame,
    steward: bool,
    all: bool,
    kind: String,
    kinds: [&'static str; 6],
    alerts: Vec<AlertItem>,
    pager: Pager,
    meters: Vec<MeterItem>,
    meters_pager: Pager,
    proposals: Vec<ProposalItem>,
    names: BTreeMap<String, String>,
    me: String,
}

impl AlertsPage {
    fn name(&self, account: &str) -> String {
        self.names.get(account).cloned().unwrap_or_else(|| account.to_owned())
    }

    fn used(&self, level: &Level) -> String {
        let number = |n: u64| self.f.number(i64::try_from(n).unwrap_or(i64::MAX));
        format!("{} / {}", number(level.used), number(level.limit))
    }

    fn per_cent(&self, tenths: &u8) -> String {
        format!("{} %", u32::from(*tenths) * 10)
    }

    fn time(&self, at: &Option<Timestamp>) -> String {
        at.as_ref().map(|at| self.f.time(at)).unwrap_or_default()
    }

    fn mine(&self, account: &str) -> bool {
        self.me == account
    }
}

async fn alerts(
    State(services): State<Services>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let (all, page) = (wanted.all(), wanted.page(&visitor)?);
    let found = services.explore.meters(actor, &page).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let mut names = BTreeMap::new();
    for account in accounts(&found) {
        // An account that is gone is shown by its id.
        let Ok(id) = account.parse() else { continue };
        if let Ok(name) = services.identity.name(id).await {
            names.insert(account, name.text(f.lang).to_owned());
        }
    }
    let query = format!("/alerts?show={}&kind={}", if all { "all" } else { "open" }, wanted.kind);
    let size = i64::from(SIZE);
    let pager = f.pager(&query, wanted.from.into(), found.alerts.len(), size, found.alerts_total.into());
    let mut meters_pager = f.pager(&query, wanted.meters.into(), found.meters.len(), size, found.meters_total.into());
    for address in [&mut meters_pager.earlier, &mut meters_pager.later].into_iter().flatten() {
        *address = address.replace("&from=", "&meters=");
    }
    let page = AlertsPage {
        f,
        steward: actor.has(Role::DisclosureSteward),
        all,
        kind: wanted.kind,
        kinds: AlertKind::ALL.map(AlertKind::code),
        alerts: found.alerts,
        pager,
        meters: found.meters,
        meters_pager,
        proposals: found.proposals,
        names,
        me: actor.account.to_string(),
    };
    draw(&visitor, &page)
}

/// Everybody who is named on the page.
fn accounts(found: &MetersListAnswer) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for alert in &found.alerts {
        all.extend([alert.project.clone(), alert.account.clone()]);
        all.extend(alert.acknowledged.as_ref().map(|a| a.by.clone()));
    }
    for meter in &found.meters {
        all.insert(meter.project.clone());
        all.extend(meter.accounts.iter().cloned());
    }
    for proposal in &found.proposals {
        all.extend([proposal.project.clone(), proposal.by.clone()]);
        all.extend(proposal.allowed_by.clone());
    }
    all
}

fn number(visitor: &Visitor, fields: &Fields, name: &'static str) -> Result<u64, WebError> {
    fields.get(name).parse().map_err(|_| visitor.fail()(Problem::invalid(name, "form", "a whole number")))
}

async fn act(services: &Services, visitor: &Visitor, act: StewardAct) -> Result<Response, WebError> {
    services.explore.steward(visitor.actor()?, act).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/alerts").into_response())
}

async fn acknowledge(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let alert = number(&visitor, &fields, "alert")?;
    act(&services, &visitor, StewardAct::Acknowledge { alert, reason: fields.get("reason").to_owned() }).await
}

async fn propose(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let more = number(&visitor, &fields, "more")?;
    let (project, version) = (fields.get("project").to_owned(), fields.get("version").to_owned());
    let proposed = StewardAct::Propose { project, version, more, reason: fields.get("reason").to_owned() };
    act(&services, &visitor, proposed).await
}

async fn allow(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let proposal = number(&visitor, &fields, "proposal")?;
    act(&services, &visitor, StewardAct::Allow { proposal }).await
}
