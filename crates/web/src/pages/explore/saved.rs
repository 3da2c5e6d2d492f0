//! Saved scripts: opened, their versions listed and compared, an old one taken into use again as the newest (LANG-357).

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use explore::{Change, Save, ScriptId, compare};
use kernel::Problem;

use super::{empty, page};
use crate::frame::Frame;
use crate::input::Path;
use crate::pages::draw;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/explore/script/{id}", Who::LoggedIn, open)
        .get("/explore/script/{id}/versions", Who::LoggedIn, versions)
        .get("/explore/script/{id}/compare", Who::LoggedIn, differences)
        .post("/explore/script/{id}/restore", Who::LoggedIn, restore)
}

fn script_id(visitor: &Visitor, text: &str) -> Result<ScriptId, WebError> {
    text.parse().map_err(|_| visitor.fail()(Problem::not_found("script")))
}

/// The number under a name in an address.
fn number(raw: Option<&str>, wanted: &str) -> Option<i64> {
    let mut all = form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
    all.find(|(name, _)| name == wanted).and_then(|(_, value)| value.parse().ok())
}

async fn open(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let id = script_id(&visitor, &id)?;
    let actor = visitor.actor()?;
    let newest = services.explore.script(actor, id, None).await.map_err(visitor.fail())?;
    let saved = match number(raw.as_deref(), "version") {
        Some(version) if version != newest.version => {
            services.explore.script(actor, id, Some(version)).await.map_err(visitor.fail())?
        }
        _ => newest.clone(),
    };
    let mut shown = empty(&visitor, saved.text);
    (shown.name, shown.note) = (saved.name, saved.note);
    // Saving makes the version after the newest, whichever was opened.
    (shown.id, shown.version) = (id.to_string(), newest.version.to_string());
    page(&services, &visitor, shown).await
}

struct Version {
    number: i64,
    at: String,
    author: String,
    note: String,
    newest: bool,
}

#[derive(Template)]
#[template(path = "explore/versions.html")]
struct Versions {
    f: Frame,
    id: ScriptId,
    name: String,
    newest: i64,
    versions: Vec<Version>,
}

async fn versions(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = script_id(&visitor, &id)?;
    let actor = visitor.actor()?;
    let found = services.explore.versions(actor, id).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor).crumb("/explore", Frame::of(&visitor).t("task-explore"));
    let newest = found.iter().map(|v| v.version).max().unwrap_or(1);
    let name = found.first().map(|v| v.name.clone()).unwrap_or_default();
    let versions = found.into_iter().map(|v| Version {
        number: v.version,
        at: f.time(&v.at),
        author: if v.author == actor.account { actor.display_name(visitor.lang) } else { v.author.to_string() },
        note: v.note,
        newest: v.version == newest,
    });
    let versions = versions.collect();
    draw(&visitor, &Versions { id, name, newest, versions, f })
}

async fn restore(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let id = script_id(&visitor, &id)?;
    let actor = visitor.actor()?;
    let version = fields.get("version").parse().ok();
    let old = services.explore.script(actor, id, version).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let save = Save {
        id: Some(id),
        expected: fields.get("expected").parse().ok(),
        name: old.name,
        text: old.text,
        note: f.tv("explore-restored", "version", old.version),
    };
    services.explore.save(actor, &save).await.map_err(visitor.fail())?;
    Ok(Redirect::to(&format!("/explore/script/{id}")).into_response())
}

struct Line {
    before: String,
    after: String,
    class: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "explore/compare.html")]
struct Compared {
    f: Frame,
    id: ScriptId,
    from: String,
    to: String,
    same: bool,
    lines: Vec<Line>,
}

async fn differences(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, WebError> {
    let id = script_id(&visitor, &id)?;
    let actor = visitor.actor()?;
    let (from, to) = (number(raw.as_deref(), "from"), number(raw.as_deref(), "to"));
    let from = services.explore.script(actor, id, from).await.map_err(visitor.fail())?;
    let to = services.explore.script(actor, id, to).await.map_err(visitor.fail())?;
    let (mut before, mut after) = (0u32, 0u32);
    let mut lines = Vec::new();
    let changes = compare(&from.text, &to.text);
    for (change, text) in &changes {
        let (old, new, class) = match change {
            Change::Same => (true, true, ""),
            Change::Removed => (true, false, "removed"),
            Change::Added => (false, true, "added"),
        };
        before += u32::from(old);
        after += u32::from(new);
        lines.push(Line {
            before: if old { before.to_string() } else { String::new() },
            after: if new { after.to_string() } else { String::new() },
            class,
            text: (*text).to_owned(),
        });
    }
    let same = changes.iter().all(|(change, _)| *change == Change::Same);
    let f = Frame::of(&visitor).crumb("/explore", Frame::of(&visitor).t("task-explore"));
    let page = Compared { f, id, from: from.version.to_string(), to: to.version.to_string(), same, lines };
    draw(&visitor, &page)
}
