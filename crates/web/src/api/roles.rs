//! Roles of accounts: who holds which, giving and taking.

use axum::extract::State;
use axum::response::Response;
use identity::Grant;
use serde::Deserialize;
use serde_json::json;

use super::{Body, json};
use crate::input::{Path, Query};
use crate::pages::roles::{Act, GIVES, READS, Wanted, account_id};
use crate::site::Site;
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    let changing = |act: Act| move |services, visitor, account, body| change(act, services, visitor, account, body);
    site.get("/api/v1/roles", READS, list)
        .get("/api/v1/roles/{account}", READS, one)
        .post("/api/v1/roles/{account}/give", GIVES, changing(Act::Give))
        .post("/api/v1/roles/{account}/take", GIVES, changing(Act::Take))
}

async fn list(
    State(services): State<Services>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let filter = wanted.filter().map_err(visitor.fail())?;
    let found = services.identity.accounts(visitor.actor()?, &filter).await;
    json(&visitor, found.map(|(items, total)| json!({"items": items, "total": total})))
}

async fn one(
    State(services): State<Services>,
    visitor: Visitor,
    Path(account): Path<String>,
) -> Result<Response, WebError> {
    let id = account_id(&visitor, &account)?;
    let found = services.identity.roles_of(visitor.actor()?, id).await;
    json(&visitor, found.map(|(holder, history)| json!({"holder": holder, "history": history})))
}

/// A role with why it is given or taken away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleChange {
    grant: Grant,
    reason: String,
}

async fn change(
    act: Act,
    State(services): State<Services>,
    visitor: Visitor,
    Path(account): Path<String>,
    Body(change): Body<RoleChange>,
) -> Result<Response, WebError> {
    act.carry_out(&services, &visitor, &account, &change.grant, &change.reason).await?;
    json(&visitor, Ok(json!({"id": account})))
}
