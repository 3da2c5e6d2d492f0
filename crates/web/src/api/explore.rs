//! Scripts over JSON (LANG-331): checked, completed and laid out while typing, run and followed, and what was released in
//! the formats of the exports. Same gate, queue and audit as the page.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use disclosure::Entry;
use explore::{RunRequest, RunView, Save, ScriptId, Share};
use kernel::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, id, json};
use crate::input::{Path, Query};
use crate::pages::exports;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.post("/api/v1/explore/check", Who::Anyone, check)
        .post("/api/v1/explore/complete", Who::Anyone, complete)
        .post("/api/v1/explore/hover", Who::Anyone, hover)
        .post("/api/v1/explore/format", Who::Anyone, format)
        .post("/api/v1/explore/run", Who::LoggedIn, run)
        .post("/api/v1/explore/runs", Who::LoggedIn, start)
        .get("/api/v1/explore/runs", Who::LoggedIn, runs)
        .get("/api/v1/explore/runs/{id}", Who::LoggedIn, view)
        .delete("/api/v1/explore/runs/{id}", Who::LoggedIn, cancel)
        .get("/api/v1/explore/runs/{id}/events", Who::LoggedIn, events)
        .get("/api/v1/explore/runs/{id}/results/{result}", Who::LoggedIn, result)
        .post("/api/v1/explore/runs/{id}/share", Who::LoggedIn, share)
        .get("/api/v1/explore/budget", Who::LoggedIn, budget)
        .get("/api/v1/explore/scripts", Who::LoggedIn, scripts)
        .post("/api/v1/explore/scripts", Who::LoggedIn, save)
        .get("/api/v1/explore/scripts/{id}", Who::LoggedIn, script)
        .get("/api/v1/explore/scripts/{id}/versions", Who::LoggedIn, versions)
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
    let found = services.explore.check(visitor.actor.as_ref(), &text.script).await.map_err(visitor.fail())?;
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
    json!({"line": d.span.line, "column": d.span.column, "length": length, "code": d.code.to_string(), "name": d.name,
           "message": message, "severity": severity, "candidates": d.candidates, "replacement": d.replacement})
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
    let found = services.explore.complete(&place.script, place.line, place.column).await;
    let proposals: Vec<Value> = found
        .iter()
        .take(50)
        .map(|c| {
            json!({"label": c.text, "detail": c.detail.text(visitor.lang), "kind": c.kind,
                   "from_column": c.replace.column})
        })
        .collect();
    json(&visitor, Ok(json!({ "proposals": proposals })))
}

async fn hover(
    State(services): State<Services>,
    visitor: Visitor,
    Body(place): Body<Place>,
) -> Result<Response, WebError> {
    let found = services.explore.hover(&place.script, place.line, place.column).await;
    let shown = found.map(|h| {
        json!({"text": h.text.text(visitor.lang), "line": h.span.line, "column": h.span.column,
               "length": h.span.length()})
    });
    json(&visitor, Ok(shown))
}

/// The script as the formatter lays it out; where it cannot be read, its problems and status 422.
async fn format(visitor: Visitor, Body(text): Body<Text>) -> Result<Response, WebError> {
    match script::format(&text.script) {
        Ok(script) => json(&visitor, Ok(json!({ "script": script }))),
        Err(found) => {
            let problems: Vec<Value> = found.iter().map(|d| problem(d, &visitor)).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, axum::Json(json!({ "problems": problems }))).into_response())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    script: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
    #[serde(default)]
    keep_going: bool,
    #[serde(default)]
    from_line: Option<u32>,
    /// The saved script and version that the text comes from.
    #[serde(default)]
    saved: Option<ScriptId>,
    #[serde(default)]
    version: Option<i64>,
}

impl Order {
    fn request(self, visitor: &Visitor) -> RunRequest {
        RunRequest {
            params: self.params,
            keep_going: self.keep_going,
            from_line: self.from_line,
            script: self.saved,
            version: self.version,
            ..RunRequest::new(self.script, visitor.lang)
        }
    }
}

/// Runs and waits for the end.
async fn run(
    State(services): State<Services>,
    visitor: Visitor,
    Body(order): Body<Order>,
) -> Result<Response, WebError> {
    let request = order.request(&visitor);
    json(&visitor, services.explore.run(visitor.actor()?, &request).await.map(told))
}

