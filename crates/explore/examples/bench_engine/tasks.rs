//! The tasks as scripts, and the numbers in their raw results that the peers must agree on.

use std::sync::Arc;

use engine::raw::{RawSummary, RawTable};
use engine::source::VariableSource;
use engine::{ImportCache, Outcome, Parameters, SourceCatalogue, Unattended};
use kernel::Language;

use super::Failure;

/// Names of the tasks, as the peers have them.
pub(crate) const TASKS: [&str; 6] = ["T1", "T2", "T3", "T4A", "T4B", "T4C"];

/// Links eight variables at a day.
const LINK: &str = "\
require no.hap.bench:1 as db
create-dataset people
import db/SEX as sex
import db/BIRTH as birth
import db/COUNTRY as country
import db/DEATH as death
import db/MUNICIPALITY 2018-01-01 as municipality
import db/MARITAL 2018-01-01 as marital
import db/EDUCATION 2018-01-01 as education
import db/INCOME 2018-01-01 as income
";
/// Those alive on the day, grown up, with municipality and education.
const FILTER: &str = "\
keep if (sysmiss(death) | death >= date(2018, 1, 1)) & birth < 200001 & !sysmiss(municipality) & !sysmiss(education)
";
const AGE_GROUP: &str = "\
generate age = 2018 - int(birth / 100)
recode age (min/29 = 0) (30/44 = 1) (45/59 = 2) (60/69 = 3) (70/79 = 4) (80/max = 5)
";
const COUNT_AND_LINK: &str = "\
collapse (count) code -> n, by(PERSONID_1)
create-dataset people
import db/SEX as sex
use events
merge n into people
use people
";
const BY_NUMBER: &str = "\
recode n (missing = 0) (3/max = 3)
tabulate sex n
";

/// The script of a task.
pub(crate) fn script(task: &str) -> String {
    let events = |register: &str, from: &str, to: &str, condition: &str| {
        let [year, month, day] = [0..4, 5..7, 8..10].map(|part| from[part].trim_start_matches('0').to_owned());
        format!(
            "require no.hap.bench:1 as db\ncreate-dataset events\nimport-event db/{register} {from} to {to} as code\n\
             keep if {condition}START@code >= date({year}, {month}, {day})\n{COUNT_AND_LINK}"
        )
    };
    match task {
        "T1" => LINK.to_owned(),
        "T2" => {
            let education = "recode education (0/2 = 0) (3/5 = 1) (6/8 = 2)\n";
            format!("{LINK}{FILTER}{AGE_GROUP}{education}tabulate sex age education\n")
        }
        // Of the five percentiles a table of the language has the middle three.
        "T3" => format!("{LINK}{FILTER}tabulate municipality, summarize(income) mean p25 p50 p75\n"),
        "T4A" => events("DIAGNOSIS", "2015-01-01", "2019-12-31", "startswith(code, 'I21') & ") + BY_NUMBER,
        "T4B" => {
            let events = events("DIAGNOSIS", "2015-01-01", "2019-12-31", "");
            format!(
                "{events}import db/BIRTH as birth\n{AGE_GROUP}recode n (missing = 0)\ntabulate sex age, summarize(n) mean\n"
            )
        }
        _ => events("DISPENSING", "2018-01-01", "2018-12-31", "startswith(code, 'C') & ") + BY_NUMBER,
    }
}

/// The script of a task with what its check needs beside.
fn checking(task: &str) -> String {
    let more = match task {
        "T1" => {
            "tabulate sex\ntabulate municipality\ntabulate marital\nsummarize birth country death education income\n"
        }
        _ => "",
    };
    script(task) + more
}

