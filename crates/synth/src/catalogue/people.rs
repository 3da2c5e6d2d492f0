//! What the values of persons are made from: incomes of every year, households, places, kin, work.

use rayon::prelude::*;

use super::draw::{mix, name, normal, unit};
use super::household::{Group, Households};
use super::rule::{Base, Who};
use crate::SynthError;
use crate::health::History;
use crate::places::{Places, places};
use crate::social::{Year, income};
use crate::world::{NOBODY, Person, World};

/// Years of which incomes are known; others use the nearest.
const FIRST_YEAR: i32 = 1993;
const LAST_YEAR: i32 = 2023;

/// The population with what is drawn from it.
pub(crate) struct People<'a> {
    pub world: &'a World,
    pub places: &'static Places,
    incomes: Vec<Vec<[i32; 4]>>,
    households: Households,
    birth_years: Vec<i16>,
}

const NO_INCOME: [i32; 4] = [i32::MIN; 4];

impl<'a> People<'a> {
    /// Incomes and households of everybody.
    pub(crate) fn new(world: &'a World, histories: &[History]) -> Result<Self, SynthError> {
        let n = world.people.len();
        let whole = |v: i64| v.clamp(0, i64::from(i32::MAX)) as i32;
        let of_year = |year: i32| -> Vec<[i32; 4]> {
            let one = |i: usize| {
                income(world, histories, i, year)
                    .map_or(NO_INCOME, |y| [y.wage, y.business, y.capital, y.transfers].map(whole))
            };
            (0..n).into_par_iter().map(one).collect()
        };
        let incomes: Vec<_> = (FIRST_YEAR..=LAST_YEAR).map(of_year).collect();
        let households = Households::new(world, &|i, year| of_table(&incomes, i, year));
        let birth_years = world.people.iter().map(|p| kernel::Date::from_days(p.birth).year()).collect();
        Ok(Self { world, places: places()?, incomes, households, birth_years })
    }

    /// The seed of draws for a purpose.
    pub(crate) fn seed(&self, purpose: u64) -> u64 {
        mix(self.world.seed, purpose)
    }

    /// A person of the population.
    pub(crate) fn person(&self, i: usize) -> &Person {
        &self.world.people[i]
    }

    /// Year of birth.
    pub(crate) fn birth_year(&self, i: usize) -> i32 {
        self.birth_years[i].into()
    }

    /// Income of a year; none for who was abroad or a child.
    pub(crate) fn income(&self, i: usize, year: i32) -> Option<Year> {
        of_table(&self.incomes, i, year)
    }

    /// Whether the person has earnings in a year.
    pub(crate) fn works(&self, i: usize, year: i32) -> bool {
        self.income(i, year).is_some_and(|y| y.wage + y.business > 0)
    }

    /// The leading person and the household in a year.
    pub(crate) fn household(&self, i: usize, year: i32) -> Option<(u32, &Group)> {
        self.households.of(i, year)
    }

    /// The municipality code (place in the list of codes) of a person's home on a day.
    pub(crate) fn place(&self, i: usize, at: i32) -> u16 {
        self.places.code(self.person(i).home(at), at, i as u64)
    }

    /// Whether somebody works the whole week; the same through a life.
    pub(crate) fn full_time(&self, i: usize) -> bool {
        let share = if self.person(i).sex == 2 { 0.66 } else { 0.88 };
        unit(mix(self.seed(name("full time")), i as u64)) < share
    }

    /// Agreed hours a week, in hundredths.
    pub(crate) fn hours(&self, i: usize, key: u64) -> i64 {
        if self.full_time(i) {
            return 3750;
        }
        let drawn = 22.0 + 7.0 * normal(mix(self.seed(name("hours")), key));
        (drawn.clamp(3.0, 34.0) * 4.0) as i64 * 25
    }

    /// Whether a person has a value by a rule in a year; `at` is the day that age is counted on.
    pub(crate) fn has(&self, who: &Who, i: usize, year: i32) -> bool {
        if who.any {
            return true;
        }
        let (p, age) = (self.person(i), year - self.birth_year(i));
        let base = match who.base {
            Base::Everybody => true,
            Base::Workers => self.works(i, year),
            Base::Women => p.sex == 2,
            Base::Men => p.sex == 1,
            Base::Immigrants => p.immigrated.is_some(),
            Base::Parents => self.household(i, year).is_some_and(|(head, g)| g.minors > 0 && head as usize == i),
        };
        base && who.low <= age
            && age <= who.high
            && self.ever(who, i as u64)
            && (who.yearly >= 1.0 || unit(mix(mix(self.seed(who.group), i as u64), year as u64)) < who.yearly)
    }

    /// Whether a unit is among those that ever have a value.
    pub(crate) fn ever(&self, who: &Who, key: u64) -> bool {
        who.ever >= 1.0 || unit(mix(self.seed(who.group), key)) < who.ever
    }

    /// Mother and father, where known.
    pub(crate) fn parents(&self, i: u32) -> (Option<u32>, Option<u32>) {
        let p = self.person(i as usize);
        let known = |j: u32| (j != NOBODY).then_some(j);
        (known(p.mother), known(p.father))
    }
}

fn of_table(incomes: &[Vec<[i32; 4]>], i: usize, year: i32) -> Option<Year> {
    let [wage, business, capital, transfers] = incomes[(year.clamp(FIRST_YEAR, LAST_YEAR) - FIRST_YEAR) as usize][i];
    (wage != i32::MIN).then(|| Year {
        wage: wage.into(),
        business: business.into(),
        capital: capital.into(),
        transfers: transfers.into(),
    })
}
