//! Whole datasets: reshaping, grouping, linking, sampling (language.md 6.2, 6.3, 8.3).

use std::sync::Arc;

use super::{DataType, Labels, Literal, Name, Statistic};
use crate::catalogue::UnitType;

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
    /// Columns of the long form with the names of their columns of the wide form, one per occasion. The columns that a
    /// dataset was collapsed by are not among them: they tell its rows apart, and stay.
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
    /// A value, or a combination of values, of these columns. The unit key among them becomes a column under its
    /// identifier; alone it does not, for then the rows are units.
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

/// How rows of two datasets belong together. The source is unique over its side (`E313`). A name that is no column of
/// its dataset is the unit key under its identifier.
#[derive(Clone, PartialEq, Debug)]
pub enum Pairing {
    /// The unit key of both (step 4).
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
    /// Columns of both: source and target (steps 3 and 4 for datasets collapsed by keys, LANG-311).
    Columns(Vec<(Name, Name)>),
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
