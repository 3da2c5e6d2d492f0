//! The sources' tasks.

use super::super::{Case, Event, Recorded, SourceTask, TaskState};

pub(super) fn next(mut case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let tasks = &mut case.work_mut()?.tasks;
    match event {
        Event::SourceTaskCreated { source, due, question } => {
            let task = SourceTask {
                state: TaskState::Created,
                created_at: recorded.at,
                due: *due,
                question: question.clone(),
                accepted_by: None,
                answer: None,
                answered_at: None,
                cost: None,
                returned: None,
                reminders: 0,
                waived: None,
            };
            tasks.insert(source.clone(), task);
        }
        Event::SourceTaskAccepted { source } => {
            let task = tasks.get_mut(source)?;
            task.state = TaskState::Accepted;
            task.accepted_by = Some(recorded.actor.clone());
        }
        Event::SourceTaskAnswered { source, answer } => {
            let task = tasks.get_mut(source)?;
            task.state = TaskState::Answered;
            task.answer = Some(answer.clone());
            task.answered_at = Some(recorded.at);
        }
        Event::SourceTaskReturned { source, reason } => {
            let task = tasks.get_mut(source)?;
            task.state = TaskState::Returned;
            task.returned = Some(reason.clone());
        }
        Event::SourceTaskWaived { source, reason } => {
            let task = tasks.get_mut(source)?;
            task.state = TaskState::Closed;
            task.waived = Some(reason.clone());
        }
        Event::SourceCostEstimated { source, cost } => tasks.get_mut(source)?.cost = Some(cost.clone()),
        _ => return None,
    }
    Some(case)
}
