//! Values that follow from the population: kin, household, home, work, income, education.

use super::draw::{below, mix, name, normal, ranked, unit};
use super::household::Group;
use super::rule::Kind;
use super::values::{Asked, Cell, number};
use crate::world::{NEVER, NOBODY, day, years};

/// The value of such a kind; none where the unit has none.
pub(crate) fn derived(asked: &Asked<'_>) -> Option<Cell> {
    let i = asked.i()?;
    person(asked, i).or_else(|| household(asked, i)).or_else(|| money(asked, i)).or_else(|| schooling(asked, i))
}

fn person(asked: &Asked<'_>, i: usize) -> Option<Cell> {
    let (people, at) = (asked.people, asked.at);
    let p = people.person(i);
    let parents = |j: Option<u32>| j.map(|j| people.parents(j)).unwrap_or_default();
    let (mother, father) = people.parents(i as u32);
    let date8 = |day: i32| {
        let (y, m, d) = kernel::Date::from_days(day).ymd();
        Cell::Int(i64::from(y) * 10_000 + i64::from(m) * 100 + i64::from(d))
    };
    let arrived = p.immigrated;
    match asked.spec.what.kind {
        Kind::Sex => asked.numbered(p.sex.into()),
        Kind::Age => Some(asked.amount(f64::from(years(p.birth, at)))),
        Kind::AgeAtEvent => Some(Cell::Int(years(p.birth, asked.subject.from).into())),
        Kind::BirthYear => Some(Cell::Int(people.birth_year(i).into())),
        Kind::Country => asked.code(p.country).or_else(|| asked.code("000")),
        Kind::Birthplace => arrived.is_none().then(|| Cell::Place(people.place(i, p.birth))),
        Kind::ArrivalDate => Some(date8(p.arrived())),
        Kind::ArrivalAge => arrived.map(|d| Cell::Int(years(p.birth, d).into())),
        Kind::Background => asked.numbered(match (arrived, p.country) {
            (None, _) => 0,
            (_, "101" | "106" | "139" | "144" | "133" | "131") => 1,
            _ => 2,
        }),
        Kind::Parity => {
            let order = people.person(mother? as usize).children.iter().position(|c| *c == i as u32)?;
            Some(Cell::Int(order as i64 + 1))
        }
        Kind::Person => Some(Cell::Person(i as u32)),
        Kind::Accident => Some(Cell::Unit(b'T', asked.subject.extra)),
        Kind::MothersMother => parents(mother).0.map(Cell::Person),
        Kind::MothersFather => parents(mother).1.map(Cell::Person),
        Kind::FathersMother => parents(father).0.map(Cell::Person),
        Kind::FathersFather => parents(father).1.map(Cell::Person),
        Kind::EldestSibling => people.person(mother? as usize).children.first().copied().map(Cell::Person),
        Kind::Spouse | Kind::Cohabitant => {
            let married = p.married.is_some_and(|d| d <= at);
            let wanted = married == (asked.spec.what.kind == Kind::Spouse);
            (wanted && p.coupled(at)).then_some(Cell::Person(p.partner))
        }
        Kind::CivilStatus => asked.numbered(match p.married {
            Some(wed) if wed <= at && p.coupled(at) => 2,
            Some(wed) if wed <= at => 4,
            _ => 1,
        }),
        Kind::RegisterStatus => asked.numbered(match at {
            _ if p.death <= at => 5,
            _ if p.emigrated <= at => 3,
            _ => 1,
        }),
        Kind::Settled => asked.numbered(if arrived.is_some() { 2 } else { 1 }),
        Kind::YearsSettled => Some(Cell::Int(years(p.arrived(), at).into())),
        Kind::Place => Some(Cell::Place(people.place(i, at))),
        Kind::PlaceAt16 => Some(Cell::Place(people.place(i, p.birth + 5844))),
        Kind::Settlement => Some(Cell::Padded(u32::from(p.home(at)) * 3 + 1, 4)),
        Kind::District => {
            let oslo = asked.people.places.codes[people.place(i, at) as usize].code == "0301";
            let drawn = below(mix(asked.steady, u64::from(p.home(at))), 5) as u16;
            Some(Cell::Code(if oslo { drawn } else { 5 }))
        }
        Kind::PriceArea => {
            let county = people.places.codes[people.place(i, at) as usize].code.get(..2)?;
            asked.code(match county {
                "42" | "11" | "40" | "09" | "10" => "NO2",
                "15" | "50" | "16" | "17" => "NO3",
                "18" | "19" | "20" | "54" | "55" | "56" => "NO4",
                "46" | "12" | "14" => "NO5",
                _ => "NO1",
            })
        }
        Kind::MonthOfEvent => {
            let (y, m, _) = kernel::Date::from_days(asked.subject.from).ymd();
            Some(Cell::Int(i64::from(y) * 100 + i64::from(m)))
        }
        Kind::FirstDay => Some(Cell::Date(asked.subject.from)),
        Kind::LastDay => (asked.subject.until != NEVER).then(|| Cell::Date(asked.subject.until - 1)),
        Kind::FirstYear => {
            let new = kernel::Date::from_days(asked.subject.from).year();
            Some(Cell::Int(i64::from(new) - below(asked.steady, 9) as i64))
        }
        _ => None,
    }
}

