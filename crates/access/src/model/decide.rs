//! From a command to events, or to the reason why not. Pure: time, the checked content and a prepared decision come in
//! through [`Context`]. Who may ask for what was settled before, by the permission table (ACC-081).

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, FieldError, Timestamp, workdays};

use super::decision::MIN_REASON;
use super::{
    Answer, AssessmentInput, AwaitingAcceptance, AwaitingInfo, Case, Command, Decided, Decision, Dossier, Event,
    InfoKind, LetterRef, Order, Processing, Question, Standing, Terms, Work,
};
use crate::clocks;
use crate::fees::{self, Hours};
use crate::rules;

/// What the outside world adds to a command.
pub struct Context<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The present date in Oslo.
    pub today: Date,
    /// Account of the actor.
    pub actor: &'a str,
    /// The content being handed in, for `submit` and `send_info`.
    pub submission: Option<&'a Submission>,
    /// The decision made ready to issue, for `issue_decision` and `revoke_permit`.
    pub prepared: Option<&'a Prepared>,
}

/// Content that was checked and frozen.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Number for the case, for `submit`.
    pub number: String,
    /// SHA-256 over the canonical content.
    pub sha256: String,
    /// What is applied for.
    pub order: Order,
    /// Checks that stop it.
    pub blocks: Vec<FieldError>,
    /// Whether a check warns.
    pub warns: bool,
    /// The fields whose values differ from the revision before.
    pub changed: BTreeSet<String>,
}

/// A decision with its letter and permit, rendered and signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Number of the decision.
    pub number: String,
    /// The letter.
    pub letter: LetterRef,
    /// Permit id, series, digest of the payload; none when nothing is granted.
    pub permit: Option<(String, String, String)>,
}

/// Why a command gives no events.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Somebody else must do it.
    #[error("not allowed: {code}")]
    Forbidden {
        /// Stable code, e.g. `same_person`.
        code: &'static str,
    },
    /// The case is not at that point.
    #[error("conflict: {code}")]
    Conflict {
        /// Stable code, e.g. `wrong_state`, `not_all_assessed`.
        code: &'static str,
        /// What to do.
        remedy: String,
    },
    /// The input has faults.
    #[error("invalid input")]
    Invalid {
        /// Every fault.
        fields: Vec<FieldError>,
    },
}

impl Refusal {
    fn conflict(code: &'static str, remedy: impl Into<String>) -> Self {
        Refusal::Conflict { code, remedy: remedy.into() }
    }

    fn invalid(field: impl Into<String>, rule: &str, message: impl Into<String>) -> Self {
        Refusal::Invalid { fields: vec![FieldError::new(field, rule, message)] }
    }
}

/// The longest free text of a command.
const MAX_TEXT: usize = 5_000;
/// `draft_saved` is written at most once in this time (ACC-024).
const DRAFT_SAVED_EVERY: i64 = 10 * 60 * 1_000_000;

