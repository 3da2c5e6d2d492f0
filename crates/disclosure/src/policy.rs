//! The policy object (SDC-010): every threshold of the gate, validated once, immutable, and named by the SHA-256 of its
//! canonical JSON in every output. How two are merged stands in `merge`; what a stricter one is attached to, and who may
//! loosen it, in `book`.

use kernel::{canonical_json, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::ptable::{PTable, PTableParams};

mod book;
mod budget;
mod merge;

pub use book::{Approval, Attachment, Change, NotChanged, Office, PolicyBook, Subject};
pub use budget::BudgetRules;

/// The fields of a policy (SDC section 2). Budgets are metered outside the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Name, e.g. `default`.
    pub name: String,
    /// Version of the policy with this name.
    pub version: u32,
    /// Fewest persons in a population (SDC-140).
    pub population_floor: u64,
    /// Fewest units where no person stands behind them (SDC-140).
    pub unit_floor: u64,
    /// Fewest units an edit with a condition may touch or leave (SDC-141).
    pub min_edit: u64,
    /// A count below this is hidden (SDC-043).
    pub min_cell: u64,
    /// A cell below this counts as small for the stop rule (SDC-131).
    pub low_cell: u64,
    /// A table with a larger share of small cells is withheld (SDC-131).
    pub low_share: f64,
    /// Perturbation of counts (SDC-040).
    pub p_table: PTableParams,
    /// Whether a true zero is hidden like a small cell. Off, whether a set is empty can be asked of any set, and with it
    /// the secret of anyone who can be named in a filter (A11): for registers where that is no secret.
    pub hide_zero: bool,
    /// Dominance: the rest must be at least this per cent of the largest (SDC-100).
    pub p_percent: f64,
    /// Dominance: the two largest may hold at most this share of the total (SDC-100).
    pub n_k: f64,
    /// Fewest contributors to a mean or sum (SDC-100).
    pub min_contributors: u64,
    /// Whether means of groups below 1000 use winsorised values (SDC-101).
    pub winsor: bool,
    /// Perturbation of means (SDC-102).
    pub magnitude: MagnitudeRules,
    /// Percentiles (SDC-121).
    pub percentile: PercentileRules,
    /// Models (SDC-150..162).
    pub model: ModelRules,
    /// Survival (SDC-200).
    pub survival: SurvivalRules,
    /// Figures (SDC-210).
    pub plot: PlotRules,
    /// Which sets are answered alike (SDC-052).
    pub snap: SnapRules,
    /// How much may be asked for (SDC-171).
    pub budget: BudgetRules,
}

/// Perturbation of means and sums (SDC-102).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MagnitudeRules {
    /// Size of the change in units of the largest distance from the mean.
    pub delta: f64,
    /// How many of the largest distances are averaged.
    pub top_k: usize,
    /// The changes themselves.
    pub p_table: PTableParams,
    /// Standard deviation of the change for a derived column, in units of the width of its limits: what one person may
    /// change at most.
    pub derived: f64,
}

/// Percentiles (SDC-121).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentileRules {
    /// How many order statistics are averaged.
    pub k: usize,
    /// Significant digits.
    pub sig: usize,
}

/// Models (SDC-150..162).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRules {
    /// Smallest sample.
    pub min_n: u64,
    /// Fewest degrees of freedom left.
    pub min_dof: u64,
    /// At most n divided by this many parameters.
    pub n_per_parameter: u64,
    /// Fewest persons on either side of a dummy.
    pub dummy_min: u64,
    /// Largest leverage.
    pub h_max: f64,
    /// Largest concentration of a column.
    pub kappa_max: f64,
    /// Records dropped before a curve or a plot is made (SDC-160).
    pub drop_records: u32,
    /// Records dropped before a fit: so many of a large sample.
    pub fit_drop: u32,
    /// The share of a small sample that is dropped instead.
    pub fit_drop_share: f64,
    /// Significant digits of coefficients.
    pub sig: usize,
}

