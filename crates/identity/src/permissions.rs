//! The one decision who may do what: [`can`], over the committed table `permissions.csv` (action, who, where, kind,
//! hidden). What is not in the table is denied. Commands inside a case have a table of their own in the area of cases.
//!
//! - *who*: `anyone` (also without login), `login` (every account), or roles separated by blanks.
//! - *where*: `any` object; `own` ones (the object's owner is the actor, or the one the actor represents); those of the
//!   actor's `organisation`; those within the `scope` of the role (a source, a room).
//! - *kind*: kind of the audit entry of a denied attempt.
//! - *hidden*: whether the existence of the object itself is protected: 404 instead of 403.

use std::collections::HashMap;
use std::sync::LazyLock;

use audit::{Detail, Entry, Kind, Purpose, Zone};
use kernel::Problem;

use crate::{AccountId, Actor, Role};

/// What somebody wants to do: `<area>.<verb>` as in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Action(pub &'static str);

/// What it is to be done to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    kind: &'static str,
    id: String,
    owner: Option<AccountId>,
    organisation: Option<String>,
    scope: Option<String>,
}

impl Object {
    /// The object `id` of a kind.
    pub fn new(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self { kind, id: id.to_string(), owner: None, organisation: None, scope: None }
    }

    /// No certain object: a list, a page, something that does not exist yet.
    pub fn any(kind: &'static str) -> Self {
        Self::new(kind, "any")
    }

    /// Whose it is.
    #[must_use]
    pub fn owned_by(mut self, account: AccountId) -> Self {
        self.owner = Some(account);
        self
    }

    /// Which organisation's it is.
    #[must_use]
    pub fn of_organisation(mut self, slug: impl Into<String>) -> Self {
        self.organisation = Some(slug.into());
        self
    }

    /// Which source or room it belongs to.
    #[must_use]
    pub fn within(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

#[derive(Debug)]
enum Who {
    Anyone,
    Login,
    Roles(Vec<Role>),
}

#[derive(Debug)]
enum Where {
    Any,
    Own,
    Organisation,
    Scope,
}

#[derive(Debug)]
struct Row {
    who: Who,
    at: Where,
    kind: Kind,
    hidden: bool,
}

static TABLE: LazyLock<HashMap<&'static str, Row>> = LazyLock::new(|| {
    let rows = include_str!("permissions.csv").lines().skip(1);
    #[expect(clippy::expect_used, reason = "the table is part of the program and every row is read by a test")]
    rows.map(|line| row(line).expect("a row of the table of permissions")).collect()
});

