//! Rules for numbers computed from values: means, sums, standard deviations, Gini coefficients (SDC-100..105) and
//! percentiles (SDC-120..123). Nothing exact leaves: a mean carries noise in proportion to the largest distance from it,
//! a percentile is the average of its neighbours, and all are rounded.
//!
//! A column that a script derives can give one person any value, so nothing of it may depend on the values of the group
//! alone: its noise is sized by the limits of the column in the whole register, a normal deviate of its own for every column
//! that is not another one but for a factor and a constant.
//!
//! Guarantee: which of the statistics is hidden follows from the released count, the policy and the dominance verdict
//! stored with the set; the noise of a mean has expectation zero. What one person's value in a derived column may change is
//! at most two fifths of the standard deviation of the noise.

use engine::raw::{MeasureKind, Moments, RawMagnitude, RawMeasure, RawPercentile, RawSummary};

use crate::gate::private::Rules;
use crate::gate::{Basis, Count, Desk, Filed, Stopped};
use crate::keys::Fingerprint;
use crate::ledger::Stored;
use crate::numbers::{month_start, shown, significant};
use crate::policy::Rules as PolicyRules;
use crate::reason::Reason;
use crate::released::{Measure, Statistic, Summary, SummaryRow, Value};
use crate::tables::category;

/// Groups of at least this many persons of a variable without heavy tails are not winsorised (SDC-101).
const PLAIN_FROM: u64 = 1000;
/// Means of groups smaller than this are shown with three digits instead of four (SDC-102).
const FOUR_DIGITS_FROM: u64 = 100;

/// The statistics of one measure in one group.
pub(crate) struct Statistics {
    /// Persons with a value.
    pub n: Value,
    /// In the order of [`Desk::statistics`].
    pub values: Vec<Value>,
    /// Whether a value shown was computed on winsorised values.
    pub winsorised: bool,
}

impl Rules for RawSummary {
    type Out = Summary;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Summary, Stopped> {
        desk.shows(self.rows.len());
        let mut rows = Vec::with_capacity(self.rows.len());
        for (cell, row) in self.rows.iter().enumerate() {
            let found = statistics(desk, &row.measure, &row.magnitude, cell)?;
            let occasion = row.occasion.as_ref().map(category);
            let measure = head(&row.measure, found.winsorised);
            rows.push(SummaryRow { measure, occasion, n: found.n, values: found.values });
        }
        Ok(Summary {
            statistics: desk.statistics().to_vec(),
            rows,
            skipped: self.skipped,
            typical_error: desk.policy().typical_error(),
        })
    }
}

/// Name and kind of a measure, as they are shown.
pub(crate) fn head(measure: &RawMeasure, winsorised: bool) -> Measure {
    Measure {
        name: measure.name.clone(),
        label: measure.label.clone(),
        kind: measure.kind.into(),
        winsorised,
        derived: measure.derived.is_some(),
    }
}

/// All statistics that were asked for, of one measure in one group.
pub(crate) fn statistics(
    desk: &mut Desk<'_>,
    measure: &RawMeasure,
    group: &RawMagnitude,
    cell: usize,
) -> Result<Statistics, Stopped> {
    let count = desk.count(&group.set, cell)?;
    let n = desk.show(count);
    let wanted = desk.statistics();
    if count.empty || n.hidden().is_some() {
        let each = |s: &Statistic| match (n.hidden(), s) {
            (Some(_), _) | (None, Statistic::N) => n,
            (None, _) => Value::Undefined,
        };
        return Ok(Statistics { n, values: wanted.iter().map(each).collect(), winsorised: false });
    }
    let group = Group::new(desk, measure, group, count, cell);
    let mut winsorised = false;
    let mut values = Vec::with_capacity(wanted.len());
    for &statistic in wanted {
        let value = group.statistic(desk, statistic)?;
        let from_moments = !matches!(statistic, Statistic::Percentile(_) | Statistic::Iqr | Statistic::N);
        winsorised |= from_moments && !group.plain && value.number().is_some() && measure.limits.is_some();
        values.push(value);
    }
    Ok(Statistics { n, values, winsorised })
}

