//! A caller that goes away in the middle of a transaction leaves the database usable for others, and nothing half-done.

use std::task::Poll;

use store::{Store, StoreError, Tx, params};

#[tokio::test]
async fn a_transaction_dropped_anywhere_is_whole_or_left_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("t.db")).await.unwrap();
    let create = async |tx: &mut Tx| tx.execute("CREATE TABLE thing (id BIGINT, part BIGINT)", params![]).await;
    store.tx::<_, StoreError, _>("create", create).await.unwrap();
    let (mut ended, mut polls) = (false, 0);
    while !ended {
        polls += 1;
        assert!(polls < 1_000, "the transaction never ends");
        let insert = async |tx: &mut Tx| {
            for part in 0..3_i64 {
                tx.execute("INSERT INTO thing (id, part) VALUES ($1, $2)", params![polls, part]).await?;
                // Others are let through here, as where the work waits for something.
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        let mut work = std::pin::pin!(store.tx::<_, StoreError, _>("insert", insert));
        let mut count = 0;
        ended = std::future::poll_fn(|cx| {
            if count == polls {
                return Poll::Ready(false);
            }
            count += 1;
            work.as_mut().poll(cx).map(|r| r.is_ok())
        })
        .await;
    }
    let rows = async |tx: &mut Tx| {
        let rows = tx.query("SELECT id, COUNT(*) FROM thing GROUP BY id ORDER BY id", params![]).await?;
        rows.iter().map(|row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))).collect::<Result<Vec<_>, StoreError>>()
    };
    let rows = store.read::<_, StoreError, _>("rows", rows).await.unwrap();
    // One that was let through; others whose work was done and whose commit was not waited for may stand before it.
    assert!(rows.iter().all(|(_, parts)| *parts == 3), "half a transaction: {rows:?}");
    assert_eq!(rows.last().unwrap().0, polls, "{rows:?}");
    assert!(!rows.iter().any(|(id, _)| *id == 1), "{rows:?}: one that was hardly begun left something");
}
