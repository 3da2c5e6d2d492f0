//! The attack suite (SDC-192): an example program of `explore` that prints Markdown, and ends with a failure when the gate
//! breaks a limit. A whole run becomes the section of measured values in `docs/disclosure.md`, under the command that made
//! it; a run of some attacks is only shown.

use std::process::{Command, Stdio};
use std::{env, fs, io};

use anyhow::Context as _;

use crate::bench::with_section;
use crate::workspace::root;

/// Heading of the section.
const SECTION: &str = "Measured";

/// Runs the suite, with more registers and targets when `full`; `arguments` are handed on.
pub(crate) fn run(full: bool, arguments: &[String]) -> anyhow::Result<Vec<String>> {
    let mut handed: Vec<String> = if full { vec!["--full".to_owned()] } else { Vec::new() };
    handed.extend_from_slice(arguments);
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--locked", "-p", "explore", "--example", "attack", "--"])
        .args(&handed)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("starting the attacks")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    io::Write::write_all(&mut io::stdout(), printed.as_bytes())?;
    // Without a table nothing was carried out.
    let whole = !printed.is_empty() && arguments.iter().all(|a| a.starts_with("--") || a.parse::<u64>().is_ok());
    if whole {
        let path = root().join("docs/disclosure.md");
        let page = fs::read_to_string(&path).context("docs/disclosure.md")?;
        let command = [vec!["cargo xtask attack".to_owned()], handed].concat().join(" ");
        fs::write(&path, with_section(&page, SECTION, &command, &printed))?;
    }
    Ok(if output.status.success() { Vec::new() } else { vec!["the gate broke a limit, see above".to_owned()] })
}
