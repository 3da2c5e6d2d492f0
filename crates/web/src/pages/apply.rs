//! Applying: own cases, the form section by section, autosave, submission, and what the applicant does while the case is
//! being decided.

use access::CartItem;
use access::form::FieldKind;
use access::views::{CaseFilter, CaseSummary, DraftView, FieldView, PermitView, SectionView};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{Language, Problem};
use serde_json::Value;

use super::cases::Names;
use super::draw;
use crate::frame::Frame;
use crate::input::{Path, Query};
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/apply", Who::Anyone, mine)
        .post("/apply/new", Who::LoggedIn, new)
        .get("/apply/{id}", Who::LoggedIn, form)
        .get("/apply/{id}/{section}", Who::LoggedIn, form_section)
        .post("/apply/{id}/{section}", Who::LoggedIn, save_section)
        .post("/apply/{id}/autosave", Who::LoggedIn, autosave)
}

/// The cart as an application takes it over: section 1 (ACC-002).
pub(crate) async fn cart_items(services: &Services, visitor: &Visitor) -> Result<Vec<CartItem>, WebError> {
    let lines = services.catalogue.cart(&visitor.cart).await.map_err(visitor.fail())?;
    let item = |line: catalogue::CartLine| CartItem {
        variable_id: line.item.variable,
        role: String::new(),
        necessity: line.item.necessity,
        granularity: line.item.granularity,
    };
    Ok(lines.into_iter().map(item).collect())
}

#[derive(Template)]
#[template(path = "apply/mine.html")]
struct Mine {
    f: Frame,
    cases: Vec<CaseSummary>,
    permits: Vec<PermitView>,
    logged_in: bool,
}

async fn mine(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let (cases, permits) = match &visitor.actor {
        None => (Vec::new(), Vec::new()),
        Some(actor) => {
            let filter = CaseFilter { size: 100, ..CaseFilter::default() };
            let own = services.access.own_cases(actor, &filter).await.map_err(visitor.fail())?.items;
            let ids: Vec<_> = own.iter().map(|c| c.id).collect();
            let permits = services.access.permits(actor).await.map_err(visitor.fail())?;
            (own, permits.into_iter().filter(|p| ids.contains(&p.case_id)).collect())
        }
    };
    draw(&visitor, &Mine { f: Frame::of(&visitor), cases, permits, logged_in: visitor.actor.is_some() })
}

async fn new(State(services): State<Services>, visitor: Visitor, _: Fields) -> Result<Response, WebError> {
    let items = cart_items(&services, &visitor).await?;
    if items.is_empty() {
        // The button was pressed twice, or the cart was emptied elsewhere: the list shows what there is.
        return Ok(Redirect::to("/apply").into_response());
    }
    let id = services.access.create(visitor.actor()?, items).await.map_err(visitor.fail())?;
    services.catalogue.cart_empty(&visitor.cart).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/apply/{id}")).into_response())
}

/// A control of the form: what a template needs to draw one field.
pub(crate) struct Control {
    pub(crate) name: String,
    pub(crate) dom: String,
    pub(crate) label: String,
    pub(crate) help: String,
    pub(crate) editable: bool,
    pub(crate) shape: &'static str,
    pub(crate) value: String,
    pub(crate) second: String,
    pub(crate) options: Vec<(String, String, bool)>,
    pub(crate) rows: Vec<Vec<(String, String, String)>>,
    pub(crate) faults: Vec<String>,
    pub(crate) comments: Vec<(String, Option<String>)>,
}

#[derive(Template)]
#[template(path = "apply/form.html")]
struct FormPage {
    f: Frame,
    id: String,
    version: i64,
    draft: DraftView,
    /// The section that is shown.
    here: Option<SectionView>,
    faulty: bool,
    controls: Vec<Control>,
    command_id: String,
}

async fn form(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    show(&services, &visitor, &id, None, false).await
}

async fn form_section(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, section)): Path<(String, String)>,
    Query(Saved { saved }): Query<Saved>,
) -> Result<Response, WebError> {
    show(&services, &visitor, &id, Some(&section), saved.is_some()).await
}

/// Whether the visitor comes from saving the section.
#[derive(serde::Deserialize)]
struct Saved {
    #[serde(default)]
    saved: Option<String>,
}

