//! Commands one by one, at the edges that language.md names.

use std::sync::Arc;

use kernel::Language;
use script::program::Literal;
use script::{DataType, Temporality};

use super::world::{self, Finished, HEAD, codes, day, fact, info, run, text};
use crate::memory::MemorySource;
use crate::raw::{Keyed, RawTable};
use crate::{Control, ImportCache, Outcome, Parameters, Run, RunError, Stop, Unattended};

fn persons(size: u32) -> MemorySource {
    MemorySource::new(true).space("FNR", size, &[1; 32])
}

fn integers(name: &str, values: &[i64]) -> MemorySource {
    let facts = values.iter().enumerate().map(|(i, n)| fact(i as u32, Literal::Integer(*n), None, None)).collect();
    persons(values.len() as u32).variable(info(name, "PERSON", Temporality::Fixed, DataType::Integer), facts)
}

fn column(done: &Finished, name: &str) -> Vec<Option<f64>> {
    let data = &done.run.dataset("d").unwrap().column(name).unwrap().data;
    let v = data.read(0..data.len());
    (0..v.len()).map(|i| v.get(i).as_f64()).collect()
}

fn counts(table: &RawTable) -> Vec<u64> {
    table.cells.iter().map(|c| c.set.persons).collect()
}

/// LANG-144: the example of the specification.
#[test]
fn lang_144_recode_example() {
    let facts = [3, 8, 40].iter().enumerate().map(|(i, n)| fact(i as u32, Literal::Integer(*n), None, None)).collect();
    let all = (0..4).map(|i| fact(i, Literal::Integer(0), None, None)).collect();
    let source = persons(4)
        .variable(info("ALLE", "PERSON", Temporality::Fixed, DataType::Integer), all)
        .variable(info("A", "PERSON", Temporality::Fixed, DataType::Integer), facts);
    let script = format!(
        "{HEAD}import db/ALLE as alle\nimport db/A as a\nrecode a (missing = 0 'Ingen') (min/9 = 1) (10/max = 3 '>')\n"
    );
    let done = run(source, &script);
    assert_eq!(column(&done, "a"), [Some(1.0), Some(1.0), Some(3.0), Some(0.0)]);
    let Outcome::Edits(edits) = done.last() else { panic!("an edit") };
    assert_eq!((edits[0].peek().touched.persons, edits[0].peek().untouched.persons), (4, 0));
}

/// LANG-076, ENG-041: a spell covers its first and its last day; an open one goes on.
#[test]
fn lang_076_spells_at_their_edges() {
    let mut place = info("STED", "PERSON", Temporality::Event, DataType::Text);
    place.code_list = codes(&[("A", "a"), ("B", "b"), ("C", "c")]);
    let facts = vec![
        fact(0, text("A"), Some("2020-01-01"), Some("2020-06-30")),
        fact(0, text("B"), Some("2020-07-01"), None),
        fact(1, text("C"), Some("2020-06-30"), Some("2020-06-30")),
        fact(2, text("C"), Some("1850-01-01"), Some("2020-06-29")),
        fact(3, text("A"), Some("2020-07-01"), Some("2071-01-01")),
    ];
    for (at, expected) in [
        ("2020-06-30", vec![("A", 1), ("C", 1)]),
        ("2020-07-01", vec![("A", 1), ("B", 1)]),
        ("1850-01-01", vec![("C", 1)]),
        ("2070-12-31", vec![("A", 1), ("B", 1)]),
    ] {
        let source = persons(4).variable(place.clone(), facts.clone());
        let done = run(source, &format!("{HEAD}import db/STED {at} as s\ntabulate s\n"));
        let Outcome::Table(raw) = done.last() else { panic!("a table") };
        let table = raw.peek();
        let found: Vec<(&str, u64)> =
            table.dimensions[0].categories.iter().zip(counts(table)).map(|(c, n)| (c.code.as_str(), n)).collect();
        assert_eq!(found, expected, "{at}");
        assert_eq!(table.cells.last().unwrap().set.persons, expected.iter().map(|(_, n)| n).sum::<u64>());
    }
}

