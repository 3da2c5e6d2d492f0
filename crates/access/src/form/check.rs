//! Checks a draft: types, required fields and conditions of every visible field and part, the cart, periods and criteria
//! (CHK-01, CHK-02, CHK-03, CHK-18, CHK-24 of `access.md` section 10). Every fault names its field, the rule and a text in
//! all languages. Blocking faults stop `submit`; warnings are shown.

use std::collections::{BTreeMap, BTreeSet};

use kernel::criteria::{Criteria, Lookup, VariableKind};
use kernel::{Date, FieldError, LangMap, Period};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::value::{fits, is_email, range};
use super::{Condition, Field, FieldKind, Form, Outside, Scope, checks};
use crate::model::CartItem;
use crate::rules;

/// Cells of all tables together above which the request is looked at again.
const MANY_CELLS: u64 = 2_000;
/// Most cells of a request.
const MOST_CELLS: u64 = 100_000;

/// What stands in a draft.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DraftContent {
    /// Values by field id.
    pub fields: Map<String, Value>,
    /// The cart.
    pub cart: Vec<CartItem>,
}

/// What is known of a variable: from the catalogue.
#[derive(Clone, PartialEq, Debug)]
pub struct VariableFacts {
    /// Catalogue id.
    pub id: String,
    /// Version of the record.
    pub version: i64,
    /// Collection.
    pub collection: String,
    /// Source.
    pub source: String,
    /// Name of the source.
    pub source_name: LangMap,
    /// Label.
    pub label: LangMap,
    /// Kind of values.
    pub kind: VariableKind,
    /// Whether it may be ordered: no direct identifier, no linkage key, published.
    pub orderable: bool,
    /// Whether it is sensitive.
    pub sensitive: bool,
    /// Whether it holds free text.
    pub free_text: bool,
    /// Levels of detail on offer, the coarsest first; none means as recorded only.
    pub granularities: Vec<String>,
    /// Days for which there are data.
    pub validity: Option<Period>,
    /// How many codes it has; none without a code list.
    pub categories: Option<u64>,
    /// Who decides on its source, where that is known.
    pub decision_body: Option<String>,
}

/// What a check needs to know besides the draft.
pub struct Environment<'a> {
    /// The present date.
    pub today: Date,
    /// Legal profile, e.g. `NO/1`.
    pub profile: &'a str,
    /// Ids of the analysis rooms on offer.
    pub rooms: &'a [String],
    /// What is known of the variables that the draft names.
    pub variables: &'a BTreeMap<String, VariableFacts>,
    /// Whether a text holds a national identity number.
    pub holds_identity_number: &'a (dyn Fn(&str) -> bool + Sync),
    /// Known variables near an unknown one, nearest first.
    pub near: &'a (dyn Fn(&str) -> Vec<String> + Sync),
    /// Facts that the process gives to conditions: `permit.*`, `decision.*`, `late`, `org_policy`. One that is not
    /// given is false.
    pub given: &'a BTreeMap<String, Value>,
    /// Whom to ask about what does not stand in the draft.
    pub outside: &'a dyn Outside,
}

/// Whether a fault stops the submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It does.
    Block,
    /// It is shown to the applicant and the handler.
    Warn,
}

/// A fault of one field.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// Field, or `cart.items.<variable>.<part>`, `cart.periods.<collection>`.
    pub field: String,
    /// Rule: also the key of its text.
    pub rule: String,
    /// Whether it stops the submission.
    pub level: Level,
    /// Text for people.
    pub text: LangMap,
    /// More for whoever wants to know, in English.
    pub detail: String,
    /// The check it belongs to, e.g. `CHK-03`.
    #[serde(default)]
    pub check: String,
    /// What to do.
    #[serde(default)]
    pub remedy: LangMap,
    /// Character of the value, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
}

/// What a check found.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Every fault.
    pub faults: Vec<Fault>,
}

impl Report {
    /// The faults that stop the submission, as field errors.
    pub fn blocks(&self) -> Vec<FieldError> {
        let blocking = self.faults.iter().filter(|fault| fault.level == Level::Block);
        blocking.map(|f| FieldError::new(&f.field, &f.rule, &f.detail)).collect()
    }

    /// Whether a check warns. What nobody could be asked about is shown and holds nothing up.
    pub fn warns(&self) -> bool {
        self.faults.iter().any(|fault| fault.level == Level::Warn && fault.rule != "not_verified")
    }
}

