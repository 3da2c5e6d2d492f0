//! Work on a draft that people do together and over time: conflicts per field with what was overwritten (ACC-025), copies,
//! and the draft as JSON, out and in (ACC-028).

use std::collections::BTreeMap;

use identity::Actor;
use kernel::{Problem, Timestamp, canonical_json, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Migration, Tx, params};

use super::Access;
use super::apply::check_cart;
use crate::error::AccessError;
use crate::form::{self, DraftContent, FieldKind, Form};
use crate::model::{CartItem, CaseId};
use crate::permissions::CaseRole;
use crate::sql::{open, seal};
use crate::views::Done;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_overwritten",
    sql: "CREATE TABLE access_overwritten (
            id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES access_case (id), about BLOB NOT NULL,
            by_account TEXT NOT NULL, at BIGINT NOT NULL);
          CREATE INDEX access_overwritten_case ON access_overwritten (case_id, at)",
}];

/// How long an overwritten value is kept.
const KEPT_SECONDS: i64 = 30 * 86_400;
/// Form of an exported application.
const FORMAT: &str = "hap-application/1";

/// Marks the ids of overwritten values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OverwrittenKind {}
impl kernel::Kind for OverwrittenKind {
    const NAME: &'static str = "overwritten value";
}

/// A value that somebody wrote over without having seen it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Overwritten {
    /// Id.
    pub id: kernel::Id<OverwrittenKind>,
    /// The field.
    pub field: String,
    /// What stood there.
    pub value: Value,
    /// When it was overwritten.
    pub at: Timestamp,
    /// Whether the looker overwrote it.
    pub own: bool,
}

#[derive(Serialize, Deserialize)]
struct About {
    field: String,
    value: Value,
}

/// A field that stands otherwise than before.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// What stood there; null for nothing.
    pub before: Value,
    /// What stands there now.
    pub after: Value,
}

/// What a save did.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Saved {
    /// The command; none when nothing had changed.
    pub done: Option<Done>,
    /// The fields that were written: the page holds what stands in them.
    pub written: Vec<String>,
    /// What this save wrote over without its writer having seen it.
    pub overwritten: Vec<Overwritten>,
}

/// A mark of a value: the writer sends back the mark of what the page showed, so that the service knows what was seen.
pub fn mark(value: &Value) -> String {
    let mut mark = sha256_hex(&canonical_json(value).unwrap_or_default());
    mark.truncate(16);
    mark
}

impl Access {
    /// As [`Access::save_form`], by a writer who saw the values that `seen` marks. Fields that the writer left as they were
    /// shown are not written; a value that somebody else wrote meanwhile is overwritten, kept for 30 days and told.
    ///
    /// # Errors
    /// As [`Access::save`].
    pub async fn save_form_seen(
        &self,
        actor: &Actor,
        id: CaseId,
        pairs: &[(String, String)],
        seen: &BTreeMap<String, String>,
    ) -> Result<Saved, Problem> {
        let (form, _) = self.written_in(id).await?;
        self.save_seen(actor, id, form::from_pairs(form, pairs), seen).await
    }

    /// As [`Access::save_form_seen`], with typed values.
    ///
    /// # Errors
    /// As [`Access::save`].
    pub async fn save_seen(
        &self,
        actor: &Actor,
        id: CaseId,
        mut fields: Map<String, Value>,
        seen: &BTreeMap<String, String>,
    ) -> Result<Saved, Problem> {
        let (loaded, _, _) = self.seen(actor, id).await?;
        // One save of a case at a time: what is read here is what is written over.
        let _turn = self.turns.of(id).await;
        let (content, _) = self.draft_content(&loaded).await?;
        fields.retain(|field, value| seen.get(field).is_none_or(|seen| *seen != mark(value)));
        self.only_own_files(id, &fields).await?;
        let lost = |(field, value): (&String, &Value)| {
            let stands = content.fields.get(field)?;
            let unseen = seen.get(field).is_some_and(|seen| *seen != mark(stands)) && stands != value;
            unseen.then(|| Overwritten {
                id: self.zone.id(),
                field: field.clone(),
                value: stands.clone(),
                at: self.zone.now(),
                own: true,
            })
        };
        let overwritten: Vec<Overwritten> = fields.iter().filter_map(lost).collect();
        if fields.is_empty() {
            return Ok(Saved { done: None, written: Vec::new(), overwritten });
        }
        let written = fields.keys().cloned().collect();
        let done = self.save(actor, id, fields).await?;
        if !overwritten.is_empty() {
            self.keep_overwritten(actor, id, &overwritten).await?;
        }
        Ok(Saved { done: Some(done), written, overwritten })
    }

