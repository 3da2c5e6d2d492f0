//! Proof files: that an entry is in a log (inclusion) and that a log continues an earlier one (consistency), AUD-014.
//! Both are JSON and are checked with the public key alone.

use std::path::Path;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::files::{Files, parse_checkpoint};
use crate::note::{NoteError, VerifierKey};
use crate::tree::{self, Hash, TILE};
use crate::{AuditError, Checkpoint, Envelope, Log};

/// Why a proof was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// The checkpoint in it.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// Its fields contradict each other or are malformed.
    #[error("not a proof")]
    Malformed,
    /// The hashes do not lead to the root.
    #[error("the hashes do not lead to the root of the checkpoint")]
    Wrong,
}

/// That entry `index` is in the log `origin` of `tree_size` entries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The log's name.
    pub origin: String,
    /// Index of the entry, from 0.
    pub index: u64,
    /// Number of entries of the log at the checkpoint.
    pub tree_size: u64,
    /// Hex of the leaf's hash.
    pub leaf_hash: String,
    /// Hex of the hashes from the leaf upwards.
    pub path: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The entry itself: the content of the leaf.
    pub envelope: String,
}

impl Proof {
    /// Checks the proof with public keys only; gives the entry that it proves.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check(&self, keys: &[VerifierKey]) -> Result<Envelope, ProofError> {
        let checkpoint = parse_checkpoint(&self.checkpoint, keys)?;
        let leaf = tree::leaf_hash(self.envelope.as_bytes());
        let same = checkpoint.origin == self.origin
            && checkpoint.size == self.tree_size
            && hex::encode(leaf) == self.leaf_hash;
        let path = hashes(&self.path).filter(|_| same).ok_or(ProofError::Malformed)?;
        let envelope = Envelope::parse(self.envelope.as_bytes()).ok_or(ProofError::Malformed)?;
        if tree::verify_inclusion(self.index, self.tree_size, &leaf, &path, &checkpoint.root) {
            Ok(envelope)
        } else {
            Err(ProofError::Wrong)
        }
    }
}

/// That the log `origin` of `to` entries begins with the one of `from` entries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The log's name.
    pub origin: String,
    /// Size of the earlier log.
    pub from: u64,
    /// Size of the later log.
    pub to: u64,
    /// Hex of the hashes, in the order of RFC 9162.
    pub path: Vec<String>,
}

impl Consistency {
    /// Checks that `new` continues `old`.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), ProofError> {
        let fits =
            self.origin == old.origin && self.origin == new.origin && self.from == old.size && self.to == new.size;
        let path = hashes(&self.path).filter(|_| fits).ok_or(ProofError::Malformed)?;
        if tree::verify_consistency(old.size, &old.root, new.size, &new.root, &path) {
            Ok(())
        } else {
            Err(ProofError::Wrong)
        }
    }
}

fn hashes(path: &[String]) -> Option<Vec<Hash>> {
    if path.len() > 64 {
        return None;
    }
    path.iter().map(|h| hex::decode(h).ok()?.try_into().ok()).collect()
}

/// The inclusion proof of entry `index` of the log in `folder`, against its present checkpoint. Needs no key and no
/// database; whoever reads the proof checks it.
///
/// # Errors
/// [`AuditError::NotFound`] beyond the end of the log, [`AuditError::Damaged`].
pub fn prove(folder: &Path, index: u64) -> Result<Proof, AuditError> {
    let files = Files::at(folder);
    let note = files.checkpoint()?.ok_or(AuditError::NotFound)?;
    let checkpoint = crate::note::SignedCheckpoint::parse(&note)
        .map_err(|e| AuditError::Damaged(format!("the checkpoint: {e}")))?
        .checkpoint;
    let size = checkpoint.size;
    if index >= size {
        return Err(AuditError::NotFound);
    }
    let number = index / TILE as u64;
    let width = (size - number * TILE as u64).min(TILE as u64) as usize;
    let missing = || AuditError::Damaged(format!("bundle {number} is missing or malformed"));
    let mut entries = files.entries(number, width)?.ok_or_else(missing)?;
    let envelope = entries.swap_remove((index % TILE as u64) as usize);
    let path = tree::inclusion(&files.nodes(size), index, size)?;
    Ok(Proof {
        origin: checkpoint.origin,
        index,
        tree_size: size,
        leaf_hash: hex::encode(tree::leaf_hash(&envelope)),
        path: path.iter().map(hex::encode).collect(),
        checkpoint: note,
        envelope: String::from_utf8(envelope).map_err(|_| missing())?,
    })
}

impl Log {
    /// The inclusion proof of entry `index`.
    ///
    /// # Errors
    /// As [`prove`].
    pub fn prove(&self, index: u64) -> Result<Proof, AuditError> {
        prove(&self.options.folder, index)
    }

    /// The signed checkpoint of the log as it is now; none before the first integration.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`].
    pub fn checkpoint(&self) -> Result<Option<String>, AuditError> {
        self.files.checkpoint()
    }

    /// The proof that the log of `to` entries continues that of `from` entries.
    ///
    /// # Errors
    /// [`AuditError::NotFound`] when the log is shorter than `to` or `from` is beyond it, [`AuditError::Damaged`].
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Consistency, AuditError> {
        let size = self.size.load(Ordering::SeqCst);
        if from > to || to > size {
            return Err(AuditError::NotFound);
        }
        let path = tree::consistency(&self.files.nodes(size), from, to)?;
        Ok(Consistency { origin: self.options.origin.clone(), from, to, path: path.iter().map(hex::encode).collect() })
    }
}
