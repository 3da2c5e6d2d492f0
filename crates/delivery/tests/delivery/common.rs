//! A small world for tests of deliveries: centre, key role, data zone and room, each with its own database and log,
//! speaking through the same signed messages as in production. The key role here is a plain one for tests: real
//! permutations and receipts, no keystore.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aes::Aes256;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use async_trait::async_trait;
use bytes::Bytes;
use delivery::{
    Deliveries, Extraction, ExtractionOptions, Intake, IntakeOptions, IntakeSecret, LocalAdapter, ResolvedCollection,
    ResolvedVariable, Resolver, RoomAdapter, RoomAdapters,
};
use engine::memory::{Fact, Literal, MemorySource};
use engine::source::{CodeEntry, CodeList, CodePeriod, DataType, Temporality, UnitType, VariableInfo, VariableSource};
use kernel::{Clock, Date, Id, LangMap, Problem, Random, Signer};
use protocol::calls::{
    self, Call, ChoicesPermitted, ChoicesPermittedAnswer, Done, Frame, GrantRoomOut, GrantRoomOutAnswer,
    KeyReceiptNotice, LedgerKept, LedgerRelease, LedgerReleaseAnswer, PermitCurrent, PermitCurrentAnswer, PlanCurrent,
    PlanCurrentAnswer, PseudonymsSource, permitted, pseudonyms,
};
use protocol::channel::codes;
use protocol::directory::{Directory, Entry};
use protocol::documents::{
    Assurance, GrantUse, KeyGrant, KeyReceipt, LinkagePlan, Permit, PlanCap, PlanOptOut, Receipt, ReceiptKind,
    ReleaseRecord, Relink, Unmapped,
};
use protocol::ids::{DeliveryId, ReleaseId, SnapshotId};
use protocol::peer::{Endpoint, Identity, Peer, Switchboard};
use protocol::permits::Permits;
use protocol::{Base64, Channel, Digest, Envelope, Key32, KeyRole, Party, Refusal, Secret32, Service, crypt4gh};
use testkit::TestZone;

pub use super::permits::{Breaking, RULE, part, permit, usual_permit};

pub const SERIES: &str = "NO-2026-000045";
pub const ROOM_SECRET: [u8; 32] = [0x52; 32];
pub const KEYS_SECRET: [u8; 32] = [0x4b; 32];

pub fn room() -> Party {
    Party::Room("tsd".into())
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// What the centre answers beside deliveries: the permit in force.
pub struct Centre {
    pub deliveries: Deliveries,
    pub permit: Mutex<PermitCurrentAnswer>,
}

#[async_trait]
impl Service for Centre {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if kind == PermitCurrent::KIND {
            let answer = self.permit.lock().unwrap().clone();
            return calls::write(&answer);
        }
        self.deliveries.handle(from, kind, body).await
    }
}

/// The key role of the tests.
pub struct Keys {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub k_in: [u8; 32],
    pub k_out: [u8; 32],
    /// Ordinals of those who chose not to be used.
    pub reserved: Mutex<BTreeSet<u32>>,
    /// Ordinals that the index does not know.
    pub unknown: Mutex<BTreeSet<u32>>,
    /// Deliveries: ordinals sealed, and those kept.
    pub released: Mutex<BTreeMap<DeliveryId, Vec<u32>>>,
    pub kept: Mutex<BTreeMap<DeliveryId, BTreeSet<u32>>>,
    pub roots: Mutex<HashMap<DeliveryId, (Digest, ReleaseId)>>,
    /// Acknowledgements of the room's key.
    pub installed: Mutex<Vec<KeyReceipt>>,
    /// Kinds that answer `unavailable` so many times more.
    pub failing: Mutex<HashMap<String, u32>>,
    pub calls: AtomicU64,
}

fn block(key: &[u8; 32], input: [u8; 16]) -> [u8; 16] {
    let mut block = input.into();
    Aes256::new(key.into()).encrypt_block(&mut block);
    block.into()
}

impl Keys {
    pub fn y(&self, ordinal: u32) -> [u8; 16] {
        let mut input = [0u8; 16];
        input[..4].copy_from_slice(&ordinal.to_le_bytes());
        input[4] = 1;
        block(&self.k_in, input)
    }

