//! The reference interpreter (ENG-040): obvious, slow, row by row. It carries out the same plan as the engine over the
//! facts of a [`MemorySource`], written from language.md sections 3 to 9 and statistics.md section 2, and shares no code
//! with the engine's columns, groups, links or statistics.

mod distributions;
mod frame;
mod functions;
mod groups;
mod imports;
mod results;
mod shaping;
mod value;

use std::collections::BTreeMap;

use script::Code;
use script::program::{Action, Name, RowUnit, Step};

pub(super) use frame::{Column, Frame, Row};
pub(super) use groups::{gini, mean, percentile, sd, sorted};
pub(super) use results::{Continuous, Found, MISSING, Summary, TOTAL, Table, Values};
pub(super) use value::V;

use crate::memory::MemorySource;
use crate::source::{VariableSource as _, space_of};

/// The state of a script: datasets and which one is active.
#[derive(Clone, Default, Debug)]
pub(super) struct Reference {
    pub(super) frames: BTreeMap<Name, Frame>,
    active: Option<Name>,
}

impl Reference {
    /// Carries out one statement; after an error everything is as it was.
    pub(super) fn step(&mut self, source: &MemorySource, step: &Step) -> Result<Found, Code> {
        let before = self.clone();
        let done = self.action(source, &step.action);
        if done.is_err() {
            *self = before;
        }
        done
    }

    fn frame(&mut self) -> Result<&mut Frame, Code> {
        let active = self.active.as_ref().ok_or(Code::E203)?;
        self.frames.get_mut(active).ok_or(Code::E202)
    }

    fn action(&mut self, source: &MemorySource, action: &Action) -> Result<Found, Code> {
        match action {
            Action::CreateDataset { dataset } => {
                self.frames.insert(dataset.clone(), Frame::default());
                self.active = Some(dataset.clone());
            }
            Action::Use { dataset } => self.active = Some(dataset.clone()),
            Action::DeleteDataset { dataset } => {
                self.frames.remove(dataset).ok_or(Code::E202)?;
                self.active.take_if(|a| a == dataset);
            }
            Action::CloneDataset { from, to } => {
                let copy = self.frames.get(from).ok_or(Code::E202)?.clone();
                self.frames.insert(to.clone(), copy);
            }
            Action::CloneUnits { from, to } => {
                let units = self.frames.get(from).ok_or(Code::E202)?.units();
                self.frames.insert(to.clone(), units);
            }
            Action::RenameDataset { from, to } => {
                let frame = self.frames.remove(from).ok_or(Code::E202)?;
                self.frames.insert(to.clone(), frame);
                if self.active.as_ref() == Some(from) {
                    self.active = Some(to.clone());
                }
            }
            Action::Merge(plan) => {
                let from = self.frames.get(&plan.source).ok_or(Code::E202)?.clone();
                let target = self.frames.get_mut(&plan.target).ok_or(Code::E202)?;
                // Neither is suitable before it has units.
                if from.unit.is_none() || target.unit.is_none() {
                    return Err(Code::E202);
                }
                let unique = target.merge(&from, plan);
                return if unique { Ok(Found::Nothing) } else { Err(Code::E313) };
            }
            Action::DropLabels { columns, .. } => {
                for (dataset, column) in columns {
                    let frame = self.frames.get_mut(dataset).ok_or(Code::E202)?;
                    frame.columns.get_mut(column).ok_or(Code::E201)?.labels = None;
                }
            }
            Action::Clear => *self = Self::default(),
            // Stores and lists are resolved in the plan; these touch no dataset.
            Action::Require { .. }
            | Action::DefineLabels { .. }
            | Action::Text(_)
            | Action::Info(_)
            | Action::NoCache
            | Action::Continue
            | Action::Export(_) => {}
            action => return self.frame()?.action(source, action),
        }
        Ok(Found::Nothing)
    }
}

impl Frame {
    /// LANG-115: the distinct units, no columns.
    fn units(&self) -> Frame {
        let mut rows: BTreeMap<Vec<String>, Row> = BTreeMap::new();
        for row in &self.rows {
            let key = self.row_key(row).iter().map(V::identity).collect();
            let unit = Row { cells: BTreeMap::new(), ..row.clone() };
            rows.entry(key).or_insert(unit);
        }
        Frame { unit: self.unit.clone(), columns: BTreeMap::new(), rows: rows.into_values().collect() }
    }

