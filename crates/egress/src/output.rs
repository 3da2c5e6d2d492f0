//! Types of output (SDC-303), what the columns of a table say, and the machine's guess of the type from them.

use kernel::Language;
use serde::{Deserialize, Serialize};

use crate::table::{Cell, Table};

/// A type of output. The researcher declares it, the machine guesses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputType {
    /// Counts by groups.
    Frequency,
    /// Sums by groups.
    Magnitude,
    /// Means, standard deviations, percentiles.
    Summary,
    /// Correlations and tests.
    Test,
    /// Coefficients of a model.
    Regression,
    /// A survival curve or risk table.
    Survival,
    /// A figure, or the numbers of one.
    Figure,
    /// A trained model.
    Model,
    /// Code or text.
    Text,
    /// Not told.
    Unknown,
}

impl OutputType {
    /// The word for a reader.
    pub const fn word(self, language: Language) -> &'static str {
        let [nb, nn, en] = match self {
            OutputType::Frequency => ["antall", "tal på", "counts"],
            OutputType::Magnitude => ["summer", "summar", "sums"],
            OutputType::Summary => ["mål", "mål", "statistics"],
            OutputType::Test => ["test eller korrelasjon", "test eller korrelasjon", "test or correlation"],
            OutputType::Regression => ["modell", "modell", "regression"],
            OutputType::Survival => ["overlevelse", "overleving", "survival"],
            OutputType::Figure => ["figur", "figur", "figure"],
            OutputType::Model => ["trent modell", "trent modell", "trained model"],
            OutputType::Text => ["tekst", "tekst", "text"],
            OutputType::Unknown => ["ukjent type", "ukjend type", "unknown type"],
        };
        match language {
            Language::Nb => nb,
            Language::Nn => nn,
            Language::En => en,
        }
    }
}

/// What the machine takes a table for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Guess {
    pub output: OutputType,
    /// Whether the names of its columns say so.
    pub plain: bool,
}

/// What a column holds, by its name.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Role {
    /// Names of groups.
    Label,
    Count,
    Percent,
    Sum,
    Mean,
    /// Standard deviation, variance and the like.
    Spread,
    Percentile(f64),
    /// Smallest or largest value.
    Single,
    Coefficient,
    StandardError,
    Statistic,
    PValue,
    Degrees,
    Time,
    AtRisk,
    Events,
    Survival,
    /// Numbers whose name says nothing.
    Number,
}

impl Role {
    /// Statistics that need units behind them.
    pub(crate) fn is_statistic(self) -> bool {
        matches!(self, Role::Mean | Role::Spread | Role::Percentile(_))
    }
}

const WORDS: &[(Role, &[&str])] = &[
    (
        Role::Count,
        &[
            "n",
            "count",
            "counts",
            "antall",
            "antal",
            "freq",
            "frequency",
            "frekvens",
            "obs",
            "nobs",
            "persons",
            "personer",
            "personar",
            "cases",
            "contributors",
            "bidragsytere",
            "units",
            "enheter",
            "einingar",
            "n_obs",
            "observations",
        ],
    ),
    (Role::Percent, &["percent", "pct", "share", "andel", "prosent", "proportion", "del", "prop"]),
    (Role::Sum, &["sum", "beløp", "belop", "amount", "turnover"]),
    (Role::Mean, &["mean", "average", "avg", "snitt", "gjennomsnitt", "gj"]),
    (Role::Spread, &["sd", "std", "stddev", "variance", "var", "sem", "iqr", "gini", "standardavvik"]),
    (
        Role::Single,
        &[
            "min", "max", "minimum", "maximum", "maksimum", "minst", "størst", "smallest", "largest", "lowest",
            "highest", "range",
        ],
    ),
    (Role::Coefficient, &["coef", "coefficient", "estimate", "beta", "b", "koeffisient", "or", "hr", "rr", "irr"]),
    (Role::StandardError, &["se", "stderr", "std_err", "standardfeil"]),
    (Role::Statistic, &["t", "z", "chi2", "chisq", "statistic", "wald", "tvalue", "zvalue"]),
    (Role::PValue, &["p", "pvalue", "pval", "p_value"]),
    (Role::Degrees, &["df", "dof", "degrees", "frihetsgrader"]),
    (Role::Time, &["time", "tid", "day", "dag", "days", "month", "months"]),
    (Role::AtRisk, &["risk", "risiko", "at_risk", "atrisk", "nrisk"]),
    (Role::Events, &["event", "events", "hendelser", "hendingar", "nevent", "deaths", "dødsfall", "observed"]),
    (Role::Survival, &["surv", "survival", "overlevelse", "km"]),
];

