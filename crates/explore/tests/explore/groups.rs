//! `aggregate` and `collapse` through engine and gate (SDC-230): groups that are not small get the numbers of a table.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::common::{DATASET_KEY, PERSONS, info, runner, runner_keeping, runner_over};
use disclosure::{MemoryLedger, Output, Table, Value};
use engine::memory::{Fact, MemorySource};
use explore::{Job, Ran, Runner, SnapshotBudget, Switch};
use kernel::Language;
use script::program::Literal;
use script::{DataType, Temporality};

const HEAD: &str = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as kjønn\n\
    import db/INNTEKT 2020-06-01 as inntekt\n";

fn run(runner: &Runner, script: &str) -> Ran {
    let job = Job::new("01JCZK0000000000000000RVN1", "a", script, Language::Nb);
    runner.run(&job, &Switch::default()).unwrap()
}

fn succeeded(ran: &Ran) {
    let errors: Vec<String> = ran.diagnostics.iter().filter(|d| d.is_error()).map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
}

/// The tables of a run, in their order.
fn tables(ran: &Ran) -> Vec<&Table> {
    succeeded(ran);
    let table = |output: &'_ Output| matches!(output, Output::Table(_));
    let outputs = ran.released.results.iter().filter_map(|e| e.output()).filter(|o| table(o));
    outputs.map(|o| if let Output::Table(t) = o { t } else { unreachable!() }).collect()
}

fn number(value: Value) -> f64 {
    value.number().unwrap()
}

/// SDC-230, SDC-102: the mean, sum, median and number that a group gets are those of the table, so a condition on them tells
/// nothing more.
#[tokio::test]
async fn sdc_230_large_groups_have_the_numbers_of_the_table() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let script = format!(
        "{HEAD}tabulate kjønn, summarize(inntekt) mean sum p50 std\n\
         aggregate (mean) inntekt -> m (sum) inntekt -> s (median) inntekt -> p (sd) inntekt -> d (count) inntekt -> n, by(kjønn)\n\
         tabulate kjønn, summarize(m) mean\ntabulate kjønn, summarize(s) mean\ntabulate kjønn, summarize(p) mean\n\
         tabulate kjønn, summarize(d) mean\ntabulate kjønn, summarize(n) mean\n"
    );
    let ran = run(&runner, &script);
    let tables = tables(&ran);
    for group in 0..2 {
        let cell = &tables[0].cells[group];
        let carried: Vec<f64> = tables[1..].iter().map(|t| number(t.cells[group].values[0])).collect();
        let shown: Vec<f64> = cell.values.iter().map(|v| number(*v)).chain([number(cell.count)]).collect();
        for (carried, shown) in carried.iter().zip(shown) {
            // A mean of large numbers is shown with four digits once more.
            assert!((carried / shown - 1.0).abs() < 1e-3, "{carried} {shown}");
        }
        let exact = (0..PERSONS as usize).filter(|p| p % 2 == group).map(|p| 1000.0 + 173.0 * p as f64);
        let exact = exact.sum::<f64>() / f64::from(PERSONS / 2);
        assert!((carried[0] / exact - 1.0).abs() < 0.01, "{} {exact}", carried[0]);
    }
    // What is below a limit and what above turns over at the released number, not at the exact one.
    let mean = number(tables[0].cells[0].values[0]);
    let at = |limit: f64| {
        let script =
            format!("{HEAD}aggregate (mean) inntekt -> m, by(kjønn)\ntabulate kjønn if kjønn == '1' & m > {limit}\n");
        let ran = run(&runner, &script);
        ran.diagnostics.iter().all(|d| !d.is_error())
    };
    assert!(at(mean - 1e-6) && !at(mean));
}

/// SDC-230, SDC-120: the largest income of a sex is the mean of the ten largest, winsorised: nobody's own.
#[tokio::test]
async fn sdc_230_extremes_of_large_groups_are_nobodys() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let script = format!("{HEAD}aggregate (max) inntekt -> m (min) inntekt -> l, by(kjønn)\ntabulate m\ntabulate l\n");
    let ran = run(&runner, &script);
    for table in tables(&ran) {
        for category in &table.dimensions[0].categories {
            let value: i64 = category.code.parse().unwrap();
            assert!((value - 1000) % 173 != 0, "{value} is somebody's income");
        }
    }
    // A group of twelve: the mean of ten of them.
    let script = format!(
        "{HEAD}generate g = int((inntekt - 1000) / 173 / 12)\naggregate (max) inntekt -> m, by(g)\ntabulate m if g == 250\n"
    );
    let ran = run(&runner, &script);
    let highest = 1000 + 173 * (250 * 12 + 11);
    let categories = &tables(&ran)[0].dimensions[0].categories;
    let codes: Vec<i64> = categories.iter().map(|c| c.code.parse().unwrap()).collect();
    assert!(codes.len() == 1 && codes[0] < highest - 173 && codes[0] > highest - 12 * 173, "{codes:?}");
}

