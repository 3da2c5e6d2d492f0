//! The keys of a permit series from their making to their destruction (sections 7 and 8): a KEK in the keystore, and
//! under it `k_in` and `k_out`, which lie wrapped in the database. Destroying the KEK destroys both, also in every copy
//! of the database.

use audit::Actor;
use kernel::{Date, Id};
use protocol::calls::{KeysStatus, KeysStatusAnswer};
use protocol::channel::codes;
use protocol::documents::{GrantUse, KeyEvent, KeyReceipt, Permit};
use protocol::ids::StoredKeyId;
use protocol::permits::CurrentPermit;
use protocol::{Digest, Envelope, Party};
use roaring::RoaringBitmap;
use store::{Row, Tx, params};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::index::ordinal;
use crate::keystore::{KeySpec, KeyState, Keystore as _, KeystoreError, Secret, commitment};
use crate::plan::{self, destruction};
use crate::receipts::{Happening, word};
use crate::service::KeyService;

/// The state of a destruction that has begun: no use any more, not yet finished.
const DESTROYING: &str = "destroying";

/// A series' keys as the database knows them.
#[derive(Clone, Debug)]
pub(crate) struct SeriesKeys {
    pub series: String,
    pub permit_id: String,
    pub kek: StoredKeyId,
    pub epoch: u32,
    pub state: String,
    pub destroy_on: Date,
    pub destroy_early: bool,
}

impl SeriesKeys {
    /// Refuses when the state allows no use.
    pub fn usable(&self) -> Result<(), KeyError> {
        match self.state.as_str() {
            "active" => Ok(()),
            "destroyed" | DESTROYING => Err(KeyError::refused(codes::KEY_DESTROYED)),
            "deactivated" => Err(KeyError::refused(codes::PERMIT_NOT_LIVE)),
            _ => Err(KeyError::refused(codes::KEY_SUSPENDED)),
        }
    }
}

impl KeyService {
    /// The keys of a live permit, made at the first use.
    pub(crate) async fn series_keys(&self, actor: &Actor, current: &CurrentPermit) -> Result<SeriesKeys, KeyError> {
        let permit = &current.permit;
        let known =
            self.zone.store.read("series.keys", async |tx: &mut Tx| find_series(tx, &permit.series).await).await?;
        let keys = match known {
            Some(keys) => keys,
            None => self.make_series(actor, permit).await?,
        };
        keys.usable()?;
        Ok(keys)
    }

    async fn make_series(&self, actor: &Actor, permit: &Permit) -> Result<SeriesKeys, KeyError> {
        let kek = self.keystore.generate(&KeySpec::permit(&permit.series))?;
        let uses = [GrantUse::SourceIn, GrantUse::RoomOut].map(|usage| {
            let mut key: Secret = Zeroizing::new([0; 32]);
            self.zone.random.fill(key.as_mut());
            let key_id: StoredKeyId = self.zone.id();
            (usage, key_id, key)
        });
        let (day, early) = destruction(permit);
        self.zone
            .store
            .tx("series.make", async |tx: &mut Tx| {
                if let Some(keys) = find_series(tx, &permit.series).await? {
                    return Ok(keys);
                }
                tx.execute(
                    "INSERT INTO series_key (series, permit_id, kek, epoch, state, destroy_on, destroy_early, created)
                     VALUES ($1, $2, $3, 1, 'active', $4, $5, $6)",
                    params![&permit.series, &permit.permit_id, kek, day, early, self.zone.now()],
                )
                .await?;
                for (usage, key_id, key) in &uses {
                    let wrapped = self.keystore.wrap(kek, key)?;
                    let commitment = commitment(key);
                    tx.execute(
                        "INSERT INTO permit_key (series, epoch, use_for, key_id, wrapped, commitment)
                         VALUES ($1, 1, $2, $3, $4, $5)",
                        params![&permit.series, word(usage), *key_id, &wrapped[..], commitment.as_str()],
                    )
                    .await?;
                    let mut what = Happening::new(&permit.series, &permit.permit_id, *key_id, KeyEvent::Created, actor);
                    what.usage = Some(*usage);
                    what.commitment = Some(commitment);
                    self.append_receipt(tx, what).await?;
                }
                find_series(tx, &permit.series).await?.ok_or(KeyError::Damaged("the table of keys"))
            })
            .await
    }

