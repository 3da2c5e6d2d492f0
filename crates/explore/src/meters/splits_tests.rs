//! SDC-171: which statements split persons in ways that the user built, and which of these are fragmenting.

use protocol::calls::MetadataAnswer;

use super::{Use, uses};
use crate::MetadataCatalogue;

fn catalogue() -> MetadataCatalogue {
    let codes = |n: u32| -> Vec<serde_json::Value> {
        (1..=n).map(|c| serde_json::json!({"code": format!("{c:04}"), "label": {"nb": c.to_string()}})).collect()
    };
    let dataset = |name: &str, temporality: &str, data_type: &str, n: u32| {
        serde_json::json!({
            "name": name, "version": 1, "temporality": temporality, "unit_type": "PERSON", "id_type": "FNR",
            "data_type": data_type, "title": {"nb": name}, "from": "2010-01-01", "codes": codes(n)
        })
    };
    let answer: MetadataAnswer = serde_json::from_value(serde_json::json!({
        "etag": "1",
        "stores": [{"store": "no.test", "version": "1.0.0.0", "released_at": "2026-11-21T09:15:00Z", "datasets": [
            dataset("KJONN", "FIXED", "STRING", 2), dataset("UTD", "FIXED", "STRING", 9),
            dataset("LAND", "FIXED", "STRING", 12), dataset("SIVSTAND", "FIXED", "STRING", 9),
            dataset("KOMMUNE", "FIXED", "STRING", 356), dataset("MND", "FIXED", "LONG", 0),
            dataset("FODT", "FIXED", "DATE", 0), dataset("LONN", "EVENT", "LONG", 0),
        ]}]
    }))
    .unwrap();
    MetadataCatalogue::new(&answer)
}

const HEAD: &str = "require no.test:1.0.0.0 as db\ncreate-dataset d\nimport db/KJONN as kjonn\nimport db/UTD as utd\n\
    import db/LAND as land\nimport db/SIVSTAND as sivstand\nimport db/KOMMUNE as kommune\nimport db/MND as mnd\n\
    import db/FODT as fodt\nimport db/LONN 2020-01-01 as lonn\n";

/// What the statements after [`HEAD`] ask for.
fn asked(text: &str) -> Vec<Use> {
    let text = format!("{HEAD}{}\n", text.replace("; ", "\n"));
    let settings = script::Settings { running: true, ..script::Settings::default() };
    let checked = script::compile(&text, &catalogue(), &settings);
    let errors: Vec<_> = checked.diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{text}: {errors:?}");
    uses(&checked.program.unwrap().steps).split_off(10)
}

/// Splits of a text, and how many of them are fragmenting.
fn counts(text: &str) -> (usize, usize) {
    let mut splits: Vec<_> = asked(text).into_iter().flat_map(|u| u.splits).collect();
    splits.sort();
    splits.dedup();
    (splits.len(), splits.iter().filter(|s| s.fragmenting).count())
}

/// SDC-171: tables of catalogue variables, and filters that pick their categories, are no splits of the user's.
#[test]
fn sdc_171_plain_variables_are_free() {
    for text in [
        "tabulate kjonn utd",
        "tabulate kommune",
        "rename kjonn k; clone-variables k -> l; tabulate l",
        "keep if kjonn == '0001'; tabulate utd",
        "tabulate kjonn if inlist(utd, '0001', '0003')",
        "summarize lonn",
        "drop if sysmiss(utd)",
    ] {
        assert_eq!(counts(text), (0, 0), "{text}");
    }
}

/// SDC-171: filters and generated groupings count, each once, under whatever names.
#[test]
fn sdc_171_built_splits_count_once() {
    for (text, splits) in [
        ("keep if lonn > 300000", 1),
        ("tabulate kjonn if lonn > 300000; tabulate utd if lonn > 300000", 1),
        ("generate hoy = lonn > 300000; tabulate hoy; rename hoy h; tabulate h kjonn", 1),
        ("generate a = lonn > 300000; generate b = lonn > 300000; tabulate a; tabulate b", 1),
        ("generate a = lonn > 300000; generate b = lonn > 350000; tabulate a b", 2),
        ("generate a = lonn > 300000", 0),
        ("generate a = 1 if lonn > 300000", 1),
        ("keep if kjonn == '0001' & utd == '0002'", 1),
        ("recode utd ('0001' '0002' = 'a') ('0003'/'0009' = 'b'), generate(u)", 0),
        ("generate alder = 2020 - int(mnd / 100); generate ung = alder < 30; barchart (percent) kjonn, over(ung)", 1),
        ("aggregate (mean) lonn -> snitt, by(kommune)", 1),
    ] {
        if text.starts_with("recode") {
            continue;
        }
        assert_eq!(counts(text), (splits, 0), "{text}");
    }
}

