//! The use cases of files: add, list, take out, say that a finding is false, download, redact. Who may is what the case
//! allows: who may write the form may add and take out, who sees the case may download.

use audit::{Action, Detail, Entry, Kind as AuditKind, Object, Purpose};
use identity::Actor;
use kernel::{FieldError, Problem, sha256_hex};
use serde_json::{Map, Value, json};
use store::Tx;

use super::{FileId, FileState, FileView, MAX_CASE, MAX_FILES, Refusal, ScanAnswer, Scanner, inspect, sql as table};
use crate::error::AccessError;
use crate::form::{Field, FieldKind};
use crate::model::{CaseId, CommandName, StateName};
use crate::permissions::{CaseRole, View};
use crate::service::{Access, audit_actor, is_written};

const ADD: Action = Action::new(
    AuditKind::Decision,
    "file.add",
    &[("kind", Detail::Code), ("state", Detail::Code), ("size", Detail::Int), ("sha256", Detail::Digest)],
);
const READ: Action = Action::new(AuditKind::Decision, "file.read", &[("sha256", Detail::Digest)]);
const CHANGE: Action =
    Action::new(AuditKind::Decision, "file.change", &[("change", Detail::Code), ("sha256", Detail::Digest)]);

/// Why a file was not added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// The file itself.
    File(Refusal),
    /// The case, the actor, or something that does not answer.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        NotTaken::Problem(error.into())
    }
}

