//! The feasibility count (ACC-045): how many persons meet the criteria of a draft, before anybody applies for them.
//!
//! The count itself is somebody else's: [`Feasibility`] writes the script and runs it through the disclosure gate, and `hap`
//! connects it. This module says who may count, how often, and keeps what was released with the draft, where the checks of
//! the cohort's size find it (CHK-19, CHK-20). It never sees an unreleased number.

use std::collections::BTreeMap;

use async_trait::async_trait;
use audit::{Action, Detail, Entry, Kind as AuditKind, Object, Purpose};
use identity::Actor;
use kernel::criteria::{Criteria, CriteriaError, Lookup, VariableKind};
use kernel::{FieldError, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Migration, Tx, params};

use super::{Access, audit_actor, is_written};
use crate::error::AccessError;
use crate::form::{Counted, VariableFacts};
use crate::model::{CaseId, CommandName};
use crate::sql;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_feasibility",
    sql: "CREATE TABLE access_feasibility (
            case_id TEXT NOT NULL REFERENCES access_case (id), number BIGINT NOT NULL, at BIGINT NOT NULL,
            account TEXT NOT NULL, content BLOB, PRIMARY KEY (case_id, number));
          CREATE INDEX access_feasibility_at ON access_feasibility (at)",
}];

const COUNT: Action =
    Action::new(AuditKind::Run, "feasibility.count", &[("script", Detail::Digest), ("outcome", Detail::Code)]);

/// Counts of one draft in a day.
pub const MOST_PER_DAY: u32 = 20;
/// How long a count is kept, in days.
const KEPT_DAYS: i64 = 365;

/// What is asked of the analysis. `hap` connects it to `explore` and its gate.
#[async_trait]
pub trait Feasibility: Send + Sync {
    /// The script that counts the persons who meet the criteria, or why they cannot be counted here.
    fn script(&self, criteria: &Criteria) -> Result<String, NotCounted>;

    /// Runs a script of [`Feasibility::script`] as this account, metered and logged as its other runs.
    ///
    /// # Errors
    /// The account may not explore, or the data do not answer.
    async fn count(&self, actor: &Actor, script: &str) -> Result<Released, Problem>;
}

/// Why criteria were not counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NotCounted {
    /// Stable code: `no_dataset`, `no_pointer`, `value`, `same_row`, `no_population`, `withheld`.
    pub code: String,
    /// The variable, or more in English.
    pub detail: String,
}

/// What the gate let out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Released {
    /// The run, which its account can open in the workspace.
    pub run: String,
    /// The number, or why there is none.
    pub answer: CountAnswer,
}

/// The answer to a count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CountAnswer {
    /// A released number.
    Counted {
        /// Persons who meet the criteria; none: fewer than 10.
        persons: Option<u64>,
        /// The population that they were counted in, when it is shown.
        population: Option<u64>,
    },
    /// There is none. It does not stand in the way of the application.
    NotCountable(NotCounted),
}

impl CountAnswer {
    const fn slug(&self) -> &'static str {
        match self {
            CountAnswer::Counted { .. } => "counted",
            CountAnswer::NotCountable(_) => "not_countable",
        }
    }
}

/// A count that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeasibilityCount {
    /// The criteria in their canonical form.
    pub criteria: String,
    /// The script; empty when none could be written.
    pub script: String,
    /// The run in the workspace of whoever counted.
    pub run: Option<String>,
    /// The answer.
    pub answer: CountAnswer,
}

/// What is known of a draft's cohort, and how often it may still be counted today.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FeasibilityView {
    /// The last count.
    pub last: Option<FeasibilityCount>,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Whether it is about the criteria as they stand now.
    pub current: bool,
    /// The script for the criteria as they stand now.
    pub script: Option<String>,
    /// Why the criteria as they stand now cannot be counted.
    pub not_countable: Option<NotCounted>,
    /// Counts left today.
    pub left_today: u32,
    /// Counts in a day.
    pub most_per_day: u32,
    /// When there are [`MOST_PER_DAY`] again.
    pub resets_at: Timestamp,
}

/// A count in its row.
struct Row {
    count: FeasibilityCount,
    at: Timestamp,
}

impl Access {
    /// The same service with an analysis to count in.
    #[must_use]
    pub fn with_feasibility(mut self, feasibility: std::sync::Arc<dyn Feasibility>) -> Self {
        self.feasibility = Some(feasibility);
        self
    }

    /// Whether criteria can be counted in this installation.
    pub fn counts(&self) -> bool {
        self.feasibility.is_some()
    }

