//! Operations of a change in words: what is done, to what, how it is and how it becomes. People read the difference; nobody
//! types it (ACC-060).

use std::collections::BTreeMap;

use access::change::{Op, OpKind};
use kernel::Language;
use serde_json::Value;

use crate::pages::apply::plain;
use crate::pages::cases::Names;
use crate::texts::text;

/// An operation in words.
pub(crate) struct OpRow {
    /// What is done.
    pub(crate) what: String,
    /// To what; empty when the kind says it.
    pub(crate) place: String,
    pub(crate) before: String,
    pub(crate) after: String,
    /// Whether it takes effect without a decision.
    pub(crate) notification: bool,
    /// The applicant's reason.
    pub(crate) reason: String,
}

/// What words are made from.
pub(crate) struct Words<'a> {
    pub(crate) names: &'a Names,
    /// Names of persons by id.
    pub(crate) persons: &'a BTreeMap<String, String>,
    pub(crate) language: Language,
}

impl Words<'_> {
    pub(crate) fn rows(&self, ops: &[Op]) -> Vec<OpRow> {
        ops.iter().map(|op| self.row(op)).collect()
    }

    /// The operation in one line.
    pub(crate) fn line(&self, op: &Op) -> String {
        let row = self.row(op);
        if row.place.is_empty() { row.what } else { format!("{}: {}", row.what, row.place) }
    }

    fn row(&self, op: &Op) -> OpRow {
        OpRow {
            what: access::letter::words(&format!("op.{}", op.op.slug())).text(self.language).to_owned(),
            place: self.place(&op.path),
            before: self.value(op.op, &op.before),
            after: self.value(op.op, &op.after),
            notification: op.notification,
            reason: op.reason.clone(),
        }
    }

    fn place(&self, path: &str) -> String {
        let parts: Vec<&str> = path.splitn(3, '/').collect();
        match parts.as_slice() {
            ["sources", source] => self.names.source(source),
            ["sources", _, variable] => self.names.variable(variable),
            ["periods", collection] => self.names.collection(collection),
            ["persons", person] => self.person(person),
            _ => String::new(),
        }
    }

    fn person(&self, id: &str) -> String {
        self.persons.get(id).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn value(&self, op: OpKind, value: &Value) -> String {
        match (op, value) {
            (_, Value::Null) | (OpKind::AddPerson | OpKind::RemovePerson, _) => String::new(),
            (OpKind::ChangePi, Value::String(id)) => self.person(id),
            (OpKind::AddSource | OpKind::RemoveSource, Value::Array(items)) => {
                items.iter().map(|item| self.names.variable(&plain(&item["id"]))).collect::<Vec<_>>().join(", ")
            }
            (_, value) if value.get("granularity").is_some() => {
                let level = plain(&value["granularity"]).replace('_', "-");
                text(self.language, &format!("level-{level}"))
            }
            (_, value) => plain(value),
        }
    }
}
