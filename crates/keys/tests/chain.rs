//! From permit to the citizen's page: plan, choices, pseudonyms, ledger, the room's key, destruction, on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod world;

use std::collections::HashSet;

use identity::Role;
use keys::pseudonym::RoomStep;
use protocol::calls::{
    GrantGate, GrantRoomOut, InsightTokenRequest, KeyReceiptNotice, KeysStatus, LedgerRoots, LedgerVoid,
    PermitCurrentAnswer, PlanCurrent, PseudonymsSource, RowCode, SourceUse,
};
use protocol::documents::{
    ChoiceKind, GrantUse, InsightToken, KeyEvent, KeyGrant, KeyReceipt, LinkagePlan, OptOut, PermitStatus, Receipt,
    ReceiptKind,
};
use protocol::ids::{DeliveryId, OrderId};
use protocol::{Digest, Envelope, Party, Service as _};
use world::{PERMIT, SERIES, World, code, numbers, padded, permit, room};

const N: usize = 1_024;

#[tokio::test]
async fn the_whole_chain() {
    testkit::zones("keys", async |zone| {
        let world = World::new(zone).await;
        let ids = numbers(300);
        let ordinals = world.register(&ids).await.ordinals;
        world.ask(&Party::Centre, &world.grant(|_| {})).await.unwrap();

        // One of them reserves: the extraction leaves her out.
        let receipt = world.choose(&ids[7], ChoiceKind::Reservation, "npr", true).await.unwrap();
        assert_eq!(receipt.in_force_from, kernel::Clock::now(&*world.clock));
        let order: OrderId = world.id();
        let (answer, allowed) = world.permitted(order, &ordinals).await.unwrap();
        assert_eq!((answer.asked, answer.permitted), (300, 299));
        let allowed: Vec<u32> = ordinals.iter().zip(&allowed).filter(|(_, a)| **a).map(|(o, _)| *o).collect();
        assert!(!allowed.contains(&ordinals[7]));

        // Pseudonyms for the rest; padding is answered too, and belongs to nobody.
        let delivery: DeliveryId = world.id();
        let list = padded(&allowed, N);
        let (y, errors) = world.pseudonyms(delivery, &list).await.unwrap();
        assert!(errors.is_empty());
        assert_eq!(y.iter().collect::<HashSet<_>>().len(), N);
        assert_eq!(world.pseudonyms(delivery, &list).await.unwrap().0, y, "idempotent (KEY-044)");

        // No key for the room before the ledger knows the delivery (KEY-100).
        assert_eq!(code(world.room_key(delivery).await), "no_ledger_receipt");
        let release = world.release(world.release_header(delivery, &list), &list).await.unwrap();
        let ledger: Receipt = release.receipt.open(&world.directory).unwrap();
        assert_eq!((ledger.kind, ledger.seq), (ReceiptKind::Ledger, Some(1)));
        assert_eq!(ledger.person_root, Some(Digest::sha256(b"root")));
        let canonical = kernel::canonical_json(&release.record).unwrap();
        assert_eq!(ledger.record, Some(Digest::sha256(&canonical)));
        assert_eq!(release.record.count_band, "100-999");
        assert!(world.me(&ids[0]).await.releases.is_empty(), "provisional is not shown");

        // The room makes pseudonyms with its key.
        let grant = world.room_key(delivery).await.unwrap();
        assert_eq!((grant.usage, grant.recipient.clone()), (GrantUse::RoomOut, room()));
        let mut p = y.clone();
        RoomStep::new(grant.key.expose()).apply(&mut p);
        assert_ne!(p, y);

        // It keeps all but the first five; the release becomes final.
        let kept: Vec<usize> = (5..allowed.len()).collect();
        let receipt = world.kept(&release, N, &kept).await.unwrap();
        assert_eq!((receipt.kind, receipt.persons), (ReceiptKind::Kept, Some(294)));
        assert_eq!(world.kept(&release, N, &kept).await.unwrap(), receipt, "the same again");
        assert_eq!(code(world.kept(&release, N, &kept[1..]).await), "replay");

        // Who was kept sees it, and nobody else.
        let position = |o: u32| allowed.iter().position(|a| *a == o);
        for (id, ordinal) in ids.iter().zip(&ordinals) {
            let releases = world.me(id).await.releases;
            let expected = position(*ordinal).is_some_and(|i| i >= 5);
            assert_eq!(releases.len(), usize::from(expected));
            if let Some(own) = releases.first() {
                assert_eq!(own.record.title, "Stroke after reperfusion");
                assert_eq!(own.key_state, "active");
            }
        }
        let stranger = &numbers(301)[300];
        assert!(world.me(stranger).await.releases.is_empty());

        // A second delivery: she has withdrawn her reservation in between, and is in.
        world.later(86_400);
        world.choose(&ids[7], ChoiceKind::Reservation, "npr", false).await.unwrap();
        let list = padded(&ordinals, N);
        let delivery: DeliveryId = world.id();
        let (_, allowed) = world.permitted(world.id(), &ordinals).await.unwrap();
        assert!(allowed.iter().all(|a| *a));
        let (again, _) = world.pseudonyms(delivery, &list).await.unwrap();
        let first = y[position(ordinals[20]).unwrap()];
        assert_eq!(again[20], first, "increments link (KEY-032)");
        let release = world.release(world.release_header(delivery, &list), &list).await.unwrap();
        assert_eq!(release.record.seq, 2);
        world.kept(&release, N, &(0..300).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(world.me(&ids[7]).await.releases.len(), 1);
        assert_eq!(world.me(&ids[20]).await.releases.len(), 2);

        // That was the last planned delivery (yearly until 2027): the keys go, and with them every further use.
        let status = world.ask(&Party::Centre, &KeysStatus { series: SERIES.into() }).await.unwrap();
        assert_eq!(status.uses, [("npr".to_owned(), 300, 1000, 2, 2)]);
        assert_eq!(status.unacknowledged, ["room:tsd"]);
        assert_eq!(world.service.sweep().await.unwrap(), 1);
        assert_eq!(world.service.sweep().await.unwrap(), 0);
        assert_eq!(code(world.pseudonyms(delivery, &list).await), "key_destroyed");
        assert_eq!(code(world.room_key(delivery).await), "key_destroyed");
        assert_eq!(world.me(&ids[20]).await.releases[0].key_state, "destroyed");

        let roots = world.ask(&Party::Centre, &LedgerRoots {}).await.unwrap();
        assert_eq!((roots.sources, roots.overdue), (vec![("npr".to_owned(), 2)], 0));
        assert!(world.zone.actions().await.contains(&"keys.refuse refused no_ledger_receipt".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn the_plan_follows_the_permit() {
    let world = World::new(testkit::zone("keys").await).await;
    let ask = async |from: &Party| world.ask(from, &PlanCurrent { series: SERIES.into() }).await;
    let plan: LinkagePlan = ask(&Party::Centre).await.unwrap().plan.open(&world.directory).unwrap();
    assert_eq!((plan.plan_no, plan.permit_id.as_str(), plan.id_form.as_str()), (1, PERMIT, "O"));
    assert_eq!(plan.caps.len(), 1, "refused sources have no cap");
    assert_eq!((plan.caps[0].max_persons, plan.caps[0].max_deliveries), (1000, 2));
    assert_eq!(Some(plan.room_key.0), world.directory.sealing_key(&room(), protocol::KeyRole::Intake));
    assert_eq!(ask(&room()).await.unwrap().plan, ask(&Party::Data).await.unwrap().plan);
    assert_eq!(code(ask(&Party::Room("hunt".into())).await), "wrong_party");

    // An amendment raises and adds, never lowers.
    let amended = world.grant(|p| {
        p.permit_id = "NO-2026-000045-02".into();
        p.status = PermitStatus::Amended;
        p.population.max_persons = 10;
        p.sources[1].outcome = protocol::documents::SourceOutcome::GrantedInPart;
    });
    world.ask(&Party::Centre, &amended).await.unwrap();
    let second: LinkagePlan = ask(&Party::Centre).await.unwrap().plan.open(&world.directory).unwrap();
    assert_eq!((second.plan_no, second.permit_id.as_str()), (2, "NO-2026-000045-02"));
    assert_eq!(second.snapshot_date, plan.snapshot_date);
    let caps: Vec<_> = second.caps.iter().map(|c| (c.source.as_str(), c.max_persons)).collect();
    assert_eq!(caps, [("npr", 1000), ("dar", 10)]);
    // The version before is no longer accepted.
    assert_eq!(code(world.pseudonyms(world.id(), &padded(&[], N)).await), "permit_not_live");

    world.grant(|p| p.room.id = "room:unknown".into());
    world.later(61);
    assert_eq!(code(ask(&Party::Centre).await), "room_not_enrolled");
    world.grant(|p| {
        p.permit_id = "NO-2026-000045-03".into();
        p.population.optout = OptOut::Exempt;
    });
    world.later(61);
    assert_eq!(code(ask(&Party::Centre).await), "exemption_without_reference");
}

#[tokio::test]
async fn key_080_every_refusal_of_the_batch_service() {
    let world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(40);
    let ordinals = world.register(&ids).await.ordinals;
    let list = padded(&ordinals, N);
    let delivery: DeliveryId = world.id();
    let officer = testkit::actor("officer", Role::KeyOfficer, "keys");

    assert_eq!(code(world.pseudonyms(delivery, &ordinals).await), "cap_exceeded", "below the smallest batch");
    let with = async |change: fn(&mut PseudonymsSource)| code(world.pseudonyms_with(delivery, &list, change).await);
    assert_eq!(with(|h| h.permit = "NO-2026-000045-02".into()).await, "permit_not_live");
    assert_eq!(with(|h| h.permit = "nothing".into()).await, "permit_not_live");
    assert_eq!(with(|h| h.source = "dar".into()).await, "wrong_party");
    assert_eq!(with(|h| h.source = "nowhere".into()).await, "wrong_party");
    assert_eq!(with(|h| h.epoch = 2).await, "manifest_mismatch");
    // Four telling refusals: the caller is suspended until an officer lets it in again (KEY-092).
    assert_eq!(code(world.pseudonyms(delivery, &list).await), "rate_limited");
    assert!(world.service.lift(&testkit::citizen("x"), &Party::Data).await.is_err());
    world.service.lift(&officer, &Party::Data).await.unwrap();
    world.pseudonyms(delivery, &list).await.unwrap();

    // Orders: another source, past its time, signed by somebody else.
    let with_order =
        async |order: Envelope| code(world.pseudonyms_with(delivery, &list, |h| h.order.clone_from(&order)).await);
    assert_eq!(with_order(world.order(|o| o.source = "dar".into())).await, "manifest_mismatch");
    assert_eq!(with_order(world.order(|o| o.not_after = "2026-11-20T00:00:00Z".parse().unwrap())).await, "expired");
    let own = Envelope::of(
        &world.order(|_| {}).read_unverified::<protocol::documents::ExtractionOrder>().unwrap(),
        &*world.data.signer("channel").unwrap(),
    )
    .unwrap();
    assert_eq!(with_order(own).await, "unknown_key");

    // A person that nobody has registered: null and an error row.
    let mut unknown = list.clone();
    unknown[0] = 4_000_000;
    let (y, errors) = world.pseudonyms(delivery, &unknown).await.unwrap();
    assert_eq!(y[0], [0; 16]);
    assert_eq!((errors.len(), errors[0].index, errors[0].code), (1, 0, RowCode::UnknownPerson));

    // Hold, end, revocation; suspension by an officer.
    let held = PermitCurrentAnswer { hold: true, ..world.grant(|_| {}) };
    world.ask(&Party::Centre, &held).await.unwrap();
    assert_eq!(code(world.pseudonyms(delivery, &list).await), "permit_not_live");
    world.ask(&Party::Centre, &world.grant(|_| {})).await.unwrap();
    world.service.suspend(&officer, SERIES).await.unwrap();
    assert_eq!(code(world.pseudonyms(delivery, &list).await), "key_suspended");
    world.service.resume(&officer, SERIES).await.unwrap();
    world.pseudonyms(delivery, &list).await.unwrap();
    assert!(world.service.suspend(&testkit::citizen("x"), SERIES).await.is_err());

    // Not binary at all, and not for this party.
    let body = bytes::Bytes::from_static(b"\x01\0\0\0{");
    let handle = async |from: &Party, kind: &str| code(world.service.handle(from, kind, body.clone()).await);
    assert_eq!(handle(&Party::Data, "pseudonyms/source").await, "bad_encoding");
    assert_eq!(handle(&Party::Centre, "pseudonyms/source").await, "wrong_party");
    assert_eq!(handle(&Party::Data, "no/such call; really").await, "wrong_party");
    assert_eq!(handle(&Party::Centre, "choices/set").await, "bad_schema");
    let refused = world.zone.actions().await.iter().filter(|a| a.starts_with("keys.refuse")).count();
    assert!(refused >= 15, "every refusal is in the log: {refused}");
}

#[tokio::test]
async fn key_090_caps_are_this_roles_own_count() {
    testkit::zones("keys", async |zone| {
        let world = World::new(zone).await;
        world.grant(|p| p.population.max_persons = 100);
        let ordinals = world.register(&numbers(200)).await.ordinals;
        // 100 persons × 1.02 + 10 = 112 distinct ones over all deliveries.
        let (a, b): (DeliveryId, DeliveryId) = (world.id(), world.id());
        world.pseudonyms(a, &padded(&ordinals[..100], N)).await.unwrap();
        world.pseudonyms(b, &padded(&ordinals[12..112], N)).await.unwrap();
        world.pseudonyms(b, &padded(&ordinals[..112], N)).await.unwrap();
        assert_eq!(code(world.pseudonyms(b, &padded(&ordinals[100..113], N)).await), "cap_exceeded");
        // Yearly until 2027: two deliveries.
        assert_eq!(code(world.pseudonyms(world.id(), &padded(&ordinals[..5], N)).await), "cap_exceeded");
        // One that was declared void does not count.
        world.permitted(world.id(), &ordinals[..5]).await.unwrap();
        let list = padded(&ordinals[..100], N);
        world.release(world.release_header(a, &list), &list).await.unwrap();
        let void = LedgerVoid { delivery_id: a, reason: "recalled".into() };
        world.ask(&Party::Data, &void).await.unwrap();
        world.pseudonyms(world.id(), &padded(&ordinals[..5], N)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn cit_023_which_choice_counts_when() {
    testkit::zones("keys", async |zone| {
        let world = World::new(zone).await;
        let ids = numbers(8);
        let o = world.register(&ids).await.ordinals;
        let left_out = async |world: &World| {
            let (_, allowed) = world.permitted(world.id(), &o).await.unwrap();
            allowed.iter().enumerate().filter(|(_, a)| !**a).map(|(i, _)| i).collect::<Vec<_>>()
        };
        let issued_now = |world: &World| {
            let now = kernel::Clock::now(&*world.clock);
            world.grant(|p| p.first_issued_at = now);
        };
        // 0: opt-out before the series is issued; 1: after; 2: before, and withdrawn after.
        world.choose(&ids[0], ChoiceKind::OptOut, "all", true).await.unwrap();
        world.choose(&ids[2], ChoiceKind::OptOut, "all", true).await.unwrap();
        world.later(60);
        issued_now(&world);
        world.later(60);
        world.choose(&ids[1], ChoiceKind::OptOut, "all", true).await.unwrap();
        world.choose(&ids[2], ChoiceKind::OptOut, "all", false).await.unwrap();
        assert_eq!(left_out(&world).await, [0, 2], "as it was when the series was issued");
        // 3: reservation at this source; 4: at another; 5: at all; 6: withdrawn.
        world.choose(&ids[3], ChoiceKind::Reservation, "npr", true).await.unwrap();
        world.choose(&ids[4], ChoiceKind::Reservation, "dar", true).await.unwrap();
        world.choose(&ids[5], ChoiceKind::Reservation, "all", true).await.unwrap();
        world.choose(&ids[6], ChoiceKind::Reservation, "npr", true).await.unwrap();
        let order: OrderId = world.id();
        let (before, _) = world.permitted(order, &o).await.unwrap();
        assert_eq!(left_out(&world).await, [0, 2, 3, 5, 6], "in force when the extraction starts");
        world.later(60);
        world.choose(&ids[6], ChoiceKind::Reservation, "npr", false).await.unwrap();
        assert_eq!(left_out(&world).await, [0, 2, 3, 5]);
        // The extraction that had started goes on with its set.
        let (again, allowed) = world.permitted(order, &o).await.unwrap();
        assert_eq!((again.snapshot, allowed[6]), (before.snapshot, false));
        // An exemption sets opt-outs aside, not reservations.
        world.grant(|p| {
            p.population.optout = OptOut::Exempt;
            p.population.optout_reference = Some("law 1 § 2".into());
        });
        world.later(61);
        assert_eq!(left_out(&world).await, [3, 5]);
        // A new version of a store leaves out everyone who opted out or reserved, as of now.
        let version = SourceUse::StoreVersion { store: "no.fhi.npr".into() };
        let (_, allowed) = world.permitted_for(version, &o).await.unwrap();
        assert_eq!(allowed, [false, false, true, false, true, false, true, true]);
    })
    .await;
}

#[tokio::test]
async fn choices_have_receipts_and_a_history() {
    testkit::zones("keys", async |zone| {
        let world = World::new(zone).await;
        // A person that no register has told about yet: the choice waits for her data.
        let ids = numbers(2);
        let receipt = world.choose(&ids[0], ChoiceKind::Reservation, "npr", true).await.unwrap();
        assert!(receipt.value);
        let same = world.choose(&ids[0], ChoiceKind::Reservation, "npr", true).await.unwrap();
        assert_eq!(same, receipt, "chosen already: the receipt in force");
        assert_eq!(code(world.choose(&ids[0], ChoiceKind::OptOut, "all", false).await), "already_in_state");
        assert_eq!(code(world.choose(&ids[0], ChoiceKind::OptOut, "npr", true).await), "invalid");
        assert_eq!(code(world.choose("12345678901", ChoiceKind::OptOut, "all", true).await), "invalid_number");
        let from = receipt.in_force_from;
        let to = world.later(3_600);
        world.choose(&ids[0], ChoiceKind::Reservation, "npr", false).await.unwrap();
        world.later(1);
        world.choose(&ids[0], ChoiceKind::Reservation, "npr", true).await.unwrap();
        let history = world.choices(&ids[0]).await.choices;
        assert_eq!(history.len(), 2);
        assert_eq!((history[0].from, history[0].to, history[1].to), (from, Some(to), None));
        assert!(history[0].withdrawal_receipt.is_some());
        assert!(world.choices(&ids[1]).await.choices.is_empty());
        let ordinals = world.register(&ids).await.ordinals;
        let (_, allowed) = world.permitted(world.id(), &ordinals).await.unwrap();
        assert_eq!(allowed, [false, true]);

        // The same event twice is one; with other content it is refused.
        let mut question = protocol::calls::ChoicesSet {
            subject: world.subject(&ids[1]),
            choice_id: world::choice_id(&world),
            choice: ChoiceKind::OptOut,
            scope: "all".into(),
            value: true,
            channel: "web".into(),
            by: "x".into(),
            template_version: "1".into(),
        };
        let first = world.ask(&Party::Centre, &question).await.unwrap();
        question.subject = world.subject(&ids[1]);
        assert_eq!(world.ask(&Party::Centre, &question).await.unwrap(), first);
        question.subject = world.subject(&ids[0]);
        assert_eq!(code(world.ask(&Party::Centre, &question).await), "replay");
    })
    .await;
}

#[tokio::test]
async fn key_100_the_ledger_takes_only_what_is_right() {
    let world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(30);
    let ordinals = world.register(&ids).await.ordinals;
    let delivery: DeliveryId = world.id();
    let list = padded(&ordinals, N);
    let header = || world.release_header(delivery, &list);

    // The choices were never asked for; then one who is left out is in.
    assert_eq!(code(world.release(header(), &list).await), "choices_not_applied");
    world.choose(&ids[3], ChoiceKind::Reservation, "all", true).await.unwrap();
    world.permitted(world.id(), &ordinals).await.unwrap();
    assert_eq!(code(world.release(header(), &list).await), "choices_not_applied");

    let mut clean: Vec<u32> = ordinals.iter().copied().filter(|o| *o != ordinals[3]).collect();
    clean = padded(&clean, N);
    let header = || world.release_header(delivery, &clean);
    let mut wrong = header();
    wrong.persons = 28;
    assert_eq!(code(world.release(wrong, &clean).await), "manifest_mismatch");
    let mut wrong = header();
    wrong.person_count_padded = 2 * N as u64;
    assert_eq!(code(world.release(wrong, &clean).await), "manifest_mismatch");
    let mut doubled = clean.clone();
    doubled[1] = doubled[0];
    assert_eq!(code(world.release(header(), &doubled).await), "manifest_mismatch");
    let mut unknown = clean.clone();
    unknown[1] = 1_000_000;
    assert_eq!(code(world.release(header(), &unknown).await), "manifest_mismatch");
    let mut wrong = header();
    wrong.source = "dar".into();
    assert_eq!(code(world.release(wrong, &clean).await), "wrong_party");

    let release = world.release(header(), &clean).await.unwrap();
    assert_eq!(world.release(header(), &clean).await.unwrap(), release, "sealed once");
    let mut other = header();
    other.tables = vec!["another".into()];
    assert_eq!(code(world.release(other, &clean).await), "replay");

    // The room's word: padding kept, a wrong count, another room.
    assert_eq!(code(world.kept(&release, N, &[0, 1_000]).await), "manifest_mismatch");
    assert_eq!(code(world.kept(&release, 2 * N, &[0]).await), "manifest_mismatch");
    world.kept(&release, N, &[0, 1]).await.unwrap();
    let void = LedgerVoid { delivery_id: delivery, reason: "x".into() };
    assert_eq!(code(world.ask(&Party::Data, &void).await), "wrong_state");
    let roots = world.ask(&Party::Centre, &LedgerRoots {}).await.unwrap();
    assert_eq!(roots.sources, [("npr".to_owned(), 1)]);

    // One that is never opened is overdue after a week.
    let second: DeliveryId = world.id();
    world.release(world.release_header(second, &clean), &clean).await.unwrap();
    world.later(8 * 86_400);
    let roots = world.ask(&Party::Centre, &LedgerRoots {}).await.unwrap();
    assert_eq!((roots.sources, roots.overdue), (vec![("npr".to_owned(), 2)], 1));
}

#[tokio::test]
async fn key_100_a_crash_between_file_and_database_is_finished_by_the_next_call() {
    let mut world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(20);
    let ordinals = world.register(&ids).await.ordinals;
    world.permitted(world.id(), &ordinals).await.unwrap();
    let list = padded(&ordinals, N);
    let release = world.release(world.release_header(world.id(), &list), &list).await.unwrap();
    // The folder is in the way: the file cannot be written, the release stays as it is.
    let path = world.ledger_dir().join(format!("{}.hrl", release.release_id));
    let temporary = path.with_extension("tmp");
    std::fs::create_dir(&temporary).unwrap();
    assert_eq!(code(world.kept(&release, N, &[1, 2]).await), "token_unavailable");
    assert!(world.me(&ids[1]).await.releases.is_empty());
    std::fs::remove_dir(&temporary).unwrap();
    world.restart();
    assert_eq!(code(world.kept(&release, N, &[1, 3]).await), "replay", "what was kept is settled");
    world.kept(&release, N, &[1, 2]).await.unwrap();
    assert_eq!(world.me(&ids[1]).await.releases.len(), 1);
    assert!(world.me(&ids[3]).await.releases.is_empty());
}

#[tokio::test]
async fn key_070_receipts_chain_and_key_094_two_officers() {
    let world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(20);
    let ordinals = world.register(&ids).await.ordinals;
    world.permitted(world.id(), &ordinals).await.unwrap();
    let list = padded(&ordinals, N);
    let delivery: DeliveryId = world.id();
    let (y, _) = world.pseudonyms(delivery, &list).await.unwrap();
    world.release(world.release_header(delivery, &list), &list).await.unwrap();
    let grant = world.room_key(delivery).await.unwrap();
    world.room_key(delivery).await.unwrap();

    // The room acknowledges; another room cannot.
    let installed = |by: &Party, signer: &dyn kernel::Signer| {
        let receipt = KeyReceipt {
            message_id: world.id(),
            kind: "key-receipt".into(),
            series: SERIES.into(),
            permit_id: PERMIT.into(),
            epoch: 1,
            key_id: grant.key_id,
            event: KeyEvent::Installed,
            usage: Some(GrantUse::RoomOut),
            actor: by.to_string(),
            holder: Some(by.clone()),
            at: kernel::Clock::now(&*world.clock),
            keystore_generation: 1,
            commitment: None,
            assurance: protocol::documents::Assurance::SingleOperator,
            residual: vec![],
            unwrap_failed: None,
            previous_receipt: None,
        };
        KeyReceiptNotice { receipt: Envelope::of(&receipt, signer).unwrap() }
    };
    let hunt = Party::Room("hunt".into());
    let foreign = installed(&hunt, &testkit::FixedSigner::named("hunt"));
    assert_eq!(code(world.ask(&hunt, &foreign).await), "not_found");
    assert_eq!(code(world.ask(&room(), &foreign).await), "wrong_party");
    let own = installed(&room(), &*world.room.signer("intake").unwrap());
    world.ask(&room(), &own).await.unwrap();

    let officers = ["one", "two"].map(|n| testkit::actor(n, Role::KeyOfficer, "keys"));
    let destroy = async |a: usize, b: usize| world.service.destroy(&officers[a], &officers[b], SERIES).await;
    assert_eq!(destroy(0, 0).await.unwrap_err(), kernel::Problem::forbidden("same_person"));
    let citizen = testkit::citizen("c");
    assert!(world.service.destroy(&officers[0], &citizen, SERIES).await.is_err());
    destroy(0, 1).await.unwrap();
    destroy(1, 0).await.unwrap();

    let status = world.ask(&Party::Centre, &KeysStatus { series: SERIES.into() }).await.unwrap();
    assert_eq!((status.state.as_str(), status.unacknowledged.len()), ("destroyed", 0));
    let mut previous = None;
    let mut events = Vec::new();
    for envelope in &status.receipts {
        let receipt: KeyReceipt = envelope.open(&world.directory).unwrap();
        assert_eq!(receipt.previous_receipt, previous, "chained");
        previous = Some(Digest::sha256(&envelope.payload.0));
        events.push(receipt.event);
        if receipt.event == KeyEvent::Destroyed {
            assert_eq!(receipt.unwrap_failed, Some(true));
            assert!(receipt.residual.contains(&"backups".to_owned()), "KEY-072");
            assert_eq!(receipt.keystore_generation, 2);
        }
    }
    use KeyEvent::{Created, Destroyed, Distributed, Installed};
    assert_eq!(events, [Created, Created, Distributed, Installed, Destroyed]);

    // KEY-073: what the source kept is worth nothing without the room's key, and there is no way to get that again.
    assert_eq!(code(world.room_key(delivery).await), "key_destroyed");
    assert_eq!(code(world.pseudonyms(delivery, &list).await), "key_destroyed");
    assert_ne!(y[0], [0; 16]);
}

#[tokio::test]
async fn a_destruction_that_was_cut_off_is_finished_by_the_sweep() {
    let world = World::new(testkit::zone("keys").await).await;
    let ordinals = world.register(&numbers(5)).await.ordinals;
    world.pseudonyms(world.id(), &padded(&ordinals, N)).await.unwrap();
    let mark =
        async |tx: &mut store::Tx| tx.execute("UPDATE series_key SET state = 'destroying'", store::params![]).await;
    world.zone.store.tx("test", mark).await.unwrap();
    assert_eq!(code(world.pseudonyms(world.id(), &padded(&ordinals, N)).await), "key_destroyed");
    assert_eq!(world.service.sweep().await.unwrap(), 1);
    let status = world.ask(&Party::Centre, &KeysStatus { series: SERIES.into() }).await.unwrap();
    assert_eq!(status.state, "destroyed");
    assert_eq!(status.receipts.len(), 3);
}

#[tokio::test]
async fn the_clock_destroys_after_the_last_day() {
    let world = World::new(testkit::zone("keys").await).await;
    world.grant(|p| {
        p.valid_to = "2026-12-31".parse().unwrap();
        p.linkage.as_mut().unwrap().key_retention = protocol::documents::KeyRetention::KeepUntilEnd;
    });
    let ordinals = world.register(&numbers(5)).await.ordinals;
    world.pseudonyms(world.id(), &padded(&ordinals, N)).await.unwrap();
    world.later(39 * 86_400);
    assert_eq!(world.service.sweep().await.unwrap(), 0);
    world.later(2 * 86_400);
    assert_eq!(world.service.sweep().await.unwrap(), 1);
}

#[tokio::test]
async fn the_gate_gets_its_keys_sealed_and_always_the_same() {
    let world = World::new(testkit::zone("keys").await).await;
    let question = GrantGate { id_types: vec!["FNR".into(), "ORGNR".into()] };
    let open = async || {
        let answer = world.ask(&Party::Data, &question).await.unwrap();
        let open = |container: &protocol::Base64| {
            let plain = world.data.x25519("seal").unwrap().open(&container.0).unwrap();
            Envelope::parse(&plain).unwrap().open::<KeyGrant>(&world.directory).unwrap()
        };
        answer.grants.iter().map(open).collect::<Vec<_>>()
    };
    let (a, b) = (open().await, open().await);
    let names: Vec<_> = a.iter().map(|g| g.name.clone().unwrap()).collect();
    assert_eq!(names, ["k_noise", "k_dataset:FNR", "k_dataset:ORGNR"]);
    assert!(a.iter().zip(&b).all(|(x, y)| x.key.expose() == y.key.expose()));
    assert_eq!(a.iter().map(|g| *g.key.expose()).collect::<HashSet<_>>().len(), 3);
    assert!(a.iter().all(|g| g.usage == GrantUse::Gate && g.series.is_none()));
    assert_eq!(code(world.ask(&room(), &question).await), "wrong_party");
}

/// SDC-030: two persons rotate the gate's keys with a recorded decision; then every key is another, of the next epoch, also that
/// of a unit space that is asked for the first time, and the old ones are given to nobody.
#[tokio::test]
async fn sdc_030_rotated_keys_of_the_gate_are_all_new() {
    let world = World::new(testkit::zone("keys").await).await;
    let open = async |spaces: &[&str]| {
        let question = GrantGate { id_types: spaces.iter().map(|s| (*s).to_owned()).collect() };
        let answer = world.ask(&Party::Data, &question).await.unwrap();
        let open = |container: &protocol::Base64| {
            let plain = world.data.x25519("seal").unwrap().open(&container.0).unwrap();
            let grant = Envelope::parse(&plain).unwrap().open::<KeyGrant>(&world.directory).unwrap();
            (grant.epoch, *grant.key.expose())
        };
        answer.grants.iter().map(open).collect::<Vec<_>>()
    };
    let before = open(&["FNR", "ORGNR"]).await;
    let refused = async |officer: &str, steward: &str, reason: &str| {
        let refused = world.service.rotate_gate(officer, steward, reason).await.unwrap_err();
        assert_eq!(open(&["FNR", "ORGNR"]).await, before, "nothing has changed");
        refused.to_string()
    };
    assert!(refused("kari", "kari", "lost").await.contains("same_person"));
    refused("kari", "siv", " ").await;
    assert_eq!(world.service.rotate_gate("kari", "siv", "A copy of the key file was lost.").await.unwrap(), 2);
    let after = open(&["FNR", "ORGNR", "LNR"]).await;
    assert!(before.iter().all(|(epoch, _)| *epoch == 1) && after.iter().all(|(epoch, _)| *epoch == 2));
    let keys: HashSet<_> = before.iter().chain(&after).map(|(_, key)| *key).collect();
    assert_eq!(keys.len(), 3 + 4, "all are others");
    assert_eq!(world.service.rotate_gate("kari", "siv", "once more").await.unwrap(), 3);
    let entries = world.zone.entries().await;
    let told = entries.iter().find(|e| e["action"] == "keys.rotate_gate").unwrap().to_string();
    assert!(told.contains("kari") && told.contains("siv") && told.contains("key file"), "{told}");
}

#[tokio::test]
async fn insight_token_is_for_the_data_zone_alone() {
    let world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(11);
    let ordinals = world.register(&ids[..10]).await.ordinals;
    let ask = async |id: &str| {
        world.ask(&Party::Centre, &InsightTokenRequest { subject: world.subject(id) }).await.unwrap().token
    };
    let token = ask(&ids[4]).await.unwrap();
    let plain = world.data.x25519("seal").unwrap().open(&token.0).unwrap();
    let token: InsightToken = Envelope::parse(&plain).unwrap().open(&world.directory).unwrap();
    assert_eq!((token.ordinal, token.usage.as_str()), (ordinals[4], "insight"));
    assert!(token.not_after > token.not_before);
    assert!(ask(&ids[10]).await.is_none(), "in no register");
    // A subject sealed to somebody else, or with anything but a number inside, is refused without a word about it.
    let mut foreign = InsightTokenRequest { subject: world.subject("not a number") };
    assert_eq!(code(world.ask(&Party::Centre, &foreign).await), "invalid_number");
    let key = world.data.x25519("seal").unwrap().public();
    foreign.subject = protocol::Base64(protocol::crypt4gh::seal(ids[0].as_bytes(), &[key], &world.random).unwrap());
    assert_eq!(code(world.ask(&Party::Centre, &foreign).await), "bad_encoding");
}

#[tokio::test]
async fn a_permit_of_another_room_or_signer_opens_nothing() {
    let world = World::new(testkit::zone("keys").await).await;
    let question = GrantRoomOut { permit: PERMIT.into(), epoch: 1, delivery_id: world.id() };
    assert_eq!(code(world.ask(&Party::Room("hunt".into()), &question).await), "wrong_party");
    let forged = Envelope::of(&permit(), &*world.data.signer("channel").unwrap()).unwrap();
    let notice = PermitCurrentAnswer { permit: forged, hold: false, title: String::new() };
    assert_eq!(code(world.ask(&Party::Centre, &notice).await), "unknown_key");
    assert_eq!(code(world.ask(&room(), &question).await), "no_ledger_receipt");
    *world.centre.0.lock().unwrap() = None;
    world.later(61);
    assert_eq!(code(world.ask(&room(), &question).await), "permit_not_live");
}
