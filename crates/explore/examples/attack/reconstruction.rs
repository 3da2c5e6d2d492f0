//! Attacks with many queries: reconstruction of a bit of everybody in a group from random subsets (A4), and a search that
//! invents the queries itself (A14).

use super::Failure;
use super::answer::{Answer, Answers};
use super::counts::{half, in_half};
use super::register::{COLUMNS, Dice, PRELUDE, Person, Register};
use super::score::Guesses;
use super::structure::outcome;

/// Weight of what is known before (that half have the bit) beside the answers.
const RIDGE: f64 = 3.0;
/// Steps of the conjugate gradient.
const STEPS: usize = 60;

/// A4: a bit that half of the persons have (an income above the median), for the persons with numbers below `group`, from
/// the counts of so many random subsets. The share of persons whose bit is right.
pub fn reconstruct(
    answer: &dyn Answer,
    register: &Register,
    seed: u64,
    group: usize,
    queries: &[usize],
) -> Result<Vec<f64>, Failure> {
    let mut dice = Dice::new(seed ^ 0xa4);
    let mut incomes: Vec<i64> = register.persons.iter().map(|p| p.income).collect();
    incomes.sort_unstable();
    let median = incomes[incomes.len() / 2];
    let mut members: Vec<&Person> = register.persons.iter().filter(|p| (p.number as usize) < group).collect();
    members.sort_by_key(|p| p.number);
    let most = queries.iter().copied().max().unwrap_or(0);
    let halves: Vec<String> = (0..most).map(|_| half(&mut dice)).collect();
    let (mut rows, mut seen): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
    for halves in halves.chunks(64) {
        let mut script = format!("{PRELUDE}generate rich = income > {median}\n");
        for (j, half) in halves.iter().enumerate() {
            script += &format!("generate g{j} = {half}\ntabulate rich if nr < {group} & g{j} == 1\n");
        }
        let answers = answer.ask("project", &script)?;
        for (half, told) in halves.iter().zip(&answers.told) {
            let Some(count) = told.count(&["1"]) else { continue };
            rows.push(members.iter().map(|p| f64::from(u8::from(in_half(half, p.number)))).collect());
            seen.push(count);
        }
    }
    let share = |queries: usize| {
        let queries = queries.min(rows.len());
        let x = ridge(&rows[..queries], &seen[..queries], members.len());
        let mut sorted = x.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2];
        let right = x.iter().zip(&members).filter(|(x, p)| (**x > middle) == (p.income > median)).count();
        100.0 * right as f64 / members.len() as f64
    };
    Ok(queries.iter().map(|q| share(*q)).collect())
}

/// Least squares with a ridge about one half, by conjugate gradient on the normal equations.
fn ridge(rows: &[Vec<f64>], seen: &[f64], n: usize) -> Vec<f64> {
    let times = |x: &[f64]| -> Vec<f64> { rows.iter().map(|r| dot(r, x)).collect() };
    let transposed = |y: &[f64]| -> Vec<f64> {
        let mut out = vec![0.0; n];
        for (row, y) in rows.iter().zip(y) {
            out.iter_mut().zip(row).for_each(|(o, a)| *o += a * y);
        }
        out
    };
    let start = vec![0.5; n];
    let rest: Vec<f64> = seen.iter().zip(times(&start)).map(|(y, z)| y - z).collect();
    let mut gradient = transposed(&rest);
    let (mut x, mut direction) = (vec![0.0; n], gradient.clone());
    let mut size = dot(&gradient, &gradient);
    for _ in 0..STEPS {
        if size < 1e-12 {
            break;
        }
        let mut image = transposed(&times(&direction));
        image.iter_mut().zip(&direction).for_each(|(i, d)| *i += RIDGE * d);
        let step = size / dot(&direction, &image);
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        gradient.iter_mut().zip(&image).for_each(|(g, i)| *g -= step * i);
        let next = dot(&gradient, &gradient);
        direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d = g + next / size * *d);
        size = next;
    }
    x.iter().map(|x| x + 0.5).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// What a query is made of.
#[derive(Clone, Copy, PartialEq)]
enum Atom {
    Me,
    Secret,
    /// The target's own code of an attribute.
    Mine(usize),
    /// Persons with a number below this share of all, in per cent.
    Below(u64),
}

impl Atom {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0..3 => Atom::Me,
            3 | 4 => Atom::Secret,
            5 | 6 => Atom::Mine(dice.below(5) as usize),
            _ => Atom::Below(10 + dice.below(90)),
        }
    }

    fn text(self, person: &Person, persons: usize) -> String {
        match self {
            Atom::Me => format!("nr == {}", person.number),
            Atom::Secret => "s == '1'".to_owned(),
            Atom::Mine(a) => format!("{} == '{}'", COLUMNS[a], person.attributes[a]),
            Atom::Below(share) => format!("nr < {}", persons as u64 * share / 100),
        }
    }
}

