//! Attacks by values that a group carries (A15): what `aggregate` gives to many persons at once can be read as a category or
//! under a condition, so a value that one person decides would be told by all of them.

use super::Failure;
use super::answer::{Answer, Answers};
use super::counts::ACCOUNTS;
use super::register::{COLUMNS, Dice, PRELUDE, Register};
use super::score::Guesses;

/// Persons whose secret and income the attacker knows, in a group with the target.
const KNOWN: usize = 12;

/// What the group is given, how many of the known persons have the secret, and from which value on the target would have it.
pub const CARRIED: [(&str, usize, f64); 5] = [
    ("max", 0, 0.5),
    ("sum", 0, 0.5),
    ("mean", 0, 0.5 / (KNOWN + 1) as f64),
    ("count", KNOWN, KNOWN as f64 + 0.5),
    ("mean", KNOWN / 2, ((KNOWN / 2) as f64 + 0.5) / (KNOWN + 1) as f64),
];

/// How the value of the group is read: as a category, which no limit of a register clips.
const READ: &str = "generate k = int(m * 1000)\ntabulate k if g == 1\n";

fn read(answers: &Answers) -> Option<f64> {
    let code = answers.told.last()?.codes.first()?.first()?;
    Some(code.parse::<f64>().ok()? / 1000.0)
}

/// A group of the target and persons that the attacker knows.
struct Company {
    /// A condition that holds for them alone.
    filter: String,
    /// What the others earn together.
    incomes: f64,
}

fn company(register: &Register, target: usize, have_it: usize, dice: &mut Dice) -> Company {
    let mut others: Vec<usize> = Vec::with_capacity(KNOWN);
    while others.len() < KNOWN {
        let one = dice.below(register.persons.len() as u64) as usize;
        let secret = others.len() < have_it;
        if one != target && register.persons[one].secret == secret && !others.contains(&one) {
            others.push(one);
        }
    }
    let numbers: Vec<String> =
        others.iter().chain([&target]).map(|i| register.persons[*i].number.to_string()).collect();
    let incomes = others.iter().map(|i| register.persons[*i].income as f64).sum();
    Company { filter: format!("inlist(nr, {})", numbers.join(", ")), incomes }
}

/// The secret of the target, carried by all of her group: guessed from the value, from whether it is shown, and the other way
/// round.
pub fn secrets(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
) -> Result<Vec<[Guesses; 4]>, Failure> {
    let mut dice = Dice::new(seed ^ 0xa15);
    let mut out = vec![[Guesses::default(); 4]; CARRIED.len()];
    for (i, target) in targets.iter().enumerate() {
        for (slot, (statistic, have_it, limit)) in out.iter_mut().zip(CARRIED) {
            let Company { filter, .. } = company(register, *target, have_it, &mut dice);
            // Counted are those with a value; of the other statistics everybody has one.
            let others = if statistic == "count" { "" } else { "replace z = 0 if s == '0'\n" };
            let script = format!(
                "{PRELUDE}generate z = 1.5 / 1.5 if s == '1'\n{others}generate g = 0\nreplace g = 1 if {filter}\n\
                 aggregate ({statistic}) z -> m, by(g)\n{READ}"
            );
            let told = read(&answer.ask(ACCOUNTS[i % 4], &script)?);
            let above = told.is_some_and(|value| value > limit);
            let guesses = [above, !above, told.is_none(), told.is_some()];
            slot.iter_mut().zip(guesses).for_each(|(slot, guess)| slot.add(register.persons[*target].secret, guess));
        }
    }
    Ok(out)
}

/// The income of the target: what her group has together, less what is known; whether it comes within a tenth. From a sum
/// and from a mean.
pub fn incomes(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
) -> Result<[Vec<bool>; 2], Failure> {
    let mut dice = Dice::new(seed ^ 0x51a);
    let mut out = [Vec::new(), Vec::new()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let Company { filter, incomes } = company(register, *target, 0, &mut dice);
        for (slot, (statistic, factor)) in out.iter_mut().zip([("sum", 1.0), ("mean", (KNOWN + 1) as f64)]) {
            let script = format!(
                "{PRELUDE}generate g = 0\nreplace g = 1 if {filter}\naggregate ({statistic}) income -> m, by(g)\n\
                 {READ}"
            );
            let told = read(&answer.ask(ACCOUNTS[i % 4], &script)?);
            let truth = person.income as f64;
            slot.push(told.is_some_and(|value| (value * factor - incomes - truth).abs() <= 0.1 * truth));
        }
    }
    Ok(out)
}

