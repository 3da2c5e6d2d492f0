//! The page of the disclosure steward over JSON (SDC-172): what she and the second person see, and what they do about it. The
//! rights are those of the page, which are checked once more behind it.

use axum::extract::State;
use axum::response::Response;
use protocol::calls::StewardAct;
use serde::Deserialize;
use serde_json::json;

use super::{Body, json};
use crate::input::Query;
use crate::pages::alerts::{STEWARD, TOGETHER, Wanted};
use crate::site::Site;
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/alerts", TOGETHER, alerts)
        .post("/api/v1/alerts/acknowledge", STEWARD, acknowledge)
        .post("/api/v1/alerts/propose", STEWARD, propose)
        .post("/api/v1/alerts/allow", TOGETHER, allow)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    alert: u64,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Propose {
    project: String,
    version: String,
    more: u64,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    proposal: u64,
}

async fn alerts(
    State(services): State<Services>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let page = wanted.page(&visitor)?;
    json(&visitor, services.explore.meters(visitor.actor()?, &page).await)
}

async fn act(services: &Services, visitor: &Visitor, act: StewardAct) -> Result<Response, WebError> {
    let done = services.explore.steward(visitor.actor()?, act).await;
    json(visitor, done.map(|()| json!({ "done": true })))
}

async fn acknowledge(
    State(services): State<Services>,
    visitor: Visitor,
    Body(Acknowledge { alert, reason }): Body<Acknowledge>,
) -> Result<Response, WebError> {
    act(&services, &visitor, StewardAct::Acknowledge { alert, reason }).await
}

async fn propose(
    State(services): State<Services>,
    visitor: Visitor,
    Body(Propose { project, version, more, reason }): Body<Propose>,
) -> Result<Response, WebError> {
    act(&services, &visitor, StewardAct::Propose { project, version, more, reason }).await
}

async fn allow(
    State(services): State<Services>,
    visitor: Visitor,
    Body(Allow { proposal }): Body<Allow>,
) -> Result<Response, WebError> {
    act(&services, &visitor, StewardAct::Allow { proposal }).await
}
