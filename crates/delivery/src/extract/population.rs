//! Who is meant: the permit's population rule, evaluated over the rows of the sources (`access.md` 4.2, ACC-047).

use std::collections::{BTreeMap, HashMap};

use engine::source::{Temporality, VariableSource, space_of};
use kernel::Date;
use kernel::criteria::{self, Crit, Criteria, Item, Test, Value};
use protocol::documents::{ExtractionOrder, TableOrder};

use super::set::PersonSet;
use super::source::{Dataset, FIRST, LAST, Persons, newest, split};
use crate::DeliveryError;

/// The persons of the order's population rule, before any choice is looked at.
pub(crate) fn evaluate(source: &dyn VariableSource, order: &ExtractionOrder) -> Result<PersonSet, DeliveryError> {
    let criteria = Criteria::parse(&order.population.expr).map_err(|_| DeliveryError::Stopped("bad_population"))?;
    let rule = Rule::read(source, order, &criteria)?;
    let persons = criteria.persons(&|variable| rule.table_of(variable));
    rule.persons(&persons)
}

/// The datasets of a rule, by variable.
struct Rule<'a> {
    source: &'a dyn VariableSource,
    order: &'a ExtractionOrder,
    datasets: BTreeMap<String, Dataset>,
    /// Variables that the rule compares with numbers although their values are codes.
    numeric: Vec<String>,
}

impl<'a> Rule<'a> {
    fn read(
        source: &'a dyn VariableSource,
        order: &'a ExtractionOrder,
        criteria: &Criteria,
    ) -> Result<Self, DeliveryError> {
        let mut datasets = BTreeMap::new();
        for variable in criteria.variables() {
            let dataset = order.population.datasets.get(variable).ok_or(DeliveryError::Stopped("bad_population"))?;
            let (store, name) = split(dataset)?;
            let at = version_of(source, order, store)?;
            let read = Dataset::read(source, &at, name, FIRST, LAST)?;
            datasets.insert(variable.to_owned(), read.ok_or(DeliveryError::Stopped("unknown_dataset"))?);
        }
        let numeric = criteria.atoms().into_iter().filter(|a| compares_numbers(&a.test));
        let numeric = numeric.map(|a| a.variable.clone()).collect();
        Ok(Self { source, order, datasets, numeric })
    }

    /// Variables with one name here stand in one row: FIXED ones of a unit, STATUS ones of a day, ACCUMULATED ones of a
    /// period; each EVENT variable has rows of its own (DEL-016).
    fn table_of(&self, variable: &str) -> String {
        let collection = collection_of(variable);
        match self.datasets.get(variable) {
            Some(d) if d.temporality() == Temporality::Event => format!("EVENT {variable}"),
            Some(d) => format!("{:?} {} {collection}", d.temporality(), d.variable.info.unit_type.name),
            None => variable.to_owned(),
        }
    }

    fn persons(&self, rule: &criteria::Persons) -> Result<PersonSet, DeliveryError> {
        Ok(match rule {
            criteria::Persons::All(parts) => {
                let mut sets = parts.iter().map(|p| self.persons(p));
                let first = sets.next().transpose()?.unwrap_or_default();
                sets.try_fold(first, |all, set| set.map(|s| all.and(&s)))?
            }
            criteria::Persons::Any(parts) => {
                parts.iter().map(|p| self.persons(p)).try_fold(PersonSet::default(), |all, s| s.map(|s| all.or(&s)))?
            }
            criteria::Persons::Not(part) => self.everybody()?.without(&self.persons(part)?),
            criteria::Persons::Row { test, .. } => self.with_row(test)?,
        })
    }

    /// Everybody who occurs in a dataset of the rule or of the order: what "not" is meant among. A person about whom
    /// nothing is held cannot be in the population.
    fn everybody(&self) -> Result<PersonSet, DeliveryError> {
        let mut all = PersonSet::default();
        let mut take = |dataset: &Dataset, persons: &Persons| {
            all_of(dataset, persons).for_each(|p| all.insert(p));
        };
        for (variable, dataset) in &self.datasets {
            take(dataset, &self.behind(variable, dataset)?);
        }
        for table in &self.order.tables {
            for column in &table.columns {
                let (store, name) = split(&column.dataset)?;
                let at = version_of(self.source, self.order, store)?;
                if let Some(dataset) = Dataset::read(self.source, &at, name, FIRST, LAST)? {
                    take(&dataset, &behind_table(self.source, self.order, table, &dataset)?);
                }
            }
        }
        Ok(all)
    }

    fn behind(&self, variable: &str, dataset: &Dataset) -> Result<Persons, DeliveryError> {
        let pointer = self.order.population.datasets.get(collection_of(variable)).map(String::as_str);
        Persons::of(self.source, self.order, space_of(&dataset.variable.info.unit_type), pointer)
    }

