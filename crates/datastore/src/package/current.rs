//! The current format: HPKE base mode (RFC 9180) with ML-KEM-768 and X25519, HKDF-SHA-256 and AES-256-GCM for the key of
//! the dataset (DATA-052), AES-256-GCM for its chunks (DATA-051).

use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce, Tag};
use hkdf::Hkdf;
use ml_kem::kem::Decapsulate;
use ml_kem::{EncapsulateDeterministic, Encoded, EncodedSizeUser, MlKem768Params};
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use x25519_dalek::{PublicKey as XPublic, StaticSecret};
use zeroize::Zeroizing;

use super::fault;
use super::keyfile::{HybridKey, PublicKey};
use crate::input::Opening;

const INFO: &[u8] = b"microdata-tools symmetric-key encryption";
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x02";
const LABEL: &[u8] = b"\\.//^\\";
const KEM_CIPHERTEXT: usize = 1088;
const ENC: usize = KEM_CIPHERTEXT + 32;
const TAG: usize = 16;
const NONCE: usize = 12;

/// Length of the capsule.
pub(super) const CAPSULE: usize = ENC + 32 + TAG;

/// Opens the key of a dataset.
pub(super) fn open_capsule(capsule: &[u8], key: &HybridKey) -> Result<Zeroizing<[u8; 32]>, Opening> {
    if capsule.len() != CAPSULE {
        return Err(fault(format!("the key capsule has {} bytes, {CAPSULE} expected", capsule.len())));
    }
    let wrong = || fault("the key capsule does not open (wrong key?)");
    let (enc, sealed) = capsule.split_at(ENC);
    let (ciphertext, ephemeral) = enc.split_at(KEM_CIPHERTEXT);
    let ciphertext = ciphertext.try_into().map_err(|_| wrong())?;
    let shared_m = key.kem.decapsulate(&ciphertext).map_err(|()| wrong())?;
    let ephemeral: [u8; 32] = ephemeral.try_into().map_err(|_| wrong())?;
    let shared_x = key.x25519.diffie_hellman(&XPublic::from(ephemeral));
    let own = XPublic::from(&key.x25519);
    let shared = combine(shared_m.as_slice(), shared_x.as_bytes(), &ephemeral, own.as_bytes());
    let (aead, nonce) = schedule(&shared);
    let (body, tag) = sealed.split_at(32);
    let mut plain = Zeroizing::new([0u8; 32]);
    plain.copy_from_slice(body);
    aead.decrypt_in_place_detached(&nonce.into(), b"", &mut *plain, Tag::from_slice(tag)).map_err(|_| wrong())?;
    Ok(plain)
}

/// Seals the key of a dataset to a public key. `entropy` is 32 bytes for ML-KEM and 32 for X25519.
pub(super) fn seal_capsule(dataset_key: &[u8; 32], to: &PublicKey, entropy: &[u8; 64]) -> Option<Vec<u8>> {
    let (m, x) = entropy.split_at(32);
    let m: [u8; 32] = m.try_into().ok()?;
    let x: [u8; 32] = x.try_into().ok()?;
    let encoded = Encoded::<ml_kem::kem::EncapsulationKey<MlKem768Params>>::try_from(to.kem.as_slice()).ok()?;
    let kem = ml_kem::kem::EncapsulationKey::<MlKem768Params>::from_bytes(&encoded);
    let (ciphertext, shared_m) = kem.encapsulate_deterministic(&m.into()).ok()?;
    let secret = StaticSecret::from(x);
    let ephemeral = XPublic::from(&secret);
    let shared_x = secret.diffie_hellman(&XPublic::from(to.x25519));
    let shared = combine(shared_m.as_slice(), shared_x.as_bytes(), ephemeral.as_bytes(), &to.x25519);
    let (aead, nonce) = schedule(&shared);
    let mut sealed = *dataset_key;
    let tag = aead.encrypt_in_place_detached(&nonce.into(), b"", &mut sealed).ok()?;
    let mut out = ciphertext.as_slice().to_vec();
    out.extend_from_slice(ephemeral.as_bytes());
    out.extend_from_slice(&sealed);
    out.extend_from_slice(&tag);
    Some(out)
}

/// The shared secret of X-Wing.
fn combine(m: &[u8], x: &[u8], ephemeral: &[u8; 32], own: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut hasher = Sha3_256::new();
    for part in [m, x, ephemeral, own, LABEL] {
        hasher.update(part);
    }
    Zeroizing::new(hasher.finalize().into())
}

/// The key schedule of RFC 9180 section 5.1, base mode, for sequence number 0.
fn schedule(shared: &[u8; 32]) -> (Aes256Gcm, [u8; NONCE]) {
    let psk_id_hash = extract(b"", b"psk_id_hash", b"").0;
    let info_hash = extract(b"", b"info_hash", INFO).0;
    let mut context = vec![0u8];
    context.extend_from_slice(&psk_id_hash);
    context.extend_from_slice(&info_hash);
    let (_, secret) = extract(shared, b"secret", b"");
    let mut key = Zeroizing::new([0u8; 32]);
    let mut nonce = [0u8; NONCE];
    expand(&secret, b"key", &context, &mut *key);
    expand(&secret, b"base_nonce", &context, &mut nonce);
    (Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&*key)), nonce)
}

fn extract(salt: &[u8], label: &[u8], input: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let labelled = [b"HPKE-v1".as_slice(), SUITE, label, input].concat();
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), &labelled);
    (prk.into(), hkdf)
}

fn expand(secret: &Hkdf<Sha256>, label: &[u8], info: &[u8], out: &mut [u8]) {
    let length = (out.len() as u16).to_be_bytes();
    // At most 32 bytes are asked for: one block, which HKDF always gives.
    let _ = secret.expand_multi_info(&[&length, b"HPKE-v1", SUITE, label, info], out);
}

/// Opens a chunk in place.
pub(super) fn open_chunk(mut chunk: Vec<u8>, key: &[u8; 32]) -> Option<Vec<u8>> {
    if chunk.len() < NONCE + TAG {
        return None;
    }
    let tag = chunk.split_off(chunk.len() - TAG);
    let (nonce, body) = chunk.split_at_mut(NONCE);
    let aead = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key));
    aead.decrypt_in_place_detached(Nonce::from_slice(nonce), b"", body, Tag::from_slice(&tag)).ok()?;
    chunk.drain(..NONCE);
    Some(chunk)
}

/// Seals a chunk.
pub(super) fn seal_chunk(mut plain: Vec<u8>, key: &[u8; 32], nonce: &[u8; NONCE]) -> Option<Vec<u8>> {
    let aead = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key));
    let tag = aead.encrypt_in_place_detached(Nonce::from_slice(nonce), b"", &mut plain).ok()?;
    let mut out = nonce.to_vec();
    out.append(&mut plain);
    out.extend_from_slice(&tag);
    Some(out)
}
