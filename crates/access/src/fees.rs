//! What an application costs (`access.md` section 12): an itemised estimate from hours and a table that is data.
//! Amounts are øre, hours are hundredths, so that no rounding hides in a float.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::LangMap;

use serde::{Deserialize, Serialize};

mod invoice;

pub use invoice::{ACCESS_BODY, CreditNote, Invoice, InvoiceLine, credit_notes, invoices};

/// An estimate with its lines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeeEstimate {
    /// Version of the fee table.
    pub table: String,
    /// Base fee, case handling, sources, preparation.
    pub lines: Vec<FeeLine>,
    /// The sum of the lines.
    pub expected_ore: i64,
    /// Expected and a fifth, rounded up to 100 kroner: what the applicant accepts binds (ACC-150, ACC-152).
    pub max_ore: i64,
    /// The class of applicants at whose rate it is (ACC-154).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}

impl FeeEstimate {
    /// The estimate of lines at the full rate, at the rate of a class of applicants.
    pub fn of_lines(mut lines: Vec<FeeLine>, class: Option<&str>) -> Self {
        let table = &*TABLE;
        if let Some(rule) = class.and_then(|class| table.classes.get(class)) {
            for line in lines.iter_mut().filter(|line| rule.kinds.contains(&line.kind)) {
                line.amount_ore = line.amount_ore * rule.percent / 100;
            }
        }
        let expected_ore: i64 = lines.iter().map(|line| line.amount_ore).sum();
        const HUNDRED_KRONER: i64 = 10_000;
        let max_ore = (expected_ore * 6 / 5 + HUNDRED_KRONER - 1) / HUNDRED_KRONER * HUNDRED_KRONER;
        Self { table: table.version.clone(), lines, expected_ore, max_ore, class: class.map(str::to_owned) }
    }
}

/// One line of an estimate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeeLine {
    /// `base`, `case`, `source`, `preparation`.
    pub kind: FeeKind,
    /// The source of a `source` line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Started hours; none for the base fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<i64>,
    /// Øre per hour; none for the base fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_ore: Option<i64>,
    /// Amount.
    pub amount_ore: i64,
}

/// What a line is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeKind {
    /// Base fee.
    Base,
    /// Case handling.
    Case,
    /// Work of a source.
    Source,
    /// Preparation and linkage.
    Preparation,
}

/// The hours that an estimate is made from, in hundredths.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hours {
    /// Case handling.
    pub case: i64,
    /// By source, in the order of the application.
    pub sources: Vec<(String, i64)>,
    /// Preparation and linkage.
    pub preparation: i64,
}

#[derive(Deserialize)]
struct Table {
    version: String,
    base_one_source: i64,
    base_several_sources: i64,
    case_rate: i64,
    preparation_rate: i64,
    default_source: SourceRate,
    sources: BTreeMap<String, SourceRate>,
    /// Per cent of value added tax by kind of line; none is outside the tax.
    vat_percent: BTreeMap<FeeKind, i64>,
    classes: BTreeMap<String, Class>,
}

/// A class of applicants with a reduced rate (ACC-154).
#[derive(Deserialize)]
struct Class {
    /// Per cent of the full rate.
    percent: i64,
    /// The lines that are reduced.
    kinds: Vec<FeeKind>,
    /// What people call it.
    name: LangMap,
}

#[derive(Deserialize)]
struct SourceRate {
    rate: i64,
    least_hours: i64,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the table is part of the program and is read by its tests")]
    serde_json::from_str(include_str!("../data/fees.json")).unwrap()
});

/// Hours of the access body for a case of usual size, until it knows better: 6.
pub const USUAL_CASE_HOURS: i64 = 600;

/// Hours of a source before it has answered: 6, and 0.05 for each variable.
pub const fn usual_source_hours(variables: i64) -> i64 {
    600 + 5 * variables
}

/// Hours of preparation before they are known: 3 for each source that is linked with others.
pub const fn usual_preparation_hours(sources: i64) -> i64 {
    if sources > 1 { 300 * sources } else { 0 }
}

/// The classes of applicants with a reduced rate.
pub fn classes() -> impl Iterator<Item = &'static str> {
    TABLE.classes.keys().map(String::as_str)
}

/// What people call a class of applicants.
pub fn class_name(class: &str) -> Option<&'static LangMap> {
    TABLE.classes.get(class).map(|class| &class.name)
}

/// Per cent of value added tax on a line.
pub(crate) fn vat_percent(kind: FeeKind) -> i64 {
    TABLE.vat_percent.get(&kind).copied().unwrap_or(0)
}

/// Version of the fee table in force.
pub fn table_version() -> &'static str {
    &TABLE.version
}

/// The estimate `T = B(n) + r·ceil(h_case) + Σ max(m_s, ceil(h_s))·r_s + r_p·ceil(h_prep)`.
pub fn estimate(hours: &Hours) -> FeeEstimate {
    let table = &*TABLE;
    let started = |hundredths: i64| (hundredths + 99) / 100;
    let line = |kind, source: Option<String>, hours: i64, rate: i64| FeeLine {
        kind,
        source,
        hours: Some(hours),
        rate_ore: Some(rate * 100),
        amount_ore: hours * rate * 100,
    };
    let base = if hours.sources.len() > 1 { table.base_several_sources } else { table.base_one_source };
    let mut lines =
        vec![FeeLine { kind: FeeKind::Base, source: None, hours: None, rate_ore: None, amount_ore: base * 100 }];
    lines.push(line(FeeKind::Case, None, started(hours.case), table.case_rate));
    for (source, needed) in &hours.sources {
        let rate = table.sources.get(source).unwrap_or(&table.default_source);
        let counted = started(*needed).max(rate.least_hours);
        lines.push(line(FeeKind::Source, Some(source.clone()), counted, rate.rate));
    }
    if hours.preparation > 0 {
        lines.push(line(FeeKind::Preparation, None, started(hours.preparation), table.preparation_rate));
    }
    FeeEstimate::of_lines(lines, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_150_the_examples_of_the_specification() {
        let hours = |case, sources: &[(&str, i64)], preparation| Hours {
            case,
            sources: sources.iter().map(|(s, h)| ((*s).to_owned(), *h)).collect(),
            preparation,
        };
        for (hours, kroner) in [
            (hours(600, &[("npr", 1200)], 0), 21_810),
            (hours(1120, &[("npr", 1400), ("kreftregisteret", 800), ("lmr", 1000)], 900), 65_205),
            (hours(300, &[("npr", 400)], 0), 9_425),
        ] {
            let fee = estimate(&hours);
            assert_eq!(fee.expected_ore, kroner * 100);
            assert_eq!(fee.lines.iter().map(|l| l.amount_ore).sum::<i64>(), fee.expected_ore);
        }
        assert_eq!(estimate(&hours(600, &[("npr", 1200)], 0)).max_ore, 2_620_000);
        let reduced = |class| FeeEstimate::of_lines(estimate(&hours(600, &[("npr", 1200)], 0)).lines, Some(class));
        assert_eq!(reduced("student").max_ore, 0, "ACC-154");
        assert_eq!(reduced("refresh").expected_ore, 12 * 1_115 * 100, "the decision part of a refresh is free");
        for class in classes() {
            assert_eq!(class_name(class).unwrap().0.len(), 3);
        }
    }
}
