//! Constants: the values of bindings, and their arithmetic, concatenation and functions (language.md section 5).
//! What it is not: data expressions. A bare name here is a symbol, never a variable (LANG-050).

use std::collections::HashMap;

use kernel::Date;

use crate::functions::{Function, FunctionGroup};
use crate::lexer::is_name;
use crate::messages;
use crate::parse::{Fail, Parse};
use crate::program::BinaryOperator;
use crate::scalar::{self, Scalar};
use crate::span::Span;
use crate::suggest;
use crate::tree::{Expr, ExprKind};

/// Longest text that a binding may hold, so that loops cannot fill the memory.
const LONGEST_TEXT: usize = 64 << 10;

/// The value of a binding.
#[derive(Clone, PartialEq, Debug)]
pub enum Constant {
    /// Whole number.
    Integer(i64),
    /// Decimal number.
    Decimal(f64),
    /// Text.
    Text(String),
    /// A name that stands for itself.
    Symbol(String),
    /// Date.
    Date(Date),
}

impl Constant {
    /// Reads a value given from outside (`--param year=2022`): a number, an ISO date, else a text.
    pub fn read(text: &str) -> Constant {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if plain && let Ok(n) = text.parse() {
            return Constant::Integer(n);
        }
        match (text.parse::<f64>(), text.parse::<Date>()) {
            (Ok(x), _) if plain && x.is_finite() => Constant::Decimal(x),
            (_, Ok(date)) => Constant::Date(date),
            _ => Constant::Text(text.to_owned()),
        }
    }

    /// The text of the value: decimals without trailing zero, dates as ISO (LANG-052).
    pub fn text(&self) -> String {
        match self {
            Constant::Integer(n) => n.to_string(),
            Constant::Decimal(x) => x.to_string(),
            Constant::Text(s) | Constant::Symbol(s) => s.clone(),
            Constant::Date(d) => d.to_string(),
        }
    }

    fn scalar(&self) -> Option<Scalar> {
        Some(match self {
            Constant::Integer(n) => Scalar::Integer(*n),
            Constant::Decimal(x) => Scalar::Decimal(*x),
            Constant::Text(s) => Scalar::text(s),
            Constant::Date(d) => Scalar::Integer(i64::from(d.days())),
            Constant::Symbol(_) => return None,
        })
    }

    fn of(value: Scalar) -> Option<Constant> {
        match value {
            Scalar::Missing => None,
            Scalar::Integer(n) => Some(Constant::Integer(n)),
            Scalar::Decimal(x) => Some(Constant::Decimal(x)),
            Scalar::Text(s) => Some(Constant::Text(s.to_string())),
        }
    }
}

/// The bindings in force, innermost loop last.
#[derive(Clone, Debug)]
pub struct Bindings {
    scopes: Vec<HashMap<String, Constant>>,
}

impl Default for Bindings {
    fn default() -> Self {
        Bindings { scopes: vec![HashMap::new()] }
    }
}

impl Bindings {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Constant> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// Binds a name, for the rest of the pass when inside a loop (LANG-059).
    pub fn set(&mut self, name: &str, value: Constant) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    /// Starts a pass of a loop.
    pub fn enter(&mut self) {
        self.scopes.push(HashMap::new());
    }

    /// Ends a pass: outer bindings return.
    pub fn leave(&mut self) {
        if self.scopes.len() > 1 {
            self.scopes.pop();
        }
    }

    /// All names in force.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.scopes.iter().flat_map(|s| s.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The value of `$name`, or `E206`.
    pub(crate) fn lookup(&self, name: &str, span: Span) -> Parse<&Constant> {
        self.get(name).ok_or_else(|| {
            let near = suggest::nearest(name, self.names());
            Box::new(messages::unknown_binding(span, name).candidates(near))
        })
    }

    /// The value of a constant expression.
    pub(crate) fn value(&self, expr: &Expr) -> Parse<Constant> {
        let span = expr.span;
        match &expr.node {
            ExprKind::Integer(n) => Ok(Constant::Integer(*n)),
            ExprKind::Decimal(x) => Ok(Constant::Decimal(*x)),
            ExprKind::Text(s) => Ok(Constant::Text(s.clone())),
            ExprKind::Date(d) => Ok(Constant::Date(*d)),
            ExprKind::Name(s) => Ok(Constant::Symbol(s.clone())),
            ExprKind::Missing => Err(Box::new(messages::no_constant(span))),
            ExprKind::Binding(name) => self.lookup(name, span).cloned(),
            ExprKind::Unary(operator, operand) => {
                let value = self.number(operand)?;
                Constant::of(scalar::unary(*operator, &value)).ok_or_else(|| Box::new(messages::no_constant(span)))
            }
            ExprKind::Binary(BinaryOperator::Concat, a, b) => {
                let (left, right) = (self.value(a)?, self.value(b)?);
                let joined = left.text() + &right.text();
                if joined.len() > LONGEST_TEXT {
                    return Err(Box::new(messages::text_too_long(span, LONGEST_TEXT)));
                }
                // The leftmost operand decides: a symbol stays a symbol (LANG-052).
                Ok(if matches!(left, Constant::Symbol(_)) { Constant::Symbol(joined) } else { Constant::Text(joined) })
            }
            ExprKind::Binary(operator, a, b) => {
                let (left, right) = (self.number(a)?, self.number(b)?);
                let value = scalar::binary(*operator, &left, &right);
                Constant::of(value).ok_or_else(|| Box::new(messages::no_constant(span)))
            }
            ExprKind::Call(name, arguments) => self.call(&name.node, arguments, span),
        }
    }

