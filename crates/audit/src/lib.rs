//! The tamper-evident log of one trust zone: who decided, released, read or ran what, provable for ever.
//!
//! - [`Zone`]: what every service of a zone is given (database, log, clock, randomness, keys).
//! - [`Action`] and [`Entry`]: what is written; [`Log::record`] writes it in the transaction of the event itself, so that
//!   there is no action without its entry (AUD-001, AUD-002).
//! - [`Log`]: the append-only Merkle log in a folder of plain files (tiles, entries, bodies, a signed checkpoint).
//! - [`verify()`], [`Proof`], [`Consistency`]: checking a log or one entry of it, offline, from the files and a public key.
//! - [`Query`]: searching the own log. [`anchor`]: checkpoints of other zones, recorded as entries of this one.
//!
//! What it is not: a debug log, and no place for health data, identity numbers or names (AUD-030).

pub mod anchor;
mod entry;
mod envelope;
mod erase;
mod error;
mod files;
mod log;
pub mod note;
mod proof;
mod search;
mod sequencer;
mod sql;
pub mod tree;
pub mod verify;
mod zone;

pub use anchor::Statement;
pub use entry::{Action, Actor, ActorKind, Counts, Detail, Entry, Kind, Object, Outcome, Purpose};
pub use envelope::Envelope;
pub use error::AuditError;
pub use log::{Log, LogOptions, Status};
pub use note::{Checkpoint, VerifierKey};
pub use proof::{Consistency, Proof, ProofError, prove};
pub use search::{Found, Query};
pub use verify::{Options, Reason, Report, verify};
pub use zone::Zone;
