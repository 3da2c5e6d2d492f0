//! The application as handed in: an immutable revision of the content (ACC-002, ACC-043), with the catalogue's versions
//! frozen. It holds names and contact points; the events of the case hold only its digest.

use std::collections::BTreeMap;

use kernel::{CanonicalError, Date, LangMap, Language, canonical_json, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::form::{self, DraftContent, Environment, Fault, Form, Level, VariableFacts};
use crate::model::{CartItem, Order, OrderItem};

/// One revision of an application.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Content {
    /// Id of the form.
    pub form: String,
    /// Version of the form.
    pub form_version: String,
    /// Legal profile.
    pub profile: String,
    /// Account of the applicant.
    pub applicant: String,
    /// Values of the visible fields (ACC-023).
    pub fields: Map<String, Value>,
    /// The variables.
    pub items: Vec<ContentItem>,
    /// First and last day for each collection.
    pub periods: BTreeMap<String, (Date, Date)>,
    /// The persons who will work with the data.
    pub persons: Vec<ContentPerson>,
    /// What the checks said when it was handed in (section 10): warnings, and what nobody could be asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
}

/// A finding of a check, as it is kept with the revision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckResult {
    /// `CHK-19`.
    pub check: String,
    /// The field it is about.
    pub field: String,
    /// `not_verified`, or the rule.
    pub rule: String,
    /// Whether it warned or stopped.
    pub level: Level,
    /// More, in English.
    pub detail: String,
}

impl From<&Fault> for CheckResult {
    fn from(fault: &Fault) -> Self {
        Self {
            check: fault.check.clone(),
            field: fault.field.clone(),
            rule: fault.rule.clone(),
            level: fault.level,
            detail: fault.detail.clone(),
        }
    }
}

/// A variable as applied for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ContentItem {
    /// What goes into the order.
    #[serde(flatten)]
    pub order: OrderItem,
    /// Label at submission.
    pub label: LangMap,
    /// Name of the source at submission.
    pub source_name: LangMap,
    /// Role in the project.
    pub role: String,
    /// Why it is necessary.
    pub necessity: String,
}

/// A person, with an id that permits and events use instead of the name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContentPerson {
    /// `person:` and 16 hex digits, random.
    pub id: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Role, as written.
    pub role: String,
    /// The organisation that the person works for: number or name; empty when it was not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub affiliation: String,
    /// The country that the person works from (ISO 3166-1); empty when it was not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub country: String,
}

impl Content {
    /// Freezes a draft. `earlier` gives persons of the revision before, who keep their ids; `new_id` makes ids for others.
    pub fn freeze(
        form: &Form,
        draft: &DraftContent,
        env: &Environment<'_>,
        applicant: &str,
        earlier: &[ContentPerson],
        new_id: &mut dyn FnMut() -> String,
    ) -> Self {
        let mut fields = Map::new();
        for field in form.fields().filter(|field| !field.id.contains("[]")) {
            if let Some(value) = draft.fields.get(&field.id)
                && !value.is_null()
                && form::is_visible(form, draft, env, field)
            {
                fields.insert(field.id.clone(), value.clone());
            }
        }
        let items: Vec<ContentItem> =
            draft.cart.iter().filter_map(|item| Some(frozen(item, env.variables.get(&item.variable_id)?))).collect();
        let periods = draft.fields.get("cart.periods").and_then(Value::as_object).into_iter().flatten();
        let periods = periods.filter_map(|(c, value)| Some((c.clone(), form::range(value)?))).collect();
        let listed = draft.fields.get("proc.persons").and_then(Value::as_array).into_iter().flatten();
        let persons = listed
            .map(|person| {
                let part = |name| person.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
                let email = part("email");
                let known = earlier.iter().find(|p| p.email.eq_ignore_ascii_case(&email)).map(|p| p.id.clone());
                ContentPerson {
                    id: known.unwrap_or_else(&mut *new_id),
                    name: part("name"),
                    role: part("role"),
                    affiliation: part("affiliation"),
                    country: part("country"),
                    email,
                }
            })
            .collect();
        Self {
            form: form.id.clone(),
            form_version: form.version.clone(),
            profile: env.profile.to_owned(),
            applicant: applicant.to_owned(),
            fields,
            items,
            periods,
            persons,
            checks: Vec::new(),
        }
    }

    /// The form that it was handed in under (ACC-005).
    pub fn form(&self) -> &'static Form {
        form::form(&self.form, &self.form_version).unwrap_or_else(form::short_form)
    }

    /// The canonical bytes and their digest.
    ///
    /// # Errors
    /// [`CanonicalError`] for numbers beyond 2^53.
    pub fn canonical(&self) -> Result<(Vec<u8>, String), CanonicalError> {
        let bytes = canonical_json(self)?;
        let digest = sha256_hex(&bytes);
        Ok((bytes, digest))
    }

    /// What is applied for, without personal data.
    pub fn order(&self) -> Order {
        Order { items: self.items.iter().map(|item| item.order.clone()).collect(), periods: self.periods.clone() }
    }

    /// The content as a draft that can be worked on.
    pub fn as_draft(&self) -> DraftContent {
        let cart = self.items.iter().map(|item| CartItem {
            variable_id: item.order.variable.clone(),
            role: item.role.clone(),
            necessity: item.necessity.clone(),
            granularity: item.order.granularity.clone(),
        });
        DraftContent { fields: self.fields.clone(), cart: cart.collect() }
    }

    /// Fields whose values differ from those of another revision; the cart counts as `cart.items`.
    pub fn differs_from<'a>(&'a self, other: &'a Content) -> Vec<&'a str> {
        let mut changed: Vec<&str> = self
            .fields
            .iter()
            .filter(|(id, value)| other.fields.get(*id) != Some(value))
            .map(|(id, _)| id.as_str())
            .chain(other.fields.keys().filter(|id| !self.fields.contains_key(*id)).map(String::as_str))
            .collect();
        if self.items != other.items {
            changed.push("cart.items");
        }
        changed
    }

    /// The text of a field; empty when it has none.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The texts of a field with several options.
    pub fn texts(&self, field: &str) -> Vec<&str> {
        let items = self.fields.get(field).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect()
    }

    /// The language of the decision.
    pub fn language(&self) -> Language {
        self.text("no.language").parse().unwrap_or_default()
    }

    /// First and last day of access.
    pub fn access_period(&self) -> Option<(Date, Date)> {
        self.fields.get("proc.period").and_then(form::range)
    }

    /// The person responsible for the use.
    pub fn responsible(&self) -> Option<&ContentPerson> {
        let email = self.text("use.responsible");
        self.persons.iter().find(|person| person.email.eq_ignore_ascii_case(email))
    }

    /// Name of a source as shown at submission.
    pub fn source_name(&self, source: &str) -> LangMap {
        self.items.iter().find(|item| item.order.source == source).map(|i| i.source_name.clone()).unwrap_or_default()
    }
}

fn frozen(item: &CartItem, facts: &VariableFacts) -> ContentItem {
    let coarsest = facts.granularities.first().cloned().unwrap_or_else(|| "as_is".into());
    ContentItem {
        order: OrderItem {
            variable: facts.id.clone(),
            version: facts.version,
            collection: facts.collection.clone(),
            source: facts.source.clone(),
            granularity: if item.granularity.is_empty() { coarsest } else { item.granularity.clone() },
        },
        label: facts.label.clone(),
        source_name: facts.source_name.clone(),
        role: item.role.clone(),
        necessity: item.necessity.clone(),
    }
}
