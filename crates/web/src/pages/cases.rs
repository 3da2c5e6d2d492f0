//! Cases: the queue of those who decide, and the workspace of one case for applicant and staff alike. Which commands are
//! offered is the case's own answer; this page only draws a form for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::form::FieldKind;
use access::model::CommandName;
use access::views::{AllowedCommand, CaseFilter, CaseSummary, CaseView, Page};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use delivery::DeliveryView;
use identity::Role;
use kernel::Problem;
use serde_json::{Map, Value, json};

use super::apply::plain;
use super::draw;
use crate::frame::{Frame, Pager, encode};
use crate::input::{Path, Query};
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

const STAFF: Who = Who::Roles(&[Role::CaseHandler, Role::DecisionMaker, Role::RegistryHandler, Role::Auditor]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/cases", STAFF, queue)
        .get("/cases/{id}", Who::LoggedIn, case)
        .post("/cases/{id}/{command}", Who::LoggedIn, command)
        .get("/cases/{id}/letter.pdf", Who::LoggedIn, letter)
        .get("/deliveries", Who::LoggedIn, deliveries)
}

#[derive(Template)]
#[template(path = "cases/queue.html")]
struct Queue {
    f: Frame,
    page: Page<CaseSummary>,
    q: String,
    state: String,
    pager: Pager,
}

async fn queue(
    State(services): State<Services>,
    visitor: Visitor,
    Query(mut filter): Query<CaseFilter>,
) -> Result<Response, WebError> {
    filter.state = filter.state.filter(|s| !s.is_empty());
    let page = services.access.cases(visitor.actor()?, &filter).await.map_err(visitor.fail())?;
    let state = filter.state.unwrap_or_default();
    let f = Frame::of(&visitor);
    let address = format!("/cases?q={}&state={}", encode(&filter.q), encode(&state));
    let pager = f.pager(&address, page.from, page.items.len(), page.size, page.total);
    draw(&visitor, &Queue { f, page, q: filter.q, state, pager })
}

/// One field of the application as submitted.
struct Answer {
    id: String,
    label: String,
    value: String,
    changed: bool,
}

/// A source's part of a decision.
struct Part {
    source: String,
    outcome: String,
    reason: String,
    /// Names of the variables that were left out.
    removed: Vec<String>,
}

#[derive(Template)]
#[template(path = "cases/case.html")]
struct CasePage {
    f: Frame,
    case: CaseView,
    sections: Vec<(String, Vec<Answer>)>,
    commands: Vec<AllowedCommand>,
    command_id: String,
    decision: Vec<Part>,
    deliveries: Vec<DeliveryView>,
    fee: String,
    /// The command that is the next step.
    next: String,
    /// Source, id and name of each variable applied for.
    items: Vec<(String, String, String)>,
    names: Names,
}

