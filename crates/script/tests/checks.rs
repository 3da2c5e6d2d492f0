//! What the checker says about names, types and times, and the plan that it makes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Registers;
use kernel::Language;
use script::program::{BarVariable, Content, RecodeSource, Statistic};
use script::{
    Action, Code, DataType, Diagnostic, ExpressionKind, Function, Literal, Program, Settings, compile, parse,
};

const HEAD: &str = "require no.ssb.fdb:38 as db\n\
                    create-dataset folk\n\
                    import db/BEFOLKNING_KJOENN as kjønn\n\
                    import db/INNTEKT_WLONN 2020-01-01 as lønn\n";

fn diagnostics(body: &str) -> Vec<Diagnostic> {
    compile(&format!("{HEAD}{body}"), &Registers::read(), &Settings::default()).diagnostics
}

/// Codes with line and column, counted from the line behind the head.
fn told(body: &str) -> Vec<String> {
    diagnostics(body).iter().map(|d| format!("{} {}:{}", d.code, d.span.line - 4, d.span.column)).collect()
}

fn plan(body: &str) -> Program {
    let checked = compile(&format!("{HEAD}{body}"), &Registers::read(), &Settings::default());
    checked.program.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

/// The action of the last step.
fn action(body: &str) -> Action {
    plan(body).steps.pop().unwrap().action
}

#[test]
fn lang_105_the_example_of_the_specification() {
    let d = parse("\n\n\nsummarise lønn").diagnostics.remove(0);
    assert_eq!(d.span.to_string(), "4:1–4:9");
    assert_eq!(d.to_string(), "4:1: E101: Unknown command \"summarise\".");
    assert_eq!(d.candidates, ["summarize"]);
    assert_eq!(d.replacement.as_deref(), Some("summarize"));
    assert_eq!(d.message.text(Language::Nb), "Ukjent kommando «summarise».");
    assert_eq!(d.message.text(Language::Nn), "Ukjend kommando «summarise».");
}

/// LANG-010: numbers have no exponent; whoever writes one is told the number without it.
#[test]
fn lang_010_a_number_with_an_exponent_is_told_without_it() {
    for (body, at, plain) in [
        ("keep if lønn > 1e6\n", "1:16", "1000000"),
        ("generate a = 2.5E-3 * lønn\n", "1:14", "0.0025"),
        ("keep if lønn > 12e+2\n", "1:16", "1200"),
        ("recode lønn (min/1e5=1)\n", "1:18", "100000"),
    ] {
        let found = diagnostics(body);
        assert_eq!(told(body), [format!("E103 {at}")]);
        assert_eq!(found[0].hint.as_ref().unwrap().text(Language::En), format!("Write {plain}."), "{body}");
    }
    assert_eq!(told("generate 1e6 = 2\n"), ["E108 1:10"]);
    assert_eq!(told("keep if lønn > 1e\n"), ["E108 1:16"]);
    let far = diagnostics("keep if lønn > 1e300\n");
    assert!(far[0].hint.as_ref().unwrap().text(Language::En).starts_with("A number is digits"));
}

#[test]
fn lang_093_all_errors_of_a_phase_come_at_once_one_per_statement() {
    assert_eq!(
        told("generate = 1\ntabulate kjønn, rowpc freqq\nkeep if lønn == .\n"),
        ["E103 1:10", "E102 2:17", "E302 3:9"]
    );
    // A failed statement still makes its column: no error follows from it.
    assert_eq!(
        told("generate a = kjønn + 1\ngenerate b = a * 2\nsummarize a b\nkeep if kjønn == 1\n"),
        ["E301 1:14", "E301 4:18"]
    );
    assert_eq!(told("import db/FINNES_IKKE as q\nsummarize q\n"), ["E205 1:11"]);
    assert_eq!(told("use borte\nimport db/BEFOLKNING_KJOENN as k\n"), ["E202 1:5"]);
}

#[test]
fn lang_031_the_hint_proposes_the_quoted_code() {
    let d = diagnostics("keep if kjønn == 1\n").remove(0);
    assert_eq!(d.replacement.as_deref(), Some("'1'"));
    assert!(d.hint.unwrap().text(Language::En).contains("destring"));
}

#[test]
fn lang_076_a_status_date_names_its_neighbours() {
    let d = diagnostics("import db/BEFOLKNING_STATUSKODE 2020-02-03 as s\n").remove(0);
    assert_eq!(d.code, Code::E307);
    assert_eq!(d.hint.unwrap().text(Language::En), "Nearest dates: 2020-01-01, 2021-01-01. There are 40 in all.");
    assert_eq!(told("import db/INNTEKT_WLONN 1950-01-01 as a\n"), ["E307 1:25"]);
}

#[test]
fn lang_074_the_hint_names_a_pointer() {
    let d = diagnostics("import db/ARBLONN_ARB_YRKE_STYRK08 2020-01-16 as yrke\n").remove(0);
    assert_eq!(d.code, Code::E308);
    assert!(d.hint.unwrap().text(Language::Nb).contains("ARBEIDSFORHOLD_PERSON"));
}

#[test]
fn lang_072_import_in_the_plan() {
    let plan = plan("import db/SIVSTANDFDT_SIVSTAND 2019-05-01 as siv, outer_join\n");
    let imports: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|s| match &s.action {
            Action::Import(i) => Some((i.column.to_string(), i.at.map(|d| d.to_string()), i.first, i.outer_join)),
            _ => None,
        })
        .collect();
    assert_eq!(
        imports,
        [
            ("kjønn".to_owned(), None, true, false),
            ("lønn".to_owned(), Some("2020-01-01".to_owned()), false, false),
            ("siv".to_owned(), Some("2019-05-01".to_owned()), false, true),
        ]
    );
    let Action::Import(kjonn) = &plan.steps[2].action else { panic!() };
    let labels = kjonn.labels.as_ref().unwrap();
    assert_eq!(labels.of(&Literal::Text("2".into())).unwrap().text.text(Language::Nb), "Kvinne");
    assert_eq!(plan.steps[2].dataset.as_deref(), Some("folk"));
    assert_eq!(plan.steps[2].text, "import db/BEFOLKNING_KJOENN as kjønn");
}

