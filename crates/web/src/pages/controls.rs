//! Fields of the application form as controls of a page: which kind of input, with which value and choices.

use access::form::FieldKind;
use access::views::{DraftView, FieldView};
use kernel::Language;
use serde_json::Value;

use super::apply::{Control, plain};
use super::cases::Names;
use crate::texts::text;

/// Rows for persons that are offered beyond those filled in.
const SPARE_ROWS: usize = 1;

/// The control of one field.
pub(super) fn control(view: &FieldView, draft: &DraftView, names: &Names, language: Language) -> Control {
    let field = &view.field;
    let mut control = Control {
        name: field.id.clone(),
        dom: dom(&field.id),
        label: field.label.text(language).to_owned(),
        help: field.help.text(language).to_owned(),
        editable: view.editable,
        shape: "text",
        value: plain(&view.value),
        second: String::new(),
        options: Vec::new(),
        rows: Vec::new(),
        faults: view.faults.iter().map(|f| f.text.text(language).to_owned()).collect(),
        comments: view.comments.iter().map(|c| (c.question.clone(), c.answer.clone())).collect(),
    };
    // Two parts of a field may lack the same: it is said once.
    let mut told = std::collections::BTreeSet::new();
    control.faults.retain(|text| told.insert(text.clone()));
    match field.kind {
        FieldKind::VariableCart => {
            control.shape = "cart";
            control.rows = cart(draft, language);
        }
        FieldKind::Computed => control.shape = "computed",
        FieldKind::Longtext(_) | FieldKind::Criteria => control.shape = "longtext",
        FieldKind::Boolean => {
            control.shape = "radio";
            let chosen = |v: bool| view.value.as_bool() == Some(v);
            control.options = vec![
                ("true".into(), text(language, "yes"), chosen(true)),
                ("false".into(), text(language, "no"), chosen(false)),
            ];
        }
        FieldKind::Confirm => {
            control.shape = "checks";
            control.options =
                vec![("true".into(), field.label.text(language).to_owned(), view.value.as_bool() == Some(true))];
        }
        FieldKind::Multichoice | FieldKind::ConfirmList => {
            control.shape = "checks";
            let chosen = |id: &str| view.value.as_array().is_some_and(|v| v.iter().any(|x| x.as_str() == Some(id)));
            control.options = options(view, language, chosen);
        }
        FieldKind::Choice => {
            control.shape = "radio";
            control.options = options(view, language, |id| view.value.as_str() == Some(id));
        }
        FieldKind::Date => control.shape = "date",
        FieldKind::Integer => control.shape = "number",
        FieldKind::Email => control.shape = "email",
        FieldKind::DateRange => {
            control.shape = "range";
            control.value = plain(&view.value["from"]);
            control.second = plain(&view.value["to"]);
        }
        FieldKind::PeriodList => {
            control.shape = "periods";
            control.rows = draft.collections.iter().map(|c| period(c, names.collection(c), &view.value)).collect();
        }
        FieldKind::PersonList => {
            control.shape = "persons";
            control.rows = persons(&view.value);
        }
        _ => {}
    }
    control
}

/// An id for the page: letters, digits and hyphens.
fn dom(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn options(view: &FieldView, language: Language, chosen: impl Fn(&str) -> bool) -> Vec<(String, String, bool)> {
    let option = |(id, text): &(String, kernel::LangMap)| (id.clone(), text.text(language).to_owned(), chosen(id));
    view.field.options.iter().map(option).collect()
}

/// From and to of one collection.
fn period(collection: &str, name: String, value: &Value) -> Vec<(String, String, String)> {
    let part = |end: &str| (format!("cart.periods.{collection}.{end}"), name.clone(), plain(&value[collection][end]));
    vec![part("from"), part("to")]
}

fn persons(value: &Value) -> Vec<Vec<(String, String, String)>> {
    let filled = value.as_array().map_or(0, Vec::len);
    let cell = |row: usize, property: &str| {
        (format!("proc.persons.{row}.{property}"), property.to_owned(), plain(&value[row][property]))
    };
    (0..filled + SPARE_ROWS).map(|row| ["name", "email", "role"].map(|p| cell(row, p)).to_vec()).collect()
}

/// The lines of the cart: role, necessity and level of detail of each variable, with the levels on offer.
fn cart(draft: &DraftView, language: Language) -> Vec<Vec<(String, String, String)>> {
    draft
        .cart
        .iter()
        .map(|line| {
            let id = &line.item.variable_id;
            let name = |property: &str| format!("cart.items.{id}.{property}");
            vec![
                (name("granularity"), line.granularities.join(" "), line.item.granularity.clone()),
                (name("role"), line.label.text(language).to_owned(), line.item.role.clone()),
                (name("necessity"), line.source_name.text(language).to_owned(), line.item.necessity.clone()),
            ]
        })
        .collect()
}
