//! Support commands and extensions that are answered from metadata: lists, help, settings, saved scripts, assertions,
//! harmonised codes, export.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Registers;
use kernel::Language;
use script::program::{ExportWhich, Info, Split};
use script::{Action, Checked, Literal, SavedScripts, Settings, compile};

const HEAD: &str = "require no.ssb.fdb:38 as db\n\
                    create-dataset folk\n\
                    import db/BEFOLKNING_KJOENN as kjønn\n\
                    import db/INNTEKT_WLONN 2020-01-01 as lønn\n";

fn checked(body: &str) -> Checked {
    let scripts = SavedScripts::of(|name| match name {
        "to linjer" => Some("let a = 5\ngenerate x = $a\n".to_owned()),
        "galt" => Some("\ngenerate = 1\n".to_owned()),
        "ukjent" => Some("\n\nsummarize borte\n".to_owned()),
        "seg_selv" => Some("load seg_selv\n".to_owned()),
        _ => None,
    });
    compile(&format!("{HEAD}{body}"), &Registers::read(), &Settings { scripts, running: true, ..Settings::default() })
}

fn told(body: &str) -> Vec<String> {
    checked(body).diagnostics.iter().map(|d| format!("{} {}:{}", d.code, d.span.line - 4, d.span.column)).collect()
}

fn actions(body: &str) -> Vec<Action> {
    let checked = checked(body);
    let program = checked.program.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    program.steps.into_iter().skip(4).map(|s| s.action).collect()
}

fn text(body: &str) -> String {
    match actions(body).pop().unwrap() {
        Action::Info(Info::Text(text)) => text.text(Language::En).to_owned(),
        other => panic!("{other:?}"),
    }
}

