//! Rules for correlations and for tables of test numbers (SDC-163, SDC-165): analysis of variance, tests of normality,
//! discontinuities. Nothing rests on few persons, nothing on one, and every p-value follows from what is shown.

use engine::raw::{RawCorrelations, RawPair, RawTests};

use crate::analyses::Filing;
use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::numbers::{shown, significant};
use crate::reason::Reason;
use crate::released::{Correlation, Correlations, TestNumbers, Value};

/// A correlation that is nearer to one than this lets a value be computed from the other.
const EXACT: f64 = 0.99995;

impl Rules for RawCorrelations {
    type Out = Correlations;

    fn decide(mut self, desk: &mut Desk<'_>) -> Result<Correlations, Stopped> {
        let (filing, matrix) = Filing::open(desk, &mut self, |_, _| None)?;
        let pairs =
            matrix.pairs.iter().map(|pair| correlation(&filing, desk, pair)).collect::<Result<Vec<_>, Stopped>>()?;
        desk.shows(pairs.iter().filter(|pair: &&Correlation| pair.r.number().is_some()).count());
        Ok(Correlations { titles: matrix.titles, pairs })
    }
}

fn correlation(filing: &Filing, desk: &mut Desk<'_>, pair: &RawPair) -> Result<Correlation, Stopped> {
    let rules = desk.policy().rules().model;
    let count = desk.count(&pair.set, 0)?;
    let [first, second] = &pair.names;
    let name = format!("{first}/{second}");
    let n = desk.show(count);
    let told = |r, covariance, p| Correlation { names: pair.names.clone(), n, r, covariance, p };
    if count.shown < rules.min_dof + 2 {
        let hidden = Value::Hidden(Reason::Small);
        return Ok(told(hidden, pair.covariance.map(|_| hidden), hidden));
    }
    let exact = pair.r.is_some_and(|r| r.abs() > EXACT);
    let dominated = pair.concentration.is_nan() || pair.concentration > rules.kappa_max;
    let code = if dominated { 1.0 } else { f64::from(u8::from(exact)) * 2.0 };
    let refused = match filing.number(desk, &format!("judged/{name}"), code)? {
        1.0 => Some(Reason::Dominance),
        2.0 => Some(Reason::Value),
        _ => None,
    };
    if let Some(reason) = refused {
        let hidden = Value::Hidden(reason);
        return Ok(told(hidden, pair.covariance.map(|_| hidden), hidden));
    }
    let Some(r) = pair.r else {
        return Ok(told(Value::Undefined, pair.covariance.map(|_| Value::Undefined), Value::Undefined));
    };
    let r = significant(filing.number(desk, &format!("r/{name}"), r)?, 3);
    let covariance = match pair.covariance {
        Some(x) => Some(shown(significant(filing.number(desk, &format!("cov/{name}"), x)?, 3))),
        None => None,
    };
    let df = count.shown as f64 - 2.0;
    let t = r * (df / (1.0 - r * r).max(1e-12)).sqrt();
    Ok(told(shown(r), covariance, shown(significant(distributions::t_two_sided(t, df), 3))))
}

impl Rules for RawTests {
    type Out = TestNumbers;

    fn decide(mut self, desk: &mut Desk<'_>) -> Result<TestNumbers, Stopped> {
        let (filing, raw) = Filing::open(desk, &mut self, |_, _| None)?;
        let numbers = raw.numbers.iter().map(|n| filing.cell(desk, &n.table, n));
        let numbers = numbers.collect::<Result<Vec<_>, Stopped>>()?;
        desk.shows(numbers.iter().filter(|n| n.value.number().is_some()).count());
        Ok(TestNumbers { head: raw.head.into(), n: filing.size(), numbers })
    }
}