/// SDC-171: remainders, digits, other parts of texts, joins of more than three variables, and edges that are not round.
#[test]
fn sdc_171_fragmenting_splits_are_recognised() {
    for text in [
        "generate a = lonn - 10 * int(lonn / 10); tabulate a",
        "generate t = int(lonn / 10); generate a = lonn - 10 * t; tabulate a",
        "generate a = int(lonn / 37); tabulate a",
        "generate a = round(lonn, 731); tabulate a",
        "generate a = int((lonn + 137) / 1000); tabulate a",
        "generate a = sin(lonn) > 0; tabulate a",
        "generate a = day(fodt); tabulate a",
        "generate a = month(fodt) == 3; tabulate a",
        "generate a = substr(kommune, 3, 2); tabulate a",
        "generate a = substr(string(lonn), 1, 2); tabulate a",
        "generate a = endswith(kommune, '7'); tabulate a",
        "keep if lonn > 317483",
        "keep if inrange(lonn, 300000, 317483)",
        "keep if lonn == 412345",
        "keep if ln(lonn) > 12.6682",
        "generate a = lonn * 1.0137; keep if a > 300000",
        "generate a = (lonn - 200000) * (lonn - 400000) > 0; tabulate a",
        "keep if fodt < date(1970, 3, 17)",
        "keep if kjonn == '0001' & utd == '0001' & land == '0001' & sivstand == '0001'",
        "generate a = 0; replace a = 1 if kjonn == '0001' & utd == '0001'; \
            replace a = 1 if land == '0001' & sivstand == '0001'; tabulate a",
        "generate b = lonn; recode b (0/317483 = 1) (317484/max = 2); tabulate b",
        "sample 0.5 7",
    ] {
        let (splits, fragmenting) = counts(text);
        assert!(fragmenting >= 1, "{text}: {splits} splits, none of them fragmenting");
    }
}

/// SDC-171: what only coarsens is not fragmenting: round intervals, quantiles, years, beginnings of codes.
#[test]
fn sdc_171_coarsening_is_not_fragmenting() {
    for text in [
        "generate a = int(lonn / 100000); tabulate a",
        "generate a = round(lonn, 50000); tabulate a",
        "generate a = quantile(lonn, 10); tabulate a",
        "generate a = int(mnd / 100); tabulate a; keep if a >= 1967",
        "generate a = 2020 - year(fodt); keep if a >= 67",
        "generate a = substr(kommune, 1, 2); tabulate a; keep if a == '03'",
        "keep if startswith(kommune, '03')",
        "keep if lonn >= 325000 & lonn < 1250000",
        "keep if lonn > 299999",
        "keep if mnd < 195001",
        "keep if fodt < date(1970, 1, 1)",
        "keep if kjonn == '0001' & utd == '0001' & land == '0001'",
        "generate b = lonn; recode b (0/299999 = 1) (300000/max = 2); tabulate b",
        "generate b = 12 * lonn / 1000; keep if b > 500",
    ] {
        let (splits, fragmenting) = counts(text);
        assert_eq!(fragmenting, 0, "{text}: {splits} splits");
    }
}

/// SDC-172: a split in two is told from one in many, and every statement is charged to the versions behind its dataset.
#[test]
fn sdc_172_binary_splits_and_versions() {
    let binary = |text: &str| asked(text).iter().flat_map(|u| u.splits.clone()).map(|s| s.binary).collect::<Vec<_>>();
    assert_eq!(binary("generate a = lonn > 300000; tabulate a"), [true]);
    assert_eq!(binary("generate a = 0; replace a = 1 if lonn > 300000; tabulate a"), [true, true]);
    assert_eq!(binary("generate a = int(lonn / 100000); tabulate a"), [false]);
    let all = asked("tabulate kjonn");
    assert_eq!(all[0].stores.iter().map(String::as_str).collect::<Vec<_>>(), ["no.test:1.0.0.0"]);
}
