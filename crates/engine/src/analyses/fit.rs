//! Which estimator fits which command, and how its options are called there.

use script::program::ModelKind;
use statistics::fit::{Estimate, Fit, Influence};
use statistics::likelihood::{self, BinaryOptions, CountOptions, EffectKind, EffectPlace, Effects, MultinomialOptions};
use statistics::linear::Errors;
use statistics::linear::anova::{Anova, Source, Table};
use statistics::linear::regress::{Margins, Regress};
use statistics::mixed::{self, MixedModel};
use statistics::rdd::{self, Rdd};
use statistics::survival::{self, Cox, Outcome};

use super::linear;
use super::model::ModelWork;
use super::sample::View;
use crate::raw::{Digits, Failed, PersonSet, RawFitRows, RawFitTable, RawNumber};

/// A fitted model with what belongs to its command alone.
pub(crate) struct Fitted {
    pub(crate) fit: Fit,
    /// Number of groups of each level of random effects.
    pub(crate) groups: Vec<u64>,
    /// Further tables.
    pub(crate) tables: Vec<RawFitTable>,
    /// Numbers of persons beside that of the sample.
    pub(crate) counts: Vec<(String, PersonSet)>,
    /// The outcomes, where there are several equations.
    pub(crate) equations: Vec<String>,
    /// The estimates are not shown; the tables are the result.
    pub(crate) hidden: bool,
    /// Largest share of one person in estimates that are no columns of a design.
    pub(crate) concentration: f64,
}

impl From<Fit> for Fitted {
    fn from(fit: Fit) -> Self {
        Self {
            fit,
            groups: Vec::new(),
            tables: Vec::new(),
            counts: Vec::new(),
            equations: Vec::new(),
            hidden: false,
            concentration: 0.0,
        }
    }
}

/// Fits a model on the rows of a view.
pub(crate) fn model(work: &ModelWork, view: &View<'_>) -> Result<Fitted, Failed> {
    let persons = view.persons_by_row();
    match work.plan.kind {
        ModelKind::Regress => {
            let asked = regress(work);
            let regression = asked.fit(view, persons.as_deref())?;
            let mut fit = regression.fit;
            // With `standardize` the estimates are those of the standardised columns; their t and p are the same.
            for (estimate, beta) in fit.estimates.iter_mut().zip(regression.betas) {
                estimate.se *= if estimate.b == 0.0 { 0.0 } else { beta / estimate.b };
                estimate.b = beta;
            }
            Ok(fit.into())
        }
        ModelKind::Logit => Ok(likelihood::logit(view, &likelihood_model(work, persons), &binary(work))?.fit.into()),
        ModelKind::Probit => Ok(likelihood::probit(view, &likelihood_model(work, persons), &binary(work))?.fit.into()),
        ModelKind::Mlogit => {
            let asked = MultinomialOptions { effects: effects(work), ..MultinomialOptions::default() };
            let fit = likelihood::mlogit(view, &likelihood_model(work, persons), &asked)?.fit;
            let mut equations: Vec<String> = Vec::new();
            for estimate in &fit.estimates {
                if let Some((equation, _)) = estimate.label.split_once(':')
                    && !equations.iter().any(|e| e == equation)
                {
                    equations.push(equation.to_owned());
                }
            }
            Ok(Fitted { equations, ..fit.into() })
        }
        ModelKind::Poisson | ModelKind::NegativeBinomial => {
            let asked = counts(work);
            let asked_of =
                if work.plan.kind == ModelKind::Poisson { likelihood::poisson } else { likelihood::negative_binomial };
            Ok(asked_of(view, &likelihood_model(work, persons), &asked)?.fit.into())
        }
        ModelKind::Cox => {
            let outcome = Outcome { event: work.response, time: work.leading[0] };
            let fit = survival::cox(view, &Cox::new(outcome, work.terms.clone()), persons.as_deref())?.fit;
            let events = view.persons(&[work.response], |x| x[0] == 1.0)?;
            Ok(Fitted { counts: vec![("events".to_owned(), events)], ..fit.into() })
        }
        ModelKind::RegressMml => {
            let mixed = mixed::regress_mml(view, &mixed_model(work, persons))?;
            let numbers = |numbers: Vec<(String, f64)>| {
                numbers.into_iter().map(|(name, x)| number([name, "estimate".to_owned()], Some(x))).collect::<Vec<_>>()
            };
            let variances = RawFitTable {
                name: "variances".to_owned(),
                rows: RawFitRows::Numbers(numbers([mixed.variances, mixed.correlations].concat())),
            };
            let groups = mixed.groups.iter().map(|(_, n)| *n).collect();
            Ok(Fitted { groups, tables: vec![variances], ..mixed.fit.into() })
        }
        ModelKind::Anova => {
            let posthoc = work.plan.options.has("posthoc").then_some(work.plan.options.level());
            let asked = Anova {
                y: work.response,
                terms: work.terms.clone(),
                constant: !work.plan.options.has("noconstant"),
                posthoc,
            };
            Ok(anova(work, asked.fit(view, persons.as_deref())?))
        }
        ModelKind::Rdd => {
            let number = |name: &str| work.plan.options.number(name);
            let asked = Rdd {
                cutoff: number("cutoff").unwrap_or(0.0),
                order: number("polynomial").unwrap_or(1.0).max(0.0) as usize,
                derivative: number("derivate").unwrap_or(0.0).max(0.0) as usize,
                fuzzy: work.option("fuzzy"),
                covariates: work.terms.clone(),
                cluster: work.option("cluster"),
                level: work.plan.options.level(),
                ..Rdd::new(work.response, work.leading[0])
            };
            jump(work, view, &asked, rdd::rdd(view, &asked, persons.as_deref())?)
        }
        ModelKind::Ivregress => linear::ivregress(work, view, persons.as_deref()),
        ModelKind::RegressPanel => linear::regress_panel(work, view, persons.as_deref()),
        ModelKind::RegressPanelDiff => linear::differences(work, view, persons.as_deref()),
        ModelKind::Hausman => linear::hausman(work, view, persons.as_deref()),
        ModelKind::Oaxaca => linear::oaxaca(work, view, persons.as_deref()),
    }
}

