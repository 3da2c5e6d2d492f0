//! Every condition that the form tables write in prose, as the expression that stands for it (ACC-022): a draft that fulfils
//! it and one that does not. Also what is hidden (ACC-023).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use crate::support::{SmallCatalogue, answers, cart};
use access::VariableFacts;
use access::form::{self, DraftContent, Environment, NobodyToAsk, check};
use serde_json::{Map, Value, json};

struct Case {
    form: &'static str,
    profile: &'static str,
    given: BTreeMap<String, Value>,
    fields: Map<String, Value>,
}

impl Case {
    fn of(form: &'static str) -> Self {
        let fields = if form == form::PERSON_LEVEL { answers() } else { Map::new() };
        Self { form, profile: "NO/1", given: BTreeMap::new(), fields }
    }

    /// With other values; the keys are field ids.
    fn with(mut self, fields: Value) -> Self {
        self.fields.extend(fields.as_object().unwrap().clone());
        self
    }

    fn given(mut self, given: Value) -> Self {
        self.given.extend(given.as_object().unwrap().clone());
        self
    }

    /// The rules that a field, or a part of it, breaks.
    fn broken(self, field: &str) -> Vec<String> {
        let variables: BTreeMap<String, VariableFacts> =
            SmallCatalogue::all().into_iter().map(|facts| (facts.id.clone(), facts)).collect();
        let report = check(
            form::latest(self.form),
            &DraftContent { fields: self.fields, cart: cart() },
            &Environment {
                today: "2026-11-21".parse().unwrap(),
                profile: self.profile,
                rooms: &["room:tsd".to_owned()],
                variables: &variables,
                holds_identity_number: &|_| false,
                near: &|_| Vec::new(),
                given: &self.given,
                outside: &NobodyToAsk,
            },
        );
        let own = |place: &str| place == field || place.starts_with(&format!("{field}."));
        let broken = report.faults.into_iter().filter(|f| own(&f.field) && !f.rule.starts_with("CHK"));
        broken.filter(|f| f.rule != "not_verified").map(|f| f.rule).collect()
    }
}

