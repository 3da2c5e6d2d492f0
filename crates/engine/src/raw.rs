//! Results computed from microdata, before the disclosure gate: [`Raw`] and what it may hold.
//!
//! A raw result cannot be printed, serialised, cloned or read (SDC-001): the only way on is [`Raw::into_gate`], which
//! clippy forbids everywhere and crate `disclosure` alone expects. The types below carry for every cell and margin
//! what the gate needs to decide (LANG-240): counts, the keyed identity of the set of persons, and for magnitudes
//! the moments, the largest values and the order statistics round each percentile. They decide nothing themselves.

use std::sync::Arc;

use crate::members::{Again, Members};

pub use crate::fits::{
    Computed, Digits, Failed, FitState, Leaves, Outside, Over, Part, RawAnalysis, RawCorrelations, RawCurve, RawCurves,
    RawEstimate, RawFit, RawFitRows, RawFitTable, RawHexagon, RawHexbin, RawHistogram, RawMargin, RawMatrix, RawModel,
    RawNumber, RawNumbers, RawPair, RawPanel, RawPredicted, RawPredictions, RawStep, RawSurvival, RawTerm, RawTest,
    RawTests, Reference, TermRole, TestKind, Whom,
};
pub use script::program::Statistic as GroupStatistic;

pub use crate::heads::{Effect, ModelHead, SurvivalHead, TestsHead, Titles, Variance};

/// A result computed from microdata. Opened by the disclosure gate alone.
///
/// It has no `Clone`, `Debug`, `Display` and no serialisation, and its content none either.
#[must_use = "a raw result is worth nothing until the gate has seen it"]
pub struct Raw<T>(T);

impl<T> Raw<T> {
    /// Wraps a value. Wrapping takes nothing out, so it needs no permission.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the result inside the disclosure gate. Forbidden by clippy (`disallowed-methods`) everywhere else.
    pub fn into_gate(self) -> T {
        self.0
    }

    /// Reads the result: reference cases and attacks only.
    #[cfg(any(test, feature = "raw-access"))]
    pub fn peek(&self) -> &T {
        &self.0
    }
}

/// Whose keys identify a set (ENG-038).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keyed {
    /// Distinct persons: of the person space itself, or reached through the pointer to a person.
    Persons,
    /// Units that no person stands behind (municipalities): the keys of their own space.
    Units,
}

/// A set of persons: how many, and its keyed identity (SDC-032). A person counts once, however many rows she has.
pub struct PersonSet {
    /// Whose keys are summed.
    pub keyed: Keyed,
    /// Distinct persons (units where no person stands behind them).
    pub persons: u64,
    /// F(C): sum of the record keys modulo 2^128.
    pub fingerprint: u128,
    /// S_b(C): for each of 64 bits, persons with the bit set minus persons without.
    pub sketch: [i32; 64],
    /// Who they are, where the gate may ask (SDC-052).
    pub members: Members,
}

impl PersonSet {
    /// The set without anyone.
    pub fn empty(keyed: Keyed) -> Self {
        Self { keyed, persons: 0, fingerprint: 0, sketch: [0; 64], members: Members::default() }
    }
}

/// What a row of a dataset is about (language.md 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DatasetKind {
    /// One row per unit.
    #[default]
    CrossSection,
    /// One row per spell.
    Event,
    /// One row per unit and occasion.
    Panel,
}

/// The population of a dataset after a command that shapes it (SDC-140, LANG-241).
pub struct RawPopulation {
    /// Name of the dataset.
    pub dataset: String,
    /// What a row is about.
    pub kind: DatasetKind,
    /// Its unit type, e.g. `PERSON`.
    pub unit_type: String,
    /// Units in the dataset.
    pub units: u64,
    /// Rows in the dataset (equal to `units` for cross-sections).
    pub rows: u64,
    /// The persons behind the units. For a dataset collapsed by values, those behind the members of its groups.
    pub set: PersonSet,
    /// The persons before the command; none when the dataset had no population (LANG-241).
    pub before: Option<Arc<PersonSet>>,
}

/// Whether a statement fails for a cause that lies in the data (LANG-245): a text that is no number, a key that is not
/// unique, more values than a table has room for. Decided by the gate: it is there where many enough persons are the cause,
/// so that no single one decides; the answer is filed under a set, so that it is the same for everyone and for ever.
pub struct RawVerdict {
    /// The diagnostic, e.g. `E305`.
    pub cause: &'static str,
    /// The datasets that the columns are computed from, sorted.
    pub origin: Vec<String>,
    /// Column key (ENG-039).
    pub column_key: [u8; 32],
    /// The population that it was decided on.
    pub set: PersonSet,
    /// The persons with whom the cause was found.
    pub who: PersonSet,
    /// The rows in which it was found, also those without a person behind them: what the reference interpreter goes by.
    pub rows: u64,
}

