//! The registers of synthetic Norway: the same seed gives the same bytes, every dataset passes validation, ids are valid
//! synthetic numbers, the whole is ingested, and the personas are in it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use audit::Actor;
use datastore::{Datastore, IngestOptions, UnitIndex, ingest, validate};
use engine::source::{StoreVersion, Values, VariableSource as _};
use kernel::identity_number::{Environment, Rules};
use kernel::{Date, IdentityNumber};
use proptest::prelude::*;
use protocol::CallError;
use protocol::calls::{IdCheck, IndexRegister, InsightStatus, Metadata, Registered};
use synth::{Settings, generate, persona_numbers};
use tokio::sync::Mutex;

fn make(persons: u32, seed: u64) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let summary = generate(&Settings { persons, seed, catalogue: false }, out.path(), &|_, share| {
        assert!((0.0..=1.0).contains(&share))
    });
    let summary = summary.unwrap();
    assert_eq!((summary.persons, summary.stores.len()), (persons, 9));
    out
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

fn relative(folder: &tempfile::TempDir) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder.path()).into_iter().map(|(p, b)| (p.strip_prefix(folder.path()).unwrap().to_owned(), b)).collect()
}

/// The rows of a dataset: id, value, start, stop.
fn rows(out: &Path, store: &str, name: &str) -> Vec<[String; 4]> {
    let text = fs::read_to_string(out.join(store).join(name).join(format!("{name}.csv"))).unwrap();
    let row = |line: &str| {
        let mut fields = line.split(';').map(str::to_owned);
        [0; 4].map(|_| fields.next().unwrap())
    };
    text.lines().map(row).collect()
}