fn household(asked: &Asked<'_>, i: usize) -> Option<Cell> {
    let p = asked.people.person(i);
    let (head, g) = asked.people.household(i, asked.year)?;
    let (head, me) = (head as usize, i as u32);
    let leads = head == i;
    let partner = p.partner == head as u32 && p.coupled(asked.at);
    let child = !leads && !partner;
    let age = |j: u32| Some(Cell::Int(years(asked.people.person(j as usize).birth, asked.at).max(0).into()));
    let dwelling = || mix(mix(asked.people.seed(asked.spec.seed), head as u64), u64::from(p.home(asked.at)));
    match asked.spec.what.kind {
        Kind::Eldest => Some(Cell::Person(g.eldest)),
        Kind::EldestAge => age(g.eldest),
        Kind::YoungestAge => age(g.youngest),
        Kind::HouseholdSize => Some(Cell::Int(g.size.into())),
        Kind::HouseholdAdults => Some(Cell::Int(g.adults.into())),
        Kind::HouseholdMinors => Some(Cell::Int(g.minors.into())),
        Kind::HouseholdChildren => Some(Cell::Int(g.children.into())),
        Kind::HasChildren => asked.numbered(i64::from(g.minors > 0)),
        Kind::Siblings => child.then(|| Cell::Int(i64::from(g.children) - 1)),
        Kind::SiblingCode => (child && g.children > 1).then_some(Cell::Code(0)),
        Kind::IsReference => asked.numbered(i64::from(g.eldest == me)),
        Kind::HouseholdType => asked.numbered(household_type(g)),
        Kind::RoleInFamily => asked.numbered(if leads {
            1
        } else if partner {
            2
        } else {
            3
        }),
        Kind::ParentsCode => child.then(|| asked.numbered(parents_code(asked, head, g))).flatten(),
        Kind::CoupleStatus => {
            let married = p.married.is_some_and(|d| d <= asked.at);
            asked.numbered(match (child || !g.couple, married) {
                (true, _) => 0,
                (_, true) => 1,
                _ => 3,
            })
        }
        Kind::FamilyType => {
            let lead = if head == i { p.birth } else { asked.people.person(head).birth };
            let grown = match years(lead, asked.at) {
                ..=29 => 0,
                30..=44 => 1,
                45..=66 => 2,
                _ => 3,
            };
            let kind = match (g.size, g.minors) {
                (..=1, _) => grown,
                (_, 0) => 4 + below(head as u64 * 3, 3),
                _ => 7 + ranked(mix(7, head as u64), asked.spec.codes.len().saturating_sub(7).max(1)),
            };
            Some(Cell::Code(kind.min(asked.spec.codes.len().saturating_sub(1)) as u16))
        }
        Kind::DwellingCodes => Some(Cell::Code(ranked(dwelling(), asked.spec.codes.len()) as u16)),
        Kind::DwellingNumber => Some(number(asked, &asked.spec.what, dwelling(), dwelling())),
        Kind::HouseholdAfterTax => Some(asked.amount(f64::from(g.after_tax))),
        Kind::HouseholdAfterTaxPerUnit => {
            let units = 1.0 + 0.5 * f64::from(g.adults.saturating_sub(1)) + 0.3 * f64::from(g.minors);
            Some(asked.amount((f64::from(g.after_tax) / units).round()))
        }
        _ => None,
    }
}

