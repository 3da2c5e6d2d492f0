//! Regression discontinuity by local polynomials with robust bias-corrected inference (STAT-160): Calonico, Cattaneo and Titiunik
//! (Econometrica 82, 2014), with covariates and clusters as in Calonico, Cattaneo, Farrell and Titiunik (REStat 101, 2019).
//!
//! Everything here is a sum of outcomes with weights that depend on the running variable alone. The jump of order p with bandwidth h
//! has the weights ω; its leading bias is what ω makes of (x−c)^(p+1), times the coefficient of that power in a fit of order
//! q = p+1 with bandwidth b; so the bias-corrected jump has the weights ω less those of the bias, and its variance counts both.

use crate::descriptive::Moments;
use crate::design::{Design, Term, variables};
use crate::linear::{Filled, Response, solve};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

mod bandwidth;
mod local;

use local::{Local, Side};

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Rdd {
    /// The outcome.
    pub y: usize,
    /// The variable that decides the treatment: those at or above the cutoff are treated.
    pub running: usize,
    /// The cutoff.
    pub cutoff: f64,
    /// Order of the polynomials, p.
    pub order: usize,
    /// Which derivative jumps, 0 to p.
    pub derivative: usize,
    /// The treatment received, where it is not decided altogether.
    pub fuzzy: Option<usize>,
    /// Covariates, with the same coefficients on both sides.
    pub covariates: Vec<Term>,
    /// A factor: errors hold when rows of a category are alike.
    pub cluster: Option<usize>,
    /// The bandwidth; chosen where it is not given.
    pub h: Option<f64>,
    /// The bandwidth of the bias; `h` where only that is given.
    pub b: Option<f64>,
    /// Per cent that the limits hold.
    pub level: f64,
}

impl Rdd {
    /// A sharp design at 0, of order 1, with bandwidths that are chosen.
    pub fn new(y: usize, running: usize) -> Self {
        Self {
            y,
            running,
            cutoff: 0.0,
            order: 1,
            derivative: 0,
            fuzzy: None,
            covariates: Vec::new(),
            cluster: None,
            h: None,
            b: None,
            level: 95.0,
        }
    }
}

/// A row of the result.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Jump {
    /// The jump.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

impl Jump {
    fn of(estimate: f64, se: f64, level: f64) -> Self {
        let spread = distributions::normal_critical(level) * se;
        Self { estimate, se, lower: estimate - spread, upper: estimate + spread }
    }

    /// z of no jump.
    pub fn z(&self) -> f64 {
        self.estimate / self.se
    }

    /// Its two-sided p-value.
    pub fn p(&self) -> f64 {
        distributions::normal_two_sided(self.z())
    }
}

/// An estimated discontinuity. Pairs are below and above the cutoff.
#[derive(Clone, PartialEq, Debug)]
pub struct RddFit {
    /// As if the polynomials were true.
    pub conventional: Jump,
    /// Less the leading bias, with the error of the conventional one.
    pub bias_corrected: Jump,
    /// Less the leading bias, with an error that counts the correction.
    pub robust: Jump,
    /// The bandwidth.
    pub h: f64,
    /// The bandwidth of the bias.
    pub b: f64,
    /// Rows.
    pub n: [u64; 2],
    /// Rows within the bandwidth.
    pub effective: [u64; 2],
    /// Largest share of one person in the squares of the weights of the bias-corrected jump.
    pub concentration: f64,
    /// Labels of covariates that follow from others and were left out.
    pub omitted: Vec<String>,
    /// What is said beside it.
    pub notices: Vec<Notice>,
    /// Number of clusters, where errors are clustered.
    pub clusters: Option<u64>,
}

