//! What the gate adds to a tabulate over a whole population: the engine's time for the statement, and the gate's time for
//! its raw result, with the large ledger. Every run tabulates another selection, so that all its sets are new.

use std::sync::Arc;
use std::time::{Duration, Instant};

use disclosure::{Gate, GateKeys, Policy};
use engine::memory::{Fact, MemorySource};
use engine::raw::RawTable;
use engine::source::VariableSource;
use engine::{ImportCache, Outcome, Parameters, Raw, SourceCatalogue, Unattended};
use explore::DurableLedger;
use kernel::{LangMap, Language};
use script::program::Literal;
use script::{DataType, Temporality, UnitType, VariableInfo};
use tokio::runtime::Runtime;

use super::ledger::ctx;
use super::{Failure, Options, median, ms, processor_time};

/// The key of the persons' record keys.
const DATASET_KEY: [u8; 32] = [7; 32];
/// Selections that are tabulated.
const RUNS: u32 = 11;

/// Name, tabulate, cells with their margins.
const TABLES: [(&str, &str); 3] = [
    ("sex", "tabulate sex"),
    ("sex by age group", "tabulate sex group"),
    ("municipality by sex", "tabulate municipality sex"),
];

fn variable(name: &str) -> Result<VariableInfo, Failure> {
    Ok(VariableInfo {
        store: "no.hap.bench".into(),
        version: "1.0.0.0".into(),
        name: name.into(),
        title: LangMap::of(name, name, name),
        description: LangMap::default(),
        unit_type: Arc::new(UnitType::built_in("PERSON").ok_or("no persons")?),
        temporality: Temporality::Fixed,
        data_type: DataType::Integer,
        covered_from: None,
        covered_until: None,
        status_dates: Vec::new(),
        code_list: None,
    })
}

/// A number that looks like any other, from a person and a variable.
fn mixed(person: u32, salt: u64) -> u64 {
    let x = (u64::from(person) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93);
    let x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ x >> 32
}

fn source(persons: u32) -> Result<Arc<dyn VariableSource>, Failure> {
    let facts = |of: &dyn Fn(u32) -> u64| -> Vec<Fact> {
        let fact = |p| Fact { unit: p, value: Literal::Integer(of(p) as i64), start: None, stop: None };
        (0..persons).map(fact).collect()
    };
    let source = MemorySource::new(true)
        .space("FNR", persons, &DATASET_KEY)
        .variable(variable("SEX")?, facts(&|p| mixed(p, 1) % 2))
        .variable(variable("GROUP")?, facts(&|p| mixed(p, 2) % 12))
        // Few large and many small municipalities.
        .variable(variable("MUNICIPALITY")?, facts(&|p| (mixed(p, 3) % 190) * (mixed(p, 4) % 190) / 190))
        .variable(variable("INCOME")?, facts(&|p| mixed(p, 5) % 1_000_000));
    Ok(Arc::new(source))
}

/// How long something takes: by the clock, and of all processors together.
#[derive(Default)]
struct Times {
    clock: Vec<Duration>,
    processors: Vec<Duration>,
}

impl Times {
    /// Does the work; its times count unless it is a first run.
    fn of<T>(&mut self, counts: bool, work: impl FnOnce() -> T) -> Result<T, Failure> {
        let (clock, processors) = (Instant::now(), processor_time()?);
        let done = work();
        if counts {
            self.clock.push(clock.elapsed());
            self.processors.push(processor_time()?.saturating_sub(processors));
        }
        Ok(done)
    }

    fn clock(&self) -> Duration {
        median(self.clock.clone())
    }

    /// The mean: the system counts the time of a thread in steps.
    fn processors(&self) -> Duration {
        self.processors.iter().sum::<Duration>() / self.processors.len().max(1) as u32
    }
}

fn share(part: Duration, whole: Duration) -> f64 {
    100.0 * part.as_secs_f64() / whole.as_secs_f64()
}

/// A selection and its table: its raw result, and the time of the statement where it counts.
fn tabulated(
    source: &Arc<dyn VariableSource>,
    cache: &Arc<ImportCache>,
    tabulate: &str,
    run: u32,
    times: &mut Times,
) -> Result<Raw<RawTable>, Failure> {
    let text = format!(
        "require no.hap.bench:1 as db\ncreate-dataset d\nimport db/SEX as sex\nimport db/GROUP as group\n\
         import db/MUNICIPALITY as municipality\nimport db/INCOME as income\nkeep if income >= {}\n{tabulate}\n",
        run * 1500
    );
    let settings = script::Settings { running: true, ..script::Settings::default() };
    let checked = script::compile(&text, &SourceCatalogue(&**source), &settings);
    let program = checked.program.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
    let mut engine = engine::Run::new(Arc::clone(source), Arc::clone(cache), Parameters::default(), Language::En);
    for step in &program.steps {
        let counts = run > 0 && std::ptr::eq(step, program.steps.last().ok_or("no steps")?);
        let outcome = times.of(counts, || engine.execute(step, &Unattended))?;
        engine.accept();
        if let Outcome::Table(raw) = outcome.map_err(|_| format!("does not run: {text}"))? {
            return Ok(raw);
        }
    }
    Err("no table".into())
}

/// Prints the table of what the gate adds.
#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn measure(_: &Runtime, mut ledger: DurableLedger, options: &Options) -> Result<(), Failure> {
    let source = source(options.persons)?;
    let cache = Arc::new(ImportCache::new(4 << 30));
    let keys = GateKeys::new(DATASET_KEY, [9; 32]);
    let policy = Policy::standard();
    println!(
        "A tabulate over {} persons, every set new to the ledger above; then the same table again. Milliseconds of processor time, means of {}, {} threads; behind the stroke medians by the clock. What is written behind is not in it.\n",
        options.persons,
        RUNS - 1,
        rayon::current_num_threads()
    );
    println!(
        "| table | sets | tabulate | gate | adds | asked for | gate, known sets |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    for (name, tabulate) in TABLES {
        let (mut statements, mut gates, mut again, mut sets) =
            (Times::default(), Times::default(), Times::default(), 0);
        for run in 0..RUNS {
            // The first run makes caches and pages.
            let counts = run > 0;
            let raw = tabulated(&source, &cache, tabulate, run, &mut statements)?;
            sets = raw.peek().cells.len();
            let released = gates.of(counts, || Gate::release(&policy, &mut ledger, &ctx(&keys), raw))?;
            released.map_err(|_| format!("{name} was not released"))?;
            let raw = tabulated(&source, &cache, tabulate, run, &mut Times::default())?;
            let released = again.of(counts, || Gate::release(&policy, &mut ledger, &ctx(&keys), raw))?;
            released.map_err(|_| format!("{name} was not released again"))?;
            ledger.settle();
        }
        let both = |times: &Times| format!("{} / {}", ms(times.processors()), ms(times.clock()));
        println!(
            "| {name} | {sets} | {} | {} | +{:.0} % / +{:.0} % | +25 % | {} |",
            both(&statements),
            both(&gates),
            share(gates.processors(), statements.processors()),
            share(gates.clock(), statements.clock()),
            both(&again),
        );
    }
    Ok(())
}
