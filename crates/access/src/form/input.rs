//! From the pairs of an HTML form to typed values: what the server needs so that forms work without JavaScript
//! (ACC-029). A value that does not have its type is kept as text, so that nothing written is lost; the check names it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Field, FieldKind, Form};

/// A name and what was written under it.
type Pair<'a> = (&'a str, &'a str);

/// The values of the fields that `pairs` name. Names are field ids; parts of a value follow after a dot:
/// `proc.period.from`, `no.rek.status`, `proc.persons.0.email`, `cart.periods.npr.somatikk.to`. Options of a multichoice
/// repeat the name. A pair with an empty value clears the field; names that are no fields are left out.
pub fn from_pairs(form: &Form, pairs: &[(String, String)]) -> Map<String, Value> {
    let all: Vec<Pair<'_>> = pairs.iter().map(|(name, value)| (name.as_str(), value.trim())).collect();
    let fields = form.fields().filter(|field| !field.id.contains("[]") && field.kind.is_written());
    fields.filter_map(|field| Some((field.id.clone(), read(field, &field.id, &all)?))).collect()
}

/// The value of a field under a name; nothing when no pair names it.
fn read(field: &Field, name: &str, pairs: &[Pair<'_>]) -> Option<Value> {
    let own: Vec<&str> = pairs.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value).collect();
    let last = own.last().copied();
    let below = || -> Vec<Pair<'_>> {
        pairs.iter().filter_map(|(known, value)| Some((known.strip_prefix(name)?.strip_prefix('.')?, *value))).collect()
    };
    match field.kind {
        FieldKind::Multichoice | FieldKind::ConfirmList | FieldKind::OrderedList | FieldKind::VariableList => {
            (!own.is_empty()).then(|| or_null(own.iter().filter(|v| !v.is_empty()).map(|v| json!(v)).collect()))
        }
        FieldKind::Boolean | FieldKind::Confirm | FieldKind::Signature => last.map(yes_or_no),
        FieldKind::Integer | FieldKind::Reference => last.map(|text| {
            let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            digits.parse::<i64>().map_or_else(|_| text_or_null(text), |n| json!(n))
        }),
        FieldKind::Decimal => last.map(number),
        FieldKind::Quantity => {
            let parts = below();
            (!parts.is_empty()).then(|| {
                let mut value = object(&parts);
                if let Some(amount) = value.get("amount").and_then(Value::as_str).map(number) {
                    value["amount"] = amount;
                }
                // A unit alone is the page's own choice, not an answer.
                if value.get("amount").is_some() { value } else { Value::Null }
            })
        }
        FieldKind::DateRange | FieldKind::Address | FieldKind::Organisation | FieldKind::File => {
            let parts = below();
            (!parts.is_empty()).then(|| object(&parts))
        }
        FieldKind::OrganisationList | FieldKind::FileList => rows(&below(), |_, parts| Some(object(parts))),
        FieldKind::PeriodList => {
            let parts = below();
            (!parts.is_empty()).then(|| periods(&parts))
        }
        FieldKind::Group => {
            let value = group(field, name, pairs);
            value.map(
                |map| if map.values().all(Value::is_null) { Value::Null } else { Value::Object(without_null(map)) },
            )
        }
        kind if kind.has_rows() => rows(&below(), |row, parts| {
            if field.parts.is_empty() {
                return Some(object(parts));
            }
            let map = group(field, &format!("{name}.{row}"), pairs)?;
            Some(Value::Object(without_null(map)))
        }),
        _ => last.map(text_or_null),
    }
}

