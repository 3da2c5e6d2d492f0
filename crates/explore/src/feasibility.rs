//! How many persons meet population criteria (ACC-045): the criteria as a script of the analysis language, and the count read
//! from what the gate released of it.
//!
//! The script means what the extraction's row filter means (ACC-047, ACC-048): each condition on the rows of one table
//! becomes a 0/1 column over those rows, rows become persons by their largest value, and the persons of all tables come
//! together in one column that is tabulated over the whole population. It never uses `keep`, so a small cohort stands in a
//! large population.
//!
//! What it is not: it has no access to data and no way round the gate. A count is an ordinary run of the account that asks,
//! metered as every other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use disclosure::{Document, Output, Reason, Value as Released};
use kernel::Date;
use kernel::criteria::{
    Atom, Comparison, Crit, Criteria, Item, Persons, Test, Value, VariableKind, are_hierarchical, is_hierarchical,
};
use script::{Temporality, UnitType};

/// The column that is tabulated.
const MEETS: &str = "meets";
/// The unit type of persons.
const PERSON: &str = "PERSON";
/// Days that no fact lies outside of.
const EVER: &str = "1800-01-01 to 2200-12-31";

/// What the script needs to know of a variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    /// Collection that it belongs to.
    pub collection: String,
    /// Dataset behind it, `store/NAME`; none when the variable is described only.
    pub dataset: Option<String>,
    /// Unit type of its rows.
    pub unit_type: String,
    /// How its values belong to time.
    pub temporality: Temporality,
    /// Kind of its values.
    pub kind: VariableKind,
    /// Dataset that leads from units of the collection to persons, `store/NAME`; none where units are persons.
    pub pointer: Option<String>,
    /// Its codes in the order of their list, each with whether it stands for a missing value; empty without a list.
    pub codes: Vec<(String, bool)>,
}

/// Where the script's variables are looked up.
pub trait Columns {
    /// What is known of a variable; none when there is no such variable.
    fn column(&self, variable: &str) -> Option<Column>;

    /// A FIXED dataset that every person has a value in, `store/NAME`: the population in which persons of several tables
    /// come together.
    fn population(&self) -> Option<String>;
}

/// Why criteria cannot be counted here. The application is not blocked by it (ACC-048).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotCountable {
    /// There is no such variable.
    #[error("'{0}' is no variable of the catalogue")]
    Unknown(String),
    /// A variable has no dataset here.
    #[error("'{0}' is described only: there are no data here to count")]
    NoDataset(String),
    /// The rows of a variable lead to no person.
    #[error("nothing leads from the rows of '{0}' to persons")]
    NoPointer(String),
    /// A value that does not fit the variable, or that a script cannot hold.
    #[error("the value that '{0}' is compared with cannot stand in a script")]
    Value(String),
    /// Two variables that change over time are asked about in one row.
    #[error("'{0}' and '{1}' change over time: put each in parentheses of its own to count them")]
    SameRow(String, String),
    /// Several tables and no population to bring them together in.
    #[error("persons of several sources are counted where there is a register of the population; there is none here")]
    NoPopulation,
}

impl NotCountable {
    /// Name in interfaces and text keys.
    pub const fn slug(&self) -> &'static str {
        match self {
            NotCountable::Unknown(_) => "unknown_variable",
            NotCountable::NoDataset(_) => "no_dataset",
            NotCountable::NoPointer(_) => "no_pointer",
            NotCountable::Value(_) => "value",
            NotCountable::SameRow(..) => "same_row",
            NotCountable::NoPopulation => "no_population",
        }
    }
}

