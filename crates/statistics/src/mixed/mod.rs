//! `regress-mml` (STAT-155..159): a linear mixed model with random intercepts for one level of groups or two, the second nested in
//! the first, or with a random slope (STAT-369), by restricted maximum likelihood.
//!
//! The model is y = x'b + u + e with u shared within a group. What a fit needs of the rows are sums per group (`structure`), from which
//! the restricted likelihood is maximised over the variance ratios (`profile`). Estimates are compared with the normal distribution.

mod predict;
mod profile;
mod sample;
mod structure;

use std::collections::HashMap;
use std::sync::Arc;

use crate::design::{Design, Term, variables};
use crate::fit::Fit;
use crate::linear::model::{Known, estimates, notices, omit, place};
use crate::linear::{Filled, Patterns, Request, Response, influence, solve};
use crate::problem::{Notice, Problem};
use crate::rows::Rows;
use profile::{Point, Profile};
use sample::{Places, Sample};
use structure::{Structure, factor};

/// A mixed model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MixedModel {
    /// The dependent variable.
    pub y: usize,
    /// The terms of the fixed part.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// The variable of the groups.
    pub group: usize,
    /// That of the groups within them.
    pub inner: Option<usize>,
    /// A variable whose slope differs between groups; only without `inner`.
    pub slope: Option<usize>,
    /// The person of each row of the source, where a person may have several: for the evidence of influence.
    pub persons: Option<Arc<[u32]>>,
}

/// A fitted mixed model.
#[derive(Clone, PartialEq, Debug)]
pub struct Mixed {
    /// The fixed part, and the numbers about the fit: `ll` is the restricted log-likelihood.
    pub fit: Fit,
    /// `var[school]`, `var[class]`, `var[residual]`; with a random slope `sd[…]` of the intercept, the slope and the residual, and
    /// `corr[…]`.
    pub variances: Vec<(String, f64)>,
    /// `icc[school]`, `icc[class]`: the correlation of two rows of a group.
    pub correlations: Vec<(String, f64)>,
    /// Number of groups of each level.
    pub groups: Vec<(String, u64)>,
    model: MixedModel,
    design: Design,
    known: Known,
    b: Vec<f64>,
    /// The predicted effects of groups of the top level, intercept and slope, by the bits of the group.
    tops: HashMap<u64, [f64; 2]>,
    /// Those of groups within them.
    inners: HashMap<(u64, u64), f64>,
}

