//! An appeal as a state machine without I/O (`access.md` section 14): a case of its own, linked to the case whose decision
//! is appealed against. First the body looks at its decision anew, then the appeal body decides.
//!
//! [`decide()`] says which event a command gives, [`evolve`] what an appeal becomes by it. The time limit is three weeks
//! from the notice; a late appeal says why and is let in or dismissed by a person. What it is not: the new decision and
//! the new version of the permit, which the service makes in the case itself.

mod machine;

use std::collections::BTreeSet;

use kernel::{Date, Id, Kind, Timestamp, workdays};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Decision, ProposalInput};

pub use machine::{Guard, decide, evolve, permitted, replay};

/// Marks ids of appeals.
#[derive(Debug)]
pub struct AppealKind;

impl Kind for AppealKind {
    const NAME: &'static str = "appeal";
}

/// Id of an appeal.
pub type AppealId = Id<AppealKind>;

/// Weeks from the notice of a decision in which it can be appealed against.
pub const LIMIT_WEEKS: u32 = 3;
/// Shortest text about what should change (`kla.wanted`).
pub const MIN_WANTED: usize = 10;
/// Shortest reason for being late (`kla.late_why`).
pub const MIN_LATE: usize = 20;
/// The part of a decision that its conditions are, beside its sources.
pub const CONDITIONS: &str = "conditions";

/// The last day for an appeal against a decision that was told of on `notice`.
pub fn limit(notice: Date) -> Date {
    workdays::add_weeks(notice, LIMIT_WEEKS)
}

/// The form of an appeal (`access.md` section 7). It is stored sealed; events hold its digest.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppealForm {
    /// `kla.parts`: sources, or [`CONDITIONS`].
    pub parts: BTreeSet<String>,
    /// `kla.grounds`. A missing reason is no ground for dismissal.
    #[serde(default)]
    pub grounds: String,
    /// `kla.wanted`.
    pub wanted: String,
    /// `kla.suspend`.
    pub suspend: bool,
    /// `kla.late_why`.
    #[serde(default)]
    pub late_why: String,
    /// `kla.representative`.
    #[serde(default)]
    pub representative: String,
    /// `kla.sign`: the appellant stands by it.
    #[serde(default)]
    pub signed: bool,
    /// `kla.files`: attachments, which lie with the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

/// A file that came with an appeal.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Its id among the files of the case.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl AppealForm {
    /// The form from the answers of a draft.
    pub fn of(fields: &Map<String, Value>) -> Self {
        let text = |field: &str| fields.get(field).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let yes = |field: &str| fields.get(field).and_then(Value::as_bool).unwrap_or_default();
        let list = |field: &str| fields.get(field).and_then(Value::as_array).into_iter().flatten();
        let part = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
        Self {
            parts: list("kla.parts").filter_map(Value::as_str).map(str::to_owned).collect(),
            grounds: text("kla.grounds"),
            wanted: text("kla.wanted"),
            suspend: yes("kla.suspend"),
            late_why: text("kla.late_why"),
            representative: text("kla.representative"),
            signed: yes("kla.sign"),
            files: list("kla.files")
                .filter_map(|file| Some(Attachment { id: part(file, "id")?, name: part(file, "name")? }))
                .collect(),
        }
    }

    /// Every free text with the field it stands in.
    pub fn texts(&self) -> [(&'static str, &str); 4] {
        [
            ("kla.grounds", &self.grounds),
            ("kla.wanted", &self.wanted),
            ("kla.late_why", &self.late_why),
            ("kla.representative", &self.representative),
        ]
    }
}

/// An appeal, and where it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Appeal {
    /// `K-2026-000001`.
    pub number: String,
    /// Number of the case.
    pub case: String,
    /// Number of the decision.
    pub decision: String,
    /// Account of the appellant.
    pub appellant: String,
    /// The parts appealed against.
    pub parts: BTreeSet<String>,
    /// Whether the decision is asked to wait.
    pub suspend_asked: bool,
    /// Whether the decision waits.
    pub suspended: bool,
    /// When it was lodged.
    pub lodged_at: Timestamp,
    /// The last day on which it was in time.
    pub limit: Date,
    /// Digest of the form.
    pub sha256: String,
    /// Who made the first decision: proposer and decision maker. They do not decide the appeal.
    pub first: BTreeSet<String>,
    /// Where it stands.
    pub stage: Stage,
}

impl Appeal {
    /// Whether it was lodged after the limit.
    pub fn is_late(&self) -> bool {
        self.lodged_at.date_in_oslo() > self.limit
    }
}

/// Where an appeal stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Received.
    Lodged,
    /// To be dealt with.
    Admissible,
    /// Not dealt with, by the body.
    Dismissed {
        /// Why.
        ground: Ground,
    },
    /// The body has prepared what it thinks now.
    Reconsidering {
        /// The prepared reconsideration.
        draft: Reconsideration,
    },
    /// The body changed its decision.
    Reversed {
        /// Number of the new decision.
        decision: String,
    },
    /// Sent to the appeal body.
    Forwarded,
    /// The appeal body has decided.
    Decided {
        /// How.
        outcome: AppealOutcome,
        /// Number of the new decision, when the outcome is a change.
        decision: Option<String>,
    },
    /// Taken back.
    Withdrawn,
}

