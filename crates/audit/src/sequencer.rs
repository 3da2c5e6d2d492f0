//! The one writer of a log: gives committed outbox rows their place, appends them to the folder under one signature,
//! then moves them to the index (AUD-002, AUD-010, AUD-011).
//!
//! The place is written into the outbox row before the files are touched, so a row that was appended before a crash is
//! recognised by it afterwards: nothing is lost and nothing is there twice.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use store::{Isolation, Row, Tx, Value, params};

use crate::entry::Body;
use crate::envelope::ENVELOPE_LIMIT;
use crate::files::{End, Files, Leaf};
use crate::log::Writer;
use crate::tree::TILE;
use crate::{AuditError, Checkpoint, Envelope, Log};

/// The most entries that share one signature.
const BATCH: i64 = 4096;

struct Pending {
    id: String,
    index: u64,
    envelope: Envelope,
    salt: Vec<u8>,
    body: Vec<u8>,
}

impl Log {
    /// Appends every committed entry to the log. Gives their number.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`] when the files cannot be written; the entries stay in the outbox.
    pub async fn integrate(&self) -> Result<u64, AuditError> {
        let mut writer = self.writer.lock().await;
        let mut total = 0;
        loop {
            let batch = self.places(&mut writer).await?;
            if batch.is_empty() {
                // An empty log has a checkpoint too.
                if writer.end.edge.size() == 0 && self.files.checkpoint()?.is_none() {
                    self.append(&mut writer, Vec::new()).await?;
                }
                self.broken.store(false, Ordering::SeqCst);
                return Ok(total);
            }
            let size = writer.end.edge.size();
            let mut leaves = Vec::new();
            for (pending, index) in batch.iter().filter(|p| p.index >= size).zip(size..) {
                if pending.index != index {
                    return Err(AuditError::Damaged(format!("entry {index} is missing from the outbox")));
                }
                leaves.push(Leaf {
                    envelope: pending.envelope.to_bytes().map_err(|e| AuditError::Damaged(e.to_string()))?,
                    salt: pending.salt.clone(),
                    body: pending.body.clone(),
                });
            }
            if !leaves.is_empty() {
                let appended = self.append(&mut writer, leaves).await;
                self.broken.store(appended.is_err(), Ordering::SeqCst);
                appended?;
            }
            self.index(&batch).await?;
            writer.unfinished = false;
            total += batch.len() as u64;
        }
    }

    /// The rows that have a place already, where an earlier integration did not come to its end; when there are none, gives
    /// places to the next rows.
    async fn places(&self, writer: &mut Writer) -> Result<Vec<Pending>, AuditError> {
        let (size, next_s, unfinished) = (writer.end.edge.size(), writer.next_s, writer.unfinished);
        let role = &self.options.role;
        writer.unfinished = true;
        let mut batch = self
            .store
            .tx_at(Isolation::Snapshot, "audit places", async |tx: &mut Tx| -> Result<Vec<Pending>, AuditError> {
                let columns = "id, t, k, o, c, salt, body, idx, s";
                let mut rows = Vec::new();
                if unfinished {
                    let sql = format!("SELECT {columns} FROM audit_outbox WHERE idx IS NOT NULL ORDER BY idx LIMIT $1");
                    rows = tx.query(&sql, params![BATCH]).await?;
                }
                if rows.is_empty() {
                    let sql = format!(
                        "UPDATE audit_outbox SET idx = $1 + place, s = $2 + place
                         FROM (SELECT id AS placed, ROW_NUMBER() OVER (ORDER BY turn, id) - 1 AS place
                               FROM audit_outbox WHERE idx IS NULL ORDER BY turn, id LIMIT $3) AS next
                         WHERE id = placed RETURNING {columns}"
                    );
                    rows = tx.query(&sql, params![size.cast_signed(), next_s.cast_signed(), BATCH]).await?;
                }
                rows.iter().map(|row| pending(row, role, row.get(7)?, row.get(8)?)).collect()
            })
            .await?;
        batch.sort_by_key(|entry| entry.index);
        writer.unfinished = !batch.is_empty();
        if let Some(last) = batch.last() {
            writer.next_s = writer.next_s.max(last.envelope.s + 1);
        }
        Ok(batch)
    }

