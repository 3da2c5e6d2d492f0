//! Calls between zones over a transport that cannot be trusted (KEY-021), and the permit in force (KEY-023).
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use common::TestSigner;
use kernel::{Clock, FixedClock, Random, Timestamp};
use protocol::calls::{PermitCurrent, PermitCurrentAnswer, ask};
use protocol::channel::codes;
use protocol::directory::Entry;
use protocol::documents::Permit;
use protocol::peer::{Endpoint, Identity, MAX_BODY, Peer, Switchboard, Transport};
use protocol::permits::Permits;
use protocol::{CallError, Channel, Directory, Envelope, KeyRole, Party, Refusal, Service};

/// Bytes that never repeat.
#[derive(Default)]
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        use sha2::Digest as _;
        for chunk in bytes.chunks_mut(32) {
            let hash = sha2::Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// Answers with what it was asked; refuses `no`.
struct Echo(AtomicU32);

#[async_trait]
impl Service for Echo {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        self.0.fetch_add(1, Ordering::SeqCst);
        match kind {
            "no" => Err(Refusal::new(codes::CAP_EXCEEDED)),
            _ => Ok([from.to_string().as_bytes(), b" ", &body].concat().into()),
        }
    }
}

/// What a message is turned into on its way.
type Change = Box<dyn Fn(&mut Vec<u8>) + Send>;

/// Passes messages on after doing what it was told to them.
struct Way {
    to: Arc<Switchboard>,
    question: Mutex<Option<Change>>,
    answer: Mutex<Option<Change>>,
    sent: Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl Transport for Way {
    async fn exchange(&self, to: &Party, mut message: Vec<u8>) -> Result<Vec<u8>, String> {
        if let Some(change) = &*self.question.lock().unwrap() {
            change(&mut message);
        }
        self.sent.lock().unwrap().push(message.clone());
        let mut answer = self.to.exchange(to, message).await?;
        if let Some(change) = &*self.answer.lock().unwrap() {
            change(&mut answer);
        }
        Ok(answer)
    }
}

struct World {
    clock: Arc<FixedClock>,
    way: Arc<Way>,
    board: Arc<Switchboard>,
    echo: Arc<Echo>,
    directory: Arc<Directory>,
}

fn signer(party: &Party) -> TestSigner {
    use sha2::Digest as _;
    TestSigner::new(sha2::Sha256::digest(party.to_string()).into())
}

fn world() -> World {
    let parties = [Party::Centre, Party::Keys, Party::Data];
    let entries = parties.iter().map(|p| Entry::new(p.clone(), KeyRole::Channel, signer(p).public(), None));
    let authority = Entry::new(Party::Centre, KeyRole::PermitAuthority, signer(&Party::Centre).public(), None);
    let directory = Arc::new(Directory::new(entries.chain([authority])));
    let clock = Arc::new(FixedClock::at("2026-11-21T09:15:00Z".parse::<Timestamp>().unwrap()));
    let board = Arc::new(Switchboard::default());
    let way = Way { to: board.clone(), question: Mutex::default(), answer: Mutex::default(), sent: Mutex::default() };
    let world = World { clock, way: Arc::new(way), board, echo: Arc::new(Echo(AtomicU32::new(0))), directory };
    world.board.connect(Arc::new(Endpoint::new(world.identity(Party::Keys), world.echo.clone())));
    world
}

impl World {
    fn identity(&self, party: Party) -> Identity {
        Identity {
            signer: Arc::new(signer(&party)),
            party,
            directory: self.directory.clone(),
            clock: self.clock.clone(),
            random: Arc::new(Counter::default()),
        }
    }

    fn peer(&self, party: Party) -> Peer {
        Peer::new(self.identity(party), self.way.clone())
    }

