//! The use cases: authorise, load, decide, and then in one transaction the event, the new row, the audit entry and the
//! outgoing jobs (ACC-003, ACC-004).

mod activity;
mod appeals;
mod apply;
mod archive;
mod beside;
mod change;
mod decide;
mod desk;
mod drafts;
mod feasibility;
mod feed;
mod ground;
mod guidance;
mod history;
mod inbox;
mod known;
mod lodge;
mod look;
mod organisations;
mod outbox;
mod people;
mod permits;
mod register;
mod remind;
mod retention;
mod seal;
mod series;
mod statistics;
mod supervision;
mod tables;
mod told;
mod versions;
mod webhooks;
mod written;

pub use activity::ActivityReport;
pub use appeals::AppealView;
pub use archive::Package;
pub use drafts::{Difference, Overwritten, OverwrittenKind, Saved, mark};
pub use feasibility::{
    CountAnswer, Feasibility, FeasibilityCount, FeasibilityView, MOST_PER_DAY, NotCounted, Released,
};
pub use feed::{Feed, FeedItem};
pub use guidance::Guidance;
pub use history::Replayed;
pub use organisations::{FILLED_IN, Organisation, Organisations, RegisterFile};
pub use outbox::{Mail, MailError, Mailer, OutboxEntry};
pub use people::Excluded;
pub use permits::PermitFollower;
pub use register::changed_on;
pub use remind::reports_due;
pub use retention::Erased;
pub use seal::{LetterForm, Seal, Validity};
pub use series::{ChangeView, PersonView, SeriesAction, SeriesView, VersionView};
pub use statistics::{Durations, Statistics, StatisticsRow};
pub use supervision::{
    AuditOf, Finding, LabelElement, Matter, SUPERVISION_KINDS, Supervised, SupervisionInput, SupervisionRecord,
    Withdrawal,
};
pub use webhooks::{Caller, Hook, HookId, HookInput, NewHook, is_allowed, signature};

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use audit::{Action, Detail, Entry, Kind as AuditKind, Object, Purpose, Zone};
use identity::{Actor, Role};
use kernel::identity_number::{self, Accept};
use kernel::{LangMap, Problem};
use store::{Store, StoreError, Tx, jobs};

use crate::clocks::EndEvent;
use crate::error::AccessError;
use crate::files::{self, Scanner};
use crate::form::VariableFacts;
use crate::model::{Case, CaseId, Declaration, StateName};
use crate::permissions::{self, CaseRole, View, Workflow, sees_everything};
use crate::sql;

/// What is asked of the catalogue. `hap` and the tests give the implementation.
#[async_trait]
pub trait Variables: Send + Sync {
    /// What is known of these variables: those that are published. Unknown ones are left out.
    ///
    /// # Errors
    /// When the catalogue does not answer.
    async fn facts(&self, ids: &[String]) -> Result<Vec<VariableFacts>, Problem>;

    /// The three known ids nearest to an unknown one.
    fn nearest(&self, id: &str) -> Vec<String>;

    /// How many variables of a collection can be applied for, where that is known.
    fn collection_size(&self, _collection: &str) -> Option<usize> {
        None
    }
}

type Near = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// An analysis room on offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Room {
    /// The party's name, e.g. `room:tsd`.
    pub id: String,
    /// Name.
    pub name: LangMap,
}

/// What an installation sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Slug of the access body's organisation: whose case handlers and decision makers see the cases.
    pub body: String,
    /// Rooms on offer.
    pub rooms: Vec<Room>,
    /// Whether all persons are synthetic: letters say so.
    pub synthetic: bool,
    /// Working days from the submission to the public register (ACC-181).
    pub publish_after: u32,
    /// Working days from the decision to the public register.
    pub publish_decision_after: u32,
    /// Address of the site, for messages: `https://hap.example.org`.
    pub site: String,
    /// Whether a mail server is configured.
    pub mail: bool,
    /// Whether webhooks may call the own machine: in tests alone.
    pub loopback_hooks: bool,
    /// Which table of permissions holds.
    pub workflow: Workflow,
    /// Whether each body sends its own invoice, instead of one with a settlement between them (ACC-153).
    pub separate_invoices: bool,
    /// What the statutory clock of new cases measures up to; what their profile says when nothing is set
    /// (`clock.end_event`).
    pub clock_end: Option<EndEvent>,
}

