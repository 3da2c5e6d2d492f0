//! The sealed file of members of one release, `.hrl` (section 11.1): persons by ordinal in chunks of 65 536, each chunk
//! encrypted by itself, so that one question opens one chunk. All chunks up to the highest ordinal exist and are padded
//! to one of four sizes: without the key the file shows size classes and nothing else.
//!
//! A chunk's nonce is its number, so a file must be written once: the same key never seals two contents.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use protocol::ids::ReleaseId;
use sha2::{Digest as _, Sha256};

use crate::keystore::Secret;
use crate::primitives::kdf256;

const MAGIC: &[u8; 8] = b"HAPRL1\0\0";
const HEADER: usize = 32;
const ENTRY: usize = 16;
const SIZES: [usize; 4] = [64, 512, 4_096, 8_320];
const TAG: usize = 16;
const BITMAP: usize = 8_192;

/// A file that is not a sealed file of members, or not this one. Names no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed file of the release is damaged")]
pub struct HrlError;

/// Seals the members of a release: `members` sorted and distinct, `total` = ordinals dispensed so far, `record` = the
/// canonical public record.
///
/// # Errors
/// [`HrlError`] for members that are not sorted, or not below `total`.
pub fn seal_members(
    ledger_key: &Secret,
    epoch: u32,
    release: ReleaseId,
    record: &[u8],
    members: &[u32],
    total: u32,
) -> Result<Vec<u8>, HrlError> {
    if !members.is_sorted_by(|a, b| a < b) || members.last().is_some_and(|m| *m >= total) {
        return Err(HrlError);
    }
    let seal = Seal::new(ledger_key, release, record);
    let chunks = total.div_ceil(1 << 16).max(1);
    let mut table = Vec::with_capacity(chunks as usize * ENTRY);
    let mut body = Vec::new();
    let mut rest = members;
    for number in 0..chunks {
        let end = rest.partition_point(|m| m >> 16 == number);
        let (here, after) = rest.split_at(end);
        rest = after;
        let low: Vec<u16> = here.iter().map(|m| *m as u16).collect();
        let sealed = seal.seal(number, &plain_chunk(&low))?;
        let offset = HEADER + chunks as usize * ENTRY + body.len();
        table.extend_from_slice(&number.to_le_bytes());
        table.extend_from_slice(&(offset as u64).to_le_bytes());
        table.extend_from_slice(&(sealed.len() as u32).to_le_bytes());
        body.extend_from_slice(&sealed);
    }
    let mut out = Vec::with_capacity(HEADER + table.len() + body.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&release.to_bytes());
    out.extend_from_slice(&epoch.to_le_bytes());
    out.extend_from_slice(&chunks.to_le_bytes());
    out.extend_from_slice(&table);
    out.extend_from_slice(&body);
    Ok(out)
}

/// Bytes that can be read at any place: a slice, or an open file.
pub trait ReadAt {
    /// Fills `buffer` with the bytes from `offset` on; none when there are fewer.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Option<()>;
}

impl ReadAt for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Option<()> {
        let start = usize::try_from(offset).ok()?;
        buffer.copy_from_slice(self.get(start..start.checked_add(buffer.len())?)?);
        Some(())
    }
}

impl ReadAt for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Option<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset).ok()
    }
}

/// A sealed file of members. Only its header and the one chunk that is asked for are read.
pub struct MemberFile<R> {
    file: R,
    epoch: u32,
    chunks: u32,
}

impl<R: ReadAt> MemberFile<R> {
    /// The file of `release`.
    ///
    /// # Errors
    /// [`HrlError`] for another file.
    pub fn open(file: R, release: ReleaseId) -> Result<Self, HrlError> {
        let mut header = [0u8; HEADER];
        file.read_at(&mut header, 0).ok_or(HrlError)?;
        if &header[..8] != MAGIC || header[8..24] != release.to_bytes() {
            return Err(HrlError);
        }
        Ok(Self { file, epoch: u32_at(&header, 24)?, chunks: u32_at(&header, 28)? })
    }