/// The words of a name, lower case.
fn words(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut last_lower = false;
    let mut word = String::new();
    for c in name.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && last_lower)) && !word.is_empty() {
            parts.push(std::mem::take(&mut word));
        }
        last_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        parts.push(word);
    }
    parts
}

/// The percentile that a name stands for: `p95`, `q1`, `25%`, `median`.
fn percentile(name: &str) -> Option<f64> {
    let name = name.trim().to_lowercase();
    match name.as_str() {
        "median" | "q2" => return Some(50.0),
        "q1" | "nedre kvartil" | "lower quartile" => return Some(25.0),
        "q3" | "øvre kvartil" | "upper quartile" => return Some(75.0),
        _ => {}
    }
    let last = words(&name);
    if last.iter().any(|w| w == "median") {
        return Some(50.0);
    }
    let digits = |t: &str| t.parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p));
    if let Some(p) = name.strip_suffix('%').and_then(|t| digits(t.trim())) {
        return Some(p);
    }
    last.iter().find_map(|w| ["perc", "pct", "persentil", "p"].iter().find_map(|pre| digits(w.strip_prefix(pre)?)))
}

/// What a name says of its column.
pub(crate) fn named(name: &str) -> Option<Role> {
    if let Some(p) = percentile(name) {
        return Some(Role::Percentile(p));
    }
    let words = words(name);
    let joined = words.concat();
    let is = |role: Role, word: &str| {
        let list = WORDS.iter().find(|(r, _)| *r == role).map_or(&[][..], |(_, l)| l);
        list.contains(&word)
    };
    // `n.risk`, `std.error`, `p-value` and the like, before their parts.
    let whole = match joined.as_str() {
        "nrisk" | "atrisk" | "numberatrisk" | "nrisiko" => Some(Role::AtRisk),
        "nevent" | "nevents" | "ndeaths" => Some(Role::Events),
        "ncensor" | "censored" => Some(Role::Count),
        "stderr" | "stderror" | "standarderror" | "robustse" => Some(Role::StandardError),
        "stddev" | "standarddeviation" | "standardavvik" => Some(Role::Spread),
        "pvalue" | "pt" | "pz" | "prt" | "prz" => Some(Role::PValue),
        "tvalue" | "zvalue" | "tstat" | "teststatistic" => Some(Role::Statistic),
        "rowshare" | "columnshare" | "tableshare" => Some(Role::Percent),
        _ => None,
    };
    if whole.is_some() {
        return whole;
    }
    if name.trim() == "%" {
        return Some(Role::Percent);
    }
    let order = [
        Role::Single,
        Role::Mean,
        Role::Spread,
        Role::StandardError,
        Role::Percent,
        Role::Sum,
        Role::Count,
        Role::Survival,
        Role::AtRisk,
        Role::Events,
        Role::Degrees,
        Role::Coefficient,
        Role::PValue,
        Role::Statistic,
        Role::Time,
    ];
    // Long words anywhere in the name; one-letter words and the like only when they are all of it.
    order
        .into_iter()
        .find(|r| {
            words.iter().any(|w| {
                is(*r, w) && (w.chars().count() > 2 || words.len() == 1 || matches!(w.as_str(), "sd" | "se" | "df"))
            })
        })
        .or_else(|| (words.len() > 1 && words.last().is_some_and(|w| w == "n")).then_some(Role::Count))
}

/// A table with what its columns hold.
pub(crate) struct Read<'a> {
    pub table: &'a Table,
    pub roles: Vec<Role>,
}

