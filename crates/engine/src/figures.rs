//! The statistic commands of a script as tables: which dimensions, which measures, which percentiles.

use script::program::{Barchart, Statistic, Summarize, Tabulate};

use crate::error::RunError;
use crate::raw::{RawChart, RawSummary, RawTable};
use crate::statistics::Wanted;
use crate::table::Scan;

/// Most dimensions of a table (LANG-162).
const MOST_DIMENSIONS: usize = 6;

/// `tabulate` (LANG-162). Order, percentages and cutting are made from released numbers, not here.
pub(crate) fn tabulate(scan: &Scan<'_>, plan: &Tabulate) -> Result<RawTable, RunError> {
    if plan.variables.len() > MOST_DIMENSIONS {
        return Err(RunError::too_many_cells());
    }
    let dimensions: Vec<&str> = plan.variables.iter().map(|v| &**v).collect();
    match &plan.summarize {
        None => scan.table(&dimensions, &[], &Wanted::default()),
        Some((measure, statistics)) => scan.table(&dimensions, &[measure], &wanted(statistics)),
    }
}

/// `summarize` (LANG-160).
pub(crate) fn summarize(scan: &Scan<'_>, plan: &Summarize) -> Result<RawSummary, RunError> {
    let names: Vec<&str> = plan.variables.iter().map(|v| &**v).collect();
    scan.summary(&names, plan.skipped.iter().map(|n| n.to_string()).collect(), &summary_statistics(plan))
}

/// `summarize-panel` (LANG-161): every variable on every occasion.
pub(crate) fn summarize_panel(scan: &Scan<'_>, plan: &Summarize, occasion: &str) -> Result<RawSummary, RunError> {
    let names: Vec<&str> = plan.variables.iter().map(|v| &**v).collect();
    let skipped = plan.skipped.iter().map(|n| n.to_string()).collect();
    scan.summary_by(occasion, &names, skipped, &summary_statistics(plan))
}

fn summary_statistics(plan: &Summarize) -> Wanted {
    Wanted { percentiles: vec![1.0, 25.0, 50.0, 75.0, 99.0], gini: plan.gini }
}

/// `barchart` (LANG-175). Groups are the dimensions: those of `over`, then that of `by`. The variable itself is the second
/// dimension, as the columns of a table are, so that a row percentage is a percentage within a group.
pub(crate) fn barchart(scan: &Scan<'_>, plan: &Barchart) -> Result<RawChart, RunError> {
    let groups: Vec<&str> = plan.over.iter().chain(&plan.by).map(|n| &**n).collect();
    let mut tables = Vec::new();
    for variable in plan.variables.iter().filter(|v| v.categories) {
        let mut dimensions = groups.clone();
        dimensions.insert(groups.len().min(1), &variable.column);
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(RunError::too_many_cells());
        }
        tables.push(scan.table(&dimensions, &[], &Wanted::default())?);
    }
    let measures: Vec<&str> = plan.variables.iter().filter(|v| !v.categories).map(|v| &*v.column).collect();
    if !measures.is_empty() {
        if groups.len() > MOST_DIMENSIONS {
            return Err(RunError::too_many_cells());
        }
        tables.push(scan.table(&groups, &measures, &wanted(&[plan.statistic]))?);
    }
    Ok(RawChart { tables })
}

/// What has to be computed for these statistics.
pub(crate) fn wanted(statistics: &[Statistic]) -> Wanted {
    let mut wanted = Wanted::default();
    for statistic in statistics {
        let percentiles: &[f64] = match statistic {
            Statistic::Min => &[1.0],
            Statistic::P25 => &[25.0],
            Statistic::Median | Statistic::P50 => &[50.0],
            Statistic::P75 => &[75.0],
            Statistic::Max => &[99.0],
            Statistic::Iqr => &[25.0, 75.0],
            Statistic::Gini => {
                wanted.gini = true;
                &[]
            }
            Statistic::Count
            | Statistic::Percent
            | Statistic::Mean
            | Statistic::Sum
            | Statistic::Sd
            | Statistic::Semean
            | Statistic::Sebinomial => &[],
        };
        wanted.percentiles.extend(percentiles);
    }
    wanted.percentiles.sort_by(f64::total_cmp);
    wanted.percentiles.dedup();
    wanted
}
