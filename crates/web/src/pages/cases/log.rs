//! One case as the auditor sees it: the chain of its events with who did what in whose stead, whether it holds, and who
//! has looked at the case.

use access::views::ChainLine;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use kernel::{Problem, Timestamp};

use super::people::People;
use crate::frame::Frame;
use crate::input::Path;
use crate::pages::draw;
use crate::visitor::Visitor;
use crate::{Services, WebError};

/// An event of the chain.
struct Row {
    line: ChainLine,
    words: String,
    name: String,
    role: String,
    stead: Option<String>,
}

/// An entry of the audit log about the case.
struct Entry {
    index: u64,
    at: Timestamp,
    action: String,
    outcome: String,
    name: String,
}

#[derive(Template)]
#[template(path = "cases/log.html")]
struct Log {
    f: Frame,
    title: String,
    number: String,
    id: String,
    /// How many events the chain has, when it holds.
    holds: Option<i64>,
    rows: Vec<Row>,
    entries: Vec<Entry>,
}

impl Log {
    /// The beginning of a digest.
    fn start(&self, digest: &str) -> String {
        digest.chars().take(16).collect()
    }
}

pub(super) async fn log(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let case_id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let actor = visitor.actor()?;
    let case = services.access.case(actor, case_id).await.map_err(visitor.fail())?;
    let lines = services.access.chain(actor, case_id).await.map_err(visitor.fail())?;
    let holds = services.access.verify(actor, case_id).await.ok();
    let query = audit::Query { object: Some(id.clone()), limit: 200, ..audit::Query::default() };
    let unavailable = |_| visitor.fail()(Problem::unavailable("the audit log"));
    let found = services.log.search(actor.audit(), audit::Purpose::Case, &query).await.map_err(unavailable)?;
    let f = Frame::of(&visitor);
    let text = |entry: &audit::Found, path: &str| {
        let found = entry.body.as_ref().and_then(|body| body.pointer(path));
        found.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let mut accounts: Vec<String> = Vec::new();
    for line in &lines {
        accounts.push(line.recorded.actor.clone());
        accounts.extend(line.recorded.on_behalf_of.clone());
    }
    accounts.extend(found.iter().map(|entry| text(entry, "/actor/id")));
    let people = People::of(&services, &f, accounts).await;
    let name = |account: &str| if account == "clock" { f.t("log-clock") } else { people.name(&f, account) };
    let row = |line: ChainLine| Row {
        words: f.l(&line.words),
        name: name(&line.recorded.actor),
        role: f.t(f.key("case-role", &line.role)),
        stead: line.recorded.on_behalf_of.as_deref().map(name),
        line,
    };
    let rows = lines.into_iter().rev().map(row).collect();
    let entry = |entry: &audit::Found| Entry {
        index: entry.index,
        at: Timestamp::from_micros(entry.envelope.t),
        action: text(entry, "/action"),
        outcome: f.t(f.key("audit-outcome", text(entry, "/outcome"))),
        name: name(&text(entry, "/actor/id")),
    };
    let entries = found.iter().map(entry).collect();
    let number = case.summary.number.clone().unwrap_or_default();
    let (inbox, back) = (f.t("task-cases"), format!("/cases/{id}"));
    let f = f.crumb("/cases", inbox).crumb(&back, number.clone());
    draw(&visitor, &Log { title: case.summary.title, number, id, holds, rows, entries, f })
}