/// In form A: what is set besides, a value that passes, and one that does not.
#[test]
fn acc_022_rules_of_values_in_form_a() {
    let org = json!({"name": "Universitetet", "id": "310001007", "country": "NO"});
    let permit = |to: &str, why: &str| json!([{"issuer": "REK", "number": "1", "date": "2020-01-01", "valid_to": to, "why": why}]);
    let controls = |per_case: i64| {
        json!({"yes_no": true, "same_data": true, "criteria": "Personer uten slag i samme kommune.", "matching": "alder",
               "per_case": per_case})
    };
    let keep = |text: &str| json!({"no.key_retention": "keep_for_followup", "add.notes": text});
    let rows: Vec<(&str, Value, Value, Value)> = vec![
        (
            "cart.uncatalogued",
            json!({}),
            json!([{"source": "S", "description": "Blodtrykk målt hjemme", "why": "Trengs for å måle effekt"}]),
            json!([{"source": "S", "description": "kort", "why": "kort"}]),
        ),
        ("pub.leader_org", json!({}), org.clone(), json!({"name": "Universitetet", "id": "1"})),
        ("pub.domicile", json!({}), json!("SE"), json!("Sverige")),
        (
            "pub.summary",
            json!({}),
            json!("Vi vil vite hvem som dør etter slag, og hvorfor det er slik."),
            json!("ord ".repeat(251)),
        ),
        ("pub.keywords", json!({}), json!(["cancer"]), json!(["cancer", "cancer"])),
        ("app.consortium", json!({}), json!([org]), json!([org, org])),
        ("app.contact.phone", json!({}), json!("+4722334455"), json!("22334455")),
        (
            "pay.vat",
            json!({"pay.address": {"street": "S", "code": "1", "town": "T", "country": "SE"}}),
            json!("SE123456789001"),
            json!("SE"),
        ),
        ("pay.reference", json!({}), json!("1"), json!("x".repeat(61))),
        ("use.ack_gdpr", json!({}), json!(true), json!(false)),
        ("use.responsible", json!({}), json!("arne@universitetet.no"), json!("annen@universitetet.no")),
        ("pop.linkage", json!({}), json!("project_key"), json!("none")),
        (
            "pop.prior_permit",
            json!({"pop.formation": "both"}),
            permit("2020-01-01", "Forlenget"),
            permit("2020-01-01", ""),
        ),
        (
            "pop.sample_size",
            json!({"pop.method": "random_sample"}),
            json!({"amount": 50, "unit": "percent"}),
            json!({"amount": 101, "unit": "percent"}),
        ),
        ("pop.recur_desc", json!({"pop.recur": "yearly"}), json!("Hvert år til og med 2029."), json!("Ja")),
        ("pop.order", json!({}), json!(["npr", "dar"]), json!(["npr"])),
        ("pop.controls", json!({}), controls(4), controls(101)),
        (
            "pop.relatives",
            json!({}),
            json!({"yes_no": true, "same_data": true, "relationship": ["sibling"], "size": 10}),
            json!({"yes_no": true, "same_data": true, "relationship": ["cousin"], "size": 10}),
        ),
        (
            "ext.items",
            json!({"ext.combine": true}),
            json!([{"country": "NO", "holder": "K", "register": "R", "dataset": "D", "identifiers": "none", "method": "M"}]),
            json!([{"country": "NO", "holder": "K", "register": "R", "dataset": "D", "identifiers": "some", "method": "M"}]),
        ),
        ("proc.room", json!({}), json!("room:tsd"), json!("room:home")),
        (
            "proc.start",
            json!({}),
            json!({"when": "date", "date": "2027-01-01"}),
            json!({"when": "date", "date": "2026-01-01"}),
        ),
        (
            "proc.period",
            json!({"proc.start": {"when": "date", "date": "2027-06-01"}}),
            json!({"from": "2027-06-01", "to": "2030-01-01"}),
            json!({"from": "2027-01-01", "to": "2030-01-01"}),
        ),
        (
            "proc.cold_storage",
            json!({}),
            json!({"from": "2029-01-01", "to": "2030-03-01"}),
            json!({"from": "2029-01-01", "to": "2031-01-01"}),
        ),
        (
            "proc.third_country_detail",
            json!({"proc.third_country": true}),
            json!({"countries": "US", "why": "En forsker arbeider derfra.", "basis": "art46", "safeguards": "EUs standardkontrakt er inngått."}),
            json!({"countries": "US", "why": "En forsker arbeider derfra.", "basis": "art46"}),
        ),
        ("proc.controllers", json!({}), json!([org]), json!([{"name": "X", "id": "310001007"}])),
        (
            "proc.conf",
            json!({}),
            json!(["purpose", "no_copy", "no_screenshot", "safe_network", "no_reidentification"]),
            json!(["purpose"]),
        ),
        (
            "no.controller",
            json!({}),
            org.clone(),
            json!({"name": "Folkehelseinstituttet", "id": "983744516", "country": "NO"}),
        ),
        ("no.controller_approval", json!({}), json!(true), json!(false)),
        (
            "no.national_basis",
            json!({}),
            json!([{"act": "helseregisterloven", "section": "19"}]),
            json!([{"act": "veitrafikkloven", "section": "1"}]),
        ),
        (
            "no.dpo_assessment",
            json!({}),
            json!({"id": "f", "name": "v.pdf", "dated": "2025-01-01"}),
            json!({"id": "f", "name": "v.pdf", "dated": "2024-01-01"}),
        ),
        ("no.rek", json!({}), json!({"status": "pending"}), json!({"status": "approved"})),
        ("no.key_retention", keep("Vi følger kohorten opp om ti år."), json!("keep_for_followup"), json!("forever")),
        ("no.key_retention", keep(""), json!("keep_until_end"), json!("keep_for_followup")),
        ("no.project_end", json!({}), json!("2029-11-30"), json!("2029-12-01")),
        ("no.delete_date", json!({}), json!("2034-11-30"), json!("2035-01-01")),
        ("no.student", json!({"use.format": "pseudonymised"}), json!(false), json!(true)),
        (
            "add.confidential",
            json!({}),
            json!([{"field": "pub.summary", "reason": "Metoden er ikke publisert."}]),
            json!([{"field": "pub.nothing", "reason": "Metoden er ikke publisert."}]),
        ),
        ("conf.sign", json!({}), json!(true), json!(false)),
    ];
    for (field, besides, good, bad) in rows {
        let with = |value: &Value| {
            let mut set = Map::new();
            set.insert(field.to_owned(), value.clone());
            Case::of(form::PERSON_LEVEL).with(besides.clone()).with(Value::Object(set)).broken(field)
        };
        assert!(with(&good).is_empty(), "{field} = {good}: {:?}", with(&good));
        assert!(!with(&bad).is_empty(), "{field} = {bad}");
    }
}

