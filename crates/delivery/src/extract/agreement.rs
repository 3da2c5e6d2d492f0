//! The extraction and the feasibility count mean the same persons (ACC-047, ACC-048): random criteria over random small
//! registers, evaluated as the row filter of an extraction and as the script that counts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::memory::{Fact, MemorySource};
use engine::{ImportCache, Outcome, Parameters, Run, SourceCatalogue, Unattended};
use explore::feasibility::{Column, Columns, NotCountable, to_script};
use kernel::criteria::{Criteria, VariableKind};
use kernel::{Date, LangMap, Language};
use protocol::documents::ExtractionOrder;
use script::program::Literal;
use script::{CodeEntry, CodeList, CodePeriod, DataType, Settings, Temporality, UnitType, VariableInfo};
use serde_json::json;

use super::population::evaluate;

const PERSONS: u32 = 60;
const EPISODES: u32 = 150;
const ICD: [&str; 8] = ["C50", "I60", "I61", "I63", "I639", "I64", "J18", "J189"];
/// In the order of the list, which is not that of the codes.
const LEVELS: [&str; 4] = ["3", "1", "2", "9"];

/// A generator of pseudo-random numbers that is the same everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.roll(texts.len() as u64) as usize]
    }

    fn day(&mut self) -> Date {
        Date::from_days(17_500 + self.roll(900) as i32)
    }
}

/// What a variable is: id, dataset, unit type, temporality, type, codes with sentinels.
struct Known(&'static str, &'static str, &'static str, Temporality, DataType, Vec<(&'static str, bool)>);

fn known() -> Vec<Known> {
    let icd = || ICD.iter().map(|code| (*code, false)).collect::<Vec<_>>();
    let levels = || LEVELS.iter().map(|code| (*code, *code == "9")).collect::<Vec<_>>();
    let sexes = || vec![("1", false), ("2", false)];
    let (fixed, event, year) = (Temporality::Fixed, Temporality::Event, Temporality::Accumulated);
    let (text, integer) = (DataType::Text, DataType::Integer);
    vec![
        Known("npr.main.icd", "ICD", "NPR_EPISODE", fixed, text.clone(), icd()),
        Known("npr.main.level", "LEVEL", "NPR_EPISODE", fixed, text.clone(), levels()),
        Known("npr.main.inn", "INN", "NPR_EPISODE", fixed, DataType::Date, vec![]),
        Known("npr.main.days", "DAYS", "NPR_EPISODE", fixed, integer.clone(), vec![]),
        Known("npr.main.ward", "WARD", "NPR_EPISODE", event, text.clone(), levels()),
        Known("dar.main.cause", "CAUSE", "PERSON", fixed, text.clone(), vec![]),
        Known("dar.main.dead", "DEAD", "PERSON", fixed, DataType::Date, vec![]),
        Known("dar.main.age", "AGE", "PERSON", fixed, integer.clone(), vec![]),
        Known("fdb.main.sex", "SEX", "PERSON", fixed, text.clone(), sexes()),
        Known("fdb.main.marital", "MARITAL", "PERSON", event, text, levels()),
        Known("fdb.main.income", "INCOME", "PERSON", year, integer, vec![]),
    ]
}

fn info(name: &str, unit: &str, temporality: Temporality, data_type: DataType) -> VariableInfo {
    VariableInfo {
        store: "no.test".into(),
        version: "1.0.0.0".into(),
        name: name.into(),
        title: LangMap::of(name, name, name),
        description: LangMap::default(),
        unit_type: Arc::new(UnitType::built_in(unit).unwrap()),
        temporality,
        data_type,
        covered_from: Some("2010-01-01".parse().unwrap()),
        covered_until: None,
        status_dates: Vec::new(),
        code_list: None,
    }
}

fn list(codes: &[(&str, bool)]) -> Option<CodeList> {
    let entry = |(code, missing): &(&str, bool)| CodeEntry {
        code: (*code).into(),
        label: LangMap::of(code, code, code),
        missing: *missing,
    };
    let codes: Vec<CodeEntry> = codes.iter().map(entry).collect();
    (!codes.is_empty())
        .then(|| CodeList { periods: vec![CodePeriod { from: None, until: None, codes }], ..CodeList::default() })
}

