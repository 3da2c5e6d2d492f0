//! The question bank (ACC-030): registries attach guidance to fields, and it is shown where their source is in the cart.

use audit::{Action, Detail, Entry, Kind as AuditKind, Object};
use identity::{Actor, Role};
use kernel::{LangMap, Language, Problem};
use serde::Serialize;
use store::{Migration, Tx, params};

use super::{Access, audit_actor, holds_identity_number};
use crate::error::AccessError;
use crate::form;
use crate::sql;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_guidance",
    sql: "CREATE TABLE access_guidance (
            source TEXT NOT NULL, field TEXT NOT NULL, text TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (source, field))",
}];

const SET: Action = Action::new(AuditKind::Decision, "guidance.set", &[("source", Detail::Code)]);

/// Longest guidance, in characters.
const LONGEST: usize = 1_000;

/// What a source says about a field.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Guidance {
    /// The source.
    pub source: String,
    /// The field.
    pub field: String,
    /// What it says.
    pub text: LangMap,
}

impl Access {
    /// Sets what a source says about a field; an empty text takes it away.
    ///
    /// # Errors
    /// Forbidden for all but the registry's own handlers; an unknown field, a text that is too long or lacks a language.
    pub async fn set_guidance(&self, actor: &Actor, source: &str, field: &str, text: LangMap) -> Result<(), Problem> {
        let entry = Entry::new(&SET, audit_actor(actor, None), Object::new("source", source));
        if !actor.has_for(Role::RegistryHandler, source) {
            self.record(entry.refused("forbidden")).await?;
            return Err(Problem::forbidden("forbidden"));
        }
        if !form::forms().iter().any(|form| form.field(field).is_some()) {
            return Err(Problem::invalid("field", "unknown_field", "the form has no such field"));
        }
        let texts: Vec<&str> = text.0.values().map(|t| t.trim()).collect();
        let none = texts.iter().all(|t| t.is_empty());
        let whole = Language::ALL.iter().all(|l| text.0.get(l).is_some_and(|t| !t.trim().is_empty()));
        if !none && (!whole || texts.iter().any(|t| t.chars().count() > LONGEST || holds_identity_number(t))) {
            let message = "a text in each language expected, of at most 1000 characters and without identity numbers";
            return Err(Problem::invalid("text", "text", message));
        }
        let written: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.guidance", async |tx: &mut Tx| {
                tx.execute("DELETE FROM access_guidance WHERE source = $1 AND field = $2", params![source, field])
                    .await?;
                if !none {
                    let sql = "INSERT INTO access_guidance (source, field, text, at) VALUES ($1, $2, $3, $4)";
                    tx.execute(sql, params![source, field, sql::text(&text)?, self.zone.now()]).await?;
                }
                self.zone.log.record(tx, entry.clone().detail("source", source)).await?;
                Ok(())
            })
            .await;
        written.map_err(Problem::from)
    }

    /// What these sources say about fields.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn guidance(&self, sources: &[String]) -> Result<Vec<Guidance>, Problem> {
        let read: Result<Vec<Guidance>, AccessError> = self
            .zone
            .store
            .read("access.guidance", async |tx: &mut Tx| {
                let rows = tx
                    .query("SELECT source, field, text FROM access_guidance ORDER BY source, field", params![])
                    .await?;
                let mut found = Vec::new();
                for row in rows {
                    let text: String = row.get(2)?;
                    found.push(Guidance { source: row.get(0)?, field: row.get(1)?, text: sql::parse(&text)? });
                }
                found.retain(|guidance| sources.contains(&guidance.source));
                Ok(found)
            })
            .await;
        read.map_err(Problem::from)
    }
}
