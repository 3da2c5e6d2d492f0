//! Who may name what: the rules of the architecture that no type can hold, checked in the text of the sources.

use std::collections::BTreeMap;

use crate::files::{Source, with_ending};
use crate::table::PURE;

/// A name that only certain crates may use.
struct Rule {
    name: &'static str,
    crates: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule { name: "into_gate", crates: &["engine", "disclosure"], why: "raw results are opened by the gate alone" },
    Rule { name: "OsRng", crates: &["hap"], why: "randomness is a parameter: take a kernel::Random" },
    Rule { name: "SystemTime::now", crates: &["hap"], why: "the time is a parameter: take a kernel::Clock" },
    Rule { name: "rusqlite::", crates: &["store"], why: "store alone names the drivers of databases" },
    Rule { name: "tokio_postgres::", crates: &["store"], why: "store alone names the drivers of databases" },
    Rule { name: "Keystore", crates: &["keys", "hap"], why: "others sign and seal through the traits of kernel" },
    Rule {
        name: ".reveal()",
        crates: &["kernel", "keys", "identity", "citizen", "datastore", "synth", "hap"],
        why: "identity numbers are read by the key role, the login table, what seals for it and the files of registers",
    },
    Rule {
        name: "person_number",
        crates: &["keys", "hap"],
        why: "nothing but keys and hap names the table of identity numbers and ordinals",
    },
    Rule {
        name: "unit_number",
        crates: &["keys", "hap"],
        why: "nothing but keys and hap names the table of identity numbers and ordinals",
    },
];

/// Words of I/O that have no place in a pure crate.
const IO: &[&str] = &["std::fs", "std::net", "std::process", "std::env", "tokio::", "std::time::Instant"];

const LONGEST_FILE: usize = 800;

/// Everything that breaks a rule.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let sources = with_ending(&[".rs"])?;
    let mut found = Vec::new();
    for source in sources.iter().filter(|s| s.crate_name() != Some("xtask")) {
        found.extend(naming(source));
        found.extend(purity(source));
    }
    for source in &sources {
        found.extend(shape(source));
    }
    found.extend(tables(&sources));
    found.extend(words()?);
    Ok(found)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn naming(source: &Source) -> Vec<String> {
    let Some(krate) = source.crate_name().filter(|_| source.is_product()) else { return Vec::new() };
    let mut found = Vec::new();
    for (number, line) in source.product_lines().filter(|(_, l)| !is_comment(l)) {
        for rule in RULES.iter().filter(|r| !r.crates.contains(&krate) && line.contains(r.name)) {
            found.push(format!("{}:{number}: {} is named: {}", source.path, rule.name, rule.why));
        }
        if line.contains("#[allow(") || line.contains("#![allow(") {
            found.push(format!("{}:{number}: a bare allow: write #[expect(lint, reason = \"…\")]", source.path));
        }
    }
    found
}

fn purity(source: &Source) -> Vec<String> {
    let pure = source.crate_name().is_some_and(|c| PURE.contains(&c)) && source.is_product();
    let lines = source.product_lines().filter(|(_, l)| pure && !is_comment(l));
    let hits = lines.filter_map(|(n, l)| IO.iter().find(|word| l.contains(**word)).map(|word| (n, word)));
    hits.map(|(n, word)| format!("{}:{n}: {word} in a crate without I/O", source.path)).collect()
}

fn shape(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines = source.text.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!("{}: {lines} lines, at most {LONGEST_FILE}", source.path));
    }
    let compile_fail = source.path.contains("compile-fail/") || source.path.contains("compile_fail/");
    if !source.text.starts_with("//!") && !compile_fail {
        found.push(format!("{}: does not open with what it is for (//!)", source.path));
    }
    found
}

