//! DATA-086 and DATA-060 to DATA-064: what is handed in becomes one released version or nothing; the same input changes
//! nothing; every version stays readable; a job that died is run again to the same end.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use audit::Actor;
use datastore::package::PackageKey;
use datastore::{Datastore, DatastoreError, IngestOptions, Operation, Outcome, UnitIndex, ingest};
use engine::source::{StoreVersion, Values, VariableSource as _};
use kernel::Date;
use proptest::prelude::*;
use protocol::calls::{IndexRegister, Metadata, Registered, RowCode, RowError};
use protocol::{CallError, Party};
use testkit::TestZone;
use tokio::sync::Mutex;

/// Ordinals in the order of asking; ids that begin with `X` are refused; after `fails_after` calls it is gone.
#[derive(Default)]
struct Index {
    spaces: Mutex<HashMap<String, HashMap<Vec<u8>, u32>>>,
    calls: AtomicUsize,
    fails_after: Option<usize>,
}

#[async_trait]
impl UnitIndex for Index {
    async fn register(&self, header: &IndexRegister, ids: &[&[u8]]) -> Result<Registered, CallError> {
        assert!(ids.len() <= IndexRegister::MAX);
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if self.fails_after.is_some_and(|n| call >= n) {
            return Err(CallError::Unreachable { party: Party::Keys, reason: "gone".into() });
        }
        let mut spaces = self.spaces.lock().await;
        let space = format!("{}/{}", header.id_type, header.space.clone().unwrap_or_default());
        let known = spaces.entry(space).or_default();
        let mut answer = Registered::default();
        for (i, id) in ids.iter().enumerate() {
            if id.starts_with(b"X") {
                answer.errors.push(RowError { index: i as u32, code: RowCode::InvalidNumber });
                answer.ordinals.push(IndexRegister::REFUSED);
                continue;
            }
            let next = known.len() as u32;
            answer.ordinals.push(*known.entry(id.to_vec()).or_insert(next));
        }
        Ok(answer)
    }
}

struct Bench {
    zone: TestZone,
    datastore: Datastore,
    index: Index,
    inputs: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::on(testkit::zone("data").await).await
    }

    async fn on(zone: TestZone) -> Self {
        let datastore = Datastore::open(zone.zone(), &zone.folder.path().join("datastore")).await.unwrap();
        Self { zone, datastore, index: Index::default(), inputs: tempfile::tempdir().unwrap() }
    }

    fn options(store: &str) -> IngestOptions {
        IngestOptions { store: Some(store.into()), allow_opaque: true, ..IngestOptions::default() }
    }

    async fn run(&self, paths: &[PathBuf], options: &IngestOptions) -> Result<Outcome, DatastoreError> {
        ingest(&self.datastore, &self.index, &Actor::service("data"), paths, options, &|_| ()).await
    }

    /// A dataset folder with this data.
    fn dataset(&self, name: &str, temporality: &str, measure: &str, csv: &str) -> PathBuf {
        let folder = self.inputs.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.json")), metadata(temporality, measure)).unwrap();
        fs::write(folder.join(format!("{name}.csv")), csv).unwrap();
        folder
    }

    fn at(version: &str) -> StoreVersion {
        StoreVersion { store: "no.test".into(), version: version.into() }
    }

    /// Folders of datasets on disk.
    fn folders(&self) -> usize {
        let datasets = self.zone.folder.path().join("datastore/datasets");
        let Ok(prefixes) = fs::read_dir(datasets) else { return 0 };
        prefixes.map(|p| fs::read_dir(p.unwrap().path()).unwrap().count()).sum()
    }
}

fn metadata(temporality: &str, measure: &str) -> String {
    let text = r#"[{"languageCode": "no", "value": "Test"}]"#;
    format!(
        r#"{{"temporalityType": "{temporality}", "sensitivityLevel": "PERSON_GENERAL", "populationDescription": {text},
            "subjectFields": [{text}], "dataRevision": {{"description": {text}}},
            "identifierVariables": [{{"unitType": "PERSON"}}],
            "measureVariables": [{{"name": {text}, "description": {text}, {measure}}}]}}"#
    )
}

