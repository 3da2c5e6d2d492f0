//! `reshape-to-panel` and `reshape-from-panel` (LANG-090..092): between one row per unit and one per unit and occasion.

use std::collections::HashMap;
use std::sync::Arc;

use script::program::{Literal, ReshapeFromPanel, ReshapeToPanel};

use super::datasets::OCCASION;
use super::{Outcome, Run};
use crate::control::{Control, by_chunk, stopped};
use crate::data::{Data, Dictionary};
use crate::dataset::{Column, Core, Dataset, DatasetKind, Rows, column_key};
use crate::error::RunError;
use crate::mask::Mask;
use crate::people::NONE;
use crate::recode::merge_origins;
use crate::source::Values;
use crate::take::{NOWHERE, Part, concat, number, take};
use crate::vector::{Kind, Value};

impl Run {
    /// Rows with no value at all are kept (LANG-091).
    pub(super) fn reshape_to_panel(
        &mut self,
        plan: &ReshapeToPanel,
        control: &dyn Control,
    ) -> Result<Outcome, RunError> {
        let from = self.active()?;
        if from.kind == DatasetKind::Panel {
            return Err(RunError::not_a_panel(&from.name));
        }
        let occasions = plan.occasions.len();
        let rows: Vec<u32> = from.mask.iter(0..from.mask.len()).map(|i| i as u32).collect();
        let units: Vec<u32> = rows.iter().map(|r| from.rows.unit(*r as usize)).collect();
        let mut to = Dataset { columns: Vec::new(), set: None, kind: DatasetKind::Panel, ..from.clone() };
        let population = self.population_key(from)?;
        to.rows_key = column_key("reshape-to-panel", &[&population, format!("{:?}", plan.occasions).as_bytes()]);
        to.mask = Arc::new(Mask::of_valid(None, rows.len() * occasions, rows.len() * occasions));
        to.rows = Rows::Own(units.repeat(occasions).into());
        self.afford(&to)?;
        let used: Vec<&str> = plan.columns.iter().flat_map(|c| c.sources.iter().flatten()).map(|n| &**n).collect();
        for (name, column) in from.columns.iter().filter(|(n, _)| !used.contains(&&**n)) {
            stopped(control)?;
            let parts: Vec<Part<'_>> = (0..occasions).map(|_| Part { data: Some(&column.data), rows: &rows }).collect();
            let data = Arc::new(concat(&parts, Kind::of_type(&column.data_type), control)?);
            let key = column_key("repeat", &[&column.key, &to.rows_key]);
            to.put(name, Column { data, key, row_wise: false, made: true, ..column.clone() });
            self.afford(&to)?;
        }
        for new in &plan.columns {
            stopped(control)?;
            let sources = new.sources.iter().map(|source| match source {
                None => Ok(None),
                Some(name) => from.column(name).map(Some).ok_or_else(|| RunError::unknown_column(name)),
            });
            let sources: Vec<Option<&Column>> = sources.collect::<Result<_, RunError>>()?;
            let parts: Vec<Part<'_>> =
                sources.iter().map(|c| Part { data: c.map(|c| &*c.data), rows: &rows }).collect();
            let data = concat(&parts, Kind::of_type(&new.data_type), control)?;
            let nothing = [0; 32];
            let mut key_parts: Vec<&[u8]> = vec![&to.rows_key];
            key_parts.extend(sources.iter().map(|c| c.map_or(&nothing[..], |c| &c.key[..])));
            let key = column_key("reshape-to-panel", &key_parts);
            let column = Column {
                data: Arc::new(data),
                data_type: new.data_type.clone(),
                labels: new.labels.clone(),
                flagged: Arc::new(flags(&sources)),
                title: sources.iter().flatten().next().and_then(|c| c.title.clone()),
                origin: Arc::new(sources.iter().flatten().fold(Vec::new(), |all, c| merge_origins(&all, &c.origin))),
                key,
                row_wise: false,
                import: None,
                core: Core::Derived(key),
                made: true,
            };
            to.put(&new.column, column);
            self.afford(&to)?;
        }
        let key = column_key(OCCASION, &[&to.rows_key]);
        let occasion = Column {
            data: Arc::new(occasion_column(&plan.occasions, rows.len())),
            data_type: plan.occasion_type.clone(),
            labels: None,
            flagged: Arc::default(),
            title: None,
            origin: Arc::default(),
            key,
            row_wise: false,
            import: None,
            core: Core::Derived(key),
            made: true,
        };
        to.put(&OCCASION.into(), occasion);
        self.population(to)
    }

