//! Random datastores: few units, many of them without a value, spells that touch the days scripts read them on, dates
//! far off, codes that no list has, sentinels, numbers at the edges of their types, and pointers between unit types
//! that share an id type or do not (ENG-041).

use std::sync::Arc;

use kernel::{Date, LangMap};
use script::program::Literal;
use script::{CodeEntry, CodeList, CodePeriod, DataType, Recoding, Temporality, UnitType, VariableInfo};

use super::dice::Dice;
use crate::memory::{Fact, MemorySource};

/// The store that the variables of a random world are in; its only version is 1.
pub const STORE: &str = "no.test";

/// The days that random scripts read at: spells of random worlds begin and end on, before and after them.
pub(super) const DAYS: [&str; 5] = ["2019-01-01", "2019-12-31", "2020-01-01", "2020-12-31", "2021-01-01"];

/// A random world of about `size` persons with families, episodes, jobs and municipalities.
pub fn world(seed: u64, size: u32) -> MemorySource {
    let mut builder = Builder { dice: Dice::new(seed), source: MemorySource::new(true) };
    let persons = size;
    let episodes = size + size / 2;
    let jobs = size.div_ceil(2);
    builder.space("FNR", persons, None);
    builder.space("NPR_EPISODE_ID", episodes, Some(persons));
    builder.space("JOBBID_1", jobs, Some(persons));
    builder.space("KOMMUNE", 4, None);
    builder.persons(persons);
    builder.episodes(episodes, persons);
    builder.jobs(jobs, persons);
    builder.places();
    builder.source
}

struct Builder {
    dice: Dice,
    source: MemorySource,
}

/// What a variable is, besides its facts.
struct Head<'a> {
    name: &'a str,
    unit: &'a str,
    temporality: Temporality,
    data_type: DataType,
    codes: &'a [(&'a str, &'a str)],
}

impl Builder {
    fn space(&mut self, name: &str, size: u32, persons: Option<u32>) {
        let mut source = std::mem::take(&mut self.source).space(name, size, &[0x11; 32]);
        if let Some(persons) = persons {
            let behind = (0..size).map(|_| {
                // Some units lead to nobody; several lead to the same person.
                if persons == 0 || self.dice.once_in(9) { u32::MAX } else { self.dice.roll(persons as usize) as u32 }
            });
            source = source.pointer(name, behind.collect());
        }
        self.source = source;
    }

    fn add(&mut self, head: &Head<'_>, facts: Vec<Fact>) {
        let days = |texts: &[&str]| -> Vec<Date> { texts.iter().map(|t| day(t)).collect() };
        let is = |t| head.temporality == t;
        let info = VariableInfo {
            store: STORE.into(),
            version: "1.0.0.0".into(),
            name: head.name.into(),
            title: LangMap::of(head.name, head.name, head.name),
            description: LangMap::default(),
            unit_type: unit(head.unit),
            temporality: head.temporality,
            data_type: head.data_type.clone(),
            covered_from: (!is(Temporality::Fixed)).then(|| day("2000-01-01")),
            covered_until: is(Temporality::Accumulated).then(|| day("2021-12-31")),
            status_dates: if is(Temporality::Status) { days(&DAYS) } else { Vec::new() },
            code_list: code_list(head.codes),
        };
        self.source = std::mem::take(&mut self.source).variable(info, facts);
    }

    /// One value for most units, whatever the day.
    fn fixed(&mut self, head: &Head<'_>, units: u32, value: impl Fn(&mut Dice) -> Literal) {
        let holes = [3, 6, 1000][self.dice.roll(3)];
        let mut facts = Vec::new();
        for unit in 0..units {
            if !self.dice.once_in(holes) {
                facts.push(Fact { unit, value: value(&mut self.dice), start: None, stop: None });
            }
        }
        self.add(head, facts);
    }

    /// A value per calendar year, or per status date.
    fn dated(&mut self, head: &Head<'_>, units: u32, value: impl Fn(&mut Dice) -> Literal) {
        let periods: Vec<(Date, Date)> = match head.temporality {
            Temporality::Accumulated => {
                ["2019", "2020", "2021"].map(|y| (day(&format!("{y}-01-01")), day(&format!("{y}-12-31")))).to_vec()
            }
            _ => DAYS.map(|d| (day(d), day(d))).to_vec(),
        };
        let mut facts = Vec::new();
        for unit in 0..units {
            for (start, stop) in &periods {
                if !self.dice.once_in(4) {
                    facts.push(Fact { unit, value: value(&mut self.dice), start: Some(*start), stop: Some(*stop) });
                }
            }
        }
        self.add(head, facts);
    }

