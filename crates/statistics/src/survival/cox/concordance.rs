//! Harrell's C: the share of pairs, of which it is known who had the event first, where that one had the higher score; pairs with
//! the same score count half. Counted in O(n log n): rows are gone through from the lowest score on, and those that were seen are
//! counted by the time until which they were.

use super::risk::{NONE, Risk};
use crate::counts::{Counts, Marks};
use crate::order::rows;

/// With so many rows at a time as this, on average, counts by time stay near the processor where marks by place would not.
const MANY: usize = 16;

/// C of scores by place; pairs are those of one stratum. Two events at the same time are no pair, an event and one last seen at
/// the same time are. Not a number where there is no pair.
pub(super) fn concordance(risk: &Risk, scores: &[f64]) -> f64 {
    let mut seen = Seen::of(risk);
    let (mut higher, mut both) = (0, 0);
    let order = rows(scores);
    // Read beforehand what stands here and there in memory.
    let slots: Vec<u32> = order.iter().map(|place| seen.slots[*place as usize]).collect();
    let tied: Vec<bool> = order.windows(2).map(|two| scores[two[0] as usize] == scores[two[1] as usize]).collect();
    let mut start = 0;
    while start < order.len() {
        let end = start + 1 + tied[start..].iter().take_while(|tied| **tied).count();
        let run = || order[start..end].iter().zip(&slots[start..end]);
        let later = |seen: &Seen<'_>| run().map(|(_, slot)| seen.after(*slot)).sum::<i64>();
        let before = later(&seen);
        run().for_each(|(place, slot)| seen.take(*place, *slot));
        higher += before;
        // No row is a pair with itself.
        both += if end - start > 1 { later(&seen) } else { before };
        start = end;
    }
    (higher + both) as f64 / 2.0 / pairs(risk) as f64
}

/// How many pairs there are.
fn pairs(risk: &Risk) -> i64 {
    let (mut pairs, mut later) = (0, 0);
    for piece in risk.pieces.iter().rev() {
        if piece.last {
            later = 0;
        }
        for moment in risk.moments[piece.moments.clone()].iter().rev() {
            // Those who come in later are no pair of an event here.
            later += (moment.rows.len() - moment.events) as i64 - moment.late.len() as i64;
            pairs += later * moment.events as i64;
            later += moment.events as i64;
        }
    }
    pairs
}

/// Rows that were seen.
struct Seen<'a> {
    risk: &'a Risk,
    /// By place, twice the number of its moment, and one more for those without the event.
    slots: Vec<u32>,
    /// By moment, the number of the first moment of the next stratum.
    ends: Vec<u32>,
    rows: Rows,
    /// By the last moment that was missed.
    late: Option<Counts>,
}

enum Rows {
    BySlot(Counts),
    ByPlace(Marks),
}

impl<'a> Seen<'a> {
    fn of(risk: &'a Risk) -> Self {
        let (places, moments) = (risk.order.len(), risk.moments.len());
        let mut slots = Vec::with_capacity(places);
        for (number, moment) in (0..).zip(&risk.moments) {
            slots.resize(moment.event_rows().end, 2 * number);
            slots.resize(moment.rows.end, 2 * number + 1);
        }
        let mut ends = vec![0; moments];
        let mut start = 0;
        for piece in risk.pieces.iter().filter(|piece| piece.last) {
            ends[start..piece.moments.end].fill(piece.moments.end as u32);
            start = piece.moments.end;
        }
        let rows = if moments * MANY <= places {
            Rows::BySlot(Counts::new(2 * moments))
        } else {
            Rows::ByPlace(Marks::new(places))
        };
        Self { risk, slots, ends, rows, late: risk.missed.as_ref().map(|_| Counts::new(moments)) }
    }

    fn take(&mut self, place: u32, slot: u32) {
        match &mut self.rows {
            Rows::BySlot(counts) => counts.add(slot as usize, 1),
            Rows::ByPlace(marks) => marks.set(place as usize),
        }
        if let (Some(late), Some(missed)) = (&mut self.late, &self.risk.missed)
            && missed[place as usize] != NONE
        {
            late.add(missed[place as usize] as usize, 1);
        }
    }

    /// Of those seen, how many were at risk at the event of a slot and had it later, if at all; none where there is no event.
    fn after(&self, slot: u32) -> i64 {
        let slot = slot as usize;
        if slot % 2 == 1 {
            return 0;
        }
        let (moment, end) = (slot / 2, self.ends[slot / 2] as usize);
        let rows = match &self.rows {
            Rows::BySlot(counts) => counts.from(slot + 1, 2 * end),
            Rows::ByPlace(marks) => {
                let last = self.risk.moments[end - 1].rows.end;
                marks.before(last) - marks.before(self.risk.moments[moment].event_rows().end)
            }
        };
        rows - self.late.as_ref().map_or(0, |late| late.from(moment, end))
    }
}
