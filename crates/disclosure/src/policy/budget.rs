//! The fields of a policy about how much may be asked for (SDC-171). The meters that hold them are in `explore`.

use serde::{Deserialize, Serialize};

/// How much one project may ask of one version of a store (SDC-171). A day begins at midnight in Norway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetRules {
    /// New sets of persons in a day.
    pub sets_per_day: u64,
    /// New sets of persons as long as the version is in use.
    pub sets_per_version: u64,
    /// New splits that the user built, in a day.
    pub splits_per_day: u64,
    /// New splits that the user built, as long as the version is in use.
    pub splits_per_version: u64,
    /// Of these the fragmenting ones; the disclosure steward may allow a project more.
    pub fragmenting_per_version: u64,
    /// What students have is divided by this; at least 1.
    pub student_part: u64,
}

impl BudgetRules {
    /// The default budget.
    pub const STANDARD: Self = Self {
        sets_per_day: 20_000,
        sets_per_version: 400_000,
        splits_per_day: 200,
        splits_per_version: 2_000,
        // Eight random halves show a person's secret to 60 in 100 attackers, sixteen to 70 (A3).
        fragmenting_per_version: 8,
        student_part: 4,
    };

    pub(super) fn stricter(&self, other: &Self) -> Self {
        let (a, b) = (self, other);
        Self {
            sets_per_day: a.sets_per_day.min(b.sets_per_day),
            sets_per_version: a.sets_per_version.min(b.sets_per_version),
            splits_per_day: a.splits_per_day.min(b.splits_per_day),
            splits_per_version: a.splits_per_version.min(b.splits_per_version),
            fragmenting_per_version: a.fragmenting_per_version.min(b.fragmenting_per_version),
            student_part: a.student_part.max(b.student_part),
        }
    }

    /// Every field as a number that grows with its strictness.
    pub(super) fn strictness(&self) -> [(&'static str, f64); 6] {
        let Self { sets_per_day, sets_per_version, splits_per_day, splits_per_version, .. } = self;
        [
            ("budget.sets_per_day", -(*sets_per_day as f64)),
            ("budget.sets_per_version", -(*sets_per_version as f64)),
            ("budget.splits_per_day", -(*splits_per_day as f64)),
            ("budget.splits_per_version", -(*splits_per_version as f64)),
            ("budget.fragmenting_per_version", -(self.fragmenting_per_version as f64)),
            ("budget.student_part", self.student_part as f64),
        ]
    }
}
