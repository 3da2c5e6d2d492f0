//! Applications, cases, permits and deliveries.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Body, id, json};
use crate::input::{Path, Query};
use crate::pages::apply::cart_items;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    super::files::endpoints(site)
        .post("/api/v1/cases", Who::LoggedIn, create)
        .get("/api/v1/cases", Who::LoggedIn, cases)
        .get("/api/v1/cases/{id}", Who::LoggedIn, case)
        .get("/api/v1/cases/{id}/draft", Who::LoggedIn, draft)
        .get("/api/v1/cases/{id}/check", Who::LoggedIn, check)
        .get("/api/v1/cases/{id}/feasibility", Who::LoggedIn, feasibility)
        .post("/api/v1/cases/{id}/feasibility", Who::LoggedIn, count)
        .get("/api/v1/cases/{id}/events", Who::LoggedIn, events)
        .get("/api/v1/cases/{id}/letter.pdf", Who::LoggedIn, letter)
        .post("/api/v1/cases/{id}/fields", Who::LoggedIn, fields)
        .post("/api/v1/cases/{id}/commands/{name}", Who::LoggedIn, command)
        .get("/api/v1/permits/{series}", Who::LoggedIn, permit)
        .get("/api/v1/permits/{series}/deliveries", Who::LoggedIn, deliveries)
        .get("/api/v1/register", Who::Anyone, register)
        .get("/api/v1/register/{number}", Who::Anyone, entry)
}

async fn create(State(services): State<Services>, visitor: Visitor, _: Body<Value>) -> Result<Response, WebError> {
    let items = cart_items(&services, &visitor).await?;
    let created = services.access.create(visitor.actor()?, items).await;
    if created.is_ok() {
        services.catalogue.cart_empty(&visitor.cart).await.map_err(visitor.fail())?;
    }
    json(&visitor, created.map(|id| json!({"id": id})))
}

async fn cases(
    State(services): State<Services>,
    visitor: Visitor,
    Query(filter): Query<access::views::CaseFilter>,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let staff = [identity::Role::CaseHandler, identity::Role::DecisionMaker, identity::Role::RegistryHandler];
    let found = if staff.iter().any(|r| actor.has(*r)) {
        services.access.cases(actor, &filter).await
    } else {
        services.access.own_cases(actor, &filter).await
    };
    json(&visitor, found)
}

async fn case(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.case(visitor.actor()?, id(&visitor, &case)?).await)
}

async fn draft(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.draft(visitor.actor()?, id(&visitor, &case)?).await)
}

async fn check(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.check(visitor.actor()?, id(&visitor, &case)?).await)
}

async fn feasibility(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.feasibility(visitor.actor()?, id(&visitor, &case)?).await)
}

async fn count(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
    _: Body<Value>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.count(visitor.actor()?, id(&visitor, &case)?).await)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: i64,
}

async fn events(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
    Query(after): Query<After>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.events(visitor.actor()?, id(&visitor, &case)?, after.after).await)
}

async fn letter(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    let pdf = services.access.letter_pdf(visitor.actor()?, id(&visitor, &case)?).await.map_err(visitor.fail())?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], pdf).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    fields: Map<String, Value>,
}

async fn fields(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
    Body(answers): Body<Answers>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.save(visitor.actor()?, id(&visitor, &case)?, answers.fields).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    command_id: String,
    expected_version: i64,
    #[serde(default)]
    payload: Value,
}

async fn command(
    State(services): State<Services>,
    visitor: Visitor,
    Path((case, name)): Path<(String, String)>,
    Body(c): Body<Command>,
) -> Result<Response, WebError> {
    let (actor, case) = (visitor.actor()?, id(&visitor, &case)?);
    let payload = if c.payload.is_null() { json!({}) } else { c.payload };
    json(&visitor, services.access.command(actor, case, &name, payload, &c.command_id, c.expected_version).await)
}

async fn permit(
    State(services): State<Services>,
    visitor: Visitor,
    Path(series): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.permit(visitor.actor()?, &series).await)
}

async fn deliveries(
    State(services): State<Services>,
    visitor: Visitor,
    Path(series): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.deliveries.of_series(visitor.actor()?, &series).await.map_err(Into::into))
}

#[derive(Deserialize)]
struct RegisterQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: i64,
}

async fn register(
    State(services): State<Services>,
    visitor: Visitor,
    Query(query): Query<RegisterQuery>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.register(&query.q, query.from, 25).await)
}

async fn entry(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.register_entry(&number).await)
}
