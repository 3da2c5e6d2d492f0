//! The key role with everything around it: a centre that knows one permit, a data zone and a room with their keys.
#![expect(dead_code, reason = "each test binary uses a part of it")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::identity_number::Environment;
use kernel::{FixedClock, Id, IdentityNumber, Random, Signer, Timestamp};
use keys::{KeyService, KeyServiceParts, SoftKeystore};
use protocol::calls::{
    Call, ChoicesList, ChoicesListAnswer, ChoicesPermitted, ChoicesPermittedAnswer, ChoicesSet, Frame, GrantRoomOut,
    GrantRoomOutAnswer, IdCheck, IndexRegister, KeyReceiptNotice, LedgerKept, LedgerMe, LedgerMeAnswer, LedgerRelease,
    LedgerReleaseAnswer, PermitCurrentAnswer, PseudonymsSource, Registered, RowError, SourceUse, index_register,
    permitted, pseudonyms,
};
use protocol::channel::codes;
use protocol::directory::Entry;
use protocol::documents::{ChoiceKind, ChoiceReceipt, ExtractionOrder, KeyGrant, Permit, Receipt, ReceiptKind};
use protocol::ids::{ChoiceId, DeliveryId, OrderId};
use protocol::{Base64, CallError, Channel, Digest, Directory, Envelope, KeyRole, Party, Refusal, Service, crypt4gh};
use testkit::{FixedSigner, Seeded, TestZone};

pub const SERIES: &str = "NO-2026-000045";
pub const PERMIT: &str = "NO-2026-000045-01";

/// A centre that answers `permit/current`.
#[derive(Default)]
pub struct Centre(pub Mutex<Option<PermitCurrentAnswer>>);

#[async_trait]
impl Channel for Centre {
    async fn call(&self, to: &Party, kind: &str, _: Bytes) -> Result<Bytes, CallError> {
        assert_eq!((to, kind), (&Party::Centre, "permit/current"));
        let answer = self.0.lock().unwrap().clone();
        let answer = answer.ok_or_else(|| Refusal::new(codes::NOT_FOUND))?;
        Ok(protocol::calls::write(&answer).unwrap())
    }
}

pub struct World {
    pub service: KeyService,
    pub zone: TestZone,
    pub clock: Arc<FixedClock>,
    pub keystore: Arc<SoftKeystore>,
    pub directory: Arc<Directory>,
    pub centre: Arc<Centre>,
    pub random: Seeded,
    /// The data zone's and the room's keystores.
    pub data: SoftKeystore,
    pub room: SoftKeystore,
}

pub fn room() -> Party {
    Party::Room("tsd".into())
}

pub fn authority() -> FixedSigner {
    FixedSigner::named("permit authority")
}

impl World {
    pub async fn new(zone: TestZone) -> Self {
        KeyService::migrate(&zone.store).await.unwrap();
        let clock = zone.clock.clone();
        let open = |name: &str| {
            SoftKeystore::open_or_init(&zone.folder.path().join(name), zone.clock.clone(), zone.random.clone()).unwrap()
        };
        let (keystore, data, in_room) = (Arc::new(open("keystore")), open("data"), open("room"));
        let mut directory = Directory::new(KeyService::entries(&keystore).unwrap());
        let public = |k: &SoftKeystore, label: &str| k.signer(label).unwrap().public_key();
        let sealing = |k: &SoftKeystore| Some(k.x25519("seal").unwrap().public());
        directory.add(Entry::new(Party::Centre, KeyRole::PermitAuthority, authority().public_key(), None));
        directory.add(Entry::new(Party::Data, KeyRole::Channel, public(&data, "channel"), sealing(&data)));
        directory.add(Entry::new(room(), KeyRole::Intake, public(&in_room, "intake"), sealing(&in_room)));
        let other = Party::Room("hunt".into());
        directory.add(Entry::new(other, KeyRole::Intake, FixedSigner::named("hunt").public_key(), Some([9; 32])));
        let directory = Arc::new(directory);
        let centre = Arc::new(Centre::default());
        let service = service(&zone, &keystore, &directory, &centre);
        let world =
            Self { service, clock, keystore, directory, centre, random: Seeded::new(5), data, room: in_room, zone };
        world.grant(|_| {});
        world
    }

