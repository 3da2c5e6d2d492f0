//! Search, sources, variables and the cart.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{Body, json};
use crate::input::Path;
use crate::pages::find::Query;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/api/v1/catalogue/search", Who::Anyone, search)
        .get("/api/v1/catalogue/sources", Who::Anyone, sources)
        .get("/api/v1/catalogue/variables/{id}", Who::Anyone, variable)
        .get("/api/v1/cart", Who::Anyone, cart)
        .post("/api/v1/cart", Who::Anyone, add)
        .post("/api/v1/cart/remove", Who::Anyone, remove)
}

async fn search(
    State(services): State<Services>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let query = Query::parse(raw.as_deref());
    let page = services.catalogue.search(&query.text, &query.filters, query.page.saturating_mul(50), 50);
    json(&visitor, Ok(page))
}

async fn sources(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, Ok(services.catalogue.sources()))
}

async fn variable(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    json(&visitor, services.catalogue.variable(&id))
}

async fn cart(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    json(&visitor, services.catalogue.cart(&visitor.cart).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    variable: String,
    granularity: Option<String>,
}

async fn add(State(services): State<Services>, visitor: Visitor, Body(item): Body<Item>) -> Result<Response, WebError> {
    let added = services.catalogue.cart_add(&visitor.cart, &item.variable, item.granularity.as_deref()).await;
    json(&visitor, added.map(|()| json!({"variable": item.variable})))
}

async fn remove(
    State(services): State<Services>,
    visitor: Visitor,
    Body(item): Body<Item>,
) -> Result<Response, WebError> {
    let removed = services.catalogue.cart_remove(&visitor.cart, &item.variable).await;
    json(&visitor, removed.map(|()| json!({"variable": item.variable})))
}
