//! Roles handed to colleagues for a time (ACC-104): what the looker has handed over and taken over; for the auditor what
//! everybody has.

use access::permissions::CaseRole;
use access::views::DelegationView;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use identity::{Actor, Role};
use kernel::{Date, Problem};
use serde::Deserialize;

use super::people::People;
use crate::frame::Frame;
use crate::input::{Path, Query};
use crate::pages::draw;
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// The roles that can be handed over, as accounts and as cases name them.
pub(crate) const HANDED_OVER: [(Role, CaseRole); 4] = [
    (Role::CaseHandler, CaseRole::CaseHandler),
    (Role::DecisionMaker, CaseRole::DecisionMaker),
    (Role::RegistryHandler, CaseRole::RegistryHandler),
    (Role::AppealHandler, CaseRole::AppealHandler),
];

/// A role that is handed over.
struct Row {
    id: String,
    from: String,
    to: String,
    role: String,
    /// Id and number of the case; none for all own cases.
    case: Option<(String, String)>,
    valid: (Date, Date),
    /// Whether it holds today.
    holds: bool,
}

#[derive(Template)]
#[template(path = "cases/delegations.html")]
struct Page {
    f: Frame,
    given: Vec<Row>,
    taken: Vec<Row>,
    others: Vec<Row>,
    /// Role and account of those who can take over, with their names.
    colleagues: Vec<(String, String)>,
    /// Whether the looker has a role that can be handed over.
    holds: bool,
    audits: bool,
    case: String,
    today: Date,
    until: Date,
}

#[derive(Deserialize)]
pub(super) struct About {
    #[serde(default)]
    case: String,
}

pub(super) async fn page(
    State(services): State<Services>,
    visitor: Visitor,
    Query(about): Query<About>,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let f = Frame::of(&visitor);
    let account = actor.account.to_string();
    let audits = actor.has(Role::Auditor);
    let own = services.access.delegations(actor).await.map_err(visitor.fail())?;
    let mut all = own.clone();
    if audits {
        let everybody = services.access.all_delegations(actor).await.map_err(visitor.fail())?;
        all.extend(everybody.into_iter().filter(|d| !own.iter().any(|o| o.id == d.id)));
    }
    let accounts = all.iter().flat_map(|d| [d.from.clone(), d.to.clone()]).collect();
    let people = People::of(&services, &f, accounts).await;
    let today = services.clock.today();
    let (mut given, mut taken, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for delegation in all {
        let list = if delegation.from == account {
            &mut given
        } else if delegation.to == account {
            &mut taken
        } else {
            &mut others
        };
        list.push(row(&services, actor, &f, &people, delegation, today).await);
    }
    let mut colleagues = Vec::new();
    for (role, case_role) in HANDED_OVER {
        if !actor.has(role) {
            continue;
        }
        let found = services.identity.colleagues(actor, role).await.map_err(visitor.fail())?;
        let choice = |c: &Actor| (format!("{}:{}", case_role.slug(), c.account), c.display_name(visitor.lang));
        colleagues.extend(found.iter().map(choice));
    }
    let holds = HANDED_OVER.iter().any(|(role, _)| actor.has(*role));
    let until = today.plus_days(14);
    let case = about.case;
    draw(&visitor, &Page { f, given, taken, others, colleagues, holds, audits, case, today, until })
}

async fn row(
    services: &Services,
    actor: &Actor,
    f: &Frame,
    people: &People,
    delegation: DelegationView,
    today: Date,
) -> Row {
    let case = match delegation.case {
        // A case that the looker may not see is told by nothing but that it is one.
        Some(id) => {
            let number = services.access.case(actor, id).await.ok().and_then(|case| case.summary.number);
            Some((id.to_string(), number.unwrap_or_else(|| f.t("delegations-one-case"))))
        }
        None => None,
    };
    Row {
        id: delegation.id,
        from: people.name(f, &delegation.from),
        to: people.name(f, &delegation.to),
        role: f.t(f.key("role", &delegation.role)),
        case,
        valid: delegation.valid,
        holds: delegation.valid.0 <= today,
    }
}

/// A day of a form.
pub(super) fn day(visitor: &Visitor, fields: &Fields, name: &'static str) -> Result<Date, WebError> {
    let wrong = |_| visitor.fail()(Problem::invalid(name, "date", "write the day as 2026-12-31"));
    fields.get(name).parse().map_err(wrong)
}

/// Hands a role over.
pub(super) async fn add(
    State(services): State<Services>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let nobody = || visitor.fail()(Problem::invalid("colleague", "required", "choose a colleague"));
    let (role, colleague) = fields.get("colleague").split_once(':').ok_or_else(nobody)?;
    let (role, case_role) = HANDED_OVER.into_iter().find(|(_, known)| known.slug() == role).ok_or_else(nobody)?;
    let found = services.identity.colleagues(actor, role).await.map_err(visitor.fail())?;
    let colleague = found.into_iter().find(|c| c.account.to_string() == colleague).ok_or_else(nobody)?;
    let valid = (day(&visitor, &fields, "from")?, day(&visitor, &fields, "to")?);
    let case = match fields.get("case") {
        "" => None,
        number => Some(services.access.case_id(actor, number).await.map_err(visitor.fail())?),
    };
    services.access.delegate(actor, &colleague, case_role, case, valid).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/cases/delegations").into_response())
}

/// Takes a role back.
pub(super) async fn end(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    _fields: Fields,
) -> Result<Response, WebError> {
    services.access.end_delegation(visitor.actor()?, &id).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/cases/delegations").into_response())
}
