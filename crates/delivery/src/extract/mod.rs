//! The data zone's side: takes extraction orders, carries them out step by step, and sends packages to rooms.
//!
//! Every step ends in a named phase that is committed before the next one begins, so a process that is killed anywhere
//! goes on from the last phase when it starts again (DEL-002). What a phase leaves behind lies sealed in the database or
//! encrypted in the outbox; plain rows of persons are in memory only.

#[cfg(test)]
mod agreement;
mod population;
mod rows;
mod send;
mod service;
mod set;
mod source;
mod sql;
mod steps;

pub(crate) use rows::{START, STOP, column_name};
pub use service::{Extraction, ExtractionOptions};

use audit::{Action, Detail, Kind};

const ACCEPT: Action = Action::new(
    Kind::Release,
    "delivery.accept",
    &[("order", Detail::Code), ("source", Detail::Code), ("room", Detail::Code)],
);
const REFUSE: Action = Action::new(Kind::Release, "delivery.refuse", &[("source", Detail::Code)]);
/// Access to person-level data by the service: which columns, by which plan.
const READ: Action = Action::new(
    Kind::Read,
    "delivery.extract",
    &[("source", Detail::Code), ("columns", Detail::Codes), ("plan", Detail::Digest), ("snapshot", Detail::Code)],
);
const SEAL: Action = Action::new(
    Kind::Release,
    "delivery.seal",
    &[("manifest", Detail::Digest), ("release", Detail::Code), ("bytes", Detail::Int)],
);
const SEND: Action = Action::new(Kind::Release, "delivery.send", &[("manifest", Detail::Digest)]);
const DELIVER: Action = Action::new(Kind::Release, "delivery.deliver", &[("manifest", Detail::Digest)]);
const OPENED: Action = Action::new(Kind::Release, "delivery.opened", &[("receipt", Detail::Digest)]);
const FAIL: Action = Action::new(Kind::Release, "delivery.fail", &[("step", Detail::Code)]);
