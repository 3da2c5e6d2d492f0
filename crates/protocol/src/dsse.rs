//! The signed envelope of every control message (DSSE, KEY-020): canonical JSON as payload, its type, and Ed25519
//! signatures over the pre-authentication encoding `DSSEv1 <len type> <type> <len payload> <payload>`.
//!
//! Whether a key may sign this type of document is a matter of the [`Directory`](crate::Directory), asked for by
//! [`Envelope::open`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use kernel::{CryptoError, KeyId, Signer, Verifier};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::directory::Directory;
use crate::documents::Document;
use crate::form::Base64;

/// The largest control message that is read (KEY-021).
pub const MAX_ENVELOPE: usize = 1 << 20;

/// A payload, its type, and who signed it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// What the payload is, e.g. `application/vnd.hap.permit+json`.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The payload's bytes: canonical JSON.
    pub payload: Base64,
    /// Signatures; all of them must verify, and there is at least one.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Name of the key.
    pub keyid: KeyId,
    /// 64 bytes in base64.
    pub sig: SignatureBytes,
}

/// The 64 bytes of a signature, written as base64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureBytes(pub [u8; 64]);

/// Why an envelope gives no document. The variants are in the order of the checks of KEY-021.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DsseError {
    /// More than [`MAX_ENVELOPE`] bytes.
    #[error("the message is larger than allowed")]
    TooLarge,
    /// Not an envelope.
    #[error("the message is not a signed envelope")]
    BadEnvelope,
    /// A key that is not in the list, or may not sign this.
    #[error("the signing key is not known for this kind of message")]
    UnknownKey,
    /// A signature that does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// Another type, unknown or missing fields, or not in canonical form.
    #[error("the payload is not a valid {0}")]
    BadSchema(&'static str),
}

impl DsseError {
    /// The stable code, as used in refusals and receipts.
    pub const fn code(&self) -> &'static str {
        match self {
            DsseError::TooLarge => "too_large",
            DsseError::BadEnvelope => "bad_encoding",
            DsseError::UnknownKey => "unknown_key",
            DsseError::BadSignature => "bad_signature",
            DsseError::BadSchema(_) => "bad_schema",
        }
    }
}

/// The name of an Ed25519 public key: `ed25519:` and the first 16 hex digits of its SHA-256.
pub fn key_id(public: &[u8; 32]) -> KeyId {
    let hash = Sha256::digest(public);
    KeyId(format!("ed25519:{}", hex::encode(&hash[..8])))
}

/// The bytes that a signature covers.
pub fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Verifies one Ed25519 signature, refusing weak keys and malleable signatures.
///
/// # Errors
/// [`CryptoError::BadSignature`].
pub fn verify_ed25519(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
    let key = VerifyingKey::from_bytes(public).map_err(|_| CryptoError::BadSignature)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    key.verify_strict(message, &signature).map_err(|_| CryptoError::BadSignature)
}

impl Envelope {
    /// Signs `payload` as `payload_type`.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn sign(payload_type: &str, payload: Vec<u8>, signer: &dyn Signer) -> Result<Self, CryptoError> {
        let sig = signer.sign(&pre_authentication(payload_type, &payload))?;
        Ok(Self {
            payload_type: payload_type.to_owned(),
            payload: Base64(payload),
            signatures: vec![Signature { keyid: signer.key_id(), sig: SignatureBytes(sig) }],
        })
    }

    /// Signs a document in its canonical form.
    ///
    /// # Errors
    /// Those of the signer; [`CryptoError::Unavailable`] for a document that has no canonical form.
    pub fn of<D: Document>(document: &D, signer: &dyn Signer) -> Result<Self, CryptoError> {
        let payload = kernel::canonical_json(document).map_err(|_| CryptoError::Unavailable)?;
        Self::sign(D::PAYLOAD_TYPE, payload, signer)
    }

    /// Reads an envelope of at most [`MAX_ENVELOPE`] bytes. Nothing is verified yet.
    ///
    /// # Errors
    /// [`DsseError::TooLarge`], [`DsseError::BadEnvelope`].
    pub fn parse(bytes: &[u8]) -> Result<Self, DsseError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(DsseError::TooLarge);
        }
        let envelope: Self = serde_json::from_slice(bytes).map_err(|_| DsseError::BadEnvelope)?;
        if envelope.signatures.is_empty() || envelope.signatures.len() > 8 {
            return Err(DsseError::BadEnvelope);
        }
        Ok(envelope)
    }

    /// The envelope as canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        kernel::canonical_json(self).unwrap_or_default()
    }

    /// Whether every signature verifies.
    ///
    /// # Errors
    /// [`DsseError::UnknownKey`], [`DsseError::BadSignature`], [`DsseError::BadEnvelope`] when there is none.
    pub fn verify(&self, verifier: &dyn Verifier) -> Result<(), DsseError> {
        if self.signatures.is_empty() {
            return Err(DsseError::BadEnvelope);
        }
        let message = pre_authentication(&self.payload_type, &self.payload.0);
        for signature in &self.signatures {
            verifier.verify(&signature.keyid, &message, &signature.sig.0).map_err(|e| match e {
                CryptoError::UnknownKey(_) => DsseError::UnknownKey,
                _ => DsseError::BadSignature,
            })?;
        }
        Ok(())
    }

    /// The document, when every signature is by a key that `directory` lists for a role that signs documents of this
    /// type, and the payload is this document in canonical form.
    ///
    /// # Errors
    /// The first check that fails, in the order of KEY-021.
    pub fn open<D: Document>(&self, directory: &Directory) -> Result<D, DsseError> {
        self.verify(&directory.signing(D::SIGNED_BY))?;
        if self.payload_type != D::PAYLOAD_TYPE {
            return Err(DsseError::BadSchema(D::NAME));
        }
        read_canonical(&self.payload.0)
    }

    /// Reads the payload without looking at the signature: for showing an own document that was verified when it was
    /// taken in.
    ///
    /// # Errors
    /// [`DsseError::BadSchema`].
    pub fn read_unverified<D: Document>(&self) -> Result<D, DsseError> {
        if self.payload_type != D::PAYLOAD_TYPE {
            return Err(DsseError::BadSchema(D::NAME));
        }
        read_canonical(&self.payload.0)
    }
}

/// A document from bytes that must be its canonical form: two texts of one document would have two digests.
fn read_canonical<D: Document>(bytes: &[u8]) -> Result<D, DsseError> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| DsseError::BadSchema(D::NAME))?;
    if kernel::canonical_json(&value).ok().as_deref() != Some(bytes) {
        return Err(DsseError::BadSchema(D::NAME));
    }
    serde_json::from_value(value).map_err(|_| DsseError::BadSchema(D::NAME))
}

impl Serialize for SignatureBytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(self.0))
    }
}
impl<'de> Deserialize<'de> for SignatureBytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let bytes = Base64::deserialize(d)?;
        let sig = <[u8; 64]>::try_from(bytes.0.as_slice());
        sig.map(Self).map_err(|_| serde::de::Error::custom("64 bytes in base64 expected"))
    }
}
