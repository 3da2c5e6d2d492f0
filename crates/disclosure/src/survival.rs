//! Rules for survival curves (SDC-200, SDC-201): groups and events must be many enough, steps are merged until each holds
//! enough events, numbers at risk and of events are rounded to midpoints, and the curve is computed again from those.
//!
//! Guarantee: every step of a curve rests on at least `min_events` events, no time of a single event or censoring is shown
//! exactly, and the curve ends where fewer than `min_risk` are left.

use engine::raw::{RawCurve, RawStep, RawSurvival};

use crate::analyses::{Filing, enough};
use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::numbers::{shown, significant};
use crate::policy::SurvivalRules;
use crate::reason::Reason;
use crate::released::{Curve, CurvePoint, Survival, Value};
use crate::tables::category;

impl Rules for RawSurvival {
    type Out = Survival;

    fn decide(mut self, desk: &mut Desk<'_>) -> Result<Survival, Stopped> {
        let (filing, raw) = Filing::open(desk, &mut self, few_events)?;
        let rules = desk.policy().rules().clone();
        let (mut few, mut tested) = (raw.curves.is_empty(), true);
        let mut sizes = Vec::new();
        for curve in &raw.curves {
            let (persons, events) = (desk.count(&curve.set, 0)?, desk.count(&curve.events, 0)?);
            few |= persons.shown < rules.min_contributors || events.shown < rules.survival.min_events;
            tested &= enough(desk, &curve.events)?;
            sizes.push((desk.show(persons), desk.show(events)));
        }
        filing.verdict(desk, few.then_some(Reason::Survival))?;
        let mut curves = Vec::new();
        for ((number, curve), (n, events)) in raw.curves.iter().enumerate().zip(sizes) {
            curves.push(told(&filing, desk, number, curve, n, events, raw.level)?);
        }
        desk.shows(curves.iter().map(|curve| curve.points.len() + curve.parameters.len()).sum());
        let log_rank = match raw.log_rank.as_ref().filter(|_| tested) {
            Some(test) => Some(filing.test(desk, test, 1.0)?),
            None => None,
        };
        Ok(Survival { head: raw.head.into(), level: raw.level, curves, log_rank })
    }
}

/// Problems that are those of a sample without persons or events: as few of them would be.
fn few_events(_: u64, problem: &str) -> Option<Reason> {
    matches!(problem, "E_NO_ROWS" | "E_NO_EVENTS").then_some(Reason::Survival)
}

fn told(
    filing: &Filing,
    desk: &mut Desk<'_>,
    number: usize,
    curve: &RawCurve,
    n: Value,
    events: Value,
    level: f64,
) -> Result<Curve, Stopped> {
    let rules = desk.policy().rules().survival;
    let merged = merged(&curve.steps, rules);
    let count = filing.number(desk, &format!("curve/{number}/points"), merged.len() as f64)?;
    let critical = distributions::normal_critical(level);
    let (mut points, mut survival, mut greenwood): (Vec<CurvePoint>, f64, f64) = (Vec::new(), 1.0, 0.0);
    for at in 0..count.max(0.0) as usize {
        let step = merged.get(at).copied().unwrap_or(RawStep { time: f64::NAN, at_risk: 0, events: 0 });
        let mut filed = |what: &str, x: f64| filing.number(desk, &format!("curve/{number}/{at}/{what}"), x);
        let time = filed("time", significant(step.time, 3))?;
        let at_risk = filed("risk", midpoint(step.at_risk, rules.midpoint))?;
        let events = filed("events", midpoint(step.events, rules.midpoint))?;
        survival *= if at_risk > 0.0 { (1.0 - events / at_risk).max(0.0) } else { 0.0 };
        greenwood += events / (at_risk * (at_risk - events));
        let value = three_decimals(survival);
        let [low, high] = interval(survival, greenwood, critical);
        // Steps whose rounded times are the same are one step of the picture.
        points.retain(|point| point.time != shown(time));
        points.push(CurvePoint {
            time: shown(time),
            at_risk: shown(at_risk),
            events: shown(events),
            survival: value,
            low,
            high,
        });
    }
    let median = half_left(&points, |point| point.survival);
    let median_limits = [half_left(&points, |point| point.low), half_left(&points, |point| point.high)];
    let mut parameters = Vec::new();
    for (name, x) in &curve.parameters {
        let x = filing.number(desk, &format!("curve/{number}/{name}"), *x)?;
        parameters.push((name.clone(), shown(significant(x, 4))));
    }
    Ok(Curve { group: curve.group.as_ref().map(category), n, events, points, median, median_limits, parameters })
}

/// The first time at which a curve is at one half or below.
fn half_left(points: &[CurvePoint], of: impl Fn(&CurvePoint) -> Value) -> Value {
    let found = points.iter().find(|point| of(point).number().is_some_and(|s| s <= 0.5));
    found.map_or(Value::Undefined, |point| point.time)
}

fn three_decimals(x: f64) -> Value {
    shown((x * 1000.0).round() / 1000.0)
}

/// The log-log interval of a point of the curve (STAT-251) by Greenwood's sum over the steps as they are shown.
fn interval(survival: f64, greenwood: f64, critical: f64) -> [Value; 2] {
    let width = critical * greenwood.sqrt() / survival.ln().abs();
    [width, -width].map(|w| three_decimals(survival.powf(w.exp())))
}

/// Steps from left to right, merged until each holds enough events, as long as enough are at risk. What is left over at the
/// end is no step.
fn merged(steps: &[RawStep], rules: SurvivalRules) -> Vec<RawStep> {
    let (mut out, mut open): (Vec<RawStep>, Option<RawStep>) = (Vec::new(), None);
    for step in steps {
        let start = open.map_or(step.at_risk, |open| open.at_risk);
        if start < rules.min_risk {
            break;
        }
        let events = open.map_or(0, |open| open.events) + step.events;
        let now = RawStep { time: step.time, at_risk: start, events };
        if events >= rules.min_events {
            out.push(now);
            open = None;
        } else {
            open = Some(now);
        }
    }
    out
}

/// 0 stays 0; others are told as the middle of their class (SDC-200: 6·⌈x/6⌉−3).
fn midpoint(x: u64, width: u64) -> f64 {
    let width = width.max(2);
    if x == 0 { 0.0 } else { (width * x.div_ceil(width)) as f64 - width as f64 / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-200: midpoints, and steps that are merged from the left and end where few are at risk.
    #[test]
    fn sdc_200_midpoints_and_steps() {
        assert_eq!([0, 1, 6, 7, 12, 13].map(|x| midpoint(x, 6)), [0.0, 3.0, 3.0, 9.0, 9.0, 15.0]);
        let step = |time: u32, at_risk, events| RawStep { time: time.into(), at_risk, events };
        let steps = [step(1, 100, 2), step(2, 97, 2), step(3, 90, 3), step(4, 80, 6), step(5, 30, 4), step(6, 9, 5)];
        let rules = SurvivalRules { min_risk: 10, min_events: 5, midpoint: 6 };
        let got: Vec<_> = merged(&steps, rules).iter().map(|s| (s.time, s.at_risk, s.events)).collect();
        assert_eq!(got, [(3.0, 100, 7), (4.0, 80, 6), (6.0, 30, 9)]);
        assert!(merged(&[step(1, 9, 9)], rules).is_empty());
    }
}
