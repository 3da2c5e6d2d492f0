//! The inbox of those who handle cases (ACC-106): what is due first, filters that stand in the address, saved views, and
//! actions on several cases at once (ACC-105).

use access::model::{CommandName, StateName, Track};
use access::views::{BulkLine, CaseFilter, CaseSummary, Page, SavedView};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::Problem;
use serde_json::{Value, json};

use super::desk::Waits;
use super::time::until;
use crate::frame::{Frame, Pager, encode};
use crate::input::{Path, Query};
use crate::pages::draw;
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// What can be done with several cases at once.
const BULK: [CommandName; 5] = [
    CommandName::AssignCase,
    CommandName::SendReminder,
    CommandName::SetTrack,
    CommandName::DispatchSourceTasks,
    CommandName::RequestInfo,
];

#[derive(Template)]
#[template(path = "cases/inbox.html")]
struct Inbox {
    f: Frame,
    page: Page<CaseSummary>,
    filter: CaseFilter,
    views: Vec<SavedView>,
    /// Address of each saved view.
    addresses: Vec<String>,
    states: Vec<&'static str>,
    tracks: Vec<&'static str>,
    sources: Vec<(String, String)>,
    bulk: Vec<&'static str>,
    pager: Pager,
    me: String,
    today: kernel::Date,
    handles: bool,
    address: String,
    /// For each case what is late, and what else is waited for.
    waits: Vec<Waits>,
    /// Fields by section, to ask about one in several cases.
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Inbox {
    fn is(&self, chosen: &Option<String>, value: &str) -> bool {
        chosen.as_deref() == Some(value)
    }

    /// The filter beside the words, for the form that keeps it.
    fn hidden(&self) -> Vec<(&'static str, String)> {
        let (f, given) = (&self.filter, |text: &Option<String>| text.clone().unwrap_or_default());
        let due = f.due_by.map(|day| day.to_string()).unwrap_or_default();
        vec![
            ("which", given(&f.which)),
            ("state", given(&f.state)),
            ("track", given(&f.track)),
            ("handler", given(&f.handler)),
            ("source", given(&f.source)),
            ("due_by", due),
        ]
    }

    /// Where an action on several cases leads back to.
    fn back(&self) -> String {
        query(&self.filter)
    }

    fn mine(&self, handler: &Option<String>) -> bool {
        handler.as_deref() == Some(self.me.as_str())
    }

    /// How long there is until a day, in words, and how urgent that is.
    fn left(&self, due: &kernel::Date) -> (String, &'static str) {
        until(&self.f, due, self.today)
    }
}

/// The filter as the query of an address.
pub(super) fn query(filter: &CaseFilter) -> String {
    let mut parts = Vec::new();
    let due = filter.due_by.map(|day| day.to_string());
    let given = [
        ("q", Some(filter.q.clone()).filter(|q| !q.is_empty())),
        ("which", filter.which.clone()),
        ("state", filter.state.clone()),
        ("track", filter.track.clone()),
        ("handler", filter.handler.clone()),
        ("source", filter.source.clone()),
        ("due_by", due),
    ];
    for (name, value) in given {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            parts.push(format!("{name}={}", encode(&value)));
        }
    }
    parts.join("&")
}

pub(super) async fn inbox(
    State(services): State<Services>,
    visitor: Visitor,
    Query(mut filter): Query<CaseFilter>,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    // The inbox opens with what is to be done; everything else is one choice away.
    filter.which.get_or_insert_with(|| "open".to_owned());
    let page = services.access.cases(actor, &filter).await.map_err(visitor.fail())?;
    let views = services.access.saved_views(actor).await.map_err(visitor.fail())?;
    let addresses = views.iter().map(|view| format!("/cases?{}", query(&view.filter))).collect();
    let name = |s: catalogue::Source| (s.id.clone(), s.name.text(visitor.lang).to_owned());
    let f = Frame::of(&visitor);
    let address = format!("/cases?{}", query(&filter));
    let pager = f.pager(&address, page.from, page.items.len(), page.size, page.total);
    let handles = actor.has(identity::Role::CaseHandler);
    let (names, today) = (super::Names::of(&services, visitor.lang), services.clock.today());
    let waits = page.items.iter().map(|case| Waits::of(&f, &names, case, today)).collect();
    let inbox = Inbox {
        views,
        addresses,
        states: StateName::ALL.iter().map(|s| s.slug()).filter(|s| !matches!(*s, "draft" | "lapsed")).collect(),
        tracks: Track::ALL.iter().map(|t| t.slug()).collect(),
        sources: services.catalogue.sources().into_iter().map(name).collect(),
        bulk: BULK.iter().map(|c| c.slug()).collect(),
        pager,
        me: actor.account.to_string(),
        today,
        waits,
        sections: if handles { sections(&f) } else { Vec::new() },
        handles,
        address,
        page,
        filter,
        f,
    };
    draw(&visitor, &inbox)
}

