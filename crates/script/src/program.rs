//! The typed plan: what the engine executes. Every name is resolved, every type known, loops are unrolled and
//! bindings substituted. What it is not: a syntax tree (`tree`), and nothing here touches data.

use std::sync::Arc;

use crate::span::Span;

mod analyses;
mod columns;
mod datasets;
mod effects;
mod expression;
mod imports;
mod results;
mod value;

pub use analyses::*;
pub use columns::*;
pub use datasets::*;
pub use effects::Object;
pub use expression::*;
pub use imports::*;
pub use results::*;
pub use value::*;

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
        /// Name of the list.
        list: Name,
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
        /// Names of the lists.
        lists: Vec<Name>,
        /// Dataset and column, each.
        columns: Vec<(Name, Name)>,
    },
    /// Codes of one date translated to those of another (LANG-322).
    Harmonise(Harmonise),
    /// `summarize-panel`: as [`Action::Summarize`], per occasion (LANG-161).
    SummarizePanel(Summarize),
    /// A model (language.md 8.8, LANG-168, LANG-181, LANG-217).
    Model(Model),
    /// New columns out of a model (LANG-208).
    Predict(Predict),
    /// Tests, curves and figures of variables (language.md 8.6, 8.7, 8.9).
    Describe(Describe),
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
