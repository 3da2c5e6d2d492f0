//! DATA-111, DATA-112, DATA-054: packages made by the public tool open to the bytes that its checksum names; wrong keys,
//! cut or swapped chunks and members that lead elsewhere are refused, and nothing is left behind.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use datastore::package::{PackageKey, PublicKey, generate, unpack, write};
use sha2::{Digest, Sha256};
use testkit::Seeded;

const NAMES: [&str; 4] = ["BEFOLKNING_BOSTED", "BEFOLKNING_INNTEKT", "BEFOLKNING_KJOENN", "BEFOLKNING_SIVILSTAND"];

fn material(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn golden(name: &str) -> PathBuf {
    material("golden/packages").join(format!("{name}.tar"))
}

fn golden_key() -> PackageKey {
    PackageKey::read(&material("golden/microdata_private_key.pem")).unwrap()
}

/// Members of a tar: path, kind, bytes.
fn members(path: &Path) -> Vec<(String, tar::EntryType, Vec<u8>)> {
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    let read = |e: std::io::Result<tar::Entry<'_, fs::File>>| {
        let mut entry = e.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (String::from_utf8(entry.path_bytes().into_owned()).unwrap(), entry.header().entry_type(), bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// A tar with these members, whatever their names.
fn pack(path: &Path, members: &[(String, tar::EntryType, Vec<u8>)]) {
    let mut builder = tar::Builder::new(fs::File::create(path).unwrap());
    for (name, kind, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.finish().unwrap();
}

/// The golden package with its members changed, in a folder of its own.
fn changed(change: impl FnOnce(&mut Vec<(String, tar::EntryType, Vec<u8>)>)) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("BEFOLKNING_BOSTED.tar");
    let mut all = members(&golden("BEFOLKNING_BOSTED"));
    change(&mut all);
    pack(&path, &all);
    (folder, path)
}

/// Unpacks and expects a refusal that says this; nothing may be left.
fn refused(package: &Path, key: Option<&PackageKey>, says: &str) {
    let out = tempfile::tempdir().unwrap();
    let error = unpack(package, key, out.path()).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn data_111_golden_packages_open_to_the_bytes_of_their_checksum() {
    let out = tempfile::tempdir().unwrap();
    for name in NAMES {
        let folder = unpack(&golden(name), Some(&golden_key()), out.path()).unwrap();
        let data = fs::read(folder.join(format!("{name}.csv"))).unwrap();
        let all = members(&golden(name));
        let sum = all.iter().find(|m| m.0.ends_with(".sha256")).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&data)), String::from_utf8_lossy(&sum.2).trim());
        assert_eq!(data, fs::read(material("examples").join(name).join(format!("{name}.csv"))).unwrap());
    }
}

#[test]
fn data_111_the_wrong_key_is_refused() {
    let (_, private) = generate(&Seeded::new(1));
    refused(&golden("BEFOLKNING_BOSTED"), Some(&PackageKey::parse(&private).unwrap()), "wrong key?");
    let rsa = PackageKey::read(&material("legacy/rsa_test_key/microdata_private_key.pem")).unwrap();
    refused(&golden("BEFOLKNING_BOSTED"), Some(&rsa), "wrong key?");
    refused(&golden("BEFOLKNING_BOSTED"), None, "--key");
    refused(&material("legacy/VALID.tar"), Some(&golden_key()), "wrong key?");
}

#[test]
fn data_111_cut_chunks_and_changed_checksums_are_refused() {
    let (_keep, cut) = changed(|all| {
        let chunk = all.iter_mut().find(|m| m.0.ends_with("1.csv.encr")).unwrap();
        chunk.2.truncate(chunk.2.len() - 7);
    });
    refused(&cut, Some(&golden_key()), "chunk 1 does not open");
    let (_keep, other) = changed(|all| {
        let sum = all.iter_mut().find(|m| m.0.ends_with(".sha256")).unwrap();
        sum.2[0] = if sum.2[0] == b'0' { b'1' } else { b'0' };
    });
    refused(&other, Some(&golden_key()), "checksum differs");
    let (_keep, gap) = changed(|all| {
        let chunk = all.iter_mut().find(|m| m.0.ends_with("1.csv.encr")).unwrap();
        chunk.0 = chunk.0.replace("1.csv.encr", "2.csv.encr");
    });
    refused(&gap, Some(&golden_key()), "chunk 1 is missing");
    for what in ["json", "kem.encr", "sha256"] {
        let (_keep, missing) = changed(|all| all.retain(|m| !m.0.ends_with(what)));
        refused(&missing, Some(&golden_key()), &format!("BEFOLKNING_BOSTED.{what} is missing"));
    }
    let bytes = fs::read(golden("BEFOLKNING_BOSTED")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("BEFOLKNING_BOSTED.tar");
    // Also cut between two members, when what is left would be a package of metadata alone.
    for length in (0..bytes.len() - 10_240).step_by(512) {
        fs::write(&half, &bytes[..length]).unwrap();
        refused(&half, Some(&golden_key()), "broken or cut");
    }
}

#[test]
fn data_111_chunks_that_change_places_are_refused() {
    // A package of two chunks, put together from the key of one that we write: the format does not bind a chunk to its
    // number, so only the checksum sees it (DATA-057).
    let (folder, path) = changed(|all| {
        let chunk = all.iter().find(|m| m.0.ends_with("1.csv.encr")).unwrap().clone();
        let second = chunk.0.replace("1.csv.encr", "2.csv.encr");
        all.push((second, chunk.1, chunk.2));
    });
    refused(&path, Some(&golden_key()), "checksum differs");
    drop(folder);
}

#[test]
fn data_055_members_that_lead_out_of_the_package_are_refused() {
    let regular = tar::EntryType::Regular;
    for name in ["../BEFOLKNING_BOSTED.json", "chunks/../../x", "/etc/x"] {
        let (_keep, path) = changed(|all| all.push((name.to_owned(), regular, b"x".to_vec())));
        refused(&path, Some(&golden_key()), "leads out of it");
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Char, tar::EntryType::Fifo] {
        let (_keep, path) = changed(|all| all.push(("BEFOLKNING_BOSTED.x".to_owned(), kind, Vec::new())));
        refused(&path, Some(&golden_key()), "not a plain file");
    }
    let (_keep, path) = changed(|all| all.push(("OTHER.json".to_owned(), regular, b"{}".to_vec())));
    refused(&path, Some(&golden_key()), "unknown member");
    let (_keep, path) = changed(|all| all.push(all[0].clone()));
    refused(&path, Some(&golden_key()), "twice");
}

#[test]
fn data_055_members_may_come_in_any_order() {
    let (_keep, path) = changed(|all| all.reverse());
    let out = tempfile::tempdir().unwrap();
    unpack(&path, Some(&golden_key()), out.path()).unwrap();
}

#[test]
fn data_112_old_packages_open_with_the_rsa_key_and_name_what_is_missing() {
    let key = PackageKey::read(&material("legacy/rsa_test_key/microdata_private_key.pem")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let folder = unpack(&material("legacy/VALID.tar"), Some(&key), out.path()).unwrap();
    let data = fs::read(folder.join("VALID.csv")).unwrap();
    assert_eq!(data, fs::read(material("legacy/VALID_expected.csv")).unwrap());
    let only = unpack(&material("legacy/ONLY_JSON.tar"), None, out.path()).unwrap();
    assert!(only.join("ONLY_JSON.json").is_file() && !only.join("ONLY_JSON.csv").exists());
    refused(&material("legacy/MISSING_SYMKEY.tar"), Some(&key), "MISSING_SYMKEY.symkey.encr is missing");
    refused(&material("legacy/MISSING_CHUNK.tar"), Some(&key), "is missing");
}

#[test]
fn data_054_what_we_write_we_read() {
    let random = Seeded::new(7);
    let (public, private) = generate(&random);
    let (to, key) = (PublicKey::parse(&public).unwrap(), PackageKey::parse(&private).unwrap());
    let folder = tempfile::tempdir().unwrap();
    for name in NAMES {
        write(&material("examples").join(name), &to, folder.path(), &random).unwrap();
        let package = folder.path().join(format!("{name}.tar"));
        let out = tempfile::tempdir().unwrap();
        let back = unpack(&package, Some(&key), out.path()).unwrap();
        for ending in ["json", "csv"] {
            let file = format!("{name}.{ending}");
            assert_eq!(
                fs::read(back.join(&file)).unwrap(),
                fs::read(material("examples").join(name).join(&file)).unwrap()
            );
        }
        refused(&package, Some(&golden_key()), "wrong key?");
        let names: Vec<String> = members(&package).into_iter().map(|m| m.0).collect();
        let expected = ["json", "kem.encr", "sha256"].map(|e| format!("{name}.{e}"));
        assert!(
            expected.iter().all(|e| names.contains(e)) && names.contains(&"chunks/1.csv.encr".to_owned()),
            "{names:?}"
        );
    }
    // To the golden public key as well: the recipient has the tool's own private key.
    let golden = PublicKey::read(&material("golden/microdata_public_key.pem")).unwrap();
    let other = tempfile::tempdir().unwrap();
    write(&material("examples/BEFOLKNING_KJOENN"), &golden, other.path(), &random).unwrap();
    unpack(&other.path().join("BEFOLKNING_KJOENN.tar"), Some(&golden_key()), folder.path()).unwrap();
}

#[test]
fn data_053_key_files_that_are_none_are_refused() {
    let (public, private) = generate(&Seeded::new(3));
    assert!(PackageKey::parse(&public).is_err());
    assert!(PublicKey::parse(&private).is_err());
    assert!(PackageKey::parse("").is_err());
    let half: String = private.split_inclusive("-----END PRIVATE KEY-----\n").take(1).collect();
    assert!(PackageKey::parse(&half).is_err(), "both keys are needed");
    for cut in [10, 60, 120] {
        assert!(PackageKey::parse(&private[..private.len() - cut]).is_err());
    }
    assert_eq!(format!("{:?}", PackageKey::parse(&private).unwrap()), "PackageKey");
}
