//! The rows of a model as weighted observations: read, grouped by equal values (STAT-020), spread out into columns, and put on
//! a common scale so that no unit of measurement matters to the fit.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::cells::Cells;
use super::{Errors, Model};
use crate::design::{Design, variables};
use crate::linear::model::{Known, omit, place};
use crate::linear::{Clusters, Filled, Patterns, Request, Response, solve};
use crate::problem::Problem;
use crate::rows::Rows;

/// The observations of a model.
pub(crate) struct Sample {
    /// The columns that are estimated.
    pub design: Arc<Design>,
    /// Labels of columns that follow from others.
    pub omitted: Vec<String>,
    /// Columns shifted and scaled, outcomes, offsets and weights.
    pub cells: Cells,
    /// Where they come from. The last covariate is the outcome, so that observations with other outcomes are others.
    pub patterns: Arc<Patterns>,
    /// Rows.
    pub n: f64,
    /// The categories that occurred.
    pub known: Known,
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
        let mut covariates = terms.clone();
        covariates.extend(exposure.filter(|e| !terms.contains(e)));
        covariates.push(model.y);
        let cluster = if let Errors::Cluster(cluster) = model.errors { Some(cluster) } else { None };
        let request = Request { covariates: &covariates, y: Some(model.y), cluster, places: model.persons.is_some() };
        let patterns = Arc::new(Patterns::of(rows, request)?);
        if patterns.is_empty() {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let frame = &patterns.frame;
        let exposures = exposure.map(|e| &frame.columns[place(&covariates)(e)]);
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
        let mut design = Design::of(rows, frame, &place(&terms), &model.terms, model.constant)?;
        let means = patterns.means();
        let response = Response { values: &means, pivot: patterns.pivot };
        let first = solve(&Filled { design: &design, frame }, response, Some(&patterns.weight));
        let omitted = omit(&mut design, &first)?;
        let y = frame.columns[covariates.len() - 1].clone();
        let offset = exposures.map(|all| all.iter().map(|x| x.ln()).collect()).unwrap_or_default();
        let known = Known::of(rows, frame, &terms, &model.terms);
        let design = Arc::new(design);
        let mut cells = Cells::of(&design, &patterns, y, offset);
        cells.standardise();
        Ok(Self { omitted, known, n: patterns.n, cells, design, patterns })
    }

    /// Number of columns.
    pub fn k(&self) -> usize {
        self.cells.k
    }

    /// What turns the coefficients of shifted and scaled columns into those of the columns as they were, for one equation.
    pub fn back(&self) -> DMatrix<f64> {
        let k = self.k();
        let mut back = DMatrix::from_fn(k, k, |i, j| if i == j { 1.0 / self.cells.scale[j] } else { 0.0 });
        if self.design.constant {
            (1..k).for_each(|j| back[(0, j)] = -self.cells.shift[j] / self.cells.scale[j]);
        }
        back
    }

    /// The cluster of each observation.
    pub fn clusters(&self) -> Option<&Clusters> {
        self.patterns.clusters.as_ref()
    }
}