/// The jump of an outcome where the running variable passes the cutoff. `persons` is the person of each row, where one may have
/// several.
///
/// # Errors
/// `E_NO_ROWS`; `E_NO_VARIATION` when the outcome does not vary; `E_RDD_TOO_FEW` when a side has fewer than p+2 rows within the bandwidth, or too few distinct places for a
/// polynomial; `E_RDD_NO_JUMP` when the treatment received does not jump; `E_TOO_FEW_CLUSTERS`, `E_STOPPED`.
pub fn rdd(rows: &dyn Rows, asked: &Rdd, persons: Option<&[u32]>) -> Result<RddFit, Problem> {
    let data = Data::read(rows, asked)?;
    let n = [data.sides[0].x.len() as u64, data.sides[1].x.len() as u64];
    let clusters = match asked.cluster {
        Some(cluster) if data.sides.iter().any(|side| side.clusters() < 2) => {
            return Err(Problem::with("E_TOO_FEW_CLUSTERS", rows.name(cluster)));
        }
        cluster => cluster.map(|_| data.clusters()),
    };
    let (h, b) = match asked.h {
        Some(h) => (h, asked.b.unwrap_or(h)),
        None => {
            let (h, b) = bandwidth::choose(rows, &data, asked)?;
            (h, asked.b.unwrap_or(b))
        }
    };
    stop(rows)?;
    let few = || Problem::new("E_RDD_TOO_FEW");
    let (p, nu) = (asked.order, asked.derivative);
    let mut fits = Vec::new();
    for side in &data.sides {
        let fit = Local::of(side, h, p).filter(|fit| fit.rows.len() >= p + 2).ok_or_else(few)?;
        let bias = Local::of(side, b, p + 1).ok_or_else(few)?;
        fits.push((fit, bias));
    }
    let common = data.common([&fits[0].0, &fits[1].0]);

    // Jumps of outcome, treatment and covariates, plain and less the bias.
    let columns = data.sides[0].columns.len();
    let (mut plain, mut corrected) = (vec![0.0; columns], vec![0.0; columns]);
    let mut weights = Vec::new();
    let factorial = (1..=nu).product::<usize>() as f64;
    for ((side, (fit, bias)), sign) in data.sides.iter().zip(&fits).zip([-1.0, 1.0]) {
        let window = side.window(h.max(b));
        let conventional = fit.weights(nu, &window, factorial);
        let share = fit.bias(nu) * h.powi(p as i32 + 1) * factorial;
        let correction = bias.weights(p + 1, &window, share);
        let robust: Vec<f64> = conventional.iter().zip(&correction).map(|(a, b)| a - b).collect();
        for (c, column) in side.columns.iter().enumerate() {
            let of = |weights: &[f64]| local::dot(weights, &column[window.clone()]);
            plain[c] += sign * of(&conventional);
            corrected[c] += sign * of(&robust);
        }
        weights.push((window, conventional, robust));
    }
    let (scale, offset) = combination(&data, &common, &plain)
        .ok_or_else(|| Problem::with("E_RDD_NO_JUMP", asked.fuzzy.map_or("", |t| rows.name(t))))?;
    let jump = |jumps: &[f64]| offset + local::dot(&scale, jumps);
    let (mut variance, mut robust) = (0.0, 0.0);
    for ((side, (fit, bias)), (window, plain, corrected)) in data.sides.iter().zip(&fits).zip(&weights) {
        variance += side.variance(window, plain, &fit.residuals(window, &scale), p + 1);
        robust += side.variance(window, corrected, &bias.residuals(window, &scale), p + 2);
    }
    let (se, se_robust) = (variance.sqrt(), robust.sqrt());
    let notices = data.omitted.iter().map(|label| Notice::with("W_COLLINEAR", label));
    Ok(RddFit {
        conventional: Jump::of(jump(&plain), se, asked.level),
        bias_corrected: Jump::of(jump(&corrected), se, asked.level),
        robust: Jump::of(jump(&corrected), se_robust, asked.level),
        h,
        b,
        n,
        effective: [fits[0].0.rows.len() as u64, fits[1].0.rows.len() as u64],
        concentration: data.concentration(&weights, persons),
        notices: notices.collect(),
        omitted: data.omitted,
        clusters,
    })
}

fn stop(rows: &dyn Rows) -> Result<(), Problem> {
    if rows.stopped() { Err(Problem::new("E_STOPPED")) } else { Ok(()) }
}

/// What the result is made of jumps: a factor for each, and what is added. Sharp: the jump of the outcome less those of the covariates
/// times their coefficients. Fuzzy: the ratio of two such, about its values (delta method). None when the treatment does not jump.
fn combination(data: &Data, common: &[Vec<f64>], jumps: &[f64]) -> Option<(Vec<f64>, f64)> {
    let adjusted = |k: usize| -> Vec<f64> {
        let mut factors = vec![0.0; jumps.len()];
        factors[k] = 1.0;
        factors[data.outcomes()..].iter_mut().zip(&common[k]).for_each(|(f, gamma)| *f = -gamma);
        factors
    };
    let outcome = adjusted(0);
    if !data.fuzzy {
        return Some((outcome, 0.0));
    }
    let treatment = adjusted(1);
    let (above, below) = (local::dot(&outcome, jumps), local::dot(&treatment, jumps));
    // Rounding alone makes no jump.
    if below.is_nan() || below.abs() < 1e-12 {
        return None;
    }
    let factors = outcome.iter().zip(&treatment).map(|(y, t)| y / below - above / (below * below) * t);
    // Of the jumps themselves the factors make nothing, so that the ratio is what is added.
    Some((factors.collect(), above / below))
}

