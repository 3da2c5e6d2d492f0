//! Expressions, constants and names built with `++` (language.md section 2, LANG-020, LANG-026).

use kernel::Date;

use super::{Cursor, Fail, Parse};
use crate::functions::{FUNCTIONS, Function};
use crate::lexer::{Mark, Token, TokenKind, normal};
use crate::messages::{self, What, what};
use crate::program::{BinaryOperator, UnaryOperator};
use crate::span::Located;
use crate::tree::{Expr, ExprKind, Ident};

/// Deepest parentheses and calls, and deepest tree (a long chain of operators nests to the left).
const NESTING: u32 = 200;
const DEPTH: u32 = 400;

const OR: u8 = 1;
const COMPARE: u8 = 3;
const CONCAT: u8 = 4;
const ADD: u8 = 5;

fn binary_operator(kind: TokenKind) -> Option<(BinaryOperator, u8)> {
    let TokenKind::Mark(mark) = kind else { return None };
    Some(match mark {
        Mark::Or => (BinaryOperator::Or, OR),
        Mark::And => (BinaryOperator::And, 2),
        Mark::Equal => (BinaryOperator::Equal, COMPARE),
        Mark::NotEqual => (BinaryOperator::NotEqual, COMPARE),
        Mark::Less => (BinaryOperator::Less, COMPARE),
        Mark::LessOrEqual => (BinaryOperator::LessOrEqual, COMPARE),
        Mark::Greater => (BinaryOperator::Greater, COMPARE),
        Mark::GreaterOrEqual => (BinaryOperator::GreaterOrEqual, COMPARE),
        Mark::Concat => (BinaryOperator::Concat, CONCAT),
        Mark::Plus => (BinaryOperator::Add, ADD),
        Mark::Minus => (BinaryOperator::Subtract, ADD),
        Mark::Times => (BinaryOperator::Multiply, 6),
        Mark::Divide => (BinaryOperator::Divide, 6),
        _ => return None,
    })
}

/// An expression with the depth of its tree.
type Deep = (Expr, u32);

