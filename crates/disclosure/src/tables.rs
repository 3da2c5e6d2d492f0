//! Rules for tables (SDC-043, SDC-044, SDC-131, SDC-220): every cell and margin is perturbed on its own, small ones are
//! hidden, and a table with too many small cells is withheld as a whole.

use engine::raw::{RawCategory, RawChart, RawDimension, RawTable};

use crate::gate::private::Rules;
use crate::gate::{Count, Desk, Stopped};
use crate::magnitudes::{head, statistics};
use crate::reason::Reason;
use crate::released::{Blocks, Category, Cell, Dimension, Table, Value};

impl Rules for RawTable {
    type Out = Table;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Table, Stopped> {
        let mut counts = Vec::with_capacity(self.cells.len());
        for (at, cell) in self.cells.iter().enumerate() {
            counts.push(desk.count(&cell.set, at)?);
        }
        let kept = kept_categories(&self, &counts, desk);
        // Also where the table is withheld.
        let shown = positions(&kept).iter().filter(|p| desk.show(counts[self.index(p)]).hidden().is_none()).count();
        desk.shows(shown.max(1));
        if sparse(&self, &counts, &kept, desk) {
            return Err(Reason::Sparse.into());
        }
        let mut winsorised = vec![false; self.measures.len()];
        let mut cells = Vec::new();
        for position in positions(&kept) {
            let at = self.index(&position);
            let count = desk.show(counts[at]);
            let mut values = Vec::new();
            for (m, (measure, group)) in self.measures.iter().zip(&self.cells[at].magnitudes).enumerate() {
                let found = statistics(desk, measure, group, at)?;
                // A cell whose count is hidden shows nothing at all.
                match count {
                    Value::Hidden(reason) => values.extend(found.values.iter().map(|_| Value::Hidden(reason))),
                    _ => {
                        winsorised[m] |= found.winsorised;
                        values.extend(found.values);
                    }
                }
            }
            cells.push(Cell { count, values });
        }
        let statistics = if self.measures.is_empty() { Vec::new() } else { desk.statistics().to_vec() };
        Ok(Table {
            dimensions: self.dimensions.iter().zip(&kept).map(|(d, keep)| dimension(d, keep)).collect(),
            measures: self.measures.iter().zip(winsorised).map(|(m, w)| head(m, w)).collect(),
            statistics,
            cells,
            typical_error: desk.policy().typical_error(),
            chi_square: None,
        })
    }
}

impl Rules for RawChart {
    type Out = Blocks;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Blocks, Stopped> {
        let tables = self.tables.into_iter().map(|t| t.decide(desk)).collect::<Result<_, Stopped>>()?;
        Ok(Blocks { tables })
    }
}

/// SDC-131: whether more than the allowed share of the inner cells with positive margins is small. Only cells that are
/// shown count: which others there are depends on single persons.
fn sparse(table: &RawTable, counts: &[Count], kept: &[Vec<usize>], desk: &Desk<'_>) -> bool {
    let rules = desk.policy().rules();
    let (mut all, mut low) = (0u64, 0u64);
    for position in positions(kept) {
        let inner = position.iter().zip(&table.dimensions).all(|(p, d)| *p < d.categories.len());
        if !inner {
            continue;
        }
        let count = counts[table.index(&position)];
        let structural = (0..position.len()).any(|d| counts[margin(table, d, position[d])].shown == 0);
        if !structural {
            all += 1;
            low += u64::from(count.shown < rules.low_cell);
        }
    }
    all > 0 && low as f64 > rules.low_share * all as f64
}

/// The index of the total of one category of one dimension.
fn margin(table: &RawTable, dimension: usize, category: usize) -> usize {
    let mut position: Vec<usize> = table.dimensions.iter().map(|d| d.categories.len()).collect();
    position[dimension] = category;
    table.index(&position)
}

/// The positions of each dimension that are shown, the total last. Where zeros are hidden a category is shown only where
/// its own total is: that it occurs at all would else tell a person from nobody (SDC-043). Where they are not, this holds
/// for a value that stands in no code list: a rare one would show itself by its name (SDC-120, SDC-220).
fn kept_categories(table: &RawTable, counts: &[Count], desk: &Desk<'_>) -> Vec<Vec<usize>> {
    let all = table.dimensions.iter().enumerate();
    all.map(|(d, dimension)| {
        let shown = |c: &usize| {
            let category = &dimension.categories[*c];
            let listed = (category.label.is_some() || category.missing) && !desk.policy().rules().hide_zero;
            listed || desk.show(counts[margin(table, d, *c)]).hidden().is_none()
        };
        let total = dimension.categories.len();
        (0..total).filter(shown).chain([total]).collect()
    })
    .collect()
}

/// Every combination of the kept positions, the last dimension fastest.
fn positions(kept: &[Vec<usize>]) -> Vec<Vec<usize>> {
    kept.iter().fold(vec![Vec::new()], |heads, options| {
        let mut out = Vec::with_capacity(heads.len() * options.len());
        for head in &heads {
            for option in options {
                let mut position = head.clone();
                position.push(*option);
                out.push(position);
            }
        }
        out
    })
}

fn dimension(raw: &RawDimension, keep: &[usize]) -> Dimension {
    Dimension {
        name: raw.name.clone(),
        label: raw.label.clone(),
        categories: keep.iter().filter_map(|c| raw.categories.get(*c)).map(category).collect(),
    }
}

/// A category as it is shown.
pub(crate) fn category(c: &RawCategory) -> Category {
    Category { code: c.code.clone(), label: c.label.clone(), missing: c.missing }
}
