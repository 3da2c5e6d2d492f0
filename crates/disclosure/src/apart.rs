//! How many persons are in one of two sets only, as their sketches tell it (SDC-052). Each of the 64 counters of the
//! difference of two sketches is a sum of as many coin flips as there are such persons, so how often each difference of
//! counters occurs says how many they are: the likeliest number. For the few persons that nearness is about it is the
//! true number nearly always, at constant work, whatever the sizes of the sets and whether anybody still knows who is in
//! them.
//!
//! What it is not: a rule about which distance is near; that is the gate's.

use std::sync::LazyLock;

use crate::keys::Sketch;

/// Distances of one parity that are compared: 0 to 30, or 1 to 31. Beyond them lies no radius of a policy that makes
/// sense, and the mean of the squares is near enough.
const TOLD: usize = 16;
/// Units of a logarithm: whole numbers are summed side by side.
const UNITS: f64 = 4096.0;
/// The logarithm of what cannot be; the sum of 64 fits an i32.
const NEVER: i32 = -(1 << 24);

/// By distance and difference of a counter, the logarithm of how likely that difference is. A difference is odd or even as
/// the distance is, so there is a place for every other one.
static LIKELY: LazyLock<Vec<[i32; TOLD]>> = LazyLock::new(|| {
    // Half of the persons have the bit and half have not: a row of Pascal's triangle for every distance.
    let mut row = vec![1.0f64];
    let mut table = Vec::with_capacity(2 * TOLD);
    for distance in 0..2 * TOLD {
        let mut likely = [NEVER; TOLD];
        for (with, ways) in row.iter().enumerate() {
            if let Some(difference) = (2 * with).checked_sub(distance) {
                // Either sign.
                let logarithm = (ways * if difference == 0 { 1.0 } else { 2.0 }).ln();
                likely[difference / 2] = (UNITS * logarithm).round() as i32;
            }
        }
        table.push(likely);
        let mut next = vec![0.0; row.len() + 1];
        for (with, ways) in row.iter().enumerate() {
            next[with] += ways / 2.0;
            next[with + 1] += ways / 2.0;
        }
        row = next;
    }
    table
});

/// How many persons are in one of two sets only, from their sizes and sketches.
pub(crate) fn apart(one: (u64, &Sketch), other: (u64, &Sketch)) -> u64 {
    let sizes = one.0.abs_diff(other.0);
    let (mut squares, mut seen) = (0u64, [0i32; TOLD + 1]);
    for (a, b) in one.1.0.iter().zip(&other.1.0) {
        let difference = a.abs_diff(*b);
        squares += u64::from(difference).pow(2).min(1 << 50);
        seen[(difference as usize / 2).min(TOLD)] += 1;
    }
    let (counts, beyond) = seen.split_at(TOLD);
    // The distance is odd or even as the difference of the sizes is, and never below it.
    let (mut fits_best, mut best) = (NEVER, None);
    for (distance, likely) in LIKELY.iter().enumerate().skip((sizes % 2) as usize).step_by(2) {
        let fits: i32 = counts.iter().zip(likely).map(|(n, l)| n * l).sum();
        if distance as u64 >= sizes && fits > fits_best {
            (fits_best, best) = (fits, Some(distance as u64));
        }
    }
    let told = best.filter(|_| beyond == [0]);
    told.unwrap_or_else(|| ((squares + 32) / 64).max(sizes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{GateKeys, RecordKey, person_id};

    fn sketch<'a>(people: impl IntoIterator<Item = &'a RecordKey>) -> Sketch {
        let mut sketch = Sketch::default();
        people.into_iter().for_each(|record| sketch.add(*record));
        sketch
    }

    /// SDC-052: a distance of up to three persons is told exactly, one of up to six nearly always, and whether it is below
    /// the largest radius in nine of ten cases at the edge; sets that are far apart are never told to be near.
    #[test]
    fn sdc_052_small_distances_are_told_exactly() {
        let keys = GateKeys::new([5; 32], [6; 32]);
        let people: Vec<RecordKey> = (0..30_000).map(|p| keys.record(&person_id(p))).collect();
        for (distance, exact, below_seven) in [
            (1, 400, 400..401),
            (2, 400, 400..401),
            (3, 396, 400..401),
            (4, 380, 396..401),
            (6, 280, 330..401),
            (9, 0, 0..16),
            (20, 0, 0..1),
            (60, 0, 0..1),
        ] {
            let (mut right, mut near) = (0, 0);
            for k in 0..400 {
                let common = &people[k * 7..k * 7 + 40];
                let others = &people[3_000 + k * 60..][..distance];
                // As many on either side as can be: the sizes tell nothing then.
                let (less, more) = others.split_at(distance / 2);
                let one = sketch(common.iter().chain(less));
                let other = sketch(common.iter().chain(more));
                let told = apart((40 + less.len() as u64, &one), (40 + more.len() as u64, &other));
                assert_eq!(told % 2, distance as u64 % 2);
                right += usize::from(told == distance as u64);
                near += usize::from(told < 7);
            }
            assert!(right >= exact && below_seven.contains(&near), "{distance}: {right} exact, {near} below seven");
        }
    }

    /// A set is at no distance from itself, and the difference of the sizes is never passed below.
    #[test]
    fn sizes_bound_the_distance() {
        let keys = GateKeys::new([5; 32], [6; 32]);
        let people: Vec<RecordKey> = (0..100).map(|p| keys.record(&person_id(p))).collect();
        let all = sketch(&people);
        assert_eq!(apart((100, &all), (100, &all)), 0);
        for less in 1..=30 {
            let told = apart((100, &all), (100 - less, &sketch(&people[less as usize..])));
            assert!(told >= less && told % 2 == less % 2, "{told} for {less}");
        }
    }
}
