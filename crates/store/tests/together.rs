//! Many transactions that wait for the writer of an SQLite file and are committed together (ACC-008): what was acknowledged is
//! there, what was refused or went away took nothing of the others with it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::task::Poll;

use futures::future::join_all;
use store::{Store, StoreError, Tx, params};

async fn opened(folder: &std::path::Path) -> Store {
    let store = Store::open_sqlite(&folder.join("t.db")).await.unwrap();
    let create = async |tx: &mut Tx| {
        tx.execute("CREATE TABLE thing (id BIGINT PRIMARY KEY, part BIGINT NOT NULL, bytes BLOB)", params![]).await
    };
    store.tx::<_, StoreError, _>("create", create).await.unwrap();
    store
}

/// Two rows in one transaction; refused between them for every third.
async fn insert(store: &Store, id: i64, bytes: usize) -> Result<(), StoreError> {
    let work = async |tx: &mut Tx| {
        let sql = "INSERT INTO thing (id, part, bytes) VALUES ($1, $2, $3)";
        tx.execute(sql, params![2 * id, 1_i64, vec![7u8; bytes]]).await?;
        if id % 3 == 0 {
            return Err(StoreError::NoRow);
        }
        tx.execute(sql, params![2 * id + 1, 2_i64, vec![7u8; bytes]]).await?;
        Ok(())
    };
    store.tx::<_, StoreError, _>("insert", work).await
}

/// Ids of which both rows are there. Fails when one stands alone.
async fn whole(store: &Store) -> BTreeSet<i64> {
    let read = async |tx: &mut Tx| {
        let rows = tx.query("SELECT id / 2, COUNT(*) FROM thing GROUP BY id / 2", params![]).await?;
        rows.iter().map(|row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))).collect::<Result<Vec<_>, StoreError>>()
    };
    let found = store.read::<_, StoreError, _>("whole", read).await.unwrap();
    assert!(found.iter().all(|(_, n)| *n == 2), "half a transaction: {found:?}");
    found.into_iter().map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acc_008_refusals_undo_themselves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path()).await;
    let results = join_all((0..300).map(|id| {
        let store = store.clone();
        async move { (id, tokio::spawn(async move { insert(&store, id, 10).await }).await.unwrap()) }
    }))
    .await;
    for (id, result) in &results {
        assert_eq!(result.is_ok(), id % 3 != 0, "{id}: {result:?}");
    }
    let acknowledged: BTreeSet<i64> = results.iter().filter(|(_, r)| r.is_ok()).map(|(id, _)| *id).collect();
    assert_eq!(whole(&store).await, acknowledged);
    // A broken constraint is a failed statement of the database, not only of the caller.
    let again = join_all((1..100).map(|id| insert(&store, if id % 2 == 0 { id } else { 1_000 + id }, 10))).await;
    for (id, result) in (1..100).zip(&again) {
        let fails = id % 2 == 0 || (1_000 + id) % 3 == 0;
        assert_eq!(result.is_err(), fails, "{id}: {result:?}");
    }
    whole(&store).await;
}

#[tokio::test]
async fn acc_008_callers_that_go_away_take_nobody_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path()).await;
    for polls in 1..60 {
        let base = polls * 100;
        let goes_away = async {
            let mut work = std::pin::pin!(insert(&store, base + 1, 10));
            let mut count = 0;
            std::future::poll_fn(|cx| {
                count += 1;
                if count > polls { Poll::Ready(()) } else { work.as_mut().poll(cx).map(|_| ()) }
            })
            .await;
        };
        let ids = [base + 2, base + 4, base + 5, base + 7];
        let (results, ()) = futures::join!(join_all(ids.iter().map(|id| insert(&store, *id, 10))), goes_away);
        for (id, result) in ids.iter().zip(results) {
            assert_eq!(result.is_ok(), id % 3 != 0, "{id}: {result:?}");
        }
        let there = whole(&store).await;
        assert!(ids.iter().all(|id| there.contains(id) == (id % 3 != 0)), "{polls}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acc_008_a_full_database_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path()).await;
    let limit = async |tx: &mut Tx| tx.query("PRAGMA max_page_count = 200", params![]).await.map(|_| ());
    store.tx::<_, StoreError, _>("limit", limit).await.unwrap();
    let results = join_all((0..200).map(|id| {
        let store = store.clone();
        async move { (id, tokio::spawn(async move { insert(&store, id, 4_000).await }).await.unwrap()) }
    }))
    .await;
    let acknowledged: BTreeSet<i64> = results.iter().filter(|(_, r)| r.is_ok()).map(|(id, _)| *id).collect();
    let tried = (0..200).filter(|id| id % 3 != 0).count();
    assert!(acknowledged.len() < tried, "the database never was full");
    assert_eq!(whole(&store).await, acknowledged);
    // The limit went with the connection that met it: there is room again.
    insert(&store, 1_001, 4_000).await.unwrap();
    assert!(whole(&store).await.contains(&1_001));
}
