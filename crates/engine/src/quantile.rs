//! `quantile()` (language.md 9.3): the one function over a whole column (LANG-047). It is computed before the expression
//! it stands in, over the rows that the command works on, and takes its place as a column.

use rayon::prelude::*;

use crate::control::{Control, by_chunk, stopped};
use crate::data::Data;
use crate::dataset::Column;
use crate::error::RunError;
use crate::expression::Node;
use crate::mask::Mask;
use crate::vector::{Content, Kind, Value, Vector};

/// ⌊g·L/N⌋ on every row of `mask` with a value that counts: L values strictly below it, N values in all. Other rows, and
/// rows where `groups` is no whole number from 2 to 100, are missing. `column` is the argument where it is a column as it
/// stands: its codes that are flagged missing are left out, as in every statistic (LANG-036).
pub(crate) fn quantile(
    values: &Node,
    groups: &Node,
    column: Option<&Column>,
    mask: &Mask,
    control: &dyn Control,
) -> Result<Data, RunError> {
    let read = by_chunk(control, mask.len(), |range| {
        let v = values.evaluate(range.clone());
        let counted = column.map_or_else(|| v.valid.clone(), |c| c.counted(range.clone()));
        let inside: Vec<bool> = range.zip(counted).map(|(i, ok)| ok && mask.get(i)).collect();
        (v.content, inside)
    })?;
    let decimal = read.iter().any(|(content, _)| matches!(content, Content::Decimal(_)));
    stopped(control)?;
    // Whole numbers compare as they are; floats as bits that order as they do.
    let parts: Vec<(Vec<i64>, Vec<bool>)> = read
        .into_iter()
        .map(|(content, inside)| {
            let keys = match content {
                Content::Integer(v) if !decimal => v,
                other => other.into_decimal().into_iter().map(ordered).collect(),
            };
            (keys, inside)
        })
        .collect();
    let mut sorted: Vec<i64> =
        parts.iter().flat_map(|(v, ok)| v.iter().zip(ok).filter(|(_, ok)| **ok).map(|(x, _)| *x)).collect();
    sorted.par_sort_unstable();
    let n = sorted.len() as u128;
    let mut starts = Vec::with_capacity(parts.len());
    parts.iter().fold(0, |at, (v, _)| {
        starts.push(at);
        at + v.len()
    });
    let ranked: Result<Vec<Vector>, RunError> = parts
        .par_iter()
        .zip(starts)
        .map(|((keys, inside), start)| {
            stopped(control)?;
            let g = groups.evaluate(start..start + keys.len());
            let each = |i: usize| {
                let groups = match g.get(i) {
                    Value::Integer(g) if (2..=100).contains(&g) => g as u128,
                    Value::Decimal(g) if g.fract() == 0.0 && (2.0..=100.0).contains(&g) => g as u128,
                    _ => return None,
                };
                let below = sorted.partition_point(|x| *x < keys[i]) as u128;
                inside[i].then(|| (groups * below / n.max(1)) as i64)
            };
            let (valid, content) = (0..keys.len()).map(each).map(|r| (r.is_some(), r.unwrap_or(0))).unzip();
            Ok(Vector { content: Content::Integer(content), valid })
        })
        .collect();
    Ok(Data::of_chunks(ranked?, Kind::Integer))
}

fn ordered(x: f64) -> i64 {
    let bits = (x + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}
