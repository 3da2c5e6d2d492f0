//! The sets of the cells and margins of a table whose rows are not persons themselves: spells, occasions, other units
//! (ENG-038). A person counts once per cell and margin however many rows lead to her, so a margin is no sum of its cells. Rows
//! are gone through person by person, which rows of registers stand by already; each person is added to the few cells and
//! margins that her rows are in.

use rayon::prelude::*;

use crate::control::{Control, stopped};
use crate::error::RunError;
use crate::people::Shape;
use crate::raw::{Keyed, PersonSet};
use crate::set::SetBuilder;
use crate::source::RecordKeys;

/// Parts of a pass that has a set for every cell and margin in each.
const PARTS: usize = 8;
/// Sets of all parts together, unless one part has more.
const MOST_SETS: usize = 1 << 18;

/// The set of every cell and margin. `pairs` are member and inner cell of every row.
pub(crate) fn sets(
    keyed: Keyed,
    keys: &RecordKeys,
    mut pairs: Vec<(u32, u32)>,
    shape: &Shape,
    control: &dyn Control,
) -> Result<Vec<PersonSet>, RunError> {
    if !pairs.is_sorted_by_key(|(member, _)| *member) {
        pairs.par_sort_unstable();
    }
    let places: Vec<Vec<u32>> = (0..shape.variants())
        .map(|variant| (0..shape.inner()).map(|cell| shape.place(cell, variant) as u32).collect())
        .collect();
    let parts = (MOST_SETS / shape.outer().max(1)).clamp(1, PARTS);
    let part = pairs.len().div_ceil(parts).max(1);
    // A part begins where a member does.
    let begin = |p: usize| {
        let at = (p * part).min(pairs.len());
        pairs.get(at).map_or(pairs.len(), |(member, _)| pairs.partition_point(|(m, _)| m < member))
    };
    let done: Vec<Vec<SetBuilder>> = (0..parts)
        .into_par_iter()
        .map(|p| {
            stopped(control)?;
            let mut sets = vec![SetBuilder::new(keyed); shape.outer()];
            let mut found: Vec<u32> = Vec::new();
            for rows in pairs[begin(p)..begin(p + 1)].chunk_by(|a, b| a.0 == b.0) {
                for places in &places {
                    found.clear();
                    found.extend(rows.iter().map(|(_, cell)| places[*cell as usize]));
                    found.sort_unstable();
                    found.dedup();
                    found.iter().for_each(|place| sets[*place as usize].add(keys, rows[0].0));
                }
            }
            Ok(sets)
        })
        .collect::<Result<_, RunError>>()?;
    let merged = done.into_iter().reduce(|mut all, part| {
        all.iter_mut().zip(part).for_each(|(a, b)| a.merge(b));
        all
    });
    Ok(merged.into_iter().flatten().map(SetBuilder::finish).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::Unattended;

    proptest! {
        /// ENG-034, ENG-038: the sets are those of the distinct members of every cell and margin, whatever the order of the
        /// rows and the number of threads.
        #[test]
        fn eng_038_members_count_once_per_cell_and_margin(
            pairs in prop::collection::vec((0u32..40, 0u32..6), 0..300),
            by_member in any::<bool>(),
        ) {
            let keys = RecordKeys::derive(&[5; 32], 40);
            let shape = Shape(vec![2, 3]);
            let mut pairs = pairs;
            if by_member {
                pairs.sort_by_key(|p| p.0);
            }
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| sets(Keyed::Persons, &keys, pairs.clone(), &shape, &Unattended).unwrap())
            };
            let (one, two) = (on(1), on(2));
            for place in 0..shape.outer() {
                let here = |cell: &u32| (0..shape.variants()).any(|v| shape.place(*cell as usize, v) == place);
                let members: BTreeSet<u32> = pairs.iter().filter(|p| here(&p.1)).map(|p| p.0).collect();
                let mut plain = SetBuilder::new(Keyed::Persons);
                members.iter().for_each(|m| plain.add(&keys, *m));
                let plain = plain.finish();
                for set in [&one[place], &two[place]] {
                    prop_assert_eq!(
                        (set.persons, set.fingerprint, set.sketch),
                        (plain.persons, plain.fingerprint, plain.sketch)
                    );
                }
            }
        }
    }
}
