//! What tests of several crates share: both databases, a clock that stands still, seeded randomness, keys in memory,
//! whole zones, and channels between them in one process.
//!
//! - [`databases`]: runs a test body on SQLite and on PostgreSQL, which it starts itself.
//! - [`zones`], [`zone`]: an [`audit::Zone`] with everything a service needs, on both databases or on SQLite;
//!   [`durable_postgres_zone`] for measuring.
//! - [`actor`], [`citizen`]: who acts. [`Net`]: zones that call each other.
//! - [`personal_data`]: finds identity numbers and addresses in what a test wrote (AUD-030).
//!
//! Only for tests: nothing of the product depends on it.

mod database;
mod keys;
mod net;
mod people;
mod postgres;
mod zone;

pub use database::{databases, on_sqlite};
pub use keys::{FixedSealer, FixedSigner, Seeded};
pub use net::Net;
pub use people::{actor, citizen, personal_data};
pub use zone::{TestZone, durable_postgres_zone, zone, zone_in, zones};
