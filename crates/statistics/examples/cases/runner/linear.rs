//! Least squares and what builds on them: cases as calls, results as named numbers.

use statistics::Problem;
use statistics::design::Term;
use statistics::fit::{Fit, TestKind};
use statistics::linear::anova::{Anova, Source};
use statistics::linear::iv::{Estimator, Instruments};
use statistics::linear::model::Errors;
use statistics::linear::oaxaca::Oaxaca;
use statistics::linear::panel::did::{Differences, EFFECT};
use statistics::linear::panel::hausman::{Hausman, Scale};
use statistics::linear::panel::{Model, Panel};
use statistics::linear::regress::{Margins, Regress};

use super::{Case, Sheet, Values};

/// The numbers of a case; none when its command is of another family.
pub fn compute(case: &Case, sheet: &mut Sheet) -> Option<Result<Values, Problem>> {
    Some(match case.command() {
        "regress" => regress(case, sheet),
        "anova" => anova(case, sheet),
        "regress-panel" => panel(case, sheet),
        "regress-panel-diff" => differences(case, sheet),
        "hausman" => hausman(case, sheet),
        "ivregress" => instruments(case, sheet),
        "oaxaca" => oaxaca(case, sheet),
        _ => return None,
    })
}

/// Estimates, scalars and tests.
fn of_fit(fit: &Fit) -> Values {
    let mut values = Vec::new();
    for estimate in &fit.estimates {
        values.push((format!("b[{}]", estimate.label), estimate.b));
        values.push((format!("se[{}]", estimate.label), estimate.se));
    }
    values.extend(fit.scalars.iter().map(|(name, x)| ((*name).to_owned(), *x)));
    for test in &fit.tests {
        values.push((test.name.clone(), test.statistic));
        values.extend(test.p().map(|p| (format!("{}_p", test.name), p)));
    }
    for margin in &fit.margins {
        values.push((margin.label.clone(), margin.estimate));
        values.push((margin.label.replace("margin", "se"), margin.se));
    }
    values.extend(fit.clusters.map(|count| ("clusters".to_owned(), count as f64)));
    values
}

/// The same numbers under further names.
fn also(values: &mut Values, names: &[(&str, &str)]) {
    for (own, further) in names {
        let found: Values = values.iter().filter(|(n, _)| n == own).map(|(_, x)| ((*further).to_owned(), *x)).collect();
        values.extend(found);
    }
}

fn errors(case: &Case, sheet: &mut Sheet) -> Errors {
    match case.word("cluster") {
        Some(cluster) => Errors::Cluster(sheet.number(cluster)),
        None if case.switch("robust") => Errors::Robust,
        None => Errors::Default,
    }
}

/// The regression of a case.
pub fn regress_of(case: &Case, sheet: &mut Sheet) -> Regress {
    let y = sheet.number(case.text("y").unwrap_or_default());
    let terms = sheet.terms(case.list("terms"));
    Regress {
        constant: !case.switch("noconstant"),
        errors: errors(case, sheet),
        standardize: case.switch("standardize"),
        vif: case.switch("vif"),
        het_bp: case.switch("het_bp"),
        het_iid: case.switch("het_iid"),
        het_fstat: case.switch("het_fstat"),
        ov: case.switch("ov"),
        margins: case.word("margins").map(|d| Margins::Of(sheet.number(d))),
        ..Regress::of(y, terms)
    }
}

