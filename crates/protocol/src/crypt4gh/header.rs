//! The header: packets that hold the data key (and perhaps an edit list), each encrypted to one recipient.

use std::io::{Read, Write};

use blake2::{Blake2b512, Digest as _};
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use kernel::Random;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::Crypt4ghError;

/// The magic word.
const MAGIC: &[u8; 8] = b"crypt4gh";
/// The longest header packet that is read, in bytes.
pub const MAX_PACKET: u32 = 1 << 20;
/// The largest number of header packets that is read.
pub const MAX_PACKETS: u32 = 1_000;
/// Length, method, writer key, nonce, tag: what a packet has beside its content.
const PACKET_FRAME: u32 = 4 + 4 + 32 + 12 + 16;

/// A symmetric key of 32 bytes, wiped when dropped.
pub(super) type DataKey = Zeroizing<[u8; 32]>;

/// What the packets that opened say.
pub(super) struct Opened {
    /// Data keys; a file made of several has several.
    pub keys: Vec<DataKey>,
    /// Lengths to skip, keep, skip, keep …
    pub edits: Option<Vec<u64>>,
    /// The plain packets as they are, for [`readdress`].
    packets: Vec<Zeroizing<Vec<u8>>>,
}

/// `BLAKE2b-512(q ‖ reader ‖ writer)`, first half, where `q` is the X25519 agreement.
fn shared_key(own: &StaticSecret, other: &PublicKey, reader: &[u8; 32], writer: &[u8; 32]) -> Option<DataKey> {
    let q = own.diffie_hellman(other);
    if !q.was_contributory() {
        return None;
    }
    let digest = Zeroizing::new(<[u8; 64]>::from(
        Blake2b512::new().chain_update(q.as_bytes()).chain_update(reader).chain_update(writer).finalize(),
    ));
    let mut key = Zeroizing::new([0u8; 32]);
    key.copy_from_slice(&digest[..32]);
    Some(key)
}

/// The plain packet for a data key.
pub(super) fn key_packet(key: &DataKey) -> Zeroizing<Vec<u8>> {
    let mut packet = Zeroizing::new(vec![0u8; 8]);
    packet.extend_from_slice(key.as_slice());
    packet
}

/// Writes a header: every one of `packets` for every one of `recipients`, with one ephemeral writer key.
pub(super) fn write(
    out: &mut impl Write,
    packets: &[Zeroizing<Vec<u8>>],
    recipients: &[[u8; 32]],
    writer: &[u8; 32],
    random: &dyn Random,
) -> Result<(), Crypt4ghError> {
    let count = u32::try_from(packets.len() * recipients.len()).unwrap_or(u32::MAX);
    if count == 0 || count > MAX_PACKETS {
        return Err(Crypt4ghError::Recipients);
    }
    let writer = StaticSecret::from(*writer);
    let writer_public = PublicKey::from(&writer).to_bytes();
    out.write_all(MAGIC)?;
    out.write_all(&1u32.to_le_bytes())?;
    out.write_all(&count.to_le_bytes())?;
    for reader in recipients {
        let key =
            shared_key(&writer, &PublicKey::from(*reader), reader, &writer_public).ok_or(Crypt4ghError::WeakKey)?;
        for packet in packets {
            let mut nonce = [0u8; 12];
            random.fill(&mut nonce);
            let sealed = ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
                .encrypt(Nonce::from_slice(&nonce), packet.as_slice())
                .map_err(|_| Crypt4ghError::PacketShape)?;
            let length = PACKET_FRAME + packet.len() as u32;
            out.write_all(&length.to_le_bytes())?;
            out.write_all(&0u32.to_le_bytes())?;
            out.write_all(&writer_public)?;
            out.write_all(&nonce)?;
            out.write_all(&sealed)?;
        }
    }
    Ok(())
}

/// Reads exactly `N` bytes of the header.
fn take<const N: usize>(input: &mut impl Read) -> Result<[u8; N], Crypt4ghError> {
    let mut bytes = [0u8; N];
    read_all(input, &mut bytes)?;
    Ok(bytes)
}

fn read_all(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), Crypt4ghError> {
    input.read_exact(bytes).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Crypt4ghError::HeaderCut,
        kind => Crypt4ghError::Io(kind),
    })
}

