//! Running a command (ACC-004): idempotent by its id, under the version the caller saw, all in one transaction.

use std::collections::BTreeSet;

use audit::{Entry, Object, Purpose};
use identity::{Actor, Role};
use kernel::{FieldError, Problem, canonical_json, sha256_hex};
use serde_json::Value;
use store::{Isolation, Tx};

use super::apply::{check_cart, check_command_id, check_fields, named};
use super::change::change_link;
use super::written::{Setting, Written};
use super::{Access, COMMAND, Who, audit_actor, holds_identity_number};
use crate::change;
use crate::content::{CheckResult, Content};
use crate::error::AccessError;
use crate::form::{self, Form, VariableFacts};
use crate::model::{
    Case, CaseId, Command, CommandName, Context, Declaration, Event, Outcome, Recorded, Submission, decide, evolve,
};
use crate::permissions::{self, CaseRole};
use crate::sql;
use crate::views::Done;

/// What stands ready before the transaction: what other areas said.
struct Ready {
    facts: std::collections::BTreeMap<String, VariableFacts>,
}

/// A command that was carried out, or refused with its reason.
type Ran = Result<Done, Problem>;
/// The case after a command with its events and what was made for it, or the case as it was with the reason.
type CarriedOut = Result<(sql::Loaded, Vec<Recorded>, Made), Box<(sql::Loaded, Problem)>>;

/// A command on its way into the transaction.
struct Asked<'a> {
    who: Who<'a>,
    id: CaseId,
    command: &'a Command,
    command_id: &'a str,
    expected_version: Option<i64>,
    ready: &'a Ready,
}

/// In whose name events are written.
pub(super) struct By<'a> {
    pub account: &'a str,
    pub role: CaseRole,
    pub on_behalf_of: Option<&'a str>,
}

/// What a command needs that did not exist before.
#[derive(Default)]
pub(super) struct Made {
    /// Id of an invitation and the digest of its token.
    pub invitation: Option<(String, String)>,
    /// The token itself: told once to the one who invites, kept nowhere.
    pub token: Option<String>,
    /// The new draft of `copy_as_new`.
    pub copy: Option<CaseId>,
}

impl Access {
    /// Runs a command by name: `POST /cases/{id}/commands/{name}`.
    ///
    /// # Errors
    /// `Invalid` for unknown commands and payloads of the wrong form, else as the command: `forbidden`, `same_person`,
    /// `role_separation` (403), `version_conflict`, `wrong_state` and the guards (409), faults of the form (422).
    pub async fn command(
        &self,
        actor: &Actor,
        id: CaseId,
        name: &str,
        payload: Value,
        command_id: &str,
        expected_version: i64,
    ) -> Result<Done, Problem> {
        let unknown = || Problem::invalid("command", "unknown_command", format!("there is no command {name}"));
        let Some(name) = CommandName::parse(name) else { return Err(unknown()) };
        if !name.is_built() {
            self.may_run(actor, id, name).await?;
            return Err(unknown());
        }
        let command = match Command::parse(name, payload) {
            Ok(command) => command,
            Err(fault) => {
                // A payload of the wrong form is told only to those who may run the command.
                self.may_run(actor, id, name).await?;
                return Err(Problem::Invalid { fields: vec![fault] });
            }
        };
        check_command_id(command_id)?;
        if name == CommandName::Submit
            && let Some(lodged) = Box::pin(self.lodge_draft(actor, id, command_id)).await?
        {
            return Ok(lodged);
        }
        self.run(Who::Person(actor), id, command, Some(command_id), Some(expected_version)).await
    }

    /// Runs a command as a timer does: reminders and time limits. `on_behalf_of` is the account that wanted it, if any.
    ///
    /// # Errors
    /// As [`Access::command`].
    pub async fn by_clock(&self, id: CaseId, command: Command, on_behalf_of: Option<&str>) -> Result<Done, Problem> {
        self.run(Who::Clock(on_behalf_of), id, command, None, None).await
    }

    /// Hands in the application.
    ///
    /// # Errors
    /// As [`Access::command`].
    pub async fn submit(
        &self,
        actor: &Actor,
        id: CaseId,
        command_id: &str,
        expected_version: i64,
    ) -> Result<Done, Problem> {
        self.command(actor, id, CommandName::Submit.slug(), Value::Null, command_id, expected_version).await
    }

