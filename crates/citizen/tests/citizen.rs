//! What a citizen sees and decides, on both databases. Key role and data zone here are plain ones for tests, behind the
//! same signed messages as in production.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use catalogue::Catalogue;
use citizen::{ChoiceRequest, Citizen, Project, Projects, ReceiptError, verify_receipt};
use identity::{Actor, DemoPerson, Identity, Role};
use kernel::{Clock, Date, Id, IdentityNumber, LangMap, Problem, Random, Signer, Timestamp};
use protocol::calls::{
    self, Call, ChoiceEntry, ChoicesList, ChoicesListAnswer, ChoicesSet, ChoicesSetAnswer, CollectionMetadata,
    DatasetMetadata, Insight, InsightAnswer, InsightSource, InsightStatus, InsightTokenAnswer, InsightTokenRequest,
    LedgerMe, LedgerMeAnswer, MetadataAnswer, OwnRelease, StoreMetadata,
};
use protocol::channel::codes;
use protocol::directory::{Directory, Entry};
use protocol::documents::{ChoiceKind, ChoiceReceipt, ReleaseRecord};
use protocol::ids::ChoiceId;
use protocol::peer::{Endpoint, Identity as Speaker, Peer, Switchboard};
use protocol::{Base64, Channel, Envelope, KeyRole, Party, Refusal, Service, crypt4gh};
use testkit::TestZone;

const KEYS_SECRET: [u8; 32] = [0x4b; 32];
const DATA_SECRET: [u8; 32] = [0x44; 32];

fn number(individual: u16) -> IdentityNumber {
    (individual..).find_map(|i| IdentityNumber::synthetic(7, 3, 80, i)).unwrap()
}

fn child_number() -> IdentityNumber {
    (1..).find_map(|i| IdentityNumber::synthetic(5, 6, 14, i)).unwrap()
}

/// Keeps choices by identity number, as the key role does.
struct Keys {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    choices: Mutex<HashMap<String, Vec<ChoiceEntry>>>,
    set: Mutex<BTreeMap<ChoiceId, Envelope>>,
    releases: Mutex<HashMap<String, Vec<OwnRelease>>>,
    known: Mutex<Vec<String>>,
    /// So many further calls of `choices/set` are carried out and their answers lost.
    lose: AtomicU32,
}

impl Keys {
    fn subject(&self, sealed: &Base64) -> String {
        String::from_utf8(crypt4gh::open(&sealed.0, &KEYS_SECRET).unwrap()).unwrap()
    }

    fn set(&self, call: ChoicesSet) -> Envelope {
        let who = self.subject(&call.subject);
        let mut set = self.set.lock().unwrap();
        if let Some(receipt) = set.get(&call.choice_id) {
            return receipt.clone();
        }
        let now = self.clock.now();
        let receipt = ChoiceReceipt {
            message_id: Id::new(&*self.clock, &*self.random),
            choice_id: call.choice_id,
            choice: call.choice,
            scope: call.scope.clone(),
            value: call.value,
            in_force_from: now,
            channel: call.channel,
            template_version: call.template_version,
        };
        let receipt = Envelope::of(&receipt, &*self.signer).unwrap();
        set.insert(call.choice_id, receipt.clone());
        let mut choices = self.choices.lock().unwrap();
        let of = choices.entry(who).or_default();
        let open = of.iter_mut().rev().find(|e| e.choice == call.choice && e.scope == call.scope && e.to.is_none());
        match (call.value, open) {
            (false, Some(entry)) => {
                entry.to = Some(now);
                entry.withdrawal_receipt = Some(receipt.clone());
            }
            _ => of.push(ChoiceEntry {
                choice_id: call.choice_id,
                choice: call.choice,
                scope: call.scope,
                from: now,
                to: None,
                receipt: receipt.clone(),
                withdrawal_receipt: None,
            }),
        }
        receipt
    }
}

