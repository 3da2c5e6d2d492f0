//! Commands that make other rows: events, panels, groups, links, samples, at the edges that the specifications name. Plans
//! are made by hand where the meaning of the plan itself is the matter.

use std::sync::Arc;

use kernel::Language;
use script::program::{
    Action, Destring, GroupColumn, Groups, ImportEvent, ImportPanel, Labels, Literal, Merge, Name, Pairing,
    PanelColumn, RecodeColumn, ReshapeFromPanel, ReshapeToPanel, RowUnit, Sample, SampleSize, Statistic, Step,
    Summarize,
};
use script::{Code, DataType, Span, Temporality, UnitType, VariableInfo};

use super::world::{self, codes, day, fact, info, text};
use crate::memory::{Fact, MemorySource};
use crate::raw::Keyed;
use crate::source::StoreVersion;
use crate::source::VariableSource as _;
use crate::vector::Value;
use crate::{Control, ImportCache, Outcome, Parameters, Run, RunError, Stop, Unattended};

/// A run that takes actions one by one and accepts them.
struct Bench {
    run: Run,
    source: Arc<MemorySource>,
}

fn step(action: Action) -> Step {
    Step { span: Span::default(), pass: 0, iterators: Vec::new(), text: "command".into(), dataset: None, action }
}

impl Bench {
    fn new(source: MemorySource) -> Self {
        let source = Arc::new(source);
        let cache = Arc::new(ImportCache::new(1 << 30));
        let run = Run::new(source.clone(), cache, Parameters::default(), Language::Nb);
        Self { run, source }
    }

    /// The statements of a script.
    fn script(mut self, script: &str) -> Self {
        let program = world::plan(&self.source, &format!("require no.test:1 as db\n{script}"));
        program.steps.iter().for_each(|s| {
            self.run.execute(s, &Unattended).unwrap();
            self.run.accept();
        });
        self
    }

    fn act(&mut self, action: Action) -> Result<Outcome, RunError> {
        let outcome = world::judged(&mut self.run, |run| run.execute(&step(action), &Unattended));
        self.run.accept();
        outcome
    }

    fn does(&mut self, action: Action) -> Outcome {
        self.act(action).unwrap_or_else(|e| panic!("{e}"))
    }

    fn variable(&self, name: &str) -> Arc<VariableInfo> {
        let at = StoreVersion { store: world::STORE.into(), version: "1.0.0.0".into() };
        Arc::clone(&self.source.describe(&at, name).unwrap().info)
    }

    /// Unit and values of every row that the dataset holds, sorted.
    fn rows(&self, dataset: &str, columns: &[&str]) -> Vec<(u32, Vec<String>)> {
        let d = self.run.dataset(dataset).unwrap();
        let columns: Vec<_> = columns.iter().map(|c| d.find(c).unwrap_or_else(|| panic!("no column {c}"))).collect();
        let mut rows: Vec<_> = d
            .mask
            .iter(0..d.mask.len())
            .map(|row| {
                let value = |c: &crate::dataset::Column| match c.data.read(row..row + 1).get(0) {
                    Value::Missing => ".".to_owned(),
                    Value::Integer(n) => n.to_string(),
                    Value::Decimal(x) => x.to_string(),
                    Value::Text(t) => t.to_string(),
                    Value::Key(k) => format!("#{k}"),
                };
                (d.rows.unit(row), columns.iter().map(value).collect::<Vec<String>>())
            })
            .collect();
        rows.sort();
        rows
    }
}

