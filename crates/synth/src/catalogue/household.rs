//! Households on the first of January of each year, and what the incomes of their members come to.

use rayon::prelude::*;

use crate::social::{Year, household};
use crate::world::{NOBODY, World, day, years};

/// First and last year with households; earlier days use the first.
const YEARS: std::ops::RangeInclusive<i32> = 2004..=2025;

/// A household, by the person that leads it.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub size: u8,
    pub minors: u8,
    pub adults: u8,
    /// Members that are neither the leading person nor her partner.
    pub children: u8,
    pub couple: bool,
    pub eldest: u32,
    pub youngest: u32,
    pub after_tax: i32,
}

const EMPTY: Group =
    Group { size: 0, minors: 0, adults: 0, children: 0, couple: false, eldest: NOBODY, youngest: NOBODY, after_tax: 0 };

/// All households.
pub(crate) struct Households {
    years: Vec<(Vec<u32>, Vec<Group>)>,
}

impl Households {
    /// Households of every year; `income` gives the income of a person in a year.
    pub(crate) fn new(world: &World, income: &(impl Fn(usize, i32) -> Option<Year> + Sync)) -> Self {
        let years = YEARS.into_par_iter().map(|year| of_year(world, year, income)).collect();
        Self { years }
    }

    /// The leading person and the household of a person in a year; none for who did not live in the country.
    pub(crate) fn of(&self, person: usize, year: i32) -> Option<(u32, &Group)> {
        let at = (year.clamp(*YEARS.start(), *YEARS.end()) - YEARS.start()) as usize;
        let (heads, groups) = &self.years[at];
        let head = heads[person];
        (head != NOBODY).then(|| (head, &groups[head as usize]))
    }
}

fn of_year(world: &World, year: i32, income: &impl Fn(usize, i32) -> Option<Year>) -> (Vec<u32>, Vec<Group>) {
    let at = day(year, 1, 1);
    let n = world.people.len();
    let lives = |i: usize| world.people[i].resident(at);
    let heads: Vec<u32> = (0..n).map(|i| if lives(i) { household(world, i as u32, at) } else { NOBODY }).collect();
    let mut groups = vec![EMPTY; n];
    for (i, head) in heads.iter().enumerate().filter(|(_, h)| **h != NOBODY) {
        let (p, leads) = (&world.people[i], &world.people[*head as usize]);
        let g = &mut groups[*head as usize];
        g.size = g.size.saturating_add(1);
        if years(p.birth, at) < 18 {
            g.minors = g.minors.saturating_add(1);
        } else {
            g.adults = g.adults.saturating_add(1);
        }
        let partner = leads.coupled(at) && leads.partner == i as u32;
        g.couple |= partner;
        if !partner && i as u32 != *head {
            g.children = g.children.saturating_add(1);
        }
        let birth = |j: u32| world.people[j as usize].birth;
        if g.eldest == NOBODY || p.birth < birth(g.eldest) {
            g.eldest = i as u32;
        }
        if g.youngest == NOBODY || p.birth > birth(g.youngest) {
            g.youngest = i as u32;
        }
        g.after_tax += income(i, year).map_or(0, |y| y.after_tax() as i32);
    }
    (heads, groups)
}
