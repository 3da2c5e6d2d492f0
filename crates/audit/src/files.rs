//! The folder of a log: layout (tiles, entries, bodies, checkpoint), reading, and appending in the order that survives
//! a crash at any step (AUD-010).
//!
//! Beside the layout of tlog-tiles there is `bodies/<N>`: up to 256 bodies, each as u32 big-endian length, 16 bytes of
//! salt, body; length 0 without salt stands for an erased body.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
#[cfg(test)]
use std::sync::atomic::Ordering;

use crate::AuditError;
use crate::note::{Checkpoint, NoteError, SignedCheckpoint};
use crate::tree::{self, Edge, Hash, Nodes, TILE};

/// Salt and body of an entry, or none when it was erased.
pub(crate) type Body = Option<(Vec<u8>, Vec<u8>)>;

/// What is appended: the leaf and its body.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub envelope: Vec<u8>,
    pub salt: Vec<u8>,
    pub body: Vec<u8>,
}

/// The number of a tile or bundle as a path: `x001/x234/067`.
pub(crate) fn number_path(n: u64) -> String {
    let mut path = format!("{:03}", n % 1000);
    let mut rest = n / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The rows of files that a log consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Row {
    Tile(usize),
    Entries,
    Bodies,
}

impl Row {
    fn folder(self) -> String {
        match self {
            Row::Tile(level) => format!("tile/{level}"),
            Row::Entries => "tile/entries".into(),
            Row::Bodies => "bodies".into(),
        }
    }

    /// The path of file `n`, of its first `width` items when not full.
    pub(crate) fn path(self, n: u64, width: usize) -> String {
        let partial = if width < TILE { format!(".p/{width}") } else { String::new() };
        format!("{}/{}{partial}", self.folder(), number_path(n))
    }
}

/// A log's folder.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    #[cfg(test)]
    steps_left: Option<std::sync::Arc<std::sync::atomic::AtomicU32>>,
}

/// The unfinished end of a log in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    pub edge: Edge,
    entries: Vec<u8>,
    bodies: Vec<u8>,
}

