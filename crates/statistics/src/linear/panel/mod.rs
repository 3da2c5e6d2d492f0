//! `regress-panel`: fixed effects, random effects after Swamy and Arora, between, pooled, first differences, and fixed effects of
//! units and times (STAT-130 to STAT-134).

mod data;
pub mod did;
pub mod hausman;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::columns::{BLOCK, Filled, Matrix, blocks};
use super::influence::influence_of_rows;
use super::model::{Errors, Known, estimates, joint, notices, omit};
use super::regress::{Regress, subtract_from};
use super::solve::{Response, Solution, solve};
use super::tile;
use crate::descriptive::sum;
use crate::design::{Design, Term, variables};
use crate::fit::Fit;
use crate::problem::Problem;
use crate::rows::{CHUNK, Frame, Rows};
use data::Data;

/// How the units enter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Model {
    /// Each unit has a level of its own.
    Fixed,
    /// The levels are drawn from one distribution.
    Random,
    /// The units' means.
    Between,
    /// Not at all.
    Pooled,
    /// Differences between neighbouring times, with a constant.
    FirstDifferences,
    /// Fixed, and a level of each time, which is controlled for.
    FixedTwoWay,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant. Fixed effects have levels anyway; without it their grand mean is not told.
    pub constant: bool,
    /// The variable that numbers the units.
    pub unit: usize,
    /// The variable of the time; [`Model::FirstDifferences`] and [`Model::FixedTwoWay`] need it.
    pub time: Option<usize>,
    /// How the units enter.
    pub model: Model,
    /// Errors by unit; HC1 between units.
    pub robust: bool,
    /// A variable by which errors are clustered instead; between units that of a unit's last row.
    pub cluster: Option<usize>,
}

/// A result.
#[derive(Clone, Debug)]
pub struct PanelFit {
    /// Scalars: `n`, `df_resid`, `units`, `T_min`, `T_avg`, `T_max`, `r2_within`, `r2_between`, `r2_overall`, `rss`, `sigma`, and where
    /// the model has them `sigma_u`, `sigma_e`, `rho`, `theta_min`, `theta_max`, and `theta` where it is the same for all units.
    pub fit: Fit,
    /// The columns that are left; `influence.concentration` is in their order.
    pub design: Design,
    variables: Vec<usize>,
    known: Known,
    y: usize,
    unit: usize,
    /// Estimates of all columns.
    b: DVector<f64>,
    /// The units, ascending, and their levels.
    effects: (Vec<f64>, Vec<f64>),
}

/// What a model's regression gave.
struct Solved {
    design: Design,
    omitted: Vec<String>,
    b: DVector<f64>,
    covariance: DMatrix<f64>,
    df: f64,
    rss: f64,
    scalars: Vec<(&'static str, f64)>,
    influence: crate::fit::Influence,
    clusters: Option<u64>,
    /// How much of the mean residual of a unit of this size is its effect.
    shrink: Box<dyn Fn(f64) -> f64>,
    exact: bool,
}

impl Panel {
    /// Fits it. `persons` is the person of each source row; without it the units are the persons.
    ///
    /// # Errors
    /// `E_NOT_A_PANEL`, `E_COLLINEAR_ALL`, `E_NO_RESIDUAL_DF`, `E_TOO_FEW_CLUSTERS`, `E_STOPPED`.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<PanelFit, Problem> {
        let two_way = self.model == Model::FixedTwoWay;
        let mut data = Data::of(rows, self.y, &self.terms, self.unit, self.time, two_way)?;
        if let Some(cluster) = self.cluster {
            data.cluster(rows, cluster)?;
        }
        let solved = match self.model {
            Model::Fixed | Model::FixedTwoWay => self.fixed(&data, persons)?,
            Model::Random => self.random(&data, persons)?,
            Model::Between => self.between(&data, persons)?,
            Model::Pooled => self.pooled(rows, persons)?,
            Model::FirstDifferences => self.differences(&data, persons)?,
        };
        Ok(self.result(&data, solved))
    }

    fn result(&self, data: &Data, solved: Solved) -> PanelFit {
        let untold = !self.constant && solved.design.constant;
        let mut result = self.told(data, solved);
        if untold {
            // The grand mean of the levels, which nobody asked for, stands last.
            let kept = result.fit.estimates.len() - 1;
            result.fit.estimates.truncate(kept);
            result.fit.covariance = result.fit.covariance.view((0, 0), (kept, kept)).into_owned();
        }
        result
    }