fn row(line: &'static str) -> Option<(&'static str, Row)> {
    let fields: Vec<&str> = line.split(',').collect();
    let [action, who, at, kind, hidden] = fields[..] else { return None };
    let who = match who {
        "anyone" => Who::Anyone,
        "login" => Who::Login,
        roles => Who::Roles(roles.split(' ').map(|r| r.parse().ok()).collect::<Option<_>>()?),
    };
    let at = match at {
        "any" => Where::Any,
        "own" => Where::Own,
        "organisation" => Where::Organisation,
        "scope" => Where::Scope,
        _ => return None,
    };
    let hidden = match hidden {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some((action, Row { who, at, kind: Kind::parse(kind)?, hidden }))
}

/// Whether `actor` may do `action` to `object`. Pure: a denied attempt is recorded by [`authorise`].
///
/// # Errors
/// [`Problem::Forbidden`], or [`Problem::NotFound`] where the existence of the object is protected.
pub fn can(actor: &Actor, action: Action, object: &Object) -> Result<(), Problem> {
    decide(Some(actor), action, object)
}

/// Whether a visitor without login may do `action` to `object`.
///
/// # Errors
/// As [`can`].
pub fn anyone_can(action: Action, object: &Object) -> Result<(), Problem> {
    decide(None, action, object)
}

fn decide(actor: Option<&Actor>, action: Action, object: &Object) -> Result<(), Problem> {
    let Some(row) = TABLE.get(action.0) else { return Err(Problem::forbidden("unknown_action")) };
    let own = |actor: &Actor| object.owner.is_some_and(|o| o == actor.account || Some(o) == actor.on_behalf_of);
    let fits = |actor: &Actor, role: Option<Role>| match row.at {
        Where::Any => true,
        Where::Own => own(actor),
        Where::Organisation => {
            let mut grants = actor.grants.iter().filter(|g| role.is_none_or(|r| r == g.role));
            grants.any(|g| object.organisation.as_ref() == Some(&g.organisation))
        }
        Where::Scope => {
            let scope = object.scope.as_deref();
            role.zip(scope).is_some_and(|(role, scope)| actor.has_for(role, scope))
        }
    };
    let allowed = match (&row.who, actor) {
        (Who::Anyone, None) => matches!(row.at, Where::Any),
        (_, None) => false,
        (Who::Anyone | Who::Login, Some(actor)) => fits(actor, None),
        (Who::Roles(roles), Some(actor)) => roles.iter().any(|r| actor.has(*r) && fits(actor, Some(*r))),
    };
    match (allowed, row.hidden) {
        (true, _) => Ok(()),
        (false, true) => Err(Problem::not_found(object.kind)),
        (false, false) => Err(Problem::forbidden("forbidden")),
    }
}

/// [`can`], and a denied attempt leaves an entry in the zone's log (AUD-003).
///
/// # Errors
/// As [`can`]; [`Problem::Unavailable`] when the denial cannot be recorded.
pub async fn authorise(zone: &Zone, actor: &Actor, action: Action, object: &Object) -> Result<(), Problem> {
    let Err(problem) = can(actor, action, object) else { return Ok(()) };
    let kind = TABLE.get(action.0).map_or(Kind::Admin, |r| r.kind);
    let denied = audit::Action::new(kind, "identity.deny", &[("action", Detail::Code)]);
    let entry = Entry::new(&denied, actor.audit(), audit::Object::new(&object.kind.replace(' ', "_"), &object.id))
        .purpose(Purpose::Security)
        .detail("action", action.0)
        .refused("forbidden");
    let entry = match actor.on_behalf_of {
        Some(account) => entry.on_behalf_of(account.to_string()),
        None => entry,
    };
    zone.log.record_alone(entry).await?;
    Err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Assurance, Grant};
    use kernel::{Id, LangMap};

    fn actor(number: u8, role: Role, scope: Option<&str>) -> Actor {
        Actor {
            account: Id::from_bytes([number; 16]),
            session: None,
            name: LangMap::default(),
            grants: vec![Grant { role, organisation: "fhi".into(), scope: scope.map(str::to_owned) }],
            assurance: Assurance::High,
            on_behalf_of: None,
        }
    }

    /// Every row can be read, and every role of the product may do something.
    #[test]
    fn the_table_is_whole() {
        let lines = include_str!("permissions.csv").lines().count() - 1;
        assert_eq!(TABLE.len(), lines, "an action stands in the table once");
        for (action, row) in TABLE.iter() {
            assert!(action.contains('.'), "{action}");
            if let (Who::Roles(_), Where::Own) = (&row.who, &row.at) {
                assert!(row.hidden, "{action}: other people's things do not exist for one");
            }
        }
    }

    #[test]
    fn what_is_not_listed_is_denied() {
        let admin = actor(1, Role::Administrator, None);
        let all = Object::any("page");
        assert_eq!(can(&admin, Action("no.such"), &all), Err(Problem::forbidden("unknown_action")));
        assert_eq!(can(&admin, Action("case.queue"), &all), Err(Problem::forbidden("forbidden")));
        assert!(can(&admin, Action("identity.grant"), &all).is_ok());
        assert!(anyone_can(Action("catalogue.view"), &all).is_ok());
        assert_eq!(anyone_can(Action("explore.run"), &all), Err(Problem::forbidden("forbidden")));
    }

    #[test]
    fn own_things_are_hidden_from_others() {
        let (one, other) = (actor(1, Role::Citizen, None), actor(2, Role::Citizen, None));
        let things = Object::new("register data", "x").owned_by(one.account);
        assert!(can(&one, Action("citizen.insight"), &things).is_ok());
        assert_eq!(can(&other, Action("citizen.insight"), &things), Err(Problem::not_found("register data")));
        let parent = Actor { on_behalf_of: Some(one.account), ..other };
        assert!(can(&parent, Action("citizen.insight"), &things).is_ok());
        let researcher = actor(1, Role::Researcher, None);
        assert!(can(&researcher, Action("citizen.insight"), &things).is_err(), "the role is missing");
    }

    #[test]
    fn a_role_reaches_as_far_as_its_scope() {
        let npr = actor(1, Role::RegistryHandler, Some("npr"));
        let approve = Action("delivery.approve");
        assert!(can(&npr, approve, &Object::new("delivery", "1").within("npr")).is_ok());
        assert!(can(&npr, approve, &Object::new("delivery", "1").within("lmr")).is_err());
        assert!(can(&npr, approve, &Object::new("delivery", "1")).is_err());
        let whole = actor(1, Role::RegistryHandler, None);
        assert!(can(&whole, approve, &Object::new("delivery", "1").within("lmr")).is_ok());
    }
}