/// Registers with gaps: not every unit has every value, not every episode a person.
fn registers(dice: &mut Dice) -> MemorySource {
    let pointers: Vec<Option<u32>> =
        (0..EPISODES).map(|_| (dice.roll(20) > 0).then(|| dice.roll(u64::from(PERSONS)) as u32)).collect();
    let leads = pointers.iter().enumerate().filter_map(|(unit, person)| {
        let value = Literal::Integer(i64::from((*person)?));
        Some(Fact { unit: unit as u32, value, start: None, stop: None })
    });
    let key = DataType::Key(Arc::new(UnitType::built_in("PERSON").unwrap()));
    let mut source = MemorySource::new(true)
        .space("FNR", PERSONS, &[1; 32])
        .space("NPR_EPISODE_ID", EPISODES, &[2; 32])
        .pointer("NPR_EPISODE_ID", pointers.iter().map(|p| p.unwrap_or(u32::MAX)).collect())
        .variable(info("NPRID", "NPR_EPISODE", Temporality::Fixed, key), leads.collect());
    for Known(_, name, unit, temporality, data_type, codes) in known() {
        let units = if unit == "PERSON" { PERSONS } else { EPISODES };
        let mut facts = Vec::new();
        for unit in 0..units {
            let times = match temporality {
                // Everybody has a sex: that is the population.
                _ if name == "SEX" => 1,
                Temporality::Fixed => u64::from(dice.roll(5) > 0),
                _ => dice.roll(3),
            };
            for n in 0..times {
                let value = match (&data_type, codes.as_slice()) {
                    (DataType::Date, _) => Literal::Integer(i64::from(dice.day().days())),
                    (DataType::Integer, _) => Literal::Integer(dice.roll(12) as i64 - 2),
                    (_, []) => Literal::Text(dice.of(&ICD).into()),
                    (_, codes) => Literal::Text(codes[dice.roll(codes.len() as u64) as usize].0.into()),
                };
                let year = 2018 + n as i16;
                let (start, stop) = match temporality {
                    Temporality::Fixed => (None, None),
                    _ => (Date::new(year, 1, 1).ok(), Date::new(year, 12, 31).ok()),
                };
                facts.push(Fact { unit, value, start, stop });
            }
        }
        let mut about = info(name, unit, temporality, data_type);
        about.code_list = list(&codes);
        source = source.variable(about, facts);
    }
    source
}

struct Catalogue;

impl Columns for Catalogue {
    fn column(&self, variable: &str) -> Option<Column> {
        let Known(id, name, unit, temporality, data_type, codes) = known().into_iter().find(|k| k.0 == variable)?;
        let kind = match data_type {
            DataType::Date => VariableKind::Date,
            DataType::Integer => VariableKind::Number,
            _ if codes.is_empty() => VariableKind::Text,
            _ => VariableKind::Code,
        };
        Some(Column {
            collection: id.rsplit_once('.')?.0.into(),
            dataset: Some(format!("no.test/{name}")),
            unit_type: unit.into(),
            temporality,
            kind,
            pointer: (unit != "PERSON").then(|| "no.test/NPRID".into()),
            codes: codes.into_iter().map(|(code, missing)| (code.to_owned(), missing)).collect(),
        })
    }
    fn population(&self) -> Option<String> {
        Some("no.test/SEX".into())
    }
}

fn atom(dice: &mut Dice) -> String {
    let variables = known();
    let Known(id, _, _, _, data_type, codes) = &variables[dice.roll(variables.len() as u64) as usize];
    if dice.roll(8) == 0 {
        return format!("{id} is missing");
    }
    if matches!(data_type, DataType::Text) {
        let icd = ["I60", "I63", "I639", "I64", "C50", "J18", "I62", "X99"];
        let flat = ["1", "2", "3", "9"];
        let all: &[&str] = if codes.len() == LEVELS.len() || codes.len() == 2 { &flat } else { &icd };
        let (a, b, c) = (dice.of(all), dice.of(all), dice.of(all));
        return match dice.roll(5) {
            0 => format!("{id} = '{a}'"),
            1 => format!("{id} != '{a}'"),
            2 => format!("{id} in ('{a}', '{b}'..'{c}')"),
            3 => format!("{id} not in ('{a}', '{b}')"),
            _ => format!("{id} between '{a}' and '{b}'"),
        };
    }
    let mut value = || match data_type {
        DataType::Date => dice.day().to_string(),
        _ => (dice.roll(12) as i64 - 2).to_string(),
    };
    let (a, b) = (value(), value());
    match dice.roll(5) {
        0 => format!("{id} {} {a}", dice.of(&["=", "!=", "<", "<=", ">", ">="])),
        1 => format!("{id} in ({a}, {b})"),
        2 => format!("{id} not in ({a}..{b})"),
        _ => format!("{id} between {a} and {b}"),
    }
}