/// One statistic of a measure in one group, whether it was asked for by name or not.
pub(crate) fn statistic(
    desk: &mut Desk<'_>,
    measure: &RawMeasure,
    group: &RawMagnitude,
    wanted: Statistic,
    cell: usize,
) -> Result<Value, Stopped> {
    let count = desk.count(&group.set, cell)?;
    match desk.show(count) {
        Value::Value(_) if !count.empty => Group::new(desk, measure, group, count, cell).statistic(desk, wanted),
        Value::Value(_) => Ok(Value::Undefined),
        hidden => Ok(hidden),
    }
}

/// SDC-101: plain values for large groups of variables without heavy tails, or where the policy winsorises nothing. Plain are
/// those within the wide limits: a value that a script invents for one person would else tell whether she has it, by the mean
/// or by its being hidden for dominance.
fn uses_plain(rules: &PolicyRules, measure: &RawMeasure, count: Count) -> bool {
    measure.light_tails && (!rules.winsor || count.shown >= PLAIN_FROM)
}

struct Group<'a> {
    origin: String,
    measure: &'a RawMeasure,
    group: &'a RawMagnitude,
    count: Count,
    plain: bool,
    cell: usize,
}

impl<'a> Group<'a> {
    fn new(desk: &Desk<'_>, measure: &'a RawMeasure, group: &'a RawMagnitude, count: Count, cell: usize) -> Self {
        let plain = uses_plain(desk.policy().rules(), measure, count);
        // Columns of the same origin have the same deviate: `x + c` says nothing that `x` did not. Of derived ones only those
        // of the same core, for what else they differ in may be known to somebody.
        let origin = match &measure.derived {
            Some(core) => core.iter().map(|b| format!("{b:02x}")).collect(),
            None => measure.origin.join(" "),
        };
        Self { origin, measure, group, count, plain, cell }
    }

    fn statistic(&self, desk: &mut Desk<'_>, statistic: Statistic) -> Result<Value, Stopped> {
        match statistic {
            Statistic::Mean => Ok(self.shown(self.mean(desk)?, |me, x| me.round_mean(x))),
            Statistic::Sum if self.measure.kind == MeasureKind::Date => Ok(Value::Undefined),
            // Of a derived column the sign itself may tell.
            Statistic::Sum if self.measure.derived.is_some() => {
                Ok(self.shown(self.mean(desk)?, |me, x| significant(x * me.count.shown as f64, me.digits())))
            }
            Statistic::Sum => {
                // The sign of a sum never crosses that of the raw one (SDC-102).
                let nearly_all = self.nearly_all(desk);
                let sign = desk.measured(self.group, self.filed("sign"), self.measure.row_wise, |on| {
                    let sum = nearly_all(on).unwrap_or(self.moments(on).sum);
                    Stored::Number(if sum < 0.0 { -1.0 } else { 1.0 })
                })?;
                Ok(self.shown(self.mean(desk)?, |me, x| {
                    let sum = x * me.count.shown as f64;
                    let crosses = (sum < 0.0) != (sign == Stored::Number(-1.0));
                    if crosses { 0.0 } else { significant(sum, me.digits()) }
                }))
            }
            Statistic::Sd => self.spread(desk, "sd", |m, reach| {
                // One person may change the variance by the square of the width, as one of so many.
                let variance = m.sd?.powi(2) + reach.width * reach.change;
                (variance > 0.0).then(|| variance.sqrt())
            }),
            // One person may change it by her share of the sum.
            Statistic::Gini => self.spread(desk, "gini", |m, reach| {
                let mean = m.mean?.abs().max(reach.least);
                Some(if mean > 0.0 { (m.gini? + reach.change / mean).clamp(0.0, 1.0) } else { m.gini? })
            }),
            Statistic::N => Ok(desk.show(self.count)),
            Statistic::Percentile(p) => self.percentile(desk, p),
            Statistic::Iqr => Ok(match (self.percentile(desk, 75.0)?, self.percentile(desk, 25.0)?) {
                (Value::Value(high), Value::Value(low)) => {
                    shown(significant(high - low, desk.policy().rules().percentile.sig))
                }
                (Value::Hidden(reason), _) | (_, Value::Hidden(reason)) => Value::Hidden(reason),
                _ => Value::Undefined,
            }),
        }
    }

