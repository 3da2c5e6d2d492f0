//! What every service of a trust zone is given.

use std::sync::Arc;

use kernel::{Clock, Id, Kind, Random, Sealer, Signer, Timestamp};
use store::Store;

use crate::Log;

/// One trust zone as its services see it: database, audit log, clock, randomness and the keys of the zone's keystore.
/// Cheap to clone.
#[derive(Clone)]
pub struct Zone {
    /// The zone's database.
    pub store: Store,
    /// The zone's audit log.
    pub log: Arc<Log>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness fit for keys.
    pub random: Arc<dyn Random>,
    /// Signs for the zone.
    pub signer: Arc<dyn Signer>,
    /// Seals columns of the zone's database; the place is `table/row/column`.
    pub sealer: Arc<dyn Sealer>,
}

impl Zone {
    /// A new id.
    pub fn id<K: Kind>(&self) -> Id<K> {
        Id::new(self.clock.as_ref(), self.random.as_ref())
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
