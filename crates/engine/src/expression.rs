//! Expressions over columns (language.md section 4), computed chunk by chunk. An expression that reads one column with few
//! possible values is computed once per value and then looked up, so `kjønn == '1'`, `substr(kommune, 1, 2)` or
//! `2018 - int(birth / 100)` costs a gather. Conditions are words of 64 rows.

use std::sync::Arc;

use script::program::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};

use crate::control::Control;
use crate::data::{Data, Dictionary};
use crate::error::RunError;
use crate::functions;
use crate::lookup::{Condition, Span, pack};
use crate::vector::{Content, Kind, Value, Vector};

/// An expression with its columns at hand.
pub(crate) enum Node {
    Column(Arc<Data>),
    Constant(Value),
    /// Result per value of the column.
    Lookup(Lookup),
    Unary(UnaryOperator, Box<Node>),
    Binary(BinaryOperator, Box<Node>, Box<Node>),
    Call(script::Function, Vec<Node>, Kind),
}

/// What an expression over one column gives for each of the column's possible values, and for missing.
pub(crate) struct Lookup {
    data: Arc<Data>,
    span: Span,
    table: Vector,
    yes: Condition,
    no: Condition,
}

/// Finds the column with a name.
pub(crate) type Find<'a> = dyn Fn(&str) -> Option<Arc<Data>> + 'a;

/// Prepares an expression over the columns that `find` knows. Errs with the name of an unknown column.
pub(crate) fn compile(expression: &Expression, find: &Find<'_>) -> Result<Node, String> {
    if let Some(node) = tabulated(expression, find)? {
        return Ok(node);
    }
    plain(expression, find, &|e| compile(e, find))
}

fn plain(
    expression: &Expression,
    find: &Find<'_>,
    compile: &dyn Fn(&Expression) -> Result<Node, String>,
) -> Result<Node, String> {
    Ok(match &expression.kind {
        ExpressionKind::Column(name) => Node::Column(find(name).ok_or_else(|| name.to_string())?),
        ExpressionKind::Literal(literal) => Node::Constant(literal.into()),
        ExpressionKind::Missing => Node::Constant(Value::Missing),
        ExpressionKind::Unary(op, x) => Node::Unary(*op, Box::new(compile(x)?)),
        ExpressionKind::Binary(op, a, b) => Node::Binary(*op, Box::new(compile(a)?), Box::new(compile(b)?)),
        ExpressionKind::Call(function, args) => {
            let args = args.iter().map(compile).collect::<Result<_, _>>()?;
            Node::Call(*function, args, Kind::of_type(&expression.data_type))
        }
    })
}

/// The expression as a lookup, when it reads one coded column and does something with it.
fn tabulated(expression: &Expression, find: &Find<'_>) -> Result<Option<Node>, String> {
    if matches!(expression.kind, ExpressionKind::Column(_) | ExpressionKind::Literal(_) | ExpressionKind::Missing) {
        return Ok(None);
    }
    let mut names = Vec::new();
    columns(expression, &mut names);
    let [name] = names.as_slice() else { return Ok(None) };
    let data = find(name).ok_or_else(|| name.to_string())?;
    let Some(span) = data.span().filter(|span| span.pays(&data)) else { return Ok(None) };
    let values = Arc::new(span.values(&data));
    fn every(e: &Expression, find: &Find<'_>) -> Result<Node, String> {
        plain(e, find, &|e| every(e, find))
    }
    let node = every(expression, &|_| Some(Arc::clone(&values)))?;
    Ok(Some(Node::Lookup(Lookup::new(data, span, node.evaluate(0..span.len() + 1)))))
}

/// Names of the columns that an expression reads, each once, in order of appearance.
pub(crate) fn columns<'e>(expression: &'e Expression, names: &mut Vec<&'e str>) {
    match &expression.kind {
        ExpressionKind::Column(name) => {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        ExpressionKind::Literal(_) | ExpressionKind::Missing => {}
        ExpressionKind::Unary(_, x) => columns(x, names),
        ExpressionKind::Binary(_, a, b) => {
            columns(a, names);
            columns(b, names);
        }
        ExpressionKind::Call(_, args) => args.iter().for_each(|a| columns(a, names)),
    }
}

impl Node {
    /// The values on a stretch of rows.
    pub(crate) fn evaluate(&self, rows: std::ops::Range<usize>) -> Vector {
        match self {
            Node::Column(data) => data.read(rows),
            Node::Constant(value) => Vector::repeat(value, rows.len()),
            Node::Lookup(lookup) => lookup.evaluate(rows),
            Node::Unary(op, x) => unary(*op, x.evaluate(rows)),
            Node::Binary(op, a, b) => binary(*op, a.evaluate(rows.clone()), b.evaluate(rows)),
            Node::Call(function, args, kind) => {
                let args: Vec<Vector> = args.iter().map(|a| a.evaluate(rows.clone())).collect();
                let mut row = Vec::with_capacity(args.len());
                let values: Vec<Value> = (0..rows.len())
                    .map(|i| {
                        row.clear();
                        row.extend(args.iter().map(|a| a.get(i)));
                        functions::call(*function, &row)
                    })
                    .collect();
                Vector::collect(&values, kind)
            }
        }
    }

