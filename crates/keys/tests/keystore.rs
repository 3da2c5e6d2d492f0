//! The software keystore: files, unlocking, tampering, destruction (KEY-061, KEY-064, KEY-111, KEY-112).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{FixedClock, Random, Timestamp};
use keys::keystore::{KeyClass, KeySpec, KeyState, Keystore, KeystoreError, SoftKeystore, Unlock};
use zeroize::Zeroizing;

/// Bytes that never repeat, without an operating system.
#[derive(Default)]
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        use sha2::Digest as _;
        for chunk in bytes.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let hash = sha2::Sha256::digest(n.to_le_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(Timestamp::from_micros(1_795_252_500_000_000)))
}

fn open(dir: &Path, random: &Arc<Counter>) -> Result<SoftKeystore, KeystoreError> {
    SoftKeystore::open_or_init(dir, clock(), random.clone())
}

fn spec() -> KeySpec {
    KeySpec::permit("NO-2026-000045")
}

#[test]
fn key_061_the_behaviour_that_every_keystore_has() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let store = open(dir.path(), &random).unwrap();
    let kek = store.generate(&spec()).unwrap();
    assert_eq!(store.generate(&spec()).unwrap(), kek, "the same key is made once");
    let wrapped = store.wrap(kek, &[7; 32]).unwrap();
    assert_eq!(*store.unwrap(kek, &wrapped).unwrap(), [7; 32]);
    let other = store.generate(&KeySpec::permit("NO-2026-000046")).unwrap();
    assert_eq!(store.unwrap(other, &wrapped).unwrap_err(), KeystoreError::DoesNotOpen);
    assert_ne!(store.cmac(kek, b"a").unwrap(), store.cmac(other, b"a").unwrap());
    let mut blocks = [[0u8; 16]; 3];
    store.ecb_blocks(kek, &mut blocks).unwrap();
    assert_eq!(blocks[0], blocks[2]);
    assert_ne!(blocks[0], [0; 16]);
    assert_ne!(store.derive(kek, "a", b"").unwrap(), store.derive(kek, "b", b"").unwrap());

    store.set_state(kek, KeyState::Suspended).unwrap();
    assert_eq!(store.cmac(kek, b"a").unwrap_err(), KeystoreError::NotActive(KeyState::Suspended));
    store.set_state(kek, KeyState::Active).unwrap();
    store.set_state(kek, KeyState::Compromised).unwrap();
    assert!(store.set_state(kek, KeyState::Active).is_err(), "compromised is for good");

    let signing = store.generate(&KeySpec::new(KeyClass::Signing, "audit")).unwrap();
    let signer = store.signer("audit").unwrap();
    let signature = store.sign(signing, b"m").unwrap();
    assert_eq!(signature, signer.sign(b"m").unwrap());
    protocol::dsse::verify_ed25519(&signer.public_key(), b"m", &signature).unwrap();
    assert!(protocol::dsse::verify_ed25519(&signer.public_key(), b"n", &signature).is_err());
    assert_eq!(store.list().len(), 3);
}

#[test]
fn keys_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let (public, sealed, wrapped) = {
        let store = open(dir.path(), &random).unwrap();
        let sealed = store.sealer("table").unwrap().seal("t/1/c", b"text").unwrap();
        let kek = store.generate(&spec()).unwrap();
        (store.x25519("seal").unwrap().public(), sealed, store.wrap(kek, &[9; 32]).unwrap())
    };
    let store = open(dir.path(), &random).unwrap();
    assert_eq!(store.x25519("seal").unwrap().public(), public);
    let sealer = store.sealer("table").unwrap();
    assert_eq!(sealer.open("t/1/c", &sealed).unwrap(), b"text");
    assert!(sealer.open("t/2/c", &sealed).is_err(), "bound to its place");
    let kek = store.find(&spec()).unwrap();
    assert_eq!(*store.unwrap(kek, &wrapped).unwrap(), [9; 32]);
}

#[test]
fn two_handles_on_one_folder_agree() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let a = open(dir.path(), &random).unwrap();
    let b = open(dir.path(), &random).unwrap();
    assert_eq!(a.signer("x").unwrap().public_key(), b.signer("x").unwrap().public_key());
}

#[cfg(unix)]
#[test]
fn key_064_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let store = open(dir.path(), &random).unwrap();
    store.generate(&spec()).unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "lock" {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
    drop(store);
    let unlock = dir.path().join("unlock.key");
    fs::set_permissions(&unlock, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(open(dir.path(), &random), Err(KeystoreError::Io { .. })));
}

