//! Mutation fuzzing of population criteria (ACC-048): expressions with parts taken out, put in, repeated and crossed, through
//! parser, printer, check and meaning. `cargo xtask fuzz criteria --seconds N` goes on for longer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use kernel::Date;
use kernel::criteria::{
    Cell, Criteria, CriteriaError, Lookup, MAX_ATOMS, MAX_TEXT, NoHierarchy, PrefixHierarchy, VariableKind, nearest,
};

/// Cases of a run of the tests.
const CASES: u64 = 4_000;

/// A generator of pseudo-random numbers that is the same everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.roll(texts.len())]
    }
}

/// What the mutations begin with.
const SEEDS: [&str; 9] = [
    "npr.somatikk.hovedtilstand in ('I60'..'I64') and npr.somatikk.innDato between 2018-01-01 and 2024-12-31",
    "(npr.somatikk.hovedtilstand = 'I63' and npr.somatikk.innDato < 2018-01-01) and (npr.somatikk.hovedtilstand = 'J18')",
    "not (npr.somatikk.hovedtilstand not in ('I63', 'C00'..'C99') or dar.main.dodsdato is missing)",
    "lmr.main.antall >= -3.25 or lmr.main.antall != 12 and not not lmr.main.antall is missing",
    "dar.main.dodsdato between 2000-02-29 and 2001-01-01",
    "npr.somatikk.hovedtilstand = 'O''Hara''s' or lmr.main.antall in (1, 2..3, -4..-1)",
    "a.b = 1 or c.d = 2 or e.f = 3 or g.h = 4 or i.j = 5 or k.l = 6 or m.n = 7",
    "((((((((((a.b = 1))))))))))",
    "not not not not not not not a.b is missing",
];

/// What is put in besides parts of other expressions.
const PIECES: [&str; 44] = [
    " and ",
    " or ",
    " not ",
    "in",
    "between",
    " is missing",
    "(",
    ")",
    "((((((((",
    "))))))))",
    ",",
    "..",
    "...",
    ".",
    "=",
    "!=",
    "<=",
    ">=",
    "<",
    ">",
    "!",
    "'",
    "''",
    "'I63'",
    "'æøå\u{1f600}'",
    "2020-02-30",
    "2020-02-29",
    "0000-00-00",
    "9999-12-31",
    "-1",
    "--1",
    "1e309",
    "99999999999999999999999999",
    "0.0000000000000001",
    "a.b",
    "a..b",
    "a.b-c",
    "npr.somatikk.innDato",
    "dar.main.dodsdato",
    "\n",
    "\u{a0}",
    "\u{0}",
    "\u{301}",
    "not not not not not not ",
];

fn stretch(dice: &mut Dice, text: &str) -> std::ops::Range<usize> {
    let at = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = at(dice.roll(text.len() + 1));
    let end = at((start + dice.roll(40)).min(text.len()));
    start..end.max(start)
}

fn mutated(dice: &mut Dice) -> String {
    let mut text = dice.of(&SEEDS).to_owned();
    for _ in 0..1 + dice.roll(6) {
        let at = stretch(dice, &text).start;
        match dice.roll(7) {
            0 => text.replace_range(stretch(dice, &text), ""),
            1 => {
                let copy = text[stretch(dice, &text)].to_owned();
                text.insert_str(at, &copy.repeat(1 + dice.roll(60)));
            }
            2 => {
                let other = dice.of(&SEEDS);
                text.insert_str(at, &other[stretch(dice, other)]);
            }
            3 => text = format!("({text}) {} ({})", dice.of(&["and", "or"]), dice.of(&SEEDS)),
            4 => text = format!("{}{text}{}", dice.of(&PIECES), dice.of(&PIECES)),
            5 => text.replace_range(stretch(dice, &text), dice.of(&PIECES)),
            _ => text.insert_str(at, dice.of(&PIECES)),
        }
    }
    text
}

struct Known;

impl Known {
    const IDS: [&str; 5] =
        ["npr.somatikk.hovedtilstand", "npr.somatikk.innDato", "dar.main.dodsdato", "lmr.main.antall", "a.b"];
}

