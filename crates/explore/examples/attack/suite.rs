//! Which attacks are carried out against whom, and over which registers.

use std::sync::Arc;
use std::time::Instant;

use disclosure::Policy;
use testkit::TestZone;

use super::answer::{Answer, Gateway, METERED, Simple, WEAK, keys};
use super::register::{Dice, Register};
use super::score::{Guesses, Limit, Line, Score};
use super::utility::{self, Utility};
use super::{Failure, Options};
use super::{analyses, counts, groups, linked, reconstruction, structure, values};

/// Persons of the register.
pub const PERSONS: u32 = 20_000;

/// Everything that was found.
pub struct Found {
    pub lines: Vec<Line>,
    pub utility: Option<Utility>,
    pub policy: String,
    pub seconds: f64,
}

/// One register with everybody who answers for it; nobody has been asked anything.
pub struct Field {
    pub seed: u64,
    pub register: Register,
    pub answers: Vec<Box<dyn Answer>>,
    pub targets: Vec<usize>,
}

impl Field {
    fn new(options: &Options, seed: u64, targets: usize, zone: &TestZone, weak: bool) -> Result<Self, Failure> {
        let register = Register::new(seed, PERSONS);
        let targets = register.targets(&mut Dice::new(seed ^ 0x7a), targets / 2);
        Self::of(options, seed, (register, targets), zone, weak)
    }

    /// A register and who is attacked in it.
    fn of(
        options: &Options,
        seed: u64,
        (register, targets): (Register, Vec<usize>),
        zone: &TestZone,
        weak: bool,
    ) -> Result<Self, Failure> {
        let own = keys(seed);
        let source = || -> Arc<dyn engine::source::VariableSource> { Arc::new(register.source(own.dataset_key())) };
        let mut answers: Vec<Box<dyn Answer>> = Vec::new();
        if weak {
            for how in WEAK {
                answers.push(Box::new(Simple::new(source(), keys(seed), how)?));
            }
        }
        answers.push(Box::new(Gateway::new(source(), keys(seed), zone, options.policy()?)));
        answers.push(Box::new(Gateway::metered(source(), keys(seed), zone, options.policy()?)));
        Ok(Self { seed, register, answers, targets })
    }
}

/// Carries out what is asked for.
pub fn run(options: &Options) -> Result<Found, Failure> {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let zone = runtime.block_on(testkit::zone("attack"));
    let mut lines = Vec::new();
    type Step = fn(&Options, &TestZone) -> Result<Vec<Line>, Failure>;
    let steps: [(&str, Step); 15] = [
        ("A1", a1),
        ("A2", a2),
        ("A3", a3),
        ("A4", a4),
        ("A5", a5),
        ("A6", a6),
        ("A7", a7),
        ("A8", a8),
        ("A9", a9),
        ("A10", a10),
        ("A11", a11),
        ("A12", a12),
        ("A13", a13),
        ("A14", a14),
        ("A15", a15),
    ];
    for (id, step) in steps {
        if options.wants(id) {
            let begun = Instant::now();
            let found = step(options, &zone)?;
            progress(id, &found, begun);
            lines.extend(found);
        }
    }
    let utility = if options.wants("utility") { Some(utility(options, &zone)?) } else { None };
    Ok(Found { lines, utility, policy: options.policy()?.hash().to_owned(), seconds: start.elapsed().as_secs_f64() })
}

#[expect(clippy::print_stderr, reason = "progress of a command line program")]
fn progress(id: &str, lines: &[Line], begun: Instant) {
    for line in lines {
        let scores: Vec<String> =
            line.scores.iter().map(|(name, s)| format!("{name} {:.1}±{:.1}", s.value, s.error)).collect();
        eprintln!("{id} {}: {}", line.what, scores.join(", "));
    }
    eprintln!("{id} took {:.1} s", begun.elapsed().as_secs_f64());
}