fn by_id(out: &Path, store: &str, name: &str) -> HashMap<String, String> {
    rows(out, store, name).into_iter().map(|[id, value, ..]| (id, value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn the_same_seed_gives_the_same_bytes(seed in any::<u64>(), persons in 150u32..500) {
        let (a, b) = (make(persons, seed), make(persons, seed));
        prop_assert!(relative(&a) == relative(&b));
        prop_assert!(relative(&a) != relative(&make(persons, seed.wrapping_add(1))));
        for report in validate(&[a.path().to_owned()], None, false).unwrap() {
            prop_assert!(report.findings.is_empty(), "{report:?}");
        }
    }
}

#[test]
fn every_dataset_is_valid_and_every_number_synthetic() {
    let out = make(3_000, 5);
    let reports = validate(&[out.path().to_owned()], None, false).unwrap();
    assert_eq!(reports.len(), 71);
    for report in &reports {
        assert!(report.findings.is_empty(), "{report:?}");
    }
    let rules = Rules::of(Environment::Test);
    let people = by_id(out.path(), "no.ssb.fdb", "BEFOLKNING_KJOENN");
    assert_eq!(people.len(), 3_000);
    for number in people.keys() {
        assert!(IdentityNumber::parse(number, &rules).is_ok());
        assert!(IdentityNumber::parse(number, &Rules::of(Environment::Production)).is_err(), "only synthetic numbers");
    }
    // Everybody that another register names is in the population.
    for (store, pointer) in [
        ("no.fhi.npr", "NPRID"),
        ("no.fhi.kpr", "PASIENT_LOPENR"),
        ("no.fhi.lmr", "PASIENTLOPENR"),
        ("no.fhi.krg", "KRG_FNR"),
        ("no.fhi.mfr", "ID_MOR"),
        ("no.fhi.mfr", "ID_BARN"),
        ("no.fhi.msis", "LOPENR"),
    ] {
        for person in by_id(out.path(), store, pointer).values() {
            assert!(people.contains_key(person), "{store}/{pointer}");
        }
    }
    for store in ["no.fhi.dar/UNDERLIGGENDE", "no.fhi.sysvak/SYSVAK_KODE"] {
        let (store, name) = store.split_once('/').unwrap();
        assert!(rows(out.path(), store, name).iter().all(|r| people.contains_key(&r[0])));
    }
}

#[test]
fn lives_are_plausible() {
    let out = make(20_000, 11);
    let out = out.path();
    let born = by_id(out, "no.ssb.fdb", "BEFOLKNING_FOEDSELS_AAR_MND");
    let year = |id: &str| born[id][..4].parse::<i32>().unwrap();
    let sex = by_id(out, "no.ssb.fdb", "BEFOLKNING_KJOENN");
    // Parents are older than their children, and of the right sex.
    for (name, parent_sex) in [("BEFOLKNING_MOR_FNR", "2"), ("BEFOLKNING_FAR_FNR", "1")] {
        let parents = by_id(out, "no.ssb.fdb", name);
        assert!(parents.len() > 5_000);
        for (child, parent) in &parents {
            assert_eq!(sex[parent], parent_sex);
            assert!(year(child) - year(parent) >= 15, "{name}");
        }
    }
    // Nobody is ill, treated or vaccinated after death or before birth.
    let died = by_id(out, "no.fhi.dar", "DODSDATO");
    let person = by_id(out, "no.fhi.npr", "NPRID");
    for (id, at) in by_id(out, "no.fhi.npr", "INNDATO") {
        let who = &person[&id];
        assert!(died.get(who).is_none_or(|d| at < *d) && year(who) <= at[..4].parse().unwrap());
    }
    // Old people fall ill more often; medicines follow diagnoses.
    let diagnosis = by_id(out, "no.fhi.npr", "HOVEDTILSTAND1");
    let strokes: Vec<i32> =
        diagnosis.iter().filter(|(_, d)| *d == "I63").map(|(e, _)| 2022 - year(&person[e])).collect();
    assert!(strokes.len() > 50);
    assert!(strokes.iter().filter(|a| **a >= 60).count() * 10 > strokes.len() * 7, "strokes come late");
    let patients: HashSet<&String> = diagnosis.iter().filter(|(_, d)| *d == "E10").map(|(e, _)| &person[e]).collect();
    let taker = by_id(out, "no.fhi.lmr", "PASIENTLOPENR");
    let insulin: HashSet<&String> = by_id(out, "no.fhi.lmr", "ATCKODE")
        .iter()
        .filter(|(_, a)| *a == "A10AE04")
        .map(|(r, _)| taker.get(r).unwrap())
        .collect();
    assert!(
        patients.iter().filter(|p| insulin.contains(**p)).count() * 2 > patients.len(),
        "insulin follows type 1 diabetes"
    );
    // Income rises with education.
    let level: HashMap<String, u8> =
        rows(out, "no.ssb.fdb", "NUDB_BU").into_iter().map(|[id, v, ..]| (id, v.as_bytes()[0] - b'0')).collect();
    let mut wages = [(0i64, 0i64); 2];
    for [id, wage, start, _] in rows(out, "no.ssb.fdb", "INNTEKT_WLONN") {
        if start == "2022-01-01" && (1965..1990).contains(&year(&id)) {
            let group = usize::from(level.get(&id).copied().unwrap_or(0) >= 7);
            wages[group].0 += wage.parse::<i64>().unwrap();
            wages[group].1 += 1;
        }
    }
    let mean = |g: (i64, i64)| g.0 / g.1.max(1);
    assert!(mean(wages[1]) > mean(wages[0]) * 12 / 10, "{wages:?}");
    // Oslo is the largest municipality, and there are many.
    let mut places: HashMap<String, usize> = HashMap::new();
    for [_, code, start, _] in rows(out, "no.ssb.fdb", "BEFOLKNING_KOMMNR_FORMELL") {
        if start == "2025-01-01" {
            *places.entry(code).or_default() += 1;
        }
    }
    assert_eq!(places.iter().max_by_key(|p| p.1).unwrap().0, "0301");
    assert!(places.len() > 250, "{}", places.len());
    // The share of deaths in ten years is that of a population, not of a hospital.
    assert!((800..2_400).contains(&died.len()), "{}", died.len());
}

#[test]
fn personas_are_the_same_in_every_population() {
    for seed in [1, 9] {
        let numbers = persona_numbers(seed);
        let all = [&numbers.citizen, &numbers.child, &numbers.citizen_2, &numbers.partner];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4);
        for persons in [100, 2_000] {
            let out = make(persons, seed);
            let mother = by_id(out.path(), "no.ssb.fdb", "BEFOLKNING_MOR_FNR");
            assert_eq!(mother[&numbers.child], numbers.citizen);
            let episodes = by_id(out.path(), "no.fhi.npr", "NPRID");
            let icd = by_id(out.path(), "no.fhi.npr", "HOVEDTILSTAND1");
            let medicines: HashSet<String> = by_id(out.path(), "no.fhi.lmr", "PASIENTLOPENR").into_values().collect();
            let vaccinated: HashSet<String> =
                rows(out.path(), "no.fhi.sysvak", "SYSVAK_KODE").into_iter().map(|r| r[0].clone()).collect();
            for who in all.iter().take(3) {
                assert!(medicines.contains(*who) && vaccinated.contains(*who), "{persons}");
                assert!(episodes.values().any(|p| p == *who));
            }
            for who in [&numbers.citizen, &numbers.citizen_2] {
                assert!(episodes.iter().any(|(e, p)| p == who && icd[e] == "I63"), "a stroke");
            }
        }
    }
}

/// Ordinals in the order of asking.
#[derive(Default)]
struct Index(Mutex<HashMap<String, HashMap<Vec<u8>, u32>>>);

#[async_trait]
impl UnitIndex for Index {
    async fn register(&self, header: &IndexRegister, ids: &[&[u8]]) -> Result<Registered, CallError> {
        assert_eq!((header.check, &header.space), (IdCheck::National, &None));
        let mut spaces = self.0.lock().await;
        let known = spaces.entry(header.id_type.clone()).or_default();
        let mut ordinals = Vec::with_capacity(ids.len());
        for id in ids {
            let next = known.len() as u32;
            ordinals.push(*known.entry(id.to_vec()).or_insert(next));
        }
        Ok(Registered { ordinals, errors: Vec::new() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_is_ingested_and_knows_the_personas() {
    // SYNTH_PERSONS sets another size, to measure.
    let persons = std::env::var("SYNTH_PERSONS").ok().and_then(|p| p.parse().ok()).unwrap_or(2_000);
    let out = make(persons, 1);
    let zone = testkit::zone("data").await;
    let datastore = Datastore::open(zone.zone(), &zone.folder.path().join("datastore")).await.unwrap();
    let index = Index::default();
    let run = async || {
        let paths = [out.path().to_owned()];
        ingest(&datastore, &index, &Actor::service("data"), &paths, &IngestOptions::default(), &|_| ()).await.unwrap()
    };
    let start = std::time::Instant::now();
    let first = run().await;
    eprintln!("{persons} persons ingested in {:?}", start.elapsed());
    assert_eq!(first.stores.len(), 9);
    assert!(
        first.stores.iter().all(|s| s.version.as_deref() == Some("1.0.0.0") && s.dropped.is_empty() && s.merged == 0)
    );
    let start = std::time::Instant::now();
    let second = run().await;
    eprintln!("and again in {:?}", start.elapsed());
    assert!(second.stores.iter().all(|s| !s.released));

    let columns = datastore.columns();
    assert_eq!(columns.space_size("FNR"), persons, "one space for all stores (ENG-024)");
    assert!(columns.is_synthetic("no.ssb.fdb"));
    let numbers = persona_numbers(1);
    let ordinal = async |number: &str| index.0.lock().await["FNR"][number.as_bytes()];
    let citizen = ordinal(&numbers.citizen).await;
    let known = datastore.insight(citizen);
    let status = |source: &str| known.iter().find(|s| s.source == source).unwrap();
    for source in ["ssb_fdb", "npr", "lmr", "sysvak", "mfr"] {
        assert_eq!(status(source).status, InsightStatus::Found, "{source}");
    }
    assert_eq!(status("dar").status, InsightStatus::None);
    assert_eq!(status("npr").collections, ["npr.somatikk"]);
    assert!(status("npr").from.unwrap() >= "2018-01-01".parse::<Date>().unwrap());
    assert_eq!(status("mfr").from, Some("2015-09-20".parse().unwrap()));

    // The way from episodes to persons: the pointer of the collection.
    let npr = StoreVersion { store: "no.fhi.npr".into(), version: "1.0.0.0".into() };
    let pointer = columns.person_pointer("NPR_EPISODE_ID").unwrap().unwrap();
    assert_eq!(pointer.persons.len(), columns.space_size("NPR_EPISODE_ID") as usize);
    let codes = columns.describe(&npr, "HOVEDTILSTAND1").unwrap().codes.clone().unwrap();
    let stroke = codes.codes.iter().position(|c| c == "I63").unwrap();
    let column = columns.column(&npr, "HOVEDTILSTAND1", None).unwrap();
    let Values::Code8(diagnoses) = &column.values else { panic!("codes of one byte") };
    let hers = |i: &usize| pointer.persons[*i] == citizen && usize::from(diagnoses[*i]) == stroke;
    assert!((0..column.len()).any(|i| hers(&i)));

    // Record keys come with the gate's key and not before (SDC-031).
    assert!(columns.record_keys("FNR").is_err());
    columns.set_dataset_key("FNR", [7; 32]);
    assert_eq!(columns.record_keys("FNR").unwrap().len(), persons as usize);

    let answer = datastore.metadata(&Metadata::default()).await.unwrap();
    let npr = answer.stores.iter().find(|s| s.store == "no.fhi.npr").unwrap();
    assert_eq!(npr.source.as_deref(), Some("npr"));
    assert_eq!(npr.collections[0].person_pointer.as_deref(), Some("no.fhi.npr/NPRID"));
    assert_eq!(npr.collections[0].date_variable.as_deref(), Some("no.fhi.npr/INNDATO"));
}