impl Settings {
    /// The usual settings of a body: applications public after one working day, decisions after five.
    pub fn new(body: impl Into<String>, rooms: Vec<Room>) -> Self {
        Self {
            body: body.into(),
            rooms,
            synthetic: false,
            publish_after: 1,
            publish_decision_after: 5,
            site: String::new(),
            mail: false,
            loopback_hooks: false,
            workflow: Workflow::Hap,
            separate_invoices: false,
            clock_end: None,
        }
    }
}

/// Applications, cases, decisions and permits of one access body. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    pub(crate) zone: Zone,
    pub(crate) scanner: Option<Arc<dyn Scanner>>,
    turns: Arc<drafts::Turns>,
    variables: Arc<dyn Variables>,
    settings: Arc<Settings>,
    near: Near,
    feasibility: Option<Arc<dyn Feasibility>>,
    seal: Option<Arc<dyn Seal>>,
    organisations: Option<Arc<dyn Organisations>>,
}

pub(crate) const CREATE: Action = Action::new(AuditKind::Decision, "case.create", &[]);
pub(crate) const COMMAND: Action = Action::new(
    AuditKind::Decision,
    "case.command",
    &[("command", Detail::Code), ("state", Detail::Code), ("version", Detail::Int), ("events", Detail::Codes)],
);
pub(crate) const VIEW: Action = Action::new(AuditKind::Decision, "case.view", &[("view", Detail::Code)]);
pub(crate) const ISSUE: Action =
    Action::new(AuditKind::Decision, "permit.issue", &[("permit", Detail::Digest), ("letter", Detail::Digest)]);
pub(crate) const CHANGE: Action =
    Action::new(AuditKind::Decision, "permit.change", &[("change", Detail::Code), ("permit", Detail::Digest)]);

/// Kind of the jobs that tell the key role about a permit.
const PERMIT_CHANGED: &str = "permit/changed";

impl Access {
    /// The service of the centre's zone.
    pub fn new(zone: Zone, variables: Arc<dyn Variables>, settings: Settings) -> Self {
        let catalogue = variables.clone();
        let near: Near = Arc::new(move |id| catalogue.nearest(id));
        let (turns, settings) = (Arc::default(), Arc::new(settings));
        Self {
            zone,
            scanner: None,
            turns,
            variables,
            settings,
            near,
            feasibility: None,
            seal: None,
            organisations: None,
        }
    }

