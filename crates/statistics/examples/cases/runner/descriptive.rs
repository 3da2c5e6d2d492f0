//! Descriptive numbers, classical tests and regression discontinuity: cases as calls, results as named numbers.

use statistics::descriptive::{
    Correlate, Moments, PercentileType, Tested, ci, correlate, equal_variance, gini, kendall, kruskal, normaltest,
    percentile, percentile_of, spearman, ttest,
};
use statistics::fit::{Test, TestKind};
use statistics::rdd::{Rdd, rdd};
use statistics::{Frame, Problem};

use super::{Case, Sheet, Values};

/// The numbers of a case; none when its command is of another family.
pub fn compute(case: &Case, sheet: &mut Sheet) -> Option<Result<Values, Problem>> {
    match case.command() {
        "summarize" => Some(Ok(summary(case, sheet))),
        "tabulate" if case.switch("chi2") => Some(independence(case, sheet)),
        "correlate" => Some(correlations(case, sheet)),
        "ci" => Some(means(case, sheet)),
        "normaltest" => Some(normality(case, sheet)),
        "ttest" | "kruskal" | "equal-variance" => Some(groups(case, sheet)),
        "rdd" => Some(discontinuity(case, sheet)),
        _ => None,
    }
}

fn discontinuity(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let y = sheet.number(case.text("y").unwrap_or_default());
    let running = sheet.number(case.text("running").unwrap_or_default());
    let mut asked = Rdd::new(y, running);
    asked.cutoff = case.number("cutoff").unwrap_or(0.0);
    asked.order = case.number("polynomial").map_or(1, |p| p as usize);
    asked.derivative = case.number("derivate").map_or(0, |v| v as usize);
    asked.fuzzy = case.word("fuzzy").map(|t| sheet.number(t));
    asked.cluster = case.word("cluster").map(|c| sheet.factor(c));
    (asked.h, asked.b) = (case.number("h"), case.number("b"));
    asked.covariates = sheet.terms(case.list("terms"));
    let found = rdd(&sheet.table, &asked, None)?;
    let all = [
        ("tau_conventional", found.conventional.estimate),
        ("se_conventional", found.conventional.se),
        ("tau_bias_corrected", found.robust.estimate),
        ("se_robust", found.robust.se),
        ("h_left", found.h),
        ("h_right", found.h),
        ("b_left", found.b),
        ("b_right", found.b),
        ("n_left", found.n[0] as f64),
        ("n_right", found.n[1] as f64),
        ("n_h_left", found.effective[0] as f64),
        ("n_h_right", found.effective[1] as f64),
        ("lcl_robust", found.robust.lower),
        ("ucl_robust", found.robust.upper),
        ("p_robust", found.robust.p()),
    ];
    Ok(all.map(|(name, x)| (name.to_owned(), x)).to_vec())
}

fn variables(case: &Case, sheet: &mut Sheet) -> Vec<usize> {
    case.texts("vars").iter().map(|v| sheet.number(v)).collect()
}

/// The name with the variable where there are several.
fn of(name: &str, variable: &str, several: bool) -> String {
    if several { format!("{name}[{variable}]") } else { name.to_owned() }
}

fn summary(case: &Case, sheet: &mut Sheet) -> Values {
    let mut values = Values::new();
    for variable in variables(case, sheet) {
        let mut sorted = Frame::of(&sheet.table, &[variable]).columns.remove(0);
        let moments = Moments::of(&sorted);
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| percentile(&sorted, share).unwrap_or(f64::NAN);
        let all = [
            ("n", moments.n),
            ("mean", moments.mean),
            ("sd", moments.sd().unwrap_or(f64::NAN)),
            ("gini", gini(&sorted).unwrap_or(f64::NAN)),
            ("iqr", at(0.75) - at(0.25)),
            ("min", sorted[0]),
            ("max", sorted[sorted.len() - 1]),
        ];
        values.extend(all.map(|(name, x)| (name.to_owned(), x)));
        for p in case.option("percentiles").and_then(|p| p.as_array()).into_iter().flatten() {
            let p = p.as_f64().unwrap_or(f64::NAN);
            for (name, kind) in
                [("q2", PercentileType::Two), ("q6", PercentileType::Six), ("q7", PercentileType::Seven)]
            {
                values.extend(percentile_of(&sorted, p / 100.0, kind).map(|x| (format!("{name}[{p}]"), x)));
            }
        }
    }
    values
}

fn independence(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let variables: Vec<usize> = case.texts("vars").iter().map(|v| sheet.factor(v)).collect();
    let sizes = variables.iter().map(|v| sheet.table.variables[*v].categories.as_ref().map_or(0, |c| c.len()));
    let sizes: Vec<usize> = sizes.collect();
    let frame = Frame::of(&sheet.table, &variables);
    let mut counts = vec![vec![0.0; sizes[1]]; sizes[0]];
    for (row, column) in frame.columns[0].iter().zip(&frame.columns[1]) {
        counts[*row as usize][*column as usize] += 1.0;
    }
    let test = distributions::independence(&counts).ok_or_else(|| Problem::new("E_CHI2_NEEDS_2X2"))?;
    let names = ["chi2", "df", "p", "cramers_v"].map(str::to_owned);
    Ok(names.into_iter().zip([test.chi2, test.df, test.p, test.cramers_v]).collect())
}

