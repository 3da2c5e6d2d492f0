//! What other systems follow: calendar, public register, statistics, feed, webhooks; and the description of the API.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use identity::Role;
use kernel::{Language, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, id, json};
use crate::input::{Path, Query};
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/calendar/no/{year}", Who::Anyone, calendar)
        .get("/api/v1/public/register", Who::Anyone, register)
        .get("/api/v1/public/register/{number}", Who::Anyone, entry)
        .get("/api/v1/public/statistics", Who::Anyone, statistics)
        .get("/api/v1/public/activity", Who::Anyone, activity)
        .get("/api/v1/feed", Who::LoggedIn, feed)
        .get("/api/v1/cases/{id}/clocks", Who::LoggedIn, clocks)
        .get("/api/v1/cases/{id}/forecasts", Who::LoggedIn, forecasts)
        .get("/api/v1/cases/{id}/archive", Who::LoggedIn, archive)
        .get("/api/v1/me/applications/export", Who::LoggedIn, export)
        .post("/api/v1/me/contact", Who::LoggedIn, contact)
        .get("/api/v1/outbox", ADMINISTRATOR, outbox)
        .get("/api/v1/webhooks", ADMINISTRATOR, hooks)
        .post("/api/v1/webhooks", ADMINISTRATOR, create_hook)
        .post("/api/v1/webhooks/{id}/{change}", ADMINISTRATOR, change_hook)
        .get("/api/v1/openapi.json", Who::Anyone, openapi)
}

async fn calendar(
    State(services): State<Services>,
    visitor: Visitor,
    Path(year): Path<i16>,
) -> Result<Response, WebError> {
    let found = access::clocks::calendar::year(year, services.clock.today());
    json(&visitor, found.ok_or_else(|| Problem::not_found("year")))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: i64,
    #[serde(default)]
    size: i64,
}

async fn register(
    State(services): State<Services>,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.register(&query.q, query.from, query.size).await)
}

async fn entry(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.register_entry(&number).await)
}

async fn statistics(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.statistics().await)
}

#[derive(Deserialize)]
struct Years {
    #[serde(default)]
    from: Option<i16>,
    #[serde(default)]
    to: Option<i16>,
}

/// The two years before this one, when none are named.
async fn activity(
    State(services): State<Services>,
    visitor: Visitor,
    Query(years): Query<Years>,
) -> Result<Response, WebError> {
    let this = services.clock.today().year();
    let (from, to) = (years.from.unwrap_or(this - 2), years.to.unwrap_or(this - 1));
    json(&visitor, services.access.activity_report(from, to).await)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: i64,
    #[serde(default)]
    limit: Option<i64>,
}

async fn feed(
    State(services): State<Services>,
    visitor: Visitor,
    Query(query): Query<After>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.feed(visitor.actor()?, query.after, query.limit.unwrap_or(100)).await)
}

async fn clocks(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.clocks(visitor.actor()?, id(&visitor, &case)?).await)
}

async fn forecasts(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.forecasts(visitor.actor()?, id(&visitor, &case)?).await)
}

async fn archive(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    let package = services.access.archive(visitor.actor()?, id(&visitor, &case)?).await.map_err(visitor.fail())?;
    let attached = format!("attachment; filename=\"{}\"", package.name);
    let headers = [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, attached)];
    Ok((headers, package.bytes).into_response())
}

async fn export(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.export_person(visitor.actor()?).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contact {
    email: String,
    #[serde(default)]
    language: Option<Language>,
}

async fn contact(
    State(services): State<Services>,
    visitor: Visitor,
    Body(contact): Body<Contact>,
) -> Result<Response, WebError> {
    let language = contact.language.unwrap_or(visitor.lang);
    let set = services.access.set_contact(visitor.actor()?, &contact.email, language).await;
    json(&visitor, set.map(|()| json!({"email": contact.email.trim()})))
}

async fn outbox(
    State(services): State<Services>,
    visitor: Visitor,
    Query(query): Query<Search>,
) -> Result<Response, WebError> {
    let page = services.access.outbox(visitor.actor()?, query.from, query.size).await;
    let configured = services.access.sends_mail();
    json(&visitor, page.map(|page| json!({"configured": configured, "messages": page})))
}

async fn hooks(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.hooks(visitor.actor()?).await)
}

async fn create_hook(
    State(services): State<Services>,
    visitor: Visitor,
    Body(input): Body<access::HookInput>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.create_hook(visitor.actor()?, input).await)
}

async fn change_hook(
    State(services): State<Services>,
    visitor: Visitor,
    Path((hook, change)): Path<(String, String)>,
    _: Body<Value>,
) -> Result<Response, WebError> {
    let done = services.access.change_hook(visitor.actor()?, id(&visitor, &hook)?, &change).await;
    json(&visitor, done.map(|()| json!({"id": hook, "change": change})))
}

async fn openapi(State(services): State<Services>) -> Response {
    axum::Json(super::openapi::document(&crate::endpoints(&services))).into_response()
}
