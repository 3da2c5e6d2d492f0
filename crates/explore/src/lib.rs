//! Exploration without application: scripts over linked variables of a whole population, of which only what the
//! disclosure gate releases leaves the data zone.
//!
//! - Centre: [`Workspace`] keeps scripts, runs and released documents, and checks texts for the editor.
//! - Data zone: [`RunService`] answers `run` calls, [`Runner`] carries out a script through engine and gate,
//!   [`DurableLedger`] is the memory of the gate, [`meters::Meters`] count what is asked for.
//! - Command line: [`headless`] runs a script over a local folder that is marked synthetic.
//!
//! What it is not: it sees no identity number, no project pseudonym and no permit, and of an account only its id.

mod compare;
mod diagnostics;
mod exports;
pub mod feasibility;
pub mod headless;
mod ledger;
mod metadata;
pub mod meters;
mod model;
mod node;
mod policies;
mod queue;
mod runner;
mod sql;
mod workspace;

pub use compare::{Change, compare};
pub use diagnostics::to_wire;
pub use exports::exported;
pub use ledger::{DurableLedger, EpochError, MembersOnDisk, begin_epoch};
pub use metadata::MetadataCatalogue;
pub use model::{
    Progress, RunHead, RunRequest, RunState, RunView, Save, SavedScript, Script, ScriptHead, ScriptId, Share,
};
pub use node::RunService;
pub use policies::{PolicyFile, PolicyFileError, PolicyLine};
pub use runner::{Job, Place, Ran, Runner, RunnerError, RunnerParts, SnapshotBudget, SnapshotUsage, Switch, Watch};
pub use workspace::{MetersPage, Workspace};
