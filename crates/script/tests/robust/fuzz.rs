//! Mutation fuzzing (LANG-250): conformance scripts with parts taken out, put in, repeated and crossed, through lexer,
//! parser, checker, formatter and the editor's functions. `cargo xtask fuzz script --seconds N` goes on for longer.

use std::time::{Duration, Instant};

use script::{COMMANDS, FUNCTIONS, NoCatalogue, complete, format, hover};

use super::{registers, scripts, use_all};

/// Cases of a run of the tests.
const CASES: u64 = 1500;

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

/// What is put in besides parts of other scripts.
const PIECES: [&str; 40] = [
    "\n",
    "\\\n",
    "\r",
    "//",
    "/*",
    "*/",
    "#",
    "'",
    "\"",
    "textblock\n",
    "endblock\n",
    "for i in 1 : 3\n",
    "end\n",
    "let ",
    "$",
    "$i",
    "++",
    "->",
    "==",
    "&",
    "|",
    "^",
    "!",
    "-",
    "(",
    ")",
    ",",
    ".",
    "/",
    ":",
    ";",
    " if ",
    " by(",
    "@",
    "START@x",
    "2020-02-30",
    "99999999999999999999",
    "0.000000000000000001",
    "æøå",
    "\u{301}\u{feff}\u{0}\u{1f600}",
];

/// A place between two characters.
fn place(dice: &mut Dice, text: &str) -> usize {
    let mut at = dice.roll(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A stretch of a text: some characters, or some lines.
fn stretch(dice: &mut Dice, text: &str) -> std::ops::Range<usize> {
    let start = place(dice, text);
    if dice.roll(2) == 0 {
        let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let lines = 1 + dice.roll(4);
        let end = text[start..].match_indices('\n').nth(lines - 1).map_or(text.len(), |(at, _)| start + at + 1);
        return start..end;
    }
    let mut end = (start + dice.roll(20)).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn mutated(dice: &mut Dice) -> String {
    let mut text = scripts()[dice.roll(scripts().len())].clone();
    for _ in 0..1 + dice.roll(6) {
        let at = place(dice, &text);
        match dice.roll(8) {
            0 => text.replace_range(stretch(dice, &text), ""),
            1 => {
                let copy = text[stretch(dice, &text)].to_owned();
                text.insert_str(at, &copy.repeat(1 + dice.roll(3)));
            }
            2 => {
                let other = &scripts()[dice.roll(scripts().len())];
                text.insert_str(at, &other[stretch(dice, other)]);
            }
            3 => text.insert_str(at, COMMANDS[dice.roll(COMMANDS.len())].word),
            4 => text.insert_str(at, &format!("{}(", FUNCTIONS[dice.roll(FUNCTIONS.len())].name)),
            5 => {
                let command = &COMMANDS[dice.roll(COMMANDS.len())];
                if let Some(option) = command.options.get(dice.roll(command.options.len())) {
                    text.insert_str(at, &format!(", {}(", option.name));
                }
            }
            6 => text.replace_range(stretch(dice, &text), dice.of(&PIECES)),
            _ => text.insert_str(at, dice.of(&PIECES)),
        }
    }
    text
}

/// Everything on one text; what the editor asks for at a few places of it.
fn try_all(dice: &mut Dice, text: &str) {
    use_all(text);
    for _ in 0..3 {
        let lines = text.lines().count();
        let (line, column) = (dice.roll(lines + 2) as u32, dice.roll(90) as u32);
        complete(text, line, column, registers());
        hover(text, line, column, registers());
        complete(text, line, column, &NoCatalogue);
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// LANG-023, LANG-250, LANG-345.
#[test]
fn lang_250_fuzz_script() {
    let seed = setting("HAP_FUZZ_SEED").unwrap_or(1);
    let time = setting("HAP_FUZZ_SECONDS").map(Duration::from_secs);
    let started = Instant::now();
    let mut cases = 0;
    while time.map_or(cases < CASES, |time| started.elapsed() < time) {
        let mut dice = Dice(seed.wrapping_add(cases));
        let text = mutated(&mut dice);
        let begun = Instant::now();
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| try_all(&mut dice, &text)));
        assert!(tried.is_ok(), "seed {}:\n{text}", seed.wrapping_add(cases));
        // Of the long run alone: there nothing else is asked of the machine, and a text that takes this long stands out.
        let limit = Duration::from_secs(5 + text.len() as u64 / 2_000);
        assert!(time.is_none() || begun.elapsed() < limit, "seed {} takes long:\n{text}", seed.wrapping_add(cases));
        cases += 1;
    }
    // Something is still valid after such changes, or the formatter was never tried.
    let valid = (0..CASES).filter(|c| format(&mutated(&mut Dice(seed.wrapping_add(*c)))).is_ok()).count();
    assert!(valid > 10, "{valid} of {CASES} texts are valid");
    println!("{cases} texts");
}
