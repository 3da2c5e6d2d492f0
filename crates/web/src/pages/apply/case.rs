//! The applicant's page of a case that was handed in: where it stands, who has the ball, what is expected when, and what the
//! applicant can do now. Staff have a page of their own.

use access::model::{CommandName, StateName};
use access::permissions::CaseRole;
use access::views::{AllowedCommand, CaseView, TimelineEntry};
use access::{CaseId, Difference};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::Problem;
use serde_json::{Value, json};

use super::{case_id, plain};
use crate::frame::Frame;
use crate::input::Path;
use crate::pages::cases::after::{HolderRow, holders};
use crate::pages::cases::invoices::{self, Invoices};
use crate::pages::cases::{Names, in_words, time, timeline};
use crate::pages::{command_id, draw};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// A step on the way from the application to the data.
struct Step {
    key: &'static str,
    done: bool,
    here: bool,
}

/// A line of the price: what, hours, amount in kroner.
struct PriceLine {
    what: String,
    hours: String,
    amount: String,
}

/// A source's part of the decision.
struct Part {
    source: String,
    outcome: String,
    granted: bool,
    reason: String,
    removed: Vec<String>,
}

/// A field that the last answer changed: label, before, after.
struct Changed {
    label: String,
    before: String,
    after: String,
}

#[derive(Template)]
#[template(path = "apply/case.html")]
struct CasePage {
    f: Frame,
    id: String,
    case: CaseView,
    steps: Vec<Step>,
    price: Vec<PriceLine>,
    total: String,
    most: String,
    parts: Vec<Part>,
    changed: Vec<Changed>,
    /// Questions with the field's label and the answer.
    questions: Vec<(String, String, Option<String>)>,
    commands: Vec<AllowedCommand>,
    /// Until when the applicant can comment on a reaction that is considered.
    warned: Option<kernel::Date>,
    /// Whether the decision can be appealed against.
    may_appeal: bool,
    command_id: String,
    files: Vec<access::files::FileView>,
    invoices: Option<Invoices>,
    /// The forecast in words, the decision first (ACC-131).
    expected: Vec<String>,
    /// The clocks with whom they wait for (ACC-124).
    clocks: Vec<ClockRow>,
    /// How long the sources have to deliver, and which are late.
    holders: Vec<HolderRow>,
    timeline: Vec<TimelineEntry>,
    /// Whose turn it is, as the texts name it.
    ball: &'static str,
    /// The time that the body has, in words.
    limit: Option<String>,
}

/// A clock: what it measures, days gross, stopped, net, left, and who is waited for.
struct ClockRow {
    name: String,
    gross: u32,
    stopped: u32,
    net: u32,
    left: i64,
    due: String,
    waits: String,
}

/// What is expected when, and what it rests on.
async fn expected(services: &Services, visitor: &Visitor, f: &Frame, case: &CaseView) -> Vec<String> {
    let Ok(actor) = visitor.actor() else { return Vec::new() };
    // A forecast that does not come is left out: the page says everything else.
    let forecasts = services.access.forecasts(actor, case.summary.id).await.unwrap_or_default();
    let Some(last) = forecasts.first().filter(|_| case.decision.is_none()) else { return Vec::new() };
    let between = |key: &str, dates: &access::forecast::Expected| {
        f.tv2(key, "from", f.date(&dates.p50), "to", f.date(&dates.p80))
    };
    let decision = last.decision.as_ref().map(|dates| between("forecast-decision", dates));
    let data = last.data.as_ref().map(|dates| between("forecast-data", dates));
    let basis = if last.based_on == 0 {
        f.t("forecast-general")
    } else {
        f.tv("forecast-based-on", "n", last.based_on.to_string())
    };
    let lines: Vec<String> = decision.into_iter().chain(data).collect();
    if lines.is_empty() { lines } else { lines.into_iter().chain([basis]).collect() }
}

async fn clocks(services: &Services, visitor: &Visitor, f: &Frame, case: &CaseView) -> Vec<ClockRow> {
    let Ok(actor) = visitor.actor() else { return Vec::new() };
    let shown = services.access.clocks(actor, case.summary.id).await.unwrap_or_default();
    let row = |clock: access::clocks::Clock| {
        let ends = match clock.ends {
            access::clocks::EndEvent::Decision => "clock-decision",
            access::clocks::EndEvent::DataAvailable => "clock-data",
        };
        ClockRow {
            name: format!("{} ({})", f.t(ends), time::unit(f, &clock)),
            gross: clock.gross,
            stopped: clock.stopped,
            net: clock.net,
            left: clock.left,
            due: f.date(&clock.due),
            waits: f.t(f.key("waits", clock.waits_for.slug())),
        }
    };
    shown.into_iter().filter(|clock| !clock.ended).map(row).collect()
}