    /// Brings the tables of this area up to date, and those of the job queue.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), Problem> {
        store.migrate("jobs", jobs::MIGRATIONS).await?;
        store.migrate("access", sql::MIGRATIONS).await?;
        store.migrate("access_versions", sql::VERSIONS).await?;
        store.migrate("access_files", files::sql::MIGRATIONS).await?;
        store.migrate("access-notice", tables::MIGRATIONS).await?;
        store.migrate("access_drafts", drafts::MIGRATIONS).await?;
        store.migrate("access_guidance", guidance::MIGRATIONS).await?;
        store.migrate("access_exclusions", sql::EXCLUSIONS).await?;
        store.migrate("access_feasibility", feasibility::MIGRATIONS).await?;
        store.migrate("access_seal", seal::MIGRATIONS).await?;
        store.migrate("access_supervision", supervision::MIGRATIONS).await?;
        Ok(())
    }

    /// Takes jobs back that a killed process held: news of permits, reminders, mails and calls are not kept waiting for
    /// its lease. Called at the start.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recover(&self) -> Result<(), Problem> {
        let work = async |tx: &mut Tx| -> Result<(), StoreError> {
            for kind in [PERMIT_CHANGED, remind::REMIND, outbox::SEND, webhooks::SEND] {
                jobs::release(tx, kind).await?;
            }
            Ok(())
        };
        Ok(self.zone.store.tx("access recover", work).await.map_err(AccessError::Store)?)
    }

    /// The same service under another table of permissions.
    #[must_use]
    pub fn with_workflow(&self, workflow: Workflow) -> Self {
        Self { settings: Arc::new(Settings { workflow, ..(*self.settings).clone() }), ..self.clone() }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What an actor is in a case. An applicant is nothing else in the own case, so that nobody handles what they
    /// applied for; somebody with a conflict of interest has no part in handling it (ACC-083). Who is nothing else may
    /// hold an invitation.
    pub(crate) fn roles(&self, actor: &Actor, case: &Case) -> Vec<CaseRole> {
        let account = actor.account.to_string();
        if case.applicant() == account {
            return vec![CaseRole::Applicant];
        }
        if case.folder().members.contains_key(&account) {
            return vec![CaseRole::CoApplicant];
        }
        let mut roles = Vec::new();
        if case.folder().interests.get(&account) != Some(&Declaration::Conflict) {
            self.staff_roles(actor, &account, case, &mut roles);
        }
        if actor.has(Role::Auditor) {
            roles.push(CaseRole::Auditor);
        }
        if actor.has(Role::Administrator) {
            roles.push(CaseRole::Administrator);
        }
        if roles.is_empty() {
            roles.push(CaseRole::Outsider);
        }
        roles
    }

    fn staff_roles(&self, actor: &Actor, account: &str, case: &Case, roles: &mut Vec<CaseRole>) {
        let here = |role: Role| actor.grants.iter().any(|g| g.role == role && g.organisation == self.settings.body);
        if here(Role::CaseHandler) {
            roles.push(CaseRole::CaseHandler);
        }
        let opinions = case.dossier().map(|dossier| &dossier.opinions);
        let advice = opinions.and_then(|o| o.advisers.get(account));
        let was = advice.is_some_and(Option::is_some) || case.decided().is_some_and(|d| d.issued_by == account);
        if here(Role::DecisionMaker) || advice.is_some_and(Option::is_none) {
            roles.push(CaseRole::DecisionMaker);
        } else if was {
            roles.push(CaseRole::PastDecisionMaker);
        }
        let sources = case.dossier().map(|d| d.order.sources()).unwrap_or_default();
        let for_a_source = |role: Role| sources.iter().any(|source| actor.has_for(role, source));
        if for_a_source(Role::RegistryHandler) {
            roles.push(CaseRole::RegistryHandler);
        }
        match opinions.and_then(|o| o.reviewers.get(account)) {
            Some(reviewer) if reviewer.opinion.is_none() => roles.push(CaseRole::Reviewer),
            Some(_) => roles.push(CaseRole::PastReviewer),
            None => {}
        }
        if actor.has(Role::AppealHandler) && case.is_appealed() {
            roles.push(CaseRole::AppealHandler);
        }
        if for_a_source(Role::DataPreparer) {
            roles.push(CaseRole::DataPreparer);
        }
    }

    /// ACC-009: in one case nobody holds both an assessing role and one that prepares data or runs a room: neither by the
    /// roles held now, nor by what was done in the case before.
    pub(crate) fn separated(&self, actor: &Actor, case: &Case, role: CaseRole) -> Result<(), Problem> {
        let prepares = actor.roles().any(Role::prepares);
        let apart = match role {
            CaseRole::CaseHandler | CaseRole::DecisionMaker => !prepares,
            CaseRole::DataPreparer => !case.assessors().contains(actor.account.to_string().as_str()),
            _ => true,
        };
        if apart { Ok(()) } else { Err(Problem::forbidden("role_separation")) }
    }

    /// The view that an actor has of a case.
    pub(crate) fn view_of(&self, actor: &Actor, case: &Case) -> Option<(View, Vec<CaseRole>)> {
        let roles = self.roles(actor, case);
        let everything = roles.iter().filter_map(|role| sees_everything(self.settings.workflow, case, *role));
        let view = match everything.reduce(|a, b| a || b) {
            None => permissions::view(case.name(), &roles),
            Some(true) => Some(View::ViewFull),
            // A REMS profile: what our own table would show in full is not shown.
            Some(false) => permissions::view(case.name(), &roles).filter(|view| *view != View::ViewFull),
        };
        view.map(|view| (view, roles))
    }

    /// The case, when the actor may see it. Looks of staff and refusals are written to the log (ACC, section 16).
    pub(crate) async fn seen(
        &self,
        actor: &Actor,
        id: CaseId,
    ) -> Result<(sql::Loaded, View, Vec<CaseRole>), AccessError> {
        let found = self.zone.store.read("access.case", async |tx: &mut Tx| sql::case(tx, id).await).await?;
        let loaded = found.ok_or_else(|| Problem::not_found("case"))?;
        let entry = Entry::new(&VIEW, audit_actor(actor, None), Object::new("case", id)).purpose(Purpose::Case);
        let Some((view, roles)) = self.view_of(actor, &loaded.case) else {
            self.record(entry.refused("forbidden")).await?;
            return Err(Problem::forbidden("forbidden").into());
        };
        if view != View::ViewOwn {
            self.record(entry.detail("view", view.slug())).await?;
        }
        Ok((loaded, view, roles))
    }

    /// The refusal of somebody who sees the case but may not do this, written to the log.
    pub(crate) async fn not_allowed(&self, actor: &Actor, id: CaseId) -> Problem {
        let entry = Entry::new(&VIEW, audit_actor(actor, None), Object::new("case", id)).purpose(Purpose::Case);
        match self.record(entry.refused("forbidden")).await {
            Ok(()) => Problem::forbidden("forbidden"),
            Err(error) => error.into(),
        }
    }

    /// Writes an audit entry in a transaction of its own.
    pub(crate) async fn record(&self, entry: Entry) -> Result<(), AccessError> {
        self.zone
            .store
            .tx("access.audit", async |tx: &mut Tx| -> Result<(), AccessError> {
                self.zone.log.record(tx, entry.clone()).await?;
                Ok(())
            })
            .await
    }

    /// What is known of variables, by id.
    pub(crate) async fn facts(&self, ids: Vec<String>) -> Result<BTreeMap<String, VariableFacts>, Problem> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(self.variables.facts(&ids).await?.into_iter().map(|facts| (facts.id.clone(), facts)).collect())
    }

    pub(crate) fn room_ids(&self) -> Vec<String> {
        self.settings.rooms.iter().map(|room| room.id.clone()).collect()
    }
}

