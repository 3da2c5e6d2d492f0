//! Files of a case, an application as JSON, and what sources say about fields. A file is sent as it is, with its name and field in the address; that the
//! body is `application/octet-stream` keeps forms of other sites out, as JSON does elsewhere.

use access::files::{MAX_FILE, NotTaken, Refusal};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, id, json};
use crate::input::{Path, Query};
use crate::pages::apply::file::{attachment, found};
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/cases/{id}/files", Who::LoggedIn, list)
        .post("/api/v1/cases/{id}/files", Who::LoggedIn, add)
        .get("/api/v1/cases/{id}/files/{file}", Who::LoggedIn, download)
        .delete("/api/v1/cases/{id}/files/{file}", Who::LoggedIn, remove)
        .post("/api/v1/cases/{id}/files/{file}/confirm", Who::LoggedIn, confirm)
        .post("/api/v1/cases/{id}/files/{file}/redact", Who::LoggedIn, redact)
        .get("/api/v1/cases/{id}/export", Who::LoggedIn, export)
        .post("/api/v1/cases/{id}/import", Who::LoggedIn, import)
        .post("/api/v1/cases/{id}/copy", Who::LoggedIn, copy)
        .post("/api/v1/guidance", Who::Roles(&[identity::Role::RegistryHandler]), guidance)
}

async fn list(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.access.files(visitor.actor()?, id(&visitor, &case)?).await)
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    field: String,
    #[serde(default)]
    name: String,
}

async fn add(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
    Query(named): Query<Named>,
    request: Request,
) -> Result<Response, WebError> {
    let case = id(&visitor, &case)?;
    let actor = visitor.actor()?;
    // Who may not see the case is told that before the body is read.
    services.access.files(actor, case).await.map_err(visitor.fail())?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind != "application/octet-stream" {
        let message = "send the file as application/octet-stream";
        return Err(visitor.fail()(Problem::invalid("content-type", "not_bytes", message)));
    }
    let bytes = axum::body::to_bytes(request.into_body(), MAX_FILE).await;
    let bytes = bytes.map_err(|_| WebError::file_refused(Refusal::TooLarge, &visitor))?;
    match services.access.add_file(actor, case, &named.field, &named.name, &bytes).await {
        Ok(file) => Ok(axum::Json(file).into_response()),
        Err(NotTaken::File(refusal)) => Err(WebError::file_refused(refusal, &visitor)),
        Err(NotTaken::Problem(problem)) => Err(visitor.fail()(problem)),
    }
}

async fn download(
    State(services): State<Services>,
    visitor: Visitor,
    Path((case, file)): Path<(String, String)>,
) -> Result<Response, WebError> {
    found(&services, &visitor, id(&visitor, &case)?, &file).await.map(attachment)
}

/// The case and the file of an address, for a visitor who may see the files of the case.
async fn place(
    services: &Services,
    visitor: &Visitor,
    case: &str,
    file: &str,
) -> Result<(access::CaseId, access::files::FileId), WebError> {
    let case = id(visitor, case)?;
    let actor = visitor.actor()?;
    services.access.files(actor, case).await.map_err(visitor.fail())?;
    match file.parse() {
        Ok(file) => Ok((case, file)),
        Err(_) => Err(visitor.fail()(services.access.no_file(actor, case).await)),
    }
}

async fn remove(
    State(services): State<Services>,
    visitor: Visitor,
    Path((case, file)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let (case, file) = place(&services, &visitor, &case, &file).await?;
    json(&visitor, services.access.remove_file(visitor.actor()?, case, file).await.map(|()| json!({})))
}

async fn confirm(
    State(services): State<Services>,
    visitor: Visitor,
    Path((case, file)): Path<(String, String)>,
    _: Body<Value>,
) -> Result<Response, WebError> {
    let (case, file) = place(&services, &visitor, &case, &file).await?;
    json(&visitor, services.access.confirm_file(visitor.actor()?, case, file).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn redact(
    State(services): State<Services>,
    visitor: Visitor,
    Path((case, file)): Path<(String, String)>,
    Body(reason): Body<Reason>,
) -> Result<Response, WebError> {
    let (case, file) = place(&services, &visitor, &case, &file).await?;
    json(&visitor, services.access.redact_file(visitor.actor()?, case, file, &reason.reason).await)
}

async fn export(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
) -> Result<Response, WebError> {
    let document = services.access.export(visitor.actor()?, id(&visitor, &case)?).await.map_err(visitor.fail())?;
    Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response())
}

async fn import(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
    Body(document): Body<Value>,
) -> Result<Response, WebError> {
    let left_out =
        services.access.import(visitor.actor()?, id(&visitor, &case)?, document.to_string().as_bytes()).await;
    json(&visitor, left_out.map(|fields| json!({ "left_out": fields })))
}

async fn copy(
    State(services): State<Services>,
    visitor: Visitor,
    Path(case): Path<String>,
    _: Body<Value>,
) -> Result<Response, WebError> {
    let made = services.access.copy_as_new(visitor.actor()?, id(&visitor, &case)?).await;
    json(&visitor, made.map(|id| json!({ "id": id })))
}

/// What a source says about a field (ACC-030).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    source: String,
    field: String,
    #[serde(default)]
    text: kernel::LangMap,
}

async fn guidance(
    State(services): State<Services>,
    visitor: Visitor,
    Body(said): Body<Said>,
) -> Result<Response, WebError> {
    let set = services.access.set_guidance(visitor.actor()?, &said.source, &said.field, said.text).await;
    json(&visitor, set.map(|()| json!({})))
}
