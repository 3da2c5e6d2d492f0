//! The examples of the documentation, one per analytic command, on the registers of `hap synth`: each runs through engine and
//! gate without an error and gives results of the shape that its command promises (language.md 8.6 to 8.9).
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::registers;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use disclosure::{Entry, ModelRows, Output, Value, View};
use explore::{Job, Runner, Switch};
use kernel::Language;
use script::COMMANDS;

/// Enough for what the gate lets out of models and tables.
const PERSONS: u32 = 8000;

/// What the example of each command gives, result by result. Predictions show nothing themselves (LANG-208); what is shown is
/// made of the new variables.
const EXPECTED: &[(&str, &str)] = &[
    ("summarize", "table of lønn inntekt (mean sd p1 p25 p50 p75 p99 gini iqr)"),
    ("summarize-panel", "table of lønn at 4 occasions (mean sd p1 p25 p50 p75 p99 iqr)"),
    ("tabulate", "table of sivstand by kjønn with chi2; table of sivstand by kjønn: lønn (mean p50)"),
    ("tabulate-panel", "table of status by date@panel"),
    ("correlate", "correlations of lønn-lønn inntekt-lønn inntekt-inntekt alder-lønn alder-inntekt alder-alder"),
    ("ci", "intervals of lønn inntekt (mean sd)"),
    ("anova", "model of anova + posthoc"),
    ("normaltest", "tests of loglønn: skewness kurtosis s-k jarque-bera shapiro-wilk"),
    ("transitions-panel", "table of from status by to status"),
    ("barchart", "bars of sivstand by kjønn: lønn (mean)"),
    ("boxplot", "boxes of kjønn: lønn (p5 p25 p50 p75 p95)"),
    ("piechart", "pie of sivstand"),
    ("histogram", "histogram with curve of lønn in 20 bars"),
    ("hexbin", "hexbin of alder and lønn"),
    ("sankey", "sankey of status19 by status22"),
    ("coefplot", "coefplot of alder kjønn=2 nivå _cons"),
    ("regress", "model of alder nivå kjønn=2 _cons + vif"),
    ("logit", "model of alder kjønn=2 _cons"),
    ("probit", "model of alder kjønn=2 _cons + marginal_effects"),
    (
        "mlogit",
        "model of 2:alder 2:kjønn=2 2:_cons 3:alder 3:kjønn=2 3:_cons 4:alder 4:kjønn=2 4:_cons 5:alder 5:kjønn=2 5:_cons",
    ),
    ("poisson", "model of alder gift _cons"),
    ("negative-binomial", "model of alder gift _cons alpha"),
    ("ivregress", "model of alder nivå _cons + first_stage + endogeneity"),
    ("regress-panel", "model of alder gift _cons + panel"),
    ("regress-panel-diff", "model of atet kvinne etter _cons"),
    ("hausman", "model of hausman"),
    ("oaxaca", "model of difference explained unexplained + means + explained + unexplained"),
    ("regress-mml", "model of alder nivå _cons + variances"),
    ("rdd", "model of conventional bias-corrected robust"),
    ("regress-predict", "table of lønn ventet (mean sd p1 p25 p50 p75 p99); histogram with curve of avvik in 35 bars"),
    ("logit-predict", "boxes of gift: sannsynlig (p5 p25 p50 p75 p95)"),
    ("probit-predict", "bars of kjønn: sannsynlig (mean)"),
    ("mlogit-predict", "table of p_1 p_2 p_3 (mean sd p1 p25 p50 p75 p99)"),
    ("poisson-predict", "table of gift: ventet (mean p50)"),
    ("negative-binomial-predict", "table of barn ventet avvik (mean sd p1 p25 p50 p75 p99)"),
    ("ivregress-predict", "table of lønn ventet avvik (mean sd p1 p25 p50 p75 p99)"),
    ("regress-panel-predict", "table of lønn ventet fast at 4 occasions (mean sd p1 p25 p50 p75 p99)"),
    ("regress-mml-predict", "table of lønn ventet (mean sd p1 p25 p50 p75 p99)"),
    ("kaplan-meier", "survival of curves 1 2 with log-rank"),
    ("weibull", "survival of curves 1 2 (shape shape_se scale scale_se ll median) with log-rank"),
    ("cox", "model of alder kjønn=2"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples")
}

/// The analytic commands, from the first of section 8.6 to the last of 8.9.
fn analytic() -> impl Iterator<Item = &'static str> {
    let words = COMMANDS.iter().map(|command| command.word);
    words.skip_while(|word| *word != "summarize").take_while(|word| *word != "help")
}

