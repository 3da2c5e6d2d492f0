//! What the gate tells about a release before anything of it is written or handed out, so that use can be metered and
//! stopped (SDC-170..172).
//!
//! What is counted are the numbers that a release shows, known by the statement that asks and their place in its result: both
//! are known to whoever asks. Were it the sets behind them, whether two sets are the same, and whether one is empty, could be
//! read from what is left of a budget (SDC-172). The sets go along for the patterns that are watched.
//!
//! What it is not: a meter. The durable one is in `explore`.

use engine::raw::PersonSet;

use crate::gate::Stopped;
use crate::keys::{Fingerprint, Sketch};
use crate::reason::Reason;

/// A set that a release asked about.
#[derive(Clone)]
pub struct AskedSet {
    /// The set.
    pub set: Fingerprint,
    /// True number of persons; sealed wherever it is kept.
    pub persons: u64,
    /// The sketch, for populations only: their distances are watched.
    pub population: Option<Sketch>,
    /// Whether the value of another, near set was given (SDC-050).
    pub near: bool,
}

/// What one release asked for.
pub struct Asked<'a> {
    /// The sets, each once, in the order asked; empty ones are not among them.
    pub sets: &'a [AskedSet],
    /// The numbers that are shown, by names of their own: the same for the same place of the result of the same statement.
    pub numbers: &'a [u64],
    /// The refusal, when the rules withhold the whole result.
    pub refused: Option<Reason>,
}

/// Meters releases. Asked once for each, before the ledger is written: what it lets pass is counted durably when it
/// returns, so a process that is killed at any time has counted everything that was handed out.
pub trait Meter {
    /// Counts a release, or stops it.
    ///
    /// # Errors
    /// [`Stopped::Withheld`] with [`Reason::Budget`] when a limit would be passed; [`Stopped::LedgerUnavailable`] when
    /// the count cannot be made durable. Then nothing of the release is written or handed out.
    fn charge(&self, asked: &Asked<'_>) -> Result<(), Stopped>;
}

/// Counts nothing: for tests of the rules, and for examples on made-up sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn charge(&self, _: &Asked<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}

/// The sets of a release at work.
#[derive(Default)]
pub(crate) struct Sets {
    sets: Vec<AskedSet>,
    places: std::collections::HashMap<Fingerprint, usize, crate::sets::ByFingerprint>,
}

impl Sets {
    /// A set was asked about.
    pub(crate) fn ask(&mut self, set: &PersonSet) -> &mut AskedSet {
        let fingerprint = Fingerprint(set.fingerprint);
        let place = *self.places.entry(fingerprint).or_insert_with(|| {
            self.sets.push(AskedSet { set: fingerprint, persons: set.persons, population: None, near: false });
            self.sets.len() - 1
        });
        &mut self.sets[place]
    }

    /// What the meter is told.
    pub(crate) fn asked<'a>(&'a self, numbers: &'a [u64], refused: Option<Reason>) -> Asked<'a> {
        Asked { sets: &self.sets, numbers, refused }
    }
}
