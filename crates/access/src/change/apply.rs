//! From operations to a content: the copy that is edited, what takes effect at once, and what a decision grants.

use protocol::documents::{Permit, SourceOutcome};
use serde_json::{Value, json};

use super::diff::fields_of;
use super::{Op, OpKind};
use crate::content::Content;
use crate::model::Decision;

/// What is in force: `content`, which the permit was made from, cut down to what the permit grants.
pub fn in_force(content: &Content, permit: &Permit) -> Content {
    let mut copy = content.clone();
    let granted = |id: &str| permit.sources.iter().flat_map(|s| &s.variables).find(|variable| variable.id == id);
    copy.items.retain(|item| granted(&item.order.variable).is_some());
    for item in &mut copy.items {
        if let Some(variable) = granted(&item.order.variable) {
            item.order.granularity.clone_from(&variable.granularity);
            item.order.version = variable.version;
        }
    }
    copy.periods.retain(|collection, _| copy.items.iter().any(|item| item.order.collection == *collection));
    for source in &permit.sources {
        if let Some(period) = copy.periods.get_mut(&source.collection) {
            *period = source.period;
        }
    }
    copy.fields.insert("proc.period".into(), json!({"from": permit.valid_from, "to": permit.valid_to}));
    copy.fields.insert("no.delete_date".into(), json!(permit.delete_by));
    write_periods(&mut copy);
    copy
}

/// `base` with the operations carried out; whatever an operation needs beyond its path is taken from `wanted`.
pub fn apply(base: &Content, wanted: &Content, ops: &[Op]) -> Content {
    let mut content = base.clone();
    for op in ops {
        one(&mut content, wanted, op);
    }
    content.periods.retain(|collection, _| content.items.iter().any(|item| item.order.collection == *collection));
    write_periods(&mut content);
    write_persons(&mut content, wanted);
    content
}

fn one(content: &mut Content, wanted: &Content, op: &Op) {
    let last = op.path.rsplit('/').next().unwrap_or_default();
    match op.op {
        OpKind::AddSource => {
            let new: Vec<_> = wanted.items.iter().filter(|item| item.order.source == last).cloned().collect();
            for item in &new {
                take_period(content, wanted, &item.order.collection, false);
            }
            content.items.extend(new);
        }
        OpKind::RemoveSource => content.items.retain(|item| item.order.source != last),
        OpKind::AddVariable | OpKind::ChangeGranularity => {
            let Some(item) = wanted.items.iter().find(|item| item.order.variable == last) else { return };
            content.items.retain(|known| known.order.variable != last);
            take_period(content, wanted, &item.order.collection, false);
            content.items.push(item.clone());
        }
        OpKind::RemoveVariable => content.items.retain(|item| item.order.variable != last),
        OpKind::AddPeriod => take_period(content, wanted, last, true),
        OpKind::ShortenPeriod if op.path.starts_with("periods/") => take_period(content, wanted, last, true),
        OpKind::ShortenPeriod | OpKind::ExtendDuration => {
            take_fields(content, wanted, |field| matches!(field, "proc.period" | "no.delete_date"));
        }
        OpKind::ChangeConditions => take_fields(content, wanted, |field| field == "no.delete_date"),
        OpKind::AddPerson => {
            let new = wanted.persons.iter().find(|person| person.id == last);
            content.persons.extend(new.cloned());
        }
        OpKind::RemovePerson => content.persons.retain(|person| person.id != last),
        kind => {
            if let Some(member) = fields_of(kind) {
                take_fields(content, wanted, member);
            }
        }
    }
}

/// Takes a collection's period over; a known one only when the operation is about it.
fn take_period(content: &mut Content, wanted: &Content, collection: &str, replace: bool) {
    if let Some(period) = wanted.periods.get(collection)
        && (replace || !content.periods.contains_key(collection))
    {
        content.periods.insert(collection.to_owned(), *period);
    }
}

fn take_fields(content: &mut Content, wanted: &Content, member: impl Fn(&str) -> bool) {
    content.fields.retain(|field, _| !member(field));
    let taken = wanted.fields.iter().filter(|(field, _)| member(field));
    content.fields.extend(taken.map(|(field, value)| (field.clone(), value.clone())));
}

