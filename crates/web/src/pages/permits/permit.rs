//! A permit: what is in force, how it came to it version by version, who works under it, and what may still be done.

use std::collections::BTreeMap;

use access::model::StateName;
use access::{SeriesAction, SeriesView};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{Date, Problem, Timestamp};
use serde_json::{Map, Value, json};

use super::ops::{OpRow, Words};
use crate::frame::Frame;
use crate::input::Path;
use crate::pages::cases::Names;
use crate::pages::cases::after::{self, HolderRow, NoticeRow, condition_words};
use crate::pages::{command_id, draw};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// A version with what differs.
struct Version {
    permit_id: String,
    status: String,
    current: bool,
    from: Timestamp,
    to: Option<Timestamp>,
    decision: String,
    ops: Vec<OpRow>,
}

/// A change: its case, its number, where it stands, what it asks for.
struct Change {
    id: String,
    number: Option<String>,
    state: StateName,
    ops: Vec<OpRow>,
    /// The version in which it took effect without a decision.
    took_effect: Option<String>,
}

#[derive(Template)]
#[template(path = "permits/permit.html")]
struct PermitPage {
    f: Frame,
    p: SeriesView,
    status: String,
    valid: (Date, Date),
    delete_by: Date,
    room: String,
    /// Sources with their variables.
    sources: Vec<(String, Vec<String>)>,
    conditions: Vec<String>,
    versions: Vec<Version>,
    changes: Vec<Change>,
    holders: Vec<HolderRow>,
    notices: Vec<NoticeRow>,
    /// Persons who have not accepted the conditions.
    waiting: Vec<(String, String)>,
    /// Version of the case, for its commands.
    case_version: i64,
    command_id: String,
}

impl PermitPage {
    fn may(&self, action: &str) -> bool {
        self.p.may.iter().any(|known| known.slug() == action)
    }
}

pub(super) async fn permit(
    State(services): State<Services>,
    visitor: Visitor,
    Path(series): Path<String>,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let view = services.access.series(actor, &series).await.map_err(visitor.fail())?;
    let case = services.access.case(actor, view.case_id).await.map_err(visitor.fail())?;
    let names = Names::of(&services, visitor.lang);
    let persons: BTreeMap<String, String> = view.persons.iter().map(|p| (p.id.clone(), p.name.clone())).collect();
    let words = Words { names: &names, persons: &persons, language: visitor.lang };
    let f = Frame::of(&visitor);
    let Some(newest) = view.versions.first() else { return Err(visitor.fail()(Problem::not_found("permit"))) };
    let permit = &newest.permit;
    let status = |permit: &protocol::documents::Permit| {
        let status = serde_json::to_value(permit.status).unwrap_or_default();
        f.t(f.key("permit", super::super::apply::plain(&status).to_lowercase()))
    };
    let mut sources: Vec<(String, Vec<String>)> = Vec::new();
    for part in &permit.sources {
        let variables = part.variables.iter().map(|variable| names.variable(&variable.id));
        let what = format!("{} ({} – {})", names.collection(&part.collection), part.period.0, part.period.1);
        sources.push((what, variables.collect()));
    }
    let version = |v: &access::VersionView| Version {
        permit_id: v.permit_id.clone(),
        status: status(&v.permit),
        current: v.current,
        from: v.active_from,
        to: v.active_to,
        decision: v.permit.decision.clone(),
        ops: words.rows(&v.ops),
    };
    let change = |c: &access::ChangeView| Change {
        id: c.id.to_string(),
        number: c.number.clone(),
        state: c.state,
        ops: words.rows(&c.ops),
        took_effect: c.took_effect.clone(),
    };
    let waiting = view.persons.iter().filter(|person| !person.active);
    let crumb = f.t("task-apply");
    let page = PermitPage {
        status: status(permit),
        valid: (permit.valid_from, permit.valid_to),
        delete_by: permit.delete_by,
        room: f.room(&permit.room.id),
        sources,
        conditions: permit.conditions.iter().map(|c| condition_words(&f, c)).collect(),
        versions: view.versions.iter().map(version).collect(),
        changes: view.changes.iter().map(change).collect(),
        waiting: waiting
            .map(|p| (p.id.clone(), if p.name.is_empty() { p.id.clone() } else { p.name.clone() }))
            .collect(),
        holders: after::holders(&f, &names, &view.holders, services.clock.today()),
        notices: after::notices(&f, view.after.notices.iter(), services.clock.today()),
        case_version: case.summary.version,
        command_id: command_id(&services),
        f: f.crumb("/apply", crumb),
        p: view,
    };
    draw(&visitor, &page)
}

/// Opens a change, and the place in its form where that kind of change is written.
pub(super) async fn change(
    State(services): State<Services>,
    visitor: Visitor,
    Path(series): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let id = services.access.open_change(actor, &series).await.map_err(visitor.fail())?;
    let section = match fields.get("kind") {
        kind if kind == SeriesAction::Extend.slug() => "/proc#proc-period",
        kind if kind == SeriesAction::Refresh.slug() => {
            let said = Map::from_iter([("chg.kind".to_owned(), json!("refresh"))]);
            services.access.save(actor, id, said).await.map_err(visitor.fail())?;
            "/chg"
        }
        _ => "/cart",
    };
    Ok(Redirect::to(&format!("/apply/{id}{section}")).into_response())
}

/// What a party does in the case of the permit: accept the conditions as one of its persons, report.
pub(super) async fn command(
    State(services): State<Services>,
    visitor: Visitor,
    Path((series, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let case = services.access.permit(actor, &series).await.map_err(visitor.fail())?.case_id;
    let payload = match name.as_str() {
        "confirm_own_access" => json!({"person": fields.get("person"), "accept": fields.get("accept") == "true"}),
        "submit_report" => report(&fields),
        "comment_sanction" => {
            json!({"notice": fields.get("notice").parse::<u32>().ok(), "text": fields.get("text").replace("\r\n", "\n")})
        }
        _ => return Err(visitor.fail()(Problem::not_found("command"))),
    };
    let version = fields.get("version").parse().unwrap_or(0);
    let done = services.access.command(actor, case, &name, payload, fields.get("command_id"), version).await;
    done.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/permits/{series}")).into_response())
}

fn report(fields: &Fields) -> Value {
    let links: Vec<&str> = fields.get("links").split_whitespace().collect();
    let day = fields.get("happened_on");
    let receipt = fields.get("deletion_receipt").trim();
    json!({
        "kind": fields.get("report"), "summary": fields.get("summary").replace("\r\n", "\n"), "links": links,
        "happened_at": (!day.is_empty()).then(|| format!("{day}T12:00:00Z")),
        "deletion_receipt": (!receipt.is_empty()).then_some(receipt),
    })
}
