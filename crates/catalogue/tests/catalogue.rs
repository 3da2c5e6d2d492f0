//! The catalogue through its public surface: merging seed and data zone, search in three languages, cart.
#![expect(clippy::unwrap_used, reason = "tests")]

use catalogue::{Catalogue, Filters};
use kernel::{Date, LangMap, Problem, Timestamp};
use protocol::calls::{CodeItem, CollectionMetadata, DatasetMetadata, MetadataAnswer, StoreMetadata};

fn dataset(name: &str, data_type: &str, title: (&str, &str, &str), codes: &[(&str, &str)]) -> DatasetMetadata {
    let code = |(code, label): &(&str, &str)| CodeItem {
        code: (*code).to_owned(),
        label: LangMap::of(label, label, label),
        from: None,
        to: None,
    };
    serde_json::from_value(serde_json::json!({
        "name": name, "version": 1, "temporality": "FIXED", "unit_type": "NPR_EPISODE", "data_type": data_type,
        "title": LangMap::of(title.0, title.1, title.2), "from": Date::from_days(0), "to": Date::from_days(10),
        "codes": codes.iter().map(code).collect::<Vec<_>>(),
    }))
    .unwrap()
}

fn held() -> MetadataAnswer {
    let mut pointer = dataset("NPRID", "LONG", ("Person", "Person", "Person"), &[]);
    pointer.points_to = Some("PERSON".into());
    let diagnosis = dataset(
        "HOVEDTILSTAND1",
        "STRING",
        ("ICD-10 hoveddiagnose", "ICD-10 hovuddiagnose", "ICD-10 main diagnosis"),
        &[("I63", "Hjerneinfarkt")],
    );
    let date = dataset("INNDATO", "DATE", ("Startdato", "Startdato", "Start date"), &[]);
    let collection = CollectionMetadata {
        id: "npr.somatikk".into(),
        title: LangMap::of("Somatikk", "Somatikk", "Somatic care"),
        unit_type: "NPR_EPISODE".into(),
        person_pointer: Some("NPRID".into()),
        date_variable: Some("INNDATO".into()),
        datasets: vec!["NPRID".into(), "HOVEDTILSTAND1".into(), "INNDATO".into()],
    };
    let store = StoreMetadata {
        store: "no.fhi.npr".into(),
        version: "1.0.0.0".into(),
        released_at: Timestamp::from_micros(0),
        source: Some("npr".into()),
        synthetic: true,
        collections: vec![collection],
        datasets: vec![pointer, diagnosis, date],
    };
    MetadataAnswer { etag: "1".into(), stores: vec![store] }
}

async fn on_both<F: AsyncFn(Catalogue)>(body: F) {
    testkit::zones("centre", async |zone| {
        let zone = zone.zone();
        Catalogue::migrate(&zone.store).await.unwrap();
        let catalogue = Catalogue::open(zone.clone()).await.unwrap();
        catalogue.refresh(held()).await.unwrap();
        // What was taken in survives a restart.
        let reopened = Catalogue::open(zone).await.unwrap();
        assert_eq!(reopened.etag().as_deref(), Some("1"));
        body(reopened).await;
    })
    .await;
}

fn first(catalogue: &Catalogue, query: &str) -> Vec<String> {
    let page = catalogue.search(query, &Filters::default(), 0, 5);
    page.hits.into_iter().map(|h| h.variable).collect()
}

#[tokio::test]
async fn datasets_meet_their_descriptions() {
    on_both(async |catalogue| {
        let variable = catalogue.variable("npr.somatikk.hovedtilstand").unwrap();
        assert_eq!(variable.dataset.as_deref(), Some("no.fhi.npr/HOVEDTILSTAND1"));
        assert!(variable.deliverable());
        let dates = catalogue.variable("npr.somatikk.innDato").unwrap();
        assert_eq!(dates.granularities.first().unwrap().slug(), "year", "the coarsest level comes first");
        let collection = &catalogue.collections("npr").into_iter().find(|c| c.id == "npr.somatikk").unwrap();
        assert_eq!(collection.person_pointer.as_deref(), Some("no.fhi.npr/NPRID"));
        let described = catalogue.model().variables.values().filter(|v| v.dataset.is_none()).count();
        assert!(described > 100, "the seed's variables without data are described: {described}");
    })
    .await;
}

