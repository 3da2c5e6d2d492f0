//! The check of an application, without a database: every rule with a draft that breaks it alone.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use crate::support::{SmallCatalogue, answers, cart};
use access::content::Content;
use access::form::{self, DraftContent, Environment, Fault, Form, Level, NobodyToAsk, check};
use access::{CartItem, VariableFacts};
use serde_json::{Value, json};

fn full_form() -> &'static Form {
    form::latest(form::PERSON_LEVEL)
}

fn draft() -> DraftContent {
    DraftContent { fields: answers(), cart: cart() }
}

fn with_environment<T>(work: impl FnOnce(&Environment<'_>) -> T) -> T {
    let variables: BTreeMap<String, VariableFacts> =
        SmallCatalogue::all().into_iter().map(|facts| (facts.id.clone(), facts)).collect();
    let rooms = ["room:tsd".to_owned()];
    let near = |id: &str| kernel::criteria::nearest(variables.keys().map(String::as_str), id, 3);
    work(&Environment {
        today: "2026-11-21".parse().unwrap(),
        profile: "NO/1",
        rooms: &rooms,
        variables: &variables,
        holds_identity_number: &|_| false,
        near: &near,
        given: &BTreeMap::new(),
        outside: &NobodyToAsk,
    })
}

fn faults(draft: &DraftContent) -> Vec<Fault> {
    let told = with_environment(|env| check(full_form(), draft, env).faults);
    // Nobody is connected here; what the registers answer is tried in `checks.rs`.
    told.into_iter().filter(|fault| fault.rule != "not_verified").collect()
}

/// The faults after one field was changed.
fn after(field: &str, value: Value) -> Vec<(String, String)> {
    let mut draft = draft();
    draft.fields.insert(field.into(), value);
    faults(&draft).into_iter().map(|f| (f.field, f.rule)).collect()
}

fn is(field: &str, rule: &str) -> Vec<(String, String)> {
    vec![(field.into(), rule.into())]
}

#[test]
fn an_application_that_says_everything_passes() {
    assert_eq!(faults(&draft()), vec![]);
}

#[test]
fn chk_01_every_required_field_is_named_when_empty() {
    let form = full_form();
    let mut named = 0;
    let required = |field: &&String| form.field(field).is_some_and(|field| !field.optional);
    for field in answers().keys().filter(required) {
        let mut draft = draft();
        draft.fields.remove(field);
        let found = faults(&draft);
        let prefix = format!("{field}.");
        let is_own = |f: &Fault| f.rule == "required" && (f.field == *field || f.field.starts_with(&prefix));
        let own = found.iter().any(is_own);
        assert!(own, "{field}: {found:?}");
        assert!(found.iter().all(|f| f.text.0.len() == 3), "texts in all languages");
        named += 1;
    }
    assert!(named > 60, "{named}");
}

#[test]
fn rules_of_single_fields() {
    assert_eq!(after("pub.title", json!("Kort")), is("pub.title", "validation"));
    assert_eq!(after("pub.title", json!("x".repeat(201))), is("pub.title", "length"));
    assert_eq!(after("pub.title", json!("En tittel\u{7}med pip")), is("pub.title", "type"));
    assert_eq!(after("pub.title", json!(7)), is("pub.title", "type"));
    assert_eq!(after("pub.purposes", json!(["e", "z"])), is("pub.purposes", "option"));
    assert_eq!(after("pub.purposes", json!(["e", "e"])), is("pub.purposes", "option"));
    assert!(after("app.orgnr", json!("974760674")).contains(&("app.orgnr".into(), "orgnr".into())));
    assert_eq!(after("app.contact.email", json!("ikke en adresse")), is("app.contact.email", "email"));
    assert_eq!(after("pop.size", json!("mange")), is("pop.size", "type"));
    assert_eq!(after("pop.size", json!(0)), is("pop.size", "validation"));
    assert_eq!(after("proc.room", json!("room:unknown")), is("proc.room", "validation"));
    assert_eq!(after("proc.conf", json!(["purpose"])), is("proc.conf", "validation"));
    assert_eq!(after("conf.correct", json!(false)), is("conf.correct", "validation"));
    assert_eq!(after("use.responsible", json!("en@annen.no")), is("use.responsible", "validation"));
    assert_eq!(after("no.such", json!(1)), is("no.such", "unknown_field"));
    let twice = json!([{"name": "A B", "email": "leder@universitetet.no", "role": "r"}, {"name": "C D", "email": "LEDER@universitetet.no", "role": "r"}]);
    assert_eq!(after("proc.persons", twice), is("proc.persons", "validation"));
}

#[test]
fn chk_04_only_public_bodies_apply_for_statistics() {
    let mut draft = draft();
    draft.fields.insert("pub.purposes".into(), json!(["c"]));
    assert_eq!(faults(&draft), vec![]);
    draft.fields.insert("app.public_body".into(), json!(false));
    assert!(faults(&draft).iter().any(|f| f.field == "pub.purposes" && f.check == "CHK-04"));
}

#[test]
fn chk_15_and_34_periods_of_access_and_deletion() {
    let period = |from: &str, to: &str| json!({"from": from, "to": to});
    let reversed = after("proc.period", period("2027-01-01", "2026-12-31"));
    assert!(reversed.contains(&("proc.period".into(), "period".into())), "{reversed:?}");
    let long = after("proc.period", period("2027-01-01", "2038-01-01"));
    assert!(long.contains(&("proc.period".into(), "validation".into())), "{long:?}");
    assert!(!after("proc.period", period("2020-01-01", "2021-01-01")).is_empty(), "an access that is over");
    assert_eq!(after("no.delete_date", json!("2029-11-29")), is("no.delete_date", "validation"));
    assert_eq!(after("no.delete_date", json!("2035-11-29")), is("no.delete_date", "validation"));
}

#[test]
fn chk_03_a_period_outside_the_data_names_what_there_is() {
    let mut draft = draft();
    draft.fields["cart.periods"]["npr.somatikk"] = json!({"from": "2001-01-01", "to": "2024-12-31"});
    let found = faults(&draft);
    assert_eq!((found[0].field.as_str(), found[0].rule.as_str()), ("cart.periods.npr.somatikk", "outside_validity"));
    assert!(found[0].detail.contains("2008-01-01"));
    draft.fields["cart.periods"]["krg.main"] = json!({"from": "2010-01-01", "to": "2024-12-31"});
    assert!(faults(&draft).iter().any(|f| f.field == "cart.periods.krg.main"));
}

#[test]
fn chk_02_the_cart_holds_what_can_be_ordered() {
    let cart_fault = |change: &dyn Fn(&mut Vec<CartItem>)| {
        let mut draft = draft();
        change(&mut draft.cart);
        faults(&draft).into_iter().map(|f| (f.field, f.rule)).collect::<Vec<_>>()
    };
    let hoved = "cart.items.npr.somatikk.hovedtilstand";
    assert_eq!(cart_fault(&|c| c[0].role.clear()), is(&format!("{hoved}.role"), "required"));
    assert_eq!(cart_fault(&|c| c[0].role = "fun".into()), is(&format!("{hoved}.role"), "option"));
    assert_eq!(cart_fault(&|c| c[0].necessity.clear()), is(&format!("{hoved}.necessity"), "required"));
    assert_eq!(cart_fault(&|c| c[0].necessity = "Kort".into()), is(&format!("{hoved}.necessity"), "validation"));
    assert_eq!(cart_fault(&|c| c[0].granularity = "day".into()), is(&format!("{hoved}.granularity"), "validation"));
    // A date to the day needs a reason, a month does not.
    let inn = "cart.items.npr.somatikk.innDato";
    assert_eq!(cart_fault(&|c| c[1].necessity.clear()), vec![]);
    let to_the_day = cart_fault(&|c| {
        c[1].granularity = "day".into();
        c[1].necessity.clear();
    });
    assert_eq!(to_the_day, is(&format!("{inn}.necessity"), "required"));
    let identifier = |c: &mut Vec<CartItem>| {
        c.push(CartItem { variable_id: "npr.somatikk.pasientId".into(), ..c[0].clone() });
    };
    assert_eq!(cart_fault(&identifier), is("cart.items.npr.somatikk.pasientId", "not_orderable"));
    let unknown = |c: &mut Vec<CartItem>| c.push(CartItem { variable_id: "npr.x.y".into(), ..c[0].clone() });
    assert_eq!(cart_fault(&unknown), is("cart.items.npr.x.y", "unknown_variable"));
    assert_eq!(cart_fault(&|c| c.push(c[0].clone())), is(hoved, "validation"));
    assert!(cart_fault(&Vec::clear).contains(&("cart.items".into(), "required".into())));
}

#[test]
fn acc_048_the_population_is_checked_against_the_catalogue() {
    let mut draft = draft();
    draft.fields.insert("pop.criteria".into(), json!("npr.somatikk.hovedtilstan = 'I63'"));
    let found = faults(&draft);
    assert!(found[0].detail.contains("npr.somatikk.hovedtilstand"), "the nearest is named: {}", found[0].detail);
    assert_eq!(found[0].at, Some(0));
    draft.fields.insert("pop.criteria".into(), json!("npr.somatikk.innDato > 'I63'"));
    assert_eq!((faults(&draft)[0].rule.as_str(), faults(&draft)[0].level), ("criteria", Level::Block));
    draft.fields.insert("pop.criteria".into(), json!("npr.somatikk.innDato >"));
    assert_eq!(faults(&draft)[0].rule, "criteria");
    draft.fields.insert("pop.criteria".into(), json!("npr.somatikk.pasientId is missing"));
    assert_eq!(faults(&draft)[0].rule, "not_orderable");
    // CHK-18: a variable that is not in the cart only warns.
    draft.fields.insert("pop.criteria".into(), json!("npr.somatikk.hovedtilstand = 'I63'"));
    draft.cart.remove(0);
    let warned = faults(&draft);
    assert_eq!((warned.len(), warned[0].rule.as_str(), warned[0].level), (1, "not_in_cart", Level::Warn));
}

/// ACC-023: a hidden field is not checked, is left out of what is handed in, and stays in the draft.
#[test]
fn acc_023_a_hidden_field_is_not_handed_in() {
    let mut draft = draft();
    draft.fields.insert("use.format".into(), json!("anonymised"));
    draft.fields.insert("use.why_pseudo".into(), json!("kort"));
    assert_eq!(faults(&draft), vec![]);
    let mut n = 0;
    let mut ids = || {
        n += 1;
        format!("person:{n}")
    };
    let content = with_environment(|env| Content::freeze(full_form(), &draft, env, "account", &[], &mut ids));
    assert!(!content.fields.contains_key("use.why_pseudo") && draft.fields.contains_key("use.why_pseudo"));
    assert_eq!(content.items.len(), 4);
    assert_eq!(content.persons[1].id, "person:2");
    assert_eq!(content.as_draft().cart, draft.cart);
    // Persons keep their ids in the next revision, whatever the case of the address.
    let again = with_environment(|env| {
        Content::freeze(full_form(), &draft, env, "account", &content.persons, &mut || "person:new".into())
    });
    assert_eq!(again.persons, content.persons);
    assert_eq!(again.canonical().unwrap().1, content.canonical().unwrap().1);
}

/// ACC-028: what the common form knows travels, with the country where it is asked for each; Norwegian fields do not.
#[test]
fn acc_028_the_message_of_the_union_has_sections_fields_and_countries() {
    let draft = draft();
    let mut ids = || "person:1".to_owned();
    let content = with_environment(|env| Content::freeze(full_form(), &draft, env, "account", &[], &mut ids));
    let message = form::eu_message(&content);
    let fields: Vec<&Value> =
        message["sections"].as_array().unwrap().iter().flat_map(|s| s["fields"].as_array().unwrap()).collect();
    let find = |id: &str| fields.iter().find(|field| field["id"] == id);
    assert_eq!(find("pub.title").unwrap()["value"], "Dødelighet etter hjerneslag");
    assert_eq!(find("cart.items").unwrap()["value"][0], "npr.somatikk.hovedtilstand");
    assert_eq!(
        (&find("pop.size").unwrap()["country"], &find("pop.size").unwrap()["ref"]),
        (&json!("NO"), &json!("CAF 6.1"))
    );
    assert!(find("pub.title").unwrap().get("country").is_none());
    assert!(find("no.language").is_none() && find("pub.purpose_no").is_none());
    assert_eq!(message["version"], "2.0.0");
}
