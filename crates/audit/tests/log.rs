//! Writing the log: in the caller's transaction, in order, once, on both databases, across restarts and failures.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use audit::{Action, Actor, AuditError, Entry, Kind, Log, LogOptions, Object, Outcome, Purpose, Query, Zone, prove};
use common::{check, entry, write};
use kernel::Signer as _;
use store::{StoreError, Tx, params};

/// AUD-001, AUD-002: an entry is there when its transaction commits, and only then.
#[tokio::test]
async fn entries_live_and_die_with_their_transaction() {
    testkit::zones("centre", async |zone| {
        let undone: Result<(), AuditError> = zone
            .store
            .tx("undone", async |tx: &mut Tx| {
                zone.log.record(tx, entry(0)).await?;
                Err(AuditError::Store(StoreError::NoRow))
            })
            .await;
        assert!(undone.is_err());
        write(&zone, 1, 4).await;
        zone.log.record_alone(entry(4).refused("same_person")).await.unwrap();
        assert_eq!(zone.log.status().await.unwrap().backlog, 1);
        let entries = zone.entries().await;
        let objects: Vec<&str> = entries.iter().map(|e| e["object"]["id"].as_str().unwrap()).collect();
        assert_eq!(objects, ["permit-1", "permit-2", "permit-3", "permit-4"], "the order of recording");
        assert_eq!(entries[3]["outcome"], "refused");
        assert_eq!(entries[3]["code"], "same_person");
        assert_eq!(entries[0]["counts"]["persons_band"], "1-9");
        assert_eq!(entries[0]["time"], "2026-11-21T09:15:00.000000Z");
        let status = zone.log.status().await.unwrap();
        assert_eq!((status.size, status.backlog, status.writable), (4, 0, true));
    })
    .await;
}

/// AUD-001, AUD-004, AUD-030: a body that breaks its schema stops the transaction: no audit, no action.
#[tokio::test]
async fn a_bad_entry_stops_the_action() {
    let zone = testkit::zone("centre").await;
    let person = || Actor::person("01JCZK0000000000000000ACT1");
    let odd = Action::new(Kind::Decision, "Permit Issue", &[]);
    let bad = [
        ("detail.other", entry(1).detail("other", 1)),
        ("detail.decision", entry(1).detail("decision", "not a digest")),
        ("detail.note", entry(1).detail("note", "x".repeat(2001))),
        ("object.id", Entry::new(&common::ISSUE, person(), Object::new("permit", "Kari Nordmann"))),
        ("actor.id", Entry::new(&common::ISSUE, Actor::person(""), Object::new("permit", "1"))),
        ("code", entry(1).failed("something went wrong")),
        ("object.digest", entry(1).also(Object::new("file", "a").digest("zz"))),
        ("action", Entry::new(&odd, person(), Object::new("permit", "1"))),
    ];
    for (field, entry) in bad {
        match zone.log.record_alone(entry).await {
            Err(AuditError::Invalid(faults)) => assert!(faults.iter().any(|f| f.field == field), "{field}: {faults:?}"),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert_eq!(zone.entries().await, Vec::<serde_json::Value>::new());
}

/// AUD-002: writers in parallel; every committed entry is there once, `s` and index without gaps.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_writers_lose_nothing() {
    testkit::zones("data", async |zone| {
        let one = |n: usize| {
            let zone = zone.zone();
            tokio::spawn(async move {
                zone.log.record_alone(entry(n)).await.unwrap();
                zone.log.integrate().await.unwrap();
            })
        };
        for task in (0..40).map(one).collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let mut objects: Vec<String> =
            zone.entries().await.iter().map(|e| e["object"]["id"].as_str().unwrap().to_owned()).collect();
        objects.sort();
        let mut wanted: Vec<String> = (0..40).map(|n| format!("permit-{n}")).collect();
        wanted.sort();
        assert_eq!(objects, wanted);
        assert_eq!(check(zone.log.folder()).checked, 40);
    })
    .await;
}

/// AUD-010: after a restart the log goes on where it was, across a full bundle.
#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [(0, 3), (3, 255), (255, 256), (256, 600)] {
        let zone = testkit::zone_in("keys", folder.path()).await;
        zone.log.record_alone(entry(from)).await.unwrap();
        // Recorded and committed, not yet integrated: the next start does it.
        drop(zone);
        let zone = testkit::zone_in("keys", folder.path()).await;
        write(&zone, from + 1, to).await;
        assert_eq!(zone.log.status().await.unwrap().size, to as u64);
    }
    let report = check(&folder.path().join("audit"));
    assert_eq!((report.exit_code(), report.checked), (0, 600), "{report:?}");
    let partials: Vec<_> =
        common::files(folder.path()).into_iter().filter(|f| f.to_string_lossy().contains(".p/")).collect();
    assert_eq!(partials.len(), 4, "one partial file per row of files: {partials:?}");
}

