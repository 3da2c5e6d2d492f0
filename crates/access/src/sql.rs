//! The tables of this area. Personal data (drafts, revisions, letters) are sealed and bound to their place; the state of
//! a case is kept beside its events as what replaying them gives.

mod list;
mod people;
mod versions;
mod views;

pub(crate) use list::{ListQuery, MOST, list};
pub(crate) use people::*;
pub(crate) use versions::*;
pub(crate) use views::{delete_saved_view, put_saved_view, saved_views};

use audit::Zone;
use kernel::{Date, Id, Timestamp, canonical_json, sha256_hex};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use store::{Migration, Row, StoreError, Tx, Value, params};

use crate::AccessError;
use crate::content::Content;
use crate::form::DraftContent;
use crate::model::{Case, CaseId, CaseKind, Event, Recorded};

pub(crate) const MIGRATIONS: &[Migration] = &[CASES, PEOPLE, list::INBOX, FEWER_INDEXES];

/// A change of a case writes every index that holds a changed column, on PostgreSQL all of them when one does. Nobody asks by
/// the time of submission, and an applicant has few enough cases to sort them.
const FEWER_INDEXES: Migration = Migration {
    name: "011_fewer_indexes",
    sql: "DROP INDEX access_case_state;
          DROP INDEX access_case_applicant;
          CREATE INDEX access_case_applicant ON access_case (applicant)",
};

const PEOPLE: Migration = Migration {
    name: "002_people",
    sql: "ALTER TABLE access_event ADD COLUMN on_behalf_of TEXT;
          CREATE TABLE access_party (
            account TEXT NOT NULL, case_id TEXT NOT NULL REFERENCES access_case (id), kind TEXT NOT NULL,
            PRIMARY KEY (account, case_id, kind));
          CREATE INDEX access_party_case ON access_party (case_id);
          CREATE TABLE access_invitation (
            token TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES access_case (id), until BIGINT NOT NULL);
          CREATE TABLE access_note (
            case_id TEXT NOT NULL REFERENCES access_case (id), kind TEXT NOT NULL, number BIGINT NOT NULL,
            author TEXT NOT NULL, role TEXT NOT NULL, visibility TEXT NOT NULL, text BLOB NOT NULL,
            sha256 TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (case_id, kind, number));
          CREATE TABLE access_receipt (
            case_id TEXT NOT NULL, number BIGINT NOT NULL, account TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (case_id, number, account));
          CREATE TABLE access_delegation (
            id TEXT PRIMARY KEY, from_account TEXT NOT NULL, to_account TEXT NOT NULL, role TEXT NOT NULL,
            case_id TEXT, valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL, ended_at BIGINT);
          CREATE INDEX access_delegation_to ON access_delegation (to_account, valid_to);
          CREATE TABLE access_exclusion (
            kind TEXT NOT NULL, id TEXT NOT NULL, until BIGINT NOT NULL, reason TEXT NOT NULL, by_account TEXT NOT NULL,
            at BIGINT NOT NULL, PRIMARY KEY (kind, id))",
};