async fn case(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let actor = visitor.actor()?;
    let case = services.access.case(actor, id).await.map_err(visitor.fail())?;
    let names = Names::of(&services, visitor.lang);
    let sections = case
        .sections
        .iter()
        .map(|s| {
            let answer = |v: &access::views::FieldView| Answer {
                id: v.field.id.clone(),
                label: v.field.label.text(visitor.lang).to_owned(),
                value: shown(v, &names, visitor.lang),
                changed: case.changed.contains(&v.field.id),
            };
            let answers = s.fields.iter().filter(|v| v.visible && !v.value.is_null()).map(answer).collect();
            (s.title.text(visitor.lang).to_owned(), answers)
        })
        .collect();
    let f = Frame::of(&visitor);
    let decided = case.decision.as_ref().map(|d| &d.decision).or(case.proposal.as_ref().map(|p| &p.decision));
    let decision = decided.map(|d| serde_json::to_value(&d.parts).unwrap_or_default()).unwrap_or_default();
    let part = |p: &Value| Part {
        source: plain(&p["source"]),
        outcome: f.t(f.key("outcome", plain(&p["outcome"]))),
        reason: plain(&p["reason"]),
        removed: p["removed"]
            .as_array()
            .map(|r| r.iter().map(|r| names.variable(&plain(&r["id"]))).collect())
            .unwrap_or_default(),
    };
    let decision = decision.as_array().map(|parts| parts.iter().map(part).collect()).unwrap_or_default();
    let deliveries = match case.decision.as_ref().and_then(|d| d.permit.as_ref()) {
        Some(permit) => match services.deliveries.of_series(actor, &permit.series).await {
            Ok(found) => found.deliveries,
            // Who may see the case need not be one who may see its deliveries.
            Err(_) => Vec::new(),
        },
        None => Vec::new(),
    };
    let fee = case.fee.as_ref().map(|fee| f.number(fee.expected_ore / 100)).unwrap_or_default();
    let crumb = if actor.has(Role::CaseHandler) || actor.has(Role::DecisionMaker) {
        ("/cases", "task-cases")
    } else {
        ("/apply", "task-apply")
    };
    let text = f.t(crumb.1);
    let next = case.summary.next.map(|n| n.slug().to_owned()).unwrap_or_default();
    let item = |i: &access::content::ContentItem| {
        (i.order.source.clone(), i.order.variable.clone(), names.variable(&i.order.variable))
    };
    let items = case.items.iter().map(item).collect();
    let commands = case.commands.iter().filter(|c| has_form(c.name)).cloned().collect();
    let command_id = super::command_id(&services);
    let f = f.crumb(crumb.0, text);
    draw(&visitor, &CasePage { f, sections, commands, command_id, decision, deliveries, fee, next, items, names, case })
}

/// What people call sources, collections and variables.
pub(super) struct Names {
    model: Arc<catalogue::Model>,
    sources: BTreeMap<String, String>,
    language: kernel::Language,
}

impl Names {
    pub(super) fn of(services: &Services, language: kernel::Language) -> Self {
        let name = |s: catalogue::Source| (s.id.clone(), s.name.text(language).to_owned());
        let sources = services.catalogue.sources().into_iter().map(name).collect();
        Self { model: services.catalogue.model(), sources, language }
    }