    /// Spells one after the other; with `overlapping` also several at a time, on one day, and the same twice.
    fn spells(&mut self, head: &Head<'_>, units: u32, overlapping: bool, value: impl Fn(&mut Dice) -> Literal) {
        let mut facts = Vec::new();
        for unit in 0..units {
            let mut free_from = day("1850-06-01");
            for _ in 0..self.dice.roll(4) {
                let at = day(self.dice.pick(&DAYS)).plus_days(self.dice.roll(3) as i32 - 1);
                let start = if overlapping || at >= free_from { at } else { free_from };
                let open = self.dice.once_in(4);
                let stop = match self.dice.roll(4) {
                    0 => start,
                    1 => start.plus_days(1),
                    2 => start.plus_days(self.dice.roll(800) as i32),
                    _ => day("2061-02-28").max(start),
                };
                let value = value(&mut self.dice);
                facts.push(Fact { unit, value, start: Some(start), stop: (!open).then_some(stop) });
                if overlapping {
                    continue;
                }
                if open {
                    break;
                }
                free_from = stop.plus_days(1);
            }
        }
        self.add(head, facts);
    }

    fn persons(&mut self, n: u32) {
        let head = |name, temporality, data_type, codes| Head { name, unit: "PERSON", temporality, data_type, codes };
        use Temporality::{Accumulated, Event, Fixed, Status};
        let sex = head("KJOENN", Fixed, DataType::Text, &[("1", "Mann"), ("2", "Kvinne"), ("9!", "Ukjent")]);
        self.fixed(&sex, n, |d| text(d.pick(&["1", "2", "2", "9"])));
        let born = head("FOEDT", Fixed, DataType::Date, &[]);
        self.fixed(&born, n, |d| {
            Literal::Integer([-43_830, -25_568, 0, 33_238, 10_957][d.roll(5)] + d.roll(9) as i64 - 4)
        });
        let place =
            head("BOSTED", Event, DataType::Text, &[("5001", "Trondheim"), ("0301", "Oslo"), ("4601", "Bergen")]);
        self.spells(&place, n, false, |d| text(d.pick(&["5001", "0301", "4601", "1601"])));
        let status = head("SIVSTAND", Event, DataType::Integer, &[("1", "Ugift"), ("2", "Gift"), ("-9!", "Uoppgitt")]);
        self.spells(&status, n, false, |d| Literal::Integer([1, 2, 3, -9][d.roll(4)]));
        let diagnosis = head("DIAGNOSER", Event, DataType::Text, &[]);
        self.spells(&diagnosis, n, true, |d| text(d.pick(&["A00", "B20", "C50", "a00 "])));
        let income = head("INNTEKT", Accumulated, DataType::Integer, &[]);
        self.dated(&income, n, |d| Literal::Integer(d.roll(900_000) as i64 - 50_000));
        let extreme = head("YTTER", Fixed, DataType::Integer, &[]);
        self.fixed(&extreme, n, |d| Literal::Integer([i64::MAX, -(1 << 53), 0, -1, 1 << 53, i64::MAX - 1][d.roll(6)]));
        let weight = head("VEKT", Fixed, DataType::Decimal, &[]);
        self.fixed(&weight, n, |d| match d.roll(30) {
            0 => Literal::Decimal(f64::MAX),
            1 => Literal::Decimal(-f64::MIN_POSITIVE),
            _ => Literal::Decimal(d.roll(2000) as f64 / 16.0 - 20.0),
        });
        let level =
            head("NIVAA", Status, DataType::Integer, &[("1", "Lav"), ("2", "Middels"), ("3", "Høy"), ("-1!", "?")]);
        self.dated(&level, n, |d| Literal::Integer([1, 2, 3, -1][d.roll(4)]));
        let note = head("NOTAT", Fixed, DataType::Text, &[]);
        self.fixed(&note, n, |d| {
            text(d.pick(&["12", " 7 ", "03", "1,5", "2.50", "", "Bærum", "x9", "-4", "+0", "kr 8"]))
        });
        let mother = head("MOR", Fixed, DataType::Key(unit("PERSON")), &[]);
        self.fixed(&mother, n, |d| Literal::Integer(d.roll(n as usize) as i64));
        let family = head("FAMNR", Status, DataType::Key(unit("FAMILIE")), &[]);
        self.dated(&family, n, |d| Literal::Integer(d.roll(n as usize) as i64));
        let together = Head {
            name: "FAMINNTEKT",
            unit: "FAMILIE",
            temporality: Accumulated,
            data_type: DataType::Integer,
            codes: &[],
        };
        self.dated(&together, n, |d| Literal::Integer(d.roll(2_000_000) as i64));
    }