/// The events that `command` gives in `case`.
///
/// # Errors
/// [`Refusal`]; nothing has happened then (ACC-100).
pub fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    for (place, text) in command.texts() {
        if text.chars().count() > MAX_TEXT {
            return Err(Refusal::invalid(place, "length", format!("at most {MAX_TEXT} characters")));
        }
    }
    match (case, command) {
        (Case::Draft(draft), Command::SaveDraft { .. }) => {
            let recent = draft.saved_at.is_some_and(|at| context.now.micros() - at.micros() < DRAFT_SAVED_EVERY);
            Ok(if recent { Vec::new() } else { vec![Event::DraftSaved {}] })
        }
        (Case::Draft(_), Command::EditCart { items }) => Ok(vec![Event::CartChanged { items: items.len() as u32 }]),
        (Case::Draft(_), Command::DeleteDraft {}) => Ok(vec![Event::DraftDeleted {}]),
        (Case::Draft(_), Command::Submit {}) => submit(context),
        (Case::AwaitingInfo(waiting), Command::SaveFlaggedFields { fields }) => {
            match fields.keys().find(|field| !waiting.fields.contains(*field)) {
                Some(field) => {
                    Err(Refusal::invalid(field, "not_flagged", "only the fields asked about can be changed"))
                }
                None => Ok(vec![Event::InfoDraftSaved {}]),
            }
        }
        (Case::AwaitingInfo(waiting), Command::SendInfo { answers }) => send_info(waiting, answers, context),
        (Case::AwaitingInfo(_), Command::CancelInfoRequest {}) => Ok(vec![Event::InfoRequestCancelled {}]),
        (
            Case::Submitted(_)
            | Case::PreScreening(_)
            | Case::Processing(_)
            | Case::AwaitingInfo(_)
            | Case::AwaitingAcceptance(_),
            Command::Withdraw { reason },
        ) => Ok(vec![Event::Withdrawn { reason: reason.clone() }]),
        (
            Case::Submitted(_)
            | Case::PreScreening(_)
            | Case::Processing(_)
            | Case::AwaitingInfo(_)
            | Case::AwaitingAcceptance(_)
            | Case::Decided(_),
            Command::AssignCase { handler },
        ) => {
            let handler = handler.clone().unwrap_or_else(|| context.actor.to_owned());
            Ok(vec![Event::CaseAssigned { handler }])
        }
        (Case::Submitted(_), Command::StartScreening {}) => Ok(vec![Event::ScreeningStarted { automatic: false }]),
        (Case::PreScreening(dossier), Command::ConfirmComplete {}) => {
            let complete_at = dossier.completed_by.unwrap_or(dossier.submitted_at);
            Ok(vec![Event::CompletenessConfirmed { complete_at }])
        }
        (Case::PreScreening(_), Command::RequestInfo { kind, questions, deadline }) => {
            request_info(*kind, questions, *deadline, context)
        }
        (Case::Processing(_), Command::RequestInfo { kind, questions, deadline }) => {
            // ACC-121: after confirm_complete a completeness request needs the decision maker's consent.
            if *kind == InfoKind::Completeness {
                let remedy = "the application was confirmed as complete; ask for a clarification";
                return Err(Refusal::conflict("already_complete", remedy));
            }
            request_info(*kind, questions, *deadline, context)
        }
        (Case::Processing(at), Command::AssessCriterion { assessments }) => assess(&at.dossier, assessments),
        (Case::AwaitingInfo(at), Command::AssessCriterion { assessments }) if case.work().is_some() => {
            assess(&at.dossier, assessments)
        }
        (
            Case::Processing(Processing { dossier, .. }) | Case::AwaitingAcceptance(AwaitingAcceptance { dossier, .. }),
            Command::CalculateFee { case_hours, source_hours, preparation_hours },
        ) => calculate_fee(dossier, *case_hours, source_hours, *preparation_hours),
        (Case::Processing(at), Command::OfferTerms {}) => offer_terms(at, context),
        (Case::AwaitingAcceptance(at), Command::AcceptTerms { terms_hash }) => {
            if *terms_hash != at.hash {
                return Err(Refusal::conflict("terms_changed", "read the terms as they are now and accept those"));
            }
            Ok(vec![Event::TermsAccepted { hash: at.hash.clone() }])
        }
        (Case::AwaitingAcceptance(_), Command::DeclineTerms { reason }) => {
            Ok(vec![Event::TermsDeclined { reason: reason.clone() }])
        }
        (Case::AwaitingAcceptance(_), Command::QueryTerms { question }) => {
            needs_text("question", question, 5)?;
            Ok(vec![Event::TermsQueried { question: question.clone() }])
        }
        (Case::AwaitingAcceptance(_), Command::WithdrawTerms { reason }) => {
            needs_text("reason", reason, 5)?;
            Ok(vec![Event::TermsWithdrawn { reason: reason.clone() }])
        }
        (Case::Processing(at), Command::ProposeDecision(input)) => {
            all_assessed(&at.dossier, &at.work)?;
            let decision = Decision::build(&at.dossier.order, input).map_err(|fields| Refusal::Invalid { fields })?;
            Ok(vec![Event::DecisionProposed { decision }])
        }
        (Case::Processing(at), Command::ReturnProposal { reason }) => {
            if at.work.proposal.is_none() {
                return Err(Refusal::conflict("no_proposal", "there is no proposal to send back"));
            }
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::ProposalReturned { reason: reason.clone() }])
        }
        (Case::Processing(at), Command::IssueDecision {}) => issue(at, context),
        (Case::Decided(at), Command::RevokePermit { reason }) => {
            standing(at, &[Standing::Live, Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            let sha256 = context.prepared.and_then(|p| p.permit.as_ref()).map(|(_, _, sha256)| sha256.clone());
            let sha256 = sha256.ok_or_else(|| Refusal::conflict("not_prepared", "the revoked permit is not signed"))?;
            Ok(vec![Event::PermitRevoked { reason: reason.clone(), sha256 }])
        }
        (Case::Decided(at), Command::HoldPermit { reason }) => {
            standing(at, &[Standing::Live])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::PermitHeld { reason: reason.clone() }])
        }
        (Case::Decided(at), Command::ReleaseHold { reason }) => {
            standing(at, &[Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::PermitHoldReleased { reason: reason.clone() }])
        }
        _ => Err(Refusal::conflict(
            "wrong_state",
            format!("{} cannot be done in the state {}", command.name().slug(), case.name().slug()),
        )),
    }
}

