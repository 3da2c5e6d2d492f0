//! Who takes part in cases, what they write to each other (sealed), who stands in for whom, who is excluded.

use std::collections::BTreeMap;

use audit::Zone;
use kernel::{Date, Timestamp, sha256_hex};
use store::{Migration, Row, Tx, params};

use super::{Loaded, open, parse, seal, text};
use crate::AccessError;
use crate::model::{Case, CaseId, Invitation, Visibility};
use crate::permissions::CaseRole;
use crate::views::{EndedView, ExclusionView};

/// Kind of the notes that go between the parties and the body.
pub(crate) const MESSAGE: &str = "message";
/// Kind of the notes that have a visibility.
pub(crate) const REMARK: &str = "remark";

/// A message or remark to be kept.
pub(crate) struct NewNote<'a> {
    pub kind: &'static str,
    pub number: u32,
    pub author: &'a str,
    pub role: CaseRole,
    pub visibility: &'a Visibility,
    pub text: &'a str,
}

pub(crate) async fn put_note(
    tx: &mut Tx,
    zone: &Zone,
    id: CaseId,
    note: &NewNote<'_>,
    now: Timestamp,
) -> Result<(), AccessError> {
    let place = format!("access_note/{id}.{}.{}/text", note.kind, note.number);
    let sealed = seal(zone, &place, note.text.as_bytes())?;
    tx.execute(
        "INSERT INTO access_note (case_id, kind, number, author, role, visibility, text, sha256, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            id,
            note.kind,
            note.number,
            note.author,
            note.role.slug(),
            text(note.visibility)?,
            sealed,
            sha256_hex(note.text.as_bytes()),
            now
        ],
    )
    .await?;
    Ok(())
}

/// A message or remark as kept.
pub(crate) struct Note {
    pub number: i64,
    pub author: String,
    pub role: String,
    pub visibility: Visibility,
    pub text: String,
    pub at: Timestamp,
}

pub(crate) async fn notes(tx: &mut Tx, zone: &Zone, id: CaseId, kind: &str) -> Result<Vec<Note>, AccessError> {
    let rows = tx
        .query(
            "SELECT number, author, role, visibility, text, sha256, at FROM access_note
             WHERE case_id = $1 AND kind = $2 ORDER BY number",
            params![id, kind],
        )
        .await?;
    let note = |row: &Row| -> Result<Note, AccessError> {
        let number: i64 = row.get(0)?;
        let plain = open(zone, &format!("access_note/{id}.{kind}.{number}/text"), &row.get::<Vec<u8>>(4)?)?;
        if sha256_hex(&plain) != row.get::<String>(5)? {
            return Err(AccessError::Damaged(format!("{kind} {number} of case {id} is not what was written")));
        }
        Ok(Note {
            number,
            author: row.get(1)?,
            role: row.get(2)?,
            visibility: parse(&row.get::<String>(3)?)?,
            text: String::from_utf8(plain).map_err(|e| AccessError::Damaged(e.to_string()))?,
            at: row.get(6)?,
        })
    };
    rows.iter().map(note).collect()
}

/// When each message was first read by whom.
pub(crate) async fn receipts(tx: &mut Tx, id: CaseId) -> Result<Vec<(i64, String, Timestamp)>, AccessError> {
    let rows = tx
        .query("SELECT number, account, at FROM access_receipt WHERE case_id = $1 ORDER BY number, at", params![id])
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

pub(crate) async fn put_receipt(
    tx: &mut Tx,
    id: CaseId,
    number: i64,
    account: &str,
    now: Timestamp,
) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_receipt (case_id, number, account, at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (case_id, number, account) DO NOTHING",
        params![id, number, account, now],
    )
    .await?;
    Ok(())
}

/// The index of who takes part in a case beside the applicant and the body's staff.
pub(crate) async fn put_parties(tx: &mut Tx, id: CaseId, case: &Case) -> Result<(), AccessError> {
    tx.execute("DELETE FROM access_party WHERE case_id = $1", params![id]).await?;
    for (account, kind) in parties(case) {
        tx.execute(
            "INSERT INTO access_party (account, case_id, kind) VALUES ($1, $2, $3)
             ON CONFLICT (account, case_id, kind) DO NOTHING",
            params![&account, id, kind],
        )
        .await?;
    }
    Ok(())
}

