//! The conformance scripts over a synthetic store with every public variable (ENG-061, LANG-370): each behaves as
//! `MANIFEST.csv` says at its level, those of level `run` through engine and gate.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::registers;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use disclosure::{Policy, Rules};
use engine::SourceCatalogue;
use explore::{Job, Runner, Switch};
use kernel::Language;
use script::{Code, Diagnostic, SavedScripts, Settings};

/// Enough for the gate's floor of a population.
const PERSONS: u32 = 4000;
/// Of everyone this script keeps the few who divorced in three years: in a nation they are enough, here the floor is lower for
/// it.
const KEEPS_FEW: &str = "42_event_collapse_merge.mdata";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../script/tests/scripts")
}

/// The rows of a table with a head, as field name to value.
fn table(path: &Path, separator: char) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(separator).collect();
    let row = |line: &str| {
        let fields = line.splitn(names.len(), separator);
        names.iter().map(|n| (*n).to_owned()).zip(fields.map(str::to_owned)).collect()
    };
    lines.map(row).collect()
}

/// As `Runner::check`, with the saved script that one of the scripts loads.
fn check(runner: &Runner, text: &str) -> Vec<Diagnostic> {
    let scripts = SavedScripts::of(|name| (name == "forrige").then(|| "let x = 1\n".to_owned()));
    let settings = Settings { running: true, scripts, ..Settings::default() };
    script::compile(text, &SourceCatalogue(&**runner.source()), &settings).diagnostics
}

/// What became of a script in the words of the manifest; an `E605` with the command that it names.
fn outcome(text: &str, diagnostics: &[Diagnostic]) -> String {
    let at = |d: &Diagnostic| format!("{}@{}", d.code, d.span.line);
    if let Some(error) = diagnostics.iter().find(|d| d.is_error()) {
        let line = text.lines().nth(error.span.line as usize - 1).unwrap_or_default();
        let command = line.split_whitespace().next().unwrap_or_default();
        return match error.code {
            Code::E605 => format!("error {} {command}", at(error)),
            _ => format!("error {}", at(error)),
        };
    }
    match diagnostics.iter().map(at).collect::<Vec<_>>().join(";") {
        none if none.is_empty() => "accept".to_owned(),
        warnings => format!("accept with {warnings}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lang_370_scripts_behave_as_listed_on_the_synthetic_store() {
    let zone = testkit::zone("data").await;
    let settings = synth::Settings { persons: PERSONS, seed: 1, catalogue: true };
    let (columns, datasets) = registers::columns(&zone, &settings, &["no.ssb.fdb", "no.fhi.npr"]).await;
    let runner = registers::over(&zone, columns.clone(), &Policy::standard());
    let lower = Rules { population_floor: 10, ..Rules::standard() };
    let with_lower_floor = registers::over(&zone, columns, &Policy::new(lower).unwrap());
    assert!(datasets >= 732, "{datasets} datasets");
    let mut differ = Vec::new();
    for row in table(&scripts().join("MANIFEST.csv"), ',') {
        let (file, expected) = (&row["file"], row["expectation"].as_str());
        let text = std::fs::read_to_string(scripts().join(file)).unwrap();
        let diagnostics = if row["level"] == "run" {
            let job = Job::new("manifest", file, &text, Language::Nb);
            let runner = if file == KEEPS_FEW { &with_lower_floor } else { &runner };
            tokio::task::block_in_place(|| runner.run(&job, &Switch::default())).unwrap().diagnostics
        } else {
            check(&runner, &text)
        };
        let got = outcome(&text, &diagnostics);
        // An accepted script may have warnings that the manifest does not speak of.
        if got != expected && !(expected == "accept" && got.starts_with("accept with")) {
            differ.push(format!("{file}: {got}"));
        }
    }
    assert_eq!(differ, [] as [String; 0]);
}
