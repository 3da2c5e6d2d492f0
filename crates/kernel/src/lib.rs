//! The words that every part of `hap` shares: typed ids, instants and dates, clock and randomness
//! as parameters, languages, national identity numbers, canonical JSON, error classes.
//!
//! What it is not: a place for helpers. It does no I/O, reads no clock and draws no randomness;
//! callers hand those in as [`Clock`] and [`Random`].

mod canonical;
pub mod criteria;
mod crypto;
mod id;
pub mod identity_number;
mod lang;
mod problem;
mod random;
mod time;
pub mod workdays;

pub use canonical::{CanonicalError, canonical_json, sha256_hex};
pub use crypto::{CryptoError, KeyId, Sealer, Signer, Verifier};
pub use id::{Id, IdError, Kind};
pub use identity_number::IdentityNumber;
pub use lang::{LangMap, Language};
pub use problem::{FieldError, Problem};
pub use random::Random;
pub use time::{Clock, Date, DateError, FixedClock, Period, Timestamp};
