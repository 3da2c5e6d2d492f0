//! Models, tests, survival curves and plots as tables in every form of a result.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::analyses::{correlations, hexbin, hidden, histogram, mlogit, model, odds, survival, tests, v};
use common::{document, summary};
use figures::{Format, Origin, Presentation, export};
use kernel::Language;
use serde_json::{Value, json};

fn all() -> Vec<Value> {
    vec![
        model(json!({"view": "model"})),
        odds(json!({"view": "model"})),
        mlogit(json!({"view": "model", "stars": true})),
        survival(json!({"view": "survival"})),
        correlations(json!({"view": "correlations", "n": true, "p": true})),
        tests(json!({"view": "tests"})),
        histogram(json!({"view": "histogram", "scale": "density"}), false),
        histogram(json!({"view": "histogram", "scale": "percent", "normal": true}), true),
        hexbin(json!({"view": "hexbin"})),
        {
            let mut of = summary();
            of["statistics"] = json!(["mean", "sd", "p50", "p99"]);
            of["view"] = json!({"view": "intervals", "level": 95.0});
            of
        },
    ]
}

fn shown(result: &Value, language: Language) -> String {
    let document = document(vec![result.clone()]);
    figures::result(&document.results[0], Presentation { language, caption: "command", id: "r1" })
}

fn text(result: Value, language: Language) -> String {
    figures::text(&document(vec![result]).results[0], language)
}

fn csv(result: Value) -> Vec<String> {
    let document = document(vec![result]);
    let files = export(&document.results[0], Origin(&document.head), Format::Csv, Language::Nb, "f").unwrap();
    files.into_iter().map(|f| String::from_utf8(f.bytes).unwrap()).collect()
}

/// SDC-005, LANG-330: nothing of these kinds is without a form, and none holds a number that is no number.
#[test]
fn lang_330_every_kind_has_every_form() {
    let document = document(all());
    for entry in &document.results {
        for language in [Language::Nb, Language::Nn, Language::En] {
            let html = figures::result(entry, Presentation { language, caption: "command", id: "r1" });
            assert!(html.contains("<table") && !html.contains("NaN") && !html.contains("style="), "{html}");
            let caption = html.matches("id=\"r1-c\"").count();
            assert_eq!(caption, 1, "ids are unique");
            for format in [Format::Json, Format::Csv, Format::Parquet, Format::Html, Format::Latex, Format::Text] {
                let files = export(entry, Origin(&document.head), format, language, "f").unwrap();
                assert!(!files.is_empty(), "{format:?}");
                for file in files.iter().filter(|_| format != Format::Parquet) {
                    let text = std::str::from_utf8(&file.bytes).unwrap();
                    assert!(!text.contains("NaN") && !text.contains("inf\n"), "{format:?}\n{text}");
                }
            }
        }
    }
}

/// LANG-188: the coefficients with what is said of the fit, no stars unless they are wanted.
#[test]
fn lang_188_a_table_of_coefficients() {
    insta::assert_snapshot!("model_text_nb", text(model(json!({"view": "model"})), Language::Nb));
    insta::assert_snapshot!("model_text_en", text(odds(json!({"view": "model", "stars": true})), Language::En));
    let html = shown(&model(json!({"view": "model"})), Language::Nb);
    assert!(html.contains("<th scope=\"row\">Kjønn: kvinne × Alder (år)</th>") && !html.contains('*'), "{html}");
    assert!(html.contains("<caption id=\"r1b1-c\">Variansinflasjon (command)</caption>"));
}

/// LANG-188, LANG-194, LANG-217: files carry the columns of the language under their ids.
#[test]
fn lang_188_columns_of_files() {
    let files = csv(model(json!({"view": "model"})));
    let head = |file: &str| file.lines().next().unwrap().split(",result").next().unwrap().to_owned();
    assert!(head(&files[0]).starts_with("term,term_label,b,se,t,p,lcl,ucl,status,b_status"), "{}", files[0]);
    assert!(files[0].contains("sex=2,Kjønn: kvinne,-0.1831,0.0121,"));
    assert!(files[0].contains("_cons,,,,,,,,suppressed,suppressed,"), "{}", files[0]);
    assert_eq!(head(&files[1]), "statistic,value,status");
    for line in ["n,40210,", "r2,0.346,", "F,812,", "df_model,5,", "df_resid,40204,", "p_F,0,"] {
        assert!(files[1].contains(line), "{line}\n{}", files[1]);
    }
    assert!(head(&files[2]).starts_with("row,row_label,vif,tolerance,status"));
    assert!(head(&csv(odds(json!({"view": "model"})))[0]).starts_with("term,term_label,or,se,z,p,lcl,ucl"));
    assert!(csv(mlogit(json!({"view": "model"})))[0].contains("\n3,Ikke i arbeid,age,Alder (år),-0.012,"));
    let mut hazard = odds(json!({"view": "model"}));
    hazard["head"]["effect"] = json!("hazard_ratio");
    assert!(head(&csv(hazard.clone())[0]).starts_with("term,term_label,hr,z,p,lcl,ucl,status,hr_status,z_status"));
    assert!(!shown(&hazard, Language::En).split("<caption id=\"r1b1-c\"").next().unwrap().contains("Standard error"));
}

