//! What those who handle cases have to do, who stands in for whom, and who is excluded.

use access::Excluded;
use access::permissions::CaseRole;
use axum::extract::State;
use axum::response::Response;
use identity::Role;
use kernel::{Date, Problem};
use serde::Deserialize;
use serde_json::json;

use super::{Body, json};
use crate::input::Path;
use crate::pages::cases::HOLDERS;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

const BODY: Who = Who::Roles(&[Role::CaseHandler, Role::DecisionMaker, Role::Auditor]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/tasks", Who::Roles(&[Role::RegistryHandler]), tasks)
        .get("/api/v1/reviews", Who::LoggedIn, reviews)
        .get("/api/v1/proposals", Who::Roles(&[Role::DecisionMaker, Role::Auditor]), proposals)
        .get("/api/v1/delegations", HOLDERS, delegations)
        .post("/api/v1/delegations", HOLDERS, delegate)
        .post("/api/v1/delegations/{id}/end", HOLDERS, end_delegation)
        .get("/api/v1/exclusions", BODY, exclusions)
        .post("/api/v1/exclusions", BODY, exclude)
        .post("/api/v1/exclusions/end", BODY, end_exclusion)
}

async fn tasks(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.source_tasks(visitor.actor()?).await)
}

async fn reviews(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.reviews(visitor.actor()?).await)
}

async fn proposals(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.proposals(visitor.actor()?).await)
}

async fn delegations(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let found = if actor.has(Role::Auditor) {
        services.access.all_delegations(actor).await
    } else {
        services.access.delegations(actor).await
    };
    json(&visitor, found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handover {
    /// Account of the colleague.
    to: String,
    /// `case_handler`, `decision_maker`, `registry_handler` or `appeal_handler`.
    role: String,
    /// Number of the case; none for all own cases.
    #[serde(default)]
    case: Option<String>,
    from: Date,
    until: Date,
}

async fn delegate(
    State(services): State<Services>,
    visitor: Visitor,
    Body(wanted): Body<Handover>,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let roles = crate::pages::cases::HANDED_OVER;
    let role: Option<(Role, CaseRole)> = roles.into_iter().find(|(_, role)| role.slug() == wanted.role);
    let unknown = || visitor.fail()(Problem::invalid("role", "unknown", "this role cannot be handed over"));
    let (held, role) = role.ok_or_else(unknown)?;
    let colleagues = services.identity.colleagues(actor, held).await.map_err(visitor.fail())?;
    let colleague = colleagues.into_iter().find(|colleague| colleague.account.to_string() == wanted.to);
    let colleague = colleague.ok_or_else(|| visitor.fail()(Problem::forbidden("not_a_colleague")))?;
    let case = match &wanted.case {
        Some(number) => Some(services.access.case_id(actor, number).await.map_err(visitor.fail())?),
        None => None,
    };
    let valid = (wanted.from, wanted.until);
    let made = services.access.delegate(actor, &colleague, role, case, valid).await;
    json(&visitor, made.map(|id| json!({"id": id})))
}

async fn end_delegation(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let ended = services.access.end_delegation(visitor.actor()?, &id).await;
    json(&visitor, ended.map(|()| json!({"id": id})))
}

async fn exclusions(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.access.exclusions(visitor.actor()?).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusion {
    /// `person` or `organisation`.
    kind: String,
    /// Account, or number of the organisation.
    party: String,
    until: Date,
    reason: String,
    /// How the party was heard: a notice in a case, another hearing, or why not.
    #[serde(default)]
    ground: Option<access::Ground>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Readmission {
    kind: String,
    party: String,
    reason: String,
}

/// Who is meant.
fn party<'a>(visitor: &Visitor, kind: &str, party: &'a str) -> Result<Excluded<'a>, WebError> {
    match kind {
        "person" => Ok(Excluded::Person(party)),
        "organisation" => Ok(Excluded::Organisation(party)),
        _ => Err(visitor.fail()(Problem::invalid("kind", "unknown", "person or organisation"))),
    }
}

async fn exclude(
    State(services): State<Services>,
    visitor: Visitor,
    Body(wanted): Body<Exclusion>,
) -> Result<Response, WebError> {
    let who = party(&visitor, &wanted.kind, &wanted.party)?;
    let ground = wanted.ground.as_ref();
    let done = services.access.exclude(visitor.actor()?, who, wanted.until, &wanted.reason, ground).await;
    json(&visitor, done.map(|()| json!({"party": wanted.party})))
}

async fn end_exclusion(
    State(services): State<Services>,
    visitor: Visitor,
    Body(wanted): Body<Readmission>,
) -> Result<Response, WebError> {
    let who = party(&visitor, &wanted.kind, &wanted.party)?;
    let done = services.access.end_exclusion(visitor.actor()?, who, &wanted.reason).await;
    json(&visitor, done.map(|()| json!({"party": wanted.party})))
}
