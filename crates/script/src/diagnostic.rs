//! What is said about a script: coded messages in three languages with place, hint and nearest names
//! (language.md section 7.2). What it is not: the texts, which stand in `messages`.

use std::fmt;

use kernel::{LangMap, Language};
use serde::{Deserialize, Serialize};

use crate::span::Span;

macro_rules! codes {
    ($($code:ident $meaning:literal,)*) => {
        /// The stable code of a diagnostic. `E…` stops a script, `W…` never changes a result.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$code,)*];

            /// The code as it is shown: `E101`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)* }
            }

            /// What the code means, in English.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$code => $meaning,)* }
            }
        }
    };
}

codes! {
    E101 "unknown command",
    E102 "unknown option",
    E103 "unexpected token",
    E104 "unterminated string",
    E105 "required argument or option missing",
    E106 "block not closed",
    E107 "block end without start",
    E108 "invalid name",
    E109 "options exclude each other, or repeat with other arguments",
    E110 "continuation at end of file",
    E201 "unknown variable",
    E202 "unknown or unsuitable dataset",
    E203 "no active dataset",
    E204 "unknown or ambiguous alias",
    E205 "unknown register variable, store or version",
    E206 "unknown binding",
    E207 "unknown function",
    E208 "unknown code list",
    E209 "name already in use",
    E210 "wrong number of arguments or values",
    E301 "type mismatch",
    E302 "comparison with the missing literal",
    E303 "unit key in expression or output",
    E304 "continuous variable where categories are needed",
    E305 "non-numeric text in destring",
    E306 "invalid date or interval",
    E307 "time does not fit the temporality or coverage",
    E308 "unit types differ",
    E309 "event, cross-section and panel data mixed",
    E310 "needs panel data",
    E311 "dataset must be empty",
    E312 "no link key",
    E313 "source not unique per key",
    E314 "label not in code list",
    E315 "reshape prefix matches nothing",
    E316 "value outside an option's range",
    E317 "no change table for harmonisation",
    E401 "refused by the disclosure gate: SMALL",
    E402 "refused by the disclosure gate: DOMINANCE",
    E403 "refused by the disclosure gate: SPARSE",
    E404 "refused by the disclosure gate: FLOOR",
    E405 "refused by the disclosure gate: EDIT",
    E406 "refused by the disclosure gate: TAIL",
    E407 "refused by the disclosure gate: MODEL_SIZE",
    E408 "refused by the disclosure gate: MODEL_TERM",
    E409 "refused by the disclosure gate: MODEL_FIT",
    E410 "refused by the disclosure gate: GROUPS",
    E411 "refused by the disclosure gate: SURVIVAL",
    E412 "refused by the disclosure gate: VALUE",
    E413 "refused by the disclosure gate: BUDGET",
    E501 "no usable observations",
    E502 "model cannot be identified",
    E503 "no convergence",
    E601 "script limit",
    E602 "time limit",
    E603 "skipped after an earlier error",
    E604 "assertion failed",
    E605 "not yet available",
    W602 "time on a fixed variable is ignored",
    W603 "collinear term dropped",
    W605 "command has no effect here",
    W606 "repeated option",
    W607 "empty loop",
    W608 "large panel",
    W609 "sample as large as the population",
    W610 "rule never matches",
    W611 "codes meet in destring",
    W612 "no code of the list matches",
    W613 "bars of several variables",
    W615 "rounding of negative numbers",
    W616 "no label contains the text",
    W617 "code outside the list",
    W618 "metadata not at hand",
}

impl Code {
    /// Whether it stops the script.
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How grave a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The statement fails.
    Error,
    /// The statement runs; results are unchanged.
    Warning,
}

/// Another place or circumstance that belongs to a diagnostic, e.g. the pass of a loop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Related {
    /// Where, when it is a place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub span: Option<Span>,
    /// What about it.
    pub message: LangMap,
}

/// One message about one place in the script.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable code.
    pub code: Code,
    /// The named error of the statistics (LANG-109), beside the code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Error or warning; follows from the code.
    pub severity: Severity,
    /// Where.
    #[serde(flatten)]
    pub span: Span,
    /// What is wrong.
    pub message: LangMap,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<LangMap>,
    /// "Did you mean": at most three names, best first (LANG-105).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub candidates: Vec<String>,
    /// Text that may stand in place of the span, when there is exactly one candidate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replacement: Option<String>,
    /// Further places and circumstances.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// A diagnostic without hint.
    pub fn new(code: Code, span: Span, message: LangMap) -> Self {
        Self {
            code,
            name: None,
            severity: code.severity(),
            span,
            message,
            hint: None,
            candidates: Vec::new(),
            replacement: None,
            related: Vec::new(),
        }
    }

    /// With a hint.
    pub fn hint(mut self, hint: LangMap) -> Self {
        self.hint = Some(hint);
        self
    }

    /// With the name that a statistic gives its error (LANG-109).
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// With candidates; a single one becomes the replacement (LANG-105).
    pub fn candidates(mut self, candidates: Vec<String>) -> Self {
        self.replacement = match candidates.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        self.candidates = candidates;
        self
    }

    /// Message, hint and nearest names as one line of prose, for where only text can be shown.
    pub fn prose(&self, language: Language) -> String {
        let mut prose = self.message.text(language).to_owned();
        if let Some(hint) = &self.hint {
            prose.push(' ');
            prose.push_str(hint.text(language));
        }
        if let Some((last, before)) = self.candidates.split_last() {
            let (meant, or, open, close) = match language {
                Language::Nb => ("Mente du", "eller", '«', '»'),
                Language::Nn => ("Meinte du", "eller", '«', '»'),
                Language::En => ("Did you mean", "or", '"', '"'),
            };
            let before: Vec<String> = before.iter().map(|name| format!("{open}{name}{close}")).collect();
            let last = format!("{open}{last}{close}");
            let names = if before.is_empty() { last } else { format!("{} {or} {last}", before.join(", ")) };
            prose.push_str(&format!(" {meant} {names}?"));
        }
        prose
    }

    /// Whether it stops the script.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `4:1: E101: Unknown command "summarise".` in English, as the command line prints it after the file name (LANG-350).
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.message.text(Language::En);
        write!(f, "{}:{}: {}: {}", self.span.line, self.span.column, self.code, text)
    }
}

/// Sorts by line, then column (LANG-093).
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|d| (d.span.line, d.span.column));
}
