//! The Weibull distribution of times (STAT-265, STAT-368): S(t) = exp(−(t/scale)^shape) for each group, and the regression of the
//! logarithm of time on terms, ln T = x'b + σW with W the smallest extreme value, so shape = 1/σ and scale = exp(x'b).
//!
//! Both maximise the same likelihood (Kalbfleisch and Prentice 2002, section 3.6). With α = 1/σ, γ = αb and z = α ln t − x'γ it is
//! Σ δ(ln α + z − ln t) − exp z, which is concave in (γ, α): Newton's method finds the one maximum there is. Estimates and
//! covariance are then carried over to (b, ln σ).

use nalgebra::{DMatrix, DVector};

use super::{Outcome, evidence, grouped, independent};
use crate::descriptive::{Moments, sum};
use crate::design::{Design, Term, variables};
use crate::fit::{Estimate, Fit, Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// Steps of Newton's method, and halvings of one step.
const STEPS: usize = 100;
const HALVINGS: usize = 20;
/// Points of a curve.
const POINTS: u32 = 100;

/// The distribution of times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Distribution {
    /// With a shape of its own.
    #[default]
    Weibull,
    /// The Weibull distribution of shape 1.
    Exponential,
}

/// What is asked for by group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weibull {
    /// Event and time.
    pub outcome: Outcome,
    /// The factor whose categories get a distribution each.
    pub by: Option<usize>,
}

/// The distribution of a group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WeibullShape {
    /// Above 1 the hazard rises.
    pub shape: f64,
    /// Its standard error.
    pub se_shape: f64,
    /// The time at which a share of 1/e is left.
    pub scale: f64,
    /// Its standard error.
    pub se_scale: f64,
    /// Log-likelihood.
    pub ll: f64,
}

impl WeibullShape {
    /// The time at which half are left.
    pub fn median(&self) -> f64 {
        self.scale * std::f64::consts::LN_2.powf(1.0 / self.shape)
    }

    /// The share left at a time.
    pub fn survival(&self, time: f64) -> f64 {
        (-(time / self.scale).powf(self.shape)).exp()
    }

    /// Times and shares left at a hundred places up to `end`.
    pub fn curve(&self, end: f64) -> Vec<(f64, f64)> {
        let times = (1..=POINTS).map(|i| end * f64::from(i) / f64::from(POINTS));
        times.map(|t| (t, self.survival(t))).collect()
    }
}

/// A group with its distribution, or why it has none.
#[derive(Clone, PartialEq, Debug)]
pub struct WeibullGroup {
    /// The number of the category; none where there are no groups.
    pub group: Option<usize>,
    /// Rows.
    pub n: u64,
    /// Events.
    pub events: u64,
    /// `E_NO_EVENTS` or `E_NO_CONVERGENCE` concern this group alone.
    pub fit: Result<WeibullShape, Problem>,
}

/// The Weibull distribution of each group.
///
/// # Errors
/// `E_NO_ROWS`, `E_NOT_BINARY`, `E_NEGATIVE_TIME`, `E_ZERO_TIME`, `E_STOPPED`.
pub fn weibull(rows: &dyn Rows, asked: &Weibull) -> Result<Vec<WeibullGroup>, Problem> {
    let mut variables = vec![asked.outcome.event, asked.outcome.time];
    variables.extend(asked.by);
    let frame = read(rows, asked.outcome, &variables)?;
    let groups = grouped(rows, &frame, asked.by.map(|by| (by, 2)));
    let of = |(group, members): (Option<usize>, Vec<u32>)| {
        let pick = |column: &[f64]| members.iter().map(|i| column[*i as usize]).collect::<Vec<f64>>();
        let data = Data {
            events: pick(&frame.columns[0]),
            logs: pick(&frame.columns[1]).iter().map(|t| t.ln()).collect(),
            columns: vec![vec![1.0; members.len()]],
        };
        let (n, events) = (members.len() as u64, data.number_of_events() as u64);
        let fit = match Maximum::of(rows, &data, Distribution::Weibull) {
            Err(problem) if problem.code == "E_STOPPED" => return Err(problem),
            Err(problem) if problem.code == "E_NO_EVENTS" => {
                Err(Problem::with("E_NO_EVENTS", rows.name(asked.outcome.event)))
            }
            Err(problem) => Err(problem),
            Ok(found) => {
                let (b, covariance) = found.on_the_scale_of_time();
                let (scale, shape) = (b[0].exp(), (-b[1]).exp());
                let (se_scale, se_shape) = (scale * covariance[(0, 0)].sqrt(), shape * covariance[(1, 1)].sqrt());
                Ok(WeibullShape { shape, se_shape, scale, se_scale, ll: found.ll })
            }
        };
        Ok(WeibullGroup { group, n, events, fit })
    };
    groups.into_iter().map(of).collect()
}

/// A regression of time on terms.
#[derive(Clone, PartialEq, Debug)]
pub struct Regression {
    /// Event and time.
    pub outcome: Outcome,
    /// The terms; a constant is added.
    pub terms: Vec<Term>,
    /// The distribution.
    pub distribution: Distribution,
}

