//! What the checker knows at a statement: datasets with their columns, aliases, code lists. Metadata only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::catalogue::{RequestedVersion, UnitType, VariableInfo};
use crate::messages;
use crate::parse::Parse;
use crate::program::{DataType, Labels, Literal, Name};
use crate::span::Span;
use crate::suggest;

/// Most columns of a dataset and most datasets (language.md section 11).
const COLUMNS: usize = 2_000;
const DATASETS: usize = 64;

/// What is known about the labels of a column.
#[derive(Clone, PartialEq, Debug)]
pub enum LabelState {
    /// It has none.
    None,
    /// These.
    Known(Arc<Labels>),
    /// The metadata is not at hand.
    Unknown,
}

/// A column of a dataset.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    /// Type; none when it is not known (LANG-083), then checks that need it are skipped.
    pub data_type: Option<DataType>,
    /// Labels.
    pub labels: LabelState,
    /// The register variable whose codes it holds, unchanged; for `harmonise`.
    pub origin: Option<Arc<VariableInfo>>,
}

impl Column {
    /// A column of a known type without labels.
    pub fn of(data_type: DataType) -> Self {
        Column::with(Some(data_type), LabelState::None)
    }

    /// A column with values of its own.
    pub fn with(data_type: Option<DataType>, labels: LabelState) -> Self {
        Column { data_type, labels, origin: None }
    }

    /// A column about which nothing is known.
    pub const UNKNOWN: Column = Column { data_type: None, labels: LabelState::Unknown, origin: None };

    /// Whether arithmetic applies, as far as is known.
    pub fn is_numeric(&self) -> bool {
        self.data_type.as_ref().is_some_and(DataType::is_numeric)
    }

    /// The labels for the plan.
    pub fn plan_labels(&self) -> Option<Arc<Labels>> {
        match &self.labels {
            LabelState::Known(labels) => Some(labels.clone()),
            _ => None,
        }
    }
}

/// Kind of a dataset (language.md 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// No import yet.
    Empty,
    /// One row per unit.
    CrossSection,
    /// One row per spell.
    Event,
    /// One row per unit and occasion.
    Panel,
    /// Not known after an error.
    Unknown,
}

/// What a row of a dataset is about.
#[derive(Clone, PartialEq, Debug)]
pub enum Unit {
    /// Not decided: the first import decides.
    Open,
    /// A unit type.
    Type(Arc<UnitType>),
    /// The values of these columns, after `collapse`.
    Keys(Vec<Name>),
    /// Not known.
    Unknown,
}

/// A dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Kind.
    pub kind: Kind,
    /// Unit.
    pub unit: Unit,
    columns: Vec<(Name, Column)>,
    index: HashMap<Name, usize>,
    /// Columns may exist that are not known: then `E201` is not raised.
    pub open: bool,
    /// Values of `date@panel` in the order of rows, when known (LANG-092).
    pub occasions: Option<Vec<Literal>>,
}

impl Dataset {
    /// A dataset without columns.
    pub fn new(kind: Kind, unit: Unit) -> Self {
        Dataset { kind, unit, columns: Vec::new(), index: HashMap::new(), open: false, occasions: None }
    }

