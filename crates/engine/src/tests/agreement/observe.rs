//! The engine's datasets as rows, for comparison, and its raw results as text that tells every bit.

use std::collections::BTreeMap;

use script::program::Name;

use crate::raw::{Moments, PersonSet, RawMagnitude, RawPopulation, RawTable};
use crate::tests::reference::V;
use crate::vector::Value;
use crate::{Outcome, Run};

/// A column as the engine has it.
pub(super) struct SeenColumn {
    pub(super) data_type: script::DataType,
    pub(super) labels: Option<std::sync::Arc<script::program::Labels>>,
    pub(super) flagged: Vec<script::Literal>,
}

/// A row: the unit, and the values by column.
pub(super) struct SeenRow {
    pub(super) key: V,
    pub(super) cells: BTreeMap<Name, V>,
}

/// A dataset as the engine has it.
pub(super) struct Seen {
    pub(super) columns: BTreeMap<Name, SeenColumn>,
    pub(super) rows: Vec<SeenRow>,
}

fn value(value: Value) -> V {
    match value {
        Value::Missing => V::Missing,
        Value::Integer(n) => V::Int(n),
        Value::Decimal(x) => V::Dec(x),
        Value::Text(t) => V::Text(t.to_string()),
        Value::Key(k) => V::Key(k),
    }
}

/// The rows and columns of a dataset of a run; none when there is no such dataset.
pub(super) fn dataset(run: &Run, name: &str) -> Option<Seen> {
    let dataset = run.dataset(name)?;
    let n = dataset.mask.len();
    // Rows that are about values have no unit.
    let key = |row| if dataset.groups.is_some() { V::Missing } else { V::Key(dataset.rows.unit(row)) };
    let mut rows: Vec<SeenRow> =
        dataset.mask.iter(0..n).map(|row| SeenRow { key: key(row), cells: BTreeMap::new() }).collect();
    let mut columns = BTreeMap::new();
    for (name, column) in &dataset.columns {
        let values = column.data.read(0..n);
        for (row, at) in rows.iter_mut().zip(dataset.mask.iter(0..n)) {
            row.cells.insert(name.clone(), value(values.get(at)));
        }
        let flagged = column.flagged.to_vec();
        let seen = SeenColumn { data_type: column.data_type.clone(), labels: column.labels.clone(), flagged };
        columns.insert(name.clone(), seen);
    }
    Some(Seen { columns, rows })
}

/// Everything a statement gave, to the bit (ENG-034).
pub(super) fn bits(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Population(raw) => population(raw.peek()),
        Outcome::Edits(edits) => {
            let each = edits.iter().map(|e| e.peek());
            each.map(|e| format!("{:?} {} {}", e.columns, set(&e.touched), set(&e.untouched))).collect()
        }
        Outcome::Table(raw) => table(raw.peek()),
        Outcome::Chart(raw) => raw.peek().tables.iter().map(table).collect(),
        Outcome::Summary(raw) => {
            let rows = raw.peek().rows.iter();
            rows.map(|r| format!("{:?} {:?} {}", r.measure, r.occasion, magnitude(&r.magnitude))).collect()
        }
        Outcome::Text(text) => text.clone(),
        _ => String::new(),
    }
}

fn set(set: &PersonSet) -> String {
    format!("{:?} {} {:x} {:?};", set.keyed, set.persons, set.fingerprint, set.sketch)
}

fn population(raw: &RawPopulation) -> String {
    let before = raw.before.as_ref().map(|b| set(b));
    format!("{} {} {} {} {before:?}", raw.unit_type, raw.units, raw.rows, set(&raw.set))
}

fn table(raw: &RawTable) -> String {
    let mut text = format!("{:?} {:?} {} ", raw.dimensions, raw.measures, raw.dropped_missing);
    for cell in &raw.cells {
        text.push_str(&format!("{} {}", cell.rows, set(&cell.set)));
        cell.magnitudes.iter().for_each(|m| text.push_str(&magnitude(m)));
    }
    text
}

fn magnitude(m: &RawMagnitude) -> String {
    let bits = |x: &[f64]| -> Vec<u64> { x.iter().map(|x| x.to_bits()).collect() };
    let moments = |m: &Moments| {
        let some = |x: Option<f64>| x.map(f64::to_bits);
        format!("{:x} {:?} {:?} {:?} {:?}", m.sum.to_bits(), some(m.mean), some(m.sd), some(m.gini), bits(&m.farthest))
    };
    let percentiles: Vec<_> =
        m.percentiles.iter().map(|p| (p.p.to_bits(), p.exact.to_bits(), bits(&p.around))).collect();
    format!(
        "{} {} {:?} {:x} {} {} {percentiles:?} {}",
        m.rows,
        m.constant,
        bits(&m.largest),
        m.sum_abs.to_bits(),
        moments(&m.plain),
        moments(&m.clamped),
        set(&m.set)
    )
}
