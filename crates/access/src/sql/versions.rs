//! Versions of permits with what is in force under each, open changes, appeals.

use std::collections::BTreeMap;

use audit::Zone;
use kernel::{Date, Timestamp, canonical_json, sha256_hex};
use serde_json::json;
use store::{Migration, Row, Tx, params};

use super::{PermitRow, open, parse, seal, text};
use crate::AccessError;
use crate::appeal::{self, Appeal, AppealForm, AppealId};
use crate::content::Content;
use crate::model::CaseId;

pub(crate) const VERSIONS: &[Migration] = &[Migration {
    name: "001_versions",
    sql: "CREATE TABLE access_in_force (
            permit_id TEXT PRIMARY KEY, content BLOB NOT NULL, sha256 TEXT NOT NULL, at BIGINT NOT NULL);
          CREATE TABLE access_change (
            case_id TEXT PRIMARY KEY REFERENCES access_case (id), series TEXT NOT NULL);
          CREATE INDEX access_change_series ON access_change (series);
          CREATE TABLE access_appeal (
            number TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, case_id TEXT NOT NULL REFERENCES access_case (id),
            stage TEXT NOT NULL, version BIGINT NOT NULL, head TEXT NOT NULL, body TEXT NOT NULL, form BLOB NOT NULL,
            updated_at BIGINT NOT NULL);
          CREATE INDEX access_appeal_case ON access_appeal (case_id);
          CREATE TABLE access_appeal_event (
            number TEXT NOT NULL REFERENCES access_appeal (number), seq BIGINT NOT NULL, at BIGINT NOT NULL,
            actor TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
            PRIMARY KEY (number, seq))",
}];

/// A new version of a permit takes the place of the one before, which stays as it was (ACC-163).
pub(crate) async fn put_version(
    tx: &mut Tx,
    permit: &PermitRow,
    old: &PermitRow,
    valid: (Date, Date),
    now: Timestamp,
) -> Result<(), AccessError> {
    let sql = "UPDATE access_permit SET latest = 0, changed_at = $2 WHERE permit_id = $1 AND latest = 1";
    tx.execute(sql, params![&old.permit_id, now]).await?;
    super::put_permit(tx, permit, valid, now).await
}

/// A version by its id, current or not.
pub(crate) async fn permit_version(tx: &mut Tx, permit_id: &str) -> Result<Option<PermitRow>, AccessError> {
    let sql = format!("SELECT {} FROM access_permit WHERE permit_id = $1", super::PERMIT_COLUMNS);
    Ok(tx.query_opt(&sql, params![permit_id]).await?.map(|row| super::permit_row(&row)).transpose()?)
}

