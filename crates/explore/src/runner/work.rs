//! One run at work: which statements are carried out, which are taken from an earlier run, and where it stops.
//!
//! A statement whose key is known has been carried out before on the same data: what it released then is its result, and
//! the gate is not asked again (LANG-300). The state that it left is fetched only when a statement that is carried out
//! reads it; where that state has been forgotten, the statements that make it are carried out again without their results.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use disclosure::{Entry, Policy, StoreUsed};
use engine::source::StoreVersion;
use engine::{Control, DatasetState, Outcome, Parameters, RunError, Stop};
use kernel::{Clock, LangMap, Timestamp};
use script::program::{Action, Name, Object, Step};
use script::{Code, Diagnostic, Related};

use super::keys::{ABSENT, Common, Key, Keyed, only_shows};
use super::results::{self, Counter, Shown};
use crate::meters;

use super::{Job, Place, Runner, RunnerError, Watch};
use crate::exports;

/// Longest time for one statement, in seconds (language.md section 11).
const STATEMENT_SECONDS: i64 = 600;
/// Longest time for a script, in seconds.
const SCRIPT_SECONDS: i64 = 7200;

/// A run at work.
pub(super) struct Work<'a> {
    runner: &'a Runner,
    job: &'a Job<'a>,
    watch: &'a dyn Watch,
    /// Digest of the script.
    digest: &'a str,
    started: Timestamp,
    run: engine::Run,
    /// The state of each dataset of `run`, where it is not absent.
    held: HashMap<Name, Key>,
    /// Objects that a failed statement would have changed, with its line.
    lost: HashMap<Object, u32>,
    keep_going: bool,
    /// Nothing is taken from earlier runs (LANG-226).
    anew: bool,
    /// What each statement asks for that is metered.
    uses: Vec<meters::Use>,
    /// What each statement is metered as (SDC-170): its key, or, where it has none, its place in the script.
    metered_as: Vec<[u8; 32]>,
    /// How often the gate has been asked for the statement at work.
    asked: Cell<u64>,
    /// The policy that counts for each statement (SDC-010).
    policies: Vec<Arc<Policy>>,
    outcome: Worked,
}

/// What a run gave.
#[derive(Default)]
pub(super) struct Worked {
    pub(super) results: Vec<Entry>,
    pub(super) stores: Vec<StoreUsed>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Statements that were carried out; the others were taken from earlier runs.
    pub(super) carried_out: usize,
}

/// How a statement ended that did not succeed.
pub(super) enum Halt {
    /// With a diagnostic.
    Told(Box<Diagnostic>),
    /// With the whole run.
    Broken(RunnerError),
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
    place: Place,
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
        self.watch.progress(self.place, share);
    }
}

impl<'a> Work<'a> {
    pub(super) fn new(
        runner: &'a Runner,
        job: &'a Job<'a>,
        watch: &'a dyn Watch,
        digest: &'a str,
        started: Timestamp,
    ) -> Self {
        let parameters = Parameters { window: runner.policy().rules().percentile.k, ..Parameters::default() };
        let run = engine::Run::new(Arc::clone(&runner.source), Arc::clone(&runner.cache), parameters, job.language);
        Self {
            runner,
            job,
            watch,
            digest,
            started,
            run,
            held: HashMap::new(),
            lost: HashMap::new(),
            keep_going: job.keep_going,
            anew: false,
            uses: Vec::new(),
            metered_as: Vec::new(),
            asked: Cell::new(0),
            policies: Vec::new(),
            outcome: Worked::default(),
        }
    }

    /// Carries out the plan to its end, or to the first statement that fails or is refused (LANG-302).
    pub(super) fn steps(mut self, steps: &[Step]) -> Result<Worked, RunnerError> {
        let runner = self.runner;
        self.uses = meters::uses(steps);
        let in_force = self.uses.iter().map(|usage| runner.policies.of(self.job, usage)).collect::<Result<_, _>>();
        self.policies = in_force.map_err(|e| RunnerError::Unavailable(e.to_string()))?;
        let common = Common { source: &*runner.source, language: self.job.language };
        let keys = common.keys(steps, &self.policies);
        let place = |i: usize| blake3::Hasher::new().update(self.digest.as_bytes()).update(&i.to_le_bytes()).finalize();
        self.metered_as = keys.iter().enumerate().map(|(i, k)| k.key.unwrap_or_else(|| *place(i).as_bytes())).collect();
        let mut left: HashMap<&Name, Key> = HashMap::new();
        for (i, step) in steps.iter().enumerate() {
            if self.watch.cancelled() {
                return Err(RunnerError::Cancelled);
            }
            match self.step(steps, &keys, i) {
                Ok(()) => left.extend(keys[i].writes.iter().map(|(name, key)| (name, *key))),
                Err(Halt::Broken(error)) => return Err(error),
                Err(Halt::Told(diagnostic)) => {
                    self.outcome.diagnostics.push(*diagnostic);
                    if !self.keep_going {
                        break;
                    }
                    self.lost.extend(keys[i].makes.iter().map(|object| (object.clone(), step.line())));
                }
            }
        }
        runner.memos.last(self.job.project, left.into_values().collect());
        Ok(self.outcome)
    }

