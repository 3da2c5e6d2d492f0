//! The request for information: any number of fields of the form, found by search, each with a question of its own that
//! may begin with the text of a template (ACC-160). Searching, choosing and leaving out draw the page anew with everything that was written.

use access::form::FieldKind;
use access::model::{CommandName, CommentStatus};
use access::views::{CaseView, FieldView};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::Problem;

use super::{Names, forms, shown};
use crate::frame::Frame;
use crate::input::Path;
use crate::pages::{command_id, draw};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// A field that can be asked about.
struct Choice {
    id: String,
    label: String,
    section: String,
    /// What was answered in the application; empty when nothing was.
    value: String,
    /// Ticked in the list, and not taken over yet.
    picked: bool,
}

/// A field that is asked about.
struct Chosen {
    field: Choice,
    question: String,
    phrase: String,
    /// What was asked and answered before.
    before: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "cases/ask.html")]
struct Ask {
    f: Frame,
    case: CaseView,
    q: String,
    found: Vec<Choice>,
    chosen: Vec<Chosen>,
    /// Fields with an answer that can be accepted now.
    answers: Vec<(String, String, String, bool)>,
    sources: Vec<(String, String)>,
    kind: String,
    on_behalf_of: String,
    deadline: String,
    command_id: String,
    /// Templates in force: id and text.
    phrases: Vec<(String, String)>,
    /// Whether something is missing before it can be sent.
    lacking: Option<&'static str>,
}

impl Ask {
    /// The beginning of a long answer.
    fn short(&self, text: &str) -> String {
        let start: String = text.chars().take(80).collect();
        if start.len() < text.len() { format!("{start} …") } else { start }
    }
}

/// What was written so far.
#[derive(Default)]
struct Written {
    q: String,
    kind: String,
    on_behalf_of: String,
    deadline: String,
    picked: Vec<String>,
    /// Field, question, phrase.
    asked: Vec<(String, String, String)>,
    accepts: Vec<String>,
}

impl Written {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).to_owned();
        let asked = fields
            .all("asked")
            .map(|field| (field.to_owned(), text(&format!("question.{field}")), text(&format!("phrase.{field}"))));
        Self {
            q: text("q"),
            kind: text("kind"),
            on_behalf_of: text("on_behalf_of"),
            deadline: text("deadline"),
            picked: fields.all("pick").map(str::to_owned).collect(),
            asked: asked.collect(),
            accepts: fields.all("accepts").map(str::to_owned).collect(),
        }
    }
}

pub(super) async fn page(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let case = allowed(&services, &visitor, &id).await?;
    shown_with(&services, &visitor, case, Written::default(), None)
}

/// Searches, chooses, leaves out or sends.
pub(super) async fn change(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = allowed(&services, &visitor, &id).await?;
    let mut written = Written::of(&fields);
    match fields.get("go") {
        "add" => {
            let picked = std::mem::take(&mut written.picked);
            let new = picked.into_iter().filter(|id| !written.asked.iter().any(|(asked, ..)| asked == id));
            let new: Vec<_> = new.map(|id| (id, String::new(), String::new())).collect();
            written.asked.extend(new);
        }
        "send" => {
            let whole = |(_, question, phrase): &(String, String, String)| !question.is_empty() || !phrase.is_empty();
            if written.asked.is_empty() || !written.asked.iter().all(whole) {
                let lacking = if written.asked.is_empty() { "ask-nothing-chosen" } else { "ask-question-missing" };
                return shown_with(&services, &visitor, case, written, Some(lacking));
            }
            let payload = forms::request(&fields, visitor.lang, services.clock.today());
            let version = fields.get("version").parse().unwrap_or(0);
            let (actor, command_id) = (visitor.actor()?, fields.get("command_id"));
            let name = CommandName::RequestInfo.slug();
            let sent = services.access.command(actor, case.summary.id, name, payload, command_id, version).await;
            sent.map_err(visitor.fail())?;
            return Ok(Redirect::to(&format!("/cases/{id}")).into_response());
        }
        other => {
            if let Some(dropped) = other.strip_prefix("drop:") {
                written.asked.retain(|(field, ..)| field != dropped);
            }
        }
    }
    shown_with(&services, &visitor, case, written, None)
}

