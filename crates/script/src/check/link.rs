//! Groups and links: `aggregate`, `collapse`, `merge`, `link` (language.md 6.2, 8.3.1).

use std::sync::Arc;

use super::state::{Column, Dataset, Kind, LabelState, Unit};
use super::{Checker, Parse, Placed};
use crate::catalogue::UnitType;
use crate::messages;
use crate::program::{Action, DataType, GroupColumn, Groups, Merge, Name, Pairing, RowUnit, Statistic};
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

/// The domain of the rows of a dataset: its unit type, or the domain of a single key it was collapsed by and still has.
fn row_domain(dataset: &Dataset) -> Option<Domain> {
    match &dataset.unit {
        Unit::Type(unit) => Some(Domain::Unit(unit.clone())),
        Unit::Keys(keys) => match keys.as_slice() {
            [one] => key(dataset, one),
            _ => None,
        },
        Unit::Open | Unit::Unknown => Some(Domain::Unknown),
    }
}

impl Checker<'_> {
    /// `aggregate` and `collapse`.
    pub(super) fn groups(&mut self, command: &Command) -> Parse<Action> {
        let Head::Groups(groups) = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        let span = command.spec.span;
        let collapse = command.spec.node.word == "collapse";
        self.state.dataset(span)?;
        let by: Vec<Expr> = command
            .option("by")
            .map(|o| o.arguments.iter().filter_map(|a| a.value().cloned()).collect())
            .unwrap_or_default();
        let keys = self.existing(&by)?;
        if let Some((again, _)) = keys.iter().enumerate().find_map(|(i, k)| {
            let before = keys.get(..i)?.iter().any(|(other, _)| other.node == k.0.node);
            before.then_some(k)
        }) {
            return Self::fail(messages::name_taken(again.span, &again.node));
        }
        let mut made: Vec<(Placed, Column)> = Vec::new();
        let mut columns = Vec::new();
        for group in groups {
            let (word, statistic) = (group.statistic.node.as_str(), group_statistic(&group.statistic.node));
            for (variable, name) in &group.items {
                let source = self.bindings.name(variable)?;
                let column = self.state.dataset(variable.span)?.column(&source, variable.span)?;
                let result = aggregated(word, &column, variable.span)?;
                let (name, place) = match name {
                    Some(name) => (self.bindings.new_name(name)?, name.span),
                    None => (source.clone(), variable.span),
                };
                let taken = made.iter().any(|(other, _)| other.node == name)
                    || (collapse && keys.iter().any(|(key, _)| key.node == name));
                if taken {
                    return Self::fail(messages::name_taken(place, &name));
                }
                if !collapse {
                    self.state.dataset(place)?.free(&name, place)?;
                }
                columns.push(GroupColumn {
                    statistic,
                    source: source.into(),
                    column: name.as_str().into(),
                    data_type: result.data_type.clone().unwrap_or(DataType::Integer),
                    labels: result.plan_labels(),
                });
                made.push((Located::new(name, place), result));
            }
        }
        let by: Vec<Name> = keys.iter().map(|(key, _)| Name::from(key.node.as_str())).collect();
        let dataset = self.state.dataset_mut(span)?;
        let unit = match keys.as_slice() {
            [(_, Column { data_type: Some(DataType::Key(unit)), .. })] => Unit::Type(unit.clone()),
            [(_, Column { data_type: None, .. })] => Unit::Unknown,
            _ => Unit::Keys(by.clone()),
        };
        let plan_unit = match &unit {
            Unit::Type(unit) => RowUnit::Type(unit.clone()),
            _ => RowUnit::Keys(by.clone()),
        };
        if collapse {
            let before = std::mem::replace(dataset, Dataset::new(Kind::CrossSection, unit));
            // The unit key alone is no column: the rows are units.
            let alone = keys.len() == 1;
            for (key, column) in keys.into_iter().filter(|(key, _)| !alone || before.get(&key.node).is_some()) {
                dataset.set(&key.node, column);
            }
        }
        for (name, column) in made {
            dataset.set(&name.node, column);
        }
        let plan = Groups { by, unit: plan_unit, columns };
        Ok(if collapse { Action::Collapse(plan) } else { Action::Aggregate(plan) })
    }

    /// `merge V into T [on K]`: from the active dataset to T.
    pub(super) fn merge(&mut self, command: &Command) -> Parse<Action> {
        let Head::Merge { variables, into, on } = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
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
        self.copy_columns(source, Name::from(target), moved, &keys, into.span)
    }

    /// `link v… from D [via p]`: from D to the active dataset (LANG-362).
    pub(super) fn link(&mut self, command: &Command) -> Parse<Action> {
        let Head::Link { variables, from, via } = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
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
        self.copy_columns(Name::from(source), active, moved, &keys, from.span)
    }

    fn copy_columns(
        &mut self,
        source: Name,
        target: Name,
        moved: Vec<(Placed, Column)>,
        on: &[Placed],
        span: Span,
    ) -> Parse<Action> {
        let (s, t) = (self.state.named(&source, span)?, self.state.named(&target, span)?);
        for (name, _) in &moved {
            t.free(&name.node, name.span)?;
        }
        let Some(pairing) = pairing(s, t, on)? else {
            let place = on.first().map_or(span, |k| k.span);
            let pointers: Vec<&str> = [s, t]
                .iter()
                .flat_map(|d| d.columns())
                .filter(|(_, c)| matches!(c.data_type, Some(DataType::Key(_))))
                .map(|(name, _)| name.as_ref())
                .collect();
            return Self::fail(messages::no_link_key(place, &pointers));
        };
        let mut columns = Vec::new();
        if let Some(dataset) = self.state.datasets.get_mut(&target) {
            for (name, column) in moved {
                if dataset.get(&name.node).is_some() {
                    return Self::fail(messages::name_taken(name.span, &name.node));
                }
                columns.push(dataset.set(&name.node, column));
            }
        }
        Ok(Action::Merge(Merge { source, target, columns, pairing }))
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

fn is(a: Option<&Domain>, b: Option<&Domain>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a.is(b))
}

