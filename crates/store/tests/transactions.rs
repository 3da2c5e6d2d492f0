//! The store's behaviour, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::Timestamp;
use store::{Backend, Isolation, Migration, Store, StoreError, Tx, jobs, params};

const STEPS: &[Migration] = &[Migration {
    name: "001",
    sql: "CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT, bytes BLOB);
          CREATE INDEX thing_n ON thing (n)",
}];

async fn suite(store: Store) {
    store.migrate("test", STEPS).await.unwrap();
    store.migrate("test", STEPS).await.unwrap();
    store.migrate("jobs", jobs::MIGRATIONS).await.unwrap();
    let name = String::from("a");
    let touched: Result<u64, StoreError> = store
        .tx("insert", async |tx: &mut Tx| {
            tx.execute(
                "INSERT INTO thing (id, n, bytes) VALUES ($1, $2, $3)",
                params![&name, None::<i64>, vec![1u8, 2]],
            )
            .await
        })
        .await;
    assert_eq!(touched.unwrap(), 1);
    let undone: Result<(), StoreError> = store
        .tx("undone", async |tx: &mut Tx| {
            tx.execute("DELETE FROM thing", params![]).await?;
            Err(StoreError::NoRow)
        })
        .await;
    assert!(matches!(undone, Err(StoreError::NoRow)));
    let row: Result<(Option<i64>, Vec<u8>), StoreError> = store
        .read("get", async |tx: &mut Tx| {
            let row = tx.query_one("SELECT n, bytes FROM thing WHERE id = $1", params![&name]).await?;
            Ok((row.get(0)?, row.get(1)?))
        })
        .await;
    assert_eq!(row.unwrap(), (None, vec![1, 2]));
    let twice: Result<u64, StoreError> = store
        .tx("twice", async |tx: &mut Tx| tx.execute("INSERT INTO thing (id) VALUES ($1)", params!["a"]).await)
        .await;
    assert!(matches!(twice, Err(StoreError::Constraint(_))));
    inserted_later(&store).await;
    counting(&store, Isolation::Serializable, 6).await;
    counting(&store, Isolation::Snapshot, 12).await;
    one_by_one(&store.under_table_lock("thing")).await;
    queue(&store).await;
}

