//! `require` and the imports: stores, register variables, times, unit types (language.md 6.1, 8.2).

use std::collections::HashSet;
use std::sync::Arc;

use kernel::Date;

use super::state::{Alias, Column, Kind, LabelState, Unit};
use super::{Checker, Parse};
use crate::catalogue::{CodePeriod, RequestedVersion, StoreAnswer, Temporality, VariableInfo};
use crate::messages;
use crate::program::{Action, DataType, Import, ImportEvent, ImportPanel, Label, Labels, Literal};
use crate::span::Span;
use crate::suggest;
use crate::tree::{Command, Head, RegisterVariable};

/// What is known about a register variable: everything, or nothing (LANG-083).
type Register = Option<Arc<VariableInfo>>;

impl Checker<'_> {
    pub(super) fn require(&mut self, command: &Command) -> Parse<Action> {
        let Head::Require { store, version, alias } = &command.head else {
            return Self::fail(messages::not_yet_available(command.spec.span, command.spec.node.word));
        };
        if let Some(before) = self.state.aliases.get(&alias.node) {
            let same = before.store == store.node && before.requested == version.node;
            if !same {
                return Self::fail(messages::name_taken(alias.span, &alias.node));
            }
        }
        let known = match self.catalogue.store(&store.node, &version.node) {
            StoreAnswer::Known(full) => Some(full),
            StoreAnswer::UnknownStore(stores) => {
                let near = suggest::nearest(&store.node, stores.iter().map(String::as_str));
                let error = messages::unknown_store(store.span, &store.node, &stores).candidates(near);
                return Self::fail(error);
            }
            StoreAnswer::UnknownVersion(versions) => {
                return Self::fail(messages::unknown_version(version.span, &store.node, &version.node, &versions));
            }
            StoreAnswer::NotAtHand(_) if self.settings.running => {
                return Self::fail(messages::unknown_store(store.span, &store.node, &[]));
            }
            StoreAnswer::NotAtHand(_) => {
                self.not_at_hand(&store.node, &version.node, store.span);
                None
            }
        };
        let connected = Alias { store: store.node.clone(), requested: version.node.clone(), version: known.clone() };
        self.state.aliases.insert(alias.node.clone(), connected);
        let version = known.unwrap_or_else(|| version.node.to_string());
        Ok(Action::Require { alias: alias.node.clone(), store: store.node.clone(), version })
    }

    /// `W618`, once per store and version.
    fn not_at_hand(&mut self, store: &str, version: &RequestedVersion, span: Span) {
        self.unknown = true;
        if self.not_at_hand.insert((store.to_owned(), version.to_string())) {
            self.warnings.push(messages::not_at_hand(span, store));
        }
    }

    /// Looks a register variable up (LANG-008, LANG-083).
    pub(super) fn register(&mut self, variable: &RegisterVariable) -> Parse<Register> {
        let span = variable.alias.as_ref().map_or(variable.name.span, |a| a.span);
        let alias = match &variable.alias {
            Some(alias) => self.state.aliases.get(&alias.node).ok_or_else(|| {
                let near = suggest::nearest(&alias.node, self.state.aliases.keys().map(String::as_str));
                Box::new(messages::unknown_alias(span, &alias.node).candidates(near))
            })?,
            None => {
                let mut connected = self.state.aliases.values();
                match (connected.next(), connected.next()) {
                    (Some(only), None) => only,
                    _ => return Self::fail(messages::ambiguous_alias(span, &variable.name.node)),
                }
            }
        }
        .clone();
        let Some(version) = &alias.version else {
            self.not_at_hand(&alias.store, &alias.requested, span);
            return Ok(None);
        };
        let name = &variable.name;
        match self.catalogue.variable(&alias.store, version, &name.node) {
            Some(info) => Ok(Some(info)),
            None => {
                let names = self.catalogue.variable_names(&alias.store, version);
                let near = suggest::nearest(&name.node, names.iter().map(String::as_str));
                Self::fail(messages::unknown_register_variable(name.span, &name.node, &alias.store).candidates(near))
            }
        }
    }

    pub(super) fn import(&mut self, command: &Command) -> Parse<Action> {
        let Head::Import { variable, time, name } = &command.head else {
            return Self::fail(messages::not_yet_available(command.spec.span, command.spec.node.word));
        };
        let span = command.spec.span;
        self.state.dataset(span)?;
        let info = self.register(variable)?;
        let (name, place) = match name {
            Some(name) => (self.bindings.new_name(name)?, name.span),
            None => (variable.name.node.clone(), variable.name.span),
        };
        let at = time.as_ref().map(|t| self.bindings.date(t).map(|d| (d, t.span))).transpose()?;
        let dataset = self.state.dataset(span)?;
        if matches!(dataset.kind, Kind::Event | Kind::Panel) {
            return Self::fail(messages::kinds_mixed(span));
        }
        dataset.free(&name, place)?;
        let at = match &info {
            Some(info) => self.import_time(info, at, variable.name.span)?,
            None => at.map(|(date, _)| date),
        };
        let harmonise = self.import_harmonised(command, info.as_ref(), at)?;
        let first = self.import_unit(info.as_ref(), variable)?;
        let day = harmonise.as_ref().map(|h| h.to).or(at);
        let column = info.as_ref().map_or(Column::UNKNOWN, |i| register_column(i, day.as_slice()));
        let labels = column.plan_labels();
        let dataset = self.state.dataset_mut(span)?;
        let column = dataset.set(&name, column);
        if dataset.kind == Kind::Empty {
            dataset.kind = Kind::CrossSection;
        }
        let outer_join = command.option("outer_join").is_some();
        match info {
            Some(variable) => Ok(Action::Import(Import { column, variable, at, first, outer_join, labels, harmonise })),
            // Without metadata there is no plan; any action will do.
            None => Ok(Action::KeepColumns(Vec::new())),
        }
    }

    /// The unit type of the dataset must be the variable's; the first import decides it (LANG-072, LANG-074).
    fn import_unit(&mut self, info: Option<&Arc<VariableInfo>>, variable: &RegisterVariable) -> Parse<bool> {
        let span = variable.name.span;
        let dataset = self.state.dataset_mut(span)?;
        let Some(info) = info else {
            let first = dataset.unit == Unit::Open;
            if first {
                dataset.unit = Unit::Unknown;
            }
            return Ok(first);
        };
        match &dataset.unit {
            Unit::Open => {
                dataset.unit = Unit::Type(info.unit_type.clone());
                Ok(true)
            }
            Unit::Unknown => Ok(false),
            Unit::Type(unit) if unit.name == info.unit_type.name => Ok(false),
            Unit::Type(unit) => {
                let unit = unit.name.clone();
                let pointers = self.pointers(info, &unit);
                Self::fail(messages::unit_types_differ(span, &info.unit_type.name, &unit, &pointers))
            }
            Unit::Keys(keys) => {
                let keys = keys.join(", ");
                Self::fail(messages::unit_types_differ(span, &info.unit_type.name, &keys, &[]))
            }
        }
    }

    /// Variables that lead from the unit type of `info` to `unit`, or back; for the hint.
    fn pointers(&self, info: &VariableInfo, unit: &str) -> Vec<String> {
        let leads = |v: &VariableInfo| match &v.data_type {
            DataType::Key(target) => {
                (v.unit_type.name == info.unit_type.name && target.name == unit)
                    || (v.unit_type.name == unit && target.name == info.unit_type.name)
            }
            _ => false,
        };
        let names = self.catalogue.variable_names(&info.store, &info.version);
        let variables = names.iter().filter_map(|n| self.catalogue.variable(&info.store, &info.version, n));
        variables.filter(|v| leads(v)).map(|v| v.name.clone()).take(3).collect()
    }

    /// The day of an import by the temporality (LANG-076).
    fn import_time(&mut self, info: &VariableInfo, at: Option<(Date, Span)>, span: Span) -> Parse<Option<Date>> {
        match (info.temporality, at) {
            (Temporality::Fixed, Some((_, place))) => {
                self.warnings.push(messages::time_ignored(place, &info.name));
                Ok(None)
            }
            (Temporality::Fixed, None) => Ok(None),
            (_, None) => Self::fail(messages::time_needed(span, info)),
            (Temporality::Status, Some((date, place))) => {
                if info.status_dates.binary_search(&date).is_ok() {
                    return Ok(Some(date));
                }
                let next = info.status_dates.partition_point(|d| *d < date);
                let before = next.checked_sub(1).and_then(|i| info.status_dates.get(i)).copied();
                let after = info.status_dates.get(next).copied();
                Self::fail(messages::not_a_status_date(place, info, date, before, after))
            }
            (Temporality::Accumulated, Some((date, place))) => {
                let early = info.covered_from.is_some_and(|from| date < from);
                let late = info.covered_until.is_some_and(|until| date > until);
                if early || late { Self::fail(messages::outside_coverage(place, info, date)) } else { Ok(Some(date)) }
            }
            (Temporality::Event, Some((date, _))) => Ok(Some(date)),
        }
    }

    pub(super) fn import_event(&mut self, command: &Command) -> Parse<Action> {
        let Head::ImportEvent { variable, from, to, name } = &command.head else {
            return Self::fail(messages::not_yet_available(command.spec.span, command.spec.node.word));
        };
        let span = command.spec.span;
        self.state.dataset(span)?;
        let info = self.register(variable)?;
        let (name, place) = match name {
            Some(name) => (self.bindings.new_name(name)?, name.span),
            None => (variable.name.node.clone(), variable.name.span),
        };
        let (a, b) = (self.bindings.date(from)?, self.bindings.date(to)?);
        if a > b {
            return Self::fail(messages::reversed_interval(from.span.to(to.span), a, b));
        }
        if let Some(info) = info.as_ref().filter(|i| i.temporality == Temporality::Fixed) {
            return Self::fail(messages::no_spells(variable.name.span, &info.name));
        }
        let dataset = self.state.dataset(span)?;
        if !matches!(dataset.kind, Kind::Empty | Kind::Unknown) {
            return Self::fail(messages::kinds_mixed(span));
        }
        dataset.free(&name, place)?;
        let restricted = !self.import_unit(info.as_ref(), variable)?;
        let column = info.as_ref().map_or(Column::UNKNOWN, |info| {
            // The list of the first day decides; codes that came later are added (DATA-071).
            let later = info.code_list.iter().flat_map(|list| &list.periods).filter_map(|p| p.from);
            let later = later.filter(|day| a < *day && *day <= b);
            register_column(info, &std::iter::once(a).chain(later).collect::<Vec<_>>())
        });
        let labels = column.plan_labels();
        let dataset = self.state.dataset_mut(span)?;
        dataset.kind = Kind::Event;
        let column = dataset.set(&name, column);
        dataset.set(&format!("START@{name}"), Column::of(DataType::Date));
        dataset.set(&format!("STOP@{name}"), Column::of(DataType::Date));
        Ok(match info {
            Some(variable) => Action::ImportEvent(ImportEvent { column, variable, from: a, to: b, labels, restricted }),
            // Without metadata there is no plan; any action will do.
            None => Action::KeepColumns(Vec::new()),
        })
    }

    pub(super) fn import_panel(&mut self, command: &Command) -> Parse<Action> {
        let Head::ImportPanel { variables, times } = &command.head else {
            return Self::fail(messages::not_yet_available(command.spec.span, command.spec.node.word));
        };
        let span = command.spec.span;
        let dataset = self.state.dataset(span)?;
        // Units whose columns were all dropped are no empty dataset either (LANG-078, LANG-129).
        if !dataset.is_empty() || !matches!(dataset.kind, Kind::Empty | Kind::Unknown) {
            return Self::fail(messages::dataset_not_empty(span));
        }
        let restricted = dataset.unit != Unit::Open;
        let mut days: Vec<(Date, Span)> = Vec::new();
        for time in times {
            days.push((self.bindings.date(time)?, time.span));
        }
        let mut occasions: Vec<Date> = days.iter().map(|(day, _)| *day).collect();
        occasions.sort_unstable();
        occasions.dedup();
        // Labels of the last day, and of codes that were valid at the other times only.
        let newest: Vec<Date> = occasions.iter().rev().copied().collect();
        let mut columns: Vec<(&str, Option<Arc<VariableInfo>>, Column)> = Vec::new();
        let mut registers = Vec::new();
        for variable in variables {
            let info = self.register(variable)?;
            self.import_unit(info.as_ref(), variable)?;
            for day in days.iter().filter(|_| info.as_ref().is_some_and(|i| i.temporality != Temporality::Fixed)) {
                if let Some(info) = &info {
                    self.import_time(info, Some(*day), variable.name.span)?;
                }
            }
            let column = info.as_ref().map_or(Column::UNKNOWN, |i| register_column(i, &newest));
            let name = variable.name.node.as_str();
            if columns.iter().any(|(other, ..)| *other == name) {
                return Self::fail(messages::name_taken(variable.name.span, name));
            }
            registers.extend(info.clone());
            columns.push((name, info, column));
        }
        let harmonise = self.panel_harmonised(command, &registers, &occasions)?;
        let target = harmonise.iter().flatten().flatten().next().map(|h| h.to);
        let dataset = self.state.dataset_mut(span)?;
        dataset.kind = Kind::Panel;
        dataset.occasions = Some(occasions.iter().map(|d| Literal::Integer(i64::from(d.days()))).collect());
        dataset.set("date@panel", Column::of(DataType::Date));
        let mut plan = Vec::new();
        for (name, info, mut column) in columns {
            if let (Some(target), Some(info)) = (target, &info) {
                column = register_column(info, &[target]);
            }
            // Without metadata there is no plan.
            plan.extend(info.map(|info| (info, column.plan_labels())));
            dataset.set(name, column);
        }
        Ok(Action::ImportPanel(ImportPanel { variables: plan, times: occasions, restricted, harmonise }))
    }
}

