//! The check of a release: every file by its kind, every table by its type, all of them together with what was released
//! before. No file stops the check of another, and whatever cannot be read is told.

use std::collections::{BTreeMap, HashSet};

use disclosure::Policy;
use kernel::Verifier;
use kernel::identity_number::{Accept, scan};
use unpack::{Archive, Fault};

use crate::declaration::{DECLARATION, Declarations, Declared};
use crate::kind::{self, Kind};
use crate::linked::{self, Counts, Kept, Sample};
use crate::output::{OutputType, Read};
use crate::read::{self, Contents};
use crate::reason::Reason;
use crate::rules::{self, Limits};
use crate::sealed::{Exports, Sealed};
use crate::table::Table;
use crate::turned;
use crate::verdict::{FileReport, Finding, Other, Report, TableReport, Verdict, tidy, worst};
use crate::{model, person};

/// The set of rules, named in every report.
pub const RULES: &str = "sdc-13/1";
/// Larger files do not leave (SDC-301).
pub const MAX_FILE: usize = 50 << 20;
/// Numbers of a figure's data that are compared with its table.
const MAX_COMPARED: usize = 200_000;

/// One file of a release.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its path within the release, with `/`.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Files that leave together, with what is declared of them.
#[derive(Clone, Debug, Default)]
pub struct Release<'a> {
    files: Vec<File<'a>>,
    declarations: Declarations,
    faults: Vec<Finding>,
}

impl<'a> Release<'a> {
    /// A release of these files. One of them may be the declaration, which stays.
    pub fn new(files: impl IntoIterator<Item = File<'a>>) -> Self {
        let (declarations, files): (Vec<File<'a>>, Vec<File<'a>>) =
            files.into_iter().partition(|f| f.name == DECLARATION);
        match declarations.first().map(|f| Declarations::parse(f.bytes)) {
            None => Self { files, ..Self::default() },
            Some(Ok(declarations)) => Self::declared(files, declarations),
            Some(Err(_)) => Self { files, faults: vec![Reason::Declaration.into()], ..Self::default() },
        }
    }

    /// A release of files whose declaration was made elsewhere, such as in a form.
    pub fn declared(files: impl IntoIterator<Item = File<'a>>, declarations: Declarations) -> Self {
        let files: Vec<File<'a>> = files.into_iter().collect();
        let is = |d: &Declared, f: &File<'_>| d.file == f.name || d.file.starts_with(&format!("{}/", f.name));
        let missing = declarations.outputs.iter().any(|d| !files.iter().any(|f| is(d, f)));
        let faults = missing.then(|| Reason::Declaration.into()).into_iter().collect();
        Self { files, declarations, faults }
    }
}

/// What the check is told about the place where it works.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The thresholds.
    pub policy: &'a Policy,
    /// Knows the keys of gates, and no others.
    pub gate: Option<&'a dyn Verifier>,
    /// Makes the files of released documents.
    pub exports: Option<&'a dyn Exports>,
}

impl<'a> Settings<'a> {
    /// With this policy, and nothing known of gates.
    pub fn new(policy: &'a Policy) -> Self {
        Self { policy, gate: None, exports: None }
    }
}

/// Checks a release against the rules of section 13, together with the releases of the same project before it.
pub fn check(release: &Release<'_>, earlier: &[Release<'_>], settings: &Settings<'_>) -> Report {
    let limits = Limits::of(settings.policy);
    let mut sealed = Sealed::default();
    let seals: Vec<Option<Reason>> =
        release.files.iter().map(|f| sealed.take(f.bytes, settings.gate, settings.exports)).collect();
    let mut checker =
        Checker { declarations: &release.declarations, limits, sealed: &sealed, earlier: false, kept: Kept::default() };
    let mut files: Vec<Judged> = Vec::new();
    for (file, seal) in release.files.iter().zip(seals) {
        checker.file(*file, seal, true, &mut files);
    }
    let mut kept = checker.kept;
    for before in earlier {
        let nothing = Sealed::default();
        let mut checker = Checker {
            declarations: &before.declarations,
            limits,
            sealed: &nothing,
            earlier: true,
            kept: Kept::default(),
        };
        before.files.iter().for_each(|f| checker.file(*f, None, true, &mut Vec::new()));
        kept.add(checker.kept);
    }
    figures(&release.declarations, &mut files);
    for (origin, finding) in linked::check(&kept, limits.cell) {
        let report = files.iter_mut().map(|f| &mut f.report).find(|f| f.name == origin.file);
        let Some(report) = report else { continue };
        match report.tables.iter_mut().find(|t| origin.table.as_ref().is_none_or(|name| t.name == *name)) {
            Some(table) => table.reasons.push(finding),
            None => report.reasons.push(finding),
        }
    }
    let files: Vec<FileReport> = files.into_iter().map(|f| finish(f.report)).collect();
    let declaration = tidy(release.faults.clone());
    let verdict = files.iter().map(|f| f.verdict).max().unwrap_or_default().max(worst(&declaration));
    Report { rules: RULES, policy: settings.policy.hash().to_owned(), verdict, declaration, files }
}

