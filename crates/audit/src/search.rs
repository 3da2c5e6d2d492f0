//! Searching the log by time, kind, actor, object and outcome, through the index table; bodies come from the folder.

use std::sync::atomic::Ordering;

use kernel::Timestamp;
use serde_json::Value;
use store::{Tx, params};

use crate::sequencer::{Stored, bundle};
use crate::tree::TILE;
use crate::{Action, Actor, AuditError, Counts, Entry, Envelope, Kind, Log, Object, Purpose};

const SEARCH: Action = Action::new(Kind::Log, "log.search", &[]);

/// What to look for; every given part must fit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Kind.
    pub kind: Option<Kind>,
    /// `<area>.<verb>`.
    pub action: Option<String>,
    /// Id of the actor.
    pub actor: Option<String>,
    /// Organisation for which the actor acted.
    pub organisation: Option<String>,
    /// Id of any object, permit or permit series.
    pub object: Option<String>,
    /// `ok`, `refused` or `failed`.
    pub outcome: Option<String>,
    /// Only entries below this index, for the next page.
    pub before: Option<u64>,
    /// At most this many, newest first (0: 100; at most 1 000).
    pub limit: u32,
}

/// A found entry.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// Its index in the log.
    pub index: u64,
    /// The envelope.
    pub envelope: Envelope,
    /// The body, unless it was erased.
    pub body: Option<Value>,
}

impl Log {
    /// Searches the log for a person and records that it was searched (AUD-022). Whether the person may is the caller's
    /// decision.
    ///
    /// # Errors
    /// [`AuditError::Store`], [`AuditError::Damaged`].
    pub async fn search(&self, by: Actor, purpose: Purpose, query: &Query) -> Result<Vec<Found>, AuditError> {
        let found = self.find(query).await?;
        let entry = Entry::new(&SEARCH, by, Object::new("log", &self.options.origin))
            .purpose(purpose)
            .counts(Counts::default().rows(found.len() as u64));
        self.record_alone(entry).await?;
        Ok(found)
    }

    /// Searches the integrated entries without leaving an entry: for the program itself (proof of a decision, own
    /// actions of a user).
    ///
    /// # Errors
    /// [`AuditError::Store`], [`AuditError::Damaged`].
    pub async fn find(&self, query: &Query) -> Result<Vec<Found>, AuditError> {
        let mut sql = String::from("SELECT i.idx FROM audit_index i");
        let mut values: Vec<store::Value> = Vec::new();
        let mut conditions: Vec<String> = Vec::new();
        if let Some(object) = &query.object {
            sql.push_str(" JOIN audit_object o ON o.idx = i.idx");
            values.push(object.into());
            conditions.push("o.object = $1".into());
        }
        let mut condition = |text: &str, value: Option<store::Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{text} ${}", values.len()));
            }
        };
        condition("i.t >=", query.from.map(Into::into));
        condition("i.t <", query.to.map(Into::into));
        condition("i.kind =", query.kind.map(|k| k.text().into()));
        condition("i.action =", query.action.as_ref().map(Into::into));
        condition("i.actor =", query.actor.as_ref().map(Into::into));
        condition("i.organisation =", query.organisation.as_ref().map(Into::into));
        condition("i.outcome =", query.outcome.as_ref().map(Into::into));
        condition("i.idx <", query.before.map(|b| i64::try_from(b).unwrap_or(i64::MAX).into()));
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        let limit = if query.limit == 0 { 100 } else { query.limit.min(1000) };
        sql.push_str(&format!(" ORDER BY i.idx DESC LIMIT {limit}"));
        let rows: Result<Vec<i64>, AuditError> = self
            .store
            .read("audit search", async |tx: &mut Tx| {
                let rows = tx.query(&sql, &values).await?;
                rows.iter().map(|r| Ok(r.get(0)?)).collect()
            })
            .await;
        let mut found = Vec::new();
        let mut open: Option<(u64, Vec<Stored>)> = None;
        let size = self.size.load(Ordering::SeqCst);
        for index in rows?.into_iter().filter_map(|i| u64::try_from(i).ok()) {
            let number = index / TILE as u64;
            let entries = match &open {
                Some((n, entries)) if *n == number => entries,
                _ => &open.insert((number, bundle(&self.files, size, number)?)).1,
            };
            let (envelope, body) = entries
                .get((index % TILE as u64) as usize)
                .ok_or_else(|| AuditError::Damaged(format!("entry {index} is missing from the folder")))?;
            let body = body.as_ref().and_then(|b| serde_json::from_slice(b).ok());
            found.push(Found { index, envelope: envelope.clone(), body });
        }
        Ok(found)
    }

    /// The index of the newest entry about an object, for its proof.
    ///
    /// # Errors
    /// [`AuditError::NotFound`] when no integrated entry names it.
    pub async fn newest_about(&self, object: &str) -> Result<u64, AuditError> {
        let row = self
            .store
            .read("audit newest", async |tx: &mut Tx| -> Result<Option<i64>, AuditError> {
                Ok(tx
                    .query_one("SELECT MAX(idx) FROM audit_object WHERE object = $1", params![object])
                    .await?
                    .get(0)?)
            })
            .await?;
        row.and_then(|i| u64::try_from(i).ok()).ok_or(AuditError::NotFound)
    }
}
