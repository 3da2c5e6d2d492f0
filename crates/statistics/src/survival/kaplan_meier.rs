//! The product-limit estimate of survival (Kaplan and Meier 1958) by group, with Greenwood's variance and pointwise limits on
//! the scale of log(−log S) or log S (Kalbfleisch and Prentice 2002, section 1.4).

use rayon::prelude::*;

use super::log_rank::{LogRank, log_rank};
use super::{Outcome, grouped};
use crate::problem::Problem;
use crate::rows::{Frame, Rows};

/// Survival within this of one half is one half.
const HALF: f64 = 1.5e-8;

/// On which scale limits are symmetric.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Interval {
    /// log(−log S): the limits stay between 0 and 1.
    #[default]
    LogLog,
    /// log S.
    Log,
}

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct KaplanMeier {
    /// Event and time.
    pub outcome: Outcome,
    /// The factor whose categories get a curve each.
    pub by: Option<usize>,
    /// Per cent that the limits hold.
    pub level: f64,
    /// Their scale.
    pub interval: Interval,
    /// Times at which survival is told; none gives the quarters of the time of the last event.
    pub times: Option<Vec<f64>>,
}

/// What happens at a time with events.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// The time.
    pub time: f64,
    /// Rows at risk just before it.
    pub at_risk: u64,
    /// Events at it.
    pub events: u64,
    /// Survival just after it.
    pub survival: f64,
    /// Greenwood's standard error; not a number where survival is 0.
    pub se: f64,
    /// Lower limit; not a number where survival is 0, or 1 on the scale of log(−log S).
    pub lower: f64,
    /// Upper limit, likewise.
    pub upper: f64,
}

/// Survival at a time that was asked for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct At {
    /// The time.
    pub time: f64,
    /// The step in force; its survival is 1 before the first event. None after the last one was seen.
    pub step: Option<Step>,
}

/// A survival curve.
#[derive(Clone, PartialEq, Debug)]
pub struct Curve {
    /// The number of the category; none where there are no groups.
    pub group: Option<usize>,
    /// Rows.
    pub n: u64,
    /// Events.
    pub events: u64,
    /// The times with events, ascending.
    pub steps: Vec<Step>,
    /// The time at which survival falls to one half; none where it does not.
    pub median: Option<f64>,
    /// The time at which the lower limit does.
    pub lower: Option<f64>,
    /// The time at which the upper limit does.
    pub upper: Option<f64>,
    /// Survival at the times that were asked for.
    pub at: Vec<At>,
    /// The last time at which anyone was seen.
    pub last: f64,
}

/// Curves of all groups.
#[derive(Clone, PartialEq, Debug)]
pub struct Curves {
    /// In the order of the categories.
    pub curves: Vec<Curve>,
    /// Whether the groups differ; where there are at least two, and any event.
    pub log_rank: Option<LogRank>,
    /// Rows that were used.
    pub n: u64,
}

/// Events and numbers at risk of one group at each distinct time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Moment {
    pub(super) time: f64,
    pub(super) events: u64,
    /// Those last seen at this time, without the event.
    pub(super) censored: u64,
}

