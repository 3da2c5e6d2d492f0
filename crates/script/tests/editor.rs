//! Highlighting, completion and explanations while a script is being written (LANG-341).
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Registers;
use kernel::Language;
use script::{Completion, TokenClass, complete, highlight, hover};

const HEAD: &str = "require no.ssb.fdb:38 as db\n\
                    create-dataset folk\n\
                    import db/BEFOLKNING_KJOENN as kjønn\n\
                    import db/INNTEKT_WLONN 2020-01-01 as lønn\n\
                    let år = 2020\n";

/// Completion at the end of a line written behind the head.
fn offered(line: &str) -> Vec<Completion> {
    let source = format!("{HEAD}{line}");
    complete(&source, 6, line.chars().count() as u32 + 1, &Registers::read())
}

fn texts(line: &str) -> Vec<String> {
    offered(line).into_iter().map(|c| c.text).collect()
}

#[test]
fn commands_are_offered_at_the_start_of_a_line() {
    assert!(texts("").len() > 80);
    assert_eq!(texts("tabu"), ["tabulate", "tabulate-panel"]);
    let found = offered("create-d");
    assert_eq!(found[0].text, "create-dataset");
    assert_eq!(found[0].replace.column, 1);
    assert_eq!(texts("import-"), ["import-event", "import-panel"]);
}

#[test]
fn variables_of_the_active_dataset_are_offered() {
    assert_eq!(texts("summarize lø"), ["lønn"]);
    // Without Norwegian letters too.
    assert_eq!(texts("summarize loe"), ["lønn"]);
    assert!(texts("tabulate ").contains(&"kjønn".to_owned()));
    assert_eq!(texts("tabulate kjønn, summarize("), ["kjønn", "lønn"]);
    assert!(texts("keep if lø").contains(&"lønn".to_owned()));
    assert!(texts("generate x = rou").contains(&"round()".to_owned()));
}

#[test]
fn options_datasets_bindings_and_stores_are_offered() {
    assert_eq!(texts("tabulate kjønn, row"), ["rowpct", "rows()", "rowsort()"]);
    assert_eq!(texts("use f"), ["folk"]);
    assert_eq!(texts("generate x = $å"), ["$år"]);
    assert_eq!(texts("generate x = $"), ["$år"]);
    assert_eq!(texts("require no."), ["no.fhi.npr", "no.ssb.fdb"]);
    assert_eq!(texts("barchart (me"), ["mean", "median"]);
    assert_eq!(texts("import "), ["db/"]);
}

#[test]
fn register_variables_are_found_by_name_and_title() {
    assert!(texts("import db/BEFOLKNING_KJ").contains(&"BEFOLKNING_KJOENN".to_owned()));
    let by_title = offered("import db/lønnsinn");
    assert!(by_title.iter().any(|c| c.text == "INNTEKT_WLONN"), "{by_title:?}");
    assert_eq!(by_title[0].detail.text(Language::Nb), "Lønnsinntekter");
}

#[test]
fn lang_341_codes_are_offered_with_labels() {
    let found = offered("keep if kjønn == ");
    assert_eq!(found[0].text, "'1'");
    assert_eq!(found[0].detail.text(Language::Nb), "Mann");
    assert_eq!(texts("recode kjønn (")[..2], ["'1'", "'2'"]);
}

#[test]
fn nothing_is_offered_in_comments_and_texts_blocks() {
    assert!(texts("// tab").is_empty());
    assert!(texts("textblock\ntab\nendblock").is_empty());
}

#[test]
fn every_token_has_a_class() {
    let source = "import db/X 2020-01-01 as x // c\nkeep if round(x) == '1', freq\nblurb $y 2z\n";
    let classes: Vec<(String, TokenClass)> =
        highlight(source).into_iter().map(|(span, class)| (span.text(source).to_owned(), class)).collect();
    let class = |text: &str| classes.iter().find(|(t, _)| t == text).unwrap_or_else(|| panic!("{text}: {classes:?}")).1;
    assert_eq!(class("import"), TokenClass::Command);
    assert_eq!(class("db"), TokenClass::Register);
    assert_eq!(class("X"), TokenClass::Register);
    assert_eq!(class("as"), TokenClass::Keyword);
    assert_eq!(class("// c"), TokenClass::Comment);
    assert_eq!(class("if"), TokenClass::Keyword);
    assert_eq!(class("round"), TokenClass::Function);
    assert_eq!(class("'1'"), TokenClass::Text);
    assert_eq!(class("freq"), TokenClass::Option);
    assert_eq!(class("blurb"), TokenClass::Error);
    assert_eq!(class("$y"), TokenClass::Binding);
    assert_eq!(class("2z"), TokenClass::Error);
    assert_eq!(class("2020"), TokenClass::Number);
}

#[test]
fn words_explain_themselves() {
    let source = format!("{HEAD}generate x = round(lønn) + $år\ncreate-dataset to\n");
    let registers = Registers::read();
    let at =
        |line: u32, column: u32| hover(&source, line, column, &registers).map(|h| h.text.text(Language::Nb).to_owned());
    assert!(at(6, 1).unwrap().contains("Lager en ny variabel."));
    assert!(at(6, 15).unwrap().starts_with("round(x[, u])\nAvrunder"));
    assert_eq!(at(6, 20).unwrap(), "lønn: heltall");
    assert_eq!(at(6, 29).unwrap(), "$år = 2020");
    assert!(at(4, 12).unwrap().contains("Lønnsinntekter"));
    assert!(at(7, 10).unwrap().starts_with("create-dataset D"));
    assert!(at(3, 32).is_none());
    assert_eq!(at(6, 10), None);
}

#[test]
fn options_explain_themselves() {
    let source = format!("{HEAD}tabulate lønn, rowpct\n");
    let text = hover(&source, 6, 17, &Registers::read()).unwrap().text;
    assert_eq!(text.text(Language::En), "rowpct\nPercent of the row total.");
}

#[test]
fn commands_are_offered_by_what_stands_before_the_place() {
    let offered = script::complete("create-dataset d\n/* x */ summarise a\n", 2, 12, &Registers::read());
    assert!(offered.iter().any(|c| c.text == "summarize"), "{:?}", offered.iter().map(|c| &c.text).collect::<Vec<_>>());
}
