//! Tables and summaries of the reference interpreter (language.md 8.6, 8.7; statistics.md section 2).

use std::collections::{BTreeMap, BTreeSet};

use kernel::Date;
use script::program::{Barchart, Describe, DescribeKind, Expression, Name, Summarize, Tabulate};
use script::{Code, DataType};

use super::frame::{Frame, Row};
use super::value::V;

/// Stands for the missing category; no code looks like it.
pub(in crate::tests) const MISSING: &str = "\u{0}missing";
/// Stands for a total.
pub(in crate::tests) const TOTAL: &str = "\u{0}total";

/// The values of one measure in a cell, with the persons behind them.
#[derive(Clone, Default, Debug)]
pub(in crate::tests) struct Values {
    pub(in crate::tests) values: Vec<f64>,
    pub(in crate::tests) persons: BTreeSet<u32>,
}

#[derive(Clone, Default, Debug)]
pub(in crate::tests) struct Cell {
    pub(in crate::tests) rows: u64,
    pub(in crate::tests) persons: BTreeSet<u32>,
    pub(in crate::tests) measures: Vec<Values>,
}

/// A table: what is in every cell and margin, by codes.
#[derive(Clone, Default, Debug)]
pub(in crate::tests) struct Table {
    /// The categories that occur, per dimension.
    pub(in crate::tests) categories: Vec<BTreeSet<String>>,
    pub(in crate::tests) cells: BTreeMap<Vec<String>, Cell>,
    pub(in crate::tests) dropped_missing: u64,
    /// A dimension is not whole where the table needs it, or somewhere else in the column.
    pub(in crate::tests) continuous: Option<Continuous>,
}

/// LANG-163: how sure it is that a variable has too many values, or values that are no categories.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::tests) enum Continuous {
    /// It is among the rows that the dataset once had that the answer lies.
    Maybe,
    Surely,
}

/// One variable of `summarize`.
pub(in crate::tests) type Summary = Vec<(Name, Values)>;

/// What a statement gives.
#[derive(Clone, Debug)]
pub(in crate::tests) enum Found {
    Nothing,
    Table(Table),
    /// One per table of a chart.
    Chart(Vec<Table>),
    Summary(Summary),
    /// Per occasion, by its code.
    SummaryPanel(Vec<(String, Summary)>),
}

impl Frame {
    fn code(&self, name: &str, value: &V) -> String {
        let date = self.columns.get(name).is_some_and(|c| c.data_type == Some(DataType::Date));
        match value {
            V::Int(n) if date => match i32::try_from(*n) {
                Ok(days) => Date::from_days(days).to_string(),
                Err(_) => n.to_string(),
            },
            V::Int(n) => n.to_string(),
            V::Dec(x) => x.to_string(),
            V::Text(t) => t.clone(),
            V::Missing | V::Key(_) => MISSING.to_owned(),
        }
    }

    fn continuous(&self, name: &str, used: &[bool]) -> Option<Continuous> {
        let column = &self.columns[name];
        if column.data_type == Some(DataType::Text) {
            return None;
        }
        let fraction = |v: &V| matches!(v, V::Dec(x) if x.fract() != 0.0 || x.abs() >= 9e15);
        let mut answer = None;
        for (row, used) in self.rows.iter().zip(used) {
            let value = self.cell(row, name);
            if fraction(&value) {
                answer = answer.max(Some(if *used { Continuous::Surely } else { Continuous::Maybe }));
            }
        }
        // Rows that are not in the dataset may have others, or may have turned the column to decimal (LANG-030).
        answer.max(Some(Continuous::Maybe))
    }

