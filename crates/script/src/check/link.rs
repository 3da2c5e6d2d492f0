//! Groups and links: `aggregate`, `collapse`, `merge`, `link` (language.md 6.2, 8.3.1).

use std::sync::Arc;

use super::state::{Column, Dataset, Kind, LabelState, Unit};
use super::{Checker, Parse, Placed};
use crate::catalogue::UnitType;
use crate::messages;
use crate::program::{Action, DataType, Name};
use crate::span::{Located, Span};
use crate::tree::{Command, Expr, Head};

/// What a key column tells apart.
#[derive(Clone, PartialEq, Debug)]
enum Domain {
    Unit(Arc<UnitType>),
    Values(DataType),
    Unknown,
}

impl Domain {
    fn of(column: &Column) -> Domain {
        match &column.data_type {
            None => Domain::Unknown,
            Some(DataType::Key(unit)) => Domain::Unit(unit.clone()),
            Some(other) => Domain::Values(other.clone()),
        }
    }

    fn is(&self, other: &Domain) -> bool {
        *self == Domain::Unknown || *other == Domain::Unknown || self == other
    }

    fn shares_space_with(&self, other: &Domain) -> bool {
        matches!((self, other), (Domain::Unit(a), Domain::Unit(b)) if a.shares_space_with(b))
    }
}

/// The domain of the rows of a dataset: its unit type, or the domain of a single key it was collapsed by.
fn row_domain(dataset: &Dataset) -> Option<Domain> {
    match &dataset.unit {
        Unit::Type(unit) => Some(Domain::Unit(unit.clone())),
        Unit::Keys(keys) => match keys.as_slice() {
            [key] => Some(dataset.get(key).map_or(Domain::Unknown, Domain::of)),
            _ => None,
        },
        Unit::Open | Unit::Unknown => Some(Domain::Unknown),
    }
}

impl Checker<'_> {
    /// `aggregate` and `collapse`.
    pub(super) fn groups(&mut self, command: &Command) -> Parse<Option<Action>> {
        let Head::Groups(groups) = &command.head else { return Ok(None) };
        let span = command.spec.span;
        let collapse = command.spec.node.word == "collapse";
        self.state.dataset(span)?;
        let by: Vec<Expr> = command
            .option("by")
            .map(|o| o.arguments.iter().filter_map(|a| a.value().cloned()).collect())
            .unwrap_or_default();
        let keys = self.existing(&by)?;
        let mut made: Vec<(Placed, Column)> = Vec::new();
        for group in groups {
            for (variable, name) in &group.items {
                let source = self.bindings.name(variable)?;
                let column = self.state.dataset(variable.span)?.column(&source, variable.span)?;
                let result = aggregated(&group.statistic.node, &column, variable.span)?;
                let (name, place) = match name {
                    Some(name) => (self.bindings.new_name(name)?, name.span),
                    None => (source, variable.span),
                };
                let taken = made.iter().any(|(other, _)| other.node == name)
                    || (collapse && keys.iter().any(|(key, _)| key.node == name));
                if taken {
                    return Self::fail(messages::name_taken(place, &name));
                }
                if !collapse {
                    self.state.dataset(place)?.free(&name, place)?;
                }
                made.push((Located::new(name, place), result));
            }
        }
        let dataset = self.state.dataset_mut(span)?;
        if collapse {
            let unit = match keys.as_slice() {
                [(_, Column { data_type: Some(DataType::Key(unit)), .. })] => Unit::Type(unit.clone()),
                [(_, Column { data_type: None, .. })] => Unit::Unknown,
                several => Unit::Keys(several.iter().map(|(key, _)| Name::from(key.node.as_str())).collect()),
            };
            *dataset = Dataset::new(Kind::CrossSection, unit);
            for (key, column) in keys {
                dataset.set(&key.node, column);
            }
        }
        for (name, column) in made {
            dataset.set(&name.node, column);
        }
        Ok(None)
    }

    /// `merge V into T [on K]`: from the active dataset to T.
    pub(super) fn merge(&mut self, command: &Command) -> Parse<Option<Action>> {
        let Head::Merge { variables, into, on } = &command.head else { return Ok(None) };
        self.state.dataset(command.spec.span)?;
        let target = self.bindings.new_name(into)?;
        let active = self.state.active.clone();
        if active.as_deref() == Some(target.as_str()) {
            return Self::fail(messages::into_itself(into.span, &target));
        }
        self.state.named(&target, into.span)?;
        let moved = self.existing(variables)?;
        let mut keys = Vec::new();
        for key in on {
            keys.push(Located::new(self.bindings.name(key)?, key.span));
        }
        let source = active.unwrap_or_else(|| Name::from(""));
        self.copy_columns(&source, &Name::from(target), moved, &keys, into.span)?;
        Ok(None)
    }

    /// `link v… from D [via p]`: from D to the active dataset (LANG-362).
    pub(super) fn link(&mut self, command: &Command) -> Parse<Option<Action>> {
        let Head::Link { variables, from, via } = &command.head else { return Ok(None) };
        self.state.dataset(command.spec.span)?;
        let source = self.bindings.new_name(from)?;
        let active = self.state.active.clone().unwrap_or_else(|| Name::from(""));
        if active.as_ref() == source {
            return Self::fail(messages::into_itself(from.span, &source));
        }
        let dataset = self.state.named(&source, from.span)?;
        let mut moved = Vec::new();
        for expr in variables {
            let name = self.bindings.name(expr)?;
            let column = dataset.column(&name, expr.span)?;
            moved.push((Located::new(name, expr.span), column));
        }
        let mut keys = Vec::new();
        if let Some(key) = via {
            keys.push(Located::new(self.bindings.name(key)?, key.span));
        }
        self.copy_columns(&Name::from(source), &active, moved, &keys, from.span)?;
        Ok(None)
    }

    fn copy_columns(
        &mut self,
        source: &Name,
        target: &Name,
        moved: Vec<(Placed, Column)>,
        on: &[Placed],
        span: Span,
    ) -> Parse<()> {
        let (s, t) = (self.state.named(source, span)?, self.state.named(target, span)?);
        for (name, _) in &moved {
            t.free(&name.node, name.span)?;
        }
        if !paired(s, t, on)? {
            let place = on.first().map_or(span, |k| k.span);
            let pointers: Vec<&str> = [s, t]
                .iter()
                .flat_map(|d| d.columns())
                .filter(|(_, c)| matches!(c.data_type, Some(DataType::Key(_))))
                .map(|(name, _)| name.as_ref())
                .collect();
            return Self::fail(messages::no_link_key(place, &pointers));
        }
        if let Some(dataset) = self.state.datasets.get_mut(target) {
            for (name, column) in moved {
                dataset.set(&name.node, column);
            }
        }
        Ok(())
    }
}

