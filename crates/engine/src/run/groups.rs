//! `aggregate` and `collapse` (LANG-131, LANG-132, LANG-310): values of a group on its rows, or one row per group.

use std::sync::Arc;

use script::program::{GroupColumn, Groups as Plan, Name, RowUnit, Statistic};

use super::large::Large;
use super::{Outcome, Run};
use crate::aggregates::{GroupedRows, aggregate, filled, gives_whole};
use crate::control::{Control, stopped};
use crate::data::Data;
use crate::dataset::{Column, Core, Dataset, DatasetKind, Groups, column_key};
use crate::error::RunError;
use crate::grouping::{Side, compact, number_rows};
use crate::keys::RecordKeys;
use crate::mask::Mask;
use crate::people::NONE;
use crate::recode::merge_origins;
use crate::source::{Values, space_of};
use crate::take::take;
use crate::vector::Value;

/// New columns, whose own data is empty, each with one value per group.
type GroupValues = Vec<((Name, Column), Data)>;

/// `aggregate` or `collapse` on its way.
pub(super) struct Grouping {
    plan: Plan,
    keys: Vec<(Name, Column)>,
    rows: GroupedRows,
    large: Large,
    /// The dataset that the values are of.
    from: Dataset,
    /// The dataset with a row for each group; none where the rows stay as they are.
    to: Option<Dataset>,
}

/// Where the values of groups that are not small come from.
#[derive(Clone, Copy)]
enum Given<'a> {
    /// The gate: for each new column one value per group, or none.
    Released(&'a [Vec<Option<f64>>]),
    /// The rows.
    #[cfg(any(test, feature = "raw-access"))]
    Exact,
}

impl Run {
    pub(super) fn aggregate(&mut self, plan: &Plan, control: &dyn Control) -> Result<Outcome, RunError> {
        let dataset = self.active()?;
        let keys = key_columns(dataset, &plan.by)?;
        let rows = grouped(dataset, &keys, control)?;
        self.begin(
            Grouping {
                large: self.large(dataset, &keys, &rows, control)?,
                from: dataset.clone(),
                plan: plan.clone(),
                keys,
                rows,
                to: None,
            },
            control,
        )
    }

    pub(super) fn collapse(&mut self, plan: &Plan, control: &dyn Control) -> Result<Outcome, RunError> {
        if let Some(counted) = self.collapse_unread(plan)? {
            return self.population(counted);
        }
        let dataset = self.active()?;
        let keys = key_columns(dataset, &plan.by)?;
        let mut to = Dataset { kind: DatasetKind::CrossSection, ..Dataset::empty(&dataset.name) };
        let key_parts: Vec<&[u8]> = keys.iter().map(|(_, c)| c.key.as_slice()).collect();
        let population = self.population_key(dataset)?;
        to.rows_key = column_key("collapse", &[&[population.as_slice()], key_parts.as_slice()].concat());
        let rows = match &plan.unit {
            RowUnit::Type(unit_type) => {
                let (name, key) = keys.first().ok_or_else(|| RunError::no_link_key(&dataset.name))?;
                let size = self.source.space_size(space_of(unit_type)) as usize;
                let rows = GroupedRows { of_row: ordinals(dataset, key, size), groups: size };
                let mut seen = Mask::empty(size);
                rows.of_row.iter().filter(|u| **u != NONE).for_each(|u| seen.set(*u as usize));
                to.unit_type = Some(Arc::clone(unit_type));
                to.mask = Arc::new(seen);
                if **name != *unit_type.identifier {
                    let own = to.unit_key(unit_type);
                    to.put(name, Column { labels: None, title: key.title.clone(), ..own });
                }
                rows
            }
            RowUnit::Keys(_) => {
                let rows = grouped(dataset, &keys, control)?;
                let groups = self.groups(dataset, &keys, &rows, control)?;
                to.mask = Arc::new(Mask::of_valid(None, groups.len(), groups.len()));
                groups.keys.iter().for_each(|(name, column)| to.put(name, column.clone()));
                to.groups = Some(Arc::new(groups));
                rows
            }
        };
        let large = self.large(dataset, &keys, &rows, control)?;
        let from = dataset.clone();
        self.begin(Grouping { plan: plan.clone(), keys, rows, large, from, to: Some(to) }, control)
    }

    /// Asks for the values of groups that are not small; where there are none the statement is carried out.
    fn begin(&mut self, grouping: Grouping, control: &dyn Control) -> Result<Outcome, RunError> {
        let Grouping { from, plan, large, .. } = &grouping;
        if large.none() {
            return self.finish(grouping, Given::Released(&[]), control);
        }
        let asked = self.asked(from, plan, large, control)?;
        self.grouping = Some(grouping);
        Ok(Outcome::Groups(asked))
    }