/// Survival curves (STAT-251) and the log-rank test (STAT-252).
///
/// # Errors
/// `E_NOT_BINARY`, `E_NEGATIVE_TIME`, `E_NO_ROWS`, `E_STOPPED`.
pub fn kaplan_meier(rows: &dyn Rows, asked: &KaplanMeier) -> Result<Curves, Problem> {
    let mut variables = vec![asked.outcome.event, asked.outcome.time];
    variables.extend(asked.by);
    let frame = Frame::of(rows, &variables);
    if frame.is_empty() {
        return Err(Problem::new("E_NO_ROWS"));
    }
    asked.outcome.check(rows, &frame)?;
    let groups = grouped(rows, &frame, asked.by.map(|by| (by, 2)));
    let moments: Vec<Vec<Moment>> =
        groups.par_iter().map(|(_, members)| moments(&frame.columns[1], &frame.columns[0], members)).collect();
    if rows.stopped() {
        return Err(Problem::new("E_STOPPED"));
    }
    let ends = moments.iter().flatten().filter(|m| m.events > 0).map(|m| m.time);
    let end = ends.max_by(f64::total_cmp).unwrap_or(0.0);
    let times = asked.times.clone().unwrap_or_else(|| (1..=4).map(|q| end * f64::from(q) / 4.0).collect());
    let z = distributions::normal_critical(asked.level);
    let curves = groups.iter().zip(&moments).map(|((group, _), moments)| {
        let steps = steps(moments, z, asked.interval);
        let last = moments.last().map_or(0.0, |m| m.time);
        Curve {
            group: *group,
            n: moments.iter().map(|m| m.events + m.censored).sum(),
            events: moments.iter().map(|m| m.events).sum(),
            median: half(&steps, |s| s.survival),
            lower: half(&steps, |s| s.lower),
            upper: half(&steps, |s| s.upper),
            at: times.iter().map(|t| At { time: *t, step: (*t <= last).then(|| at(&steps, *t)) }).collect(),
            steps,
            last,
        }
    });
    let curves: Vec<Curve> = curves.collect();
    let log_rank = if moments.len() > 1 { log_rank(&moments) } else { None };
    Ok(Curves { curves, log_rank, n: frame.len() as u64 })
}

/// Counts by distinct time, ascending.
fn moments(times: &[f64], events: &[f64], members: &[u32]) -> Vec<Moment> {
    let mut order: Vec<(f64, bool)> =
        members.iter().map(|i| (times[*i as usize], events[*i as usize] == 1.0)).collect();
    order.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let same = |a: &(f64, bool), b: &(f64, bool)| a.0 == b.0;
    let count = |run: &[(f64, bool)]| {
        let events = run.iter().filter(|(_, event)| *event).count() as u64;
        Moment { time: run[0].0, events, censored: run.len() as u64 - events }
    };
    order.chunk_by(same).map(count).collect()
}

/// The product limit. Those last seen at a time are at risk at it.
fn steps(moments: &[Moment], z: f64, interval: Interval) -> Vec<Step> {
    let mut at_risk: u64 = moments.iter().map(|m| m.events + m.censored).sum();
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let mut steps = Vec::new();
    for m in moments {
        if m.events > 0 {
            let (n, d) = (at_risk as f64, m.events as f64);
            survival *= (n - d) / n;
            greenwood += d / (n * (n - d));
            let root = f64::sqrt(greenwood);
            let (lower, upper) = limits(survival, root, z, interval);
            steps.push(Step { time: m.time, at_risk, events: m.events, survival, se: survival * root, lower, upper });
        }
        at_risk -= m.events + m.censored;
    }
    steps
}

/// The limits of survival whose logarithm has the standard error `se`.
fn limits(survival: f64, se: f64, z: f64, interval: Interval) -> (f64, f64) {
    if survival <= 0.0 {
        return (f64::NAN, f64::NAN);
    }
    match interval {
        Interval::Log => (survival * (-z * se).exp(), (survival * (z * se).exp()).min(1.0)),
        Interval::LogLog => {
            let spread = z * se / survival.ln().abs();
            (survival.powf(spread.exp()), survival.powf((-spread).exp()))
        }
    }
}

/// The time at which a falling curve reaches one half; between it and the next step where it is exactly one half.
fn half(steps: &[Step], of: impl Fn(&Step) -> f64) -> Option<f64> {
    let mut below = steps.iter().filter(|s| of(s) < 0.5 + HALF);
    let first = below.next()?;
    let next = below.find(|s| of(s) < of(first)).filter(|_| (of(first) - 0.5).abs() < HALF);
    Some(next.map_or(first.time, |next| (first.time + next.time) / 2.0))
}

/// The step in force at a time.
fn at(steps: &[Step], time: f64) -> Step {
    let next = steps.partition_point(|s| s.time <= time);
    match next.checked_sub(1) {
        Some(i) => steps[i],
        None => {
            let at_risk = steps.first().map_or(0, |s| s.at_risk);
            Step { time, at_risk, events: 0, survival: 1.0, se: 0.0, lower: 1.0, upper: 1.0 }
        }
    }
}