/// A key under its name: a column, or the identifier name of the dataset's unit type.
fn key(dataset: &Dataset, name: &str) -> Option<Domain> {
    match dataset.get(name) {
        Some(column) => Some(Domain::of(column)),
        None => match &dataset.unit {
            Unit::Type(unit) if unit.identifier == name => Some(Domain::Unit(unit.clone())),
            Unit::Unknown if UnitType::is_identifier(name) => Some(Domain::Unknown),
            _ if dataset.open => Some(Domain::Unknown),
            _ => None,
        },
    }
}

/// Whether the steps of section 6.2 find a pairing. An unknown key is `E201`.
fn paired(s: &Dataset, t: &Dataset, on: &[Placed]) -> Parse<bool> {
    let (rows_s, rows_t) = (row_domain(s), row_domain(t));
    match on {
        [] => Ok(match (&rows_s, &rows_t) {
            (Some(a), Some(b)) => a.is(b),
            _ => s.unit == t.unit,
        }),
        [one] => {
            let (in_s, in_t) = (key(s, &one.node), key(t, &one.node));
            if in_s.is_none() && in_t.is_none() {
                t.column(&one.node, one.span)?;
            }
            let is = |a: &Option<Domain>, b: &Option<Domain>| matches!((a, b), (Some(a), Some(b)) if a.is(b));
            let near =
                |a: &Option<Domain>, b: &Option<Domain>| matches!((a, b), (Some(a), Some(b)) if a.shares_space_with(b));
            Ok(is(&in_t, &rows_s)
                || (in_t.is_none() && is(&in_s, &rows_t))
                || is(&in_s, &in_t)
                || near(&in_t, &rows_s)
                || near(&in_s, &rows_t))
        }
        several => {
            for name in several {
                let (in_s, in_t) = (key(s, &name.node), key(t, &name.node));
                if in_t.is_none() {
                    t.column(&name.node, name.span)?;
                }
                match (in_s, in_t) {
                    (Some(a), Some(b)) if a.is(&b) => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
    }
}

/// The column that a statistic makes of a column (8.3.1).
fn aggregated(statistic: &str, column: &Column, span: Span) -> Parse<Column> {
    if statistic == "count" {
        return Ok(Column::of(DataType::Integer));
    }
    match &column.data_type {
        Some(DataType::Key(_)) => return Err(Box::new(messages::key_in_expression(span))),
        Some(DataType::Text) => return Err(Box::new(messages::needs_number(span))),
        _ => {}
    }
    let kept = matches!(statistic, "min" | "max" | "median");
    let labels = if kept { column.labels.clone() } else { LabelState::None };
    let data_type = match statistic {
        "min" | "max" => column.data_type.clone(),
        "sum" => match column.data_type {
            Some(DataType::Integer | DataType::Date) => Some(DataType::Integer),
            ref other => other.clone(),
        },
        _ => Some(DataType::Decimal),
    };
    Ok(Column { data_type, labels })
}
