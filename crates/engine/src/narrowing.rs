//! Conditions of `keep` and `drop` on spells that are asked of the source instead of being computed row by row: those that
//! can be told from the code alone (computed once per code of the list), and comparisons of START and STOP with a constant.
//! Everything else is for the rows themselves.

use std::sync::Arc;

use script::Function;
use script::program::{BinaryOperator, Expression, ExpressionKind};

use crate::data::{Data, Dictionary};
use crate::expression::{columns, compile};
use crate::source::{CodeSet, Days, Selection};
use crate::vector::Value;

/// What the columns of spells are called.
pub(crate) struct SpellNames<'a> {
    /// The value.
    pub(crate) value: &'a str,
    /// Its codes, where it has a list.
    pub(crate) codes: Option<&'a Arc<Dictionary>>,
    /// The first day; every spell has one.
    pub(crate) start: &'a str,
    /// The last day, missing while a spell is ongoing.
    pub(crate) stop: &'a str,
}

/// The rows of `selection` that are left when those are kept (or, with `drop`, taken away) for which `condition` is true;
/// none when the condition needs the rows.
pub(crate) fn narrowed(
    selection: &Selection,
    condition: &Expression,
    drop: bool,
    names: &SpellNames<'_>,
) -> Option<Selection> {
    use BinaryOperator::{And, Or};
    match (&condition.kind, drop) {
        // Both must be true; or, for what is taken away, neither may be.
        (ExpressionKind::Binary(And, a, b), false) | (ExpressionKind::Binary(Or, a, b), true) => {
            narrowed(&narrowed(selection, a, drop, names)?, b, drop, names)
        }
        _ => term(selection, condition, drop, names),
    }
}

fn term(selection: &Selection, condition: &Expression, drop: bool, names: &SpellNames<'_>) -> Option<Selection> {
    let mut used = Vec::new();
    columns(condition, &mut used);
    let [name] = used.as_slice() else { return None };
    if *name == names.value {
        let codes = chosen(condition, drop, names.codes?)?;
        return Some(selection.clone().with_codes(&codes));
    }
    let days = compared(condition)?;
    if *name == names.start {
        let days = if drop { complement(days)? } else { days };
        return Some(selection.clone().starting(days));
    }
    if *name == names.stop {
        // A comparison with a missing STOP is not true, so an ongoing spell is not kept and not taken away.
        let known = days.and(Days { last: i32::MAX - 1, ..Days::ALL });
        let days = if drop { complement(known)? } else { known };
        return Some(selection.clone().stopping(days));
    }
    None
}

/// The codes for which a condition on the code is true; not true, with `drop`.
fn chosen(condition: &Expression, drop: bool, codes: &Arc<Dictionary>) -> Option<CodeSet> {
    if has_quantile(condition) {
        return None;
    }
    let every = Arc::new(Data::of_dictionary(codes));
    let node = compile(condition, &|_| Some(Arc::clone(&every))).ok()?;
    let words = node.truths(0..codes.len() + 1);
    let chosen = |place: usize| (words[place / 64] >> (place % 64) & 1 == 1) != drop;
    // A place that no code has is a missing value.
    Some(CodeSet::new((0..codes.len()).map(chosen).collect(), chosen(codes.len())))
}

/// Whether an expression ranks values among those of other rows (LANG-047).
pub(crate) fn has_quantile(expression: &Expression) -> bool {
    use ExpressionKind as E;
    match &expression.kind {
        E::Column(_) | E::Literal(_) | E::Missing => false,
        E::Unary(_, x) => has_quantile(x),
        E::Binary(_, a, b) => has_quantile(a) || has_quantile(b),
        E::Call(function, args) => *function == Function::Quantile || args.iter().any(has_quantile),
    }
}

