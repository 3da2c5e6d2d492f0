//! The gate ledger on disk (SDC-055): append-only, sealed, one batch per release, and durable before the release is
//! handed out. What it knows is held in memory as well ([`book`]), so that reading it costs nothing; at start it is read back.
//!
//! Batches are the truth. Two things are written behind them and can be made again: segments, which hold many batches in one
//! row so that a ledger of a million sets opens in a moment, and the members of sets ([`shelf`]), which are evicted when
//! there are too many. A crash between a batch and what is written behind it loses neither.

mod behind;
mod book;
mod epoch;
mod lines;
mod shelf;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disclosure::{
    Candidate, Fingerprint, KnownSet, Ledger, LedgerEntry, LedgerError, RecentMembers, Recipe, Sketch, Stored, ValueKey,
};
use kernel::Sealer;
use roaring::RoaringBitmap;
use store::{Migration, Store, StoreError, Tx, params};
use tokio::runtime::Handle;

use behind::{Behind, Job};
pub(crate) use book::Book;
pub use epoch::{EpochError, begin_epoch};
pub(crate) use lines::{from_lines, to_lines};
use shelf::Shelf;

/// The tables of the ledger, in the database of the data zone.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "001_gate_ledger",
        sql: "CREATE TABLE gate_ledger (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, sealed BLOB NOT NULL)",
    },
    Migration {
        name: "002_gate_ledger_segment",
        sql: "CREATE TABLE gate_ledger_segment (first BIGINT PRIMARY KEY, last BIGINT NOT NULL, sealed BLOB NOT NULL)",
    },
];

/// Batches read at a time when the ledger is opened.
const PAGE: i64 = 500;
/// Segments read at a time.
const SEGMENTS: i64 = 4;
/// Bytes of members in memory; those of the latest results.
pub(crate) const RECENT_BYTES: usize = 256 << 20;

/// Where the members of sets are kept on disk, and how much of them.
#[derive(Clone, Debug)]
pub struct MembersOnDisk {
    /// A folder that nobody else writes to.
    pub folder: PathBuf,
    /// Bytes at most; what was used longest ago goes first, populations last (SDC-055).
    pub bytes: u64,
}

impl MembersOnDisk {
    /// The default size, 20 GiB.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), bytes: 20 << 30 }
    }
}

/// A ledger in a database. Used from threads that may wait, never from those that drive other tasks.
pub struct DurableLedger {
    store: Store,
    sealer: Arc<dyn Sealer>,
    handle: Handle,
    book: Book,
    recent: RecentMembers,
    shelf: Option<Arc<Shelf>>,
    behind: Behind,
    next: i64,
    /// A write ended without an answer: the database may know more than the book.
    behind_times: bool,
}

fn batch_place(seq: i64) -> String {
    format!("gate_ledger/{seq}/sealed")
}

fn segment_place(first: i64, last: i64) -> String {
    format!("gate_ledger_segment/{first}/{last}/sealed")
}

impl DurableLedger {
    /// Opens the ledger and reads everything back. Without a folder for members, those of the latest results are known and
    /// others are not.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Other`] when a batch does not open with the zone's key, or the folder
    /// cannot be made.
    pub async fn open(
        store: Store,
        sealer: Arc<dyn Sealer>,
        members: Option<MembersOnDisk>,
    ) -> Result<Self, StoreError> {
        store.migrate("gate_ledger", MIGRATIONS).await?;
        let shelf = match members {
            Some(MembersOnDisk { folder, bytes }) => {
                let opened = Shelf::open(&folder, bytes, Arc::clone(&sealer));
                let shelf = opened.map_err(|e| StoreError::Other(format!("{}: {e}", folder.display())))?;
                Some(Arc::new(shelf))
            }
            None => None,
        };
        let behind = Behind::start(store.clone(), Arc::clone(&sealer), Handle::current(), shelf.clone());
        let mut ledger = Self {
            store,
            sealer,
            handle: Handle::current(),
            book: Book::default(),
            recent: RecentMembers::new(RECENT_BYTES),
            shelf,
            behind,
            next: 1,
            behind_times: false,
        };
        ledger.read_segments().await?;
        ledger.read_batches().await?;
        Ok(ledger)
    }

