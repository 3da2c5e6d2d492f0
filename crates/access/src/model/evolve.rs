//! What a case becomes by an event. Total over the events that [`decide`](super::decide()) gives; any other pair of state
//! and event is a damaged history and is named as such.

use std::collections::BTreeSet;

use kernel::{Date, Timestamp};

use super::{
    Accepted, Assessment, AwaitingAcceptance, AwaitingInfo, Case, CommentStatus, Decided, Dossier, Draft, Event,
    FieldComment, InfoKind, Pause, PermitRef, Processing, Proposal, Recorded, Resume, Standing, Withdrawn, Work,
};

/// An event that does not fit the state: the history is not one that this program wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("event {seq} ({event}) does not fit the state {state}")]
pub struct Misfit {
    /// Place of the event.
    pub seq: i64,
    /// Name of the event.
    pub event: &'static str,
    /// Name of the state, or `none`.
    pub state: &'static str,
}

/// The state after all events.
///
/// # Errors
/// [`Misfit`] at the first event that does not fit, or when there is none.
pub fn replay(events: &[Recorded]) -> Result<Case, Misfit> {
    let mut case = None;
    for event in events {
        case = Some(evolve(case, event)?);
    }
    case.ok_or(Misfit { seq: 0, event: "none", state: "none" })
}

/// The state after one more event.
///
/// # Errors
/// [`Misfit`].
pub fn evolve(case: Option<Case>, recorded: &Recorded) -> Result<Case, Misfit> {
    let state = case.as_ref().map_or("none", |case| case.name().slug());
    let misfit = Misfit { seq: recorded.seq, event: recorded.event.name(), state };
    let (at, by) = (recorded.at, recorded.actor.as_str());
    next(case, &recorded.event, at, by).ok_or(misfit)
}