    pub(super) async fn may_run(&self, actor: &Actor, id: CaseId, name: CommandName) -> Result<(), Problem> {
        let found = self.zone.store.read("access.case", async |tx: &mut Tx| sql::case(tx, id).await).await;
        let loaded = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("case"))?;
        let roles = self.roles(actor, &loaded.case);
        if self.may(&loaded.case, &roles, name, None).is_some() {
            return Ok(());
        }
        let entry = Entry::new(&COMMAND, audit_actor(actor, roles.first().copied()), Object::new("case", id));
        self.record(entry.purpose(Purpose::Case).detail("command", name.slug()).refused("forbidden")).await?;
        Err(Problem::forbidden("forbidden"))
    }

    /// The role in which somebody with these roles may run the command, by the table and what was removed from it for this
    /// case (ACC-082).
    pub(super) fn may(
        &self,
        case: &Case,
        roles: &[CaseRole],
        name: CommandName,
        outcome: Option<Outcome>,
    ) -> Option<CaseRole> {
        let workflow = self.settings.workflow;
        roles.iter().copied().find(|role| workflow.allows(case, *role, name, outcome))
    }

    pub(super) async fn run(
        &self,
        who: Who<'_>,
        id: CaseId,
        command: Command,
        command_id: Option<&str>,
        expected_version: Option<i64>,
    ) -> Result<Done, Problem> {
        check_input(&command)?;
        let ready = self.ready(id, &command).await?;
        let own;
        let command_id = match command_id {
            Some(given) => given,
            None => {
                own = self.own_command_id();
                own.as_str()
            }
        };
        let asked = Asked { who, id, command: &command, command_id, expected_version, ready: &ready };
        let ran: Result<Ran, AccessError> = self
            .zone
            .store
            .tx_at(isolation(&command), "access.command", async |tx: &mut Tx| {
                Box::pin(self.in_transaction(tx, &asked)).await
            })
            .await;
        ran.map_err(Problem::from)?
    }

    /// Asks the catalogue before the transaction begins.
    async fn ready(&self, id: CaseId, command: &Command) -> Result<Ready, Problem> {
        let mut facts = Default::default();
        if matches!(command, Command::Submit {} | Command::SendInfo { .. }) {
            let draft = self
                .zone
                .store
                .read("access.draft", async |tx: &mut Tx| sql::draft(tx, &self.zone, id).await)
                .await
                .map_err(Problem::from)?;
            if let Some((content, _)) = draft {
                facts = self.facts(named(&content)).await?;
            }
        }
        Ok(Ready { facts })
    }

    async fn in_transaction(&self, tx: &mut Tx, asked: &Asked<'_>) -> Result<Ran, AccessError> {
        let Asked { who, id, command, command_id, expected_version, .. } = *asked;
        let digest = digest(id, &who.account(), command)?;
        let today = self.zone.clock.today();
        let found = sql::case_for_command(tx, id, command_id, &who.account(), today).await?;
        let Some(sql::ForCommand { loaded, known, stands_in }) = found else {
            return Ok(Err(Problem::not_found("case")));
        };
        let roles = match who {
            Who::Person(actor) => self.roles(actor, &loaded.case),
            Who::Clock(_) => vec![CaseRole::SystemClock],
        };
        if let Some(known) = known {
            return self.repeated(tx, &loaded, &known, &digest).await;
        }
        let name = command.name();
        let role = self.may(&loaded.case, &roles, name, meant(&loaded.case, command));
        // Who may not look into the case cannot know its version.
        let looks = permissions::view(loaded.case.name(), &roles).is_some();
        let stale = looks && expected_version.is_some_and(|version| version != loaded.version);
        let Some(role) = role else {
            // Somebody who looked at an older state is told that it moved on, if the command was ever theirs to give.
            let ever = crate::model::StateName::ALL
                .into_iter()
                .any(|state| roles.iter().any(|role| permissions::allows(state, *role, name)));
            let conflict = loaded.case.folder().interests.get(&who.account()) == Some(&Declaration::Conflict);
            let problem = if stale && ever {
                self.missed(tx, &loaded, expected_version).await?
            } else {
                Problem::forbidden(if conflict { "conflict_of_interest" } else { "forbidden" })
            };
            let named = roles.first().copied();
            return self.refuse(tx, asked, &loaded, named, problem).await;
        };
        if let Who::Person(actor) = who
            && let Err(problem) = self.separated(actor, &loaded.case, role)
        {
            return self.refuse(tx, asked, &loaded, Some(role), problem).await;
        }
        if stale {
            let problem = self.missed(tx, &loaded, expected_version).await?;
            return self.refuse(tx, asked, &loaded, Some(role), problem).await;
        }
        match Box::pin(self.carry_out(tx, asked, role, loaded, stands_in)).await? {
            Ok((after, events, made)) => {
                let known = sql::Known {
                    case_id: id.to_string(),
                    digest,
                    from_version: after.version - events.len() as i64,
                    version: after.version,
                };
                sql::put_command(tx, command_id, &who.account(), &known, self.zone.now());
                let done = done(&after, events.iter().map(|e| e.event.name().to_owned()).collect(), false);
                Ok(Ok(Done { token: made.token, copy: made.copy, ..done }))
            }
            Err(refused) => {
                let (before, problem) = *refused;
                self.refuse(tx, asked, &before, Some(role), problem).await
            }
        }
    }

    /// Writes a refusal to the log; nothing else is written.
    async fn refuse(
        &self,
        tx: &mut Tx,
        asked: &Asked<'_>,
        loaded: &sql::Loaded,
        role: Option<CaseRole>,
        problem: Problem,
    ) -> Result<Ran, AccessError> {
        let entry = Entry::new(&COMMAND, asked.who.audit(role), Object::new("case", asked.id)).purpose(Purpose::Case);
        let entry = entry.detail("command", asked.command.name().slug()).detail("state", loaded.case.name().slug());
        self.zone.log.record(tx, entry.refused(code(&problem))).await?;
        Ok(Err(problem))
    }

    async fn repeated(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        known: &sql::Known,
        digest: &str,
    ) -> Result<Ran, AccessError> {
        if known.case_id != loaded.id.to_string() || known.digest != digest {
            let remedy = "this command id stands for another command; make a new one";
            return Ok(Err(Problem::conflict("command_id_reused", remedy)));
        }
        let events = sql::events(tx, loaded.id, known.from_version).await?;
        let own = events.iter().filter(|event| event.recorded.seq <= known.version);
        let names = own.map(|event| event.recorded.event.name().to_owned()).collect();
        Ok(Ok(done(loaded, names, true)))
    }

    /// `version_conflict`, with the events that the caller has missed.
    async fn missed(&self, tx: &mut Tx, loaded: &sql::Loaded, expected: Option<i64>) -> Result<Problem, AccessError> {
        let events = sql::events(tx, loaded.id, expected.unwrap_or(0)).await?;
        let names: Vec<String> =
            events.iter().map(|e| format!("{} {}", e.recorded.seq, e.recorded.event.name())).collect();
        let missed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let remedy =
            format!("the case is at version {}; missed events: {missed}. Read it and try again", loaded.version);
        Ok(Problem::conflict("version_conflict", remedy))
    }

    /// Decides and writes. What is refused has written nothing.
    async fn carry_out(
        &self,
        tx: &mut Tx,
        asked: &Asked<'_>,
        role: CaseRole,
        loaded: sql::Loaded,
        may_stand_in: bool,
    ) -> Result<CarriedOut, AccessError> {
        let Asked { who, command, ready, .. } = *asked;
        let account = who.account();
        let now = self.zone.now();
        let stands_in = match who {
            Who::Person(_) if !may_stand_in => None,
            Who::Person(_) => sql::stands_in_for(tx, &account, role, &loaded, now.date_in_oslo()).await?,
            Who::Clock(wanted_by) => wanted_by.map(str::to_owned),
        };
        let mut frozen = match command {
            Command::Submit {} | Command::SendInfo { .. } => Some(Box::pin(self.freeze(tx, &loaded, ready)).await?),
            _ => None,
        };
        let asked = match &mut frozen {
            Some((content, submission)) => Box::pin(self.asked_for(tx, &loaded, content, submission)).await?,
            None => Ok(None),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(problem) => return Ok(Err(Box::new((loaded, problem)))),
        };
        let issue = match self.prepare(tx, &loaded, command, &account, stands_in.as_deref()).await? {
            Ok(issue) => issue,
            Err(problem) => return Ok(Err(Box::new((loaded, problem)))),
        };
        let own_sources = match (who, role) {
            (Who::Person(actor), CaseRole::RegistryHandler) => own_sources(actor, &loaded.case, Role::RegistryHandler),
            (Who::Person(actor), CaseRole::DataPreparer) => own_sources(actor, &loaded.case, Role::DataPreparer),
            _ => None,
        };
        let content = frozen.as_ref().map(|(content, _)| content);
        let excluded = self.excluded(tx, &loaded, command, &account, content).await?;
        let attachment = match command {
            Command::RedactAttachment { file, .. } => crate::files::sql::digest(tx, loaded.id, file).await?,
            _ => None,
        };
        let permit_ends = match command {
            Command::ExtendResults { .. } => super::remind::permit_ends(tx, loaded.id).await?,
            _ => None,
        };
        let made = self.make(command);
        let person = issue.as_ref().and_then(|issue| {
            let (_, _, sha256) = issue.prepared.permit.as_ref()?;
            Some((issue.person.clone()?, sha256.clone()))
        });
        let mut context = Context {
            on_behalf_of: stands_in.as_deref(),
            sources: own_sources.as_deref(),
            excluded,
            invitation: made.invitation.as_ref(),
            copy: made.copy,
            person: person.as_ref(),
            attachment: attachment.as_deref(),
            submission: frozen.as_ref().map(|(_, submission)| submission),
            prepared: issue.as_ref().map(|issue| &issue.prepared),
            separate_invoices: self.settings.separate_invoices,
            permit_ends,
            ..Context::new(now, &account, role)
        };
        // An appeal that is refused takes no number.
        context.appeal = Some("K");
        let mut decided = decide(&loaded.case, command, &context);
        let appeal = match (&decided, command) {
            (Ok(_), Command::LodgeAppeal(_)) => Some(self.appeal_number(tx).await?),
            _ => None,
        };
        if appeal.is_some() {
            context.appeal = appeal.as_deref();
            decided = decide(&loaded.case, command, &context);
        }
        let events = match decided {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(Box::new((loaded, refusal.into())))),
        };
        let by = By { account: &account, role, on_behalf_of: stands_in.as_deref() };
        let before = loaded.case.folder().clone();
        let (events, mut after) = self.append(tx, loaded, events, &by).await?;
        self.beside(tx, &mut after, command, frozen.as_ref(), now).await?;
        self.notes_and_parties(tx, &after, &before, command, &events, &by).await?;
        if let Some(copy) = made.copy {
            self.copy(tx, &after, copy, &account).await?;
        }
        if let Some(issue) = &issue {
            self.write_issue(tx, &after, issue, now).await?;
        }
        Box::pin(self.follow(tx, &after, command, asked, issue.as_ref(), appeal.as_deref(), &by)).await?;
        if let Who::Person(actor) = who {
            self.permit_standing(tx, &after, command, actor, role).await?;
        }
        let permit = issue.as_ref().and_then(|issue| issue.permit.as_ref()).map(|(permit, _)| permit);
        self.tell_others(tx, &after, &events, content, permit).await?;
        if !events.is_empty() {
            let names: Vec<&str> = events.iter().map(|e| e.event.name()).collect();
            let entry = Entry::new(&COMMAND, who.audit(Some(role)), Object::new("case", after.id))
                .purpose(Purpose::Case)
                .detail("command", command.name().slug())
                .detail("state", after.case.name().slug())
                .detail("version", after.version)
                .detail("events", names);
            self.zone.log.record(tx, entry).await?;
        }
        if let (Some(issue), Who::Person(actor)) = (&issue, who) {
            self.record_issue(tx, actor, role, issue).await?;
        }
        Ok(Ok((after, events, made)))
    }

    /// Appends events to the chain and writes the state that they give.
    pub(super) async fn append(
        &self,
        tx: &mut Tx,
        mut loaded: sql::Loaded,
        events: Vec<Event>,
        by: &By<'_>,
    ) -> Result<(Vec<Recorded>, sql::Loaded), AccessError> {
        let now = self.zone.now();
        let mut recorded = Vec::new();
        for event in events {
            loaded.version += 1;
            let automatic = matches!(event, Event::ScreeningStarted { automatic: true });
            let (actor, role) = if automatic { ("clock", CaseRole::SystemClock) } else { (by.account, by.role) };
            let on_behalf_of = by.on_behalf_of.filter(|_| !automatic).map(str::to_owned);
            let event = Recorded { seq: loaded.version, at: now, actor: actor.to_owned(), on_behalf_of, event };
            let hash = sql::put_event(tx, loaded.id, &event, role.slug(), &loaded.head).await?;
            loaded.case = evolve(Some(loaded.case), &event).map_err(|e| AccessError::Damaged(e.to_string()))?;
            loaded.head = hash;
            recorded.push(event);
        }
        if !recorded.is_empty() {
            loaded.updated_at = now;
        }
        Ok((recorded, loaded))
    }

    /// The content of the draft as it would be handed in, with what the check says.
    async fn freeze(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        ready: &Ready,
    ) -> Result<(Content, Submission), AccessError> {
        let content = sql::draft(tx, &self.zone, loaded.id).await?.map(|(content, _)| content).unwrap_or_default();
        let before = match loaded.case.dossier() {
            Some(dossier) => sql::revision(tx, &self.zone, loaded.id, dossier.revision).await?,
            None => None,
        };
        let form = self.form_in_force(&loaded.case, before.as_ref());
        let setting = self.setting(tx, loaded).await?;
        let told = self.told(tx, loaded, &content, &ready.facts).await?;
        let Written { content, report, given, .. } = self.written(form, &setting, content, &ready.facts, &told);
        let rooms = self.room_ids();
        let env = self.environment(&ready.facts, &rooms, &given, &told);
        // In a change persons keep the ids that the permit knows them by.
        let mut earlier = match &setting {
            Setting::Change { base, .. } => base.persons.clone(),
            Setting::Own | Setting::Appeal { .. } => Vec::new(),
        };
        earlier.extend(before.as_ref().map(|b| b.persons.clone()).unwrap_or_default());
        let applicant = loaded.case.applicant();
        let mut frozen = Content::freeze(form, &content, &env, applicant, &earlier, &mut || self.person_id());
        if let Setting::Change { base, permit } = &setting {
            // New persons have their ids only now.
            let (_, reasons) = change::form::words(&content.fields);
            let ops = change::diff(base, &frozen, &reasons);
            change::form::complete(&mut frozen.fields, &permit.permit_id, &ops);
        }
        frozen.checks = report.faults.iter().map(CheckResult::from).collect();
        let (_, sha256) = frozen.canonical().map_err(|e| AccessError::Damaged(e.to_string()))?;
        let blocks = report.blocks();
        let number = match loaded.case.dossier() {
            Some(dossier) => dossier.number.clone(),
            // A number is taken only by an application that passes: none is lost (the transaction gives it back).
            // A change gets its number when it is known what it asks for.
            None if blocks.is_empty() && change_link(&loaded.case).is_none() => self.case_number(tx, form).await?,
            None => String::new(),
        };
        let changed: BTreeSet<String> = before
            .as_ref()
            .map(|b| frozen.differs_from(b).into_iter().map(str::to_owned).collect())
            .unwrap_or_default();
        let submission = Submission {
            number,
            sha256,
            order: frozen.order(),
            blocks,
            warns: report.warns(),
            changed,
            change: None,
            clock_end: self.settings.clock_end,
        };
        Ok((frozen, submission))
    }

    async fn case_number(&self, tx: &mut Tx, form: &Form) -> Result<String, AccessError> {
        self.numbered(tx, if form.id == form::STATISTICS { 'R' } else { 'A' }).await
    }

    /// The next number of a series, e.g. `C-2026-000001`.
    pub(super) async fn numbered(&self, tx: &mut Tx, series: char) -> Result<String, AccessError> {
        let year = self.zone.clock.today().year();
        let n = sql::next_number(tx, &format!("{series}-{year}")).await?;
        Ok(format!("{series}-{year}-{n:06}"))
    }

    /// Letter and permit made ready, when the command asks for them and its guards hold.
    async fn prepare(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        command: &Command,
        account: &str,
        on_behalf_of: Option<&str>,
    ) -> Result<Result<Option<super::permits::Issue>, Problem>, AccessError> {
        match command {
            // A guard that does not hold is told by `decide`; nothing is made ready for it.
            Command::IssueDecision { .. } => match crate::model::can_issue(&loaded.case, account, on_behalf_of) {
                Ok(proposal) => Ok(self.make_issue(tx, loaded, proposal).await?.map(Some)),
                Err(_) => Ok(Ok(None)),
            },
            Command::IssueNotCompleted {} => {
                let proposal = loaded.case.dossier().map(|d| crate::model::can_end(d, account, on_behalf_of));
                match proposal {
                    Some(Ok(proposal)) => Ok(self.make_issue(tx, loaded, proposal).await?.map(Some)),
                    _ => Ok(Ok(None)),
                }
            }
            Command::RevokePermit { .. } => Ok(Ok(self.make_revocation(tx, loaded).await?)),
            Command::Expire {} | Command::ConfirmOwnAccess { .. } => {
                Box::pin(self.prepare_statement(tx, loaded, command, account)).await
            }
            Command::CorrectDecision { proposal, reason } | Command::ReverseDecision { proposal, reason } => {
                Box::pin(self.prepare_revision(tx, loaded, proposal, reason)).await
            }
            _ => Ok(Ok(None)),
        }
    }
}

