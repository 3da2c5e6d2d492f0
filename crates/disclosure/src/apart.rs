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

/// By the parity of the distance and by the difference of a counter, the logarithm of how likely that difference is, for
/// every distance of the parity. A difference is odd or even as the distance is, so there is a place for every other one;
/// the last place is that of all larger ones, which say nothing.
static LIKELY: LazyLock<[[[i32; TOLD]; TOLD + 1]; 2]> = LazyLock::new(|| {
    // Half of the persons have the bit and half have not: a row of Pascal's triangle for every distance.
    let mut row = vec![1.0f64];
    let mut table = [[[NEVER; TOLD]; TOLD + 1]; 2];
    for distance in 0..2 * TOLD {
        let places = &mut table[distance % 2];
        for (with, ways) in row.iter().enumerate() {
            if let Some(difference) = (2 * with).checked_sub(distance) {
                // Either sign.
                let logarithm = (ways * if difference == 0 { 1.0 } else { 2.0 }).ln();
                places[difference / 2][distance / 2] = (UNITS * logarithm).round() as i32;
            }
        }
        places[TOLD][distance / 2] = 0;
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
    // The distance is odd or even as the difference of the sizes is, and never below it.
    let places = &LIKELY[(sizes % 2) as usize];
    let mut differences = [0u32; 64];
    for ((difference, a), b) in differences.iter_mut().zip(&one.1.0).zip(&other.1.0) {
        *difference = a.abs_diff(*b);
    }
    let squares: u64 = differences.iter().map(|d| u64::from(*d.min(&(1 << 25))).pow(2)).sum();
    let beyond = differences.iter().fold(0, |all, d| all | d) >= 2 * TOLD as u32;
    // Whole numbers, so four at a time come to the same.
    let mut fits = [0i32; TOLD];
    for four in differences.as_chunks::<4>().0 {
        let [a, b, c, d] = four.map(|d| &places[(d as usize / 2).min(TOLD)]);
        for (at, fits) in fits.iter_mut().enumerate() {
            *fits += a[at] + b[at] + c[at] + d[at];
        }
    }
    let (mut fits_best, mut best) = (NEVER, None);
    for (distance, fits) in (sizes % 2..).step_by(2).zip(fits) {
        if distance >= sizes && fits > fits_best {
            (fits_best, best) = (fits, Some(distance));
        }
    }
    let told = best.filter(|_| !beyond);
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

    /// How often each difference occurs, weighed for each distance by itself: what [`apart`] adds up on the way.
    fn slowly(one: (u64, &Sketch), other: (u64, &Sketch)) -> u64 {
        let sizes = one.0.abs_diff(other.0);
        let differences: Vec<u64> = one.1.0.iter().zip(&other.1.0).map(|(a, b)| a.abs_diff(*b).into()).collect();
        let squares: u64 = differences.iter().map(|d| d.pow(2).min(1 << 50)).sum();
        let ways = |n: u64, k: u64| (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64);
        let fits = |distance: u64| -> i32 {
            let likely = |difference: &u64| {
                // An odd difference at an even distance is looked at as the even one below it.
                let difference = difference / 2 * 2 + distance % 2;
                if difference > distance {
                    return NEVER;
                }
                let ways = ways(distance, (distance + difference) / 2) / 2f64.powi(distance as i32);
                (UNITS * (ways * if difference == 0 { 1.0 } else { 2.0 }).ln()).round() as i32
            };
            differences.iter().map(likely).sum()
        };
        let told = (sizes..32).filter(|d| d % 2 == sizes % 2).map(|d| (fits(d), std::cmp::Reverse(d)));
        let told = told.filter(|(fits, _)| *fits > NEVER).max();
        match told {
            Some((_, std::cmp::Reverse(distance))) if differences.iter().all(|d| *d < 32) => distance,
            _ => ((squares + 32) / 64).max(sizes),
        }
    }

    /// SDC-052: whatever the sketches, also those that no set has, the distance is that of the plain way.
    #[test]
    fn sdc_052_distances_are_those_of_the_plain_way() {
        let keys = GateKeys::new([5; 32], [6; 32]);
        let mut word = 0u128;
        let mut next = |below: u64| {
            word = keys.record(&person_id(word as u64)).key ^ word << 64;
            word as u64 % below
        };
        for round in 0..600 {
            let width = [2, 6, 12, 34, 70, 1 << 20, 1 << 31][round % 7];
            let one = Sketch(std::array::from_fn(|_| next(width) as i32));
            let other = Sketch(std::array::from_fn(|b| one.0[b].wrapping_sub(next(width) as i32)));
            let (persons, less) = (next(300), next(40));
            let (one, other) = ((persons + less, &one), (persons, &other));
            assert_eq!(apart(one, other), slowly(one, other), "{round}");
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
