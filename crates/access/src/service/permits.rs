//! Letters and permits: made ready before the event, written with it, asked for by keys, delivery and rooms (ACC-163),
//! told to the key role by a job.

use std::collections::BTreeMap;

use audit::{Entry, Object, Purpose};
use identity::Actor;
use kernel::{Problem, Timestamp, canonical_json, sha256_hex};
use protocol::calls::PermitCurrentAnswer;
use protocol::channel::Channel;
use protocol::documents::{Permit, PermitStatus};
use protocol::{Envelope, Party};
use serde_json::{Value, json};
use store::{Tx, jobs};

use super::seal::{Seals, put_seals};
use super::versions::Reason;
use super::{Access, CHANGE, ISSUE, PERMIT_CHANGED, audit_actor};
use crate::change::{self, Op};
use crate::content::Content;
use crate::error::AccessError;
use crate::fees::FeeEstimate;
use crate::form;
use crate::letter::{self, letter};
use crate::model::{
    After, Annulled, Assessment, Case, CaseId, Command, Decision, Dossier, LetterRef, PermitRef, Prepared, Proposal,
    SourceTask, Standing, Work,
};
use crate::permissions::{CaseRole, View};
use crate::permit::{CompileError, Numbers, compile};
use crate::sql::{self, PermitRow};
use crate::views::PermitView;

/// Payload type of the signed statement of a decision: number and digests of the letter.
pub const DECISION_TYPE: &str = "application/vnd.hap.decision+json";

/// A decision, or a revocation, made ready.
pub(crate) struct Issue {
    pub prepared: Prepared,
    /// The letter; none for a revocation.
    pub letter: Option<MadeLetter>,
    pub permit: Option<(Permit, Envelope)>,
    pub title: String,
    /// What is in force under a new version of the permit.
    pub in_force: Option<Content>,
    /// The person who became active.
    pub person: Option<String>,
    /// Whether it ends the hold of a decision that was made void.
    pub resumes: bool,
}

/// A letter made ready.
pub(crate) struct MadeLetter {
    pub json: Vec<u8>,
    pub pdf: Vec<u8>,
    /// Number and digests, signed.
    pub statement: String,
    pub seals: Option<Seals>,
}

impl Issue {
    /// The permit, when there is one.
    pub fn document(&self) -> Option<&Permit> {
        self.permit.as_ref().map(|(permit, _)| permit)
    }
}

/// What a letter is made from.
pub(super) struct Lettered<'a> {
    pub case: &'a str,
    pub number: &'a str,
    pub content: &'a Content,
    pub decision: &'a Decision,
    pub assessments: &'a BTreeMap<String, Assessment>,
    pub tasks: &'a BTreeMap<String, SourceTask>,
    pub fee: Option<&'a FeeEstimate>,
    pub permit: Option<&'a Permit>,
    pub ops: &'a [Op],
    pub replaces: Option<&'a str>,
}

impl Access {
    /// Renders and signs what the proposal decides. The guards of `issue_decision` hold.
    pub(super) async fn make_issue(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        proposal: &Proposal,
    ) -> Result<Result<Issue, Problem>, AccessError> {
        let Some(dossier) = loaded.case.dossier() else {
            return Ok(Err(Problem::conflict("wrong_state", "the application was not handed in")));
        };
        let nothing = Work::default();
        let work = loaded.case.work().unwrap_or(&nothing);
        let content = sql::revision(tx, &self.zone, loaded.id, dossier.revision).await?;
        let content = content.ok_or_else(|| AccessError::Damaged(format!("case {} has no content", loaded.id)))?;
        let annulled = dossier.annulled.as_deref();
        let number = format!("{}/V{}", dossier.number, annulled.map_or(0, |annulled| annulled.after.earlier.len()) + 1);
        let made = match &dossier.change {
            None if let Some((annulled, permit)) = annulled.and_then(|a| Some((a, a.permit.as_ref()?))) => {
                self.after_annulment(tx, annulled, permit, &content, &proposal.decision, &number).await?
            }
            Some(of) => {
                let fee = work.fee.as_ref().map_or(0, |fee| fee.max_ore);
                self.decided_change(tx, of, &content, proposal, &number, fee).await?
            }
            None => self.first_permit(tx, dossier, work, &content, &proposal.decision, &number).await?,
        };
        let made = match made {
            Ok(made) => made,
            Err(problem) => return Ok(Err(problem)),
        };
        let resumes = made.as_ref().is_some_and(|made| made.resumes);
        let (permit, in_force) = made.map_or((None, None), |made| (made.permit, made.in_force));
        let carried = dossier.change.as_ref().map(|of| of.carried.clone()).unwrap_or_default();
        let assessments = carried.into_iter().chain(work.assessments.clone()).collect();
        let letter = Lettered {
            case: &dossier.number,
            number: &number,
            content: &content,
            decision: &proposal.decision,
            assessments: &assessments,
            tasks: &work.tasks,
            fee: work.fee.as_ref(),
            permit: permit.as_ref().map(|(permit, _)| permit),
            ops: dossier.change.as_ref().map(|of| of.ops.as_slice()).unwrap_or_default(),
            replaces: None,
        };
        let (letter, digests) = self.lettered(&letter)?;
        let prepared = Prepared {
            number,
            letter: digests,
            permit: permit.as_ref().map(|(p, e)| (p.permit_id.clone(), p.series.clone(), sha256_hex(&e.payload.0))),
        };
        let title = content.text("pub.title").to_owned();
        Ok(Ok(Issue { prepared, letter: Some(letter), permit, title, in_force, person: None, resumes }))
    }

