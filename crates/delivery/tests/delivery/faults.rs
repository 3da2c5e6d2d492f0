//! Things that go wrong on the way (DEL-002, DEL-161): never a visible file of the room, always a receipt or a state
//! from which the same command goes on.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use std::task::Poll;

use delivery::{DeliveryError, Intake, IntakeOptions, IntakeSecret, State, exit_code};
use protocol::documents::{PermitStatus, Receipt, ReceiptKind};
use protocol::peer::{Endpoint, Identity, Peer};
use protocol::permits::Permits;
use protocol::{Party, Service};

use crate::common::{Facts, ROOM_SECRET, SERIES, World, expected_persons, room, usual_permit};

async fn world(facts: &Facts) -> World {
    World::new(&usual_permit(), Arc::new(facts.source())).await
}

async fn state(world: &World, source: &str) -> State {
    world.deliveries().states(SERIES).await.unwrap()[source].clone()
}

fn nothing_visible(world: &World) -> bool {
    !world.out.join(SERIES).exists()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_str().unwrap().to_owned();
        if entry.path().is_dir() {
            names.extend(files(&entry.path()).into_iter().map(|n| format!("{name}/{n}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn del_161_a_changed_package_is_rejected_with_a_receipt() {
    let facts = Facts::random(11, 30);
    let world = world(&facts).await;
    let ids = world.deliver_unopened().await;
    let id = ids[0];
    let dir = world.inbox.join(id.to_string());
    let names = files(&dir);
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let path = dir.join(&name);
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let middle = whole.len() / 2;
        flipped[middle] ^= 4;
        let mut swapped = whole.clone();
        swapped.rotate_left(1);
        let manifest = name == "hap-manifest.dsse.json";
        let changes: [(&str, Option<&[u8]>); 4] = [
            ("cut", Some(&whole[..whole.len() - 1])),
            ("flipped", Some(&flipped)),
            ("rotated", Some(&swapped)),
            ("missing", None),
        ];
        for (what, bytes) in changes {
            match bytes {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let outcome = world.intake.open(id).await;
            let code = match &outcome {
                Ok(outcome) => {
                    let receipt: Receipt = outcome.receipt.open(&world.directory).unwrap();
                    assert_eq!(receipt.kind, ReceiptKind::Rejected, "{name} {what}");
                    assert_eq!(exit_code(&Ok(outcome.clone())), 10);
                    outcome.rejected.clone().unwrap()
                }
                Err(DeliveryError::Rejected(code)) => (*code).to_owned(),
                Err(DeliveryError::NotFound) => "missing_file".into(),
                Err(error) => panic!("{name} {what}: {error}"),
            };
            let expected: &[&str] = match (manifest, what) {
                (true, "missing") => &["missing_file"],
                (true, _) => &["bad_signature", "unknown_key"],
                (false, "missing") => &["missing_file"],
                (false, _) => &["digest_mismatch"],
            };
            assert!(expected.contains(&code.as_str()), "{name} {what}: {code}");
            assert!(nothing_visible(&world), "{name} {what}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
    // The source has sent the objects again: now it opens.
    let outcome = world.intake.open(id).await.unwrap();
    assert_eq!((outcome.rejected, outcome.now), (None, true));
    world.intake.work().await.unwrap();
    world.work().await;
    assert!(world.room_zone.actions().await.contains(&"intake.reject refused digest_mismatch".to_owned()));
}

fn intake_of(world: &World, party: &Party) -> Intake {
    let identity = Identity {
        party: room(),
        signer: world.room_zone.signer.clone(),
        directory: world.directory.clone(),
        clock: world.room_zone.zone().clock,
        random: world.room_zone.random.clone(),
    };
    let channel = Arc::new(Peer::new(identity, world.switchboard.clone()));
    let permits = Permits::new(channel.clone(), world.directory.clone(), world.room_zone.zone().clock);
    Intake::new(
        world.room_zone.zone(),
        channel,
        world.directory.clone(),
        Arc::new(permits),
        IntakeSecret::new(ROOM_SECRET),
        IntakeOptions { room: party.clone(), inbox: world.inbox.clone(), out: world.out.clone(), csv: true },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn del_161_wrong_room_replay_and_foreign_manifest_are_rejected() {
    let facts = Facts::random(12, 30);
    let world = world(&facts).await;
    let ids = world.deliver_unopened().await;

    let other = intake_of(&world, &Party::Room("hunt".into()));
    assert_eq!(other.open(ids[0]).await.unwrap().rejected.as_deref(), Some("wrong_room"));

    // The manifest of one delivery in the folder of the other, and a package under another id.
    let (a, b) = (world.inbox.join(ids[0].to_string()), world.inbox.join(ids[1].to_string()));
    let manifest = "hap-manifest.dsse.json";
    let (of_a, of_b) = (std::fs::read(a.join(manifest)).unwrap(), std::fs::read(b.join(manifest)).unwrap());
    std::fs::write(a.join(manifest), &of_b).unwrap();
    let error = world.intake.open(ids[0]).await.unwrap_err();
    assert_eq!(error.code(), "digest_mismatch");
    for name in files(&b) {
        std::fs::copy(b.join(&name), a.join(&name)).unwrap();
    }
    assert_eq!(world.intake.open(ids[0]).await.unwrap_err().code(), "replay");
    std::fs::write(a.join(manifest), &of_a).unwrap();
    assert!(nothing_visible(&world));
    assert_eq!(world.intake.open(ids[1]).await.unwrap().rejected, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn del_011_a_hold_stops_every_step() {
    // Before the order is taken.
    let facts = Facts::random(13, 30);
    let mut held = World::new(&usual_permit(), Arc::new(facts.source())).await;
    held.amend(&usual_permit(), true);
    held.deliver().await;
    assert_eq!(state(&held, "npr").await, State::Refused { code: "permit_not_live".into() });

    // After it was taken, before anything is read.
    let mut held = World::new(&usual_permit(), Arc::new(facts.source())).await;
    held.deliveries().order(&held.permit, &[]).await.unwrap();
    held.deliveries().work().await.unwrap();
    held.amend(&usual_permit(), true);
    held.later(61);
    held.extraction.work().await.unwrap();
    let stopped = |step: &str| State::Failed { step: step.into(), code: "permit_not_live".into(), retry_at: None };
    assert_eq!(state(&held, "npr").await, stopped("extracting"));
    assert!(held.keys.released.lock().unwrap().is_empty());
    assert!(!held.outbox.exists());

    // After it was sent, before it is opened.
    let mut held = World::new(&usual_permit(), Arc::new(facts.source())).await;
    let ids = held.deliver_unopened().await;
    let mut revoked = usual_permit();
    revoked.status = PermitStatus::Revoked;
    held.amend(&revoked, false);
    held.later(61);
    for id in ids {
        assert_eq!(held.intake.open(id).await.unwrap().rejected.as_deref(), Some("permit_not_live"));
    }
    assert!(nothing_visible(&held));
    held.intake.work().await.unwrap();
    assert_eq!(state(&held, "npr").await, stopped("opened"));
}

#[tokio::test(flavor = "multi_thread")]
async fn del_070_a_receiver_that_dies_anywhere_is_waited_for() {
    let facts = Facts::random(14, 30);
    for dies_at in [0, 1, 2, 3, 5, 9, 14, 22] {
        let world = world(&facts).await;
        *world.adapter.left.lock().unwrap() = Some(dies_at);
        world.deliver().await;
        assert!(nothing_visible(&world), "piece {dies_at}");
        let npr = state(&world, "npr").await;
        let waits = matches!(&npr, State::Failed { retry_at: Some(_), code, .. } if code == "unavailable");
        assert!(waits, "piece {dies_at}: {npr:?}");
        *world.adapter.left.lock().unwrap() = None;
        world.later(3600);
        world.work().await;
        assert_eq!(state(&world, "npr").await, State::Opened, "piece {dies_at}");
        assert_eq!(state(&world, "ssb_fdb").await, State::Opened, "piece {dies_at}");
        let persons = world.rows(&facts, "npr", "population").await;
        assert_eq!(persons.len(), expected_persons(&facts).len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_role_that_does_not_answer_is_waited_for() {
    let facts = Facts::random(15, 30);
    let world = world(&facts).await;
    for kind in ["choices/permitted", "pseudonyms/source", "ledger/release", "grant/room-out", "ledger/kept"] {
        world.keys.failing.lock().unwrap().insert(kind.into(), 2);
    }
    world.deliver().await;
    assert!(nothing_visible(&world));
    for _ in 0..12 {
        world.later(3600);
        world.work().await;
    }
    assert_eq!(state(&world, "npr").await, State::Opened);
    assert_eq!(world.keys.kept.lock().unwrap().len(), 2);
    // KEY-100: one release per delivery, however often it was asked for.
    assert_eq!(world.keys.roots.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_016_persons_without_a_value_are_left_out_until_there_are_too_many() {
    let facts = Facts::random(16, 400);
    let persons = expected_persons(&facts);
    assert!(persons.len() > 110);
    let unknown = *persons.iter().next().unwrap();
    let world = World::new(&usual_permit(), Arc::new(facts.source())).await;
    world.keys.unknown.lock().unwrap().insert(unknown);
    world.deliver().await;
    assert_eq!(state(&world, "npr").await, State::Opened);
    let delivered = world.rows(&facts, "npr", "population").await;
    assert_eq!(delivered.len(), persons.len() - 1);
    assert!(!delivered.contains_key(&vec![unknown.to_string()]));

    let world = World::new(&usual_permit(), Arc::new(facts.source())).await;
    world.keys.unknown.lock().unwrap().extend(persons.iter().take(9));
    world.deliver().await;
    let code = "too_many_row_errors".to_owned();
    assert_eq!(state(&world, "npr").await, State::Failed { step: "sealed".into(), code, retry_at: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn del_102_an_increment_keeps_the_dense_ids() {
    let facts = Facts::random(17, 40);
    let mut world = World::new(&usual_permit(), Arc::new(facts.source())).await;
    let persons = expected_persons(&facts);
    let late = *persons.iter().next().unwrap();
    world.keys.reserved.lock().unwrap().insert(late);
    world.deliver().await;
    let before = world.ordinals(&facts).await;
    assert_eq!(before.len(), persons.len() - 1);

    // The next version of the permit; meanwhile the reservation was withdrawn.
    world.keys.reserved.lock().unwrap().clear();
    let mut amended = usual_permit();
    amended.permit_id = format!("{SERIES}-02");
    amended.status = PermitStatus::Amended;
    // It asks for more persons: a version that asks for the same is not extracted again.
    amended.population.max_persons += 1;
    world.amend(&amended, false);
    world.later(61);
    world.deliver().await;
    let after = world.ordinals(&facts).await;
    assert_eq!(after.len(), persons.len());
    assert!(before.iter().all(|(id, ordinal)| after[id] == *ordinal), "known persons keep their ids");
    assert_eq!(after[&(persons.len() as u32)], late, "the new person has the next free id");
    let second = world.rows_of(&facts, "npr", 2, "population").await;
    assert_eq!(second.len(), persons.len());
    let first = world.rows_of(&facts, "npr", 1, "population").await;
    assert!(!first.contains_key(&vec![late.to_string()]), "the first delivery is as it was");
    // An older package does not come again.
    let views = std::fs::read_to_string(world.out.join(SERIES).join("room.duckdb.sql")).unwrap();
    assert_eq!(views.matches("npr.somatikk\"").count(), 1);
}

/// Runs `work` until its `polls`-th poll and drops it there, as a killed process would; true when it ended before.
async fn killed_at<F: Future>(polls: usize, work: F) -> bool {
    let mut work = std::pin::pin!(work);
    let mut count = 0;
    let ended = std::future::poll_fn(|cx| {
        if count == polls {
            return Poll::Ready(false);
        }
        count += 1;
        work.as_mut().poll(cx).map(|_| true)
    })
    .await;
    // With one blocking thread this waits for whatever the killed work had begun there.
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    ended
}

#[test]
fn del_002_a_killed_process_goes_on_from_where_it_was() {
    // One blocking thread: see `killed_at`.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(1).enable_all().build();
    runtime.unwrap().block_on(async {
        let facts = Facts::random(18, 30);
        let persons = expected_persons(&facts);
        let (mut ended_whole, mut polls) = (false, 0);
        while !ended_whole {
            polls += polls / 4 + 1;
            assert!(polls < 20_000, "the work never ends");
            let world = world(&facts).await;
            world.deliveries().order(&world.permit, &[]).await.unwrap();
            world.deliveries().work().await.unwrap();
            // The data zone dies, then starts again; so does the room.
            ended_whole = killed_at(polls, world.extraction.work()).await;
            world.extraction.recover().await.unwrap();
            world.intake.recover().await.unwrap();
            world.later(3600);
            killed_at(polls, world.extraction.work()).await;
            world.extraction.recover().await.unwrap();
            killed_at(polls, world.intake.work()).await;
            world.intake.recover().await.unwrap();
            for _ in 0..3 {
                world.later(3600);
                world.work().await;
            }
            assert_eq!(state(&world, "npr").await, State::Opened, "killed at poll {polls}");
            assert_eq!(state(&world, "ssb_fdb").await, State::Opened, "killed at poll {polls}");
            assert_eq!(world.rows(&facts, "npr", "population").await.len(), persons.len());
            assert_eq!(world.keys.kept.lock().unwrap().len(), 2, "killed at poll {polls}");
            let left: Vec<String> = files(&world.outbox).into_iter().filter(|f| f.contains(".tmp")).collect();
            assert_eq!(left, Vec::<String>::new(), "nothing to clean up by hand");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_answers_only_those_who_may_ask() {
    let facts = Facts::random(19, 30);
    let world = world(&facts).await;
    let ids = world.deliver_unopened().await;
    let open = serde_json::json!({"delivery_id": ids[0]}).to_string();
    for party in [Party::Centre, Party::Keys, Party::Room("hunt".into())] {
        let refused = world.intake.handle(&party, "intake/open", open.clone().into()).await.unwrap_err();
        assert_eq!(refused.code, "wrong_party");
    }
    let refused = world.intake.handle(&Party::Data, "room/status", "{}".into()).await.unwrap_err();
    assert_eq!(refused.code, "wrong_party");
    let status = world.intake.handle(&Party::Centre, "room/status", "{}".into()).await.unwrap();
    assert!(String::from_utf8_lossy(&status).contains("arrived"));
    // The other way to the room, piece by piece over the channel.
    let identity = Identity {
        party: room(),
        signer: world.room_zone.signer.clone(),
        directory: world.directory.clone(),
        clock: world.room_zone.zone().clock,
        random: world.room_zone.random.clone(),
    };
    world.switchboard.connect(Arc::new(Endpoint::new(identity, Arc::new(world.intake.clone()))));
    let me = Identity {
        party: Party::Data,
        signer: world.data_zone.signer.clone(),
        directory: world.directory.clone(),
        clock: world.data_zone.zone().clock,
        random: world.data_zone.random.clone(),
    };
    let channel = Arc::new(Peer::new(me, world.switchboard.clone()));
    let adapter = delivery::ChannelAdapter::new(channel, room());
    let id = kernel::Id::from_bytes([9; 16]);
    use delivery::RoomAdapter as _;
    let at = adapter.put(id, "data/0001.c4gh", 0, "abc".into(), 6).await.unwrap();
    assert_eq!((at.offset, at.committed), (3, false));
    let at = adapter.put(id, "data/0001.c4gh", 3, "def".into(), 6).await.unwrap();
    assert_eq!((at.offset, at.committed), (6, true));
    assert!(adapter.put(id, "../../x", 0, "abc".into(), 3).await.is_err());
}
