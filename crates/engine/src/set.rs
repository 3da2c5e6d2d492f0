//! Keyed identity of sets of persons: count, fingerprint and sketch, added up while the data is scanned (SDC-032).
//! Both are additive, so parts of a scan merge in any order to the same bits.

use crate::keys::RecordKeys;
use crate::lookup::WORD;
use crate::members::Members;
use crate::raw::{Keyed, PersonSet};

/// Binary digits of each of the 64 counters that are kept in slices.
const LANES: usize = 16;
/// Words per lane that the slices have room for.
const ROOM: u32 = (1 << LANES) - 1;
/// Persons added at a time: eight words in each of two lanes, which processors add side by side.
const SIXTEEN: usize = 16;
/// Fingerprints added up side by side.
const SIDES: usize = 4;
/// Persons of a word from which on all of them are read.
const MANY: u32 = 40;

/// The same digit of the counters in two lanes, which are added up at the end.
type Pair = [u64; 2];

/// Adds persons up to a [`PersonSet`]. The caller sees to it that a person is added once.
///
/// The 64 counters of the sketch are kept bit-sliced: digit `k` of all counters is one word. Sixteen persons are added with
/// seven carry-save adders instead of 1024 additions, without a branch; slices are flushed before they overflow.
#[derive(Clone)]
pub(crate) struct SetBuilder {
    keyed: Keyed,
    persons: u64,
    fingerprint: u128,
    slices: [Pair; LANES],
    pending: u32,
    ones: Option<Box<[u32; 64]>>,
}

/// Sum and carry of three words, bit by bit.
#[inline(always)]
fn full_adder(a: Pair, b: Pair, c: Pair) -> (Pair, Pair) {
    let (mut sum, mut carry) = ([0; 2], [0; 2]);
    for lane in 0..2 {
        let half = a[lane] ^ b[lane];
        sum[lane] = half ^ c[lane];
        carry[lane] = a[lane] & b[lane] | half & c[lane];
    }
    (sum, carry)
}

/// The bits of those of sixteen persons who are chosen, 0 for the others; their records are added to the sums.
#[inline(always)]
fn of_sixteen(
    chosen: u64,
    records: &[u128; SIXTEEN],
    bits: &[u64; SIXTEEN],
    sums: &mut [u128; SIDES],
) -> [u64; SIXTEEN] {
    let mut words = *bits;
    if chosen == 0xffff {
        for side in records.as_chunks::<SIDES>().0 {
            sums.iter_mut().zip(side).for_each(|(sum, record)| *sum = sum.wrapping_add(*record));
        }
        return words;
    }
    for (at, side) in records.as_chunks::<SIDES>().0.iter().enumerate() {
        for k in 0..SIDES {
            let all = 0u64.wrapping_sub(chosen >> (at * SIDES + k) & 1);
            words[at * SIDES + k] &= all;
            sums[k] = sums[k].wrapping_add(side[k] & (u128::from(all) << 64 | u128::from(all)));
        }
    }
    words
}

/// The lowest bits of a word, so many.
fn inside(bits: usize) -> u64 {
    u64::MAX >> (WORD - bits.clamp(1, WORD))
}

impl SetBuilder {
    pub(crate) fn new(keyed: Keyed) -> Self {
        Self { keyed, persons: 0, fingerprint: 0, slices: [[0; 2]; LANES], pending: 0, ones: None }
    }

    /// How many persons have been added.
    pub(crate) fn persons(&self) -> u64 {
        self.persons
    }

    #[inline]
    pub(crate) fn add(&mut self, keys: &RecordKeys, person: u32) {
        self.persons += 1;
        self.fingerprint = self.fingerprint.wrapping_add(keys.record()[person as usize]);
        self.add_word(keys.bits()[person as usize]);
    }

    #[inline]
    fn add_word(&mut self, word: u64) {
        self.make_room(1);
        self.carry(0, [word, 0]);
    }