/// The column that an imported variable makes, with the labels of the first day; the other days add codes that it
/// lacks (LANG-039, DATA-071).
pub(super) fn register_column(info: &Arc<VariableInfo>, days: &[Date]) -> Column {
    let column = |labels| Column { data_type: Some(info.data_type.clone()), labels, origin: Some(info.clone()) };
    let Some(list) = &info.code_list else {
        return column(LabelState::None);
    };
    let mut periods: Vec<&CodePeriod> = Vec::new();
    let days = days.iter().map(|d| Some(*d)).chain(days.is_empty().then_some(None));
    for period in days.filter_map(|day| list.on(day)) {
        if !periods.iter().any(|p| std::ptr::eq(*p, period)) {
            periods.push(period);
        }
    }
    let mut entries: Vec<Label> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for entry in periods.iter().flat_map(|p| &p.codes).filter(|entry| known.insert(&entry.code)) {
        let code = match info.data_type {
            DataType::Text | DataType::Key(_) => Some(Literal::Text(entry.code.as_str().into())),
            _ => number(&entry.code),
        };
        entries.extend(code.map(|code| Label { code, text: entry.label.clone(), missing: entry.missing }));
    }
    column(LabelState::Known(Arc::new(Labels { entries })))
}

/// A code of a numeric variable.
fn number(code: &str) -> Option<Literal> {
    let whole = code.parse().ok().map(Literal::Integer);
    whole.or_else(|| code.parse().ok().filter(|x: &f64| x.is_finite()).map(Literal::Decimal))
}
