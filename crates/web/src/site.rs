//! The table of endpoints: method, address, who may use it. The router is made from the table, so that no address exists
//! without an answer to "who may". The guard runs before the handler: who has no right gets 403 and an audit entry.

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, on};
use identity::Role;
use kernel::Problem;

use crate::held::Held;
use crate::visitor::Visitor;
use crate::{Services, WebError, api, pages};

/// Who may use an endpoint. What a role may do to a certain case or permit is decided by the area behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// Everybody, without login.
    Anyone,
    /// Every logged-in account.
    LoggedIn,
    /// Accounts with one of these roles.
    Roles(&'static [Role]),
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Address with `{parameters}`.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
}

/// Collects endpoints while the router is built.
pub(crate) struct Site {
    router: Router<Services>,
    table: Vec<Endpoint>,
    services: Services,
}

impl Site {
    pub(crate) fn get<H, T>(self, path: &'static str, who: Who, handler: H) -> Self
    where
        H: Handler<T, Services>,
        T: 'static,
    {
        self.add("GET", MethodFilter::GET, path, who, handler)
    }

    pub(crate) fn post<H, T>(self, path: &'static str, who: Who, handler: H) -> Self
    where
        H: Handler<T, Services>,
        T: 'static,
    {
        self.add("POST", MethodFilter::POST, path, who, handler)
    }

    pub(crate) fn delete<H, T>(self, path: &'static str, who: Who, handler: H) -> Self
    where
        H: Handler<T, Services>,
        T: 'static,
    {
        self.add("DELETE", MethodFilter::DELETE, path, who, handler)
    }

    fn add<H, T>(mut self, method: &'static str, filter: MethodFilter, path: &'static str, who: Who, handler: H) -> Self
    where
        H: Handler<T, Services>,
        T: 'static,
    {
        let endpoint = Endpoint { method, path, who };
        self.table.push(endpoint);
        let guard = middleware::from_fn_with_state((self.services.clone(), endpoint), guard);
        self.router = self.router.route(path, on(filter, handler).route_layer(guard));
        self
    }
}

/// Lets a request through when its visitor may use the endpoint. What was written in a form that is not accepted comes
/// back with the answer.
async fn guard(State((services, endpoint)): State<(Services, Endpoint)>, request: Request, next: Next) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>().cloned() else {
        return WebError::new(Problem::unavailable("session"), None).into_response();
    };
    let files = crate::upload::in_parts(request.headers());
    if endpoint.method != "POST" || endpoint.path.starts_with("/api/") || files {
        return decide(services, endpoint, visitor, request, next).await;
    }
    match Held::of(request, &visitor).await {
        Ok((request, held)) => held.with(&services, decide(services.clone(), endpoint, visitor, request, next).await),
        Err(error) => error.into_response(),
    }
}

async fn decide(services: Services, endpoint: Endpoint, visitor: Visitor, request: Request, next: Next) -> Response {
    let allowed = match (endpoint.who, &visitor.actor) {
        (Who::Anyone, _) | (Who::LoggedIn, Some(_)) => true,
        (Who::Roles(roles), Some(actor)) => roles.iter().any(|role| actor.has(*role)),
        (_, None) => {
            let to = crate::frame::encode(&visitor.here);
            return if visitor.wants_json() || endpoint.method == "POST" {
                WebError::login_required(&visitor).into_response()
            } else {
                Redirect::to(&format!("/login?to={to}")).into_response()
            };
        }
    };
    if allowed {
        return next.run(request).await;
    }
    if let Some(actor) = &visitor.actor {
        // The attempt itself is what matters: a log that cannot be written refuses just the same.
        let _ = services.identity.denied(actor, endpoint.method, endpoint.path).await;
    }
    WebError::new(Problem::forbidden("forbidden"), Some(&visitor)).into_response()
}

fn site(services: Services) -> Site {
    let site = Site { router: Router::new(), table: Vec::new(), services };
    let site = pages::endpoints(site);
    api::endpoints(site)
}

/// Every endpoint of the site, in the order of registration.
pub fn endpoints(services: &Services) -> Vec<Endpoint> {
    site(services.clone()).table
}

/// The router of the whole site.
pub fn router(services: Services) -> Router {
    let site = site(services.clone());
    crate::visitor::layers(
        site.router
            .route("/assets/{version}/{name}", axum::routing::get(crate::assets::serve))
            .fallback(pages::not_found)
            .method_not_allowed_fallback(pages::wrong_method),
        services.clone(),
    )
    .with_state(services)
}
