//! The room's side: takes packages in, opens them (section 12.1), gives dense ids, writes the room's files.
//!
//! Opening is a chain of checks before anything is written, and one rename at the end: when any check fails nothing of
//! the package is visible in the room, and a signed receipt says why. The linking key is in memory only while a package
//! is opened; the vault that remembers who is who is sealed with the room's key.

mod files;
mod opening;
mod service;
mod sql;
mod vault;

use std::path::Path;

use audit::{Action, Detail, Kind};
use protocol::Directory;
use protocol::ids::DeliveryId;

pub use service::{Intake, IntakeOptions, IntakeSecret, OpenOutcome, RoomDelivery};

use crate::DeliveryError;
use crate::package;

const TAKE: Action = Action::new(Kind::Release, "intake.take", &[("from", Detail::Code)]);
const OPEN: Action = Action::new(
    Kind::Release,
    "intake.open",
    &[("manifest", Detail::Digest), ("receipt", Detail::Digest), ("source", Detail::Code), ("sequence", Detail::Int)],
);
const REJECT: Action = Action::new(Kind::Release, "intake.reject", &[("receipt", Detail::Digest)]);

/// What `hap room verify` says of a package.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Verified {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Permit series.
    pub series: String,
    /// The source.
    pub source: String,
    /// Which delivery of the source.
    pub sequence: u32,
    /// The room that can open it.
    pub room: String,
    /// Objects.
    pub objects: usize,
    /// Bytes of all objects.
    pub bytes: u64,
    /// Digest of the signed manifest.
    pub manifest: String,
    /// The release in the ledger.
    pub release: String,
}

/// Checks a package without opening it: signature of the source, digest and length of every object, receipt of the
/// ledger. Needs only the package and the published key list (DEL-061).
///
/// # Errors
/// [`DeliveryError::Rejected`] with a code of DEL-101.
pub fn verify_package(dir: &Path, directory: &Directory) -> Result<Verified, DeliveryError> {
    let outside = package::verify_outside(dir, directory)?;
    let manifest = outside.digest().to_string();
    let m = outside.manifest;
    Ok(Verified {
        delivery_id: m.delivery_id,
        series: m.series,
        source: m.source,
        sequence: m.sequence,
        room: m.room.to_string(),
        objects: m.files.len(),
        bytes: m.files.iter().map(|f| f.bytes).sum(),
        manifest,
        release: m.ledger_release_id.to_string(),
    })
}

/// Exit code of `hap room open` (DEL-136): 0 done, 10 rejected by a check, 11 waiting for the key role, 12 not enough
/// space, 20 internal.
pub fn exit_code(outcome: &Result<OpenOutcome, DeliveryError>) -> u8 {
    match outcome {
        Ok(OpenOutcome { rejected: None, .. }) => 0,
        Ok(OpenOutcome { rejected: Some(code), .. }) if code == "disk_full" => 12,
        Ok(_) => 10,
        Err(DeliveryError::Rejected(_)) => 10,
        Err(DeliveryError::DiskFull { .. }) => 12,
        Err(DeliveryError::Unavailable(_)) => 11,
        Err(DeliveryError::Refused(r)) if r.status() == 503 || r.code == "key_suspended" => 11,
        Err(DeliveryError::Refused(_)) => 10,
        Err(_) => 20,
    }
}
