//! The citizen's own data: registers, uses, choices, receipts, log, representation.

use axum::extract::State;
use axum::response::Response;
use citizen::ChoiceRequest;
use identity::{AccountId, Role};
use protocol::documents::ChoiceKind;
use serde::Deserialize;
use serde_json::json;

use super::{Body, json};
use crate::input::Path;
use crate::pages::citizen::TEMPLATE_VERSION;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

const CITIZEN: Who = Who::Roles(&[Role::Citizen]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/me/registers", CITIZEN, registers)
        .get("/api/v1/me/usage", CITIZEN, usage)
        .get("/api/v1/me/choices", CITIZEN, choices)
        .post("/api/v1/me/choices", CITIZEN, choose)
        .get("/api/v1/me/receipts/{number}", CITIZEN, receipt)
        .get("/api/v1/me/log", CITIZEN, log)
        .get("/api/v1/me/represented", CITIZEN, represented)
        .post("/api/v1/me/represent", CITIZEN, represent)
}

async fn registers(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.citizen.registers(visitor.actor()?).await)
}

async fn usage(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.citizen.uses(visitor.actor()?).await)
}

async fn choices(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.citizen.choices(visitor.actor()?).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    choice: ChoiceKind,
    scope: String,
    value: bool,
}

async fn choose(
    State(services): State<Services>,
    visitor: Visitor,
    Body(choice): Body<Choice>,
) -> Result<Response, WebError> {
    let request = ChoiceRequest {
        choice: choice.choice,
        scope: choice.scope,
        value: choice.value,
        channel: "api".to_owned(),
        template_version: TEMPLATE_VERSION.to_owned(),
    };
    json(&visitor, services.citizen.choose(visitor.actor()?, &request).await)
}

async fn receipt(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.citizen.receipt(visitor.actor()?, &number).await)
}

async fn log(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.citizen.log(visitor.actor()?).await)
}

async fn represented(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let found = services.identity.represented(visitor.actor()?).await;
    json(
        &visitor,
        found.map(|all| all.into_iter().map(|(id, name)| json!({"account": id, "name": name})).collect::<Vec<_>>()),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Represent {
    account: Option<AccountId>,
}

async fn represent(
    State(services): State<Services>,
    visitor: Visitor,
    Body(wanted): Body<Represent>,
) -> Result<Response, WebError> {
    json(&visitor, services.identity.represent(visitor.actor()?, wanted.account).await.map(|()| json!({})))
}