#[test]
fn key_064_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let with = |text: &str| {
        let unlock = Unlock::Passphrase(Zeroizing::new(text.as_bytes().to_vec()));
        SoftKeystore::open_with(dir.path(), &unlock, clock(), random.clone())
    };
    let public = with("correct").unwrap().signer("a").unwrap().public_key();
    assert_eq!(with("correct").unwrap().signer("a").unwrap().public_key(), public);
    assert!(matches!(with("wrong"), Err(KeystoreError::WrongUnlock)));
    let root = fs::read_to_string(dir.path().join("root.json")).unwrap();
    assert!(root.contains("\"kdf\":\"argon2id\"") && root.contains("\"m_kib\":65536"));
}

#[test]
fn key_064_any_changed_byte_of_a_key_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let key = open(dir.path(), &random).unwrap().generate(&spec()).unwrap();
    let path = dir.path().join(format!("{key}.key"));
    let good = fs::read(&path).unwrap();
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(open(dir.path(), &random).is_err(), "byte {i}");
    }
    fs::write(&path, &good).unwrap();
    open(dir.path(), &random).unwrap();
}

#[test]
fn a_lost_root_is_never_replaced_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    open(dir.path(), &random).unwrap().generate(&spec()).unwrap();
    fs::remove_file(dir.path().join("root.json")).unwrap();
    assert!(matches!(open(dir.path(), &random), Err(KeystoreError::Damaged(_))));
}

/// KEY-112: whatever files a crash leaves, opening gives the old state or a finished destruction. Every prefix of the
/// writes of a destruction is replayed: the files before, overlaid by the first k files as they are afterwards.
#[test]
fn key_112_a_crash_in_shredding_leaves_the_old_state_or_a_finished_one() {
    let random = Arc::new(Counter::default());
    let before = tempfile::tempdir().unwrap();
    let (doomed, kept, wrapped_doomed, wrapped_kept) = {
        let store = open(before.path(), &random).unwrap();
        let doomed = store.generate(&spec()).unwrap();
        let kept = store.generate(&KeySpec::permit("NO-2026-000046")).unwrap();
        store.generate(&KeySpec::new(KeyClass::Signing, "audit")).unwrap();
        (doomed, kept, store.wrap(doomed, &[1; 32]).unwrap(), store.wrap(kept, &[2; 32]).unwrap())
    };
    // The intent, as the keystore writes it: taken from a destruction that is stopped by a folder in the way of the
    // first file that is to be written anew.
    let intent = {
        let dir = copy(before.path());
        let store = open(dir.path(), &random).unwrap();
        let first = store.list().into_iter().map(|h| h.key_id).find(|k| *k != doomed).unwrap();
        fs::create_dir(dir.path().join(format!("{first}.tmp"))).unwrap();
        assert!(store.destroy(doomed).is_err());
        drop(store);
        fs::remove_dir(dir.path().join(format!("{first}.tmp"))).unwrap();
        dir
    };
    assert!(fs::read_to_string(intent.path().join("root.json")).unwrap().contains("pending"));
    let after = copy(intent.path());
    open(after.path(), &random).unwrap();

    let mut names: Vec<String> = fs::read_dir(before.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.ends_with(".key") && n != "unlock.key" && *n != format!("{doomed}.key"))
        .collect();
    names.sort();
    for written in 0..=names.len() + 1 {
        let dir = copy(intent.path());
        for name in names.iter().take(written) {
            fs::copy(after.path().join(name), dir.path().join(name)).unwrap();
        }
        if written > names.len() {
            fs::remove_file(dir.path().join(format!("{doomed}.key"))).unwrap();
        }
        let store = open(dir.path(), &random).unwrap();
        assert_eq!(store.unwrap(doomed, &wrapped_doomed).unwrap_err(), KeystoreError::NotFound, "{written}");
        assert_eq!(*store.unwrap(kept, &wrapped_kept).unwrap(), [2; 32], "{written}");
        assert_eq!(store.generation(), 2);
    }
    let untouched = open(before.path(), &random).unwrap();
    assert_eq!(*untouched.unwrap(doomed, &wrapped_doomed).unwrap(), [1; 32]);
}

#[test]
fn key_073_a_copy_of_a_destroyed_key_file_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let random = Arc::new(Counter::default());
    let store = open(dir.path(), &random).unwrap();
    let key = store.generate(&spec()).unwrap();
    store.generate(&KeySpec::permit("NO-2026-000046")).unwrap();
    let path = dir.path().join(format!("{key}.key"));
    let copy = fs::read(&path).unwrap();
    store.destroy(key).unwrap();
    assert!(!path.exists());
    store.destroy(key).unwrap();
    drop(store);
    fs::write(&path, copy).unwrap();
    assert!(matches!(open(dir.path(), &random), Err(KeystoreError::Damaged(_))));
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}