    async fn keep_overwritten(&self, actor: &Actor, id: CaseId, values: &[Overwritten]) -> Result<(), AccessError> {
        let limit = self.zone.now().plus_seconds(-KEPT_SECONDS);
        self.zone
            .store
            .tx("access.overwritten", async |tx: &mut Tx| {
                tx.execute("DELETE FROM access_overwritten WHERE at < $1", params![limit]).await?;
                for value in values {
                    let about = About { field: value.field.clone(), value: value.value.clone() };
                    let plain = serde_json::to_vec(&about).map_err(|e| AccessError::Damaged(e.to_string()))?;
                    let sealed = seal(&self.zone, &format!("access_overwritten/{}/about", value.id), &plain)?;
                    tx.execute(
                        "INSERT INTO access_overwritten (id, case_id, about, by_account, at) VALUES ($1, $2, $3, $4, $5)",
                        params![value.id, id, sealed, actor.account.to_string(), value.at],
                    )
                    .await?;
                }
                Ok(())
            })
            .await
    }

    /// Values of the draft that were overwritten unseen in the last 30 days, newest first.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn overwritten(&self, actor: &Actor, id: CaseId) -> Result<Vec<Overwritten>, Problem> {
        self.writer(actor, id).await?;
        let since = self.zone.now().plus_seconds(-KEPT_SECONDS);
        let own = actor.account.to_string();
        let read: Result<Vec<Overwritten>, AccessError> = self
            .zone
            .store
            .read("access.overwritten", async |tx: &mut Tx| {
                let sql = "SELECT id, about, by_account, at FROM access_overwritten
                           WHERE case_id = $1 AND at >= $2 ORDER BY at DESC, id DESC";
                let mut found = Vec::new();
                for row in tx.query(sql, params![id, since]).await? {
                    let key: kernel::Id<OverwrittenKind> = row.get(0)?;
                    let plain = open(&self.zone, &format!("access_overwritten/{key}/about"), &row.get::<Vec<u8>>(1)?)?;
                    let about: About =
                        serde_json::from_slice(&plain).map_err(|e| AccessError::Damaged(e.to_string()))?;
                    found.push(Overwritten {
                        id: key,
                        field: about.field,
                        value: about.value,
                        at: row.get(3)?,
                        own: row.get::<String>(2)? == own,
                    });
                }
                Ok(found)
            })
            .await;
        read.map_err(Problem::from)
    }

    /// Puts an overwritten value back; what stands there now is kept in its place.
    ///
    /// # Errors
    /// Not found, forbidden, and as [`Access::save`].
    pub async fn put_back(
        &self,
        actor: &Actor,
        id: CaseId,
        value: kernel::Id<OverwrittenKind>,
    ) -> Result<Saved, Problem> {
        let kept = self.overwritten(actor, id).await?.into_iter().find(|o| o.id == value);
        let kept = kept.ok_or_else(|| Problem::not_found("overwritten value"))?;
        let seen = BTreeMap::from([(kept.field.clone(), String::new())]);
        let saved = self.save_seen(actor, id, Map::from_iter([(kept.field, kept.value)]), &seen).await?;
        let gone: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.overwritten", async |tx: &mut Tx| {
                tx.execute("DELETE FROM access_overwritten WHERE id = $1", params![value]).await?;
                Ok(())
            })
            .await;
        gone.map_err(Problem::from)?;
        Ok(saved)
    }

    /// Writes role, necessity and level of detail of variables that the cart of the draft still has; the others of the cart
    /// stay as they are, so that two people who work on the cart do not undo each other's choices.
    ///
    /// # Errors
    /// As [`Access::save_cart`].
    pub async fn annotate_cart(&self, actor: &Actor, id: CaseId, items: &[CartItem]) -> Result<Option<Done>, Problem> {
        self.change_cart(actor, id, |cart| {
            for line in cart {
                if let Some(given) = items.iter().find(|item| item.variable_id == line.variable_id) {
                    line.clone_from(given);
                }
            }
        })
        .await
    }

    /// Adds variables to the cart of the draft, and takes others out.
    ///
    /// # Errors
    /// As [`Access::save_cart`].
    pub async fn change_variables(
        &self,
        actor: &Actor,
        id: CaseId,
        add: Vec<CartItem>,
        remove: &[String],
    ) -> Result<Option<Done>, Problem> {
        self.change_cart(actor, id, |cart| {
            cart.retain(|line| !remove.contains(&line.variable_id));
            for item in &add {
                if !cart.iter().any(|line| line.variable_id == item.variable_id) {
                    cart.push(item.clone());
                }
            }
        })
        .await
    }

    async fn change_cart(
        &self,
        actor: &Actor,
        id: CaseId,
        change: impl FnOnce(&mut Vec<CartItem>),
    ) -> Result<Option<Done>, Problem> {
        let (loaded, _, _) = self.seen(actor, id).await?;
        let _turn = self.turns.of(id).await;
        let (content, _) = self.draft_content(&loaded).await?;
        let mut cart = content.cart.clone();
        change(&mut cart);
        if cart == content.cart {
            return Ok(None);
        }
        self.save_cart(actor, id, cart).await.map(Some)
    }

    /// A new draft with the answers of an application of one's own. Files stay behind: they belong to their case.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn copy_as_new(&self, actor: &Actor, id: CaseId) -> Result<CaseId, Problem> {
        let content = self.own_content(actor, id).await?;
        let (form, _) = self.written_in(id).await?;
        let form = self.form_today(&form.id);
        self.begin(actor, form, without_files(form, content)).await
    }

    /// The application as JSON in canonical form (RFC 8785): what [`Access::import`] reads.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn export(&self, actor: &Actor, id: CaseId) -> Result<Vec<u8>, Problem> {
        let content = self.own_content(actor, id).await?;
        let (form, _) = self.written_in(id).await?;
        let document = json!({"format": FORMAT, "form": form.id, "version": form.version,
            "fields": content.fields, "cart": content.cart});
        canonical_json(&document).map_err(|_| Problem::unavailable("the application"))
    }

    /// Reads an exported application into a draft: its answers and variables are written over those of the draft. Answers
    /// to fields that the form does not have, and files, are left out; their fields are named.
    ///
    /// # Errors
    /// Not the form of an exported application (`unreadable`), and as [`Access::save`].
    pub async fn import(&self, actor: &Actor, id: CaseId, document: &[u8]) -> Result<Vec<String>, Problem> {
        #[derive(Deserialize)]
        struct Document {
            format: String,
            form: String,
            fields: Map<String, Value>,
            #[serde(default)]
            cart: Vec<CartItem>,
        }
        self.writer(actor, id).await?;
        let unreadable = || Problem::invalid("file", "unreadable", "an application exported as JSON expected");
        let read: Document = serde_json::from_slice(document).map_err(|_| unreadable())?;
        let (form, _) = self.written_in(id).await?;
        if read.format != FORMAT || read.form != form.id {
            return Err(unreadable());
        }
        check_cart(&read.cart)?;
        let all: Vec<String> = read.fields.keys().cloned().collect();
        let kept = without_files(form, DraftContent { fields: read.fields, cart: read.cart });
        let known: Map<String, Value> = kept.fields.into_iter().filter(|(field, _)| is_written(form, field)).collect();
        let left_out = all.into_iter().filter(|field| !known.contains_key(field)).collect();
        self.save(actor, id, known).await?;
        self.save_cart(actor, id, kept.cart).await?;
        Ok(left_out)
    }

    /// What differs field by field: between the draft and what was handed in last while questions are being answered, else
    /// between the last two revisions. Empty when there is nothing to compare with.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn differences(&self, actor: &Actor, id: CaseId) -> Result<Vec<Difference>, Problem> {
        let loaded = self.writer(actor, id).await?;
        let Some(last) = loaded.case.dossier().map(|dossier| dossier.revision) else { return Ok(Vec::new()) };
        let (before, after) = match self.draft_content(&loaded).await {
            Ok((draft, _)) => (self.handed_in(id, last).await?, Some(draft)),
            Err(_) if last > 1 => (self.handed_in(id, last - 1).await?, self.handed_in(id, last).await?),
            Err(_) => return Ok(Vec::new()),
        };
        let (Some(before), Some(after)) = (before, after) else { return Ok(Vec::new()) };
        let (form, _) = self.written_in(id).await?;
        let value = |content: &DraftContent, id: &str| content.fields.get(id).cloned().unwrap_or(Value::Null);
        let differs = |field: &form::Field| {
            let (before, after) = (value(&before, &field.id), value(&after, &field.id));
            (before != after).then(|| Difference { field: field.id.clone(), before, after })
        };
        Ok(form.fields().filter_map(differs).collect())
    }

    async fn handed_in(&self, id: CaseId, revision: u32) -> Result<Option<DraftContent>, Problem> {
        let read = self
            .zone
            .store
            .read("access.revision", async |tx: &mut Tx| crate::sql::revision(tx, &self.zone, id, revision).await);
        Ok(read.await.map_err(Problem::from)?.map(|content| content.as_draft()))
    }

    /// What the applicant wrote: the draft, else what was handed in last.
    async fn own_content(&self, actor: &Actor, id: CaseId) -> Result<DraftContent, Problem> {
        let loaded = self.writer(actor, id).await?;
        if let Ok((content, _)) = self.draft_content(&loaded).await {
            return Ok(content);
        }
        let revision = loaded.case.dossier().map_or(0, |dossier| dossier.revision);
        self.handed_in(id, revision).await?.ok_or_else(|| Problem::not_found("application"))
    }

    async fn writer(&self, actor: &Actor, id: CaseId) -> Result<crate::sql::Loaded, Problem> {
        let (loaded, _, roles) = self.seen(actor, id).await?;
        if roles.iter().any(|role| matches!(role, CaseRole::Applicant | CaseRole::CoApplicant)) {
            return Ok(loaded);
        }
        Err(self.not_allowed(actor, id).await)
    }
}

