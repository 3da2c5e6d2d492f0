//! Tables in every layout, order and view that `tabulate` offers; texts and lists from metadata.

mod common;

use common::{category, counts, document, two_way};
use figures::Presentation;
use kernel::Language;
use serde_json::{Value, json};

fn view(contents: Value, layout: Value) -> Value {
    let mut view = json!({"view": "table", "contents": contents});
    if layout != json!({}) {
        view["layout"] = layout;
    }
    view
}

fn shown(result: Value, language: Language) -> (String, String) {
    let document = document(vec![result]);
    let entry = &document.results[0];
    let how = Presentation { language, caption: "tabulate", id: "r1" };
    (figures::result(entry, how), figures::text(entry, language))
}

/// Three dimensions of two, two and one categories; the cells count up.
fn three_way(view: Value) -> Value {
    let dimension = |name: &str, codes: &[&str]| json!({"name": name, "categories": codes.iter().map(|c| category(c, &format!("{name}{c}"))).collect::<Vec<_>>()});
    let values: Vec<Option<f64>> = (0..18).map(|i| Some(100.0 + f64::from(i))).collect();
    json!({
        "kind": "table",
        "dimensions": [dimension("a", &["1", "2"]), dimension("b", &["1", "2"]), dimension("c", &["1"])],
        "cells": counts(&values),
        "typical_error": 1.3,
        "view": view,
    })
}

/// The names and numbers of a text table, without its head and notes.
fn lines(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip(2).take_while(|l| !l.starts_with("Numbers"));
    rows.map(|l| l.split("  ").map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()).collect()
}

/// LANG-162: the second variable forms the columns, the others nest in the stub; `flatten` repeats their names.
#[test]
fn lang_162_variables_nest_in_the_stub() {
    let (html, text) = shown(three_way(view(json!(["count"]), json!({}))), Language::En);
    assert!(html.contains("<th scope=\"rowgroup\" rowspan=\"2\">a1</th><th scope=\"row\">c1</th>"), "{html}");
    assert!(html.contains("<th scope=\"colgroup\" colspan=\"3\" class=\"hap-group\">b</th>"));
    // Row a1 c1 over b1, b2, total: cells 0, 2 and 4 of the table.
    assert_eq!(lines(&text)[0], ["a1", "c1", "100", "102", "104"]);
    let (flat, _) = shown(three_way(view(json!(["count"]), json!({"flat": true}))), Language::En);
    assert!(!flat.contains("rowspan=\"2\">a1") && flat.matches("<th scope=\"row\">a1</th>").count() == 2);
}

/// LANG-312: stub and head are free, and heads nest.
#[test]
fn lang_312_heads_nest() {
    let (html, text) = shown(three_way(view(json!(["count"]), json!({"rows": [2], "columns": [1, 0]}))), Language::En);
    assert!(html.contains("<th scope=\"colgroup\" colspan=\"9\" class=\"hap-group\">b / a</th>"), "{html}");
    assert!(html.contains("<th scope=\"colgroup\" colspan=\"3\" class=\"hap-group\">b2</th>"));
    assert!(html.contains("<th scope=\"col\" rowspan=\"3\">c</th>"));
    assert_eq!(lines(&text)[0][..5], ["c1", "100", "106", "112", "102"]);
    // Percentages follow the layout: of the row is of all a and b.
    let share = view(json!([{"share": "row"}]), json!({"rows": [2], "columns": [1, 0]}));
    let (_, text) = shown(three_way(share), Language::En);
    assert_eq!(lines(&text)[0][1], "86.2", "100 of 116: {text}");
    let (all_rows, _) = shown(three_way(view(json!(["count"]), json!({"rows": [2, 0, 1]}))), Language::En);
    assert!(all_rows.contains("<th scope=\"col\">c</th><th scope=\"col\">a</th><th scope=\"col\">b</th>"));
}

fn names(layout: Value) -> Vec<String> {
    let (_, text) = shown(two_way(view(json!(["count"]), layout)), Language::En);
    lines(&text).into_iter().map(|l| l[0].clone()).collect()
}