/// The regression in accelerated failure time form. Besides the terms it has the estimate `log_sigma`, and the numbers `sigma`,
/// `ll`, `ll_0` and `events`. `persons` is the person of each row, where one may have several.
///
/// # Errors
/// Those of [`weibull`], and `E_NO_EVENTS`, `E_COLLINEAR_ALL`, `E_NO_CONVERGENCE`.
pub fn survival_regression(rows: &dyn Rows, asked: &Regression, persons: Option<&[u32]>) -> Result<Fit, Problem> {
    let terms = variables(&asked.terms);
    let all: Vec<usize> = [asked.outcome.event, asked.outcome.time].into_iter().chain(terms.iter().copied()).collect();
    let frame = read(rows, asked.outcome, &all)?;
    let place = |v: usize| 2 + terms.iter().position(|t| *t == v).unwrap_or(0);
    let design = Design::of(rows, &frame, &place, &asked.terms, true)?;
    let (design, omitted) = independent(&frame, &design)?;
    let n = frame.len();
    let mut flat = vec![0.0; design.len() * n];
    design.fill(&frame, 0..n, &mut flat);
    let logs: Vec<f64> = frame.columns[1].iter().map(|t| t.ln()).collect();
    let mut columns: Vec<Vec<f64>> = flat.chunks(n).map(<[f64]>::to_vec).collect();
    let back = standardised(&mut columns);
    let mut data = Data { events: frame.columns[0].clone(), logs, columns };
    let no_events = |p: Problem| match p.code {
        "E_NO_EVENTS" => Problem::with("E_NO_EVENTS", rows.name(asked.outcome.event)),
        _ => p,
    };
    let found = Maximum::of(rows, &data, asked.distribution).map_err(no_events)?;
    let (b, covariance) = found.on_the_scale_of_time();
    let (b, covariance) = (&back * b, &back * covariance * back.transpose());
    let influence = evidence(&frame, &design, &found.residuals(&data), persons);
    data.columns.truncate(1);
    let null = Maximum::of(rows, &data, asked.distribution)?;

    let mut order: Vec<usize> = design.order().collect();
    let mut estimates: Vec<Estimate> = Vec::new();
    for j in &order {
        let label = design.columns[*j].label.clone();
        estimates.push(Estimate { label, column: Some(*j), b: b[*j], se: covariance[(*j, *j)].sqrt() });
    }
    let mut sigma = 1.0;
    if asked.distribution == Distribution::Weibull {
        let last = design.len();
        sigma = b[last].exp();
        let se = covariance[(last, last)].sqrt();
        estimates.push(Estimate { label: "log_sigma".to_owned(), column: None, b: b[last], se });
        order.push(last);
    }
    let lr = Test {
        name: "lr_chi2".to_owned(),
        statistic: 2.0 * (found.ll - null.ll),
        kind: TestKind::ChiSquare((design.len() - 1) as f64),
    };
    Ok(Fit {
        estimates,
        covariance: covariance.select_rows(&order).select_columns(&order),
        residual_df: None,
        n: n as f64,
        scalars: vec![("events", data.number_of_events()), ("ll_0", null.ll), ("ll", found.ll), ("sigma", sigma)],
        tests: vec![lr],
        margins: Vec::new(),
        notices: omitted.iter().map(|label| Notice::with("W_COLLINEAR", label)).collect(),
        omitted,
        influence,
        clusters: None,
    })
}

/// Puts columns after the constant about their means and in units of their standard deviations. Gives what takes estimates, and ln σ
/// after them, back.
fn standardised(columns: &mut [Vec<f64>]) -> DMatrix<f64> {
    let mut back = DMatrix::identity(columns.len() + 1, columns.len() + 1);
    for (j, column) in columns.iter_mut().enumerate().skip(1) {
        let moments = Moments::of(column);
        let scale = (moments.squares / moments.n).sqrt();
        column.iter_mut().for_each(|x| *x = (*x - moments.mean) / scale);
        back[(j, j)] = 1.0 / scale;
        back[(0, j)] = -moments.mean / scale;
    }
    back
}

/// Reads the rows, and refuses times that have no logarithm.
fn read(rows: &dyn Rows, outcome: Outcome, variables: &[usize]) -> Result<Frame, Problem> {
    let frame = Frame::of(rows, variables);
    if frame.is_empty() {
        return Err(Problem::new("E_NO_ROWS"));
    }
    outcome.check(rows, &frame)?;
    if frame.columns[1].contains(&0.0) {
        return Err(Problem::with("E_ZERO_TIME", rows.name(outcome.time)));
    }
    Ok(frame)
}

/// What the likelihood is made of.
struct Data {
    events: Vec<f64>,
    /// Logarithms of the times.
    logs: Vec<f64>,
    /// The constant is the first.
    columns: Vec<Vec<f64>>,
}

impl Data {
    fn number_of_events(&self) -> f64 {
        self.events.iter().sum()
    }
}

