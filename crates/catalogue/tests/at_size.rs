//! Search in a catalogue of a thousand variables, with code lists of the size of ICD-10 and ATC: the right one comes first,
//! in every language and in spite of typing errors, and pages fit together.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::time::Instant;

use catalogue::{Catalogue, Filters};
use kernel::{LangMap, Timestamp};
use protocol::calls::{CodeItem, CollectionMetadata, DatasetMetadata, MetadataAnswer, StoreMetadata};

const SUBJECTS: [(&str, &str, &str); 10] = [
    ("sykemelding", "sjukmelding", "sick leave"),
    ("barnetrygd", "barnetrygd", "child benefit"),
    ("utdanning", "utdanning", "education"),
    ("formue", "formue", "wealth"),
    ("uførepensjon", "uførepensjon", "disability pension"),
    ("arbeidsmarkedstiltak", "arbeidsmarknadstiltak", "labour market programme"),
    ("boligstørrelse", "bustadstorleik", "dwelling size"),
    ("innvandring", "innvandring", "immigration"),
    ("kontantstøtte", "kontantstøtte", "cash-for-care benefit"),
    ("fødsel", "fødsel", "birth"),
];

fn dataset(number: usize) -> DatasetMetadata {
    let (nb, nn, en) = SUBJECTS[number % SUBJECTS.len()];
    let codes: Vec<CodeItem> = if number.is_multiple_of(50) {
        let label = |i: usize| format!("diagnosegruppe {} av {}", i % 97, i / 97);
        (0..1000)
            .map(|i| CodeItem {
                code: format!("{}{:02}.{}", char::from(b'A' + (i / 100) as u8), i % 100, number % 10),
                label: LangMap::of(&label(i), &label(i), &label(i)),
                from: None,
                to: None,
            })
            .collect()
    } else {
        Vec::new()
    };
    serde_json::from_value(serde_json::json!({
        "name": format!("VARIABEL_{number:04}"), "version": 1, "temporality": "FIXED", "unit_type": "PERSON",
        "data_type": "STRING", "codes": codes,
        "title": LangMap::of(&format!("{nb}, måling {number}"), &format!("{nn}, måling {number}"), &format!("{en}, measurement {number}")),
        "description": LangMap::of(&format!("Opplysning nummer {number} om {nb} for hele befolkningen"), "", ""),
    }))
    .unwrap()
}

fn thousand() -> MetadataAnswer {
    let datasets: Vec<DatasetMetadata> = (0..1000).map(dataset).collect();
    let collection = CollectionMetadata {
        id: "ssb_fdb.main".into(),
        title: LangMap::of("Forløp", "Forløp", "Histories"),
        unit_type: "PERSON".into(),
        person_pointer: None,
        date_variable: None,
        datasets: datasets.iter().map(|d| d.name.clone()).collect(),
    };
    let store = StoreMetadata {
        store: "no.ssb.fdb".into(),
        version: "1.0.0.0".into(),
        released_at: Timestamp::from_micros(0),
        source: Some("ssb_fdb".into()),
        synthetic: true,
        collections: vec![collection],
        datasets,
    };
    MetadataAnswer { etag: "1".into(), stores: vec![store] }
}

/// CAT-030 to CAT-033, CAT-036.
#[tokio::test]
async fn the_right_one_comes_first_among_a_thousand() {
    testkit::zones("centre", async |zone| {
        let zone = zone.zone();
        Catalogue::migrate(&zone.store).await.unwrap();
        let catalogue = Catalogue::open(zone).await.unwrap();
        catalogue.refresh(thousand()).await.unwrap();
        let first = |query: &str| {
            let started = Instant::now();
            let page = catalogue.search(query, &Filters::default(), 0, 20);
            println!("{query}: {} hits in {:?}", page.total, started.elapsed());
            page.hits.first().map(|h| h.variable.clone()).unwrap_or_default()
        };
        for query in ["kontantstøtte 418", "kontantstotte 418", "kontanstøtte 418", "cash care 418", "VARIABEL_0418"]
        {
            assert_eq!(first(query), "ssb_fdb.main.VARIABEL_0418", "{query}");
        }
        assert_eq!(first("bustadstorleik 16"), "ssb_fdb.main.VARIABEL_0016");
        let coded = catalogue.search("B07", &Filters::default(), 0, 100);
        assert!(coded.total >= 20 && coded.hits.iter().all(|h| h.place.slug() == "code"), "{}", coded.total);
        first("opplysning om hele befolkningen");
        first("diagnosegruppe");
        let filters = Filters { deliverable: true, ..Filters::default() };
        let mut seen = BTreeSet::new();
        for from in (0..1000).step_by(100) {
            let page = catalogue.search("", &filters, from, 100);
            assert_eq!(page.total, 1000);
            seen.extend(page.hits.into_iter().map(|h| h.variable));
        }
        assert_eq!(seen.len(), 1000, "every variable stands on one page");
    })
    .await;
}
