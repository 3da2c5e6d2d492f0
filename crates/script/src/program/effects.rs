//! What a step reads and writes, so that a memo key can be made of the objects it depends on and not of the order of
//! the text (LANG-301), and so that what depends on a failed step can be skipped (LANG-302).

use super::{Action, Name, Step};

/// Something that steps make, change or use. The plan is resolved: which dataset is active, what a binding holds and
/// which codes a label stands for is in the step itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// A dataset with everything in it.
    Dataset(Name),
    /// A code list of the script.
    List(Name),
    /// A version of a store. Its state is its name: no step changes it.
    Store {
        /// Store.
        store: String,
        /// Full version.
        version: String,
    },
    /// The results so far, and with them everything that was said.
    Results,
}

impl Step {
    /// The objects whose state decides what the step does. A step that changes an object reads it too, save where it
    /// makes it anew.
    pub fn reads(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        match &self.action {
            Action::CreateDataset { .. }
            | Action::Use { .. }
            | Action::Text(_)
            | Action::DefineLabels { .. }
            | Action::Clear
            | Action::NoCache
            | Action::Continue
            | Action::Require { .. } => {}
            Action::Info(_) | Action::Export(_) => objects.push(Object::Results),
            Action::DeleteDataset { dataset } => objects.push(Object::Dataset(dataset.clone())),
            Action::CloneDataset { from, .. }
            | Action::CloneUnits { from, .. }
            | Action::RenameDataset { from, .. } => objects.push(Object::Dataset(from.clone())),
            Action::Merge(merge) => {
                objects.push(Object::Dataset(merge.source.clone()));
                objects.push(Object::Dataset(merge.target.clone()));
            }
            Action::DropLabels { lists, columns } => {
                objects.extend(lists.iter().cloned().map(Object::List));
                objects.extend(columns.iter().map(|(dataset, _)| Object::Dataset(dataset.clone())));
            }
            Action::AssignLabels { list, .. } => {
                objects.extend(self.active());
                objects.push(Object::List(list.clone()));
            }
            Action::Import(import) => {
                objects.extend(self.active());
                objects.push(store(&import.variable));
            }
            Action::ImportEvent(import) => {
                objects.extend(self.active());
                objects.push(store(&import.variable));
            }
            Action::ImportPanel(import) => {
                objects.extend(self.active());
                objects.extend(import.variables.iter().map(|(variable, _)| store(variable)));
            }
            _ => objects.extend(self.active()),
        }
        distinct(objects)
    }

    /// The objects whose state the step may change, make or remove. Every step with a result also adds to
    /// [`Object::Results`], which is not named here: results stand in the order of the script.
    pub fn writes(&self) -> Vec<Object> {
        let objects = match &self.action {
            Action::CreateDataset { dataset } | Action::DeleteDataset { dataset } => {
                vec![Object::Dataset(dataset.clone())]
            }
            Action::CloneDataset { to, .. } | Action::CloneUnits { to, .. } => vec![Object::Dataset(to.clone())],
            Action::RenameDataset { from, to } => {
                vec![Object::Dataset(from.clone()), Object::Dataset(to.clone())]
            }
            Action::Merge(merge) => vec![Object::Dataset(merge.target.clone())],
            Action::DefineLabels { list } => vec![Object::List(list.clone())],
            Action::DropLabels { lists, columns } => {
                let lists = lists.iter().cloned().map(Object::List);
                lists.chain(columns.iter().map(|(dataset, _)| Object::Dataset(dataset.clone()))).collect()
            }
            Action::Import(_)
            | Action::ImportEvent(_)
            | Action::ImportPanel(_)
            | Action::Generate { .. }
            | Action::Replace { .. }
            | Action::Rename { .. }
            | Action::CloneColumns { .. }
            | Action::DropColumns(_)
            | Action::KeepColumns(_)
            | Action::DropIf(_)
            | Action::KeepIf(_)
            | Action::Recode(_)
            | Action::AssignLabels { .. }
            | Action::ReshapeToPanel(_)
            | Action::ReshapeFromPanel(_)
            | Action::Aggregate(_)
            | Action::Collapse(_)
            | Action::Destring(_)
            | Action::Sample(_)
            | Action::Predict(_)
            | Action::Harmonise(_) => self.active().into_iter().collect(),
            Action::Clear => vec![Object::Results],
            Action::Require { .. }
            | Action::Use { .. }
            | Action::Tabulate(_)
            | Action::Summarize(_)
            | Action::SummarizePanel(_)
            | Action::Barchart(_)
            | Action::Model(_)
            | Action::Describe(_)
            | Action::Text(_)
            | Action::Info(_)
            | Action::NoCache
            | Action::Continue
            | Action::Export(_) => Vec::new(),
        };
        distinct(objects)
    }

    fn active(&self) -> Option<Object> {
        self.dataset.clone().map(Object::Dataset)
    }
}

fn store(variable: &crate::catalogue::VariableInfo) -> Object {
    Object::Store { store: variable.store.clone(), version: variable.version.clone() }
}

fn distinct(mut objects: Vec<Object>) -> Vec<Object> {
    objects.sort_unstable();
    objects.dedup();
    objects
}
