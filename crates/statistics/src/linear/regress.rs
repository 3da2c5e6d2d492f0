//! `regress`: ordinary least squares (STAT-100 to STAT-108), its errors and tests, margins, and values by row (STAT-170).

use nalgebra::{DMatrix, DVector};

use super::columns::{self, Columns, Extended, Filled, squares, sum, totals};
use super::influence::influence;
use super::model::{Errors, Sample, estimates, joint, notices};
use super::patterns::{NONE, Patterns};
use super::solve::{Response, Solution, solve};
use crate::design::{Column, Design, Part, Term};
use crate::fit::{Fit, Margin, Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::{CHUNK, Frame, Rows};

/// The model.
#[derive(Clone, Debug)]
pub struct Regress {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// How errors are estimated.
    pub errors: Errors,
    /// Standardised estimates.
    pub standardize: bool,
    /// Variance inflation factors.
    pub vif: bool,
    /// Breusch and Pagan's test.
    pub het_bp: bool,
    /// Koenker's test.
    pub het_iid: bool,
    /// The same as F.
    pub het_fstat: bool,
    /// Ramsey's test with powers 2 and 3.
    pub ov: bool,
    /// Predictions.
    pub margins: Option<Margins>,
}

/// Which predictions (STAT-106).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Margins {
    /// At the means of all columns.
    Means,
    /// For both values of a regressor of 0 and 1, the other columns at their means.
    Of(usize),
}

impl Regress {
    /// Of `y` on `terms` and a constant, with the default errors.
    pub fn of(y: usize, terms: Vec<Term>) -> Self {
        Self {
            y,
            terms,
            constant: true,
            errors: Errors::Default,
            standardize: false,
            vif: false,
            het_bp: false,
            het_iid: false,
            het_fstat: false,
            ov: false,
            margins: None,
        }
    }

    /// Fits it. `persons` is the person of each source row, where one may have several rows.
    ///
    /// # Errors
    /// `E_COLLINEAR_ALL`, `E_NO_RESIDUAL_DF`, `E_CLUSTER_IN_MODEL`, `E_TOO_FEW_CLUSTERS`, `E_MARGINS_NEEDS_DUMMY`, `E_STOPPED`.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<Regression, Problem> {
        let places = persons.is_some() || self.het_iid || self.het_fstat;
        let cluster = self.errors.cluster();
        let mut sample = Sample::of(rows, self.y, &self.terms, self.constant, cluster, places)?;
        let (solution, omitted) = sample.solve()?;
        let numbers = Numbers::of(&sample, solution);
        let covariance = covariance(&numbers, &sample.x(), &sample.patterns, self.errors);
        let (estimates, shown) = estimates(&sample.design, &self.terms, &numbers.solution.b, &covariance);
        let mut notices = notices(&omitted);
        if numbers.total == 0.0 {
            notices.push(Notice::with("W_CONSTANT", rows.name(self.y)));
        } else if numbers.exact() {
            notices.push(Notice::new("W_PERFECT_FIT"));
        }
        let clusters = sample.patterns.clusters.as_ref().map(|c| c.count as u64);
        let residual_df = clusters.map_or(numbers.df(), |count| count as f64 - 1.0);
        let mut tests = Vec::new();
        tests.extend(self.overall(&numbers, &covariance, residual_df));
        let auxiliary = Auxiliary { rows, sample: &sample, numbers: &numbers };
        if self.vif {
            tests.extend(auxiliary.vif());
        }
        if self.het_bp || self.het_iid || self.het_fstat {
            tests.extend(auxiliary.heteroskedasticity(self));
        }
        if self.ov {
            tests.extend(auxiliary.reset());
        }
        let margins = match self.margins {
            None => Vec::new(),
            Some(margins) => predictions(rows, &sample, margins, &numbers.solution.b, &covariance)?,
        };
        let fit = Fit {
            estimates,
            covariance: shown,
            residual_df: Some(residual_df),
            n: numbers.n,
            scalars: numbers.scalars(),
            tests,
            margins,
            omitted,
            notices,
            influence: influence(&sample.x(), &numbers.solution, None, &sample.patterns, persons),
            clusters,
        };
        let betas = if self.standardize { betas(&sample, &numbers, &fit) } else { Vec::new() };
        let sigma2 = numbers.sigma2();
        Ok(Regression { fit, betas, sigma2, solution: numbers.solution, sample })
    }

    /// The test of all columns but the constant.
    fn overall(&self, numbers: &Numbers, covariance: &DMatrix<f64>, below: f64) -> Option<Test> {
        let columns: Vec<usize> = (numbers.first()..numbers.solution.size()).collect();
        if columns.is_empty() {
            return None;
        }
        let above = columns.len() as f64;
        if numbers.exact() {
            return Some(Test { name: "F".to_owned(), statistic: f64::NAN, kind: TestKind::F(above, below) });
        }
        if self.errors == Errors::Default {
            let statistic = numbers.solution.explained / above / numbers.sigma2();
            return Some(Test { name: "F".to_owned(), statistic, kind: TestKind::F(above, below) });
        }
        Some(joint("F", &columns, &numbers.solution.b, covariance, below))
    }
}

