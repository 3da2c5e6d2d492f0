//! The linear models beyond `regress`: instruments, panels, differences in differences, the comparison of fixed and random effects,
//! and decompositions.

use statistics::fit::{Estimate, Fit};
use statistics::linear::iv::{Estimator, Instruments};
use statistics::linear::oaxaca::{Decomposition, Oaxaca};
use statistics::linear::panel::did::Differences;
use statistics::linear::panel::hausman::{Hausman, Scale};
use statistics::linear::panel::{Model, Panel};

use super::fit::{Fitted, errors, number, regress};
use super::model::{ModelWork, raw_test};
use super::sample::View;
use crate::control::{CHUNK, stopped};
use crate::raw::{Digits, Failed, RawEstimate, RawFitRows, RawFitTable, RawNumber, RawTest};

fn table(name: &str, rows: RawFitRows) -> RawFitTable {
    RawFitTable { name: name.to_owned(), rows }
}

/// `ivregress` as its estimator is asked for it.
pub(super) fn instruments(work: &ModelWork) -> Instruments {
    let options = &work.plan.options;
    Instruments {
        constant: !options.has("noconstant"),
        estimator: match () {
            () if options.has("liml") => Estimator::Liml,
            () if options.has("gmm") => Estimator::Gmm,
            () => Estimator::Tsls,
        },
        errors: errors(work),
        first_stage: options.has("firststage"),
        endog: options.has("endog"),
        overid: options.has("overid"),
        ..Instruments::of(work.response, work.terms.clone(), work.endogenous.clone(), work.instruments.clone())
    }
}

pub(super) fn ivregress(work: &ModelWork, view: &View<'_>, persons: Option<&[u32]>) -> Result<Fitted, Failed> {
    let found = instruments(work).fit(view, persons)?;
    let mut fit = found.fit;
    let mut tables = Vec::new();
    let mut first: Vec<RawTest> = Vec::new();
    for stage in &found.first_stage {
        first.push(RawTest { name: format!("F {}", stage.label), ..raw_test(&stage.f) });
        let share = statistics::fit::Test {
            name: format!("partial_r2 {}", stage.label),
            statistic: stage.partial_r2,
            kind: statistics::fit::TestKind::Plain,
        };
        first.push(raw_test(&share));
    }
    if !first.is_empty() {
        tables.push(table("first_stage", RawFitRows::Tests(first)));
    }
    for (name, tests) in [("endogeneity", ENDOGENEITY), ("overidentification", OVERIDENTIFICATION)] {
        let (of_table, others) = fit.tests.into_iter().partition(|test| tests.contains(&test.name.as_str()));
        fit.tests = others;
        let of_table: Vec<statistics::fit::Test> = of_table;
        if !of_table.is_empty() {
            tables.push(table(name, RawFitRows::Tests(of_table.iter().map(raw_test).collect())));
        }
    }
    Ok(Fitted { tables, ..fit.into() })
}

const ENDOGENEITY: &[&str] = &["durbin", "wu_hausman", "robust_score", "robust_regression"];
const OVERIDENTIFICATION: &[&str] = &["sargan", "basmann", "anderson_rubin", "basmann_f", "hansen"];

/// `regress-panel` as its estimator is asked for it; none for `pooled`, which is `regress`.
pub(super) fn panel(work: &ModelWork) -> Option<Panel> {
    let options = &work.plan.options;
    let model = match () {
        () if options.has("pooled") => return None,
        () if options.has("re") => Model::Random,
        () if options.has("be") => Model::Between,
        () => Model::Fixed,
    };
    let [unit, time] = work.panel.unwrap_or_default();
    Some(Panel {
        y: work.response,
        terms: work.terms.clone(),
        constant: !options.has("noconstant"),
        unit,
        time: Some(time),
        model,
        robust: options.has("robust"),
        cluster: work.option("cluster"),
    })
}

pub(super) fn regress_panel(work: &ModelWork, view: &View<'_>, persons: Option<&[u32]>) -> Result<Fitted, Failed> {
    match panel(work) {
        Some(asked) => {
            let fit = asked.fit(view, persons)?.fit;
            let counts = vec![("units".to_owned(), view.sample.people().set(view.rows))];
            let tables = vec![table("panel", RawFitRows::Numbers(occasions(work, view)?))];
            Ok(Fitted { counts, tables, ..fit.into() })
        }
        None => {
            // `robust` is by unit in a panel (STAT-132).
            let mut asked = regress(work);
            if asked.errors == statistics::linear::Errors::Robust {
                asked.errors = statistics::linear::Errors::Cluster(work.panel.unwrap_or_default()[0]);
            }
            Ok(asked.fit(view, persons)?.fit.into())
        }
    }
}

