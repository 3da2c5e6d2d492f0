//! Order statistics without sorting everything (ENG-032): the values at some places of the ascending order, exact. Small
//! groups are partitioned in place; large ones are counted by the leading bits of their order first, so that only the
//! values near the wanted places are looked at again.

use std::cmp::Ordering;

use rayon::prelude::*;

/// Groups of at least this many values are counted first.
const LARGE: usize = 1 << 16;
/// Leading bits that values are counted by.
const BITS: u32 = 16;
/// Values per part of a count. Counts are added up, so the parts do not show.
const PART: usize = 1 << 18;

/// The values at `places` (ascending, below the number of values) of the ascending order of `values`, in total order.
pub(crate) fn at_places(values: &[f64], places: &[usize]) -> Vec<f64> {
    if values.len() < LARGE {
        let mut copy = values.to_vec();
        partition(&mut copy, 0, places);
        return places.iter().map(|p| copy[*p]).collect();
    }
    let counts = count(values);
    // The buckets in which wanted places lie: number, first place in it, places wanted.
    let mut buckets: Vec<(usize, usize, Vec<usize>)> = Vec::new();
    let (mut bucket, mut before) = (0, 0);
    for &place in places {
        while before + counts[bucket] <= place {
            before += counts[bucket];
            bucket += 1;
        }
        match buckets.last_mut() {
            Some((last, _, wanted)) if *last == bucket => wanted.push(place),
            _ => buckets.push((bucket, before, vec![place])),
        }
    }
    let mut of_bucket = vec![usize::MAX; counts.len()];
    buckets.iter().enumerate().for_each(|(i, (bucket, ..))| of_bucket[*bucket] = i);
    let parts: Vec<Vec<Vec<f64>>> = values
        .par_chunks(PART)
        .map(|part| {
            let mut found = vec![Vec::new(); buckets.len()];
            for x in part {
                if let Some(list) = found.get_mut(of_bucket[leading(*x)]) {
                    list.push(*x);
                }
            }
            found
        })
        .collect();
    let lists: Vec<Vec<f64>> = (0..buckets.len())
        .into_par_iter()
        .map(|i| {
            let (_, first, wanted) = &buckets[i];
            let mut near: Vec<f64> = parts.iter().flat_map(|part| &part[i]).copied().collect();
            partition(&mut near, *first, wanted);
            wanted.iter().map(|place| near[place - first]).collect()
        })
        .collect();
    lists.concat()
}

/// Moves the values at `places`, counted from `first`, to where ascending order has them.
fn partition(values: &mut [f64], first: usize, places: &[usize]) {
    let Some(middle) = places.get(places.len() / 2) else { return };
    let at = middle - first;
    values.select_nth_unstable_by(at, f64::total_cmp);
    let (low, high) = values.split_at_mut(at);
    let below = places.partition_point(|p| p < middle);
    let above = places.partition_point(|p| p <= middle);
    partition(low, first, &places[..below]);
    if let Some((_, high)) = high.split_first_mut() {
        partition(high, middle + 1, &places[above..]);
    }
}

fn count(values: &[f64]) -> Vec<usize> {
    let parts: Vec<Vec<u32>> = values
        .par_chunks(PART)
        .map(|part| {
            let mut counts = vec![0u32; 1 << BITS];
            part.iter().for_each(|x| counts[leading(*x)] += 1);
            counts
        })
        .collect();
    (0..1 << BITS).map(|bucket| parts.iter().map(|part| part[bucket] as usize).sum()).collect()
}

/// The leading bits of a key that orders numbers as `total_cmp` does.
#[inline]
fn leading(x: f64) -> usize {
    let bits = x.to_bits();
    let flipped = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    (flipped >> (64 - BITS)) as usize
}

/// The three least and the three greatest values, from the outside in; fewer when there are fewer.
pub(crate) struct Extremes {
    pub(crate) least: Vec<f64>,
    pub(crate) greatest: Vec<f64>,
}

impl Extremes {
    pub(crate) fn of(values: &[f64]) -> Self {
        const KEPT: usize = 3;
        let keep = |list: &mut Vec<f64>, x: f64, before: fn(f64, f64) -> bool| {
            if list.len() < KEPT || list.last().is_some_and(|last| before(x, *last)) {
                let at = list.partition_point(|y| !before(x, *y));
                list.insert(at, x);
                list.truncate(KEPT);
            }
        };
        let mut found = Self { least: Vec::with_capacity(KEPT + 1), greatest: Vec::with_capacity(KEPT + 1) };
        for x in values {
            keep(&mut found.least, *x, |a, b| a.total_cmp(&b) == Ordering::Less);
            keep(&mut found.greatest, *x, |a, b| a.total_cmp(&b) == Ordering::Greater);
        }
        found
    }

    /// All of them.
    pub(crate) fn all(&self, number: usize) -> impl Iterator<Item = f64> + '_ {
        // With fewer than twice as many values the two lists overlap.
        let high = number.saturating_sub(self.least.len()).min(self.greatest.len());
        self.least.iter().chain(&self.greatest[..high]).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    proptest! {
        /// ENG-032: the same values as sorting gives, with ties, negative numbers and zeros of both signs.
        #[test]
        fn eng_032_selection_equals_sorting(
            values in prop::collection::vec(prop_oneof![-5i32..5, -1000i32..1000], 1..400),
            shares in prop::collection::btree_set(0usize..400, 0..6),
        ) {
            let values: Vec<f64> = values.iter().map(|x| f64::from(*x) / 4.0 * if x % 7 == 0 { -1.0 } else { 1.0 }).collect();
            let places: Vec<usize> = shares.into_iter().filter(|p| *p < values.len()).collect();
            let order = sorted(&values);
            let found = at_places(&values, &places);
            prop_assert_eq!(found, places.iter().map(|p| order[*p]).collect::<Vec<_>>());
            let extremes = Extremes::of(&values);
            let n = order.len().min(3);
            prop_assert_eq!(&extremes.least, &order[..n]);
            prop_assert_eq!(extremes.greatest.clone(), order.iter().rev().take(n).copied().collect::<Vec<_>>());
            prop_assert_eq!(extremes.all(order.len()).count(), order.len().min(6));
        }
    }

    /// ENG-034: large groups are counted first; one thread and two find the same.
    #[test]
    fn eng_032_large_groups_are_counted_first() {
        let mut state = 1u64;
        let values: Vec<f64> = (0..2 * PART + 17)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f64 - 8_000_000.0) / 3.0
            })
            .collect();
        let last = values.len() - 1;
        let places = [0, 1, 7, last / 4, last / 2, last / 2 + 1, last - 1, last];
        let order = sorted(&values);
        let expected: Vec<f64> = places.iter().map(|p| order[*p]).collect();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| at_places(&values, &places)), expected);
        }
    }
}