/// A fitted model with what its predictions need.
#[derive(Clone, Debug)]
pub struct Regression {
    /// Estimates, numbers and tests. `column` of an estimate, and the places of `influence.concentration`, are those of
    /// `sample.design`. Scalars: `n`, `df_model`, `df_resid`, `r2`, `r2_adj`, `sigma` (root mean squared error), `rss`, `tss`.
    /// Tests: `F`, `vif[term]`, `vif_mean`, `het_bp`, `het_iid`, `het_fstat`, `ov`.
    pub fit: Fit,
    /// Standardised estimates, in the order of the estimates without the constant; empty when not asked for.
    pub betas: Vec<f64>,
    /// The rows with the columns that are left.
    pub sample: Sample,
    solution: Solution,
    sigma2: f64,
}

impl Regression {
    /// x'b by source row; NaN where a regressor is missing.
    pub fn predicted(&self, rows: &dyn Rows) -> Vec<f64> {
        self.sample.over(rows, |x| self.solution.predicted(x, 0.0))
    }

    /// y − x'b by source row; NaN where y or a regressor is missing.
    pub fn residuals(&self, rows: &dyn Rows) -> Vec<f64> {
        let mut out = self.predicted(rows);
        subtract_from(rows, self.sample.y, &mut out);
        out
    }

    /// Cook's distance e²h/(kσ̂²(1−h)²) by source row (R. D. Cook, 1977).
    pub fn cooksd(&self, rows: &dyn Rows) -> Vec<f64> {
        let leverage = self.sample.over(rows, |x| self.solution.leverage(x));
        let k = self.solution.size() as f64;
        let distance = |(e, h): (f64, f64)| e * e * h / (k * self.sigma2 * (1.0 - h).powi(2));
        self.residuals(rows).into_iter().zip(leverage).map(distance).collect()
    }
}

/// Of each value: the variable less it.
pub fn subtract_from(rows: &dyn Rows, variable: usize, values: &mut [f64]) {
    let mut read = vec![0.0; CHUNK.min(rows.len())];
    for (number, out) in values.chunks_mut(CHUNK).enumerate() {
        let read = &mut read[..out.len()];
        rows.read(variable, number * CHUNK..number * CHUNK + out.len(), read);
        out.iter_mut().zip(read).for_each(|(out, y)| *out = *y - *out);
    }
}

/// A solved problem with its sums of squares.
pub struct Numbers {
    /// The solution for the patterns.
    pub solution: Solution,
    /// Σ(y − mean of the pattern)², summed.
    within: f64,
    /// RSS of the rows.
    pub rss: f64,
    /// TSS of the rows, about the mean where there is a constant.
    pub total: f64,
    /// Rows.
    pub n: f64,
    constant: bool,
}

