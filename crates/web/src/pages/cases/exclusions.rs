//! The exclusion list (ACC-084): who may not apply, take part or be let into a room, until when and why. Decision makers
//! put on it and take off it; those who handle cases and the auditor read it.

use access::Excluded;
use access::views::ExclusionView;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use identity::Role;
use kernel::{Date, Problem};

use super::colleagues::day;
use super::people::People;
use crate::frame::Frame;
use crate::pages::draw;
use crate::pages::supervision::{ground, ground_in_words};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// A line of the list.
struct Row {
    exclusion: ExclusionView,
    /// What people call the party.
    name: String,
    by: String,
    /// How the party was heard.
    ground: Option<String>,
    ended_by: String,
}

#[derive(Template)]
#[template(path = "cases/exclusions.html")]
struct Page {
    f: Frame,
    holding: Vec<Row>,
    over: Vec<Row>,
    decides: bool,
    last: Date,
    today: Date,
}

pub(super) async fn page(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let list = services.access.exclusions(actor).await.map_err(visitor.fail())?;
    let (f, today) = (Frame::of(&visitor), services.clock.today());
    let mut accounts: Vec<String> = Vec::new();
    for exclusion in &list {
        accounts.extend([exclusion.party.clone(), exclusion.by.clone()]);
        accounts.extend(exclusion.ended.as_ref().map(|ended| ended.by.clone()));
    }
    let people = People::of(&services, &f, accounts).await;
    let row = |exclusion: ExclusionView| Row {
        name: match services.access.organisation_name(&exclusion.party) {
            _ if exclusion.kind == "person" => people.name(&f, &exclusion.party),
            Some(name) => format!("{name} ({})", exclusion.party),
            None => exclusion.party.clone(),
        },
        by: people.name(&f, &exclusion.by),
        ground: exclusion.ground.as_ref().map(|ground| ground_in_words(&f, ground)),
        ended_by: exclusion.ended.as_ref().map(|ended| people.name(&f, &ended.by)).unwrap_or_default(),
        exclusion,
    };
    let (holding, over) = list.into_iter().map(row).partition(|row: &Row| row.exclusion.holds(today));
    let decides = actor.has(Role::DecisionMaker);
    let (year, month, day) = today.ymd();
    let last = Date::new(year + 5, month, day).unwrap_or(today.plus_days(5 * 365));
    draw(&visitor, &Page { holding, over, decides, last, today, f })
}

/// Puts a person, found by a case that they applied in, or an organisation on the list.
pub(super) async fn add(
    State(services): State<Services>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let until = day(&visitor, &fields, "until")?;
    let account;
    let party = match (fields.get("organisation"), fields.get("case")) {
        ("", "") => {
            let remedy = "write the number of an organisation, or of a case whose applicant is meant";
            return Err(visitor.fail()(Problem::invalid("party", "required", remedy)));
        }
        ("", number) => {
            let id = services.access.case_id(actor, number).await.map_err(visitor.fail())?;
            account = services.access.applicant(actor, id).await.map_err(visitor.fail())?;
            Excluded::Person(&account)
        }
        (number, "") => Excluded::Organisation(number),
        _ => {
            let remedy = "an organisation or the applicant of a case, not both at once";
            return Err(visitor.fail()(Problem::invalid("party", "one", remedy)));
        }
    };
    let ground = ground(&fields).map_err(visitor.fail())?;
    let done = services.access.exclude(actor, party, until, fields.get("reason"), ground.as_ref()).await;
    done.map_err(visitor.fail())?;
    Ok(Redirect::to("/cases/exclusions").into_response())
}

/// Ends an exclusion before its time.
pub(super) async fn end(
    State(services): State<Services>,
    visitor: Visitor,
    fields: Fields,
) -> Result<Response, WebError> {
    let party = match fields.get("kind") {
        "person" => Excluded::Person(fields.get("party")),
        _ => Excluded::Organisation(fields.get("party")),
    };
    let reason = fields.get("reason");
    services.access.end_exclusion(visitor.actor()?, party, reason).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/cases/exclusions").into_response())
}
