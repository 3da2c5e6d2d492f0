//! The JSON API: what the pages do, for machines. Paths under `/api/v1`; errors as RFC 9457 documents. A request that
//! changes something is a POST with a JSON body or a DELETE, which no form on another site can send.

mod access;
mod account;
mod alerts;
mod call;
mod catalogue;
mod citizen;
mod desk;
mod explore;
mod files;
mod openapi;
mod oversight;
mod permits;
mod public;
mod roles;

pub(crate) use oversight::newest as newest_entries;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::WebError;
use crate::site::Site;
use crate::visitor::Visitor;

pub(crate) fn endpoints(site: Site) -> Site {
    let site = account::endpoints(site);
    let site = catalogue::endpoints(site);
    let site = explore::endpoints(site);
    let site = access::endpoints(site);
    let site = desk::endpoints(site);
    let site = permits::endpoints(site);
    let site = citizen::endpoints(site);
    let site = public::endpoints(site);
    let site = oversight::endpoints(site);
    let site = roles::endpoints(site);
    alerts::endpoints(site)
}

/// Largest body of a request.
const LIMIT: usize = 4 << 20;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = WebError;
    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let visitor = <Visitor as axum::extract::FromRequestParts<S>>::from_request_parts(&mut parts, state).await?;
        let fail = visitor.fail();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/json") {
            let message = "send the body as application/json";
            return Err(fail(Problem::invalid("content-type", "not_json", message)));
        }
        let too_large = |_| fail(Problem::invalid("body", "too_large", "at most 4 MiB: send less at a time"));
        let bytes = axum::body::to_bytes(body, LIMIT).await.map_err(too_large)?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Body).map_err(|e| {
            let place = format!("line {} column {}", e.line(), e.column());
            fail(Problem::invalid(place, "unreadable", format!("{e}: look at the description of the call")))
        })
    }
}

/// An answer in JSON.
pub(super) fn json<T: Serialize>(visitor: &Visitor, value: Result<T, Problem>) -> Result<Response, WebError> {
    Ok(axum::Json(value.map_err(visitor.fail())?).into_response())
}

/// An id in an address.
pub(super) fn id<T: std::str::FromStr>(visitor: &Visitor, text: &str) -> Result<T, WebError> {
    text.parse().map_err(|_| visitor.fail()(Problem::not_found("address")))
}
