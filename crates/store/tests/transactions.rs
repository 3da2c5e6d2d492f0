//! The store's behaviour, on every database that the test machine has.

use kernel::Timestamp;
use store::{Migration, Store, StoreError, Tx, jobs, params};

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
    counting(&store).await;
    queue(&store).await;
}

/// Two writers at once never lose a count.
async fn counting(store: &Store) {
    let one = |_| {
        let store = store.clone();
        tokio::spawn(async move {
            let done: Result<(), StoreError> = store
                .tx("count", async |tx: &mut Tx| {
                    let n: Option<i64> = tx.query_one("SELECT n FROM thing WHERE id = 'a'", params![]).await?.get(0)?;
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
    assert_eq!(n.unwrap(), committed);
    assert!(committed >= 1);
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
async fn sqlite_keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    suite(Store::open_sqlite(&dir.path().join("a.db")).await.unwrap()).await;
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
