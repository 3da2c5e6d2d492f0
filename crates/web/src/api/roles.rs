//! Roles of accounts: who holds which, giving and taking.

use axum::extract::State;
use axum::response::Response;
use identity::Grant;
use serde::Deserialize;
use serde_json::json;

use super::{Body, json};
use crate::input::{Path, Query};
use crate::pages::roles::{GIVES, READS, Wanted, account_id};
use crate::site::Site;
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/roles", READS, list)
        .get("/api/v1/roles/{account}", READS, one)
        .post("/api/v1/roles/{account}/give", GIVES, give)
        .post("/api/v1/roles/{account}/take", GIVES, take)
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

async fn give(
    State(services): State<Services>,
    visitor: Visitor,
    Path(account): Path<String>,
    Body(change): Body<RoleChange>,
) -> Result<Response, WebError> {
    let id = account_id(&visitor, &account)?;
    let given = services.identity.grant(visitor.actor()?, id, &change.grant, &change.reason).await;
    json(&visitor, given.map(|()| json!({"id": account})))
}

async fn take(
    State(services): State<Services>,
    visitor: Visitor,
    Path(account): Path<String>,
    Body(change): Body<RoleChange>,
) -> Result<Response, WebError> {
    let id = account_id(&visitor, &account)?;
    let taken = services.identity.revoke(visitor.actor()?, id, &change.grant, &change.reason).await;
    json(&visitor, taken.map(|()| json!({"id": account})))
}
