//! The audit log: its state for everybody, its entries for the auditor.

use audit::{Purpose, Query};
use axum::extract::State;
use axum::response::Response;
use identity::Role;
use kernel::Problem;
use serde_json::{Value, json};

use super::json;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/audit/status", Who::Anyone, status).get(
        "/api/v1/audit/entries",
        Who::Roles(&[Role::Auditor]),
        entries,
    )
}

async fn status(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let status = services.log.status().await.map_err(|_| Problem::unavailable("the audit log"));
    let told = |s: audit::Status| json!({"origin": s.origin, "size": s.size, "root": s.root, "backlog": s.backlog});
    json(&visitor, status.map(told))
}

/// The newest entries with their bodies. Reading the log is itself logged (AUD-022).
pub(crate) async fn newest(services: &Services, visitor: &Visitor) -> Result<Vec<Value>, WebError> {
    let by = visitor.actor()?.audit();
    let found = services.log.search(by, Purpose::Operations, &Query { limit: 100, ..Query::default() }).await;
    let found = found.map_err(|_| visitor.fail()(Problem::unavailable("the audit log")))?;
    let told = |f: audit::Found| json!({"index": f.index, "kind": f.envelope.k, "time": f.envelope.t, "body": f.body});
    Ok(found.into_iter().map(told).collect())
}

async fn entries(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let found = newest(&services, &visitor).await?;
    json(&visitor, Ok(found))
}