#[test]
fn lang_046_bindings_are_substituted_in_the_plan_and_its_text() {
    let plan = plan(
        "for år in 2019 : 2020\nimport db/INNTEKT_WLONN date_fmt($år, 12, 31) as l++$år\ngenerate d ++ $år = (l ++ $år) / $år\nend\n",
    );
    let last = plan.steps.last().unwrap();
    assert_eq!(last.text, "generate d2020 = l2020 / 2020");
    assert_eq!((last.line(), last.pass), (7, 2));
    assert_eq!(last.iterators, [("år".to_owned(), "2020".to_owned())]);
    let Action::Generate { column, value, condition: None } = &last.action else { panic!() };
    assert_eq!(column.as_ref(), "d2020");
    assert_eq!(value.data_type, DataType::Decimal);
}

#[test]
fn lang_060_an_error_in_a_loop_is_told_once_with_its_pass() {
    let found = diagnostics("for a in 1 2 3\ngenerate x ++ $a = kjønn * $a\nend\n");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].related[0].message.text(Language::En), "In pass 1: a = 1.");
}

#[test]
fn lang_030_types_of_expressions() {
    for (expression, expected) in [
        ("lønn + 1", DataType::Integer),
        ("lønn / 1", DataType::Decimal),
        ("lønn > 1", DataType::Integer),
        ("-lønn * 2", DataType::Integer),
        ("lønn * 2.5", DataType::Decimal),
        ("lønn ^ 2", DataType::Decimal),
        (".", DataType::Integer),
        ("kjønn", DataType::Text),
        ("'a'", DataType::Text),
        ("string(lønn)", DataType::Text),
        ("round(lønn / 7)", DataType::Integer),
        ("round(lønn / 7, 0.5)", DataType::Decimal),
        ("rowmax(lønn, 2)", DataType::Integer),
        ("rowmean(lønn, 2)", DataType::Decimal),
        ("inlist(kjønn, '1', '2')", DataType::Integer),
        ("date_fmt(lønn, 1)", DataType::Text),
        ("to_str(abc)", DataType::Text),
        ("label_to_code(kjønn, 'Mann')", DataType::Text),
    ] {
        let Action::Generate { value, .. } = action(&format!("generate x = {expression}\n")) else { panic!() };
        assert_eq!(value.data_type, expected, "{expression}");
    }
}