/// A query: atoms, some of them negated, joined from the left; and what is done with who meets them.
#[derive(Clone)]
struct Query {
    atoms: Vec<(Atom, bool, bool)>,
    command: u64,
}

const COMMANDS: u64 = 6;

impl Query {
    fn draw(dice: &mut Dice) -> Self {
        let number = 1 + dice.below(3);
        let atoms = (0..number).map(|_| (Atom::draw(dice), dice.below(3) == 0, dice.below(4) == 0)).collect();
        Self { atoms, command: dice.below(COMMANDS) }
    }

    fn change(&mut self, dice: &mut Dice) {
        let at = dice.below(self.atoms.len() as u64) as usize;
        match dice.below(6) {
            0 => self.atoms[at].0 = Atom::draw(dice),
            1 => self.atoms[at].1 ^= true,
            2 => self.atoms[at].2 ^= true,
            3 => self.command = dice.below(COMMANDS),
            4 if self.atoms.len() < 4 => self.atoms.push((Atom::draw(dice), false, false)),
            _ if self.atoms.len() > 1 => drop(self.atoms.remove(at)),
            _ => *self = Self::draw(dice),
        }
    }

    fn script(&self, person: &Person, persons: usize) -> String {
        let mut condition = String::new();
        for (i, (atom, negated, or)) in self.atoms.iter().enumerate() {
            let text = atom.text(person, persons);
            let text = if *negated { format!("!({text})") } else { text };
            condition = match (i, or) {
                (0, _) => text,
                (_, true) => format!("({condition} | {text})"),
                (_, false) => format!("({condition} & {text})"),
            };
        }
        let body = match self.command {
            0 | 1 => format!("tabulate s if {condition}\n"),
            2 => format!("tabulate region if {condition}\n"),
            3 => format!("tabulate sex s if {condition}\n"),
            4 => format!("generate z = {condition}\nreplace z = 5 if z == 1\n"),
            _ => format!("keep if {condition}\ntabulate s\n"),
        };
        format!("{PRELUDE}{body}")
    }
}

/// What the searcher sees of a set of answers: numbers of its cells, a mark of its outcome, and differences between
/// answers.
fn features(answers: &[Answers]) -> Vec<f64> {
    let own: Vec<Vec<f64>> = answers
        .iter()
        .map(|a| {
            let counts = a.told.first().map(|t| t.counts.clone()).unwrap_or_default();
            let mark = outcome(a).bytes().fold(0u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
            let mut out: Vec<f64> = (0..4).map(|i| counts.get(i).copied().flatten().unwrap_or(-1.0)).collect();
            out.push(f64::from(mark % 1009));
            out
        })
        .collect();
    let mut all: Vec<f64> = own.concat();
    for (i, one) in own.iter().enumerate() {
        for other in &own[..i] {
            all.extend(one.iter().take(4).zip(other).map(|(a, b)| a - b));
        }
    }
    all
}

/// A rule on one feature, learnt: a threshold, or a value that is met or not.
#[derive(Clone, Copy)]
struct Rule {
    feature: usize,
    value: f64,
    equal: bool,
    turned: bool,
}

impl Rule {
    fn guess(self, features: &[f64]) -> bool {
        let x = features.get(self.feature).copied().unwrap_or(0.0);
        (if self.equal { x == self.value } else { x > self.value }) != self.turned
    }

    /// The rule that is best on these cases.
    fn learn(cases: &[Case]) -> Option<(Rule, f64)> {
        let mut best: Option<(Rule, f64)> = None;
        for feature in 0..cases.first()?.1.len() {
            let mut values: Vec<f64> = cases.iter().map(|(_, f)| f[feature]).collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            let step = (values.len() / 12).max(1);
            for value in values.into_iter().step_by(step) {
                for equal in [false, true] {
                    let score = |turned| score(Rule { feature, value, equal, turned }, cases);
                    let turned = score(true) > score(false);
                    let found = (Rule { feature, value, equal, turned }, score(turned));
                    if best.as_ref().is_none_or(|b| found.1 > b.1) {
                        best = Some(found);
                    }
                }
            }
        }
        best
    }
}

fn score(rule: Rule, cases: &[Case]) -> f64 {
    let mut guesses = Guesses::default();
    cases.iter().for_each(|(secret, f)| guesses.add(*secret, rule.guess(f)));
    guesses.score().value
}

/// How long is searched.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    pub generations: usize,
    /// Sets of queries that live on from one generation to the next; all of them are asked about a target.
    pub genomes: usize,
    /// New ones in every generation.
    pub children: usize,
    /// Queries of one of them.
    pub queries: usize,
    /// Persons whom a new one is tried on.
    pub trial: usize,
    /// Persons whose secret the searcher knows, to learn from in the end.
    pub shadows: usize,
}