    async fn read_segments(&mut self) -> Result<(), StoreError> {
        loop {
            let from = self.next;
            let rows = self.store.read("gate_ledger.segments", async |tx: &mut Tx| -> Result<_, StoreError> {
                let sql =
                    "SELECT first, last, sealed FROM gate_ledger_segment WHERE first >= $1 ORDER BY first LIMIT $2";
                tx.query(sql, params![from, SEGMENTS]).await
            });
            let rows = rows.await?;
            let mut read = 0;
            for row in &rows {
                let (first, last, sealed): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                if first != self.next {
                    break;
                }
                let damaged =
                    || StoreError::Other(format!("the segment of the gate ledger from {first} does not open"));
                let plain = self.sealer.open(&segment_place(first, last), &sealed).map_err(|_| damaged())?;
                for batch in wire::batches(&plain).map_err(|_| damaged())? {
                    self.book.read_batch(batch).map_err(|_| damaged())?;
                }
                self.next = last + 1;
                read += 1;
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Reads the batches after the last one that is known.
    async fn read_batches(&mut self) -> Result<(), StoreError> {
        loop {
            let from = self.next;
            let rows = self.store.read("gate_ledger.load", async |tx: &mut Tx| -> Result<_, StoreError> {
                let sql = "SELECT seq, sealed FROM gate_ledger WHERE seq >= $1 ORDER BY seq LIMIT $2";
                tx.query(sql, params![from, PAGE]).await
            });
            let rows = rows.await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let (seq, sealed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let damaged = || StoreError::Other(format!("batch {seq} of the gate ledger does not open"));
                let plain = self.sealer.open(&batch_place(seq), &sealed).map_err(|_| damaged())?;
                self.book.read_batch(&plain).map_err(|_| damaged())?;
                self.behind.send(Job::Batch { seq, plain });
                self.next = seq + 1;
            }
        }
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.book.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many sets it holds that others are compared with.
    pub fn sets(&self) -> usize {
        self.book.sets()
    }

    /// Where a set comes from, so that its members can be made again.
    pub fn recipe(&self, set: Fingerprint) -> Option<Recipe> {
        self.book.recipe(set)
    }

    /// Waits until everything is written that is written behind.
    pub fn settle(&self) {
        self.behind.settle();
    }

    fn write(&self, entries: &[&LedgerEntry]) -> Result<Vec<u8>, LedgerError> {
        let (plain, seq) = (wire::encode(entries), self.next);
        let at = entries.first().ok_or(LedgerError)?.at;
        let sealed = self.sealer.seal(&batch_place(seq), &plain).map_err(|_| LedgerError)?;
        let store = self.store.clone();
        let written = self.handle.block_on(async move {
            store
                .tx("gate_ledger.append", async |tx: &mut Tx| -> Result<(), StoreError> {
                    let sql = "INSERT INTO gate_ledger (seq, at, sealed) VALUES ($1, $2, $3)";
                    tx.execute(sql, params![seq, at, sealed.as_slice()]).await?;
                    Ok(())
                })
                .await
        });
        written.map_err(|error| {
            tracing::error!(%error, "gate ledger");
            LedgerError
        })?;
        Ok(plain)
    }
}

impl Ledger for DurableLedger {
    fn candidates(&self, persons: u64, sketch: &Sketch, reach: u64) -> Result<Vec<Candidate>, LedgerError> {
        Ok(self.book.candidates(persons, sketch, reach))
    }

    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        Ok(self.book.root(set))
    }

    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        let recent = self.recent.members(set);
        Ok(recent.or_else(|| self.shelf.as_ref().and_then(|shelf| shelf.get(set)).map(Arc::new)))
    }

    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        Ok(self.book.read(key))
    }

    /// After a write that ended without an answer the next one fails too, and only brings the book up to date: what its
    /// caller has decided may rest on less than the ledger knows.
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        if self.behind_times {
            let handle = self.handle.clone();
            handle.block_on(self.read_batches()).map_err(|_| LedgerError)?;
            self.behind_times = false;
            return Err(LedgerError);
        }
        let new: Vec<&LedgerEntry> = self.book.unknown(entries);
        if new.is_empty() {
            return Ok(());
        }
        let seq = self.next;
        self.behind_times = true;
        let plain = self.write(&new)?;
        self.behind_times = false;
        self.next += 1;
        let (mut members, mut gone) = (Vec::new(), Vec::new());
        for entry in &new {
            let set = entry.key.set;
            if entry.root.is_some() && !self.book.knows(set) {
                gone.extend(self.recent.keep(set, &entry.members));
                members.push((set, entry.members.clone()));
            }
        }
        self.book.add(new);
        self.behind.send(Job::Batch { seq, plain });
        if self.shelf.is_some() {
            self.behind.send(Job::Members { seq, sets: members });
        }
        if !gone.is_empty() {
            self.behind.send(Job::Forget(gone));
        }
        Ok(())
    }
}
