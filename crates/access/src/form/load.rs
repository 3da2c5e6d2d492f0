//! Reads the form data: ids, types and first labels from `forms.json`; texts, parts, options and executable conditions
//! from the files beside it. Whatever is missing or does not parse is an error with its place.

use std::collections::BTreeMap;

use kernel::{Date, LangMap, Language};
use serde::Deserialize;
use serde_json::Value;

use super::{Audience, Condition, Expr, ExprError, Field, FieldKind, Form, Privacy, Section};

/// Why form data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Not of the form that definitions have.
    #[error("the form data are not valid JSON of a form: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that is named here and defined nowhere.
    #[error("unknown form, section or field {0}")]
    Unknown(String),
    /// A field without texts.
    #[error("field or section {0} has no texts")]
    Texts(String),
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

/// `forms.json`: what the specification says.
#[derive(Deserialize)]
pub(super) struct FormsFile {
    pub(super) forms: Vec<FormDef>,
}
#[derive(Deserialize)]
pub(super) struct FormDef {
    pub(super) id: String,
    pub(super) sections: Vec<SectionDef>,
}
#[derive(Deserialize)]
pub(super) struct SectionDef {
    id: String,
    title: LangMap,
    pub(super) fields: Vec<FieldDef>,
}
#[derive(Deserialize, Clone)]
pub(super) struct FieldDef {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    label: LangMap,
    required: String,
    validation: Option<String>,
    visible: String,
    audience: Audience,
    #[serde(default)]
    source: String,
}

/// A version of a form: which fields it asks, in which order.
#[derive(Deserialize)]
pub(super) struct VersionDef {
    pub(super) id: String,
    version: String,
    valid_from: Date,
    sections: Vec<AskedSection>,
    /// What this form says otherwise than the texts.
    #[serde(default)]
    over: BTreeMap<String, Texts>,
}
#[derive(Deserialize)]
struct AskedSection {
    id: String,
    /// The fields, in order; none: every field of the section.
    #[serde(default)]
    fields: Vec<String>,
}

/// A file of texts.
#[derive(Deserialize, Default)]
pub(super) struct TextFile {
    #[serde(default)]
    pub(super) forms: Vec<VersionDef>,
    #[serde(default)]
    sections: BTreeMap<String, SectionTexts>,
    #[serde(default)]
    fields: Vec<Texts>,
    #[serde(default)]
    rules: BTreeMap<String, LangMap>,
    /// Fields that a version adds to a section of the specification.
    #[serde(default)]
    added: Vec<AddedDef>,
}
#[derive(Deserialize, Clone)]
struct AddedDef {
    section: String,
    #[serde(flatten)]
    field: FieldDef,
}
#[derive(Deserialize, Clone)]
struct SectionTexts {
    nn: String,
    intro: LangMap,
}
/// Texts of a field and what it says otherwise than `forms.json`; of a part of a field, everything.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
struct Texts {
    #[serde(default)]
    id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    nn: Option<String>,
    label: Option<LangMap>,
    help: Option<LangMap>,
    options: Option<BTreeMap<String, LangMap>>,
    /// Order of the options where the type lists none.
    order: Option<Vec<String>>,
    parts: Option<Vec<Texts>>,
    rows: Option<(usize, usize)>,
    default: Option<Value>,
    since: Option<String>,
    required: Option<String>,
    visible: Option<String>,
    /// Absent: as in forms.json. Null: none.
    #[serde(default, deserialize_with = "given")]
    validation: Option<Option<String>>,
}

fn given<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Some)
}

impl Texts {
    /// These texts, and where they say nothing those of `under`.
    fn over(self, under: &Texts) -> Texts {
        let under = under.clone();
        Texts {
            id: if self.id.is_empty() { under.id } else { self.id },
            kind: self.kind.or(under.kind),
            nn: self.nn.or(under.nn),
            label: self.label.or(under.label),
            help: self.help.or(under.help),
            options: self.options.or(under.options),
            order: self.order.or(under.order),
            parts: self.parts.or(under.parts),
            rows: self.rows.or(under.rows),
            default: self.default.or(under.default),
            since: self.since.or(under.since),
            required: self.required.or(under.required),
            visible: self.visible.or(under.visible),
            validation: self.validation.or(under.validation),
        }
    }
}

