//! What the check says: a verdict and reasons per file and per table, as data. Nothing of a cell stands in it: a place is a
//! row and a column by number, and a name that looks like a person's number is starred.

use kernel::Language;
use serde::{Serialize, Serializer};

use crate::kind::Kind;
use crate::output::OutputType;
use crate::reason::Reason;

/// What the machine says of a file or table (SDC-300). Ordered: the worst of several is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing speaks against it.
    #[default]
    Pass,
    /// A human must look at it.
    Review,
    /// It does not leave, unless two persons overrule it with a written reason.
    Fail,
}

impl Verdict {
    /// The word of machines: `pass`, `review`, `fail`.
    pub const fn code(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Review => "review",
            Verdict::Fail => "fail",
        }
    }

    /// The word for a reader.
    pub const fn word(self, language: Language) -> &'static str {
        match (self, language) {
            (Verdict::Pass, Language::Nb | Language::Nn) => "godkjent",
            (Verdict::Review, Language::Nb) => "må vurderes",
            (Verdict::Review, Language::Nn) => "må vurderast",
            (Verdict::Fail, Language::Nb) => "stoppet",
            (Verdict::Fail, Language::Nn) => "stoppa",
            (Verdict::Pass, Language::En) => "pass",
            (Verdict::Review, Language::En) => "review",
            (Verdict::Fail, Language::En) => "fail",
        }
    }
}

/// Where the first occurrence stands, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Place {
    /// Row below the header, or line of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// Column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// Another output that a linked finding is about (SDC-304).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Other {
    /// Whether it is an output that was released earlier.
    pub earlier: bool,
    /// Its file.
    pub file: String,
    /// Its table, where the file has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// One reason, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// Where the first occurrence stands.
    pub place: Place,
    /// The other output of a pair.
    pub other: Option<Other>,
}

impl From<Reason> for Finding {
    fn from(reason: Reason) -> Self {
        Self { reason, place: Place::default(), other: None }
    }
}

impl Finding {
    /// In a column, counted from 0.
    pub(crate) fn in_column(reason: Reason, column: usize) -> Self {
        Self { reason, place: Place { row: None, column: Some(column + 1) }, other: None }
    }

    /// In a cell, counted from 0.
    pub(crate) fn at(reason: Reason, row: usize, column: usize) -> Self {
        Self { reason, place: Place { row: Some(row + 1), column: Some(column + 1) }, other: None }
    }

    /// On a line, counted from 0.
    pub(crate) fn on_line(reason: Reason, line: usize) -> Self {
        Self { reason, place: Place { row: Some(line + 1), column: None }, other: None }
    }

    /// About a pair.
    pub(crate) fn with(mut self, other: Other) -> Self {
        self.other = Some(other);
        self
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            code: &'static str,
            rule: &'static str,
            verdict: Verdict,
            remedy: &'static str,
            #[serde(flatten)]
            place: Place,
            #[serde(skip_serializing_if = "Option::is_none")]
            other: Option<&'a Other>,
        }
        let Finding { reason, place, other } = self;
        Written {
            code: reason.code(),
            rule: reason.rule(),
            verdict: reason.verdict(),
            remedy: reason.remedy().code(),
            place: *place,
            other: other.as_ref(),
        }
        .serialize(serializer)
    }
}

/// One table of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TableReport {
    /// Its name in the file: a sheet, or a number.
    pub name: String,
    /// Which rules it was judged by.
    pub output: OutputType,
    /// Whether the researcher declared that type.
    pub declared: bool,
    /// The worst of its reasons.
    pub verdict: Verdict,
    /// Its reasons, the worst first.
    pub reasons: Vec<Finding>,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileReport {
    /// Its name within the folder; a number of a person in it is starred.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of what was checked; what leaves must have the same.
    pub sha256: String,
    /// What it is by its content.
    pub kind: Kind,
    /// The worst of its own reasons and of its tables.
    pub verdict: Verdict,
    /// What is said of the file as a whole, the worst first.
    pub reasons: Vec<Finding>,
    /// Its tables.
    pub tables: Vec<TableReport>,
    /// The same picture without metadata, where the file is a PNG that could be read (SDC-301).
    #[serde(skip)]
    pub reencoded: Option<Vec<u8>>,
}

/// What the check says of a release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The set of rules.
    pub rules: &'static str,
    /// SHA-256 of the policy whose thresholds were used.
    pub policy: String,
    /// The worst of all files.
    pub verdict: Verdict,
    /// What is wrong with the declaration.
    pub declaration: Vec<Finding>,
    /// Per file, in the order they were given.
    pub files: Vec<FileReport>,
}

/// The worst verdict of some findings.
pub(crate) fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|f| f.reason.verdict()).max().unwrap_or_default()
}

/// Worst first, each reason with the same pair once.
pub(crate) fn tidy(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|f| (std::cmp::Reverse(f.reason.verdict()), f.reason));
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        if !kept.iter().any(|k| k.reason == finding.reason && k.other == finding.other) {
            kept.push(finding);
        }
    }
    kept
}