const LONG: &str = r#""dataType": "LONG", "valueDomain": {"description": [{"languageCode": "no", "value": "Tall"}]}"#;

fn material(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Values of an integer column by ordinal.
fn integers(datastore: &Datastore, at: &StoreVersion, name: &str, time: Option<&str>) -> BTreeMap<u32, i64> {
    let column = datastore.columns().column(at, name, time.map(|t| t.parse().unwrap())).unwrap();
    let value = |i: usize| match &column.values {
        Values::Int8(v) => i64::from(v[i]),
        Values::Int16(v) => i64::from(v[i]),
        Values::Int32(v) => i64::from(v[i]),
        Values::Int64(v) => v[i],
        _ => panic!("not a column of integers"),
    };
    (0..column.len()).filter(|i| column.is_valid(*i)).map(|i| (i as u32, value(i))).collect()
}

#[tokio::test]
async fn data_086_golden_packages_load_and_load_again_without_change() {
    let bench = Bench::new().await;
    let key = Arc::new(PackageKey::read(&material("golden/microdata_private_key.pem")).unwrap());
    let options = IngestOptions { key: Some(key), ..Bench::options("demo.golden") };
    let paths = [material("golden/packages")];
    let first = bench.run(&paths, &options).await.unwrap();
    assert_eq!(first.stores[0].version.as_deref(), Some("1.0.0.0"));
    assert!(first.stores[0].released);
    assert_eq!(first.stores[0].changes.values().filter(|o| **o == Operation::Add).count(), 4);
    assert!(first.reports.iter().all(datastore::Report::is_valid));

    let answer = bench.datastore.metadata(&Metadata::default()).await.unwrap();
    let store = &answer.stores[0];
    assert_eq!((store.store.as_str(), store.version.as_str()), ("demo.golden", "1.0.0.0"));
    let place = store.datasets.iter().find(|d| d.name == "BEFOLKNING_BOSTED").unwrap();
    assert_eq!(place.id_type.as_deref(), Some("FNR@demo.golden"), "opaque ids never meet national numbers (DATA-087)");
    assert!(!place.status_dates.is_empty() && !place.codes.is_empty());
    let again = Metadata { etag: Some(answer.etag.clone()), ..Metadata::default() };
    assert!(bench.datastore.metadata(&again).await.unwrap().stores.is_empty());

    let folders = bench.folders();
    let second = bench.run(&paths, &options).await.unwrap();
    assert!(!second.stores[0].released && second.stores[0].changes.is_empty());
    assert_eq!(bench.folders(), folders);
    assert_eq!(bench.datastore.metadata(&Metadata::default()).await.unwrap().etag, answer.etag);
    assert_eq!(bench.zone.actions().await, ["datastore.release ok"]);
}

#[tokio::test]
async fn data_087_opaque_ids_are_for_tests_alone() {
    let bench = Bench::new().await;
    let product = r#"{"store": "no.test", "id_check": "opaque", "collections": []}"#;
    let dataset = bench.dataset("TALL", "FIXED", LONG, "1;1;;;\n");
    fs::write(bench.inputs.path().join("product.json"), product).unwrap();
    let options = IngestOptions { allow_opaque: false, ..IngestOptions::default() };
    let error = bench.run(&[bench.inputs.path().to_owned()], &options).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(dataset.is_dir() && bench.folders() == 0);
}

#[tokio::test]
async fn data_061_data_064_versions_follow_what_changed_and_stay_readable() {
    testkit::zones("data", versions_follow).await;
}

async fn versions_follow(zone: TestZone) {
    let bench = Bench::on(zone).await;
    let options = Bench::options("no.test");
    let a = bench.dataset("TALL_A", "FIXED", LONG, "1;10;;;\n2;20;;;\n");
    bench.run(std::slice::from_ref(&a), &options).await.unwrap();
    let b = bench.dataset("TALL_B", "FIXED", LONG, "2;5;;;\n3;7;;;\n");
    let added = bench.run(&[a.clone(), b.clone()], &options).await.unwrap();
    assert_eq!(added.stores[0].version.as_deref(), Some("1.1.0.0"));
    assert_eq!(added.stores[0].changes, BTreeMap::from([("TALL_B".to_owned(), Operation::Add)]));

    bench.dataset("TALL_A", "FIXED", LONG, "1;11;;;\n2;20;;;\n3;300;;;\n");
    let changed = bench.run(std::slice::from_ref(&a), &options).await.unwrap();
    assert_eq!(changed.stores[0].version.as_deref(), Some("2.0.0.0"));

    // New texts over the same data are a patch, and share the data files.
    let text = fs::read_to_string(a.join("TALL_A.json")).unwrap().replace("\"Test\"", "\"Ny tekst\"");
    fs::write(a.join("TALL_A.json"), &text).unwrap();
    fs::remove_file(a.join("TALL_A.csv")).unwrap();
    let patched = bench.run(std::slice::from_ref(&a), &options).await.unwrap();
    assert_eq!(patched.stores[0].version.as_deref(), Some("2.0.1.0"));
    let columns = bench.datastore.columns();
    assert_eq!(
        columns.describe(&Bench::at("2.0.1.0"), "TALL_A").unwrap().info.title.text(kernel::Language::Nb),
        "Ny tekst"
    );
    assert_eq!(
        columns.describe(&Bench::at("2.0.0.0"), "TALL_A").unwrap().info.title.text(kernel::Language::Nb),
        "Test"
    );

    // A patch may not change what the data mean (DATA-065).
    fs::write(a.join("TALL_A.json"), text.replace("FIXED", "STATUS")).unwrap();
    let error = bench.run(std::slice::from_ref(&a), &options).await.unwrap_err().to_string();
    assert!(error.contains("temporalityType"), "{error}");

    assert_eq!(columns.versions("no.test"), ["1.0.0.0", "1.1.0.0", "2.0.0.0", "2.0.1.0"]);
    let read = |version: &str, name: &str| integers(&bench.datastore, &Bench::at(version), name, None);
    assert_eq!(read("1.0.0.0", "TALL_A"), BTreeMap::from([(0, 10), (1, 20)]));
    assert_eq!(read("1.1.0.0", "TALL_A"), read("1.0.0.0", "TALL_A"));
    assert_eq!(read("1.1.0.0", "TALL_B"), BTreeMap::from([(1, 5), (2, 7)]));
    assert_eq!(read("2.0.1.0", "TALL_A"), BTreeMap::from([(0, 11), (1, 20), (2, 300)]));
    assert!(columns.describe(&Bench::at("1.0.0.0"), "TALL_B").is_err(), "not in that version");
    assert_eq!(columns.space_size("FNR@no.test"), 3);

    // Another process sees the same.
    let other = Datastore::open(bench.zone.zone(), &bench.zone.folder.path().join("datastore")).await.unwrap();
    assert_eq!(other.columns().versions("no.test"), columns.versions("no.test"));
    assert_eq!(integers(&other, &Bench::at("1.0.0.0"), "TALL_A", None), read("1.0.0.0", "TALL_A"));
    assert_eq!(other.verify(&Bench::at("2.0.1.0")).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_faulty_dataset_keeps_the_whole_store_as_it_was() {
    let bench = Bench::new().await;
    let options = Bench::options("no.test");
    let good = bench.dataset("GOD", "FIXED", LONG, "1;1;;;\n");
    let bad = bench.dataset("DAARLIG", "FIXED", LONG, "1;1;;;\n1;2;;;\n2;x;;;\n");
    let error = bench.run(&[good.clone(), bad], &options).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("DAARLIG: error DATA-029: line 3, column 2"), "{error}");
    assert!(bench.datastore.newest("no.test").is_none());
    assert_eq!(bench.folders(), 0);
    assert!(!bench.zone.folder.path().join("datastore/work").join("x").exists());
    assert_eq!(bench.zone.actions().await, ["datastore.ingest failed invalid"]);

    // Half of a folder that says what is in it.
    let product = r#"{"store": "no.test", "id_check": "opaque",
        "collections": [{"id": "a.b", "title": {"nb": "T"}, "unit_type": "PERSON", "datasets": ["GOD", "BORTE"]}]}"#;
    fs::write(bench.inputs.path().join("product.json"), product).unwrap();
    let error = bench.run(&[bench.inputs.path().to_owned()], &options).await.unwrap_err().to_string();
    assert!(error.contains("BORTE is not in the folder"), "{error}");
    bench.run(&[good], &options).await.unwrap();
}

#[tokio::test]
async fn data_083_refused_ids_stop_the_job_or_leave_their_rows_out() {
    let bench = Bench::new().await;
    let options = Bench::options("no.test");
    let few = bench.dataset("TALL", "FIXED", LONG, "1;1;;;\nX2;2;;;\n3;3;;;\n");
    let error = bench.run(std::slice::from_ref(&few), &options).await.unwrap_err();
    let DatastoreError::Rejected { rejected: 1, ids: 3, line: 2, .. } = &error else { panic!("{error}") };
    assert!(!error.to_string().contains("X2"), "ids are not shown: {error}");
    let lenient = IngestOptions { max_reject_share: 0.5, ..options };
    let done = bench.run(&[few], &lenient).await.unwrap();
    assert_eq!(done.stores[0].dropped, BTreeMap::from([("TALL".to_owned(), 1)]));
    assert_eq!(integers(&bench.datastore, &Bench::at("1.0.0.0"), "TALL", None).len(), 2);
}

#[tokio::test]
async fn a_job_that_died_is_run_again_to_the_same_end() {
    let input = |bench: &Bench| {
        let mut paths = Vec::new();
        for name in ["A", "B", "C"] {
            let rows: String = (0..50).map(|i| format!("{name}{i};{i};;;\n")).collect();
            paths.push(bench.dataset(name, "FIXED", LONG, &rows));
        }
        paths
    };
    let whole = Bench::new().await;
    whole.run(&input(&whole), &Bench::options("no.test")).await.unwrap();
    let (_, digest) = whole.datastore.newest("no.test").unwrap();
    for dies_at in 0..3 {
        let mut bench = Bench::new().await;
        bench.index.fails_after = Some(dies_at);
        let paths = input(&bench);
        let error = bench.run(&paths, &Bench::options("no.test")).await.unwrap_err();
        assert_eq!(error.exit_code(), 4, "{error}");
        assert!(bench.datastore.newest("no.test").is_none());
        // What a killed process leaves: a work folder of its own, and no more.
        let work = bench.zone.folder.path().join("datastore/work/dead");
        fs::create_dir_all(&work).unwrap();
        fs::write(work.join("half.arrow"), b"half").unwrap();
        let again = Datastore::open(bench.zone.zone(), &bench.zone.folder.path().join("datastore")).await.unwrap();
        again.clean().unwrap();
        assert!(!work.exists());
        bench.index.fails_after = None;
        bench.datastore = again;
        bench.run(&paths, &Bench::options("no.test")).await.unwrap();
        assert_eq!(bench.datastore.newest("no.test").unwrap().1, digest, "died at call {dies_at}");
    }
}

#[tokio::test]
async fn eng_042_a_damaged_file_is_refused_by_its_name() {
    let bench = Bench::new().await;
    let path = bench.dataset("TALL", "FIXED", LONG, "1;1000;;;\n2;2000;;;\n");
    bench.run(&[path], &Bench::options("no.test")).await.unwrap();
    let at = Bench::at("1.0.0.0");
    let values: Vec<PathBuf> = walk(&bench.zone.folder.path().join("datastore/datasets"))
        .into_iter()
        .filter(|p| p.ends_with("values.arrow"))
        .collect();
    let original = fs::read(&values[0]).unwrap();
    let mut flipped = original.clone();
    flipped[original.len() / 2] ^= 1;
    for damaged in [flipped, original[..original.len() - 8].to_vec(), Vec::new()] {
        fs::write(&values[0], damaged).unwrap();
        let fresh = Datastore::open(bench.zone.zone(), &bench.zone.folder.path().join("datastore")).await.unwrap();
        let error = fresh.columns().column(&at, "TALL", None).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("TALL/values.arrow"), "{error}");
        assert_eq!(fresh.verify(&at).unwrap(), ["TALL/values.arrow"]);
    }
    fs::write(&values[0], original).unwrap();
    assert_eq!(integers(&bench.datastore, &at, "TALL", None), BTreeMap::from([(0, 1000), (1, 2000)]));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn ids_that_are_no_national_numbers_are_opaque_unless_told_otherwise() {
    let bench = Bench::new().await;
    let options = |store: &str| Bench::options(store);
    let invented = bench.dataset("TALL", "FIXED", LONG, "00000000000001;1;;;\n");
    bench.run(&[invented], &options("no.test")).await.unwrap();
    let number = kernel::IdentityNumber::synthetic(15, 3, 84, 1).unwrap();
    let real = bench.dataset("TALL", "FIXED", LONG, &format!("{};1;;;\n", number.reveal()));
    bench.run(std::slice::from_ref(&real), &options("no.other")).await.unwrap();
    assert_eq!(bench.datastore.columns().spaces(), ["FNR", "FNR@no.test"]);
    // What a store is, it stays.
    bench.run(&[real], &options("no.test")).await.unwrap();
    assert_eq!(bench.datastore.columns().space_size("FNR"), 1);
    // A data file that is missing is a fault of the input, not of the command.
    let half = bench.dataset("HALV", "FIXED", LONG, "");
    fs::remove_file(half.join("HALV.csv")).unwrap();
    let error = bench.run(&[half], &options("no.test")).await.unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
}

/// What one run of the property hands in: per dataset, its content or nothing.
fn rounds() -> impl Strategy<Value = Vec<[Option<u8>; 3]>> {
    proptest::collection::vec(
        [proptest::option::of(0u8..3), proptest::option::of(0u8..3), proptest::option::of(0u8..3)],
        1..5,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// DATA-115: whatever the sequence of releases, numbers follow DATA-061 and every old version reads as it did.
    #[test]
    fn data_115_old_versions_read_as_they_did(rounds in rounds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let mut now: BTreeMap<String, u8> = BTreeMap::new();
            let mut history: Vec<(String, BTreeMap<String, u8>)> = Vec::new();
            for round in rounds {
                let mut paths = Vec::new();
                let (mut adds, mut changes) = (0, 0);
                for (name, content) in ["EN", "TO", "TRE"].iter().zip(round) {
                    let Some(content) = content else { continue };
                    paths.push(bench.dataset(name, "FIXED", LONG, &format!("1;{content};;;\n")));
                    match now.insert((*name).to_owned(), content) {
                        None => adds += 1,
                        Some(old) if old != content => changes += 1,
                        Some(_) => {}
                    }
                }
                if paths.is_empty() {
                    continue;
                }
                let done = bench.run(&paths, &Bench::options("no.test")).await.unwrap();
                let store = &done.stores[0];
                assert_eq!(store.released, adds + changes > 0);
                if store.released {
                    let version = store.version.clone().unwrap();
                    let parts: Vec<u32> = version.split('.').map(|p| p.parse().unwrap()).collect();
                    let last = history.last().map(|(v, _)| v.split('.').map(|p| p.parse().unwrap()).collect::<Vec<u32>>());
                    let expected = match last {
                        None => vec![1, 0, 0, 0],
                        Some(l) if changes > 0 => vec![l[0] + 1, 0, 0, 0],
                        Some(l) => vec![l[0], l[1] + 1, 0, 0],
                    };
                    assert_eq!(parts, expected);
                    history.push((version, now.clone()));
                }
            }
            for (version, content) in &history {
                let at = Bench::at(version);
                assert_eq!(bench.datastore.columns().list(&at).unwrap(), content.keys().cloned().collect::<Vec<_>>());
                for (name, value) in content {
                    let read = integers(&bench.datastore, &at, name, None);
                    assert_eq!(read.into_values().collect::<Vec<_>>(), [i64::from(*value)]);
                }
            }
        });
    }
}

