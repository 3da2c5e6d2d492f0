//! The rows that may leave: for each table of the order exactly its columns at their granularity, only rows of the
//! population's persons, only rows of the period (section 2, DEL-016). What is not read here cannot be delivered.

use std::collections::HashMap;
use std::sync::Arc;

use engine::source::{CodeList, StoreVersion, Temporality, VariableSource};
use kernel::{Date, LangMap, Language};
use protocol::documents::{ColumnOrder, Deviation, ExtractionOrder, RowCounts, TableOrder};

use super::population::{behind_table, version_of};
use super::set::PersonSet;
use super::source::{Dataset, FIRST, LAST, Persons, split};
use crate::codebook::{Code, Entry};
use crate::granularity::{Cell, CellKind};
use crate::table::{Column, Table};
use crate::{DeliveryError, Granularity};

/// Names of the date columns of tables whose rows have dates.
pub(crate) const START: &str = "start";
pub(crate) const STOP: &str = "stop";

/// A table as it may leave, its key still the person's ordinal.
pub(crate) struct Extracted {
    pub table: Table,
    pub codebook: Vec<Entry>,
    pub steps: Vec<RowCounts>,
    pub deviations: Vec<Deviation>,
}

/// The name of a column: the last part of the variable's id.
pub(crate) fn column_name(id: &str) -> &str {
    id.rsplit('.').next().unwrap_or(id)
}

/// Whether rows of this temporality carry dates of their own.
fn has_dates(temporality: Temporality) -> bool {
    temporality != Temporality::Fixed
}

/// Extracts one table.
pub(crate) fn extract(
    source: &dyn VariableSource,
    order: &ExtractionOrder,
    table: &TableOrder,
    population: &PersonSet,
) -> Result<Extracted, DeliveryError> {
    let (from, to) = (table.period.0.days(), table.period.1.days());
    let mut columns = Vec::new();
    for column in &table.columns {
        let (store, name) = split(&column.dataset)?;
        let at = version_of(source, order, store)?;
        if at.version != table.store_version {
            return Err(DeliveryError::Stopped("unknown_store_version"));
        }
        columns.push((column, Dataset::read(source, &at, name, from, to)?));
    }
    // A missing column becomes a deviation, a missing table stops the delivery (DEL-013).
    let Some(temporality) = columns.iter().find_map(|(_, d)| d.as_ref().map(Dataset::temporality)) else {
        return Err(DeliveryError::Stopped("table_missing"));
    };
    let one_kind = columns
        .iter()
        .filter_map(|(_, d)| d.as_ref())
        .all(|d| d.temporality() == temporality && d.variable.info.unit_type.name == table.unit_type);
    if !one_kind || (temporality == Temporality::Event && columns.len() > 1) {
        return Err(DeliveryError::Stopped("schema_mismatch"));
    }
    let lead = columns.iter().find_map(|(_, d)| d.as_ref());
    let persons = match lead {
        Some(dataset) => behind_table(source, order, table, dataset)?,
        None => return Err(DeliveryError::Stopped("table_missing")),
    };
    let days = date_of_units(source, order, table, temporality)?;
    let rows = Rows::select(&columns, table, &persons, population, days.as_deref());
    rows.build(table, temporality, &columns)
}

/// The day of each FIXED unit by the collection's date variable; none when it has none.
fn date_of_units(
    source: &dyn VariableSource,
    order: &ExtractionOrder,
    table: &TableOrder,
    temporality: Temporality,
) -> Result<Option<Vec<Option<i32>>>, DeliveryError> {
    let Some(variable) = table.date_variable.as_deref().filter(|_| temporality == Temporality::Fixed) else {
        return Ok(None);
    };
    let dataset = order.population.datasets.get(variable).map_or(variable, String::as_str);
    let (store, name) = split(dataset)?;
    let at: StoreVersion = version_of(source, order, store)?;
    let read = Dataset::read(source, &at, name, FIRST, LAST)?.ok_or(DeliveryError::Stopped("unknown_dataset"))?;
    let size = read.spells.ordinals.iter().max().map_or(0, |m| *m as usize + 1);
    let mut days = vec![None; size];
    for i in 0..read.len() {
        if let Some(Cell::Date(day)) = read.cell(i) {
            days[read.spells.ordinals[i] as usize] = Some(day);
        }
    }
    Ok(Some(days))
}

/// The rows of a table: person, dates, and the row of each column's dataset.
struct Rows {
    persons: Vec<u32>,
    starts: Vec<i32>,
    stops: Vec<i32>,
    /// Per column: index into its dataset.
    cells: Vec<Vec<Option<u32>>>,
    steps: Vec<RowCounts>,
}