    fn handled(&self) -> u32 {
        self.echo.0.load(Ordering::SeqCst)
    }
}

fn refused(result: Result<Bytes, CallError>) -> String {
    match result.unwrap_err() {
        CallError::Refused(r) => r.code.into_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_answered_and_a_refusal_arrives_as_one() {
    let world = world();
    let data = world.peer(Party::Data);
    assert_eq!(data.call(&Party::Keys, "x", Bytes::from_static(b"hei")).await.unwrap(), "data hei");
    assert_eq!(refused(data.call(&Party::Keys, "no", Bytes::new()).await), "cap_exceeded");
    let nobody = data.call(&Party::Centre, "x", Bytes::new()).await.unwrap_err();
    assert!(matches!(nobody, CallError::Unreachable { party: Party::Centre, .. }));
    let large = data.call(&Party::Keys, "x", vec![0; MAX_BODY + 1].into()).await;
    assert_eq!(refused(large), "too_large");
}

#[tokio::test]
async fn key_021_a_message_counts_once_and_in_its_time() {
    let world = world();
    let data = world.peer(Party::Data);
    data.call(&Party::Keys, "x", Bytes::new()).await.unwrap();
    let sent = world.way.sent.lock().unwrap()[0].clone();
    // The same bytes again: the answer is a signed refusal, and the service is not asked.
    *world.way.question.lock().unwrap() = Some(Box::new({
        let sent = sent.clone();
        move |m| m.clone_from(&sent)
    }));
    let again = data.call(&Party::Keys, "x", Bytes::new()).await.unwrap_err();
    assert!(matches!(again, CallError::Untrusted { code: codes::REPLAY, .. }), "an answer to another question");
    assert_eq!(world.handled(), 1);
    let reply = world.board.exchange(&Party::Keys, sent.clone()).await.unwrap();
    assert!(String::from_utf8_lossy(&reply).contains("\"code\":\"replay\""));
    // Later it is too old.
    world.clock.advance_micros(421_000_000);
    let reply = world.board.exchange(&Party::Keys, sent.clone()).await.unwrap();
    assert!(String::from_utf8_lossy(&reply).contains("\"code\":\"expired\""));
    // A receiver that has just started takes nothing that was signed before, since it remembers no ids.
    let fresh = Endpoint::new(world.identity(Party::Keys), world.echo.clone());
    let reply = fresh.receive(&sent, None).await.unwrap();
    assert!(String::from_utf8_lossy(&reply).contains("\"code\":\"expired\""));
    assert_eq!(world.handled(), 1);
}

#[tokio::test]
async fn key_021_no_changed_byte_reaches_the_service_or_the_caller() {
    let world = world();
    let data = world.peer(Party::Data);
    data.call(&Party::Keys, "x", Bytes::from_static(b"body")).await.unwrap();
    let length = world.way.sent.lock().unwrap()[0].len();
    for i in (0..length).step_by(7).chain([length - 1]) {
        *world.way.question.lock().unwrap() = Some(Box::new(move |m| m[i] ^= 1));
        assert!(data.call(&Party::Keys, "x", Bytes::from_static(b"body")).await.is_err(), "byte {i}");
    }
    assert_eq!(world.handled(), 1);
    *world.way.question.lock().unwrap() = None;
    let length = Arc::new(AtomicU32::new(0));
    let seen = length.clone();
    *world.way.answer.lock().unwrap() = Some(Box::new(move |m| seen.store(m.len() as u32, Ordering::SeqCst)));
    data.call(&Party::Keys, "x", Bytes::from_static(b"body")).await.unwrap();
    for i in (0..length.load(Ordering::SeqCst) as usize).step_by(5) {
        *world.way.answer.lock().unwrap() = Some(Box::new(move |m| m[i] ^= 1));
        assert!(data.call(&Party::Keys, "x", Bytes::from_static(b"body")).await.is_err(), "byte {i}");
    }
}

#[tokio::test]
async fn nobody_speaks_for_another() {
    let world = world();
    // The centre's key, but it says that it is the data zone.
    let liar = Identity { party: Party::Data, ..world.identity(Party::Centre) };
    let liar = Peer::new(liar, world.way.clone());
    assert_eq!(refused(liar.call(&Party::Keys, "x", Bytes::new()).await), "unknown_key");
    // A key that nobody has listed.
    let stranger = Identity { signer: Arc::new(TestSigner::new([9; 32])), ..world.identity(Party::Data) };
    let stranger = Peer::new(stranger, world.way.clone());
    assert_eq!(refused(stranger.call(&Party::Keys, "x", Bytes::new()).await), "unknown_key");
    // The transport knows the caller as another.
    world.peer(Party::Data).call(&Party::Keys, "x", Bytes::new()).await.unwrap();
    let endpoint = Endpoint::new(world.identity(Party::Keys), world.echo.clone());
    let sent = world.way.sent.lock().unwrap().last().unwrap().clone();
    let reply = endpoint.receive(&sent, Some(&Party::Centre)).await.unwrap();
    assert!(String::from_utf8_lossy(&reply).contains("wrong_party"));
    assert!(endpoint.receive(&sent, Some(&Party::Data)).await.is_ok());
    assert_eq!(world.handled(), 2);
}

/// The centre, as far as permits go.
struct Centre {
    answer: Mutex<Option<PermitCurrentAnswer>>,
    asked: AtomicU32,
    away: AtomicBool,
}

#[async_trait]
impl Channel for Centre {
    async fn call(&self, to: &Party, _: &str, _: Bytes) -> Result<Bytes, CallError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(CallError::Unreachable { party: to.clone(), reason: "down".into() });
        }
        let answer = self.answer.lock().unwrap().clone().ok_or_else(|| Refusal::new(codes::NOT_FOUND))?;
        Ok(protocol::calls::write(&answer).unwrap())
    }
}

const PERMIT: &str = r#"{"permit_id":"NO-2026-000045-01","series":"NO-2026-000045","status":"GRANTED",
 "case":"A-2026-000123","decision":"A-2026-000123/V1","first_issued_at":"2026-05-04T11:02:09.000000Z",
 "issued_at":"2026-05-04T11:02:09.000000Z","valid_from":"2026-06-10","valid_to":"2031-06-09","extension_used":false,
 "delete_by":"2031-12-09","profile":"NO/1","purpose":{"ehds":["e"],"text":"Stroke outcome after reperfusion"},
 "controller":{"orgnr":"999888777"},"pi":"person:7f3a","format":"pseudonymised",
 "population":{"expr":"npr.somatikk.hovedtilstand in ('I60'..'I64')","max_persons":65000,"optout":"exclude"},
 "sources":[{"source":"npr","collection":"npr.somatikk","outcome":"granted","period":["2018-01-01","2024-12-31"],
   "variables":[{"id":"npr.somatikk.hovedtilstand","version":3,"granularity":"as_is"}]},
  {"source":"dar","collection":"dar.main","outcome":"refused","period":["2018-01-01","2025-12-31"],"variables":[],
   "removed":[{"id":"dar.main.dodssted","reason":"not_necessary"}]}],
 "linkage":{"method":"project_key","body":"key-service","key_retention":"delete_after_delivery"},
 "external_data":[],"recurrence":{"kind":"yearly","until":"2030-12-31"},
 "persons":[{"id":"person:7f3a","role":"pi","active":true}],
 "room":{"id":"room:tsd","tools":["r"],"cpu":16,"mem_gb":64},
 "output":{"rules":"default-2026","min_cell":10,"review":"two_blind"},
 "conditions":[{"type":"min_granularity","variable":"npr.somatikk.innDato","value":"month"},{"type":"report","every":"P12M"}],
 "fee_max_ore":7830000}"#;