    /// Goes on with a statement that gives values to groups (SDC-230). `values` are those that the gate released, for each of
    /// the results of [`Outcome::Groups`] one per group; whoever has none gets a missing value.
    ///
    /// # Errors
    /// [`RunError`]; then the datasets are as they were.
    pub fn fill(&mut self, values: &[Vec<Option<f64>>], control: &dyn Control) -> Result<Outcome, RunError> {
        match self.grouping.take() {
            Some(grouping) => self.finish(grouping, Given::Released(values), control),
            None => Ok(Outcome::Done),
        }
    }

    /// The same with the values that the rows have, as if there were no gate: reference cases and attacks only.
    ///
    /// # Errors
    /// As [`Run::fill`].
    #[cfg(any(test, feature = "raw-access"))]
    pub fn fill_exact(&mut self, control: &dyn Control) -> Result<Outcome, RunError> {
        match self.grouping.take() {
            Some(grouping) => self.finish(grouping, Given::Exact, control),
            None => Ok(Outcome::Done),
        }
    }

    fn finish(&mut self, grouping: Grouping, given: Given<'_>, control: &dyn Control) -> Result<Outcome, RunError> {
        let values = self.values(&grouping, given, control)?;
        let Grouping { rows, from, to, .. } = grouping;
        if let Some(mut to) = to {
            for ((name, column), data) in values {
                to.put(&name, Column { data: Arc::new(data), ..column });
                self.afford(&to)?;
            }
            return self.population(to);
        }
        let mut dataset = from;
        for ((name, column), data) in values {
            stopped(control)?;
            let spread = take(&data, &rows.of_row, control)?;
            dataset.put(&name, Column { data: Arc::new(spread), ..column });
            self.afford(&dataset)?;
        }
        self.settle(dataset)
    }

    /// The new columns with one value per group; the columns' own data is empty.
    fn values(&self, grouping: &Grouping, given: Given<'_>, control: &dyn Control) -> Result<GroupValues, RunError> {
        let Grouping { plan, keys, rows, large, from: dataset, to } = grouping;
        let operator = if to.is_some() { "collapse" } else { "aggregate" };
        let population = self.population_key(dataset)?;
        let by_origin = keys.iter().fold(Vec::new(), |all, (_, c)| merge_origins(&all, &c.origin));
        let key_keys: Vec<[u8; 32]> = keys.iter().map(|(_, c)| c.key).collect();
        let each = |(i, new): (usize, &GroupColumn)| {
            let source = dataset.find(&new.source).ok_or_else(|| RunError::unknown_column(&new.source))?;
            let needs_numbers = new.statistic != Statistic::Count && new.statistic != Statistic::Percent;
            if needs_numbers && !source.data_type.is_numeric() {
                return Err(RunError::type_mismatch(&new.source));
            }
            let own = || aggregate(new.statistic, &source, rows, control);
            let data = match given {
                Given::Released(values) => {
                    let values = values.get(i).map(Vec::as_slice).unwrap_or_default();
                    let others = if large.others { Some(own()?) } else { None };
                    let released = large.groups.iter().copied().zip(values.iter().copied());
                    filled(others, rows.groups, gives_whole(new.statistic, &source), released)
                }
                #[cfg(any(test, feature = "raw-access"))]
                Given::Exact => own()?,
            };
            let column = made(operator, new, &source, &population, &key_keys, &by_origin);
            Ok(((Arc::clone(&new.column), column), data))
        };
        plan.columns.iter().enumerate().map(each).collect()
    }

    /// The groups as units: keys, record keys, and who is behind each.
    fn groups(
        &self,
        dataset: &Dataset,
        keys: &[(Name, Column)],
        rows: &GroupedRows,
        control: &dyn Control,
    ) -> Result<Groups, RunError> {
        let mut of_row = rows.of_row.clone();
        let first = compact(&mut of_row, rows.groups);
        let mut own = Vec::with_capacity(keys.len());
        for (name, column) in keys {
            let data = Arc::new(take(&column.data, &first, control)?);
            own.push((Arc::clone(name), Column { data, row_wise: false, made: true, ..column.clone() }));
        }
        let (starts, members) = members(dataset, &of_row, first.len());
        let space = match (&dataset.groups, &dataset.unit_type) {
            (Some(groups), _) => groups.space.clone(),
            (None, Some(unit_type)) => space_of(unit_type).to_owned(),
            (None, None) => String::new(),
        };
        let persons = self.source.record_keys(self.source.person_space())?;
        let texts: Vec<String> = (0..first.len()).map(|g| canonical(&own, g)).collect();
        let records = Arc::new(RecordKeys::derive_groups(&persons, texts));
        Ok(Groups { keys: own, records, space, starts, members })
    }
}