/// LANG-072: the first import fixes the population; later imports add no units.
#[test]
fn lang_072_later_imports_are_left_joins() {
    let some = |units: &[u32]| units.iter().map(|u| fact(*u, Literal::Integer(1), None, None)).collect::<Vec<_>>();
    let source = || {
        persons(5)
            .variable(info("A", "PERSON", Temporality::Fixed, DataType::Integer), some(&[0, 1, 2]))
            .variable(info("B", "PERSON", Temporality::Fixed, DataType::Integer), some(&[2, 3, 4]))
    };
    let done = run(source(), &format!("{HEAD}import db/A as a\nimport db/B as b\n"));
    assert_eq!(done.run.dataset("d").unwrap().mask.count(), 3);
    assert!(matches!(done.last(), Outcome::Done), "a left join leaves the population as it is");
    let done = run(source(), &format!("{HEAD}import db/A as a\nimport db/B as b, outer_join\n"));
    assert_eq!(done.run.dataset("d").unwrap().mask.count(), 5);
    let Outcome::Population(raw) = done.last() else { panic!("a population") };
    assert_eq!((raw.peek().units, raw.peek().set.persons, raw.peek().set.keyed), (5, 5, Keyed::Persons));
}

/// LANG-072, LANG-320: units whose code was split and left missing have a value at the time, so they are in the population.
#[test]
fn lang_320_split_codes_stay_in_the_population() {
    let mut place = info("STED", "PERSON", Temporality::Event, DataType::Text);
    place.code_list = codes(&[("A", "a"), ("B", "b"), ("C", "c")]);
    let split = |to: &str| script::Recoding {
        date: day("2021-01-01"),
        from: "A".to_owned(),
        to: to.to_owned(),
        share: Some(0.5),
    };
    place.code_list.as_mut().unwrap().changes = vec![split("B"), split("C")];
    let facts = ["A", "A", "B"].iter().enumerate();
    let facts = facts.map(|(i, c)| fact(i as u32, text(c), Some("2020-01-01"), None)).collect();
    let import = "import db/STED 2020-01-01 as sted, harmonise(to(2021-06-01) split(missing))\n";
    let done = run(persons(4).variable(place, facts), &format!("{HEAD}{import}"));
    let dataset = done.run.dataset("d").unwrap();
    assert_eq!(dataset.mask.count(), 3);
    assert!(!dataset.column("sted").unwrap().data.is_valid(0));
}

/// LANG-036: flagged codes keep their code, are left out of statistics, and stand in tables only with `missing`.
#[test]
fn lang_036_flagged_codes() {
    let mut level = info("NIVAA", "PERSON", Temporality::Fixed, DataType::Integer);
    level.code_list = codes(&[("1", "Lav"), ("2", "Høy"), ("-1!", "Ikke svart")]);
    let facts = [1, 1, 2, -1, -1].iter().enumerate();
    let facts: Vec<_> = facts.map(|(i, n)| fact(i as u32, Literal::Integer(*n), None, None)).collect();
    let source = || persons(5).variable(level.clone(), facts.clone());
    let table = |script: &str| {
        let Outcome::Table(raw) = run(source(), &format!("{HEAD}import db/NIVAA as n\n{script}")).last() else {
            panic!("a table")
        };
        let cells = counts(raw.peek());
        let codes = raw.peek().dimensions[0].categories.iter().map(|c| (c.code.clone(), c.missing)).collect::<Vec<_>>();
        (codes, cells, raw.peek().dropped_missing)
    };
    assert_eq!(table("tabulate n\n"), (vec![("1".into(), false), ("2".into(), false)], vec![2, 1, 3], 2));
    let (codes, cells, dropped) = table("tabulate n, missing\n");
    assert_eq!((codes.last(), cells, dropped), (Some(&("-1".to_owned(), true)), vec![2, 1, 2, 5], 0));
    let done = run(source(), &format!("{HEAD}import db/NIVAA as n\ngenerate m = sysmiss(n)\nsummarize n\n"));
    assert_eq!(column(&done, "m"), vec![Some(0.0); 5]);
    let Outcome::Summary(raw) = done.last() else { panic!("a summary") };
    assert_eq!((raw.peek().rows[0].magnitude.rows, raw.peek().rows[0].magnitude.plain.sum), (3, 4.0));
}