async fn show(
    services: &Services,
    visitor: &Visitor,
    id: &str,
    section: Option<&str>,
    saved: bool,
) -> Result<Response, WebError> {
    let case = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let draft = match services.access.draft(visitor.actor()?, case).await {
        Ok(draft) => draft,
        // Once it is submitted there is no draft to fill in: the case's page says what happens.
        Err(Problem::Conflict { .. }) => return Ok(Redirect::to(&format!("/cases/{id}")).into_response()),
        Err(other) => return Err(visitor.fail()(other)),
    };
    let position = |name: &str| draft.sections.iter().position(|s| s.id == name);
    let number = match section {
        Some(name) => position(name).ok_or_else(|| visitor.fail()(Problem::not_found("section")))?,
        None => draft.sections.iter().position(|s| !s.complete).unwrap_or(0),
    };
    let names = Names::of(services, visitor.lang);
    let mut controls =
        draft.sections.get(number).map(|s| controls(s, &draft, &names, visitor.lang)).unwrap_or_default();
    // Nobody is told what is missing in a section that has not been begun.
    if !saved && draft.sections.get(number).is_some_and(|s| !begun(s, &draft)) {
        controls.iter_mut().for_each(|c| c.faults.clear());
    }
    let f = Frame::of(visitor);
    let crumb = f.t("task-apply");
    let page = FormPage {
        f: f.crumb("/apply", crumb),
        id: id.to_owned(),
        version: draft.version,
        here: draft.sections.get(number).cloned(),
        faulty: controls.iter().any(|c| !c.faults.is_empty()),
        controls,
        command_id: super::command_id(services),
        draft,
    };
    draw(visitor, &page)
}

/// Whether the applicant has answered something of a section. Choices and periods that a draft begins with are no answers,
/// nor is what the cart brought with it. A request is about sections that were submitted once.
fn begun(section: &SectionView, draft: &DraftView) -> bool {
    if draft.request.is_some() {
        return true;
    }
    let answered = |field: &FieldView| match field.field.kind {
        FieldKind::VariableCart => draft.cart.iter().any(|l| !l.item.role.is_empty() || !l.item.necessity.is_empty()),
        FieldKind::Computed | FieldKind::Choice | FieldKind::PeriodList => false,
        // The days of access are three years from the beginning until somebody says otherwise.
        FieldKind::Date | FieldKind::DateRange => false,
        _ => field.editable && !plain(&field.value).is_empty() && field.field.default.as_ref() != Some(&field.value),
    };
    section.fields.iter().filter(|f| f.visible).any(answered)
}

/// The controls of a section, from its fields and their values.
fn controls(section: &SectionView, draft: &DraftView, names: &Names, language: Language) -> Vec<Control> {
    section.fields.iter().filter(|v| v.visible).map(|v| super::controls::control(v, draft, names, language)).collect()
}

async fn save_section(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, section)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    save(&services, &visitor, case, &fields).await?;
    let draft = services.access.draft(visitor.actor()?, case).await.map_err(visitor.fail())?;
    let here = draft.sections.iter().position(|s| s.id == section).unwrap_or(0);
    let next = match fields.get("go") {
        "stay" => here,
        _ => (here + 1).min(draft.sections.len().saturating_sub(1)),
    };
    let name = draft.sections.get(next).map(|s| s.id.clone()).unwrap_or_default();
    // Whoever stays sees what is missing there.
    let told = if next == here { "?saved=yes" } else { "" };
    Ok(Redirect::to(&format!("/apply/{id}/{name}{told}")).into_response())
}

async fn autosave(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    save(&services, &visitor, case, &fields).await?;
    let f = Frame::of(&visitor);
    let now = f.time(&services.clock.now());
    Ok(f.tv("apply-saved", "time", now.rsplit(' ').next().unwrap_or_default()).into_response())
}

async fn save(services: &Services, visitor: &Visitor, case: access::CaseId, fields: &Fields) -> Result<(), WebError> {
    let own = |name: &str| !matches!(name, "go" | "command_id" | "version");
    let (cart, other): (Vec<_>, Vec<_>) = fields
        .pairs()
        .filter(|(name, _)| own(name))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .partition(|(name, _)| name.starts_with("cart.items."));
    if !cart.is_empty() {
        services.access.save_cart(visitor.actor()?, case, items(&cart)).await.map_err(visitor.fail())?;
    }
    if !other.is_empty() {
        services.access.save_form(visitor.actor()?, case, &other).await.map_err(visitor.fail())?;
    }
    Ok(())
}

/// The lines of the cart from their form fields: `cart.items.VARIABLE.PROPERTY`.
fn items(pairs: &[(String, String)]) -> Vec<CartItem> {
    let mut items: Vec<CartItem> = Vec::new();
    for (name, value) in pairs {
        let Some((variable, property)) = name.trim_start_matches("cart.items.").rsplit_once('.') else { continue };
        if items.last().is_none_or(|i| i.variable_id != variable) {
            let item = CartItem {
                variable_id: variable.to_owned(),
                role: String::new(),
                necessity: String::new(),
                granularity: String::new(),
            };
            items.push(item);
        }
        if let Some(item) = items.last_mut() {
            match property {
                "role" => item.role = value.clone(),
                "necessity" => item.necessity = value.clone(),
                "granularity" => item.granularity = value.clone(),
                _ => {}
            }
        }
    }
    items
}

/// A value as one line of text.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map.values().map(plain).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" – "),
    }
}
