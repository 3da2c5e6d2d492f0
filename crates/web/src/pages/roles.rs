//! The administrator's pages of roles: who holds which, giving and taking with a reason, and how it came about. The auditor
//! reads them.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use identity::{AccountFilter, AccountId, Grant, Role, RoleChange, RoleHolder};
use kernel::{Problem, Timestamp};
use serde::Deserialize;

use super::draw;
use crate::frame::{Frame, Pager, encode};
use crate::input::{Path, Query};
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// Who gives roles.
pub(crate) const GIVES: Who = Who::Roles(&[Role::Administrator]);
/// Who reads who holds them.
pub(crate) const READS: Who = Who::Roles(&[Role::Administrator, Role::Auditor]);

/// Accounts on a page.
const SIZE: i64 = 25;

pub(super) fn endpoints(site: Site) -> Site {
    let changing = |act: Act| move |services, visitor, account, fields| change(act, services, visitor, account, fields);
    site.get("/roles", READS, list)
        .get("/roles/{account}", READS, one)
        .post("/roles/{account}/give", GIVES, changing(Act::Give))
        .post("/roles/{account}/take", GIVES, changing(Act::Take))
}

/// Which accounts an address asks for.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    from: i64,
}

impl Wanted {
    pub(crate) fn filter(&self) -> Result<AccountFilter<'_>, Problem> {
        let unknown = |()| Problem::invalid("role", "unknown", "choose a role from the list");
        let role = if self.role.is_empty() { None } else { Some(self.role.parse().map_err(unknown)?) };
        Ok(AccountFilter { name: &self.q, role, from: self.from, size: SIZE })
    }
}

/// A role in words, and as a form names it.
struct Held {
    words: String,
    grant: Grant,
}

/// An account in the list.
struct Line {
    account: String,
    name: String,
    roles: Vec<String>,
}

/// A change of a role.
struct Changed {
    at: Timestamp,
    words: String,
    given: bool,
    reason: String,
    by: String,
}

#[derive(Template)]
#[template(path = "oversight/roles.html")]
struct RolesPage {
    f: Frame,
    lines: Vec<Line>,
    q: String,
    role: String,
    roles: Vec<(&'static str, String)>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "oversight/role.html")]
struct RolePage {
    f: Frame,
    account: String,
    name: String,
    held: Vec<Held>,
    changes: Vec<Changed>,
    /// Whether the looker gives roles, and whether this is the looker's own account.
    gives: bool,
    own: bool,
    /// The organisation of the account's first role, which is the likeliest.
    home: String,
    roles: Vec<(&'static str, String)>,
    organisations: Vec<(String, String)>,
}

/// The roles that people can be given, by name. Citizens have theirs by logging in.
fn roles(f: &Frame) -> Vec<(&'static str, String)> {
    let given = Role::ALL.iter().filter(|role| **role != Role::Citizen);
    given.map(|role| (role.slug(), f.t(f.key("role", role.slug())))).collect()
}

/// A role in words: what, where, and for what.
fn words(f: &Frame, organisations: &[(String, String)], grant: &Grant) -> String {
    let known = organisations.iter().find(|(slug, _)| *slug == grant.organisation);
    let organisation = known.map_or(grant.organisation.as_str(), |(_, name)| name);
    let role = f.t(f.key("role", grant.role.slug()));
    match &grant.scope {
        Some(scope) => format!("{role}, {organisation} ({scope})"),
        None => format!("{role}, {organisation}"),
    }
}

async fn organisations(services: &Services, f: &Frame) -> Result<Vec<(String, String)>, Problem> {
    let found = services.identity.organisations().await?;
    Ok(found.into_iter().map(|(slug, name)| (slug, f.l(&name))).collect())
}

async fn list(
    State(services): State<Services>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let filter = wanted.filter().map_err(visitor.fail())?;
    let (found, total) = services.identity.accounts(visitor.actor()?, &filter).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let organisations = organisations(&services, &f).await.map_err(visitor.fail())?;
    let line = |holder: RoleHolder| Line {
        account: holder.account.to_string(),
        name: f.l(&holder.name),
        roles: holder.grants.iter().map(|grant| words(&f, &organisations, grant)).collect(),
    };
    let lines: Vec<Line> = found.into_iter().map(line).collect();
    let address = format!("/roles?q={}&role={}", encode(&wanted.q), encode(&wanted.role));
    let pager = f.pager(&address, wanted.from.max(0), lines.len(), SIZE, total);
    let roles = roles(&f);
    draw(&visitor, &RolesPage { f, lines, q: wanted.q, role: wanted.role, roles, pager })
}

async fn one(
    State(services): State<Services>,
    visitor: Visitor,
    Path(account): Path<String>,
) -> Result<Response, WebError> {
    let (actor, id) = (visitor.actor()?, account_id(&visitor, &account)?);
    let (holder, changes) = services.identity.roles_of(actor, id).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let organisations = organisations(&services, &f).await.map_err(visitor.fail())?;
    let home = holder.grants.first().map(|grant| grant.organisation.clone()).unwrap_or_default();
    let held = |grant: Grant| Held { words: words(&f, &organisations, &grant), grant };
    let changed = |change: RoleChange| Changed {
        at: change.at,
        words: words(&f, &organisations, &change.grant),
        given: change.given,
        reason: change.reason,
        by: f.l(&change.by_name),
    };
    let (held, changes) = (holder.grants.into_iter().map(held).collect(), changes.into_iter().map(changed).collect());
    let (name, roles, crumb) = (f.l(&holder.name), roles(&f), f.t("task-roles"));
    let (gives, own) = (actor.has(Role::Administrator), actor.account == id);
    let f = f.crumb("/roles", crumb);
    draw(&visitor, &RolePage { f, account, name, held, changes, gives, own, home, roles, organisations })
}

pub(crate) fn account_id(visitor: &Visitor, account: &str) -> Result<AccountId, WebError> {
    account.parse().map_err(|_| visitor.fail()(Problem::not_found("account")))
}

/// The role that a form names.
fn named(fields: &Fields) -> Result<Grant, Problem> {
    let role = fields.get("role").parse();
    let role = role.map_err(|()| Problem::invalid("role", "unknown", "choose a role from the list"))?;
    let scope = Some(fields.get("scope").trim().to_owned()).filter(|scope| !scope.is_empty());
    Ok(Grant { role, organisation: fields.get("organisation").to_owned(), scope })
}

/// What is done with a role.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Give,
    Take,
}

impl Act {
    /// Does it in the name of the visitor.
    pub(crate) async fn carry_out(
        self,
        services: &Services,
        visitor: &Visitor,
        account: &str,
        grant: &Grant,
        reason: &str,
    ) -> Result<(), WebError> {
        let (actor, id) = (visitor.actor()?, account_id(visitor, account)?);
        let done = match self {
            Self::Give => services.identity.grant(actor, id, grant, reason).await,
            Self::Take => services.identity.revoke(actor, id, grant, reason).await,
        };
        done.map_err(visitor.fail())
    }
}

async fn change(
    act: Act,
    State(services): State<Services>,
    visitor: Visitor,
    Path(account): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let grant = named(&fields).map_err(visitor.fail())?;
    act.carry_out(&services, &visitor, &account, &grant, fields.get("reason")).await?;
    Ok(Redirect::to(&format!("/roles/{account}")).into_response())
}
