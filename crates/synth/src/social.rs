//! The datasets of population, education, work and income (`no.ssb.fdb`).

use rayon::prelude::*;

use crate::SynthError;
use crate::health::History;
use crate::lists::{Municipality, lists};
use crate::output::{Output, Rows};
use crate::rng::{Purpose, Rng};
use crate::world::{BEGIN, END, NEVER, NOBODY, Person, World, day, years};

const STORE: &str = "no.ssb.fdb";
/// Measuring dates of the population's STATUS datasets.
const DATES: [i32; 5] = [day(2021, 1, 1), day(2022, 1, 1), day(2023, 1, 1), day(2024, 1, 1), day(2025, 1, 1)];
/// Years of the income datasets.
const YEARS: std::ops::RangeInclusive<i32> = 2019..=2023;
/// Municipal codes are known from this day.
const HOMES_FROM: i32 = day(2020, 1, 1);
const CODES_CHANGE: i32 = day(2024, 1, 1);

/// Rows made person by person, in parallel and in order.
pub(crate) fn per_person(world: &World, rows: impl Fn(usize, &Person, &mut Rows) + Sync) -> Vec<Rows> {
    let starts: Vec<usize> = (0..world.people.len()).step_by(8192).collect();
    starts
        .into_par_iter()
        .map(|from| {
            let mut out = Rows::default();
            for (i, p) in world.people.iter().enumerate().skip(from).take(8192) {
                rows(i, p, &mut out);
            }
            out
        })
        .collect()
}

/// Writes every dataset of the store.
pub(crate) fn write(world: &World, histories: &[History], out: &Output) -> Result<(), SynthError> {
    let tasks: Vec<Box<dyn Fn() -> Result<(), SynthError> + Sync + Send + '_>> = vec![
        Box::new(|| fixed(world, out)),
        Box::new(|| households(world, out)),
        Box::new(|| residence(world, out)),
        Box::new(|| marriages(world, out)),
        Box::new(|| education(world, out)),
        Box::new(|| benefits(world, histories, out)),
        Box::new(|| incomes(world, histories, out)),
    ];
    tasks.par_iter().try_for_each(|task| task())
}

fn fixed(world: &World, out: &Output) -> Result<(), SynthError> {
    let write = |name: &str, rows: &(dyn Fn(usize, &Person, &mut Rows) + Sync)| {
        out.dataset(STORE, name, &per_person(world, rows))
    };
    write("BEFOLKNING_KJOENN", &|_, p, o| o.fixed(&p.number, p.sex))?;
    write("BEFOLKNING_FOEDSELS_AAR_MND", &|_, p, o| {
        let (y, m, _) = kernel::Date::from_days(p.birth).ymd();
        o.fixed(&p.number, i32::from(y) * 100 + i32::from(m));
    })?;
    write("BEFOLKNING_DOEDS_DATO", &|_, p, o| {
        if p.death != NEVER {
            let (y, m, d) = kernel::Date::from_days(p.death).ymd();
            o.fixed(&p.number, i32::from(y) * 10_000 + i32::from(m) * 100 + i32::from(d));
        }
    })?;
    write("BEFOLKNING_INVKAT", &|_, p, o| {
        let abroad = |i: u32| i != NOBODY && world.people[i as usize].immigrated.is_some();
        let category = match (p.immigrated.is_some(), abroad(p.mother), abroad(p.father)) {
            (true, ..) => "B",
            (false, true, true) => "C",
            (false, true, false) | (false, false, true) => "F",
            _ => "A",
        };
        o.fixed(&p.number, category);
    })?;
    write("BEFOLKNING_FODELAND", &|_, p, o| o.fixed(&p.number, p.country))?;
    write("BEFOLKNING_INNGRUNN1", &|i, p, o| {
        if let Some(arrived) = p.immigrated.filter(|d| *d >= day(1990, 1, 1)) {
            let mut rng = Rng::new(world.seed, Purpose::Social, 1 << 40 | i as u64);
            let weights = match p.country {
                "564" | "346" | "241" | "452" | "456" => [0.03, 0.27, 0.66, 0.02, 0.01, 0.01],
                "131" | "136" | "106" | "144" | "101" | "133" => [0.68, 0.22, 0.0, 0.07, 0.02, 0.01],
                _ => [0.2, 0.52, 0.08, 0.16, 0.02, 0.02],
            };
            let child = years(p.birth, arrived) < 16;
            o.fixed(
                &p.number,
                if child { "FAM" } else { ["ARB", "FAM", "FLU", "UTD", "ANN", "UKJ"][rng.weighted(&weights)] },
            );
        }
    })?;
    for (name, parent) in [("BEFOLKNING_MOR_FNR", true), ("BEFOLKNING_FAR_FNR", false)] {
        write(name, &|_, p, o| {
            let parent = if parent { p.mother } else { p.father };
            if parent != NOBODY {
                o.fixed(&p.number, &world.people[parent as usize].number);
            }
        })?;
    }
    write("NUDB_SOSBAK", &|_, p, o| {
        if p.mother == NOBODY || p.birth < day(1960, 1, 1) {
            return;
        }
        let level = |i: u32| if i == NOBODY { 0 } else { world.people[i as usize].level };
        let code = match level(p.mother).max(level(p.father)) {
            7.. => 1,
            6 => 2,
            3..=5 => 3,
            1..=2 => 4,
            _ => 9,
        };
        o.fixed(&p.number, code);
    })
}

