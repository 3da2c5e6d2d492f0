//! Attacks on what is not a number: small populations (A9), what a refusal or a hidden cell tells (A11), hidden cells from
//! their margins (A12), and everything beside the numbers (A13).

use std::collections::HashMap;

use super::Failure;
use super::answer::{Answer, Answers, Told};
use super::counts::ACCOUNTS;
use super::register::{COLUMNS, Dice, PRELUDE, Register};

/// A9: scripts that lead to fewer than a thousand persons, or edit fewer than ten.
pub fn small_populations(register: &Register, dice: &mut Dice, number: usize) -> Vec<String> {
    let list = |dice: &mut Dice, n: u64| {
        let numbers: Vec<String> = (0..n).map(|_| dice.below(register.persons.len() as u64).to_string()).collect();
        format!("inlist(nr, {})", numbers.join(", "))
    };
    (0..number)
        .map(|i| {
            let way = match i % 10 {
                0 => {
                    let n = 1 + dice.below(200);
                    format!("keep if {}\n", list(dice, n))
                }
                1 => format!("drop if nr >= {}\n", 5 + dice.below(900)),
                2 => "keep if region == '8'\nkeep if education == '5'\nkeep if age == '6'\nkeep if sex == '2'\n"
                    .to_owned(),
                3 => format!("clone-dataset d e\nuse e\nkeep if nr < {}\n", 1 + dice.below(900)),
                4 => format!("keep if nr < 5000\nkeep if nr > {}\n", 4100 + dice.below(890)),
                5 => {
                    let n = 1 + dice.below(4);
                    format!("replace income = 0 if {}\n", list(dice, n))
                }
                6 => format!("generate z = 1 if nr < {}\n", 1 + dice.below(4)),
                7 => format!("generate z = nr < {}\nrecode z (1 = 7)\n", 1 + dice.below(4)),
                8 => format!("create-dataset e\nimport r/NUMBER as k\nkeep if k < {}\n", 1 + dice.below(900)),
                _ => format!("keep if nr > {}\ncollapse (mean) income, by(sex)\n", 19_100 + dice.below(800)),
            };
            format!("{PRELUDE}{way}")
        })
        .collect()
}

/// Whether the gate refused.
pub fn refused(answers: &Answers) -> bool {
    answers.codes.iter().any(|code| code.starts_with("E4"))
}

