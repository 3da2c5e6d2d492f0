//! What the zones say to each other, and in which envelope: signed control messages (DSSE), the documents they carry,
//! calls between zones with their checks, and sealed containers.
//!
//! What it is not: a place for decisions. It checks form, signature, role, time and replay; whether something may be
//! done is decided by the area that is asked. It does no I/O, reads no clock and draws no randomness: transport, clock
//! and randomness are handed in.
//!
//! - [`dsse`]: the signed envelope (KEY-020).
//! - [`party`], [`directory`]: who there is, and the published list of their keys.
//! - [`channel`]: the traits [`Channel`] (ask another zone) and [`Service`] (answer one), and why a call gives nothing.
//! - [`peer`]: both of them over a [`peer::Transport`], with the checks of KEY-021.
//! - [`calls`]: every kind of call, its question and its answer.
//! - [`documents`]: the signed documents: permit, linkage plan, order, grant, manifest, receipts.
//! - [`crypt4gh`]: sealed containers.
//! - [`permits`]: the permit in force now, as every zone must ask for it (KEY-023).

pub mod calls;
pub mod channel;
pub mod crypt4gh;
pub mod directory;
pub mod documents;
pub mod dsse;
pub mod form;
pub mod ids;
pub mod party;
pub mod peer;
pub mod permits;

pub use calls::{Call, ask};
pub use channel::{CallError, Channel, Refusal, Service};
pub use directory::{Directory, KeyRole};
pub use documents::Document;
pub use dsse::Envelope;
pub use form::{Base64, Digest, Key32, Secret32};
pub use party::Party;
