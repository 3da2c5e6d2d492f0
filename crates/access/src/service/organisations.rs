//! The register of legal entities (section "app" of `access.md`): what an application says of the applicant's organisation is
//! filled in from it, and its state is checked against it (CHK-30). It stands behind one trait; [`RegisterFile`] reads a local
//! file. Without a register nothing is filled in, and the check says "not verified" (ACC-203).

use std::collections::BTreeMap;

use identity::Actor;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Access;
use crate::form::{DraftContent, Form, OrganisationState};
use crate::rules;

/// A register of legal entities.
pub trait Organisations: Send + Sync {
    /// The organisation with a number; none: there is no such one.
    fn by_number(&self, number: &str) -> Option<Organisation>;

    /// The organisation that people log in from under this name.
    fn by_login(&self, slug: &str) -> Option<Organisation>;
}

/// An organisation as the register has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Nine digits.
    pub number: String,
    /// Name.
    pub name: String,
    /// Street and number of the postal address.
    pub street: String,
    /// Postal code.
    pub code: String,
    /// Town.
    pub town: String,
    /// Whether it is there.
    pub state: OrganisationState,
    /// What it is called at login, when people log in from it.
    #[serde(default)]
    pub login: Option<String>,
}

/// A register in a local file: a JSON list of organisations.
pub struct RegisterFile {
    by_number: BTreeMap<String, Organisation>,
}

impl RegisterFile {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// Where it is no such list, or a number is wrong or stands there twice.
    pub fn read(text: &str) -> Result<Self, String> {
        let listed: Vec<Organisation> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let mut by_number = BTreeMap::new();
        for organisation in listed {
            let number = organisation.number.clone();
            if !rules::is_orgnr(&number) {
                return Err(format!("{number} is no organisation number"));
            }
            if by_number.insert(number.clone(), organisation).is_some() {
                return Err(format!("{number} stands there twice"));
            }
        }
        Ok(Self { by_number })
    }
}

impl Organisations for RegisterFile {
    fn by_number(&self, number: &str) -> Option<Organisation> {
        self.by_number.get(number).cloned()
    }

    fn by_login(&self, slug: &str) -> Option<Organisation> {
        self.by_number.values().find(|organisation| organisation.login.as_deref() == Some(slug)).cloned()
    }
}

/// The fields that are filled in from the register.
pub const FILLED_IN: [&str; 7] =
    ["app.kind", "app.name", "app.orgnr", "app.address", "app.contact.affiliation", "pay.orgnr", "pay.address"];

impl Organisation {
    /// What a form says of it where the applicant is asked about.
    fn answers(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let address = json!({"street": self.street, "code": self.code, "town": self.town, "country": "NO"});
        let affiliation = json!({"name": self.name, "id": self.number, "country": "NO"});
        let number = json!(self.number);
        let values = [json!("legal"), json!(self.name), number.clone(), address.clone(), affiliation, number, address];
        FILLED_IN.into_iter().zip(values)
    }
}

impl Access {
    /// With a register of legal entities.
    #[must_use]
    pub fn with_organisations(mut self, register: std::sync::Arc<dyn Organisations>) -> Self {
        self.organisations = Some(register);
        self
    }

    /// Whether a register of legal entities is connected.
    pub fn looks_up_organisations(&self) -> bool {
        self.organisations.is_some()
    }

    /// What the register calls an organisation.
    pub fn organisation_name(&self, number: &str) -> Option<String> {
        self.organisations.as_ref()?.by_number(number).map(|found| found.name)
    }

    /// What a new draft says of the organisation that its applicant logs in from.
    pub(super) fn of_login(&self, actor: &Actor, form: &Form) -> Map<String, Value> {
        let register = self.organisations.as_ref();
        let found = register.and_then(|register| register.by_login(actor.organisation()?));
        let active = found.filter(|organisation| organisation.state == OrganisationState::Active);
        let answers = active.iter().flat_map(Organisation::answers);
        answers.filter(|(id, _)| form.field(id).is_some()).map(|(id, value)| (id.to_owned(), value)).collect()
    }

    /// Adds to what is written what the register says of the organisation whose number is written: name and addresses that
    /// are empty, never what somebody has written.
    pub(super) fn look_up(&self, form: &Form, before: &Map<String, Value>, fields: &mut Map<String, Value>) {
        let written = |id: &str| fields.get(id).or_else(|| before.get(id)).and_then(Value::as_str);
        let number = fields.get("app.orgnr").and_then(Value::as_str).filter(|_| written("app.kind") != Some("natural"));
        let found = number.zip(self.organisations.as_ref()).and_then(|(number, known)| known.by_number(number.trim()));
        let Some(found) = found else { return };
        for (id, value) in found.answers() {
            let written = fields.get(id).or_else(|| before.get(id));
            if form.field(id).is_some() && written.is_none_or(is_empty) {
                fields.insert(id.to_owned(), value);
            }
        }
    }

    /// How the register has the organisations whose numbers a draft names; nothing without a register.
    pub(super) fn organisation_states(&self, content: &DraftContent) -> BTreeMap<String, OrganisationState> {
        let Some(register) = &self.organisations else { return BTreeMap::new() };
        let named = ["app.orgnr", "pay.orgnr"].into_iter().filter_map(|id| content.fields.get(id)?.as_str());
        let state = |number: &str| register.by_number(number).map_or(OrganisationState::Unknown, |known| known.state);
        named.map(|number| (number.to_owned(), state(number))).collect()
    }
}

/// Whether nothing was answered.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        // Of an address or an organisation, a country alone says nothing.
        Value::Object(parts) => parts.iter().all(|(part, value)| part == "country" || is_empty(value)),
        Value::Array(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_203_a_register_with_a_mistake_is_refused_with_its_place() {
        let line = |number: &str, state: &str| {
            format!(
                r#"{{"number": "{number}", "name": "En virksomhet", "street": "Veien 1", "code": "0150", "town": "Oslo",
                     "state": "{state}"}}"#
            )
        };
        let read = |lines: &[String]| RegisterFile::read(&format!("[{}]", lines.join(","))).map(|_| ());
        assert_eq!(read(&[line("310001007", "active"), line("310001015", "bankrupt")]), Ok(()));
        assert_eq!(read(&[line("310001008", "active")]), Err("310001008 is no organisation number".into()));
        let twice = read(&[line("310001007", "active"), line("310001007", "active")]);
        assert_eq!(twice, Err("310001007 stands there twice".into()));
        assert!(read(&[line("310001007", "sleeping")]).unwrap_err().contains("sleeping"));
    }
}