    /// The same zone after a restart of the process.
    pub fn restart(&mut self) {
        self.service = service(&self.zone, &self.keystore, &self.directory, &self.centre);
    }

    pub fn ledger_dir(&self) -> PathBuf {
        self.zone.folder.path().join("ledger")
    }

    /// Makes the centre know this version of the permit.
    pub fn grant(&self, change: impl Fn(&mut Permit)) -> PermitCurrentAnswer {
        let mut permit = permit();
        change(&mut permit);
        let envelope = Envelope::of(&permit, &authority()).unwrap();
        let answer = PermitCurrentAnswer { permit: envelope, hold: false, title: "Stroke after reperfusion".into() };
        *self.centre.0.lock().unwrap() = Some(answer.clone());
        answer
    }

    pub async fn ask<C: Call>(&self, from: &Party, call: &C) -> Result<C::Answer, Refusal> {
        let body = self.service.handle(from, C::KIND, protocol::calls::write(call).unwrap()).await?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    pub async fn register(&self, ids: &[String]) -> Registered {
        self.register_as("FNR", IdCheck::National, None, ids).await.unwrap()
    }

    pub async fn register_as(
        &self,
        id_type: &str,
        check: IdCheck,
        space: Option<&str>,
        ids: &[String],
    ) -> Result<Registered, Refusal> {
        let header =
            IndexRegister { job: "job-1".into(), id_type: id_type.into(), check, space: space.map(str::to_owned) };
        let body = Frame::new(header, index_register::encode(ids).unwrap()).encode().unwrap();
        let answer = self.service.handle(&Party::Data, IndexRegister::KIND, body).await?;
        Ok(index_register::decode_answer(&answer, ids.len()).unwrap())
    }

    pub fn id<K: kernel::Kind>(&self) -> Id<K> {
        Id::new(&*self.clock, &self.random)
    }

    /// A container with a number, as the centre makes it.
    pub fn subject(&self, number: &str) -> Base64 {
        let key = self.directory.sealing_key(&Party::Keys, KeyRole::Channel).unwrap();
        Base64(crypt4gh::seal(number.as_bytes(), &[key], &self.random).unwrap())
    }

    pub async fn choose(
        &self,
        number: &str,
        choice: ChoiceKind,
        scope: &str,
        value: bool,
    ) -> Result<ChoiceReceipt, Refusal> {
        let question = ChoicesSet {
            subject: self.subject(number),
            choice_id: self.id::<protocol::ids::Choice>(),
            choice,
            scope: scope.into(),
            value,
            channel: "web".into(),
            by: "01JCZK0000000000000000ACT1".into(),
            template_version: "1".into(),
        };
        let answer = self.ask(&Party::Centre, &question).await?;
        Ok(answer.receipt.open(&self.directory).unwrap())
    }

    pub async fn choices(&self, number: &str) -> ChoicesListAnswer {
        self.ask(&Party::Centre, &ChoicesList { subject: self.subject(number) }).await.unwrap()
    }

    pub async fn permitted(
        &self,
        order_id: OrderId,
        ordinals: &[u32],
    ) -> Result<(ChoicesPermittedAnswer, Vec<bool>), Refusal> {
        let purpose = SourceUse::Extraction { permit: PERMIT.into(), order_id };
        self.permitted_for(purpose, ordinals).await
    }

    pub async fn permitted_for(
        &self,
        purpose: SourceUse,
        ordinals: &[u32],
    ) -> Result<(ChoicesPermittedAnswer, Vec<bool>), Refusal> {
        let header = ChoicesPermitted { purpose, source: "npr".into() };
        let body = Frame::new(header, permitted::encode(ordinals).unwrap()).encode().unwrap();
        let answer = self.service.handle(&Party::Data, ChoicesPermitted::KIND, body).await?;
        Ok(permitted::decode_answer(&answer, ordinals.len()).unwrap())
    }

    pub fn order(&self, change: impl Fn(&mut ExtractionOrder)) -> Envelope {
        let now = kernel::Clock::now(&*self.clock);
        let mut order: ExtractionOrder = serde_json::from_value(serde_json::json!({
            "order_id": self.id::<protocol::ids::Order>(), "series": SERIES, "permit_id": PERMIT, "plan_no": 1,
            "source": "npr", "sequence": 1,
            "population": {"mode": "own_rule", "expr": "true", "max_persons": 2000}, "tables": [],
            "optout": {"rule": "exclude"},
            "pseudonym": {"protocol": "P1", "mode": "service", "id_form": "O", "epoch": 1},
            "room": {"id": "room:tsd", "adapter": "local", "intake_key": Base64(vec![1; 32])},
            "format": "parquet", "pad": true, "not_before": now, "not_after": now.plus_seconds(86_400)
        }))
        .unwrap();
        change(&mut order);
        Envelope::of(&order, &authority()).unwrap()
    }

    pub async fn pseudonyms(
        &self,
        delivery: DeliveryId,
        ordinals: &[u32],
    ) -> Result<(Vec<[u8; 16]>, Vec<RowError>), Refusal> {
        self.pseudonyms_with(delivery, ordinals, |_| {}).await
    }

    pub async fn pseudonyms_with(
        &self,
        delivery: DeliveryId,
        ordinals: &[u32],
        change: impl Fn(&mut PseudonymsSource),
    ) -> Result<(Vec<[u8; 16]>, Vec<RowError>), Refusal> {
        let mut header = PseudonymsSource {
            permit: PERMIT.into(),
            source: "npr".into(),
            delivery,
            epoch: 1,
            order: self.order(|_| {}),
        };
        change(&mut header);
        let body = Frame::new(header, pseudonyms::encode(ordinals).unwrap()).encode().unwrap();
        let answer = self.service.handle(&Party::Data, PseudonymsSource::KIND, body).await?;
        Ok(pseudonyms::decode_answer(&answer).unwrap())
    }

    pub fn release_header(&self, delivery_id: DeliveryId, list: &[u32]) -> LedgerRelease {
        LedgerRelease {
            delivery_id,
            permit: PERMIT.into(),
            source: "npr".into(),
            tables: vec!["npr.somatikk".into()],
            variable_groups: vec!["diagnoses".into()],
            period: ("2018-01-01".parse().unwrap(), "2024-12-31".parse().unwrap()),
            person_root: Digest::sha256(b"root"),
            person_count_padded: list.len() as u64,
            persons: list.iter().filter(|o| **o != PseudonymsSource::PADDING).count() as u64,
            corrects: None,
        }
    }

    pub async fn release(&self, header: LedgerRelease, list: &[u32]) -> Result<LedgerReleaseAnswer, Refusal> {
        let key = self.directory.sealing_key(&Party::Keys, KeyRole::Channel).unwrap();
        let plain: Vec<u8> = list.iter().flat_map(|o| o.to_le_bytes()).collect();
        let sealed = crypt4gh::seal(&plain, &[key], &self.random).unwrap();
        let body = Frame::new(header, sealed).encode().unwrap();
        let answer = self.service.handle(&Party::Data, LedgerRelease::KIND, body).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    pub fn opened(&self, delivery_id: DeliveryId) -> Envelope {
        let receipt = Receipt {
            message_id: self.id(),
            kind: ReceiptKind::Opened,
            delivery_id,
            series: SERIES.into(),
            permit_id: PERMIT.into(),
            source: "npr".into(),
            by: room(),
            at: kernel::Clock::now(&*self.clock),
            code: None,
            release_id: None,
            seq: None,
            person_root: None,
            record: None,
            persons: None,
            detail: None,
            previous_receipt: None,
        };
        Envelope::of(&receipt, &*self.room.signer("intake").unwrap()).unwrap()
    }

    /// The room tells which rows of the person table it kept.
    pub async fn kept(&self, release: &LedgerReleaseAnswer, rows: usize, kept: &[usize]) -> Result<Receipt, Refusal> {
        let mut bits = vec![0u8; rows.div_ceil(8)];
        kept.iter().for_each(|i| bits[i / 8] |= 1 << (i % 8));
        let key = self.directory.sealing_key(&Party::Keys, KeyRole::Channel).unwrap();
        let delivery_id = release.record.delivery_id;
        let header = LedgerKept {
            release_id: release.release_id,
            delivery_id,
            opened: self.opened(delivery_id),
            kept: kept.len() as u64,
        };
        let body = Frame::new(header, crypt4gh::seal(&bits, &[key], &self.random).unwrap()).encode().unwrap();
        let answer = self.service.handle(&room(), LedgerKept::KIND, body).await?;
        let notice: KeyReceiptNotice = serde_json::from_slice(&answer).unwrap();
        Ok(notice.receipt.open(&self.directory).unwrap())
    }

    pub async fn room_key(&self, delivery_id: DeliveryId) -> Result<KeyGrant, Refusal> {
        let question = GrantRoomOut { permit: PERMIT.into(), epoch: 1, delivery_id };
        let GrantRoomOutAnswer { grant } = self.ask(&room(), &question).await?;
        let plain = self.room.x25519("seal").unwrap().open(&grant.0).unwrap();
        Ok(Envelope::parse(&plain).unwrap().open(&self.directory).unwrap())
    }

    pub async fn me(&self, number: &str) -> LedgerMeAnswer {
        self.ask(&Party::Centre, &LedgerMe { subject: self.subject(number) }).await.unwrap()
    }

    pub fn later(&self, seconds: i64) -> Timestamp {
        self.clock.advance_micros(seconds * 1_000_000);
        kernel::Clock::now(&*self.clock)
    }
}

fn service(
    zone: &TestZone,
    keystore: &Arc<SoftKeystore>,
    directory: &Arc<Directory>,
    centre: &Arc<Centre>,
) -> KeyService {
    KeyService::new(KeyServiceParts {
        zone: zone.zone(),
        keystore: keystore.clone(),
        directory: directory.clone(),
        channel: centre.clone(),
        ledger_dir: zone.folder.path().join("ledger"),
        environment: Environment::Test,
    })
    .unwrap()
}

pub fn permit() -> Permit {
    serde_json::from_value(serde_json::json!({
        "permit_id": PERMIT, "series": SERIES, "status": "GRANTED", "case": "A-2026-000123",
        "decision": "A-2026-000123/V1", "first_issued_at": "2026-11-20T11:02:09.000000Z",
        "issued_at": "2026-11-20T11:02:09.000000Z", "valid_from": "2026-11-20", "valid_to": "2031-06-09",
        "extension_used": false, "delete_by": "2031-12-09", "profile": "NO/1",
        "purpose": {"ehds": ["e"], "text": "Outcome after stroke"}, "controller": {"orgnr": "999888777"},
        "pi": "person:7f3a", "format": "pseudonymised",
        "population": {"expr": "true", "max_persons": 1000, "optout": "exclude"},
        "sources": [{"source": "npr", "collection": "npr.somatikk", "outcome": "granted",
            "period": ["2018-01-01", "2024-12-31"],
            "variables": [{"id": "npr.somatikk.hovedtilstand", "version": 1, "granularity": "as_is"}]},
          {"source": "dar", "collection": "dar.main", "outcome": "refused", "period": ["2018-01-01", "2024-12-31"],
            "variables": []}],
        "linkage": {"method": "project_key", "body": "key-service", "key_retention": "delete_after_delivery"},
        "external_data": [], "recurrence": {"kind": "yearly", "until": "2027-12-31"},
        "persons": [], "room": {"id": "room:tsd", "tools": [], "cpu": 1, "mem_gb": 1},
        "output": {"rules": "default-2026", "min_cell": 10, "review": "two_blind"}, "conditions": [], "fee_max_ore": 0
    }))
    .unwrap()
}

/// Synthetic numbers, all different.
pub fn numbers(n: usize) -> Vec<String> {
    let mut out = Vec::with_capacity(n);
    'all: for year in 0..100u8 {
        for month in 1..=12u8 {
            for day in 1..=28u8 {
                for individual in 0..4u16 {
                    if out.len() == n {
                        break 'all;
                    }
                    out.extend(IdentityNumber::synthetic(day, month, year, individual).map(|i| i.reveal().to_owned()));
                }
            }
        }
    }
    assert_eq!(out.len(), n);
    out
}

/// Ordinals followed by padding up to `n` rows.
pub fn padded(ordinals: &[u32], n: usize) -> Vec<u32> {
    let mut out = ordinals.to_vec();
    out.resize(n, PseudonymsSource::PADDING);
    out
}

pub fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().code.into_owned()
}

pub fn fill(random: &dyn Random) -> [u8; 16] {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes
}

pub fn choice_id(world: &World) -> ChoiceId {
    world.id()
}
