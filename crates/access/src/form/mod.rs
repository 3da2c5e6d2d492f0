//! Forms are data (ACC-020): the definitions of `data/forms.json`, and beside it `data/short-form.json` with the fields
//! of the short form, their executable conditions and their texts in all languages.
//!
//! What it is not: pages. The web renders what [`Form`] describes and shows what [`check`] finds.

mod check;
mod expr;
mod input;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::LangMap;
use kernel::Language;
use serde::{Deserialize, Serialize};

pub(crate) use check::range;
pub use check::{DraftContent, Environment, Fault, Level, Report, VariableFacts, check, is_visible};
pub use expr::{Expr, ExprError, MAX_STEPS, Scope};
pub use input::from_pairs;

/// The form that a case is written in.
#[derive(Debug)]
pub struct Form {
    /// `person-level`.
    pub id: String,
    /// Version of the definitions.
    pub version: String,
    /// Sections in order, with their fields.
    pub sections: Vec<Section>,
    /// Texts of the rules, by rule.
    pub rules: BTreeMap<String, LangMap>,
    /// Ids of the whole form, also of fields that the short form does not ask.
    all: Vec<String>,
}

/// A section.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// `pub`.
    pub id: String,
    /// Title.
    pub title: LangMap,
    /// What the section is about.
    pub intro: LangMap,
    /// Fields.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Stable id, e.g. `pub.title`.
    pub id: String,
    /// What it holds.
    #[serde(flatten)]
    pub kind: FieldKind,
    /// Label.
    pub label: LangMap,
    /// Help.
    pub help: LangMap,
    /// Who sees it after reception.
    pub audience: Audience,
    /// Names of the choices, in order.
    pub options: Vec<(String, LangMap)>,
    /// When it must be filled in.
    #[serde(skip)]
    pub required: Condition,
    /// When it is shown.
    #[serde(skip)]
    pub visible: Condition,
    /// What its value must fulfil.
    #[serde(skip)]
    pub validation: Option<Condition>,
}

/// What a field holds (the types of ACC-021 that the short form uses).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "limit", rename_all = "snake_case")]
pub enum FieldKind {
    /// A line of at most so many characters.
    Text(usize),
    /// Lines of at most so many characters.
    Longtext(usize),
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A statement to agree with.
    Confirm,
    /// Several statements to agree with.
    ConfirmList,
    /// One option.
    Choice,
    /// Several options.
    Multichoice,
    /// A day.
    Date,
    /// First and last day: `{from, to}`.
    DateRange,
    /// E-mail address.
    Email,
    /// Organisation number.
    Orgnr,
    /// A person by e-mail address.
    Person,
    /// Persons: `[{name, email, role}]`.
    PersonList,
    /// A population expression.
    Criteria,
    /// First and last day for each collection: `{collection: {from, to}}`.
    PeriodList,
    /// The cart.
    VariableCart,
    /// Follows from other fields.
    Computed,
}

/// Who sees a field after reception.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Audience {
    /// Everybody.
    #[serde(rename = "P")]
    Public,
    /// Parties and staff of the case.
    #[serde(rename = "I")]
    Parties,
    /// Case handler, decision maker and finance.
    #[serde(rename = "R")]
    Staff,
}

/// A condition: its text and what it parses to.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As written.
    pub text: String,
    pub(crate) expr: Expr,
}

impl Form {
    /// The field with this id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields().find(|field| field.id == id)
    }

    /// Every field, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    /// Whether the whole form has this field, asked in the short form or not.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.all.iter().any(|known| known == id)
    }

    /// The text of a rule that was broken.
    pub fn rule_text(&self, rule: &str) -> LangMap {
        self.rules.get(rule).or_else(|| self.rules.get("validation")).cloned().unwrap_or_default()
    }
}

/// The short form of person-level data.
pub fn short_form() -> &'static Form {
    static FORM: LazyLock<Form> = LazyLock::new(|| {
        #[expect(clippy::unwrap_used, reason = "the form is part of the program and is read by its tests")]
        load(include_str!("../../data/forms.json"), include_str!("../../data/short-form.json")).unwrap()
    });
    &FORM
}

