//! The form of a change (`access.md` section 6): the form of the copy that is edited with the section of the change behind
//! it, and the answers of that section that are computed from the copy. What the applicant writes in it is why, never what
//! (ACC-060).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{Op, OpKind};
use crate::form::{self, Form};

/// Longest reason of an operation that adds data.
const MOST: usize = 600;

/// The form of the copy with the section of the change behind it.
pub fn form_of(id: &str, version: &str) -> Option<&'static Form> {
    static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
        let own = form::latest(form::CHANGE);
        form::forms().iter().filter(|form| form.id == form::PERSON_LEVEL).map(|form| form.followed_by(own)).collect()
    });
    FORMS.iter().find(|form| form.id == id && form.version == version)
}

/// The kind of a change: what its operations make it. Without any it is new data when the applicant says so; that an
/// amendment puts something right is the applicant's word too.
pub fn kind(ops: &[Op], said: &str) -> &'static str {
    let persons = |op: &Op| matches!(op.op, OpKind::AddPerson | OpKind::RemovePerson);
    match said {
        "refresh" if ops.is_empty() => "refresh",
        _ if ops.iter().any(|op| op.op == OpKind::ExtendDuration) => "extend",
        _ if !ops.is_empty() && ops.iter().all(persons) => "persons",
        "correct" => "correct",
        _ => "amend",
    }
}

/// Writes what follows from the operations into the answers.
pub fn complete(fields: &mut Map<String, Value>, permit_id: &str, ops: &[Op]) {
    let said = fields.get("chg.kind").and_then(Value::as_str).unwrap_or_default();
    let kind = kind(ops, said);
    let (_, reasons) = words(fields);
    let adding = ops.iter().filter(|op| op.op.adds_data());
    let rows: Vec<Value> =
        adding.map(|op| json!({"op": op.path, "reason": reasons.get(&op.path).cloned().unwrap_or_default()})).collect();
    fields.insert("chg.permit".into(), json!(permit_id));
    fields.insert("chg.kind".into(), json!(kind));
    fields.insert("chg.ops".into(), json!(ops));
    if rows.is_empty() {
        fields.remove("chg.why_per_op");
    } else {
        fields.insert("chg.why_per_op".into(), Value::Array(rows));
    }
}

/// The applicant's words: why, and why for each operation by its path.
pub fn words(fields: &Map<String, Value>) -> (String, BTreeMap<String, String>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().chars().take(MOST).collect::<String>();
    let why = fields.get("chg.why").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let row = |row: &Value| Some((row.get("op")?.as_str()?.to_owned(), text(row.get("reason")?)));
    let reasons = match fields.get("chg.why_per_op") {
        Some(Value::Array(rows)) => rows.iter().filter_map(row).collect(),
        Some(Value::Object(map)) => map.iter().map(|(path, reason)| (path.clone(), text(reason))).collect(),
        _ => BTreeMap::new(),
    };
    (why, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(op: OpKind, path: &str) -> Op {
        Op {
            op,
            path: path.into(),
            before: Value::Null,
            after: Value::Null,
            reason: String::new(),
            notification: false,
        }
    }

    #[test]
    fn acc_060_kind_and_operations_are_computed_and_reasons_stay_with_their_operation() {
        let ops = [op(OpKind::AddVariable, "sources/npr/npr.a.x"), op(OpKind::AddPerson, "persons/person:1")];
        let mut fields = Map::new();
        fields.insert("chg.kind".into(), json!("refresh"));
        fields.insert("chg.ops".into(), json!("typed by somebody"));
        fields.insert("chg.why_per_op".into(), json!({"sources/npr/npr.a.x": " Because. ", "gone": "No more."}));
        complete(&mut fields, "NO-2026-000001-01", &ops);
        assert_eq!(fields["chg.kind"], "amend");
        assert_eq!(fields["chg.ops"][0]["op"], "add_variable");
        assert_eq!(fields["chg.why_per_op"], json!([{"op": "sources/npr/npr.a.x", "reason": "Because."}]));
        assert_eq!(kind(&ops[1..], "amend"), "persons");
        assert_eq!(kind(&[op(OpKind::ExtendDuration, "valid_to")], "correct"), "extend");
        assert_eq!((kind(&[], "refresh"), kind(&[], "")), ("refresh", "amend"));
    }

    #[test]
    fn acc_020_every_form_that_a_permit_comes_from_has_one_for_its_changes() {
        for form in form::forms().iter().filter(|form| form.id == form::PERSON_LEVEL) {
            let with = form_of(&form.id, &form.version).unwrap();
            assert_eq!(with.sections.len(), form.sections.len() + 1);
            assert!(with.field("chg.why").is_some() && with.field("pub.title").is_some());
        }
        assert!(form_of(form::STATISTICS, "1.0.0").is_none(), "statistics give no permit");
    }
}
