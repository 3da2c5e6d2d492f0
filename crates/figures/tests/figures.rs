//! Tables and figures of released documents: meaning, accessibility, language, safety of texts.
#![expect(clippy::unwrap_used, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use disclosure::{Document, Entry, SealedDocument};
use figures::Presentation;
use kernel::{CryptoError, KeyId, Language, Verifier};
use serde_json::{Value, json};

struct Anyone;
impl Verifier for Anyone {
    fn verify(&self, _: &KeyId, _: &[u8], _: &[u8; 64]) -> Result<(), CryptoError> {
        Ok(())
    }
}

/// A released document with these results, opened as any other.
fn document(results: Vec<Value>) -> Document {
    let policy = json!({"name": "default", "version": 1, "sha256": "sha256:00"});
    let entries: Vec<Value> = results
        .into_iter()
        .enumerate()
        .map(|(i, mut result)| {
            let view = result.as_object_mut().unwrap().remove("view").unwrap();
            json!({"id": i + 1, "line": i + 1, "pass": 1, "command": "command", "view": view, "warnings": [],
                "content": {"policy": policy, "value": result}})
        })
        .collect();
    let document = json!({
        "head": {"run": "r", "script": "sha256:00", "stores": [], "at": "2026-11-21T09:15:00.000000Z"},
        "results": entries,
    });
    let envelope = json!({
        "payloadType": SealedDocument::PAYLOAD_TYPE,
        "payload": STANDARD.encode(kernel::canonical_json(&document).unwrap()),
        "signatures": [{"keyid": "ed25519:0", "sig": STANDARD.encode([0; 64])}],
    });
    SealedDocument::from_bytes(envelope.to_string().as_bytes()).unwrap().open(&Anyone).unwrap()
}

fn category(code: &str, label: &str) -> Value {
    json!({"code": code, "label": label})
}

fn counts(cells: &[Option<f64>]) -> Vec<Value> {
    let cell = |c: &Option<f64>| match c {
        Some(x) => json!({"count": {"value": x}}),
        None => json!({"count": {"hidden": "SMALL"}}),
    };
    cells.iter().map(cell).collect()
}

/// Sex by age group, one cell hidden.
fn two_way(view: Value) -> Value {
    json!({
        "kind": "table",
        "dimensions": [
            {"name": "age", "label": "Aldersgruppe", "categories": [category("1", "0–17 år"), category("2", "18–66 år"), category("3", "67 år og eldre")]},
            {"name": "sex", "label": "Kjønn", "categories": [category("1", "Mann"), category("2", "Kvinne")]},
        ],
        "cells": counts(&[Some(10411.0), Some(9872.0), Some(20285.0), Some(31204.5), Some(30128.0), Some(61330.0),
            None, Some(9120.0), Some(9127.0), Some(41622.0), Some(49121.0), Some(90740.0)]),
        "typical_error": 1.3,
        "view": view,
    })
}

fn one_way(labels: &[&str], values: &[Option<f64>], view: Value) -> Value {
    let categories: Vec<Value> = labels.iter().enumerate().map(|(i, l)| category(&i.to_string(), l)).collect();
    json!({
        "kind": "table",
        "dimensions": [{"name": "status", "label": "Sivilstand", "categories": categories}],
        "cells": counts(values),
        "typical_error": 1.3,
        "view": view,
    })
}

fn summary() -> Value {
    let measure = json!({"name": "income", "label": "Inntekt", "kind": "integer", "winsorised": true});
    let birth = json!({"name": "born", "kind": "date", "winsorised": false});
    json!({
        "kind": "summary",
        "statistics": ["mean", "sd", "p50", "p99"],
        "rows": [
            {"measure": measure, "n": {"value": 1234.0},
             "values": [{"value": 512300.0}, {"value": 211000.0}, {"value": 487000.0}, {"hidden": "TAIL"}]},
            {"measure": birth, "n": {"value": 1234.0},
             "values": [{"value": 1096.0}, {"value": 8123.5}, {"value": 1096.0}, "undefined"]},
        ],
        "skipped": ["municipality"],
        "typical_error": 1.3,
        "view": {"view": "table", "contents": []},
    })
}

