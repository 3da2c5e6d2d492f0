//! Comparison of the engine with the reference interpreter: the whole state after a statement, and every raw result.

use std::collections::BTreeSet;

use script::program::Name;

use super::observe::Seen;
use crate::keys::RecordKeys;
use crate::raw::{Moments, PersonSet, RawMagnitude, RawMeasure, RawSummaryRow, RawTable};
use crate::tests::reference::{
    Column, Frame, MISSING, Row, Summary, TOTAL, Table, V, Values, gini, mean, percentile, sd, sorted,
};

/// What differs, as text; nothing when all is equal.
pub(super) type Checked = Result<(), String>;

/// The keys of who is counted; none for groups, whose keys are the engine's own.
pub(super) type Keys<'a> = Option<&'a RecordKeys>;

/// Equal up to rounding. `scale` is the size of what was added up.
fn close(a: f64, b: f64, scale: f64) -> bool {
    a == b || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(scale)
}

fn same(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::Int(x), V::Int(y)) => x == y,
        (V::Int(_) | V::Dec(_), V::Int(_) | V::Dec(_)) => {
            let (x, y) = (a.number().unwrap(), b.number().unwrap());
            // Functions agree to 1e-10 (LANG-231).
            x == y || (x - y).abs() <= 1e-10 * x.abs().max(y.abs())
        }
        _ => a == b,
    }
}

/// Rows in an order of their own: by unit, then by what is exact, then by decimals.
fn ordered<'a>(key: &V, cells: impl Iterator<Item = (&'a Name, &'a V)>) -> (String, Vec<String>, Vec<u64>) {
    let (mut exact, mut decimals) = (Vec::new(), Vec::new());
    for (name, value) in cells {
        match value {
            V::Dec(x) if x.fract() != 0.0 => decimals.push(x.to_bits()),
            V::Dec(x) if x.abs() < 9e15 => exact.push(format!("{name} Int({})", *x as i64)),
            V::Dec(x) => decimals.push(x.to_bits()),
            // May stand beside a decimal: beyond this they are not told apart.
            V::Int(n) if n.abs_diff(0) >= 9_000_000_000_000_000 => decimals.push((*n as f64).to_bits()),
            value => exact.push(format!("{name} {value:?}")),
        }
    }
    (format!("{key:?}"), exact, decimals)
}

/// The whole of a dataset. Where numbers are equal up to rounding the reference takes over the engine's, so that a last
/// digit does not decide a later comparison.
pub(super) fn dataset(name: &str, seen: &mut Seen, frame: &mut Frame) -> Checked {
    let names: BTreeSet<&Name> = seen.columns.keys().collect();
    let expected: BTreeSet<&Name> = frame.columns.keys().collect();
    if names != expected {
        return Err(format!("columns of {name}: {names:?}, expected {expected:?}"));
    }
    if seen.rows.len() != frame.rows.len() {
        return Err(format!("{name} has {} rows, expected {}", seen.rows.len(), frame.rows.len()));
    }
    seen.rows.sort_by_cached_key(|r| ordered(&r.key, r.cells.iter()));
    frame.rows.sort_by_cached_key(|r| ordered(&r.key, r.cells.iter()));
    for (row, expected) in seen.rows.iter().zip(&mut frame.rows) {
        if row.key != expected.key {
            return Err(format!("{name}: unit {:?}, expected {:?}", row.key, expected.key));
        }
        for (column, value) in &row.cells {
            let wanted = expected.cells.get_mut(column).ok_or_else(|| format!("{name}.{column}: no such cell"))?;
            if !same(value, wanted) {
                return Err(format!("{name}.{column}, unit {:?}: {value:?}, expected {wanted:?}", row.key));
            }
            let flagged = seen.columns[column].flagged.iter().any(|f| value_is(value, f));
            if flagged != frame.columns[column].flagged.iter().any(|f| value_is(wanted, f)) {
                return Err(format!("{name}.{column}: {value:?} is flagged missing: {flagged}"));
            }
            *wanted = value.clone();
        }
    }
    for (column, seen) in &seen.columns {
        let Column { data_type, labels, .. } = &frame.columns[column];
        if data_type.as_ref() != Some(&seen.data_type) {
            return Err(format!("{name}.{column} is of type {:?}, expected {data_type:?}", seen.data_type));
        }
        if *labels != seen.labels {
            return Err(format!("labels of {name}.{column}: {:?}, expected {labels:?}", seen.labels));
        }
    }
    Ok(())
}

