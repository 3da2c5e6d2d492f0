//! Likelihood and mixed models: cases as calls, results as named numbers.

use serde_json::Value;
use statistics::Problem;
use statistics::fit::Fit;
use statistics::likelihood::{
    BinaryOptions, CountOptions, EffectKind, EffectPlace, Effects, Errors, Family, GlmModel, Link, Model,
    MultinomialOptions, OrderedOptions, QuantileModel, glm, logit, mlogit, negative_binomial, ologit, poisson, probit,
    quantile_regression, ratios,
};
use statistics::mixed::{MixedModel, regress_mml};

use super::{Case, Sheet, Values};

/// The numbers of a case; none when its command is of another family.
pub fn compute(case: &Case, sheet: &mut Sheet) -> Option<Result<Values, Problem>> {
    let command = case.command();
    let fitted = match command {
        "logit" | "probit" => {
            let model = model(case, sheet, false);
            let options = BinaryOptions { effects: effects(case), margins: margins(case, sheet) };
            if command == "logit" {
                logit(&sheet.table, &model, &options)
            } else {
                probit(&sheet.table, &model, &options)
            }
        }
        "mlogit" => {
            let model = model(case, sheet, true);
            let base = case.analysis.get("base").and_then(|base| sheet.category(model.y, base));
            let options = MultinomialOptions { base: base.map(|b| b as f64), effects: effects(case) };
            mlogit(&sheet.table, &model, &options)
        }
        "poisson" | "negative-binomial" => {
            let model = model(case, sheet, false);
            let options = CountOptions { exposure: case.word("exposure").map(|name| sheet.number(name)) };
            if command == "poisson" {
                poisson(&sheet.table, &model, &options)
            } else {
                negative_binomial(&sheet.table, &model, &options)
            }
        }
        "ologit" => {
            let model = model(case, sheet, true);
            let levels = case.list("y_levels").iter().filter_map(|level| sheet.category(model.y, level));
            ologit(&sheet.table, &model, &OrderedOptions { order: levels.map(|l| l as f64).collect() })
        }
        "glm" => return Some(general(case, sheet).map(|fit| named(&fit))),
        "quantile-regression" => {
            let Model { y, terms, constant, .. } = model(case, sheet, false);
            let model = QuantileModel { y, terms, constant, tau: case.number("tau").unwrap_or(0.5) };
            return Some(quantile_regression(&sheet.table, &model).map(|fit| named(&fit)));
        }
        "regress-mml" => return Some(mixed(case, sheet)),
        _ => return None,
    };
    Some(fitted.map(|fitted| {
        let mut values = Values::new();
        // Ratios take the place of coefficients.
        if case.switch("or") || case.switch("irr") {
            for ratio in ratios(&fitted.fit, case.number("level").unwrap_or(95.0)) {
                values.push((format!("b[{}]", ratio.label), ratio.ratio));
                values.push((format!("se[{}]", ratio.label), ratio.se));
                values.push((format!("lcl[{}]", ratio.label), ratio.lower));
                values.push((format!("ucl[{}]", ratio.label), ratio.upper));
            }
        }
        values.extend(named(&fitted.fit));
        values
    }))
}

fn general(case: &Case, sheet: &mut Sheet) -> Result<Fit, Problem> {
    let Model { y, terms, constant, .. } = model(case, sheet, false);
    let family = match case.word("family") {
        Some("binomial") => Family::Binomial,
        Some("poisson") => Family::Poisson,
        Some("gamma") => Family::Gamma,
        Some("inverse-gaussian") => Family::InverseGaussian,
        _ => Family::Gaussian,
    };
    let link = match case.word("link") {
        Some("identity") => Some(Link::Identity),
        Some("log") => Some(Link::Log),
        Some("inverse") => Some(Link::Inverse),
        Some("inverse-squared") => Some(Link::InverseSquared),
        Some("sqrt") => Some(Link::Root),
        Some("logit") => Some(Link::Logit),
        Some("probit") => Some(Link::Probit),
        Some("cloglog") => Some(Link::LogLog),
        _ => None,
    };
    glm(&sheet.table, &GlmModel { y, terms, constant, family, link })
}

