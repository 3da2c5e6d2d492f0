//! Proposal, decision, permit.

use super::super::{After, Case, Decided, Event, PermitRef, Processing, Proposal, Recorded, Standing};

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    Some(match (case, event) {
        (Case::Processing(mut processing), Event::DecisionProposed { decision }) => {
            processing.work.proposal = Some(proposal(recorded, processing.dossier.revision, decision));
            Case::Processing(processing)
        }
        (Case::Processing(mut processing), Event::ProposalReturned { .. }) => {
            processing.work.proposal = None;
            Case::Processing(processing)
        }
        (mut case @ (Case::PreScreening(_) | Case::AwaitingInfo(_)), Event::NotCompletedProposed { decision }) => {
            let dossier = case.dossier_mut()?;
            dossier.not_completed = Some(Box::new(proposal(recorded, dossier.revision, decision)));
            case
        }
        (case, Event::DecisionIssued { number, decision, letter }) => {
            let work = case.work().cloned().unwrap_or_default();
            let mut dossier = match case {
                Case::Processing(Processing { dossier, .. }) | Case::PreScreening(dossier) => dossier,
                Case::AwaitingInfo(waiting) => waiting.dossier,
                _ => return None,
            };
            // What a decision that was made void has left goes on under this one.
            let (permit, after) = match dossier.annulled.take() {
                Some(annulled) => (annulled.permit, annulled.after),
                None => (None, After::default()),
            };
            Case::Decided(Decided {
                dossier,
                work,
                number: number.clone(),
                decision: decision.clone(),
                letter: letter.clone(),
                issued_at: recorded.at,
                issued_by: recorded.actor.clone(),
                permit,
                after: After { notified_at: Some(recorded.at), ..after },
            })
        }
        (Case::Decided(decided), Event::PermitIssued { permit_id, series, sha256 }) if decided.permit.is_none() => {
            let permit = Some(PermitRef {
                permit_id: permit_id.clone(),
                series: series.clone(),
                sha256: sha256.clone(),
                standing: Standing::Live,
            });
            Case::Decided(Decided { permit, ..decided })
        }
        (Case::Decided(mut decided), Event::PermitRevoked { sha256, .. }) => {
            super::after::measured(&mut decided, event, recorded);
            with_permit(decided, Standing::Revoked, Some(sha256))?
        }
        (Case::Decided(mut decided), Event::PermitHeld { .. }) => {
            super::after::measured(&mut decided, event, recorded);
            with_permit(decided, Standing::Held, None)?
        }
        (Case::Decided(mut decided), Event::PermitHoldReleased { .. }) => {
            super::after::measured(&mut decided, event, recorded);
            with_permit(decided, Standing::Live, None)?
        }
        _ => return None,
    })
}

fn proposal(recorded: &Recorded, revision: u32, decision: &super::super::Decision) -> Proposal {
    Proposal {
        by: recorded.actor.clone(),
        on_behalf_of: recorded.on_behalf_of.clone(),
        at: recorded.at,
        revision,
        decision: decision.clone(),
    }
}

fn with_permit(mut decided: Decided, standing: Standing, sha256: Option<&String>) -> Option<Case> {
    let permit = decided.permit.as_mut()?;
    if matches!(permit.standing, Standing::Revoked | Standing::Expired) {
        return None;
    }
    permit.standing = standing;
    if let Some(sha256) = sha256 {
        permit.sha256.clone_from(sha256);
    }
    Some(Case::Decided(decided))
}
