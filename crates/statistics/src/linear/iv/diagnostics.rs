//! Tests beside `ivregress`: the strength of the instruments, whether the endogenous terms are endogenous, and whether more
//! instruments than needed agree (STAT-123 to STAT-125).

use nalgebra::DMatrix;

use super::{Estimate, Estimator, FirstStage, Stage, plain_products};
use crate::fit::{Test, TestKind};
use crate::linear::columns::{Extended, Picked, sum};
use crate::linear::model::{Errors, joint};
use crate::linear::patterns::Patterns;
use crate::linear::regress::{sandwich, square_sums};
use crate::linear::solve::{Response, cluster_sums, solve};

fn test(name: &str, statistic: f64, kind: TestKind) -> Test {
    Test { name: name.to_owned(), statistic, kind }
}

/// A pattern's y does not vary in the first stage: it is an endogenous column there.
fn without_y(patterns: &Patterns) -> Patterns {
    let zeros = vec![0.0; patterns.len()];
    Patterns { sum: zeros.clone(), squares: zeros, places: None, ..patterns.clone() }
}

/// The excluded instruments in the regression of each endogenous column on Z.
pub(super) fn first_stage(stage: &Stage<'_>, errors: Errors) -> Vec<FirstStage> {
    let n = stage.sample.patterns.n;
    let from = stage.exogenous.len();
    let excluded: Vec<usize> = (from..stage.z.len()).collect();
    let above = excluded.len() as f64;
    let below = n - stage.z.len() as f64;
    let x = stage.sample.x();
    let instruments = Picked { all: &x, columns: &stage.z };
    let each = |((solution, left), column): (&(super::Solution, Vec<f64>), &usize)| {
        let gained = sum(solution.steps[from..].iter().copied());
        let label = stage.sample.design.columns[*column].label.clone();
        let name = format!("first_stage_F[{label}]");
        let f = if errors == Errors::Default {
            test(&name, gained / above / (solution.rss / below), TestKind::F(above, below))
        } else {
            let patterns = without_y(&stage.sample.patterns);
            let v = sandwich(solution, &instruments, &patterns, left, errors, n / below, (n - 1.0) / below);
            let df = patterns.clusters.as_ref().map_or(below, |c| c.count as f64 - 1.0);
            joint(&name, &excluded, &solution.b, &v, df)
        };
        FirstStage { label, partial_r2: gained / (gained + solution.rss), f }
    };
    stage.first.iter().zip(&stage.endogenous).map(each).collect()
}

/// Adds what the first stages leave to the structural equation (J. Durbin, 1954; D.-M. Wu, 1973; J. A. Hausman, 1978; with robust errors
/// J. M. Wooldridge, 1995).
pub(super) fn endogeneity(stage: &Stage<'_>, errors: Errors) -> Vec<Test> {
    let patterns = &stage.sample.patterns;
    let (n, weight) = (patterns.n, Some(stage.weight()));
    let x = stage.sample.x();
    let structural = Picked { all: &x, columns: &stage.structural };
    let left: Vec<Vec<f64>> = stage.first.iter().map(|(_, left)| left.clone()).collect();
    let augmented = Extended { first: &structural, more: &left };
    let solution = solve(&augmented, stage.sample.response(), weight);
    let k = stage.structural.len();
    let q = solution.size().saturating_sub(k);
    let below = n - (k + q) as f64;
    if q == 0 || below <= 0.0 {
        return Vec::new();
    }
    let above = q as f64;
    let rss = solution.rss + sum(patterns.within());
    if errors == Errors::Default {
        let gained = sum(solution.steps[k..].iter().copied());
        return vec![
            test("durbin", n * gained / (gained + rss), TestKind::ChiSquare(above)),
            test("wu_hausman", gained / above / (rss / below), TestKind::F(above, below)),
        ];
    }
    // The score: Σre in the regression without the residuals, r being what the structural columns leave of them.
    let plain = solve(&structural, stage.sample.response(), weight);
    let residuals = plain.residuals(&structural, stage.sample.response());
    let r: Vec<Vec<f64>> = left
        .iter()
        .map(|column| {
            let response = Response { values: column, pivot: 0.0 };
            solve(&structural, response, weight).residuals(&structural, response)
        })
        .collect();
    let scores: Vec<f64> = residuals.iter().zip(&patterns.weight).map(|(e, w)| e * w).collect();
    let moment = plain_products(&r, std::slice::from_ref(&scores), None);
    let spread: DMatrix<f64> = match &patterns.clusters {
        Some(clusters) => {
            let columns = crate::linear::columns::Matrix { columns: r, constant: false };
            let sums = cluster_sums(&columns, &scores, &clusters.of, clusters.count);
            plain_products(&sums.columns, &sums.columns, None)
        }
        None => plain_products(&r, &r, Some(&square_sums(patterns, &residuals))),
    };
    let score = spread.cholesky().map_or(f64::NAN, |factor| (moment.transpose() * factor.solve(&moment))[(0, 0)]);
    let residuals = solution.residuals(&augmented, stage.sample.response());
    let v = sandwich(&solution, &augmented, patterns, &residuals, errors, n / below, (n - 1.0) / below);
    let added: Vec<usize> = (k..k + q).collect();
    let df = patterns.clusters.as_ref().map_or(below, |c| c.count as f64 - 1.0);
    vec![
        test("robust_score", score, TestKind::ChiSquare(above)),
        joint("robust_regression", &added, &solution.b, &v, df),
    ]
}

/// Whether more instruments than endogenous columns agree (J. D. Sargan, 1958; R. L. Basmann, 1960; Anderson and Rubin, 1950; Hansen,
/// 1982). None where there are as many.
pub(super) fn overidentification(stage: &Stage<'_>, estimator: Estimator, estimate: &Estimate) -> Vec<Test> {
    let extra = (stage.z.len() - stage.structural.len()) as f64;
    if extra == 0.0 {
        return Vec::new();
    }
    let n = stage.sample.patterns.n;
    let below = n - stage.z.len() as f64;
    let chi2 = TestKind::ChiSquare(extra);
    match estimator {
        Estimator::Tsls => {
            let x = stage.sample.x();
            let instruments = Picked { all: &x, columns: &stage.z };
            let response = Response { values: &estimate.residuals, pivot: 0.0 };
            let explained = sum(solve(&instruments, response, Some(stage.weight())).steps);
            let sargan = n * explained / estimate.rss;
            vec![test("sargan", sargan, chi2), test("basmann", sargan * below / (n - sargan), chi2)]
        }
        Estimator::Liml => {
            let kappa = estimate.kappa.unwrap_or(f64::NAN);
            let f = (kappa - 1.0) * below / extra;
            vec![test("anderson_rubin", n * kappa.ln(), chi2), test("basmann_f", f, TestKind::F(extra, below))]
        }
        Estimator::Gmm => vec![test("hansen", estimate.j.unwrap_or(f64::NAN), chi2)],
    }
}
