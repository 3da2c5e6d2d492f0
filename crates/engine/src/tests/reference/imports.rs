//! Imports of the reference interpreter, from the facts of a source (language.md section 6.1).

use std::collections::{BTreeMap, BTreeSet};

use kernel::Date;
use script::program::{Harmonised, Import, ImportEvent, ImportPanel, Labels, Literal, RowUnit, Split};
use script::{DataType, Temporality, VariableInfo};

use super::frame::{Column, Frame, Row};
use super::value::V;
use crate::memory::{Fact, MemorySource, holds};
use crate::source::{StoreVersion, VariableSource as _, space_of};

/// The person behind a unit of a space.
pub(super) fn person(source: &MemorySource, space: &str, unit: u32) -> Option<u32> {
    if space == source.person_space() {
        return Some(unit);
    }
    match source.person_pointer(space).unwrap() {
        Some(pointer) => pointer.persons.get(unit as usize).copied().filter(|p| *p != u32::MAX),
        None => Some(unit),
    }
}

fn facts<'s>(source: &'s MemorySource, info: &VariableInfo) -> &'s [Fact] {
    let at = StoreVersion { store: info.store.clone(), version: info.version.clone() };
    source.facts(&at, &info.name).unwrap()
}

fn value(info: &VariableInfo, fact: &Fact) -> V {
    match (&info.data_type, &fact.value) {
        (DataType::Key(_), Literal::Integer(n)) => V::Key(*n as u32),
        (DataType::Decimal, literal) => V::real(literal.as_f64().unwrap()),
        (_, literal) => literal.into(),
    }
}

/// The value of every unit that has one on the day.
fn on(source: &MemorySource, info: &VariableInfo, day: Option<Date>) -> BTreeMap<u32, V> {
    let facts = facts(source, info).iter().filter(|f| holds(f, info.temporality, day));
    facts.map(|f| (f.unit, value(info, f))).collect()
}

fn described(info: &VariableInfo, labels: Option<&std::sync::Arc<Labels>>) -> Column {
    // LANG-081: sentinels arrive flagged, whatever the day.
    let codes = info.code_list.iter().flat_map(|l| &l.periods).flat_map(|p| &p.codes).filter(|c| c.missing);
    let literal = |code: &str| match info.data_type {
        DataType::Integer => Literal::Integer(code.parse().unwrap()),
        _ => Literal::Text(code.into()),
    };
    let mut flagged: Vec<Literal> = codes.map(|c| literal(&c.code)).collect();
    flagged.extend(labels.iter().flat_map(|l| &l.entries).filter(|l| l.missing).map(|l| l.code.clone()));
    Column { data_type: Some(info.data_type.clone()), labels: labels.cloned(), flagged }
}

/// LANG-320: a code of one date in the list of another. None where a split is an error.
pub(super) fn harmonised(value: &V, plan: &Harmonised) -> Option<V> {
    let text = match value {
        V::Text(t) => t.clone(),
        V::Int(n) => n.to_string(),
        _ => return Some(value.clone()),
    };
    let Some(change) = plan.changes.iter().find(|c| c.from == text) else { return Some(value.clone()) };
    let as_before = |code: &str| match value {
        V::Int(_) => code.parse().map_or(V::Missing, V::Int),
        _ => V::text(code),
    };
    match (change.to.as_slice(), plan.split) {
        ([], _) => Some(V::Missing),
        ([(only, _)], _) => Some(as_before(only)),
        (several, Split::Largest) => {
            // The first of those with the largest share.
            let largest = several.iter().map(|(_, s)| *s).fold(f64::MIN, f64::max);
            several.iter().find(|(_, s)| *s == largest).map(|(code, _)| as_before(code))
        }
        (_, Split::Missing) => Some(V::Missing),
        (_, Split::Error) => None,
    }
}

impl Frame {
    fn unit_row(source: &MemorySource, info: &VariableInfo, unit: u32) -> Row {
        let persons = person(source, space_of(&info.unit_type), unit).into_iter().collect();
        Row { key: V::Key(unit), persons, group: None, cells: BTreeMap::new() }
    }