    /// Adds each of these persons.
    pub(crate) fn add_each(&mut self, keys: &RecordKeys, persons: &[u32]) {
        let (sixteens, rest) = persons.as_chunks::<SIXTEEN>();
        for sixteen in sixteens {
            let mut words = [0; SIXTEEN];
            for (word, person) in words.iter_mut().zip(sixteen) {
                self.fingerprint = self.fingerprint.wrapping_add(keys.record()[*person as usize]);
                *word = keys.bits()[*person as usize];
            }
            self.add_sixteen(&words);
        }
        self.persons += (sixteens.len() * SIXTEEN) as u64;
        rest.iter().for_each(|person| self.add(keys, *person));
    }

    /// Adds the persons whose bits are set; bit 0 of the first word is person `first`. Where most of a word are in the set the
    /// others are read too and add nothing, which costs less than telling them apart; where few are, only those are read.
    pub(crate) fn add_words(&mut self, keys: &RecordKeys, first: usize, words: &[u64]) {
        let end = (first + words.len() * WORD).min(keys.len());
        let (records, bits) = (&keys.record()[first..end], &keys.bits()[first..end]);
        // Several sums side by side, so that no addition waits for the one before.
        let mut sums = [0u128; SIDES];
        let mut few = [0; SIXTEEN];
        let mut waiting = 0;
        for (word, (records, bits)) in words.iter().zip(records.chunks(WORD).zip(bits.chunks(WORD))) {
            let (mut left, number) = (*word & inside(records.len()), word.count_ones());
            self.persons += u64::from(left.count_ones());
            if number > MANY
                && let (Some(records), Some(bits)) = (records.first_chunk::<WORD>(), bits.first_chunk::<WORD>())
            {
                let sixteens = records.as_chunks::<SIXTEEN>().0.iter().zip(bits.as_chunks::<SIXTEEN>().0);
                for (at, (records, bits)) in sixteens.enumerate() {
                    let chosen = left >> (at * SIXTEEN) & 0xffff;
                    self.add_sixteen(&of_sixteen(chosen, records, bits, &mut sums));
                }
                continue;
            }
            while left != 0 {
                let at = left.trailing_zeros() as usize;
                left &= left - 1;
                sums[waiting % SIDES] = sums[waiting % SIDES].wrapping_add(records[at]);
                few[waiting] = bits[at];
                waiting += 1;
                if waiting == SIXTEEN {
                    self.add_sixteen(&few);
                    waiting = 0;
                }
            }
        }
        few[..waiting].iter().for_each(|word| self.add_word(*word));
        self.fingerprint = sums.iter().fold(self.fingerprint, |all, sum| all.wrapping_add(*sum));
    }

    #[inline]
    fn add_sixteen(&mut self, words: &[u64; SIXTEEN]) {
        const EACH: usize = SIXTEEN / 2;
        self.make_room(EACH as u32);
        let mut w = [[0; 2]; EACH];
        for (pair, words) in w.iter_mut().zip(words.as_chunks::<2>().0) {
            *pair = *words;
        }
        let [one, two, four, ..] = &mut self.slices;
        let (sum, a) = full_adder(*one, w[0], w[1]);
        let (sum, b) = full_adder(sum, w[2], w[3]);
        let (sum, c) = full_adder(sum, w[4], w[5]);
        let (sum, d) = full_adder(sum, w[6], w[7]);
        *one = sum;
        let (sum, a) = full_adder(*two, a, b);
        let (sum, b) = full_adder(sum, c, d);
        *two = sum;
        let (sum, carry) = full_adder(*four, a, b);
        *four = sum;
        self.carry(3, carry);
    }

    /// Adds a word per lane to digit `from` and carries on.
    #[inline]
    fn carry(&mut self, from: usize, mut carry: Pair) {
        for slice in &mut self.slices[from..] {
            let both = [slice[0] & carry[0], slice[1] & carry[1]];
            *slice = [slice[0] ^ carry[0], slice[1] ^ carry[1]];
            carry = both;
            if carry == [0; 2] {
                break;
            }
        }
    }

    /// Slices count words, also those without a bit.
    #[inline]
    fn make_room(&mut self, words: u32) {
        if self.pending + words > ROOM {
            self.flush();
        }
        self.pending += words;
    }