impl Files {
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            #[cfg(test)]
            steps_left: None,
        }
    }

    /// The text of the checkpoint, or none for a log that has none yet.
    pub(crate) fn checkpoint(&self) -> Result<Option<String>, AuditError> {
        match fs::read_to_string(self.folder.join("checkpoint")) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unavailable(e)),
        }
    }

    /// The file that holds the first `width` items: the partial file of that width, a wider one, or the full one, with
    /// the number of items it must hold. A log that was copied while it grew may hold any of these.
    pub(crate) fn read(&self, row: Row, n: u64, width: usize) -> Result<Option<(Vec<u8>, usize)>, AuditError> {
        for candidate in width..=TILE {
            match fs::read(self.folder.join(row.path(n, candidate))) {
                Ok(bytes) => return Ok(Some((bytes, candidate))),
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(e) => return Err(unavailable(e)),
            }
        }
        Ok(None)
    }

    /// The first `width` hashes of a tile; none when the file is missing or malformed.
    pub(crate) fn tile(&self, level: usize, n: u64, width: usize) -> Result<Option<Vec<Hash>>, AuditError> {
        let Some((bytes, items)) = self.read(Row::Tile(level), n, width)? else { return Ok(None) };
        let (hashes, rest) = bytes.as_chunks::<32>();
        Ok((rest.is_empty() && hashes.len() == items).then(|| hashes[..width].to_vec()))
    }

    /// The first `width` envelopes of a bundle; none when missing or malformed.
    pub(crate) fn entries(&self, n: u64, width: usize) -> Result<Option<Vec<Vec<u8>>>, AuditError> {
        let Some((bytes, items)) = self.read(Row::Entries, n, width)? else { return Ok(None) };
        let (mut entries, whole) = parse_entries(&bytes);
        if !whole || entries.len() != items {
            return Ok(None);
        }
        entries.truncate(width);
        Ok(Some(entries))
    }

    /// The first `width` bodies of a bundle; none when missing or malformed.
    pub(crate) fn bodies(&self, n: u64, width: usize) -> Result<Option<Vec<Body>>, AuditError> {
        let Some((bytes, items)) = self.read(Row::Bodies, n, width)? else { return Ok(None) };
        let (mut bodies, whole) = parse_bodies(&bytes);
        if !whole || bodies.len() != items {
            return Ok(None);
        }
        bodies.truncate(width);
        Ok(Some(bodies))
    }

    /// Replaces the bodies of bundle `n`, of which `width` are in the log.
    pub(crate) fn replace_bodies(&self, n: u64, width: usize, bodies: &[Body]) -> Result<(), AuditError> {
        let mut bundle = Vec::new();
        bodies.iter().for_each(|b| push_body(&mut bundle, b));
        self.replace(&Row::Bodies.path(n, width), &bundle)
    }

    /// The end of the log that `checkpoint` names, rebuilt from its files and checked against its root.
    pub(crate) fn end(&self, checkpoint: &Checkpoint) -> Result<End, AuditError> {
        let size = checkpoint.size;
        let damaged = |what: String| AuditError::Damaged(format!("{what} is missing or malformed"));
        let mut levels = Vec::new();
        for level in 0.. {
            let count = size >> (8 * level);
            if count == 0 {
                break;
            }
            let width = (count % TILE as u64) as usize;
            let number = count / TILE as u64;
            let hashes = match width {
                0 => Vec::new(),
                _ => self.tile(level, number, width)?.ok_or_else(|| damaged(Row::Tile(level).path(number, width)))?,
            };
            levels.push(hashes);
        }
        let edge = Edge::from_levels(size, levels);
        if edge.root() != checkpoint.root {
            return Err(AuditError::Damaged("the tiles do not give the root of the checkpoint".into()));
        }
        let (number, width) = (size / TILE as u64, (size % TILE as u64) as usize);
        let (mut entries, mut bodies) = (Vec::new(), Vec::new());
        if width > 0 {
            let list = self.entries(number, width)?.ok_or_else(|| damaged(Row::Entries.path(number, width)))?;
            list.iter().for_each(|e| push_entry(&mut entries, e));
            let list = self.bodies(number, width)?.ok_or_else(|| damaged(Row::Bodies.path(number, width)))?;
            list.iter().for_each(|b| push_body(&mut bodies, b));
        }
        Ok(End { edge, entries, bodies })
    }

    /// Appends `leaves` behind `end`: entries, bodies and tiles bottom-up, all on disk before this returns. Nothing
    /// counts until the checkpoint is written. Gives the new end.
    pub(crate) fn append(&self, end: &End, leaves: &[Leaf]) -> Result<End, AuditError> {
        let mut end = end.clone();
        let mut writes: Vec<(Row, u64, usize, Vec<u8>)> = Vec::new();
        let mut tiles: Vec<(Row, u64, usize, Vec<u8>)> = Vec::new();
        for leaf in leaves {
            push_entry(&mut end.entries, &leaf.envelope);
            push_body(&mut end.bodies, &Some((leaf.salt.clone(), leaf.body.clone())));
            for (level, number, hashes) in end.edge.push(tree::leaf_hash(&leaf.envelope)) {
                tiles.push((Row::Tile(level), number, TILE, hashes.concat()));
            }
            if end.edge.size().is_multiple_of(TILE as u64) {
                let number = end.edge.size() / TILE as u64 - 1;
                writes.push((Row::Entries, number, TILE, std::mem::take(&mut end.entries)));
                writes.push((Row::Bodies, number, TILE, std::mem::take(&mut end.bodies)));
            }
        }
        let size = end.edge.size();
        let (number, width) = (size / TILE as u64, (size % TILE as u64) as usize);
        if width > 0 {
            writes.push((Row::Entries, number, width, end.entries.clone()));
            writes.push((Row::Bodies, number, width, end.bodies.clone()));
        }
        for level in 0..8 {
            let (hashes, count) = (end.edge.level(level), size >> (8 * level));
            if !hashes.is_empty() {
                tiles.push((Row::Tile(level), count / TILE as u64, hashes.len(), hashes.concat()));
            }
        }
        tiles.sort_by_key(|(row, number, ..)| (row.folder(), *number));
        let mut folders = BTreeSet::new();
        for (row, number, width, bytes) in writes.into_iter().chain(tiles) {
            self.write(&row.path(number, width), &bytes, &mut folders)?;
        }
        for folder in folders {
            self.step()?;
            File::open(&folder).and_then(|f| f.sync_all()).map_err(unavailable)?;
        }
        Ok(end)
    }

    fn write(&self, path: &str, bytes: &[u8], folders: &mut BTreeSet<PathBuf>) -> Result<(), AuditError> {
        let path = self.folder.join(path);
        let mut missing = path.parent();
        while let Some(folder) = missing.filter(|f| !f.is_dir()) {
            folders.extend(folder.parent().map(Path::to_owned));
            missing = folder.parent();
        }
        folders.extend(path.parent().map(Path::to_owned));
        self.step()?;
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(unavailable)?;
        self.step()?;
        let mut file = File::create(&path).map_err(unavailable)?;
        // Half of the bytes first, so that the crash tests meet a torn file.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first).map_err(unavailable)?;
        self.step()?;
        file.write_all(second).and_then(|()| file.sync_data()).map_err(unavailable)
    }

    /// Replaces a small file of the folder in one step: temporary file, fsync, rename, fsync of the folder.
    pub(crate) fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), AuditError> {
        let (target, temporary) = (self.folder.join(path), self.folder.join(format!("{path}.new")));
        self.step()?;
        let mut file = File::create(&temporary).map_err(unavailable)?;
        file.write_all(bytes).and_then(|()| file.sync_data()).map_err(unavailable)?;
        self.step()?;
        fs::rename(&temporary, &target).map_err(unavailable)?;
        self.step()?;
        let folder = target.parent().unwrap_or(&self.folder);
        File::open(folder).and_then(|f| f.sync_all()).map_err(unavailable)
    }

    /// Removes the partial files that a log of `old` entries had and one of `new` entries does not need. Best effort:
    /// what remains after a crash is harmless.
    pub(crate) fn remove_partials(&self, old: u64, new: u64) {
        let remove = |row: Row, old: u64, new: u64| {
            let (number, width) = (old / TILE as u64, (old % TILE as u64) as usize);
            if width > 0 && old != new {
                let path = self.folder.join(row.path(number, width));
                let removed = fs::remove_file(&path);
                if new / (TILE as u64) > number && removed.is_ok() {
                    // The folder of partial files is empty now, unless an earlier crash left one behind.
                    let _ = path.parent().map(fs::remove_dir);
                }
            }
        };
        remove(Row::Entries, old, new);
        remove(Row::Bodies, old, new);
        for level in 0..8 {
            remove(Row::Tile(level), old >> (8 * level), new >> (8 * level));
        }
    }

    /// Hashes of subtrees from the tiles of a log of `size` entries.
    pub(crate) fn nodes(&self, size: u64) -> TileNodes<'_> {
        TileNodes { files: self, size, cache: RefCell::new(HashMap::new()) }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the tests crash here")]
    fn step(&self) -> Result<(), AuditError> {
        Ok(())
    }

    #[cfg(test)]
    fn step(&self) -> Result<(), AuditError> {
        match &self.steps_left {
            Some(left) => {
                let one_less = |n: u32| n.checked_sub(1);
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                    .map(|_| ())
                    .map_err(|_| AuditError::Unavailable("crash".into()))
            }
            None => Ok(()),
        }
    }
}

