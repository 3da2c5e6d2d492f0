//! What the protection costs the honest (SDC-191): how far counts and means are from the truth, behind a ledger that
//! already holds the sets of many other users.

use super::Failure;
use super::answer::{Answer, Told};
use super::counts::ACCOUNTS;
use super::register::{COLUMNS, Dice, PRELUDE, Person, Register};

/// Size classes of counts: from, and its name.
pub const CLASSES: [(f64, &str); 3] = [(10.0, "10–99"), (100.0, "100–999"), (1000.0, "1000 and more")];

/// Errors of shown numbers.
#[derive(Default, Clone)]
pub struct Utility {
    /// By class: number, sum of the absolute errors, sum of the errors.
    pub counts: [(u64, f64, f64); 3],
    pub hidden: u64,
    pub cells: u64,
    pub stopped: u64,
    pub tables: u64,
    /// Relative errors of means of groups over a thousand, in per cent.
    pub means: Vec<f64>,
    /// The same for means of winsorised values without any noise.
    pub winsorised: Vec<f64>,
    /// The same for means of a column that a script derives, of groups over a thousand and of a hundred to a thousand.
    pub derived: [Vec<f64>; 2],
    /// Values in the ledger: cells of honest tables asked for before.
    pub before: u64,
}

impl Utility {
    pub fn join(&mut self, other: Utility) {
        for (sum, found) in self.counts.iter_mut().zip(other.counts) {
            *sum = (sum.0 + found.0, sum.1 + found.1, sum.2 + found.2);
        }
        self.hidden += other.hidden;
        self.cells += other.cells;
        self.stopped += other.stopped;
        self.tables += other.tables;
        self.means.extend(other.means);
        self.winsorised.extend(other.winsorised);
        self.derived.iter_mut().zip(other.derived).for_each(|(all, more)| all.extend(more));
        self.before = self.before.max(other.before);
    }

    /// Mean absolute error and bias of a class.
    pub fn error(&self, class: usize) -> (f64, f64) {
        let (n, absolute, signed) = self.counts[class];
        (absolute / n.max(1) as f64, signed / n.max(1) as f64)
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A table as researchers ask for: two or three attributes, over a part of the register.
struct Request {
    columns: Vec<usize>,
    /// Attribute and code of the filter.
    part: Option<(usize, u64)>,
    /// Least income of the persons asked about, in hundred thousands.
    from: i64,
}

impl Request {
    fn draw(dice: &mut Dice) -> Self {
        let mut columns: Vec<usize> = (0..5).collect();
        dice.shuffle(&mut columns);
        let part = (dice.below(2) == 0).then(|| (columns[4], 1 + dice.below(3)));
        columns.truncate(1 + dice.below(3) as usize);
        let from = if dice.below(2) == 0 { 0 } else { dice.below(8) as i64 };
        Self { columns, part, from }
    }

    fn holds(&self, person: &Person) -> bool {
        person.income >= self.from * 100_000 && self.part.is_none_or(|(a, code)| person.attributes[a] == code)
    }

    fn script(&self, secret: bool) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|c| COLUMNS[*c]).collect();
        let part = self.part.map(|(a, code)| format!(" & {} == '{code}'", COLUMNS[a])).unwrap_or_default();
        let secret = if secret { " s" } else { "" };
        format!("{PRELUDE}tabulate {}{secret} if income >= {}{part}\n", columns.join(" "), self.from * 100_000)
    }
}

/// Asks for tables of other users until the ledger holds so many cells, then for tables whose errors are taken.
pub fn measure(
    answer: &dyn Answer,
    register: &Register,
    seed: u64,
    before: u64,
    tables: u64,
) -> Result<Utility, Failure> {
    let mut dice = Dice::new(seed ^ 0x0191);
    let mut out = Utility::default();
    while out.before < before {
        let request = Request::draw(&mut dice);
        let with_secret = dice.below(2) == 0;
        let answers = answer.ask(ACCOUNTS[dice.below(4) as usize], &request.script(with_secret))?;
        // A table that was stopped has been asked about all the same.
        out.before += answers.told.first().map_or(20, |t| t.counts.len() as u64);
    }
    for _ in 0..tables {
        let request = Request::draw(&mut dice);
        let answers = answer.ask("first", &request.script(true))?;
        out.tables += 1;
        match answers.told.first() {
            None => out.stopped += 1,
            Some(told) => errors(&mut out, told, register, &request),
        }
        means(&mut out, answer, register, &mut dice)?;
    }
    Ok(out)
}