#[async_trait]
impl Service for Keys {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        assert_eq!(*from, Party::Centre);
        match kind {
            ChoicesSet::KIND => {
                let receipt = self.set(calls::read(&body)?);
                let lost = self.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
                if lost.is_ok() {
                    return Err(Refusal::new(codes::UNAVAILABLE));
                }
                calls::write(&ChoicesSetAnswer { receipt })
            }
            ChoicesList::KIND => {
                let who = self.subject(&calls::read::<ChoicesList>(&body)?.subject);
                let choices = self.choices.lock().unwrap().get(&who).cloned().unwrap_or_default();
                calls::write(&ChoicesListAnswer { choices })
            }
            LedgerMe::KIND => {
                let who = self.subject(&calls::read::<LedgerMe>(&body)?.subject);
                let releases = self.releases.lock().unwrap().get(&who).cloned().unwrap_or_default();
                calls::write(&LedgerMeAnswer { releases })
            }
            InsightTokenRequest::KIND => {
                let who = self.subject(&calls::read::<InsightTokenRequest>(&body)?.subject);
                let known = self.known.lock().unwrap().contains(&who);
                let token = crypt4gh::seal(b"token", &[crypt4gh::public_key(&DATA_SECRET)], &*self.random).unwrap();
                calls::write(&InsightTokenAnswer { token: known.then_some(Base64(token)) })
            }
            _ => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}

/// Holds something about everybody with a token at NPR, nothing at Statistics Norway.
struct Data(Arc<dyn Clock>);

#[async_trait]
impl Service for Data {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        assert_eq!((from, kind), (&Party::Centre, Insight::KIND));
        let token = calls::read::<Insight>(&body)?.token;
        assert_eq!(crypt4gh::open(&token.0, &DATA_SECRET).unwrap(), b"token");
        let line = |source: &str, store: &str, status, collections: &[&str]| InsightSource {
            source: source.into(),
            store: store.into(),
            status,
            from: Date::new(2015, 2, 1).ok().filter(|_| status == InsightStatus::Found),
            to: Date::new(2021, 3, 2).ok().filter(|_| status == InsightStatus::Found),
            collections: collections.iter().map(|c| (*c).into()).collect(),
        };
        let sources = vec![
            line("npr", "no.fhi.npr", InsightStatus::Found, &["npr.somatikk"]),
            line("ssb_fdb", "no.ssb.fdb", InsightStatus::None, &[]),
        ];
        calls::write(&InsightAnswer { sources, as_of: self.0.now() })
    }
}

struct Register;

#[async_trait]
impl Projects for Register {
    async fn project(&self, series: &str) -> Result<Option<Project>, Problem> {
        let title = LangMap::of("Slag", "Slag", "Stroke");
        Ok(Some(Project { title, sensitive_to_proxy: series.ends_with('9'), ..Project::default() }))
    }
}

fn release(series: &str, source: &str) -> OwnRelease {
    let record = ReleaseRecord {
        release_id: Id::from_bytes([3; 16]),
        seq: 4,
        series: series.into(),
        permit_id: format!("{series}-01"),
        title: "Stroke".into(),
        purpose: "To learn".into(),
        source: source.into(),
        tables: vec!["npr.somatikk".into()],
        variable_groups: vec!["npr.somatikk".into()],
        period: (Date::new(2018, 1, 1).unwrap(), Date::new(2020, 12, 31).unwrap()),
        room: Party::Room("tsd".into()),
        controller: "974767880".into(),
        legal_basis: "helseregisterloven".into(),
        delivered_at: Timestamp::from_micros(1_795_000_000_000_000),
        count_band: "1000-9999".into(),
        protocol: "P1".into(),
        valid_to: Date::new(2031, 6, 9).unwrap(),
        delete_by: Date::new(2031, 12, 9).unwrap(),
        delivery_id: Id::from_bytes([4; 16]),
        corrects: None,
    };
    OwnRelease { record, key_state: "active".into(), optout_exemption: None }
}