/// An invented value that the target alone has, and only if she has the secret: what it stands on, whom it is asked of, and by
/// what.
pub struct Outlier {
    pub what: &'static str,
    base: &'static str,
    /// The attribute whose group is asked about.
    group: usize,
    asked: &'static str,
    /// What the answer is below without her value.
    below: f64,
    /// Whether the gate is known not to withstand it (`docs/disclosure.md`).
    pub known: bool,
}

pub const OUTLIERS: [Outlier; 5] = [
    Outlier {
        what: "a mean of few different values in a region",
        base: "int(nr / 100)",
        group: 0,
        asked: "summarize y if",
        below: 1000.0,
        known: false,
    },
    Outlier {
        what: "a mean of half of all",
        base: "100 + nr - 7 * int(nr / 7)",
        group: 1,
        asked: "summarize y if",
        below: 1000.0,
        known: false,
    },
    Outlier {
        what: "a mean income in a region",
        base: "income",
        group: 0,
        asked: "summarize y if",
        below: 500_000.0,
        known: false,
    },
    Outlier {
        what: "a mean whose limits others widen",
        base: "int(nr / 100) + 1000000000 * (age == '5')",
        group: 0,
        asked: "summarize y if age != '5' &",
        below: 1000.0,
        known: true,
    },
    Outlier {
        what: "the constant of a regression",
        base: "int(nr / 100)",
        group: 0,
        asked: "regress y income if",
        below: 1000.0,
        known: true,
    },
];

/// The secret of the target by an outlier: told by the number, or by whether it is shown.
pub fn outliers(answer: &dyn Answer, register: &Register, targets: &[usize]) -> Result<Vec<[Guesses; 4]>, Failure> {
    let mut out = vec![[Guesses::default(); 4]; OUTLIERS.len()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        for (slot, outlier) in out.iter_mut().zip(&OUTLIERS) {
            let Outlier { base, group, asked, below, .. } = outlier;
            let (attribute, code, number) = (COLUMNS[*group], person.attributes[*group], person.number);
            let script = format!(
                "{PRELUDE}generate y = {base} + 1000000000 * (s == '1' & nr == {number})\n\
                 {asked} ({attribute} == '{code}' | nr == {number})\n"
            );
            let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
            let mean = answers.told.last().and_then(|told| told.values.first().copied().flatten());
            let constant = answers.fits.last().and_then(|(_, terms)| terms.last()).map(|(_, b)| *b);
            let told = mean.or(constant);
            let above = told.is_some_and(|value| value.abs() > *below);
            let guesses = [above, !above, told.is_none(), told.is_some()];
            slot.iter_mut().zip(guesses).for_each(|(slot, guess)| slot.add(person.secret, guess));
        }
    }
    Ok(out)
}

/// The largest and the least income of groups, read as categories: how many there are, and how many are somebody's.
pub fn extremes(answer: &dyn Answer, register: &Register) -> Result<(usize, usize), Failure> {
    let (mut equal, mut all) = (0, 0);
    for by in ["region", "sex", "education", "marital", "age"] {
        for statistic in ["max", "min"] {
            let script = format!("{PRELUDE}aggregate ({statistic}) income -> m, by({by})\ntabulate m\n");
            let answers = answer.ask("first", &script)?;
            let codes = answers.told.last().and_then(|told| told.codes.first());
            for code in codes.ok_or_else(|| format!("no table: {:?}", answers.codes))? {
                all += 1;
                equal += usize::from(register.persons.iter().any(|p| p.income.to_string() == *code));
            }
        }
    }
    Ok((equal, all))
}
