//! The service of the room: `intake/put`, `intake/open`, `room/status`, and the same as functions for the command line.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use audit::{Actor, Counts, Entry, Object, Purpose, Zone};
use bytes::Bytes;
use kernel::Timestamp;
use protocol::calls::{
    self, Call, DeliveryEvent, Frame, GrantRoomOut, IntakeOpen, IntakeOpenAnswer, IntakePut, KeyReceiptNotice,
    LedgerKept, RoomStatus, RoomStatusAnswer, ask,
};
use protocol::channel::codes;
use protocol::documents::{GrantUse, KeyEvent, KeyGrant, KeyReceipt, Manifest, Receipt, ReceiptKind};
use protocol::ids::DeliveryId;
use protocol::permits::Permits;
use protocol::{
    Base64, CallError, Channel, Digest, Directory, Envelope, KeyRole, Party, Refusal, Secret32, Service, crypt4gh,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Store, Tx, jobs};
use tokio::sync::{Mutex, Notify, watch};

use super::files::{self, RoomFile};
use super::sql::{self, Stored};
use super::vault::Vault;
use super::{OPEN, REJECT, TAKE, opening};
use crate::DeliveryError;
use crate::package::{self, Outside};
use crate::transfer::{LocalAdapter, MANIFEST, RoomAdapter as _};

/// Jobs that tell the centre, that tell the ledger which persons were kept, and that acknowledge the key.
const TELL: &str = "intake.tell";
const KEPT: &str = "intake.kept";
const INSTALLED: &str = "intake.installed";
/// How long a worker may hold a job.
const LEASE_SECONDS: i64 = 300;
/// Longest wait between two attempts.
const LONGEST_WAIT_SECONDS: i64 = 900;

/// The X25519 private key of the room's intake: what packages and key grants are sealed to.
#[derive(Clone)]
pub struct IntakeSecret(Secret32);

impl IntakeSecret {
    /// Takes the key in.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Secret32::new(key))
    }
}

/// Where a room has its folders, and what it writes.
#[derive(Clone, Debug)]
pub struct IntakeOptions {
    /// The room, e.g. `room:tsd`.
    pub room: Party,
    /// Where packages arrive.
    pub inbox: PathBuf,
    /// Where opened data lie.
    pub out: PathBuf,
    /// Whether CSV is written beside Parquet.
    pub csv: bool,
}

/// The room's intake. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    zone: Zone,
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    permits: Arc<Permits>,
    secret: IntakeSecret,
    options: IntakeOptions,
    /// One package is opened at a time: vault and folders of a project are shared.
    one: Arc<Mutex<()>>,
    wake: Arc<Notify>,
}

/// How an opening went.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenOutcome {
    /// The signed receipt, `opened` or `rejected`.
    pub receipt: Envelope,
    /// The code of a rejection; none when it was opened.
    pub rejected: Option<String>,
    /// Where the data lie.
    pub folder: Option<PathBuf>,
    /// Whether this call opened it, or it had been opened before (DEL-135).
    pub now: bool,
}

/// A delivery in the room, for `hap room status`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RoomDelivery {
    /// The delivery.
    pub delivery_id: String,
    /// Permit series.
    pub series: String,
    /// The source; none while the manifest has not come.
    pub source: Option<String>,
    /// Which delivery of the source.
    pub sequence: Option<i64>,
    /// `arriving`, `arrived`, `opened`, `rejected`.
    pub state: String,
    /// Code of the rejection.
    pub code: Option<String>,
    /// When it was opened or rejected.
    pub at: Option<Timestamp>,
    /// Files in the room with length and digest.
    pub files: serde_json::Value,
}

/// A job's payload for the ledger: header, and the bitmap sealed to the key role.
#[derive(Serialize, Deserialize)]
struct Kept {
    header: LedgerKept,
    sealed: Base64,
}

/// What a successful opening needs to be committed.
struct Done {
    outside: Outside,
    permit_id: String,
    /// That the key came, for the key role (KEY-043).
    installed: Envelope,
    files: Vec<RoomFile>,
    rows: serde_json::Value,
    persons: u64,
    bitmap: Vec<u8>,
    seconds: serde_json::Value,
}

