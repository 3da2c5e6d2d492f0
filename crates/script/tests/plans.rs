//! The plans of commands on whole datasets: names, types, labels, kinds of pairing.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Registers;
use script::program::{Object, Pairing, RowUnit, SampleSize, Statistic};
use script::{Action, DataType, Literal, Program, Settings, compile};

const HEAD: &str = "require no.ssb.fdb:38 as db\n\
                    create-dataset folk\n\
                    import db/BEFOLKNING_KJOENN as kjønn\n\
                    import db/INNTEKT_WLONN 2020-01-01 as lønn\n";

fn told(body: &str) -> Vec<String> {
    let checked = compile(&format!("{HEAD}{body}"), &Registers::read(), &Settings::default());
    checked.diagnostics.iter().map(|d| format!("{} {}:{}", d.code, d.span.line - 4, d.span.column)).collect()
}

fn plan(body: &str) -> Program {
    let checked = compile(&format!("{HEAD}{body}"), &Registers::read(), &Settings::default());
    checked.program.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

fn action(body: &str) -> Action {
    plan(body).steps.pop().unwrap().action
}

fn integers(values: &[i64]) -> Vec<Literal> {
    values.iter().map(|n| Literal::Integer(*n)).collect()
}

#[test]
fn lang_114_115_116_copies_of_datasets() {
    let plan = plan("clone-dataset folk to\nclone-units folk tre\nrename-dataset folk fire\nuse tre\n");
    let actions: Vec<&Action> = plan.steps[4..].iter().map(|s| &s.action).collect();
    let name = |n: &str| n.into();
    assert_eq!(
        actions,
        [
            &Action::CloneDataset { from: name("folk"), to: name("to") },
            &Action::CloneUnits { from: name("folk"), to: name("tre") },
            &Action::RenameDataset { from: name("folk"), to: name("fire") },
            &Action::Use { dataset: name("tre") },
        ]
    );
    // The active one keeps active under its new name; a dataset without units has none to copy.
    assert_eq!(plan.steps[7].dataset.as_deref(), Some("fire"));
    assert_eq!(told("create-dataset tom\nclone-units tom ny\n"), ["E202 2:13"]);
}

#[test]
fn lang_121_import_event_in_the_plan() {
    let body = "create-dataset kurs\nimport-event db/NUDB_KURS_NUS 2019-01-01 to 2019-12-31 as nus\n";
    let Action::ImportEvent(event) = action(body) else { panic!() };
    assert_eq!((event.column.as_ref(), event.variable.name.as_str()), ("nus", "NUDB_KURS_NUS"));
    assert_eq!((event.from.to_string(), event.to.to_string()), ("2019-01-01".into(), "2019-12-31".into()));
    assert!(!event.restricted);
    // START@, Start@ and start@ are one column, a date that is an integer in expressions.
    let Action::Generate { value, .. } = action(&format!("{body}generate d = STOP@nus - start@nus\n")) else {
        panic!()
    };
    assert_eq!(value.data_type, DataType::Integer);
    let copied = "create-dataset kurs\nimport db/NUDB_KURS_FNR as f\nclone-units kurs k\nuse k\nimport-event db/NUDB_KURS_NUS 2019-01-01 to 2019-12-31\n";
    let Action::ImportEvent(event) = action(copied) else { panic!() };
    assert!(event.restricted);
}

#[test]
fn lang_080_import_panel_in_the_plan() {
    let body =
        "create-dataset p\nimport-panel db/INNTEKT_WLONN db/BEFOLKNING_KJOENN 2020-12-31 2018-12-31 2020-12-31\n";
    let Action::ImportPanel(panel) = action(body) else { panic!() };
    assert_eq!(panel.times.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2018-12-31", "2020-12-31"]);
    let names: Vec<&str> = panel.variables.iter().map(|(v, _)| v.name.as_str()).collect();
    assert_eq!(names, ["INNTEKT_WLONN", "BEFOLKNING_KJOENN"]);
    assert!(panel.variables[0].1.is_none() && panel.variables[1].1.is_some());
    assert!(!panel.restricted);
    let Action::ImportPanel(panel) = action(&format!("clone-units folk u\nuse u\n{}", &body[17..])) else { panic!() };
    assert!(panel.restricted);
    let Action::SummarizePanel(s) = action(&format!("{body}summarize-panel INNTEKT_WLONN, gini\n")) else { panic!() };
    assert!(s.gini && !s.iqr);
    let Action::Tabulate(t) = action(&format!("{body}tabulate-panel BEFOLKNING_KJOENN INNTEKT_WLONN\n")) else {
        panic!()
    };
    assert_eq!(t.variables, ["BEFOLKNING_KJOENN".into(), "date@panel".into(), "INNTEKT_WLONN".into()]);
}

#[test]
fn lang_091_the_occasion_of_a_panel_stays() {
    let panel = "create-dataset p\nimport-panel db/INNTEKT_WLONN 2019-01-01 2020-01-01\n";
    for (change, column) in [("drop date@panel", 6), ("rename date@panel d", 8), ("replace date@panel = 1", 9)] {
        assert_eq!(told(&format!("{panel}{change}\n")), [format!("E303 3:{column}")], "{change}");
    }
    assert_eq!(told(&format!("{panel}recode date@panel (1 = 2)\n")), ["E303 3:8"]);
    let kept = "generate d = date@panel\nkeep d\nclone-variables date@panel -> e\nkeep if date@panel == 17897\n";
    assert_eq!(told(&format!("{panel}{kept}")), Vec::<String>::new());
}

#[test]
fn lang_090_091_reshape_to_panel() {
    let body = "rename lønn l9\nclone-variables l9 -> l19 l9 -> l019b l9 -> l9_1\n";
    let Action::ReshapeToPanel(r) = action(&format!("{body}generate l10 = 1.5\nreshape-to-panel l\n")) else {
        panic!()
    };
    // `9_1` is no number: all suffixes are texts.
    assert_eq!(r.occasion_type, DataType::Text);
    let Action::ReshapeToPanel(r) = action(&format!("{body}drop l9_1\ngenerate m10 = 1.5\nreshape-to-panel l m\n"))
    else {
        panic!()
    };
    assert_eq!((r.occasions, r.occasion_type), (integers(&[9, 10, 19]), DataType::Integer));
    let sources = |i: usize| r.columns[i].sources.iter().map(|s| s.as_deref().unwrap_or(".")).collect::<Vec<_>>();
    assert_eq!((sources(0), sources(1)), (vec!["l9", ".", "l19"], vec![".", "m10", "."]));
    assert_eq!((&r.columns[0].data_type, &r.columns[1].data_type), (&DataType::Integer, &DataType::Decimal));
    // Dates; of two prefixes the longer wins; the same number twice stays two texts.
    let Action::ReshapeToPanel(r) =
        action("clone-variables lønn -> v2020_01_31 lønn -> v1970_01_02\nreshape-to-panel v\n")
    else {
        panic!()
    };
    assert_eq!((r.occasions, r.occasion_type), (integers(&[1, 18292]), DataType::Date));
    let Action::ReshapeToPanel(r) = action("clone-variables lønn -> v1 lønn -> v01\nreshape-to-panel v\n") else {
        panic!()
    };
    assert_eq!(r.occasion_type, DataType::Text);
    assert_eq!(told("generate k1 = 1\ngenerate k2 = 'a'\nreshape-to-panel k\n"), ["E301 3:18"]);
}

#[test]
fn lang_092_reshape_from_panel_names_columns_by_value() {
    let body = "create-dataset p\nimport-panel db/INNTEKT_WLONN 2019-01-01 2020-01-01\nrename INNTEKT_WLONN l\nreshape-from-panel\n";
    let Action::ReshapeFromPanel(r) = action(body) else { panic!() };
    assert_eq!(r.occasions, integers(&[17897, 18262]));
    assert_eq!(r.columns, [("l".into(), vec!["l17897".into(), "l18262".into()])]);
    // What a dataset was collapsed by stays one column.
    let wide = "collapse (mean) lønn -> v1 (sum) lønn -> v2, by(kjønn)\nreshape-to-panel v\nreshape-from-panel\n";
    let Action::ReshapeFromPanel(r) = action(wide) else { panic!() };
    assert_eq!(r.columns, [("v".into(), vec!["v1".into(), "v2".into()])]);
    assert_eq!(told(&format!("{wide}summarize v1 v2\ntabulate kjønn\n")), Vec::<String>::new());
}

#[test]
fn lang_088_collapse_and_its_unit() {
    let Action::Collapse(g) =
        action("import db/BEFOLKNING_REGSTAT_FAMNR 2020-01-01 as f\ncollapse (max) kjønn2 -> a (count) PERSONID_1 -> n (median) lønn, by(f)\n"
            .replace("(max) kjønn2 -> a ", "").as_str())
    else {
        panic!()
    };
    assert!(matches!(&g.unit, RowUnit::Type(unit) if unit.name == "FAMILIE"));
    let columns: Vec<_> = g.columns.iter().map(|c| (c.statistic, c.source.as_ref(), c.column.as_ref())).collect();
    assert_eq!(columns, [(Statistic::Count, "PERSONID_1", "n"), (Statistic::Median, "lønn", "lønn")]);
    assert_eq!(g.columns[1].data_type, DataType::Decimal);
    let Action::Collapse(g) = action("collapse (sum) lønn, by(kjønn)\n") else { panic!() };
    assert_eq!((g.unit, &g.by), (RowUnit::Keys(vec!["kjønn".into()]), &vec!["kjønn".into()]));
    // The unit key alone is the unit; beside another key it is a column.
    assert_eq!(told("collapse (sum) lønn, by(PERSONID_1)\ngenerate x = sysmiss(PERSONID_1)\n"), Vec::<String>::new());
    let Action::Collapse(g) = action("collapse (sum) lønn, by(PERSONID_1, kjønn)\n") else { panic!() };
    assert_eq!(g.unit, RowUnit::Keys(vec!["PERSONID_1".into(), "kjønn".into()]));
    assert_eq!(told("collapse (sum) lønn, by(kjønn, kjønn)\n"), ["E209 1:32"]);
    let Action::Aggregate(g) = action("aggregate (gini) lønn -> g, by(kjønn)\n") else { panic!() };
    assert_eq!((g.columns[0].statistic, &g.columns[0].data_type), (Statistic::Gini, &DataType::Decimal));
}

fn pairing(body: &str) -> Pairing {
    let Action::Merge(merge) = action(body) else { panic!() };
    merge.pairing
}

#[test]
fn lang_089_merge_is_paired_by_the_steps_of_6_2() {
    let both = |a: &str, b: &str| Pairing::Columns(vec![(a.into(), b.into())]);
    let source = |target: &str| Pairing::SourceKey { target: target.into() };
    let family = "import db/BEFOLKNING_REGSTAT_FAMNR 2020-01-01 as f\n";
    // 4: the same unit type; also by the name of the key.
    let second = "create-dataset to\nimport db/BEFOLKNING_KJOENN as k2\n";
    assert_eq!(pairing(&format!("{second}merge k2 into folk\n")), Pairing::Units);
    assert_eq!(pairing(&format!("{second}merge k2 into folk on PERSONID_1\n")), Pairing::Units);
    assert_eq!(pairing(&format!("{second}use folk\nlink k2 from to\n")), Pairing::Units);
    // 1: key of the source, column of the target.
    let families = format!("{family}clone-dataset folk fam\nuse fam\ncollapse (sum) lønn -> sum, by(f)\n");
    assert_eq!(pairing(&format!("{families}merge sum into folk on f\n")), source("f"));
    // 3a: the number of a family is that of its eldest person.
    assert_eq!(pairing(&format!("{families}merge sum into folk on PERSONID_1\n")), source("PERSONID_1"));
    assert_eq!(told(&format!("{families}merge sum into folk\n")), ["E312 5:16"]);
    // 2: column of the source, key of the target.
    let pointer = "create-dataset jobb\nimport db/ARBEIDSFORHOLD_PERSON as p\nimport db/ARBLONN_ARB_YRKE_STYRK08 2020-01-16 as y\n";
    assert_eq!(pairing(&format!("{pointer}merge y into folk on p\n")), Pairing::TargetKey { source: "p".into() });
    // 3: columns of both.
    let third = "create-dataset tre\nimport db/BEFOLKNING_KJOENN as kjønn\nimport db/INNTEKT_WLONN 2020-01-01 as l3\n";
    assert_eq!(pairing(&format!("{third}merge l3 into folk on kjønn\n")), both("kjønn", "kjønn"));
    // Collapsed by one key each, of one type; by several keys; by keys of other names.
    let one = "clone-dataset folk a\nclone-dataset folk b\nuse b\nrename kjønn k\ncollapse (sum) lønn -> s, by(k)\nuse a\ncollapse (sum) lønn -> t, by(kjønn)\n";
    assert_eq!(pairing(&format!("{one}merge t into b\n")), both("kjønn", "k"));
    let two = "generate g = 1\nclone-dataset folk a\nuse a\ncollapse (sum) lønn -> s, by(kjønn, g)\n";
    let columns = Pairing::Columns(vec![("kjønn".into(), "kjønn".into()), ("g".into(), "g".into())]);
    assert_eq!(pairing(&format!("{two}merge s into folk on kjønn g\n")), columns);
    let renamed = format!("{two}rename g h\nmerge s into folk on kjønn, g\n");
    assert_eq!(told(&renamed), Vec::<String>::new());
    assert_eq!(pairing(&renamed), Pairing::Columns(vec![("kjønn".into(), "kjønn".into()), ("h".into(), "g".into())]));
}

#[test]
fn lang_136_sample() {
    let Action::Sample(s) = action("sample 0.25 7\n") else { panic!() };
    assert_eq!((s.size, s.seed), (SampleSize::Share(0.25), 7));
    let Action::Sample(s) = action("sample 1001 1\n") else { panic!() };
    assert_eq!(s.size, SampleSize::Units(1001));
}

#[test]
fn lang_145_destring_and_its_labels() {
    let Action::Destring(d) = action("destring kjønn, prefix(n) ignore('x') dpcomma force\n") else { panic!() };
    assert_eq!((d.columns[0].source.as_ref(), d.columns[0].target.as_ref()), ("kjønn", "nkjønn"));
    assert!(d.force && d.decimal_comma && d.ignore == "x");
    let labels = d.columns[0].labels.as_ref().unwrap();
    assert_eq!(labels.of(&Literal::Integer(2)).unwrap().text.text(kernel::Language::Nb), "Kvinne");
    // A code list decides, not the data (LANG-245); codes that meet keep the first label (LANG-146).
    let listed = |codes: &str| format!("generate t = 'a'\ndefine-labels l {codes}\nassign-labels t l\ndestring t\n");
    assert_eq!(told(&listed("'a' A '1' B")), ["E305 4:10"]);
    assert_eq!(told(&listed("'01' A '1' B")), ["W611 4:10"]);
    assert_eq!(told(&listed("'1.5' A ' ' B '-3' C")), Vec::<String>::new());
}

#[test]
fn lang_152_drop_labels_names_the_columns_that_used_the_list() {
    let body = "define-labels l 1 En 2 To\ndefine-labels m 1 Ein\ngenerate a = 1\ngenerate b = 1\ngenerate c = 1\n\
                assign-labels a l\nassign-labels b m\nassign-labels c l\nrecode c (2 = 3 'Tre')\nclone-dataset folk to\nrename a d\ndrop-labels l\n";
    let Action::DropLabels { lists, columns } = action(body) else { panic!() };
    assert_eq!(lists, ["l".into()]);
    // `c` has a copy of the list with a code of its own (LANG-143).
    assert_eq!(columns, [("folk".into(), "d".into()), ("to".into(), "a".into())]);
    assert_eq!(told(&format!("{body}define-labels l 1 Igjen\nkeep if inlabels(d, 'En')\n")), ["E208 14:18"]);
}

#[test]
fn lang_312_rows_and_cols_of_a_table() {
    let table = |options: &str| format!("generate g = 1\ngenerate h = 1\ntabulate kjønn g h, {options}\n");
    let Action::Tabulate(t) = action(&table("rows(h kjønn) cols(g) additive")) else { panic!() };
    assert_eq!(t.layout, Some((vec!["h".into(), "kjønn".into()], vec!["g".into()])));
    assert!(t.additive);
    assert_eq!(told(&table("rows(kjønn) cols(g)")), ["E105 3:40"]);
    assert_eq!(told(&table("rows(kjønn h) cols(g h)")), ["E109 3:42"]);
    assert_eq!(told(&table("rows(kjønn h) cols(g lønn)")), ["E105 3:42"]);
}

/// SDC-134: a table for a report, plain or rounded; never with statistics, and a base is nothing without it.
#[test]
fn sdc_134_a_table_for_a_report() {
    let table = |options: &str| format!("generate g = 1\ntabulate kjønn g, {options}\n");
    let asked = |options: &str| match action(&table(options)) {
        Action::Tabulate(t) => t.publish.map(|p| p.base),
        _ => panic!("a table"),
    };
    assert_eq!(asked("publish"), Some(None));
    assert_eq!(asked("publish base(5)"), Some(Some(5)));
    assert_eq!(asked("freq"), None);
    assert_eq!(told(&table("base(5)")), ["E105 2:19"]);
    assert_eq!(told(&table("publish base(1)")), ["E316 2:32"]);
    assert_eq!(told(&table("publish summarize(g)")), ["E109 2:19"]);
    assert_eq!(told(&table("publish chi2")), ["E109 2:19"]);
}

#[test]
fn lang_301_what_a_step_reads_and_writes() {
    let body = "define-labels l 1 En\ncreate-dataset to\nimport db/BEFOLKNING_KJOENN as k\ngenerate a = 1\nassign-labels a l\n\
                merge k into folk\nclone-dataset to tre\ntabulate k\nrename-dataset tre fire\ndrop-labels l\ndelete-dataset fire\n";
    let plan = plan(body);
    let shown = |objects: Vec<Object>| {
        let name = |o: Object| match o {
            Object::Dataset(name) => name.to_string(),
            Object::List(name) => format!("list {name}"),
            Object::Store { store, version } => format!("{store} {version}"),
            Object::Results => "results".to_owned(),
        };
        objects.into_iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let told: Vec<String> =
        plan.steps.iter().map(|s| format!("{} <- {}", shown(s.writes()), shown(s.reads()))).collect();
    assert_eq!(
        told,
        [
            " <- ",
            "folk <- ",
            "folk <- folk, no.ssb.fdb 38.0.0.0",
            "folk <- folk, no.ssb.fdb 38.0.0.0",
            "list l <- ",
            "to <- ",
            "to <- to, no.ssb.fdb 38.0.0.0",
            "to <- to",
            "to <- to, list l",
            "folk <- folk, to",
            "tre <- to",
            " <- to",
            "fire, tre <- tre",
            "fire, to, list l <- fire, to, list l",
            "fire <- fire",
        ]
    );
}