    /// The version of the permit that follows a decision in the place of one that was made void.
    async fn after_annulment(
        &self,
        tx: &mut Tx,
        annulled: &Annulled,
        permit: &PermitRef,
        content: &Content,
        decision: &Decision,
        number: &str,
    ) -> Result<Result<Option<Issue>, Problem>, AccessError> {
        if !decision.grants() {
            return Ok(Ok(None));
        }
        let Some(base) = self.in_force(tx, &permit.series).await? else { return Ok(Err(Problem::not_found("permit"))) };
        if matches!(permit.standing, Standing::Revoked | Standing::Expired) {
            return Ok(Err(Problem::conflict(
                "permit_standing",
                "the permit is over; refuse, and let them apply anew",
            )));
        }
        let reason = Reason {
            content: change::redecided(&base.content, content, decision),
            ops: &[],
            decision: Some((number, decision)),
            replaces: annulled.after.earlier.last().map(|earlier| &earlier.decision),
            fee_max_ore: 0,
        };
        let made = self.next_version(&base, &reason)?;
        Ok(made.map(|issue| Some(Issue { resumes: true, ..issue })))
    }

    /// Version 01 of a permit; none when nothing is granted.
    pub(super) async fn first_permit(
        &self,
        tx: &mut Tx,
        dossier: &Dossier,
        work: &Work,
        content: &Content,
        decision: &Decision,
        number: &str,
    ) -> Result<Result<Option<Issue>, Problem>, AccessError> {
        if !decision.grants() || content.form == form::STATISTICS {
            return Ok(Ok(None));
        }
        let now = self.zone.now();
        let today = now.date_in_oslo();
        // Compiled once with a placeholder: a decision that gives no permit takes no number.
        let fee_max_ore = work.fee.as_ref().map_or(0, |fee| fee.max_ore);
        let case = dossier.number.as_str();
        let mut numbers = Numbers { series: "NO-0000-000000", case, decision: number, now, today, fee_max_ore };
        if let Err(error) = compile(content, decision, &numbers) {
            return Ok(Err(not_compiled(&error)));
        }
        let n = sql::next_number(tx, &format!("NO-{}", today.year())).await?;
        let series = format!("NO-{}-{n:06}", today.year());
        numbers.series = &series;
        match compile(content, decision, &numbers) {
            Ok(permit) => {
                let in_force = change::in_force(content, &permit);
                let issue = self.issue_of(permit, content.text("pub.title"))?;
                Ok(Ok(Some(Issue { in_force: Some(in_force), ..issue })))
            }
            Err(error) => Ok(Err(not_compiled(&error))),
        }
    }

