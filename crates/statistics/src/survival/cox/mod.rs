//! Cox regression (STAT-260, STAT-366, STAT-367): the hazard of a row is exp(x'b) times one that all share, or all of a stratum.
//! Newton's method with halved steps on covariates in units of about their standard deviations, from 0 or, where there are many rows,
//! from the estimates of a part of them; what does not end is told, never answered.

use super::{MANY, Outcome, PART, evidence, independent};
use crate::design::{Design, Term, variables};
use crate::fit::{Estimate, Fit, Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};
use nalgebra::{DMatrix, DVector};

mod concordance;
mod likelihood;
mod newton;
mod residuals;
mod risk;
mod sums;

use newton::{Found, newton};
use risk::{Risk, Times, Units};

/// How events at the same time are treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ties {
    /// They leave the risk set one after the other, on average over their orders (Efron 1977).
    #[default]
    Efron,
    /// All are at risk at each (Breslow 1974).
    Breslow,
}

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Cox {
    /// Event and time.
    pub outcome: Outcome,
    /// The terms; there is no constant.
    pub terms: Vec<Term>,
    /// Events at the same time.
    pub ties: Ties,
    /// A factor whose categories have hazards of their own.
    pub strata: Option<usize>,
    /// The time after which a row is at risk.
    pub entry: Option<usize>,
    /// A factor: errors hold when rows of a category are alike.
    pub cluster: Option<usize>,
    /// Whether the hazards are tested for being proportional.
    pub proportional: bool,
}

impl Cox {
    /// A regression with Efron's ties and nothing else.
    pub fn new(outcome: Outcome, terms: Vec<Term>) -> Self {
        Self { outcome, terms, ties: Ties::Efron, strata: None, entry: None, cluster: None, proportional: false }
    }
}

/// A fitted regression.
#[derive(Clone, PartialEq, Debug)]
pub struct CoxFit {
    /// Estimates are log hazard ratios. Numbers: `events`, `ll_0`, `ll`, `concordance`. Tests: `lr_chi2`, and where they were asked
    /// for `ph[term]` by column and `ph[global]`. Influence is that of the design with the squares of martingale residuals as weights:
    /// what a person adds to the variance of the score.
    pub fit: Fit,
    /// Standard errors of the model, in the order of the estimates, also where those of the fit are clustered.
    pub model_se: Vec<f64>,
}

