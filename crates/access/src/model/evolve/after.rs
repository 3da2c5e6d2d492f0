//! After the decision: its versions, those of the permit, appeals, reports, the end.

use super::super::{
    After, Case, Closed, Decided, EarlierDecision, Event, Measure, NewDecision, PermitRef, PersonTerms, Recorded,
    Replaced, Report, Standing,
};

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let at = recorded.at;
    Some(match (case, event) {
        (Case::Draft(mut draft), Event::ChangeOpened { link }) => {
            draft.change = Some(link.clone());
            Case::Draft(draft)
        }
        (Case::Draft(draft), Event::ChangeTookEffect { .. }) => Case::Lapsed(draft),
        (Case::Decided(mut decided), Event::PermitVersionIssued { permit_id, sha256, .. }) => {
            let permit = decided.permit.as_mut()?;
            permit.permit_id.clone_from(permit_id);
            permit.sha256.clone_from(sha256);
            Case::Decided(decided)
        }
        (Case::Decided(mut decided), Event::PermitExpired { sha256 }) => {
            let permit = live(&mut decided)?;
            permit.standing = Standing::Expired;
            permit.sha256.clone_from(sha256);
            Case::Decided(decided)
        }
        (Case::Decided(mut decided), Event::PersonTermsAccepted { person, terms, sha256 }) => {
            live(&mut decided)?.sha256.clone_from(sha256);
            let accepted = PersonTerms { account: recorded.actor.clone(), terms: terms.clone(), at };
            decided.after.persons.insert(person.clone(), accepted);
            Case::Decided(decided)
        }
        (Case::Decided(decided), Event::DecisionCorrected { version }) => {
            Case::Decided(replaced(decided, version, Replaced::Corrected, recorded))
        }
        (Case::Decided(decided), Event::DecisionReversed { version, appeal }) => {
            let how = appeal.clone().map_or(Replaced::Reversed, |appeal| Replaced::ByAppeal { appeal });
            Case::Decided(replaced(decided, version, how, recorded))
        }
        (mut case, Event::AppealLodged { appeal }) => {
            after(&mut case)?.appeals.insert(appeal.clone(), "lodged".to_owned());
            case
        }
        (mut case, Event::AppealMoved { appeal, stage }) => {
            after(&mut case)?.appeals.insert(appeal.clone(), stage.clone());
            case
        }
        (mut case, Event::ReportSubmitted { number, report, late }) => {
            after(&mut case)?.reports.push(Report {
                number: *number,
                report: report.clone(),
                by: recorded.actor.clone(),
                at,
                late: *late,
                accepted_at: None,
            });
            case
        }
        (Case::Decided(mut decided), Event::CaseClosed { accepted, .. }) => {
            for report in decided.after.reports.iter_mut().filter(|report| Some(report.number) == *accepted) {
                report.accepted_at = Some(at);
            }
            Case::Closed(Closed { decided, at, by: recorded.actor.clone() })
        }
        (Case::Closed(closed), Event::CaseReopened { .. }) => Case::Decided(closed.decided),
        _ => return None,
    })
}

/// What was done to a permit, with its reason.
pub(super) fn measured(decided: &mut Decided, event: &Event, recorded: &Recorded) {
    let (kind, reason, hearing) = match event {
        Event::PermitHeld { reason, hearing } => ("held", reason, hearing.clone()),
        Event::PermitRevoked { reason, hearing, .. } => ("revoked", reason, hearing.clone()),
        Event::PermitHoldReleased { reason } => ("released", reason, None),
        _ => return,
    };
    decided.after.measures.push(Measure {
        kind: kind.to_owned(),
        reason: reason.clone(),
        hearing,
        by: recorded.actor.clone(),
        at: recorded.at,
    });
}

fn live(decided: &mut Decided) -> Option<&mut PermitRef> {
    decided.permit.as_mut().filter(|permit| matches!(permit.standing, Standing::Live | Standing::Held))
}

fn after(case: &mut Case) -> Option<&mut After> {
    match case {
        Case::Decided(decided) => Some(&mut decided.after),
        Case::Closed(closed) => Some(&mut closed.decided.after),
        _ => None,
    }
}

fn replaced(mut decided: Decided, version: &NewDecision, how: Replaced, recorded: &Recorded) -> Decided {
    let earlier = EarlierDecision {
        number: std::mem::replace(&mut decided.number, version.number.clone()),
        decision: std::mem::replace(&mut decided.decision, version.decision.clone()),
        letter: std::mem::replace(&mut decided.letter, version.letter.clone()),
        replaced: how,
        reason: version.reason.clone(),
        until: recorded.at,
    };
    decided.after.earlier.push(earlier);
    decided.after.notified_at = Some(recorded.at);
    decided.issued_by.clone_from(&recorded.actor);
    decided
}
