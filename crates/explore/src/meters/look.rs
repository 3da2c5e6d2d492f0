//! What an expression makes of its source variables, as far as budgets care (SDC-171): which variables stand behind it,
//! and whether a grouping by it is *fragmenting*, that is, cuts persons apart in a way that no category of the catalogue,
//! no quantile and no round interval does. Pure; reads the typed plan alone.
//!
//! How SDC-171 is read:
//! - Digits, remainders and parts of texts of a variable with more than 50 values are fragmenting. Rounding to a round
//!   unit, the year of a date and the beginning of a code only coarsen and are not; rounding to any other unit is, and so
//!   is a rounded variable that is computed with itself (`x - 100 * int(x / 100)` is a remainder).
//! - Four or more variables joined by and/or are.
//! - Edges that are neither round nor quantiles are.
//!
//! It does not know the data: a numeric variable without code list counts as one with many values.

use std::collections::BTreeSet;

use kernel::Date;
use script::program::{BinaryOperator, DataType, Expression, ExpressionKind, Literal, RecodeRule, RecodeSource};
use script::{Function, VariableInfo};

/// A variable with more values than this can be cut into pieces that say much of single persons.
const MANY_VALUES: usize = 50;
/// More variables than this, joined, pick out small groups.
const MOST_JOINED: usize = 3;

/// What is known of a column or an expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Written out down to the variables of the catalogue, so that the same split is recognised under other names.
    pub(super) text: String,
    /// A variable of the catalogue as it is, or a copy of one.
    pub(super) plain: bool,
    /// Variables behind it.
    pub(super) sources: BTreeSet<String>,
    /// Those of them with many values, used as they are.
    pub(super) many: BTreeSet<String>,
    /// Those of them with many values, coarsened.
    pub(super) coarse: BTreeSet<String>,
    /// Variables joined by and/or.
    pub(super) joined: BTreeSet<String>,
    /// Holds a constant that is not round, so that no edge on it is.
    pub(super) odd: bool,
    /// A text made of a number.
    pub(super) digits: bool,
    /// Cuts persons apart.
    pub(super) fragmenting: bool,
    /// The values it can take, where the plan says them.
    pub(super) values: Option<BTreeSet<String>>,
}

impl Look {
    /// A variable of the catalogue.
    pub(super) fn of_variable(variable: &VariableInfo) -> Self {
        let name = format!("{}/{}", variable.store, variable.name);
        let codes = variable.code_list.as_ref().map(|list| list.periods.iter().map(|p| p.codes.len()).max());
        let many = codes.flatten().is_none_or(|n| n > MANY_VALUES);
        Self { plain: true, ..Self::source(name, many) }
    }

    /// Something with no more known of it than its name.
    pub(super) fn source(name: String, many: bool) -> Self {
        let own = BTreeSet::from([name.clone()]);
        Self { many: if many { own.clone() } else { BTreeSet::new() }, sources: own, text: name, ..Self::default() }
    }

    /// A column that depends on its population: a statistic of groups.
    pub(super) fn of_groups(text: String, from: &Look) -> Self {
        Self { sources: from.sources.clone(), many: BTreeSet::from([text.clone()]), text, ..Self::default() }
    }

    /// Whether it splits persons in two.
    pub(super) fn binary(&self) -> bool {
        self.values.as_ref().is_some_and(|values| values.len() <= 2)
    }

    /// Whether it picks categories of one variable that the catalogue lists: no more than a table of it shows.
    pub(super) fn of_catalogue(&self) -> bool {
        self.sources.len() <= 1 && self.many.is_empty() && self.coarse.is_empty() && !self.fragmenting
    }

    /// Values where a condition holds, in place of `before` elsewhere (missing where there was nothing before).
    pub(super) fn where_holds(self, condition: Option<&Look>, before: Option<&Look>) -> Self {
        let Some(condition) = condition else { return self };
        let text = match before {
            Some(before) => format!("{}; {} if {}", before.text, self.text, condition.text),
            None => format!("{} if {}", self.text, condition.text),
        };
        let values = match (&self.values, before.map(|b| &b.values)) {
            (Some(own), Some(Some(others))) => Some(own | others),
            (Some(own), None) => Some(own.clone()),
            _ => None,
        };
        let joined = before.map(|b| b.joined.clone()).unwrap_or_default();
        let mut all = self.with(condition);
        if let Some(before) = before {
            all = all.with(before);
        }
        all.joined = &joined | &condition.sources;
        let fragmenting = all.fragmenting || all.joined.len() > MOST_JOINED;
        Self { text, values, fragmenting, plain: false, ..all }
    }