impl Rows {
    fn select(
        columns: &[(&ColumnOrder, Option<Dataset>)],
        table: &TableOrder,
        persons: &Persons,
        population: &PersonSet,
        days: Option<&[Option<i32>]>,
    ) -> Self {
        let (from, to) = (table.period.0.days(), table.period.1.days());
        let fixed = columns.iter().filter_map(|(_, d)| d.as_ref()).any(|d| d.temporality() == Temporality::Fixed);
        let mut places: HashMap<(u32, i32, i32), u32> = HashMap::new();
        let mut rows = Self {
            persons: Vec::new(),
            starts: Vec::new(),
            stops: Vec::new(),
            cells: vec![Vec::new(); columns.len()],
            steps: Vec::new(),
        };
        // Counted after the population and the choices, so that nobody who opted out is in any number (DEL-012).
        let mut before: HashMap<(u32, i32, i32), u32> = HashMap::new();
        for (c, (_, dataset)) in columns.iter().enumerate() {
            let Some(dataset) = dataset else { continue };
            for i in 0..dataset.len() {
                let unit = dataset.spells.ordinals[i];
                let Some(person) = persons.person(unit).filter(|p| population.contains(*p)) else { continue };
                let (start, stop) = if fixed { (0, 0) } else { (dataset.spells.starts[i], dataset.spells.stops[i]) };
                before.insert((unit, start, stop), person);
                let inside = if fixed {
                    match days {
                        None => true,
                        Some(days) => match days.get(unit as usize).copied().flatten() {
                            Some(day) => from <= day && day <= to,
                            None => table.undated == "include",
                        },
                    }
                } else {
                    start <= to && from <= stop
                };
                if !inside {
                    continue;
                }
                let place = *places.entry((unit, start, stop)).or_insert_with(|| {
                    rows.persons.push(person);
                    rows.starts.push(start.max(from));
                    rows.stops.push(stop.min(to));
                    rows.cells.iter_mut().for_each(|c| c.push(None));
                    rows.persons.len() as u32 - 1
                });
                rows.cells[c][place as usize] = Some(i as u32);
            }
        }
        let persons_before: PersonSet = before.values().copied().collect();
        let persons_after: PersonSet = rows.persons.iter().copied().collect();
        rows.steps = vec![
            counts(&table.table, "population_and_choices", before.len(), persons_before.len()),
            counts(&table.table, "period", rows.persons.len(), persons_after.len()),
        ];
        rows
    }

    fn build(
        self,
        table: &TableOrder,
        temporality: Temporality,
        columns: &[(&ColumnOrder, Option<Dataset>)],
    ) -> Result<Extracted, DeliveryError> {
        let mut out = Extracted {
            table: Table { name: table.table.clone(), keys: self.persons, columns: Vec::new() },
            codebook: Vec::new(),
            steps: self.steps,
            deviations: Vec::new(),
        };
        let mut row_level = None;
        for ((order, dataset), cells) in columns.iter().zip(&self.cells) {
            let level: Granularity =
                order.granularity.parse().map_err(|_| DeliveryError::Stopped("granularity_not_supported"))?;
            let name = column_name(&order.id).to_owned();
            if name == START || name == STOP || out.table.columns.iter().any(|(n, _)| *n == name) {
                return Err(DeliveryError::Stopped("column_name_twice"));
            }
            let (column, value_level) = match dataset {
                None => {
                    out.deviations.push(deviation(table, &name, "column_missing", cells.len()));
                    (Column::empty(CellKind::Text, cells.len()), level)
                }
                Some(dataset) => {
                    // A level of time on a variable that is no date speaks of the dates of the row.
                    let of_row = level.is_time()
                        && has_dates(temporality)
                        && dataset.kind().is_some_and(|k| level.output(k).is_none());
                    if of_row {
                        row_level = Some(level);
                    }
                    let value_level = if of_row { Granularity::AsIs } else { level };
                    let outside = outside_code_list(dataset, cells);
                    if outside > 0 {
                        out.deviations.push(deviation(table, &name, "not_in_code_list", outside));
                    }
                    (values(dataset, cells, value_level)?, value_level)
                }
            };
            out.codebook.push(entry(table, order, dataset.as_ref(), &name, &column, value_level, &out.deviations));
            out.table.columns.push((name, column));
        }
        if has_dates(temporality) {
            let level = row_level.unwrap_or(Granularity::Day);
            for (name, days, label) in [
                (START, &self.starts, LangMap::of("Fra og med", "Frå og med", "First day")),
                (STOP, &self.stops, LangMap::of("Til og med", "Til og med", "Last day")),
            ] {
                let column = dates(days, level)?;
                out.codebook.push(Entry {
                    table: table.table.clone(),
                    name: name.to_owned(),
                    id: None,
                    version: None,
                    label,
                    description: LangMap::default(),
                    kind: column.kind().into(),
                    granularity: level.to_string(),
                    period: table.period,
                    codes: Vec::new(),
                    missing_codes: Vec::new(),
                    deviations: Vec::new(),
                });
                out.table.columns.push((name.to_owned(), column));
            }
        }
        Ok(out)
    }
}

fn counts(table: &str, after: &str, rows: usize, persons: usize) -> RowCounts {
    RowCounts { table: table.to_owned(), after: after.to_owned(), rows: few(rows), persons: few(persons) }
}

/// A count as it may be written: counts below 5 as `<5` (DEL-012).
pub(crate) fn few(n: usize) -> String {
    if (1..5).contains(&n) { "<5".to_owned() } else { n.to_string() }
}