/// The likelihood at a place, with its first and minus its second derivatives.
struct Place {
    ll: f64,
    gradient: DVector<f64>,
    information: DMatrix<f64>,
}

/// z = α ln t − x'γ by row.
fn logged_hazards(data: &Data, at: &DVector<f64>) -> Vec<f64> {
    let alpha = at[data.columns.len()];
    let mut z: Vec<f64> = data.logs.iter().map(|log| alpha * log).collect();
    for (column, gamma) in data.columns.iter().zip(at.iter()) {
        z.iter_mut().zip(column).for_each(|(z, x)| *z -= gamma * x);
    }
    z
}

/// The largest likelihood, at (γ, α).
struct Maximum {
    at: DVector<f64>,
    ll: f64,
    covariance: DMatrix<f64>,
    exponential: bool,
}

impl Maximum {
    fn of(rows: &dyn Rows, data: &Data, distribution: Distribution) -> Result<Self, Problem> {
        let events = data.number_of_events();
        if events == 0.0 {
            return Err(Problem::new("E_NO_EVENTS"));
        }
        let k = data.columns.len();
        let exponential = distribution == Distribution::Exponential;
        // The exponential distribution without terms is where it starts: γ is the logarithm of time per event.
        let total: f64 = sum(&data.logs, |log| log.exp());
        let mut at = DVector::zeros(k + 1);
        at[0] = (total / events).ln();
        at[k] = 1.0;
        let mut place = Self::place(data, &at, exponential);
        for number in 0..STEPS {
            if rows.step(number) {
                return Err(Problem::new("E_STOPPED"));
            }
            let Some(factor) = place.information.clone().cholesky() else { break };
            let step = factor.solve(&place.gradient);
            // The square of the step's length in standard errors.
            if step.dot(&place.gradient) < 1e-18 {
                let mut covariance = factor.inverse();
                if exponential {
                    covariance[(k, k)] = 0.0;
                }
                return Ok(Self { ll: place.ll, at, covariance, exponential });
            }
            let before = place.ll;
            let mut share = 1.0;
            for _ in 0..HALVINGS {
                let there = &at + &step * share;
                if there[k] > 0.0 {
                    let found = Self::place(data, &there, exponential);
                    if found.ll >= before - 1e-12 * before.abs() {
                        (at, place) = (there, found);
                        break;
                    }
                }
                share /= 2.0;
            }
        }
        Err(Problem::new("E_NO_CONVERGENCE"))
    }

    fn place(data: &Data, at: &DVector<f64>, exponential: bool) -> Place {
        let k = data.columns.len();
        let alpha = at[k];
        let z = logged_hazards(data, at);
        let hazards: Vec<f64> = z.iter().map(|z| z.exp()).collect();
        let n = z.len();
        let index: Vec<usize> = (0..n).collect();
        let ll = sum(&index, |i| data.events[i] * (alpha.ln() + z[i] - data.logs[i]) - hazards[i]);
        // dz/dγ = −x, dz/dα = ln t.
        let slope = |j: usize, i: usize| if j == k { data.logs[i] } else { -data.columns[j][i] };
        let mut gradient = DVector::zeros(k + 1);
        let mut information = DMatrix::zeros(k + 1, k + 1);
        for a in 0..=k {
            gradient[a] = sum(&index, |i| (data.events[i] - hazards[i]) * slope(a, i));
            for b in 0..=a {
                let x = sum(&index, |i| hazards[i] * slope(a, i) * slope(b, i));
                (information[(a, b)], information[(b, a)]) = (x, x);
            }
        }
        if exponential {
            information.row_mut(k).fill(0.0);
            information.column_mut(k).fill(0.0);
            (gradient[k], information[(k, k)]) = (0.0, 1.0);
        } else {
            let events = data.number_of_events();
            gradient[k] += events / alpha;
            information[(k, k)] += events / (alpha * alpha);
        }
        Place { ll, gradient, information }
    }

    /// The event less the hazard that has been gone through, exp z, by row.
    fn residuals(&self, data: &Data) -> Vec<f64> {
        let z = logged_hazards(data, &self.at);
        data.events.iter().zip(z).map(|(event, z)| event - z.exp()).collect()
    }

    /// Estimates b = γ/α and ln σ = −ln α with their covariance, by the delta method, which is exact at the maximum.
    fn on_the_scale_of_time(&self) -> (DVector<f64>, DMatrix<f64>) {
        let k = self.at.len() - 1;
        let alpha = self.at[k];
        let mut b = &self.at / alpha;
        b[k] = -alpha.ln();
        let mut slope = DMatrix::zeros(k + 1, k + 1);
        for j in 0..k {
            slope[(j, j)] = 1.0 / alpha;
            slope[(j, k)] = if self.exponential { 0.0 } else { -self.at[j] / (alpha * alpha) };
        }
        slope[(k, k)] = -1.0 / alpha;
        let covariance = &slope * &self.covariance * slope.transpose();
        (b, covariance)
    }
}