    /// The letter of a decision as JSON and PDF, with the signed statement of both and their seals.
    pub(super) fn lettered(&self, of: &Lettered<'_>) -> Result<(MadeLetter, LetterRef), AccessError> {
        let now = self.zone.now();
        let today = now.date_in_oslo();
        let rooms = &self.settings.rooms;
        let room_name = rooms.iter().find(|room| room.id == of.content.text("proc.room")).map(|room| room.name.clone());
        let letter = letter(&letter::Source {
            case: of.case,
            decision_number: of.number,
            date: today,
            content: of.content,
            decision: of.decision,
            assessments: of.assessments,
            tasks: of.tasks,
            fee: of.fee,
            permit: of.permit,
            room_name: &room_name.unwrap_or_default(),
            synthetic: self.settings.synthetic,
            ops: of.ops,
            replaces: of.replaces,
        });
        let json = canonical_json(&letter).map_err(|e| AccessError::Damaged(e.to_string()))?;
        let pdf = letter.pdf();
        let digests = LetterRef { pdf: sha256_hex(&pdf), json: sha256_hex(&json) };
        let statement = self.statement(of.number, &digests, now)?;
        let seals = self.sealed(&pdf, &json, now)?;
        Ok((MadeLetter { json, pdf, statement, seals }, digests))
    }

    /// The permit of a decided case with status REVOKED, signed; none when it has no live permit.
    pub(super) async fn make_revocation(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
    ) -> Result<Option<Issue>, AccessError> {
        let Case::Decided(decided) = &loaded.case else { return Ok(None) };
        let Some(reference) = &decided.permit else { return Ok(None) };
        let Some(row) = sql::current_permit(tx, &reference.series).await? else { return Ok(None) };
        let mut permit = read_permit(&row)?;
        permit.status = PermitStatus::Revoked;
        let (permit, envelope) = self.sign(permit)?;
        let sha256 = sha256_hex(&envelope.payload.0);
        let prepared = Prepared {
            number: decided.number.clone(),
            letter: decided.letter.clone(),
            permit: Some((permit.permit_id.clone(), permit.series.clone(), sha256)),
        };
        let permit = Some((permit, envelope));
        Ok(Some(Issue {
            prepared,
            letter: None,
            permit,
            title: row.title,
            in_force: None,
            person: None,
            resumes: false,
        }))
    }

    pub(super) fn sign(&self, permit: Permit) -> Result<(Permit, Envelope), AccessError> {
        let envelope =
            Envelope::of(&permit, self.zone.signer.as_ref()).map_err(|e| AccessError::Sealing(e.to_string()))?;
        Ok((permit, envelope))
    }

    fn statement(&self, number: &str, letter: &LetterRef, now: Timestamp) -> Result<String, AccessError> {
        let payload = json!({"decision": number, "issued_at": now, "pdf": letter.pdf, "json": letter.json});
        let payload = canonical_json(&payload).map_err(|e| AccessError::Damaged(e.to_string()))?;
        let envelope = Envelope::sign(DECISION_TYPE, payload, self.zone.signer.as_ref());
        sql::text(&envelope.map_err(|e| AccessError::Sealing(e.to_string()))?)
    }

    /// Writes letter and permit, and the job that tells the key role.
    pub(super) async fn write_issue(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        issue: &Issue,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        if let Some(MadeLetter { json, pdf, statement, seals }) = &issue.letter {
            let number = &issue.prepared.number;
            let row = sql::DecisionRow { number, letter: json, pdf, statement };
            sql::put_decision(tx, &self.zone, after.id, &row, now).await?;
            if let Some(seals) = seals {
                put_seals(tx, number, seals, now).await?;
            }
        }
        let Some((permit, envelope)) = &issue.permit else { return Ok(()) };
        let envelope = sql::text(envelope)?;
        if let Some(content) = &issue.in_force {
            sql::put_in_force(tx, &self.zone, &permit.permit_id, content, now).await?;
        }
        match sql::current_permit(tx, &permit.series).await? {
            Some(old) if old.permit_id != permit.permit_id => {
                let row = PermitRow {
                    permit_id: permit.permit_id.clone(),
                    series: permit.series.clone(),
                    case_id: old.case_id,
                    status: status(permit.status),
                    held: old.held && !issue.resumes,
                    title: issue.title.clone(),
                    envelope,
                    changes: 1,
                };
                sql::put_version(tx, &row, &old, (permit.valid_from, permit.valid_to), now).await?;
                self.tell(tx, &row, now).await
            }
            None => {
                let row = PermitRow {
                    permit_id: permit.permit_id.clone(),
                    series: permit.series.clone(),
                    case_id: after.id,
                    status: status(permit.status),
                    held: false,
                    title: issue.title.clone(),
                    envelope,
                    changes: 1,
                };
                sql::put_permit(tx, &row, (permit.valid_from, permit.valid_to), now).await?;
                self.tell(tx, &row, now).await
            }
            Some(old) => {
                let row = PermitRow {
                    permit_id: old.permit_id.clone(),
                    series: old.series.clone(),
                    case_id: old.case_id,
                    status: status(permit.status),
                    held: old.held && !matches!(permit.status, PermitStatus::Revoked | PermitStatus::Expired),
                    title: old.title.clone(),
                    envelope,
                    changes: old.changes + 1,
                };
                sql::change_permit(tx, &row, &old, now).await?;
                self.tell(tx, &row, now).await
            }
        }
    }