/// Reads a header and opens the packets that are addressed to `secret`; `input` stands at the first segment after it.
pub(super) fn read(input: &mut impl Read, secret: &[u8; 32]) -> Result<Opened, Crypt4ghError> {
    let mut magic = [0u8; 8];
    if input.read_exact(&mut magic).is_err() || &magic != MAGIC {
        return Err(Crypt4ghError::NotCrypt4gh);
    }
    let version = u32::from_le_bytes(take(input)?);
    if version != 1 {
        return Err(Crypt4ghError::Version(version));
    }
    let count = u32::from_le_bytes(take(input)?);
    if count == 0 || count > MAX_PACKETS {
        return Err(Crypt4ghError::PacketCount(count));
    }
    let secret = StaticSecret::from(*secret);
    let reader = PublicKey::from(&secret).to_bytes();
    let mut opened = Opened { keys: Vec::new(), edits: None, packets: Vec::new() };
    let mut unknown_method = None;
    for _ in 0..count {
        let length = u32::from_le_bytes(take(input)?);
        if !(PACKET_FRAME..=MAX_PACKET).contains(&length) {
            return Err(Crypt4ghError::PacketLength(length));
        }
        let method = u32::from_le_bytes(take(input)?);
        let mut rest = vec![0u8; length as usize - 8];
        read_all(input, &mut rest)?;
        if method != 0 {
            unknown_method = Some(method);
            continue;
        }
        let (writer, rest) = rest.split_at(32);
        let (nonce, sealed) = rest.split_at(12);
        let mut writer_key = [0u8; 32];
        writer_key.copy_from_slice(writer);
        let Some(key) = shared_key(&secret, &PublicKey::from(writer_key), &reader, &writer_key) else { continue };
        let cipher = ChaCha20Poly1305::new(Key::from_slice(key.as_slice()));
        // A packet that does not open is meant for somebody else.
        if let Ok(plain) = cipher.decrypt(Nonce::from_slice(nonce), sealed) {
            interpret(Zeroizing::new(plain), &mut opened)?;
        }
    }
    if opened.keys.is_empty() {
        return Err(unknown_method.map_or(Crypt4ghError::NotForThisKey, Crypt4ghError::Method));
    }
    Ok(opened)
}

fn interpret(plain: Zeroizing<Vec<u8>>, opened: &mut Opened) -> Result<(), Crypt4ghError> {
    let word = |at: usize| -> Result<u32, Crypt4ghError> {
        let bytes = plain.get(at..at + 4).and_then(|b| b.try_into().ok()).ok_or(Crypt4ghError::PacketShape)?;
        Ok(u32::from_le_bytes(bytes))
    };
    match word(0)? {
        0 => {
            if word(4)? != 0 || plain.len() != 40 {
                return Err(Crypt4ghError::PacketShape);
            }
            let mut key = Zeroizing::new([0u8; 32]);
            key.copy_from_slice(&plain[8..]);
            opened.keys.push(key);
        }
        1 => {
            if opened.edits.is_some() {
                return Err(Crypt4ghError::TwoEditLists);
            }
            let count = word(4)? as usize;
            let lengths = &plain[8..];
            if count == 0 || !lengths.len().is_multiple_of(8) || lengths.len() / 8 != count {
                return Err(Crypt4ghError::PacketShape);
            }
            let lengths = lengths.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default()));
            opened.edits = Some(lengths.collect());
        }
        other => return Err(Crypt4ghError::PacketType(other)),
    }
    opened.packets.push(plain);
    Ok(())
}

/// Header re-encryption (DEL-054): opens the packets with `secret`, writes them for `recipients`, and copies the body
/// byte for byte. Packets for others are dropped. Gives the number of body bytes.
///
/// # Errors
/// As [`super::open`], and what reading and writing give.
pub fn readdress(
    input: &mut impl Read,
    out: &mut impl Write,
    secret: &[u8; 32],
    recipients: &[[u8; 32]],
    random: &dyn Random,
) -> Result<u64, Crypt4ghError> {
    let opened = read(input, secret)?;
    let mut writer = Zeroizing::new([0u8; 32]);
    random.fill(writer.as_mut_slice());
    write(out, &opened.packets, recipients, &writer, random)?;
    Ok(std::io::copy(input, out)?)
}