fn household_type(g: &Group) -> i64 {
    match (g.size, g.couple, g.minors) {
        (1, ..) => 1,
        (_, true, 0) if g.adults == 2 => 2,
        (_, true, 1..) => 3,
        (_, false, 1..) => 4,
        _ => 5,
    }
}

fn parents_code(asked: &Asked<'_>, head: usize, g: &Group) -> i64 {
    let lead = asked.people.person(head);
    match (g.couple, lead.married.is_some_and(|d| d <= asked.at), lead.sex) {
        (true, true, _) => 1,
        (true, false, _) => 2,
        (false, _, 2) => 3,
        _ => 4,
    }
}

fn money(asked: &Asked<'_>, i: usize) -> Option<Cell> {
    let (people, factor) = (asked.people, asked.spec.what.number(0, 1.0));
    let p = people.person(i);
    let nothing = |v: &f64| *v >= 1.0;
    let scaled = |v: i64| Some(v as f64 * factor).filter(nothing).map(|v| asked.amount(v.round()));
    let steady = normal(mix(people.seed(name("wealth")), i as u64));
    let age = f64::from(asked.year - people.birth_year(i));
    match asked.spec.what.kind {
        Kind::Wealth => {
            let by_age = (age - 18.0).clamp(1.0, 50.0) / 25.0;
            let value = 1_300_000.0 * by_age * (0.5 * p.advantage + 0.8 * steady).exp();
            let growth = 1.045f64.powi(asked.year - 2020);
            Some(asked.amount((value * factor * growth).round()))
        }
        Kind::Debt => {
            let by_age = ((86.0 - age) / 45.0).clamp(0.05, 1.0);
            let value = 1_250_000.0 * by_age * (0.3 * p.advantage + 0.7 * steady).exp();
            Some(asked.amount((value * factor * 1.04f64.powi(asked.year - 2020)).round()))
        }
        Kind::LabourStatus => asked.numbered(match people.income(i, asked.year) {
            Some(y) if y.business > y.wage => 2,
            Some(y) if y.wage > 0 => 1,
            Some(_) if age < 62.0 && unit(asked.phase()) < 0.18 => 3,
            _ => 0,
        }),
        Kind::Activity => asked.numbered(match people.income(i, asked.year) {
            _ if age < 15.0 => 8,
            Some(y) if y.wage + y.business > 0 => 1,
            _ if age < 22.0 => 3,
            _ if age >= 67.0 => 4,
            _ => [2, 5, 5, 6, 7][below(asked.phase(), 5)],
        }),
        Kind::Hours => Some(Cell::Hundredths(people.hours(i, asked.subject.number.into()))),
        Kind::ShareOfFullTime => Some(Cell::Hundredths(people.hours(i, asked.subject.number.into()) * 10_000 / 3750)),
        Kind::FullTimeCode => Some(Cell::Code(u16::from(!people.full_time(i)))),
        Kind::Workplace => {
            let home = p.home(asked.at);
            let count = people.places.codes.len() as u64;
            let commutes = unit(mix(people.seed(name("commute")), i as u64)) < 0.25;
            let neighbour = if home > 0 && commutes { home - 1 } else { home };
            Some(Cell::Place(people.places.code(neighbour, asked.at, i as u64 % count)))
        }
        Kind::Occupation => {
            let group = match p.level {
                7.. => [2, 2, 2, 1, 1][below(mix(asked.steady, 1), 5)],
                6 => [2, 3, 3, 1, 4][below(mix(asked.steady, 1), 5)],
                3..=5 => [3, 4, 5, 5, 7, 7, 8][below(mix(asked.steady, 1), 7)],
                _ => [5, 5, 9, 8, 7, 6][below(mix(asked.steady, 1), 6)],
            };
            if factor >= 4.0 {
                let rest = below(mix(asked.steady, 2), 40) as u32;
                return Some(Cell::Padded(group * 1000 + 100 + rest * 10, 4));
            }
            asked.numbered(group.into())
        }
        Kind::Industry => {
            let division = [47, 86, 88, 85, 41, 43, 84, 62, 49, 10, 56, 70][ranked(phase_of_work(asked), 12)];
            Some(Cell::Padded(division * 1000 + 110, 5))
        }
        Kind::Establishment => Some(Cell::Organisation(employer(asked))),
        Kind::Enterprise => Some(Cell::Organisation(1_000_000 + employer(asked) / 3)),
        _ => earned(asked, i, scaled),
    }
}

