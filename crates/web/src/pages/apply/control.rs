//! Fields of the application form as controls of a page: which kind of input, with which value and choices. Every field type
//! has one; groups and rows have controls inside them, so that a form that is data needs no page of its own.

use access::change::Op;
use access::files::{FileState, FileView};
use access::form::{Fault, Field, FieldKind};
use access::views::{DraftView, FieldView};
use access::{Guidance, Overwritten, mark};
use askama::Template;
use kernel::{LangMap, Language};
use serde_json::Value;

use super::plain;
use crate::frame::Frame;
use crate::pages::cases::{Names, in_words};
use crate::pages::permits::ops::{OpRow, Words};
use crate::texts::text;

/// From so many choices on they are a list to open instead of buttons.
const MANY: usize = 8;

/// A control of the form: what a template needs to draw one field, or a part of one.
#[derive(Default)]
pub(crate) struct Control {
    /// Name of the input: the field's id, parts after dots.
    pub(crate) name: String,
    /// Id on the page.
    pub(crate) dom: String,
    pub(crate) label: String,
    pub(crate) help: String,
    /// Never required.
    pub(crate) optional: bool,
    pub(crate) editable: bool,
    /// How it is drawn.
    pub(crate) shape: &'static str,
    /// Type of a one-line input.
    pub(crate) input: &'static str,
    /// Most characters; 0: no limit of its own.
    pub(crate) limit: usize,
    pub(crate) value: String,
    /// Code, text, chosen.
    pub(crate) options: Vec<(String, String, bool)>,
    /// Controls of a group.
    pub(crate) parts: Vec<Control>,
    /// Controls of rows, each with the number of its row.
    pub(crate) lines: Vec<(usize, Vec<Control>)>,
    pub(crate) cart: Vec<CartRow>,
    pub(crate) files: Vec<Attached>,
    /// Whether another file can be attached.
    pub(crate) more_files: bool,
    pub(crate) faults: Vec<String>,
    pub(crate) comments: Vec<(String, Option<String>)>,
    /// What sources say about the field: source, text.
    pub(crate) guidance: Vec<(String, String)>,
    /// Operations of a change.
    pub(crate) ops: Vec<OpRow>,
    /// Mark of the value that the page shows (ACC-025).
    pub(crate) mark: Option<String>,
    /// Values that were overwritten: id, text, when.
    pub(crate) kept: Vec<(String, String, kernel::Timestamp)>,
    /// What stands below it, drawn.
    pub(crate) below: String,
}

/// A variable of the cart.
pub(crate) struct CartRow {
    pub(crate) id: String,
    pub(crate) dom: String,
    pub(crate) label: String,
    pub(crate) source: String,
    pub(crate) levels: Vec<(String, bool)>,
    pub(crate) role: String,
    pub(crate) necessity: String,
    pub(crate) sensitive: bool,
    pub(crate) faults: Vec<String>,
}

/// A file of a field.
pub(crate) struct Attached {
    pub(crate) id: String,
    /// Where it is downloaded.
    pub(crate) address: String,
    /// Beginning of the names of its inputs; empty while it waits.
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) size: i64,
    /// Places that look like identity numbers: part and line.
    pub(crate) places: Vec<(String, usize)>,
    pub(crate) waits: bool,
    pub(crate) scanned: bool,
    /// Day of the document, where it counts.
    pub(crate) dated: String,
}

