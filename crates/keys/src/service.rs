//! The key role as a [`Service`]: every call of [`protocol::calls`] that it answers, who may ask it, and the entry in the
//! audit log, also for what is refused. No other operation exists (KEY-001).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use audit::{Actor, Entry, Object, Purpose, Zone};
use bytes::Bytes;
use kernel::identity_number::Environment;
use kernel::{Problem, Signer, Timestamp};
use protocol::calls::{
    Call, ChoicesList, ChoicesPermitted, ChoicesSet, Frame, GrantGate, GrantRoomOut, IndexRegister, InsightTokenAnswer,
    InsightTokenRequest, KeyReceiptNotice, KeysStatus, LedgerKept, LedgerMe, LedgerRelease, LedgerRoots, LedgerVoid,
    PermitCurrentAnswer, PlanCurrent, PlanCurrentAnswer, PseudonymsSource, index_register, read,
};
use protocol::channel::codes;
use protocol::directory::Entry as KeyEntry;
use protocol::documents::{InsightToken, Permit};
use protocol::permits::Permits;
use protocol::{Channel, Directory, Envelope, KeyRole, Party, Refusal, Service};
use store::{Store, Tx, params};

use crate::actions;
use crate::error::KeyError;
use crate::index::Index;
use crate::keystore::{KeystoreError, SealingKey, SoftKeystore, make_folder};
use crate::ledger::json;
use crate::receipts::word;
use crate::subject::{open_subject, subject_tag};

/// For how long an insight token is good.
const TOKEN_SECONDS: i64 = 120;
/// Batches of one caller at a time (KEY-092).
const CONCURRENT: usize = 5;
/// More refusals than these inside an hour suspend a caller (KEY-092).
const REFUSALS: usize = 3;

/// What the key role is given.
pub struct KeyServiceParts {
    /// Its zone: database, audit log, clock, randomness, sealed columns.
    pub zone: Zone,
    /// Its keystore.
    pub keystore: Arc<SoftKeystore>,
    /// The keys of all parties.
    pub directory: Arc<Directory>,
    /// The way to the centre, for the permit in force.
    pub channel: Arc<dyn Channel>,
    /// Folder of the ledger's sealed files.
    pub ledger_dir: PathBuf,
    /// Whether real or synthetic persons are at stake.
    pub environment: Environment,
}

/// The key role.
pub struct KeyService {
    pub(crate) zone: Zone,
    pub(crate) keystore: Arc<SoftKeystore>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) permits: Permits,
    pub(crate) index: Index,
    pub(crate) seal: SealingKey,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) ledger_signer: Arc<dyn Signer>,
    pub(crate) ledger_dir: PathBuf,
    pub(crate) environment: Environment,
    guard: Mutex<Guard>,
}

/// What keeps one caller from asking too much.
#[derive(Default)]
struct Guard {
    running: Vec<Party>,
    refusals: Vec<(Party, Timestamp)>,
}

impl KeyService {
    /// Opens the role. [`KeyService::migrate`] was run before.
    ///
    /// # Errors
    /// Those of the keystore and of the ledger's folder.
    pub fn new(parts: KeyServiceParts) -> Result<Self, KeyError> {
        let KeyServiceParts { zone, keystore, directory, channel, ledger_dir, environment } = parts;
        make_folder(&ledger_dir)?;
        Ok(Self {
            permits: Permits::new(channel, directory.clone(), zone.clock.clone()),
            index: Index::new(zone.clone(), &keystore, environment)?,
            seal: keystore.x25519("seal")?,
            signer: keystore.signer("key-service")?,
            ledger_signer: keystore.signer("ledger")?,
            zone,
            keystore,
            directory,
            ledger_dir,
            environment,
            guard: Mutex::default(),
        })
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), store::StoreError> {
        store.migrate("keys", crate::sql::MIGRATIONS).await
    }

    /// The entries of the list of keys for this role: documents, ledger receipts, and messages (signed with the
    /// keystore's signer `channel`) with the key that others seal for.
    ///
    /// # Errors
    /// Those of the keystore.
    pub fn entries(keystore: &SoftKeystore) -> Result<Vec<KeyEntry>, KeystoreError> {
        let seal = keystore.x25519("seal")?.public();
        let of = |label: &str, role, sealing| {
            Ok(KeyEntry::new(Party::Keys, role, keystore.signer(label)?.public_key(), sealing))
        };
        Ok(vec![
            of("channel", KeyRole::Channel, Some(seal))?,
            of("key-service", KeyRole::KeyService, None)?,
            of("ledger", KeyRole::Ledger, None)?,
        ])
    }

