//! Attacks by values that a group carries (A15): what `aggregate` gives to many persons at once can be read as a category or
//! under a condition, so a value that one person decides would be told by all of them.

use super::Failure;
use super::answer::{Answer, Answers};
use super::counts::ACCOUNTS;
use super::register::{COLUMNS, Dice, PRELUDE, Person, Register};
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
/// and from a mean, and from the coefficient of a regression.
pub fn incomes(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
) -> Result<[Vec<bool>; 3], Failure> {
    let mut dice = Dice::new(seed ^ 0x51a);
    let mut out = [Vec::new(), Vec::new(), Vec::new()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let Company { filter, incomes } = company(register, *target, 0, &mut dice);
        let truth = person.income as f64;
        let found = |sum: f64| (sum - incomes - truth).abs() <= 0.1 * truth;
        for (slot, (statistic, factor)) in out.iter_mut().zip([("sum", 1.0), ("mean", (KNOWN + 1) as f64)]) {
            let script = format!(
                "{PRELUDE}generate g = 0\nreplace g = 1 if {filter}\naggregate ({statistic}) income -> m, by(g)\n\
                 {READ}"
            );
            let told = read(&answer.ask(ACCOUNTS[i % 4], &script)?);
            slot.push(told.is_some_and(|value| found(value * factor)));
        }
        let script = format!("{PRELUDE}generate g = 0\nreplace g = 1 if {filter}\nregress income i.g\n");
        let told = answer.ask(ACCOUNTS[i % 4], &script)?;
        // The constant and the coefficient together are the mean of the group.
        let mean = told.fits.last().map(|(_, terms)| terms.iter().map(|(_, b)| b).sum::<f64>());
        out[2].push(mean.is_some_and(|mean| found(mean * (KNOWN + 1) as f64)));
    }
    Ok(out)
}

/// The value that is invented.
const INVENTED: f64 = 1e9;

/// An invented value that the target has if she has the secret: what it stands on, whom it is asked of, and by what.
pub struct Outlier {
    pub what: &'static str,
    /// The value of everybody else, as the script has it and as the attacker knows it.
    base: &'static str,
    known: fn(&Person) -> f64,
    /// The attribute whose group is asked about.
    group: usize,
    /// Whether the oldest are asked about too.
    all_ages: bool,
    asked: Asked,
}

enum Asked {
    Mean,
    /// The constant of a regression on income.
    Constant,
}

const HUNDREDS: &str = "int(nr / 100)";
fn hundreds(person: &Person) -> f64 {
    f64::from(person.number / 100)
}

/// The oldest have the value too: so many that no limits of the register are below it.
const WIDENED: &str = "int(nr / 100) + 1000000000 * (age == '6')";
fn widened(person: &Person) -> f64 {
    hundreds(person) + if person.attributes[4] == 6 { INVENTED } else { 0.0 }
}

/// One in fifty have the value too, also in the group.
const SOME: &str = "int(nr / 100) + 1000000000 * (nr < 400)";
fn some(person: &Person) -> f64 {
    hundreds(person) + if person.number < 400 { INVENTED } else { 0.0 }
}

const fn outlier(what: &'static str, (base, known): (&'static str, fn(&Person) -> f64), asked: Asked) -> Outlier {
    Outlier { what, base, known, group: 0, all_ages: false, asked }
}

pub const OUTLIERS: [Outlier; 8] = [
    Outlier {
        all_ages: true,
        ..outlier("a mean of few different values in a region", (HUNDREDS, hundreds), Asked::Mean)
    },
    Outlier {
        group: 1,
        all_ages: true,
        ..outlier("a mean of half of all", ("nr - 7 * int(nr / 7)", |p| f64::from(p.number % 7)), Asked::Mean)
    },
    Outlier { all_ages: true, ..outlier("a mean income in a region", ("income", |p| p.income as f64), Asked::Mean) },
    outlier("a mean whose limits others widen", (WIDENED, widened), Asked::Mean),
    outlier("a mean in which some have the value too", (SOME, some), Asked::Mean),
    Outlier { all_ages: true, ..outlier("the constant of a regression", (HUNDREDS, hundreds), Asked::Constant) },
    outlier("the constant of a regression whose limits others widen", (WIDENED, widened), Asked::Constant),
    outlier("the constant of a regression in which some have the value too", (SOME, some), Asked::Constant),
];

impl Outlier {
    /// Whether somebody other than the target is asked about.
    fn asks(&self, other: &Person, target: &Person) -> bool {
        other.attributes[self.group] == target.attributes[self.group] && (self.all_ages || other.attributes[4] != 6)
    }

    /// The exact number, if the target has this value: the attacker knows everybody else's.
    fn exact(&self, register: &Register, target: usize, hers: f64) -> f64 {
        let person = &register.persons[target];
        let others = register.persons.iter().enumerate().filter(|(i, p)| *i != target && self.asks(p, person));
        let pairs = others.map(|(_, p)| (p.income as f64, (self.known)(p))).chain([(person.income as f64, hers)]);
        let pairs: Vec<(f64, f64)> = pairs.collect();
        let n = pairs.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
        match self.asked {
            Asked::Mean => y,
            Asked::Constant => y - mean(&|p| (p.0 - x) * (p.1 - y)) / mean(&|p| (p.0 - x).powi(2)) * x,
        }
    }
}

/// The secret of the target by an outlier: told by which of the two exact numbers is nearer, or by whether one is shown.
pub fn outliers(answer: &dyn Answer, register: &Register, targets: &[usize]) -> Result<Vec<[Guesses; 4]>, Failure> {
    let mut out = vec![[Guesses::default(); 4]; OUTLIERS.len()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        for (slot, outlier) in out.iter_mut().zip(&OUTLIERS) {
            let Outlier { base, group, all_ages, asked, .. } = outlier;
            let (attribute, code, number) = (COLUMNS[*group], person.attributes[*group], person.number);
            let asked = if matches!(asked, Asked::Mean) { "summarize y" } else { "regress y income" };
            let ages = if *all_ages { "" } else { " & age != '6'" };
            let script = format!(
                "{PRELUDE}generate y = {base} + 1000000000 * (s == '1' & nr == {number})\n\
                 {asked} if {attribute} == '{code}'{ages} | nr == {number}\n"
            );
            let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
            let mean = answers.told.last().and_then(|told| told.values.first().copied().flatten());
            let constant = answers.fits.last().and_then(|(_, terms)| terms.last()).map(|(_, b)| *b);
            let told = mean.or(constant);
            let own = (outlier.known)(person);
            let [without, with] = [own, own + INVENTED].map(|hers| outlier.exact(register, *target, hers));
            let nearer = told.is_some_and(|value| (value - with).abs() < (value - without).abs());
            let guesses = [nearer, !nearer, told.is_none(), told.is_some()];
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
