//! Questions on fields and their answers; the confirmation that the application is complete.

use std::collections::BTreeSet;

use kernel::Timestamp;

use super::super::{
    AwaitingInfo, Case, CommentStatus, Dossier, Event, FieldComment, InfoKind, InfoRequest, Pause, Processing,
    Recorded, Resume,
};

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let at = recorded.at;
    Some(match (case, event) {
        (Case::PreScreening(mut dossier), Event::CompletenessConfirmed { complete_at }) => {
            dossier.complete_at = Some(*complete_at);
            for comment in dossier.comments.iter_mut().filter(|c| c.status == CommentStatus::Answered) {
                comment.status = CommentStatus::Accepted;
            }
            let work = dossier.shelved.take().map(|work| *work).unwrap_or_default();
            Case::Processing(Processing { dossier, work })
        }
        (Case::PreScreening(dossier), Event::InfoRequested { .. }) => ask(dossier, Resume::PreScreening, event, at)?,
        (Case::Processing(Processing { dossier, work }), Event::InfoRequested { .. }) => {
            ask(dossier, Resume::Processing { work: Box::new(work) }, event, at)?
        }
        (Case::AwaitingInfo(mut waiting), Event::InfoDeadlineExtended { deadline, .. }) => {
            let request = waiting.dossier.requests.last_mut()?;
            (request.deadline, request.extended) = (*deadline, true);
            waiting.deadline = *deadline;
            Case::AwaitingInfo(waiting)
        }
        (Case::AwaitingInfo(waiting), Event::InfoDraftSaved {}) => Case::AwaitingInfo(waiting),
        (Case::AwaitingInfo(waiting), Event::InfoReceived { answers, revision, sha256, order, change }) => {
            let answer = |field: &str| {
                let given = answers.iter().find(|a| a.field == field).map(|a| a.answer.clone());
                Some(given.unwrap_or_default())
            };
            let kind = waiting.kind;
            let mut resumed = close_request(waiting, at, CommentStatus::Answered, &answer);
            let dossier = resumed.dossier_mut()?;
            dossier.revision = *revision;
            dossier.sha256 = sha256.clone();
            dossier.order = order.clone();
            dossier.change.clone_from(change);
            if kind == InfoKind::Completeness {
                dossier.completed_by = Some(at);
            }
            // Terms are about one revision of the content: a new one needs a new acceptance.
            if let Some(work) = &mut dossier.shelved {
                work.accepted = None;
            }
            if let Case::Processing(processing) = &mut resumed {
                processing.work.accepted = None;
            }
            resumed
        }
        (Case::AwaitingInfo(waiting), Event::InfoRequestCancelled {}) => {
            close_request(waiting, at, CommentStatus::Cancelled, &|_| None)
        }
        _ => return None,
    })
}

fn ask(mut dossier: Dossier, resume: Resume, event: &Event, at: Timestamp) -> Option<Case> {
    let Event::InfoRequested { kind, questions, deadline, accepts, on_behalf_of } = event else { return None };
    if *kind == InfoKind::Completeness && dossier.complete_at.is_some() {
        dossier.confirmed_again = true;
        dossier.completeness_consent = None;
    }
    for comment in dossier.comments.iter_mut().filter(|c| c.status == CommentStatus::Answered) {
        if accepts.contains(&comment.field) {
            comment.status = CommentStatus::Accepted;
        } else if questions.iter().any(|q| q.field == comment.field) {
            comment.status = CommentStatus::Reopened;
        }
    }
    dossier.requests.push(InfoRequest {
        kind: *kind,
        asked_at: at,
        deadline: *deadline,
        extended: false,
        on_behalf_of: on_behalf_of.clone(),
        reminded_at: None,
        answered_at: None,
        cancelled_at: None,
    });
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
    at: Timestamp,
    status: CommentStatus,
    answer: &dyn Fn(&str) -> Option<String>,
) -> Case {
    let mut dossier = waiting.dossier;
    for comment in dossier.comments.iter_mut().filter(|c| c.status == CommentStatus::Open) {
        comment.status = status;
        comment.answer = answer(&comment.field);
    }
    for pause in dossier.pauses.iter_mut().filter(|pause| pause.to.is_none()) {
        pause.to = Some(at.date_in_oslo());
    }
    if let Some(request) = dossier.requests.last_mut() {
        match status {
            CommentStatus::Cancelled => request.cancelled_at = Some(at),
            _ => request.answered_at = Some(at),
        }
    }
    match waiting.resume {
        Resume::PreScreening => Case::PreScreening(dossier),
        // Section 8.2: what was incomplete is looked through again; the work goes on from where it was.
        Resume::Processing { work } if waiting.kind == InfoKind::Completeness && status == CommentStatus::Answered => {
            dossier.shelved = Some(work);
            Case::PreScreening(dossier)
        }
        Resume::Processing { work } => Case::Processing(Processing { dossier, work: *work }),
    }
}
