//! After the decision: its versions, those of the permit, appeals, reports, the end.

use kernel::Timestamp;

use super::super::{
    After, Annulled, Case, Closed, Decided, EarlierDecision, Event, Measure, NewDecision, PermitRef, PersonTerms,
    Processing, Recorded, Refresh, Replaced, Report, ResultsExtension, Sanction, SanctionEnd, Standing, Work,
};

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let at = recorded.at;
    Some(match (case, event) {
        (Case::Draft(mut draft), Event::ChangeOpened { link }) => {
            draft.change = Some(link.clone());
            Case::Draft(draft)
        }
        (Case::Draft(draft), Event::ChangeTookEffect { .. }) => Case::Lapsed(draft),
        (Case::Decided(mut decided), Event::PermitVersionIssued { permit_id, sha256, resumes, .. }) => {
            let permit = decided.permit.as_mut()?;
            permit.permit_id.clone_from(permit_id);
            permit.sha256.clone_from(sha256);
            // A decision that takes the place of a void one ends the hold.
            if *resumes && permit.standing == Standing::Held {
                permit.standing = Standing::Live;
            }
            Case::Decided(decided)
        }
        (Case::Decided(mut decided), Event::PermitExpired { sha256 }) => {
            let permit = live(&mut decided)?;
            permit.standing = Standing::Expired;
            permit.sha256.clone_from(sha256);
            Case::Decided(decided)
        }
        (Case::Decided(mut decided), Event::RefreshOrdered { number, sources, reason }) => {
            decided.after.refreshes.push(Refresh {
                number: *number,
                sources: sources.clone(),
                reason: reason.clone(),
                by: recorded.actor.clone(),
                at,
            });
            Case::Decided(decided)
        }
        (Case::Decided(decided), Event::DecisionAnnulled { appeal, reason }) => annulled(decided, appeal, reason, at),
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
        (mut case, Event::ResultsExtended { until, reason }) => {
            let longer = ResultsExtension { until: *until, reason: reason.clone(), by: recorded.actor.clone(), at };
            after(&mut case)?.results_longer.push(longer);
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
    // What the parties were told of has come to pass.
    if matches!(event, Event::PermitRevoked { .. }) {
        let open = decided.after.notices.iter_mut().filter(|n| n.is_open() && n.sanction == Sanction::RevokePermit);
        for notice in open {
            let (by, at) = (recorded.actor.clone(), recorded.at);
            notice.ended = Some(SanctionEnd { imposed: true, reason: reason.clone(), by, at });
        }
    }
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

/// The case is to be decided again: what was assessed stays, what was proposed and accepted goes; the decision that is
/// void, its permit and what came after it are kept for the next one.
fn annulled(mut decided: Decided, appeal: &str, reason: &str, at: Timestamp) -> Case {
    decided.after.earlier.push(EarlierDecision {
        number: decided.number,
        decision: decided.decision,
        letter: decided.letter,
        replaced: Replaced::Annulled { appeal: appeal.to_owned() },
        reason: reason.to_owned(),
        until: at,
    });
    let mut dossier = decided.dossier;
    dossier.annulled = Some(Box::new(Annulled { permit: decided.permit, after: decided.after }));
    let work = Work { proposal: None, accepted: None, ..decided.work };
    Case::Processing(Processing { dossier, work })
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