/// The tiles of a folder as nodes of the tree.
pub(crate) struct TileNodes<'a> {
    files: &'a Files,
    size: u64,
    cache: RefCell<HashMap<(usize, u64), Vec<Hash>>>,
}

impl Nodes for TileNodes<'_> {
    type Error = AuditError;
    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError> {
        let (tile_level, span) = ((level / 8) as usize, 1u64 << (level % 8));
        let first = index * span;
        let (number, offset) = (first / TILE as u64, (first % TILE as u64) as usize);
        let mut cache = self.cache.borrow_mut();
        let hashes = match cache.entry((tile_level, number)) {
            std::collections::hash_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::hash_map::Entry::Vacant(e) => {
                let width = ((self.size >> (8 * tile_level)) - number * TILE as u64).min(TILE as u64) as usize;
                let path = || Row::Tile(tile_level).path(number, width);
                let tile = self.files.tile(tile_level, number, width)?;
                e.insert(tile.ok_or_else(|| AuditError::Damaged(format!("{} is missing or malformed", path())))?)
            }
        };
        hashes
            .get(offset..offset + span as usize)
            .map(tree::root_of)
            .ok_or_else(|| AuditError::Damaged("a proof asks for more than there is".into()))
    }
}

/// Reads the checkpoint of a folder and checks its signature.
pub(crate) fn parse_checkpoint(text: &str, keys: &[crate::VerifierKey]) -> Result<Checkpoint, NoteError> {
    let signed = SignedCheckpoint::parse(text)?;
    signed.check(keys)?;
    Ok(signed.checkpoint)
}

