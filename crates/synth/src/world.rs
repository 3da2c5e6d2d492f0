//! The population: founders, immigrants and the children born to them, with partners, deaths and homes.
//! Everything else (education, income, illness) is drawn from what stands here.

use kernel::Date;

use crate::SynthError;
use crate::lists::lists;
use crate::numbers::Numbers;
use crate::rng::{Purpose, Rng};

/// No person, as an index.
pub(crate) const NOBODY: u32 = u32::MAX;
/// No day yet, as a day.
pub(crate) const NEVER: i32 = 4_000_000;
/// The last day that the registers know of.
pub(crate) const END: i32 = day(2024, 12, 31);
/// Everybody in the population was alive on this day or was born later.
pub(crate) const BEGIN: i32 = day(2015, 1, 1);

/// Days since 1970-01-01 of a calendar date.
pub(crate) const fn day(year: i32, month: i32, d: i32) -> i32 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + d - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// Whole years between two days.
pub(crate) fn years(from: i32, to: i32) -> i32 {
    ((f64::from(to - from)) / 365.2425).floor() as i32
}

/// One person.
pub(crate) struct Person {
    /// 1 man, 2 woman.
    pub sex: u8,
    /// Day of birth.
    pub birth: i32,
    /// Day of death, or [`NEVER`].
    pub death: i32,
    /// Day of immigration for those born abroad.
    pub immigrated: Option<i32>,
    /// Day of emigration, or [`NEVER`].
    pub emigrated: i32,
    /// Country of birth; `000` is Norway.
    pub country: &'static str,
    pub mother: u32,
    pub father: u32,
    pub partner: u32,
    /// Day on which the couple moved together, and day on which it parted (death of one, divorce).
    pub together: (i32, i32),
    /// Day of wedding, when they married.
    pub married: Option<i32>,
    pub children: Vec<u32>,
    /// Day of moving out of the mother's home.
    pub left_home: i32,
    /// Homes: first day and index of the municipality.
    pub homes: Vec<(i32, u16)>,
    /// Latent frailty, normal with mean 0: raises the risk of illness and death.
    pub frailty: f64,
    /// Latent advantage, normal with mean 0: education and income, partly inherited.
    pub advantage: f64,
    /// NUS2000 level 1 to 8 reached, and field.
    pub level: u8,
    pub field: u8,
    /// The identity number.
    pub number: String,
}

impl Person {
    /// Whether the person lived in Norway on `at`.
    pub(crate) fn resident(&self, at: i32) -> bool {
        self.birth <= at && at < self.death && self.immigrated.is_none_or(|i| i <= at) && at < self.emigrated
    }

    /// First day in Norway.
    pub(crate) fn arrived(&self) -> i32 {
        self.immigrated.unwrap_or(self.birth)
    }

    /// Last day in Norway, or [`NEVER`].
    pub(crate) fn gone(&self) -> i32 {
        self.death.min(self.emigrated)
    }

    /// Municipality on a day.
    pub(crate) fn home(&self, at: i32) -> u16 {
        let i = self.homes.partition_point(|h| h.0 <= at);
        self.homes.get(i.saturating_sub(1)).map_or(0, |h| h.1)
    }

    /// Whether the couple lives together on a day.
    pub(crate) fn coupled(&self, at: i32) -> bool {
        self.partner != NOBODY && self.together.0 <= at && at < self.together.1
    }
}

/// The population.
pub(crate) struct World {
    pub people: Vec<Person>,
    pub seed: u64,
}

/// Countries of birth with weight, from the classification of variables.csv.
const COUNTRIES: [(&str, f64); 18] = [
    ("131", 22.0),
    ("136", 9.0),
    ("106", 8.0),
    ("564", 8.0),
    ("346", 6.0),
    ("144", 6.0),
    ("428", 6.0),
    ("241", 5.0),
    ("452", 5.0),
    ("534", 5.0),
    ("568", 5.0),
    ("456", 4.0),
    ("101", 4.0),
    ("139", 4.0),
    ("575", 3.0),
    ("444", 4.0),
    ("133", 4.0),
    ("684", 2.0),
];

/// The persons that stand at fixed places: the citizen, her partner, her child, a second citizen.
pub(crate) const PERSONAS: [(u8, i32); 4] =
    [(2, day(1984, 3, 15)), (1, day(1982, 7, 2)), (2, day(2015, 9, 20)), (1, day(1957, 11, 8))];

impl World {
    /// A population of exactly `size` persons.
    pub(crate) fn build(size: u32, seed: u64) -> Result<Self, SynthError> {
        let mut builder = Builder::new(size, seed)?;
        builder.personas()?;
        builder.founders_and_immigrants()?;
        for year in 1928..=2006 {
            builder.families_of(year)?;
        }
        builder.fill_with_newcomers()?;
        let mut world = World { people: builder.people, seed };
        world.advantages();
        Ok(world)
    }