/// The forms that `files` list, with the texts of all of them: what stands in a later file goes before an earlier one.
pub(super) fn load(forms: &str, files: &[&str]) -> Result<Vec<Form>, FormError> {
    let mut defined: FormsFile = serde_json::from_str(forms)?;
    let mut all: Vec<String> =
        defined.forms.iter().flat_map(|f| &f.sections).flat_map(|s| s.fields.iter().map(|f| f.id.clone())).collect();
    let (mut texts, mut sections, mut rules) = (BTreeMap::<String, Texts>::new(), BTreeMap::new(), BTreeMap::new());
    let mut loaded = Vec::new();
    for file in files {
        let file: TextFile = serde_json::from_str(file)?;
        for added in file.added {
            let section = defined.forms.iter_mut().flat_map(|f| &mut f.sections).find(|s| s.id == added.section);
            all.push(added.field.id.clone());
            section.ok_or_else(|| FormError::Unknown(added.section.clone()))?.fields.push(added.field);
        }
        for field in file.fields {
            if !all.contains(&field.id) {
                return Err(FormError::Unknown(field.id));
            }
            let field = match texts.get(&field.id) {
                Some(earlier) => field.over(earlier),
                None => field,
            };
            texts.insert(field.id.clone(), field);
        }
        sections.extend(file.sections);
        rules.extend(file.rules);
        for version in file.forms {
            loaded.push(form(&defined, &version, &texts, &sections, &rules, &all)?);
        }
    }
    Ok(loaded)
}

fn form(
    defined: &FormsFile,
    version: &VersionDef,
    texts: &BTreeMap<String, Texts>,
    section_texts: &BTreeMap<String, SectionTexts>,
    rules: &BTreeMap<String, LangMap>,
    all: &[String],
) -> Result<Form, FormError> {
    let own =
        defined.forms.iter().find(|f| f.id == version.id).ok_or_else(|| FormError::Unknown(version.id.clone()))?;
    // A section that the form does not define itself is the one of another form.
    let known = |id: &str| {
        let elsewhere = defined.forms.iter().flat_map(|f| &f.sections);
        own.sections.iter().chain(elsewhere).find(|s| s.id == id).ok_or_else(|| FormError::Unknown(id.to_owned()))
    };
    let mut sections = Vec::new();
    for asked in &version.sections {
        let def = known(&asked.id)?;
        let words = section_texts.get(&asked.id).ok_or_else(|| FormError::Texts(asked.id.clone()))?;
        let listed: Vec<&FieldDef> = if asked.fields.is_empty() {
            def.fields.iter().collect()
        } else {
            let find = |id: &String| def.fields.iter().find(|f| f.id == *id);
            asked
                .fields
                .iter()
                .map(|id| find(id).ok_or_else(|| FormError::Unknown(id.clone())))
                .collect::<Result<_, _>>()?
        };
        let mut fields: Vec<Field> = Vec::new();
        for def in listed {
            let text = texts.get(&def.id).ok_or_else(|| FormError::Texts(def.id.clone()))?;
            let text = match version.over.get(&def.id) {
                Some(over) => over.clone().over(text),
                None => text.clone(),
            };
            let mut field = field(def, &text)?;
            // `tab.tables[].title` is a part of `tab.tables`; the lines of the cart stay fields of their own.
            match def.id.split_once("[].") {
                Some((owner, part)) if owner != "cart.items" => {
                    part.clone_into(&mut field.id);
                    let owner = fields.iter_mut().find(|f| f.id == owner);
                    owner.ok_or_else(|| FormError::Unknown(def.id.clone()))?.parts.push(field);
                }
                _ => fields.push(field),
            }
        }
        let (title, intro) = (with_nn(&def.title, &words.nn), words.intro.clone());
        sections.push(Section { id: asked.id.clone(), title, intro, fields });
    }
    Ok(Form {
        id: version.id.clone(),
        version: version.version.clone(),
        valid_from: version.valid_from,
        sections,
        rules: rules.clone(),
        all: all.to_vec(),
    })
}

fn with_nn(text: &LangMap, nn: &str) -> LangMap {
    let mut text = text.clone();
    text.0.insert(Language::Nn, nn.to_owned());
    text
}

fn condition(field: &str, text: &str) -> Result<Condition, FormError> {
    let refused = |error| FormError::Condition { field: field.to_owned(), text: text.to_owned(), error };
    Ok(Condition { text: text.to_owned(), expr: Expr::parse(text).map_err(refused)? })
}

fn field(def: &FieldDef, texts: &Texts) -> Result<Field, FormError> {
    let validation = texts.validation.clone().unwrap_or_else(|| def.validation.clone());
    let label = texts.label.clone().unwrap_or_else(|| match &texts.nn {
        Some(nn) => with_nn(&def.label, nn),
        None => def.label.clone(),
    });
    let own = Texts {
        id: def.id.clone(),
        kind: Some(texts.kind.clone().unwrap_or_else(|| def.kind.clone())),
        label: Some(label),
        required: Some(texts.required.clone().unwrap_or_else(|| def.required.clone())),
        visible: Some(texts.visible.clone().unwrap_or_else(|| def.visible.clone())),
        validation: Some(validation),
        ..texts.clone()
    };
    build(&def.id, &own, def.audience, &def.source)
}

