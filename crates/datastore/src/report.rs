//! What validation found, in two renderings: ours (rule, line, count, what is wrong and how to mend it) and the lines of
//! the public tool (DATA-110). No rendering of ours holds an identity number.

use std::fmt;

use serde::Serialize;

/// The most findings of one rule that are listed.
pub const LISTED: usize = 50;

/// A rule of section 3 of the specification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// DATA-020: the name of the dataset.
    Name,
    /// DATA-021: a field is missing or has the wrong shape.
    Field,
    /// DATA-022: a value outside its enumeration.
    Enum,
    /// DATA-023: a value domain has either codes or a description.
    Domain,
    /// DATA-024: a measure with a unit type has nothing else.
    UnitMeasure,
    /// DATA-025: codes of another type than the measure.
    CodeType,
    /// DATA-026: a code valid twice.
    CodeTwice,
    /// DATA-027: no rows.
    Empty,
    /// DATA-028: not five columns.
    Columns,
    /// DATA-029: a value of the wrong type.
    Type,
    /// DATA-030: no unit id.
    Id,
    /// DATA-031: no value.
    Value,
    /// DATA-032: not in the code list.
    Code,
    /// DATA-033 (warning): the code was not valid then.
    CodePeriod,
    /// DATA-034: FIXED has no dates.
    FixedStart,
    /// DATA-035: a date column is empty in the whole file.
    NoDates,
    /// DATA-036: dates in the wrong order.
    DateOrder,
    /// DATA-037: the same unit (and date) twice.
    Twice,
    /// DATA-038: overlapping spells.
    Overlap,
    /// DATA-041 (warning): dates that do not fit the public store.
    DateRange,
    /// DATA-001: a file is not there.
    File,
    /// DATA-056: the package is broken.
    Package,
}

impl Rule {
    /// The id of the rule.
    pub const fn id(self) -> &'static str {
        match self {
            Rule::Name => "DATA-020",
            Rule::Field => "DATA-021",
            Rule::Enum => "DATA-022",
            Rule::Domain => "DATA-023",
            Rule::UnitMeasure => "DATA-024",
            Rule::CodeType => "DATA-025",
            Rule::CodeTwice => "DATA-026",
            Rule::Empty => "DATA-027",
            Rule::Columns => "DATA-028",
            Rule::Type => "DATA-029",
            Rule::Id => "DATA-030",
            Rule::Value => "DATA-031",
            Rule::Code => "DATA-032",
            Rule::CodePeriod => "DATA-033",
            Rule::FixedStart => "DATA-034",
            Rule::NoDates => "DATA-035",
            Rule::DateOrder => "DATA-036",
            Rule::Twice => "DATA-037",
            Rule::Overlap => "DATA-038",
            Rule::DateRange => "DATA-041",
            Rule::File => "DATA-001",
            Rule::Package => "DATA-056",
        }
    }

    /// Whether it only warns.
    pub const fn warns(self) -> bool {
        matches!(self, Rule::CodePeriod | Rule::DateRange)
    }
}

/// One fault, or one kind of fault with the number of rows that have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// Line of the CSV of the first bad row, from 1.
    pub line: Option<u64>,
    /// Bad rows; 1 for what is not about rows.
    pub count: u64,
    /// What is wrong and how to mend it.
    pub message: String,
    /// The lines of the public tool; at most [`LISTED`].
    pub compat: Vec<String>,
    /// Whether it only warns.
    pub warning: bool,
}

impl Finding {
    /// A fault that is not about rows.
    pub fn new(rule: Rule, message: impl Into<String>, compat: impl Into<String>) -> Self {
        Self { rule, line: None, count: 1, message: message.into(), compat: vec![compat.into()], warning: rule.warns() }
    }

    /// A fault of rows: the first bad line and the number of bad rows.
    pub fn rows(rule: Rule, line: u64, count: u64, message: impl Into<String>, compat: Vec<String>) -> Self {
        Self { rule, line: Some(line), count, message: message.into(), compat, warning: rule.warns() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.warning { "warning" } else { "error" };
        write!(f, "{level} {}: {}", self.rule.id(), self.message)?;
        if self.count > 1 { write!(f, " ({} rows)", self.count) } else { Ok(()) }
    }
}

/// What validation of one dataset found. The first failing step ends it, so all errors are of one step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Name of the dataset.
    pub dataset: String,
    /// Faults and warnings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// A report without findings.
    pub fn new(dataset: impl Into<String>) -> Self {
        Self { dataset: dataset.into(), findings: Vec::new() }
    }

    /// Whether the dataset may be used.
    pub fn is_valid(&self) -> bool {
        self.findings.iter().all(|f| f.warning)
    }

    /// The lines that the public tool gives.
    pub fn compat(&self) -> Vec<String> {
        self.findings.iter().filter(|f| !f.warning).flat_map(|f| f.compat.iter().cloned()).collect()
    }

    /// As JSON: `{dataset, valid, findings: [{rule, level, line?, count, message}]}`.
    pub fn json(&self) -> serde_json::Value {
        let findings: Vec<Line<'_>> = self
            .findings
            .iter()
            .map(|f| Line {
                rule: f.rule.id(),
                level: if f.warning { "warning" } else { "error" },
                line: f.line,
                count: f.count,
                message: &f.message,
            })
            .collect();
        serde_json::json!({"dataset": self.dataset, "valid": self.is_valid(), "findings": findings})
    }
}

#[derive(Serialize)]
struct Line<'a> {
    rule: &'a str,
    level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    count: u64,
    message: &'a str,
}

/// The name nearest to `wrong`, when one is near.
pub(crate) fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let distance = |a: &str, b: &str| {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let cost = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = row[j + 1];
                row[j + 1] = cost;
            }
        }
        row[b.len()]
    };
    let upper = wrong.to_uppercase();
    names.iter().map(|n| (distance(&upper, n), *n)).min().filter(|(d, n)| *d <= 2.max(n.len() / 3)).map(|(_, n)| n)
}