fn code(m: &Municipality, at: i32) -> &str {
    if at < CODES_CHANGE { &m.code_2020 } else { &m.code }
}

fn residence(world: &World, out: &Output) -> Result<(), SynthError> {
    let places = &lists()?.municipalities;
    let mut status = Vec::new();
    let mut formal = Vec::new();
    for at in DATES {
        status.extend(per_person(world, |_, p, o| {
            let code = match at {
                _ if p.arrived() > at => return,
                _ if p.death <= at => 5,
                _ if p.emigrated <= at => 3,
                _ => 1,
            };
            o.spell(&p.number, code, at, Some(at));
        }));
        formal.extend(per_person(world, |_, p, o| {
            if p.resident(at) {
                o.spell(&p.number, code(&places[p.home(at) as usize], at), at, Some(at));
            }
        }));
    }
    out.dataset(STORE, "BEFOLKNING_STATUSKODE", &status)?;
    out.dataset(STORE, "BEFOLKNING_KOMMNR_FORMELL", &formal)?;
    let spells = per_person(world, |_, p, o| {
        let gone = p.gone().min(END + 1);
        let mut starts: Vec<i32> = p.homes.iter().map(|h| h.0).filter(|s| *s > HOMES_FROM).collect();
        starts.push(HOMES_FROM.max(p.arrived()));
        let moved = |at: i32| places[p.home(at) as usize].code != places[p.home(at) as usize].code_2020;
        if moved(CODES_CHANGE) && p.arrived() < CODES_CHANGE {
            starts.push(CODES_CHANGE);
        }
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|s| *s < gone);
        for (k, start) in starts.iter().enumerate() {
            let next = starts.get(k + 1).copied().unwrap_or(gone);
            let stop = (next <= END).then_some(next - 1);
            o.spell(&p.number, code(&places[p.home(*start) as usize], *start), *start, stop);
        }
    });
    out.dataset(STORE, "BOSATTEFDT_BOSTED", &spells)
}

/// Who leads the household of a person on a day: the mother for a child at home, the woman of a couple, oneself.
pub(crate) fn household(world: &World, i: u32, at: i32) -> u32 {
    let p = &world.people[i as usize];
    if p.mother != NOBODY && at < p.left_home && !p.coupled(at) {
        for parent in [p.mother, p.father] {
            if world.people[parent as usize].resident(at) && years(p.birth, at) < 29 {
                return household(world, parent, at);
            }
        }
    }
    if p.sex == 1 && p.coupled(at) && world.people[p.partner as usize].resident(at) {
        return p.partner;
    }
    i
}

