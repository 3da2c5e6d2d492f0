//! The tables of the citizen's area: the own log, and choices on their way to the key role.

use identity::AccountId;
use kernel::Timestamp;
use protocol::ids::ChoiceId;
use store::{Migration, StoreError, Tx, params};

use crate::model::LogLine;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_citizen",
    sql: "CREATE TABLE citizen_log (
            id TEXT PRIMARY KEY, subject TEXT NOT NULL, at BIGINT NOT NULL, what TEXT NOT NULL, detail TEXT,
            by_account TEXT NOT NULL);
          CREATE INDEX citizen_log_subject ON citizen_log (subject, at);
          CREATE TABLE citizen_pending (
            subject TEXT NOT NULL, choice TEXT NOT NULL, scope TEXT NOT NULL, value BIGINT NOT NULL,
            choice_id TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (subject, choice, scope, value))",
}];

/// Adds a line to a person's own log.
pub(crate) async fn log(
    tx: &mut Tx,
    id: String,
    subject: AccountId,
    by: AccountId,
    what: &str,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO citizen_log (id, subject, at, what, detail, by_account) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, subject, now, what, detail.map(str::to_owned), by],
    )
    .await?;
    Ok(())
}

/// A person's own log, newest first.
pub(crate) async fn lines(tx: &mut Tx, subject: AccountId, limit: u32) -> Result<Vec<LogLine>, StoreError> {
    let sql = format!(
        "SELECT at, what, detail, by_account FROM citizen_log WHERE subject = $1 ORDER BY at DESC, id DESC LIMIT {limit}"
    );
    let rows = tx.query(&sql, params![subject]).await?;
    let read = |r: &store::Row| {
        let by: AccountId = r.get(3)?;
        Ok(LogLine { at: r.get(0)?, what: r.get(1)?, detail: r.get(2)?, by_representative: by != subject })
    };
    rows.iter().map(read).collect()
}

/// The id under which a choice is sent to the key role: the one of an earlier attempt that was cut off, or `new`.
pub(crate) async fn pending(
    tx: &mut Tx,
    subject: AccountId,
    choice: &str,
    scope: &str,
    value: bool,
    new: ChoiceId,
    now: Timestamp,
) -> Result<ChoiceId, StoreError> {
    tx.execute(
        "INSERT INTO citizen_pending (subject, choice, scope, value, choice_id, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (subject, choice, scope, value) DO NOTHING",
        params![subject, choice, scope, value, new, now],
    )
    .await?;
    let row = tx
        .query_one(
            "SELECT choice_id FROM citizen_pending WHERE subject = $1 AND choice = $2 AND scope = $3 AND value = $4",
            params![subject, choice, scope, value],
        )
        .await?;
    row.get(0)
}

/// The choice has its receipt.
pub(crate) async fn settled(tx: &mut Tx, choice: ChoiceId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM citizen_pending WHERE choice_id = $1", params![choice]).await?;
    Ok(())
}
