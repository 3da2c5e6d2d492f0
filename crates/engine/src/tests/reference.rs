//! The reference interpreter: obvious, slow, row by row (ENG-040). It carries out the same plan as the engine over the
//! facts of a [`MemorySource`], from language.md sections 3, 4 and 8, and shares no code with the engine's columns,
//! groups or statistics.

use std::collections::{BTreeMap, BTreeSet};

use script::program::{
    Action, BinaryOperator, Expression, ExpressionKind, Labels, Literal, Program, RecodeSource, UnaryOperator,
};

use super::functions::{call, decimal};
use crate::memory::{MemorySource, holds};
use crate::source::{StoreVersion, VariableSource as _, space_of};
use crate::vector::Value;

/// A column: a value per unit of the space, and the values that count as missing.
#[derive(Clone, Default)]
pub(super) struct RefColumn {
    pub(super) values: Vec<Value>,
    pub(super) flagged: Vec<Literal>,
}

/// Rows and persons by category codes, `*` for totals.
pub(super) type RefTable = BTreeMap<Vec<String>, (u64, BTreeSet<u32>)>;

/// A dataset: which units are in it, and its columns.
#[derive(Default)]
pub(super) struct Reference {
    pub(super) units: Vec<bool>,
    /// The person behind each unit.
    people: Vec<Option<u32>>,
    pub(super) columns: BTreeMap<String, RefColumn>,
    /// One per `tabulate`.
    pub(super) tables: Vec<RefTable>,
    /// Per `summarize`: the counted values of each variable.
    pub(super) summaries: Vec<Vec<Vec<f64>>>,
}

impl Reference {
    pub(super) fn run(source: &MemorySource, program: &Program) -> Self {
        let mut me = Self::default();
        program.steps.iter().for_each(|step| me.step(source, &step.action));
        me
    }

    fn step(&mut self, source: &MemorySource, action: &Action) {
        match action {
            Action::Import(plan) => {
                let info = &plan.variable;
                let at = StoreVersion { store: info.store.clone(), version: info.version.clone() };
                let space = space_of(&info.unit_type);
                let size = source.space_size(space) as usize;
                let mut values = vec![Value::Missing; size];
                for fact in source.facts(&at, &info.name).unwrap() {
                    if holds(fact, info.temporality, plan.at) {
                        values[fact.unit as usize] = (&fact.value).into();
                    }
                }
                if plan.first {
                    self.units = values.iter().map(|v| *v != Value::Missing).collect();
                    let pointer = source.person_pointer(space).unwrap();
                    let person = |u: usize| match &pointer {
                        None => Some(u as u32),
                        Some(p) => Some(p.persons[u]).filter(|p| *p != u32::MAX),
                    };
                    self.people = (0..size).map(person).collect();
                } else if plan.outer_join {
                    let mut added = Vec::new();
                    for (u, value) in values.iter().enumerate().filter(|(u, _)| !self.units[*u]) {
                        self.columns.values_mut().for_each(|c| c.values[u] = Value::Missing);
                        added.push((u, *value != Value::Missing));
                    }
                    added.into_iter().for_each(|(u, joins)| self.units[u] = joins);
                }
                let flagged = flags(plan.labels.as_deref());
                self.columns.insert(plan.column.to_string(), RefColumn { values, flagged });
            }
            Action::Generate { column, value, condition } => {
                let values = (0..self.units.len())
                    .map(|u| if self.holds(condition.as_ref(), u) { self.value(value, u) } else { Value::Missing });
                let values = values.collect();
                self.columns.insert(column.to_string(), RefColumn { values, flagged: Vec::new() });
            }
            Action::Replace { column, value, condition, .. } => {
                let old = self.columns[&**column].clone();
                let values = (0..self.units.len()).map(|u| {
                    if self.holds(condition.as_ref(), u) { self.value(value, u) } else { old.values[u].clone() }
                });
                let values = values.collect();
                self.columns.insert(column.to_string(), RefColumn { values, flagged: old.flagged });
            }
            Action::KeepIf(condition) => {
                self.units = (0..self.units.len()).map(|u| self.units[u] && self.holds(Some(condition), u)).collect();
            }
            Action::DropIf(condition) => {
                self.units = (0..self.units.len()).map(|u| self.units[u] && !self.holds(Some(condition), u)).collect();
            }
            Action::Recode(plan) => {
                for c in &plan.columns {
                    let old = self.columns[&*c.source].clone();
                    let mut new = old.clone();
                    for u in (0..self.units.len()).filter(|u| self.holds(plan.condition.as_ref(), *u)) {
                        let value = &old.values[u];
                        let gone = *value == Value::Missing || old.flagged.iter().any(|f| same(value, f));
                        let rule = plan.rules.iter().find(|r| {
                            r.sources.iter().any(|s| match s {
                                RecodeSource::Value(l) => same(value, l),
                                RecodeSource::Range(low, high) => number(value)
                                    .is_some_and(|x| low.is_none_or(|l| x >= l) && high.is_none_or(|h| x <= h)),
                                RecodeSource::Missing => gone,
                                RecodeSource::NonMissing => !gone,
                                RecodeSource::Everything => true,
                            })
                        });
                        if let Some(rule) = rule {
                            new.values[u] = rule.target.as_ref().map_or(Value::Missing, Value::from);
                        }
                    }
                    new.flagged.extend(flags(c.labels.as_deref()));
                    self.columns.insert(c.target.to_string(), new);
                }
            }
            Action::Tabulate(plan) => {
                let mut table = RefTable::new();
                for u in (0..self.units.len()).filter(|u| self.units[*u] && self.holds(plan.condition.as_ref(), *u)) {
                    let codes: Option<Vec<String>> = plan
                        .variables
                        .iter()
                        .map(|v| {
                            let column = &self.columns[&**v];
                            match &column.values[u] {
                                Value::Missing => plan.missing.then(String::new),
                                value if column.flagged.iter().any(|f| same(value, f)) && !plan.missing => None,
                                value => Some(shown(value)),
                            }
                        })
                        .collect();
                    let Some(codes) = codes else { continue };
                    // Every choice of totals, written `*`.
                    for totals in 0..1 << codes.len() {
                        let at = codes.iter().enumerate();
                        let at = at.map(|(d, c)| if totals >> d & 1 == 1 { "*".to_owned() } else { c.clone() });
                        let cell = table.entry(at.collect()).or_default();
                        cell.0 += 1;
                        cell.1.extend(self.people[u]);
                    }
                }
                self.tables.push(table);
            }
            Action::Summarize(plan) => {
                let rows: Vec<usize> = (0..self.units.len())
                    .filter(|u| self.units[*u] && self.holds(plan.condition.as_ref(), *u))
                    .collect();
                let counted = |v: &str| -> Vec<f64> {
                    let c = &self.columns[v];
                    let valid = rows.iter().map(|u| &c.values[*u]).filter(|v| !c.flagged.iter().any(|f| same(v, f)));
                    valid.filter_map(number).collect()
                };
                self.summaries.push(plan.variables.iter().map(|v| counted(v)).collect());
            }
            _ => {}
        }
    }