/// No area reads another area's tables.
fn tables(sources: &[Source]) -> Vec<String> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let product: Vec<&Source> = sources.iter().filter(|s| s.is_product() && s.crate_name() != Some("xtask")).collect();
    for source in &product {
        for name in words_after(&source.text, &["CREATE TABLE"]) {
            if let Some(krate) = source.crate_name() {
                owners.insert(name, krate);
            }
        }
    }
    let mut found = Vec::new();
    for source in &product {
        for (number, line) in source.product_lines().filter(|(_, l)| !is_comment(l)) {
            for name in words_after(line, &["FROM", "JOIN", "INTO", "UPDATE", "DELETE FROM"]) {
                match owners.get(name) {
                    Some(owner) if Some(*owner) != source.crate_name() => {
                        found.push(format!("{}:{number}: {name} is a table of {owner}: ask its service", source.path));
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

/// The lower-case names that follow one of the keywords.
fn words_after<'a>(text: &'a str, keywords: &[&str]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for keyword in keywords {
        for (at, _) in text.match_indices(keyword) {
            let starts = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
            let Some(rest) = text[at + keyword.len()..].strip_prefix(' ').filter(|_| starts) else { continue };
            let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_' && !c.is_ascii_digit());
            let name = &rest[..end.unwrap_or(rest.len())];
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

/// Words that have no place in the product: postponed work.
fn words() -> anyhow::Result<Vec<String>> {
    // Put together here, so that this file does not find itself.
    let postponed =
        [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["un", "implemented!("].concat(), ["to", "do!("].concat()];
    let mut found = Vec::new();
    for source in with_ending(&[".rs", ".ts", ".html", ".css", ".ftl", ".md", ".toml", "Makefile"])? {
        for (i, line) in source.text.lines().enumerate() {
            let whole = |word: &&String| {
                line.match_indices(word.as_str()).any(|(at, _)| {
                    let around = [line[..at].chars().next_back(), line[at + word.len()..].chars().next()];
                    !around.into_iter().flatten().any(|c| c.is_alphanumeric() || c == '_')
                })
            };
            if let Some(word) = postponed.iter().find(whole) {
                found.push(format!("{}:{}: {word}", source.path, i + 1));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn names_stay_where_they_belong() {
        let line = "    let inner = raw.into_gate();\n";
        assert_eq!(naming(&source("crates/disclosure/src/gate.rs", line)), Vec::<String>::new());
        assert_eq!(naming(&source("crates/explore/src/runner.rs", line)).len(), 1);
        assert_eq!(naming(&source("crates/explore/tests/runner.rs", line)), Vec::<String>::new());
        let tested = format!("//! x\n#[cfg(test)]\nmod tests {{\n{line}}}\n");
        assert_eq!(naming(&source("crates/explore/src/runner.rs", &tested)), Vec::<String>::new());
        assert_eq!(naming(&source("crates/web/src/a.rs", "#[allow(dead_code)]\n")).len(), 1);
    }

    #[test]
    fn pure_crates_do_no_io() {
        let text = "//! std::fs in a comment\nuse std::fs::File;\n";
        assert_eq!(purity(&source("crates/engine/src/a.rs", text)).len(), 1);
        assert_eq!(purity(&source("crates/datastore/src/a.rs", text)), Vec::<String>::new());
    }

    #[test]
    fn tables_belong_to_their_area() {
        let sources = [
            source("crates/keys/src/sql.rs", "CREATE TABLE choice (id TEXT);\nSELECT a FROM choice"),
            source("crates/citizen/src/sql.rs", "SELECT a FROM choice WHERE x = 1"),
            source("crates/citizen/src/other.rs", "FROM somewhere, a choice of words"),
        ];
        let found = tables(&sources);
        assert_eq!(found, ["crates/citizen/src/sql.rs:1: choice is a table of keys: ask its service"]);
    }

    #[test]
    fn files_say_what_they_are_for() {
        assert_eq!(shape(&source("crates/a/src/b.rs", "fn main() {}\n")).len(), 1);
        assert_eq!(shape(&source("crates/a/src/b.rs", &"//! x\n".repeat(801))).len(), 1);
        assert!(shape(&source("crates/a/tests/compile-fail/b.rs", "fn main() {}\n")).is_empty());
    }
}
