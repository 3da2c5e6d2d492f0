//! What becomes of the gate ledger when the keys of the gate are rotated (SDC-030). Sets have other fingerprints and other noise
//! under new keys, so nothing of the old ledger may answer for them: it is put aside, as it is sealed, and a new one begins.
//! Keys of an earlier epoch than that of the ledger are refused, for they would answer beside what was released since.

use kernel::Timestamp;
use store::{Migration, Store, StoreError, Tx, params};

/// The tables of epochs, in the database of the data zone.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "001_gate_epoch",
        sql: "CREATE TABLE gate_epoch (epoch BIGINT PRIMARY KEY, began BIGINT NOT NULL)",
    },
    Migration {
        name: "002_gate_ledger_before",
        sql: "CREATE TABLE gate_ledger_before (epoch BIGINT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, \
              sealed BLOB NOT NULL, PRIMARY KEY (epoch, seq))",
    },
];

/// Why no ledger can be opened for an epoch.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The keys are older than the ledger.
    #[error("the keys of the gate are those of epoch {keys}, the ledger is that of epoch {ledger}")]
    Older {
        /// Epoch of the keys.
        keys: u32,
        /// Epoch of the ledger.
        ledger: i64,
    },
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the ledger that of the epoch of the keys: a ledger of an earlier one is put aside in one transaction, with the members
/// that it wrote behind left to their owner to remove. Says whether a new ledger began.
///
/// # Errors
/// [`EpochError`].
pub async fn begin_epoch(store: &Store, epoch: u32, now: Timestamp) -> Result<bool, EpochError> {
    store.migrate("gate_ledger", super::MIGRATIONS).await?;
    store.migrate("gate_epoch", MIGRATIONS).await?;
    // Whether a new ledger began, or the epoch of the ledger that is newer than the keys.
    let begin = async |tx: &mut Tx| -> Result<Result<bool, i64>, StoreError> {
        let row = tx.query_opt("SELECT MAX(epoch) FROM gate_epoch", params![]).await?;
        let known: Option<i64> = row.map(|row| row.get(0)).transpose()?.flatten();
        // Before there were epochs there was the first.
        let (ledger, wanted) = (known.unwrap_or(1), i64::from(epoch));
        if ledger > wanted {
            return Ok(Err(ledger));
        }
        if ledger < wanted {
            let aside = "INSERT INTO gate_ledger_before (epoch, seq, at, sealed) \
                         SELECT $1, seq, at, sealed FROM gate_ledger";
            tx.execute(aside, params![ledger]).await?;
            tx.execute("DELETE FROM gate_ledger", params![]).await?;
            tx.execute("DELETE FROM gate_ledger_segment", params![]).await?;
        }
        if known != Some(wanted) {
            let began = now.micros();
            tx.execute("INSERT INTO gate_epoch (epoch, began) VALUES ($1, $2)", params![wanted, began]).await?;
        }
        Ok(Ok(ledger < wanted))
    };
    let begun = store.tx("gate_epoch.begin", begin).await?;
    begun.map_err(|ledger| EpochError::Older { keys: epoch, ledger })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rows(store: &Store, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let count =
            async |tx: &mut Tx| -> Result<i64, StoreError> { tx.query_opt(&sql, params![]).await?.unwrap().get(0) };
        store.read("test.count", count).await.unwrap()
    }

    /// SDC-030: new keys come with a new ledger, the old one is kept aside, and keys that are older than the ledger are refused.
    #[tokio::test]
    async fn sdc_030_a_ledger_is_that_of_its_keys() {
        let zone = testkit::zone("data").await;
        let (store, now) = (&zone.store, Timestamp::from_micros(1_795_252_500_000_000));
        assert!(!begin_epoch(store, 1, now).await.unwrap(), "the first ledger is no new one");
        let write = async |tx: &mut Tx| -> Result<(), StoreError> {
            for table in ["gate_ledger (seq, at", "gate_ledger_segment (first, last"] {
                tx.execute(&format!("INSERT INTO {table}, sealed) VALUES (1, 2, $1)"), params![b"x".as_slice()])
                    .await?;
            }
            Ok(())
        };
        store.tx("test.write", write).await.unwrap();
        assert!(!begin_epoch(store, 1, now).await.unwrap());
        assert_eq!((rows(store, "gate_ledger").await, rows(store, "gate_ledger_before").await), (1, 0));
        assert!(begin_epoch(store, 3, now).await.unwrap());
        assert_eq!((rows(store, "gate_ledger").await, rows(store, "gate_ledger_segment").await), (0, 0));
        assert_eq!(rows(store, "gate_ledger_before").await, 1);
        assert!(!begin_epoch(store, 3, now).await.unwrap(), "once");
        let older = begin_epoch(store, 2, now).await;
        assert!(matches!(older, Err(EpochError::Older { keys: 2, ledger: 3 })), "{older:?}");
    }
}