/// A field, or a part of the field `place`.
fn build(place: &str, texts: &Texts, audience: Audience, source: &str) -> Result<Field, FormError> {
    let written = texts.kind.as_deref().unwrap_or("text(200)");
    let (kind, listed) = kind(written).ok_or_else(|| FormError::Type(place.to_owned()))?;
    // The order of the options is that of the type, or else the texts' own.
    let listed = match &texts.order {
        Some(order) => order.clone(),
        None => listed,
    };
    let named = texts.options.clone().unwrap_or_default();
    let options = listed.iter().filter_map(|id| Some((id.clone(), named.get(id)?.clone()))).collect();
    let part = |part: &Texts| build(&format!("{place}.{}", part.id), part, audience, source);
    let parts = texts.parts.iter().flatten().map(part).collect::<Result<Vec<_>, _>>()?;
    let required = condition(place, texts.required.as_deref().unwrap_or("no"))?;
    let visible = condition(place, texts.visible.as_deref().unwrap_or("yes"))?;
    let validation = texts.validation.clone().flatten();
    Ok(Field {
        id: texts.id.clone(),
        kind,
        label: texts.label.clone().ok_or_else(|| FormError::Texts(place.to_owned()))?,
        help: texts.help.clone().unwrap_or_default(),
        audience,
        options,
        parts,
        rows: texts.rows,
        default: texts.default.clone(),
        optional: matches!(required.text.as_str(), "no" | "-"),
        eu_ref: eu_ref(source),
        source: source.to_owned(),
        privacy: Privacy::of(kind),
        since: texts.since.clone().unwrap_or_else(|| "1.0.0".into()),
        required,
        visible,
        validation: validation.map(|text| condition(place, &text)).transpose()?,
    })
}

/// What of `67(2)(d), CAF 1` is the Union's: all but Norwegian practice and general data protection law.
fn eu_ref(source: &str) -> Option<String> {
    let ours = |part: &&str| !part.is_empty() && *part != "NO" && !part.starts_with("GDPR");
    let parts: Vec<&str> = source.split(',').map(str::trim).filter(ours).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The kind that a type names, and the options or parts in its parentheses.
pub(super) fn kind(written: &str) -> Option<(FieldKind, Vec<String>)> {
    let (name, inside) = match written.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end_matches(')')),
        None => (written, ""),
    };
    let listed: Vec<String> = inside.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
    let limit = inside.parse().unwrap_or(0);
    let kind = match name {
        "text" if limit > 0 => FieldKind::Text(limit),
        "longtext" if limit > 0 => FieldKind::Longtext(limit),
        "integer" => FieldKind::Integer,
        "decimal" => FieldKind::Decimal,
        "quantity" => FieldKind::Quantity,
        "boolean" => FieldKind::Boolean,
        "confirm" | "confirm by role" => FieldKind::Confirm,
        "confirm_list" => FieldKind::ConfirmList,
        "choice" => FieldKind::Choice,
        "multichoice" => FieldKind::Multichoice,
        "code" => FieldKind::Code,
        "country" => FieldKind::Country,
        "language" => FieldKind::Language,
        "date" => FieldKind::Date,
        "date_range" => FieldKind::DateRange,
        "period_list" | "period_list per collection" => FieldKind::PeriodList,
        "email" => FieldKind::Email,
        "phone" => FieldKind::Phone,
        "address" => FieldKind::Address,
        "orgnr" => FieldKind::Orgnr,
        "organisation" => FieldKind::Organisation,
        "organisation_list" => FieldKind::OrganisationList,
        "person" => FieldKind::Person,
        "person_list" => FieldKind::PersonList,
        "file" | "file or diagram" => FieldKind::File,
        "file_list" => FieldKind::FileList,
        "group" | "group as no.rek" => FieldKind::Group,
        "repeat" if inside == "table" => FieldKind::Table,
        "repeat" => FieldKind::Repeat,
        "ordered_list" => FieldKind::OrderedList,
        "criteria" => FieldKind::Criteria,
        "variable_cart" => FieldKind::VariableCart,
        "variable_list" => FieldKind::VariableList,
        "permit_ref" => FieldKind::PermitRef,
        "decision_ref" => FieldKind::DecisionRef,
        "reference" => FieldKind::Reference,
        "signature" | "confirm + signature" => FieldKind::Signature,
        "computed" | "computed diff" => FieldKind::Computed,
        "info" => FieldKind::Info,
        _ => return None,
    };
    // `choice(registered analysis rooms, other)` names a list that the installation has.
    let no_options = listed.iter().any(|id| id.contains(' '))
        || kind.has_rows()
        || matches!(kind, FieldKind::ConfirmList | FieldKind::Group | FieldKind::Text(_) | FieldKind::Longtext(_));
    Some((kind, if no_options { Vec::new() } else { listed }))
}