impl Control {
    /// The control as a piece of a page.
    pub(crate) fn draw(&self, f: &Frame) -> String {
        #[derive(Template)]
        #[template(path = "apply/control.html")]
        struct Drawn<'a> {
            f: &'a Frame,
            c: &'a Control,
        }
        Drawn { f, c: self }.render().unwrap_or_else(|error| {
            tracing::error!(%error, "control");
            String::new()
        })
    }

    /// What is wrong, with the place of each control.
    pub(crate) fn wrong(&self) -> Vec<(String, String, String)> {
        let own = self.faults.iter().map(|text| (self.dom.clone(), self.label.clone(), text.clone()));
        let rows = self
            .cart
            .iter()
            .flat_map(|row| row.faults.iter().map(|text| (row.dom.clone(), row.label.clone(), text.clone())));
        let inner = self.parts.iter().chain(self.lines.iter().flat_map(|(_, parts)| parts));
        own.chain(rows).chain(inner.flat_map(Control::wrong)).collect()
    }

    /// Whether it follows from others and is not known yet.
    pub(crate) fn says_nothing(&self) -> bool {
        self.shape == "computed" && self.value.is_empty()
    }

    /// Forgets what is wrong, here and inside.
    pub(crate) fn forgive(&mut self) {
        self.faults.clear();
        self.cart.iter_mut().for_each(|row| row.faults.clear());
        self.parts.iter_mut().for_each(Control::forgive);
        self.lines.iter_mut().for_each(|(_, parts)| parts.iter_mut().for_each(Control::forgive));
    }

    /// Places of the controls inside, for faults that have one.
    fn places(&self) -> Vec<&str> {
        let inner = self.parts.iter().chain(self.lines.iter().flat_map(|(_, parts)| parts));
        let mut places = vec![self.name.as_str()];
        places.extend(inner.flat_map(Control::places));
        places.extend(self.cart.iter().map(|row| row.id.as_str()));
        places
    }
}

/// What controls are made from besides the field.
pub(crate) struct Maker<'a> {
    pub(crate) draft: &'a DraftView,
    pub(crate) files: &'a [FileView],
    pub(crate) kept: &'a [Overwritten],
    pub(crate) guidance: &'a [Guidance],
    pub(crate) names: &'a Names,
    pub(crate) language: Language,
}

