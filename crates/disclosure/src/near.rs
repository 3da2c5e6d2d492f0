//! The search for sets that may be near a set (SDC-051): every known set of about the same size is compared, by a mark of
//! 64 bits first and by its sketch where the mark does not rule it out. Rows lie block by block in the order of size,
//! as narrow as their numbers allow, so that a search reads memory from one end to the other.
//!
//! What it does not do: say that two sets are near. That is for [`crate::apart`] and the gate (SDC-052).

use crate::keys::Sketch;

/// Sets below this size have a block for every four sizes; larger ones have 32 blocks for every doubling.
const FINE: u64 = 128;
/// Sets below this size have counters of one byte.
const BYTE: u64 = 128;
/// Sets below this size have counters of two bytes.
const TWO_BYTES: u64 = 1 << 25;
/// No two sets are near that differ by more than this share of the larger one (SDC-052: κ is below it).
const LARGEST_SHARE: f64 = 0.6;
/// How far, in standard deviations, the marks of near sets may differ from what is expected of them.
const SLACK: f64 = 3.0;
/// The same for sums over squared differences.
const SQUARE_SLACK: f64 = 5.0;
/// Rows whose sizes are looked at together.
const RUN: usize = 32;
/// Counters after which a comparison may end.
const STOPS: [usize; 3] = [16, 32, 64];

/// Where the row of a set is.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    block: u16,
    row: u32,
}

/// Known sets by size and sketch.
#[derive(Default)]
pub(crate) struct Near {
    blocks: Vec<Block>,
}

#[derive(Default)]
struct Block {
    /// Persons have ordinals of four bytes, so their number fits them.
    persons: Vec<u32>,
    marks: Vec<u64>,
    ids: Vec<u32>,
    sketches: Sketches,
}

/// The counters of the sets of a block.
enum Sketches {
    Narrow(Vec<[i8; 64]>),
    Wide(Vec<[i16; 64]>),
    Whole(Vec<[i32; 64]>),
}

impl Default for Sketches {
    fn default() -> Self {
        Sketches::Narrow(Vec::new())
    }
}

/// What a set of a certain size must meet to be looked at.
#[derive(Clone, Copy)]
struct Limit {
    /// Bits in which the marks may differ.
    flips: u32,
    /// Sums over the squared differences of the first counters, as many as [`STOPS`] says.
    squares: [i32; 3],
}

/// Sets from this size have one limit for all sizes that can be near: those differ by too little to matter.
const ONE_LIMIT: u64 = 512;

/// The limits of the sizes that can be near. For small sets each is found when the first set of that size is met.
struct Limits {
    persons: u64,
    reach: u64,
    low: u64,
    high: u64,
    one: Option<Limit>,
    known: Vec<Option<Limit>>,
}

impl Limits {
    fn new(persons: u64, reach: u64, low: u64, high: u64) -> Self {
        // The smallest of them may differ by most marks.
        let one = (persons >= ONE_LIMIT).then(|| Limit::between(persons, low, reach));
        let known = if one.is_some() { Vec::new() } else { vec![None; (high - low) as usize + 1] };
        Self { persons, reach, low, high, one, known }
    }

    #[inline]
    fn of(&mut self, other: u64) -> Option<Limit> {
        if self.one.is_some() {
            return self.one.filter(|_| (self.low..=self.high).contains(&other));
        }
        let slot = self.known.get_mut(other.wrapping_sub(self.low) as usize)?;
        Some(*slot.get_or_insert_with(|| Limit::between(self.persons, other, self.reach)))
    }
}

/// The best rows so far, nearest first, then earliest.
struct Best<const N: usize> {
    rows: Vec<(i32, u32)>,
}

impl<const N: usize> Best<N> {
    fn bound(&self) -> i32 {
        if self.rows.len() < N { i32::MAX } else { self.rows[N - 1].0 }
    }

    fn offer(&mut self, square: i32, id: u32) {
        let at = self.rows.partition_point(|row| *row < (square, id));
        if at < N {
            self.rows.insert(at, (square, id));
            self.rows.truncate(N);
        }
    }
}

impl Near {
    /// Adds a set that has members; `id` comes back from a search.
    pub(crate) fn insert(&mut self, id: u32, persons: u64, sketch: &Sketch) -> Row {
        let at = block_of(persons);
        while self.blocks.len() <= at {
            self.blocks.push(Block::new(self.blocks.len()));
        }
        let block = &mut self.blocks[at];
        let row = block.ids.len() as u32;
        block.persons.push(u32::try_from(persons).unwrap_or(u32::MAX));
        block.marks.push(mark(sketch));
        block.ids.push(id);
        block.sketches.push(sketch);
        Row { block: at as u16, row }
    }

    /// Size and sketch of a set.
    pub(crate) fn get(&self, at: Row) -> (u64, Sketch) {
        let (block, row) = (&self.blocks[at.block as usize], at.row as usize);
        (block.persons[row].into(), block.sketches.get(row))
    }

