//! Anchoring: the checkpoints of one zone become entries in the logs of others, which also cosign them (AUD-012).
//!
//! One round, as `hap` runs it for each pair of zones: `seen = witness.seen(origin)`, `statement = log.statement(seen)`,
//! `line = witness.witness(key, &statement)`, `log.witnessed(&statement, &[line])`.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Tx, params};

use crate::files::parse_checkpoint;
use crate::note::{self, SignedCheckpoint, VerifierKey};
use crate::{Action, Actor, AuditError, Checkpoint, Consistency, Detail, Entry, Kind, Log, Object, Purpose};

const ANCHOR: Action =
    Action::new(Kind::Log, "log.anchor", &[("size", Detail::Int), ("root", Detail::Digest), ("key", Detail::Code)]);

/// A checkpoint with the proof that it continues the one that the receiver saw last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The signed checkpoint.
    pub checkpoint: String,
    /// From the size that the receiver saw last.
    pub consistency: Consistency,
}

impl Log {
    /// The present checkpoint for one who saw the log at `since` entries (0: never).
    ///
    /// # Errors
    /// [`AuditError::NotFound`] when the log has no checkpoint yet or is shorter than that.
    pub async fn statement(&self, since: u64) -> Result<Statement, AuditError> {
        let checkpoint = self.checkpoint()?.ok_or(AuditError::NotFound)?;
        let parsed = parse_checkpoint(&checkpoint, &[self.key()])
            .map_err(|e| AuditError::Damaged(format!("the checkpoint was not accepted: {e}")))?;
        Ok(Statement { checkpoint, consistency: self.consistency(since, parsed.size).await? })
    }

    /// The size at which this zone saw the log `origin` last; 0 when never.
    ///
    /// # Errors
    /// [`AuditError::Store`].
    pub async fn seen(&self, origin: &str) -> Result<u64, AuditError> {
        Ok(self.last_seen(origin).await?.map_or(0, |c| c.size))
    }

    /// Checks another zone's checkpoint against its key and the last one seen, records it as an entry of this log, and
    /// gives this zone's cosignature line.
    ///
    /// # Errors
    /// [`AuditError::Refused`] when the signature is wrong or the log does not continue what was seen: a fork.
    pub async fn witness(&self, key: &VerifierKey, statement: &Statement) -> Result<String, AuditError> {
        let new = parse_checkpoint(&statement.checkpoint, std::slice::from_ref(key))
            .map_err(|_| AuditError::Refused("bad_signature"))?;
        let old = self.last_seen(&new.origin).await?;
        let old = old.unwrap_or(Checkpoint { origin: new.origin.clone(), size: 0, root: crate::tree::empty_root() });
        let entry = |size: u64| {
            Entry::new(&ANCHOR, Actor::service(&self.options.role), Object::new("log", &new.origin))
                .purpose(Purpose::Security)
                .detail("size", size)
                .detail("root", hex::encode(new.root))
                .detail("key", hex::encode(key.id()))
        };
        if statement.consistency.check(&old, &new).is_err() {
            self.record_alone(entry(new.size).refused("inconsistent")).await?;
            return Err(AuditError::Refused("inconsistent"));
        }
        let now = self.clock.now();
        let line = note::cosign(&new, &self.options.origin, now, self.signer.as_ref())
            .map_err(|e| AuditError::Unavailable(format!("the signing key: {e}")))?;
        self.store
            .tx("audit witness", async |tx: &mut Tx| {
                tx.execute(
                    "INSERT INTO audit_seen (origin, size, root, note, at) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root,
                       note = excluded.note, at = excluded.at",
                    params![&new.origin, new.size.cast_signed(), hex::encode(new.root), &statement.checkpoint, now],
                )
                .await?;
                self.record(tx, entry(new.size)).await
            })
            .await?;
        Ok(line)
    }

    /// Keeps a checkpoint of this log with the cosignature lines of witnesses, as the file `witnessed`.
    ///
    /// # Errors
    /// [`AuditError::Refused`] when the checkpoint is not of this log.
    pub async fn witnessed(&self, statement: &Statement, lines: &[String]) -> Result<(), AuditError> {
        let text = format!("{}{}", statement.checkpoint, lines.concat());
        let signed = SignedCheckpoint::parse(&text).map_err(|_| AuditError::Refused("malformed"))?;
        signed.check(&[self.key()]).map_err(|_| AuditError::Refused("bad_signature"))?;
        let _writer = self.writer.lock().await;
        self.files.replace("witnessed", text.as_bytes())
    }

    /// When one of `witnesses` cosigned this log last.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] when the file is not what it must be.
    pub fn last_witnessed(&self, witnesses: &[VerifierKey]) -> Result<Option<Timestamp>, AuditError> {
        let Ok(text) = std::fs::read_to_string(self.options.folder.join("witnessed")) else { return Ok(None) };
        let damaged = |e: note::NoteError| AuditError::Damaged(format!("the file witnessed: {e}"));
        SignedCheckpoint::parse(&text).and_then(|s| s.witnessed(witnesses)).map_err(damaged)
    }

    async fn last_seen(&self, origin: &str) -> Result<Option<Checkpoint>, AuditError> {
        let row = self
            .store
            .read("audit seen", async |tx: &mut Tx| -> Result<Option<(i64, String)>, AuditError> {
                let row = tx.query_opt("SELECT size, root FROM audit_seen WHERE origin = $1", params![origin]).await?;
                row.map(|r| Ok((r.get(0)?, r.get(1)?))).transpose()
            })
            .await?;
        let Some((size, root)) = row else { return Ok(None) };
        let root = hex::decode(root).ok().and_then(|r| r.try_into().ok());
        let damaged = || AuditError::Damaged("a checkpoint in the database".into());
        Ok(Some(Checkpoint {
            origin: origin.to_owned(),
            size: u64::try_from(size).map_err(|_| damaged())?,
            root: root.ok_or_else(damaged)?,
        }))
    }
}