/// LANG-100: the scalars of the language stand in the result object.
#[test]
fn lang_192_scalars() {
    let document = document(vec![odds(json!({"view": "model"}))]);
    let object = figures::object(&document.results[0], Origin(&document.head), Language::En);
    let scalars = &object["scalars"];
    for (name, value) in [("n", 40_210.0), ("ll", -12_340.0), ("lr_chi2", 412.0), ("df", 3.0), ("pseudo_r2", 0.104)] {
        assert_eq!(scalars[name].as_f64(), Some(value), "{name}");
    }
    assert_eq!(object["kind"], "table");
    assert_eq!(object["tables"][0]["name"], "coefficients");
}

/// Models side by side: a column per model, terms in the order in which they come, errors in parentheses, stars when wanted.
#[test]
fn models_side_by_side() {
    let document = document(vec![model(json!({"view": "model"})), odds(json!({"view": "model"})), summary()]);
    let compared: Vec<_> = document.results[..2].iter().map(|e| (Origin(&document.head), e)).collect();
    let how = Presentation { language: Language::En, caption: "models", id: "m" };
    let file = |format, stars| {
        let file = figures::export_models(&compared, stars, format, how, "models").unwrap();
        (file.name, String::from_utf8(file.bytes).unwrap())
    };
    insta::assert_snapshot!("side_by_side_text_en", file(Format::Text, false).1);
    let (name, latex) = file(Format::Latex, true);
    assert_eq!(name, "models.tex");
    insta::assert_snapshot!("side_by_side_latex_en", latex);
    let html = figures::side_by_side(&compared, true, how).unwrap();
    for part in
        ["<th scope=\"row\">Kjønn: kvinne</th>", "−0.1831***<br>(0.0121)", "(2) logit", "<caption id=\"m-c\">models"]
    {
        assert!(html.contains(part), "{part}\n{html}");
    }
    let csv = file(Format::Csv, false).1;
    assert!(
        csv.starts_with("result,model,command,response,outcome,term,term_label,effect,b,se,statistic,p,lcl,ucl,status")
    );
    assert!(csv.contains("r/2,2,logit,hospital,,age,Alder (år),or,1.0421,"), "{csv}");
    // What is no model has no column.
    let all: Vec<_> = document.results.iter().map(|e| (Origin(&document.head), e)).collect();
    assert!(figures::side_by_side(&all, false, how).is_none() && figures::side_by_side(&[], false, how).is_none());
    assert!(figures::export_models(&compared, false, Format::Svg, how, "x").is_err());
}

/// LANG-215: curves and key figures; LANG-166: a triangle per content; LANG-168: tables by name.
#[test]
fn lang_215_166_168_further_tables() {
    let files = csv(survival(json!({"view": "survival"})));
    assert!(files[0].starts_with("group,group_label,time,at_risk,events,survival,lcl,ucl,status"));
    assert!(files[0].contains("1,Mann,30,1203,84,0.93,0.906,"), "{}", files[0]);
    assert!(files[1].contains("2,Kvinne,1377,"));
    insta::assert_snapshot!(
        "correlations_text_en",
        text(correlations(json!({"view": "correlations", "p": true})), Language::En)
    );
    let html = shown(&tests(json!({"view": "tests"})), Language::Nn);
    assert!(html.contains("<caption id=\"r1-c\">command</caption>") && html.contains("Tukeys test"), "{html}");
    assert!(html.contains("<th scope=\"row\">Kjønn: Kvinne − Mann</th>"), "{html}");
}

/// STAT-300, SDC-210: heights follow from released counts; few are hidden, never zero.
#[test]
fn stat_300_heights_of_bars() {
    let percent = csv(histogram(json!({"view": "histogram", "scale": "percent"}), false));
    assert!(percent[0].starts_with("bin_low,bin_high,freq,value,status"));
    assert!(percent[0].contains("\n250000,300000,1320,24.17,,"), "{}", percent[0]);
    assert!(percent[0].contains("\n0,50000,,,suppressed,,,suppressed,suppressed"), "{}", percent[0]);
    let density = csv(histogram(json!({"view": "histogram", "scale": "density"}), true));
    let expected = 792.0 / 3276.0 / 50_000.0;
    let line = density[0].lines().find(|l| l.starts_with("1,Mann,250000,")).unwrap();
    let value: f64 = line.split(',').nth(5).unwrap().parse().unwrap();
    assert!((value / expected - 1.0).abs() < 1e-3, "{line}");
}

/// LANG-179: centres in the units of the axes, bounds of the class.
#[test]
fn lang_179_centres_of_hexagons() {
    let csv = csv(hexbin(json!({"view": "hexbin"})));
    assert!(csv[0].starts_with("x_center,y_center,freq,group,group_low,group_high,status"));
    let first: Vec<f64> = csv[0].lines().nth(1).unwrap().split(',').take(6).map(|x| x.parse().unwrap()).collect();
    assert!(first[0] >= 18.0 && first[1] >= 17.0 && first[4] <= first[2] && first[2] <= first[5]);
    assert!(hidden() != v(0.0));
}