/// Points that a set of queries loses with every generation: nobody lives on luck with those it was tried on.
const AGE: f64 = 0.2;

/// A set of queries with the rule that reads its answers, and what that is worth.
struct Genome {
    queries: Vec<Query>,
    rule: Rule,
    worth: f64,
}

/// A14: queries that were bred to tell the secret of persons who are known, with what was learnt of their answers.
pub struct Bred(Vec<Genome>);

impl Genome {
    /// The answers about a person, as features, with her secret.
    fn ask(queries: &[Query], answer: &dyn Answer, register: &Register, who: usize) -> Result<Case, Failure> {
        let person = &register.persons[who];
        let scripts = queries.iter().map(|q| q.script(person, register.persons.len()));
        let answers = scripts.map(|s| answer.ask("first", &s)).collect::<Result<Vec<_>, Failure>>()?;
        Ok((person.secret, features(&answers)))
    }

    /// Tried on some persons.
    fn tried(queries: Vec<Query>, answer: &dyn Answer, register: &Register, on: &[usize]) -> Result<Self, Failure> {
        let cases = on.iter().map(|who| Self::ask(&queries, answer, register, *who));
        let (rule, worth) = Rule::learn(&cases.collect::<Result<Vec<_>, _>>()?).ok_or("nothing to learn from")?;
        Ok(Self { queries, rule, worth })
    }
}

/// Whether somebody has the secret, and what was answered about her.
type Case = (bool, Vec<f64>);

/// Breeds queries.
pub fn breed(answer: &dyn Answer, register: &Register, not: &[usize], seed: u64, how: Search) -> Result<Bred, Failure> {
    let mut dice = Dice::new(seed ^ 0x14);
    let shadows: Vec<usize> =
        register.targets(&mut dice, how.shadows / 2).into_iter().filter(|s| !not.contains(s)).collect();
    let some = |dice: &mut Dice| -> Vec<usize> {
        let start = dice.below(shadows.len() as u64) as usize;
        shadows.iter().cycle().skip(start).take(how.trial).copied().collect()
    };
    let mut genomes: Vec<Genome> = Vec::new();
    for _ in 0..how.genomes {
        let queries = (0..how.queries).map(|_| Query::draw(&mut dice)).collect();
        genomes.push(Genome::tried(queries, answer, register, &some(&mut dice))?);
    }
    for _ in 0..how.generations {
        genomes.iter_mut().for_each(|genome| genome.worth -= AGE);
        for _ in 0..how.children {
            // The better of two has the child.
            let mut parent = || dice.below(genomes.len() as u64).min(dice.below(genomes.len() as u64)) as usize;
            let (one, other) = (parent(), parent());
            let mut child = genomes[one].queries.clone();
            let at = dice.below(how.queries as u64) as usize;
            if dice.below(2) == 0 {
                child[at] = genomes[other].queries[dice.below(how.queries as u64) as usize].clone();
            }
            child[at].change(&mut dice);
            genomes.push(Genome::tried(child, answer, register, &some(&mut dice))?);
        }
        genomes.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        genomes.truncate(how.genomes);
    }
    // What they are worth is learnt from one half of all shadows, and weighed by the other.
    for genome in &mut genomes {
        let cases = shadows.iter().map(|who| Genome::ask(&genome.queries, answer, register, *who));
        let cases = cases.collect::<Result<Vec<_>, _>>()?;
        let (learnt, weighed) = cases.split_at(cases.len() / 2);
        if let Some((rule, _)) = Rule::learn(learnt) {
            let right = (score(rule, weighed) / 100.0).clamp(0.5, 0.999);
            (genome.rule, genome.worth) = (rule, (right / (1.0 - right)).ln());
        }
    }
    genomes.sort_by(|a, b| b.worth.total_cmp(&a.worth));
    Ok(Bred(genomes))
}

impl Bred {
    /// How many queries there are for one target.
    pub fn queries(&self) -> usize {
        self.0.iter().map(|genome| genome.queries.len()).sum()
    }

    /// The guesses about targets: every set of queries votes with its weight, and the best one where none has any.
    pub fn guess(&self, answer: &dyn Answer, register: &Register, targets: &[usize]) -> Result<Guesses, Failure> {
        let mut guesses = Guesses::default();
        for target in targets {
            let (mut sum, mut first) = (0.0, None);
            for Genome { queries, rule, worth } in &self.0 {
                let (_, features) = Genome::ask(queries, answer, register, *target)?;
                let yes = rule.guess(&features);
                first.get_or_insert(yes);
                sum += if yes { *worth } else { -worth };
            }
            let yes = if sum == 0.0 { first == Some(true) } else { sum > 0.0 };
            guesses.add(register.persons[*target].secret, yes);
        }
        Ok(guesses)
    }
}
