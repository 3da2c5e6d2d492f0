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
    /// A copy of a dataset with all its columns; not activated.
    CloneDataset {
        /// The dataset.
        from: Name,
        /// Name of the copy.
        to: Name,
    },
    /// A dataset with the distinct units of another and no columns; its population is fixed; not activated (LANG-115).
    CloneUnits {
        /// The dataset.
        from: Name,
        /// Name of the new one.
        to: Name,
    },
    /// New name for a dataset; the active one stays active.
    RenameDataset {
        /// Old name.
        from: Name,
        /// New name.
        to: Name,
    },
    /// Reads the spells of a register variable into an empty dataset: one row per spell.
    ImportEvent(ImportEvent),
    /// Reads register variables at several times into an empty dataset: one row per unit and occasion.
    ImportPanel(ImportPanel),
    /// From one row per unit to one per unit and occasion (LANG-090).
    ReshapeToPanel(ReshapeToPanel),
    /// From one row per unit and occasion to one per unit (LANG-092).
    ReshapeFromPanel(ReshapeFromPanel),
    /// Group values on every row of the group (LANG-131).
    Aggregate(Groups),
    /// One row per group in place of the dataset (LANG-132).
    Collapse(Groups),
    /// Copies columns of one dataset to the rows of another (LANG-133, LANG-362).
    Merge(Merge),
    /// Numbers out of texts (LANG-145).
    Destring(Destring),
    /// Keeps a random part of the units (LANG-136).
    Sample(Sample),
    /// Code lists of the script are gone; the columns that used them fall back to codes (LANG-152).
    DropLabels {
        /// Dataset and column, each.
        columns: Vec<(Name, Name)>,
    },
    /// Codes of one date translated to those of another (LANG-322).
    Harmonise(Harmonise),
    /// `summarize-panel`: as [`Action::Summarize`], per occasion (LANG-161).
    SummarizePanel(Summarize),
    /// Something said from metadata alone: help, history, lists of variables and codes (language.md 8.10, LANG-153).
    Info(Info),
    /// Everything of the run is dropped: datasets, aliases, results (LANG-223).
    Clear,
    /// Results of imports and prefixes are computed anew from here on (LANG-226).
    NoCache,
    /// After an error the statements that do not read what failed are carried out (LANG-302).
    Continue,
    /// Released results are written to files (LANG-330).
    Export(Export),
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
    /// Labels valid on the last day.
    pub labels: Option<Arc<Labels>>,
}

/// `import-panel` (LANG-122, LANG-080). Columns named as the variables, and `date@panel` (a date).
#[derive(Clone, PartialEq, Debug)]
pub struct ImportPanel {
    /// The variables with the labels of the last day, in the order written; one unit type.
    pub variables: Vec<(Arc<VariableInfo>, Option<Arc<Labels>>)>,
    /// The occasions, ascending, each once.
    pub times: Vec<Date>,
    /// The dataset has the units of another (`clone-units`), and rows are restricted to them.
    pub restricted: bool,
    /// Codes of all occasions are translated to the list of the last one (LANG-320).
    pub harmonise: Option<Split>,
}

/// `reshape-to-panel` (LANG-090, LANG-091).
#[derive(Clone, PartialEq, Debug)]
pub struct ReshapeToPanel {
    /// Values of `date@panel`, in the order of the rows of a unit.
    pub occasions: Vec<Literal>,
    /// Type of `date@panel`: integer, date or text.
    pub occasion_type: DataType,
    /// The new columns.
    pub columns: Vec<PanelColumn>,
}

/// A column of the long form.
#[derive(Clone, PartialEq, Debug)]
pub struct PanelColumn {
    /// Its name: the prefix.
    pub column: Name,
    /// The column of the wide form for each occasion; none gives missing.
    pub sources: Vec<Option<Name>>,
    /// Its type.
    pub data_type: DataType,
    /// Its labels.
    pub labels: Option<Arc<Labels>>,
}

/// `reshape-from-panel` (LANG-092). Occasions are those of the plan, so that which columns there are tells nothing of
/// the data; rows of other occasions are left out.
#[derive(Clone, PartialEq, Debug)]
pub struct ReshapeFromPanel {
    /// Values of `date@panel`.
    pub occasions: Vec<Literal>,
    /// Columns of the long form with the names of their columns of the wide form, one per occasion.
    pub columns: Vec<(Name, Vec<Name>)>,
}

