//! From the pairs of an HTML form to typed values: what the server needs so that forms work without JavaScript
//! (ACC-029). A value that does not have its type is kept as text, so that nothing written is lost; the check names it.

use serde_json::{Map, Value, json};

use super::{FieldKind, Form};

/// The values of the fields that `pairs` name. Names are field ids; parts of a value follow after a dot:
/// `proc.period.from`, `proc.persons.0.email`, `cart.periods.npr.somatikk.to`. Options of a multichoice repeat the
/// name. A pair with an empty value clears the field; names that are no fields are left out.
pub fn from_pairs(form: &Form, pairs: &[(String, String)]) -> Map<String, Value> {
    let mut values = Map::new();
    for field in form.fields().filter(|field| !field.id.contains("[]")) {
        let prefix = format!("{}.", field.id);
        let own: Vec<&str> = pairs.iter().filter(|(name, _)| *name == field.id).map(|(_, v)| v.trim()).collect();
        let parts: Vec<(&str, &str)> =
            pairs.iter().filter_map(|(name, v)| Some((name.strip_prefix(&prefix)?, v.trim()))).collect();
        let last = own.last().copied();
        let value = match field.kind {
            FieldKind::VariableCart | FieldKind::Computed => None,
            FieldKind::Multichoice | FieldKind::ConfirmList => (!own.is_empty()).then(|| {
                let chosen: Vec<&&str> = own.iter().filter(|v| !v.is_empty()).collect();
                if chosen.is_empty() { Value::Null } else { json!(chosen) }
            }),
            FieldKind::Boolean | FieldKind::Confirm => last.map(|text| match text {
                "true" | "on" | "yes" | "1" => json!(true),
                "false" | "no" | "0" => json!(false),
                "" => Value::Null,
                other => json!(other),
            }),
            FieldKind::Integer => last.map(|text| {
                let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                digits.parse::<i64>().map_or_else(|_| text_or_null(text), |n| json!(n))
            }),
            FieldKind::DateRange => (!parts.is_empty()).then(|| object(&parts)),
            FieldKind::PeriodList => (!parts.is_empty()).then(|| periods(&parts)),
            FieldKind::PersonList => (!parts.is_empty()).then(|| persons(&parts)),
            _ => last.map(text_or_null),
        };
        if let Some(value) = value {
            values.insert(field.id.clone(), value);
        }
    }
    values
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

fn object(parts: &[(&str, &str)]) -> Value {
    let map: Map<String, Value> =
        parts.iter().filter(|(_, v)| !v.is_empty()).map(|(name, v)| ((*name).to_owned(), json!(v))).collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

/// `npr.somatikk.from` → `{"npr.somatikk": {"from": …}}`: the last part is the end, the rest the collection.
fn periods(parts: &[(&str, &str)]) -> Value {
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

/// `0.name`, `0.email`, `1.name` … → a list; rows in which nothing is written are left out.
fn persons(parts: &[(&str, &str)]) -> Value {
    let mut rows: std::collections::BTreeMap<u32, Map<String, Value>> = Default::default();
    for (name, value) in parts {
        if let Some((row, part)) = name.split_once('.')
            && let Ok(row) = row.parse()
            && !value.is_empty()
        {
            rows.entry(row).or_default().insert(part.to_owned(), json!(value));
        }
    }
    if rows.is_empty() { Value::Null } else { rows.into_values().map(Value::Object).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::short_form;

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
            ("csrf", "x"),
        ]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .into();
        let values = from_pairs(short_form(), &pairs);
        let expected = json!({
            "pub.title": "Stroke", "pub.purposes": ["e", "f"], "pop.size": 65000, "app.public_body": true,
            "conf.fee": true, "proc.period": {"from": "2027-01-01", "to": "2029-12-31"},
            "cart.periods": {"npr.somatikk": {"from": "2018-01-01", "to": "2024-12-31"}},
            "proc.persons": [{"name": "A", "email": "a@b.no"}], "use.why": null,
        });
        assert_eq!(Value::Object(values), expected);
    }
}