    /// New codes for its values.
    pub(super) fn recoded(&self, rules: &[RecodeRule]) -> Self {
        let edges = rules.iter().flat_map(|r| &r.sources).flat_map(|source| match source {
            RecodeSource::Value(value) => vec![value.as_f64()],
            RecodeSource::Range(from, to) => vec![*from, *to],
            RecodeSource::Missing | RecodeSource::NonMissing | RecodeSource::Everything => Vec::new(),
        });
        let odd_edge = edges.flatten().any(|edge| !round(edge));
        let values = rules.iter().filter_map(|r| r.target.as_ref()).map(Literal::to_string).collect();
        Self {
            text: format!("recode({}; {rules:?})", self.text),
            plain: false,
            fragmenting: self.fragmenting || self.cut_at(odd_edge),
            values: Some(values),
            ..self.clone()
        }
    }

    /// Whether an edge on it fragments.
    fn cut_at(&self, odd_edge: bool) -> bool {
        !self.many.is_empty() && (odd_edge || self.odd)
    }

    fn with(mut self, other: &Look) -> Self {
        self.sources.extend(other.sources.iter().cloned());
        self.many.extend(other.many.iter().cloned());
        self.coarse.extend(other.coarse.iter().cloned());
        self.joined.extend(other.joined.iter().cloned());
        self.odd |= other.odd;
        self.digits |= other.digits;
        self.fragmenting |= other.fragmenting;
        self
    }

    fn constant(&self) -> bool {
        self.sources.is_empty()
    }
}

/// Looks at an expression whose columns are known by `column`.
pub(super) fn look(expression: &Expression, column: &dyn Fn(&str) -> Look) -> Look {
    match &expression.kind {
        ExpressionKind::Column(name) => column(name),
        ExpressionKind::Literal(literal) => {
            let text = literal.to_string();
            Look { values: Some(BTreeSet::from([text.clone()])), text, ..Look::default() }
        }
        ExpressionKind::Missing => Look { text: ".".into(), values: Some(BTreeSet::new()), ..Look::default() },
        ExpressionKind::Unary(operator, of) => {
            let of = look(of, column);
            Look { text: format!("{operator:?}({})", of.text), plain: false, ..of }
        }
        ExpressionKind::Binary(operator, a, b) => binary(*operator, (a, look(a, column)), (b, look(b, column))),
        ExpressionKind::Call(function, of) => {
            let looks: Vec<Look> = of.iter().map(|e| look(e, column)).collect();
            call(*function, of, &looks)
        }
    }
}

fn truth() -> Option<BTreeSet<String>> {
    Some(["0", "1"].map(str::to_owned).into())
}

fn binary(operator: BinaryOperator, (a, left): (&Expression, Look), (b, right): (&Expression, Look)) -> Look {
    use BinaryOperator as Op;
    let text = format!("({} {operator:?} {})", left.text, right.text);
    let both = Look { text, plain: false, values: None, ..left.clone().with(&right) };
    match operator {
        Op::And | Op::Or => {
            let joined = both.sources.clone();
            let fragmenting = both.fragmenting || joined.len() > MOST_JOINED;
            Look { joined, fragmenting, values: truth(), ..both }
        }
        Op::Equal | Op::NotEqual | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let cut = match (left.constant(), right.constant()) {
                (false, true) => left.cut_at(odd_edge(b, a)),
                (true, false) => right.cut_at(odd_edge(a, b)),
                _ => both.odd && !both.many.is_empty(),
            };
            Look { fragmenting: both.fragmenting || cut, values: truth(), ..both }
        }
        Op::Concat | Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Power => {
            let again =
                |of: &BTreeSet<String>, other: &Look| !of.is_disjoint(&other.many) || !of.is_disjoint(&other.coarse);
            let remainder = again(&left.coarse, &right) || again(&right.coarse, &left);
            // A product of a variable with itself can be of either sign in as many pieces as it has factors.
            let folded = operator == Op::Multiply && !left.many.is_disjoint(&right.many);
            let scale = matches!(operator, Op::Multiply | Op::Divide | Op::Power);
            let fits = |k: f64| if scale { round_unit(k) || round_unit(1.0 / k) } else { round(k) };
            let odd = match (left.constant(), right.constant()) {
                (false, true) => constant(b).is_none_or(|k| !fits(k)),
                (true, false) => constant(a).is_none_or(|k| !fits(k)),
                _ => false,
            };
            Look { fragmenting: both.fragmenting || remainder || folded, odd: both.odd || odd, ..both }
        }
    }
}

