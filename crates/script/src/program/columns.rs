//! New codes and numbers in columns: `recode` and `destring` (language.md 8.3.2, 8.3.3).

use std::sync::Arc;

use super::{DataType, Expression, Labels, Literal, Name};

/// `recode`. Rules are tried in order, the first match wins; unmatched values stay (LANG-140).
#[derive(Clone, PartialEq, Debug)]
pub struct Recode {
    /// The columns.
    pub columns: Vec<RecodeColumn>,
    /// The rules.
    pub rules: Vec<RecodeRule>,
    /// Rows to change; the others keep their value.
    pub condition: Option<Expression>,
}

/// A column of a recode.
#[derive(Clone, PartialEq, Debug)]
pub struct RecodeColumn {
    /// Where values come from.
    pub source: Name,
    /// Where they go; equal to `source` when it is changed in place.
    pub target: Name,
    /// Type of the target afterwards.
    pub data_type: DataType,
    /// Labels of the target afterwards (LANG-143).
    pub labels: Option<Arc<Labels>>,
}

/// A rule of a recode.
#[derive(Clone, PartialEq, Debug)]
pub struct RecodeRule {
    /// Values it applies to, any of them.
    pub sources: Vec<RecodeSource>,
    /// New value; none is missing.
    pub target: Option<Literal>,
    /// Whether the target code is flagged missing from here on.
    pub flag_missing: bool,
}

/// Values that a rule applies to (LANG-141).
#[derive(Clone, PartialEq, Debug)]
pub enum RecodeSource {
    /// One value.
    Value(Literal),
    /// A closed interval of numbers; none is an open end. Missing is never inside.
    Range(Option<f64>, Option<f64>),
    /// Missing, also flagged missing.
    Missing,
    /// Everything that is neither missing nor flagged missing.
    NonMissing,
    /// Everything, missing too.
    Everything,
}

/// `destring` (LANG-145, LANG-146).
#[derive(Clone, PartialEq, Debug)]
pub struct Destring {
    /// The columns.
    pub columns: Vec<RecodeColumn>,
    /// Characters that are removed first.
    pub ignore: String,
    /// A decimal comma is read as a point.
    pub decimal_comma: bool,
    /// What is no number becomes missing, else `E305`.
    pub force: bool,
}
