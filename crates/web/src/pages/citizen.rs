//! The citizen's pages: what is registered, who used it, choices with receipts, own log, acting for a child.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use citizen::{ChoiceRequest, Choices, LogLine, Receipt, Register, Uses};
use identity::{AccountId, Role};
use kernel::{LangMap, Problem};
use protocol::calls::InsightStatus;
use protocol::documents::ChoiceKind;

use super::draw;
use crate::frame::Frame;
use crate::input::Path;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// Version of the texts that a choice is made under; it is part of the receipt.
pub(crate) const TEMPLATE_VERSION: &str = "1";

const CITIZEN: Who = Who::Roles(&[Role::Citizen]);

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/me", CITIZEN, overview)
        .get("/me/uses", CITIZEN, uses)
        .get("/me/choices", CITIZEN, choices)
        .post("/me/choices", CITIZEN, choose)
        .get("/me/receipts/{number}", CITIZEN, receipt)
        .get("/me/log", CITIZEN, log)
        .post("/me/represent", CITIZEN, represent)
}

#[derive(Template)]
#[template(path = "citizen/overview.html")]
struct Overview {
    f: Frame,
    rows: Vec<(Register, &'static str)>,
    children: Vec<(AccountId, LangMap)>,
}

async fn overview(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let registers = services.citizen.registers(visitor.actor()?).await.map_err(visitor.fail())?;
    let children = services.identity.represented(visitor.actor()?).await.map_err(visitor.fail())?;
    let rows = registers.registers.iter().map(|r| (r.clone(), status(r.status))).collect();
    draw(&visitor, &Overview { f: Frame::of(&visitor), rows, children })
}

/// The answer of a register as part of a text key.
const fn status(status: InsightStatus) -> &'static str {
    match status {
        InsightStatus::Found => "found",
        InsightStatus::None => "none",
        InsightStatus::Unavailable => "unavailable",
        InsightStatus::NotIdentifiable => "not-identifiable",
        InsightStatus::Manual => "manual",
    }
}

#[derive(Template)]
#[template(path = "citizen/uses.html")]
struct UsesPage {
    f: Frame,
    uses: Uses,
}

async fn uses(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let uses = services.citizen.uses(visitor.actor()?).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let crumb = f.t("task-me");
    draw(&visitor, &UsesPage { f: f.crumb("/me", crumb), uses })
}

#[derive(Template)]
#[template(path = "citizen/choices.html")]
struct ChoicesPage {
    f: Frame,
    choices: Choices,
}

async fn choices(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let choices = services.citizen.choices(visitor.actor()?).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let crumb = f.t("task-me");
    draw(&visitor, &ChoicesPage { f: f.crumb("/me", crumb), choices })
}

async fn choose(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let choice = match fields.get("choice") {
        "reservation" => ChoiceKind::Reservation,
        "opt_out" => ChoiceKind::OptOut,
        _ => return Err(visitor.fail()(Problem::invalid("choice", "unknown", "choose reservation or opt_out"))),
    };
    let value = match fields.get("value") {
        "yes" => true,
        "no" => false,
        _ => return Err(visitor.fail()(Problem::invalid("value", "unknown", "choose yes or no"))),
    };
    let request = ChoiceRequest {
        choice,
        scope: fields.get("scope").to_owned(),
        value,
        channel: "web".to_owned(),
        template_version: TEMPLATE_VERSION.to_owned(),
    };
    let receipt = services.citizen.choose(visitor.actor()?, &request).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/me/receipts/{}", receipt.number)).into_response())
}

#[derive(Template)]
#[template(path = "citizen/receipt.html")]
struct ReceiptPage {
    f: Frame,
    receipt: Receipt,
    choice: &'static str,
    undo: &'static str,
}

async fn receipt(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    let receipt = services.citizen.receipt(visitor.actor()?, &number).await.map_err(visitor.fail())?;
    let choice = if receipt.choice == ChoiceKind::OptOut { "opt_out" } else { "reservation" };
    let undo = if receipt.value { "no" } else { "yes" };
    let f = Frame::of(&visitor);
    let (me, choices) = (f.t("task-me"), f.t("me-choices"));
    draw(&visitor, &ReceiptPage { f: f.crumb("/me", me).crumb("/me/choices", choices), receipt, choice, undo })
}

#[derive(Template)]
#[template(path = "citizen/log.html")]
struct LogPage {
    f: Frame,
    lines: Vec<LogLine>,
}

async fn log(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let lines = services.citizen.log(visitor.actor()?).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let crumb = f.t("task-me");
    draw(&visitor, &LogPage { f: f.crumb("/me", crumb), lines })
}

async fn represent(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let account = match fields.get("account") {
        "" => None,
        id => Some(
            id.parse()
                .map_err(|_| visitor.fail()(Problem::invalid("account", "unknown", "choose one of your children")))?,
        ),
    };
    services.identity.represent(visitor.actor()?, account).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/me").into_response())
}