fn households(world: &World, out: &Output) -> Result<(), SynthError> {
    let mut columns: [Vec<Rows>; 5] = Default::default();
    for at in DATES {
        let n = world.people.len();
        let heads: Vec<u32> = (0..n)
            .into_par_iter()
            .map(|i| if world.people[i].resident(at) { household(world, i as u32, at) } else { NOBODY })
            .collect();
        // Persons, children under 18, adults, eldest, by head of household.
        let mut groups = vec![(0u32, 0u32, 0u32, NOBODY); n];
        for (i, head) in heads.iter().enumerate() {
            if *head == NOBODY {
                continue;
            }
            let p = &world.people[i];
            let g = &mut groups[*head as usize];
            g.0 += 1;
            if years(p.birth, at) < 18 {
                g.1 += 1
            } else {
                g.2 += 1
            }
            if g.3 == NOBODY || p.birth < world.people[g.3 as usize].birth {
                g.3 = i as u32;
            }
        }
        let column = |value: &(dyn Fn(usize, &Person, &mut Rows) + Sync)| per_person(world, value);
        let group = |i: usize| (heads[i] != NOBODY).then(|| groups[heads[i] as usize]);
        columns[0].extend(column(&|i, p, o| {
            if let Some(g) = group(i) {
                o.spell(&p.number, &world.people[g.3 as usize].number, at, Some(at));
            }
        }));
        columns[1].extend(column(&|i, p, o| {
            if let Some(g) = group(i) {
                o.spell(&p.number, &world.people[g.3 as usize].number, at, Some(at));
            }
        }));
        columns[2].extend(column(&|i, p, o| {
            if let Some((size, children, adults, _)) = group(i) {
                let couple = world.people[heads[i] as usize].coupled(at);
                let kind = match (size, couple, children) {
                    (1, ..) => 1,
                    (_, true, 0) if adults == 2 => 2,
                    (_, true, 1..) => 3,
                    (_, false, 1..) => 4,
                    _ => 5,
                };
                o.spell(&p.number, kind, at, Some(at));
            }
        }));
        columns[3].extend(column(&|i, p, o| {
            if let Some(g) = group(i) {
                o.spell(&p.number, g.0, at, Some(at));
            }
        }));
        columns[4].extend(column(&|i, p, o| {
            if let Some(g) = group(i) {
                o.spell(&p.number, g.1, at, Some(at));
            }
        }));
    }
    let names = [
        "BEFOLKNING_REGSTAT_FAMNR",
        "BEFOLKNING_HUSHNR",
        "BEFOLKNING_REGSTAT_HUSHTYP",
        "BEFOLKNING_PERS_I_HUSHNR",
        "BEFOLKNING_BARN_I_HUSH",
    ];
    names.into_iter().zip(&columns).try_for_each(|(name, parts)| out.dataset(STORE, name, parts))
}

fn marriages(world: &World, out: &Output) -> Result<(), SynthError> {
    let rows = per_person(world, |_, p, o| {
        let gone = p.gone().min(END + 1);
        let mut spells = vec![(p.arrived().max(day(1992, 1, 1)), 1)];
        if let Some(wed) = p.married.filter(|d| *d < p.together.1) {
            spells.push((wed.max(p.arrived()), 2));
            let end = p.together.1;
            if end < gone {
                let spouse = &world.people[p.partner as usize];
                if spouse.death <= end {
                    spells.push((end, 3));
                } else {
                    spells.push((end, 5));
                    spells.push((end + 365, 4));
                }
            }
        }
        // Only what reaches into the time of the register; a state that lasted no day is not there.
        let first = spells[0].0;
        for k in 0..spells.len() {
            let start = spells[k].0.max(first);
            let next = spells.get(k + 1).map_or(gone, |s| s.0.max(first)).min(gone);
            if start < next {
                o.spell(&p.number, spells[k].1, start, (next <= END).then_some(next - 1));
            }
        }
    });
    out.dataset(STORE, "SIVSTANDFDT_SIVSTAND", &rows)
}

fn education(world: &World, out: &Output) -> Result<(), SynthError> {
    let rows = per_person(world, |_, p, o| {
        let year = i32::from(kernel::Date::from_days(p.birth).year());
        let mut steps: Vec<(i32, u8, u8)> = vec![(day(year + 16, 6, 20), 2, 0)];
        for (age, level) in [(18, 3), (19, 4), (21, 5), (23, 6), (25, 7), (30, 8)] {
            let passed = match level {
                5 => p.level == 5,
                8 => p.level == 8,
                _ => p.level >= level,
            };
            if passed {
                steps.push((day(year + age, 6, 20), level, p.field));
            }
        }
        let (from, gone) = (day(1970, 11, 1).max(p.arrived()), p.gone().min(END + 1));
        for k in 0..steps.len() {
            let (start, level, field) = steps[k];
            let next = steps.get(k + 1).map_or(gone, |s| s.0).min(gone);
            if start.max(from) < next {
                let stop = (next <= END).then_some(next - 1);
                o.spell(&p.number, format_args!("{level}{field}9999"), start.max(from), stop);
            }
        }
    });
    out.dataset(STORE, "NUDB_BU", &rows)
}