/// The days that lie as a comparison with a constant says.
fn compared(condition: &Expression) -> Option<Days> {
    use BinaryOperator as Op;
    let ExpressionKind::Binary(op, a, b) = &condition.kind else { return None };
    let is_column = |e: &Expression| matches!(e.kind, ExpressionKind::Column(_));
    let (op, bound) = match (is_column(a), is_column(b)) {
        (true, false) => (*op, constant(b)?),
        (false, true) => (turned(*op), constant(a)?),
        _ => return None,
    };
    let up = |x: f64| if x.is_finite() { x.ceil() as i32 } else { 0 };
    let (least, most) = match bound {
        // Casts of decimals stop at the ends of the range, which no day of a register reaches.
        Value::Integer(n) => (up(n as f64), up(n as f64)),
        Value::Decimal(x) => (up(x), x.floor() as i32),
        // A comparison with a missing value is true for no row.
        Value::Missing => return Some(Days { first: i32::MAX, last: i32::MIN }),
        Value::Text(_) | Value::Key(_) => return None,
    };
    Some(match op {
        Op::GreaterOrEqual => Days { first: least, ..Days::ALL },
        Op::Greater => Days { first: most.checked_add(1)?, ..Days::ALL },
        Op::LessOrEqual => Days { last: most, ..Days::ALL },
        Op::Less => Days { last: least.checked_sub(1)?, ..Days::ALL },
        Op::Equal => Days { first: least, last: most },
        _ => return None,
    })
}

/// The comparison with its sides changed over.
fn turned(op: BinaryOperator) -> BinaryOperator {
    use BinaryOperator as Op;
    match op {
        Op::Less => Op::Greater,
        Op::LessOrEqual => Op::GreaterOrEqual,
        Op::Greater => Op::Less,
        Op::GreaterOrEqual => Op::LessOrEqual,
        same => same,
    }
}

/// The value of an expression without columns.
fn constant(expression: &Expression) -> Option<Value> {
    let mut used = Vec::new();
    columns(expression, &mut used);
    let node = compile(expression, &|_| None).ok().filter(|_| used.is_empty())?;
    Some(node.evaluate(0..1).get(0))
}

