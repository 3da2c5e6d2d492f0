//! Checking a log's folder, offline: tiles and root recomputed from the entries, signatures, sequence and time, bodies
//! against their commitments, consistency with an earlier checkpoint (section 5 of the specification, AUD-040).

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use kernel::Timestamp;
use serde::Serialize;

use crate::envelope::commitment;
use crate::files::{self, Files, Row};
use crate::log::parse_keys;
use crate::note::{NoteError, SignedCheckpoint, VerifierKey};
use crate::tree::{self, Edge, Hash, TILE};
use crate::{AuditError, Envelope, Kind};

/// How far the clock of one role may step back.
const TOLERANCE_MICROS: i64 = 2_000_000;
/// How old the last cosignature may be.
const WITNESS_MICROS: i64 = 48 * 3600 * 1_000_000;

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keys of the log. Empty: those that the folder itself names, which proves only that nothing changed by accident.
    pub keys: Vec<VerifierKey>,
    /// An earlier signed checkpoint that the log must continue.
    pub old: Option<String>,
    /// Keys of witnesses, one of which must have cosigned within 48 hours before `now`.
    pub witnesses: Vec<VerifierKey>,
    /// The present instant, for the age of cosignatures.
    pub now: Option<Timestamp>,
    /// Check the bodies too.
    pub bodies: bool,
    /// Check entries from this index only (tiles above and root are always checked).
    pub from: Option<u64>,
    /// Check entries up to this index only, included.
    pub to: Option<u64>,
}

/// Why a log is damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The tiles do not give the root of the checkpoint.
    RootMismatch,
    /// An entry or a tile is not what the tile below or beside it says.
    TileMismatch,
    /// The checkpoint or a cosignature does not verify.
    BadSignature,
    /// The checkpoint is signed by no known key.
    UnknownKey,
    /// The sequence of a role has a gap, or an entry is no envelope.
    SequenceGap,
    /// The time of a role goes back by more than two seconds.
    TimeBackwards,
    /// A body does not fit the commitment in its envelope.
    CommitmentMismatch,
    /// The log does not continue the earlier checkpoint.
    InconsistentWithOld,
    /// A file that the checkpoint counts on is missing.
    Truncated,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::RootMismatch => "root_mismatch",
            Reason::TileMismatch => "tile_mismatch",
            Reason::BadSignature => "bad_signature",
            Reason::UnknownKey => "unknown_key",
            Reason::SequenceGap => "sequence_gap",
            Reason::TimeBackwards => "time_backwards",
            Reason::CommitmentMismatch => "commitment_mismatch",
            Reason::InconsistentWithOld => "inconsistent_with_old",
            Reason::Truncated => "truncated",
        })
    }
}

/// The first damage found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Damage {
    /// Index of the first bad entry, where one can be named.
    pub index: Option<u64>,
    /// What is wrong.
    pub reason: Reason,
}

/// What the check found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// The log's name, when the checkpoint could be read.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Hex of the root.
    pub root: String,
    /// Entries checked.
    pub checked: u64,
    /// The first damage, or none.
    pub damage: Option<Damage>,
    /// Bodies that are gone without an entry that says they were erased.
    pub missing_bodies: u64,
    /// Whether no witness cosigned within 48 hours (only when witnesses were asked for).
    pub unwitnessed: bool,
}

impl Report {
    /// 0 intact, 1 damaged, 3 intact but unwitnessed, 4 bodies missing.
    pub const fn exit_code(&self) -> i32 {
        match (&self.damage, self.missing_bodies, self.unwitnessed) {
            (Some(_), ..) => 1,
            (None, 1.., _) => 4,
            (None, 0, true) => 3,
            (None, 0, false) => 0,
        }
    }
}

struct Found(Option<u64>, Reason);

enum Stop {
    Damage(Found),
    Error(AuditError),
}

impl From<AuditError> for Stop {
    fn from(e: AuditError) -> Self {
        Stop::Error(e)
    }
}

impl From<NoteError> for Stop {
    fn from(e: NoteError) -> Self {
        let reason = match e {
            NoteError::Malformed | NoteError::BadSignature => Reason::BadSignature,
            NoteError::UnknownKey => Reason::UnknownKey,
        };
        Stop::Damage(Found(None, reason))
    }
}

fn bad<T>(index: impl Into<Option<u64>>, reason: Reason) -> Result<T, Stop> {
    Err(Stop::Damage(Found(index.into(), reason)))
}

/// Checks the log in `folder`. Works on a copy, without a database.
///
/// # Errors
/// [`AuditError::Unavailable`] when the folder cannot be read; damage is in the report.
pub fn verify(folder: &Path, options: &Options) -> Result<Report, AuditError> {
    let mut report = Report::default();
    let mut check = Check { folder, files: Files::at(folder), options, report: &mut report };
    match check.run() {
        Ok(()) => Ok(report),
        Err(Stop::Damage(Found(index, reason))) => {
            report.damage = Some(Damage { index, reason });
            Ok(report)
        }
        Err(Stop::Error(e)) => Err(e),
    }
}