fn correlations(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let variables = variables(case, sheet);
    let names = case.texts("vars");
    let pairwise = case.switch("pairwise");
    let found = correlate(&sheet.table, &Correlate { variables: variables.clone(), pairwise })?;
    let mut values = Values::new();
    if !pairwise {
        values.push(("n".to_owned(), found.pairs[0].n as f64));
    }
    for pair in &found.pairs {
        let [i, j] = pair.variables;
        let limits = pair.limits(95.0);
        let frame = Frame::of(&sheet.table, &[variables[i], variables[j]]);
        let all = [
            ("r", pair.r),
            ("cov", pair.covariance),
            ("t", pair.t()),
            ("p", pair.p()),
            ("n", Some(pair.n as f64)),
            ("lcl", limits.map(|l| l.0)),
            ("ucl", limits.map(|l| l.1)),
            ("spearman", spearman(&frame.columns[0], &frame.columns[1])),
            ("kendall_taub", kendall(&frame.columns[0], &frame.columns[1])),
        ];
        for (name, x) in all {
            let Some(x) = x else { continue };
            values.push((format!("{name}[{},{}]", names[j], names[i]), x));
            if i != j {
                values.push((format!("{name}[{},{}]", names[i], names[j]), x));
            }
        }
    }
    Ok(values)
}

fn means(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let variables = variables(case, sheet);
    let means = ci(&sheet.table, &variables, case.number("level").unwrap_or(95.0))?;
    let mut values = Values::new();
    for (mean, name) in means.iter().zip(case.texts("vars")) {
        let mut tell = |what: &str, x: f64| values.push((of(what, name, variables.len() > 1), x));
        tell("n", mean.n as f64);
        tell("mean", mean.mean);
        mean.se.into_iter().for_each(|se| tell("se", se));
        if let Some((low, high)) = mean.limits {
            tell("lcl", low);
            tell("ucl", high);
        }
    }
    Ok(values)
}

fn normality(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let variables = variables(case, sheet);
    let mut values = Values::new();
    for (found, name) in normaltest(&sheet.table, &variables, None)?.iter().zip(case.texts("vars")) {
        let mut tell = |what: &str, x: f64| values.push((of(what, name, variables.len() > 1), x));
        tell("n", found.n as f64);
        found.skewness.into_iter().for_each(|x| tell("skewness", x));
        found.kurtosis.into_iter().for_each(|x| tell("kurtosis", x));
        let all: [(&str, &str, Option<Tested>); 5] = [
            ("skew_z", "skew_p", found.skewness_test),
            ("kurt_z", "kurt_p", found.kurtosis_test),
            ("sk_chi2", "sk_p", found.both),
            ("jb", "jb_p", found.jarque_bera),
            ("W", "W_p", found.shapiro_wilk),
        ];
        for (statistic, p, test) in all {
            if let Some(test) = test {
                tell(statistic, test.statistic);
                tell(p, test.p);
            }
        }
    }
    Ok(values)
}

fn groups(case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let y = sheet.number(case.text("y").unwrap_or_default());
    let by = sheet.factor(case.text("by").unwrap_or_default());
    let mut values = Values::new();
    let mut tell = |test: &Test, names: [&str; 3]| {
        let df = match test.kind {
            TestKind::ChiSquare(df) | TestKind::Student(df) | TestKind::F(_, df) => df,
            TestKind::Normal | TestKind::Plain => f64::NAN,
        };
        values.extend([(names[0].to_owned(), test.statistic), (names[1].to_owned(), df)]);
        values.extend(test.p().map(|p| (names[2].to_owned(), p)));
    };
    match case.command() {
        "ttest" => {
            let found = ttest(&sheet.table, y, by)?;
            found.welch.iter().for_each(|test| tell(test, ["welch_t", "welch_df", "welch_p"]));
            found.pooled.iter().for_each(|test| tell(test, ["pooled_t", "pooled_df", "pooled_p"]));
            found.paired.iter().for_each(|test| tell(test, ["paired_t", "paired_df", "paired_p"]));
        }
        "kruskal" => tell(&kruskal(&sheet.table, y, by)?, ["chi2", "df", "p"]),
        _ => {
            let found = equal_variance(&sheet.table, y, by)?;
            tell(&found.bartlett, ["bartlett_K2", "bartlett_df", "bartlett_p"]);
            tell(&found.welch, ["welch_F", "welch_df", "welch_p"]);
        }
    }
    Ok(values)
}