    fn moments<'b>(&self, on: &Basis<'b>) -> &'b Moments {
        if self.plain { &on.group.wide } else { &on.group.clamped }
    }

    fn filed<'b>(&'b self, kind: &'b str) -> Filed<'b> {
        let column = self.group.rows_key.unwrap_or(self.measure.column_key);
        Filed { kind, variable: &self.origin, column, cell: self.cell }
    }

    fn digits(&self) -> usize {
        if self.count.shown < FOUR_DIGITS_FROM { 3 } else { 4 }
    }

    fn round_mean(&self, x: f64) -> f64 {
        match self.measure.kind {
            MeasureKind::Date => month_start(x),
            _ => significant(x, self.digits()),
        }
    }

    fn shown(&self, stored: Stored, round: impl FnOnce(&Self, f64) -> f64) -> Value {
        match stored {
            Stored::Number(x) => shown(round(self, x)),
            Stored::Hidden(reason) => Value::Hidden(reason),
        }
    }

    /// The value of a group in which nobody or only a few have another one: these few decide nothing, as if they had it too
    /// (SDC-181). Else a mean of zero beside a mean that is hidden for dominance would tell the one person who has something.
    /// How many they are, and how many have the value, are counts like any others: perturbed, and compared with the same
    /// threshold.
    fn nearly_all<'d>(&self, desk: &Desk<'d>) -> impl Fn(&Basis<'_>) -> Option<f64> + use<'a, 'd> {
        let (policy, keys, origin) = (desk.policy(), desk.keys(), self.origin.clone());
        let limits = if self.plain { self.measure.wide } else { self.measure.limits };
        move |on| {
            let (value, others) = on.group.nearly?;
            let shown = |kind: &str, n: u64| {
                let u = keys.cell_key(Fingerprint(on.group.set.fingerprint), kind, &origin);
                (n as i64 + policy.counts().change(n, u)).max(0) as u64
            };
            let least = policy.rules().min_cell;
            let few = shown("others", others) < least && shown("alike", on.group.rows - others) >= least;
            few.then(|| limits.map_or(value, |(low, high)| value.max(low).min(high)))
        }
    }

    /// What the noise of the mean of a derived column is made of.
    fn reach(&self, rules: &PolicyRules, u: f64) -> Reach {
        let limits = if self.plain { self.measure.wide } else { self.measure.limits };
        Reach::of(limits, rules, self.measure, self.count, u)
    }

    /// SDC-100: too few contributors, the rest too small beside the largest, or two values that hold nearly everything. What
    /// a script derives may be as large as it likes; there the noise is.
    fn dominated(&self, rules: &PolicyRules, group: &RawMagnitude) -> bool {
        let [first, second] = group.largest;
        let rest = group.sum_abs - first - second;
        let few_hold_most = rest < rules.p_percent / 100.0 * first || first + second > rules.n_k * group.sum_abs;
        self.count.shown < rules.min_contributors || self.measure.derived.is_none() && few_hold_most
    }

    /// The noisy mean, not yet rounded, or the dominance verdict (SDC-100, SDC-102).
    fn mean(&self, desk: &mut Desk<'_>) -> Result<Stored, Stopped> {
        let (policy, nearly_all) = (desk.policy(), self.nearly_all(desk));
        desk.measured(self.group, self.filed("mean"), self.measure.row_wise, |on| {
            let rules = policy.rules();
            let moments = self.moments(on);
            if let Some(value) = nearly_all(on) {
                return Stored::Number(value);
            }
            match moments.mean {
                _ if self.dominated(rules, on.group) => Stored::Hidden(Reason::Dominance),
                None => Stored::Hidden(Reason::Small),
                Some(mean) if self.measure.derived.is_some() => Stored::Number(mean + self.reach(rules, on.u).change),
                Some(mean) if on.group.constant => Stored::Number(mean),
                Some(mean) => {
                    let far: Vec<f64> = moments.farthest.iter().take(rules.magnitude.top_k).copied().collect();
                    let s = far.iter().sum::<f64>() / far.len().max(1) as f64;
                    let v = policy.means().row(u64::MAX).position(on.u);
                    let delta = if on.alone { 1.0 } else { rules.magnitude.delta };
                    Stored::Number(mean + delta * s * v / self.count.shown as f64)
                }
            }
        })
    }

    /// Standard deviation and Gini coefficient: three digits, refused for a constant group (SDC-103).
    fn spread(
        &self,
        desk: &mut Desk<'_>,
        kind: &str,
        of: impl Fn(&Moments, Reach) -> Option<f64>,
    ) -> Result<Value, Stopped> {
        let (policy, nearly_all) = (desk.policy(), self.nearly_all(desk));
        let stored = desk.measured(self.group, self.filed(kind), self.measure.row_wise, |on| {
            if nearly_all(on).is_some() {
                return Stored::Hidden(Reason::Value);
            }
            if self.dominated(policy.rules(), on.group) {
                return Stored::Hidden(Reason::Dominance);
            }
            let reach = Reach::of(self.measure.limits, policy.rules(), self.measure, self.count, on.u);
            match of(&on.group.clamped, reach) {
                Some(x) if !on.group.constant => Stored::Number(x),
                _ => Stored::Hidden(Reason::Value),
            }
        })?;
        Ok(self.shown(stored, |_, x| significant(x, 3)))
    }

    /// A percentile: the mean of its neighbours, hidden where the tail is too thin (SDC-121).
    fn percentile(&self, desk: &mut Desk<'_>, p: f64) -> Result<Value, Stopped> {
        let rules = desk.policy().rules().percentile;
        let share = (p / 100.0).min(1.0 - p / 100.0);
        // At the ends of the order stands the mean of the last ones, which is no tail of its own (SDC-120, SDC-230).
        let thin = share > 0.0 && share * (self.count.shown as f64) < rules.k as f64 / 2.0;
        if self.count.shown < 10 || thin {
            return Ok(Value::Hidden(Reason::Tail));
        }
        let kind = Statistic::Percentile(p).to_string();
        let sigma = desk.policy().rules().magnitude.derived;
        let nearly_all = self.nearly_all(desk);
        let stored = desk.measured(self.group, self.filed(&kind), self.measure.row_wise, |on| {
            if let Some(value) = nearly_all(on) {
                return Stored::Number(value);
            }
            match on.group.percentiles.iter().find(|w| w.p == p) {
                // Fewer neighbours than the rule asks for would bring the average close to a single record.
                Some(w) if w.window.len() >= rules.k && self.measure.derived.is_some() => {
                    Stored::Number(moved(w, sigma, on.u))
                }
                Some(w) if w.window.len() >= rules.k => Stored::Number(average(&w.around[w.window.clone()])),
                _ => Stored::Hidden(Reason::Tail),
            }
        })?;
        Ok(self.shown(stored, |me, x| match me.measure.kind {
            MeasureKind::Date => month_start(x),
            MeasureKind::Integer => significant(x.round(), rules.sig),
            MeasureKind::Decimal => significant(x, rules.sig),
        }))
    }
}