/// Checks a draft against the form.
pub fn check(form: &Form, draft: &DraftContent, env: &Environment<'_>) -> Report {
    let mut checker = Checker { form, draft, env, faults: Vec::new() };
    for field in form.fields().filter(|field| !field.id.contains("[]")) {
        checker.field(field);
    }
    for id in draft.fields.keys().filter(|id| form.field(id).is_none()) {
        checker.fault(id, "unknown_field", "the form has no such field");
    }
    // An appeal asks for no variables.
    if form.field("cart.items").is_some() {
        checker.cart();
        checker.periods();
    }
    checker.criteria();
    if form.field("tab.cells").is_some() {
        checker.cells();
    }
    let mut faults = checker.faults;
    faults.extend(checks::run(form, draft, env).into_iter().filter_map(told));
    Report { faults }
}

/// What a check found, with the words of its list.
fn told(found: checks::Finding) -> Option<Fault> {
    let check = checks::named(found.check)?;
    let (rule, text) = if found.verified {
        (found.check, check.title.clone())
    } else {
        ("not_verified", checks::not_verified(check).clone())
    };
    Some(Fault {
        field: found.field,
        rule: rule.to_owned(),
        level: found.level.unwrap_or(check.level),
        text,
        detail: found.detail,
        check: check.id.clone(),
        remedy: check.remedy.clone(),
        at: None,
    })
}

/// Whether a field is shown for this draft (ACC-023).
pub fn is_visible(form: &Form, draft: &DraftContent, env: &Environment<'_>, field: &Field) -> bool {
    let checker = Checker { form, draft, env, faults: Vec::new() };
    checker.holds(&field.visible, &Names { checker: &checker, value: &Value::Null, item: None })
}

struct Checker<'a> {
    form: &'a Form,
    draft: &'a DraftContent,
    env: &'a Environment<'a>,
    faults: Vec<Fault>,
}

/// The names of an expression: fields, `value`, `len`, `item.*`, `profile`, `rooms`.
struct Names<'a> {
    checker: &'a Checker<'a>,
    value: &'a Value,
    item: Option<&'a Value>,
}

impl Scope for Names<'_> {
    fn get(&self, path: &str) -> Option<Value> {
        let checker = self.checker;
        if let Some(rest) = path.strip_prefix("item.") {
            return self.item.map(|item| project(item, rest));
        }
        match path {
            "value" => return Some(self.value.clone()),
            "len" => return Some(json!(self.value.as_str().map_or(0, |text| text.chars().count()))),
            "profile" => return Some(json!(checker.env.profile.split('/').next().unwrap_or_default())),
            "features" => return Some(json!(rules::features(checker.env.profile))),
            "rooms" => return Some(json!(checker.env.rooms)),
            "cart.sources" => return Some(json!(checker.sources())),
            "cart.countries" => return Some(json!(["NO"])),
            "fields" => return Some(json!(checker.form.fields().map(|f| &f.id).collect::<Vec<_>>())),
            _ if matches!(path, "late" | "org_policy")
                || path.starts_with("permit.")
                || path.starts_with("decision.") =>
            {
                return Some(checker.env.given.get(path).cloned().unwrap_or(Value::Null));
            }
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("value.") {
            return Some(project(self.value, rest));
        }
        // The longest beginning that is a field of the form; what follows is a part of its value.
        let mut id = path;
        loop {
            if checker.form.knows(id) {
                let value = checker.draft.fields.get(id).cloned().unwrap_or(Value::Null);
                let rest = path.strip_prefix(id).map_or("", |rest| rest.trim_start_matches('.'));
                return Some(if rest.is_empty() { value } else { project(&value, rest) });
            }
            id = id.rsplit_once('.')?.0;
        }
    }

    fn today(&self) -> Date {
        self.checker.env.today
    }
}

/// A part of a value; of a list, that part of each member.
fn project(value: &Value, path: &str) -> Value {
    path.split('.').fold(value.clone(), |value, part| match value {
        Value::Object(mut map) => map.remove(part).unwrap_or(Value::Null),
        Value::Array(items) => items.iter().map(|item| item.get(part).cloned().unwrap_or(Value::Null)).collect(),
        _ => Value::Null,
    })
}

