//! The people of a case beside its commands: messages with receipts, remarks, invitations by token, roles handed to
//! colleagues, the exclusion list.

use audit::{Action, Detail, Entry, Kind as AuditKind, Object, Purpose};
use identity::{Actor, Role};
use kernel::{Date, Problem, sha256_hex};
use store::Tx;

use super::{Access, Who, audit_actor};
use crate::error::AccessError;
use crate::model::{CaseId, Command, Ground, Sanction, Visibility};
use crate::permissions::{CaseRole, View};
use crate::sql;
use crate::views::{DelegationView, Done, ExclusionView, NoteView};

const DELEGATE: Action = Action::new(AuditKind::Admin, "case.delegate", &[("role", Detail::Code)]);
const EXCLUDE: Action = Action::new(AuditKind::Admin, "case.exclude", &[("kind", Detail::Code)]);
const READMIT: Action = Action::new(AuditKind::Admin, "case.readmit", &[("kind", Detail::Code)]);
const EXCLUSIONS: Action = Action::new(AuditKind::Admin, "case.exclusions", &[]);

/// Longest time for which a role is handed over.
const MOST_DAYS: i32 = 366;
/// Longest exclusion: five years (63–64).
const MOST_YEARS: i16 = 5;

impl Access {
    /// The messages of a case, the oldest first. What the looker had not read is marked as read by them (ACC-103).
    ///
    /// # Errors
    /// Not found; forbidden for all but the parties, the staff who see the whole case, and the auditor.
    pub async fn messages(&self, actor: &Actor, id: CaseId) -> Result<Vec<NoteView>, Problem> {
        let (_, view, roles) = self.seen(actor, id).await?;
        if view == View::ViewSourcePart {
            return Err(Problem::forbidden("forbidden"));
        }
        let account = actor.account.to_string();
        // The auditor looks and leaves no trace in the case.
        let marks = roles.iter().any(|role| *role != CaseRole::Auditor);
        let read: Result<_, AccessError> = self
            .zone
            .store
            .tx("access.messages", async |tx: &mut Tx| {
                let notes = sql::notes(tx, &self.zone, id, sql::MESSAGE).await?;
                let mut receipts = sql::receipts(tx, id).await?;
                let now = self.zone.now();
                for note in &notes {
                    let known = receipts.iter().any(|(number, by, _)| *number == note.number && *by == account);
                    if marks && note.author != account && !known {
                        sql::put_receipt(tx, id, note.number, &account, now).await?;
                        receipts.push((note.number, account.clone(), now));
                    }
                }
                Ok((notes, receipts))
            })
            .await;
        let (notes, receipts) = read.map_err(Problem::from)?;
        Ok(notes.into_iter().map(|note| note_view(note, &receipts)).collect())
    }

    /// The remarks of a case that the looker may read, the oldest first (ACC-102).
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn remarks(&self, actor: &Actor, id: CaseId) -> Result<Vec<NoteView>, Problem> {
        let (_, view, _) = self.seen(actor, id).await?;
        let read = self
            .zone
            .store
            .read("access.remarks", async |tx: &mut Tx| sql::notes(tx, &self.zone, id, sql::REMARK).await)
            .await;
        let notes = read.map_err(Problem::from)?;
        let account = actor.account.to_string();
        let may_read = |note: &sql::Note| match &note.visibility {
            Visibility::Parties => true,
            _ if view == View::ViewFull || note.author == account => true,
            Visibility::Source(source) => view == View::ViewSourcePart && actor.has_for(Role::RegistryHandler, source),
            Visibility::Staff => false,
        };
        Ok(notes.into_iter().filter(may_read).map(|note| note_view(note, &[])).collect())
    }