/// What is required only sometimes: a draft in which it is, and one in which it is not; the field is empty in both.
#[test]
fn acc_022_what_is_required_when_in_form_a() {
    let rows: Vec<(&str, Value, Value)> = vec![
        ("app.mandate", json!({"app.public_body": true}), json!({"app.public_body": false})),
        ("app.contact.relation", json!({"app.contact.affiliation": {"name": "FHI", "id": "983744516"}}), json!({})),
        ("pay.name", json!({"pay.same": false}), json!({"pay.same": true})),
        ("pop.linkage_desc", json!({"pop.linkage": "probabilistic"}), json!({"pop.linkage": "national_id"})),
        ("pop.whole_why", json!({"pop.formation": "whole_population"}), json!({"pop.formation": "criteria"})),
        (
            "ext.permits",
            json!({"ext.combine": true, "ext.items": [{"identifiers": "pseudonymous"}]}),
            json!({"ext.combine": true, "ext.items": [{"identifiers": "none"}]}),
        ),
        ("proc.period_why", json!({"app.public_body": false}), json!({"app.public_body": true})),
        ("proc.eudpr5", json!({"pub.leader_org": {"name": "X", "id": "1", "country": "EU"}}), json!({})),
        ("proc.gdpr6", json!({}), json!({"pub.leader_org": {"name": "X", "id": "1", "country": "EU"}})),
        ("no.national_basis", json!({"proc.gdpr6": ["e"]}), json!({"proc.gdpr6": ["a"], "no.gdpr9": ["a"]})),
        ("no.rek", json!({"pub.purpose_no": "medical_research"}), json!({"pub.purpose_no": "other_research"})),
        ("no.dpia_why_not", json!({"no.dpia": "not_required"}), json!({"no.dpia": "done"})),
        ("no.direct_ids_why", json!({"no.direct_ids": true}), json!({"no.direct_ids": false})),
        (
            "pop.consent_covers",
            json!({"pop.formation": "existing", "pop.consented": true}),
            json!({"pop.consented": false}),
        ),
    ];
    for (field, required, not) in rows {
        let empty = |besides: &Value| {
            let mut set = Map::new();
            set.insert(field.to_owned(), Value::Null);
            Case::of(form::PERSON_LEVEL).with(besides.clone()).with(Value::Object(set)).broken(field)
        };
        assert!(empty(&required).contains(&"required".to_owned()), "{field} with {required}");
        assert!(empty(&not).is_empty(), "{field} with {not}: {:?}", empty(&not));
    }
    let mut case = Case::of(form::PERSON_LEVEL).with(json!({"proc.org_permit": null}));
    case.given.insert("org_policy".into(), json!(true));
    assert_eq!(case.broken("proc.org_permit"), ["required"]);
    // 71(4): asked only where the profile has the right to opt out.
    let mut european = Case::of(form::PERSON_LEVEL).with(json!({"proc.optout_exception": null}));
    european.profile = "EHDS/1";
    assert_eq!(european.broken("proc.optout_exception"), ["required"]);
    assert!(Case::of(form::PERSON_LEVEL).broken("proc.optout_exception").is_empty());
}

