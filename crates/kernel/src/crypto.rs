//! Signing, verifying and sealing as traits, so that `store`, `audit` and `disclosure` use keys without
//! naming the key role. The implementations stand on a keystore and are handed in by `hap`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a key, e.g. `ed25519:` and 16 hex digits of the SHA-256 of the public key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a cryptographic operation gave nothing. Carries no secret and no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// A signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The key is not known to the verifier.
    #[error("unknown key {0}")]
    UnknownKey(KeyId),
    /// A sealed value does not open: wrong key, other place, or changed bytes.
    #[error("the sealed value does not open")]
    DoesNotOpen,
    /// The keystore or token cannot be used now.
    #[error("the keystore is not available")]
    Unavailable,
}

/// Signs with one private key (Ed25519).
pub trait Signer: Send + Sync {
    /// The name of the key.
    fn key_id(&self) -> KeyId;
    /// The public key, 32 bytes.
    fn public_key(&self) -> [u8; 32];
    /// A signature over `message`, 64 bytes.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError>;
}

/// Verifies signatures of the keys it knows.
pub trait Verifier: Send + Sync {
    /// Whether `signature` is the signature of the key `key` over `message`.
    fn verify(&self, key: &KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError>;
}

/// Authenticated encryption for values at rest. `place` (table, row, column) is bound to the ciphertext:
/// a value moved to another place does not open.
pub trait Sealer: Send + Sync {
    /// Encrypts `plain` for `place`.
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, CryptoError>;
    /// Opens what [`Sealer::seal`] made for the same `place`.
    fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError>;
}