/// The script that counts the persons who meet the criteria.
///
/// # Errors
/// [`NotCountable`], with the first variable that stands in the way.
pub fn to_script(criteria: &Criteria, columns: &dyn Columns) -> Result<String, NotCountable> {
    let mut known = BTreeMap::new();
    for variable in criteria.variables() {
        let column = columns.column(variable).ok_or_else(|| NotCountable::Unknown(variable.to_owned()))?;
        if column.dataset.is_none() {
            return Err(NotCountable::NoDataset(variable.to_owned()));
        }
        known.insert(variable.to_owned(), column);
    }
    let table = |variable: &str| known.get(variable).map_or_else(|| variable.to_owned(), |c| table_of(variable, c));
    let persons = criteria.persons(&table);
    let population = columns.population();
    let mut script =
        Script { columns: &known, stores: Vec::new(), body: String::new(), variables: 0, tests: Vec::new() };
    let rows = persons.rows();
    for (n, (_, test)) in rows.iter().enumerate() {
        script.rows(n + 1, test, population.is_some())?;
    }
    script.persons(&persons, population)?;
    Ok(script.finished(criteria))
}

/// The table in which a variable stands, as the extraction has it: FIXED variables of a unit are one row, STATUS ones of a
/// day, ACCUMULATED ones of a period; each EVENT variable has rows of its own (DEL-016).
fn table_of(variable: &str, column: &Column) -> String {
    match column.temporality {
        Temporality::Event => format!("EVENT {variable}"),
        other => format!("{other:?} {} {}", column.unit_type, column.collection),
    }
}

struct Script<'a> {
    columns: &'a BTreeMap<String, Column>,
    /// Stores in the order of their aliases.
    stores: Vec<String>,
    body: String,
    /// Columns imported so far.
    variables: usize,
    /// The tests of rows so far.
    tests: Vec<RowTest>,
}

/// A test of rows: where its column `rN` of persons is made.
enum RowTest {
    /// In a dataset `rowsN` of its own, from which it is merged.
    Apart,
    /// In the population, where each person has at most one row of the table: the imports, and the condition.
    Within { imports: Vec<String>, condition: String, present: String },
}

impl RowTest {
    /// Whether something is held about a person.
    fn known(&self, n: usize) -> String {
        match self {
            RowTest::Apart => format!("!sysmiss(r{n})"),
            RowTest::Within { present, .. } => present.clone(),
        }
    }
}

