//! Versions of permits: what a decided change, a notification, a new decision, a person's acceptance and the last day make
//! of the permit in force (ACC-162 to ACC-165). Everything is made ready here and written with its event.

use kernel::{Problem, sha256_hex};
use protocol::documents::{Condition, Permit, PermitStatus};
use protocol::form::Digest;
use store::Tx;

use super::Access;
use super::decide::By;
use super::permits::{Issue, Lettered, not_compiled, read_permit};
use crate::change::{self, Op};
use crate::content::Content;
use crate::error::AccessError;
use crate::model::{Decided, Decision, Event, Prepared, Standing};
use crate::permit::{self, Next};
use crate::sql::{self, PermitRow};

/// The permit in force, with what is in force under it and the case that it belongs to.
pub(super) struct InForce {
    pub row: PermitRow,
    pub permit: Permit,
    pub content: Content,
    pub parent: sql::Loaded,
}

impl InForce {
    /// The decided case of the permit.
    pub fn decided(&self) -> Option<&Decided> {
        self.parent.case.decided()
    }

    fn digest(&self) -> Result<Digest, AccessError> {
        let envelope: protocol::Envelope = sql::parse(&self.row.envelope)?;
        Ok(Digest::sha256(&envelope.payload.0))
    }

    /// Whether the permit has not ended.
    pub fn stands(&self) -> bool {
        let standing = self.decided().and_then(|decided| decided.permit.as_ref()).map(|permit| permit.standing);
        matches!(standing, Some(Standing::Live | Standing::Held))
    }
}

/// What makes a new version.
pub(super) struct Reason<'a> {
    /// What is in force now.
    pub content: Content,
    /// The operations that were carried out.
    pub ops: &'a [Op],
    /// Number of the decision; none for a notification.
    pub decision: Option<(&'a str, &'a Decision)>,
    /// The decision that this one replaces: its conditions go with it.
    pub replaces: Option<&'a Decision>,
    /// Øre accepted in this round.
    pub fee_max_ore: i64,
}

impl Access {
    /// The permit of a series in force, for a command that changes it.
    pub(super) async fn in_force(&self, tx: &mut Tx, series: &str) -> Result<Option<InForce>, AccessError> {
        let Some(row) = sql::current_permit(tx, series).await? else { return Ok(None) };
        let parent = sql::case_to_change(tx, row.case_id).await?;
        self.with_content(tx, row, parent).await.map(Some)
    }

    /// As [`Access::in_force`], to look at alone.
    pub(super) async fn seen_in_force(&self, tx: &mut Tx, series: &str) -> Result<Option<InForce>, AccessError> {
        let Some(row) = sql::current_permit(tx, series).await? else { return Ok(None) };
        let parent = sql::case(tx, row.case_id).await?;
        self.with_content(tx, row, parent).await.map(Some)
    }

    async fn with_content(
        &self,
        tx: &mut Tx,
        row: PermitRow,
        parent: Option<sql::Loaded>,
    ) -> Result<InForce, AccessError> {
        let series = &row.series;
        let parent = parent.ok_or_else(|| AccessError::Damaged(format!("{series} has no case")))?;
        let permit = read_permit(&row)?;
        let content = match sql::in_force(tx, &self.zone, &row.permit_id).await? {
            Some(content) => content,
            // A permit from before versions were kept: what was applied for, cut down to what it grants.
            None => {
                let revision = parent.case.dossier().map_or(1, |dossier| dossier.revision);
                let applied = sql::revision(tx, &self.zone, parent.id, revision).await?;
                let applied = applied.ok_or_else(|| AccessError::Damaged(format!("{series} has no content")))?;
                change::in_force(&applied, &permit)
            }
        };
        Ok(InForce { permit, row, content, parent })
    }

