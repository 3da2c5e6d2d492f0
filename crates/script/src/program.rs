//! The typed plan: what the engine executes. Every name is resolved, every type known, loops are unrolled and
//! bindings substituted. What it is not: a syntax tree (`tree`), and nothing here touches data.

use std::fmt;
use std::sync::Arc;

use kernel::{Date, LangMap};

use crate::catalogue::{UnitType, VariableInfo};
use crate::functions::Function;
use crate::span::Span;

/// Name of a dataset or column, NFC-normalised; system columns in their canonical spelling (`START@x`, `date@panel`).
pub type Name = Arc<str>;

/// Type of a column or expression (language.md section 3). Truth values are integers 1, 0 and missing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DataType {
    /// 64-bit signed.
    Integer,
    /// 64-bit float; never NaN or infinite.
    Decimal,
    /// UTF-8.
    Text,
    /// Days since 1970-01-01; an integer in expressions, shown as ISO date in tables.
    Date,
    /// A unit key: never shown, never computed with (LANG-038).
    Key(Arc<UnitType>),
}

impl DataType {
    /// Whether arithmetic and numeric statistics apply.
    pub fn is_numeric(&self) -> bool {
        matches!(self, DataType::Integer | DataType::Decimal | DataType::Date)
    }
}

/// A constant value in a plan.
#[derive(Clone, PartialEq, Debug)]
pub enum Literal {
    /// A whole number.
    Integer(i64),
    /// A decimal number; finite.
    Decimal(f64),
    /// A text.
    Text(Name),
}

impl Literal {
    /// The number as float; none for text.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Literal::Integer(n) => Some(*n as f64),
            Literal::Decimal(x) => Some(*x),
            Literal::Text(_) => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Integer(n) => write!(f, "{n}"),
            Literal::Decimal(x) => write!(f, "{x}"),
            Literal::Text(s) => f.write_str(s),
        }
    }
}

/// A code with its label.
#[derive(Clone, PartialEq, Debug)]
pub struct Label {
    /// The code, in the type of the column.
    pub code: Literal,
    /// What is shown in its place.
    pub text: LangMap,
    /// Whether the code counts as flagged missing (LANG-036).
    pub missing: bool,
}

/// The labels of a column, in the order of the code list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Labels {
    /// Codes in order; a code occurs once.
    pub entries: Vec<Label>,
}

impl Labels {
    /// The entry of a code. Numbers match by value, texts exactly.
    pub fn of(&self, code: &Literal) -> Option<&Label> {
        self.entries.iter().find(|l| match (&l.code, code) {
            (Literal::Text(a), Literal::Text(b)) => a == b,
            (a, b) => a.as_f64().is_some() && a.as_f64() == b.as_f64(),
        })
    }
}

/// Operator with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOperator {
    /// `-x`.
    Negate,
    /// `!x`, three-valued (LANG-034).
    Not,
}

/// Operator with two operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOperator {
    /// `a | b`, three-valued.
    Or,
    /// `a & b`, three-valued.
    And,
    /// `a == b`.
    Equal,
    /// `a != b`.
    NotEqual,
    /// `a < b`.
    Less,
    /// `a <= b`.
    LessOrEqual,
    /// `a > b`.
    Greater,
    /// `a >= b`.
    GreaterOrEqual,
    /// `a ++ b`: joins names and texts. Resolved by the checker; never in an [`Expression`].
    Concat,
    /// `a + b`.
    Add,
    /// `a - b`.
    Subtract,
    /// `a * b`.
    Multiply,
    /// `a / b`; always decimal.
    Divide,
    /// `a ^ b`; always decimal.
    Power,
}

/// A typed expression over the columns of one dataset. Missing in, missing out, save where a function says otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct Expression {
    /// What is computed.
    pub kind: ExpressionKind,
    /// Type of the result. Integer results that overflow turn the column to decimal (LANG-030).
    pub data_type: DataType,
}

/// The forms of an expression.
#[derive(Clone, PartialEq, Debug)]
pub enum ExpressionKind {
    /// A column of the dataset, by name.
    Column(Name),
    /// A constant.
    Literal(Literal),
    /// The missing value.
    Missing,
    /// An operator with one operand.
    Unary(UnaryOperator, Box<Expression>),
    /// An operator with two operands. Comparisons have operands of one kind: both numeric, both text, or both keys.
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// A function over row values. Label functions are resolved into `inlist` and constants by the checker.
    Call(Function, Vec<Expression>),
}

/// The whole plan of a script.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    /// Statement instances in order of execution.
    pub steps: Vec<Step>,
}

/// One statement instance.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The statement in the script.
    pub span: Span,
    /// Pass of the innermost loop, from 1; 0 outside loops (LANG-060).
    pub pass: u32,
    /// Iterator values of this pass, outermost first.
    pub iterators: Vec<(String, String)>,
    /// Canonical text with bindings substituted (LANG-100, LANG-300).
    pub text: String,
    /// The dataset the statement works on: the active one when it starts.
    pub dataset: Option<Name>,
    /// What to do.
    pub action: Action,
}

impl Step {
    /// Line of the statement, from 1.
    pub fn line(&self) -> u32 {
        self.span.line
    }
}

