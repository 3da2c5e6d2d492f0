//! Measures what a script with a model takes as a whole: imports, the fit, what the gate must know of the persons behind every column, and
//! the release. Run by `cargo xtask bench models [--persons N]`; prints Markdown.
//!
//! Persons have a sex, an age, an education, a place, a marital status, an income and a time until an event, in memory. Every run takes
//! another selection of them, so that nothing of it is known; the ledger is in memory too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use disclosure::{Ctx, Gate, GateKeys, MemoryLedger, Policy, Unmetered};
use engine::memory::{Fact, MemorySource};
use engine::source::VariableSource;
use engine::{ImportCache, Outcome, Parameters, SourceCatalogue, Unattended};
use kernel::{LangMap, Language, Timestamp};
use script::program::Literal;
use script::{DataType, Temporality, UnitType, VariableInfo};

type Failure = Box<dyn std::error::Error>;

/// The key of the persons' record keys.
const DATASET_KEY: [u8; 32] = [7; 32];
/// Selections that are fitted; the first makes caches and pages.
const RUNS: u32 = 6;
const IMPORTS: &str = "require no.hap.bench:1 as db\ncreate-dataset d\nimport db/SEX as sex\nimport db/AGE as age\n\
    import db/EDUCATION as education\nimport db/PLACE as place\nimport db/MARITAL as marital\nimport db/INCOME as income\n\
    import db/EVENT as event\nimport db/TIME as time\n";
const TERMS: &str = "age sex i.education i.place i.marital";
/// Name, and the statement before its terms.
const MODELS: [(&str, &str); 4] = [
    ("no model", ""),
    ("linear regression", "regress income"),
    ("logistic regression", "logit event"),
    ("Cox regression", "cox event time"),
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

/// A number below another that looks like any, from a person and a variable.
fn mixed(person: u32, salt: u64, below: u64) -> i64 {
    let x = (u64::from(person) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93);
    let x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    ((x ^ x >> 32) % below) as i64
}

fn source(persons: u32) -> Result<Arc<dyn VariableSource>, Failure> {
    let facts = |of: &dyn Fn(u32) -> i64| -> Vec<Fact> {
        let fact = |p| Fact { unit: p, value: Literal::Integer(of(p)), start: None, stop: None };
        (0..persons).map(fact).collect()
    };
    let age = |p| 18 + mixed(p, 2, 70);
    let source = MemorySource::new(true)
        .space("FNR", persons, &DATASET_KEY)
        .variable(variable("SEX")?, facts(&|p| mixed(p, 1, 2)))
        .variable(variable("AGE")?, facts(&age))
        .variable(variable("EDUCATION")?, facts(&|p| mixed(p, 3, 9)))
        .variable(variable("PLACE")?, facts(&|p| mixed(p, 4, 15)))
        .variable(variable("MARITAL")?, facts(&|p| mixed(p, 5, 4)))
        .variable(variable("INCOME")?, facts(&|p| mixed(p, 6, 1_000_000) + 2000 * age(p) - 20_000 * mixed(p, 1, 2)))
        .variable(variable("EVENT")?, facts(&|p| i64::from(mixed(p, 7, 200) < age(p))))
        .variable(variable("TIME")?, facts(&|p| 1 + mixed(p, 8, 3650)));
    Ok(Arc::new(source))
}

/// What a script took to its released result, and what of it the last statement with the gate took.
fn run(source: &Arc<dyn VariableSource>, model: &str, run: u32) -> Result<[Duration; 2], Failure> {
    let statement = if model.is_empty() { String::new() } else { format!("{model} {TERMS}\n") };
    let text = format!("{IMPORTS}keep if income >= {}\n{statement}", run * 1500);
    let settings = script::Settings { running: true, ..script::Settings::default() };
    let (keys, policy, mut ledger) = (GateKeys::new(DATASET_KEY, [9; 32]), Policy::standard(), MemoryLedger::default());
    let ctx = Ctx {
        account: "bench",
        project: "bench",
        at: Timestamp::from_micros(1_795_252_500_000_000),
        script: "sha256:bench",
        statement: 1,
        metered_as: 0,
        statistics: &[],
        keys: &keys,
        meter: &Unmetered,
    };
    let started = Instant::now();
    let checked = script::compile(&text, &SourceCatalogue(&**source), &settings);
    let program = checked.program.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
    let cache = Arc::new(ImportCache::new(4 << 30));
    let mut engine = engine::Run::new(Arc::clone(source), cache, Parameters::default(), Language::En);
    let mut last = Duration::ZERO;
    for step in &program.steps {
        let begun = Instant::now();
        let outcome = engine.execute(step, &Unattended).map_err(|_| format!("does not run: {text}"))?;
        engine.accept();
        if let Outcome::Model(raw) = outcome {
            let released = Gate::release(&policy, &mut ledger, &ctx, raw);
            released.map_err(|_| format!("was not released: {text}"))?;
        }
        last = begun.elapsed();
    }
    Ok([started.elapsed(), last])
}

fn ms(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    format!("{:.0}", median.as_secs_f64() * 1000.0)
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut persons = 1_000_000;
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--persons", Some(number)) => persons = number.parse()?,
            _ => return Err(format!("unknown: {argument}").into()),
        }
    }
    let source = source(persons)?;
    println!(
        "Whole scripts over {persons} persons, of whom nearly all are in the model: eight imports, a selection, and a model with the\n\
         terms `{TERMS}` (28 columns). Milliseconds, medians of {}, {} threads.\n",
        RUNS - 1,
        rayon::current_num_threads()
    );
    println!("| script with | whole | of it the last statement, with the gate |\n|---|---:|---:|");
    for (name, model) in MODELS {
        let all = (0..RUNS).map(|number| run(&source, model, number)).collect::<Result<Vec<_>, Failure>>()?;
        let [mut whole, mut last] = [0, 1].map(|i| all[1..].iter().map(|times| times[i]).collect::<Vec<Duration>>());
        println!("| {name} | {} | {} |", ms(&mut whole), ms(&mut last));
    }
    Ok(())
}
