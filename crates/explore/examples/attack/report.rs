//! What was found, as Markdown.

use std::fmt::Write as _;

use super::Options;
use super::answer::METERED;
use super::score::{Limit, Line};
use super::suite::{Found, PERSONS};
use super::utility::{CLASSES, Utility, median};

/// Order of the columns.
const COLUMNS: [&str; 6] = ["none", "suppression < 10", "rounding to 5", "cell key only", "hap", METERED];

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
            // Few cases: the mean is above the limit, but by less than its error.
            (_, false) if line.above() => "not shown",
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
    if let Some(utility) = &found.utility {
        out += &costs(utility);
    }
    out
}

/// What the protection costs (SDC-191).
fn costs(utility: &Utility) -> String {
    let mut out = format!("\nUtility, behind a ledger that held {} cells of honest tables:\n\n", utility.before);
    out += "| counts | cells | mean absolute error | bias | target |\n|---|---:|---:|---:|---|\n";
    for (class, ((_, name), target)) in CLASSES.iter().zip([1.6, 1.4, 1.4]).enumerate() {
        let (absolute, bias) = utility.error(class);
        let met = if absolute <= target { "" } else { ", **missed**" };
        let n = utility.counts[class].0;
        let _ = writeln!(out, "| {name} | {n} | {absolute:.2} | {bias:+.2} | ≤ {target}{met} |");
    }
    let share = |part: u64, all: u64| 100.0 * part as f64 / all.max(1) as f64;
    let _ = writeln!(
        out,
        "\nHidden: {:.1} % of {} cells; stopped: {:.1} % of {} tables. Means of groups over 1 000: median error {:.3} % \
         (winsorised without noise: {:.3} %). Of a derived column: {:.2} %, of groups of 100 to 1 000 {:.2} %.",
        share(utility.hidden, utility.cells),
        utility.cells,
        share(utility.stopped, utility.tables),
        utility.tables,
        median(&utility.means),
        median(&utility.winsorised),
        median(&utility.derived[0]),
        median(&utility.derived[1])
    );
    out
}

fn cell(line: &Line, name: &str) -> String {
    match line.scores.iter().find(|(n, _)| *n == name) {
        None => "–".to_owned(),
        Some((_, s)) if line.unit == "AUC" => format!("{:.3} ± {:.3}", s.value, s.error),
        Some((_, s)) if s.error > 0.0 => format!("{:.1} ± {:.1}", s.value, s.error),
        Some((_, s)) => format!("{:.1}", s.value),
    }
}