fn permit(change: impl Fn(&mut Permit)) -> PermitCurrentAnswer {
    let mut permit: Permit = serde_json::from_str(PERMIT).unwrap();
    change(&mut permit);
    let envelope = Envelope::of(&permit, &signer(&Party::Centre)).unwrap();
    PermitCurrentAnswer { permit: envelope, hold: false, title: "Stroke".into() }
}

#[tokio::test]
async fn key_023_a_permit_counts_for_a_minute_and_without_the_centre_for_fifteen() {
    let world = world();
    let centre = Arc::new(Centre {
        answer: Mutex::new(Some(permit(|_| {}))),
        asked: AtomicU32::new(0),
        away: AtomicBool::new(false),
    });
    let permits = Permits::new(centre.clone(), world.directory.clone(), world.clock.clone());
    let series = "NO-2026-000045";
    let code = |r: Result<protocol::permits::CurrentPermit, Refusal>| r.unwrap_err().code.into_owned();

    assert_eq!(permits.live(series).await.unwrap().permit.granted_sources(), ["npr"]);
    permits.live_version("NO-2026-000045-01").await.unwrap();
    assert_eq!(code(permits.live_version("NO-2026-000045-02").await), "permit_not_live");
    assert_eq!(centre.asked.load(Ordering::SeqCst), 1, "remembered");

    // A hold counts at the latest a minute later; at once when the centre says so unasked.
    let held = PermitCurrentAnswer { hold: true, ..permit(|_| {}) };
    *centre.answer.lock().unwrap() = Some(held.clone());
    permits.live(series).await.unwrap();
    world.clock.advance_micros(61_000_000);
    assert_eq!(code(permits.live(series).await), "permit_not_live");
    *centre.answer.lock().unwrap() = Some(permit(|_| {}));
    world.clock.advance_micros(61_000_000);
    permits.live(series).await.unwrap();
    permits.take_in(series, held).unwrap();
    assert_eq!(code(permits.live(series).await), "permit_not_live");

    // The centre is away: what it said last counts for 15 minutes.
    world.clock.advance_micros(61_000_000);
    permits.live(series).await.unwrap();
    centre.away.store(true, Ordering::SeqCst);
    world.clock.advance_micros(14 * 60_000_000);
    permits.live(series).await.unwrap();
    world.clock.advance_micros(2 * 60_000_000);
    assert_eq!(code(permits.live(series).await), "unavailable");
    centre.away.store(false, Ordering::SeqCst);

    // Ended, revoked, of another series, signed by somebody else: all refused.
    for (change, expected) in [
        (permit(|p| p.valid_to = "2026-11-20".parse().unwrap()), "permit_not_live"),
        (permit(|p| p.status = protocol::documents::PermitStatus::Revoked), "permit_not_live"),
        (permit(|p| p.series = "NO-2026-000046".into()), "permit_not_live"),
    ] {
        *centre.answer.lock().unwrap() = Some(change);
        assert_eq!(code(permits.live(series).await), expected);
        permits.forget(series);
    }
    let p: Permit = serde_json::from_str(PERMIT).unwrap();
    let envelope = Envelope::of(&p, &signer(&Party::Data)).unwrap();
    *centre.answer.lock().unwrap() = Some(PermitCurrentAnswer { permit: envelope, ..permit(|_| {}) });
    assert_eq!(code(permits.live(series).await), "unknown_key");
    *centre.answer.lock().unwrap() = None;
    assert_eq!(code(permits.live(series).await), "permit_not_live");
}

