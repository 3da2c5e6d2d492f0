//! The data zone's side of a run: a script is checked against the metadata of the source, carried out by the engine
//! statement by statement, and every raw result goes through the gate before anything is said about it. What comes out is
//! a sealed document and diagnostics.
//!
//! This module is the loop over statements; how a raw result passes the gate and is to be shown stands in `results`. It
//! decides nothing about disclosure and keeps nothing but the ledger it was given.

mod keys;
mod memo;
mod results;
mod work;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use disclosure::{Document, GateKeys, Head, Ledger, Policy, PolicyBook, SealedDocument, StoreUsed};
use engine::source::VariableSource;
use engine::{ImportCache, SourceCatalogue};
use kernel::{Clock, Language, Signer, Timestamp};
use script::{Diagnostic, SavedScripts};

use crate::meters::Meters;
use crate::model::digest_of;
use crate::policies::Policies;
use memo::Memos;
pub use memo::{SnapshotBudget, SnapshotUsage};
use work::{Work, Worked};

/// What a runner needs: data, rules, keys, memory of the gate, and who signs what leaves.
pub struct RunnerParts {
    /// Where variables come from.
    pub source: Arc<dyn VariableSource>,
    /// Imported columns, shared by all runs.
    pub cache: Arc<ImportCache>,
    /// The policy for everything; see [`Runner::with_policies`].
    pub policy: Policy,
    /// The keys of the gate.
    pub keys: Arc<GateKeys>,
    /// The memory of the gate.
    pub ledger: Box<dyn Ledger>,
    /// What counts the sets that are asked for, and stops them (SDC-170).
    pub meters: Arc<Meters>,
    /// Signs released documents (listed with the role of a gate).
    pub signer: Arc<dyn Signer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How much is kept of the states of runs.
    pub snapshots: SnapshotBudget,
}

/// Carries out scripts. One per data zone; runs share its cache and its ledger.
pub struct Runner {
    source: Arc<dyn VariableSource>,
    cache: Arc<ImportCache>,
    policies: Arc<Policies>,
    keys: Arc<GateKeys>,
    ledger: Mutex<Box<dyn Ledger>>,
    meters: Arc<Meters>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    memos: Memos,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// Id of the run.
    pub run: &'a str,
    /// The account that asks.
    pub account: &'a str,
    /// The workspace: what is charged, and whose earlier runs are built upon.
    pub project: &'a str,
    /// The script.
    pub script: &'a str,
    /// Language of labels.
    pub language: Language,
    /// The account has the budget of students (SDC-171).
    pub student: bool,
    /// Values for the parameters of the script (LANG-332).
    pub params: BTreeMap<String, String>,
    /// The saved scripts that it loads, by the names it uses (LANG-224).
    pub loads: BTreeMap<String, String>,
    /// Go on after an error with what does not depend on it (LANG-302).
    pub keep_going: bool,
    /// Leave out the results of earlier lines; statements that only show something are not carried out there.
    pub from_line: Option<u32>,
    /// Forms beyond microdata.no are errors.
    pub strict: bool,
}

impl<'a> Job<'a> {
    /// A run of a whole script, without parameters.
    pub fn new(run: &'a str, account: &'a str, script: &'a str, language: Language) -> Self {
        Self {
            run,
            account,
            project: account,
            script,
            language,
            student: false,
            params: BTreeMap::new(),
            loads: BTreeMap::new(),
            keep_going: false,
            from_line: None,
            strict: false,
        }
    }
}

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The statement, from 1.
    pub statement: usize,
    /// Statements of the script, loops unrolled.
    pub of: usize,
    /// Its line.
    pub line: u32,
}

/// Watches a run from outside.
pub trait Watch: Sync {
    /// Whether the user has cancelled it.
    fn cancelled(&self) -> bool;

    /// The statement at `place` has seen this share of the units. Never a number of rows (SDC-180).
    fn progress(&self, place: Place, share: f32);
}

/// Cancels when told, and hears nothing.
#[derive(Debug, Default)]
pub struct Switch(AtomicBool);

impl Switch {
    /// Ends the run within 200 ms.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Watch for Switch {
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    fn progress(&self, _: Place, _: f32) {}
}

/// Why a run gave nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunnerError {
    /// A store, key, ledger or signer does not answer.
    #[error("{0} is not available")]
    Unavailable(String),
    /// The user cancelled it.
    #[error("the run was cancelled")]
    Cancelled,
    /// The program failed. Nothing is told of what it was working on (SDC-006).
    #[error("E_INTERNAL")]
    Internal,
}

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    /// What was released.
    pub released: Document,
    /// The same, signed, as it leaves the data zone; also when there was nothing to release.
    pub document: SealedDocument,
    /// Errors, refusals and warnings, by line.
    pub diagnostics: Vec<Diagnostic>,
    /// The versions that were read.
    pub stores: Vec<StoreUsed>,
    /// Statements that were carried out; the others were taken from earlier runs (LANG-300).
    pub carried_out: usize,
    /// The time it took, rounded up to a slot (SDC-182).
    pub duration_ms: u64,
}

