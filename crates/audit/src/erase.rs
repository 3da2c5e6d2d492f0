//! Erasing bodies by retention (AUD-033, AUD-060): body and salt go, an entry says which and why, envelope and proofs
//! stay valid. Nothing else of a log can be deleted.

use kernel::Timestamp;
use store::{Tx, params};

use crate::entry::Body;
use crate::tree::TILE;
use crate::{Action, Actor, AuditError, Counts, Detail, Entry, Kind, Log, Object, Outcome, Purpose};

pub(crate) const ERASE: Action = Action::new(
    Kind::Log,
    "log.erase",
    &[
        ("from", Detail::Int),
        ("to", Detail::Int),
        ("kind", Detail::Code),
        ("reason", Detail::Text),
        ("approved_by", Detail::Code),
    ],
);

/// Days that bodies of a kind are kept at least (section 7).
const fn floor_days(kind: Kind) -> i64 {
    match kind {
        Kind::Decision | Kind::Key | Kind::Release | Kind::Egress | Kind::Admin | Kind::Incident => 5 * 365,
        Kind::Read | Kind::Run | Kind::Citizen | Kind::Login | Kind::Log => 365,
    }
}

impl Log {
    /// Erases the bodies of `kind` written before `before`; `by` and `approver` are two persons. Gives their number.
    /// Entries that say what was erased are never erased themselves.
    ///
    /// # Errors
    /// [`AuditError::Refused`] for one person alone (`same_person`) or below the retention floor (`too_young`).
    pub async fn erase(
        &self,
        by: Actor,
        approver: &str,
        kind: Kind,
        before: Timestamp,
        reason: &str,
    ) -> Result<u64, AuditError> {
        let floor = self.clock.now().plus_seconds(-floor_days(kind) * 86_400);
        let refusal = match () {
            () if by.id == approver => Some("same_person"),
            () if before > floor => Some("too_young"),
            () => None,
        };
        let entry = Entry::new(&ERASE, by, Object::new("log", &self.options.origin))
            .purpose(Purpose::Operations)
            .detail("kind", kind.text())
            .detail("reason", reason)
            .detail("approved_by", approver);
        if let Some(code) = refusal {
            self.record_alone(entry.refused(code)).await?;
            return Err(AuditError::Refused(code));
        }
        self.integrate().await?;
        let indexes: Vec<u64> = self
            .store
            .read("audit erase", async |tx: &mut Tx| -> Result<Vec<u64>, AuditError> {
                let rows = tx
                    .query(
                        "SELECT idx FROM audit_index WHERE kind = $1 AND t < $2 AND action <> $3 ORDER BY idx",
                        params![kind.text(), before, ERASE.name],
                    )
                    .await?;
                rows.iter().map(|r| Ok(r.get::<i64>(0)?.cast_unsigned())).collect()
            })
            .await?;
        let (Some(first), Some(last)) = (indexes.first(), indexes.last()) else { return Ok(0) };
        let entry = entry.detail("from", *first).detail("to", *last);
        self.record_alone(entry.counts(Counts::default().rows(indexes.len() as u64))).await?;
        // The entry is in the log before a body goes: a crash in between leaves bodies, never an unexplained gap.
        self.integrate().await?;
        let mut writer = self.writer.lock().await;
        let size = writer.end.edge.size();
        for group in indexes.chunk_by(|a, b| a / TILE as u64 == b / TILE as u64) {
            let number = group[0] / TILE as u64;
            let width = (size - number * TILE as u64).min(TILE as u64) as usize;
            let bodies = self.files.bodies(number, width)?;
            let mut bodies =
                bodies.ok_or_else(|| AuditError::Damaged(format!("bodies {number} are missing or malformed")))?;
            for index in group {
                bodies[(index % TILE as u64) as usize] = None;
            }
            self.files.replace_bodies(number, width, &bodies)?;
        }
        let checkpoint = crate::Checkpoint { origin: String::new(), size, root: writer.end.edge.root() };
        writer.end = self.files.end(&checkpoint)?;
        Ok(indexes.len() as u64)
    }
}

/// The range and kind that an entry `log.erase` explains.
pub(crate) fn range_of(body: &[u8]) -> Option<(u64, u64, String)> {
    let body: Body = serde_json::from_slice(body).ok()?;
    if body.action != ERASE.name || body.outcome != Outcome::Ok {
        return None;
    }
    let number = |field: &str| body.detail.get(field)?.as_u64();
    Some((number("from")?, number("to")?, body.detail.get("kind")?.as_str()?.to_owned()))
}