    /// Takes part in a case with the token of an invitation's link.
    ///
    /// # Errors
    /// Not found when no open invitation has this token; otherwise those of `accept_invitation`.
    pub async fn accept_invitation(&self, actor: &Actor, token: &str, command_id: &str) -> Result<Done, Problem> {
        super::apply::check_command_id(command_id)?;
        let digest = sha256_hex(token.as_bytes());
        let found =
            self.zone.store.read("access.invited", async |tx: &mut Tx| sql::invited_to(tx, &digest).await).await;
        let id = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("invitation"))?;
        let command = Command::AcceptInvitation { token: token.to_owned() };
        self.run(Who::Person(actor), id, command, Some(command_id), None).await
    }

    /// Hands a role in one case, or in all own cases, to a colleague of the same organisation and role for a time
    /// (ACC-104). Both names stand in the events of what the colleague does then, and count as one person.
    ///
    /// # Errors
    /// `forbidden` when the two do not hold the role at the same organisation; days the wrong way round or too many.
    pub async fn delegate(
        &self,
        actor: &Actor,
        colleague: &Actor,
        role: CaseRole,
        case: Option<CaseId>,
        (from, to): (Date, Date),
    ) -> Result<String, Problem> {
        let held = match role {
            CaseRole::CaseHandler => Role::CaseHandler,
            CaseRole::DecisionMaker => Role::DecisionMaker,
            CaseRole::RegistryHandler => Role::RegistryHandler,
            CaseRole::AppealHandler => Role::AppealHandler,
            _ => return Err(Problem::invalid("role", "unknown", "this role cannot be handed over")),
        };
        let same = |a: &&identity::Grant| {
            a.role == held
                && colleague
                    .grants
                    .iter()
                    .any(|b| (b.role, &b.organisation, &b.scope) == (held, &a.organisation, &a.scope))
        };
        if actor.account == colleague.account || !actor.grants.iter().any(|grant| same(&grant)) {
            return Err(Problem::forbidden("not_a_colleague"));
        }
        if to < from || to < self.zone.clock.today() || to.days() - from.days() > MOST_DAYS {
            return Err(Problem::invalid(
                "valid",
                "range",
                format!("from one day to a later one, at most {MOST_DAYS} days"),
            ));
        }
        if let Some(id) = case {
            let (_, _, roles) = self.seen(actor, id).await?;
            if !roles.contains(&role) {
                return Err(Problem::forbidden("forbidden"));
            }
        }
        let row = sql::DelegationRow {
            id: self.own_command_id(),
            from: actor.account.to_string(),
            to: colleague.account.to_string(),
            role: role.slug().to_owned(),
            case,
            valid: (from, to),
        };
        let written: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.delegate", async |tx: &mut Tx| {
                sql::put_delegation(tx, &row).await?;
                let entry = Entry::new(&DELEGATE, audit_actor(actor, Some(role)), Object::new("account", &row.to));
                self.zone.log.record(tx, entry.purpose(Purpose::Case).detail("role", role.slug())).await?;
                Ok(())
            })
            .await;
        written.map_err(Problem::from)?;
        Ok(row.id)
    }

    /// The roles that the actor has handed over or taken over, from today on.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn delegations(&self, actor: &Actor) -> Result<Vec<DelegationView>, Problem> {
        let (account, today) = (actor.account.to_string(), self.zone.clock.today());
        let rows = self
            .zone
            .store
            .read("access.delegations", async |tx: &mut Tx| sql::delegations(tx, &account, today).await)
            .await
            .map_err(Problem::from)?;
        Ok(rows.into_iter().map(delegation_view).collect())
    }

    /// Every role that is handed over, from today on, for the auditor.
    ///
    /// # Errors
    /// `forbidden` for all but the auditor.
    pub async fn all_delegations(&self, actor: &Actor) -> Result<Vec<DelegationView>, Problem> {
        if !actor.has(Role::Auditor) {
            return Err(self.refusal(actor, Object::new("delegations", "all")).await);
        }
        let today = self.zone.clock.today();
        let read = async |tx: &mut Tx| sql::all_delegations(tx, today).await;
        let rows = self.zone.store.read("access.delegations", read).await.map_err(Problem::from)?;
        Ok(rows.into_iter().map(delegation_view).collect())
    }

    /// Takes a role back that the actor has handed over.
    ///
    /// # Errors
    /// Not found when there is none, or it is somebody else's; the attempt is written down.
    pub async fn end_delegation(&self, actor: &Actor, id: &str) -> Result<(), Problem> {
        let (account, now) = (actor.account.to_string(), self.zone.now());
        let ended = self
            .zone
            .store
            .tx("access.delegate", async |tx: &mut Tx| sql::end_delegation(tx, id, &account, now).await)
            .await
            .map_err(Problem::from)?;
        if ended {
            return Ok(());
        }
        let entry = Entry::new(&DELEGATE, audit_actor(actor, None), Object::new("delegation", id));
        self.record(entry.purpose(Purpose::Case).refused("not_found")).await?;
        Err(Problem::not_found("delegation"))
    }

    /// Excludes a person (account) or an organisation (number) for a time, by a decision under 63–64 (ACC-084).
    ///
    /// # Errors
    /// `forbidden` for all but the body's decision makers; a day in the past or more than five years ahead; no reason;
    /// `hearing_missing`, `sanction_open` or `sanction_dropped` where the ground does not carry it.
    pub async fn exclude(
        &self,
        actor: &Actor,
        party: Excluded<'_>,
        until: Date,
        reason: &str,
        ground: Option<&Ground>,
    ) -> Result<(), Problem> {
        let (kind, id) = party.parts();
        let entry = self.decides_on_exclusions(actor, &EXCLUDE, kind).await?;
        let today = self.zone.clock.today();
        if until <= today || until.year() > today.year() + MOST_YEARS {
            return Err(Problem::invalid("until", "range", format!("a day ahead, at most {MOST_YEARS} years")));
        }
        if kind == "organisation" && !crate::rules::is_orgnr(id) {
            return Err(Problem::invalid("party", "orgnr", "nine digits with a correct check digit expected"));
        }
        if id.is_empty() {
            return Err(Problem::invalid("party", "required", "name a person or an organisation"));
        }
        told_why(reason)?;
        let ground = self.grounded(actor, Sanction::Exclude, Some(party), ground).await?;
        let ground = sql::text(ground).map_err(Problem::from)?;
        let (by, now) = (actor.account.to_string(), self.zone.now());
        let written: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.exclude", async |tx: &mut Tx| {
                sql::put_exclusion(tx, (kind, id), until, (reason, &ground), &by, now).await?;
                self.zone.log.record(tx, entry.clone()).await?;
                Ok(())
            })
            .await;
        written.map_err(Problem::from)
    }

    /// The exclusion list with those that are over, the newest first.
    ///
    /// # Errors
    /// `forbidden` for all but those who handle and decide the cases of the body, and the auditor.
    pub async fn exclusions(&self, actor: &Actor) -> Result<Vec<ExclusionView>, Problem> {
        if !self.is_staff(actor) && !actor.has(Role::Auditor) {
            return Err(self.refusal(actor, Object::new("exclusions", "all")).await);
        }
        let read = self.zone.store.read("access.exclusions", async |tx: &mut Tx| sql::exclusions(tx).await).await;
        let list = read.map_err(Problem::from)?;
        let entry = Entry::new(&EXCLUSIONS, audit_actor(actor, None), Object::new("exclusions", "all"));
        self.record(entry.purpose(Purpose::Case)).await?;
        Ok(list)
    }

    /// Ends an exclusion before its time.
    ///
    /// # Errors
    /// `forbidden` for all but the body's decision makers; no reason; not found when none is in force.
    pub async fn end_exclusion(&self, actor: &Actor, party: Excluded<'_>, reason: &str) -> Result<(), Problem> {
        let (kind, id) = party.parts();
        let entry = self.decides_on_exclusions(actor, &READMIT, kind).await?;
        told_why(reason)?;
        let (by, now, today) = (actor.account.to_string(), self.zone.now(), self.zone.clock.today());
        let written: Result<bool, AccessError> = self
            .zone
            .store
            .tx("access.exclude", async |tx: &mut Tx| {
                let ended = sql::end_exclusion(tx, (kind, id), (&by, reason), today, now).await?;
                if ended {
                    self.zone.log.record(tx, entry.clone()).await?;
                }
                Ok(ended)
            })
            .await;
        if written.map_err(Problem::from)? { Ok(()) } else { Err(Problem::not_found("exclusion")) }
    }

    /// The entry of a change of the exclusion list; who may not change it is refused.
    async fn decides_on_exclusions(
        &self,
        actor: &Actor,
        action: &'static Action,
        kind: &str,
    ) -> Result<Entry, Problem> {
        let by = audit_actor(actor, Some(CaseRole::DecisionMaker));
        let entry = Entry::new(action, by, Object::new("exclusion", kind)).purpose(Purpose::Case).detail("kind", kind);
        self.decides_for_body(actor, entry).await
    }

    /// The entry, when the actor decides for the body. Anybody else is refused, and the attempt written down.
    pub(super) async fn decides_for_body(&self, actor: &Actor, entry: Entry) -> Result<Entry, Problem> {
        let decides =
            actor.grants.iter().any(|g| g.role == Role::DecisionMaker && g.organisation == self.settings.body);
        if decides {
            return Ok(entry);
        }
        self.record(entry.refused("forbidden")).await?;
        Err(Problem::forbidden("forbidden"))
    }

    /// Whether a person may not be let in: asked at each login to a room (ACC-084).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_excluded(&self, party: Excluded<'_>) -> Result<bool, Problem> {
        let today = self.zone.clock.today();
        let (kind, id) = party.parts();
        let found =
            self.zone.store.read("access.excluded", async |tx: &mut Tx| sql::is_excluded(tx, kind, id, today).await);
        found.await.map_err(Problem::from)
    }
}

