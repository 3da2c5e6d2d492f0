//! All figures and tables of results on one page, drawn from made-up released values, to be looked at:
//! `cargo run -p figures --example gallery FOLDER` writes `gallery-light.html`, `gallery-dark.html` and each figure in every picture
//! format into the folder.

#![expect(clippy::unwrap_used, reason = "a tool for those who draw")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::PathBuf;

use common::analyses::{boxes, correlations, flows, hexbin, histogram, mlogit, model, odds, survival, tests, weibull};
use common::{bars, counts_view, document, one_way, summary, two_way};
use figures::{Format, Origin, Presentation};
use kernel::Language;
use serde_json::{Value, json};

fn results() -> Vec<(&'static str, Value)> {
    let status = ["Ugift", "Gift", "Enke", "Skilt"];
    let values = [Some(40_210.0), Some(31_000.0), None, Some(9_100.0), Some(80_310.0)];
    let counties = [
        "Oslo",
        "Rogaland",
        "Møre og Romsdal",
        "Nordland",
        "Østfold",
        "Akershus",
        "Buskerud",
        "Innlandet",
        "Vestfold",
        "Telemark",
        "Agder",
        "Vestland",
        "Trøndelag",
        "Troms",
        "Finnmark",
    ];
    let many: Vec<Option<f64>> = (0..15).map(|i| Some(900.0 - 37.0 * f64::from(i))).chain([Some(9615.0)]).collect();
    vec![
        ("barchart (count) sivilstand", one_way(&status, &values, bars(json!("count"), false, false))),
        ("barchart (percent) sex, over(age) stack", two_way(bars(json!({"share": "row"}), true, true))),
        ("barchart (count) sex, over(age)", two_way(bars(json!("count"), true, false))),
        ("histogram income", histogram(json!({"view": "histogram", "scale": "density"}), false)),
        (
            "histogram income, by(sex) percent normal",
            histogram(json!({"view": "histogram", "scale": "percent", "normal": true}), true),
        ),
        ("boxplot income, over(edu)", boxes(json!({"view": "boxes"}), 1)),
        ("boxplot income pension, over(edu) horizontal", boxes(json!({"view": "boxes", "horizontal": true}), 2)),
        ("boxplot income, over(sex)", {
            let mut few = boxes(json!({"view": "boxes"}), 1);
            for (i, name) in ["A", "B", "C", "D"].iter().enumerate() {
                few["dimensions"][0]["categories"][i]["label"] = json!(name);
            }
            few
        }),
        ("histogram children, discrete freq", {
            let mut few = histogram(json!({"view": "histogram", "scale": "count"}), false);
            few["discrete"] = json!(true);
            few["title"] = json!("Antall barn");
            for (i, bar) in few["panels"][0]["bars"].as_array_mut().unwrap().iter_mut().enumerate() {
                bar["from"] = json!(i as f64);
                bar["to"] = json!(i as f64);
            }
            few
        }),
        ("histogram born, percent", {
            let mut dates = histogram(json!({"view": "histogram", "scale": "percent"}), false);
            dates["number"] = json!("date");
            dates["title"] = json!("Fødselsmåned");
            for (i, bar) in dates["panels"][0]["bars"].as_array_mut().unwrap().iter_mut().enumerate() {
                bar["from"] = json!(i as f64 * 2000.0 - 12_000.0);
                bar["to"] = json!(i as f64 * 2000.0 - 10_000.0);
            }
            dates
        }),
        ("piechart sivilstand", one_way(&status, &values, json!({"view": "pie"}))),
        ("piechart fylke", one_way(&counties, &many, json!({"view": "pie"}))),
        ("hexbin bmi age", hexbin(json!({"view": "hexbin"}))),
        ("sankey status@2018 status@2020 status@2022", flows(json!({"view": "sankey"}))),
        ("coefplot regress income age i.sex i.edu", model(json!({"view": "coefplot"}))),
        ("coefplot logit hospital age i.sex i.edu, or", odds(json!({"view": "coefplot"}))),
        ("coefplot mlogit job age", mlogit(json!({"view": "coefplot"}))),
        ("kaplan-meier died days, by(sex)", survival(json!({"view": "survival"}))),
        ("weibull died days, by(sex)", weibull(json!({"view": "survival"}))),
        ("regress income age i.sex i.edu, cluster(municipality)", model(json!({"view": "model"}))),
        ("mlogit job age", mlogit(json!({"view": "model"}))),
        ("correlate income age visits, sig", correlations(json!({"view": "correlations", "p": true}))),
        ("anova income sex, posthoc", tests(json!({"view": "tests"}))),
        ("tabulate age sex", two_way(counts_view())),
        ("summarize income born", summary()),
    ]
}

fn main() {
    let folder: PathBuf = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()).into();
    std::fs::create_dir_all(&folder).unwrap();
    let (names, results): (Vec<&str>, Vec<Value>) = results().into_iter().unzip();
    let mut document = document(results);
    for (entry, name) in document.results.iter_mut().zip(&names) {
        (*name).clone_into(&mut entry.command);
    }
    let mut body = String::new();
    for (i, entry) in document.results.iter().enumerate() {
        let id = format!("r{i}");
        let how = Presentation { language: Language::Nb, caption: &entry.command, id: &id };
        body.push_str(&format!("<section><pre>{}</pre>{}</section>", entry.command, figures::result(entry, how)));
        for format in [Format::Svg, Format::Png, Format::Pdf] {
            for file in figures::export(entry, Origin(&document.head), format, Language::Nb, &id).unwrap_or_default() {
                std::fs::write(folder.join(&file.name), &file.bytes).unwrap();
            }
        }
    }
    for (scheme, colours) in [("light", "background:#fff;color:#1e2b3c"), ("dark", "background:#14202e;color:#e8eef5")]
    {
        let page = format!(
            "<!doctype html><html lang=nb data-color-scheme={scheme}><meta charset=utf-8><title>Gallery</title>\
             <meta name=viewport content=\"width=device-width,initial-scale=1\"><style>{}\
             body{{font:16px/1.5 system-ui;margin:0;padding:8px;{colours}}}section{{margin-block-end:2rem;min-width:0}}pre{{overflow-x:auto}}\
             main{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1rem}}</style>\
             <main>{body}</main>",
            figures::STYLESHEET
        );
        std::fs::write(folder.join(format!("gallery-{scheme}.html")), page).unwrap();
    }
}
