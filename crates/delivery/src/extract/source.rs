//! Reading datasets for an extraction: facts of one dataset, and the person behind each unit. Everything comes through
//! the engine's [`VariableSource`]; nothing is copied beyond what one table needs.

use std::sync::Arc;

use engine::source::{
    DataType, PersonPointer, SourceError, Spells, StoreVersion, Temporality, Values, Variable, VariableSource,
};
use kernel::Date;
use protocol::documents::ExtractionOrder;

use super::population::version_of;
use crate::DeliveryError;
use crate::granularity::{Cell, CellKind};

/// The calendar's ends, for reading everything.
pub(crate) const FIRST: i32 = -719_162;
pub(crate) const LAST: i32 = 2_932_896;

/// One dataset with all facts of a period.
pub(crate) struct Dataset {
    pub variable: Arc<Variable>,
    pub spells: Spells,
}

/// A dataset named `store/NAME` at a version of the store.
pub(crate) fn split(dataset: &str) -> Result<(&str, &str), DeliveryError> {
    dataset.split_once('/').ok_or(DeliveryError::Stopped("bad_dataset"))
}

/// The newest released version of a store.
pub(crate) fn newest(source: &dyn VariableSource, store: &str) -> Option<StoreVersion> {
    let versions = source.versions(store);
    let version = versions.into_iter().rev().find(|v| !v.starts_with("0.0.0."))?;
    Some(StoreVersion { store: store.to_owned(), version })
}

pub(crate) fn failed(error: SourceError) -> DeliveryError {
    match error {
        SourceError::UnknownVersion { .. } => DeliveryError::Stopped("unknown_store_version"),
        SourceError::UnknownVariable { .. } => DeliveryError::Stopped("unknown_dataset"),
        SourceError::Time { .. } => DeliveryError::Stopped("no_data_in_period"),
        SourceError::NoKeys | SourceError::Unavailable { .. } => DeliveryError::Unavailable("the data store".into()),
    }
}

impl Dataset {
    /// All facts that meet the days `from` to `to`; none when the store has no such dataset.
    pub fn read(
        source: &dyn VariableSource,
        at: &StoreVersion,
        name: &str,
        from: i32,
        to: i32,
    ) -> Result<Option<Self>, DeliveryError> {
        let variable = match source.describe(at, name) {
            Ok(variable) => variable,
            Err(SourceError::UnknownVariable { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let spells = source.spells(at, name, Date::from_days(from), Date::from_days(to)).map_err(failed)?;
        Ok(Some(Self { variable, spells }))
    }

    pub fn temporality(&self) -> Temporality {
        self.variable.info.temporality
    }

    pub fn len(&self) -> usize {
        self.spells.ordinals.len()
    }

    /// The type of the values; none for pointers to units, which are never delivered as values.
    pub fn kind(&self) -> Option<CellKind> {
        match self.variable.info.data_type {
            DataType::Integer => Some(CellKind::Int),
            DataType::Decimal => Some(CellKind::Float),
            DataType::Text => Some(CellKind::Text),
            DataType::Date => Some(CellKind::Date),
            DataType::Key(_) => None,
        }
    }

    /// The index of the code in row `i`, when values are codes.
    pub fn code_index(&self, i: usize) -> Option<usize> {
        match &self.spells.values {
            Values::Code8(v) => Some(usize::from(v[i])),
            Values::Code16(v) => Some(usize::from(v[i])),
            Values::Code32(v) => Some(v[i] as usize),
            _ => None,
        }
    }

    /// The text in row `i`, when values are codes or texts.
    pub fn text(&self, i: usize) -> Option<&str> {
        if let Some(index) = self.code_index(i) {
            return self.variable.codes.as_ref()?.codes.get(index).map(String::as_str);
        }
        match &self.spells.values {
            Values::Text { index, dictionary } => dictionary.get(index[i] as usize).map(String::as_str),
            _ => None,
        }
    }

    /// Whether row `i` holds a code that stands for a missing value.
    pub fn is_sentinel(&self, i: usize) -> bool {
        let codes = self.variable.codes.as_ref();
        self.code_index(i).zip(codes).is_some_and(|(index, c)| c.sentinel.get(index).copied().unwrap_or(false))
    }

    /// The value in row `i`; none when it has no form of its type.
    pub fn cell(&self, i: usize) -> Option<Cell> {
        Some(match &self.spells.values {
            Values::Code8(_) | Values::Code16(_) | Values::Code32(_) => match self.kind()? {
                CellKind::Int => Cell::Int(self.text(i)?.parse().ok()?),
                _ => Cell::Text(self.text(i)?.to_owned()),
            },
            Values::Int8(v) => Cell::Int(v[i].into()),
            Values::Int16(v) => Cell::Int(v[i].into()),
            Values::Int32(v) => Cell::Int(v[i].into()),
            Values::Int64(v) => Cell::Int(v[i]),
            Values::Float(v) => Cell::Float(v[i]),
            Values::Date(v) => Cell::Date(v[i]),
            Values::Text { .. } => Cell::Text(self.text(i)?.to_owned()),
            Values::Unit(_) => return None,
        })
    }

    /// The unit that row `i` points to, when values are units.
    pub fn unit(&self, i: usize) -> Option<u32> {
        if let Values::Unit(v) = &self.spells.values { Some(v[i]) } else { None }
    }
}

/// The person behind each unit of a table.
pub(crate) enum Persons {
    /// Units are persons.
    Same,
    /// Person per ordinal of the unit.
    Pointer(PersonPointer),
}

impl Persons {
    /// How units of `space` lead to persons: by the dataset that the order names, else by the store's own pointer.
    pub fn of(
        source: &dyn VariableSource,
        order: &ExtractionOrder,
        space: &str,
        dataset: Option<&str>,
    ) -> Result<Self, DeliveryError> {
        if space == source.person_space() {
            return Ok(Persons::Same);
        }
        if let Some((store, name)) = dataset.map(split).transpose()? {
            let at = version_of(source, order, store)?;
            let read = Dataset::read(source, &at, name, FIRST, LAST)?;
            let read = read.ok_or(DeliveryError::Stopped("no_person_pointer"))?;
            let size = read.spells.ordinals.iter().max().map_or(0, |m| *m as usize + 1);
            let mut persons = vec![PersonPointer::NOBODY; size];
            for (i, unit) in read.spells.ordinals.iter().enumerate() {
                if let Some(person) = read.unit(i) {
                    persons[*unit as usize] = person;
                }
            }
            return Ok(Persons::Pointer(PersonPointer { persons: persons.into() }));
        }
        match source.person_pointer(space).map_err(failed)? {
            Some(pointer) => Ok(Persons::Pointer(pointer)),
            None => Err(DeliveryError::Stopped("no_person_pointer")),
        }
    }

    /// The person behind a unit; none when not known.
    pub fn person(&self, unit: u32) -> Option<u32> {
        match self {
            Persons::Same => Some(unit),
            Persons::Pointer(p) => p.persons.get(unit as usize).copied().filter(|p| *p != PersonPointer::NOBODY),
        }
    }
}
