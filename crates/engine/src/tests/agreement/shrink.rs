//! From a script on which two answers differ to the smallest one that is found by leaving statements out.

use super::{Case, Coverage};

/// What is left of a case, as text with what differs.
pub(super) fn smallest(case: &Case) -> String {
    let differs = |case: &Case| case.check(&mut Coverage::default()).err();
    let mut best = case.clone();
    let mut what = differs(&best).unwrap_or_else(|| "it does not differ again".to_owned());
    loop {
        let smaller = (2..best.script.statements.len()).rev().find_map(|i| {
            let mut next = best.clone();
            next.script.statements.remove(i);
            differs(&next).map(|what| (next, what))
        });
        let smaller = smaller.or_else(|| {
            let sizes = [1, 2, 3, 5, best.size / 2].into_iter().filter(|n| *n < best.size);
            sizes.map(|size| Case { size, ..best.clone() }).find_map(|next| differs(&next).map(|what| (next, what)))
        });
        match smaller {
            Some(next) => (best, what) = next,
            None => {
                return format!("smallest: world {} of size {}\n{}{what}", best.world, best.size, best.script.text());
            }
        }
    }
}
