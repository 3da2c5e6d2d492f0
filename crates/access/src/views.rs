//! What the pages and the interface show: plain structs, serialised as they are. Building them needs no database.

mod after;
mod billing;
mod desk;
mod people;

pub use billing::BillingView;
pub(crate) use billing::billing;
pub(crate) use desk::waits;
pub use desk::{ChainLine, DeliveryLine, ProposalLine, ReviewLine, TaskLine, Wait, WaitKind};
pub(crate) use people::involved;
pub use people::{DelegationView, EndedView, ExclusionView, InvitationView, Involved, NoteView, OpinionView};

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::{Date, LangMap, Problem, Timestamp};
use protocol::dsse::Envelope;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clocks::{self, Clock, holder::HolderClock};
use crate::fees::FeeEstimate;
use crate::form::{Counted, Fault, Field, LiveEstimate};
use crate::model::{
    After, AwaitingInfo, CartItem, Case, CaseId, CommandName, CriterionOutcome, Decision, Event, FieldComment,
    InfoKind, LetterRef, Outcome, PermitRef, Recorded, Refusal, Reminder, SourceTask, StateName, Terms, WaitsFor,
    can_end, can_issue, missing_criteria,
};
use crate::permissions::{CaseRole, View};
use crate::rules;

/// A page of a list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many there are in all; with `more`, how many of them can be paged through.
    pub total: i64,
    /// Whether there are more than can be paged through: the list is to be narrowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Index of the first item of this page.
    pub from: i64,
    /// Most items of a page.
    pub size: i64,
}

/// What a list of cases is narrowed to. What is empty does not narrow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseFilter {
    /// Beginnings of words in title, number or sources.
    pub q: String,
    /// `open` for cases that somebody is waited for in, `over` for the others, `all`.
    pub which: Option<String>,
    /// Name of a track.
    pub track: Option<String>,
    /// Due on this day or before.
    #[serde(deserialize_with = "day")]
    pub due_by: Option<Date>,
    /// Name of a state.
    pub state: Option<String>,
    /// Account of the handler, or `me`.
    pub handler: Option<String>,
    /// A source.
    pub source: Option<String>,
    /// First item, from 0.
    pub from: i64,
    /// Most items, 1 to 100; 0 for the usual 25.
    pub size: i64,
}

/// A day, or none for an empty text: forms send that for what was left open.
fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// A filter of the inbox under a name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SavedView {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// The filter.
    pub filter: CaseFilter,
    /// Whether colleagues of the body see it.
    pub shared: bool,
    /// Whether it is the looker's own.
    pub own: bool,
}

/// What became of one case in an action on several.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BulkLine {
    /// Case.
    pub id: CaseId,
    /// Number, when the actor may see the case.
    pub number: Option<String>,
    /// Title, when the actor may see the case.
    pub title: String,
    /// Why nothing was done; none when it was.
    pub refused: Option<Problem>,
}

/// A case in a list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CaseSummary {
    /// Id.
    pub id: CaseId,
    /// Number, from the submission on.
    pub number: Option<String>,
    /// Title of the project; empty while none is written.
    pub title: String,
    /// State.
    pub state: StateName,
    /// State as told outward (`SUBMITTED` …); none for drafts.
    pub outward: Option<&'static str>,
    /// Version: what `expected_version` of a command means.
    pub version: i64,
    /// Sources.
    pub sources: Vec<String>,
    /// When it was submitted.
    pub submitted_at: Option<Timestamp>,
    /// When anything last happened.
    pub updated_at: Timestamp,
    /// Who is waited for.
    pub waits_for: WaitsFor,
    /// Account of the handler.
    pub handler: Option<String>,
    /// The statutory clock.
    pub clock: Option<Clock>,
    /// The date on which the next thing is due: the applicant's answer or acceptance, or the clock.
    pub due: Option<Date>,
    /// What the looker would do next.
    pub next: Option<CommandName>,
    /// What is waited for, what is late first; for those who handle the case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
}

/// A command that the looker may run (ACC-080).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AllowedCommand {
    /// Its name.
    pub name: CommandName,
    /// Code of the guard that would refuse it now, e.g. `not_all_assessed`.
    pub blocked: Option<&'static str>,
}

