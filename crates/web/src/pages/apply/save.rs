//! What is sent from the form: answers with the marks of what the page showed, changes of the cart, files, rows. Whatever
//! button is pressed, what was written is saved first.

use std::collections::BTreeMap;

use access::files::NotTaken;
use access::{CartItem, CaseId, Saved};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::Problem;
use serde_json::json;

use super::control::dom;
use super::form::{self, Told, panel, show};
use super::{cart_items, case_id};
use crate::frame::Frame;
use crate::input::Path;
use crate::upload::{Sent, Upload};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

type Pairs = Vec<(String, String)>;

/// The parts of a form.
#[derive(Default)]
struct Written {
    /// Answers by name.
    answers: Pairs,
    /// Marks of what the page showed, by field.
    seen: BTreeMap<String, String>,
    /// Variables with role, necessity and level of detail.
    cart: Vec<CartItem>,
    /// Inputs in which a file was chosen, when the form came without files.
    unsent: bool,
}

impl Written {
    fn of(fields: &Fields) -> Self {
        let mut written = Self::default();
        for (name, value) in fields.pairs() {
            let value = value.replace("\r\n", "\n");
            if matches!(name, "go" | "section" | "command_id" | "version" | "pick") || name.starts_with("bulk.") {
                continue;
            }
            if let Some(field) = name.strip_prefix("was.") {
                written.seen.insert(field.to_owned(), value);
            } else if name.starts_with("upload.") {
                written.unsent |= !value.is_empty();
            } else if let Some(place) = name.strip_prefix("cart.items.") {
                written.annotate(place, value);
            } else {
                written.answers.push((name.to_owned(), value));
            }
        }
        written
    }

    /// `VARIABLE.PROPERTY` of a line of the cart.
    fn annotate(&mut self, place: &str, value: String) {
        let Some((variable, property)) = place.rsplit_once('.') else { return };
        if self.cart.last().is_none_or(|item| item.variable_id != variable) {
            self.cart.push(CartItem { variable_id: variable.to_owned(), ..CartItem::default() });
        }
        if let Some(item) = self.cart.last_mut() {
            match property {
                "role" => item.role = value,
                "necessity" => item.necessity = value,
                "granularity" => item.granularity = value,
                _ => {}
            }
        }
    }

    /// Gives role, level and justification to the variables that were picked.
    fn bulk(&mut self, fields: &Fields) {
        let picked: Vec<&str> = fields.all("pick").collect();
        let (role, granularity) = (fields.get("bulk.role"), fields.get("bulk.granularity"));
        let necessity = fields.get("bulk.necessity");
        for item in self.cart.iter_mut().filter(|item| picked.contains(&item.variable_id.as_str())) {
            for (part, given) in
                [(&mut item.role, role), (&mut item.granularity, granularity), (&mut item.necessity, necessity)]
            {
                if !given.is_empty() {
                    *part = given.replace("\r\n", "\n");
                }
            }
        }
    }

    /// Takes out everything that is named below a row.
    fn drop_row(&mut self, row: &str) {
        let below = format!("{row}.");
        self.answers.retain(|(name, _)| !name.starts_with(&below));
    }

    /// Takes out the inputs of a file.
    fn drop_file(&mut self, id: &str) {
        let file = self.answers.iter().find(|(name, value)| name.ends_with(".id") && value == id);
        if let Some(path) = file.map(|(name, _)| name.trim_end_matches("id").to_owned()) {
            self.answers.retain(|(name, _)| !name.starts_with(&path));
        }
    }

    /// Adds the inputs of a file to its field: as the only one, or behind those that are there.
    fn add_file(&mut self, field: &str, many: bool, file: &access::files::FileView) {
        let taken = |n: usize| self.answers.iter().any(|(name, _)| *name == format!("{field}.{n}.id"));
        let path = if many { format!("{field}.{}", (0..).find(|n| !taken(*n)).unwrap_or(0)) } else { field.to_owned() };
        for (part, value) in [("id", file.id.to_string()), ("name", file.name.clone()), ("size", file.size.to_string())]
        {
            self.answers.push((format!("{path}.{part}"), value));
        }
    }

