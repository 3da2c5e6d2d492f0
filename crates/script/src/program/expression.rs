//! Expressions over the columns of one dataset.

use super::{DataType, Literal, Name};
use crate::functions::Function;

/// Operator with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOperator {
    /// `-x`.
    Negate,
    /// `!x`, three-valued (LANG-034).
    Not,
}

/// Operator with two operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOperator {
    /// `a | b`, three-valued.
    Or,
    /// `a & b`, three-valued.
    And,
    /// `a == b`.
    Equal,
    /// `a != b`.
    NotEqual,
    /// `a < b`.
    Less,
    /// `a <= b`.
    LessOrEqual,
    /// `a > b`.
    Greater,
    /// `a >= b`.
    GreaterOrEqual,
    /// `a ++ b`: joins names and texts. Resolved by the checker; never in an [`Expression`].
    Concat,
    /// `a + b`.
    Add,
    /// `a - b`.
    Subtract,
    /// `a * b`.
    Multiply,
    /// `a / b`; always decimal.
    Divide,
    /// `a ^ b`; always decimal.
    Power,
}

/// A typed expression over the columns of one dataset. Missing in, missing out, save where a function says otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct Expression {
    /// What is computed.
    pub kind: ExpressionKind,
    /// Type of the result. Integer results that overflow turn the column to decimal (LANG-030).
    pub data_type: DataType,
}

/// The forms of an expression.
#[derive(Clone, PartialEq, Debug)]
pub enum ExpressionKind {
    /// A column of the dataset, by name; a name that is no column is the unit key under its identifier.
    Column(Name),
    /// A constant.
    Literal(Literal),
    /// The missing value.
    Missing,
    /// An operator with one operand.
    Unary(UnaryOperator, Box<Expression>),
    /// An operator with two operands. Comparisons have operands of one kind: both numeric, both text, or both keys.
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// A function over row values. Label functions are resolved into `inlist` and constants by the checker.
    Call(Function, Vec<Expression>),
}
