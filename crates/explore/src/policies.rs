//! The disclosure policies of an installation at work (SDC-010): where they are kept, and which one counts for a statement.
//!
//! They are kept as the changes that made them, one JSON line each with those who approved it, in a file of the data
//! zone. Reading the file makes every change again, so a line that one person alone could not have added is refused, and
//! with it the start of the zone. For a statement the strictest mixture counts of all that concerns the variables and versions
//! its dataset is made from, the project, and the role; its digest stands in the output.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use disclosure::{Approval, BudgetRules, Change, NotChanged, Policy, PolicyBook, PolicyError, Subject};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::meters::Use;
use crate::runner::Job;

/// Name of the role that students explore in.
const STUDENT: &str = "student";

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyLine {
    /// What changed.
    pub change: Change,
    /// Who approved it.
    pub approved_by: Vec<Approval>,
    /// When it was written.
    pub at: Timestamp,
}

/// Why the policies cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no change of policy.
    #[error("line {line} is no change of policy")]
    Line {
        /// From 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A line of the file may not stand there.
    #[error("line {line} may not stand there")]
    NotAllowed {
        /// From 1.
        line: usize,
        /// Why.
        source: NotChanged,
    },
    /// The change may not be made.
    #[error(transparent)]
    NotChanged(#[from] NotChanged),
}

/// The file of changes.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    path: PathBuf,
}

impl PolicyFile {
    /// The file of a data zone, in its folder. It need not exist: then the default policy counts for everything.
    pub fn of_zone(folder: &Path) -> Self {
        Self { path: folder.join("policies.jsonl") }
    }

    /// The policies after all changes.
    ///
    /// # Errors
    /// [`PolicyFileError`].
    pub fn read(&self) -> Result<PolicyBook, PolicyFileError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(self.failed(source)),
        };
        let mut book = PolicyBook::new(Policy::standard());
        for (i, line) in text.lines().enumerate() {
            let line: PolicyLine =
                serde_json::from_str(line).map_err(|source| PolicyFileError::Line { line: i + 1, source })?;
            let changed = book.changed(&line.change, &line.approved_by);
            book = changed.map_err(|source| PolicyFileError::NotAllowed { line: i + 1, source })?;
        }
        Ok(book)
    }

    /// Makes a change and writes it down. It counts when the zone is started the next time.
    ///
    /// # Errors
    /// [`PolicyFileError`]; then nothing is written.
    pub fn change(&self, line: &PolicyLine) -> Result<PolicyBook, PolicyFileError> {
        let book = self.read()?.changed(&line.change, &line.approved_by)?;
        let mut text = serde_json::to_string(line).map_err(|e| self.failed(e.into()))?;
        text.push('\n');
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|source| self.failed(source))?;
        Ok(book)
    }

    fn failed(&self, source: std::io::Error) -> PolicyFileError {
        PolicyFileError::File { path: self.path.clone(), source }
    }
}

/// The policies of a runner. A mixture is made once.
#[derive(Debug)]
pub(crate) struct Policies {
    book: PolicyBook,
    mixed: Mutex<BTreeMap<BTreeSet<Subject>, Arc<Policy>>>,
}

impl Policies {
    pub(crate) fn new(book: PolicyBook) -> Self {
        Self { book, mixed: Mutex::default() }
    }

    /// The policy for everything.
    pub(crate) fn base(&self) -> &Policy {
        self.book.base()
    }

    /// The policy that counts for a statement of a run.
    pub(crate) fn of(&self, job: &Job<'_>, usage: &Use) -> Result<Arc<Policy>, PolicyError> {
        self.mixture(who(job.project, job.student), [&usage.stores, &usage.variables])
    }

    /// How much a project may ask of a version of a store: the strictest budget of all that counts for the project, its role
    /// and the version, and for the variables that a statement asks about (SDC-010, SDC-171).
    pub(crate) fn budget(
        &self,
        (project, student): (&str, bool),
        version: &str,
        variables: &BTreeSet<String>,
    ) -> BudgetRules {
        let mixture = self.mixture(who(project, student), [&BTreeSet::from([version.to_owned()]), variables]);
        // A mixture that is no policy lets no statement through; its budget is never asked for.
        mixture.map_or(self.base().rules().budget, |policy| policy.rules().budget)
    }

    fn mixture(
        &self,
        mut concerned: BTreeSet<Subject>,
        [stores, variables]: [&BTreeSet<String>; 2],
    ) -> Result<Arc<Policy>, PolicyError> {
        let pairs = |of: &BTreeSet<String>| -> Vec<(String, String)> {
            of.iter().filter_map(|s| s.split_once(':')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
        };
        concerned.extend(pairs(stores).into_iter().map(|(store, version)| Subject::Version { store, version }));
        concerned.extend(pairs(variables).into_iter().map(|(store, name)| Subject::Variable { store, name }));
        let attached: BTreeSet<&Subject> = self.book.attached().map(|(subject, _)| subject).collect();
        concerned.retain(|subject| attached.contains(subject));
        let mut mixed = self.mixed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = mixed.get(&concerned) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(self.book.in_force(&concerned)?);
        mixed.insert(concerned, Arc::clone(&policy));
        Ok(policy)
    }
}

fn who(project: &str, student: bool) -> BTreeSet<Subject> {
    let role = student.then(|| Subject::Role { name: STUDENT.to_owned() });
    role.into_iter().chain([Subject::Project { id: project.to_owned() }]).collect()
}

#[cfg(test)]
mod tests {
    use disclosure::{Attachment, Office, Rules};

    use super::*;

    fn line(change: Change, approvals: &[(&str, Office)]) -> PolicyLine {
        let approved_by = approvals.iter().map(|(a, office)| Approval { account: (*a).into(), office: *office });
        PolicyLine { change, approved_by: approved_by.collect(), at: Timestamp::from_micros(1_795_252_500_000_000) }
    }

    /// SDC-010: changes are kept with who approved them, and are made again in the same order.
    #[test]
    fn sdc_010_changes_are_kept_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = PolicyFile::of_zone(folder.path());
        assert_eq!(file.read().unwrap().base().hash(), Policy::standard().hash());
        let subject = Subject::Variable { store: "no.test".into(), name: "STED".into() };
        let stricter = Change::Attach(Attachment { subject: subject.clone(), rules: Rules::high() });
        file.change(&line(stricter, &[("a", Office::DisclosureSteward)])).unwrap();
        let read = file.read().unwrap();
        assert!(read.attached().map(|(s, _)| s).eq([&subject]));
        // Loosening takes two persons; what was refused is not written.
        let detach = Change::Detach { subject };
        let alone = file.change(&line(detach.clone(), &[("a", Office::DisclosureSteward)])).unwrap_err();
        assert!(alone.to_string().contains("two persons"), "{alone}");
        assert_eq!(file.read().unwrap().attached().count(), 1);
        let both = [("a", Office::DisclosureSteward), ("b", Office::DataOwner)];
        file.change(&line(detach.clone(), &both)).unwrap();
        assert_eq!(file.read().unwrap().attached().count(), 0);
        // A line that could not have been added by the road above keeps the zone from starting.
        let forged = serde_json::to_string(&line(detach, &[("a", Office::DataOwner)])).unwrap();
        let path = folder.path().join("policies.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{forged}\n")).unwrap();
        assert!(matches!(file.read(), Err(PolicyFileError::NotAllowed { line: 3, .. })));
        std::fs::write(&path, format!("{text}nonsense\n")).unwrap();
        assert!(matches!(file.read(), Err(PolicyFileError::Line { line: 3, .. })));
    }
}
