//! Histograms and hexagons: how many persons are in each place of a grid whose limits are fixed for the dataset version, so that
//! they tell nothing about the population that is looked at (STAT-300, SDC-210).

use std::sync::Arc;

use script::DataType;
use script::program::{Describe, Labels, Name};

use crate::control::by_chunk;
use crate::data::Data;
use crate::dataset::{Column, Core, Dataset};
use crate::error::RunError;
use crate::lookup::pack;
use crate::magnitudes::numbers;
use crate::mask::Mask;
use crate::raw::{PersonSet, RawCategory, RawHexagon, RawHexbin, RawHistogram, RawPanel, RawTable, Titles};
use crate::source::Values;
use crate::statistics::Wanted;
use crate::table::Scan;

/// Most bins of a histogram that nobody has chosen a number for.
const MOST_BINS: f64 = 50.0;
/// Most bins that one may ask for.
const MOST_BINS_ASKED: usize = 200;
/// Steps of a hexagon plot from left to right.
const STEPS: f64 = 20.0;
/// Classes of colour.
const CLASSES: f64 = 10.0;
/// The column of the places of a grid; not a name that a script can give.
const PLACE: &str = "place@figure";

/// `histogram` (LANG-178).
pub(crate) fn histogram(scan: &Scan<'_>, plan: &Describe) -> Result<RawHistogram, RunError> {
    let name = plan.variables.first().ok_or_else(|| RunError::unknown_column(""))?;
    let column = scan.column(name)?;
    let by: Vec<&str> = plan.by.iter().map(|n| &**n).collect();
    let whole = scan.table(&by, &[name], &Wanted::default())?;
    let (limits, panels) = if plan.options.has("discrete") {
        let table = scan.table(&[by.as_slice(), &[&**name]].concat(), &[], &Wanted::default())?;
        let codes = &table.dimensions[by.len()].categories;
        let limits = codes.iter().map(|category| category.code.parse().unwrap_or(f64::NAN)).collect::<Vec<f64>>();
        let places = (0..codes.len()).collect::<Vec<usize>>();
        (limits, panels(table, &places))
    } else {
        let (low, high) = scan.limits_of(column)?;
        let bins = bins(scan, plan, column, low, high)?;
        let limits: Vec<f64> = (0..=bins).map(|i| low + (high - low) * i as f64 / bins as f64).collect();
        let place = |x: f64| (((x - low) / (high - low) * bins as f64).floor().max(0.0) as usize).min(bins - 1);
        let table = placed(scan, &by, &|range| {
            let values = numbers(column, range);
            values.into_iter().map(|x| (!x.is_nan()).then(|| place(x) as i32)).collect()
        })?;
        let codes = table.dimensions[by.len()].categories.iter();
        let of_bin = |bin: usize| codes.clone().position(|c| c.code.parse() == Ok(bin)).unwrap_or(usize::MAX);
        let places: Vec<usize> = (0..bins).map(of_bin).collect();
        (limits, panels(table, &places))
    };
    let head = &whole.measures[0];
    Ok(RawHistogram {
        name: name.to_string(),
        title: head.label.clone(),
        kind: head.kind,
        limits,
        discrete: plan.options.has("discrete"),
        panels,
        whole,
    })
}

/// How many bins: as asked, else by the number of values in the dataset version, which is the same for everyone.
fn bins(scan: &Scan<'_>, plan: &Describe, column: &Column, low: f64, high: f64) -> Result<usize, RunError> {
    let asked = plan.options.number("bin").or_else(|| Some(((high - low) / plan.options.number("width")?).ceil()));
    if let Some(bins) = asked {
        return Ok((bins.max(1.0) as usize).min(MOST_BINS_ASKED));
    }
    let parts =
        by_chunk(scan.control, scan.mask.len(), |range| numbers(column, range).iter().filter(|x| !x.is_nan()).count())?;
    let n = parts.iter().sum::<usize>().max(1) as f64;
    Ok((10.0 * n.log10()).ceil().min(n.sqrt().ceil()).clamp(1.0, MOST_BINS) as usize)
}

/// The persons in each place, for each category of the first dimension where there are two. A place that nobody is in is not
/// among the categories.
fn panels(table: RawTable, places: &[usize]) -> Vec<RawPanel> {
    let groups: Vec<Option<RawCategory>> = match table.dimensions.as_slice() {
        [groups, _] => groups.categories.iter().cloned().map(Some).collect(),
        _ => vec![None],
    };
    let keyed = table.cells.last().map(|cell| cell.set.keyed);
    let width = table.dimensions.last().map_or(0, |d| d.categories.len()) + 1;
    let mut cells: Vec<Option<PersonSet>> = table.cells.into_iter().map(|cell| Some(cell.set)).collect();
    let panel = |(number, group): (usize, Option<RawCategory>)| {
        let mut bin = |place: &usize| {
            let set = (*place < width).then(|| cells[number * width + place].take()).flatten();
            set.unwrap_or_else(|| PersonSet::empty(keyed.unwrap_or(crate::raw::Keyed::Persons)))
        };
        RawPanel { group, bins: places.iter().map(&mut bin).collect() }
    };
    groups.into_iter().enumerate().map(panel).collect()
}

