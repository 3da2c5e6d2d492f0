//! Finding data: search, sources, variables, and the cart.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use catalogue::{CartLine, Code, Collection, Facet, Filters, Hit, Page, Source, Variable};

use kernel::Problem;

use super::draw;
use crate::frame::{Frame, encode};
use crate::input::Path;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// Hits on a page.
const PAGE: usize = 20;
/// Codes shown at once on the page of a variable.
const CODES: usize = 200;
/// Related variables on the page of a variable.
const RELATED: usize = 8;

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/find", Who::Anyone, search)
        .get("/find/sources", Who::Anyone, sources)
        .get("/find/source/{id}", Who::Anyone, source)
        .get("/find/variable/{id}", Who::Anyone, variable)
        .get("/cart", Who::Anyone, cart)
        .post("/cart/add", Who::Anyone, cart_add)
        .post("/cart/remove", Who::Anyone, cart_remove)
        .post("/cart/empty", Who::Anyone, cart_empty)
}

/// What the address of a search page says.
#[derive(Default)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) filters: Filters,
    pub(crate) page: usize,
}

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            match &*name {
                "q" => query.text = value.into_owned(),
                "source" if !value.is_empty() => drop(query.filters.sources.insert(value.into_owned())),
                "type" if !value.is_empty() => drop(query.filters.types.insert(value.into_owned())),
                "available" => query.filters.deliverable = value == "yes",
                "page" => query.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        query
    }

    fn address(&self, page: usize) -> String {
        let mut address = format!("/find?q={}", encode(&self.text));
        for source in &self.filters.sources {
            address.push_str(&format!("&source={}", encode(source)));
        }
        for kind in &self.filters.types {
            address.push_str(&format!("&type={}", encode(kind)));
        }
        if self.filters.deliverable {
            address.push_str("&available=yes");
        }
        if page > 0 {
            address.push_str(&format!("&page={page}"));
        }
        address
    }
}

/// A hit with what the page shows of it.
struct Shown {
    variable: Variable,
    source: String,
    why: String,
    in_cart: bool,
}

#[derive(Template)]
#[template(path = "find/search.html")]
struct SearchPage {
    f: Frame,
    query: Query,
    hits: Vec<Shown>,
    total: usize,
    did_you_mean: Option<String>,
    sources: Vec<(Facet, String)>,
    types: Vec<(Facet, String)>,
    earlier: Option<String>,
    later: Option<String>,
    first: usize,
    last: usize,
}

async fn search(
    State(services): State<Services>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let mut query = Query::parse(raw.as_deref());
    let found = |page: usize| services.catalogue.search(&query.text, &query.filters, page.saturating_mul(PAGE), PAGE);
    let mut page = found(query.page);
    if page.hits.is_empty() && page.total > 0 {
        // A page after the last one is the last one.
        let last = (page.total - 1) / PAGE;
        page = found(last);
        query.page = last;
    }
    let from = query.page * PAGE;
    let Page { hits, total, did_you_mean, sources, types } = page;
    let f = Frame::of(&visitor);
    let in_cart = cart_ids(&services, &visitor).await?;
    let model = services.catalogue.model();
    let show = |hit: Hit| {
        let variable = model.variables.get(&hit.variable)?.clone();
        let source = model.sources.get(&variable.source).map(|s| s.name.text(f.lang).to_owned()).unwrap_or_default();
        let why = match hit.matched.is_empty() {
            true => String::new(),
            false => {
                f.tvv("find-why", ("place", &f.t(format!("find-place-{}", hit.place.slug()))), ("word", &hit.matched))
            }
        };
        Some(Shown { in_cart: in_cart.contains(&variable.id), source, why, variable })
    };
    let shown: Vec<Shown> = hits.into_iter().filter_map(show).collect();
    let source_name = |facet: Facet| {
        let name = model.sources.get(&facet.value).map(|s| s.name.text(f.lang).to_owned());
        let name = name.unwrap_or_else(|| facet.value.clone());
        (facet, name)
    };
    let type_name = |facet: Facet| {
        let name = f.t(format!("type-{}", facet.value.replace('_', "-")));
        (facet, name)
    };
    let page = SearchPage {
        total,
        did_you_mean,
        sources: sources.into_iter().map(source_name).collect(),
        types: types.into_iter().map(type_name).collect(),
        earlier: (query.page > 0).then(|| query.address(query.page - 1)),
        later: (from + shown.len() < total).then(|| query.address(query.page + 1)),
        first: from + 1,
        last: from + shown.len(),
        hits: shown,
        query,
        f,
    };
    draw(&visitor, &page)
}

async fn cart_ids(services: &Services, visitor: &Visitor) -> Result<BTreeSet<String>, WebError> {
    let lines = services.catalogue.cart(&visitor.cart).await.map_err(visitor.fail())?;
    Ok(lines.into_iter().map(|l| l.item.variable).collect())
}

#[derive(Template)]
#[template(path = "find/sources.html")]
struct SourcesPage {
    f: Frame,
    sources: Vec<(Source, usize)>,
}

async fn sources(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let model = services.catalogue.model();
    let held = |s: &Source| model.variables.values().filter(|v| v.source == s.id && v.deliverable()).count();
    let sources = services.catalogue.sources().into_iter().map(|s| (held(&s), s)).map(|(n, s)| (s, n)).collect();
    let f = Frame::of(&visitor);
    let crumb = f.t("task-find");
    draw(&visitor, &SourcesPage { f: f.crumb("/find", crumb), sources })
}

