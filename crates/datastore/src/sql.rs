//! The tables of the data zone that belong to this area, and their statements.

use std::collections::BTreeMap;

use kernel::Timestamp;
use protocol::calls::IdCheck;
use store::{Migration, StoreError, Tx, params};

use crate::header::DatasetRecord;
use crate::product::Product;
use crate::version::Operation;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_datastore",
    sql: "CREATE TABLE data_store (
            name TEXT PRIMARY KEY, id_check TEXT NOT NULL, synthetic BIGINT NOT NULL, created BIGINT NOT NULL);
          CREATE TABLE data_version (
            store TEXT NOT NULL, seq BIGINT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
            released_at BIGINT NOT NULL, product TEXT, content TEXT NOT NULL,
            PRIMARY KEY (store, seq), UNIQUE (store, version));
          CREATE TABLE data_dataset (
            digest TEXT NOT NULL, store TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
            PRIMARY KEY (store, name, digest));
          CREATE TABLE data_space (name TEXT PRIMARY KEY, size BIGINT NOT NULL);
          CREATE TABLE data_unit (
            space TEXT NOT NULL, id TEXT NOT NULL, ordinal BIGINT NOT NULL, PRIMARY KEY (space, id));
          CREATE TABLE data_job (
            id TEXT PRIMARY KEY, store TEXT NOT NULL, state TEXT NOT NULL, message TEXT,
            started BIGINT NOT NULL, changed BIGINT NOT NULL)",
}];

/// A dataset in a version: its digest and what the release did to it (only when it did something).
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Content {
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}

/// A released version as it stands in the database.
#[derive(Clone, Debug)]
pub(crate) struct VersionRow {
    pub store: String,
    pub seq: i64,
    pub version: String,
    pub digest: String,
    pub released_at: Timestamp,
    pub product: Option<Product>,
    pub content: BTreeMap<String, Content>,
}

/// A store.
#[derive(Clone, Debug)]
pub(crate) struct StoreRow {
    pub name: String,
    pub check: IdCheck,
    pub synthetic: bool,
}

/// Everything that is released.
#[derive(Default)]
pub(crate) struct Everything {
    pub stores: Vec<StoreRow>,
    pub versions: Vec<VersionRow>,
    pub datasets: BTreeMap<(String, String, String), DatasetRecord>,
    pub spaces: BTreeMap<String, u32>,
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Column { column: 0, wanted: "JSON" })
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Column { column: 0, wanted: "JSON" })
}

const fn check_text(check: IdCheck) -> &'static str {
    match check {
        IdCheck::National => "national",
        IdCheck::Opaque => "opaque",
    }
}

/// A number that changes with every release.
pub(crate) async fn releases(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.query_one("SELECT COUNT(*) FROM data_version", params![]).await?.get(0)
}

pub(crate) async fn everything(tx: &mut Tx) -> Result<Everything, StoreError> {
    let mut all = Everything::default();
    for row in tx.query("SELECT name, id_check, synthetic FROM data_store ORDER BY name", params![]).await? {
        let check = if row.get::<String>(1)? == "opaque" { IdCheck::Opaque } else { IdCheck::National };
        all.stores.push(StoreRow { name: row.get(0)?, check, synthetic: row.get(2)? });
    }
    let sql = "SELECT store, seq, version, digest, released_at, product, content FROM data_version ORDER BY store, seq";
    for row in tx.query(sql, params![]).await? {
        all.versions.push(VersionRow {
            store: row.get(0)?,
            seq: row.get(1)?,
            version: row.get(2)?,
            digest: row.get(3)?,
            released_at: row.get(4)?,
            product: row.get::<Option<String>>(5)?.map(|t| parse(&t)).transpose()?,
            content: parse(&row.get::<String>(6)?)?,
        });
    }
    for row in tx.query("SELECT store, name, digest, record FROM data_dataset", params![]).await? {
        all.datasets.insert((row.get(0)?, row.get(1)?, row.get(2)?), parse(&row.get::<String>(3)?)?);
    }
    for row in tx.query("SELECT name, size FROM data_space", params![]).await? {
        all.spaces.insert(row.get(0)?, u32::try_from(row.get::<i64>(1)?).unwrap_or(u32::MAX));
    }
    Ok(all)
}

/// The number of the newest version of a store; none while there is none.
pub(crate) async fn newest(tx: &mut Tx, store: &str) -> Result<Option<i64>, StoreError> {
    let row = tx.query_one("SELECT MAX(seq) FROM data_version WHERE store = $1", params![store]).await?;
    row.get(0)
}

pub(crate) async fn insert_store(tx: &mut Tx, store: &StoreRow, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO data_store (name, id_check, synthetic, created) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO NOTHING",
        params![&store.name, check_text(store.check), store.synthetic, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_version(tx: &mut Tx, version: &VersionRow) -> Result<(), StoreError> {
    let product = version.product.as_ref().map(text).transpose()?;
    let content = text(&version.content)?;
    tx.execute(
        "INSERT INTO data_version (store, seq, version, digest, released_at, product, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![&version.store, version.seq, &version.version, &version.digest, version.released_at, product, content],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_dataset(tx: &mut Tx, store: &str, record: &DatasetRecord) -> Result<(), StoreError> {
    let json = text(record)?;
    tx.execute(
        "INSERT INTO data_dataset (store, name, digest, record) VALUES ($1, $2, $3, $4)
         ON CONFLICT (store, name, digest) DO NOTHING",
        params![store, &record.name, &record.digest, json],
    )
    .await?;
    Ok(())
}

/// A space has at least this many units.
pub(crate) async fn grow_space(tx: &mut Tx, name: &str, size: u32) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO data_space (name, size) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET size = excluded.size WHERE excluded.size > data_space.size",
        params![name, size],
    )
    .await?;
    Ok(())
}

pub(crate) async fn job(
    tx: &mut Tx,
    id: &str,
    store: &str,
    state: &str,
    message: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO data_job (id, store, state, message, started, changed) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, message = excluded.message, changed = excluded.changed",
        params![id, store, state, message, now],
    )
    .await?;
    Ok(())
}

/// Ordinals of ids that are not pseudonymised: this zone gives them itself, from 0 without gaps.
pub(crate) async fn own_units(tx: &mut Tx, space: &str, ids: &[String]) -> Result<Vec<u32>, StoreError> {
    let mut known = BTreeMap::new();
    for row in tx.query("SELECT id, ordinal FROM data_unit WHERE space = $1", params![space]).await? {
        known.insert(row.get::<String>(0)?, row.get::<i64>(1)?);
    }
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let next = known.len() as i64;
        let ordinal = match known.get(id) {
            Some(ordinal) => *ordinal,
            None => {
                tx.execute("INSERT INTO data_unit (space, id, ordinal) VALUES ($1, $2, $3)", params![space, id, next])
                    .await?;
                known.insert(id.clone(), next);
                next
            }
        };
        out.push(u32::try_from(ordinal).unwrap_or(u32::MAX));
    }
    Ok(out)
}