impl<'a> Read<'a> {
    pub(crate) fn new(table: &'a Table) -> Self {
        let roles = (0..table.columns.len()).map(|c| role(table, c)).collect();
        let mut read = Self { table, roles };
        for column in read.of(Role::Sum).collect::<Vec<_>>() {
            if read.is_row_total(column) {
                read.roles[column] = Role::Number;
            }
        }
        // What stands before the count and has few values is the code of a group.
        let first = read.roles.iter().position(|r| *r == Role::Count).unwrap_or(0);
        for column in (0..first).filter(|c| read.roles[*c] == Role::Number).collect::<Vec<_>>() {
            if read.is_code(column) {
                read.roles[column] = Role::Label;
            }
        }
        read
    }

    /// The columns of a role.
    pub(crate) fn of(&self, wanted: Role) -> impl Iterator<Item = usize> + '_ {
        self.roles.iter().enumerate().filter(move |(_, r)| **r == wanted).map(|(c, _)| c)
    }

    pub(crate) fn has(&self, wanted: Role) -> bool {
        self.of(wanted).next().is_some()
    }

    /// Columns that are called counts.
    pub(crate) fn named_counts(&self) -> Vec<usize> {
        self.of(Role::Count).collect()
    }

    /// Columns of counts: those that are called so, or all numbers of a table of counts whose names are categories.
    pub(crate) fn counts(&self, output: OutputType) -> Vec<usize> {
        let mut named: Vec<usize> = self.of(Role::Count).collect();
        if output == OutputType::Frequency && !self.roles.iter().any(|r| r.is_statistic() || *r == Role::Sum) {
            named.extend(self.of(Role::Number).filter(|c| self.is_whole(*c)));
            named.extend(self.of(Role::Events).chain(self.of(Role::AtRisk)));
        }
        named.sort_unstable();
        named
    }

    /// Whether a column that is called a sum is the total of the others beside it, as in Norwegian tables of counts.
    fn is_row_total(&self, column: usize) -> bool {
        let others: Vec<usize> = self.of(Role::Number).collect();
        let row = |r: usize| {
            let parts: Option<f64> = others.iter().map(|c| self.table.cell(r, *c).number()).sum();
            parts.zip(self.table.cell(r, column).number())
        };
        let totals: Vec<(f64, f64)> = (0..self.table.rows).filter_map(row).collect();
        !others.is_empty()
            && !totals.is_empty()
            && totals.iter().all(|(sum, total)| (sum - total).abs() <= 2.5 * others.len() as f64)
    }

    /// Whether a column holds few whole numbers, each of several rows.
    fn is_code(&self, column: usize) -> bool {
        let values: std::collections::HashSet<&str> = self.table.columns[column].iter().collect();
        self.is_whole(column) && values.len() <= 100 && values.len() * 2 <= self.table.rows
    }

    /// Whether all numbers of a column are whole and none is negative.
    pub(crate) fn is_whole(&self, column: usize) -> bool {
        let numbers = || (0..self.table.rows).filter_map(|r| self.table.cell(r, column).number());
        numbers().all(|x| x >= 0.0 && x.fract() == 0.0)
    }

    /// The machine's guess.
    pub(crate) fn guess(&self) -> Guess {
        let output = self.told();
        // Whole numbers under names that say nothing may be anything.
        let plain = output != OutputType::Unknown && (output != OutputType::Frequency || self.has(Role::Count));
        Guess { output, plain }
    }

    fn told(&self) -> OutputType {
        if self.has(Role::Coefficient)
            && (self.has(Role::StandardError) || self.has(Role::PValue) || self.has(Role::Statistic))
        {
            return OutputType::Regression;
        }
        if self.has(Role::Survival) || (self.has(Role::AtRisk) && (self.has(Role::Time) || self.has(Role::Events))) {
            return OutputType::Survival;
        }
        if self.is_correlation() || (self.has(Role::PValue) && (self.has(Role::Statistic) || self.has(Role::Degrees))) {
            return OutputType::Test;
        }
        if self.has(Role::Sum) {
            return OutputType::Magnitude;
        }
        if self.roles.iter().any(|r| r.is_statistic() || *r == Role::Single) {
            return OutputType::Summary;
        }
        let numbers: Vec<usize> = self.of(Role::Number).collect();
        let whole = numbers.iter().all(|c| self.is_whole(*c));
        if self.has(Role::Count) || self.has(Role::Percent) || (!numbers.is_empty() && whole && self.has(Role::Label)) {
            return OutputType::Frequency;
        }
        OutputType::Unknown
    }

    /// A square of numbers between -1 and 1 with ones on its diagonal, whose rows are named like its columns.
    fn is_correlation(&self) -> bool {
        let table = self.table;
        let columns: Vec<usize> = (1..self.roles.len()).collect();
        if columns.len() < 2 || columns.len() != table.rows || self.roles[0] != Role::Label {
            return false;
        }
        columns.iter().enumerate().all(|(row, c)| {
            table.columns[0].get(row) == table.header[*c]
                && table.cell(row, *c).number() == Some(1.0)
                && (0..table.rows).all(|r| table.cell(r, *c).number().is_none_or(|x| (-1.0..=1.0).contains(&x)))
        })
    }
}

