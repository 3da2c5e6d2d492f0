//! What `hap` does in a process of its own, so that its memory can be told: checks, warm runs, a cold run, and the floor
//! that memory sets.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use datastore::{Assembly, Columns, PERSON_IDS};
use disclosure::Policy;
use engine::ImportCache;
use engine::source::VariableSource;
use explore::headless::SyntheticGate;
use explore::{Job, Runner, RunnerParts, SnapshotBudget, Switch};
use kernel::Language;
use rayon::prelude::*;

use super::tasks::{self, TASKS, check, script};
use super::{Failure, Line, python};

/// Bytes that the floor is measured over.
const FLOOR_BYTES: usize = 512 << 20;

pub(crate) fn run(work: &str, folder: &Path, repetitions: u32, task: Option<&str>) -> Result<(), Failure> {
    if work == "floor" {
        return say(&floor());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let zone = runtime.block_on(testkit::zone("bench"));
    let store = folder.join("hap");
    let columns = Assembly::open(&store)?;
    let tasks = TASKS.into_iter().filter(|name| task.is_none_or(|task| task == *name)).collect();
    let parts = Parts { columns, gate: store.clone(), zone, tasks };
    match work {
        "check" => parts.check(),
        "warm" => parts.warm(repetitions),
        "cold" => parts.cold(&store),
        "steps" => tasks::steps(&parts.tasks, &parts.source()?, repetitions),
        _ => Err(format!("no such work: {work}").into()),
    }
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn say(line: &Line) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}

fn line(task: &str) -> Line {
    Line {
        tool: "hap".to_owned(),
        task: task.to_owned(),
        seconds: 0.0,
        cached: None,
        first: None,
        peak_mb: 0.0,
        check: Vec::new(),
        error: None,
    }
}

struct Parts {
    columns: Columns,
    gate: std::path::PathBuf,
    zone: testkit::TestZone,
    tasks: Vec<&'static str>,
}

impl Parts {
    /// The data with the gate's keys, which are derived once in the life of a process.
    fn source(&self) -> Result<Arc<dyn VariableSource>, Failure> {
        let gate = SyntheticGate::open(&self.gate, &Policy::standard(), &testkit::Seeded::new(1))?;
        self.columns.set_dataset_key(PERSON_IDS, *gate.keys.dataset_key());
        self.columns.record_keys(PERSON_IDS)?;
        Ok(Arc::new(self.columns.clone()))
    }

    /// A runner as `hap explore run` has it; with a cache of its own, so without any import.
    fn runner(&self, source: &Arc<dyn VariableSource>) -> Result<Runner, Failure> {
        let gate = SyntheticGate::open(&self.gate, &Policy::standard(), &testkit::Seeded::new(1))?;
        Ok(Runner::new(RunnerParts {
            source: Arc::clone(source),
            cache: Arc::new(ImportCache::new(1 << 30)),
            policy: Policy::standard(),
            keys: gate.keys,
            ledger: gate.ledger,
            meters: Arc::new(explore::meters::Meters::in_memory(&Policy::standard())),
            signer: self.zone.signer.clone(),
            clock: self.zone.clock.clone(),
            // The last run of a workspace is kept whatever the budget; accounts of their own see to it that none builds upon it.
            snapshots: SnapshotBudget { workspace: 0, total: 0 },
        }))
    }

    fn check(&self) -> Result<(), Failure> {
        let source = self.source()?;
        for task in self.tasks.iter().copied() {
            let mut line = line(task);
            match check(task, &source) {
                Ok(numbers) => line.check = numbers,
                Err(error) => line.error = Some(error.to_string()),
            }
            say(&line)?;
        }
        Ok(())
    }

    fn warm(&self, repetitions: u32) -> Result<(), Failure> {
        let source = self.source()?;
        for task in self.tasks.iter().copied() {
            let script = script(task);
            let mut line = line(task);
            forget_peak()?;
            match self.times(&source, &script, repetitions) {
                Ok((first, without, with)) => {
                    (line.first, line.seconds, line.cached) = (Some(first), without, Some(with));
                }
                Err(error) => line.error = Some(error.to_string()),
            }
            line.peak_mb = peak_mb()?;
            say(&line)?;
        }
        Ok(())
    }

    /// Seconds of the first run, and the best of those without and with cached imports.
    fn times(
        &self,
        source: &Arc<dyn VariableSource>,
        script: &str,
        repetitions: u32,
    ) -> Result<(f64, f64, f64), Failure> {
        let mut first = None;
        let (mut without, mut with) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..repetitions.max(1) {
            let runner = self.runner(source)?;
            let seconds = timed(&runner, "first", script)?;
            first.get_or_insert(seconds);
            without = without.min(seconds);
            with = with.min(timed(&runner, "second", script)?);
        }
        Ok((first.unwrap_or(without), without, with))
    }

    /// T2 with all files out of memory; the process and the gate's keys are there.
    fn cold(&self, store: &Path) -> Result<(), Failure> {
        let source = self.source()?;
        let runner = self.runner(&source)?;
        if !python("evict.py").arg(store).status()?.success() {
            return Err("the files could not be dropped from memory".into());
        }
        let mut line = line("T2");
        line.seconds = timed(&runner, "first", &script("T2"))?;
        line.peak_mb = peak_mb()?;
        say(&line)
    }
}

/// A run of `account`. Two accounts share imports, but never the results of each other's earlier runs.
fn timed(runner: &Runner, account: &str, script: &str) -> Result<f64, Failure> {
    let job = Job::new("bench", account, script, Language::En);
    let start = Instant::now();
    let ran = runner.run(&job, &Switch::default())?;
    let seconds = start.elapsed().as_secs_f64();
    match ran.diagnostics.iter().find(|d| d.is_error()) {
        Some(error) => Err(format!("{} {}", error.code, error.message.text(Language::En)).into()),
        None => Ok(seconds),
    }
}

/// Bytes per second that all cores together read from memory, as `seconds` per `FLOOR_BYTES`.
fn floor() -> Line {
    let words = vec![1u64; FLOOR_BYTES / 8];
    let read = || {
        let start = Instant::now();
        let sum: u64 = words.par_chunks(1 << 17).map(|part| part.iter().fold(0u64, |s, w| s.wrapping_add(*w))).sum();
        std::hint::black_box(sum);
        start.elapsed().as_secs_f64()
    };
    let seconds = (0..7).map(|_| read()).fold(f64::INFINITY, f64::min);
    Line { seconds, check: vec![FLOOR_BYTES as f64 / seconds], ..line("floor") }
}

/// The most memory the process has held since [`forget_peak`].
fn peak_mb() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn forget_peak() -> Result<(), Failure> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}