    /// Hold and release: a flag beside the document (ACC-162).
    pub(super) async fn permit_standing(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        command: &Command,
        actor: &Actor,
        role: CaseRole,
    ) -> Result<(), AccessError> {
        let change = match command {
            Command::HoldPermit { .. } => "hold",
            Command::ReleaseHold { .. } => "release",
            _ => return Ok(()),
        };
        let held = matches!(command, Command::HoldPermit { .. });
        let reference = after.case.decided().and_then(|decided| decided.permit.as_ref());
        let Some(series) = reference.map(|permit| permit.series.as_str()) else { return Ok(()) };
        let Some(row) = self.set_hold(tx, series, held).await? else { return Ok(()) };
        let object = Object::new("permit", &row.permit_id);
        let entry = Entry::new(&CHANGE, audit_actor(actor, Some(role)), object).purpose(Purpose::Case);
        let entry = entry.permit(&row.permit_id, &row.series).detail("change", change);
        self.zone.log.record(tx, entry).await?;
        Ok(())
    }

    /// Puts a permit on hold, or ends the hold; gives the permit.
    pub(super) async fn set_hold(
        &self,
        tx: &mut Tx,
        series: &str,
        held: bool,
    ) -> Result<Option<PermitRow>, AccessError> {
        let Some(old) = sql::current_permit(tx, series).await? else { return Ok(None) };
        let now = self.zone.now();
        let row = PermitRow { held, changes: old.changes + 1, ..clone(&old) };
        sql::change_permit(tx, &row, &old, now).await?;
        self.tell(tx, &row, now).await?;
        Ok(Some(row))
    }

    /// The audit entry of a permit that was issued or revoked.
    pub(super) async fn record_issue(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        role: CaseRole,
        issue: &Issue,
    ) -> Result<(), AccessError> {
        let Some((permit, envelope)) = &issue.permit else { return Ok(()) };
        let digest = sha256_hex(&envelope.payload.0);
        let object = Object::new("permit", &permit.permit_id).digest(&digest);
        let action = if issue.letter.is_some() { &ISSUE } else { &CHANGE };
        let entry = Entry::new(action, audit_actor(actor, Some(role)), object).purpose(Purpose::Case);
        let entry = entry.permit(&permit.permit_id, &permit.series).detail("permit", digest);
        let entry = match &issue.letter {
            Some(_) => entry.detail("letter", issue.prepared.letter.pdf.clone()),
            None => entry.detail("change", change_of(permit.status)),
        };
        self.zone.log.record(tx, entry).await?;
        Ok(())
    }

    async fn tell(&self, tx: &mut Tx, row: &PermitRow, now: Timestamp) -> Result<(), AccessError> {
        let id = format!("permit-changed/{}/{}", row.permit_id, row.changes);
        jobs::push(tx, &id, PERMIT_CHANGED, &json!({"series": row.series}).to_string(), now).await?;
        Ok(())
    }

    /// Puts an order of new data into the queue of news.
    pub(super) async fn tell_refresh(&self, tx: &mut Tx, row: &PermitRow, number: u32) -> Result<(), AccessError> {
        let now = self.zone.now();
        let id = format!("permit-refresh/{}/{number}", row.series);
        let payload = json!({"series": row.series, "refresh": now});
        jobs::push(tx, &id, PERMIT_CHANGED, &payload.to_string(), now).await?;
        Ok(())
    }

