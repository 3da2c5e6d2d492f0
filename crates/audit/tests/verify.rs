//! AUD-040: every kind of damage is found. AUD-012: anchoring and witnesses. AUD-033: erasing.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use audit::tree::leaf_hash;
use audit::{Actor, AuditError, Checkpoint, Kind, Options, Purpose, Query, Reason, verify};
use common::{check, copy, everything, files, write};
use kernel::Timestamp;
use testkit::{FixedSigner, TestZone};

fn reason(folder: &Path, options: &Options) -> Option<Reason> {
    verify(folder, options).unwrap().damage.map(|d| d.reason)
}

async fn log_of(n: usize) -> TestZone {
    let zone = testkit::zone("centre").await;
    write(&zone, 0, n).await;
    zone
}

/// AUD-040: one changed byte in any file of a small log.
#[tokio::test]
async fn every_changed_byte_of_a_small_log_is_found() {
    let zone = log_of(3).await;
    let folder = zone.log.folder();
    assert_eq!(check(folder).exit_code(), 0);
    let mut bytes_changed = 0;
    for file in files(folder) {
        let whole = fs::read(&file).unwrap();
        for i in 0..whole.len() {
            for change in [0x01, 0x20, 0x80] {
                let mut bytes = whole.clone();
                bytes[i] ^= change;
                fs::write(&file, &bytes).unwrap();
                let report = check(folder);
                assert_eq!(report.exit_code(), 1, "{} byte {i} ^ {change:#x}: {report:?}", file.display());
                bytes_changed += 1;
            }
        }
        fs::write(&file, &whole).unwrap();
    }
    assert!(bytes_changed > 5000, "{bytes_changed}");
    assert_eq!(check(folder).exit_code(), 0);
}

/// AUD-040: a changed byte in every file of a log with full tiles and two levels; cut and lengthened files too.
#[tokio::test]
async fn damage_to_any_file_of_a_larger_log_is_found() {
    let zone = log_of(600).await;
    let folder = zone.log.folder();
    let all = files(folder);
    assert!(all.iter().any(|f| f.ends_with("tile/1/000.p/2")), "{all:?}");
    for file in all.iter().filter(|f| !f.ends_with("lock")) {
        let whole = fs::read(file).unwrap();
        let last = whole.len() - 1;
        let mut damaged: Vec<Vec<u8>> = [0, last / 3, last / 2, last]
            .iter()
            .map(|i| {
                let mut bytes = whole.clone();
                bytes[*i] ^= 1;
                bytes
            })
            .collect();
        damaged.push(whole[..last].to_vec());
        damaged.push([whole.as_slice(), b"x"].concat());
        for bytes in damaged {
            fs::write(file, bytes).unwrap();
            assert_eq!(check(folder).exit_code(), 1, "{}", file.display());
        }
        fs::remove_file(file).unwrap();
        let report = check(folder);
        let keys = file.ends_with("keys");
        let bodies = file.strip_prefix(folder).unwrap().starts_with("bodies");
        let wanted = if bodies { 4 } else { 1 };
        assert_eq!(report.exit_code(), wanted, "{} removed: {report:?}", file.display());
        if keys {
            assert_eq!(report.damage.unwrap().reason, Reason::UnknownKey);
        }
        fs::write(file, &whole).unwrap();
    }
    assert_eq!(check(folder).exit_code(), 0);
}

/// The envelopes of a small log as its only bundle holds them.
fn bundle(folder: &Path, n: usize) -> (std::path::PathBuf, Vec<Vec<u8>>) {
    let path = folder.join(format!("tile/entries/000.p/{n}"));
    let bytes = fs::read(&path).unwrap();
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (entry, tail) = tail.split_at(u16::from_be_bytes(*length) as usize);
        entries.push(entry.to_vec());
        rest = tail;
    }
    (path, entries)
}

fn store_bundle(path: &Path, entries: &[Vec<u8>]) {
    let one = |e: &Vec<u8>| [&(e.len() as u16).to_be_bytes(), e.as_slice()].concat();
    fs::write(path, entries.iter().map(one).collect::<Vec<_>>().concat()).unwrap();
}

