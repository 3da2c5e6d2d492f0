//! The rows of a model as weighted observations: read, grouped by equal values (STAT-020), spread out into columns, and put on
//! a common scale so that no unit of measurement matters to the fit.

use nalgebra::DMatrix;

use super::newton::Cells;
use super::{Errors, Model};
use crate::design::{Design, variables};
use crate::linear::{Clusters, Filled, Patterns, Request, Response, solve};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// The observations of a model.
pub(crate) struct Sample {
    /// The columns that are estimated.
    pub design: Design,
    /// Labels of columns that follow from others.
    pub omitted: Vec<String>,
    /// Columns shifted and scaled, outcomes, offsets and weights.
    pub cells: Cells,
    /// Where they come from. The first covariate is the outcome, so that observations with other outcomes are others.
    pub patterns: Patterns,
    /// Rows.
    pub n: f64,
    /// The categories that occurred, of each variable of the terms that is a factor.
    pub known: Vec<Option<Vec<bool>>>,
    /// What was taken from each column …
    pub shift: Vec<f64>,
    /// … and what it was divided by then.
    pub scale: Vec<f64>,
}

impl Sample {
    /// Reads a model. `exposure` is a variable whose logarithm is added to the index.
    ///
    /// # Errors
    /// `E_COLLINEAR_ALL`, `E_EXPOSURE`, `E_CLUSTER_IN_MODEL`, `E_TOO_FEW_CLUSTERS`, `E_STOPPED`, `E_NO_RESIDUAL_DF` for an empty sample.
    pub fn read(rows: &dyn Rows, model: &Model, exposure: Option<usize>) -> Result<Self, Problem> {
        let terms = variables(&model.terms);
        if terms.contains(&model.y) {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        if let Errors::Cluster(cluster) = model.errors
            && terms.contains(&cluster)
        {
            return Err(Problem::with("E_CLUSTER_IN_MODEL", rows.name(cluster)));
        }
        let mut covariates = vec![model.y];
        covariates.extend(&terms);
        covariates.extend(exposure);
        let cluster = if let Errors::Cluster(cluster) = model.errors { Some(cluster) } else { None };
        let request = Request { covariates: &covariates, y: Some(model.y), cluster, places: model.persons.is_some() };
        let patterns = Patterns::of(rows, request)?;
        if patterns.is_empty() {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let frame = &patterns.frame;
        let exposures = exposure.map(|_| &frame.columns[covariates.len() - 1]);
        if let Some(exposure) = exposure
            && exposures.is_some_and(|all| all.iter().any(|x| *x <= 0.0))
        {
            return Err(Problem::with("E_EXPOSURE", rows.name(exposure)));
        }
        if let (Some(cluster), Some(found)) = (cluster, &patterns.clusters)
            && found.count < 2
        {
            return Err(Problem::with("E_TOO_FEW_CLUSTERS", rows.name(cluster)));
        }
        let places = |v: usize| 1 + terms.iter().position(|t| *t == v).unwrap_or_default();
        let whole = Design::of(rows, frame, &places, &model.terms, model.constant)?;
        let means = patterns.means();
        let response = Response { values: &means, pivot: patterns.pivot };
        let omitted = solve(&Filled { design: &whole, frame }, response, Some(&patterns.weight)).omitted;
        let design = whole.without(&omitted);
        if design.columns.iter().all(|c| c.term.is_none()) && !model.terms.is_empty() {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        let mut sample = Self {
            omitted: omitted.iter().map(|j| whole.columns[*j].label.clone()).collect(),
            known: super::predict::known(rows, &model.terms, frame),
            cells: Cells {
                k: design.len(),
                x: row_major(&design, frame),
                y: frame.columns[0].clone(),
                offset: exposures.map(|all| all.iter().map(|x| x.ln()).collect()).unwrap_or_default(),
                weight: patterns.weight.clone(),
            },
            n: patterns.n,
            shift: Vec::new(),
            scale: Vec::new(),
            design,
            patterns,
        };
        sample.standardise();
        Ok(sample)
    }

    /// Divides columns by their deviation; a continuous one beside a constant is centred first. Dummies keep their zeros, which
    /// the fit skips.
    fn standardise(&mut self) {
        let k = self.cells.k;
        self.shift = vec![0.0; k];
        self.scale = vec![1.0; k];
        for (j, column) in self.design.columns.iter().enumerate() {
            if column.term.is_none() {
                continue;
            }
            let values = || self.cells.x.iter().skip(j).step_by(k).zip(&self.cells.weight);
            let pivot = self.cells.x[j];
            let mean = pivot + values().map(|(x, w)| w * (x - pivot)).sum::<f64>() / self.n;
            let centre = if self.design.constant && !column.is_dummy() { mean } else { 0.0 };
            let about = if column.is_dummy() { mean } else { centre };
            let deviation = (values().map(|(x, w)| w * (x - about) * (x - about)).sum::<f64>() / self.n).sqrt();
            let scale = if deviation > 1e-12 * mean.abs() && deviation.is_finite() { deviation } else { 1.0 };
            self.cells.x.iter_mut().skip(j).step_by(k).for_each(|x| *x = (*x - centre) / scale);
            (self.shift[j], self.scale[j]) = (centre, scale);
        }
    }

    /// Number of columns.
    pub fn k(&self) -> usize {
        self.cells.k
    }

    /// The columns of an observation as they were.
    pub fn raw(&self, i: usize, out: &mut [f64]) {
        let parts = self.cells.row(i).iter().zip(&self.shift).zip(&self.scale);
        out.iter_mut().zip(parts).for_each(|(out, ((x, shift), scale))| *out = x * scale + shift);
    }

    /// What turns the coefficients of shifted and scaled columns into those of the columns as they were, for one equation.
    pub fn back(&self) -> DMatrix<f64> {
        let k = self.k();
        let mut back = DMatrix::from_fn(k, k, |i, j| if i == j { 1.0 / self.scale[j] } else { 0.0 });
        if self.design.constant {
            (1..k).for_each(|j| back[(0, j)] = -self.shift[j] / self.scale[j]);
        }
        back
    }

    /// What is said about omitted columns.
    pub fn notices(&self) -> Vec<Notice> {
        self.omitted.iter().map(|label| Notice::with("W_COLLINEAR", label)).collect()
    }

    /// The cluster of each observation.
    pub fn clusters(&self) -> Option<&Clusters> {
        self.patterns.clusters.as_ref()
    }

    /// The same observations with the constant alone, or without any column.
    pub fn empty(&self) -> Cells {
        let k = usize::from(self.design.constant);
        Cells { k, x: vec![1.0; k * self.cells.len()], ..self.cells.clone() }
    }
}

/// The columns of a design, row by row.
pub(crate) fn row_major(design: &Design, frame: &Frame) -> Vec<f64> {
    let (k, m) = (design.len(), frame.len());
    let mut x = vec![0.0; k * m];
    let mut read = Vec::new();
    for start in (0..m).step_by(crate::rows::CHUNK) {
        let range = start..(start + crate::rows::CHUNK).min(m);
        read.resize(k * range.len(), 0.0);
        design.fill(frame, range.clone(), &mut read);
        for (j, column) in read.chunks(range.len()).enumerate() {
            column.iter().enumerate().for_each(|(i, value)| x[(start + i) * k + j] = *value);
        }
    }
    x
}