/// Cases with a permit that passed its last day before `today` and is not over.
pub(crate) async fn expiring(tx: &mut Tx, today: Date) -> Result<Vec<CaseId>, AccessError> {
    let sql = "SELECT case_id FROM access_permit WHERE latest = 1 AND valid_to < $1
               AND status IN ('GRANTED', 'AMENDED', 'RENEWED') ORDER BY permit_id LIMIT 100";
    let rows = tx.query(sql, params![today]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
}

/// What is in force under a version.
pub(crate) async fn in_force(tx: &mut Tx, zone: &Zone, permit_id: &str) -> Result<Option<Content>, AccessError> {
    let sql = "SELECT content, sha256 FROM access_in_force WHERE permit_id = $1";
    let Some(row) = tx.query_opt(sql, params![permit_id]).await? else { return Ok(None) };
    let plain = open(zone, &format!("access_in_force/{permit_id}/content"), &row.get::<Vec<u8>>(0)?)?;
    if sha256_hex(&plain) != row.get::<String>(1)? {
        return Err(AccessError::Damaged(format!("what is in force under {permit_id} was changed")));
    }
    serde_json::from_slice(&plain).map(Some).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) async fn put_in_force(
    tx: &mut Tx,
    zone: &Zone,
    permit_id: &str,
    content: &Content,
    now: Timestamp,
) -> Result<(), AccessError> {
    let (bytes, sha256) = content.canonical().map_err(|e| AccessError::Damaged(e.to_string()))?;
    let sealed = seal(zone, &format!("access_in_force/{permit_id}/content"), &bytes)?;
    tx.execute(
        "INSERT INTO access_in_force (permit_id, content, sha256, at) VALUES ($1, $2, $3, $4)",
        params![permit_id, sealed, sha256, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn put_change(tx: &mut Tx, id: CaseId, series: &str) -> Result<(), AccessError> {
    tx.execute("INSERT INTO access_change (case_id, series) VALUES ($1, $2)", params![id, series]).await?;
    Ok(())
}

/// Changes of a series that are handed in and not decided.
pub(crate) async fn open_changes(tx: &mut Tx, series: &str) -> Result<Vec<super::Loaded>, AccessError> {
    let sql = format!(
        "SELECT {} FROM access_change k JOIN access_case c ON c.id = k.case_id WHERE k.series = $1
         AND c.state IN ('submitted', 'pre_screening', 'processing', 'awaiting_info', 'awaiting_acceptance')
         ORDER BY c.id",
        super::CASE_COLUMNS
    );
    let rows = tx.query(&sql, params![series]).await?;
    rows.iter().map(super::loaded).collect()
}

/// Every change of a series that is not given up, the newest first.
pub(crate) async fn changes_of(tx: &mut Tx, series: &str) -> Result<Vec<super::Loaded>, AccessError> {
    let sql = format!(
        "SELECT {} FROM access_change k JOIN access_case c ON c.id = k.case_id WHERE k.series = $1
         AND (c.state NOT IN ('lapsed', 'withdrawn') OR EXISTS (
           SELECT 1 FROM access_event e WHERE e.case_id = c.id AND e.name = 'change_took_effect'))
         ORDER BY c.id DESC LIMIT 100",
        super::CASE_COLUMNS
    );
    let rows = tx.query(&sql, params![series]).await?;
    rows.iter().map(super::loaded).collect()
}

/// Cases of changes that needed no decision at all, with the version of the permit that each gave (ACC-063).
pub(crate) async fn took_effect(tx: &mut Tx, series: &str) -> Result<BTreeMap<CaseId, String>, AccessError> {
    let rows = tx
        .query(
            "SELECT e.case_id, e.data FROM access_change k JOIN access_event e ON e.case_id = k.case_id
             WHERE k.series = $1 AND e.name = 'change_took_effect'",
            params![series],
        )
        .await?;
    let mut found = BTreeMap::new();
    for row in &rows {
        if let crate::model::Event::ChangeTookEffect { permit_id } = parse(&row.get::<String>(1)?)? {
            found.insert(row.get(0)?, permit_id);
        }
    }
    Ok(found)
}

/// Every version of a series, the oldest first.
pub(crate) async fn versions_of(tx: &mut Tx, series: &str) -> Result<Vec<PermitRow>, AccessError> {
    let sql = format!("SELECT {} FROM access_permit WHERE series = $1 ORDER BY permit_id", super::PERMIT_COLUMNS);
    let rows = tx.query(&sql, params![series]).await?;
    Ok(rows.iter().map(super::permit_row).collect::<Result<_, _>>()?)
}

/// An appeal as loaded.
pub(crate) struct LoadedAppeal {
    pub id: AppealId,
    pub case_id: CaseId,
    pub version: i64,
    pub head: String,
    pub appeal: Appeal,
}

const APPEAL_COLUMNS: &str = "id, case_id, version, head, body";

fn loaded_appeal(row: &Row) -> Result<LoadedAppeal, AccessError> {
    Ok(LoadedAppeal {
        id: row.get(0)?,
        case_id: row.get(1)?,
        version: row.get(2)?,
        head: row.get(3)?,
        appeal: parse(&row.get::<String>(4)?)?,
    })
}

pub(crate) async fn appeal(tx: &mut Tx, number: &str) -> Result<Option<LoadedAppeal>, AccessError> {
    let sql = format!("SELECT {APPEAL_COLUMNS} FROM access_appeal WHERE number = $1");
    tx.query_opt(&sql, params![number]).await?.map(|row| loaded_appeal(&row)).transpose()
}

pub(crate) async fn appeals(tx: &mut Tx) -> Result<Vec<LoadedAppeal>, AccessError> {
    let sql = format!("SELECT {APPEAL_COLUMNS} FROM access_appeal ORDER BY number DESC LIMIT 500");
    let rows = tx.query(&sql, params![]).await?;
    rows.iter().map(loaded_appeal).collect()
}

pub(crate) async fn appeal_form(tx: &mut Tx, zone: &Zone, number: &str) -> Result<Option<AppealForm>, AccessError> {
    let sql = "SELECT form FROM access_appeal WHERE number = $1";
    let Some(row) = tx.query_opt(sql, params![number]).await? else { return Ok(None) };
    let plain = open(zone, &format!("access_appeal/{number}/form"), &row.get::<Vec<u8>>(0)?)?;
    serde_json::from_slice(&plain).map(Some).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) async fn put_appeal(
    tx: &mut Tx,
    zone: &Zone,
    loaded: &LoadedAppeal,
    form: &AppealForm,
    now: Timestamp,
) -> Result<(), AccessError> {
    let number = &loaded.appeal.number;
    let sealed = seal(zone, &format!("access_appeal/{number}/form"), text(form)?.as_bytes())?;
    tx.execute(
        "INSERT INTO access_appeal (number, id, case_id, stage, version, head, body, form, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            number,
            loaded.id,
            loaded.case_id,
            loaded.appeal.stage.slug(),
            loaded.version,
            &loaded.head,
            text(&loaded.appeal)?,
            sealed,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Writes the new state of an appeal, under the version it was read at.
pub(crate) async fn change_appeal(tx: &mut Tx, loaded: &LoadedAppeal, now: Timestamp) -> Result<bool, AccessError> {
    let changed = tx
        .execute(
            "UPDATE access_appeal SET stage = $2, version = $3, head = $4, body = $5, updated_at = $6
             WHERE number = $1 AND version = $7",
            params![
                &loaded.appeal.number,
                loaded.appeal.stage.slug(),
                loaded.version,
                &loaded.head,
                text(&loaded.appeal)?,
                now,
                loaded.version - 1
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// An event of an appeal with its place in the chain.
pub(crate) struct AppealEvent {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub event: appeal::Event,
    pub prev: String,
    pub hash: String,
}

/// The digest of an event over everything it says and the digest before it.
pub(crate) fn appeal_chain(
    number: &str,
    seq: i64,
    at: Timestamp,
    actor: &str,
    event: &appeal::Event,
    prev: &str,
) -> Result<String, AccessError> {
    let all = json!({"appeal": number, "seq": seq, "at": at, "actor": actor, "event": event, "prev": prev});
    canonical_json(&all).map(|bytes| sha256_hex(&bytes)).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) async fn put_appeal_event(tx: &mut Tx, number: &str, event: &AppealEvent) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_appeal_event (number, seq, at, actor, name, data, prev, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            number,
            event.seq,
            event.at,
            &event.actor,
            event.event.name(),
            text(&event.event)?,
            &event.prev,
            &event.hash
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn appeal_events(tx: &mut Tx, number: &str) -> Result<Vec<AppealEvent>, AccessError> {
    let sql = "SELECT seq, at, actor, data, prev, hash FROM access_appeal_event WHERE number = $1 ORDER BY seq";
    let rows = tx.query(sql, params![number]).await?;
    let event = |row: &Row| -> Result<AppealEvent, AccessError> {
        Ok(AppealEvent {
            seq: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            event: parse(&row.get::<String>(3)?)?,
            prev: row.get(4)?,
            hash: row.get(5)?,
        })
    };
    rows.iter().map(event).collect()
}