impl Script<'_> {
    fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    /// A dataset as a script names it: alias and name.
    fn dataset(&mut self, dataset: &str) -> String {
        let (store, name) = dataset.split_once('/').unwrap_or(("", dataset));
        let at = self.stores.iter().position(|known| known == store).unwrap_or_else(|| {
            self.stores.push(store.to_owned());
            self.stores.len() - 1
        });
        format!("s{}/{name}", at + 1)
    }

    /// The column `rN` of persons: whether one of their rows fulfils the test. FIXED values of persons are tested in the
    /// population itself, so that a small register is no small population.
    fn rows(&mut self, n: usize, test: &Crit, population: bool) -> Result<(), NotCountable> {
        let part = Criteria { root: test.clone() };
        let variables: Vec<String> = part.variables().into_iter().map(str::to_owned).collect();
        let first = variables.first().cloned().unwrap_or_default();
        let lead = self.columns[&first].clone();
        let fixed = lead.temporality == Temporality::Fixed;
        if let ([one, other, ..], false) = (variables.as_slice(), fixed) {
            return Err(NotCountable::SameRow(one.clone(), other.clone()));
        }
        let within = population && fixed && lead.unit_type == PERSON;
        let (mut names, mut imports) = (BTreeMap::new(), Vec::new());
        for variable in &variables {
            self.variables += 1;
            let name = format!("v{}", self.variables);
            let dataset = self.columns[variable].dataset.clone().unwrap_or_default();
            let dataset = self.dataset(&dataset);
            imports.push(match (fixed, within || names.is_empty()) {
                (true, true) => format!("import {dataset} as {name}"),
                (true, false) => format!("import {dataset} as {name}, outer_join"),
                (false, _) => format!("import-event {dataset} {EVER} as {name}"),
            });
            names.insert(variable.clone(), name);
        }
        let condition = self.condition(test, &names)?;
        if within {
            let present = joined(names.values().map(|v| format!("!sysmiss({v})")).collect(), " | ");
            self.tests.push(RowTest::Within { imports, condition, present });
            return Ok(());
        }
        self.tests.push(RowTest::Apart);
        self.line(&format!("create-dataset rows{n}"));
        imports.iter().for_each(|import| self.line(import));
        self.line(&format!("generate r{n} = {condition}"));
        if lead.unit_type != PERSON {
            let pointer = lead.pointer.as_deref().ok_or_else(|| NotCountable::NoPointer(first.clone()))?;
            let pointer = self.dataset(pointer);
            if fixed {
                self.line(&format!("import {pointer} as person"));
            } else {
                self.line(&format!("create-dataset pointer{n}"));
                self.line(&format!("import {pointer} as person"));
                self.line(&format!("merge person into rows{n}"));
                self.line(&format!("use rows{n}"));
            }
            self.line(&format!("collapse (max) r{n}, by(person)"));
        } else if !fixed {
            let key = UnitType::built_in(PERSON).map(|unit| unit.identifier).unwrap_or_default();
            self.line(&format!("collapse (max) r{n}, by({key})"));
        }
        Ok(())
    }

    /// The persons of all tables, and the column that is tabulated.
    fn persons(&mut self, persons: &Persons, population: Option<String>) -> Result<(), NotCountable> {
        let tests = std::mem::take(&mut self.tests);
        // Rows of one table alone have become persons already.
        let alone = matches!(tests.as_slice(), [RowTest::Apart]);
        if !alone {
            let population = population.ok_or(NotCountable::NoPopulation)?;
            let population = self.dataset(&population);
            self.line("create-dataset persons");
            self.line(&format!("import {population} as everybody"));
            for n in tests.iter().enumerate().filter(|(_, t)| matches!(t, RowTest::Apart)).map(|(at, _)| at + 1) {
                self.line(&format!("use rows{n}"));
                self.line(&format!("merge r{n} into persons"));
            }
            if tests.iter().any(|t| matches!(t, RowTest::Apart)) {
                self.line("use persons");
            }
            for (at, test) in tests.iter().enumerate() {
                if let RowTest::Within { imports, condition, present } = test {
                    imports.iter().for_each(|import| self.line(import));
                    self.line(&format!("generate r{} = ({present} & {condition})", at + 1));
                }
            }
            if holds_not(persons) {
                // `not` is meant among those about whom something is held.
                let known: Vec<String> = tests.iter().enumerate().map(|(at, test)| test.known(at + 1)).collect();
                self.line(&format!("generate known = {}", joined(known, " | ")));
            }
        }
        let expression = combined(persons, &mut tests.iter().enumerate(), alone);
        self.line(&format!("generate {MEETS} = {expression}"));
        self.line(&format!("tabulate {MEETS}"));
        Ok(())
    }

    fn finished(self, criteria: &Criteria) -> String {
        let mut text = String::from("// Persons who meet:\n");
        for line in criteria.to_string().lines() {
            let _ = writeln!(text, "// {line}");
        }
        for (n, store) in self.stores.iter().enumerate() {
            let _ = writeln!(text, "require {store}:1 as s{}", n + 1);
        }
        text + &self.body
    }

    /// A condition on one row: 1 or 0, never missing.
    fn condition(&self, crit: &Crit, names: &BTreeMap<String, String>) -> Result<String, NotCountable> {
        let all = |parts: &[Crit]| parts.iter().map(|part| self.condition(part, names)).collect::<Result<Vec<_>, _>>();
        Ok(match crit {
            Crit::Or(parts) => joined(all(parts)?, " | "),
            Crit::And(parts) => joined(all(parts)?, " & "),
            Crit::Not(part) => format!("!({})", self.condition(part, names)?),
            Crit::Atom(atom) => self.atom(atom, &names[&atom.variable])?,
        })
    }

    fn atom(&self, atom: &Atom, v: &str) -> Result<String, NotCountable> {
        let of = OfAtom { atom, column: &self.columns[&atom.variable], v };
        let valid = of.valid()?;
        let test = match &atom.test {
            Test::Missing => return Ok(format!("!({valid})")),
            Test::Compare(sign, value) => of.compare(*sign, value)?,
            Test::Between(from, to) => of.range(from, to)?,
            Test::In { negated, items } => {
                let found = of.any(items)?;
                if *negated { format!("!({found})") } else { found }
            }
        };
        Ok(format!("({valid} & {test})"))
    }
}

