//! Which of two policies is the stricter one, field by field, and the policy that is as strict as both (SDC-010).
//!
//! Guarantee: a merged policy is in no field looser than either of its parts, and merging in another order gives the same.

use super::{MagnitudeRules, ModelRules, PercentileRules, PlotRules, Rules, SnapRules, SurvivalRules};
use crate::ptable::PTableParams;

/// Between the names of the parts of a merged policy.
const JOIN: char = '+';

impl Rules {
    /// The stricter of two policies, field by field. It is named after its parts, in the order of the alphabet.
    pub fn stricter(&self, other: &Self) -> Self {
        let (a, b) = (self, other);
        let p_table = wider(a.p_table, b.p_table);
        Self {
            name: joined(&a.name, &b.name),
            version: a.version.max(b.version),
            population_floor: a.population_floor.max(b.population_floor),
            unit_floor: a.unit_floor.max(b.unit_floor),
            min_edit: a.min_edit.max(b.min_edit),
            min_cell: a.min_cell.max(b.min_cell).max(u64::from(p_table.d) + 5),
            low_cell: a.low_cell.max(b.low_cell),
            low_share: a.low_share.min(b.low_share),
            p_table,
            hide_zero: a.hide_zero || b.hide_zero,
            p_percent: a.p_percent.max(b.p_percent),
            n_k: a.n_k.min(b.n_k),
            min_contributors: a.min_contributors.max(b.min_contributors),
            winsor: a.winsor || b.winsor,
            magnitude: MagnitudeRules {
                delta: a.magnitude.delta.max(b.magnitude.delta),
                // The largest distance alone gives the larger change, so the smaller number is the stricter one.
                top_k: a.magnitude.top_k.min(b.magnitude.top_k),
                p_table: wider(a.magnitude.p_table, b.magnitude.p_table),
                derived: a.magnitude.derived.max(b.magnitude.derived),
            },
            percentile: PercentileRules {
                k: a.percentile.k.max(b.percentile.k),
                sig: a.percentile.sig.min(b.percentile.sig),
            },
            model: ModelRules {
                min_n: a.model.min_n.max(b.model.min_n),
                min_dof: a.model.min_dof.max(b.model.min_dof),
                n_per_parameter: a.model.n_per_parameter.max(b.model.n_per_parameter),
                dummy_min: a.model.dummy_min.max(b.model.dummy_min),
                h_max: a.model.h_max.min(b.model.h_max),
                kappa_max: a.model.kappa_max.min(b.model.kappa_max),
                drop_records: a.model.drop_records.max(b.model.drop_records),
                fit_drop: a.model.fit_drop.max(b.model.fit_drop),
                fit_drop_share: a.model.fit_drop_share.max(b.model.fit_drop_share),
                sig: a.model.sig.min(b.model.sig),
            },
            survival: SurvivalRules {
                min_risk: a.survival.min_risk.max(b.survival.min_risk),
                min_events: a.survival.min_events.max(b.survival.min_events),
                midpoint: a.survival.midpoint.max(b.survival.midpoint),
            },
            plot: PlotRules {
                hex_min: a.plot.hex_min.max(b.plot.hex_min),
                hist_min: a.plot.hist_min.max(b.plot.hist_min),
            },
            snap: SnapRules { least: a.snap.least.max(b.snap.least), most: a.snap.most.max(b.snap.most) },
            budget: a.budget.stricter(&b.budget),
        }
    }

    /// The fields in which this policy is looser than another, by name; none when it is at least as strict throughout.
    pub fn looser_than(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.strictness().into_iter().zip(other.strictness());
        pairs.filter(|((_, own), (_, theirs))| own < theirs).map(|((name, _), _)| name).collect()
    }

