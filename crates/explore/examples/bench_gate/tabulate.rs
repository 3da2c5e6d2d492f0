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
use super::{Failure, Options, median, ms};

/// The key of the persons' record keys.
const DATASET_KEY: [u8; 32] = [7; 32];
/// Selections that are tabulated.
const RUNS: u32 = 7;

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

/// A selection and its table: the time of the statement, and its raw result.
fn tabulated(
    source: &Arc<dyn VariableSource>,
    cache: &Arc<ImportCache>,
    tabulate: &str,
    run: u32,
) -> Result<(Duration, Raw<RawTable>), Failure> {
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
        let started = Instant::now();
        let outcome = engine.execute(step, &Unattended).map_err(|_| format!("does not run: {text}"))?;
        let time = started.elapsed();
        engine.accept();
        if let Outcome::Table(raw) = outcome {
            return Ok((time, raw));
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
        "A tabulate over {} persons, every set new to the ledger above; then the same table again. Milliseconds, medians of {}, {} threads.\n",
        options.persons,
        RUNS - 1,
        rayon::current_num_threads()
    );
    println!(
        "| table | sets | tabulate | gate | adds | asked for | gate, known sets |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    for (name, tabulate) in TABLES {
        let (mut statements, mut gates, mut again, mut sets) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for run in 0..RUNS {
            let (time, raw) = tabulated(&source, &cache, tabulate, run)?;
            sets = raw.peek().cells.len();
            let started = Instant::now();
            let released = Gate::release(&policy, &mut ledger, &ctx(&keys), raw);
            let gate = started.elapsed();
            released.map_err(|_| format!("{name} was not released"))?;
            let (_, raw) = tabulated(&source, &cache, tabulate, run)?;
            let started = Instant::now();
            let released = Gate::release(&policy, &mut ledger, &ctx(&keys), raw);
            let known = started.elapsed();
            released.map_err(|_| format!("{name} was not released again"))?;
            // The first run makes caches and pages.
            if run > 0 {
                statements.push(time);
                gates.push(gate);
                again.push(known);
            }
            ledger.settle();
        }
        let (statement, gate, known) = (median(statements), median(gates), median(again));
        let share = 100.0 * gate.as_secs_f64() / statement.as_secs_f64();
        println!("| {name} | {sets} | {} | {} | +{share:.0} % | +25 % | {} |", ms(statement), ms(gate), ms(known));
    }
    Ok(())
}