    fn table(&self, dimensions: &[&Name], measures: &[&Name], condition: Option<&Expression>, missing: bool) -> Table {
        let rows = self.holds(condition);
        let mut table = Table { categories: vec![BTreeSet::new(); dimensions.len()], ..Table::default() };
        table.cells.insert(vec![TOTAL.to_owned(); dimensions.len()], Cell::default());
        let mut used = rows.clone();
        for (i, row) in self.rows.iter().enumerate().filter(|(i, _)| rows[*i]) {
            let codes: Option<Vec<String>> = dimensions
                .iter()
                .map(|name| {
                    let value = self.cell(row, name);
                    // STAT-003, LANG-162: missing and flagged missing are left out, or are categories.
                    let counts = missing || self.columns[*name].counts(&value);
                    counts.then(|| self.code(name, &value))
                })
                .collect();
            let Some(codes) = codes else {
                used[i] = false;
                table.dropped_missing += 1;
                continue;
            };
            codes.iter().zip(&mut table.categories).for_each(|(code, known)| {
                known.insert(code.clone());
            });
            for totals in 0..1usize << codes.len() {
                let at = codes.iter().enumerate();
                let at = at.map(|(d, c)| if totals >> d & 1 == 1 { TOTAL.to_owned() } else { c.clone() });
                let cell = table.cells.entry(at.collect()).or_default();
                cell.rows += 1;
                cell.persons.extend(row.members());
                cell.measures.resize(measures.len(), Values::default());
                for (measure, values) in measures.iter().zip(&mut cell.measures) {
                    self.count(measure, i, values);
                }
            }
        }
        table.continuous = dimensions.iter().filter_map(|name| self.continuous(name, &used)).max();
        table
    }

    fn count(&self, name: &str, i: usize, values: &mut Values) {
        let (row, column) = (&self.rows[i], &self.columns[name]);
        let value = self.cell(row, name);
        if let Some(x) = value.number().filter(|_| column.counts(&value)) {
            values.values.push(x);
            values.persons.extend(row.members());
        }
    }

    pub(super) fn tabulate(&self, plan: &Tabulate) -> Result<Found, Code> {
        let dimensions: Vec<&Name> = plan.variables.iter().collect();
        let measures: Vec<&Name> = plan.summarize.iter().map(|(name, _)| name).collect();
        checked(self.table(&dimensions, &measures, plan.condition.as_ref(), plan.missing)).map(Found::Table)
    }

    fn summary(&self, plan: &Summarize, rows: &[bool]) -> Summary {
        let each = |name: &Name| {
            let mut values = Values::default();
            (0..self.rows.len()).filter(|i| rows[*i]).for_each(|i| self.count(name, i, &mut values));
            (name.clone(), values)
        };
        plan.variables.iter().map(each).collect()
    }

    pub(super) fn summarize(&self, plan: &Summarize) -> Found {
        Found::Summary(self.summary(plan, &self.holds(plan.condition.as_ref())))
    }

    pub(super) fn summarize_panel(&self, plan: &Summarize) -> Found {
        let rows = self.holds(plan.condition.as_ref());
        let at = |i: usize| self.cell(&self.rows[i], "date@panel");
        let mut occasions: Vec<V> = Vec::new();
        for i in (0..self.rows.len()).filter(|i| rows[*i]) {
            if !occasions.contains(&at(i)) {
                occasions.push(at(i));
            }
        }
        let of = |o: &V| -> Vec<bool> { (0..rows.len()).map(|i| rows[i] && at(i) == *o).collect() };
        Found::SummaryPanel(
            occasions.iter().map(|o| (self.code("date@panel", o), self.summary(plan, &of(o)))).collect(),
        )
    }

    /// LANG-175, LANG-182: a table per variable with categories, then one with a measure per other variable.
    pub(super) fn barchart(&self, plan: &Barchart) -> Result<Found, Code> {
        let groups: Vec<&Name> = plan.over.iter().chain(&plan.by).collect();
        let condition = plan.condition.as_ref();
        let mut tables = Vec::new();
        for variable in plan.variables.iter().filter(|v| v.categories) {
            let mut dimensions = groups.clone();
            dimensions.insert(groups.len().min(1), &variable.column);
            tables.push(checked(self.table(&dimensions, &[], condition, false))?);
        }
        let measures: Vec<&Name> = plan.variables.iter().filter(|v| !v.categories).map(|v| &v.column).collect();
        if !measures.is_empty() {
            tables.push(checked(self.table(&groups, &measures, condition, false))?);
        }
        Ok(Found::Chart(tables))
    }

