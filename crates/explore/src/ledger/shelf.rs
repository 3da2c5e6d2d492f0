//! The members of sets on disk (SDC-055): one file per release, every set of it sealed on its own. What was used longest ago
//! is evicted when there is too much, populations last. A file that is missing, cut off or changed is as good as evicted:
//! a statistic is then computed on the set that asks for it (SDC-050).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disclosure::{ByFingerprint, Fingerprint};
use kernel::Sealer;
use roaring::RoaringBitmap;

/// First bytes of a file.
const MAGIC: &[u8; 4] = b"HGM1";
/// Bytes of the list at the start of a file for every set: fingerprint, first byte, length.
const ROW: usize = 16 + 8 + 8;
/// A release of so few sets is a population or an edit; it is evicted after all others.
const POPULATION: usize = 2;

/// The files of a folder.
pub(super) struct Shelf {
    folder: PathBuf,
    most: u64,
    sealer: Arc<dyn Sealer>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    places: HashMap<Fingerprint, (i64, u32), ByFingerprint>,
    files: HashMap<i64, Held>,
    bytes: u64,
    /// Counts uses.
    clock: u64,
}

/// What is known of a file.
struct Held {
    rows: Vec<(Fingerprint, u64, u64)>,
    bytes: u64,
    used: u64,
}

fn index_place(file: i64) -> String {
    format!("gate_members/{file}/index")
}

fn set_place(file: i64, row: usize) -> String {
    format!("gate_members/{file}/{row}")
}

