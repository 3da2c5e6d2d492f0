//! Population criteria: one expression over catalogue variables that says which persons are meant (`access.md` 4.2).
//!
//! The same text stands in the application, in the permit (`population.expr`) and in the extraction order; this module
//! parses it ([`Criteria::parse`]), checks it against what is known of the variables ([`Criteria::check`]) and gives it
//! the one meaning that all readers share: which rows fulfil it ([`Crit::matches`]) and how rows become persons
//! ([`Criteria::persons`]). It reads no data and knows no catalogue; both come in through small traits.

mod check;
mod parse;
mod rows;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use check::{Lookup, VariableKind, nearest};
pub use rows::{Cell, Codes, NoHierarchy, Persons, PrefixHierarchy, are_hierarchical, is_hierarchical};

/// Longest text that is read.
pub const MAX_TEXT: usize = 20_000;
/// Most atoms in one expression (ACC-046).
pub const MAX_ATOMS: usize = 50;
/// Most items in one list (ACC-046).
pub const MAX_ITEMS: usize = 200;
/// Deepest nesting of parentheses and `not`.
pub const MAX_DEPTH: usize = 32;

/// A parsed expression. Its text form is canonical: parsing it again gives the same tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Criteria {
    /// The tree.
    pub root: Crit,
}

/// A node of the tree.
#[derive(Clone, PartialEq, Debug)]
pub enum Crit {
    /// At least one part holds.
    Or(Vec<Crit>),
    /// Every part holds. One node is one pair of parentheses, or the whole text: its variables of one table are
    /// tested on the same row (ACC-047).
    And(Vec<Crit>),
    /// The part does not hold.
    Not(Box<Crit>),
    /// One test of one variable.
    Atom(Atom),
}

/// One test of one variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Atom {
    /// Catalogue id, e.g. `npr.somatikk.hovedtilstand`.
    pub variable: String,
    /// What is asked of its value.
    pub test: Test,
    /// Where the variable stands in the text it was read from (character offset), for error texts. Not part of equality.
    pub at: Position,
}

/// A character offset that does not count in comparisons.
#[derive(Clone, Copy, Default, Debug)]
pub struct Position(pub usize);

impl PartialEq for Position {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is asked of a value. A missing value fails every test but [`Test::Missing`].
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// Compared with one value.
    Compare(Comparison, Value),
    /// One of the items, or none of them.
    In {
        /// `not in`.
        negated: bool,
        /// Values and closed ranges.
        items: Vec<Item>,
    },
    /// In the closed range.
    Between(Value, Value),
    /// There is no value.
    Missing,
}

/// A comparison sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// An item of a list.
#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    /// A value; a text also stands for every code below it in the hierarchy of its code list.
    One(Value),
    /// A closed range; codes in the order of the code list, with everything below its ends.
    Range(Value, Value),
}

/// A value as written.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A text or code.
    Text(String),
    /// A day.
    Date(Date),
}

/// What is wrong with an expression, and where.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("character {}: {message}", .at + 1)]
pub struct CriteriaError {
    /// Stable code: `syntax`, `too_long`, `too_deep`, `too_many_atoms`, `too_many_items`, `unknown_variable`,
    /// `type_mismatch`, `reversed_range`.
    pub code: &'static str,
    /// Character offset in the text, from 0.
    pub at: usize,
    /// What is wrong and how to mend it, in English.
    pub message: String,
    /// The nearest known variables, for `unknown_variable`.
    pub suggestions: Vec<String>,
}

impl CriteriaError {
    fn new(code: &'static str, at: usize, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into(), suggestions: Vec::new() }
    }
}

impl Criteria {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str) -> Result<Self, CriteriaError> {
        parse::parse(text)
    }

    /// Every atom, in the order of the text.
    pub fn atoms(&self) -> Vec<&Atom> {
        let mut found = Vec::new();
        self.root.collect(&mut found);
        found
    }

    /// The variables that the expression names, each once.
    pub fn variables(&self) -> BTreeSet<&str> {
        self.atoms().into_iter().map(|atom| atom.variable.as_str()).collect()
    }

    /// Checks the expression against what is known of its variables: all faults, not only the first.
    ///
    /// # Errors
    /// Unknown variables (with the three nearest), values of the wrong type, ranges that end before they start.
    pub fn check(&self, lookup: &dyn Lookup) -> Result<(), Vec<CriteriaError>> {
        check::check(self, lookup)
    }

    /// How rows become persons (ACC-047). `table_of` names the table in which a variable stands: its collection, or
    /// collection and unit type where a collection has several.
    pub fn persons(&self, table_of: &dyn Fn(&str) -> String) -> Persons {
        rows::persons(&self.root, table_of)
    }
}

impl Crit {
    fn collect<'a>(&'a self, found: &mut Vec<&'a Atom>) {
        match self {
            Crit::Or(parts) | Crit::And(parts) => parts.iter().for_each(|part| part.collect(found)),
            Crit::Not(part) => part.collect(found),
            Crit::Atom(atom) => found.push(atom),
        }
    }
}

impl FromStr for Criteria {
    type Err = CriteriaError;
    fn from_str(text: &str) -> Result<Self, CriteriaError> {
        Self::parse(text)
    }
}

impl fmt::Display for Criteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_crit(&self.root, Place::Top, f)
    }
}

impl Serialize for Criteria {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Criteria {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Where a node stands, which decides whether it needs parentheses.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    InOr,
    InAnd,
    InNot,
}

fn write_crit(crit: &Crit, place: Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (parts, word, inner) = match crit {
        Crit::Atom(atom) => return write_atom(atom, f),
        Crit::Not(part) => {
            f.write_str("not ")?;
            return write_crit(part, Place::InNot, f);
        }
        Crit::Or(parts) => (parts, " or ", Place::InOr),
        Crit::And(parts) => (parts, " and ", Place::InAnd),
    };
    // An `and` inside an `or` binds tighter and needs none; every other nesting was written with parentheses.
    let bare = place == Place::Top || (place == Place::InOr && inner == Place::InAnd);
    if !bare {
        f.write_str("(")?;
    }
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        write_crit(part, inner, f)?;
    }
    if bare { Ok(()) } else { f.write_str(")") }
}

fn write_atom(atom: &Atom, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} ", atom.variable)?;
    match &atom.test {
        Test::Compare(sign, value) => write!(f, "{sign} {value}"),
        Test::Between(from, to) => write!(f, "between {from} and {to}"),
        Test::Missing => f.write_str("is missing"),
        Test::In { negated, items } => {
            f.write_str(if *negated { "not in (" } else { "in (" })?;
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                match item {
                    Item::One(value) => write!(f, "{value}")?,
                    Item::Range(from, to) => write!(f, "{from}..{to}")?,
                }
            }
            f.write_str(")")
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Value::Date(day) => write!(f, "{day}"),
        }
    }
}