    async fn append(&self, writer: &mut Writer, leaves: Vec<Leaf>) -> Result<(), AuditError> {
        let (files, end, signer) = (self.files.clone(), writer.end.clone(), self.signer.clone());
        let origin = self.options.origin.clone();
        let work = move || -> Result<End, AuditError> {
            let old = end.edge.size();
            let end = files.append(&end, &leaves)?;
            let checkpoint = Checkpoint { origin, size: end.edge.size(), root: end.edge.root() };
            let note = checkpoint
                .sign(signer.as_ref())
                .map_err(|e| AuditError::Unavailable(format!("the signing key: {e}")))?;
            files.replace("checkpoint", note.as_bytes())?;
            files.remove_partials(old, end.edge.size());
            Ok(end)
        };
        let joined = tokio::task::spawn_blocking(work).await;
        writer.end = joined.map_err(|e| AuditError::Unavailable(format!("writing stopped: {e}")))??;
        self.size.store(writer.end.edge.size(), Ordering::SeqCst);
        Ok(())
    }

    /// Moves integrated rows from the outbox to the index.
    async fn index(&self, batch: &[Pending]) -> Result<(), AuditError> {
        self.store
            .tx_at(Isolation::Snapshot, "audit index", async |tx: &mut Tx| {
                insert(tx, batch.iter().map(|p| (p.index, &p.envelope, Some(p.body.as_slice()))));
                let ids: Vec<Vec<Value>> = batch.iter().map(|p| vec![Value::from(&p.id)]).collect();
                many(tx, "DELETE FROM audit_outbox WHERE id IN (", &ids, ")");
                Ok(())
            })
            .await
    }

    /// After opening: the index learns what the folder holds and it does not (it can be rebuilt from the bodies), and
    /// the next sequence is found.
    pub(crate) async fn catch_up(&self) -> Result<(), AuditError> {
        let mut writer = self.writer.lock().await;
        let size = writer.end.edge.size();
        let role = &self.options.role;
        let (known, placed, last_s) = self
            .store
            .read("audit catch up", async |tx: &mut Tx| -> Result<(i64, i64, i64), AuditError> {
                let one = async |tx: &mut Tx, sql: &str, p: &[store::Value]| -> Result<i64, AuditError> {
                    Ok(tx.query_one(sql, p).await?.get(0)?)
                };
                let known = one(tx, "SELECT COALESCE(MAX(idx) + 1, 0) FROM audit_index", params![]).await?;
                let placed = one(tx, "SELECT COALESCE(MIN(idx), -1) FROM audit_outbox", params![]).await?;
                let indexed = "SELECT COALESCE(MAX(s), 0) FROM audit_index WHERE r = $1";
                let last = one(tx, indexed, params![role]).await?;
                Ok((known, placed, last))
            })
            .await?;
        let known = u64::try_from(known).unwrap_or_default();
        let first_placed = u64::try_from(placed).ok();
        if known > size || first_placed.is_some_and(|p| p > size) {
            return Err(AuditError::Damaged(format!(
                "the folder has {size} entries, the database knows of {}: entries are missing from the folder",
                known.max(first_placed.unwrap_or_default())
            )));
        }
        let mut last_s = u64::try_from(last_s).unwrap_or_default();
        let files = &self.files;
        for number in known / TILE as u64..size.div_ceil(TILE as u64) {
            let first = number * TILE as u64;
            let found = bundle(files, size, number)?;
            let last = found.iter().filter(|(e, _)| &e.r == role).map(|(e, _)| e.s).max();
            last_s = last_s.max(last.unwrap_or_default());
            self.store
                .tx("audit catch up", async |tx: &mut Tx| {
                    let new = found.iter().zip(first..).filter(|(_, index)| *index >= known);
                    insert(tx, new.map(|((envelope, body), index)| (index, envelope, body.as_deref())));
                    Ok::<(), AuditError>(())
                })
                .await?;
        }
        writer.next_s = last_s + 1;
        Ok(())
    }
}