fn store(source: &str, store: &str, collection: &str, dataset: &str) -> StoreMetadata {
    StoreMetadata {
        store: store.into(),
        version: "1.0.0.0".into(),
        released_at: Timestamp::from_micros(0),
        source: Some(source.into()),
        synthetic: true,
        collections: vec![CollectionMetadata {
            id: collection.into(),
            title: LangMap::of("Somatikk", "Somatikk", "Somatic care"),
            unit_type: "PERSON".into(),
            person_pointer: None,
            date_variable: None,
            datasets: vec![dataset.into()],
        }],
        datasets: vec![DatasetMetadata {
            name: dataset.into(),
            version: 1,
            temporality: "FIXED".into(),
            unit_type: "PERSON".into(),
            id_type: Some("FNR".into()),
            data_type: "STRING".into(),
            points_to: None,
            title: LangMap::of("x", "x", "x"),
            description: LangMap::default(),
            subjects: Vec::new(),
            from: None,
            to: None,
            status_dates: Vec::new(),
            codes: Vec::new(),
            missing: Vec::new(),
            changes: Vec::new(),
            unit_of_measure: None,
        }],
    }
}

struct World {
    zone: TestZone,
    keys_zone: TestZone,
    keys: Arc<Keys>,
    citizen: Citizen,
    identity: Arc<Identity>,
    directory: Arc<Directory>,
    switchboard: Arc<Switchboard>,
}

async fn world(zone: TestZone) -> World {
    let (keys_zone, data_zone) = (testkit::zone("keys").await, testkit::zone("data").await);
    Identity::migrate(&zone.store).await.unwrap();
    Catalogue::migrate(&zone.store).await.unwrap();
    Citizen::migrate(&zone.store).await.unwrap();
    let identity = Arc::new(Identity::new(zone.zone(), true));
    let child = Some((child_number(), Date::new(2014, 6, 5).unwrap()));
    let people = [
        DemoPerson { persona: "citizen", number: number(100), child },
        DemoPerson { persona: "citizen-2", number: number(300), child: None },
    ];
    identity.seed_demo(&people).await.unwrap();
    let catalogue = Catalogue::open(zone.zone()).await.unwrap();
    let stores = vec![
        store("npr", "no.fhi.npr", "npr.somatikk", "HOVEDTILSTAND1"),
        store("ssb_fdb", "no.ssb.fdb", "ssb_fdb.main", "BEFOLKNING_KJOENN"),
    ];
    catalogue.refresh(MetadataAnswer { etag: "1".into(), stores }).await.unwrap();

    let entry = |party: Party, role, zone: &TestZone, sealing: Option<[u8; 32]>| {
        Entry::new(party, role, zone.signer.public_key(), sealing.map(|s| crypt4gh::public_key(&s)))
    };
    let directory = Arc::new(Directory::new([
        entry(Party::Centre, KeyRole::Channel, &zone, None),
        entry(Party::Keys, KeyRole::Channel, &keys_zone, Some(KEYS_SECRET)),
        entry(Party::Keys, KeyRole::KeyService, &keys_zone, None),
        entry(Party::Data, KeyRole::Channel, &data_zone, Some(DATA_SECRET)),
    ]));
    let switchboard = Arc::new(Switchboard::default());
    let speaker = |party: Party, zone: &TestZone| Speaker {
        party,
        signer: zone.signer.clone(),
        directory: directory.clone(),
        clock: zone.zone().clock,
        random: zone.random.clone(),
    };
    let keys = Arc::new(Keys {
        signer: keys_zone.signer.clone(),
        clock: keys_zone.zone().clock,
        random: keys_zone.random.clone(),
        choices: Mutex::default(),
        set: Mutex::default(),
        releases: Mutex::default(),
        known: Mutex::new(vec![number(100).reveal().to_owned(), child_number().reveal().to_owned()]),
        lose: AtomicU32::new(0),
    });
    switchboard.connect(Arc::new(Endpoint::new(speaker(Party::Keys, &keys_zone), keys.clone())));
    let data = Arc::new(Data(data_zone.zone().clock));
    switchboard.connect(Arc::new(Endpoint::new(speaker(Party::Data, &data_zone), data)));
    let channel: Arc<dyn Channel> = Arc::new(Peer::new(speaker(Party::Centre, &zone), switchboard.clone()));
    let citizen = Citizen::new(
        zone.zone(),
        channel,
        directory.clone(),
        identity.clone(),
        Arc::new(catalogue),
        Arc::new(Register),
    );
    World { zone, keys_zone, keys, citizen, identity, directory, switchboard }
}

