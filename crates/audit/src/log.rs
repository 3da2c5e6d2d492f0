//! The log of one zone: opening its folder, recording entries in the caller's transaction, and the loop that integrates
//! them. The integration itself is in `sequencer`.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use kernel::{Clock, Id, Random, Signer};
use store::{Store, Tx, params};
use tokio::sync::{Mutex, Notify, watch};

use crate::envelope::commitment;
use crate::files::{End, Files, parse_checkpoint, unavailable};
use crate::{AuditError, Entry, VerifierKey, sql};

/// How long entries are waited for that come with the first one, so that they share one signature and one way to the disk
/// (AUD-011): little after a batch of few, and the most after one of [`MANY`] entries, because many are on their way then.
const AFTER_FEW: Duration = Duration::from_millis(4);
const AFTER_MANY: Duration = Duration::from_millis(50);
const MANY: u64 = 16;

/// Where a log is and what it is called.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The folder; made when missing.
    pub folder: PathBuf,
    /// The log's name in checkpoints, e.g. `audit.hap.example/centre`.
    pub origin: String,
    /// Role and instance of this process, the envelope's `r`, e.g. `serve-1`.
    pub role: String,
}

/// The append-only log of one zone. One process at a time writes it.
pub struct Log {
    pub(crate) options: LogOptions,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) files: Files,
    pub(crate) writer: Mutex<Writer>,
    /// Number of entries under the checkpoint. Readers take it from here: they may hold a transaction that the writer
    /// waits for.
    pub(crate) size: AtomicU64,
    random: Arc<dyn Random>,
    wake: Notify,
    /// The last turn given, so that entries of one process keep their order within a microsecond.
    turn: AtomicI64,
    /// Set while the files cannot be written (AUD-061).
    pub(crate) broken: AtomicBool,
}

/// What only the one writer holds.
pub(crate) struct Writer {
    pub end: End,
    /// The sequence that the next new entry of this role gets.
    pub next_s: u64,
    /// Whether the outbox may hold rows that have a place already.
    pub unfinished: bool,
    /// Holds the lock on the folder as long as the log is open.
    _lock: File,
}

/// The state of a log for `hap audit status` and the system page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The log's name.
    pub origin: String,
    /// Integrated entries.
    pub size: u64,
    /// Hex of the root.
    pub root: String,
    /// Entries that wait for integration.
    pub backlog: u64,
    /// Whether the files could be written the last time.
    pub writable: bool,
}

struct OutboxRow;
impl kernel::Kind for OutboxRow {
    const NAME: &'static str = "audit entry";
}

