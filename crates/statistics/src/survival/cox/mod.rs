//! Cox regression (STAT-260, STAT-366, STAT-367): the hazard of a row is exp(x'b) times one that all share, or all of a stratum.
//! Newton's method from 0 with halved steps on covariates in units of their standard deviations; what does not end is told, never
//! answered.

use super::{Outcome, evidence, independent};
use crate::design::{Design, Term, variables};
use crate::fit::{Estimate, Fit, Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

mod concordance;
mod likelihood;
mod residuals;
mod risk;

use likelihood::{ByPlace, Likelihood, likelihood};
use risk::{Risk, Times};

/// Steps of Newton's method, and halvings of one step.
const STEPS: usize = 50;
const HALVINGS: usize = 20;
/// Information in a direction that has shrunk this much since b = 0 is near zero: the likelihood rises for ever, and the coefficient
/// grows by about one standard deviation of its covariate with each step.
const SHRUNK: f64 = 1e-10;
/// Information at b = 0 this small beside the largest is rounding.
const ROUNDING: f64 = 1e-13;

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
    let scales = risk.fill(&frame, &design);
    if rows.stopped() {
        return Err(Problem::new("E_STOPPED"));
    }

    let labels: Vec<String> = design.columns.iter().skip(1).map(|c| c.label.clone()).collect();
    let found = newton(rows, &risk, asked.ties, &labels)?;
    let unscale = DMatrix::from_diagonal(&DVector::from_iterator(scales.len(), scales.iter().map(|s| 1.0 / s)));
    let model = &unscale * &found.inverse * &unscale;
    let model_se: Vec<f64> = (0..labels.len()).map(|j| model[(j, j)].sqrt()).collect();
    let mut tests = vec![Test {
        name: "lr_chi2".to_owned(),
        statistic: 2.0 * (found.at.ll - found.start),
        kind: TestKind::ChiSquare(labels.len() as f64),
    }];
    if asked.proportional {
        tests.extend(residuals::proportional(&risk, asked.ties, &found, &times, &labels));
    }
    let (mut covariance, mut clusters) = (model, None);
    if let Some(cluster) = asked.cluster {
        let (middle, number) =
            residuals::clustered(&risk, asked.ties, &found.places.weights, &frame.columns[places.of(cluster)]);
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
    let concordance = concordance::concordance(&risk, &found.places.scores);
    let events: usize = risk.moments.iter().map(|m| m.events).sum();
    // Those last seen before the first event have none.
    let mut residuals = vec![0.0; n];
    risk.order.iter().zip(&found.places.residuals).for_each(|(row, m)| residuals[*row as usize] = *m);
    let fit = Fit {
        estimates,
        covariance,
        residual_df: None,
        n: n as f64,
        scalars: vec![
            ("events", events as f64),
            ("ll_0", found.start),
            ("ll", found.at.ll),
            ("concordance", concordance),
        ],
        tests,
        margins: Vec::new(),
        notices: omitted.iter().map(|label| Notice::with("W_COLLINEAR", label)).collect(),
        omitted,
        influence: evidence(&frame, &design, &residuals, persons),
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

/// The maximum of the likelihood.
struct Found {
    /// By standardised column.
    b: DVector<f64>,
    /// The likelihood there.
    at: Likelihood,
    /// Scores, weights and residuals there.
    places: ByPlace,
    /// Its logarithm at 0.
    start: f64,
    /// The inverse of the information.
    inverse: DMatrix<f64>,
}

fn newton(rows: &dyn Rows, risk: &Risk, ties: Ties, labels: &[String]) -> Result<Found, Problem> {
    let once = |_: usize| 1.0;
    let mut b = DVector::zeros(risk.width);
    let mut places = ByPlace::of(risk);
    let mut at = likelihood(risk, ties, &b, &once, &mut places);
    let start = at.ll;
    let separated = |guilty: usize| Problem::with("E_SEPARATION", labels[guilty].clone());
    // A covariate may vary without doing so among those at risk together.
    let own = at.information.diagonal();
    if own.min() <= ROUNDING * own.max() {
        return Err(separated(own.imin()));
    }
    let no_end = || Problem::new("E_NO_CONVERGENCE");
    let eigenvalues = at.information.clone().symmetric_eigenvalues();
    let unit = at.information.clone().cholesky().filter(|_| eigenvalues.min() > ROUNDING * eigenvalues.max());
    let unit = unit.ok_or_else(no_end)?;
    let mut change = f64::INFINITY;
    for _ in 0..STEPS {
        if rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        if shrunk(&at.information, &unit) {
            return Err(separated(b.icamax()));
        }
        let factor = at.information.clone().cholesky().ok_or_else(no_end)?;
        let step = factor.solve(&at.gradient);
        let inverse = factor.inverse();
        // In units of what it would vary by.
        let scaled = (0..risk.width).map(|j| at.gradient[j].abs() / at.information[(j, j)].sqrt());
        if change < 1e-12 && scaled.fold(0.0, f64::max) < 1e-8 {
            return Ok(Found { b, at, places, start, inverse });
        }
        let (from, mut share) = (at.ll, 1.0);
        let mut moved = false;
        for _ in 0..HALVINGS {
            let there = &b + &step * share;
            let found = likelihood(risk, ties, &there, &once, &mut places);
            // The last steps are smaller than what can be told of the likelihood.
            if found.ll >= from - 1e-12 * from.abs() {
                change = ((found.ll - from) / from).abs();
                (b, at, moved) = (there, found, true);
                break;
            }
            share /= 2.0;
        }
        if !moved {
            break;
        }
    }
    Err(no_end())
}

/// Whether the information about some direction is near zero, measured in units of what it was at b = 0, so that neither scales nor
/// correlations of covariates count.
fn shrunk(information: &DMatrix<f64>, unit: &Cholesky<f64, Dyn>) -> bool {
    let l = unit.l();
    let left = l.solve_lower_triangular(information);
    let Some(both) = left.and_then(|left| l.solve_lower_triangular(&left.transpose())) else { return true };
    let least = both.symmetric_eigenvalues().min();
    least.is_nan() || least <= SHRUNK
}

/// Σ f(a, b), in lanes and then in pairs.
fn dot(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64 + Copy) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 512;
    if a.len() > BLOCK {
        let half = (a.len() / 2).next_multiple_of(BLOCK);
        return dot(&a[..half], &b[..half], f) + dot(&a[half..], &b[half..], f);
    }
    let mut lanes = [0.0; LANES];
    let (left, left_rest) = a.as_chunks::<LANES>();
    let (right, right_rest) = b.as_chunks::<LANES>();
    for (left, right) in left.iter().zip(right) {
        for (lane, (a, b)) in lanes.iter_mut().zip(left.iter().zip(right)) {
            *lane += f(*a, *b);
        }
    }
    let [a, b, c, d, e, g, h, i] = lanes;
    let mut sum = ((a + b) + (c + d)) + ((e + g) + (h + i));
    for (a, b) in left_rest.iter().zip(right_rest) {
        sum += f(*a, *b);
    }
    sum
}
