//! Values of a stretch of rows while an expression is computed, and single values.

use std::sync::{Arc, LazyLock};

use script::program::Literal;

static NO_TEXT: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));

/// One value; none is missing.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    Missing,
    Integer(i64),
    Decimal(f64),
    Text(Arc<str>),
    Key(u32),
}

impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Integer(n) => Value::Integer(*n),
            Literal::Decimal(x) => Value::Decimal(*x),
            Literal::Text(t) => Value::Text(Arc::clone(t)),
        }
    }
}

impl Value {
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Integer(n) => Some(*n as f64),
            Value::Decimal(x) => Some(*x),
            _ => None,
        }
    }

    /// Whether this is the value of a literal: numbers by value, texts exactly.
    pub(crate) fn is(&self, literal: &Literal) -> bool {
        match (self, literal) {
            (Value::Integer(a), Literal::Integer(b)) => a == b,
            (Value::Text(a), Literal::Text(b)) => a == b,
            (a, b) => a.as_f64().is_some_and(|a| Some(a) == b.as_f64()),
        }
    }
}

/// Typed values of a stretch.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Integer(Vec<i64>),
    Decimal(Vec<f64>),
    Text(Vec<Arc<str>>),
    Key(Vec<u32>),
}

impl Content {
    pub(crate) fn into_decimal(self) -> Vec<f64> {
        match self {
            Content::Integer(v) => v.into_iter().map(|x| x as f64).collect(),
            Content::Decimal(v) => v,
            Content::Text(v) => vec![0.0; v.len()],
            Content::Key(v) => vec![0.0; v.len()],
        }
    }
}

/// Values of a stretch of rows; where `valid` is false the row is missing and its content is of no meaning.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) content: Content,
    pub(crate) valid: Vec<bool>,
}

impl Vector {
    pub(crate) fn no_text() -> Arc<str> {
        Arc::clone(&NO_TEXT)
    }

    pub(crate) fn len(&self) -> usize {
        self.valid.len()
    }

    /// The same value on `n` rows.
    pub(crate) fn repeat(value: &Value, n: usize) -> Self {
        let content = match value {
            Value::Missing => return Self { content: Content::Integer(vec![0; n]), valid: vec![false; n] },
            Value::Integer(x) => Content::Integer(vec![*x; n]),
            Value::Decimal(x) => Content::Decimal(vec![*x; n]),
            Value::Text(t) => Content::Text(vec![Arc::clone(t); n]),
            Value::Key(k) => Content::Key(vec![*k; n]),
        };
        Self { content, valid: vec![true; n] }
    }

    /// Collects single values. Their type is that of the valid ones; whole and decimal numbers together are decimal;
    /// where all are missing it is that of `like`.
    pub(crate) fn collect(values: &[Value], like: &Kind) -> Self {
        let kind = values.iter().find_map(Kind::of).unwrap_or(*like);
        let decimal = kind.is_number() && values.iter().any(|v| matches!(v, Value::Decimal(_)));
        let valid: Vec<bool> = values.iter().map(|v| !matches!(v, Value::Missing)).collect();
        let content = match kind {
            Kind::Integer | Kind::Decimal if decimal || kind == Kind::Decimal => {
                Content::Decimal(values.iter().map(|v| v.as_f64().unwrap_or(0.0)).collect())
            }
            Kind::Integer | Kind::Decimal => {
                Content::Integer(values.iter().map(|v| if let Value::Integer(n) = v { *n } else { 0 }).collect())
            }
            Kind::Text => Content::Text(
                values.iter().map(|v| if let Value::Text(t) = v { Arc::clone(t) } else { Self::no_text() }).collect(),
            ),
            Kind::Key => Content::Key(values.iter().map(|v| if let Value::Key(k) = v { *k } else { 0 }).collect()),
        };
        Self { content, valid }
    }

    /// The value of row `i`.
    pub(crate) fn get(&self, i: usize) -> Value {
        if !self.valid[i] {
            return Value::Missing;
        }
        match &self.content {
            Content::Integer(v) => Value::Integer(v[i]),
            Content::Decimal(v) => Value::Decimal(v[i]),
            Content::Text(v) => Value::Text(Arc::clone(&v[i])),
            Content::Key(v) => Value::Key(v[i]),
        }
    }

    /// Rows of `self` where `choose` is true, else of `other`.
    pub(crate) fn choose(self, choose: &[bool], other: Vector) -> Vector {
        let valid = choose.iter().zip(self.valid.iter().zip(&other.valid)).map(|(c, (a, b))| if *c { *a } else { *b });
        let valid = valid.collect();
        fn pick<T: Clone>(choose: &[bool], a: &[T], b: &[T]) -> Vec<T> {
            choose.iter().zip(a.iter().zip(b)).map(|(c, (a, b))| if *c { a.clone() } else { b.clone() }).collect()
        }
        // A stretch where one side is wholly missing has no type of its own.
        let (nothing, other_nothing) = (!self.valid.contains(&true), !other.valid.contains(&true));
        let content = match (self.content, other.content) {
            (Content::Integer(a), Content::Integer(b)) => Content::Integer(pick(choose, &a, &b)),
            (Content::Text(a), Content::Text(b)) => Content::Text(pick(choose, &a, &b)),
            (Content::Key(a), Content::Key(b)) => Content::Key(pick(choose, &a, &b)),
            (_, b) if nothing => b,
            (a, _) if other_nothing => a,
            (a, b) => Content::Decimal(pick(choose, &a.into_decimal(), &b.into_decimal())),
        };
        Vector { content, valid }
    }
}

/// Type of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Integer,
    Decimal,
    Text,
    Key,
}

impl Kind {
    fn of(value: &Value) -> Option<Kind> {
        match value {
            Value::Missing => None,
            Value::Integer(_) => Some(Kind::Integer),
            Value::Decimal(_) => Some(Kind::Decimal),
            Value::Text(_) => Some(Kind::Text),
            Value::Key(_) => Some(Kind::Key),
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Decimal)
    }

    pub(crate) fn of_type(data_type: &script::DataType) -> Kind {
        match data_type {
            script::DataType::Integer | script::DataType::Date => Kind::Integer,
            script::DataType::Decimal => Kind::Decimal,
            script::DataType::Text => Kind::Text,
            script::DataType::Key(_) => Kind::Key,
        }
    }
}