/// Fits a mixed model. A variance of 0 is told by `W_VARIANCE_ZERO`.
///
/// # Errors
/// `E_NEEDS_TWO_GROUPS`, `E_NO_RESIDUAL_DF`, `E_COLLINEAR_ALL`, `E_NO_CONVERGENCE`, `E_STOPPED`.
pub fn regress_mml(rows: &dyn Rows, model: &MixedModel) -> Result<Mixed, Problem> {
    let terms = variables(&model.terms);
    if terms.contains(&model.y) {
        return Err(Problem::new("E_COLLINEAR_ALL"));
    }
    let mut covariates = terms.clone();
    let mut added = |variable: usize| {
        covariates.iter().position(|v| *v == variable).unwrap_or_else(|| {
            covariates.push(variable);
            covariates.len() - 1
        })
    };
    let y = added(model.y);
    let (group, inner, slope) = (added(model.group), model.inner.map(&mut added), model.slope.map(&mut added));
    let request = Request { covariates: &covariates, y: Some(model.y), cluster: None, places: model.persons.is_some() };
    let patterns = Arc::new(Patterns::of(rows, request)?);
    if patterns.is_empty() {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    let mut design = Design::of(rows, &patterns.frame, &place(&terms), &model.terms, model.constant)?;
    let means = patterns.means();
    let response = Response { values: &means, pivot: patterns.pivot };
    let first = solve(&Filled { design: &design, frame: &patterns.frame }, response, Some(&patterns.weight));
    let omitted = omit(&mut design, &first)?;
    let design = Arc::new(design);
    let sample = Sample::of(&patterns, &design, Places { y, group, inner, slope });
    sample.check(rows, model)?;
    let squares = sample.squares();
    let structure = Structure::of(sample.groups(), model.inner.is_some(), model.slope.is_some());
    let profile = Profile { structure: &structure, whole: &squares, n: sample.n };
    let point = profile.maximum(&|number| rows.step(number))?;
    let mut mixed = report(rows, model, &sample, &point, &design);
    let x = Filled { design: &design, frame: &patterns.frame };
    let evidence = solve(&x, response, Some(&patterns.weight));
    mixed.fit.influence = influence(&x, &evidence, None, &patterns, model.persons.as_deref());
    mixed.fit.notices.extend(notices(&omitted));
    mixed.fit.omitted = omitted;
    mixed.known = Known::of(rows, &patterns.frame, &terms, &model.terms);
    Ok(mixed)
}

fn report(rows: &dyn Rows, model: &MixedModel, sample: &Sample, point: &Point, design: &Design) -> Mixed {
    let y_scale = sample.y_scale;
    let variance = point.variance * y_scale * y_scale;
    let back = sample.back();
    let mut b = &back * &point.b;
    if sample.constant {
        b[0] += sample.y_shift;
    }
    let covariance = &back * &point.inverse * back.transpose() * point.variance;
    let (estimates, covariance) = estimates(design, &model.terms, &b, &covariance);
    // The scales change the density of y and |X'V⁻¹X|.
    let free = sample.n - sample.k as f64;
    let value = point.value - free * y_scale.ln() - sample.log_scales();
    let ratio = |at: usize| point.theta[at] * point.theta[at];
    let name = rows.name(model.group);
    let mut variances = Vec::new();
    let mut correlations = Vec::new();
    let mut groups = vec![(name.to_owned(), sample.tops.len() as u64)];
    let mut notices = Vec::new();
    if let Some(slope) = model.slope {
        let spread = factor(&point.theta);
        let spread = spread * spread.transpose() * variance;
        let (of_cons, of_slope) = (spread[(0, 0)].sqrt(), spread[(1, 1)].sqrt());
        let correlation = spread[(0, 1)] / (of_cons * of_slope);
        variances.push((format!("sd[{name}:_cons]"), of_cons));
        variances.push((format!("sd[{name}:{}]", rows.name(slope)), of_slope / sample.slope_scale));
        variances.push((format!("corr[{name}]"), correlation));
        variances.push(("sd[residual]".to_owned(), variance.sqrt()));
        if of_cons.min(of_slope) < 1e-6 * variance.sqrt() {
            notices.push(Notice::with("W_VARIANCE_ZERO", name));
        }
    } else {
        let levels: Vec<&str> = std::iter::once(name).chain(model.inner.map(|v| rows.name(v))).collect();
        let total = variance * (1.0 + (0..levels.len()).map(ratio).sum::<f64>());
        let mut shared = 0.0;
        for (at, level) in levels.iter().enumerate() {
            let of_level = variance * ratio(at);
            shared += of_level;
            variances.push((format!("var[{level}]"), of_level));
            correlations.push((format!("icc[{level}]"), shared / total));
            if of_level == 0.0 {
                notices.push(Notice::with("W_VARIANCE_ZERO", *level));
            }
        }
        variances.push(("var[residual]".to_owned(), variance));
        if let Some(inner) = levels.get(1) {
            groups.push(((*inner).to_owned(), sample.inners.len() as u64));
        }
    }
    let (tops, inners) = predict::effects(model, sample, point);
    Mixed {
        fit: Fit {
            estimates,
            covariance,
            residual_df: None,
            n: sample.n,
            scalars: vec![("n", sample.n), ("ll", value), ("minus_2ll", -2.0 * value), ("sigma", variance.sqrt())],
            tests: Vec::new(),
            margins: Vec::new(),
            omitted: Vec::new(),
            notices,
            influence: Default::default(),
            clusters: None,
        },
        variances,
        correlations,
        groups,
        model: model.clone(),
        design: design.clone(),
        known: Known::default(),
        b: b.as_slice().to_vec(),
        tops,
        inners,
    }
}
