//! The meaning of an expression: which rows fulfil it, and how rows become persons (ACC-046, ACC-047).
//!
//! - A person fulfils the part that names one table when **one row** of the person in that table fulfils it.
//! - Within one `and` (one pair of parentheses, or the whole text) all conditions on one table are tested on the same
//!   row. An `and` of its own in parentheses inside it speaks of a row of its own: two such groups ask for two
//!   episodes, or for one that is both.
//! - Parts on different tables are combined per person.

use crate::Date;

use super::{Atom, Comparison, Crit, Item, Test, Value};

/// A value of one variable in one row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Cell<'a> {
    /// No value.
    Missing,
    /// A number.
    Number(f64),
    /// A text or code.
    Text(&'a str),
    /// A day; an instant is given as its day.
    Date(Date),
}

/// The code lists of the variables. All methods may answer "unknown".
pub trait Codes {
    /// The code above `code` in the hierarchy, when the list says so.
    fn parent(&self, variable: &str, code: &str) -> Option<String>;
    /// The place of `code` in the order of the list.
    fn position(&self, variable: &str, code: &str) -> Option<usize>;
    /// Whether a code that begins with another lies below it (ICD-10, ATC): the rule for codes that the list itself
    /// does not hold.
    fn prefixes_are_parents(&self, variable: &str) -> bool;
}

/// Flat code lists in text order.
pub struct NoHierarchy;

impl Codes for NoHierarchy {
    fn parent(&self, _: &str, _: &str) -> Option<String> {
        None
    }
    fn position(&self, _: &str, _: &str) -> Option<usize> {
        None
    }
    fn prefixes_are_parents(&self, _: &str) -> bool {
        false
    }
}

/// Code lists in text order in which a longer code lies below its beginning.
pub struct PrefixHierarchy;

impl Codes for PrefixHierarchy {
    fn parent(&self, _: &str, _: &str) -> Option<String> {
        None
    }
    fn position(&self, _: &str, _: &str) -> Option<usize> {
        None
    }
    fn prefixes_are_parents(&self, _: &str) -> bool {
        true
    }
}

/// Whether a code looks like one of a classification in which a longer code lies below its beginning: a letter and two
/// digits, as in ICD-10 and ATC.
pub fn is_hierarchical(code: &str) -> bool {
    let b = code.as_bytes();
    b.len() >= 3 && b[0].is_ascii_uppercase() && b[1].is_ascii_digit() && b[2].is_ascii_digit()
}

/// Whether a list is such a classification: nine of ten of its codes look like it. The extraction and the feasibility count
/// ask this of the same list, so that they mean the same persons.
pub fn are_hierarchical<'a>(codes: impl IntoIterator<Item = &'a str>) -> bool {
    let (shaped, all) = codes
        .into_iter()
        .fold((0usize, 0usize), |(shaped, all), c| (shaped + usize::from(is_hierarchical(c)), all + 1));
    shaped > 0 && shaped * 10 >= all * 9
}

/// Which persons are meant, in terms of the rows of tables.
#[derive(Clone, PartialEq, Debug)]
pub enum Persons {
    /// Persons of every part.
    All(Vec<Persons>),
    /// Persons of at least one part.
    Any(Vec<Persons>),
    /// Everybody else.
    Not(Box<Persons>),
    /// Persons with at least one row in `table` that fulfils `test`.
    Row {
        /// The table, as named by `table_of`.
        table: String,
        /// The condition on one row.
        test: Crit,
    },
}

impl Persons {
    /// Whether a person is meant; `holds` says for a table and a condition whether one of the person's rows fulfils it.
    pub fn holds(&self, holds: &mut dyn FnMut(&str, &Crit) -> bool) -> bool {
        match self {
            Persons::All(parts) => parts.iter().all(|part| part.holds(holds)),
            Persons::Any(parts) => parts.iter().any(|part| part.holds(holds)),
            Persons::Not(part) => !part.holds(holds),
            Persons::Row { table, test } => holds(table, test),
        }
    }

    /// Every table and condition, in the order of the text.
    pub fn rows(&self) -> Vec<(&str, &Crit)> {
        match self {
            Persons::All(parts) | Persons::Any(parts) => parts.iter().flat_map(Persons::rows).collect(),
            Persons::Not(part) => part.rows(),
            Persons::Row { table, test } => vec![(table, test)],
        }
    }
}

pub(super) fn persons(crit: &Crit, table_of: &dyn Fn(&str) -> String) -> Persons {
    match (crit, only_table(crit, table_of)) {
        (_, Some(table)) if !speaks_of_several_rows(crit) => Persons::Row { table, test: crit.clone() },
        (Crit::And(parts), _) => conjunction(parts, table_of),
        (Crit::Or(parts), _) => Persons::Any(parts.iter().map(|part| persons(part, table_of)).collect()),
        (Crit::Not(part), _) => Persons::Not(Box::new(persons(part, table_of))),
        (Crit::Atom(atom), _) => Persons::Row { table: table_of(&atom.variable), test: crit.clone() },
    }
}

