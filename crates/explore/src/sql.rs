//! The SQL of workspaces in the centre's database.

use identity::AccountId;
use kernel::Timestamp;
use protocol::ids::RunId;
use store::{Migration, Row, StoreError, Tx, params};

use crate::model::{RunHead, RunState, Script, ScriptHead, ScriptId, Share, title_of};

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "001_workspaces",
        sql: "CREATE TABLE explore_script (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL);
          CREATE INDEX explore_script_owner ON explore_script (owner, id);
          CREATE TABLE explore_script_version (
            script TEXT NOT NULL, version BIGINT NOT NULL, text TEXT NOT NULL, note TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (script, version));
          CREATE TABLE explore_run (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, script TEXT, text TEXT NOT NULL, digest TEXT NOT NULL,
            language TEXT NOT NULL, state TEXT NOT NULL, started BIGINT NOT NULL, ended BIGINT,
            stores TEXT NOT NULL, diagnostics TEXT NOT NULL, released BLOB);
          CREATE INDEX explore_run_owner ON explore_run (owner, id);
          CREATE INDEX explore_run_state ON explore_run (state)",
    },
    Migration {
        name: "002_sharing",
        sql: "ALTER TABLE explore_script_version ADD COLUMN author TEXT;
          UPDATE explore_script_version SET author = (SELECT s.owner FROM explore_script s WHERE s.id = script);
          ALTER TABLE explore_run ADD COLUMN organisation TEXT;
          ALTER TABLE explore_run ADD COLUMN version BIGINT;
          ALTER TABLE explore_run ADD COLUMN duration_ms BIGINT;
          ALTER TABLE explore_run ADD COLUMN share TEXT NOT NULL DEFAULT 'me'",
    },
    Migration {
        name: "003_loads",
        sql: "ALTER TABLE explore_run ADD COLUMN loads TEXT NOT NULL DEFAULT '{}';
          CREATE INDEX explore_script_name ON explore_script (owner, name)",
    },
];

pub(crate) async fn insert_script(tx: &mut Tx, owner: AccountId, script: &Script) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO explore_script (id, owner, name, version) VALUES ($1, $2, $3, $4)",
        params![script.id, owner, &script.name, script.version],
    )
    .await?;
    insert_version(tx, script).await
}

/// Moves a script from `expected` to its next version; false when it has moved on meanwhile or is not the owner's.
pub(crate) async fn next_version(
    tx: &mut Tx,
    owner: AccountId,
    script: &Script,
    expected: i64,
) -> Result<bool, StoreError> {
    let moved = tx
        .execute(
            "UPDATE explore_script SET name = $1, version = $2 WHERE id = $3 AND owner = $4 AND version = $5",
            params![&script.name, script.version, script.id, owner, expected],
        )
        .await?;
    if moved == 1 {
        insert_version(tx, script).await?;
    }
    Ok(moved == 1)
}

async fn insert_version(tx: &mut Tx, script: &Script) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO explore_script_version (script, version, text, note, at, author) VALUES ($1, $2, $3, $4, $5, $6)",
        params![script.id, script.version, &script.text, &script.note, script.at, script.author],
    )
    .await?;
    Ok(())
}

pub(crate) async fn scripts(tx: &mut Tx, owner: AccountId) -> Result<Vec<ScriptHead>, StoreError> {
    let rows = tx
        .query(
            "SELECT s.id, v.version, s.name, v.note, v.author, v.at FROM explore_script s
             JOIN explore_script_version v ON v.script = s.id AND v.version = s.version
             WHERE s.owner = $1 ORDER BY v.at DESC, s.id",
            params![owner],
        )
        .await?;
    rows.iter().map(head).collect()
}

pub(crate) async fn versions(tx: &mut Tx, owner: AccountId, id: ScriptId) -> Result<Vec<ScriptHead>, StoreError> {
    let rows = tx
        .query(
            "SELECT s.id, v.version, s.name, v.note, v.author, v.at FROM explore_script s
             JOIN explore_script_version v ON v.script = s.id
             WHERE s.owner = $1 AND s.id = $2 ORDER BY v.version DESC",
            params![owner, id],
        )
        .await?;
    rows.iter().map(head).collect()
}

fn head(row: &Row) -> Result<ScriptHead, StoreError> {
    Ok(ScriptHead {
        id: row.get(0)?,
        version: row.get(1)?,
        name: row.get(2)?,
        note: row.get(3)?,
        author: row.get(4)?,
        at: row.get(5)?,
    })
}

/// A version of a script; the newest when none is named.
pub(crate) async fn script(
    tx: &mut Tx,
    owner: AccountId,
    id: ScriptId,
    version: Option<i64>,
) -> Result<Option<Script>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT s.id, v.version, s.name, v.text, v.note, v.author, v.at FROM explore_script s
             JOIN explore_script_version v ON v.script = s.id
             WHERE s.owner = $1 AND s.id = $2 AND v.version = COALESCE($3, s.version)",
            params![owner, id, version],
        )
        .await?;
    row.map(|r| {
        Ok(Script {
            id: r.get(0)?,
            version: r.get(1)?,
            name: r.get(2)?,
            text: r.get(3)?,
            note: r.get(4)?,
            author: r.get(5)?,
            at: r.get(6)?,
        })
    })
    .transpose()
}