    /// The `N` nearest by sketch among those that can be within `reach` persons, with the mean squared difference of their
    /// counters: nearest first, then earliest.
    pub(crate) fn nearest<const N: usize>(&self, persons: u64, sketch: &Sketch, reach: u64) -> Vec<(f64, u32)> {
        let least = ((1.0 - LARGEST_SHARE) * persons as f64).ceil() as u64;
        let most = (persons as f64 / (1.0 - LARGEST_SHARE)).floor() as u64;
        let (low, high) = (persons.saturating_sub(reach).max(least).max(1), (persons + reach).min(most));
        if high < low || self.blocks.len() <= block_of(low) {
            return Vec::new();
        }
        let mut limits = Limits::new(persons, reach, low, high);
        let (own, mut best) = (mark(sketch), Best::<N> { rows: Vec::with_capacity(N + 1) });
        for block in self.blocks.iter().take(block_of(high) + 1).skip(block_of(low)) {
            match &block.sketches {
                Sketches::Narrow(rows) => block.search(rows, &mut limits, own, sketch, &mut best),
                Sketches::Wide(rows) => block.search(rows, &mut limits, own, sketch, &mut best),
                Sketches::Whole(rows) => block.search(rows, &mut limits, own, sketch, &mut best),
            }
        }
        best.rows.into_iter().map(|(square, id)| (f64::from(square) / 64.0, id)).collect()
    }
}

impl Block {
    fn new(at: usize) -> Self {
        let sketches = if at < block_of(BYTE) {
            Sketches::Narrow(Vec::new())
        } else if at < block_of(TWO_BYTES) {
            Sketches::Wide(Vec::new())
        } else {
            Sketches::Whole(Vec::new())
        };
        Self { sketches, ..Self::default() }
    }

    fn search<T: Counter, const N: usize>(
        &self,
        sketches: &[[T; 64]],
        limits: &mut Limits,
        own: u64,
        sketch: &Sketch,
        best: &mut Best<N>,
    ) {
        let (low, sizes) = (limits.low as u32, (limits.high - limits.low) as u32);
        for (run, some) in self.persons.chunks(RUN).enumerate() {
            // Most runs have no set of the right size; that is seen for many of them at once.
            if some.iter().fold(u32::MAX, |least, persons| least.min(persons.wrapping_sub(low))) > sizes {
                continue;
            }
            for (i, persons) in some.iter().enumerate() {
                let row = run * RUN + i;
                let Some(limit) = limits.of((*persons).into()) else { continue };
                if (own ^ self.marks[row]).count_ones() > limit.flips {
                    continue;
                }
                let Limit { squares: [some, half, all], .. } = limit;
                if let Some(square) = square_within(&sketch.0, &sketches[row], [some, half, all.min(best.bound())]) {
                    best.offer(square, self.ids[row]);
                }
            }
        }
    }
}

impl Sketches {
    fn push(&mut self, sketch: &Sketch) {
        match self {
            Sketches::Narrow(rows) => rows.push(sketch.0.map(|s| s as i8)),
            // A counter of a set of this size lies beyond two bytes in one of 10^30 cases; it would be found as far away.
            Sketches::Wide(rows) => rows.push(sketch.0.map(|s| s.clamp(i16::MIN.into(), i16::MAX.into()) as i16)),
            Sketches::Whole(rows) => rows.push(sketch.0),
        }
    }

    fn get(&self, row: usize) -> Sketch {
        Sketch(match self {
            Sketches::Narrow(rows) => rows[row].map(i32::from),
            Sketches::Wide(rows) => rows[row].map(i32::from),
            Sketches::Whole(rows) => rows[row],
        })
    }
}

impl Limit {
    /// What near sets of these sizes keep, all but a few of a thousand of the farthest.
    fn between(persons: u64, other: u64, reach: u64) -> Self {
        let larger = persons.max(other) as f64;
        let apart = (reach as f64).min(LARGEST_SHARE * larger);
        // Two counters are sums over common and other persons: their signs differ as often as the angle between them says.
        let common = (persons as f64 + other as f64 - apart) / 2.0;
        let likeness = (common / (persons as f64 * other as f64).sqrt()).clamp(-1.0, 1.0);
        let share = likeness.acos() / std::f64::consts::PI;
        let flips = 64.0 * share + SLACK * (64.0 * share * (1.0 - share)).sqrt() + 1.0;
        // The squared difference of a counter is the number of persons in between on average; the sum over several varies as
        // a sum of squared normal numbers does.
        let square = |counters: usize| {
            let expected = counters as f64 * apart;
            let most = expected + SQUARE_SLACK * apart * (2.0 * counters as f64).sqrt();
            most.ceil().min(f64::from(i32::MAX / 2)) as i32
        };
        Self { flips: flips.ceil() as u32, squares: STOPS.map(square) }
    }
}

