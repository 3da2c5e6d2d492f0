//! What is kept for how long (`access.md` section 16), and what a person can see of what is kept about them (ACC-191).
//! Erasing touches rows beside the events: the chain of digests holds ids alone and stays whole (ACC-190).

use identity::Actor;
use kernel::{Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Tx, params};

use super::{Access, audit_actor};
use crate::AccessError;
use crate::content::Content;
use crate::form::{self, Privacy};
use crate::model::{Case, CaseId, Command, DRAFT_DAYS, RESTORE_DAYS};
use crate::sql;

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY + DAY / 4;
/// Contacts are erased this long after a case was closed.
const CONTACTS: i64 = 2 * YEAR;
/// Applications are erased this long after a case was closed (setting of the installation, here the usual one).
const APPLICATIONS: i64 = 10 * YEAR;
/// The outbox is kept this long.
const OUTBOX: i64 = 365 * DAY;
/// The ids of commands are known this long: a command sent again later is a new one.
const COMMANDS: i64 = 30 * DAY;
/// How many cases one run looks at of each kind.
const BATCH: i64 = 200;

const ERASE: audit::Action = audit::Action::new(
    audit::Kind::Admin,
    "case.erase",
    &[("what", audit::Detail::Code), ("revisions", audit::Detail::Int)],
);
const EXPORT: audit::Action = audit::Action::new(audit::Kind::Read, "person.export", &[("cases", audit::Detail::Int)]);

/// What a run of the retention erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Erased {
    /// Drafts that lapsed; they can still be taken up again.
    pub lapsed: usize,
    /// Lapsed drafts whose content was erased.
    pub drafts: usize,
    /// Cases whose contacts were erased.
    pub contacts: usize,
    /// Cases whose applications were erased.
    pub applications: usize,
    /// Messages of the outbox.
    pub messages: usize,
    /// Feasibility counts.
    pub counts: usize,
}

