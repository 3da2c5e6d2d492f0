//! The language never panics, whatever it is given, and its three ways from text to text agree: reading what was
//! unparsed gives the same tree (LANG-023), formatting changes no tree and formatting twice changes nothing (LANG-345).
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "robust/fuzz.rs"]
mod fuzz;

use std::sync::OnceLock;

use common::{Registers, folder};
use proptest::prelude::*;
use script::{NoCatalogue, Settings, compile, complete, format, highlight, hover, parse, unparse};

fn scripts() -> &'static [String] {
    static SCRIPTS: OnceLock<Vec<String>> = OnceLock::new();
    SCRIPTS.get_or_init(|| {
        let mut files: Vec<_> =
            std::fs::read_dir(folder().join("scripts")).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        files.retain(|f| f.extension().is_some_and(|e| e == "mdata"));
        files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect()
    })
}

fn registers() -> &'static Registers {
    static REGISTERS: OnceLock<Registers> = OnceLock::new();
    REGISTERS.get_or_init(Registers::read)
}

/// Everything that can be done with a text.
fn use_all(source: &str) {
    let checked = compile(source, registers(), &Settings::default());
    for d in &checked.diagnostics {
        assert!(d.span.start <= d.span.end && d.span.end <= source.len(), "{d:?}");
        assert!(source.is_char_boundary(d.span.start) && source.is_char_boundary(d.span.end), "{d:?}");
        assert!(d.span.line >= 1 && d.span.column >= 1, "{d:?}");
        assert!(d.message.0.values().all(|text| !text.is_empty()), "{d:?}");
    }
    compile(source, &NoCatalogue, &Settings::default());
    let mut end = 0;
    for (span, _) in highlight(source) {
        assert!(span.start >= end, "classes overlap in {source:?}");
        end = span.end;
    }
    round_trip(source);
}

/// LANG-023 and LANG-345 for scripts without syntax error.
fn round_trip(source: &str) {
    let parsed = parse(source);
    let Ok(formatted) = format(source) else {
        assert!(parsed.has_errors());
        return;
    };
    let canonical = unparse(&parsed.script);
    let again = parse(&canonical);
    assert!(!again.has_errors(), "{canonical}\n{:?}", again.diagnostics);
    assert_eq!(again.script, parsed.script, "{canonical}");
    assert_eq!(unparse(&again.script), canonical);
    assert_eq!(parse(&formatted).script, parsed.script, "{formatted}");
    assert_eq!(format(&formatted).unwrap(), formatted, "formatting twice");
}

#[test]
fn lang_023_lang_345_the_conformance_scripts_survive_every_way() {
    for source in scripts() {
        use_all(source);
    }
}

/// Texts that a long fuzz run found.
#[test]
fn lang_250_what_a_long_run_found() {
    for text in [
        "import db/BEFOLKNING_STATUSKODE da/($år) as status",
        "import-panel db/A db/B (r) pred 2018-12-31",
        "import-panel db/A (r ++ $x) 2018-12-31",
    ] {
        use_all(text);
        assert!(!parse(text).has_errors(), "{text}");
    }
}

#[test]
fn completion_and_hover_work_at_every_place_of_every_script() {
    for source in scripts().iter().filter(|s| s.len() < 600) {
        for (line, text) in source.lines().enumerate() {
            for column in 0..=text.chars().count() {
                let (line, column) = (line as u32 + 1, column as u32 + 1);
                complete(source, line, column, &NoCatalogue);
                hover(source, line, column, &NoCatalogue);
            }
        }
    }
}

