//! What a keystore is to the rest of the program: a [`Signer`], a [`Sealer`], a key that others seal for. Each is made
//! once at start and holds its key for the life of the process.

use std::sync::Arc;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use ed25519_dalek::{Signer as _, SigningKey};
use kernel::{CryptoError, KeyId, Random, Sealer, Signer};
use protocol::crypt4gh;
use protocol::dsse::key_id;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::soft::SoftKeystore;
use super::{KeyClass, KeySpec, Keystore as _, KeystoreError, Secret};

impl SoftKeystore {
    /// The Ed25519 signer `label`, e.g. `audit`, `channel`; made at first use.
    ///
    /// # Errors
    /// Those of the keystore.
    pub fn signer(&self, label: &str) -> Result<Arc<dyn Signer>, KeystoreError> {
        let secret = self.role_key(KeyClass::Signing, label)?;
        Ok(Arc::new(SoftSigner(SigningKey::from_bytes(&secret))))
    }

    /// The sealer `label`, e.g. `table`; made at first use.
    ///
    /// # Errors
    /// Those of the keystore.
    pub fn sealer(&self, label: &str) -> Result<Arc<dyn Sealer>, KeystoreError> {
        self.sealer_of(KeyClass::Storage, label)
    }

    /// The X25519 key `label` that others seal for, e.g. `seal`; made at first use.
    ///
    /// # Errors
    /// Those of the keystore.
    pub fn x25519(&self, label: &str) -> Result<SealingKey, KeystoreError> {
        let secret = self.role_key(KeyClass::Sealing, label)?;
        let public = PublicKey::from(&StaticSecret::from(*secret)).to_bytes();
        Ok(SealingKey { secret, public })
    }

    /// A symmetric key of this process for `label`, derived for nothing else, e.g. the gate's keys of a store that is
    /// marked synthetic.
    ///
    /// # Errors
    /// Those of the keystore.
    pub fn secret(&self, label: &str) -> Result<Secret, KeystoreError> {
        self.role_key(KeyClass::Gate, label)
    }

    pub(crate) fn sealer_of(&self, class: KeyClass, label: &str) -> Result<Arc<dyn Sealer>, KeystoreError> {
        let secret = self.role_key(class, label)?;
        Ok(Arc::new(SoftSealer { cipher: Aes256Gcm::new((&*secret).into()), random: self.random() }))
    }

    pub(crate) fn role_key(&self, class: KeyClass, label: &str) -> Result<Secret, KeystoreError> {
        let key = self.generate(&KeySpec::new(class, label))?;
        self.secret_of(key)
    }
}

struct SoftSigner(SigningKey);

impl Signer for SoftSigner {
    fn key_id(&self) -> KeyId {
        key_id(&self.public_key())
    }
    fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

/// AES-256-GCM: version 1, nonce (12 bytes, random), ciphertext and tag; the place is the associated data.
struct SoftSealer {
    cipher: Aes256Gcm,
    random: Arc<dyn Random>,
}

const SEAL_VERSION: u8 = 1;

impl Sealer for SoftSealer {
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut nonce = [0u8; 12];
        self.random.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| CryptoError::Unavailable)?;
        let mut out = Vec::with_capacity(13 + sealed.len());
        out.push(SEAL_VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (nonce, body) = match sealed.split_first() {
            Some((&SEAL_VERSION, rest)) => rest.split_at_checked(12).ok_or(CryptoError::DoesNotOpen)?,
            _ => return Err(CryptoError::DoesNotOpen),
        };
        let payload = Payload { msg: body, aad: place.as_bytes() };
        self.cipher.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| CryptoError::DoesNotOpen)
    }
}

/// An X25519 key that others seal Crypt4GH containers for.
#[derive(Clone)]
pub struct SealingKey {
    secret: Secret,
    public: [u8; 32],
}

impl SealingKey {
    /// The public half, for the list of keys.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The secret half, for a streaming reader.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The content of a container that is addressed to this key.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`].
    pub fn open(&self, container: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        crypt4gh::open(container, &self.secret).map(Zeroizing::new).map_err(|_| CryptoError::DoesNotOpen)
    }
}
