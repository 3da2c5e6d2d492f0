//! Pages, a module per task. Each module adds its endpoints to the table.

mod account;
pub(crate) mod alerts;
pub(crate) mod apply;
pub(crate) mod cases;
pub(crate) mod citizen;
mod explore;
pub(crate) mod exports;
pub(crate) mod find;
mod oversight;
mod permits;
mod public;
mod publicity;
pub(crate) mod roles;
pub(crate) mod supervision;
mod why;

use axum::response::{IntoResponse, Response};
use kernel::Problem;

use crate::WebError;
use crate::site::Site;
use crate::visitor::Visitor;

pub(crate) fn endpoints(site: Site) -> Site {
    let site = public::endpoints(site);
    let site = why::endpoints(site);
    let site = find::endpoints(site);
    let site = explore::endpoints(site);
    let site = apply::endpoints(site);
    let site = permits::endpoints(site);
    let site = cases::endpoints(site);
    let site = citizen::endpoints(site);
    let site = oversight::endpoints(site);
    let site = publicity::endpoints(site);
    let site = supervision::endpoints(site);
    let site = alerts::endpoints(site);
    let site = roles::endpoints(site);
    account::endpoints(site)
}

/// An id for a command of this page: sent twice, the command is carried out once (ACC-004).
pub(crate) fn command_id(services: &crate::Services) -> String {
    let t = services.token();
    format!("{}-{}-4{}-8{}-{}", &t[..8], &t[8..12], &t[13..16], &t[17..20], &t[20..32])
}

pub(crate) async fn not_found(visitor: Visitor) -> Response {
    WebError::new(Problem::not_found("page"), Some(&visitor)).into_response()
}

pub(crate) async fn wrong_method(visitor: Visitor) -> Response {
    WebError::wrong_method(&visitor).into_response()
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