    /// Every field as a number that grows with its strictness. A field that is added to the rules and forgotten here does
    /// not compile.
    fn strictness(&self) -> Vec<(&'static str, f64)> {
        let Rules {
            name: _,
            version: _,
            population_floor,
            unit_floor,
            min_edit,
            min_cell,
            low_cell,
            low_share,
            p_table,
            hide_zero,
            p_percent,
            n_k,
            min_contributors,
            winsor,
            magnitude: MagnitudeRules { delta, top_k, p_table: mean_table, derived },
            percentile: PercentileRules { k, sig },
            model,
            survival: SurvivalRules { min_risk, min_events, midpoint },
            plot: PlotRules { hex_min, hist_min },
            snap: SnapRules { least, most },
            budget,
        } = self;
        let ModelRules {
            min_n,
            min_dof,
            n_per_parameter,
            dummy_min,
            h_max,
            kappa_max,
            drop_records,
            fit_drop,
            fit_drop_share,
            sig: model_sig,
        } = model;
        let whole = |x: &u64| *x as f64;
        let digits = |x: &usize| -(*x as f64);
        let mut all = vec![
            ("population_floor", whole(population_floor)),
            ("unit_floor", whole(unit_floor)),
            ("min_edit", whole(min_edit)),
            ("min_cell", whole(min_cell)),
            ("low_cell", whole(low_cell)),
            ("low_share", -low_share),
            ("hide_zero", f64::from(u8::from(*hide_zero))),
            ("p_percent", *p_percent),
            ("n_k", -n_k),
            ("min_contributors", whole(min_contributors)),
            ("winsor", f64::from(u8::from(*winsor))),
            ("magnitude.delta", *delta),
            ("magnitude.top_k", digits(top_k)),
            ("magnitude.derived", *derived),
            ("percentile.k", *k as f64),
            ("percentile.sig", digits(sig)),
            ("model.min_n", whole(min_n)),
            ("model.min_dof", whole(min_dof)),
            ("model.n_per_parameter", whole(n_per_parameter)),
            ("model.dummy_min", whole(dummy_min)),
            ("model.h_max", -h_max),
            ("model.kappa_max", -kappa_max),
            ("model.drop_records", f64::from(*drop_records)),
            ("model.fit_drop", f64::from(*fit_drop)),
            ("model.fit_drop_share", *fit_drop_share),
            ("model.sig", digits(model_sig)),
            ("survival.min_risk", whole(min_risk)),
            ("survival.min_events", whole(min_events)),
            ("survival.midpoint", whole(midpoint)),
            ("plot.hex_min", whole(hex_min)),
            ("plot.hist_min", whole(hist_min)),
            ("snap.least", whole(least)),
            ("snap.most", whole(most)),
        ];
        all.extend(budget.strictness());
        all.extend(width(p_table, ["p_table.d", "p_table.v", "p_table.js", "p_table.pstay"]));
        let names = ["magnitude.p_table.d", "magnitude.p_table.v", "magnitude.p_table.js", "magnitude.p_table.pstay"];
        all.extend(width(mean_table, names));
        all
    }
}

fn width(table: &PTableParams, names: [&'static str; 4]) -> [(&'static str, f64); 4] {
    let PTableParams { d, v, js, pstay } = table;
    let numbers = [f64::from(*d), *v, f64::from(*js), -pstay.unwrap_or(0.0)];
    std::array::from_fn(|i| (names[i], numbers[i]))
}

fn wider(a: PTableParams, b: PTableParams) -> PTableParams {
    PTableParams {
        d: a.d.max(b.d),
        v: a.v.max(b.v),
        js: a.js.max(b.js),
        pstay: match (a.pstay, b.pstay) {
            (Some(x), Some(y)) => Some(x.min(y)),
            _ => None,
        },
    }
}