/// A command locks its case, so a snapshot is enough, save where its rules look at other cases or at series.
const fn isolation(command: &Command) -> Isolation {
    match command {
        Command::Submit {}
        | Command::SendInfo { .. }
        | Command::IssueDecision { .. }
        | Command::IssueNotCompleted {}
        | Command::CopyAsNew {}
        | Command::CorrectDecision { .. }
        | Command::ReverseDecision { .. }
        | Command::LodgeAppeal(_) => Isolation::Serializable,
        _ => Isolation::Snapshot,
    }
}

fn check_input(command: &Command) -> Result<(), Problem> {
    match command {
        Command::SaveDraft { fields } | Command::SaveFlaggedFields { fields } => check_fields(fields)?,
        Command::EditCart { items } => check_cart(items)?,
        _ => {}
    }
    let stopped: Vec<FieldError> = command
        .texts()
        .into_iter()
        .filter(|(_, text)| holds_identity_number(text))
        .map(|(place, _)| {
            FieldError::new(place, "identity_number", "the text seems to hold a national identity number")
        })
        .collect();
    if stopped.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields: stopped }) }
}

/// The outcome that a decision would have: which cell of a REMS profile is asked for.
fn meant(case: &Case, command: &Command) -> Option<Outcome> {
    let Command::IssueDecision { outcome } = command else { return None };
    outcome.or_else(|| Some(case.work()?.proposal.as_ref()?.decision.outcome))
}