impl Intake {
    /// The service. `permits` asks the centre; `secret` opens packages.
    pub fn new(
        zone: Zone,
        channel: Arc<dyn Channel>,
        directory: Arc<Directory>,
        permits: Arc<Permits>,
        secret: IntakeSecret,
        options: IntakeOptions,
    ) -> Self {
        let one = Arc::new(Mutex::new(()));
        Self { zone, channel, directory, permits, secret, options, one, wake: Arc::new(Notify::new()) }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), DeliveryError> {
        store.migrate("jobs", jobs::MIGRATIONS).await?;
        Ok(store.migrate("intake", sql::MIGRATIONS).await?)
    }

    /// Takes jobs back that a killed process held. Called at the start.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recover(&self) -> Result<(), DeliveryError> {
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            for kind in [TELL, KEPT, INSTALLED] {
                jobs::release(tx, kind).await?;
            }
            Ok(())
        };
        self.zone.store.tx("intake recover", work).await
    }

    /// Opens packages as they arrive and tells the others, until `stop` becomes true or its sender is gone.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.work().await {
                tracing::error!(%error, "intake");
                // A job whose end could not be written is held by nobody: it waits for its turn, not for its lease.
                if let Err(error) = self.recover().await {
                    tracing::error!(%error, "intake");
                }
            }
            if *stop.borrow() {
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(std::time::Duration::from_secs(2)) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Opens every package that has arrived and was not decided on, and sends what is to be told.
    ///
    /// # Errors
    /// Those of the database; a package that cannot be opened now is tried again at the next call.
    pub async fn work(&self) -> Result<usize, DeliveryError> {
        let mut count = 0;
        for delivery in self.arrived()? {
            let find = async |tx: &mut Tx| sql::find(tx, delivery).await;
            if self.zone.store.read("intake find", find).await.map_err(DeliveryError::Store)?.is_some() {
                continue;
            }
            match self.open(delivery).await {
                Ok(_) => count += 1,
                Err(error) => tracing::warn!(%error, %delivery, "package waits"),
            }
        }
        Ok(count + self.tell().await?)
    }

    /// Deliveries whose manifest is in the inbox.
    fn arrived(&self) -> Result<Vec<DeliveryId>, DeliveryError> {
        let entries = match std::fs::read_dir(&self.options.inbox) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(DeliveryError::file("inbox")(e)),
        };
        let mut found: Vec<DeliveryId> = entries
            .flatten()
            .filter(|e| e.path().join(MANIFEST).is_file())
            .filter_map(|e| e.file_name().to_str()?.parse().ok())
            .collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Takes a piece of an object (`intake/put`).
    ///
    /// # Errors
    /// `wrong_party` for anyone but the holder of a source, and those of the folder.
    pub async fn put(&self, from: &Party, frame: Frame<IntakePut>) -> Result<calls::IntakePutAnswer, DeliveryError> {
        if !matches!(from, Party::Data | Party::Source(_)) {
            return Err(Refusal::new(codes::WRONG_PARTY).into());
        }
        let put = frame.header;
        let adapter = LocalAdapter::new(&self.options.inbox);
        let answer = adapter.put(put.delivery_id, &put.object, put.offset, frame.bytes, put.total).await?;
        if put.object == MANIFEST && answer.committed {
            let entry = Entry::new(&TAKE, self.actor(), Object::new("delivery", put.delivery_id))
                .purpose(Purpose::Delivery)
                .detail("from", from.to_string());
            self.zone.log.record_alone(entry).await?;
            self.wake.notify_one();
        }
        Ok(answer)
    }

    /// Opens a package (section 12.1). A package that does not pass gives a receipt `rejected`; opening it again gives
    /// the same receipt and changes nothing (DEL-135).
    ///
    /// # Errors
    /// When the package is not there, or when key role or centre do not answer: then nothing is decided.
    pub async fn open(&self, delivery: DeliveryId) -> Result<OpenOutcome, DeliveryError> {
        let _one = self.one.lock().await;
        let dir = self.options.inbox.join(delivery.to_string());
        if !dir.join(MANIFEST).is_file() {
            return Err(DeliveryError::NotFound);
        }
        let find = async |tx: &mut Tx| sql::find(tx, delivery).await;
        let known = self.zone.store.read("intake find", find).await.map_err(DeliveryError::Store)?;
        if let Some(known) = known.as_ref().filter(|k| k.outcome == "opened") {
            return self.again(known);
        }
        let code = match self.try_open(delivery, &dir).await {
            Ok(done) => return self.commit(done).await,
            Err(DeliveryError::Rejected(code)) => code,
            Err(DeliveryError::DiskFull { .. }) => "disk_full",
            Err(DeliveryError::Refused(r)) if r.code == codes::PERMIT_NOT_LIVE => "permit_not_live",
            Err(error) => return Err(error),
        };
        // A rejected package may have been mended by the source, so it is looked at again; when nothing has changed the
        // answer is the one given before.
        if let Some(known) = known {
            let before = self.again(&known)?;
            let same = manifest_digest(&dir).is_some_and(|d| d == known.manifest_digest);
            if same && before.rejected.as_deref() == Some(code) {
                return Ok(before);
            }
        }
        self.reject(delivery, &dir, code).await
    }

    /// Every check that can be made without writing anything, for `hap room open --dry-run`.
    ///
    /// # Errors
    /// The first check that fails.
    pub async fn dry_run(&self, delivery: DeliveryId) -> Result<super::Verified, DeliveryError> {
        let dir = self.options.inbox.join(delivery.to_string());
        let verified = super::verify_package(&dir, &self.directory)?;
        let outside = package::verify_outside(&dir, &self.directory)?;
        let permit = self.permits.live(&outside.manifest.series).await?.permit;
        self.check_outside(&outside).await?;
        let inside = package::open_inside(&dir, &outside, self.secret.0.expose())?;
        opening::check_inside(&inside, &outside, &permit, &self.directory)?;
        Ok(verified)
    }

    fn again(&self, known: &Stored) -> Result<OpenOutcome, DeliveryError> {
        let receipt = Envelope::parse(known.receipt.as_bytes())?;
        let code = receipt.read_unverified::<Receipt>()?.code;
        let opened = known.outcome == "opened";
        let folder = files::folder(&self.options.out, &known.series, &known.source, known.sequence as u32);
        Ok(OpenOutcome {
            receipt,
            rejected: if opened { None } else { Some(code.unwrap_or_default()) },
            folder: opened.then_some(folder),
            now: false,
        })
    }

    /// Room, sequence and chain of manifests (DEL-120).
    async fn check_outside(&self, outside: &Outside) -> Result<(), DeliveryError> {
        let m = &outside.manifest;
        if m.room != self.options.room {
            return Err(DeliveryError::Rejected("wrong_room"));
        }
        let last = async |tx: &mut Tx| sql::last_opened(tx, &m.series, &m.source).await;
        let last = self.zone.store.read("intake last", last).await.map_err(DeliveryError::Store)?;
        let follows = match &last {
            None => m.previous_manifest.is_none(),
            Some(last) => {
                i64::from(m.sequence) > last.sequence
                    && m.previous_manifest.as_ref().map(Digest::as_str) == Some(last.manifest_digest.as_str())
            }
        };
        if follows { Ok(()) } else { Err(DeliveryError::Rejected("replay")) }
    }

    async fn try_open(&self, delivery: DeliveryId, dir: &std::path::Path) -> Result<Done, DeliveryError> {
        let mut clock = Laps { zone: &self.zone, last: self.zone.now(), seconds: serde_json::Map::new() };
        let (path, directory) = (dir.to_owned(), self.directory.clone());
        let outside = blocking(move || package::verify_outside(&path, &directory)).await?;
        if outside.manifest.delivery_id != delivery {
            return Err(DeliveryError::Rejected("replay"));
        }
        self.check_outside(&outside).await?;
        let current = self.permits.live(&outside.manifest.series).await?;
        clock.lap("verify");

        let (path, secret, seen) = (dir.to_owned(), self.secret.clone(), outside.clone());
        let inside = blocking(move || package::open_inside(&path, &seen, secret.0.expose())).await?;
        let order = opening::check_inside(&inside, &outside, &current.permit, &self.directory)?;
        clock.lap("inside");

        let (k_out, installed) = self.k_out(&outside.manifest, &current.permit.permit_id).await?;
        let inside = Arc::new(inside);
        let (path, secret, seen, papers) = (dir.to_owned(), self.secret.clone(), outside.clone(), inside.clone());
        let cap = order.population.max_persons;
        let persons = blocking(move || opening::persons(&path, &papers, &seen, secret.0.expose(), &k_out, cap)).await?;
        clock.lap("persons");

        let pseudonyms: Vec<[u8; 16]> = persons.kept.iter().map(|(_, p)| *p).collect();
        let ids = self.assign(&outside.manifest, &pseudonyms).await?;
        let ids: HashMap<u32, u32> = persons.kept.iter().map(|(pidx, _)| *pidx).zip(ids).collect();
        let (path, secret, papers, wanted) = (dir.to_owned(), self.secret.clone(), inside.clone(), order.clone());
        let m = &outside.manifest;
        let target = files::folder(&self.options.out, &m.series, &m.source, m.sequence);
        let work = self.options.out.join(".work").join(delivery.to_string());
        let (csv, out, permit) = (self.options.csv, self.options.out.clone(), current.permit.clone());
        let (written, rows) = blocking(move || {
            let opened = opening::rekey(&path, &papers, &wanted, secret.0.expose(), &ids)?;
            let written = files::write(&work, &target, &opened, &papers.codebook, &papers.readme, csv);
            if written.is_err() {
                let _ = files::remove(&work);
            }
            let written = written?;
            files::write_project(&out, &permit)?;
            Ok((written, opened.rows))
        })
        .await?;
        clock.lap("files");
        Ok(Done {
            permit_id: current.permit.permit_id,
            installed,
            files: written,
            rows: json!(rows),
            persons: pseudonyms.len() as u64,
            bitmap: persons.bitmap,
            seconds: clock.seconds.into(),
            outside,
        })
    }

    /// The key of the room, from the key role, and the acknowledgement that it came. The key is in memory only while the
    /// package is opened.
    async fn k_out(&self, m: &Manifest, permit: &str) -> Result<(Secret32, Envelope), DeliveryError> {
        let call = GrantRoomOut { permit: permit.to_owned(), epoch: m.epoch, delivery_id: m.delivery_id };
        let answer = ask(&*self.channel, &Party::Keys, &call).await?;
        let wrong = DeliveryError::Stopped("bad_grant");
        let Ok(opened) = crypt4gh::open(&answer.grant.0, self.secret.0.expose()) else { return Err(wrong) };
        let grant: KeyGrant = Envelope::parse(&opened)?.open(&self.directory)?;
        let now = self.zone.now();
        let fits = grant.usage == GrantUse::RoomOut
            && grant.recipient == self.options.room
            && grant.series.as_deref() == Some(m.series.as_str())
            && grant.epoch == m.epoch
            && grant.not_before.plus_seconds(-120) <= now
            && now <= grant.not_after;
        if !fits {
            return Err(wrong);
        }
        let installed = KeyReceipt {
            message_id: self.zone.id(),
            kind: "key-receipt".into(),
            series: m.series.clone(),
            permit_id: permit.to_owned(),
            epoch: m.epoch,
            key_id: grant.key_id,
            event: KeyEvent::Installed,
            usage: Some(GrantUse::RoomOut),
            actor: self.options.room.to_string(),
            holder: Some(self.options.room.clone()),
            at: now,
            keystore_generation: 0,
            commitment: None,
            assurance: grant.assurance,
            residual: Vec::new(),
            unwrap_failed: None,
            previous_receipt: None,
        };
        Ok((grant.key, Envelope::of(&installed, &*self.zone.signer)?))
    }

    /// Dense ids for pseudonyms; the vault is saved before any file is written, so that a repeat gives the same ids.
    async fn assign(&self, m: &Manifest, pseudonyms: &[[u8; 16]]) -> Result<Vec<u32>, DeliveryError> {
        let place = format!("room_vault/{}/sealed", m.series);
        let now = self.zone.now();
        let work = async |tx: &mut Tx| -> Result<Vec<u32>, DeliveryError> {
            let mut vault = match sql::vault(tx, &m.series).await? {
                None => Vault::default(),
                Some(sealed) => {
                    let bytes = self.zone.sealer.open(&place, &sealed)?;
                    Vault::parse(&bytes).ok_or(DeliveryError::Internal("vault"))?
                }
            };
            let before = vault.len();
            let ids = vault.assign(pseudonyms, m.sequence, &*self.zone.random);
            let ids = ids.ok_or(DeliveryError::Rejected("person_root_mismatch"))?;
            if vault.len() > before {
                let sealed = self.zone.sealer.seal(&place, &vault.to_bytes())?;
                sql::set_vault(tx, &m.series, &sealed, now).await?;
            }
            Ok(ids)
        };
        self.zone.store.tx("intake vault", work).await
    }

    async fn commit(&self, done: Done) -> Result<OpenOutcome, DeliveryError> {
        let m = &done.outside.manifest;
        let detail = json!({
            "rows": done.rows, "persons": done.persons, "seconds": done.seconds, "files": done.files.len(),
            "manifest": done.outside.digest(),
        });
        let receipt = self.receipt(m, ReceiptKind::Opened, None, Some(detail))?;
        let digest = Digest::sha256(&receipt.payload.0).to_string();
        let now = self.zone.now();
        let stored = Stored {
            delivery_id: m.delivery_id,
            series: m.series.clone(),
            source: m.source.clone(),
            sequence: i64::from(m.sequence),
            permit_id: done.permit_id.clone(),
            outcome: "opened".into(),
            manifest_digest: done.outside.digest().to_string(),
            receipt: text(&receipt),
            files: serde_json::to_string(&done.files).unwrap_or_else(|_| "[]".into()),
            at: now,
        };
        let key = self.directory.sealing_key(&Party::Keys, KeyRole::Channel);
        let key = key.ok_or(DeliveryError::Unavailable("the key role's sealing key".into()))?;
        let sealed = crypt4gh::seal(&done.bitmap, &[key], &*self.zone.random);
        let kept = Kept {
            header: LedgerKept {
                release_id: m.ledger_release_id,
                delivery_id: m.delivery_id,
                opened: receipt.clone(),
                kept: done.persons,
            },
            sealed: Base64(sealed.map_err(|_| DeliveryError::Internal("sealing"))?),
        };
        let kept = serde_json::to_string(&kept).map_err(|_| DeliveryError::Internal("kept"))?;
        let told = self.event(m, "opened", None, &receipt, now)?;
        let installed = text(&done.installed);
        let entry = Entry::new(&OPEN, self.actor(), Object::new("delivery", m.delivery_id))
            .permit(&done.permit_id, &m.series)
            .purpose(Purpose::Delivery)
            .counts(Counts::default().persons(done.persons))
            .detail("manifest", stored.manifest_digest.clone())
            .detail("receipt", digest)
            .detail("source", m.source.clone())
            .detail("sequence", stored.sequence);
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            sql::keep(tx, &stored).await?;
            jobs::push(tx, &format!("{KEPT}:{}", m.delivery_id), KEPT, &kept, now).await?;
            jobs::push(tx, &format!("{TELL}:{}:opened", m.delivery_id), TELL, &told, now).await?;
            jobs::push(tx, &format!("{INSTALLED}:{}", m.delivery_id), INSTALLED, &installed, now).await?;
            Ok(self.zone.log.record(tx, entry.clone()).await?)
        };
        self.zone.store.tx("intake opened", work).await?;
        self.wake.notify_one();
        let folder = files::folder(&self.options.out, &m.series, &m.source, m.sequence);
        Ok(OpenOutcome { receipt, rejected: None, folder: Some(folder), now: true })
    }

    /// Says no, with a receipt. Nothing of the package is in the room.
    async fn reject(
        &self,
        delivery: DeliveryId,
        dir: &std::path::Path,
        code: &'static str,
    ) -> Result<OpenOutcome, DeliveryError> {
        // What a manifest that does not verify says is repeated in the receipt only to name the delivery.
        let claimed = std::fs::read(dir.join(MANIFEST)).ok().and_then(|b| Envelope::parse(&b).ok());
        let claimed = claimed.and_then(|e| e.read_unverified::<Manifest>().ok()).filter(|m| m.delivery_id == delivery);
        let digest = manifest_digest(dir).unwrap_or_default();
        let now = self.zone.now();
        let Some(m) = claimed else {
            let entry = Entry::new(&REJECT, self.actor(), Object::new("delivery", delivery))
                .purpose(Purpose::Delivery)
                .refused(code);
            self.zone.log.record_alone(entry).await?;
            return Err(DeliveryError::Rejected(code));
        };
        let receipt = self.receipt(&m, ReceiptKind::Rejected, Some(code), None)?;
        let receipt_digest = Digest::sha256(&receipt.payload.0).to_string();
        let stored = Stored {
            delivery_id: delivery,
            series: m.series.clone(),
            source: m.source.clone(),
            sequence: i64::from(m.sequence),
            permit_id: m.permit_id.clone(),
            outcome: "rejected".into(),
            manifest_digest: digest,
            receipt: text(&receipt),
            files: "[]".into(),
            at: now,
        };
        let told = self.event(&m, "rejected", Some(code), &receipt, now)?;
        let entry = Entry::new(&REJECT, self.actor(), Object::new("delivery", delivery))
            .purpose(Purpose::Delivery)
            .detail("receipt", receipt_digest.clone())
            .refused(code);
        let work = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            sql::keep(tx, &stored).await?;
            jobs::push(tx, &format!("{TELL}:{delivery}:{receipt_digest}"), TELL, &told, now).await?;
            Ok(self.zone.log.record(tx, entry.clone()).await?)
        };
        self.zone.store.tx("intake rejected", work).await?;
        self.wake.notify_one();
        Ok(OpenOutcome { receipt, rejected: Some(code.to_owned()), folder: None, now: true })
    }

    fn receipt(
        &self,
        m: &Manifest,
        kind: ReceiptKind,
        code: Option<&str>,
        detail: Option<serde_json::Value>,
    ) -> Result<Envelope, DeliveryError> {
        let receipt = Receipt {
            message_id: self.zone.id(),
            kind,
            delivery_id: m.delivery_id,
            series: m.series.clone(),
            permit_id: m.permit_id.clone(),
            source: m.source.clone(),
            by: self.options.room.clone(),
            at: self.zone.now(),
            code: code.map(str::to_owned),
            release_id: Some(m.ledger_release_id),
            seq: None,
            person_root: None,
            record: None,
            persons: None,
            detail,
            previous_receipt: Some(Digest::sha256(&m.ledger_receipt.payload.0)),
        };
        Ok(Envelope::of(&receipt, &*self.zone.signer)?)
    }

    fn event(
        &self,
        m: &Manifest,
        state: &str,
        code: Option<&str>,
        receipt: &Envelope,
        at: Timestamp,
    ) -> Result<String, DeliveryError> {
        let told = DeliveryEvent {
            order_id: m.order_id,
            delivery_id: Some(m.delivery_id),
            series: m.series.clone(),
            source: m.source.clone(),
            state: state.to_owned(),
            code: code.map(str::to_owned),
            at,
            receipt: Some(receipt.clone()),
            detail: None,
        };
        serde_json::to_string(&told).map_err(|_| DeliveryError::Internal("event"))
    }

    /// Sends what is to be told; gives the number of messages tried.
    async fn tell(&self) -> Result<usize, DeliveryError> {
        let mut count = 0;
        for kind in [INSTALLED, KEPT, TELL] {
            loop {
                let now = self.zone.now();
                let take = async |tx: &mut Tx| jobs::take(tx, kind, now, now.plus_seconds(LEASE_SECONDS)).await;
                let Some(job) = self.zone.store.tx("intake take", take).await? else { break };
                count += 1;
                let sent = match kind {
                    KEPT => self.tell_kept(&job.payload).await,
                    INSTALLED => self.tell_installed(&job.payload).await,
                    _ => self.tell_centre(&job.payload).await,
                };
                let again = match sent {
                    Ok(()) => None,
                    Err(CallError::Refused(r)) if !matches!(r.code.as_ref(), "unavailable" | "token_unavailable") => {
                        tracing::error!(code = %r.code, kind, "a message of the intake was refused");
                        None
                    }
                    Err(error) => Some(error.to_string()),
                };
                let finish = async |tx: &mut Tx| match &again {
                    None => jobs::done(tx, &job.id).await,
                    Some(reason) => {
                        let wait = (1i64 << (job.attempts - 1).clamp(0, 20)).min(LONGEST_WAIT_SECONDS);
                        jobs::retry(tx, &job.id, now.plus_seconds(wait), reason).await
                    }
                };
                self.zone.store.tx("intake told", finish).await?;
            }
        }
        Ok(count)
    }

    async fn tell_kept(&self, payload: &str) -> Result<(), CallError> {
        let Ok(kept) = serde_json::from_str::<Kept>(payload) else { return Ok(()) };
        let body = Frame::new(kept.header, kept.sealed.0).encode().map_err(|_| Refusal::new(codes::BAD_SCHEMA))?;
        self.channel.call(&Party::Keys, LedgerKept::KIND, body).await.map(|_| ())
    }

    async fn tell_installed(&self, payload: &str) -> Result<(), CallError> {
        let Ok(receipt) = Envelope::parse(payload.as_bytes()) else { return Ok(()) };
        ask(&*self.channel, &Party::Keys, &KeyReceiptNotice { receipt }).await.map(|_| ())
    }

    async fn tell_centre(&self, payload: &str) -> Result<(), CallError> {
        let Ok(told) = serde_json::from_str::<DeliveryEvent>(payload) else { return Ok(()) };
        ask(&*self.channel, &Party::Centre, &told).await.map(|_| ())
    }

    /// What lies in the room, without persons.
    ///
    /// # Errors
    /// Those of the database and the inbox.
    pub async fn status(&self, series: Option<&str>) -> Result<Vec<RoomDelivery>, DeliveryError> {
        let all = async |tx: &mut Tx| sql::all(tx, series).await;
        let all = self.zone.store.read("room status", all).await.map_err(DeliveryError::Store)?;
        let mut out: Vec<RoomDelivery> = all
            .iter()
            .map(|s| RoomDelivery {
                delivery_id: s.delivery_id.to_string(),
                series: s.series.clone(),
                source: Some(s.source.clone()),
                sequence: Some(s.sequence),
                state: s.outcome.clone(),
                code: Envelope::parse(s.receipt.as_bytes())
                    .ok()
                    .and_then(|e| e.read_unverified::<Receipt>().ok())
                    .and_then(|r| r.code),
                at: Some(s.at),
                files: serde_json::from_str(&s.files).unwrap_or_default(),
            })
            .collect();
        if series.is_none() {
            for entry in std::fs::read_dir(&self.options.inbox).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.parse::<DeliveryId>().is_ok() && out.iter().all(|d| d.delivery_id != name) {
                    let arrived = entry.path().join(MANIFEST).is_file();
                    out.push(RoomDelivery {
                        delivery_id: name,
                        series: String::new(),
                        source: None,
                        sequence: None,
                        state: if arrived { "arrived" } else { "arriving" }.into(),
                        code: None,
                        at: None,
                        files: json!([]),
                    });
                }
            }
        }
        Ok(out)
    }

    /// The receipts of the room, oldest first, as signed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn receipts(&self, series: Option<&str>) -> Result<Vec<Envelope>, DeliveryError> {
        let all = async |tx: &mut Tx| sql::all(tx, series).await;
        let all = self.zone.store.read("room receipts", all).await.map_err(DeliveryError::Store)?;
        all.iter().map(|s| Ok(Envelope::parse(s.receipt.as_bytes())?)).collect()
    }

    fn actor(&self) -> Actor {
        Actor::service(self.options.room.to_string())
    }
}

