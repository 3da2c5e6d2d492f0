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

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi;
        let Some(code) = error.sqlite_error().map(|e| e.extended_code) else {
            return StoreError::Other(error.to_string());
        };
        // The primary result code stands in the low byte.
        match (code & 0xff, code) {
            (ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED, _) => StoreError::Busy,
            (
                _,
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID
                | ffi::SQLITE_CONSTRAINT_FOREIGNKEY
                | ffi::SQLITE_CONSTRAINT_CHECK,
            ) => StoreError::Constraint(error.to_string()),
            _ => StoreError::Other(error.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            // Not told by the server: the connection broke, or a value did not fit its column.
            let io = std::error::Error::source(&error).is_some_and(|cause| cause.is::<std::io::Error>());
            let reason = crate::postgres::reason(&error);
            return if io || error.is_closed() { StoreError::Unavailable(reason) } else { StoreError::Other(reason) };
        };
        match told.code().code() {
            // Serialisation failure and deadlock.
            "40001" | "40P01" => StoreError::Busy,
            "23503" | "23505" | "23514" => StoreError::Constraint(told.message().to_owned()),
            // The server is being shut down or started.
            "57P01" | "57P02" | "57P03" => StoreError::Unavailable(told.to_string()),
            _ => StoreError::Other(told.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "database");
        Problem::unavailable("the database")
    }
}
