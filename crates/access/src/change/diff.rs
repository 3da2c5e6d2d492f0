//! The operations that lead from what a permit allows to what the applicant wants.

use std::collections::BTreeMap;

use kernel::Date;
use serde_json::{Map, Value, json};

use super::{Op, OpKind, rules};
use crate::content::{Content, ContentItem, ContentPerson};
use crate::form;

/// The fields that make up a population.
fn is_population(field: &str) -> bool {
    field.starts_with("pop.") && !is_recurrence(field)
}

fn is_recurrence(field: &str) -> bool {
    matches!(field, "pop.recur" | "pop.recur_desc")
}

fn is_purpose(field: &str) -> bool {
    matches!(
        field,
        "pub.title" | "pub.purposes" | "pub.purpose_no" | "use.why" | "use.aim" | "use.format" | "use.why_pseudo"
    )
}

fn is_controller(field: &str) -> bool {
    matches!(field, "app.kind" | "app.name" | "app.orgnr" | "no.controller" | "proc.controllers")
}

fn is_external(field: &str) -> bool {
    field.starts_with("ext.")
}

/// Which group of fields an operation stands for; [`apply`](super::apply) takes them over as a whole.
pub(super) fn fields_of(kind: OpKind) -> Option<fn(&str) -> bool> {
    match kind {
        OpKind::ChangePopulation => Some(is_population),
        OpKind::ChangeRecurrence => Some(is_recurrence),
        OpKind::ChangePurpose => Some(is_purpose),
        OpKind::ChangeController => Some(is_controller),
        OpKind::AddExternalData => Some(is_external),
        OpKind::ChangePi => Some(|field| field == "use.responsible"),
        OpKind::ChangeRoom => Some(|field| field == "proc.room"),
        _ => None,
    }
}

/// What leads from `base`, the content in force, to `wanted`: in a fixed order, the same for the same contents.
/// `reasons` are the applicant's words by path.
pub fn diff(base: &Content, wanted: &Content, reasons: &BTreeMap<String, String>) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut add = |op: OpKind, path: String, before: Value, after: Value| {
        let reason = reasons.get(&path).map(|text| text.trim().to_owned()).unwrap_or_default();
        ops.push(Op { op, path, before, after, reason, notification: false });
    };
    items(base, wanted, &mut add);
    periods(base, wanted, &mut add);
    for (kind, path) in [
        (OpKind::ChangePopulation, "population"),
        (OpKind::ChangePurpose, "purpose"),
        (OpKind::ChangeController, "controller"),
        (OpKind::AddExternalData, "external_data"),
        (OpKind::ChangeRecurrence, "recurrence"),
        (OpKind::ChangeRoom, "room"),
    ] {
        let Some(member) = fields_of(kind) else { continue };
        let (before, after) = changed_fields(base, wanted, member);
        if before != after {
            add(kind, path.into(), Value::Object(before), Value::Object(after));
        }
    }
    persons(base, wanted, &mut add);
    duration(base, wanted, &mut add);
    for op in &mut ops {
        op.notification = rules::is_notification(op, base, wanted);
    }
    ops
}

type Add<'a> = dyn FnMut(OpKind, String, Value, Value) + 'a;

fn items(base: &Content, wanted: &Content, add: &mut Add<'_>) {
    let has = |content: &Content, source: &str| content.items.iter().any(|item| item.order.source == source);
    let find = |content: &Content, id: &str| content.items.iter().find(|item| item.order.variable == id).cloned();
    let path = |item: &ContentItem| format!("sources/{}/{}", item.order.source, item.order.variable);
    let shown = |item: &ContentItem| json!({"id": item.order.variable, "granularity": item.order.granularity});
    let of_source = |content: &Content, source: &str| -> Value {
        content.items.iter().filter(|item| item.order.source == source).map(shown).collect()
    };
    for source in wanted.order().sources().into_iter().filter(|source| !has(base, source)) {
        add(OpKind::AddSource, format!("sources/{source}"), Value::Null, of_source(wanted, source));
    }
    for item in wanted.items.iter().filter(|item| has(base, &item.order.source)) {
        match find(base, &item.order.variable) {
            None => add(OpKind::AddVariable, path(item), Value::Null, shown(item)),
            Some(old) if old.order.granularity != item.order.granularity => {
                add(OpKind::ChangeGranularity, path(item), shown(&old), shown(item));
            }
            Some(_) => {}
        }
    }
    for item in base.items.iter().filter(|item| has(wanted, &item.order.source)) {
        if find(wanted, &item.order.variable).is_none() {
            add(OpKind::RemoveVariable, path(item), shown(item), Value::Null);
        }
    }
    for source in base.order().sources().into_iter().filter(|source| !has(wanted, source)) {
        add(OpKind::RemoveSource, format!("sources/{source}"), of_source(base, source), Value::Null);
    }
}