    /// The later steps that need deaths to be final: couples that part by death, homes.
    pub(crate) fn settle(&mut self) -> Result<(), SynthError> {
        for i in 0..self.people.len() {
            let p = &self.people[i];
            if p.partner == NOBODY {
                continue;
            }
            let end = p.together.1.min(p.gone()).min(self.people[p.partner as usize].gone());
            self.people[i].together.1 = end;
        }
        self.homes()
    }

    /// Advantage is partly inherited, so parents come first: children stand after their mothers in the list.
    fn advantages(&mut self) {
        for i in 0..self.people.len() {
            let mut rng = Rng::new(self.seed, Purpose::Social, i as u64);
            let own = rng.normal(0.0, 1.0);
            let (mother, father) = (self.people[i].mother, self.people[i].father);
            let inherited = [mother, father]
                .iter()
                .filter(|p| **p != NOBODY && (**p as usize) < i)
                .map(|p| self.people[*p as usize].advantage)
                .fold(0.0, |sum, a| sum + a / 2.0);
            let p = &mut self.people[i];
            p.advantage = 0.45 * inherited + 0.88 * own;
            let cohort = f64::from(years(day(1930, 1, 1), p.birth));
            let woman = if p.sex == 2 && p.birth > day(1960, 1, 1) { 0.25 } else { 0.0 };
            let score = p.advantage + 0.016 * cohort + woman + rng.normal(0.0, 0.35);
            p.level = match score {
                s if s < -0.35 => 2,
                s if s < 0.35 => 3,
                s if s < 1.25 => 4,
                s if s < 1.4 => 5,
                s if s < 2.25 => 6,
                s if s < 3.35 => 7,
                _ => 8,
            };
            let fields: &[f64] = match (p.level, p.sex) {
                (..=3, _) => &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                (_, 1) => &[1.0, 0.6, 0.6, 0.9, 1.8, 4.5, 0.8, 0.4, 0.9, 0.1],
                _ => &[1.2, 1.0, 2.0, 1.0, 1.8, 1.0, 4.0, 0.2, 0.5, 0.1],
            };
            p.field = if p.level <= 2 { 0 } else { rng.weighted(fields) as u8 };
        }
    }

    /// Homes: children live with their mother until they leave; a man moves in with his partner.
    fn homes(&mut self) -> Result<(), SynthError> {
        let sums = lists()?.municipality_sums();
        let cities: Vec<f64> = lists()?
            .municipalities
            .iter()
            .scan(0.0, |sum, m| {
                *sum += m.persons.powf(1.25);
                Some(*sum)
            })
            .collect();
        for i in 0..self.people.len() {
            let mut rng = Rng::new(self.seed, Purpose::Homes, i as u64);
            let p = &self.people[i];
            let (arrived, gone, born) = (p.arrived(), p.gone().min(END), p.birth);
            let left = born + (365.25 * rng.normal(20.5, 2.0).clamp(18.0, 28.0)) as i32;
            let mut homes: Vec<(i32, u16)> = Vec::new();
            let at;
            if p.mother != NOBODY && p.immigrated.is_none() {
                let mother = &self.people[p.mother as usize];
                homes.push((born, mother.home(born)));
                homes.extend(mother.homes.iter().filter(|h| h.0 > born && h.0 < left && h.0 < gone));
                at = left;
                if left < gone {
                    let here = mother.home(left);
                    homes.push((left, if rng.chance(0.55) { here } else { rng.cumulative(&cities) as u16 }));
                }
            } else {
                let table = if p.immigrated.is_some() { &cities } else { &sums };
                homes.push((arrived, rng.cumulative(table) as u16));
                at = arrived;
            }
            // Moves: often when young, seldom when old.
            let mut next = at;
            loop {
                let age = years(born, next).max(18);
                let mean = if age < 35 { 7.0 } else { 28.0 };
                next += (365.25 * rng.exponential(mean)) as i32 + 60;
                if next >= gone {
                    break;
                }
                homes.push((next, rng.cumulative(if age < 35 { &cities } else { &sums }) as u16));
            }
            self.people[i].left_home = left;
            self.people[i].homes = homes;
        }
        for i in 0..self.people.len() {
            let p = &self.people[i];
            if p.sex != 1 || p.partner == NOBODY {
                continue;
            }
            let (from, until) = p.together;
            let hers = &self.people[p.partner as usize];
            let mut homes: Vec<(i32, u16)> = p.homes.iter().filter(|h| h.0 < from).copied().collect();
            homes.push((from, hers.home(from)));
            homes.extend(hers.homes.iter().filter(|h| h.0 > from && h.0 < until));
            let last = homes.last().map_or(0, |h| h.1);
            if until < p.gone().min(END) {
                homes.push((until, last));
                homes.extend(p.homes.iter().filter(|h| h.0 > until));
            }
            self.people[i].homes = homes;
        }
        for p in &mut self.people {
            p.homes.dedup_by(|b, a| a.1 == b.1 || a.0 == b.0);
        }
        Ok(())
    }
}

