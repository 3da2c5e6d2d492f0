//! What yields results: tables, statistics, figures, texts, files (language.md 8.6, 8.7, 8.10, LANG-330).

use kernel::LangMap;

use super::{Expression, Literal, Name};

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

/// `tabulate` (LANG-162). One variable forms rows; from two on the second forms the columns, unless `layout` says
/// otherwise.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tabulate {
    /// One to six variables, in the order written.
    pub variables: Vec<Name>,
    /// Rows and columns, outermost first; together they name every variable once (LANG-312).
    pub layout: Option<(Vec<Name>, Vec<Name>)>,
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
    /// Released cells are adjusted to add up to released totals (LANG-356, SDC-133).
    pub additive: bool,
    /// The table is made for a report (SDC-134).
    pub publish: Option<Publish>,
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

/// `publish` and `base()` of `tabulate` (SDC-134).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Publish {
    /// Counts are rounded to multiples of it, 2 or more.
    pub base: Option<u32>,
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