    /// Counts the persons who meet the criteria of a draft, as whoever writes it. An empty size of the cohort is filled
    /// from the count, rounded.
    ///
    /// # Errors
    /// Not found, forbidden for all who may not write the draft, faults of the criteria, `feasibility_limit` after
    /// [`MOST_PER_DAY`] counts in a day; the analysis does not answer.
    pub async fn count(&self, actor: &Actor, id: CaseId) -> Result<FeasibilityView, Problem> {
        let feasibility = self.feasibility.clone().ok_or_else(|| Problem::unavailable("the feasibility count"))?;
        let (fields, criteria) = self.criteria(actor, id).await?;
        let criteria = criteria?;
        let canonical = criteria.to_string();
        let script = match feasibility.script(&criteria) {
            Ok(script) => script,
            Err(why) => {
                // Nothing was asked of the data.
                let answer = CountAnswer::NotCountable(why);
                self.log_count(actor, id, &answer).await?;
                let mut view = self.feasibility(actor, id).await?;
                (view.current, view.at) = (true, Some(self.zone.now()));
                view.last = Some(FeasibilityCount { criteria: canonical, script: String::new(), run: None, answer });
                return Ok(view);
            }
        };
        let number = self.take_turn(actor, id).await?;
        let released = match feasibility.count(actor, &script).await {
            Ok(released) => released,
            // What was not answered does not use up a turn.
            Err(problem) => {
                self.give_back(id, number).await?;
                return Err(problem);
            }
        };
        let count = FeasibilityCount { criteria: canonical, script, run: Some(released.run), answer: released.answer };
        self.keep(actor, id, number, &count).await?;
        self.fill_size(actor, id, &fields, &count.answer).await?;
        self.feasibility(actor, id).await
    }