/// An event in words.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TimelineEntry {
    /// Place in the case.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Name of the event.
    pub event: &'static str,
    /// In which role somebody did it.
    pub role: String,
    /// In words.
    pub text: LangMap,
    /// Fields, sources or criteria it is about, and what was written.
    pub details: Vec<String>,
}

/// A criterion of the case.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CriterionView {
    /// Id.
    pub id: String,
    /// What it asks.
    pub title: LangMap,
    /// Outcome, once assessed.
    pub outcome: Option<CriterionOutcome>,
    /// Reason, once assessed.
    pub reason: Option<String>,
    /// Whether the outcome follows from those of the sources.
    pub of_sources: bool,
    /// Assessments of single sources (ACC-141): source, outcome, reason.
    pub sources: Vec<(String, CriterionOutcome, String)>,
}

/// A request for information as the applicant must answer it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RequestView {
    /// Why.
    pub kind: InfoKind,
    /// Last day for the answer.
    pub deadline: Date,
    /// The fields asked about: only these can be changed.
    pub fields: Vec<String>,
}

/// Terms as offered.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OfferView {
    /// The terms.
    pub terms: Terms,
    /// What `accept_terms` must name.
    pub hash: String,
    /// Last day to accept.
    pub deadline: Date,
}

/// A proposal as staff see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ProposalView {
    /// Account of the one who proposed.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub decision: Decision,
}

/// A decision as parties and staff see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DecisionView {
    /// Number.
    pub number: String,
    /// When.
    pub issued_at: Timestamp,
    /// What.
    pub decision: Decision,
    /// Digests of the letter.
    pub letter: LetterRef,
    /// The permit.
    pub permit: Option<PermitRef>,
}

/// A field with its value.
#[derive(Clone, Debug, Serialize)]
pub struct FieldView {
    /// Definition.
    #[serde(flatten)]
    pub field: Field,
    /// Whether it is shown now.
    pub visible: bool,
    /// Whether it can be changed now.
    pub editable: bool,
    /// Value; null when there is none.
    pub value: Value,
    /// Faults.
    pub faults: Vec<Fault>,
    /// Questions and answers.
    pub comments: Vec<FieldComment>,
}

/// A section with its fields.
#[derive(Clone, Debug, Serialize)]
pub struct SectionView {
    /// `pub`.
    pub id: String,
    /// Title.
    pub title: LangMap,
    /// What it is about.
    pub intro: LangMap,
    /// Fields.
    pub fields: Vec<FieldView>,
    /// Whether nothing in it stops the submission.
    pub complete: bool,
}

/// A variable of the cart with what is known of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CartLine {
    /// As chosen.
    #[serde(flatten)]
    pub item: CartItem,
    /// Label; empty when the catalogue does not know the variable.
    pub label: LangMap,
    /// Source.
    pub source: String,
    /// Name of the source.
    pub source_name: LangMap,
    /// Collection.
    pub collection: String,
    /// Levels of detail on offer, the coarsest first.
    pub granularities: Vec<String>,
    /// Whether a necessity text is needed because of the variable itself.
    pub sensitive: bool,
}

/// A draft, or the fields asked about, as the applicant works on them.
#[derive(Clone, Debug, Serialize)]
pub struct DraftView {
    /// Case.
    pub id: CaseId,
    /// Version of the case.
    pub version: i64,
    /// State: `draft` or `awaiting_info`.
    pub state: StateName,
    /// When it was last saved.
    pub saved_at: Timestamp,
    /// The form.
    pub sections: Vec<SectionView>,
    /// The cart.
    pub cart: Vec<CartLine>,
    /// Collections of the cart, which each need a period.
    pub collections: Vec<String>,
    /// Everything that the check found.
    pub faults: Vec<Fault>,
    /// Whether `submit` or `send_info` would pass the check.
    pub complete: bool,
    /// The request, when fields were asked about.
    pub request: Option<RequestView>,
    /// A first estimate of the fee.
    pub fee: Option<FeeEstimate>,
    /// The same with the lowest price and what it rests on (ACC-150).
    pub price: Option<LiveEstimate>,
    /// How many persons the criteria as they stand were counted to mean (ACC-045).
    pub cohort: Option<Counted>,
    /// `person-level`, `statistics`, `change` or `appeal`.
    pub form: String,
    /// What a change comes to, computed; none for other forms.
    pub ops: Option<Vec<crate::change::Op>>,
    /// Names of the persons that the operations are about, by id.
    pub persons: BTreeMap<String, String>,
}

