//! Groups that are not small (SDC-230). What `aggregate` and `collapse` give to such a group is a number about many persons
//! which all of them would carry as a value: as a category, or under a condition, it could be read to its last digit. So it
//! is asked of the gate, as the same number in a table is.
//!
//! Which groups are small: those of a unit (a household, a person's spells) with fewer than ten persons, whose values are the
//! rows' own. Groups by values are whatever the script makes of them, and never small: the gate gives those with few persons
//! no value at all.

use std::sync::{Arc, Mutex};

use script::program::{GroupColumn, Groups as Plan, Name, Statistic};

use super::{Raw, Run};
use crate::aggregates::GroupedRows;
use crate::axis::{Axis, AxisOptions};
use crate::control::{Control, stopped};
use crate::data::{Data, Dictionary};
use crate::dataset::{Column, Dataset, column_key};
use crate::error::RunError;
use crate::figures::wanted;
use crate::grid::RowCells;
use crate::mask::Mask;
use crate::members::Members;
use crate::people::{NONE, People, Shape};
use crate::raw::{MeasureKind, PersonSet, RawGroup, RawGroupValue, RawGroups, RawMagnitude, RawMeasure};
use crate::source::Values;
use crate::statistics::{Group, Limits, Wanted, magnitude};
use crate::table::Scan;

/// Groups of a unit with fewer persons are small.
const SMALL: usize = 10;
/// Groups by values with fewer persons have no value: so few that no perturbation makes them enough for one (SDC-040).
const FEWEST: usize = SMALL / 2;

/// The groups that the gate is asked about.
pub(super) struct Large {
    /// Their numbers among all groups, ascending.
    pub(super) groups: Vec<u32>,
    /// Which of them each row is in, [`NONE`] for those in none.
    of_row: Vec<u32>,
    /// Whether the other groups keep their values.
    pub(super) others: bool,
}

impl Large {
    /// Whether all values are the rows' own.
    pub(super) fn none(&self) -> bool {
        self.others && self.groups.is_empty()
    }
}

impl Run {
    /// Which groups are not small.
    pub(super) fn large(
        &self,
        dataset: &Dataset,
        keys: &[(Name, Column)],
        rows: &GroupedRows,
        control: &dyn Control,
    ) -> Result<Large, RunError> {
        let is_unit = |column: &Column| matches!(column.data.values, Values::Unit(_));
        let others = keys.iter().any(|(_, column)| is_unit(column));
        let small = Large { groups: Vec::new(), of_row: Vec::new(), others: true };
        // One unit has one person behind it; and what is known of values alone the gate has given.
        let own = dataset.unit_type.as_ref().map(|unit_type| dataset.unit_key_head(unit_type).key);
        let released = |groups: &crate::dataset::Groups| !groups.keys.iter().any(|(_, column)| is_unit(column));
        if keys.iter().any(|(_, column)| Some(column.key) == own) || dataset.groups.as_deref().is_some_and(released) {
            return Ok(small);
        }
        let least = if others { SMALL } else { FEWEST };
        let people = self.people(dataset)?;
        let persons = persons(&people, rows, least, control)?;
        let groups: Vec<u32> = (0..rows.groups as u32).filter(|g| persons[*g as usize] as usize >= least).collect();
        if groups.len() > self.parameters.max_cells {
            return Err(RunError::too_many_groups());
        }
        if groups.is_empty() {
            return Ok(Large { others, ..small });
        }
        let mut number = vec![NONE; rows.groups];
        groups.iter().enumerate().for_each(|(i, g)| number[*g as usize] = i as u32);
        let of_row = rows.of_row.iter().map(|g| if *g == NONE { NONE } else { number[*g as usize] }).collect();
        Ok(Large { groups, of_row, others })
    }

    /// What the gate is asked, one result per new column.
    pub(super) fn asked(
        &self,
        dataset: &Dataset,
        plan: &Plan,
        large: &Large,
        control: &dyn Control,
    ) -> Result<Vec<Raw<RawGroups>>, RunError> {
        if large.groups.is_empty() {
            return Ok(Vec::new());
        }
        let people = self.people(dataset)?;
        let numbers = Arc::new(numbers(&large.of_row, large.groups.len()));
        let mask = Arc::new(dataset.mask.and(&Mask::of_valid(numbers.validity.as_ref(), numbers.len(), numbers.len())));
        let each = |new: &GroupColumn| {
            stopped(control)?;
            let source = dataset.find(&new.source).ok_or_else(|| RunError::unknown_column(&new.source))?;
            let mut with_source = dataset.clone();
            with_source.put(&new.source, source.clone());
            let scan = Scan {
                dataset: &with_source,
                mask: &mask,
                people: &people,
                cache: &self.cache,
                parameters: &self.parameters,
                control,
                options: AxisOptions { missing: false, nolabels: true, language: self.language },
                unlisted: &Mutex::default(),
            };
            let column = Column { data: Arc::clone(&numbers), labels: None, flagged: Arc::default(), ..source.clone() };
            let axis = Axis::of("", &column, &mask, scan.options, scan.parameters, control)?;
            let asked = Asked { run: self, scan: &scan, large, of_row: RowCells::new(&[axis], &mask) };
            asked.column(new, &source).map(Raw::new)
        };
        plan.columns.iter().map(each).collect()
    }
}

/// One new column that is asked for.
struct Asked<'a> {
    run: &'a Run,
    scan: &'a Scan<'a>,
    large: &'a Large,
    of_row: RowCells,
}

