//! Datasets as a run holds them: with rows, or as an event dataset whose rows nobody has asked for yet. Of the latter only
//! is known which rows they are and how many every unit has, and that is enough for its population, for `keep` and `drop` by
//! code and day, and for counting events per unit; so millions of spells are never put into memory to be counted. A command
//! that wants the rows gets them: they are read once, and shared by all copies.

use std::sync::{Arc, OnceLock};

use script::UnitType;
use script::program::{Expression, ImportEvent, Name};

use crate::data::{Data, Dictionary};
use crate::dataset::{Dataset, column_key};
use crate::error::RunError;
use crate::mask::Mask;
use crate::narrowing::{SpellNames, narrowed};
use crate::raw::PersonSet;
use crate::source::{Selection, Variable};

/// A dataset of a run.
#[derive(Clone)]
pub(crate) enum Held {
    Rows(Arc<Dataset>),
    Unread(Arc<Unread>),
}

/// An event dataset whose rows are not read.
pub(crate) struct Unread {
    pub(crate) name: Name,
    /// The import that it comes from.
    pub(crate) plan: Arc<ImportEvent>,
    pub(crate) variable: Arc<Variable>,
    /// The codes of the value, where it has a list.
    pub(crate) codes: Option<Arc<Dictionary>>,
    /// The rows that it holds.
    pub(crate) selection: Selection,
    pub(crate) content: Content,
    read: OnceLock<Arc<Dataset>>,
}

/// What is known of the rows of a selection.
#[derive(Clone)]
pub(crate) struct Content {
    /// Rows of every unit.
    pub(crate) counts: Arc<Data>,
    /// Units that have any.
    pub(crate) units: Arc<Mask>,
    /// Rows in all.
    pub(crate) rows: u64,
    /// The persons behind the units.
    pub(crate) set: Arc<PersonSet>,
}

impl Unread {
    pub(crate) fn new(
        name: Name,
        plan: Arc<ImportEvent>,
        variable: Arc<Variable>,
        codes: Option<Arc<Dictionary>>,
        selection: Selection,
        content: Content,
    ) -> Self {
        Self { name, plan, variable, codes, selection, content, read: OnceLock::new() }
    }

    /// The columns of the import, whichever rows are left of it.
    pub(crate) fn column_key(&self) -> [u8; 32] {
        import_key(&self.plan, &self.variable, &[0; 32])
    }

    /// The key of the rows: the import and what was kept of it.
    pub(crate) fn rows_key(&self) -> [u8; 32] {
        rows_key(&self.column_key(), &self.selection)
    }

    /// The rows that are left by `keep` (or `drop`) with a condition; none when the condition needs the rows.
    pub(crate) fn narrowed(&self, condition: &Expression, drop: bool) -> Option<Selection> {
        let [start, stop] = crate::run::spell_columns(&self.plan.column);
        let names = SpellNames { value: &self.plan.column, codes: self.codes.as_ref(), start: &start, stop: &stop };
        narrowed(&self.selection, condition, drop, &names)
    }

    /// The same dataset under another name.
    fn named(&self, name: &Name) -> Self {
        let read = self.read.get().map_or_else(OnceLock::new, |d| {
            OnceLock::from(Arc::new(Dataset { name: Arc::clone(name), ..(**d).clone() }))
        });
        Self {
            name: Arc::clone(name),
            plan: Arc::clone(&self.plan),
            variable: Arc::clone(&self.variable),
            codes: self.codes.clone(),
            selection: self.selection.clone(),
            content: self.content.clone(),
            read,
        }
    }

    /// The dataset with its rows, which `read` makes when they are asked for the first time.
    pub(crate) fn rows(&self, read: impl FnOnce() -> Result<Dataset, RunError>) -> Result<&Dataset, RunError> {
        if let Some(dataset) = self.read.get() {
            return Ok(dataset);
        }
        let dataset = Arc::new(read()?);
        Ok(self.read.get_or_init(|| dataset))
    }
}

impl Held {
    pub(crate) fn name(&self) -> &Name {
        match self {
            Held::Rows(dataset) => &dataset.name,
            Held::Unread(events) => &events.name,
        }
    }

    pub(crate) fn unit_type(&self) -> Option<&UnitType> {
        match self {
            Held::Rows(dataset) => dataset.unit_type.as_deref(),
            Held::Unread(events) => Some(&events.plan.variable.unit_type),
        }
    }

    /// The persons behind the rows, once they are known.
    pub(crate) fn set(&self) -> Option<&Arc<PersonSet>> {
        match self {
            Held::Rows(dataset) => dataset.set.as_ref(),
            Held::Unread(events) => Some(&events.content.set),
        }
    }

    /// The same dataset under another name; no data is copied.
    pub(crate) fn renamed(&self, name: &Name) -> Self {
        match self {
            held if held.name() == name => held.clone(),
            Held::Rows(dataset) => Held::Rows(Arc::new(Dataset { name: Arc::clone(name), ..(**dataset).clone() })),
            Held::Unread(events) => Held::Unread(Arc::new(events.named(name))),
        }
    }

    /// Whether both are the same state of the same dataset, not merely equal.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Held::Rows(a), Held::Rows(b)) => Arc::ptr_eq(a, b),
            (Held::Unread(a), Held::Unread(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// As [`Dataset::buffers`]. What is counted and read of a register belongs to the cache.
    pub(crate) fn buffers(&self) -> Box<dyn Iterator<Item = (usize, usize)> + '_> {
        match self {
            Held::Rows(dataset) => Box::new(dataset.buffers()),
            Held::Unread(events) => {
                let units = &events.content.units;
                let read = events.read.get().into_iter().flat_map(|d| d.buffers());
                Box::new(read.chain([(Arc::as_ptr(units).addr(), units.bytes())]))
            }
        }
    }
}

/// The key of what an `import-event` gives, within a population where it was restricted to one.
pub(crate) fn import_key(plan: &ImportEvent, variable: &Variable, within: &[u8; 32]) -> [u8; 32] {
    let info = &plan.variable;
    let (from, to) = (plan.from.days().to_le_bytes(), plan.to.days().to_le_bytes());
    let parts = [info.store.as_bytes(), info.name.as_bytes(), &variable.digest, &from, &to, within];
    column_key("import-event", &parts)
}

/// The key of the rows of a selection among those of an import.
pub(crate) fn rows_key(import: &[u8; 32], selection: &Selection) -> [u8; 32] {
    column_key("rows of events", &[import, &selection.digest()])
}