/// A column of group values, without its data. `keys` are those of the columns that rows are grouped by, `by` the datasets
/// that these come from.
pub(super) fn made(
    operator: &str,
    new: &GroupColumn,
    source: &Column,
    population: &[u8; 32],
    keys: &[[u8; 32]],
    by: &[String],
) -> Column {
    let statistic = format!("{operator} {:?}", new.statistic);
    let mut parts: Vec<&[u8]> = vec![&source.key, population];
    parts.extend(keys.iter().map(|key| key.as_slice()));
    // A value of the column itself, or one between two of them, keeps what is known of it (LANG-132).
    let alike = matches!(new.statistic, Statistic::Min | Statistic::Max | Statistic::Median);
    let key = column_key(&statistic, &parts);
    Column {
        data: Arc::default(),
        data_type: new.data_type.clone(),
        labels: new.labels.clone(),
        flagged: if new.labels.is_some() { Arc::clone(&source.flagged) } else { Arc::default() },
        title: source.title.clone().filter(|_| alike),
        origin: Arc::new(merge_origins(&source.origin, by)),
        key,
        row_wise: false,
        import: None,
        core: Core::Derived(key),
        made: true,
    }
}

/// Key values of a group as one text, for its record key: name and value of each, in the order of the names, so that
/// `by(a, b)` and `by(b, a)` are the same units.
fn canonical(keys: &[(Name, Column)], group: usize) -> String {
    let mut parts: Vec<String> = keys
        .iter()
        .map(|(_, c)| {
            // Columns of one code list are one domain, whatever they are called (LANG-088).
            let domain = if c.origin.is_empty() { String::new() } else { c.origin.join(" ") };
            match c.data.read(group..group + 1).get(0) {
                Value::Missing => format!("{domain}\0"),
                Value::Integer(n) => format!("{domain}\0{n}"),
                Value::Decimal(x) => format!("{domain}\0{x}"),
                Value::Text(t) => format!("{domain}\0{t}"),
                Value::Key(k) => format!("{domain}\0#{k}"),
            }
        })
        .collect();
    parts.sort_unstable();
    parts.join("\0\0")
}

fn key_columns(dataset: &Dataset, by: &[Name]) -> Result<Vec<(Name, Column)>, RunError> {
    let find = |name: &Name| {
        let column = dataset.find(name).ok_or_else(|| RunError::unknown_column(name))?;
        Ok((Arc::clone(name), column))
    };
    by.iter().map(find).collect()
}

/// Numbers of the rows in the dataset by their key values, without gaps. A missing key has no group; a code that is
/// flagged missing is a value and has one.
fn grouped(dataset: &Dataset, keys: &[(Name, Column)], control: &dyn Control) -> Result<GroupedRows, RunError> {
    let keys = keys.iter().map(|(_, c)| &*c.data).collect();
    let side = Side { keys, rows: dataset.mask.len(), mask: Some(&dataset.mask) };
    let mut numbered = number_rows(&[side], control)?;
    let mut of_row = numbered.of_row.pop().unwrap_or_default();
    let groups = compact(&mut of_row, numbered.count).len();
    Ok(GroupedRows { of_row, groups })
}

/// The unit that each row of the dataset leads to.
fn ordinals(dataset: &Dataset, key: &Column, size: usize) -> Vec<u32> {
    let Values::Unit(units) = &key.data.values else { return vec![NONE; dataset.mask.len()] };
    (0..dataset.mask.len())
        .map(|i| {
            let unit = if dataset.mask.get(i) && key.data.is_valid(i) { units[i] } else { NONE };
            if (unit as usize) < size { unit } else { NONE }
        })
        .collect()
}

/// The distinct units behind each group: a counting sort of the rows by group, then each unit once.
fn members(dataset: &Dataset, of_row: &[u32], groups: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0usize; groups + 1];
    of_row.iter().filter(|g| **g != NONE).for_each(|g| starts[*g as usize + 1] += 1);
    (1..=groups).for_each(|g| starts[g] += starts[g - 1]);
    let mut next = starts.clone();
    let mut units = vec![0u32; starts[groups]];
    for (row, g) in of_row.iter().enumerate().filter(|(_, g)| **g != NONE) {
        units[next[*g as usize]] = dataset.rows.unit(row);
        next[*g as usize] += 1;
    }
    let mut out_starts = Vec::with_capacity(groups + 1);
    let mut members = Vec::with_capacity(units.len());
    for g in 0..groups {
        out_starts.push(members.len() as u32);
        let group = &mut units[starts[g]..starts[g + 1]];
        let from = members.len();
        match &dataset.groups {
            None => members.extend_from_slice(group),
            Some(old) => group.iter().for_each(|g| members.extend_from_slice(old.of(*g as usize))),
        }
        members[from..].sort_unstable();
        let mut kept = from;
        for i in from..members.len() {
            if i == from || members[i] != members[kept - 1] {
                members[kept] = members[i];
                kept += 1;
            }
        }
        members.truncate(kept);
    }
    out_starts.push(members.len() as u32);
    (out_starts, members)
}