/// A result in a line: how it is shown, what it holds; and its numbers.
fn shape(entry: &Entry) -> (String, Vec<Value>) {
    let view = match &entry.view {
        View::Receipt => "receipt",
        View::Table { .. } => "table",
        View::Bars(_) => "bars",
        View::Intervals { .. } => "intervals",
        View::Model { .. } => "model",
        View::Coefplot => "coefplot",
        View::Survival => "survival",
        View::Correlations { .. } => "correlations",
        View::Tests => "tests",
        View::Histogram { normal: true, .. } => "histogram with curve",
        View::Histogram { .. } => "histogram",
        View::Boxes { .. } => "boxes",
        View::Pie => "pie",
        View::Hexbin => "hexbin",
        View::Sankey => "sankey",
    };
    let (content, numbers) = content(entry.output().unwrap());
    (format!("{view} of {content}"), numbers)
}

fn words<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" ")
}

/// The names in it, each once, in their order.
fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let mut seen = BTreeSet::new();
    words(all.into_iter().filter(|name| seen.insert(*name)))
}

fn content(output: &Output) -> (String, Vec<Value>) {
    match output {
        Output::Table(table) => {
            let dimensions = table.dimensions.iter().map(|d| d.name.as_str());
            let mut text = dimensions.collect::<Vec<_>>().join(" by ");
            if !table.measures.is_empty() {
                let measures = words(table.measures.iter().map(|m| &m.name));
                text = format!("{text}: {measures} ({})", words(&table.statistics));
            }
            if table.chi_square.is_some() {
                text += " with chi2";
            }
            (text, table.cells.iter().flat_map(|c| [&[c.count], c.values.as_slice()].concat()).collect())
        }
        Output::Blocks(blocks) => {
            let tables = blocks.tables.iter().map(|t| content(&Output::Table(t.clone())));
            let (texts, numbers): (Vec<_>, Vec<_>) = tables.unzip();
            (texts.join(" and "), numbers.concat())
        }
        Output::Summary(summary) => {
            let occasions: BTreeSet<&str> =
                summary.rows.iter().filter_map(|r| Some(r.occasion.as_ref()?.code.as_str())).collect();
            let mut text = names(summary.rows.iter().map(|r| r.measure.name.as_str()));
            if !occasions.is_empty() {
                text = format!("{text} at {} occasions", occasions.len());
            }
            text = format!("{text} ({})", words(&summary.statistics));
            (text, summary.rows.iter().flat_map(|r| [&[r.n], r.values.as_slice()].concat()).collect())
        }
        Output::Model(model) => {
            let mut parts = vec![names(model.terms.iter().map(|t| t.label.as_str()))];
            let mut numbers: Vec<Value> = model.terms.iter().flat_map(|t| [t.b, t.p]).chain([model.n]).collect();
            for table in &model.tables {
                parts.push(table.name.clone());
                numbers.extend(match &table.rows {
                    ModelRows::Estimates(rows) => rows.iter().map(|r| r.b).collect::<Vec<_>>(),
                    ModelRows::Tests(rows) => rows.iter().map(|r| r.statistic).collect(),
                    ModelRows::Numbers(rows) => rows.iter().map(|r| r.value).collect(),
                });
            }
            parts.retain(|part| !part.is_empty());
            (parts.join(" + "), numbers)
        }
        Output::Survival(survival) => {
            let curves = survival.curves.iter();
            let groups = words(curves.clone().filter_map(|c| Some(&c.group.as_ref()?.code)));
            let parameters = names(curves.clone().flat_map(|c| c.parameters.iter().map(|(name, _)| name.as_str())));
            let tested = if survival.log_rank.is_some() { " with log-rank" } else { "" };
            let points = curves.flat_map(|c| c.points.iter().map(|p| p.survival).chain([c.n, c.events]));
            let parameters = if parameters.is_empty() { parameters } else { format!(" ({parameters})") };
            (format!("curves {groups}{parameters}{tested}"), points.collect())
        }
        Output::Correlations(all) => {
            let pairs = all.pairs.iter().map(|pair| pair.names.join("-"));
            (words(pairs), all.pairs.iter().flat_map(|pair| [pair.r, pair.n, pair.p]).collect())
        }
        Output::TestNumbers(tests) => {
            let tables = names(tests.numbers.iter().map(|n| n.table.as_str()));
            let rows = names(tests.numbers.iter().map(|n| n.name[0].as_str()));
            (
                format!("{tables}: {rows}").trim_start_matches(": ").to_owned(),
                tests.numbers.iter().map(|n| n.value).collect(),
            )
        }
        Output::Histogram(histogram) => {
            let bars = histogram.panels.iter().flat_map(|p| &p.bars);
            (format!("{} in {} bars", histogram.name, bars.clone().count()), bars.map(|b| b.count).collect())
        }
        Output::Hexbin(hexbin) => (hexbin.names.join(" and "), hexbin.hexagons.iter().map(|h| h.count).collect()),
        Output::Population(_) | Output::Edit(_) => (String::new(), Vec::new()),
    }
}

