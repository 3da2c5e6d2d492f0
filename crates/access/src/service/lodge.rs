//! The draft of an appeal: begun at the decision, written and checked like every form, and lodged in its case when it is
//! handed in (`access.md` section 7). The appeal that comes of it is dealt with in `appeals`.

use audit::{Entry, Object, Purpose};
use identity::Actor;
use kernel::Problem;
use store::Tx;

use super::written::{Setting, appeal_answers};
use super::{Access, CREATE, Who, audit_actor};
use crate::appeal::AppealForm;
use crate::error::AccessError;
use crate::files;
use crate::form::{self, DraftContent};
use crate::model::{Case, CaseId, Command, CommandName};
use crate::sql;
use crate::views::Done;

impl Access {
    /// Opens an appeal against the decision of a case: a draft of its form.
    ///
    /// # Errors
    /// `NotFound`, `forbidden` for others than the parties, `wrong_state` while nothing is decided.
    pub async fn open_appeal(&self, actor: &Actor, case: CaseId) -> Result<CaseId, Problem> {
        let (loaded, _, roles) = self.seen(actor, case).await?;
        if self.may(&loaded.case, &roles, CommandName::LodgeAppeal, None).is_none() {
            let entry = Entry::new(&CREATE, audit_actor(actor, roles.first().copied()), Object::new("case", case));
            self.record(entry.purpose(Purpose::Case).refused("forbidden")).await?;
            return Err(Problem::forbidden("forbidden"));
        }
        let decided = loaded.case.decided();
        let decided = decided.ok_or_else(|| Problem::conflict("wrong_state", "nothing is decided yet"))?;
        let form = self.form_today(form::APPEAL);
        let defaults = form.fields().filter_map(|field| Some((field.id.clone(), field.default.clone()?)));
        let content = DraftContent { fields: appeal_answers(&decided.number, defaults), cart: Vec::new() };
        self.begin(actor, form, content).await
    }

    /// Lodges the draft of an appeal; none when the case is no such draft. The number that is given is the appeal's.
    pub(super) async fn lodge_draft(
        &self,
        actor: &Actor,
        id: CaseId,
        command_id: &str,
    ) -> Result<Option<Done>, Problem> {
        let found = self.zone.store.read("access.case", async |tx: &mut Tx| sql::case(tx, id).await).await;
        let loaded = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("case"))?;
        let Case::Draft(draft) = &loaded.case else { return Ok(None) };
        if draft.form != form::APPEAL {
            return Ok(None);
        }
        self.may_run(actor, id, CommandName::Submit).await?;
        let (content, _) = self.draft_content(&loaded).await?;
        let read: Result<_, AccessError> = self
            .zone
            .store
            .read("access.appealed", async |tx: &mut Tx| {
                let setting = self.setting(tx, &loaded).await?;
                let told = self.told(tx, &loaded, &content, &Default::default()).await?;
                Ok((setting, told, self.appealed_case(tx, &content).await?))
            })
            .await;
        let (setting, told, appealed): (Setting, _, _) = read.map_err(Problem::from)?;
        let (case, decision) = appealed.ok_or_else(|| Problem::not_found("decision"))?;
        if case.case.decided().is_none_or(|decided| decided.number != decision) {
            let remedy = format!("{decision} is no longer in force; begin at the decision that is");
            return Err(Problem::conflict("wrong_state", remedy));
        }
        let form = self.form_of(&loaded).await?;
        let written = self.written(form, &setting, content, &Default::default(), &told);
        let blocks = written.report.blocks();
        if !blocks.is_empty() {
            return Err(Problem::Invalid { fields: blocks });
        }
        let command = Command::LodgeAppeal(AppealForm::of(&written.content.fields));
        let done = self.run(Who::Person(actor), case.id, command, Some(command_id), None).await?;
        let moved: Result<Option<String>, AccessError> = self
            .zone
            .store
            .tx("access.lodged", async |tx: &mut Tx| {
                files::sql::move_all(tx, id, case.id).await?;
                let after = sql::case(tx, case.id).await?;
                let appeals = after.as_ref().and_then(|case| case.case.decided()).map(|decided| &decided.after.appeals);
                Ok(appeals.and_then(|appeals| appeals.keys().next_back().cloned()))
            })
            .await;
        let number = moved.map_err(Problem::from)?;
        self.run(Who::Person(actor), id, Command::DeleteDraft {}, None, None).await?;
        Ok(Some(Done { number, ..done }))
    }
}
