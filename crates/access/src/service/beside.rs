//! What is written beside the events of a command: drafts, revisions, the sealed texts of messages and remarks, who takes
//! part, copies; and what is looked up or made for it.

use kernel::{Problem, sha256_hex};
use store::Tx;

use super::Access;
use super::apply::{patch, title_of};
use super::decide::{By, Made};
use crate::content::Content;
use crate::error::AccessError;
use crate::form::DraftContent;
use crate::model::{CaseId, Command, Event, Folder, Recorded, Submission, Visibility, evolve};
use crate::permissions::CaseRole;
use crate::sql;

impl Access {
    /// Drafts and revisions that go with a command, and the case's row.
    pub(super) async fn beside(
        &self,
        tx: &mut Tx,
        after: &mut sql::Loaded,
        command: &Command,
        frozen: Option<&(Content, Submission)>,
        now: kernel::Timestamp,
    ) -> Result<(), AccessError> {
        let id = after.id;
        match command {
            Command::SaveDraft { fields } | Command::SaveFlaggedFields { fields } => {
                let mut draft = self.own_draft(tx, after).await?;
                patch(&mut draft, fields);
                if matches!(command, Command::SaveDraft { .. }) {
                    after.title = title_of(&draft.fields);
                }
                sql::put_draft(tx, &self.zone, id, &draft, now).await?;
            }
            Command::EditCart { items } => {
                let mut draft = self.own_draft(tx, after).await?;
                draft.cart.clone_from(items);
                sql::put_draft(tx, &self.zone, id, &draft, now).await?;
            }
            Command::Submit {} | Command::SendInfo { .. } => {
                if let Some((content, submission)) = frozen {
                    let (bytes, _) = content.canonical().map_err(|e| AccessError::Damaged(e.to_string()))?;
                    let revision = after.case.dossier().map_or(1, |dossier| dossier.revision);
                    sql::put_revision(tx, &self.zone, id, revision, &bytes, &submission.sha256, now).await?;
                    after.title = title_of(&content.fields);
                }
                sql::drop_draft(tx, id).await?;
            }
            Command::RequestInfo { .. } => {
                let revision = after.case.dossier().map_or(1, |dossier| dossier.revision);
                let content = sql::revision(tx, &self.zone, id, revision).await?;
                let draft = content.map(|content| content.as_draft()).unwrap_or_default();
                sql::put_draft(tx, &self.zone, id, &draft, now).await?;
            }
            Command::CancelInfoRequest {} | Command::Withdraw { .. } | Command::IssueNotCompleted {} => {
                sql::drop_draft(tx, id).await?;
            }
            Command::Restore {} => {
                let draft = self.own_draft(tx, after).await?;
                sql::put_draft(tx, &self.zone, id, &draft, now).await?;
            }
            Command::DeleteDraft {} => {
                sql::drop_draft(tx, id).await?;
                crate::files::sql::erase_all(tx, id).await?;
            }
            Command::RedactAttachment { file, reason } => {
                crate::files::sql::redact(tx, &self.zone, id, file, reason).await?;
            }
            _ => {}
        }
        sql::put_case(tx, after, now).await
    }

    async fn own_draft(&self, tx: &mut Tx, loaded: &sql::Loaded) -> Result<DraftContent, AccessError> {
        Ok(sql::draft(tx, &self.zone, loaded.id).await?.map(|(content, _)| content).unwrap_or_default())
    }

    /// What a command needs that did not exist before: the token of an invitation, the id of a copy.
    pub(super) fn make(&self, command: &Command) -> Made {
        match command {
            Command::InviteMember { .. } | Command::InviteReviewer { .. } | Command::InviteDecisionMaker { .. } => {
                let token = self.random_hex::<32>();
                let digest = sha256_hex(token.as_bytes());
                Made { invitation: Some((self.random_hex::<8>(), digest)), token: Some(token), copy: None }
            }
            Command::CopyAsNew {} => Made { copy: Some(self.zone.id()), ..Made::default() },
            _ => Made::default(),
        }
    }

    fn random_hex<const N: usize>(&self) -> String {
        let mut bytes = [0u8; N];
        self.zone.random.fill(&mut bytes);
        hex::encode(bytes)
    }