impl Numbers {
    /// Of a sample.
    pub fn of(sample: &Sample, solution: Solution) -> Self {
        let within = sum(sample.patterns.within());
        let rss = solution.rss + within;
        let total = solution.explained + rss;
        Self { within, rss, total, n: sample.patterns.n, constant: sample.design.constant, solution }
    }

    /// n − k.
    pub fn df(&self) -> f64 {
        self.n - self.solution.size() as f64
    }

    /// RSS/(n − k).
    pub fn sigma2(&self) -> f64 {
        self.rss / self.df()
    }

    /// Whether nothing is left to estimate errors from (STAT-107).
    pub fn exact(&self) -> bool {
        self.rss <= 1e-12 * self.total
    }

    /// The first column that is not the constant.
    pub fn first(&self) -> usize {
        usize::from(self.constant)
    }

    fn scalars(&self) -> Vec<(&'static str, f64)> {
        let r2 = self.solution.explained / self.total;
        let all = self.n - if self.constant { 1.0 } else { 0.0 };
        vec![
            ("n", self.n),
            ("df_model", (self.solution.size() - self.first()) as f64),
            ("df_resid", self.df()),
            ("r2", r2),
            ("r2_adj", 1.0 - (1.0 - r2) * all / self.df()),
            ("sigma", self.sigma2().sqrt()),
            ("rss", self.rss),
            ("tss", self.total),
        ]
    }
}

/// The covariance of all columns (STAT-101).
fn covariance(numbers: &Numbers, x: &dyn Columns, patterns: &Patterns, errors: Errors) -> DMatrix<f64> {
    let residuals = || {
        let y = patterns.means();
        numbers.solution.residuals(x, Response { values: &y, pivot: patterns.pivot })
    };
    if errors == Errors::Default {
        return numbers.solution.inverse() * numbers.sigma2();
    }
    let (n, k) = (numbers.n, numbers.solution.size() as f64);
    sandwich(&numbers.solution, x, patterns, &residuals(), errors, n / (n - k), (n - 1.0) / (n - k))
}

/// The sandwich of a solution from the mean residual of each pattern. `rows` is the factor for small samples of HC1, and `cluster`
/// that of clusters before G/(G−1).
pub fn sandwich(
    solution: &Solution,
    x: &dyn Columns,
    patterns: &Patterns,
    residuals: &[f64],
    errors: Errors,
    rows: f64,
    cluster: f64,
) -> DMatrix<f64> {
    if let (Errors::Cluster(_), Some(clusters)) = (errors, &patterns.clusters) {
        let scores: Vec<f64> = residuals.iter().zip(&patterns.weight).map(|(e, w)| e * w).collect();
        let count = clusters.count as f64;
        let factor = count / (count - 1.0) * cluster;
        return solution.clustered(x, &scores, &clusters.of, clusters.count) * factor;
    }
    let mut weights = square_sums(patterns, residuals);
    let power = match errors {
        Errors::Hc2 => 1,
        Errors::Hc3 => 2,
        _ => 0,
    };
    if power > 0 {
        weights.iter_mut().zip(solution.leverage(x)).for_each(|(w, h)| *w /= (1.0 - h).powi(power));
    }
    let factor = if errors == Errors::Robust { rows } else { 1.0 };
    solution.sandwich(x, &weights) * factor
}

/// Σe² over the rows of each pattern, from its mean residual.
pub fn square_sums(patterns: &Patterns, residuals: &[f64]) -> Vec<f64> {
    let within = patterns.within();
    residuals.iter().zip(&patterns.weight).zip(within).map(|((e, w), q)| w * e * e + q).collect()
}

/// Estimates for variables that are centred and divided by their standard deviation (STAT-102).
fn betas(sample: &Sample, numbers: &Numbers, fit: &Fit) -> Vec<f64> {
    let weight = &sample.patterns.weight;
    let means: Vec<f64> = totals(&sample.x(), weight).iter().map(|t| t / numbers.n).collect();
    let squares = squares(&sample.x(), &means, weight);
    let total = sample.patterns.total_squares(true);
    let shown = fit.estimates.iter().filter_map(|e| e.column.map(|j| (j, e.b)));
    let slopes = shown.filter(|(j, _)| !(sample.design.constant && *j == 0));
    slopes.map(|(j, b)| b * (squares[j] / total).sqrt()).collect()
}

