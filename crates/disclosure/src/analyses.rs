//! What all results have in common that are computed on a sample as a whole: on whom they are computed, and how their numbers
//! are filed (SDC-050, SDC-160, SDC-164). The rules of each family stand in files of their own: `models`, `survival`,
//! `matrices`.

use std::sync::Arc;

use engine::raw::{Computed, Digits, Failed, PersonSet, RawAnalysis, RawNumber, RawTest, TestKind};
use engine::{Control, Problem, Raw, RunError, Unattended};

use crate::gate::{Count, Ctx, Desk, Filed, Gate, Stopped};
use crate::keys::Fingerprint;
use crate::leaves::LeaveOut;
use crate::ledger::{Ledger, Stored};
use crate::numbers::{shown, significant};
use crate::policy::Policy;
use crate::reason::Reason;
use crate::released::{TestNumber, TestResult, Value};

/// Fewest persons behind a number of a test, an interval or a cutoff's side (SDC-162, SDC-163, SDC-165).
const FEWEST: u64 = 10;

/// A result on the way through the gate.
pub(crate) struct Filing {
    sample: PersonSet,
    variable: String,
    column: [u8; 32],
    /// The released size of the sample.
    pub count: Count,
}

/// On whom a result is computed.
struct Basis {
    /// The sample, without those who have a category that few have.
    sample: PersonSet,
    members: Option<Arc<roaring::RoaringBitmap>>,
    leaves: LeaveOut,
}

impl Basis {
    fn of<T>(desk: &mut Desk<'_>, raw: &RawAnalysis<T>) -> Result<Self, Stopped> {
        let rules = desk.policy().rules().model;
        // All are asked about, and whoever has a category of few is left out as if nobody had it: a single person must not
        // decide whether there is a result (SDC-181).
        let mut few = Vec::new();
        for part in &raw.parts {
            if desk.count(&part.set, 0)?.shown < rules.dummy_min {
                few.push((part.variable, part.value));
            }
        }
        let sample = match few.as_slice() {
            [] => PersonSet { sketch: raw.sample.sketch, members: raw.sample.members.clone(), ..raw.sample },
            few => raw.work.without(few, &Unattended).map_err(|_| Stopped::from(Reason::ModelFit))?,
        };
        let (mut set, mut members) = desk.basis(&sample, raw.row_wise)?;
        if let Some(theirs) = &members
            && !raw.work.covers(theirs, &few, &Unattended).map_err(|_| Stopped::from(Reason::ModelFit))?
        {
            // Over the earlier set the result would be that set's without those who lack a value, exactly. The sample itself
            // leaves out others than the earlier set does, so that the difference is not those persons (SDC-160).
            (set, members) = (Fingerprint(sample.fingerprint), None);
        }
        let leaves = match &raw.core {
            Some(core) => LeaveOut::part(desk.keys(), set, core, &rules),
            None => LeaveOut::new(desk.keys(), set, rules.drop_records),
        };
        let leaves = leaves.and_categories(few);
        Ok(Self { sample, members, leaves })
    }

    fn compute<T>(&self, raw: &RawAnalysis<T>, control: &dyn Control) -> Result<Result<T, Problem>, RunError> {
        match raw.work.over(self.members.as_deref(), &self.leaves, control) {
            Ok(numbers) => Ok(Ok(numbers)),
            // Work that was stopped has no problem that could be filed: the next one who asks gets an answer.
            Err(Failed::Problem(problem)) => match control.stop() {
                Some(stop) => Err(RunError::Stopped(stop)),
                None => Ok(Err(problem)),
            },
            Err(Failed::Run(error)) => Err(error),
        }
    }
}

/// A result that the gate has said on whom to compute. Computing takes its time and needs no ledger, so it is done between
/// two questions to the gate; [`Gate::release`] takes what was computed where it would say the same again.
pub struct Prepared<T> {
    raw: RawAnalysis<T>,
    basis: Basis,
}

impl<T> Prepared<T> {
    /// Computes the result.
    ///
    /// # Errors
    /// When the run ends before it.
    pub fn compute(self, control: &dyn Control) -> Result<Raw<RawAnalysis<T>>, RunError> {
        let Self { mut raw, basis } = self;
        let numbers = basis.compute(&raw, control)?;
        raw.computed = Some(Computed { on: basis.leaves.set(), numbers });
        Ok(Raw::new(raw))
    }
}

impl Gate {
    /// Says on whom a result is to be computed. It files nothing: [`Gate::release`] decides.
    ///
    /// # Errors
    /// [`Stopped::LedgerUnavailable`].
    pub fn prepare<T>(
        policy: &Policy,
        ledger: &dyn Ledger,
        ctx: &Ctx<'_>,
        raw: Raw<RawAnalysis<T>>,
    ) -> Result<Prepared<T>, Stopped> {
        #[expect(clippy::disallowed_methods, reason = "this is the gate")]
        let raw = raw.into_gate();
        let basis = Basis::of(&mut Desk::new(policy, ledger, ctx), &raw)?;
        Ok(Prepared { raw, basis })
    }
}