fn parties(case: &Case) -> Vec<(String, &'static str)> {
    let members = case.folder().members.keys().map(|account| (account.clone(), "member"));
    let opinions = case.dossier().map(|dossier| &dossier.opinions);
    let reviewers = opinions.into_iter().flat_map(|o| o.reviewers.keys().chain(o.advisers.keys()));
    members.chain(reviewers.map(|account| (account.clone(), "reviewer"))).collect()
}

/// The open invitations of a case, by which the holder of a token finds it.
pub(crate) async fn put_invitations(
    tx: &mut Tx,
    id: CaseId,
    invitations: &BTreeMap<String, Invitation>,
) -> Result<(), AccessError> {
    tx.execute("DELETE FROM access_invitation WHERE case_id = $1", params![id]).await?;
    for invitation in invitations.values() {
        tx.execute(
            "INSERT INTO access_invitation (token, case_id, until) VALUES ($1, $2, $3)",
            params![&invitation.token, id, invitation.until],
        )
        .await?;
    }
    Ok(())
}

/// The case to which the token with this digest invites.
pub(crate) async fn invited_to(tx: &mut Tx, digest: &str) -> Result<Option<CaseId>, AccessError> {
    let row = tx.query_opt("SELECT case_id FROM access_invitation WHERE token = $1", params![digest]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// The colleague for whom `account` stands in when it acts in this role in this case (ACC-104): one who handed over the
/// case, or all own cases for a time. A handler's own cases are those assigned to them.
pub(crate) async fn stands_in_for(
    tx: &mut Tx,
    account: &str,
    role: CaseRole,
    loaded: &Loaded,
    today: Date,
) -> Result<Option<String>, AccessError> {
    let handler = loaded.case.dossier().and_then(|dossier| dossier.handler.clone());
    let rows = tx
        .query(
            "SELECT from_account, case_id FROM access_delegation
             WHERE to_account = $1 AND valid_to >= $2 AND valid_from <= $2 AND role = $3 AND ended_at IS NULL
             ORDER BY case_id DESC, id",
            params![account, today, role.slug()],
        )
        .await?;
    for row in &rows {
        let from: String = row.get(0)?;
        let case: Option<CaseId> = row.get(1)?;
        let own = role != CaseRole::CaseHandler || handler.as_deref() == Some(from.as_str());
        if case.map_or(own, |case| case == loaded.id) {
            return Ok(Some(from));
        }
    }
    Ok(None)
}

/// A role handed to a colleague.
pub(crate) struct DelegationRow {
    pub id: String,
    pub from: String,
    pub to: String,
    pub role: String,
    pub case: Option<CaseId>,
    pub valid: (Date, Date),
}

pub(crate) async fn put_delegation(tx: &mut Tx, row: &DelegationRow) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_delegation (id, from_account, to_account, role, case_id, valid_from, valid_to)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            &row.id,
            &row.from,
            &row.to,
            &row.role,
            row.case.map(|case| case.to_string()),
            row.valid.0,
            row.valid.1
        ],
    )
    .await?;
    Ok(())
}

/// The delegations from and to an account that have not ended.
pub(crate) async fn delegations(tx: &mut Tx, account: &str, today: Date) -> Result<Vec<DelegationRow>, AccessError> {
    let rows = tx
        .query(
            "SELECT id, from_account, to_account, role, case_id, valid_from, valid_to FROM access_delegation
             WHERE (from_account = $1 OR to_account = $1) AND valid_to >= $2 AND ended_at IS NULL ORDER BY id",
            params![account, today],
        )
        .await?;
    rows.iter().map(delegation).collect()
}

fn delegation(row: &Row) -> Result<DelegationRow, AccessError> {
    Ok(DelegationRow {
        id: row.get(0)?,
        from: row.get(1)?,
        to: row.get(2)?,
        role: row.get(3)?,
        case: row.get(4)?,
        valid: (row.get(5)?, row.get(6)?),
    })
}

/// Ends a delegation of `from`; gives whether there was one.
pub(crate) async fn end_delegation(tx: &mut Tx, id: &str, from: &str, now: Timestamp) -> Result<bool, AccessError> {
    let ended = tx
        .execute(
            "UPDATE access_delegation SET ended_at = $3 WHERE id = $1 AND from_account = $2 AND ended_at IS NULL",
            params![id, from, now],
        )
        .await?;
    Ok(ended > 0)
}

