//! A column of a run: narrow values with validity, and a dictionary when values are codes or texts. Imported columns
//! share the source's buffers; made columns are written at the smallest width that holds them (ENG-011).

use std::sync::{Arc, OnceLock};

use arrow::buffer::{NullBuffer, ScalarBuffer};
use rayon::prelude::*;

use crate::control::CHUNK;
use crate::lookup::Span;
use crate::mask::Mask;
use crate::source::{Codes, Column, Values};
use crate::vector::{Content, Kind, Vector};

/// Distinct values that a coded column indexes into.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Dictionary {
    Text(Vec<Arc<str>>),
    Integer(Vec<i64>),
}

impl Dictionary {
    /// The codes of a variable; numbers where it is of type integer and all of them are.
    pub(crate) fn of(codes: &[String], integer: bool) -> Self {
        let numbers: Option<Vec<i64>> = codes.iter().map(|c| c.parse().ok()).collect();
        match numbers {
            Some(numbers) if integer => Dictionary::Integer(numbers),
            _ => Dictionary::Text(codes.iter().map(|c| Arc::from(c.as_str())).collect()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Dictionary::Text(v) => v.len(),
            Dictionary::Integer(v) => v.len(),
        }
    }
}

/// Values of one column over a unit space. Rows beyond its length are missing.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) values: Values,
    pub(crate) validity: Option<NullBuffer>,
    /// Present exactly when `values` are codes.
    pub(crate) dictionary: Option<Arc<Dictionary>>,
    /// The span of the values, once somebody has asked for it.
    span: OnceLock<Option<Span>>,
    /// Whether all codes are in the dictionary, once somebody has asked.
    listed: OnceLock<bool>,
    /// What is known of a column of counts, once somebody has asked.
    counted: OnceLock<Counted>,
}

/// What is known of a column of counts.
#[derive(Clone)]
struct Counted {
    /// The rows whose count is not zero.
    units: Arc<Mask>,
    /// The sum of all counts.
    sum: u64,
    /// The span of those that are not zero.
    span: Option<Span>,
}

impl Default for Data {
    /// No rows.
    fn default() -> Self {
        Self::new(Values::Int8(Vec::new().into()), None, None)
    }
}

impl Data {
    /// A column of these values.
    pub(crate) fn new(values: Values, validity: Option<NullBuffer>, dictionary: Option<Arc<Dictionary>>) -> Self {
        Self { values, validity, dictionary, span: OnceLock::new(), listed: OnceLock::new(), counted: OnceLock::new() }
    }

    /// The span of the values, found once: a column of the cache is looked through for the first of its users alone.
    pub(crate) fn span(&self) -> Option<Span> {
        // Found without holding the lock: several threads work on it, and any of them may ask.
        if let Some(known) = self.span.get() {
            return *known;
        }
        let span = Span::of(self);
        *self.span.get_or_init(|| span)
    }

    /// Of a column of counts, the rows among so many whose count is not zero, and the sum of all counts; found once.
    pub(crate) fn counted(&self, rows: usize) -> (Arc<Mask>, u64) {
        /// Sum, least but zero, and greatest.
        fn numbers<T: Copy + Into<i64> + Sync>(counts: &[T]) -> (u64, u64, u64) {
            let add = |(sum, least, greatest): (u64, u64, u64), n: &T| {
                let n = (*n).into() as u64;
                // Zero is the greatest of all when one is taken from it.
                (sum + n, least.min(n.wrapping_sub(1)), greatest.max(n))
            };
            let none = || (0, u64::MAX, 0);
            let parts = counts.par_chunks(CHUNK).map(|part| part.iter().fold(none(), add));
            parts.reduce(none, |a, b| (a.0 + b.0, a.1.min(b.1), a.2.max(b.2)))
        }
        if let Some(known) = self.counted.get().filter(|known| known.units.len() == rows) {
            return (Arc::clone(&known.units), known.sum);
        }
        let (units, (sum, least, greatest)) = match &self.values {
            Values::Int8(v) => (Mask::of_nonzero(v, rows), numbers(v)),
            Values::Int16(v) => (Mask::of_nonzero(v, rows), numbers(v)),
            Values::Int32(v) => (Mask::of_nonzero(v, rows), numbers(v)),
            _ => (Mask::empty(rows), (0, u64::MAX, 0)),
        };
        let (units, all) = (Arc::new(units), self.len() <= rows);
        let span = if greatest > 0 { Span::between(least as i64 + 1, greatest as i64, self.len()) } else { None };
        // Of counts beyond the rows nobody asks, so nothing is known of those within.
        self.counted.get_or_init(|| Counted { units: Arc::clone(&units), sum, span: span.filter(|_| all) });
        (units, sum)
    }

    /// The span of the counts that are not zero, where these rows are theirs.
    pub(crate) fn span_of_counted(&self, rows: &Arc<Mask>) -> Option<Span> {
        self.counted.get().filter(|known| Arc::ptr_eq(&known.units, rows))?.span
    }