impl World {
    async fn log_in(&self, persona: &str) -> Actor {
        let token = self.identity.login_persona(persona).await.unwrap();
        self.identity.session(&token).await.unwrap().unwrap().actor
    }

    /// The first citizen, acting for her child.
    async fn parent(&self) -> Actor {
        let token = self.identity.login_persona("citizen").await.unwrap();
        let actor = self.identity.session(&token).await.unwrap().unwrap().actor;
        let child = self.identity.represented(&actor).await.unwrap()[0].0;
        self.identity.represent(&actor, Some(child)).await.unwrap();
        self.identity.session(&token).await.unwrap().unwrap().actor
    }

    fn later(&self, seconds: i64) {
        for zone in [&self.zone, &self.keys_zone] {
            zone.clock.advance_micros(seconds * 1_000_000);
        }
    }
}

fn request(choice: ChoiceKind, scope: &str, value: bool) -> ChoiceRequest {
    ChoiceRequest { choice, scope: scope.into(), value, channel: "web".into(), template_version: "2026-1".into() }
}

#[tokio::test]
async fn cit_010_registers_say_yes_no_or_not_known() {
    testkit::zones("centre", async |zone| {
        let world = world(zone).await;
        let actor = world.log_in("citizen").await;
        let seen = world.citizen.registers(&actor).await.unwrap();
        let of = |source: &str| seen.registers.iter().find(|r| r.source == source).unwrap();
        assert_eq!(seen.registers[0].source, "npr", "those with data first");
        assert_eq!(of("npr").status, InsightStatus::Found);
        assert_eq!(of("npr").from, Date::new(2015, 2, 1).ok());
        assert_eq!(of("npr").collections.len(), 1);
        assert_eq!(of("ssb_fdb").status, InsightStatus::None);
        assert_eq!(of("msis").status, InsightStatus::Manual, "not reached by this installation");
        assert!(seen.as_of.is_some());

        // Nobody knows the second citizen; that is a no, from the registers that were asked.
        let other = world.log_in("citizen-2").await;
        let seen = world.citizen.registers(&other).await.unwrap();
        assert!(
            seen.registers
                .iter()
                .filter(|r| ["npr", "ssb_fdb"].contains(&r.source.as_str()))
                .all(|r| r.status == InsightStatus::None)
        );

        // A zone that does not answer never looks like a no.
        world.switchboard.disconnect(&Party::Data);
        let seen = world.citizen.registers(&actor).await.unwrap();
        let status = |source: &str| seen.registers.iter().find(|r| r.source == source).unwrap().status;
        assert_eq!(status("npr"), InsightStatus::Unavailable);
        assert_eq!(status("msis"), InsightStatus::Manual);
        assert_eq!(seen.as_of, None);
    })
    .await;
}