const CASES: Migration = Migration {
    name: "001_cases",
    sql: "CREATE TABLE access_case (
            id TEXT PRIMARY KEY, number TEXT UNIQUE, state TEXT NOT NULL, version BIGINT NOT NULL,
            applicant TEXT NOT NULL, handler TEXT, title TEXT NOT NULL, search TEXT NOT NULL, sources TEXT NOT NULL,
            submitted_at BIGINT, updated_at BIGINT NOT NULL, body TEXT NOT NULL, head TEXT NOT NULL);
          CREATE INDEX access_case_applicant ON access_case (applicant, updated_at);
          CREATE INDEX access_case_state ON access_case (state, submitted_at);
          CREATE TABLE access_event (
            case_id TEXT NOT NULL REFERENCES access_case (id), seq BIGINT NOT NULL, at BIGINT NOT NULL,
            actor TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
            prev TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (case_id, seq));
          CREATE TABLE access_command (
            command_id TEXT PRIMARY KEY, case_id TEXT NOT NULL, actor TEXT NOT NULL, digest TEXT NOT NULL,
            from_version BIGINT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL);
          CREATE INDEX access_command_at ON access_command (at);
          CREATE TABLE access_draft (
            case_id TEXT PRIMARY KEY REFERENCES access_case (id), content BLOB NOT NULL, saved_at BIGINT NOT NULL);
          CREATE TABLE access_revision (
            case_id TEXT NOT NULL REFERENCES access_case (id), revision BIGINT NOT NULL, content BLOB NOT NULL,
            sha256 TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (case_id, revision));
          CREATE TABLE access_series (name TEXT PRIMARY KEY, last BIGINT NOT NULL);
          CREATE TABLE access_decision (
            number TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES access_case (id), issued_at BIGINT NOT NULL,
            letter BLOB NOT NULL, pdf BLOB NOT NULL, statement TEXT NOT NULL);
          CREATE TABLE access_permit (
            permit_id TEXT PRIMARY KEY, series TEXT NOT NULL, case_id TEXT NOT NULL REFERENCES access_case (id),
            status TEXT NOT NULL, held BIGINT NOT NULL, latest BIGINT NOT NULL, title TEXT NOT NULL,
            envelope TEXT NOT NULL, valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL, changed_at BIGINT NOT NULL,
            changes BIGINT NOT NULL);
          CREATE UNIQUE INDEX access_permit_latest ON access_permit (series) WHERE latest = 1;
          CREATE TABLE access_permit_archive (
            permit_id TEXT NOT NULL, change BIGINT NOT NULL, envelope TEXT NOT NULL, until BIGINT NOT NULL,
            PRIMARY KEY (permit_id, change));
          CREATE TABLE access_register (
            number TEXT PRIMARY KEY, published_on BIGINT NOT NULL, decided_on BIGINT, withdrawn BIGINT NOT NULL,
            entry TEXT NOT NULL, decision TEXT, search TEXT NOT NULL)",
};

/// A case as loaded.
pub(crate) struct Loaded {
    pub id: CaseId,
    pub version: i64,
    pub head: String,
    pub title: String,
    pub updated_at: Timestamp,
    pub case: Case,
    /// What stands in the database for [`LISTED`]; empty for a case that is not there yet.
    pub stored: Vec<Value>,
}

const CASE_COLUMNS: &str =
    "c.id, c.version, c.head, c.title, c.updated_at, c.body, c.number, c.state, c.applicant, c.handler,
   c.search, c.sources, c.track, c.submitted_at, c.rank";
/// Number of [`CASE_COLUMNS`].
const CASE_WIDTH: usize = 15;

/// Columns of a case that lists look at and most commands leave alone. Each index over one that is written is written too.
const LISTED: [&str; 10] =
    ["title", "number", "state", "applicant", "handler", "search", "sources", "track", "submitted_at", "rank"];
/// The place of the text that the words of the case are made from.
const SEARCH: usize = 5;

/// What [`LISTED`] is to be.
fn listed(case: &Case, title: &str, now: Timestamp) -> Vec<Value> {
    let dossier = case.dossier();
    let number = dossier.map(|d| d.number.as_str());
    let sources = named_sources(case).iter().map(|s| format!(" {s} ")).collect::<String>();
    let search = format!("{title} {} {sources}", number.unwrap_or_default()).to_lowercase();
    params![
        title,
        number,
        case.name().slug(),
        case.applicant(),
        dossier.and_then(|d| d.handler.clone()),
        search,
        sources,
        dossier.map(|d| d.track).unwrap_or_default().slug(),
        dossier.map(|d| d.submitted_at),
        list::rank(case, now.date_in_oslo(), now),
    ]
    .to_vec()
}

fn named_sources(case: &Case) -> Vec<&str> {
    case.dossier().map(|d| d.order.sources()).unwrap_or_default()
}

fn loaded(row: &Row) -> Result<Loaded, AccessError> {
    Ok(Loaded {
        id: row.get(0)?,
        version: row.get(1)?,
        head: row.get(2)?,
        title: row.get(3)?,
        updated_at: row.get(4)?,
        case: parse(&row.get::<String>(5)?)?,
        stored: stored(row)?,
    })
}