fn earned(asked: &Asked<'_>, i: usize, scaled: impl Fn(i64) -> Option<Cell>) -> Option<Cell> {
    let kind = asked.spec.what.kind;
    use Kind::{AfterTax, Business, Capital, Earnings, MonthlyWage, Tax, Total, Transfers, Wage};
    if !matches!(kind, AfterTax | Business | Capital | Earnings | MonthlyWage | Tax | Total | Transfers | Wage) {
        return None;
    }
    let y = asked.people.income(i, asked.year)?;
    match kind {
        Wage => scaled(y.wage),
        MonthlyWage => scaled((y.wage + y.business) / 12),
        Business => scaled(y.business),
        Capital => scaled(y.capital),
        Earnings => scaled(y.wage + y.business),
        Total => scaled(y.total()),
        AfterTax => scaled(y.after_tax()),
        Tax => scaled(y.total() - y.after_tax()),
        _ => scaled(y.transfers),
    }
}

/// Work changes with the years, the employer too.
fn phase_of_work(asked: &Asked<'_>) -> u64 {
    let i = u64::from(asked.subject.person);
    mix(mix(asked.people.seed(name("work")), i), (asked.year as u64 + i % 6) / 6)
}

fn employer(asked: &Asked<'_>) -> u32 {
    let firms = (asked.people.world.people.len() / 20).max(20);
    ranked(phase_of_work(asked), firms) as u32
}

fn schooling(asked: &Asked<'_>, i: usize) -> Option<Cell> {
    let people = asked.people;
    let p = people.person(i);
    let born = people.birth_year(i);
    let level = asked.spec.what.number(0, 6.0) as u8;
    let done = |level: u8| match level {
        2 => 16,
        4 => 19,
        6 => 23,
        7 => 25,
        _ => 30,
    };
    let reached = p.level >= level;
    let education = |level: u8| {
        Some(Cell::Code(u16::from(match level {
            ..=2 => 1u8,
            3 | 4 => 2,
            5 => 3,
            6 => 4,
            7 => 5,
            _ => 6,
        })))
    };
    let began = |year: i32| reached.then_some(year).filter(|y| p.arrived() < day(*y, 12, 31));
    match asked.spec.what.kind {
        Kind::YearCompleted => began(born + done(level) + below(asked.steady, 3) as i32)
            .filter(|y| *y <= 2024)
            .map(|y| Cell::Int(y.into())),
        Kind::YearStarted | Kind::AgeStarted => {
            let start = born + [16, 16, 16, 16, 16, 19, 19, 23, 25][level.min(8) as usize];
            began(start + below(asked.steady, 3) as i32)
                .filter(|y| *y <= 2024)
                .map(|y| Cell::Int(if asked.spec.what.kind == Kind::AgeStarted { y - born } else { y }.into()))
        }
        Kind::Semesters => began(born + done(level))
            .map(|_| Cell::Int(asked.spec.what.number(1, 6.0) as i64 + ranked(asked.steady, 6) as i64)),
        Kind::Grade => {
            let score = 3.9 + 0.75 * p.advantage + 0.8 * normal(asked.steady);
            asked.numbered(score.round().clamp(1.0, 6.0) as i64)
        }
        Kind::MothersEducation | Kind::FathersEducation => {
            let (mother, father) = people.parents(i as u32);
            let parent = if asked.spec.what.kind == Kind::MothersEducation { mother } else { father };
            education(parent.filter(|j| *j != NOBODY).map(|j| people.person(j as usize).level)?)
        }
        Kind::CourseLevel => Some(Cell::Code(asked.subject.extra as u16)),
        Kind::CourseSchool => asked.numbered(match asked.subject.extra {
            2 => 2,
            3 => 3,
            _ => 4,
        }),
        _ => None,
    }
}