/// An entry as it is stored: envelope and body, unless that was erased.
pub(crate) type Stored = (Envelope, Option<Vec<u8>>);

/// Envelopes and bodies of a bundle of a log of `size` entries.
pub(crate) fn bundle(files: &Files, size: u64, number: u64) -> Result<Vec<Stored>, AuditError> {
    let width = (size - number * TILE as u64).min(TILE as u64) as usize;
    let damaged = || AuditError::Damaged(format!("bundle {number} is missing or malformed"));
    let envelopes = files.entries(number, width)?.ok_or_else(damaged)?;
    let bodies = files.bodies(number, width)?.unwrap_or_else(|| vec![None; width]);
    let pairs = envelopes.iter().zip(bodies);
    pairs.map(|(e, b)| Ok((Envelope::parse(e).ok_or_else(damaged)?, b.map(|(_, body)| body)))).collect()
}

fn pending(row: &Row, role: &str, index: i64, s: i64) -> Result<Pending, AuditError> {
    let unsigned = |n: i64| u64::try_from(n).map_err(|_| AuditError::Damaged("a negative place".into()));
    let envelope = Envelope {
        t: row.get(1)?,
        k: row.get(2)?,
        o: row.get(3)?,
        c: row.get(4)?,
        r: role.to_owned(),
        s: unsigned(s)?,
        v: 1,
    };
    debug_assert!(envelope.to_bytes().is_ok_and(|b| b.len() <= ENVELOPE_LIMIT));
    Ok(Pending { id: row.get(0)?, index: unsigned(index)?, envelope, salt: row.get(5)?, body: row.get(6)? })
}

/// Writes entries into the index.
fn insert<'a>(tx: &mut Tx, entries: impl Iterator<Item = (u64, &'a Envelope, Option<&'a [u8]>)>) {
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    for (index, envelope, body) in entries {
        let index = index.cast_signed();
        let body: Option<Body> = body.and_then(|b| serde_json::from_slice(b).ok());
        let mut named = BTreeSet::from([envelope.o.clone()]);
        if let Some(body) = &body {
            named.extend(body.objects.iter().map(|o| o.id.clone()));
            named.extend(body.permit.iter().flat_map(|p| [p.id.clone(), p.series.clone()]));
        }
        objects.extend(named.into_iter().map(|object| params![object, index].to_vec()));
        let row = params![
            index,
            &envelope.r,
            envelope.s.cast_signed(),
            envelope.t,
            &envelope.k,
            body.as_ref().map_or("", |b| b.action.as_str()),
            body.as_ref().map_or("", |b| b.actor.id.as_str()),
            body.as_ref().and_then(|b| b.actor.organisation.clone()),
            body.as_ref().map_or("", |b| b.outcome.text()),
        ];
        rows.push(row.to_vec());
    }
    let index = "INSERT INTO audit_index (idx, r, s, t, kind, action, actor, organisation, outcome) VALUES ";
    many(tx, index, &rows, " ON CONFLICT (idx) DO NOTHING");
    many(tx, "INSERT INTO audit_object (object, idx) VALUES ", &objects, " ON CONFLICT (object, idx) DO NOTHING");
}

/// A statement over many rows of values, some at a time: in a few sizes, so that statements stay prepared. A row of one
/// value is written without parentheses.
fn many(tx: &mut Tx, before: &str, mut rows: &[Vec<Value>], after: &str) {
    while let Some(first) = rows.first() {
        let size = [64, 8, 1].into_iter().find(|size| *size <= rows.len()).unwrap_or(1);
        let (now, rest) = rows.split_at(size);
        let columns = first.len();
        let mut sql = before.to_owned();
        for row in 0..size {
            let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
            let (open, close) = if columns == 1 { ("", "") } else { ("(", ")") };
            let comma = if row == 0 { "" } else { ", " };
            sql.push_str(&format!("{comma}{open}{}{close}", places.join(", ")));
        }
        sql.push_str(after);
        tx.execute_later(&sql, &now.concat());
        rows = rest;
    }
}