fn code(outcome: Result<Outcome, RunError>) -> Code {
    match outcome.err() {
        Some(RunError::Statement { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

fn rows(of: &[(u32, &[&str])]) -> Vec<(u32, Vec<String>)> {
    of.iter().map(|(u, v)| (*u, v.iter().map(|s| (*s).to_owned()).collect())).collect()
}

fn name(name: &str) -> Name {
    name.into()
}

fn person() -> Arc<UnitType> {
    Arc::new(UnitType::built_in("PERSON").unwrap())
}

fn integers(values: &[Option<i64>]) -> Vec<Fact> {
    let facts = values.iter().enumerate();
    facts.filter_map(|(i, n)| Some(fact(i as u32, Literal::Integer((*n)?), None, None))).collect()
}

fn persons(size: u32) -> MemorySource {
    MemorySource::new(true).space("FNR", size, &[1; 32])
}

fn fixed(name: &str, data_type: DataType) -> VariableInfo {
    info(name, "PERSON", Temporality::Fixed, data_type)
}

fn event(column: &str, variable: Arc<VariableInfo>, from: &str, to: &str) -> Action {
    Action::ImportEvent(ImportEvent {
        column: name(column),
        variable,
        from: day(from),
        to: day(to),
        labels: None,
        restricted: false,
    })
}

fn panel(variables: Vec<Arc<VariableInfo>>, times: &[&str], restricted: bool) -> Action {
    let variables = variables.into_iter().map(|v| (v, None)).collect();
    let times = times.iter().map(|t| day(t)).collect();
    Action::ImportPanel(ImportPanel { variables, times, restricted, harmonise: None })
}

fn group(statistic: Statistic, source: &str, column: &str, data_type: DataType) -> GroupColumn {
    GroupColumn { statistic, source: name(source), column: name(column), data_type, labels: None }
}

fn collapse(by: &[&str], unit: RowUnit, columns: Vec<GroupColumn>) -> Action {
    Action::Collapse(Groups { by: by.iter().map(|b| name(b)).collect(), unit, columns })
}

fn keys(by: &[&str]) -> RowUnit {
    RowUnit::Keys(by.iter().map(|b| name(b)).collect())
}

/// Spells that touch the interval at either end, are open, old, far ahead, or many on one day.
fn spells() -> MemorySource {
    let mut place = info("STED", "PERSON", Temporality::Event, DataType::Text);
    place.code_list = codes(&[("A", "a"), ("B", "b"), ("9!", "ukjent")]);
    let facts = vec![
        fact(0, text("A"), Some("2019-01-01"), Some("2020-01-01")),
        fact(0, text("B"), Some("2020-12-31"), None),
        fact(1, text("A"), Some("2019-01-01"), Some("2019-12-31")),
        fact(1, text("B"), Some("2021-01-01"), None),
        fact(2, text("9"), Some("1850-05-05"), Some("2071-01-01")),
        fact(3, text("A"), Some("2020-06-01"), Some("2020-06-01")),
        fact(3, text("B"), Some("2020-06-01"), Some("2020-06-01")),
    ];
    persons(6)
        .variable(place, facts)
        .variable(fixed("NR", DataType::Integer), integers(&[Some(10), None, Some(30), Some(40)]))
}

/// LANG-121, LANG-079, ENG-041: overlap at both ends, original days kept, STOP missing while it goes on, several a day,
/// dates before 1900 and after 2059.
#[test]
fn lang_121_spells_that_meet_the_interval() {
    let mut bench = Bench::new(spells()).script("create-dataset d\n");
    let variable = bench.variable("STED");
    let Outcome::Population(raw) = bench.does(event("s", variable, "2020-01-01", "2020-12-31")) else {
        panic!("a population")
    };
    let raw = raw.peek();
    assert_eq!((raw.units, raw.rows, raw.set.persons, raw.set.keyed), (3, 5, 3, Keyed::Persons));
    assert!(raw.before.is_none());
    assert_eq!(
        bench.rows("d", &["s", "START@s", "STOP@s", "PERSONID_1"]),
        rows(&[
            (0, &["A", "17897", "18262", "#0"]),
            (0, &["B", "18627", ".", "#0"]),
            (2, &["9", "-43705", "36890", "#2"]),
            (3, &["A", "18414", "18414", "#3"]),
            (3, &["B", "18414", "18414", "#3"]),
        ])
    );
    let column = bench.run.dataset("d").unwrap().column("s").unwrap().clone();
    assert!(!column.row_wise && !column.made && column.origin[..] == ["STED".to_owned()]);
    assert_eq!(column.flagged[..], [text("9")]);
    let table = world_table(&mut bench, &["s"]);
    assert_eq!(table, [("A", 2, 2), ("B", 2, 2), ("", 4, 2)].map(|(c, r, p)| (c.to_owned(), r, p)));
}

/// ENG-022: a second run that imports the same spells reads nothing; another interval, or `nocache`, reads anew. Rows are
/// counted when they are imported, and read when a command asks for them.
#[test]
fn eng_022_spells_are_shared_by_all_runs() {
    let source: Arc<MemorySource> = Arc::new(spells());
    let cache = Arc::new(ImportCache::new(1 << 30));
    let run = |interval: &str, before: &str, after: &str| {
        let script =
            format!("require no.test:1 as db\n{before}create-dataset d\nimport-event db/STED {interval} as s\n{after}");
        let mut run = Run::new(source.clone(), cache.clone(), Parameters::default(), Language::Nb);
        for step in &world::plan(&source, &script).steps {
            run.execute(step, &Unattended).unwrap();
            run.accept();
        }
        (cache.usage().hits, cache.usage().misses)
    };
    assert_eq!(run("2020-01-01 to 2020-12-31", "", ""), (0, 1), "rows per unit");
    assert_eq!(run("2020-01-01 to 2020-12-31", "", "tabulate s\n"), (1, 5), "value, unit, start and stop");
    assert_eq!(run("2020-01-01 to 2020-12-31", "", "tabulate s\n"), (6, 5));
    assert_eq!(run("2020-01-01 to 2020-12-30", "", ""), (6, 6));
    assert_eq!(run("2020-01-01 to 2020-12-31", "configure nocache\n", "tabulate s\n"), (6, 6));
}

/// Category (empty for the total), rows and persons of a table of one dimension.
fn world_table(bench: &mut Bench, variables: &[&str]) -> Vec<(String, u64, u64)> {
    let plan = script::program::Tabulate {
        variables: variables.iter().map(|v| name(v)).collect(),
        contents: vec![script::program::Content::Freq],
        ..Default::default()
    };
    let Outcome::Table(raw) = bench.does(Action::Tabulate(plan)) else { panic!("a table") };
    let table = raw.peek();
    let codes = table.dimensions[0].categories.iter().map(|c| c.code.clone()).chain([String::new()]);
    codes.zip(&table.cells).map(|(code, cell)| (code, cell.rows, cell.set.persons)).collect()
}

/// LANG-115, LANG-121: into the units of another dataset only their spells come.
#[test]
fn lang_115_clone_units_restricts_events_and_panels() {
    let mut bench = Bench::new(spells()).script("create-dataset a\nimport db/NR as nr\nkeep if nr < 40\n");
    bench.does(Action::CloneUnits { from: name("a"), to: name("d") });
    assert_eq!(bench.rows("d", &[]).len(), 2);
    assert!(bench.run.dataset("d").unwrap().columns.is_empty());
    bench.does(Action::Use { dataset: name("d") });
    let variable = bench.variable("STED");
    bench.does(event("s", variable, "2020-01-01", "2020-12-31"));
    assert_eq!(bench.rows("d", &["s"]), rows(&[(0, &["A"]), (0, &["B"]), (2, &["9"])]));
    // The distinct units of events.
    bench.does(Action::CloneUnits { from: name("d"), to: name("e") });
    assert_eq!(bench.rows("e", &["PERSONID_1"]), rows(&[(0, &["#0"]), (2, &["#2"])]));
    bench.does(Action::Use { dataset: name("e") });
    let variables = vec![bench.variable("STED"), bench.variable("NR")];
    bench.does(panel(variables, &["2020-01-01", "2021-01-01"], true));
    assert_eq!(
        bench.rows("e", &["date@panel", "STED", "NR"]),
        rows(&[
            (0, &["18262", "A", "10"]),
            (0, &["18628", "B", "10"]),
            (2, &["18262", "9", "30"]),
            (2, &["18628", "9", "30"]),
        ])
    );
    assert_eq!(code(bench.act(event("x", bench.variable("STED"), "2020-01-01", "2020-01-01"))), Code::E309);
}

/// LANG-080: a row where a variable has a value; FIXED values on every occasion.
#[test]
fn lang_080_rows_of_a_panel() {
    let mut bench = Bench::new(spells()).script("create-dataset d\n");
    let place = bench.variable("STED");
    bench.does(panel(vec![place], &["2019-12-31", "2020-06-01"], false));
    assert_eq!(
        bench.rows("d", &["date@panel", "STED"]),
        rows(&[
            (0, &["18261", "A"]),
            (1, &["18261", "A"]),
            (2, &["18261", "9"]),
            (2, &["18414", "9"]),
            (3, &["18414", "B"]),
        ])
    );
    let mut bench = bench.script("create-dataset e\n");
    bench.does(panel(vec![bench.variable("NR")], &["2019-12-31", "2020-06-01"], false));
    assert_eq!(bench.rows("e", &["NR"]).len(), 6);
    let summarize =
        Summarize { variables: vec![name("NR")], skipped: vec![], condition: None, gini: false, iqr: false };
    let Outcome::Summary(raw) = bench.does(Action::SummarizePanel(summarize.clone())) else { panic!("a summary") };
    let occasions: Vec<&str> =
        raw.peek().rows.iter().filter_map(|r| Some(r.occasion.as_ref()?.code.as_str())).collect();
    assert_eq!(occasions, ["2019-12-31", "2020-06-01"]);
    let sums: Vec<f64> = raw.peek().rows.iter().map(|r| r.magnitude.plain.sum).collect();
    assert_eq!(sums, [80.0, 80.0]);
    let mut cross = Bench::new(spells()).script("create-dataset a\nimport db/NR as nr\n");
    assert_eq!(code(cross.act(Action::SummarizePanel(summarize))), Code::E310);
}

/// 8.3.1: the twelve statistics of a group, of one value, and of none.
#[test]
fn lang_131_twelve_statistics() {
    let source = || {
        persons(8)
            .variable(fixed("G", DataType::Integer), integers(&[1, 1, 1, 1, 2, 3, 3].map(Some)))
            .variable(fixed("X", DataType::Integer), integers(&[Some(4), Some(1), Some(3), None, Some(7), None, None]))
    };
    let all = [
        (Statistic::Count, "3", "1", "0"),
        (Statistic::Sum, "8", "7", "."),
        (Statistic::Mean, "2.6666666666666665", "7", "."),
        (Statistic::Min, "1", "7", "."),
        (Statistic::Max, "4", "7", "."),
        (Statistic::Median, "3", "7", "."),
        (Statistic::Iqr, "1.5", "0", "."),
        (Statistic::Sd, "1.5275252316519468", ".", "."),
        (Statistic::Semean, "0.881917103688197", ".", "."),
        (Statistic::Sebinomial, ".", ".", "."),
        (Statistic::Percent, "75", "100", "0"),
        (Statistic::Gini, "0.25", "0", "."),
    ];
    for (statistic, one, two, three) in all {
        let mut bench = Bench::new(source()).script("create-dataset d\nimport db/G as g\nimport db/X as x\n");
        let columns = vec![group(statistic, "x", "y", DataType::Decimal)];
        bench.does(Action::Aggregate(Groups { by: vec![name("g")], unit: keys(&["g"]), columns: columns.clone() }));
        let found: Vec<String> = bench.rows("d", &["y"]).into_iter().map(|(_, mut v)| v.remove(0)).collect();
        assert_eq!(found, [one, one, one, one, two, three, three], "aggregate {statistic:?}");
        let Outcome::Population(raw) = bench.does(collapse(&["g"], keys(&["g"]), columns)) else { panic!() };
        assert_eq!((raw.peek().units, raw.peek().set.persons, raw.peek().set.keyed), (3, 7, Keyed::Persons));
        assert_eq!(
            bench.rows("d", &["g", "y"]),
            rows(&[(0, &["1", one]), (1, &["2", two]), (2, &["3", three])]),
            "collapse {statistic:?}"
        );
    }
}

/// SDC-230: groups of a unit with fewer than ten persons keep their values; the others wait for those of the gate, and whoever
/// gets none is missing. Groups by values have no others.
#[test]
fn sdc_230_which_groups_wait_for_the_gate() {
    let source = || {
        let mothers: Vec<Fact> =
            (0..15).map(|p| fact(p, Literal::Integer(if p < 12 { 15 } else { 16 }), None, None)).collect();
        persons(17)
            .variable(info("MOR", "PERSON", Temporality::Fixed, DataType::Key(person())), mothers)
            .variable(fixed("X", DataType::Integer), integers(&(0..17).map(Some).collect::<Vec<_>>()))
            .variable(fixed("G", DataType::Integer), integers(&(0..17).map(|p| Some(p / 12)).collect::<Vec<_>>()))
    };
    let asked = |by: &str, given: Option<f64>| {
        let script = "create-dataset d\nimport db/X as x\nimport db/MOR as mor\nimport db/G as g\n";
        let mut bench = Bench::new(source()).script(script);
        let columns = vec![group(Statistic::Sum, "x", "y", DataType::Integer)];
        let action = Action::Aggregate(Groups { by: vec![name(by)], unit: keys(&[by]), columns });
        let Ok(Outcome::Groups(raws)) = bench.run.execute(&step(action), &Unattended) else { panic!("groups") };
        let sizes: Vec<u64> = raws[0].peek().groups.iter().map(|g| g.set.persons).collect();
        assert!(matches!(bench.run.fill(&[vec![given; sizes.len()]], &Unattended), Ok(Outcome::Done)));
        let found: Vec<String> = bench.rows("d", &["y"]).into_iter().map(|(_, mut v)| v.remove(0)).collect();
        (sizes, found)
    };
    let all = |large: &str, small: &str, none: &str| {
        let each = (0..17).map(|p| {
            if p < 12 {
                large
            } else if p < 15 {
                small
            } else {
                none
            }
        });
        each.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(asked("mor", Some(65.6)), (vec![12], all("66", "39", ".")));
    assert_eq!(asked("mor", None), (vec![12], all(".", "39", ".")));
    // Five persons with one value are asked about: whether they are enough is the gate's to say.
    assert_eq!(asked("g", Some(7.0)), (vec![12, 5], all("7", "7", "7")));
    assert_eq!(asked("g", None), (vec![12, 5], all(".", ".", ".")));
}

/// LANG-131: rows with a missing key get missing; without their group's rows they count nowhere.
#[test]
fn lang_131_missing_keys() {
    let source = || {
        persons(4)
            .variable(fixed("ALLE", DataType::Integer), integers(&[1, 1, 1, 1].map(Some)))
            .variable(fixed("G", DataType::Integer), integers(&[Some(1), None, Some(1)]))
    };
    let script = "create-dataset d\nimport db/ALLE as alle\nimport db/G as g\n";
    let columns = || vec![group(Statistic::Sum, "alle", "n", DataType::Integer)];
    let mut bench = Bench::new(source()).script(script);
    bench.does(Action::Aggregate(Groups { by: vec![name("g")], unit: keys(&["g"]), columns: columns() }));
    let expected: [(u32, &[&str]); 4] = [(0, &["2"]), (1, &["."]), (2, &["2"]), (3, &["."])];
    assert_eq!(bench.rows("d", &["n"]), rows(&expected));
    bench.does(collapse(&["g"], keys(&["g"]), columns()));
    assert_eq!(bench.rows("d", &["g", "n"]), rows(&[(0, &["1", "2"])]));
}

/// LANG-030, ENG-041: a sum beyond 64 bits is decimal; extremes of integers are exact; an overflow of floats is missing.
#[test]
fn eng_041_extremes_of_a_group() {
    let huge = [f64::MAX, f64::MAX].map(Literal::Decimal);
    let huge = huge.into_iter().enumerate().map(|(i, x)| fact(i as u32, x, None, None)).collect();
    let source = persons(2)
        .variable(fixed("X", DataType::Integer), integers(&[Some(i64::MAX), Some(i64::MAX - 1)]))
        .variable(fixed("Y", DataType::Decimal), huge)
        .variable(fixed("G", DataType::Integer), integers(&[Some(i64::MIN), Some(i64::MIN)]));
    let mut bench =
        Bench::new(source).script("create-dataset d\nimport db/X as x\nimport db/Y as y\nimport db/G as g\n");
    let columns = vec![
        group(Statistic::Sum, "x", "sum", DataType::Integer),
        group(Statistic::Min, "x", "min", DataType::Integer),
        group(Statistic::Max, "x", "max", DataType::Integer),
        group(Statistic::Mean, "y", "mean", DataType::Decimal),
        group(Statistic::Sum, "y", "total", DataType::Decimal),
        group(Statistic::Count, "g", "n", DataType::Integer),
    ];
    bench.does(collapse(&["g"], keys(&["g"]), columns));
    let found = bench.rows("d", &["sum", "min", "max", "mean", "total", "n"]);
    let largest = f64::MAX.to_string();
    let expected: [(u32, &[&str]); 1] =
        [(0, &["18446744073709552000", "9223372036854775806", "9223372036854775807", &largest, ".", "2"])];
    assert_eq!(found, rows(&expected));
}

/// LANG-088, ENG-021: courses lead to persons; the worked example of 6.2.
fn courses() -> MemorySource {
    let key = DataType::Key(person());
    let facts = [Some(2), Some(0), Some(2), None, Some(2)].iter().enumerate();
    let facts: Vec<Fact> =
        facts.filter_map(|(i, p)| Some(fact(i as u32, Literal::Integer((*p)?), None, None))).collect();
    let nus = [5, 6, 7, 8, 9].iter().enumerate();
    let nus = nus.map(|(i, n)| fact(i as u32, Literal::Integer(*n), None, None)).collect();
    persons(4)
        .space("KURSID", 5, &[1; 32])
        .pointer("KURSID", vec![2, 0, 2, u32::MAX, 2])
        .variable(info("KURS_FNR", "KURS", Temporality::Fixed, key), facts)
        .variable(info("NUS", "KURS", Temporality::Fixed, DataType::Integer), nus)
        .variable(fixed("ALDER", DataType::Integer), integers(&[30, 40, 50, 60].map(Some)))
}

fn merge(columns: &[&str], source: &str, target: &str, pairing: Pairing) -> Action {
    let columns = columns.iter().map(|c| name(c)).collect();
    Action::Merge(Merge { source: name(source), target: name(target), columns, pairing })
}

#[test]
fn lang_133_courses_of_persons() {
    let mut bench = Bench::new(courses())
        .script("create-dataset personer\nimport db/ALDER as alder\ncreate-dataset kurs\nimport db/NUS as nus\n")
        .script("create-dataset k2\nimport db/KURS_FNR as fnr\n");
    bench.does(merge(&["fnr"], "k2", "kurs", Pairing::Units));
    assert_eq!(bench.rows("kurs", &["fnr"]).iter().filter(|(_, v)| v[0] == ".").count(), 1);
    // From the target's side: the age of the person behind a course (step 1).
    bench.does(merge(&["alder"], "personer", "kurs", Pairing::SourceKey { target: name("fnr") }));
    let expected: [(u32, &[&str]); 5] = [(0, &["50"]), (1, &["30"]), (2, &["50"]), (3, &["."]), (4, &["50"])];
    assert_eq!(bench.rows("kurs", &["alder"]), rows(&expected));
    // Courses are not unique per person (step 2, LANG-085).
    let refused = bench.act(merge(&["nus"], "kurs", "personer", Pairing::TargetKey { source: name("fnr") }));
    assert_eq!(code(refused), Code::E313);
    bench.does(Action::Use { dataset: name("kurs") });
    let columns = vec![group(Statistic::Count, "nus", "n", DataType::Integer)];
    let Outcome::Population(raw) = bench.does(collapse(&["fnr"], RowUnit::Type(person()), columns)) else { panic!() };
    assert_eq!((raw.peek().units, raw.peek().unit_type.as_str()), (2, "PERSON"));
    assert_eq!(raw.peek().before.as_ref().unwrap().persons, 2);
    assert_eq!(bench.rows("kurs", &["fnr", "n"]), rows(&[(0, &["#0", "1"]), (2, &["#2", "3"])]));
    bench.does(merge(&["n"], "kurs", "personer", Pairing::Units));
    let expected: [(u32, &[&str]); 4] = [(0, &["1"]), (1, &["."]), (2, &["3"]), (3, &["."])];
    assert_eq!(bench.rows("personer", &["n"]), rows(&expected));
    // LANG-084: an import into a dataset that was collapsed by a unit key is a left join on it.
    let mut bench = bench.script("create-dataset x\n");
    bench.does(Action::Use { dataset: name("kurs") });
    let import = world::plan(&bench.source, &format!("{}import db/ALDER as alder\n", world::HEAD));
    let Some(Step { action, .. }) = import.steps.last() else { panic!("an import") };
    let Action::Import(mut import) = action.clone() else { panic!("an import") };
    import.first = false;
    bench.does(Action::Import(import));
    assert_eq!(bench.rows("kurs", &["alder"]), rows(&[(0, &["30"]), (2, &["50"])]));
}

/// LANG-088, LANG-311: groups of values link to columns with the same values, to groups by the same keys, and by several.
#[test]
fn lang_311_groups_as_source() {
    let mut place = fixed("KOMM", DataType::Text);
    place.code_list = codes(&[("0301", "Oslo"), ("5001", "Trondheim")]);
    let of = |codes: &[&str]| -> Vec<Fact> {
        codes.iter().enumerate().map(|(i, c)| fact(i as u32, text(c), None, None)).collect()
    };
    let mut other = fixed("BOSTED", DataType::Text);
    other.code_list = codes(&[("5001", "Trondheim"), ("9999", "Ukjent"), ("0301", "Oslo")]);
    let source = persons(4)
        .variable(place, of(&["0301", "5001", "0301", "5001"]))
        .variable(other, of(&["5001", "9999", "0301", "0301"]))
        .variable(fixed("KJ", DataType::Integer), integers(&[1, 2, 2, 2].map(Some)))
        .variable(fixed("X", DataType::Integer), integers(&[1, 10, 100, 1000].map(Some)));
    let head = |d: &str| format!("create-dataset {d}\nimport db/KOMM as k\nimport db/KJ as kj\nimport db/X as x\n");
    let mut bench = Bench::new(source).script(&head("g")).script(&head("h"));
    let columns = || vec![group(Statistic::Sum, "x", "sum", DataType::Integer)];
    bench.does(Action::Use { dataset: name("g") });
    bench.does(collapse(&["k"], keys(&["k"]), columns()));
    assert_eq!(bench.rows("g", &["k", "sum"]), rows(&[(0, &["0301", "101"]), (1, &["5001", "1010"])]));
    let mut bench = bench.script("create-dataset t\nimport db/BOSTED as b\nimport db/KJ as kj\nimport db/KOMM as k\n");
    bench.does(merge(&["sum"], "g", "t", Pairing::SourceKey { target: name("b") }));
    let expected: [(u32, &[&str]); 4] = [(0, &["1010"]), (1, &["."]), (2, &["101"]), (3, &["101"])];
    assert_eq!(bench.rows("t", &["sum"]), rows(&expected));
    bench.does(Action::Use { dataset: name("h") });
    bench.does(collapse(&["k", "kj"], keys(&["k", "kj"]), columns()));
    assert_eq!(bench.rows("h", &["k", "kj", "sum"]).len(), 3);
    bench.does(Action::Rename { from: name("sum"), to: name("both") });
    bench.does(merge(&["both"], "h", "t", Pairing::Columns(vec![(name("k"), name("k")), (name("kj"), name("kj"))])));
    let expected: [(u32, &[&str]); 4] = [(0, &["1"]), (1, &["1010"]), (2, &["100"]), (3, &["1010"])];
    assert_eq!(bench.rows("t", &["both"]), rows(&expected));
    // Groups of groups: the persons behind stay.
    let Outcome::Population(raw) =
        bench.does(collapse(&["kj"], keys(&["kj"]), vec![group(Statistic::Count, "k", "n", DataType::Integer)]))
    else {
        panic!()
    };
    assert_eq!((raw.peek().units, raw.peek().set.persons), (2, 4));
    // Cells of a table count groups, with keys of their own (ENG-038).
    assert_eq!(
        world_table(&mut bench, &["n"]),
        [("1", 1, 1), ("2", 1, 1), ("", 2, 2)].map(|(c, r, p)| (c.to_owned(), r, p))
    );
}

/// LANG-090, LANG-091, LANG-092: to a panel and back; other columns repeat, empty rows stay, a missing column is missing.
#[test]
fn lang_090_reshape_there_and_back() {
    let source = persons(3)
        .variable(fixed("A", DataType::Integer), integers(&[1, 2, 3].map(Some)))
        .variable(fixed("B", DataType::Integer), integers(&[Some(100_000), None, None]))
        .variable(fixed("C", DataType::Integer), integers(&[7, 8, 9].map(Some)));
    let mut bench = Bench::new(source).script(
        "create-dataset d\nimport db/C as k\nimport db/A as l19\nimport db/B as l20\nreplace l19 = . if k == 8\n",
    );
    let columns = vec![
        PanelColumn {
            column: name("l"),
            sources: vec![Some(name("l19")), Some(name("l20"))],
            data_type: DataType::Integer,
            labels: None,
        },
        PanelColumn { column: name("m"), sources: vec![None, None], data_type: DataType::Text, labels: None },
    ];
    let occasions = vec![Literal::Integer(19), Literal::Integer(20)];
    let plan = ReshapeToPanel { occasions: occasions.clone(), occasion_type: DataType::Integer, columns };
    let Outcome::Population(raw) = bench.does(Action::ReshapeToPanel(plan.clone())) else { panic!() };
    assert_eq!((raw.peek().units, raw.peek().rows), (3, 6));
    assert_eq!(
        bench.rows("d", &["date@panel", "l", "m", "k"]),
        rows(&[
            (0, &["19", "1", ".", "7"]),
            (0, &["20", "100000", ".", "7"]),
            (1, &["19", ".", ".", "8"]),
            (1, &["20", ".", ".", "8"]),
            (2, &["19", "3", ".", "9"]),
            (2, &["20", ".", ".", "9"]),
        ])
    );
    assert_eq!(code(bench.act(Action::ReshapeToPanel(plan))), Code::E310);
    let wide = |c: &str| (name(c), vec![name(&format!("{c}19")), name(&format!("{c}20"))]);
    let back = ReshapeFromPanel { occasions, columns: vec![wide("l"), wide("k")] };
    bench.does(Action::ReshapeFromPanel(back.clone()));
    assert_eq!(
        bench.rows("d", &["l19", "l20", "k19", "k20"]),
        rows(&[(0, &["1", "100000", "7", "7"]), (1, &[".", ".", "8", "8"]), (2, &["3", ".", "9", "9"])])
    );
    assert_eq!(code(bench.act(Action::ReshapeFromPanel(back))), Code::E310);
}

/// LANG-146, LANG-245: a code list decides whether a code is no number; without one the rows of the dataset do.
#[test]
fn lang_146_what_is_no_number() {
    let mut coded = fixed("KODE", DataType::Text);
    coded.code_list = codes(&[("03", "a"), ("x", "b")]);
    let facts = |values: &[&str]| -> Vec<Fact> {
        values.iter().enumerate().map(|(i, v)| fact(i as u32, text(v), None, None)).collect()
    };
    let source = persons(3)
        .variable(coded, facts(&["03", "03", "03"]))
        .variable(fixed("FRI", DataType::Text), facts(&["1,5", "2", "feil"]));
    let mut bench = Bench::new(source).script("create-dataset d\nimport db/KODE as kode\nimport db/FRI as fri\n");
    let plan = |column: &str, force: bool| {
        let (source, target) = (name(column), name(&format!("n{column}")));
        let columns = vec![RecodeColumn { source, target, data_type: DataType::Integer, labels: None }];
        Action::Destring(Destring { columns, ignore: String::new(), decimal_comma: true, force })
    };
    assert_eq!(code(bench.act(plan("kode", false))), Code::E305);
    bench.does(plan("kode", true));
    assert_eq!(code(bench.act(plan("fri", false))), Code::E305);
    bench.does(plan("fri", true));
    let expected: [(u32, &[&str]); 3] = [(0, &["3", "1.5"]), (1, &["3", "2"]), (2, &["3", "."])];
    assert_eq!(bench.rows("d", &["nkode", "nfri"]), rows(&expected));
    let mut bench = bench.script("create-dataset e\nimport db/FRI as fri\nkeep if fri != 'feil'\n");
    bench.does(plan("fri", false));
}

/// LANG-136: as many as asked for, the same ones again, the smaller sample inside the larger, all rows of a unit.
#[test]
fn lang_136_samples() {
    let values: Vec<Option<i64>> = (0..3000).map(Some).collect();
    let source = || persons(3000).variable(fixed("X", DataType::Integer), integers(&values));
    let sample = |size: SampleSize, seed: u64| {
        let mut bench = Bench::new(source()).script("create-dataset d\nimport db/X as x\n");
        let Outcome::Population(raw) = bench.does(Action::Sample(Sample { size, seed })) else { panic!() };
        let units: Vec<u32> = bench.rows("d", &[]).into_iter().map(|(u, _)| u).collect();
        assert_eq!((raw.peek().units, raw.peek().before.as_ref().unwrap().persons), (units.len() as u64, 3000));
        units
    };
    let small = sample(SampleSize::Units(1001), 7);
    assert_eq!(small.len(), 1001);
    assert_eq!(small, sample(SampleSize::Units(1001), 7));
    assert_ne!(small, sample(SampleSize::Units(1001), 8));
    let large = sample(SampleSize::Share(0.5), 7);
    assert_eq!(large.len(), 1500);
    assert!(small.iter().all(|u| large.binary_search(u).is_ok()));
    assert_eq!(sample(SampleSize::Units(9000), 7).len(), 3000);
    let mut bench = Bench::new(source()).script("create-dataset d\n");
    bench.does(panel(vec![bench.variable("X")], &["2020-01-01", "2021-01-01"], false));
    bench.does(Action::Sample(Sample { size: SampleSize::Units(1001), seed: 7 }));
    let rows = bench.rows("d", &[]);
    assert_eq!(rows.len(), 2002);
    assert!(rows.chunks(2).all(|two| two[0].0 == two[1].0 && small.binary_search(&two[0].0).is_ok()));
}

/// quantile(): the example of 9.3; within the `if` of its command; of nobody.
#[test]
fn lang_047_quantiles() {
    let source = || persons(5).variable(fixed("X", DataType::Integer), integers(&[10, 20, 20, 40, 0].map(Some)));
    let bench = Bench::new(source()).script(
        "create-dataset d\nimport db/X as x\nkeep if x > 0\ngenerate q = quantile(x, 4)\n\
         generate z = quantile(x / 8, 2) + 1 if x < 40\nkeep if quantile(x, 4) < 3\n",
    );
    let expected: [(u32, &[&str]); 3] = [(0, &["0", "1"]), (1, &["1", "1"]), (2, &["1", "1"])];
    assert_eq!(bench.rows("d", &["q", "z"]), rows(&expected));
    let column = bench.run.dataset("d").unwrap().column("q").unwrap();
    assert!(!column.row_wise);
    let nobody = Bench::new(persons(0).variable(fixed("X", DataType::Integer), vec![]))
        .script("create-dataset d\nimport db/X as x\ngenerate q = quantile(x, 4)\n");
    assert!(nobody.rows("d", &["q"]).is_empty());
}

/// LANG-127, LANG-129, LANG-130: START and STOP go with their variable.
#[test]
fn lang_127_columns_of_a_spell() {
    let names = |bench: &Bench| -> Vec<String> {
        bench.run.dataset("d").unwrap().columns.iter().map(|(n, _)| n.to_string()).collect()
    };
    let mut bench = Bench::new(spells()).script("create-dataset d\n");
    bench.does(event("s", bench.variable("STED"), "2020-01-01", "2020-12-31"));
    bench.does(Action::Rename { from: name("s"), to: name("b") });
    assert_eq!(names(&bench), ["b", "START@b", "STOP@b"]);
    bench.does(Action::KeepColumns(vec![name("b")]));
    assert_eq!(names(&bench), ["b", "START@b", "STOP@b"]);
    bench.does(Action::DropColumns(vec![name("b")]));
    assert!(names(&bench).is_empty());
    assert_eq!(bench.rows("d", &[]).len(), 5);
}

/// ENG-036: a snapshot costs what the run made, and going back brings the datasets, the active one and nothing else.
#[test]
fn eng_036_snapshots() {
    let mut bench = Bench::new(spells()).script("create-dataset d\nimport db/NR as nr\ngenerate x = nr * 2\n");
    let before = bench.run.snapshot();
    let state = bench.run.dataset_state("d").unwrap();
    assert!(before.bytes() > 0 && before.bytes() == state.bytes());
    bench.does(Action::CloneDataset { from: name("d"), to: name("e") });
    assert_eq!(bench.run.snapshot().bytes(), before.bytes());
    bench.does(Action::Use { dataset: name("e") });
    bench.does(Action::DropColumns(vec![name("x")]));
    bench.run.restore(&before);
    assert_eq!(bench.run.active_dataset().map(|n| n.to_string()), Some("d".into()));
    assert!(bench.run.dataset_state("e").is_none());
    assert!(bench.run.dataset_state("d").unwrap().is(&state));
    bench.run.put_dataset(&name("f"), Some(state.clone()));
    bench.run.put_dataset(&name("d"), None);
    assert!(bench.run.active_dataset().is_none());
    assert_eq!(bench.rows("f", &["x"]), rows(&[(0, &["20"]), (2, &["60"]), (3, &["80"])]));
    bench.run.activate(Some(&name("f")));
    bench.does(Action::DropColumns(vec![name("x")]));
    assert_eq!(bench.rows("f", &[]).len(), 3);
}

struct After(std::sync::atomic::AtomicU32);
impl Control for After {
    fn stop(&self) -> Option<Stop> {
        let left =
            self.0.fetch_update(std::sync::atomic::Ordering::Relaxed, std::sync::atomic::Ordering::Relaxed, |n| {
                n.checked_sub(1)
            });
        left.is_err().then_some(Stop::Cancelled)
    }
    fn progress(&self, _: f32) {}
}

/// ENG-035: every command asks whether it has to end, and then changes nothing; a run over its memory dies alone.
#[test]
fn eng_035_stopped_and_over_budget() {
    let columns = || vec![group(Statistic::Median, "x", "m", DataType::Decimal)];
    let actions = |bench: &Bench| {
        vec![
            panel(vec![bench.variable("X")], &["2020-01-01"], false),
            collapse(&["g"], keys(&["g"]), columns()),
            Action::Aggregate(Groups { by: vec![name("g")], unit: keys(&["g"]), columns: columns() }),
            merge(&["x"], "other", "d", Pairing::Columns(vec![(name("g"), name("g"))])),
            Action::Sample(Sample { size: SampleSize::Share(0.5), seed: 1 }),
        ]
    };
    let values: Vec<Option<i64>> = (0..2000).map(Some).collect();
    let source = || {
        persons(2000)
            .variable(fixed("X", DataType::Integer), integers(&values))
            .variable(fixed("G", DataType::Integer), integers(&values))
    };
    let script = "create-dataset other\nimport db/X as x\nimport db/G as g\ncreate-dataset d\nimport db/G as g\n";
    for at in 0..5 {
        let mut bench = Bench::new(source()).script(script);
        if at == 0 {
            bench = bench.script("create-dataset e\n");
        }
        if at == 1 || at == 2 {
            bench.does(Action::Use { dataset: name("other") });
        }
        let before = bench.run.snapshot();
        let action = actions(&bench).swap_remove(at);
        let stop = bench.run.execute(&step(action.clone()), &After(0.into())).err();
        assert_eq!(stop, Some(RunError::Stopped(Stop::Cancelled)), "{action:?}");
        assert_eq!(bench.run.snapshot().bytes(), before.bytes());
        bench.does(action);
    }
    let source = Arc::new(source());
    let parameters = Parameters { memory: 3000, ..Parameters::default() };
    let run = Run::new(source.clone(), Arc::new(ImportCache::new(1 << 30)), parameters, Language::Nb);
    let mut small = Bench { run, source }.script(script);
    small.does(Action::Use { dataset: name("other") });
    let over = small.act(Action::Aggregate(Groups { by: vec![name("g")], unit: keys(&["g"]), columns: columns() }));
    assert_eq!(code(over), Code::E601);
    assert!(small.run.dataset("other").unwrap().column("m").is_none());
}

/// ENG-041: hardly anyone: 0, 1 and 2 persons through every operation.
#[test]
fn eng_041_hardly_anyone_through_every_operation() {
    for n in 0..3u32 {
        let values: Vec<Option<i64>> = (0..n).map(|i| Some(i64::from(i))).collect();
        let source = persons(n).variable(fixed("X", DataType::Integer), integers(&values));
        let mut bench = Bench::new(source).script("create-dataset a\nimport db/X as x\ncreate-dataset d\n");
        bench.does(panel(vec![bench.variable("X")], &["2020-01-01", "2021-01-01"], false));
        let days = vec![Literal::Integer(18262), Literal::Integer(18628)];
        let wide = vec![(name("X"), vec![name("X1"), name("X2")])];
        bench.does(Action::ReshapeFromPanel(ReshapeFromPanel { occasions: days, columns: wide }));
        bench.does(merge(&["x"], "a", "d", Pairing::Units));
        bench.does(Action::Sample(Sample { size: SampleSize::Units(1001), seed: 1 }));
        assert_eq!(bench.rows("d", &["X1", "X2", "x"]).len(), n as usize);
        let sums = vec![group(Statistic::Sum, "x", "s", DataType::Integer)];
        bench.does(collapse(&["x"], keys(&["x"]), sums));
        assert_eq!(bench.rows("d", &["x", "s"]).len(), n as usize);
        bench.does(Action::CloneUnits { from: name("d"), to: name("u") });
        assert_eq!(bench.rows("u", &[]).len(), n as usize);
    }
}

/// ENG-039: what depends on a population has another key in another one, and the same in the same.
#[test]
fn eng_039_keys_of_group_values() {
    let key = |script: &str| {
        let source = persons(6)
            .variable(fixed("X", DataType::Integer), integers(&[1, 2, 3, 4, 5, 6].map(Some)))
            .variable(fixed("G", DataType::Integer), integers(&[1, 1, 1, 2, 2, 2].map(Some)));
        let mut bench =
            Bench::new(source).script(&format!("create-dataset d\nimport db/X as x\nimport db/G as g\n{script}"));
        let columns = vec![group(Statistic::Mean, "x", "m", DataType::Decimal)];
        bench.does(Action::Aggregate(Groups { by: vec![name("g")], unit: keys(&["g"]), columns }));
        let column = bench.run.dataset("d").unwrap().column("m").unwrap().clone();
        assert!(!column.row_wise && column.made && column.origin[..] == ["G".to_owned(), "X".to_owned()]);
        column.key
    };
    assert_eq!(key(""), key("keep if x > 0\n"));
    assert_ne!(key(""), key("keep if x > 1\n"));
}

/// LANG-152, LANG-039: labels that are dropped are gone, flags stay.
#[test]
fn lang_152_dropped_labels() {
    let mut bench = Bench::new(spells()).script("create-dataset d\nimport db/STED 2020-01-01 as s\n");
    assert!(bench.run.dataset("d").unwrap().column("s").unwrap().labels.is_some());
    bench.does(Action::DropLabels { lists: vec![], columns: vec![(name("d"), name("s"))] });
    let column = bench.run.dataset("d").unwrap().column("s").unwrap().clone();
    assert!(column.labels.is_none() && column.flagged[..] == [text("9")]);
    let labels = Arc::new(Labels::default());
    bench.does(Action::AssignLabels { column: name("s"), list: name("l"), labels });
    bench.does(Action::NoCache);
    bench.does(Action::RenameDataset { from: name("d"), to: name("e") });
    assert_eq!(bench.run.active_dataset().map(|n| n.to_string()), Some("e".into()));
    bench.does(Action::Clear);
    assert!(bench.run.active_dataset().is_none() && bench.run.dataset("e").is_none());
}