/// Depth is bounded, so that no text can exhaust the stack (language.md section 11).
#[test]
fn lang_250_deep_and_long_texts_are_refused_or_read_but_never_crash() {
    let many = 20_000;
    let nested = |n: usize| format!("let x = {}1{}", "(".repeat(n), ")".repeat(n));
    let mixed = |n: usize| format!("let x = {}1{}", "abs(1 + 2 * -".repeat(n), ")".repeat(n));
    for source in [
        nested(many),
        nested(200),
        mixed(190),
        mixed(many),
        format!("let x = {}1", "-".repeat(many)),
        format!("let x = {}1", "2 ^ ".repeat(many)),
        format!("let x = 1{}", " + 1".repeat(many)),
        format!("let x = 1{}", " + 1".repeat(390)),
        format!("let x = a{}", " ++ a".repeat(many)),
        format!("generate x = {}1{}", "(1 | (2 & (3 == (4 + (5 * ".repeat(39), ")))))".repeat(39)),
        format!("import a/B, {}", "harmonise(".repeat(many)),
        "for a in 1 2\n".repeat(many),
        format!("{}{}", "for a in 1 2\n".repeat(16), "end\n".repeat(16)),
        "for a in 1 : 9999999999\nend\n".to_owned(),
        "let s = 'aaaaaaaaaaaaaaaa'\nfor a in 1 : 90000\nlet s = $s ++ $s\nend\n".to_owned(),
        "/*".repeat(many),
        "\\".repeat(many),
        "'".repeat(many),
    ] {
        use_all(&source);
    }
}

/// No timing is asserted; a parser that is not linear makes this test stand out.
#[test]
fn lang_250_a_hundred_thousand_lines_are_read() {
    let parsed = parse(&"generate x = 1 + 2\n".repeat(100_000));
    assert!(parsed.diagnostics.is_empty());
    assert_eq!(parsed.script.statements.len(), 100_000);
}

#[test]
fn lang_250_a_hundred_thousand_errors_are_told() {
    let parsed = parse(&"summarise lønn\n".repeat(100_000));
    assert_eq!(parsed.diagnostics.len(), 100_000);
    assert_eq!(parsed.diagnostics[99_999].span.line, 100_000);
}

const VOCABULARY: &[&str] = &[
    "require",
    "import",
    "import-event",
    "import-panel",
    "generate",
    "replace",
    "recode",
    "tabulate",
    "summarize",
    "barchart",
    "collapse",
    "aggregate",
    "merge",
    "keep",
    "drop",
    "let",
    "for",
    "end",
    "if",
    "as",
    "in",
    "into",
    "on",
    "to",
    "regress",
    "ivregress",
    "oaxaca",
    "coefplot",
    "define-labels",
    "clone-variables",
    "sample",
    "configure",
    "strict",
    "lønn",
    "kjønn",
    "x",
    "db",
    "db/INNTEKT_WLONN",
    "no.ssb.fdb:38",
    "START@x",
    "date@panel",
    "$x",
    "i.",
    "c.",
    "2020-01-01",
    "1",
    "2.5",
    "007",
    "'tekst'",
    "\"a'b\"",
    ".",
    "(",
    ")",
    ",",
    ";",
    ":",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "&",
    "|",
    "+",
    "-",
    "*",
    "/",
    "^",
    "!",
    "++",
    "->",
    "#",
    "##",
    "\\\n",
    "\n",
    "\r\n",
    "// c",
    "/* b */",
    "textblock\n",
    "endblock\n",
    "by(",
    "over(",
    "missing",
    "freq",
    "rowpct",
    "(mean)",
    "(count)",
    "abs(",
    "substr(",
    "sysmiss(",
    "min",
    "max",
    "å\u{30a}",
    "\u{a0}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(source in "(?s).{0,200}") {
        use_all(&source);
    }

    #[test]
    fn any_row_of_words_is_survived(words in prop::collection::vec((prop::sample::select(VOCABULARY), any::<bool>()), 0..40)) {
        let source: String = words.iter().map(|(w, blank)| if *blank { format!("{w} ") } else { (*w).to_owned() }).collect();
        use_all(&source);
    }

    #[test]
    fn damaged_scripts_are_survived(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(VOCABULARY), 0u8..3), 1..6),
    ) {
        let mut letters: Vec<char> = which.get(scripts()).chars().collect();
        for (place, word, how) in cuts {
            let at = place.index(letters.len().max(1)).min(letters.len());
            match how {
                0 => drop(letters.splice(at..at, word.chars())),
                1 => drop(letters.drain(at..(at + 1).min(letters.len()))),
                _ => letters.truncate(at.max(letters.len() / 2)),
            }
        }
        let source: String = letters.into_iter().collect();
        use_all(&source);
    }
}
