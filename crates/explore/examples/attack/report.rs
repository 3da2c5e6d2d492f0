//! What was found, as Markdown.

use std::fmt::Write as _;

use super::Options;
use super::score::{Limit, Line};
use super::suite::{Found, PERSONS};

/// Order of the columns.
const COLUMNS: [&str; 5] = ["none", "suppression < 10", "rounding to 5", "cell key only", "hap"];

/// Everything as one section.
pub fn markdown(options: &Options, found: &Found) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} persons, seeds 1 to {}, {} targets each, half of them with the secret; policy `{}`; {:.0} s.\n",
        PERSONS, options.seeds, options.targets, found.policy, found.seconds
    );
    let _ = writeln!(out, "| attack | | measure | {} | limit | |", COLUMNS.join(" | "));
    let _ = writeln!(out, "|---|---|---|{}---|---|", "---:|".repeat(COLUMNS.len()));
    for line in &found.lines {
        let scores: Vec<String> = COLUMNS.iter().map(|name| cell(line, name)).collect();
        let limit = match line.limit {
            Limit::AtMost(limit) => format!("≤ {limit}"),
            Limit::AtLeast(limit) => format!("≥ {limit}"),
            Limit::Told => "–".to_owned(),
        };
        let verdict = match (line.limit, line.broken(options.full)) {
            (Limit::Told, _) => "",
            (_, true) => "**broken**",
            (_, false) => "holds",
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {limit} | {verdict} |",
            line.id,
            line.what,
            line.unit,
            scores.join(" | ")
        );
    }
    out
}

fn cell(line: &Line, name: &str) -> String {
    match line.scores.iter().find(|(n, _)| *n == name) {
        None => "–".to_owned(),
        Some((_, s)) if s.error > 0.0 => format!("{:.1} ± {:.1}", s.value, s.error),
        Some((_, s)) => format!("{:.1}", s.value),
    }
}