/// The field that the form shows, from the periods that count.
fn write_periods(content: &mut Content) {
    let periods: serde_json::Map<String, Value> = content
        .periods
        .iter()
        .map(|(collection, (from, to))| (collection.clone(), json!({"from": from, "to": to})))
        .collect();
    content.fields.insert("cart.periods".into(), Value::Object(periods));
}

/// The form's list of persons, from the persons that count; details as in either list.
fn write_persons(content: &mut Content, wanted: &Content) {
    let listed = |content: &Content| -> Vec<Value> {
        content.fields.get("proc.persons").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let rows: Vec<Value> = listed(content).into_iter().chain(listed(wanted)).collect();
    let row = |email: &str| {
        let mail = |row: &Value| row.get("email").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        rows.iter().find(|row| mail(row).eq_ignore_ascii_case(email)).cloned()
    };
    let persons: Vec<Value> = content.persons.iter().filter_map(|person| row(&person.email)).collect();
    content.fields.insert("proc.persons".into(), Value::Array(persons));
}

/// What a decision on `ops` makes of `base`: granted operations carried out, variables that are not granted left out,
/// levels of detail as decided. Gives the operations that were granted, too.
pub fn granted_content(base: &Content, wanted: &Content, ops: &[Op], decision: &Decision) -> (Content, Vec<Op>) {
    let part_of = |op: &Op| {
        let source = super::rules::source_of(op, wanted)?;
        decision.parts.iter().find(|part| part.source == source)
    };
    let grants = |outcome: SourceOutcome| matches!(outcome, SourceOutcome::Granted | SourceOutcome::GrantedInPart);
    let is_granted = |op: &&Op| {
        if op.notification {
            return true;
        }
        if !op.op.is_by_source() {
            return decision.changes.iter().any(|change| change.path == op.path && change.granted);
        }
        let Some(part) = part_of(op).filter(|part| grants(part.outcome)) else { return false };
        match op.op {
            OpKind::AddVariable | OpKind::ChangeGranularity => {
                let id = op.path.rsplit('/').next().unwrap_or_default();
                part.collections.iter().flat_map(|c| &c.variables).any(|variable| variable.id == id)
            }
            _ => true,
        }
    };
    let granted: Vec<Op> = ops.iter().filter(is_granted).cloned().collect();
    let mut content = apply(base, wanted, &granted);
    for part in decision.parts.iter().filter(|part| grants(part.outcome)) {
        // A source that is new comes with all its variables; those that are not granted go again.
        let is_new = !base.items.iter().any(|item| item.order.source == part.source);
        if is_new {
            content.items.retain(|item| !part.removed.iter().any(|removed| removed.id == item.order.variable));
        }
        for variable in part.collections.iter().flat_map(|c| &c.variables) {
            if let Some(item) = content.items.iter_mut().find(|item| item.order.variable == variable.id)
                && granted.iter().any(|op| touches(op, &variable.id, &part.source))
            {
                item.order.granularity.clone_from(&variable.granularity);
            }
        }
    }
    (content, granted)
}

fn touches(op: &Op, variable: &str, source: &str) -> bool {
    match op.op {
        OpKind::AddSource => op.source() == Some(source),
        _ => op.path.rsplit('/').next() == Some(variable),
    }
}

/// What is in force when the case itself is decided anew: what `applied` asked for is as `decision` says, what changes
/// brought since stays.
pub fn redecided(base: &Content, applied: &Content, decision: &Decision) -> Content {
    let mut content = base.clone();
    let asked = |id: &str| applied.items.iter().any(|item| item.order.variable == id);
    content.items.retain(|item| !asked(&item.order.variable));
    for part in &decision.parts {
        for collection in part.collections.iter().filter(|collection| !collection.variables.is_empty()) {
            content.periods.entry(collection.collection.clone()).or_insert(collection.period);
            for variable in &collection.variables {
                let item = applied.items.iter().find(|item| item.order.variable == variable.id);
                content.items.extend(item.cloned().map(|mut item| {
                    item.order.granularity.clone_from(&variable.granularity);
                    item
                }));
            }
        }
    }
    content.periods.retain(|collection, _| content.items.iter().any(|item| item.order.collection == *collection));
    write_periods(&mut content);
    content
}
