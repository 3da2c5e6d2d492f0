//! What is read from stores, and codes translated between dates (language.md 6.1, LANG-320).

use std::sync::Arc;

use kernel::Date;

use super::{Labels, Name};
use crate::catalogue::VariableInfo;

/// `import`.
#[derive(Clone, PartialEq, Debug)]
pub struct Import {
    /// Name of the new column.
    pub column: Name,
    /// The variable.
    pub variable: Arc<VariableInfo>,
    /// The day; none for fixed variables.
    pub at: Option<Date>,
    /// Whether this import fixes unit type and population (LANG-072).
    pub first: bool,
    /// Whether units with a value join the population (LANG-073).
    pub outer_join: bool,
    /// Labels valid on the day (LANG-039), or on the target date of `harmonise`.
    pub labels: Option<Arc<Labels>>,
    /// Codes translated to another date's list (LANG-320).
    pub harmonise: Option<Harmonised>,
}

/// `import-event` (LANG-121). Columns `column`, `START@column`, `STOP@column`.
#[derive(Clone, PartialEq, Debug)]
pub struct ImportEvent {
    /// Name of the new column.
    pub column: Name,
    /// The variable; never a fixed one.
    pub variable: Arc<VariableInfo>,
    /// First day of the interval.
    pub from: Date,
    /// Last day of the interval.
    pub to: Date,
    /// Labels of the first day, and of codes that came to be valid later in the interval (DATA-071).
    pub labels: Option<Arc<Labels>>,
    /// The dataset has the units of another (`clone-units`), and rows are restricted to them.
    pub restricted: bool,
}

/// `import-panel` (LANG-122, LANG-080). Columns named as the variables, and `date@panel` (a date).
#[derive(Clone, PartialEq, Debug)]
pub struct ImportPanel {
    /// The variables in the order written; one unit type. Labels of the last day, and of codes that were valid at
    /// the other times only.
    pub variables: Vec<(Arc<VariableInfo>, Option<Arc<Labels>>)>,
    /// The occasions, ascending, each once.
    pub times: Vec<Date>,
    /// The dataset has the units of another (`clone-units`), and rows are restricted to them.
    pub restricted: bool,
    /// Codes of all occasions are translated to the list of the last one (LANG-320): per variable, then per occasion.
    pub harmonise: Option<Vec<Vec<Harmonised>>>,
}

/// Codes translated from the list of one date to that of another (LANG-320).
#[derive(Clone, PartialEq, Debug)]
pub struct Harmonised {
    /// The target date.
    pub to: Date,
    /// What became of the codes that changed; codes that are not named stay.
    pub changes: Arc<Vec<CodeChange>>,
    /// What to do with codes that were split.
    pub split: Split,
}

/// `harmonise` on a column, which keeps its name (LANG-322).
#[derive(Clone, PartialEq, Debug)]
pub struct Harmonise {
    /// The column.
    pub column: Name,
    /// The translation.
    pub codes: Harmonised,
    /// Labels of the target date.
    pub labels: Option<Arc<Labels>>,
}

/// What became of a code between two dates (DATA-066).
#[derive(Clone, PartialEq, Debug)]
pub struct CodeChange {
    /// The code before.
    pub from: String,
    /// The codes after, with the share that each took over, largest share first; one for exact changes.
    pub to: Vec<(String, f64)>,
}

/// What to do with a code that was split (LANG-320).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Split {
    /// The heir with the largest recorded share.
    #[default]
    Largest,
    /// Missing.
    Missing,
    /// An error (`E317`).
    Error,
}
