//! What all results have in common that are computed on a sample as a whole: on whom they are computed, and how their numbers
//! are filed (SDC-050, SDC-160, SDC-164). The rules of each family stand in files of their own: `models`, `survival`,
//! `matrices`.

use engine::raw::{PersonSet, RawAnalysis, RawTest, TestKind};

use crate::gate::{Count, Desk, Filed, Stopped};
use crate::leaves::LeaveOut;
use crate::ledger::Stored;
use crate::numbers::significant;
use crate::reason::Reason;
use crate::released::{TestResult, Value};

/// Fewest persons behind a number of a test, an interval or a cutoff's side (SDC-162, SDC-163, SDC-165).
const FEWEST: u64 = 10;

/// A result on the way through the gate.
pub(crate) struct Filing<'r> {
    sample: &'r PersonSet,
    variable: String,
    column: [u8; 32],
    /// The released size of the sample.
    pub count: Count,
}

impl<'r> Filing<'r> {
    /// Decides on whom a result is computed, and lets it be computed there.
    pub(crate) fn open<T>(desk: &mut Desk<'_>, raw: &'r RawAnalysis<T>) -> Result<(Self, T), Stopped> {
        let count = desk.population(&raw.sample, 0)?;
        let (set, members) = desk.basis(&raw.sample, raw.row_wise)?;
        let leaves = LeaveOut::new(desk.keys(), set, desk.policy().rules().model.drop_records);
        let result = raw.work.over(members.as_ref(), &leaves);
        Ok((Self { sample: &raw.sample, variable: raw.origin.join(" "), column: raw.key, count }, result))
    }

    /// A number of the result as it was first given.
    pub(crate) fn number(&self, desk: &mut Desk<'_>, kind: &str, x: f64) -> Result<f64, Stopped> {
        match self.file(desk, kind, Stored::Number(x))? {
            Stored::Number(x) => Ok(x),
            Stored::Hidden(_) => Ok(f64::NAN),
        }
    }

    /// Whether the result is withheld, as it was first decided.
    pub(crate) fn verdict(&self, desk: &mut Desk<'_>, refused: Option<Reason>) -> Result<(), Stopped> {
        match self.file(desk, "verdict", refused.map_or(Stored::Number(0.0), Stored::Hidden))? {
            Stored::Hidden(reason) => Err(reason.into()),
            Stored::Number(_) => Ok(()),
        }
    }

    fn file(&self, desk: &mut Desk<'_>, kind: &str, value: Stored) -> Result<Stored, Stopped> {
        let kind = format!("fit/{kind}");
        let filed = Filed { kind: &kind, variable: &self.variable, column: self.column, cell: 0 };
        desk.value(self.sample, filed, |_, _| value)
    }

    /// The size of the sample as it is shown: to the nearest ten (SDC-161).
    pub(crate) fn size(&self) -> Value {
        Value::Value((self.count.shown as f64 / 10.0).round() * 10.0)
    }

    /// A test statistic with three digits, and its p-value from that (SDC-161). `residual` degrees of freedom are those of
    /// the released size.
    pub(crate) fn test(&self, desk: &mut Desk<'_>, raw: &RawTest, residual: f64) -> Result<TestResult, Stopped> {
        let statistic = significant(self.number(desk, &format!("test/{}", raw.name), raw.statistic)?, 3);
        let p = match raw.kind {
            TestKind::ChiSquare(df) => Some(distributions::chi2_upper(statistic, df)),
            TestKind::F(df) => Some(distributions::f_upper(statistic, df, residual)),
            TestKind::Normal => Some(distributions::normal_two_sided(statistic)),
            TestKind::Plain => None,
        };
        Ok(TestResult {
            name: raw.name.clone(),
            statistic: shown(statistic),
            p: p.map_or(Value::Undefined, |p| shown(significant(p, 3))),
        })
    }
}

/// A number, where it is one.
pub(crate) fn shown(x: f64) -> Value {
    if x.is_finite() { Value::Value(x) } else { Value::Undefined }
}

/// Whether a set is large enough for what rests on it, by its released size.
pub(crate) fn enough(desk: &mut Desk<'_>, set: &PersonSet) -> Result<bool, Stopped> {
    Ok(desk.count(set, 0)?.shown >= FEWEST)
}

/// Standard error and interval of a mean, from the released mean, standard deviation and size alone (SDC-103).
#[must_use]
pub fn mean_interval(mean: Value, sd: Value, n: Value, level: f64) -> [Value; 3] {
    let (Value::Value(mean), Value::Value(sd), Value::Value(n)) = (mean, sd, n) else {
        let hidden = [mean, sd, n].into_iter().find(|v| v.hidden().is_some()).unwrap_or(Value::Undefined);
        return [hidden; 3];
    };
    if n < 2.0 || !(0.0..100.0).contains(&level) {
        return [Value::Undefined; 3];
    }
    let se = sd / n.sqrt();
    let half = distributions::t_critical(level, n - 1.0) * se;
    [se, mean - half, mean + half].map(|x| Value::Value(significant(x, 3)))
}