fn finish(mut report: FileReport) -> FileReport {
    let findings = report.tables.iter_mut().flat_map(|t| &mut t.reasons).chain(&mut report.reasons);
    for other in findings.filter_map(|f| f.other.as_mut()) {
        other.file = starred(&other.file);
        other.table = other.table.as_deref().map(starred);
    }
    for table in &mut report.tables {
        table.reasons = tidy(std::mem::take(&mut table.reasons));
        table.verdict = worst(&table.reasons);
    }
    report.reasons = tidy(std::mem::take(&mut report.reasons));
    let tables = report.tables.iter().map(|t| t.verdict).max().unwrap_or_default();
    report.verdict = worst(&report.reasons).max(tables);
    report.name = starred(&report.name);
    report
}

/// A name without numbers of persons.
fn starred(name: &str) -> String {
    let mut out = name.to_owned();
    for hit in scan(name, Accept::Both) {
        out.replace_range(hit.start..hit.start + hit.length, &hit.masked);
    }
    out
}

/// A report with what is needed of its tables until all are judged.
struct Judged {
    report: FileReport,
    numbers: Vec<HashSet<u64>>,
}

struct Checker<'a> {
    declarations: &'a Declarations,
    limits: Limits,
    sealed: &'a Sealed,
    earlier: bool,
    kept: Kept,
}