fn push_entry(bundle: &mut Vec<u8>, envelope: &[u8]) {
    // An envelope has at most 1 024 bytes.
    bundle.extend_from_slice(&(envelope.len() as u16).to_be_bytes());
    bundle.extend_from_slice(envelope);
}

pub(crate) fn push_body(bundle: &mut Vec<u8>, body: &Body) {
    match body {
        Some((salt, body)) => {
            bundle.extend_from_slice(&(body.len() as u32).to_be_bytes());
            bundle.extend_from_slice(salt);
            bundle.extend_from_slice(body);
        }
        None => bundle.extend_from_slice(&[0; 4]),
    }
}

/// The envelopes at the beginning of a bundle, and whether nothing stands behind them.
pub(crate) fn parse_entries(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let Some((entry, rest)) = rest.split_at_checked(u16::from_be_bytes(*length) as usize) else { break };
        entries.push(entry.to_vec());
        bytes = rest;
    }
    (entries, bytes.is_empty())
}

/// The bodies at the beginning of a bundle, and whether nothing stands behind them.
pub(crate) fn parse_bodies(mut bytes: &[u8]) -> (Vec<Body>, bool) {
    let mut bodies = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 {
            bodies.push(None);
            bytes = rest;
            continue;
        }
        let Some((salt, rest)) = rest.split_at_checked(16) else { break };
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        bodies.push(Some((salt.to_vec(), body.to_vec())));
        bytes = rest;
    }
    (bodies, bytes.is_empty())
}