/// SDC-230: nine persons whom a script puts together are no group with a value; nor are so few that the gate says nine.
#[tokio::test]
async fn sdc_230_few_persons_have_no_value() {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    for statistic in ["count", "percent", "mean", "sum", "max", "min", "median", "sd", "semean", "iqr", "gini"] {
        let script = format!(
            "{HEAD}generate nær = int((inntekt - 1000) / 173 / 9)\n\
             aggregate ({statistic}) inntekt -> m, by(nær)\ngenerate har = sysmiss(m)\ntabulate har\n"
        );
        let ran = run(&runner, &script);
        let table = tables(&ran)[0];
        let missing = table.dimensions[0].categories.iter().position(|c| c.code == "1").unwrap();
        // Groups of nine that are told as ten or more have one.
        assert!(number(table.cells[missing].count) > 0.3 * f64::from(PERSONS), "{statistic}");
    }
}

/// LANG-301: where a state was forgotten its values are given again, and are the same.
#[tokio::test]
async fn lang_301_values_are_given_again() {
    let zone = testkit::zone("data").await;
    let nothing = SnapshotBudget { workspace: 0, total: 0 };
    let runner = runner_keeping(&zone, Box::new(MemoryLedger::new()), nothing);
    let script = |end: &str| format!("{HEAD}aggregate (mean) inntekt -> m, by(kjønn)\n{end}\n");
    let (one, two) = (run(&runner, &script("summarize m")), run(&runner, &script("summarize m inntekt")));
    succeeded(&one);
    succeeded(&two);
    let (Some(Output::Summary(one)), Some(Output::Summary(two))) =
        (one.released.results.last().unwrap().output(), two.released.results.last().unwrap().output())
    else {
        panic!("summaries")
    };
    assert_eq!(one.rows[0], two.rows[0]);
}

/// SDC-050: the same persons in two years are two groups with values of their own.
#[tokio::test]
async fn sdc_050_the_same_persons_in_two_years() {
    let incomes = (0..PERSONS).flat_map(|p| {
        [2019, 2020].map(|year| Fact {
            unit: p,
            value: Literal::Integer(if year == 2019 { 1000 } else { 50_000 } + i64::from(p) * 17),
            start: format!("{year}-01-01").parse().ok(),
            stop: format!("{year}-12-31").parse().ok(),
        })
    });
    let numbers = (0..PERSONS).map(|p| Fact {
        unit: p,
        value: Literal::Integer(i64::from(p % 7)),
        start: "2019-01-01".parse().ok(),
        stop: "2020-12-31".parse().ok(),
    });
    let source = MemorySource::new(true)
        .variable(info("NR", Temporality::Accumulated, DataType::Integer), numbers.collect())
        .space("FNR", PERSONS, &DATASET_KEY)
        .variable(info("INNTEKT", Temporality::Accumulated, DataType::Integer), incomes.collect());
    let zone = testkit::zone("data").await;
    let runner = runner_over(&zone, source, Box::new(MemoryLedger::new()), SnapshotBudget::default());
    let head = "require no.test:1 as db\ncreate-dataset d\nimport-panel db/INNTEKT db/NR 2019-06-01 2020-06-01\nrename NR nr\n";
    let script = "\
        tabulate date@panel, summarize(INNTEKT) mean\n\
        aggregate (mean) INNTEKT -> m (count) INNTEKT -> n, by(date@panel)\n\
        tabulate date@panel, summarize(m) mean\ntabulate date@panel, summarize(n) mean\n";
    let ran = run(&runner, &format!("{head}{script}"));
    let tables = tables(&ran);
    let means: Vec<f64> = tables[0].cells[..2].iter().map(|c| number(c.values[0])).collect();
    assert!((means[1] - means[0] - 49_000.0).abs() < 1000.0, "{means:?}");
    // What the groups carry is what the table shows, and each person counts once a year.
    for (year, mean) in means.iter().enumerate() {
        let [m, n] = [&tables[1], &tables[2]].map(|t| number(t.cells[year].values[0]));
        assert_eq!((m, n), (*mean, number(tables[0].cells[year].count)));
    }
    let [one, two] = ["2019-06-01", "2020-06-01"].map(|year| {
        let script = format!("{head}regress INNTEKT nr if date@panel == date({})\n", year.replace('-', ", "));
        let ran = run(&runner, &script);
        succeeded(&ran);
        let Some(Output::Model(model)) = ran.released.results.last().unwrap().output() else { panic!("a model") };
        format!("{:?}", model.terms)
    });
    assert_ne!(one, two);
}
