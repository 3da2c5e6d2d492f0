//! What fitted models say of each row (section 4): a command with `-predict` behind it. Names are `predicted[i]`, `residuals[i]`, …
//! with i the number of the row from 0, after weights and filters.

use statistics::Problem;
use statistics::likelihood::{
    BinaryOptions, CountOptions, MultinomialOptions, Wanted, logit, mlogit, negative_binomial, poisson, probit,
};
use statistics::mixed::regress_mml;

use super::{Case, Sheet, Values, likelihood, linear};

/// The numbers of a case; none when its command is of another family.
pub fn compute(case: &Case, sheet: &mut Sheet) -> Option<Result<Values, Problem>> {
    let command = case.command().strip_suffix("-predict")?;
    Some(match command {
        "regress" | "ivregress" | "regress-panel" | "regress-mml" => continuous(command, case, sheet),
        _ => of_likelihood(command, case, sheet),
    })
}

/// Names each value that is not missing by its row.
fn by_row(name: &str, values: &[f64]) -> Values {
    let present = values.iter().enumerate().filter(|(_, x)| !x.is_nan());
    present.map(|(row, x)| (format!("{name}[{row}]"), *x)).chain([missing(name, values)]).collect()
}

/// How many rows have no value.
fn missing(name: &str, values: &[f64]) -> (String, f64) {
    (format!("missing[{name}]"), values.iter().filter(|x| x.is_nan()).count() as f64)
}

fn continuous(command: &str, case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let mut all: Vec<(&str, Vec<f64>)> = Vec::new();
    match command {
        "regress" => {
            let fit = linear::regress_of(case, sheet).fit(&sheet.table, None)?;
            let rows = &sheet.table;
            all.extend([
                ("predicted", fit.predicted(rows)),
                ("residuals", fit.residuals(rows)),
                ("cooksd", fit.cooksd(rows)),
            ]);
        }
        "ivregress" => {
            let fit = linear::instruments_of(case, sheet).fit(&sheet.table, None)?;
            all.extend([("predicted", fit.predicted(&sheet.table)), ("residuals", fit.residuals(&sheet.table))]);
        }
        "regress-panel" => {
            let fit = linear::panel_of(case, sheet).fit(&sheet.table, None)?;
            let rows = &sheet.table;
            all.extend([
                ("predicted", fit.predicted(rows)),
                ("residuals", fit.residuals(rows)),
                ("effects", fit.effects(rows)),
            ]);
        }
        _ => {
            let model = likelihood::mixed_of(case, sheet);
            let fit = regress_mml(&sheet.table, &model)?;
            for (name, wanted) in [("predicted", Wanted::Predicted), ("residuals", Wanted::Residuals)] {
                all.push((name, fit.predict(&sheet.table, wanted)?));
            }
        }
    }
    Ok(all.iter().flat_map(|(name, values)| by_row(name, values)).collect())
}

fn of_likelihood(command: &str, case: &Case, sheet: &mut Sheet) -> Result<Values, Problem> {
    let model = likelihood::model(case, sheet, command == "mlogit");
    let exposure = case.word("exposure").map(|name| sheet.number(name));
    let rows = &sheet.table;
    let fitted = match command {
        "logit" => logit(rows, &model, &BinaryOptions::default()),
        "probit" => probit(rows, &model, &BinaryOptions::default()),
        "mlogit" => mlogit(rows, &model, &MultinomialOptions::default()),
        "poisson" => poisson(rows, &model, &CountOptions { exposure }),
        _ => negative_binomial(rows, &model, &CountOptions { exposure }),
    }?;
    let mut values = Values::new();
    let count = ["poisson", "negative-binomial"].contains(&command);
    for (name, wanted) in
        [("probabilities", Wanted::Probabilities), ("predicted", Wanted::Predicted), ("residuals", Wanted::Residuals)]
    {
        // A count has an expected value, no probability.
        if count && wanted == Wanted::Probabilities {
            continue;
        }
        for predicted in fitted.predict(rows, wanted)? {
            let name = predicted.outcome.map_or(name.to_owned(), |code| format!("{name}_{code}"));
            values.extend(by_row(&name, &predicted.values));
        }
    }
    Ok(values)
}