pub(crate) fn unavailable(e: io::Error) -> AuditError {
    AuditError::Unavailable(e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    /// AUD-070: tile paths.
    #[test]
    fn numbers_become_paths() {
        for (n, path) in [
            (0, "000"),
            (255, "255"),
            (256, "256"),
            (65_535, "x065/535"),
            (65_536, "x065/536"),
            (1_234_067, "x001/x234/067"),
        ] {
            assert_eq!(number_path(n), path);
        }
        assert_eq!(Row::Tile(0).path(1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(Row::Entries.path(0, 3), "tile/entries/000.p/3");
    }

    fn leaves(from: u64, to: u64) -> Vec<Leaf> {
        (from..to)
            .map(|i| Leaf {
                envelope: format!("entry {i}").into_bytes(),
                salt: vec![i as u8; 16],
                body: format!("body {i}").into_bytes(),
            })
            .collect()
    }

    fn commit(files: &Files, old: u64, end: &End) -> Result<(), AuditError> {
        let note = Checkpoint { origin: "o".into(), size: end.edge.size(), root: end.edge.root() }.text();
        files.replace("checkpoint", note.as_bytes())?;
        files.remove_partials(old, end.edge.size());
        Ok(())
    }

    fn reopen(files: &Files) -> End {
        let text = files.checkpoint().unwrap();
        text.map_or_else(End::default, |t| files.end(&Checkpoint::parse(&t).unwrap()).unwrap())
    }

    fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(f) = folders.pop() {
            for item in fs::read_dir(f).unwrap() {
                let path = item.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().display().to_string();
                    found.push((name, fs::read(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    /// AUD-010, AUD-070: a crash at each write step; after a restart and a second try the folder is the same as without
    /// the crash.
    #[test]
    fn a_crash_at_any_step_loses_and_doubles_nothing() {
        let clean = tempfile::tempdir().unwrap();
        let files = Files::at(clean.path());
        let first = files.append(&End::default(), &leaves(0, 250)).unwrap();
        commit(&files, 0, &first).unwrap();
        let second = files.append(&first, &leaves(250, 520)).unwrap();
        commit(&files, 250, &second).unwrap();
        let wanted = listing(clean.path());
        let mut crashes = 0;
        for steps in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let files = Files::at(dir.path());
            let first = files.append(&End::default(), &leaves(0, 250)).unwrap();
            commit(&files, 0, &first).unwrap();
            let failing = Files { steps_left: Some(Arc::new(AtomicU32::new(steps))), ..files.clone() };
            let result = failing.append(&first, &leaves(250, 520)).and_then(|end| commit(&failing, 250, &end));
            let end = reopen(&files);
            let size = end.edge.size();
            assert!(size == 250 || size == 520);
            if size == 250 {
                let end = files.append(&end, &leaves(250, 520)).unwrap();
                commit(&files, 250, &end).unwrap();
            }
            files.remove_partials(250, 520);
            assert_eq!(listing(dir.path()), wanted, "crash after {steps} steps");
            if result.is_ok() {
                break;
            }
            crashes += 1;
        }
        assert!(crashes > 15, "{crashes}");
    }

    /// Proofs from tiles only: the nodes of a folder are those of the tree.
    #[test]
    fn tiles_give_the_nodes_of_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::at(dir.path());
        let end = files.append(&End::default(), &leaves(0, 70_000)).unwrap();
        let nodes = files.nodes(70_000);
        assert_eq!(tree::root(&nodes, 70_000).unwrap(), end.edge.root());
        let leaf = tree::leaf_hash(b"entry 65537");
        let path = tree::inclusion(&nodes, 65_537, 70_000).unwrap();
        assert!(tree::verify_inclusion(65_537, 70_000, &leaf, &path, &end.edge.root()));
        let old = tree::root(&nodes, 300).unwrap();
        let path = tree::consistency(&nodes, 300, 70_000).unwrap();
        assert!(tree::verify_consistency(300, &old, 70_000, &end.edge.root(), &path));
    }

    proptest! {
        /// AUD-070: the bundle parsers take any bytes without panic, and round-trip what they accept.
        #[test]
        fn bundle_parsers_take_anything(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let (entries, true) = parse_entries(&bytes) {
                let mut again = Vec::new();
                entries.iter().for_each(|e| push_entry(&mut again, e));
                prop_assert_eq!(&again, &bytes);
            }
            if let (bodies, true) = parse_bodies(&bytes) {
                let mut again = Vec::new();
                bodies.iter().for_each(|b| push_body(&mut again, b));
                prop_assert_eq!(&again, &bytes);
            }
        }
    }
}