/// The case, when the looker may ask about its fields now.
async fn allowed(services: &Services, visitor: &Visitor, id: &str) -> Result<CaseView, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))?;
    let case = services.access.case(visitor.actor()?, id).await.map_err(visitor.fail())?;
    match case.commands.iter().find(|command| command.name == CommandName::RequestInfo) {
        Some(command) => match command.blocked {
            Some(code) => Err(visitor.fail()(Problem::conflict(code, "do what is missing first"))),
            None => Ok(case),
        },
        None => {
            // As at the door: the attempt is written down, and refused also when that fails.
            let _ = services.identity.denied(visitor.actor()?, "GET", "/cases/{id}/ask").await;
            Err(visitor.fail()(Problem::forbidden("forbidden")))
        }
    }
}

fn shown_with(
    services: &Services,
    visitor: &Visitor,
    case: CaseView,
    written: Written,
    lacking: Option<&'static str>,
) -> Result<Response, WebError> {
    let (f, names) = (Frame::of(visitor), Names::of(services, visitor.lang));
    let choice = |id: &str| {
        let place = case.sections.iter().find_map(|section| {
            let field = section.fields.iter().find(|view| view.field.id == id)?;
            Some((section.title.text(visitor.lang).to_owned(), field))
        });
        place.map(|(section, view)| Choice {
            id: id.to_owned(),
            label: f.l(&view.field.label),
            section,
            value: match view.field.kind {
                FieldKind::VariableCart => {
                    case.items.iter().map(|item| f.l(&item.label)).collect::<Vec<_>>().join("; ")
                }
                _ if view.value.is_null() => String::new(),
                _ => shown(view, &names, visitor.lang),
            },
            picked: written.picked.iter().any(|picked| picked == id),
        })
    };
    let mut found = Vec::new();
    let words: Vec<String> = written.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    // What follows from other fields is no question to anybody.
    let asks = |view: &&FieldView| !matches!(view.field.kind, FieldKind::Computed | FieldKind::Info);
    for view in case.sections.iter().flat_map(|section| &section.fields).filter(asks) {
        let asked = written.asked.iter().any(|(asked, ..)| *asked == view.field.id);
        let Some(choice) = choice(&view.field.id).filter(|_| !asked) else { continue };
        let text = format!("{} {} {} {}", choice.label, choice.section, choice.id, choice.value).to_lowercase();
        if choice.picked || words.iter().all(|word| text.contains(word)) {
            found.push(choice);
        }
    }
    let before = |id: &str| {
        let about = case.comments.iter().filter(|comment| comment.field == id);
        about.map(|c| (c.question.clone(), c.answer.clone().unwrap_or_default())).collect()
    };
    let chosen = |(id, question, phrase): &(String, String, String)| {
        Some(Chosen { field: choice(id)?, question: question.clone(), phrase: phrase.clone(), before: before(id) })
    };
    let chosen = written.asked.iter().filter_map(chosen).collect();
    let answered = case.comments.iter().filter(|comment| comment.status == CommentStatus::Answered);
    let answers = answered
        .map(|comment| {
            let label = choice(&comment.field).map_or_else(|| comment.field.clone(), |choice| choice.label);
            let accepted = written.accepts.contains(&comment.field);
            (comment.field.clone(), label, comment.answer.clone().unwrap_or_default(), accepted)
        })
        .collect();
    let sources = case.summary.sources.iter().map(|id| (id.clone(), names.source(id))).collect();
    let number = case.summary.number.clone().unwrap_or_default();
    let back = format!("/cases/{}", case.summary.id);
    let inbox = f.t("task-cases");
    let f = f.crumb("/cases", inbox).crumb(&back, number);
    let templates = access::letter::request_templates(services.clock.today()).into_iter();
    let phrases = templates.map(|template| (template.id.clone(), f.l(&template.text))).collect();
    let page = Ask {
        q: written.q,
        kind: written.kind,
        on_behalf_of: written.on_behalf_of,
        deadline: written.deadline,
        command_id: command_id(services),
        phrases,
        found,
        chosen,
        answers,
        sources,
        lacking,
        case,
        f,
    };
    draw(visitor, &page)
}
