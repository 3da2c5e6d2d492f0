//! The units of the public list beside persons: jobs, courses, vehicles, meters, accidents, municipalities, hospital
//! episodes. Each has its days and the person behind it.

use rayon::prelude::*;

use super::draw::{below, exponential, mix, name, unit};
use super::people::People;
use crate::health::Records;
use crate::places::places;
use crate::world::{NEVER, NOBODY, day, years};

/// One unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// Number of the unit in its register; of a person, her place in the population.
    pub number: u32,
    /// The person behind it, or [`NOBODY`].
    pub person: u32,
    /// First day.
    pub from: i32,
    /// First day on which it is no more, or [`NEVER`].
    pub until: i32,
    /// What the register knows beside: level of a course, accident of a person, municipality.
    pub extra: u32,
}

/// All units by type.
pub(crate) struct Units {
    pub persons: Vec<Subject>,
    jobs: Vec<Subject>,
    courses: Vec<Subject>,
    vehicles: Vec<Subject>,
    meters: Vec<Subject>,
    accidents: Vec<Subject>,
    casualties: Vec<Subject>,
    municipalities: Vec<Subject>,
    episodes: Vec<Subject>,
}

impl Units {
    /// The units of a population.
    pub(crate) fn new(people: &People<'_>, records: &Records) -> Self {
        let world = people.world;
        let persons = world.people.iter().enumerate().map(|(i, p)| subject(i, p.arrived(), p.gone(), 0)).collect();
        let (accidents, casualties) = accidents(people);
        let episodes = records.episodes.iter().map(|r| subject(r.person as usize, r.from, r.to + 1, 0)).collect();
        let codes = places().map(|p| p.codes.as_slice()).unwrap_or_default().iter().enumerate();
        let municipality = |(i, p): (usize, &crate::places::PlaceCode)| Subject {
            person: NOBODY,
            ..subject(i, p.from, p.until.map_or(NEVER, |u| u + 1), i as u32)
        };
        Self {
            persons,
            jobs: numbered(per_person(people, jobs)),
            courses: numbered(per_person(people, courses)),
            vehicles: numbered(per_person(people, vehicles)),
            meters: numbered(per_person(people, meters)),
            accidents,
            casualties,
            municipalities: codes.map(municipality).collect(),
            episodes: numbered(episodes),
        }
    }

    /// The units of a type, with the letter before their numbers.
    pub(crate) fn of(&self, unit_type: &str) -> (&[Subject], u8) {
        match unit_type {
            "JOBB" => (&self.jobs, b'J'),
            "KURS" => (&self.courses, b'U'),
            "KJORETOY" => (&self.vehicles, b'B'),
            "MALEPUNKT" => (&self.meters, b'L'),
            "TRAFIKKULYKKE" => (&self.accidents, b'T'),
            "TRAFIKKULYKKE_PERSON" => (&self.casualties, b'P'),
            "KOMMUNE" => (&self.municipalities, 0),
            "NPR_EPISODE" => (&self.episodes, b'E'),
            _ => (&self.persons, 0),
        }
    }
}

fn subject(person: usize, from: i32, until: i32, extra: u32) -> Subject {
    Subject { number: person as u32, person: person as u32, from, until, extra }
}

fn per_person(people: &People<'_>, make: impl Fn(&People<'_>, usize, &mut Vec<Subject>) + Sync) -> Vec<Subject> {
    let starts: Vec<usize> = (0..people.world.people.len()).step_by(8192).collect();
    let made = starts.into_par_iter().map(|from| {
        let mut out = Vec::new();
        for i in from..(from + 8192).min(people.world.people.len()) {
            make(people, i, &mut out);
        }
        out
    });
    made.collect::<Vec<_>>().concat()
}

fn numbered(mut units: Vec<Subject>) -> Vec<Subject> {
    units.iter_mut().zip(1..).for_each(|(u, n)| u.number = n);
    units
}

