//! Tables and figures of released documents: meaning, accessibility, language, safety of texts.

mod common;

use common::{bars, counts_view, document, one_way, summary, two_way};
use disclosure::Entry;
use figures::Presentation;
use kernel::Language;
use serde_json::{Value, json};

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
            let document = common::document(vec![r]);
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
    assert!(csv.contains("status,2,'=1+1,300,\n"), "{csv}");
    assert!(csv.starts_with("variable,category,category_label,value,status\n"));
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
    let document = common::document(vec![edit]);
    assert_eq!(figures::text(&document.results[0], Language::En), "p: x is set for 1,200 units.");
}