    pub fn pseudonym(&self, ordinal: u32) -> [u8; 16] {
        block(&self.k_out, self.y(ordinal))
    }

    fn plan(&self) -> LinkagePlan {
        LinkagePlan {
            message_id: Id::new(&*self.clock, &*self.random),
            series: SERIES.into(),
            permit_id: format!("{SERIES}-01"),
            plan_no: 1,
            protocol: "P1".into(),
            id_form: "O".into(),
            snapshot_date: day("2026-11-01"),
            relink: Relink::Stable,
            unmapped: Unmapped::Withhold,
            cohort_mode: "own_rule".into(),
            caps: ["npr", "ssb_fdb"]
                .map(|s| PlanCap { source: s.into(), max_persons: 1_000, max_deliveries: 3 })
                .to_vec(),
            room: room(),
            room_key: Key32(crypt4gh::public_key(&ROOM_SECRET)),
            room_key_id: self.signer.key_id(),
            optout: PlanOptOut::Exclude,
            destroy_at: day("2031-12-09"),
            assurance: Assurance::SingleOperator,
            at: self.clock.now(),
        }
    }

    fn release(&self, frame: Frame<LedgerRelease>) -> Result<LedgerReleaseAnswer, Refusal> {
        let header = frame.header;
        let list = crypt4gh::open(&frame.bytes, &KEYS_SECRET).map_err(|_| Refusal::new(codes::BAD_ENCODING))?;
        let ordinals: Vec<u32> = list.as_chunks::<4>().0.iter().map(|c| u32::from_le_bytes(*c)).collect();
        assert_eq!(ordinals.len() as u64, header.person_count_padded);
        let real: Vec<u32> = ordinals.iter().copied().filter(|o| *o != PseudonymsSource::PADDING).collect();
        assert_eq!(real.len() as u64, header.persons, "CIT-040: persons counted and persons listed");
        let mut roots = self.roots.lock().unwrap();
        let known = roots.get(&header.delivery_id).cloned();
        let release_id = match known {
            Some((root, id)) if root == header.person_root => id,
            Some(_) => return Err(Refusal::new(codes::REPLAY)),
            None => Id::new(&*self.clock, &*self.random),
        };
        roots.insert(header.delivery_id, (header.person_root.clone(), release_id));
        self.released.lock().unwrap().insert(header.delivery_id, ordinals);
        let receipt = Receipt {
            message_id: Id::new(&*self.clock, &*self.random),
            kind: ReceiptKind::Ledger,
            delivery_id: header.delivery_id,
            series: SERIES.into(),
            permit_id: header.permit.clone(),
            source: header.source.clone(),
            by: Party::Keys,
            at: self.clock.now(),
            code: None,
            release_id: Some(release_id),
            seq: Some(1),
            person_root: Some(header.person_root.clone()),
            record: None,
            persons: None,
            detail: None,
            previous_receipt: None,
        };
        let record = ReleaseRecord {
            release_id,
            seq: 1,
            series: SERIES.into(),
            permit_id: header.permit,
            title: "t".into(),
            purpose: "p".into(),
            source: header.source,
            tables: header.tables,
            variable_groups: header.variable_groups,
            period: header.period,
            room: room(),
            controller: "974767880".into(),
            legal_basis: "l".into(),
            delivered_at: self.clock.now(),
            count_band: "10-99".into(),
            protocol: "P1".into(),
            valid_to: day("2031-06-09"),
            delete_by: day("2031-12-09"),
            delivery_id: header.delivery_id,
            corrects: None,
        };
        Ok(LedgerReleaseAnswer { release_id, receipt: Envelope::of(&receipt, &*self.signer).unwrap(), record })
    }

