//! The script workspace: editor, run, results under the command that made them, saved scripts with versions, and the
//! permanent link to a run. Everything is a form or a link; the editor and the progress are added by `editor.ts`.

mod results;
mod saved;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use explore::{RunHead, RunRequest, RunView, Save, ScriptHead, ScriptId, Share};
use kernel::Problem;
use protocol::ids::RunId;

use super::draw;
use crate::frame::Frame;
use crate::input::Path;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

use results::Outcome;

pub(super) fn endpoints(site: Site) -> Site {
    let site = site
        .get("/explore", Who::Anyone, workspace)
        .post("/explore/run", Who::LoggedIn, run)
        .post("/explore/format", Who::Anyone, format)
        .get("/explore/run/{id}", Who::LoggedIn, show)
        .post("/explore/run/{id}/cancel", Who::LoggedIn, cancel)
        .post("/explore/run/{id}/share", Who::LoggedIn, share)
        .post("/explore/save", Who::LoggedIn, save)
        .get("/explore/figures.css", Who::Anyone, styles);
    let site = saved::endpoints(site);
    results::endpoints(site)
}

async fn styles() -> Response {
    ([("content-type", "text/css; charset=utf-8"), ("cache-control", "public, max-age=3600")], figures::STYLESHEET)
        .into_response()
}

/// A first script that works on the data that are here.
const EXAMPLE: &str = "// Marital status by sex among residents
require no.ssb.fdb:1 as db
create-dataset people
import db/BEFOLKNING_KJOENN as sex
import db/SIVSTANDFDT_SIVSTAND 2020-01-01 as marital
import db/INNTEKT_WLONN 2020-01-01 as wage
tabulate marital sex
summarize wage
barchart (percent) marital
";

#[derive(Template)]
#[template(path = "explore/workspace.html")]
struct Workspace {
    f: Frame,
    text: String,
    name: String,
    note: String,
    id: String,
    version: String,
    outcome: Option<Outcome>,
    /// A run that has not ended.
    open_run: Option<String>,
    link: Option<Link>,
    scripts: Vec<ScriptHead>,
    runs: Vec<RunHead>,
    own: Option<OwnUse>,
    commands: String,
    nonce: String,
    logged_in: bool,
}

/// How much of the limits for new numbers is used, in tenths (SDC-172).
struct OwnUse {
    versions: Vec<(String, String)>,
    resets: String,
}

/// The permanent link of a run.
struct Link {
    run: RunId,
    address: String,
    with: &'static str,
}

fn commands() -> String {
    script::COMMANDS.iter().map(|c| c.word).collect::<Vec<_>>().join(" ")
}

async fn page(services: &Services, visitor: &Visitor, mut page: Workspace) -> Result<Response, WebError> {
    if let Some(actor) = &visitor.actor {
        page.scripts = services.explore.scripts(actor).await.map_err(visitor.fail())?;
        page.own = own_use(services, actor, &page.f).await;
        page.runs = services.explore.runs(actor).await.map_err(visitor.fail())?.into_iter().take(10).collect();
    }
    draw(visitor, &page)
}

/// None while nothing was asked for, and while the data zone does not answer: the page works without.
async fn own_use(services: &Services, actor: &identity::Actor, f: &Frame) -> Option<OwnUse> {
    let told = services.explore.own_use(actor).await.ok().filter(|told| !told.versions.is_empty())?;
    let versions = told.versions.into_iter().map(|v| (v.version, format!("{} %", u32::from(v.tenths) * 10)));
    Some(OwnUse { versions: versions.collect(), resets: f.time(&told.resets) })
}

fn empty(visitor: &Visitor, text: String) -> Workspace {
    Workspace {
        f: Frame::of(visitor),
        text,
        name: String::new(),
        note: String::new(),
        id: String::new(),
        version: String::new(),
        outcome: None,
        open_run: None,
        link: None,
        scripts: Vec::new(),
        runs: Vec::new(),
        own: None,
        commands: commands(),
        nonce: visitor.nonce.clone(),
        logged_in: visitor.actor.is_some(),
    }
}

