//! Login (personas, in the demo only), logout, language, theme.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::Persona;
use kernel::Language;
use serde::Deserialize;

use super::draw;
use crate::frame::Frame;
use crate::input::{Path, Query};
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor, cookie, set_cookie};
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/login", Who::Anyone, login_page)
        .post("/login", Who::Anyone, login)
        .post("/logout", Who::Anyone, logout)
        .get("/account", Who::LoggedIn, account)
        .get("/language/{code}", Who::Anyone, language)
        .get("/theme/{name}", Who::Anyone, theme)
}

#[derive(Deserialize)]
struct To {
    to: Option<String>,
}

/// A local address to go to: never another host.
fn local(to: Option<String>) -> String {
    to.filter(|t| t.starts_with('/') && !t.starts_with("//") && !t.contains('\\')).unwrap_or_else(|| "/".to_owned())
}

fn redirect_with(to: &str, cookie_line: HeaderValue) -> Response {
    let mut response = Redirect::to(to).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie_line);
    response
}

#[derive(Template)]
#[template(path = "public/login.html")]
struct Login {
    f: Frame,
    personas: Vec<Persona>,
    to: String,
}

async fn login_page(
    State(services): State<Services>,
    visitor: Visitor,
    Query(to): Query<To>,
) -> Result<Response, WebError> {
    let personas = if services.demo { services.identity.personas() } else { Vec::new() };
    draw(&visitor, &Login { f: Frame::of(&visitor), personas, to: local(to.to) })
}

async fn login(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let token = services.identity.login_persona(fields.get("persona")).await.map_err(visitor.fail())?;
    let to = local(Some(fields.get("to").to_owned()));
    Ok(redirect_with(&to, set_cookie(&services, "hap_session", &token, 8 * 3600)))
}

async fn logout(
    State(services): State<Services>,
    visitor: Visitor,
    headers: axum::http::HeaderMap,
    _fields: Fields,
) -> Result<Response, WebError> {
    if let Some(token) = cookie(&headers, "hap_session") {
        services.identity.logout(token).await.map_err(visitor.fail())?;
    }
    Ok(redirect_with("/", set_cookie(&services, "hap_session", "", 0)))
}

#[derive(Template)]
#[template(path = "public/account.html")]
struct AccountPage {
    f: Frame,
    roles: Vec<(String, String)>,
}

async fn account(visitor: Visitor) -> Result<Response, WebError> {
    let f = Frame::of(&visitor);
    let roles = visitor
        .actor()?
        .grants
        .iter()
        .map(|g| (f.t(format!("role-{}", g.role.slug().replace('_', "-"))), g.organisation.clone()))
        .collect();
    draw(&visitor, &AccountPage { roles, f })
}

async fn language(State(services): State<Services>, Path(code): Path<String>, Query(to): Query<To>) -> Response {
    let language: Language = code.parse().unwrap_or_default();
    redirect_with(&local(to.to), set_cookie(&services, "hap_lang", language.code(), 365 * 86_400))
}

async fn theme(State(services): State<Services>, Path(name): Path<String>, Query(to): Query<To>) -> Response {
    let theme = if name == "dark" { "dark" } else { "light" };
    redirect_with(&local(to.to), set_cookie(&services, "hap_theme", theme, 365 * 86_400))
}