    /// One of the keys of a series, unwrapped for the time of one operation.
    pub(crate) async fn permit_key(
        &self,
        keys: &SeriesKeys,
        usage: GrantUse,
    ) -> Result<(StoredKeyId, Secret), KeyError> {
        let row = self
            .zone
            .store
            .read("series.key", async |tx: &mut Tx| {
                tx.query_opt(
                    "SELECT key_id, wrapped FROM permit_key WHERE series = $1 AND epoch = $2 AND use_for = $3",
                    params![&keys.series, keys.epoch, word(&usage)],
                )
                .await
            })
            .await?;
        let row = row.ok_or_else(|| KeyError::refused(codes::KEY_DESTROYED))?;
        let wrapped = row.get::<Option<Vec<u8>>>(1)?.ok_or_else(|| KeyError::refused(codes::KEY_DESTROYED))?;
        let wrapped = <[u8; 40]>::try_from(wrapped).map_err(|_| KeyError::Damaged("a wrapped key"))?;
        match self.keystore.unwrap(keys.kek, &wrapped) {
            Ok(key) => Ok((row.get(0)?, key)),
            Err(KeystoreError::NotFound) => Err(KeyError::refused(codes::KEY_DESTROYED)),
            Err(KeystoreError::NotActive(_)) => Err(KeyError::refused(codes::KEY_SUSPENDED)),
            Err(e) => Err(e.into()),
        }
    }

    /// Suspends or resumes every use of a series' keys.
    pub(crate) async fn set_suspended(&self, actor: &Actor, series: &str, suspend: bool) -> Result<(), KeyError> {
        let (from, to, event) = if suspend {
            ("active", "suspended", KeyEvent::Suspended)
        } else {
            ("suspended", "active", KeyEvent::Resumed)
        };
        self.zone
            .store
            .tx("series.suspend", async |tx: &mut Tx| {
                let keys = find_series(tx, series).await?.ok_or_else(|| KeyError::refused(codes::NOT_FOUND))?;
                if keys.state == to {
                    return Ok(());
                }
                if keys.state != from {
                    return Err(KeyError::refused("wrong_state"));
                }
                tx.execute("UPDATE series_key SET state = $1 WHERE series = $2", params![to, series]).await?;
                let what = Happening::new(series, &keys.permit_id, keys.kek, event, actor);
                self.append_receipt(tx, what).await?;
                Ok(())
            })
            .await
    }

    /// Crypto-shredding (section 8.1): refuse new uses, destroy the KEK, prove that unwrapping fails, write the
    /// receipt. A crash in between is finished by [`KeyService::sweep`].
    pub(crate) async fn shred(&self, actor: &Actor, second: Option<&Actor>, series: &str) -> Result<(), KeyError> {
        let keys = self
            .zone
            .store
            .tx("series.shred", async |tx: &mut Tx| {
                let keys = find_series(tx, series).await?.ok_or_else(|| KeyError::refused(codes::NOT_FOUND))?;
                if keys.state != "destroyed" {
                    tx.execute("UPDATE series_key SET state = $1 WHERE series = $2", params![DESTROYING, series])
                        .await?;
                }
                Ok::<_, KeyError>(keys)
            })
            .await?;
        if keys.state == "destroyed" {
            return Ok(());
        }
        let wrapped = self
            .zone
            .store
            .read("series.wrapped", async |tx: &mut Tx| {
                tx.query("SELECT wrapped FROM permit_key WHERE series = $1 AND wrapped IS NOT NULL", params![series])
                    .await
            })
            .await?;
        let wrapped: Vec<Vec<u8>> = wrapped.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?;
        self.keystore.destroy(keys.kek)?;
        let opens = |w: &Vec<u8>| {
            let wrapped = <[u8; 40]>::try_from(w.as_slice());
            wrapped.is_ok_and(|w| self.keystore.unwrap(keys.kek, &w).is_ok())
        };
        if wrapped.iter().any(opens) {
            return Err(KeyError::Damaged("a destroyed key"));
        }
        self.zone
            .store
            .tx("series.destroyed", async |tx: &mut Tx| {
                let moved = tx
                    .execute(
                        "UPDATE series_key SET state = 'destroyed' WHERE series = $1 AND state = $2",
                        params![series, DESTROYING],
                    )
                    .await?;
                if moved == 0 {
                    return Ok(());
                }
                tx.execute("UPDATE permit_key SET wrapped = NULL WHERE series = $1", params![series]).await?;
                let mut what = Happening::new(series, &keys.permit_id, keys.kek, KeyEvent::Destroyed, actor);
                what.second = second;
                what.unwrap_failed = Some(true);
                // Whether copies of the keystore's folder are gone is for the operator to confirm (KEY-072).
                what.residual = vec!["backups".into()];
                let holders = tx
                    .query(
                        "SELECT holder FROM key_holder WHERE series = $1 AND destroyed_at IS NULL ORDER BY holder",
                        params![series],
                    )
                    .await?;
                for row in holders {
                    what.residual.push(format!("not acknowledged: {}", row.get::<String>(0)?));
                }
                self.append_receipt(tx, what).await?;
                Ok(())
            })
            .await
    }

