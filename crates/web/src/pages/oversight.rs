//! What everybody may see of decisions, and what auditors see of everything: public register, audit log, system state.

use access::Validity;
use access::views::{Page, RegisterEntry};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use identity::Role;
use kernel::{Problem, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::apply::plain;
use super::draw;
use crate::frame::{Frame, Pager, encode};
use crate::input::{Path, Query};
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
    pager: Pager,
}

async fn register(
    State(services): State<Services>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Response, WebError> {
    let page = services.access.register(&search.q, search.from, 25).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let address = format!("/register?q={}", encode(&search.q));
    let pager = f.pager(&address, page.from, page.items.len(), page.size, page.total);
    draw(&visitor, &RegisterPage { f, page, q: search.q, pager })
}

#[derive(Template)]
#[template(path = "oversight/entry.html")]
struct EntryPage {
    f: Frame,
    entry: RegisterEntry,
    facts: Vec<(String, String)>,
    variables: Vec<String>,
    /// Each source with the outcome of its part of the decision.
    sources: Vec<(String, String)>,
    decision: String,
    permit: String,
}

impl EntryPage {
    /// A result: its title and where it is.
    fn result(&self, result: &Value) -> String {
        let parts = ["title", "doi", "url"].map(|name| plain(&result[name]));
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { plain(result) } else { parts.join(" – ") }
    }
}

async fn entry(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    let entry = services.access.register_entry(&number).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let empty = Value::Null;
    let of = |name: &str| entry.application.get(name).unwrap_or(&empty);
    // The fields in the order and with the words of the form.
    let fact = |field: &access::form::Field| {
        let value = super::cases::in_words(&field.options, of("fields").get(&field.id)?, f.lang);
        (!value.is_empty() && field.id != "pub.title").then(|| (field.label.text(f.lang).to_owned(), value))
    };
    let facts = access::form::latest(access::form::PERSON_LEVEL).fields().filter_map(fact).collect();
    let name =
        |value: &Value| serde_json::from_value::<kernel::LangMap>(value.clone()).map(|m| m.text(f.lang).to_owned());
    let list = |name: &str| of(name).as_array().cloned().unwrap_or_default();
    let variables = list("variables").iter().map(|v| name(&v["label"]).unwrap_or_else(|_| plain(&v["id"]))).collect();
    let decided = entry.decision.clone().unwrap_or_default();
    let outcome = |source: &Value| {
        let part = decided["parts"].as_array()?.iter().find(|p| p["source"] == source["id"])?;
        Some(f.t(f.key("outcome", plain(&part["outcome"]))))
    };
    let source = |s: &Value| (name(&s["name"]).unwrap_or_else(|_| plain(&s["id"])), outcome(s).unwrap_or_default());
    let sources = list("sources").iter().map(source).collect();
    let (decision, permit) = (plain(&decided["number"]), plain(&decided["permit"]["permit_id"]));
    let crumb = f.t("task-register");
    draw(&visitor, &EntryPage { f: f.crumb("/register", crumb), entry, facts, variables, sources, decision, permit })
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
    /// Whether a register of legal entities is connected.
    register: bool,
    /// How long letters can be sealed.
    seal: Option<Validity>,
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
        register: services.access.looks_up_organisations(),
        seal: services.access.seal_validity(),
    };
    draw(&visitor, &page)
}
