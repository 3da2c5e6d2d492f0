//! Why something was not done with a store or an input.

use kernel::{FieldError, Problem};
use protocol::{CallError, Refusal};

use crate::report::Report;

/// Why something was not done, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DatastoreError {
    /// An input has faults; each names file, rule and remedy.
    #[error("{}", .0.iter().flat_map(|r| r.findings.iter().map(move |f| format!("{}: {f}", r.dataset))).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Report>),
    /// The command or a setting is not right.
    #[error("{0}")]
    Usage(String),
    /// There is no such store, version or dataset.
    #[error("{0} was not found")]
    NotFound(String),
    /// Too many unit ids were refused (DATA-083).
    #[error(
        "{dataset}: {rejected} of {ids} unit ids were refused; the most allowed is {allowed} (first on line {line})"
    )]
    Rejected {
        /// The dataset.
        dataset: String,
        /// Refused ids.
        rejected: u64,
        /// All distinct ids.
        ids: u64,
        /// Most that may be refused.
        allowed: u64,
        /// Line of the first.
        line: u64,
    },
    /// What is pending is not what was approved, or another release came between (DATA-063).
    #[error("{0}")]
    Conflict(String),
    /// A file of a store is missing or damaged.
    #[error("{0} cannot be read: missing or damaged")]
    Damaged(String),
    /// A service does not answer.
    #[error("{0} is not reachable")]
    Unavailable(String),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// File or folder, below the store's folder or as given by the user.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] store::StoreError),
    /// The audit log refused: no audit, no action.
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
}

impl DatastoreError {
    /// An error of the file system at a place.
    pub(crate) fn io(path: impl AsRef<std::path::Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().display().to_string();
        move |source| DatastoreError::Io { path, source }
    }

    /// The exit code of `hap ingest` (DATA-086): 1 invalid input, 2 usage, 4 a service is not reachable.
    pub fn exit_code(&self) -> u8 {
        match self {
            DatastoreError::Usage(_) | DatastoreError::NotFound(_) => 2,
            DatastoreError::Unavailable(_) | DatastoreError::Database(_) | DatastoreError::Audit(_) => 4,
            _ => 1,
        }
    }
}

impl store::MaybeBusy for DatastoreError {
    fn is_busy(&self) -> bool {
        match self {
            DatastoreError::Database(e) => e.is_busy(),
            DatastoreError::Audit(e) => store::MaybeBusy::is_busy(e),
            _ => false,
        }
    }
}

impl From<DatastoreError> for Problem {
    fn from(error: DatastoreError) -> Self {
        match error {
            DatastoreError::Invalid(reports) => Problem::Invalid {
                fields: reports
                    .iter()
                    .flat_map(|r| {
                        r.findings.iter().map(|f| {
                            let field = f.line.map_or_else(|| r.dataset.clone(), |l| format!("{} line {l}", r.dataset));
                            FieldError::new(field, f.rule.id(), &*f.message)
                        })
                    })
                    .collect(),
            },
            DatastoreError::Usage(text) => Problem::invalid("input", "usage", text),
            DatastoreError::NotFound(what) => Problem::not_found(what),
            DatastoreError::Rejected { .. } => Problem::invalid("unit ids", "DATA-083", error.to_string()),
            DatastoreError::Conflict(text) => Problem::conflict("changed_since", text),
            _ => Problem::unavailable("the datastore"),
        }
    }
}

impl From<DatastoreError> for Refusal {
    fn from(error: DatastoreError) -> Self {
        Refusal::from(Problem::from(error))
    }
}

impl From<CallError> for DatastoreError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => DatastoreError::Conflict(format!("the key role refused: {}", refusal.code)),
            CallError::Unreachable { party, .. } | CallError::Untrusted { party, .. } => {
                DatastoreError::Unavailable(format!("the {party} role"))
            }
        }
    }
}