fn submit(context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let submission = submission(context)?;
    let mut events = vec![Event::Submitted {
        number: submission.number.clone(),
        sha256: submission.sha256.clone(),
        order: submission.order.clone(),
    }];
    // Section 8.2: automatic when no blocking or warning check is open.
    if !submission.warns {
        events.push(Event::ScreeningStarted { automatic: true });
    }
    Ok(events)
}

fn submission<'a>(context: &Context<'a>) -> Result<&'a Submission, Refusal> {
    let submission =
        context.submission.ok_or_else(|| Refusal::conflict("not_checked", "the content was not checked"))?;
    if submission.blocks.is_empty() {
        Ok(submission)
    } else {
        Err(Refusal::Invalid { fields: submission.blocks.clone() })
    }
}

fn send_info(waiting: &AwaitingInfo, answers: &[Answer], context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let submission = submission(context)?;
    let mut fields = Vec::new();
    for field in &waiting.fields {
        let answered = answers.iter().any(|a| a.field == *field && !a.answer.trim().is_empty());
        if !answered && !submission.changed.contains(field) {
            fields.push(FieldError::new(field, "not_answered", "answer the question or change the field"));
        }
    }
    for answer in answers.iter().filter(|a| !waiting.fields.contains(&a.field)) {
        fields.push(FieldError::new(&answer.field, "not_flagged", "nothing was asked about this field"));
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    Ok(vec![Event::InfoReceived {
        answers: answers.to_vec(),
        revision: waiting.dossier.revision + 1,
        sha256: submission.sha256.clone(),
        order: submission.order.clone(),
    }])
}

fn request_info(
    kind: InfoKind,
    questions: &[Question],
    deadline: Option<Date>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let mut fields = Vec::new();
    if questions.is_empty() {
        fields.push(FieldError::new("questions", "required", "ask about at least one field"));
    }
    let mut seen = BTreeSet::new();
    for question in questions {
        if !rules::is_field(&question.field) {
            fields.push(FieldError::new(&question.field, "unknown_field", "the form has no such field"));
        }
        if !seen.insert(&question.field) {
            fields.push(FieldError::new(&question.field, "twice", "one question for each field"));
        }
        if question.question.trim().chars().count() < 5 {
            fields.push(FieldError::new(&question.field, "required", "write the question"));
        }
    }
    let deadline = deadline.unwrap_or_else(|| workdays::add_weeks(context.today, clocks::ANSWER_WEEKS));
    if deadline <= context.today {
        fields.push(FieldError::new("deadline", "range", "the last day for the answer lies ahead"));
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    Ok(vec![Event::InfoRequested { kind, questions: questions.to_vec(), deadline }])
}

fn assess(dossier: &Dossier, assessments: &[AssessmentInput]) -> Result<Vec<Event>, Refusal> {
    let known = rules::criteria(&dossier.profile);
    let mut fields = Vec::new();
    if assessments.is_empty() {
        fields.push(FieldError::new("assessments", "required", "assess at least one criterion"));
    }
    for assessment in assessments {
        let place = format!("assessments.{}", assessment.criterion);
        if !known.iter().any(|criterion| criterion.id == assessment.criterion) {
            fields.push(FieldError::new(&place, "unknown_criterion", "the profile has no such criterion"));
        }
        if assessment.reason.trim().chars().count() < MIN_REASON {
            let message = format!("a reason of at least {MIN_REASON} characters is needed");
            fields.push(FieldError::new(&place, "reason", message));
        }
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    let event = |a: &AssessmentInput| Event::CriterionAssessed {
        criterion: a.criterion.clone(),
        outcome: a.outcome,
        reason: a.reason.clone(),
    };
    Ok(assessments.iter().map(event).collect())
}

/// The criteria of the case that are not assessed yet.
pub fn missing_criteria(dossier: &Dossier, work: &Work) -> Vec<String> {
    let open = |id: &String| !work.assessments.contains_key(id);
    rules::criteria(&dossier.profile).iter().map(|c| c.id.clone()).filter(open).collect()
}

fn all_assessed(dossier: &Dossier, work: &Work) -> Result<(), Refusal> {
    let missing = missing_criteria(dossier, work);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::conflict("not_all_assessed", format!("assess {} first", missing.join(", "))))
}

fn calculate_fee(
    dossier: &Dossier,
    case_hours: Option<f64>,
    source_hours: &BTreeMap<String, f64>,
    preparation_hours: Option<f64>,
) -> Result<Vec<Event>, Refusal> {
    let sources = dossier.order.sources();
    let mut fields = Vec::new();
    let mut hundredths = |place: &str, given: Option<f64>, usual: i64| match given {
        None => usual,
        Some(hours) if (0.0..=10_000.0).contains(&hours) => (hours * 100.0).round() as i64,
        Some(_) => {
            fields.push(FieldError::new(place, "range", "between 0 and 10 000 hours"));
            0
        }
    };
    let of_source = |source: &&str| {
        let variables = dossier.order.items.iter().filter(|item| item.source == **source).count() as i64;
        fees::usual_source_hours(variables)
    };
    let hours = Hours {
        case: hundredths("case_hours", case_hours, fees::USUAL_CASE_HOURS),
        sources: sources
            .iter()
            .map(|s| ((*s).to_owned(), hundredths("source_hours", source_hours.get(*s).copied(), of_source(s))))
            .collect(),
        preparation: hundredths(
            "preparation_hours",
            preparation_hours,
            fees::usual_preparation_hours(sources.len() as i64),
        ),
    };
    for source in source_hours.keys().filter(|source| !sources.contains(&source.as_str())) {
        fields.push(FieldError::new("source_hours", "unknown_source", format!("{source} was not applied for")));
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    Ok(vec![Event::FeeEstimated { fee: fees::estimate(&hours) }])
}

fn offer_terms(at: &Processing, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    all_assessed(&at.dossier, &at.work)?;
    let fee = at.work.fee.clone();
    let fee = fee.ok_or_else(|| Refusal::conflict("fee_missing", "estimate the fee first"))?;
    let terms = Terms {
        case: at.dossier.number.clone(),
        revision: at.dossier.revision,
        fee,
        general: rules::GENERAL_TERMS.to_owned(),
    };
    // Terms hold texts and whole numbers of øre far below 2^53, which always have a canonical form.
    let hash = kernel::canonical_json(&terms).map(|bytes| kernel::sha256_hex(&bytes)).unwrap_or_default();
    let deadline = workdays::add_working_days(context.today, clocks::ACCEPT_TERMS);
    Ok(vec![Event::TermsOffered { terms, hash, deadline }])
}

/// Whether the decision can be issued by `actor`: what must hold before letter and permit are made.
///
/// # Errors
/// `no_proposal`, `proposal_outdated`, `same_person` (ACC-010), `terms_not_accepted`, or the state is another.
pub fn can_issue<'a>(case: &'a Case, actor: &str) -> Result<&'a super::Proposal, Refusal> {
    let Case::Processing(at) = case else {
        return Err(Refusal::conflict("wrong_state", "a decision is issued while the case is processed"));
    };
    let proposal = at.work.proposal.as_ref();
    let proposal =
        proposal.ok_or_else(|| Refusal::conflict("no_proposal", "a case handler proposes the decision first"))?;
    if proposal.by == actor {
        return Err(Refusal::Forbidden { code: "same_person" });
    }
    if proposal.revision != at.dossier.revision {
        return Err(Refusal::conflict("proposal_outdated", "the application has changed since; propose anew"));
    }
    if proposal.decision.grants() && at.work.accepted.is_none() {
        return Err(Refusal::conflict("terms_not_accepted", "offer the terms and wait for the applicant to accept"));
    }
    Ok(proposal)
}

fn issue(at: &Processing, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let case = Case::Processing(at.clone());
    let proposal = can_issue(&case, context.actor)?;
    let prepared =
        context.prepared.ok_or_else(|| Refusal::conflict("not_prepared", "the letter is not rendered and signed"))?;
    if prepared.permit.is_some() != proposal.decision.grants() {
        return Err(Refusal::conflict("not_prepared", "the permit does not fit the decision"));
    }
    let mut events = vec![Event::DecisionIssued {
        number: prepared.number.clone(),
        decision: proposal.decision.clone(),
        letter: prepared.letter.clone(),
    }];
    events.extend(prepared.permit.as_ref().map(|(permit_id, series, sha256)| Event::PermitIssued {
        permit_id: permit_id.clone(),
        series: series.clone(),
        sha256: sha256.clone(),
    }));
    Ok(events)
}

fn standing(at: &Decided, wanted: &[Standing]) -> Result<(), Refusal> {
    match &at.permit {
        Some(permit) if wanted.contains(&permit.standing) => Ok(()),
        Some(_) => Err(Refusal::conflict("permit_standing", "the permit's state does not allow this")),
        None => Err(Refusal::conflict("no_permit", "the decision gave no permit")),
    }
}

fn needs_text(field: &str, text: &str, least: usize) -> Result<(), Refusal> {
    if text.trim().chars().count() >= least {
        return Ok(());
    }
    Err(Refusal::invalid(field, "required", format!("write at least {least} characters")))
}