    /// ACC-084: whether somebody whom the command would let in is on the exclusion list.
    pub(super) async fn excluded(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        command: &Command,
        actor: &str,
        content: Option<&Content>,
    ) -> Result<bool, AccessError> {
        let mut parties: Vec<(&'static str, String)> = Vec::new();
        match command {
            Command::Submit {} | Command::SendInfo { .. } | Command::IssueDecision { .. } => {
                parties.push(("person", loaded.case.applicant().to_owned()));
                parties.extend(loaded.case.folder().members.keys().map(|account| ("person", account.clone())));
                let stored = match (content, loaded.case.dossier()) {
                    (None, Some(dossier)) => sql::revision(tx, &self.zone, loaded.id, dossier.revision).await?,
                    _ => None,
                };
                let content = content.or(stored.as_ref());
                parties.extend(content.map(|content| ("organisation", content.text("app.orgnr").to_owned())));
            }
            Command::AcceptInvitation { .. } => parties.push(("person", actor.to_owned())),
            Command::AddMember { account, .. } | Command::ChangeApplicant { account } => {
                parties.push(("person", account.clone()));
            }
            _ => return Ok(false),
        }
        let today = self.zone.clock.today();
        for (kind, id) in parties {
            if !id.is_empty() && sql::is_excluded(tx, kind, &id, today).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The sealed texts of messages and remarks, the tokens of invitations, and the index of who takes part.
    pub(super) async fn notes_and_parties(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        before: &Folder,
        command: &Command,
        events: &[Recorded],
        by: &By<'_>,
    ) -> Result<(), AccessError> {
        let (id, now) = (after.id, self.zone.now());
        for recorded in events {
            let note = match (&recorded.event, command) {
                (Event::MessageSent { message, .. }, Command::SendMessage { text }) => {
                    Some((sql::MESSAGE, *message, Visibility::Parties, text))
                }
                (Event::Remarked { remark, visibility, .. }, Command::Remark { text, .. }) => {
                    Some((sql::REMARK, *remark, visibility.clone(), text))
                }
                _ => None,
            };
            if let Some((kind, number, visibility, text)) = note {
                let note =
                    sql::NewNote { kind, number, author: by.account, role: by.role, visibility: &visibility, text };
                sql::put_note(tx, &self.zone, id, &note, now).await?;
            }
            let invited = matches!(recorded.event, Event::MemberInvited { .. } | Event::ReviewerInvited { .. });
            if invited || after.case.folder().invitations.len() != before.invitations.len() {
                sql::put_invitations(tx, id, &after.case.folder().invitations).await?;
            }
            let joined = matches!(
                recorded.event,
                Event::MemberJoined { .. }
                    | Event::MemberAdded { .. }
                    | Event::MemberRemoved { .. }
                    | Event::ApplicantChanged { .. }
                    | Event::ReviewRequested { .. }
            );
            if joined {
                sql::put_parties(tx, id, &after.case).await?;
            }
        }
        Ok(())
    }

    /// A new draft with the content of a case, of the one who asks for it. Answers that are wrong today are found by the
    /// check.
    pub(super) async fn copy(
        &self,
        tx: &mut Tx,
        from: &sql::Loaded,
        to: CaseId,
        account: &str,
    ) -> Result<(), AccessError> {
        let now = self.zone.now();
        let content = match from.case.dossier() {
            Some(dossier) => sql::revision(tx, &self.zone, from.id, dossier.revision).await?.map(|c| c.as_draft()),
            None => sql::draft(tx, &self.zone, from.id).await?.map(|(content, _)| content),
        };
        let content = content.unwrap_or_default();
        let (form, profile) = match (&from.case, from.case.dossier()) {
            (_, Some(dossier)) => (dossier.form.clone(), dossier.profile.clone()),
            (crate::model::Case::Draft(draft) | crate::model::Case::Lapsed(draft), None) => {
                (draft.form.clone(), draft.profile.clone())
            }
            _ => return Err(Problem::not_found("case").into()),
        };
        // Files stay with the case that they were attached to.
        let content = super::drafts::without_files(self.form_today(&form), content);
        let event = Event::Created { form, profile };
        let recorded = Recorded { seq: 1, at: now, actor: account.to_owned(), on_behalf_of: None, event };
        let case = evolve(None, &recorded).map_err(|e| AccessError::Damaged(e.to_string()))?;
        let role = CaseRole::Applicant.slug();
        let head = sql::chain(to, &recorded, role, "")?;
        let title = title_of(&content.fields);
        let mut loaded = sql::Loaded { id: to, version: 1, head, title, updated_at: now, case, stored: Vec::new() };
        sql::put_case(tx, &mut loaded, now).await?;
        sql::put_event(tx, to, &recorded, role, "").await?;
        sql::put_draft(tx, &self.zone, to, &content, now).await
    }
}