/// Survival (SDC-200).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurvivalRules {
    /// Fewest persons at risk.
    pub min_risk: u64,
    /// Fewest events in a step.
    pub min_events: u64,
    /// Midpoint rounding of numbers at risk.
    pub midpoint: u64,
}

/// Figures (SDC-210).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlotRules {
    /// Fewest persons in a hexagon.
    pub hex_min: u64,
    /// Fewest persons in a bar of a histogram.
    pub hist_min: u64,
}

/// Which sets are answered alike (SDC-052): those that differ by fewer persons than a secret radius.
///
/// Guarantee: one person more or less never gives another answer for being counted, and how far a set may be from another
/// is as likely to be any number of the range, so that one person in the balance at its edge is told with a probability of
/// at most one in `most - least + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapRules {
    /// Least radius; at least 2, for a difference of one person is always within it.
    pub least: u64,
    /// Largest radius.
    pub most: u64,
}

/// A validated policy with its solved tables and its digest.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Rules,
    hash: String,
    counts: PTable,
    means: PTable,
}

/// The name of the policy that an output was made under; printed in every output (SDC-010).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStamp {
    /// Name of the policy.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its canonical JSON.
    pub sha256: String,
}

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {name}: {fault}")]
pub struct PolicyError {
    name: String,
    fault: &'static str,
}

impl Rules {
    /// The default policy.
    pub fn standard() -> Self {
        Self {
            name: "default".to_owned(),
            version: 1,
            population_floor: 1000,
            unit_floor: 10,
            min_edit: 10,
            min_cell: 10,
            low_cell: 5,
            low_share: 0.5,
            p_table: PTableParams::new(5, 3.0, 2),
            hide_zero: true,
            p_percent: 10.0,
            n_k: 0.90,
            min_contributors: 10,
            winsor: true,
            magnitude: MagnitudeRules { delta: 0.3, top_k: 1, p_table: PTableParams::new(5, 2.0, 0), derived: 2.5 },
            percentile: PercentileRules { k: 10, sig: 3 },
            model: ModelRules {
                min_n: 100,
                min_dof: 10,
                n_per_parameter: 10,
                dummy_min: 10,
                h_max: 0.2,
                kappa_max: 0.1,
                drop_records: 10,
                fit_drop: 600,
                fit_drop_share: 0.2,
                sig: 5,
            },
            survival: SurvivalRules { min_risk: 10, min_events: 5, midpoint: 6 },
            plot: PlotRules { hex_min: 10, hist_min: 10 },
            snap: SnapRules { least: 2, most: 7 },
            budget: BudgetRules::STANDARD,
        }
    }

    /// The policy for variables where more is at stake.
    pub fn high() -> Self {
        let base = Self::standard();
        Self {
            name: "high".to_owned(),
            min_cell: 15,
            p_table: PTableParams::new(10, 6.0, 4),
            hide_zero: true,
            n_k: 0.85,
            magnitude: MagnitudeRules { delta: 0.5, top_k: 3, derived: 3.0, ..base.magnitude },
            percentile: PercentileRules { k: 20, sig: 3 },
            model: ModelRules {
                dummy_min: 20,
                h_max: 0.1,
                kappa_max: 0.05,
                drop_records: 20,
                fit_drop: 1200,
                fit_drop_share: 0.25,
                sig: 4,
                ..base.model
            },
            survival: SurvivalRules { min_risk: 20, min_events: 10, midpoint: 6 },
            plot: PlotRules { hex_min: 15, hist_min: 15 },
            snap: SnapRules { least: 2, most: 10 },
            ..base
        }
    }
}

