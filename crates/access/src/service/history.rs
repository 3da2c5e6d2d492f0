//! The history of cases checked: every digest of the chain, and that replaying the events gives the state that is stored
//! (ACC-003, ACC-008).

use identity::Actor;
use kernel::Problem;
use store::Tx;

use super::Access;
use crate::error::AccessError;
use crate::model::{CaseId, Recorded, replay};
use crate::permissions::View;
use crate::sql;

/// Cases that are read at once.
const AT_ONCE: i64 = 500;

/// What was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// Cases.
    pub cases: u64,
    /// Events of them all.
    pub events: u64,
}

impl Access {
    /// Checks the history of a case: every digest of the chain, and that replaying the events gives the stored state.
    ///
    /// # Errors
    /// `Unavailable` when anything does not fit (the log says what); forbidden for all but those who see all of it.
    pub async fn verify(&self, actor: &Actor, id: CaseId) -> Result<i64, Problem> {
        let (_, view, _) = self.seen(actor, id).await?;
        if view != View::ViewFull {
            return Err(self.refusal(actor, audit::Object::new("case", id)).await);
        }
        let read = self
            .zone
            .store
            .read("access.verify", async |tx: &mut Tx| -> Result<_, AccessError> {
                Ok((sql::case(tx, id).await?, sql::events(tx, id, 0).await?))
            })
            .await;
        let (loaded, events) = read.map_err(Problem::from)?;
        let loaded = loaded.ok_or_else(|| Problem::not_found("case"))?;
        verify_history(&loaded, &events).map_err(Problem::from)?;
        Ok(loaded.version)
    }

    /// Checks the histories of all cases, as [`Access::verify`] does that of one: for the operator, who sees none of them.
    ///
    /// # Errors
    /// `Unavailable` when anything does not fit (the log says what).
    pub async fn verify_all(&self) -> Result<Replayed, Problem> {
        let mut replayed = Replayed::default();
        let mut after = String::new();
        loop {
            let from = after.as_str();
            let read = async |tx: &mut Tx| sql::histories(tx, from, AT_ONCE).await;
            let found = self.zone.store.read("access.histories", read).await.map_err(Problem::from)?;
            let Some((last, _)) = found.last() else { return Ok(replayed) };
            let next = last.id.to_string();
            for (loaded, events) in &found {
                verify_history(loaded, events).map_err(Problem::from)?;
                replayed.cases += 1;
                replayed.events += events.len() as u64;
            }
            after = next;
        }
    }
}

fn verify_history(loaded: &sql::Loaded, events: &[sql::StoredEvent]) -> Result<(), AccessError> {
    let mut prev = String::new();
    for (i, event) in events.iter().enumerate() {
        let whole = sql::chain(loaded.id, &event.recorded, &event.role, &prev)?;
        if event.recorded.seq != i as i64 + 1 || event.prev != prev || event.hash != whole {
            return Err(AccessError::Damaged(format!("event {} of case {} breaks the chain", i + 1, loaded.id)));
        }
        prev = whole;
    }
    if prev != loaded.head || events.len() as i64 != loaded.version {
        return Err(AccessError::Damaged(format!("case {} does not end where its events end", loaded.id)));
    }
    let recorded: Vec<Recorded> = events.iter().map(|event| event.recorded.clone()).collect();
    let state = replay(&recorded).map_err(|e| AccessError::Damaged(e.to_string()))?;
    if state != loaded.case {
        return Err(AccessError::Damaged(format!("the state of case {} is not what its events give", loaded.id)));
    }
    Ok(())
}
