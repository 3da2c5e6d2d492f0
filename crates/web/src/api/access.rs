//! Applications and cases.

use axum::http::header;
use axum::response::IntoResponse;
use identity::Role;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Body;
use super::call::{After, Answer, Call, CaseCall, Command};
use crate::input::{Path, Query};
use crate::pages::apply::cart_items;
use crate::site::{Site, Who};

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
        .get("/api/v1/cases/{id}/letter.json", Who::LoggedIn, letter_json)
        .get("/api/v1/cases/{id}/letter.pdf.p7s", Who::LoggedIn, pdf_seal)
        .get("/api/v1/cases/{id}/letter.json.p7s", Who::LoggedIn, json_seal)
        .post("/api/v1/cases/{id}/fields", Who::LoggedIn, fields)
        .post("/api/v1/cases/{id}/commands/{name}", Who::LoggedIn, command)
        .get("/api/v1/cases/{id}/after", Who::LoggedIn, after)
        .get("/api/v1/cases/{id}/clocks", Who::LoggedIn, clocks)
        .get("/api/v1/cases/{id}/forecasts", Who::LoggedIn, forecasts)
        .get("/api/v1/cases/{id}/archive", Who::LoggedIn, archive)
        .get("/api/v1/request-templates", Who::LoggedIn, request_templates)
}

/// Which form is begun; the one of person-level data when it is not said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    #[serde(default)]
    form: Option<String>,
}

async fn create(call: Call, Body(begin): Body<Begin>) -> Answer {
    let (services, visitor) = (&call.services, &call.visitor);
    let items = cart_items(services, visitor).await?;
    let form = begin.form.as_deref().unwrap_or(access::form::PERSON_LEVEL);
    let created = services.access.create_of(call.actor()?, form, items).await;
    if created.is_ok() {
        services.catalogue.cart_empty(&visitor.cart).await.map_err(visitor.fail())?;
    }
    call.json(created.map(|id| json!({"id": id})))
}

async fn cases(call: Call, Query(filter): Query<access::views::CaseFilter>) -> Answer {
    let actor = call.actor()?;
    let staff = [Role::CaseHandler, Role::DecisionMaker, Role::RegistryHandler];
    let found = if staff.iter().any(|r| actor.has(*r)) {
        call.services.access.cases(actor, &filter).await
    } else {
        call.services.access.own_cases(actor, &filter).await
    };
    call.json(found)
}

async fn case(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.case(&actor, case).await)
}

async fn draft(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.draft(&actor, case).await)
}

async fn check(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.check(&actor, case).await)
}

async fn feasibility(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.feasibility(&actor, case).await)
}

async fn count(CaseCall { call, actor, case }: CaseCall, _: Body<Value>) -> Answer {
    call.json(call.services.access.count(&actor, case).await)
}

async fn events(CaseCall { call, actor, case }: CaseCall, Query(after): Query<After>) -> Answer {
    call.json(call.services.access.events(&actor, case, after.after).await)
}

async fn clocks(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.clocks(&actor, case).await)
}

async fn forecasts(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.forecasts(&actor, case).await)
}

async fn after(CaseCall { call, actor, case }: CaseCall) -> Answer {
    call.json(call.services.access.after(&actor, case).await)
}

async fn letter(CaseCall { call, actor, case }: CaseCall) -> Answer {
    let pdf = call.services.access.letter_pdf(&actor, case).await.map_err(call.visitor.fail())?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], pdf).into_response())
}

/// The bytes that are sealed: not written anew.
async fn letter_json(CaseCall { call, actor, case }: CaseCall) -> Answer {
    let json = call.services.access.letter_json(&actor, case).await.map_err(call.visitor.fail())?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

async fn pdf_seal(CaseCall { call, actor, case }: CaseCall) -> Answer {
    crate::pages::cases::seal(&call.services, &call.visitor, &actor, case, access::LetterForm::Pdf).await
}

async fn json_seal(CaseCall { call, actor, case }: CaseCall) -> Answer {
    crate::pages::cases::seal(&call.services, &call.visitor, &actor, case, access::LetterForm::Json).await
}

async fn request_templates(call: Call) -> Answer {
    call.actor()?;
    call.json(Ok(access::letter::request_templates(call.services.clock.today())))
}

async fn archive(CaseCall { call, actor, case }: CaseCall) -> Answer {
    let package = call.services.access.archive(&actor, case).await.map_err(call.visitor.fail())?;
    let attached = format!("attachment; filename=\"{}\"", package.name);
    let headers = [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, attached)];
    Ok((headers, package.bytes).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    fields: Map<String, Value>,
}

async fn fields(CaseCall { call, actor, case }: CaseCall, Body(answers): Body<Answers>) -> Answer {
    call.json(call.services.access.save(&actor, case, answers.fields).await)
}

async fn command(
    CaseCall { call, actor, case }: CaseCall,
    Path((_, name)): Path<(String, String)>,
    Body(c): Body<Command>,
) -> Answer {
    let payload = if c.payload.is_null() { json!({}) } else { c.payload };
    call.json(call.services.access.command(&actor, case, &name, payload, &c.command_id, c.expected_version).await)
}
