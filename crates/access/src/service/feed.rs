//! The feed: the events of submitted cases in one order that never changes, for other systems (`GET /feed?after=`).
//!
//! A number drawn inside the transaction of an event would not do: transactions commit in another order than they draw,
//! and a reader that has passed a number would miss the one that commits late. So an event gets its place after it was
//! committed: every reader first gives places to the events that have none, in a transaction of its own. Two readers that
//! do it at once touch the same rows, and the database lets one of them start again. A place once given is never changed
//! and there is no gap that could be filled later, so that `after` is a cursor for ever.

use std::collections::BTreeMap;

use identity::{Actor, Role};
use kernel::{Problem, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Row, Tx, params};

use super::Access;
use crate::AccessError;
use crate::model::CaseId;

/// How many events get their place in one transaction, and the most that one answer of the feed looks through.
const BATCH: i64 = 1_000;

/// What happens to a draft is no news.
const OF_DRAFTS: [&str; 5] = ["created", "draft_saved", "cart_changed", "draft_deleted", "info_draft_saved"];

/// States in which the sources have a part in a case.
const FOR_SOURCES: [&str; 5] = ["processing", "awaiting_info", "awaiting_acceptance", "decided", "closed"];

/// One event as other systems are told of it: no content, which is fetched with the rights of the reader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedItem {
    /// Place in the feed.
    pub seq: i64,
    /// Name of the event.
    pub kind: String,
    /// Id of the case.
    pub case: CaseId,
    /// Number of the case.
    pub number: String,
    /// When it happened.
    pub at: Timestamp,
}

/// A part of the feed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Feed {
    /// The events, by place.
    pub items: Vec<FeedItem>,
    /// Where to go on: the next question's `after`. It moves past what the reader does not see.
    pub next: i64,
    /// Whether there is more at once.
    pub more: bool,
}

impl Access {
    /// The events after a place, for the staff of the body and the auditor; registry handlers get those of cases that
    /// their sources have a part in. The same question gives the same answer, with what is new at its end.
    ///
    /// # Errors
    /// `forbidden` for everybody else.
    pub async fn feed(&self, actor: &Actor, after: i64, limit: i64) -> Result<Feed, Problem> {
        let body = &self.settings().body;
        let here = |role: Role| actor.grants.iter().any(|g| g.role == role && g.organisation == *body);
        let sources = if here(Role::CaseHandler) || here(Role::DecisionMaker) || actor.has(Role::Auditor) {
            None
        } else {
            let of_sources = |g: &&identity::Grant| matches!(g.role, Role::RegistryHandler | Role::DataPreparer);
            let own: Vec<String> = actor.grants.iter().filter(of_sources).filter_map(|g| g.scope.clone()).collect();
            if own.is_empty() {
                return Err(self.refusal(actor, audit::Object::new("feed", "all")).await);
            }
            Some(own)
        };
        self.sequence().await?;
        let limit = limit.clamp(1, BATCH);
        let read = self
            .zone
            .store
            .read("access.feed", async |tx: &mut Tx| after_place(tx, after.max(0), limit, sources.as_deref()).await);
        read.await.map_err(Problem::from)
    }

    /// Gives places to the events that have none. Gives how many there were.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sequence(&self) -> Result<usize, Problem> {
        let mut all = 0;
        loop {
            let waits = self.zone.store.read("access.feed", async |tx: &mut Tx| -> Result<_, AccessError> {
                Ok(tx.query_opt("SELECT 1 FROM access_event WHERE feed IS NULL LIMIT 1", params![]).await?.is_some())
            });
            if !waits.await.map_err(Problem::from)? {
                return Ok(all);
            }
            let placed = self.zone.store.tx("access.sequence", async |tx: &mut Tx| place(tx).await).await;
            all += placed.map_err(Problem::from)?;
        }
    }
}

/// An event without a place.
struct Waiting {
    case: String,
    seq: i64,
    at: i64,
    hidden: bool,
}

/// Gives places to a batch. Events of one case keep their order, whatever the clocks of several machines say; events of
/// drafts get negative places, which nobody reads.
async fn place(tx: &mut Tx) -> Result<usize, AccessError> {
    let rows = tx
        .query(
            "SELECT e.case_id, e.seq, e.at, e.name, c.number FROM access_event e
             JOIN access_case c ON c.id = e.case_id
             WHERE e.feed IS NULL ORDER BY e.case_id, e.seq LIMIT $1",
            params![BATCH],
        )
        .await?;
    let mut waiting = Vec::new();
    let mut latest: BTreeMap<String, i64> = BTreeMap::new();
    for row in &rows {
        let case: String = row.get(0)?;
        let at = latest.entry(case.clone()).or_insert(i64::MIN);
        *at = (*at).max(row.get(2)?);
        let hidden = row.get::<Option<String>>(4)?.is_none() || OF_DRAFTS.contains(&row.get::<String>(3)?.as_str());
        waiting.push(Waiting { at: *at, case, seq: row.get(1)?, hidden });
    }
    // Stable: what has the same time keeps the order of the case.
    waiting.sort_by_key(|event| event.at);
    let n = waiting.len() as i64;
    let last: i64 = tx
        .query_one(
            "INSERT INTO access_series (name, last) VALUES ('feed', $1)
             ON CONFLICT (name) DO UPDATE SET last = access_series.last + $1 RETURNING last",
            params![n],
        )
        .await?
        .get(0)?;
    for (i, event) in waiting.iter().enumerate() {
        let place = last - n + 1 + i as i64;
        let place = if event.hidden { -place } else { place };
        tx.execute(
            "UPDATE access_event SET feed = $3 WHERE case_id = $1 AND seq = $2",
            params![&event.case, event.seq, place],
        )
        .await?;
    }
    Ok(waiting.len())
}

/// What has a place after `after`, of all cases or of those with one of these sources.
pub(super) async fn after_place(
    tx: &mut Tx,
    after: i64,
    limit: i64,
    sources: Option<&[String]>,
) -> Result<Feed, AccessError> {
    let rows = tx
        .query(
            "SELECT e.feed, e.name, e.case_id, c.number, e.at, c.sources, c.state
             FROM access_event e JOIN access_case c ON c.id = e.case_id
             WHERE e.feed > $1 ORDER BY e.feed LIMIT $2",
            params![after, limit],
        )
        .await?;
    let item = |row: &Row| -> Result<Option<FeedItem>, AccessError> {
        let named: String = row.get(5)?;
        let seen = sources.is_none_or(|own| own.iter().any(|source| named.contains(&format!(" {source} "))));
        if !seen || (sources.is_some() && !FOR_SOURCES.contains(&row.get::<String>(6)?.as_str())) {
            return Ok(None);
        }
        Ok(Some(FeedItem {
            seq: row.get(0)?,
            kind: row.get(1)?,
            case: row.get(2)?,
            number: row.get::<Option<String>>(3)?.unwrap_or_default(),
            at: row.get(4)?,
        }))
    };
    let next = rows.last().map(|row| row.get(0)).transpose()?.unwrap_or(after);
    let items: Vec<Option<FeedItem>> = rows.iter().map(item).collect::<Result<_, _>>()?;
    Ok(Feed { items: items.into_iter().flatten().collect(), next, more: rows.len() as i64 == limit })
}

/// The last place that was given.
pub(super) async fn end(tx: &mut Tx) -> Result<i64, AccessError> {
    let row = tx.query_opt("SELECT last FROM access_series WHERE name = 'feed'", params![]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or(0))
}
