//! The forty checks before submission (CHK-01 to CHK-40, `access.md` section 10). Each has its level, field, text and
//! remedy in `data/checks.json`; most are what the form's own conditions find, and the others are functions here, by
//! what they look at: [`basis`] legal grounds, [`people`] persons, organisations and rooms, [`cohort`] numbers and
//! detail, [`prose`] texts and files. What nobody could be asked about warns as "not verified" (ACC-203).

mod basis;
mod cohort;
mod people;
mod prose;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::{Date, LangMap};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{DraftContent, Environment, Level, VariableFacts};
use super::{Form, is_visible, range};

/// A check, as its list describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckDef {
    /// `CHK-05`.
    pub id: String,
    /// Whether it stops the submission.
    pub level: Level,
    /// The field at which it is mended.
    pub field: String,
    /// What is checked.
    pub title: LangMap,
    /// What to do.
    pub remedy: LangMap,
    /// What is said when nobody could be asked; the usual words when there are none.
    #[serde(default, skip_serializing)]
    not_verified: Option<LangMap>,
    /// Fields (beginnings of ids; `=` the id itself) and rules whose faults belong to the check.
    #[serde(default, skip_serializing)]
    faults: Vec<String>,
}

#[derive(Deserialize)]
struct CheckFile {
    not_verified: LangMap,
    checks: Vec<CheckDef>,
}

static FILE: LazyLock<CheckFile> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the list is part of the program and is read by its tests")]
    serde_json::from_str(include_str!("../../../data/checks.json")).unwrap()
});

/// The forty checks, in order.
pub fn checks() -> &'static [CheckDef] {
    &FILE.checks
}

/// A check by its id.
pub(super) fn named(id: &str) -> Option<&'static CheckDef> {
    checks().iter().find(|check| check.id == id)
}

/// What is said when nobody answers.
pub(super) fn not_verified(check: &'static CheckDef) -> &'static LangMap {
    check.not_verified.as_ref().unwrap_or(&FILE.not_verified)
}

/// The check that a fault of the form's own conditions belongs to.
pub(super) fn of_fault(field: &str, rule: &str) -> &'static CheckDef {
    let belongs = |known: &String| match (known.strip_prefix("rule:"), known.strip_prefix('=')) {
        (Some(name), _) => name == rule,
        (_, Some(id)) => id == field,
        _ => field.starts_with(known.as_str()),
    };
    let rules = checks().iter().find(|check| check.faults.iter().any(|f| f.starts_with("rule:") && belongs(f)));
    let fields = || checks().iter().find(|check| check.faults.iter().any(&belongs));
    rules.or_else(fields).unwrap_or(&checks()[0])
}

/// What a check found.
pub(super) struct Finding {
    pub check: &'static str,
    pub field: String,
    /// None: the level of the check.
    pub level: Option<Level>,
    pub verified: bool,
    pub detail: String,
}

/// A draft as the checks read it: only fields that are asked and shown count.
pub(super) struct Reader<'a> {
    form: &'a Form,
    draft: &'a DraftContent,
    pub env: &'a Environment<'a>,
    found: Vec<Finding>,
}

impl<'a> Reader<'a> {
    /// Whether the form asks a field and shows it.
    fn asks(&self, id: &str) -> bool {
        self.form.field(id).is_some_and(|field| is_visible(self.form, self.draft, self.env, field))
    }

    fn value(&self, id: &str) -> &'a Value {
        const NULL: &Value = &Value::Null;
        if self.asks(id) { self.draft.fields.get(id).unwrap_or(NULL) } else { NULL }
    }

    fn text(&self, id: &str) -> &'a str {
        self.value(id).as_str().unwrap_or_default()
    }

    fn yes(&self, id: &str) -> bool {
        self.value(id).as_bool() == Some(true)
    }

    fn rows(&self, id: &str) -> &'a [Value] {
        self.value(id).as_array().map_or(&[], Vec::as_slice)
    }

    /// Whether a list of options holds one.
    fn chose(&self, id: &str, option: &str) -> bool {
        self.rows(id).iter().any(|value| value.as_str() == Some(option))
    }

    fn period(&self) -> Option<(Date, Date)> {
        range(self.value("proc.period"))
    }

    fn cart(&self) -> impl Iterator<Item = (&'a crate::model::CartItem, &'a VariableFacts)> + use<'a> {
        let variables: &'a BTreeMap<String, VariableFacts> = self.env.variables;
        self.draft.cart.iter().filter_map(move |item| Some((item, variables.get(&item.variable_id)?)))
    }

    fn find(&mut self, check: &'static str, field: impl Into<String>, detail: impl Into<String>) {
        self.put(check, field.into(), None, true, detail.into());
    }

    fn find_at(&mut self, level: Level, check: &'static str, field: impl Into<String>, detail: impl Into<String>) {
        self.put(check, field.into(), Some(level), true, detail.into());
    }

    fn unverified(&mut self, check: &'static str, field: impl Into<String>) {
        self.put(check, field.into(), Some(Level::Warn), false, "nobody could be asked".into());
    }

    fn put(&mut self, check: &'static str, field: String, level: Option<Level>, verified: bool, detail: String) {
        self.found.push(Finding { check, field, level, verified, detail });
    }
}

/// Everything that the functions find in a draft.
pub(super) fn run(form: &Form, draft: &DraftContent, env: &Environment<'_>) -> Vec<Finding> {
    let mut reader = Reader { form, draft, env, found: Vec::new() };
    basis::run(&mut reader);
    people::run(&mut reader);
    cohort::run(&mut reader);
    prose::run(&mut reader);
    reader.found
}

/// A text of a part of a value.
fn part<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}

fn day(value: &Value, name: &str) -> Option<Date> {
    part(value, name).parse().ok()
}