    fn told(&self, data: &Data, solved: Solved) -> PanelFit {
        let mut terms = self.terms.clone();
        terms.push(Term { pieces: Vec::new(), control: true });
        let (estimates, covariance) = estimates(&solved.design, &terms, &solved.b, &solved.covariance);
        let kept: Vec<usize> = solved.design.columns.iter().map(|c| original(&data.design, &c.label)).collect();
        let mut index = vec![0.0; data.y.len()];
        index.par_chunks_mut(BLOCK).zip(blocks(data.y.len())).for_each(|(out, range)| {
            tile::combine(out, solved.b.as_slice(), |j| &data.x.columns[kept[j]][range.clone()]);
        });
        let [within, between, overall] = data.fits(&index);
        let pairs = data.y.par_iter().zip(&index).with_min_len(BLOCK);
        let left: Vec<f64> = pairs.map(|(y, x)| y + data.pivot - x).collect();
        let levels: Vec<f64> =
            data.means(&left).iter().zip(&data.sizes).map(|(level, size)| level * (solved.shrink)(*size)).collect();
        let mut scalars = vec![("n", data.n()), ("df_resid", solved.df)];
        scalars.extend(data.scalars());
        scalars.extend([("r2_within", within), ("r2_between", between), ("r2_overall", overall)]);
        scalars.extend([("rss", solved.rss), ("sigma", (solved.rss / solved.df).sqrt())]);
        scalars.extend(solved.scalars.iter().copied());
        if matches!(self.model, Model::Fixed | Model::FixedTwoWay) {
            let mean = sum(&levels, |u| u) / levels.len() as f64;
            let sigma_u = (sum(&levels, |u| (u - mean) * (u - mean)) / (levels.len() as f64 - 1.0)).sqrt();
            scalars.extend(components(sigma_u, (solved.rss / solved.df).sqrt()));
        }
        let slopes: Vec<usize> = (usize::from(solved.design.constant)..solved.design.len()).collect();
        let mut tests = Vec::new();
        if !slopes.is_empty() {
            let mut test = joint("F", &slopes, &solved.b, &solved.covariance, solved.df);
            if solved.exact {
                test.statistic = f64::NAN;
            }
            tests.push(test);
        }
        let mut notices = notices(&solved.omitted);
        if solved.exact {
            notices.push(crate::Notice::new("W_PERFECT_FIT"));
        }
        let fit = Fit {
            estimates,
            covariance,
            residual_df: Some(solved.df),
            n: data.n(),
            scalars,
            tests,
            margins: Vec::new(),
            omitted: solved.omitted,
            notices,
            influence: solved.influence,
            clusters: solved.clusters,
        };
        PanelFit {
            fit,
            design: solved.design,
            variables: variables(&self.terms),
            known: data.known.clone(),
            y: self.y,
            unit: self.unit,
            b: solved.b,
            effects: (data.names.clone(), levels),
        }
    }

    /// Least squares of y less the unit's mean on columns less theirs, the grand means added back so that there is a constant.
    fn within(&self, data: &Data) -> Result<Within, Problem> {
        let back = |column: &[f64]| data.less(column, |_| 1.0, sum(column, |x| x) / data.n());
        let mut columns = vec![vec![1.0; data.y.len()]];
        columns.extend(data.x.columns[1..].iter().map(|column| back(column)));
        let x = Matrix { columns, constant: true };
        let y = back(&data.y);
        let solution = solve(&x, Response { values: &y, pivot: data.pivot }, None);
        let df = data.n() - data.units.count as f64 - (solution.size() as f64 - 1.0);
        if df <= 0.0 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        Ok(Within { x, y, solution, df })
    }

    fn fixed(&self, data: &Data, persons: Option<&[u32]>) -> Result<Solved, Problem> {
        let Within { x, y, solution, df } = self.within(data)?;
        let slopes = solution.size() as f64 - 1.0;
        let factor = data.n() / (data.n() - slopes);
        let y = Response { values: &y, pivot: data.pivot };
        self.solved(data, (&x, y), solution, df, factor, persons)
    }