impl Asked<'_> {
    fn column(&self, new: &GroupColumn, source: &Column) -> Result<RawGroups, RunError> {
        let sets = self.sets(&self.of_row)?;
        let counts = matches!(new.statistic, Statistic::Count | Statistic::Percent);
        let row_is_person = self.scan.people.direct();
        let (measure, all, values): (_, _, Vec<RawGroupValue>) = if counts {
            let population = self.run.population_key(self.scan.dataset)?;
            let measure = |what: &str| RawMeasure {
                name: new.column.to_string(),
                label: None,
                kind: MeasureKind::Integer,
                origin: source.origin.to_vec(),
                column_key: column_key(what, &[&source.key, &population]),
                row_wise: false,
                limits: None,
                wide: None,
                light_tails: true,
                derived: None,
            };
            let valid = self.scan.with_values(&new.source, source)?;
            let valid_rows = self.of_row.with(&valid);
            let valid_sets = self.sets(&valid_rows)?;
            let values = if row_is_person {
                valid_sets.into_iter().map(RawGroupValue::Persons).collect()
            } else {
                let all = self.per_person(sets.iter().map(PersonSet::copy).collect(), &self.of_row)?;
                let valid = self.per_person(valid_sets, &valid_rows)?;
                valid.into_iter().zip(all).map(|(valid, all)| RawGroupValue::Rows { valid, all }).collect()
            };
            (measure("rows of a person with a value"), Some(measure("rows of a person")), values)
        } else {
            let measure = self.scan.measure(&new.source)?;
            let wanted = match new.statistic {
                // The ends of the order, not percentiles near them (SDC-120).
                Statistic::Min => Wanted { percentiles: vec![0.0], gini: false },
                Statistic::Max => Wanted { percentiles: vec![100.0], gini: false },
                other => wanted(&[other]),
            };
            let (head, mut found) = self.scan.magnitudes(&measure, &self.of_row, &self.shape(), None, &wanted)?;
            found.truncate(self.large.groups.len());
            (head, None, found.into_iter().map(RawGroupValue::Numbers).collect())
        };
        let groups = sets.into_iter().zip(values).map(|(set, value)| RawGroup { set, value }).collect();
        Ok(RawGroups { statistic: new.statistic, measure, all, groups })
    }

    fn shape(&self) -> Shape {
        Shape(vec![self.large.groups.len()])
    }

    /// The persons of each group.
    fn sets(&self, of_row: &RowCells) -> Result<Vec<PersonSet>, RunError> {
        let shape = self.shape();
        let cells = self.scan.people.cells(of_row, &shape, self.scan.control)?;
        let members = self.scan.people.membership(of_row.clone(), &shape, &cells);
        let each = cells.into_iter().take(self.large.groups.len()).enumerate();
        Ok(each
            .map(|(place, cell)| PersonSet { members: Members::new(Arc::clone(&members), place), ..cell.set })
            .collect())
    }

    /// How many rows each person has in each group.
    fn per_person(&self, sets: Vec<PersonSet>, of_row: &RowCells) -> Result<Vec<RawMagnitude>, RunError> {
        let Scan { people, parameters, control, mask, .. } = self.scan;
        let member = people.member_of_rows(mask.len());
        let rows = of_row.rows(*control)?.into_iter();
        let mut pairs: Vec<(u32, u32)> = rows
            .filter_map(|(row, group)| Some((group, member[row as usize])).filter(|(_, member)| *member != NONE))
            .collect();
        pairs.sort_unstable();
        let mut numbers: Vec<Vec<f64>> = vec![Vec::new(); sets.len()];
        for person in pairs.chunk_by(|a, b| a == b) {
            numbers[person[0].0 as usize].push(person.len() as f64);
        }
        let each = sets.into_iter().zip(numbers);
        Ok(each
            .map(|(set, numbers)| {
                magnitude(&[&Group::of(&numbers, Limits::NONE)], set, Limits::NONE, &Wanted::default(), parameters)
            })
            .collect())
    }
}

/// How many persons each group has, as far as `least`.
fn persons(people: &People, rows: &GroupedRows, least: usize, control: &dyn Control) -> Result<Vec<u32>, RunError> {
    let mut counts = vec![0u32; rows.groups];
    rows.of_row.iter().filter(|g| **g != NONE).for_each(|g| counts[*g as usize] += 1);
    if people.direct() || counts.iter().all(|n| (*n as usize) < least) {
        return Ok(counts);
    }
    stopped(control)?;
    // Among so many rows as may be enough persons: the first of them.
    let mut found: Vec<Vec<u32>> = vec![Vec::new(); rows.groups];
    let member = people.member_of_rows(rows.of_row.len());
    for (g, member) in rows.of_row.iter().zip(member) {
        if *g == NONE || member == NONE || (counts[*g as usize] as usize) < least {
            continue;
        }
        let found = &mut found[*g as usize];
        if found.len() < least && !found.contains(&member) {
            found.push(member);
        }
    }
    Ok(found.iter().map(|found| found.len() as u32).collect())
}

/// The group of each row as a column of so many categories.
fn numbers(of_row: &[u32], groups: usize) -> Data {
    let valid: Vec<bool> = of_row.iter().map(|g| *g != NONE).collect();
    let codes: Vec<u32> = of_row.iter().map(|g| if *g == NONE { 0 } else { *g }).collect();
    let dictionary = Dictionary::Integer((0..groups as i64).collect());
    Data::new(Values::Code32(codes.into()), Some(valid.into()), Some(Arc::new(dictionary)))
}
