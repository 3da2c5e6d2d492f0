//! A draft that several people write, copies, and the way out and in as JSON (ACC-025, ACC-028), on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use crate::support::{answers, cart, cast, service, submitted};
use access::{CartItem, mark};
use identity::Role;
use kernel::{LangMap, Problem};
use serde_json::{Map, Value, json};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn seen(of: &[(&str, Value)]) -> BTreeMap<String, String> {
    of.iter().map(|(field, value)| ((*field).to_owned(), mark(value))).collect()
}

#[tokio::test]
async fn acc_025_conflicts_are_per_field_and_nothing_is_lost() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let value = async |field: &str| {
            let draft = access.draft(&cast.applicant, id).await.unwrap();
            let all = draft.sections.into_iter().flat_map(|s| s.fields);
            all.into_iter().find(|f| f.field.id == field).unwrap().value
        };
        // Two windows showed the same empty fields; each writes another field: both stand.
        let shown = seen(&[("pub.title", Value::Null), ("use.why", Value::Null)]);
        let first = fields(json!({"pub.title": "Hjerneslag og dødelighet", "use.why": null}));
        assert_eq!(access.save_seen(&cast.applicant, id, first, &shown).await.unwrap().overwritten, vec![]);
        let second = fields(json!({"pub.title": null, "use.why": "Fordi"}));
        assert_eq!(access.save_seen(&cast.applicant, id, second, &shown).await.unwrap().overwritten, vec![]);
        assert_eq!(value("pub.title").await, "Hjerneslag og dødelighet");
        assert_eq!(value("use.why").await, "Fordi");

        // The same field: the last writer wins, is told, and the other value can be put back.
        let third = fields(json!({"pub.title": "En annen tittel"}));
        let saved = access.save_seen(&cast.applicant, id, third, &shown).await.unwrap();
        assert_eq!(saved.overwritten[0].value, "Hjerneslag og dødelighet");
        assert_eq!(value("pub.title").await, "En annen tittel");
        let kept = access.overwritten(&cast.applicant, id).await.unwrap();
        assert_eq!((kept.len(), kept[0].field.as_str(), kept[0].own), (1, "pub.title", true));
        access.put_back(&cast.applicant, id, kept[0].id).await.unwrap();
        assert_eq!(value("pub.title").await, "Hjerneslag og dødelighet");
        let kept = access.overwritten(&cast.applicant, id).await.unwrap();
        assert_eq!((kept.len(), kept[0].value.as_str()), (1, Some("En annen tittel")));

        // What was shown and sent back unchanged is not written at all.
        let same = fields(json!({"pub.title": "Hjerneslag og dødelighet"}));
        let shown = seen(&[("pub.title", json!("Hjerneslag og dødelighet"))]);
        assert_eq!(access.save_seen(&cast.applicant, id, same, &shown).await.unwrap().done, None);
        assert_eq!(access.overwritten(&cast.handler, id).await, Err(Problem::forbidden("forbidden")));

        // After 30 days the overwritten value is gone.
        zone.clock.advance_micros(31 * 86_400 * 1_000_000);
        assert_eq!(access.overwritten(&cast.applicant, id).await.unwrap(), vec![]);
    })
    .await;
}

#[tokio::test]
async fn acc_025_two_who_work_on_the_cart_do_not_undo_each_other() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let ids = async || -> Vec<String> {
            let draft = access.draft(&cast.applicant, id).await.unwrap();
            draft.cart.into_iter().map(|line| line.item.variable_id).collect()
        };
        let before = ids().await;
        let gone = before[0].clone();
        access.change_variables(&cast.applicant, id, vec![], std::slice::from_ref(&gone)).await.unwrap();
        // A page that still shows the variable annotates it: it stays out, the others keep their notes.
        let note = |id: &str| CartItem { variable_id: id.into(), role: "outcome".into(), ..CartItem::default() };
        let notes: Vec<CartItem> = before.iter().map(|id| note(id)).collect();
        access.annotate_cart(&cast.applicant, id, &notes).await.unwrap();
        assert_eq!(ids().await, before[1..]);
        access.change_variables(&cast.applicant, id, vec![note(&gone), note(&before[1])], &[]).await.unwrap();
        assert_eq!(ids().await.len(), before.len());
    })
    .await;
}

