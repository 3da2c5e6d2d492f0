//! Work lists of those who have a part in many cases: the tasks of a source, the opinions that an expert is asked for,
//! the proposals that wait for a second person.

use identity::{Actor, Role};
use kernel::Problem;
use store::Tx;

use super::Access;
use crate::clocks::holder::{self, HolderClock};
use crate::model::{Case, Proposal, StateName};
use crate::sql::{self, ListQuery};
use crate::views::{DeliveryLine, ProposalLine, ReviewLine, TaskLine};

/// How many cases are read at a time.
const AT_ONCE: usize = 200;

impl Access {
    /// The tasks of the sources that the actor answers for, in cases that are not over: what is open first, by its day.
    ///
    /// # Errors
    /// `forbidden` for all but registry handlers.
    pub async fn source_tasks(&self, actor: &Actor) -> Result<Vec<TaskLine>, Problem> {
        let handles = |g: &&identity::Grant| g.role == Role::RegistryHandler;
        let sources: Vec<String> = actor.grants.iter().filter(handles).filter_map(|g| g.scope.clone()).collect();
        if sources.is_empty() {
            return Err(self.refusal(actor, audit::Object::new("tasks", "all")).await);
        }
        let today = self.zone.clock.today();
        let query =
            ListQuery { submitted_only: true, sources: Some(&sources), open: Some(true), ..ListQuery::default() };
        let mut lines = Vec::new();
        for loaded in self.every(&query).await? {
            if self.view_of(actor, &loaded.case).is_none() {
                continue;
            }
            let tasks = loaded.case.work().map(|work| work.tasks.clone()).unwrap_or_default();
            for (source, task) in tasks.into_iter().filter(|(source, _)| sources.contains(source)) {
                let late = task.is_overdue(today);
                lines.push(TaskLine { case: self.summary(actor, &loaded), source, task, late });
            }
        }
        lines.sort_by_key(|line| (line.task.is_settled(), line.task.due));
        Ok(lines)
    }

    /// What is to be delivered from the sources that the actor answers for or prepares: what is open first, by its day.
    ///
    /// # Errors
    /// `forbidden` for all but registry handlers and those who prepare data.
    pub async fn holder_deliveries(&self, actor: &Actor) -> Result<Vec<DeliveryLine>, Problem> {
        if !actor.has(Role::RegistryHandler) && !actor.has(Role::DataPreparer) {
            return Err(self.refusal(actor, audit::Object::new("deliveries", "all")).await);
        }
        let today = self.zone.clock.today();
        let decided = Some(StateName::Decided.slug());
        let query = ListQuery { submitted_only: true, state: decided, ..ListQuery::default() };
        let mut lines = Vec::new();
        for loaded in self.every(&query).await? {
            let (Case::Decided(at), Some(_)) = (&loaded.case, self.view_of(actor, &loaded.case)) else { continue };
            let own = |clock: &HolderClock| {
                actor.has_for(Role::RegistryHandler, &clock.source) || actor.has_for(Role::DataPreparer, &clock.source)
            };
            for clock in holder::clocks(at, today).into_iter().filter(own) {
                lines.push(DeliveryLine { case: self.summary(actor, &loaded), clock });
            }
        }
        lines.sort_by_key(|line| (line.clock.delivered.is_some(), line.clock.due.is_none(), line.clock.due));
        Ok(lines)
    }

    /// The cases in which the actor was asked for an opinion: what waits for one first, by its day.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn reviews(&self, actor: &Actor) -> Result<Vec<ReviewLine>, Problem> {
        let account = actor.account.to_string();
        let query = ListQuery { party: Some(&account), ..ListQuery::default() };
        let mut lines = Vec::new();
        for loaded in self.every(&query).await? {
            let Some(opinions) = loaded.case.dossier().map(|dossier| &dossier.opinions) else { continue };
            let Some(own) = opinions.reviewers.get(&account) else { continue };
            if self.view_of(actor, &loaded.case).is_none() {
                continue;
            }
            let given = opinions.reviewers.values().filter(|reviewer| reviewer.opinion.is_some()).count();
            lines.push(ReviewLine {
                case: self.summary(actor, &loaded),
                asked_at: own.asked_at,
                question: own.question.clone(),
                due: own.due,
                given_at: own.opinion.as_ref().map(|opinion| opinion.at),
                voted: opinions.votes.contains_key(&account),
                opinions: (opinions.reviewers.len(), given),
                open: matches!(loaded.case, Case::Processing(_) | Case::AwaitingInfo(_)),
            });
        }
        let waits = |line: &ReviewLine| line.open && line.given_at.is_none();
        lines.sort_by_key(|line| (!waits(line), line.due.is_none(), line.due, std::cmp::Reverse(line.asked_at)));
        Ok(lines)
    }

    /// The proposals that wait for a second person, in the order of the inbox.
    ///
    /// # Errors
    /// `forbidden` for all but those who decide the cases of the body, and the auditor.
    pub async fn proposals(&self, actor: &Actor) -> Result<Vec<ProposalLine>, Problem> {
        let decides = |g: &identity::Grant| g.role == Role::DecisionMaker && g.organisation == self.settings().body;
        if !actor.grants.iter().any(decides) && !actor.has(Role::Auditor) {
            return Err(self.refusal(actor, audit::Object::new("proposals", "all")).await);
        }
        let account = actor.account.to_string();
        let query = ListQuery { submitted_only: true, open: Some(true), ..ListQuery::default() };
        let mut lines = Vec::new();
        for loaded in self.every(&query).await? {
            let Some(proposal) = proposal(&loaded.case) else { continue };
            if self.view_of(actor, &loaded.case).is_none() {
                continue;
            }
            lines.push(ProposalLine {
                case: self.summary(actor, &loaded),
                by: proposal.by.clone(),
                on_behalf_of: proposal.on_behalf_of.clone(),
                at: proposal.at,
                outcome: proposal.decision.outcome,
                own: proposal.by == account || proposal.on_behalf_of.as_deref() == Some(account.as_str()),
            });
        }
        Ok(lines)
    }

    /// The cases of a query, as many as can be paged through.
    async fn every(&self, query: &ListQuery<'_>) -> Result<Vec<sql::Loaded>, Problem> {
        let mut all = Vec::new();
        for from in (0..sql::MOST).step_by(AT_ONCE) {
            let page = ListQuery { from, size: AT_ONCE, ..*query };
            let read = self.zone.store.read("access.list", async |tx: &mut Tx| sql::list(tx, &page).await).await;
            let (rows, _) = read.map_err(Problem::from)?;
            let last = rows.len() < AT_ONCE;
            all.extend(rows);
            if last {
                break;
            }
        }
        Ok(all)
    }
}

/// The proposal that waits for a second person: of a decision, or to end the case because it was not completed.
fn proposal(case: &Case) -> Option<&Proposal> {
    let decision = case.work().and_then(|work| work.proposal.as_ref());
    let ended = || case.dossier().and_then(|dossier| dossier.not_completed.as_deref());
    match case {
        Case::Processing(_) => decision,
        Case::PreScreening(_) | Case::AwaitingInfo(_) => ended(),
        _ => None,
    }
}