    /// LANG-072, LANG-073. None where a split code is an error.
    pub(super) fn import(&mut self, source: &MemorySource, plan: &Import) -> Option<()> {
        let info = &plan.variable;
        let mut values = on(source, info, plan.at);
        if let Some(codes) = &plan.harmonise {
            for value in values.values_mut() {
                *value = harmonised(value, codes)?;
            }
        }
        self.unit.get_or_insert_with(|| RowUnit::Type(info.unit_type.clone()));
        if plan.first || plan.outer_join {
            let here: BTreeSet<u32> =
                self.rows.iter().filter_map(|r| if let V::Key(u) = r.key { Some(u) } else { None }).collect();
            for unit in values.keys().filter(|u| !here.contains(u)) {
                let mut row = Self::unit_row(source, info, *unit);
                row.cells.extend(self.columns.keys().map(|name| (name.clone(), V::Missing)));
                self.rows.push(row);
            }
        }
        let value = |row: &Row| match &row.key {
            V::Key(unit) => values.get(unit).cloned().unwrap_or(V::Missing),
            _ => V::Missing,
        };
        let values = self.rows.iter().map(value).collect();
        self.put(&plan.column, described(info, plan.labels.as_ref()), values);
        Some(())
    }

    /// LANG-121, LANG-079: every spell that overlaps the interval, with its own start and stop.
    pub(super) fn import_event(&mut self, source: &MemorySource, plan: &ImportEvent) {
        let info = &plan.variable;
        let spells = facts(source, info).iter().filter(|f| {
            let (start, stop) = (f.start.unwrap(), f.stop);
            start <= plan.to && stop.is_none_or(|e| e >= plan.from)
        });
        let restricted: Option<BTreeSet<String>> =
            plan.restricted.then(|| self.rows.iter().map(|r| r.key.identity()).collect());
        self.rows.clear();
        self.unit = Some(RowUnit::Type(info.unit_type.clone()));
        let day = |d: Option<Date>| d.map_or(V::Missing, |d| V::Int(i64::from(d.days())));
        let [name, start, stop] = ["", "START@", "STOP@"].map(|p| format!("{p}{}", plan.column).into());
        for spell in spells {
            let mut row = Self::unit_row(source, info, spell.unit);
            if restricted.as_ref().is_some_and(|r| !r.contains(&row.key.identity())) {
                continue;
            }
            let values = [(&name, value(info, spell)), (&start, day(spell.start)), (&stop, day(spell.stop))];
            row.cells.extend(values.map(|(name, v)| (std::sync::Arc::clone(name), v)));
            self.rows.push(row);
        }
        let date = Column { data_type: Some(DataType::Date), ..Column::default() };
        self.columns.insert(name, described(info, plan.labels.as_ref()));
        self.columns.insert(start, date.clone());
        self.columns.insert(stop, date);
    }

    /// LANG-080: every (unit, time) where at least one of the variables has a value.
    pub(super) fn import_panel(&mut self, source: &MemorySource, plan: &ImportPanel) -> Option<()> {
        let units: BTreeSet<u32> =
            self.rows.iter().filter_map(|r| if let V::Key(u) = r.key { Some(u) } else { None }).collect();
        self.rows.clear();
        let first = &plan.variables[0].0;
        self.unit = Some(RowUnit::Type(first.unit_type.clone()));
        for (t, time) in plan.times.iter().enumerate() {
            let mut values: Vec<BTreeMap<u32, V>> = plan
                .variables
                .iter()
                .map(|(info, _)| on(source, info, (info.temporality != Temporality::Fixed).then_some(*time)))
                .collect();
            for (values, codes) in values.iter_mut().zip(plan.harmonise.iter().flatten()) {
                for value in values.values_mut() {
                    *value = harmonised(value, &codes[t])?;
                }
            }
            let mut present: BTreeSet<u32> = values.iter().flat_map(|v| v.keys().copied()).collect();
            if plan.restricted {
                present.retain(|u| units.contains(u));
            }
            for unit in present {
                let mut row = Self::unit_row(source, first, unit);
                row.cells.insert("date@panel".into(), V::Int(i64::from(time.days())));
                for ((info, _), values) in plan.variables.iter().zip(&values) {
                    row.cells.insert(info.name.as_str().into(), values.get(&unit).cloned().unwrap_or(V::Missing));
                }
                self.rows.push(row);
            }
        }
        for (info, labels) in &plan.variables {
            self.columns.insert(info.name.as_str().into(), described(info, labels.as_ref()));
        }
        let date = Column { data_type: Some(DataType::Date), ..Column::default() };
        self.columns.insert("date@panel".into(), date);
        Some(())
    }
}
