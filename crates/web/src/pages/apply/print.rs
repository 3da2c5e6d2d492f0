//! The application as plain text on one page, for paper and for reading through (ACC-028).

use access::views::{FieldView, SectionView};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
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
    let case = case_id(&visitor, &id)?;
    let actor = visitor.actor()?;
    let names = Names::of(&services, visitor.lang);
    let f = Frame::of(&visitor);
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
    let page = Print {
        id,
        title: view.summary.title,
        number: view.summary.number,
        sections: sections.into_iter().map(told).collect(),
        variables,
        f: f.crumb("/apply", crumb),
    };
    draw(&visitor, &page)
}
