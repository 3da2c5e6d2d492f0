//! Permits with their versions and changes, and appeals.

use serde_json::{Value, json};

use super::Body;
use super::call::{Answer, Call, Command};
use crate::input::Path;
use crate::site::{Site, Who};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/permits/{series}", Who::LoggedIn, permit)
        .get("/api/v1/permits/{series}/current", Who::LoggedIn, current)
        .get("/api/v1/permits/{series}/versions", Who::LoggedIn, versions)
        .get("/api/v1/permits/{series}/deliveries", Who::LoggedIn, deliveries)
        .post("/api/v1/permits/{series}/changes", Who::LoggedIn, change)
        .get("/api/v1/appeals", Who::LoggedIn, appeals)
        .get("/api/v1/appeals/{number}", Who::LoggedIn, appeal)
        .post("/api/v1/appeals/{number}/commands/{name}", Who::LoggedIn, appeal_command)
}

/// A version by its id, or the version in force of a series: an id has one part more.
async fn permit(call: Call, Path(id): Path<String>) -> Answer {
    let (access, actor) = (&call.services.access, call.actor()?);
    const PARTS_OF_A_SERIES: usize = 3;
    if id.split('-').count() > PARTS_OF_A_SERIES {
        return call.json(access.permit_version(actor, &id).await);
    }
    call.json(access.permit(actor, &id).await)
}

async fn current(call: Call, Path(series): Path<String>) -> Answer {
    call.json(call.services.access.permit(call.actor()?, &series).await)
}

/// Every version with what differs, and what may still be done.
async fn versions(call: Call, Path(series): Path<String>) -> Answer {
    call.json(call.services.access.series(call.actor()?, &series).await)
}

async fn deliveries(call: Call, Path(series): Path<String>) -> Answer {
    let found = call.services.deliveries.of_series(call.actor()?, &series).await;
    call.json(found.map_err(Into::into))
}

/// Opens a change: a draft with a copy of what the permit allows.
async fn change(call: Call, Path(series): Path<String>, _: Body<Value>) -> Answer {
    let opened = call.services.access.open_change(call.actor()?, &series).await;
    call.json(opened.map(|id| json!({"id": id})))
}

async fn appeals(call: Call) -> Answer {
    call.json(call.services.access.appeals(call.actor()?).await)
}

async fn appeal(call: Call, Path(number): Path<String>) -> Answer {
    call.json(call.services.access.appeal(call.actor()?, &number).await)
}

async fn appeal_command(call: Call, Path((number, name)): Path<(String, String)>, Body(c): Body<Command>) -> Answer {
    let (access, actor) = (&call.services.access, call.actor()?);
    call.json(access.appeal_command(actor, &number, &name, c.payload, &c.command_id, c.expected_version).await)
}