fn role(table: &Table, column: usize) -> Role {
    let (mut numbers, mut texts, mut filled) = (0usize, 0usize, 0usize);
    for row in 0..table.rows {
        match table.cell(row, column) {
            Cell::Number(_) => numbers += 1,
            Cell::Text(_) => texts += 1,
            Cell::Masked(_) => {}
            Cell::Empty => continue,
        }
        filled += 1;
    }
    let name = &table.header[column];
    // A few words among numbers are notes; names of groups are mostly words.
    if texts * 2 > filled || (filled > 0 && numbers == 0 && texts > 0) {
        return Role::Label;
    }
    if let Some(role) = named(name) {
        return role;
    }
    if is_group_name(name) || (column == 0 && name.trim().is_empty()) || is_years(table, column, numbers) {
        return Role::Label;
    }
    Role::Number
}

/// Years, one per row: names of groups, not numbers.
fn is_years(table: &Table, column: usize, numbers: usize) -> bool {
    column == 0
        && numbers == table.rows
        && numbers > 0
        && (0..table.rows)
            .all(|r| table.cell(r, column).number().is_some_and(|x| x.fract() == 0.0 && (1900.0..2100.0).contains(&x)))
}

/// Traits that are written as numbers and form groups.
pub(crate) fn is_group_name(name: &str) -> bool {
    const GROUPS: &[&str] = &[
        "sex",
        "gender",
        "kjønn",
        "kjonn",
        "age",
        "alder",
        "aldersgruppe",
        "agegroup",
        "year",
        "år",
        "aar",
        "birthyear",
        "fødselsår",
        "fodselsar",
        "kommune",
        "municipality",
        "municipal",
        "county",
        "fylke",
        "region",
        "postnr",
        "postnummer",
        "postcode",
        "zip",
        "country",
        "landbakgrunn",
        "fødeland",
        "nationality",
        "education",
        "utdanning",
        "nus",
        "occupation",
        "yrke",
        "styrk",
        "sivilstand",
        "marital",
        "industry",
        "næring",
        "nace",
        "diagnosis",
        "diagnose",
        "icd",
        "icd10",
        "group",
        "gruppe",
        "category",
        "kategori",
        "quarter",
        "kvartal",
        "kode",
        "code",
        "grade",
        "parity",
        "household",
        "husholdning",
        "index",
        "level",
    ];
    words(name).iter().any(|w| GROUPS.contains(&w.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-303: names of columns in the languages and tools that are used in rooms.
    #[test]
    fn names_of_columns_tell_what_they_hold() {
        for (name, wanted) in [
            ("n", Some(Role::Count)),
            ("Antall personer", Some(Role::Count)),
            ("income_n", Some(Role::Count)),
            ("mean income", Some(Role::Mean)),
            ("inntektMean", Some(Role::Mean)),
            ("std", Some(Role::Spread)),
            ("p95", Some(Role::Percentile(95.0))),
            ("25%", Some(Role::Percentile(25.0))),
            ("median", Some(Role::Percentile(50.0))),
            ("max", Some(Role::Single)),
            ("Std. Error", Some(Role::StandardError)),
            ("P>|t|", Some(Role::PValue)),
            ("n.risk", Some(Role::AtRisk)),
            ("n.event", Some(Role::Events)),
            ("coef", Some(Role::Coefficient)),
            ("prosent", Some(Role::Percent)),
            ("Oslo", None),
            ("2019", None),
        ] {
            assert_eq!(named(name), wanted, "{name}");
        }
    }
}
