//! `merge` (LANG-133, language.md 6.2): columns of one dataset on the rows of another. Which row belongs to which is an
//! array of row numbers, so a merge is a gather (ENG-021).

use std::sync::Arc;

use script::UnitType;
use script::program::{Merge, Pairing};

use super::{Outcome, Run};
use crate::control::{Control, stopped};
use crate::data::Data;
use crate::dataset::{Column, Dataset, Rows, column_key};
use crate::error::RunError;
use crate::grouping::{Side, number_rows};
use crate::mask::Mask;
use crate::people::NONE;
use crate::recode::merge_origins;
use crate::take::{NOWHERE, take};

/// Several rows of the source have the same key.
const SEVERAL: u32 = u32::MAX - 1;

/// How rows of the target find those of the source.
enum Pairs {
    /// Row `i` is the same unit in both.
    Same,
    /// The row of the source for each row of the target, or [`NOWHERE`].
    Rows(Vec<u32>),
}

impl Run {
    pub(super) fn merge(&mut self, plan: &Merge, control: &dyn Control) -> Result<Outcome, RunError> {
        let source = self.named(&plan.source)?;
        let mut target = self.named(&plan.target)?.clone();
        for dataset in [source, &target] {
            if dataset.unit_type.is_none() && dataset.groups.is_none() {
                return Err(RunError::unknown_dataset(&dataset.name));
            }
        }
        let units = unit_rows(source).zip(unit_rows(&target)).filter(|_| plan.pairing == Pairing::Units);
        let (source_keys, target_keys, (pairs, several)) = match units {
            Some((s, t)) => (vec![source.unit_key_head(s)], vec![target.unit_key_head(t)], (Pairs::Same, None)),
            None => {
                let (s, t) = link_keys(&plan.pairing, source, &target)?;
                let found = pairs(plan, source, &target, &s, &t, control)?;
                (s, t, found)
            }
        };
        let population = self.population_key(source)?;
        let mut verdicts = Vec::new();
        if let Some(several) = several {
            let parts: Vec<&[u8]> = source_keys.iter().map(|c| &c.key[..]).chain([&population[..]]).collect();
            let origin = source_keys.iter().fold(Vec::new(), |all, c| merge_origins(&all, &c.origin));
            let key = (column_key("unique", &parts), origin);
            verdicts.push(self.judged(source, "E313", key, several, RunError::not_unique(&plan.source))?);
        }
        let mut linked: Vec<[u8; 32]> = vec![population];
        linked.extend(source_keys.iter().chain(&target_keys).map(|c| c.key));
        if matches!(target.rows, Rows::Own(_)) {
            linked.push(target.rows_key);
        }
        for name in &plan.columns {
            stopped(control)?;
            let column = source.find(name).ok_or_else(|| RunError::unknown_column(name))?;
            let (data, made) = match &pairs {
                Pairs::Same => (within(&column.data, source, target.mask.len()), column.made),
                Pairs::Rows(rows) => (take(&column.data, rows, control)?, true),
            };
            let parts: Vec<&[u8]> = std::iter::once(&column.key).chain(&linked).map(|k| k.as_slice()).collect();
            let key = column_key("merge", &parts);
            target.put(name, Column { data: Arc::new(data), key, row_wise: false, made, ..column });
            self.afford(&target)?;
        }
        let then = Box::new(self.population(target)?);
        Ok(if verdicts.is_empty() { *then } else { Outcome::Judged { verdicts, then } })
    }
}

/// The values as they are, on the rows that the source holds.
fn within(data: &Data, source: &Dataset, rows: usize) -> Data {
    let len = data.len().min(source.mask.len()).min(rows);
    let validity = Some(source.mask.validity(data.validity.as_ref(), len));
    let span = data.span_of_counted(&source.mask).filter(|_| len == data.len());
    Data::new(super::import::slice(&data.values, len), validity, data.dictionary.clone()).with_span(span)
}

/// The unit type of a dataset whose rows are the units of a space.
fn unit_rows(dataset: &Dataset) -> Option<&Arc<UnitType>> {
    dataset.unit_type.as_ref().filter(|_| matches!(dataset.rows, Rows::Units) && dataset.groups.is_none())
}

