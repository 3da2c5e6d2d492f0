//! Login of a persona (demo only), and who is logged in.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Body;
use crate::site::{Site, Who};
use crate::visitor::{Visitor, cookie, set_cookie};
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/me", Who::Anyone, me).post("/api/v1/login", Who::Anyone, login).post(
        "/api/v1/logout",
        Who::LoggedIn,
        logout,
    )
}

async fn me(visitor: Visitor) -> Response {
    let roles = visitor.actor.as_ref().map(|a| a.grants.clone()).unwrap_or_default();
    let name = visitor.actor.as_ref().map(|a| a.name.clone());
    axum::Json(json!({"account": visitor.actor.as_ref().map(|a| a.account), "name": name, "roles": roles}))
        .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    persona: String,
}

async fn login(
    State(services): State<Services>,
    visitor: Visitor,
    Body(login): Body<Login>,
) -> Result<Response, WebError> {
    let token = services.identity.login_persona(&login.persona).await.map_err(visitor.fail())?;
    let mut response = axum::Json(json!({"persona": login.persona})).into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(&services, "hap_session", &token, 8 * 3600));
    Ok(response)
}

async fn logout(State(services): State<Services>, visitor: Visitor, headers: HeaderMap) -> Result<Response, WebError> {
    if let Some(token) = cookie(&headers, "hap_session") {
        services.identity.logout(token).await.map_err(visitor.fail())?;
    }
    Ok(axum::Json(json!({})).into_response())
}
