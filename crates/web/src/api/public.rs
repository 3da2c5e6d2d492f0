//! What other systems follow: calendar, public register, statistics, feed, webhooks; and the description of the API.

use axum::http::header;
use axum::response::IntoResponse;
use identity::Role;
use kernel::{Language, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{After, Answer, Call, Search};
use super::{Body, id};
use crate::input::{Path, Query};
use crate::pages::supervision::ENTERS;
use crate::site::{Site, Who};

const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/calendar/no/{year}", Who::Anyone, calendar)
        .get("/api/v1/register", Who::Anyone, register)
        .get("/api/v1/register/{number}", Who::Anyone, entry)
        .get("/api/v1/public/register", Who::Anyone, register)
        .get("/api/v1/public/register/{number}", Who::Anyone, entry)
        .get("/api/v1/public/statistics", Who::Anyone, statistics)
        .get("/api/v1/public/activity", Who::Anyone, activity)
        .get("/api/v1/public/seal.pem", Who::Anyone, certificate)
        .get("/api/v1/public/supervision", Who::Anyone, supervision)
        .post("/api/v1/supervision", ENTERS, record)
        .post("/api/v1/supervision/{number}/withdraw", ENTERS, withdraw)
        .get("/api/v1/feed", Who::LoggedIn, feed)
        .get("/api/v1/me/applications/export", Who::LoggedIn, export)
        .post("/api/v1/me/contact", Who::LoggedIn, contact)
        .get("/api/v1/outbox", ADMINISTRATOR, outbox)
        .get("/api/v1/webhooks", ADMINISTRATOR, hooks)
        .post("/api/v1/webhooks", ADMINISTRATOR, create_hook)
        .post("/api/v1/webhooks/{id}/{change}", ADMINISTRATOR, change_hook)
        .get("/api/v1/openapi.json", Who::Anyone, openapi)
}

async fn calendar(call: Call, Path(year): Path<i16>) -> Answer {
    let found = access::clocks::calendar::year(year, call.services.clock.today());
    call.json(found.ok_or_else(|| Problem::not_found("year")))
}

async fn register(call: Call, Query(query): Query<Search>) -> Answer {
    call.json(call.services.access.register(&query.q, query.from, query.size).await)
}

async fn entry(call: Call, Path(number): Path<String>) -> Answer {
    call.json(call.services.access.register_entry(&number).await)
}

async fn statistics(call: Call) -> Answer {
    call.json(call.services.access.statistics().await)
}

#[derive(Deserialize)]
struct Years {
    #[serde(default)]
    from: Option<i16>,
    #[serde(default)]
    to: Option<i16>,
}

/// The two years before this one, when none are named.
async fn activity(call: Call, Query(years): Query<Years>) -> Answer {
    let this = call.services.clock.today().year();
    let (from, to) = (years.from.unwrap_or(this - 2), years.to.unwrap_or(this - 1));
    call.json(call.services.access.activity_report(from, to).await)
}

#[derive(Deserialize)]
struct Supervised {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: i64,
    #[serde(default)]
    size: i64,
}

async fn supervision(call: Call, Query(query): Query<Supervised>) -> Answer {
    call.json(call.services.access.supervision(&query.kind, query.from, query.size).await)
}

async fn certificate(call: Call) -> Answer {
    let certificates = call.services.access.seal_certificates().map_err(call.visitor.fail())?;
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], certificates).into_response())
}

async fn record(call: Call, Body(input): Body<access::SupervisionInput>) -> Answer {
    let number = call.services.access.record_supervision(call.actor()?, &input).await;
    call.json(number.map(|number| json!({"number": number})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn withdraw(call: Call, Path(number): Path<String>, Body(why): Body<Reason>) -> Answer {
    let done = call.services.access.withdraw_supervision(call.actor()?, &number, &why.reason).await;
    call.json(done.map(|()| json!({"number": number})))
}

async fn feed(call: Call, Query(query): Query<After>) -> Answer {
    call.json(call.services.access.feed(call.actor()?, query.after, query.limit.unwrap_or(100)).await)
}

async fn export(call: Call) -> Answer {
    call.json(call.services.access.export_person(call.actor()?).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contact {
    email: String,
    #[serde(default)]
    language: Option<Language>,
}

async fn contact(call: Call, Body(contact): Body<Contact>) -> Answer {
    let language = contact.language.unwrap_or(call.visitor.lang);
    let set = call.services.access.set_contact(call.actor()?, &contact.email, language).await;
    call.json(set.map(|()| json!({"email": contact.email.trim()})))
}

async fn outbox(call: Call, Query(query): Query<Search>) -> Answer {
    let page = call.services.access.outbox(call.actor()?, query.from, query.size).await;
    let configured = call.services.access.sends_mail();
    call.json(page.map(|page| json!({"configured": configured, "messages": page})))
}

async fn hooks(call: Call) -> Answer {
    call.json(call.services.access.hooks(call.actor()?).await)
}

async fn create_hook(call: Call, Body(input): Body<access::HookInput>) -> Answer {
    call.json(call.services.access.create_hook(call.actor()?, input).await)
}

async fn change_hook(call: Call, Path((hook, change)): Path<(String, String)>, _: Body<Value>) -> Answer {
    let done = call.services.access.change_hook(call.actor()?, id(&call.visitor, &hook)?, &change).await;
    call.json(done.map(|()| json!({"id": hook, "change": change})))
}

async fn openapi(call: Call) -> axum::response::Response {
    axum::Json(super::openapi::document(&crate::endpoints(&call.services))).into_response()
}