/// AUD-010: a crash after the files were written and before the rows were marked: the rows are recognised by their place
/// and are not appended twice.
#[tokio::test]
async fn rows_that_are_in_the_log_already_are_recognised() {
    testkit::zones("keys", async |zone| {
        write(&zone, 0, 2).await;
        let (body, salt) = (b"{}".to_vec(), vec![0u8; 16]);
        // The state in which such a crash leaves the database: entry 1 still in the outbox, with its place.
        let back: Result<(), StoreError> = zone
            .store
            .tx("back", async |tx: &mut Tx| {
                tx.execute("DELETE FROM audit_index WHERE idx = 1", params![]).await?;
                tx.execute("DELETE FROM audit_object WHERE idx = 1", params![]).await?;
                tx.execute(
                    "INSERT INTO audit_outbox (id, turn, t, k, o, c, salt, body, idx, s)
                     VALUES ('x', 1, 1, 'decision', 'permit-1', 'c', $1, $2, 1, 2)",
                    params![salt, body],
                )
                .await?;
                Ok(())
            })
            .await;
        back.unwrap();
        zone.log.record_alone(entry(2)).await.unwrap();
        // The process is gone; another one opens the log.
        let Zone { store, clock, random, signer, .. } = zone.zone();
        let options = LogOptions {
            folder: zone.log.folder().to_owned(),
            origin: zone.log.origin().to_owned(),
            role: "keys-1".to_owned(),
        };
        let _folder = folder_of(zone);
        let log = Log::open(options, store, clock, random, signer).await.unwrap();
        assert_eq!(log.integrate().await.unwrap(), 2);
        let report = check(log.folder());
        assert_eq!((report.damage, report.size), (None, 3));
        assert_eq!(log.status().await.unwrap().backlog, 0);
    })
    .await;
}

/// The folder of a zone of which nothing else is left.
fn folder_of(zone: testkit::TestZone) -> tempfile::TempDir {
    zone.folder
}

/// AUD-061: while the folder cannot be written nothing can be recorded; afterwards nothing is lost.
#[tokio::test]
async fn an_unwritable_log_refuses_actions() {
    let zone = testkit::zone("centre").await;
    write(&zone, 0, 1).await;
    let tile = zone.log.folder().join("tile");
    fs::rename(&tile, zone.log.folder().join("away")).unwrap();
    fs::write(&tile, "in the way").unwrap();
    zone.log.record_alone(entry(1)).await.unwrap();
    assert!(matches!(zone.log.integrate().await, Err(AuditError::Unavailable(_))));
    let refused = zone.log.record_alone(entry(2)).await;
    assert!(matches!(refused, Err(AuditError::Unavailable(_))), "{refused:?}");
    assert!(!zone.log.status().await.unwrap().writable);
    fs::remove_file(&tile).unwrap();
    fs::rename(zone.log.folder().join("away"), &tile).unwrap();
    assert_eq!(zone.log.integrate().await.unwrap(), 1);
    zone.log.record_alone(entry(2)).await.unwrap();
    assert_eq!(zone.entries().await.len(), 3);
}

/// A folder that knows less than the database, a second writer, and a folder of another key are refused.
#[tokio::test]
async fn a_wrong_folder_is_refused() {
    let zone = testkit::zone("centre").await;
    write(&zone, 0, 3).await;
    let open = |folder: std::path::PathBuf, name: &str| {
        let options = audit::LogOptions { folder, origin: "audit.test.example/centre".into(), role: "centre-1".into() };
        let signer = std::sync::Arc::new(testkit::FixedSigner::named(name));
        audit::Log::open(options, zone.store.clone(), zone.zone().clock, zone.zone().random, signer)
    };
    let second = open(zone.log.folder().to_owned(), "centre").await;
    assert!(matches!(second.err(), Some(AuditError::Unavailable(_))));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(open(empty.path().to_owned(), "centre").await.err(), Some(AuditError::Damaged(_))));
    let forged = common::copy(zone.log.folder());
    fs::remove_file(forged.path().join("keys")).unwrap();
    assert!(matches!(open(forged.path().to_owned(), "other").await.err(), Some(AuditError::Damaged(_))));
    assert!(open(forged.path().to_owned(), "centre").await.is_ok());
}