fn value_is(value: &V, literal: &script::Literal) -> bool {
    match (value, literal) {
        (V::Text(a), script::Literal::Text(b)) => **a == **b,
        (v, l) => v.number().is_some() && v.number() == l.as_f64(),
    }
}

/// A set of persons: how many, and their fingerprint.
pub(super) fn persons(what: &str, set: &PersonSet, expected: &BTreeSet<u32>, keys: Keys<'_>) -> Checked {
    if set.persons != expected.len() as u64 {
        return Err(format!("persons of {what}: {}, expected {}", set.persons, expected.len()));
    }
    let Some(keys) = keys else { return Ok(()) };
    let print = expected.iter().fold(0u128, |f, p| f.wrapping_add(keys.record()[*p as usize]));
    if set.fingerprint == print { Ok(()) } else { Err(format!("other persons in {what} than {expected:?}")) }
}

/// A table with its margins, their sets and their magnitudes.
pub(super) fn table(raw: &RawTable, expected: &Table, keys: Keys<'_>) -> Checked {
    if raw.dropped_missing != expected.dropped_missing {
        return Err(format!("{} rows left out, expected {}", raw.dropped_missing, expected.dropped_missing));
    }
    let code = |c: &crate::raw::RawCategory| {
        if c.missing && c.code.is_empty() { MISSING.to_owned() } else { c.code.clone() }
    };
    for (dimension, expected) in raw.dimensions.iter().zip(&expected.categories) {
        let found: BTreeSet<String> = dimension.categories.iter().map(code).collect();
        if found != *expected || found.len() != dimension.categories.len() {
            return Err(format!("categories of {}: {found:?}, expected {expected:?}", dimension.name));
        }
        if let Some(at) = dimension.categories.iter().position(|c| code(c) == MISSING)
            && at + 1 != dimension.categories.len()
        {
            return Err(format!("missing is not the last category of {}", dimension.name));
        }
    }
    let mut filled = 0;
    for (i, cell) in raw.cells.iter().enumerate() {
        let position = raw.position(i);
        let codes = raw.dimensions.iter().zip(&position);
        let codes: Vec<String> = codes.map(|(d, p)| d.categories.get(*p).map_or(TOTAL.to_owned(), code)).collect();
        let empty = Default::default();
        let wanted = expected.cells.get(&codes).unwrap_or(&empty);
        let what = format!("{codes:?}");
        if cell.rows != wanted.rows {
            return Err(format!("rows of {what}: {}, expected {}", cell.rows, wanted.rows));
        }
        persons(&what, &cell.set, &wanted.persons, keys)?;
        let nothing = Values::default();
        for (m, (head, found)) in raw.measures.iter().zip(&cell.magnitudes).enumerate() {
            magnitude(&what, found, wanted.measures.get(m).unwrap_or(&nothing), head, keys)?;
        }
        filled += usize::from(expected.cells.contains_key(&codes));
    }
    if filled == expected.cells.len() { Ok(()) } else { Err("a cell is lost".to_owned()) }
}

/// `summarize` and `summarize-panel`: the rows of one occasion, or of no occasion.
pub(super) fn summary(rows: &[&RawSummaryRow], expected: &Summary, keys: Keys<'_>) -> Checked {
    if rows.len() != expected.len() {
        return Err(format!("{} variables, expected {}", rows.len(), expected.len()));
    }
    for (name, values) in expected {
        let row = rows.iter().find(|r| r.measure.name == **name).ok_or_else(|| format!("{name} is left out"))?;
        magnitude(name, &row.magnitude, values, &row.measure, keys)?;
    }
    Ok(())
}

