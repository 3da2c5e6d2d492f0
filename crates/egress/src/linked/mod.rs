//! The linked check (SDC-304): what follows from several outputs together. Tables that are labelled alike are subtracted,
//! bounds of hidden counts are computed from all tables of a population, and samples are compared. Whatever gives a count
//! of 1 to 9 is for a human, with the pair named.

mod cells;
mod simplex;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use cells::Counts;
use cells::{Count, Key};
use simplex::System;

use crate::output::OutputType;
use crate::reason::Reason;
use crate::verdict::{Finding, Other};

/// More hidden counts, or more equations, are not computed.
const MAX_HIDDEN: usize = 40;
const MAX_EQUATIONS: usize = 100;
/// At most so many counts are looked up in other tables.
const MAX_LOOKUPS: usize = 20_000_000;
/// At most so many tables of the same persons are solved with one.
const MAX_RELATED: usize = 12;
/// More outputs are not compared pair by pair.
const MAX_OUTPUTS: usize = 2_000;
/// Each rounded count is within this of the true one.
const SLACK: f64 = 2.0;

/// A sample that an output was computed from.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub origin: Other,
    pub population: Option<String>,
    pub output: OutputType,
    pub n: u64,
}

/// What is kept of an output for comparing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub counts: Vec<Counts>,
    pub samples: Vec<Sample>,
}

impl Kept {
    pub(crate) fn add(&mut self, other: Kept) {
        self.counts.extend(other.counts);
        self.samples.extend(other.samples);
    }
}

/// What follows, for each output of this release. `least` is the smallest count that may be known.
pub(crate) fn check(kept: &Kept, least: f64) -> Vec<(Other, Finding)> {
    let mut found = Vec::new();
    let mut left = MAX_LOOKUPS;
    let present: Vec<&Counts> = kept.counts.iter().filter(|c| !c.origin.earlier).collect();
    if kept.counts.len() > MAX_OUTPUTS || kept.samples.len() > MAX_OUTPUTS {
        return present.iter().map(|c| (c.origin.clone(), Reason::NotLinked.into())).collect();
    }
    for a in present {
        if a.too_many {
            found.push((a.origin.clone(), Reason::NotLinked.into()));
            continue;
        }
        if a.from_shares {
            found.push((a.origin.clone(), Reason::Derivable.into()));
        }
        let lookups = (a.cells.len() + a.sums.len()).saturating_mul(kept.counts.len());
        if lookups > left {
            found.push((a.origin.clone(), Reason::NotLinked.into()));
            continue;
        }
        left -= lookups;
        for b in kept.counts.iter().filter(|b| b.origin != a.origin && !b.too_many) {
            if let Some(reason) = subtract(a, b, least) {
                found.push((a.origin.clone(), Finding::from(reason).with(b.origin.clone())));
            }
        }
        let findings = hidden(a, &kept.counts, least);
        found.extend(findings.into_iter().map(|f| (a.origin.clone(), f)));
    }
    for a in kept.samples.iter().filter(|s| !s.origin.earlier) {
        for b in kept.samples.iter().filter(|b| b.origin != a.origin) {
            if nested(a, b, least) {
                found.push((a.origin.clone(), Finding::from(Reason::NestedSamples).with(b.origin.clone())));
            }
        }
    }
    found
}

/// (a) Equal keys of two tables whose counts differ by less than may be known.
fn subtract(a: &Counts, b: &Counts, least: f64) -> Option<Reason> {
    let alike = a.variables.iter().any(|v| b.variables.contains(v));
    if !alike && (a.population.is_none() || a.population != b.population) {
        return None;
    }
    let near = |x: f64, y: f64| x != y && (x - y).abs() < least;
    let pairs = a.known().filter_map(|(key, x)| Some((key, x, b.value(key)?)));
    let mut near: Vec<&Key> = pairs.filter(|(_, x, y)| near(*x, *y)).map(|(key, ..)| key).collect();
    near.sort_by_key(|key| key.is_empty());
    Some(if near.first()?.is_empty() { Reason::NestedSamples } else { Reason::Difference })
}

/// (c) Samples of one population, or of outputs of one type, that differ by few.
fn nested(a: &Sample, b: &Sample, least: f64) -> bool {
    let related = match (&a.population, &b.population) {
        (Some(p), Some(q)) => p == q,
        (None, None) => a.output == b.output,
        _ => false,
    };
    related && a.n != b.n && (a.n.abs_diff(b.n) as f64) < least
}

/// Whether two tables are about the same persons: declared so, or they agree wherever both show something.
fn same_population(a: &Counts, b: &Counts) -> bool {
    let common: Vec<(f64, f64)> = a.known().filter_map(|(key, x)| Some((x, b.value(key)?))).collect();
    let slack = |c: &Counts| if c.rounded { SLACK } else { 0.0 };
    let agree = common.iter().all(|(x, y)| (x - y).abs() <= slack(a) + slack(b));
    let declared = a.population.is_some() && a.population == b.population;
    agree && (common.len() > 1 || (declared && !common.is_empty()))
}

