//! What a failed statement leaves behind: the columns, datasets and lists that it would have made, of unknown type, so
//! that one mistake does not cause errors further down (LANG-093).

use super::state::{Alias, Column, Dataset, Kind, ListDefinition, Unit};
use super::{Checker, head_names};
use crate::program::Name;
use crate::tree::{Argument, Command, Expr, Head};

impl Checker<'_> {
    /// Makes what the command would have made.
    pub(super) fn make_unknown(&mut self, command: &Command) {
        match &command.head {
            Head::Require { store, version, alias } => {
                let connected = Alias { store: store.node.clone(), requested: version.node.clone(), version: None };
                self.not_at_hand.insert((store.node.clone(), version.node.to_string()));
                self.state.aliases.entry(alias.node.clone()).or_insert(connected);
            }
            Head::Import { variable, name, .. } | Head::ImportEvent { variable, name, .. } => {
                let name = match name {
                    Some(name) => self.bindings.new_name(name).ok(),
                    None => Some(variable.name.node.clone()),
                };
                self.unknown_columns(name);
            }
            Head::ImportPanel { variables, .. } => {
                self.unknown_columns(variables.iter().map(|v| v.name.node.clone()));
                self.unknown_columns(["date@panel".to_owned()]);
            }
            Head::Assign { target, .. } => {
                let name = self.bindings.new_name(target).ok();
                self.unknown_columns(name.filter(|_| command.spec.node.word == "generate"));
            }
            Head::Pairs(pairs) => {
                let names = pairs.iter().filter_map(|(_, to)| to.as_ref()).collect::<Vec<_>>();
                self.unknown_named(&names);
                self.open_for_options(command);
            }
            Head::Groups(groups) => {
                let items = groups.iter().flat_map(|g| &g.items);
                let names = items.map(|(from, to)| to.as_ref().unwrap_or(from)).collect::<Vec<_>>();
                self.unknown_named(&names);
                if command.spec.node.word == "collapse"
                    && let Ok(dataset) = self.state.dataset_mut(command.spec.span)
                {
                    dataset.kind = Kind::Unknown;
                    dataset.unit = Unit::Unknown;
                }
            }
            Head::Merge { variables, into, .. } => {
                let names: Vec<String> = variables.iter().filter_map(|v| self.bindings.name(v).ok()).collect();
                if let Ok(target) = self.bindings.new_name(into)
                    && let Some(dataset) = self.state.datasets.get_mut(target.as_str())
                {
                    for name in names {
                        if dataset.get(&name).is_none() {
                            dataset.set(&name, Column::UNKNOWN);
                        }
                    }
                }
            }
            Head::Link { variables, .. } => self.unknown_named(&variables.iter().collect::<Vec<_>>()),
            Head::Labels { list, .. } => {
                if let Ok(name) = self.bindings.new_name(list) {
                    self.state.lists.entry(name).or_insert(ListDefinition::new(None));
                }
            }
            Head::Names(names) => self.unknown_by_word(command, names),
            Head::Recode { .. } => self.open_for_options(command),
            Head::Model { .. } | Head::IvModel { .. } if command.spec.node.word.ends_with("-predict") => {
                let given = command.options.iter().flat_map(|o| o.arguments.iter().filter_map(Argument::value));
                let names: Vec<String> = given.filter_map(|v| self.bindings.new_name(v).ok()).collect();
                self.unknown_columns(names);
                self.unknown_columns(["predicted".to_owned(), "probabilities".to_owned()]);
            }
            Head::Empty if command.spec.node.word == "reshape-from-panel" => self.open_dataset(command),
            _ => {}
        }
    }

    fn unknown_by_word(&mut self, command: &Command, names: &[Expr]) {
        let last = names.last().and_then(|n| self.bindings.new_name(n).ok());
        match (command.spec.node.word, last) {
            ("create-dataset", Some(name)) => {
                let name: Name = name.into();
                self.unknown_dataset(&name);
                self.state.active = Some(name);
            }
            ("use", Some(name)) => {
                let name: Name = name.into();
                self.unknown_dataset(&name);
                self.state.active = Some(name);
            }
            ("clone-dataset" | "clone-units" | "rename-dataset", Some(name)) => self.unknown_dataset(&name.into()),
            ("rename", Some(name)) => self.unknown_columns([name]),
            ("reshape-to-panel", _) => {
                let prefixes: Vec<String> =
                    head_names(command).iter().filter_map(|n| self.bindings.name(n).ok()).collect();
                self.unknown_columns(prefixes);
                self.unknown_columns(["date@panel".to_owned()]);
                self.open_dataset(command);
            }
            ("destring", _) => self.open_for_options(command),
            _ => {}
        }
    }

    fn unknown_dataset(&mut self, name: &Name) {
        let mut dataset = Dataset::new(Kind::Unknown, Unit::Unknown);
        dataset.open = true;
        self.state.datasets.entry(name.clone()).or_insert(dataset);
    }

    fn unknown_named(&mut self, names: &[&Expr]) {
        let names: Vec<String> = names.iter().filter_map(|n| self.bindings.new_name(n).ok()).collect();
        self.unknown_columns(names);
    }

    fn unknown_columns(&mut self, names: impl IntoIterator<Item = String>) {
        let Some(dataset) = self.state.active.as_ref().and_then(|a| self.state.datasets.get_mut(a)) else { return };
        if dataset.unit == Unit::Open {
            dataset.unit = Unit::Unknown;
        }
        if dataset.kind == Kind::Empty {
            dataset.kind = Kind::Unknown;
        }
        for name in names {
            if dataset.get(&name).is_none() {
                dataset.set(&name, Column::UNKNOWN);
            }
        }
    }

    /// New names were to be built from options: any may be meant.
    fn open_for_options(&mut self, command: &Command) {
        if ["prefix", "suffix", "generate"].iter().any(|o| command.option(o).is_some()) {
            self.open_dataset(command);
        }
    }

    pub(super) fn open_dataset(&mut self, command: &Command) {
        if let Ok(dataset) = self.state.dataset_mut(command.spec.span) {
            dataset.open = true;
            dataset.kind = Kind::Unknown;
        }
    }
}
