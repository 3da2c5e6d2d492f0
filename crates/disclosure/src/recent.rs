//! The members of the sets of the latest results, for a ledger that is asked for them soon after (SDC-052). It holds what
//! the results left behind, as much as its budget allows; the oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use engine::{Members, Membership};
use roaring::RoaringBitmap;

use crate::keys::Fingerprint;
use crate::sets::ByFingerprint;

/// Members of recent sets.
pub struct RecentMembers {
    members: HashMap<Fingerprint, (Weak<dyn Membership>, usize), ByFingerprint>,
    kept: VecDeque<Arc<dyn Membership>>,
    bytes: usize,
    budget: usize,
    /// Sets that are remembered in vain are cleared away when there are more than this.
    crowded: usize,
}

impl RecentMembers {
    /// Room for so many bytes.
    pub fn new(budget: usize) -> Self {
        Self { members: HashMap::default(), kept: VecDeque::new(), bytes: 0, budget, crowded: 1 << 16 }
    }

    /// Keeps the members of a set as long as there is room. Gives back what there is no room for any more: freeing the sets of
    /// a large table takes milliseconds, for which nobody who releases a result need wait.
    #[must_use = "what is given back is better dropped by another thread"]
    pub fn keep(&mut self, set: Fingerprint, members: &Members) -> Vec<Arc<dyn Membership>> {
        let mut gone = Vec::new();
        let Some(source) = members.source() else { return gone };
        self.members.entry(set).or_insert_with(|| (Arc::downgrade(source), members.place()));
        // The sets of one result come one after the other.
        if !self.kept.iter().rev().take(8).any(|kept| Arc::ptr_eq(kept, source)) {
            self.bytes += source.bytes();
            self.kept.push_back(Arc::clone(source));
        }
        while self.bytes > self.budget {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.bytes();
            gone.push(oldest);
        }
        if self.members.len() > self.crowded {
            self.members.retain(|_, (source, _)| source.strong_count() > 0);
            self.crowded = (2 * self.members.len()).max(1 << 16);
        }
        gone
    }

    /// The members of a set, where they are still at hand.
    pub fn members(&self, set: Fingerprint) -> Option<Arc<RoaringBitmap>> {
        let (source, place) = self.members.get(&set)?;
        Some(source.upgrade()?.of(*place))
    }
}
