//! Changes as differences of contents, without a database (`access.md` section 6).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use access::change::{self, Op, OpKind, apply, clash, diff, rebased, rules};
use access::content::{Content, ContentItem, ContentPerson};
use access::model::{ChangeInput, Decision, OrderItem, PartInput, ProposalInput};
use kernel::LangMap;
use protocol::documents::{PermitStatus, SourceOutcome};
use serde_json::json;

fn item(id: &str, granularity: &str) -> ContentItem {
    let (collection, _) = id.rsplit_once('.').unwrap();
    ContentItem {
        order: OrderItem {
            variable: id.into(),
            version: 3,
            collection: collection.into(),
            source: id.split('.').next().unwrap().into(),
            granularity: granularity.into(),
        },
        label: LangMap::of(id, id, id),
        source_name: LangMap::default(),
        role: "outcome".into(),
        necessity: "Needed.".into(),
    }
}

fn person(id: &str, affiliation: &str) -> ContentPerson {
    ContentPerson {
        id: format!("person:{id}"),
        name: id.to_uppercase(),
        email: format!("{id}@universitetet.no"),
        role: String::new(),
        affiliation: affiliation.into(),
        country: String::new(),
    }
}

fn base() -> Content {
    let fields = json!({
        "app.orgnr": "310001007", "app.name": "Universitetet", "use.responsible": "liv@universitetet.no",
        "pop.formation": "criteria", "pop.criteria": "npr.somatikk.kode = 'I63'", "pop.size": 1000,
        "pub.title": "Hjerneslag", "use.why": "Fordi.", "proc.room": "room:tsd",
        "proc.period": {"from": "2026-12-01", "to": "2029-11-30"}, "no.delete_date": "2030-05-31",
        "proc.persons": [{"name": "LIV", "email": "liv@universitetet.no"}],
    });
    let days = |from: &str, to: &str| (from.parse().unwrap(), to.parse().unwrap());
    Content {
        form: "person-level".into(),
        form_version: "1".into(),
        profile: "NO/1".into(),
        applicant: "a".into(),
        fields: fields.as_object().unwrap().clone(),
        items: vec![
            item("npr.somatikk.kode", "as_is"),
            item("npr.somatikk.innDato", "month"),
            item("dar.main.dato", "year"),
        ],
        periods: BTreeMap::from([
            ("npr.somatikk".into(), days("2018-01-01", "2024-12-31")),
            ("dar.main".into(), days("2018-01-01", "2025-12-31")),
        ]),
        persons: vec![person("liv", "310001007")],
        checks: Vec::new(),
    }
}

fn slugs(ops: &[Op]) -> Vec<(&'static str, &str, bool)> {
    ops.iter().map(|op| (op.op.slug(), op.path.as_str(), op.notification)).collect()
}