/// The delegations of everybody that have not ended, for the auditor.
pub(crate) async fn all_delegations(tx: &mut Tx, today: Date) -> Result<Vec<DelegationRow>, AccessError> {
    let rows = tx
        .query(
            "SELECT id, from_account, to_account, role, case_id, valid_from, valid_to FROM access_delegation
             WHERE valid_to >= $1 AND ended_at IS NULL ORDER BY id",
            params![today],
        )
        .await?;
    rows.iter().map(delegation).collect()
}

/// What an exclusion that was ended early says beside the others.
pub(crate) const EXCLUSIONS: &[Migration] = &[
    Migration {
        name: "001_ended",
        sql: "ALTER TABLE access_exclusion ADD COLUMN ended_at BIGINT;
          ALTER TABLE access_exclusion ADD COLUMN ended_by TEXT;
          ALTER TABLE access_exclusion ADD COLUMN end_reason TEXT",
    },
    Migration {
        // None where it was put on the list before a ground was asked for.
        name: "002_ground",
        sql: "ALTER TABLE access_exclusion ADD COLUMN ground TEXT",
    },
];

/// Whether a person (account) or organisation (number) is on the exclusion list (ACC-084).
pub(crate) async fn is_excluded(tx: &mut Tx, kind: &str, id: &str, today: Date) -> Result<bool, AccessError> {
    let row = tx
        .query_opt(
            "SELECT 1 FROM access_exclusion WHERE kind = $1 AND id = $2 AND until >= $3 AND ended_at IS NULL",
            params![kind, id, today],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn put_exclusion(
    tx: &mut Tx,
    (kind, id): (&str, &str),
    until: Date,
    (reason, ground): (&str, &str),
    by: &str,
    now: Timestamp,
) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_exclusion (kind, id, until, reason, by_account, at, ground)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (kind, id) DO UPDATE SET until = excluded.until, reason = excluded.reason,
           by_account = excluded.by_account, at = excluded.at, ground = excluded.ground,
           ended_at = NULL, ended_by = NULL, end_reason = NULL",
        params![kind, id, until, reason, by, now, ground],
    )
    .await?;
    Ok(())
}

/// The exclusion list, the newest first, those that are over among them.
pub(crate) async fn exclusions(tx: &mut Tx) -> Result<Vec<ExclusionView>, AccessError> {
    let rows = tx
        .query(
            "SELECT kind, id, until, reason, by_account, at, ended_at, ended_by, end_reason, ground FROM access_exclusion
             ORDER BY at DESC, kind, id",
            params![],
        )
        .await?;
    let view = |row: &Row| -> Result<ExclusionView, AccessError> {
        let ended: Option<Timestamp> = row.get(6)?;
        let ended = match ended {
            Some(at) => Some((at, row.get::<Option<String>>(7)?.unwrap_or_default(), row.get::<Option<String>>(8)?)),
            None => None,
        };
        Ok(ExclusionView {
            kind: row.get(0)?,
            party: row.get(1)?,
            until: row.get(2)?,
            reason: row.get(3)?,
            by: row.get(4)?,
            at: row.get(5)?,
            ground: row.get::<Option<String>>(9)?.map(|ground| super::parse(&ground)).transpose()?,
            ended: ended.map(|(at, by, reason)| EndedView { at, by, reason: reason.unwrap_or_default() }),
        })
    };
    rows.iter().map(view).collect()
}

/// Ends an exclusion that is in force; gives whether there was one.
pub(crate) async fn end_exclusion(
    tx: &mut Tx,
    (kind, id): (&str, &str),
    (by, reason): (&str, &str),
    today: Date,
    now: Timestamp,
) -> Result<bool, AccessError> {
    let ended = tx
        .execute(
            "UPDATE access_exclusion SET ended_at = $3, ended_by = $4, end_reason = $5
             WHERE kind = $1 AND id = $2 AND until >= $6 AND ended_at IS NULL",
            params![kind, id, now, by, reason, today],
        )
        .await?;
    Ok(ended > 0)
}