/// How far one person may move the mean of a derived column; nothing for a magnitude of the register.
#[derive(Clone, Copy)]
struct Reach {
    /// Between the limits.
    width: f64,
    /// The width as one of so many persons.
    least: f64,
    /// The noise: so many of those.
    change: f64,
}

impl Reach {
    fn of(limits: Option<(f64, f64)>, rules: &PolicyRules, measure: &RawMeasure, count: Count, u: f64) -> Self {
        let width = match (limits, measure.derived) {
            (Some((low, high)), Some(_)) if high > low => high - low,
            _ => 0.0,
        };
        let least = width / count.shown.max(1) as f64;
        Self { width, least, change: rules.magnitude.derived * least * normal(u) }
    }
}

/// The standard normal deviate of a cell key.
fn normal(u: f64) -> f64 {
    let u = u.clamp(1e-6, 1.0 - 1e-6);
    let size = distributions::normal_critical(100.0 * (1.0 - 2.0 * u.min(1.0 - u)));
    if u < 0.5 { -size } else { size }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A percentile of a derived column. One person moves all order statistics beyond her value by one place, so the window is
/// moved by a secret number of places; and she is one of those in it, so the average is changed by what the values about it
/// differ. At the ends of the order the window moves inwards.
fn moved(of: &RawPercentile, sigma: f64, u: f64) -> f64 {
    // Two deviates of one key: the leading bits give the one, what follows them the other.
    let (places, rest) = (sigma * normal(u), (u * 2f64.powi(24)).fract());
    let last = of.around.len() - of.window.len();
    let from = match of.p {
        0.0 => places.abs(),
        100.0 => last as f64 - places.abs(),
        _ => of.window.start as f64 + places,
    };
    let from = from.round().clamp(0.0, last as f64) as usize;
    let window = &of.around[from..from + of.window.len()];
    let apart = match (of.around.first(), of.around.last()) {
        (Some(low), Some(high)) => high - low,
        _ => 0.0,
    };
    average(window) + sigma * apart / of.window.len() as f64 * normal(rest)
}
