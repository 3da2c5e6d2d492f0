//! After the decision: correction and reversal, appeals, acceptance of the conditions by each person, reports, the end of
//! the permit, closing and opening again (`access.md` sections 13 and 14).

use kernel::{Date, FieldError, Timestamp};

use super::{Context, Refusal, needs_text, wrong_state};
use crate::appeal::{self, AppealForm, MIN_LATE, MIN_WANTED};
use crate::clocks;
use crate::model::decision::MIN_REASON;
use crate::model::{
    Before, Case, Command, Decided, Decision, Event, NewDecision, PermitRef, ProposalInput, ReportInput, ReportKind,
    Standing,
};
use crate::rules;

/// Hours in which an incident is reported (ACC-171).
const INCIDENT_HOURS: i64 = 24;
/// Shortest summary of a report.
const MIN_SUMMARY: usize = 50;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Decided(at), Command::CorrectDecision { reason, proposal }) => {
            let version = replacement(at, reason, proposal, context)?;
            if version.decision.outcome != at.decision.outcome {
                let remedy = "a correction puts an obvious fault right; another outcome is a reversal";
                return Err(Refusal::conflict("not_a_correction", remedy));
            }
            let event = Event::DecisionCorrected { version: Box::new(version) };
            Ok(std::iter::once(event).chain(new_permit(at, context)).collect())
        }
        (Case::Decided(at), Command::ReverseDecision { reason, proposal }) => {
            let version = replacement(at, reason, proposal, context)?;
            let event = Event::DecisionReversed { version: Box::new(version), appeal: None };
            Ok(std::iter::once(event).chain(new_permit(at, context)).collect())
        }
        (Case::Decided(at), Command::LodgeAppeal(form)) => {
            lodge(at, form, context)?;
            let number = context.appeal.ok_or_else(|| Refusal::conflict("not_prepared", "the appeal has no number"))?;
            Ok(vec![Event::AppealLodged { appeal: number.to_owned() }])
        }
        (Case::Decided(at), Command::ConfirmOwnAccess { accept, .. }) => {
            live(at)?;
            if !accept {
                let message = "the conditions are accepted to get access";
                return Err(Refusal::invalid("accept", "required", message));
            }
            let (person, sha256) =
                context.person.ok_or_else(|| Refusal::conflict("not_prepared", "the person is not known"))?;
            let terms = rules::GENERAL_TERMS.to_owned();
            Ok(vec![Event::PersonTermsAccepted { person: person.clone(), terms, sha256: sha256.clone() }])
        }
        (Case::Decided(_), Command::SubmitReport(report)) => report_in(case, report, context.now),
        (Case::Closed(_), Command::SubmitReport(report)) => report_in(case, report, context.now),
        (Case::Decided(at), Command::ExtendResults { until, reason }) => results_longer(at, *until, reason, context),
        (Case::Closed(at), Command::ExtendResults { until, reason }) => {
            results_longer(&at.decided, *until, reason, context)
        }
        (Case::Decided(at), Command::CloseCase { reason, accept_report }) => {
            needs_text("reason", reason, MIN_REASON)?;
            can_close(at, *accept_report, context)?;
            Ok(vec![Event::CaseClosed { reason: reason.clone(), accepted: *accept_report }])
        }
        (Case::Closed(_), Command::ReopenCase { reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::CaseReopened { reason: reason.clone() }])
        }
        (Case::Decided(at), Command::Expire {}) => {
            match at.permit.as_ref().map(|permit| permit.standing) {
                Some(Standing::Live | Standing::Held) => {}
                Some(_) => return Err(Refusal::conflict("permit_standing", "the permit is over already")),
                None => return Err(Refusal::conflict("no_permit", "the decision gave no permit")),
            }
            let sha256 = context.prepared.and_then(|p| p.permit.as_ref()).map(|(_, _, sha256)| sha256.clone());
            let sha256 =
                sha256.ok_or_else(|| Refusal::conflict("not_due", "the permit has not passed its last day"))?;
            Ok(vec![Event::PermitExpired { sha256 }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// The new decision that `proposal` means in a decided case.
///
/// # Errors
/// Every fault of the proposal; `linked_case` for a change, whose decision is changed by another change.
pub(crate) fn revised(at: &Decided, proposal: &ProposalInput) -> Result<Decision, Refusal> {
    if at.dossier.change.is_some() {
        let remedy = "a change that was decided is changed by another change";
        return Err(Refusal::conflict("linked_case", remedy));
    }
    let statistics = at.work.accepted.as_ref().map(|accepted| accepted.statistics.clone()).unwrap_or_default();
    let before = Before { conditions: Vec::new(), statistics };
    let decision = Decision::build(&at.dossier.order, proposal, &before);
    let decision = decision.map_err(|fields| Refusal::Invalid { fields })?;
    // Nobody gets a permit at a price that was not accepted (ACC-152).
    if decision.grants() && at.work.accepted.is_none() {
        let remedy = "nothing was granted before, so no terms were accepted; let the decision be annulled and returned";
        return Err(Refusal::conflict("terms_not_accepted", remedy));
    }
    let over = |p: &PermitRef| matches!(p.standing, Standing::Revoked | Standing::Expired);
    if decision.grants() && at.permit.as_ref().is_some_and(over) {
        return Err(Refusal::conflict("permit_standing", "the permit is over; apply anew"));
    }
    if !decision.grants() && at.permit.as_ref().is_some_and(|p| matches!(p.standing, Standing::Live | Standing::Held)) {
        return Err(Refusal::conflict("permit_live", "take the permit back first"));
    }
    Ok(decision)
}

fn replacement(
    at: &Decided,
    reason: &str,
    proposal: &ProposalInput,
    context: &Context<'_>,
) -> Result<NewDecision, Refusal> {
    needs_text("reason", reason, MIN_REASON)?;
    let proposer = at.work.proposal.as_ref().map(|proposal| proposal.by.as_str());
    if proposer == Some(context.actor) || (proposer.is_some() && proposer == context.on_behalf_of) {
        return Err(Refusal::Forbidden { code: "same_person" });
    }
    let decision = revised(at, proposal)?;
    let prepared =
        context.prepared.ok_or_else(|| Refusal::conflict("not_prepared", "the letter is not rendered and signed"))?;
    if prepared.permit.is_some() != decision.grants() {
        return Err(Refusal::conflict("not_prepared", "the permit does not fit the decision"));
    }
    let (number, letter) = (prepared.number.clone(), prepared.letter.clone());
    Ok(NewDecision { number, decision, letter, reason: reason.to_owned() })
}

/// The permit that goes with a new decision: a new version, or the first one.
fn new_permit(at: &Decided, context: &Context<'_>) -> Option<Event> {
    let prepared = context.prepared?;
    let (permit_id, series, sha256) = prepared.permit.clone()?;
    Some(match &at.permit {
        None => Event::PermitIssued { permit_id, series, sha256 },
        Some(_) => Event::PermitVersionIssued {
            permit_id,
            sha256,
            decision: Some(prepared.number.clone()),
            paths: Vec::new(),
            resumes: false,
        },
    })
}

fn live(at: &Decided) -> Result<(), Refusal> {
    match at.permit.as_ref().map(|permit| permit.standing) {
        Some(Standing::Live | Standing::Held) => Ok(()),
        Some(_) => Err(Refusal::conflict("permit_standing", "the permit is over")),
        None => Err(Refusal::conflict("no_permit", "the decision gave no permit")),
    }
}

/// What the form of an appeal must say (`access.md` section 7).
fn lodge(at: &Decided, form: &AppealForm, context: &Context<'_>) -> Result<(), Refusal> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, rule: &str, message: String| faults.push(FieldError::new(field, rule, message));
    if form.parts.is_empty() {
        fault("kla.parts", "required", "say which parts you appeal against".into());
    }
    for part in &form.parts {
        let known = at.decision.parts.iter().find(|known| known.source == *part);
        let refused = known.is_some_and(|part| {
            !matches!(part.outcome, protocol::documents::SourceOutcome::Granted) || !part.removed.is_empty()
        });
        match known {
            None if part != appeal::CONDITIONS => {
                fault("kla.parts", "unknown_part", format!("the decision has no part {part}"));
            }
            // Under the EHDS granted parts and their conditions are not appealed against.
            _ if at.dossier.profile.starts_with("EHDS") && !refused => {
                fault("kla.parts", "not_appealable", format!("{part} was granted"));
            }
            _ => {}
        }
    }
    if form.wanted.trim().chars().count() < MIN_WANTED {
        fault("kla.wanted", "required", format!("write at least {MIN_WANTED} characters"));
    }
    let limit = appeal::limit(at.after.notified_at.unwrap_or(at.issued_at).date_in_oslo());
    if context.today > limit && form.late_why.trim().chars().count() < MIN_LATE {
        let message = format!("the last day was {limit}; say why the appeal is late");
        fault("kla.late_why", "late", message);
    }
    if !form.signed {
        fault("kla.sign", "required", "sign the appeal".into());
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid { fields: faults });
    }
    let open = at.after.appeals.iter().find(|(_, stage)| !is_over(stage));
    if let Some((number, _)) = open {
        return Err(Refusal::conflict("appeal_open", format!("the appeal {number} is being dealt with")));
    }
    Ok(())
}

fn is_over(stage: &str) -> bool {
    matches!(stage, "dismissed" | "reversed" | "decided_by_appeal_body" | "withdrawn")
}

/// More time for the results, with a reason (`access.md` section 9.3).
fn results_longer(at: &Decided, until: Date, reason: &str, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    super::own_permit(at)?;
    needs_text("reason", reason, MIN_REASON)?;
    if at.after.reports.iter().any(|report| report.report.kind == ReportKind::Results) {
        return Err(Refusal::conflict("results_came", "the results were registered already"));
    }
    let due = context.permit_ends.map(|ends| clocks::results_due(at, ends));
    let after = due.unwrap_or(context.today).max(context.today);
    if until <= after {
        return Err(Refusal::invalid("until", "range", format!("a day after {after}")));
    }
    Ok(vec![Event::ResultsExtended { until, reason: reason.to_owned() }])
}

fn report_in(case: &Case, report: &ReportInput, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let mut faults = Vec::new();
    if report.summary.trim().chars().count() < MIN_SUMMARY {
        let message = format!("write at least {MIN_SUMMARY} characters");
        faults.push(FieldError::new("summary", "required", message));
    }
    for link in &report.links {
        if !link.starts_with("https://") && !link.starts_with("http://") {
            faults.push(FieldError::new("links", "address", format!("{link} is no address")));
        }
    }
    const COUNTED: [&str; 4] = ["publications", "policy_documents", "regulatory_procedures", "products"];
    for kind in report.counts.keys().filter(|kind| !COUNTED.contains(&kind.as_str())) {
        faults.push(FieldError::new("counts", "unknown", format!("{kind}: counted are {}", COUNTED.join(", "))));
    }
    if report.kind == ReportKind::Incident && report.happened_at.is_none() {
        faults.push(FieldError::new("happened_at", "required", "say when it happened"));
    }
    if report.happened_at.is_some_and(|at| at > now) {
        faults.push(FieldError::new("happened_at", "range", "it has not happened yet"));
    }
    let receipt = report.deletion_receipt.as_deref();
    if report.kind == ReportKind::CloseOut && !receipt.is_some_and(is_digest) {
        faults.push(FieldError::new(
            "deletion_receipt",
            "required",
            "give the digest of the room's receipt of deletion",
        ));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid { fields: faults });
    }
    let number = case.decided().map_or(0, |at| at.after.reports.len() as u32) + 1;
    let late = report.happened_at.is_some_and(|at| now.micros() - at.micros() > INCIDENT_HOURS * 3_600 * 1_000_000);
    Ok(vec![Event::ReportSubmitted { number, report: report.clone(), late }])
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// ACC-172 and section 8.2: the permit is over and the close-out accepted, or all parts are refused and the time for an
/// appeal is over.
/// ACC-172: what was to be paid is paid.
fn fee_settled(at: &Decided) -> Result<(), Refusal> {
    let billing = &at.dossier.billing;
    let free = at.work.fee.as_ref().is_none_or(|fee| fee.max_ore == 0) || billing.fee_set() == Some(0);
    if free && billing.open_dispute().is_none() || billing.is_settled() {
        return Ok(());
    }
    let remedy = match (billing.invoices.is_empty(), billing.open_dispute()) {
        (_, Some(_)) => "decide the dispute about the fee first",
        (true, None) => "send the invoice first",
        (false, None) => "an invoice is not paid",
    };
    Err(Refusal::conflict("fee_open", remedy))
}

fn can_close(at: &Decided, accept: Option<u32>, context: &Context<'_>) -> Result<(), Refusal> {
    if let Some((number, _)) = at.after.appeals.iter().find(|(_, stage)| !is_over(stage)) {
        return Err(Refusal::conflict("appeal_open", format!("the appeal {number} is being dealt with")));
    }
    let report = accept.map(|number| at.after.reports.iter().find(|report| report.number == number));
    match report {
        Some(None) => return Err(Refusal::invalid("accept_report", "unknown_report", "there is no such report")),
        Some(Some(report)) if report.report.kind != ReportKind::CloseOut => {
            return Err(Refusal::invalid("accept_report", "kind", "that is no close-out report"));
        }
        _ => {}
    }
    // A change has no permit of its own to end.
    if at.dossier.change.is_some() {
        return Ok(());
    }
    match &at.permit {
        None => {
            let limit = appeal::limit(at.after.notified_at.unwrap_or(at.issued_at).date_in_oslo());
            if context.today <= limit {
                return Err(Refusal::conflict("appeal_time_runs", format!("it can be appealed against until {limit}")));
            }
            Ok(())
        }
        Some(permit) if matches!(permit.standing, Standing::Live | Standing::Held) => {
            Err(Refusal::conflict("permit_live", "the permit has not ended"))
        }
        Some(_) => {
            let accepted =
                at.after.reports.iter().any(|r| r.report.kind == ReportKind::CloseOut && r.accepted_at.is_some());
            if accepted || accept.is_some() {
                return fee_settled(at);
            }
            Err(Refusal::conflict(
                "report_missing",
                "accept the close-out report, which confirms that the data are deleted",
            ))
        }
    }
}
