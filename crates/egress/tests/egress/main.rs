//! The egress check through its public surface: one good and one bad release per rule of SDC section 13, made here.
#![expect(clippy::unwrap_used, reason = "tests")]

mod files;
mod hostile;
mod linked;
mod make;
mod persons;
mod rules;
mod sealed;

use disclosure::Policy;
use egress::{File, Reason, Release, Report, Settings, Verdict, check};

/// Checks these files, one of which may be the declaration.
pub fn report(files: &[(&str, &[u8])]) -> Report {
    report_after(files, &[])
}

/// The same, after earlier releases.
pub fn report_after(files: &[(&str, &[u8])], earlier: &[&[(&str, &[u8])]]) -> Report {
    fn of<'a>(files: &[(&'a str, &'a [u8])]) -> Release<'a> {
        Release::new(files.iter().map(|(name, bytes)| File { name, bytes }))
    }
    let earlier: Vec<Release<'_>> = earlier.iter().map(|files| of(files)).collect();
    check(&of(files), &earlier, &Settings::new(&Policy::standard()))
}

/// Every reason of a report.
pub fn reasons(report: &Report) -> Vec<Reason> {
    let tables = report.files.iter().flat_map(|f| &f.tables).flat_map(|t| &t.reasons);
    report.files.iter().flat_map(|f| &f.reasons).chain(tables).chain(&report.declaration).map(|f| f.reason).collect()
}

/// The reasons of one file.
pub fn of_file(name: &str, bytes: &[u8]) -> Vec<Reason> {
    reasons(&report(&[(name, bytes)]))
}

/// That a file has a verdict, for this reason.
#[track_caller]
pub fn expect(name: &str, bytes: &[u8], verdict: Verdict, reason: Reason) {
    let report = report(&[(name, bytes)]);
    let reasons = reasons(&report);
    assert!(reasons.contains(&reason), "{name}: {reason:?} is missing from {reasons:?}");
    assert_eq!(report.verdict, verdict, "{name}: {reasons:?}");
}

/// That a release passes without a reason.
#[track_caller]
pub fn expect_pass(files: &[(&str, &[u8])]) {
    let report = report(files);
    assert_eq!(reasons(&report), [], "{files:?}");
    assert_eq!(report.verdict, Verdict::Pass);
}

/// A table that passes.
pub const GOOD: &str = "sex,n\nmen,120\nwomen,135\nTotal,255\n";

/// The list of reasons in the documentation is that of the code.
#[test]
fn the_documentation_lists_every_reason() {
    let page = include_str!("../../../../docs/egress.md");
    let row = |r: &Reason| {
        let (text, remedy) = (r.text(kernel::Language::En), r.remedy().text(kernel::Language::En));
        format!("| `{}` | {} | {} | {text} | {remedy} |\n", r.code(), r.rule(), r.verdict().code())
    };
    let rows: String = Reason::ALL.iter().map(row).collect();
    assert!(page.contains(&rows), "docs/egress.md should list:\n{rows}");
}
