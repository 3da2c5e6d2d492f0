//! A change of a permit as the difference of two contents (`access.md` section 6): the applicant edits a copy of what the
//! permit allows, and [`diff()`] says in typed operations what that means. Nobody types the operations (ACC-060).
//!
//! - [`in_force`]: the copy: what the application and its decisions come to today.
//! - [`diff()`], [`apply`]: operations from two contents, and a content from operations. [`rules`]: what an operation sets
//!   in motion: criteria, sources, decision or notification.
//! - [`form`]: the form that the copy is edited in.
//! - [`clash`], [`rebased`]: two open changes of one permit (ACC-066).
//!
//! What it is not: the case, its clocks or the permit itself. No function here reads a clock or a database.

mod apply;
mod diff;
pub mod form;
mod rebase;
pub mod rules;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use apply::{apply, granted_content, in_force, redecided};
pub use diff::diff;
pub use rebase::{clash, rebased};

use crate::content::Content;
use crate::model::{Order, OrderItem};

/// Id of the form of changes.
pub const FORM: &str = "change";
/// Shortest reason of a change (`chg.why`).
pub const MIN_WHY: usize = 50;
/// Shortest reason of an operation that adds data (`chg.why_per_op`).
pub const MIN_OP_REASON: usize = 30;

/// The kind of an operation (ACC-061).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpKind {
    /// A variable of a source that the permit has.
    AddVariable,
    /// A variable less.
    RemoveVariable,
    /// Another level of detail.
    ChangeGranularity,
    /// More days of a collection.
    AddPeriod,
    /// Fewer days of a collection, or of the permit.
    ShortenPeriod,
    /// A source that the permit does not have.
    AddSource,
    /// A source less.
    RemoveSource,
    /// Other persons in the data.
    ChangePopulation,
    /// Another purpose, format or reason.
    ChangePurpose,
    /// Another controller.
    ChangeController,
    /// Somebody more who works with the data.
    AddPerson,
    /// Somebody less.
    RemovePerson,
    /// Another principal investigator.
    ChangePi,
    /// Another analysis room.
    ChangeRoom,
    /// Data that the applicant brings along.
    AddExternalData,
    /// Extraction more or less often.
    ChangeRecurrence,
    /// A later last day.
    ExtendDuration,
    /// Other terms, e.g. a later day of deletion.
    ChangeConditions,
}

impl OpKind {
    /// Every kind.
    pub const ALL: [OpKind; 18] = [
        OpKind::AddVariable,
        OpKind::RemoveVariable,
        OpKind::ChangeGranularity,
        OpKind::AddPeriod,
        OpKind::ShortenPeriod,
        OpKind::AddSource,
        OpKind::RemoveSource,
        OpKind::ChangePopulation,
        OpKind::ChangePurpose,
        OpKind::ChangeController,
        OpKind::AddPerson,
        OpKind::RemovePerson,
        OpKind::ChangePi,
        OpKind::ChangeRoom,
        OpKind::AddExternalData,
        OpKind::ChangeRecurrence,
        OpKind::ExtendDuration,
        OpKind::ChangeConditions,
    ];

    /// The name in interfaces and tables.
    pub const fn slug(self) -> &'static str {
        match self {
            OpKind::AddVariable => "add_variable",
            OpKind::RemoveVariable => "remove_variable",
            OpKind::ChangeGranularity => "change_granularity",
            OpKind::AddPeriod => "add_period",
            OpKind::ShortenPeriod => "shorten_period",
            OpKind::AddSource => "add_source",
            OpKind::RemoveSource => "remove_source",
            OpKind::ChangePopulation => "change_population",
            OpKind::ChangePurpose => "change_purpose",
            OpKind::ChangeController => "change_controller",
            OpKind::AddPerson => "add_person",
            OpKind::RemovePerson => "remove_person",
            OpKind::ChangePi => "change_pi",
            OpKind::ChangeRoom => "change_room",
            OpKind::AddExternalData => "add_external_data",
            OpKind::ChangeRecurrence => "change_recurrence",
            OpKind::ExtendDuration => "extend_duration",
            OpKind::ChangeConditions => "change_conditions",
        }
    }

    /// Whether the operation brings more data: then it needs a reason of its own.
    pub const fn adds_data(self) -> bool {
        matches!(
            self,
            OpKind::AddVariable
                | OpKind::ChangeGranularity
                | OpKind::AddPeriod
                | OpKind::AddSource
                | OpKind::AddExternalData
        )
    }

    /// Whether the parts of the decision, one for each source, settle the operation.
    pub const fn is_by_source(self) -> bool {
        matches!(self, OpKind::AddVariable | OpKind::ChangeGranularity | OpKind::AddPeriod | OpKind::AddSource)
    }
}

/// One operation of a change (ACC-061). Persons stand in it by their ids, never by name (ACC-190).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Op {
    /// What is done.
    pub op: OpKind,
    /// To what, e.g. `sources/npr/npr.somatikk.innDato`, `periods/npr.somatikk`, `population`.
    pub path: String,
    /// As it is; null when it is new.
    pub before: Value,
    /// As it becomes; null when it goes.
    pub after: Value,
    /// Why, for operations that add data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Whether it takes effect without a decision (ACC-063).
    pub notification: bool,
}

impl Op {
    /// The source that the operation is about.
    pub fn source(&self) -> Option<&str> {
        self.path.strip_prefix("sources/").map(|rest| rest.split('/').next().unwrap_or(rest))
    }
}

/// What the operations apply for by source: the variables that they touch, and all of a source that is asked about
/// something that concerns every source. Empty when no source is asked.
pub fn order(ops: &[Op], wanted: &Content) -> Order {
    let by_source: Vec<&Op> = ops.iter().filter(|op| op.op.is_by_source() && !op.notification).collect();
    let needs_all = ops.iter().filter(|op| !op.op.is_by_source() && !op.notification);
    let whole: Vec<String> = rules::sources_asked(&needs_all.cloned().collect::<Vec<_>>(), wanted);
    let touched = |item: &OrderItem| {
        whole.contains(&item.source)
            || by_source.iter().any(|op| match op.op {
                OpKind::AddPeriod => op.path.strip_prefix("periods/") == Some(item.collection.as_str()),
                OpKind::AddSource => op.source() == Some(item.source.as_str()),
                _ => op.path.rsplit('/').next() == Some(item.variable.as_str()),
            })
    };
    let all = wanted.order();
    let items: Vec<OrderItem> = all.items.into_iter().filter(touched).collect();
    let periods = all.periods.into_iter().filter(|(c, _)| items.iter().any(|item| item.collection == *c)).collect();
    Order { items, periods }
}