/// Why form data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Not of the form that definitions have.
    #[error("the form data are not valid JSON of a form: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that is named here and defined nowhere.
    #[error("unknown form, section or field {0}")]
    Unknown(String),
    /// A type that is not built.
    #[error("field {0} has a type that is not built")]
    Type(String),
    /// A condition that does not parse.
    #[error("field {field}: the condition {text:?} does not parse: {error}")]
    Condition {
        /// The field.
        field: String,
        /// The condition.
        text: String,
        /// Why.
        error: ExprError,
    },
}

#[derive(Deserialize)]
struct FormsFile {
    forms: Vec<FormDef>,
}
#[derive(Deserialize)]
struct FormDef {
    id: String,
    sections: Vec<SectionDef>,
}
#[derive(Deserialize)]
struct SectionDef {
    id: String,
    title: LangMap,
    fields: Vec<FieldDef>,
}
#[derive(Deserialize)]
struct FieldDef {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    label: LangMap,
    required: String,
    validation: Option<String>,
    visible: String,
    audience: Audience,
}
#[derive(Deserialize)]
struct ShortFile {
    form: String,
    version: String,
    sections: BTreeMap<String, ShortSection>,
    fields: Vec<ShortField>,
    rules: BTreeMap<String, LangMap>,
}
#[derive(Deserialize)]
struct ShortSection {
    nn: String,
    intro: LangMap,
}
#[derive(Deserialize)]
struct ShortField {
    id: String,
    nn: String,
    help: LangMap,
    #[serde(default)]
    options: BTreeMap<String, LangMap>,
    /// Order of the options where forms.json lists none.
    #[serde(default)]
    order: Vec<String>,
    required: Option<String>,
    visible: Option<String>,
    /// Absent: as in forms.json. Null: none.
    #[serde(default, deserialize_with = "given")]
    validation: Option<Option<String>>,
}

fn given<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Some)
}

fn load(forms: &str, short: &str) -> Result<Form, FormError> {
    let forms: FormsFile = serde_json::from_str(forms)?;
    let short: ShortFile = serde_json::from_str(short)?;
    let form = forms.forms.into_iter().find(|f| f.id == short.form);
    let form = form.ok_or_else(|| FormError::Unknown(short.form.clone()))?;
    let all = form.sections.iter().flat_map(|s| s.fields.iter().map(|f| f.id.clone())).collect();
    let mut sections: Vec<Section> = Vec::new();
    for entry in &short.fields {
        let found = form.sections.iter().find_map(|s| Some((s, s.fields.iter().find(|f| f.id == entry.id)?)));
        let (section, def) = found.ok_or_else(|| FormError::Unknown(entry.id.clone()))?;
        let field = field(def, entry)?;
        match sections.iter_mut().find(|s| s.id == section.id) {
            Some(known) => known.fields.push(field),
            None => {
                let texts = short.sections.get(&section.id);
                let texts = texts.ok_or_else(|| FormError::Unknown(section.id.clone()))?;
                sections.push(Section {
                    id: section.id.clone(),
                    title: with_nn(&section.title, &texts.nn),
                    intro: texts.intro.clone(),
                    fields: vec![field],
                });
            }
        }
    }
    Ok(Form { id: form.id, version: short.version, sections, rules: short.rules, all })
}

fn with_nn(text: &LangMap, nn: &str) -> LangMap {
    let mut text = text.clone();
    text.0.insert(Language::Nn, nn.to_owned());
    text
}

fn field(def: &FieldDef, short: &ShortField) -> Result<Field, FormError> {
    let condition = |text: &str| -> Result<Condition, FormError> {
        let expr = Expr::parse(text).map_err(|error| FormError::Condition {
            field: def.id.clone(),
            text: text.to_owned(),
            error,
        })?;
        Ok(Condition { text: text.to_owned(), expr })
    };
    let validation = match &short.validation {
        Some(over) => over.as_deref(),
        None => def.validation.as_deref(),
    };
    let (kind, listed) = kind(def)?;
    // The order of the options is that of forms.json, or else the short form's own.
    let listed = if listed.is_empty() { short.order.clone() } else { listed };
    let options: Vec<(String, LangMap)> =
        listed.iter().filter_map(|id| Some((id.clone(), short.options.get(id)?.clone()))).collect();
    Ok(Field {
        id: def.id.clone(),
        kind,
        label: with_nn(&def.label, &short.nn),
        help: short.help.clone(),
        audience: def.audience,
        options,
        required: condition(short.required.as_deref().unwrap_or(&def.required))?,
        visible: condition(short.visible.as_deref().unwrap_or(&def.visible))?,
        validation: validation.map(condition).transpose()?,
    })
}

