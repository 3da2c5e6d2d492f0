//! `tabulate`, `summarize` and bar charts with their options through engine, gate and files: what is shown comes from
//! released numbers, and nothing else comes out.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use crate::common::{PERSONS, runner};
use disclosure::{Document, Entry, MemoryLedger, Output, Table, View};
use explore::{Job, Ran, Switch};
use figures::{Format, Origin, Presentation};
use kernel::Language;

const HEAD: &str = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as kjønn\n\
    import db/INNTEKT 2020-06-01 as inntekt\ngenerate gruppe = int(inntekt / 260000)\n";

async fn run(commands: &str) -> Ran {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let script = format!("{HEAD}{commands}\n");
    let job = Job::new("01JCZK0000000000000000RVN1", "a", &script, Language::Nb);
    runner.run(&job, &Switch::default()).unwrap()
}

fn codes(ran: &Ran) -> Vec<String> {
    let errors = ran.diagnostics.iter().filter(|d| d.is_error());
    errors.map(|d| format!("{} {}", d.code, d.name.as_deref().unwrap_or_default())).collect()
}

fn last(ran: &Ran) -> &Entry {
    assert_eq!(codes(ran), Vec::<String>::new());
    ran.released.results.last().unwrap()
}

fn table(entry: &Entry) -> &Table {
    let Some(Output::Table(table)) = entry.output() else { panic!("a table") };
    table
}

/// LANG-162, LANG-312, LANG-356: options reach the view; numbers are those of the table without them.
#[tokio::test]
async fn lang_162_options_change_the_view_alone() {
    let ran = run("tabulate gruppe kjønn\ntabulate gruppe kjønn, rowpct colpct cellpct freq rowsort('1') top(2)\n\
         tabulate gruppe kjønn, rows(kjønn) cols(gruppe) additive\ntabulate kjønn gruppe, colsort() flatten")
    .await;
    last(&ran);
    let tables: Vec<&Entry> = ran.released.results.iter().rev().take(4).rev().collect();
    assert_eq!(table(tables[0]).cells, table(tables[1]).cells);
    assert_eq!(table(tables[0]).cells, table(tables[2]).cells);
    let layout = |entry: &Entry| match &entry.view {
        View::Table { layout, contents } => (layout.clone(), contents.len()),
        _ => panic!("a table"),
    };
    let (sorted, contents) = layout(tables[1]);
    assert_eq!((sorted.row_sort, sorted.top, sorted.flat, contents), (Some(vec!["1".to_owned()]), Some(2), true, 4));
    let (turned, _) = layout(tables[2]);
    assert_eq!((turned.rows, turned.columns, turned.additive), (vec![1], vec![0], true));
    assert_eq!(layout(tables[3]).0.column_sort, Some(Vec::new()));
}

/// LANG-162, STAT-044: statistics in the cells, in the order written, with counts beside them.
#[tokio::test]
async fn stat_044_statistics_in_cells() {
    let ran = run("tabulate kjønn, summarize(inntekt) p50 mean std gini iqr sum p25 p75 freq").await;
    let entry = last(&ran);
    let names: Vec<String> = table(entry).statistics.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["p50", "mean", "sd", "gini", "iqr", "sum", "p25", "p75"]);
    assert!(
        table(entry).cells.iter().all(|c| c.count.number().is_some() && c.values.iter().all(|v| v.number().is_some()))
    );
    let csv = figures::csv(entry);
    let head = csv.lines().next().unwrap();
    assert!(head.starts_with("kjønn,kjønn_label,total,freq,p50,mean,std,gini,iqr,sum,p25,p75,status,"), "{head}");
}

/// STAT-043, SDC-132: the test is released with its table; a table of one row says what is missing.
#[tokio::test]
async fn sdc_132_chi2() {
    let ran = run("tabulate gruppe kjønn, chi2").await;
    let test = table(last(&ran)).chi_square.clone().unwrap();
    assert_eq!(test.df.number(), Some(3.0));
    assert!(test.p.number().unwrap() > 0.05, "groups are alike for both: {test:?}");
    let ran = run("tabulate gruppe kjønn if gruppe == 1, chi2").await;
    assert_eq!(codes(&ran), ["E502 E_CHI2_NEEDS_2X2"]);
}

/// `E501`: no observation is left, or too few: the same words for nobody and for a few (LANG-245).
#[tokio::test]
async fn lang_245_e501_reaches_the_user() {
    for command in ["summarize inntekt", "tabulate kjønn", "barchart (count) kjønn", "tabulate kjønn gruppe"] {
        let ran = run(&format!("{command} if inntekt < 0")).await;
        assert_eq!(codes(&ran), ["E501 "], "{command}");
        assert!(ran.diagnostics[0].message.text(Language::En).contains("no observations"));
    }
    // A cell without anybody is no error.
    last(&run("tabulate kjønn if inntekt > 0").await);
}

/// LANG-163: what is continuous and what is too large is told with its remedy, and never with a number.
#[tokio::test]
async fn lang_163_continuous_and_too_large() {
    let ran = run("tabulate inntekt").await;
    assert_eq!(codes(&ran), ["E304 E_CONTINUOUS"]);
    let text = ran.diagnostics.last().unwrap().message.text(Language::En).to_owned();
    assert!(text.contains("recode") && !text.contains(char::is_numeric), "{text}");
    let ran = run("generate a = int(inntekt / 6000)\ngenerate b = int(inntekt / 6100)\ntabulate a b").await;
    assert_eq!(codes(&ran), ["E601 E_TABLE_TOO_LARGE"]);
}