#[tokio::test]
async fn the_permit_of_the_specification_is_read_and_written_unchanged() {
    let permit: Permit = serde_json::from_str(PERMIT).unwrap();
    let given: serde_json::Value = serde_json::from_str(PERMIT).unwrap();
    assert_eq!(serde_json::to_value(&permit).unwrap(), given);
    assert_eq!(Permit::series_of("NO-2026-000045-02"), Some("NO-2026-000045"));
    assert_eq!(Permit::series_of("NO"), None);
    assert_eq!(permit.recurrence.deliveries(permit.valid_from, permit.valid_to), 5);
    let today = FixedClock::at("2026-06-09T21:59:59Z".parse().unwrap()).today();
    assert!(!permit.is_live(false, today), "the day before");
    let today = FixedClock::at("2026-06-09T22:00:00Z".parse().unwrap()).today();
    assert!(permit.is_live(false, today), "midnight in Oslo");
    let mut more = given;
    more["surprise"] = true.into();
    assert!(serde_json::from_value::<Permit>(more).is_err(), "unknown fields are refused");
}

#[tokio::test]
async fn a_typed_call_refuses_an_answer_of_another_form() {
    let world = world();
    let data = world.peer(Party::Data);
    let answer = ask(&data, &Party::Keys, &PermitCurrent { series: "x".into() }).await.unwrap_err();
    assert!(matches!(answer, CallError::Untrusted { code: codes::BAD_SCHEMA, .. }));
}