fn next(case: Option<Case>, event: &Event, at: Timestamp, by: &str) -> Option<Case> {
    let today = at.date_in_oslo();
    Some(match (case, event) {
        (None, Event::Created { form, profile }) => Case::Draft(Draft {
            applicant: by.to_owned(),
            created_at: at,
            form: form.clone(),
            profile: profile.clone(),
            saved_at: None,
        }),
        (Some(Case::Draft(draft)), Event::DraftSaved {}) => Case::Draft(Draft { saved_at: Some(at), ..draft }),
        (Some(Case::Draft(draft)), Event::CartChanged { .. }) => Case::Draft(draft),
        (Some(Case::Draft(draft)), Event::DraftDeleted {}) => Case::Lapsed(draft),
        (Some(Case::Draft(draft)), Event::Submitted { number, sha256, order }) => Case::Submitted(Dossier {
            applicant: draft.applicant,
            number: number.clone(),
            form: draft.form,
            profile: draft.profile,
            submitted_at: at,
            revision: 1,
            sha256: sha256.clone(),
            order: order.clone(),
            handler: None,
            complete_at: None,
            completed_by: None,
            pauses: Vec::new(),
            comments: Vec::new(),
        }),
        (Some(case), Event::CaseAssigned { handler }) => {
            with_dossier(case, |dossier| dossier.handler = Some(handler.clone()))?
        }
        (Some(Case::Submitted(dossier)), Event::ScreeningStarted { .. }) => Case::PreScreening(dossier),
        (Some(Case::PreScreening(dossier)), Event::CompletenessConfirmed { complete_at }) => {
            let dossier = Dossier { complete_at: Some(*complete_at), ..dossier };
            Case::Processing(Processing { dossier, work: Work::default() })
        }
        (Some(Case::PreScreening(dossier)), Event::InfoRequested { .. }) => {
            ask(dossier, Resume::PreScreening, event, at)?
        }
        (Some(Case::Processing(Processing { dossier, work })), Event::InfoRequested { .. }) => {
            ask(dossier, Resume::Processing { work: Box::new(work) }, event, at)?
        }
        (Some(Case::AwaitingInfo(waiting)), Event::InfoDraftSaved {}) => Case::AwaitingInfo(waiting),
        (Some(Case::AwaitingInfo(waiting)), Event::InfoReceived { answers, revision, sha256, order }) => {
            let answer = |field: &str| {
                let given = answers.iter().find(|a| a.field == field).map(|a| a.answer.clone());
                Some(given.unwrap_or_default())
            };
            let kind = waiting.kind;
            let mut resumed = close_request(waiting, today, CommentStatus::Answered, &answer);
            let dossier = dossier_mut(&mut resumed)?;
            dossier.revision = *revision;
            dossier.sha256 = sha256.clone();
            dossier.order = order.clone();
            if kind == InfoKind::Completeness {
                dossier.completed_by = Some(at);
            }
            // Terms are about one revision of the content: a new one needs a new acceptance.
            if let Case::Processing(processing) = &mut resumed {
                processing.work.accepted = None;
            }
            resumed
        }
        (Some(Case::AwaitingInfo(waiting)), Event::InfoRequestCancelled {}) => {
            close_request(waiting, today, CommentStatus::Cancelled, &|_| None)
        }
        (Some(mut case), Event::CriterionAssessed { criterion, outcome, reason }) => {
            let assessment = Assessment { outcome: *outcome, reason: reason.clone(), by: by.to_owned(), at };
            work_mut(&mut case)?.assessments.insert(criterion.clone(), assessment);
            case
        }
        (Some(Case::Processing(mut at)), Event::FeeEstimated { fee }) => {
            at.work.fee = Some(fee.clone());
            at.work.accepted = None;
            Case::Processing(at)
        }
        // A new price takes the offer back: nobody accepts what no longer holds.
        (Some(Case::AwaitingAcceptance(at)), Event::FeeEstimated { fee }) => {
            let work = Work { fee: Some(fee.clone()), accepted: None, ..at.work };
            Case::Processing(Processing { dossier: at.dossier, work })
        }
        (Some(Case::Processing(at)), Event::TermsOffered { terms, hash, deadline }) => {
            Case::AwaitingAcceptance(AwaitingAcceptance {
                dossier: at.dossier,
                work: at.work,
                terms: terms.clone(),
                hash: hash.clone(),
                deadline: *deadline,
            })
        }
        (Some(Case::AwaitingAcceptance(waiting)), Event::TermsAccepted { hash }) => {
            let accepted = Some(Accepted { hash: hash.clone(), at, by: by.to_owned() });
            Case::Processing(Processing { dossier: waiting.dossier, work: Work { accepted, ..waiting.work } })
        }
        (Some(Case::AwaitingAcceptance(at)), Event::TermsQueried { .. } | Event::TermsWithdrawn { .. }) => {
            Case::Processing(Processing { dossier: at.dossier, work: at.work })
        }
        (Some(Case::AwaitingAcceptance(waiting)), Event::TermsDeclined { .. }) => {
            Case::Withdrawn(Withdrawn { dossier: waiting.dossier, at })
        }
        (Some(case), Event::Withdrawn { .. }) => Case::Withdrawn(Withdrawn { dossier: open_dossier(case)?, at }),
        (Some(Case::Processing(mut processing)), Event::DecisionProposed { decision }) => {
            let revision = processing.dossier.revision;
            processing.work.proposal = Some(Proposal { by: by.to_owned(), at, revision, decision: decision.clone() });
            Case::Processing(processing)
        }
        (Some(Case::Processing(mut processing)), Event::ProposalReturned { .. }) => {
            processing.work.proposal = None;
            Case::Processing(processing)
        }
        (Some(Case::Processing(Processing { dossier, work })), Event::DecisionIssued { number, decision, letter }) => {
            Case::Decided(Decided {
                dossier,
                work,
                number: number.clone(),
                decision: decision.clone(),
                letter: letter.clone(),
                issued_at: at,
                issued_by: by.to_owned(),
                permit: None,
            })
        }
        (Some(Case::Decided(decided)), Event::PermitIssued { permit_id, series, sha256 })
            if decided.permit.is_none() =>
        {
            let permit = Some(PermitRef {
                permit_id: permit_id.clone(),
                series: series.clone(),
                sha256: sha256.clone(),
                standing: Standing::Live,
            });
            Case::Decided(Decided { permit, ..decided })
        }
        (Some(Case::Decided(decided)), Event::PermitRevoked { sha256, .. }) => {
            with_permit(decided, Standing::Revoked, Some(sha256))?
        }
        (Some(Case::Decided(decided)), Event::PermitHeld { .. }) => with_permit(decided, Standing::Held, None)?,
        (Some(Case::Decided(decided)), Event::PermitHoldReleased { .. }) => with_permit(decided, Standing::Live, None)?,
        _ => return None,
    })
}