/// The rows of both sides, ascending by the running variable less the cutoff.
struct Data {
    sides: [Side; 2],
    fuzzy: bool,
    omitted: Vec<String>,
}

impl Data {
    fn read(rows: &dyn Rows, asked: &Rdd) -> Result<Self, Problem> {
        let mut all = vec![asked.y, asked.running];
        for v in variables(&asked.covariates).into_iter().chain(asked.fuzzy).chain(asked.cluster) {
            if !all.contains(&v) {
                all.push(v);
            }
        }
        let frame = Frame::of(rows, &all);
        if frame.is_empty() {
            return Err(Problem::new("E_NO_ROWS"));
        }
        if frame.columns[0].iter().all(|y| *y == frame.columns[0][0]) {
            return Err(Problem::with("E_NO_VARIATION", rows.name(asked.y)));
        }
        let place = |v: usize| all.iter().position(|a| *a == v).unwrap_or(0);
        let mut columns = vec![frame.columns[0].clone()];
        columns.extend(asked.fuzzy.map(|t| frame.columns[place(t)].clone()));
        let mut omitted = Vec::new();
        if !asked.covariates.is_empty() {
            let design = Design::of(rows, &frame, &place, &asked.covariates, true)?;
            let zeros = vec![0.0; frame.len()];
            let x = Filled { design: &design, frame: &frame };
            let solution = solve(&x, Response { values: &zeros, pivot: 0.0 }, None);
            omitted = solution.omitted.iter().map(|j| design.columns[*j].label.clone()).collect();
            let kept = design.without(&solution.omitted);
            let mut flat = vec![0.0; kept.len() * frame.len()];
            kept.fill(&frame, 0..frame.len(), &mut flat);
            columns.extend(flat.chunks(frame.len()).skip(1).map(<[f64]>::to_vec));
        }
        if asked.fuzzy.is_none() {
            // A jump does not depend on levels, and digits are kept about the mean; the bandwidth of a fuzzy design does.
            for column in &mut columns {
                let mean = Moments::of(column).mean;
                column.iter_mut().for_each(|x| *x -= mean);
            }
        }
        let x: Vec<f64> = frame.columns[1].iter().map(|x| x - asked.cutoff).collect();
        let mut order: Vec<u32> = (0..frame.len() as u32).collect();
        order.sort_by(|a, b| x[*a as usize].total_cmp(&x[*b as usize]));
        // Zero with a sign is the cutoff too.
        let split = order.partition_point(|i| x[*i as usize] < 0.0);
        let side = |order: &[u32]| Side {
            x: order.iter().map(|i| x[*i as usize] + 0.0).collect(),
            columns: columns.iter().map(|c| order.iter().map(|i| c[*i as usize]).collect()).collect(),
            cluster: asked.cluster.map(|c| {
                let column = &frame.columns[place(c)];
                order.iter().map(|i| column[*i as usize] as u32).collect()
            }),
            origin: order.iter().map(|i| frame.origin[*i as usize]).collect(),
        };
        let sides = [side(&order[..split]), side(&order[split..])];
        if sides.iter().any(|s| s.x.len() < asked.order + 2) {
            return Err(Problem::new("E_RDD_TOO_FEW"));
        }
        Ok(Self { sides, fuzzy: asked.fuzzy.is_some(), omitted })
    }

    /// Outcome, and treatment where it is fuzzy: what stands before the covariates.
    fn outcomes(&self) -> usize {
        1 + usize::from(self.fuzzy)
    }

    /// The coefficients of the covariates for each outcome, common to fits of some sides.
    fn common<const N: usize>(&self, fits: [&Local<'_>; N]) -> Vec<Vec<f64>> {
        local::common(&fits, self.outcomes())
    }

    fn clusters(&self) -> u64 {
        let mut all: Vec<u32> = self.sides.iter().flat_map(|s| s.cluster.iter().flatten().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all.len() as u64
    }

    fn concentration(&self, weights: &[(std::ops::Range<usize>, Vec<f64>, Vec<f64>)], persons: Option<&[u32]>) -> f64 {
        let mut squares: Vec<(u32, f64)> = Vec::new();
        for (side, (window, _, weights)) in self.sides.iter().zip(weights) {
            let person = |row: u32| persons.map_or(row, |p| p[row as usize]);
            squares.extend(side.origin[window.clone()].iter().zip(weights).map(|(row, w)| (person(*row), w * w)));
        }
        squares.sort_by_key(|(person, _)| *person);
        let total: f64 = squares.iter().map(|(_, s)| s).sum();
        let of = |run: &[(u32, f64)]| run.iter().map(|(_, s)| s).sum::<f64>();
        squares.chunk_by(|a, b| a.0 == b.0).map(of).fold(0.0, f64::max) / total
    }
}
