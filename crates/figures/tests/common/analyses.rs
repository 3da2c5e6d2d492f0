//! Made-up results of models, tests and plots, as documents hold them.

use serde_json::{Value, json};

pub fn v(x: f64) -> Value {
    json!({"value": x})
}

pub fn hidden() -> Value {
    json!({"hidden": "SMALL"})
}

pub fn estimate(label: &str, b: f64, se: f64) -> Value {
    let half = 1.96 * se;
    let round = |x: f64| (x * 10_000.0).round() / 10_000.0;
    let t = round(b / se);
    let p = if t.abs() > 3.3 {
        0.000_012
    } else if t.abs() > 1.96 {
        0.0312
    } else {
        0.417
    };
    json!({"label": label, "b": v(b), "se": v(se), "t": v(t), "p": v(p), "low": v(round(b - half)), "high": v(round(b + half))})
}

/// Log of income on age and sex, clustered.
pub fn model(view: Value) -> Value {
    let constant = {
        let mut of = estimate("_cons", 11.2, 0.05);
        for key in ["b", "se", "t", "p", "low", "high"] {
            of[key] = hidden();
        }
        of
    };
    json!({
        "kind": "model",
        "head": {"command": "regress", "response": "income", "effect": "coefficient", "variance": {"cluster": "municipality"},
            "controls": ["region"],
            "titles": {"income": "Inntekt (log)", "age": "Alder (år)", "sex=2": "Kjønn: kvinne", "municipality": "Kommune",
                "edu=2": "Utdanning: videregående", "edu=3": "Utdanning: høyere"}},
        "reference": "student",
        "n": v(40_210.0),
        "terms": [estimate("age", 0.012_34, 0.000_9), estimate("sex=2", -0.1831, 0.0121), estimate("edu=2", 0.0712, 0.0411),
            estimate("edu=3", 0.2904, 0.0188), estimate("sex=2#age", -0.0021, 0.001), constant],
        "measures": [["r2", v(0.346)], ["r2_adj", v(0.346)], ["root_mse", v(0.4123)]],
        "tests": [{"name": "F", "statistic": v(812.0), "p": v(0.0), "df": [5.0, 40_204.0]}],
        "tables": [{"name": "vif", "rows": {"numbers": [
            {"name": ["age", "vif"], "value": v(1.21)}, {"name": ["age", "tolerance"], "value": v(0.826)},
            {"name": ["sex=2", "vif"], "value": v(1.02)}, {"name": ["sex=2", "tolerance"], "value": v(0.98)}]}}],
        "omitted": ["age_months"],
        "notices": [{"nb": "Merk dette.", "nn": "Merk dette.", "en": "Note this."}],
        "level": 95.0,
        "view": view,
    })
}

/// Odds ratios.
pub fn odds(view: Value) -> Value {
    let mut of = model(view);
    of["head"]["command"] = json!("logit");
    of["head"]["effect"] = json!("odds_ratio");
    of["head"]["variance"] = json!("model");
    of["head"]["response"] = json!("hospital");
    of["head"]["titles"]["hospital"] = json!("Innlagt");
    of["reference"] = json!("normal");
    of["terms"] =
        json!([estimate("age", 1.0421, 0.004), estimate("sex=2", 0.8123, 0.0312), estimate("edu=3", 0.6011, 0.0504)]);
    of["measures"] = json!([["ll", v(-12_340.0)], ["pseudo_r2", v(0.104)], ["aic", v(24_690.0)]]);
    of["tests"] = json!([{"name": "lr_chi2", "statistic": v(412.0), "p": v(0.0), "df": [3.0]}]);
    of["tables"] = json!([{"name": "marginal_effects", "rows": {"estimates": [estimate("age", 0.0081, 0.0007)]}}]);
    of.as_object_mut().unwrap().remove("omitted");
    of
}

/// Two equations beside the base.
pub fn mlogit(view: Value) -> Value {
    let mut of = model(view);
    of["head"]["command"] = json!("mlogit");
    of["head"]["equations"] = json!(["2", "3"]);
    of["head"]["titles"]["2"] = json!("Deltid");
    of["head"]["titles"]["3"] = json!("Ikke i arbeid");
    of["reference"] = json!("normal");
    of["terms"] = json!([
        estimate("2:age", 0.031, 0.004),
        estimate("2:_cons", -1.2, 0.1),
        estimate("3:age", -0.012, 0.005),
        estimate("3:_cons", 0.4, 0.1)
    ]);
    of.as_object_mut().unwrap().remove("tables");
    of
}