    fn grant(&self, call: &GrantRoomOut) -> GrantRoomOutAnswer {
        let grant = KeyGrant {
            message_id: Id::new(&*self.clock, &*self.random),
            kind: "key-grant".into(),
            series: Some(SERIES.into()),
            permit_id: Some(call.permit.clone()),
            plan_no: Some(1),
            epoch: call.epoch,
            protocol: Some("P1".into()),
            usage: GrantUse::RoomOut,
            name: None,
            recipient: room(),
            id_form: Some("O".into()),
            snapshot_date: None,
            key_id: Id::new(&*self.clock, &*self.random),
            key: Secret32::new(self.k_out),
            max_values: None,
            not_before: self.clock.now(),
            not_after: self.clock.now().plus_seconds(3600),
            assurance: Assurance::SingleOperator,
        };
        let envelope = Envelope::of(&grant, &*self.signer).unwrap().to_bytes();
        let sealed = crypt4gh::seal(&envelope, &[crypt4gh::public_key(&ROOM_SECRET)], &*self.random).unwrap();
        GrantRoomOutAnswer { grant: Base64(sealed) }
    }
}

#[async_trait]
impl Service for Keys {
    async fn handle(&self, _from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(left) = self.failing.lock().unwrap().get_mut(kind).filter(|n| **n > 0) {
            *left -= 1;
            return Err(Refusal::new(codes::UNAVAILABLE));
        }
        match kind {
            PlanCurrent::KIND => {
                calls::write(&PlanCurrentAnswer { plan: Envelope::of(&self.plan(), &*self.signer).unwrap() })
            }
            ChoicesPermitted::KIND => {
                let frame = Frame::<ChoicesPermitted>::decode(&body)?;
                let ordinals = permitted::decode(&frame.bytes)?;
                let reserved = self.reserved.lock().unwrap();
                let may: Vec<bool> = ordinals.iter().map(|o| !reserved.contains(o)).collect();
                let header = ChoicesPermittedAnswer {
                    snapshot: SnapshotId::from_bytes([1; 16]),
                    at: self.clock.now(),
                    asked: may.len() as u64,
                    permitted: may.iter().filter(|m| **m).count() as u64,
                };
                Ok(permitted::encode_answer(header, &may)?)
            }
            PseudonymsSource::KIND => {
                let frame = Frame::<PseudonymsSource>::decode(&body)?;
                let ordinals = pseudonyms::decode(&frame.bytes)?;
                assert!(ordinals.len() >= PseudonymsSource::MIN, "KEY-091: the smallest batch");
                let unknown = self.unknown.lock().unwrap();
                let (mut values, mut errors) = (Vec::new(), Vec::new());
                for (i, ordinal) in ordinals.iter().enumerate() {
                    if unknown.contains(ordinal) {
                        values.push([0; 16]);
                        errors.push(calls::RowError { index: i as u32, code: calls::RowCode::UnknownPerson });
                    } else if *ordinal == PseudonymsSource::PADDING {
                        let mut random = [0u8; 16];
                        self.random.fill(&mut random);
                        values.push(random);
                    } else {
                        values.push(self.y(*ordinal));
                    }
                }
                Ok(pseudonyms::encode_answer(&values, &errors).into())
            }
            LedgerRelease::KIND => calls::write(&self.release(Frame::decode(&body)?)?),
            LedgerKept::KIND => {
                let frame = Frame::<LedgerKept>::decode(&body)?;
                let bits = crypt4gh::open(&frame.bytes, &KEYS_SECRET).unwrap();
                let released = self.released.lock().unwrap();
                let list = &released[&frame.header.delivery_id];
                let kept: BTreeSet<u32> =
                    (0..list.len()).filter(|i| bits[i / 8] >> (i % 8) & 1 == 1).map(|i| list[i]).collect();
                assert_eq!(kept.len() as u64, frame.header.kept);
                self.kept.lock().unwrap().insert(frame.header.delivery_id, kept);
                calls::write(&Done {})
            }
            KeyReceiptNotice::KIND => {
                let receipt = calls::read::<KeyReceiptNotice>(&body)?.receipt;
                self.installed.lock().unwrap().push(receipt.read_unverified().unwrap());
                calls::write(&Done {})
            }
            GrantRoomOut::KIND => calls::write(&self.grant(&calls::read(&body)?)),
            _ => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}

/// A catalogue of the tests' datasets.
pub struct Names;

pub const VARIABLES: &[(&str, &str, &str, &str)] = &[
    ("npr.somatikk.hovedtilstand", "no.fhi.npr/HOVEDTILSTAND1", "FIXED", "NPR_EPISODE"),
    ("npr.somatikk.innDato", "no.fhi.npr/INNDATO", "FIXED", "NPR_EPISODE"),
    ("npr.somatikk.liggetid", "no.fhi.npr/LIGGETID", "FIXED", "NPR_EPISODE"),
    ("npr.somatikk.lopenr", "", "FIXED", "NPR_EPISODE"),
    ("ssb_fdb.main.kjonn", "no.ssb.fdb/BEFOLKNING_KJOENN", "FIXED", "PERSON"),
    ("ssb_fdb.main.fodselsdato", "no.ssb.fdb/FODSELSDATO", "FIXED", "PERSON"),
    ("ssb_fdb.main.inntekt", "no.ssb.fdb/INNTEKT", "ACCUMULATED", "PERSON"),
    ("ssb_fdb.main.sivilstand", "no.ssb.fdb/SIVILSTAND", "EVENT", "PERSON"),
    ("ssb_fdb.main.formue", "no.ssb.fdb/FORMUE", "STATUS", "PERSON"),
];

#[async_trait]
impl Resolver for Names {
    async fn variable(&self, id: &str, _version: i64) -> Result<Option<ResolvedVariable>, Problem> {
        self.current_variable(id).await
    }
    async fn current_variable(&self, id: &str) -> Result<Option<ResolvedVariable>, Problem> {
        Ok(VARIABLES.iter().find(|v| v.0 == id).map(|(id, dataset, temporality, unit)| ResolvedVariable {
            id: (*id).into(),
            collection: id.rsplit_once('.').unwrap().0.into(),
            dataset: (!dataset.is_empty()).then(|| (*dataset).into()),
            temporality: (*temporality).into(),
            unit_type: (*unit).into(),
        }))
    }
    async fn collection(&self, id: &str) -> Result<Option<ResolvedCollection>, Problem> {
        Ok(Some(match id {
            "npr.somatikk" => ResolvedCollection {
                id: id.into(),
                person_pointer: Some("no.fhi.npr/NPRID".into()),
                date_variable: Some(("npr.somatikk.innDato".into(), "no.fhi.npr/INNDATO".into())),
            },
            "ssb_fdb.main" => ResolvedCollection { id: id.into(), person_pointer: None, date_variable: None },
            _ => return Ok(None),
        }))
    }
    async fn store_version(&self, _store: &str) -> Result<Option<String>, Problem> {
        Ok(Some("1.0.0.0".into()))
    }
}

/// Person, diagnosis, day of admission, days in hospital; none = missing.
pub type Episode = (u32, Option<&'static str>, Option<Date>, Option<i64>);

/// Random facts about `persons` persons, the same for the same seed.
pub struct Facts {
    pub persons: u32,
    pub episodes: Vec<Episode>,
    pub sex: Vec<&'static str>,
    pub born: Vec<Date>,
    /// Person, year, income.
    pub income: Vec<(u32, i16, i64)>,
    /// Person, status, first day, last day.
    pub marital: Vec<(u32, &'static str, Date, Option<Date>)>,
    /// Person, day, wealth.
    pub wealth: Vec<(u32, Date, i64)>,
}

/// A small generator of numbers for test data.
pub struct Dice(u64);
impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

const DIAGNOSES: [&str; 7] = ["I60", "I61.2", "I63.9", "I64", "J45", "K35.8", "I59.1"];

impl Facts {
    pub fn random(seed: u64, persons: u32) -> Self {
        let mut dice = Dice::new(seed);
        let from = day("2016-01-01").days();
        let any_day = |dice: &mut Dice, span: u64| Date::from_days(from + dice.below(span) as i32);
        let episodes = (0..persons * 3)
            .map(|_| {
                let person = dice.below(u64::from(persons)) as u32;
                let code = (dice.below(12) > 0).then(|| DIAGNOSES[dice.below(7) as usize]);
                let at = (dice.below(15) > 0).then(|| any_day(&mut dice, 2600));
                (person, code, at, (dice.below(4) > 0).then(|| dice.below(30) as i64))
            })
            .collect();
        let mut marital = Vec::new();
        for person in 0..persons {
            let mut start = any_day(&mut dice, 800);
            for code in ["1", "2", "3"].into_iter().take(dice.below(4) as usize) {
                let stop = (dice.below(4) > 0).then(|| start.plus_days(dice.below(900) as i32));
                marital.push((person, code, start, stop));
                match stop {
                    Some(stop) => start = stop.plus_days(1),
                    None => break,
                }
            }
        }
        let income = (0..persons)
            .flat_map(|p| (2016i16..2023).map(move |y| (p, y)))
            .filter(|_| dice.below(3) > 0)
            .map(|(p, y)| (p, y, i64::from(p) * 1000 + i64::from(y)))
            .collect();
        let wealth = (0..persons)
            .flat_map(|p| (2016i16..2023).map(move |y| (p, Date::new(y, 12, 31).unwrap())))
            .filter(|(p, _)| p % 2 == 0)
            .map(|(p, d)| (p, d, i64::from(p) + 7))
            .collect();
        Self {
            persons,
            episodes,
            sex: (0..persons).map(|p| if p % 2 == 0 { "1" } else { "2" }).collect(),
            born: (0..persons).map(|p| Date::from_days(p as i32 * 97 - 3000)).collect(),
            income,
            marital,
            wealth,
        }
    }

    pub fn source(&self) -> MemorySource {
        let person = || Arc::new(UnitType::built_in("PERSON").unwrap());
        let episode = || Arc::new(UnitType::built_in("NPR_EPISODE").unwrap());
        let fixed = |unit: u32, value: Literal| Fact { unit, value, start: None, stop: None };
        let text = |t: &str| Literal::Text(t.into());
        let each = |f: &dyn Fn(u32, &Episode) -> Option<Fact>| {
            self.episodes.iter().enumerate().filter_map(|(i, e)| f(i as u32, e)).collect::<Vec<_>>()
        };
        let key = DataType::Key(person());
        let codes = |list: &[&str]| CodeList {
            periods: vec![CodePeriod {
                from: None,
                until: None,
                codes: list
                    .iter()
                    .map(|c| CodeEntry { code: (*c).into(), label: LangMap::of(c, c, c), missing: *c == "9" })
                    .collect(),
            }],
            changes: Vec::new(),
        };
        let info = |dataset: &str, unit: Arc<UnitType>, temporality, data_type, list: Option<CodeList>| {
            let (store, name) = dataset.split_once('/').unwrap();
            VariableInfo {
                store: store.into(),
                version: "1.0.0.0".into(),
                name: name.into(),
                title: LangMap::of(name, name, name),
                description: LangMap::default(),
                unit_type: unit,
                temporality,
                data_type,
                covered_from: None,
                covered_until: None,
                status_dates: Vec::new(),
                code_list: list,
            }
        };
        use Temporality::{Accumulated, Event, Fixed, Status};
        MemorySource::new(true)
            .space("FNR", self.persons, &[1; 32])
            .space("NPR_EPISODE_ID", self.episodes.len() as u32, &[2; 32])
            .variable(
                info("no.fhi.npr/HOVEDTILSTAND1", episode(), Fixed, DataType::Text, None),
                each(&|i, e| e.1.map(|c| fixed(i, text(c)))),
            )
            .variable(
                info("no.fhi.npr/INNDATO", episode(), Fixed, DataType::Date, None),
                each(&|i, e| e.2.map(|d| fixed(i, Literal::Integer(d.days().into())))),
            )
            .variable(
                info("no.fhi.npr/LIGGETID", episode(), Fixed, DataType::Integer, None),
                each(&|i, e| e.3.map(|n| fixed(i, Literal::Integer(n)))),
            )
            .variable(
                info("no.fhi.npr/NPRID", episode(), Fixed, key, None),
                each(&|i, e| Some(fixed(i, Literal::Integer(e.0.into())))),
            )
            .variable(
                info("no.ssb.fdb/BEFOLKNING_KJOENN", person(), Fixed, DataType::Text, Some(codes(&["1", "2", "9"]))),
                self.sex.iter().enumerate().map(|(i, s)| fixed(i as u32, text(s))).collect(),
            )
            .variable(
                info("no.ssb.fdb/FODSELSDATO", person(), Fixed, DataType::Date, None),
                self.born.iter().enumerate().map(|(i, d)| fixed(i as u32, Literal::Integer(d.days().into()))).collect(),
            )
            .variable(
                info("no.ssb.fdb/INNTEKT", person(), Accumulated, DataType::Integer, None),
                self.income
                    .iter()
                    .map(|(p, y, n)| Fact {
                        unit: *p,
                        value: Literal::Integer(*n),
                        start: Date::new(*y, 1, 1).ok(),
                        stop: Date::new(*y, 12, 31).ok(),
                    })
                    .collect(),
            )
            .variable(
                info("no.ssb.fdb/SIVILSTAND", person(), Event, DataType::Text, Some(codes(&["1", "2"]))),
                self.marital
                    .iter()
                    .map(|(p, c, start, stop)| Fact { unit: *p, value: text(c), start: Some(*start), stop: *stop })
                    .collect(),
            )
            .variable(
                info("no.ssb.fdb/FORMUE", person(), Status, DataType::Integer, None),
                self.wealth
                    .iter()
                    .map(|(p, d, n)| Fact { unit: *p, value: Literal::Integer(*n), start: Some(*d), stop: Some(*d) })
                    .collect(),
            )
    }
}

/// All zones.
pub struct World {
    pub adapter: Arc<Breaking>,
    pub centre_zone: TestZone,
    pub data_zone: TestZone,
    pub room_zone: TestZone,
    pub keys_zone: TestZone,
    pub centre: Arc<Centre>,
    pub keys: Arc<Keys>,
    pub extraction: Extraction,
    pub intake: Intake,
    pub directory: Arc<Directory>,
    pub switchboard: Arc<Switchboard>,
    pub permit: Envelope,
    pub inbox: PathBuf,
    pub outbox: PathBuf,
    pub out: PathBuf,
}

/// The zones' own databases; those not given are new SQLite files.
#[derive(Default)]
pub struct Zones {
    pub centre: Option<TestZone>,
    pub data: Option<TestZone>,
    pub room: Option<TestZone>,
}

fn identity(party: &Party, zone: &audit::Zone, directory: &Arc<Directory>) -> Identity {
    Identity {
        party: party.clone(),
        signer: zone.signer.clone(),
        directory: directory.clone(),
        clock: zone.clock.clone(),
        random: zone.random.clone(),
    }
}

impl World {
    pub async fn new(permit: &Permit, source: Arc<dyn VariableSource>) -> Self {
        Self::with(permit, source, Zones::default()).await
    }

    pub async fn with(permit: &Permit, source: Arc<dyn VariableSource>, zones: Zones) -> Self {
        let centre_zone = match zones.centre {
            Some(zone) => zone,
            None => testkit::zone("centre").await,
        };
        let data_zone = match zones.data {
            Some(zone) => zone,
            None => testkit::zone("data").await,
        };
        let room_zone = match zones.room {
            Some(zone) => zone,
            None => testkit::zone("room").await,
        };
        let keys_zone = testkit::zone("keys").await;
        let key = |z: &TestZone| z.signer.public_key();
        let entry = |party: Party, role, zone: &TestZone, sealing: Option<[u8; 32]>| {
            Entry::new(party, role, key(zone), sealing.map(|s| crypt4gh::public_key(&s)))
        };
        let directory = Arc::new(Directory::new([
            entry(Party::Centre, KeyRole::Channel, &centre_zone, None),
            entry(Party::Centre, KeyRole::PermitAuthority, &centre_zone, None),
            entry(Party::Keys, KeyRole::Channel, &keys_zone, Some(KEYS_SECRET)),
            entry(Party::Keys, KeyRole::KeyService, &keys_zone, None),
            entry(Party::Keys, KeyRole::Ledger, &keys_zone, None),
            entry(Party::Data, KeyRole::Channel, &data_zone, None),
            entry(Party::Data, KeyRole::Source, &data_zone, None),
            entry(room(), KeyRole::Channel, &room_zone, None),
            entry(room(), KeyRole::Intake, &room_zone, Some(ROOM_SECRET)),
        ]));
        let switchboard = Arc::new(Switchboard::default());
        let channel = |party: &Party, zone: &TestZone| -> Arc<dyn Channel> {
            Arc::new(Peer::new(identity(party, zone, &directory), switchboard.clone()))
        };
        let serve = |party: &Party, zone: &TestZone, service: Arc<dyn Service>| {
            switchboard.connect(Arc::new(Endpoint::new(identity(party, zone, &directory), service)));
        };

        Deliveries::migrate(&centre_zone.store).await.unwrap();
        Extraction::migrate(&data_zone.store).await.unwrap();
        Intake::migrate(&room_zone.store).await.unwrap();

        let keys = Arc::new(Keys {
            signer: keys_zone.signer.clone(),
            clock: keys_zone.clock.clone(),
            random: keys_zone.random.clone(),
            k_in: [0x11; 32],
            k_out: [0x22; 32],
            reserved: Mutex::default(),
            unknown: Mutex::default(),
            released: Mutex::default(),
            kept: Mutex::default(),
            roots: Mutex::default(),
            installed: Mutex::default(),
            failing: Mutex::default(),
            calls: AtomicU64::new(0),
        });
        serve(&Party::Keys, &keys_zone, keys.clone());

        let signed = Envelope::of(permit, &*centre_zone.signer).unwrap();
        let deliveries = Deliveries::new(
            centre_zone.zone(),
            channel(&Party::Centre, &centre_zone),
            directory.clone(),
            Arc::new(Names),
        );
        let centre = Arc::new(Centre {
            deliveries,
            permit: Mutex::new(PermitCurrentAnswer { permit: signed.clone(), hold: false, title: "Stroke".into() }),
        });
        serve(&Party::Centre, &centre_zone, centre.clone());

        let inbox = room_zone.folder.path().join("inbox");
        let out = room_zone.folder.path().join("out");
        let outbox = data_zone.folder.path().join("outbox");
        let permits = |party: &Party, zone: &TestZone| {
            Arc::new(Permits::new(channel(party, zone), directory.clone(), zone.zone().clock))
        };
        let adapter =
            Arc::new(Breaking { inner: LocalAdapter::new(&inbox), left: Mutex::new(None), pieces: AtomicU64::new(0) });
        let adapters: Arc<dyn RoomAdapters> =
            Arc::new(HashMap::from([(room(), adapter.clone() as Arc<dyn RoomAdapter>)]));
        let extraction = Extraction::new(
            data_zone.zone(),
            channel(&Party::Data, &data_zone),
            directory.clone(),
            permits(&Party::Data, &data_zone),
            source,
            adapters,
            ExtractionOptions { outbox: outbox.clone() },
        );
        serve(&Party::Data, &data_zone, Arc::new(extraction.clone()));
        let intake = Intake::new(
            room_zone.zone(),
            channel(&room(), &room_zone),
            directory.clone(),
            permits(&room(), &room_zone),
            IntakeSecret::new(ROOM_SECRET),
            IntakeOptions { room: room(), inbox: inbox.clone(), out: out.clone(), csv: true },
        );
        serve(&room(), &room_zone, Arc::new(intake.clone()));
        Self {
            adapter,
            centre_zone,
            data_zone,
            room_zone,
            keys_zone,
            centre,
            keys,
            extraction,
            intake,
            directory,
            switchboard,
            permit: signed,
            inbox,
            outbox,
            out,
        }
    }

    pub fn deliveries(&self) -> &Deliveries {
        &self.centre.deliveries
    }

    /// Moves every clock.
    pub fn later(&self, seconds: i64) {
        for zone in [&self.centre_zone, &self.data_zone, &self.room_zone, &self.keys_zone] {
            zone.clock.advance_micros(seconds * 1_000_000);
        }
    }

    /// Puts another version of the permit in force.
    pub fn amend(&mut self, permit: &Permit, hold: bool) {
        self.permit = Envelope::of(permit, &*self.centre_zone.signer).unwrap();
        *self.centre.permit.lock().unwrap() =
            PermitCurrentAnswer { permit: self.permit.clone(), hold, title: "Stroke".into() };
    }

    /// Works until the packages lie in the inbox; the room does not open them.
    pub async fn deliver_unopened(&self) -> Vec<DeliveryId> {
        self.switchboard.disconnect(&room());
        self.deliveries().order(&self.permit, &[]).await.unwrap();
        self.deliveries().work().await.unwrap();
        self.extraction.work().await.unwrap();
        let names = std::fs::read_dir(&self.inbox).unwrap();
        let mut ids: Vec<DeliveryId> =
            names.map(|e| e.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
        ids.sort();
        ids
    }

    /// Orders and works until nothing is left to do.
    pub async fn deliver(&self) -> delivery::Ordered {
        let ordered = self.deliveries().order(&self.permit, &[]).await.unwrap();
        self.work().await;
        ordered
    }

    pub async fn work(&self) {
        for _ in 0..8 {
            let sent = self.deliveries().work().await.unwrap();
            let extracted = self.extraction.work().await.unwrap();
            let opened = self.intake.work().await.unwrap();
            if sent + extracted + opened == 0 {
                return;
            }
        }
    }

    /// Ordinal of a person by dense id, from the room's vault: only a test can do this, it knows all keys.
    pub async fn ordinals(&self, facts: &Facts) -> HashMap<u32, u32> {
        let rows = self
            .room_zone
            .store
            .read("vault", async |tx: &mut store::Tx| {
                tx.query("SELECT series, sealed FROM room_vault", store::params![]).await
            })
            .await
            .unwrap();
        let by_pseudonym: HashMap<[u8; 16], u32> = (0..facts.persons).map(|o| (self.keys.pseudonym(o), o)).collect();
        let mut ids = HashMap::new();
        for row in rows {
            let series: String = row.get(0).unwrap();
            let sealed: Vec<u8> = row.get(1).unwrap();
            let plain = self.room_zone.sealer.open(&format!("room_vault/{series}/sealed"), &sealed).unwrap();
            for entry in plain.chunks_exact(24) {
                let pseudonym: [u8; 16] = entry[..16].try_into().unwrap();
                ids.insert(u32::from_le_bytes(entry[16..20].try_into().unwrap()), by_pseudonym[&pseudonym]);
            }
        }
        ids
    }

    /// Rows of an opened CSV: the ordinal instead of the dense id, then the other fields.
    pub async fn rows(&self, facts: &Facts, source: &str, table: &str) -> BTreeMap<Vec<String>, usize> {
        self.rows_of(facts, source, 1, table).await
    }

    /// As [`World::rows`], of the delivery with this sequence.
    pub async fn rows_of(
        &self,
        facts: &Facts,
        source: &str,
        sequence: u32,
        table: &str,
    ) -> BTreeMap<Vec<String>, usize> {
        let ordinals = self.ordinals(facts).await;
        let path = self.out.join(SERIES).join(source).join(sequence.to_string()).join(format!("{table}.csv"));
        let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(path).unwrap();
        let mut rows = BTreeMap::new();
        for record in reader.records() {
            let mut fields: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
            fields[0] = ordinals[&fields[0].parse().unwrap()].to_string();
            *rows.entry(fields).or_insert(0) += 1;
        }
        rows
    }

    pub fn header(&self, source: &str, table: &str) -> Vec<String> {
        let path = self.out.join(SERIES).join(source).join("1").join(format!("{table}.csv"));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().next().unwrap().split(';').map(str::to_owned).collect()
    }
}

/// The persons of [`RULE`] among these facts, found by going through all episodes.
pub fn expected_persons(facts: &Facts) -> BTreeSet<u32> {
    let (from, to) = (day("2018-01-01"), day("2020-12-31"));
    let stroke = |c: &str| ["I60", "I61", "I62", "I63", "I64"].iter().any(|p| c.starts_with(p));
    let hit = |e: &&Episode| e.1.is_some_and(stroke) && e.2.is_some_and(|d| from <= d && d <= to);
    facts.episodes.iter().filter(hit).map(|e| e.0).collect()
}

/// Counts equal rows.
pub fn bag(rows: impl IntoIterator<Item = Vec<String>>) -> BTreeMap<Vec<String>, usize> {
    let mut out = BTreeMap::new();
    for row in rows {
        *out.entry(row).or_insert(0) += 1;
    }
    out
}
