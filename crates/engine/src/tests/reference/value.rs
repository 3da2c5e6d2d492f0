//! Values of the reference interpreter and the operators on them (language.md sections 3 and 4).

use std::cmp::Ordering;

use script::program::{BinaryOperator, Literal, UnaryOperator};

/// One value of one row.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::tests) enum V {
    Missing,
    Int(i64),
    Dec(f64),
    Text(String),
    /// A unit key: the ordinal of the unit.
    Key(u32),
}

impl V {
    /// LANG-032: what is no number is missing; there is one zero.
    pub(super) fn real(x: f64) -> V {
        if x.is_finite() { V::Dec(if x == 0.0 { 0.0 } else { x }) } else { V::Missing }
    }

    pub(super) fn truth(b: bool) -> V {
        V::Int(i64::from(b))
    }

    pub(super) fn text(t: &str) -> V {
        V::Text(t.to_owned())
    }

    /// A whole number that may not fit.
    pub(super) fn whole(x: f64) -> V {
        if x >= -(2f64.powi(63)) && x < 2f64.powi(63) { V::Int(x as i64) } else { V::real(x) }
    }

    pub(in crate::tests) fn number(&self) -> Option<f64> {
        match self {
            V::Int(n) => Some(*n as f64),
            V::Dec(x) => Some(*x),
            _ => None,
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        *self == V::Missing
    }

    /// LANG-034: any number but zero counts as true.
    pub(super) fn is_true(&self) -> Option<bool> {
        self.number().map(|x| x != 0.0)
    }

    /// Whether this is the value that a plan writes as `literal`.
    pub(super) fn is(&self, literal: &Literal) -> bool {
        compare(self, &V::from(literal)) == Some(Ordering::Equal)
    }

    /// What tells groups and link keys apart: numbers by value.
    pub(super) fn identity(&self) -> String {
        match self {
            V::Missing => String::new(),
            V::Int(n) => format!("n{n}"),
            V::Dec(x) if x.fract() == 0.0 && x.abs() < 9e15 => format!("n{}", *x as i64),
            V::Dec(x) => format!("d{x:e}"),
            V::Text(t) => format!("t{t}"),
            V::Key(k) => format!("k{k}"),
        }
    }
}

impl From<&Literal> for V {
    fn from(literal: &Literal) -> V {
        match literal {
            Literal::Integer(n) => V::Int(*n),
            Literal::Decimal(x) => V::Dec(*x),
            Literal::Text(t) => V::text(t),
        }
    }
}

/// The order of two values of one kind.
pub(super) fn compare(a: &V, b: &V) -> Option<Ordering> {
    match (a, b) {
        (V::Int(x), V::Int(y)) => Some(x.cmp(y)),
        // LANG-040: by code point.
        (V::Text(x), V::Text(y)) => Some(x.chars().cmp(y.chars())),
        (V::Key(x), V::Key(y)) => Some(x.cmp(y)),
        _ => a.number()?.partial_cmp(&b.number()?),
    }
}

pub(super) fn unary(operator: UnaryOperator, x: &V) -> V {
    match (operator, x) {
        (UnaryOperator::Negate, V::Int(n)) => n.checked_neg().map_or(V::Dec(2f64.powi(63)), V::Int),
        (UnaryOperator::Negate, V::Dec(x)) => V::real(-x),
        (UnaryOperator::Not, x) => x.is_true().map_or(V::Missing, |t| V::truth(!t)),
        _ => V::Missing,
    }
}

pub(super) fn binary(operator: BinaryOperator, a: &V, b: &V) -> V {
    use BinaryOperator as Op;
    match operator {
        Op::And | Op::Or => logic(operator == Op::And, a.is_true(), b.is_true()),
        Op::Equal | Op::NotEqual | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            // LANG-033.
            let Some(order) = compare(a, b) else { return V::Missing };
            V::truth(match operator {
                Op::Equal => order == Ordering::Equal,
                Op::NotEqual => order != Ordering::Equal,
                Op::Less => order == Ordering::Less,
                Op::LessOrEqual => order != Ordering::Greater,
                Op::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            })
        }
        Op::Concat => V::Missing,
        _ => arithmetic(operator, a, b),
    }
}

/// LANG-034, as a table: a decisive operand decides, else missing wins.
fn logic(and: bool, a: Option<bool>, b: Option<bool>) -> V {
    let decisive = Some(!and);
    if a == decisive || b == decisive {
        return V::truth(!and);
    }
    if a.is_none() || b.is_none() { V::Missing } else { V::truth(and) }
}

fn arithmetic(operator: BinaryOperator, a: &V, b: &V) -> V {
    use BinaryOperator as Op;
    // LANG-030: whole numbers stay whole while they fit 64 bits.
    if let (V::Int(x), V::Int(y)) = (a, b) {
        let (x, y) = (i128::from(*x), i128::from(*y));
        let exact = match operator {
            Op::Add => Some(x + y),
            Op::Subtract => Some(x - y),
            Op::Multiply => Some(x * y),
            _ => None,
        };
        if let Some(Ok(n)) = exact.map(i64::try_from) {
            return V::Int(n);
        }
    }
    let (Some(x), Some(y)) = (a.number(), b.number()) else { return V::Missing };
    match operator {
        Op::Add => V::real(x + y),
        Op::Subtract => V::real(x - y),
        Op::Multiply => V::real(x * y),
        Op::Divide if y == 0.0 => V::Missing,
        Op::Divide => V::real(x / y),
        Op::Power => V::real(x.powf(y)),
        _ => V::Missing,
    }
}
