//! Ways of asking that a person who only wants to know something of groups has little use for (SDC-172): populations that
//! creep past each other, and one total that is split again and again. Pure.

use std::collections::{HashMap, HashSet};

use disclosure::Sketch;

use super::model::SplitLine;

/// The populations of a project, and how long the longest chain of near ones is.
#[derive(Default)]
pub(super) struct Populations {
    known: Vec<Population>,
    /// Pairs within twice the largest radius of each other (SDC-170).
    pub(super) near: u64,
    longest: u32,
}

struct Population {
    set: String,
    persons: u64,
    sketch: Sketch,
    /// Populations in the chain that ends here.
    chain: u32,
}

impl Populations {
    /// Adds a population. Its distance to the earlier ones is estimated by the sketches, which is as good as exact for
    /// small differences and costs no look at the members.
    pub(super) fn add(&mut self, set: &str, persons: u64, sketch: Sketch, reach: u64) {
        if self.known.iter().any(|known| known.set == set) {
            return;
        }
        let near = self
            .known
            .iter()
            .filter(|known| known.persons.abs_diff(persons) <= reach && sketch.distance(&known.sketch) < reach as f64);
        let (mut count, mut chain) = (0, 1);
        for known in near {
            count += 1;
            chain = chain.max(known.chain + 1);
        }
        self.near += count;
        self.longest = self.longest.max(chain);
        self.known.push(Population { set: set.to_owned(), persons, sketch, chain });
    }

    pub(super) fn longest_chain(&self) -> u32 {
        self.longest
    }
}

/// Totals that the user's own splits were asked of.
#[derive(Default)]
pub(super) struct Totals(HashMap<String, Total>);

#[derive(Default)]
struct Total {
    persons: u64,
    binary: HashSet<String>,
    fragmenting: HashSet<String>,
}

impl Totals {
    pub(super) fn add(&mut self, set: &str, persons: u64, splits: &[SplitLine]) {
        if !splits.iter().any(|s| s.binary || s.fragmenting) {
            return;
        }
        let total = self.0.entry(set.to_owned()).or_default();
        total.persons = persons;
        total.binary.extend(splits.iter().filter(|s| s.binary).map(|s| s.id.clone()));
        total.fragmenting.extend(splits.iter().filter(|s| s.fragmenting).map(|s| s.id.clone()));
    }

    /// The most binary splits of one total.
    pub(super) fn most_binary(&self) -> usize {
        self.0.values().map(|t| t.binary.len()).max().unwrap_or(0)
    }

    /// Whether a total was cut into at least a quarter as many random-like subsets as it has persons: what it takes to
    /// solve for each of them.
    pub(super) fn looks_random(&self) -> bool {
        self.0.values().any(|t| t.persons > 0 && 4 * t.fragmenting.len() as u64 >= t.persons)
    }
}