/// Measures the steps of an opening.
struct Laps<'a> {
    zone: &'a Zone,
    last: Timestamp,
    seconds: serde_json::Map<String, serde_json::Value>,
}

impl Laps<'_> {
    fn lap(&mut self, step: &str) {
        let now = self.zone.now();
        let seconds = (now.micros() - self.last.micros()) as f64 / 1e6;
        self.seconds.insert(step.to_owned(), json!(seconds));
        self.last = now;
    }
}

/// Digest of the signed payload of the manifest in a folder, verified or not.
fn manifest_digest(dir: &std::path::Path) -> Option<String> {
    let envelope = Envelope::parse(&std::fs::read(dir.join(MANIFEST)).ok()?).ok()?;
    Some(Digest::sha256(&envelope.payload.0).to_string())
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8_lossy(&envelope.to_bytes()).into_owned()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeliveryError> + Send + 'static,
) -> Result<T, DeliveryError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| DeliveryError::Internal("task"))?
}

#[async_trait]
impl Service for Intake {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        match kind {
            IntakePut::KIND => calls::write(&self.put(from, Frame::decode(&body)?).await?),
            IntakeOpen::KIND => {
                if !matches!(from, Party::Data | Party::Source(_)) {
                    return Err(Refusal::new(codes::WRONG_PARTY));
                }
                let outcome = self.open(calls::read::<IntakeOpen>(&body)?.delivery_id).await?;
                calls::write(&IntakeOpenAnswer { receipt: outcome.receipt })
            }
            RoomStatus::KIND => {
                if *from != Party::Centre {
                    return Err(Refusal::new(codes::WRONG_PARTY));
                }
                let series = calls::read::<RoomStatus>(&body)?.series;
                let all = self.status(series.as_deref()).await?;
                let deliveries = all.iter().map(serde_json::to_value).collect::<Result<_, _>>();
                let deliveries = deliveries.map_err(|_| Refusal::new(codes::BAD_SCHEMA))?;
                calls::write(&RoomStatusAnswer { deliveries })
            }
            _ => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}
