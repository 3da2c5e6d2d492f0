//! A signer for the tests of this crate.
use ed25519_dalek::{Signer as _, SigningKey};
use kernel::{CryptoError, KeyId, Signer};

/// A signer with a fixed seed.
pub struct TestSigner(SigningKey);

impl TestSigner {
    pub fn new(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

impl Signer for TestSigner {
    fn key_id(&self) -> KeyId {
        protocol::dsse::key_id(&self.public())
    }
    fn public_key(&self) -> [u8; 32] {
        self.public()
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        Ok(self.0.sign(message).to_bytes())
    }
}