/// Draws the page, or sends staff to theirs.
pub(super) async fn show(services: &Services, visitor: &Visitor, id: CaseId) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let case = services.access.case(actor, id).await.map_err(visitor.fail())?;
    if !case.roles.iter().any(|role| matches!(role, CaseRole::Applicant | CaseRole::CoApplicant)) {
        return Ok(Redirect::to(&format!("/cases/{id}")).into_response());
    }
    let names = Names::of(services, visitor.lang);
    let f = Frame::of(visitor);
    let field = |id: &str| case.sections.iter().flat_map(|s| &s.fields).find(|v| v.field.id == id);
    let label = |id: &str| field(id).map_or_else(|| id.to_owned(), |v| v.field.label.text(visitor.lang).to_owned());
    let words = |id: &str, value: &Value| match field(id) {
        Some(view) => in_words(&view.field.options, value, visitor.lang),
        None => plain(value),
    };
    let differences = services.access.differences(actor, id).await.map_err(visitor.fail())?;
    let changed = |d: &Difference| Changed {
        label: label(&d.field),
        before: words(&d.field, &d.before),
        after: words(&d.field, &d.after),
    };
    let kroner = |ore: i64| f.number(ore / 100);
    let line = |line: &access::fees::FeeLine| {
        let kind = serde_json::to_value(line.kind).unwrap_or_default();
        let what = f.t(f.key("fee", plain(&kind)));
        let what =
            line.source.as_ref().map_or_else(|| what.clone(), |source| format!("{what}: {}", names.source(source)));
        PriceLine {
            what,
            hours: line.hours.map(|h| h.to_string()).unwrap_or_default(),
            amount: kroner(line.amount_ore),
        }
    };
    let decided = case.decision.as_ref().map(|d| serde_json::to_value(&d.decision.parts).unwrap_or_default());
    let part = |p: &Value| Part {
        source: names.source(&plain(&p["source"])),
        outcome: f.t(f.key("outcome", plain(&p["outcome"]))),
        granted: p["outcome"] == "granted",
        reason: plain(&p["reason"]),
        removed: p["removed"].as_array().into_iter().flatten().map(|r| names.variable(&plain(&r["id"]))).collect(),
    };
    let crumb = f.t("task-apply");
    let invoices = invoices::of(&case, &f, &names);
    let (expected, clocks) = (expected(services, visitor, &f, &case).await, clocks(services, visitor, &f, &case).await);
    let page = CasePage {
        invoices,
        expected,
        clocks,
        id: id.to_string(),
        steps: steps(case.summary.state, case.decision.as_ref().is_some_and(|d| d.permit.is_some())),
        price: case.fee.iter().flat_map(|fee| &fee.lines).map(line).collect(),
        total: case.fee.as_ref().map(|fee| kroner(fee.expected_ore)).unwrap_or_default(),
        most: case.fee.as_ref().map(|fee| kroner(fee.max_ore)).unwrap_or_default(),
        parts: decided.iter().flat_map(|d| d.as_array().into_iter().flatten()).map(part).collect(),
        changed: differences.iter().map(changed).collect(),
        questions: case.comments.iter().map(|c| (label(&c.field), c.question.clone(), c.answer.clone())).collect(),
        commands: case.commands.iter().filter(|c| offered(c)).cloned().collect(),
        warned: warned(&case),
        may_appeal: case.commands.iter().any(|c| c.name == CommandName::LodgeAppeal && c.blocked.is_none()),
        command_id: command_id(services),
        files: services.access.files(actor, id).await.map_err(visitor.fail())?,
        holders: holders(&f, &names, &case.holders, services.clock.today()),
        timeline: timeline(&f, &names, &case),
        ball: ball(&case),
        limit: limit(&f, &case, services.clock.today()),
        f: f.crumb("/apply", crumb),
        case,
    };
    draw(visitor, &page)
}

/// The last day for comments on a reaction that is considered.
fn warned(case: &CaseView) -> Option<kernel::Date> {
    let notices = case.after.iter().flat_map(|after| &after.notices);
    notices.filter(|notice| notice.is_open()).map(|notice| notice.deadline).min()
}