    fn flush(&mut self) {
        let ones = self.ones.get_or_insert_with(|| Box::new([0; 64]));
        for (k, slice) in self.slices.iter_mut().enumerate() {
            for mut word in std::mem::take(slice) {
                while word != 0 {
                    ones[word.trailing_zeros() as usize] += 1 << k;
                    word &= word - 1;
                }
            }
        }
        self.pending = 0;
    }

    pub(crate) fn merge(&mut self, other: SetBuilder) {
        if other.persons == 0 {
            return;
        }
        let mut other = other;
        other.flush();
        self.persons += other.persons;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        if let Some(theirs) = other.ones {
            let ones = self.ones.get_or_insert_with(|| Box::new([0; 64]));
            ones.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a += b);
        }
    }

    /// This set without those of another, who are all in it.
    pub(crate) fn without(&self, mut other: SetBuilder) -> Self {
        let mut set = self.clone();
        set.flush();
        other.flush();
        set.persons -= other.persons;
        set.fingerprint = set.fingerprint.wrapping_sub(other.fingerprint);
        if let (Some(ones), Some(theirs)) = (&mut set.ones, &other.ones) {
            ones.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a -= b);
        }
        set
    }

    pub(crate) fn finish(mut self) -> PersonSet {
        self.flush();
        let mut sketch = [0i32; 64];
        if let Some(ones) = &self.ones {
            for (s, one) in sketch.iter_mut().zip(ones.iter()) {
                // ones - (persons - ones); the person space has at most 2^31 units.
                *s = (2 * i64::from(*one) - self.persons as i64) as i32;
            }
        }
        PersonSet {
            keyed: self.keyed,
            persons: self.persons,
            fingerprint: self.fingerprint,
            sketch,
            members: Members::default(),
        }
    }
}

/// The sets of many cells, added up in one pass over the rows in their order, where every row is a member of its own. The
/// keys are read as they lie in memory; the sketch bits of a cell wait until there are sixteen.
pub(crate) struct CellSets {
    waiting: Vec<Waiting>,
    sets: Vec<SetBuilder>,
}

#[derive(Clone)]
struct Waiting {
    fingerprint: u128,
    persons: u64,
    bits: [u64; SIXTEEN],
}

impl CellSets {
    /// Without anyone.
    pub(crate) fn new(keyed: Keyed, cells: usize) -> Self {
        let nobody = Waiting { fingerprint: 0, persons: 0, bits: [0; SIXTEEN] };
        Self { waiting: vec![nobody; cells], sets: vec![SetBuilder::new(keyed); cells] }
    }

    /// Adds the rows from `first` on, each to its cell.
    pub(crate) fn add(&mut self, keys: &RecordKeys, first: usize, cell_of_row: &[u32]) {
        let rows = first..first + cell_of_row.len();
        let keys = keys.record()[rows.clone()].iter().zip(&keys.bits()[rows]);
        for (cell, (record, bits)) in cell_of_row.iter().zip(keys) {
            self.put(*cell, *record, *bits);
        }
    }

    /// Adds those of the rows from `first` on that are `chosen`, by their number among them.
    pub(crate) fn add_some(&mut self, keys: &RecordKeys, first: usize, cell_of_row: &[u32], chosen: &[u16]) {
        let rows = first..first + cell_of_row.len();
        let (records, bits) = (&keys.record()[rows.clone()], &keys.bits()[rows]);
        for row in chosen {
            let row = usize::from(*row);
            self.put(cell_of_row[row], records[row], bits[row]);
        }
    }

    /// Adds some of the rows from `first` on, by their number among them, each to its cell where that is `wanted`.
    pub(crate) fn add_each(
        &mut self,
        keys: &RecordKeys,
        first: usize,
        rows: &[u16],
        cells: &[u32],
        wanted: impl Fn(usize) -> bool,
    ) {
        for (row, cell) in rows.iter().zip(cells).filter(|(_, cell)| wanted(**cell as usize)) {
            let row = first + usize::from(*row);
            self.put(*cell, keys.record()[row], keys.bits()[row]);
        }
    }

