//! How a result is to be shown: names of dimensions, order and cutting, never a number of the data.

use serde::{Deserialize, Serialize};

use crate::publication::Publication;
use crate::released::{Base, Statistic, Table};

/// How a result is to be shown.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "view", rename_all = "snake_case")]
pub enum View {
    /// A line that says what a command did.
    #[default]
    Receipt,
    /// A table with these contents.
    Table {
        /// What each cell shows, in this order.
        contents: Vec<Content>,
        /// Where the dimensions stand, and in which order.
        #[serde(default, skip_serializing_if = "Layout::is_plain")]
        layout: Layout,
    },
    /// A bar chart, as all figures with its table beside it.
    Bars(Chart),
    /// Mean, standard error and interval of each variable of a summary that holds mean and standard deviation (LANG-167).
    Intervals {
        /// Level in per cent.
        level: f64,
    },
    /// A model as a table of its estimates.
    Model {
        /// Whether estimates carry stars by their p-value.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stars: bool,
    },
    /// The estimates of a model without its constant, as points with intervals (LANG-181).
    Coefplot,
    /// Survival curves.
    Survival,
    /// Correlations of pairs (LANG-166).
    Correlations {
        /// Covariances in place of correlations.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        covariance: bool,
        /// Numbers of persons beside them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        n: bool,
        /// p-values beside them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        p: bool,
    },
    /// Tables of tests.
    Tests,
    /// A histogram (LANG-178).
    Histogram {
        /// What the height of a bar shows.
        scale: Scale,
        /// With the normal curve of mean and standard deviation.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        normal: bool,
    },
    /// Boxes from quartile to quartile with whiskers to P5 and P95, of a table with these percentiles (LANG-176).
    Boxes {
        /// From left to right instead of upwards.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        horizontal: bool,
    },
    /// Shares of a table of one dimension as slices (LANG-177).
    Pie,
    /// Hexagons (LANG-179).
    Hexbin,
    /// Flows between neighbouring variables, of blocks of two dimensions each (LANG-180).
    Sankey,
}

/// What the height of a bar of a histogram shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Share of the persons per unit of the variable: areas add up to one.
    #[default]
    Density,
    /// Persons.
    Count,
    /// Share of the persons.
    Fraction,
    /// Per cent of the persons.
    Percent,
}

/// What a cell of a table shows.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// The count.
    Count,
    /// The count as per cent of a base.
    Share(Base),
    /// A statistic of the measures.
    Statistic(Statistic),
    /// The valid values of the measures as per cent of the units (LANG-182).
    Valid,
}

/// Where the dimensions of a table stand, and in which order its rows and columns come (LANG-162, LANG-312).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// Dimensions that form the stub; empty with `columns` for the layout of LANG-162.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<usize>,
    /// Dimensions that form the head.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<usize>,
    /// One line per row with all its names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flat: bool,
    /// Rows ascending by the column with these codes, by total when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_sort: Option<Vec<String>>,
    /// Columns ascending by the row with these codes, by total when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_sort: Option<Vec<String>>,
    /// Only so many rows from the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<u32>,
    /// Only so many rows from the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottom: Option<u32>,
    /// Counts are adjusted to add up (SDC-133).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub additive: bool,
    /// The table is shown as it can be published (SDC-134).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publication: Option<Publication>,
}

impl Layout {
    /// Whether it is the layout of a table without options.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The dimensions of the stub and of the head of a table with so many dimensions: the second variable forms the
    /// columns (LANG-162) unless the command says otherwise (LANG-312). Dimensions that do not exist are left out.
    pub fn axes(&self, dimensions: usize) -> (Vec<usize>, Vec<usize>) {
        if self.rows.is_empty() && self.columns.is_empty() {
            let head: Vec<usize> = (1..dimensions.min(2)).collect();
            return ((0..dimensions).filter(|d| !head.contains(d)).collect(), head);
        }
        let head: Vec<usize> = self.columns.iter().copied().filter(|d| *d < dimensions).collect();
        let named = self.rows.iter().copied().filter(|d| *d < dimensions && !head.contains(d));
        let mut rows: Vec<usize> = named.collect();
        rows.extend((0..dimensions).filter(|d| !head.contains(d) && !self.rows.contains(d)));
        (rows, head)
    }
}

/// How a bar chart is drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// What the length of a bar shows.
    pub content: Content,
    /// Bars from left to right instead of upwards.
    pub horizontal: bool,
    /// Bars of the second dimension on top of each other instead of beside each other.
    pub stacked: bool,
    /// The last grouping variable makes panels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub panels: bool,
}

impl Chart {
    /// How a table of the figure is drawn: of variables without categories the number or share of valid values is shown
    /// where categories are counted (LANG-182).
    pub fn of_block(&self, table: &Table) -> Chart {
        let content = match self.content {
            Content::Count if !table.measures.is_empty() => Content::Statistic(Statistic::N),
            Content::Share(_) if !table.measures.is_empty() => Content::Valid,
            content => content,
        };
        Chart { content, ..self.clone() }
    }
}