/// STAT-030, SDC-100, SDC-121: what a summary carries for the gate.
#[test]
fn a_summary_carries_limits_windows_and_largest_values() {
    let values: Vec<i64> = (1..=1000).collect();
    let done = run(integers("X", &values), &format!("{HEAD}import db/X as x\nkeep if x <= 100\nsummarize x, gini\n"));
    let Outcome::Summary(raw) = done.last() else { panic!("a summary") };
    let (measure, m) = (&raw.peek().rows[0].measure, &raw.peek().rows[0].magnitude);
    // Limits are those of the whole variable, not of the subgroup (SDC-101).
    assert_eq!((measure.limits, measure.light_tails), (Some((11.0, 990.0)), true));
    assert_eq!(measure.origin, ["X"]);
    assert_eq!((m.plain.mean, m.plain.sum, m.largest), (Some(50.5), 5050.0, [100.0, 99.0]));
    assert_eq!(m.clamped.sum, 5050.0 + (1..11).map(|x| f64::from(11 - x)).sum::<f64>());
    let median = m.percentiles.iter().find(|p| p.p == 50.0).unwrap();
    assert_eq!((median.exact, median.around.len()), (50.5, 10));
    assert!(m.plain.gini.is_some_and(|g| (g - 0.33).abs() < 1e-12));
}

/// ENG-038: cells of episodes count persons, and margins too.
#[test]
fn eng_038_episodes_count_the_persons_behind_them() {
    let mut diagnosis = info("DIAGNOSE", "NPR_EPISODE", Temporality::Fixed, DataType::Text);
    diagnosis.code_list = codes(&[("A", "a"), ("B", "b")]);
    let facts = ["A", "A", "B", "B"].iter().enumerate().map(|(i, c)| fact(i as u32, text(c), None, None)).collect();
    let source = persons(3)
        .space("NPR_EPISODE_ID", 4, &[1; 32])
        .pointer("NPR_EPISODE_ID", vec![0, 0, 0, 2])
        .variable(diagnosis, facts);
    let done = run(source, &format!("{HEAD}import db/DIAGNOSE as diag\ntabulate diag\n"));
    let Ok(Outcome::Population(population)) = &done.outcomes[2] else { panic!("a population") };
    assert_eq!((population.peek().units, population.peek().set.persons), (4, 2));
    let Outcome::Table(raw) = done.last() else { panic!("a table") };
    let cells: Vec<(u64, u64)> = raw.peek().cells.iter().map(|c| (c.rows, c.set.persons)).collect();
    assert_eq!(cells, [(2, 1), (2, 2), (4, 2)]);
}

/// LANG-163: continuous variables are no dimensions; ENG-035: a table or a run that is too large is refused.
#[test]
fn continuous_columns_and_large_tables_are_refused() {
    let values: Vec<i64> = (0..300).collect();
    let source = || integers("X", &values);
    let failed = |source: MemorySource, script: &str| {
        run(source, &format!("{HEAD}import db/X as x\n{script}")).outcomes.pop().unwrap().err().unwrap()
    };
    let code = |error: RunError| match error {
        RunError::Statement { code, .. } => code,
        other => panic!("{other}"),
    };
    assert_eq!(code(failed(source(), "tabulate x\n")), script::Code::E304);
    assert_eq!(code(failed(source(), "generate y = x / 7\ntabulate y\n")), script::Code::E304);
    let many = "generate a = int(x / 2)\ngenerate b = int(x / 3)\ntabulate a b\n";
    assert!(
        run(source(), &format!("{HEAD}import db/X as x\ngenerate a = int(x / 2)\ntabulate a\n"))
            .outcomes
            .pop()
            .unwrap()
            .is_ok()
    );
    assert_eq!(code(failed(source(), &many.replace("a b", "a b a"))), script::Code::E601);
}

struct Cancelled;
impl Control for Cancelled {
    fn stop(&self) -> Option<Stop> {
        Some(Stop::Cancelled)
    }
    fn progress(&self, _: f32) {}
}

/// ENG-035, LANG-241: a run that is cancelled or refused leaves its datasets as they were.
#[test]
fn what_is_refused_or_cancelled_changes_nothing() {
    let source = integers("X", &[1, 2, 3, 4]);
    let program = world::plan(&source, &format!("{HEAD}import db/X as x\nkeep if x > 2\n"));
    let cache = Arc::new(ImportCache::new(1 << 20));
    let mut run = Run::new(Arc::new(source), Arc::clone(&cache), Parameters::default(), Language::Nb);
    let [require, create, import, keep] = &program.steps[..] else { panic!("four statements") };
    for step in [require, create, import] {
        run.execute(step, &Unattended).unwrap();
        run.accept();
    }
    assert_eq!(run.execute(keep, &Cancelled).err(), Some(RunError::Stopped(Stop::Cancelled)));
    assert!(matches!(run.execute(keep, &Unattended), Ok(Outcome::Population(_))));
    run.refuse();
    run.accept();
    assert_eq!(run.dataset("d").unwrap().mask.count(), 4);
    run.execute(keep, &Unattended).unwrap();
    run.accept();
    assert_eq!(run.dataset("d").unwrap().mask.count(), 2);
}