#[test]
fn lang_031_wrong_types_are_refused() {
    for expression in [
        "kjønn + 1",
        "-kjønn",
        "!kjønn",
        "kjønn & 1",
        "length(lønn)",
        "round(kjønn)",
        "inlist(kjønn, 1)",
        "inrange(lønn, 'a', 'b')",
        "rowconcat('a', lønn)",
        "string(kjønn)",
        "substr(kjønn, 'a', 1)",
    ] {
        let found = diagnostics(&format!("generate x = {expression}\n"));
        assert_eq!(found.first().map(|d| d.code), Some(Code::E301), "{expression}");
    }
}

#[test]
fn lang_038_unit_keys_stay_hidden() {
    let import = "import db/BEFOLKNING_MOR_FNR as mor\nimport db/BEFOLKNING_FAR_FNR as far\n";
    for body in [
        "generate x = mor + 1",
        "generate x = mor",
        "tabulate mor",
        "summarize mor",
        "keep if mor > far",
        "keep if mor == 1",
        "recode mor (1 = 2)",
        "replace mor = 1",
        "barchart (count) mor",
        "generate x = string(mor)",
        "tabulate kjønn if mor",
        "generate x = inlist(mor, 1)",
    ] {
        let found = diagnostics(&format!("{import}{body}\n"));
        assert_eq!(found.first().map(|d| d.code), Some(Code::E303), "{body}");
    }
    for body in [
        "keep if mor != far",
        "generate x = sysmiss(mor)",
        "generate x = rowvalid(mor, far)",
        "drop mor",
        "rename mor m",
    ] {
        assert!(diagnostics(&format!("{import}{body}\n")).is_empty(), "{body}");
    }
}

#[test]
fn lang_126_replace_keeps_or_takes_the_type() {
    let Action::Replace { data_type, labels, .. } = action("replace kjønn = 3\n") else { panic!() };
    assert_eq!((data_type, labels), (DataType::Integer, None));
    let Action::Replace { data_type, labels, .. } = action("replace kjønn = '9' if lønn > 1\n") else { panic!() };
    assert_eq!(data_type, DataType::Text);
    assert!(labels.is_some());
    let Action::Replace { data_type, .. } = action("replace lønn = lønn / 2 if lønn > 1\n") else { panic!() };
    assert_eq!(data_type, DataType::Decimal);
    let Action::Replace { data_type, .. } = action("replace lønn = . if lønn > 1\n") else { panic!() };
    assert_eq!(data_type, DataType::Integer);
}

#[test]
fn lang_143_recode_in_the_plan() {
    let Action::Recode(recode) =
        action("recode lønn (missing 1 2 -5/10 = 0 'Ingen') (min/99 = .) (* = 9 missing), prefix(g_)\n")
    else {
        panic!()
    };
    let column = &recode.columns[0];
    assert_eq!((column.source.as_ref(), column.target.as_ref()), ("lønn", "g_lønn"));
    assert_eq!(
        recode.rules[0].sources,
        [
            RecodeSource::Missing,
            RecodeSource::Value(Literal::Integer(1)),
            RecodeSource::Value(Literal::Integer(2)),
            RecodeSource::Range(Some(-5.0), Some(10.0)),
        ]
    );
    assert_eq!(recode.rules[1].sources, [RecodeSource::Range(None, Some(99.0))]);
    assert_eq!(recode.rules[1].target, None);
    assert!(recode.rules[2].flag_missing);
    let labels = column.labels.as_ref().unwrap();
    assert_eq!(labels.of(&Literal::Integer(0)).unwrap().text.text(Language::Nb), "Ingen");
    assert!(labels.of(&Literal::Integer(9)).unwrap().missing);
    assert_eq!(told("recode lønn (* = 1) (2 = 3)\n"), ["W610 1:22"]);
    assert_eq!(told("recode kjønn ('1' = 1)\n"), ["E301 1:21"]);
    assert_eq!(told("recode lønn ('1' = 1)\n"), ["E301 1:14"]);
}