impl Access {
    /// Erases what is no longer kept. Run daily; what it does not come to is done the next time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn erase_old(&self) -> Result<Erased, Problem> {
        let now = self.zone.now();
        let mut erased = Erased::default();
        for id in self.idle_drafts("draft", now.plus_seconds(-DRAFT_DAYS * DAY)).await? {
            match self.by_clock(id, Command::Expire {}, None).await {
                Ok(_) => erased.lapsed += 1,
                // Somebody took it up again at this moment.
                Err(Problem::Conflict { .. } | Problem::Forbidden { .. } | Problem::NotFound { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let kept = now.plus_seconds(-RESTORE_DAYS * DAY);
        for id in self.idle_drafts("lapsed", now.plus_seconds(-(DRAFT_DAYS + RESTORE_DAYS) * DAY)).await? {
            let done = self.zone.store.tx("access.erase", async |tx: &mut Tx| -> Result<bool, AccessError> {
                // What was taken up again since, or lapsed late because nobody looked, is kept.
                let lapsed = sql::case(tx, id).await?.map(|loaded| loaded.case);
                let Some(Case::Lapsed(draft)) = lapsed else { return Ok(false) };
                if draft.lapsed_at.is_some_and(|at| at > kept) {
                    return Ok(false);
                }
                sql::drop_draft(tx, id).await?;
                crate::files::sql::erase_all(tx, id).await?;
                self.log_erasure(tx, id, "draft", 0).await?;
                Ok(true)
            });
            erased.drafts += usize::from(done.await.map_err(Problem::from)?);
        }
        let closed = "('closed', 'withdrawn')";
        let any = "access_revision d WHERE d.case_id = c.id";
        for id in self.over(now.plus_seconds(-APPLICATIONS), closed, any).await? {
            let done = self.zone.store.tx("access.erase", async |tx: &mut Tx| -> Result<(), AccessError> {
                let n = tx.execute("DELETE FROM access_revision WHERE case_id = $1", params![id]).await?;
                sql::drop_draft(tx, id).await?;
                self.log_erasure(tx, id, "application", n).await
            });
            done.await.map_err(Problem::from)?;
            erased.applications += 1;
        }
        let named = "access_revision d WHERE d.case_id = c.id AND d.erased_at IS NULL";
        for id in self.over(now.plus_seconds(-CONTACTS), closed, named).await? {
            let done = self.zone.store.tx("access.erase", async |tx: &mut Tx| self.erase_contacts(tx, id, now).await);
            done.await.map_err(Problem::from)?;
            erased.contacts += 1;
        }
        let done = self.zone.store.tx("access.erase", async |tx: &mut Tx| -> Result<u64, AccessError> {
            sql::forget_commands(tx, now.plus_seconds(-COMMANDS)).await?;
            let old = now.plus_seconds(-OUTBOX);
            Ok(tx
                .execute("DELETE FROM access_outbox WHERE state <> 'queued' AND changed_at < $1", params![old])
                .await?)
        });
        erased.messages = done.await.map_err(Problem::from)? as usize;
        let counts = async |tx: &mut Tx| self.erase_counts(tx, now).await;
        erased.counts = self.zone.store.tx("access.erase", counts).await.map_err(Problem::from)? as usize;
        Ok(erased)
    }

    /// Drafts in a state that nobody has worked on since.
    async fn idle_drafts(&self, state: &str, since: Timestamp) -> Result<Vec<CaseId>, Problem> {
        let read = self.zone.store.read("access.erase", async |tx: &mut Tx| -> Result<Vec<CaseId>, AccessError> {
            let rows = tx
                .query(
                    "SELECT d.case_id FROM access_draft d JOIN access_case c ON c.id = d.case_id
                     WHERE c.state = $3 AND d.saved_at < $1 ORDER BY d.saved_at LIMIT $2",
                    params![since, BATCH, state],
                )
                .await?;
            Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
        });
        read.await.map_err(Problem::from)
    }

    /// Cases in one of these states that nothing happened to since, with something left to erase.
    async fn over(&self, since: Timestamp, states: &str, left: &str) -> Result<Vec<CaseId>, Problem> {
        let sql = format!(
            "SELECT c.id FROM access_case c WHERE c.state IN {states} AND c.updated_at < $1
               AND EXISTS (SELECT 1 FROM {left}) ORDER BY c.updated_at LIMIT $2"
        );
        let read = self.zone.store.read("access.erase", async |tx: &mut Tx| -> Result<Vec<CaseId>, AccessError> {
            let rows = tx.query(&sql, params![since, BATCH]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
        });
        read.await.map_err(Problem::from)
    }

    /// Takes addresses, telephone numbers and the like out of every revision of a case, and the applicant's own address
    /// when no other case of theirs is open. Names stay as long as the application does.
    async fn erase_contacts(&self, tx: &mut Tx, id: CaseId, now: Timestamp) -> Result<(), AccessError> {
        let Some(loaded) = sql::case(tx, id).await? else { return Ok(()) };
        let last = loaded.case.dossier().map_or(0, |dossier| dossier.revision);
        for n in 1..=last {
            let Some(content) = sql::revision(tx, &self.zone, id, n).await? else { continue };
            let (bytes, sha256) =
                without_contacts(content).canonical().map_err(|e| AccessError::Damaged(e.to_string()))?;
            let sealed = self.zone.sealer.seal(&format!("access_revision/{id}.{n}/content"), &bytes);
            let sealed = sealed.map_err(|e| AccessError::Sealing(e.to_string()))?;
            // The digest of what was handed in stays in the event; that of the row follows its content.
            tx.execute(
                "UPDATE access_revision SET content = $3, sha256 = $4, erased_at = $5 WHERE case_id = $1 AND revision = $2",
                params![id, n, sealed, sha256, now],
            )
            .await?;
        }
        let account = loaded.case.applicant();
        tx.execute(
            "DELETE FROM access_contact WHERE account = $1 AND changed_at < $2 AND NOT EXISTS (
               SELECT 1 FROM access_case WHERE applicant = $1 AND state NOT IN ('closed', 'withdrawn', 'lapsed'))",
            params![account, now.plus_seconds(-CONTACTS)],
        )
        .await?;
        self.log_erasure(tx, id, "contacts", u64::from(last)).await
    }

    async fn log_erasure(&self, tx: &mut Tx, id: CaseId, what: &str, revisions: u64) -> Result<(), AccessError> {
        let entry = audit::Entry::new(&ERASE, audit::Actor::clock(), audit::Object::new("case", id));
        let entry = entry.purpose(audit::Purpose::Operations).detail("what", what);
        self.zone.log.record(tx, entry.detail("revisions", revisions as i64)).await?;
        Ok(())
    }

    /// Everything that is kept here about the actor: address, own applications with all revisions and drafts, what they
    /// did in cases, messages sent to them (ACC-191).
    ///
    /// # Errors
    /// Those of the database and of the keystore.
    pub async fn export_person(&self, actor: &Actor) -> Result<Value, Problem> {
        let account = actor.account.to_string();
        let read = self.zone.store.read("access.export", async |tx: &mut Tx| self.about_person(tx, &account).await);
        let export = read.await.map_err(Problem::from)?;
        let cases = export["applications"].as_array().map_or(0, Vec::len);
        let object = audit::Object::new("account", &account);
        let entry = audit::Entry::new(&EXPORT, audit_actor(actor, None), object).purpose(audit::Purpose::Insight);
        self.record(entry.detail("cases", cases as i64)).await.map_err(Problem::from)?;
        Ok(export)
    }

    async fn about_person(&self, tx: &mut Tx, account: &str) -> Result<Value, AccessError> {
        let contact = self.contact(tx, account).await?;
        let rows = tx.query("SELECT id FROM access_case WHERE applicant = $1 ORDER BY id", params![account]).await?;
        let mut applications = Vec::new();
        for row in &rows {
            let id: CaseId = row.get(0)?;
            let Some(loaded) = sql::case(tx, id).await? else { continue };
            let dossier = loaded.case.dossier();
            let mut revisions = Vec::new();
            for n in 1..=dossier.map_or(0, |d| d.revision) {
                revisions.extend(sql::revision(tx, &self.zone, id, n).await?);
            }
            let draft = sql::draft(tx, &self.zone, id).await?.map(|(draft, _)| draft);
            applications.push(json!({"id": id, "number": dossier.map(|d| &d.number), "title": loaded.title,
                "state": loaded.case.name(), "submitted_at": dossier.map(|d| d.submitted_at),
                "updated_at": loaded.updated_at, "draft": draft, "revisions": revisions}));
        }
        let rows = tx
            .query(
                "SELECT e.case_id, c.number, e.seq, e.at, e.role, e.name FROM access_event e
                 JOIN access_case c ON c.id = e.case_id WHERE e.actor = $1 ORDER BY e.at, e.case_id, e.seq",
                params![account],
            )
            .await?;
        let mut acts = Vec::new();
        for row in &rows {
            acts.push(json!({"case": row.get::<String>(0)?, "number": row.get::<Option<String>>(1)?,
                "seq": row.get::<i64>(2)?, "at": row.get::<Timestamp>(3)?, "role": row.get::<String>(4)?,
                "event": row.get::<String>(5)?}));
        }
        let rows = tx
            .query(
                "SELECT number, kind, state, queued_at FROM access_outbox WHERE account = $1 ORDER BY queued_at, id",
                params![account],
            )
            .await?;
        let mut messages = Vec::new();
        for row in &rows {
            messages.push(json!({"number": row.get::<String>(0)?, "kind": row.get::<String>(1)?,
                "state": row.get::<String>(2)?, "at": row.get::<Timestamp>(3)?}));
        }
        Ok(json!({"account": account, "made_at": self.zone.now(), "contact": contact,
            "applications": applications, "acts": acts, "messages": messages}))
    }
}

/// A revision without what reaches a person: fields of the form that hold it, and the addresses of persons.
fn without_contacts(mut content: Content) -> Content {
    let form = form::form(&content.form, &content.form_version).unwrap_or_else(|| form::short_form());
    let reaches =
        |id: &str| form.field(id).is_some_and(|f| f.privacy == Privacy::Personal) || id.starts_with("app.contact");
    content.fields.retain(|id, _| !reaches(id));
    for person in &mut content.persons {
        person.email.clear();
    }
    content
}
