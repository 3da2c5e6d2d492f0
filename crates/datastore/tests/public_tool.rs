//! DATA-110: every faulty dataset of the public tool's material gives the tool's own lines in compat mode, byte for byte,
//! and the rule of section 3 in ours.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datastore::{Report, validate};

fn material(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn one(path: PathBuf, compat: bool) -> Report {
    let mut reports = validate(&[path], None, compat).unwrap();
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

#[test]
fn data_110_compat_lines_are_those_of_the_public_tool() {
    let expected = std::fs::read(material("error_cases/expected_errors.json")).unwrap();
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.len(), 23);
    for (name, lines) in expected {
        assert_eq!(one(material("error_cases").join(&name), true).compat(), lines, "{name}");
    }
}

#[test]
fn data_110_ours_names_rule_and_line() {
    // Rule and line of the first bad row; no line where the fault is not in a row.
    let expected: [(&str, &str, Option<u64>); 23] = [
        ("ACC_START_EQ_STOP", "DATA-036", Some(1)),
        ("BAD_DATE", "DATA-029", Some(1)),
        ("BAD_TEMPORALITY", "DATA-022", None),
        ("BAD_UNIT", "DATA-022", None),
        ("CODE_TYPE_MISMATCH", "DATA-025", None),
        ("DESC_WITH_CODELIST", "DATA-023", None),
        ("DUP_CODE", "DATA-026", None),
        ("EMPTY_FILE", "DATA-027", None),
        ("EMPTY_ID", "DATA-030", Some(1)),
        ("EMPTY_VALUE", "DATA-031", Some(1)),
        ("EVENT_OPEN_OVERLAP", "DATA-038", Some(2)),
        ("EVENT_OVERLAP", "DATA-038", Some(2)),
        ("EVENT_STOP_BEFORE_START", "DATA-036", Some(1)),
        ("FIXED_DUP", "DATA-037", Some(2)),
        ("FIXED_WITH_START", "DATA-034", Some(1)),
        ("FOUR_COLS", "DATA-028", Some(1)),
        ("NOT_IN_CODELIST", "DATA-032", Some(1)),
        ("NO_IDENT", "DATA-021", None),
        ("SIX_COLS", "DATA-028", Some(1)),
        ("STATUS_DUP", "DATA-037", Some(2)),
        ("STATUS_NO_STOP", "DATA-035", None),
        ("STATUS_START_NE_STOP", "DATA-036", Some(1)),
        ("UNITTYPE_AND_DATATYPE", "DATA-024", None),
    ];
    for (name, rule, line) in expected {
        let report = one(material("error_cases").join(name), false);
        let found = &report.findings[0];
        assert!(!report.is_valid(), "{name}");
        assert_eq!((found.rule.id(), found.line), (rule, line), "{name}: {found}");
        assert!(!found.message.is_empty() && !found.message.contains("00001"), "{name}: {}", found.message);
    }
}

#[test]
fn messages_say_what_is_wrong_and_how_to_mend_it() {
    let message = |name: &str| one(material("error_cases").join(name), false).findings[0].message.clone();
    assert_eq!(message("EVENT_OVERLAP"), "lines 1, 2: (2020-01-01 – 2020-02-01) overlaps (2020-01-15 – 2020-03-01)");
    assert_eq!(message("NOT_IN_CODELIST"), "line 1: 9 not in code list");
    assert_eq!(message("FOUR_COLS"), "line 1: 4 columns, five expected");
    assert_eq!(message("BAD_DATE"), "line 1, column 3: \"2020-13-01\" is not a date YYYY-MM-DD");
    let enumeration = message("BAD_TEMPORALITY");
    assert!(enumeration.starts_with("temporalityType: \"") && enumeration.contains("FIXED, STATUS"), "{enumeration}");
}

#[test]
fn data_039_ongoing_spells_alone_are_ours_to_accept() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("ONGOING");
    std::fs::create_dir(&dataset).unwrap();
    let metadata = std::fs::read(material("error_cases/EVENT_OVERLAP/EVENT_OVERLAP.json")).unwrap();
    std::fs::write(dataset.join("ONGOING.json"), metadata).unwrap();
    std::fs::write(dataset.join("ONGOING.csv"), "00001;1;2020-01-01;;\n00002;2;2020-01-01;;\n").unwrap();
    assert!(one(dataset.clone(), false).is_valid());
    let lines = ["Could not read data in fourth column (Stop date). Is this column empty?"];
    assert_eq!(one(dataset, true).compat(), lines);
}

#[test]
fn the_examples_of_the_public_tool_are_valid() {
    for compat in [false, true] {
        let reports = validate(&[material("examples")], None, compat).unwrap();
        assert_eq!(reports.len(), 4);
        for report in reports {
            assert!(report.is_valid(), "{:?}", report);
        }
    }
}

#[test]
fn data_020_the_name_is_checked_first() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("bad-name");
    std::fs::create_dir(&dataset).unwrap();
    std::fs::write(dataset.join("bad-name.json"), "not even JSON").unwrap();
    let report = one(dataset.clone(), false);
    assert_eq!(report.findings[0].rule.id(), "DATA-020");
    assert!(one(dataset, true).compat()[0].starts_with("\"bad-name\" contains invalid characters"));
}
