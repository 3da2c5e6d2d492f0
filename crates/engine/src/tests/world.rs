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

/// A generator of pseudo-random numbers that is the same everywhere.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number from 0 to `n` less one.
    pub(super) fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub(super) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
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
    Some(CodeList { periods: vec![CodePeriod { from: None, until: None, codes: codes.collect() }], ..CodeList::default() })
}

pub(super) fn text(value: &str) -> Literal {
    Literal::Text(value.into())
}

pub(super) fn fact(unit: u32, value: Literal, start: Option<&str>, stop: Option<&str>) -> Fact {
    Fact { unit, value, start: start.map(day), stop: stop.map(day) }
}

/// A random world of `persons` persons and twice as many episodes.
pub(super) fn random(seed: u64, persons: u32) -> MemorySource {
    let mut dice = Dice(seed);
    let mut sex = info("KJOENN", "PERSON", Temporality::Fixed, DataType::Text);
    sex.code_list = codes(&[("1", "Mann"), ("2", "Kvinne"), ("9!", "Ukjent")]);
    let born = info("FOEDT", "PERSON", Temporality::Fixed, DataType::Date);
    let mut place = info("KOMMUNE", "PERSON", Temporality::Event, DataType::Text);
    place.code_list = codes(&[("5001", "Trondheim"), ("0301", "Oslo"), ("4601", "Bergen")]);
    let income = info("INNTEKT", "PERSON", Temporality::Accumulated, DataType::Integer);
    let weight = info("VEKT", "PERSON", Temporality::Fixed, DataType::Decimal);
    let mut level = info("NIVAA", "PERSON", Temporality::Status, DataType::Integer);
    level.status_dates = vec![day("2020-01-01"), day("2021-01-01")];
    level.code_list = codes(&[("1", "Lav"), ("2", "Middels"), ("3", "Høy"), ("-1!", "Ikke svart")]);
    let diagnosis = info("DIAGNOSE", "NPR_EPISODE", Temporality::Fixed, DataType::Text);

    let mut facts: [Vec<Fact>; 6] = Default::default();
    for p in 0..persons {
        if dice.roll(10) > 0 {
            facts[0].push(fact(p, text(dice.pick(&["1", "2", "2", "9"])), None, None));
        }
        if dice.roll(8) > 0 {
            facts[1].push(fact(p, Literal::Integer(dice.roll(30_000) as i64 - 15_000), None, None));
        }
        // Spells that touch the day on which scripts read them, at either end, or that are open.
        let ends = ["2019-12-31", "2020-01-01", "2020-01-02", "2021-06-30"];
        let end = dice.roll(5) as usize;
        if dice.roll(6) > 0 {
            let stop = ends.get(end).copied();
            facts[2].push(fact(p, text(dice.pick(&["5001", "0301", "4601", "1601"])), Some("2010-05-01"), stop));
            if let (Some(stop), true) = (stop, dice.roll(2) == 0) {
                let next = day(stop).plus_days(1);
                facts[2].push(Fact { unit: p, value: text("0301"), start: Some(next), stop: None });
            }
        }
        for year in ["2019", "2020"] {
            if dice.roll(4) > 0 {
                let (from, to) = (format!("{year}-01-01"), format!("{year}-12-31"));
                let amount = dice.roll(900_000) as i64 - 50_000;
                facts[3].push(fact(p, Literal::Integer(amount), Some(&from), Some(&to)));
            }
        }
        if dice.roll(5) > 0 {
            facts[4].push(fact(p, Literal::Decimal(dice.roll(2000) as f64 / 16.0 - 20.0), None, None));
        }
        for at in ["2020-01-01", "2021-01-01"] {
            if dice.roll(4) > 0 {
                facts[5].push(fact(p, Literal::Integer([1, 2, 3, -1][dice.roll(4) as usize]), Some(at), Some(at)));
            }
        }
    }
    let episodes = persons * 2;
    let pointer = (0..episodes).map(|_| if persons == 0 { u32::MAX } else { dice.roll(u64::from(persons)) as u32 });
    let pointer: Vec<u32> = pointer.collect();
    let visits = (0..episodes).map(|e| fact(e, text(dice.pick(&["A00", "B20", "C50"])), None, None)).collect();
    let [f0, f1, f2, f3, f4, f5] = facts;
    MemorySource::new(true)
        .space("FNR", persons, &[0x11; 32])
        .space("NPR_EPISODE_ID", episodes, &[0x11; 32])
        .pointer("NPR_EPISODE_ID", pointer)
        .variable(sex, f0)
        .variable(born, f1)
        .variable(place, f2)
        .variable(income, f3)
        .variable(weight, f4)
        .variable(level, f5)
        .variable(diagnosis, visits)
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

pub(super) fn run(source: MemorySource, script: &str) -> Finished {
    let program = plan(&source, script);
    let cache = Arc::new(ImportCache::new(1 << 30));
    let mut run = Run::new(Arc::new(source), cache, Parameters::default(), Language::Nb);
    let mut outcomes = Vec::new();
    for step in &program.steps {
        let outcome = run.execute(step, &Unattended);
        run.accept();
        let stop = outcome.is_err();
        outcomes.push(outcome);
        if stop {
            break;
        }
    }
    Finished { run, outcomes }
}