    fn step(&mut self, steps: &[Step], keys: &[Keyed], i: usize) -> Result<(), Halt> {
        let (step, keyed) = (&steps[i], &keys[i]);
        match &step.action {
            Action::Require { store, version, .. } => self.uses(store, version)?,
            Action::Continue => self.keep_going = true,
            Action::NoCache => self.anew = true,
            _ => {}
        }
        let missing = keyed.needs.iter().find_map(|object| self.lost.get(object));
        if let Some(line) = missing {
            return Err(Halt::Told(Box::new(skipped(step, *line))));
        }
        if self.job.from_line.is_some_and(|from| step.line() < from) && only_shows(step) {
            return Ok(());
        }
        let key = keyed.key.filter(|_| !self.anew);
        let known = key.and_then(|key| self.runner.memos.released(self.job.project, &key));
        let shown = match known {
            Some(shown) => shown,
            None => {
                let shown = match self.without_data(step)? {
                    Some(said) => vec![said],
                    None => {
                        self.make_ready(steps, keys, i)?;
                        self.carry_out(steps, keyed, i)?
                    }
                };
                let shown = Arc::new(shown);
                if let Some(key) = keyed.key {
                    self.runner.memos.keep_released(self.job.project, key, Arc::clone(&shown));
                }
                shown
            }
        };
        if matches!(step.action, Action::Clear) {
            self.outcome.results.clear();
            self.lost.clear();
        }
        if self.job.from_line.is_none_or(|from| step.line() >= from) {
            shown.iter().for_each(|shown| self.push(step, shown));
        }
        Ok(())
    }

    /// What needs no data: said from metadata, or about the results so far.
    fn without_data(&self, step: &Step) -> Result<Option<Shown>, Halt> {
        match &step.action {
            Action::Export(plan) => {
                exports::said(plan, step, &self.outcome.results).map(|said| Some(Shown::said(said))).map_err(Halt::Told)
            }
            _ => Ok(results::from_metadata(step)),
        }
    }

    /// Lets the engine carry out a statement and takes its outcome through the gate.
    fn carry_out(&mut self, steps: &[Step], keyed: &Keyed, i: usize) -> Result<Vec<Shown>, Halt> {
        let released = self
            .filled(steps, i)
            .and_then(|outcome| self.counter(i, &self.tether(steps, i)).release(&steps[i], outcome));
        match released {
            Ok(mut shown) => {
                if let Some(last) = shown.last_mut() {
                    last.warnings.extend_from_slice(self.run.warnings());
                }
                self.run.accept();
                self.outcome.carried_out += 1;
                self.keep(keyed);
                Ok(shown)
            }
            Err(halt) => {
                self.run.refuse();
                Err(halt)
            }
        }
    }

    /// Carries out a statement; groups that wait for their values get those that the gate gives them.
    fn filled(&mut self, steps: &[Step], i: usize) -> Result<Outcome, Halt> {
        let step = &steps[i];
        let tether = self.tether(steps, i);
        match self.execute(steps, i)? {
            Outcome::Groups(raws) => {
                let values = self.counter(i, &tether).group_values(step, raws)?;
                self.run.fill(&values, &tether).map_err(|error| halt(error, step))
            }
            outcome => Ok(outcome),
        }
    }

    fn execute(&mut self, steps: &[Step], i: usize) -> Result<Outcome, Halt> {
        let step = &steps[i];
        self.asked.set(0);
        if matches!(step.action, Action::Use { .. }) {
            // The plan says of every statement which dataset it works on.
            return Ok(Outcome::Done);
        }
        let tether = self.tether(steps, i);
        self.watch.progress(tether.place, 0.0);
        self.run.activate(step.dataset.as_ref());
        self.run.average_percentiles_over(self.policies[i].rules().percentile.k);
        self.run.execute(step, &tether).map_err(|error| halt(error, step))
    }