    fn holds(&self, condition: Option<&Expression>, unit: usize) -> bool {
        condition.is_none_or(|c| truth(&self.value(c, unit)) == Some(true))
    }

    fn value(&self, e: &Expression, unit: usize) -> Value {
        match &e.kind {
            ExpressionKind::Column(name) => self.columns[&**name].values[unit].clone(),
            ExpressionKind::Literal(l) => l.into(),
            ExpressionKind::Missing => Value::Missing,
            ExpressionKind::Unary(op, x) => match (op, self.value(x, unit)) {
                (UnaryOperator::Negate, Value::Integer(n)) => Value::Integer(-n),
                (UnaryOperator::Negate, Value::Decimal(x)) => Value::Decimal(-x),
                (UnaryOperator::Not, x) => truth(&x).map_or(Value::Missing, |t| bit(!t)),
                _ => Value::Missing,
            },
            ExpressionKind::Binary(op, a, b) => binary(*op, self.value(a, unit), self.value(b, unit)),
            ExpressionKind::Call(f, args) => call(*f, &args.iter().map(|a| self.value(a, unit)).collect::<Vec<_>>()),
        }
    }
}

fn flags(labels: Option<&Labels>) -> Vec<Literal> {
    labels.iter().flat_map(|l| &l.entries).filter(|l| l.missing).map(|l| l.code.clone()).collect()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Decimal(x) => Some(*x),
        _ => None,
    }
}

fn same(value: &Value, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Text(a), Literal::Text(b)) => a == b,
        (v, l) => number(v).is_some() && number(v) == l.as_f64(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(t) => t.to_string(),
        Value::Integer(n) => n.to_string(),
        Value::Decimal(x) => x.to_string(),
        Value::Missing | Value::Key(_) => String::new(),
    }
}

fn truth(value: &Value) -> Option<bool> {
    number(value).map(|x| x != 0.0)
}

fn bit(b: bool) -> Value {
    Value::Integer(i64::from(b))
}

fn binary(op: BinaryOperator, a: Value, b: Value) -> Value {
    use BinaryOperator as Op;
    let order = match (&a, &b) {
        (Value::Text(x), Value::Text(y)) => Some(x.cmp(y)),
        _ => number(&a).zip(number(&b)).and_then(|(x, y)| x.partial_cmp(&y)),
    };
    let compared = |f: fn(std::cmp::Ordering) -> bool| order.map_or(Value::Missing, |o| bit(f(o)));
    let computed = |whole: fn(i64, i64) -> Option<i64>, real: fn(f64, f64) -> f64| {
        if let (Value::Integer(x), Value::Integer(y)) = (&a, &b)
            && let Some(z) = whole(*x, *y)
        {
            return Value::Integer(z);
        }
        number(&a).zip(number(&b)).map_or(Value::Missing, |(x, y)| decimal(real(x, y)))
    };
    match op {
        // LANG-034.
        Op::And => match (truth(&a), truth(&b)) {
            (Some(false), _) | (_, Some(false)) => bit(false),
            (None, _) | (_, None) => Value::Missing,
            _ => bit(true),
        },
        Op::Or => match (truth(&a), truth(&b)) {
            (Some(true), _) | (_, Some(true)) => bit(true),
            (None, _) | (_, None) => Value::Missing,
            _ => bit(false),
        },
        Op::Equal => compared(|o| o.is_eq()),
        Op::NotEqual => compared(|o| o.is_ne()),
        Op::Less => compared(|o| o.is_lt()),
        Op::LessOrEqual => compared(|o| o.is_le()),
        Op::Greater => compared(|o| o.is_gt()),
        Op::GreaterOrEqual => compared(|o| o.is_ge()),
        Op::Add => computed(i64::checked_add, |x, y| x + y),
        Op::Subtract => computed(i64::checked_sub, |x, y| x - y),
        Op::Multiply => computed(i64::checked_mul, |x, y| x * y),
        Op::Divide => computed(|_, _| None, |x, y| x / y),
        Op::Power => computed(|_, _| None, f64::powf),
        Op::Concat => Value::Missing,
    }
}
