//! SDC-181: what a refusal says depends on its code and on the script alone. For every reason, several scripts of equal length are
//! refused (or get hidden numbers) for different causes and behind different true counts, nobody among them; diagnostics,
//! documents, and the size of the sealed document must not tell them apart.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::common::runner;
use disclosure::{MemoryLedger, Output, Reason};
use explore::{Job, Ran, Switch};
use kernel::Language;

const HEAD: &str = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOENN as sex\nimport db/STED as place\n\
                    import db/INNTEKT 2020-06-01 as inc\n";

/// A refusal: its reason, a script with a gap, and what stands in the gap. Of incomes there are 1000, 1173 … 1 038 827, one person
/// each; so more than 1 038 300 have four persons, more than 1 039 999 nobody.
type Case = (Reason, &'static str, &'static [&'static str]);

/// Thresholds above which there are nobody, two, four, eleven and 52 persons.
const FEW: &[&str] = &["1039999", "1038500", "1038300", "1037000", "1030000"];
/// The same, up to four.
const LEAST: &[&str] = &["1039999", "1038500", "1038300"];

const STOPPED: &[Case] = &[
    (Reason::Floor, "keep if inc > #\n", &["1039999", "1038500", "1038300", "1030000", "1000000"]),
    (Reason::Floor, "drop if inc < #\n", &["1039999", "1038500", "1038300", "1030000", "1000000"]),
    (Reason::Edit, "generate z = 1\nreplace z = 2 if inc > #\n", LEAST),
    (Reason::Edit, "generate z = 2 if inc > #\n", LEAST),
    (
        Reason::Sparse,
        "generate z = int(inc / 9999)\ngenerate w = inc - # * int(inc / #)\ntabulate z w\n",
        &["83", "89", "97"],
    ),
    (Reason::ModelSize, "regress inc i.sex if inc > #\n", FEW),
    (Reason::ModelTerm, "generate t = inc > #\nregress inc t\n", LEAST),
    (Reason::ModelTerm, "generate t = inc > #\ngenerate odd = sex == '1'\nlogit odd t inc\n", LEAST),
    (Reason::ModelFit, "generate y = inc > #\nlogit y inc\n", &["0300000", "0500000", "0700000"]),
    (
        Reason::Groups,
        "generate g = inc > #\nregress inc i.sex, cluster(g)\n",
        &["1039999", "1038500", "1038300", "0500000"],
    ),
    (Reason::Survival, "generate y = inc > #\ngenerate time = 1 + int(inc / 100000)\nkaplan-meier y time\n", LEAST),
    (
        Reason::Survival,
        "generate y = inc > 500000\ngenerate time = 1 + int(inc / 100000)\nkaplan-meier y time if inc > #\n",
        LEAST,
    ),
];

/// Statements that are carried out, with hidden numbers only, or that have too few persons left for anything.
const HIDDEN: &[(&str, &[&str])] = &[
    ("tabulate sex if inc > #\n", LEAST),
    ("tabulate sex place if inc > #\n", LEAST),
    ("tabulate sex if inc > #, summarize(inc) mean std sum\n", LEAST),
    ("summarize inc if inc > #\n", LEAST),
    ("barchart (count) sex if inc > #\n", LEAST),
];

/// Everything that a run tells, without what follows from the words of the script: the words themselves and digests.
fn told(ran: &Ran, filled: &str) -> (String, usize) {
    let text = format!(
        "{}\n{}",
        serde_json::to_string(&ran.released).unwrap(),
        serde_json::to_string(&ran.diagnostics).unwrap()
    );
    let mut plain = String::new();
    let mut word = String::new();
    let end = |word: &mut String, plain: &mut String| {
        let digest = word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit());
        plain.push_str(if digest { "digest" } else { word });
        word.clear();
    };
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            end(&mut word, &mut plain);
            plain.push(c);
        }
    }
    end(&mut word, &mut plain);
    (plain.replace(filled, "#"), ran.document.to_bytes().len())
}

/// What the scripts of a case are told, each by a gate that knows nothing yet and by one that knows the others.
async fn all_told(text: &str, filled: &[&str], judge: impl Fn(&Ran)) -> Vec<(String, usize)> {
    let zone = testkit::zone("data").await;
    let mut all = Vec::new();
    for shared in [false, true] {
        let mut one = runner(&zone, Box::new(MemoryLedger::new()));
        for filled in filled {
            if !shared {
                one = runner(&zone, Box::new(MemoryLedger::new()));
            }
            let script = format!("{HEAD}{}", text.replace('#', filled));
            let ran = one.run(&Job::new("r", "a", &script, Language::En), &Switch::default()).unwrap();
            judge(&ran);
            all.push(told(&ran, filled));
        }
    }
    all
}

/// SDC-181: status, wording, shape and length of a refusal are the same for every cause within a code.
#[tokio::test]
async fn sdc_181_a_refusal_says_the_same_whatever_caused_it() {
    for (reason, text, filled) in STOPPED {
        let all = all_told(text, filled, |ran| {
            let errors: Vec<_> = ran.diagnostics.iter().filter(|d| d.is_error()).collect();
            assert_eq!(errors.len(), 1, "{text}: {errors:?}");
            assert_eq!(errors[0].code.as_str(), reason.diagnostic(), "{text}: {errors:?}");
            assert_eq!(errors[0].message.text(Language::En), reason.text(Language::En), "{text}");
        });
        let all = all.await;
        for (one, filled) in all.iter().zip(filled.iter().cycle()) {
            assert_eq!(*one, all[0], "{text} with {filled}");
        }
    }
}

/// Whether an output has no number of what was asked for.
fn nothing_shown(output: &Output) -> bool {
    match output {
        Output::Table(table) => table.cells.iter().all(|cell| cell.count.number().is_none()),
        Output::Summary(summary) => summary.rows.iter().all(|row| row.n.number().is_none()),
        _ => true,
    }
}

/// SDC-043, SDC-181: hidden numbers say nothing of how many are behind them, and nobody is not told from a few.
#[tokio::test]
async fn sdc_181_hidden_numbers_say_the_same_whatever_is_behind_them() {
    for (text, filled) in HIDDEN {
        let all = all_told(text, filled, |ran| {
            assert!(ran.released.results.iter().all(|entry| entry.output().is_none_or(nothing_shown)), "{text}");
        })
        .await;
        for (one, filled) in all.iter().zip(filled.iter().cycle()) {
            assert_eq!(*one, all[0], "{text} with {filled}");
        }
    }
}

/// SDC-003, SDC-181: a reason has one text and one remedy in every language, and no text has room for a number but the
/// limits that the policy fixes.
#[test]
fn sdc_181_texts_have_no_room_for_counts() {
    for reason in Reason::ALL {
        for language in Language::ALL {
            for text in [reason.text(language), reason.remedy().text(language)] {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                assert!(digits.is_empty() || (reason == Reason::Floor && digits == "1000"), "{text}");
                assert!(!text.contains(['{', '}', '%']), "{text}");
            }
        }
    }
}
