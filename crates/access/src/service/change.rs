//! A change from its draft to what it applies for (ACC-060 to ACC-066): the copy that is edited, the operations when it is
//! handed in, what takes effect at once, and what a decision makes of the permit.

use std::collections::BTreeMap;

use audit::{Entry, Object, Purpose};
use identity::Actor;
use kernel::{FieldError, Problem};
use serde_json::Value;
use store::Tx;

use super::apply::title_of;
use super::decide::By;
use super::permits::Issue;
use super::versions::{InForce, Reason};
use super::written::last_day_to_extend;
use super::{Access, CREATE, audit_actor};
use crate::change::{self, MIN_OP_REASON, MIN_WHY, Op, OpKind};
use crate::content::Content;
use crate::error::AccessError;
use crate::form::DraftContent;
use crate::model::{
    Assessment, Case, CaseId, ChangeLink, ChangeOf, Command, Decided, Dossier, Event, Order, Proposal, ProposalInput,
    Recorded, Submission, evolve, revised,
};
use crate::permissions::CaseRole;
use crate::sql;

/// The longest that a permit can be extended, in months.
const LONGEST_EXTENSION: i32 = 120;

/// What a change asks for when it is handed in.
pub(super) struct Asked {
    base: InForce,
    /// What takes effect at once.
    now: Vec<Op>,
    /// What needs a decision.
    pub later: Vec<Op>,
    why: String,
    /// Faults that stop it.
    pub faults: Vec<FieldError>,
    /// Whether it is new data under the unchanged permit.
    refresh: bool,
}

impl Access {
    /// Opens a change: a draft with a copy of what the permit allows (ACC-060).
    ///
    /// # Errors
    /// `NotFound` for an unknown series, `forbidden` for others than the applicants, `permit_standing` when the permit is
    /// over.
    pub async fn open_change(&self, actor: &Actor, series: &str) -> Result<CaseId, Problem> {
        let id: CaseId = self.zone.id();
        let account = actor.account.to_string();
        let opened: Result<Result<(), Problem>, AccessError> = self
            .zone
            .store
            .tx("access.change", async |tx: &mut Tx| {
                let Some(base) = self.in_force(tx, series).await? else {
                    return Ok(Err(Problem::not_found("permit")));
                };
                let roles = self.roles(actor, &base.parent.case);
                if !roles.iter().any(|role| matches!(role, CaseRole::Applicant | CaseRole::CoApplicant)) {
                    let entry = Entry::new(&CREATE, audit_actor(actor, None), Object::new("permit", series));
                    self.zone.log.record(tx, entry.purpose(Purpose::Case).refused("forbidden")).await?;
                    return Ok(Err(Problem::forbidden("forbidden")));
                }
                if !base.stands() {
                    return Ok(Err(Problem::conflict("permit_standing", "the permit is over; apply anew")));
                }
                self.write_change(tx, id, &account, &base).await?;
                let by = audit_actor(actor, Some(CaseRole::Applicant));
                let entry = Entry::new(&CREATE, by, Object::new("case", id)).purpose(Purpose::Case);
                self.zone.log.record(tx, entry.permit(&base.row.permit_id, series)).await?;
                Ok(Ok(()))
            })
            .await;
        opened.map_err(Problem::from)??;
        Ok(id)
    }

    async fn write_change(&self, tx: &mut Tx, id: CaseId, account: &str, base: &InForce) -> Result<(), AccessError> {
        let now = self.zone.now();
        let case = base.parent.case.dossier().map(|dossier| dossier.number.clone()).unwrap_or_default();
        let profile = base.content.profile.clone();
        let created = Event::Created { form: change::FORM.to_owned(), profile };
        let (form, form_version) = (base.content.form.clone(), base.content.form_version.clone());
        let link = ChangeLink { series: base.row.series.clone(), case, form, form_version };
        let first = Recorded { seq: 1, at: now, actor: account.to_owned(), on_behalf_of: None, event: created };
        let content = base.content.as_draft();
        let role = CaseRole::Applicant.slug();
        let case = evolve(None, &first).map_err(|e| AccessError::Damaged(e.to_string()))?;
        let head = sql::chain(id, &first, role, "")?;
        let mut loaded = sql::Loaded {
            id,
            version: 1,
            head,
            title: title_of(&content.fields),
            updated_at: now,
            case,
            stored: Vec::new(),
        };
        sql::put_case(tx, &mut loaded, now).await?;
        sql::put_event(tx, id, &first, role, "").await?;
        sql::put_draft(tx, &self.zone, id, &content, now).await?;
        sql::put_change(tx, id, &link.series).await?;
        let by = By { account, role: CaseRole::Applicant, on_behalf_of: None };
        self.append_to(tx, loaded, vec![Event::ChangeOpened { link }], None, &by).await?;
        Ok(())
    }

