//! Cases: the queue of those who decide, and the workspace of one case for applicant and staff alike. Which commands are
//! offered is the case's own answer; this page only draws a form for each.

pub(super) mod after;
mod ask;
mod colleagues;
mod desk;
mod exclusions;
mod forms;
mod inbox;
pub(super) mod invoices;
mod log;
mod people;
pub(super) mod time;

pub(crate) use colleagues::HANDED_OVER;

use std::collections::BTreeMap;
use std::sync::Arc;

use access::clocks::Clock;
use access::form::FieldKind;
use access::model::CommandName;
use access::views::{CaseView, TimelineEntry};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use delivery::DeliveryView;
use identity::Role;
use kernel::{Date, Problem};
use serde_json::Value;

use self::people::People;
use super::apply::plain;
use super::draw;
use crate::frame::Frame;
use crate::input::Path;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

const STAFF: Who = Who::Roles(&[Role::CaseHandler, Role::DecisionMaker, Role::RegistryHandler, Role::Auditor]);

/// Those who may have a role that can be handed over, and the auditor.
pub(crate) const HOLDERS: Who =
    Who::Roles(&[Role::CaseHandler, Role::DecisionMaker, Role::RegistryHandler, Role::AppealHandler, Role::Auditor]);
const BODY: Who = Who::Roles(&[Role::CaseHandler, Role::DecisionMaker, Role::Auditor]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/cases", STAFF, inbox::inbox)
        .post("/cases", STAFF, inbox::bulk)
        .post("/cases/views", STAFF, inbox::save_view)
        .post("/cases/views/{id}/delete", STAFF, inbox::delete_view)
        .get("/cases/delegations", HOLDERS, colleagues::page)
        .post("/cases/delegations", HOLDERS, colleagues::add)
        .post("/cases/delegations/{id}/end", HOLDERS, colleagues::end)
        .get("/cases/exclusions", BODY, exclusions::page)
        .post("/cases/exclusions", BODY, exclusions::add)
        .post("/cases/exclusions/end", BODY, exclusions::end)
        .get("/tasks", Who::Roles(&[Role::RegistryHandler]), desk::tasks)
        .get("/proposals", Who::Roles(&[Role::DecisionMaker, Role::Auditor]), desk::proposals)
        .get("/reviews", Who::LoggedIn, desk::reviews)
        .get("/cases/{id}", Who::LoggedIn, case)
        .get("/cases/{id}/ask", Who::LoggedIn, ask::page)
        .post("/cases/{id}/ask", Who::LoggedIn, ask::change)
        .get("/cases/{id}/log", Who::Roles(&[Role::Auditor]), log::log)
        .post("/cases/{id}/{command}", Who::LoggedIn, command)
        .get("/cases/{id}/letter.pdf", Who::LoggedIn, letter)
        .get("/cases/{id}/letter.pdf.p7s", Who::LoggedIn, letter_seal)
        .get("/deliveries", Who::LoggedIn, deliveries)
}

/// One field of the application as submitted.
struct Answer {
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
    groups: Vec<Group>,
    decision: Vec<Part>,
    deliveries: Vec<DeliveryView>,
    fee: String,
    /// Source, id and name of each variable applied for.
    items: Vec<(String, String, String)>,
    /// Sources whose task is not answered yet.
    waiting: Vec<String>,
    /// Sources that the looker answers for.
    own_sources: Vec<String>,
    tasks: Vec<people::TaskRow>,
    opinions: Vec<people::OpinionRow>,
    notes: Vec<people::NoteRow>,
    members: Vec<(String, String)>,
    handler: Option<String>,
    waits: desk::Waits,
    /// Whether the looker may hand this case to a colleague, and read its log.
    can_delegate: bool,
    audits: bool,
    names: Names,
    today: Date,
    invoices: Option<invoices::Invoices>,
    /// The decision in force, with which the form of a new one begins.
    before: after::Before,
    reports: Vec<after::ReportRow>,
    holders: Vec<after::HolderRow>,
    notices: Vec<after::NoticeRow>,
}

impl CasePage {
    fn timeline(&self) -> Vec<TimelineEntry> {
        timeline(&self.f, &self.names, &self.case)
    }

    /// Whether a form proposes a decision in the place of the one in force.
    fn anew(&self, command: &str) -> bool {
        matches!(command, "correct_decision" | "reverse_decision")
    }

    /// An outcome of a criterion in words.
    fn criterion(&self, outcome: &access::model::CriterionOutcome) -> String {
        self.f.t(invoices::criterion_key(&self.f, outcome))
    }

    /// How long the clock still runs, in words.
    fn left(&self, clock: &Clock) -> String {
        time::until(&self.f, &clock.due, self.today).0
    }

