//! Rules for the values that `aggregate` and `collapse` give to groups of persons which are not small (SDC-230): the same
//! numbers that a table of these groups would show. Whoever would see a hidden cell there gets no value.
//!
//! Guarantee: a column made of such values tells no more than the table does, however it is used afterwards.

use engine::raw::{GroupStatistic, MeasureKind, RawGroup, RawGroupValue, RawGroups, RawMagnitude, RawMeasure};

use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::magnitudes::statistic;
use crate::numbers::significant;
use crate::released::{GroupValues, Statistic, Value};

/// Groups with fewer persons have no value.
const FEWEST: u64 = 10;

impl Rules for RawGroups {
    type Out = GroupValues;

    fn decide(self, desk: &mut Desk<'_>) -> Result<GroupValues, Stopped> {
        let mut values = Vec::with_capacity(self.groups.len());
        for (cell, group) in self.groups.iter().enumerate() {
            let persons = desk.count(&group.set, cell)?;
            // Computed for everyone: which groups are too small must not be told by what is computed (SDC-054).
            let value = value(&self, desk, group, cell)?;
            values
                .push(value.filter(|_| !persons.empty && persons.shown >= FEWEST.max(desk.policy().rules().min_cell)));
        }
        desk.shows(values.iter().flatten().count());
        Ok(GroupValues { values })
    }
}

/// The value of one group; none where a table would not show it.
fn value(raw: &RawGroups, desk: &mut Desk<'_>, group: &RawGroup, cell: usize) -> Result<Option<f64>, Stopped> {
    match &group.value {
        RawGroupValue::Persons(valid) => {
            let valid = desk.count(valid, cell)?;
            let valid = desk.show(valid);
            if raw.statistic == GroupStatistic::Count {
                return Ok(valid.number());
            }
            let all = desk.count(&group.set, cell)?;
            Ok(share(valid, desk.show(all)))
        }
        RawGroupValue::Rows { valid, all } => {
            let valid = statistic(desk, &raw.measure, valid, Statistic::Sum, cell)?;
            let all = match &raw.all {
                Some(measure) => statistic(desk, measure, all, Statistic::Sum, cell)?,
                None => Value::Undefined,
            };
            Ok(if raw.statistic == GroupStatistic::Count { valid.number().map(f64::round) } else { share(valid, all) })
        }
        RawGroupValue::Numbers(numbers) => of_numbers(raw.statistic, desk, &raw.measure, numbers, cell),
    }
}

fn of_numbers(
    wanted: GroupStatistic,
    desk: &mut Desk<'_>,
    measure: &RawMeasure,
    numbers: &RawMagnitude,
    cell: usize,
) -> Result<Option<f64>, Stopped> {
    let mut ask = |wanted| Ok::<_, Stopped>(statistic(desk, measure, numbers, wanted, cell)?.number());
    Ok(match wanted {
        GroupStatistic::Mean => ask(Statistic::Mean)?,
        GroupStatistic::Sum => ask(Statistic::Sum)?,
        GroupStatistic::Sd => ask(Statistic::Sd)?,
        GroupStatistic::Gini => ask(Statistic::Gini)?,
        GroupStatistic::Iqr => ask(Statistic::Iqr)?,
        GroupStatistic::Min => ask(Statistic::Percentile(0.0))?,
        GroupStatistic::Max => ask(Statistic::Percentile(100.0))?,
        GroupStatistic::P25 => ask(Statistic::Percentile(25.0))?,
        GroupStatistic::Median | GroupStatistic::P50 => ask(Statistic::Percentile(50.0))?,
        GroupStatistic::P75 => ask(Statistic::Percentile(75.0))?,
        // Of released parts alone (SDC-103, SDC-104).
        GroupStatistic::Semean => match (ask(Statistic::Sd)?, ask(Statistic::N)?) {
            (Some(sd), Some(n)) if n > 0.0 => Some(significant(sd / n.sqrt(), 3)),
            _ => None,
        },
        GroupStatistic::Sebinomial => match (ask(Statistic::Mean)?, ask(Statistic::N)?) {
            // Whether all values lie between 0 and 1 may rest on one person; the limits of the register do not.
            (Some(mean), Some(n)) if n > 0.0 && is_share(measure) => {
                let mean = mean.clamp(0.0, 1.0);
                Some(significant((mean * (1.0 - mean) / n).sqrt(), 3))
            }
            _ => None,
        },
        // Of rows, not of numbers.
        GroupStatistic::Count | GroupStatistic::Percent => None,
    })
}

fn is_share(measure: &RawMeasure) -> bool {
    measure.kind != MeasureKind::Date && measure.limits.is_some_and(|(low, high)| low >= 0.0 && high <= 1.0)
}

/// A share in per cent of two released numbers (SDC-044); none where either is hidden.
fn share(part: Value, whole: Value) -> Option<f64> {
    let (part, whole) = (part.number()?, whole.number()?);
    (whole > 0.0).then(|| significant((100.0 * part / whole).min(100.0), 3))
}