fn regress(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let kinds = case.option("vcov_types").and_then(|v| v.as_array()).cloned().unwrap_or_default();
    let mut model = regress_of(case, sheet);
    let errors = model.errors;
    if !kinds.is_empty() {
        // With several kinds of errors each has names of its own.
        model.errors = Errors::Default;
    }
    let regression = model.fit(&sheet.table, None)?;
    let mut values = of_fit(&regression.fit);
    let slopes = regression.fit.estimates.iter().map(|e| format!("beta[{}]", e.label));
    values.extend(slopes.zip(regression.betas.iter().copied()));
    also(
        &mut values,
        &[("het_bp", "bp_lm"), ("het_bp_p", "bp_p"), ("het_iid", "koenker_lm"), ("het_iid_p", "koenker_p")],
    );
    also(&mut values, &[("het_fstat", "het_f"), ("het_fstat_p", "het_f_p"), ("ov", "reset_f"), ("ov_p", "reset_p")]);
    let mut all: Vec<(String, Errors)> = Vec::new();
    for kind in kinds.iter().filter_map(|k| k.as_str()) {
        let errors = match kind {
            "hc0" => Errors::Hc0,
            "hc2" => Errors::Hc2,
            "hc3" => Errors::Hc3,
            _ => Errors::Robust,
        };
        all.push((format!("se_{kind}"), errors));
    }
    if let (false, Some(cluster)) = (kinds.is_empty(), case.word("cluster")) {
        all.push((format!("se_cluster_{cluster}"), errors));
    }
    for (name, errors) in all {
        let fit = Regress { errors, ..model.clone() }.fit(&sheet.table, None)?.fit;
        values.extend(fit.estimates.iter().map(|e| (format!("{name}[{}]", e.label), e.se)));
    }
    Ok(values)
}

fn anova(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let y = sheet.number(case.text("y").unwrap_or_default());
    let terms = sheet.terms(case.list("terms"));
    let posthoc = case.switch("posthoc").then(|| case.number("level").unwrap_or(95.0));
    let table = Anova { y, terms, constant: true, posthoc }.fit(&sheet.table, None)?;
    let mut values: Values = table.scalars.iter().map(|(name, x)| ((*name).to_owned(), *x)).collect();
    let mut add = |source: &Source, prefix: &str| {
        values.push((format!("{prefix}ss[{}]", source.name), source.ss));
        values.push((format!("{prefix}df[{}]", source.name), source.df));
        if let Some(test) = table.test(source) {
            values.push((format!("{prefix}F[{}]", source.name), test.statistic));
            values.extend(test.p().map(|p| (format!("{prefix}p[{}]", source.name), p)));
        }
    };
    table.partial.iter().for_each(|source| add(source, ""));
    table.sequential.iter().for_each(|source| add(source, "sequential_"));
    [&table.model, &table.residual, &table.total].into_iter().for_each(|source| add(source, ""));
    for pair in &table.posthoc {
        values.push((format!("diff[{}]", pair.label), pair.difference));
        values.push((format!("lcl[{}]", pair.label), pair.limits.0));
        values.push((format!("ucl[{}]", pair.label), pair.limits.1));
        values.push((format!("p[{}]", pair.label), pair.p));
    }
    Ok(values)
}

/// The panel regression of a case.
pub fn panel_of(case: &Case, sheet: &mut Sheet) -> Panel {
    let model = match case.word("model") {
        Some("re") => Model::Random,
        Some("be") => Model::Between,
        Some("pooled") => Model::Pooled,
        Some("fd") => Model::FirstDifferences,
        Some("fe_twoway") => Model::FixedTwoWay,
        _ => Model::Fixed,
    };
    Panel {
        y: sheet.number(case.text("y").unwrap_or_default()),
        terms: sheet.terms(case.list("terms")),
        unit: sheet.number(case.panel("unit").unwrap_or_default()),
        time: case.panel("time").map(|time| sheet.number(time)),
        constant: !case.switch("noconstant"),
        model,
        robust: case.switch("robust"),
        cluster: case.word("cluster").map(|cluster| sheet.number(cluster)),
    }
}

fn panel(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    Ok(of_fit(&panel_of(case, sheet).fit(&sheet.table, None)?.fit))
}

fn differences(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let model = Differences {
        y: sheet.number(case.text("y").unwrap_or_default()),
        group: sheet.number(case.text("group").unwrap_or_default()),
        treated: sheet.number(case.text("treated").unwrap_or_default()),
        terms: sheet.terms(case.list("terms")),
        unit: sheet.number(case.panel("unit").unwrap_or_default()),
        time: sheet.number(case.panel("time").unwrap_or_default()),
        robust: case.switch("robust"),
        cluster: case.word("cluster").map(|cluster| sheet.number(cluster)),
    };
    let mut values = of_fit(&model.fit(&sheet.table, None)?.fit);
    also(&mut values, &[(&format!("b[{EFFECT}]"), "atet"), (&format!("se[{EFFECT}]"), "se_atet")]);
    Ok(values)
}