impl Maker<'_> {
    /// The control of one field.
    pub(crate) fn field(&self, view: &FieldView) -> Control {
        let mut control = self.part(&view.field, view.field.id.clone(), &view.value, view.editable, &view.faults);
        control.comments = view.comments.iter().map(|c| (c.question.clone(), c.answer.clone())).collect();
        let said = self.guidance.iter().filter(|said| said.field == view.field.id);
        control.guidance =
            said.map(|g| (self.names.source(&g.source), g.text.text(self.language).to_owned())).collect();
        if let Some(ops) = self.draft.ops.as_deref() {
            self.of_change(&mut control, ops, &view.value, view.editable);
        }
        // What follows from other fields is nobody's to overwrite.
        let follows = matches!(view.field.id.as_str(), "chg.kind" | "chg.why_per_op");
        if view.field.kind.is_written() && !follows {
            control.mark = Some(mark(&view.value));
        }
        let own = self.kept.iter().filter(|kept| kept.field == view.field.id);
        let told = |kept: &Overwritten| {
            (kept.id.to_string(), in_words(&view.field.options, &kept.value, self.language), kept.at)
        };
        control.kept = own.map(told).collect();
        // Faults of parts that are drawn stand there; all others stand at the field.
        let inside: Vec<String> = control.places().into_iter().skip(1).map(str::to_owned).collect();
        let cart = |fault: &Fault| {
            let place = fault.field.strip_prefix("cart.items.");
            place.is_some_and(|place| inside.iter().any(|id| place == id || place.starts_with(&format!("{id}."))))
        };
        let here = view.faults.iter().filter(|fault| !inside.contains(&fault.field) && !cart(fault));
        control.faults = self.texts(here);
        control
    }

    /// The difference of a change, and a reason for each operation that adds data: what it is about is computed.
    fn of_change(&self, control: &mut Control, ops: &[Op], value: &Value, editable: bool) {
        let words = Words { names: self.names, persons: &self.draft.persons, language: self.language };
        match control.name.as_str() {
            "chg.ops" => {
                control.shape = "ops";
                control.ops = words.rows(ops);
            }
            "chg.why_per_op" => {
                control.shape = "reasons";
                let row = |(n, row): (usize, &Value)| {
                    let path = plain(&row["op"]);
                    let name = format!("{}.{n}.reason", control.name);
                    let about = ops.iter().find(|op| op.path == path);
                    let label = about.map_or_else(|| path.clone(), |op| words.line(op));
                    let reason = Control {
                        dom: dom(&name),
                        label,
                        editable,
                        shape: "longtext",
                        value: plain(&row["reason"]),
                        name,
                        ..Control::default()
                    };
                    let hidden = Control {
                        name: format!("{}.{n}.op", control.name),
                        shape: "hidden",
                        value: path,
                        ..Control::default()
                    };
                    [hidden, reason]
                };
                control.parts = value.as_array().into_iter().flatten().enumerate().flat_map(row).collect();
            }
            _ => {}
        }
    }

    fn texts<'f>(&self, faults: impl Iterator<Item = &'f Fault>) -> Vec<String> {
        // Two parts of a field may lack the same: it is said once.
        let mut told = std::collections::BTreeSet::new();
        faults.map(|f| f.text.text(self.language).to_owned()).filter(|text| told.insert(text.clone())).collect()
    }

    fn part(&self, field: &Field, name: String, value: &Value, editable: bool, faults: &[Fault]) -> Control {
        let mut control = Control {
            dom: dom(&name),
            label: field.label.text(self.language).to_owned(),
            help: field.help.text(self.language).to_owned(),
            optional: field.optional,
            editable,
            shape: "text",
            input: "text",
            value: plain(value),
            faults: self.texts(faults.iter().filter(|fault| fault.field == name)),
            name,
            ..Control::default()
        };
        let chosen = |id: &str| value.as_array().is_some_and(|v| v.iter().any(|x| x.as_str() == Some(id)));
        match field.kind {
            FieldKind::VariableCart => self.cart(&mut control, faults),
            FieldKind::Computed => {
                control.shape = "computed";
                control.value = self.computed(&field.id, value);
            }
            FieldKind::Info => control.shape = "info",
            FieldKind::Text(limit) => control.limit = limit,
            FieldKind::Longtext(limit) => (control.shape, control.limit) = ("longtext", limit),
            FieldKind::Criteria => control.shape = "longtext",
            FieldKind::Boolean => self.yes_or_no(&mut control, value),
            FieldKind::Confirm | FieldKind::Signature => {
                control.shape = "checks";
                control.options =
                    vec![("true".into(), text(self.language, "apply-confirm"), value.as_bool() == Some(true))];
            }
            FieldKind::Multichoice | FieldKind::ConfirmList if !field.options.is_empty() => {
                control.shape = "checks";
                control.options = self.options(&field.options, chosen);
            }
            FieldKind::VariableList => {
                control.shape = "checks";
                let line = |line: &access::views::CartLine| {
                    let id = line.item.variable_id.clone();
                    let chosen = chosen(&id);
                    (id, line.label.text(self.language).to_owned(), chosen)
                };
                control.options = self.draft.cart.iter().map(line).collect();
            }
            FieldKind::Choice | FieldKind::Code if !field.options.is_empty() => {
                control.shape = if field.options.len() < MANY { "radio" } else { "select" };
                control.options = self.options(&field.options, |id| value.as_str() == Some(id));
            }
            FieldKind::OrderedList => self.ordered(&mut control, field, value),
            FieldKind::Date => control.input = "date",
            FieldKind::Email | FieldKind::Person => control.input = "email",
            FieldKind::Phone => control.input = "tel",
            FieldKind::Country | FieldKind::Language => control.limit = 2,
            FieldKind::DateRange => self.range(&mut control, value),
            FieldKind::PeriodList => {
                control.shape = "group";
                control.parts = self.draft.collections.iter().map(|c| self.period(&control, c, value)).collect();
            }
            FieldKind::Address => self.texts_of(&mut control, value, &["street", "code", "town", "country"]),
            FieldKind::Organisation => self.texts_of(&mut control, value, &["name", "id", "country"]),
            FieldKind::Quantity => self.quantity(&mut control, field, value),
            FieldKind::OrganisationList => {
                let filled = value.as_array().map_or(0, Vec::len);
                control.shape = "lines";
                control.lines = (0..=filled)
                    .map(|n| {
                        let mut row = Control { name: format!("{}.{n}", control.name), editable, ..Control::default() };
                        self.texts_of(&mut row, &value[n], &["name", "id", "country"]);
                        (n, row.parts)
                    })
                    .collect();
            }
            FieldKind::File | FieldKind::FileList => self.files(&mut control, field, value),
            FieldKind::Group => {
                control.shape = "group";
                control.parts = self.parts(field, &control.name, value, editable, faults);
            }
            kind if kind.has_rows() => {
                let (filled, most) = (value.as_array().map_or(0, Vec::len), field.rows.map_or(200, |(_, most)| most));
                control.shape = "lines";
                let row = |n: usize| {
                    let path = format!("{}.{n}", control.name);
                    (n, self.parts(field, &path, &value[n], editable, faults))
                };
                control.lines = (0..(filled + 1).min(most)).map(row).collect();
            }
            _ => {}
        }
        control
    }

    fn parts(&self, field: &Field, path: &str, value: &Value, editable: bool, faults: &[Fault]) -> Vec<Control> {
        let part = |part: &Field| self.part(part, format!("{path}.{}", part.id), &value[&part.id], editable, faults);
        if !field.parts.is_empty() {
            return field.parts.iter().map(part).filter(|control| !control.says_nothing()).collect();
        }
        // Persons in a form that says nothing about their parts.
        let mut row = Control { name: path.to_owned(), editable, ..Control::default() };
        self.texts_of(&mut row, value, &["name", "email", "role"]);
        for control in &mut row.parts {
            control.faults = self.texts(faults.iter().filter(|fault| fault.field == control.name));
        }
        row.parts
    }

    fn options(&self, options: &[(String, LangMap)], chosen: impl Fn(&str) -> bool) -> Vec<(String, String, bool)> {
        options.iter().map(|(id, text)| (id.clone(), text.text(self.language).to_owned(), chosen(id))).collect()
    }

    fn yes_or_no(&self, control: &mut Control, value: &Value) {
        control.shape = "radio";
        let chosen = |v: bool| value.as_bool() == Some(v);
        control.options = vec![
            ("true".into(), text(self.language, "yes"), chosen(true)),
            ("false".into(), text(self.language, "no"), chosen(false)),
        ];
    }

    /// One input for each part of a value that is an object of texts.
    fn texts_of(&self, control: &mut Control, value: &Value, parts: &[&str]) {
        control.shape = "group";
        let part = |part: &&str| {
            let name = format!("{}.{part}", control.name);
            let mut inner = Control {
                dom: dom(&name),
                label: text(self.language, &format!("part-{part}")),
                editable: control.editable,
                shape: "text",
                input: if *part == "email" { "email" } else { "text" },
                value: plain(&value[part]),
                name,
                ..Control::default()
            };
            if *part == "country" {
                inner.limit = 2;
                inner.help = text(self.language, "part-country-help");
            }
            inner
        };
        control.parts = parts.iter().map(part).collect();
    }

    fn day(&self, name: String, key: &str, value: &Value, editable: bool) -> Control {
        let (dom, label) = (dom(&name), text(self.language, key));
        Control { dom, label, name, editable, shape: "text", input: "date", value: plain(value), ..Control::default() }
    }

    fn range(&self, control: &mut Control, value: &Value) {
        control.shape = "group";
        let end = |key: &str| self.day(format!("{}.{key}", control.name), key, &value[key], control.editable);
        control.parts = vec![end("from"), end("to")];
    }

    fn period(&self, control: &Control, collection: &str, value: &Value) -> Control {
        let name = format!("{}.{collection}", control.name);
        let mut period = Control {
            dom: dom(&name),
            label: self.names.collection(collection),
            name,
            editable: control.editable,
            ..Control::default()
        };
        self.range(&mut period, &value[collection]);
        period
    }

    fn quantity(&self, control: &mut Control, field: &Field, value: &Value) {
        control.shape = "group";
        let part = |part: &str| {
            let name = format!("{}.{part}", control.name);
            Control {
                dom: dom(&name),
                label: text(self.language, &format!("part-{part}")),
                name,
                editable: control.editable,
                shape: "text",
                input: "text",
                value: plain(&value[part]),
                ..Control::default()
            }
        };
        let mut unit = part("unit");
        unit.shape = "select";
        unit.options = self.options(&field.options, |id| value["unit"].as_str() == Some(id));
        control.parts = vec![part("amount"), unit];
    }

    /// One list to open for each place of an order.
    fn ordered(&self, control: &mut Control, field: &Field, value: &Value) {
        control.shape = "group";
        let place = |n: usize| Control {
            name: control.name.clone(),
            dom: format!("{}-{n}", control.dom),
            label: (n + 1).to_string(),
            editable: control.editable,
            shape: "select",
            options: self.options(&field.options, |id| value[n].as_str() == Some(id)),
            ..Control::default()
        };
        control.parts = (0..field.options.len()).map(place).collect();
    }

    fn files(&self, control: &mut Control, field: &Field, value: &Value) {
        control.shape = "files";
        let single = field.kind == FieldKind::File;
        let named: Vec<(String, &Value)> = match value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(n, v)| (format!("{}.{n}", control.name), v)).collect()
            }
            Value::Object(_) => vec![(control.name.clone(), value)],
            _ => Vec::new(),
        };
        let attached = |(path, value): (String, &Value)| {
            let known = self.files.iter().find(|file| value["id"].as_str() == Some(&file.id.to_string()));
            Attached {
                id: plain(&value["id"]),
                address: format!("/apply/{}/files/{}", self.draft.id, plain(&value["id"])),
                path,
                name: plain(&value["name"]),
                size: known.map_or(0, |file| file.size),
                places: Vec::new(),
                waits: false,
                scanned: known.is_some_and(|file| file.scanned),
                dated: plain(&value["dated"]),
            }
        };
        control.files = named.into_iter().map(attached).collect();
        let held = self.files.iter().filter(|file| file.field == control.name && file.state == FileState::Held);
        control.files.extend(held.map(|file| Attached {
            id: file.id.to_string(),
            address: format!("/apply/{}/files/{}", self.draft.id, file.id),
            path: String::new(),
            name: file.name.clone(),
            size: file.size,
            places: file.places.iter().map(|place| (place.part.clone(), place.line)).collect(),
            waits: true,
            scanned: file.scanned,
            dated: String::new(),
        }));
        let most = if single { 1 } else { field.rows.map_or(20, |(_, most)| most) };
        control.more_files = control.editable && control.files.len() < most;
    }

    /// The lines of the cart: role, necessity and level of detail of each variable, with the levels on offer.
    fn cart(&self, control: &mut Control, faults: &[Fault]) {
        control.shape = "cart";
        let row = |line: &access::views::CartLine| {
            let id = line.item.variable_id.clone();
            let place = format!("cart.items.{id}");
            let parts = format!("{place}.");
            let own = faults.iter().filter(|f| f.field == place || f.field.starts_with(&parts));
            let offered =
                if line.granularities.is_empty() { vec!["as_is".to_owned()] } else { line.granularities.clone() };
            let chosen = |level: String| {
                let chosen = level == line.item.granularity;
                (level, chosen)
            };
            CartRow {
                dom: dom(&place),
                label: line.label.text(self.language).to_owned(),
                source: line.source_name.text(self.language).to_owned(),
                levels: offered.into_iter().map(chosen).collect(),
                role: line.item.role.clone(),
                necessity: line.item.necessity.clone(),
                sensitive: line.sensitive,
                faults: self.texts(own),
                id,
            }
        };
        control.cart = self.draft.cart.iter().map(row).collect();
    }
}

/// An id for the page: letters, digits and hyphens.
pub(super) fn dom(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