#[test]
fn labels_become_codes_before_anything_runs() {
    let Action::KeepIf(condition) = action("keep if inlabels(kjønn, 'Kvinne')\n") else { panic!() };
    let ExpressionKind::Call(Function::InList, arguments) = condition.kind else { panic!() };
    assert_eq!(arguments[1].kind, ExpressionKind::Literal(Literal::Text("2".into())));
    assert_eq!(told("keep if inlabels(lønn, 'Kvinne')\n"), ["E208 1:18"]);
    assert_eq!(told("keep if labelcontains(kjønn, 'xyz')\n"), ["W616 1:30"]);
}

#[test]
fn lang_162_tabulate_in_the_plan() {
    let Action::Tabulate(t) = action("tabulate kjønn\n") else { panic!() };
    assert_eq!(t.contents, [Content::Freq]);
    let Action::Tabulate(t) = action("tabulate kjønn lønn if lønn > 0, rowpct missing nolabels\n") else { panic!() };
    assert_eq!((t.contents.as_slice(), t.missing, t.nolabels), ([Content::RowPct].as_slice(), true, true));
    assert!(t.condition.is_some());
    let Action::Tabulate(t) = action("tabulate kjønn, summarize(lønn)\n") else { panic!() };
    assert!(t.contents.is_empty());
    assert_eq!(t.summarize, Some(("lønn".into(), vec![Statistic::Mean])));
    let Action::Tabulate(t) = action("tabulate kjønn, summarize(lønn) p50 mean freq\n") else { panic!() };
    assert_eq!(t.summarize.unwrap().1, [Statistic::P50, Statistic::Mean]);
    assert_eq!(told("tabulate kjønn, mean\n"), ["E105 1:17"]);
    assert_eq!(told("tabulate kjønn, rowpct\n"), ["E109 1:17"]);
    assert_eq!(told("tabulate kjønn, summarize(kjønn)\n"), ["E301 1:27"]);
    assert_eq!(told("tabulate a b c d e f g\n"), ["E103 1:22"]);
    assert_eq!(told("tabulate kjønn, chi2\n"), ["E109 1:17"]);
    let Action::Tabulate(t) = action("tabulate kjønn lønn, chi2 colsort() top(2)\n") else { panic!() };
    assert!(t.chi2 && t.flatten && t.column_sort == Some(Vec::new()) && t.top == Some(2));
}

#[test]
fn lang_175_barchart_in_the_plan() {
    let bars = |body: &str| match action(body) {
        Action::Barchart(b) => b.variables,
        other => panic!("{other:?}"),
    };
    let bar = |column: &str, categories| BarVariable { column: column.into(), categories };
    assert_eq!(bars("barchart (count) lønn\n"), [bar("lønn", true)]);
    assert_eq!(bars("barchart (mean) lønn, over(kjønn)\n"), [bar("lønn", false)]);
    assert_eq!(bars("barchart (count) lønn kjønn\n"), [bar("lønn", false), bar("kjønn", true)]);
    assert_eq!(told("barchart (mean) kjønn\n"), ["E301 1:17"]);
    assert_eq!(told("barchart (mean) lønn, stack\n"), ["E109 1:23"]);
    assert_eq!(told("barchart (meen) lønn\n"), ["E103 1:11"]);
}

