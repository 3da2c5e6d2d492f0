//! Small worlds to run scripts in: a few variables of every temporality over persons, and episodes that point to them.

use std::sync::Arc;

use kernel::{Date, LangMap, Language};
use script::program::{Literal, Program};
use script::{CodeEntry, CodeList, CodePeriod, DataType, Settings, Temporality, UnitType, VariableInfo};

use crate::memory::{Fact, MemorySource};
use crate::{ImportCache, Outcome, Parameters, Run, RunError, SourceCatalogue, Unattended};

pub(super) const STORE: &str = "no.test";
pub(super) const HEAD: &str = "require no.test:1 as db\ncreate-dataset d\n";

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn info(name: &str, unit: &str, temporality: Temporality, data_type: DataType) -> VariableInfo {
    VariableInfo {
        store: STORE.into(),
        version: "1.0.0.0".into(),
        name: name.into(),
        title: LangMap::of(name, name, name),
        description: LangMap::default(),
        unit_type: Arc::new(UnitType::built_in(unit).unwrap()),
        temporality,
        data_type,
        covered_from: Some(day("2000-01-01")),
        covered_until: None,
        status_dates: Vec::new(),
        code_list: None,
    }
}

/// A list that always holds; a code ending in `!` is a sentinel.
pub(super) fn codes(entries: &[(&str, &str)]) -> Option<CodeList> {
    let codes = entries.iter().map(|(code, label)| CodeEntry {
        code: code.trim_end_matches('!').into(),
        label: LangMap::of(label, label, label),
        missing: code.ends_with('!'),
    });
    Some(CodeList {
        periods: vec![CodePeriod { from: None, until: None, codes: codes.collect() }],
        ..CodeList::default()
    })
}

pub(super) fn text(value: &str) -> Literal {
    Literal::Text(value.into())
}

pub(super) fn fact(unit: u32, value: Literal, start: Option<&str>, stop: Option<&str>) -> Fact {
    Fact { unit, value, start: start.map(day), stop: stop.map(day) }
}

/// The plan of a script; fails on any error.
pub(super) fn plan(source: &MemorySource, script: &str) -> Program {
    let checked = script::compile(script, &SourceCatalogue(source), &Settings::default());
    let errors: Vec<String> =
        checked.diagnostics.iter().filter(|d| d.is_error()).map(|d| format!("{d} {:?}", d.hint)).collect();
    assert!(errors.is_empty(), "{errors:?}\n{script}");
    checked.program.unwrap()
}

/// A finished run: what every statement gave, everything accepted.
pub(super) struct Finished {
    pub(super) run: Run,
    pub(super) outcomes: Vec<Result<Outcome, RunError>>,
}

impl Finished {
    /// What the last statement gave.
    pub(super) fn last(self) -> Outcome {
        self.outcomes.into_iter().next_back().unwrap().unwrap()
    }
}

/// Carries out a statement in the place of a gate that says what is so: a cause that was found is the error.
pub(super) fn judged(
    run: &mut Run,
    execute: impl FnOnce(&mut Run) -> Result<Outcome, RunError>,
) -> Result<Outcome, RunError> {
    let (verdicts, then) = match execute(run)? {
        Outcome::Judged { verdicts, then } => (verdicts, then),
        Outcome::Groups(_) => return run.fill_exact(&Unattended),
        outcome => return Ok(outcome),
    };
    match verdicts.into_iter().find(|v| v.verdict.peek().rows > 0) {
        None => Ok(*then),
        Some(cause) => {
            run.refuse();
            Err(cause.error)
        }
    }
}

pub(super) fn run(source: MemorySource, script: &str) -> Finished {
    let program = plan(&source, script);
    let cache = Arc::new(ImportCache::new(1 << 30));
    let mut run = Run::new(Arc::new(source), cache, Parameters::default(), Language::Nb);
    let mut outcomes = Vec::new();
    for step in &program.steps {
        let outcome = judged(&mut run, |run| run.execute(step, &Unattended));
        run.accept();
        let stop = outcome.is_err();
        outcomes.push(outcome);
        if stop {
            break;
        }
    }
    Finished { run, outcomes }
}
