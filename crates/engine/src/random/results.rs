//! Random statements that give results: tables, descriptions and charts.

use script::DataType;

use super::dice::Dice;
use super::expressions::Expressions;
use super::shape::Dataset;

/// Some of these, each once, at least `least` where there are so many.
pub(super) fn some(dice: &mut Dice, from: &[String], least: usize, most: usize) -> Vec<String> {
    let mut from = from.to_vec();
    let n = (least + dice.roll(most + 1 - least)).min(from.len());
    (0..n).map(|_| from.swap_remove(dice.roll(from.len()))).collect()
}

/// ` if …`, or nothing.
pub(super) fn condition(dice: &mut Dice, dataset: &Dataset) -> String {
    if dice.once_in(2) { String::new() } else { format!(" if {}", Expressions::new(dataset, dice).truth(2)) }
}

/// A statement that gives a result over the columns of `dataset`.
pub(super) fn result(dice: &mut Dice, dataset: &Dataset) -> String {
    let numbers = dataset.names(|c| c.data_type.is_numeric());
    let shown = dataset.names(|c| !matches!(c.data_type, DataType::Key(_)));
    // Mostly what has categories; now and then anything.
    let categories = if dice.once_in(6) {
        shown.clone()
    } else {
        dataset.names(|c| c.labelled || c.data_type == DataType::Text || c.data_type == DataType::Integer)
    };
    let panel = dataset.panel && dice.once_in(2);
    let word = |plain: &'static str, of_panel: &'static str| if panel { of_panel } else { plain };
    match dice.roll(11) {
        0..=3 => {
            let most = [1, 2, 2, 3, 4, 6][dice.roll(6)];
            let variables = some(dice, &categories, 1, most);
            let mut options = String::new();
            for option in ["missing", "freq", "rowpct", "colpct", "cellpct", "nolabels", "chi2"] {
                if dice.once_in(if option == "missing" { 3 } else { 12 }) {
                    options.push_str(&format!(" {option}"));
                }
            }
            if dice.once_in(3) && !numbers.is_empty() {
                options.push_str(&format!(" summarize({})", some(dice, &numbers, 1, 1).concat()));
                for option in ["mean", "std", "sum", "p25", "p50", "p75", "gini", "iqr"] {
                    if dice.once_in(3) {
                        options.push_str(&format!(" {option}"));
                    }
                }
            }
            let condition = condition(dice, dataset);
            let comma = if options.is_empty() { "" } else { "," };
            format!("{} {}{condition}{comma}{options}", word("tabulate", "tabulate-panel"), variables.join(" "))
        }
        4 | 5 => {
            let variables = some(dice, &numbers, usize::from(panel), 3);
            let options = dice.pick(&["", "", ", gini", ", iqr", ", gini iqr"]);
            let condition = condition(dice, dataset);
            format!("{} {}{condition}{options}", word("summarize", "summarize-panel"), variables.join(" "))
        }
        6 if dataset.panel => format!("transitions-panel {}", some(dice, &categories, 1, 2).join(" ")),
        9 => {
            let over = some(dice, &categories, 0, 2);
            let over = if over.is_empty() { String::new() } else { format!(", over({})", over.join(", ")) };
            format!("boxplot {}{}{over}", some(dice, &numbers, 1, 2).join(" "), condition(dice, dataset))
        }
        10 if categories.len() > 1 => {
            let (word, least, most) = if dice.once_in(2) { ("piechart", 1, 1) } else { ("sankey", 2, 3) };
            format!("{word} {}{}", some(dice, &categories, least, most).join(" "), condition(dice, dataset))
        }
        7 => {
            let statistic = dice.pick(&["count", "percent"]);
            let variables = some(dice, &categories, 1, 2);
            chart(dice, dataset, statistic, &variables, &categories)
        }
        _ => {
            let statistic = dice.pick(&["mean", "min", "max", "median", "sum", "sd"]);
            let variables = some(dice, &numbers, 1, 2);
            chart(dice, dataset, statistic, &variables, &categories)
        }
    }
}

fn chart(dice: &mut Dice, dataset: &Dataset, statistic: &str, variables: &[String], groups: &[String]) -> String {
    let over = some(dice, groups, 0, 2);
    let over = if over.is_empty() { String::new() } else { format!(" over({})", over.join(", ")) };
    let by = if dice.once_in(3) { format!(" by({})", some(dice, groups, 1, 1).concat()) } else { String::new() };
    let comma = if over.is_empty() && by.is_empty() { "" } else { "," };
    format!("barchart ({statistic}) {}{}{comma}{over}{by}", variables.join(" "), condition(dice, dataset))
}
