//! The members of a package: where each stands in the tar, so that they may come in any order. Only plain files with
//! the names of the format are accepted; a path that leads elsewhere, a link or a device refuses the whole package.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use tar::{Archive, EntryType};

use super::fault;
use crate::input::Opening;

/// Members that are not chunks are small; metadata with a long code list is the largest.
const SMALL: u64 = 64 * 1024 * 1024;

/// Place of a member in the tar.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub offset: u64,
    pub size: u64,
}

impl Member {
    pub(super) fn read(&self, file: &mut File) -> io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = vec![0; usize::try_from(self.size).map_err(io::Error::other)?];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

pub(super) struct Members {
    named: BTreeMap<String, Member>,
    chunks: BTreeMap<u64, Member>,
}

impl Members {
    /// Reads the headers of the tar.
    pub(super) fn read(file: &mut File, name: &str) -> Result<Self, Opening> {
        let length = file.metadata()?.len();
        let mut members = Self { named: BTreeMap::new(), chunks: BTreeMap::new() };
        let broken = |_| fault("not a package: the tar archive is broken or cut");
        let mut last = 0;
        let mut archive = Archive::new(&mut *file);
        for entry in archive.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            last = last.max(entry.raw_file_position().saturating_add(entry.size()));
            let path = entry.path_bytes().into_owned();
            let path =
                String::from_utf8(path).map_err(|_| fault("a member of the package has a name that is not text"))?;
            let clean = path.strip_prefix("./").unwrap_or(&path);
            let parts: Vec<&str> = clean.trim_end_matches('/').split('/').collect();
            if clean.starts_with('/') || parts.iter().any(|p| *p == ".." || p.is_empty() && !clean.is_empty()) {
                return Err(fault(format!("a member of the package leads out of it: \"{clean}\"")));
            }
            match entry.header().entry_type() {
                EntryType::Directory => continue,
                EntryType::Regular | EntryType::Continuous => {}
                _ => return Err(fault(format!("a member of the package is not a plain file: \"{clean}\""))),
            }
            let member = Member { offset: entry.raw_file_position(), size: entry.size() };
            if member.offset.checked_add(member.size).is_none_or(|end| end > length) {
                return Err(fault("not a package: the tar archive is broken or cut"));
            }
            members.add(name, &parts, member)?;
        }
        // Two empty blocks end a tar. Without them the file was cut, perhaps between two members.
        let mut end = [1u8; 1024];
        file.seek(SeekFrom::Start(last.next_multiple_of(512)))?;
        if file.read_exact(&mut end).is_err() || end != [0; 1024] {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(members)
    }

    fn add(&mut self, name: &str, parts: &[&str], member: Member) -> Result<(), Opening> {
        let twice = match parts {
            ["chunks", file] => {
                let number = file.strip_suffix(".csv.encr").and_then(|n| n.parse().ok());
                let number = number.ok_or_else(|| fault(format!("unknown member chunks/{file} in the package")))?;
                self.chunks.insert(number, member).is_some()
            }
            // Other members of this dataset are passed over: the format may grow.
            [file] if file.starts_with(name) => self.named.insert((*file).to_owned(), member).is_some(),
            _ => return Err(fault(format!("unknown member {} in the package", parts.join("/")))),
        };
        if twice { Err(fault(format!("{} is in the package twice", parts.join("/")))) } else { Ok(()) }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.named.contains_key(name)
    }

    /// A small member, when it is there.
    pub(super) fn small(&self, file: &mut File, name: &str) -> Result<Option<Vec<u8>>, Opening> {
        match self.named.get(name) {
            Some(member) if member.size > SMALL => Err(fault(format!("{name} is too large"))),
            Some(member) => Ok(Some(member.read(file)?)),
            None => Ok(None),
        }
    }

    /// Whether there is nothing but metadata.
    pub(super) fn is_metadata_only(&self) -> bool {
        self.chunks.is_empty() && self.named.len() == 1
    }

    /// The chunks 1 to N.
    pub(super) fn chunks(self) -> Result<Vec<Member>, Opening> {
        if self.chunks.is_empty() {
            return Err(fault("chunks are missing in the package"));
        }
        for (expected, number) in (1..).zip(self.chunks.keys()) {
            if expected != *number {
                return Err(fault(format!("chunk {expected} is missing in the package")));
            }
        }
        Ok(self.chunks.into_values().collect())
    }
}