/// `regress` as the estimator is asked for it.
pub(crate) fn regress(work: &ModelWork) -> Regress {
    let options = &work.plan.options;
    Regress {
        y: work.response,
        terms: work.terms.clone(),
        constant: !options.has("noconstant"),
        errors: errors(work),
        standardize: options.has("standardize"),
        vif: options.has("vif"),
        het_bp: options.has("het_bp"),
        het_iid: options.has("het_iid"),
        het_fstat: options.has("het_fstat"),
        ov: options.has("ov"),
        margins: match work.option("margins") {
            Some(variable) => Some(Margins::Of(variable)),
            None => options.has("margins").then_some(Margins::Means),
        },
    }
}

pub(super) fn errors(work: &ModelWork) -> Errors {
    match work.option("cluster") {
        Some(variable) => Errors::Cluster(variable),
        None if work.plan.options.has("robust") => Errors::Robust,
        None => Errors::Default,
    }
}

/// A model that maximises a likelihood, as its estimator is asked for it.
pub(crate) fn likelihood_model(work: &ModelWork, persons: Option<Vec<u32>>) -> likelihood::Model {
    likelihood::Model {
        y: work.response,
        terms: work.terms.clone(),
        constant: !work.plan.options.has("noconstant"),
        errors: match work.option("cluster") {
            Some(variable) => likelihood::Errors::Cluster(variable),
            None if work.plan.options.has("robust") => likelihood::Errors::Robust,
            None => likelihood::Errors::Model,
        },
        persons: persons.map(Into::into),
    }
}

/// The table of an analysis of variance, and the comparisons of its groups. Residual degrees of freedom have three digits, as the
/// size of the sample has (SDC-161).
fn anova(work: &ModelWork, found: Table) -> Fitted {
    let mut rows = Vec::new();
    let mut put = |source: &str, column: &str, value: Option<f64>, digits| {
        let name = [source.to_owned(), column.to_owned()];
        rows.push(RawNumber { digits, ..number(name, value) });
    };
    let sequential = work.plan.options.has("sequential").then_some(&found.sequential);
    let named = |what: &str, sources: &[Source]| -> Vec<(String, Source)> {
        sources.iter().map(|source| (format!("{}{what}", source.name), source.clone())).collect()
    };
    let model = ("model".to_owned(), found.model.clone());
    let terms = named("", &found.partial);
    let further = sequential.map_or_else(Vec::new, |sources| named(" (sequential)", sources));
    for (name, source) in std::iter::once(model).chain(terms).chain(further) {
        let test = found.test(&source);
        put(&name, "ss", Some(source.ss), Digits::Four);
        put(&name, "df", Some(source.df), Digits::Three);
        put(&name, "ms", (source.df > 0.0).then(|| source.ms()), Digits::Four);
        put(&name, "F", test.as_ref().map(|t| t.statistic).filter(|f| f.is_finite()), Digits::Three);
        put(&name, "p", test.and_then(|t| t.p()).filter(|p| p.is_finite()), Digits::Three);
    }
    for (name, source) in [("residual", &found.residual), ("total", &found.total)] {
        put(name, "ss", Some(source.ss), Digits::Four);
        put(name, "df", Some(source.df), Digits::Three);
        put(name, "ms", Some(source.ms()), Digits::Four);
    }
    let mut tables = vec![RawFitTable { name: "anova".to_owned(), rows: RawFitRows::Numbers(rows) }];
    let mut compared = Vec::new();
    for pair in &found.posthoc {
        let columns = [("diff", pair.difference), ("lcl", pair.limits.0), ("ucl", pair.limits.1), ("p", pair.p)];
        let row = format!("{} {}", pair.factor, pair.label);
        compared.extend(columns.map(|(column, x)| number([row.clone(), column.to_owned()], Some(x))));
    }
    if !compared.is_empty() {
        tables.push(RawFitTable { name: "posthoc".to_owned(), rows: RawFitRows::Numbers(compared) });
    }
    let design = &found.sample.design;
    let fit = Fit {
        // Columns are judged as those of any model; none of them is shown.
        estimates: unshown(design.columns.iter().map(|column| column.label.as_str())),
        covariance: Default::default(),
        residual_df: Some(found.residual.df),
        n: found.sample.patterns.weight.iter().sum(),
        scalars: found.scalars,
        tests: Vec::new(),
        margins: Vec::new(),
        omitted: found.omitted,
        notices: found.notices,
        influence: found.influence,
        clusters: None,
    };
    Fitted { tables, hidden: true, ..fit.into() }
}

