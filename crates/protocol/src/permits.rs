//! The permit in force now, asked for at every operation (KEY-023, ACC-163): an answer counts for 60 seconds, and when
//! the centre cannot be reached the last answer still counts until it is 15 minutes old; then everything is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Clock, Timestamp};

use crate::calls::{PermitCurrent, PermitCurrentAnswer, ask};
use crate::channel::{CallError, Channel, Refusal, codes};
use crate::directory::Directory;
use crate::documents::Permit;
use crate::dsse::Envelope;
use crate::party::Party;

/// For how long an answer counts.
pub const CACHE_SECONDS: i64 = 60;
/// For how long the last answer counts when the centre cannot be reached.
pub const UNREACHABLE_SECONDS: i64 = 15 * 60;

/// A permit as it stands now. Its signature was verified.
#[derive(Clone, Debug)]
pub struct CurrentPermit {
    /// The document.
    pub permit: Permit,
    /// The envelope it came in.
    pub envelope: Envelope,
    /// Whether it is on hold.
    pub hold: bool,
    /// Title of the project, for the record that citizens see.
    pub title: String,
    /// When the centre said so.
    pub asked_at: Timestamp,
}

/// Asks the centre for permits and remembers the answers for as long as they count.
pub struct Permits {
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    cache: Mutex<HashMap<String, CurrentPermit>>,
}

impl Permits {
    /// Permits as known through `channel`, signed by keys of `directory`.
    pub fn new(channel: Arc<dyn Channel>, directory: Arc<Directory>, clock: Arc<dyn Clock>) -> Self {
        Self { channel, directory, clock, cache: Mutex::default() }
    }

    /// The current version of `series`, live or not.
    ///
    /// # Errors
    /// `permit_not_live` when there is none, `unavailable` when the centre has not answered for 15 minutes.
    pub async fn current(&self, series: &str) -> Result<CurrentPermit, Refusal> {
        let now = self.clock.now();
        let known = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(series).cloned();
        if let Some(known) = known.as_ref().filter(|k| fresh(k, now, CACHE_SECONDS)) {
            return Ok(known.clone());
        }
        match ask(&*self.channel, &Party::Centre, &PermitCurrent { series: series.to_owned() }).await {
            Ok(answer) => self.take_in(series, answer),
            Err(CallError::Refused(refusal)) if refusal.code == codes::NOT_FOUND => {
                self.forget(series);
                Err(Refusal::new(codes::PERMIT_NOT_LIVE))
            }
            Err(CallError::Refused(refusal)) => Err(refusal),
            Err(CallError::Unreachable { .. } | CallError::Untrusted { .. }) => {
                known.filter(|k| fresh(k, now, UNREACHABLE_SECONDS)).ok_or_else(|| Refusal::new(codes::UNAVAILABLE))
            }
        }
    }

    /// The current version of `series`, when it is live: granted, not on hold, inside its days.
    ///
    /// # Errors
    /// As [`Permits::current`], and `permit_not_live`.
    pub async fn live(&self, series: &str) -> Result<CurrentPermit, Refusal> {
        let current = self.current(series).await?;
        if current.permit.is_live(current.hold, self.clock.today()) {
            Ok(current)
        } else {
            Err(Refusal::new(codes::PERMIT_NOT_LIVE))
        }
    }

    /// The live permit with exactly this id: an older version is refused.
    ///
    /// # Errors
    /// As [`Permits::live`].
    pub async fn live_version(&self, permit_id: &str) -> Result<CurrentPermit, Refusal> {
        let series = Permit::series_of(permit_id).ok_or_else(|| Refusal::new(codes::PERMIT_NOT_LIVE))?;
        let current = self.live(series).await?;
        if current.permit.permit_id == permit_id { Ok(current) } else { Err(Refusal::new(codes::PERMIT_NOT_LIVE)) }
    }

    /// Takes in what the centre said (as an answer, or unasked as `permit/changed`), after checking the signature.
    ///
    /// # Errors
    /// The check that failed; `permit_not_live` when it is about another series.
    pub fn take_in(&self, series: &str, answer: PermitCurrentAnswer) -> Result<CurrentPermit, Refusal> {
        let permit: Permit = answer.permit.open(&self.directory)?;
        if permit.series != series || Permit::series_of(&permit.permit_id) != Some(series) {
            return Err(Refusal::new(codes::PERMIT_NOT_LIVE));
        }
        let current = CurrentPermit {
            permit,
            envelope: answer.permit,
            hold: answer.hold,
            title: answer.title,
            asked_at: self.clock.now(),
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(series.to_owned(), current.clone());
        Ok(current)
    }

    /// Forgets what is known of `series`: the next use asks anew.
    pub fn forget(&self, series: &str) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(series);
    }
}

fn fresh(known: &CurrentPermit, now: Timestamp, seconds: i64) -> bool {
    let age = now.micros() - known.asked_at.micros();
    (0..=seconds * 1_000_000).contains(&age)
}
