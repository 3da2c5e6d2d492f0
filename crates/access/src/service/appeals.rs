//! Appeals: lodged in the case, dealt with in a case of their own, and what they do to the case (ACC-170).

use audit::{Action, Detail, Entry, Kind as AuditKind, Object, Purpose};
use identity::{Actor, Role};
use kernel::{FieldError, Problem, canonical_json, sha256_hex};
use serde::Serialize;
use serde_json::{Value, json};
use store::Tx;

use super::apply::check_command_id;
use super::decide::By;
use super::permits::Issue;
use super::{Access, audit_actor, holds_identity_number};
use crate::appeal::{
    self, Appeal, AppealForm, AppealId, AppealOutcome, AppealRole, Command, Event as AppealEvent, Guard, Stage,
};
use crate::error::AccessError;
use crate::model::{Case, CaseId, Decided, Decision, Event, Hearing, NewDecision, Standing, revised};
use crate::permissions::CaseRole;
use crate::sql::{self, LoadedAppeal};

const APPEAL: Action = Action::new(
    AuditKind::Decision,
    "appeal.command",
    &[("command", Detail::Code), ("stage", Detail::Code), ("version", Detail::Int)],
);

/// An appeal as those who may see it see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AppealView {
    /// The case.
    pub case_id: CaseId,
    /// How many events there are.
    pub version: i64,
    /// The appeal.
    #[serde(flatten)]
    pub appeal: Appeal,
    /// Its form.
    pub form: AppealForm,
    /// What the reader may do now.
    pub commands: Vec<&'static str>,
    /// What happened: when, and what.
    pub history: Vec<(kernel::Timestamp, &'static str)>,
}

/// Names of the commands.
const COMMANDS: [&str; 9] =
    ["admit", "dismiss", "prepare", "return", "suspend", "reverse", "forward", "decide", "withdraw"];

impl Access {
    /// The next number of an appeal.
    pub(super) async fn appeal_number(&self, tx: &mut Tx) -> Result<String, AccessError> {
        self.numbered(tx, 'K').await
    }

    /// Writes the appeal that was lodged in a case.
    pub(super) async fn write_appeal(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        number: &str,
        form: &AppealForm,
        account: &str,
    ) -> Result<(), AccessError> {
        let Case::Decided(decided) = &after.case else { return Ok(()) };
        let now = self.zone.now();
        let bytes = canonical_json(form).map_err(|e| AccessError::Damaged(e.to_string()))?;
        let proposer = decided.work.proposal.as_ref().map(|proposal| proposal.by.clone());
        let notice = decided.after.notified_at.unwrap_or(decided.issued_at).date_in_oslo();
        let appeal = Appeal {
            number: number.to_owned(),
            case: decided.dossier.number.clone(),
            decision: decided.number.clone(),
            appellant: account.to_owned(),
            parts: form.parts.clone(),
            suspend_asked: form.suspend,
            suspended: false,
            lodged_at: now,
            limit: appeal::limit(notice),
            sha256: sha256_hex(&bytes),
            first: proposer.into_iter().chain([decided.issued_by.clone()]).collect(),
            stage: Stage::Lodged,
        };
        let id: AppealId = self.zone.id();
        let event = AppealEvent::Lodged(Box::new(appeal.clone()));
        let hash = sql::appeal_chain(number, 1, now, account, &event, "")?;
        let loaded = LoadedAppeal { id, case_id: after.id, version: 1, head: hash.clone(), appeal };
        sql::put_appeal(tx, &self.zone, &loaded, form, now).await?;
        let row = sql::AppealEvent { seq: 1, at: now, actor: account.to_owned(), event, prev: String::new(), hash };
        sql::put_appeal_event(tx, number, &row).await
    }