/// What the raw results of a task say, before the gate; in the order of the peers' checks.
pub(crate) fn check(task: &str, source: &Arc<dyn VariableSource>) -> Result<Vec<f64>, Failure> {
    let program = compiled(&checking(task), source)?;
    let cache = Arc::new(ImportCache::new(1 << 30));
    let mut run = engine::Run::new(Arc::clone(source), cache, Parameters::default(), Language::En);
    let (mut population, mut tables, mut summary) = (0, Vec::new(), None);
    for step in &program.steps {
        match run.execute(step, &Unattended)? {
            Outcome::Population(raw) => population = raw.peek().rows,
            Outcome::Table(raw) => tables.push(raw),
            Outcome::Summary(raw) => summary = Some(raw),
            _ => {}
        }
        run.accept();
    }
    let tables: Vec<&RawTable> = tables.iter().map(|t| t.peek()).collect();
    let last = *tables.last().ok_or("no table")?;
    Ok(match task {
        "T1" => linked(population, &tables, summary.as_ref().ok_or("no summary")?.peek()),
        "T3" => by_municipality(last),
        "T4B" => inner(last).map(|c| last.cells[c].magnitudes[0].plain.mean.unwrap_or(0.0)).collect(),
        _ => inner(last).map(|c| last.cells[c].rows as f64).collect(),
    })
}

/// Prints the least processor time of every statement in the engine alone, without and with cached imports: where a task's
/// time goes. It is that of all threads together, and says the same on a busy machine.
#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn steps(tasks: &[&str], source: &Arc<dyn VariableSource>, repetitions: u32) -> Result<(), Failure> {
    for task in tasks {
        let program = compiled(&script(task), source)?;
        let mut best = vec![[f64::INFINITY; 2]; program.steps.len()];
        for _ in 0..repetitions.max(1) {
            let cache = Arc::new(ImportCache::new(1 << 30));
            for again in 0..2 {
                let cache = Arc::clone(&cache);
                let mut run = engine::Run::new(Arc::clone(source), cache, Parameters::default(), Language::En);
                for (step, best) in program.steps.iter().zip(&mut best) {
                    let start = processor_ms()?;
                    drop(run.execute(step, &Unattended)?);
                    run.accept();
                    best[again] = best[again].min(processor_ms()? - start);
                }
            }
        }
        for (step, [new, cached]) in program.steps.iter().zip(best) {
            println!("{task} {new:8.2} {cached:8.2}  {}", step.text);
        }
    }
    Ok(())
}

/// What all threads of the process have used of the processors.
fn processor_ms() -> Result<f64, Failure> {
    let mut all = 0.0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let told = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        all += told.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e6;
    }
    Ok(all)
}

fn compiled(text: &str, source: &Arc<dyn VariableSource>) -> Result<script::Program, Failure> {
    let settings = script::Settings { running: true, ..script::Settings::default() };
    let compiled = script::compile(text, &SourceCatalogue(&**source), &settings);
    let program = compiled.program.filter(|_| !compiled.diagnostics.iter().any(script::Diagnostic::is_error));
    program.ok_or_else(|| format!("{text}: {:?}", compiled.diagnostics).into())
}

/// Persons; then how many have each variable.
fn linked(population: u64, tables: &[&RawTable], summary: &RawSummary) -> Vec<f64> {
    let total = |t: &RawTable| t.cells.last().map_or(0, |c| c.rows);
    let with = |name: &str| summary.rows.iter().find(|r| r.measure.name == name).map_or(0, |r| r.magnitude.rows);
    let counts = [
        population,
        total(tables[0]),
        with("birth"),
        with("country"),
        with("death"),
        total(tables[1]),
        total(tables[2]),
        with("education"),
        with("income"),
    ];
    counts.map(|n| n as f64).to_vec()
}

/// Groups, sum of the means, sums of the percentiles 25, 50 and 75.
fn by_municipality(table: &RawTable) -> Vec<f64> {
    let cells: Vec<usize> = inner(table).filter(|c| table.cells[*c].magnitudes[0].rows > 0).collect();
    let sum = |of: &dyn Fn(&engine::raw::RawMagnitude) -> f64| {
        cells.iter().map(|c| of(&table.cells[*c].magnitudes[0])).sum::<f64>()
    };
    let percentile = |p: f64| sum(&move |m| m.percentiles.iter().find(|x| x.p == p).map_or(f64::NAN, |x| x.exact));
    let means = sum(&|m| m.plain.mean.unwrap_or(f64::NAN));
    vec![cells.len() as f64, means, percentile(25.0), percentile(50.0), percentile(75.0)]
}

/// The cells of a table without its margins.
fn inner(table: &RawTable) -> impl Iterator<Item = usize> + '_ {
    let is_inner = |c: &usize| table.position(*c).iter().zip(&table.dimensions).all(|(p, d)| *p < d.categories.len());
    (0..table.cells.len()).filter(is_inner)
}
