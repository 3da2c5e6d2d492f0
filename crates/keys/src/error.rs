//! What can go wrong in the key role. No text here carries an identity number, canonical id, ordinal, pseudonym or key
//! (KEY-081).

use audit::AuditError;
use kernel::{CryptoError, Problem};
use protocol::channel::codes;
use protocol::{CallError, Refusal};
use store::{MaybeBusy, StoreError};

use crate::keystore::KeystoreError;

/// A failed operation of the key role.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Said no, with a code for the caller.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit log: without entry no action.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// A seal or signature.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A file or row is not what it must be.
    #[error("{0} is damaged")]
    Damaged(&'static str),
    /// The index was changed by another process; the operation runs again.
    #[error("the index has changed")]
    Stale,
}

impl KeyError {
    /// A refusal with a code.
    pub(crate) fn refused(code: &'static str) -> Self {
        Refusal::new(code).into()
    }
}

impl MaybeBusy for KeyError {
    fn is_busy(&self) -> bool {
        match self {
            KeyError::Store(e) => e.is_busy(),
            KeyError::Audit(e) => e.is_busy(),
            _ => false,
        }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Refused(refusal) => refusal,
            KeyError::Keystore(_) | KeyError::Crypto(_) => {
                tracing::error!(%error, "keys");
                Refusal::new(codes::TOKEN_UNAVAILABLE)
            }
            _ => {
                tracing::error!(%error, "keys");
                Refusal::new(codes::UNAVAILABLE)
            }
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<CallError> for KeyError {
    fn from(error: CallError) -> Self {
        KeyError::Refused(error.into())
    }
}
