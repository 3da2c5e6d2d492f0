//! `hausman`: fixed against random effects (J. A. Hausman, 1978; STAT-145).

use nalgebra::{DMatrix, DVector};

use super::{Model, Panel, PanelFit};
use crate::design::Term;
use crate::fit::{Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::Rows;

/// Whose variance both covariances are scaled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scale {
    /// Each with its own.
    #[default]
    Own,
    /// Both with that of random effects.
    More,
    /// Both with that of fixed effects.
    Less,
}

/// What is compared.
#[derive(Clone, Debug)]
pub struct Hausman {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// The variable that numbers the units.
    pub unit: usize,
    /// Whether random effects have a constant.
    pub constant: bool,
    /// Whether the constant is compared too.
    pub include_constant: bool,
    /// Whose variance is used.
    pub scale: Scale,
}

/// A term compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Compared {
    /// The term.
    pub label: String,
    /// Estimate with fixed effects.
    pub fixed: f64,
    /// Estimate with random effects.
    pub random: f64,
    /// The error of the difference; missing where its square is negative.
    pub se: f64,
}

/// A result.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// By term.
    pub terms: Vec<Compared>,
    /// χ² with the rank of the difference as degrees of freedom; [`TestKind::Plain`] where it is negative.
    pub test: Test,
    /// What is said beside it.
    pub notices: Vec<Notice>,
    /// Both fits.
    pub fixed: PanelFit,
    /// Both fits.
    pub random: PanelFit,
}

impl Hausman {
    /// Fits both models and compares what they have in common.
    ///
    /// # Errors
    /// Those of [`Panel::fit`]; `E_COLLINEAR_ALL` when the models have no slope in common.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<Comparison, Problem> {
        let panel = |model| Panel {
            y: self.y,
            terms: self.terms.clone(),
            constant: self.constant,
            unit: self.unit,
            time: None,
            model,
            robust: false,
            cluster: None,
        };
        let fixed = panel(Model::Fixed).fit(rows, persons)?;
        let random = panel(Model::Random).fit(rows, persons)?;
        let common: Vec<(usize, usize)> = fixed
            .fit
            .estimates
            .iter()
            .enumerate()
            .filter(|(_, e)| self.include_constant || e.label != "_cons")
            .filter_map(|(i, e)| Some((i, random.fit.estimates.iter().position(|r| r.label == e.label)?)))
            .collect();
        if common.is_empty() {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        let ratio = (variance(&random) / variance(&fixed), variance(&fixed) / variance(&random));
        let (scale_fixed, scale_random) = match self.scale {
            Scale::Own => (1.0, 1.0),
            Scale::More => (ratio.0, 1.0),
            Scale::Less => (1.0, ratio.1),
        };
        let size = common.len();
        let difference =
            DVector::from_fn(size, |i, _| fixed.fit.estimates[common[i].0].b - random.fit.estimates[common[i].1].b);
        let spread = DMatrix::from_fn(size, size, |i, j| {
            scale_fixed * fixed.fit.covariance[(common[i].0, common[j].0)]
                - scale_random * random.fit.covariance[(common[i].1, common[j].1)]
        });
        let (statistic, rank) = quadratic(&difference, &spread);
        let each = |(k, (i, j)): (usize, &(usize, usize))| Compared {
            label: fixed.fit.estimates[*i].label.clone(),
            fixed: fixed.fit.estimates[*i].b,
            random: random.fit.estimates[*j].b,
            se: spread[(k, k)].sqrt(),
        };
        let terms = common.iter().enumerate().map(each).collect();
        let mut notices = random.fit.notices.clone();
        let kind = if statistic < 0.0 {
            notices.push(Notice::new("W_HAUSMAN_NEGATIVE"));
            TestKind::Plain
        } else {
            TestKind::ChiSquare(rank as f64)
        };
        let test = Test { name: "hausman".to_owned(), statistic, kind };
        Ok(Comparison { terms, test, notices, fixed, random })
    }
}

fn variance(fit: &PanelFit) -> f64 {
    fit.fit.scalar("sigma").unwrap_or(f64::NAN).powi(2)
}

/// d'V⁺d and the rank of V; eigenvalues near zero are dropped.
fn quadratic(difference: &DVector<f64>, spread: &DMatrix<f64>) -> (f64, usize) {
    let eigen = spread.clone().symmetric_eigen();
    let largest = eigen.eigenvalues.amax();
    let mut found = (0.0, 0);
    for (value, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
        if value.abs() > 1e-10 * largest {
            found.0 += vector.dot(difference).powi(2) / value;
            found.1 += 1;
        }
    }
    found
}