/// Rows inserted later go with the next write, before the next query, with the commit, or not at all.
async fn inserted_later(store: &Store) {
    const INSERT: &str = "INSERT INTO thing (id, n) VALUES ($1, $2)";
    let seen: Result<(u64, i64), StoreError> = store
        .tx("later", async |tx: &mut Tx| {
            tx.execute_later(INSERT, params!["l1", 1_i64]);
            tx.execute_later(INSERT, params!["l2", 2_i64]);
            let touched = tx.execute("UPDATE thing SET n = $2 WHERE id = $1", params!["a", 7_i64]).await?;
            tx.execute_later(INSERT, params!["l3", 3_i64]);
            let sum = tx.query_one("SELECT COUNT(*) FROM thing WHERE id LIKE 'l%'", params![]).await?.get(0)?;
            tx.execute_later(INSERT, params!["l4", 4_i64]);
            tx.execute_later(INSERT, params!["l5", 5_i64]);
            Ok((touched, sum))
        })
        .await;
    assert_eq!(seen.unwrap(), (1, 3), "rows of the statement that was sent with two inserts, rows seen by the query");
    let refused: Result<(), StoreError> = store
        .tx("later", async |tx: &mut Tx| {
            tx.execute_later(INSERT, params!["l6", 6_i64]);
            tx.execute_later(INSERT, params!["l5", 6_i64]);
            Ok(())
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    let undone: Result<(), StoreError> = store
        .tx("later", async |tx: &mut Tx| {
            tx.execute_later(INSERT, params!["l7", 7_i64]);
            Err(StoreError::NoRow)
        })
        .await;
    assert!(undone.is_err());
    let rows: Result<Vec<(String, i64)>, StoreError> = store
        .tx("later", async |tx: &mut Tx| {
            let rows = tx.query("SELECT id, n FROM thing WHERE id LIKE 'l%' ORDER BY id", params![]).await?;
            tx.execute("DELETE FROM thing WHERE id LIKE 'l%'", params![]).await?;
            tx.execute("UPDATE thing SET n = NULL WHERE id = 'a'", params![]).await?;
            rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
        })
        .await;
    let expected: Vec<(String, i64)> = (1..=5).map(|n| (format!("l{n}"), n)).collect();
    assert_eq!(rows.unwrap(), expected);
}

/// Two writers at once never lose a count, whatever keeps them apart.
async fn counting(store: &Store, isolation: Isolation, expected: i64) {
    let one = |_| {
        let store = store.clone();
        tokio::spawn(async move {
            let done: Result<(), StoreError> = store
                .tx_at(isolation, "count", async |tx: &mut Tx| {
                    let sql = format!("SELECT n FROM thing WHERE id = 'a'{}", tx.lock("thing"));
                    let n: Option<i64> = tx.query_one(&sql, params![]).await?.get(0)?;
                    tx.execute("UPDATE thing SET n = $1 WHERE id = 'a'", params![n.unwrap_or(0) + 1]).await?;
                    Ok(())
                })
                .await;
            done.is_ok()
        })
    };
    let mut committed = 0;
    for task in (0..6).map(one).collect::<Vec<_>>() {
        committed += i64::from(task.await.unwrap());
    }
    let n: Result<i64, StoreError> = store
        .read("n", async |tx: &mut Tx| tx.query_one("SELECT n FROM thing WHERE id = 'a'", params![]).await?.get(0))
        .await;
    assert_eq!(n.unwrap(), expected);
    assert_eq!(committed, 6);
}

/// Under a table's lock no transaction meets another, though none of them locks a row and all change the same.
async fn one_by_one(store: &Store) {
    let ran = Arc::new(AtomicUsize::new(0));
    let one = |_| {
        let (store, ran) = (store.clone(), ran.clone());
        tokio::spawn(async move {
            let add = async |tx: &mut Tx| -> Result<(), StoreError> {
                ran.fetch_add(1, Ordering::SeqCst);
                let n: i64 = tx.query_one("SELECT n FROM thing WHERE id = 'a'", params![]).await?.get(0)?;
                tx.execute("UPDATE thing SET n = $1 WHERE id = 'a'", params![n + 1]).await?;
                Ok(())
            };
            for _ in 0..5 {
                store.tx_at(Isolation::Snapshot, "one by one", add).await.unwrap();
            }
        })
    };
    for task in (0..8).map(one).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(ran.load(Ordering::SeqCst), 40);
}

/// Long texts are compressed by the quicker way where the server has it.
#[tokio::test]
async fn long_texts_are_compressed_quickly() {
    testkit::databases(async |store| {
        if store.backend() == Backend::Sqlite {
            return;
        }
        let set: Result<(String, bool), StoreError> = store
            .read("set", async |tx: &mut Tx| {
                let sql =
                    "SELECT setting, 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'";
                let row = tx.query_one(sql, params![]).await?;
                Ok((row.get(0)?, row.get(1)?))
            })
            .await;
        let (setting, has) = set.unwrap();
        assert_eq!(setting, if has { "lz4" } else { "pglz" });
    })
    .await;
}

async fn queue(store: &Store) {
    let at = Timestamp::from_micros;
    let taken: Result<_, StoreError> = store
        .tx("jobs", async |tx: &mut Tx| {
            jobs::push(tx, "j1", "mail", "{}", at(10)).await?;
            jobs::push(tx, "j1", "mail", "{}", at(10)).await?;
            let early = jobs::take(tx, "mail", at(9), at(50)).await?;
            let first = jobs::take(tx, "mail", at(11), at(50)).await?;
            let held = jobs::take(tx, "mail", at(12), at(50)).await?;
            let again = jobs::take(tx, "mail", at(51), at(90)).await?;
            jobs::done(tx, "j1").await?;
            let gone = jobs::take(tx, "mail", at(100), at(150)).await?;
            Ok((early, first, held, again, gone))
        })
        .await;
    let (early, first, held, again, gone) = taken.unwrap();
    assert_eq!((early, held, gone), (None, None, None));
    assert_eq!(first.unwrap().attempts, 1);
    assert_eq!(again.unwrap().attempts, 2);
}

#[tokio::test]
async fn a_store_keeps_what_it_acknowledged() {
    testkit::databases(suite).await;
}

/// An error type that has lost that the database was busy, as `Problem` does.
#[derive(Debug)]
struct Vague;
impl From<StoreError> for Vague {
    fn from(_: StoreError) -> Self {
        Vague
    }
}
impl store::MaybeBusy for Vague {}

/// Two transactions that each read what the other writes: one of them runs again, whatever its error type says.
#[tokio::test]
async fn a_conflict_is_tried_again_whatever_the_error_type() {
    testkit::databases(async |store| {
        store.migrate("test", STEPS).await.unwrap();
        let fill: Result<(), StoreError> = store
            .tx("fill", async |tx: &mut Tx| {
                for id in ["a", "b"] {
                    tx.execute("INSERT INTO thing (id, n) VALUES ($1, 0)", params![id]).await?;
                }
                Ok(())
            })
            .await;
        fill.unwrap();
        let add = |read: &'static str, write: &'static str| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = async |tx: &mut Tx| -> Result<(), Vague> {
                    let row = tx.query_one("SELECT n FROM thing WHERE id = $1", params![read]).await?;
                    tx.execute(
                        "UPDATE thing SET n = n + $1 WHERE id = $2",
                        params![i64::from(row.get::<i64>(0)? >= 0), write],
                    )
                    .await?;
                    Ok(())
                };
                for _ in 0..20 {
                    store.tx("add", work).await.unwrap();
                }
            })
        };
        let (one, two) = (add("a", "b"), add("b", "a"));
        one.await.unwrap();
        two.await.unwrap();
        let sum: Result<i64, StoreError> = store
            .read("sum", async |tx: &mut Tx| {
                tx.query_one("SELECT CAST(SUM(n) AS BIGINT) FROM thing", params![]).await?.get(0)
            })
            .await;
        assert_eq!(sum.unwrap(), 40);
    })
    .await;
}