fn hausman(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let model = Hausman {
        y: sheet.number(case.text("y").unwrap_or_default()),
        terms: sheet.terms(case.list("terms")),
        unit: sheet.number(case.panel("unit").unwrap_or_default()),
        constant: !case.switch("noconstant"),
        include_constant: case.switch("include_constant"),
        scale: match (case.switch("sigmamore"), case.switch("sigmaless")) {
            (true, _) => Scale::More,
            (_, true) => Scale::Less,
            _ => Scale::Own,
        },
    };
    let found = model.fit(&sheet.table, None)?;
    let mut values = vec![("chi2".to_owned(), found.test.statistic)];
    if let TestKind::ChiSquare(df) = found.test.kind {
        values.push(("df".to_owned(), df));
    }
    values.extend(found.test.p().map(|p| ("p".to_owned(), p)));
    for term in &found.terms {
        values.push((format!("diff[{}]", term.label), term.fixed - term.random));
        values.push((format!("se_diff[{}]", term.label), term.se));
    }
    Ok(values)
}

/// The regression with instruments of a case.
pub fn instruments_of(case: &Case, sheet: &mut Sheet) -> Instruments {
    let y = sheet.number(case.text("y").unwrap_or_default());
    let exogenous = sheet.terms(case.list("terms"));
    let mut numbers = |field: &str| -> Vec<Term> {
        case.texts(field).into_iter().map(|name| Term::number(sheet.number(name))).collect()
    };
    let (endogenous, instruments) = (numbers("endogenous"), numbers("instruments"));
    Instruments {
        estimator: match case.word("estimator") {
            Some("liml") => Estimator::Liml,
            Some("gmm") => Estimator::Gmm,
            _ => Estimator::Tsls,
        },
        errors: errors(case, sheet),
        first_stage: case.switch("firststage"),
        endog: case.switch("endog"),
        overid: case.switch("overid"),
        constant: !case.switch("noconstant"),
        ..Instruments::of(y, exogenous, endogenous, instruments)
    }
}

fn instruments(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let found = instruments_of(case, sheet).fit(&sheet.table, None)?;
    let mut values = of_fit(&found.fit);
    for stage in &found.first_stage {
        values.push((stage.f.name.clone(), stage.f.statistic));
        values.push((format!("partial_r2[{}]", stage.label), stage.partial_r2));
    }
    // With one endogenous variable its name may be left out.
    if let [stage] = found.first_stage.as_slice() {
        values.push(("first_stage_F".to_owned(), stage.f.statistic));
    }
    also(&mut values, &[("wu_hausman", "wu_hausman_F"), ("hansen", "hansen_j")]);
    Ok(values)
}

fn oaxaca(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let model = Oaxaca {
        y: sheet.number(case.text("y").unwrap_or_default()),
        constant: !case.switch("noconstant"),
        terms: sheet.terms(case.list("terms")),
        by: sheet.number(case.text("by").unwrap_or_default()),
        first: case.list("groups_order").first().and_then(|v| v.as_f64()),
        pool: case.switch("pool"),
        robust: case.switch("robust"),
    };
    let found = model.fit(&sheet.table, None)?;
    let mut values = vec![
        ("gap".to_owned(), found.gap.0),
        ("se_gap".to_owned(), found.gap.1),
        ("mean_a".to_owned(), found.means[0]),
        ("mean_b".to_owned(), found.means[1]),
    ];
    let pooled = found.pooled.iter().map(|part| (format!("pooled_{}", part.name), part));
    let all = found.threefold.iter().map(|part| (part.name.to_owned(), part)).chain(pooled);
    for (name, part) in all {
        values.push((name.clone(), part.value));
        values.push((format!("se_{name}"), part.se));
        values.extend(part.detail.iter().map(|(label, value, _)| (format!("{name}[{label}]"), *value)));
    }
    Ok(values)
}
