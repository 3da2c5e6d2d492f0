//! Reference cases of the estimators (STAT-400): an example program of `statistics` that computes every case of a folder, prints
//! what differs, and ends with a failure when anything does.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::workspace::root;

/// Runs the cases of a folder.
pub(crate) fn run(folder: &Path) -> anyhow::Result<Vec<String>> {
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--locked", "-p", "statistics", "--example", "cases", "--"])
        .arg(folder)
        .current_dir(root())
        .status()
        .context("starting the cases")?;
    Ok(if status.success() { Vec::new() } else { vec!["cases differ, see above".to_owned()] })
}