    fn action(&mut self, source: &MemorySource, action: &Action) -> Result<Found, Code> {
        match action {
            Action::Import(plan) => self.import(source, plan).ok_or(Code::E317)?,
            Action::ImportEvent(plan) => self.import_event(source, plan),
            Action::ImportPanel(plan) => self.import_panel(source, plan).ok_or(Code::E317)?,
            Action::Generate { column, value, condition } => {
                let rows = self.holds(condition.as_ref());
                let values = self.evaluate(value, &rows).into_iter().zip(&rows);
                let values = values.map(|(v, is)| if *is { v } else { V::Missing }).collect();
                let described = Column { data_type: Some(value.data_type.clone()), ..Column::default() };
                self.put(column, described, values);
            }
            Action::Replace { column, value, condition, data_type, labels } => {
                let rows = self.holds(condition.as_ref());
                let new = self.evaluate(value, &rows);
                let old: Vec<V> = self.rows.iter().map(|r| self.cell(r, column)).collect();
                let values = new.into_iter().zip(old).zip(&rows).map(|((new, old), is)| if *is { new } else { old });
                let values = values.collect();
                let flagged = self.columns[column].flagged.clone();
                self.put(
                    column,
                    Column { data_type: Some(data_type.clone()), labels: labels.clone(), flagged },
                    values,
                );
            }
            Action::Rename { from, to } => {
                let pairs = [("", ""), ("START@", "START@"), ("STOP@", "STOP@")];
                for (old, new) in pairs.map(|(a, b)| (format!("{a}{from}"), format!("{b}{to}"))) {
                    if let Some((column, values)) = self.take(&old) {
                        self.put(&new.into(), column, values);
                    }
                }
            }
            Action::CloneColumns { pairs } => {
                for (from, to) in pairs {
                    let values = self.rows.iter().map(|r| self.cell(r, from)).collect();
                    let column = self.columns.get(from).cloned().ok_or(Code::E201)?;
                    self.put(to, column, values);
                }
            }
            Action::DropColumns(names) => {
                for name in names {
                    for prefix in ["", "START@", "STOP@"] {
                        self.take(&format!("{prefix}{name}"));
                    }
                }
            }
            Action::KeepColumns(names) => {
                let kept = |column: &Name| {
                    let owner = column.strip_prefix("START@").or_else(|| column.strip_prefix("STOP@"));
                    &**column == "date@panel" || names.iter().any(|n| n == column || Some(&**n) == owner)
                };
                let gone: Vec<Name> = self.columns.keys().filter(|c| !kept(c)).cloned().collect();
                gone.iter().for_each(|c| {
                    self.take(c);
                });
            }
            Action::KeepIf(condition) => {
                let keep = self.holds(Some(condition));
                self.retain(&keep);
            }
            Action::DropIf(condition) => {
                let keep: Vec<bool> = self.holds(Some(condition)).iter().map(|d| !d).collect();
                self.retain(&keep);
            }
            Action::AssignLabels { column, labels, .. } => {
                self.columns.get_mut(column).ok_or(Code::E201)?.labels = Some(labels.clone());
            }
            Action::Recode(plan) => self.recode(plan),
            Action::Destring(plan) if !self.destring(plan) => return Err(Code::E305),
            Action::Sample(plan) => {
                let space = match &self.unit {
                    Some(RowUnit::Type(unit)) => space_of(unit).to_owned(),
                    _ => return Ok(Found::Nothing),
                };
                let keys = source.record_keys(&space).unwrap();
                self.sample(plan, &|unit| keys.record()[unit as usize]);
            }
            Action::Harmonise(plan) => {
                let values = self.rows.iter().map(|r| self.cell(r, &plan.column));
                let values = values.map(|v| imports::harmonised(&v, &plan.codes));
                let values = values.collect::<Option<Vec<V>>>().ok_or(Code::E317)?;
                let Column { data_type, flagged, .. } = self.columns[&plan.column].clone();
                self.put(&plan.column, Column { data_type, labels: plan.labels.clone(), flagged }, values);
            }
            Action::Aggregate(plan) => self.aggregate(plan),
            Action::Collapse(plan) => {
                let space = match &plan.unit {
                    RowUnit::Type(unit) => space_of(unit).to_owned(),
                    RowUnit::Keys(_) => String::new(),
                };
                *self = self.collapse(plan, &|unit| imports::person(source, &space, unit));
            }
            Action::ReshapeToPanel(plan) => self.reshape_to_panel(plan),
            Action::ReshapeFromPanel(plan) => self.reshape_from_panel(plan),
            Action::Tabulate(plan) => return self.tabulate(plan),
            Action::Barchart(plan) => return self.barchart(plan),
            Action::Describe(plan) => return self.described(plan),
            Action::Summarize(plan) => return Ok(self.summarize(plan)),
            Action::SummarizePanel(plan) => return Ok(self.summarize_panel(plan)),
            _ => {}
        }
        Ok(Found::Nothing)
    }
}