    /// What an actor is in an appeal.
    fn appeal_roles(&self, actor: &Actor, appeal: &Appeal) -> Vec<AppealRole> {
        if appeal.appellant == actor.account.to_string() {
            return vec![AppealRole::Appellant];
        }
        let here = |role: Role| actor.grants.iter().any(|g| g.role == role && g.organisation == self.settings.body);
        let mut roles = Vec::new();
        // ACC-009: who prepares data or runs a room assesses nothing.
        let apart = actor.has(Role::DataPreparer) || actor.has(Role::RoomIntake);
        if here(Role::CaseHandler) && !apart {
            roles.push(AppealRole::CaseHandler);
        }
        if here(Role::DecisionMaker) && !apart {
            roles.push(AppealRole::DecisionMaker);
        }
        // The appeal body sees what was sent to it.
        let forwarded = matches!(appeal.stage, Stage::Forwarded | Stage::Decided { .. });
        if actor.has(Role::AppealHandler) && forwarded {
            roles.push(AppealRole::AppealHandler);
        }
        if actor.has(Role::Auditor) {
            roles.push(AppealRole::Auditor);
        }
        roles
    }

    /// An appeal for its appellant, the body, the appeal body once it was forwarded, and the auditor.
    ///
    /// # Errors
    /// `NotFound`, `forbidden`.
    pub async fn appeal(&self, actor: &Actor, number: &str) -> Result<AppealView, Problem> {
        let found: Result<_, AccessError> = self
            .zone
            .store
            .read("access.appeal", async |tx: &mut Tx| {
                let Some(loaded) = sql::appeal(tx, number).await? else { return Ok(None) };
                let form = sql::appeal_form(tx, &self.zone, number).await?.unwrap_or_default();
                let events = sql::appeal_events(tx, number).await?;
                Ok(Some((loaded, form, events)))
            })
            .await;
        let (loaded, form, events) = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("appeal"))?;
        let roles = self.appeal_roles(actor, &loaded.appeal);
        if roles.is_empty() {
            let entry = Entry::new(&APPEAL, audit_actor(actor, None), Object::new("appeal", number));
            self.record(entry.purpose(Purpose::Case).refused("forbidden")).await?;
            return Err(Problem::forbidden("forbidden"));
        }
        let mine = |command: &&str| roles.iter().any(|role| appeal::permitted(*role, command));
        let commands =
            if loaded.appeal.stage.is_over() { Vec::new() } else { COMMANDS.into_iter().filter(mine).collect() };
        let history = events.iter().map(|event| (event.at, event.event.name())).collect();
        Ok(AppealView {
            case_id: loaded.case_id,
            version: loaded.version,
            appeal: loaded.appeal,
            form,
            commands,
            history,
        })
    }

    fn may_appeal(&self, actor: &Actor, appeal: &Appeal, command: &str) -> bool {
        self.appeal_roles(actor, appeal).into_iter().any(|role| appeal::permitted(role, command))
    }

    /// The appeals that an actor may see, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn appeals(&self, actor: &Actor) -> Result<Vec<Appeal>, Problem> {
        let all = self.zone.store.read("access.appeals", async |tx: &mut Tx| sql::appeals(tx).await).await;
        let all = all.map_err(Problem::from)?.into_iter().map(|loaded| loaded.appeal);
        Ok(all.filter(|appeal| !self.appeal_roles(actor, appeal).is_empty()).collect())
    }

    /// Whether the history of an appeal is as it was written, and gives its present state.
    ///
    /// # Errors
    /// Damage, by its place.
    pub async fn verify_appeal(&self, number: &str) -> Result<i64, Problem> {
        let checked: Result<i64, AccessError> = self
            .zone
            .store
            .read("access.appeal", async |tx: &mut Tx| {
                let loaded = sql::appeal(tx, number).await?.ok_or_else(|| Problem::not_found("appeal"))?;
                let events = sql::appeal_events(tx, number).await?;
                let damaged = |seq: i64| AccessError::Damaged(format!("event {seq} of {number}"));
                let mut prev = String::new();
                for (i, event) in events.iter().enumerate() {
                    let hash = sql::appeal_chain(number, event.seq, event.at, &event.actor, &event.event, &prev)?;
                    if event.seq != i as i64 + 1 || event.prev != prev || event.hash != hash {
                        return Err(damaged(event.seq));
                    }
                    prev = hash;
                }
                let replayed = appeal::replay(events.iter().map(|event| &event.event));
                if prev != loaded.head || replayed.as_ref() != Some(&loaded.appeal) {
                    return Err(damaged(loaded.version));
                }
                Ok(loaded.version)
            })
            .await;
        checked.map_err(Problem::from)
    }

    /// Runs a command of an appeal by name.
    ///
    /// # Errors
    /// As [`Access::command`]; `same_person` for those who decided first (ACC-170).
    pub async fn appeal_command(
        &self,
        actor: &Actor,
        number: &str,
        name: &str,
        payload: Value,
        command_id: &str,
        expected_version: i64,
    ) -> Result<AppealView, Problem> {
        check_command_id(command_id)?;
        let payload = if payload.is_null() { json!({}) } else { payload };
        let command: Command = match serde_json::from_value(json!({"command": name, "payload": payload})) {
            Ok(command) => command,
            Err(error) => {
                // What is wrong with it is told only to those who may do it.
                let view = self.appeal(actor, number).await?;
                let may = |known: &str| self.may_appeal(actor, &view.appeal, known);
                if COMMANDS.contains(&name) && !may(name) || !COMMANDS.iter().any(|known| may(known)) {
                    let entry = Entry::new(&APPEAL, audit_actor(actor, None), Object::new("appeal", number));
                    self.record(entry.purpose(Purpose::Case).refused("forbidden")).await?;
                    return Err(Problem::forbidden("forbidden"));
                }
                return Err(Problem::invalid("payload", "schema", error.to_string()));
            }
        };
        scan(&command)?;
        let ran: Result<Result<(), Problem>, AccessError> = self
            .zone
            .store
            .tx("access.appeal", async |tx: &mut Tx| {
                Box::pin(self.run_appeal(tx, actor, number, &command, command_id, expected_version)).await
            })
            .await;
        ran.map_err(Problem::from)??;
        self.appeal(actor, number).await
    }

    async fn run_appeal(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        number: &str,
        command: &Command,
        command_id: &str,
        expected_version: i64,
    ) -> Result<Result<(), Problem>, AccessError> {
        let Some(mut loaded) = sql::appeal(tx, number).await? else { return Ok(Err(Problem::not_found("appeal"))) };
        let account = actor.account.to_string();
        let roles = self.appeal_roles(actor, &loaded.appeal);
        let all = json!({"appeal": number, "actor": account, "command": command});
        let bytes = canonical_json(&all).map_err(|e| AccessError::Damaged(e.to_string()))?;
        let digest = sha256_hex(&bytes);
        if let Some(known) = sql::known_command(tx, command_id).await? {
            let same = known.case_id == loaded.id.to_string() && known.digest == digest;
            let reused = Problem::conflict("command_id_reused", "make a new command id");
            return Ok(if same { Ok(()) } else { Err(reused) });
        }
        let Some(role) = roles.iter().copied().find(|role| appeal::permitted(*role, command.name())) else {
            return self.refuse_appeal(tx, actor, &loaded, command, Problem::forbidden("forbidden")).await;
        };
        if expected_version != loaded.version {
            let remedy = format!("the appeal is at version {}; read it and try again", loaded.version);
            return self
                .refuse_appeal(tx, actor, &loaded, command, Problem::conflict("version_conflict", remedy))
                .await;
        }
        let case = sql::case_to_change(tx, loaded.case_id).await?;
        let case = case.ok_or_else(|| AccessError::Damaged(format!("{number} has no case")))?;
        let Case::Decided(decided) = &case.case else {
            let problem = Problem::conflict("wrong_state", "the case is not decided; open it again first");
            return self.refuse_appeal(tx, actor, &loaded, command, problem).await;
        };
        let proposed = match command.proposal().map(|proposal| revised(decided, proposal)).transpose() {
            Ok(proposed) => proposed,
            Err(refusal) => return self.refuse_appeal(tx, actor, &loaded, command, refusal.into()).await,
        };
        let version = next_number(decided);
        let guard = Guard { actor: &account, decision: proposed.as_ref(), number: Some(&version) };
        let event = match appeal::decide(&loaded.appeal, command, &guard) {
            Ok(event) => event,
            Err(refusal) => return self.refuse_appeal(tx, actor, &loaded, command, refusal.into()).await,
        };
        let by = By { account: &account, role: case_role(role), on_behalf_of: None };
        let new = new_decision(&loaded.appeal, &event, proposed.as_ref());
        let issue = match new {
            Some((decision, why)) => {
                match Box::pin(self.make_revision(tx, decided, &case, decision, &version, why)).await? {
                    Ok(issue) => Some(issue),
                    Err(problem) => return self.refuse_appeal(tx, actor, &loaded, command, problem).await,
                }
            }
            None => None,
        };
        let new = new.map(|(decision, reason)| (decision.clone(), reason.to_owned()));
        let now = self.zone.now();
        let seq = loaded.version + 1;
        let hash = sql::appeal_chain(number, seq, now, &account, &event, &loaded.head)?;
        let row = sql::AppealEvent { seq, at: now, actor: account.clone(), event, prev: loaded.head.clone(), hash };
        let damaged = || AccessError::Damaged(format!("event {seq} of {number} does not fit"));
        loaded.appeal = appeal::evolve(loaded.appeal, &row.event).ok_or_else(damaged)?;
        loaded.version = seq;
        loaded.head.clone_from(&row.hash);
        sql::put_appeal_event(tx, number, &row).await?;
        if !sql::change_appeal(tx, &loaded, now).await? {
            return Err(store::StoreError::Busy.into());
        }
        self.move_case(tx, case, &loaded.appeal, &row.event, new, issue.as_ref(), &by).await?;
        let known = sql::Known { case_id: loaded.id.to_string(), digest, from_version: seq - 1, version: seq };
        sql::put_command(tx, command_id, &account, &known, now);
        let entry = Entry::new(&APPEAL, audit_actor(actor, Some(by.role)), Object::new("appeal", number));
        let entry = entry.purpose(Purpose::Case).detail("command", command.name());
        let entry = entry.detail("stage", loaded.appeal.stage.slug()).detail("version", seq);
        self.zone.log.record(tx, entry).await?;
        Ok(Ok(()))
    }

    async fn refuse_appeal(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        loaded: &LoadedAppeal,
        command: &Command,
        problem: Problem,
    ) -> Result<Result<(), Problem>, AccessError> {
        let entry = Entry::new(&APPEAL, audit_actor(actor, None), Object::new("appeal", &loaded.appeal.number));
        let entry = entry.purpose(Purpose::Case).detail("command", command.name());
        let entry = entry.detail("stage", loaded.appeal.stage.slug());
        self.zone.log.record(tx, entry.refused(super::decide::code(&problem))).await?;
        Ok(Err(problem))
    }

    /// What an appeal does to its case: the stage, a hold, a new decision with its permit.
    #[expect(clippy::too_many_arguments, reason = "the case, the appeal, what it decided and who did")]
    async fn move_case(
        &self,
        tx: &mut Tx,
        case: sql::Loaded,
        appeal: &Appeal,
        event: &AppealEvent,
        new: Option<(Decision, String)>,
        issue: Option<&Issue>,
        by: &By<'_>,
    ) -> Result<(), AccessError> {
        let number = appeal.number.clone();
        let standing = case.case.decided().and_then(|decided| decided.permit.as_ref()).map(|permit| permit.standing);
        let mut events = vec![Event::AppealMoved { appeal: number.clone(), stage: appeal.stage.slug().to_owned() }];
        let mut hold = None;
        if let AppealEvent::Suspension { granted, reason } = event {
            match (granted, standing) {
                (true, Some(Standing::Live)) => {
                    let why = format!("suspended because of the appeal {number}");
                    let hearing = Some(Hearing::LeftOut { why });
                    events.push(Event::PermitHeld { reason: reason.clone(), hearing });
                    hold = Some(true);
                }
                (false, Some(Standing::Held)) => {
                    events.push(Event::PermitHoldReleased { reason: reason.clone() });
                    hold = Some(false);
                }
                _ => {}
            }
        }
        if let (Some((decision, reason)), Some(issue)) = (new, issue) {
            let (version, letter) = (issue.prepared.number.clone(), issue.prepared.letter.clone());
            let version = NewDecision { number: version, decision, letter, reason };
            events.push(Event::DecisionReversed { version: Box::new(version), appeal: Some(number.clone()) });
            if let Some((permit_id, series, sha256)) = issue.prepared.permit.clone() {
                let decision = Some(issue.prepared.number.clone());
                events.push(match standing {
                    Some(_) => {
                        Event::PermitVersionIssued { permit_id, sha256, decision, paths: Vec::new(), resumes: false }
                    }
                    None => Event::PermitIssued { permit_id, series, sha256 },
                });
            }
        }
        if let AppealEvent::Decided { outcome: AppealOutcome::AnnulledReturned, reason, .. } = event {
            // Until the body has decided again nobody gets more data under what is void.
            if standing == Some(Standing::Live) {
                let why = format!("the decision was made void by the appeal {number}");
                let hearing = Some(Hearing::LeftOut { why });
                events.push(Event::PermitHeld { reason: reason.clone(), hearing });
                hold = Some(true);
            }
            events.push(Event::DecisionAnnulled { appeal: number.clone(), reason: reason.clone() });
        }
        let held_series = case.case.decided().and_then(|decided| decided.permit.as_ref()).map(|p| p.series.clone());
        let after = self.append_to(tx, case, events, issue.and_then(Issue::document), by).await?;
        if let Some(issue) = issue {
            self.write_issue(tx, &after, issue, self.zone.now()).await?;
        }
        if let (Some(held), Some(series)) = (hold, held_series) {
            self.set_hold(tx, &series, held).await?;
        }
        Ok(())
    }
}