/// The other days, where they are one stretch.
fn complement(days: Days) -> Option<Days> {
    match (days.is_empty(), days.first == i32::MIN, days.last == i32::MAX) {
        (true, ..) => Some(Days::ALL),
        (_, true, true) => Some(Days { first: i32::MAX, last: i32::MIN }),
        (_, true, false) => Some(Days { first: days.last + 1, ..Days::ALL }),
        (_, false, true) => Some(Days { last: days.first - 1, ..Days::ALL }),
        (_, false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use kernel::Date;
    use script::DataType;
    use script::program::Literal;

    use super::*;

    fn of(kind: ExpressionKind) -> Expression {
        Expression { kind, data_type: DataType::Integer }
    }

    fn column(name: &str) -> Expression {
        of(ExpressionKind::Column(name.into()))
    }

    fn number(n: f64) -> Expression {
        let literal = if n.fract() == 0.0 { Literal::Integer(n as i64) } else { Literal::Decimal(n) };
        of(ExpressionKind::Literal(literal))
    }

    fn text(t: &str) -> Expression {
        of(ExpressionKind::Literal(Literal::Text(t.into())))
    }

    fn two(op: BinaryOperator, a: Expression, b: Expression) -> Expression {
        of(ExpressionKind::Binary(op, Box::new(a), Box::new(b)))
    }

    fn starts_with(prefix: &str) -> Expression {
        of(ExpressionKind::Call(Function::StartsWith, vec![column("code"), text(prefix)]))
    }

    /// Whether each of some rows is left: code, start, stop.
    fn left(condition: &Expression, drop: bool) -> Option<Vec<bool>> {
        let codes = Arc::new(Dictionary::Text(["I20", "I21", "I219", "J45"].map(Arc::from).to_vec()));
        let names = SpellNames { value: "code", codes: Some(&codes), start: "START@code", stop: "STOP@code" };
        let all = Selection::meeting(Date::from_days(-1000), Date::from_days(1000));
        let selection = narrowed(&all, condition, drop, &names)?;
        let rows = [(0, 10, 20), (1, 10, i32::MAX), (2, 11, 11), (3, -5, 10)];
        Some(rows.iter().map(|(code, start, stop)| selection.contains(*start, *stop, Some(*code))).collect())
    }

    /// Conditions on the code, on days and on both; kept and dropped.
    #[test]
    fn eng_012_conditions_that_choose_rows() {
        use BinaryOperator as Op;
        assert_eq!(left(&starts_with("I21"), false), Some(vec![false, true, true, false]));
        assert_eq!(left(&starts_with("I21"), true), Some(vec![true, false, false, true]));
        assert_eq!(left(&starts_with(""), false), Some(vec![true; 4]));
        assert_eq!(left(&starts_with("X"), false), Some(vec![false; 4]), "a code that is not in the list");
        let late = two(Op::GreaterOrEqual, column("START@code"), number(10.0));
        assert_eq!(left(&late, false), Some(vec![true, true, true, false]));
        assert_eq!(left(&late, true), Some(vec![false, false, false, true]));
        let both = two(Op::And, starts_with("I21"), late.clone());
        assert_eq!(left(&both, false), Some(vec![false, true, true, false]));
        assert_eq!(left(&both, true), None, "what is dropped is no product of codes and days");
        let either = two(Op::Or, starts_with("J"), two(Op::Greater, column("START@code"), number(10.0)));
        assert_eq!(left(&either, true), Some(vec![true, true, false, false]));
        assert_eq!(left(&either, false), None);
        let either_code = two(Op::Or, starts_with("J"), two(Op::Equal, column("code"), text("I20")));
        assert_eq!(left(&either_code, false), Some(vec![true, false, false, true]));
    }

    /// ENG-041: the edges of days, decimals between days, and spells that are ongoing.
    #[test]
    fn eng_041_edges_of_days() {
        use BinaryOperator as Op;
        let start = |op, n| two(op, column("START@code"), number(n));
        assert_eq!(left(&start(Op::Greater, 10.0), false), Some(vec![false, false, true, false]));
        assert_eq!(left(&start(Op::Greater, 9.5), false), Some(vec![true, true, true, false]));
        assert_eq!(left(&start(Op::Less, 10.5), false), Some(vec![true, true, false, true]));
        assert_eq!(left(&start(Op::LessOrEqual, 10.5), false), Some(vec![true, true, false, true]));
        assert_eq!(left(&start(Op::Equal, 10.0), false), Some(vec![true, true, false, false]));
        assert_eq!(left(&start(Op::Equal, 10.5), false), Some(vec![false; 4]));
        assert_eq!(left(&start(Op::NotEqual, 10.0), false), None);
        let turned = two(Op::LessOrEqual, number(11.0), column("START@code"));
        assert_eq!(left(&turned, false), Some(vec![false, false, true, false]));
        let missing = two(Op::Less, column("START@code"), of(ExpressionKind::Missing));
        assert_eq!(left(&missing, false), Some(vec![false; 4]));
        assert_eq!(left(&missing, true), Some(vec![true; 4]));
        let stop = |op, n| two(op, column("STOP@code"), number(n));
        assert_eq!(left(&stop(Op::GreaterOrEqual, 11.0), false), Some(vec![true, false, true, false]));
        assert_eq!(left(&stop(Op::Less, 11.0), true), Some(vec![true, true, true, false]));
        assert_eq!(left(&stop(Op::Greater, 11.0), true), None, "ongoing spells stay");
        let years = of(ExpressionKind::Call(Function::Year, vec![column("START@code")]));
        assert_eq!(left(&two(Op::Equal, years, number(1970.0)), false), None, "for the rows themselves");
        let other = two(Op::Equal, column("sex"), number(1.0));
        assert_eq!(left(&other, false), None);
    }
}
