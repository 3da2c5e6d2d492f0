//! Scripts: checking and completing while typing, running, and what was released.

use axum::extract::State;
use axum::response::Response;
use explore::RunRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, id, json};
use crate::input::Path;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.post("/api/v1/explore/check", Who::Anyone, check)
        .post("/api/v1/explore/complete", Who::Anyone, complete)
        .post("/api/v1/explore/run", Who::LoggedIn, run)
        .get("/api/v1/explore/runs", Who::LoggedIn, runs)
        .get("/api/v1/explore/runs/{id}", Who::LoggedIn, view)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    script: String,
}

async fn check(
    State(services): State<Services>,
    visitor: Visitor,
    Body(text): Body<Text>,
) -> Result<Response, WebError> {
    let found = services.explore.check(&text.script).await;
    let problems: Vec<Value> = found.iter().map(|d| problem(d, &visitor)).collect();
    json(&visitor, Ok(json!({ "problems": problems })))
}

fn problem(d: &script::Diagnostic, visitor: &Visitor) -> Value {
    let same_line = d.span.end_line == d.span.line;
    let length = if same_line { d.span.end_column.saturating_sub(d.span.column).max(1) } else { 1 };
    let mut message = d.message.text(visitor.lang).to_owned();
    if let Some(hint) = &d.hint {
        message.push(' ');
        message.push_str(hint.text(visitor.lang));
    }
    let severity = if d.is_error() { "error" } else { "warning" };
    json!({"line": d.span.line, "column": d.span.column, "length": length, "code": d.code.to_string(),
           "message": message, "severity": severity, "candidates": d.candidates})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    script: String,
    line: u32,
    column: u32,
}

async fn complete(
    State(services): State<Services>,
    visitor: Visitor,
    Body(place): Body<Place>,
) -> Result<Response, WebError> {
    let catalogue = services.explore.catalogue().await;
    let found = script::complete(&place.script, place.line, place.column, &*catalogue);
    let proposals: Vec<Value> = found
        .iter()
        .take(50)
        .map(|c| json!({"label": c.text, "detail": c.detail.text(visitor.lang), "from_column": c.replace.column}))
        .collect();
    json(&visitor, Ok(json!({ "proposals": proposals })))
}

async fn run(State(services): State<Services>, visitor: Visitor, Body(text): Body<Text>) -> Result<Response, WebError> {
    let request = RunRequest { text: text.script, script: None, language: visitor.lang };
    json(&visitor, services.explore.run(visitor.actor()?, &request).await)
}

async fn runs(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.explore.runs(visitor.actor()?).await)
}

async fn view(
    State(services): State<Services>,
    visitor: Visitor,
    Path(run): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.explore.run_view(visitor.actor()?, id(&visitor, &run)?).await)
}
