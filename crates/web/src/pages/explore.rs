//! The script workspace: editor, run, results under the command that made them, saved scripts.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use explore::{RunHead, RunRequest, RunState, RunView, Save, ScriptHead, ScriptId};
use figures::Presentation;
use kernel::Problem;

use super::draw;
use crate::frame::Frame;
use crate::input::Path;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/explore", Who::Anyone, workspace)
        .post("/explore/run", Who::LoggedIn, run)
        .get("/explore/run/{id}", Who::LoggedIn, show)
        .post("/explore/save", Who::LoggedIn, save)
        .get("/explore/script/{id}", Who::LoggedIn, open)
        .get("/explore/figures.css", Who::Anyone, styles)
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

/// One result as the page shows it.
struct Shown {
    line: u32,
    command: String,
    html: String,
    warnings: Vec<String>,
}

/// A message about a line of the script.
struct Message {
    line: u32,
    column: u32,
    code: String,
    text: String,
}

struct Outcome {
    state: &'static str,
    shown: Vec<Shown>,
    messages: Vec<Message>,
    stores: Vec<String>,
    seconds: Option<String>,
}

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
    scripts: Vec<ScriptHead>,
    runs: Vec<RunHead>,
    commands: String,
    nonce: String,
    logged_in: bool,
}

fn commands() -> String {
    script::COMMANDS.iter().map(|c| c.word).collect::<Vec<_>>().join(" ")
}

async fn page(services: &Services, visitor: &Visitor, mut page: Workspace) -> Result<Response, WebError> {
    if let Some(actor) = &visitor.actor {
        page.scripts = services.explore.scripts(actor).await.map_err(visitor.fail())?;
        page.runs = services.explore.runs(actor).await.map_err(visitor.fail())?.into_iter().take(10).collect();
    }
    draw(visitor, &page)
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
        scripts: Vec::new(),
        runs: Vec::new(),
        commands: commands(),
        nonce: visitor.nonce.clone(),
        logged_in: visitor.actor.is_some(),
    }
}

async fn workspace(
    State(services): State<Services>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let given = form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "script")
        .map(|(_, text)| text.into_owned());
    page(&services, &visitor, empty(&visitor, given.unwrap_or_else(|| EXAMPLE.to_owned()))).await
}

async fn run(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let script = fields.get("id").parse::<ScriptId>().ok();
    let text = fields.get("text").to_owned();
    let request = RunRequest { text, script, language: visitor.lang };
    let view = services.explore.run(visitor.actor()?, &request).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/explore/run/{}", view.id)).into_response())
}

async fn show(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("run")))?;
    let view = services.explore.run_view(visitor.actor()?, id).await.map_err(visitor.fail())?;
    let mut shown = empty(&visitor, view.text.clone());
    shown.outcome = Some(outcome(&visitor, &view));
    if let Some(id) = view.script {
        let saved = services.explore.script(visitor.actor()?, id, None).await.map_err(visitor.fail())?;
        (shown.name, shown.note) = (saved.name, saved.note);
        (shown.id, shown.version) = (id.to_string(), saved.version.to_string());
    }
    page(&services, &visitor, shown).await
}

fn outcome(visitor: &Visitor, view: &RunView) -> Outcome {
    let lines: Vec<&str> = view.text.lines().collect();
    let line = |n: u32| lines.get(n.saturating_sub(1) as usize).copied().unwrap_or_default().trim().to_owned();
    let results = view.released.as_ref().map(|d| d.results.as_slice()).unwrap_or_default();
    let shown = results.iter().map(|entry| {
        let command = line(entry.line);
        let how = Presentation { language: visitor.lang, caption: &command, id: &format!("r{}", entry.id) };
        Shown { line: entry.line, html: figures::result(entry, how), warnings: entry.warnings.clone(), command }
    });
    let messages = view.diagnostics.iter().map(|d| Message {
        line: d.line,
        column: d.column,
        code: d.code.clone(),
        text: d.message.text(visitor.lang).to_owned(),
    });
    let seconds = view.ended.map(|ended| {
        let tenths = (ended.micros() - view.started.micros()) / 100_000;
        let comma = if visitor.lang == kernel::Language::En { "." } else { "," };
        format!("{}{comma}{}", tenths / 10, tenths % 10)
    });
    Outcome {
        state: match view.state {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Stopped => "stopped",
            RunState::Failed => "failed",
        },
        shown: shown.collect(),
        messages: messages.collect(),
        stores: view.stores.clone(),
        seconds,
    }
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

async fn open(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: ScriptId = id.parse().map_err(|_| visitor.fail()(Problem::not_found("script")))?;
    let saved = services.explore.script(visitor.actor()?, id, None).await.map_err(visitor.fail())?;
    let mut shown = empty(&visitor, saved.text);
    (shown.name, shown.note) = (saved.name, saved.note);
    (shown.id, shown.version) = (id.to_string(), saved.version.to_string());
    page(&services, &visitor, shown).await
}
