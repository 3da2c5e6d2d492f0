//! The database: one thin layer over SQLite (embedded, default) and PostgreSQL (production), with one SQL text
//! for both. It alone names their drivers.
//!
//! - [`Store`]: open, migrate, run named transactions that are retried on conflict; on SQLite those that wait are
//!   committed together.
//! - [`Tx`]: execute and query inside a transaction; [`Row`]: typed columns by position.
//! - [`Migration`]: append-only schema steps of one area.
//! - [`jobs`]: a queue of work that survives a crash.
//!
//! SQL rules (house style 6): `$1`, `$2` … for parameters; TEXT ULID ids; BIGINT microseconds; TEXT JSON; `BLOB` for
//! bytes (rewritten for PostgreSQL); booleans as BIGINT 0/1; `ON CONFLICT … DO UPDATE … RETURNING` for upserts. A failed
//! statement ends its transaction: ask first, or use `ON CONFLICT`, rather than catch the error and go on. PostgreSQL sums
//! BIGINT to NUMERIC: write `CAST(SUM(n) AS BIGINT)`. A parameter that is used in comparisons of two types is cast too.

mod error;
pub mod jobs;
mod migrate;
mod open;
mod pool;
mod postgres;
mod sqlite;
mod together;
mod tx;
mod value;
mod writer;

pub use error::StoreError;
pub use migrate::Migration;
pub use open::{Backend, Isolation, MaybeBusy, Store};
pub use tx::Tx;
pub use value::{FromColumn, Row, Value};

/// The parameters of a statement: `params![id, name, 7_i64]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*] as &[$crate::Value]
    };
}
