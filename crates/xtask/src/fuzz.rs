//! Fuzz runs: tests that go on for as long as they are told to, from a seed. Each is an ordinary test that `cargo test` runs
//! with a fixed number of cases; here it gets seconds and a seed by environment variables.

use std::process::Command;

use anyhow::{Context as _, bail};

use crate::workspace::root;

/// Name, the target that holds the test, the test.
const FUZZES: &[(&str, &[&str], &str)] = &[
    ("engine", &["--lib"], "eng_040_fuzz_engine"),
    ("script", &["--test", "robust"], "lang_250_fuzz_script"),
    ("criteria", &["--test", "criteria_fuzz"], "acc_048_fuzz_criteria"),
];

/// Goes on for `seconds` from `seed`; from the day's date when there is none, so that every day tries something else.
pub(crate) fn run(name: &str, seconds: u64, seed: Option<u64>) -> anyhow::Result<Vec<String>> {
    let Some((_, target, test)) = FUZZES.iter().find(|(n, ..)| *n == name) else {
        let known: Vec<&str> = FUZZES.iter().map(|(n, ..)| *n).collect();
        bail!("no such fuzz run; there are: {}", known.join(", "));
    };
    let seed = seed.unwrap_or_else(today);
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        // The selection of `make unit`, so that nothing is built twice.
        .args(["test", "--locked", "--workspace", "--exclude", "hap"])
        .args(*target)
        .args([test, "--", "--nocapture"])
        .env("HAP_FUZZ_SECONDS", seconds.to_string())
        .env("HAP_FUZZ_SEED", seed.to_string())
        .current_dir(root())
        .status()
        .with_context(|| format!("starting the fuzz run {name}"))?;
    Ok(if status.success() { Vec::new() } else { vec![format!("the fuzz run {name} from seed {seed} failed")] })
}

#[expect(clippy::disallowed_methods, reason = "a fuzz run without a seed takes the day's")]
fn today() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // Far apart, so that the days do not try each other's cases.
    since.map_or(0, |s| s.as_secs() / 86_400 * 1_000_000)
}