/// A statement that failed ends its transaction on both databases; swallowing the error commits nothing.
#[tokio::test]
async fn a_swallowed_failure_does_not_commit() {
    testkit::databases(async |store| {
        store.migrate("test", STEPS).await.unwrap();
        let swallowed: Result<(), StoreError> = store
            .tx("swallow", async |tx: &mut Tx| {
                tx.execute("INSERT INTO thing (id) VALUES ('a')", params![]).await?;
                let twice = tx.execute("INSERT INTO thing (id) VALUES ('a')", params![]).await;
                assert!(matches!(twice, Err(StoreError::Constraint(_))));
                assert!(tx.query("SELECT id FROM thing", params![]).await.is_err());
                Ok(())
            })
            .await;
        assert!(swallowed.is_err());
        let count: Result<i64, StoreError> = store
            .read("count", async |tx: &mut Tx| tx.query_one("SELECT COUNT(*) FROM thing", params![]).await?.get(0))
            .await;
        assert_eq!(count.unwrap(), 0);
    })
    .await;
}

/// Whole numbers, truth values, texts and bytes come out the same from both databases.
#[tokio::test]
async fn values_read_the_same_from_both() {
    testkit::databases(async |store| {
        store.migrate("test", STEPS).await.unwrap();
        let read: Result<_, StoreError> = store
            .read("values", async |tx: &mut Tx| {
                let row = tx
                    .query_one(
                        "SELECT 1, $1 = $2, CAST(NULL AS BIGINT), $3, 0.5, CAST(7 AS BIGINT)",
                        params!["x", "x", vec![0u8, 255]],
                    )
                    .await?;
                Ok((row.get::<i64>(0)?, row.get::<bool>(1)?, row.get::<Option<i64>>(2)?, row.get::<Vec<u8>>(3)?))
            })
            .await;
        assert_eq!(read.unwrap(), (1, true, None, vec![0, 255]));
        let refused: Result<u64, StoreError> =
            store.read("no write", async |tx: &mut Tx| tx.execute("DELETE FROM thing", params![]).await).await;
        assert!(refused.is_err(), "a reading transaction must not write");
    })
    .await;
}

/// What a service does: parameters and locals are borrowed by the work, and the whole runs as a task of its own.
async fn borrowing(store: &Store, text: &str) -> Result<String, StoreError> {
    let own = format!("{text}!");
    store.tx("send", async |tx: &mut Tx| tx.query_one("SELECT $1", params![&own]).await?.get(0)).await
}

#[tokio::test]
async fn a_transaction_can_run_on_any_thread() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("a.db")).await.unwrap();
    let task = tokio::spawn(async move { borrowing(&store, "borrowed").await });
    assert_eq!(task.await.unwrap().unwrap(), "borrowed!");
}
