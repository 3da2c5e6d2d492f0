//! Saved views of the inbox.

use store::{Row, Tx, params};

use super::{parse, text};
use crate::AccessError;
use crate::views::SavedView;

/// The views of an account, by name; with `shared` those of others too that are shared.
pub(crate) async fn saved_views(tx: &mut Tx, account: &str, shared: bool) -> Result<Vec<SavedView>, AccessError> {
    let rows = tx
        .query(
            "SELECT id, name, filter, shared, owner FROM access_saved_view WHERE owner = $1 OR shared = $2 ORDER BY name, id",
            params![account, if shared { 1_i64 } else { 2_i64 }],
        )
        .await?;
    let view = |row: &Row| -> Result<SavedView, AccessError> {
        Ok(SavedView {
            id: row.get(0)?,
            name: row.get(1)?,
            filter: parse(&row.get::<String>(2)?)?,
            shared: row.get::<i64>(3)? == 1,
            own: row.get::<String>(4)? == account,
        })
    };
    rows.iter().map(view).collect()
}

/// Writes a view.
pub(crate) async fn put_saved_view(tx: &mut Tx, account: &str, view: &SavedView) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_saved_view (id, owner, name, filter, shared) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET name = $3, filter = $4, shared = $5",
        params![&view.id, account, &view.name, text(&view.filter)?, i64::from(view.shared)],
    )
    .await?;
    Ok(())
}

/// Deletes an own view; tells whether there was one.
pub(crate) async fn delete_saved_view(tx: &mut Tx, account: &str, id: &str) -> Result<bool, AccessError> {
    let sql = "DELETE FROM access_saved_view WHERE id = $1 AND owner = $2";
    Ok(tx.execute(sql, params![id, account]).await? > 0)
}
