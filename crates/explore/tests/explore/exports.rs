//! `export` (LANG-330): the files are those of released results that the run has shown, under the names that the script
//! gives; what cannot be written is told with its line.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::common::{SCRIPT, runner};
use disclosure::MemoryLedger;
use explore::{Job, Ran, Switch, exported};
use figures::File;
use kernel::Language;

async fn run(commands: &str) -> Ran {
    let zone = testkit::zone("data").await;
    let runner = runner(&zone, Box::new(MemoryLedger::new()));
    let script = format!("{SCRIPT}{commands}\n");
    runner.run(&Job::new("01JCZK0000000000000000RVN1", "a", &script, Language::Nb), &Switch::default()).unwrap()
}

fn errors(ran: &Ran) -> Vec<String> {
    ran.diagnostics.iter().filter(|d| d.is_error()).map(|d| format!("{}@{}", d.code, d.span.line)).collect()
}

/// The files of every `export` of the run.
fn files(ran: &Ran) -> Vec<File> {
    assert_eq!(errors(ran), Vec::<String>::new());
    ran.released.results.iter().flat_map(|entry| exported(&ran.released, entry, Language::Nb)).collect()
}

fn names(files: &[File]) -> Vec<&str> {
    files.iter().map(|f| f.name.as_str()).collect()
}

#[tokio::test]
async fn lang_330_the_last_result_under_the_name_of_the_script() {
    let ran = run("export last, format(svg) name('lønn')\nexport, format(csv)").await;
    let files = files(&ran);
    let chart = ran.released.results.iter().find(|e| e.line == 11).unwrap();
    assert_eq!(names(&files), ["lønn.svg".to_owned(), format!("{:03}.csv", chart.id)]);
    // The same bytes as the page offers, so the same released numbers.
    let origin = figures::Origin(&ran.released.head);
    let page = figures::export(chart, origin, figures::Format::Csv, Language::Nb, "x").unwrap();
    assert_eq!(files[1].bytes, page[0].bytes);
    // Said under its command as a table that names result, format and file.
    let said = figures::text(ran.released.results.last().unwrap(), Language::Nb);
    assert!(said.contains("Fil") && said.contains("csv"), "{said}");
}

#[tokio::test]
async fn lang_330_all_and_by_number() {
    let ran = run("export all, format(parquet)").await;
    let all = files(&ran);
    let shown = |line: u32| ran.released.results.iter().find(|e| e.line == line).unwrap().id;
    let numbered = |line: u32, ending: &str| format!("{:03}.{ending}", shown(line));
    assert_eq!(names(&all), [9, 10, 11].map(|line| numbered(line, "parquet")), "receipts are left out");
    assert!(all.iter().all(|f| f.bytes.starts_with(b"PAR1")));

    let two = [shown(9), shown(10)];
    let ran = run(&format!("export {} {}, format(latex) name('tabell')", two[0], two[1])).await;
    assert_eq!(names(&files(&ran)), two.map(|id| format!("tabell-{id}.tex")));
}

#[tokio::test]
async fn lang_330_figures_as_pictures() {
    let ran = run("export last, format(png) name('x')\nexport last, format(pdf) name('x')").await;
    let files = files(&ran);
    assert_eq!(names(&files), ["x.png", "x.pdf"]);
    assert!(files[0].bytes.starts_with(b"\x89PNG\r\n\x1a\n") && files[1].bytes.starts_with(b"%PDF-1."));
}

#[tokio::test]
async fn lang_330_what_cannot_be_written_is_told() {
    for (commands, code) in [
        ("export 99, format(csv)", "E316@12"),
        ("export 1, format(csv)", "E316@12"),
        ("tabulate kjønn\nexport last, format(svg)", "E316@13"),
        ("tabulate kjønn\nexport last, format(png)", "E316@13"),
        ("export last, format(csv) name('x')\nexport last, format(csv) name('x')", "E209@13"),
    ] {
        let ran = run(commands).await;
        assert_eq!(errors(&ran), [code], "{commands}");
    }
    // Another format is another file.
    let ran = run("export last, format(csv) name('x')\nexport last, format(json) name('x')").await;
    assert_eq!(names(&files(&ran)), ["x.csv", "x.json"]);
}

/// Opened at the centre, the sealed document gives the same files: nothing else is needed to make them.
#[tokio::test]
async fn lang_330_the_files_follow_from_the_document_alone() {
    let ran = run("export last, format(html) name('figur')").await;
    let entry = ran.released.results.last().unwrap();
    assert!(exported(&ran.released, entry, Language::En)[0].bytes.starts_with(b"<!doctype html>"));
    for other in ran.released.results.iter().filter(|e| e.id != entry.id) {
        assert!(exported(&ran.released, other, Language::Nb).is_empty(), "only an export asks for files");
    }
}
