//! Commands on whole datasets and on the names of columns (language.md 8.1, LANG-127..130, LANG-152). They copy no data.

use std::sync::Arc;

use script::program::Name;

use super::{Outcome, Run};
use crate::dataset::{Dataset, DatasetKind, Rows};
use crate::error::RunError;
use crate::unread::Held;

/// The columns that say when a spell of `name` begins and ends (LANG-121).
pub(crate) fn spell_columns(name: &str) -> [Name; 2] {
    [format!("START@{name}").into(), format!("STOP@{name}").into()]
}

/// The column of the occasion in a panel.
pub(crate) const OCCASION: &str = "date@panel";

impl Run {
    /// LANG-127: the columns of a spell follow its value.
    pub(super) fn rename(&mut self, from: &Name, to: &Name) -> Result<Outcome, RunError> {
        self.change(|d| {
            let slot = d.columns.iter_mut().find(|(n, _)| n == from);
            slot.ok_or_else(|| RunError::unknown_column(from))?.0 = Arc::clone(to);
            for (old, new) in spell_columns(from).iter().zip(spell_columns(to)) {
                d.columns.iter_mut().filter(|(n, _)| n == old).for_each(|(n, _)| *n = Arc::clone(&new));
            }
            Ok(())
        })
    }

    /// LANG-129: dropping an event variable drops its START and STOP.
    pub(super) fn drop_columns(&mut self, names: &[Name]) -> Result<Outcome, RunError> {
        let with_them: Vec<Name> = names.iter().flat_map(|n| spell_columns(n)).collect();
        self.change(|d| {
            d.columns.retain(|(n, _)| !names.contains(n) && !with_them.contains(n));
            Ok(())
        })
    }

    /// LANG-130: `date@panel` stays, and START and STOP of kept columns.
    pub(super) fn keep_columns(&mut self, names: &[Name]) -> Result<Outcome, RunError> {
        let with_them: Vec<Name> = names.iter().flat_map(|n| spell_columns(n)).collect();
        self.change(|d| {
            d.columns.retain(|(n, _)| names.contains(n) || with_them.contains(n) || &**n == OCCASION);
            Ok(())
        })
    }

    /// LANG-152: columns fall back to their codes.
    pub(super) fn drop_labels(&mut self, columns: &[(Name, Name)]) -> Result<Outcome, RunError> {
        let mut changed: Vec<Dataset> = Vec::new();
        for (dataset, column) in columns {
            let at = match changed.iter().position(|d| d.name == *dataset) {
                Some(at) => at,
                None => {
                    changed.push(self.named(dataset)?.clone());
                    changed.len() - 1
                }
            };
            changed[at].column_mut(column).ok_or_else(|| RunError::unknown_column(column))?.labels = None;
        }
        changed.into_iter().for_each(|d| self.insert(super::held(d)));
        Ok(Outcome::Done)
    }

    /// LANG-114.
    pub(super) fn clone_dataset(&mut self, from: &Name, to: &Name) -> Result<Outcome, RunError> {
        let copy = self.held(from)?.renamed(to);
        self.insert(copy);
        Ok(Outcome::Done)
    }

    /// LANG-115: the distinct units, whatever rows they have.
    pub(super) fn clone_units(&mut self, from: &Name, to: &Name) -> Result<Outcome, RunError> {
        if let Held::Unread(events) = self.held(from)? {
            let units = Dataset {
                unit_type: Some(Arc::clone(&events.plan.variable.unit_type)),
                mask: Arc::clone(&events.content.units),
                set: Some(Arc::clone(&events.content.set)),
                ..Dataset::empty(to)
            };
            return self.settle(units);
        }
        let source = self.named(from)?;
        let units = Dataset {
            kind: if source.groups.is_some() { DatasetKind::CrossSection } else { DatasetKind::Empty },
            unit_type: source.unit_type.clone(),
            groups: source.groups.clone(),
            rows: Rows::Units,
            mask: Arc::new(self.units(source)),
            set: source.set.clone(),
            ..Dataset::empty(to)
        };
        self.settle(units)
    }

    /// LANG-116: the active dataset stays the active one.
    pub(super) fn rename_dataset(&mut self, from: &Name, to: &Name) -> Result<Outcome, RunError> {
        let dataset = self.held(from)?.renamed(to);
        self.datasets.remove(from);
        if self.active.as_ref() == Some(from) {
            self.active = Some(Arc::clone(to));
        }
        self.insert(dataset);
        Ok(Outcome::Done)
    }
}
