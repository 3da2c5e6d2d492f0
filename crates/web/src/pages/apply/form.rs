//! The form, one section on each page: what is written, what is missing, and beside it what it will cost and when.

use access::form::{Fault, FieldKind, Level};
use access::views::{DraftView, FieldView, SectionView};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::Problem;

use super::control::{Control, Maker, dom};
use super::{case, case_id, cohort, plain};
use crate::frame::Frame;
use crate::input::{Path, Query};
use crate::pages::cases::Names;
use crate::pages::{command_id, draw};
use crate::visitor::Visitor;
use crate::{Services, WebError};

#[derive(Template)]
#[template(path = "apply/form.html")]
struct FormPage {
    f: Frame,
    id: String,
    version: i64,
    draft: DraftView,
    /// Id of the section that is shown.
    section: String,
    here: Option<SectionView>,
    controls: Vec<Control>,
    /// What is wrong: place on the page, label, text.
    wrong: Vec<(String, String, String)>,
    panel: String,
    command_id: String,
    /// Fields asked about, with their labels.
    asked: Vec<(String, String)>,
    told: Told,
}

impl FormPage {
    /// How many things stop the application.
    fn missing(&self) -> usize {
        self.draft.faults.iter().filter(|fault| fault.level == Level::Block).count()
    }
}

/// What stands beside the form: progress, price, what is missing.
#[derive(Template)]
#[template(path = "apply/panel.html")]
struct Panel<'a> {
    f: &'a Frame,
    id: &'a str,
    section: &'a str,
    draft: &'a DraftView,
    fee: Option<(String, String)>,
    /// Persons counted by the criteria as they stand.
    persons: Option<String>,
    warns: Vec<Remark>,
}

/// Something that is worth checking: where, and why.
struct Remark {
    /// The section that it is in.
    address: String,
    label: String,
    text: String,
}

/// What is worth checking in a draft. It does not stop it.
fn remarks(f: &Frame, id: &str, draft: &DraftView) -> Vec<Remark> {
    let remark = |fault: &Fault| {
        let whole = |field: &str| fault.field == field || fault.field.starts_with(&format!("{field}."));
        let place = draft.sections.iter().find_map(|s| s.fields.iter().find(|v| whole(&v.field.id)).map(|v| (s, v)));
        let (address, label) = match place {
            Some((s, v)) => (format!("/apply/{id}/{}#{}", s.id, dom(&v.field.id)), f.l(&v.field.label)),
            None => (format!("/apply/{id}"), fault.field.clone()),
        };
        let text = format!("{} {}", f.l(&fault.text), f.l(&fault.remedy));
        Remark { address, label, text: text.trim_end().to_owned() }
    };
    draft.faults.iter().filter(|fault| fault.level == Level::Warn).map(remark).collect()
}

/// The panel of a draft.
pub(super) fn panel(f: &Frame, id: &str, section: &str, draft: &DraftView) -> String {
    let amount = |ore: i64| f.number(ore / 100);
    let fee = draft.fee.as_ref().map(|fee| (amount(fee.expected_ore), amount(fee.max_ore)));
    let warns = remarks(f, id, draft);
    let persons = draft.cohort.map(|c| cohort::in_words(f, Some(c.persons).filter(|n| *n > 0)));
    Panel { f, id, section, draft, fee, persons, warns }.render().unwrap_or_default()
}

/// What the last request did, as told in the address.
#[derive(Default, serde::Deserialize)]
pub(super) struct Told {
    /// Comes from saving the section.
    #[serde(default)]
    pub(super) saved: Option<String>,
    /// So many values of others were overwritten.
    #[serde(default)]
    pub(super) kept: Option<String>,
    /// A file was chosen but not sent.
    #[serde(default)]
    pub(super) unsent: Option<String>,
    /// Fields that an import left out.
    #[serde(default)]
    pub(super) left: Option<String>,
    /// Why persons were not counted.
    #[serde(default)]
    pub(super) count: Option<String>,
}

pub(super) async fn form(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(told): Query<Told>,
) -> Result<Response, WebError> {
    show(&services, &visitor, &id, None, told, &[]).await
}

pub(super) async fn form_section(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, section)): Path<(String, String)>,
    Query(told): Query<Told>,
) -> Result<Response, WebError> {
    show(&services, &visitor, &id, Some(&section), told, &[]).await
}

/// A file that was not taken: its field and why.
pub(super) type NotTaken = (String, access::files::Refusal);

