//! Who asks, in which language, from which form: read once per request and handed to the handlers.

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{Language, Problem};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::{Services, WebError};

/// Largest form, in bytes.
pub(crate) const FORM_LIMIT: usize = 1 << 20;

/// One request's visitor.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) actor: Option<Actor>,
    pub(crate) lang: Language,
    pub(crate) theme: &'static str,
    /// Token that every form of this visitor carries.
    pub(crate) csrf: String,
    /// Token of the cart; also for visitors without login.
    pub(crate) cart: String,
    pub(crate) cart_count: usize,
    /// Address and query of the request.
    pub(crate) here: String,
    pub(crate) demo: bool,
    /// Key of a text to show once, from a redirect.
    pub(crate) notice: Option<String>,
    /// Lets the script editor bring its styles: named in the policy of this answer alone.
    pub(crate) nonce: String,
    /// Reference number of the request, shown with errors and written to the log.
    pub(crate) reference: String,
    json: bool,
}

impl Visitor {
    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    /// The logged-in account. The guard has let nobody else through where a handler calls this.
    pub(crate) fn actor(&self) -> Result<&Actor, WebError> {
        self.actor.as_ref().ok_or_else(|| WebError::login_required(self))
    }

    /// Turns an area's refusal into this visitor's error page.
    pub(crate) fn fail(&self) -> impl Fn(Problem) -> WebError + '_ {
        |problem| WebError::new(problem, Some(self))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = WebError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        visitor.ok_or_else(|| WebError::new(Problem::unavailable("session"), None))
    }
}

/// A cookie's value.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(n, _)| *n == name).map(|(_, v)| v))
}

/// A cookie line that browsers keep for `seconds`.
pub(crate) fn set_cookie(services: &Services, name: &str, value: &str, seconds: i64) -> HeaderValue {
    let secure = if services.secure_cookies { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&line).unwrap_or(HeaderValue::from_static(""))
}

async fn attach(State(services): State<Services>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let here = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let json = here.starts_with("/api/");
    let lang = cookie(headers, "hap_lang")
        .and_then(|l| l.parse().ok())
        .or_else(|| headers.get("accept-language").and_then(|v| v.to_str().ok()).and_then(preferred))
        .unwrap_or_default();
    let theme = match cookie(headers, "hap_theme") {
        Some("dark") => "dark",
        Some("light") => "light",
        _ => "auto",
    };
    let session = match cookie(headers, "hap_session") {
        Some(token) => services.identity.session(token).await.unwrap_or_default(),
        None => None,
    };
    let notice = cookie(headers, "hap_notice").map(str::to_owned);
    let (cart, new_cart) =
        match cookie(headers, "hap_cart").filter(|c| c.len() == 32 && c.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(cart) => (cart.to_owned(), false),
            None => (services.token(), true),
        };
    let csrf = services.form_token(session.as_ref().map(|s| s.form_secret()).unwrap_or(&cart));
    let cart_count = if new_cart { 0 } else { services.catalogue.cart_count(&cart).await.unwrap_or(0) };
    let reference = services.token().chars().take(8).collect();
    let actor = session.map(|s| s.actor);
    let nonce = services.token();
    let policy = content_policy(&nonce);
    let visitor = Visitor {
        actor,
        lang,
        theme,
        csrf,
        cart,
        cart_count,
        here,
        demo: services.demo,
        notice,
        reference,
        nonce,
        json,
    };
    let cart_cookie = new_cart.then(|| set_cookie(&services, "hap_cart", &visitor.cart, 180 * 86_400));
    let shown = visitor.notice.is_some() && request.method() == Method::GET && !json;
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(line) = cart_cookie {
        headers.append(header::SET_COOKIE, line);
    }
    if shown {
        headers.append(header::SET_COOKIE, set_cookie(&services, "hap_notice", "", 0));
    }
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("content-security-policy", policy);
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// What a page may load: only from here, no inline script, and inline styles only from the script editor (by `nonce`).
fn content_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The first language of an Accept-Language line that we speak.
fn preferred(line: &str) -> Option<Language> {
    line.split(',').find_map(|part| {
        let tag = part.split(';').next().unwrap_or_default().trim();
        tag.split('-').next().and_then(|code| code.parse().ok())
    })
}

/// The layers around every route: session, security headers, compression, and a panic that becomes an error page.
pub(crate) fn layers(router: Router<Services>, services: Services) -> Router<Services> {
    router
        .layer(CatchPanicLayer::custom(|_| WebError::new(Problem::unavailable("page"), None).into_response()))
        .layer(middleware::from_fn_with_state(services, attach))
        .layer(CompressionLayer::new())
}

/// The fields of a form that carries this visitor's token; a form from elsewhere is refused.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field, trimmed; empty when the form lacks it.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.trim())
    }

    /// Every value of a field that may occur several times.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.trim())
    }

    /// The fields of a form, when it carries the visitor's token.
    pub(crate) fn checked(pairs: Vec<(String, String)>, visitor: &Visitor) -> Result<Self, WebError> {
        let fields = Self(pairs);
        if fields.get("_csrf") != visitor.csrf {
            return Err(visitor.fail()(Problem::forbidden("form_token")));
        }
        Ok(fields)
    }

    /// Every field and value, in the order of the form.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|(n, _)| n != "_csrf").map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = WebError;
    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let too_large = |_| {
            visitor.fail()(Problem::invalid("form", "too_large", "the form is larger than 1 MiB: shorten the texts"))
        };
        let bytes = axum::body::to_bytes(body, FORM_LIMIT).await.map_err(too_large)?;
        Fields::checked(form_urlencoded::parse(&bytes).into_owned().collect(), &visitor)
    }
}