/// Every edit with the one operation that it means, whether it is a notification, and the criteria it opens.
#[test]
fn acc_061_062_063_each_edit_is_one_typed_operation() {
    type Edit = fn(&mut Content);
    let edits: Vec<(Edit, &str, &str, bool, &[&str])> = vec![
        (
            |c| c.items.push(item("npr.somatikk.hast", "as_is")),
            "add_variable",
            "sources/npr/npr.somatikk.hast",
            false,
            &["N-3", "N-8"],
        ),
        (
            |c| c.items.retain(|i| i.order.variable != "npr.somatikk.innDato"),
            "remove_variable",
            "sources/npr/npr.somatikk.innDato",
            true,
            &[],
        ),
        (
            |c| c.items[1].order.granularity = "day".into(),
            "change_granularity",
            "sources/npr/npr.somatikk.innDato",
            false,
            &["N-3", "N-8"],
        ),
        (
            |c| c.periods.get_mut("dar.main").unwrap().0 = "2010-01-01".parse().unwrap(),
            "add_period",
            "periods/dar.main",
            false,
            &["N-3", "N-8"],
        ),
        (
            |c| c.periods.get_mut("dar.main").unwrap().1 = "2020-01-01".parse().unwrap(),
            "shorten_period",
            "periods/dar.main",
            true,
            &[],
        ),
        (|c| c.items.push(item("lmr.main.atc", "as_is")), "add_source", "sources/lmr", false, &["N-3", "N-4", "N-8"]),
        (|c| c.items.retain(|i| i.order.source != "dar"), "remove_source", "sources/dar", true, &[]),
        (
            |c| drop(c.fields.insert("pop.criteria".into(), json!("npr.somatikk.kode = 'I64'"))),
            "change_population",
            "population",
            false,
            &["N-3", "N-8"],
        ),
        (
            |c| drop(c.fields.insert("use.why".into(), json!("Noe annet."))),
            "change_purpose",
            "purpose",
            false,
            &["N-1", "N-2", "N-3", "N-4", "N-8"],
        ),
        (
            |c| drop(c.fields.insert("app.orgnr".into(), json!("983971636"))),
            "change_controller",
            "controller",
            false,
            &["N-1", "N-2", "N-3", "N-4", "N-8"],
        ),
        (|c| c.persons.push(person("arne", "310001007")), "add_person", "persons/person:arne", true, &[]),
        (|c| c.persons.push(person("arne", "Et annet sted")), "add_person", "persons/person:arne", false, &["N-4"]),
        (
            |c| c.persons.push(ContentPerson { country: "US".into(), ..person("arne", "310001007") }),
            "add_person",
            "persons/person:arne",
            false,
            &["N-4"],
        ),
        (|c| c.persons.push(person("arne", "")), "add_person", "persons/person:arne", false, &["N-4"]),
        (|c| drop(c.fields.insert("proc.room".into(), json!("room:hunt"))), "change_room", "room", false, &["N-4"]),
        (
            |c| drop(c.fields.insert("ext.combine".into(), json!(true))),
            "add_external_data",
            "external_data",
            false,
            &["N-3", "N-4", "N-8"],
        ),
        (
            |c| drop(c.fields.insert("pop.recur".into(), json!("yearly"))),
            "change_recurrence",
            "recurrence",
            false,
            &["N-3", "N-8"],
        ),
        (
            |c| drop(c.fields.insert("proc.period".into(), json!({"from": "2026-12-01", "to": "2031-11-30"}))),
            "extend_duration",
            "valid_to",
            false,
            &["N-1", "N-3", "N-4"],
        ),
        (
            |c| drop(c.fields.insert("no.delete_date".into(), json!("2031-05-31"))),
            "change_conditions",
            "delete_by",
            false,
            &["N-3", "N-4"],
        ),
    ];
    for (edit, op, path, notification, touched) in edits {
        let mut wanted = base();
        edit(&mut wanted);
        let ops = diff(&base(), &wanted, &BTreeMap::new());
        assert_eq!(slugs(&ops), [(op, path, notification)]);
        let known: Vec<String> = rules::touched_criteria(&ops, "NO/1");
        for id in touched {
            assert!(known.iter().any(|k| k == id), "{op} opens {id}, not only {known:?}");
        }
        assert_eq!(known.is_empty(), notification, "{op}: {known:?}");
        // Carrying the operations out gives what was wanted, and nothing is left to do.
        let mut applied = apply(&base(), &wanted, &ops);
        assert_eq!(diff(&applied, &wanted, &BTreeMap::new()), [], "{op}");
        applied.fields.clone_from(&wanted.fields);
        assert_eq!(applied.persons, wanted.persons);
    }
    assert_eq!(diff(&base(), &base(), &BTreeMap::new()), []);
}

#[test]
fn acc_062_a_new_purpose_opens_everything_and_a_new_application_is_advised() {
    let mut wanted = base();
    wanted.fields.insert("use.why".into(), json!("Noe annet."));
    let ops = diff(&base(), &wanted, &BTreeMap::new());
    assert!(rules::advises_new_application(&ops, "NO/1"));
    assert_eq!(rules::sources_asked(&ops, &wanted), ["npr", "dar"]);
    let mut one = base();
    one.items.push(item("npr.somatikk.hast", "as_is"));
    let ops = diff(&base(), &one, &BTreeMap::new());
    assert_eq!(rules::sources_asked(&ops, &one), ["npr"], "only the source that the variable is of");
    assert_eq!(rules::status(&ops), PermitStatus::Amended);
    let mut longer = base();
    longer.fields.insert("proc.period".into(), json!({"from": "2026-12-01", "to": "2031-11-30"}));
    let ops = diff(&base(), &longer, &BTreeMap::new());
    assert_eq!((rules::status(&ops), rules::sources_asked(&ops, &longer).len()), (PermitStatus::Renewed, 0));
}