    /// The permit of a series in force now, or the last one when none is: what `permit/current` answers.
    ///
    /// # Errors
    /// `NotFound` for an unknown series.
    pub async fn permit_current(&self, series: &str) -> Result<PermitCurrentAnswer, Problem> {
        let row =
            self.zone.store.read("access.permit", async |tx: &mut Tx| sql::current_permit(tx, series).await).await;
        let row = row.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("permit"))?;
        answer(&row).map_err(Problem::from)
    }

    /// A permit for those who may see its case.
    ///
    /// # Errors
    /// `NotFound` for an unknown series, `forbidden`.
    pub async fn permit(&self, actor: &Actor, series: &str) -> Result<PermitView, Problem> {
        let row =
            self.zone.store.read("access.permit", async |tx: &mut Tx| sql::current_permit(tx, series).await).await;
        let row = row.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("permit"))?;
        self.seen(actor, row.case_id).await?;
        view(row).map_err(Problem::from)
    }

    /// A version of a permit, current or not, for those who may see its case.
    ///
    /// # Errors
    /// `NotFound` for an unknown version, `forbidden`.
    pub async fn permit_version(&self, actor: &Actor, permit_id: &str) -> Result<PermitView, Problem> {
        let found: Result<_, AccessError> = self
            .zone
            .store
            .read("access.permit", async |tx: &mut Tx| {
                let Some(row) = sql::permit_version(tx, permit_id).await? else { return Ok(None) };
                let current = sql::current_permit(tx, &row.series).await?;
                Ok(Some((row, current.is_some_and(|current| current.permit_id == permit_id))))
            })
            .await;
        let (row, current) = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("permit"))?;
        self.seen(actor, row.case_id).await?;
        Ok(PermitView { current, ..view(row).map_err(Problem::from)? })
    }

    /// What came after the decision of a case: its versions, appeals, reports, for those who may see all of it.
    ///
    /// # Errors
    /// `NotFound`, `forbidden`, `wrong_state` before there is a decision.
    pub async fn after(&self, actor: &Actor, id: CaseId) -> Result<After, Problem> {
        let (loaded, view, _) = self.seen(actor, id).await?;
        if view == View::ViewSourcePart {
            return Err(self.not_allowed(actor, id).await);
        }
        let decided = loaded.case.decided();
        let decided = decided.ok_or_else(|| Problem::conflict("wrong_state", "nothing is decided yet"))?;
        Ok(decided.after.clone())
    }

    /// The permits of cases that the actor may see, by number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn permits(&self, actor: &Actor) -> Result<Vec<PermitView>, Problem> {
        let found: Result<Vec<(PermitRow, Case)>, AccessError> = self
            .zone
            .store
            .read("access.permits", async |tx: &mut Tx| {
                let mut found = Vec::new();
                for row in sql::permits(tx).await? {
                    if let Some(loaded) = sql::case(tx, row.case_id).await? {
                        found.push((row, loaded.case));
                    }
                }
                Ok(found)
            })
            .await;
        let found = found.map_err(Problem::from)?;
        let seen = found.into_iter().filter(|(_, case)| self.view_of(actor, case).is_some());
        seen.map(|(row, _)| view(row).map_err(Problem::from)).collect()
    }

    /// Tells the key role about permits that were issued, revoked, held or released. Gives how many were told; what is
    /// not taken stays in the queue and is tried again.
    ///
    /// # Errors
    /// Those of the database. An unreachable key role is no error here.
    pub async fn tell_keys(&self, channel: &dyn Channel) -> Result<usize, Problem> {
        self.announce(&TellKeys(channel)).await
    }

    /// Tells `follower` about permits that were issued, revoked, held or released, each at least once and in order. Gives
    /// how many were told; what is not taken stays in the queue and is tried again.
    ///
    /// # Errors
    /// Those of the database. A follower that does not take the news is no error here.
    pub async fn announce(&self, follower: &dyn PermitFollower) -> Result<usize, Problem> {
        const LEASE_SECONDS: i64 = 60;
        let mut told = 0;
        loop {
            let now = self.zone.now();
            let job = self
                .zone
                .store
                .tx("access.job", async |tx: &mut Tx| {
                    jobs::take(tx, PERMIT_CHANGED, now, now.plus_seconds(LEASE_SECONDS)).await
                })
                .await?;
            let Some(job) = job else { return Ok(told) };
            let payload: Value = serde_json::from_str(&job.payload).unwrap_or(Value::Null);
            let series = payload["series"].as_str().unwrap_or_default();
            let answer = self.permit_current(series).await?;
            let parties = self.parties(series).await?;
            let refresh: Option<Timestamp> = serde_json::from_value(payload["refresh"].clone()).ok().flatten();
            let outcome = match refresh {
                Some(since) => follower.data_ordered(&answer, &parties, since).await,
                None => follower.permit_changed(&answer, &parties).await,
            };
            let retry_at = self.zone.now().plus_seconds(5 * job.attempts.clamp(1, 60));
            let (id, error) = (job.id, outcome.err());
            self.zone
                .store
                .tx("access.job", async |tx: &mut Tx| match &error {
                    None => jobs::done(tx, &id).await,
                    Some(error) => jobs::retry(tx, &id, retry_at, error).await,
                })
                .await?;
            if error.is_some() {
                return Ok(told);
            }
            told += 1;
        }
    }

    /// The account that a permit's case belongs to: it may follow its deliveries.
    async fn parties(&self, series: &str) -> Result<Vec<identity::AccountId>, Problem> {
        let found: Result<_, AccessError> = self
            .zone
            .store
            .read("access.parties", async |tx: &mut Tx| {
                let Some(row) = sql::current_permit(tx, series).await? else { return Ok(Vec::new()) };
                let case = sql::case(tx, row.case_id).await?;
                Ok(case.and_then(|loaded| loaded.case.applicant().parse().ok()).into_iter().collect())
            })
            .await;
        found.map_err(Problem::from)
    }
}

