//! What is shown as a curve, box or flow and computed as a table: box plots, pies, flows between variables, and transitions
//! between the occasions of a panel (STAT-046, section 7 of statistics.md). The gate has the rules of tables for them.

use std::sync::Arc;

use script::program::{Describe, Name};

use crate::control::{Control, stopped};
use crate::dataset::{Column, Dataset, DatasetKind, Rows, column_key};
use crate::error::RunError;
use crate::mask::Mask;
use crate::people::NONE;
use crate::raw::{RawChart, RawTable};
use crate::statistics::Wanted;
use crate::table::Scan;
use crate::take::take;

/// Percentiles of a box: the ends of the whiskers, the box, the line in it.
const BOX: [f64; 5] = [5.0, 25.0, 50.0, 75.0, 95.0];

/// `piechart` (LANG-177).
pub(crate) fn pie(scan: &Scan<'_>, plan: &Describe) -> Result<RawTable, RunError> {
    let variables: Vec<&str> = plan.variables.iter().map(|v| &**v).collect();
    scan.table(&variables, &[], &Wanted::default())
}

/// `boxplot` (LANG-176): every variable in every group.
pub(crate) fn boxes(scan: &Scan<'_>, plan: &Describe) -> Result<RawChart, RunError> {
    let groups: Vec<&str> = plan.over.iter().map(|n| &**n).collect();
    let measures: Vec<&str> = plan.variables.iter().map(|n| &**n).collect();
    let wanted = Wanted { percentiles: BOX.to_vec(), gini: false };
    Ok(RawChart { tables: vec![scan.table(&groups, &measures, &wanted)?] })
}

/// `sankey` (LANG-180): one table for each two neighbouring variables.
pub(crate) fn flows(scan: &Scan<'_>, plan: &Describe) -> Result<RawChart, RunError> {
    let pairs = plan.variables.windows(2);
    let tables = pairs.map(|pair| scan.table(&[&pair[0], &pair[1]], &[], &Wanted::default()));
    Ok(RawChart { tables: tables.collect::<Result<_, RunError>>()? })
}

/// `transitions-panel` (LANG-170): from one occasion to the next of the panel, one table per variable. `occasion` is the
/// column of the occasions.
pub(crate) fn transitions(scan: &Scan<'_>, plan: &Describe, occasion: &str) -> Result<RawChart, RunError> {
    let pairs = neighbours(scan, occasion)?;
    let mut tables = Vec::new();
    for name in &plan.variables {
        stopped(scan.control)?;
        let column = scan.column(name)?;
        let (from, to): (Name, Name) = (format!("from {name}").into(), format!("to {name}").into());
        let dataset = pairs.dataset(scan.dataset, column, [&from, &to], scan.control)?;
        let mask = Arc::clone(&dataset.mask);
        let people = scan.people.of_rows(dataset.rows.clone());
        let inner = Scan { dataset: &dataset, mask: &mask, people: &people, ..*scan };
        tables.push(inner.table(&[&from, &to], &[], &Wanted::default())?);
    }
    Ok(RawChart { tables })
}

/// Rows of a panel, each with the row of the same unit on the next occasion.
struct Neighbours {
    from: Vec<u32>,
    to: Vec<u32>,
}

/// The neighbouring rows in the time grid of a panel: a unit that skips an occasion has no transition over it.
fn neighbours(scan: &Scan<'_>, occasion: &str) -> Result<Neighbours, RunError> {
    let axis = scan.axis(occasion)?;
    let rows = scan.mask.len();
    let mut places = vec![0; rows];
    axis.places().read(0..rows, &mut places);
    // Occasions that no row of the dataset has are not part of its grid.
    let mut seen = vec![false; axis.len()];
    let here = scan.dataset.mask.iter(0..rows).map(|row| places[row]).filter(|p| *p != NONE);
    here.for_each(|p| seen[p as usize] = true);
    let mut next = vec![NONE; axis.len()];
    let occasions: Vec<usize> = (0..seen.len()).filter(|p| seen[*p]).collect();
    occasions.windows(2).for_each(|pair| next[pair[0]] = pair[1] as u32);
    let mut order: Vec<u32> = scan.mask.iter(0..rows).filter(|row| places[*row] != NONE).map(|r| r as u32).collect();
    let at = |row: u32| (scan.dataset.rows.unit(row as usize), places[row as usize]);
    order.sort_by_key(|row| at(*row));
    let neighbours = order.windows(2).filter(|pair| {
        let ((unit, place), (other, after)) = (at(pair[0]), at(pair[1]));
        unit == other && next[place as usize] == after
    });
    let (from, to) = neighbours.map(|pair| (pair[0], pair[1])).unzip();
    Ok(Neighbours { from, to })
}

impl Neighbours {
    /// One row per transition, with the values of a column before and after.
    fn dataset(
        &self,
        panel: &Dataset,
        column: &Column,
        names: [&Name; 2],
        control: &dyn Control,
    ) -> Result<Dataset, RunError> {
        let units: Vec<u32> = self.from.iter().map(|row| panel.rows.unit(*row as usize)).collect();
        let mut dataset = Dataset {
            kind: DatasetKind::Event,
            columns: Vec::new(),
            set: None,
            mask: Arc::new(Mask::of_valid(None, units.len(), units.len())),
            rows: Rows::Own(units.into()),
            ..panel.clone()
        };
        for (name, rows) in names.into_iter().zip([&self.from, &self.to]) {
            let data = Arc::new(take(&column.data, rows, control)?);
            let key = column_key("transition", &[&column.key, name.as_bytes(), &panel.rows_key]);
            dataset.put(name, Column { data, key, row_wise: false, made: true, ..column.clone() });
        }
        Ok(dataset)
    }
}