/// Guesses by mechanism, variant of the attack, and rule.
type Tallies<const RULES: usize> = Vec<(&'static str, Vec<[Guesses; RULES]>)>;

/// Guesses of every mechanism, over all seeds: `attack` gives one group of rules per variant.
fn tallies<const RULES: usize>(
    options: &Options,
    zone: &TestZone,
    variants: usize,
    budgets: bool,
    attack: impl Fn(&dyn Answer, &Field) -> Result<Vec<[Guesses; RULES]>, Failure>,
) -> Result<Tallies<RULES>, Failure> {
    let mut sums: Tallies<RULES> = Vec::new();
    for seed in 1..=options.seeds {
        // The other mechanisms have no memory and little chance in them: fewer registers show what they are worth.
        let field = Field::new(options, seed, options.targets, zone, seed <= 2 && !options.ours)?;
        for answer in field.answers.iter().filter(|a| budgets || a.name() != METERED) {
            let found = attack(&**answer, &field)?;
            let at = match sums.iter().position(|(name, _)| *name == answer.name()) {
                Some(at) => at,
                None => {
                    sums.push((answer.name(), vec![[Guesses::default(); RULES]; variants]));
                    sums.len() - 1
                }
            };
            for (sum, found) in sums[at].1.iter_mut().zip(&found) {
                sum.iter_mut().zip(found).for_each(|(sum, found)| sum.join(found));
            }
        }
    }
    Ok(sums)
}

/// The same, of every variant the rule that is best.
fn guesses<const RULES: usize>(
    options: &Options,
    zone: &TestZone,
    variants: usize,
    budgets: bool,
    attack: impl Fn(&dyn Answer, &Field) -> Result<Vec<[Guesses; RULES]>, Failure>,
) -> Result<Vec<Vec<(&'static str, Score)>>, Failure> {
    let sums = tallies(options, zone, variants, budgets, attack)?;
    let best = |rules: &[Guesses; RULES]| {
        let scores = rules.iter().map(Guesses::score);
        scores.max_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or(Score::exact(0.0))
    };
    Ok((0..variants).map(|v| sums.iter().map(|(name, sum)| (*name, best(&sum[v]))).collect()).collect())
}

const ACCURACY: &str = "bal. acc. %";

fn a1(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let found = guesses(options, zone, 3, false, |answer, field| {
        counts::differencing(answer, &field.register, &field.targets, field.seed)
    })?;
    let line = |(scores, k): (Vec<(&'static str, Score)>, usize)| Line {
        id: "A1",
        what: format!("filter differencing, {k} population{}", if k == 1 { "" } else { "s" }),
        unit: ACCURACY,
        scores,
        limit: Limit::AtMost(52.0),
    };
    Ok(found.into_iter().zip([1, 3, 10]).map(line).collect())
}

fn a2(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let field = Field::new(options, 1, 2, zone, true)?;
    let mut scores = Vec::new();
    for answer in field.answers.iter().filter(|a| a.name() != METERED) {
        let mut seen: Vec<Vec<f64>> = Vec::new();
        for (i, script) in counts::repetitions().iter().enumerate() {
            let answers = answer.ask(counts::ACCOUNTS[i % 4], script)?;
            let last = answers.told.last().ok_or_else(|| format!("no table: {script} {:?}", answers.codes))?;
            let told = vec![last.seen(&["1"]), last.seen(&["0"]), last.seen(&[""])];
            if !seen.contains(&told) {
                seen.push(told);
            }
        }
        scores.push((answer.name(), Score::exact(seen.len() as f64)));
    }
    let repeated = again_after_a_start(zone)?;
    if let Some((_, ours)) = scores.last_mut() {
        ours.value += repeated as f64 - 1.0;
    }
    let what = format!("repetition, {} forms, four accounts, two versions, restart", counts::repetitions().len());
    Ok(vec![Line { id: "A2", what, unit: "answers", scores, limit: Limit::AtMost(1.0) }])
}

/// How many different answers the same scripts get before and after starts of the zone, on later days.
fn again_after_a_start(zone: &TestZone) -> Result<usize, Failure> {
    let folder = tempfile::tempdir()?;
    let register = Register::new(1, PERSONS);
    let mut seen: Vec<Vec<Option<f64>>> = Vec::new();
    for _ in 0..3 {
        let gate =
            explore::headless::SyntheticGate::open(folder.path(), &Policy::standard(), &testkit::Seeded::new(7))?;
        let source = Arc::new(register.source(gate.keys.dataset_key()));
        let gateway = Gateway::with(source, gate.keys, zone, Policy::standard(), gate.ledger);
        for script in counts::repetitions().iter().take(4) {
            let told = gateway.ask("first", script)?.told.pop().ok_or("no table")?.counts;
            if !seen.contains(&told) {
                seen.push(told);
            }
        }
        zone.clock.advance_micros(24 * 3600 * 1_000_000);
    }
    Ok(seen.len())
}

fn a3(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let splits: &[usize] = if options.full { &[4, 8, 16, 64] } else { &[4, 16] };
    let found = guesses(options, zone, splits.len(), true, |answer, field| {
        let found = counts::partition(answer, &field.register, &field.targets, field.seed, splits)?;
        Ok(found.into_iter().map(|g| [g]).collect())
    })?;
    let line = |(scores, k): (Vec<(&'static str, Score)>, usize)| Line {
        id: "A3",
        what: format!("partition, {k} random halves of both totals"),
        unit: ACCURACY,
        scores,
        limit: Limit::AtMost(60.0),
    };
    Ok(found.into_iter().zip(splits.iter().copied()).map(line).collect())
}

fn a10(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let sizes: Vec<usize> = if options.full { (1..=25).collect() } else { vec![3, 5, 7, 9] };
    // The best of so many sizes and rules would look better than it is by chance alone: it is found among half of the
    // targets, as an attacker finds it among people whose secret she knows, and counts among the other half.
    let found = tallies(options, zone, 2 * sizes.len(), false, |answer, field| {
        let (one, other): (Vec<_>, Vec<_>) = field.targets.iter().enumerate().partition(|(i, _)| i % 2 == 0);
        let of = |half: Vec<(usize, &usize)>| {
            let half: Vec<usize> = half.into_iter().map(|(_, target)| *target).collect();
            counts::boundary(answer, &field.register, &half, field.seed, &sizes)
        };
        Ok([of(one)?, of(other)?].concat())
    })?;
    let scores = found.iter().map(|(name, variants)| (*name, halves(&sizes, variants))).collect();
    let what = format!("boundary of the radius, {} to {} known persons, the worst", sizes[0], sizes[sizes.len() - 1]);
    Ok(vec![Line { id: "A10", what, unit: ACCURACY, scores, limit: Limit::AtMost(58.0) }])
}

/// The size and rule that are best among one half of the targets, scored among the other, and the other way round.
fn halves<const RULES: usize>(sizes: &[usize], variants: &[[Guesses; RULES]]) -> Score {
    let half = |h: usize| variants[h * sizes.len()..][..sizes.len()].as_flattened();
    let mut sum = Guesses::default();
    for (learnt, tried) in [(half(0), half(1)), (half(1), half(0))] {
        let best = (0..learnt.len()).max_by(|a, b| learnt[*a].score().value.total_cmp(&learnt[*b].score().value));
        sum.join(&tried[best.unwrap_or(0)]);
    }
    for (i, size) in sizes.iter().enumerate() {
        let both = (0..RULES).map(|rule| {
            let mut both = half(0)[i * RULES + rule];
            both.join(&half(1)[i * RULES + rule]);
            format!("{:.1}", both.score().value)
        });
        note(&format!("A10 {size} known persons, by rule: {}", both.collect::<Vec<_>>().join(" ")));
    }
    sum.score()
}

/// A fit that is shown although a few persons have a category holds when no term is about them: they were left out (SDC-181).
fn a5(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let field = Field::new(options, 1, if options.full { 200 } else { 40 }, zone, false)?;
    let scripts = analyses::single_terms(&field.register, &field.targets);
    let mut refused = 0;
    for (i, script) in scripts.iter().enumerate() {
        let answers = field.answers[0].ask(counts::ACCOUNTS[i % 4], script)?;
        if structure::refused(&answers) || (!answers.fits.is_empty() && !analyses::names_them(&answers)) {
            refused += 1;
        } else {
            note(&format!(
                "A5 not refused: {:?} {}",
                answers.codes,
                script.lines().skip(10).collect::<Vec<_>>().join("; ")
            ));
        }
    }
    let scores = vec![("hap", Score::exact(100.0 * refused as f64 / scripts.len() as f64))];
    let what = format!("{} fits with terms of one person or a few", scripts.len());
    let terms = Line { id: "A5", what, unit: "refused or without the term %", scores, limit: Limit::AtLeast(100.0) };
    let mut lines = vec![terms];
    for (name, way) in analyses::LEFT_OUT {
        let found = analyses::left_out(field.answers[0].as_ref(), &field.register, &field.targets, field.seed, way)?;
        let what = format!("two means, one without her ({name}); within a tenth of the income");
        lines.push(Line { id: "A5", what, unit: "found %", scores: vec![("hap", found)], limit: Limit::AtMost(15.0) });
    }
    Ok(lines)
}

/// What a group carries (SDC-230).
fn a15(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let found = guesses(options, zone, groups::CARRIED.len(), false, |answer, field| {
        groups::secrets(answer, &field.register, &field.targets, field.seed)
    })?;
    let secret = |scores: Vec<(&'static str, Score)>, (statistic, have_it, _): (&str, usize, f64)| Line {
        id: "A15",
        what: format!(
            "the secret of a person in the {statistic} that her group carries; {have_it} of 12 others have it"
        ),
        unit: ACCURACY,
        scores,
        limit: Limit::AtMost(60.0),
    };
    let mut lines: Vec<Line> =
        found.into_iter().zip(groups::CARRIED).map(|(scores, carried)| secret(scores, carried)).collect();
    let found = guesses(options, zone, groups::OUTLIERS.len(), false, |answer, field| {
        groups::outliers(answer, &field.register, &field.targets)
    })?;
    lines.extend(found.into_iter().zip(&groups::OUTLIERS).map(|(scores, outlier)| Line {
        id: "A15",
        what: format!("the secret of a person as an outlier that is invented; {}", outlier.what),
        unit: ACCURACY,
        scores,
        limit: Limit::AtMost(60.0),
    }));
    let field = Field::new(options, 1, options.targets, zone, true)?;
    let exact = |name: &str| name == "none" || name == "hap";
    let asked: Vec<&dyn Answer> = field.answers.iter().map(|a| &**a).filter(|a| exact(a.name())).collect();
    let mut incomes = [Vec::new(), Vec::new(), Vec::new()];
    let mut extremes = Vec::new();
    for answer in asked {
        let found = groups::incomes(answer, &field.register, &field.targets, field.seed)?;
        for (line, found) in incomes.iter_mut().zip(found) {
            line.push((answer.name(), Score::share(found.iter().filter(|hit| **hit).count(), found.len())));
        }
        let (equal, all) = groups::extremes(answer, &field.register)?;
        extremes.push((answer.name(), Score::share(equal, all)));
    }
    let from =
        ["the sum that her group carries", "the mean that her group carries", "a regression on who is in her group"];
    for (scores, from) in incomes.into_iter().zip(from) {
        let what = format!("her income from {from}; within a tenth");
        lines.push(Line { id: "A15", what, unit: "found %", scores, limit: Limit::AtMost(15.0) });
    }
    let what = "extremes that groups carry which are somebody's income".to_owned();
    lines.push(Line { id: "A15", what, unit: "equal %", scores: extremes, limit: Limit::AtMost(0.0) });
    Ok(lines)
}

fn a8(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let found = guesses(options, zone, 1, false, |answer, field| {
        Ok(vec![analyses::curves(answer, &field.register, &field.targets, field.seed)?])
    })?;
    let line = |scores: Vec<(&'static str, Score)>| Line {
        id: "A8",
        what: "survival curves with and without the target".to_owned(),
        unit: ACCURACY,
        scores,
        limit: Limit::AtMost(53.0),
    };
    Ok(found.into_iter().map(line).collect())
}

fn a9(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let field = Field::new(options, 1, 2, zone, false)?;
    let number = if options.full { 500 } else { 100 };
    let scripts = structure::small_populations(&field.register, &mut Dice::new(9), number);
    let mut refused = 0;
    for (i, script) in scripts.iter().enumerate() {
        let answers = field.answers[0].ask(counts::ACCOUNTS[i % 4], script)?;
        if structure::refused(&answers) {
            refused += 1;
        } else {
            note(&format!(
                "A9 not refused: {:?} {}",
                answers.codes,
                script.lines().skip(10).collect::<Vec<_>>().join("; ")
            ));
        }
    }
    let scores = vec![("hap", Score::exact(100.0 * refused as f64 / scripts.len() as f64))];
    let what = format!("{number} roads to small populations and edits");
    Ok(vec![Line { id: "A9", what, unit: "refused %", scores, limit: Limit::AtLeast(100.0) }])
}

fn a11(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let (mut cases, mut simple) =
        (vec![Vec::new(); structure::PROBES.len()], vec![Vec::new(); structure::PROBES.len()]);
    for seed in 1..=options.seeds {
        let field = Field::new(options, seed, options.targets, zone, seed == 1)?;
        // The same installation with the same persons, and other secrets of the targets.
        let turned = field.register.turned(&field.targets);
        let turned = Field::of(options, seed, (turned, field.targets.clone()), zone, seed == 1)?;
        for (answer, other) in field.answers.iter().zip(&turned.answers) {
            let into = match answer.name() {
                "hap" => &mut cases,
                "suppression < 10" => &mut simple,
                _ => continue,
            };
            let (here, there) = ((&**answer, &field.register), (&**other, &turned.register));
            let found = structure::probe(here, there, &field.targets)?;
            into.iter_mut().zip(found).for_each(|(all, found)| all.extend(found));
        }
    }
    let worst = |cases: &[Vec<[structure::Case; 2]>], of: fn(&[[structure::Case; 2]]) -> f64| {
        let areas = cases.iter().map(|c| of(c)).zip(structure::PROBES);
        areas.map(|(area, (name, _))| (area, name)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.5, ""))
    };
    for (cases, (name, _)) in cases.iter().zip(structure::PROBES) {
        note(&format!(
            "A11 {name}: {:.3}, time {:.3}",
            structure::area_of_outcomes(cases),
            structure::area_of_times(cases)
        ));
    }
    // The standard error of an area of one half over so many pairs of which half were learnt from.
    let n = cases[0].len() as f64 / 2.0;
    let error = ((2.0 * n + 1.0) / (12.0 * n * n)).sqrt();
    let score = |area: f64| Score { value: area, error };
    let (answers, times) = (worst(&cases, structure::area_of_outcomes), worst(&cases, structure::area_of_times));
    let line = |what: String, scores, limit| Line { id: "A11", what, unit: "AUC", scores, limit };
    Ok(vec![
        line(
            format!(
                "{} pairs: what refusals and hidden cells tell, worst of {} probes ({})",
                cases[0].len(),
                cases.len(),
                answers.1
            ),
            vec![("suppression < 10", score(worst(&simple, structure::area_of_outcomes).0)), ("hap", score(answers.0))],
            Limit::AtMost(0.55),
        ),
        line("time before its slot".to_owned(), vec![("hap", score(times.0))], Limit::Told),
    ])
}

fn a12(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let field = Field::new(options, 1, 2, zone, true)?;
    let (mut scores, mut over_linked) = (Vec::new(), Vec::new());
    for answer in field.answers.iter().filter(|a| matches!(a.name(), "suppression < 10" | "rounding to 5" | "hap")) {
        let noise = match answer.name() {
            "hap" => 5.0,
            "rounding to 5" => 2.0,
            _ => 0.0,
        };
        let (found, hidden) = structure::pinned(&**answer, &field.register, noise)?;
        scores.push((answer.name(), Score::share(found, hidden)));
        let (found, hidden) = linked::pinned(&**answer, &field.register, noise)?;
        over_linked.push((answer.name(), Score::share(found, hidden)));
    }
    let line = |what: &str, scores| Line {
        id: "A12",
        what: what.to_owned(),
        unit: "pinned %",
        scores,
        limit: Limit::AtMost(0.0),
    };
    Ok(vec![
        line("hidden cells from their margins", scores),
        line("hidden cells of tables of three attributes, their margins and a grouping above them", over_linked),
    ])
}

fn a13(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let (field, other) = (Field::new(options, 1, 2, zone, false)?, Field::new(options, 2, 2, zone, false)?);
    let leaks = structure::beside(&*field.answers[0], &field.register, &*other.answers[0])?;
    leaks.iter().for_each(|leak| note(&format!("A13 {leak}")));
    let scores = vec![("hap", Score::exact(leaks.len() as f64))];
    let what = "order, extremes, errors, nobody or a few".to_owned();
    Ok(vec![Line { id: "A13", what, unit: "leaks", scores, limit: Limit::AtMost(0.0) }])
}

fn a4(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    let small: &[usize] = if options.full { &[64, 256, 1024] } else { &[64, 256] };
    let large: &[usize] = if options.full { &[64, 256, 2400] } else { &[64] };
    for (group, queries, limit) in [(256, small, 72.0), (2400, large, 60.0)] {
        let mut sums: Vec<(&'static str, Vec<Vec<f64>>)> = Vec::new();
        for seed in 1..=options.seeds.min(5) {
            let field = Field::new(options, seed, 2, zone, seed == 1)?;
            for answer in &field.answers {
                let found = reconstruction::reconstruct(&**answer, &field.register, seed, group, queries)?;
                match sums.iter_mut().find(|(name, _)| *name == answer.name()) {
                    Some((_, all)) => all.push(found),
                    None => sums.push((answer.name(), vec![found])),
                }
            }
        }
        for (i, number) in queries.iter().enumerate() {
            let score = |all: &Vec<Vec<f64>>| {
                let mean = all.iter().map(|f| f[i]).sum::<f64>() / all.len() as f64;
                let p = mean / 100.0;
                Score { value: mean, error: 100.0 * (p * (1.0 - p) / (group * all.len()) as f64).sqrt() }
            };
            lines.push(Line {
                id: "A4",
                what: format!("reconstruction of {group} persons from {number} random subsets"),
                unit: "right %",
                scores: sums.iter().map(|(name, all)| (*name, score(all))).collect(),
                limit: Limit::AtMost(limit),
            });
        }
    }
    Ok(lines)
}

fn a6(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let (populations, copies) = if options.full { ([1, 20], 20) } else { ([1, 10], 10) };
    let mut sums: Vec<(&'static str, [Vec<bool>; 5])> = Vec::new();
    for seed in 1..=options.seeds {
        let field = Field::new(options, seed, options.targets, zone, seed == 1)?;
        for answer in field.answers.iter().filter(|a| matches!(a.name(), "none" | "cell key only" | "hap")) {
            let two =
                |asked| values::two_populations(&**answer, &field.register, &field.targets, seed, &populations, asked);
            let (means, totals) = (two(values::Asked::Means)?, two(values::Asked::Sums)?);
            let copied = values::copies(&**answer, &field.register, &field.targets, seed, copies)?;
            let found = [&means[0], &means[1], &copied, &totals[0], &totals[1]];
            if !sums.iter().any(|(name, _)| *name == answer.name()) {
                sums.push((answer.name(), Default::default()));
            }
            for (_, all) in sums.iter_mut().filter(|(name, _)| *name == answer.name()) {
                all.iter_mut().zip(found).for_each(|(all, found)| all.extend(found));
            }
        }
    }
    let names = [
        "two means, 1 population".to_owned(),
        format!("two means, {} populations", populations[1]),
        format!("{copies} copies of the column in one population"),
        "two sums, 1 population".to_owned(),
        format!("two sums, {} populations", populations[1]),
    ];
    let line = |(i, what): (usize, String)| Line {
        id: "A6",
        what: format!("{what}; within a tenth of the income"),
        unit: "found %",
        scores: sums
            .iter()
            .map(|(name, all)| (*name, Score::share(all[i].iter().filter(|hit| **hit).count(), all[i].len())))
            .collect(),
        limit: Limit::AtMost(if matches!(i, 0 | 3) { 15.0 } else { 20.0 }),
    };
    Ok(names.into_iter().enumerate().map(line).collect())
}

fn a7(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let field = Field::new(options, 1, 2, zone, true)?;
    let mut scores = Vec::new();
    for answer in field.answers.iter().filter(|a| matches!(a.name(), "none" | "hap")) {
        let (equal, all) = values::order_statistics(&**answer, &field.register, 1, 60)?;
        scores.push((answer.name(), Score::share(equal, all)));
    }
    let what = "percentiles of 60 populations that equal somebody's income".to_owned();
    Ok(vec![Line { id: "A7", what, unit: "equal %", scores, limit: Limit::AtMost(1.0) }])
}

fn a14(options: &Options, zone: &TestZone) -> Result<Vec<Line>, Failure> {
    let short = reconstruction::Search { generations: 8, genomes: 4, children: 4, queries: 3, trial: 16, shadows: 64 };
    let full =
        reconstruction::Search { generations: 200, genomes: 25, children: 8, queries: 4, trial: 32, shadows: 3000 };
    let asked = if options.full { full } else { short };
    let asked =
        options.search.map_or(asked, |(generations, shadows)| reconstruction::Search { generations, shadows, ..full });
    let mut sums: Vec<(&'static str, Guesses, reconstruction::Bred)> = Vec::new();
    let mut what = String::new();
    for seed in 1..=options.seeds {
        let field = Field::new(options, seed, options.targets, zone, seed == 1 && !options.ours)?;
        for answer in field.answers.iter().filter(|a| matches!(a.name(), "suppression < 10" | "cell key only" | "hap"))
        {
            // The queries are bred over the first register and asked about targets of all; the other mechanisms fall to
            // the short search.
            if seed == 1 {
                let how = if answer.name() == "hap" { asked } else { short };
                let bred = reconstruction::breed(&**answer, &field.register, &field.targets, seed, how)?;
                sums.push((answer.name(), Guesses::default(), bred));
            }
            for (_, sum, bred) in sums.iter_mut().filter(|(name, ..)| *name == answer.name()) {
                sum.join(&bred.guess(&**answer, &field.register, &field.targets)?);
                let reconstruction::Search { generations, shadows, .. } = asked;
                what = format!(
                    "search: {} queries a target, {generations} generations, {shadows} shadows",
                    bred.queries()
                );
            }
        }
    }
    let scores = sums.iter().map(|(name, sum, _)| (*name, sum.score())).collect();
    Ok(vec![Line { id: "A14", what, unit: ACCURACY, scores, limit: Limit::AtMost(60.0) }])
}

fn utility(options: &Options, zone: &TestZone) -> Result<Utility, Failure> {
    let (seeds, before, tables) = if options.full { (2, 100_000, 300) } else { (options.seeds, 3_000, 40) };
    let before = options.before.unwrap_or(before);
    let mut all = Utility::default();
    for seed in 1..=seeds {
        let field = Field::new(options, seed, 2, zone, false)?;
        all.join(utility::measure(&*field.answers[0], &field.register, seed, before, tables)?);
    }
    for (class, (_, name)) in utility::CLASSES.iter().enumerate() {
        let (absolute, bias) = all.error(class);
        note(&format!(
            "utility {name}: mean absolute error {absolute:.2}, bias {bias:+.2}, cells {}",
            all.counts[class].0
        ));
    }
    note(&format!(
        "utility means: median error {:.3} %, winsorised {:.3} %",
        utility::median(&all.means),
        utility::median(&all.winsorised)
    ));
    Ok(all)
}

#[expect(clippy::print_stderr, reason = "progress of a command line program")]
fn note(text: &str) {
    eprintln!("{text}");
}