    fn tether(&self, steps: &[Step], i: usize) -> Tether<'a> {
        let clock: &'a dyn Clock = &*self.runner.clock;
        let deadline = clock.now().plus_seconds(STATEMENT_SECONDS).min(self.started.plus_seconds(SCRIPT_SECONDS));
        let place = Place { statement: i + 1, of: steps.len(), line: steps[i].line() };
        Tether { watch: self.watch, clock, deadline, place }
    }

    fn counter<'c>(&'c self, i: usize, control: &'c dyn Control) -> Counter<'c> {
        Counter {
            runner: self.runner,
            job: self.job,
            script: self.digest,
            metered_as: self.metered_as[i],
            asked: &self.asked,
            number: i,
            usage: &self.uses[i],
            policy: &self.policies[i],
            control,
        }
    }

    /// The statement has taken effect: what it left is kept for later runs.
    fn keep(&mut self, keyed: &Keyed) {
        for (name, key) in &keyed.writes {
            match self.run.dataset_state(name) {
                Some(state) => {
                    self.held.insert(name.clone(), *key);
                    self.runner.memos.keep_state(self.job.project, *key, state);
                }
                None => drop(self.held.remove(name)),
            }
        }
    }

    /// Puts every dataset that statement `i` reads into the state it is to be read in.
    fn make_ready(&mut self, steps: &[Step], keys: &[Keyed], i: usize) -> Result<(), Halt> {
        let mut fetched = HashMap::new();
        let again = self.to_do_again(keys, i, &mut fetched);
        if !again.is_empty() {
            // From nothing, in the order of the script: then every statement finds what it found the first time.
            self.held.keys().cloned().collect::<Vec<_>>().iter().for_each(|name| self.run.put_dataset(name, None));
            self.held.clear();
        }
        for j in again {
            self.put(&keys[j], &mut fetched);
            // The gate has accepted this statement before, on the same data; its raw result is left unread, save that of a
            // model whose predictions are columns: the gate says again on whom it is fitted, which is known by now. So are the
            // values of groups.
            let outcome = self.filled(steps, j)?;
            if matches!(outcome, Outcome::Predictions(_)) {
                self.counter(j, &self.tether(steps, j)).release(&steps[j], outcome)?;
            }
            self.run.accept();
            self.outcome.carried_out += 1;
            self.keep(&keys[j]);
        }
        self.put(&keys[i], &mut fetched);
        Ok(())
    }

    /// The statements that must be carried out again before `i` can be, in the order of the script. States that are known
    /// are put into `fetched`, where nobody can forget them meanwhile.
    fn to_do_again(&self, keys: &[Keyed], i: usize, fetched: &mut HashMap<Key, DatasetState>) -> Vec<usize> {
        let ready = |name: &Name, key: &Key| *key == ABSENT || self.held.get(name) == Some(key);
        let (mut again, mut open) = (HashSet::new(), vec![i]);
        while let Some(j) = open.pop() {
            for (name, key) in &keys[j].reads {
                if ready(name, key) || fetched.contains_key(key) {
                    continue;
                }
                if let Some(state) = self.runner.memos.state(self.job.project, key) {
                    fetched.insert(*key, state);
                    continue;
                }
                let maker = keys[..j].iter().rposition(|k| k.writes.iter().any(|(_, written)| written == key));
                if let Some(maker) = maker.filter(|m| again.insert(*m)) {
                    open.push(maker);
                }
            }
        }
        if !again.is_empty() {
            // What the run holds now goes, so it is fetched as well.
            for (name, key) in &self.held {
                if let Some(state) = self.run.dataset_state(name) {
                    fetched.insert(*key, state);
                }
            }
        }
        let mut again: Vec<usize> = again.into_iter().collect();
        again.sort_unstable();
        again
    }

    fn put(&mut self, keyed: &Keyed, fetched: &mut HashMap<Key, DatasetState>) {
        for (name, key) in &keyed.reads {
            if *key == ABSENT || self.held.get(name) == Some(key) {
                continue;
            }
            if let Some(state) = fetched.get(key) {
                self.run.put_dataset(name, Some(state.clone()));
                self.held.insert(name.clone(), *key);
            }
        }
    }

    fn uses(&mut self, store: &str, version: &str) -> Result<(), Halt> {
        let at = StoreVersion { store: store.to_owned(), version: version.to_owned() };
        let digest = self.runner.source.version_digest(&at);
        let digest = digest.map_err(|e| RunnerError::Unavailable(e.to_string()))?;
        let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let used = StoreUsed { store: at.store, version: at.version, digest: format!("blake3:{digest}") };
        if !self.outcome.stores.contains(&used) {
            self.outcome.stores.push(used);
        }
        Ok(())
    }

    fn push(&mut self, step: &Step, shown: &Shown) {
        let Shown { view, warnings, notes, content } = shown.clone();
        let told = warnings.iter().map(|w| w.code.to_string()).collect();
        for warning in warnings {
            let diagnostic = Diagnostic::new(warning.code, step.span, warning.message);
            // Once for all passes of a loop.
            if !self.outcome.diagnostics.contains(&diagnostic) {
                self.outcome.diagnostics.push(diagnostic);
            }
        }
        self.outcome.results.push(Entry {
            id: u32::try_from(self.outcome.results.len() + 1).unwrap_or(u32::MAX),
            line: step.line(),
            pass: step.pass,
            command: step.text.clone(),
            view,
            warnings: told,
            notes,
            content,
        });
    }
}

/// How the engine's refusal of a statement is told.
pub(super) fn halt(error: RunError, step: &Step) -> Halt {
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

/// A statement that reads what a failed one was to make (LANG-302).
fn skipped(step: &Step, line: u32) -> Diagnostic {
    let message = LangMap::of(
        &format!("Hoppet over: bygger på linje {line}, som ikke ble utført."),
        &format!("Hoppa over: byggjer på linje {line}, som ikkje vart utført."),
        &format!("Skipped: builds on line {line}, which was not carried out."),
    );
    let mut diagnostic = Diagnostic::new(Code::E603, step.span, message);
    let about = LangMap::of(&format!("linje {line}"), &format!("linje {line}"), &format!("line {line}"));
    diagnostic.related.push(Related { span: None, message: about });
    diagnostic
}