/// [`LISTED`] as they stand behind the state.
fn stored(row: &Row) -> Result<Vec<Value>, StoreError> {
    let text = |at| row.get::<Option<String>>(at).map(Value::Text);
    let mut all = vec![text(3)?];
    for at in 6..CASE_WIDTH - 2 {
        all.push(text(at)?);
    }
    for at in CASE_WIDTH - 2..CASE_WIDTH {
        all.push(Value::Int(row.get(at)?));
    }
    Ok(all)
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, AccessError> {
    serde_json::from_str(text).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) fn text<T: Serialize>(value: &T) -> Result<String, AccessError> {
    serde_json::to_string(value).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) async fn case(tx: &mut Tx, id: CaseId) -> Result<Option<Loaded>, AccessError> {
    let sql = format!("SELECT {CASE_COLUMNS} FROM access_case c WHERE c.id = $1");
    tx.query_opt(&sql, params![id]).await?.map(|row| loaded(&row)).transpose()
}

/// The case for somebody who changes it: nobody else does until the end of the transaction.
pub(crate) async fn case_to_change(tx: &mut Tx, id: CaseId) -> Result<Option<Loaded>, AccessError> {
    let sql = format!("SELECT {CASE_COLUMNS} FROM access_case c WHERE c.id = $1{}", tx.lock("c"));
    tx.query_opt(&sql, params![id]).await?.map(|row| loaded(&row)).transpose()
}

/// What a command finds.
pub(crate) struct ForCommand {
    pub loaded: Loaded,
    /// The command was carried out before.
    pub known: Option<Known>,
    /// Somebody has handed a role to the account.
    pub stands_in: bool,
}

/// [`case_to_change`] with what else a command asks first.
pub(crate) async fn case_for_command(
    tx: &mut Tx,
    id: CaseId,
    command_id: &str,
    account: &str,
    today: Date,
) -> Result<Option<ForCommand>, AccessError> {
    let sql = format!(
        "SELECT {CASE_COLUMNS},
           EXISTS (SELECT 1 FROM access_delegation
                   WHERE to_account = $3 AND valid_to >= $4 AND valid_from <= $4 AND ended_at IS NULL),
           {KNOWN_COLUMNS}
         FROM access_case c LEFT JOIN access_command k ON k.command_id = $2
         WHERE c.id = $1{}",
        tx.lock("c")
    );
    let Some(row) = tx.query_opt(&sql, params![id, command_id, account, today]).await? else { return Ok(None) };
    const KNOWN: usize = CASE_WIDTH + 1;
    let known = row.get::<Option<String>>(KNOWN)?.is_some().then(|| known(&row, KNOWN)).transpose()?;
    Ok(Some(ForCommand { loaded: loaded(&row)?, known, stands_in: row.get(CASE_WIDTH)? }))
}

pub(crate) async fn case_by_number(tx: &mut Tx, number: &str) -> Result<Option<Loaded>, AccessError> {
    let sql = format!("SELECT {CASE_COLUMNS} FROM access_case c WHERE c.number = $1");
    tx.query_opt(&sql, params![number]).await?.map(|row| loaded(&row)).transpose()
}

/// Writes the new state of a case, under the version it was read at; a new case is added. Of the columns that lists look at
/// only those that changed.
pub(crate) async fn put_case(tx: &mut Tx, loaded: &mut Loaded, now: Timestamp) -> Result<(), AccessError> {
    let case = &loaded.case;
    let listed = listed(case, &loaded.title, now);
    let mut values = params![loaded.id, loaded.version, now, text(case)?, &loaded.head].to_vec();
    let mut columns = vec!["id", "version", "updated_at", "body", "head"];
    for (at, (column, value)) in LISTED.into_iter().zip(&listed).enumerate() {
        if loaded.stored.get(at) != Some(value) {
            columns.push(column);
            values.push(value.clone());
        }
    }
    let sql = if loaded.stored.is_empty() {
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        format!("INSERT INTO access_case ({}) VALUES ({})", columns.join(", "), places.join(", "))
    } else {
        let sets: Vec<String> = columns.iter().zip(1..).skip(1).map(|(column, n)| format!("{column} = ${n}")).collect();
        format!("UPDATE access_case SET {} WHERE id = $1", sets.join(", "))
    };
    tx.execute_later(&sql, &values);
    let before = std::mem::replace(&mut loaded.stored, listed);
    match &loaded.stored[SEARCH] {
        search @ Value::Text(Some(text)) if before.get(SEARCH) != Some(search) => {
            list::put_words(tx, loaded.id, text, &named_sources(case)).await
        }
        _ => Ok(()),
    }
}

/// The digest of an event over everything it says and the digest before it (ACC-003).
pub(crate) fn chain(id: CaseId, event: &Recorded, role: &str, prev: &str) -> Result<String, AccessError> {
    let mut all = json!({"case": id, "seq": event.seq, "at": event.at, "actor": event.actor, "role": role,
        "event": event.event, "prev": prev});
    if let Some(colleague) = &event.on_behalf_of {
        all["on_behalf_of"] = json!(colleague);
    }
    canonical_json(&all).map(|bytes| sha256_hex(&bytes)).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) async fn put_event(
    tx: &mut Tx,
    id: CaseId,
    event: &Recorded,
    role: &str,
    prev: &str,
) -> Result<String, AccessError> {
    let hash = chain(id, event, role, prev)?;
    tx.execute_later(
        "INSERT INTO access_event (case_id, seq, at, actor, role, name, data, prev, hash, on_behalf_of)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            id,
            event.seq,
            event.at,
            &event.actor,
            role,
            event.event.name(),
            text(&event.event)?,
            prev,
            &hash,
            event.on_behalf_of.clone()
        ],
    );
    Ok(hash)
}

