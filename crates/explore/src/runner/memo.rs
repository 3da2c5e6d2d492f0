//! What workspaces keep between runs (ENG-036, LANG-300): for each statement what was released, and the state in which it
//! left its datasets. States share columns, and a column counts once per workspace; the least recently used states go when
//! a workspace holds more than its budget, or all of them together hold more than theirs. What was released stays longer:
//! it is small, and a state that went is made again without it.
//!
//! What it is not: a cache of raw results. Nothing here has not passed the gate, and states cannot be read.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use engine::DatasetState;

use super::keys::Key;
use super::results::Shown;

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotBudget {
    /// Bytes of states per workspace: 4 GiB (LANG-300).
    pub workspace: usize,
    /// Bytes of states of all workspaces together.
    pub total: usize,
}

impl Default for SnapshotBudget {
    fn default() -> Self {
        Self { workspace: 4 << 30, total: 4 << 30 }
    }
}

/// Statements of one workspace whose releases are remembered before the oldest half is forgotten.
const MOST_STATEMENTS: usize = 20_000;

/// The memory of all workspaces.
pub(super) struct Memos {
    budget: SnapshotBudget,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    clock: u64,
    bytes: usize,
    workspaces: HashMap<String, Workspace>,
}

#[derive(Default)]
struct Workspace {
    statements: HashMap<Key, Statement>,
    states: HashMap<Key, State>,
    /// Pieces of memory: in how many states, and how many bytes.
    pieces: HashMap<usize, (usize, usize)>,
    bytes: usize,
    /// States in which the last run left its datasets; these stay.
    last: HashSet<Key>,
}

struct Statement {
    shown: Arc<Vec<Shown>>,
    used: u64,
}

struct State {
    state: DatasetState,
    used: u64,
}

/// What is kept, for operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SnapshotUsage {
    /// Bytes of all states.
    pub bytes: usize,
    /// States.
    pub states: usize,
    /// Statements whose releases are remembered.
    pub statements: usize,
}

impl Memos {
    pub(super) fn new(budget: SnapshotBudget) -> Self {
        Self { budget, inner: Mutex::default() }
    }

    fn with<T>(&self, workspace: &str, f: impl FnOnce(&mut Workspace, u64) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        inner.clock += 1;
        let slot = inner.workspaces.entry(workspace.to_owned()).or_default();
        let before = slot.bytes;
        let result = f(slot, inner.clock);
        inner.bytes = inner.bytes - before + slot.bytes;
        result
    }

    /// What a statement with this key released, when it has been carried out.
    pub(super) fn released(&self, workspace: &str, key: &Key) -> Option<Arc<Vec<Shown>>> {
        self.with(workspace, |w, now| {
            let statement = w.statements.get_mut(key)?;
            statement.used = now;
            Some(Arc::clone(&statement.shown))
        })
    }

    /// The state of a dataset with this key.
    pub(super) fn state(&self, workspace: &str, key: &Key) -> Option<DatasetState> {
        self.with(workspace, |w, now| {
            let state = w.states.get_mut(key)?;
            state.used = now;
            Some(state.state.clone())
        })
    }

    /// Keeps what a statement released.
    pub(super) fn keep_released(&self, workspace: &str, key: Key, shown: Arc<Vec<Shown>>) {
        self.with(workspace, |w, now| {
            w.statements.insert(key, Statement { shown, used: now });
            if w.statements.len() > MOST_STATEMENTS {
                let mut used: Vec<u64> = w.statements.values().map(|s| s.used).collect();
                used.sort_unstable();
                let middle = used[used.len() / 2];
                w.statements.retain(|_, s| s.used >= middle);
            }
        });
    }

    /// Keeps the state in which a statement left a dataset.
    pub(super) fn keep_state(&self, workspace: &str, key: Key, state: DatasetState) {
        self.with(workspace, |w, now| w.put(key, state, now));
        self.evict(workspace);
    }

    /// The states in which a run left its datasets: they stay until the next run ends.
    pub(super) fn last(&self, workspace: &str, keys: HashSet<Key>) {
        self.with(workspace, |w, _| w.last = keys);
    }

    /// Forgets what goes beyond the budgets, the least recently used first.
    fn evict(&self, workspace: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        if let Some(own) = inner.workspaces.get_mut(workspace) {
            let before = own.bytes;
            while own.bytes > self.budget.workspace && own.forget_oldest(false) {}
            inner.bytes = inner.bytes - before + own.bytes;
        }
        while inner.bytes > self.budget.total {
            // In all workspaces together the last states go too, when nothing else is left.
            let oldest = |last: bool| {
                let all = inner.workspaces.iter().filter_map(|(n, w)| Some((w.oldest(last)?.1, n.clone())));
                all.min().map(|(_, name)| (name, last))
            };
            let Some((name, last)) = oldest(false).or_else(|| oldest(true)) else { break };
            let Some(found) = inner.workspaces.get_mut(&name) else { break };
            let before = found.bytes;
            found.forget_oldest(last);
            inner.bytes = inner.bytes - before + found.bytes;
        }
    }

    pub(super) fn usage(&self) -> SnapshotUsage {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        SnapshotUsage {
            bytes: inner.bytes,
            states: inner.workspaces.values().map(|w| w.states.len()).sum(),
            statements: inner.workspaces.values().map(|w| w.statements.len()).sum(),
        }
    }
}

impl Workspace {
    fn put(&mut self, key: Key, state: DatasetState, now: u64) {
        if let Some(known) = self.states.get_mut(&key) {
            known.used = now;
            return;
        }
        for (piece, bytes) in state.buffers() {
            let slot = self.pieces.entry(piece).or_insert((0, bytes));
            if slot.0 == 0 {
                self.bytes += bytes;
            }
            slot.0 += 1;
        }
        self.states.insert(key, State { state, used: now });
    }

    fn oldest(&self, with_last: bool) -> Option<(Key, u64)> {
        let may_go = self.states.iter().filter(|(key, _)| with_last || !self.last.contains(*key));
        may_go.min_by_key(|(_, s)| s.used).map(|(key, s)| (*key, s.used))
    }

    fn forget_oldest(&mut self, with_last: bool) -> bool {
        let Some((key, _)) = self.oldest(with_last) else { return false };
        let Some(gone) = self.states.remove(&key) else { return false };
        for (piece, _) in gone.state.buffers() {
            if let Some(slot) = self.pieces.get_mut(&piece) {
                slot.0 -= 1;
                if slot.0 == 0 {
                    self.bytes -= slot.1;
                    self.pieces.remove(&piece);
                }
            }
        }
        true
    }
}