/// The fields of the form in force, by section.
fn sections(f: &Frame) -> Vec<(String, Vec<(String, String)>)> {
    let fields = |section: &access::form::Section| {
        section.fields.iter().map(|field| (field.id.clone(), f.l(&field.label))).collect()
    };
    access::form::latest(access::form::PERSON_LEVEL)
        .sections
        .iter()
        .map(|section| (f.l(&section.title), fields(section)))
        .collect()
}

/// Keeps the filter of the page as a view.
pub(super) async fn save_view(
    State(services): State<Services>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, WebError> {
    let text = |name: &str| Some(fields.get(name).to_owned()).filter(|value| !value.is_empty());
    let due_by = match text("due_by") {
        Some(day) => Some(
            day.parse()
                .map_err(|_| visitor.fail()(Problem::invalid("due_by", "date", "write the day as 2026-12-31")))?,
        ),
        None => None,
    };
    let filter = CaseFilter {
        q: fields.get("q").to_owned(),
        which: text("which"),
        state: text("state"),
        track: text("track"),
        handler: text("handler"),
        source: text("source"),
        due_by,
        ..CaseFilter::default()
    };
    let shared = !fields.get("shared").is_empty();
    let actor = visitor.actor()?;
    services.access.save_view(actor, fields.get("name"), &filter, shared).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/cases?{}", query(&filter))).into_response())
}

pub(super) async fn delete_view(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    services.access.delete_view(visitor.actor()?, &id).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/cases").into_response())
}

#[derive(Template)]
#[template(path = "cases/bulk.html")]
struct Bulk {
    f: Frame,
    command: &'static str,
    lines: Vec<BulkLine>,
    back: String,
}

impl Bulk {
    /// Why nothing was done in a case.
    fn why(&self, problem: &Problem) -> String {
        match problem {
            Problem::Conflict { code, .. } | Problem::Forbidden { code } => {
                let key = self.f.key("blocked", code);
                let text = self.f.t(&key);
                if text == key { self.f.t("error-conflict-what") } else { text }
            }
            Problem::Invalid { .. } => self.f.t("blocked-invalid"),
            Problem::NotFound { .. } => self.f.t("error-not-found-what"),
            _ => self.f.t("error-unavailable-what"),
        }
    }
}

/// One command for several cases: each gets its own and its own answer.
pub(super) async fn bulk(
    State(services): State<Services>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, WebError> {
    let command = CommandName::parse(fields.get("command")).filter(|command| BULK.contains(command));
    let command = command.ok_or_else(|| {
        visitor.fail()(Problem::invalid("command", "unknown_command", "choose what to do with the cases"))
    })?;
    let mut ids = Vec::new();
    for id in fields.all("case") {
        ids.push(id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?);
    }
    let payload = match command {
        CommandName::SetTrack => json!({"track": fields.get("track"), "reason": fields.get("reason")}),
        CommandName::SendReminder => json!({"reminder": "clock"}),
        CommandName::RequestInfo => json!({"kind": "clarification", "questions": [
            {"field": fields.get("field"), "question": fields.get("question")}]}),
        _ => Value::Object(Default::default()),
    };
    let lines = services.access.bulk(visitor.actor()?, &ids, command, &payload).await.map_err(visitor.fail())?;
    let back = format!("/cases?{}", fields.get("back"));
    let f = Frame::of(&visitor);
    let text = f.t("task-cases");
    let f = f.crumb("/cases", text);
    draw(&visitor, &Bulk { f, command: command.slug(), lines, back })
}
