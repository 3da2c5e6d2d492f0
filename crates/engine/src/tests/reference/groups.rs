//! Statistics of a group of values (language.md 8.3.1, statistics.md 2.1), by their definitions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use script::DataType;
use script::program::{GroupColumn, Groups, Name, RowUnit, Statistic};

use super::frame::{Column, Frame, Group, Row};
use super::value::{V, compare};

/// Percentile of type 7 of ascending values.
pub(in crate::tests) fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let h = (sorted.len().checked_sub(1)? as f64) * p;
    let (below, above) = (sorted[h.floor() as usize], sorted[h.ceil() as usize]);
    let share = h - h.floor();
    if above == below {
        return Some(below);
    }
    let apart = above - below;
    Some(if apart.is_finite() { below + share * apart } else { below * (1.0 - share) + above * share })
}

pub(in crate::tests) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

pub(in crate::tests) fn mean(values: &[f64]) -> Option<f64> {
    let (n, sum) = (values.len() as f64, values.iter().sum::<f64>());
    // The mean may be a number where the sum is none.
    let mean = if sum.is_finite() { sum / n } else { values.iter().map(|x| x / n).sum() };
    (!values.is_empty()).then_some(mean)
}

/// Standard deviation with n-1; none for fewer than two values.
pub(in crate::tests) fn sd(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    // STAT-033.
    if values.len() > 1 && values.iter().all(|x| *x == values[0]) {
        return Some(0.0);
    }
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() as f64 - 1.0)).sqrt())
}

/// Σ(2i−n−1)x₍ᵢ₎ / (n·Σx); none when the sum is not positive.
pub(in crate::tests) fn gini(values: &[f64]) -> Option<f64> {
    let (n, sum) = (values.len() as f64, values.iter().sum::<f64>());
    // STAT-033.
    if sum > 0.0 && values.iter().all(|x| *x == values[0]) {
        return Some(0.0);
    }
    let weighted = sorted(values).iter().zip(1..).map(|(x, i)| (2.0 * f64::from(i) - n - 1.0) * x).sum::<f64>();
    (sum > 0.0).then(|| weighted / (n * sum))
}

/// A statistic of the values of a group, of which `valid` are neither missing nor flagged, out of `rows` rows.
fn statistic(statistic: Statistic, valid: &[V], rows: usize) -> V {
    let numbers: Vec<f64> = valid.iter().filter_map(V::number).collect();
    let (n, sorted) = (valid.len() as f64, sorted(&numbers));
    let at = |p| percentile(&sorted, p);
    let real = |x: Option<f64>| x.map_or(V::Missing, V::real);
    // The least and the largest keep the type of the column, and all their digits.
    let extreme = |wanted: Ordering| {
        let further = |a: V, b: &V| if compare(b, &a) == Some(wanted) { b.clone() } else { a };
        valid.first().map_or(V::Missing, |first| valid.iter().fold(first.clone(), further))
    };
    match statistic {
        Statistic::Count => V::Int(valid.len() as i64),
        Statistic::Percent => V::Dec(if valid.is_empty() { 0.0 } else { 100.0 * n / rows as f64 }),
        // LANG-138: a sum of nothing is missing.
        Statistic::Sum if valid.is_empty() => V::Missing,
        Statistic::Sum => {
            let whole = valid.iter().map(|v| if let V::Int(n) = v { Some(i128::from(*n)) } else { None });
            match whole.sum::<Option<i128>>().map(i64::try_from) {
                Some(Ok(total)) => V::Int(total),
                _ => V::real(numbers.iter().sum()),
            }
        }
        Statistic::Mean => real(mean(&numbers)),
        Statistic::Min => extreme(Ordering::Less),
        Statistic::Max => extreme(Ordering::Greater),
        Statistic::Median | Statistic::P50 => real(at(0.5)),
        Statistic::P25 => real(at(0.25)),
        Statistic::P75 => real(at(0.75)),
        Statistic::Iqr => real(at(0.75).zip(at(0.25)).map(|(high, low)| high - low)),
        Statistic::Sd => real(sd(&numbers)),
        Statistic::Semean => real(sd(&numbers).map(|s| s / n.sqrt())),
        Statistic::Sebinomial if numbers.iter().any(|x| !(0.0..=1.0).contains(x)) => V::Missing,
        Statistic::Sebinomial => real(mean(&numbers).map(|p| (p * (1.0 - p) / n).sqrt())),
        Statistic::Gini => real(gini(&numbers)),
    }
}