/// What `generate`, `replace` or `recode` touched (SDC-141).
pub struct RawEdit {
    /// Name of the dataset.
    pub dataset: String,
    /// The columns that were made or changed.
    pub columns: Vec<String>,
    /// Whether the command has a condition; without one it touches all, which is fine.
    pub conditional: bool,
    /// Persons whose value was set or changed by the command.
    pub touched: PersonSet,
    /// Persons with a value that the command left as it was.
    pub untouched: PersonSet,
}

/// A category of a dimension of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawCategory {
    /// The code as text (digits for whole numbers, ISO for dates), empty for missing.
    pub code: String,
    /// The label of the code list, if any.
    pub label: Option<String>,
    /// Missing, or a code that is flagged missing (LANG-036).
    pub missing: bool,
}

/// One grouping variable of a table. Categories are in code list order, missing last (SDC-183).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawDimension {
    /// Column name in the script.
    pub name: String,
    /// Title of the variable, if it has one.
    pub label: Option<String>,
    /// Categories that occur.
    pub categories: Vec<RawCategory>,
}

/// What kind of number a measure holds; decides rounding (SDC-121).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MeasureKind {
    /// Whole numbers.
    Integer,
    /// Decimal numbers.
    Decimal,
    /// Days since 1970-01-01.
    Date,
}

/// A numeric column whose statistics are in the result. Holds metadata and limits fixed for the dataset version only.
#[derive(Clone, PartialEq, Debug)]
pub struct RawMeasure {
    /// Column name in the script.
    pub name: String,
    /// Title of the variable, if it has one.
    pub label: Option<String>,
    /// Kind of number.
    pub kind: MeasureKind,
    /// The datasets that the column is computed from, sorted (SDC-033); empty when made from constants alone.
    pub origin: Vec<String>,
    /// Column key (ENG-039).
    pub column_key: [u8; 32],
    /// Whether the column has values outside the dataset's population (ENG-039, SDC-050).
    pub row_wise: bool,
    /// P1 and P99 over the whole dataset version, 3 significant digits (SDC-101); none when the column is empty.
    pub limits: Option<(f64, f64)>,
    /// Limits so far out that only a few persons of the dataset version have values beyond them (a thousandth, and at least
    /// twenty): nothing that one person's value decides alone lies beyond. None when the column is empty.
    pub wide: Option<(f64, f64)>,
    /// P99.9 is at most 20 times the absolute median in the dataset version (SDC-101).
    pub light_tails: bool,
    /// What the noise of a column follows that is no magnitude of the register (SDC-102): the key of what it is but for a
    /// factor and a constant. None for a register variable with many values.
    pub derived: Option<[u8; 32]>,
}

/// Moments of the valid values of a group.
pub struct Moments {
    /// Sum.
    pub sum: f64,
    /// Mean; none without values.
    pub mean: Option<f64>,
    /// Standard deviation with n-1; none for fewer than two values.
    pub sd: Option<f64>,
    /// Gini coefficient; none when the sum is not positive, or when it was not asked for.
    pub gini: Option<f64>,
    /// The three largest distances from the mean, descending (SDC-102).
    pub farthest: Vec<f64>,
}

/// A percentile of a group, after winsorising.
pub struct RawPercentile {
    /// Which one, 0 to 100.
    pub p: f64,
    /// The value of type 7.
    pub exact: f64,
    /// The order statistics round its position, ascending (SDC-121): for a derived column [`MARGIN`] more on either side,
    /// where there are so many.
    pub around: Vec<f64>,
    /// Which of them are the window: [`crate::Parameters::window`] or all.
    pub window: std::ops::Range<usize>,
}

/// How far the window of a percentile may be moved.
pub const MARGIN: usize = 12;

/// Rows with another value than nearly all others have are counted up to so many.
pub const FEW_OTHERS: u64 = 32;