fn deviation(table: &TableOrder, column: &str, kind: &str, rows: usize) -> Deviation {
    Deviation { table: table.table.clone(), column: column.to_owned(), kind: kind.to_owned(), rows: rows as u64 }
}

/// The values of a column at a level.
fn values(dataset: &Dataset, cells: &[Option<u32>], level: Granularity) -> Result<Column, DeliveryError> {
    let unfit = DeliveryError::Stopped("granularity_not_supported");
    let Some(kind) = dataset.kind() else { return Err(DeliveryError::Stopped("pointer_column")) };
    let Some(output) = level.output(kind) else { return Err(unfit) };
    let mut column = Column::empty(output, cells.len());
    // Codes and texts repeat: each distinct one is coarsened and stored once.
    let mut texts: HashMap<String, Arc<str>> = HashMap::new();
    for (row, at) in cells.iter().enumerate() {
        let Some(cell) = at.and_then(|i| dataset.cell(i as usize)) else { continue };
        // A code that stands for a missing value is no value that could be made coarser.
        let sentinel = at.is_some_and(|i| dataset.is_sentinel(i as usize));
        let coarse = match level.apply(cell.clone()) {
            Ok(coarse) => coarse,
            Err(_) if sentinel => continue,
            Err(_) => return Err(DeliveryError::Stopped("granularity_not_supported")),
        };
        match (&mut column, coarse) {
            (Column::Int(v), Cell::Int(n)) => v[row] = Some(n),
            (Column::Float(v), Cell::Float(x)) => v[row] = Some(x),
            (Column::Date(v), Cell::Date(d)) => v[row] = Some(d),
            (Column::Text(v), Cell::Text(t)) => {
                v[row] = Some(texts.entry(t).or_insert_with_key(|t| Arc::from(t.as_str())).clone());
            }
            _ => return Err(DeliveryError::Stopped("granularity_not_supported")),
        }
    }
    Ok(column)
}

fn dates(days: &[i32], level: Granularity) -> Result<Column, DeliveryError> {
    let unfit = |_| DeliveryError::Stopped("granularity_not_supported");
    let cells = days.iter().map(|d| level.apply(Cell::Date(*d)).map_err(unfit)).collect::<Result<Vec<_>, _>>()?;
    let mut ints = Vec::new();
    let mut dates = Vec::new();
    for cell in cells {
        match cell {
            Cell::Int(n) => ints.push(Some(n)),
            Cell::Date(d) => dates.push(Some(d)),
            _ => return Err(DeliveryError::Stopped("granularity_not_supported")),
        }
    }
    Ok(if level == Granularity::Year { Column::Int(ints) } else { Column::Date(dates) })
}

fn outside_code_list(dataset: &Dataset, cells: &[Option<u32>]) -> usize {
    let Some(list) = &dataset.variable.info.code_list else { return 0 };
    let Some(codes) = &dataset.variable.codes else { return 0 };
    let known: Vec<bool> =
        codes.codes.iter().map(|code| list.periods.iter().any(|p| p.codes.iter().any(|c| c.code == *code))).collect();
    let outside = |i: u32| dataset.code_index(i as usize).is_some_and(|c| !known.get(c).copied().unwrap_or(false));
    cells.iter().flatten().filter(|i| outside(**i)).count()
}

fn entry(
    table: &TableOrder,
    order: &ColumnOrder,
    dataset: Option<&Dataset>,
    name: &str,
    column: &Column,
    level: Granularity,
    deviations: &[Deviation],
) -> Entry {
    let info = dataset.map(|d| &d.variable.info);
    let list = info.and_then(|i| i.code_list.as_ref()).filter(|_| level == Granularity::AsIs);
    let mut label = info.map(|i| i.title.clone()).unwrap_or_default();
    if label.text(Language::Nb).is_empty() {
        label = LangMap::of(name, name, name);
    }
    Entry {
        table: table.table.clone(),
        name: name.to_owned(),
        id: Some(order.id.clone()),
        version: Some(order.version),
        label,
        description: info.map(|i| i.description.clone()).unwrap_or_default(),
        kind: column.kind().into(),
        granularity: order.granularity.clone(),
        period: table.period,
        codes: list.map(|l| codes_of(l, table.period)).unwrap_or_default(),
        missing_codes: list
            .iter()
            .flat_map(|l| &l.periods)
            .flat_map(|p| p.codes.iter().filter(|c| c.missing).map(|c| c.code.clone()))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
        deviations: deviations.iter().filter(|d| d.column == name).cloned().collect(),
    }
}

/// The codes that were valid within the period.
fn codes_of(list: &CodeList, period: (Date, Date)) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    let within =
        |p: &&engine::source::CodePeriod| p.from.is_none_or(|f| f <= period.1) && p.until.is_none_or(|u| period.0 <= u);
    for p in list.periods.iter().filter(within) {
        for c in &p.codes {
            match codes.iter_mut().find(|k| k.code == c.code && k.label == c.label) {
                // The same code with the same meaning in the next period: one entry over both.
                Some(known) => known.until = p.until,
                None => codes.push(Code { code: c.code.clone(), label: c.label.clone(), from: p.from, until: p.until }),
            }
        }
    }
    codes
}
