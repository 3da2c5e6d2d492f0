//! Rows of datasets for extraction (DEL-016): which units belong to which persons, their FIXED values, and rows with
//! dates in a period. Ordinals in, ordinals and values out; who may have them is decided before.

use std::sync::Arc;

use engine::source::{Column, PersonPointer, StoreVersion, Temporality, Values};
use kernel::Period;

use crate::columns::{Columns, Dataset};
use crate::error::DatastoreError;
use crate::header::Layout;
use crate::metadata::Domain;

/// Values of a column of rows; none = missing. Codes stand as their text (or number, when the dataset is of type LONG).
#[derive(Clone, PartialEq, Debug)]
pub enum Cells {
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Decimal numbers.
    Float(Vec<Option<f64>>),
    /// Texts and codes.
    Text(Vec<Option<Arc<str>>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
    /// Ordinals of units.
    Unit(Vec<Option<u32>>),
}

impl Cells {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Cells::Int(v) => v.len(),
            Cells::Float(v) => v.len(),
            Cells::Text(v) => v.len(),
            Cells::Date(v) => v.len(),
            Cells::Unit(v) => v.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A unit and the person it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OwnedUnit {
    /// Ordinal of the person.
    pub person: u32,
    /// Ordinal of the unit; the person's own when the unit is a person.
    pub unit: u32,
}

/// Rows with dates, by ordinal and start.
#[derive(Clone, PartialEq, Debug)]
pub struct DatedRows {
    /// Ordinal of the unit.
    pub units: Vec<u32>,
    /// First day, cut to the period.
    pub starts: Vec<i32>,
    /// Last day, cut to the period; none while it is ongoing and the period is open.
    pub stops: Vec<Option<i32>>,
    /// Values.
    pub values: Cells,
}

impl Columns {
    fn find(&self, at: &StoreVersion, name: &str) -> Result<Arc<Dataset>, DatastoreError> {
        self.state().dataset(at, name).cloned().map_err(|e| DatastoreError::NotFound(e.to_string()))
    }

    /// The units that the dataset `pointer` (FIXED, values are persons) leads to one of `persons`, by unit.
    ///
    /// # Errors
    /// [`DatastoreError::NotFound`]; [`DatastoreError::Usage`] for a dataset that is no such pointer;
    /// [`DatastoreError::Damaged`].
    pub fn units_of(
        &self,
        at: &StoreVersion,
        pointer: &str,
        persons: &dyn Fn(u32) -> bool,
    ) -> Result<Vec<OwnedUnit>, DatastoreError> {
        let dataset = self.find(at, pointer)?;
        let column = self.fixed(&dataset)?;
        let Values::Unit(targets) = &column.values else {
            return Err(DatastoreError::Usage(format!("{pointer} does not lead to persons")));
        };
        let rows = targets.iter().enumerate().filter(|(i, _)| column.is_valid(*i));
        let owned = rows.filter(|(_, p)| **p != PersonPointer::NOBODY && persons(**p));
        Ok(owned.map(|(unit, person)| OwnedUnit { person: *person, unit: unit as u32 }).collect())
    }

    /// The units that have a value in at least one of these FIXED datasets and that `wanted` names, by ordinal.
    ///
    /// # Errors
    /// As [`Columns::units_of`].
    pub fn units_with_values(
        &self,
        at: &StoreVersion,
        names: &[&str],
        wanted: &dyn Fn(u32) -> bool,
    ) -> Result<Vec<u32>, DatastoreError> {
        let mut columns = Vec::new();
        for name in names {
            columns.push(self.fixed(&*self.find(at, name)?)?);
        }
        let length = columns.iter().map(Column::len).max().unwrap_or(0);
        let has = |unit: &u32| columns.iter().any(|c| c.is_valid(*unit as usize));
        Ok((0..length as u32).filter(|u| wanted(*u)).filter(has).collect())
    }

    /// The values of a FIXED dataset for these units, in their order.
    ///
    /// # Errors
    /// As [`Columns::units_of`].
    pub fn fixed_values(&self, at: &StoreVersion, name: &str, units: &[u32]) -> Result<Cells, DatastoreError> {
        let dataset = self.find(at, name)?;
        let column = self.fixed(&dataset)?;
        Ok(cells(&dataset, &column.values, units.iter().map(|u| Some(*u as usize).filter(|i| column.is_valid(*i)))))
    }

