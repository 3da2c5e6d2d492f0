//! The forms of bytes inside JSON documents (KEY-022): digests, base64, and keys. A secret key prints nothing and is
//! wiped from memory when it is dropped.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A digest: `sha256:` or `blake3:` and 64 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// A text that is not of the form it should have. Says which form, never the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} expected")]
pub struct FormError(&'static str);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// A SHA-256 made elsewhere.
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        Self(format!("sha256:{}", hex::encode(hash)))
    }

    /// A BLAKE3 hash made elsewhere.
    pub fn from_blake3(hash: [u8; 32]) -> Self {
        Self(format!("blake3:{}", hex::encode(hash)))
    }

    /// The text, with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 bytes, whatever the algorithm.
    pub fn bytes(&self) -> [u8; 32] {
        let mut out = [0u8; 32];
        if let Some((_, digits)) = self.0.split_once(':') {
            // The constructors let nothing but 64 hex digits in, so this always fills `out`.
            let _ = hex::decode_to_slice(digits, &mut out);
        }
        out
    }
}

impl FromStr for Digest {
    type Err = FormError;
    fn from_str(text: &str) -> Result<Self, FormError> {
        let digits = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("blake3:"));
        match digits {
            Some(d) if d.len() == 64 && d.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(FormError("a digest (sha256: or blake3: and 64 lower-case hex digits)")),
        }
    }
}
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Bytes written as base64 (standard alphabet, padded; nothing else is read).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Base64(pub Vec<u8>);

impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}
impl AsRef<[u8]> for Base64 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}
impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map(Self).map_err(|_| serde::de::Error::custom(FormError("base64")))
    }
}

/// A public key of 32 bytes (Ed25519 or X25519), written as base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key32(pub [u8; 32]);

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}
impl Serialize for Key32 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(self.0))
    }
}
impl<'de> Deserialize<'de> for Key32 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let bytes = Base64::deserialize(d)?;
        let key = <[u8; 32]>::try_from(bytes.0.as_slice());
        key.map(Self).map_err(|_| serde::de::Error::custom(FormError("32 bytes in base64")))
    }
}

/// A secret key of 32 bytes. It is written only into a key grant, which travels only inside a sealed container.
#[derive(Clone)]
pub struct Secret32(Zeroizing<[u8; 32]>);

impl Secret32 {
    /// Takes the key in.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32")
    }
}
impl Serialize for Secret32 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(STANDARD.encode(*self.0));
        s.serialize_str(&text)
    }
}
impl<'de> Deserialize<'de> for Secret32 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Key32::deserialize(d).map(|key| Self::new(key.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_022_digests_have_one_form() {
        let digest = Digest::sha256(b"");
        assert_eq!(digest.as_str().parse::<Digest>().unwrap(), digest);
        assert_eq!(Digest::from_sha256(digest.bytes()), digest);
        for bad in ["", "sha256:", "SHA256:00", &digest.as_str().to_uppercase(), &digest.as_str()[..70]] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn key_066_a_secret_prints_nothing() {
        let secret = Secret32::new([0x41; 32]);
        assert_eq!(format!("{secret:?}"), "Secret32");
        let text = serde_json::to_string(&secret).unwrap();
        let back: Secret32 = serde_json::from_str(&text).unwrap();
        assert_eq!(back.expose(), secret.expose());
        assert!(serde_json::from_str::<Secret32>("\"AAAA\"").is_err());
    }
}
