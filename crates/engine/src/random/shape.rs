//! What a script has made so far: datasets, columns and their types, read off the plan. Random statements are drawn from
//! it, so that most of them are valid.

use std::collections::BTreeMap;
use std::sync::Arc;

use script::program::{Action, Name, Program, RowUnit, Step};
use script::{DataType, UnitType};

/// A column as a statement may use it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Column {
    pub(super) data_type: DataType,
    pub(super) labelled: bool,
}

/// A dataset as a statement may use it.
#[derive(Clone, Default, Debug)]
pub(super) struct Dataset {
    pub(super) unit: Option<Arc<UnitType>>,
    pub(super) panel: bool,
    pub(super) event: bool,
    /// Made by `clone-units`, and nothing read into it yet.
    pub(super) units_alone: bool,
    pub(super) columns: BTreeMap<Name, Column>,
    /// The columns that it was collapsed by.
    keys: Vec<Name>,
}

impl Dataset {
    /// Names of the columns that a test accepts.
    pub(super) fn names(&self, accept: impl Fn(&Column) -> bool) -> Vec<String> {
        self.columns.iter().filter(|(_, c)| accept(c)).map(|(n, _)| n.to_string()).collect()
    }

    fn put(&mut self, name: &Name, data_type: DataType, labelled: bool) {
        self.columns.insert(Arc::clone(name), Column { data_type, labelled });
    }

    fn take_spells(&mut self, from: &str, to: Option<&str>) {
        for end in ["START", "STOP"] {
            let column = self.columns.remove(format!("{end}@{from}").as_str());
            if let (Some(column), Some(to)) = (column, to) {
                self.columns.insert(format!("{end}@{to}").into(), column);
            }
        }
    }
}

/// The datasets of a script and which is active.
#[derive(Clone, Default, Debug)]
pub(super) struct Shape {
    pub(super) datasets: BTreeMap<Name, Dataset>,
    pub(super) active: Option<Name>,
}

impl Shape {
    /// After all statements of a plan.
    pub(super) fn of(program: &Program) -> Self {
        let mut shape = Self::default();
        program.steps.iter().for_each(|step| shape.step(step));
        shape
    }

    /// The active dataset.
    pub(super) fn dataset(&self) -> Option<&Dataset> {
        self.datasets.get(self.active.as_ref()?)
    }

    fn step(&mut self, step: &Step) {
        match &step.action {
            Action::CreateDataset { dataset } => {
                self.datasets.insert(Arc::clone(dataset), Dataset::default());
                self.active = Some(Arc::clone(dataset));
            }
            Action::Use { dataset } => self.active = Some(Arc::clone(dataset)),
            Action::DeleteDataset { dataset } => {
                self.datasets.remove(dataset);
                self.active.take_if(|a| a == dataset);
            }
            Action::CloneDataset { from, to } => {
                let copy = self.datasets.get(from).cloned().unwrap_or_default();
                self.datasets.insert(Arc::clone(to), copy);
            }
            Action::CloneUnits { from, to } => {
                let unit = self.datasets.get(from).and_then(|d| d.unit.clone());
                self.datasets.insert(Arc::clone(to), Dataset { unit, units_alone: true, ..Dataset::default() });
            }
            Action::RenameDataset { from, to } => {
                if let Some(dataset) = self.datasets.remove(from) {
                    self.datasets.insert(Arc::clone(to), dataset);
                }
                if self.active.as_ref() == Some(from) {
                    self.active = Some(Arc::clone(to));
                }
            }
            Action::Merge(merge) => {
                let Some(source) = self.datasets.get(&merge.source).cloned() else { return };
                let Some(target) = self.datasets.get_mut(&merge.target) else { return };
                for name in &merge.columns {
                    if let Some(column) = source.columns.get(name) {
                        target.columns.insert(Arc::clone(name), column.clone());
                    }
                }
            }
            Action::Clear => *self = Self::default(),
            action => {
                if let Some(dataset) = self.active.as_ref().and_then(|a| self.datasets.get_mut(a)) {
                    columns(dataset, action);
                }
            }
        }
    }
}