/// One test of one column.
struct OfAtom<'a> {
    atom: &'a Atom,
    column: &'a Column,
    /// Name of the column in the script.
    v: &'a str,
}

impl OfAtom<'_> {
    fn no_value(&self) -> NotCountable {
        NotCountable::Value(self.atom.variable.clone())
    }

    /// That there is a value which does not stand for a missing one. A text compared with itself shows no value.
    fn valid(&self) -> Result<String, NotCountable> {
        let v = self.v;
        let sentinels = self.column.codes.iter().filter(|(_, missing)| *missing);
        let sentinels: Vec<String> = sentinels.map(|(code, _)| self.text(code)).collect::<Result<_, _>>()?;
        if sentinels.is_empty() {
            return Ok(format!("!sysmiss({v})"));
        }
        Ok(format!("!sysmiss({v}) & !inlist({v}, {})", sentinels.join(", ")))
    }

    fn is_coded(&self) -> bool {
        matches!(self.column.kind, VariableKind::Code | VariableKind::Text)
    }

    /// Whether a code stands for those that begin with it too. Without a list the code itself tells.
    fn stands_for_longer(&self, code: &str) -> bool {
        if self.column.codes.is_empty() {
            return is_hierarchical(code);
        }
        are_hierarchical(self.column.codes.iter().map(|(code, _)| code.as_str()))
    }

    fn text(&self, text: &str) -> Result<String, NotCountable> {
        if text.chars().any(char::is_control) {
            return Err(self.no_value());
        }
        match (text.contains('\''), text.contains('"')) {
            (false, _) => Ok(format!("'{text}'")),
            (true, false) => Ok(format!("\"{text}\"")),
            (true, true) => Err(self.no_value()),
        }
    }

    /// A number or a day as a number.
    fn number(&self, value: &Value) -> Result<String, NotCountable> {
        match (value, self.column.kind) {
            (Value::Number(number), VariableKind::Number) => Ok(number.to_string()),
            (Value::Date(day), VariableKind::Date) => Ok(written(*day)),
            _ => Err(self.no_value()),
        }
    }

    fn compare(&self, sign: Comparison, value: &Value) -> Result<String, NotCountable> {
        let v = self.v;
        if self.is_coded() {
            return match sign {
                Comparison::Equal => self.equals(value),
                Comparison::NotEqual => Ok(format!("!({})", self.equals(value)?)),
                _ => Err(self.no_value()),
            };
        }
        let sign = match sign {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        };
        Ok(format!("{v} {sign} {}", self.number(value)?))
    }

    fn equals(&self, value: &Value) -> Result<String, NotCountable> {
        let v = self.v;
        match value {
            Value::Text(code) if self.is_coded() => {
                let text = self.text(code)?;
                Ok(if self.stands_for_longer(code) {
                    format!("startswith({v}, {text})")
                } else {
                    format!("{v} == {text}")
                })
            }
            _ => Ok(format!("{v} == {}", self.number(value)?)),
        }
    }

    fn any(&self, items: &[Item]) -> Result<String, NotCountable> {
        let item = |item: &Item| match item {
            Item::One(value) => self.equals(value),
            Item::Range(from, to) => self.range(from, to),
        };
        Ok(joined(items.iter().map(item).collect::<Result<_, _>>()?, " | "))
    }

    /// In the closed range; of codes in the order of their list, with everything below the ends.
    fn range(&self, from: &Value, to: &Value) -> Result<String, NotCountable> {
        let v = self.v;
        let (Value::Text(from), Value::Text(to), true) = (from, to, self.is_coded()) else {
            return Ok(format!("inrange({v}, {}, {})", self.number(from)?, self.number(to)?));
        };
        let ends = [self.equals(&Value::Text(from.clone()))?, self.equals(&Value::Text(to.clone()))?];
        let place = |code: &str| self.column.codes.iter().position(|(known, _)| known == code);
        let places = if self.stands_for_longer(from) { None } else { place(from).zip(place(to)) };
        let between = match places {
            Some((first, last)) if first <= last => {
                let codes: Vec<String> = self.column.codes[first..=last]
                    .iter()
                    .map(|(code, _)| self.text(code))
                    .collect::<Result<_, _>>()?;
                Some(format!("inlist({v}, {})", codes.join(", ")))
            }
            Some(_) => None,
            // Codes that stand in no list stand in text order, as do those of which the longer lie below the shorter.
            None => Some(format!("({v} >= {} & {v} <= {})", self.text(from)?, self.text(to)?)),
        };
        Ok(joined(ends.into_iter().chain(between).collect(), " | "))
    }
}

