//! A dataset of the reference interpreter: a list of rows, each with its key, the persons behind it and its cells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use script::program::{Expression, ExpressionKind, Labels, Literal, Name, RowUnit};
use script::{DataType, Function};

use super::functions;
use super::value::{V, binary, unary};

/// What is known of a column besides its values.
#[derive(Clone, Default, Debug)]
pub(in crate::tests) struct Column {
    pub(in crate::tests) data_type: Option<DataType>,
    pub(in crate::tests) labels: Option<Arc<Labels>>,
    /// Values that count as missing in statistics (LANG-036).
    pub(in crate::tests) flagged: Vec<Literal>,
}

impl Column {
    pub(super) fn counts(&self, value: &V) -> bool {
        !value.is_missing() && !self.is_flagged(value)
    }

    pub(super) fn is_flagged(&self, value: &V) -> bool {
        self.flagged.iter().any(|f| value.is(f))
    }
}

#[derive(Clone, Debug)]
pub(in crate::tests) struct Row {
    /// The unit; missing where rows are about values.
    pub(in crate::tests) key: V,
    pub(in crate::tests) persons: BTreeSet<u32>,
    /// Where rows are about values: which combination of values.
    pub(in crate::tests) group: Option<Group>,
    pub(in crate::tests) cells: BTreeMap<Name, V>,
}

/// A combination of values that a dataset was collapsed by.
#[derive(Clone, Debug)]
pub(in crate::tests) struct Group {
    pub(in crate::tests) number: u32,
    pub(in crate::tests) values: BTreeMap<Name, V>,
}

impl Row {
    /// Who is counted where the row is: persons, or the group.
    pub(in crate::tests) fn members(&self) -> BTreeSet<u32> {
        match &self.group {
            Some(group) => BTreeSet::from([group.number]),
            None => self.persons.clone(),
        }
    }
}

#[derive(Clone, Default, Debug)]
pub(in crate::tests) struct Frame {
    pub(in crate::tests) unit: Option<RowUnit>,
    pub(in crate::tests) columns: BTreeMap<Name, Column>,
    pub(in crate::tests) rows: Vec<Row>,
}

impl Frame {
    /// The value of a column, or of the unit key under its identifier.
    pub(super) fn cell(&self, row: &Row, name: &str) -> V {
        let of_group = || row.group.as_ref()?.values.get(name);
        row.cells.get(name).or_else(of_group).unwrap_or(&row.key).clone()
    }

    /// The key of the rows: the unit, or the values they were collapsed by.
    pub(super) fn row_key(&self, row: &Row) -> Vec<V> {
        match &self.unit {
            Some(RowUnit::Keys(names)) => {
                let values = &row.group.as_ref().unwrap().values;
                names.iter().map(|n| values[n].clone()).collect()
            }
            _ => vec![row.key.clone()],
        }
    }

    /// The rows on which a condition is true; missing is false (LANG-035).
    pub(super) fn holds(&self, condition: Option<&Expression>) -> Vec<bool> {
        let Some(condition) = condition else { return vec![true; self.rows.len()] };
        let everywhere = vec![true; self.rows.len()];
        self.evaluate(condition, &everywhere).iter().map(|v| v.is_true() == Some(true)).collect()
    }

    /// An expression on every row. `quantile()` is over the rows in `subset` (LANG-047).
    pub(super) fn evaluate(&self, expression: &Expression, subset: &[bool]) -> Vec<V> {
        let ranks = self.quantiles(expression, subset);
        (0..self.rows.len()).map(|i| self.value(expression, i, &ranks)).collect()
    }

    fn value(&self, expression: &Expression, i: usize, ranks: &Ranks) -> V {
        let all = |args: &[Expression]| -> Vec<V> { args.iter().map(|a| self.value(a, i, ranks)).collect() };
        match &expression.kind {
            ExpressionKind::Column(name) => self.cell(&self.rows[i], name),
            ExpressionKind::Literal(literal) => literal.into(),
            ExpressionKind::Missing => V::Missing,
            ExpressionKind::Unary(op, x) => unary(*op, &self.value(x, i, ranks)),
            ExpressionKind::Binary(op, a, b) => binary(*op, &self.value(a, i, ranks), &self.value(b, i, ranks)),
            ExpressionKind::Call(Function::Quantile, _) => {
                let at = ranks.iter().position(|(e, _)| *e == expression);
                at.map_or(V::Missing, |at| ranks[at].1[i].clone())
            }
            ExpressionKind::Call(function, args) => functions::call(*function, &all(args)),
        }
    }