/// Columns of a model that shows other numbers than theirs.
fn unshown<'l>(labels: impl Iterator<Item = &'l str>) -> Vec<Estimate> {
    let labels = labels.enumerate();
    labels.map(|(i, label)| Estimate { label: label.to_owned(), column: Some(i), b: 0.0, se: 0.0 }).collect()
}

/// A discontinuity: three estimates of one jump, with the persons near the cutoff on either side.
fn jump(work: &ModelWork, view: &View<'_>, asked: &Rdd, found: rdd::RddFit) -> Result<Fitted, Failed> {
    let running = work.leading[0];
    let near = |above: bool| {
        view.persons(&[running], |x| (x[0] >= asked.cutoff) == above && (x[0] - asked.cutoff).abs() <= found.h)
    };
    let rows =
        [("conventional", found.conventional), ("bias-corrected", found.bias_corrected), ("robust", found.robust)];
    let estimates =
        rows.map(|(label, jump)| Estimate { label: label.to_owned(), column: None, b: jump.estimate, se: jump.se });
    let fit = Fit {
        estimates: estimates.to_vec(),
        covariance: Default::default(),
        residual_df: None,
        n: (found.n[0] + found.n[1]) as f64,
        scalars: vec![("h", found.h), ("b_bandwidth", found.b)],
        tests: Vec::new(),
        margins: Vec::new(),
        omitted: found.omitted,
        notices: found.notices,
        influence: Influence { leverage: 0.0, concentration: Vec::new() },
        clusters: found.clusters,
    };
    let counts = vec![("n_left".to_owned(), near(false)?), ("n_right".to_owned(), near(true)?)];
    Ok(Fitted { counts, concentration: found.concentration, ..fit.into() })
}

/// A number of a further table, which rests on the whole sample.
pub(super) fn number(name: [String; 2], value: Option<f64>) -> RawNumber {
    RawNumber { table: String::new(), name, value, digits: Digits::Four, rests_on: Vec::new() }
}

/// A mixed model as its estimator is asked for it.
pub(crate) fn mixed_model(work: &ModelWork, persons: Option<Vec<u32>>) -> MixedModel {
    MixedModel {
        y: work.response,
        terms: work.terms.clone(),
        constant: !work.plan.options.has("noconstant"),
        group: work.groups[0],
        inner: work.groups.get(1).copied(),
        slope: None,
        persons: persons.map(Into::into),
    }
}

/// What models of counts are asked for beside estimates.
pub(crate) fn counts(work: &ModelWork) -> CountOptions {
    CountOptions { exposure: work.option("exposure") }
}

fn binary(work: &ModelWork) -> BinaryOptions {
    let margins = match work.option("margins") {
        Some(variable) => Some(Some(variable)),
        None => work.plan.options.has("margins").then_some(None),
    };
    BinaryOptions { effects: effects(work), margins }
}

/// Marginal effects; naming the kind or the place implies the other's default (LANG-191).
fn effects(work: &ModelWork) -> Option<Effects> {
    let (kind, place) = (work.plan.options.word("mfx"), work.plan.options.word("mfx_at"));
    if kind.is_none() && place.is_none() {
        return None;
    }
    let kind = match kind {
        Some("eyex") => EffectKind::EyEx,
        Some("dyex") => EffectKind::DyEx,
        Some("eydx") => EffectKind::EyDx,
        _ => EffectKind::DyDx,
    };
    let place = match place {
        Some("mean") => EffectPlace::Mean,
        Some("median") => EffectPlace::Median,
        Some("zero") => EffectPlace::Zero,
        _ => EffectPlace::Overall,
    };
    Some(Effects { kind, place })
}