fn errors(out: &mut Utility, told: &Told, register: &Register, request: &Request) {
    let here: Vec<&Person> = register.persons.iter().filter(|p| request.holds(p)).collect();
    let sizes: Vec<usize> = told.codes.iter().map(|c| c.len() + 1).collect();
    for (at, shown) in told.counts.iter().enumerate() {
        let (mut rest, mut position) = (at, vec![0; sizes.len()]);
        for (slot, size) in position.iter_mut().zip(&sizes).rev() {
            *slot = rest % size;
            rest /= size;
        }
        let within = |p: &&&Person| {
            position.iter().enumerate().all(|(d, place)| {
                let Some(code) = told.codes[d].get(*place) else { return true };
                match request.columns.get(d) {
                    Some(column) => p.attributes[*column].to_string() == *code,
                    None => u8::from(p.secret).to_string() == *code,
                }
            })
        };
        let truth = here.iter().filter(within).count() as f64;
        out.cells += 1;
        let Some(shown) = shown else {
            out.hidden += 1;
            continue;
        };
        if let Some(class) = CLASSES.iter().rposition(|(from, _)| truth >= *from) {
            let slot = &mut out.counts[class];
            *slot = (slot.0 + 1, slot.1 + (shown - truth).abs(), slot.2 + shown - truth);
        }
    }
}

/// Means of the income in large groups, what winsorising alone would make of them, and means of a column derived from it.
fn means(out: &mut Utility, answer: &dyn Answer, register: &Register, dice: &mut Dice) -> Result<(), Failure> {
    let column = dice.below(5) as usize;
    let from = dice.below(register.persons.len() as u64 / 2) as u32;
    let ask = |made: &str, name: &str| {
        let by = COLUMNS[column];
        let script = format!("{PRELUDE}{made}tabulate {by} if nr >= {from}, summarize({name}) mean\n");
        let answers = answer.ask("first", &script)?;
        answers.told.first().cloned().ok_or_else(|| Failure::from(format!("no means: {:?}", answers.codes)))
    };
    let told = ask("", "income")?;
    // Half as much again, in whole crowns: no copy by a factor.
    let derived = ask("generate more = income + int(income / 2)\n", "more")?;
    let mut all: Vec<f64> = register.persons.iter().map(|p| p.income as f64).collect();
    all.sort_by(f64::total_cmp);
    let (low, high) = (all[all.len() / 100], all[all.len() * 99 / 100]);
    for (place, code) in told.codes[0].iter().enumerate() {
        let group = register
            .persons
            .iter()
            .filter(|p| p.number >= from && p.attributes[column].to_string() == *code)
            .map(|p| p.income as f64);
        let group: Vec<f64> = group.collect();
        let mean = |of: &dyn Fn(f64) -> f64| group.iter().map(|x| of(*x)).sum::<f64>() / group.len() as f64;
        let error = |x: f64, truth: f64| 100.0 * (x - truth).abs() / truth;
        if let Some(shown) = derived.values[place].filter(|_| group.len() >= 100) {
            let class = usize::from(group.len() <= 1000);
            out.derived[class].push(error(shown, mean(&|x| x + (x / 2.0).floor())));
        }
        let Some(shown) = told.values[place].filter(|_| group.len() > 1000) else { continue };
        let truth = mean(&|x| x);
        out.means.push(error(shown, truth));
        out.winsorised.push(error(mean(&|x| x.clamp(low, high)), truth));
    }
    Ok(())
}
