//! Commands on whole datasets: making, switching, copying, reshaping, sampling (language.md 8.1, 6.3).

use super::state::{Column, Dataset, Kind, LabelState, Unit};
use super::{Checker, Parse, head_names};
use crate::constants::Constant;
use crate::messages;
use crate::program::{Action, DataType, Name};
use crate::tree::{Command, Expr, Head};

impl Checker<'_> {
    fn one_name<'t>(&self, command: &'t Command) -> Parse<&'t Expr> {
        match head_names(command).first() {
            Some(name) => Ok(name),
            None => Self::fail(messages::no_active_dataset(command.spec.span)),
        }
    }

    pub(super) fn create_dataset(&mut self, command: &Command) -> Parse<Action> {
        let expr = self.one_name(command)?;
        let name: Name = self.bindings.new_name(expr)?.into();
        self.state.free(&name, expr.span)?;
        self.state.datasets.insert(name.clone(), Dataset::new(Kind::Empty, Unit::Open));
        self.state.active = Some(name.clone());
        Ok(Action::CreateDataset { dataset: name })
    }

    pub(super) fn use_dataset(&mut self, command: &Command) -> Parse<Action> {
        let expr = self.one_name(command)?;
        let name = self.bindings.new_name(expr)?;
        self.state.named(&name, expr.span)?;
        let dataset: Name = name.into();
        self.state.active = Some(dataset.clone());
        Ok(Action::Use { dataset })
    }

    pub(super) fn delete_dataset(&mut self, command: &Command) -> Parse<Action> {
        let expr = self.one_name(command)?;
        let name = self.bindings.new_name(expr)?;
        self.state.named(&name, expr.span)?;
        self.state.datasets.remove(name.as_str());
        self.state.active = self.state.active.take().filter(|active| active.as_ref() != name);
        Ok(Action::DeleteDataset { dataset: name.into() })
    }

    /// `clone-dataset`, `clone-units`, `rename-dataset`: none of them switches.
    pub(super) fn copy_dataset(&mut self, command: &Command) -> Parse<Option<Action>> {
        let [old, new] = head_names(command) else { return Ok(None) };
        let (from, to) = (self.bindings.new_name(old)?, self.bindings.new_name(new)?);
        let source = self.state.named(&from, old.span)?.clone();
        let name: Name = to.into();
        if command.spec.node.word == "rename-dataset" {
            if self.state.datasets.contains_key(&name) {
                return Self::fail(messages::name_taken(new.span, &name));
            }
            self.state.datasets.remove(from.as_str());
            if self.state.active.as_deref() == Some(from.as_str()) {
                self.state.active = Some(name.clone());
            }
            self.state.datasets.insert(name, source);
            return Ok(None);
        }
        self.state.free(&name, new.span)?;
        let copy = if command.spec.node.word == "clone-units" {
            Dataset::new(Kind::Empty, if source.unit == Unit::Open { Unit::Unknown } else { source.unit })
        } else {
            source
        };
        self.state.datasets.insert(name, copy);
        Ok(None)
    }

    pub(super) fn sample(&mut self, command: &Command) -> Parse<Option<Action>> {
        let Head::Sample { size, seed } = &command.head else { return Ok(None) };
        self.state.dataset(command.spec.span)?;
        match self.bindings.value(size)? {
            Constant::Integer(n) if n > 1000 => {}
            Constant::Decimal(share) if share > 0.0 && share < 1.0 => {}
            Constant::Integer(_) | Constant::Decimal(_) => return Self::fail(messages::sample_size(size.span)),
            other => return Self::fail(messages::not_an_integer(size.span, &other.text())),
        }
        match self.bindings.value(seed)? {
            Constant::Integer(n) if n >= 1 => Ok(None),
            other => Self::fail(messages::out_of_range(seed.span, &other.text(), "1", "…")),
        }
    }

    pub(super) fn reshape_to_panel(&mut self, command: &Command) -> Parse<Option<Action>> {
        let span = command.spec.span;
        if self.state.dataset(span)?.kind == Kind::Panel {
            return Self::fail(messages::already_panel(span));
        }
        let mut prefixes = Vec::new();
        for expr in head_names(command) {
            prefixes.push((self.bindings.name(expr)?, expr.span));
        }
        let dataset = self.state.dataset_mut(span)?;
        // Of two prefixes that claim a column the longer wins (LANG-090).
        let claim = |column: &str| {
            let claims = prefixes.iter().filter(|(p, _)| {
                column.strip_prefix(p.as_str()).is_some_and(|rest| {
                    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || !c.is_alphabetic())
                })
            });
            claims.map(|(p, _)| p.clone()).max_by_key(String::len)
        };
        let claimed: Vec<(Name, String, Column)> =
            dataset.columns().filter_map(|(name, c)| claim(name).map(|p| (name.clone(), p, c.clone()))).collect();
        if let Some((prefix, place)) = prefixes.iter().find(|(p, _)| !claimed.iter().any(|(_, q, _)| p == q))
            && !dataset.open
        {
            return Self::fail(messages::prefix_matches_nothing(*place, prefix));
        }
        let mut suffixes: Vec<String> = claimed
            .iter()
            .filter_map(|(name, prefix, _)| name.strip_prefix(prefix.as_str()).map(str::to_owned))
            .collect();
        suffixes.sort();
        suffixes.dedup();
        dataset.retain(|name| !claimed.iter().any(|(n, _, _)| n.as_ref() == name));
        for (prefix, place) in &prefixes {
            let types: Vec<&Column> = claimed.iter().filter(|(_, p, _)| p == prefix).map(|(_, _, c)| c).collect();
            let column = joined_column(&types);
            dataset.free(prefix, *place)?;
            dataset.set(prefix, column);
        }
        let whole = suffixes.iter().all(|s| s.bytes().all(|b| b.is_ascii_digit()));
        let dates = suffixes.iter().all(|s| s.replace('_', "-").parse::<kernel::Date>().is_ok());
        let occasion = if whole {
            DataType::Integer
        } else if dates {
            DataType::Date
        } else {
            DataType::Text
        };
        dataset.set("date@panel", Column::of(occasion.clone()));
        dataset.kind = Kind::Panel;
        dataset.occasions = Some(match occasion {
            DataType::Date => {
                let days = suffixes.iter().filter_map(|s| s.replace('_', "-").parse::<kernel::Date>().ok());
                days.map(|d| d.days().to_string()).collect()
            }
            DataType::Integer => {
                suffixes.iter().map(|s| s.parse::<i64>().map_or(s.clone(), |n| n.to_string())).collect()
            }
            _ => suffixes,
        });
        Ok(None)
    }

    pub(super) fn reshape_from_panel(&mut self, command: &Command) -> Parse<Option<Action>> {
        let span = command.spec.span;
        self.panel_only(command)?;
        let dataset = self.state.dataset_mut(span)?;
        let columns: Vec<(Name, Column)> = dataset.columns().map(|(n, c)| (n.clone(), c.clone())).collect();
        let occasions = dataset.occasions.take();
        dataset.retain(|_| false);
        dataset.kind = Kind::CrossSection;
        match occasions {
            Some(occasions) => {
                for (name, column) in columns.iter().filter(|(name, _)| name.as_ref() != "date@panel") {
                    for value in &occasions {
                        let wide = format!("{name}{value}");
                        dataset.free(&wide, span)?;
                        dataset.set(&wide, column.clone());
                    }
                }
            }
            None => dataset.open = true,
        }
        Ok(None)
    }

    /// `E310` unless the active dataset is a panel, or not known.
    pub(super) fn panel_only(&self, command: &Command) -> Parse<()> {
        let dataset = self.state.dataset(command.spec.span)?;
        match dataset.kind {
            Kind::Panel | Kind::Unknown => Ok(()),
            _ => Self::fail(messages::needs_panel(command.spec.span, command.spec.node.word)),
        }
    }
}

/// The column that several columns of the wide form make together.
fn joined_column(columns: &[&Column]) -> Column {
    let Some(first) = columns.first() else { return Column::UNKNOWN };
    let same = columns.iter().all(|c| c.data_type == first.data_type);
    let numeric = columns.iter().all(|c| c.is_numeric());
    let data_type = match (same, numeric) {
        (true, _) => first.data_type.clone(),
        (false, true) => Some(DataType::Decimal),
        (false, false) => None,
    };
    let labels = columns.iter().find(|c| c.labels != LabelState::None).map_or(LabelState::None, |c| c.labels.clone());
    Column { data_type, labels }
}
