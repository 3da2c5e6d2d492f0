//! Commands on whole datasets: making, switching, copying, reshaping, sampling (language.md 8.1, 6.3).

use std::sync::Arc;

use kernel::Date;

use super::state::{Column, Dataset, Kind, LabelState, Unit};
use super::{Checker, Parse, head_names};
use crate::constants::Constant;
use crate::messages;
use crate::program::{
    Action, DataType, Literal, Name, PanelColumn, ReshapeFromPanel, ReshapeToPanel, Sample, SampleSize,
};
use crate::span::Span;
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
    pub(super) fn copy_dataset(&mut self, command: &Command) -> Parse<Action> {
        let [old, new] = head_names(command) else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        let (from, to) = (self.bindings.new_name(old)?, self.bindings.new_name(new)?);
        let source = self.state.named(&from, old.span)?.clone();
        let (from, to): (Name, Name) = (from.into(), to.into());
        if command.spec.node.word == "rename-dataset" {
            if self.state.datasets.contains_key(&to) {
                return Self::fail(messages::name_taken(new.span, &to));
            }
            self.state.datasets.remove(&from);
            if self.state.active.as_ref() == Some(&from) {
                self.state.active = Some(to.clone());
            }
            self.state.datasets.insert(to.clone(), source);
            return Ok(Action::RenameDataset { from, to });
        }
        self.state.free(&to, new.span)?;
        if command.spec.node.word == "clone-units" {
            if source.unit == Unit::Open {
                return Self::fail(messages::no_units(old.span, &from));
            }
            self.state.datasets.insert(to.clone(), Dataset::new(Kind::Empty, source.unit));
            return Ok(Action::CloneUnits { from, to });
        }
        self.state.datasets.insert(to.clone(), source);
        Ok(Action::CloneDataset { from, to })
    }

    pub(super) fn sample(&mut self, command: &Command) -> Parse<Action> {
        let Head::Sample { size, seed } = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        self.state.dataset(command.spec.span)?;
        let size = match self.bindings.value(size)? {
            Constant::Integer(n) if n > 1000 => SampleSize::Units(n.unsigned_abs()),
            Constant::Decimal(share) if share > 0.0 && share < 1.0 => SampleSize::Share(share),
            Constant::Integer(_) | Constant::Decimal(_) => return Self::fail(messages::sample_size(size.span)),
            other => return Self::fail(messages::not_an_integer(size.span, &other.text())),
        };
        match self.bindings.value(seed)? {
            Constant::Integer(n) if n >= 1 => Ok(Action::Sample(Sample { size, seed: n.unsigned_abs() })),
            other => Self::fail(messages::out_of_range(seed.span, &other.text(), "1", "…")),
        }
    }

    pub(super) fn reshape_to_panel(&mut self, command: &Command) -> Parse<Action> {
        let span = command.spec.span;
        let dataset = self.state.dataset(span)?;
        match dataset.kind {
            Kind::Panel => return Self::fail(messages::already_panel(span)),
            Kind::Event => return Self::fail(messages::kinds_mixed(span)),
            _ => {}
        }
        let mut prefixes = Vec::new();
        for expr in head_names(command) {
            prefixes.push((self.bindings.name(expr)?, expr.span));
        }
        let claimed = claims(dataset, &prefixes);
        if let Some((prefix, place)) = prefixes.iter().find(|(p, _)| !claimed.iter().any(|c| c.prefix == *p))
            && !dataset.open
        {
            return Self::fail(messages::prefix_matches_nothing(*place, prefix));
        }
        let (occasions, occasion_type) = occasions(claimed.iter().map(|c| c.suffix.as_str()).collect());
        let mut columns: Vec<PanelColumn> = Vec::new();
        let mut made = Vec::new();
        for (i, (prefix, place)) in prefixes.iter().enumerate() {
            dataset.free(prefix, *place)?;
            if prefixes[..i].iter().any(|(before, _)| before == prefix) {
                return Self::fail(messages::name_taken(*place, prefix));
            }
            let of_prefix: Vec<&Claim> = claimed.iter().filter(|c| c.prefix == *prefix).collect();
            let Some(column) = joined_column(&of_prefix) else {
                return Self::fail(messages::columns_differ(*place, prefix));
            };
            let source =
                |suffix: &String| of_prefix.iter().find(|c| c.suffix == *suffix).map(|c| Name::clone(&c.column));
            columns.push(PanelColumn {
                column: prefix.as_str().into(),
                sources: occasions.iter().map(|(suffix, _)| source(suffix)).collect(),
                data_type: column.data_type.clone().unwrap_or(DataType::Integer),
                labels: column.plan_labels(),
            });
            made.push((prefix, column));
        }
        let occasions: Vec<Literal> = occasions.into_iter().map(|(_, value)| value).collect();
        let dataset = self.state.dataset_mut(span)?;
        dataset.retain(|name| !claimed.iter().any(|c| c.column.as_ref() == name));
        for (name, column) in made {
            dataset.set(name, column);
        }
        dataset.set("date@panel", Column::of(occasion_type.clone()));
        dataset.kind = Kind::Panel;
        dataset.occasions = Some(occasions.clone());
        Ok(Action::ReshapeToPanel(ReshapeToPanel { occasions, occasion_type, columns }))
    }

    pub(super) fn reshape_from_panel(&mut self, command: &Command) -> Parse<Action> {
        let span = command.spec.span;
        self.panel_only(command)?;
        let dataset = self.state.dataset(span)?;
        let Some(occasions) = dataset.occasions.clone() else {
            // After an error: there is no plan.
            self.open_dataset(command);
            return Ok(Action::KeepColumns(Vec::new()));
        };
        let mut wide = Dataset::new(Kind::CrossSection, dataset.unit.clone());
        wide.open = dataset.open;
        let mut columns = Vec::new();
        for (name, column) in dataset.columns().filter(|(name, _)| name.as_ref() != "date@panel") {
            if dataset.is_key(name) {
                wide.set(name, column.clone());
                continue;
            }
            let mut targets = Vec::with_capacity(occasions.len());
            for value in &occasions {
                let target = self.joined("", name, &value.to_string(), span)?;
                wide.free(&target, span)?;
                targets.push(wide.set(&target, column.clone()));
            }
            columns.push((name.clone(), targets));
        }
        *self.state.dataset_mut(span)? = wide;
        Ok(Action::ReshapeFromPanel(ReshapeFromPanel { occasions, columns }))
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

/// A column of the wide form that a prefix claims.
struct Claim {
    column: Name,
    prefix: String,
    suffix: String,
    content: Column,
}

/// The columns that the prefixes claim: prefix and digits or non-letters; of two prefixes the longer wins (LANG-090).
fn claims(dataset: &Dataset, prefixes: &[(String, Span)]) -> Vec<Claim> {
    let columns = dataset.columns().filter(|(name, _)| !dataset.is_key(name));
    let claimed = columns.filter_map(|(name, content)| {
        let claims = prefixes.iter().filter_map(|(prefix, _)| {
            let suffix = name.strip_prefix(prefix.as_str())?;
            let fits = !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_digit() || !c.is_alphabetic());
            fits.then(|| (prefix.clone(), suffix.to_owned()))
        });
        let (prefix, suffix) = claims.max_by_key(|(prefix, _)| prefix.len())?;
        Some(Claim { column: name.clone(), prefix, suffix, content: content.clone() })
    });
    claimed.collect()
}

