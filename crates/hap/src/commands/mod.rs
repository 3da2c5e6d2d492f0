//! The commands of `hap`, one file each.

pub mod audit;
pub mod data;
pub mod demo;
pub mod explore;
pub mod ingest;
pub mod init;
pub mod keys;
pub mod role;
pub mod room;
pub mod synth;

use std::io::Write as _;

/// Writes a line to standard output. A reader that has gone away (a closed pipe) is no fault of ours.
pub fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref());
    let _ = out.flush();
}