impl Checker<'_> {
    /// Checks one file, and the members of an archive after it.
    fn file(&mut self, file: File<'_>, seal: Option<Reason>, outer: bool, files: &mut Vec<Judged>) {
        let sha256 = kernel::sha256_hex(file.bytes);
        let (told, wrong) = kind::tell(file.name, file.bytes);
        let mut report = FileReport {
            name: file.name.to_owned(),
            bytes: file.bytes.len() as u64,
            kind: told,
            verdict: Verdict::Pass,
            reasons: Vec::new(),
            tables: Vec::new(),
            reencoded: None,
            sha256,
        };
        let mut numbers = Vec::new();
        if !scan(file.name, Accept::Both).is_empty() {
            report.reasons.push(Reason::IdentityNumber.into());
        }
        if seal == Some(Reason::Released) || self.sealed.holds(&report.sha256) {
            report.kind = Kind::Released;
            report.reasons.push(Reason::Released.into());
            files.push(Judged { report, numbers });
            return;
        }
        report.reasons.extend(seal.map(Finding::from));
        report.reasons.extend(wrong.map(Finding::from));
        if file.bytes.len() > MAX_FILE {
            report.reasons.push(Reason::TooLarge.into());
            files.push(Judged { report, numbers });
            return;
        }
        let declared = self.declarations.of(file.name, None);
        let is_model = told == Kind::Model
            || (told == Kind::Json && declared.is_some_and(|d| d.output == Some(OutputType::Model)));
        if is_model {
            report.reasons.extend(model::judge(file.bytes, declared).into_iter().map(Finding::from));
        }
        let mut members = Vec::new();
        if told == Kind::Archive {
            report.reasons.extend(self.archive(file, outer, &mut members));
        }
        let contents = read::read(told, file.name, file.bytes);
        // The numbers of a model have a rule of their own.
        let told_already = |f: &&Finding| is_model && f.reason == Reason::TypeUnknown;
        report.reasons.extend(contents.findings.iter().filter(|f| !told_already(f)).cloned());
        report.reasons.extend(person::texts(&contents));
        if declared.is_some_and(|d| d.individuals == Some(true)) {
            report.reasons.push(Reason::Individuals.into());
        }
        self.tables(&contents, file.name, is_model, &mut report, &mut numbers);
        report.reencoded = contents.reencoded;
        files.push(Judged { report, numbers });
        files.extend(members);
    }

    /// The members of an archive, as files of their own. Archives inside are not opened.
    fn archive(&mut self, file: File<'_>, outer: bool, members: &mut Vec<Judged>) -> Vec<Finding> {
        if !outer {
            return vec![Reason::UnsafeArchive.into()];
        }
        let mut found: Vec<Finding> = vec![Reason::Archive.into()];
        let mut archive = match Archive::open(file.bytes) {
            Ok(archive) => archive,
            Err(fault) => {
                found.push(Reason::from(fault).into());
                return found;
            }
        };
        if archive.padded {
            found.push(Reason::Trailing.into());
        }
        for member in archive.members.clone().into_iter().filter(|m| !m.name.ends_with('/')) {
            let bytes = match archive.unpack(&member) {
                Ok(bytes) => bytes,
                Err(fault) => {
                    found.push(Reason::from(fault).into());
                    if fault == Fault::Unsafe {
                        return found;
                    }
                    continue;
                }
            };
            let name = format!("{}/{}", file.name, member.name);
            let inner = kind::tell(&member.name, &bytes).0;
            if inner == Kind::Archive {
                found.push(Reason::UnsafeArchive.into());
            }
            self.file(File { name: &name, bytes: &bytes }, None, false, members);
        }
        found
    }

    fn tables(
        &mut self,
        contents: &Contents,
        name: &str,
        is_model: bool,
        report: &mut FileReport,
        numbers: &mut Vec<HashSet<u64>>,
    ) {
        let single = contents.tables.len() == 1;
        for table in &contents.tables {
            let declared = self.declarations.of(name, Some(&table.name));
            let turned = turned::turn(table);
            let read = Read::new(turned.as_ref().unwrap_or(table));
            let (output, mut reasons) = self.table(&read, declared, is_model);
            if table.numbers_in_header() && !is_model {
                reasons.push(Reason::TypeUnknown.into());
            }
            let origin =
                Other { earlier: self.earlier, file: name.to_owned(), table: (!single).then(|| table.name.clone()) };
            self.keep(&read, output, origin, declared);
            numbers.push(if report.tables.len() < 50 { numbers_of(table) } else { HashSet::new() });
            report.tables.push(TableReport {
                name: starred(&table.name),
                output,
                declared: declared.is_some_and(|d| d.output.is_some()),
                verdict: Verdict::Pass,
                reasons,
            });
        }
        if contents.tables.is_empty()
            && let Some(n) = self.declarations.of(name, None).and_then(sample_size)
        {
            let declared = self.declarations.of(name, None);
            let origin = Other { earlier: self.earlier, file: name.to_owned(), table: None };
            self.kept.samples.push(Sample {
                origin,
                population: declared.and_then(|d| d.population.clone()),
                output: declared.and_then(|d| d.output).unwrap_or(OutputType::Unknown),
                n,
            });
        }
    }

    fn table(&self, read: &Read<'_>, declared: Option<&Declared>, is_model: bool) -> (OutputType, Vec<Finding>) {
        let guess = read.guess();
        let output = declared.and_then(|d| d.output).unwrap_or(guess.output);
        let mut reasons = if is_model { Vec::new() } else { rules::judge(read, output, declared, &self.limits) };
        // What it plainly is counts too, whatever it was declared as.
        if guess.plain && guess.output != output && !is_model {
            reasons.push(Reason::TypeContradicted.into());
            let also = rules::judge(read, guess.output, declared, &self.limits);
            reasons.extend(also.into_iter().filter(|f| f.reason.verdict() == Verdict::Fail));
        }
        reasons.extend(person::table(read, guess.output));
        (output, reasons)
    }

    fn keep(&mut self, read: &Read<'_>, output: OutputType, origin: Other, declared: Option<&Declared>) {
        let population = declared.and_then(|d| d.population.clone());
        if let Some(n) = declared.and_then(sample_size) {
            self.kept.samples.push(Sample { origin: origin.clone(), population: population.clone(), output, n });
        }
        self.kept.counts.extend(Counts::of(read, output, origin, population));
    }
}

fn sample_size(declared: &Declared) -> Option<u64> {
    declared.n.or(declared.design.map(|d| d.observations))
}

fn numbers_of(table: &Table) -> HashSet<u64> {
    let cells = (0..table.columns.len()).flat_map(|c| (0..table.rows).map(move |r| table.cell(r, c)));
    cells.take(MAX_COMPARED).filter_map(|c| c.number()).map(f64::to_bits).collect()
}

/// The data of a figure pass when all their numbers stand in a table that passed (SDC-303).
fn figures(declarations: &Declarations, files: &mut [Judged]) {
    let passed: BTreeMap<String, HashSet<u64>> = files
        .iter()
        .filter(|f| {
            f.report.tables.iter().all(|t| worst(&t.reasons) == Verdict::Pass)
                && worst(&f.report.reasons) == Verdict::Pass
        })
        .filter(|f| f.report.tables.iter().all(|t| t.output != OutputType::Figure))
        .map(|f| (f.report.name.clone(), f.numbers.iter().flatten().copied().collect()))
        .collect();
    for file in files.iter_mut() {
        for (table, numbers) in file.report.tables.iter_mut().zip(&file.numbers) {
            if table.output != OutputType::Figure {
                continue;
            }
            let source = declarations.of(&file.report.name, Some(&table.name)).and_then(|d| d.made_from.as_ref());
            let from = source.and_then(|s| passed.get(s)).is_some_and(|known| numbers.is_subset(known));
            if !from {
                table.reasons.push(Reason::NotFromTable.into());
            }
        }
    }
}