    /// LANG-170, LANG-176, LANG-177, LANG-180: what is drawn or shown from tables.
    pub(super) fn described(&self, plan: &Describe) -> Result<Found, Code> {
        let condition = plan.condition.as_ref();
        let variables: Vec<&Name> = plan.variables.iter().collect();
        let table =
            |dimensions: &[&Name], measures: &[&Name]| checked(self.table(dimensions, measures, condition, false));
        match plan.kind {
            DescribeKind::Piechart => table(&variables, &[]).map(Found::Table),
            DescribeKind::Boxplot => {
                table(&plan.over.iter().collect::<Vec<_>>(), &variables).map(|t| Found::Chart(vec![t]))
            }
            DescribeKind::Sankey => {
                variables.windows(2).map(|pair| table(pair, &[])).collect::<Result<_, Code>>().map(Found::Chart)
            }
            DescribeKind::Transitions => {
                let pairs = self.transitions(condition);
                let each = variables.iter().map(|name| {
                    let [from, to] = ["from", "to"].map(|end| Name::from(format!("{end} {name}")));
                    let mut frame = Self { unit: self.unit.clone(), ..Self::default() };
                    for end in [&from, &to] {
                        frame.columns.insert(end.clone(), self.columns[*name].clone());
                    }
                    for (row, next) in &pairs {
                        let cells = [(from.clone(), self.cell(row, name)), (to.clone(), self.cell(next, name))];
                        frame.rows.push(Row { cells: cells.into(), ..(*row).clone() });
                    }
                    let whole = self.continuous(name, &vec![true; self.rows.len()]);
                    let mut table = frame.table(&[&from, &to], &[], None, false);
                    // Rows that are in no transition may have other values.
                    table.continuous = table.continuous.max(whole.map(|_| Continuous::Maybe));
                    checked(table)
                });
                each.collect::<Result<_, Code>>().map(Found::Chart)
            }
            _ => Ok(Found::Nothing),
        }
    }

    /// Every row that meets the condition, with the row of the same unit on the next occasion that the panel has.
    fn transitions(&self, condition: Option<&Expression>) -> Vec<(&Row, &Row)> {
        let holds = self.holds(condition);
        let at = |row: &Row| self.cell(row, "date@panel");
        let mut occasions: Vec<V> = Vec::new();
        for occasion in self.rows.iter().map(at) {
            if !occasions.contains(&occasion) {
                occasions.push(occasion);
            }
        }
        occasions.sort_by(|a, b| match (a, b) {
            // Codes that are all numbers stand in the order of the numbers.
            (V::Text(a), V::Text(b)) => (a.parse::<u64>().ok(), a).cmp(&(b.parse::<u64>().ok(), b)),
            _ => a.number().partial_cmp(&b.number()).unwrap(),
        });
        let next = |row: &Row| {
            let place = occasions.iter().position(|o| *o == at(row))?;
            let after = occasions.get(place + 1)?;
            let same = |other: &&Row| self.row_key(other) == self.row_key(row) && at(other) == *after;
            self.rows.iter().enumerate().find(|(i, other)| holds[*i] && same(other)).map(|(_, other)| other)
        };
        let rows = self.rows.iter().enumerate().filter(|(i, _)| holds[*i]);
        rows.filter_map(|(_, row)| Some((row, next(row)?))).collect()
    }
}

fn checked(table: Table) -> Result<Table, Code> {
    if table.continuous == Some(Continuous::Surely) {
        return Err(Code::E304);
    }
    // LANG-163: more than 20 000 cells.
    if table.categories.iter().map(|c| c.len().max(1)).product::<usize>() > 20_000 {
        return Err(Code::E601);
    }
    Ok(table)
}