fn is_written(form: &Form, field: &str) -> bool {
    !field.contains("[]") && form.field(field).is_some_and(|f| f.kind.is_written())
}

/// A content without its files, also those in groups and rows.
pub(super) fn without_files(form: &Form, mut content: DraftContent) -> DraftContent {
    for field in form.fields() {
        if let Some(value) = content.fields.get_mut(&field.id) {
            drop_files(field, value);
        }
    }
    content.fields.retain(|_, value| !value.is_null());
    content
}

fn drop_files(field: &form::Field, value: &mut Value) {
    match field.kind {
        FieldKind::File | FieldKind::FileList => *value = Value::Null,
        _ => {
            for part in &field.parts {
                let rows: Vec<&mut Value> = match &mut *value {
                    Value::Array(rows) => rows.iter_mut().collect(),
                    other => vec![other],
                };
                for row in rows {
                    if let Some(inner) = row.get_mut(&part.id) {
                        drop_files(part, inner);
                    }
                    if let Value::Object(map) = row {
                        map.retain(|_, inner| !inner.is_null());
                    }
                }
            }
        }
    }
}

/// Whose turn it is to save: saves of one case follow each other.
#[derive(Default)]
pub(crate) struct Turns([tokio::sync::Mutex<()>; 16]);

impl Turns {
    async fn of(&self, id: CaseId) -> tokio::sync::MutexGuard<'_, ()> {
        let place = id.to_string().bytes().fold(0usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b)));
        self.0[place % self.0.len()].lock().await
    }
}
