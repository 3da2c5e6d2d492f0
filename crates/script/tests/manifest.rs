//! The conformance scripts (LANG-370): each gives exactly the first error of `MANIFEST.csv`, or none. Commands that are
//! read and checked but cannot be executed yet add `E605`; the table of those is committed, so that it cannot rot.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use common::{Registers, folder};
use script::tree::{Argument, Command, Head, Statement, StatementKind};
use script::{
    COMMANDS, Catalogue, Checked, Code, Diagnostic, NoCatalogue, SavedScripts, Settings, Shape, compile, parse,
    parse_strict,
};

fn manifest() -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder().join("scripts/MANIFEST.csv")).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn source(file: &str) -> String {
    std::fs::read_to_string(folder().join("scripts").join(file)).unwrap()
}

fn run(file: &str, catalogue: &dyn Catalogue) -> Checked {
    // `load` of the scripts finds a saved script.
    let scripts = SavedScripts::of(|name| (name == "forrige").then(|| "let x = 1\n".to_owned()));
    compile(&source(file), catalogue, &Settings { scripts, ..Settings::default() })
}

fn at(d: &Diagnostic) -> String {
    format!("{}@{}", d.code, d.span.line)
}

/// The outcome in the words of the manifest, without `E605` and without `W618`.
fn outcome(checked: &Checked) -> String {
    let told = |d: &&Diagnostic| !matches!(d.code, Code::E605 | Code::W618);
    if let Some(error) = checked.diagnostics.iter().filter(told).find(|d| d.is_error()) {
        return format!("error {}", at(error));
    }
    match checked.diagnostics.iter().filter(told).map(at).collect::<Vec<_>>().join(";") {
        warnings if warnings.is_empty() => "accept".to_owned(),
        warnings => format!("accept with {warnings}"),
    }
}

/// Decided by data, which the checker never sees: the engine raises it.
const DATA_DECIDES: &[&str] = &["72_tabulate_continuous.mdata"];

#[test]
fn lang_370_every_script_gives_the_expected_first_error() {
    let registers = Registers::read();
    let mut wrong = String::new();
    for row in manifest() {
        let (file, expected) = (&row["file"], row["expectation"].as_str());
        let expected = if DATA_DECIDES.contains(&file.as_str()) { "accept" } else { expected };
        let got = outcome(&run(file, &registers));
        if got != expected {
            writeln!(wrong, "{file}: expected {expected}, got {got}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn lang_370_scripts_of_level_parse_need_no_metadata() {
    let mut wrong = String::new();
    for row in manifest().iter().filter(|row| row["level"] == "parse") {
        let got = outcome(&run(&row["file"], &NoCatalogue));
        if got != row["expectation"] {
            writeln!(wrong, "{}: expected {}, got {got}", row["file"], row["expectation"]).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Without metadata nothing is invented: no error beyond those that metadata cannot change (LANG-083).
#[test]
fn lang_083_without_metadata_accepted_scripts_stay_accepted() {
    for row in manifest().iter().filter(|row| row["expectation"].starts_with("accept")) {
        let checked = run(&row["file"], &NoCatalogue);
        let errors: Vec<_> = checked.diagnostics.iter().filter(|d| d.is_error() && d.code != Code::E605).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", row["file"]);
        if source(&row["file"]).contains("import") {
            assert!(checked.program.is_none(), "{}", row["file"]);
        }
    }
}

/// What is not yet available, script by script: `ready` has a plan, else the commands and options that lack.
#[test]
fn what_can_be_executed_now() {
    let registers = Registers::read();
    let mut table = String::new();
    for row in manifest() {
        let checked = run(&row["file"], &registers);
        let source = source(&row["file"]);
        let mut later: Vec<&str> =
            checked.diagnostics.iter().filter(|d| d.code == Code::E605).map(|d| d.span.text(&source)).collect();
        later.dedup();
        let state = match (&checked.program, later.is_empty()) {
            (Some(_), _) => "ready".to_owned(),
            (None, true) => outcome(&checked),
            (None, false) => format!("not_yet_available: {}", later.join(", ")),
        };
        writeln!(table, "{:32} {state}", row["file"]).unwrap();
    }
    insta::assert_snapshot!(table);
}

fn accepted() -> Vec<String> {
    let rows = manifest().into_iter().filter(|row| row["expectation"].starts_with("accept"));
    rows.map(|row| source(&row["file"])).collect()
}

/// Every command and every option of every command stands in an accepted script.
#[test]
fn lang_371_grammar_coverage() {
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let scripts = accepted();
    for script in &scripts {
        let mut open: Vec<Statement> = parse(script).script.statements;
        while let Some(statement) = open.pop() {
            match statement.node {
                StatementKind::For { body, .. } => open.extend(body),
                StatementKind::Command(command) => note(&command, &mut seen),
                _ => {}
            }
        }
    }
    for spec in COMMANDS.iter().filter(|c| !matches!(c.shape, Shape::Block)) {
        if !seen.iter().any(|(word, _)| *word == spec.word) {
            missing.insert(spec.word.to_owned());
        }
        for option in spec.options.iter().filter(|o| !seen.contains(&(spec.word, o.name.to_owned()))) {
            // Options that several commands share need one of them.
            if !seen.iter().any(|(_, name)| name == option.name) {
                missing.insert(format!("{}, {}", spec.word, option.name));
            }
        }
    }
    for word in ["let", "for", "end", "textblock", "endblock", "param"] {
        if !scripts.iter().any(|s| s.lines().any(|l| l.trim_start().starts_with(word))) {
            missing.insert(word.to_owned());
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

fn note(command: &Command, seen: &mut BTreeSet<(&'static str, String)>) {
    let word = command.spec.node.word;
    seen.insert((word, String::new()));
    for option in &command.options {
        seen.insert((word, option.name.node.clone()));
        for argument in &option.arguments {
            if let Argument::Nested(inner) = argument {
                seen.insert((word, inner.name.node.clone()));
            }
        }
    }
    if let Head::Plot(inner) = &command.head {
        note(inner, seen);
    }
}

/// With all extensions on, scripts without our own forms give the same tree as in strict mode.
#[test]
fn lang_375_our_own_forms_change_no_old_script() {
    let mut same = 0;
    for script in accepted() {
        let strict = parse_strict(&script);
        if !strict.has_errors() {
            assert_eq!(parse(&script).script.statements, strict.script.statements, "{script}");
            same += 1;
        }
    }
    assert!(same > 40, "{same}");
}
