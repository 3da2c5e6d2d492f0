//! Packages (section 4 of the specification): one dataset in an uncompressed tar, its data cut into chunks and encrypted.
//! The old format (RSA, Fernet) and the current one (HPKE, AES-256-GCM) are read, the current one is written. Reading
//! goes chunk by chunk; nothing decrypted is ever written to disk.

mod current;
mod keyfile;
mod legacy;
mod members;
mod unpack;
mod write;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::input::{Opening, PackageRules};
use crate::report::{Finding, Rule};

pub use keyfile::{KeyFileError, PackageKey, PublicKey, generate};
pub use unpack::unpack;
pub use write::write;

use members::{Member, Members};

/// Bytes of plain text in a chunk.
pub const CHUNK: usize = 250_000_000;
/// Longest chunk that is read: a Fernet token of a full chunk, and some room.
const LONGEST_CHUNK: u64 = 360_000_000;

/// A fault of a package.
pub(crate) fn fault(message: impl Into<String>) -> Opening {
    let message = message.into();
    Opening::Faulty(Finding::new(Rule::Package, message.clone(), message))
}

/// A package whose members were found and checked.
pub(crate) struct Package {
    pub metadata: Vec<u8>,
    file: File,
    body: Option<Body>,
}

struct Body {
    kind: Kind,
    capsule: Vec<u8>,
    checksum: String,
    chunks: Vec<Member>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Legacy,
    Current,
}

impl Package {
    /// Reads the list of members, in any order, and the small ones.
    pub(crate) fn open(path: &Path, rules: &PackageRules) -> Result<Self, Opening> {
        let mut file = File::open(path)?;
        let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let members = Members::read(&mut file, &name)?;
        let metadata = members.small(&mut file, &format!("{name}.json"))?;
        let metadata = metadata.ok_or_else(|| fault(format!("{name}.json is missing in the package")))?;
        let legacy = members.small(&mut file, &format!("{name}.symkey.encr"))?;
        let current = members.small(&mut file, &format!("{name}.kem.encr"))?;
        let kind = match (&legacy, &current) {
            (Some(_), Some(_)) => return Err(fault("the package has the keys of both formats")),
            (Some(_), None) => Kind::Legacy,
            (None, Some(_)) => Kind::Current,
            (None, None) if members.is_metadata_only() => {
                return Ok(Self { metadata, file, body: None });
            }
            (None, None) => {
                let which = if members.has(&format!("{name}.md5")) { "symkey.encr" } else { "kem.encr" };
                return Err(fault(format!("{name}.{which} is missing in the package")));
            }
        };
        if kind == Kind::Legacy && !rules.accept_legacy {
            return Err(fault("packages of the old format are not accepted here"));
        }
        if rules.require_signed {
            return Err(fault("a signed manifest is required here, and the package has none that can be checked"));
        }
        let sum = if kind == Kind::Legacy { "md5" } else { "sha256" };
        let checksum = members.small(&mut file, &format!("{name}.{sum}"))?;
        let checksum = checksum.ok_or_else(|| fault(format!("{name}.{sum} is missing in the package")))?;
        let checksum = String::from_utf8_lossy(&checksum).trim().to_ascii_lowercase();
        let chunks = members.chunks()?;
        let capsule = legacy.or(current).unwrap_or_default();
        Ok(Self { metadata, file, body: Some(Body { kind, capsule, checksum, chunks }) })
    }

    /// Whether it holds metadata alone.
    pub(crate) fn is_metadata_only(&self) -> bool {
        self.body.is_none()
    }

    /// The data, decrypted chunk by chunk. The end of the stream is reached only when the checksum agrees.
    pub(crate) fn data(self, key: &PackageKey) -> Result<DataReader, Opening> {
        let Some(body) = self.body else { return Err(fault("the package holds metadata alone")) };
        let cipher = match (body.kind, key) {
            (Kind::Current, PackageKey::Hybrid(key)) => Cipher::Current(current::open_capsule(&body.capsule, key)?),
            (Kind::Legacy, PackageKey::Rsa(key)) => Cipher::Legacy(legacy::open_key(&body.capsule, key)?),
            (Kind::Current, PackageKey::Rsa(_)) => {
                return Err(fault(
                    "the capsule does not open: the package needs the ML-KEM and X25519 key, an RSA key was given (wrong key?)",
                ));
            }
            (Kind::Legacy, PackageKey::Hybrid(_)) => {
                return Err(fault(
                    "the key does not open: the package is of the old format and needs an RSA key (wrong key?)",
                ));
            }
        };
        Ok(DataReader {
            file: self.file,
            cipher,
            chunks: body.chunks,
            next: 0,
            plain: Vec::new(),
            at: 0,
            md5: Md5::new(),
            sha256: Sha256::new(),
            checksum: body.checksum,
            checked: false,
        })
    }
}

enum Cipher {
    Current(Zeroizing<[u8; 32]>),
    Legacy(Zeroizing<[u8; 32]>),
}

/// The decrypted data of a package.
pub(crate) struct DataReader {
    file: File,
    cipher: Cipher,
    chunks: Vec<Member>,
    next: usize,
    plain: Vec<u8>,
    at: usize,
    md5: Md5,
    sha256: Sha256,
    checksum: String,
    checked: bool,
}

/// A fault of a package, carried through a stream.
#[derive(Debug)]
pub(crate) struct BrokenPackage(pub String);

impl std::fmt::Display for BrokenPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for BrokenPackage {}

/// The fault of a package that came through a stream.
pub(crate) fn of_stream(error: io::Error) -> Opening {
    match error.get_ref().and_then(|e| e.downcast_ref::<BrokenPackage>()) {
        Some(broken) => fault(broken.0.clone()),
        None => Opening::Io(error),
    }
}

fn broken(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BrokenPackage(text))
}

impl DataReader {
    fn fill(&mut self) -> io::Result<()> {
        let number = self.next + 1;
        let member = &self.chunks[self.next];
        if member.size > LONGEST_CHUNK {
            return Err(broken(format!("chunk {number} is longer than the format allows")));
        }
        let chunk = member.read(&mut self.file)?;
        let wrong = || broken(format!("chunk {number} does not open: cut, changed, or of another package"));
        self.plain = match &self.cipher {
            Cipher::Current(key) => current::open_chunk(chunk, key).ok_or_else(wrong)?,
            Cipher::Legacy(key) => legacy::open_chunk(chunk, key).ok_or_else(wrong)?,
        };
        match self.cipher {
            Cipher::Current(_) => self.sha256.update(&self.plain),
            Cipher::Legacy(_) => self.md5.update(&self.plain),
        }
        self.at = 0;
        self.next += 1;
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        let digest = match self.cipher {
            Cipher::Current(_) => hex::encode(self.sha256.clone().finalize()),
            Cipher::Legacy(_) => hex::encode(self.md5.clone().finalize()),
        };
        if digest != self.checksum {
            return Err(broken("the checksum differs: chunks are missing, swapped, or of another package".into()));
        }
        self.checked = true;
        Ok(())
    }
}

impl Read for DataReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if self.next == self.chunks.len() {
                if !self.checked {
                    self.check()?;
                }
                return Ok(0);
            }
            self.fill()?;
        }
        let n = buffer.len().min(self.plain.len() - self.at);
        buffer[..n].copy_from_slice(&self.plain[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