fn counts_view() -> Value {
    json!({"view": "table", "contents": ["count"]})
}

fn bars(content: Value, horizontal: bool, stacked: bool) -> Value {
    json!({"view": "bars", "content": content, "horizontal": horizontal, "stacked": stacked})
}

fn shown(entry: &Entry, language: Language) -> String {
    figures::result(entry, Presentation { language, caption: "tabulate <age> sex", id: "r1" })
}

/// SDC-043, LANG-103: a hidden cell says its reason and remedy and holds no number.
#[test]
fn sdc_043_a_hidden_cell_says_why() {
    let document = document(vec![two_way(counts_view())]);
    let html = shown(&document.results[0], Language::Nb);
    assert_eq!(html.matches("class=\"hap-hidden\" tabindex=\"0\"").count(), 1);
    assert!(html.contains("Skjult: for få personer. Slå sammen kategorier."));
    assert!(shown(&document.results[0], Language::En).contains("Hidden: too few persons. Merge categories."));
}

/// Headings have scopes, the caption is escaped, numbers follow the language.
#[test]
fn tables_are_semantic() {
    let document = document(vec![two_way(counts_view())]);
    let html = shown(&document.results[0], Language::Nb);
    for part in [
        "<caption id=\"r1-c\">tabulate &lt;age&gt; sex</caption>",
        "<th scope=\"col\" rowspan=\"2\">Aldersgruppe</th>",
        "<th scope=\"colgroup\" colspan=\"3\" class=\"hap-group\">Kjønn</th>",
        "<th scope=\"row\">0–17 år</th><td class=\"hap-number\">10\u{a0}411</td>",
        "<td class=\"hap-number\">31\u{a0}204,5</td>",
        "<tr class=\"hap-total\"><th scope=\"row\">I alt</th>",
        "Tallene er lett endret; typisk feil ±1,3. Summer kan avvike.",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(shown(&document.results[0], Language::En).contains("31,204.5"));
    assert!(!html.contains("style="));
}

/// SDC-044: shares are hidden with their parts; several contents give several rows (STAT-042).
#[test]
fn shares_and_several_contents() {
    let view = json!({"view": "table", "contents": ["count", {"share": "row"}]});
    let document = document(vec![two_way(view)]);
    let html = shown(&document.results[0], Language::Nn);
    assert!(html.contains("<th scope=\"rowgroup\" rowspan=\"2\">0–17 år</th><th scope=\"row\">Talet på personar</th>"));
    assert!(html.contains("<th scope=\"row\">Prosent av rad</th><td class=\"hap-number\">51,3</td>"));
    assert_eq!(html.matches("class=\"hap-hidden\"").count(), 2);
}

/// LANG-160: a summary has a row per variable, dates as months, and says what was winsorised and skipped.
#[test]
fn a_summary() {
    let document = document(vec![summary()]);
    insta::assert_snapshot!("summary_nb", shown(&document.results[0], Language::Nb).replace("><", ">\n<"));
    insta::assert_snapshot!("summary_text_en", figures::text(&document.results[0], Language::En));
}

/// Charts carry title, description, names and numbers; hidden bars are dotted and say why.
#[test]
fn sdc_210_bar_charts() {
    let labels = ["Ugift", "Gift", "Enke", "Skilt"];
    let values = [Some(40210.0), Some(31000.0), None, Some(9100.0), Some(80310.0)];
    let document = document(vec![
        one_way(&labels, &values, bars(json!("count"), false, false)),
        one_way(&labels, &values, bars(json!("count"), true, false)),
        two_way(bars(json!("count"), true, false)),
        two_way(bars(json!({"share": "row"}), false, true)),
    ]);
    let upright = shown(&document.results[0], Language::Nb);
    for part in [
        "role=\"img\"",
        "aria-labelledby=\"r1-t r1-d\"",
        "<title id=\"r1-t\">tabulate &lt;age&gt; sex</title>",
        ">40\u{a0}210</text>",
        ">Ugift</text>",
        "<title>Enke: Skjult: for få personer. Slå sammen kategorier.</title>",
        "fill=\"url(#r1-p)\"",
        "<details><summary>Tallene som tabell</summary>",
        "viewBox=\"0 0 360 ",
    ] {
        assert!(upright.contains(part), "{part}\n{upright}");
    }
    for entry in &document.results {
        let html = shown(entry, Language::En);
        assert!(html.contains("<svg") && !html.contains("style=") && !html.contains("NaN"));
    }
    insta::assert_snapshot!("stacked_en", shown(&document.results[3], Language::En).replace("><", ">\n<"));
    // A page with all of them, to be looked at.
    let all: String = document
        .results
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let id = format!("r{i}");
            let how = Presentation { language: Language::Nb, caption: "barchart (count) sivilstand", id: &id };
            figures::result(e, how)
        })
        .collect();
    let tables: String = [two_way(counts_view()), summary()]
        .into_iter()
        .map(|r| {
            let document = self::document(vec![r]);
            shown(&document.results[0], Language::Nb)
        })
        .collect();
    let page = format!(
        "<!doctype html><html lang=nb data-color-scheme=light><meta charset=utf-8><style>{}body{{font:16px system-ui;margin:1rem}}</style>{all}{tables}",
        figures::STYLESHEET
    );
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures.html"), page).unwrap();
}