/// (b) Bounds of the hidden counts of `a`, from its own sums and from tables of the same persons.
fn hidden(a: &Counts, all: &[Counts], least: f64) -> Vec<Finding> {
    if !a.cells.values().any(|c| *c == Count::Hidden) {
        return Vec::new();
    }
    let related: Vec<&Counts> =
        all.iter().filter(|b| b.origin == a.origin || (!b.too_many && same_population(a, b))).collect();
    let alone = derivable(a, &related[..0], least);
    match alone {
        Answer::Nothing if related.len() > MAX_RELATED + 1 => return vec![Reason::NotLinked.into()],
        Answer::Nothing if related.len() > 1 => {}
        answer => return answer.finding(None),
    }
    let mut found = Vec::new();
    for b in related.iter().filter(|b| b.origin != a.origin) {
        found.extend(derivable(a, &[b], least).finding(Some(&b.origin)));
    }
    if found.is_empty() && related.len() > 2 {
        let others: Vec<&Counts> = related.into_iter().filter(|b| b.origin != a.origin).collect();
        found.extend(derivable(a, &others, least).finding(others.first().map(|b| &b.origin)));
    }
    found
}

enum Answer {
    Nothing,
    Derivable,
    TooLarge,
}

impl Answer {
    fn finding(self, with: Option<&Other>) -> Vec<Finding> {
        let reason = match self {
            Answer::Nothing => return Vec::new(),
            Answer::Derivable => Reason::Derivable,
            Answer::TooLarge => Reason::NotLinked,
        };
        let finding = Finding::from(reason);
        vec![with.map_or(finding.clone(), |o| finding.with(o.clone()))]
    }
}

/// A sum and what it is a sum of.
struct Equation {
    whole: Key,
    parts: Vec<Key>,
}

/// Whether a hidden count of `a`, or a sum of hidden ones, must lie between 1 and `least`, given these other tables too.
fn derivable(a: &Counts, others: &[&Counts], least: f64) -> Answer {
    let mut known: BTreeMap<Key, Count> = a.cells.clone();
    let mut rounded = a.rounded;
    for b in others {
        rounded |= b.rounded;
        for (key, count) in &b.cells {
            match known.get(key) {
                Some(Count::Shown(_)) => {}
                _ => {
                    known.insert(key.clone(), *count);
                }
            }
        }
    }
    let equations: Vec<Equation> =
        std::iter::once(a).chain(others.iter().copied()).flat_map(|t| sums(t, &known)).collect();
    let concerned: BTreeSet<&Key> = equations
        .iter()
        .flat_map(|e| e.parts.iter().chain(std::iter::once(&e.whole)))
        .filter(|k| known.get(*k) == Some(&Count::Hidden))
        .collect();
    if concerned.is_empty() {
        return Answer::Nothing;
    }
    if concerned.len() > MAX_HIDDEN || equations.len() > MAX_EQUATIONS {
        return Answer::TooLarge;
    }
    let mut system = System::default();
    let unknowns: BTreeMap<&Key, usize> = concerned.iter().map(|k| (*k, system.unknown(f64::INFINITY))).collect();
    for equation in &equations {
        let mut terms: Vec<(usize, f64)> = Vec::new();
        let (mut value, mut shown) = (0.0, 0.0);
        let signed = equation.parts.iter().map(|k| (k, 1.0)).chain(std::iter::once((&equation.whole, -1.0)));
        for (key, sign) in signed {
            match known.get(key) {
                Some(Count::Shown(x)) => {
                    value -= sign * x;
                    shown += 1.0;
                }
                _ => terms.push((unknowns[key], sign)),
            }
        }
        if terms.is_empty() {
            continue;
        }
        // Hidden parts of a shown whole: their sum is known, unless counts are rounded.
        if !rounded && known.get(&equation.whole) != Some(&Count::Hidden) && value >= 1.0 && value < least {
            return Answer::Derivable;
        }
        if rounded {
            let slack = system.unknown(2.0 * SLACK * shown);
            terms.push((slack, 1.0));
            value += SLACK * shown;
        }
        system.equation(terms, value);
    }
    let Some(bounds) = system.bounds(concerned.len()) else { return Answer::Nothing };
    // That a hidden count is small is what its sign says; more than that must not follow.
    let narrow = |(low, high): &(f64, f64)| {
        let (low, high) = ((low - 1e-6).ceil(), (high + 1e-6).floor());
        low >= 1.0 && high < least && high - low < least - 2.0
    };
    let of_a = concerned.iter().zip(&bounds).filter(|(key, _)| a.cells.contains_key(**key));
    if of_a.into_iter().any(|(_, b)| narrow(b)) { Answer::Derivable } else { Answer::Nothing }
}

/// Sums that a table states: a cell without a variable is the sum over all categories of that variable.
fn sums(table: &Counts, known: &BTreeMap<Key, Count>) -> Vec<Equation> {
    let mut equations = Vec::new();
    let categories: Vec<(&String, BTreeSet<&str>)> = table.variables.iter().map(|v| (v, table.categories(v))).collect();
    for whole in known.keys() {
        if !whole.keys().all(|v| table.variables.contains(v)) {
            continue;
        }
        for (variable, categories) in categories.iter().filter(|(v, _)| !whole.contains_key(*v)) {
            let part = |category: &&str| {
                let mut key = whole.clone();
                key.insert((*variable).clone(), (*category).to_owned());
                key
            };
            let parts: Vec<Key> = categories.iter().map(part).collect();
            if !parts.is_empty() && parts.iter().all(|k| known.contains_key(k)) {
                equations.push(Equation { whole: whole.clone(), parts });
            }
        }
    }
    equations
}