#[test]
fn lang_160_summarize_takes_all_numbers() {
    let Action::Summarize(s) = action("generate x = 1\nsummarize, gini\n") else { panic!() };
    let names: Vec<&str> = s.variables.iter().map(AsRef::as_ref).collect();
    assert_eq!(names, ["lønn", "x"]);
    assert_eq!(s.skipped.len(), 1);
    assert!(s.gini && !s.iqr);
}

#[test]
fn lang_151_lists_of_the_script() {
    let Action::AssignLabels { labels, .. } = action("define-labels l 1 En '2' To\nassign-labels lønn l\n") else {
        panic!()
    };
    assert_eq!(labels.entries.len(), 1);
    assert_eq!(told("assign-labels lønn borte\n"), ["E208 1:20"]);
    assert_eq!(told("define-labels l a A\nassign-labels lønn l\n"), ["W612 2:20"]);
    assert_eq!(told("define-labels l 1 A 1 B\n"), ["E209 1:21"]);
}

#[test]
fn lang_332_parameters() {
    let source = "param år = 2020\nparam navn\nlet x = $år + 1\n";
    let run = |pairs: &[(&str, &str)]| {
        let params = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        compile(source, &Registers::read(), &Settings { params, running: true, ..Settings::default() }).diagnostics
    };
    assert!(run(&[("navn", "a"), ("år", "2022")]).is_empty());
    assert_eq!(run(&[]).iter().map(|d| d.code).collect::<Vec<_>>(), [Code::E206]);
    assert_eq!(run(&[("navn", "a"), ("år", "abc")]).len(), 1);
}

#[test]
fn lang_110_stores_and_versions() {
    let codes = |source: &str| -> Vec<Code> {
        compile(source, &Registers::read(), &Settings::default()).diagnostics.iter().map(|d| d.code).collect()
    };
    assert_eq!(codes("require no.ssb.fbd:38 as a"), [Code::E205]);
    assert_eq!(codes("require no.ssb.fdb:37 as a"), [Code::E205]);
    assert_eq!(codes("require no.ssb.fdb as a"), [Code::E105]);
    assert_eq!(codes("require no.ssb.fdb:38"), [Code::E105]);
    assert!(codes("require no.ssb.fdb:38 as a\nrequire no.ssb.fdb:38.0 as a").is_empty());
    assert_eq!(codes("require no.ssb.fdb:38 as a\nrequire no.fhi.npr:1 as a"), [Code::E209]);
    // A bare name belongs to the only store.
    assert!(codes("require no.ssb.fdb:38 as a\ncreate-dataset d\nimport BEFOLKNING_KJOENN as k").is_empty());
    assert_eq!(
        codes("require no.ssb.fdb:38 as a\nrequire no.fhi.npr:1 as b\ncreate-dataset d\nimport BEFOLKNING_KJOENN as k"),
        [Code::E204]
    );
}

#[test]
fn lang_083_running_needs_the_metadata() {
    let running = Settings { running: true, ..Settings::default() };
    let found = compile(HEAD, &script::NoCatalogue, &running).diagnostics;
    assert_eq!(found[0].code, Code::E205);
    let checking = compile(HEAD, &script::NoCatalogue, &Settings::default());
    assert_eq!(checking.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::W618]);
    assert!(checking.program.is_none());
}

#[test]
fn limits_of_section_11() {
    let columns: String = (0..2001).map(|i| format!("generate x{i} = 1\n")).collect();
    assert_eq!(diagnostics(&columns).first().map(|d| d.code), Some(Code::E601));
    let datasets: String = (0..64).map(|i| format!("create-dataset d{i}\n")).collect();
    assert_eq!(diagnostics(&datasets).first().map(|d| d.code), Some(Code::E601));
    assert_eq!(diagnostics("for i in 1 : 100000\nlet x = $i\nend\n").first().map(|d| d.code), Some(Code::E601));
}