impl Filing {
    /// Decides on whom a result is computed, and gives what was computed there; computes it now where nobody has. `few` says
    /// by the released size of the sample which problems of the estimator are those of few persons: they are refused as a
    /// few persons more would be, so that nobody is not told from one (SDC-181).
    pub(crate) fn open<T>(
        desk: &mut Desk<'_>,
        raw: &mut RawAnalysis<T>,
        few: impl FnOnce(u64, &str) -> Option<Reason>,
    ) -> Result<(Self, T), Stopped> {
        // The size of the sample, or that there is no result. What else is shown counts once it is known to be.
        desk.shows(1);
        let computed = raw.computed.take();
        let raw: &RawAnalysis<T> = raw;
        // Values that the estimator does not take are left out of the sample; the problem is told where so many have one that
        // the number may be shown. All are asked about, whatever the first of them says.
        let mut outside = None;
        for refused in &raw.outside {
            if enough(desk, &refused.set)? {
                outside.get_or_insert(&refused.problem);
            }
        }
        if let Some(problem) = outside {
            return Err(Stopped::Problem(problem.clone()));
        }
        let basis = Basis::of(desk, raw)?;
        let count = desk.population(&basis.sample, 0)?;
        let numbers = match computed.filter(|computed| computed.on == basis.leaves.set()) {
            Some(computed) => computed.numbers,
            None => basis.compute(raw, &Unattended).map_err(|_| Stopped::from(Reason::ModelFit))?,
        };
        let filing = Self { sample: basis.sample, variable: raw.origin.join(" "), column: raw.key, count };
        // That there is a problem is decided once for a set, as everything else is.
        let found = numbers.as_ref().err().map_or(0.0, |problem| number_of(problem.code));
        let decided = filing.number(desk, "problem", found)?;
        match numbers {
            Ok(numbers) if decided == 0.0 => Ok((filing, numbers)),
            Err(problem) if decided == found => Err(match few(filing.count.shown, problem.code) {
                Some(reason) => reason.into(),
                None => Stopped::Problem(problem),
            }),
            _ => Err(Reason::ModelFit.into()),
        }
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
        desk.value(&self.sample, filed, |_, _| value)
    }

    /// The size of the sample as it is shown: to the nearest ten (SDC-161).
    pub(crate) fn size(&self) -> Value {
        Value::Value((self.count.shown as f64 / 10.0).round() * 10.0)
    }

    /// A test statistic with three digits, and its p-value from that (SDC-161). `residual` degrees of freedom are those of
    /// the released size.
    pub(crate) fn test(&self, desk: &mut Desk<'_>, raw: &RawTest, residual: f64) -> Result<TestResult, Stopped> {
        self.test_of(desk, "", raw, residual)
    }

    /// A test of one of several tables.
    pub(crate) fn test_of(
        &self,
        desk: &mut Desk<'_>,
        table: &str,
        raw: &RawTest,
        residual: f64,
    ) -> Result<TestResult, Stopped> {
        let x = self.number(desk, &format!("test/{table}{}", raw.name), raw.statistic)?;
        let statistic = significant(x, 3);
        let (p, df) = match raw.kind {
            TestKind::ChiSquare(df) => (Some(distributions::chi2_upper(statistic, df)), vec![df]),
            TestKind::F(df) => (Some(distributions::f_upper(statistic, df, residual)), vec![df, residual]),
            TestKind::Normal => (Some(distributions::normal_two_sided(statistic)), Vec::new()),
            TestKind::Plain => (None, Vec::new()),
        };
        let p = p.filter(|p| p.is_finite()).map_or(Value::Undefined, |p| shown(significant(p, 3)));
        Ok(TestResult { name: raw.name.clone(), statistic: shown(statistic), p, df })
    }

    /// A number of a table; hidden when a set that it rests on is small (SDC-165).
    pub(crate) fn cell(&self, desk: &mut Desk<'_>, table: &str, raw: &RawNumber) -> Result<TestNumber, Stopped> {
        let mut own = enough(desk, &self.sample)?;
        for set in &raw.rests_on {
            own &= enough(desk, set)?;
        }
        let digits = if raw.digits == Digits::Four { 4 } else { 3 };
        let [row, column] = &raw.name;
        let value = match raw.value {
            _ if !own => Value::Hidden(Reason::Small),
            None => Value::Undefined,
            Some(x) => shown(significant(self.number(desk, &format!("{table}/{row}/{column}"), x)?, digits)),
        };
        Ok(TestNumber { table: table.to_owned(), name: raw.name.clone(), value })
    }
}

/// The number that a problem is filed under, never 0.
fn number_of(code: &str) -> f64 {
    let digest = code.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    1.0 + (digest >> 12) as f64
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
