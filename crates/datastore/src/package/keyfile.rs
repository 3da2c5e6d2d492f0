//! Key files (DATA-053): PEM with an ML-KEM-768 and an X25519 key for the current format, an RSA key for the old one.
//! The little DER that is needed is read here; anything else is refused.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::Random;
use ml_kem::kem::{DecapsulationKey, EncapsulationKey};
use ml_kem::{B32, Encoded, EncodedSizeUser, KemCore, MlKem768, MlKem768Params};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use crate::error::DatastoreError;

/// A file that is no key, or not the key that is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a key file: {0}")]
pub struct KeyFileError(pub &'static str);

/// A private key that opens packages. Its `Debug` shows nothing of it.
pub enum PackageKey {
    /// For the current format.
    Hybrid(Box<HybridKey>),
    /// For the old format.
    Rsa(Box<RsaPrivateKey>),
}

impl std::fmt::Debug for PackageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PackageKey")
    }
}

/// An ML-KEM-768 and an X25519 private key.
pub struct HybridKey {
    pub(super) kem: DecapsulationKey<MlKem768Params>,
    pub(super) x25519: StaticSecret,
}

/// The public key of a recipient of packages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    pub(super) kem: Vec<u8>,
    pub(super) x25519: [u8; 32],
}

const ML_KEM_768: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x02];
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const PUBLIC_KEM: usize = 1184;

impl PackageKey {
    /// Reads a private key file.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn parse(pem: &str) -> Result<Self, KeyFileError> {
        if let Ok(key) = RsaPrivateKey::from_pkcs8_pem(pem).or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem)) {
            return Ok(PackageKey::Rsa(Box::new(key)));
        }
        let (mut kem, mut x25519) = (None, None);
        for der in blocks(pem, "PRIVATE KEY")? {
            let (algorithm, key) = private_key_info(&der).ok_or(KeyFileError("a private key is not PKCS#8"))?;
            match algorithm {
                ML_KEM_768 => kem = Some(kem_private(key).ok_or(KeyFileError("the ML-KEM-768 key cannot be read"))?),
                X25519 => {
                    let key = expect(key, 0x04).and_then(|(k, rest)| rest.is_empty().then_some(k));
                    let key: [u8; 32] =
                        key.and_then(|k| k.try_into().ok()).ok_or(KeyFileError("the X25519 key cannot be read"))?;
                    x25519 = Some(StaticSecret::from(key));
                }
                _ => return Err(KeyFileError("an algorithm other than ML-KEM-768, X25519 or RSA")),
            }
        }
        match (kem, x25519) {
            (Some(kem), Some(x25519)) => Ok(PackageKey::Hybrid(Box::new(HybridKey { kem, x25519 }))),
            _ => Err(KeyFileError("an ML-KEM-768 and an X25519 private key are expected, or an RSA key")),
        }
    }

    /// Reads a private key file from disk.
    ///
    /// # Errors
    /// [`DatastoreError::Usage`] when it is none.
    pub fn read(path: &Path) -> Result<Self, DatastoreError> {
        let text = Zeroizing::new(fs::read_to_string(path).map_err(DatastoreError::io(path))?);
        Self::parse(&text).map_err(|e| DatastoreError::Usage(format!("{}: {e}", path.display())))
    }
}

impl PublicKey {
    /// Reads a public key file.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn parse(pem: &str) -> Result<Self, KeyFileError> {
        let (mut kem, mut x25519) = (None, None);
        for der in blocks(pem, "PUBLIC KEY")? {
            let (algorithm, key) = public_key_info(&der).ok_or(KeyFileError("a public key has the wrong form"))?;
            match algorithm {
                ML_KEM_768 if key.len() == PUBLIC_KEM => kem = Some(key.to_vec()),
                X25519 => x25519 = key.try_into().ok(),
                _ => return Err(KeyFileError("an algorithm other than ML-KEM-768 or X25519")),
            }
        }
        match (kem, x25519) {
            (Some(kem), Some(x25519)) => Ok(Self { kem, x25519 }),
            _ => Err(KeyFileError("an ML-KEM-768 and an X25519 public key are expected")),
        }
    }

    /// Reads a public key file from disk.
    ///
    /// # Errors
    /// [`DatastoreError::Usage`] when it is none.
    pub fn read(path: &Path) -> Result<Self, DatastoreError> {
        let text = fs::read_to_string(path).map_err(DatastoreError::io(path))?;
        Self::parse(&text).map_err(|e| DatastoreError::Usage(format!("{}: {e}", path.display())))
    }
}

