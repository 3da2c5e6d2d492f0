//! Attacks on counts: differencing by a filter (A1), repetition (A2), partitions (A3), the boundary of snapping (A10).

use super::Failure;
use super::answer::Answer;
use super::register::{COLUMNS, Dice, PRELUDE, Person, Register};
use super::score::Guesses;

/// Accounts that work together.
pub const ACCOUNTS: [&str; 4] = ["first", "second", "third", "fourth"];
/// A population that is asked for has at least so many persons.
const LARGE: usize = 1500;

/// A condition on two attributes, as an analyst would write it.
#[derive(Clone, Copy)]
pub struct Filter {
    one: (usize, u64),
    other: (usize, u64),
    both: bool,
    negated: bool,
}

impl Filter {
    pub fn holds(&self, person: &Person) -> bool {
        let is = |(attribute, code): (usize, u64)| person.attributes[attribute] == code;
        let joined = if self.both { is(self.one) && is(self.other) } else { is(self.one) || is(self.other) };
        joined != self.negated
    }

    pub fn text(&self) -> String {
        let is = |(attribute, code): (usize, u64)| format!("{} == '{code}'", COLUMNS[attribute]);
        let operator = if self.both { "&" } else { "|" };
        let joined = format!("({} {operator} {})", is(self.one), is(self.other));
        if self.negated { format!("!{joined}") } else { joined }
    }

    fn draw(dice: &mut Dice) -> Self {
        let one = dice.below(5) as usize;
        let other = (one + 1 + dice.below(4) as usize) % 5;
        let code = |dice: &mut Dice| 1 + dice.below(3);
        let (a, b) = (code(dice), code(dice));
        Self { one: (one, a), other: (other, b), both: dice.below(4) == 0, negated: dice.below(3) == 0 }
    }
}

/// Filters that leave large populations; the same for all targets of a register.
pub fn filters(register: &Register, dice: &mut Dice, number: usize) -> Vec<Filter> {
    let mut found = Vec::new();
    while found.len() < number {
        let filter = Filter::draw(dice);
        let persons = register.persons.iter().filter(|p| filter.holds(p)).count();
        if persons >= LARGE && persons <= register.persons.len() * 9 / 10 {
            found.push(filter);
        }
    }
    found
}

/// A1: the count of the secret with and without the target, in 1, 3 and 10 populations; by any difference and by sign.
pub fn differencing(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
) -> Result<Vec<[Guesses; 2]>, Failure> {
    let mut dice = Dice::new(seed ^ 0xa1);
    let filters = filters(register, &mut dice, 40);
    let sizes = [1usize, 3, 10];
    let mut out = vec![[Guesses::default(); 2]; sizes.len()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let chosen: Vec<&Filter> = filters.iter().filter(|f| f.holds(person)).cycle().skip(i % 7).take(10).collect();
        let mut script = PRELUDE.to_owned();
        for (k, filter) in chosen.iter().enumerate() {
            let (text, number) = (filter.text(), person.number);
            if k == 0 {
                // The road of populations, where others go by a condition.
                script += &format!(
                    "clone-dataset d p\nuse p\nkeep if {text}\ntabulate s\ndrop if nr == {number}\ntabulate s\nuse d\n"
                );
            } else {
                script += &format!("tabulate s if {text}\ntabulate s if {text} & nr != {number}\n");
            }
        }
        let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
        let differences: Vec<f64> =
            answers.told.chunks(2).map(|pair| pair[0].seen(&["1"]) - pair[1].seen(&["1"])).collect();
        if differences.len() != chosen.len() {
            return Err(format!("A1: {} of {} answers ({:?})", differences.len(), chosen.len(), answers.codes).into());
        }
        for (slot, size) in out.iter_mut().zip(sizes) {
            let seen = &differences[..size];
            slot[0].add(person.secret, seen.iter().any(|d| *d != 0.0));
            let sum: f64 = seen.iter().sum();
            slot[1].add(person.secret, sum > 0.0);
        }
    }
    Ok(out)
}

/// Scripts that ask for the same set in other words; the last table of each holds it.
pub fn repetitions() -> Vec<String> {
    let base = "region == '1' & sex == '2'";
    let mut scripts = vec![
        format!("{PRELUDE}tabulate s if {base}\n"),
        format!("{PRELUDE}tabulate s if sex == '2' & region == '1'\n"),
        format!("{PRELUDE}tabulate s if !(region != '1' | sex != '2')\n"),
        format!("{PRELUDE}keep if {base}\ntabulate s\n"),
        format!("{PRELUDE}keep if sex == '2'\ndrop if region != '1'\ntabulate s\n"),
        format!("{PRELUDE}generate z = 1\nreplace z = 0 if {base}\ntabulate s if z == 0\n"),
        format!("{PRELUDE}keep if {base}\nimport r/REGION as again\ntabulate s if again == '1'\n"),
        format!("{PRELUDE}clone-dataset d e\nuse e\ntabulate s if {base}\n"),
        format!("{}tabulate s if {base}\n", PRELUDE.replace("no.attack:1", "no.attack:2")),
        format!("{PRELUDE}define-labels l '0' no '1' yes\nassign-labels s l\ntabulate s if {base}\n"),
        format!("{PRELUDE}tabulate s if {base} & inrange(nr, 0, 1000000)\n"),
    ];
    let more = (1..40).map(|k| format!("{PRELUDE}tabulate s if {base} & nr + {k} >= {k}\n"));
    scripts.extend(more);
    let more = (1..40).map(|k| format!("{PRELUDE}generate w = nr * {k}\ntabulate s if w >= 0 & {base}\n"));
    scripts.extend(more);
    scripts
}