    /// The rows of a STATUS, ACCUMULATED or EVENT dataset of the units that `wanted` names whose validity meets the
    /// period: STATUS dates inside it, periods and spells that overlap it, cut to its edges.
    ///
    /// # Errors
    /// As [`Columns::units_of`].
    pub fn dated_rows(
        &self,
        at: &StoreVersion,
        name: &str,
        wanted: &dyn Fn(u32) -> bool,
        period: Option<Period>,
    ) -> Result<DatedRows, DatastoreError> {
        let dataset = self.find(at, name)?;
        if dataset.record.metadata.temporality == Temporality::Fixed {
            return Err(DatastoreError::Usage(format!("{name} has no dates")));
        }
        let from = period.map_or(i32::MIN, |p| p.from.days());
        let to = period.and_then(|p| p.to).map_or(i32::MAX, |d| d.days());
        // Unit, start, stop, part, row in it.
        let mut rows: Vec<(u32, i32, i32, u32, u32)> = Vec::new();
        let mut values: Vec<Values> = Vec::new();
        for (k, part) in dataset.record.header.parts.iter().enumerate() {
            let k = k as u32;
            if part.layout == Layout::Spells {
                let spells = self.all_spells(&dataset, part)?;
                let meets =
                    |r: &usize| spells.starts[*r] <= to && spells.stops[*r] >= from && wanted(spells.ordinals[*r]);
                let met = (0..spells.ordinals.len()).filter(meets);
                rows.extend(met.map(|r| (spells.ordinals[r], spells.starts[r], spells.stops[r], k, r as u32)));
                values.push(spells.values);
                continue;
            }
            let start = part.from.map_or(i32::MIN, |d| d.days());
            let stop = part.to.map_or(i32::MAX, |d| d.days());
            let column = self.dense(&dataset, part)?;
            if start <= to && stop >= from {
                let met = (0..column.len() as u32).filter(|u| column.is_valid(*u as usize) && wanted(*u));
                rows.extend(met.map(|u| (u, start, stop, k, u)));
            }
            values.push(column.values);
        }
        rows.sort_unstable();
        let cut = |stop: i32| Some(stop.min(to)).filter(|s| *s != i32::MAX);
        let mut merged: Option<Cells> = None;
        for (k, part) in values.iter().enumerate() {
            let own = rows.iter().map(|r| (r.3 as usize == k).then_some(r.4 as usize));
            let filled = cells(&dataset, part, own);
            match &mut merged {
                None => merged = Some(filled),
                Some(all) => overlay(all, filled),
            }
        }
        Ok(DatedRows {
            units: rows.iter().map(|r| r.0).collect(),
            starts: rows.iter().map(|r| r.1.max(from)).collect(),
            stops: rows.iter().map(|r| cut(r.2)).collect(),
            values: merged.unwrap_or(Cells::Int(Vec::new())),
        })
    }

    fn fixed(&self, dataset: &Dataset) -> Result<Column, DatastoreError> {
        match dataset.record.header.parts.as_slice() {
            [part] if dataset.record.metadata.temporality == Temporality::Fixed => self.dense(dataset, part),
            _ => Err(DatastoreError::Usage(format!("{} is not FIXED", dataset.record.name))),
        }
    }
}

fn overlay(all: &mut Cells, part: Cells) {
    fn fill<T>(all: &mut [Option<T>], part: Vec<Option<T>>) {
        for (a, p) in all.iter_mut().zip(part) {
            if p.is_some() {
                *a = p;
            }
        }
    }
    match (all, part) {
        (Cells::Int(a), Cells::Int(p)) => fill(a, p),
        (Cells::Float(a), Cells::Float(p)) => fill(a, p),
        (Cells::Text(a), Cells::Text(p)) => fill(a, p),
        (Cells::Date(a), Cells::Date(p)) => fill(a, p),
        (Cells::Unit(a), Cells::Unit(p)) => fill(a, p),
        _ => {} // parts of one dataset are of one type
    }
}

fn cells(dataset: &Dataset, values: &Values, rows: impl Iterator<Item = Option<usize>>) -> Cells {
    macro_rules! pick {
        ($v:expr, $convert:expr) => {
            rows.map(|r| r.map(|i| $convert($v[i]))).collect()
        };
    }
    let numeric = dataset.record.metadata.value_type == crate::metadata::ValueType::Long
        && matches!(dataset.record.metadata.domain, Domain::Codes { .. });
    let codes = dataset.variable.codes.as_ref().map(|c| c.codes.as_slice()).unwrap_or_default();
    match values {
        Values::Code8(_) | Values::Code16(_) | Values::Code32(_) => {
            let place = |i: usize| match values {
                Values::Code8(v) => usize::from(v[i]),
                Values::Code16(v) => usize::from(v[i]),
                Values::Code32(v) => v[i] as usize,
                _ => usize::MAX,
            };
            if numeric {
                let numbers: Vec<Option<i64>> = codes.iter().map(|c| c.parse().ok()).collect();
                Cells::Int(rows.map(|r| r.and_then(|i| numbers.get(place(i)).copied().flatten())).collect())
            } else {
                let texts: Vec<Arc<str>> = codes.iter().map(|c| Arc::from(c.as_str())).collect();
                Cells::Text(rows.map(|r| r.and_then(|i| texts.get(place(i)).cloned())).collect())
            }
        }
        Values::Int8(v) => Cells::Int(pick!(v, i64::from)),
        Values::Int16(v) => Cells::Int(pick!(v, i64::from)),
        Values::Int32(v) => Cells::Int(pick!(v, i64::from)),
        Values::Int64(v) => Cells::Int(pick!(v, std::convert::identity)),
        Values::Float(v) => Cells::Float(pick!(v, std::convert::identity)),
        Values::Date(v) => Cells::Date(pick!(v, std::convert::identity)),
        Values::Unit(v) => Cells::Unit(pick!(v, std::convert::identity)),
        Values::Text { index, dictionary } => {
            let texts: Vec<Arc<str>> = dictionary.iter().map(|t| Arc::from(t.as_str())).collect();
            Cells::Text(rows.map(|r| r.and_then(|i| texts.get(index[i] as usize).cloned())).collect())
        }
    }
}