#[derive(Template)]
#[template(path = "find/source.html")]
struct SourcePage {
    f: Frame,
    source: Source,
    collections: Vec<(Collection, Vec<Variable>)>,
    in_cart: BTreeSet<String>,
}

async fn source(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let source = services.catalogue.source(&id).map_err(visitor.fail())?;
    let collections = services.catalogue.collections(&id).into_iter();
    let collections = collections.map(|c| (services.catalogue.variables(&c.id), c)).map(|(v, c)| (c, v));
    let mut collections: Vec<(Collection, Vec<Variable>)> = collections.collect();
    // Those that hold something here come first.
    collections.sort_by_key(|(_, variables)| !variables.iter().any(Variable::deliverable));
    let in_cart = cart_ids(&services, &visitor).await?;
    let f = Frame::of(&visitor);
    let (find, all) = (f.t("task-find"), f.t("find-sources"));
    draw(&visitor, &SourcePage { f: f.crumb("/find", find).crumb("/find/sources", all), source, collections, in_cart })
}

#[derive(Template)]
#[template(path = "find/variable.html")]
struct VariablePage {
    f: Frame,
    v: Variable,
    source: Source,
    collection: String,
    in_cart: bool,
    /// Codes that are shown, and how many more there are.
    codes: Vec<Code>,
    more: usize,
    script: Option<String>,
    /// Others of the same collection that can be had here.
    related: Vec<Variable>,
}

async fn variable(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let v = services.catalogue.variable(&id).map_err(visitor.fail())?;
    let source = services.catalogue.source(&v.source).map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let model = services.catalogue.model();
    let collection = model.collections.get(&v.collection).map(|c| c.title.text(f.lang).to_owned()).unwrap_or_default();
    let in_cart = cart_ids(&services, &visitor).await?.contains(&v.id);
    let find = f.t("task-find");
    let f = f.crumb("/find", find).crumb(&format!("/find/source/{}", source.id), source.name.text(visitor.lang));
    let script = example(&v);
    let near = services.catalogue.variables(&v.collection).into_iter();
    let related = near.filter(|other| other.id != v.id && other.deliverable()).take(RELATED).collect();
    draw(
        &visitor,
        &VariablePage {
            codes: v.codes.iter().take(CODES).cloned().collect(),
            more: v.codes.len().saturating_sub(CODES),
            script,
            related,
            in_cart,
            collection,
            source,
            v,
            f,
        },
    )
}

/// A script that tabulates or summarises the variable; none for what the explorer cannot import on its own.
fn example(v: &Variable) -> Option<String> {
    if !v.deliverable() || v.unit_type.as_deref() != Some("PERSON") {
        return None;
    }
    let (store, name) = v.dataset_parts()?;
    let time = match v.temporality? {
        catalogue::Temporality::Fixed => String::new(),
        _ => format!(" {}", v.to.or(v.from)?),
    };
    let short = name.to_lowercase();
    let show = match v.data_type {
        catalogue::DataType::Code => format!("tabulate {short}"),
        _ => format!("summarize {short}"),
    };
    Some(format!("require {store}:1 as d\ncreate-dataset personer\nimport d/{name}{time} as {short}\n{show}\n"))
}

#[derive(Template)]
#[template(path = "find/cart.html")]
struct CartPage {
    f: Frame,
    lines: Vec<CartLine>,
    /// The names of the sources by their ids.
    sources: BTreeMap<String, String>,
    removed: Option<String>,
}

impl CartPage {
    fn source<'a>(&'a self, id: &'a str) -> &'a str {
        self.sources.get(id).map_or(id, String::as_str)
    }
}

async fn cart(
    State(services): State<Services>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let lines = services.catalogue.cart(&visitor.cart).await.map_err(visitor.fail())?;
    let removed = form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "removed")
        .map(|(_, value)| value.into_owned())
        .filter(|id| services.catalogue.variable(id).is_ok());
    let f = Frame::of(&visitor);
    let named = |(id, source): (&String, &Source)| (id.clone(), source.name.text(f.lang).to_owned());
    let sources = services.catalogue.model().sources.iter().map(named).collect();
    draw(&visitor, &CartPage { f, lines, sources, removed })
}

/// Where a form sends its user back to: the page it stood on.
fn back(fields: &Fields, otherwise: &str) -> Response {
    let to = fields.get("back");
    let local = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
    Redirect::to(if local { to } else { otherwise }).into_response()
}

async fn cart_add(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let level = Some(fields.get("granularity")).filter(|g| !g.is_empty());
    if fields.all("variable").all(str::is_empty) {
        return Err(visitor.fail()(Problem::invalid("variable", "none_chosen", "choose at least one variable")));
    }
    for variable in fields.all("variable") {
        services.catalogue.cart_add(&visitor.cart, variable, level).await.map_err(visitor.fail())?;
    }
    Ok(back(&fields, "/cart"))
}

async fn cart_remove(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let variable = fields.get("variable");
    services.catalogue.cart_remove(&visitor.cart, variable).await.map_err(visitor.fail())?;
    Ok(back(&fields, &format!("/cart?removed={}", encode(variable))))
}

async fn cart_empty(State(services): State<Services>, visitor: Visitor, _: Fields) -> Result<Response, WebError> {
    services.catalogue.cart_empty(&visitor.cart).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/cart").into_response())
}