/// Predictions with their errors.
fn predictions(
    rows: &dyn Rows,
    sample: &Sample,
    margins: Margins,
    b: &DVector<f64>,
    covariance: &DMatrix<f64>,
) -> Result<Vec<Margin>, Problem> {
    let at = |frame: &Frame, label: String| {
        let x = Filled { design: &sample.design, frame };
        let means: Vec<f64> = totals(&x, &sample.patterns.weight).iter().map(|t| t / sample.patterns.n).collect();
        let means = DVector::from_vec(means);
        Margin { label, estimate: means.dot(b), se: (covariance * &means).dot(&means).sqrt() }
    };
    let Margins::Of(variable) = margins else {
        return Ok(vec![at(&sample.patterns.frame, "margin[_cons]".to_owned())]);
    };
    let name = rows.name(variable);
    let wrong = || Problem::with("E_MARGINS_NEEDS_DUMMY", name);
    let place = sample.variables.iter().position(|v| *v == variable).ok_or_else(wrong)?;
    let column = &sample.patterns.frame.columns[place];
    // The number that stands for a value: itself, or the place of its category.
    let factor =
        sample.design.columns.iter().flat_map(|c| &c.parts).any(|(p, part)| *p == place && matches!(part, Part::Is(_)));
    let stands = |value: f64| match rows.categories(variable).filter(|_| factor) {
        Some(categories) => categories.iter().position(|c| c.number == Some(value)).map(|i| i as f64),
        None => Some(value),
    };
    let (zero, one) = (stands(0.0).ok_or_else(wrong)?, stands(1.0).ok_or_else(wrong)?);
    if column.iter().any(|x| *x != zero && *x != one) {
        return Err(wrong());
    }
    let mut frame = sample.patterns.frame.clone();
    let mut each = |number: f64, value: u8| {
        frame.columns[place].fill(number);
        at(&frame, format!("margin[{name}={value}]"))
    };
    Ok(vec![each(zero, 0), each(one, 1)])
}

/// Regressions beside the model.
struct Auxiliary<'a> {
    rows: &'a dyn Rows,
    sample: &'a Sample,
    numbers: &'a Numbers,
}