/// LANG-182: categories and numbers of one chart are one figure; a single table stays a table.
#[tokio::test]
async fn lang_182_charts_of_several_variables() {
    let ran =
        run("barchart (count) kjønn inntekt\nbarchart (percent) kjønn inntekt, by(gruppe)\nbarchart (count) kjønn")
            .await;
    assert!(matches!(last(&ran).output(), Some(Output::Table(_))));
    let blocks: Vec<&Entry> =
        ran.released.results.iter().filter(|e| matches!(e.output(), Some(Output::Blocks(_)))).collect();
    assert_eq!(blocks.len(), 2);
    let csv = figures::csv(blocks[0]);
    let bar = csv.lines().find(|l| l.starts_with("inntekt,")).unwrap();
    let n: f64 = bar.split(',').nth(3).unwrap().parse().unwrap();
    assert!((n - f64::from(PERSONS)).abs() <= 5.0, "{csv}");
    let csv = figures::csv(blocks[1]);
    assert!(csv.starts_with("panel,panel_label,variable,category,") && csv.contains("0,,inntekt,,,100,"), "{csv}");
}

/// LANG-100, LANG-101, LANG-241: datasets and populations have receipts, with sizes before and after, and edits both parts.
#[tokio::test]
async fn lang_241_receipts() {
    let ran = run("keep if inntekt > 200000\nreplace gruppe = 9 if inntekt > 900000\nclone-dataset d e\ntextblock\n# Om\nendblock").await;
    last(&ran);
    let texts: Vec<String> = ran.released.results.iter().map(|e| figures::text(e, Language::En)).collect();
    let receipt =
        |start: &str| texts.iter().find(|t| t.starts_with(start)).unwrap_or_else(|| panic!("{start} {texts:#?}"));
    receipt("d is made and is empty.");
    let kept: Vec<&String> = texts.iter().filter(|t| t.starts_with("d (cross-section, PERSON) has")).collect();
    let size = |text: &str| text.split(" has ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert!(kept[1].contains(&format!("(before: {})", size(kept[0]))), "{kept:?}");
    assert!(receipt("d: gruppe is set for").contains("are as before"));
    receipt("e is a copy of d.");
    assert_eq!(texts.last().unwrap().trim(), "# Om");
}

/// Every form in which a document leaves: what is sealed, pages, texts and files.
fn everything(ran: &Ran) -> String {
    let document: &Document = &ran.released;
    let mut all = serde_json::to_string(document).unwrap();
    for entry in &document.results {
        for language in Language::ALL {
            all.push_str(&figures::text(entry, language));
            all.push_str(&figures::result(entry, Presentation { language, caption: "c", id: "r" }));
        }
        // Parquet holds the columns of the CSV file, in bytes that a search for digits cannot read.
        for format in [Format::Csv, Format::Json, Format::Html, Format::Latex, Format::Svg] {
            let files = figures::export(entry, Origin(&document.head), format, Language::En, "f").unwrap_or_default();
            files.iter().for_each(|f| all.push_str(&String::from_utf8_lossy(&f.bytes)));
        }
    }
    all.push_str(&format!("{:?}", ran.diagnostics));
    all
}

/// SDC-180, SDC-120, LANG-104: no value that only raw data hold stands in any output of a script that uses every command of
/// tables, summaries and figures, refusals included.
#[tokio::test]
async fn sdc_180_no_raw_value_comes_out() {
    let ran = run(
        "tabulate gruppe kjønn, freq rowpct colpct cellpct chi2 missing\ntabulate gruppe kjønn, rowsort() additive\n\
         tabulate gruppe kjønn, publish base(5)\n\
         tabulate kjønn, summarize(inntekt) mean std sum p25 p50 p75 gini iqr freq\n\
         summarize inntekt, gini iqr\nbarchart (mean) inntekt, over(kjønn)\nbarchart (min) inntekt\n\
         barchart (max) inntekt, by(kjønn)\nbarchart (count) gruppe inntekt, over(kjønn)\n\
         replace gruppe = 7 if inntekt > 800000\nkeep if inntekt > 300000\nkeep if inntekt > 1038000",
    )
    .await;
    assert_eq!(codes(&ran), ["E404 FLOOR"]);
    let all = everything(&ran);
    // Incomes are 1000 + 173·p: every number of six digits that can only be a person's income.
    let incomes: BTreeSet<String> = (0..PERSONS).map(|p| (1000 + u64::from(p) * 173).to_string()).collect();
    let digits = all.split(|c: char| !c.is_ascii_digit()).filter(|n| n.len() >= 6 && !n.ends_with("00"));
    let found: Vec<&str> = digits.filter(|n| incomes.contains(*n)).collect();
    assert_eq!(found, Vec::<&str>::new());
    // Nor exact moments of them, the extremes, or the true size of what was refused.
    let exact: f64 = (0..PERSONS).map(|p| 1000.0 + f64::from(p) * 173.0).sum::<f64>() / f64::from(PERSONS);
    for secret in [format!("{exact}"), "1038827".to_owned(), "1,038,827".to_owned()] {
        assert!(!all.contains(&secret), "{secret}");
    }
}
