//! What can go wrong with a delivery, by what can be done about it.

use audit::AuditError;
use kernel::{CryptoError, Problem};
use protocol::dsse::DsseError;
use protocol::{CallError, Refusal};
use store::{MaybeBusy, StoreError};

/// A failed step. Carries codes and counts, never a person, a value or a key (KEY-081).
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The step can never succeed as ordered: a person must look at it. The code is stable.
    #[error("stopped: {0}")]
    Stopped(&'static str),
    /// Another zone said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another zone or a place does not answer now; trying again later may help.
    #[error("{0} is not available now")]
    Unavailable(String),
    /// The room's check did not accept the package; the code is one of DEL-101.
    #[error("rejected: {0}")]
    Rejected(&'static str),
    /// There is no such delivery.
    #[error("no such delivery")]
    NotFound,
    /// The caller may not see or do this.
    #[error("not allowed")]
    Forbidden,
    /// The disk is full.
    #[error("the disk is full: {needed} bytes are needed")]
    DiskFull {
        /// Bytes needed.
        needed: u64,
    },
    /// A file cannot be read or written.
    #[error("{what}: {kind}")]
    File {
        /// Which file, relative to its folder.
        what: String,
        /// What happened.
        kind: std::io::ErrorKind,
    },
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of the program or of the installation: keystore, task.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl DeliveryError {
    /// The stable code that goes into events, receipts and the audit log.
    pub fn code(&self) -> &str {
        match self {
            DeliveryError::Stopped(code) | DeliveryError::Rejected(code) => code,
            DeliveryError::Refused(refusal) => &refusal.code,
            DeliveryError::Unavailable(_) => "unavailable",
            DeliveryError::NotFound => "not_found",
            DeliveryError::Forbidden => "forbidden",
            DeliveryError::DiskFull { .. } => "disk_full",
            DeliveryError::File { .. } => "file",
            DeliveryError::Audit(_) => "audit_unavailable",
            DeliveryError::Store(_) => "store_unavailable",
            DeliveryError::Internal(_) => "internal",
        }
    }

    /// Whether the same step may succeed later without anybody doing anything.
    pub fn may_pass(&self) -> bool {
        match self {
            DeliveryError::Refused(refusal) => {
                matches!(refusal.code.as_ref(), "unavailable" | "token_unavailable" | "rate_limited" | "key_suspended")
            }
            DeliveryError::Stopped(_)
            | DeliveryError::Rejected(_)
            | DeliveryError::NotFound
            | DeliveryError::Forbidden => false,
            _ => true,
        }
    }

    pub(crate) fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |e| match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                DeliveryError::DiskFull { needed: 0 }
            }
            kind => DeliveryError::File { what, kind },
        }
    }
}

impl From<CallError> for DeliveryError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => DeliveryError::Refused(refusal),
            CallError::Unreachable { party, .. } | CallError::Untrusted { party, .. } => {
                DeliveryError::Unavailable(format!("the {party} zone"))
            }
        }
    }
}
impl From<DsseError> for DeliveryError {
    fn from(error: DsseError) -> Self {
        DeliveryError::Refused(error.into())
    }
}
impl From<CryptoError> for DeliveryError {
    fn from(_: CryptoError) -> Self {
        DeliveryError::Internal("keystore")
    }
}

impl MaybeBusy for DeliveryError {
    fn is_busy(&self) -> bool {
        match self {
            DeliveryError::Store(e) => e.is_busy(),
            DeliveryError::Audit(e) => e.is_busy(),
            _ => false,
        }
    }
}

impl From<DeliveryError> for Problem {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Stopped(code) | DeliveryError::Rejected(code) => {
                Problem::conflict(code, "look at the delivery's page for the reason")
            }
            DeliveryError::Refused(refusal) => refusal.detail,
            DeliveryError::Unavailable(what) => Problem::unavailable(what),
            DeliveryError::NotFound => Problem::not_found("delivery"),
            DeliveryError::Forbidden => Problem::forbidden("not_your_delivery"),
            DeliveryError::Audit(e) => e.into(),
            DeliveryError::Store(e) => e.into(),
            DeliveryError::DiskFull { .. } | DeliveryError::File { .. } | DeliveryError::Internal(_) => {
                tracing::error!(%error, "delivery");
                Problem::unavailable("the delivery service")
            }
        }
    }
}

impl From<DeliveryError> for Refusal {
    fn from(error: DeliveryError) -> Self {
        let code = error.code().to_owned();
        match error {
            DeliveryError::Refused(refusal) => refusal,
            other => Refusal { code: code.into(), detail: other.into() },
        }
    }
}