impl Policy {
    /// Validates the rules, solves the tables and computes the digest.
    ///
    /// # Errors
    /// [`PolicyError`] when a table has no solution, `min_cell` is below `d + 5`, or a share lies outside 0..1.
    pub fn new(rules: Rules) -> Result<Self, PolicyError> {
        let fail = |fault| PolicyError { name: rules.name.clone(), fault };
        if rules.min_cell < u64::from(rules.p_table.d) + 5 {
            return Err(fail("min_cell must be at least p_table.d + 5"));
        }
        if !((0.0..=1.0).contains(&rules.low_share) && (0.0..=1.0).contains(&rules.n_k)) {
            return Err(fail("shares must lie between 0 and 1"));
        }
        if rules.percentile.k < 2 || rules.percentile.sig == 0 || rules.magnitude.top_k == 0 {
            return Err(fail("percentile.k must be at least 2, percentile.sig and magnitude.top_k at least 1"));
        }
        if rules.population_floor < rules.min_cell || rules.magnitude.delta <= 0.0 {
            return Err(fail("population_floor must be at least min_cell, magnitude.delta must be positive"));
        }
        if rules.magnitude.derived <= 0.0 || !(0.0..=0.4).contains(&rules.model.fit_drop_share) {
            return Err(fail("magnitude.derived must be positive, model.fit_drop_share between 0 and 0.4"));
        }
        if rules.snap.least < 2 || rules.snap.most < rules.snap.least {
            return Err(fail("snap.least must be at least 2, and at most snap.most"));
        }
        if rules.budget.student_part == 0 {
            return Err(fail("budget.student_part must be at least 1"));
        }
        let counts = PTable::new(rules.p_table).map_err(&fail)?;
        let means = PTable::new(rules.magnitude.p_table).map_err(&fail)?;
        let json = canonical_json(&rules).map_err(|_| fail("has no canonical form"))?;
        Ok(Self { hash: sha256_hex(&json), counts, means, rules })
    }

    /// The default policy.
    pub fn standard() -> Self {
        #[expect(clippy::expect_used, reason = "constants, proved valid by a test")]
        Self::new(Rules::standard()).expect("the default policy is valid")
    }

    /// The policy for variables where more is at stake.
    pub fn high() -> Self {
        #[expect(clippy::expect_used, reason = "constants, proved valid by a test")]
        Self::new(Rules::high()).expect("the high policy is valid")
    }

    /// The fields.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// SHA-256 of the canonical JSON of the fields, `sha256:` and 64 hex digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What is printed in every output.
    pub fn stamp(&self) -> PolicyStamp {
        PolicyStamp { name: self.rules.name.clone(), version: self.rules.version, sha256: self.hash.clone() }
    }

    /// The typical error of a count, one decimal: from the policy, never from a result.
    pub fn typical_error(&self) -> f64 {
        (self.counts.mean_absolute_error() * 10.0).round() / 10.0
    }

    pub(crate) fn counts(&self) -> &PTable {
        &self.counts
    }

    pub(crate) fn means(&self) -> &PTable {
        &self.means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-010: the digest names the content, and the built-in policies are valid.
    #[test]
    fn the_digest_follows_the_content() {
        let standard = Policy::standard();
        assert_eq!(standard.hash(), Policy::new(Rules::standard()).unwrap().hash());
        assert_ne!(standard.hash(), Policy::high().hash());
        assert!(standard.hash().starts_with("sha256:"));
        let changed = Policy::new(Rules { min_edit: 11, ..Rules::standard() }).unwrap();
        assert_ne!(standard.hash(), changed.hash());
        let text = serde_json::to_string(standard.rules()).unwrap();
        assert_eq!(&serde_json::from_str::<Rules>(&text).unwrap(), standard.rules());
    }

    /// SDC section 2: min_cell must leave room for the largest change.
    #[test]
    fn a_policy_without_room_for_its_noise_is_refused() {
        let rules = Rules { min_cell: 9, ..Rules::standard() };
        assert!(Policy::new(rules).unwrap_err().to_string().contains("min_cell"));
    }
}
