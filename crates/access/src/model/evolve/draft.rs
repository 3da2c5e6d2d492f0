//! The applicant's own steps.

use super::super::{Case, Dossier, Draft, Event, Recorded, Withdrawn};

pub(super) fn created(recorded: &Recorded, form: &str, profile: &str) -> Case {
    Case::Draft(Draft {
        applicant: recorded.actor.clone(),
        created_at: recorded.at,
        form: form.to_owned(),
        profile: profile.to_owned(),
        saved_at: None,
        lapsed_at: None,
        change: None,
        folder: Default::default(),
    })
}

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let at = recorded.at;
    Some(match (case, event) {
        (Case::Draft(draft), Event::DraftSaved {}) => Case::Draft(Draft { saved_at: Some(at), ..draft }),
        (Case::Draft(draft), Event::CartChanged { .. }) => Case::Draft(draft),
        (Case::Draft(draft), Event::DraftDeleted {}) => Case::Lapsed(draft),
        (Case::Draft(draft), Event::DraftLapsed {}) => Case::Lapsed(Draft { lapsed_at: Some(at), ..draft }),
        (Case::Lapsed(draft), Event::DraftRestored {}) => {
            Case::Draft(Draft { saved_at: Some(at), lapsed_at: None, ..draft })
        }
        (Case::Draft(draft), Event::Submitted { number, sha256, order, change, clock_end }) => {
            let dossier = Dossier::new(draft, number.clone(), sha256.clone(), order.clone(), at);
            Case::Submitted(Dossier { change: change.clone(), clock_end: *clock_end, ..dossier })
        }
        (case, Event::Withdrawn { .. }) => {
            let fee = case.work().and_then(|work| work.fee.clone());
            Case::Withdrawn(Withdrawn { dossier: open_dossier(case)?, at, fee })
        }
        (case, Event::Copied { .. }) => case,
        _ => return None,
    })
}

/// The dossier of a case that can still be withdrawn.
fn open_dossier(case: Case) -> Option<Dossier> {
    match case {
        Case::Submitted(dossier) | Case::PreScreening(dossier) => Some(dossier),
        Case::Processing(at) => Some(at.dossier),
        Case::AwaitingInfo(at) => Some(at.dossier),
        Case::AwaitingAcceptance(at) => Some(at.dossier),
        Case::Draft(_) | Case::Lapsed(_) | Case::Decided(_) | Case::Withdrawn(_) | Case::Closed(_) => None,
    }
}