/// The names of all parts, each once.
fn joined(a: &str, b: &str) -> String {
    let mut parts: Vec<&str> = a.split(JOIN).chain(b.split(JOIN)).collect();
    parts.sort_unstable();
    parts.dedup();
    parts.join(&JOIN.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{BudgetRules, Policy};

    /// Rules that could be somebody's: every field varies, all are valid.
    pub(crate) fn rules() -> impl Strategy<Value = Rules> {
        let table = (2u32..12, 1u32..30, 0u32..2, proptest::option::of(0.0..0.9))
            .prop_map(|(d, v, js, pstay)| PTableParams { d, v: f64::from(v.min(d * d - 1)) / 4.0, js, pstay });
        let counts = (5u64..40, 5u64..40, 0u64..60, 1u64..12, 0.1..0.9f64, any::<bool>(), 1u64..30);
        let sizes = (0.5..1.0f64, 1u64..30, any::<bool>(), 0.1..0.9f64, 1usize..5, 2usize..30, 1usize..5);
        let model = (50u64..300, 5u64..30, 5u64..30, 5u64..30, 0.01..0.5f64, 0.01..0.5f64, 5u32..30, 3usize..6);
        let rest = (5u64..30, 3u64..20, 3u64..12, 5u64..30, 5u64..30, 5u64..30, "[a-d]");
        (table.clone(), table, counts, sizes, model, rest).prop_map(|(p_table, means, counts, sizes, model, rest)| {
            let (unit_floor, min_edit, min_cell, low_cell, low_share, hide_zero, p_percent) = counts;
            let (n_k, min_contributors, winsor, delta, top_k, k, sig) = sizes;
            let (min_n, min_dof, n_per_parameter, dummy_min, h_max, kappa_max, drop_records, model_sig) = model;
            let (min_risk, min_events, midpoint, hex_min, hist_min, snap_r, name) = rest;
            let budget = BudgetRules {
                sets_per_day: min_n,
                sets_per_version: 9 * min_n,
                splits_per_day: min_dof,
                splits_per_version: 4 * min_dof,
                fragmenting_per_version: min_risk,
                student_part: min_events,
            };
            Rules {
                name,
                version: 1,
                population_floor: 1000,
                unit_floor,
                min_edit,
                min_cell: min_cell.max(u64::from(p_table.d) + 5),
                low_cell,
                low_share,
                p_table,
                hide_zero,
                p_percent: p_percent as f64,
                n_k,
                min_contributors,
                winsor,
                magnitude: MagnitudeRules { delta, top_k, p_table: means, derived: 2.0 * delta },
                percentile: PercentileRules { k, sig },
                model: ModelRules {
                    min_n,
                    min_dof,
                    n_per_parameter,
                    dummy_min,
                    h_max,
                    kappa_max,
                    drop_records,
                    fit_drop: 20 * drop_records,
                    fit_drop_share: kappa_max / 2.0,
                    sig: model_sig,
                },
                survival: SurvivalRules { min_risk, min_events, midpoint },
                plot: PlotRules { hex_min, hist_min },
                snap: SnapRules { least: 2 + snap_r % 3, most: snap_r },
                budget,
            }
        })
    }

    proptest! {
        /// SDC-010: merging never loosens, in whatever order, and a merged policy can be used.
        #[test]
        fn sdc_010_merging_never_loosens(a in rules(), b in rules(), c in rules()) {
            let both = a.stricter(&b);
            prop_assert!(both.looser_than(&a).is_empty(), "{:?}", both.looser_than(&a));
            prop_assert!(both.looser_than(&b).is_empty());
            prop_assert_eq!(&both, &b.stricter(&a));
            prop_assert_eq!(&both, &both.stricter(&a));
            prop_assert_eq!(both.stricter(&c), a.stricter(&b.stricter(&c)));
            prop_assert_eq!(&a.stricter(&a), &a);
            for rules in [a, b, both] {
                prop_assert!(Policy::new(rules.clone()).is_ok(), "{:?}", Policy::new(rules).err());
            }
        }
    }

    /// SDC-010, SDC section 2: the high policy is nowhere looser than the default but in how many distances are averaged,
    /// which its larger noise outweighs; merged with the default even that is gone.
    #[test]
    fn sdc_010_high_is_stricter_than_the_default() {
        assert_eq!(Rules::high().looser_than(&Rules::standard()), ["magnitude.top_k"]);
        let merged = Rules::standard().stricter(&Rules { min_edit: 20, ..Rules::high() });
        assert_eq!((merged.min_cell, merged.min_edit, merged.p_table.d, merged.hide_zero), (15, 20, 10, true));
        assert_eq!((merged.magnitude.top_k, merged.name.as_str()), (1, "default+high"));
        assert_eq!(merged.looser_than(&Rules::standard()), [""; 0]);
        assert!(Rules::standard().looser_than(&merged).contains(&"p_table.d"));
    }
}