    #[inline(always)]
    fn put(&mut self, cell: u32, record: u128, bits: u64) {
        let waiting = &mut self.waiting[cell as usize];
        waiting.fingerprint = waiting.fingerprint.wrapping_add(record);
        let at = waiting.persons as usize % SIXTEEN;
        waiting.bits[at] = bits;
        waiting.persons += 1;
        if at == SIXTEEN - 1 {
            self.sets[cell as usize].add_sixteen(&waiting.bits);
        }
    }

    /// The sets by cell.
    pub(crate) fn into_sets(self) -> Vec<SetBuilder> {
        let whole = self.sets.into_iter().zip(self.waiting).map(|(mut set, waiting)| {
            let left = waiting.persons as usize % SIXTEEN;
            waiting.bits[..left].iter().for_each(|bits| set.add_word(*bits));
            SetBuilder { persons: waiting.persons, fingerprint: waiting.fingerprint, ..set }
        });
        whole.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// SDC-032: the sliced counters equal 64 plain additions, and parts merge to the whole.
        #[test]
        fn sdc_032_sliced_counters_equal_plain_ones(persons in 0u32..1500, cut in 0u32..1500) {
            let keys = RecordKeys::derive(&[3; 32], persons);
            let (mut a, mut b) = (SetBuilder::new(Keyed::Persons), SetBuilder::new(Keyed::Persons));
            let mut plain = [0i32; 64];
            for p in 0..persons {
                if p < cut { a.add(&keys, p) } else { b.add(&keys, p) }
                for (bit, s) in plain.iter_mut().enumerate() {
                    *s += if keys.bits()[p as usize] >> bit & 1 == 1 { 1 } else { -1 };
                }
            }
            a.merge(b);
            // By sixteens, as a list and as words, the same persons give the same set.
            let mut listed = SetBuilder::new(Keyed::Persons);
            listed.add_each(&keys, &(0..persons).collect::<Vec<_>>());
            let mut masked = SetBuilder::new(Keyed::Persons);
            let words: Vec<u64> = (0..persons.div_ceil(64)).map(|w| if w % 3 == 0 { u64::MAX } else { 0x0f0f_00ff_1234_8001 }).collect();
            masked.add_words(&keys, 0, &words);
            let mut plainly = SetBuilder::new(Keyed::Persons);
            (0..persons).filter(|p| words[*p as usize / 64] >> (p % 64) & 1 == 1).for_each(|p| plainly.add(&keys, p));
            // So do the cells of a table that are added up side by side.
            let cell_of_row: Vec<u32> = (0..persons).map(|p| p * p % 7 % 3).collect();
            let mut cells = CellSets::new(Keyed::Persons, 3);
            let half = persons as usize / 2;
            cells.add(&keys, 0, &cell_of_row[..half]);
            cells.add(&keys, half, &cell_of_row[half..]);
            for (cell, set) in cells.into_sets().into_iter().enumerate() {
                let mut alone = SetBuilder::new(Keyed::Persons);
                (0..persons).filter(|p| cell_of_row[*p as usize] == cell as u32).for_each(|p| alone.add(&keys, p));
                let (set, alone) = (set.finish(), alone.finish());
                prop_assert_eq!((set.persons, set.fingerprint, set.sketch), (alone.persons, alone.fingerprint, alone.sketch));
            }
            let (masked, plainly, listed) = (masked.finish(), plainly.finish(), listed.finish());
            prop_assert_eq!((masked.persons, masked.fingerprint, masked.sketch), (plainly.persons, plainly.fingerprint, plainly.sketch));
            prop_assert_eq!((listed.persons, listed.sketch), (u64::from(persons), plain));
            let set = a.finish();
            prop_assert_eq!(set.fingerprint, listed.fingerprint);
            prop_assert_eq!(set.sketch, plain);
            prop_assert_eq!(set.persons, u64::from(persons));
            prop_assert_eq!(set.fingerprint, keys.record().iter().fold(0u128, |s, u| s.wrapping_add(*u)));
        }
    }
}
