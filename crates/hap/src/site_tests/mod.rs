//! The whole site in this process, asked without a network: what every endpoint answers to every role, and what it says to
//! hostile and to clumsy visitors.

mod alerts;
mod bad_input;
mod rems;
mod role_table;
mod surface;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::response::Response;
use protocol::peer::Switchboard;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::commands::demo;
use crate::places::Places;
use crate::zones::{self, Net};

/// A demo in a folder; it ends when the sender is dropped.
async fn site(folder: &Path) -> (web::Services, watch::Sender<bool>) {
    let places = Places::new(folder);
    let (running, stop) = watch::channel(false);
    let published = Arc::new(zones::prepare(&places, true, 8181).unwrap());
    let net = Net { published, switchboard: Some(Arc::new(Switchboard::default())), stop };
    (demo::open(&net, &places, synth::Settings { persons: 1500, seed: 1, catalogue: false }).await.unwrap(), running)
}

/// One visitor: cookies and the token that its forms carry.
struct Visitor {
    session: String,
    cart: String,
    token: String,
    account: String,
}

/// The cart of every visitor, so that a run leaves none behind.
const CART: &str = "00112233445566778899aabbccddeeff";

async fn send(router: &Router, visitor: &Visitor, method: &str, path: &str, body: &str) -> Response {
    let kind = match path {
        _ if path.contains("/files?") => "application/octet-stream",
        _ if path.starts_with("/api/") => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    let cookies = format!("hap_session={}; hap_cart={}; hap_lang=nb", visitor.session, visitor.cart);
    let request = Request::builder().method(method).uri(path).header(header::COOKIE, cookies);
    let request = request.header(header::CONTENT_TYPE, kind).body(Body::from(body.to_owned())).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8_lossy(&to_bytes(response.into_body(), 16 << 20).await.unwrap()).into_owned()
}

async fn ask(router: &Router, visitor: &Visitor, path: &str) -> Value {
    serde_json::from_str(&text(send(router, visitor, "GET", path, "").await).await).unwrap()
}

/// Logs in, and reads the form token from a page.
async fn visitor(services: &web::Services, router: &Router, persona: Option<&str>) -> Visitor {
    let session = match persona {
        Some(persona) => services.identity.login_persona(persona).await.unwrap(),
        None => String::new(),
    };
    let mut visitor = Visitor { session, cart: CART.to_owned(), token: String::new(), account: String::new() };
    let page = text(send(router, &visitor, "GET", "/find/variable/npr.somatikk.hovedtilstand", "").await).await;
    let from = page.find("name=\"_csrf\" value=\"").unwrap() + 20;
    visitor.token = page[from..from + 32].to_owned();
    visitor.account = ask(router, &visitor, "/api/v1/me").await["account"].as_str().unwrap_or_default().to_owned();
    visitor
}