    /// Persons with at least one row that fulfils the test; all its variables stand in the same rows.
    fn with_row(&self, test: &Crit) -> Result<PersonSet, DeliveryError> {
        let variables: Vec<String> =
            Criteria { root: test.clone() }.variables().into_iter().map(str::to_owned).collect();
        let Some(first) = variables.first() else { return Ok(PersonSet::default()) };
        let lead = self.datasets.get(first).ok_or(DeliveryError::Stopped("bad_population"))?;
        let persons = self.behind(first, lead)?;
        // Rows by unit and dates; FIXED rows have none, so the unit alone is the row.
        let mut rows: HashMap<(u32, i32, i32), Vec<Option<usize>>> = HashMap::new();
        for (v, variable) in variables.iter().enumerate() {
            let dataset = self.datasets.get(variable).ok_or(DeliveryError::Stopped("bad_population"))?;
            for i in 0..dataset.len() {
                let key = (dataset.spells.ordinals[i], dataset.spells.starts[i], dataset.spells.stops[i]);
                rows.entry(key).or_insert_with(|| vec![None; variables.len()])[v] = Some(i);
            }
        }
        let codes = self.codes(&variables);
        let mut found = PersonSet::default();
        for ((unit, _, _), at) in &rows {
            let row = |variable: &str| -> criteria::Cell<'_> {
                let cell = variables.iter().position(|v| v == variable).and_then(|v| at[v].map(|i| (v, i)));
                cell.map_or(criteria::Cell::Missing, |(v, i)| self.cell(&variables[v], i))
            };
            if test.matches(&row, &codes)
                && let Some(person) = persons.person(*unit)
            {
                found.insert(person);
            }
        }
        Ok(found)
    }

    fn cell(&self, variable: &str, i: usize) -> criteria::Cell<'_> {
        use crate::granularity::Cell;
        let Some(dataset) = self.datasets.get(variable) else { return criteria::Cell::Missing };
        if dataset.is_sentinel(i) {
            return criteria::Cell::Missing;
        }
        if let Some(text) = dataset.text(i) {
            if self.numeric.iter().any(|v| v == variable) {
                return text.parse().map_or(criteria::Cell::Missing, criteria::Cell::Number);
            }
            return criteria::Cell::Text(text);
        }
        match dataset.cell(i) {
            Some(Cell::Int(n)) => criteria::Cell::Number(n as f64),
            Some(Cell::Float(x)) => criteria::Cell::Number(x),
            Some(Cell::Date(d)) => criteria::Cell::Date(Date::from_days(d)),
            Some(Cell::Text(_)) | None => criteria::Cell::Missing,
        }
    }

    fn codes(&self, variables: &[String]) -> CodeLists {
        let mut lists = CodeLists::default();
        for variable in variables {
            let Some(dataset) = self.datasets.get(variable) else { continue };
            let info = &dataset.variable.info;
            let listed: Vec<&str> = match (&dataset.variable.codes, &dataset.spells.values) {
                (Some(codes), _) => codes.codes.iter().map(String::as_str).collect(),
                (None, engine::source::Values::Text { dictionary, .. }) => {
                    dictionary.iter().map(String::as_str).collect()
                }
                _ => continue,
            };
            if criteria::are_hierarchical(listed.iter().copied()) {
                lists.hierarchical.push(variable.clone());
            }
            if info.code_list.is_some() {
                let places = listed.iter().enumerate().map(|(i, c)| ((*c).to_owned(), i)).collect();
                lists.positions.insert(variable.clone(), places);
            }
        }
        lists
    }
}

fn all_of<'a>(dataset: &'a Dataset, persons: &'a Persons) -> impl Iterator<Item = u32> + 'a {
    dataset.spells.ordinals.iter().filter_map(|unit| persons.person(*unit))
}

/// The person behind the units of a table of the order.
pub(crate) fn behind_table(
    source: &dyn VariableSource,
    order: &ExtractionOrder,
    table: &TableOrder,
    dataset: &Dataset,
) -> Result<Persons, DeliveryError> {
    Persons::of(source, order, space_of(&dataset.variable.info.unit_type), table.person.as_deref())
}

/// The version of a store that the order was made for: that of its tables, for other stores the newest.
pub(crate) fn version_of(
    source: &dyn VariableSource,
    order: &ExtractionOrder,
    store: &str,
) -> Result<engine::source::StoreVersion, DeliveryError> {
    let named = order
        .tables
        .iter()
        .find(|t| t.columns.iter().any(|c| c.dataset.split_once('/').is_some_and(|(s, _)| s == store)));
    match named {
        Some(table) => {
            Ok(engine::source::StoreVersion { store: store.to_owned(), version: table.store_version.clone() })
        }
        None => newest(source, store).ok_or(DeliveryError::Stopped("unknown_store_version")),
    }
}

fn collection_of(variable: &str) -> &str {
    variable.rsplit_once('.').map_or(variable, |(collection, _)| collection)
}

fn compares_numbers(test: &Test) -> bool {
    let number = |v: &Value| matches!(v, Value::Number(_));
    match test {
        Test::Compare(_, v) => number(v),
        Test::Between(a, b) => number(a) || number(b),
        Test::In { items, .. } => items.iter().any(|item| match item {
            Item::One(v) => number(v),
            Item::Range(a, b) => number(a) || number(b),
        }),
        Test::Missing => false,
    }
}

/// The code lists of a rule's variables. Codes of the kind of ICD-10 and ATC lie below their beginnings.
#[derive(Default)]
struct CodeLists {
    hierarchical: Vec<String>,
    positions: HashMap<String, HashMap<String, usize>>,
}

impl criteria::Codes for CodeLists {
    fn parent(&self, _: &str, _: &str) -> Option<String> {
        None
    }
    fn position(&self, variable: &str, code: &str) -> Option<usize> {
        // In a hierarchical list the text order is the code order, also for codes that the list does not hold.
        if self.prefixes_are_parents(variable) {
            return None;
        }
        self.positions.get(variable)?.get(code).copied()
    }
    fn prefixes_are_parents(&self, variable: &str) -> bool {
        self.hierarchical.iter().any(|v| v == variable)
    }
}