impl Checker<'_> {
    fn fault(&mut self, field: &str, rule: &str, detail: impl Into<String>) {
        self.put(field, rule, Level::Block, detail.into(), None);
    }

    fn put(&mut self, field: &str, rule: &str, level: Level, detail: String, at: Option<usize>) {
        let text = self.form.rule_text(rule);
        let check = checks::of_fault(field, rule);
        let (check, remedy) = (check.id.clone(), check.remedy.clone());
        self.faults.push(Fault { field: field.into(), rule: rule.into(), level, text, detail, at, check, remedy });
    }

    fn sources(&self) -> Vec<&str> {
        let facts = self.draft.cart.iter().filter_map(|item| self.env.variables.get(&item.variable_id));
        facts.map(|v| v.source.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// An error counts as not fulfilled (ACC-022).
    fn holds(&self, condition: &Condition, names: &Names<'_>) -> bool {
        condition.expr.holds(names).unwrap_or_else(|error| {
            tracing::error!(condition = condition.text, %error, "a condition of the form has no answer");
            false
        })
    }

    fn field(&mut self, field: &Field) {
        let value = self.draft.fields.get(&field.id).cloned().unwrap_or(Value::Null);
        self.value(field, &field.id, &value, None);
    }

    /// Checks a value: of a field, or of a part of the group or row `item`.
    fn value(&mut self, field: &Field, place: &str, value: &Value, item: Option<&Value>) {
        if !field.kind.is_written() {
            return;
        }
        let names = Names { checker: self, value, item };
        // A hidden field is not validated (ACC-023).
        if !self.holds(&field.visible, &names) {
            return;
        }
        if super::expr::is_empty(value) {
            // The parts of a group say for themselves whether they are required.
            if field.kind != FieldKind::Group {
                if self.holds(&field.required, &names) {
                    self.fault(place, "required", "this field must be filled in");
                }
                return;
            }
        } else if let Err((rule, detail)) = fits(field, value, self.env.holds_identity_number) {
            self.fault(place, rule, detail);
            return;
        }
        let names = Names { checker: self, value, item };
        let fails = field.validation.as_ref().is_some_and(|validation| !self.holds(validation, &names));
        let before = self.faults.len();
        match field.kind {
            FieldKind::Group => self.parts(field, place, value),
            kind if kind.has_rows() => {
                for (i, row) in value.as_array().into_iter().flatten().enumerate() {
                    self.parts(field, &format!("{place}.{i}"), row);
                }
                self.rows(field, place, value);
            }
            FieldKind::FileList | FieldKind::OrganisationList | FieldKind::VariableList => {
                self.rows(field, place, value);
            }
            _ => {}
        }
        // A rule over the whole says nothing more when a part is already named.
        if fails && self.faults.len() == before {
            let rule = field.validation.as_ref().map_or("", |v| v.text.as_str());
            self.fault(place, "validation", format!("the value must fulfil: {rule}"));
        }
    }

    fn parts(&mut self, field: &Field, place: &str, value: &Value) {
        for part in &field.parts {
            let own = value.get(&part.id).cloned().unwrap_or(Value::Null);
            self.value(part, &format!("{place}.{}", part.id), &own, Some(value));
        }
        let known = |name: &String| field.parts.is_empty() || field.parts.iter().any(|part| part.id == *name);
        for name in value.as_object().into_iter().flat_map(Map::keys).filter(|name| !known(name)) {
            self.fault(&format!("{place}.{name}"), "unknown_field", "the form has no such field");
        }
    }

    /// The number of rows, and that no address of a list of persons stands there twice.
    fn rows(&mut self, field: &Field, place: &str, value: &Value) {
        let rows = value.as_array().map_or(&[][..], Vec::as_slice);
        if let Some((least, most)) = field.rows
            && !(least..=most).contains(&rows.len())
        {
            self.fault(place, "rows", format!("{least} to {most} expected"));
        }
        if field.kind == FieldKind::PersonList {
            self.persons(field, place, rows);
        }
    }

    fn persons(&mut self, field: &Field, place: &str, rows: &[Value]) {
        let mut emails = BTreeSet::new();
        for (i, row) in rows.iter().enumerate() {
            let part = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().trim();
            // Version 1.0.0 of the form describes no parts.
            if field.parts.is_empty() {
                let n = i + 1;
                if !(2..=120).contains(&part("name").chars().count()) {
                    self.fault(place, "type", format!("person {n}: a name expected"));
                } else if !is_email(part("email")) {
                    self.fault(place, "email", format!("person {n}: an e-mail address expected"));
                } else if (self.env.holds_identity_number)(part("name")) {
                    self.fault(place, "identity_number", format!("person {n}: the name seems to hold a number"));
                }
            }
            if !part("email").is_empty() && !emails.insert(part("email").to_lowercase()) {
                self.fault(place, "validation", format!("person {}: this e-mail address stands there twice", i + 1));
            }
        }
    }

    fn cart(&mut self) {
        if self.draft.cart.is_empty() {
            self.fault("cart.items", "required", "choose at least one variable in the catalogue");
        }
        let mut seen = BTreeSet::new();
        for item in &self.draft.cart {
            let id = &item.variable_id;
            let place = format!("cart.items.{id}");
            if !seen.insert(id) {
                self.fault(&place, "validation", "the variable stands in the cart twice");
            }
            let Some(facts) = self.env.variables.get(id) else {
                self.fault(&place, "unknown_variable", "the catalogue has no such published variable");
                continue;
            };
            if !facts.orderable {
                let detail = "identifiers and linkage keys are never ordered (ACC-042), nor what has no data here";
                self.fault(&place, "not_orderable", detail);
                continue;
            }
            let offered: Vec<String> =
                if facts.granularities.is_empty() { vec!["as_is".into()] } else { facts.granularities.clone() };
            let chosen = if item.granularity.is_empty() { offered[0].clone() } else { item.granularity.clone() };
            let about = json!({
                "sensitivity": if facts.sensitive { "high" } else { "normal" },
                "granularity": chosen, "free_text": facts.free_text, "offered": offered,
            });
            for (part, value) in [("role", &item.role), ("necessity", &item.necessity), ("granularity", &chosen)] {
                self.item_part(part, &json!(value), &about, &format!("{place}.{part}"));
            }
        }
        if self.draft.cart.len() > 100 {
            let detail = format!("{} variables", self.draft.cart.len());
            self.put("cart.items", "many_variables", Level::Warn, detail, None);
        }
    }

    fn item_part(&mut self, part: &str, value: &Value, about: &Value, place: &str) {
        let Some(field) = self.form.field(&format!("cart.items[].{part}")) else { return };
        let names = Names { checker: self, value, item: Some(about) };
        if super::expr::is_empty(value) {
            if self.holds(&field.required, &names) {
                self.fault(place, "required", "this field must be filled in");
            }
            return;
        }
        if let Err((rule, detail)) = fits(field, value, self.env.holds_identity_number) {
            self.fault(place, rule, detail);
        } else if field.validation.as_ref().is_some_and(|validation| !self.holds(validation, &names)) {
            self.fault(place, "validation", "the value does not fit the variable");
        }
    }

    /// The tables together are not larger than somebody can read or make (`tab.cells`).
    fn cells(&mut self) {
        let cells = super::cells(self.draft, self.env.variables).cells;
        if cells <= MANY_CELLS {
            return;
        }
        let (rule, level) =
            if cells > MOST_CELLS { ("too_many_cells", Level::Block) } else { ("many_cells", Level::Warn) };
        self.put("tab.cells", rule, level, format!("{cells} cells"), None);
    }

    /// Every collection of the cart has a period inside the validity of its variables (CHK-03).
    fn periods(&mut self) {
        let given = self.draft.fields.get("cart.periods").and_then(Value::as_object).cloned().unwrap_or_default();
        let facts: Vec<&VariableFacts> =
            self.draft.cart.iter().filter_map(|item| self.env.variables.get(&item.variable_id)).collect();
        let collections: BTreeSet<&str> = facts.iter().map(|v| v.collection.as_str()).collect();
        for collection in &collections {
            let place = format!("cart.periods.{collection}");
            let Some(value) = given.get(*collection) else {
                self.fault(&place, "required", "give the first and last day for this collection");
                continue;
            };
            let Some((from, to)) = range(value) else {
                self.fault(&place, "period", "first and last day as YYYY-MM-DD, in this order");
                continue;
            };
            let asked = Period { from, to: Some(to) };
            let outside = facts.iter().filter(|v| v.collection == *collection).find_map(|v| {
                let validity = v.validity.as_ref()?;
                (!validity.covers(&asked)).then_some((v, validity))
            });
            if let Some((variable, validity)) = outside {
                let to = validity.to.map_or("today".to_owned(), |day| day.to_string());
                let detail = format!("{} has data from {} to {to}", variable.id, validity.from);
                self.put(&place, "outside_validity", Level::Block, detail, None);
            }
        }
        for extra in given.keys().filter(|c| !collections.contains(c.as_str())) {
            self.fault(&format!("cart.periods.{extra}"), "validation", "no variable of this collection is in the cart");
        }
    }

    /// The population expression fits the catalogue; variables that are not in the cart warn (CHK-18).
    fn criteria(&mut self) {
        let Some(text) = self.draft.fields.get("pop.criteria").and_then(Value::as_str) else { return };
        let formation = self.draft.fields.get("pop.formation").and_then(Value::as_str);
        let Ok(criteria) = Criteria::parse(text) else { return };
        if !matches!(formation, Some("criteria" | "both")) {
            return;
        }
        let known = Known(self.env);
        for error in criteria.check(&known).err().unwrap_or_default() {
            self.put("pop.criteria", "criteria", Level::Block, error.message, Some(error.at));
        }
        for variable in criteria.variables() {
            if self.env.variables.get(variable).is_some_and(|facts| !facts.orderable) {
                self.fault("pop.criteria", "not_orderable", variable);
            }
            let in_cart = self.draft.cart.iter().any(|item| item.variable_id == variable);
            if !in_cart && self.env.variables.contains_key(variable) {
                self.put("pop.criteria", "not_in_cart", Level::Warn, variable.to_owned(), None);
            }
        }
    }
}

struct Known<'a>(&'a Environment<'a>);

impl Lookup for Known<'_> {
    fn kind(&self, variable: &str) -> Option<VariableKind> {
        self.0.variables.get(variable).map(|v| v.kind)
    }
    fn nearest(&self, variable: &str) -> Vec<String> {
        (self.0.near)(variable)
    }
}