/// Statistics of one measure in one group.
pub struct RawMagnitude {
    /// Persons with a valid value.
    pub set: PersonSet,
    /// Rows with a valid value.
    pub rows: u64,
    /// The column's key over these rows, where a person may have several: the persons do not tell which of their rows are in
    /// the group. None where a row is a person.
    pub rows_key: Option<[u8; 32]>,
    /// Whether all valid values are equal (before winsorising).
    pub constant: bool,
    /// The value that most rows have, as far as the first of them tell, and how many have another: where these are fewer than
    /// [`FEW_OTHERS`].
    pub nearly: Option<(f64, u64)>,
    /// The two largest absolute values within the measure's wide limits, descending, 0 where there are fewer (SDC-100).
    pub largest: [f64; 2],
    /// Sum of the absolute values within the wide limits (SDC-100).
    pub sum_abs: f64,
    /// Of the values as they are: for reference cases and attacks, no rule reads them.
    pub plain: Moments,
    /// Of the values clamped to the measure's wide limits: what stands for the values as they are. Without a Gini
    /// coefficient.
    pub wide: Moments,
    /// Of the values clamped to the measure's limits (SDC-101).
    pub clamped: Moments,
    /// The percentiles that were asked for.
    pub percentiles: Vec<RawPercentile>,
    /// The same over other persons, where that can be computed (SDC-050).
    pub again: Option<Arc<Again>>,
}

/// One cell or margin of a table.
pub struct RawCell {
    /// Rows.
    pub rows: u64,
    /// Persons.
    pub set: PersonSet,
    /// One per measure of the table, in its order.
    pub magnitudes: Vec<RawMagnitude>,
}

/// A table of up to six dimensions with all its margins.
///
/// `cells` is in row-major order over the dimensions, the last one fastest, where dimension `d` has
/// `categories.len() + 1` positions and the last position is the total over that dimension. So cell
/// `[last, last, …]` is the grand total. Without dimensions there is one cell.
pub struct RawTable {
    /// Grouping variables, in the order of the command.
    pub dimensions: Vec<RawDimension>,
    /// Numeric variables whose statistics the cells carry; none for a table of counts.
    pub measures: Vec<RawMeasure>,
    /// Cells and margins.
    pub cells: Vec<RawCell>,
    /// Rows left out because a dimension is missing (STAT-004).
    pub dropped_missing: u64,
}

impl RawTable {
    /// The index in `cells` of a position: one index per dimension, `categories.len()` for the total.
    pub fn index(&self, position: &[usize]) -> usize {
        self.dimensions.iter().zip(position).fold(0, |at, (d, p)| at * (d.categories.len() + 1) + p)
    }

    /// The position of the cell with this index in `cells`.
    pub fn position(&self, mut index: usize) -> Vec<usize> {
        let mut at = vec![0; self.dimensions.len()];
        for (d, slot) in self.dimensions.iter().zip(&mut at).rev() {
            let radix = d.categories.len() + 1;
            *slot = index % radix;
            index /= radix;
        }
        at
    }
}

/// The values that a statement gives to groups of persons which are not small (SDC-230): one statistic of a column.
pub struct RawGroups {
    /// Which one.
    pub statistic: GroupStatistic,
    /// What its numbers are of: the column; how many rows with a value a person has, where rows are counted.
    pub measure: RawMeasure,
    /// How many rows a person has at all, where rows are counted.
    pub all: Option<RawMeasure>,
    /// The groups.
    pub groups: Vec<RawGroup>,
}

/// A group of persons.
pub struct RawGroup {
    /// Who is in it.
    pub set: PersonSet,
    /// What the statistic is made of.
    pub value: RawGroupValue,
}

/// What the statistic of a group is made of.
#[expect(clippy::large_enum_variant, reason = "one result has one variant; a box would only hide the type")]
pub enum RawGroupValue {
    /// Of a count, where each row is a person: those with a value.
    Persons(PersonSet),
    /// Of a count of other rows: how many rows with a value, and how many rows, each person has.
    Rows {
        /// With a value.
        valid: RawMagnitude,
        /// All of them.
        all: RawMagnitude,
    },
    /// Of numbers.
    Numbers(RawMagnitude),
}

/// The result of a bar chart: one table per variable with categories, then one with a magnitude per other variable.
pub struct RawChart {
    /// The tables; at least one.
    pub tables: Vec<RawTable>,
}

/// The result of `summarize` and `summarize-panel`: each variable over its own valid values.
pub struct RawSummary {
    /// One row per variable, or per variable and occasion.
    pub rows: Vec<RawSummaryRow>,
    /// Variables of the dataset that are not numeric and were not named (STAT-031).
    pub skipped: Vec<String>,
}

/// A variable and its statistics.
pub struct RawSummaryRow {
    /// The variable.
    pub measure: RawMeasure,
    /// The occasion of a panel (STAT-032).
    pub occasion: Option<RawCategory>,
    /// Its statistics.
    pub magnitude: RawMagnitude,
}
