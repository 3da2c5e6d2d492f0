//! Keys in memory and seeded randomness, the same in every run.

use std::sync::Mutex;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use kernel::{CryptoError, KeyId, Random, Sealer, Signer, Verifier};
use rand_core::{RngCore as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// Random bytes that are the same in every run.
pub struct Seeded(Mutex<rand_chacha::ChaCha20Rng>);

impl Seeded {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(rand_chacha::ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// An Ed25519 key made from a name; its id is the one that the protocol gives it.
pub struct FixedSigner(SigningKey);

impl FixedSigner {
    /// The key of a name.
    pub fn named(name: &str) -> Self {
        Self(SigningKey::from_bytes(&Sha256::digest(format!("signer {name}")).into()))
    }
}

impl Signer for FixedSigner {
    fn key_id(&self) -> KeyId {
        protocol::dsse::key_id(&self.public_key())
    }
    fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

impl Verifier for FixedSigner {
    fn verify(&self, key: &KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
        if *key != self.key_id() {
            return Err(CryptoError::UnknownKey(key.clone()));
        }
        let public: VerifyingKey = self.0.verifying_key();
        public
            .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
            .map_err(|_| CryptoError::BadSignature)
    }
}

/// A sealer with a key made from a name. The nonce is a digest of place and content, so the same value at the same place
/// seals to the same bytes: good for tests, not for anything else.
pub struct FixedSealer(ChaCha20Poly1305);

impl FixedSealer {
    /// The sealer of a name.
    pub fn named(name: &str) -> Self {
        let key: [u8; 32] = Sha256::digest(format!("sealer {name}")).into();
        Self(ChaCha20Poly1305::new(&key.into()))
    }
}

impl Sealer for FixedSealer {
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let digest = Sha256::new().chain_update(place).chain_update([0]).chain_update(plain).finalize();
        let nonce = Nonce::from_slice(&digest[..12]);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = self.0.encrypt(nonce, payload).map_err(|_| CryptoError::Unavailable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }
    fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (nonce, sealed) = sealed.split_at_checked(12).ok_or(CryptoError::DoesNotOpen)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.0.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| CryptoError::DoesNotOpen)
    }
}