/// The key columns of the rows of a dataset: its unit key, or the keys it was collapsed by.
fn row_keys(dataset: &Dataset) -> Result<Vec<Column>, RunError> {
    match (&dataset.groups, &dataset.unit_type) {
        (Some(groups), _) => {
            let on_rows = |(_, column): &(_, Column)| match &dataset.rows {
                Rows::Units => Ok(column.clone()),
                Rows::Own(groups) => {
                    let data = take(&column.data, groups, &crate::Unattended)?;
                    Ok(Column { data: Arc::new(data), ..column.clone() })
                }
            };
            groups.keys.iter().map(on_rows).collect()
        }
        (None, Some(unit_type)) => Ok(vec![dataset.unit_key(unit_type)]),
        (None, None) => Ok(Vec::new()),
    }
}

fn link_keys(pairing: &Pairing, source: &Dataset, target: &Dataset) -> Result<(Vec<Column>, Vec<Column>), RunError> {
    let named = |d: &Dataset, name: &str| d.find(name).ok_or_else(|| RunError::unknown_column(name));
    let (s, t) = match pairing {
        Pairing::Units => (row_keys(source)?, same_order(source, target)?),
        Pairing::SourceKey { target: column } => (row_keys(source)?, vec![named(target, column)?]),
        Pairing::TargetKey { source: column } => (vec![named(source, column)?], row_keys(target)?),
        Pairing::Columns(names) => {
            let s = names.iter().map(|(s, _)| named(source, s)).collect::<Result<Vec<_>, RunError>>()?;
            (s, names.iter().map(|(_, t)| named(target, t)).collect::<Result<Vec<_>, RunError>>()?)
        }
    };
    if s.is_empty() || s.len() != t.len() {
        return Err(RunError::no_link_key(&source.name));
    }
    Ok((s, t))
}

/// The row keys of the target in the order of the source's, where both were collapsed by keys of the same names.
fn same_order(source: &Dataset, target: &Dataset) -> Result<Vec<Column>, RunError> {
    let keys = row_keys(target)?;
    let (Some(from), Some(to)) = (&source.groups, &target.groups) else { return Ok(keys) };
    let place = |name: &str| to.keys.iter().position(|(n, _)| **n == *name);
    let places: Option<Vec<usize>> = from.keys.iter().map(|(n, _)| place(n)).collect();
    Ok(places.map_or(keys.clone(), |places| places.iter().filter_map(|p| keys.get(*p).cloned()).collect()))
}

/// The pairs, and the rows of the source that are not unique per key, where they do not have to be (LANG-085). Rows of the target
/// pair with none of several.
fn pairs(
    plan: &Merge,
    source: &Dataset,
    target: &Dataset,
    source_keys: &[Column],
    target_keys: &[Column],
    control: &dyn Control,
) -> Result<(Pairs, Option<Mask>), RunError> {
    let sides = [
        Side {
            keys: source_keys.iter().map(|c| &*c.data).collect(),
            rows: source.mask.len(),
            mask: Some(&source.mask),
        },
        Side { keys: target_keys.iter().map(|c| &*c.data).collect(), rows: target.mask.len(), mask: None },
    ];
    let numbered = number_rows(&sides, control)?;
    let [of_source, of_target] = &numbered.of_row[..] else { return Err(RunError::no_link_key(&source.name)) };
    let mut row_of = vec![NOWHERE; numbered.count];
    for (row, number) in of_source.iter().enumerate().filter(|(_, n)| **n != NONE) {
        let slot = &mut row_of[*number as usize];
        *slot = if *slot == NOWHERE { row as u32 } else { SEVERAL };
    }
    let rows = of_target.iter().map(|n| row_of.get(*n as usize).copied().unwrap_or(NOWHERE));
    let by_row_key = matches!(plan.pairing, Pairing::Units | Pairing::SourceKey { .. });
    let may_repeat = !by_row_key || matches!(source.rows, Rows::Own(_));
    let several = may_repeat.then(|| {
        let mut several = Mask::empty(of_source.len());
        let rows = of_source.iter().enumerate().filter(|(_, n)| row_of.get(**n as usize) == Some(&SEVERAL));
        rows.for_each(|(row, _)| several.set(row));
        several
    });
    Ok((Pairs::Rows(rows.map(|row| if row == SEVERAL { NOWHERE } else { row }).collect()), several))
}