/// The workspace: with the text of the address, of a run that the visitor may see, or with the example.
async fn workspace(
    State(services): State<Services>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let raw = raw.unwrap_or_default();
    let given = |wanted: &str| {
        form_urlencoded::parse(raw.as_bytes()).find(|(name, _)| name == wanted).map(|(_, text)| text.into_owned())
    };
    let text = match (given("script"), given("run"), &visitor.actor) {
        (Some(text), ..) => text,
        (None, Some(run), Some(actor)) => {
            let run = run.parse().map_err(|_| visitor.fail()(Problem::not_found("run")))?;
            services.explore.shared_view(actor, run).await.map_err(visitor.fail())?.text
        }
        _ => EXAMPLE.to_owned(),
    };
    page(&services, &visitor, empty(&visitor, text)).await
}

/// Fields of the form that are not the text itself.
fn request(visitor: &Visitor, fields: &Fields) -> Result<RunRequest, WebError> {
    let mut params = BTreeMap::new();
    for line in fields.get("params").lines().map(str::trim).filter(|l| !l.is_empty()) {
        let fault = || visitor.fail()(Problem::invalid("params", "form", "one name=value per line"));
        let (name, value) = line.split_once('=').ok_or_else(fault)?;
        params.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let from_line = match fields.get("from_line") {
        "" => None,
        line => {
            let fault = |_| visitor.fail()(Problem::invalid("from_line", "form", "a line number"));
            Some(line.parse().map_err(fault)?)
        }
    };
    Ok(RunRequest {
        script: fields.get("id").parse().ok(),
        keep_going: fields.get("keep_going") == "yes",
        params,
        from_line,
        ..RunRequest::new(fields.get("text"), visitor.lang)
    })
}

async fn run(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let request = request(&visitor, &fields)?;
    let run = services.explore.start(visitor.actor()?, &request).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/explore/run/{run}")).into_response())
}

/// Lays the text out, for those without JavaScript. A text that cannot be read comes back as it is, with its problems.
async fn format(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let text = fields.get("text").to_owned();
    let (text, problems) = match script::format(&text) {
        Ok(formatted) => (formatted, Vec::new()),
        Err(problems) => (text, problems),
    };
    let mut shown = empty(&visitor, text);
    (shown.name, shown.note) = (fields.get("name").to_owned(), fields.get("note").to_owned());
    (shown.id, shown.version) = (fields.get("id").to_owned(), fields.get("version").to_owned());
    if !problems.is_empty() {
        shown.outcome = Some(Outcome::problems(&visitor, &problems));
    }
    page(&services, &visitor, shown).await
}

async fn show(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("run")))?;
    let view = services.explore.run_view(visitor.actor()?, id).await.map_err(visitor.fail())?;
    page(&services, &visitor, of_run(&services, &visitor, &view).await?).await
}

async fn of_run(services: &Services, visitor: &Visitor, view: &RunView) -> Result<Workspace, WebError> {
    let mut shown = empty(visitor, view.text.clone());
    shown.outcome = Some(Outcome::of(visitor, view));
    shown.open_run = view.state.is_open().then(|| view.id.to_string());
    shown.link = (!view.state.is_open()).then(|| Link {
        run: view.id,
        address: format!("/e/{}", view.id),
        with: view.share.text(),
    });
    if let Some(id) = view.script {
        let saved = services.explore.script(visitor.actor()?, id, None).await.map_err(visitor.fail())?;
        (shown.name, shown.note) = (saved.name, saved.note);
        (shown.id, shown.version) = (id.to_string(), saved.version.to_string());
    }
    Ok(shown)
}

async fn cancel(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    _fields: Fields,
) -> Result<Response, WebError> {
    let id: RunId = id.parse().map_err(|_| visitor.fail()(Problem::not_found("run")))?;
    services.explore.cancel(visitor.actor()?, id).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/explore/run/{id}")).into_response())
}

async fn share(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let id: RunId = id.parse().map_err(|_| visitor.fail()(Problem::not_found("run")))?;
    let with = Share::parse(fields.get("with"))
        .ok_or_else(|| visitor.fail()(Problem::invalid("with", "unknown", "me, organisation or anyone")))?;
    services.explore.share(visitor.actor()?, id, with).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/explore/run/{id}")).into_response())
}

async fn save(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let id = fields.get("id").parse::<ScriptId>().ok();
    let save = Save {
        id,
        expected: id.and_then(|_| fields.get("version").parse().ok()),
        name: fields.get("name").to_owned(),
        text: fields.get("text").to_owned(),
        note: fields.get("note").to_owned(),
    };
    let saved = services.explore.save(visitor.actor()?, &save).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/explore/script/{}", saved.id)).into_response())
}