    /// The same column, of which the span is known where one is given.
    pub(crate) fn with_span(self, span: Option<Span>) -> Self {
        Self { span: span.map_or_else(OnceLock::new, |span| OnceLock::from(Some(span))), ..self }
    }

    /// Whether every code is in the dictionary, in rows without a value too. One that is not reads as missing. To be asked
    /// once before the rows are gone through.
    pub(crate) fn is_listed(&self) -> bool {
        fn below<T: Copy + Ord + Default + Send + Sync>(codes: &[T], most: impl Fn(T) -> bool) -> bool {
            let parts = codes.par_chunks(CHUNK).map(|part| part.iter().fold(T::default(), |a, b| a.max(*b)));
            most(parts.max().unwrap_or_default())
        }
        let Some(dictionary) = &self.dictionary else { return true };
        if let Some(listed) = self.listed.get() {
            return *listed;
        }
        let known = dictionary.len();
        let listed = match &self.values {
            Values::Code8(v) => below(v, |code| usize::from(code) < known),
            Values::Code16(v) => below(v, |code| usize::from(code) < known),
            Values::Code32(v) | Values::Text { index: v, .. } => below(v, |code| (code as usize) < known),
            _ => false,
        };
        *self.listed.get_or_init(|| listed)
    }

    /// An imported column. Codes of an integer variable that are not numbers cannot be (DATA-011); they become texts.
    pub(crate) fn imported(column: Column, codes: Option<&Codes>, integer: bool) -> Self {
        let Column { values, validity } = column;
        match values {
            Values::Text { index, dictionary } => {
                let texts = dictionary.iter().map(|t| Arc::from(t.as_str())).collect();
                let dictionary = Some(Arc::new(Dictionary::Text(texts)));
                Self::new(Values::Code32(index), validity, dictionary)
            }
            Values::Code8(_) | Values::Code16(_) | Values::Code32(_) => {
                let dictionary = Dictionary::of(codes.map_or(&[][..], |c| &c.codes), integer);
                Self::new(values, validity, Some(Arc::new(dictionary)))
            }
            values => Self::new(values, validity, None),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn is_valid(&self, i: usize) -> bool {
        i < self.len() && self.validity.as_ref().is_none_or(|v| v.is_valid(i))
    }

    /// Index into the dictionary of row `i`, which must be valid; none when the column is not coded.
    #[inline]
    pub(crate) fn code(&self, i: usize) -> Option<u32> {
        self.values.place(i)
    }

    pub(crate) fn bytes(&self) -> usize {
        let column = Column { values: self.values.clone(), validity: self.validity.clone() };
        let counted = self.counted.get().map_or(0, |known| known.units.bytes());
        column.bytes() + counted + self.dictionary.as_ref().map_or(0, |d| d.len() * 24)
    }

    /// The dictionary as a column of its own, followed by one missing row: for tabulating an expression over it.
    pub(crate) fn of_dictionary(dictionary: &Arc<Dictionary>) -> Self {
        let n = dictionary.len();
        let index: Vec<u32> = (0..=n).map(|i| i.min(n.saturating_sub(1)) as u32).collect();
        let valid: Vec<bool> = (0..=n).map(|i| i < n).collect();
        Self::new(Values::Code32(index.into()), Some(NullBuffer::from(valid)), Some(Arc::clone(dictionary)))
    }

    /// The rows of `range` as a vector; rows beyond the column are missing.
    pub(crate) fn read(&self, range: std::ops::Range<usize>) -> Vector {
        let n = range.len();
        let have = range.start.min(self.len())..range.end.min(self.len());
        let mut valid = vec![false; n];
        match &self.validity {
            None => valid[..have.len()].fill(true),
            Some(v) => valid.iter_mut().zip(have.clone()).for_each(|(slot, i)| *slot = v.is_valid(i)),
        }
        macro_rules! widen {
            ($v:expr, $to:ty) => {{
                let mut out: Vec<$to> = vec![Default::default(); n];
                out.iter_mut().zip(&$v[have.clone()]).for_each(|(o, x)| *o = <$to>::from(*x));
                out
            }};
        }
        let content = match &self.values {
            Values::Int8(v) => Content::Integer(widen!(v, i64)),
            Values::Int16(v) => Content::Integer(widen!(v, i64)),
            Values::Int32(v) | Values::Date(v) => Content::Integer(widen!(v, i64)),
            Values::Int64(v) => Content::Integer(widen!(v, i64)),
            Values::Float(v) => Content::Decimal(widen!(v, f64)),
            Values::Unit(v) => Content::Key(widen!(v, u32)),
            Values::Code8(_) | Values::Code16(_) | Values::Code32(_) | Values::Text { .. } => {
                self.read_coded(have, &mut valid)
            }
        };
        Vector { content, valid }
    }

    fn read_coded(&self, have: std::ops::Range<usize>, valid: &mut [bool]) -> Content {
        let n = valid.len();
        let mut code = |slot: usize, i: usize, len: usize| {
            let found = if valid[slot] { self.code(i).filter(|c| (*c as usize) < len) } else { None };
            valid[slot] = found.is_some();
            found
        };
        match self.dictionary.as_deref() {
            Some(Dictionary::Integer(codes)) => {
                let mut out = vec![0i64; n];
                for (slot, i) in have.enumerate() {
                    if let Some(c) = code(slot, i, codes.len()) {
                        out[slot] = codes[c as usize];
                    }
                }
                Content::Integer(out)
            }
            Some(Dictionary::Text(codes)) => {
                let mut out = vec![Vector::no_text(); n];
                for (slot, i) in have.enumerate() {
                    if let Some(c) = code(slot, i, codes.len()) {
                        out[slot] = Arc::clone(&codes[c as usize]);
                    }
                }
                Content::Text(out)
            }
            None => {
                valid.fill(false);
                Content::Integer(vec![0; n])
            }
        }
    }

    /// Joins the vectors of a scan by chunk to one column of type `kind`. An integer column whose values overflowed in
    /// one part becomes decimal (LANG-030).
    pub(crate) fn of_chunks(parts: Vec<Vector>, kind: Kind) -> Self {
        let rows: usize = parts.iter().map(|p| p.valid.len()).sum();
        let complete = parts.iter().all(|p| p.valid.iter().all(|v| *v));
        let validity = (!complete).then(|| {
            let mut bits = arrow::array::BooleanBufferBuilder::new(rows);
            parts.iter().for_each(|p| bits.append_slice(&p.valid));
            NullBuffer::new(bits.finish())
        });
        // A part that is wholly missing may be of any type.
        let (values, dictionary) = match kind {
            Kind::Text => {
                let (index, dictionary) = join_texts(&parts);
                (index, Some(Arc::new(Dictionary::Text(dictionary))))
            }
            Kind::Key => {
                let keys = parts.into_iter().flat_map(|p| match p.content {
                    Content::Key(v) => v,
                    _ => vec![0; p.valid.len()],
                });
                (Values::Unit(keys.collect::<Vec<u32>>().into()), None)
            }
            _ if kind == Kind::Decimal || parts.iter().any(|p| matches!(p.content, Content::Decimal(_))) => {
                let numbers = parts.into_iter().flat_map(|p| p.content.into_decimal());
                (Values::Float(numbers.collect::<Vec<f64>>().into()), None)
            }
            _ => (narrow(&parts, rows), None),
        };
        Self::new(values, validity, dictionary)
    }
}

/// Whole numbers at the smallest width that holds the valid ones.
fn narrow(parts: &[Vector], rows: usize) -> Values {
    let numbers = || {
        parts.iter().flat_map(|p| {
            let v: &[i64] = if let Content::Integer(v) = &p.content { v } else { &[] };
            p.valid.iter().enumerate().map(move |(i, ok)| if *ok { v.get(i).copied().unwrap_or(0) } else { 0 })
        })
    };
    let (low, high) = numbers().fold((0, 0), |(l, h), x| (x.min(l), x.max(h)));
    macro_rules! build {
        ($type:ty) => {{
            let mut out: Vec<$type> = Vec::with_capacity(rows);
            out.extend(numbers().map(|x| x as $type));
            ScalarBuffer::from(out)
        }};
    }
    if low >= i64::from(i8::MIN) && high <= i64::from(i8::MAX) {
        Values::Int8(build!(i8))
    } else if low >= i64::from(i16::MIN) && high <= i64::from(i16::MAX) {
        Values::Int16(build!(i16))
    } else if low >= i64::from(i32::MIN) && high <= i64::from(i32::MAX) {
        Values::Int32(build!(i32))
    } else {
        Values::Int64(build!(i64))
    }
}

fn join_texts(parts: &[Vector]) -> (Values, Vec<Arc<str>>) {
    let mut known: std::collections::HashMap<Arc<str>, u32> = std::collections::HashMap::new();
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let mut index: Vec<u32> = Vec::new();
    for part in parts {
        let Content::Text(texts) = &part.content else {
            index.resize(index.len() + part.valid.len(), 0);
            continue;
        };
        let mut last: Option<(Arc<str>, u32)> = None;
        for (text, ok) in texts.iter().zip(&part.valid) {
            if !ok {
                index.push(0);
                continue;
            }
            let code = match &last {
                Some((same, code)) if Arc::ptr_eq(same, text) => *code,
                _ => *known.entry(Arc::clone(text)).or_insert_with(|| {
                    dictionary.push(Arc::clone(text));
                    (dictionary.len() - 1) as u32
                }),
            };
            last = Some((Arc::clone(text), code));
            index.push(code);
        }
    }
    (Values::Code32(index.into()), dictionary)
}