/// The way, with what lies behind and where the case is.
fn steps(state: StateName, permit: bool) -> Vec<Step> {
    let at = match state {
        StateName::Draft | StateName::Submitted => 0,
        StateName::PreScreening => 1,
        StateName::Processing | StateName::AwaitingInfo => 2,
        StateName::AwaitingAcceptance => 3,
        StateName::Decided | StateName::Closed if permit => 5,
        _ => 4,
    };
    let keys = ["step-received", "step-checked", "step-assessed", "step-terms", "step-decided", "step-data"];
    keys.into_iter().enumerate().map(|(n, key)| Step { key, done: n < at, here: n == at }).collect()
}

/// The commands of an applicant that this page has a form for; answers are written in the form. A new maximum is accepted
/// when there is one.
fn offered(command: &AllowedCommand) -> bool {
    match command.name {
        CommandName::AcceptMaximum => command.blocked.is_none(),
        CommandName::AcceptTerms
        | CommandName::DeclineTerms
        | CommandName::QueryTerms
        | CommandName::Withdraw
        | CommandName::Restore
        | CommandName::DisputeFee => true,
        _ => false,
    }
}

/// Whose turn it is: after a decision that grants data, that of the sources until all have delivered.
fn ball(case: &CaseView) -> &'static str {
    if case.holders.iter().any(|holder| holder.delivered.is_none()) {
        return "sources";
    }
    if case.holders.is_empty() { case.summary.waits_for.slug() } else { "delivered" }
}

/// How much time the body has left for the decision or for the data, or that it is late.
fn limit(f: &Frame, case: &CaseView, today: kernel::Date) -> Option<String> {
    let clock = case.summary.clock.as_ref().filter(|clock| !clock.ended)?;
    let key = if case.decision.is_some() { "case-clock-data" } else { "case-clock" };
    let text = f.tv2(key, "due", f.date(&clock.due), "left", time::until(f, &clock.due, today).0);
    Some(if clock.paused { format!("{text} {}", f.t("case-clock-paused")) } else { text })
}

/// The series of the permit that a draft changes.
async fn permit_of(services: &Services, actor: &identity::Actor, case: CaseId) -> Option<String> {
    let draft = services.access.draft(actor, case).await.ok()?;
    let permit = draft.sections.iter().flat_map(|s| &s.fields).find(|view| view.field.id == "chg.permit")?;
    protocol::documents::Permit::series_of(permit.value.as_str()?).map(str::to_owned)
}

/// A command of the applicant.
pub(super) async fn command(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    let text = |n: &str| Some(fields.get(n)).filter(|v| !v.is_empty());
    let payload = match name.as_str() {
        "accept_terms" => json!({"terms_hash": fields.get("terms_hash")}),
        "query_terms" => json!({"question": fields.get("reason")}),
        "accept_maximum" => json!({"max_ore": fields.get("max_ore").parse::<i64>().ok()}),
        "dispute_fee" => {
            let wanted = fields.get("kroner").trim().parse::<i64>().ok().map(|kroner| kroner * 100);
            json!({"reason": fields.get("reason"), "wanted_ore": wanted})
        }
        "withdraw" | "decline_terms" => json!({"reason": text("reason")}),
        "send_info" => {
            let answer = |(n, v): (&str, &str)| Some(json!({"field": n.strip_prefix("answer.")?, "answer": v}));
            json!({"answers": fields.pairs().filter_map(answer).collect::<Vec<_>>()})
        }
        "submit" | "delete_draft" | "restore" => json!({}),
        _ => return Err(visitor.fail()(Problem::not_found("command"))),
    };
    let version = fields.get("version").parse().unwrap_or(0);
    let actor = visitor.actor()?;
    // What takes effect at once is seen at its permit.
    let permit = if name == "submit" { permit_of(&services, actor, case).await } else { None };
    let done = services.access.command(actor, case, &name, payload, fields.get("command_id"), version).await;
    let done = done.map_err(visitor.fail())?;
    let appeal = done.number.as_ref().filter(|number| number.starts_with("K-"));
    let at_once = done.events.iter().any(|event| event == "change_took_effect");
    let to = match (appeal, permit.filter(|_| at_once)) {
        (Some(number), _) if name == "submit" => format!("/appeals/{number}"),
        (_, Some(series)) => format!("/permits/{series}"),
        _ if name == "delete_draft" => "/apply".to_owned(),
        _ => format!("/apply/{id}"),
    };
    Ok(Redirect::to(&to).into_response())
}