fn curve(code: &str, label: &str, n: f64, fall: f64) -> Value {
    let (mut left, mut at_risk) = (1.0, n);
    let points: Vec<Value> = (1..=12)
        .map(|step| {
            let events = (at_risk * fall).round();
            left *= 1.0 - events / at_risk;
            let point = json!({"time": v(f64::from(step) * 30.0), "at_risk": v(at_risk), "events": v(events),
                "survival": v((left * 1000.0_f64).round() / 1000.0),
                "low": v(((left - 0.02 - 0.004 * f64::from(step)) * 1000.0).round() / 1000.0),
                "high": v(((left + 0.02 + 0.003 * f64::from(step)) * 1000.0).round() / 1000.0)});
            at_risk -= events + (n / 40.0).round();
            point
        })
        .collect();
    json!({"group": {"code": code, "label": label}, "n": v(n), "events": v((n * (1.0 - left)).round()), "points": points,
        "median": v(270.0), "median_limits": [v(240.0), "undefined"], "parameters": []})
}

/// Two groups with a log-rank test.
pub fn survival(view: Value) -> Value {
    json!({
        "kind": "survival",
        "head": {"command": "kaplan-meier", "event": "died", "time": "days", "group": "sex",
            "titles": {"days": "Dager siden diagnosen", "sex": "Kjønn"}},
        "level": 95.0,
        "curves": [curve("1", "Mann", 1203.0, 0.07), curve("2", "Kvinne", 1377.0, 0.05)],
        "log_rank": {"name": "log-rank", "statistic": v(31.4), "p": v(0.000_000_02), "df": [1.0]},
        "view": view,
    })
}

pub fn correlations(view: Value) -> Value {
    let pair = |a: &str, b: &str, r: Value, p: f64| json!({"names": [a, b], "n": v(1240.0), "r": r, "p": v(p)});
    json!({
        "kind": "correlations",
        "titles": {"income": "Inntekt", "age": "Alder"},
        "pairs": [pair("age", "income", v(0.312), 0.000_01), pair("visits", "income", hidden(), 0.04), pair("visits", "age", v(-0.051), 0.062)],
        "view": view,
    })
}

pub fn tests(view: Value) -> Value {
    let mut numbers = Vec::new();
    for (row, values) in [
        ("model", [812.0, 3.0, 270.7, 31.2, 0.000_1]),
        ("sex", [502.0, 1.0, 502.0, 57.9, 0.0]),
        ("residual", [34_560.0, 3986.0, 8.67, f64::NAN, f64::NAN]),
    ] {
        for (column, value) in ["ss", "df", "ms", "F", "p"].into_iter().zip(values) {
            let value = if value.is_nan() { json!("undefined") } else { v(value) };
            numbers.push(json!({"table": "anova", "name": [row, column], "value": value}));
        }
    }
    numbers.push(json!({"table": "posthoc", "name": ["sex 2-1", "diff"], "value": v(12.3)}));
    numbers.push(json!({"table": "posthoc", "name": ["sex 2-1", "p"], "value": hidden()}));
    json!({"kind": "test_numbers", "head": {"command": "anova", "response": "income", "titles": {"income": "Inntekt", "sex": "Kjønn",
            "sex=1": "Mann", "sex=2": "Kvinne"}},
        "n": v(3990.0), "numbers": numbers, "view": view})
}

/// Twelve bins; the first and the last but one hold few.
pub fn histogram(view: Value, panels: bool) -> Value {
    let counts = [2.0, 41.0, 130.0, 402.0, 911.0, 1320.0, 1288.0, 820.0, 391.0, 122.0, 3.0, 31.0];
    let bars = |factor: f64| -> Vec<Value> {
        let bar = |(i, n): (usize, &f64)| {
            let n = (n * factor).round();
            let count = if n < 10.0 { hidden() } else { v(n) };
            json!({"from": i as f64 * 50_000.0, "to": (i as f64 + 1.0) * 50_000.0, "count": count})
        };
        counts.iter().enumerate().map(bar).collect()
    };
    let measure = json!({"name": "income", "label": "Inntekt (kr)", "kind": "integer", "winsorised": true});
    let cell = |n: f64, mean: f64| json!({"count": v(n), "values": [v(n), v(mean), v(96_000.0)]});
    let whole = |dimensions: Value, cells: Value| {
        json!({"dimensions": dimensions, "measures": [measure], "statistics": ["n", "mean", "sd"],
        "cells": cells, "typical_error": 1.3})
    };
    let group = |code: &str, label: &str| json!({"code": code, "label": label});
    let (panels, whole) = if panels {
        let groups = [group("1", "Mann"), group("2", "Kvinne")];
        (
            json!([{"group": groups[0], "bars": bars(0.6)}, {"group": groups[1], "bars": bars(0.4)}]),
            whole(
                json!([{"name": "sex", "label": "Kjønn", "categories": groups}]),
                json!([cell(3276.0, 291_000.0), cell(2184.0, 301_000.0), cell(5461.0, 295_000.0)]),
            ),
        )
    } else {
        (json!([{"bars": bars(1.0)}]), whole(json!([]), json!([cell(5461.0, 295_000.0)])))
    };
    json!({"kind": "histogram", "name": "income", "title": "Inntekt (kr)", "number": "integer", "panels": panels, "whole": whole,
        "view": view})
}