    /// Refuses every use of a series' keys from now on (an officer's order).
    ///
    /// # Errors
    /// `not_found`, `wrong_state`, or [`Problem::Forbidden`] for anyone but a key officer.
    pub async fn suspend(&self, officer: &identity::Actor, series: &str) -> Result<(), Problem> {
        Ok(self.set_suspended(&self.officer(officer).await?, series, true).await?)
    }

    /// Allows uses again.
    ///
    /// # Errors
    /// As [`KeyService::suspend`].
    pub async fn resume(&self, officer: &identity::Actor, series: &str) -> Result<(), Problem> {
        Ok(self.set_suspended(&self.officer(officer).await?, series, false).await?)
    }

    /// Destroys a series' keys before time: two officers, never the same person (KEY-094).
    ///
    /// # Errors
    /// As [`KeyService::suspend`], and `same_person`.
    pub async fn destroy(
        &self,
        first: &identity::Actor,
        second: &identity::Actor,
        series: &str,
    ) -> Result<(), Problem> {
        let (a, b) = (self.officer(first).await?, self.officer(second).await?);
        if a.id == b.id {
            self.refused_officer(&a, "same_person").await?;
            return Err(Problem::forbidden("same_person"));
        }
        Ok(self.shred(&a, Some(&b), series).await?)
    }

    /// Lets a caller in again that was suspended for too many refusals.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] for anyone but a key officer.
    pub async fn lift(&self, officer: &identity::Actor, caller: &Party) -> Result<(), Problem> {
        let actor = self.officer(officer).await?;
        let lift = async |tx: &mut Tx| {
            tx.execute("DELETE FROM suspended_caller WHERE party = $1", params![caller.to_string()]).await?;
            let object = Object::new("party", caller.to_string());
            let entry = Entry::new(&actions::CALLER, actor.clone(), object).detail("suspended", false);
            self.zone.log.record(tx, entry).await?;
            Ok::<_, KeyError>(())
        };
        self.zone.store.tx("caller.lift", lift).await?;
        self.guard.lock().unwrap_or_else(PoisonError::into_inner).refusals.retain(|(p, _)| p != caller);
        Ok(())
    }

    async fn officer(&self, actor: &identity::Actor) -> Result<Actor, Problem> {
        let account = Actor::person(actor.account.to_string());
        if actor.has(identity::Role::KeyOfficer) {
            return Ok(Actor { role: Some("key_officer".into()), ..account });
        }
        self.refused_officer(&account, "forbidden").await?;
        Err(Problem::forbidden("forbidden"))
    }

    pub(crate) async fn refused_officer(&self, actor: &Actor, code: &str) -> Result<(), Problem> {
        let object = Object::new("service", "keys");
        let entry = Entry::new(&actions::REFUSE, actor.clone(), object).refused(code).purpose(Purpose::Security);
        Ok(self.zone.log.record_alone(entry).await?)
    }

    async fn answer(&self, from: &Party, kind: &str, body: &Bytes) -> Result<Bytes, KeyError> {
        let actor = Actor::service(from.to_string());
        let actor = &actor;
        match kind {
            IndexRegister::KIND => {
                let frame = Frame::<IndexRegister>::decode(body).map_err(Refusal::from)?;
                let ids = index_register::decode(&frame.bytes).map_err(Refusal::from)?;
                let answer = self.index.register(actor, &frame.header, &ids).await?;
                Ok(index_register::encode_answer(&answer).into())
            }
            PseudonymsSource::KIND => self.pseudonyms(from, actor, Frame::decode(body).map_err(Refusal::from)?).await,
            ChoicesPermitted::KIND => {
                self.choices_permitted(from, actor, Frame::decode(body).map_err(Refusal::from)?).await
            }
            ChoicesSet::KIND => json(&self.choices_set(actor, &read(body)?).await?),
            ChoicesList::KIND => json(&self.choices_list(actor, &read(body)?).await?),
            LedgerRelease::KIND => {
                json(&self.ledger_release(from, actor, Frame::decode(body).map_err(Refusal::from)?).await?)
            }
            LedgerKept::KIND => {
                json(&self.ledger_kept(from, actor, Frame::decode(body).map_err(Refusal::from)?).await?)
            }
            LedgerVoid::KIND => {
                self.ledger_void(from, actor, &read(body)?).await?;
                json(&protocol::calls::Done {})
            }
            LedgerMe::KIND => json(&self.ledger_me(actor, &read(body)?).await?),
            LedgerRoots::KIND => json(&self.ledger_roots(&read(body)?).await?),
            GrantGate::KIND => json(&self.grant_gate(from, actor, &read(body)?).await?),
            GrantRoomOut::KIND => json(&self.grant_room_out(from, actor, &read(body)?).await?),
            KeyReceiptNotice::KIND => {
                self.take_receipt(from, actor, &read::<KeyReceiptNotice>(body)?.receipt).await?;
                json(&protocol::calls::Done {})
            }
            KeysStatus::KIND => json(&self.status_of(&read(body)?).await?),
            PlanCurrent::KIND => json(&self.plan_current(from, actor, &read(body)?).await?),
            InsightTokenRequest::KIND => json(&self.insight_token(actor, &read(body)?).await?),
            <PermitCurrentAnswer as Call>::KIND => {
                self.permit_changed(actor, read(body)?).await?;
                json(&protocol::calls::Done {})
            }
            _ => Err(KeyError::refused(codes::UNKNOWN_KIND)),
        }
    }

