//! Calls of the centre about runs of scripts in the data zone: a run is taken on, followed, and may be cancelled. What is
//! told while it works is how far it has come, never a number of rows (SDC-180).

use kernel::LangMap;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::dsse::Envelope;
use crate::ids::RunId;

/// `run`: take on a run. It is carried out when there is a place; its outcome is asked for with [`RunNews`]. A workspace
/// that has too many runs waiting is refused with `rate_limited`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The signed run order.
    pub order: Envelope,
}

/// The run is taken on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTaken {
    /// The run.
    pub run_id: RunId,
}

impl Call for Run {
    const KIND: &'static str = "run";
    type Answer = RunTaken;
}

/// `run/news`: how far a run has come. The answer waits until there is more to tell than the caller has seen, or the time
/// is up. Asked after its end it gives the outcome, or refuses with the reason why there is none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunNews {
    /// The run.
    pub run_id: RunId,
    /// The last news that the caller has seen; none when it asks for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<RunProgress>,
    /// How long the answer may wait, in milliseconds; at most 10 000.
    pub wait_ms: u32,
}

/// News of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunNewsAnswer {
    /// How far it has come.
    pub progress: RunProgress,
    /// The outcome, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RunAnswer>,
}

impl Call for RunNews {
    const KIND: &'static str = "run/news";
    type Answer = RunNewsAnswer;
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProgress {
    /// Waiting, at work, or done.
    pub stage: RunStage,
    /// The statement at work, from 1; 0 before the first.
    pub statement: u32,
    /// Statements of the script, loops unrolled; 0 before they are known.
    pub of: u32,
    /// Line of the statement.
    pub line: u32,
    /// Share of the unit space that the statement has seen, in per cent, in steps of five.
    pub share: u8,
}

impl RunProgress {
    /// A run that waits for a place.
    pub const QUEUED: RunProgress = RunProgress { stage: RunStage::Queued, statement: 0, of: 0, line: 0, share: 0 };
}

/// The stages of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStage {
    /// Waits for a place.
    Queued,
    /// At work.
    Running,
    /// Done.
    Ended,
}

/// `run/cancel`: end a run that waits or works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCancel {
    /// The run.
    pub run_id: RunId,
}

/// The run was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCancelAnswer {
    /// False when there is no such run, or it had ended already.
    pub cancelled: bool,
}

impl Call for RunCancel {
    const KIND: &'static str = "run/cancel";
    type Answer = RunCancelAnswer;
}

/// The outcome of a run: what the gate let out, sealed, and diagnostics; nothing else.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAnswer {
    /// The run.
    pub run_id: RunId,
    /// Released documents, one per output of the script, in its order, each signed by the gate.
    pub released: Vec<Envelope>,
    /// What was wrong or is to be known.
    pub diagnostics: Vec<Diagnostic>,
    /// Versions of the stores that were read, `store:version`.
    #[serde(default)]
    pub stores: Vec<String>,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: u64,
}

/// A message about a place of a script.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostic {
    /// Stable code.
    pub code: String,
    /// `error`, `warning`, `info`.
    pub severity: String,
    /// Line, from 1; 0 for the whole script.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Length in characters.
    pub length: u32,
    /// What is wrong and how to mend it.
    pub message: LangMap,
    /// Nearest names, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// What may stand in place of the marked text, when there is exactly one candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}