/// The variable of a chart of counts is the second dimension; `by` comes after it.
#[test]
fn groups_of_a_chart_of_three_dimensions() {
    let mut three = two_way(bars(json!("count"), true, false));
    three["dimensions"].as_array_mut().unwrap().push(json!({"name": "year", "categories": [{"code": "2020"}]}));
    let cells = three["cells"].as_array().unwrap().clone();
    three["cells"] = cells.iter().flat_map(|c| [c.clone(), c.clone()]).collect();
    let document = document(vec![three]);
    let html = shown(&document.results[0], Language::Nb);
    assert!(html.contains("font-weight=\"600\">0–17 år, 2020</text>"));
    assert!(html.contains(">Kvinne</text>"));
}

/// Nothing to draw: the table stands alone.
#[test]
fn a_chart_without_numbers_is_a_table() {
    let document = document(vec![one_way(&["a", "b"], &[None, None, None], bars(json!("count"), false, false))]);
    let html = shown(&document.results[0], Language::Nb);
    assert!(!html.contains("<svg") && html.contains("<table"));
}

/// Texts from labels cannot break out of the page or the file.
#[test]
fn labels_are_escaped() {
    let nasty = ["<script>alert(1)</script>", "\"&'", "=1+1"];
    let values = [Some(100.0), Some(200.0), Some(300.0), Some(600.0)];
    let document = document(vec![one_way(&nasty, &values, bars(json!("count"), true, false))]);
    let html = shown(&document.results[0], Language::Nb);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    let csv = figures::csv(&document.results[0]);
    assert!(csv.contains("'=1+1,300,\n"), "{csv}");
    assert!(csv.starts_with("Sivilstand,Number of persons,Number of persons status\n"));
}

/// LANG-101: receipts give released numbers only.
#[test]
fn lang_101_receipts() {
    let receipt = |value: Value| {
        json!({"kind": "population", "dataset": "p", "unit_type": "PERSON", "persons": value,
            "view": {"view": "receipt"}})
    };
    let document = document(vec![receipt(json!({"value": 100004.0})), receipt(json!({"hidden": "SMALL"}))]);
    let html = shown(&document.results[0], Language::Nb);
    assert_eq!(html, "<p class=\"hap-receipt\">p har 100\u{a0}004 personer.</p>");
    assert!(figures::text(&document.results[1], Language::En).contains("p has few persons."));
    let edit = json!({"kind": "edit", "dataset": "p", "columns": ["x"], "touched": {"value": 1200.0},
        "view": {"view": "receipt"}});
    let document = self::document(vec![edit]);
    assert_eq!(figures::text(&document.results[0], Language::En), "p: x is set for 1,200 units.");
}
