//! The application as plain text on one page, for paper and for reading through (ACC-028).

use access::letter::Paper;
use access::views::{FieldView, SectionView};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::Problem;

use super::case_id;
use crate::frame::Frame;
use crate::input::Path;
use crate::pages::cases::{Names, shown};
use crate::pages::draw;
use crate::visitor::Visitor;
use crate::{Services, WebError};

#[derive(Template)]
#[template(path = "apply/print.html")]
struct Print {
    f: Frame,
    id: String,
    title: String,
    number: Option<String>,
    /// Sections with label and answer of each field that is shown.
    sections: Vec<(String, Vec<(String, String)>)>,
    /// Variables with source, role and justification.
    variables: Vec<(String, String, String, String)>,
}

pub(super) async fn print(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    draw(&visitor, &read(&services, &visitor, id).await?)
}

/// The same as PDF/A (ACC-028).
pub(super) async fn pdf(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let page = read(&services, &visitor, id).await?;
    let variable = |(name, source, role, why): &(String, String, String, String)| {
        let rest = [source, role, why].into_iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>();
        (name.clone(), rest.join(" – "))
    };
    let mut sections = vec![(page.f.t("apply-variables"), page.variables.iter().map(variable).collect::<Vec<_>>())];
    sections.extend(page.sections);
    sections.retain(|(_, facts)| !facts.is_empty());
    let title = if page.title.is_empty() { page.f.t("apply-untitled") } else { page.title };
    let paper = Paper {
        language: visitor.lang,
        number: page.number.unwrap_or_default(),
        date: services.clock.today(),
        title,
        synthetic: services.access.settings().synthetic,
        sections,
    };
    let name = format!("attachment; filename=\"application-{}.pdf\"", page.id);
    let headers = [(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, paper.pdf()).into_response())
}

async fn read(services: &Services, visitor: &Visitor, id: String) -> Result<Print, WebError> {
    let case = case_id(visitor, &id)?;
    let actor = visitor.actor()?;
    let names = Names::of(services, visitor.lang);
    let f = Frame::of(visitor);
    let view = services.access.case(actor, case).await.map_err(visitor.fail())?;
    let role = |role: &str| if role.is_empty() { String::new() } else { f.t(f.key("role-in-project", role)) };
    let (sections, variables) = match services.access.draft(actor, case).await {
        Ok(draft) => {
            let line = |line: access::views::CartLine| {
                let item = line.item;
                (
                    names.variable(&item.variable_id),
                    line.source_name.text(visitor.lang).to_owned(),
                    role(&item.role),
                    item.necessity,
                )
            };
            (draft.sections, draft.cart.into_iter().map(line).collect())
        }
        Err(Problem::Conflict { .. }) => {
            let item = |item: &access::content::ContentItem| {
                let order = &item.order;
                (names.variable(&order.variable), names.source(&order.source), role(&item.role), item.necessity.clone())
            };
            (view.sections, view.items.iter().map(item).collect())
        }
        Err(other) => return Err(visitor.fail()(other)),
    };
    let answer = |v: &FieldView| (v.field.label.text(visitor.lang).to_owned(), shown(v, &names, visitor.lang));
    let told = |section: SectionView| {
        let fields = section.fields.iter().filter(|v| v.visible && !v.value.is_null());
        (section.title.text(visitor.lang).to_owned(), fields.map(answer).collect())
    };
    let crumb = f.t("task-apply");
    Ok(Print {
        id,
        title: view.summary.title,
        number: view.summary.number,
        sections: sections.into_iter().map(told).collect(),
        variables,
        f: f.crumb("/apply", crumb),
    })
}