#[test]
fn lang_375_strict_mode_refuses_our_own_forms_and_nothing_else() {
    let strict = Settings { strict: true, ..Settings::default() };
    let codes = |body: &str| -> Vec<Code> {
        let checked = compile(&format!("{HEAD}{body}"), &Registers::read(), &strict);
        checked.diagnostics.iter().map(|d| d.code).collect()
    };
    assert!(codes("tabulate kjønn lønn, rowpct\n").is_empty());
    assert_eq!(codes("/* own */ tabulate kjønn\n"), [Code::E103]);
    assert_eq!(codes("tabulate kjønn lønn, rows(kjønn) cols(lønn)\n"), [Code::E102]);
    assert_eq!(codes("param x = 1\n"), [Code::E101]);
    assert_eq!(codes("export last, format(csv)\n"), [Code::E101]);
    assert_eq!(codes("collapse (mean) lønn, by(kjønn, lønn)\n"), [Code::E103]);
    assert_eq!(codes("merge lønn into x on a b\n"), [Code::E103]);
    assert_eq!(codes("import db/BEFOLKNING_KJOENN as k, harmonise()\n"), [Code::E102]);
}

#[test]
fn lang_061_a_text_in_a_loop_is_shown_once() {
    let plan = plan("for a in 1 2; b in 1 2\nfor c in 1 2\ntextblock\n# Tittel\nendblock\nend\nend\n");
    let texts: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|s| match &s.action {
            Action::Text(t) => Some(t.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["# Tittel"]);
}

#[test]
fn lang_070_the_unit_key_by_its_name() {
    assert_eq!(told("generate x = sysmiss(PERSONID_1)\n"), Vec::<String>::new());
    assert_eq!(
        told(
            "import db/BEFOLKNING_MOR_FNR as mor\nclone-variables PERSONID_1 -> p\nkeep if mor == PERSONID_1 | p != mor\n"
        ),
        Vec::<String>::new()
    );
    assert_eq!(told("generate x = PERSONID_1\n"), ["E303 1:14"]);
    assert_eq!(told("rename PERSONID_1 p\n"), ["E303 1:8"]);
    assert_eq!(told("tabulate PERSONID_1\n"), ["E303 1:10"]);
}

#[test]
fn checking_stops_after_a_thousand_failed_statements() {
    let found = diagnostics(&"drop borte\n".repeat(5000));
    assert_eq!(found.len(), 1000);
    // A failing statement in a loop counts once.
    let found = diagnostics("for i in 1 : 5000\ndrop borte\nend\ndrop vekk\n");
    assert_eq!(found.len(), 2);
}

/// LANG-105: what is told as text names what may have been meant, in the reader's language.
#[test]
fn lang_105_prose_asks_what_was_meant() {
    let d = parse("scatter a b\n").diagnostics.remove(0);
    assert_eq!(d.prose(Language::En), "Unknown command \"scatter\". Did you mean \"hexbin\"?");
    let d = diagnostics("import db/INNTEKT_WLONN_2020 as l20\n").remove(0);
    assert_eq!((d.code, d.candidates.as_slice()), (Code::E205, ["INNTEKT_WLONN".to_owned()].as_slice()));
    assert!(d.prose(Language::Nn).ends_with(" Meinte du «INNTEKT_WLONN»?"), "{}", d.prose(Language::Nn));
    let d = parse("tab a\n").diagnostics.remove(0);
    assert!(
        d.prose(Language::Nb).ends_with(" Mente du «tabulate» eller «tabulate-panel»?"),
        "{}",
        d.prose(Language::Nb)
    );
}

/// A code that no list of the register variable has can never be equal; the lists decide, not the data (LANG-245).
#[test]
fn w617_names_codes_that_no_list_has() {
    assert_eq!(told("generate a = kjønn == '9'\n"), ["W617 1:23"]);
    assert_eq!(told("keep if inlist(kjønn, '1', '8')\n"), ["W617 1:28"]);
}