    fn source(&self, id: &str) -> String {
        self.sources.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// A collection with its source, which its title alone does not name.
    pub(super) fn collection(&self, id: &str) -> String {
        let found = self.model.collections.get(id);
        found.map_or_else(|| id.to_owned(), |c| format!("{}: {}", self.source(&c.source), c.title.text(self.language)))
    }

    fn variable(&self, id: &str) -> String {
        let found = self.model.variables.get(id);
        found.map_or_else(|| id.to_owned(), |v| v.label.text(self.language).to_owned())
    }
}

fn shown(v: &access::views::FieldView, names: &Names, language: kernel::Language) -> String {
    match (&v.value, v.field.kind) {
        (Value::Object(periods), FieldKind::PeriodList) => {
            let period = |(id, value): (&String, &Value)| format!("{}: {}", names.collection(id), plain(value));
            periods.iter().map(period).collect::<Vec<_>>().join("; ")
        }
        _ => in_words(&v.field.options, &v.value, language),
    }
}

/// A field's value in words: the texts of choices instead of their codes.
pub(super) fn in_words(options: &[(String, kernel::LangMap)], value: &Value, language: kernel::Language) -> String {
    let option = |id: &str| {
        let found = options.iter().find(|(code, _)| code == id);
        found.map_or_else(|| id.to_owned(), |(_, text)| text.text(language).to_owned())
    };
    match value {
        Value::Bool(yes) => crate::texts::text(language, if *yes { "yes" } else { "no" }),
        Value::String(text) => option(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).map(option).collect::<Vec<_>>().join("; ")
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("; "),
        Value::Object(map) if map.values().all(Value::is_object) => {
            map.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect::<Vec<_>>().join("; ")
        }
        other => plain(other),
    }
}

/// The commands that this page has a form for; the others belong to the application form or to the interface.
const fn has_form(name: CommandName) -> bool {
    use CommandName as C;
    matches!(
        name,
        C::DeclareInterest
            | C::SendInfo
            | C::Withdraw
            | C::DeleteDraft
            | C::AcceptTerms
            | C::DeclineTerms
            | C::QueryTerms
            | C::AssignCase
            | C::StartScreening
            | C::ConfirmComplete
            | C::RequestInfo
            | C::CancelInfoRequest
            | C::AssessCriterion
            | C::CalculateFee
            | C::OfferTerms
            | C::WithdrawTerms
            | C::ProposeDecision
            | C::ReturnProposal
            | C::IssueDecision
            | C::RevokePermit
            | C::HoldPermit
            | C::ReleaseHold
    )
}

async fn command(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let version = fields.get("version").parse().unwrap_or(0);
    let payload = payload(&name, &fields);
    let command_id = fields.get("command_id");
    services
        .access
        .command(visitor.actor()?, case, &name, payload, command_id, version)
        .await
        .map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
}

/// The payload of a command from the fields of its form.
fn payload(name: &str, fields: &Fields) -> Value {
    let text = |n: &str| Some(fields.get(n)).filter(|v| !v.is_empty()).map(str::to_owned);
    match name {
        "request_info" => json!({"kind": text("kind").unwrap_or_else(|| "clarification".to_owned()),
            "questions": [{"field": fields.get("field"), "question": fields.get("question")}]}),
        "send_info" => {
            let answers: Vec<Value> = fields
                .pairs()
                .filter_map(|(n, v)| Some(json!({"field": n.strip_prefix("answer.")?, "answer": v})))
                .collect();
            json!({ "answers": answers })
        }
        "assess_criterion" => {
            let one = |(n, v): (&str, &str)| {
                let criterion = n.strip_prefix("outcome.")?;
                (!v.is_empty()).then(|| json!({"criterion": criterion, "outcome": v, "reason": fields.get(&format!("reason.{criterion}"))}))
            };
            json!({"assessments": fields.pairs().filter_map(one).collect::<Vec<_>>()})
        }
        "accept_terms" => json!({"terms_hash": fields.get("terms_hash")}),
        "query_terms" => json!({"question": fields.get("reason")}),
        "propose_decision" => {
            let part = |(n, v): (&str, &str)| {
                let source = n.strip_prefix("part.")?;
                let removed: Vec<Value> = fields
                    .all(&format!("removed.{source}"))
                    .map(|id| json!({"id": id, "reason": "not_necessary", "text": ""}))
                    .collect();
                Some(
                    json!({"source": source, "outcome": v, "reason": fields.get(&format!("reason.{source}")), "removed": removed}),
                )
            };
            json!({"parts": fields.pairs().filter_map(part).collect::<Vec<_>>()})
        }
        "declare_interest" => json!({"interest": fields.get("interest"), "reason": text("reason")}),
        "withdraw" | "decline_terms" => json!({"reason": text("reason")}),
        "withdraw_terms" | "return_proposal" | "revoke_permit" | "hold_permit" | "release_hold" => {
            json!({"reason": fields.get("reason")})
        }
        _ => Value::Object(Map::new()),
    }
}

async fn letter(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let pdf = services.access.letter_pdf(visitor.actor()?, id).await.map_err(visitor.fail())?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], pdf).into_response())
}

#[derive(Template)]
#[template(path = "cases/deliveries.html")]
struct Deliveries {
    f: Frame,
    deliveries: Vec<DeliveryView>,
    names: Names,
}

async fn deliveries(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let found = services.deliveries.list(visitor.actor()?).await.map_err(Problem::from).map_err(visitor.fail())?;
    let names = Names::of(&services, visitor.lang);
    draw(&visitor, &Deliveries { f: Frame::of(&visitor), deliveries: found, names })
}