/// The sources of the case that somebody speaks for in a role.
fn own_sources(actor: &Actor, case: &Case, role: Role) -> Option<Vec<String>> {
    let sources = case.dossier()?.order.sources();
    let own = sources.into_iter().filter(|source| actor.has_for(role, source));
    Some(own.map(str::to_owned).collect())
}

fn digest(id: CaseId, account: &str, command: &Command) -> Result<String, AccessError> {
    let all = serde_json::json!({"case": id, "actor": account, "command": command});
    canonical_json(&all)
        .map(|bytes| sha256_hex(&bytes))
        .map_err(|e| AccessError::Problem(Problem::invalid("payload", "form", e.to_string())))
}

fn done(loaded: &sql::Loaded, events: Vec<String>, repeated: bool) -> Done {
    Done {
        id: loaded.id,
        number: loaded.case.dossier().map(|d| d.number.clone()),
        version: loaded.version,
        state: loaded.case.name(),
        events,
        repeated,
        token: None,
        copy: None,
    }
}

/// The code of a problem for the audit entry.
pub(super) fn code(problem: &Problem) -> String {
    match problem {
        Problem::NotFound { .. } => "not_found".into(),
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { .. } => "validation_failed".into(),
        Problem::Busy { .. } => "busy".into(),
        Problem::Unavailable { .. } => "unavailable".into(),
    }
}
