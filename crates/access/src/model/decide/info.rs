//! Asking the applicant about fields, and the answers (`access.md` section 8.2, ACC-121).

use std::collections::BTreeSet;

use kernel::{Date, FieldError, workdays};

use super::draft::submission;
use super::{Context, Refusal, dossier, needs_text, wrong_state};
use crate::clocks;
use crate::letter::request_template;
use crate::model::decision::MIN_REASON;
use crate::model::{Answer, AwaitingInfo, Case, Command, CommentStatus, Event, FieldComment, InfoKind, Question};
use crate::rules;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::PreScreening(_) | Case::Processing(_), Command::RequestInfo { .. }) => request(case, command, context),
        (Case::AwaitingInfo(waiting), Command::SaveFlaggedFields { fields }) => {
            match fields.keys().find(|field| !waiting.fields.contains(*field)) {
                Some(field) => {
                    Err(Refusal::invalid(field, "not_flagged", "only the fields asked about can be changed"))
                }
                None => Ok(vec![Event::InfoDraftSaved {}]),
            }
        }
        (Case::AwaitingInfo(waiting), Command::ExtendAnswer { reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            if waiting.dossier.requests.last().is_some_and(|request| request.extended) {
                return Err(Refusal::conflict("already_extended", "the applicant got more time already"));
            }
            let from = waiting.deadline.max(context.today);
            let deadline = workdays::add_weeks(from, clocks::ANSWER_WEEKS);
            Ok(vec![Event::InfoDeadlineExtended { deadline, reason: reason.clone() }])
        }
        (Case::AwaitingInfo(waiting), Command::SendInfo { answers }) => send_info(waiting, answers, context),
        (Case::AwaitingInfo(_), Command::CancelInfoRequest {}) => Ok(vec![Event::InfoRequestCancelled {}]),
        _ => Err(wrong_state(case, command)),
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
        change: submission.change.clone(),
    }])
}

/// The question with the version of its template (ACC-005).
fn stamped(question: &Question, today: Date) -> Question {
    let template = question.template.as_deref().and_then(|id| request_template(id, today));
    Question { template: template.map(|found| format!("{}/{}", found.id, found.version)), ..question.clone() }
}

fn request(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Command::RequestInfo { kind, questions, deadline, accepts, on_behalf_of } = command else {
        return Err(wrong_state(case, command));
    };
    let dossier = dossier(case, command)?;
    // ACC-121: once the application was confirmed as complete, the statutory clock may be reset once more, and only with
    // the decision maker's consent.
    if *kind == InfoKind::Completeness && dossier.complete_at.is_some() {
        if dossier.confirmed_again {
            let remedy =
                "the applicant was asked to complete the application once more already; ask for a clarification";
            return Err(Refusal::conflict("already_complete", remedy));
        }
        if dossier.completeness_consent.is_none() {
            let remedy = "the application was confirmed as complete: the decision maker consents first, in a remark";
            return Err(Refusal::conflict("consent_missing", remedy));
        }
    }
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
        if question.template.as_deref().is_some_and(|id| request_template(id, context.today).is_none()) {
            fields.push(FieldError::new(&question.field, "unknown_template", "no template of this id is in force"));
        }
    }
    for field in accepts {
        let answered = |c: &FieldComment| c.field == *field && c.status == CommentStatus::Answered;
        if !dossier.comments.iter().any(answered) || seen.contains(field) {
            fields.push(FieldError::new(
                field,
                "accepts",
                "only answers that are not asked about again can be accepted",
            ));
        }
    }
    if let Some(source) = on_behalf_of
        && !dossier.order.sources().contains(&source.as_str())
    {
        fields.push(FieldError::new("on_behalf_of", "unknown_source", format!("{source} was not applied for")));
    }
    let deadline = deadline.unwrap_or_else(|| workdays::add_weeks(context.today, clocks::ANSWER_WEEKS));
    if deadline <= context.today {
        fields.push(FieldError::new("deadline", "range", "the last day for the answer lies ahead"));
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    Ok(vec![Event::InfoRequested {
        kind: *kind,
        questions: questions.iter().map(|question| stamped(question, context.today)).collect(),
        deadline,
        accepts: accepts.clone(),
        on_behalf_of: on_behalf_of.clone(),
    }])
}