#[tokio::test]
async fn acc_028_an_application_goes_out_and_in_as_json_and_is_copied() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        let exported = access.export(&cast.applicant, id).await.unwrap();
        assert_eq!(exported, access.export(&cast.applicant, id).await.unwrap(), "canonical");
        assert_eq!(access.export(&cast.handler, id).await, Err(Problem::forbidden("forbidden")));

        let empty = access.create(&cast.applicant, vec![]).await.unwrap();
        let mut document: Value = serde_json::from_slice(&exported).unwrap();
        document["fields"]["pub.nothing"] = json!("x");
        let left_out = access.import(&cast.applicant, empty, document.to_string().as_bytes()).await.unwrap();
        assert_eq!(left_out, ["no.dpia_file", "no.dpo_assessment", "pub.nothing", "use.plan"]);
        let copy = access.copy_as_new(&cast.applicant, id).await.unwrap();
        for draft in [empty, copy] {
            let draft = access.draft(&cast.applicant, draft).await.unwrap();
            // Files stay behind with their case: they are all that is missing.
            let missing: Vec<&str> = draft.faults.iter().filter(|f| f.rule == "required").map(|f| &*f.field).collect();
            assert!(missing.contains(&"use.plan") && missing.len() < 8, "{:?}", draft.faults);
            assert_eq!(draft.cart.len(), cart().len());
            let title = draft.sections.iter().flat_map(|s| &s.fields).find(|f| f.field.id == "pub.title").unwrap();
            assert_eq!(title.value, answers()["pub.title"]);
        }
        for wrong in ["", "[]", r#"{"format": "x", "form": "person-level", "fields": {}}"#] {
            let refused = access.import(&cast.applicant, empty, wrong.as_bytes()).await.unwrap_err();
            assert!(matches!(refused, Problem::Invalid { fields } if fields[0].rule == "unreadable"), "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn acc_030_a_registry_says_what_it_wants_where_its_source_is_in_the_cart() {
    testkit::zones("centre", async |zone| {
        let access = service(&zone).await;
        let mut registry = testkit::actor("registry", Role::RegistryHandler, "fhi");
        registry.grants[0].scope = Some("npr".to_owned());
        let text = LangMap::of("Oppgi hoveddiagnose.", "Oppgi hovuddiagnose.", "State the main diagnosis.");
        access.set_guidance(&registry, "npr", "use.why", text.clone()).await.unwrap();
        let said = access.guidance(&["npr".into(), "dar".into()]).await.unwrap();
        assert_eq!((said.len(), said[0].field.as_str(), &said[0].text), (1, "use.why", &text));
        assert_eq!(access.guidance(&["dar".into()]).await.unwrap(), vec![]);
        let other = access.set_guidance(&registry, "dar", "use.why", text.clone()).await;
        assert_eq!(other, Err(Problem::forbidden("forbidden")));
        assert!(access.set_guidance(&registry, "npr", "use.nothing", text).await.is_err());
        access.set_guidance(&registry, "npr", "use.why", LangMap::default()).await.unwrap();
        assert_eq!(access.guidance(&["npr".into()]).await.unwrap(), vec![]);
    })
    .await;
}

/// Section "app", ACC-203, CHK-30: with a register of legal entities a draft begins with what it says of the organisation
/// that its applicant logs in from, a number that is written brings the rest along, and the register's word counts.
#[tokio::test]
async fn acc_203_the_register_fills_in_the_organisation_and_is_asked_about_it() {
    let line = |number: &str, name: &str, state: &str, login: Value| {
        json!({"number": number, "name": name, "street": "Veien 1", "code": "0150", "town": "Oslo", "state": state,
            "login": login})
    };
    let listed = json!([
        line("310001007", "Universitetet", "active", json!("uio")),
        line("310001031", "Et konkursbo", "bankrupt", Value::Null),
        line("310001058", "Et register", "deleted", json!("gone")),
    ]);
    testkit::zones("centre", async |zone| {
        let register = access::RegisterFile::read(&listed.to_string()).unwrap();
        let (access, cast) = (service(&zone).await.with_organisations(std::sync::Arc::new(register)), cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let value = async |field: &str| {
            let draft = access.draft(&cast.applicant, id).await.unwrap();
            let mut all = draft.sections.into_iter().flat_map(|s| s.fields);
            all.find(|f| f.field.id == field).unwrap().value
        };
        assert_eq!((value("app.orgnr").await, value("app.kind").await), (json!("310001007"), json!("legal")));
        assert_eq!(value("app.address").await["town"], "Oslo");
        assert_eq!(value("app.contact.affiliation").await["id"], "310001007");
        let gone = testkit::actor("gone", Role::Researcher, "gone");
        let other = access.create(&gone, cart()).await.unwrap();
        let draft = access.draft(&gone, other).await.unwrap();
        let mut all = draft.sections.into_iter().flat_map(|s| s.fields);
        assert!(all.all(|f| f.field.id != "app.orgnr" || f.value.is_null()), "one that was deleted fills nothing in");

        // Another number: what is empty is filled in, what was written stays.
        let change = json!({"app.orgnr": "310001031", "app.name": "", "app.address": {"street": "Min vei 2"}});
        access.save(&cast.applicant, id, fields(change)).await.unwrap();
        assert_eq!(value("app.name").await, "Et konkursbo");
        assert_eq!(value("app.address").await, json!({"street": "Min vei 2"}));
        assert_eq!(value("pay.orgnr").await, "310001007", "the payer was written already");
        let found = async |number: &str| {
            let both = json!({"app.orgnr": number, "pay.orgnr": number});
            access.save(&cast.applicant, id, fields(both)).await.unwrap();
            let faults = access.check(&cast.applicant, id).await.unwrap().faults;
            let of_register = faults.into_iter().filter(|fault| fault.check == "CHK-30" && fault.field == "app.orgnr");
            of_register.map(|fault| (fault.rule, fault.level)).next()
        };
        use access::form::Level;
        assert_eq!(found("310001007").await, None);
        assert_eq!(found("310001031").await.map(|f| f.1), Some(Level::Warn), "bankrupt");
        assert_eq!(found("310001058").await.map(|f| f.1), Some(Level::Block), "deleted");
        assert_eq!(found("310001015").await.map(|f| f.1), Some(Level::Block), "not in the register");
        let without = service(&zone).await;
        let faults = without.check(&cast.applicant, id).await.unwrap().faults;
        let unverified = faults.iter().find(|fault| fault.check == "CHK-30" && fault.field == "app.orgnr").unwrap();
        assert_eq!((unverified.rule.as_str(), unverified.level), ("not_verified", Level::Warn));
    })
    .await;
}