impl Lookup for Known {
    fn kind(&self, variable: &str) -> Option<VariableKind> {
        Some(match Self::IDS.iter().position(|id| *id == variable)? {
            0 => VariableKind::Code,
            1 | 2 => VariableKind::Date,
            _ => VariableKind::Number,
        })
    }
    fn nearest(&self, variable: &str) -> Vec<String> {
        nearest(Self::IDS, variable, 3)
    }
}

/// A fault lies in the text and says what is wrong.
fn holds_fault(text: &str, fault: &CriteriaError) {
    assert!(fault.at <= text.chars().count(), "{fault:?}");
    assert!(!fault.message.is_empty() && fault.suggestions.len() <= 3, "{fault:?}");
}

fn cell(dice: &mut Dice) -> Cell<'static> {
    match dice.roll(6) {
        0 => Cell::Missing,
        1 => Cell::Number(dice.roll(20) as f64 - 5.0),
        2 => Cell::Date(Date::from_days(dice.roll(40_000) as i32)),
        3 => Cell::Text("I639"),
        4 => Cell::Text("C50"),
        _ => Cell::Text(""),
    }
}

/// Everything that can be done with a text; gives whether it is an expression.
fn use_all(dice: &mut Dice, text: &str) -> bool {
    let criteria = match Criteria::parse(text) {
        Ok(criteria) => criteria,
        Err(fault) => {
            holds_fault(text, &fault);
            return false;
        }
    };
    let atoms = criteria.atoms().len();
    assert!(text.len() <= MAX_TEXT && (1..=MAX_ATOMS).contains(&atoms));
    let printed = criteria.to_string();
    // What is printed may be a little longer than what was read (spaces, the sign of a number written in full).
    if printed.len() <= MAX_TEXT {
        let again = Criteria::parse(&printed).unwrap_or_else(|e| panic!("{printed}: {e}"));
        assert_eq!(again, criteria, "{printed}");
        assert_eq!(again.to_string(), printed);
    }
    if let Err(faults) = criteria.check(&Known) {
        faults.iter().for_each(|fault| holds_fault(text, fault));
    }
    let table = |variable: &str| variable.split('.').next().unwrap_or_default().to_owned();
    let persons = criteria.persons(&table);
    let named: usize = persons.rows().iter().map(|(_, test)| Criteria { root: (*test).clone() }.atoms().len()).sum();
    assert_eq!(named, atoms, "no condition is lost or asked twice: {printed}");
    for (table_of_row, test) in persons.rows() {
        assert!(Criteria { root: test.clone() }.variables().into_iter().all(|v| table(v) == table_of_row));
    }
    // A person with one row in each table: what the rows say together is what the expression says, since every group finds
    // the same row (`not` is of the row then, not of the person).
    let values: Vec<(String, Cell<'_>)> =
        criteria.variables().into_iter().map(|variable| (variable.to_owned(), cell(dice))).collect();
    let row = |variable: &str| values.iter().find(|(v, _)| v == variable).map_or(Cell::Missing, |(_, c)| *c);
    let whole = criteria.root.matches(&row, &PrefixHierarchy);
    assert_eq!(persons.holds(&mut |_, test| test.matches(&row, &PrefixHierarchy)), whole, "{printed} {values:?}");
    criteria.root.matches(&row, &NoHierarchy);
    true
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn acc_048_fuzz_criteria() {
    let seed = setting("HAP_FUZZ_SEED").unwrap_or(1);
    let time = setting("HAP_FUZZ_SECONDS").map(Duration::from_secs);
    let started = Instant::now();
    let (mut cases, mut read) = (0, 0u64);
    while time.map_or(cases < CASES, |time| started.elapsed() < time) {
        let number = seed.wrapping_add(cases);
        let mut dice = Dice(number);
        let text = mutated(&mut dice);
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| use_all(&mut dice, &text)));
        assert!(tried.is_ok(), "seed {number}:\n{text}");
        read += u64::from(tried.is_ok_and(|read| read));
        cases += 1;
    }
    assert!(read * 20 > cases, "{read} of {cases} texts are expressions");
    println!("{cases} texts, {read} expressions");
}
