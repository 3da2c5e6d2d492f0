//! The commands of `hap`, one file each.

pub mod audit;
pub mod data;
pub mod demo;
pub mod egress;
pub mod explore;
pub mod ingest;
pub mod init;
pub mod keys;
pub mod policy;
pub mod role;
pub mod room;
pub mod synth;

use std::io::Write as _;

use datastore::Report;

/// Writes a line to standard output. A reader that has gone away (a closed pipe) is no fault of ours.
pub fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref());
    let _ = out.flush();
}

/// Says what the check of a dataset found: one line per finding, or that it is valid.
pub fn tell(report: &Report) {
    if report.findings.is_empty() {
        say(format!("{}: valid", report.dataset));
    }
    for finding in &report.findings {
        let place = finding.line.map(|l| format!(" line {l}")).unwrap_or_default();
        say(format!("{}{place}: {} {}", report.dataset, finding.rule.id(), finding.message));
    }
}