/// `hexbin` (LANG-179): the first variable is that of the vertical axis.
pub(crate) fn hexbin(scan: &Scan<'_>, plan: &Describe) -> Result<RawHexbin, RunError> {
    let [vertical, horizontal] = plan.variables.as_slice() else { return Err(RunError::unknown_column("")) };
    let (x, y) = (scan.column(horizontal)?, scan.column(vertical)?);
    let (in_x, in_y) = (scan.limits_of(x)?, scan.limits_of(y)?);
    let across = plan.options.number("gridsize").unwrap_or(STEPS).floor().max(1.0);
    // Regular hexagons are √3 times as far apart upwards as across.
    let up = (across / 3f64.sqrt()).round().max(1.0);
    let share = |value: f64, (low, high): (f64, f64)| ((value - low) / (high - low)).clamp(0.0, 1.0);
    let table = placed(scan, &[], &|range| {
        let (x, y) = (numbers(x, range.clone()), numbers(y, range));
        let of = |(x, y): (f64, f64)| {
            let [column, row] = hexagon(share(x, in_x) * across, share(y, in_y) * up);
            (!x.is_nan() && !y.is_nan()).then_some(i32::from(column) << 8 | i32::from(row))
        };
        x.into_iter().zip(y).map(of).collect()
    })?;
    let codes = table.dimensions[0].categories.iter().map(|c| c.code.parse().unwrap_or(0));
    let hexagons = codes
        .zip(table.cells)
        .map(|(place, cell): (i32, _)| RawHexagon { at: [(place >> 8) as u16, (place & 0xff) as u16], set: cell.set });
    let mut titles = Titles::new();
    for (name, column) in [(horizontal, x), (vertical, y)] {
        let title = column.title.as_ref().map(|t| t.text(scan.options.language)).filter(|t| !t.is_empty());
        title.into_iter().for_each(|title| _ = titles.insert(name.to_string(), title.to_owned()));
    }
    Ok(RawHexbin {
        names: [horizontal.to_string(), vertical.to_string()],
        titles,
        limits: [[in_x.0, in_x.1], [in_y.0, in_y.1]],
        grid: [across as u16, up as u16],
        hexagons: hexagons.collect(),
        classes: plan.options.number("groups").unwrap_or(CLASSES).clamp(1.0, CLASSES) as u8,
    })
}

/// The hexagon whose centre is nearest, of the two interleaved grids; of two equally near the one of the first. Its column, and
/// its row counted in halves.
fn hexagon(u: f64, v: f64) -> [u16; 2] {
    let (even_u, even_v) = (u.round(), v.round());
    let (odd_u, odd_v) = (u.floor(), v.floor());
    let distance = |du: f64, dv: f64| du * du + 3.0 * dv * dv;
    if distance(u - even_u, v - even_v) <= distance(u - odd_u - 0.5, v - odd_v - 0.5) {
        [even_u as u16, 2 * even_v as u16]
    } else {
        [odd_u as u16, 2 * odd_v as u16 + 1]
    }
}

/// The table of counts over `by` and a place that is computed for every row.
fn placed(
    scan: &Scan<'_>,
    by: &[&str],
    place: &(dyn Fn(std::ops::Range<usize>) -> Vec<Option<i32>> + Sync),
) -> Result<RawTable, RunError> {
    let rows = scan.mask.len();
    let parts = by_chunk(scan.control, rows, |range| {
        let places = place(range);
        let valid: Vec<u8> = places.iter().map(|p| u8::from(p.is_some())).collect();
        let values: Vec<i32> = places.into_iter().map(Option::unwrap_or_default).collect();
        (values, pack(&valid).collect::<Vec<u64>>())
    })?;
    let (values, valid): (Vec<Vec<i32>>, Vec<Vec<u64>>) = parts.into_iter().unzip();
    let validity = Mask::of_words(valid, rows).validity(None, rows);
    let data = Data::new(Values::Int32(values.concat().into()), Some(validity), None);
    let column = Column {
        data: Arc::new(data),
        data_type: DataType::Integer,
        // With labels, so that there may be as many places as a table has cells.
        labels: Some(Arc::new(Labels::default())),
        flagged: Arc::default(),
        title: None,
        origin: Arc::default(),
        key: [0; 32],
        row_wise: false,
        import: None,
        core: Core::Derived([0; 32]),
        made: true,
    };
    let mut dataset = Dataset { set: None, ..scan.dataset.clone() };
    dataset.put(&Name::from(PLACE), column);
    let inner = Scan { dataset: &dataset, ..*scan };
    inner.table(&[by, &[PLACE]].concat(), &[], &Wanted::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-300: the nearest centre of two interleaved grids, the first where both are as near.
    #[test]
    fn stat_300_the_nearest_hexagon() {
        assert_eq!(hexagon(0.0, 0.0), [0, 0]);
        assert_eq!(hexagon(0.5, 0.5), [0, 1]);
        assert_eq!(hexagon(1.4, 0.9), [1, 2]);
        assert_eq!(hexagon(1.5, 1.0), [2, 2]);
        // Where both are as near, the first grid.
        assert_eq!(hexagon(0.5, 1.0 / 6.0), [1, 0]);
    }
}