/// Who is on the exclusion list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Excluded<'a> {
    /// A person, by account.
    Person(&'a str),
    /// An organisation, by number.
    Organisation(&'a str),
}

impl<'a> Excluded<'a> {
    const fn parts(self) -> (&'static str, &'a str) {
        match self {
            Excluded::Person(account) => ("person", account),
            Excluded::Organisation(number) => ("organisation", number),
        }
    }
}

/// A reason that says something, and nobody's identity number.
pub(super) fn told_why(reason: &str) -> Result<(), Problem> {
    if reason.trim().chars().count() < 20 {
        return Err(Problem::invalid("reason", "required", "why, in at least 20 characters"));
    }
    if super::holds_identity_number(reason) {
        return Err(Problem::invalid("reason", "identity_number", "the text seems to hold an identity number"));
    }
    Ok(())
}

fn delegation_view(row: sql::DelegationRow) -> DelegationView {
    DelegationView { id: row.id, from: row.from, to: row.to, role: row.role, case: row.case, valid: row.valid }
}

fn note_view(note: sql::Note, receipts: &[(i64, String, kernel::Timestamp)]) -> NoteView {
    let read = receipts.iter().filter(|(number, _, _)| *number == note.number);
    NoteView {
        read: read.map(|(_, account, at)| (account.clone(), *at)).collect(),
        number: note.number,
        author: note.author,
        role: note.role,
        visibility: note.visibility,
        text: note.text,
        at: note.at,
    }
}