/// STAT-045, LANG-162, LANG-164: order and cutting follow released numbers; hidden ones come last, totals stay.
#[test]
fn stat_045_order_and_cutting() {
    let (young, grown, old, total) = ("0–17 år", "18–66 år", "67 år og eldre", "Total");
    // By total: 9127, 20285, 61330.
    assert_eq!(names(json!({"flat": true, "row_sort": []})), [old, young, grown, total]);
    // By men, where the oldest are hidden.
    assert_eq!(names(json!({"flat": true, "row_sort": ["1"]})), [young, grown, old, total]);
    // By women: 9120, 9872, 30128.
    assert_eq!(names(json!({"flat": true, "row_sort": ["2"]})), [old, young, grown, total]);
    assert_eq!(names(json!({"flat": true, "row_sort": [], "top": 1})), [old, total]);
    assert_eq!(names(json!({"flat": true, "row_sort": [], "bottom": 2})), [young, grown, total]);
    assert_eq!(names(json!({"flat": true, "top": 1, "bottom": 1})), [young, old, total]);
    assert_eq!(names(json!({"flat": true, "bottom": 9})), [young, grown, old, total]);
    // Codes that the table has not: the order of the codes, and a word about it.
    let unknown = two_way(view(json!(["count"]), json!({"flat": true, "row_sort": ["7"]})));
    let (_, text) = shown(unknown, Language::En);
    assert!(text.contains("no row or column with the codes"), "{text}");
    assert_eq!(lines(&text)[0][0], young);
    // Columns by the row of those aged 18 to 66, where there are fewer women.
    let columns = two_way(view(json!(["count"]), json!({"flat": true, "column_sort": ["2"]})));
    let (_, text) = shown(columns, Language::En);
    assert!(text.lines().next().unwrap().contains("Kvinne"), "{text}");
    assert_eq!(lines(&text)[0], [young, "9,872", "10,411", "20,285"]);
    // The total is the same whatever is cut.
    let cut = two_way(view(json!(["count"]), json!({"flat": true, "top": 1})));
    assert_eq!(lines(&shown(cut, Language::En).1)[1], [total, "41,622", "49,121", "90,740"]);
}

/// SDC-133: the additive view adds up and says that it is adjusted.
#[test]
fn sdc_133_the_additive_view() {
    let result = three_way(view(json!(["count"]), json!({"additive": true})));
    let (html, text) = shown(result, Language::En);
    assert!(html.contains("Counts are adjusted so that they add up.") && !html.contains("Sums may differ"));
    let number = |l: &[String], i: usize| l[l.len() - 3 + i].parse::<f64>().unwrap();
    for line in lines(&text) {
        assert_eq!(number(&line, 0) + number(&line, 1), number(&line, 2), "{text}");
    }
}

/// SDC-134: a table for a report adds up, hides more than the small cell, and says both; rounded, it says to what.
#[test]
fn sdc_134_a_table_for_a_report() {
    let rule = json!({"min_cell": 10, "p_percent": 10.0});
    let mut result = two_way(view(json!(["count"]), json!({"publication": rule})));
    result["cells"][0]["count"] = json!({"hidden": "SMALL"});
    let (html, text) = shown(result.clone(), Language::En);
    assert!(html.contains("made for a report") && html.contains("Counts are adjusted so that they add up."), "{html}");
    assert_eq!(html.matches("class=\"hap-hidden\"").count(), 4, "a box of four: {text}");
    assert!(html.contains("too few persons here or in a cell that could be worked out"), "{html}");
    result["view"]["layout"]["publication"]["base"] = json!(50);
    let (html, text) = shown(result, Language::En);
    assert!(
        html.contains("Sums may differ. Counts are rounded to the nearest 50.") && !html.contains("adjusted"),
        "{html}"
    );
    let lines = lines(&text);
    let numbers = lines.iter().flat_map(|l| l.iter().skip(1)).filter_map(|n| n.replace(',', "").parse::<u64>().ok());
    assert!(numbers.inspect(|n| assert_eq!(n % 50, 0, "{text}")).count() > 5, "{text}");
}