/// An event with what stands beside it.
pub(crate) struct StoredEvent {
    pub recorded: Recorded,
    pub role: String,
    pub prev: String,
    pub hash: String,
}

const EVENT_COLUMNS: &str = "seq, at, actor, role, data, prev, hash, on_behalf_of";

fn stored_event(row: &Row) -> Result<StoredEvent, AccessError> {
    let event: Event = parse(&row.get::<String>(4)?)?;
    Ok(StoredEvent {
        recorded: Recorded { seq: row.get(0)?, at: row.get(1)?, actor: row.get(2)?, on_behalf_of: row.get(7)?, event },
        role: row.get(3)?,
        prev: row.get(5)?,
        hash: row.get(6)?,
    })
}

pub(crate) async fn events(tx: &mut Tx, id: CaseId, after: i64) -> Result<Vec<StoredEvent>, AccessError> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM access_event WHERE case_id = $1 AND seq > $2 ORDER BY seq");
    tx.query(&sql, params![id, after]).await?.iter().map(stored_event).collect()
}

/// The next cases in the order of their ids, each with its events.
pub(crate) async fn histories(
    tx: &mut Tx,
    after: &str,
    most: i64,
) -> Result<Vec<(Loaded, Vec<StoredEvent>)>, AccessError> {
    let sql = format!("SELECT {CASE_COLUMNS} FROM access_case c WHERE c.id > $1 ORDER BY c.id LIMIT $2");
    let rows = tx.query(&sql, params![after, most]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push((loaded(row)?, Vec::new()));
    }
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(found) };
    let sql = format!(
        "SELECT {EVENT_COLUMNS}, case_id FROM access_event WHERE case_id >= $1 AND case_id <= $2 ORDER BY case_id, seq"
    );
    let rows = tx.query(&sql, params![first.0.id, last.0.id]).await?;
    let mut at = 0;
    for row in &rows {
        let case: CaseId = row.get(8)?;
        while found.get(at).is_some_and(|(loaded, _)| loaded.id != case) {
            at += 1;
        }
        let of = found.get_mut(at).ok_or_else(|| AccessError::Damaged(format!("events of {case} without a case")))?;
        of.1.push(stored_event(row)?);
    }
    Ok(found)
}

/// A command that was carried out.
pub(crate) struct Known {
    pub case_id: String,
    pub digest: String,
    pub from_version: i64,
    pub version: i64,
}

const KNOWN_COLUMNS: &str = "k.case_id, k.digest, k.from_version, k.version";

fn known(row: &Row, from: usize) -> Result<Known, AccessError> {
    Ok(Known {
        case_id: row.get(from)?,
        digest: row.get(from + 1)?,
        from_version: row.get(from + 2)?,
        version: row.get(from + 3)?,
    })
}

pub(crate) async fn known_command(tx: &mut Tx, command_id: &str) -> Result<Option<Known>, AccessError> {
    let sql = format!("SELECT {KNOWN_COLUMNS} FROM access_command k WHERE k.command_id = $1");
    tx.query_opt(&sql, params![command_id]).await?.map(|row| known(&row, 0)).transpose()
}

pub(crate) fn put_command(tx: &mut Tx, command_id: &str, actor: &str, known: &Known, now: Timestamp) {
    tx.execute_later(
        "INSERT INTO access_command (command_id, case_id, actor, digest, from_version, version, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![command_id, &known.case_id, actor, &known.digest, known.from_version, known.version, now],
    );
}