    pub(super) fn reshape_from_panel(
        &mut self,
        plan: &ReshapeFromPanel,
        control: &dyn Control,
    ) -> Result<Outcome, RunError> {
        let from = self.active()?;
        if from.kind != DatasetKind::Panel {
            return Err(RunError::not_a_panel(&from.name));
        }
        let occasion = from.column(OCCASION).ok_or_else(|| RunError::unknown_column(OCCASION))?;
        let of_row = occasions_of_rows(&occasion.data, &plan.occasions, from.mask.len(), control)?;
        let size = self.unit_space(from);
        let mut units = Mask::empty(size);
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); plan.occasions.len()];
        let mut any_row = vec![NOWHERE; size];
        for row in from.mask.iter(0..from.mask.len()) {
            let unit = from.rows.unit(row) as usize;
            units.set(unit);
            any_row[unit] = row as u32;
            if of_row[row] != NONE {
                rows_of[of_row[row] as usize].push(row as u32);
            }
        }
        let mut to = Dataset { columns: Vec::new(), set: None, kind: DatasetKind::CrossSection, ..from.clone() };
        let population = self.population_key(from)?;
        to.rows_key = column_key("reshape-from-panel", &[&population]);
        to.rows = Rows::Units;
        to.mask = Arc::new(units);
        // What is not spread is the same on all rows of a unit (the keys that a dataset was collapsed by) and stays.
        let spread = |name: &str| name == OCCASION || plan.columns.iter().any(|(n, _)| **n == *name);
        for (name, column) in from.columns.iter().filter(|(n, _)| !spread(n)) {
            let data = Arc::new(take(&column.data, &any_row, control)?);
            let key = column_key("reshape-from-panel", &[&column.key, &population]);
            to.put(name, Column { data, key, row_wise: false, made: true, ..column.clone() });
        }
        let mut wide: Vec<Vec<Option<Column>>> = vec![vec![None; plan.occasions.len()]; plan.columns.len()];
        for (t, rows) in rows_of.iter().enumerate() {
            let mut row_of = vec![NOWHERE; size];
            rows.iter().rev().for_each(|row| row_of[from.rows.unit(*row as usize) as usize] = *row);
            for (c, (name, _)) in plan.columns.iter().enumerate() {
                stopped(control)?;
                let column = from.column(name).ok_or_else(|| RunError::unknown_column(name))?;
                let data = Arc::new(take(&column.data, &row_of, control)?);
                let at = format!("{:?}", plan.occasions[t]);
                let key = column_key("reshape-from-panel", &[&column.key, at.as_bytes(), &population]);
                wide[c][t] = Some(Column { data, key, row_wise: false, made: true, ..column.clone() });
            }
            control.progress((t + 1) as f32 / rows_of.len() as f32);
        }
        for ((_, names), columns) in plan.columns.iter().zip(wide) {
            names.iter().zip(columns).for_each(|(name, column)| {
                column.into_iter().for_each(|column| to.put(name, column));
            });
            self.afford(&to)?;
        }
        self.population(to)
    }
}

/// What is flagged missing in any of the columns.
fn flags(sources: &[Option<&Column>]) -> Vec<Literal> {
    let mut all: Vec<Literal> = Vec::new();
    for flag in sources.iter().flatten().flat_map(|c| &*c.flagged) {
        if !all.contains(flag) {
            all.push(flag.clone());
        }
    }
    all
}

/// Every occasion on `rows` rows, one after the other.
fn occasion_column(occasions: &[Literal], rows: usize) -> Data {
    let spread = |values: Vec<i64>| values.into_iter().flat_map(move |n| std::iter::repeat_n(n, rows));
    let whole: Option<Vec<i64>> =
        occasions.iter().map(|o| if let Literal::Integer(n) = o { Some(*n) } else { None }).collect();
    if let Some(numbers) = whole {
        let small: Option<Vec<i32>> = numbers.iter().map(|n| i32::try_from(*n).ok()).collect();
        let values = match small {
            Some(_) => Values::Int32(spread(numbers).map(|n| n as i32).collect::<Vec<i32>>().into()),
            None => Values::Int64(spread(numbers).collect::<Vec<i64>>().into()),
        };
        return Data::new(values, None, None);
    }
    let codes = (0..occasions.len() as i64).collect();
    let texts = occasions.iter().map(|o| Arc::from(o.to_string())).collect();
    Data::new(
        Values::Code32(spread(codes).map(|c| c as u32).collect::<Vec<u32>>().into()),
        None,
        Some(Arc::new(Dictionary::Text(texts))),
    )
}

/// The place of each row's occasion among `occasions`; [`NONE`] for another one.
fn occasions_of_rows(
    data: &Data,
    occasions: &[Literal],
    rows: usize,
    control: &dyn Control,
) -> Result<Vec<u32>, RunError> {
    let by_code: Option<Vec<u32>> = data.dictionary.as_deref().map(|dictionary| {
        let place = |v: &Value| occasions.iter().position(|o| v.is(o)).map_or(NONE, |p| p as u32);
        crate::expression::entries(dictionary).iter().map(place).collect()
    });
    let numbers = occasions.iter().enumerate();
    let by_number: HashMap<i64, u32> =
        numbers.filter_map(|(p, o)| if let Literal::Integer(n) = o { Some((*n, p as u32)) } else { None }).collect();
    let place = |i: usize| {
        if !data.is_valid(i) {
            return NONE;
        }
        match &by_code {
            Some(by_code) => data.code(i).and_then(|c| by_code.get(c as usize).copied()).unwrap_or(NONE),
            None => match number(data, i) {
                Value::Integer(n) => by_number.get(&n).copied().unwrap_or(NONE),
                _ => NONE,
            },
        }
    };
    Ok(by_chunk(control, rows, |range| range.map(place).collect::<Vec<u32>>())?.concat())
}