/// A3: totals with and without the target from the parts of so many random halves, other halves for each; whether the
/// difference of the averages is above one half.
pub fn partition(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
    splits: &[usize],
) -> Result<Vec<Guesses>, Failure> {
    let mut dice = Dice::new(seed ^ 0xa3);
    let filters = filters(register, &mut dice, 12);
    let most = splits.iter().copied().max().unwrap_or(0);
    let mut out = vec![Guesses::default(); splits.len()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let filter = filters.iter().find(|f| f.holds(person)).ok_or("no filter holds")?.text();
        let mut script = PRELUDE.to_owned();
        for k in 0..most {
            for (side, condition) in [(0, filter.clone()), (1, format!("{filter} & nr != {}", person.number))] {
                let name = format!("g{side}x{k}");
                script += &format!("generate {name} = {}\ntabulate {name} s if {condition}\n", half(&mut dice));
            }
        }
        let answers = answer.ask(&format!("project {i}"), &script)?;
        let total = |told: &super::answer::Told| -> f64 {
            told.codes[0].iter().map(|code| told.count(&[code, "1"]).unwrap_or(5.0)).sum()
        };
        let sums: Vec<f64> = answers.told.iter().map(total).collect();
        for (slot, splits) in out.iter_mut().zip(splits) {
            // A stop on the way leaves what was answered before.
            let pairs: Vec<f64> = sums.chunks_exact(2).take(*splits).map(|pair| pair[0] - pair[1]).collect();
            let mean = pairs.iter().sum::<f64>() / pairs.len().max(1) as f64;
            slot.add(person.secret, mean > 0.5);
        }
    }
    Ok(out)
}

/// A random half of the persons as an expression over their numbers.
pub fn half(dice: &mut Dice) -> String {
    let (factor, shift) = (3 + 2 * dice.below(5000), dice.below(10_000));
    let hashed = format!("(nr * {factor} + {shift})");
    format!("{hashed} - int({hashed} / 1009) * 1009 < 505")
}

/// The same half, for a person.
pub fn in_half(expression: &str, number: u32) -> bool {
    let numbers: Vec<u64> = expression
        .split(|c: char| !c.is_ascii_digit())
        .filter(|t| !t.is_empty())
        .filter_map(|t| t.parse().ok())
        .collect();
    (u64::from(number) * numbers[0] + numbers[1]) % 1009 < 505
}

/// A10: the attacker knows persons with the secret. All of them leave the set at once, then all but one together with the
/// target; and the target alone leaves a set that some of them have left. Rules: equal, lower, any difference.
pub fn boundary(
    answer: &dyn Answer,
    register: &Register,
    targets: &[usize],
    seed: u64,
    sizes: &[usize],
) -> Result<Vec<[Guesses; 4]>, Failure> {
    let mut dice = Dice::new(seed ^ 0x10);
    let filters = filters(register, &mut dice, 12);
    let mut out = vec![[Guesses::default(); 4]; sizes.len()];
    for (i, target) in targets.iter().enumerate() {
        let person = &register.persons[*target];
        let filter = filters.iter().find(|f| f.holds(person)).ok_or("no filter holds")?;
        let mut known: Vec<u32> = register
            .persons
            .iter()
            .filter(|p| p.secret && filter.holds(p) && p.number != person.number)
            .map(|p| p.number)
            .collect();
        dice.shuffle(&mut known);
        let mut script = PRELUDE.to_owned();
        let without = |numbers: &[u32]| {
            let list: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!("tabulate s if {} & !inlist(nr, {})\n", filter.text(), list.join(", "))
        };
        script += &format!("tabulate s if {}\n", filter.text());
        for (j, m) in sizes.iter().enumerate() {
            let mine = &known[(j * 25) % (known.len() - m)..];
            let one_less = [&mine[..m - 1], &[person.number]].concat();
            let and_target = [&mine[..*m], &[person.number]].concat();
            script += &(without(&one_less) + &without(&mine[..*m]) + &without(&and_target));
        }
        let answers = answer.ask(ACCOUNTS[i % 4], &script)?;
        let seen: Vec<f64> = answers.told.iter().map(|t| t.seen(&["1"])).collect();
        if seen.len() != 1 + 3 * sizes.len() {
            return Err(format!("A10: {} answers ({:?})", seen.len(), answers.codes).into());
        }
        for (slot, group) in out.iter_mut().zip(seen[1..].chunks_exact(3)) {
            let (swapped, all, more) = (group[0], group[1], group[2]);
            slot[0].add(person.secret, swapped == all);
            slot[1].add(person.secret, swapped < all);
            slot[2].add(person.secret, swapped != seen[0]);
            slot[3].add(person.secret, more != all);
        }
    }
    Ok(out)
}
