//! Survival: cases as calls, results as named numbers.

use statistics::Problem;
use statistics::fit::Fit;
use statistics::survival::{
    Cox, Curves, Distribution, Interval, KaplanMeier, Outcome, Regression, Ties, Weibull, cox, kaplan_meier,
    survival_regression, weibull,
};

use super::{Case, Sheet, Values};

/// The numbers of a case; none when its command is of another family.
pub fn compute(case: &Case, sheet: &mut Sheet) -> Option<Result<Values, Problem>> {
    match case.command() {
        "kaplan-meier" => Some(curves(case, sheet)),
        "cox" => Some(hazards(case, sheet)),
        "weibull" | "exponential" if case.analysis.contains_key("terms") => Some(accelerated(case, sheet)),
        "weibull" => Some(shapes(case, sheet)),
        _ => None,
    }
}

fn outcome(case: &Case, sheet: &mut Sheet) -> Outcome {
    let mut variable = |field: &str| sheet.number(case.text(field).unwrap_or_default());
    Outcome { event: variable("event"), time: variable("time") }
}

/// The code of a group, as names of results write it.
fn code(sheet: &Sheet, by: Option<usize>, group: Option<usize>) -> String {
    let categories = by.and_then(|by| sheet.table.variables[by].categories.as_ref());
    categories.zip(group).map_or_else(String::new, |(c, g)| c[g].code.clone())
}

fn curves(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let outcome = outcome(case, sheet);
    let by = case.text("by").map(|by| sheet.factor(by));
    let interval = if case.word("conf_type") == Some("log") { Interval::Log } else { Interval::LogLog };
    let times = case.option("times").and_then(|t| t.as_array());
    let times: Option<Vec<f64>> = times.map(|t| t.iter().filter_map(|t| t.as_f64()).collect());
    let level = case.number("level").unwrap_or(95.0);
    let curves = kaplan_meier(&sheet.table, &KaplanMeier { outcome, by, level, interval, times })?;
    Ok(named(&curves, |group| code(sheet, by, group)))
}

fn named(curves: &Curves, code: impl Fn(Option<usize>) -> String) -> Values {
    let mut values = Values::new();
    for curve in &curves.curves {
        let code = code(curve.group);
        let mut tell = |name: &str, x: f64| {
            values.push((if code.is_empty() { name.to_owned() } else { format!("{name}[{code}]") }, x));
        };
        tell("n", curve.n as f64);
        tell("events", curve.events as f64);
        for (name, x) in [("median", curve.median), ("median_lcl", curve.lower), ("median_ucl", curve.upper)] {
            x.into_iter().for_each(|x| tell(name, x));
        }
        for at in &curve.at {
            let Some(step) = at.step else { continue };
            for (name, x) in [("surv", step.survival), ("se", step.se), ("lcl", step.lower), ("ucl", step.upper)] {
                values.push((format!("{name}[{code}@{}]", at.time), x));
            }
        }
    }
    if let Some(log_rank) = &curves.log_rank {
        let test = &log_rank.test;
        values.push(("chi2".to_owned(), test.statistic));
        values.push(("df".to_owned(), log_rank.df()));
        values.extend(test.p().map(|p| ("p".to_owned(), p)));
        for (curve, group) in curves.curves.iter().zip(&log_rank.groups) {
            let code = code(curve.group);
            values.push((format!("observed[{code}]"), group.observed));
            values.push((format!("expected[{code}]"), group.expected));
        }
    }
    values
}

fn hazards(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let mut asked = Cox::new(outcome(case, sheet), sheet.terms(case.list("terms")));
    if case.word("ties") == Some("breslow") {
        asked.ties = Ties::Breslow;
    }
    asked.strata = case.word("strata").or(case.text("strata")).map(|v| sheet.factor(v));
    asked.cluster = case.word("cluster").map(|v| sheet.factor(v));
    asked.entry = case.text("entry").or(case.word("entry")).map(|v| sheet.number(v));
    asked.proportional = case.word("test") == Some("proportional_hazards");
    let found = cox(&sheet.table, &asked, None)?;
    let mut values = estimates(&found.fit);
    for (estimate, se) in found.fit.estimates.iter().zip(&found.model_se) {
        values.push((format!("naive_se[{}]", estimate.label), *se));
        values.push((format!("hr[{}]", estimate.label), estimate.b.exp()));
    }
    for test in &found.fit.tests {
        if let Some(name) = test.name.strip_prefix("ph") {
            values.push((format!("chi2{name}"), test.statistic));
            values.extend(test.p().map(|p| (format!("p{name}"), p)));
        }
    }
    Ok(values)
}

fn estimates(fit: &Fit) -> Values {
    let mut values = vec![("n".to_owned(), fit.n)];
    for estimate in &fit.estimates {
        values.push((format!("b[{}]", estimate.label), estimate.b));
        values.push((format!("se[{}]", estimate.label), estimate.se));
    }
    for (name, x) in &fit.scalars {
        let name = match *name {
            "ll" => "loglik",
            "ll_0" => "loglik0",
            other => other,
        };
        values.push((name.to_owned(), *x));
    }
    values.extend(fit.tests.iter().map(|test| (test.name.clone(), test.statistic)));
    values
}

fn accelerated(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let exponential = case.command() == "exponential" || case.word("distribution") == Some("exponential");
    let distribution = if exponential { Distribution::Exponential } else { Distribution::Weibull };
    let outcome = outcome(case, sheet);
    let terms = sheet.terms(case.list("terms"));
    let fit = survival_regression(&sheet.table, &Regression { outcome, terms, distribution }, None)?;
    Ok(estimates(&fit))
}

fn shapes(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let outcome = outcome(case, sheet);
    let by = case.text("by").map(|by| sheet.factor(by));
    let mut values = Values::new();
    for group in weibull(&sheet.table, &Weibull { outcome, by })? {
        let code = code(sheet, by, group.group);
        let fit = match group.fit {
            Ok(fit) => fit,
            // Of one group among several (STAT-265).
            Err(_) if by.is_some() => continue,
            Err(problem) => return Err(problem),
        };
        let all = [
            ("n", group.n as f64),
            ("events", group.events as f64),
            ("shape", fit.shape),
            ("scale", fit.scale),
            ("se_shape", fit.se_shape),
            ("se_scale", fit.se_scale),
            ("loglik", fit.ll),
            ("median", fit.median()),
        ];
        for (name, x) in all {
            values.push((if code.is_empty() { name.to_owned() } else { format!("{name}[{code}]") }, x));
        }
    }
    Ok(values)
}