impl Ran {
    /// Whether a statement failed or was refused.
    pub fn stopped(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Whether the gate refused a statement.
    pub fn refused(&self) -> bool {
        self.diagnostics.iter().any(|d| d.code.as_str().starts_with("E4"))
    }
}

impl Runner {
    /// A runner of these parts.
    pub fn new(parts: RunnerParts) -> Self {
        let RunnerParts { source, cache, policy, keys, ledger, meters, signer, clock, snapshots } = parts;
        let memos = Memos::new(snapshots);
        let policies = Arc::new(Policies::new(PolicyBook::new(policy)));
        Self { source, cache, policies, keys, ledger: Mutex::new(ledger), meters, signer, clock, memos }
    }

    /// The same with stricter policies for some variables, versions, projects or roles (SDC-010). The meters that it was
    /// given follow them: a stricter budget counts from now on (SDC-171).
    pub fn with_policies(self, book: PolicyBook) -> Self {
        let policies = Arc::new(Policies::new(book));
        self.meters.follow(&policies);
        Self { policies, ..self }
    }

    /// The policy for everything.
    pub fn policy(&self) -> &Policy {
        self.policies.base()
    }

    /// The meters that it charges.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// The source it reads.
    pub fn source(&self) -> &Arc<dyn VariableSource> {
        &self.source
    }

    /// Checks a script against the metadata of the source; touches no data.
    pub fn check(&self, text: &str) -> Vec<Diagnostic> {
        let settings = script::Settings { running: true, ..script::Settings::default() };
        script::compile(text, &SourceCatalogue(&*self.source), &settings).diagnostics
    }

    /// How much is kept of earlier runs.
    pub fn snapshots(&self) -> SnapshotUsage {
        self.memos.usage()
    }

    /// Runs a script to its end, or to the first statement that fails or is refused (LANG-093, LANG-302). What an earlier
    /// run of the same workspace did is not done again (LANG-300). Waits for the data and for the ledger, so it belongs on
    /// a thread that may wait.
    ///
    /// # Errors
    /// [`RunnerError`]; then nothing is handed out.
    pub fn run(&self, job: &Job<'_>, watch: &dyn Watch) -> Result<Ran, RunnerError> {
        let started = self.clock.now();
        let settings = script::Settings {
            params: job.params.clone(),
            running: true,
            strict: job.strict,
            scripts: SavedScripts::all(job.loads.clone()),
        };
        let checked = script::compile(job.script, &SourceCatalogue(&*self.source), &settings);
        let digest = digest_of(job.script, &job.loads);
        let mut diagnostics = checked.diagnostics;
        let program = checked.program.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
        let worked = match program {
            Some(program) => Work::new(self, job, watch, &digest, started).steps(&program.steps)?,
            None => Worked::default(),
        };
        let Worked { results, stores, diagnostics: told, carried_out } = worked;
        diagnostics.extend(told);
        script::sort(&mut diagnostics);
        let head = Head { run: job.run.to_owned(), script: digest, stores: stores.clone(), at: self.clock.now() };
        let released = Document::new(head, results);
        let document = SealedDocument::seal(released.head.clone(), released.results.clone(), &*self.signer)
            .map_err(|_| RunnerError::Unavailable("the key of the gate".to_owned()))?;
        let duration_ms = slot_ms(started, self.clock.now());
        Ok(Ran { released, document, diagnostics, stores, carried_out, duration_ms })
    }
}

/// The end of the time slot: 50 ms times a power of two (SDC-182).
pub(crate) fn slot_ms(from: Timestamp, to: Timestamp) -> u64 {
    let took = u64::try_from((to.micros() - from.micros()) / 1000).unwrap_or(0);
    (0..24).map(|k| 50u64 << k).find(|slot| *slot >= took).unwrap_or(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-182: results come in slots of 50 ms times a power of two.
    #[test]
    fn sdc_182_durations_are_told_in_slots() {
        let at = Timestamp::from_micros;
        assert_eq!(slot_ms(at(0), at(0)), 50);
        assert_eq!(slot_ms(at(0), at(50_000)), 50);
        assert_eq!(slot_ms(at(0), at(51_000)), 100);
        assert_eq!(slot_ms(at(0), at(1_000_000)), 1600);
    }
}