struct Builder {
    people: Vec<Person>,
    numbers: Numbers,
    size: u32,
    seed: u64,
    /// Women by year of birth, from 1920.
    women: Vec<Vec<u32>>,
    /// Men without a partner by year of birth, from 1920.
    men: Vec<Vec<u32>>,
    rng: Rng,
}

impl Builder {
    fn new(size: u32, seed: u64) -> Result<Self, SynthError> {
        if size < 100 {
            return Err(SynthError::TooFew);
        }
        Ok(Self {
            people: Vec::with_capacity(size as usize),
            numbers: Numbers::default(),
            size,
            seed,
            women: vec![Vec::new(); 120],
            men: vec![Vec::new(); 120],
            rng: Rng::new(seed, Purpose::Founders, 0),
        })
    }

    fn full(&self) -> bool {
        self.people.len() >= self.size as usize
    }

    fn add(
        &mut self,
        sex: u8,
        mut birth: i32,
        country: &'static str,
        immigrated: Option<i32>,
    ) -> Result<u32, SynthError> {
        let number = (0..3000)
            .find_map(|_| {
                let number = self.numbers.give(Date::from_days(birth), sex, self.seed);
                if number.is_none() {
                    birth += 1; // the day's numbers are used up: the next day, as in life
                }
                number
            })
            .ok_or(SynthError::TooMany)?;
        let index = self.people.len() as u32;
        let frailty = self.rng.normal(0.0, 1.0);
        let year = Date::from_days(birth).year();
        self.people.push(Person {
            sex,
            birth,
            death: NEVER,
            immigrated,
            emigrated: NEVER,
            country,
            mother: NOBODY,
            father: NOBODY,
            partner: NOBODY,
            together: (NEVER, NEVER),
            married: None,
            children: Vec::new(),
            left_home: birth,
            homes: Vec::new(),
            frailty,
            advantage: 0.0,
            level: 2,
            field: 0,
            number,
        });
        let alive_at = BEGIN.max(immigrated.unwrap_or(birth));
        self.people[index as usize].death = self.death(birth, sex, frailty, alive_at);
        if let Some(arrived) = immigrated {
            let leaves = arrived + (365.25 * self.rng.exponential(45.0)) as i32 + 200;
            if leaves < END && leaves > BEGIN {
                self.people[index as usize].emigrated = leaves;
            }
        }
        if index >= PERSONAS.len() as u32 {
            let cohorts = if sex == 1 { &mut self.men } else { &mut self.women };
            cohorts[(year - 1920).clamp(0, 119) as usize].push(index);
        }
        Ok(index)
    }

    /// Day of death by Gompertz's law, given alive at `alive_at`; [`NEVER`] when after the end.
    fn death(&mut self, birth: i32, sex: u8, frailty: f64, alive_at: i32) -> i32 {
        let c = 0.107;
        let mode: f64 = if sex == 1 { 85.5 } else { 89.0 };
        let b = c * (-c * mode).exp() * (0.35 * frailty).exp();
        let age = f64::from(alive_at - birth) / 365.25;
        let at = ((self.rng.exponential(1.0) * c / b) + (c * age).exp()).ln() / c;
        let day = birth + (at * 365.25) as i32;
        if day > END { NEVER } else { day.max(alive_at + 1) }
    }

    fn personas(&mut self) -> Result<(), SynthError> {
        for (sex, birth) in PERSONAS {
            let index = self.add(sex, birth, "000", None)? as usize;
            self.people[index].death = NEVER;
        }
        let wed = day(2012, 6, 16);
        for (a, b) in [(0usize, 1u32), (1, 0)] {
            self.people[a].partner = b;
            self.people[a].together = (day(2009, 8, 1), NEVER);
            self.people[a].married = Some(wed);
            self.people[a].children = vec![2];
        }
        self.people[2].mother = 0;
        self.people[2].father = 1;
        Ok(())
    }

