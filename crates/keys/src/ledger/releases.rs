//! Releases from the seal to the citizen's page (KEY-100 to KEY-102): `provisional` when the source has sealed its list
//! of persons here, `final` when the room has told which of them it kept, `void` when it never opened.
//!
//! The list of persons lies sealed in the database only until the room has opened; then the sealed file of members is
//! written and the list is gone. What was kept is written down before the file is, so that the file's key never seals
//! two contents, whatever crashes in between.

use std::path::PathBuf;

use audit::tree::{leaf_hash, root_of};
use audit::{Actor, Counts, Entry, Object, Purpose};
use bytes::Bytes;
use kernel::canonical_json;
use protocol::calls::{
    Frame, KeyReceiptNotice, LedgerKept, LedgerMe, LedgerMeAnswer, LedgerRelease, LedgerReleaseAnswer, LedgerRoots,
    LedgerRootsAnswer, LedgerVoid, OwnRelease, PseudonymsSource,
};
use protocol::channel::codes;
use protocol::documents::{PlanOptOut, Receipt, ReceiptKind, ReleaseRecord};
use protocol::ids::ReleaseId;
use protocol::permits::CurrentPermit;
use protocol::{Digest, Envelope, KeyRole, Party, Refusal};
use roaring::RoaringBitmap;
use store::{Row, Tx, params};
use zeroize::Zeroizing;

use super::{MemberFile, count_band, seal_members};
use crate::actions;
use crate::error::KeyError;
use crate::keystore::{KeyClass, KeySpec, Keystore as _, Secret, write_file};
use crate::receipts::{envelope_of, text_of};
use crate::service::KeyService;
use crate::subject::{open_subject, subject_tag};

/// The ledger's key epoch.
const EPOCH: u32 = 1;
/// After so many days a release that is still provisional is an alarm (KEY-100).
const OVERDUE_SECONDS: i64 = 7 * 86_400;

/// A release as the database knows it.
struct Stored {
    release_id: ReleaseId,
    series: String,
    state: String,
    room: String,
    record: String,
    request_digest: String,
    persons: Option<Vec<u8>>,
    kept: Option<Vec<u8>>,
    kept_digest: Option<String>,
    receipt: String,
    kept_receipt: Option<String>,
}

const STORED: &str = "SELECT release_id, series, state, room, record, request_digest, persons, kept, kept_digest,
    receipt, kept_receipt FROM ledger_release";

impl Stored {
    fn of(row: &Row) -> Result<Self, KeyError> {
        Ok(Self {
            release_id: row.get(0)?,
            series: row.get(1)?,
            state: row.get(2)?,
            room: row.get(3)?,
            record: row.get(4)?,
            request_digest: row.get(5)?,
            persons: row.get(6)?,
            kept: row.get(7)?,
            kept_digest: row.get(8)?,
            receipt: row.get(9)?,
            kept_receipt: row.get(10)?,
        })
    }

    fn record(&self) -> Result<ReleaseRecord, KeyError> {
        serde_json::from_str(&self.record).map_err(|_| KeyError::Damaged("a release record"))
    }
}