    async fn plan_current(
        &self,
        from: &Party,
        actor: &Actor,
        question: &PlanCurrent,
    ) -> Result<PlanCurrentAnswer, KeyError> {
        let current = self.permits.live(&question.series).await?;
        if matches!(from, Party::Room(_)) && current.permit.room.id != from.to_string() {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        Ok(PlanCurrentAnswer { plan: self.plan_for(actor, &current).await?.envelope })
    }

    /// The centre says that a permit has changed: what is remembered of it is replaced at once, so that a hold counts
    /// from now on, and a live permit gets its plan.
    async fn permit_changed(&self, actor: &Actor, notice: PermitCurrentAnswer) -> Result<(), KeyError> {
        let permit: Permit = notice.permit.open(&self.directory).map_err(Refusal::from)?;
        let current = self.permits.take_in(&permit.series, notice)?;
        let entry = Entry::new(&actions::PERMIT, actor.clone(), Object::new("permit", &permit.permit_id))
            .permit(&permit.permit_id, &permit.series)
            .purpose(Purpose::Case)
            .detail("hold", current.hold)
            .detail("status", word(&permit.status));
        self.zone.log.record_alone(entry).await?;
        if permit.is_live(current.hold, self.zone.clock.today()) {
            self.plan_for(actor, &current).await?;
        }
        Ok(())
    }

    async fn insight_token(
        &self,
        actor: &Actor,
        question: &InsightTokenRequest,
    ) -> Result<InsightTokenAnswer, KeyError> {
        let number = open_subject(&question.subject, &self.seal, self.environment)?;
        let Some(ordinal) = self.index.find(&number).await? else { return Ok(InsightTokenAnswer { token: None }) };
        let now = self.zone.now();
        let token = InsightToken {
            message_id: self.zone.id(),
            id_form: "O".into(),
            ordinal,
            usage: "insight".into(),
            not_before: now,
            not_after: now.plus_seconds(TOKEN_SECONDS),
            snapshot: None,
        };
        let envelope = Envelope::of(&token, &*self.signer)?;
        let sealed = self.seal_for(&Party::Data, KeyRole::Channel, &envelope.to_bytes())?;
        let tag = subject_tag(&self.keystore, &*self.zone.clock, ordinal)?;
        let entry = Entry::new(&actions::INSIGHT, actor.clone(), Object::new("insight_token", token.message_id))
            .purpose(Purpose::Insight)
            .detail("subject_tag", tag);
        self.zone.log.record_alone(entry).await?;
        Ok(InsightTokenAnswer { token: Some(sealed) })
    }

    /// Refuses a caller that is suspended, or has too many batches running. The entry ends with the returned guard.
    async fn enter(&self, from: &Party, kind: &str) -> Result<Running<'_>, KeyError> {
        if kind != PseudonymsSource::KIND {
            return Ok(Running(None));
        }
        let suspended = self
            .zone
            .store
            .read("caller.suspended", async |tx: &mut Tx| {
                tx.query_opt("SELECT 1 FROM suspended_caller WHERE party = $1", params![from.to_string()]).await
            })
            .await?;
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        if suspended.is_some() || guard.running.iter().filter(|p| *p == from).count() >= CONCURRENT {
            return Err(KeyError::refused(codes::RATE_LIMITED));
        }
        guard.running.push(from.clone());
        Ok(Running(Some((&self.guard, from.clone()))))
    }

