//! Names, types, constants and labels of a plan.

use std::fmt;
use std::sync::Arc;

use kernel::LangMap;

use crate::catalogue::UnitType;

/// Name of a dataset or column, NFC-normalised; system columns in their canonical spelling (`START@x`, `date@panel`).
pub type Name = Arc<str>;

/// Type of a column or expression (language.md section 3). Truth values are integers 1, 0 and missing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DataType {
    /// 64-bit signed.
    Integer,
    /// 64-bit float; never NaN or infinite.
    Decimal,
    /// UTF-8.
    Text,
    /// Days since 1970-01-01; an integer in expressions, shown as ISO date in tables.
    Date,
    /// A unit key: never shown, never computed with (LANG-038).
    Key(Arc<UnitType>),
}

impl DataType {
    /// Whether arithmetic and numeric statistics apply.
    pub fn is_numeric(&self) -> bool {
        matches!(self, DataType::Integer | DataType::Decimal | DataType::Date)
    }
}

/// A constant value in a plan.
#[derive(Clone, PartialEq, Debug)]
pub enum Literal {
    /// A whole number.
    Integer(i64),
    /// A decimal number; finite.
    Decimal(f64),
    /// A text.
    Text(Name),
}

impl Literal {
    /// The number as float; none for text.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Literal::Integer(n) => Some(*n as f64),
            Literal::Decimal(x) => Some(*x),
            Literal::Text(_) => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Integer(n) => write!(f, "{n}"),
            Literal::Decimal(x) => write!(f, "{x}"),
            Literal::Text(s) => f.write_str(s),
        }
    }
}

/// A code with its label.
#[derive(Clone, PartialEq, Debug)]
pub struct Label {
    /// The code, in the type of the column.
    pub code: Literal,
    /// What is shown in its place.
    pub text: LangMap,
    /// Whether the code counts as flagged missing (LANG-036).
    pub missing: bool,
}

/// The labels of a column, in the order of the code list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Labels {
    /// Codes in order; a code occurs once.
    pub entries: Vec<Label>,
}

impl Labels {
    /// The entry of a code. Numbers match by value, texts exactly.
    pub fn of(&self, code: &Literal) -> Option<&Label> {
        self.entries.iter().find(|l| match (&l.code, code) {
            (Literal::Text(a), Literal::Text(b)) => a == b,
            (a, b) => a.as_f64().is_some() && a.as_f64() == b.as_f64(),
        })
    }
}