impl KeyService {
    /// Seals a release: without this receipt no room opens the package.
    pub(crate) async fn ledger_release(
        &self,
        from: &Party,
        actor: &Actor,
        frame: Frame<LedgerRelease>,
    ) -> Result<LedgerReleaseAnswer, KeyError> {
        let header = &frame.header;
        let current = self.permits.live_version(&header.permit).await?;
        let permit = &current.permit;
        if !from.speaks_for(&header.source) || permit.granted(&header.source).next().is_none() {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        let list = self.open_list(&frame).await?;
        let persons: RoaringBitmap = list.iter().copied().filter(|o| *o != PseudonymsSource::PADDING).collect();
        let plan = self.plan_for(actor, &current).await?.plan;
        let exemption = match &plan.optout {
            PlanOptOut::Exclude => None,
            PlanOptOut::Exempt { reference } => Some(reference.clone()),
        };
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(list.iter().flat_map(|o| o.to_le_bytes()).collect());
        // The container differs every time it is sealed, so a repeat is recognised by header and list.
        let request = [&canonical_json(header).map_err(|_| KeyError::refused(codes::BAD_SCHEMA))?, &bytes[..]].concat();
        let request_digest = Digest::sha256(&request);
        self.zone
            .store
            .tx("ledger.release", async |tx: &mut Tx| {
                let sql = format!("{STORED} WHERE delivery_id = $1");
                if let Some(row) = tx.query_opt(&sql, params![header.delivery_id]).await? {
                    let stored = Stored::of(&row)?;
                    if stored.request_digest != request_digest.as_str() || stored.state == "void" {
                        return Err(KeyError::refused(codes::REPLAY));
                    }
                    return stored_answer(&stored);
                }
                if !self.keeps_to_choices(tx, &permit.series, &header.source, &persons).await? {
                    return Err(KeyError::refused("choices_not_applied"));
                }
                let release_id: ReleaseId = self.zone.id();
                let row = tx
                    .query_one(
                        "INSERT INTO ledger_source (source, seq) VALUES ($1, 1)
                         ON CONFLICT (source) DO UPDATE SET seq = ledger_source.seq + 1 RETURNING seq",
                        params![&header.source],
                    )
                    .await?;
                let seq = u64::try_from(row.get::<i64>(0)?).map_err(|_| KeyError::Damaged("the ledger"))?;
                let record = self.record(header, &current, release_id, seq, &plan.protocol);
                let canonical = canonical_json(&record).map_err(|_| KeyError::Damaged("a release record"))?;
                let digest = Digest::sha256(&canonical);
                let receipt = self.ledger_receipt(header, &current, &record, &digest)?;
                let sealed = self.zone.sealer.seal(&persons_place(release_id), &bytes)?;
                tx.execute(
                    "INSERT INTO ledger_release (release_id, delivery_id, series, source, seq, state, room, record,
                       request_digest, exemption, persons, receipt, sealed_at)
                     VALUES ($1, $2, $3, $4, $5, 'provisional', $6, $7, $8, $9, $10, $11, $12)",
                    params![
                        release_id,
                        header.delivery_id,
                        &permit.series,
                        &header.source,
                        seq as i64,
                        &permit.room.id,
                        String::from_utf8_lossy(&canonical).into_owned(),
                        request_digest.as_str(),
                        exemption.clone(),
                        sealed,
                        text_of(&receipt),
                        record.delivered_at
                    ],
                )
                .await?;
                let entry = Entry::new(&actions::SEAL, actor.clone(), Object::new("release", release_id))
                    .also(Object::new("delivery", header.delivery_id))
                    .permit(&permit.permit_id, &permit.series)
                    .purpose(Purpose::Delivery)
                    .counts(Counts { persons_band: Some(count_band(persons.len()).into()), ..Counts::default() })
                    .detail("seq", seq)
                    .detail("record", digest.as_str())
                    .detail("source", header.source.as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(LedgerReleaseAnswer { release_id, receipt, record })
            })
            .await
    }

    /// The list of persons in a container, after every count in the header was found right (CIT-040).
    async fn open_list(&self, frame: &Frame<LedgerRelease>) -> Result<Zeroizing<Vec<u32>>, KeyError> {
        let mismatch = || KeyError::refused(codes::MANIFEST_MISMATCH);
        let plain = self.seal.open(&frame.bytes).map_err(|_| KeyError::refused(codes::BAD_ENCODING))?;
        let (words, rest) = plain.as_chunks::<4>();
        if !rest.is_empty() || words.len() as u64 != frame.header.person_count_padded {
            return Err(mismatch());
        }
        let list: Zeroizing<Vec<u32>> = Zeroizing::new(words.iter().map(|w| u32::from_le_bytes(*w)).collect());
        let total = self.index.persons().await?;
        let mut seen = RoaringBitmap::new();
        for ordinal in list.iter().copied().filter(|o| *o != PseudonymsSource::PADDING) {
            if ordinal >= total || !seen.insert(ordinal) {
                return Err(mismatch());
            }
        }
        if seen.len() == frame.header.persons { Ok(list) } else { Err(mismatch()) }
    }

    fn record(
        &self,
        header: &LedgerRelease,
        current: &CurrentPermit,
        release_id: ReleaseId,
        seq: u64,
        protocol: &str,
    ) -> ReleaseRecord {
        let permit = &current.permit;
        ReleaseRecord {
            release_id,
            seq,
            series: permit.series.clone(),
            permit_id: permit.permit_id.clone(),
            title: current.title.clone(),
            purpose: permit.purpose.text.clone(),
            source: header.source.clone(),
            tables: header.tables.clone(),
            variable_groups: header.variable_groups.clone(),
            period: header.period,
            room: permit.room.id.parse().unwrap_or(Party::Room("unknown".into())),
            controller: permit.controller.orgnr.clone(),
            legal_basis: permit.profile.clone(),
            delivered_at: self.zone.now(),
            count_band: count_band(header.persons).into(),
            protocol: protocol.to_owned(),
            valid_to: permit.valid_to,
            delete_by: permit.delete_by,
            delivery_id: header.delivery_id,
            corrects: header.corrects,
        }
    }

    fn ledger_receipt(
        &self,
        header: &LedgerRelease,
        current: &CurrentPermit,
        record: &ReleaseRecord,
        digest: &Digest,
    ) -> Result<Envelope, KeyError> {
        let receipt = Receipt {
            message_id: self.zone.id(),
            kind: ReceiptKind::Ledger,
            delivery_id: header.delivery_id,
            series: current.permit.series.clone(),
            permit_id: current.permit.permit_id.clone(),
            source: header.source.clone(),
            by: Party::Keys,
            at: record.delivered_at,
            code: None,
            release_id: Some(record.release_id),
            seq: Some(record.seq),
            person_root: Some(header.person_root.clone()),
            record: Some(digest.clone()),
            persons: None,
            detail: None,
            previous_receipt: None,
        };
        Ok(Envelope::of(&receipt, &*self.ledger_signer)?)
    }

    /// The room tells which persons it kept; the release becomes final.
    pub(crate) async fn ledger_kept(
        &self,
        from: &Party,
        actor: &Actor,
        frame: Frame<LedgerKept>,
    ) -> Result<KeyReceiptNotice, KeyError> {
        let header = &frame.header;
        self.check_opened(from, header)?;
        let bits = self.seal.open(&frame.bytes).map_err(|_| KeyError::refused(codes::BAD_ENCODING))?;
        let digest = Digest::sha256(&bits);
        let stored = self
            .zone
            .store
            .tx("ledger.kept", async |tx: &mut Tx| {
                let sql = format!("{STORED} WHERE release_id = $1 AND delivery_id = $2");
                let row = tx.query_opt(&sql, params![header.release_id, header.delivery_id]).await?;
                let stored = Stored::of(&row.ok_or_else(|| KeyError::refused(codes::NOT_FOUND))?)?;
                if stored.room != from.to_string() {
                    return Err(KeyError::refused(codes::WRONG_PARTY));
                }
                match (&stored.kept_digest, stored.state.as_str()) {
                    (_, "void") => return Err(KeyError::refused("wrong_state")),
                    // Once something was kept, it is that and nothing else.
                    (Some(known), _) if known != digest.as_str() => return Err(KeyError::refused(codes::REPLAY)),
                    (Some(_), _) => return Ok(stored),
                    (None, _) => {}
                }
                let members = self.members(&stored, &bits)?;
                if members.len() as u64 != header.kept {
                    return Err(KeyError::refused(codes::MANIFEST_MISMATCH));
                }
                let place = kept_place(header.release_id);
                let kept = self.seal_bitmap(&place, &members.iter().copied().collect())?;
                tx.execute(
                    "UPDATE ledger_release SET kept = $1, kept_digest = $2 WHERE release_id = $3",
                    params![kept.clone(), digest.as_str(), header.release_id],
                )
                .await?;
                Ok(Stored { kept: Some(kept), ..stored })
            })
            .await?;
        if let Some(text) = &stored.kept_receipt {
            return Ok(KeyReceiptNotice { receipt: envelope_of(text)? });
        }
        self.write_members(&stored).await?;
        let receipt = self.finalise(actor, header, &stored).await?;
        Ok(KeyReceiptNotice { receipt })
    }

    /// The receipt `opened`: by this room, of this delivery.
    fn check_opened(&self, from: &Party, header: &LedgerKept) -> Result<(), KeyError> {
        let opened: Receipt = header.opened.open(&self.directory).map_err(Refusal::from)?;
        let theirs = header
            .opened
            .signatures
            .iter()
            .all(|s| self.directory.party_of(&s.keyid, &[KeyRole::Intake]) == Some(from));
        if !theirs || opened.by != *from {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        if opened.kind != ReceiptKind::Opened || opened.delivery_id != header.delivery_id {
            return Err(KeyError::refused(codes::MANIFEST_MISMATCH));
        }
        Ok(())
    }

    /// Ordinals of the kept rows of the person table, sorted. A kept row of padding means that something is wrong.
    fn members(&self, stored: &Stored, bits: &[u8]) -> Result<Vec<u32>, KeyError> {
        let mismatch = || KeyError::refused(codes::MANIFEST_MISMATCH);
        let sealed = stored.persons.as_ref().ok_or(KeyError::Damaged("a release"))?;
        let list = Zeroizing::new(self.zone.sealer.open(&persons_place(stored.release_id), sealed)?);
        let (words, _) = list.as_chunks::<4>();
        if bits.len() != words.len().div_ceil(8) {
            return Err(mismatch());
        }
        let mut members = Vec::new();
        for pidx in (0..bits.len() * 8).filter(|i| bits[i / 8] >> (i % 8) & 1 == 1) {
            match words.get(pidx).map(|w| u32::from_le_bytes(*w)) {
                Some(ordinal) if ordinal != PseudonymsSource::PADDING => members.push(ordinal),
                _ => return Err(mismatch()),
            }
        }
        members.sort_unstable();
        Ok(members)
    }

    async fn write_members(&self, stored: &Stored) -> Result<(), KeyError> {
        let kept = stored.kept.as_ref().ok_or(KeyError::Damaged("a release"))?;
        let members: Vec<u32> = self.open_bitmap(&kept_place(stored.release_id), kept)?.into_iter().collect();
        let path = self.member_path(stored.release_id);
        if path.exists() {
            return Ok(());
        }
        let total = self.index.persons().await?;
        let key = self.ledger_key()?;
        let file = seal_members(&key, EPOCH, stored.release_id, stored.record.as_bytes(), &members, total);
        write_file(&path, &file.map_err(|_| KeyError::Damaged("a set of persons"))?)?;
        Ok(())
    }

    async fn finalise(&self, actor: &Actor, header: &LedgerKept, stored: &Stored) -> Result<Envelope, KeyError> {
        let record = stored.record()?;
        self.zone
            .store
            .tx("ledger.final", async |tx: &mut Tx| {
                let sql = format!("{STORED} WHERE release_id = $1");
                let now = Stored::of(&tx.query_one(&sql, params![stored.release_id]).await?)?;
                if let Some(text) = &now.kept_receipt {
                    return envelope_of(text);
                }
                let receipt = Receipt {
                    message_id: self.zone.id(),
                    kind: ReceiptKind::Kept,
                    delivery_id: header.delivery_id,
                    series: stored.series.clone(),
                    permit_id: record.permit_id.clone(),
                    source: record.source.clone(),
                    by: Party::Keys,
                    at: self.zone.now(),
                    code: None,
                    release_id: Some(stored.release_id),
                    seq: Some(record.seq),
                    person_root: None,
                    record: Some(Digest::sha256(stored.record.as_bytes())),
                    persons: Some(header.kept),
                    detail: None,
                    previous_receipt: Some(Digest::sha256(&envelope_of(&stored.receipt)?.payload.0)),
                };
                let envelope = Envelope::of(&receipt, &*self.ledger_signer)?;
                tx.execute(
                    "UPDATE ledger_release SET state = 'final', persons = NULL, kept = NULL, kept_receipt = $1,
                       final_at = $2 WHERE release_id = $3",
                    params![text_of(&envelope), receipt.at, stored.release_id],
                )
                .await?;
                let entry = Entry::new(&actions::KEPT, actor.clone(), Object::new("release", stored.release_id))
                    .also(Object::new("delivery", header.delivery_id))
                    .permit(&record.permit_id, &stored.series)
                    .purpose(Purpose::Delivery)
                    .counts(Counts { persons_band: Some(count_band(header.kept).into()), ..Counts::default() })
                    .detail("receipt", Digest::sha256(&envelope.payload.0).as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(envelope)
            })
            .await
    }

    /// A release that was never opened, or recalled before it was. Its number stays taken: the stream has no gaps.
    pub(crate) async fn ledger_void(&self, from: &Party, actor: &Actor, question: &LedgerVoid) -> Result<(), KeyError> {
        self.zone
            .store
            .tx("ledger.void", async |tx: &mut Tx| {
                let row = tx
                    .query_opt(
                        "SELECT release_id, source, state, kept_digest FROM ledger_release WHERE delivery_id = $1",
                        params![question.delivery_id],
                    )
                    .await?
                    .ok_or_else(|| KeyError::refused(codes::NOT_FOUND))?;
                if *from != Party::Centre && !from.speaks_for(&row.get::<String>(1)?) {
                    return Err(KeyError::refused(codes::WRONG_PARTY));
                }
                let (state, kept) = (row.get::<String>(2)?, row.get::<Option<String>>(3)?);
                match state.as_str() {
                    "void" => return Ok(()),
                    "provisional" if kept.is_none() => {}
                    _ => return Err(KeyError::refused("wrong_state")),
                }
                let release: ReleaseId = row.get(0)?;
                tx.execute(
                    "UPDATE ledger_release SET state = 'void', persons = NULL WHERE release_id = $1",
                    params![release],
                )
                .await?;
                let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let reason: String = question.reason.chars().filter(allowed).take(100).collect();
                let entry = Entry::new(&actions::VOID, actor.clone(), Object::new("release", release))
                    .also(Object::new("delivery", question.delivery_id))
                    .purpose(Purpose::Delivery)
                    .detail("reason", if reason.is_empty() { "unspecified".to_owned() } else { reason });
                self.zone.log.record(tx, entry).await?;
                Ok(())
            })
            .await
    }

    /// A citizen's releases: one chunk opened per release (KEY-102).
    pub(crate) async fn ledger_me(&self, actor: &Actor, question: &LedgerMe) -> Result<LedgerMeAnswer, KeyError> {
        let number = open_subject(&question.subject, &self.seal, self.environment)?;
        let Some(ordinal) = self.index.find(&number).await? else { return Ok(LedgerMeAnswer::default()) };
        let tag = subject_tag(&self.keystore, &*self.zone.clock, ordinal)?;
        let rows = self
            .zone
            .store
            .read("ledger.me", async |tx: &mut Tx| {
                tx.query(
                    "SELECT r.release_id, r.record, r.exemption, k.state FROM ledger_release r
                     LEFT JOIN series_key k ON k.series = r.series WHERE r.state = 'final'
                     ORDER BY r.sealed_at DESC, r.release_id DESC",
                    params![],
                )
                .await
            })
            .await?;
        let key = self.ledger_key()?;
        let mut releases = Vec::new();
        for row in rows {
            let release: ReleaseId = row.get(0)?;
            let record: String = row.get(1)?;
            if !self.is_member(&key, release, &record, ordinal)? {
                continue;
            }
            releases.push(OwnRelease {
                record: serde_json::from_str(&record).map_err(|_| KeyError::Damaged("a release record"))?,
                key_state: row.get::<Option<String>>(3)?.unwrap_or_else(|| "planned".into()),
                optout_exemption: row.get(2)?,
            });
        }
        let entry = Entry::new(&actions::LEDGER_READ, actor.clone(), Object::new("system_purpose", "ledger"))
            .purpose(Purpose::Insight)
            .detail("subject_tag", tag);
        self.zone.log.record_alone(entry).await?;
        Ok(LedgerMeAnswer { releases })
    }

    fn is_member(&self, key: &Secret, release: ReleaseId, record: &str, ordinal: u32) -> Result<bool, KeyError> {
        let damaged = |_| KeyError::Damaged("a sealed file of members");
        let file = std::fs::File::open(self.member_path(release));
        let file = file.map_err(|_| KeyError::Damaged("a sealed file of members"))?;
        let file = MemberFile::open(file, release).map_err(damaged)?;
        file.contains(key, release, record.as_bytes(), ordinal).map_err(damaged)
    }

    /// Highest number per source, and the Merkle root over all records (KEY-101).
    pub(crate) async fn ledger_roots(&self, _: &LedgerRoots) -> Result<LedgerRootsAnswer, KeyError> {
        let now = self.zone.now();
        let rows = self
            .zone
            .store
            .read("ledger.roots", async |tx: &mut Tx| {
                tx.query(
                    "SELECT source, seq, record, state, sealed_at FROM ledger_release ORDER BY source, seq",
                    params![],
                )
                .await
            })
            .await?;
        let mut sources: Vec<(String, u64)> = Vec::new();
        let (mut leaves, mut overdue) = (Vec::with_capacity(rows.len()), 0);
        for row in &rows {
            let (source, seq) = (row.get::<String>(0)?, row.get::<i64>(1)? as u64);
            match sources.last_mut() {
                Some(last) if last.0 == source && last.1 + 1 == seq => last.1 = seq,
                Some(last) if last.0 == source => return Err(KeyError::Damaged("the ledger's sequence")),
                _ if seq == 1 => sources.push((source, seq)),
                _ => return Err(KeyError::Damaged("the ledger's sequence")),
            }
            leaves.push(leaf_hash(row.get::<String>(2)?.as_bytes()));
            let late = row.get::<i64>(4)? < now.plus_seconds(-OVERDUE_SECONDS).micros();
            overdue += u64::from(late && row.get::<String>(3)? == "provisional");
        }
        Ok(LedgerRootsAnswer { at: now, sources, root: Digest::from_sha256(root_of(&leaves)), overdue })
    }

    fn ledger_key(&self) -> Result<Secret, KeyError> {
        let spec = KeySpec { epoch: EPOCH, ..KeySpec::new(KeyClass::Ledger, "release") };
        let key = self.keystore.generate(&spec)?;
        Ok(self.keystore.secret_of(key)?)
    }

    fn member_path(&self, release: ReleaseId) -> PathBuf {
        self.ledger_dir.join(format!("{release}.hrl"))
    }
}

fn stored_answer(stored: &Stored) -> Result<LedgerReleaseAnswer, KeyError> {
    Ok(LedgerReleaseAnswer {
        release_id: stored.release_id,
        receipt: envelope_of(&stored.receipt)?,
        record: stored.record()?,
    })
}

fn persons_place(release: ReleaseId) -> String {
    format!("ledger_release/{release}/persons")
}

fn kept_place(release: ReleaseId) -> String {
    format!("ledger_release/{release}/kept")
}

/// The body of an answer, for the service.
pub(crate) fn json<T: serde::Serialize>(answer: &T) -> Result<Bytes, KeyError> {
    Ok(protocol::calls::write(answer)?)
}
