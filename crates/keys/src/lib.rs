//! Central linking-key management (sentral nøkkelforvaltning): identity numbers become ordinals, ordinals become project
//! pseudonyms, citizens learn which projects received data about them and say no; and the keys that make this possible
//! are destroyed when the permit ends.
//!
//! What it is not: it never sees health data, and nothing outside this crate and the binary names the table that leads
//! from identity numbers to ordinals. Other zones ask by message ([`KeyService`] answers the calls of
//! [`protocol::calls`]).
//!
//! - [`keystore`]: keys at rest, with signer, sealer and sealing key for every role.
//! - [`primitives`], [`canonical`], [`pseudonym`]: protocol P1, pure.
//! - [`ledger`]: the release ledger and its sealed files.
//! - [`KeyService`]: everything behind messages; every operation is authorised by party and audited.

mod actions;
pub mod canonical;
mod choices;
mod error;
mod grant;
mod index;
pub mod keystore;
pub mod ledger;
mod lifecycle;
mod plan;
pub mod primitives;
pub mod pseudonym;
mod pseudonyms;
mod receipts;
mod rotation;
mod service;
mod sql;
mod subject;

pub use error::KeyError;
pub use keystore::{SealingKey, SoftKeystore, Unlock};
pub use service::{KeyService, KeyServiceParts};