struct Check<'a> {
    folder: &'a Path,
    files: Files,
    options: &'a Options,
    report: &'a mut Report,
}

/// What is carried along from entry to entry.
#[derive(Default)]
struct Walk {
    edge: Edge,
    last: HashMap<String, (u64, i64)>,
    missing: Vec<(u64, String)>,
    erased: Vec<(u64, u64, String)>,
    old_root: Option<Hash>,
}

impl Check<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        let keys = self.keys()?;
        let Some(note) = self.text("checkpoint")? else { return bad(None, Reason::Truncated) };
        let signed = SignedCheckpoint::parse(&note)?;
        signed.check(&keys)?;
        let checkpoint = signed.checkpoint;
        self.report.origin.clone_from(&checkpoint.origin);
        self.report.size = checkpoint.size;
        self.report.root = hex::encode(checkpoint.root);
        let old = match &self.options.old {
            None => None,
            Some(text) => {
                let old = SignedCheckpoint::parse(text)?;
                old.check(&keys)?;
                Some(old.checkpoint)
            }
        };
        if old.as_ref().is_some_and(|o| o.size > checkpoint.size || o.origin != checkpoint.origin) {
            return bad(None, Reason::InconsistentWithOld);
        }
        let mut walk = Walk { old_root: Some(tree::empty_root()), ..Walk::default() };
        for number in 0..checkpoint.size.div_ceil(TILE as u64) {
            self.bundle(&mut walk, number, checkpoint.size, old.as_ref().map(|o| o.size))?;
        }
        for level in 0..8 {
            let hashes = walk.edge.level(level);
            let number = (checkpoint.size >> (8 * level)) / TILE as u64;
            if !hashes.is_empty() {
                self.tile(level, number, hashes)?;
            }
        }
        if walk.edge.root() != checkpoint.root {
            return bad(None, Reason::RootMismatch);
        }
        if let Some(old) = old {
            let root = if old.size == checkpoint.size { Some(checkpoint.root) } else { walk.old_root };
            if root != Some(old.root) {
                return bad(None, Reason::InconsistentWithOld);
            }
        }
        let explained = |(index, kind): &&(u64, String)| {
            walk.erased.iter().any(|(from, to, k)| (from..=to).contains(&index) && k == kind)
        };
        self.report.missing_bodies = (walk.missing.len() - walk.missing.iter().filter(explained).count()) as u64;
        self.witnesses(&keys, checkpoint.size, &checkpoint.root)
    }

    /// The keys to check with. The file `keys` of the folder must be whole in any case.
    fn keys(&self) -> Result<Vec<VerifierKey>, Stop> {
        let own = match self.text("keys")? {
            None => Vec::new(),
            Some(text) => match parse_keys(&text) {
                Some(keys) => keys,
                None => return bad(None, Reason::UnknownKey),
            },
        };
        Ok(if self.options.keys.is_empty() { own } else { self.options.keys.clone() })
    }

    fn text(&self, name: &str) -> Result<Option<String>, Stop> {
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => bad(None, Reason::BadSignature),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Stop::Error(files::unavailable(e))),
        }
    }

    fn tile(&self, level: usize, number: u64, hashes: &[Hash]) -> Result<(), Stop> {
        let first = (number * TILE as u64) << (8 * level);
        match self.files.tile(level, number, hashes.len())? {
            Some(tile) if tile == hashes => Ok(()),
            Some(tile) => {
                let at = tile.iter().zip(hashes).position(|(a, b)| a != b).unwrap_or_default() as u64;
                bad(first + (at << (8 * level)), Reason::TileMismatch)
            }
            None => bad(first, Reason::TileMismatch),
        }
    }

    fn bundle(&mut self, walk: &mut Walk, number: u64, size: u64, old: Option<u64>) -> Result<(), Stop> {
        let first = number * TILE as u64;
        let width = (size - first).min(TILE as u64) as usize;
        let asked = self.options.from.unwrap_or(0)..=self.options.to.unwrap_or(u64::MAX);
        let skip = first > *asked.end() || first + (width as u64) <= *asked.start();
        let Some(tile) = self.files.tile(0, number, width)? else { return bad(first, Reason::TileMismatch) };
        let leaves = if skip {
            tile
        } else {
            let envelopes = self.envelopes(number, width, &tile)?;
            for (envelope, index) in envelopes.iter().zip(first..) {
                sequence(walk, envelope, index, asked.start() > &0)?;
            }
            if self.options.bodies {
                self.bodies(walk, number, &envelopes)?;
            }
            self.report.checked += width as u64;
            tile
        };
        for leaf in leaves {
            for (level, number, hashes) in walk.edge.push(leaf) {
                // Level 0 was compared entry by entry.
                if level > 0 {
                    self.tile(level, number, &hashes)?;
                }
            }
            if old == Some(walk.edge.size()) {
                walk.old_root = Some(walk.edge.root());
            }
        }
        Ok(())
    }

    /// The envelopes of a bundle, each compared with its hash in the tile.
    fn envelopes(&self, number: u64, width: usize, tile: &[Hash]) -> Result<Vec<Envelope>, Stop> {
        let first = number * TILE as u64;
        let Some((bytes, items)) = self.files.read(Row::Entries, number, width)? else {
            return bad(first, Reason::Truncated);
        };
        let (entries, whole) = files::parse_entries(&bytes);
        let mut envelopes = Vec::with_capacity(width);
        for (i, hash) in tile.iter().enumerate() {
            let index = first + i as u64;
            match entries.get(i) {
                None => return bad(index, Reason::TileMismatch),
                Some(entry) if tree::leaf_hash(entry) != *hash => return bad(index, Reason::TileMismatch),
                Some(entry) => match Envelope::parse(entry) {
                    Some(envelope) => envelopes.push(envelope),
                    None => return bad(index, Reason::SequenceGap),
                },
            }
        }
        if !whole || entries.len() != items {
            return bad(first + width as u64 - 1, Reason::TileMismatch);
        }
        Ok(envelopes)
    }

    fn bodies(&self, walk: &mut Walk, number: u64, envelopes: &[Envelope]) -> Result<(), Stop> {
        let first = number * TILE as u64;
        let Some((bytes, items)) = self.files.read(Row::Bodies, number, envelopes.len())? else {
            walk.missing.extend(envelopes.iter().zip(first..).map(|(e, i)| (i, e.k.clone())));
            return Ok(());
        };
        let (bodies, whole) = files::parse_bodies(&bytes);
        for (i, envelope) in envelopes.iter().enumerate() {
            let index = first + i as u64;
            match bodies.get(i) {
                None => return bad(index, Reason::CommitmentMismatch),
                Some(None) => walk.missing.push((index, envelope.k.clone())),
                Some(Some((salt, body))) => {
                    if commitment(salt, body) != envelope.c {
                        return bad(index, Reason::CommitmentMismatch);
                    }
                    if envelope.k == Kind::Log.text() {
                        walk.erased.extend(crate::erase::range_of(body));
                    }
                }
            }
        }
        if !whole || bodies.len() != items {
            return bad(first + envelopes.len() as u64 - 1, Reason::CommitmentMismatch);
        }
        Ok(())
    }

    fn witnesses(&mut self, keys: &[VerifierKey], size: u64, root: &Hash) -> Result<(), Stop> {
        let witnesses = &self.options.witnesses;
        let Some(text) = self.text("witnessed")? else {
            self.report.unwitnessed = !witnesses.is_empty();
            return Ok(());
        };
        let signed = SignedCheckpoint::parse(&text)?;
        signed.check(keys)?;
        let seen = &signed.checkpoint;
        let continued = seen.size <= size && {
            let nodes = self.files.nodes(size);
            let now = if seen.size == size { *root } else { tree::root(&nodes, seen.size)? };
            now == seen.root
        };
        if !continued {
            return bad(None, Reason::InconsistentWithOld);
        }
        if !witnesses.is_empty() {
            let at = signed.witnessed(witnesses)?;
            if !signed.signed_by_all(keys, witnesses) {
                return bad(None, Reason::UnknownKey);
            }
            let now = self.options.now.map_or(i64::MAX, Timestamp::micros);
            self.report.unwitnessed = at.is_none_or(|at| now.saturating_sub(at.micros()) > WITNESS_MICROS);
        }
        Ok(())
    }
}

/// The sequence of each role has no gap, its time does not go back. When checking begins in the middle of a log, the
/// first entry of each role is taken as it is.
fn sequence(walk: &mut Walk, envelope: &Envelope, index: u64, middle: bool) -> Result<(), Stop> {
    let last = walk.last.get(&envelope.r).copied();
    let expected = last.map_or(1, |(s, _)| s + 1);
    if envelope.s != expected && !(middle && last.is_none()) {
        return bad(index, Reason::SequenceGap);
    }
    let latest = last.map_or(i64::MIN, |(_, t)| t);
    if envelope.t < latest.saturating_sub(TOLERANCE_MICROS) {
        return bad(index, Reason::TimeBackwards);
    }
    walk.last.insert(envelope.r.clone(), (envelope.s, envelope.t.max(latest)));
    Ok(())
}
