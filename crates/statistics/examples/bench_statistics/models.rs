//! The models as `hap` fits them: calls of the estimators over tables in memory.

use std::fs;
use std::path::Path;
use std::time::Instant;

use statistics::design::Term;
use statistics::fit::Fit;
use statistics::likelihood::{BinaryOptions, Model, logit};
use statistics::linear::model::Errors;
use statistics::linear::panel::{self, Panel};
use statistics::linear::regress::Regress;
use statistics::survival::{Cox, Interval, KaplanMeier, Outcome, cox, kaplan_meier};
use statistics::{Problem, Table};

use super::{Failure, Line};

/// The tasks, and what ENG-001 asks for: how many times faster than the fastest peer.
pub(crate) const TASKS: [Task; 5] = [
    Task { name: "T5", set: "people", what: "OLS, 17 columns, robust errors", target: Some(4.0), run: least_squares },
    Task { name: "T6", set: "people", what: "logit, the same columns", target: Some(25.0), run: binary },
    Task {
        name: "T7",
        set: "infarcts",
        what: "Kaplan-Meier, and Cox with 3 covariates",
        target: None,
        run: curve_and_hazards,
    },
    Task { name: "cox", set: "hazards", what: "Cox, 10 covariates", target: Some(10.0), run: hazards },
    Task { name: "panel", set: "panel", what: "fixed effects, 5 regressors", target: Some(10.0), run: fixed_effects },
];

pub(crate) struct Task {
    pub(crate) name: &'static str,
    /// The folder of its data.
    pub(crate) set: &'static str,
    pub(crate) what: &'static str,
    pub(crate) target: Option<f64>,
    run: fn(&Table) -> Result<Vec<f64>, Problem>,
}

/// What a task of `hap` took, and the rows of its table.
pub(crate) struct Measured {
    pub(crate) line: Line,
    pub(crate) rows: usize,
}

/// Runs every task, the best of the repetitions; the first makes ready what later runs find.
pub(crate) fn measure(folder: &Path, repetitions: u32, only: Option<&str>) -> Result<Vec<Measured>, Failure> {
    let mut measured = Vec::new();
    let mut loaded: Option<(&str, Table)> = None;
    for task in TASKS.iter().filter(|t| only.is_none_or(|only| only == t.name)) {
        let table = match loaded.take() {
            Some((set, table)) if set == task.set => table,
            _ => read(&folder.join(task.set))?,
        };
        let run = || (task.run)(&table).map_err(|problem| format!("{}: {}", task.name, problem.code));
        let mut check = run()?;
        let (mut seconds, mut processor) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..repetitions.max(1) {
            let (start, worked) = (Instant::now(), processor_seconds()?);
            check = run()?;
            seconds = seconds.min(start.elapsed().as_secs_f64());
            processor = processor.min(processor_seconds()? - worked);
        }
        let line = Line { tool: "hap".to_owned(), task: task.name.to_owned(), seconds, processor, check };
        measured.push(Measured { line, rows: statistics::Rows::len(&table) });
        loaded = Some((task.set, table));
    }
    Ok(measured)
}

/// Processor time of all threads of this process.
fn processor_seconds() -> Result<f64, Failure> {
    let mut nanoseconds = 0u64;
    for thread in fs::read_dir("/proc/self/task")? {
        let told = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += told.split_whitespace().next().ok_or("no schedstat")?.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Every column of a set; education and marital status are factors where they are the people's, as scripts declare them.
fn read(folder: &Path) -> Result<Table, Failure> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let mut table = Table::default();
    for file in files {
        let name = file.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let bytes = fs::read(&file)?;
        let values: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|x| f64::from_le_bytes(*x)).collect();
        if folder.ends_with("people") && (name == "education" || name == "marital") {
            table.factor(&name, &values);
        } else {
            table.number(&name, values);
        }
    }
    Ok(table)
}

fn variable(table: &Table, name: &str) -> usize {
    table.variables.iter().position(|v| v.name == name).unwrap_or(usize::MAX)
}

fn numbers(table: &Table, names: &[&str]) -> Vec<Term> {
    names.iter().map(|name| Term::number(variable(table, name))).collect()
}

fn covariates(table: &Table) -> Vec<Term> {
    let names = table.variables.iter().enumerate().filter(|(_, v)| v.name.starts_with('x'));
    names.map(|(number, _)| Term::number(number)).collect()
}

/// The 16 columns beside the constant.
fn of_people(table: &Table) -> Vec<Term> {
    let factor = |name| Term::factor(variable(table, name), None);
    let mut terms = numbers(table, &["age", "age_squared", "male"]);
    terms.extend([factor("education"), factor("marital")]);
    terms.extend(numbers(table, &["immigrant"]));
    terms
}

fn coefficients(fit: &Fit) -> Vec<f64> {
    fit.estimates.iter().map(|e| e.b).chain(fit.estimates.iter().map(|e| e.se)).collect()
}

fn least_squares(table: &Table) -> Result<Vec<f64>, Problem> {
    let model = Regress { errors: Errors::Robust, ..Regress::of(variable(table, "income"), of_people(table)) };
    Ok(coefficients(&model.fit(table, None)?.fit))
}

fn binary(table: &Table) -> Result<Vec<f64>, Problem> {
    let model = Model::new(variable(table, "infarct"), of_people(table));
    Ok(coefficients(&logit(table, &model, &BinaryOptions::default())?.fit))
}

fn outcome(table: &Table) -> Outcome {
    Outcome { event: variable(table, "event"), time: variable(table, "time") }
}

fn curve_and_hazards(table: &Table) -> Result<Vec<f64>, Problem> {
    let asked = KaplanMeier {
        outcome: outcome(table),
        by: None,
        level: 95.0,
        interval: Interval::LogLog,
        times: Some(vec![1000.0]),
    };
    let curves = kaplan_meier(table, &asked)?;
    let steps = curves.curves.iter().flat_map(|c| &c.at).filter_map(|at| at.step);
    let survival: Vec<f64> = steps.map(|step| step.survival).collect();
    let asked = Cox::new(outcome(table), numbers(table, &["age", "male", "education"]));
    let mut numbers = coefficients(&cox(table, &asked, None)?.fit);
    numbers.extend(survival);
    Ok(numbers)
}

fn hazards(table: &Table) -> Result<Vec<f64>, Problem> {
    Ok(coefficients(&cox(table, &Cox::new(outcome(table), covariates(table)), None)?.fit))
}

fn fixed_effects(table: &Table) -> Result<Vec<f64>, Problem> {
    let terms = covariates(table);
    let slopes = terms.len();
    let model = Panel {
        y: variable(table, "y"),
        terms,
        unit: variable(table, "unit"),
        time: Some(variable(table, "wave")),
        model: panel::Model::Fixed,
        constant: true,
        cluster: None,
        robust: false,
    };
    // The constant, the mean of the effects, is not told by the peer.
    let fit = model.fit(table, None)?.fit;
    let slopes = &fit.estimates[..slopes.min(fit.estimates.len())];
    Ok(slopes.iter().map(|e| e.b).chain(slopes.iter().map(|e| e.se)).collect())
}
