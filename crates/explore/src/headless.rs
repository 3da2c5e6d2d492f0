//! The gate of a local folder, for runs without any service (LANG-350). Only for stores that are marked synthetic: such a
//! folder may carry its own gate keys and gate ledger, in `gate/` beside the data (SDC-030). For any other store a run
//! without the key service is refused.
//!
//! A headless run: [`only_synthetic`] on the source, [`SyntheticGate::open`] on the folder, its dataset key to the source,
//! then a [`crate::Runner`] of these parts; what was released is [`crate::Ran::released`].

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disclosure::{
    Candidate, Fingerprint, GateKeys, KnownSet, Ledger, LedgerEntry, LedgerError, Policy, RecentMembers, Sketch,
    Stored, ValueKey,
};
use engine::source::VariableSource;
use kernel::Random;
use roaring::RoaringBitmap;

use crate::ledger::{Book, RECENT_BYTES, from_lines, to_lines};
use crate::meters::Meters;

/// Why a folder cannot be used for runs without a service.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// A store of the folder is not marked synthetic.
    #[error("{store} is not marked synthetic: a run over it needs the key service")]
    NotSynthetic {
        /// Name of the store.
        store: String,
    },
    /// A file of the gate cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A file of the gate is not what it must be.
    #[error("{path} is damaged: move the folder `gate` away to begin with new keys and a new ledger")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The gate of a synthetic folder: its keys, its ledger and its meters.
pub struct SyntheticGate {
    /// The keys; the source derives its record keys from the first of them.
    pub keys: Arc<GateKeys>,
    /// The ledger.
    pub ledger: Box<dyn Ledger>,
    /// The meters, which last as long as the process: who holds the folder holds its keys too, so that a limit over
    /// several runs would stop nobody but herself.
    pub meters: Arc<Meters>,
}

impl SyntheticGate {
    /// Opens `gate/` in the folder, or makes it with new keys.
    ///
    /// # Errors
    /// [`HeadlessError::File`] and [`HeadlessError::Damaged`].
    pub fn open(folder: &Path, policy: &Policy, random: &dyn Random) -> Result<Self, HeadlessError> {
        let gate = folder.join("gate");
        fs::create_dir_all(&gate).map_err(at(&gate))?;
        let keys = Arc::new(keys(&gate.join("keys"), random)?);
        let meters = Arc::new(Meters::in_memory(policy));
        Ok(Self { meters, keys, ledger: Box::new(FileLedger::open(&gate.join("ledger.jsonl"))?) })
    }
}

/// Refuses a source with a store that is not marked synthetic (SDC-030).
///
/// # Errors
/// [`HeadlessError::NotSynthetic`].
pub fn only_synthetic(source: &dyn VariableSource) -> Result<(), HeadlessError> {
    match source.stores().into_iter().find(|store| !source.is_synthetic(store)) {
        Some(store) => Err(HeadlessError::NotSynthetic { store }),
        None => Ok(()),
    }
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> HeadlessError + '_ {
    |source| HeadlessError::File { path: path.to_owned(), source }
}

/// 64 bytes: K_dataset and K_noise. Written once, under another name first, so that a crash leaves no half of it.
fn keys(path: &Path, random: &dyn Random) -> Result<GateKeys, HeadlessError> {
    if !path.exists() {
        let mut bytes = [0u8; 64];
        random.fill(&mut bytes);
        let new = path.with_extension("new");
        let mut file = private().truncate(true).open(&new).map_err(at(&new))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(at(&new))?;
        fs::rename(&new, path).map_err(at(path))?;
    }
    let bytes = fs::read(path).map_err(at(path))?;
    let damaged = || HeadlessError::Damaged { path: path.to_owned() };
    let (dataset, noise) = bytes.split_first_chunk::<32>().ok_or_else(damaged)?;
    Ok(GateKeys::new(*dataset, noise.try_into().map_err(|_| damaged())?))
}

/// Options for a file that only its owner reads.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A ledger in a file: a line per value, on disk before the value is handed out. What a crash left half-written at its end
/// was never released and is cut off.
struct FileLedger {
    file: File,
    book: Book,
    recent: RecentMembers,
}

impl FileLedger {
    fn open(path: &Path) -> Result<Self, HeadlessError> {
        let mut file = private().read(true).open(path).map_err(at(path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at(path))?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        file.set_len(whole as u64).map_err(at(path))?;
        file.seek(SeekFrom::End(0)).map_err(at(path))?;
        let damaged = || HeadlessError::Damaged { path: path.to_owned() };
        let entries = from_lines(&bytes[..whole]).map_err(|_| damaged())?;
        let mut book = Book::default();
        book.add(&entries);
        Ok(Self { file, book, recent: RecentMembers::new(RECENT_BYTES) })
    }
}

impl Ledger for FileLedger {
    fn candidates(&self, persons: u64, sketch: &Sketch, r: u64) -> Result<Vec<Candidate>, LedgerError> {
        Ok(self.book.candidates(persons, sketch, r))
    }

    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        Ok(self.book.root(set))
    }

    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        Ok(self.recent.members(set))
    }

    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        Ok(self.book.read(key))
    }

    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        let new = self.book.unknown(entries);
        if !new.is_empty() {
            let lines = to_lines(&new)?;
            self.file.write_all(&lines).and_then(|()| self.file.sync_data()).map_err(|_| LedgerError)?;
        }
        for entry in new.iter().filter(|entry| entry.root.is_some()) {
            drop(self.recent.keep(entry.key.set, &entry.members));
        }
        self.book.add(new);
        Ok(())
    }
}
