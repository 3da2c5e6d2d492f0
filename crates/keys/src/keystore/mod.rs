//! Keys at rest (section 7). One trait, so that a hardware token can stand behind the same service; [`SoftKeystore`] is
//! the implementation that needs nothing installed. Every role has a keystore of its own; `hap` opens it and hands it on
//! as the kernel's `Signer` and `Sealer`.

mod adapters;
mod files;
mod soft;

pub use adapters::SealingKey;
pub(crate) use files::{make_folder, write as write_file};
pub(crate) use soft::commitment;
pub use soft::{SoftKeystore, Unlock};

use kernel::{CryptoError, Problem, Timestamp};
use protocol::ids::StoredKeyId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::primitives::Block16;

/// A secret of 32 bytes, wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// What a key is for. A key of one class is never used for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyClass {
    /// Permit KEKs: one per permit series.
    Pseudonym,
    /// Release ledger.
    Ledger,
    /// Lookup and sealing of the person index.
    Index,
    /// Sealed columns and files at rest.
    Storage,
    /// Ed25519 signing keys.
    Signing,
    /// X25519 keys that others seal for.
    Sealing,
    /// `K_dataset`, `K_noise`.
    Gate,
    /// Tags of persons in the audit log.
    AuditSubject,
}

/// State of a key (section 8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Made, not yet used.
    Planned,
    /// In use.
    Active,
    /// Every use is refused.
    Suspended,
    /// No new values.
    Deactivated,
    /// Exists no more.
    Destroyed,
    /// May be known to others.
    Compromised,
}

impl KeyState {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyState::Planned => "planned",
            KeyState::Active => "active",
            KeyState::Suspended => "suspended",
            KeyState::Deactivated => "deactivated",
            KeyState::Destroyed => "destroyed",
            KeyState::Compromised => "compromised",
        }
    }

    /// Whether the life cycle knows this transition.
    pub const fn may_become(self, next: KeyState) -> bool {
        use KeyState::{Active, Compromised, Deactivated, Destroyed, Planned, Suspended};
        match (self, next) {
            (Destroyed, _) => false,
            (Compromised, _) => matches!(next, Destroyed),
            (_, Compromised | Destroyed)
            | (Planned | Suspended, Active)
            | (Active, Suspended)
            | (Active | Suspended, Deactivated) => true,
            _ => false,
        }
    }
}

/// What is known of a key without knowing the key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyHeader {
    /// Name of the key.
    pub key_id: StoredKeyId,
    /// What it is for.
    pub class: KeyClass,
    /// Which one of its class, e.g. `audit`; unique within class and epoch.
    pub label: String,
    /// Permit series, for a permit KEK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<String>,
    /// Epoch, from 1.
    pub epoch: u32,
    /// State.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// Generation of the master that it is wrapped under.
    pub generation: u64,
}

/// What to generate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySpec {
    /// What it is for.
    pub class: KeyClass,
    /// Which one of its class.
    pub label: String,
    /// Permit series, for a permit KEK.
    pub permit: Option<String>,
    /// Epoch.
    pub epoch: u32,
}

impl KeySpec {
    /// Epoch 1 of the key `label` of a class.
    pub fn new(class: KeyClass, label: impl Into<String>) -> Self {
        Self { class, label: label.into(), permit: None, epoch: 1 }
    }

    /// The KEK of a permit series.
    pub fn permit(series: &str) -> Self {
        Self { class: KeyClass::Pseudonym, label: "kek".into(), permit: Some(series.to_owned()), epoch: 1 }
    }
}

/// Why a keystore gave nothing. Carries no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// There is no such key, or it is destroyed.
    #[error("no such key")]
    NotFound,
    /// The key's state allows no use.
    #[error("the key is {}", .0.as_str())]
    NotActive(KeyState),
    /// A wrapped key does not open.
    #[error("the wrapped key does not open")]
    DoesNotOpen,
    /// The passphrase or key file does not open this keystore.
    #[error("the passphrase or key file does not open the keystore")]
    WrongUnlock,
    /// A file is not what it must be.
    #[error("keystore file {0} is damaged")]
    Damaged(String),
    /// A file cannot be read or written.
    #[error("keystore file {file}: {reason}")]
    Io {
        /// Name of the file.
        file: String,
        /// What the system says.
        reason: String,
    },
}

impl From<KeystoreError> for CryptoError {
    fn from(_: KeystoreError) -> Self {
        CryptoError::Unavailable
    }
}
impl From<KeystoreError> for Problem {
    fn from(error: KeystoreError) -> Self {
        tracing::error!(%error, "keystore");
        Problem::unavailable("the keystore")
    }
}

/// A place that holds keys and uses them (KEY-061). Keys are named, never handed out, except those that must leave by
/// their nature: what [`Keystore::unwrap`] and [`Keystore::derive`] give is wiped after use.
pub trait Keystore: Send + Sync {
    /// Makes a key, or gives the one that there is with the same class, label, permit and epoch.
    ///
    /// # Errors
    /// [`KeystoreError::Io`].
    fn generate(&self, spec: &KeySpec) -> Result<StoredKeyId, KeystoreError>;

    /// The key with this class, label, permit and epoch, when there is one.
    fn find(&self, spec: &KeySpec) -> Option<StoredKeyId>;

    /// Wraps `key` under the key `kek` (RFC 3394).
    ///
    /// # Errors
    /// [`KeystoreError::NotFound`], [`KeystoreError::NotActive`].
    fn wrap(&self, kek: StoredKeyId, key: &[u8; 32]) -> Result<[u8; 40], KeystoreError>;

    /// Opens what [`Keystore::wrap`] made.
    ///
    /// # Errors
    /// As [`Keystore::wrap`], and [`KeystoreError::DoesNotOpen`].
    fn unwrap(&self, kek: StoredKeyId, wrapped: &[u8; 40]) -> Result<Secret, KeystoreError>;

    /// AES-256-CMAC of `message`.
    ///
    /// # Errors
    /// As [`Keystore::wrap`].
    fn cmac(&self, key: StoredKeyId, message: &[u8]) -> Result<Block16, KeystoreError>;

    /// Encrypts blocks in place, one by one.
    ///
    /// # Errors
    /// As [`Keystore::wrap`].
    fn ecb_blocks(&self, key: StoredKeyId, blocks: &mut [Block16]) -> Result<(), KeystoreError>;

    /// An Ed25519 signature by a key of class [`KeyClass::Signing`].
    ///
    /// # Errors
    /// As [`Keystore::wrap`].
    fn sign(&self, key: StoredKeyId, message: &[u8]) -> Result<[u8; 64], KeystoreError>;

    /// `KDF256` of KEY-065.
    ///
    /// # Errors
    /// As [`Keystore::wrap`].
    fn derive(&self, key: StoredKeyId, label: &str, context: &[u8]) -> Result<Secret, KeystoreError>;

    /// Changes the state of a key.
    ///
    /// # Errors
    /// [`KeystoreError::NotActive`] for a transition that the life cycle does not know.
    fn set_state(&self, key: StoredKeyId, state: KeyState) -> Result<(), KeystoreError>;

    /// Destroys a key for good, so that what was wrapped under it can never be opened again. A crash in the middle
    /// leaves the old state, or a destruction that the next opening finishes.
    ///
    /// # Errors
    /// [`KeystoreError::Io`].
    fn destroy(&self, key: StoredKeyId) -> Result<(), KeystoreError>;

    /// Every key there is.
    fn list(&self) -> Vec<KeyHeader>;

    /// Generation of the master; it rises with every destruction.
    fn generation(&self) -> u64;
}