    /// Of the draft or the answer of a change: what it asks for, put into its submission, and what takes effect at once.
    pub(super) async fn asked_for(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        wanted: &Content,
        submission: &mut Submission,
    ) -> Result<Result<Option<(Asked, Option<Issue>)>, Problem>, AccessError> {
        let Some(link) = change_link(&loaded.case) else { return Ok(Ok(None)) };
        let draft = sql::draft(tx, &self.zone, loaded.id).await?.map(|(draft, _)| draft).unwrap_or_default();
        let mut asked = match self.asked(tx, link, loaded.id, wanted, &draft).await? {
            Ok(asked) => asked,
            Err(problem) => return Ok(Err(problem)),
        };
        if matches!(loaded.case, Case::AwaitingInfo(_)) {
            // An answer is no new submission: all of it waits for the decision.
            asked.later.extend(std::mem::take(&mut asked.now));
            asked.why =
                loaded.case.dossier().and_then(|d| d.change.as_ref()).map(|of| of.why.clone()).unwrap_or_default();
            asked.faults.retain(|fault| fault.field != "chg.why");
        }
        let issue = match self.submission_of_change(link, &asked, wanted, submission)? {
            Ok(issue) => issue,
            Err(problem) => return Ok(Err(problem)),
        };
        if submission.number.is_empty() && submission.blocks.is_empty() && !asked.later.is_empty() {
            submission.number = self.numbered(tx, 'C').await?;
        }
        Ok(Ok(Some((asked, issue))))
    }