    /// An operand of arithmetic: a number, or a text where texts are compared.
    fn number(&self, expr: &Expr) -> Parse<Scalar> {
        let value = self.value(expr)?;
        value.scalar().ok_or_else(|| Box::new(messages::symbol_in_arithmetic(expr.span, &value.text())))
    }

    fn call(&self, name: &str, arguments: &[Expr], span: Span) -> Parse<Constant> {
        let Some(function) = Function::named(name).filter(|f| f.spec().constant()) else {
            return Err(Box::new(messages::not_for_constants(span, name)));
        };
        let bad = || Fail::new(messages::no_constant(span));
        let first = || arguments.first().ok_or_else(bad).and_then(|a| self.value(a));
        match function {
            Function::ToStr => Ok(Constant::Text(first()?.text())),
            Function::ToInt => match first()? {
                Constant::Integer(n) => Ok(Constant::Integer(n)),
                value => {
                    let text = value.text();
                    let digits = text.strip_prefix('-').unwrap_or(&text).bytes().all(|b| b.is_ascii_digit());
                    let number = text.parse().ok().filter(|_| digits).map(Constant::Integer);
                    number.ok_or_else(|| Box::new(messages::not_an_integer(span, &text)))
                }
            },
            Function::ToSymbol => {
                let text = first()?.text();
                if is_name(&text) {
                    Ok(Constant::Symbol(text))
                } else {
                    Err(Box::new(messages::invalid_name(span, &text)))
                }
            }
            Function::Bind => self.lookup(&first()?.text(), span).cloned(),
            Function::DateFmt => {
                let parts = arguments.iter().map(|a| self.number(a)).collect::<Parse<Vec<_>>>()?;
                let date = scalar::call(function, &parts);
                let date = date.as_ref().and_then(Scalar::as_text).and_then(|t| t.parse().ok());
                date.map(Constant::Date).ok_or_else(|| {
                    let shown: Vec<String> =
                        arguments.iter().filter_map(|a| self.value(a).ok()).map(|c| c.text()).collect();
                    Box::new(messages::impossible_date(span, &shown.join("-")))
                })
            }
            _ => {
                let values = arguments.iter().map(|a| self.number(a)).collect::<Parse<Vec<_>>>()?;
                let texts = matches!(function.spec().group, FunctionGroup::Text | FunctionGroup::Logic);
                if !texts && let Some(i) = values.iter().position(|v| v.as_text().is_some()) {
                    return Err(Box::new(messages::needs_number(arguments[i].span)));
                }
                scalar::call(function, &values).and_then(Constant::of).ok_or_else(bad)
            }
        }
    }

    /// The name that stands in a name position (LANG-053). System names are allowed.
    pub(crate) fn name(&self, expr: &Expr) -> Parse<String> {
        if let ExprKind::Name(name) = &expr.node {
            return Ok(name.clone());
        }
        let value = self.value(expr)?;
        match &value {
            Constant::Symbol(text) | Constant::Text(text) if is_name(text) => Ok(text.clone()),
            Constant::Symbol(text) | Constant::Text(text) => {
                let system = crate::parse::system_name(text);
                let valid = system.split_once('@').is_some_and(|(a, b)| is_name(a) && is_name(b));
                if valid { Ok(system) } else { Err(Box::new(messages::invalid_name(expr.span, text))) }
            }
            other => Err(Box::new(messages::invalid_name(expr.span, &other.text()))),
        }
    }

    /// A new name: no `@` (LANG-007).
    pub(crate) fn new_name(&self, expr: &Expr) -> Parse<String> {
        let name = self.name(expr)?;
        if name.contains('@') { Err(Box::new(messages::invalid_name(expr.span, &name))) } else { Ok(name) }
    }

    /// The date that stands in a time position (LANG-052).
    pub(crate) fn date(&self, expr: &Expr) -> Parse<Date> {
        let value = self.value(expr)?;
        match &value {
            Constant::Date(date) => Ok(*date),
            Constant::Text(text) | Constant::Symbol(text) => {
                text.parse().map_err(|_| Box::new(messages::impossible_date(expr.span, &messages::shortened(text))))
            }
            other => Err(Box::new(messages::impossible_date(expr.span, &other.text()))),
        }
    }
}
