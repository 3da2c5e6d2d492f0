//! Harrell's C: the share of pairs, of which it is known who had the event first, where that one had the higher score; pairs with
//! the same score count half. Counted in O(n log n) by marks over the ranks of the scores.

use super::risk::Risk;
use crate::counts::Marks;
use crate::order::rows;

/// C of scores by place; pairs are those of one stratum. Two events at the same time are no pair, an event and one last seen at
/// the same time are. Not a number where there is no pair.
pub(super) fn concordance(risk: &Risk, scores: &[f64]) -> f64 {
    let ranks = ranked(scores);
    let (mut pairs, mut higher, mut same) = (0i64, 0i64, 0i64);
    let mut marks = Marks::new(scores.len());
    for piece in risk.pieces.iter().rev() {
        if piece.last {
            marks.clear();
        }
        for moment in risk.moments[piece.moments.clone()].iter().rev() {
            let events = moment.event_rows();
            (events.end..moment.rows.end).for_each(|place| marks.set(ranks[place].own as usize));
            // Those who come in later are no pair of an event here.
            for place in &risk.late[moment.late.clone()] {
                marks.unset(ranks[*place as usize].own as usize);
            }
            pairs += marks.total() * events.len() as i64;
            for rank in &ranks[events.clone()] {
                higher += marks.before(rank.first as usize);
                same += marks.between(rank.first as usize, rank.end as usize);
            }
            ranks[events].iter().for_each(|rank| marks.set(rank.own as usize));
        }
    }
    (higher as f64 + same as f64 / 2.0) / pairs as f64
}

/// Where a score stands among all.
#[derive(Clone, Copy, Default)]
struct Rank {
    /// Its own place.
    own: u32,
    /// The places of all scores that are the same.
    first: u32,
    end: u32,
}

fn ranked(scores: &[f64]) -> Vec<Rank> {
    let mut ranks = vec![Rank::default(); scores.len()];
    let mut first = 0;
    for run in rows(scores).chunk_by(|a, b| scores[*a as usize] == scores[*b as usize]) {
        let end = first + run.len() as u32;
        for (own, place) in (first..).zip(run) {
            ranks[*place as usize] = Rank { own, first, end };
        }
        first = end;
    }
    ranks
}