fn pension_age(world: &World, i: usize) -> i32 {
    [62, 63, 64, 65, 66, 67]
        [Rng::new(world.seed, Purpose::Income, i as u64).weighted(&[0.2, 0.1, 0.07, 0.08, 0.1, 0.45])]
}

fn benefits(world: &World, histories: &[History], out: &Output) -> Result<(), SynthError> {
    let disability = |i: usize, p: &Person| -> Option<(i32, Option<i32>, i64)> {
        let (from, degree) = histories[i].disability?;
        let stop = p.gone().min(p.birth + 24_472);
        (from < stop).then(|| (from, (stop <= END).then_some(stop - 1), degree))
    };
    let rows = per_person(world, |i, p, o| {
        if let Some((from, stop, degree)) = disability(i, p) {
            o.spell(&p.number, degree, from, stop);
        }
    });
    out.dataset(STORE, "UFOERP2011FDT_GRAD", &rows)?;
    let rows = per_person(world, |i, p, o| {
        if let Some((from, stop, _)) = disability(i, p) {
            o.spell(&p.number, 1, from, stop);
        }
    });
    out.dataset(STORE, "UFOERP2011FDT_MOTTAK", &rows)?;
    let rows = per_person(world, |i, p, o| {
        if let Some((from, to)) = histories[i].assessment {
            let from = from.max(p.arrived());
            let to = to.min(p.gone() - 1);
            if from <= to {
                o.spell(&p.number, 1, from, (to <= END).then_some(to));
            }
        }
    });
    out.dataset(STORE, "ARBAVKLARPFDT_MOTTAK", &rows)?;
    let rows = per_person(world, |i, p, o| {
        let from = (p.birth + (365.25 * f64::from(pension_age(world, i))) as i32).max(day(2011, 1, 1)).max(p.arrived());
        if from <= END && from < p.gone() {
            o.spell(&p.number, 1, from, (p.gone() <= END).then_some(p.gone() - 1));
        }
    });
    out.dataset(STORE, "ALDPENSJ2011FDT_MOTTAK", &rows)?;
    let rows = per_person(world, |i, p, o| {
        let mut rng = Rng::new(world.seed, Purpose::Social, 2 << 40 | i as u64);
        let risk = (0.03 * (-0.9 * p.advantage).exp() + if p.immigrated.is_some() { 0.06 } else { 0.0 }).min(0.5);
        if !rng.chance(risk) {
            return;
        }
        let mut at = BEGIN.max(p.birth + 6600).max(p.arrived()) + rng.between(0, 1500);
        for _ in 0..rng.between(1, 3) {
            let stop = at + 30 * rng.between(1, 14) - 1;
            if stop >= p.gone().min(END) || years(p.birth, at) > 66 {
                break;
            }
            o.spell(&p.number, 1, at, Some(stop));
            at = stop + 1 + rng.between(30, 900);
        }
    });
    out.dataset(STORE, "SOSHJLPFDT_MOTTAK", &rows)
}

/// A person's year: wage, business, capital, transfers.
#[derive(Clone, Copy)]
pub(crate) struct Year {
    pub wage: i64,
    pub business: i64,
    pub capital: i64,
    pub transfers: i64,
}

impl Year {
    pub(crate) fn total(&self) -> i64 {
        self.wage + self.business + self.capital + self.transfers
    }

    pub(crate) fn after_tax(&self) -> i64 {
        let total = self.total() as f64;
        let tax = 0.22 * (total - 90_000.0).max(0.0) + 0.16 * (total - 700_000.0).max(0.0);
        (total - tax) as i64
    }
}