impl Frame {
    /// Rows of each group by its key; rows with any part of the key missing are in none (LANG-131, LANG-310).
    fn groups(&self, groups: &Groups) -> BTreeMap<Vec<String>, Vec<usize>> {
        let mut found: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
        for (i, row) in self.rows.iter().enumerate() {
            let key: Vec<V> = groups.by.iter().map(|k| self.cell(row, k)).collect();
            if !key.iter().any(V::is_missing) {
                found.entry(key.iter().map(V::identity).collect()).or_default().push(i);
            }
        }
        found
    }

    fn group_value(&self, column: &GroupColumn, rows: &[usize]) -> V {
        let known = self.columns.get(&column.source).cloned().unwrap_or_default();
        let values = rows.iter().map(|i| self.cell(&self.rows[*i], &column.source));
        let valid: Vec<V> = values.filter(|v| known.counts(v)).collect();
        statistic(column.statistic, &valid, rows.len())
    }

    /// What a column of group values is like. Flags go on with the labels.
    fn group_column(&self, column: &GroupColumn) -> Column {
        let known = self.columns.get(&column.source).cloned().unwrap_or_default();
        let kept = column.labels.is_some();
        let flagged = if kept { known.flagged } else { Vec::new() };
        Column { data_type: Some(column.data_type.clone()), labels: column.labels.clone(), flagged }
    }

    pub(super) fn aggregate(&mut self, plan: &Groups) {
        let groups = self.groups(plan);
        for column in &plan.columns {
            let mut values = vec![V::Missing; self.rows.len()];
            for rows in groups.values() {
                let value = self.group_value(column, rows);
                rows.iter().for_each(|i| values[*i] = value.clone());
            }
            let described = self.group_column(column);
            self.put(&column.column, described, values);
        }
    }

    /// LANG-132: one row per group; the person behind a unit is given by `person`.
    pub(super) fn collapse(&self, plan: &Groups, person: &dyn Fn(u32) -> Option<u32>) -> Frame {
        let mut out = Frame { unit: Some(plan.unit.clone()), ..Frame::default() };
        // The unit key alone is no column, for then the rows are units; beside other keys it is one.
        let several = matches!(&plan.unit, RowUnit::Keys(_));
        let keys: Vec<&Name> = plan.by.iter().filter(|k| several || self.columns.contains_key(*k)).collect();
        for key in &keys {
            let column = match (self.columns.get(*key), &self.unit) {
                (Some(column), _) => column.clone(),
                (None, Some(RowUnit::Type(unit))) => {
                    Column { data_type: Some(DataType::Key(unit.clone())), ..Column::default() }
                }
                _ => Column::default(),
            };
            out.columns.insert((*key).clone(), column);
        }
        out.columns.extend(plan.columns.iter().map(|c| (c.column.clone(), self.group_column(c))));
        for (number, rows) in (0..).zip(self.groups(plan).values()) {
            let first = &self.rows[rows[0]];
            let mut cells = BTreeMap::new();
            for key in &keys {
                cells.insert((*key).clone(), self.cell(first, key));
            }
            for column in &plan.columns {
                cells.insert(column.column.clone(), self.group_value(column, rows));
            }
            let key = match &plan.unit {
                RowUnit::Type(_) => self.cell(first, &plan.by[0]),
                RowUnit::Keys(_) => V::Missing,
            };
            let persons = match &key {
                V::Key(unit) => person(*unit).into_iter().collect(),
                _ => rows.iter().flat_map(|i| self.rows[*i].persons.iter().copied()).collect(),
            };
            let values = plan.by.iter().map(|k| (k.clone(), self.cell(first, k))).collect();
            let group = matches!(plan.unit, RowUnit::Keys(_)).then_some(Group { number, values });
            out.rows.push(Row { key, persons, group, cells });
        }
        out
    }
}