/// `aggregate` and `collapse` (language.md 8.3.1).
#[derive(Clone, PartialEq, Debug)]
pub struct Groups {
    /// The keys; a name that is no column of the dataset is the unit key under its identifier.
    pub by: Vec<Name>,
    /// For [`Action::Collapse`]: what a row is about afterwards.
    pub unit: RowUnit,
    /// The new columns.
    pub columns: Vec<GroupColumn>,
}

/// What a row of a collapsed dataset is about (LANG-088, LANG-310).
#[derive(Clone, PartialEq, Debug)]
pub enum RowUnit {
    /// A unit of this type: the key is a pointer or the unit key.
    Type(Arc<UnitType>),
    /// A value, or a combination of values, of these columns.
    Keys(Vec<Name>),
}

/// A column of group values.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupColumn {
    /// The statistic; one of the twelve of `collapse`.
    pub statistic: Statistic,
    /// Where the values come from; may be the unit key under its identifier, which can only be counted.
    pub source: Name,
    /// Name of the new column.
    pub column: Name,
    /// Its type.
    pub data_type: DataType,
    /// Its labels.
    pub labels: Option<Arc<Labels>>,
}

/// `merge` and `link`: a left join that keeps the rows of the target.
#[derive(Clone, PartialEq, Debug)]
pub struct Merge {
    /// Where the columns come from.
    pub source: Name,
    /// Where they go.
    pub target: Name,
    /// The columns; free names in the target.
    pub columns: Vec<Name>,
    /// How rows are paired, resolved by the steps of language.md 6.2.
    pub pairing: Pairing,
}

/// How rows of two datasets belong together. The source is unique over its side (`E313`).
#[derive(Clone, PartialEq, Debug)]
pub enum Pairing {
    /// The unit key of both (step 4); datasets collapsed by the same keys pair by them.
    Units,
    /// The key of the source's rows (unit key, or the key it was collapsed by) with this column of the target
    /// (steps 1, 3a).
    SourceKey {
        /// Column of the target.
        target: Name,
    },
    /// This column of the source with the unit key of the target (steps 2, 3b).
    TargetKey {
        /// Column of the source.
        source: Name,
    },
    /// Columns of both, by the same names (step 3, LANG-311).
    Columns(Vec<Name>),
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

/// `sample` (LANG-136).
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// How many.
    pub size: SampleSize,
    /// The seed, at least 1.
    pub seed: u64,
}

/// Size of a sample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SampleSize {
    /// So many units, above 1 000.
    Units(u64),
    /// A share of them, strictly between 0 and 1.
    Share(f64),
}

/// `harmonise` on columns (LANG-322).
#[derive(Clone, PartialEq, Debug)]
pub struct Harmonise {
    /// The columns, which keep their names.
    pub columns: Vec<HarmonisedColumn>,
    /// What to do with codes that were split.
    pub split: Split,
}

/// A column whose codes are translated.
#[derive(Clone, PartialEq, Debug)]
pub struct HarmonisedColumn {
    /// The column.
    pub column: Name,
    /// Old code, new codes with the recorded share of each (largest first); only codes that changed.
    pub changes: Arc<Vec<CodeChange>>,
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

/// What metadata alone can answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Info {
    /// Text in the three languages, Markdown.
    Text(LangMap),
    /// A table of texts.
    Table {
        /// Ids of the columns.
        columns: Vec<String>,
        /// Rows, as long as `columns`; labels in the three languages.
        rows: Vec<Vec<LangMap>>,
    },
}

/// `export` (LANG-330).
#[derive(Clone, PartialEq, Debug)]
pub struct Export {
    /// Which results.
    pub which: ExportWhich,
    /// `json`, `csv`, `parquet`, `html`, `latex`, `svg`, `png` or `pdf`.
    pub format: String,
    /// Name of the files, without ending.
    pub name: Option<String>,
}

/// Which results are exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportWhich {
    /// The one before.
    Last,
    /// All so far.
    All,
    /// These, by id.
    Ids(Vec<u32>),
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
    /// Labels valid on the day (LANG-039), or on the target date of `harmonise`.
    pub labels: Option<Arc<Labels>>,
    /// Codes translated to another date's list (LANG-320).
    pub harmonise: Option<(Arc<Vec<CodeChange>>, Split)>,
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