/// AUD-014: a proof file verifies with the public key alone; a changed one does not.
#[tokio::test]
async fn proofs_are_files_that_anyone_can_check() {
    let zone = testkit::zone("centre").await;
    write(&zone, 0, 300).await;
    let index = zone.log.newest_about("permit-270").await.unwrap();
    let proof = zone.log.prove(index).unwrap();
    let key: audit::VerifierKey = zone.log.key().to_string().parse().unwrap();
    let envelope = proof.check(std::slice::from_ref(&key)).unwrap();
    assert_eq!((envelope.o.as_str(), envelope.s), ("permit-270", 271));
    let text = serde_json::to_string(&proof).unwrap();
    assert_eq!(serde_json::from_str::<audit::Proof>(&text).unwrap(), proof);
    let other = audit::VerifierKey::log(zone.log.origin(), testkit::FixedSigner::named("other").public_key());
    assert!(proof.check(&[other]).is_err());
    let mut changed = proof.clone();
    changed.envelope = changed.envelope.replace("permit-270", "permit-271");
    assert!(changed.check(std::slice::from_ref(&key)).is_err());
    let changed = audit::Proof { index: 3, ..proof };
    assert!(changed.check(std::slice::from_ref(&key)).is_err());
    assert!(matches!(prove(zone.log.folder(), 300), Err(AuditError::NotFound)));
}

/// Searching by each filter, newest first; and searching is itself recorded (AUD-022).
#[tokio::test]
async fn the_log_can_be_searched() {
    testkit::zones("centre", async |zone| {
        write(&zone, 0, 5).await;
        zone.clock.advance_micros(1_000_000);
        let later = zone.zone().clock.now();
        let other = Entry::new(&common::ISSUE, Actor::person("someone"), Object::new("permit", "permit-9"))
            .permit("01PERMIT", "series-1")
            .refused("same_person");
        zone.log.record_alone(other).await.unwrap();
        zone.log.integrate().await.unwrap();
        let count = async |query: Query| zone.log.find(&query).await.unwrap().len();
        assert_eq!(count(Query::default()).await, 6);
        assert_eq!(count(Query { limit: 2, ..Query::default() }).await, 2);
        assert_eq!(count(Query { before: Some(2), ..Query::default() }).await, 2);
        assert_eq!(count(Query { object: Some("permit-3".into()), ..Query::default() }).await, 1);
        assert_eq!(count(Query { object: Some("series-1".into()), ..Query::default() }).await, 1);
        assert_eq!(count(Query { actor: Some("someone".into()), ..Query::default() }).await, 1);
        assert_eq!(count(Query { outcome: Some(Outcome::Refused.text().into()), ..Query::default() }).await, 1);
        assert_eq!(count(Query { kind: Some(Kind::Key), ..Query::default() }).await, 0);
        assert_eq!(count(Query { action: Some("permit.issue".into()), ..Query::default() }).await, 6);
        assert_eq!(count(Query { from: Some(later), ..Query::default() }).await, 1);
        assert_eq!(count(Query { to: Some(later), ..Query::default() }).await, 5);
        let found = zone.log.search(Actor::person("auditor"), Purpose::Security, &Query::default()).await.unwrap();
        assert_eq!(found[0].body.as_ref().unwrap()["object"]["id"], "permit-9");
        assert_eq!(zone.actions().await.last().unwrap(), "log.search ok");
    })
    .await;
}

/// The index is rebuilt from the folder when the database has lost it.
#[tokio::test]
async fn the_index_is_rebuilt_from_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let zone = testkit::zone_in("centre", folder.path()).await;
    write(&zone, 0, 300).await;
    let lost: Result<(), StoreError> = zone
        .store
        .tx("lost", async |tx: &mut Tx| {
            tx.execute("DELETE FROM audit_index", params![]).await?;
            tx.execute("DELETE FROM audit_object", params![]).await?;
            Ok(())
        })
        .await;
    lost.unwrap();
    drop(zone);
    let zone = testkit::zone_in("centre", folder.path()).await;
    assert_eq!(zone.log.newest_about("permit-299").await.unwrap(), 299);
    write(&zone, 300, 301).await;
    assert_eq!(check(zone.log.folder()).damage, None);
}

/// The loop integrates what is committed without being asked, and finishes when told to stop.
#[tokio::test]
async fn the_loop_integrates_and_stops() {
    let zone = testkit::zone("centre").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let log = zone.zone().log;
    let running = tokio::spawn({
        let log = log.clone();
        async move { log.run(stopped).await }
    });
    zone.log.record_alone(entry(1)).await.unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(zone.log.status().await.unwrap().backlog, 0);
}