impl Cursor<'_> {
    /// A data expression.
    pub(super) fn expression(&mut self) -> Parse<Expr> {
        Ok(self.climb(OR)?.0)
    }

    /// A constant expression, where dates may stand.
    pub(super) fn constant(&mut self) -> Parse<Expr> {
        if self.at_boundary() {
            return Err(self.missing(what::VALUE));
        }
        let dates = std::mem::replace(&mut self.dates, true);
        let read = self.climb(CONCAT);
        self.dates = dates;
        Ok(read?.0)
    }

    /// A name: one word, `$name`, or built with `++` (LANG-026).
    pub(super) fn name(&mut self, part: What) -> Parse<Expr> {
        let Some(token) = self.peek() else { return Err(self.missing(part)) };
        let kind = match token.kind {
            TokenKind::Word if self.is_word("if") => return Err(self.missing(part)),
            TokenKind::Word => ExprKind::Name(system_name(&normal(self.text(token)))),
            TokenKind::Binding => ExprKind::Binding(self.binding_name(token)),
            TokenKind::Text => ExprKind::Text(self.unquoted(token)),
            TokenKind::Number | TokenKind::DigitWord => {
                return Err(Box::new(messages::invalid_name(token.span, self.text(token))));
            }
            _ => return Err(self.missing(part)),
        };
        self.at += 1;
        let mut left = (Located::new(kind, token.span), 1);
        let names = std::mem::replace(&mut self.names, true);
        while self.take_mark(Mark::Concat).is_some() {
            let right = self.climb(ADD)?;
            left = self.join(BinaryOperator::Concat, left, right)?;
        }
        self.names = names;
        Ok(left.0)
    }

    /// A new name: without `@` (LANG-007).
    pub(super) fn new_name(&mut self, part: What) -> Parse<Expr> {
        let name = self.name(part)?;
        match &name.node {
            ExprKind::Name(text) if text.contains('@') => Err(Box::new(messages::invalid_name(name.span, text))),
            _ => Ok(name),
        }
    }

    /// A single value: number with sign, text, word, binding or date.
    pub(super) fn value(&mut self, part: What) -> Parse<Expr> {
        let Some(token) = self.peek() else { return Err(self.missing(part)) };
        let dates = std::mem::replace(&mut self.dates, true);
        let read = match token.kind {
            TokenKind::Mark(Mark::Minus) => self.signed_number(),
            TokenKind::Word => {
                self.at += 1;
                Ok(Located::new(ExprKind::Name(system_name(&normal(self.text(token)))), token.span))
            }
            TokenKind::Number | TokenKind::Text | TokenKind::Binding => self.primary().map(|(e, _)| e),
            TokenKind::DigitWord => Err(Box::new(messages::no_value(token.span, self.text(token)))),
            _ => Err(self.missing(part)),
        };
        self.dates = dates;
        read
    }

    /// `[-] number`.
    pub(super) fn signed_number(&mut self) -> Parse<Expr> {
        let sign = self.take_mark(Mark::Minus);
        let Some(token) = self.peek().filter(|t| t.kind == TokenKind::Number) else {
            let exponent = self.peek().filter(|t| messages::with_exponent(self.text(t)).is_some());
            return Err(match exponent {
                Some(token) => Box::new(messages::no_value(token.span, self.text(token))),
                None => self.unexpected(&[what::NUMBER]),
            });
        };
        let number = self.number(token)?;
        self.at += 1;
        Ok(match sign {
            None => number,
            Some(minus) => {
                let span = minus.span.to(number.span);
                let kind = match number.node {
                    ExprKind::Integer(n) => ExprKind::Integer(-n),
                    ExprKind::Decimal(x) => ExprKind::Decimal(-x),
                    other => other,
                };
                Located::new(kind, span)
            }
        })
    }

    fn binding_name(&self, token: &Token) -> String {
        normal(self.text(token).trim_start_matches('$'))
    }

    pub(super) fn unquoted(&self, token: &Token) -> String {
        let text = self.text(token);
        text.get(1..text.len().saturating_sub(1)).unwrap_or("").to_owned()
    }

    fn too_deep(&self) -> Fail {
        Box::new(messages::expression_too_deep(self.here(), NESTING))
    }

    fn join(&self, operator: BinaryOperator, (a, da): Deep, (b, db): Deep) -> Parse<Deep> {
        let depth = da.max(db) + 1;
        if depth > DEPTH {
            return Err(self.too_deep());
        }
        let span = a.span.to(b.span);
        Ok((Located::new(ExprKind::Binary(operator, Box::new(a), Box::new(b)), span), depth))
    }

    fn climb(&mut self, least: u8) -> Parse<Deep> {
        let mut left = self.unary()?;
        while let Some((operator, level)) = self.peek().and_then(|t| binary_operator(t.kind)) {
            if level < least {
                break;
            }
            self.at += 1;
            let right = self.climb(level + 1)?;
            if level == COMPARE {
                if [&left.0.node, &right.0.node].contains(&&ExprKind::Missing) {
                    return Err(Box::new(messages::compare_missing(left.0.span.to(right.0.span))));
                }
                left = self.join(operator, left, right)?;
                let again = self.peek().and_then(|t| binary_operator(t.kind));
                if again.is_some_and(|(_, level)| level == COMPARE) {
                    return Err(self.unexpected(&[what::mark(Mark::And), what::mark(Mark::Or), what::END]));
                }
            } else {
                left = self.join(operator, left, right)?;
            }
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parse<Deep> {
        // A row of signs is read without recursion: the depth of the tree is bounded by `DEPTH` all the same.
        let mut signs = Vec::new();
        while let Some(token) = self.peek() {
            let operator = match token.kind {
                TokenKind::Mark(Mark::Minus) => UnaryOperator::Negate,
                TokenKind::Mark(Mark::Not) => UnaryOperator::Not,
                _ => break,
            };
            self.at += 1;
            signs.push((operator, token.span));
            if signs.len() as u32 > NESTING {
                return Err(self.too_deep());
            }
        }
        let mut operand = self.power()?;
        while let Some((operator, span)) = signs.pop() {
            let whole = span.to(operand.0.span);
            if operand.1 >= DEPTH {
                return Err(self.too_deep());
            }
            operand = (Located::new(ExprKind::Unary(operator, Box::new(operand.0)), whole), operand.1 + 1);
        }
        Ok(operand)
    }

    fn power(&mut self) -> Parse<Deep> {
        let base = self.primary()?;
        if self.take_mark(Mark::Power).is_none() {
            return Ok(base);
        }
        self.nested(|cursor| {
            let exponent = cursor.unary()?;
            cursor.join(BinaryOperator::Power, base, exponent)
        })
    }

    /// Reads one level deeper, or refuses.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        self.nesting += 1;
        let result = if self.nesting > NESTING { Err(self.too_deep()) } else { read(self) };
        self.nesting -= 1;
        result
    }

    fn primary(&mut self) -> Parse<Deep> {
        let Some(token) = self.peek() else { return Err(Box::new(messages::part_missing(self.here(), what::VALUE))) };
        let kind = match token.kind {
            TokenKind::Number => {
                if self.dates
                    && let Some(date) = self.date()?
                {
                    return Ok((date, 1));
                }
                let number = self.number(token)?;
                self.at += 1;
                return Ok((number, 1));
            }
            TokenKind::Text => ExprKind::Text(self.unquoted(token)),
            TokenKind::Mark(Mark::Dot) => ExprKind::Missing,
            TokenKind::Binding => ExprKind::Binding(self.binding_name(token)),
            TokenKind::Word => {
                let opens = self.ahead(1).filter(|t| t.kind == TokenKind::Mark(Mark::Open));
                if opens.is_some_and(|open| !self.names || open.glued_to(token)) {
                    self.at += 2;
                    let name = Located::new(normal(self.text(token)), token.span);
                    return self.nested(|cursor| cursor.call(name));
                }
                ExprKind::Name(system_name(&normal(self.text(token))))
            }
            TokenKind::Mark(Mark::Open) => {
                self.at += 1;
                return self.nested(Self::parenthesised);
            }
            TokenKind::DigitWord => return Err(Box::new(messages::no_value(token.span, self.text(token)))),
            _ => return Err(self.unexpected(&[what::VALUE, what::VARIABLE, what::mark(Mark::Open)])),
        };
        self.at += 1;
        Ok((Located::new(kind, token.span), 1))
    }

    fn parenthesised(&mut self) -> Parse<Deep> {
        let names = std::mem::replace(&mut self.names, false);
        let inner = self.climb(OR)?;
        self.names = names;
        self.need_mark(Mark::Close)?;
        Ok(inner)
    }

    /// The arguments of a call whose `(` is read.
    fn call(&mut self, name: Ident) -> Parse<Deep> {
        let names = std::mem::replace(&mut self.names, false);
        let mut arguments = Vec::new();
        let mut depth = 0;
        if !self.is_mark(Mark::Close) {
            loop {
                let (argument, deep) = self.climb(OR)?;
                depth = depth.max(deep);
                arguments.push(argument);
                if self.take_mark(Mark::Comma).is_none() {
                    break;
                }
            }
        }
        self.names = names;
        let close = self.here();
        if self.take_mark(Mark::Close).is_none() {
            return Err(self.unexpected(&[what::mark(Mark::Close), what::COMMA]));
        }
        let span = name.span.to(close);
        if !(self.assertion && name.node == "has") {
            let Some(function) = Function::named(&name.node) else {
                let near = self.nearest(&name.node, FUNCTIONS.iter().map(|f| f.name));
                return Err(Box::new(messages::unknown_function(name.span, &name.node).candidates(near)));
            };
            let spec = function.spec();
            if arguments.len() < spec.least || spec.most.is_some_and(|most| arguments.len() > most) {
                return Err(Box::new(messages::wrong_arity(span, spec, arguments.len())));
            }
        }
        if depth >= DEPTH {
            return Err(self.too_deep());
        }
        Ok((Located::new(ExprKind::Call(name, arguments), span), depth + 1))
    }

    fn number(&self, token: &Token) -> Parse<Expr> {
        let text = self.text(token);
        let kind = if text.contains('.') { None } else { text.parse().ok().map(ExprKind::Integer) };
        let kind = kind.or_else(|| text.parse().ok().filter(|x: &f64| x.is_finite()).map(ExprKind::Decimal));
        match kind {
            Some(kind) => Ok(Located::new(kind, token.span)),
            None => Err(Box::new(messages::number_too_large(token.span))),
        }
    }

    /// `YYYY-MM-DD` at the cursor, without blanks; taken when it is there. Impossible dates are `E306`.
    fn date(&mut self) -> Parse<Option<Expr>> {
        let Some(parts) = self.tokens.get(self.at..self.at + 5) else { return Ok(None) };
        let [y, h1, m, h2, d] = parts else { return Ok(None) };
        let digits =
            |t: &Token, n: usize| t.kind == TokenKind::Number && self.text(t).len() == n && !self.text(t).contains('.');
        let hyphen = |t: &Token| t.kind == TokenKind::Mark(Mark::Minus);
        let shape = digits(y, 4) && hyphen(h1) && digits(m, 2) && hyphen(h2) && digits(d, 2);
        if !shape || parts.windows(2).any(|w| !w[1].glued_to(&w[0])) {
            return Ok(None);
        }
        let span = y.span.to(d.span);
        let date: Date = match span.text(self.source).parse() {
            Ok(date) => date,
            Err(_) => return Err(Box::new(messages::impossible_date(span, span.text(self.source)))),
        };
        self.at += 5;
        Ok(Some(Located::new(ExprKind::Date(date), span)))
    }
}

/// The canonical spelling of a system name (LANG-007); other names as they are.
pub(crate) fn system_name(word: &str) -> String {
    let Some((before, after)) = word.split_once('@') else { return word.to_owned() };
    match (before, after) {
        ("date", "panel") | ("panel", "date") => "date@panel".to_owned(),
        (start, rest) if start.eq_ignore_ascii_case("start") => format!("START@{rest}"),
        (stop, rest) if stop.eq_ignore_ascii_case("stop") => format!("STOP@{rest}"),
        _ => word.to_owned(),
    }
}
