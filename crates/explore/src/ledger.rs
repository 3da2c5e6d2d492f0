//! The gate ledger on disk (SDC-055): append-only, sealed, one batch per release, and durable before the release is
//! handed out. The values are held in memory as well, so that reading one costs nothing; at start they are read back.
//!
//! Who is in a set is held in memory only, as long as there is room: afterwards, and after a restart, the sketch alone says
//! how near two sets are, and what is not stored of the earlier set is computed on the later one with more noise.

use std::sync::Arc;

use disclosure::{
    Candidate, Fingerprint, KnownSet, Ledger, LedgerEntry, LedgerError, MemoryLedger, Reason, Recipe, Sketch, Stored,
    ValueKey,
};
use kernel::{Sealer, Timestamp};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use store::{Migration, Store, StoreError, Tx, params};
use tokio::runtime::Handle;

/// The table of the ledger, in the database of the data zone.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_gate_ledger",
    sql: "CREATE TABLE gate_ledger (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, sealed BLOB NOT NULL)",
}];

/// Batches read at a time when the ledger is opened.
const PAGE: i64 = 500;

/// A ledger in a database. Used from threads that may wait, never from those that drive other tasks.
pub struct DurableLedger {
    store: Store,
    sealer: Arc<dyn Sealer>,
    handle: Handle,
    memory: MemoryLedger,
    next: i64,
}

/// One entry as it is written.
#[derive(Serialize, Deserialize)]
struct Line {
    set: String,
    kind: String,
    variable: String,
    column: String,
    policy: String,
    value: Written,
    persons: u64,
    sketch: Vec<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    script: String,
    statement: u32,
    cell: u32,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Number(f64),
    Hidden(Reason),
}

impl Line {
    fn of(entry: &LedgerEntry) -> Self {
        let key = &entry.key;
        Line {
            set: format!("{:032x}", key.set.0),
            kind: key.kind.clone(),
            variable: key.variable.clone(),
            column: key.column.iter().map(|b| format!("{b:02x}")).collect(),
            policy: key.policy.clone(),
            value: match entry.value {
                Stored::Number(x) => Written::Number(x),
                Stored::Hidden(reason) => Written::Hidden(reason),
            },
            persons: entry.persons,
            sketch: entry.sketch.0.to_vec(),
            root: entry.root.map(|root| format!("{:032x}", root.0)),
            script: entry.recipe.script.clone(),
            statement: entry.recipe.statement,
            cell: entry.recipe.cell,
            at: entry.at,
        }
    }

    fn entry(self) -> Option<LedgerEntry> {
        let mut column = [0u8; 32];
        if self.column.len() != 64 || !self.column.is_ascii() {
            return None;
        }
        for (i, byte) in column.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&self.column[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(LedgerEntry {
            key: ValueKey {
                set: Fingerprint(u128::from_str_radix(&self.set, 16).ok()?),
                kind: self.kind,
                variable: self.variable,
                column,
                policy: self.policy,
            },
            value: match self.value {
                Written::Number(x) => Stored::Number(x),
                Written::Hidden(reason) => Stored::Hidden(reason),
            },
            persons: self.persons,
            sketch: Sketch(self.sketch.try_into().ok()?),
            root: match self.root {
                Some(root) => Some(Fingerprint(u128::from_str_radix(&root, 16).ok()?)),
                None => None,
            },
            members: engine::Members::default(),
            recipe: Recipe { script: self.script, statement: self.statement, cell: self.cell },
            at: self.at,
        })
    }
}

/// Writes entries as lines of JSON, for a sealed batch or a file.
pub(crate) fn to_lines(entries: &[&LedgerEntry]) -> Result<Vec<u8>, LedgerError> {
    let mut out = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut out, &Line::of(entry)).map_err(|_| LedgerError)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Reads what [`to_lines`] wrote.
pub(crate) fn from_lines(bytes: &[u8]) -> Result<Vec<LedgerEntry>, LedgerError> {
    let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|line| serde_json::from_slice::<Line>(line).ok().and_then(Line::entry).ok_or(LedgerError)).collect()
}

fn place(seq: i64) -> String {
    format!("gate_ledger/{seq}/sealed")
}

impl DurableLedger {
    /// Opens the ledger and reads all values back.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Other`] when a batch does not open with the zone's key.
    pub async fn open(store: Store, sealer: Arc<dyn Sealer>) -> Result<Self, StoreError> {
        store.migrate("gate_ledger", MIGRATIONS).await?;
        let mut memory = MemoryLedger::new();
        let mut next = 1;
        loop {
            let from = next;
            let rows = store
                .read("gate_ledger.load", async |tx: &mut Tx| -> Result<_, StoreError> {
                    tx.query(
                        "SELECT seq, sealed FROM gate_ledger WHERE seq >= $1 ORDER BY seq LIMIT $2",
                        params![from, PAGE],
                    )
                    .await
                })
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let (seq, sealed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let damaged = || StoreError::Other(format!("batch {seq} of the gate ledger does not open"));
                let plain = sealer.open(&place(seq), &sealed).map_err(|_| damaged())?;
                let entries = from_lines(&plain).map_err(|_| damaged())?;
                memory.append(&entries).map_err(|_| damaged())?;
                next = seq + 1;
            }
        }
        Ok(Self { store, sealer, handle: Handle::current(), memory, next })
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }
}

impl Ledger for DurableLedger {
    fn candidates(&self, persons: u64, sketch: &Sketch, r: u64) -> Result<Vec<Candidate>, LedgerError> {
        self.memory.candidates(persons, sketch, r)
    }

    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        self.memory.root(set)
    }

    fn members(&self, set: Fingerprint) -> Result<Option<RoaringBitmap>, LedgerError> {
        self.memory.members(set)
    }

    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        self.memory.read(key)
    }

    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        let mut new = Vec::new();
        for entry in entries {
            if self.memory.read(&entry.key)?.is_none() {
                new.push(entry);
            }
        }
        let (Some(first), seq) = (new.first(), self.next) else { return Ok(()) };
        let at = first.at;
        let sealed = self.sealer.seal(&place(seq), &to_lines(&new)?).map_err(|_| LedgerError)?;
        let store = self.store.clone();
        let written = self.handle.block_on(async move {
            store
                .tx("gate_ledger.append", async |tx: &mut Tx| -> Result<(), StoreError> {
                    tx.execute(
                        "INSERT INTO gate_ledger (seq, at, sealed) VALUES ($1, $2, $3)",
                        params![seq, at, sealed.as_slice()],
                    )
                    .await?;
                    Ok(())
                })
                .await
        });
        written.map_err(|error| {
            tracing::error!(%error, "gate ledger");
            LedgerError
        })?;
        self.next += 1;
        self.memory.append(entries)
    }
}