/// A case as somebody may see it.
#[derive(Clone, Debug, Serialize)]
pub struct CaseView {
    /// As in the list.
    #[serde(flatten)]
    pub summary: CaseSummary,
    /// How much the looker sees.
    pub view: View,
    /// What the looker is in the case.
    pub roles: Vec<CaseRole>,
    /// The application, read-only; empty for drafts.
    pub sections: Vec<SectionView>,
    /// The variables applied for.
    pub items: Vec<crate::content::ContentItem>,
    /// What the checks said at submission; staff only.
    pub checks: Vec<crate::content::CheckResult>,
    /// Fields that the last answer changed.
    pub changed: Vec<String>,
    /// Questions and answers.
    pub comments: Vec<FieldComment>,
    /// The open request.
    pub request: Option<RequestView>,
    /// Criteria; staff only until the decision.
    pub criteria: Vec<CriterionView>,
    /// The price.
    pub fee: Option<FeeEstimate>,
    /// The terms on offer.
    pub offer: Option<OfferView>,
    /// Whether the terms in force are accepted.
    pub terms_accepted: bool,
    /// The proposal; staff only.
    pub proposal: Option<ProposalView>,
    /// The decision.
    pub decision: Option<DecisionView>,
    /// What came after the decision: measures, appeals, reports, hearings; for parties and staff.
    pub after: Option<After>,
    /// The time of each holder to deliver; for a source's own staff that of the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<HolderClock>,
    /// Invoices and disputes about the fee.
    pub billing: Option<BillingView>,
    /// Who takes part and what they have said, as far as the looker may see it.
    pub involved: Involved,
    /// What the looker may do.
    pub commands: Vec<AllowedCommand>,
    /// What happened, newest first.
    pub timeline: Vec<TimelineEntry>,
}

/// What a command did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Done {
    /// Case.
    pub id: CaseId,
    /// Number, from the submission on.
    pub number: Option<String>,
    /// Its version now.
    pub version: i64,
    /// Its state now.
    pub state: StateName,
    /// Names of the events.
    pub events: Vec<String>,
    /// Whether it had been done before under the same command id.
    pub repeated: bool,
    /// The token of the invitation that was made: told once, kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The draft that was made as a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<CaseId>,
}

/// A permit as it stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PermitView {
    /// Whether it is the version in force.
    pub current: bool,
    /// Id of the version.
    pub permit_id: String,
    /// Series.
    pub series: String,
    /// Case.
    pub case_id: CaseId,
    /// `GRANTED` …
    pub status: String,
    /// Whether it is on hold.
    pub hold: bool,
    /// Title of the project.
    pub title: String,
    /// The signed document.
    pub envelope: Envelope,
}

/// An entry of the public register (ACC-180).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RegisterEntry {
    /// Number of the case.
    pub number: String,
    /// Title.
    pub title: String,
    /// `received`, `decided` or `withdrawn`.
    pub status: &'static str,
    /// Since when it is public.
    pub published_on: Date,
    /// Since when the decision is public.
    pub decided_on: Option<Date>,
    /// What is public of the application: nothing but the title when it was withdrawn.
    pub application: Map<String, Value>,
    /// What is public of the decision.
    pub decision: Option<Value>,
    /// Fields that are left out as confidential.
    pub masked: Vec<String>,
    /// What came of it.
    pub results: Vec<Value>,
}

static WORDS: LazyLock<BTreeMap<String, LangMap>> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the words are part of the program and are read by its tests")]
    serde_json::from_str(include_str!("../data/timeline.json")).unwrap()
});

/// The name of an event in words.
pub(crate) fn event_words(event: &str) -> LangMap {
    WORDS.get(event).cloned().unwrap_or_default()
}