#[tokio::test]
async fn cit_032_uses_are_shown_to_the_person_and_sensitive_ones_to_no_proxy() {
    testkit::zones("centre", async |zone| {
        let world = world(zone).await;
        let both = vec![release("NO-2026-000045", "npr"), release("NO-2026-000049", "npr")];
        let of = [(number(100), both.clone()), (child_number(), both)];
        world.keys.releases.lock().unwrap().extend(of.map(|(n, r)| (n.reveal().to_owned(), r)));
        let actor = world.log_in("citizen").await;
        let uses = world.citizen.uses(&actor).await.unwrap();
        assert_eq!(uses.uses.len(), 2);
        let one = &uses.uses[0];
        assert_eq!((one.source.as_str(), one.room.as_str(), one.key_state.as_str()), ("npr", "room:tsd", "active"));
        assert_eq!(one.project.as_ref().unwrap().title.text(kernel::Language::En), "Stroke");
        assert_eq!(one.source_name.text(kernel::Language::Nb), "Norsk pasientregister");
        assert!(!uses.on_behalf);
        // CIT-071: the project that reveals something is not shown to the parent.
        let parent = world.parent().await;
        let uses = world.citizen.uses(&parent).await.unwrap();
        assert_eq!(uses.uses.iter().map(|u| u.series.as_str()).collect::<Vec<_>>(), ["NO-2026-000045"]);
        assert!(uses.on_behalf);
        // Somebody else's uses are not hers.
        let other = world.log_in("citizen-2").await;
        assert!(world.citizen.uses(&other).await.unwrap().uses.is_empty());
    })
    .await;
}

