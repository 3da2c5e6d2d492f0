//! Reads a folder of reference cases in the format `hap-stat-cases/1`, computes each and compares by name. An adapter per family
//! of commands (`linear`, `likelihood`, …) turns a case into a call of an estimator, and its result into named numbers.

mod case;
mod descriptive;
mod likelihood;
mod linear;
mod predict;
mod sheet;
mod survival;

use std::fs;
use std::path::Path;

use statistics::Problem;

pub use case::Case;
use sheet::Sheet;

/// What an estimator gives, by the names that cases use.
pub type Values = Vec<(String, f64)>;

/// An adapter: none for a command of another family.
type Adapter = fn(&Case, &mut Sheet) -> Option<Result<Values, Problem>>;

const ADAPTERS: &[Adapter] =
    &[linear::compute, likelihood::compute, survival::compute, descriptive::compute, predict::compute];

/// How a case went.
pub struct Outcome {
    /// Its name.
    pub id: String,
    /// `language` or `extension`.
    pub scope: String,
    /// What differs; empty when nothing does.
    pub faults: Vec<String>,
}

/// Computes every case of the JSON files of a folder.
///
/// # Errors
/// A file cannot be read, or is not in the format.
pub fn run(folder: &Path) -> Result<Vec<Outcome>, String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: no cases.json", folder.display()));
    }
    let mut outcomes = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let cases = case::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        for case in cases {
            let faults = match (compute(&case, folder), &case.error) {
                (Ok(values), None) => compare(&case, &values),
                (Err(fault), None) => vec![fault],
                (Err(fault), Some(wanted)) if fault == *wanted => Vec::new(),
                (Err(fault), Some(wanted)) => vec![format!("expected {wanted}, got {fault}")],
                (Ok(_), Some(wanted)) => vec![format!("expected {wanted}, got numbers")],
            };
            outcomes.push(Outcome { id: case.id, scope: case.scope, faults });
        }
    }
    Ok(outcomes)
}

fn compute(case: &Case, folder: &Path) -> Result<Values, String> {
    let mut sheet = Sheet::read(case, folder)?;
    for adapter in ADAPTERS {
        if let Some(values) = adapter(case, &mut sheet) {
            return values.map_err(|problem| match problem.about {
                Some(about) => format!("{} ({about})", problem.code),
                None => problem.code.to_owned(),
            });
        }
    }
    Err("unknown command".to_owned())
}

/// The rule of the format: `abs(got − expected) ≤ atol + rtol·abs(expected)`.
fn compare(case: &Case, values: &[(String, f64)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, expected) in &case.expected {
        let Some((_, got)) = values.iter().find(|(n, _)| n == name) else {
            faults.push(format!("{name}: expected {expected}, not produced"));
            continue;
        };
        let (rtol, atol) = case.tolerance(name);
        let off = (got - expected).abs();
        if off.is_nan() || off > atol + rtol * expected.abs() {
            let relative = off / expected.abs();
            faults.push(format!("{name}: expected {expected}, got {got} (off by {off:.1e}, relative {relative:.1e})"));
        }
    }
    faults
}
