//! The letter says everything of section 13 in its order, from what is stored (ACC-160), in texts that have a version
//! (ACC-005).

use crate::support::{assessments, cast, proposal, proposed, run, service, submitted};
use identity::Role;
use kernel::{Language, Problem};
use serde_json::{Value, json};

fn said(section: &Value) -> String {
    section["blocks"].to_string()
}

#[tokio::test]
async fn acc_160_the_letter_has_its_parts_in_their_order() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        let mut npr = testkit::actor("npr-handler", Role::RegistryHandler, "fhi");
        npr.grants[0].scope = Some("npr".into());
        let deliverable = json!({"answer": "deliverable"});
        let answer = json!({"source": "npr", "cost": {"hours": 12, "delivery_days": 20}, "answer": {
            "variables": {"npr.somatikk.hovedtilstand": deliverable, "npr.somatikk.innDato": deliverable},
            "statement": "Registeret har ingen merknader til formålet."}});
        for (actor, name, payload) in [
            (&cast.other_handler, "confirm_complete", json!({})),
            (&cast.handler, "dispatch_source_tasks", json!({"sources": ["npr"]})),
            (&npr, "answer_source_task", answer),
            (&cast.handler, "assess_criterion", assessments()),
            (&cast.handler, "calculate_fee", json!({})),
            (&cast.handler, "offer_terms", json!({})),
        ] {
            run(&access, actor, id, name, payload).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
        run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
        let mut proposed = proposal();
        proposed["template"] = json!("no-such");
        let unknown = run(&access, &cast.handler, id, "propose_decision", proposed.clone()).await;
        assert!(matches!(unknown, Err(Problem::Invalid { fields }) if fields[0].rule == "unknown_template"));
        proposed["template"] = json!("granted-linked");
        proposed["paragraph"] = json!("Velkommen med spørsmål i saken.");
        run(&access, &cast.handler, id, "propose_decision", proposed).await.unwrap();
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        let letter: Value = serde_json::from_slice(&access.letter_json(&cast.applicant, id).await.unwrap()).unwrap();
        assert_eq!((letter["texts"].as_str(), letter["language"].as_str()), (Some("1.0.0"), Some("nb")));
        let sections = letter["sections"].as_array().unwrap();
        let headings: Vec<&str> = sections.iter().map(|s| s["heading"].as_str().unwrap()).collect();
        let order = [
            "",
            "Det som er søkt om",
            "Avgjørelsen",
            "Om sammenstillingen",
            "Avgjørelse for hver kilde",
            "Formål",
            "Utvalg",
            "Tilgang og sletting",
            "Personer med tilgang",
            "Vilkår",
            "Dispensasjon fra taushetsplikten",
            "Vurdering av vilkårene i loven",
            "Uttalelser fra kildene",
            "Andre tillatelser",
            "Virkning i andre stater",
            "Merknad fra saksbehandleren",
            "Gebyr",
            "Plikter",
            "Rettslig grunnlag",
            "Slik klager du",
        ];
        assert_eq!(headings, order);
        let text = |heading: &str| said(&sections[headings.iter().position(|h| *h == heading).unwrap()]);
        let templates = access::letter::templates("2026-11-21".parse().unwrap());
        let template = templates.into_iter().find(|template| template.id == "granted-linked").unwrap();
        assert!(text("Om sammenstillingen").contains(template.text.text(Language::Nb)));
        assert!(text("Uttalelser fra kildene").contains("Registeret har ingen merknader til formålet."));
        assert!(text("Gebyr").contains("30 dager") && text("Tilgang og sletting").contains("Verktøy"));
        let pdf = access.letter_pdf(&cast.applicant, id).await.unwrap();
        assert!(pdf.starts_with(b"%PDF"));
    })
    .await;
}

#[tokio::test]
async fn acc_160_what_there_is_not_is_left_out_of_the_letter() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = proposed(&access, &cast).await;
    run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    let letter: Value = serde_json::from_slice(&access.letter_json(&cast.applicant, id).await.unwrap()).unwrap();
    let headings: Vec<&str> =
        letter["sections"].as_array().unwrap().iter().map(|s| s["heading"].as_str().unwrap()).collect();
    assert!(!headings.contains(&"Uttalelser fra kildene"), "no source was asked");
    assert!(!headings.contains(&"Merknad fra saksbehandleren") && headings.contains(&"Gebyr"));
}