/// Who is told when a permit is issued or changes.
#[async_trait::async_trait]
pub trait PermitFollower: Send + Sync {
    /// Takes the news in; called again with the same news when it fails. `parties` are the accounts of the case.
    ///
    /// # Errors
    /// What went wrong, for the log of the queue.
    async fn permit_changed(&self, permit: &PermitCurrentAnswer, parties: &[identity::AccountId])
    -> Result<(), String>;

    /// New data were ordered at `since` under the unchanged permit (ACC-065). Who does not deliver need not listen.
    ///
    /// # Errors
    /// As [`PermitFollower::permit_changed`].
    async fn data_ordered(
        &self,
        _permit: &PermitCurrentAnswer,
        _parties: &[identity::AccountId],
        _since: Timestamp,
    ) -> Result<(), String> {
        Ok(())
    }
}

struct TellKeys<'a>(&'a dyn Channel);

#[async_trait::async_trait]
impl PermitFollower for TellKeys<'_> {
    async fn permit_changed(&self, permit: &PermitCurrentAnswer, _: &[identity::AccountId]) -> Result<(), String> {
        protocol::ask(self.0, &Party::Keys, permit).await.map(drop).map_err(|e| e.to_string())
    }
}

pub(super) fn not_compiled(error: &CompileError) -> Problem {
    let remedy = format!("{error}; return the proposal and change it");
    Problem::conflict("permit_not_enforceable", remedy)
}

/// What was done to a permit without a letter, for the log.
const fn change_of(status: PermitStatus) -> &'static str {
    match status {
        PermitStatus::Revoked => "revoke",
        PermitStatus::Expired => "expire",
        PermitStatus::Granted | PermitStatus::Amended | PermitStatus::Renewed => "person",
    }
}

fn status(status: PermitStatus) -> String {
    match status {
        PermitStatus::Granted => "GRANTED",
        PermitStatus::Amended => "AMENDED",
        PermitStatus::Renewed => "RENEWED",
        PermitStatus::Revoked => "REVOKED",
        PermitStatus::Expired => "EXPIRED",
    }
    .to_owned()
}

fn clone(row: &PermitRow) -> PermitRow {
    PermitRow {
        permit_id: row.permit_id.clone(),
        series: row.series.clone(),
        case_id: row.case_id,
        status: row.status.clone(),
        held: row.held,
        title: row.title.clone(),
        envelope: row.envelope.clone(),
        changes: row.changes,
    }
}

pub(super) fn read_permit(row: &PermitRow) -> Result<Permit, AccessError> {
    let envelope: Envelope = sql::parse(&row.envelope)?;
    envelope.read_unverified().map_err(|e| AccessError::Damaged(e.to_string()))
}

fn answer(row: &PermitRow) -> Result<PermitCurrentAnswer, AccessError> {
    Ok(PermitCurrentAnswer { permit: sql::parse(&row.envelope)?, hold: row.held, title: row.title.clone() })
}

fn view(row: PermitRow) -> Result<PermitView, AccessError> {
    Ok(PermitView {
        envelope: sql::parse(&row.envelope)?,
        permit_id: row.permit_id,
        series: row.series,
        case_id: row.case_id,
        status: row.status,
        hold: row.held,
        title: row.title,
        current: true,
    })
}
