//! Own applications: the list with drafts that will lapse, a new one from the cart, copies, and the way out and in as JSON.

use access::form;
use access::views::{CaseFilter, CaseSummary, PermitView};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::Date;

use super::{cart_items, case_id};
use crate::frame::{Frame, encode};
use crate::input::Path;
use crate::pages::draw;
use crate::upload::Sent;
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// Days after the last change on which a draft lapses (ACC-027), and how long before it is told on the list.
const LAPSES_AFTER: i32 = 180;
const TOLD_BEFORE: i32 = 30;

#[derive(Template)]
#[template(path = "apply/mine.html")]
struct Mine {
    f: Frame,
    /// Each case with the day on which it lapses, when that is near.
    cases: Vec<(CaseSummary, Option<Date>)>,
    permits: Vec<PermitView>,
    logged_in: bool,
}

pub(super) async fn mine(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let (cases, permits) = match &visitor.actor {
        None => (Vec::new(), Vec::new()),
        Some(actor) => {
            let filter = CaseFilter { size: 100, ..CaseFilter::default() };
            let own = services.access.own_cases(actor, &filter).await.map_err(visitor.fail())?.items;
            let ids: Vec<_> = own.iter().map(|c| c.id).collect();
            let permits = services.access.permits(actor).await.map_err(visitor.fail())?;
            let today = services.clock.today();
            let with_lapse = |case: CaseSummary| {
                let lapses = case.updated_at.date_in_oslo().plus_days(LAPSES_AFTER);
                let near = case.number.is_none() && today.plus_days(TOLD_BEFORE) >= lapses;
                (case, near.then_some(lapses))
            };
            (
                own.into_iter().map(with_lapse).collect(),
                permits.into_iter().filter(|p| ids.contains(&p.case_id)).collect(),
            )
        }
    };
    draw(&visitor, &Mine { f: Frame::of(&visitor), cases, permits, logged_in: visitor.actor.is_some() })
}

pub(super) async fn new(
    State(services): State<Services>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, WebError> {
    let items = cart_items(&services, &visitor).await?;
    if items.is_empty() {
        // The button was pressed twice, or the cart was emptied elsewhere: the list shows what there is.
        return Ok(Redirect::to("/apply").into_response());
    }
    let form = if fields.get("form") == form::STATISTICS { form::STATISTICS } else { form::PERSON_LEVEL };
    let id = services.access.create_of(visitor.actor()?, form, items).await.map_err(visitor.fail())?;
    services.catalogue.cart_empty(&visitor.cart).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/apply/{id}")).into_response())
}

/// A new draft with the answers of this application.
pub(super) async fn copy(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    _: Fields,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    let new = services.access.copy_as_new(visitor.actor()?, case).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/apply/{new}")).into_response())
}

/// The application as JSON.
pub(super) async fn export(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    let document = services.access.export(visitor.actor()?, case).await.map_err(visitor.fail())?;
    let name = format!("attachment; filename=\"application-{case}.json\"");
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)], document)
        .into_response())
}

/// An exported application, read into this draft.
pub(super) async fn import(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    // Without a file there is nothing to read, which is told to those alone who may write.
    let document = sent.files.first().map(|file| file.bytes.as_slice()).unwrap_or_default();
    let left_out = services.access.import(visitor.actor()?, case, document).await.map_err(visitor.fail())?;
    let told = if left_out.is_empty() { String::new() } else { format!("?left={}", encode(&left_out.join(", "))) };
    Ok(Redirect::to(&format!("/apply/{id}{told}")).into_response())
}