    /// Every `quantile(x, g)` of an expression: ⌊g·L/N⌋ with L the valid values below and N the valid values.
    fn quantiles<'e>(&self, expression: &'e Expression, subset: &[bool]) -> Ranks<'e> {
        let mut found = Vec::new();
        match &expression.kind {
            ExpressionKind::Unary(_, x) => found.extend(self.quantiles(x, subset)),
            ExpressionKind::Binary(_, a, b) => {
                found.extend(self.quantiles(a, subset));
                found.extend(self.quantiles(b, subset));
            }
            ExpressionKind::Call(function, args) => {
                args.iter().for_each(|a| found.extend(self.quantiles(a, subset)));
                if let (Function::Quantile, [x, g]) = (function, args.as_slice()) {
                    found.push((expression, self.quantile(x, g, subset, &found)));
                }
            }
            _ => {}
        }
        found
    }

    fn quantile(&self, x: &Expression, groups: &Expression, subset: &[bool], inner: &Ranks) -> Vec<V> {
        let flagged = match &x.kind {
            ExpressionKind::Column(name) => self.columns.get(name).cloned().unwrap_or_default(),
            _ => Column::default(),
        };
        let value = |i: usize| Some(self.value(x, i, inner)).filter(|v| flagged.counts(v) && v.number().is_some());
        let values: Vec<Option<V>> = (0..self.rows.len()).map(value).collect();
        let ExpressionKind::Literal(g) = &groups.kind else { return vec![V::Missing; values.len()] };
        let g = g.as_f64().unwrap_or(0.0) as usize;
        let valid: Vec<&V> = values.iter().zip(subset).filter(|(_, s)| **s).filter_map(|(v, _)| v.as_ref()).collect();
        let below = |y: &V, x: &V| match (y, x) {
            (V::Int(y), V::Int(x)) => y < x,
            _ => y.number() < x.number(),
        };
        let rank = |v: &Option<V>| match v {
            Some(x) if !valid.is_empty() => {
                let below = valid.iter().filter(|y| below(y, x)).count();
                V::Int((g * below / valid.len()).min(g) as i64)
            }
            _ => V::Missing,
        };
        values.iter().map(rank).collect()
    }

    /// Puts a column in place.
    pub(super) fn put(&mut self, name: &Name, column: Column, values: Vec<V>) {
        for (row, value) in self.rows.iter_mut().zip(values) {
            row.cells.insert(Arc::clone(name), value);
        }
        self.columns.insert(Arc::clone(name), column);
    }

    /// Takes a column away, with its values and description.
    pub(super) fn take(&mut self, name: &str) -> Option<(Column, Vec<V>)> {
        let column = self.columns.remove(name)?;
        let values = self.rows.iter_mut().map(|r| r.cells.remove(name).unwrap_or(V::Missing)).collect();
        Some((column, values))
    }

    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut keep = keep.iter();
        self.rows.retain(|_| *keep.next().unwrap_or(&false));
    }
}

/// The values of each `quantile()` of an expression.
type Ranks<'e> = Vec<(&'e Expression, Vec<V>)>;

/// The rows that a statement touches, and those with a value that it leaves.
pub(in crate::tests) type Touched = (Vec<usize>, Vec<usize>);

impl Frame {
    /// What the gate is told of `generate`, `replace`, `recode` (LANG-241): per column the rows that get a value, and
    /// those that keep one. Every row without a value that `generate` leaves is one of the others.
    pub(in crate::tests) fn touched(&self, action: &script::Action) -> Vec<Touched> {
        use script::Action as A;
        let split = |is: Vec<bool>, old: Option<&Name>| {
            let (touched, others): (Vec<usize>, Vec<usize>) = (0..self.rows.len()).partition(|i| is[*i]);
            let keeps = |i: &usize| old.is_none_or(|c| !self.cell(&self.rows[*i], c).is_missing());
            (touched, others.into_iter().filter(keeps).collect())
        };
        match action {
            A::Generate { condition, .. } => vec![split(self.holds(condition.as_ref()), None)],
            A::Replace { column, condition, .. } => vec![split(self.holds(condition.as_ref()), Some(column))],
            A::Recode(plan) => {
                let rows = self.holds(plan.condition.as_ref());
                let of = |c: &script::program::RecodeColumn| {
                    let matched = |i: usize| self.rule(plan, &c.source, &self.rows[i]).is_some();
                    split((0..rows.len()).map(|i| rows[i] && matched(i)).collect(), Some(&c.source))
                };
                plan.columns.iter().map(of).collect()
            }
            _ => Vec::new(),
        }
    }
}