fn call(function: Function, of: &[Expression], looks: &[Look]) -> Look {
    use Function as F;
    let all = looks.iter().fold(Look::default(), Look::with);
    let text = format!("{function:?}({})", looks.iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join(", "));
    let all = Look { text, ..all };
    let many = !all.many.is_empty();
    let coarsened = |all: Look| Look { coarse: &all.coarse | &all.many, many: BTreeSet::new(), ..all };
    let cut = |all: Look, when: bool| Look { fragmenting: all.fragmenting || when, ..all };
    let number = |i: usize| of.get(i).and_then(constant);
    match function {
        F::Round | F::Floor | F::Ceil | F::Int => {
            let odd =
                all.odd || number(1).is_some_and(|unit| !round_unit(unit)) || (of.len() > 1 && number(1).is_none());
            coarsened(cut(all, many && odd))
        }
        F::Year => coarsened(all),
        // Quantiles are edges that the data give.
        F::Quantile => Look { many: BTreeSet::new(), odd: false, ..all },
        F::Day | F::Month | F::Week | F::HalfYear | F::Quarter | F::Dow | F::Doy => cut(all, many),
        F::Sin | F::Cos | F::Tan | F::Comb | F::LnFactorial => cut(all, many),
        F::Abs => {
            let odd = all.odd;
            cut(all, many && odd)
        }
        F::Substr => {
            let inner = number(1) != Some(1.0) || all.digits;
            coarsened(cut(all, many && inner))
        }
        F::StartsWith => {
            let digits = all.digits;
            Look { values: truth(), ..cut(all, many && digits) }
        }
        F::EndsWith | F::Length => cut(all, many),
        F::StringOf => Look { digits: true, ..all },
        F::InList | F::InRange => {
            let edges = of.iter().skip(1).any(|edge| of.first().is_some_and(|x| odd_edge(edge, x)));
            let fragments = looks.first().is_some_and(|x| x.cut_at(edges));
            Look { values: truth(), ..cut(all, fragments) }
        }
        F::SysMiss => Look { values: truth(), many: BTreeSet::new(), ..all },
        F::LabelContains | F::InLabels => Look { values: truth(), ..all },
        _ => all,
    }
}

/// A constant number, also with a sign.
fn constant(expression: &Expression) -> Option<f64> {
    match &expression.kind {
        ExpressionKind::Literal(literal) => literal.as_f64(),
        ExpressionKind::Unary(_, of) => constant(of).map(|x| -x),
        _ => None,
    }
}

/// Whether `edge` on the values of `on` is neither round nor a text.
fn odd_edge(edge: &Expression, on: &Expression) -> bool {
    match &edge.kind {
        ExpressionKind::Literal(Literal::Text(_)) | ExpressionKind::Missing => false,
        ExpressionKind::Call(Function::Date, parts) => {
            let [year, month, day] = [0, 1, 2].map(|i| parts.get(i).and_then(constant));
            let (Some(y), Some(m), Some(d)) = (year, month, day) else { return true };
            !Date::new(y as i16, m as i8, d as i8).is_ok_and(turn_of_month)
        }
        _ => match constant(edge) {
            Some(days) if on.data_type == DataType::Date => !turn_of_month(Date::from_days(days as i32)),
            Some(number) => !round(number),
            // Computed of constants alone: what it comes to is not looked at.
            None => true,
        },
    }
}

fn turn_of_month(day: Date) -> bool {
    day.ymd().2 == 1 || day.plus_days(1).ymd().2 == 1
}

/// Whether a number is a multiple of a round unit of its size: two digits and zeros, or steps of a quarter of ten; a whole
/// number up to 120, a year, the turn of a year in year and month; and what such a number is one more than.
pub(super) fn round(number: f64) -> bool {
    is_round(number) || is_round(number + 1.0) || (number.fract().abs() > 0.9 && is_round(number.round()))
}

fn is_round(number: f64) -> bool {
    let x = number.abs();
    let whole = x.fract() == 0.0;
    let calendar = whole && ((1800.0..=2200.0).contains(&x) || turn_of_year(x));
    if x == 0.0 || (whole && x <= 120.0) || calendar || [365.0, 365.25].contains(&x) {
        return true;
    }
    let digits = x / 10f64.powf(x.log10().floor() - 1.0);
    let multiple = |unit: f64| (digits / unit - (digits / unit).round()).abs() < 1e-9;
    multiple(1.0) || multiple(2.5)
}

/// Whether intervals of this length are round ones: 1, 2, 2.5 or 5 and zeros, or parts of the calendar.
fn round_unit(unit: f64) -> bool {
    let x = unit.abs();
    let digits = x / 10f64.powf(x.log10().floor());
    [3.0, 4.0, 6.0, 7.0, 12.0, 30.0, 52.0, 365.0, 365.25].contains(&x)
        || [1.0, 2.0, 2.5, 5.0, 10.0].iter().any(|d| (digits - d).abs() < 1e-9)
}

/// `yyyymm` and `yyyymmdd` of the first or last month, and of the beginning or end of the year.
fn turn_of_year(x: f64) -> bool {
    let n = x as u64;
    match n {
        180_000..=220_013 => matches!(n % 100, 0 | 1 | 12 | 13),
        18_000_000..=22_001_231 => matches!(n % 10_000, 0 | 101 | 1231),
        _ => false,
    }
}