fn periods(base: &Content, wanted: &Content, add: &mut Add<'_>) {
    let in_sources = |content: &Content, collection: &str| {
        content.items.iter().find(|item| item.order.collection == collection).map(|item| item.order.source.clone())
    };
    let old_sources: Vec<String> = base.order().sources().into_iter().map(str::to_owned).collect();
    let days = |(from, to): (Date, Date)| json!({"from": from, "to": to});
    for (collection, new) in &wanted.periods {
        // The period of a new source is a part of that source; one without variables says nothing.
        let Some(source) = in_sources(wanted, collection) else { continue };
        if !old_sources.contains(&source) {
            continue;
        }
        let path = format!("periods/{collection}");
        match base.periods.get(collection) {
            None => add(OpKind::AddPeriod, path, Value::Null, days(*new)),
            Some(old) if old == new => {}
            Some(old) if old.0 <= new.0 && new.1 <= old.1 => {
                add(OpKind::ShortenPeriod, path, days(*old), days(*new));
            }
            Some(old) => add(OpKind::AddPeriod, path, days(*old), days(*new)),
        }
    }
}

fn changed_fields(
    base: &Content,
    wanted: &Content,
    member: fn(&str) -> bool,
) -> (Map<String, Value>, Map<String, Value>) {
    let differing = |one: &Content, other: &Content| -> Map<String, Value> {
        let changed = one.fields.iter().filter(|(id, value)| member(id) && other.fields.get(*id) != Some(value));
        changed.map(|(id, value)| (id.clone(), value.clone())).collect()
    };
    (differing(base, wanted), differing(wanted, base))
}

fn persons(base: &Content, wanted: &Content, add: &mut Add<'_>) {
    let known = |content: &Content, id: &str| content.persons.iter().any(|person| person.id == id);
    let path = |person: &ContentPerson| format!("persons/{}", person.id);
    for person in wanted.persons.iter().filter(|person| !known(base, &person.id)) {
        add(OpKind::AddPerson, path(person), Value::Null, json!({"id": person.id}));
    }
    for person in base.persons.iter().filter(|person| !known(wanted, &person.id)) {
        add(OpKind::RemovePerson, path(person), json!({"id": person.id}), Value::Null);
    }
    let pi = |content: &Content| content.responsible().map(|person| person.id.clone());
    let (old, new) = (pi(base), pi(wanted));
    if old != new {
        add(OpKind::ChangePi, "pi".into(), json!(old), json!(new));
    }
}

fn duration(base: &Content, wanted: &Content, add: &mut Add<'_>) {
    let end = |content: &Content| content.fields.get("proc.period").and_then(form::range).map(|(_, to)| to);
    let delete = |content: &Content| content.text("no.delete_date").parse::<Date>().ok();
    let (old, new) = (end(base), end(wanted));
    if let (Some(old), Some(new)) = (old, new)
        && old != new
    {
        let kind = if new > old { OpKind::ExtendDuration } else { OpKind::ShortenPeriod };
        let shown = |to: Date, content: &Content| json!({"valid_to": to, "delete_by": delete(content)});
        add(kind, "valid_to".into(), shown(old, base), shown(new, wanted));
        return;
    }
    if delete(base) != delete(wanted) {
        let shown = |content: &Content| json!({"delete_by": delete(content)});
        add(OpKind::ChangeConditions, "delete_by".into(), shown(base), shown(wanted));
    }
}