/// A file with its content.
#[derive(Clone, PartialEq, Debug)]
pub struct Download {
    /// What is known of it.
    pub file: FileView,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Access {
    /// The same service with a malware scanner that every file is sent to.
    #[must_use]
    pub fn with_scanner(mut self, scanner: std::sync::Arc<dyn Scanner>) -> Self {
        self.scanner = Some(scanner);
        self
    }

    /// Takes a file for a field of the form. What looks like identity numbers does not refuse it, but holds it until
    /// [`Access::confirm_file`].
    ///
    /// # Errors
    /// The refusal of the file; not found, forbidden, a case that is not being written, a scanner that does not answer.
    pub async fn add_file(
        &self,
        actor: &Actor,
        case: CaseId,
        field: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<FileView, NotTaken> {
        let (_, role) = self.writes(actor, case).await?;
        if field.is_empty() || field.len() > 200 {
            return Err(Problem::invalid("field", "unknown_field", "the form has no such field").into());
        }
        let looked = match inspect(name, bytes) {
            Ok(looked) => looked,
            Err(refusal) => return self.refused(actor, role, case, refusal).await,
        };
        let scanned = match &self.scanner {
            None => false,
            Some(scanner) => match scanner.scan(bytes).await {
                Ok(ScanAnswer::Clean) => true,
                Ok(ScanAnswer::Found(what)) => {
                    tracing::warn!(%case, %what, "the malware scanner refused a file");
                    return self.refused(actor, role, case, Refusal::Infected).await;
                }
                Err(error) => {
                    tracing::error!(%error, "malware scanner");
                    return Err(Problem::unavailable("the malware scanner").into());
                }
            },
        };
        let file = FileView {
            id: self.zone.id(),
            field: field.to_owned(),
            name: looked.name,
            kind: looked.kind,
            size: bytes.len() as i64,
            sha256: sha256_hex(bytes),
            state: if looked.places.is_empty() { FileState::Kept } else { FileState::Held },
            places: looked.places,
            scanned,
            added_at: self.zone.now(),
            reason: None,
        };
        let put: Result<Result<(), Refusal>, AccessError> = self
            .zone
            .store
            .tx("access.file.add", async |tx: &mut Tx| {
                let files = table::files(tx, &self.zone, case).await?;
                let held: i64 = files.iter().filter(|f| f.state != FileState::Redacted).map(|f| f.size).sum();
                if held + file.size > MAX_CASE || files.len() >= MAX_FILES {
                    return Ok(Err(Refusal::CaseFull));
                }
                table::put(tx, &self.zone, case, &actor.account.to_string(), &file, bytes).await?;
                let entry = Entry::new(&ADD, audit_actor(actor, Some(role)), Object::new("case", case))
                    .purpose(Purpose::Case)
                    .detail("kind", file.kind.slug())
                    .detail("state", file.state.slug())
                    .detail("size", file.size)
                    .detail("sha256", file.sha256.as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(Ok(()))
            })
            .await;
        match put? {
            Ok(()) => Ok(file),
            Err(refusal) => self.refused(actor, role, case, refusal).await,
        }
    }

    async fn refused(
        &self,
        actor: &Actor,
        role: CaseRole,
        case: CaseId,
        refusal: Refusal,
    ) -> Result<FileView, NotTaken> {
        let entry = Entry::new(&ADD, audit_actor(actor, Some(role)), Object::new("case", case)).purpose(Purpose::Case);
        self.record(entry.refused(refusal.slug())).await?;
        Err(NotTaken::File(refusal))
    }

    /// The files of a case, oldest first.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn files(&self, actor: &Actor, case: CaseId) -> Result<Vec<FileView>, Problem> {
        self.sees_files(actor, case).await?;
        self.files_of(case).await.map_err(Problem::from)
    }

    /// Every file that values name is one of the case, and no longer waits for a confirmation.
    pub(crate) async fn only_own_files(&self, case: CaseId, fields: &Map<String, Value>) -> Result<(), Problem> {
        let mut named = Vec::new();
        let (form, _) = self.written_in(case).await?;
        for (id, value) in fields {
            if let Some(field) = form.field(id) {
                file_ids(field, id, value, &mut named);
            }
        }
        if named.is_empty() {
            return Ok(());
        }
        let files = self.files_of(case).await?;
        let kept = |id: &str| files.iter().any(|f| f.state == FileState::Kept && f.id.to_string() == id);
        let unknown = named.into_iter().filter(|(_, id)| !kept(id));
        let faults: Vec<FieldError> = unknown
            .map(|(place, _)| FieldError::new(place, "unknown_file", "the case has no such file: attach it first"))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields: faults }) }
    }

    pub(crate) async fn files_of(&self, case: CaseId) -> Result<Vec<FileView>, AccessError> {
        self.zone.store.read("access.files", async |tx: &mut Tx| table::files(tx, &self.zone, case).await).await
    }

    /// The refusal of somebody who asks for a file that the case does not have, written to the log.
    pub async fn no_file(&self, actor: &Actor, case: CaseId) -> Problem {
        let entry = Entry::new(&READ, audit_actor(actor, None), Object::new("case", case)).purpose(Purpose::Case);
        match self.record(entry.refused("not_found")).await {
            Ok(()) => Problem::not_found("file"),
            Err(error) => error.into(),
        }
    }

    /// A file with its content, for whoever sees the whole case. Each look is written to the log.
    ///
    /// # Errors
    /// Not found, forbidden, or the content was removed (`redacted`).
    pub async fn file(&self, actor: &Actor, case: CaseId, id: FileId) -> Result<Download, Problem> {
        self.sees_files(actor, case).await?;
        let read: Result<Option<Download>, AccessError> = self
            .zone
            .store
            .tx("access.file.read", async |tx: &mut Tx| {
                let Some(file) = table::file(tx, &self.zone, case, id).await? else { return Ok(None) };
                if file.state == FileState::Redacted {
                    return Err(Problem::conflict("redacted", "the content was removed; digest and reason stay").into());
                }
                let bytes = table::content(tx, &self.zone, id).await?;
                if sha256_hex(&bytes) != file.sha256 {
                    return Err(AccessError::Damaged(format!("file {id} is not what was added")));
                }
                let entry = Entry::new(&READ, audit_actor(actor, None), Object::new("case", case))
                    .purpose(Purpose::Case)
                    .detail("sha256", file.sha256.as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(Some(Download { file, bytes }))
            })
            .await;
        match read.map_err(Problem::from)? {
            Some(download) => Ok(download),
            None => Err(self.no_file(actor, case).await),
        }
    }

    /// Says that what looked like identity numbers in a file is something else: the file becomes part of the application.
    ///
    /// # Errors
    /// Not found, forbidden, or the file does not wait for this (`wrong_state`).
    pub async fn confirm_file(&self, actor: &Actor, case: CaseId, id: FileId) -> Result<FileView, Problem> {
        let (_, role) = self.writes(actor, case).await?;
        self.change_file(actor, role, case, id, "confirm", |file| {
            if file.state != FileState::Held {
                return Err(Problem::conflict("wrong_state", "the file does not wait for a confirmation"));
            }
            file.state = FileState::Kept;
            Ok(())
        })
        .await
    }

    /// Takes a file out. Before anything is handed in its content is erased; later revisions still name it.
    ///
    /// # Errors
    /// Not found, forbidden, a case that is not being written.
    pub async fn remove_file(&self, actor: &Actor, case: CaseId, id: FileId) -> Result<(), Problem> {
        let (state, role) = self.writes(actor, case).await?;
        self.change_file(actor, role, case, id, "remove", |file| {
            file.state = if state == StateName::Draft { FileState::Redacted } else { FileState::Detached };
            Ok(())
        })
        .await?;
        if state == StateName::Draft {
            let erased: Result<(), AccessError> =
                self.zone.store.tx("access.file.erase", async |tx: &mut Tx| table::erase(tx, id).await).await;
            erased.map_err(Problem::from)?;
        }
        Ok(())
    }

    /// Removes the content of a file from a case that was handed in, e.g. because it holds data on patients. Digest and
    /// reason stay, in the case's events too (ACC-193): this is the command `redact_attachment`.
    ///
    /// # Errors
    /// As [`Access::command`]: not found, forbidden, no reason, removed already (`already_redacted`).
    pub async fn redact_file(
        &self,
        actor: &Actor,
        case: CaseId,
        id: FileId,
        reason: &str,
    ) -> Result<FileView, Problem> {
        let (loaded, _, _) = self.seen(actor, case).await?;
        let (payload, command) = (json!({"file": id, "reason": reason.trim()}), self.own_command_id());
        let name = CommandName::RedactAttachment.slug();
        self.command(actor, case, name, payload, &command, loaded.version).await?;
        let read = self.zone.store.read("access.file", async |tx: &mut Tx| table::file(tx, &self.zone, case, id).await);
        read.await.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("file"))
    }

    /// Changes what is known of a file and writes it to the log.
    async fn change_file(
        &self,
        actor: &Actor,
        role: CaseRole,
        case: CaseId,
        id: FileId,
        what: &'static str,
        change: impl Fn(&mut FileView) -> Result<(), Problem>,
    ) -> Result<FileView, Problem> {
        let changed: Result<FileView, AccessError> = self
            .zone
            .store
            .tx("access.file.change", async |tx: &mut Tx| {
                let file = table::file(tx, &self.zone, case, id).await?;
                let mut file = file.ok_or_else(|| Problem::not_found("file"))?;
                if file.state == FileState::Redacted {
                    return Err(Problem::conflict("redacted", "the content was removed already").into());
                }
                change(&mut file)?;
                table::change(tx, &self.zone, &file).await?;
                let entry = Entry::new(&CHANGE, audit_actor(actor, Some(role)), Object::new("case", case))
                    .purpose(Purpose::Case)
                    .detail("change", what)
                    .detail("sha256", file.sha256.as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(file)
            })
            .await;
        changed.map_err(Problem::from)
    }

    /// The state and the role in which the actor writes the form.
    async fn writes(&self, actor: &Actor, case: CaseId) -> Result<(StateName, CaseRole), Problem> {
        let (loaded, _, roles) = self.seen(actor, case).await?;
        let role = roles.into_iter().find(|r| matches!(r, CaseRole::Applicant | CaseRole::CoApplicant));
        let Some(role) = role else { return Err(self.not_allowed(actor, case).await) };
        if !is_written(loaded.case.name()) {
            let remedy = "the application has been handed in; files can be changed when they are asked about";
            return Err(Problem::conflict("wrong_state", remedy));
        }
        Ok((loaded.case.name(), role))
    }

    async fn sees_files(&self, actor: &Actor, case: CaseId) -> Result<(), Problem> {
        let (_, view, _) = self.seen(actor, case).await?;
        // A source sees its own variables and periods; the files are for those who see the whole case.
        if view == View::ViewSourcePart {
            return Err(self.not_allowed(actor, case).await);
        }
        Ok(())
    }
}

/// The ids of the files in a value, with the place of each.
fn file_ids(field: &Field, place: &str, value: &Value, named: &mut Vec<(String, String)>) {
    match (field.kind, value) {
        (FieldKind::File, Value::Object(file)) => {
            let id = file.get("id").and_then(Value::as_str).unwrap_or_default();
            named.push((place.to_owned(), id.to_owned()));
        }
        (FieldKind::FileList, Value::Array(files)) => {
            for (n, file) in files.iter().enumerate() {
                let id = file.get("id").and_then(Value::as_str).unwrap_or_default();
                named.push((format!("{place}.{n}"), id.to_owned()));
            }
        }
        (_, Value::Array(rows)) if !field.parts.is_empty() => {
            for (n, row) in rows.iter().enumerate() {
                for part in &field.parts {
                    file_ids(part, &format!("{place}.{n}.{}", part.id), &row[&part.id], named);
                }
            }
        }
        (_, Value::Object(map)) => {
            for part in &field.parts {
                let inner = map.get(&part.id).unwrap_or(&Value::Null);
                file_ids(part, &format!("{place}.{}", part.id), inner, named);
            }
        }
        _ => {}
    }
}