/// AUD-040: a deleted, inserted or swapped entry.
#[tokio::test]
async fn deleted_inserted_and_swapped_entries_are_found() {
    let zone = log_of(5).await;
    let (path, entries) = bundle(zone.log.folder(), 5);
    let found = |changed: &[Vec<u8>]| {
        store_bundle(&path, changed);
        let damage = check(zone.log.folder()).damage.unwrap();
        (damage.reason, damage.index)
    };
    let mut deleted = entries.clone();
    deleted.remove(1);
    assert_eq!(found(&deleted), (Reason::TileMismatch, Some(1)));
    let mut inserted = entries.clone();
    inserted.insert(3, entries[0].clone());
    assert_eq!(found(&inserted), (Reason::TileMismatch, Some(3)));
    let mut swapped = entries.clone();
    swapped.swap(2, 3);
    assert_eq!(found(&swapped), (Reason::TileMismatch, Some(2)));
    assert_eq!(found(&entries[..4]), (Reason::TileMismatch, Some(4)));
}

/// AUD-040: whoever changes an entry and every hash above it, without the key, is found by the root.
#[tokio::test]
async fn entry_and_tiles_changed_together_are_found_by_the_root() {
    let zone = log_of(5).await;
    let (path, mut entries) = bundle(zone.log.folder(), 5);
    entries[2] = String::from_utf8(entries[2].clone()).unwrap().replace("permit-2", "permit-7").into_bytes();
    store_bundle(&path, &entries);
    let hashes: Vec<u8> = entries.iter().flat_map(|e| leaf_hash(e)).collect();
    fs::write(zone.log.folder().join("tile/0/000.p/5"), hashes).unwrap();
    let options = Options { bodies: false, ..everything() };
    assert_eq!(reason(zone.log.folder(), &options), Some(Reason::RootMismatch));
}

/// Signs a changed log again with the log's own key: only consistency finds it, or the rules of sequence and time.
fn sign_again(folder: &Path, zone: &TestZone, entries: &[Vec<u8>]) {
    let (path, _) = bundle(folder, 5);
    fs::remove_file(&path).unwrap();
    let n = entries.len();
    store_bundle(&folder.join(format!("tile/entries/000.p/{n}")), entries);
    let mut edge = audit::tree::Edge::default();
    for entry in entries {
        edge.push(leaf_hash(entry));
    }
    let hashes: Vec<u8> = entries.iter().flat_map(|e| leaf_hash(e)).collect();
    fs::write(folder.join(format!("tile/0/000.p/{n}")), hashes).unwrap();
    let checkpoint = Checkpoint { origin: zone.log.origin().into(), size: n as u64, root: edge.root() };
    fs::write(folder.join("checkpoint"), checkpoint.sign(&FixedSigner::named("centre")).unwrap()).unwrap();
}