    /// A new version of the decision of a case, with its letter and the permit that it gives.
    pub(super) async fn make_revision(
        &self,
        tx: &mut Tx,
        decided: &Decided,
        loaded: &sql::Loaded,
        decision: &Decision,
        number: &str,
        why: &str,
    ) -> Result<Result<Issue, Problem>, AccessError> {
        let dossier = &decided.dossier;
        let applied = sql::revision(tx, &self.zone, loaded.id, dossier.revision).await?;
        let applied = applied.ok_or_else(|| AccessError::Damaged(format!("case {} has no content", loaded.id)))?;
        let made = match &decided.permit {
            _ if !decision.grants() => Ok(None),
            None => self.first_permit(tx, dossier, &decided.work, &applied, decision, number).await?,
            Some(permit) => {
                let Some(base) = self.in_force(tx, &permit.series).await? else {
                    return Ok(Err(Problem::not_found("permit")));
                };
                if !base.stands() {
                    return Ok(Err(Problem::conflict("permit_standing", "the permit is over; apply anew")));
                }
                let reason = Reason {
                    content: change::redecided(&base.content, &applied, decision),
                    ops: &[],
                    decision: Some((number, decision)),
                    replaces: Some(&decided.decision),
                    fee_max_ore: 0,
                };
                self.next_version(&base, &reason)?.map(Some)
            }
        };
        let made = match made {
            Ok(made) => made,
            Err(problem) => return Ok(Err(problem)),
        };
        let (permit, in_force) = made.map_or((None, None), |made| (made.permit, made.in_force));
        let (letter, digests) = self.lettered(&Lettered {
            case: &dossier.number,
            number,
            content: &applied,
            decision,
            assessments: &decided.work.assessments,
            tasks: &decided.work.tasks,
            fee: decided.work.fee.as_ref(),
            permit: permit.as_ref().map(|(permit, _)| permit),
            ops: &[],
            replaces: Some(why),
        })?;
        let prepared = Prepared {
            number: number.to_owned(),
            letter: digests,
            permit: permit.as_ref().map(|(p, e)| (p.permit_id.clone(), p.series.clone(), sha256_hex(&e.payload.0))),
        };
        let title = applied.text("pub.title").to_owned();
        Ok(Ok(Issue { prepared, letter: Some(letter), permit, title, in_force, person: None, resumes: false }))
    }

    /// The next version of a permit, signed.
    pub(super) fn next_version(
        &self,
        base: &InForce,
        reason: &Reason<'_>,
    ) -> Result<Result<Issue, Problem>, AccessError> {
        let gone = reason.replaces.map(|decision| decision.conditions.as_slice()).unwrap_or_default();
        let mut conditions: Vec<Condition> = base.permit.conditions.clone();
        conditions.retain(|condition| !gone.contains(condition));
        let decision = reason.decision.map(|(_, decision)| decision);
        for condition in decision.map(|decision| decision.conditions.as_slice()).unwrap_or_default() {
            if !conditions.contains(condition) {
                conditions.push(condition.clone());
            }
        }
        let removed: Vec<_> =
            decision.into_iter().flat_map(|d| &d.parts).flat_map(|part| part.removed.iter().cloned()).collect();
        let made = permit::next(&Next {
            previous: &base.permit,
            previous_digest: base.digest()?,
            content: &reason.content,
            status: change::rules::status(reason.ops),
            decision: reason.decision.map_or(base.permit.decision.as_str(), |(number, _)| number),
            conditions: &conditions,
            set: decision,
            removed: &removed,
            extends: reason.ops.iter().any(|op| op.op == change::OpKind::ExtendDuration),
            fee_max_ore: reason.fee_max_ore,
            now: self.zone.now(),
        });
        let permit = match made {
            Ok(permit) => permit,
            Err(error) => return Ok(Err(not_compiled(&error))),
        };
        let content = change::in_force(&reason.content, &permit);
        let issue = self.issue_of(permit, &base.row.title)?;
        Ok(Ok(Issue { in_force: Some(content), ..issue }))
    }

    /// The same version with other words in it: an active person, a status that ends it.
    pub(super) fn restated(&self, row: &PermitRow, change: impl FnOnce(&mut Permit)) -> Result<Issue, AccessError> {
        let mut permit = read_permit(row)?;
        change(&mut permit);
        self.issue_of(permit, &row.title)
    }