    /// The unit in which a clock counts.
    fn unit(&self, clock: &Clock) -> String {
        time::unit(&self.f, clock)
    }
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
    let crumb = if [Role::CaseHandler, Role::DecisionMaker, Role::Auditor].iter().any(|role| actor.has(*role)) {
        ("/cases", "task-cases")
    } else if actor.has(Role::RegistryHandler) {
        ("/tasks", "task-tasks")
    } else if actor.has(Role::Reviewer) {
        ("/reviews", "task-reviews")
    } else {
        ("/apply", "task-apply")
    };
    let text = f.t(crumb.1);
    let item = |i: &access::content::ContentItem| {
        (i.order.source.clone(), i.order.variable.clone(), names.variable(&i.order.variable))
    };
    let items = case.items.iter().map(item).collect();
    let answers_for = |source: &&String| actor.has_for(Role::RegistryHandler, source);
    let own_sources = case.summary.sources.iter().filter(answers_for).cloned().collect();
    let open = |task: &access::model::SourceTask| !task.is_settled();
    let waiting = case.involved.tasks.iter().filter(|(_, task)| open(task)).map(|(source, _)| source.clone()).collect();
    let said = people::notes(&services, actor, &case).await;
    let who = People::of(&services, &f, people::named(&case, &said)).await;
    let tasks = people::tasks(&case, &f, &names, services.clock.today());
    let opinions = people::opinions(&case, &f, &who);
    let notes = people::note_rows(&said, &f, &who, &names);
    let members = people::members(&case, &f, &who);
    let handler = case.summary.handler.as_deref().map(|account| who.name(&f, account));
    let groups = grouped(&services, &f, &case, &names).await;
    let invoices = invoices::of(&case, &f, &names);
    let (before, reports) = (after::Before::of(&f, &case), after::reports(&f, &case));
    let holders = after::holders(&f, &names, &case.holders, services.clock.today());
    let notices = after::notices(&f, case.after.iter().flat_map(|after| &after.notices), services.clock.today());
    let waits = desk::Waits::of(&f, &names, &case.summary, services.clock.today());
    let can_delegate = case.roles.iter().any(|role| {
        use access::permissions::CaseRole;
        matches!(role, CaseRole::CaseHandler | CaseRole::DecisionMaker | CaseRole::RegistryHandler)
    });
    let f = f.crumb(crumb.0, text);
    draw(
        &visitor,
        &CasePage {
            waits,
            can_delegate,
            audits: actor.has(Role::Auditor),
            f,
            sections,
            groups,
            decision,
            deliveries,
            fee,
            items,
            waiting,
            own_sources,
            tasks,
            opinions,
            notes,
            members,
            handler,
            names,
            today: services.clock.today(),
            invoices,
            before,
            reports,
            holders,
            notices,
            case,
        },
    )
}

/// What people call sources, collections and variables.
pub(crate) struct Names {
    model: Arc<catalogue::Model>,
    sources: BTreeMap<String, String>,
    language: kernel::Language,
}

impl Names {
    pub(crate) fn of(services: &Services, language: kernel::Language) -> Self {
        let name = |s: catalogue::Source| (s.id.clone(), s.name.text(language).to_owned());
        let sources = services.catalogue.sources().into_iter().map(name).collect();
        Self { model: services.catalogue.model(), sources, language }
    }