/// Suffixes with the values of `date@panel` that they stand for, in order, and its type (LANG-091). Suffixes that mean
/// one number (`1` and `01`) stay texts: they are two occasions.
fn occasions(mut suffixes: Vec<&str>) -> (Vec<(String, Literal)>, DataType) {
    suffixes.sort_unstable();
    suffixes.dedup();
    let read = |value: &dyn Fn(&str) -> Option<i64>| {
        let mut values: Vec<(String, i64)> =
            suffixes.iter().map(|s| value(s).map(|v| ((*s).to_owned(), v))).collect::<Option<_>>()?;
        values.sort_by_key(|(_, value)| *value);
        let distinct = values.windows(2).all(|w| w[0].1 != w[1].1);
        distinct.then(|| values.into_iter().map(|(s, v)| (s, Literal::Integer(v))).collect::<Vec<_>>())
    };
    let whole = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok()).flatten();
    let day = |s: &str| s.replace('_', "-").parse::<Date>().ok().map(|d| i64::from(d.days()));
    if let Some(numbers) = read(&whole) {
        return (numbers, DataType::Integer);
    }
    if let Some(days) = read(&day) {
        return (days, DataType::Date);
    }
    let texts = suffixes.iter().map(|s| ((*s).to_owned(), Literal::Text((*s).into())));
    (texts.collect(), DataType::Text)
}

/// The column that several columns of the wide form make together; none when text and numbers meet.
fn joined_column(claims: &[&Claim]) -> Option<Column> {
    let columns = || claims.iter().map(|c| &c.content);
    let Some(first) = columns().next() else { return Some(Column::UNKNOWN) };
    let data_type = if columns().any(|c| c.data_type.is_none()) {
        None
    } else if columns().all(|c| c.data_type == first.data_type) {
        first.data_type.clone()
    } else if columns().all(Column::is_numeric) {
        let whole = columns().all(|c| c.data_type != Some(DataType::Decimal));
        Some(if whole { DataType::Integer } else { DataType::Decimal })
    } else {
        return None;
    };
    let labels = columns().find(|c| c.labels != LabelState::None).map_or(LabelState::None, |c| c.labels.clone());
    let origin = |c: &Column| c.origin.as_ref().map(Arc::as_ptr);
    let one_origin = columns().all(|c| origin(c) == origin(first));
    Some(Column { data_type, labels, origin: first.origin.clone().filter(|_| one_origin) })
}