    /// What a command does beyond its own case, after its events are written: versions of a permit, appeals.
    #[expect(clippy::too_many_arguments, reason = "the parts of one command that others follow")]
    pub(super) async fn follow(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        command: &Command,
        asked: Option<(Asked, Option<Issue>)>,
        issue: Option<&Issue>,
        appeal: Option<&str>,
        by: &By<'_>,
    ) -> Result<(), AccessError> {
        match asked {
            Some((asked, Some(at_once))) => self.take_effect(tx, asked, &at_once, by).await?,
            Some((asked, None)) if asked.refresh => self.order_refresh(tx, asked, by).await?,
            _ => {}
        }
        match (command, issue, &after.case) {
            (Command::IssueDecision { .. }, Some(issue), Case::Decided(decided)) => {
                self.tell_parent(tx, decided, issue, by).await
            }
            (Command::LodgeAppeal(form), _, _) => match appeal {
                Some(number) => self.write_appeal(tx, after, number, form, by.account).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The permit in other words: ended by its last day, or with one more active person.
    pub(super) async fn prepare_statement(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        command: &Command,
        account: &str,
    ) -> Result<Result<Option<Issue>, Problem>, AccessError> {
        let Case::Decided(decided) = &loaded.case else { return Ok(Ok(None)) };
        match command {
            Command::Expire {} => Ok(Ok(self.make_expiry(tx, decided).await?)),
            Command::ConfirmOwnAccess { person, accept: true } => {
                Ok(self.make_active(tx, decided, account, person.as_deref()).await?.map(Some))
            }
            _ => Ok(Ok(None)),
        }
    }

    /// A new decision of the case itself, made ready; a proposal with faults is refused by its guards.
    pub(super) async fn prepare_revision(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        proposal: &ProposalInput,
        why: &str,
    ) -> Result<Result<Option<Issue>, Problem>, AccessError> {
        let Case::Decided(decided) = &loaded.case else { return Ok(Ok(None)) };
        let decision = match revised(decided, proposal) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let number = super::appeals::next_number(decided);
        Ok(self.make_revision(tx, decided, loaded, &decision, &number, why).await?.map(Some))
    }

    /// What a change asks for, computed from the copy as edited (ACC-060), with what stops it.
    pub(super) async fn asked(
        &self,
        tx: &mut Tx,
        link: &ChangeLink,
        own: CaseId,
        wanted: &Content,
        draft: &DraftContent,
    ) -> Result<Result<Asked, Problem>, AccessError> {
        let Some(base) = self.in_force(tx, &link.series).await? else { return Ok(Err(Problem::not_found("permit"))) };
        if !base.stands() {
            return Ok(Err(Problem::conflict("permit_standing", "the permit is over; apply anew")));
        }
        let (why, reasons) = change::form::words(&draft.fields);
        let said = draft.fields.get("chg.kind").and_then(Value::as_str).unwrap_or_default();
        let ops = change::diff(&base.content, wanted, &reasons);
        let checked = self.may_extend(&base, &ops).and_then(|()| self.may_refresh(&base, said, &ops));
        if let Err(problem) = checked {
            return Ok(Err(problem));
        }
        let refresh = said == "refresh";
        for other in sql::open_changes(tx, &link.series).await? {
            let theirs = other.case.dossier().and_then(|dossier| dossier.change.as_ref());
            if other.id == own {
                continue;
            }
            if let Some(place) = theirs.and_then(|theirs| change::clash(&ops, &theirs.ops)) {
                let number = other.case.dossier().map(|dossier| dossier.number.clone()).unwrap_or_default();
                let remedy = format!("{place} is changed by {number}; wait for its decision or withdraw it");
                return Ok(Err(Problem::conflict("conflicting_change", remedy)));
            }
        }
        let mut faults = Vec::new();
        let mut fault = |field: &str, rule: &str, message: String| faults.push(FieldError::new(field, rule, message));
        if ops.is_empty() && !refresh {
            fault("chg.ops", "required", "nothing is changed".into());
        }
        if why.chars().count() < MIN_WHY {
            fault("chg.why", "length", format!("write at least {MIN_WHY} characters"));
        }
        for op in ops.iter().filter(|op| op.op.adds_data() && op.reason.chars().count() < MIN_OP_REASON) {
            let message = format!("{}: write at least {MIN_OP_REASON} characters", op.path);
            fault("chg.why_per_op", "length", message);
        }
        let longest = base.permit.valid_to.plus_months(LONGEST_EXTENSION);
        if wanted.access_period().is_some_and(|(_, to)| to > longest) {
            fault("proc.period", "range", format!("a permit is extended by ten years at most, until {longest}"));
        }
        let today = self.zone.clock.today();
        let ends = ops.iter().any(|op| op.path == "valid_to");
        if ends && wanted.access_period().is_none_or(|(from, to)| to < from || to < today) {
            fault("proc.period", "range", "the last day lies ahead".into());
        }
        let (now, later) = ops.into_iter().partition(|op| op.notification);
        Ok(Ok(Asked { base, now, later, why, faults, refresh }))
    }

    /// ACC-065: new data under the unchanged permit, inside its days and its recurrence.
    fn may_refresh(&self, base: &InForce, said: &str, ops: &[Op]) -> Result<(), Problem> {
        if said != "refresh" {
            return Ok(());
        }
        let outside = |remedy: String| Err(Problem::conflict("outside_permit", remedy));
        if let Some(op) = ops.first() {
            return outside(format!("{} is changed too; ask for a change instead", op.path));
        }
        let (permit, today) = (&base.permit, self.zone.clock.today());
        if permit.recurrence.kind == "once" {
            return outside("the permit gives data once; ask for a change of the recurrence".into());
        }
        let until = permit.recurrence.until.map_or(permit.valid_to, |until| until.min(permit.valid_to));
        if base.row.held || today < permit.valid_from || today > until {
            return outside(format!(
                "new data are given from {} to {until}, while the permit stands",
                permit.valid_from
            ));
        }
        Ok(())
    }

    /// ACC-064: once for each series, asked a month before the last day.
    fn may_extend(&self, base: &InForce, ops: &[Op]) -> Result<(), Problem> {
        if !ops.iter().any(|op| op.op == OpKind::ExtendDuration) {
            return Ok(());
        }
        if base.permit.extension_used {
            return Err(Problem::conflict("already_extended", "a permit is extended once; apply anew"));
        }
        let last = last_day_to_extend(base.permit.valid_to);
        if self.zone.clock.today() > last {
            return Err(Problem::conflict("too_late", format!("an extension was to be asked for by {last}")));
        }
        Ok(())
    }

    /// What the submission of a change says; and, when something takes effect at once, the version that it gives.
    pub(super) fn submission_of_change(
        &self,
        link: &ChangeLink,
        asked: &Asked,
        wanted: &Content,
        submission: &mut Submission,
    ) -> Result<Result<Option<Issue>, Problem>, AccessError> {
        // What is said here in more words is not said twice.
        let named = |fault: &FieldError| asked.faults.iter().any(|own| fault.field.starts_with(own.field.as_str()));
        submission.blocks.retain(|fault| !named(fault));
        submission.blocks.splice(0..0, asked.faults.iter().cloned());
        submission.order = if asked.later.is_empty() { Order::default() } else { change::order(&asked.later, wanted) };
        let profile = &wanted.profile;
        let touched = change::rules::touched_criteria(&asked.later, profile);
        let before: BTreeMap<String, Assessment> =
            asked.base.decided().map(|decided| decided.work.assessments.clone()).unwrap_or_default();
        let mut of = ChangeOf {
            link: link.clone(),
            base: asked.base.row.permit_id.clone(),
            ops: asked.later.clone(),
            why: asked.why.clone(),
            carried: before.into_iter().filter(|(id, _)| !touched.contains(id)).collect(),
            touched: touched.into_iter().collect(),
            rules: change::rules::version().to_owned(),
            took_effect: None,
        };
        let mut issue = None;
        if asked.refresh {
            of.took_effect = Some((asked.base.row.permit_id.clone(), Vec::new()));
        }
        if !asked.now.is_empty() && submission.blocks.is_empty() {
            let content = change::apply(&asked.base.content, wanted, &asked.now);
            let reason = Reason { content, ops: &asked.now, decision: None, replaces: None, fee_max_ore: 0 };
            match self.next_version(&asked.base, &reason)? {
                Ok(made) => issue = Some(made),
                Err(problem) => return Ok(Err(problem)),
            }
            let version = issue.as_ref().and_then(|issue| issue.prepared.permit.as_ref()).map(|(id, _, _)| id.clone());
            let paths = asked.now.iter().map(|op| op.path.clone()).collect();
            of.took_effect = version.map(|version| (version, paths));
        }
        submission.change = Some(Box::new(of));
        Ok(Ok(issue))
    }

    /// Writes what took effect at once, and tells the case of the permit.
    pub(super) async fn take_effect(
        &self,
        tx: &mut Tx,
        asked: Asked,
        issue: &Issue,
        by: &By<'_>,
    ) -> Result<(), AccessError> {
        let event = Self::version_event(issue, None, &asked.now);
        let parent = self.append_to(tx, asked.base.parent, event.into_iter().collect(), issue.document(), by).await?;
        self.write_issue(tx, &parent, issue, self.zone.now()).await
    }

    /// Orders new data: the case of the permit remembers it, and each source is asked anew (ACC-065).
    async fn order_refresh(&self, tx: &mut Tx, asked: Asked, by: &By<'_>) -> Result<(), AccessError> {
        let Asked { base, why, .. } = asked;
        let number = base.decided().map_or(0, |decided| decided.after.refreshes.len() as u32) + 1;
        let sources = base.permit.granted_sources().into_iter().map(str::to_owned).collect();
        let event = Event::RefreshOrdered { number, sources, reason: why };
        self.append_to(tx, base.parent, vec![event], Some(&base.permit), by).await?;
        self.tell_refresh(tx, &base.row, number).await
    }

    /// The version of the permit that a decision on a change gives; none when nothing is granted.
    pub(super) async fn decided_change(
        &self,
        tx: &mut Tx,
        of: &ChangeOf,
        wanted: &Content,
        proposal: &Proposal,
        number: &str,
        fee_max_ore: i64,
    ) -> Result<Result<Option<Issue>, Problem>, AccessError> {
        if !proposal.decision.grants() {
            return Ok(Ok(None));
        }
        let Some(base) = self.in_force(tx, &of.link.series).await? else {
            return Ok(Err(Problem::not_found("permit")));
        };
        if !base.stands() {
            return Ok(Err(Problem::conflict("permit_standing", "the permit is over; refuse the change")));
        }
        // Other changes may have been decided since this one was handed in (ACC-066).
        let (wanted, ops) = change::rebased(&base.content, wanted, &of.ops);
        if let Err(problem) = self.may_still_extend(&base, &ops) {
            return Ok(Err(problem));
        }
        let (content, granted) = change::granted_content(&base.content, &wanted, &ops, &proposal.decision);
        let decision = Some((number, &proposal.decision));
        let reason = Reason { content, ops: &granted, decision, replaces: None, fee_max_ore };
        Ok(self.next_version(&base, &reason)?.map(Some))
    }

    /// An extension that was asked for in time may be decided later, but only one.
    fn may_still_extend(&self, base: &InForce, ops: &[Op]) -> Result<(), Problem> {
        let extends = ops.iter().any(|op| op.op == OpKind::ExtendDuration);
        if extends && base.permit.extension_used {
            return Err(Problem::conflict("already_extended", "a permit is extended once; refuse the change"));
        }
        Ok(())
    }

    /// Tells the case of the permit that a change was decided.
    pub(super) async fn tell_parent(
        &self,
        tx: &mut Tx,
        decided: &Decided,
        issue: &Issue,
        by: &By<'_>,
    ) -> Result<(), AccessError> {
        let Some(of) = &decided.dossier.change else { return Ok(()) };
        let Some(base) = self.in_force(tx, &of.link.series).await? else { return Ok(()) };
        if let Some(event) = Self::version_event(issue, Some(&decided.number), &of.ops) {
            self.append_to(tx, base.parent, vec![event], issue.document(), by).await?;
        }
        Ok(())
    }
}

/// The permit that a case changes.
pub(super) const fn change_link(case: &Case) -> Option<&ChangeLink> {
    match case {
        Case::Draft(draft) => draft.change.as_ref(),
        _ => match case.dossier() {
            Some(Dossier { change: Some(of), .. }) => Some(&of.link),
            _ => None,
        },
    }
}