pub(super) fn magnitude(
    what: &str,
    found: &RawMagnitude,
    expected: &Values,
    measure: &RawMeasure,
    keys: Keys<'_>,
) -> Checked {
    let values = &expected.values;
    if found.rows != values.len() as u64 {
        return Err(format!("values of {what}: {}, expected {}", found.rows, values.len()));
    }
    persons(what, &found.set, &expected.persons, keys)?;
    let within = |limits: Option<(f64, f64)>| -> Vec<f64> {
        match limits {
            Some((low, high)) if low <= high => values.iter().map(|x| x.max(low).min(high)).collect(),
            _ => values.clone(),
        }
    };
    let wide = within(measure.wide);
    let mut largest: Vec<f64> = wide.iter().map(|x| x.abs()).chain([0.0, 0.0]).collect();
    largest.sort_by(|a, b| b.total_cmp(a));
    let sum_abs: f64 = wide.iter().map(|x| x.abs()).sum();
    let constant = values.iter().all(|x| *x == values[0]);
    if found.largest[..] != largest[..2] || !close(found.sum_abs, sum_abs, 0.0) || found.constant != constant {
        return Err(format!("{what}: largest {:?}, sum of sizes {}", found.largest, found.sum_abs));
    }
    moments(&format!("{what}, plain"), &found.plain, values)?;
    moments(&format!("{what}, within the wide limits"), &found.wide, &wide)?;
    let clamped = within(measure.limits);
    moments(&format!("{what}, clamped"), &found.clamped, &clamped)?;
    let ascending = sorted(&clamped);
    if values.is_empty() && !found.percentiles.is_empty() {
        return Err(format!("{what}: a percentile of nothing"));
    }
    for p in &found.percentiles {
        let wanted = percentile(&ascending, p.p / 100.0);
        if wanted.is_none_or(|w| !close(p.exact, w, 0.0)) {
            return Err(format!("{what}: P{} {}, expected {wanted:?}", p.p, p.exact));
        }
        if p.around.iter().any(|x| !ascending.contains(x)) {
            return Err(format!("{what}: window of P{} {:?}", p.p, p.around));
        }
    }
    Ok(())
}

fn moments(what: &str, found: &Moments, values: &[f64]) -> Checked {
    let size: f64 = values.iter().map(|x| x.abs()).sum();
    let most = values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let agree = |name: &str, a: Option<f64>, b: Option<f64>, scale: f64| {
        let b = b.filter(|x| x.is_finite());
        let equal = match (a, b) {
            (Some(a), Some(b)) => close(a, b, scale),
            (a, b) => a == b,
        };
        if equal { Ok(()) } else { Err(format!("{name} of {what}: {a:?}, expected {b:?}")) }
    };
    let sum: f64 = values.iter().sum();
    if !close(found.sum, sum, size) {
        return Err(format!("sum of {what}: {}, expected {sum}", found.sum));
    }
    agree("mean", found.mean, mean(values), most)?;
    agree("sd", found.sd, sd(values), most)?;
    if found.gini.is_some() {
        agree("gini", found.gini, gini(values), size / sum.abs())?;
    }
    let Some(centre) = mean(values).filter(|m| m.is_finite()) else { return Ok(()) };
    // SDC-102.
    let mut distances: Vec<f64> = values.iter().map(|x| (x - centre).abs()).collect();
    distances.sort_by(|a, b| b.total_cmp(a));
    let three = distances.iter().take(3);
    if found.farthest.len() == three.len() && found.farthest.iter().zip(three).all(|(a, b)| close(*a, *b, most)) {
        Ok(())
    } else {
        Err(format!("farthest of {what}: {:?}, expected {distances:?}", found.farthest))
    }
}

/// The persons behind all rows.
pub(super) fn people(frame: &Frame) -> BTreeSet<u32> {
    frame.rows.iter().flat_map(|r| r.persons.iter().copied()).collect()
}

/// Who is counted in some rows.
pub(super) fn members(frame: &Frame, rows: &[usize]) -> BTreeSet<u32> {
    rows.iter().flat_map(|i| frame.rows[*i].members()).collect()
}

/// Number of units.
pub(super) fn units(frame: &Frame) -> usize {
    let unit = |r: &Row| format!("{:?} {:?}", r.key, r.group.as_ref().map(|g| g.number));
    frame.rows.iter().map(unit).collect::<BTreeSet<String>>().len()
}
