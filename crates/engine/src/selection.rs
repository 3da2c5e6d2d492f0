//! Which rows of an event variable are asked for: those whose first and last day lie in given stretches, and whose value is
//! one of given codes. What a script says of a spell in words (an interval, conditions on START, STOP and the code) has one
//! form here, so the same rows are known by the same name whatever statements led to them.

use std::ops::Range;
use std::sync::Arc;

use kernel::Date;

/// Days from the first to the last, both included; none when the last comes before the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Days {
    /// First day, days since 1970-01-01.
    pub first: i32,
    /// Last day.
    pub last: i32,
}

impl Days {
    /// Every day, and what stands for an unknown one.
    pub const ALL: Self = Self { first: i32::MIN, last: i32::MAX };

    /// Whether `day` is one of them.
    #[inline]
    pub fn contains(self, day: i32) -> bool {
        self.first <= day && day <= self.last
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.first > self.last
    }

    /// The days of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }
}

/// A choice among the codes of a variable (ENG-012): by their places in the list, so a prefix of a hierarchical list is one
/// range.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CodeSet {
    chosen: Vec<bool>,
    /// Whether places beyond the list are chosen.
    beyond: bool,
}

impl CodeSet {
    /// `chosen` has an entry per code of the list; `beyond` says it of places that no code has.
    pub fn new(chosen: Vec<bool>, beyond: bool) -> Self {
        Self { chosen, beyond }
    }

    /// Whether the code at this place is chosen.
    #[inline]
    pub fn contains(&self, place: u32) -> bool {
        self.chosen.get(place as usize).copied().unwrap_or(self.beyond)
    }

    /// Runs of chosen places below `codes`, ascending.
    pub fn runs(&self, codes: usize) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for place in (0..codes).filter(|place| self.contains(*place as u32)) {
            match runs.last_mut() {
                Some(run) if run.end == place => run.end = place + 1,
                _ => runs.push(place..place + 1),
            }
        }
        runs
    }

    fn and(&self, other: &Self) -> Self {
        let places = self.chosen.len().max(other.chosen.len()) as u32;
        let both = |place| self.contains(place) && other.contains(place);
        Self { chosen: (0..places).map(both).collect(), beyond: self.beyond && other.beyond }
    }

    fn is_whole(&self) -> bool {
        self.beyond && self.chosen.iter().all(|chosen| *chosen)
    }
}

/// Rows of an event variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    starts: Days,
    stops: Days,
    codes: Option<Arc<CodeSet>>,
}

impl Selection {
    /// The rows whose validity meets `[from, to]` (LANG-079).
    pub fn meeting(from: Date, to: Date) -> Self {
        let starts = Days { last: to.days(), ..Days::ALL };
        Self { starts, stops: Days { first: from.days(), ..Days::ALL }, codes: None }
    }

    /// Those of them that begin on one of these days.
    #[must_use]
    pub fn starting(self, days: Days) -> Self {
        Self { starts: self.starts.and(days), ..self }.settled()
    }

    /// Those of them that end on one of these days; [`i32::MAX`] stands for a spell that is ongoing.
    #[must_use]
    pub fn stopping(self, days: Days) -> Self {
        Self { stops: self.stops.and(days), ..self }.settled()
    }

    /// Those of them whose value is one of these codes.
    #[must_use]
    pub fn with_codes(self, codes: &CodeSet) -> Self {
        let codes = match &self.codes {
            Some(before) => before.and(codes),
            None => codes.clone(),
        };
        Self { codes: Some(Arc::new(codes)).filter(|c| !c.is_whole()), ..self }
    }

    /// A spell ends when it begins or later, so each stretch bounds the other.
    fn settled(mut self) -> Self {
        self.stops.first = self.stops.first.max(self.starts.first);
        self.starts.last = self.starts.last.min(self.stops.last);
        self
    }

    /// Days on which the rows begin.
    pub fn starts(&self) -> Days {
        self.starts
    }

    /// Days on which the rows end.
    pub fn stops(&self) -> Days {
        self.stops
    }

    /// Codes of the rows; none when all are asked for.
    pub fn codes(&self) -> Option<&CodeSet> {
        self.codes.as_deref()
    }

    /// Whether no row can be in it, whatever the data.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty() || self.stops.is_empty()
    }

    /// Whether a row is in it.
    #[inline]
    pub fn contains(&self, start: i32, stop: i32, place: Option<u32>) -> bool {
        let coded = |codes: &CodeSet| place.is_some_and(|place| codes.contains(place));
        self.starts.contains(start) && self.stops.contains(stop) && self.codes().is_none_or(coded)
    }

    /// Name of the selection: the same for the same days and codes.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for day in [self.starts.first, self.starts.last, self.stops.first, self.stops.last] {
            hasher.update(&day.to_le_bytes());
        }
        if let Some(codes) = self.codes() {
            hasher.update(&[1, u8::from(codes.beyond)]);
            hasher.update(&codes.chosen.iter().map(|c| u8::from(*c)).collect::<Vec<u8>>());
        }
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// ENG-020: the same rows have one name, however the script came to them.
    #[test]
    fn eng_020_one_name_for_the_same_rows() {
        let all = Selection::meeting(day("2015-01-01"), day("2019-12-31"));
        let from = Days { first: day("2015-01-01").days(), ..Days::ALL };
        let heart = CodeSet::new(vec![false, true, true, false], false);
        let some = CodeSet::new(vec![true, false, true, false], true);
        let once = all.clone().starting(from).with_codes(&CodeSet::new(vec![false, false, true, false], false));
        let twice = all.clone().with_codes(&heart).starting(from).with_codes(&some);
        assert_eq!(once, twice);
        assert_eq!(once.digest(), twice.digest());
        assert_ne!(once.digest(), all.digest());
        assert_eq!(all.clone().with_codes(&CodeSet::new(vec![true; 4], true)), all, "every code is no choice");
        assert_eq!(all.clone().starting(Days { last: i32::MAX, first: i32::MIN }), all);
        // What begins within the interval ends after its first day.
        assert_eq!(all.clone().starting(from).stopping(from), all.clone().starting(from));
        assert!(all.starting(Days { first: day("2020-01-01").days(), ..Days::ALL }).is_empty());
    }

    /// ENG-012: a prefix is one range; places beyond the list are asked for apart.
    #[test]
    fn eng_012_runs_of_codes() {
        let codes = CodeSet::new(vec![true, false, true, true], false);
        assert_eq!(codes.runs(4), [0..1, 2..4]);
        assert_eq!(codes.runs(3), [0..1, 2..3]);
        assert_eq!(codes.runs(9), [0..1, 2..4]);
        assert_eq!(CodeSet::new(vec![true, false], true).runs(4), [0..1, 2..4]);
        assert!(CodeSet::new(Vec::new(), false).runs(4).is_empty());
    }
}