/// AUD-040: a rolled-back log and a re-signed fork are found with an earlier checkpoint; a gap in the sequence and a time
/// that goes back are found without one.
#[tokio::test]
async fn rollbacks_and_forks_are_found() {
    let zone = log_of(5).await;
    let old = zone.log.checkpoint().unwrap().unwrap();
    let with_old = Options { old: Some(old.clone()), ..Options::default() };
    assert_eq!(reason(zone.log.folder(), &with_old), None);
    let (_, entries) = bundle(zone.log.folder(), 5);

    let rolled = copy(zone.log.folder());
    sign_again(rolled.path(), &zone, &entries[..4]);
    assert_eq!(reason(rolled.path(), &Options::default()), None, "alone it looks whole");
    assert_eq!(reason(rolled.path(), &with_old), Some(Reason::InconsistentWithOld));

    let fork = copy(zone.log.folder());
    let mut other = entries.clone();
    other[1] = String::from_utf8(other[1].clone()).unwrap().replace("permit-1", "permit-9").into_bytes();
    sign_again(fork.path(), &zone, &other);
    assert_eq!(reason(fork.path(), &Options::default()), None, "alone it looks whole");
    assert_eq!(reason(fork.path(), &with_old), Some(Reason::InconsistentWithOld));
    assert_eq!(reason(fork.path(), &everything()), None, "the body still fits");

    let gap = copy(zone.log.folder());
    let mut missing = entries.clone();
    missing.remove(2);
    sign_again(gap.path(), &zone, &missing);
    let damage = verify(gap.path(), &Options::default()).unwrap().damage.unwrap();
    assert_eq!((damage.reason, damage.index), (Reason::SequenceGap, Some(2)));

    let back = copy(zone.log.folder());
    let mut late = entries.clone();
    let time = |by: i64| format!("\"t\":{}", 1_795_252_500_000_000 + by);
    late[1] = String::from_utf8(entries[1].clone()).unwrap().replace(&time(0), &time(5_000_000)).into_bytes();
    sign_again(back.path(), &zone, &late);
    let damage = verify(back.path(), &Options::default()).unwrap().damage.unwrap();
    assert_eq!((damage.reason, damage.index), (Reason::TimeBackwards, Some(2)));

    let newer = zone;
    write(&newer, 5, 300).await;
    assert_eq!(reason(newer.log.folder(), &with_old), None, "a grown log continues the old one");
}

/// A log signed by a key that the reader does not trust.
#[tokio::test]
async fn an_unknown_key_is_found() {
    let zone = log_of(2).await;
    let stranger = audit::VerifierKey::log(zone.log.origin(), kernel::Signer::public_key(&FixedSigner::named("x")));
    let options = Options { keys: vec![stranger], ..Options::default() };
    assert_eq!(reason(zone.log.folder(), &options), Some(Reason::UnknownKey));
    let options = Options { keys: vec![zone.log.key()], ..everything() };
    assert_eq!(reason(zone.log.folder(), &options), None);
}

/// AUD-062: a plain copy is valid, also of a part of it by range.
#[tokio::test]
async fn a_copy_verifies_offline() {
    let zone = log_of(600).await;
    let there = copy(zone.log.folder());
    assert_eq!(check(there.path()).checked, 600);
    let options = Options { from: Some(300), to: Some(310), ..everything() };
    let report = verify(there.path(), &options).unwrap();
    assert_eq!((report.exit_code(), report.checked), (0, 256));
}

async fn anchor(log: &TestZone, witness: &TestZone) -> Result<audit::Statement, AuditError> {
    let since = witness.log.seen(log.log.origin()).await?;
    let statement = log.log.statement(since).await?;
    let line = witness.log.witness(&log.log.key(), &statement).await?;
    log.log.witnessed(&statement, &[line]).await?;
    Ok(statement)
}

/// AUD-012, AUD-070: two zones witness each other; a changed cosignature is found; a fork is refused and recorded.
#[tokio::test]
async fn zones_witness_each_other_and_refuse_a_fork() {
    let (centre, keys) = (testkit::zone("centre").await, testkit::zone("keys").await);
    write(&centre, 0, 5).await;
    write(&keys, 0, 2).await;
    let first = anchor(&centre, &keys).await.unwrap();
    anchor(&keys, &centre).await.unwrap();
    write(&centre, 5, 300).await;
    anchor(&centre, &keys).await.unwrap();
    assert_eq!(keys.log.seen(centre.log.origin()).await.unwrap(), centre.log.status().await.unwrap().size);
    assert_eq!(keys.actions().await[2..], ["log.anchor ok", "log.anchor ok"]);

    let now = centre.zone().clock.now();
    let options = Options { witnesses: vec![keys.log.witness_key()], now: Some(now), ..everything() };
    assert_eq!(verify(centre.log.folder(), &options).unwrap().exit_code(), 0);
    let late = Options { now: Some(now.plus_seconds(49 * 3600)), ..options.clone() };
    assert_eq!(verify(centre.log.folder(), &late).unwrap().exit_code(), 3);
    let unknown = Options { witnesses: vec![centre.log.witness_key()], ..options.clone() };
    assert_eq!(reason(centre.log.folder(), &unknown), Some(Reason::UnknownKey));
    let path = centre.log.folder().join("witnessed");
    let whole = fs::read(&path).unwrap();
    for i in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[i] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(verify(centre.log.folder(), &options).unwrap().exit_code(), 1, "byte {i}");
    }
    fs::write(&path, &whole).unwrap();

    // The same name and key with another history.
    let fork = testkit::zone("centre").await;
    write(&fork, 100, 420).await;
    let statement = fork.log.statement(keys.log.seen(centre.log.origin()).await.unwrap()).await.unwrap();
    let refused = keys.log.witness(&centre.log.key(), &statement).await;
    assert!(matches!(refused, Err(AuditError::Refused("inconsistent"))), "{refused:?}");
    let refused = keys.log.witness(&centre.log.key(), &first).await;
    assert!(matches!(refused, Err(AuditError::Refused("inconsistent"))), "an older checkpoint again");
    let stranger = keys.log.witness(&keys.log.key(), &statement).await;
    assert!(matches!(stranger, Err(AuditError::Refused("bad_signature"))));
    assert_eq!(keys.actions().await.last().unwrap(), "log.anchor refused inconsistent");
}