/// A new key pair as PEM: public, private.
pub fn generate(random: &dyn Random) -> (String, Zeroizing<String>) {
    let mut seed = Zeroizing::new([0u8; 64]);
    random.fill(&mut *seed);
    let mut secret = Zeroizing::new([0u8; 32]);
    random.fill(&mut *secret);
    let (_, public) = from_seed(&seed);
    let own = x25519_dalek::PublicKey::from(&StaticSecret::from(*secret));
    let spki = |oid: &[u8], key: &[u8]| {
        let algorithm = der(0x30, &der(0x06, oid));
        der(0x30, &[algorithm, der(0x03, &[&[0u8], key].concat())].concat())
    };
    let pkcs8 = |oid: &[u8], key: &[u8]| {
        let algorithm = der(0x30, &der(0x06, oid));
        der(0x30, &[der(0x02, &[0]), algorithm, der(0x04, key)].concat())
    };
    let public = [
        pem("PUBLIC KEY", &spki(ML_KEM_768, public.as_bytes().as_slice())),
        pem("PUBLIC KEY", &spki(X25519, own.as_bytes())),
    ];
    let private = [
        pem("PRIVATE KEY", &pkcs8(ML_KEM_768, &der(0x80, &*seed))),
        pem("PRIVATE KEY", &pkcs8(X25519, &der(0x04, &*secret))),
    ];
    (public.concat(), Zeroizing::new(private.concat()))
}

fn from_seed(seed: &[u8; 64]) -> (DecapsulationKey<MlKem768Params>, EncapsulationKey<MlKem768Params>) {
    let (d, z) = seed.split_at(32);
    let half = |bytes: &[u8]| {
        let mut out = B32::default();
        out.copy_from_slice(bytes);
        out
    };
    MlKem768::generate_deterministic(&half(d), &half(z))
}

/// The private ML-KEM key: a seed `[0]`, the expanded form as octets, or both in a sequence.
fn kem_private(key: &[u8]) -> Option<DecapsulationKey<MlKem768Params>> {
    let seeded = |seed: &[u8]| Some(from_seed(seed.try_into().ok()?).0);
    let expanded = |bytes: &[u8]| {
        let encoded = Encoded::<DecapsulationKey<MlKem768Params>>::try_from(bytes).ok()?;
        Some(DecapsulationKey::from_bytes(&encoded))
    };
    match *key.first()? {
        0x80 => seeded(expect(key, 0x80)?.0),
        0x04 => expanded(expect(key, 0x04)?.0),
        0x30 => seeded(expect(expect(key, 0x30)?.0, 0x04)?.0),
        _ => None,
    }
}

fn blocks(pem: &str, label: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyFileError> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some(at) = rest.find(&begin) {
        let body = &rest[at + begin.len()..];
        let stop = body.find(&end).ok_or(KeyFileError("a PEM block has no end"))?;
        let text: Zeroizing<String> = Zeroizing::new(body[..stop].split_whitespace().collect());
        let der = STANDARD.decode(text.as_bytes()).map_err(|_| KeyFileError("a PEM block is not base64"))?;
        found.push(Zeroizing::new(der));
        rest = &body[stop + end.len()..];
    }
    if found.is_empty() { Err(KeyFileError("no PEM block of the right kind")) } else { Ok(found) }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|i| &text[i..text.len().min(i + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// One DER element.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        n if n < 0x80 => out.push(n as u8),
        n if n < 0x100 => out.extend([0x81, n as u8]),
        n => out.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// Content of a DER element with this tag, and what stands after it.
fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        n if *n < 0x80 => (usize::from(*n), rest),
        0x81 => rest.split_first().map(|(n, rest)| (usize::from(*n), rest))?,
        0x82 => rest.split_first_chunk::<2>().map(|(n, rest)| (usize::from(u16::from_be_bytes(*n)), rest))?,
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

/// Algorithm and key of a PKCS#8 `PrivateKeyInfo`.
fn private_key_info(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, _) = expect(der, 0x30)?;
    let (_, rest) = expect(info, 0x02)?;
    let (algorithm, rest) = expect(rest, 0x30)?;
    let (oid, _) = expect(algorithm, 0x06)?;
    let (key, _) = expect(rest, 0x04)?;
    Some((oid, key))
}

/// Algorithm and key of a `SubjectPublicKeyInfo`.
fn public_key_info(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, _) = expect(der, 0x30)?;
    let (algorithm, rest) = expect(info, 0x30)?;
    let (oid, _) = expect(algorithm, 0x06)?;
    let (bits, _) = expect(rest, 0x03)?;
    let (unused, key) = bits.split_first()?;
    if *unused == 0 { Some((oid, key)) } else { None }
}