    /// The last count of a draft, and the script for its criteria.
    ///
    /// # Errors
    /// Not found, forbidden for all who may not write the draft.
    pub async fn feasibility(&self, actor: &Actor, id: CaseId) -> Result<FeasibilityView, Problem> {
        let (_, criteria) = self.criteria(actor, id).await?;
        let criteria = criteria.ok();
        let day = self.zone.now();
        let read = async |tx: &mut Tx| -> Result<(Option<Row>, u32), AccessError> {
            Ok((self.last_count(tx, id).await?, counted_since(tx, id, midnight(day)).await?))
        };
        let (last, used) = self.zone.store.read("access.feasibility", read).await.map_err(Problem::from)?;
        let written = match (&self.feasibility, &criteria) {
            (Some(feasibility), Some(criteria)) => Some(feasibility.script(criteria)),
            _ => None,
        };
        let (script, not_countable) = match written {
            Some(Ok(script)) => (Some(script), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let canonical = criteria.map(|c| c.to_string());
        Ok(FeasibilityView {
            at: last.as_ref().map(|row| row.at),
            current: last.as_ref().is_some_and(|row| Some(&row.count.criteria) == canonical.as_ref()),
            last: last.map(|row| row.count),
            script,
            not_countable,
            left_today: MOST_PER_DAY.saturating_sub(used),
            most_per_day: MOST_PER_DAY,
            resets_at: next_midnight(day),
        })
    }

    /// The released count of these criteria, for the checks; none when they were not counted since they were changed.
    pub(super) async fn counted(
        &self,
        tx: &mut Tx,
        id: CaseId,
        fields: &Map<String, Value>,
    ) -> Result<Option<Counted>, AccessError> {
        let text = fields.get("pop.criteria").and_then(Value::as_str).unwrap_or_default();
        let Ok(criteria) = Criteria::parse(text) else { return Ok(None) };
        let Some(row) = self.last_count(tx, id).await? else { return Ok(None) };
        if row.count.criteria != criteria.to_string() {
            return Ok(None);
        }
        Ok(match row.count.answer {
            CountAnswer::Counted { persons, population } => Some(Counted { persons: persons.unwrap_or(0), population }),
            CountAnswer::NotCountable(_) => None,
        })
    }

    /// Forgets counts that are no longer kept; gives how many.
    pub(super) async fn erase_counts(&self, tx: &mut Tx, now: Timestamp) -> Result<u64, AccessError> {
        let old = now.plus_seconds(-KEPT_DAYS * 86_400);
        Ok(tx.execute("DELETE FROM access_feasibility WHERE at < $1", params![old]).await?)
    }

    /// The answers and the criteria of a draft that the actor may write; the criteria with what is wrong with them.
    async fn criteria(
        &self,
        actor: &Actor,
        id: CaseId,
    ) -> Result<(Map<String, Value>, Result<Criteria, Problem>), Problem> {
        let (loaded, _, roles) = self.seen(actor, id).await?;
        let names = [CommandName::SaveDraft, CommandName::SaveFlaggedFields];
        let writes = names.into_iter().any(|name| self.may(&loaded.case, &roles, name, None).is_some());
        if !is_written(loaded.case.name()) {
            return Err(Problem::conflict("wrong_state", "the application has been handed in; look at the case"));
        }
        if !writes {
            return Err(self.not_allowed(actor, id).await);
        }
        let (content, _) = self.draft_content(&loaded).await?;
        let text = content.fields.get("pop.criteria").and_then(Value::as_str).unwrap_or_default().trim();
        if text.is_empty() {
            let missing = Problem::invalid("pop.criteria", "required", "write the criteria first, and save them");
            return Ok((content.fields, Err(missing)));
        }
        let criteria = match Criteria::parse(text) {
            Ok(criteria) => criteria,
            Err(fault) => {
                let problem = Problem::invalid("pop.criteria", fault.code, fault.to_string());
                return Ok((content.fields, Err(problem)));
            }
        };
        // The form says the same of unknown variables, with the nearest ids (ACC-048), and of values of the wrong type.
        let ids = criteria.variables().into_iter().map(str::to_owned).collect();
        let known = Known { facts: self.facts(ids).await?, near: &*self.near };
        let criteria = match criteria.check(&known) {
            Ok(()) => Ok(criteria),
            Err(faults) => {
                let field = |f: &CriteriaError| FieldError::new("pop.criteria", f.code, f.to_string());
                Err(Problem::Invalid { fields: faults.iter().map(field).collect() })
            }
        };
        Ok((content.fields, criteria))
    }

    /// Takes one of the day's turns, before anything is asked: two requests at once do not get the last one both.
    async fn take_turn(&self, actor: &Actor, id: CaseId) -> Result<i64, Problem> {
        let now = self.zone.now();
        let account = actor.account.to_string();
        let taken: Result<Option<i64>, AccessError> = self
            .zone
            .store
            .tx("access.feasibility", async |tx: &mut Tx| {
                // Whoever counts the same draft at this moment waits here.
                sql::case_to_change(tx, id).await?;
                if counted_since(tx, id, midnight(now)).await? >= MOST_PER_DAY {
                    return Ok(None);
                }
                let row = tx
                    .query_opt(
                        "SELECT COALESCE(MAX(number), 0) FROM access_feasibility WHERE case_id = $1",
                        params![id],
                    )
                    .await?;
                let last: i64 = row.map(|row| row.get(0)).transpose()?.unwrap_or(0);
                tx.execute(
                    "INSERT INTO access_feasibility (case_id, number, at, account) VALUES ($1, $2, $3, $4)",
                    params![id, last + 1, now, &account],
                )
                .await?;
                Ok(Some(last + 1))
            })
            .await;
        taken.map_err(Problem::from)?.ok_or_else(|| {
            let again = next_midnight(now);
            Problem::conflict("feasibility_limit", format!("{MOST_PER_DAY} counts were made today; again from {again}"))
        })
    }

    async fn give_back(&self, id: CaseId, number: i64) -> Result<(), Problem> {
        let given: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.feasibility", async |tx: &mut Tx| {
                let sql = "DELETE FROM access_feasibility WHERE case_id = $1 AND number = $2";
                tx.execute(sql, params![id, number]).await?;
                Ok(())
            })
            .await;
        given.map_err(Problem::from)
    }