    /// The values on all rows as a column, where there is a short way to it.
    pub(crate) fn column(&self, rows: usize, kind: Kind, control: &dyn Control) -> Option<Result<Data, RunError>> {
        match self {
            Node::Lookup(lookup) => Some(lookup.column(rows, kind, control)),
            _ => None,
        }
    }

    /// Where the expression is true, 64 rows a word.
    pub(crate) fn truths(&self, rows: std::ops::Range<usize>) -> Vec<u64> {
        self.is(true, rows)
    }

    /// Where the expression is true, or where it is false, 64 rows a word; it is neither where it is missing (LANG-034,
    /// LANG-035).
    fn is(&self, wanted: bool, rows: std::ops::Range<usize>) -> Vec<u64> {
        match self {
            Node::Lookup(lookup) => {
                let condition = if wanted { &lookup.yes } else { &lookup.no };
                lookup.span.words(&lookup.data, condition, rows)
            }
            Node::Unary(UnaryOperator::Not, x) => x.is(!wanted, rows),
            Node::Binary(op @ (BinaryOperator::And | BinaryOperator::Or), a, b) => {
                let (a, b) = (a.is(wanted, rows.clone()), b.is(wanted, rows));
                if (*op == BinaryOperator::And) == wanted {
                    words(a, &b, |a, b| a & b)
                } else {
                    words(a, &b, |a, b| a | b)
                }
            }
            _ => {
                let vector = self.evaluate(rows);
                let bytes: Vec<u8> = (0..vector.len()).map(|i| u8::from(truth(&vector, i) == Some(wanted))).collect();
                pack(&bytes).collect()
            }
        }
    }
}

fn words(mut a: Vec<u64>, b: &[u64], f: impl Fn(u64, u64) -> u64) -> Vec<u64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, *b));
    a
}

impl Lookup {
    /// `table` has an entry per place of the span of `data`, and a last one for missing.
    pub(crate) fn new(data: Arc<Data>, span: Span, table: Vector) -> Self {
        let is = |wanted| Condition::new((0..table.len()).map(|i| truth(&table, i) == Some(wanted)));
        let (yes, no) = (is(true), is(false));
        data.is_listed();
        Self { data, span, table, yes, no }
    }

    fn evaluate(&self, rows: std::ops::Range<usize>) -> Vector {
        let places: Vec<u32> = (0..self.table.len() as u32).collect();
        let mut at = vec![0u32; rows.len()];
        self.span.gather(&self.data, &places, rows, &mut at);
        let content = match &self.table.content {
            Content::Integer(v) => Content::Integer(at.iter().map(|i| v[*i as usize]).collect()),
            Content::Decimal(v) => Content::Decimal(at.iter().map(|i| v[*i as usize]).collect()),
            Content::Text(v) => Content::Text(at.iter().map(|i| Arc::clone(&v[*i as usize])).collect()),
            Content::Key(v) => Content::Key(at.iter().map(|i| v[*i as usize]).collect()),
        };
        Vector { content, valid: at.iter().map(|i| self.table.valid[*i as usize]).collect() }
    }

    /// The result as a column, without going through vectors.
    pub(crate) fn column(&self, rows: usize, kind: Kind, control: &dyn Control) -> Result<Data, RunError> {
        self.span.column(&self.data, &self.table, kind, rows, control)
    }
}

fn unary(op: UnaryOperator, x: Vector) -> Vector {
    let Vector { content, valid } = x;
    match (op, content) {
        (UnaryOperator::Negate, Content::Integer(v)) if !v.contains(&i64::MIN) => {
            Vector { content: Content::Integer(v.into_iter().map(|x| -x).collect()), valid }
        }
        (UnaryOperator::Negate, content) => {
            Vector { content: Content::Decimal(content.into_decimal().into_iter().map(|x| 0.0 - x).collect()), valid }
        }
        (UnaryOperator::Not, Content::Integer(v)) => {
            Vector { content: Content::Integer(v.into_iter().map(|x| i64::from(x == 0)).collect()), valid }
        }
        (UnaryOperator::Not, content) => {
            let v = content.into_decimal();
            Vector { content: Content::Integer(v.into_iter().map(|x| i64::from(x == 0.0)).collect()), valid }
        }
    }
}

