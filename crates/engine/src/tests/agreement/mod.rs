//! ENG-040: random worlds, random scripts; the engine, on one thread and on two, and the reference interpreter have the
//! same datasets after every statement and give the same raw results. What differs is cut down to a minimal script.

mod compare;
mod observe;
mod shrink;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::Language;
use script::program::{Action, Name, RowUnit, Step};
use script::{Code, Program, Settings};

use super::reference::{Continuous, Found, Frame, Reference};
use super::world::judged;
use crate::keys::RecordKeys;
use crate::memory::MemorySource;
use crate::random::{self, Dice, Script};
use crate::raw::RawSummaryRow;
use crate::source::VariableSource as _;
use crate::{ImportCache, Outcome, Parameters, Run, RunError, SourceCatalogue, Unattended};
use compare::Checked;

/// One comparison: a world and a script over it.
#[derive(Clone, Debug)]
struct Case {
    world: u64,
    size: u32,
    script: Script,
}

impl Case {
    fn random(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        // Most worlds are small; some have hardly anyone (ENG-041).
        let size = [0, 1, 2, 5, 12, 30, 30, 60, 60, 90][dice.roll(10)];
        let world = dice.bits();
        let source = random::world(world, size);
        let length = 3 + dice.roll(20);
        Self { world, size, script: random::script(&mut dice, &source, length) }
    }

    /// Carries the script out three times. `Ok` also when the script is not valid.
    fn check(&self, seen: &mut Coverage) -> Checked {
        let source = Arc::new(random::world(self.world, self.size));
        let Some(program) = self.script.plan(&*source) else { return Ok(()) };
        let work = || carry_out(&source, &program, seen);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(format!(
                "panic: {}",
                text.or(panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
            ))
        })
    }
}

/// What was met: statements by command, and errors by code.
#[derive(Clone, Default, Debug)]
struct Coverage {
    commands: BTreeMap<String, usize>,
    errors: BTreeMap<String, usize>,
    /// Commands that the engine says it has not got yet (`E605`).
    not_built: BTreeSet<String>,
}

struct Engine {
    run: Run,
    threads: rayon::ThreadPool,
}

impl Engine {
    fn new(source: &Arc<MemorySource>, threads: usize) -> Self {
        let cache = Arc::new(ImportCache::new(1 << 30));
        let run = Run::new(Arc::<MemorySource>::clone(source), cache, Parameters::default(), Language::Nb);
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        Self { run, threads }
    }

    fn execute(&mut self, step: &Step) -> Result<Outcome, RunError> {
        let Self { run, threads } = self;
        let outcome = judged(run, |run| threads.install(|| run.execute(step, &Unattended)));
        self.run.accept();
        outcome
    }
}

fn carry_out(source: &Arc<MemorySource>, program: &Program, seen: &mut Coverage) -> Checked {
    let keys = RecordKeys::derive(&[0x11; 32], source.space_size("FNR").max(source.space_size("KOMMUNE")));
    let (mut one, mut two) = (Engine::new(source, 1), Engine::new(source, 2));
    let mut reference = Reference::default();
    for step in &program.steps {
        let word = step.text.split(' ').next().unwrap_or_default().to_owned();
        let before = reference.clone();
        let (outcome, other) = (one.execute(step), two.execute(step));
        let bits = |o: &Result<Outcome, RunError>| o.as_ref().map(observe::bits).map_err(ToString::to_string);
        if bits(&outcome) != bits(&other) {
            return Err(format!("one thread and two differ at: {}", step.text));
        }
        if let Err(RunError::Statement { code: Code::E605, .. }) = &outcome {
            seen.not_built.insert(word);
            return Ok(());
        }
        *seen.commands.entry(word).or_default() += 1;
        let expected = reference.step(source, step);
        let told = match (outcome, expected) {
            (Ok(outcome), Ok(found)) => result(&outcome, &found, step, &before, &reference, &keys),
            (Err(RunError::Statement { code, .. }), expected) => {
                *seen.errors.entry(format!("{code:?}")).or_default() += 1;
                let agreed = if may_fail(code, step, &before) { Ok(()) } else { agreed(code, expected) };
                // A table that is refused makes nothing, so the script can go on; of any other statement something is
                // missing that the plan counts on.
                if !matches!(code, Code::E304 | Code::E601) || agreed.is_err() {
                    return agreed.map_err(|what| format!("{}: {what}", step.text));
                }
                reference = before;
                Ok(())
            }
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), Err(code)) => Err(format!("no error, expected {code:?}")),
        };
        told.and_then(|()| state(&one.run, &two.run, &mut reference))
            .map_err(|what| format!("{}: {what}", step.text))?;
    }
    Ok(())
}