    /// The ledger epoch whose key opens it.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether `ordinal` is a member: opens one chunk.
    ///
    /// # Errors
    /// [`HrlError`] when the chunk does not open under this key and record.
    pub fn contains(
        &self,
        ledger_key: &Secret,
        release: ReleaseId,
        record: &[u8],
        ordinal: u32,
    ) -> Result<bool, HrlError> {
        let number = ordinal >> 16;
        if number >= self.chunks {
            return Ok(false);
        }
        let mut entry = [0u8; ENTRY];
        self.file.read_at(&mut entry, HEADER as u64 + u64::from(number) * ENTRY as u64).ok_or(HrlError)?;
        let offset = u64::from(u32_at(&entry, 4)?) | u64::from(u32_at(&entry, 8)?) << 32;
        let length = u32_at(&entry, 12)? as usize;
        if u32_at(&entry, 0)? != number || length > SIZES[3] + TAG {
            return Err(HrlError);
        }
        let mut sealed = vec![0u8; length];
        self.file.read_at(&mut sealed, offset).ok_or(HrlError)?;
        let plain = Seal::new(ledger_key, release, record).open(number, &sealed)?;
        contains(&plain, ordinal as u16)
    }
}

struct Seal {
    cipher: Aes256Gcm,
    record: [u8; 32],
}

impl Seal {
    fn new(ledger_key: &Secret, release: ReleaseId, record: &[u8]) -> Self {
        let key = kdf256(ledger_key, "hap/ledger/release/v1", release.to_string().as_bytes());
        Self { cipher: Aes256Gcm::new((&*key).into()), record: Sha256::digest(record).into() }
    }

    fn around(&self, number: u32) -> ([u8; 12], [u8; 36]) {
        let (mut nonce, mut aad) = ([0u8; 12], [0u8; 36]);
        nonce[8..].copy_from_slice(&number.to_be_bytes());
        aad[..32].copy_from_slice(&self.record);
        aad[32..].copy_from_slice(&number.to_be_bytes());
        (nonce, aad)
    }

    fn seal(&self, number: u32, plain: &[u8]) -> Result<Vec<u8>, HrlError> {
        let (nonce, aad) = self.around(number);
        let payload = Payload { msg: plain, aad: &aad };
        self.cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| HrlError)
    }

    fn open(&self, number: u32, sealed: &[u8]) -> Result<Vec<u8>, HrlError> {
        let (nonce, aad) = self.around(number);
        let payload = Payload { msg: sealed, aad: &aad };
        let plain = self.cipher.decrypt(Nonce::from_slice(&nonce), payload).map_err(|_| HrlError)?;
        if SIZES.contains(&plain.len()) && sealed.len() == plain.len() + TAG { Ok(plain) } else { Err(HrlError) }
    }
}

