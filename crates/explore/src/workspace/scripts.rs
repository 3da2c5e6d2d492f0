//! Saved scripts: every save is a version, with its author, time and note (LANG-357).

use audit::{Action as Audited, Detail, Entry, Kind, Object, Purpose};
use identity::{Actor, authorise};
use kernel::Problem;
use store::Tx;

use super::{RUN, Workspace};
use crate::model::{Save, Script, ScriptHead, ScriptId, check_save};
use crate::sql;

const SAVED: Audited = Audited::new(Kind::Run, "explore.save", &[("script", Detail::Digest)]);

impl Workspace {
    /// Saves a new script, or the next version of one.
    ///
    /// # Errors
    /// [`Problem::Invalid`]; [`Problem::NotFound`] for a script of somebody else; [`Problem::Conflict`] when it was saved
    /// by another window meanwhile.
    pub async fn save(&self, actor: &Actor, save: &Save) -> Result<Script, Problem> {
        authorise(&self.zone, actor, RUN, &identity::Object::any("script")).await?;
        check_save(save)?;
        let (id, version) = match (save.id, save.expected) {
            (Some(id), Some(expected)) => (id, expected + 1),
            _ => (self.zone.id(), 1),
        };
        let script = Script {
            id,
            version,
            name: save.name.trim().to_owned(),
            text: save.text.clone(),
            note: save.note.trim().to_owned(),
            author: actor.account,
            at: self.zone.now(),
        };
        let entry = Entry::new(&SAVED, actor.audit(), Object::new("script", id))
            .purpose(Purpose::Analysis)
            .detail("script", kernel::sha256_hex(script.text.as_bytes()));
        let (zone, new) = (&self.zone, save.id.is_none());
        zone.store
            .tx("explore.save", async |tx: &mut Tx| -> Result<(), Problem> {
                if new {
                    sql::insert_script(tx, actor.account, &script).await?;
                } else if !sql::next_version(tx, actor.account, &script, script.version - 1).await? {
                    return match sql::script(tx, actor.account, id, None).await? {
                        None => Err(Problem::not_found("script")),
                        Some(_) => Err(Problem::conflict("version_conflict", "open the newest version")),
                    };
                }
                Ok(zone.log.record(tx, entry.clone()).await?)
            })
            .await?;
        Ok(script)
    }

    /// The actor's scripts, last saved first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn scripts(&self, actor: &Actor) -> Result<Vec<ScriptHead>, Problem> {
        let owner = actor.account;
        Ok(self.zone.store.read("explore.scripts", async |tx: &mut Tx| sql::scripts(tx, owner).await).await?)
    }

    /// The versions of a script, newest first.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when it is not the actor's.
    pub async fn versions(&self, actor: &Actor, id: ScriptId) -> Result<Vec<ScriptHead>, Problem> {
        let owner = actor.account;
        let found =
            self.zone.store.read("explore.versions", async |tx: &mut Tx| sql::versions(tx, owner, id).await).await?;
        if found.is_empty() { Err(Problem::not_found("script")) } else { Ok(found) }
    }

    /// A version of a script, the newest when none is named.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when there is none, or it is not the actor's.
    pub async fn script(&self, actor: &Actor, id: ScriptId, version: Option<i64>) -> Result<Script, Problem> {
        let owner = actor.account;
        let read = async |tx: &mut Tx| sql::script(tx, owner, id, version).await;
        self.zone.store.read("explore.script", read).await?.ok_or_else(|| Problem::not_found("script"))
    }
}
