//! Work lists: the tasks of a source with their clocks, the opinions that an expert is asked for, the proposals that wait
//! for a second person.

use access::CommandName;
use access::model::TaskState;
use access::views::{CaseSummary, DeliveryLine, ProposalLine, ReviewLine, TaskLine, Wait};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use kernel::Date;

use super::people::People;
use super::time::{until, working_days};
use super::{Names, after};
use crate::frame::Frame;
use crate::pages::{command_id, draw};
use crate::visitor::Visitor;
use crate::{Services, WebError};

/// What is waited for, in words.
pub(super) fn wait_words(f: &Frame, names: &Names, wait: &Wait) -> String {
    let key = f.key("wait", wait.on.slug());
    match (&wait.source, &wait.due) {
        (Some(source), _) => f.tv(&key, "source", names.source(source)),
        _ => f.t(key),
    }
}

/// A task of a source.
struct Task {
    line: TaskLine,
    source: String,
    state: String,
    tone: &'static str,
    left: String,
    /// Working days since the task came, of those until its last day.
    days: (u32, u32),
    /// What the looker does next: `declare_interest`, `accept_source_task` or `answer_source_task`.
    next: Option<&'static str>,
    command_id: String,
}

#[derive(Template)]
#[template(path = "cases/tasks.html")]
struct Tasks {
    f: Frame,
    open: Vec<Task>,
    settled: Vec<Task>,
    late: usize,
    /// What is to be delivered after decisions.
    deliveries: Vec<Delivery>,
}

/// What the holder of a source has to deliver in a case.
struct Delivery {
    case: CaseSummary,
    row: after::HolderRow,
}

/// The tasks of the sources that the looker answers for.
pub(super) async fn tasks(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let lines = services.access.source_tasks(visitor.actor()?).await.map_err(visitor.fail())?;
    let names = Names::of(&services, visitor.lang);
    let (f, today) = (Frame::of(&visitor), services.clock.today());
    let task = |line: TaskLine| {
        let settled = line.task.is_settled();
        let next = match line.task.state {
            _ if settled => None,
            _ if line.case.next == Some(CommandName::DeclareInterest) => Some("declare_interest"),
            TaskState::Created => Some("accept_source_task"),
            _ => Some("answer_source_task"),
        };
        let (left, urgent) = until(&f, &line.task.due, today);
        let code = serde_json::to_value(line.task.state).unwrap_or_default();
        let asked = line.task.created_at.date_in_oslo();
        Task {
            source: names.source(&line.source),
            state: f.t(f.key("task", code.as_str().unwrap_or_default())),
            tone: if settled { "good" } else { urgent },
            left,
            days: (working_days(asked, today, today), working_days(asked, line.task.due, today)),
            next,
            command_id: command_id(&services),
            line,
        }
    };
    let late = lines.iter().filter(|line| line.late).count();
    let (settled, open) = lines.into_iter().map(task).partition(|task: &Task| task.line.task.is_settled());
    let delivers = services.access.holder_deliveries(visitor.actor()?).await.map_err(visitor.fail())?;
    let delivery = |line: DeliveryLine| {
        let row = after::holders(&f, &names, std::slice::from_ref(&line.clock), today).pop()?;
        (line.clock.delivered.is_none()).then_some(Delivery { case: line.case, row })
    };
    let deliveries = delivers.into_iter().filter_map(delivery).collect();
    draw(&visitor, &Tasks { open, settled, late, deliveries, f })
}

/// A case in which an opinion is asked for.
struct Review {
    line: ReviewLine,
    left: String,
    tone: &'static str,
    /// Whether the opinion is still to be given.
    waits: bool,
}

#[derive(Template)]
#[template(path = "cases/reviews.html")]
struct Reviews {
    f: Frame,
    waiting: Vec<Review>,
    given: Vec<Review>,
}

/// The cases in which the looker was asked for an opinion.
pub(super) async fn reviews(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let lines = services.access.reviews(visitor.actor()?).await.map_err(visitor.fail())?;
    let (f, today) = (Frame::of(&visitor), services.clock.today());
    let review = |line: ReviewLine| {
        let (left, tone) = line.due.map(|due| until(&f, &due, today)).unwrap_or_default();
        Review { left, tone, waits: line.open && line.given_at.is_none(), line }
    };
    let (waiting, given) = lines.into_iter().map(review).partition(|review: &Review| review.waits);
    draw(&visitor, &Reviews { waiting, given, f })
}

/// A proposal that waits for a second person.
struct Proposed {
    line: ProposalLine,
    by: String,
    outcome: String,
    left: Option<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "cases/proposals.html")]
struct Proposals {
    f: Frame,
    proposals: Vec<Proposed>,
}

/// The proposals that wait for a second person (ACC-010).
pub(super) async fn proposals(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let lines = services.access.proposals(visitor.actor()?).await.map_err(visitor.fail())?;
    let (f, today) = (Frame::of(&visitor), services.clock.today());
    let named = lines.iter().map(|line| line.by.clone()).collect();
    let people = People::of(&services, &f, named).await;
    let proposed = |line: ProposalLine| {
        let outcome = serde_json::to_value(line.outcome).unwrap_or_default();
        Proposed {
            by: people.name(&f, &line.by),
            outcome: f.t(f.key("outcome", outcome.as_str().unwrap_or_default())),
            left: line.case.due.map(|due| until(&f, &due, today)),
            line,
        }
    };
    let proposals = lines.into_iter().map(proposed).collect();
    draw(&visitor, &Proposals { proposals, f })
}

/// What a case waits for, in words.
pub(super) struct Waits {
    /// What is late, and why.
    pub late: Vec<String>,
    /// What else is waited for, each with the time there is.
    pub other: Vec<(String, String)>,
}

impl Waits {
    pub(super) fn of(f: &Frame, names: &Names, case: &CaseSummary, today: Date) -> Self {
        let mut waits = Self { late: Vec::new(), other: Vec::new() };
        if let Some(clock) = case.clock.as_ref().filter(|clock| !clock.ended && clock.left < 0) {
            waits.late.push(f.tv("late-clock", "left", until(f, &clock.due, today).0));
        }
        for wait in &case.waits {
            let words = wait_words(f, names, wait);
            let left = wait.due.map(|due| until(f, &due, today).0).unwrap_or_default();
            if wait.late {
                waits.late.push(f.tv2("late-wait", "what", words, "left", left));
            } else {
                waits.other.push((words, left));
            }
        }
        waits
    }
}
