//! What can go wrong in the database, by what the caller can do about it.

use kernel::Problem;

/// A failed statement or transaction.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Two transactions met; the same transaction may succeed when run again.
    #[error("the transaction met another one")]
    Busy,
    /// A unique or foreign key, or a check, was broken.
    #[error("a constraint was broken: {0}")]
    Constraint(String),
    /// A row that must be there is not.
    #[error("no row")]
    NoRow,
    /// A column holds another type than the code expects.
    #[error("column {column}: {wanted} expected")]
    Column {
        /// Position of the column, from 0.
        column: usize,
        /// The type that the code asked for.
        wanted: &'static str,
    },
    /// The database cannot be opened, or does not answer.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Anything else: a fault of the program.
    #[error("database error: {0}")]
    Other(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(e) => {
                let code = e.code().unwrap_or_default();
                // SQLite: primary result codes 5 BUSY and 6 LOCKED; PostgreSQL: serialisation failure and deadlock.
                let busy = matches!(code.as_ref(), "5" | "6" | "261" | "262" | "517" | "40001" | "40P01");
                if busy {
                    StoreError::Busy
                } else if e.is_unique_violation() || e.is_foreign_key_violation() || e.is_check_violation() {
                    StoreError::Constraint(e.message().to_owned())
                } else {
                    StoreError::Other(error.to_string())
                }
            }
            sqlx::Error::RowNotFound => StoreError::NoRow,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                StoreError::Unavailable(error.to_string())
            }
            _ => StoreError::Other(error.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "database");
        Problem::unavailable("the database")
    }
}
