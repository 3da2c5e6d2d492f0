//! Applying: own cases, the form section by section, autosave, files, and what the applicant does while the case is being
//! decided. Each module has one page and what is sent from it.

mod case;
mod cohort;
mod computed;
mod control;
pub(crate) mod file;
mod form;
mod list;
mod print;
mod save;

use access::{CartItem, CaseId};
use kernel::Problem;
use serde_json::Value;

use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/apply", Who::Anyone, list::mine)
        .post("/apply/new", Who::LoggedIn, list::new)
        .get("/apply/{id}", Who::LoggedIn, form::form)
        .get("/apply/{id}/{section}", Who::LoggedIn, form::form_section)
        .post("/apply/{id}/{section}", Who::LoggedIn, save::section)
        .post("/apply/{id}/autosave", Who::LoggedIn, save::autosave)
        .post("/apply/{id}/copy", Who::LoggedIn, list::copy)
        .post("/apply/{id}/import", Who::LoggedIn, list::import)
        .get("/apply/{id}/print", Who::LoggedIn, print::print)
        .get("/apply/{id}/application.pdf", Who::LoggedIn, print::pdf)
        .get("/apply/{id}/export.json", Who::LoggedIn, list::export)
        .get("/apply/{id}/files/{file}", Who::LoggedIn, file::download)
        .post("/apply/{id}/do/{command}", Who::LoggedIn, case::command)
}

/// The case of an address.
fn case_id(visitor: &Visitor, id: &str) -> Result<CaseId, WebError> {
    id.parse().map_err(|_| visitor.fail()(Problem::not_found("case")))
}

/// The cart as an application takes it over: section 1 (ACC-002).
pub(crate) async fn cart_items(services: &Services, visitor: &Visitor) -> Result<Vec<CartItem>, WebError> {
    let lines = services.catalogue.cart(&visitor.cart).await.map_err(visitor.fail())?;
    let item = |line: catalogue::CartLine| CartItem {
        variable_id: line.item.variable,
        role: String::new(),
        necessity: line.item.necessity,
        granularity: line.item.granularity,
    };
    Ok(lines.into_iter().map(item).collect())
}

/// A value as one line of text.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        // A file by its name, an organisation with its number behind it.
        Value::Object(map) if map.contains_key("size") && map.contains_key("name") => plain(&map["name"]),
        Value::Object(map) if map.len() <= 3 && map.contains_key("name") && map.contains_key("id") => {
            let parts = [plain(&map["name"]), plain(&map["id"])];
            if parts[1].is_empty() { parts[0].clone() } else { format!("{} ({})", parts[0], parts[1]) }
        }
        Value::Object(map) => map.values().map(plain).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" – "),
    }
}