/// What a statement does to the columns of the active dataset.
fn columns(dataset: &mut Dataset, action: &Action) {
    match action {
        Action::Import(plan) => {
            dataset.unit.get_or_insert_with(|| Arc::clone(&plan.variable.unit_type));
            dataset.units_alone = false;
            dataset.put(&plan.column, plan.variable.data_type.clone(), plan.labels.is_some());
        }
        Action::ImportEvent(plan) => {
            dataset.event = true;
            dataset.unit = Some(Arc::clone(&plan.variable.unit_type));
            dataset.put(&plan.column, plan.variable.data_type.clone(), plan.labels.is_some());
            for end in ["START", "STOP"] {
                dataset.put(&format!("{end}@{}", plan.column).into(), DataType::Date, false);
            }
        }
        Action::ImportPanel(plan) => {
            dataset.panel = true;
            for (variable, labels) in &plan.variables {
                dataset.unit.get_or_insert_with(|| Arc::clone(&variable.unit_type));
                dataset.put(&variable.name.as_str().into(), variable.data_type.clone(), labels.is_some());
            }
            dataset.put(&"date@panel".into(), DataType::Date, false);
        }
        Action::Generate { column, value, .. } => dataset.put(column, value.data_type.clone(), false),
        Action::Replace { column, data_type, labels, .. } => dataset.put(column, data_type.clone(), labels.is_some()),
        Action::Rename { from, to } => {
            if let Some(column) = dataset.columns.remove(from) {
                dataset.columns.insert(Arc::clone(to), column);
            }
            dataset.take_spells(from, Some(to));
        }
        Action::CloneColumns { pairs } => {
            for (from, to) in pairs {
                if let Some(column) = dataset.columns.get(from).cloned() {
                    dataset.columns.insert(Arc::clone(to), column);
                }
            }
        }
        Action::DropColumns(names) => {
            for name in names {
                dataset.columns.remove(name);
                dataset.take_spells(name, None);
            }
        }
        Action::KeepColumns(names) => dataset.columns.retain(|column, _| {
            let owner = column.strip_prefix("START@").or_else(|| column.strip_prefix("STOP@"));
            &**column == "date@panel" || names.iter().any(|n| n == column || Some(&**n) == owner)
        }),
        Action::Recode(plan) => {
            plan.columns.iter().for_each(|c| dataset.put(&c.target, c.data_type.clone(), c.labels.is_some()));
        }
        Action::Destring(plan) => {
            plan.columns.iter().for_each(|c| dataset.put(&c.target, c.data_type.clone(), c.labels.is_some()));
        }
        Action::AssignLabels { column, .. } => {
            if let Some(column) = dataset.columns.get_mut(column) {
                column.labelled = true;
            }
        }
        Action::Aggregate(groups) => {
            groups.columns.iter().for_each(|c| dataset.put(&c.column, c.data_type.clone(), c.labels.is_some()));
        }
        Action::Collapse(groups) => {
            let (unit, keys) = match &groups.unit {
                RowUnit::Type(unit) => (Some(Arc::clone(unit)), Vec::new()),
                RowUnit::Keys(keys) => (None, keys.clone()),
            };
            let column = |name: &Name| match (dataset.columns.get(name), &dataset.unit) {
                (Some(column), _) => Some(column.clone()),
                // Beside other keys the unit key becomes a column.
                (None, Some(unit)) if !keys.is_empty() => {
                    Some(Column { data_type: DataType::Key(Arc::clone(unit)), labelled: false })
                }
                _ => None,
            };
            let columns = groups.by.iter().filter_map(|k| Some((Arc::clone(k), column(k)?))).collect();
            *dataset = Dataset { unit, columns, keys, ..Dataset::default() };
            groups.columns.iter().for_each(|c| dataset.put(&c.column, c.data_type.clone(), c.labels.is_some()));
        }
        Action::ReshapeToPanel(plan) => {
            for name in plan.columns.iter().flat_map(|c| &c.sources).flatten() {
                dataset.columns.remove(name);
            }
            plan.columns.iter().for_each(|c| dataset.put(&c.column, c.data_type.clone(), c.labels.is_some()));
            dataset.put(&"date@panel".into(), plan.occasion_type.clone(), false);
            dataset.panel = true;
        }
        Action::ReshapeFromPanel(plan) => {
            let long = std::mem::take(&mut dataset.columns);
            let keys = long.iter().filter(|(name, _)| dataset.keys.contains(name));
            dataset.columns.extend(keys.map(|(name, column)| (Arc::clone(name), column.clone())));
            for (name, wide) in &plan.columns {
                for (column, wide) in long.get(name).into_iter().flat_map(|c| wide.iter().map(move |w| (c, w))) {
                    dataset.columns.insert(Arc::clone(wide), column.clone());
                }
            }
            dataset.panel = false;
        }
        _ => {}
    }
}