    /// Keeps what was released with the draft, and logs it as an output.
    async fn keep(&self, actor: &Actor, id: CaseId, number: i64, count: &FeasibilityCount) -> Result<(), Problem> {
        let plain = sql::text(count).map_err(Problem::from)?;
        let sealed = sql::seal(&self.zone, &place(id, number), plain.as_bytes()).map_err(Problem::from)?;
        let entry = self.count_entry(actor, id, &count.script, &count.answer);
        let kept: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.feasibility", async |tx: &mut Tx| {
                let sql = "UPDATE access_feasibility SET content = $3 WHERE case_id = $1 AND number = $2";
                tx.execute(sql, params![id, number, sealed.clone()]).await?;
                self.zone.log.record(tx, entry.clone()).await?;
                Ok(())
            })
            .await;
        kept.map_err(Problem::from)
    }

    fn count_entry(&self, actor: &Actor, id: CaseId, script: &str, answer: &CountAnswer) -> Entry {
        Entry::new(&COUNT, audit_actor(actor, None), Object::new("case", id))
            .purpose(Purpose::Case)
            .detail("script", kernel::sha256_hex(script.as_bytes()))
            .detail("outcome", answer.slug())
    }

    async fn log_count(&self, actor: &Actor, id: CaseId, answer: &CountAnswer) -> Result<(), Problem> {
        self.record(self.count_entry(actor, id, "", answer)).await.map_err(Problem::from)
    }

    async fn fill_size(
        &self,
        actor: &Actor,
        id: CaseId,
        fields: &Map<String, Value>,
        answer: &CountAnswer,
    ) -> Result<(), Problem> {
        let CountAnswer::Counted { persons: Some(persons), .. } = answer else { return Ok(()) };
        if fields.get("pop.size").is_some_and(|size| !size.is_null()) {
            return Ok(());
        }
        let mut filled = Map::new();
        filled.insert("pop.size".into(), json!(rounded(*persons)));
        if fields.get("pop.size_kind").is_none_or(Value::is_null) {
            filled.insert("pop.size_kind".into(), json!("estimate"));
        }
        match self.save(actor, id, filled).await {
            // While information is asked for, other fields than those asked about stay as they are.
            Ok(_) | Err(Problem::Invalid { .. } | Problem::Conflict { .. } | Problem::Forbidden { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    async fn last_count(&self, tx: &mut Tx, id: CaseId) -> Result<Option<Row>, AccessError> {
        let row = tx
            .query_opt(
                "SELECT number, at, content FROM access_feasibility WHERE case_id = $1 AND content IS NOT NULL
                 ORDER BY number DESC LIMIT 1",
                params![id],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let plain = sql::open(&self.zone, &place(id, row.get(0)?), &row.get::<Vec<u8>>(2)?)?;
        let count = serde_json::from_slice(&plain).map_err(|e| AccessError::Damaged(e.to_string()))?;
        Ok(Some(Row { count, at: row.get(1)? }))
    }
}

/// The variables of the criteria, as the catalogue has them.
struct Known<'a> {
    facts: BTreeMap<String, VariableFacts>,
    near: &'a (dyn Fn(&str) -> Vec<String> + Send + Sync),
}

impl Lookup for Known<'_> {
    fn kind(&self, variable: &str) -> Option<VariableKind> {
        self.facts.get(variable).map(|facts| facts.kind)
    }
    fn nearest(&self, variable: &str) -> Vec<String> {
        (self.near)(variable)
    }
}

/// Where the sealed content of a count belongs.
fn place(id: CaseId, number: i64) -> String {
    format!("access_feasibility/{id}/{number}/content")
}

async fn counted_since(tx: &mut Tx, id: CaseId, since: Timestamp) -> Result<u32, AccessError> {
    let sql = "SELECT COUNT(*) FROM access_feasibility WHERE case_id = $1 AND at >= $2";
    let row = tx.query_opt(sql, params![id, since]).await?;
    let n: i64 = row.map(|row| row.get(0)).transpose()?.unwrap_or(0);
    Ok(u32::try_from(n).unwrap_or(u32::MAX))
}

/// The beginning of the day in Oslo (ACC-007).
fn midnight(now: Timestamp) -> Timestamp {
    start_of(now.date_in_oslo(), now)
}

fn next_midnight(now: Timestamp) -> Timestamp {
    start_of(now.date_in_oslo().plus_days(1), now)
}

/// The first instant of a day in Oslo; the clocks are changed after midnight, so the offset is that of the day before.
fn start_of(day: kernel::Date, near: Timestamp) -> Timestamp {
    let utc = Timestamp::from_micros(i64::from(day.days()) * 86_400_000_000);
    let guess = utc.plus_seconds(-near.oslo_offset_seconds());
    utc.plus_seconds(-guess.oslo_offset_seconds())
}

/// A number as it stands in a form: two digits that count, whole tens below a hundred.
fn rounded(persons: u64) -> u64 {
    let mut step = 10;
    while persons / step >= 100 {
        step *= 10;
    }
    ((persons + step / 2) / step * step).max(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rounded_to_two_digits() {
        let of = |n| rounded(n);
        assert_eq!([of(10), of(47), of(123), of(996), of(1_250), of(48_901)], [10, 50, 120, 1_000, 1_300, 49_000]);
    }

    #[test]
    fn acc_045_a_day_begins_at_midnight_in_oslo() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // Winter, summer, and the day on which the clocks go forward.
        assert_eq!(midnight(at("2026-01-10T22:59:00Z")), at("2026-01-09T23:00:00Z"));
        assert_eq!(midnight(at("2026-01-10T23:00:00Z")), at("2026-01-10T23:00:00Z"));
        assert_eq!(next_midnight(at("2026-07-01T10:00:00Z")), at("2026-07-01T22:00:00Z"));
        assert_eq!(midnight(at("2026-03-29T12:00:00Z")), at("2026-03-28T23:00:00Z"));
        assert_eq!(next_midnight(at("2026-03-29T12:00:00Z")), at("2026-03-29T22:00:00Z"));
    }
}
