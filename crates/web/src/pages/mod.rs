//! Pages, a module per task. Each module adds its endpoints to the table.

mod account;
mod find;
mod public;

use axum::response::{IntoResponse, Response};
use kernel::Problem;

use crate::WebError;
use crate::site::Site;
use crate::visitor::Visitor;

pub(crate) fn endpoints(site: Site) -> Site {
    let site = public::endpoints(site);
    let site = find::endpoints(site);
    account::endpoints(site)
}

pub(crate) async fn not_found(visitor: Visitor) -> Response {
    WebError::new(Problem::not_found("page"), Some(&visitor)).into_response()
}

/// Draws a template.
pub(crate) fn draw<T: askama::Template>(visitor: &Visitor, page: &T) -> Result<Response, WebError> {
    match page.render() {
        Ok(html) => Ok(axum::response::Html(html).into_response()),
        Err(error) => {
            tracing::error!(%error, "template");
            Err(WebError::new(Problem::unavailable("page"), Some(visitor)))
        }
    }
}
