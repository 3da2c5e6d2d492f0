//! The data zone's side of a run: a script is checked against the metadata of the source, carried out by the engine
//! statement by statement, and every raw result goes through the gate before anything is said about it. What comes out is
//! a sealed document and diagnostics.
//!
//! This module is the loop over statements; how a raw result passes the gate and is to be shown stands in `results`. It
//! decides nothing about disclosure and keeps nothing but the ledger it was given.

mod results;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use disclosure::{Document, Entry, GateKeys, Head, Ledger, Policy, SealedDocument, StoreUsed};
use engine::source::{StoreVersion, VariableSource};
use engine::{Control, ImportCache, Parameters, RunError, SourceCatalogue, Stop};
use kernel::{Clock, LangMap, Language, Signer, Timestamp};
use script::program::{Action, Step};
use script::{Code, Diagnostic};

use results::{Counter, Shown};

/// Longest time for one statement, in seconds (language.md section 11).
const STATEMENT_SECONDS: i64 = 600;
/// Longest time for a script, in seconds.
const SCRIPT_SECONDS: i64 = 7200;

/// What a runner needs: data, rules, keys, memory of the gate, and who signs what leaves.
pub struct RunnerParts {
    /// Where variables come from.
    pub source: Arc<dyn VariableSource>,
    /// Imported columns, shared by all runs.
    pub cache: Arc<ImportCache>,
    /// The policy in force.
    pub policy: Policy,
    /// The keys of the gate.
    pub keys: Arc<GateKeys>,
    /// The memory of the gate.
    pub ledger: Box<dyn Ledger>,
    /// Signs released documents (listed with the role of a gate).
    pub signer: Arc<dyn Signer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Carries out scripts. One per data zone; runs share its cache and its ledger.
pub struct Runner {
    source: Arc<dyn VariableSource>,
    cache: Arc<ImportCache>,
    policy: Policy,
    keys: Arc<GateKeys>,
    ledger: Mutex<Box<dyn Ledger>>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Id of the run.
    pub run: &'a str,
    /// The account that asks.
    pub account: &'a str,
    /// The project that is charged.
    pub project: &'a str,
    /// The script.
    pub script: &'a str,
    /// Language of labels.
    pub language: Language,
}

/// Watches a run from outside.
pub trait Watch: Sync {
    /// Whether the user has cancelled it.
    fn cancelled(&self) -> bool;