    pub(crate) fn source(&self, id: &str) -> String {
        self.sources.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// The source, collection or variable with this id.
    pub(crate) fn known(&self, id: &str) -> Option<String> {
        if self.model.collections.contains_key(id) {
            return Some(self.collection(id));
        }
        let variable = |v: &catalogue::Variable| v.label.text(self.language).to_owned();
        self.sources.get(id).cloned().or_else(|| self.model.variables.get(id).map(variable))
    }

    /// A collection with its source, which its title alone does not name.
    pub(crate) fn collection(&self, id: &str) -> String {
        let found = self.model.collections.get(id);
        let named = |source: String, title: &str| if source == title { source } else { format!("{source}: {title}") };
        found.map_or_else(|| id.to_owned(), |c| named(self.source(&c.source), c.title.text(self.language)))
    }

    pub(crate) fn variable(&self, id: &str) -> String {
        let found = self.model.variables.get(id);
        found.map_or_else(|| id.to_owned(), |v| v.label.text(self.language).to_owned())
    }
}

/// The events of a case, with the names of fields and sources and the days in them as people write them.
pub(super) fn timeline(f: &Frame, names: &Names, case: &CaseView) -> Vec<TimelineEntry> {
    let mut events = case.timeline.clone();
    for detail in events.iter_mut().flat_map(|event| &mut event.details) {
        *detail = detail_in_words(f, names, case, detail);
    }
    events
}

/// What stands first in a detail may be a field, a source or a day.
fn detail_in_words(f: &Frame, names: &Names, case: &CaseView, detail: &str) -> String {
    let (first, rest) = detail.split_once(": ").map_or((detail, None), |(first, rest)| (first, Some(rest)));
    let field = case.sections.iter().flat_map(|section| &section.fields).find(|view| view.field.id == first);
    let first = match (field, first.parse::<Date>()) {
        (Some(view), _) => f.l(&view.field.label),
        (None, Ok(day)) => f.date(&day),
        (None, Err(_)) => names.source(first),
    };
    rest.map_or_else(|| first.clone(), |rest| format!("{first}: {rest}"))
}

pub(super) fn shown(v: &access::views::FieldView, names: &Names, language: kernel::Language) -> String {
    match (&v.value, v.field.kind) {
        (Value::Object(periods), FieldKind::PeriodList) => {
            let period = |(id, value): (&String, &Value)| format!("{}: {}", names.collection(id), plain(value));
            periods.iter().map(period).collect::<Vec<_>>().join("; ")
        }
        (Value::Object(answers), _) if !v.field.parts.is_empty() => {
            let part = |part: &access::form::Field| Some(in_words(&part.options, answers.get(&part.id)?, language));
            let parts: Vec<String> = v.field.parts.iter().filter_map(part).filter(|text| !text.is_empty()).collect();
            parts.join(" – ")
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
        // Questions that are each answered with yes or no: those with a yes.
        Value::Object(map) if map.values().all(Value::is_boolean) => {
            let yes: Vec<String> =
                map.iter().filter(|(_, value)| **value == true).map(|(key, _)| option(key)).collect();
            if yes.is_empty() { crate::texts::text(language, "no") } else { yes.join("; ") }
        }
        // A choice that may have a day beside it.
        Value::Object(map) if map.len() == 1 && map.values().all(Value::is_string) => {
            map.values().map(|value| in_words(options, value, language)).collect()
        }
        Value::Object(map) if map.values().all(Value::is_object) => {
            map.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect::<Vec<_>>().join("; ")
        }
        other => plain(other),
    }
}

/// The decision that the fields of a form propose.
pub(super) fn proposal_of(fields: &Fields) -> Value {
    forms::payload(CommandName::ProposeDecision, fields)
}

/// Commands that belong together.
struct Group {
    /// `next`, or the matter.
    name: &'static str,
    forms: Vec<CommandForm>,
}

/// The form of one command.
struct CommandForm {
    name: &'static str,
    /// Sent twice, it is carried out once (ACC-004).
    command_id: String,
    /// Code of the guard that would refuse it now.
    blocked: Option<&'static str>,
    inputs: Vec<InputView>,
}

/// One question of a form as the template draws it.
struct InputView {
    name: &'static str,
    /// `line`, `text`, `day`, `number`, `flag`, `one` or `several`.
    kind: &'static str,
    options: Vec<(String, String)>,
    optional: bool,
}

/// The matter that a command belongs to; none for those that the application form, other pages or the interface give.
const fn matter(name: CommandName) -> Option<&'static str> {
    use CommandName as C;
    Some(match name {
        C::DeclareInterest
        | C::StartScreening
        | C::ConfirmComplete
        | C::AssessCriterion
        | C::CalculateFee
        | C::OfferTerms
        | C::WithdrawTerms
        | C::AddTerms
        | C::OfferStatistics
        | C::ProposeDecision
        | C::ReturnProposal
        | C::IssueDecision
        | C::ProposeNotCompleted
        | C::IssueNotCompleted
        | C::AcceptTerms
        | C::DeclineTerms
        | C::QueryTerms
        | C::ExtendAnswer
        | C::SendInfo => "work",
        C::RequestInfo | C::CancelInfoRequest | C::SendMessage | C::Remark | C::SendReminder => "word",
        C::DispatchSourceTasks
        | C::AcceptSourceTask
        | C::AnswerSourceTask
        | C::ReturnSourceTask
        | C::PauseDelivery
        | C::ResumeDelivery
        | C::ExtendDelivery
        | C::ReportDelivery => "source",
        C::RequestReview | C::InviteReviewer | C::Review | C::Vote => "expert",
        C::ProposeMaximum | C::IssueInvoice | C::SettleInvoice | C::DecideDispute => "fee",
        C::CorrectDecision | C::ReverseDecision => "decision",
        C::NotifySanction | C::DecideSanction | C::RevokePermit | C::HoldPermit | C::ReleaseHold | C::ExtendResults => {
            "permit"
        }
        C::AssignCase
        | C::SetTrack
        | C::ExtendDeadline
        | C::DecideConfidentiality
        | C::AssignExternalId
        | C::ConfirmController
        | C::InviteMember
        | C::Withdraw
        | C::DeleteDraft
        | C::Restore
        | C::CloseCase
        | C::ReopenCase => "case",
        _ => return None,
    })
}

const MATTERS: [&str; 8] = ["work", "word", "source", "expert", "fee", "decision", "permit", "case"];

/// The forms of what the looker may do: the next step first, then matter by matter.
async fn grouped(services: &Services, f: &Frame, case: &CaseView, names: &Names) -> Vec<Group> {
    let mut groups = vec![Group { name: "next", forms: Vec::new() }];
    groups.extend(MATTERS.map(|name| Group { name, forms: Vec::new() }));
    for command in &case.commands {
        let Some(matter) = matter(command.name) else { continue };
        let mut inputs = Vec::new();
        for ask in forms::asks(command.name) {
            inputs.push(input(services, f, case, names, ask).await);
        }
        let place = if case.summary.next == Some(command.name) { "next" } else { matter };
        let command_id = super::command_id(services);
        let form = CommandForm { name: command.name.slug(), command_id, blocked: command.blocked, inputs };
        if let Some(group) = groups.iter_mut().find(|group| group.name == place) {
            group.forms.push(form);
        }
    }
    // What can be done now stands before what cannot.
    for group in &mut groups {
        group.forms.sort_by_key(|form| form.blocked.is_some());
    }
    groups.retain(|group| !group.forms.is_empty());
    groups
}

async fn input(services: &Services, f: &Frame, case: &CaseView, names: &Names, ask: &forms::Ask) -> InputView {
    use forms::Kind;
    let (kind, mut options) = match ask.kind {
        Kind::Line => ("line", Vec::new()),
        Kind::Text => ("text", Vec::new()),
        Kind::Day => ("day", Vec::new()),
        Kind::Number => ("number", Vec::new()),
        Kind::Flag => ("flag", Vec::new()),
        Kind::Choice(codes) => {
            let option = |code: &&str| ((*code).to_owned(), f.t(f.key("choice", format!("{}-{code}", ask.name))));
            ("one", codes.iter().map(option).collect())
        }
        Kind::Person(role) => ("one", holders(services, f, role).await),
        Kind::People(role) => ("several", holders(services, f, role).await),
        Kind::Source | Kind::Sources => {
            let source = |id: &String| (id.clone(), names.source(id));
            let several = matches!(ask.kind, Kind::Sources);
            (if several { "several" } else { "one" }, case.summary.sources.iter().map(source).collect())
        }
        Kind::Field => {
            let fields = case.sections.iter().flat_map(|section| &section.fields);
            let field = |v: &access::views::FieldView| (v.field.id.clone(), f.l(&v.field.label));
            ("one", fields.filter(|v| v.visible && !v.value.is_null()).map(field).collect())
        }
        Kind::Report => ("one", after::close_outs(f, case)),
        Kind::Notice => ("one", after::open_notices(f, case)),
    };
    if kind == "one" && ask.optional {
        options.insert(0, (String::new(), f.t("input-open")));
    }
    InputView { name: ask.name, kind, options, optional: ask.optional }
}

/// Those who hold a role, by name.
async fn holders(services: &Services, f: &Frame, role: Role) -> Vec<(String, String)> {
    // A list that does not come leaves the choice open; the command says what is missing.
    let found = services.identity.with_role(role).await.unwrap_or_default();
    found.into_iter().map(|(account, name)| (account.to_string(), f.l(&name))).collect()
}

async fn command(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let version = fields.get("version").parse().unwrap_or(0);
    let command_id = fields.get("command_id");
    // An unknown name goes on: the service says that there is no such command.
    let payload = match CommandName::parse(&name) {
        Some(CommandName::RequestInfo) => forms::request(&fields, visitor.lang, services.clock.today()),
        Some(name) => forms::payload(name, &fields),
        None => Value::Null,
    };
    let actor = visitor.actor()?;
    services.access.command(actor, case, &name, payload, command_id, version).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
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

async fn letter_seal(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    seal(&services, &visitor, visitor.actor()?, id, access::LetterForm::Pdf).await
}

/// The seal of a letter, to keep beside it (ACC-160).
pub(crate) async fn seal(
    services: &Services,
    visitor: &Visitor,
    actor: &identity::Actor,
    id: access::CaseId,
    form: access::LetterForm,
) -> Result<Response, WebError> {
    let seal = services.access.letter_seal(actor, id, form).await.map_err(visitor.fail())?;
    let name = match form {
        access::LetterForm::Pdf => "letter.pdf.p7s",
        access::LetterForm::Json => "letter.json.p7s",
    };
    let headers = [
        (header::CONTENT_TYPE, "application/pkcs7-signature".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, seal).into_response())
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