impl Log {
    /// Opens the log in a folder, or begins a new one. The database is that of the zone; a folder that knows less than
    /// the database does is refused, because entries are missing from it.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`] when the folder cannot be used or another process writes it,
    /// [`AuditError::Damaged`] when its files do not fit the checkpoint or the database.
    pub async fn open(
        options: LogOptions,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        signer: Arc<dyn Signer>,
    ) -> Result<Arc<Self>, AuditError> {
        store.migrate("audit", sql::MIGRATIONS).await?;
        fs::create_dir_all(&options.folder).map_err(unavailable)?;
        let lock = File::create(options.folder.join("lock")).map_err(unavailable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(AuditError::Unavailable("another process writes this log".into()));
            }
            Err(TryLockError::Error(e)) => return Err(unavailable(e)),
        }
        let files = Files::at(&options.folder);
        let key = VerifierKey::log(&options.origin, signer.public_key());
        let known = remember_key(&files, &options, &key)?;
        let end = match files.checkpoint()? {
            None => End::default(),
            Some(text) => {
                let checkpoint = parse_checkpoint(&text, &known)
                    .map_err(|e| AuditError::Damaged(format!("the checkpoint was not accepted: {e}")))?;
                files.end(&checkpoint)?
            }
        };
        let size = AtomicU64::new(end.edge.size());
        let log = Self {
            options,
            store,
            clock,
            signer,
            files,
            writer: Mutex::new(Writer { end, next_s: 1, unfinished: true, _lock: lock }),
            size,
            random,
            wake: Notify::new(),
            turn: AtomicI64::new(0),
            broken: AtomicBool::new(false),
        };
        log.catch_up().await?;
        Ok(Arc::new(log))
    }

    /// Writes an entry in the caller's transaction. When this fails the transaction must not commit: no audit, no action
    /// (AUD-001). The entry is part of the log as soon as the sequencer has integrated it, after the commit.
    ///
    /// # Errors
    /// [`AuditError::Invalid`] when the entry breaks its schema, [`AuditError::Unavailable`] when the log cannot be
    /// written now.
    pub async fn record(&self, tx: &mut Tx, mut entry: Entry) -> Result<(), AuditError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(AuditError::Unavailable("its folder cannot be written".into()));
        }
        let now = self.clock.now();
        let body = entry.canonical(now).map_err(AuditError::Invalid)?;
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let id: Id<OutboxRow> = Id::new(self.clock.as_ref(), self.random.as_ref());
        let later = |last: i64| Some(now.micros().max(last + 1));
        let turn = self.turn.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later).unwrap_or_default();
        tx.execute_later(
            "INSERT INTO audit_outbox (id, turn, t, k, o, c, salt, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                id,
                now.micros().max(turn + 1),
                now,
                entry.action.kind.text(),
                &entry.body.object.id,
                commitment(&salt, &body),
                salt.as_slice(),
                body,
            ],
        );
        self.wake.notify_one();
        Ok(())
    }

    /// Writes an entry in a transaction of its own: for what was refused, where there is no other transaction (AUD-003).
    /// Never call it while holding a transaction: on SQLite it would wait for that one.
    ///
    /// # Errors
    /// As [`Log::record`].
    pub async fn record_alone(&self, entry: Entry) -> Result<(), AuditError> {
        self.store.tx("audit", async |tx: &mut Tx| self.record(tx, entry.clone()).await).await
    }

    /// Integrates entries as they come, until `stop` becomes true or its sender is gone; what is committed by then is
    /// still integrated. A failure is logged and tried again; meanwhile [`Log::record`] refuses.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            let integrated = self.integrate().await;
            let pause = if integrated.as_ref().is_ok_and(|entries| *entries >= MANY) { AFTER_MANY } else { AFTER_FEW };
            if let Err(error) = integrated {
                tracing::error!(%error, origin = self.options.origin, "audit entries wait for integration");
            }
            if *stop.borrow_and_update() {
                return;
            }
            tokio::select! {
                // The transaction that woke us commits in a moment; those that come with it share one signature.
                () = self.wake.notified() => tokio::time::sleep(pause).await,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
                changed = stop.changed() => if changed.is_err() { return self.finish().await },
            }
        }
    }

    async fn finish(&self) {
        if let Err(error) = self.integrate().await {
            tracing::error!(%error, origin = self.options.origin, "audit entries wait for integration");
        }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.options.origin
    }

    /// The folder of the log.
    pub fn folder(&self) -> &std::path::Path {
        &self.options.folder
    }

    /// The public key with which the log's checkpoints verify.
    pub fn key(&self) -> VerifierKey {
        VerifierKey::log(&self.options.origin, self.signer.public_key())
    }

    /// The key with which this zone cosigns the checkpoints of others.
    pub fn witness_key(&self) -> VerifierKey {
        VerifierKey::witness(&self.options.origin, self.signer.public_key())
    }

    /// Size, root and backlog.
    ///
    /// # Errors
    /// [`AuditError::Store`], [`AuditError::Damaged`] when the checkpoint cannot be read.
    pub async fn status(&self) -> Result<Status, AuditError> {
        let root = match self.files.checkpoint()? {
            None => crate::tree::empty_root(),
            Some(text) => {
                let signed = crate::note::SignedCheckpoint::parse(&text);
                signed.map_err(|e| AuditError::Damaged(format!("the checkpoint: {e}")))?.checkpoint.root
            }
        };
        let backlog: Result<i64, AuditError> = self
            .store
            .read("audit backlog", async |tx: &mut Tx| {
                Ok(tx.query_one("SELECT COUNT(*) FROM audit_outbox", params![]).await?.get(0)?)
            })
            .await;
        Ok(Status {
            origin: self.options.origin.clone(),
            size: self.size.load(Ordering::SeqCst),
            root: hex::encode(root),
            backlog: u64::try_from(backlog?).unwrap_or_default(),
            writable: !self.broken.load(Ordering::SeqCst),
        })
    }
}

/// Adds the own key to the file `keys` when it is new; gives all keys of that file.
fn remember_key(files: &Files, options: &LogOptions, key: &VerifierKey) -> Result<Vec<VerifierKey>, AuditError> {
    let path = options.folder.join("keys");
    let mut text = if path.exists() { fs::read_to_string(&path).map_err(unavailable)? } else { String::new() };
    let mut keys = parse_keys(&text).ok_or_else(|| AuditError::Damaged("the file keys is malformed".into()))?;
    if !keys.contains(key) {
        keys.push(key.clone());
        text.push_str(&format!("{key}\n"));
        files.replace("keys", text.as_bytes())?;
    }
    Ok(keys)
}

/// The keys of a file `keys`: one per line.
pub(crate) fn parse_keys(text: &str) -> Option<Vec<VerifierKey>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.strip_suffix('\n')?.split('\n').map(|line| line.parse().ok()).collect()
}
