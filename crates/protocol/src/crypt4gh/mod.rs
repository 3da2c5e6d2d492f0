//! Crypt4GH 1.0: the container that every package and every sealed document between zones travels in
//! (`delivery.md` section 6).
//!
//! [`seal`] and [`open`] are for documents that fit in memory; [`Writer`] and [`Reader`] stream; [`readdress`] writes a
//! new header for other recipients and leaves the body as it is; [`keyfile`] reads and writes the key files of the
//! format. What it is not: a signature. The format authenticates each segment but neither their order nor the end of
//! the file (DEL-052), so whoever receives a container checks a signed digest of the whole before using the content.

mod header;
pub mod keyfile;
mod stream;

use std::io::{Read as _, Write as _};

pub use header::{MAX_PACKET, MAX_PACKETS, readdress};
use kernel::Random;
pub use stream::{Reader, SEALED_SEGMENT, SEGMENT, Writer, sealed_len};

/// Why a container was not written or does not open. Carries positions, never content or keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Crypt4ghError {
    /// The file does not begin with the magic word of the format.
    #[error("not a Crypt4GH file")]
    NotCrypt4gh,
    /// Another version of the format than 1.
    #[error("Crypt4GH version {0} is not supported")]
    Version(u32),
    /// No header packet, or more than [`MAX_PACKETS`].
    #[error("the header says {0} packets; 1 to 1000 are allowed")]
    PacketCount(u32),
    /// A header packet shorter than 68 bytes or longer than [`MAX_PACKET`].
    #[error("a header packet says {0} bytes")]
    PacketLength(u32),
    /// The file ends inside the header.
    #[error("the file ends inside the header")]
    HeaderCut,
    /// No packet of the header opens with this key.
    #[error("the container is not addressed to this key")]
    NotForThisKey,
    /// No packet opens with this key, and there are packets of a method that is not known here.
    #[error("header encryption method {0} is not supported")]
    Method(u32),
    /// A packet that opened is of an unknown type.
    #[error("header packet type {0} is not supported")]
    PacketType(u32),
    /// A packet that opened names an unknown method for the data, or has the wrong shape.
    #[error("a header packet has the wrong shape")]
    PacketShape,
    /// More than one edit list.
    #[error("the header holds two edit lists")]
    TwoEditLists,
    /// A key agreement that gives zero: the other side's key is no real key.
    #[error("a public key of low order")]
    WeakKey,
    /// A segment that does not open, or that is too short to be one; counted from 0.
    #[error("segment {0} does not open")]
    BadSegment(u64),
    /// A container for nobody, or for more than [`MAX_PACKETS`].
    #[error("1 to 1000 recipients are needed")]
    Recipients,
    /// Reading or writing failed.
    #[error("reading or writing failed: {0}")]
    Io(std::io::ErrorKind),
}

impl From<std::io::Error> for Crypt4ghError {
    fn from(error: std::io::Error) -> Self {
        match error.get_ref().and_then(|e| e.downcast_ref::<Crypt4ghError>()) {
            Some(inner) => *inner,
            None => Crypt4ghError::Io(error.kind()),
        }
    }
}

impl From<Crypt4ghError> for std::io::Error {
    fn from(error: Crypt4ghError) -> Self {
        match error {
            Crypt4ghError::Io(kind) => kind.into(),
            other => std::io::Error::new(std::io::ErrorKind::InvalidData, other),
        }
    }
}

/// The X25519 public key that belongs to `secret`.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*secret)).to_bytes()
}

/// A container with `plain`, which each of `recipients` (X25519 public keys) can open (DEL-050).
///
/// # Errors
/// [`Crypt4ghError::Recipients`] for an empty list, [`Crypt4ghError::WeakKey`] for a key of low order.
pub fn seal(plain: &[u8], recipients: &[[u8; 32]], random: &dyn Random) -> Result<Vec<u8>, Crypt4ghError> {
    let out = Vec::with_capacity(plain.len() + plain.len() / SEGMENT * 28 + 256 + recipients.len() * 108);
    let mut writer = Writer::new(out, recipients, random)?;
    writer.write_all(plain)?;
    writer.finish()
}

/// The content of a container that is addressed to `secret` (an X25519 private key).
///
/// # Errors
/// What is wrong with the container; nothing of its content is given out then (DEL-051).
pub fn open(bytes: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, Crypt4ghError> {
    let mut out = Vec::with_capacity(bytes.len());
    Reader::new(bytes, secret)?.read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
