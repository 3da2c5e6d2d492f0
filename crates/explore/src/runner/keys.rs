//! Keys of statements (LANG-300, LANG-301): two statements with the same key do the same to the same data, so the result
//! and the state after the first may stand for the second. A key depends on the states of the datasets that a statement
//! reads, not on the order of the text; layout and comments do not count.
//!
//! What it is not: a plan of execution, and nothing here touches data.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use disclosure::Policy;
use engine::source::{StoreVersion, VariableSource};
use kernel::Language;
use script::program::{Action, Name, Object, Step};

/// Identity of a statement, or of a state of a dataset.
pub(super) type Key = [u8; 32];

/// A dataset that does not exist.
pub(super) const ABSENT: Key = [0; 32];

/// Changes when what the engine makes of a statement changes.
const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// A statement with its key.
pub(super) struct Keyed {
    /// None for a statement that depends on what the script has said so far: it is carried out each time.
    pub(super) key: Option<Key>,
    /// Datasets that it reads, in the state it finds them.
    pub(super) reads: Vec<(Name, Key)>,
    /// Datasets that it changes, in the state it leaves them.
    pub(super) writes: Vec<(Name, Key)>,
    /// Datasets and lists that it reads or changes.
    pub(super) needs: Vec<Object>,
    /// Datasets and lists that it changes.
    pub(super) makes: Vec<Object>,
}

/// What all keys of a run have in common.
pub(super) struct Common<'a> {
    pub(super) source: &'a dyn VariableSource,
    pub(super) language: Language,
}

impl Common<'_> {
    /// The keys of a plan whose statements are under these disclosure policies, in its order.
    pub(super) fn keys(&self, steps: &[Step], policies: &[Arc<Policy>]) -> Vec<Keyed> {
        let mut states = States::default();
        steps.iter().zip(policies).map(|(step, policy)| self.keyed(step, policy.hash(), &mut states)).collect()
    }

    fn keyed(&self, step: &Step, policy: &str, states: &mut States) -> Keyed {
        let mut hash = Hash::new();
        for part in [ENGINE, policy, self.language.code(), &step.text] {
            hash.part(part.as_bytes());
        }
        let read = step.reads();
        let mut reads = Vec::new();
        for object in &read {
            let state = match object {
                Object::Dataset(name) => {
                    let state = states.of(object);
                    reads.push((name.clone(), state));
                    state
                }
                Object::Store { store, version } => states.digest(self.source, store, version),
                Object::List(_) | Object::Results => states.of(object),
            };
            hash.debug(object);
            hash.part(&state);
        }
        beyond_the_text(step, &mut hash);
        let key = hash.finish();
        let written = if matches!(step.action, Action::Clear) { states.clear() } else { step.writes() };
        let mut writes = Vec::new();
        for object in &written {
            let mut hash = Hash::new();
            hash.part(&key);
            hash.debug(object);
            let state = if removes(step, object) { ABSENT } else { hash.finish() };
            states.known.insert(object.clone(), state);
            if let Object::Dataset(name) = object {
                writes.push((name.clone(), state));
            }
        }
        let own = |objects: &[Object]| -> Vec<Object> {
            objects.iter().filter(|o| matches!(o, Object::Dataset(_) | Object::List(_))).cloned().collect()
        };
        let makes = own(&written);
        let key = (!read.contains(&Object::Results)).then_some(key);
        Keyed { key, reads, writes, needs: own(&[read, written].concat()), makes }
    }
}

/// The states of objects while a plan is walked through.
#[derive(Default)]
struct States {
    known: BTreeMap<Object, Key>,
    digests: HashMap<(String, String), Key>,
}

impl States {
    fn of(&self, object: &Object) -> Key {
        self.known.get(object).copied().unwrap_or(ABSENT)
    }

    fn digest(&mut self, source: &dyn VariableSource, store: &str, version: &str) -> Key {
        let at = (store.to_owned(), version.to_owned());
        *self.digests.entry(at).or_insert_with(|| {
            let at = StoreVersion { store: store.to_owned(), version: version.to_owned() };
            // A store that does not answer now fails the import itself.
            source.version_digest(&at).unwrap_or_default()
        })
    }

    /// Everything is gone; gives what that was.
    fn clear(&mut self) -> Vec<Object> {
        std::mem::take(&mut self.known).into_keys().collect()
    }
}

fn removes(step: &Step, object: &Object) -> bool {
    match (&step.action, object) {
        (Action::Clear, _) | (Action::DeleteDataset { .. }, _) => true,
        (Action::RenameDataset { from, .. }, Object::Dataset(name)) => from == name,
        (Action::DropLabels { .. }, Object::List(_)) => true,
        _ => false,
    }
}

/// What a statement means that neither its text nor the objects it reads tell: versions behind aliases, and metadata.
fn beyond_the_text(step: &Step, hash: &mut Hash) {
    match &step.action {
        Action::Import(plan) => hash.debug(&plan.harmonise),
        Action::ImportPanel(plan) => hash.debug(&plan.harmonise),
        Action::Harmonise(plan) => hash.debug(plan),
        Action::Require { store, version, .. } => hash.debug(&(store, version)),
        Action::Info(info) => hash.debug(info),
        Action::Text(text) => hash.part(text.as_bytes()),
        _ => {}
    }
}

struct Hash(blake3::Hasher);

impl Hash {
    fn new() -> Self {
        Self(blake3::Hasher::new())
    }

    /// Each part with its length, so that no two lists of parts read alike.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn debug(&mut self, value: &dyn std::fmt::Debug) {
        // Writing to a hash cannot fail.
        let _ = write!(self, "{value:?}");
        self.part(b"");
    }

    fn finish(self) -> Key {
        *self.0.finalize().as_bytes()
    }
}

impl std::fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Whether a statement only shows something: left out of a run that begins further down.
pub(super) fn only_shows(step: &Step) -> bool {
    matches!(
        step.action,
        Action::Tabulate(_)
            | Action::Summarize(_)
            | Action::SummarizePanel(_)
            | Action::Barchart(_)
            | Action::Model(_)
            | Action::Describe(_)
            | Action::Text(_)
            | Action::Info(_)
            | Action::Export(_)
    )
}