    pub(super) fn issue_of(&self, permit: Permit, title: &str) -> Result<Issue, AccessError> {
        let (permit, envelope) = self.sign(permit)?;
        let sha256 = sha256_hex(&envelope.payload.0);
        let prepared = Prepared {
            number: permit.decision.clone(),
            letter: crate::model::LetterRef { pdf: String::new(), json: String::new() },
            permit: Some((permit.permit_id.clone(), permit.series.clone(), sha256)),
        };
        Ok(Issue {
            prepared,
            letter: None,
            permit: Some((permit, envelope)),
            title: title.to_owned(),
            in_force: None,
            person: None,
            resumes: false,
        })
    }

    /// The permit with status EXPIRED, when its last day has passed.
    pub(super) async fn make_expiry(&self, tx: &mut Tx, decided: &Decided) -> Result<Option<Issue>, AccessError> {
        let Some(reference) = &decided.permit else { return Ok(None) };
        let Some(row) = sql::current_permit(tx, &reference.series).await? else { return Ok(None) };
        if read_permit(&row)?.valid_to >= self.zone.clock.today() {
            return Ok(None);
        }
        self.restated(&row, |permit| permit.status = PermitStatus::Expired).map(Some)
    }

    /// The permit in which a person is active (ACC-165), and the person's id.
    pub(super) async fn make_active(
        &self,
        tx: &mut Tx,
        decided: &Decided,
        account: &str,
        person: Option<&str>,
    ) -> Result<Result<Issue, Problem>, AccessError> {
        let Some(reference) = &decided.permit else {
            return Ok(Err(Problem::conflict("no_permit", "the decision gave no permit")));
        };
        let Some(row) = sql::current_permit(tx, &reference.series).await? else {
            return Ok(Err(Problem::not_found("permit")));
        };
        let permit = read_permit(&row)?;
        let waiting: Vec<&str> = permit.persons.iter().filter(|p| !p.active).map(|p| p.id.as_str()).collect();
        let person = match (person, waiting.as_slice()) {
            (Some(person), _) if waiting.contains(&person) => person.to_owned(),
            (None, [only]) => (*only).to_owned(),
            (Some(_), _) => return Ok(Err(Problem::conflict("not_waiting", "nobody of that id waits for access"))),
            (None, _) => return Ok(Err(Problem::invalid("person", "required", "say which person you are"))),
        };
        // One login stands for one person: nobody accepts for a colleague.
        if decided.after.persons.values().any(|terms| terms.account == account) {
            return Ok(Err(Problem::forbidden("same_person")));
        }
        let issue = self.restated(&row, |permit| {
            for known in permit.persons.iter_mut().filter(|known| known.id == person) {
                known.active = true;
            }
        })?;
        Ok(Ok(Issue { person: Some(person), ..issue }))
    }

    /// Writes to the case of the permit what another case, or an appeal, has done to it.
    pub(super) async fn append_to(
        &self,
        tx: &mut Tx,
        parent: sql::Loaded,
        events: Vec<Event>,
        permit: Option<&Permit>,
        by: &By<'_>,
    ) -> Result<sql::Loaded, AccessError> {
        let (events, mut after) = self.append(tx, parent, events, by).await?;
        sql::put_case(tx, &mut after, self.zone.now()).await?;
        // The public register and the parties follow what was done from elsewhere, too.
        self.tell_others(tx, &after, &events, None, permit).await?;
        Ok(after)
    }

    /// The event for the case of the permit when a version was made elsewhere.
    pub(super) fn version_event(issue: &Issue, decision: Option<&str>, ops: &[Op]) -> Option<Event> {
        let (permit_id, _, sha256) = issue.prepared.permit.clone()?;
        Some(Event::PermitVersionIssued {
            permit_id,
            sha256,
            decision: decision.map(str::to_owned),
            paths: ops.iter().map(|op| op.path.clone()).collect(),
            resumes: false,
        })
    }

    /// Lets permits end whose last day has passed. Gives how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn expire_permits(&self) -> Result<usize, Problem> {
        let today = self.zone.clock.today();
        let due = self.zone.store.read("access.expiring", async |tx: &mut Tx| sql::expiring(tx, today).await).await;
        let mut ended = 0;
        for case in due.map_err(Problem::from)? {
            match self.by_clock(case, crate::model::Command::Expire {}, None).await {
                Ok(_) => ended += 1,
                // Somebody was quicker; the next round sees it.
                Err(Problem::Conflict { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(ended)
    }
}