impl Stage {
    /// The name in interfaces.
    pub const fn slug(&self) -> &'static str {
        match self {
            Stage::Lodged => "lodged",
            Stage::Admissible => "admissible",
            Stage::Dismissed { .. } => "dismissed",
            Stage::Reconsidering { .. } => "reconsidering",
            Stage::Reversed { .. } => "reversed",
            Stage::Forwarded => "forwarded",
            Stage::Decided { .. } => "decided_by_appeal_body",
            Stage::Withdrawn => "withdrawn",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_over(&self) -> bool {
        matches!(self, Stage::Dismissed { .. } | Stage::Reversed { .. } | Stage::Decided { .. } | Stage::Withdrawn)
    }
}

/// Why an appeal is not dealt with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// After the limit, without a reason that excuses it.
    Late,
    /// The appellant is no party.
    NotAParty,
}

/// What the appeal body decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealOutcome {
    /// The decision stands.
    Upheld,
    /// The decision is replaced by another.
    Changed,
    /// The decision is void and goes back to the body.
    AnnulledReturned,
    /// The appeal is not dealt with.
    Dismissed,
}

/// What the body thinks of its decision now, prepared for somebody who decides.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reconsideration {
    /// Account of who prepared it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The new decision; none to uphold the one there is.
    pub decision: Option<Decision>,
}

/// What people ask of an appeal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", content = "payload", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Let it in. A late one needs the reason that excuses it.
    Admit {
        /// Why, for a late one.
        #[serde(default)]
        reason: String,
    },
    /// Do not deal with it.
    Dismiss {
        /// On which ground.
        ground: Ground,
        /// In words.
        reason: String,
    },
    /// Prepare what the body thinks now.
    Prepare {
        /// Why.
        reason: String,
        /// The new decision; none to uphold.
        #[serde(default)]
        proposal: Option<ProposalInput>,
    },
    /// Send the preparation back.
    Return {
        /// Why.
        reason: String,
    },
    /// Let the decision wait, or no longer.
    Suspend {
        /// Whether it waits.
        granted: bool,
        /// Why.
        reason: String,
    },
    /// Make the new decision that was prepared.
    Reverse {},
    /// Uphold, and send the appeal on.
    Forward {},
    /// The appeal body's decision.
    Decide {
        /// How.
        outcome: AppealOutcome,
        /// Why.
        reason: String,
        /// The new decision, for `changed`.
        #[serde(default)]
        proposal: Option<ProposalInput>,
    },
    /// Take it back.
    Withdraw {},
}

impl Command {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::Admit { .. } => "admit",
            Command::Dismiss { .. } => "dismiss",
            Command::Prepare { .. } => "prepare",
            Command::Return { .. } => "return",
            Command::Suspend { .. } => "suspend",
            Command::Reverse {} => "reverse",
            Command::Forward {} => "forward",
            Command::Decide { .. } => "decide",
            Command::Withdraw {} => "withdraw",
        }
    }

    /// Its reason in words; empty for commands without one.
    pub fn reason(&self) -> &str {
        match self {
            Command::Admit { reason }
            | Command::Dismiss { reason, .. }
            | Command::Prepare { reason, .. }
            | Command::Return { reason }
            | Command::Suspend { reason, .. }
            | Command::Decide { reason, .. } => reason,
            Command::Reverse {} | Command::Forward {} | Command::Withdraw {} => "",
        }
    }

    /// The decision that it proposes.
    pub const fn proposal(&self) -> Option<&ProposalInput> {
        match self {
            Command::Prepare { proposal, .. } | Command::Decide { proposal, .. } => proposal.as_ref(),
            _ => None,
        }
    }
}

/// What somebody is in an appeal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealRole {
    /// Lodged it.
    Appellant,
    /// Prepares at the body.
    CaseHandler,
    /// Decides at the body.
    DecisionMaker,
    /// Decides at the appeal body.
    AppealHandler,
    /// Reads.
    Auditor,
}

/// What happened in an appeal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// It was lodged.
    Lodged(Box<Appeal>),
    /// It was let in.
    Admitted {
        /// Why, for a late one.
        reason: String,
    },
    /// It is not dealt with.
    Dismissed {
        /// On which ground.
        ground: Ground,
        /// In words.
        reason: String,
    },
    /// The reconsideration was prepared.
    Prepared {
        /// What was prepared.
        draft: Box<Reconsideration>,
    },
    /// The preparation was sent back.
    Returned {
        /// Why.
        reason: String,
    },
    /// The decision waits, or no longer.
    Suspension {
        /// Whether it waits.
        granted: bool,
        /// Why.
        reason: String,
    },
    /// The body changed its decision.
    Reversed {
        /// Number of the new decision.
        decision: String,
    },
    /// The appeal went to the appeal body.
    Forwarded {
        /// Why the decision was upheld.
        reason: String,
    },
    /// The appeal body decided.
    Decided {
        /// How.
        outcome: AppealOutcome,
        /// Why.
        reason: String,
        /// Number of the new decision.
        decision: Option<String>,
    },
    /// It was taken back.
    Withdrawn {},
}

impl Event {
    /// The name of the event.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Lodged(_) => "lodged",
            Event::Admitted { .. } => "admitted",
            Event::Dismissed { .. } => "dismissed",
            Event::Prepared { .. } => "prepared",
            Event::Returned { .. } => "returned",
            Event::Suspension { .. } => "suspension",
            Event::Reversed { .. } => "reversed",
            Event::Forwarded { .. } => "forwarded",
            Event::Decided { .. } => "decided",
            Event::Withdrawn {} => "withdrawn",
        }
    }
}
