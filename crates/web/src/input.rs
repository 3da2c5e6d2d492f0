//! What stands in an address, read so that a mistake in it ends on the site's own error page and names the place.

use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::request::Parts;
use kernel::Problem;
use serde::de::DeserializeOwned;

use crate::WebError;
use crate::visitor::Visitor;

/// The parameters of an address.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = WebError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebError> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let found = AxumPath::from_request_parts(parts, state).await;
        found.map(|AxumPath(value)| Self(value)).map_err(|_| visitor.fail()(Problem::not_found("address")))
    }
}

/// What stands behind the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = WebError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebError> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        match AxumQuery::from_request_parts(parts, state).await {
            Ok(AxumQuery(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, fault)| fault);
                let (place, fault) = text.split_once(": ").unwrap_or(("address", text));
                Err(visitor.fail()(Problem::invalid(
                    place,
                    "query",
                    format!("{fault}: mend or remove it in the address"),
                )))
            }
        }
    }
}