fn is_near(a: Option<&Domain>, b: Option<&Domain>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a.shares_space_with(b))
}

/// How the steps of language.md 6.2 pair the rows; none: they do not. An unknown key is `E201`.
fn pairing(s: &Dataset, t: &Dataset, on: &[Placed]) -> Parse<Option<Pairing>> {
    let (rows_s, rows_t) = (row_domain(s), row_domain(t));
    let (rows_s, rows_t) = (rows_s.as_ref(), rows_t.as_ref());
    match on {
        [] => Ok(same_rows(s, t).or_else(|| is(rows_s, rows_t).then_some(Pairing::Units))),
        [one] => {
            let (in_s, in_t) = (key(s, &one.node), key(t, &one.node));
            if in_s.is_none() && in_t.is_none() {
                t.column(&one.node, one.span)?;
            }
            let (in_s, in_t) = (in_s.as_ref(), in_t.as_ref());
            let name = || Name::from(one.node.as_str());
            // Steps 1, 2, 3, 3a, 3b.
            Ok(if is(in_t, rows_s) {
                let own_key = t.get(&one.node).is_none() && is(in_t, rows_t);
                Some(if own_key { Pairing::Units } else { Pairing::SourceKey { target: name() } })
            } else if in_t.is_none() && is(in_s, rows_t) {
                Some(Pairing::TargetKey { source: name() })
            } else if is(in_s, in_t) {
                Some(Pairing::Columns(vec![(name(), name())]))
            } else if is_near(in_t, rows_s) {
                Some(Pairing::SourceKey { target: name() })
            } else if is_near(in_s, rows_t) {
                Some(Pairing::TargetKey { source: name() })
            } else {
                None
            })
        }
        several => by_several(s, t, several),
    }
}

/// Both collapsed by the same keys, or each by one (step 4).
fn same_rows(s: &Dataset, t: &Dataset) -> Option<Pairing> {
    let (Unit::Keys(a), Unit::Keys(b)) = (&s.unit, &t.unit) else { return None };
    let pairs: Vec<(Name, Name)> = match (a.as_slice(), b.as_slice()) {
        ([x], [y]) => vec![(x.clone(), y.clone())],
        _ if a.len() == b.len() && a.iter().all(|k| b.contains(k)) => {
            a.iter().map(|k| (k.clone(), k.clone())).collect()
        }
        _ => return None,
    };
    pairs.iter().all(|(x, y)| is(key(s, x).as_ref(), key(t, y).as_ref())).then_some(Pairing::Columns(pairs))
}

/// Several keys (LANG-311): the source was collapsed by keys of these domains, or both sides have all columns.
fn by_several(s: &Dataset, t: &Dataset, on: &[Placed]) -> Parse<Option<Pairing>> {
    let mut targets = Vec::with_capacity(on.len());
    for name in on {
        match key(t, &name.node) {
            Some(domain) => targets.push((Name::from(name.node.as_str()), domain)),
            None => return t.column(&name.node, name.span).map(|_| None),
        }
    }
    let by_name = targets.iter().all(|(name, domain)| is(key(s, name).as_ref(), Some(domain)));
    if by_name {
        return Ok(Some(Pairing::Columns(targets.into_iter().map(|(name, _)| (name.clone(), name)).collect())));
    }
    // In the order in which the source was collapsed.
    let Unit::Keys(keys) = &s.unit else { return Ok(None) };
    let fit = keys.len() == targets.len()
        && keys.iter().zip(&targets).all(|(k, (_, domain))| is(key(s, k).as_ref(), Some(domain)));
    let pairs = || keys.iter().cloned().zip(targets.iter().map(|(name, _)| name.clone())).collect();
    Ok(fit.then(|| Pairing::Columns(pairs())))
}

/// The statistic of a word; the parser knows no other words.
fn group_statistic(word: &str) -> Statistic {
    match word {
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "median" => Statistic::Median,
        "count" => Statistic::Count,
        "sum" => Statistic::Sum,
        "semean" => Statistic::Semean,
        "sebinomial" => Statistic::Sebinomial,
        "sd" => Statistic::Sd,
        "percent" => Statistic::Percent,
        "iqr" => Statistic::Iqr,
        "gini" => Statistic::Gini,
        _ => Statistic::Mean,
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
    Ok(Column::with(data_type, labels))
}