#[test]
fn acc_066_same_place_clashes_and_other_places_are_rebased() {
    let mut first = base();
    first.items.push(item("npr.somatikk.hast", "as_is"));
    first.fields.insert("proc.room".into(), json!("room:hunt"));
    let mut second = base();
    second.items[1].order.granularity = "day".into();
    second.persons.push(person("arne", "310001007"));
    let reasons = BTreeMap::from([("sources/npr/npr.somatikk.innDato".to_owned(), "Fordi dager trengs.".to_owned())]);
    let (a, b) = (diff(&base(), &first, &BTreeMap::new()), diff(&base(), &second, &reasons));
    assert_eq!(clash(&a, &b), None);
    // The first is decided; the second is put on top of it and keeps its operations and reasons.
    let decided = apply(&base(), &first, &a);
    let (content, ops) = rebased(&decided, &second, &b);
    assert_eq!(slugs(&ops), slugs(&b));
    assert_eq!(ops[0].reason, "Fordi dager trengs.");
    assert!(content.items.iter().any(|i| i.order.variable == "npr.somatikk.hast"), "the first change is kept");
    assert_eq!(content.text("proc.room"), "room:hunt");
    // The same variable, or its whole source, is the same place.
    let mut third = base();
    third.items.retain(|i| i.order.source != "npr");
    let c = diff(&base(), &third, &BTreeMap::new());
    assert_eq!(clash(&c, &b), Some("sources/npr"));
    assert_eq!(clash(&b, &b), Some("sources/npr/npr.somatikk.innDato"));
}

/// A decision on a change: parts for what sources answer for, one decision for every other operation.
#[test]
fn acc_063_only_granted_operations_are_carried_out() {
    let mut wanted = base();
    wanted.items.push(item("npr.somatikk.hast", "as_is"));
    wanted.items.push(item("npr.somatikk.sted", "as_is"));
    wanted.fields.insert("proc.room".into(), json!("room:hunt"));
    wanted.fields.insert("pop.criteria".into(), json!("npr.somatikk.kode = 'I64'"));
    let ops = diff(&base(), &wanted, &BTreeMap::new());
    let order = change::order(&ops, &wanted);
    assert_eq!(order.items.len(), 5, "a new population is asked of every source");
    let reason = "En begrunnelse som er lang nok.".to_owned();
    let part = |source: &str, removed: &[&str]| PartInput {
        source: source.into(),
        outcome: if removed.is_empty() { SourceOutcome::Granted } else { SourceOutcome::GrantedInPart },
        removed: removed
            .iter()
            .map(|id| access::model::RemovedInput {
                id: (*id).into(),
                reason: "not_necessary".into(),
                text: String::new(),
            })
            .collect(),
        reason: reason.clone(),
    };
    let mut input = ProposalInput {
        parts: vec![part("npr", &["npr.somatikk.sted"]), part("dar", &[])],
        changes: vec![ChangeInput { path: "population".into(), granted: false, reason: reason.clone() }],
        valid_from: None,
        valid_to: None,
        delete_by: None,
        max_persons: None,
        conditions: vec![],
        paragraph: None,
        template: None,
    };
    let faults = Decision::build_change(&order, &ops, &input, &Default::default()).unwrap_err();
    assert_eq!((faults[0].field.as_str(), faults[0].rule.as_str()), ("changes.room", "one_decision_per_change"));
    input.changes.push(ChangeInput { path: "room".into(), granted: true, reason });
    let decision = Decision::build_change(&order, &ops, &input, &Default::default()).unwrap();
    assert_eq!(decision.outcome, access::model::Outcome::GrantedInPart);
    let (content, granted) = change::granted_content(&base(), &wanted, &ops, &decision);
    let paths: Vec<&str> = granted.iter().map(|op| op.path.as_str()).collect();
    assert_eq!(paths, ["sources/npr/npr.somatikk.hast", "room"]);
    let ids: Vec<&str> = content.items.iter().map(|i| i.order.variable.as_str()).collect();
    assert_eq!(ids, ["npr.somatikk.kode", "npr.somatikk.innDato", "dar.main.dato", "npr.somatikk.hast"]);
    assert_eq!((content.text("proc.room"), content.text("pop.criteria")), ("room:hunt", "npr.somatikk.kode = 'I63'"));
    assert_eq!(OpKind::ALL.len(), 18);
}