/// A day as the number of days that dates are in expressions.
fn written(day: Date) -> String {
    let text = day.to_string();
    let mut parts = text.split('-').map(|part| part.trim_start_matches('0'));
    let mut part = || parts.next().unwrap_or_default();
    format!("date({}, {}, {})", part(), part(), part())
}

/// How the columns `r1`, `r2`, … of persons come together, in the order in which they were made.
fn combined(persons: &Persons, tests: &mut dyn Iterator<Item = (usize, &RowTest)>, alone: bool) -> String {
    let mut all = |parts: &[Persons]| parts.iter().map(|p| combined(p, tests, alone)).collect::<Vec<_>>();
    match persons {
        Persons::All(parts) => joined(all(parts), " & "),
        Persons::Any(parts) => joined(all(parts), " | "),
        Persons::Not(part) if alone => format!("!({})", combined(part, tests, alone)),
        Persons::Not(part) => format!("(known & !({}))", combined(part, tests, alone)),
        Persons::Row { .. } => match tests.next() {
            Some((at, RowTest::Apart)) if !alone => format!("(!sysmiss(r{n}) & r{n} == 1)", n = at + 1),
            next => format!("r{} == 1", next.map_or(0, |(at, _)| at) + 1),
        },
    }
}

fn holds_not(persons: &Persons) -> bool {
    match persons {
        Persons::All(parts) | Persons::Any(parts) => parts.iter().any(holds_not),
        Persons::Not(_) => true,
        Persons::Row { .. } => false,
    }
}

/// Parts in parentheses with a sign between them, as a tree, since the depth of an expression is bounded.
fn joined(mut parts: Vec<String>, sign: &str) -> String {
    /// Parts on one level.
    const LEVEL: usize = 16;
    while parts.len() > LEVEL {
        parts = parts.chunks(LEVEL).map(|chunk| joined(chunk.to_vec(), sign)).collect();
    }
    if parts.len() == 1 { parts.remove(0) } else { format!("({})", parts.join(sign)) }
}

/// What the gate let out of a count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// Persons who meet the criteria; none: fewer than 10.
    pub persons: Option<u64>,
    /// The population that they were counted in, when it is shown.
    pub population: Option<u64>,
}