    /// The pieces that fixed and random effects share. `factor` is that of errors by unit.
    fn solved(
        &self,
        data: &Data,
        (x, y): (&Matrix, Response<'_>),
        solution: Solution,
        df: f64,
        factor: f64,
        persons: Option<&[u32]>,
    ) -> Result<Solved, Problem> {
        let people = people(data, persons).collect();
        let mut solved = plain(data, x, &solution, df, people)?;
        let clusters = data.clusters.as_ref().or(self.robust.then_some(&data.units));
        if let Some(clusters) = clusters {
            let scores = solution.residuals(x, y);
            solved.covariance = solution.clustered(x, &scores, &clusters.of, clusters.count) * factor;
            solved.clusters = Some(clusters.count as u64);
        }
        Ok(solved)
    }

    /// P. A. V. B. Swamy and S. S. Arora (1972): variances from the regressions within and between, then least squares on data less
    /// a share θ of the unit's means.
    fn random(&self, data: &Data, persons: Option<&[u32]>) -> Result<Solved, Problem> {
        let within = self.within(data)?;
        let (means, means_y) = data.between(true);
        let between = solve(&means, Response { values: &means_y, pivot: data.pivot }, None);
        let df_between = data.units.count as f64 - between.size() as f64;
        if df_between <= 0.0 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let sigma2_e = within.solution.rss / within.df;
        let sigma2_u = (between.rss / df_between - sigma2_e / data.harmonic()).max(0.0);
        // Below 1 even where nothing is left within, so that there is a constant.
        let share = |size: &f64| match sigma2_e + size * sigma2_u {
            0.0 => 0.0,
            whole => (1.0 - (sigma2_e / whole).sqrt()).min(1.0 - 1e-12),
        };
        let theta: Vec<f64> = data.sizes.iter().map(share).collect();
        if !self.constant {
            return self.random_without(data, &theta, [sigma2_u, sigma2_e], persons);
        }
        // Columns about their grand means; the constant takes them back.
        let centre: Vec<f64> = data.x.columns.iter().map(|c| sum(c, |x| x) / data.n()).collect();
        let centred = |(j, column): (usize, &Vec<f64>)| {
            let about = if j == 0 { 0.0 } else { centre[j] };
            let moved: Vec<f64> = column.iter().map(|x| x - about).collect();
            data.less(&moved, |unit| theta[unit], 0.0)
        };
        let columns = data.x.columns.iter().enumerate().map(centred).collect();
        let x = Matrix { columns, constant: false };
        let y = data.less(&data.y, |unit| theta[unit], 0.0);
        let solution = solve(&x, Response { values: &y, pivot: 0.0 }, None);
        let k = solution.size() as f64;
        let df = data.n() - k;
        if df <= 0.0 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        // Errors by unit count all columns of this regression.
        let response = Response { values: &y, pivot: 0.0 };
        let mut solved = self.solved(data, (&x, response), solution.clone(), df, data.n() / (data.n() - k), persons)?;
        let mut back = DMatrix::identity(solution.size(), solution.size());
        for (i, j) in solution.kept.iter().enumerate().skip(1) {
            back[(0, i)] = -centre[*j];
        }
        solved.b = &back * &solved.b;
        solved.b[0] += data.pivot;
        solved.covariance = &back * solved.covariance * back.transpose();
        solved.drawn(&theta, [sigma2_u, sigma2_e]);
        Ok(solved)
    }

    /// The same without a constant: y and columns as they are, less a share of their means.
    fn random_without(
        &self,
        data: &Data,
        theta: &[f64],
        variances: [f64; 2],
        persons: Option<&[u32]>,
    ) -> Result<Solved, Problem> {
        let columns = data.x.columns.iter().skip(1).map(|column| data.less(column, |unit| theta[unit], 0.0)).collect();
        let x = Matrix { columns, constant: false };
        let whole: Vec<f64> = data.y.iter().map(|y| y + data.pivot).collect();
        let y = data.less(&whole, |unit| theta[unit], 0.0);
        let response = Response { values: &y, pivot: 0.0 };
        let solution = solve(&x, response, None);
        let k = solution.size() as f64;
        let df = data.n() - k;
        if df <= 0.0 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let response = Response { values: &y, pivot: 0.0 };
        let mut solved = self.solved(data, (&x, response), solution, df, data.n() / (data.n() - k), persons)?;
        solved.drawn(theta, variances);
        Ok(solved)
    }

    fn between(&self, data: &Data, persons: Option<&[u32]>) -> Result<Solved, Problem> {
        let (x, y) = data.between(self.constant);
        let pivot = if self.constant { data.pivot } else { 0.0 };
        let solution = solve(&x, Response { values: &y, pivot }, None);
        let k = solution.size() as f64;
        let count = data.units.count as f64;
        if count <= k {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let mut first = vec![0; data.units.count];
        for (unit, row) in data.units.of.iter().zip(&data.origin) {
            first[*unit as usize] = *row;
        }
        let person = |row: &u32| persons.map_or(*row, |persons| persons[*row as usize]);
        let people: Vec<u32> = first.iter().map(person).collect();
        let mut solved = plain(data, &x, &solution, count - k, people)?;
        let scores = || solution.residuals(&x, Response { values: &y, pivot });
        if let Some(clusters) = &data.clusters {
            let mut of = vec![0; data.units.count];
            data.units.of.iter().zip(&clusters.of).for_each(|(unit, cluster)| of[*unit as usize] = *cluster);
            let groups = clusters.count as f64;
            let factor = groups / (groups - 1.0) * (count - 1.0) / (count - k);
            solved.covariance = solution.clustered(&x, &scores(), &of, clusters.count) * factor;
            solved.clusters = Some(clusters.count as u64);
        } else if self.robust {
            let scores = scores();
            let squares: Vec<f64> = scores.iter().map(|e| e * e).collect();
            solved.covariance = solution.sandwich(&x, &squares) * (count / (count - k));
        }
        Ok(solved)
    }

    fn differences(&self, data: &Data, persons: Option<&[u32]>) -> Result<Solved, Problem> {
        let (x, y, units, origin) = data.differences();
        let solution = solve(&x, Response { values: &y, pivot: 0.0 }, None);
        let (n, k) = (y.len() as f64, solution.size() as f64);
        if n <= k {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let person = |(row, unit): (&u32, &u32)| persons.map_or(*unit, |persons| persons[*row as usize]);
        let people = origin.iter().zip(&units.of).map(person).collect();
        let mut solved = plain(data, &x, &solution, n - k, people)?;
        if self.robust {
            let scores = solution.residuals(&x, Response { values: &y, pivot: 0.0 });
            let count = units.count as f64;
            let factor = count / (count - 1.0) * (n - 1.0) / (n - k);
            solved.covariance = solution.clustered(&x, &scores, &units.of, units.count) * factor;
            solved.clusters = Some(units.count as u64);
        }
        Ok(solved)
    }

    /// `regress`, with the errors by unit.
    fn pooled(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<Solved, Problem> {
        let errors = match self.cluster {
            Some(cluster) => Errors::Cluster(cluster),
            None if self.robust => Errors::Cluster(self.unit),
            None => Errors::Default,
        };
        // All columns are wanted here; those that are controlled for go later.
        let shown = |term: &Term| Term { control: false, ..term.clone() };
        let terms = self.terms.iter().map(shown).collect();
        let model = Regress { errors, constant: self.constant, ..Regress::of(self.y, terms) };
        let regression = model.fit(rows, persons)?;
        let fit = regression.fit;
        let design = regression.sample.design;
        let order: Vec<usize> = design.order().collect();
        let size = order.len();
        let (mut b, mut covariance) = (DVector::zeros(size), DMatrix::zeros(size, size));
        for (i, j) in order.iter().enumerate() {
            b[*j] = fit.estimates[i].b;
            order.iter().enumerate().for_each(|(k, l)| covariance[(*j, *l)] = fit.covariance[(i, k)]);
        }
        let scalar = |name: &str| fit.scalar(name).unwrap_or(f64::NAN);
        Ok(Solved {
            design,
            omitted: fit.omitted.clone(),
            b,
            covariance,
            df: fit.residual_df.unwrap_or(f64::NAN),
            rss: scalar("rss"),
            scalars: vec![("r2", scalar("r2")), ("r2_adj", scalar("r2_adj"))],
            exact: scalar("rss") <= 1e-12 * scalar("tss"),
            clusters: fit.clusters,
            influence: fit.influence,
            shrink: Box::new(|_| 1.0),
        })
    }
}

impl Solved {
    /// What is known of levels that are drawn: variances between and within, and the shares that were taken.
    fn drawn(&mut self, theta: &[f64], [sigma2_u, sigma2_e]: [f64; 2]) {
        self.scalars = components(sigma2_u.sqrt(), sigma2_e.sqrt()).to_vec();
        let fold = |f: fn(f64, f64) -> f64, start| theta.iter().copied().fold(start, f);
        let (low, high) = (fold(f64::min, f64::INFINITY), fold(f64::max, 0.0));
        self.scalars.extend([("theta_min", low), ("theta_max", high)]);
        if low == high {
            self.scalars.push(("theta", low));
        }
        self.shrink = Box::new(move |size| size * sigma2_u / (sigma2_e + size * sigma2_u));
    }
}

/// A regression within units.
struct Within {
    x: Matrix,
    y: Vec<f64>,
    solution: Solution,
    df: f64,
}

/// The person of each row of a panel: its unit, where nothing else is known.
fn people<'a>(data: &'a Data, persons: Option<&'a [u32]>) -> impl Iterator<Item = u32> + 'a {
    let of = move |(row, unit): (&u32, &u32)| persons.map_or(*unit, |persons| persons[*row as usize]);
    data.origin.iter().zip(&data.units.of).map(of)
}

/// What a regression on data made of the panel gave, with the default errors. `people` are the persons of its rows.
fn plain(data: &Data, x: &Matrix, solution: &Solution, df: f64, people: Vec<u32>) -> Result<Solved, Problem> {
    // Where the data had no constant their columns are those after it.
    let mut design = if x.columns.len() < data.design.len() { data.design.without(&[0]) } else { data.design.clone() };
    let omitted = omit(&mut design, solution)?;
    Ok(Solved {
        design,
        omitted,
        b: solution.b.clone(),
        covariance: solution.inverse() * (solution.rss / df),
        df,
        rss: solution.rss,
        scalars: Vec::new(),
        influence: influence_of_rows(x, solution, &people),
        clusters: None,
        shrink: Box::new(|_| 1.0),
        exact: solution.rss <= 1e-12 * (solution.rss + solution.explained),
    })
}

fn components(sigma_u: f64, sigma_e: f64) -> [(&'static str, f64); 3] {
    let rho = sigma_u * sigma_u / (sigma_u * sigma_u + sigma_e * sigma_e);
    [("sigma_u", sigma_u), ("sigma_e", sigma_e), ("rho", rho)]
}

/// The number of a column in the whole design.
fn original(design: &Design, label: &str) -> usize {
    design.columns.iter().position(|c| c.label == label).unwrap_or_default()
}

impl PanelFit {
    /// x'b by source row, without the unit's effect; NaN where a regressor is missing.
    pub fn predicted(&self, rows: &dyn Rows) -> Vec<f64> {
        let frame = Frame::of(rows, &self.variables);
        // Times that are controlled for are part of no prediction.
        let own = |column: &&crate::design::Column| column.parts.iter().all(|(at, _)| *at < self.variables.len());
        let design = Design {
            columns: self.design.columns.iter().filter(own).cloned().collect(),
            constant: self.design.constant,
        };
        let x = Matrix::of(&Filled { design: &design, frame: &frame });
        let value = |i: usize| x.columns.iter().zip(self.b.iter()).map(|(column, b)| column[i] * b).sum();
        let values: Vec<f64> = (0..frame.len()).map(value).collect();
        self.known.by_source(&frame, &values, rows.len())
    }

    /// y − x'b by source row: the unit's effect and the error together.
    pub fn residuals(&self, rows: &dyn Rows) -> Vec<f64> {
        let mut out = self.predicted(rows);
        subtract_from(rows, self.y, &mut out);
        out
    }

    /// The effect of the unit by source row, for units that were in the fit: ȳ − x̄'b, and with random effects the share of it that
    /// is expected to be the unit's.
    pub fn effects(&self, rows: &dyn Rows) -> Vec<f64> {
        let mut out = self.predicted(rows);
        let mut units = vec![0.0; CHUNK.min(rows.len())];
        for (number, out) in out.chunks_mut(CHUNK).enumerate() {
            let units = &mut units[..out.len()];
            rows.read(self.unit, number * CHUNK..number * CHUNK + out.len(), units);
            for (out, unit) in out.iter_mut().zip(units) {
                let (names, levels) = &self.effects;
                let at = names.partition_point(|name| name < unit);
                let known = names.get(at) == Some(unit) && !out.is_nan();
                *out = if known { levels[at] } else { f64::NAN };
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;
