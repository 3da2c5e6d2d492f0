//! Whether a value has the form of its type (ACC-021), without looking at other fields.

use std::collections::BTreeSet;

use kernel::Date;
use kernel::criteria::Criteria;
use serde_json::Value;

use super::{Field, FieldKind};
use crate::rules;

/// The rule that a value breaks, and what is wanted.
pub(super) type Misfit = (&'static str, String);

/// First and last day of `{from, to}`, when they are days in this order.
pub(crate) fn range(value: &Value) -> Option<(Date, Date)> {
    let day = |name: &str| value.get(name)?.as_str()?.parse::<Date>().ok();
    let (from, to) = (day("from")?, day("to")?);
    (from <= to).then_some((from, to))
}

/// Whether a value has the form of the field's type. Parts of groups and rows are looked at by the caller.
pub(super) fn fits(field: &Field, value: &Value, holds_number: &(dyn Fn(&str) -> bool + Sync)) -> Result<(), Misfit> {
    let text = value.as_str();
    match field.kind {
        FieldKind::Text(limit) => plain(text, limit, false, holds_number),
        FieldKind::Longtext(limit) => plain(text, limit, true, holds_number),
        FieldKind::PermitRef | FieldKind::DecisionRef | FieldKind::Code if field.options.is_empty() => {
            plain(text, 200, false, holds_number)
        }
        FieldKind::Integer | FieldKind::Reference => when(value.as_i64().is_some(), "type", "a whole number expected"),
        FieldKind::Decimal => when(value.is_number(), "type", "a number expected"),
        FieldKind::Quantity => quantity(field, value),
        FieldKind::Boolean | FieldKind::Confirm | FieldKind::Signature => {
            when(value.is_boolean(), "type", "yes or no expected")
        }
        FieldKind::Choice | FieldKind::Code => {
            when(text.is_some_and(|id| offers(field, id)), "option", "one of the options expected")
        }
        FieldKind::Multichoice | FieldKind::ConfirmList | FieldKind::OrderedList | FieldKind::VariableList => {
            chosen(field, value)
        }
        FieldKind::Country => when(text.is_some_and(is_country), "country", "a country code of two letters expected"),
        FieldKind::Language => {
            let good = text.is_some_and(|t| t.len() == 2 && t.bytes().all(|b| b.is_ascii_lowercase()));
            when(good, "type", "a language code of two letters expected")
        }
        FieldKind::Date => {
            when(text.is_some_and(|t| t.parse::<Date>().is_ok()), "type", "a date (YYYY-MM-DD) expected")
        }
        FieldKind::DateRange => {
            when(range(value).is_some(), "period", "first and last day as YYYY-MM-DD, in this order")
        }
        FieldKind::PeriodList => {
            when(value.is_object() || value.is_array(), "type", "a period for each collection expected")
        }
        FieldKind::Email | FieldKind::Person => when(text.is_some_and(is_email), "email", "an e-mail address expected"),
        FieldKind::Phone => when(text.is_some_and(is_phone), "phone", "a number such as +4712345678 expected"),
        FieldKind::Address => address(value, holds_number),
        FieldKind::Orgnr => {
            when(text.is_some_and(rules::is_orgnr), "orgnr", "nine digits with a correct check digit expected")
        }
        FieldKind::Organisation => organisation(value, holds_number),
        FieldKind::OrganisationList => organisations(value, holds_number),
        FieldKind::File => file(value),
        FieldKind::FileList => {
            let Some(files) = value.as_array() else { return misfit("type", "a list of files expected") };
            files.iter().try_for_each(file)
        }
        FieldKind::Criteria => {
            let Some(text) = text else { return misfit("type", "an expression expected") };
            Criteria::parse(text).map(|_| ()).map_err(|error| ("criteria", error.to_string()))
        }
        FieldKind::Group => when(value.is_object(), "type", "a group expected"),
        FieldKind::Repeat | FieldKind::Table | FieldKind::PersonList => {
            let rows = value.as_array().is_some_and(|rows| rows.iter().all(Value::is_object));
            when(rows, "type", "a list of rows expected")
        }
        FieldKind::VariableCart
        | FieldKind::Computed
        | FieldKind::Info
        | FieldKind::PermitRef
        | FieldKind::DecisionRef => Ok(()),
    }
}

fn misfit(rule: &'static str, wanted: &str) -> Result<(), Misfit> {
    Err((rule, wanted.to_owned()))
}

fn when(good: bool, rule: &'static str, wanted: &str) -> Result<(), Misfit> {
    if good { Ok(()) } else { misfit(rule, wanted) }
}

fn offers(field: &Field, id: &str) -> bool {
    field.options.is_empty() || field.options.iter().any(|(known, _)| known == id)
}

fn plain(
    text: Option<&str>,
    limit: usize,
    long: bool,
    holds_number: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(), Misfit> {
    let Some(text) = text else { return misfit("type", "a text expected") };
    if text.chars().count() > limit {
        return Err(("length", format!("at most {limit} characters")));
    }
    if text.chars().any(|c| c.is_control() && !(long && matches!(c, '\n' | '\r' | '\t'))) {
        return misfit("type", "a text without control characters expected");
    }
    when(!holds_number(text), "identity_number", "the text seems to hold a national identity number")
}

fn quantity(field: &Field, value: &Value) -> Result<(), Misfit> {
    let amount = value.get("amount").is_some_and(Value::is_number);
    let unit = value.get("unit").and_then(Value::as_str).is_some_and(|unit| offers(field, unit));
    when(amount && unit, "type", "a number and its unit expected")
}

fn chosen(field: &Field, value: &Value) -> Result<(), Misfit> {
    let Some(items) = value.as_array() else { return misfit("type", "a list of options expected") };
    let ids: BTreeSet<&str> = items.iter().filter_map(Value::as_str).collect();
    let good = ids.len() == items.len() && ids.iter().all(|id| offers(field, id) && id.len() <= 200);
    when(good, "option", "each of the options at most once")
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// E.164: a plus sign and 8 to 15 digits, the first not zero.
fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

fn part<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}

fn address(value: &Value, holds_number: &(dyn Fn(&str) -> bool + Sync)) -> Result<(), Misfit> {
    let (street, code, town, country) =
        (part(value, "street"), part(value, "code"), part(value, "town"), part(value, "country"));
    for text in [street, code, town] {
        plain(Some(text), 200, false, holds_number)?;
    }
    if street.is_empty() || code.is_empty() || town.is_empty() || !is_country(country) {
        return misfit("address", "street, postal code, town and country expected");
    }
    let norwegian = code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
    when(country != "NO" || norwegian, "address", "a Norwegian postal code has four digits")
}

/// A name and an id; in Norway an organisation number, elsewhere any id together with the country.
fn organisation(value: &Value, holds_number: &(dyn Fn(&str) -> bool + Sync)) -> Result<(), Misfit> {
    let (name, id, country) = (part(value, "name"), part(value, "id"), part(value, "country"));
    plain(Some(name), 200, false, holds_number)?;
    plain(Some(id), 60, false, holds_number)?;
    if name.chars().count() < 2 {
        return misfit("organisation", "the name of the organisation expected");
    }
    if country.is_empty() || country == "NO" {
        return when(rules::is_orgnr(id), "orgnr", "nine digits with a correct check digit expected");
    }
    when(is_country(country) && !id.is_empty(), "organisation", "an id and the country expected")
}

fn organisations(value: &Value, holds_number: &(dyn Fn(&str) -> bool + Sync)) -> Result<(), Misfit> {
    let Some(items) = value.as_array() else { return misfit("type", "a list of organisations expected") };
    let mut seen = BTreeSet::new();
    for item in items {
        organisation(item, holds_number)?;
        if !seen.insert((part(item, "country"), part(item, "id"))) {
            return misfit("organisation", "an organisation stands there twice");
        }
    }
    Ok(())
}

fn file(value: &Value) -> Result<(), Misfit> {
    let (id, name) = (part(value, "id"), part(value, "name"));
    when(!id.is_empty() && id.len() <= 200 && !name.is_empty() && name.len() <= 255, "file", "a file expected")
}

/// Whether a text has the form of an e-mail address.
pub(super) fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let good =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@' || c.is_control());
    text.len() <= 254
        && good(name)
        && good(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn acc_021_types_say_what_they_want() {
        let no = |_: &str| false;
        assert!(is_phone("+4723456789") && !is_phone("23456789") && !is_phone("+0123456789") && !is_phone("+47 2345"));
        let there =
            |code: &str, country: &str| json!({"street": "Vei 1", "code": code, "town": "X", "country": country});
        assert!(address(&there("0150", "NO"), &no).is_ok());
        assert_eq!(address(&there("150", "NO"), &no).unwrap_err().0, "address");
        assert!(address(&there("SW1A 1AA", "GB"), &no).is_ok());
        let norwegian = json!({"name": "Universitetet", "id": "310001007"});
        assert!(organisation(&norwegian, &no).is_ok());
        assert_eq!(organisation(&json!({"name": "Universitetet", "id": "310001008"}), &no).unwrap_err().0, "orgnr");
        assert!(organisation(&json!({"name": "Institut", "id": "DE 1", "country": "DE"}), &no).is_ok());
        assert_eq!(organisations(&json!([norwegian, norwegian]), &no).unwrap_err().0, "organisation");
        assert!(file(&json!({"id": "f", "name": "plan.pdf"})).is_ok() && file(&json!("plan.pdf")).is_err());
    }
}