fn table(body: &str) -> (String, Vec<String>) {
    match actions(body).pop().unwrap() {
        Action::Info(Info::Table { columns, rows }) => {
            let row =
                |row: &Vec<kernel::LangMap>| row.iter().map(|c| c.text(Language::Nb)).collect::<Vec<_>>().join("|");
            (columns.join("|"), rows.iter().map(row).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn lang_220_221_help_and_history() {
    assert!(text("help tabulate\n").starts_with("## tabulate"));
    assert!(text("help\n").contains("create-dataset"));
    assert!(text("help-function sqrt\n").starts_with("## sqrt"));
    assert!(text("help-function\n").contains("`quantile(x, g)`"));
    assert_eq!(told("help-function sqrtt\n"), ["E207 1:15"]);
    let said = text("for i in 1 2\ngenerate a ++ $i = $i\nend\nhistory\n");
    assert!(said.starts_with("    require no.ssb.fdb:38.0.0.0 as db\n"), "{said}");
    assert!(said.ends_with("    generate a1 = 1\n    generate a2 = 2"), "{said}");
    // A script cannot ask for masses of text.
    assert_eq!(told("for i in 1 : 5000\nhistory\nend\n"), ["E601 2:1"]);
}

#[test]
fn lang_222_variables_are_metadata() {
    let (columns, rows) = table("variables db/BEFOLKNING_MOR_FNR db/INNTEKT_WLONN\n");
    assert_eq!(columns, "name|title|unit_type|temporality|data_type|valid_from|valid_until|description");
    assert!(rows[0].starts_with("BEFOLKNING_MOR_FNR|") && rows[0].contains("enhetsnøkkel: PERSON"), "{}", rows[0]);
    assert!(rows[1].contains("|PERSON|ACCUMULATED|heltall|"), "{}", rows[1]);
    assert!(table("variables\n").1.len() > 40);
}

#[test]
fn lang_153_list_labels_of_lists_and_register_variables() {
    let (columns, rows) = table("define-labels l 1 En 'b' To\nlist-labels l\n");
    assert_eq!((columns.as_str(), rows), ("code|label|flagged", vec!["1|En|0".to_owned(), "b|To|0".to_owned()]));
    let (columns, rows) = table("list-labels db/BEFOLKNING_KOMMNR_FORMELL 2018-05-01\n");
    assert_eq!(columns, "code|label|flagged|valid_from|valid_until");
    assert!(rows.contains(&"5011|Hemne|0|2018-01-01|2019-12-31".to_owned()), "{rows:?}");
    // Without a time: all periods.
    assert!(table("list-labels db/BEFOLKNING_KOMMNR_FORMELL\n").1.len() > rows.len());
    assert_eq!(told("list-labels borte\n"), ["E208 1:13"]);
    assert_eq!(told("list-labels db/INNTEKT_WLONN\n"), ["E208 1:16"]);
}

#[test]
fn lang_226_302_settings_of_the_session() {
    assert_eq!(actions("configure nocache\n"), [Action::NoCache]);
    assert_eq!(actions("configure continue nocache import\n"), [Action::Continue, Action::NoCache]);
    assert_eq!(actions("clear\ncreate-dataset folk\n").len(), 2);
    assert_eq!(told("configure alpha\nsave kladd\nedit\n"), ["W605 1:11", "W605 2:1", "W605 3:1"]);
    assert_eq!(told("configure turbo\n"), ["E103 1:11"]);
    assert_eq!(told("configure strict\nconfigure continue\n"), ["E103 2:11"]);
    assert_eq!(told("clear\ngenerate x = 1\n"), ["E203 2:1"]);
}

#[test]
fn lang_224_load_runs_a_saved_script_in_place() {
    let steps = checked("load 'to linjer'\nsummarize x\n").program.unwrap().steps;
    assert_eq!(steps[4].text, "generate x = 5");
    // At the line of this script that loads the other one.
    assert_eq!((steps[4].line(), steps[5].line()), (5, 6));
    assert_eq!(told("load borte\n"), ["E202 1:6"]);
    assert_eq!(told("load galt\n"), ["E103 1:6"]);
    assert_eq!(told("load ukjent\n"), ["E201 1:1"]);
    assert_eq!(told("load seg_selv\n"), ["E202 1:1"]);
}

#[test]
fn lang_361_assert_sees_metadata_only() {
    for holds in [
        "kind == 'cross-section'",
        "has(lønn) & !has(formue)",
        "unit == 'PERSON' | kind == 'panel'",
        "dataset == 'folk'",
        "1 < 2",
    ] {
        assert_eq!(told(&format!("assert {holds}\n")), Vec::<String>::new(), "{holds}");
    }
    assert!(actions("assert has(lønn)\n").is_empty());
    assert_eq!(told("assert kind == 'panel'\n"), ["E604 1:8"]);
    assert_eq!(told("assert lønn > 5\n"), ["E201 1:8"]);
    let found = checked("assert has(formue), message('formue mangler')\n").diagnostics;
    assert_eq!(found[0].message.text(Language::Nn), "formue mangler");
}

#[test]
fn lang_320_codes_on_the_list_of_another_date() {
    let import = |option: &str| format!("import db/BEFOLKNING_KOMMNR_FORMELL 2017-01-01 as k, harmonise({option})\n");
    let Some(Action::Import(i)) = actions(&import("to(2020-01-01)")).pop() else { panic!() };
    let harmonised = i.harmonise.unwrap();
    let changes: Vec<String> = harmonised
        .changes
        .iter()
        .map(|c| format!("{} {}", c.from, c.to.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>().join("/")))
        .collect();
    assert_eq!(changes, ["0602 3005", "1601 5001", "1612 5055", "1850 1806/1875", "5011 5055"]);
    assert_eq!((harmonised.split, harmonised.to.to_string().as_str()), (Split::Largest, "2020-01-01"));
    // With the labels of the target date.
    let labels = i.labels.unwrap();
    assert!(labels.of(&Literal::Text("5055".into())).is_some() && labels.of(&Literal::Text("1612".into())).is_none());
    assert_eq!(told(&import("to(2020-01-01) split(error)")), ["E317 1:54"]);
    assert_eq!(told(&import("split(missing)")), ["E105 1:54"]);
    assert_eq!(told("import db/BEFOLKNING_STATUSKODE 2020-01-01 as s, harmonise(to(2021-01-01))\n"), ["E317 1:50"]);
    let panel = "create-dataset p\nimport-panel db/BEFOLKNING_KOMMNR_FORMELL db/INNTEKT_WLONN 2017-01-01 2020-01-01, harmonise()\n";
    let Some(Action::ImportPanel(p)) = actions(panel).pop() else { panic!() };
    let per_variable = p.harmonise.unwrap();
    let counts: Vec<Vec<usize>> = per_variable.iter().map(|v| v.iter().map(|h| h.changes.len()).collect()).collect();
    assert_eq!(counts, [[5, 0], [0, 0]]);
    assert!(p.variables[0].1.as_ref().unwrap().of(&Literal::Text("5055".into())).is_some());
}

#[test]
fn lang_322_harmonise_on_a_variable() {
    let body = "import db/BEFOLKNING_KOMMNR_FORMELL 2017-01-01 as k\nrename k kommune\nclone-dataset folk to\nuse to\n";
    let Some(Action::Harmonise(h)) =
        actions(&format!("{body}harmonise kommune, from(2017-01-01) to(2024-01-01) split(missing)\n")).pop()
    else {
        panic!()
    };
    assert_eq!((h.column.as_ref(), h.codes.split, h.codes.changes.len()), ("kommune", Split::Missing, 6));
    // The codes are no longer those of the register.
    let own = "replace k = '0301' if lønn > 1\nharmonise k, from(2017-01-01) to(2024-01-01)\n";
    assert_eq!(told(&format!("import db/BEFOLKNING_KOMMNR_FORMELL 2017-01-01 as k\n{own}")), ["E317 3:11"]);
    assert_eq!(told("harmonise lønn, from(2017-01-01) to(2024-01-01)\n"), ["E317 1:11"]);
}

/// LANG-078, LANG-129: dropping every column leaves the units, so the dataset is not empty.
#[test]
fn lang_078_units_without_columns_are_no_empty_dataset() {
    assert_eq!(told("drop kjønn lønn\nimport-panel db/INNTEKT_WLONN 2019-01-01 2020-01-01\n"), ["E311 2:1"]);
    let copied = "clone-units folk p\nuse p\nimport-panel db/INNTEKT_WLONN 2019-01-01 2020-01-01\n";
    assert_eq!(told(copied), Vec::<String>::new());
}

/// LANG-321: `W617` names the codes that no table moves, from the lists alone; where the date is that of the import there are none.
#[test]
fn lang_321_w617_names_codes_outside_the_list() {
    let body = |from: &str| {
        let import = "import db/BEFOLKNING_KOMMNR_FORMELL 2017-01-01 as k\n";
        format!("{import}harmonise k, from({from}) to(2024-01-01)\n")
    };
    assert_eq!(told(&body("2018-06-01")), ["W617 2:11"]);
    let told_of = checked(&body("2018-06-01")).diagnostics.remove(0);
    assert_eq!(
        told_of.message.text(Language::En),
        "Codes that are not in the list of 2018-06-01 stay as they are where they occur: 1601, 1612."
    );
    assert_eq!(told(&body("2017-01-01")), Vec::<String>::new());
}

#[test]
fn lang_330_export() {
    let export = |text: &str| match actions(&format!("summarize\nexport {text}\n")).pop() {
        Some(Action::Export(e)) => (e.which, e.format, e.name),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        export("last, format(csv) name('min tabell')"),
        (ExportWhich::Last, "csv".into(), Some("min tabell".into()))
    );
    assert_eq!(export("1 3, format(json)").0, ExportWhich::Ids(vec![1, 3]));
    assert_eq!(export("all, format(parquet)").0, ExportWhich::All);
    assert_eq!(told("export alt, format(csv)\n"), ["E103 1:8"]);
    assert_eq!(told("export last, format(csv) name('../x')\n"), ["E108 1:26"]);
    assert_eq!(told("export last\n"), ["E105 1:12"]);
    assert_eq!(export("last, format(pdf)").1, "pdf");
}