pub(crate) fn income(world: &World, histories: &[History], i: usize, year: i32) -> Option<Year> {
    let p = &world.people[i];
    let (first, last) = (day(year, 1, 1), day(year, 12, 31));
    let age = year - i32::from(kernel::Date::from_days(p.birth).year());
    if age < 17 || !p.resident(last) && !p.resident(first) {
        return None;
    }
    let mut steady = Rng::new(world.seed, Purpose::Income, 1 << 40 | i as u64);
    let talent = steady.normal(0.0, 0.32);
    let attached = steady.unit();
    let owner = steady.chance(0.07);
    let mut rng = Rng::new(world.seed, Purpose::Income, (2 + year as u64) << 40 | i as u64);
    let disabled = histories[i].disability.filter(|d| d.0 <= last).map_or(0.0, |d| d.1 as f64 / 100.0);
    let pension_from = pension_age(world, i);
    let growth = 1.035f64.powi(year - 2019);
    let employed = match age {
        ..=19 => 0.45,
        20..=24 => 0.72,
        25..=61 => 0.87 + 0.03 * p.advantage.clamp(-2.0, 2.0) - if p.immigrated.is_some() { 0.12 } else { 0.0 },
        62..=66 => 0.62,
        67..=74 => 0.13,
        _ => 0.02,
    } * (1.0 - disabled);
    let mut result = Year { wage: 0, business: 0, capital: 0, transfers: 0 };
    if attached < employed {
        let schooling = [0.72, 0.72, 0.76, 0.85, 1.0, 1.02, 1.12, 1.42, 1.6][p.level as usize];
        let by_age = match age {
            ..=19 => 0.17,
            20..=24 => 0.48,
            25..=29 => 0.8,
            30..=39 => 1.0,
            40..=61 => 1.12,
            62..=66 => 0.9,
            _ => 0.35,
        };
        let sex = if p.sex == 2 && age > 22 { 0.83 } else { 1.0 };
        let noise = rng.normal(0.0, 0.12);
        let full = 585_000.0 * growth * schooling * by_age * sex * (talent + 0.12 * p.advantage + noise).exp();
        if owner {
            result.business = (full * 0.7) as i64;
            result.wage = (full * 0.25) as i64;
        } else {
            result.wage = full as i64;
        }
    }
    if rng.chance(0.55) {
        result.capital =
            (3_000.0 * (0.9 * p.advantage + rng.normal(0.0, 1.3) + 0.02 * f64::from(age - 20)).exp()) as i64;
    }
    if age >= pension_from {
        result.transfers = (245_000.0 * growth * (0.12 * p.advantage + 0.4 * talent).exp()) as i64;
    } else if disabled > 0.0 {
        result.transfers = (275_000.0 * growth * disabled) as i64;
    } else if result.wage == 0 && age > 19 {
        result.transfers = (110_000.0 * growth * rng.unit()) as i64;
    }
    Some(result)
}

type Amount = fn(&Year) -> i64;

fn incomes(world: &World, histories: &[History], out: &Output) -> Result<(), SynthError> {
    let columns: [(&str, Amount); 5] = [
        ("INNTEKT_WLONN", |y| y.wage),
        ("INNTEKT_WYRKINNT", |y| y.wage + y.business),
        ("INNTEKT_WSAMINNT", Year::total),
        ("INNTEKT_WIES", Year::after_tax),
        ("INNTEKT_WKAPINNT", |y| y.capital),
    ];
    let mut parts: [Vec<Rows>; 5] = Default::default();
    let mut status = Vec::new();
    for year in YEARS {
        let incomes: Vec<Option<Year>> =
            (0..world.people.len()).into_par_iter().map(|i| income(world, histories, i, year)).collect();
        let (first, last) = (day(year, 1, 1), day(year, 12, 31));
        for ((_, amount), parts) in columns.iter().zip(&mut parts) {
            parts.extend(per_person(world, |i, p, o| {
                if let Some(value) = incomes[i].as_ref().map(amount).filter(|v| *v != 0) {
                    o.spell(&p.number, value, first, Some(last));
                }
            }));
        }
        let at = day(year, 11, 16);
        status.extend(per_person(world, |i, p, o| {
            let age = years(p.birth, at);
            if let Some(y) = incomes[i].as_ref().filter(|_| (15..75).contains(&age) && p.resident(at)) {
                let code = match (y.wage > 60_000, y.business > y.wage, y.wage == 0 && y.business == 0) {
                    (_, true, _) => 2,
                    (true, ..) => 1,
                    (_, _, true) if age < 62 && y.transfers > 60_000 && histories[i].disability.is_none() => 3,
                    _ => 0,
                };
                o.spell(&p.number, code, at, Some(at));
            }
        }));
    }
    out.dataset(STORE, "REGSYS_ARB_ARBMARK_STATUS", &status)?;
    columns.iter().zip(&parts).try_for_each(|((name, _), parts)| out.dataset(STORE, name, parts))
}