impl Auxiliary<'_> {
    /// The columns with a constant, which the model may lack.
    fn with_constant(&self) -> Design {
        let mut design = self.sample.design.clone();
        if !design.constant {
            design.columns.insert(0, Column { label: "_cons".to_owned(), term: None, parts: Vec::new() });
            design.constant = true;
        }
        design
    }

    fn weight(&self) -> &[f64] {
        &self.sample.patterns.weight
    }

    /// 1/(1 − R²) of each column on the others and the constant (STAT-103): its variation times the diagonal of (X'X)⁻¹.
    fn vif(&self) -> Vec<Test> {
        let design = self.with_constant();
        let x = Filled { design: &design, frame: &self.sample.patterns.frame };
        let zeros = vec![0.0; x.len()];
        let solution = solve(&x, Response { values: &zeros, pivot: 0.0 }, Some(self.weight()));
        let inverse = solution.inverse();
        let means: Vec<f64> = totals(&x, self.weight()).iter().map(|t| t / self.numbers.n).collect();
        let squares = squares(&x, &means, self.weight());
        let plain = |name: String, statistic: f64| Test { name, statistic, kind: TestKind::Plain };
        let each = |(i, j): (usize, &usize)| {
            plain(format!("vif[{}]", design.columns[*j].label), squares[*j] * inverse[(i, i)])
        };
        let mut tests: Vec<Test> = solution.kept.iter().enumerate().skip(1).map(each).collect();
        let mean = tests.iter().map(|t| t.statistic).sum::<f64>() / tests.len() as f64;
        tests.push(plain("vif_mean".to_owned(), mean));
        tests
    }

    /// The regression of e² on the columns (STAT-104).
    fn heteroskedasticity(&self, asked: &Regress) -> Vec<Test> {
        let patterns = &self.sample.patterns;
        let design = self.with_constant();
        let x = Filled { design: &design, frame: &patterns.frame };
        let residuals = self.numbers.solution.residuals(&self.sample.x(), self.sample.response());
        let sums = square_sums(patterns, &residuals);
        // In units of σ̃², so that the mean is 1.
        let unit = self.numbers.rss / self.numbers.n;
        let means: Vec<f64> = sums.iter().zip(&patterns.weight).map(|(q, w)| q / w / unit - 1.0).collect();
        let solution = solve(&x, Response { values: &means, pivot: 1.0 }, Some(self.weight()));
        let df = (solution.size() - 1) as f64;
        let below = self.numbers.n - solution.size() as f64;
        let mut tests = Vec::new();
        let mut test = |name: &str, statistic: f64, kind: TestKind| {
            tests.push(Test { name: name.to_owned(), statistic, kind });
        };
        if asked.het_bp {
            test("het_bp", solution.explained / 2.0, TestKind::ChiSquare(df));
        }
        if asked.het_iid || asked.het_fstat {
            let total = self.spread(&residuals, unit);
            if asked.het_iid {
                test("het_iid", self.numbers.n * solution.explained / total, TestKind::ChiSquare(df));
            }
            if asked.het_fstat {
                let rest = (total - solution.explained) / below;
                test("het_fstat", solution.explained / df / rest, TestKind::F(df, below));
            }
        }
        tests
    }

    /// Σ(e²/unit − 1)² over the rows, which patterns do not hold.
    fn spread(&self, residuals: &[f64], unit: f64) -> f64 {
        let patterns = &self.sample.patterns;
        let Some(places) = &patterns.places else { return f64::NAN };
        let mut y = vec![0.0; CHUNK.min(self.rows.len())];
        let mut sums = Vec::new();
        for (number, places) in places.chunks(CHUNK).enumerate() {
            let y = &mut y[..places.len()];
            let start = number * CHUNK;
            self.rows.read(self.sample.y, start..start + places.len(), y);
            let used = places.iter().zip(y.iter()).filter(|(place, _)| **place != NONE);
            sums.push(columns::sum(used.map(|(place, y)| {
                let place = *place as usize;
                let e = y - patterns.pivot - self.sample.means[place] + residuals[place];
                (e * e / unit - 1.0).powi(2)
            })));
        }
        sum(sums)
    }

    /// Ramsey's test: whether the squares and cubes of the predictions add something (STAT-105).
    fn reset(&self) -> Option<Test> {
        let predicted = self.numbers.solution.predicted(&self.sample.x(), self.sample.patterns.pivot);
        let weighted = |f: &dyn Fn(f64) -> f64| sum(predicted.iter().zip(self.weight()).map(|(x, w)| f(*x) * w));
        // Without a constant the predictions may only be scaled.
        let mean =
            if self.sample.design.constant { weighted(&|x| x) / self.numbers.n } else { -self.sample.patterns.pivot };
        let sd = (weighted(&|x| (x - mean).powi(2)) / self.numbers.n).sqrt();
        let power = |p: i32| predicted.iter().map(|x| ((x - mean) / sd).powi(p)).collect::<Vec<f64>>();
        let more = [power(2), power(3)];
        let x = self.sample.x();
        let solution = solve(&Extended { first: &x, more: &more }, self.sample.response(), Some(self.weight()));
        let added = solution.size().saturating_sub(self.numbers.solution.size()) as f64;
        let below = self.numbers.df() - added;
        if added == 0.0 || below <= 0.0 {
            return None;
        }
        let rest = (solution.rss + self.numbers.within) / below;
        let statistic = (solution.explained - self.numbers.solution.explained) / added / rest;
        Some(Test { name: "ov".to_owned(), statistic, kind: TestKind::F(added, below) })
    }
}

#[cfg(test)]
#[path = "regress_tests.rs"]
pub(crate) mod tests;