fn conjunction(parts: &[Crit], table_of: &dyn Fn(&str) -> String) -> Persons {
    let mut same_row: Vec<(String, Vec<Crit>)> = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        match (part, only_table(part, table_of)) {
            (Crit::And(_), _) | (_, None) => others.push(persons(part, table_of)),
            _ if speaks_of_several_rows(part) => others.push(persons(part, table_of)),
            (_, Some(table)) => match same_row.iter_mut().find(|(known, _)| *known == table) {
                Some((_, tests)) => tests.push(part.clone()),
                None => same_row.push((table, vec![part.clone()])),
            },
        }
    }
    let rows = same_row.into_iter().map(|(table, mut tests)| {
        let only = if tests.len() == 1 { tests.pop() } else { None };
        Persons::Row { table, test: only.unwrap_or(Crit::And(tests)) }
    });
    let mut all: Vec<Persons> = rows.chain(others).collect();
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            Persons::All(all)
        }
    }
}

/// Whether an `and` in it holds a group in parentheses that is an `and` of its own.
fn speaks_of_several_rows(crit: &Crit) -> bool {
    match crit {
        Crit::Atom(_) => false,
        Crit::Not(part) => speaks_of_several_rows(part),
        Crit::Or(parts) => parts.iter().any(speaks_of_several_rows),
        Crit::And(parts) => parts.iter().any(|part| matches!(part, Crit::And(_)) || speaks_of_several_rows(part)),
    }
}

/// The table of all variables of the part, when there is only one.
fn only_table(crit: &Crit, table_of: &dyn Fn(&str) -> String) -> Option<String> {
    let mut atoms = Vec::new();
    crit.collect(&mut atoms);
    let first = table_of(&atoms.first()?.variable);
    atoms.iter().all(|atom| table_of(&atom.variable) == first).then_some(first)
}

impl Crit {
    /// Whether one row fulfils the condition. `row` gives the value of a variable in the row.
    pub fn matches<'a>(&self, row: &dyn Fn(&str) -> Cell<'a>, codes: &dyn Codes) -> bool {
        match self {
            Crit::Or(parts) => parts.iter().any(|part| part.matches(row, codes)),
            Crit::And(parts) => parts.iter().all(|part| part.matches(row, codes)),
            Crit::Not(part) => !part.matches(row, codes),
            Crit::Atom(atom) => atom.matches(row(&atom.variable), codes),
        }
    }
}

impl Atom {
    /// Whether a value fulfils the test. A missing value fulfils `is missing` alone.
    pub fn matches(&self, cell: Cell<'_>, codes: &dyn Codes) -> bool {
        if cell == Cell::Missing {
            return self.test == Test::Missing;
        }
        match &self.test {
            Test::Missing => false,
            Test::Compare(sign, value) => self.compare(*sign, cell, value, codes),
            Test::Between(from, to) => self.in_range(cell, from, to, codes),
            Test::In { negated, items } => {
                let found = items.iter().any(|item| match item {
                    Item::One(value) => self.compare(Comparison::Equal, cell, value, codes),
                    Item::Range(from, to) => self.in_range(cell, from, to, codes),
                });
                found != *negated
            }
        }
    }

    fn compare(&self, sign: Comparison, cell: Cell<'_>, value: &Value, codes: &dyn Codes) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (cell, value) {
            (Cell::Number(a), Value::Number(b)) => a.partial_cmp(b),
            (Cell::Date(a), Value::Date(b)) => Some(a.cmp(b)),
            (Cell::Text(code), Value::Text(wanted)) => {
                Some(if is_below(&self.variable, code, wanted, codes) { Equal } else { code.cmp(wanted).then(Less) })
            }
            _ => None,
        };
        // A value of another type than the test's is like no value at all.
        let Some(order) = order else { return false };
        match sign {
            Comparison::Equal => order == Equal,
            Comparison::NotEqual => order != Equal,
            Comparison::Less => order == Less,
            Comparison::AtMost => order != Greater,
            Comparison::Greater => order == Greater,
            Comparison::AtLeast => order != Less,
        }
    }

    fn in_range(&self, cell: Cell<'_>, from: &Value, to: &Value, codes: &dyn Codes) -> bool {
        match (cell, from, to) {
            (Cell::Number(x), Value::Number(a), Value::Number(b)) => *a <= x && x <= *b,
            (Cell::Date(x), Value::Date(a), Value::Date(b)) => *a <= x && x <= *b,
            (Cell::Text(code), Value::Text(a), Value::Text(b)) => code_in_range(&self.variable, code, a, b, codes),
            _ => false,
        }
    }
}

/// Whether `code` equals `ancestor` or lies below it.
fn is_below(variable: &str, code: &str, ancestor: &str, codes: &dyn Codes) -> bool {
    // Hierarchies are shallow; the bound stops a list that goes round in circles.
    const LEVELS: usize = 16;
    if code == ancestor || (codes.prefixes_are_parents(variable) && code.starts_with(ancestor)) {
        return true;
    }
    let mut above = codes.parent(variable, code);
    for _ in 0..LEVELS {
        match above {
            Some(parent) if parent == ancestor => return true,
            Some(parent) => above = codes.parent(variable, &parent),
            None => return false,
        }
    }
    false
}

fn code_in_range(variable: &str, code: &str, from: &str, to: &str, codes: &dyn Codes) -> bool {
    if is_below(variable, code, from, codes) || is_below(variable, code, to, codes) {
        return true;
    }
    let place = |code: &str| codes.position(variable, code);
    match (place(from), place(code), place(to)) {
        (Some(from), Some(at), Some(to)) => from <= at && at <= to,
        // Codes that the list does not hold stand in text order.
        _ => from <= code && code <= to,
    }
}
