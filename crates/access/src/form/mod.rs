//! Forms are data (ACC-020): the definitions of `data/forms.json`, and beside it files with texts in all languages, options,
//! parts and executable conditions: `short-form.json` is version 1.0.0 of the form of person-level data, `full-form.json`
//! version 2.0.0, `other-forms.json` the forms of statistics, change and appeal. A case keeps the version it was handed
//! in under; a draft is written in the one in force.
//!
//! What it is not: pages. The web renders what [`Form`] describes and shows what [`check`] finds.

mod cells;
mod check;
mod checks;
mod estimate;
mod expr;
mod field;
mod input;
mod load;
mod message;
mod outside;
mod value;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::{Date, LangMap};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use cells::{Cells, cells};
pub use check::{DraftContent, Environment, Fault, Level, Report, VariableFacts, check, is_visible};
pub use checks::{CheckDef, checks};
pub use estimate::{LiveEstimate, estimate};
pub use expr::{Expr, ExprError, MAX_STEPS, Scope};
pub use field::{Audience, Condition, Field, FieldKind, Privacy};
pub use input::from_pairs;
pub use load::FormError;
pub use message::eu_message;
pub use outside::{Counted, Decides, FileState, NobodyToAsk, OrganisationState, Outside, RoomFacts};
pub(crate) use value::range;

/// A version of a form.
#[derive(Debug, Serialize)]
pub struct Form {
    /// `person-level`.
    pub id: String,
    /// Version of the definitions.
    pub version: String,
    /// First day on which drafts are written in it.
    pub valid_from: Date,
    /// Sections in order, with their fields.
    pub sections: Vec<Section>,
    /// Texts of the rules, by rule.
    pub rules: BTreeMap<String, LangMap>,
    /// Ids of all forms, also of fields that this one does not ask.
    #[serde(skip)]
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

impl Form {
    /// The field with this id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields().find(|field| field.id == id)
    }

    /// Every field, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    /// This form with the sections of another behind its own.
    pub(crate) fn followed_by(&self, other: &Form) -> Form {
        let sections = self.sections.iter().chain(&other.sections).cloned().collect();
        let rules = other.rules.iter().chain(&self.rules).map(|(rule, text)| (rule.clone(), text.clone())).collect();
        Form {
            id: self.id.clone(),
            version: self.version.clone(),
            valid_from: self.valid_from,
            sections,
            rules,
            all: self.all.iter().chain(&other.all).cloned().collect(),
        }
    }

    /// Whether any form has this field, asked in this one or not.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.all.iter().any(|known| known == id)
    }

    /// The text of a rule that was broken.
    pub fn rule_text(&self, rule: &str) -> LangMap {
        self.rules.get(rule).or_else(|| self.rules.get("validation")).cloned().unwrap_or_default()
    }
}

/// Form of applications for person-level data.
pub const PERSON_LEVEL: &str = "person-level";
/// Form of requests for statistics and anonymous tables.
pub const STATISTICS: &str = "statistics";
/// Form of changes of a permit.
pub const CHANGE: &str = "change";
/// Form of appeals.
pub const APPEAL: &str = "appeal";

/// Every version of every form.
pub fn forms() -> &'static [Form] {
    static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
        #[expect(clippy::unwrap_used, reason = "the forms are part of the program and are read by its tests")]
        load::load(DEFINITIONS, &TEXTS).unwrap()
    });
    &FORMS
}

const DEFINITIONS: &str = include_str!("../../data/forms.json");
const TEXTS: [&str; 3] = [
    include_str!("../../data/short-form.json"),
    include_str!("../../data/full-form.json"),
    include_str!("../../data/other-forms.json"),
];

/// A version of a form; a case that was handed in keeps its own (ACC-005).
pub fn form(id: &str, version: &str) -> Option<&'static Form> {
    forms().iter().find(|form| form.id == id && form.version == version)
}

/// The version of a form that is in force on a day: drafts are written in it.
pub fn form_on(id: &str, day: Date) -> Option<&'static Form> {
    forms().iter().filter(|form| form.id == id && form.valid_from <= day).max_by_key(|form| form.valid_from)
}

/// The newest version of a form; the short form when there is no such form.
pub fn latest(id: &str) -> &'static Form {
    forms().iter().filter(|form| form.id == id).max_by_key(|form| form.valid_from).unwrap_or_else(short_form)
}

/// A complete application for person-level data but for its cart and periods: for the demonstration and for tests.
pub fn example(today: Date) -> Map<String, Value> {
    #[expect(clippy::unwrap_used, reason = "the example is part of the program and is read by its tests")]
    let mut fields: Map<String, Value> = serde_json::from_str(include_str!("../../data/example.json")).unwrap();
    let after = |days: i32| today.plus_days(days).to_string();
    fields.insert("proc.period".into(), json!({"from": today, "to": after(3 * 365)}));
    fields.insert("no.project_end".into(), json!(after(3 * 365)));
    fields.insert("no.delete_date".into(), json!(after(3 * 365 + 180)));
    fields["no.rek"]["decision_date"] = json!(after(-60));
    fields["no.rek"]["valid_to"] = json!(after(4 * 365));
    fields["no.dpo_assessment"]["dated"] = json!(after(-30));
    fields
}

/// The short form of person-level data, version 1.0.0.
pub fn short_form() -> &'static Form {
    &forms()[0]
}

#[cfg(test)]
mod tests;