/// The text of a script by its name, the last saved of several; of a version, or of the newest.
pub(crate) async fn text_by_name(
    tx: &mut Tx,
    owner: AccountId,
    name: &str,
    version: Option<i64>,
) -> Result<Option<String>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT v.text FROM explore_script s
             JOIN explore_script_version v ON v.script = s.id
             JOIN explore_script_version n ON n.script = s.id AND n.version = s.version
             WHERE s.owner = $1 AND s.name = $2 AND v.version = COALESCE($3, s.version)
             ORDER BY n.at DESC, s.id DESC LIMIT 1",
            params![owner, name, version],
        )
        .await?;
    row.map(|r| r.get(0)).transpose()
}

/// A run as it is stored; the released document is opened by the service.
pub(crate) struct RunRow {
    pub(crate) id: RunId,
    pub(crate) owner: AccountId,
    pub(crate) organisation: Option<String>,
    pub(crate) script: Option<ScriptId>,
    pub(crate) version: Option<i64>,
    pub(crate) text: String,
    /// JSON: texts by name.
    pub(crate) loads: String,
    pub(crate) digest: String,
    pub(crate) language: String,
    pub(crate) state: RunState,
    pub(crate) share: Share,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) stores: String,
    pub(crate) diagnostics: String,
    pub(crate) released: Option<Vec<u8>>,
}

const RUN: &str = "id, owner, organisation, script, version, text, digest, language, state, share, started, ended, \
                   duration_ms, stores, diagnostics, released, loads";

pub(crate) async fn insert_run(tx: &mut Tx, run: &RunRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO explore_run
           (id, owner, organisation, script, version, text, digest, language, state, share, started, stores, diagnostics,
            loads)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            run.id,
            run.owner,
            run.organisation.as_deref(),
            run.script.map(|s| s.to_string()),
            run.version,
            &run.text,
            &run.digest,
            &run.language,
            run.state.text(),
            run.share.text(),
            run.started,
            &run.stores,
            &run.diagnostics,
            &run.loads
        ],
    )
    .await?;
    Ok(())
}

/// Ends a run that is going on; false when it is not.
pub(crate) async fn end_run(tx: &mut Tx, run: &RunRow) -> Result<bool, StoreError> {
    let ended = tx
        .execute(
            "UPDATE explore_run SET state = $1, ended = $2, duration_ms = $3, stores = $4, diagnostics = $5, released = $6
             WHERE id = $7 AND state IN ('queued', 'running')",
            params![
                run.state.text(),
                run.ended,
                run.duration_ms,
                &run.stores,
                &run.diagnostics,
                run.released.as_deref(),
                run.id
            ],
        )
        .await?;
    Ok(ended == 1)
}

pub(crate) async fn run(tx: &mut Tx, owner: AccountId, id: RunId) -> Result<Option<RunRow>, StoreError> {
    let sql = format!("SELECT {RUN} FROM explore_run WHERE id = $1 AND owner = $2");
    tx.query_opt(&sql, params![id, owner]).await?.map(|r| run_row(&r)).transpose()
}

/// A run of whoever it is.
pub(crate) async fn any_run(tx: &mut Tx, id: RunId) -> Result<Option<RunRow>, StoreError> {
    let sql = format!("SELECT {RUN} FROM explore_run WHERE id = $1");
    tx.query_opt(&sql, params![id]).await?.map(|r| run_row(&r)).transpose()
}

pub(crate) async fn share(tx: &mut Tx, owner: AccountId, id: RunId, share: Share) -> Result<(), StoreError> {
    let sql = "UPDATE explore_run SET share = $1 WHERE id = $2 AND owner = $3";
    tx.execute(sql, params![share.text(), id, owner]).await?;
    Ok(())
}

/// Runs that were going on when the process ended.
pub(crate) async fn unfinished(tx: &mut Tx) -> Result<Vec<RunRow>, StoreError> {
    let sql = format!("SELECT {RUN} FROM explore_run WHERE state IN ('queued', 'running') ORDER BY id");
    tx.query(&sql, params![]).await?.iter().map(run_row).collect()
}

fn state(text: &str) -> Result<RunState, StoreError> {
    RunState::parse(text).ok_or_else(|| StoreError::Other(format!("unknown state of a run: {text}")))
}

fn run_row(row: &Row) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        id: row.get(0)?,
        owner: row.get(1)?,
        organisation: row.get(2)?,
        script: row.get(3)?,
        version: row.get(4)?,
        text: row.get(5)?,
        digest: row.get(6)?,
        language: row.get(7)?,
        state: state(&row.get::<String>(8)?)?,
        share: Share::parse(&row.get::<String>(9)?).unwrap_or_default(),
        started: row.get(10)?,
        ended: row.get(11)?,
        duration_ms: row.get(12)?,
        stores: row.get(13)?,
        diagnostics: row.get(14)?,
        released: row.get(15)?,
        loads: row.get(16)?,
    })
}

pub(crate) async fn runs(tx: &mut Tx, owner: AccountId, most: i64) -> Result<Vec<RunHead>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, script, state, started, ended, text FROM explore_run WHERE owner = $1
             ORDER BY started DESC, id DESC LIMIT $2",
            params![owner, most],
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok(RunHead {
                id: r.get(0)?,
                script: r.get(1)?,
                state: state(&r.get::<String>(2)?)?,
                started: r.get(3)?,
                ended: r.get(4)?,
                title: title_of(&r.get::<String>(5)?),
            })
        })
        .collect()
}
