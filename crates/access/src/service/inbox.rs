//! Lists of cases: the own applications, and the inbox of those who handle cases with saved views and commands for
//! several cases at once (ACC-105, ACC-106).

use identity::{Actor, Role};
use kernel::{Id, Problem};
use serde_json::Value;
use store::Tx;

use super::Access;
use crate::error::AccessError;
use crate::model::{Case, CaseId, CommandName, StateName, Track};
use crate::permissions::View;
use crate::sql::{self, ListQuery};
use crate::views::{self, BulkLine, CaseFilter, CaseSummary, Page, SavedView, Wait};

/// Most cases of one action.
const MOST_AT_ONCE: usize = 100;
/// Most saved views of one person.
const MOST_VIEWS: usize = 50;

struct ViewKind;
impl kernel::Kind for ViewKind {
    const NAME: &'static str = "saved view";
}

impl Access {
    /// The applications that the actor takes part in, last changed first.
    ///
    /// # Errors
    /// Those of the database; an unknown state.
    pub async fn own_cases(&self, actor: &Actor, filter: &CaseFilter) -> Result<Page<CaseSummary>, Problem> {
        let account = actor.account.to_string();
        self.listed(actor, filter, ListQuery { party: Some(&account), ..ListQuery::default() }).await
    }

    /// The cases of the body for its staff and the auditor, of the own sources for registry handlers: what is due first
    /// stands first, what is over last.
    ///
    /// # Errors
    /// `forbidden` for everybody else; a filter that names what there is not.
    pub async fn cases(&self, actor: &Actor, filter: &CaseFilter) -> Result<Page<CaseSummary>, Problem> {
        let query = ListQuery { submitted_only: true, ..ListQuery::default() };
        if self.is_staff(actor) || actor.has(Role::Auditor) {
            return self.listed(actor, filter, query).await;
        }
        let of_sources = |g: &&identity::Grant| matches!(g.role, Role::RegistryHandler | Role::DataPreparer);
        let sources: Vec<String> = actor.grants.iter().filter(of_sources).filter_map(|g| g.scope.clone()).collect();
        if sources.is_empty() {
            return Err(self.refusal(actor, audit::Object::new("cases", "all")).await);
        }
        self.listed(actor, filter, ListQuery { sources: Some(&sources), ..query }).await
    }

    /// Whether somebody handles or decides the cases of the body.
    pub(super) fn is_staff(&self, actor: &Actor) -> bool {
        let here = |role: Role| actor.grants.iter().any(|g| g.role == role && g.organisation == self.settings().body);
        here(Role::CaseHandler) || here(Role::DecisionMaker)
    }

    async fn listed(
        &self,
        actor: &Actor,
        filter: &CaseFilter,
        base: ListQuery<'_>,
    ) -> Result<Page<CaseSummary>, Problem> {
        let given = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
        let (state, track, handler) = (given(&filter.state), given(&filter.track), given(&filter.handler));
        let (source, which) = (given(&filter.source), given(&filter.which));
        check(filter)?;
        let account = actor.account.to_string();
        let handler = handler.map(|handler| if handler == "me" { account.clone() } else { handler });
        let size = if filter.size <= 0 { 25 } else { filter.size.min(100) };
        let from = filter.from.max(0);
        let query = ListQuery {
            state: state.as_deref(),
            handler: handler.as_deref(),
            source: source.as_deref(),
            track: track.as_deref(),
            due_by: filter.due_by,
            open: match which.as_deref() {
                Some("open") => Some(true),
                Some("over") => Some(false),
                _ => None,
            },
            search: &filter.q,
            from: usize::try_from(from).unwrap_or(usize::MAX),
            size: usize::try_from(size).unwrap_or(25),
            ..base
        };
        let found = self.zone.store.read("access.list", async |tx: &mut Tx| sql::list(tx, &query).await).await;
        let (rows, found) = found.map_err(Problem::from)?;
        // A state in which a source has no part in the case is not shown to its handlers.
        let visible = rows.iter().filter(|loaded| self.view_of(actor, &loaded.case).is_some());
        let items = visible.map(|loaded| self.summary(actor, loaded)).collect();
        let total = found.min(sql::MOST) as i64;
        Ok(Page { items, total, more: found > sql::MOST, from, size })
    }

    /// A case as lists show it.
    pub(super) fn summary(&self, actor: &Actor, loaded: &sql::Loaded) -> CaseSummary {
        let case = &loaded.case;
        let clock = views::clock(case, self.zone.clock.today());
        let commands = self.commands(actor, case);
        CaseSummary {
            id: loaded.id,
            number: case.dossier().map(|d| d.number.clone()),
            title: loaded.title.clone(),
            state: case.name(),
            outward: views::outward(case.name()),
            version: loaded.version,
            sources: case
                .dossier()
                .map(|d| d.order.sources().into_iter().map(str::to_owned).collect())
                .unwrap_or_default(),
            submitted_at: case.dossier().map(|d| d.submitted_at),
            updated_at: loaded.updated_at,
            waits_for: case.waits_for(),
            handler: case.dossier().and_then(|d| d.handler.clone()),
            due: views::due(case, clock.as_ref()),
            clock,
            next: views::next_step(&commands, case),
            waits: self.waits(actor, case),
        }
    }