/// The mixed model of a case.
pub fn mixed_of(case: &Case, sheet: &mut Sheet) -> MixedModel {
    let groups = case.texts("groups");
    MixedModel {
        y: sheet.number(case.text("y").unwrap_or_default()),
        terms: sheet.terms(case.list("terms")),
        constant: !case.switch("noconstant"),
        group: sheet.factor(groups.first().copied().unwrap_or_default()),
        inner: groups.get(1).map(|name| sheet.factor(name)),
        slope: case.word("random_slope").map(|name| sheet.number(name)),
        persons: None,
    }
}

fn mixed(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let model = mixed_of(case, sheet);
    let mixed = regress_mml(&sheet.table, &model)?;
    let mut values = named(&mixed.fit);
    values.extend(mixed.correlations.first().map(|(_, icc)| ("icc".to_owned(), *icc)));
    values.extend(mixed.groups.iter().map(|(level, count)| (format!("groups[{level}]"), *count as f64)));
    values.extend(mixed.variances);
    values.extend(mixed.correlations);
    values.extend(mixed.fit.scalar("ll").map(|ll| ("loglik_reml".to_owned(), ll)));
    Ok(values)
}

/// The model of a case; `categories` where its outcome is one.
pub fn model(case: &Case, sheet: &mut Sheet, categories: bool) -> Model {
    let y = case.text("y").unwrap_or_default();
    let y = if categories { sheet.factor(y) } else { sheet.number(y) };
    let mut model = Model::new(y, sheet.terms(case.list("terms")));
    model.constant = !case.switch("noconstant");
    if case.switch("robust") {
        model.errors = Errors::Robust;
    }
    if let Some(cluster) = case.word("cluster") {
        model.errors = Errors::Cluster(sheet.factor(cluster));
    }
    model
}

fn effects(case: &Case) -> Option<Effects> {
    if case.option("mfx").is_none() && case.option("mfx_at").is_none() {
        return None;
    }
    Some(Effects {
        kind: match case.word("mfx") {
            Some("eyex") => EffectKind::EyEx,
            Some("dyex") => EffectKind::DyEx,
            Some("eydx") => EffectKind::EyDx,
            _ => EffectKind::DyDx,
        },
        place: match case.word("mfx_at") {
            Some("mean") => EffectPlace::Mean,
            Some("median") => EffectPlace::Median,
            Some("zero") => EffectPlace::Zero,
            _ => EffectPlace::Overall,
        },
    })
}

fn margins(case: &Case, sheet: &mut Sheet) -> Option<Option<usize>> {
    match case.option("margins")? {
        Value::String(name) if !name.is_empty() => Some(Some(sheet.number(name))),
        Value::Bool(false) => None,
        _ => Some(None),
    }
}

/// `b[…]`, `se[…]`, the numbers about the fit under the names of the cases, and margins, whose errors take the place of those of
/// the coefficients.
pub fn named(fit: &Fit) -> Values {
    let mut values = Values::new();
    for margin in &fit.margins {
        let inner = margin.label.split_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
        values.push((margin.label.clone(), margin.estimate));
        values.push((format!("se[{inner}]"), margin.se));
    }
    for estimate in &fit.estimates {
        values.push((format!("b[{}]", estimate.label), estimate.b));
        values.push((format!("se[{}]", estimate.label), estimate.se));
        let p = distributions::normal_two_sided(estimate.b / estimate.se);
        values.push((format!("p[{}]", estimate.label), p));
    }
    for (name, value) in &fit.scalars {
        let name = match *name {
            "ll" => "loglik",
            "ll_0" => "loglik0",
            "deviance_0" => "deviance0",
            name => name,
        };
        values.push((name.to_owned(), *value));
    }
    values
}
