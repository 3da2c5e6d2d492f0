//! The sources' tasks: one for each source, all at the same time; a source that is silent never stops the case
//! (`access.md` section 8.2).

use std::collections::BTreeSet;

use kernel::{Date, FieldError};

use super::{Context, Refusal, needs_text, wrong_state};
use crate::clocks::{Calendars, Length, table};
use crate::model::decision::MIN_REASON;
use crate::model::{
    Case, Command, Deliverable, Event, Processing, SourceAnswer, SourceCost, SourceTask, TaskState, Track, Work,
};

/// Working days for a source to answer.
pub(crate) const ANSWER_DAYS: u32 = 15;
/// Why a variable cannot be delivered.
const NOT_DELIVERABLE: [&str; 6] =
    ["not_collected", "not_in_period", "quality", "free_text", "not_authorised", "other"];

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let work = case.work().ok_or_else(|| wrong_state(case, command))?;
    match (case, command) {
        (Case::Processing(at), Command::DispatchSourceTasks { sources, question, due }) => {
            dispatch(at, sources, question.as_deref(), *due, context)
        }
        (_, Command::AcceptSourceTask { source }) => {
            let task = own_task(work, source, context)?;
            in_state(task, &[TaskState::Created, TaskState::Returned])?;
            Ok(vec![Event::SourceTaskAccepted { source: source.clone() }])
        }
        (Case::Processing(at), Command::AnswerSourceTask { source, answer, cost }) => {
            let task = own_task(work, source, context)?;
            in_state(task, &[TaskState::Created, TaskState::Accepted, TaskState::Returned])?;
            let mut faults = answer_faults(at, source, answer);
            faults.extend(cost.as_ref().map(cost_faults).unwrap_or_default());
            if !faults.is_empty() {
                return Err(Refusal::Invalid { fields: faults });
            }
            if task.cost.is_none() && cost.is_none() {
                let remedy = "estimate hours and delivery days of the source's part with the answer or before it";
                return Err(Refusal::conflict("cost_missing", remedy));
            }
            let estimate = cost.clone().map(|cost| Event::SourceCostEstimated { source: source.clone(), cost });
            let answered = Event::SourceTaskAnswered { source: source.clone(), answer: answer.clone() };
            Ok(estimate.into_iter().chain([answered]).collect())
        }
        (_, Command::ReturnSourceTask { source, reason }) => {
            let task = own_task(work, source, context)?;
            in_state(task, &[TaskState::Created, TaskState::Accepted, TaskState::Answered])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::SourceTaskReturned { source: source.clone(), reason: reason.clone() }])
        }
        (_, Command::EstimateSourceCost { source, cost }) => {
            let task = own_task(work, source, context)?;
            in_state(task, &[TaskState::Created, TaskState::Accepted, TaskState::Answered, TaskState::Returned])?;
            let faults = cost_faults(cost);
            if !faults.is_empty() {
                return Err(Refusal::Invalid { fields: faults });
            }
            Ok(vec![Event::SourceCostEstimated { source: source.clone(), cost: cost.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

fn dispatch(
    at: &Processing,
    chosen: &BTreeSet<String>,
    question: Option<&str>,
    due: Option<Date>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let known = at.dossier.order.sources();
    if let Some(source) = chosen.iter().find(|source| !known.contains(&source.as_str())) {
        return Err(Refusal::invalid("sources", "unknown_source", format!("{source} was not applied for")));
    }
    if due.is_some_and(|due| due <= context.today) {
        return Err(Refusal::invalid("due", "range", "the last day for the answer lies ahead"));
    }
    let wanted = |source: &&&str| chosen.is_empty() || chosen.contains(**source);
    let sources: Vec<&str> =
        known.iter().filter(wanted).filter(|source| !at.work.tasks.contains_key(**source)).copied().collect();
    if sources.is_empty() {
        return Err(Refusal::conflict("already_dispatched", "every source that was named has its task"));
    }
    let due = due.unwrap_or_else(|| {
        // A trusted holder does the whole assessment, and has two months for it (72).
        let clock = if at.dossier.track == Track::TrustedHolder { "trusted_holder" } else { "source_answer" };
        let length = table::length(&at.dossier.profile, clock).unwrap_or(Length::working_days(ANSWER_DAYS));
        Calendars::norway().due(context.today, length, context.today)
    });
    let created = |source: &str| Event::SourceTaskCreated {
        source: source.to_owned(),
        due,
        question: question.map(str::to_owned),
    };
    Ok(sources.into_iter().map(created).collect())
}

/// The task of a source that the actor may speak for.
fn own_task<'a>(work: &'a Work, source: &str, context: &Context<'_>) -> Result<&'a SourceTask, Refusal> {
    if context.sources.is_some_and(|own| !own.iter().any(|s| s == source)) {
        return Err(Refusal::Forbidden { code: "other_source" });
    }
    work.tasks.get(source).ok_or_else(|| Refusal::conflict("no_task", format!("{source} was not asked")))
}

fn in_state(task: &SourceTask, wanted: &[TaskState]) -> Result<(), Refusal> {
    if wanted.contains(&task.state) {
        return Ok(());
    }
    Err(Refusal::conflict("task_state", "the task is at another point; read the case and try again"))
}

/// An answer to every variable of the source, each with what belongs to it.
fn answer_faults(at: &Processing, source: &str, answer: &SourceAnswer) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let own: Vec<&str> =
        at.dossier.order.items.iter().filter(|i| i.source == source).map(|i| i.variable.as_str()).collect();
    for variable in own.iter().filter(|variable| !answer.variables.contains_key(**variable)) {
        faults.push(FieldError::new(format!("variables.{variable}"), "required", "say whether it can be delivered"));
    }
    for (variable, said) in &answer.variables {
        let place = format!("variables.{variable}");
        if !own.contains(&variable.as_str()) {
            faults.push(FieldError::new(&place, "unknown_variable", "was not applied for at this source"));
        }
        match said {
            Deliverable::DeliverableChanged { proposal } if proposal.trim().chars().count() < 5 => {
                faults.push(FieldError::new(&place, "required", "say what can be delivered instead"));
            }
            Deliverable::NotDeliverable { reason } if !NOT_DELIVERABLE.contains(&reason.as_str()) => {
                let message = format!("reasons are {}", NOT_DELIVERABLE.join(", "));
                faults.push(FieldError::new(&place, "reason", message));
            }
            _ => {}
        }
    }
    faults
}

fn cost_faults(cost: &SourceCost) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if !(0.0..=10_000.0).contains(&cost.hours) {
        faults.push(FieldError::new("cost.hours", "range", "between 0 and 10 000 hours"));
    }
    if cost.price_ore.is_some_and(|price| !(0..=1_000_000_000_000).contains(&price)) {
        faults.push(FieldError::new("cost.price_ore", "range", "no less than 0"));
    }
    if cost.delivery_days > 1_000 {
        faults.push(FieldError::new("cost.delivery_days", "range", "at most 1 000 working days"));
    }
    faults
}