    /// Counts a refusal that no honest caller meets by chance; too many suspend the caller.
    async fn count_refusal(&self, from: &Party, kind: &str, code: &str) -> Result<(), KeyError> {
        let telling = [codes::WRONG_PARTY, codes::CAP_EXCEEDED, codes::MANIFEST_MISMATCH, codes::BAD_ENCODING];
        if kind != PseudonymsSource::KIND || !telling.contains(&code) {
            return Ok(());
        }
        let now = self.zone.now();
        let many = {
            let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
            guard.refusals.retain(|(_, at)| *at > now.plus_seconds(-3_600));
            guard.refusals.push((from.clone(), now));
            guard.refusals.iter().filter(|(p, _)| p == from).count() > REFUSALS
        };
        if !many {
            return Ok(());
        }
        let suspend = async |tx: &mut Tx| {
            let sql = "INSERT INTO suspended_caller (party, at) VALUES ($1, $2) ON CONFLICT (party) DO NOTHING";
            tx.execute(sql, params![from.to_string(), now]).await?;
            let object = Object::new("party", from.to_string());
            let entry = Entry::new(&actions::CALLER, Actor::service("keys"), object)
                .purpose(Purpose::Security)
                .detail("suspended", true);
            self.zone.log.record(tx, entry).await?;
            Ok::<_, KeyError>(())
        };
        self.zone.store.tx("caller.suspend", suspend).await
    }

    async fn record_refusal(&self, from: &Party, kind: &str, refusal: &Refusal) -> Result<(), KeyError> {
        let call = if may_ask(&Party::Centre, kind) || may_ask(&Party::Data, kind) || may_ask_as_room(kind) {
            kind
        } else {
            "unknown"
        };
        let object = Object::new("service", "keys");
        let entry = Entry::new(&actions::REFUSE, Actor::service(from.to_string()), object)
            .refused(refusal.code.as_ref())
            .purpose(Purpose::Security)
            .detail("call", call);
        self.zone.log.record_alone(entry).await?;
        self.count_refusal(from, kind, &refusal.code).await
    }
}

/// A batch that is running.
struct Running<'a>(Option<(&'a Mutex<Guard>, Party)>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some((guard, party)) = &self.0 {
            let mut guard = guard.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = guard.running.iter().position(|p| p == party) {
                guard.running.swap_remove(at);
            }
        }
    }
}

/// Which party may ask what. What is not here does not exist.
pub(crate) fn may_ask(from: &Party, kind: &str) -> bool {
    let source = [
        IndexRegister::KIND,
        PseudonymsSource::KIND,
        ChoicesPermitted::KIND,
        LedgerRelease::KIND,
        LedgerVoid::KIND,
        PlanCurrent::KIND,
    ];
    match from {
        Party::Data => source.contains(&kind) || kind == GrantGate::KIND || kind == KeyReceiptNotice::KIND,
        Party::Source(_) => source.contains(&kind) || kind == KeyReceiptNotice::KIND,
        Party::Room(_) => may_ask_as_room(kind),
        Party::Centre => [
            ChoicesSet::KIND,
            ChoicesList::KIND,
            LedgerMe::KIND,
            LedgerRoots::KIND,
            LedgerVoid::KIND,
            KeysStatus::KIND,
            PlanCurrent::KIND,
            InsightTokenRequest::KIND,
            <PermitCurrentAnswer as Call>::KIND,
        ]
        .contains(&kind),
        Party::Keys => false,
    }
}

fn may_ask_as_room(kind: &str) -> bool {
    [LedgerKept::KIND, GrantRoomOut::KIND, KeyReceiptNotice::KIND, PlanCurrent::KIND].contains(&kind)
}

#[async_trait]
impl Service for KeyService {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        let result = if may_ask(from, kind) {
            match self.enter(from, kind).await {
                Ok(_running) => self.answer(from, kind, &body).await,
                Err(e) => Err(e),
            }
        } else {
            Err(KeyError::refused(codes::WRONG_PARTY))
        };
        match result {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let refusal = Refusal::from(error);
                self.record_refusal(from, kind, &refusal).await?;
                Err(refusal)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls that one party alone may make, and nobody else.
    #[test]
    fn key_001_who_may_ask_what() {
        let parties = [Party::Centre, Party::Keys, Party::Data, Party::Room("tsd".into()), Party::Source("npr".into())];
        let table = [
            ("index/register", "00101"),
            ("pseudonyms/source", "00101"),
            ("choices/permitted", "00101"),
            ("choices/set", "10000"),
            ("choices/list", "10000"),
            ("ledger/release", "00101"),
            ("ledger/kept", "00010"),
            ("ledger/void", "10101"),
            ("ledger/me", "10000"),
            ("ledger/roots", "10000"),
            ("grant/gate", "00100"),
            ("grant/room-out", "00010"),
            ("key/receipt", "00111"),
            ("keys/status", "10000"),
            ("plan/current", "10111"),
            ("insight/token", "10000"),
            ("permit/changed", "10000"),
            ("keys/export", "00000"),
        ];
        for (kind, row) in table {
            let found: String = parties.iter().map(|p| if may_ask(p, kind) { '1' } else { '0' }).collect();
            assert_eq!(found, row, "{kind}");
        }
    }
}