/// A script about one person, by name.
pub type Probe = (&'static str, fn(u32, &str) -> String);

/// Scripts whose answer could depend on the secret of the person with this number; the text is a filter on her region.
pub const PROBES: [Probe; 11] = [
    ("her own table", |nr, _| format!("tabulate s if nr == {nr}\n")),
    ("her region if she has it", |nr, _| format!("tabulate region if s == '1' & nr == {nr}\n")),
    ("two variables of hers", |nr, _| format!("tabulate region s if nr == {nr}\n")),
    ("she and all who have it not", |nr, region| format!("tabulate s if {region} & (s == '0' | nr == {nr})\n")),
    ("edit that leaves her", |nr, _| format!("generate z = nr == {nr} & s == '1'\nreplace z = 5 if z == 0\n")),
    ("edit that touches her", |nr, _| format!("generate z = nr == {nr} & s == '1'\nreplace z = 5 if z == 1\n")),
    ("recode that leaves her", |nr, _| format!("generate z = nr == {nr} & s == '1'\nrecode z (0 = 5)\n")),
    ("population of her", |nr, _| format!("keep if s == '1' & nr == {nr}\n")),
    ("her income if she has it", |nr, _| format!("summarize income if s == '1' & nr == {nr}\n")),
    ("bars of her", |nr, _| format!("barchart (count) s if nr == {nr}\n")),
    ("sparse or not", |nr, region| {
        format!("generate z = 2\nreplace z = 1 if {region}\nreplace z = 3 if nr == {nr} & s == '1'\ntabulate z\n")
    }),
];

/// A11: the outcome of a probe as an analyst can tell it from others, its numbers left out.
pub fn outcome(answers: &Answers) -> String {
    let shape = |told: &Told| {
        let pattern: String = told
            .counts
            .iter()
            .chain(&told.values)
            .map(|v| match v {
                None => '.',
                Some(0.0) => '0',
                Some(_) => 'n',
            })
            .collect();
        let sizes: Vec<usize> = told.codes.iter().map(Vec::len).collect();
        format!("{sizes:?}{pattern}")
    };
    let shapes: Vec<String> = answers.told.iter().map(shape).collect();
    // The text of a document is as long as its numbers; what is left of its length is told by the shapes and the words.
    format!("{:?}{shapes:?}{}", answers.codes, answers.text)
}

/// Whether the target has the secret, what was answered, and the seconds that it took.
pub type Case = (bool, String, f64);

/// The outcomes of every probe for every target, with the secret, and the seconds that it took: one pair of cases for each
/// target, of which one side is a register where her secret is turned.
pub fn probe(
    (answer, register): (&dyn Answer, &Register),
    (other, turned): (&dyn Answer, &Register),
    targets: &[usize],
) -> Result<Vec<Vec<[Case; 2]>>, Failure> {
    let mut out = vec![Vec::new(); PROBES.len()];
    for (i, target) in targets.iter().enumerate() {
        let case = |answer: &dyn Answer, register: &Register, (_, script): Probe| -> Result<Case, Failure> {
            let person = &register.persons[*target];
            let region = format!("region == '{}'", person.attributes[0]);
            let answers = answer.ask(ACCOUNTS[i % 4], &format!("{PRELUDE}{}", script(person.number, &region)))?;
            Ok((person.secret, outcome(&answers), answers.seconds))
        };
        for (slot, probe) in out.iter_mut().zip(PROBES) {
            slot.push([case(answer, register, probe)?, case(other, turned, probe)?]);
        }
    }
    Ok(out)
}

/// The area under the curve of a classifier that learns from every other pair how often an outcome goes with the secret.
pub fn area_of_outcomes(pairs: &[[Case; 2]]) -> f64 {
    let mut seen: HashMap<&str, [f64; 2]> = HashMap::new();
    for (secret, outcome, _) in pairs.iter().step_by(2).flatten() {
        seen.entry(outcome).or_insert([1.0; 2])[usize::from(*secret)] += 1.0;
    }
    let score = |outcome: &str| seen.get(outcome).map_or(0.5, |[without, with]| with / (with + without));
    let others = pairs.iter().skip(1).step_by(2).flatten();
    area(others.map(|(secret, outcome, _)| (*secret, score(outcome))).collect())
}

/// The same for the time alone, whichever way round.
pub fn area_of_times(pairs: &[[Case; 2]]) -> f64 {
    // The first ones warm up.
    let area = area(pairs.iter().skip(2).flatten().map(|(secret, _, seconds)| (*secret, *seconds)).collect());
    area.max(1.0 - area)
}

fn area(scores: Vec<(bool, f64)>) -> f64 {
    let of = |class: bool| scores.iter().filter(move |(secret, _)| *secret == class).map(|(_, s)| *s);
    let (mut above, mut pairs) = (0.0, 0.0);
    for with in of(true) {
        for without in of(false) {
            pairs += 1.0;
            above += if with > without { 1.0 } else { 0.5 * f64::from(u8::from(with == without)) };
        }
    }
    if pairs == 0.0 { 0.5 } else { above / pairs }
}

/// A12: of the hidden cells of tables of two attributes the share whose true count the margins pin down: to an interval
/// narrower than a tenth of it. Every shown number is within `noise` of the truth.
pub fn pinned(answer: &dyn Answer, register: &Register, noise: f64) -> Result<(usize, usize), Failure> {
    let (mut hidden, mut found) = (0, 0);
    let text = |i: usize, code: u64| format!("{} == '{code}'", COLUMNS[i]);
    for (a, row) in COLUMNS.iter().enumerate() {
        for b in (0..5).filter(|b| *b != a) {
            let c = (0..5).find(|c| *c != a && *c != b).unwrap_or(0);
            for code in 1..=4 {
                let filter = format!("nr < 4000 & {}", text(c, code));
                let script = format!("{PRELUDE}tabulate {row} {} if {filter}\n", COLUMNS[b]);
                let answers = answer.ask("first", &script)?;
                let Some(told) = answers.told.first().filter(|t| t.codes.len() == 2) else { continue };
                let members = |x: &str, y: &str| {
                    let of = |attribute: usize, code: &str, p: &super::register::Person| {
                        code.is_empty() || p.attributes[attribute].to_string() == code
                    };
                    let here = register.persons.iter().filter(|p| p.number < 4000 && p.attributes[c] == code);
                    here.filter(|p| of(a, x, p) && of(b, y, p)).count() as f64
                };
                for (x, y) in inner(told) {
                    if told.count(&[x, y]).is_some() {
                        continue;
                    }
                    hidden += 1;
                    let (low, high) = bounds(told, x, y, noise);
                    let truth = members(x, y);
                    found += usize::from(truth > 0.0 && high - low < 0.1 * truth);
                }
            }
        }
    }
    Ok((found, hidden))
}

fn inner(told: &Told) -> Vec<(&str, &str)> {
    let pairs = told.codes[0].iter().flat_map(|x| told.codes[1].iter().map(move |y| (x.as_str(), y.as_str())));
    pairs.collect()
}

/// What a hidden cell may be, from its row and its column: total less the others, each as far off as the noise allows.
fn bounds(told: &Told, x: &str, y: &str, noise: f64) -> (f64, f64) {
    let most = 9.0 + noise;
    let mut range = (0.0f64, most);
    let row: Vec<Option<f64>> = told.codes[1].iter().filter(|o| *o != y).map(|o| told.count(&[x, o])).collect();
    let column: Vec<Option<f64>> = told.codes[0].iter().filter(|o| *o != x).map(|o| told.count(&[o, y])).collect();
    for (total, others) in [(told.count(&[x, ""]), row), (told.count(&["", y]), column)] {
        let Some(total) = total else { continue };
        let (mut low, mut high) = (total - noise, total + noise);
        for other in others {
            let (least, greatest) = other.map_or((0.0, most), |n| ((n - noise).max(0.0), n + noise));
            low -= greatest;
            high -= least;
        }
        range = (range.0.max(low), range.1.min(high));
    }
    range
}

/// A13: what tells something beside the numbers, in words; nothing is expected.
pub fn beside(answer: &dyn Answer, register: &Register, other: &dyn Answer) -> Result<Vec<String>, Failure> {
    let mut leaks = Vec::new();
    // Order: categories as the code list has them, whatever the data.
    let answers = answer.ask("first", &format!("{PRELUDE}tabulate region s\nsummarize income\n"))?;
    for codes in &answers.told[0].codes {
        let mut sorted = codes.clone();
        sorted.sort();
        if *codes != sorted {
            leaks.push("categories are not in the order of the code list".to_owned());
        }
    }
    // Extremes: no released number is the least or the greatest value.
    let incomes = || register.persons.iter().map(|p| p.income as f64);
    let (least, greatest) = (incomes().fold(f64::INFINITY, f64::min), incomes().fold(0.0, f64::max));
    if answers.told[1].values.iter().flatten().any(|v| *v <= least || *v >= greatest) {
        leaks.push("an extreme value is shown".to_owned());
    }
    // Errors: the same codes over a register of other people.
    for wrong in [
        "tabulate income\n",
        "tabulate nr\n",
        "tabulate unknown\n",
        "destring region\ntabulate region\n",
        "keep if nr < 0\n",
        "keep if nr < 3\n",
        "replace s = '1' if nr < 0\n",
        "replace s = '1' if nr < 3\n",
        "summarize income if nr < 0\n",
        "summarize income if nr < 3\n",
    ] {
        let script = format!("{PRELUDE}{wrong}");
        let (here, there) = (answer.ask("first", &script)?, other.ask("first", &script)?);
        if here.codes != there.codes || outcome(&here) != outcome(&there) {
            leaks.push(format!("the answer to `{}` depends on the data", wrong.trim()));
        }
    }
    // Nobody and a few: told apart by nothing.
    for command in ["tabulate s", "tabulate region s", "summarize income", "barchart (count) s"] {
        let of = |condition: &str| answer.ask("first", &format!("{PRELUDE}{command} if {condition}\n"));
        if outcome(&of("nr < 0")?) != outcome(&of("nr < 3")?) {
            leaks.push(format!("`{command}` tells nobody from a few"));
        }
    }
    Ok(leaks)
}