/// An event in words that a layman understands.
pub(crate) fn timeline_entry(recorded: &Recorded, role: &str, staff: bool) -> Option<TimelineEntry> {
    // Assessments and proposals are the body's own work until the decision tells them.
    if is_inner(&recorded.event) && !staff {
        return None;
    }
    let details = match &recorded.event {
        Event::Submitted { number, .. } => vec![number.clone()],
        Event::InfoRequested { questions, .. } => {
            questions.iter().map(|q| format!("{}: {}", q.field, q.question)).collect()
        }
        Event::InfoReceived { answers, .. } => answers.iter().map(|a| format!("{}: {}", a.field, a.answer)).collect(),
        Event::CriterionAssessed { criterion, reason, .. } => vec![format!("{criterion}: {reason}")],
        Event::TermsQueried { question } => vec![question.clone()],
        Event::Withdrawn { reason: Some(reason) } | Event::TermsDeclined { reason: Some(reason) } => {
            vec![reason.clone()]
        }
        Event::TermsWithdrawn { reason }
        | Event::ProposalReturned { reason }
        | Event::PermitRevoked { reason, .. }
        | Event::PermitHeld { reason, .. }
        | Event::PermitHoldReleased { reason } => vec![reason.clone()],
        Event::DecisionIssued { number, .. } => vec![number.clone()],
        Event::PermitIssued { permit_id, .. } => vec![permit_id.clone()],
        Event::SourceTaskCreated { source, .. }
        | Event::SourceTaskAccepted { source }
        | Event::SourceTaskAnswered { source, .. }
        | Event::SourceCostEstimated { source, .. } => vec![source.clone()],
        Event::SourceTaskReturned { source, reason } | Event::SourceTaskWaived { source, reason } => {
            vec![format!("{source}: {reason}")]
        }
        Event::InvoiceIssued { invoice, .. } => vec![invoice.number.clone()],
        Event::CreditNoteIssued { note } => vec![note.number.clone()],
        Event::InvoiceSettled { number, .. } => vec![number.clone()],
        Event::MaximumProposed { reason, .. }
        | Event::FeeDisputed { reason, .. }
        | Event::FeeDisputeDecided { reason, .. }
        | Event::DeadlineExtended { reason, .. }
        | Event::InfoDeadlineExtended { reason, .. }
        | Event::TrackChanged { reason, .. }
        | Event::SanctionDecided { reason, .. }
        | Event::StatisticsOffered { reason, .. }
        | Event::AttachmentRedacted { reason, .. } => vec![reason.clone()],
        Event::TermsAdded { text } | Event::SanctionCommented { text, .. } => vec![text.clone()],
        Event::SanctionNotified { reason, deadline, .. } => vec![reason.clone(), deadline.to_string()],
        Event::ResultsExtended { reason, until } => vec![reason.clone(), until.to_string()],
        Event::DeliveryPaused { source, reason, .. } => vec![format!("{source}: {reason}")],
        Event::DeliveryExtended { source, reason, until } => vec![format!("{source}: {reason}"), until.to_string()],
        Event::DeliveryResumed { source, .. }
        | Event::ReminderSent {
            reminder: Reminder::Source(source) | Reminder::Delivery(source) | Reminder::LateDelivery(source),
        } => vec![source.clone()],
        Event::DeliveryReported { source, on } => vec![source.clone(), on.to_string()],
        _ => Vec::new(),
    };
    let event = recorded.event.name();
    let text = match &recorded.event {
        Event::ReminderSent { reminder } => event_words(&format!("{event}.{}", reminder.slug())),
        _ => event_words(event),
    };
    Some(TimelineEntry { seq: recorded.seq, at: recorded.at, event, role: role.to_owned(), text, details })
}

/// Whether only staff are told: the body's own work until the decision tells of it, what sources and experts say
/// (ACC-001), remarks that are not for the parties (ACC-102).
const fn is_inner(event: &Event) -> bool {
    match event {
        Event::Remarked { visibility, .. } => !matches!(visibility, crate::model::Visibility::Parties),
        Event::CriterionAssessed { .. }
        | Event::DecisionProposed { .. }
        | Event::ProposalReturned { .. }
        | Event::NotCompletedProposed { .. }
        | Event::ConditionsSet { .. }
        | Event::InterestDeclared { .. }
        | Event::SourceTaskCreated { .. }
        | Event::SourceTaskAccepted { .. }
        | Event::SourceTaskAnswered { .. }
        | Event::SourceTaskReturned { .. }
        | Event::SourceTaskWaived { .. }
        | Event::SourceCostEstimated { .. }
        | Event::ReviewRequested { .. }
        | Event::ReviewerInvited { .. }
        | Event::Reviewed { .. }
        | Event::Voted { .. }
        | Event::DecisionAdvised { .. }
        | Event::ExternalIdAssigned { .. }
        | Event::ConfigurationChanged { .. } => true,
        _ => false,
    }
}

