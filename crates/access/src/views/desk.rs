//! What is waited for in a case, and the lines of the work lists of those who have a part in many cases.

use kernel::{Date, LangMap, Timestamp};
use serde::Serialize;

use super::CaseSummary;
use crate::clocks::holder::{self, HolderClock};
use crate::model::{Case, Outcome, Recorded, SourceTask};

/// What a case waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitKind {
    /// Somebody of the body has to take the case.
    Handler,
    /// The body has to see whether the application is complete.
    Screening,
    /// The applicant has to answer.
    Info,
    /// The applicant has to accept or decline the terms.
    Terms,
    /// A source has to answer its task.
    Source,
    /// An expert has to give an opinion.
    Review,
    /// The body has to assess, price and propose.
    Assessment,
    /// A second person has to issue the decision or send the proposal back.
    Decision,
    /// The parties can comment on a reaction that is considered.
    Hearing,
    /// Somebody has to decide on a reaction that the parties were heard about.
    Sanction,
    /// The holder of a source has to deliver.
    Delivery,
}

impl WaitKind {
    /// The name used in interfaces and text keys.
    pub const fn slug(self) -> &'static str {
        match self {
            WaitKind::Handler => "handler",
            WaitKind::Screening => "screening",
            WaitKind::Info => "info",
            WaitKind::Terms => "terms",
            WaitKind::Source => "source",
            WaitKind::Review => "review",
            WaitKind::Assessment => "assessment",
            WaitKind::Decision => "decision",
            WaitKind::Hearing => "hearing",
            WaitKind::Sanction => "sanction",
            WaitKind::Delivery => "delivery",
        }
    }
}

/// Something that a case waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Wait {
    /// What.
    pub on: WaitKind,
    /// The source that has to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Account of the expert that has to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Last day, when there is one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// Whether that day is over.
    pub late: bool,
}

/// The task of a source in the list of those who answer for it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskLine {
    /// The case.
    pub case: CaseSummary,
    /// The source.
    pub source: String,
    /// The task.
    pub task: SourceTask,
    /// Whether the last day is over without an answer.
    pub late: bool,
}

/// What the holder of a source has to deliver, in the list of those who answer for the source.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DeliveryLine {
    /// The case.
    pub case: CaseSummary,
    /// The time there is.
    pub clock: HolderClock,
}

/// A case in the list of an expert.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReviewLine {
    /// The case.
    pub case: CaseSummary,
    /// When the expert was asked.
    pub asked_at: Timestamp,
    /// What was asked.
    pub question: Option<String>,
    /// Last day for the opinion.
    pub due: Option<Date>,
    /// When the opinion was given.
    pub given_at: Option<Timestamp>,
    /// Whether the expert has voted.
    pub voted: bool,
    /// How many experts were asked, and how many of them have given their opinion.
    pub opinions: (usize, usize),
    /// Whether an opinion can still be given.
    pub open: bool,
}

/// A proposal that waits for a second person.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ProposalLine {
    /// The case.
    pub case: CaseSummary,
    /// Account of the one who proposed.
    pub by: String,
    /// The colleague in whose stead it was proposed.
    pub on_behalf_of: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What is proposed.
    pub outcome: Outcome,
    /// Whether the looker may not issue it, having proposed it (ACC-010).
    pub own: bool,
}

/// An event as it is chained, for the auditor.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ChainLine {
    /// The event.
    #[serde(flatten)]
    pub recorded: Recorded,
    /// In which role somebody did it.
    pub role: String,
    /// What happened, in words.
    pub words: LangMap,
    /// The digest over the event and the digest before it.
    pub hash: String,
}

/// What a case waits for on `today`, what is late first.
pub(crate) fn waits(case: &Case, today: Date) -> Vec<Wait> {
    let wait = |on: WaitKind, due: Option<Date>| Wait {
        on,
        source: None,
        account: None,
        due,
        late: due.is_some_and(|due| due < today),
    };
    let mut waits = Vec::new();
    let taken = case.dossier().is_some_and(|dossier| dossier.handler.is_some());
    match case {
        Case::Submitted(_) | Case::PreScreening(_) => {
            waits.push(wait(if taken { WaitKind::Screening } else { WaitKind::Handler }, None));
        }
        Case::AwaitingInfo(waiting) => waits.push(wait(WaitKind::Info, Some(waiting.deadline))),
        Case::AwaitingAcceptance(waiting) => waits.push(wait(WaitKind::Terms, Some(waiting.deadline))),
        Case::Processing(at) => {
            let open = at.work.tasks.iter().filter(|(_, task)| !task.is_settled());
            waits.extend(
                open.map(|(source, task)| Wait {
                    source: Some(source.clone()),
                    ..wait(WaitKind::Source, Some(task.due))
                }),
            );
            let asked = at.dossier.opinions.reviewers.iter().filter(|(_, reviewer)| reviewer.opinion.is_none());
            waits.extend(asked.map(|(account, reviewer)| Wait {
                account: Some(account.clone()),
                ..wait(WaitKind::Review, reviewer.due)
            }));
            if at.work.proposal.is_some() {
                waits.push(wait(WaitKind::Decision, None));
            } else if !taken {
                waits.push(wait(WaitKind::Handler, None));
            } else if waits.is_empty() {
                waits.push(wait(WaitKind::Assessment, None));
            }
        }
        Case::Decided(at) => {
            for notice in at.after.notices.iter().filter(|notice| notice.is_open()) {
                // The parties' time is over: now it is the body that is waited for, without a day of its own.
                let due = Some(notice.deadline).filter(|deadline| *deadline >= today);
                waits.push(wait(if due.is_some() { WaitKind::Hearing } else { WaitKind::Sanction }, due));
            }
            let open = holder::clocks(at, today).into_iter().filter(|clock| clock.delivered.is_none());
            waits.extend(open.map(|clock| Wait {
                source: Some(clock.source),
                late: clock.late && clock.paused.is_none(),
                ..wait(WaitKind::Delivery, clock.due.filter(|_| clock.paused.is_none()))
            }));
        }
        _ => {}
    }
    waits.sort_by_key(|wait| (!wait.late, wait.due.is_none(), wait.due, wait.on));
    waits
}
