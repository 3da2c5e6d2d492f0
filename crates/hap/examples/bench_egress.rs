//! Compares `hap egress check` with ACRO on the same outputs: `tests/peers/egress/outputs.py` makes them, tells what ACRO
//! says of each and writes what would leave. Run by `cargo xtask bench egress`, which builds `hap` beside this program;
//! prints a table. ACRO is installed into a folder of its own below `target`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

/// A line of the peer.
#[derive(Deserialize)]
struct Case {
    case: String,
    text: String,
    acro: Said,
}

/// What ACRO says.
#[derive(Deserialize)]
struct Said {
    status: String,
    summary: String,
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn main() -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the folder of what was built")?;
    let hap = target.join("hap");
    let peers = PathBuf::from("tests/peers/egress");
    let python = python(&target.join("peers-egress"), &peers.join("requirements.txt"))?;
    let folder = tempfile::tempdir()?;
    let made = Command::new(&python)
        .args(["-W", "ignore"])
        .arg(peers.join("outputs.py"))
        .arg(folder.path())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(made.status.success(), "the peer failed");
    let version = version(&python)?;
    println!(
        "ACRO {version} sees the persons behind each output that it makes; a file made otherwise it takes as a custom"
    );
    println!("output. `hap` sees the files as they would leave. Both with their default limits.\n");
    println!("| output | ACRO | reasons | `hap` | reasons |\n|---|---|---|---|---|");
    for line in String::from_utf8_lossy(&made.stdout).lines() {
        let case: Case = serde_json::from_str(line).with_context(|| format!("the peer said {line}"))?;
        let (verdict, reasons) = check(&hap, &folder.path().join(&case.case))?;
        let (said, why) = (case.acro.status.as_str(), summary(&case.acro.summary));
        println!("| {} | {said} | {why} | {verdict} | {reasons} |", case.text);
    }
    Ok(())
}

/// The interpreter with ACRO, installed when it is not there.
#[expect(clippy::print_stderr, reason = "a command line program")]
fn python(environment: &Path, requirements: &Path) -> anyhow::Result<PathBuf> {
    let python = environment.join("bin/python");
    let ready = environment.join("ready");
    let wanted = std::fs::read(requirements)?;
    if std::fs::read(&ready).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    eprintln!("installing ACRO (about half a gigabyte)");
    run(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    std::fs::write(&ready, wanted)?;
    Ok(python)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status().with_context(|| format!("{:?}", command.get_program()))?;
    ensure!(status.success(), "{:?} failed", command.get_program());
    Ok(())
}

fn version(python: &Path) -> anyhow::Result<String> {
    let asked = "from importlib.metadata import version; print(version('acro'))";
    let output = Command::new(python).args(["-c", asked]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The names of the checks that ACRO did not pass.
fn summary(text: &str) -> String {
    let checks = text.split(['\n', ';']).filter(|l| l.contains("fail") || l.contains("review:"));
    let names: BTreeSet<&str> = checks
        .flat_map(|l| l.split_whitespace().filter(|w| w.contains("Check")))
        .map(|w| w.trim_end_matches(':'))
        .collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Verdict and codes of `hap` for the files of a case, after what left before.
fn check(hap: &Path, case: &Path) -> anyhow::Result<(String, String)> {
    let mut command = Command::new(hap);
    command.args(["egress", "check", "--json"]).arg(case.join("release"));
    if case.join("earlier").is_dir() {
        command.arg("--earlier").arg(case.join("earlier"));
    }
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("{}", hap.display()))?;
    let report: Value = serde_json::from_slice(&output.stdout).context("the report of hap")?;
    let mut codes: Vec<String> = Vec::new();
    collect(&report, &mut codes);
    Ok((report["verdict"].as_str().unwrap_or_default().to_owned(), codes.join(", ")))
}

fn collect(value: &Value, codes: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|v| collect(v, codes)),
        Value::Object(map) => {
            let code = map.get("code").and_then(Value::as_str).map(str::to_owned);
            codes.extend(code.filter(|c| !codes.contains(c)));
            map.values().for_each(|v| collect(v, codes));
        }
        _ => {}
    }
}