/// The results of a script, each as a line; receipts of what shapes the data are left out.
fn results(runner: &Runner, command: &str, text: &str) -> String {
    let job = Job::new("examples", command, text, Language::Nb);
    let ran = runner.run(&job, &Switch::default()).unwrap();
    let errors: Vec<String> = ran.diagnostics.iter().filter(|d| d.is_error()).map(|d| format!("{d:?}")).collect();
    assert_eq!(errors, Vec::<String>::new(), "{command}");
    let shown = ran.released.results.iter().filter(|e| e.output().is_some() && e.view != View::Receipt);
    let lines = shown.map(|entry| {
        let (text, numbers) = shape(entry);
        let visible = numbers.iter().filter_map(|v| v.number()).filter(|x| x.is_finite()).count();
        assert!(visible * 2 > numbers.len(), "{command}: {visible} of {} numbers are shown", numbers.len());
        text
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// Every analytic command has an example that opens with what it asks, uses the command, runs, and gives what the command
/// promises.
#[tokio::test(flavor = "multi_thread")]
async fn lang_160_to_217_the_example_of_every_analytic_command_runs() {
    let zone = testkit::zone("data").await;
    let settings = synth::Settings { persons: PERSONS, seed: 1, catalogue: false };
    let (runner, _) = registers::runner(&zone, &settings, &["no.ssb.fdb"]).await;
    let mut got = Vec::new();
    for command in analytic() {
        let text = std::fs::read_to_string(folder().join(format!("{command}.mdata"))).unwrap();
        assert!(text.starts_with("// "), "{command}: says first what is asked");
        assert!(text.lines().any(|line| line.split(' ').next() == Some(command)), "{command} is not in its example");
        assert_eq!(script::format(&text).as_deref(), Ok(text.as_str()), "{command} is not as the formatter writes it");
        let results = tokio::task::block_in_place(|| results(&runner, command, &text));
        got.push((command, results));
    }
    let expected: Vec<_> = EXPECTED.iter().map(|(command, results)| (*command, (*results).to_owned())).collect();
    assert_eq!(got, expected);
}

/// No example is left over from a command that is gone.
#[test]
fn every_example_is_of_an_analytic_command() {
    let files = std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let commands: BTreeSet<String> = analytic().map(|command| format!("{command}.mdata")).collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), commands);
}
