//! Harrell's C: the share of pairs, of which it is known who had the event first, where that one had the higher score; pairs with
//! the same score count half. Counted in O(n log n) by counts over the ranks of the scores.

use rayon::prelude::*;

use super::risk::Risk;
use crate::counts::Counts;

/// C of scores by place; pairs are those of one stratum. Two events at the same time are no pair, an event and one last seen at
/// the same time are. Not a number where there is no pair.
pub(super) fn concordance(risk: &Risk, scores: &[f64]) -> f64 {
    let (ranks, number) = ranked(scores);
    let (mut pairs, mut higher, mut same) = (0i64, 0i64, 0i64);
    let mut counts = Counts::new(number);
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

/// The place of each score among the distinct ones, and how many there are.
fn ranked(scores: &[f64]) -> (Vec<u32>, usize) {
    let mut order: Vec<(f64, u32)> = scores.par_iter().enumerate().map(|(i, s)| (*s, i as u32)).collect();
    order.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0; scores.len()];
    let mut number = 0;
    for run in order.chunk_by(|a, b| a.0 == b.0) {
        run.iter().for_each(|(_, i)| ranks[*i as usize] = number);
        number += 1;
    }
    (ranks, number as usize)
}
