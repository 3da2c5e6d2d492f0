//! Appeals: the list, and the page of one, for the one who lodged it and for those who deal with it. A new decision is
//! written source by source as in the case; who may decide is the appeal's own answer (ACC-170).

use access::AppealView;
use access::appeal::Stage;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{Problem, Timestamp};
use serde_json::{Value, json};

use crate::frame::Frame;
use crate::input::Path;
use crate::pages::apply::plain;
use crate::pages::cases::Names;
use crate::pages::{command_id, draw};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

#[derive(Template)]
#[template(path = "permits/appeals.html")]
struct List {
    f: Frame,
    appeals: Vec<access::appeal::Appeal>,
}

/// A part of the decision that can be decided anew: source, its name, its variables with their names.
struct Part {
    source: String,
    name: String,
    variables: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "permits/appeal.html")]
struct AppealPage {
    f: Frame,
    a: AppealView,
    /// The parts appealed against, by name.
    against: Vec<String>,
    late: bool,
    /// What the body has prepared: reason, and whether it is a new decision.
    prepared: Option<(String, bool)>,
    /// Number of the new decision.
    new: Option<String>,
    outcome: String,
    parts: Vec<Part>,
    history: Vec<(Timestamp, &'static str)>,
    command_id: String,
    /// Whether the looker applied: the case has another page for them.
    party: bool,
}

impl AppealPage {
    /// Whether a command is given with a reason.
    fn asks_why(&self, command: &&str) -> bool {
        !matches!(*command, "reverse" | "forward" | "withdraw")
    }
}

pub(super) async fn list(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let appeals = services.access.appeals(visitor.actor()?).await.map_err(visitor.fail())?;
    draw(&visitor, &List { f: Frame::of(&visitor), appeals })
}

/// Opens the form of an appeal against the decision of a case.
pub(super) async fn open(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    _: Fields,
) -> Result<Response, WebError> {
    let case = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let draft = services.access.open_appeal(visitor.actor()?, case).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/apply/{draft}")).into_response())
}

pub(super) async fn appeal(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    let view = services.access.appeal(visitor.actor()?, &number).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let names = Names::of(&services, visitor.lang);
    let name = |part: &String| match part.as_str() {
        access::appeal::CONDITIONS => access::letter::words("conditions").text(visitor.lang).to_owned(),
        source => names.source(source),
    };
    let party = view.commands.contains(&"withdraw") || view.appeal.appellant == visitor.actor()?.account.to_string();
    // Who prepares or decides sees the parts of the case's decision; the appeal body may not see the case itself.
    let case = services.access.case(visitor.actor()?, view.case_id).await.ok();
    let parts = case
        .iter()
        .flat_map(|case| case.decision.iter().flat_map(move |d| d.decision.parts.iter().map(move |p| (case, p))));
    let part = |(case, part): (&access::views::CaseView, &access::model::DecisionPart)| Part {
        source: part.source.clone(),
        name: names.source(&part.source),
        variables: case
            .items
            .iter()
            .filter(|item| item.order.source == part.source)
            .map(|item| (item.order.variable.clone(), names.variable(&item.order.variable)))
            .collect(),
    };
    let (prepared, new, outcome) = match &view.appeal.stage {
        Stage::Reconsidering { draft } => (Some((draft.reason.clone(), draft.decision.is_some())), None, String::new()),
        Stage::Reversed { decision } => (None, Some(decision.clone()), String::new()),
        Stage::Decided { outcome, decision } => {
            let outcome = plain(&serde_json::to_value(outcome).unwrap_or_default());
            (None, decision.clone(), f.t(f.key("appeal-outcome", outcome)))
        }
        _ => (None, None, String::new()),
    };
    let crumb = f.t("appeals");
    let page = AppealPage {
        against: view.appeal.parts.iter().map(name).collect(),
        late: view.appeal.is_late(),
        prepared,
        new,
        outcome,
        parts: parts.map(part).collect(),
        history: view.history.iter().rev().copied().collect(),
        command_id: command_id(&services),
        party,
        f: f.crumb("/appeals", crumb),
        a: view,
    };
    draw(&visitor, &page)
}

/// A command of an appeal.
pub(super) async fn command(
    State(services): State<Services>,
    visitor: Visitor,
    Path((number, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, WebError> {
    let reason = fields.get("reason");
    let payload = match name.as_str() {
        "admit" | "return" => json!({"reason": reason}),
        "dismiss" => json!({"ground": fields.get("ground"), "reason": reason}),
        "suspend" => json!({"granted": fields.get("granted") == "true", "reason": reason}),
        "prepare" => json!({"reason": reason, "proposal": proposal(&fields)}),
        "decide" => {
            json!({"outcome": fields.get("outcome"), "reason": reason, "proposal": proposal(&fields)})
        }
        _ => json!({}),
    };
    let version = fields.get("version").parse().unwrap_or(0);
    let actor = visitor.actor()?;
    let done = services.access.appeal_command(actor, &number, &name, payload, fields.get("command_id"), version).await;
    done.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/appeals/{number}")).into_response())
}

/// The new decision; none when it is upheld, or when the outcome brings none.
fn proposal(fields: &Fields) -> Value {
    let changed = fields.get("anew") == "true" || fields.get("outcome") == "changed";
    if !changed {
        return Value::Null;
    }
    super::super::cases::proposal_of(fields)
}