    /// Writes everything.
    async fn save(&self, services: &Services, visitor: &Visitor, case: CaseId) -> Result<Saved, WebError> {
        let actor = visitor.actor()?;
        if !self.cart.is_empty() {
            services.access.annotate_cart(actor, case, &self.cart).await.map_err(visitor.fail())?;
        }
        if self.answers.is_empty() {
            return Ok(Saved { done: None, written: Vec::new(), overwritten: Vec::new() });
        }
        services.access.save_form_seen(actor, case, &self.answers, &self.seen).await.map_err(visitor.fail())
    }
}

/// What a button asks for, besides saving.
enum Go<'a> {
    Next,
    Stay,
    /// Save, and come back to this place of the page.
    At(&'a str),
    Drop(&'a str),
    Upload(&'a str),
    Unfile(&'a str),
    Confirm(&'a str),
    Back(&'a str),
    Bulk,
    Remove(&'a str),
    Count(&'a str),
    FromCart,
}

impl<'a> Go<'a> {
    fn of(text: &'a str) -> Self {
        match text.split_once(':') {
            Some(("row", name)) => Go::At(name),
            Some(("drop", row)) => Go::Drop(row),
            Some(("upload", field)) => Go::Upload(field),
            Some(("unfile", id)) => Go::Unfile(id),
            Some(("confirm", id)) => Go::Confirm(id),
            Some(("back", id)) => Go::Back(id),
            Some(("remove", id)) => Go::Remove(id),
            Some(("count", field)) => Go::Count(field),
            _ if text == "stay" => Go::Stay,
            _ if text == "bulk" => Go::Bulk,
            _ if text == "fromcart" => Go::FromCart,
            _ => Go::Next,
        }
    }
}

pub(super) async fn section(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, section)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    let actor = visitor.actor()?;
    let mut written = Written::of(&sent.fields);
    let go = Go::of(sent.fields.get("go"));
    let file_id = |text: &str| text.parse().map_err(|_| visitor.fail()(Problem::not_found("file")));
    let (mut refused, mut place) = (Vec::new(), String::new());
    match &go {
        Go::Bulk => written.bulk(&sent.fields),
        Go::Drop(row) => {
            written.drop_row(row);
            place = row.rsplit_once('.').map_or(String::new(), |(field, _)| dom(field));
        }
        Go::At(name) => place = dom(name),
        Go::Unfile(id) => written.drop_file(id),
        Go::Confirm(id) => {
            let file = services.access.confirm_file(actor, case, file_id(id)?).await.map_err(visitor.fail())?;
            written.add_file(&file.field, many(&services, &visitor, case, &file.field).await?, &file);
        }
        Go::Upload(field) | Go::Count(field) => place = dom(field),
        _ => {}
    }
    for upload in &sent.files {
        attach(&services, &visitor, case, upload, &mut written, &mut refused).await?;
    }
    let mut saved = written.save(&services, &visitor, case).await?;
    let mut uncounted = None;
    match &go {
        Go::Count(_) => uncounted = count(&services, &visitor, case).await?,
        Go::Unfile(id) => services.access.remove_file(actor, case, file_id(id)?).await.map_err(visitor.fail())?,
        Go::Back(id) => {
            let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("value")))?;
            let back = services.access.put_back(actor, case, id).await.map_err(visitor.fail())?;
            saved.overwritten.extend(back.overwritten);
        }
        Go::Remove(variable) => {
            let gone = [(*variable).to_owned()];
            services.access.change_variables(actor, case, Vec::new(), &gone).await.map_err(visitor.fail())?;
        }
        Go::FromCart => {
            let items = cart_items(&services, &visitor).await?;
            services.access.change_variables(actor, case, items, &[]).await.map_err(visitor.fail())?;
            services.catalogue.cart_empty(&visitor.cart).await.map_err(visitor.fail())?;
        }
        _ => {}
    }
    if !refused.is_empty() {
        let told = Told { saved: Some(String::new()), ..Told::default() };
        return show(&services, &visitor, &id, Some(&section), told, &refused).await;
    }
    // What one puts back oneself need not be told.
    let kept = if matches!(go, Go::Back(_)) { 0 } else { saved.overwritten.len() };
    let draft = services.access.draft(actor, case).await.map_err(visitor.fail())?;
    let here = draft.sections.iter().position(|s| s.id == section).unwrap_or(0);
    let stays = !matches!(go, Go::Next) || written.unsent || kept > 0;
    let next = if stays { here } else { (here + 1).min(draft.sections.len().saturating_sub(1)) };
    let name = draft.sections.get(next).map(|s| s.id.clone()).unwrap_or_default();
    // Whoever stays sees what is missing there.
    let mut told = Vec::new();
    if next == here {
        told.push("saved=yes".to_owned());
    }
    if written.unsent {
        told.push("unsent=yes".to_owned());
    }
    if kept > 0 {
        told.push(format!("kept={kept}"));
    }
    if let Some(why) = uncounted {
        told.push(format!("count={why}"));
    }
    let query = if told.is_empty() { String::new() } else { format!("?{}", told.join("&")) };
    let anchor = if place.is_empty() { String::new() } else { format!("#{place}") };
    Ok(Redirect::to(&format!("/apply/{id}/{name}{query}{anchor}")).into_response())
}

/// Counts the persons of the criteria; gives why not, where the page does not say it anyway: what is wrong with the criteria
/// stands at the field, and how many counts are left beside the button.
async fn count(services: &Services, visitor: &Visitor, case: CaseId) -> Result<Option<&'static str>, WebError> {
    match services.access.count(visitor.actor()?, case).await {
        Ok(_) | Err(Problem::Invalid { .. } | Problem::Conflict { .. }) => Ok(None),
        Err(Problem::Forbidden { .. }) => Ok(Some("forbidden")),
        Err(Problem::Busy { .. } | Problem::Unavailable { .. }) => Ok(Some("unavailable")),
        Err(other) => Err(visitor.fail()(other)),
    }
}

/// Takes a file for its field; one that waits for a confirmation is not part of the answer yet.
async fn attach(
    services: &Services,
    visitor: &Visitor,
    case: CaseId,
    upload: &Upload,
    written: &mut Written,
    refused: &mut Vec<form::NotTaken>,
) -> Result<(), WebError> {
    let Some(field) = upload.input.strip_prefix("upload.") else { return Ok(()) };
    match services.access.add_file(visitor.actor()?, case, field, &upload.name, &upload.bytes).await {
        Ok(file) if file.places.is_empty() => {
            written.add_file(field, many(services, visitor, case, field).await?, &file);
        }
        Ok(_) => {}
        Err(NotTaken::File(refusal)) => refused.push((field.to_owned(), refusal)),
        Err(NotTaken::Problem(problem)) => return Err(visitor.fail()(problem)),
    }
    Ok(())
}

/// Whether a field takes several files. Those in groups and rows take one.
async fn many(services: &Services, visitor: &Visitor, case: CaseId, field: &str) -> Result<bool, WebError> {
    let draft = services.access.draft(visitor.actor()?, case).await.map_err(visitor.fail())?;
    let found = draft.sections.iter().flat_map(|s| &s.fields).find(|v| v.field.id == field);
    Ok(found.is_some_and(|v| v.field.kind == access::form::FieldKind::FileList))
}

/// The answer to a page that saves by itself: what stands now, and what was overwritten.
pub(super) async fn autosave(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    let saved = Written::of(&fields).save(&services, &visitor, case).await?;
    let draft = services.access.draft(visitor.actor()?, case).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let now = f.time(&services.clock.now());
    let status = f.tv("apply-saved", "time", now.rsplit(' ').next().unwrap_or_default());
    let views = || draft.sections.iter().flat_map(|s| &s.fields);
    // Of a field that others wrote meanwhile the page still shows the old value: its mark stays what was seen.
    let marks: BTreeMap<&str, String> = views()
        .filter(|v| saved.written.contains(&v.field.id))
        .map(|v| (v.field.id.as_str(), access::mark(&v.value)))
        .collect();
    let label = |field: &str| {
        let view = views().find(|v| v.field.id == field);
        view.map_or_else(|| field.to_owned(), |v| v.field.label.text(visitor.lang).to_owned())
    };
    let overwritten: Vec<String> = saved
        .overwritten
        .iter()
        .map(|kept| f.tv2("apply-overwrote", "field", label(&kept.field), "value", super::plain(&kept.value)))
        .collect();
    let panel = panel(&f, &id, fields.get("section"), &draft);
    Ok(Json(json!({"status": status, "marks": marks, "overwritten": overwritten, "panel": panel})).into_response())
}
