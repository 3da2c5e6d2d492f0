//! What can go wrong with the log, by what the caller can do about it.

use kernel::{FieldError, Problem};
use store::{MaybeBusy, StoreError};

/// A failed write, read or check of the log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The entry breaks its schema: a fault of the program. The transaction that wanted to write it must not commit
    /// (AUD-001).
    #[error("the audit entry is not valid: {}", .0.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// The log cannot be written now (disk full, folder gone): no change of state may happen (AUD-061).
    #[error("the audit log is not available: {0}")]
    Unavailable(String),
    /// The files of the log are not what they must be.
    #[error("the audit log is damaged: {0}")]
    Damaged(String),
    /// There is no such entry.
    #[error("no such entry in the audit log")]
    NotFound,
    /// A checkpoint or proof was not accepted.
    #[error("not accepted: {0}")]
    Refused(&'static str),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MaybeBusy for AuditError {
    fn is_busy(&self) -> bool {
        matches!(self, AuditError::Store(StoreError::Busy))
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::NotFound => Problem::not_found("entry"),
            AuditError::Refused(code) => Problem::forbidden(code),
            AuditError::Store(e) => e.into(),
            AuditError::Invalid(_) | AuditError::Unavailable(_) | AuditError::Damaged(_) => {
                tracing::error!(%error, "audit");
                Problem::unavailable("the audit log")
            }
        }
    }
}