/// The fewest and the most occasions of a unit. Each is told when enough units have as many (STAT-134).
fn occasions(work: &ModelWork, view: &View<'_>) -> Result<Vec<RawNumber>, Failed> {
    let [unit, _] = work.panel.unwrap_or_default();
    let (mut of_unit, mut units): (Vec<u32>, Vec<f64>) = (Vec::new(), vec![0.0; CHUNK]);
    for start in (0..view.rows.len()).step_by(CHUNK) {
        stopped(view.control)?;
        let range = start..(start + CHUNK).min(view.rows.len());
        let units = &mut units[..range.len()];
        view.sample.values(unit, range.clone(), units);
        for row in view.rows.iter(range) {
            let unit = units[row - start] as usize;
            if of_unit.len() <= unit {
                of_unit.resize(unit + 1, 0);
            }
            of_unit[unit] += 1;
        }
    }
    let here = || of_unit.iter().copied().filter(|occasions| *occasions > 0);
    let found = [("T_min", here().min()), ("T_max", here().max())];
    let told = found.into_iter().filter_map(|(name, occasions)| Some((name, occasions?)));
    let each = told.map(|(name, occasions)| {
        let set = view.persons(&[unit], |x| of_unit.get(x[0] as usize) == Some(&occasions))?;
        let name = [name.to_owned(), "occasions".to_owned()];
        let told = number(name, Some(f64::from(occasions)));
        Ok(RawNumber { digits: Digits::Three, rests_on: vec![set], ..told })
    });
    each.collect()
}

pub(super) fn differences(work: &ModelWork, view: &View<'_>, persons: Option<&[u32]>) -> Result<Fitted, Failed> {
    let [unit, time] = work.panel.unwrap_or_default();
    let asked = Differences {
        y: work.response,
        group: work.leading[0],
        treated: work.leading[1],
        terms: work.terms.clone(),
        unit,
        time,
        robust: work.plan.options.has("robust"),
        cluster: work.option("cluster"),
    };
    Ok(asked.fit(view, persons)?.fit.into())
}

pub(super) fn hausman(work: &ModelWork, view: &View<'_>, persons: Option<&[u32]>) -> Result<Fitted, Failed> {
    let options = &work.plan.options;
    let scale = match () {
        () if options.has("sigmamore") => Scale::More,
        () if options.has("sigmaless") => Scale::Less,
        () => Scale::Own,
    };
    let asked = Hausman {
        y: work.response,
        terms: work.terms.clone(),
        unit: work.panel.unwrap_or_default()[0],
        constant: !options.has("noconstant"),
        include_constant: options.has("include_constant"),
        scale,
    };
    let found = asked.fit(view, persons)?;
    let mut rows: Vec<RawNumber> = Vec::new();
    for term in &found.terms {
        let columns = [
            ("b_fe", term.fixed),
            ("b_re", term.random),
            ("difference", term.fixed - term.random),
            ("se_difference", term.se),
        ];
        let cell =
            |(column, x): (&str, f64)| number([term.label.clone(), column.to_owned()], x.is_finite().then_some(x));
        rows.extend(columns.map(cell));
    }
    let fit = Fit {
        tests: vec![found.test],
        notices: found.notices,
        margins: Vec::new(),
        scalars: Vec::new(),
        ..found.random.fit
    };
    Ok(Fitted { tables: vec![table("hausman", RawFitRows::Numbers(rows))], hidden: true, ..fit.into() })
}

pub(super) fn oaxaca(work: &ModelWork, view: &View<'_>, persons: Option<&[u32]>) -> Result<Fitted, Failed> {
    let options = &work.plan.options;
    let asked = Oaxaca {
        y: work.response,
        terms: work.terms.clone(),
        constant: !options.has("noconstant"),
        by: work.groups[0],
        first: None,
        pool: options.has("pool"),
        robust: options.has("robust"),
    };
    let found = asked.fit(view, persons)?;
    let name = |group: f64| {
        let category = work.sample.categories(work.groups[0]).get(group as usize);
        category.map_or_else(|| format!("{group}"), |c| c.code.clone())
    };
    let means = found.groups.iter().zip(found.means).map(|(group, mean)| {
        let name = [format!("{}={}", work.plan.groups[0], name(*group)), "mean".to_owned()];
        RawNumber { digits: Digits::Three, ..number(name, Some(mean)) }
    });
    let mut tables = vec![table("means", RawFitRows::Numbers(means.collect()))];
    let parts = if options.has("pool") { &found.pooled } else { &found.threefold };
    for part in parts {
        let detail = part.detail.iter().map(|(label, value, se)| RawEstimate {
            label: label.clone(),
            estimate: *value,
            se: Some(*se),
        });
        tables.push(table(part.name, RawFitRows::Estimates(detail.collect())));
    }
    let gap = [("difference", found.gap)].into_iter();
    let sums = gap.chain(parts.iter().map(|part| (part.name, (part.value, part.se))));
    let estimates = sums.map(|(label, (b, se))| Estimate { label: label.to_owned(), column: None, b, se }).collect();
    Ok(Fitted { tables, ..decomposed(found, estimates).into() })
}

fn decomposed(found: Decomposition, estimates: Vec<Estimate>) -> Fit {
    Fit {
        estimates,
        covariance: Default::default(),
        residual_df: None,
        n: found.n.iter().sum(),
        scalars: Vec::new(),
        tests: Vec::new(),
        margins: Vec::new(),
        omitted: found.omitted,
        notices: found.notices,
        influence: found.influence,
        clusters: None,
    }
}