/// Who runs a command: somebody, or a timer.
#[derive(Clone, Copy)]
pub(crate) enum Who<'a> {
    /// Somebody who is logged in.
    Person(&'a Actor),
    /// A timer; what it does for somebody names them (ACC-104).
    Clock(Option<&'a str>),
}

impl Who<'_> {
    /// The account that events name.
    pub(crate) fn account(&self) -> String {
        match self {
            Who::Person(actor) => actor.account.to_string(),
            Who::Clock(_) => "clock".to_owned(),
        }
    }

    /// As the audit log names it.
    pub(crate) fn audit(&self, role: Option<CaseRole>) -> audit::Actor {
        match self {
            Who::Person(actor) => audit_actor(actor, role),
            Who::Clock(_) => audit::Actor::clock(),
        }
    }
}

/// The actor as the log names it, in a role of the case.
pub(crate) fn audit_actor(actor: &Actor, role: Option<CaseRole>) -> audit::Actor {
    let mut named = audit::Actor::person(actor.account.to_string());
    named.session.clone_from(&actor.session);
    named.role = role.map(|role| role.slug().to_owned());
    named.organisation = actor.organisation().map(str::to_owned);
    named
}

/// Whether a text holds a national identity number (IDN-020): then it is stopped.
pub(crate) fn holds_identity_number(text: &str) -> bool {
    !identity_number::scan(text, Accept::Both).is_empty()
}

/// Whether drafts of this state can be worked on.
pub(crate) const fn is_written(state: StateName) -> bool {
    matches!(state, StateName::Draft | StateName::AwaitingInfo)
}
