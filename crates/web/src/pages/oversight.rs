//! What everybody may see of decisions, and what auditors see of everything: public register, audit log, system state.

use access::views::{Page, RegisterEntry};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use identity::Role;
use kernel::{Problem, Timestamp};
use serde::Deserialize;

use super::apply::plain;
use super::draw;
use crate::frame::Frame;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/register", Who::Anyone, register)
        .get("/register/{number}", Who::Anyone, entry)
        .get("/audit", Who::Roles(&[Role::Auditor]), audit_log)
        .get("/system", Who::Anyone, system)
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: i64,
}

#[derive(Template)]
#[template(path = "oversight/register.html")]
struct RegisterPage {
    f: Frame,
    page: Page<RegisterEntry>,
    q: String,
}

async fn register(
    State(services): State<Services>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Response, WebError> {
    let page = services.access.register(&search.q, search.from, 25).await.map_err(visitor.fail())?;
    draw(&visitor, &RegisterPage { f: Frame::of(&visitor), page, q: search.q })
}

#[derive(Template)]
#[template(path = "oversight/entry.html")]
struct EntryPage {
    f: Frame,
    entry: RegisterEntry,
    facts: Vec<(String, String)>,
}

async fn entry(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    let entry = services.access.register_entry(&number).await.map_err(visitor.fail())?;
    let facts = entry
        .application
        .iter()
        .map(|(name, value)| (name.clone(), plain(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let f = Frame::of(&visitor);
    let crumb = f.t("task-register");
    draw(&visitor, &EntryPage { f: f.crumb("/register", crumb), entry, facts })
}

/// One line of the log.
struct Line {
    index: u64,
    at: Timestamp,
    kind: String,
    action: String,
    outcome: String,
    object: String,
}

#[derive(Template)]
#[template(path = "oversight/audit.html")]
struct AuditPage {
    f: Frame,
    lines: Vec<Line>,
    size: u64,
    root: String,
}

async fn audit_log(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let entries = crate::api::newest_entries(&services, &visitor).await?;
    let line = |e: &serde_json::Value| Line {
        index: e["index"].as_u64().unwrap_or_default(),
        at: Timestamp::from_micros(e["time"].as_i64().unwrap_or_default()),
        kind: plain(&e["kind"]),
        action: plain(&e["body"]["action"]),
        outcome: plain(&e["body"]["outcome"]),
        object: plain(&e["body"]["object"]["id"]),
    };
    let status = services.log.status().await.map_err(|_| visitor.fail()(Problem::unavailable("the audit log")))?;
    let lines = entries.iter().map(line).collect();
    draw(&visitor, &AuditPage { f: Frame::of(&visitor), lines, size: status.size, root: status.root })
}

#[derive(Template)]
#[template(path = "oversight/system.html")]
struct SystemPage {
    f: Frame,
    size: u64,
    root: String,
    writable: bool,
    catalogue: bool,
    variables: usize,
}

async fn system(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let status = services.log.status().await.map_err(|_| visitor.fail()(Problem::unavailable("the audit log")))?;
    let page = SystemPage {
        f: Frame::of(&visitor),
        size: status.size,
        root: status.root,
        writable: status.writable,
        catalogue: services.catalogue.etag().is_some(),
        variables: services.catalogue.model().variables.values().filter(|v| v.deliverable()).count(),
    };
    draw(&visitor, &page)
}
