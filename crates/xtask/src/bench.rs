//! Benchmarks: each is an example program of its crate that prints a table. Built with the profile `demo`, which the
//! demo uses too, so that they measure what users run.

use std::process::Command;

use anyhow::{Context as _, bail};

use crate::workspace::root;

/// Name, crate, example.
const BENCHES: &[(&str, &str, &str)] = &[("audit", "audit", "bench")];

/// Runs one benchmark, or all.
pub(crate) fn run(name: Option<&str>) -> anyhow::Result<Vec<String>> {
    let chosen: Vec<_> = BENCHES.iter().filter(|(n, ..)| name.is_none_or(|wanted| wanted == *n)).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|(n, ..)| *n).collect();
        bail!("no such benchmark; there are: {}", known.join(", "));
    }
    let mut failed = Vec::new();
    for (name, package, example) in chosen {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(program)
            .args(["run", "--quiet", "--locked", "--profile", "demo", "-p", package, "--example", example])
            .current_dir(root())
            .status()
            .with_context(|| format!("starting the benchmark {name}"))?;
        if !status.success() {
            failed.push(format!("the benchmark {name} failed"));
        }
    }
    Ok(failed)
}