/// Whether a statement may fail for a cause that does not lie in the rows.
fn may_fail(code: Code, step: &Step, before: &Reference) -> bool {
    let frame = |name: &Name| before.frames.get(name);
    let without_units = |name: &Name| frame(name).is_some_and(|f| f.unit.is_none());
    match &step.action {
        // A dataset that no import has given units is not suitable for anything that looks at rows.
        Action::Merge(plan) if without_units(&plan.source) || without_units(&plan.target) => {
            matches!(code, Code::E202 | Code::E312)
        }
        // LANG-245: where a code list can decide it decides.
        Action::Destring(_) if code == Code::E305 => {
            let columns = step.dataset.as_ref().and_then(frame).into_iter().flat_map(|f| f.columns.values());
            columns.into_iter().any(|c| c.labels.is_some())
        }
        _ => code == Code::E202 && step.dataset.as_ref().is_some_and(without_units),
    }
}

/// Whether the engine may end a statement with this error.
fn agreed(code: Code, expected: Result<Found, Code>) -> Checked {
    match expected {
        Err(wanted) if wanted == code => Ok(()),
        // LANG-245: these are decided on more than the rows that are left.
        Ok(Found::Table(t)) if code == Code::E304 && t.continuous == Some(Continuous::Maybe) => Ok(()),
        Ok(Found::Chart(t)) if code == Code::E304 && t.iter().any(|t| t.continuous == Some(Continuous::Maybe)) => {
            Ok(())
        }
        // A variable with too many values makes too many cells too.
        Err(Code::E304 | Code::E601) if matches!(code, Code::E304 | Code::E601) => Ok(()),
        Err(wanted) => Err(format!("{code:?}, expected {wanted:?}")),
        Ok(_) => Err(format!("{code:?}, expected no error")),
    }
}

/// All datasets, of both engines and of the reference.
fn state(one: &Run, two: &Run, reference: &mut Reference) -> Checked {
    for (name, frame) in &mut reference.frames {
        let mut seen = observe::dataset(one, name).ok_or_else(|| format!("there is no dataset {name}"))?;
        let other = observe::dataset(two, name).ok_or_else(|| format!("there is no dataset {name}"))?;
        let rows = |s: &observe::Seen| format!("{:?}", s.rows.iter().map(|r| (&r.key, &r.cells)).collect::<Vec<_>>());
        if rows(&seen) != rows(&other) {
            return Err(format!("one thread and two differ in {name}"));
        }
        compare::dataset(name, &mut seen, frame)?;
    }
    Ok(())
}

/// The raw result of a statement.
fn result(
    outcome: &Outcome,
    found: &Found,
    step: &Step,
    before: &Reference,
    after: &Reference,
    keys: &RecordKeys,
) -> Checked {
    let of_values = |frame: &Frame| matches!(frame.unit, Some(RowUnit::Keys(_)));
    let active = step.dataset.as_ref().and_then(|name| before.frames.get(name));
    let counted = Some(keys).filter(|_| !active.is_some_and(of_values));
    match (outcome, found) {
        (Outcome::Table(raw), Found::Table(expected)) => compare::table(raw.peek(), expected, counted),
        (Outcome::Chart(raw), Found::Chart(expected)) if raw.peek().tables.len() == expected.len() => {
            let tables = raw.peek().tables.iter().zip(expected);
            tables.into_iter().try_for_each(|(raw, expected)| compare::table(raw, expected, counted))
        }
        (Outcome::Summary(raw), Found::Summary(expected)) => {
            let rows: Vec<_> = raw.peek().rows.iter().collect();
            compare::summary(&rows, expected, counted)
        }
        (Outcome::Summary(raw), Found::SummaryPanel(expected)) => {
            let rows = &raw.peek().rows;
            let variables = expected.first().map_or(0, |(_, s)| s.len());
            if rows.len() != expected.len() * variables {
                return Err(format!("{} rows, expected {} occasions", rows.len(), expected.len()));
            }
            expected.iter().try_for_each(|(code, summary)| {
                let at = |r: &&RawSummaryRow| r.occasion.as_ref().is_some_and(|o| o.code == *code);
                compare::summary(&rows.iter().filter(at).collect::<Vec<_>>(), summary, counted)
            })
        }
        (Outcome::Population(raw), Found::Nothing) => {
            let raw = raw.peek();
            let frame = &after.frames[raw.dataset.as_str()];
            let (units, rows) = (compare::units(frame) as u64, frame.rows.len() as u64);
            if (raw.units, raw.rows) != (units, rows) {
                return Err(format!("{} units in {} rows, expected {units} in {rows}", raw.units, raw.rows));
            }
            // SDC-140: a population is judged by its persons, also where rows are about values.
            compare::persons("the population", &raw.set, &compare::people(frame), Some(keys))
        }
        (Outcome::Edits(edits), Found::Nothing) => {
            let frame = active.ok_or("no dataset")?;
            for (edit, (touched, untouched)) in edits.iter().zip(frame.touched(&step.action)) {
                let edit = edit.peek();
                compare::persons("those touched", &edit.touched, &compare::members(frame, &touched), counted)?;
                compare::persons("the others", &edit.untouched, &compare::members(frame, &untouched), counted)?;
            }
            Ok(())
        }
        (Outcome::Done | Outcome::Text(_), Found::Nothing) => Ok(()),
        _ => Err("another kind of result than expected".to_owned()),
    }
}