/// Reads the count of a script of [`to_script`]; none when the document holds no table of it.
pub fn counted(document: &Document) -> Option<Count> {
    let table = document.results.iter().rev().find_map(|entry| match entry.output() {
        Some(Output::Table(table)) if table.dimensions.first().is_some_and(|d| d.name == MEETS) => Some(table),
        _ => None,
    })?;
    let categories = &table.dimensions.first()?.categories;
    let number = |value: Released| value.number().map(|n| n.round().max(0.0) as u64);
    let shown = |at: usize| table.cell(&[at]).map(|cell| cell.count);
    // A category whose own total is hidden does not appear.
    let yes = categories.iter().position(|c| c.code == "1" && !c.missing).and_then(shown);
    let persons = match yes {
        Some(count) if count.hidden().is_some_and(|reason| reason != Reason::Small) => return None,
        Some(count) => number(count).filter(|n| *n >= 10),
        None => None,
    };
    Some(Count { persons, population: shown(categories.len()).and_then(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two collections: episodes that point to persons, and persons.
    struct World;

    impl Columns for World {
        fn column(&self, variable: &str) -> Option<Column> {
            let (collection, name) = variable.rsplit_once('.')?;
            let person = collection == "dar.main";
            let (temporality, kind) = match name {
                "icd" => (Temporality::Fixed, VariableKind::Code),
                "inn" | "dod" => (Temporality::Fixed, VariableKind::Date),
                "described" => (Temporality::Fixed, VariableKind::Number),
                "income" | "grade" => (Temporality::Accumulated, VariableKind::Number),
                _ => return None,
            };
            Some(Column {
                collection: collection.into(),
                dataset: (name != "described").then(|| format!("no.{collection}/{}", name.to_uppercase())),
                unit_type: if person { "PERSON" } else { "NPR_EPISODE" }.into(),
                temporality,
                kind,
                pointer: (collection == "npr.main").then(|| "no.npr.main/NPRID".into()),
                codes: if name == "icd" { vec![("I60".into(), false), ("I639".into(), false)] } else { Vec::new() },
            })
        }
        fn population(&self) -> Option<String> {
            Some("no.fdb/SEX".into())
        }
    }

    fn script(text: &str) -> Result<String, NotCountable> {
        to_script(&Criteria::parse(text).unwrap(), &World)
    }

    #[test]
    fn acc_045_one_collection_is_tested_row_by_row_over_the_whole_source() {
        let text = script("npr.main.icd in ('I60'..'I64') and npr.main.inn between 2018-01-01 and 2024-12-31").unwrap();
        let expected = "\
// Persons who meet:
// npr.main.icd in ('I60'..'I64') and npr.main.inn between 2018-01-01 and 2024-12-31
require no.npr.main:1 as s1
create-dataset rows1
import s1/ICD as v1
import s1/INN as v2, outer_join
generate r1 = ((!sysmiss(v1) & (startswith(v1, 'I60') | startswith(v1, 'I64') | (v1 >= 'I60' & v1 <= 'I64'))) & \
(!sysmiss(v2) & inrange(v2, date(2018, 1, 1), date(2024, 12, 31))))
import s1/NPRID as person
collapse (max) r1, by(person)
generate meets = r1 == 1
tabulate meets
";
        assert_eq!(text, expected);
    }

    #[test]
    fn acc_045_several_tables_come_together_in_the_population_without_keep() {
        let text = script("npr.main.icd = 'I63' and not (dar.main.dod is missing or npr.main.icd = 'C50')").unwrap();
        assert!(!text.contains("keep"), "{text}");
        let within = "\
create-dataset persons
import s3/SEX as everybody
use rows1
merge r1 into persons
use rows3
merge r3 into persons
use persons
import s2/DOD as v2
generate r2 = (!sysmiss(v2) & !(!sysmiss(v2)))
generate known = (!sysmiss(r1) | !sysmiss(v2) | !sysmiss(r3))
";
        assert!(text.contains(within), "{text}");
        assert!(text.ends_with("tabulate meets\n"));
    }

    #[test]
    fn acc_048_what_cannot_be_counted_says_why() {
        let why = |text: &str| script(text).unwrap_err().slug();
        assert_eq!(why("npr.main.nothing = 1"), "unknown_variable");
        assert_eq!(why("npr.main.described = 1"), "no_dataset");
        assert_eq!(why("kpr.main.icd = 'A01'"), "no_pointer");
        assert_eq!(why("npr.main.icd = 'a''b\"c'"), "value");
        assert_eq!(why("npr.main.inn = 3"), "value");
        assert_eq!(why("dar.main.income > 1 and dar.main.grade > 1"), "same_row");
        assert!(script("dar.main.income > 1 and (dar.main.grade > 1 and dar.main.grade < 7)").is_ok());
    }

    #[test]
    fn long_lists_stay_shallow() {
        let items: Vec<String> = (0..200).map(|n| format!("'I{n:03}'..'I{n:03}9'")).collect();
        let text = script(&format!("npr.main.icd in ({})", items.join(", "))).unwrap();
        let parsed = script::parse(&text);
        assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    }
}