/// Type, count, payload and padding: the smallest of the forms.
fn plain_chunk(low: &[u16]) -> Vec<u8> {
    let present = low.len();
    let absent = (1usize << 16) - present;
    let mut out = Vec::with_capacity(SIZES[3]);
    let mut put = |kind: u8, count: usize| {
        out.push(kind);
        out.extend_from_slice(&(count as u16).to_le_bytes());
    };
    if present == 0 {
        put(0, 0);
    } else if present * 2 <= BITMAP && present <= absent {
        put(1, present);
        out.extend(low.iter().flat_map(|v| v.to_le_bytes()));
    } else if absent * 2 <= BITMAP {
        put(3, absent);
        let mut members = low.iter().copied().peekable();
        for value in 0..=u16::MAX {
            if members.next_if_eq(&value).is_none() {
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
    } else {
        put(2, present);
        let mut bits = [0u8; BITMAP];
        for value in low {
            bits[usize::from(value / 8)] |= 1 << (value % 8);
        }
        out.extend_from_slice(&bits);
    }
    let size = SIZES.into_iter().find(|s| *s >= out.len()).unwrap_or(SIZES[3]);
    out.resize(size, 0);
    out
}

fn contains(plain: &[u8], value: u16) -> Result<bool, HrlError> {
    let count = usize::from(u16::from_le_bytes([plain[1], plain[2]]));
    let payload = &plain[3..];
    let list = || {
        let (pairs, _) = payload.get(..count * 2).ok_or(HrlError)?.as_chunks::<2>();
        Ok(pairs.binary_search_by_key(&value, |p| u16::from_le_bytes(*p)).is_ok())
    };
    match plain[0] {
        0 => Ok(false),
        1 => list(),
        2 => payload.get(usize::from(value / 8)).map(|b| b >> (value % 8) & 1 == 1).ok_or(HrlError),
        3 => list().map(|absent| !absent),
        _ => Err(HrlError),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, HrlError> {
    let four = bytes.get(at..at + 4).ok_or(HrlError)?;
    Ok(u32::from_le_bytes(four.try_into().map_err(|_| HrlError)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn release() -> ReleaseId {
        "01JCZK3A5V8W2Q4R6T7Y9B0D1F".parse().unwrap()
    }

    fn ledger_key() -> Secret {
        Zeroizing::new(std::array::from_fn(|i| i as u8))
    }

    /// The check of section 11.1: chunk 3 with ordinals 1, 5, 9.
    #[test]
    fn key_100_check_vector() {
        let record = br#"{"release_id":"01JCZK3A5V8W2Q4R6T7Y9B0D1F"}"#;
        let members: Vec<u32> = [1, 5, 9].map(|o| 3 * 65_536 + o).to_vec();
        let file = seal_members(&ledger_key(), 1, release(), record, &members, 4 * 65_536).unwrap();
        let chunk = &file[file.len() - 80..];
        assert_eq!(
            hex::encode(chunk),
            concat!(
                "c1ac9061a2a04446e868b1201559afeee87a1d61df3bb0a1041367b4b8835231fab4cfc986c05a4efd8492c0de1b92",
                "49cb8327d80b51b4f49783e6791855c343b135e06c25e0bf9e90b503c11091552f"
            )
        );
        let read = MemberFile::open(&file[..], release()).unwrap();
        assert_eq!(read.epoch(), 1);
        let has = |o| read.contains(&ledger_key(), release(), record, o).unwrap();
        assert!(members.iter().all(|m| has(*m)));
        assert!(!has(1) && !has(3 * 65_536 + 2) && !has(9 * 65_536));
    }

    #[test]
    fn another_record_key_or_release_does_not_open() {
        let file = seal_members(&ledger_key(), 1, release(), b"{}", &[7], 10).unwrap();
        let read = MemberFile::open(&file[..], release()).unwrap();
        assert!(read.contains(&ledger_key(), release(), b"{}", 7).unwrap());
        assert_eq!(read.contains(&ledger_key(), release(), b"[]", 7), Err(HrlError));
        assert_eq!(read.contains(&Zeroizing::new([9; 32]), release(), b"{}", 7), Err(HrlError));
        assert!(MemberFile::open(&file[..], ReleaseId::from_bytes([1; 16])).is_err());
        for i in HEADER + ENTRY..file.len() {
            let mut bad = file.clone();
            bad[i] ^= 1;
            let read = MemberFile::open(&bad[..], release()).unwrap();
            assert!(read.contains(&ledger_key(), release(), b"{}", 7).is_err(), "byte {i}");
        }
        assert!(seal_members(&ledger_key(), 1, release(), b"{}", &[7, 7], 10).is_err());
        assert!(seal_members(&ledger_key(), 1, release(), b"{}", &[10], 10).is_err());
    }

    #[test]
    fn sizes_are_those_of_the_classes() {
        for (members, class) in
            [(0u32, 64), (30, 64), (31, 512), (300, 4_096), (4_097, 8_320), (60_000, 8_320), (65_530, 64)]
        {
            let low: Vec<u16> = (0..members).map(|v| v as u16).collect();
            let plain = plain_chunk(&low);
            assert_eq!(plain.len(), class, "{members}");
            for value in 0..=u16::MAX {
                assert_eq!(contains(&plain, value).unwrap(), u32::from(value) < members);
            }
        }
        assert_eq!(plain_chunk(&(0..=u16::MAX).collect::<Vec<_>>())[0], 3);
    }

    proptest! {
        #[test]
        fn every_member_is_found_and_nobody_else(members in proptest::collection::btree_set(0u32..200_000, 0..400)) {
            let sorted: Vec<u32> = members.iter().copied().collect();
            let file = seal_members(&ledger_key(), 1, release(), b"{}", &sorted, 200_000).unwrap();
            let read = MemberFile::open(&file[..], release()).unwrap();
            for ordinal in sorted.iter().copied().chain(sorted.iter().map(|m| m + 1)) {
                prop_assert_eq!(
                    read.contains(&ledger_key(), release(), b"{}", ordinal).unwrap(),
                    members.contains(&ordinal)
                );
            }
        }
    }
}