#[test]
fn acc_022_rules_of_the_other_forms() {
    let table = |measure: &str, derived: Value| {
        json!({"tab.tables": [{"title": "Slag etter fylke og år", "population": "npr.somatikk.hovedtilstand = 'I63'",
               "rows": ["npr.somatikk.innDato"], "measure": measure, "derived": derived,
               "period": {"from": "2018-01-01", "to": "2020-12-31"}}]})
    };
    let statistics = |fields: Value| Case::of(form::STATISTICS).with(fields).broken("tab.tables");
    assert_eq!(statistics(table("count_persons", json!(null))), Vec::<String>::new());
    assert_eq!(statistics(table("rate", json!(null))), ["validation"]);
    let derived = json!([{"name": "n", "expression": "1", "text": "Befolkning"}]);
    assert_eq!(statistics(table("rate", derived)), Vec::<String>::new());
    assert_eq!(Case::of(form::STATISTICS).broken("tab.tables"), ["required"]);
    assert_eq!(Case::of(form::STATISTICS).broken("tab.gdpr6"), Vec::<String>::new());
    // Form C: an extension once and in time; REK when the permit had it; a reason for what adds data.
    let extend = |given: Value| Case::of(form::CHANGE).with(json!({"chg.kind": "extend"})).given(given);
    assert!(extend(json!({"permit.valid_to": "2027-06-01"})).broken("chg.kind").is_empty());
    assert_eq!(extend(json!({"permit.valid_to": "2026-12-01"})).broken("chg.kind"), ["validation"]);
    assert_eq!(extend(json!({"permit.extended": true})).broken("chg.kind"), ["validation"]);
    assert_eq!(extend(json!({})).broken("chg.docs"), ["required"]);
    let ops = json!({"chg.ops": [{"op": "add_variable"}]});
    assert_eq!(Case::of(form::CHANGE).with(ops.clone()).broken("chg.why_per_op"), ["required"]);
    assert_eq!(
        Case::of(form::CHANGE).with(ops.clone()).given(json!({"permit.rek": true})).broken("chg.rek"),
        ["required"]
    );
    assert!(Case::of(form::CHANGE).with(ops).broken("chg.rek").is_empty());
    assert!(Case::of(form::CHANGE).broken("chg.why_per_op").is_empty());
    // Form K: grounds are never required, a late appeal says why, a representative has an authorisation.
    let appeal = || Case::of(form::APPEAL);
    assert!(appeal().broken("kla.grounds").is_empty() && appeal().broken("kla.late_why").is_empty());
    assert_eq!(appeal().given(json!({"late": true})).broken("kla.late_why"), ["required"]);
    assert_eq!(appeal().broken("kla.parts"), ["required"]);
    let represented = json!({"kla.representative": "advokat@example.org"});
    assert_eq!(appeal().with(represented.clone()).broken("kla.representative"), ["validation"]);
    let authorised = json!({"kla.files": [{"id": "f", "name": "fullmakt.pdf"}]});
    assert!(appeal().with(represented).with(authorised).broken("kla.representative").is_empty());
}

/// ACC-005: a new draft begins with the defaults of the form, and every default passes its own rules.
#[test]
fn acc_020_defaults_are_valid() {
    for field in form::forms().iter().flat_map(form::Form::fields).filter(|field| field.default.is_some()) {
        let mut set = Map::new();
        set.insert(field.id.clone(), field.default.clone().unwrap());
        let broken = Case::of(form::PERSON_LEVEL).with(Value::Object(set)).broken(&field.id);
        assert!(broken.iter().all(|rule| rule == "unknown_field"), "{}: {broken:?}", field.id);
    }
}
