//! The part of ZIP that checks need: the central directory, strictly, and members that are unpacked within bounds. What is
//! unusual (split archives, ZIP64, two entries of one name, other methods than stored and deflate) is refused.

use std::collections::HashSet;
use std::io::Read as _;

use flate2::read::DeflateDecoder;

/// At most so many bytes are unpacked of one archive.
pub const MAX_UNPACKED: u64 = 200 << 20;
/// At most so many members.
const MAX_MEMBERS: usize = 2_000;
/// What swells more than this is not unpacked (DEL-141), apart from small members.
const MAX_RATIO: u64 = 100;
const SMALL: u64 = 1 << 20;

/// Why an archive was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Damaged, or a form that is not read.
    Unreadable,
    /// A path outside, too many members, or swelling beyond bounds.
    Unsafe,
    /// A member that only a password opens.
    Encrypted,
}

/// A member of the archive.
#[derive(Clone, Debug)]
pub struct Member {
    /// Path inside the archive.
    pub name: String,
    packed: u64,
    size: u64,
    deflated: bool,
    header_at: usize,
}

/// An archive whose directory was read.
pub struct Archive<'a> {
    bytes: &'a [u8],
    /// The members, in the order of the directory.
    pub members: Vec<Member>,
    /// Whether bytes stand before the first member or behind the end.
    pub padded: bool,
    left: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, Fault> {
        let from = bytes.len().saturating_sub(22 + 65_535);
        let end = (from..=bytes.len().saturating_sub(22)).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06"));
        let end = end.ok_or(Fault::Unreadable)?;
        Self::directory(bytes, end).ok_or(Fault::Unreadable)?
    }

    fn directory(bytes: &'a [u8], end: usize) -> Option<Result<Self, Fault>> {
        let (count, size, start) = (u16_at(bytes, end + 10)?, u32_at(bytes, end + 12)?, u32_at(bytes, end + 16)?);
        let comment = u16_at(bytes, end + 20)?;
        if start.checked_add(size)? != end {
            return None;
        }
        if count > MAX_MEMBERS {
            return Some(Err(Fault::Unsafe));
        }
        let (mut members, mut names, mut at, mut total) = (Vec::new(), HashSet::new(), start, 0u64);
        for _ in 0..count {
            if bytes.get(at..at + 4)? != b"PK\x01\x02" {
                return None;
            }
            let (flags, method) = (u16_at(bytes, at + 8)?, u16_at(bytes, at + 10)?);
            let (packed, size) = (u32_at(bytes, at + 20)? as u64, u32_at(bytes, at + 24)? as u64);
            let (name, extra, note) = (u16_at(bytes, at + 28)?, u16_at(bytes, at + 30)?, u16_at(bytes, at + 32)?);
            let header_at = u32_at(bytes, at + 42)?;
            let name_bytes = bytes.get(at + 46..at + 46 + name)?;
            if flags & 1 != 0 {
                return Some(Err(Fault::Encrypted));
            }
            if !matches!(method, 0 | 8) {
                return None;
            }
            let name_text = String::from_utf8_lossy(name_bytes).into_owned();
            total = total.saturating_add(size);
            let swells = size > SMALL && size > packed.saturating_mul(MAX_RATIO);
            if leaves(&name_text) || swells || total > MAX_UNPACKED || !names.insert(name_text.clone()) {
                return Some(Err(Fault::Unsafe));
            }
            members.push(Member { name: name_text, packed, size, deflated: method == 8, header_at });
            at += 46 + name + extra + note;
        }
        if at != end {
            return None;
        }
        let first = members.iter().map(|m| m.header_at).min().unwrap_or(start);
        let padded = first != 0 || end + 22 + comment != bytes.len() || comment != 0;
        Some(Ok(Self { bytes, members, padded, left: MAX_UNPACKED }))
    }

    /// Unpacks a member. A member that is longer than it said is a fault.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn unpack(&mut self, member: &Member) -> Result<Vec<u8>, Fault> {
        let data = self.data(member).ok_or(Fault::Unreadable)?;
        if member.size > self.left {
            return Err(Fault::Unsafe);
        }
        let mut out = Vec::new();
        if member.deflated {
            DeflateDecoder::new(data).take(member.size + 1).read_to_end(&mut out).map_err(|_| Fault::Unreadable)?;
        } else {
            out.extend_from_slice(data);
        }
        match out.len() as u64 {
            n if n > member.size => Err(Fault::Unsafe),
            n if n < member.size => Err(Fault::Unreadable),
            n => {
                self.left -= n;
                Ok(out)
            }
        }
    }

    fn data(&self, member: &Member) -> Option<&'a [u8]> {
        let at = member.header_at;
        if self.bytes.get(at..at + 4)? != b"PK\x03\x04" {
            return None;
        }
        let start = at + 30 + u16_at(self.bytes, at + 26)? + u16_at(self.bytes, at + 28)?;
        self.bytes.get(start..start.checked_add(usize::try_from(member.packed).ok()?)?)
    }

    /// Unpacks the member of this name.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn named(&mut self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let Some(member) = self.members.iter().find(|m| m.name == name).cloned() else { return Ok(None) };
        self.unpack(&member).map(Some)
    }
}

/// Whether a path leaves the root of its archive.
fn leaves(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.starts_with(['/', '\\']) || drive || name.split(['/', '\\']).any(|part| part == "..") || name.contains('\0')
}
