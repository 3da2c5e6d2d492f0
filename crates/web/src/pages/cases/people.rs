//! Who takes part in a case and what they say: tasks of the sources, opinions, messages and notes, with names instead of
//! accounts.

use std::collections::BTreeMap;

use access::views::{CaseView, NoteView};
use identity::Actor;
use kernel::Date;

use super::Names;
use crate::Services;
use crate::frame::Frame;

/// The task of a source.
pub(super) struct TaskRow {
    pub source: String,
    pub state: String,
    /// `good`, `warn`, `bad` or `info`.
    pub tone: &'static str,
    pub due: Date,
    /// What the source has answered or why the task came back.
    pub lines: Vec<String>,
}

/// An opinion or a vote.
pub(super) struct OpinionRow {
    pub name: String,
    pub recommendation: String,
    pub text: String,
    /// Last day, while the opinion is waited for.
    pub due: Option<Date>,
}

/// A message or a note.
pub(super) struct NoteRow {
    pub name: String,
    pub at: kernel::Timestamp,
    pub text: String,
    pub visibility: String,
}

/// Everybody who is named in a case.
pub(super) struct People {
    names: BTreeMap<String, String>,
}

impl People {
    pub(super) async fn of(services: &Services, f: &Frame, accounts: Vec<String>) -> Self {
        let mut names = BTreeMap::new();
        for account in accounts {
            if names.contains_key(&account) {
                continue;
            }
            let Ok(id) = account.parse() else { continue };
            // An account that is gone stays without a name: the page says so in words.
            if let Ok(name) = services.identity.name(id).await {
                names.insert(account, f.l(&name));
            }
        }
        Self { names }
    }

    pub(super) fn name(&self, f: &Frame, account: &str) -> String {
        self.names.get(account).cloned().unwrap_or_else(|| f.t("case-somebody"))
    }
}

/// The tasks of the sources, those that are waited for first.
pub(super) fn tasks(case: &CaseView, f: &Frame, names: &Names, today: Date) -> Vec<TaskRow> {
    let mut rows = Vec::new();
    for (source, task) in &case.involved.tasks {
        let state =
            serde_json::to_value(task.state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let late = task.is_overdue(today);
        let mut lines = Vec::new();
        if let Some(cost) = &task.cost {
            lines.push(f.tv2(
                "case-task-cost",
                "hours",
                cost.hours.to_string(),
                "days",
                cost.delivery_days.to_string(),
            ));
        }
        if let Some(answer) = &task.answer {
            let not =
                answer.variables.values().filter(|v| !matches!(v, access::model::Deliverable::Deliverable {})).count();
            lines.push(f.tv2(
                "case-task-answer",
                "yes",
                (answer.variables.len() - not).to_string(),
                "other",
                not.to_string(),
            ));
            lines.extend(answer.quality.clone());
            lines.extend(answer.statement.clone());
        }
        lines.extend(task.returned.clone());
        lines.extend(task.waived.clone());
        rows.push(TaskRow {
            source: names.source(source),
            state: f.t(f.key("task", if late { "late" } else { &state })),
            tone: if late {
                "bad"
            } else if task.is_settled() {
                "good"
            } else {
                "info"
            },
            due: task.due,
            lines,
        });
    }
    rows
}

/// Opinions and votes.
pub(super) fn opinions(case: &CaseView, f: &Frame, people: &People) -> Vec<OpinionRow> {
    let row = |opinion: &access::views::OpinionView| {
        let (recommendation, text) = match &opinion.opinion {
            Some((recommendation, text, _)) => {
                let code = serde_json::to_value(recommendation).ok().and_then(|v| v.as_str().map(str::to_owned));
                (f.t(f.key("choice-recommendation", code.unwrap_or_default())), text.clone())
            }
            None => (f.t("case-opinion-waits"), opinion.question.clone().unwrap_or_default()),
        };
        let name = opinion.reviewer.as_deref().map_or_else(|| f.t("case-somebody"), |account| people.name(f, account));
        let due = opinion.due.filter(|_| opinion.opinion.is_none());
        OpinionRow { name, recommendation, text, due }
    };
    case.involved.opinions.iter().map(row).collect()
}

/// Messages and notes that the looker may read, newest first. Reading a message is its receipt (ACC-103).
pub(super) async fn notes(services: &Services, actor: &Actor, case: &CaseView) -> Vec<NoteView> {
    let id = case.summary.id;
    // Those who may see the case need not be among those who read its messages.
    let mut notes = services.access.messages(actor, id).await.unwrap_or_default();
    notes.extend(services.access.remarks(actor, id).await.unwrap_or_default());
    notes.sort_by_key(|note| std::cmp::Reverse(note.at));
    notes
}

/// Notes as the page shows them.
pub(super) fn note_rows(notes: &[NoteView], f: &Frame, people: &People, names: &Names) -> Vec<NoteRow> {
    use access::model::Visibility;
    let row = |note: &NoteView| NoteRow {
        name: people.name(f, &note.author),
        at: note.at,
        text: note.text.clone(),
        visibility: match &note.visibility {
            Visibility::Staff => f.t("choice-visibility-staff"),
            Visibility::Parties => f.t("choice-visibility-parties"),
            Visibility::Source(source) => names.source(source),
        },
    };
    notes.iter().map(row).collect()
}

/// The accounts that the page names.
pub(super) fn named(case: &CaseView, notes: &[NoteView]) -> Vec<String> {
    let mut accounts: Vec<String> = case.summary.handler.clone().into_iter().collect();
    accounts.extend(case.involved.opinions.iter().filter_map(|opinion| opinion.reviewer.clone()));
    accounts.extend(notes.iter().map(|note| note.author.clone()));
    accounts.extend(case.involved.members.keys().cloned());
    accounts
}

/// Those who apply together with the applicant: name and part.
pub(super) fn members(case: &CaseView, f: &Frame, people: &People) -> Vec<(String, String)> {
    let row = |(account, member): (&String, &access::model::Member)| {
        let kind = match member.kind {
            access::model::MemberKind::CoApplicant => "choice-kind-co-applicant",
            access::model::MemberKind::Representative => "choice-kind-representative",
        };
        (people.name(f, account), f.t(kind))
    };
    case.involved.members.iter().map(row).collect()
}