/// A Cox regression. `persons` is the person of each row, where one may have several.
///
/// # Errors
/// `E_NO_ROWS`, `E_NOT_BINARY`, `E_NEGATIVE_TIME`, `E_ENTRY_AFTER_TIME`, `E_NO_EVENTS`, `E_COLLINEAR_ALL`, `E_SEPARATION`,
/// `E_NO_CONVERGENCE`, `E_CLUSTER_IN_MODEL`, `E_TOO_FEW_CLUSTERS`, `E_STOPPED`.
pub fn cox(rows: &dyn Rows, asked: &Cox, persons: Option<&[u32]>) -> Result<CoxFit, Problem> {
    let (frame, places) = read(rows, asked)?;
    let design = Design::of(rows, &frame, &|v| places.of(v), &asked.terms, true)?;
    let (design, omitted) = independent(&frame, &design)?;
    let n = frame.len();
    let column = |variable: Option<usize>| variable.map(|v| &frame.columns[places.of(v)][..]);
    let times = Times {
        events: &frame.columns[0],
        times: &frame.columns[1],
        entries: column(asked.entry),
        strata: column(asked.strata),
    };
    let mut risk = Risk::of(&times);
    if risk.moments.is_empty() {
        return Err(Problem::with("E_NO_EVENTS", rows.name(asked.outcome.event)));
    }
    let units = Units::of(&frame, &design);
    risk.fill(&frame, &design, &units);
    if rows.stopped() {
        return Err(Problem::new("E_STOPPED"));
    }

    let labels: Vec<String> = design.columns.iter().skip(1).map(|c| c.label.clone()).collect();
    let part = (n >= MANY).then(|| part(rows, asked.ties, &times, (&frame, &design, &units), &labels)).flatten();
    let found = newton(rows, &risk, asked.ties, part, &labels)?;
    let scales = &units.scales;
    let unscale = DMatrix::from_diagonal(&DVector::from_iterator(scales.len(), scales.iter().map(|s| 1.0 / s)));
    let model = &unscale * &found.inverse * &unscale;
    let model_se: Vec<f64> = (0..labels.len()).map(|j| model[(j, j)].sqrt()).collect();
    let mut tests = vec![Test {
        name: "lr_chi2".to_owned(),
        statistic: 2.0 * (found.ll - found.start),
        kind: TestKind::ChiSquare(labels.len() as f64),
    }];
    if asked.proportional {
        tests.extend(residuals::proportional(&risk, asked.ties, &found, &times, &labels));
    }
    let (mut covariance, mut clusters) = (model, None);
    if let Some(cluster) = asked.cluster {
        let (middle, number) =
            residuals::clustered(&risk, asked.ties, &found.places, &frame.columns[places.of(cluster)]);
        if number < 2 {
            return Err(Problem::with("E_TOO_FEW_CLUSTERS", rows.name(cluster)));
        }
        let bread = &unscale * &found.inverse;
        covariance = &bread * middle * bread.transpose();
        clusters = Some(number);
    }
    let estimates = labels.iter().enumerate().map(|(j, label)| Estimate {
        label: label.clone(),
        column: Some(j + 1),
        b: found.b[j] / scales[j],
        se: covariance[(j, j)].sqrt(),
    });
    let estimates = estimates.collect();
    let events: usize = risk.moments.iter().map(|m| m.events).sum();
    // Those last seen before the first event have none.
    let mut residuals = vec![0.0; n];
    risk.order.iter().zip(&found.places.residuals).for_each(|(row, m)| residuals[*row as usize] = *m);
    let (concordance, influence) = rayon::join(
        || concordance::concordance(&risk, &found.places.scores),
        || evidence(&frame, &design, &residuals, persons),
    );
    let fit = Fit {
        estimates,
        covariance,
        residual_df: None,
        n: n as f64,
        scalars: vec![("events", events as f64), ("ll_0", found.start), ("ll", found.ll), ("concordance", concordance)],
        tests,
        margins: Vec::new(),
        notices: omitted.iter().map(|label| Notice::with("W_COLLINEAR", label)).collect(),
        omitted,
        influence,
        clusters,
    };
    Ok(CoxFit { fit, model_se })
}

/// Where variables stand in the frame.
struct Places(Vec<usize>);

impl Places {
    fn of(&self, variable: usize) -> usize {
        // The event and the time, which stand before, may be terms too.
        self.0.iter().position(|v| *v == variable).unwrap_or(0)
    }
}

fn read(rows: &dyn Rows, asked: &Cox) -> Result<(Frame, Places), Problem> {
    let terms = variables(&asked.terms);
    if let Some(cluster) = asked.cluster.filter(|c| terms.contains(c)) {
        return Err(Problem::with("E_CLUSTER_IN_MODEL", rows.name(cluster)));
    }
    let mut all = vec![asked.outcome.event, asked.outcome.time];
    for variable in terms.into_iter().chain(asked.strata).chain(asked.entry).chain(asked.cluster) {
        if !all.contains(&variable) {
            all.push(variable);
        }
    }
    let frame = Frame::of(rows, &all);
    if frame.is_empty() {
        return Err(Problem::new("E_NO_ROWS"));
    }
    asked.outcome.check(rows, &frame)?;
    let places = Places(all);
    if let Some(entry) = asked.entry {
        let pairs = frame.columns[places.of(entry)].iter().zip(&frame.columns[1]);
        if pairs.into_iter().any(|(entry, time)| entry >= time) {
            return Err(Problem::with("E_ENTRY_AFTER_TIME", rows.name(entry)));
        }
    }
    Ok((frame, places))
}

/// The regression on a part of the rows, where it has an end.
fn part(
    rows: &dyn Rows,
    ties: Ties,
    times: &Times<'_>,
    (frame, design, units): (&Frame, &Design, &Units),
    labels: &[String],
) -> Option<Found> {
    let few = |values: &[f64]| -> Vec<f64> { values.iter().copied().step_by(PART).collect() };
    let frame = frame.every(PART);
    let (events, at) = (few(times.events), few(times.times));
    let (entries, strata) = (times.entries.map(few), times.strata.map(few));
    let mut risk =
        Risk::of(&Times { events: &events, times: &at, entries: entries.as_deref(), strata: strata.as_deref() });
    if risk.moments.is_empty() {
        return None;
    }
    risk.fill(&frame, design, units);
    newton(rows, &risk, ties, None, labels).ok()
}