    /// Destroys what is due: after the last day, or when the last planned delivery was opened; and finishes what a crash
    /// cut off. To be called at start and then every hour.
    ///
    /// # Errors
    /// The first that fails; the others are tried at the next call.
    pub async fn sweep(&self) -> Result<u32, KeyError> {
        let today = self.zone.clock.today();
        let due = self
            .zone
            .store
            .read("series.due", async |tx: &mut Tx| {
                let rows = tx.query(SERIES, params![]).await?;
                let mut due = Vec::new();
                for row in &rows {
                    let keys = series_row(row)?;
                    let late = keys.destroy_on < today;
                    if keys.state == DESTROYING || keys.state != "destroyed" && (late || all_opened(tx, &keys).await?) {
                        due.push(keys.series);
                    }
                }
                Ok::<_, KeyError>(due)
            })
            .await?;
        for series in &due {
            self.shred(&Actor::clock(), None, series).await?;
        }
        Ok(due.len() as u32)
    }

    /// A holder's signed word that a key is installed or destroyed (KEY-043).
    pub(crate) async fn take_receipt(&self, from: &Party, actor: &Actor, envelope: &Envelope) -> Result<(), KeyError> {
        let receipt: KeyReceipt = envelope.open(&self.directory).map_err(protocol::Refusal::from)?;
        let signed_by = |s: &protocol::dsse::Signature| {
            self.directory.party_of(&s.keyid, &[protocol::KeyRole::Intake, protocol::KeyRole::Source]) == Some(from)
        };
        if !envelope.signatures.iter().all(signed_by) || receipt.holder.as_ref() != Some(from) {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        let column = match receipt.event {
            KeyEvent::Installed => "installed_at",
            KeyEvent::Destroyed => "destroyed_at",
            _ => return Err(KeyError::refused(codes::BAD_SCHEMA)),
        };
        let usage = receipt.usage.ok_or_else(|| KeyError::refused(codes::BAD_SCHEMA))?;
        self.zone
            .store
            .tx("series.receipt", async |tx: &mut Tx| {
                let sql = format!(
                    "UPDATE key_holder SET {column} = $1 WHERE series = $2 AND epoch = $3 AND use_for = $4
                       AND holder = $5 AND {column} IS NULL"
                );
                let series = receipt.series.as_str();
                let holder = from.to_string();
                let of = params![series, receipt.epoch, word(&usage), holder.as_str()];
                let known =
                    "SELECT 1 FROM key_holder WHERE series = $1 AND epoch = $2 AND use_for = $3 AND holder = $4";
                if tx.query_opt(known, of).await?.is_none() {
                    return Err(KeyError::refused(codes::NOT_FOUND));
                }
                let values = params![receipt.at, series, receipt.epoch, word(&usage), holder.as_str()];
                if tx.execute(&sql, values).await? == 1 {
                    let mut what = Happening::new(series, &receipt.permit_id, receipt.key_id, receipt.event, actor);
                    what.epoch = receipt.epoch;
                    what.usage = Some(usage);
                    what.holder = Some(from.clone());
                    self.append_receipt(tx, what).await?;
                }
                Ok(())
            })
            .await
    }

    /// KEY-071 as data.
    pub(crate) async fn status_of(&self, question: &KeysStatus) -> Result<KeysStatusAnswer, KeyError> {
        let series = question.series.as_str();
        self.zone
            .store
            .read("series.status", async |tx: &mut Tx| {
                let keys = find_series(tx, series).await?;
                let plan = plan::newest(tx, series).await?;
                if keys.is_none() && plan.is_none() {
                    return Err(KeyError::refused(codes::NOT_FOUND));
                }
                let mut uses = Vec::new();
                for cap in plan.iter().flat_map(|p| &p.plan.caps) {
                    let (persons, deliveries) = self.used(tx, series, &cap.source).await?;
                    uses.push((
                        cap.source.clone(),
                        persons.len(),
                        cap.max_persons,
                        deliveries.len() as u32,
                        cap.max_deliveries,
                    ));
                }
                let open = tx
                    .query(
                        "SELECT DISTINCT holder FROM key_holder WHERE series = $1 AND installed_at IS NULL
                         ORDER BY holder",
                        params![series],
                    )
                    .await?;
                Ok(KeysStatusAnswer {
                    series: series.to_owned(),
                    state: keys.as_ref().map_or_else(|| KeyState::Planned.as_str().to_owned(), |k| k.state.clone()),
                    epoch: keys.as_ref().map_or(1, |k| k.epoch),
                    destroy_at: keys.as_ref().map(|k| k.destroy_on).or(plan.map(|p| p.plan.destroy_at)),
                    uses,
                    unacknowledged: open.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?,
                    receipts: self.receipts(tx, series).await?,
                })
            })
            .await
    }

    /// Persons and deliveries that a source has used under a series.
    pub(crate) async fn used(
        &self,
        tx: &mut Tx,
        series: &str,
        source: &str,
    ) -> Result<(RoaringBitmap, Vec<String>), KeyError> {
        let row = tx
            .query_opt("SELECT persons FROM pseudonym_use WHERE series = $1 AND source = $2", params![series, source])
            .await?;
        let persons = match row {
            Some(row) => self.open_bitmap(&use_place(series, source), &row.get::<Vec<u8>>(0)?)?,
            None => RoaringBitmap::new(),
        };
        // A delivery whose release was declared void never happened.
        let rows = tx
            .query(
                "SELECT delivery_id FROM pseudonym_delivery d WHERE series = $1 AND source = $2 AND NOT EXISTS
                   (SELECT 1 FROM ledger_release r WHERE r.delivery_id = d.delivery_id AND r.state = 'void')",
                params![series, source],
            )
            .await?;
        let deliveries = rows.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?;
        Ok((persons, deliveries))
    }

    pub(crate) fn seal_bitmap(&self, place: &str, set: &RoaringBitmap) -> Result<Vec<u8>, KeyError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(set.serialized_size()));
        set.serialize_into(&mut *bytes).map_err(|_| KeyError::Damaged("a set of persons"))?;
        Ok(self.zone.sealer.seal(place, &bytes)?)
    }

    pub(crate) fn open_bitmap(&self, place: &str, sealed: &[u8]) -> Result<RoaringBitmap, KeyError> {
        let bytes = Zeroizing::new(self.zone.sealer.open(place, sealed)?);
        RoaringBitmap::deserialize_from(bytes.as_slice()).map_err(|_| KeyError::Damaged("a set of persons"))
    }
}