/// STAT-043, STAT-351, SDC-132: the test stands below the table, small p as a bound, and says what it is computed on.
#[test]
fn sdc_132_the_test_below_the_table() {
    let test =
        json!({"chi2": {"value": 1230.0}, "df": {"value": 2.0}, "p": {"value": 1e-20}, "cramers_v": {"value": 0.123}});
    let mut result = two_way(view(json!(["count"]), json!({})));
    result["chi_square"] = test;
    let (html, text) = shown(result.clone(), Language::Nb);
    for part in [
        "<dt>χ²</dt><dd>1\u{a0}230</dd>",
        "<dt>p</dt><dd>&lt; 0,001</dd>",
        "Testen er beregnet på lett endrede antall.",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(text.contains("Cramérs V: 0,123"));
    for value in ["chi2", "df", "p", "cramers_v"] {
        result["chi_square"][value] = json!({"hidden": "SMALL"});
    }
    let (html, text) = shown(result, Language::Nb);
    assert!(html.matches("class=\"hap-hidden\"").count() == 5 && text.contains("p: ·····"), "{text}");
}

/// LANG-161, STAT-032: a summary of a panel has the date first.
#[test]
fn lang_161_a_summary_of_a_panel() {
    let row = |date: &str, n: f64| {
        json!({"measure": {"name": "pay", "kind": "integer", "winsorised": false},
            "occasion": {"code": date}, "n": {"value": n}, "values": [{"value": 5.0}]})
    };
    let (html, text) = shown(
        json!({"kind": "summary", "statistics": ["mean"], "rows": [row("2020-01-01", 1500.0), row("2021-01-01", 1600.0)],
            "typical_error": 1.3, "view": {"view": "table", "contents": []}}),
        Language::En,
    );
    assert!(html.contains("<th scope=\"col\">Date</th><th scope=\"col\">Variable</th>"));
    assert_eq!(lines(&text)[1], ["2021-01-01", "pay", "1,600", "5"]);
}

/// LANG-153, LANG-155, LANG-321: lists, texts and what receipts add.
#[test]
fn texts_from_metadata() {
    let text = |nb: &str, en: &str| json!({"nb": nb, "nn": nb, "en": en});
    let receipt = json!({"view": "receipt"});
    let list = json!({"info": {"table": {"columns": ["code", "label", "own"],
        "rows": [[text("1", "1"), text("Mann", "Man"), text("<b>", "<b>")]]}}, "view": receipt});
    let (html, plain) = shown(list, Language::En);
    assert!(
        html.contains("<th scope=\"col\">Code</th><th scope=\"col\">Label</th><th scope=\"col\">own</th>"),
        "{html}"
    );
    assert!(html.contains("<th scope=\"row\">1</th><td>Man</td><td>&lt;b&gt;</td>") && plain.contains("Man"));
    let (html, _) = shown(json!({"info": {"block": "# Om\n<script>x</script>"}, "view": receipt}), Language::Nb);
    assert_eq!(html, "<div class=\"hap-text\"><h4>Om</h4><p>&lt;script&gt;x&lt;/script&gt;</p></div>");
    let (html, _) = shown(json!({"info": {"text": text("Hjelp", "Help")}, "view": receipt}), Language::En);
    assert!(html.contains("<p>Help</p>"));
    let (html, _) =
        shown(json!({"info": {"dataset": {"dataset": "d", "done": "created"}}, "view": receipt}), Language::Nn);
    assert_eq!(html, "<p class=\"hap-receipt\">d er laga og er tomt.</p>");
    let harmonised = json!({"kind": "population", "dataset": "d", "dataset_kind": "panel", "unit_type": "PERSON",
        "persons": {"value": 1500.0}, "before": {"value": 2000.0}, "view": receipt,
        "notes": [{"note": "harmonised", "column": "k", "to": "2024-01-01", "changed": 3,
            "splits": [{"from": "1507", "heirs": ["1508", "1580"], "chosen": "1508"}]}]});
    let (html, plain) = shown(harmonised, Language::En);
    assert!(plain.starts_with("d (panel, PERSON) has 1,500 persons (before: 2,000)."), "{plain}");
    assert!(
        plain.contains(
            "in force on 2024-01-01; 3 codes have changed.\nk: 1507 was split into 1508, 1580; 1508 is chosen."
        )
    );
    assert!(html.contains("<p class=\"hap-note\">k: 1507"));
}

/// A page with tables of every form, to be looked at.
#[test]
fn a_page_of_tables() {
    let several = json!(["count", {"share": "row"}]);
    let mut tested = two_way(view(several.clone(), json!({"flat": true, "row_sort": []})));
    tested["chi_square"] =
        json!({"chi2": {"value": 1230.0}, "df": {"value": 2.0}, "p": {"value": 0.0}, "cramers_v": {"hidden": "SMALL"}});
    let text = |t: &str| json!({"nb": t, "nn": t, "en": t});
    let help = "## tabulate\n\nTabell over antall. `tabulate v1 v2`\n\n- `freq`: antall\n- `rowpct`: prosent\n\n```\ntabulate kjønn\n```";
    let list = json!({"info": {"table": {"columns": ["code", "label", "flagged"], "rows": [[text("1"), text("Mann"), text("0")]]}},
        "view": {"view": "receipt"}});
    let results = vec![
        three_way(view(several, json!({}))),
        three_way(view(json!(["count"]), json!({"rows": [2], "columns": [1, 0]}))),
        three_way(view(json!(["count"]), json!({"additive": true, "flat": true}))),
        tested,
        json!({"info": {"text": text(help)}, "view": {"view": "receipt"}}),
        list,
    ];
    let body: String = results.into_iter().map(|r| shown(r, Language::Nb).0).collect();
    let page = format!(
        "<!doctype html><html lang=nb data-color-scheme=light><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <style>{}body{{font:16px system-ui;margin:1rem}}</style>{body}",
        figures::STYLESHEET
    );
    assert!(page.matches("<table").count() == 5 && !page.contains("style="));
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("tables.html"), page).unwrap();
}