/// The state as told outward (EU message set, `access.md` section 8.2).
pub(crate) const fn outward(state: StateName) -> Option<&'static str> {
    match state {
        StateName::Draft | StateName::Lapsed => None,
        StateName::Submitted => Some("SUBMITTED"),
        StateName::PreScreening => Some("PRE_SCREENING"),
        StateName::Processing | StateName::AwaitingAcceptance => Some("PROCESSING"),
        StateName::AwaitingInfo => Some("AWAITING_ADDITIONAL_INFORMATION"),
        StateName::Decided | StateName::Closed => Some("DECISION_ISSUED"),
        StateName::Withdrawn => Some("WITHDRAWN"),
    }
}

/// The commands with the guards that would refuse them now.
pub(crate) fn guarded(
    case: &Case,
    commands: Vec<CommandName>,
    actor: &str,
    staff: bool,
    today: Date,
) -> Vec<AllowedCommand> {
    let undeclared = staff && !matches!(case, Case::Draft(_)) && !case.folder().interests.contains_key(actor);
    let blocked = |name: CommandName| match (name, case) {
        (CommandName::DeclareInterest, _) => None,
        _ if undeclared => Some("interest_not_declared"),
        (CommandName::OfferTerms | CommandName::ProposeDecision, Case::Processing(at))
            if !missing_criteria(&at.dossier, &at.work).is_empty() =>
        {
            Some("not_all_assessed")
        }
        (CommandName::ProposeNotCompleted, Case::AwaitingInfo(at)) if today <= at.deadline => Some("answer_not_due"),
        (CommandName::ProposeNotCompleted, Case::AwaitingInfo(at)) if at.dossier.not_completed.is_some() => {
            Some("proposed")
        }
        (CommandName::IssueNotCompleted, _)
            if case.dossier().is_some_and(|dossier| can_end(dossier, actor, None).is_err()) =>
        {
            Some("no_proposal")
        }
        _ if billing::blocked(name, case, today).is_some() => billing::blocked(name, case, today),
        (CommandName::ExtendAnswer, Case::AwaitingInfo(at))
            if at.dossier.requests.last().is_some_and(|request| request.extended) =>
        {
            Some("already_extended")
        }
        (CommandName::OfferTerms, Case::Processing(at)) if at.work.fee.is_none() => Some("fee_missing"),
        (CommandName::OfferTerms, Case::Processing(at)) if at.work.tasks.values().any(SourceTask::holds_up) => {
            Some("sources_pending")
        }
        (CommandName::ReturnProposal, Case::Processing(at)) if at.work.proposal.is_none() => Some("no_proposal"),
        (CommandName::IssueDecision, _) => match can_issue(case, actor, None) {
            Ok(_) => None,
            Err(Refusal::Forbidden { code } | Refusal::Conflict { code, .. }) => Some(code),
            Err(Refusal::Invalid { .. }) => Some("invalid"),
        },
        _ if after::blocked(name, case, today).is_some() => after::blocked(name, case, today),
        (CommandName::CorrectDecision | CommandName::ReverseDecision, Case::Decided(at)) => {
            let proposed = at.work.proposal.as_ref().is_some_and(|proposal| proposal.by == actor);
            if at.dossier.change.is_some() { Some("linked_case") } else { proposed.then_some("same_person") }
        }
        (CommandName::RevokePermit | CommandName::HoldPermit | CommandName::ReleaseHold, Case::Decided(at)) => {
            use crate::model::Standing::{Held, Live, Revoked};
            match (&at.permit, name) {
                (None, _) => Some("no_permit"),
                (Some(permit), CommandName::HoldPermit) if permit.standing != Live => Some("permit_standing"),
                (Some(permit), CommandName::ReleaseHold) if permit.standing != Held => Some("permit_standing"),
                (Some(permit), CommandName::RevokePermit) if permit.standing == Revoked => Some("permit_standing"),
                _ => None,
            }
        }
        _ => None,
    };
    commands.into_iter().map(|name| AllowedCommand { name, blocked: blocked(name) }).collect()
}