    /// A column by name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.index.get(name).and_then(|i| self.columns.get(*i)).map(|(_, column)| column)
    }

    /// The columns in order.
    pub fn columns(&self) -> impl Iterator<Item = (&Name, &Column)> {
        self.columns.iter().map(|(name, column)| (name, column))
    }

    /// Names of all columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_ref())
    }

    /// Whether there is nothing in it but units.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Adds a column, or changes it when it exists.
    pub fn set(&mut self, name: &str, column: Column) -> Name {
        if let Some(slot) = self.index.get(name).and_then(|i| self.columns.get_mut(*i)) {
            slot.1 = column;
            return slot.0.clone();
        }
        let name: Name = name.into();
        self.index.insert(name.clone(), self.columns.len());
        self.columns.push((name.clone(), column));
        name
    }

    /// Whether a column tells the rows of a collapsed dataset apart.
    pub fn is_key(&self, name: &str) -> bool {
        matches!(&self.unit, Unit::Keys(keys) if keys.iter().any(|key| key.as_ref() == name))
    }

    /// Keeps the columns that the test accepts.
    pub fn retain(&mut self, test: impl Fn(&str) -> bool) {
        self.columns.retain(|(name, _)| test(name));
        self.index = self.columns.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
    }

    /// Gives a column a new name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some((name, _)) = self.index.get(from).and_then(|i| self.columns.get_mut(*i)) {
            *name = to.into();
        }
        if let Unit::Keys(keys) = &mut self.unit {
            keys.iter_mut().filter(|key| key.as_ref() == from).for_each(|key| *key = to.into());
        }
        self.retain(|_| true);
    }

    /// `E209` when the name is taken, `E601` when there are too many columns.
    pub fn free(&self, name: &str, span: Span) -> Parse<()> {
        if self.get(name).is_some() {
            return Err(Box::new(messages::name_taken(span, name)));
        }
        if self.columns.len() >= COLUMNS {
            return Err(Box::new(messages::too_many(span, "columns", COLUMNS)));
        }
        Ok(())
    }

    /// A column, also the unit key under its identifier name; else `E201` with the nearest names.
    pub fn column(&self, name: &str, span: Span) -> Parse<Column> {
        if let Some(column) = self.get(name) {
            return Ok(column.clone());
        }
        if let Unit::Type(unit) = &self.unit
            && unit.identifier == name
        {
            return Ok(Column::of(DataType::Key(unit.clone())));
        }
        let may_be_key = self.unit == Unit::Unknown && UnitType::is_identifier(name);
        if self.open || may_be_key {
            return Ok(Column::UNKNOWN);
        }
        let near = suggest::nearest(name, self.names());
        Err(Box::new(messages::unknown_variable(span, name).candidates(near)))
    }
}

/// A connected store.
#[derive(Clone, PartialEq, Debug)]
pub struct Alias {
    /// Store.
    pub store: String,
    /// Version as asked for.
    pub requested: RequestedVersion,
    /// Full version whose variables are at hand; none: not known (LANG-083).
    pub version: Option<String>,
}

/// A code list of the script.
#[derive(Clone, PartialEq, Debug)]
pub struct ListDefinition {
    /// Codes and labels in order; none after an error.
    pub entries: Option<Vec<(Literal, String)>>,
    /// The labels that columns got of it: a column that still has them uses the list (LANG-152).
    pub given: Vec<Arc<Labels>>,
}

impl ListDefinition {
    /// A list with these entries; none after an error.
    pub fn new(entries: Option<Vec<(Literal, String)>>) -> Self {
        ListDefinition { entries, given: Vec::new() }
    }

    /// Whether the labels of the column are those of this list.
    pub fn is_of(&self, column: &Column) -> bool {
        matches!(&column.labels, LabelState::Known(labels) if self.given.iter().any(|g| Arc::ptr_eq(g, labels)))
    }
}

/// Everything that statements change.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Connected stores.
    pub aliases: BTreeMap<String, Alias>,
    /// Code lists.
    pub lists: BTreeMap<String, ListDefinition>,
    /// Datasets.
    pub datasets: BTreeMap<Name, Dataset>,
    /// The active dataset.
    pub active: Option<Name>,
}

impl State {
    /// The active dataset, or `E203`.
    pub fn dataset(&self, span: Span) -> Parse<&Dataset> {
        let dataset = self.active.as_ref().and_then(|name| self.datasets.get(name));
        dataset.ok_or_else(|| Box::new(messages::no_active_dataset(span)))
    }

    /// The active dataset for changes, or `E203`.
    pub fn dataset_mut(&mut self, span: Span) -> Parse<&mut Dataset> {
        let dataset = self.active.as_ref().and_then(|name| self.datasets.get_mut(name));
        dataset.ok_or_else(|| Box::new(messages::no_active_dataset(span)))
    }

    /// A dataset by name, or `E202`.
    pub fn named(&self, name: &str, span: Span) -> Parse<&Dataset> {
        self.datasets.get(name).ok_or_else(|| {
            let near = suggest::nearest(name, self.datasets.keys().map(AsRef::as_ref));
            Box::new(messages::unknown_dataset(span, name).candidates(near))
        })
    }

    /// `E209` when there is such a dataset, `E601` when there are too many.
    pub fn free(&self, name: &str, span: Span) -> Parse<()> {
        if self.datasets.contains_key(name) {
            return Err(Box::new(messages::name_taken(span, name)));
        }
        if self.datasets.len() >= DATASETS {
            return Err(Box::new(messages::too_many(span, "datasets", DATASETS)));
        }
        Ok(())
    }
}
