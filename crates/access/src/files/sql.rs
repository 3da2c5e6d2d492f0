//! The tables of files. Names, places and contents are sealed and bound to where they stand; a content is kept in parts.

use audit::Zone;
use serde::{Deserialize, Serialize};
use store::{Migration, Row, Tx, params};

use super::{FileId, FileKind, FileState, FileView, Place};
use crate::AccessError;
use crate::model::CaseId;
use crate::sql::{open, seal};

/// Bytes of one part of a content.
const PART: usize = 1 << 20;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_files",
    sql: "CREATE TABLE access_file (
            id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES access_case (id), about BLOB NOT NULL,
            size BIGINT NOT NULL, sha256 TEXT NOT NULL, state TEXT NOT NULL, scanned BIGINT NOT NULL,
            added_by TEXT NOT NULL, added_at BIGINT NOT NULL);
          CREATE INDEX access_file_case ON access_file (case_id, added_at);
          CREATE TABLE access_file_part (
            file_id TEXT NOT NULL REFERENCES access_file (id), part BIGINT NOT NULL, content BLOB NOT NULL,
            PRIMARY KEY (file_id, part))",
}];

/// What is sealed of a file besides its content.
#[derive(Serialize, Deserialize)]
struct About {
    field: String,
    name: String,
    kind: FileKind,
    places: Vec<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

const COLUMNS: &str = "id, about, size, sha256, state, scanned, added_at";

fn view(zone: &Zone, row: &Row) -> Result<FileView, AccessError> {
    let id: FileId = row.get(0)?;
    let plain = open(zone, &format!("access_file/{id}/about"), &row.get::<Vec<u8>>(1)?)?;
    let about: About = serde_json::from_slice(&plain).map_err(|e| AccessError::Damaged(e.to_string()))?;
    let state: String = row.get(4)?;
    Ok(FileView {
        id,
        field: about.field,
        name: about.name,
        kind: about.kind,
        size: row.get(2)?,
        sha256: row.get(3)?,
        state: FileState::parse(&state).ok_or_else(|| AccessError::Damaged(format!("state {state} of a file")))?,
        places: about.places,
        scanned: row.get::<i64>(5)? == 1,
        added_at: row.get(6)?,
        reason: about.reason,
    })
}

fn about(zone: &Zone, file: &FileView) -> Result<Vec<u8>, AccessError> {
    let about = About {
        field: file.field.clone(),
        name: file.name.clone(),
        kind: file.kind,
        places: file.places.clone(),
        reason: file.reason.clone(),
    };
    let plain = serde_json::to_vec(&about).map_err(|e| AccessError::Damaged(e.to_string()))?;
    seal(zone, &format!("access_file/{}/about", file.id), &plain)
}

pub(crate) async fn files(tx: &mut Tx, zone: &Zone, case: CaseId) -> Result<Vec<FileView>, AccessError> {
    let sql = format!("SELECT {COLUMNS} FROM access_file WHERE case_id = $1 ORDER BY added_at, id");
    tx.query(&sql, params![case]).await?.iter().map(|row| view(zone, row)).collect()
}

pub(super) async fn file(tx: &mut Tx, zone: &Zone, case: CaseId, id: FileId) -> Result<Option<FileView>, AccessError> {
    let sql = format!("SELECT {COLUMNS} FROM access_file WHERE case_id = $1 AND id = $2");
    tx.query_opt(&sql, params![case, id]).await?.map(|row| view(zone, &row)).transpose()
}

pub(super) async fn put(
    tx: &mut Tx,
    zone: &Zone,
    case: CaseId,
    by: &str,
    file: &FileView,
    bytes: &[u8],
) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_file (id, case_id, about, size, sha256, state, scanned, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            file.id,
            case,
            about(zone, file)?,
            file.size,
            &file.sha256,
            file.state.slug(),
            i64::from(file.scanned),
            by,
            file.added_at
        ],
    )
    .await?;
    for (n, part) in bytes.chunks(PART).enumerate() {
        let sealed = seal(zone, &format!("access_file_part/{}.{n}/content", file.id), part)?;
        let sql = "INSERT INTO access_file_part (file_id, part, content) VALUES ($1, $2, $3)";
        tx.execute(sql, params![file.id, n as i64, sealed]).await?;
    }
    Ok(())
}

/// Writes state, places and reason of a file anew.
pub(super) async fn change(tx: &mut Tx, zone: &Zone, file: &FileView) -> Result<(), AccessError> {
    let sql = "UPDATE access_file SET about = $2, state = $3 WHERE id = $1";
    tx.execute(sql, params![file.id, about(zone, file)?, file.state.slug()]).await?;
    Ok(())
}

pub(super) async fn content(tx: &mut Tx, zone: &Zone, id: FileId) -> Result<Vec<u8>, AccessError> {
    let sql = "SELECT part, content FROM access_file_part WHERE file_id = $1 ORDER BY part";
    let mut bytes = Vec::new();
    for row in tx.query(sql, params![id]).await? {
        let n: i64 = row.get(0)?;
        bytes.extend(open(zone, &format!("access_file_part/{id}.{n}/content"), &row.get::<Vec<u8>>(1)?)?);
    }
    Ok(bytes)
}

pub(super) async fn erase_content(tx: &mut Tx, id: FileId) -> Result<(), AccessError> {
    tx.execute("DELETE FROM access_file_part WHERE file_id = $1", params![id]).await?;
    Ok(())
}

pub(super) async fn erase(tx: &mut Tx, id: FileId) -> Result<(), AccessError> {
    erase_content(tx, id).await?;
    tx.execute("DELETE FROM access_file WHERE id = $1", params![id]).await?;
    Ok(())
}

/// Erases every file of a case: its draft was thrown away before anything was handed in.
pub(crate) async fn erase_all(tx: &mut Tx, case: CaseId) -> Result<(), AccessError> {
    let parts = "DELETE FROM access_file_part WHERE file_id IN (SELECT id FROM access_file WHERE case_id = $1)";
    tx.execute(parts, params![case]).await?;
    tx.execute("DELETE FROM access_file WHERE case_id = $1", params![case]).await?;
    Ok(())
}

/// Gives the files of a case to another: an appeal's attachments lie with the case that it is about.
pub(crate) async fn move_all(tx: &mut Tx, from: CaseId, to: CaseId) -> Result<(), AccessError> {
    tx.execute("UPDATE access_file SET case_id = $2 WHERE case_id = $1", params![from, to]).await?;
    Ok(())
}

/// The digest of a file of the case whose content was not removed.
pub(crate) async fn digest(tx: &mut Tx, case: CaseId, file: &str) -> Result<Option<String>, AccessError> {
    let sql = "SELECT sha256 FROM access_file WHERE case_id = $1 AND id = $2 AND state <> $3";
    let row = tx.query_opt(sql, params![case, file, FileState::Redacted.slug()]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// Removes the content of a file by a command of its case (ACC-193): digest and reason stay.
pub(crate) async fn redact(tx: &mut Tx, zone: &Zone, case: CaseId, id: &str, reason: &str) -> Result<(), AccessError> {
    let Ok(id) = id.parse::<FileId>() else { return Ok(()) };
    let Some(mut redacted) = file(tx, zone, case, id).await? else { return Ok(()) };
    redacted.state = FileState::Redacted;
    redacted.reason = Some(reason.to_owned());
    change(tx, zone, &redacted).await?;
    erase_content(tx, id).await
}
