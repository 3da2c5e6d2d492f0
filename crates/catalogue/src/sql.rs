//! Tables of the catalogue: what the data zone last said, and carts.

use kernel::Timestamp;
use protocol::calls::StoreMetadata;
use store::{Migration, Row, StoreError, Tx, params};

use crate::cart::CartItem;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_catalogue",
    sql: "CREATE TABLE catalogue_store (store TEXT PRIMARY KEY, etag TEXT NOT NULL, metadata TEXT NOT NULL, at BIGINT NOT NULL);
          CREATE TABLE cart_item (
            cart TEXT NOT NULL, variable TEXT NOT NULL, granularity TEXT NOT NULL, necessity TEXT NOT NULL,
            added BIGINT NOT NULL, PRIMARY KEY (cart, variable));
          CREATE INDEX cart_item_added ON cart_item (added)",
}];

pub(crate) async fn stores(tx: &mut Tx) -> Result<(Option<String>, Vec<StoreMetadata>), StoreError> {
    let rows = tx.query("SELECT etag, metadata FROM catalogue_store ORDER BY store", params![]).await?;
    let mut etag = None;
    let mut stores = Vec::with_capacity(rows.len());
    for row in rows {
        etag = Some(row.get::<String>(0)?);
        let text: String = row.get(1)?;
        stores.push(serde_json::from_str(&text).map_err(|e| StoreError::Other(e.to_string()))?);
    }
    Ok((etag, stores))
}

pub(crate) async fn set_stores(
    tx: &mut Tx,
    etag: &str,
    stores: &[StoreMetadata],
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM catalogue_store", params![]).await?;
    for store in stores {
        let text = serde_json::to_string(store).map_err(|e| StoreError::Other(e.to_string()))?;
        tx.execute(
            "INSERT INTO catalogue_store (store, etag, metadata, at) VALUES ($1, $2, $3, $4)",
            params![&store.store, etag, text, at],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn add(tx: &mut Tx, cart: &str, item: &CartItem, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO cart_item (cart, variable, granularity, necessity, added) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (cart, variable) DO UPDATE SET granularity = excluded.granularity, necessity = excluded.necessity",
        params![cart, &item.variable, &item.granularity, &item.necessity, at],
    )
    .await?;
    Ok(())
}

pub(crate) async fn remove(tx: &mut Tx, cart: &str, variable: &str) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM cart_item WHERE cart = $1 AND variable = $2", params![cart, variable]).await
}

pub(crate) async fn empty(tx: &mut Tx, cart: &str) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM cart_item WHERE cart = $1", params![cart]).await
}

/// Carts that nobody has added to since `before` (CAT-044).
pub(crate) async fn forget_old(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM cart_item WHERE cart IN (SELECT cart FROM cart_item GROUP BY cart HAVING MAX(added) < $1)",
        params![before],
    )
    .await
}

pub(crate) async fn items(tx: &mut Tx, cart: &str) -> Result<Vec<CartItem>, StoreError> {
    let sql = "SELECT variable, granularity, necessity FROM cart_item WHERE cart = $1 ORDER BY added, variable";
    let item = |r: Row| Ok(CartItem { variable: r.get(0)?, granularity: r.get(1)?, necessity: r.get(2)? });
    tx.query(sql, params![cart]).await?.into_iter().map(item).collect()
}
