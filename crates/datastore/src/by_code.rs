//! The code-major copy of events (ENG-010): the rows of a dataset once more, grouped by code in the order of the list, within a
//! code by ordinal and first day; and a directory that says where each code begins. A prefix of a list that follows a
//! hierarchy is one range of rows (ENG-012). Who asks for few codes reads only their rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int32Array, UInt32Array, UInt64Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::UInt64Type;
use engine::source::CodeSet;

use crate::columns::Mapped;
use crate::prepared::{Prepared, Typed};

/// The rows by code.
pub(crate) const BY_CODE: &str = "by-code.arrow";
/// Where the rows of each code begin.
pub(crate) const DIRECTORY: &str = "by-code-directory.arrow";

/// Fewest codes of a list for which reading by code spares much.
const FEWEST_CODES: usize = 16;
/// Fewest rows per unit, on average, of what counts as many rows per unit.
const ROWS_PER_UNIT: usize = 2;

/// Columns of a file, by name.
type Columns = Vec<(&'static str, ArrayRef)>;

/// The columns of the copy and of its directory; none for rows that need no copy: without code list, with few codes, or
/// with hardly more rows than units.
pub(crate) fn columns(rows: &Prepared) -> Option<(Columns, Columns)> {
    let Typed::Code(places, codes) = &rows.values else { return None };
    let units = rows.ordinals.chunk_by(|a, b| a == b).count();
    if *codes < FEWEST_CODES || rows.len() < ROWS_PER_UNIT * units {
        return None;
    }
    let mut begins = vec![0u64; codes + 1];
    places.iter().for_each(|place| begins[*place as usize + 1] += 1);
    (0..*codes).for_each(|code| begins[code + 1] += begins[code]);
    // Rows are by ordinal and first day already, and stay so within a code.
    let mut next = begins.clone();
    let mut order = vec![0u32; rows.len()];
    for (row, place) in (0..).zip(places) {
        let slot = &mut next[*place as usize];
        order[*slot as usize] = row;
        *slot += 1;
    }
    fn pick<'a, T: Copy>(values: &'a [T], order: &'a [u32]) -> impl Iterator<Item = T> + 'a {
        order.iter().map(|row| values[*row as usize])
    }
    let copy: Columns = vec![
        ("ordinal", Arc::new(UInt32Array::from_iter_values(pick(&rows.ordinals, &order)))),
        ("start", Arc::new(Int32Array::from_iter_values(pick(&rows.starts, &order)))),
        ("stop", Arc::new(Int32Array::from_iter_values(pick(&rows.stops, &order)))),
    ];
    Some((copy, vec![("begin", Arc::new(UInt64Array::from(begins)))]))
}

/// The copy of a dataset, mapped.
pub(crate) struct ByCode {
    pub(crate) ordinals: ScalarBuffer<u32>,
    pub(crate) starts: ScalarBuffer<i32>,
    pub(crate) stops: ScalarBuffer<i32>,
    begins: ScalarBuffer<u64>,
}

impl ByCode {
    /// None when the files do not fit each other, or are not the copy of `rows` rows.
    pub(crate) fn of(copy: &Mapped, directory: &Mapped, rows: u64) -> Option<Self> {
        let begins = directory.column("begin")?.as_primitive_opt::<UInt64Type>().filter(|a| a.null_count() == 0)?;
        let by_code = Self {
            ordinals: copy.ordinals()?,
            starts: copy.dates("start")?,
            stops: copy.dates("stop")?,
            begins: begins.values().clone(),
        };
        let ends = by_code.begins.first() == Some(&0) && by_code.begins.last() == Some(&rows);
        let fits = ends && by_code.begins.is_sorted() && by_code.ordinals.len() as u64 == rows;
        fits.then_some(by_code)
    }

    /// Number of codes.
    pub(crate) fn codes(&self) -> usize {
        self.begins.len() - 1
    }

    /// The rows of a code.
    pub(crate) fn rows(&self, code: usize) -> Range<usize> {
        self.begins[code] as usize..self.begins[code + 1] as usize
    }

    /// The chosen codes that have rows, ascending, and how many rows they have. A code that came into the list after the rows
    /// were written has none.
    pub(crate) fn chosen(&self, codes: &CodeSet) -> (Vec<usize>, usize) {
        let runs = codes.runs(self.codes());
        let rows = runs.iter().map(|run| self.rows(run.start).start..self.rows(run.end - 1).end);
        let number = rows.map(|rows| rows.len()).sum();
        (runs.into_iter().flatten().filter(|code| !self.rows(*code).is_empty()).collect(), number)
    }
}