    /// What is waited for in a case, as far as the actor is told: handlers of a source of their own task, parties of
    /// nothing but the case itself (ACC-001).
    fn waits(&self, actor: &Actor, case: &Case) -> Vec<Wait> {
        let mut waits = views::waits(case, self.zone.clock.today());
        let own = |wait: &Wait| wait.source.as_ref().is_some_and(|s| actor.has_for(Role::RegistryHandler, s));
        match self.view_of(actor, case) {
            Some((View::ViewFull, _)) => {}
            Some((View::ViewSourcePart, _)) => waits.retain(own),
            _ => waits.clear(),
        }
        waits
    }

    /// The saved views of somebody who handles cases: the own ones, and those that others of the body share.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn saved_views(&self, actor: &Actor) -> Result<Vec<SavedView>, Problem> {
        let (account, staff) = (actor.account.to_string(), self.is_staff(actor));
        let read = async |tx: &mut Tx| sql::saved_views(tx, &account, staff).await;
        self.zone.store.read("access.views", read).await.map_err(|e: AccessError| e.into())
    }

    /// Keeps a filter under a name; one of the same name of the same person is replaced.
    ///
    /// # Errors
    /// A name of no or more than 60 characters, a filter that names what there is not, too many views.
    pub async fn save_view(
        &self,
        actor: &Actor,
        name: &str,
        filter: &CaseFilter,
        shared: bool,
    ) -> Result<SavedView, Problem> {
        let name = name.trim();
        if !(1..=60).contains(&name.chars().count()) {
            return Err(Problem::invalid("name", "length", "give the view a name of 1 to 60 characters"));
        }
        check(filter)?;
        let filter = CaseFilter { from: 0, ..filter.clone() };
        let known = self.saved_views(actor).await?;
        let own: Vec<&SavedView> = known.iter().filter(|view| view.own).collect();
        let id = own.iter().find(|view| view.name == name).map(|view| view.id.clone());
        if id.is_none() && own.len() >= MOST_VIEWS {
            let remedy = format!("at most {MOST_VIEWS} views: delete one first");
            return Err(Problem::conflict("too_many_views", remedy));
        }
        let new = || Id::<ViewKind>::new(self.zone.clock.as_ref(), self.zone.random.as_ref()).to_string();
        let view = SavedView {
            id: id.unwrap_or_else(new),
            name: name.to_owned(),
            filter,
            shared: shared && self.is_staff(actor),
            own: true,
        };
        let account = actor.account.to_string();
        let write = async |tx: &mut Tx| sql::put_saved_view(tx, &account, &view).await;
        self.zone.store.tx("access.view", write).await.map_err(|e: AccessError| Problem::from(e))?;
        Ok(view)
    }

    /// Deletes an own view.
    ///
    /// # Errors
    /// Not found, also when it is somebody else's.
    pub async fn delete_view(&self, actor: &Actor, id: &str) -> Result<(), Problem> {
        let account = actor.account.to_string();
        let write = async |tx: &mut Tx| sql::delete_saved_view(tx, &account, id).await;
        let deleted = self.zone.store.tx("access.view", write).await.map_err(|e: AccessError| Problem::from(e))?;
        if deleted { Ok(()) } else { Err(Problem::not_found("view")) }
    }

    /// Runs one command for several cases. Each gets its own command and its own answer; a refusal in one does not stop
    /// the others (ACC-105).
    ///
    /// # Errors
    /// No case, or more than 100.
    pub async fn bulk(
        &self,
        actor: &Actor,
        cases: &[CaseId],
        name: CommandName,
        payload: &Value,
    ) -> Result<Vec<BulkLine>, Problem> {
        if !(1..=MOST_AT_ONCE).contains(&cases.len()) {
            return Err(Problem::invalid("case", "count", format!("choose 1 to {MOST_AT_ONCE} cases")));
        }
        let mut lines = Vec::new();
        for id in cases {
            let found = self.zone.store.read("access.case", async |tx: &mut Tx| sql::case(tx, *id).await).await;
            let loaded = found.map_err(Problem::from)?;
            let done = match &loaded {
                None => Err(Problem::not_found("case")),
                Some(loaded) => {
                    let (command, version) = (self.own_command_id(), loaded.version);
                    self.command(actor, *id, name.slug(), payload.clone(), &command, version).await
                }
            };
            // Who may not see a case is told no more of it than its id.
            let seen = loaded.filter(|loaded| self.view_of(actor, &loaded.case).is_some());
            lines.push(BulkLine {
                id: *id,
                number: seen.as_ref().and_then(|l| l.case.dossier()).map(|d| d.number.clone()),
                title: seen.map(|l| l.title).unwrap_or_default(),
                refused: done.err(),
            });
        }
        Ok(lines)
    }
}

/// Refuses filters that name what there is not.
fn check(filter: &CaseFilter) -> Result<(), Problem> {
    let known = |name: &str, given: &Option<String>, known: &dyn Fn(&str) -> bool| match given.as_deref() {
        Some(text) if !text.is_empty() && !known(text) => {
            Err(Problem::invalid(name, "unknown", format!("there is no {name} {text}")))
        }
        _ => Ok(()),
    };
    known("state", &filter.state, &|state| StateName::parse(state).is_some())?;
    known("track", &filter.track, &|track| Track::ALL.iter().any(|t| t.slug() == track))?;
    known("which", &filter.which, &|which| matches!(which, "open" | "over" | "all"))
}
