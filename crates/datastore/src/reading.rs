//! Reading and checking what is handed in: the first half of an ingest, and all of `hap data validate`.

use std::path::PathBuf;

use crate::check::check_rows;
use crate::csvfile::{CsvError, RawRows, read_csv};
use crate::error::DatastoreError;
use crate::header::DatasetRecord;
use crate::input::{self, Hashing, Input, PackageRules};
use crate::metadata::{Metadata, read_metadata};
use crate::package::{BrokenPackage, PackageKey};
use crate::prepared::target_type;
use crate::report::{Finding, Report, Rule};
use crate::units::UnitTypes;

/// One dataset that was read and found valid.
pub(crate) struct Loaded {
    pub name: String,
    pub metadata: Metadata,
    /// None for a metadata patch.
    pub rows: Option<RawRows>,
    pub input_metadata: String,
    pub input_data: String,
    pub report: Report,
}

/// What reading one input gave.
pub(crate) enum Read {
    Loaded(Box<Loaded>),
    /// The same bytes as in the newest version.
    Same(String),
    Faulty(Report),
}

/// Reads and checks one input.
pub(crate) fn read(
    input: &Input,
    types: &UnitTypes,
    key: Option<&PackageKey>,
    rules: &PackageRules,
    known: Option<&DatasetRecord>,
) -> Result<Read, DatastoreError> {
    let name = input.name();
    let faulty = |findings: Vec<Finding>| Ok(Read::Faulty(Report { dataset: name.clone(), findings }));
    let opened = match input.open(key, rules) {
        Ok(opened) => opened,
        Err(input::Opening::Faulty(finding)) => return faulty(vec![finding]),
        Err(other) => return Err(other.into_error(&name)),
    };
    let input_metadata = kernel::sha256_hex(&opened.metadata);
    if let Some(known) = known.filter(|k| k.input_metadata == input_metadata) {
        match opened.data {
            None => return Ok(Read::Same(name)),
            Some(data) => match digest_of(data) {
                Ok(digest) if digest == known.input_data => return Ok(Read::Same(name)),
                Ok(_) => {}
                Err(e) => return faulty_stream(&name, e),
            },
        }
        return match input.open(key, rules) {
            Ok(opened) => read_opened(opened, input_metadata, types),
            Err(other) => Err(other.into_error(&name)),
        };
    }
    read_opened(opened, input_metadata, types)
}

fn digest_of(data: input::Data) -> std::io::Result<String> {
    let mut hashing = Hashing::new(data);
    std::io::copy(&mut hashing, &mut std::io::sink())?;
    Ok(hashing.finish().0)
}

fn faulty_stream(name: &str, error: std::io::Error) -> Result<Read, DatastoreError> {
    match error.get_ref().and_then(|e| e.downcast_ref::<BrokenPackage>()) {
        Some(broken) => {
            let findings = vec![Finding::new(Rule::Package, broken.0.clone(), broken.0.clone())];
            Ok(Read::Faulty(Report { dataset: name.to_owned(), findings }))
        }
        None => Err(DatastoreError::Io { path: name.to_owned(), source: error }),
    }
}

fn read_opened(opened: input::Opened, input_metadata: String, types: &UnitTypes) -> Result<Read, DatastoreError> {
    let name = opened.name;
    let faulty = |findings: Vec<Finding>| Ok(Read::Faulty(Report { dataset: name.clone(), findings }));
    let metadata = match read_metadata(&opened.metadata, types, false) {
        Ok(metadata) => metadata,
        Err(findings) => return faulty(findings),
    };
    let mut report = Report::new(name.clone());
    let (mut rows, mut input_data) = (None, String::new());
    if let Some(data) = opened.data {
        let mut hashing = Hashing::new(data);
        let read = match read_csv(&mut hashing, metadata.value_type, target_type(&metadata).is_some()) {
            Ok(read) => read,
            Err(CsvError::Faults(findings)) => return faulty(findings),
            Err(CsvError::Io(e)) => return faulty_stream(&name, e),
        };
        let findings = check_rows(&metadata, &read, false);
        if findings.iter().any(|f| !f.warning) {
            return faulty(findings);
        }
        report.findings = findings;
        (rows, input_data) = (Some(read), hashing.finish().0);
    }
    Ok(Read::Loaded(Box::new(Loaded { name, metadata, rows, input_metadata, input_data, report })))
}

/// Validates datasets without a store: `hap data validate` (DATA-042). Gives a report per dataset.
///
/// # Errors
/// [`DatastoreError::Usage`] when there is nothing to validate, [`DatastoreError::Io`] when a file cannot be read.
pub fn validate(paths: &[PathBuf], key: Option<&PackageKey>, compat: bool) -> Result<Vec<Report>, DatastoreError> {
    let inputs = input::find(paths, Some("validate.only"))?;
    let mut reports = Vec::new();
    for store in inputs {
        let added = store.product.map(|p| p.unit_types).unwrap_or_default();
        let types = UnitTypes::with(&added);
        for input in store.inputs {
            reports.push(validate_one(&input, &types, key, compat)?);
        }
    }
    Ok(reports)
}

fn validate_one(
    input: &Input,
    types: &UnitTypes,
    key: Option<&PackageKey>,
    compat: bool,
) -> Result<Report, DatastoreError> {
    let name = input.name();
    let report = |findings| Ok(Report { dataset: name.clone(), findings });
    let opened = match input.open(key, &PackageRules::default()) {
        Ok(opened) => opened,
        Err(input::Opening::Faulty(finding)) => return report(vec![finding]),
        Err(other) => return Err(other.into_error(&name)),
    };
    let metadata = match read_metadata(&opened.metadata, types, compat) {
        Ok(metadata) => metadata,
        Err(findings) => return report(findings),
    };
    let Some(data) = opened.data else { return report(Vec::new()) };
    match read_csv(data, metadata.value_type, target_type(&metadata).is_some()) {
        Ok(rows) => report(check_rows(&metadata, &rows, compat)),
        Err(CsvError::Faults(findings)) => report(findings),
        Err(CsvError::Io(e)) => match faulty_stream(&name, e)? {
            Read::Faulty(report) => Ok(report),
            _ => report(Vec::new()),
        },
    }
}