    fn founders_and_immigrants(&mut self) -> Result<(), SynthError> {
        let founders = (f64::from(self.size) * 0.305) as u32;
        let immigrants = (f64::from(self.size) * 0.14) as u32;
        let weights: Vec<f64> = (1928..=1964)
            .map(|year| {
                let size: f64 = if year < 1940 {
                    0.75
                } else if (1944..1952).contains(&year) {
                    1.15
                } else {
                    1.0
                };
                let age = f64::from(2015 - year);
                size * (-(0.107 * (age - 87.0)).exp()).exp()
            })
            .collect();
        for _ in 0..founders {
            let year = 1928 + self.rng.weighted(&weights) as i32;
            let birth = day(year, 1, 1) + self.rng.between(0, 364);
            let sex = 1 + u8::from(self.rng.chance(0.5));
            self.add(sex, birth, "000", None)?;
        }
        for _ in 0..immigrants {
            self.newcomer(1975)?;
        }
        Ok(())
    }

    fn newcomer(&mut self, from_year: i32) -> Result<u32, SynthError> {
        let weights: Vec<f64> = COUNTRIES.iter().map(|c| c.1).collect();
        let country = COUNTRIES[self.rng.weighted(&weights)].0;
        let span = f64::from(2024 - from_year);
        let arrived = day(from_year, 1, 1) + (365.25 * span * self.rng.unit().sqrt()) as i32;
        let age = self.rng.normal(29.0, 9.0).clamp(1.0, 62.0);
        let birth = (arrived - (365.25 * age) as i32).max(day(1928, 1, 1));
        let sex = 1 + u8::from(self.rng.chance(0.48));
        self.add(sex, birth, country, Some(arrived.min(END - 30)))
    }

    fn fill_with_newcomers(&mut self) -> Result<(), SynthError> {
        while !self.full() {
            self.newcomer(2005)?;
        }
        Ok(())
    }

    /// Couples and children of the women born in one year.
    fn families_of(&mut self, year: i32) -> Result<(), SynthError> {
        let women: Vec<u32> = self.women[(year - 1920) as usize].clone();
        for w in women {
            let woman = &self.people[w as usize];
            let mean = 24.5 + 0.085 * f64::from((year - 1945).max(0));
            let first = woman.birth + (365.25 * self.rng.normal(mean, 4.3).clamp(17.0, 43.0)) as i32;
            let first = first.max(woman.arrived() + 300);
            let meet = first - (365.25 * (0.5 + self.rng.exponential(2.2)).min(9.0)) as i32;
            let meet = meet.max(woman.birth + 6600);
            let wants = self.rng.weighted(&[0.15, 0.14, 0.41, 0.22, 0.08]);
            if meet > END || (wants == 0 && self.rng.chance(0.45)) {
                continue;
            }
            let Some(m) = self.find_partner(year) else { continue };
            let parted =
                if self.rng.chance(0.34) { meet + (365.25 * (2.0 + self.rng.exponential(14.0))) as i32 } else { NEVER };
            let married = self.rng.chance(0.68).then(|| meet + (365.25 * self.rng.exponential(3.0)) as i32 + 200);
            let married = married.filter(|d| *d < parted && *d < END);
            for (a, b) in [(w, m), (m, w)] {
                let p = &mut self.people[a as usize];
                (p.partner, p.together, p.married) = (b, (meet, parted), married);
            }
            let mut at = first;
            for _ in 0..wants {
                self.child(w, m, at)?;
                at += (365.25 * (1.7 + self.rng.exponential(1.6))) as i32;
            }
        }
        Ok(())
    }

    fn child(&mut self, mother: u32, father: u32, at: i32) -> Result<(), SynthError> {
        let (w, m) = (&self.people[mother as usize], &self.people[father as usize]);
        let possible = at <= END
            && years(w.birth, at) <= 45
            && years(m.birth, at) >= 17
            && at < w.gone()
            && at < m.gone() + 250
            && at >= w.arrived();
        if !possible || self.full() {
            return Ok(());
        }
        let sex = 1 + u8::from(self.rng.chance(0.487));
        let child = self.add(sex, at, "000", None)?;
        let c = &mut self.people[child as usize];
        (c.mother, c.father) = (mother, father);
        c.frailty *= 0.8;
        self.people[mother as usize].children.push(child);
        self.people[father as usize].children.push(child);
        Ok(())
    }

    fn find_partner(&mut self, year: i32) -> Option<u32> {
        let wanted = year - 2 + self.rng.normal(0.0, 3.2) as i32;
        for offset in [0, 1, -1, 2, -2, 3, -3, 4, -4, 5] {
            let men = &mut self.men[(wanted + offset - 1920).clamp(0, 119) as usize];
            if !men.is_empty() {
                let at = self.rng.below(men.len() as u32) as usize;
                return Some(men.swap_remove(at));
            }
        }
        None
    }
}
