//! A dataset between validation and its files: rows by ordinal, typed and sorted (DATA-090), nothing of the ids left.

use engine::source::Temporality;
use rayon::slice::ParallelSliceMut as _;

use crate::check::{CodeIndex, places};
use crate::csvfile::{RawRows, RawValues};
use crate::metadata::{Domain, Metadata};

/// Values of the rows.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Typed {
    /// Places in the code list, and how many codes there are.
    Code(Vec<u32>, usize),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Date(Vec<i32>),
    /// Numbers of texts in the dictionary.
    Text(Vec<u32>, Vec<String>),
    /// Ordinals of units.
    Unit(Vec<u32>),
}

/// Rows in the order of the long-term form: FIXED by ordinal; STATUS and ACCUMULATED by date, then ordinal; EVENT by
/// ordinal, then start.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Prepared {
    pub ordinals: Vec<u32>,
    pub starts: Vec<i32>,
    pub stops: Vec<i32>,
    pub values: Typed,
    /// Rows dropped because their unit id, or the unit id that is their value, was refused.
    pub dropped: u64,
    /// Rows dropped because two ids turned out to be one unit (DATA-084).
    pub merged: u64,
}

/// The ordinal that stands for a refused id.
pub(crate) const REFUSED: u32 = u32::MAX;

impl Prepared {
    /// Puts ordinals in place of ids. `units` has the ordinal of each distinct unit id, `targets` of each distinct value
    /// when the values are ids of units.
    pub(crate) fn build(metadata: &Metadata, rows: RawRows, units: &[u32], targets: Option<&[u32]>) -> Self {
        let temporality = metadata.temporality;
        let index = CodeIndex::of(&metadata.domain);
        let codes = index.as_ref().map(|i| (places(i, &rows.values), i.codes.len()));
        let keep = |row: usize| {
            let unit = units[rows.units[row] as usize];
            let target = match (&rows.values, targets) {
                (RawValues::Text { index, .. }, Some(targets)) => targets[index[row] as usize],
                _ => 0,
            };
            (unit != REFUSED && target != REFUSED).then_some(unit)
        };
        let date = |row: usize| rows.starts[row] as u32 ^ 0x8000_0000;
        let mut order: Vec<(u64, u32)> = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            let Some(unit) = keep(row) else { continue };
            let key = match temporality {
                Temporality::Fixed => u64::from(unit),
                _ if metadata.carries() => u64::from(unit) << 32 | u64::from(date(row)),
                Temporality::Event => u64::from(unit) << 32 | u64::from(date(row)),
                Temporality::Status | Temporality::Accumulated => u64::from(date(row)) << 32 | u64::from(unit),
            };
            order.push((key, row as u32));
        }
        let dropped = (rows.len() - order.len()) as u64;
        if !order.is_sorted() {
            order.par_sort_unstable();
        }
        let kept = order.len();
        order.dedup_by_key(|(key, _)| *key);
        let merged = (kept - order.len()) as u64;
        let order: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
        let values = match (codes, targets, rows.values) {
            (Some((places, n)), _, _) => Typed::Code(pick(&places, &order), n),
            (None, Some(targets), RawValues::Text { index, .. }) => {
                Typed::Unit(order.iter().map(|r| targets[index[*r as usize] as usize]).collect())
            }
            (_, _, RawValues::Text { index, texts }) => dictionary(&pick(&index, &order), &texts),
            (_, _, RawValues::Long(v)) => Typed::Int(pick(&v, &order)),
            (_, _, RawValues::Double(v)) => Typed::Float(pick(&v, &order)),
            (_, _, RawValues::Date(v)) => Typed::Date(pick(&v, &order)),
        };
        let fixed = temporality == Temporality::Fixed;
        let dates = |v: &[i32], none: i32| if fixed { vec![none; order.len()] } else { pick(v, &order) };
        Self {
            ordinals: order.iter().map(|r| units[rows.units[*r as usize] as usize]).collect(),
            starts: dates(&rows.starts, i32::MIN),
            stops: dates(&rows.stops, i32::MAX),
            values,
            dropped,
            merged,
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ordinals.len()
    }
}

/// Whether the values of a dataset are ids of units.
pub(crate) fn target_type(metadata: &Metadata) -> Option<&str> {
    match &metadata.domain {
        Domain::Units { unit_type } => Some(unit_type),
        _ => None,
    }
}

fn pick<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|r| values[*r as usize]).collect()
}

/// Texts sorted, so that the same rows give the same bytes whatever their order in the file.
fn dictionary(numbers: &[u32], texts: &crate::texts::Texts) -> Typed {
    let mut used: Vec<u32> = numbers.to_vec();
    used.sort_unstable();
    used.dedup();
    used.sort_by(|a, b| texts.get(*a).cmp(texts.get(*b)));
    let mut place = vec![0u32; texts.len()];
    for (i, n) in used.iter().enumerate() {
        place[*n as usize] = i as u32;
    }
    let words = used.iter().map(|n| String::from_utf8_lossy(texts.get(*n)).into_owned()).collect();
    Typed::Text(numbers.iter().map(|n| place[*n as usize]).collect(), words)
}
