//! DATA-116: whatever the bytes of metadata, packages, capsules and key files, they are read or refused; nothing panics.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use datastore::package::{PackageKey, PublicKey, unpack};
use datastore::{UnitTypes, read_metadata, validate};
use proptest::prelude::*;

fn material(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn golden_key() -> PackageKey {
    PackageKey::read(&material("golden/microdata_private_key.pem")).unwrap()
}

/// Some bytes of a file changed.
fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

fn flipped(file: &Path, flips: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = fs::read(file).unwrap();
    for (at, value) in flips {
        let i = at.index(bytes.len());
        bytes[i] = *value;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn metadata_is_read_or_refused(flips in flips(), compat in any::<bool>()) {
        let bytes = flipped(&material("examples/BEFOLKNING_SIVILSTAND/BEFOLKNING_SIVILSTAND.json"), &flips);
        if let Err(faults) = read_metadata(&bytes, &UnitTypes::default(), compat) {
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn packages_are_read_or_refused_and_leave_nothing(flips in flips(), cut in 0usize..21_000) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("BEFOLKNING_KJOENN.tar");
        let mut bytes = flipped(&material("golden/packages/BEFOLKNING_KJOENN.tar"), &flips);
        bytes.truncate(bytes.len().min(cut.max(1)));
        fs::write(&path, bytes).unwrap();
        let out = tempfile::tempdir().unwrap();
        match unpack(&path, Some(&golden_key()), out.path()) {
            // What was changed was not part of the package, or of its unprotected metadata (DATA-057).
            Ok(done) => {
                let data = fs::read(done.join("BEFOLKNING_KJOENN.csv")).unwrap();
                prop_assert_eq!(data, fs::read(material("examples/BEFOLKNING_KJOENN/BEFOLKNING_KJOENN.csv")).unwrap());
            }
            Err(_) => prop_assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0),
        }
        let _ = validate(&[path], Some(&golden_key()), false);
    }

    #[test]
    fn key_files_are_read_or_refused(flips in flips()) {
        for (name, private) in [("golden/microdata_private_key.pem", true), ("golden/microdata_public_key.pem", false), ("legacy/rsa_test_key/microdata_private_key.pem", true)] {
            let text = String::from_utf8_lossy(&flipped(&material(name), &flips)).into_owned();
            if private { drop(PackageKey::parse(&text)) } else { drop(PublicKey::parse(&text)) }
        }
    }
}