/// Compares case after case from `seed`, while `more` says so. Tells every kind of difference once, up to a few.
fn compare_from(seed: u64, mut more: impl FnMut(u64) -> bool) -> Coverage {
    let mut seen = Coverage::default();
    let mut differences: BTreeMap<String, String> = BTreeMap::new();
    let mut number = 0;
    while more(number) && differences.len() < MOST_DIFFERENCES {
        let case = Case::random(seed.wrapping_add(number));
        if let Err(what) = case.check(&mut seen) {
            let command = what.split(' ').next().unwrap_or_default().to_owned();
            let told = || format!("seed {}: {what}\n{}\n", seed.wrapping_add(number), shrink::smallest(&case));
            differences.entry(command).or_insert_with(told);
        }
        number += 1;
    }
    let told: Vec<String> = differences.into_values().collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    seen
}

/// After so many kinds of difference a run ends.
const MOST_DIFFERENCES: usize = 12;

/// What the comparison is about: a run that meets less of it has lost its generator.
const EVERY_COMMAND: &str = "require create-dataset delete-dataset use clone-dataset clone-units rename-dataset \
    reshape-to-panel reshape-from-panel import import-event import-panel generate replace rename clone-variables drop keep \
    aggregate collapse merge recode destring sample define-labels assign-labels drop-labels harmonise summarize \
    summarize-panel tabulate tabulate-panel barchart";

/// Cases of a run of the tests; `cargo xtask fuzz engine --seconds N` goes on for longer, from another seed.
const CASES: u64 = 6000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn fuzz(seed: u64) -> Coverage {
    let seed = setting("HAP_FUZZ_SEED").unwrap_or(seed);
    let started = std::time::Instant::now();
    match setting("HAP_FUZZ_SECONDS") {
        Some(seconds) => compare_from(seed, |_| started.elapsed().as_secs() < seconds),
        None => compare_from(seed, |number| number < CASES),
    }
}

/// ENG-040, ENG-034, ENG-041, LANG-373.
#[test]
fn eng_040_fuzz_engine() {
    let seen = fuzz(1);
    println!("{seen:#?}");
    assert!(seen.not_built.is_empty(), "{:?} cannot be run yet", seen.not_built);
    let missing: Vec<&str> = EVERY_COMMAND.split(' ').filter(|w| !seen.commands.contains_key(*w)).collect();
    assert!(missing.is_empty(), "no script had {missing:?}");
}

/// Section 7.2: a statement with one mistake gets the code of that mistake, and nothing else does.
#[test]
fn lang_093_a_mistake_has_its_code() {
    let mut met = BTreeSet::new();
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let source = random::world(seed, 5);
        let length = dice.roll(8);
        let (script, code) = random::mistaken(&mut dice, &source, length);
        let checked = script::compile(&script.text(), &SourceCatalogue(&source), &Settings::default());
        let found: Vec<Code> = checked.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code).collect();
        assert_eq!(found, [code], "{}", script.text());
        met.insert(format!("{code:?}"));
    }
    assert!(met.len() > 12, "{met:?}");
}

/// LANG-374: edits leave a valid script, and another one.
#[test]
fn lang_374_edited_scripts_are_valid() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let source = random::world(seed, 5);
        let script = random::script(&mut dice, &source, 8);
        let next = random::edited(&mut dice, &source, &script);
        assert!(next != script && next.plan(&source).is_some(), "{}", next.text());
    }
}

/// ENG-034: a world of several chunks gives the same bits on one thread and on two.
#[test]
fn eng_034_several_chunks_on_several_threads() {
    let source = Arc::new(random::world(7, 40_000));
    for seed in 0..6 {
        let mut dice = Dice::new(seed);
        let script = random::script(&mut dice, &*source, 10);
        let program = script.plan(&*source).unwrap();
        let (mut one, mut two) = (Engine::new(&source, 1), Engine::new(&source, 2));
        for step in &program.steps {
            let bits = |o: Result<Outcome, RunError>| o.as_ref().map(observe::bits).map_err(ToString::to_string);
            assert_eq!(bits(one.execute(step)), bits(two.execute(step)), "{}\n{}", step.text, script.text());
        }
    }
}

/// A script on which engine and reference interpreter once differed.
fn agree(script: &[&str]) {
    for (world, size) in (0..20).map(|seed| (seed, 12)) {
        let statements = ["require no.test:1 as db", "create-dataset d"].iter().chain(script);
        let script = Script { statements: statements.map(|s| (*s).to_owned()).collect() };
        let case = Case { world, size, script };
        assert!(case.script.plan(&random::world(world, size)).is_some(), "the script is valid");
        assert_eq!(case.check(&mut Coverage::default()), Ok(()), "{}", case.script.text());
    }
}

/// LANG-146: codes that the labels lack are no numbers either; they do not go missing in silence.
#[test]
fn lang_146_labels_do_not_hide_a_text_that_is_no_number() {
    agree(&["import db/AVDELING 2019-12-31 as a", "define-labels l '1' En '2' To", "assign-labels a l", "destring a"]);
    agree(&["import db/NOTAT as a", "define-labels l '1' En", "assign-labels a l", "destring a, force"]);
}