#[tokio::test]
async fn cit_025_a_choice_has_a_receipt_that_anybody_can_verify() {
    testkit::zones("centre", async |zone| {
        let world = world(zone).await;
        let actor = world.log_in("citizen").await;
        let reserve = request(ChoiceKind::Reservation, "npr", true);
        let receipt = world.citizen.choose(&actor, &reserve).await.unwrap();
        assert_eq!((receipt.scope.as_str(), receipt.value), ("npr", true));
        assert_eq!(receipt.sources.len(), 1);
        let bytes = serde_json::to_vec(&receipt.envelope).unwrap();
        let content = verify_receipt(&bytes, &world.directory).unwrap();
        assert_eq!(content.message_id.to_string(), receipt.number);
        // One changed byte of the content, or another signer, and it is none.
        let changed = receipt.envelope["payload"].as_str().unwrap().to_owned();
        let mut forged = receipt.envelope.clone();
        let flipped = if changed.starts_with('e') { "f" } else { "e" };
        forged["payload"] = format!("{flipped}{}", &changed[1..]).into();
        let forged = serde_json::to_vec(&forged).unwrap();
        assert_eq!(verify_receipt(&forged, &world.directory), Err(ReceiptError::BadSignature));
        assert_eq!(verify_receipt(&bytes, &Directory::default()), Err(ReceiptError::UnknownKey));
        assert_eq!(verify_receipt(b"{}", &world.directory), Err(ReceiptError::NotAReceipt));

        // The same again: the same receipt, no second choice.
        world.later(60);
        assert_eq!(world.citizen.choose(&actor, &reserve).await.unwrap(), receipt);
        assert_eq!(world.citizen.receipt(&actor, &receipt.number).await.unwrap(), receipt);
        let choices = world.citizen.choices(&actor).await.unwrap();
        let npr = choices.reservations.iter().find(|c| c.scope == "npr").unwrap();
        assert!(npr.active && npr.since == Some(receipt.in_force_from));
        assert!(!choices.opt_out.active);
        assert_eq!(choices.receipts.len(), 1);

        // Withdrawn, and withdrawn again.
        let withdraw = request(ChoiceKind::Reservation, "npr", false);
        let back = world.citizen.choose(&actor, &withdraw).await.unwrap();
        assert!(!back.value && back.in_force_from > receipt.in_force_from);
        assert_eq!(world.citizen.choose(&actor, &withdraw).await.unwrap(), back);
        let choices = world.citizen.choices(&actor).await.unwrap();
        assert!(choices.reservations.iter().all(|c| !c.active));
        assert_eq!(choices.receipts.len(), 2);
        // And chosen anew: a new receipt.
        world.later(60);
        let anew = world.citizen.choose(&actor, &reserve).await.unwrap();
        assert_ne!(anew.number, receipt.number);

        let all = world.citizen.choose(&actor, &request(ChoiceKind::OptOut, "all", true)).await.unwrap();
        assert_eq!(all.sources.len(), 2, "all sources that hold data here");
        assert!(world.citizen.choices(&actor).await.unwrap().opt_out.active);

        for (bad, rule) in [
            (request(ChoiceKind::OptOut, "npr", true), "unknown_source"),
            (request(ChoiceKind::Reservation, "nonsense", true), "unknown_source"),
        ] {
            let Err(Problem::Invalid { fields }) = world.citizen.choose(&actor, &bad).await else { panic!() };
            assert_eq!(fields[0].rule, rule);
        }
        let none = world.citizen.choose(&actor, &request(ChoiceKind::Reservation, "ssb_fdb", false)).await;
        assert!(matches!(none, Err(Problem::Conflict { code, .. }) if code == "not_active"));
        // Another person has none of this.
        let other = world.log_in("citizen-2").await;
        assert!(matches!(world.citizen.receipt(&other, &receipt.number).await, Err(Problem::NotFound { .. })));
        assert!(world.citizen.choices(&other).await.unwrap().receipts.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_choice_whose_answer_was_lost_is_not_made_twice() {
    testkit::zones("centre", async |zone| {
        let world = world(zone).await;
        let actor = world.log_in("citizen").await;
        world.keys.lose.store(1, Ordering::SeqCst);
        let reserve = request(ChoiceKind::Reservation, "npr", true);
        let lost = world.citizen.choose(&actor, &reserve).await;
        assert!(matches!(lost, Err(Problem::Unavailable { .. })));
        let receipt = world.citizen.choose(&actor, &reserve).await.unwrap();
        assert_eq!(world.keys.set.lock().unwrap().len(), 1);
        assert_eq!(world.citizen.choices(&actor).await.unwrap().receipts, [receipt]);
    })
    .await;
}

#[tokio::test]
async fn cit_005_every_view_and_act_is_in_the_own_log_and_in_the_audit_log() {
    testkit::zones("centre", async |zone| {
        let world = world(zone).await;
        let parent = world.parent().await;
        world.citizen.registers(&parent).await.unwrap();
        world.later(1);
        world.citizen.choose(&parent, &request(ChoiceKind::Reservation, "npr", true)).await.unwrap();
        world.later(1);
        let lines = world.citizen.log(&parent).await.unwrap();
        let seen: Vec<_> = lines.iter().map(|l| (l.what.as_str(), l.detail.as_deref(), l.by_representative)).collect();
        assert_eq!(seen, [("log", None, true), ("choose", Some("reservation:npr"), true), ("registers", None, true)]);
        // The parent's own log tells nothing of it: it was about the child.
        let alone = world.log_in("citizen").await;
        assert_eq!(world.citizen.log(&alone).await.unwrap().len(), 1);
        // The choice is the child's, not the parent's.
        assert!(world.citizen.choices(&alone).await.unwrap().receipts.is_empty());
        assert_eq!(world.citizen.choices(&parent).await.unwrap().receipts.len(), 1);

        // Nobody else may look, and the attempt is recorded.
        let staff = testkit::actor("handler", Role::CaseHandler, "helsedataservice");
        assert!(matches!(world.citizen.registers(&staff).await, Err(Problem::NotFound { .. })));
        let entries = world.zone.entries().await;
        let of = |action: &str| entries.iter().filter(|e| e["action"] == action).collect::<Vec<_>>();
        assert_eq!(of("citizen.choose").len(), 1);
        assert_eq!(of("citizen.choose")[0]["on_behalf_of"], parent.on_behalf_of.unwrap().to_string());
        assert_eq!(of("identity.deny").len(), 1);
        assert!(!of("citizen.insight").is_empty() && !of("citizen.log").is_empty());
    })
    .await;
}