/// What a statement does. Where a column is made or changed, its type and labels afterwards are stated.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// `require store:version as alias`; the version in full.
    Require {
        /// Alias in the script.
        alias: String,
        /// Store name.
        store: String,
        /// Full version.
        version: String,
    },
    /// A new empty dataset, made active.
    CreateDataset {
        /// Its name.
        dataset: Name,
    },
    /// Makes a dataset active.
    Use {
        /// Its name.
        dataset: Name,
    },
    /// Removes a dataset; when it was the active one, none is active.
    DeleteDataset {
        /// Its name.
        dataset: Name,
    },
    /// Reads a register variable into the active dataset.
    Import(Import),
    /// A new column; rows outside the condition get missing.
    Generate {
        /// New name.
        column: Name,
        /// Value; its type is the column's.
        value: Expression,
        /// `if`.
        condition: Option<Expression>,
    },
    /// New values in a column.
    Replace {
        /// The column.
        column: Name,
        /// Value.
        value: Expression,
        /// Rows to change; none: all of them.
        condition: Option<Expression>,
        /// Type of the column afterwards: widened to decimal, or that of `value` when all rows change (LANG-126).
        data_type: DataType,
        /// Labels afterwards.
        labels: Option<Arc<Labels>>,
    },
    /// New name for a column; labels and pointer stay.
    Rename {
        /// Old name.
        from: Name,
        /// New name.
        to: Name,
    },
    /// Copies of columns under new names, with values and labels.
    CloneColumns {
        /// Old and new names.
        pairs: Vec<(Name, Name)>,
    },
    /// Removes these columns; units stay.
    DropColumns(Vec<Name>),
    /// Removes all columns but these (unit key and system columns of kept ones stay).
    KeepColumns(Vec<Name>),
    /// Removes rows where the condition is true; missing is false.
    DropIf(Expression),
    /// Keeps rows where the condition is true; missing is false.
    KeepIf(Expression),
    /// New codes for values.
    Recode(Recode),
    /// A code list of the script exists from here on; [`Action::AssignLabels`] carries its contents.
    DefineLabels {
        /// Name of the list.
        list: Name,
    },
    /// Labels for a column.
    AssignLabels {
        /// The column.
        column: Name,
        /// Its labels from here on.
        labels: Arc<Labels>,
    },
    /// A frequency or volume table.
    Tabulate(Tabulate),
    /// Descriptive statistics.
    Summarize(Summarize),
    /// A bar chart.
    Barchart(Barchart),
    /// A text block, Markdown.
    Text(String),
}

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
    /// Labels valid on the day (LANG-039).
    pub labels: Option<Arc<Labels>>,
}

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

/// A statistic of one group (language.md 8.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Statistic {
    /// Number of valid values.
    Count,
    /// Share in percent.
    Percent,
    /// Arithmetic mean.
    Mean,
    /// Least value; released as P1.
    Min,
    /// Largest value; released as P99.
    Max,
    /// Middle value.
    Median,
    /// Sum.
    Sum,
    /// Standard deviation, n−1.
    Sd,
    /// Standard error of the mean.
    Semean,
    /// Standard error of a share.
    Sebinomial,
    /// Interquartile range.
    Iqr,
    /// Gini coefficient.
    Gini,
    /// 25th percentile.
    P25,
    /// 50th percentile.
    P50,
    /// 75th percentile.
    P75,
}

/// What the cells of a table of counts show.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Content {
    /// Count.
    Freq,
    /// Percent of the row total.
    RowPct,
    /// Percent of the column total.
    ColPct,
    /// Percent of the table total.
    CellPct,
}

/// Order of rows or columns (LANG-162): ascending by the column or row with these codes; by total when empty.
pub type SortBy = Vec<Literal>;

/// `tabulate` (LANG-162). One variable forms rows; from two on the second forms the columns.
#[derive(Clone, PartialEq, Debug)]
pub struct Tabulate {
    /// One to six variables, in the order written.
    pub variables: Vec<Name>,
    /// `if`.
    pub condition: Option<Expression>,
    /// Contents in the order of the table of options; at least one unless `summarize` is given.
    pub contents: Vec<Content>,
    /// Statistics of a numeric variable in the cells, in the order written.
    pub summarize: Option<(Name, Vec<Statistic>)>,
    /// Missing and flagged missing become categories.
    pub missing: bool,
    /// Codes in place of labels.
    pub nolabels: bool,
    /// Test of independence.
    pub chi2: bool,
    /// Grid form.
    pub flatten: bool,
    /// Order of rows.
    pub row_sort: Option<SortBy>,
    /// Order of columns.
    pub column_sort: Option<SortBy>,
    /// First rows only.
    pub top: Option<u32>,
    /// Last rows only.
    pub bottom: Option<u32>,
}

/// `summarize` (LANG-160).
#[derive(Clone, PartialEq, Debug)]
pub struct Summarize {
    /// The variables, all numeric; none when the dataset has no numbers.
    pub variables: Vec<Name>,
    /// Variables left out of "all" because they are not numeric.
    pub skipped: Vec<Name>,
    /// `if`.
    pub condition: Option<Expression>,
    /// Column `gini`.
    pub gini: bool,
    /// Column `iqr`.
    pub iqr: bool,
}

/// `barchart` (LANG-175, LANG-182).
#[derive(Clone, PartialEq, Debug)]
pub struct Barchart {
    /// Count, percent, mean, min, max, median, sum or sd.
    pub statistic: Statistic,
    /// The variables.
    pub variables: Vec<BarVariable>,
    /// `if`.
    pub condition: Option<Expression>,
    /// Groups side by side.
    pub over: Vec<Name>,
    /// One panel per value.
    pub by: Option<Name>,
    /// Bars on top of each other.
    pub stack: bool,
    /// Lying bars.
    pub horizontal: bool,
}

/// A variable of a bar chart.
#[derive(Clone, PartialEq, Debug)]
pub struct BarVariable {
    /// The column.
    pub column: Name,
    /// True: a bar per category. False: one bar (a statistic, or the number of valid values).
    pub categories: bool,
}