/// CAT-030 to CAT-034: three languages, typing errors, code queries, synonyms.
#[tokio::test]
async fn search_forgives_and_translates() {
    on_both(async |catalogue| {
        assert!(first(&catalogue, "sivilstand").iter().any(|v| v.to_lowercase().contains("siv")));
        for (right, wrong) in [("hoveddiagnose", "hovediagnose"), ("legemiddel", "legemidel"), ("vaksine", "vaskine")] {
            let (right, wrong) = (first(&catalogue, right), first(&catalogue, wrong));
            assert!(!right.is_empty() && wrong.iter().any(|v| right.contains(v)), "{right:?} {wrong:?}");
        }
        for query in ["hoveddiagnose", "hovuddiagnose", "main diagnosis"] {
            let hits = first(&catalogue, query);
            assert!(hits.iter().any(|v| v == "npr.somatikk.hovedtilstand"), "{query}: {hits:?}");
        }
        let by_code = catalogue.search("I63", &Filters::default(), 0, 50);
        let hit = by_code.hits.iter().find(|h| h.variable == "npr.somatikk.hovedtilstand").unwrap();
        assert_eq!((hit.place.slug(), hit.matched.as_str()), ("code", "I63"));
        assert!(
            first(&catalogue, "hjerneslag")
                .iter()
                .any(|v| v == "npr.somatikk.hovedtilstand" || v.starts_with("hjerneslag"))
        );
        assert!(
            catalogue
                .search("diagnose -npr", &Filters::default(), 0, 50)
                .hits
                .iter()
                .all(|h| !h.variable.starts_with("npr."))
        );
        assert_eq!(catalogue.search("qqqqqq", &Filters::default(), 0, 50).total, 0);
    })
    .await;
}

#[tokio::test]
async fn facets_count_what_choosing_them_would_leave() {
    on_both(async |catalogue| {
        let all = catalogue.search("", &Filters::default(), 0, 1);
        assert_eq!(all.total, all.sources.iter().map(|f| f.count).sum::<usize>());
        let npr = all.sources.iter().find(|f| f.value == "npr").unwrap().count;
        let filters = Filters { sources: ["npr".to_owned()].into(), ..Filters::default() };
        let narrowed = catalogue.search("", &filters, 0, 1);
        assert_eq!(narrowed.total, npr);
        assert_eq!(narrowed.sources, {
            let mut expected = all.sources.clone();
            expected.iter_mut().filter(|f| f.value == "npr").for_each(|f| f.chosen = true);
            expected
        });
        let here = Filters { deliverable: true, ..Filters::default() };
        assert_eq!(catalogue.search("", &here, 0, 10).total, 2, "the linkage key is never on offer");
    })
    .await;
}

#[tokio::test]
async fn the_cart_takes_what_can_be_delivered() {
    on_both(async |catalogue| {
        catalogue.cart_add("t", "npr.somatikk.innDato", None).await.unwrap();
        catalogue.cart_add("t", "npr.somatikk.innDato", Some("month")).await.unwrap();
        let lines = catalogue.cart("t").await.unwrap();
        assert_eq!(lines.len(), 1, "the same variable twice is one line");
        assert_eq!(lines[0].item.granularity, "month");
        let refused = catalogue.cart_add("t", "npr.somatikk.innDato", Some("second")).await.unwrap_err();
        assert!(matches!(&refused, Problem::Invalid { fields } if fields[0].rule == "not_offered"));
        let pointer = catalogue.cart_add("t", "npr.somatikk.NPRID", None).await.unwrap_err();
        assert!(matches!(&pointer, Problem::Invalid { fields } if fields[0].rule == "not_deliverable"));
        assert!(matches!(catalogue.cart_add("t", "no.such", None).await, Err(Problem::NotFound { .. })));
        catalogue.cart_remove("t", "npr.somatikk.innDato").await.unwrap();
        assert_eq!(catalogue.cart_count("t").await.unwrap(), 0);
        assert_eq!(catalogue.cart_count("other").await.unwrap(), 0);
    })
    .await;
}
