//! ENG-061: `hap synth --catalogue` makes every variable of the public list, with its types, time and code list, for any
//! number of persons; what it writes passes validation.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use datastore::validate;
use serde_json::Value;
use synth::{Settings, generate};

static OUT: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let out = tempfile::tempdir().unwrap();
    generate(&Settings { persons: 1500, seed: 3, catalogue: true }, out.path(), &|_, share| {
        assert!((0.0..=1.0).contains(&share));
    })
    .unwrap();
    out
});

fn out() -> &'static Path {
    OUT.path()
}

/// The rows of the public list: name to its fields.
fn public() -> BTreeMap<String, Vec<String>> {
    let list = include_str!("../data/catalogue.csv");
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(list.as_bytes());
    reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        .map(|r| (r[1].clone(), r))
        .collect()
}

fn folder(store: &str) -> std::path::PathBuf {
    out().join(if store == "npr" { "no.fhi.npr" } else { "no.ssb.fdb" })
}

fn metadata(row: &[String]) -> Value {
    let path = folder(&row[0]).join(&row[1]).join(format!("{}.json", row[1]));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

fn rows(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(out().join("no.ssb.fdb").join(name).join(format!("{name}.csv"))).unwrap();
    text.lines().map(|l| l.split(';').map(str::to_owned).collect()).collect()
}

#[test]
fn eng_061_every_public_variable_is_there_as_listed() {
    let public = public();
    assert_eq!(public.len(), 732);
    for row in public.values() {
        let json = metadata(row);
        let temporality = match row[4].as_str() {
            "F" => "FIXED",
            "S" => "STATUS",
            "A" => "ACCUMULATED",
            _ => "EVENT",
        };
        assert_eq!(json["temporalityType"], temporality, "{}", row[1]);
        assert_eq!(json["identifierVariables"][0]["unitType"], row[3].as_str(), "{}", row[1]);
        let measure = &json["measureVariables"][0];
        if row[8].is_empty() {
            let wanted = match row[5].as_str() {
                "S" => "STRING",
                "L" => "LONG",
                "D" => "DOUBLE",
                _ => "DATE",
            };
            assert_eq!(measure["dataType"], wanted, "{}", row[1]);
            assert_eq!(measure["valueDomain"]["codeList"].is_array(), !row[9].is_empty(), "{}", row[1]);
        } else {
            assert_eq!(measure["unitType"], row[8].as_str(), "{}", row[1]);
        }
        assert!(measure["description"][0]["value"].as_str().unwrap().contains("syntetiske"), "{}", row[1]);
    }
}

#[test]
fn eng_061_what_is_written_is_valid() {
    for report in validate(&[out().to_owned()], None, false).unwrap() {
        assert!(report.is_valid(), "{report:?}");
        if report.dataset == "NUDB_KURS_SKOLEKOM" {
            continue; // courses of before 1988, from when on the codes of municipalities are known
        }
        let early = report.findings.iter().find(|f| f.rule.id() == "DATA-033");
        assert!(early.is_none_or(|f| f.count < 40), "codes are those of their time: {report:?}");
    }
}

/// LANG-082: every measuring day that follows from the coverage is listed, and the rows stay within.
#[test]
fn lang_082_status_dates_are_listed() {
    let dates = |name: &str| -> Vec<String> {
        let json = metadata(&public()[name]);
        json["temporalStatusDates"].as_array().unwrap().iter().map(|d| d.as_str().unwrap().to_owned()).collect()
    };
    let homes = dates("BEFOLKNING_KOMMNR_FORMELL");
    assert_eq!((homes.len(), homes[0].as_str(), homes[36].as_str()), (37, "1989-01-01", "2025-01-01"));
    let work = dates("ARBLONN_ARB_YRKE_STYRK08");
    assert_eq!((work.len(), work[0].as_str()), (129, "2015-01-16"));
    assert_eq!(dates("ELHUB_PERS_PRISOMRADE").len(), 2132);
    let listed: HashSet<String> = homes.into_iter().collect();
    for row in rows("BEFOLKNING_KOMMNR_FORMELL") {
        assert!(listed.contains(&row[2]) && listed.contains(&row[3]) && row[2] <= row[3], "{row:?}");
    }
}

/// Pointers lead to units that exist, and the same person has the same household in every variable.
#[test]
fn pointers_and_households_agree() {
    let people: HashSet<String> = rows("BEFOLKNING_KJOENN").into_iter().map(|r| r[0].clone()).collect();
    for name in
        ["ARBEIDSFORHOLD_PERSON", "NUDB_KURS_FNR", "TRAFULYK_PERS_FNR", "BEFOLKNING_EKT_FNR", "BEFOLKNING_HUSHNR"]
    {
        assert!(rows(name).iter().all(|r| people.contains(&r[1])), "{name}");
    }
    let jobs: HashSet<String> = rows("ARBEIDSFORHOLD_PERSON").into_iter().map(|r| r[0].clone()).collect();
    assert!(rows("ARBLONN_ARB_YRKE_STYRK08").iter().all(|r| jobs.contains(&r[0])));
    let spells = |name| -> BTreeMap<String, String> {
        rows(name).into_iter().filter(|r| r[3] == "2025-01-01").map(|r| (r[0].clone(), r[1].clone())).collect()
    };
    let (household, size) = (spells("BEFOLKNING_HUSHNR"), spells("BEFOLKNING_PERS_I_HUSHNR"));
    let mut counted: BTreeMap<&String, usize> = BTreeMap::new();
    household.values().for_each(|h| *counted.entry(h).or_default() += 1);
    assert_eq!(household.len(), size.len());
    assert!(size.iter().all(|(person, size)| counted[&household[person]].to_string() == *size));
}