/// Starts a run.
async fn start(
    State(services): State<Services>,
    visitor: Visitor,
    Body(order): Body<Order>,
) -> Result<Response, WebError> {
    let request = order.request(&visitor);
    let run = services.explore.start(visitor.actor()?, &request).await.map_err(visitor.fail())?;
    let address = format!("/api/v1/explore/runs/{run}");
    let body = axum::Json(json!({ "run_id": run, "page": format!("/explore/run/{run}"), "link": format!("/e/{run}") }));
    Ok((StatusCode::ACCEPTED, [("location", address)], body).into_response())
}

async fn runs(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.explore.runs(visitor.actor()?).await)
}

/// A run with the names of LANG-331 beside its own.
fn told(view: RunView) -> Value {
    let results = view.released.as_ref().map(|d| json!(d.results)).unwrap_or_else(|| json!([]));
    let mut all = json!(view);
    all["status"] = all["state"].clone();
    all["results"] = results;
    all
}

async fn view(
    State(services): State<Services>,
    visitor: Visitor,
    Path(run): Path<String>,
) -> Result<Response, WebError> {
    let run = id(&visitor, &run)?;
    json(&visitor, services.explore.shared_view(visitor.actor()?, run).await.map(told))
}

async fn cancel(
    State(services): State<Services>,
    visitor: Visitor,
    Path(run): Path<String>,
) -> Result<Response, WebError> {
    let cancelled = services.explore.cancel(visitor.actor()?, id(&visitor, &run)?).await;
    json(&visitor, cancelled.map(|cancelled| json!({ "cancelled": cancelled })))
}

/// How far a run has come, as server-sent events: `progress` for each piece of news, `end` with the last.
async fn events(
    State(services): State<Services>,
    visitor: Visitor,
    Path(run): Path<String>,
) -> Result<Response, WebError> {
    let progress = services.explore.follow(visitor.actor()?, id(&visitor, &run)?).await.map_err(visitor.fail())?;
    let events = futures::stream::unfold(Some((progress, true)), async |state| {
        let (mut progress, first) = state?;
        if !first && progress.changed().await.is_err() {
            return None;
        }
        let now = *progress.borrow_and_update();
        let name = if now.state.is_open() { "progress" } else { "end" };
        let event = Event::default().event(name).data(serde_json::to_string(&now).unwrap_or_default());
        Some((Ok::<_, Infallible>(event), now.state.is_open().then_some((progress, false))))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: Option<String>,
}

/// One released result in a format of the exports (LANG-330).
async fn result(
    State(services): State<Services>,
    visitor: Visitor,
    Path((run, result)): Path<(String, u32)>,
    Query(Format { format }): Query<Format>,
) -> Result<Response, WebError> {
    let run = id(&visitor, &run)?;
    let view = services.explore.shared_view(visitor.actor()?, run).await.map_err(visitor.fail())?;
    let released = view.released.as_ref();
    let entry: &Entry = released
        .and_then(|d| d.results.iter().find(|e| e.id == result))
        .ok_or_else(|| visitor.fail()(Problem::not_found("result")))?;
    let Some(document) = released else { return Err(visitor.fail()(Problem::not_found("result"))) };
    exports::in_format(&visitor, document, entry, format.as_deref().unwrap_or("json"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    with: Share,
}

async fn share(
    State(services): State<Services>,
    visitor: Visitor,
    Path(run): Path<String>,
    Body(With { with }): Body<With>,
) -> Result<Response, WebError> {
    let run = id(&visitor, &run)?;
    let shared = services.explore.share(visitor.actor()?, run, with).await;
    json(&visitor, shared.map(|()| json!({ "with": with, "link": format!("/e/{run}") })))
}

/// How much of its limits for new numbers the own project has used of each version, in tenths, and when the day's are whole
/// again (SDC-172): what the workspace shows, and no more.
async fn budget(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.explore.own_use(visitor.actor()?).await)
}

async fn scripts(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.explore.scripts(visitor.actor()?).await)
}

async fn save(
    State(services): State<Services>,
    visitor: Visitor,
    Body(save): Body<Save>,
) -> Result<Response, WebError> {
    json(&visitor, services.explore.save(visitor.actor()?, &save).await)
}

async fn script(
    State(services): State<Services>,
    visitor: Visitor,
    Path(script): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.explore.script(visitor.actor()?, id(&visitor, &script)?, None).await)
}

async fn versions(
    State(services): State<Services>,
    visitor: Visitor,
    Path(script): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.explore.versions(visitor.actor()?, id(&visitor, &script)?).await)
}