fn expression(dice: &mut Dice, depth: u32) -> String {
    let part = |dice: &mut Dice| {
        if depth == 0 || dice.roll(2) == 0 {
            let not = if dice.roll(6) == 0 { "not " } else { "" };
            return format!("{not}{}", atom(dice));
        }
        let not = if dice.roll(4) == 0 { "not " } else { "" };
        format!("{not}({})", expression(dice, depth - 1))
    };
    let parts: Vec<String> = (0..1 + dice.roll(3)).map(|_| part(dice)).collect();
    let sign = dice.of(&[" and ", " or "]);
    parts.join(sign)
}

/// The persons of the extraction's row filter.
fn by_filter(source: &MemorySource, criteria: &Criteria) -> Vec<u32> {
    let mut datasets = BTreeMap::new();
    for variable in criteria.variables() {
        let column = Catalogue.column(variable).unwrap();
        datasets.insert(variable.to_owned(), column.dataset.unwrap());
        if let Some(pointer) = column.pointer {
            datasets.insert(column.collection, pointer);
        }
    }
    let order: ExtractionOrder = serde_json::from_value(json!({
        "order_id": "01J00000000000000000000000", "series": "P-2026-1", "permit_id": "P-2026-1-01", "plan_no": 1,
        "source": "npr", "sequence": 1,
        "population": {"mode": "list_mixed", "expr": criteria, "datasets": datasets, "max_persons": 1000},
        "tables": [], "optout": {"rule": "exclude"},
        "pseudonym": {"protocol": "P1", "mode": "service", "id_form": "O", "epoch": 1},
        "room": {"id": "room:test", "adapter": "local", "intake_key": protocol::Key32([7; 32])},
        "format": "parquet", "pad": false, "not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z",
    }))
    .unwrap();
    let mut found: Vec<u32> = evaluate(source, &order).unwrap().iter().collect();
    found.sort_unstable();
    found
}

/// The persons whom the script counts: the members of its cell, and how many there are.
fn by_script(source: &Arc<MemorySource>, text: &str) -> Vec<u32> {
    let checked = script::compile(text, &SourceCatalogue(&**source), &Settings::default());
    let errors: Vec<String> = checked.diagnostics.iter().filter(|d| d.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    let cache = Arc::new(ImportCache::new(1 << 24));
    let mut run = Run::new(source.clone(), cache, Parameters::default(), Language::En);
    let mut table = None;
    for step in &checked.program.unwrap().steps {
        let mut outcome = run.execute(step, &Unattended).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        if let Outcome::Groups(_) = outcome {
            outcome = run.fill_exact(&Unattended).unwrap();
        }
        run.accept();
        while let Outcome::Judged { verdicts, then } = outcome {
            assert!(verdicts.iter().all(|v| v.verdict.peek().rows == 0), "{text}");
            outcome = *then;
        }
        if let Outcome::Table(raw) = outcome {
            table = Some(raw);
        }
    }
    let table = table.unwrap();
    let table = table.peek();
    let categories = &table.dimensions[0].categories;
    assert!(categories.iter().all(|c| c.code == "0" || c.code == "1"), "never missing: {text}");
    assert_eq!(table.dropped_missing, 0, "never missing: {text}");
    let Some(yes) = categories.iter().position(|c| c.code == "1") else { return Vec::new() };
    let set = &table.cells[table.index(&[yes])].set;
    let members: Vec<u32> = set.members.ordinals().map(|o| o.iter().collect()).unwrap_or_default();
    assert_eq!(members.len() as u64, set.persons);
    members
}

#[test]
fn acc_048_the_script_and_the_row_filter_give_the_same_persons() {
    const WORLDS: u64 = 6;
    const EXPRESSIONS: u64 = 60;
    let (mut compared, mut some) = (0, 0);
    for world in 0..WORLDS {
        let source = Arc::new(registers(&mut Dice(world)));
        for n in 0..EXPRESSIONS {
            let mut dice = Dice(1_000 * (world + 1) + n);
            let text = expression(&mut dice, 2);
            let criteria = Criteria::parse(&text).unwrap();
            let script = match to_script(&criteria, &Catalogue) {
                Ok(script) => script,
                Err(NotCountable::SameRow(..)) => continue,
                Err(other) => panic!("{text}: {other}"),
            };
            assert!(!script.contains("keep"), "ACC-045: {script}");
            let (filter, counted) = (by_filter(&source, &criteria), by_script(&source, &script));
            assert_eq!(filter, counted, "world {world}, {text}\n{script}");
            compared += 1;
            some += u32::from(!filter.is_empty() && filter.len() < PERSONS as usize);
        }
    }
    assert!(compared > 300 && some > 150, "{compared} compared, {some} that meant some and not all");
}