/// Spells of one unit: pairs of length and gap; the last may be ongoing.
fn spells() -> impl Strategy<Value = Vec<(u32, i32, Option<i32>, i64)>> {
    let unit = proptest::collection::vec((0i32..40, 1i32..20, -300i64..300), 0..5);
    (proptest::collection::vec((unit, any::<bool>()), 1..6)).prop_map(|units| {
        let mut rows = Vec::new();
        for (unit, (spells, open)) in units.into_iter().enumerate() {
            let mut at = 18_000;
            let last = spells.len().wrapping_sub(1);
            for (i, (length, gap, value)) in spells.into_iter().enumerate() {
                let stop = (i != last || !open).then_some(at + length);
                rows.push((unit as u32, at, stop, value));
                at += length + gap;
            }
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// DATA-114: what is imported at any date is what a naive filter over the rows gives.
    #[test]
    fn data_114_import_at_every_date_equals_a_filter(rows in spells(), as_status in any::<bool>()) {
        prop_assume!(!rows.is_empty());
        let date = |d: i32| Date::from_days(d).to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let line = |r: &(u32, i32, Option<i32>, i64)| {
                let stop = if as_status { date(r.1) } else { r.2.map(date).unwrap_or_default() };
                format!("{};{};{};{stop};\n", r.0, r.3, date(r.1))
            };
            let csv: String = rows.iter().rev().map(line).collect();
            let dataset = bench.dataset("RADER", if as_status { "STATUS" } else { "EVENT" }, LONG, &csv);
            bench.run(&[dataset], &Bench::options("no.test")).await.unwrap();
            // Ordinals are given in the order of the file.
            let mut ordinals: HashMap<u32, u32> = HashMap::new();
            for r in rows.iter().rev() {
                let next = ordinals.len() as u32;
                ordinals.entry(r.0).or_insert(next);
            }
            for day in 17_998..18_330 {
                let covers = |r: &&(u32, i32, Option<i32>, i64)| match as_status {
                    true => r.1 == day,
                    false => r.1 <= day && r.2.is_none_or(|s| day <= s),
                };
                let naive: BTreeMap<u32, i64> = rows.iter().filter(covers).map(|r| (ordinals[&r.0], r.3)).collect();
                let text = date(day);
                let time = Some(text.as_str());
                if as_status && naive.is_empty() {
                    let found = bench.datastore.columns().column(&Bench::at("1.0.0.0"), "RADER", Some(Date::from_days(day)));
                    assert!(found.is_err(), "no measurement on {day}");
                } else {
                    assert_eq!(integers(&bench.datastore, &Bench::at("1.0.0.0"), "RADER", time), naive, "{day}");
                }
            }
            let (from, to) = (Date::from_days(18_010), Date::from_days(18_050));
            let met = bench.datastore.columns().spells(&Bench::at("1.0.0.0"), "RADER", from, to).unwrap();
            let stop = |r: &(u32, i32, Option<i32>, i64)| if as_status { r.1 } else { r.2.unwrap_or(i32::MAX) };
            let mut naive: Vec<(u32, i32, i32)> = rows
                .iter()
                .filter(|r| r.1 <= to.days() && stop(r) >= from.days())
                .map(|r| (ordinals[&r.0], r.1, stop(r)))
                .collect();
            naive.sort_unstable();
            let found: Vec<(u32, i32, i32)> =
                (0..met.ordinals.len()).map(|i| (met.ordinals[i], met.starts[i], met.stops[i])).collect();
            assert_eq!(found, naive);
        });
    }
}

/// LANG-082, DATA-012: a STATUS dataset that carries values is importable on each of its days and reads as measurements.
#[tokio::test]
async fn carried_status_values_hold_on_every_measuring_day() {
    let bench = Bench::new().await;
    let folder = bench.dataset(
        "CARRIED",
        "STATUS",
        LONG,
        "a;1;2020-01-01;2020-03-01;\nb;5;2020-02-01;2020-02-01;\na;2;2020-04-01;2020-04-01;\n",
    );
    let days = r#""temporalStatusDates": ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"], "temporalityType""#;
    let json = folder.join("CARRIED.json");
    let with_days = fs::read_to_string(&json).unwrap().replace("\"temporalityType\"", days);
    fs::write(&json, with_days).unwrap();
    bench.run(std::slice::from_ref(&folder), &Bench::options("no.test")).await.unwrap();
    let at = Bench::at("1.0.0.0");
    let on = |day: &str| integers(&bench.datastore, &at, "CARRIED", Some(day)).into_values().collect::<Vec<_>>();
    assert_eq!(
        (on("2020-01-01"), on("2020-02-01"), on("2020-03-01"), on("2020-04-01")),
        (vec![1], vec![1, 5], vec![1], vec![2])
    );
    let columns = bench.datastore.columns();
    assert_eq!(columns.describe(&at, "CARRIED").unwrap().info.status_dates.len(), 4);
    let (from, to) = ("2020-02-01".parse().unwrap(), "2020-12-31".parse().unwrap());
    let spells = columns.spells(&at, "CARRIED", from, to).unwrap();
    assert_eq!(spells.starts, spells.stops, "a row is one measurement");
    assert_eq!(spells.ordinals.len(), 4);

    fs::write(folder.join("CARRIED.csv"), "a;1;2020-01-01;2020-03-02;\n").unwrap();
    let refused = bench.run(&[folder], &Bench::options("no.test")).await;
    let Err(DatastoreError::Invalid(reports)) = refused else { panic!("a day that is not listed") };
    assert_eq!(reports[0].findings[0].rule.id(), "DATA-036");
}

/// DATA-066: the change table beside a code list goes with the dataset to those who ask for metadata; wrong shares are refused.
#[tokio::test]
async fn data_066_change_tables_stand_beside_the_list() {
    let bench = Bench::new().await;
    let list = r#""dataType": "STRING", "valueDomain": {"codeList": [
        {"code": "1", "categoryTitle": [{"languageCode": "no", "value": "En"}], "validFrom": "2000-01-01", "validUntil": "2019-12-31"},
        {"code": "2", "categoryTitle": [{"languageCode": "no", "value": "To"}], "validFrom": "2020-01-01"},
        {"code": "3", "categoryTitle": [{"languageCode": "no", "value": "Tre"}], "validFrom": "2020-01-01"}]}"#;
    let folder = bench.dataset("PLACE", "FIXED", list, "a;1;;;\n");
    let json = folder.join("PLACE.json");
    let plain = fs::read_to_string(&json).unwrap();
    let with = |share: f64| {
        let changes = format!(
            r#""codeListChanges": [{{"date": "2020-01-01", "fromCode": "1", "toCode": "2", "share": 0.75}},
                {{"date": "2020-01-01", "fromCode": "1", "toCode": "3", "share": {share}}}], "temporalityType""#
        );
        plain.replace("\"temporalityType\"", &changes)
    };
    fs::write(&json, with(0.5)).unwrap();
    let refused = bench.run(std::slice::from_ref(&folder), &Bench::options("no.test")).await;
    let Err(DatastoreError::Invalid(reports)) = refused else { panic!("shares of 1.25") };
    assert!(reports[0].findings[0].message.contains("sum to 1"), "{}", reports[0].findings[0].message);
    fs::write(&json, with(0.25)).unwrap();
    bench.run(&[folder], &Bench::options("no.test")).await.unwrap();
    let answer = bench.datastore.metadata(&Metadata::default()).await.unwrap();
    let changes = &answer.stores[0].datasets[0].changes;
    let told: Vec<_> = changes.iter().map(|c| (c.from.as_str(), c.to.as_str(), c.share)).collect();
    assert_eq!(told, [("1", "2", Some(0.75)), ("1", "3", Some(0.25))]);
}