impl Shelf {
    /// The shelf of a folder, which is made. What is in it is known after [`Shelf::look_through`].
    pub(super) fn open(folder: &Path, most: u64, sealer: Arc<dyn Sealer>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), most, sealer, inner: Mutex::default() })
    }

    /// Reads what there is; files that do not open go.
    pub(super) fn look_through(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<i64> = Vec::new();
        for entry in entries {
            match i64::from_str_radix(&entry.file_name().to_string_lossy(), 16) {
                Ok(file) => files.push(file),
                Err(_) => drop(fs::remove_file(entry.path())),
            }
        }
        files.sort_unstable();
        for file in files {
            match self.index(file) {
                Ok(held) => self.lock().admit(file, held),
                Err(_) => drop(fs::remove_file(self.path(file))),
            }
        }
    }

    /// Keeps the members of the sets of a release.
    pub(super) fn put(
        &self,
        file: i64,
        sets: impl Iterator<Item = (Fingerprint, Arc<RoaringBitmap>)>,
    ) -> io::Result<()> {
        let seal = |place: &str, plain: &[u8]| self.sealer.seal(place, plain).map_err(io::Error::other);
        let (mut rows, mut blobs, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (set, members)) in sets.enumerate() {
            let mut members = Arc::unwrap_or_clone(members);
            members.optimize();
            plain.clear();
            members.serialize_into(&mut plain)?;
            let sealed = seal(&set_place(file, row), &plain)?;
            rows.push((set, blobs.len() as u64, sealed.len() as u64));
            blobs.extend(sealed);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut list = Vec::with_capacity(rows.len() * ROW);
        for (set, from, length) in &rows {
            list.extend(set.0.to_le_bytes());
            list.extend(from.to_le_bytes());
            list.extend(length.to_le_bytes());
        }
        let list = seal(&index_place(file), &list)?;
        // Under another name first: a crash leaves no half of a file.
        let new = self.folder.join("new");
        let mut out = File::create(&new)?;
        out.write_all(MAGIC)?;
        out.write_all(&(list.len() as u32).to_le_bytes())?;
        out.write_all(&list)?;
        out.write_all(&blobs)?;
        drop(out);
        fs::rename(&new, self.path(file))?;
        let start = (8 + list.len()) as u64;
        rows.iter_mut().for_each(|(_, from, _)| *from += start);
        let mut inner = self.lock();
        inner.admit(file, Held { rows, bytes: start + blobs.len() as u64, used: 0 });
        while inner.bytes > self.most {
            let Some(oldest) = inner.oldest() else { break };
            inner.forget(oldest);
            let _ = fs::remove_file(self.path(oldest));
        }
        Ok(())
    }

    /// The members of a set, where they are here.
    pub(super) fn get(&self, set: Fingerprint) -> Option<RoaringBitmap> {
        let (file, row, from, length) = self.lock().find(set)?;
        let read = || -> Option<RoaringBitmap> {
            let mut sealed = vec![0; usize::try_from(length).ok()?];
            let mut source = File::open(self.path(file)).ok()?;
            source.seek(SeekFrom::Start(from)).ok()?;
            source.read_exact(&mut sealed).ok()?;
            let plain = self.sealer.open(&set_place(file, row), &sealed).ok()?;
            RoaringBitmap::deserialize_from(plain.as_slice()).ok()
        };
        let members = read();
        if members.is_none() {
            self.lock().forget(file);
        }
        members
    }

    fn index(&self, file: i64) -> io::Result<Held> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let mut source = File::open(self.path(file))?;
        let bytes = source.metadata()?.len();
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        let ([magic, length], _) = head.as_chunks::<4>() else { return Err(damaged()) };
        let length = u32::from_le_bytes(*length);
        if magic != MAGIC || u64::from(length) > bytes {
            return Err(damaged());
        }
        let mut list = vec![0; length as usize];
        source.read_exact(&mut list)?;
        let list = self.sealer.open(&index_place(file), &list).map_err(|_| damaged())?;
        let (rows, rest) = list.as_chunks::<ROW>();
        let start = u64::from(length) + 8;
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u128, |n, b| n << 8 | u128::from(*b));
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let from = start + number(&row[16..24]) as u64;
                (Fingerprint(number(&row[..16])), from, number(&row[24..]) as u64)
            })
            .collect();
        let whole = rows.iter().all(|(_, from, length)| from.checked_add(*length).is_some_and(|end| end <= bytes));
        if !rest.is_empty() || !whole {
            return Err(damaged());
        }
        Ok(Held { rows, bytes, used: 0 })
    }

    fn path(&self, file: i64) -> PathBuf {
        self.folder.join(format!("{file:016x}"))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn admit(&mut self, file: i64, mut held: Held) {
        self.clock += 1;
        held.used = self.clock;
        self.bytes += held.bytes;
        for (row, (set, ..)) in held.rows.iter().enumerate() {
            self.places.insert(*set, (file, row as u32));
        }
        self.files.insert(file, held);
    }

    fn find(&mut self, set: Fingerprint) -> Option<(i64, usize, u64, u64)> {
        let (file, row) = *self.places.get(&set)?;
        self.clock += 1;
        let held = self.files.get_mut(&file)?;
        held.used = self.clock;
        let (_, from, length) = *held.rows.get(row as usize)?;
        Some((file, row as usize, from, length))
    }

    /// The file to go first.
    fn oldest(&self) -> Option<i64> {
        let files = self.files.iter().filter(|_| self.files.len() > 1);
        files.min_by_key(|(_, held)| (held.rows.len() <= POPULATION, held.used)).map(|(file, _)| *file)
    }

    fn forget(&mut self, file: i64) {
        let Some(held) = self.files.remove(&file) else { return };
        self.bytes -= held.bytes;
        for (set, ..) in held.rows {
            if self.places.get(&set).is_some_and(|(at, _)| *at == file) {
                self.places.remove(&set);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(from: u32, count: u32) -> Vec<(Fingerprint, RoaringBitmap)> {
        let members = |i: u32| (i * 10..i * 10 + 3000).filter(|p| p % 3 != i % 3).collect();
        (from..from + count).map(|i| (Fingerprint(u128::from(i) << 64 | u128::from(i)), members(i))).collect()
    }

    fn shared(sets: Vec<(Fingerprint, RoaringBitmap)>) -> impl Iterator<Item = (Fingerprint, Arc<RoaringBitmap>)> {
        sets.into_iter().map(|(set, members)| (set, Arc::new(members)))
    }

    fn shelf(folder: &Path, most: u64) -> Shelf {
        let shelf = Shelf::open(folder, most, Arc::new(testkit::FixedSealer::named("data"))).unwrap();
        shelf.look_through();
        shelf
    }

    /// SDC-055: members are there after a restart, sealed, and a damaged file is as good as none.
    #[test]
    fn sdc_055_members_are_kept_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = sets(0, 5);
        shelf(folder.path(), 1 << 20).put(7, shared(kept.clone())).unwrap();
        let again = shelf(folder.path(), 1 << 20);
        for (set, members) in &kept {
            assert_eq!(again.get(*set).as_ref(), Some(members));
        }
        assert_eq!(again.get(Fingerprint(99)), None);
        let file = folder.path().join(format!("{:016x}", 7));
        let bytes = fs::read(&file).unwrap();
        let mut plain = Vec::new();
        kept[1].1.serialize_into(&mut plain).unwrap();
        assert!(!bytes.windows(32).any(|w| w == &plain[plain.len() - 32..]), "sealed");
        for (at, set) in [(bytes.len() - 1, 4), (20, 0), (1, 0)] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&file, &changed).unwrap();
            assert_eq!(shelf(folder.path(), 1 << 20).get(kept[set].0), None, "{at}");
        }
        fs::write(&file, &bytes[..bytes.len() - 5]).unwrap();
        assert_eq!(shelf(folder.path(), 1 << 20).get(kept[0].0), None);
    }

    /// SDC-055: what was used longest ago goes first, populations last.
    #[test]
    fn sdc_055_populations_are_evicted_last() {
        let folder = tempfile::tempdir().unwrap();
        let one = shelf(folder.path(), u64::MAX);
        one.put(1, shared(sets(0, 1))).unwrap();
        one.put(2, shared(sets(10, 4))).unwrap();
        let size = one.lock().bytes;
        let shelf = shelf(folder.path(), size * 2);
        let there = |at: u32| shelf.get(sets(at, 1)[0].0).is_some();
        for (file, from) in [(3, 20), (4, 30), (5, 40)] {
            assert!(there(10), "used all the time");
            shelf.put(file, shared(sets(from, 4))).unwrap();
        }
        assert_eq!([there(0), there(10), there(20), there(40)], [true, true, false, true]);
        assert!(shelf.lock().bytes <= size * 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), shelf.lock().files.len());
    }
}