fn group(field: &Field, name: &str, pairs: &[Pair<'_>]) -> Option<Map<String, Value>> {
    let part = |part: &Field| Some((part.id.clone(), read(part, &format!("{name}.{}", part.id), pairs)?));
    let map: Map<String, Value> = field.parts.iter().filter_map(part).collect();
    (!map.is_empty()).then_some(map)
}

fn without_null(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// `0.name`, `0.email`, `1.name` … → a list; rows in which nothing is written are left out.
fn rows(parts: &[Pair<'_>], row: impl Fn(u32, &[Pair<'_>]) -> Option<Value>) -> Option<Value> {
    let mut found: BTreeMap<u32, Vec<Pair<'_>>> = BTreeMap::new();
    for (name, value) in parts {
        if let Some((number, part)) = name.split_once('.')
            && let Ok(number) = number.parse()
        {
            found.entry(number).or_default().push((part, value));
        }
    }
    if found.is_empty() {
        return None;
    }
    let written = found.iter().filter_map(|(number, parts)| row(*number, parts));
    Some(or_null(written.filter(|value| !super::expr::is_empty(value)).collect()))
}

fn or_null(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

fn yes_or_no(text: &str) -> Value {
    match text {
        "true" | "on" | "yes" | "1" => json!(true),
        "false" | "no" | "0" => json!(false),
        "" => Value::Null,
        other => json!(other),
    }
}

/// A number with a comma or a point.
fn number(text: &str) -> Value {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| if c == ',' { '.' } else { c }).collect();
    match plain.parse::<i64>() {
        Ok(whole) => json!(whole),
        Err(_) => plain.parse::<f64>().map_or_else(|_| text_or_null(text), |n| json!(n)),
    }
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

fn object(parts: &[Pair<'_>]) -> Value {
    let filled = parts.iter().filter(|(_, v)| !v.is_empty());
    let map: Map<String, Value> = filled.map(|(name, v)| ((*name).to_owned(), json!(v))).collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

/// `npr.somatikk.from` → `{"npr.somatikk": {"from": …}}`: the last part is the end, the rest the collection.
fn periods(parts: &[Pair<'_>]) -> Value {
    let mut collections: Map<String, Value> = Map::new();
    for (name, value) in parts {
        if let Some((collection, end)) = name.rsplit_once('.')
            && !value.is_empty()
        {
            let entry = collections.entry(collection).or_insert_with(|| json!({}));
            entry[end] = json!(value);
        }
    }
    if collections.is_empty() { Value::Null } else { Value::Object(collections) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{PERSON_LEVEL, latest};

    #[test]
    fn acc_029_pairs_of_a_form_become_typed_values() {
        let pairs: Vec<(String, String)> = [
            ("pub.title", " Stroke "),
            ("pub.purposes", "e"),
            ("pub.purposes", "f"),
            ("pop.size", "65 000"),
            ("app.public_body", "true"),
            ("conf.fee", "on"),
            ("proc.period.from", "2027-01-01"),
            ("proc.period.to", "2029-12-31"),
            ("cart.periods.npr.somatikk.from", "2018-01-01"),
            ("cart.periods.npr.somatikk.to", "2024-12-31"),
            ("proc.persons.0.name", "A"),
            ("proc.persons.0.email", "a@b.no"),
            ("proc.persons.3.name", ""),
            ("use.why", ""),
            ("app.address.street", "Vei 1"),
            ("app.address.country", "NO"),
            ("no.rek.status", "approved"),
            ("no.rek.reference", ""),
            ("pop.controls.yes_no", "true"),
            ("pop.controls.per_case", "4"),
            ("pop.relatives.yes_no", ""),
            ("pop.sample_size.amount", "12,5"),
            ("pop.sample_size.unit", "percent"),
            ("ext.items.2.holder", "Klinikken"),
            ("ext.items.2.files", "3"),
            ("proc.controllers.0.name", "Universitetet"),
            ("proc.controllers.0.id", "310001007"),
            ("use.plan", "a text is no file"),
            ("csrf", "x"),
        ]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .into();
        let values = from_pairs(latest(PERSON_LEVEL), &pairs);
        let expected = json!({
            "pub.title": "Stroke", "pub.purposes": ["e", "f"], "pop.size": 65000, "app.public_body": true,
            "conf.fee": true, "proc.period": {"from": "2027-01-01", "to": "2029-12-31"},
            "cart.periods": {"npr.somatikk": {"from": "2018-01-01", "to": "2024-12-31"}},
            "proc.persons": [{"name": "A", "email": "a@b.no"}], "use.why": null,
            "app.address": {"street": "Vei 1", "country": "NO"}, "no.rek": {"status": "approved"},
            "pop.controls": {"yes_no": true, "per_case": 4}, "pop.relatives": null,
            "pop.sample_size": {"amount": 12.5, "unit": "percent"},
            "ext.items": [{"holder": "Klinikken", "files": 3}],
            "proc.controllers": [{"name": "Universitetet", "id": "310001007"}],
        });
        assert_eq!(Value::Object(values), expected);
    }
}
