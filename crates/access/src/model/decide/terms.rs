//! Price and terms: offered, asked about, accepted, declined, taken back.

use std::collections::BTreeMap;

use kernel::{FieldError, workdays};

use super::assess::all_assessed;
use super::{Context, Refusal, needs_text, wrong_state};
use crate::clocks;
use crate::model::decision::MIN_REASON;
use crate::model::{AwaitingAcceptance, Case, Command, Event, Processing, SourceTask, Terms, Work};
use crate::rules;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Processing(at), Command::OfferTerms { without_statement }) => {
            offer_terms(at, without_statement, context)
        }
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
        (Case::AwaitingAcceptance(at), Command::Expire {}) => {
            if context.today <= at.deadline {
                return Err(Refusal::conflict("not_due", format!("the applicant has time until {}", at.deadline)));
            }
            if at.reminders < AwaitingAcceptance::REMINDERS {
                return Err(Refusal::conflict("not_reminded", "the applicant is reminded twice first"));
            }
            Ok(vec![Event::TermsLapsed {}])
        }
        (_, Command::AddTerms { text }) => {
            needs_text("text", text, MIN_REASON)?;
            Ok(vec![Event::TermsAdded { text: text.clone() }])
        }
        (Case::Processing(at), Command::OfferStatistics { sources, reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            let known = at.dossier.order.sources();
            if sources.is_empty() {
                return Err(Refusal::invalid("sources", "required", "name at least one source"));
            }
            match sources.iter().find(|source| !known.contains(&source.as_str())) {
                Some(source) => {
                    Err(Refusal::invalid("sources", "unknown_source", format!("{source} was not applied for")))
                }
                None => Ok(vec![Event::StatisticsOffered { sources: sources.clone(), reason: reason.clone() }]),
            }
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// Every source task is answered, or late after two reminders with a reason to go on without it.
fn without_statements(
    work: &Work,
    reasons: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let (mut events, mut pending, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (source, task) in work.tasks.iter().filter(|(_, task)| !task.is_settled()) {
        match reasons.get(source) {
            Some(reason) if task.is_overdue(context.today) && task.reminders >= SourceTask::REMINDERS => {
                if reason.trim().chars().count() < MIN_REASON {
                    let message = format!("a reason of at least {MIN_REASON} characters is needed");
                    faults.push(FieldError::new(format!("without_statement.{source}"), "reason", message));
                }
                events.push(Event::SourceTaskWaived { source: source.clone(), reason: reason.clone() });
            }
            _ => pending.push(source.as_str()),
        }
    }
    if !pending.is_empty() {
        let remedy = format!(
            "wait for {}; a source that is late after two reminders can be left out with a reason",
            pending.join(", ")
        );
        return Err(Refusal::conflict("sources_pending", remedy));
    }
    if faults.is_empty() { Ok(events) } else { Err(Refusal::Invalid { fields: faults }) }
}

fn offer_terms(
    at: &Processing,
    without_statement: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    all_assessed(&at.dossier, &at.work)?;
    let mut events = without_statements(&at.work, without_statement, context)?;
    let fee = at.work.fee.clone();
    let fee = fee.ok_or_else(|| Refusal::conflict("fee_missing", "estimate the fee first"))?;
    let terms = Terms {
        case: at.dossier.number.clone(),
        revision: at.dossier.revision,
        fee,
        general: rules::GENERAL_TERMS.to_owned(),
        extra: at.dossier.extra_terms.iter().map(|term| term.text.clone()).collect(),
        statistics: at.work.statistics.as_ref().map(|offer| offer.sources.clone()).unwrap_or_default(),
    };
    // Terms hold texts and whole numbers of øre far below 2^53, which always have a canonical form.
    let hash = kernel::canonical_json(&terms).map(|bytes| kernel::sha256_hex(&bytes)).unwrap_or_default();
    let deadline = workdays::add_working_days(context.today, clocks::ACCEPT_TERMS);
    events.push(Event::TermsOffered { terms, hash, deadline });
    Ok(events)
}
