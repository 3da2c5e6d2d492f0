//! Schema steps: append-only, each applied once, in the order of the list.

use crate::tx::TxInner;
use crate::{Store, StoreError, Tx, params};

/// One step of an area's schema. Once released, it is never changed; a correction is a new step.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Short name, unique within the area, e.g. `001_cases`.
    pub name: &'static str,
    /// Statements separated by `;` at the end of a line. Portable SQL; `BLOB` becomes `BYTEA` in PostgreSQL.
    pub sql: &'static str,
}

impl Store {
    /// Brings the tables of `area` up to date. All steps that are missing run in one transaction.
    ///
    /// # Errors
    /// The error of the statement that failed; then nothing has changed.
    pub async fn migrate(&self, area: &'static str, steps: &[Migration]) -> Result<(), StoreError> {
        self.tx("migrate", async |tx: &mut Tx| {
            tx.execute(
                "CREATE TABLE IF NOT EXISTS schema_step (area TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (area, name))",
                params![],
            )
            .await?;
            for step in steps {
                let done = tx
                    .query_opt("SELECT 1 FROM schema_step WHERE area = $1 AND name = $2", params![area, step.name])
                    .await?;
                if done.is_some() {
                    continue;
                }
                let postgres = matches!(tx.inner, TxInner::Postgres(_));
                for statement in step.sql.split(";\n").map(|s| s.trim().trim_end_matches(';')).filter(|s| !s.is_empty()) {
                    if postgres {
                        tx.execute(&statement.replace("BLOB", "BYTEA"), params![]).await?;
                    } else {
                        tx.execute(statement, params![]).await?;
                    }
                }
                tx.execute("INSERT INTO schema_step (area, name) VALUES ($1, $2)", params![area, step.name]).await?;
            }
            Ok(())
        })
        .await
    }
}