/// ENG-039: the same formula has the same key in every script; another day, another key.
#[test]
fn eng_039_column_keys() {
    let source = || {
        let mut s = info("S", "PERSON", Temporality::Status, DataType::Integer);
        s.status_dates = vec![day("2020-01-01"), day("2021-01-01")];
        let facts = [("2020-01-01", 5), ("2021-01-01", 6)];
        persons(3).variable(s, facts.map(|(at, n)| fact(0, Literal::Integer(n), Some(at), Some(at))).to_vec())
    };
    let key = |script: &str, name: &str| {
        let done = run(source(), &format!("{HEAD}{script}"));
        let c = done.run.dataset("d").unwrap().column(name).unwrap().clone();
        (c.key, c.row_wise)
    };
    let one = key("import db/S 2020-01-01 as a\ngenerate b = a * 2 + 1\n", "b");
    assert_eq!(one, key("import db/S 2020-01-01 as other\nkeep if other > 1\ngenerate z = other * 2 + 1\n", "z"));
    assert!(one.1);
    assert_ne!(one.0, key("import db/S 2021-01-01 as a\ngenerate b = a * 2 + 1\n", "b").0);
    assert_ne!(one.0, key("import db/S 2020-01-01 as a\ngenerate b = a * 2 + 2\n", "b").0);
    assert_eq!(key("import db/S 2020-01-01 as a\ngenerate b = a\n", "b"), key("import db/S 2020-01-01 as a\n", "a"));
}

/// ENG-034: the same bits whatever the number of threads.
#[test]
fn eng_034_threads_do_not_show() {
    let values: Vec<i64> = (0..50_000).map(|i| i * 7919 % 100_003).collect();
    let script = format!(
        "{HEAD}import db/X as x\ngenerate y = x / 3\ngenerate g = int(x / 20000)\ntabulate g, summarize(y) mean std\n"
    );
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let Outcome::Table(raw) = pool.install(|| run(integers("X", &values), &script)).last() else {
            panic!("a table")
        };
        let cells = raw.peek().cells.iter();
        cells
            .map(|c| {
                let m = &c.magnitudes[0];
                (
                    c.set.fingerprint,
                    c.set.sketch,
                    m.plain.sum.to_bits(),
                    m.plain.sd.map(f64::to_bits),
                    m.sum_abs.to_bits(),
                )
            })
            .collect::<Vec<_>>()
    };
    let one = bits(1);
    assert_eq!(one, bits(4));
    assert_eq!(one.len(), 7);
}

/// LANG-175, LANG-182: bars by category are counts, bars of numbers are magnitudes.
#[test]
fn lang_175_bar_charts() {
    let world = || crate::random::world(7, 60);
    let head =
        format!("{HEAD}import db/KJOENN as kjoenn\nimport db/VEKT as vekt\nimport db/NIVAA 2020-01-01 as nivaa\n");
    let charts = |command: &str| {
        let Outcome::Chart(raw) = run(world(), &format!("{head}{command}\n")).last() else { panic!("a chart") };
        raw.peek()
            .tables
            .iter()
            .map(|t| {
                let dimensions: Vec<String> = t.dimensions.iter().map(|d| d.name.clone()).collect();
                (dimensions, t.measures.len())
            })
            .collect::<Vec<_>>()
    };
    let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect::<Vec<_>>();
    assert_eq!(charts("barchart (count) kjoenn"), [(names(&["kjoenn"]), 0)]);
    assert_eq!(charts("barchart (percent) kjoenn, over(nivaa)"), [(names(&["nivaa", "kjoenn"]), 0)]);
    assert_eq!(charts("barchart (mean) vekt, over(kjoenn)"), [(names(&["kjoenn"]), 1)]);
    let several = [(names(&["kjoenn"]), 0), (names(&[]), 1)];
    assert_eq!(charts("barchart (count) kjoenn vekt"), several);
}