/// The decision that an event of an appeal makes, with its reason.
fn new_decision<'a>(
    appeal: &'a Appeal,
    event: &'a AppealEvent,
    proposed: Option<&'a Decision>,
) -> Option<(&'a Decision, &'a str)> {
    match (event, &appeal.stage) {
        (AppealEvent::Reversed { .. }, Stage::Reconsidering { draft }) => {
            draft.decision.as_ref().map(|decision| (decision, draft.reason.as_str()))
        }
        (AppealEvent::Decided { outcome: AppealOutcome::Changed, reason, .. }, _) => {
            proposed.map(|decision| (decision, reason.as_str()))
        }
        _ => None,
    }
}

/// The number of the next version of a decision.
pub(super) fn next_number(decided: &Decided) -> String {
    format!("{}/V{}", decided.dossier.number, decided.after.earlier.len() + 2)
}

const fn case_role(role: AppealRole) -> CaseRole {
    match role {
        AppealRole::Appellant => CaseRole::Applicant,
        AppealRole::CaseHandler => CaseRole::CaseHandler,
        AppealRole::DecisionMaker => CaseRole::DecisionMaker,
        AppealRole::AppealHandler => CaseRole::AppealHandler,
        AppealRole::Auditor => CaseRole::Auditor,
    }
}

/// Free texts hold no identity numbers and are only so long.
fn scan(command: &Command) -> Result<(), Problem> {
    const MOST: usize = 5_000;
    let mut texts = vec![("reason".to_owned(), command.reason())];
    if let Some(proposal) = command.proposal() {
        texts.extend(proposal.parts.iter().map(|part| (format!("parts.{}.reason", part.source), part.reason.as_str())));
        texts.extend(proposal.paragraph.as_deref().map(|text| ("paragraph".to_owned(), text)));
    }
    let mut faults = Vec::new();
    for (place, text) in texts {
        if text.chars().count() > MOST {
            faults.push(FieldError::new(&place, "length", format!("at most {MOST} characters")));
        }
        if holds_identity_number(text) {
            let message = "the text seems to hold a national identity number";
            faults.push(FieldError::new(&place, "identity_number", message));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields: faults }) }
}