/// Draws a section. Files that were not taken stand first among what is wrong, and the answer has their status.
pub(super) async fn show(
    services: &Services,
    visitor: &Visitor,
    id: &str,
    section: Option<&str>,
    told: Told,
    refused: &[NotTaken],
) -> Result<Response, WebError> {
    let case = case_id(visitor, id)?;
    let actor = visitor.actor()?;
    let draft = match services.access.draft(actor, case).await {
        Ok(draft) => draft,
        // Once it is submitted there is no draft to fill in: the case's page says what happens.
        Err(Problem::Conflict { .. }) if section.is_none() => return case::show(services, visitor, case).await,
        Err(Problem::Conflict { .. }) => return Ok(Redirect::to(&format!("/apply/{id}")).into_response()),
        Err(other) => return Err(visitor.fail()(other)),
    };
    let position = |name: &str| draft.sections.iter().position(|s| s.id == name);
    let asked_in = |s: &SectionView| s.fields.iter().any(|field| field.editable && !field.comments.is_empty());
    let number = match section {
        Some(name) => position(name).ok_or_else(|| visitor.fail()(Problem::not_found("section")))?,
        None if draft.request.is_some() => draft.sections.iter().position(asked_in).unwrap_or(0),
        None => draft.sections.iter().position(|s| !s.complete).unwrap_or(0),
    };
    let names = Names::of(services, visitor.lang);
    let files = services.access.files(actor, case).await.map_err(visitor.fail())?;
    let kept = services.access.overwritten(actor, case).await.map_err(visitor.fail())?;
    let mut sources: Vec<String> = draft.cart.iter().map(|line| line.source.clone()).collect();
    sources.sort();
    sources.dedup();
    let guidance = services.access.guidance(&sources).await.map_err(visitor.fail())?;
    let maker =
        Maker { draft: &draft, files: &files, kept: &kept, guidance: &guidance, names: &names, language: visitor.lang };
    let here = draft.sections.get(number).cloned();
    let visible = here.iter().flat_map(|s| &s.fields).filter(|v| v.visible);
    let mut controls: Vec<Control> = visible.map(|v| maker.field(v)).filter(|c| !c.says_nothing()).collect();
    // Nobody is told what is missing in a section that has not been begun.
    if told.saved.is_none() && here.as_ref().is_some_and(|s| !begun(s, &draft)) {
        controls.iter_mut().for_each(Control::forgive);
    }
    let f = Frame::of(visitor);
    let criteria = here.iter().flat_map(|s| &s.fields).find(|v| v.field.kind == FieldKind::Criteria && v.editable);
    if let Some(control) = criteria.and_then(|v| controls.iter_mut().find(|c| c.name == v.field.id))
        && services.access.counts()
    {
        let view = services.access.feasibility(actor, case).await.map_err(visitor.fail())?;
        let failed = told.count.as_deref().filter(|code| matches!(*code, "unavailable" | "forbidden"));
        control.below = cohort::draw(&f, &view, failed);
    }
    let mut wrong: Vec<(String, String, String)> = refused
        .iter()
        .map(|(field, refusal)| {
            let label = controls.iter().find(|c| c.name == *field).map(|c| c.label.clone()).unwrap_or_default();
            let text = f.t(f.key("rule-file", refusal.slug()));
            (format!("{}-upload", dom(field)), label, text)
        })
        .collect();
    wrong.extend(controls.iter().flat_map(Control::wrong));
    let label = |id: &String| {
        let field = draft.sections.iter().flat_map(|s| &s.fields).find(|v| v.field.id == *id);
        (id.clone(), field.map_or_else(|| id.clone(), |v| v.field.label.text(visitor.lang).to_owned()))
    };
    let asked = draft.request.iter().flat_map(|r| &r.fields).map(label).collect();
    let shown = here.as_ref().map(|s| s.id.clone()).unwrap_or_default();
    let panel = panel(&f, id, &shown, &draft);
    let crumb = f.t("task-apply");
    let page = FormPage {
        f: f.crumb("/apply", crumb),
        id: id.to_owned(),
        version: draft.version,
        section: shown,
        here,
        controls,
        wrong,
        panel,
        command_id: command_id(services),
        asked,
        told,
        draft,
    };
    let mut response = draw(visitor, &page)?;
    if let Some((_, refusal)) = refused.first() {
        *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(response)
}

/// Whether the applicant has answered something of a section. Choices and periods that a draft begins with are no answers,
/// nor is what the cart brought with it or the register of legal entities says. A request is about sections that were submitted once.
fn begun(section: &SectionView, draft: &DraftView) -> bool {
    if draft.request.is_some() {
        return true;
    }
    let answered = |field: &FieldView| match field.field.kind {
        FieldKind::VariableCart => draft.cart.iter().any(|l| !l.item.role.is_empty() || !l.item.necessity.is_empty()),
        FieldKind::Computed | FieldKind::Info | FieldKind::Choice | FieldKind::PeriodList => false,
        // The days of access are three years from the beginning until somebody says otherwise.
        FieldKind::Date | FieldKind::DateRange => false,
        _ if access::FILLED_IN.contains(&field.field.id.as_str()) => false,
        _ => field.editable && !plain(&field.value).is_empty() && field.field.default.as_ref() != Some(&field.value),
    };
    section.fields.iter().filter(|f| f.visible).any(answered)
}
