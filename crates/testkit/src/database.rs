//! A test body on both databases.

use store::Store;

use crate::postgres::{self, Durability};

/// Runs `body` on a new SQLite database and then on a new PostgreSQL schema.
///
/// # Panics
/// When PostgreSQL cannot be started: a storage test that ran on one database only proves half.
pub async fn databases<F: AsyncFn(Store)>(body: F) {
    on_sqlite(&body).await;
    body(postgres::store(Durability::Off).await).await;
}

/// Runs `body` on a new SQLite database only: for what has nothing to do with the database.
///
/// # Panics
/// When the temporary folder cannot be written.
#[expect(clippy::expect_used, reason = "a test without a database is to fail")]
pub async fn on_sqlite<F: AsyncFn(Store)>(body: F) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open_sqlite(&folder.path().join("test.db")).await.expect("an SQLite database");
    body(store).await;
}