/// The block of a size: sizes in order, blocks in order.
fn block_of(persons: u64) -> usize {
    if persons < FINE {
        return (persons / 4) as usize;
    }
    let persons = persons.min(u64::from(u32::MAX));
    let doubling = persons.ilog2();
    let within = (persons >> (doubling - 5)) & 31;
    (FINE / 4) as usize + ((doubling - FINE.ilog2()) * 32) as usize + within as usize
}

/// The signs of the counters.
fn mark(sketch: &Sketch) -> u64 {
    sketch.0.iter().enumerate().fold(0, |mark, (b, s)| mark | u64::from(*s > 0) << b)
}

/// A counter as it is kept.
trait Counter: Copy {
    /// The squared difference from another counter, or something beyond every limit.
    fn squared(self, own: i32) -> i32;
}

impl Counter for i8 {
    /// Sets of this size and near it have counters below 200, so two bytes are enough, which processors multiply faster.
    #[inline]
    fn squared(self, own: i32) -> i32 {
        let apart = own as i16 - i16::from(self);
        i32::from(apart) * i32::from(apart)
    }
}

impl Counter for i16 {
    #[inline]
    fn squared(self, own: i32) -> i32 {
        i32::from(self).squared(own)
    }
}

impl Counter for i32 {
    #[inline]
    fn squared(self, own: i32) -> i32 {
        // Beyond this the limit is passed in any case, and the sum of 64 squares stays within an i32.
        let apart = (own - self).clamp(-5000, 5000);
        apart * apart
    }
}

/// The sum over the squared differences, where it exceeds none of the bounds on the way.
#[inline]
fn square_within<T: Counter>(own: &[i32; 64], other: &[T; 64], bounds: [i32; 3]) -> Option<i32> {
    let (mut sum, mut from) = (0, 0);
    for (stop, bound) in STOPS.into_iter().zip(bounds) {
        sum += own[from..stop].iter().zip(&other[from..stop]).map(|(own, other)| other.squared(*own)).sum::<i32>();
        if sum > bound {
            return None;
        }
        from = stop;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{GateKeys, RecordKey, person_id};

    fn records(count: u64) -> Vec<RecordKey> {
        let keys = GateKeys::new([5; 32], [6; 32]);
        (0..count).map(|p| keys.record(&person_id(p))).collect()
    }

    fn sketch<'a>(people: impl IntoIterator<Item = &'a RecordKey>) -> Sketch {
        let mut sketch = Sketch::default();
        people.into_iter().for_each(|record| sketch.add(*record));
        sketch
    }

    /// Blocks follow the sizes, without gap and without end.
    #[test]
    fn blocks_are_in_the_order_of_size() {
        let mut last = 0;
        for size in (0..20_000).chain((20_000..8_000_000).step_by(997)).chain([u64::from(u32::MAX), u64::MAX]) {
            let block = block_of(size);
            assert!(block >= last, "{size}");
            assert!(size > 20_000 || block <= last + 1, "{size}");
            last = block;
        }
        assert!(last < 1000);
    }

    /// SDC-051: near sets of every size are found among ten thousand others, and at the end of the radius nearly all are.
    #[test]
    fn sdc_051_near_sets_are_found_among_many() {
        let people = records(30_000);
        for (size, apart, least) in
            [(12, 4, 199), (20, 8, 199), (40, 10, 200), (100, 10, 200), (1000, 10, 200), (40, 16, 196), (1000, 19, 200)]
        {
            let mut near = Near::default();
            let other = |i: usize| &people[i * 7 % 15_000..][..size - size / 8 + i % (size / 4)];
            (0..10_000).for_each(|i| {
                near.insert(i as u32, other(i).len() as u64, &sketch(other(i)));
            });
            let mut found = 0;
            for k in 0..200usize {
                // A set that shares few persons with any other.
                let known: Vec<&RecordKey> =
                    (0..size).map(|j| &people[16_000 + (k * 37 + j * (k + 1)) % 8_999]).collect();
                near.insert(20_000 + k as u32, size as u64, &sketch(known.iter().copied()));
                // Half of the difference are persons less, the other half persons more.
                let (less, more) = (apart / 2, apart - apart / 2);
                let own = sketch(known[less..].iter().copied().chain(&people[25_000 + k..][..more]));
                let slots = near.nearest::<4>((size - less + more) as u64, &own, 20);
                assert!(slots.windows(2).all(|w| w[0].0 <= w[1].0) && slots.len() <= 4);
                found += usize::from(slots.iter().any(|(_, id)| *id == 20_000 + k as u32));
            }
            assert!(found >= least, "{found} of 200 sets of {size} at a distance of {apart}");
        }
    }

    /// A set comes back as it was put in, whatever its size.
    #[test]
    fn rows_are_kept_as_they_are() {
        let mut near = Near::default();
        for (persons, scale) in [(9, 1), (127, 3), (128, 3), (5_500_000, 190), (60_000_000, 9_000)] {
            let sketch = Sketch(std::array::from_fn(|b| (b as i32 - 31) * scale));
            let at = near.insert(1, persons, &sketch);
            assert!(near.get(at) == (persons, sketch));
        }
    }
}
