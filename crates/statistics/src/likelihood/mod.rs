//! Models that maximise a likelihood (section 5): logit, probit, multinomial and ordered logit, Poisson, negative binomial; and
//! generalised linear models and quantile regression beside them.
//! All share the sample as weighted observations (`sample`), Newton's method on it (`newton`) and the ways to errors
//! (`finish`); each command's file adds its likelihood.
//!
//! Estimates are compared with the normal distribution. With robust errors the covariance is n/(n−k)·A⁻¹BA⁻¹, A the observed
//! information, B the sum of products of scores, k the number of all parameters; with clusters the scores of a cluster are
//! added up first and the factor is G/(G−1)·(n−1)/(n−k).

mod binary;
mod cells;
mod counts;
mod effects;
mod finish;
mod glm;
mod multinomial;
mod newton;
mod ordered;
mod predict;
mod quantile;
mod sample;
mod separation;

pub use binary::{BinaryOptions, logit, probit};
pub use counts::{CountOptions, negative_binomial, poisson};
pub use effects::{EffectKind, EffectPlace, Effects};
pub use finish::{Ratio, ratios};
pub use glm::{Family, GlmModel, Link, glm};
pub use multinomial::{MultinomialOptions, mlogit};
pub use ordered::{OrderedOptions, ologit};
pub use predict::{Fitted, Wanted};
pub use quantile::{QuantileModel, quantile_regression};

pub(crate) use cells::{Cells, LEAF, moments, tree};
pub(crate) use predict::{linear, take_from_outcome};

use std::sync::Arc;

use crate::design::Term;

/// How standard errors are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Errors {
    /// From the observed information.
    #[default]
    Model,
    /// Robust against a wrong variance.
    Robust,
    /// Robust, with rows of equal value of this variable depending on each other.
    Cluster(usize),
}

/// What all models of this family are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// How standard errors are computed.
    pub errors: Errors,
    /// The person of each row of the source, where a person may have several: for the evidence of influence.
    pub persons: Option<Arc<[u32]>>,
}

impl Model {
    /// A model with a constant and the usual errors.
    pub fn new(y: usize, terms: Vec<Term>) -> Self {
        Self { y, terms, constant: true, errors: Errors::Model, persons: None }
    }
}