fn ask(mut dossier: Dossier, resume: Resume, event: &Event, at: Timestamp) -> Option<Case> {
    let Event::InfoRequested { kind, questions, deadline } = event else { return None };
    let mut fields = BTreeSet::new();
    for question in questions {
        let seq = dossier.comments.iter().filter(|c| c.field == question.field).count() as u32 + 1;
        fields.insert(question.field.clone());
        dossier.comments.push(FieldComment {
            field: question.field.clone(),
            seq,
            question: question.question.clone(),
            asked_at: at,
            answer: None,
            status: CommentStatus::Open,
        });
    }
    dossier.pauses.push(Pause { from: at.date_in_oslo(), to: None });
    let deadline = *deadline;
    Some(Case::AwaitingInfo(AwaitingInfo { dossier, kind: *kind, asked_at: at, deadline, fields, resume }))
}

fn close_request(
    waiting: AwaitingInfo,
    today: Date,
    status: CommentStatus,
    answer: &dyn Fn(&str) -> Option<String>,
) -> Case {
    let mut dossier = waiting.dossier;
    for comment in dossier.comments.iter_mut().filter(|c| c.status == CommentStatus::Open) {
        comment.status = status;
        comment.answer = answer(&comment.field);
    }
    for pause in dossier.pauses.iter_mut().filter(|pause| pause.to.is_none()) {
        pause.to = Some(today);
    }
    match waiting.resume {
        Resume::PreScreening => Case::PreScreening(dossier),
        Resume::Processing { work } => Case::Processing(Processing { dossier, work: *work }),
    }
}

fn dossier_mut(case: &mut Case) -> Option<&mut Dossier> {
    match case {
        Case::Draft(_) | Case::Lapsed(_) | Case::Withdrawn(_) => None,
        Case::Submitted(dossier) | Case::PreScreening(dossier) => Some(dossier),
        Case::Processing(at) => Some(&mut at.dossier),
        Case::AwaitingInfo(at) => Some(&mut at.dossier),
        Case::AwaitingAcceptance(at) => Some(&mut at.dossier),
        Case::Decided(at) => Some(&mut at.dossier),
    }
}

fn with_dossier(mut case: Case, change: impl FnOnce(&mut Dossier)) -> Option<Case> {
    change(dossier_mut(&mut case)?);
    Some(case)
}

fn work_mut(case: &mut Case) -> Option<&mut Work> {
    match case {
        Case::Processing(at) => Some(&mut at.work),
        Case::AwaitingInfo(AwaitingInfo { resume: Resume::Processing { work }, .. }) => Some(work),
        _ => None,
    }
}

/// The dossier of a case that can still be withdrawn.
fn open_dossier(case: Case) -> Option<Dossier> {
    match case {
        Case::Submitted(dossier) | Case::PreScreening(dossier) => Some(dossier),
        Case::Processing(at) => Some(at.dossier),
        Case::AwaitingInfo(at) => Some(at.dossier),
        Case::AwaitingAcceptance(at) => Some(at.dossier),
        Case::Draft(_) | Case::Lapsed(_) | Case::Decided(_) | Case::Withdrawn(_) => None,
    }
}

fn with_permit(mut decided: Decided, standing: Standing, sha256: Option<&String>) -> Option<Case> {
    let permit = decided.permit.as_mut()?;
    if permit.standing == Standing::Revoked {
        return None;
    }
    permit.standing = standing;
    if let Some(sha256) = sha256 {
        permit.sha256.clone_from(sha256);
    }
    Some(Case::Decided(decided))
}