/// A job per unbroken row of years with earnings, or two when somebody changes.
fn jobs(people: &People<'_>, i: usize, out: &mut Vec<Subject>) {
    let p = &people.world.people[i];
    let seed = mix(people.seed(name("job")), i as u64);
    let mut open: Option<i32> = None;
    for year in 2000..=2026 {
        let works = year < 2026 && people.works(i, year);
        let changes = unit(mix(seed, year as u64)) < 0.16;
        let first = day(year, 1, 1) + below(mix(seed, 3000 + year as u64), 300) as i32;
        if let Some(from) = open.filter(|_| !works || changes) {
            let until = if works { first } else { day(year, 1, 1) }.min(p.gone());
            let until = if year == 2026 && p.gone() == NEVER { NEVER } else { until };
            if from < until {
                out.push(subject(i, from, until, year as u32));
            }
            open = None;
        }
        if works && open.is_none() {
            let start = if year == 2000 { day(2000, 1, 1) - below(seed, 3000) as i32 } else { first };
            open = Some(start.max(p.arrived()).max(p.birth + 5500));
        }
    }
}

/// A course per level of education that was reached, and some that were broken off.
fn courses(people: &People<'_>, i: usize, out: &mut Vec<Subject>) {
    let p = &people.world.people[i];
    let birth = people.birth_year(i);
    let mut add = |age: i32, years: i32, level: u32| {
        let (from, until) = (day(birth + age, 8, 20), day(birth + age + years, 6, 20));
        if from >= day(1974, 9, 1) - 30 && from >= p.arrived() && until < p.gone().min(day(2024, 9, 1)) {
            out.push(subject(i, from.max(day(1974, 9, 1)), until, level));
        }
    };
    if p.level >= 3 || unit(mix(people.seed(name("drop out")), i as u64)) < 0.6 {
        add(16, 3, 2);
    }
    match p.level {
        5 => add(19, 2, 3),
        6.. => {
            add(19, 3, 4);
            if p.level >= 7 {
                add(22, 2, 5);
            }
            if p.level >= 8 {
                add(25, 4, 6);
            }
        }
        _ => {}
    }
}

/// Grown-ups that drive have one vehicle after the other.
fn vehicles(people: &People<'_>, i: usize, out: &mut Vec<Subject>) {
    let p = &people.world.people[i];
    let seed = mix(people.seed(name("vehicle")), i as u64);
    if unit(seed) > 0.6 {
        return;
    }
    let gone = p.gone().min(p.birth + 31_000);
    let mut from = (p.birth + 7000 + below(mix(seed, 1), 3000) as i32).max(p.arrived()).max(day(1993, 1, 1));
    for k in 2..12 {
        let until = from + 400 + (exponential(mix(seed, k)) * 2400.0) as i32;
        if from >= gone {
            break;
        }
        if until > day(1999, 1, 1) {
            out.push(subject(i, from, if until.min(gone) > day(2025, 1, 1) { NEVER } else { until.min(gone) }, 0));
        }
        from = until + 30;
    }
}

/// Three in ten households let their meter be read.
fn meters(people: &People<'_>, i: usize, out: &mut Vec<Subject>) {
    let seed = mix(people.seed(name("meter")), i as u64);
    let leads = people.household(i, 2021).is_some_and(|(head, _)| head as usize == i);
    if leads && unit(seed) < 0.3 {
        out.push(subject(i, day(2019, 6, 1), people.world.people[i].gone(), 0));
    }
}

/// Accidents of the years 2005 to 2024, with the persons in them.
fn accidents(people: &People<'_>) -> (Vec<Subject>, Vec<Subject>) {
    let n = people.world.people.len();
    let (mut accidents, mut casualties) = (Vec::new(), Vec::new());
    for k in 0..(n / 60).max(20) {
        let seed = mix(people.seed(name("accident")), k as u64);
        let at = day(2005, 1, 1) + below(seed, 7300) as i32;
        let number = accidents.len() as u32 + 1;
        let mut driver = None;
        for c in 0..1 + below(mix(seed, 2), 3) {
            let person = below(mix(seed, 10 + c as u64), n);
            let p = &people.world.people[person];
            if p.resident(at) && years(p.birth, at) >= if c == 0 { 16 } else { 1 } {
                driver.get_or_insert(person);
                casualties.push(subject(person, at, at + 1, number));
            }
        }
        if let Some(person) = driver {
            accidents.push(Subject { number, ..subject(person, at, at + 1, number) });
        }
    }
    (accidents, numbered(casualties))
}
