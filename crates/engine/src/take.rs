//! Rows of columns in another order, and columns one after the other: what merge, panels and reshape are made of (ENG-021).
//! A gather over arrays at the width they have; nothing is decoded.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use rayon::prelude::*;

use crate::control::{CHUNK, Control, by_chunk};
use crate::data::{Data, Dictionary};
use crate::error::RunError;
use crate::source::Values;
use crate::vector::{Kind, Value};

/// No row: the result is missing there.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// A stretch of the result: rows of a column, or missing.
pub(crate) struct Part<'a> {
    pub(crate) data: Option<&'a Data>,
    /// Rows of `data`; [`NOWHERE`] and rows beyond it give missing.
    pub(crate) rows: &'a [u32],
}

/// The rows of a column at `rows`.
pub(crate) fn take(data: &Data, rows: &[u32], control: &dyn Control) -> Result<Data, RunError> {
    concat(&[Part { data: Some(data), rows }], Kind::Integer, control)
}

/// Stretches one after the other. `kind` is the type where no stretch has a column.
pub(crate) fn concat(parts: &[Part<'_>], kind: Kind, control: &dyn Control) -> Result<Data, RunError> {
    let present: Vec<&Data> = parts.iter().filter_map(|p| p.data).collect();
    let rows: usize = parts.iter().map(|p| p.rows.len()).sum();
    let validity = validity(parts, rows, control)?;
    let Some(first) = present.first() else {
        let values = match kind {
            Kind::Text => Values::Code8(vec![0u8; rows].into()),
            Kind::Key => Values::Unit(vec![0u32; rows].into()),
            Kind::Integer => Values::Int8(vec![0i8; rows].into()),
            Kind::Decimal => Values::Float(vec![0.0f64; rows].into()),
        };
        let dictionary = (kind == Kind::Text).then(|| Arc::new(Dictionary::Text(Vec::new())));
        return Ok(Data::new(values, validity, dictionary));
    };
    let same = |d: &&Data| {
        std::mem::discriminant(&d.values) == std::mem::discriminant(&first.values) && d.dictionary == first.dictionary
    };
    if present.iter().all(same) {
        return Ok(Data::new(alike(parts, first, rows, control)?, validity, first.dictionary.clone()));
    }
    if present.iter().all(|d| d.dictionary.is_some()) {
        let (values, dictionary) = joined(parts, rows, control)?;
        return Ok(Data::new(values, validity, Some(Arc::new(dictionary))));
    }
    let decimal = present.iter().any(|d| matches!(d.values, Values::Float(_)));
    let values = if decimal || kind == Kind::Decimal {
        Values::Float(each(parts, rows, control, |d, i| number(d, i).as_f64().unwrap_or(0.0))?.into())
    } else {
        let whole = |d: &Data, i| if let Value::Integer(n) = number(d, i) { n } else { 0 };
        Values::Int64(each(parts, rows, control, whole)?.into())
    };
    Ok(Data::new(values, validity, None))
}

/// The number in row `i`, which must be valid.
pub(crate) fn number(data: &Data, i: usize) -> Value {
    match &data.values {
        Values::Int8(v) => Value::Integer(i64::from(v[i])),
        Values::Int16(v) => Value::Integer(i64::from(v[i])),
        Values::Int32(v) | Values::Date(v) => Value::Integer(i64::from(v[i])),
        Values::Int64(v) => Value::Integer(v[i]),
        Values::Float(v) => Value::Decimal(v[i]),
        Values::Unit(v) => Value::Key(v[i]),
        Values::Code8(_) | Values::Code16(_) | Values::Code32(_) | Values::Text { .. } => {
            match (data.dictionary.as_deref(), data.code(i)) {
                (Some(Dictionary::Integer(v)), Some(c)) => {
                    v.get(c as usize).map_or(Value::Missing, |n| Value::Integer(*n))
                }
                _ => Value::Missing,
            }
        }
    }
}

fn validity(parts: &[Part<'_>], rows: usize, control: &dyn Control) -> Result<Option<NullBuffer>, RunError> {
    let mut starts = Vec::with_capacity(parts.len());
    let mut at = 0;
    for part in parts {
        starts.push(at);
        at += part.rows.len();
    }
    let words = by_chunk(control, rows, |range| {
        let mut part = starts.partition_point(|s| *s <= range.start) - 1;
        let mut words = vec![0u64; range.len().div_ceil(64)];
        for (bit, i) in range.enumerate() {
            while i - starts[part] >= parts[part].rows.len() {
                part += 1;
            }
            let Part { data, rows } = parts[part];
            let valid = data.is_some_and(|d| d.is_valid(rows[i - starts[part]] as usize));
            words[bit / 64] |= u64::from(valid) << (bit % 64);
        }
        words
    })?;
    let buffer = Buffer::from_vec(words.concat());
    let valid = NullBuffer::new(BooleanBuffer::new(buffer, 0, rows));
    Ok((valid.null_count() > 0).then_some(valid))
}

/// Every row by `read`, which is only asked for rows inside its column.
fn each<T: Copy + Default + Send + Sync>(
    parts: &[Part<'_>],
    rows: usize,
    control: &dyn Control,
    read: impl Fn(&Data, usize) -> T + Sync,
) -> Result<Vec<T>, RunError> {
    let mut out = vec![T::default(); rows];
    let mut rest = out.as_mut_slice();
    for part in parts {
        let (here, after) = rest.split_at_mut(part.rows.len());
        rest = after;
        let Some(data) = part.data else { continue };
        here.par_chunks_mut(CHUNK).zip(part.rows.par_chunks(CHUNK)).try_for_each(|(out, rows)| {
            if let Some(stop) = control.stop() {
                return Err(RunError::Stopped(stop));
            }
            for (slot, row) in out.iter_mut().zip(rows).filter(|(_, row)| (**row as usize) < data.len()) {
                *slot = read(data, *row as usize);
            }
            Ok(())
        })?;
    }
    Ok(out)
}

/// Stretches of one width and one dictionary.
fn alike(parts: &[Part<'_>], first: &Data, rows: usize, control: &dyn Control) -> Result<Values, RunError> {
    macro_rules! gather {
        ($variant:ident) => {
            Values::$variant(
                each(parts, rows, control, |d, i| {
                    if let Values::$variant(v) = &d.values { v[i] } else { Default::default() }
                })?
                .into(),
            )
        };
    }
    Ok(match &first.values {
        Values::Code8(_) => gather!(Code8),
        Values::Code16(_) => gather!(Code16),
        Values::Code32(_) => gather!(Code32),
        Values::Int8(_) => gather!(Int8),
        Values::Int16(_) => gather!(Int16),
        Values::Int32(_) => gather!(Int32),
        Values::Int64(_) => gather!(Int64),
        Values::Float(_) => gather!(Float),
        Values::Date(_) => gather!(Date),
        Values::Unit(_) => gather!(Unit),
        Values::Text { dictionary, .. } => {
            Values::Text {
                index: each(parts, rows, control, |d, i| {
                    if let Values::Text { index, .. } = &d.values { index[i] } else { 0 }
                })?
                .into(),
                dictionary: Arc::clone(dictionary),
            }
        }
    })
}

/// Coded stretches with different code lists: codes of all, each once.
fn joined(parts: &[Part<'_>], rows: usize, control: &dyn Control) -> Result<(Values, Dictionary), RunError> {
    let dictionaries: Vec<&Dictionary> = parts.iter().filter_map(|p| p.data?.dictionary.as_deref()).collect();
    let mut union = Union::default();
    let maps: Vec<Vec<u32>> = dictionaries.iter().map(|d| union.add(d)).collect();
    let mut out: Vec<u32> = Vec::with_capacity(rows);
    let mut maps = maps.iter();
    for part in parts {
        let map = part.data.and_then(|_| maps.next());
        let one = [Part { data: part.data, rows: part.rows }];
        let code = |d: &Data, i| {
            let code = if d.is_valid(i) { d.code(i) } else { None };
            code.and_then(|c| map?.get(c as usize).copied()).unwrap_or(0)
        };
        out.extend(each(&one, part.rows.len(), control, code)?);
    }
    Ok((Values::Code32(out.into()), union.into_dictionary()))
}

/// The codes of several dictionaries, each once.
#[derive(Default)]
pub(crate) struct Union {
    texts: Vec<Arc<str>>,
    of_text: HashMap<Arc<str>, u32>,
    numbers: Vec<i64>,
    of_number: HashMap<i64, u32>,
}

impl Union {
    /// Adds a dictionary; gives the new index of each of its codes. All dictionaries are of one type; a number beside
    /// texts counts as its digits.
    pub(crate) fn add(&mut self, dictionary: &Dictionary) -> Vec<u32> {
        match dictionary {
            Dictionary::Integer(codes) if self.texts.is_empty() => codes.iter().map(|n| self.number(*n)).collect(),
            Dictionary::Integer(codes) => codes.iter().map(|n| self.text(&Arc::from(n.to_string()))).collect(),
            Dictionary::Text(codes) => {
                if !self.numbers.is_empty() {
                    self.of_number.clear();
                    let numbers = std::mem::take(&mut self.numbers);
                    numbers.iter().for_each(|n| {
                        self.text(&Arc::from(n.to_string()));
                    });
                }
                codes.iter().map(|t| self.text(t)).collect()
            }
        }
    }

    fn number(&mut self, number: i64) -> u32 {
        *self.of_number.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            (self.numbers.len() - 1) as u32
        })
    }

    fn text(&mut self, text: &Arc<str>) -> u32 {
        *self.of_text.entry(Arc::clone(text)).or_insert_with(|| {
            self.texts.push(Arc::clone(text));
            (self.texts.len() - 1) as u32
        })
    }

    pub(crate) fn into_dictionary(self) -> Dictionary {
        if self.numbers.is_empty() { Dictionary::Text(self.texts) } else { Dictionary::Integer(self.numbers) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unattended;

    fn coded(codes: &[&str], index: &[u8]) -> Data {
        let dictionary = Dictionary::Text(codes.iter().map(|c| Arc::from(*c)).collect());
        Data::new(Values::Code8(index.to_vec().into()), None, Some(Arc::new(dictionary)))
    }

    fn read(data: &Data) -> Vec<Value> {
        let v = data.read(0..data.len());
        (0..v.len()).map(|i| v.get(i)).collect()
    }

    #[test]
    fn rows_beyond_a_column_are_missing() {
        let data = Data::new(Values::Int16(vec![5i16, 6].into()), None, None);
        let taken = take(&data, &[1, NOWHERE, 7, 0], &Unattended).unwrap();
        assert_eq!(read(&taken), [Value::Integer(6), Value::Missing, Value::Missing, Value::Integer(5)]);
        assert!(matches!(taken.values, Values::Int16(_)));
    }

    #[test]
    fn stretches_with_other_code_lists_and_widths_are_joined() {
        let (a, b) = (coded(&["x", "y"], &[0, 1]), coded(&["y", "z"], &[0, 1]));
        let rows = [0, 1];
        let parts = [Some(&a), None, Some(&b)].map(|data| Part { data, rows: &rows });
        let text = |t: &str| Value::Text(t.into());
        let joined = concat(&parts, Kind::Text, &Unattended).unwrap();
        assert_eq!(read(&joined), [text("x"), text("y"), Value::Missing, Value::Missing, text("y"), text("z")]);
        let wide = Data::new(Values::Int64(vec![i64::MAX].into()), None, None);
        let narrow = Data::new(Values::Int8(vec![-3i8].into()), None, None);
        let parts = [Some(&wide), Some(&narrow)].map(|data| Part { data, rows: &rows[..1] });
        let joined = concat(&parts, Kind::Integer, &Unattended).unwrap();
        assert_eq!(read(&joined), [Value::Integer(i64::MAX), Value::Integer(-3)]);
        let parts = [None::<&Data>, None].map(|data| Part { data, rows: &rows });
        assert_eq!(read(&concat(&parts, Kind::Decimal, &Unattended).unwrap()), vec![Value::Missing; 4]);
    }
}