pub(crate) fn use_place(series: &str, source: &str) -> String {
    format!("pseudonym_use/{series}:{source}/persons")
}

const SERIES: &str =
    "SELECT series, permit_id, kek, epoch, state, destroy_on, destroy_early FROM series_key ORDER BY series";

pub(crate) async fn find_series(tx: &mut Tx, series: &str) -> Result<Option<SeriesKeys>, KeyError> {
    let sql =
        "SELECT series, permit_id, kek, epoch, state, destroy_on, destroy_early FROM series_key WHERE series = $1";
    tx.query_opt(sql, params![series]).await?.as_ref().map(series_row).transpose()
}

fn series_row(row: &Row) -> Result<SeriesKeys, KeyError> {
    Ok(SeriesKeys {
        series: row.get(0)?,
        permit_id: row.get(1)?,
        kek: row.get::<Id<_>>(2)?,
        epoch: ordinal(row.get(3)?)?,
        state: row.get(4)?,
        destroy_on: row.get(5)?,
        destroy_early: row.get(6)?,
    })
}

/// Whether the keys go early and every planned delivery of every source was opened.
async fn all_opened(tx: &mut Tx, keys: &SeriesKeys) -> Result<bool, KeyError> {
    if !keys.destroy_early {
        return Ok(false);
    }
    let Some(plan) = plan::newest(tx, &keys.series).await? else { return Ok(false) };
    for cap in &plan.plan.caps {
        let row = tx
            .query_one(
                "SELECT COUNT(*) FROM ledger_release WHERE series = $1 AND source = $2 AND state = 'final'",
                params![&keys.series, &cap.source],
            )
            .await?;
        if row.get::<i64>(0)? < i64::from(cap.max_deliveries) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Digest of a batch, for the audit log.
pub(crate) fn batch_digest(bytes: &[u8]) -> Digest {
    Digest::sha256(bytes)
}