/// AUD-033, AUD-060: erased bodies are gone and explained, proofs stay; a body that is gone without explanation is
/// found; the retention floor and the second person are kept.
#[tokio::test]
async fn erased_bodies_are_explained_and_others_are_missed() {
    let zone = log_of(3).await;
    let year = 366 * 86_400;
    let read = audit::Action::new(Kind::Read, "room.open", &[]);
    let entry = || audit::Entry::new(&read, Actor::person("a"), audit::Object::new("room", "tsd"));
    zone.log.record_alone(entry()).await.unwrap();
    zone.clock.advance_micros(2 * year * 1_000_000);
    zone.log.record_alone(entry()).await.unwrap();
    zone.log.integrate().await.unwrap();
    let by = || Actor::person("officer-1");
    let cutoff: Timestamp = zone.zone().clock.now().plus_seconds(-year);
    let alone = zone.log.erase(by(), "officer-1", Kind::Read, cutoff, "retention").await;
    assert!(matches!(alone, Err(AuditError::Refused("same_person"))));
    let early = zone.log.erase(by(), "officer-2", Kind::Decision, cutoff, "retention").await;
    assert!(matches!(early, Err(AuditError::Refused("too_young"))));
    assert_eq!(zone.log.erase(by(), "officer-2", Kind::Read, cutoff, "retention").await.unwrap(), 1);
    let report = check(zone.log.folder());
    assert_eq!((report.exit_code(), report.missing_bodies), (0, 0));
    let found = zone.log.find(&Query { kind: Some(Kind::Read), ..Query::default() }).await.unwrap();
    assert_eq!(found.iter().map(|f| f.body.is_some()).collect::<Vec<_>>(), [true, false]);
    assert!(zone.log.prove(3).unwrap().check(&[zone.log.key()]).is_ok());
    write(&zone, 3, 300).await;
    assert_eq!(check(zone.log.folder()).exit_code(), 0, "the log goes on");

    let folder = zone.log.folder();
    let bodies = folder.join("bodies/000");
    let mut bytes = fs::read(&bodies).unwrap();
    let first = 4 + 16 + u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    bytes.splice(..first, [0; 4]);
    fs::write(&bodies, bytes).unwrap();
    let report = check(folder);
    assert_eq!((report.exit_code(), report.missing_bodies), (4, 1));
}

/// Every entry of a search by an auditor can be read by a person who has only the folder.
#[tokio::test]
async fn an_empty_log_has_a_checkpoint_and_verifies() {
    let zone = testkit::zone("centre").await;
    zone.log.integrate().await.unwrap();
    let report = check(zone.log.folder());
    assert_eq!((report.exit_code(), report.size), (0, 0));
    let none = zone.log.search(Actor::person("auditor"), Purpose::Security, &Query::default()).await.unwrap();
    assert!(none.is_empty());
}
