//! Harrell's C: the share of pairs, of which it is known who had the event first, where that one had the higher score; pairs with
//! the same score count half. Counted in O(n log n) by counts over the ranks of the scores.

use rayon::prelude::*;

use super::risk::Risk;
use crate::counts::Counts;

/// C of scores by place; pairs are those of one stratum. Two events at the same time are no pair, an event and one last seen at
/// the same time are. Not a number where there is no pair.
pub(super) fn concordance(risk: &Risk, scores: &[f64]) -> f64 {
    let mut distinct = scores.to_vec();
    distinct.par_sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    let ranks: Vec<u32> =
        scores.par_iter().map(|s| distinct.partition_point(|d| d.total_cmp(s).is_lt()) as u32).collect();
    let (mut pairs, mut higher, mut same) = (0i64, 0i64, 0i64);
    let mut counts = Counts::new(distinct.len());
    for piece in risk.pieces.iter().rev() {
        if piece.last {
            counts.clear();
        }
        for moment in risk.moments[piece.moments.clone()].iter().rev() {
            let events = moment.event_rows();
            (events.end..moment.rows.end).for_each(|place| counts.add(ranks[place] as usize, 1));
            // Those who come in later are no pair of an event here.
            for place in &risk.late[moment.late.clone()] {
                counts.add(ranks[*place as usize] as usize, -1);
            }
            for place in events.clone() {
                let rank = ranks[place] as usize;
                let below = counts.below(rank);
                pairs += counts.total();
                higher += below;
                same += counts.below(rank + 1) - below;
            }
            events.for_each(|place| counts.add(ranks[place] as usize, 1));
        }
    }
    (higher as f64 + same as f64 / 2.0) / pairs as f64
}
