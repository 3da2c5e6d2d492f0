//! Where the cells of a table stand: which combinations of categories form rows and columns, in which order, and which of
//! them are left out. Sorting and cutting look at released numbers only (STAT-045).

use std::borrow::Cow;

use disclosure::{Content, Layout, Table, Value};

/// Positions of a table by rows and columns.
pub(crate) struct Arrangement {
    /// Dimensions of the stub, from outer to inner.
    pub stub: Vec<usize>,
    /// Dimensions of the head, from outer to inner.
    pub head: Vec<usize>,
    /// Rows as places in the stub's dimensions.
    pub rows: Vec<Vec<usize>>,
    /// Columns as places in the head's dimensions; one empty column where there is no head.
    pub columns: Vec<Vec<usize>>,
    /// A row or column that the order was asked for does not exist, so the order is that of the codes.
    pub unsorted: bool,
}

impl Arrangement {
    pub(crate) fn of(table: &Table, layout: &Layout, contents: &[Content]) -> Self {
        let (stub, head) = layout.axes(table.dimensions.len());
        let (rows, columns) = (combinations(table, &stub), combinations(table, &head));
        let mut all = Self { stub, head, rows, columns, unsorted: false };
        let first = contents.first().copied().unwrap_or(Content::Count);
        if let Some(codes) = &layout.row_sort {
            match all.place_of(table, codes, &all.head) {
                Some(column) => {
                    let key = |row: &Vec<usize>| value(table, &all.position(row, &column), first, 0, &all.head);
                    all.rows = sorted(&all.rows, |row| all.is_total(table, &all.stub, row), key);
                }
                None => all.unsorted = true,
            }
        }
        if let Some(codes) = &layout.column_sort {
            match all.place_of(table, codes, &all.stub) {
                Some(row) => {
                    let key = |column: &Vec<usize>| value(table, &all.position(&row, column), first, 0, &all.head);
                    all.columns = sorted(&all.columns, |column| all.is_total(table, &all.head, column), key);
                }
                None => all.unsorted = true,
            }
        }
        all.cut(table, layout);
        all
    }

    /// The position in the table of a row and a column.
    pub(crate) fn position(&self, row: &[usize], column: &[usize]) -> Vec<usize> {
        let mut position = vec![0; self.stub.len() + self.head.len()];
        for (d, at) in self.stub.iter().zip(row).chain(self.head.iter().zip(column)) {
            position[*d] = *at;
        }
        position
    }

    /// Whether one of these places is a total.
    pub(crate) fn is_total(&self, table: &Table, dimensions: &[usize], places: &[usize]) -> bool {
        dimensions.iter().zip(places).any(|(d, at)| *at == table.dimensions[*d].categories.len())
    }

    /// The place with these codes; that of the total without codes.
    fn place_of(&self, table: &Table, codes: &[String], dimensions: &[usize]) -> Option<Vec<usize>> {
        if codes.is_empty() {
            return Some(dimensions.iter().map(|d| table.dimensions[*d].categories.len()).collect());
        }
        if codes.len() != dimensions.len() {
            return None;
        }
        let find = |(d, code): (&usize, &String)| table.dimensions[*d].categories.iter().position(|c| c.code == *code);
        dimensions.iter().zip(codes).map(find).collect()
    }

    /// First and last rows only; totals stay as they are.
    fn cut(&mut self, table: &Table, layout: &Layout) {
        if layout.top.is_none() && layout.bottom.is_none() {
            return;
        }
        let (totals, inner): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.rows).into_iter().partition(|row| self.is_total(table, &self.stub, row));
        let most = |n: Option<u32>| n.map_or(0, |n| n as usize);
        let (top, bottom) = (most(layout.top), inner.len().saturating_sub(most(layout.bottom)));
        self.rows = inner.into_iter().enumerate().filter(|(i, _)| *i < top || *i >= bottom).map(|(_, r)| r).collect();
        // Totals of categories that may be cut away say nothing here; the whole table's does.
        let whole =
            |row: &Vec<usize>| self.stub.iter().zip(row).all(|(d, at)| *at == table.dimensions[*d].categories.len());
        self.rows.extend(totals.into_iter().filter(whole));
    }
}

/// The table as a layout shows it: made for a report, or adjusted to add up, where that was asked for.
pub(crate) fn seen<'a>(table: &'a Table, layout: &Layout) -> Cow<'a, Table> {
    match &layout.publication {
        Some(publication) => Cow::Owned(table.published(publication)),
        None if layout.additive => Cow::Owned(table.adjusted()),
        None => Cow::Borrowed(table),
    }
}

/// What a position shows; `measure` counts for statistics alone.
pub(crate) fn value(table: &Table, position: &[usize], content: Content, measure: usize, head: &[usize]) -> Value {
    let value = match content {
        Content::Count => table.cell(position).map(|c| c.count),
        Content::Share(base) => Some(table.share(position, base, head)),
        Content::Valid => table.valid_share(position, measure),
        Content::Statistic(wanted) => {
            let statistic = table.statistics.iter().position(|s| *s == wanted);
            statistic.and_then(|s| table.statistic(position, measure, s))
        }
    };
    value.unwrap_or(Value::Undefined)
}

/// Every combination of categories and totals, the last dimension fastest.
fn combinations(table: &Table, dimensions: &[usize]) -> Vec<Vec<usize>> {
    dimensions.iter().fold(vec![Vec::new()], |heads, d| {
        let size = table.dimensions[*d].categories.len() + 1;
        heads.iter().flat_map(|head| (0..size).map(move |at| [head.as_slice(), &[at]].concat())).collect()
    })
}

/// Ascending by released number, hidden and undefined ones after the others; ties keep their order, totals stand last.
fn sorted(
    places: &[Vec<usize>],
    total: impl Fn(&Vec<usize>) -> bool,
    key: impl Fn(&Vec<usize>) -> Value,
) -> Vec<Vec<usize>> {
    let (totals, mut inner): (Vec<Vec<usize>>, Vec<Vec<usize>>) = places.iter().cloned().partition(total);
    inner.sort_by_cached_key(|place| match key(place).number() {
        Some(x) => (false, ordered(x)),
        None => (true, 0),
    });
    inner.extend(totals);
    inner
}

/// A number whose order as an integer is that of the float.
fn ordered(x: f64) -> i64 {
    let bits = (x + 0.0).to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}
