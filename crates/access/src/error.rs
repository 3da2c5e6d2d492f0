//! What can go wrong, by what the caller can do about it.

use audit::AuditError;
use kernel::Problem;
use store::{MaybeBusy, StoreError};

/// Why a use case was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The caller can do something about it.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit log: no audit, no action.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What is stored is not what this program wrote.
    #[error("stored data are damaged: {0}")]
    Damaged(String),
    /// A value cannot be sealed, opened or signed now.
    #[error("the keystore: {0}")]
    Sealing(String),
}

impl MaybeBusy for AccessError {
    fn is_busy(&self) -> bool {
        match self {
            AccessError::Store(e) => e.is_busy(),
            AccessError::Audit(e) => e.is_busy(),
            _ => false,
        }
    }
}

impl From<crate::model::Refusal> for AccessError {
    fn from(refusal: crate::model::Refusal) -> Self {
        AccessError::Problem(refusal.into())
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Problem(problem) => problem,
            AccessError::Store(e) => e.into(),
            AccessError::Audit(e) => e.into(),
            AccessError::Damaged(_) => {
                tracing::error!(%error, "access");
                Problem::unavailable("the case")
            }
            AccessError::Sealing(_) => {
                tracing::error!(%error, "access");
                Problem::unavailable("the keystore")
            }
        }
    }
}