fn binary(op: BinaryOperator, a: Vector, b: Vector) -> Vector {
    use BinaryOperator as Op;
    match op {
        Op::Or => logic(a, b, |x, y| match (x, y) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        }),
        Op::And => logic(a, b, |x, y| match (x, y) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }),
        Op::Equal => compare(a, b, |o| o.is_eq()),
        Op::NotEqual => compare(a, b, |o| o.is_ne()),
        Op::Less => compare(a, b, |o| o.is_lt()),
        Op::LessOrEqual => compare(a, b, |o| o.is_le()),
        Op::Greater => compare(a, b, |o| o.is_gt()),
        Op::GreaterOrEqual => compare(a, b, |o| o.is_ge()),
        Op::Add => arithmetic(a, b, i64::checked_add, |x, y| x + y),
        Op::Subtract => arithmetic(a, b, i64::checked_sub, |x, y| x - y),
        Op::Multiply => arithmetic(a, b, i64::checked_mul, |x, y| x * y),
        Op::Divide => decimal(a, b, |x, y| if y == 0.0 { f64::NAN } else { x / y }),
        Op::Power => decimal(a, b, f64::powf),
        // The checker resolves it; a plan that holds it all the same has no value here.
        Op::Concat => Vector::repeat(&Value::Missing, a.len()),
    }
}

fn both(a: &Vector, b: &Vector) -> Vec<bool> {
    a.valid.iter().zip(&b.valid).map(|(x, y)| *x && *y).collect()
}

fn truth(x: &Vector, i: usize) -> Option<bool> {
    x.valid[i].then(|| match &x.content {
        Content::Integer(v) => v[i] != 0,
        Content::Decimal(v) => v[i] != 0.0,
        Content::Text(_) | Content::Key(_) => false,
    })
}

fn logic(a: Vector, b: Vector, f: impl Fn(Option<bool>, Option<bool>) -> Option<bool>) -> Vector {
    let results: Vec<Option<bool>> = (0..a.len()).map(|i| f(truth(&a, i), truth(&b, i))).collect();
    Vector {
        content: Content::Integer(results.iter().map(|r| i64::from(*r == Some(true))).collect()),
        valid: results.iter().map(Option::is_some).collect(),
    }
}

fn compare(a: Vector, b: Vector, f: impl Fn(std::cmp::Ordering) -> bool) -> Vector {
    let mut valid = both(&a, &b);
    fn each<T>(a: &[T], b: &[T], f: impl Fn(&T, &T) -> bool) -> Vec<i64> {
        a.iter().zip(b).map(|(x, y)| i64::from(f(x, y))).collect()
    }
    let results = match (&a.content, &b.content) {
        (Content::Integer(x), Content::Integer(y)) => each(x, y, |x, y| f(x.cmp(y))),
        (Content::Text(x), Content::Text(y)) => each(x, y, |x, y| f(x.cmp(y))),
        (Content::Key(x), Content::Key(y)) => each(x, y, |x, y| f(x.cmp(y))),
        (Content::Integer(_) | Content::Decimal(_), Content::Integer(_) | Content::Decimal(_)) => {
            let (x, y) = (a.content.into_decimal(), b.content.into_decimal());
            each(&x, &y, |x, y| x.partial_cmp(y).is_some_and(&f))
        }
        // Different kinds only meet where one side is wholly missing.
        _ => {
            valid.fill(false);
            vec![0; valid.len()]
        }
    };
    Vector { content: Content::Integer(results), valid }
}

fn arithmetic(a: Vector, b: Vector, whole: fn(i64, i64) -> Option<i64>, real: fn(f64, f64) -> f64) -> Vector {
    let valid = both(&a, &b);
    if let (Content::Integer(x), Content::Integer(y)) = (&a.content, &b.content) {
        let results: Option<Vec<i64>> =
            x.iter().zip(y).zip(&valid).map(|((x, y), ok)| if *ok { whole(*x, *y) } else { Some(0) }).collect();
        if let Some(results) = results {
            return Vector { content: Content::Integer(results), valid };
        }
    }
    decimal(a, b, real)
}

/// Results outside the domain, and beyond the largest number, are missing (LANG-032, ENG-041). Zero has one sign.
fn decimal(a: Vector, b: Vector, f: impl Fn(f64, f64) -> f64) -> Vector {
    let mut valid = both(&a, &b);
    let (x, y) = (a.content.into_decimal(), b.content.into_decimal());
    let results = x.iter().zip(&y).zip(&mut valid).map(|((x, y), ok)| {
        let z = f(*x, *y);
        *ok &= z.is_finite();
        if *ok && z != 0.0 { z } else { 0.0 }
    });
    let results = results.collect();
    Vector { content: Content::Decimal(results), valid }
}

/// The dictionary's values as single values.
pub(crate) fn entries(dictionary: &Dictionary) -> Vec<Value> {
    match dictionary {
        Dictionary::Text(v) => v.iter().map(|t| Value::Text(Arc::clone(t))).collect(),
        Dictionary::Integer(v) => v.iter().map(|n| Value::Integer(*n)).collect(),
    }
}