fn kind(def: &FieldDef) -> Result<(FieldKind, Vec<String>), FormError> {
    let (name, inside) = match def.kind.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end_matches(')')),
        None => (def.kind.as_str(), ""),
    };
    let listed: Vec<String> = inside.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
    let limit = inside.parse().unwrap_or(0);
    let kind = match name {
        "text" => FieldKind::Text(limit),
        "longtext" => FieldKind::Longtext(limit),
        "integer" => FieldKind::Integer,
        "boolean" => FieldKind::Boolean,
        "confirm" => FieldKind::Confirm,
        "confirm_list" => FieldKind::ConfirmList,
        "choice" => FieldKind::Choice,
        "multichoice" => FieldKind::Multichoice,
        "date" => FieldKind::Date,
        "date_range" => FieldKind::DateRange,
        "email" => FieldKind::Email,
        "orgnr" => FieldKind::Orgnr,
        "person" => FieldKind::Person,
        "person_list" => FieldKind::PersonList,
        "criteria" => FieldKind::Criteria,
        "period_list per collection" => FieldKind::PeriodList,
        "variable_cart" => FieldKind::VariableCart,
        "computed" => FieldKind::Computed,
        _ => return Err(FormError::Type(def.id.clone())),
    };
    // `choice(registered analysis rooms, other)` names a list that the installation has.
    let listed =
        if listed.iter().any(|id| id.contains(' ')) || kind == FieldKind::ConfirmList { Vec::new() } else { listed };
    Ok((kind, listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_006_every_text_of_the_short_form_is_there_in_all_languages() {
        let form = short_form();
        let complete = |place: &str, text: &LangMap| {
            for language in Language::ALL {
                assert!(text.0.get(&language).is_some_and(|t| !t.trim().is_empty()), "{place} lacks {language}");
            }
        };
        for section in &form.sections {
            complete(&section.id, &section.title);
            complete(&section.id, &section.intro);
            for field in &section.fields {
                complete(&field.id, &field.label);
                complete(&field.id, &field.help);
                field.options.iter().for_each(|(id, text)| complete(&format!("{}={id}", field.id), text));
            }
        }
        form.rules.iter().for_each(|(rule, text)| complete(rule, text));
    }

    #[test]
    fn acc_020_every_listed_choice_has_a_name() {
        let forms: FormsFile = serde_json::from_str(include_str!("../../data/forms.json")).unwrap();
        for field in short_form().fields() {
            let def = forms.forms[0].sections.iter().flat_map(|s| &s.fields).find(|f| f.id == field.id).unwrap();
            let (kind, listed) = kind(def).unwrap();
            // The short form offers two of the four ways to form a cohort.
            if matches!(kind, FieldKind::Choice | FieldKind::Multichoice) && field.id != "pop.formation" {
                let named: Vec<&String> = field.options.iter().map(|(id, _)| id).collect();
                assert_eq!(named, listed.iter().collect::<Vec<_>>(), "{}", field.id);
            }
        }
        assert_eq!(short_form().field("pub.title").unwrap().kind, FieldKind::Text(200));
        assert_eq!(short_form().field("proc.conf").unwrap().options.len(), 5);
    }

    #[test]
    fn a_form_with_a_wrong_condition_is_refused() {
        let short = r#"{"form":"person-level","version":"1","rules":{},"sections":{"pub":{"nn":"x","intro":{}}},
            "fields":[{"id":"pub.title","nn":"x","help":{},"visible":"must be visible"}]}"#;
        let error = load(include_str!("../../data/forms.json"), short).unwrap_err();
        assert!(error.to_string().contains("pub.title"), "{error}");
        let unknown = short.replace("pub.title", "pub.nothing");
        assert!(matches!(load(include_str!("../../data/forms.json"), &unknown), Err(FormError::Unknown(_))));
    }
}