/// The command that moves a case on, among those that are allowed and not blocked.
pub(crate) fn next_step(commands: &[AllowedCommand], case: &Case) -> Option<CommandName> {
    use CommandName as C;
    if commands.iter().any(|command| command.blocked == Some("interest_not_declared")) {
        return Some(C::DeclareInterest);
    }
    let offered = case.work().is_some_and(|work| work.accepted.is_some());
    let order: &[CommandName] = match case.name() {
        StateName::Draft => &[C::Submit],
        StateName::Submitted => &[C::StartScreening],
        StateName::PreScreening => &[C::ConfirmComplete],
        StateName::AwaitingInfo => &[C::SendInfo, C::IssueNotCompleted, C::ProposeNotCompleted],
        StateName::AwaitingAcceptance => &[C::AcceptTerms],
        StateName::Processing if offered => &[C::IssueDecision, C::ProposeDecision],
        StateName::Processing => &[C::IssueDecision, C::OfferTerms, C::CalculateFee, C::AssessCriterion],
        _ => &[],
    };
    let free = |name: &&CommandName| commands.iter().any(|c| c.name == **name && c.blocked.is_none());
    let all_assessed = match case {
        Case::Processing(at) => missing_criteria(&at.dossier, &at.work).is_empty(),
        _ => true,
    };
    let order = order.iter().filter(|name| all_assessed || **name != C::CalculateFee);
    order.copied().find(|name| free(&name))
}

/// The date on which the next thing is due.
pub(crate) fn due(case: &Case, clock: Option<&Clock>) -> Option<Date> {
    match case {
        Case::AwaitingInfo(waiting) => Some(waiting.deadline),
        Case::AwaitingAcceptance(waiting) => Some(waiting.deadline),
        Case::Decided(_) => None,
        _ => clock.map(|clock| clock.due),
    }
}

/// The open request of a case.
pub(crate) fn request(case: &Case) -> Option<RequestView> {
    let Case::AwaitingInfo(AwaitingInfo { kind, deadline, fields, .. }) = case else { return None };
    Some(RequestView { kind: *kind, deadline: *deadline, fields: fields.iter().cloned().collect() })
}

/// The criteria of a case with what is known of them.
pub(crate) fn criteria(case: &Case) -> Vec<CriterionView> {
    let (Some(dossier), work) = (case.dossier(), case.work()) else { return Vec::new() };
    let view = |criterion: &rules::Criterion| {
        let assessment = work.and_then(|work| work.assessments.get(&criterion.id));
        CriterionView {
            id: criterion.id.clone(),
            title: criterion.title.clone(),
            outcome: assessment.map(|a| a.outcome),
            reason: assessment.map(|a| a.reason.clone()),
            of_sources: assessment.is_some_and(|a| a.of_sources),
            sources: work
                .and_then(|work| work.by_source.get(&criterion.id))
                .into_iter()
                .flatten()
                .map(|(source, a)| (source.clone(), a.outcome, a.reason.clone()))
                .collect(),
        }
    };
    rules::criteria(&dossier.profile).iter().map(view).collect()
}

/// The clock of a case on `today`.
pub(crate) fn clock(case: &Case, today: Date) -> Option<Clock> {
    clocks::statutory(case, today)
}

/// What is public of a decision: outcome per source with short reasons, permit, validity.
pub(crate) fn public_decision(
    decision: &Decision,
    permit: Option<&protocol::documents::Permit>,
    number: &str,
    issued_on: Date,
) -> Value {
    let parts: Vec<Value> = decision
        .parts
        .iter()
        .map(|part| {
            let removed: Vec<&str> = part.removed.iter().map(|removed| removed.id.as_str()).collect();
            // Reasons in short: the codes. What was written about them may hold what is not public.
            let reasons: std::collections::BTreeSet<&str> = part.removed.iter().map(|r| r.reason.as_str()).collect();
            serde_json::json!({"source": part.source, "outcome": part.outcome, "removed": removed, "reasons": reasons})
        })
        .collect();
    let outcome: Outcome = decision.outcome;
    serde_json::json!({
        "number": number, "issued_on": issued_on, "outcome": outcome, "parts": parts,
        "permit": permit.map(|p| serde_json::json!({"permit_id": p.permit_id, "status": p.status,
            "valid_from": p.valid_from, "valid_to": p.valid_to, "room": p.room.id})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Language;

    #[test]
    fn acc_006_every_event_has_words_in_all_languages() {
        for (event, words) in WORDS.iter() {
            for language in Language::ALL {
                assert!(words.0.contains_key(&language), "{event} lacks {language}");
            }
        }
        assert_eq!(WORDS.len(), 91 + 12);
    }
}