/// Forgets the ids of commands that nobody sends again.
pub(crate) async fn forget_commands(tx: &mut Tx, before: Timestamp) -> Result<u64, AccessError> {
    Ok(tx.execute("DELETE FROM access_command WHERE at < $1", params![before]).await?)
}

pub(crate) fn seal(zone: &Zone, place: &str, plain: &[u8]) -> Result<Vec<u8>, AccessError> {
    zone.sealer.seal(place, plain).map_err(|e| AccessError::Sealing(e.to_string()))
}

pub(crate) fn open(zone: &Zone, place: &str, sealed: &[u8]) -> Result<Vec<u8>, AccessError> {
    zone.sealer.open(place, sealed).map_err(|e| AccessError::Sealing(e.to_string()))
}

pub(crate) async fn draft(
    tx: &mut Tx,
    zone: &Zone,
    id: CaseId,
) -> Result<Option<(DraftContent, Timestamp)>, AccessError> {
    let row = tx.query_opt("SELECT content, saved_at FROM access_draft WHERE case_id = $1", params![id]).await?;
    let Some(row) = row else { return Ok(None) };
    let plain = open(zone, &format!("access_draft/{id}/content"), &row.get::<Vec<u8>>(0)?)?;
    let content = serde_json::from_slice(&plain).map_err(|e| AccessError::Damaged(e.to_string()))?;
    Ok(Some((content, row.get(1)?)))
}