/// Age across, visits upwards; the middle holds most.
pub fn hexbin(view: Value) -> Value {
    let mut hexagons = Vec::new();
    for row in 0..=24_u16 {
        for column in 0..=(20 - row % 2) {
            let x = (f64::from(column) + f64::from(row % 2) / 2.0 - 11.0) / 5.0;
            let y = (f64::from(row) / 2.0 - 4.0 - x * 1.2) / 3.0;
            let n = (900.0 * (-(x * x + y * y) / 1.4).exp()).round();
            if n >= 10.0 {
                hexagons.push(json!({"at": [column, row], "count": v(n), "class": ((n / 90.0) as u8).min(9)}));
            }
        }
    }
    json!({"kind": "hexbin", "names": ["age", "bmi"], "titles": {"age": "Alder (år)", "bmi": "Kroppsmasseindeks (kg/m²)"},
        "limits": [[18.0, 91.0], [17.0, 43.0]], "grid": [20, 12], "hexagons": hexagons, "typical_error": 1.3, "view": view})
}

/// Percentiles of income by education; the last group shows no tails, and the one before it nothing.
pub fn boxes(view: Value, measures: usize) -> Value {
    let category = |code: &str, label: &str| json!({"code": code, "label": label});
    let groups =
        [category("1", "Grunnskole"), category("2", "Videregående"), category("3", "Høyere"), category("9", "Ukjent")];
    let measure =
        |name: &str, label: &str| json!({"name": name, "label": label, "kind": "integer", "winsorised": false});
    let measures: Vec<Value> =
        [measure("income", "Inntekt (kr)"), measure("pension", "Pensjon (kr)")].into_iter().take(measures).collect();
    let row = |base: f64, hide: &[usize]| -> Vec<Value> {
        let of = |(i, x): (usize, f64)| {
            if hide.contains(&i) { json!({"hidden": "TAIL"}) } else { v((base * x / 1000.0).round() * 1000.0) }
        };
        [0.42, 0.71, 1.0, 1.28, 1.9].into_iter().enumerate().map(of).collect()
    };
    let cell = |n: f64, base: f64, hide: &[usize]| {
        let values: Vec<Value> = (0..measures.len()).flat_map(|m| row(base * (1.0 - 0.3 * m as f64), hide)).collect();
        json!({"count": v(n), "values": values})
    };
    json!({
        "kind": "table",
        "dimensions": [{"name": "edu", "label": "Utdanning", "categories": groups}],
        "measures": measures,
        "statistics": ["p5", "p25", "p50", "p75", "p95"],
        "cells": [cell(2100.0, 391_000.0, &[]), cell(4032.0, 462_000.0, &[]), cell(3880.0, 571_000.0, &[]),
            cell(41.0, 402_000.0, &[0, 1, 2, 3, 4]), cell(10_050.0, 482_000.0, &[])],
        "typical_error": 1.3,
        "view": view,
    })
}

/// Flows over three occasions; two are hidden.
pub fn flows(view: Value) -> Value {
    let categories: Vec<Value> = [("1", "Arbeid"), ("2", "Ledig"), ("3", "Ufør")]
        .map(|(code, label)| json!({"code": code, "label": label}))
        .into();
    let table = |from: &str, to: &str, cells: [f64; 9]| {
        let count = |x: f64| if x < 5.0 { hidden() } else { v(x) };
        let row = |i: usize| cells[3 * i] + cells[3 * i + 1] + cells[3 * i + 2];
        let mut all = Vec::new();
        for i in 0..3 {
            all.extend((0..3).map(|j| json!({"count": count(cells[3 * i + j])})));
            all.push(json!({"count": v(row(i))}));
        }
        all.extend((0..3).map(|j| json!({"count": v(cells[j] + cells[3 + j] + cells[6 + j])})));
        all.push(json!({"count": v(cells.iter().sum())}));
        json!({"dimensions": [{"name": from, "label": format!("Status {from}"), "categories": categories},
            {"name": to, "label": format!("Status {to}"), "categories": categories}], "cells": all, "typical_error": 1.3})
    };
    json!({"kind": "blocks", "tables": [
        table("2018", "2020", [5210.0, 412.0, 130.0, 380.0, 211.0, 44.0, 3.0, 12.0, 610.0]),
        table("2020", "2022", [5090.0, 391.0, 121.0, 402.0, 190.0, 40.0, 2.0, 0.0, 770.0])], "view": view})
}

/// A fitted distribution over the steps.
pub fn weibull(view: Value) -> Value {
    let mut of = survival(view);
    of["head"]["command"] = json!("weibull");
    of["curves"][0]["parameters"] =
        json!([["shape", v(1.05)], ["scale", v(410.0)], ["shape_se", v(0.04)], ["scale_se", v(11.0)]]);
    of["curves"][1]["parameters"] =
        json!([["shape", v(1.02)], ["scale", v(590.0)], ["shape_se", v(0.04)], ["scale_se", v(15.0)]]);
    of
}
