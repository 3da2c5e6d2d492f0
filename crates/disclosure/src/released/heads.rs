//! What released models, tests and survival curves are called: words of the script, its options and the catalogue.

use std::collections::BTreeMap;

use engine::raw;
use serde::{Deserialize, Serialize};

/// Titles of columns and terms by what the script writes: `sex=2` → `Sex: woman`.
pub type Titles = BTreeMap<String, String>;

/// What the estimates of a model are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Coefficients.
    #[default]
    Coefficient,
    /// Coefficients of standardised columns.
    Standardised,
    /// Odds ratios.
    OddsRatio,
    /// Ratios of rates.
    RateRatio,
    /// Ratios of hazards.
    HazardRatio,
}

/// How standard errors are made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// As the model itself says.
    #[default]
    Model,
    /// Robust to unequal variances.
    Robust,
    /// Robust to dependence within the groups of this column.
    Cluster(String),
}

/// The distribution that an estimate is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Student's: the column is t.
    Student,
    /// The normal: the column is z.
    Normal,
}

/// What a model is called and how its rows are to be read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelHead {
    /// The command.
    pub command: String,
    /// The estimator, where an option chooses it: `fe`, `liml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimator: Option<String>,
    /// The response.
    pub response: String,
    /// The words before the colon of the labels of rows, where there are several equations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equations: Vec<String>,
    /// What the estimates are.
    pub effect: Effect,
    /// How their errors are made.
    pub variance: Variance,
    /// Terms that are in the model and not in the result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// Titles of the response, of terms and of equations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: Titles,
}

/// What a table of tests is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TestsHead {
    /// The command.
    pub command: String,
    /// The response, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Titles of columns and terms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: Titles,
}

/// What survival curves are about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SurvivalHead {
    /// The command.
    pub command: String,
    /// The column that says whether there was an event.
    pub event: String,
    /// The column of the time.
    pub time: String,
    /// The column that makes the groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Titles of these columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: Titles,
}

impl From<raw::Effect> for Effect {
    fn from(effect: raw::Effect) -> Self {
        match effect {
            raw::Effect::Coefficient => Effect::Coefficient,
            raw::Effect::Standardised => Effect::Standardised,
            raw::Effect::OddsRatio => Effect::OddsRatio,
            raw::Effect::RateRatio => Effect::RateRatio,
            raw::Effect::HazardRatio => Effect::HazardRatio,
        }
    }
}

impl From<raw::Variance> for Variance {
    fn from(variance: raw::Variance) -> Self {
        match variance {
            raw::Variance::Model => Variance::Model,
            raw::Variance::Robust => Variance::Robust,
            raw::Variance::Cluster(column) => Variance::Cluster(column),
        }
    }
}

impl From<raw::Reference> for Reference {
    fn from(reference: raw::Reference) -> Self {
        match reference {
            raw::Reference::Student => Reference::Student,
            raw::Reference::Normal => Reference::Normal,
        }
    }
}

impl From<raw::ModelHead> for ModelHead {
    fn from(head: raw::ModelHead) -> Self {
        let raw::ModelHead { command, estimator, response, equations, effect, variance, controls, titles } = head;
        let (effect, variance) = (effect.into(), variance.into());
        Self { command, estimator, response, equations, effect, variance, controls, titles }
    }
}

impl From<raw::TestsHead> for TestsHead {
    fn from(head: raw::TestsHead) -> Self {
        let raw::TestsHead { command, response, titles } = head;
        Self { command, response, titles }
    }
}

impl From<raw::SurvivalHead> for SurvivalHead {
    fn from(head: raw::SurvivalHead) -> Self {
        let raw::SurvivalHead { command, event, time, group, titles } = head;
        Self { command, event, time, group, titles }
    }
}