pub(crate) async fn put_draft(
    tx: &mut Tx,
    zone: &Zone,
    id: CaseId,
    draft: &DraftContent,
    now: Timestamp,
) -> Result<(), AccessError> {
    let sealed = seal(zone, &format!("access_draft/{id}/content"), text(draft)?.as_bytes())?;
    tx.execute(
        "INSERT INTO access_draft (case_id, content, saved_at) VALUES ($1, $2, $3)
         ON CONFLICT (case_id) DO UPDATE SET content = excluded.content, saved_at = excluded.saved_at",
        params![id, sealed, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn drop_draft(tx: &mut Tx, id: CaseId) -> Result<(), AccessError> {
    tx.execute("DELETE FROM access_draft WHERE case_id = $1", params![id]).await?;
    Ok(())
}

pub(crate) async fn revision(
    tx: &mut Tx,
    zone: &Zone,
    id: CaseId,
    revision: u32,
) -> Result<Option<Content>, AccessError> {
    let row = tx
        .query_opt(
            "SELECT content, sha256 FROM access_revision WHERE case_id = $1 AND revision = $2",
            params![id, revision],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let plain = open(zone, &format!("access_revision/{id}.{revision}/content"), &row.get::<Vec<u8>>(0)?)?;
    if sha256_hex(&plain) != row.get::<String>(1)? {
        return Err(AccessError::Damaged(format!("revision {revision} of case {id} is not what was handed in")));
    }
    serde_json::from_slice(&plain).map(Some).map_err(|e| AccessError::Damaged(e.to_string()))
}

pub(crate) async fn put_revision(
    tx: &mut Tx,
    zone: &Zone,
    id: CaseId,
    revision: u32,
    canonical: &[u8],
    sha256: &str,
    now: Timestamp,
) -> Result<(), AccessError> {
    let sealed = seal(zone, &format!("access_revision/{id}.{revision}/content"), canonical)?;
    tx.execute(
        "INSERT INTO access_revision (case_id, revision, content, sha256, at) VALUES ($1, $2, $3, $4, $5)",
        params![id, revision, sealed, sha256, now],
    )
    .await?;
    Ok(())
}

/// The next number of a series, e.g. of `A-2026`.
pub(crate) async fn next_number(tx: &mut Tx, series: &str) -> Result<i64, AccessError> {
    let row = tx
        .query_one(
            "INSERT INTO access_series (name, last) VALUES ($1, 1)
             ON CONFLICT (name) DO UPDATE SET last = access_series.last + 1 RETURNING last",
            params![series],
        )
        .await?;
    Ok(row.get(0)?)
}

pub(crate) struct DecisionRow<'a> {
    pub number: &'a str,
    pub letter: &'a [u8],
    pub pdf: &'a [u8],
    pub statement: &'a str,
}

pub(crate) async fn put_decision(
    tx: &mut Tx,
    zone: &Zone,
    id: CaseId,
    row: &DecisionRow<'_>,
    now: Timestamp,
) -> Result<(), AccessError> {
    let letter = seal(zone, &format!("access_decision/{}/letter", row.number), row.letter)?;
    let pdf = seal(zone, &format!("access_decision/{}/pdf", row.number), row.pdf)?;
    tx.execute(
        "INSERT INTO access_decision (number, case_id, issued_at, letter, pdf, statement) VALUES ($1, $2, $3, $4, $5, $6)",
        params![row.number, id, now, letter, pdf, row.statement],
    )
    .await?;
    Ok(())
}

/// A letter: canonical JSON, PDF, signed statement of both digests.
pub(crate) async fn decision(
    tx: &mut Tx,
    zone: &Zone,
    number: &str,
) -> Result<Option<(Vec<u8>, Vec<u8>, String)>, AccessError> {
    let sql = "SELECT letter, pdf, statement FROM access_decision WHERE number = $1";
    let Some(row) = tx.query_opt(sql, params![number]).await? else { return Ok(None) };
    let letter = open(zone, &format!("access_decision/{number}/letter"), &row.get::<Vec<u8>>(0)?)?;
    let pdf = open(zone, &format!("access_decision/{number}/pdf"), &row.get::<Vec<u8>>(1)?)?;
    Ok(Some((letter, pdf, row.get(2)?)))
}

/// A permit as it stands.
pub(crate) struct PermitRow {
    pub permit_id: String,
    pub series: String,
    pub case_id: CaseId,
    pub status: String,
    pub held: bool,
    pub title: String,
    pub envelope: String,
    pub changes: i64,
}

const PERMIT_COLUMNS: &str = "permit_id, series, case_id, status, held, title, envelope, changes";

fn permit_row(row: &Row) -> Result<PermitRow, StoreError> {
    Ok(PermitRow {
        permit_id: row.get(0)?,
        series: row.get(1)?,
        case_id: row.get::<Id<CaseKind>>(2)?,
        status: row.get(3)?,
        held: row.get(4)?,
        title: row.get(5)?,
        envelope: row.get(6)?,
        changes: row.get(7)?,
    })
}

pub(crate) async fn current_permit(tx: &mut Tx, series: &str) -> Result<Option<PermitRow>, AccessError> {
    let sql = format!("SELECT {PERMIT_COLUMNS} FROM access_permit WHERE series = $1 AND latest = 1");
    Ok(tx.query_opt(&sql, params![series]).await?.map(|row| permit_row(&row)).transpose()?)
}

pub(crate) async fn permits(tx: &mut Tx) -> Result<Vec<PermitRow>, AccessError> {
    let sql = format!("SELECT {PERMIT_COLUMNS} FROM access_permit WHERE latest = 1 ORDER BY permit_id");
    let rows = tx.query(&sql, params![]).await?;
    Ok(rows.iter().map(permit_row).collect::<Result<_, _>>()?)
}

pub(crate) async fn put_permit(
    tx: &mut Tx,
    permit: &PermitRow,
    valid: (Date, Date),
    now: Timestamp,
) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_permit (permit_id, series, case_id, status, held, latest, title, envelope, valid_from,
           valid_to, changed_at, changes)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11)",
        params![
            &permit.permit_id,
            &permit.series,
            permit.case_id,
            &permit.status,
            permit.held,
            &permit.title,
            &permit.envelope,
            valid.0,
            valid.1,
            now,
            permit.changes
        ],
    )
    .await?;
    Ok(())
}

/// Changes status, hold or envelope of a permit; an envelope that is replaced goes to the archive.
pub(crate) async fn change_permit(
    tx: &mut Tx,
    permit: &PermitRow,
    old: &PermitRow,
    now: Timestamp,
) -> Result<(), AccessError> {
    if old.envelope != permit.envelope {
        tx.execute(
            "INSERT INTO access_permit_archive (permit_id, change, envelope, until) VALUES ($1, $2, $3, $4)",
            params![&old.permit_id, old.changes, &old.envelope, now],
        )
        .await?;
    }
    tx.execute(
        "UPDATE access_permit SET status = $2, held = $3, envelope = $4, changed_at = $5, changes = $6
         WHERE permit_id = $1",
        params![&permit.permit_id, &permit.status, permit.held, &permit.envelope, now, permit.changes],
    )
    .await?;
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

pub(crate) fn like(search: &str) -> String {
    format!("%{}%", escaped(&search.trim().to_lowercase()))
}
