//! Benchmarks: each is an example program of a crate that prints Markdown on standard output and its progress on standard
//! error. Built with the profile `demo`, which the demo uses too, so that they measure what users run. What it printed is
//! shown and becomes the section of its name in `docs/benchmarks.md`, under the command that made it; a comparison that
//! measures no time, in the page of its subject.

use std::process::{Command, Stdio};
use std::{env, fs, io};

use anyhow::{Context as _, bail};

use crate::workspace::root;

/// Name, crate, example.
const BENCHES: &[(&str, &str, &str)] = &[
    ("access", "access", "bench_access"),
    ("audit", "audit", "bench"),
    ("datastore", "datastore", "bench_datastore"),
    ("egress", "hap", "bench_egress"),
    ("engine", "explore", "bench_engine"),
    ("explore", "hap", "bench_explore"),
    ("gate", "explore", "bench_gate"),
    ("models", "explore", "bench_models"),
    ("pages", "hap", "pages"),
    ("statistics", "statistics", "bench_statistics"),
];

/// Comparisons of findings rather than of time: built as tests are, and written into the page of their subject.
const COMPARISONS: &[(&str, &str)] = &[("egress", "docs/egress.md")];

/// Runs one benchmark with `arguments`, or all without any.
pub(crate) fn run(name: Option<&str>, arguments: &[String]) -> anyhow::Result<Vec<String>> {
    let chosen: Vec<_> = BENCHES.iter().filter(|(n, ..)| name.is_none_or(|wanted| wanted == *n)).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|(n, ..)| *n).collect();
        bail!("no such benchmark; there are: {}", known.join(", "));
    }
    let mut failed = Vec::new();
    for (name, package, example) in chosen {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let comparison = COMPARISONS.iter().find(|(n, _)| n == name).map(|(_, page)| *page);
        let profile = if comparison.is_some() { "dev" } else { "demo" };
        if package == &"hap" {
            // Measured from outside, as users meet it.
            let built =
                Command::new(&program).args(["build", "--locked", "--profile", profile, "-p", "hap"]).status()?;
            anyhow::ensure!(built.success(), "hap does not build");
        }
        let output = Command::new(program)
            .args(["run", "--quiet", "--locked", "--profile", profile, "-p", package, "--example", example, "--"])
            .args(arguments)
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("starting the benchmark {name}"))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        io::Write::write_all(&mut io::stdout(), printed.as_bytes())?;
        if !output.status.success() {
            failed.push(format!("the benchmark {name} failed"));
            continue;
        }
        let command = [&["cargo xtask bench".to_owned(), (*name).to_owned()], arguments].concat().join(" ");
        let path = root().join(comparison.unwrap_or("docs/benchmarks.md"));
        let page = fs::read_to_string(&path).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
        fs::write(&path, with_section(&page, name, &command, &printed))?;
    }
    Ok(failed)
}

/// The page with the section `name` replaced, or added at its end.
pub(crate) fn with_section(page: &str, name: &str, command: &str, body: &str) -> String {
    let head = format!("## {name}\n");
    let section = format!("{head}\n`{command}`\n\n{}\n", body.trim());
    let Some(start) = page.find(&head) else { return format!("{}\n\n{section}", page.trim_end()) };
    let end = page[start + head.len()..].find("\n## ").map_or(page.len(), |at| start + head.len() + at + 1);
    let rest = page[end..].trim_start();
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!("{}{section}{gap}{rest}", &page[..start])
}

#[cfg(test)]
mod tests {
    use super::with_section;

    #[test]
    fn a_section_is_added_and_replaced_in_its_place() {
        let page = with_section("# Benchmarks\n", "audit", "cmd", "one");
        let page = with_section(&page, "engine", "cmd 2", "two");
        assert_eq!(page, "# Benchmarks\n\n## audit\n\n`cmd`\n\none\n\n## engine\n\n`cmd 2`\n\ntwo\n");
        let page = with_section(&page, "audit", "cmd", "three");
        assert_eq!(page, "# Benchmarks\n\n## audit\n\n`cmd`\n\nthree\n\n## engine\n\n`cmd 2`\n\ntwo\n");
    }
}