    /// Statement `statement` of `of` has seen this share of the units. Never a number of rows (SDC-180).
    fn progress(&self, statement: usize, of: usize, share: f32);
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
    fn progress(&self, _: usize, _: usize, _: f32) {}
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
    /// Whether the gate refused a statement.
    pub refused: bool,
    /// The time it took, rounded up to a slot (SDC-182).
    pub duration_ms: u64,
}

impl Ran {
    /// Whether a statement failed or was refused.
    pub fn stopped(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

impl Runner {
    /// A runner of these parts.
    pub fn new(parts: RunnerParts) -> Self {
        let RunnerParts { source, cache, policy, keys, ledger, signer, clock } = parts;
        Self { source, cache, policy, keys, ledger: Mutex::new(ledger), signer, clock }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
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

    /// Runs a script to its end, or to the first statement that fails or is refused (LANG-093). Waits for the data and
    /// for the ledger, so it belongs on a thread that may wait.
    ///
    /// # Errors
    /// [`RunnerError`]; then nothing was released.
    pub fn run(&self, job: &Job<'_>, watch: &dyn Watch) -> Result<Ran, RunnerError> {
        let started = self.clock.now();
        let settings = script::Settings { running: true, ..script::Settings::default() };
        let checked = script::compile(job.script, &SourceCatalogue(&*self.source), &settings);
        let mut work = Work {
            runner: self,
            job,
            digest: kernel::sha256_hex(job.script.as_bytes()),
            started,
            results: Vec::new(),
            stores: Vec::new(),
            refused: false,
        };
        let mut diagnostics = checked.diagnostics;
        if let Some(program) = checked.program.filter(|_| !diagnostics.iter().any(Diagnostic::is_error)) {
            diagnostics.extend(work.steps(&program.steps, watch)?);
            script::sort(&mut diagnostics);
        }
        let head = Head {
            run: job.run.to_owned(),
            script: work.digest.clone(),
            stores: work.stores.clone(),
            at: self.clock.now(),
        };
        let released = Document::new(head, work.results);
        let document = SealedDocument::seal(released.head.clone(), released.results.clone(), &*self.signer)
            .map_err(|_| RunnerError::Unavailable("the key of the gate".to_owned()))?;
        let duration_ms = slot_ms(started, self.clock.now());
        Ok(Ran { released, document, diagnostics, stores: work.stores, refused: work.refused, duration_ms })
    }
}

/// The end of the time slot: 50 ms times a power of two (SDC-182).
fn slot_ms(from: Timestamp, to: Timestamp) -> u64 {
    let took = u64::try_from((to.micros() - from.micros()) / 1000).unwrap_or(0);
    (0..24).map(|k| 50u64 << k).find(|slot| *slot >= took).unwrap_or(took)
}

/// A run at work.
struct Work<'a> {
    runner: &'a Runner,
    job: &'a Job<'a>,
    digest: String,
    started: Timestamp,
    results: Vec<Entry>,
    stores: Vec<StoreUsed>,
    refused: bool,
}

/// How a statement ended that did not succeed.
enum Halt {
    /// With a diagnostic; the run stops there.
    Told(Box<Diagnostic>),
    Broken(RunnerError),
}

impl Halt {
    /// Whether the gate refused the statement.
    fn refused(&self) -> bool {
        matches!(self, Halt::Told(diagnostic) if diagnostic.code.as_str().starts_with("E4"))
    }
}

impl From<RunnerError> for Halt {
    fn from(error: RunnerError) -> Self {
        Halt::Broken(error)
    }
}

/// What the engine is told and asked while one statement works.
struct Tether<'a> {
    watch: &'a dyn Watch,
    clock: &'a dyn Clock,
    deadline: Timestamp,
    statement: usize,
    of: usize,
}

impl Control for Tether<'_> {
    fn stop(&self) -> Option<Stop> {
        if self.watch.cancelled() {
            Some(Stop::Cancelled)
        } else if self.clock.now() > self.deadline {
            Some(Stop::OutOfTime)
        } else {
            None
        }
    }
    fn progress(&self, share: f32) {
        self.watch.progress(self.statement, self.of, share);
    }
}

impl Work<'_> {
    /// Carries out the plan. Gives the diagnostic of the statement that ended it, if one did.
    fn steps(&mut self, steps: &[Step], watch: &dyn Watch) -> Result<Option<Diagnostic>, RunnerError> {
        let runner = self.runner;
        let parameters = Parameters { window: runner.policy.rules().percentile.k, ..Parameters::default() };
        let mut run =
            engine::Run::new(Arc::clone(&runner.source), Arc::clone(&runner.cache), parameters, self.job.language);
        for (i, step) in steps.iter().enumerate() {
            let now = runner.clock.now();
            let deadline = now.plus_seconds(STATEMENT_SECONDS).min(self.started.plus_seconds(SCRIPT_SECONDS));
            let tether = Tether { watch, clock: &*runner.clock, deadline, statement: i + 1, of: steps.len() };
            match self.step(&mut run, step, i, &tether) {
                Ok(()) => {}
                Err(Halt::Told(diagnostic)) => return Ok(Some(*diagnostic)),
                Err(Halt::Broken(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn step(&mut self, run: &mut engine::Run, step: &Step, number: usize, control: &Tether<'_>) -> Result<(), Halt> {
        if let Action::Require { store, version, .. } = &step.action {
            self.uses(store, version)?;
        }
        if let Some(shown) = results::from_metadata(step) {
            self.push(step, shown);
            return Ok(());
        }
        let outcome = run.execute(step, control).map_err(|error| halt(error, step))?;
        let counter = Counter { runner: self.runner, job: self.job, script: &self.digest, number };
        let shown = counter.release(step, outcome).inspect_err(|halt| self.refused |= halt.refused())?;
        run.accept();
        shown.into_iter().for_each(|shown| self.push(step, shown));
        Ok(())
    }

    fn uses(&mut self, store: &str, version: &str) -> Result<(), Halt> {
        let at = StoreVersion { store: store.to_owned(), version: version.to_owned() };
        let digest = self.runner.source.version_digest(&at);
        let digest = digest.map_err(|e| RunnerError::Unavailable(e.to_string()))?;
        let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let used = StoreUsed { store: at.store, version: at.version, digest: format!("blake3:{digest}") };
        if !self.stores.contains(&used) {
            self.stores.push(used);
        }
        Ok(())
    }

    fn push(&mut self, step: &Step, shown: Shown) {
        let Shown { view, warnings, notes, content } = shown;
        self.results.push(Entry {
            id: u32::try_from(self.results.len() + 1).unwrap_or(u32::MAX),
            line: step.line(),
            pass: step.pass,
            command: step.text.clone(),
            view,
            warnings,
            notes,
            content,
        });
    }
}

fn halt(error: RunError, step: &Step) -> Halt {
    match error {
        RunError::Statement { code, name, message } => {
            let mut diagnostic = Diagnostic::new(code, step.span, message);
            diagnostic.name = name.map(str::to_owned);
            Halt::Told(Box::new(diagnostic))
        }
        RunError::Unavailable(what) => RunnerError::Unavailable(what).into(),
        RunError::Stopped(Stop::Cancelled) => RunnerError::Cancelled.into(),
        RunError::Stopped(Stop::OutOfTime) => {
            let message = LangMap::of(
                "Kommandoen brukte mer tid enn tillatt.",
                "Kommandoen brukte meir tid enn tillate.",
                "The command took more time than allowed.",
            );
            Halt::Told(Box::new(Diagnostic::new(Code::E602, step.span, message)))
        }
    }
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