    fn episodes(&mut self, n: u32, persons: u32) {
        let head =
            |name, temporality, data_type, codes| Head { name, unit: "NPR_EPISODE", temporality, data_type, codes };
        use Temporality::{Event, Fixed};
        let person = head("EPISODE_PERSON", Fixed, DataType::Key(unit("PERSON")), &[]);
        self.fixed(&person, n, |d| Literal::Integer(d.roll(persons as usize) as i64));
        let code = head("HDIAG", Fixed, DataType::Text, &[("A00", "Kolera"), ("B20", "HIV"), ("C50", "Bryst")]);
        self.fixed(&code, n, |d| text(d.pick(&["A00", "B20", "C50", "Z99"])));
        let days = head("LIGGEDAGER", Fixed, DataType::Integer, &[]);
        self.fixed(&days, n, |d| Literal::Integer(d.roll(12) as i64));
        let ward = head("AVDELING", Event, DataType::Text, &[]);
        self.spells(&ward, n, true, |d| text(d.pick(&["kir", "med"])));
    }

    fn jobs(&mut self, n: u32, persons: u32) {
        let head = |name, temporality, data_type, codes| Head { name, unit: "JOBB", temporality, data_type, codes };
        let person = head("JOBB_PERSON", Temporality::Fixed, DataType::Key(unit("PERSON")), &[]);
        self.fixed(&person, n, |d| Literal::Integer(d.roll(persons as usize) as i64));
        let pay = head("LONN", Temporality::Accumulated, DataType::Integer, &[]);
        self.dated(&pay, n, |d| Literal::Integer(d.roll(500_000) as i64));
    }

    fn places(&mut self) {
        let head = Head {
            name: "FOLKETALL",
            unit: "KOMMUNE",
            temporality: Temporality::Status,
            data_type: DataType::Integer,
            codes: &[],
        };
        self.dated(&head, 4, |d| Literal::Integer(d.roll(9000) as i64));
    }
}

fn day(text: &str) -> Date {
    // The texts are those of this module.
    text.parse().unwrap_or_else(|_| Date::from_days(0))
}

fn text(value: &str) -> Literal {
    Literal::Text(value.into())
}

fn unit(name: &str) -> Arc<UnitType> {
    let own = || UnitType { name: name.to_owned(), id_type: None, identifier: format!("{name}ID") };
    Arc::new(UnitType::built_in(name).unwrap_or_else(own))
}

/// Two periods of validity with labels of their own; a code ending in `!` is a sentinel.
fn code_list(entries: &[(&str, &str)]) -> Option<CodeList> {
    let period = |from: Option<&str>, until: Option<&str>, mark: &str| {
        let codes = entries.iter().map(|(code, label)| {
            let label = format!("{label}{mark}");
            let label = LangMap::of(&label, &label, &label);
            CodeEntry { code: code.trim_end_matches('!').into(), label, missing: code.ends_with('!') }
        });
        CodePeriod { from: from.map(day), until: until.map(day), codes: codes.collect() }
    };
    let periods = vec![period(None, Some("2019-12-31"), ""), period(Some("2020-01-01"), None, " (ny)")];
    // On the day of the second period a code goes into another, and one is split.
    let change = |from: &str, to: &str, share: Option<f64>| {
        let has = |code: &str| entries.iter().any(|(c, _)| *c == code);
        let recoding = Recoding { date: day("2020-01-01"), from: from.into(), to: to.into(), share };
        (has(from) && has(to)).then_some(recoding)
    };
    let split = |to, share| change("4601", to, Some(share));
    let changes = [change("5001", "0301", None), split("4601", 0.4), split("0301", 0.6), change("1", "2", None)];
    let changes = changes.into_iter().flatten().collect();
    (!entries.is_empty()).then_some(CodeList { periods, changes })
}
